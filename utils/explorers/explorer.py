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

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import anywidget
import traitlets
from ipywidgets import DOMWidget, HBox, Layout, VBox, widget_serialization

from utils.explorers.packing import NETWORK, one_script
from utils.explorers.widgets import widget

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


class _View(anywidget.AnyWidget):
    """What is below the controls, drawn in the browser."""

    _esm = f"{SCRIPT}\nexport default explorerScript();\n"
    _css = HERE / "explorer.css"
    description = traitlets.Dict().tag(sync=True)
    controls = traitlets.Dict().tag(sync=True, **widget_serialization)
    begun = traitlets.Dict().tag(sync=True)  # values that the page would begin with


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
        self.controls = {name: widget(name, each) for name, each in described.items()}
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
        self.add_class("explorer")
        panel.add_class("explorer-controls")
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
