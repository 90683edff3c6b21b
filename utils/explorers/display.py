"""A digit that the reader moves about on a canvas, and two networks that look at it."""

import numpy as np

from utils.displays import CUE_SD, Display
from utils.explorers.explorer import Explorer
from utils.explorers.networks import CONTROL, attention_of, trained_model
from utils.explorers.packing import digits, network, page_network, parameters
from utils.explorers.widgets import button, select, slider

ALONE = Display(60, 60)  # what networks that ship learnt on
PAIR = Display(60, 60, second_digit=True)  # these, with the cue at the target
ATTENDED = "energy"  # the network beside the control, of those for digits alone
NOISE, MOST_NOISE = 120.0, 240.0  # SD in grey levels: to begin with, and at most
PAIR_NOISE = 60.0
MOST_FRAGMENTS = 8
CUES = {"none": "none", "marks the digit": "digit", "marks the other place": "other"}


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
    attended = trained_model(ATTENDED, ALONE) if model is None else model
    kind, strength, own = attention_of(attended)
    networks = {
        "attended": network("with attention", attended),
        "control": network("without", trained_model(CONTROL, ALONE)),
    }
    settings = {"strength": strength, **parameters(kind, own, ALONE.shape)[kind]}
    return _explorer(images, labels, networks, kind, settings, NOISE)


def competition(images, labels) -> Explorer:
    """Two digits and a cue that says which counts, with two trained networks.

    Both were trained on pairs of digits at random places, in noise of SD 0 to 60: one
    with a cue at the digit that counts, whose map multiplies `conv_2`'s input, one
    without. The cue may be set on the other digit, or taken away; the score counts how
    often each network names the digit that counts, and how often the other.

    Args:
        images: `(images, rows, cols)` grey levels, at most as large as the canvas; the
            first 500 are shown.
        labels: `(images,)`.

    Returns:
        The display, the cue's gain on it, the answers, and a running score.

    Raises:
        ValueError: for images or labels that cannot be shown.
    """
    networks = {
        "attended": network("with a cue", trained_model("given", PAIR)),
        "control": network("without", trained_model(CONTROL, PAIR)),
    }
    start = {"second-select": "one", "cue-select": "digit"}
    return _explorer(images, labels, networks, CONTROL, {}, PAIR_NOISE, start)


def _explorer(images, labels, networks, kind, settings, noise, start=None):
    shown = digits(images, labels)
    if np.any(np.array((shown["rows"], shown["cols"])) > ALONE.shape):
        raise ValueError(
            f"Expected digits that fit a canvas of {ALONE.rows} x {ALONE.cols} pixels. "
            f"Received {shown['rows']} x {shown['cols']}. Crop or shrink them."
        )
    data = {
        "digits": shown,
        "canvas": list(ALONE.shape),
        "fragment": min(ALONE.fragment, shown["rows"], shown["cols"]),
        "cue_sd": CUE_SD,
        "networks": networks,
        "attention": kind,
        "settings": settings,
        **page_network(),
    }
    last = len(shown["labels"]) - 1
    seen = {
        "digit-slider": slider("Digit (number)", 0, last, 1, 0),
        "noise-slider": slider("Noise (SD in grey levels)", 0, MOST_NOISE, 1, noise),
        "fresh-draw": button("Draw a fresh display"),
        "play-100": button("Play 100"),
    }
    beside = {
        "fragments-slider": slider("Fragments (some blank)", 0, MOST_FRAGMENTS, 1, 0),
        "second-select": select("Second digit", {"none": "none", "one": "one"}),
        "cue-select": select("Cue", CUES),
    }
    for name, value in (start or {}).items():
        beside[name]["value"] = value
    return Explorer("display", [seen, beside], data)
