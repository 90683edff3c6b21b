"""The controls of an explorer, as plain values and as ipywidgets.

A control is described by values that JSON holds; what they mean is in controls.js.
"""

from collections.abc import Mapping

import anywidget
import traitlets
from ipywidgets import Dropdown, FloatSlider, IntSlider, Layout, Widget


def slider(label: str, low, high, step, value, **rules) -> dict:
    """A number from `low` to `high`, whole if the step is; `rules`: by, only."""
    decimals = len(f"{step}".partition(".")[2]) if step % 1 else 0
    span = {"min": low, "max": high, "step": step, "decimals": decimals}
    return {"kind": "slider", "label": label, **span, "value": value, **rules}


def select(label: str, options: Mapping[str, str], value: str | None = None) -> dict:
    """One of the values of `options`, by default the first."""
    pairs = [list(pair) for pair in options.items()]
    chosen = pairs[0][1] if value is None else value
    return {"kind": "select", "label": label, "options": pairs, "value": chosen}


def button(label: str) -> dict:
    """Something to press; its value is how often it was."""
    return {"kind": "button", "label": label, "value": 0}


def kept() -> dict:
    """A list that nobody sees, which the view fills and Python reads."""
    return {"kind": "kept", "label": "", "value": []}


class _FloatSlider(FloatSlider):
    """One that sends a new range before a value in it.

    In the other order the page would round the value to the steps of the old range.
    """

    def get_state(self, *args, **kwargs):
        state = super().get_state(*args, **kwargs)
        return dict(sorted(state.items(), key=lambda item: item[0] == "value"))


class _Button(anywidget.AnyWidget):
    """A button whose presses can be read, and set, like any other control's value."""

    _esm = """
    function render({ model, el }) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "explorer-button";
      const write = () => (button.textContent = model.get("description"));
      model.on("change:description", write);
      write();
      button.addEventListener("click", () => {
        model.set("value", model.get("value") + 1);
        model.save_changes();
      });
      el.append(button);
      return () => model.off("change:description", write);
    }
    export default { render };
    """
    description = traitlets.Unicode().tag(sync=True)
    value = traitlets.Int(0).tag(sync=True)


class _Kept(Widget):
    """A list that the page sends."""

    value = traitlets.List().tag(sync=True)


def widget(name: str, control: Mapping) -> Widget:
    """A control as a widget with its CSS class."""
    kind, label, value = (control[key] for key in ("kind", "label", "value"))
    if kind == "kept":
        return _Kept(value=value)
    common = {"description": label, "layout": Layout(width="426px")}
    if kind == "button":
        made = _Button(description=label)
        made.layout = Layout(width="248px", margin="2px 2px 2px 178px")
    elif kind == "select":
        options = [tuple(pair) for pair in control["options"]]
        made = Dropdown(options=options, value=value, **common)
    else:
        span = {key: control[key] for key in ("min", "max", "step")}
        if decimals := control["decimals"]:
            span["readout_format"] = f".{decimals}f"
        make = _FloatSlider if decimals else IntSlider
        made = make(value=value, **span, **common)
    if kind != "button":
        made.style.description_width = "170px"
    made.add_class(name)
    return made
