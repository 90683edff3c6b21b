"""The explorer of the whole network: how one number in one layer was made."""

import numpy as np

from utils.explorers.controls import button, rare, select, slider
from utils.explorers.explorer import Explorer
from utils.explorers.one_digit import FRESH, digit_slider, noise_controls
from utils.explorers.packing import digits, network, page_network, parameters
from utils.explorers.shipped import MAPS, attention_of, label_of, shipped, trained
from utils.maps import DIGITS
from utils.model import CHANNELS, map_shape

LAYERS = {  # title, and the control that chooses a channel, in the forward pass's order
    "images": ("image", None),
    "conv_1": ("conv_1", "channel"),
    "pool_1": ("pool_1", "channel"),
    "normalise_1": ("normalise_1", "channel"),
    "conv_2": ("conv_2", "feature"),
    "dense_2": ("evidence", "evidence_digit"),
    "attention": ("gain", None),
    "attend": ("input \N{MULTIPLICATION SIGN} gain", "channel"),
    "conv_2 again": ("conv_2 again", "feature"),
    "pool_2": ("pool_2", "feature"),
    "normalise_2": ("normalise_2", "feature"),
    "dense_1": ("mean", "feature"),
    "dense_2 again": ("scores", "evidence_digit"),
    "softmax": ("probabilities", "evidence_digit"),
}
ALSO = {  # layers that a control concerns because it chooses the channel before them
    "channel": ["conv_2", "conv_2 again"],
    "feature": ["dense_2", "dense_2 again"],
    "evidence_digit": [],
}
VECTORS = ("dense_1", "dense_2 again", "softmax")  # have no places
FIRST = {"channel": 2, "feature": 2, "evidence_digit": 0}  # active wherever one ships


def inside(images, labels, model=None) -> Explorer:
    """See inside the network: choose a number of any layer, and see how it was made.

    All layers stand as pictures in the order of the forward pass. Click a place in one
    of them, or move it with the arrow keys: its window in the layer before is marked,
    with the numbers in the window, the kernel, and lines of arithmetic that add up as
    they are printed. Click in the window to go one step back. It begins with digit 0
    without noise, at its first pixel of full ink in `conv_1`.

    Args:
        images: `(images, rows, cols)` grey levels; the first 500 are shown.
        labels: `(images,)`.
        model: a network of your own, beside those that ship: weights by layer, or a
            model from `build_model`, with its attention, at strength 1.

    Returns:
        A pad to draw on, all layers, the arithmetic. Its controls are those of `noise`,
        and `network` (the kind that it was trained with, or "yours"), `attention` (a
        name in `utils.attention.KINDS`), `layer` (a name that `predict` takes), `row`
        and `col` (the place in the layer), `channel` (of `conv_1`), `feature` (channel
        of `conv_2`), `evidence_digit` (whose evidence and probability is shown).

    Raises:
        ValueError: for images, labels or weights that cannot be shown.
    """
    images, shown = np.asarray(images), digits(images, labels)
    kind, _, own = attention_of(model)
    networks = {} if model is None else {"yours": network("Yours", model)}
    for name in sorted(shipped(), key=lambda name: name != kind):
        networks[name] = network(label_of(name), trained(name))
    data = {
        "title": "See inside the network",
        "digits": shown,
        "networks": networks,
        "parameters": parameters(kind, own, (shown["rows"], shown["cols"])),
        "titles": {name: title for name, (title, _) in LAYERS.items()},
        "choosers": {name: chooser for name, (_, chooser) in LAYERS.items()},
        **page_network(),
    }
    named = {each["label"]: name for name, each in networks.items()}
    titles = {title: name for name, (title, _) in LAYERS.items()}
    seen = digit_slider(shown) | noise_controls(level=0)
    seen["noise"] = rare(seen["noise"])
    seen["fresh_draw"] = rare(button("fresh-draw", FRESH))
    seen["network"] = select("network-select", "Network", named)
    seen["attention"] = select("attention-select", "Attention map", MAPS, kind)
    where = {
        "layer": select("layer-select", "Layer", titles, "conv_1"),
        "row": _place("row-slider", "Row", 0, images[0]),
        "col": _place("column-slider", "Column", 1, images[0]),
        "channel": _channel("channel", "conv_1 channel", CHANNELS),
        "feature": _channel("feature", "conv_2 channel", CHANNELS),
        "evidence_digit": _channel("evidence_digit", "Evidence for digit", DIGITS),
    }
    return Explorer("inside", [where, seen], data)


def _place(css, label, axis, image):
    """A row or a column: its range follows the layer, and it keeps its share of it."""
    size, last = image.shape[axis], map_shape(image.shape)[axis]
    sizes = dict.fromkeys(LAYERS, (last - 1) // 2)  # vectors keep the place
    sizes |= dict.fromkeys(("images", "conv_1"), size)
    sizes |= dict.fromkeys(("pool_1", "normalise_1", "attend"), last - 2)
    sizes |= dict.fromkeys(("conv_2", "dense_2", "attention", "conv_2 again"), last)
    span = {"label": label, "step": 1, "decimals": 0}
    spans = {name: {**span, "max": max(most - 1, 1)} for name, most in sizes.items()}
    maps = [name for name in LAYERS if name not in VECTORS]
    begin = int(np.unravel_index(np.argmax(image), image.shape)[axis])
    rules = {"by": {"layer": spans}, "only": {"layer": maps}}
    return slider(css, label, 0, size - 1, 1, begin, **rules)


def _channel(name, label, count):
    own = [layer for layer, (_, chooser) in LAYERS.items() if chooser == name]
    span = 0, count - 1, 1, FIRST[name]
    css = f"{name.replace('_', '-')}-slider"
    return slider(css, label, *span, only={"layer": own + ALSO[name]})
