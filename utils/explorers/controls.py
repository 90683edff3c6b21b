"""The controls of an explorer: what they are called, and which values they can have.

A control is described by values that JSON holds; controls.js says what each means, and
draws it as a native input inside an element of the CSS class `css`.
"""

import numbers
from collections.abc import Iterable, Mapping

from traitlets import TraitError


def slider(css: str, label: str, low, high, step, value, **rules) -> dict:
    """A number from `low` to `high`, whole if the step is; `rules`: by, only."""
    decimals = len(f"{step}".partition(".")[2]) if step % 1 else 0
    span = {"label": label, "min": low, "max": high, "step": step, "decimals": decimals}
    return {"kind": "slider", "css": css, **span, "value": value, **rules}


def select(css: str, label: str, options: Mapping, value=None) -> dict:
    """One of the values of `options`, which are by their text; by default the first."""
    pairs = [list(pair) for pair in options.items()]
    chosen = pairs[0][1] if value is None else value
    shown = {"label": label, "options": pairs}
    return {"kind": "select", "css": css, **shown, "value": chosen}


def button(css: str, label: str) -> dict:
    """Something to press; its value is how often it was pressed."""
    return {"kind": "button", "css": css, "label": label, "value": 0}


def kept() -> dict:
    """A list that is not shown: the view fills it and Python reads it."""
    return {"kind": "kept", "css": "", "label": "", "value": []}


def rare(control: Mapping) -> dict:
    """A control that a narrow page keeps behind "More"."""
    return {**control, "rare": True}


def spanned(control: Mapping, chosen: Mapping) -> dict:
    """A control with the range that follows from what is chosen elsewhere."""
    for other, spans in control.get("by", {}).items():
        control = {**control, **spans[chosen[other]]}
    return dict(control)


def fitted(name: str, control: Mapping, value):
    """The value as the control has it: a slider's at the nearest step.

    Raises:
        TraitError: for a value that the control cannot have.
    """
    kind, low = control["kind"], control.get("min", 0)
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if kind == "select":
        options = [option for _, option in control["options"]]
        if value in options:
            return options[options.index(value)]
        expected = f"one of {', '.join(map(repr, options))}"
    elif kind == "slider":
        step, decimals = control["step"], control["decimals"]
        if is_number and low <= value <= control["max"]:
            nearest = round(low + step * round((value - low) / step), decimals)
            return nearest if decimals else int(nearest)
        expected = f"a number from {low:g} to {control['max']:g}"
    elif kind == "button":
        if is_number and value >= 0 and value % 1 == 0:
            return int(value)
        expected = "how often it was pressed, a whole number of at least 0"
    else:
        if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
            return list(value)
        expected = "a list"
    about = f" ({control['label']})" if control["label"] else ""
    raise TraitError(f"Expected {name}{about} to be {expected}. Received {value!r}.")
