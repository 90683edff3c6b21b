"""Explorers of digits on a canvas, which the reader moves, and of two networks."""

import numpy as np

from utils.displays import CUE_SD, Display
from utils.explorers.controls import button, rare, select, slider
from utils.explorers.explorer import Explorer
from utils.explorers.packing import digits, network, page_network, parameters
from utils.explorers.shipped import CONTROL, attention_of, trained_model

ALONE = Display(60, 60)  # on such displays the shipped networks of `display` learned
PAIR = Display(60, 60, second_digit=True)  # and those of `competition`
ATTENDED = "energy"  # the kind of the network beside the control, in `display`
NOISE, MOST_NOISE = 120.0, 240.0  # SD in grey levels: to begin with, and at most
PAIR_NOISE = 60.0
MOST_FRAGMENTS = 8
CUES = {"none": "none", "marks the digit": "digit", "marks the other place": "other"}


def display(images, labels, model=None) -> Explorer:
    """Move a digit about on a canvas while two trained networks say what it is.

    One was trained without attention (the control), the other with its own map, both on
    digits alone at random places, in noise of SD 0 to 120. It begins with digit 0,
    whatever the networks make of it. Drag it, or move it with the arrow keys. "Play
    100" shows both networks a hundred fresh displays, the same hundred for every
    condition, and counts the right answers.

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
        The display, the gain of attention on it, the answers, and a running score. Its
        controls: `digit` (place in `images`), `noise_level` (SD in grey levels),
        `fresh_draw` and `play_100` (how often they were pressed), `fragments` (their
        number), `second_digit` (whether there is one), `cue` ("none", "digit": it marks
        the digit, "other": it marks the other place).

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
    names = "display", "A digit at a random place"
    return _explorer(names, images, labels, networks, kind, settings, NOISE)


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
        The display, the cue's gain on it, the answers, and a running score. Its
        controls are those of `display`.

    Raises:
        ValueError: for images or labels that cannot be shown.
    """
    networks = {
        "attended": network("with a cue", trained_model("given", PAIR)),
        "control": network("without", trained_model(CONTROL, PAIR)),
    }
    names = "competition", "Two digits and a cue"
    return _explorer(
        *(names, images, labels, networks, CONTROL, {}, PAIR_NOISE),
        second=True,
        cue="digit",
    )


def _explorer(
    names, images, labels, networks, kind, settings, noise, second=False, cue="none"
):
    name, title = names
    shown = digits(images, labels)
    if np.any(np.array((shown["rows"], shown["cols"])) > ALONE.shape):
        raise ValueError(
            f"Expected digits that fit a canvas of {ALONE.rows} x {ALONE.cols} pixels. "
            f"Received {shown['rows']} x {shown['cols']}. Crop or shrink them."
        )
    data = {
        "title": title,
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
    seconds = {"none": False, "one": True}
    left = {
        "play_100": button("play-100", "Play 100"),
        "noise_level": slider(
            "noise-slider", "Noise (SD in grey levels)", 0, MOST_NOISE, 1, noise
        ),
        "digit": slider("digit-slider", "Digit (number)", 0, last, 1, 0),
        "fresh_draw": button("fresh-draw", "Draw a fresh display"),
    }
    right = {
        "cue": select("cue-select", "Cue", CUES, cue),
        "fragments": rare(
            slider(
                "fragments-slider", "Fragments (some blank)", 0, MOST_FRAGMENTS, 1, 0
            )
        ),
        "second_digit": rare(select("second-select", "Second digit", seconds, second)),
    }
    return Explorer("canvas", [left, right], data, name)
