"""Drawings as boxes and arrows: the network, and the visual system that inspired it."""

from itertools import pairwise

import keras

BLUE, GREEN, ORANGE, PINK, GREY = "#cfe3f3", "#dcecdc", "#fbe3cf", "#f6cfc9", "#e8e8e8"
INK, RED, BLACK = "#444444", "#b2182b", "black"
SPAN = (0, 10.6), (-0.8, 2.3)  # along the main chain of boxes, and across it
UPRIGHT = (-0.85, 2.75), (-10.6, 0)  # across the chain, and along it, downwards
BOXES = (  # text, layer whose result has that size, place along and across, colour
    ("image", "images", 0.6, 0, GREY),
    ("conv_1", "conv_1", 2.1, 0, BLUE),
    ("pool, LRN, pad", "pad_1", 3.8, 0, GREEN),
    ("conv_2", "conv_2", 3.8, 1.8, BLUE),
    ("dense_2 at each place", "dense_2", 5.8, 1.8, ORANGE),
    ("attention map", "attention", 7.8, 1.8, PINK),
    ("\N{MULTIPLICATION SIGN}", None, 5.15, 0, "white"),
    ("conv_2 again,\nthe same weights", None, 6.6, 0, BLUE),
    ("pool, LRN,\npad, average", "dense_1", 8.35, 0, GREEN),
    ("dense_2 again,\nsoftmax", "softmax", 9.9, 0, ORANGE),
)
GAIN = "gain on the input of conv_2\n(control: 1 everywhere)"
REMARKS = (  # text, place along and across, the same in an upright drawing, colour
    ("done once", (2.1, -0.7), (2.1, 1.1), BLACK),
    ("first look: where is there evidence?", (5.8, 2.35), (2.9, 1.8), BLACK),
    ("second look: what is it?", (8.3, -0.7), (9.2, 1.8), BLACK),
    (GAIN, (7.8, 0.95), (8.5, 1.8), RED),
)
AREAS = (  # area, the stimulus that drives it, place along, colour, the layer like it
    ("retina", "light", 0.6, GREY, "image"),
    ("LGN", "spots of contrast", 2.3, GREY, "image"),
    ("V1", "oriented edges", 4.2, BLUE, "conv_1"),
    ("V2", "contours, texture", 6.1, BLUE, "conv_2"),
    ("V4", "curves, parts", 8.0, BLUE, "conv_2"),
    ("IT", "objects", 9.8, ORANGE, "dense_2"),
)


def network(ax, model: keras.Model, upright: bool = False):
    """Draw the network that looks twice, with the size of each result.

    Args:
        ax: axes, about three times as wide as high; upright, half as wide as high.
        model: a model of `build_model`, whose sizes and numbers of weights are written.
        upright: whether the image is at the top, for a narrow page, or on the left.
    """

    def place(along, across):
        return (across, -along) if upright else (along, across)

    boxes = [
        (words + _size(model, layer), *place(along, across), colour)
        for words, layer, along, across, colour in BOXES
    ]
    grey, red = {"color": INK}, {"color": RED, "linewidth": 2}
    chains = [((0, 1, 2, 6, 7, 8, 9), grey), ((2, 3, 4, 5), grey), ((5, 6), red)]
    remarks = [
        (words, *place(*(below if upright else beside)), colour)
        for words, beside, below, colour in REMARKS
    ]
    return diagram(ax, boxes, chains, remarks, UPRIGHT if upright else SPAN)


def visual_system(ax):
    """Draw a cartoon of the ventral stream; below each area stands a layer like it."""
    boxes = [(f"{area}\n{drive}", x, 0, colour) for area, drive, x, colour, _ in AREAS]
    boxes.append(("frontal and\nparietal cortex", 6.1, 1.8, PINK))
    strong, weak = ({"color": RED, "ls": "--", "linewidth": width} for width in (2, 1))
    chains = [(range(6), {"color": INK}), ((6, 4), strong), ((6, 2), weak)]
    remarks = [(f"loosely: {like}", x, -0.7, BLACK) for *_, x, _, like in AREAS]
    remarks.append(("attention: gain\nin V4, less in V1", 8.3, 1, RED))
    return diagram(ax, boxes, chains, remarks, SPAN)


def diagram(ax, boxes, chains, remarks, span):
    """Draw boxes (text, x, y, colour), arrows along chains of boxes, and remarks.

    Args:
        ax: axes.
        boxes: texts with their places and colours.
        chains: numbers of boxes, and the style of the arrows between them.
        remarks: texts without a box, as boxes.
        span: limits of x and of y.
    """
    ax.set(xlim=span[0], ylim=span[1])
    ax.set_axis_off()
    centred, drawn = {"ha": "center", "va": "center"}, []
    for text, x, y, colour in boxes:
        frame = {"boxstyle": "round,pad=0.6", "fc": colour, "ec": "#555555"}
        drawn.append(ax.text(x, y, text, bbox=frame, linespacing=1.4, **centred))
    for chain, look in chains:
        for start, end in pairwise(drawn[number] for number in chain):
            cut = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
            arrow = {"arrowstyle": "-|>", "mutation_scale": 12, **look, **cut}
            ax.annotate("", end.get_position(), start.get_position(), arrowprops=arrow)
    for text, x, y, colour in remarks:
        ax.text(x, y, text, color=colour, **centred)
    return ax


def _size(model, layer):
    """The size of a layer's result and its weights, if it has any, on lines of text."""
    if layer is None:
        return ""
    layer = model.get_layer(layer)
    size = " x ".join(map(str, layer.output.shape[1:]))
    weights = f"\n{layer.count_params():,} weights" if layer.weights else ""
    return f"\n{size}{weights}"
