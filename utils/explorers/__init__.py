"""The explorers: move noise, attention and epochs by hand, and watch.

Each function returns a widget that the reader's page draws and computes by itself
(`explorer.py`, `explorer.js`): as alive in a page without a kernel as in JupyterLab.
From Python, its controls are traits, which the functions name: read, set or observe
them, as in `explorer.noise_level = 40`. The module of an explorer is imported when it
is first asked for.
"""

import importlib

MODULES = {  # of each explorer, and of what goes with them
    "noise": "utils.explorers.one_digit",
    "attention": "utils.explorers.one_digit",
    "display": "utils.explorers.canvas",
    "competition": "utils.explorers.canvas",
    "inside": "utils.explorers.look_inside",
    "learning": "utils.explorers.learners",
    "observer": "utils.explorers.trials",
    "study": "utils.explorers.curves",
    "prediction": "utils.explorers.prediction",
    "trained": "utils.explorers.shipped",
    "size_note": "utils.explorers.packing",
}
__all__ = [*MODULES]


def __getattr__(name):
    if name not in MODULES:
        raise AttributeError(f"No explorer {name!r}. There are {', '.join(MODULES)}.")
    found = getattr(importlib.import_module(MODULES[name]), name)
    globals()[name] = found
    return found


def __dir__():
    return [*MODULES]
