"""An explorer: controls and a picture that the reader's page computes by itself.

One description, plain values that JSON holds, drives two forms of it. With a kernel the
controls are ipywidgets, whose models the view reads in the browser: a picture needs no
answer from Python, and Python can read and set every control. Without a kernel the same
script makes native controls; it is part of the output (`html`), together with network,
weights and digits, and asks no address for anything.

A displayed explorer has both, as `application/vnd.jupyter.widget-view+json` and as
`text/html`. Who wants it alive where no kernel is (a notebook to keep) takes the
widget view out of the output.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import anywidget
import keras
import matplotlib
import numpy as np
import traitlets
from ipywidgets import (
    DOMWidget,
    Dropdown,
    FloatSlider,
    HBox,
    IntSlider,
    Layout,
    VBox,
    Widget,
    widget_serialization,
)

from utils.attention import DIGITS, KINDS
from utils.explorers.scripts import NETWORK, one_script
from utils.figures import GAIN_COLOURS
from utils.model import build_model, map_shape
from utils.noise import WHITE

HERE = Path(__file__).parent
SCRIPTS = one_script(
    [
        *[*NETWORK, "noise.js", "data.js", "psychometrics.js", "panels.js"],
        *["controls.js", "pad.js", "digits.js", "study.js", "observer.js"],
        *["display.js", "learning.js", "explorer.js"],
    ]
)
# In a function, whose text a page can give to a worker: it is sent once. In a block of
# it, where a name that two files give is an error.
SCRIPT = f"""function explorerScript() {{{{
{SCRIPTS}
return {{ mount, render, answerMessages }};
}}}}"""
STILL = (
    "This explorer moves where scripts may run: in JupyterLab, once the notebook is "
    "trusted or run, and in its page. The figure beside it shows the same."
)
MOST_DIGITS = 500  # that travel with a page, 210 bytes each
SIZES = range(3, 77)  # rows and columns of images that network.wasm takes
SHAPES = {  # of a network's weights, in the order of network.js
    "conv_1/kernel": (3, 3, 1, 32),
    "conv_1/bias": (32,),
    "conv_2/kernel": (3, 3, 32, 32),
    "conv_2/bias": (32,),
    "dense_2/kernel": (32, 10),
    "dense_2/bias": (10,),
}


# ---- controls, by CSS class; what they mean is in controls.js


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


# ---- data


def packed(array, kind: str = "uint8") -> str:
    """An array as text in base64."""
    return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode()


def digits(images, labels, most: int = MOST_DIGITS) -> dict:
    """Digits for a page, the first `most` of them, deflated.

    Args:
        images: `(images, rows, cols)` grey levels, which are rounded.
        labels: `(images,)` digits.

    Raises:
        ValueError: if they are no such arrays.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 3 or not 0 < len(images) == labels.size or labels.ndim != 1:
        raise ValueError(
            "Expected images (images, rows, cols) and a label for each, one or more. "
            f"Received shapes {images.shape} and {labels.shape}. Take the channel "
            "off with images[..., 0]; one image is images[None]."
        )
    if images.shape[1] not in SIZES or images.shape[2] not in SIZES:
        raise ValueError(
            f"Expected images of {SIZES[0]} x {SIZES[0]} to {SIZES[-1]} x {SIZES[-1]} "
            f"pixels. Received {images.shape[1]} x {images.shape[2]}. Crop or shrink."
        )
    images, labels = images[:most], labels[:most]
    if images.dtype.kind not in "iuf" or not np.all((images >= 0) & (images <= WHITE)):
        span = f"{images.min()} to {images.max()}" if images.dtype.kind in "iuf" else ""
        raise ValueError(
            "Expected grey levels from 0 (background) to 255 (ink). Received "
            f"{images.dtype} {span}. Scale or clip them; NaN has no grey."
        )
    if not np.isin(labels, range(10)).all():
        raise ValueError(f"Expected labels from 0 to 9. Received {np.unique(labels)}.")
    rows, cols = images.shape[1:]
    deflated = zlib.compress(images.round().astype("uint8").tobytes(), 9)
    text = base64.b64encode(deflated).decode()
    return {"rows": rows, "cols": cols, "images": text, "labels": labels.tolist()}


def network(label: str, model) -> dict:
    """A network for a page, of a model from `build_model` or of weights by layer.

    Raises:
        ValueError: if it is not the network of `utils.model`, or not finite.
    """
    weights, scale = model, 1.0
    if isinstance(model, keras.Model):
        variables = model.trainable_variables
        weights = {"/".join(v.path.split("/")[-2:]): v.value for v in variables}
        if "rescaling" in [layer.name for layer in model.layers]:
            scale = model.get_layer("rescaling").scale  # conv_1 is linear in its input
    if not isinstance(weights, Mapping):
        weights = {}
    weights = {name: np.asarray(array) for name, array in weights.items()}
    shapes = {name: array.shape for name, array in weights.items()}
    if shapes != SHAPES:
        raise ValueError(
            "Expected a network of utils.model.build_model, or its weights by layer: "
            f"{_listed(SHAPES)}. Received {_listed(shapes) or 'none'}."
        )
    if isinstance(model, keras.Model):
        _check_wiring(model)
    weights["conv_1/kernel"] = weights["conv_1/kernel"] * scale
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(
                f"Expected finite weights. Received NaN or infinity in {name}: "
                "training diverged. Train again at a lower learning rate."
            )
    flat = np.concatenate([weights[name].ravel() for name in SHAPES])
    return {"label": label, "weights": packed(flat, "float32")}


def parameters(kind: str, own: Mapping, shape: tuple[int, int]) -> dict[str, dict]:
    """Parameters of kinds, as a page takes them: `own`, and the order of `shuffled`.

    That is the order in which it takes the places of a map of their numbers.

    Args:
        kind: that has parameters of its `own`.
        own: by name.
        shape: `(rows, cols)` of images.
    """
    given = {"shuffled": {}, kind: dict(own)}
    moved = given["shuffled"]
    if moved.pop("each", False):
        raise ValueError(
            "A page shuffles every image in the same order. Received each=True. Give a "
            "model of attention 'shuffled' with an order instead."
        )
    order = {name: moved.pop(name) for name in ("order", "inside") if name in moved}
    size = map_shape(shape)
    numbers = np.arange(np.prod(size), dtype="float32").reshape(1, *size, 1)
    features, evidence = np.repeat(numbers, 32, -1), np.zeros((1, *size, DIGITS))
    places = KINDS["shuffled"].attend(features, evidence, **order)
    moved["places"] = np.ravel(places).astype(int).tolist()
    return given


def gain_colours() -> str:
    """The colours of gains, 256 x (red, green, blue), packed."""
    return packed(matplotlib.colormaps[GAIN_COLOURS](np.arange(256), bytes=True)[:, :3])


def _check_wiring(model):
    """Refuse a model that differs from the post's in more than its attention."""
    known = {layer.name for layer in build_model("given", input_scale=0.5).layers}
    if other := {layer.name for layer in model.layers} - known:
        raise ValueError(
            "Expected a model in the wiring that build_model has of its own: map from "
            "the first look, gain on conv_2's input, mean over places. Received layers "
            f"{', '.join(sorted(other))} beside it. Use predict(model, images) instead."
        )


def _listed(shapes):
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())


# ---- the widget


class _View(anywidget.AnyWidget):
    """What is below the controls, drawn in the browser."""

    _esm = f"{SCRIPT}\nexport default explorerScript();\n"
    _css = HERE / "explorer.css"
    description = traitlets.Dict().tag(sync=True)
    controls = traitlets.Dict().tag(sync=True, **widget_serialization)
    begun = traitlets.Dict().tag(sync=True)  # values that the page would begin with


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


class Explorer(VBox):
    """Controls above a picture.

    Args:
        view: its name in explorer.js.
        columns: of controls, by CSS class.
        data: what the view draws, as values that JSON holds.

    Attributes:
        controls: the widgets by CSS class; each has a `value` to read and to set.

    Example:
        >>> explorer.controls["noise-slider"].value = 40
    """

    def __init__(self, view: str, columns: Iterable[Mapping[str, dict]], data: dict):
        columns = list(columns)
        described = {name: each for column in columns for name, each in column.items()}
        self.controls = {name: _widget(name, each) for name, each in described.items()}
        self.description = {
            "view": view,
            "controls": [{"name": name, **each} for name, each in described.items()],
            "groups": [list(column) for column in columns],
            "data": data,
        }
        self.view = _View(description=self.description, controls=self.controls)
        shown = {x: w for x, w in self.controls.items() if isinstance(w, DOMWidget)}
        groups = [VBox([shown[x] for x in column if x in shown]) for column in columns]
        panel = HBox(groups, layout=Layout(flex_flow="row wrap"))
        super().__init__([panel, self.view])
        for widget, name in ((self, "explorer"), (panel, "explorer-controls")):
            widget.add_class(name)
        for control in self.controls.values():
            control.observe(self._adapt, "value")
        self.view.observe(self._begin, "begun")
        self._adapt()

    def _adapt(self, *_):
        """Have the controls that follow a select follow it, as controls.js does."""
        for each in self.description["controls"]:
            control = self.controls[each["name"]]
            for other, ranges in each.get("by", {}).items():
                span = ranges[self.controls[other].value]
                if control.max == span["max"]:
                    continue
                level = control.value / control.max * span["max"]
                with control.hold_sync():
                    control.max, control.step = span["max"], span["step"]
                    control.value = span["step"] * round(level / span["step"])
                    control.readout_format = f".{span['decimals']}f"
                    control.description = span["label"]
            if rules := each.get("only"):
                chosen = {name: self.controls[name].value for name in rules}
                control.disabled = any(chosen[x] not in rules[x] for x in rules)

    def _begin(self, _):
        """Take what the page would begin with, if no control has been set before."""
        if self._now() == self.description["controls"]:
            for name, value in self.view.begun.items():
                self.controls[name].value = value

    def _now(self):
        """The controls as described, but for their values, which are today's."""
        described = self.description["controls"]
        return [{**x, "value": self.controls[x["name"]].value} for x in described]

    def html(self) -> str:
        """The explorer as it stands, for a page without a kernel."""
        now = {**self.description, "controls": self._now()}
        now["begins"] = now["controls"] == self.description["controls"]
        text = json.dumps(now, allow_nan=False).replace("<", "\\u003c")
        mark = hashlib.sha256(text.encode()).hexdigest()[:12]
        css = (HERE / "explorer.css").read_text("utf-8")
        return f"""<div class="explorer explorer-page" data-explorer="{mark}">
<p>{STILL}</p></div>
<style>{css}</style>
<script type="module">
{SCRIPT}
const {{ mount }} = explorerScript();
const waiting = '[data-explorer="{mark}"]:not([data-alive])';
for (const root of document.querySelectorAll(waiting)) {{
  root.dataset.alive = "true";
  mount(root, {text});
}}
</script>"""

    def _repr_mimebundle_(self, **how):
        return {**super()._repr_mimebundle_(**how), "text/html": self.html()}


def _widget(name, control) -> Widget:
    """A control as a widget with its CSS class."""
    kind, label, value = (control[key] for key in ("kind", "label", "value"))
    if kind == "kept":
        return _Kept(value=value)
    common = {"description": label, "layout": Layout(width="426px")}
    if kind == "button":
        widget = _Button(description=label)
        widget.layout = Layout(width="248px", margin="2px 2px 2px 178px")
    elif kind == "select":
        options = [tuple(pair) for pair in control["options"]]
        widget = Dropdown(options=options, value=value, **common)
    else:
        span = {key: control[key] for key in ("min", "max", "step")}
        if decimals := control["decimals"]:
            span["readout_format"] = f".{decimals}f"
        make = _FloatSlider if decimals else IntSlider
        widget = make(value=value, **span, **common)
    if kind != "button":
        widget.style.description_width = "170px"
    widget.add_class(name)
    return widget
