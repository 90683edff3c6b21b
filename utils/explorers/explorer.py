"""An explorer: controls and a picture that the reader's page computes by itself.

One description, plain values that JSON holds, drives the page's script, which draws the
controls and the picture. It runs in two places. Beside a kernel it is an anywidget,
with a trait for each control: Python reads, sets and observes them, and no picture
waits for Python. Without a kernel the script is part of the output (`html`), with
network, weights and digits, and makes no network requests.

A displayed explorer has both forms, as `application/vnd.jupyter.widget-view+json` and
as `text/html`. A notebook that is to be alive without a kernel keeps the second alone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import anywidget
import traitlets

from utils.explorers.controls import fitted, spanned
from utils.explorers.packing import NETWORK, one_script

HERE = Path(__file__).parent
SCRIPTS = one_script(
    [
        *[*NETWORK, "drawing.js", "panels.js", "score.js"],
        *["unpacking.js", "psychometrics.js", "controls.js", "link.js"],
        *["views/pad.js", "views/one_digit.js", "views/study.js"],
        *["views/observer.js", "views/canvas.js", "views/learning.js"],
        *["views/arithmetic.js", "views/inside.js", "views/prediction.js"],
        "explorer.js",
    ]
)
# In a function, whose text a page can give to a worker: it is sent once. In a block of
# it, where a name that two files give is an error.
SCRIPT = f"""function explorerScript() {{{{
{SCRIPTS}
return {{ mount, render, answerMessages }};
}}}}"""
STILL = (
    "To use this explorer in JupyterLab, run the notebook (Run > Run All Cells), or "
    "trust it (Ctrl+Shift+C, then Trust Notebook). On a page, allow its script. The "
    "figure beside it shows the same."
)


class Explorer(anywidget.AnyWidget):
    """Controls above a picture. Each control is a trait.

    A select has one of its values, a slider a number in its range, taken at the nearest
    step; a button counts how often it was pressed. A value that a control cannot have
    is a `traitlets.TraitError`.

    Args:
        view: its name in explorer.js.
        columns: of controls, by the name of their trait; a control follows the selects
            that rule it.
        data: what the view draws, as values that JSON holds, and a `title`, by which
            readers who hear the page find the explorer.
        name: in the links and files of a page; by default the view's.

    Attributes:
        description: what the page is given.

    Example:
        >>> explorer.noise_level = 40  # moves the slider
        >>> explorer.observe(print, "noise_level")
    """

    _esm = f"{SCRIPT}\nexport default explorerScript();\n"
    _css = HERE / "explorer.css"
    description = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        view: str,
        columns: Iterable[Mapping[str, dict]],
        data: dict,
        name: str | None = None,
    ):
        self._controls, self._chosen = {}, {}
        for key, control in (pair for each in columns for pair in each.items()):
            begins = {key: each["value"] for key, each in self._controls.items()}
            control = spanned(control, begins)
            control["value"] = fitted(key, control, control["value"])
            self._controls[key] = {"name": key, **control}
        described = [[self._controls[name] for name in column] for column in columns]
        values = {name: each["value"] for name, each in self._controls.items()}
        self.add_traits(
            **{x: traitlets.Any(value).tag(sync=True) for x, value in values.items()}
        )
        self._register_validator(Explorer._checked, tuple(values))
        for key, control in self._controls.items():
            for other in control.get("by", {}):
                self._chosen[key] = values[other]
                self.observe(self._follow, other)
        described = {"name": name or view, "view": view, "columns": described}
        super().__init__(description={**described, "data": data})

    def _values(self):
        return {name: getattr(self, name) for name in self._controls}

    def _checked(self, proposal):
        name, values = proposal["trait"].name, self._values()
        control = spanned(self._controls[name], values)
        value = fitted(name, control, proposal["value"])
        for other in control.get("by", {}):
            self._chosen[name] = values[other]
        return value

    def _follow(self, change):
        """Have a slider whose range follows a select keep its share of the range.

        If the page has told both, it has done so.
        """
        for name, control in self._controls.items():
            spans = control.get("by", {}).get(change.name)
            if spans and self._chosen[name] != change.new:
                share = getattr(self, name) / spans[self._chosen[name]]["max"]
                setattr(self, name, share * spans[change.new]["max"])

    def html(self) -> str:
        """The explorer as it stands, for a page without a kernel."""
        values = self._values()
        columns = [
            [{**each, "value": values[each["name"]]} for each in column]
            for column in self.description["columns"]
        ]
        now = {**self.description, "columns": columns}
        text = json.dumps(now, allow_nan=False).replace("<", "\\u003c")
        mark = hashlib.sha256(text.encode()).hexdigest()[:12]
        css = (HERE / "explorer.css").read_text("utf-8")
        marks = f'data-name="{now["name"]}" data-explorer="{mark}"'
        return f"""<div class="explorer" {marks}><p>{STILL}</p></div>
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
        data, metadata = super()._repr_mimebundle_(**how)
        return {**data, "text/html": self.html()}, metadata
