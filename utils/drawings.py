"""Drawings: the network that looks twice, and the visual system behind the idea.

Each function draws on the axes it is given, touches nothing else, and returns them.
"""

import itertools

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

RED = "#B2182B"
BLUE, GREEN, ORANGE, GREY = "#cfe3f3", "#dcecdc", "#fbe3cf", "#e8e8e8"
BOXES = (  # of `schematic`: name, rows x cols x channels, weights, x, width, colour
    ("image", "28 x 28 x 1", "", 0.2, 1.1, GREY),
    ("conv_1", "28 x 28 x 32", "320", 1.8, 1.2, BLUE),
    ("pool, LRN,\npad", "17 x 17 x 32", "", 3.5, 1.2, GREEN),
    ("conv_2", "15 x 15 x 32", "9,248", 5.9, 1.2, BLUE),
    ("pool, LRN,\npad, average", "32", "", 7.6, 1.2, GREEN),
    ("dense_2,\nsoftmax", "10", "330", 9.3, 1.2, ORANGE),
)
AREAS = (  # of `visual_pathway`: name, what drives it, layers after it, x, colour
    ("retina", "light", "image", 0.3, GREY),
    ("LGN", "spots of contrast", "image", 2.05, GREY),
    ("V1", "oriented edges", "conv_1", 3.8, BLUE),
    ("V2", "contours, texture", "conv_2", 5.55, BLUE),
    ("V4", "curves, parts", "conv_2", 7.3, BLUE),
    ("IT", "objects", "dense_2", 9.05, ORANGE),
)


def _box(ax, x, y, width, text, colour):
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            0.85,
            boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor=colour,
            edgecolor="#555555",
        )
    )
    ax.text(x + width / 2, y + 0.43, text, ha="center", va="center", fontsize=9)


def _arrow(ax, start, end, *, color="#444444", **style):
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=11, color=color, **style
        )
    )


def _under(ax, x, y, text, color="#555555", fontsize=7.5):
    ax.text(x, y, text, ha="center", va="top", color=color, fontsize=fontsize)


def _span(ax, left, right, y, text):
    """A line from left to right, with text under its middle."""
    ax.plot([left, left, right, right], [y + 0.08, y, y, y + 0.08], color="#999999")
    _under(ax, (left + right) / 2, y - 0.08, text, "#222222", 8.5)


def schematic(ax):
    """Draw the network: the first look above, the second look below.

    Args:
        ax: axes, wide (about 10 x 4 inches).
    """
    ax.set(xlim=(0, 10.8), ylim=(-0.6, 4.0))
    ax.set_axis_off()
    for name, shape, weights, x, width, colour in BOXES:
        _box(ax, x, 0.6, width, name, colour)
        text = f"{shape}\n{weights} weights" if weights else shape
        _under(ax, x + width / 2, 0.5, text)
    for before, after in itertools.pairwise(BOXES):
        if after[0] != "conv_2":
            _arrow(ax, (before[3] + before[4] + 0.04, 1.03), (after[3] - 0.05, 1.03))

    above = (
        ("conv_2", "15 x 15 x 32", 3.5, BLUE),
        ("dense_2 at\neach place", "15 x 15 x 10", 5.2, ORANGE),
        ("attention\nmap", "15 x 15", 6.9, "#f6cfc9"),
    )
    for name, shape, x, colour in above:
        _box(ax, x, 2.75, 1.2, name, colour)
        _under(ax, x + 0.6, 2.65, shape)
    _arrow(ax, (4.1, 1.5), (4.1, 2.4))
    _arrow(ax, (4.74, 3.18), (5.16, 3.18))
    _arrow(ax, (6.44, 3.18), (6.86, 3.18))

    _arrow(ax, (4.74, 1.03), (5.16, 1.03))
    _arrow(ax, (5.44, 1.03), (5.85, 1.03))
    times = "\N{MULTIPLICATION SIGN}"
    ax.text(5.3, 1.02, times, ha="center", va="center", fontsize=19, color=RED)
    _arrow(ax, (7.3, 2.4), (5.36, 1.25), color=RED, lw=1.6)
    gain = "gain on the input of conv_2\n(control: 1 everywhere)"
    ax.text(6.95, 1.88, gain, fontsize=8, color=RED, va="center")
    shared = "each look uses the same\nweights of conv_2 and dense_2"
    ax.text(8.35, 3.18, shared, fontsize=8, color="#2c6da4", va="center")
    ax.text(3.5, 3.75, "first look: where is there evidence?", fontsize=8.5)
    _span(ax, 0.2, 4.7, -0.25, "done once")
    _span(ax, 5.2, 10.5, -0.25, "second look: what is it?")
    return ax


def visual_pathway(ax):
    """Draw the visual system that inspired such networks, and what is borrowed.

    A cartoon: six stations of the ventral stream, feed-forward arrows, and the
    attention signal from frontal and parietal cortex.

    Args:
        ax: axes, wide (about 10 x 3.6 inches).
    """
    ax.set(xlim=(0, 10.8), ylim=(-0.4, 3.2))
    ax.set_axis_off()
    width = 1.2
    for area, driven_by, _, x, colour in AREAS:
        _box(ax, x, 0.6, width, area, colour)
        _under(ax, x + width / 2, 0.5, driven_by)
    for before, after in itertools.pairwise(AREAS):
        _arrow(ax, (before[3] + width + 0.04, 1.03), (after[3] - 0.05, 1.03))
    for layer, group in itertools.groupby(AREAS, key=lambda area: area[2]):
        xs = [area[3] for area in group]
        _span(ax, xs[0], xs[-1] + width, 0.08, f"loosely: {layer}")

    _box(ax, 5.3, 2.25, 2.4, "frontal and\nparietal cortex", "#f6cfc9")
    dashed = {"color": RED, "linestyle": (0, (4, 2))}
    _arrow(ax, (7.2, 2.2), (7.85, 1.5), lw=1.8, **dashed)
    _arrow(ax, (5.6, 2.2), (4.55, 1.5), lw=0.9, **dashed)
    gain = "attention: gain\nin V4, less in V1"
    ax.text(7.85, 1.88, gain, fontsize=8, color=RED, va="center")
    ax.text(0.3, 1.62, "feed-forward: from the eye on", fontsize=8.5)
    return ax
