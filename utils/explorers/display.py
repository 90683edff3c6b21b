"""A digit that the reader moves about on a canvas, and two networks that look at it."""

import numpy as np

from utils.displays import CUE_SD, Display
from utils.explorers.explorer import Explorer
from utils.explorers.networks import CONTROL, attention_of, trained_model
from utils.explorers.packing import digits, gain_colours, network, parameters
from utils.explorers.scripts import network_module
from utils.explorers.widgets import button, select, slider

CANVAS = (60, 60)  # rows and columns, pixels
ATTENDED = "energy"  # the network beside the control, of those that ship for the canvas
NOISE, MOST_NOISE = 120.0, 240.0  # SD in grey levels: to begin with, and at most
MOST_FRAGMENTS = 8


def display(images, labels, model=None) -> Explorer:
    """Move a digit about on a canvas while two trained networks say what it is.

    One was trained without attention (the control), the other with its own map, both on
    digits alone at random places, in noise of SD 0 to 120. It begins with a digit that
    attention helps. Drag it, or move it with the arrow keys. "Play 100" shows both
    networks a hundred fresh displays, the same hundred for every condition, and counts
    the right answers.

    The networks learned without a cue. A map that only says where the digit is would
    take the place of the map that the attended one learned with, and ruin its answers.
    So the cue *multiplies* that map, by a Gaussian around the digit (`cue_maps` of
    utils/displays.py), and the product is divided by its mean. The control has no map
    that a cue could change: with the cue, only the attended network is told the place.

    Args:
        images: `(images, rows, cols)` grey levels, at most as large as the canvas; the
            first 500 are shown.
        labels: `(images,)`.
        model: a network of your own in place of the attended one: weights by layer, or
            a model from `build_model`, with its attention.

    Returns:
        The display, the gain of attention on it, the answers, and a running score.

    Raises:
        ValueError: for images, labels or weights that cannot be shown.
    """
    shown = digits(images, labels)
    if (np.array((shown["rows"], shown["cols"])) > CANVAS).any():
        raise ValueError(
            f"Expected digits that fit a canvas of {CANVAS[0]} x {CANVAS[1]} pixels. "
            f"Received {shown['rows']} x {shown['cols']}. Crop or shrink them."
        )
    attended = trained_model(ATTENDED, CANVAS) if model is None else model
    kind, strength, own = attention_of(attended)
    data = {
        "digits": shown,
        "canvas": list(CANVAS),
        "fragment": min(Display().fragment, shown["rows"], shown["cols"]),
        "cue_sd": CUE_SD,
        "networks": {
            "attended": network("with attention", attended),
            "control": network("without", trained_model(CONTROL, CANVAS)),
        },
        "attention": kind,
        "settings": {"strength": strength, **parameters(kind, own, CANVAS)[kind]},
        "gain_colours": gain_colours(),
        "wasm": network_module(),
    }
    last = len(shown["labels"]) - 1
    seen = {
        "digit-slider": slider("Digit (number)", 0, last, 1, 0),
        "noise-slider": slider("Noise (SD in grey levels)", 0, MOST_NOISE, 1, NOISE),
        "fresh-draw": button("Draw a fresh display"),
        "play-100": button("Play 100"),
    }
    beside = {
        "fragments-slider": slider("Fragments (some blank)", 0, MOST_FRAGMENTS, 1, 0),
        "second-select": select("Second digit", {"none": "none", "one": "one"}),
        "cue-select": select("Cue", {"none": "none", "marks the digit": "digit"}),
    }
    return Explorer("display", [seen, beside], data)
