"""Figures that several notebooks draw, in one style, on axes that the caller gives.

A function draws on these axes, changes nothing else, and returns them. A figure that
one notebook needs is drawn there. `save` writes a figure as PNG and its numbers as CSV.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.colors import TwoSlopeNorm

from utils import layout
from utils.attention import KINDS
from utils.files import write
from utils.noise import WHITE
from utils.statistics import mean_and_standard_error

# It starts from matplotlib's default, so that a user's matplotlibrc changes no picture.
STYLE = ("default", Path(__file__).with_name("style.mplstyle"))
# One scale for all gain maps: white is a gain of 1, that of the control; orange is
# above 1, purple below. Colour-blind people can read PuOr.
GAIN_COLOURS = "PuOr_r"
GAIN_MAXIMUM = 4.0

# The drawings of boxes and arrows.
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


def save(figure, name: str, numbers: Mapping[str, np.ndarray], narrow=None) -> None:
    """Write a figure as `name.png` and the numbers behind it as `name.csv`.

    For pages, `name.wide` and `name.narrow` (SVG or WebP) come with them. All go into
    the folder `$ATTENTION_FIGURES`, where a relative path starts from the shell's
    folder; if it is not set, nothing is written.

    Args:
        figure: a matplotlib figure.
        name: file name without ending.
        numbers: column name to values, all columns of one length; arrays of more
            than one axis are written in C order.
        narrow: a figure drawn for a width of 3.7 inches; by default the same one,
            laid out anew (`utils.layout`).

    Raises:
        ValueError: if the columns differ in length.
    """
    columns = {key: np.ravel(value) for key, value in numbers.items()}
    lengths = {key: len(value) for key, value in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"Expected columns of one length, received {lengths}.")
    if not (folder := os.environ.get("ATTENTION_FIGURES")):
        return
    folder = Path(os.environ.get("PWD", ""), folder)
    picture, text = io.BytesIO(), io.StringIO(newline="")
    # Without the software's version, equal pictures are equal files.
    figure.savefig(picture, format="png", metadata={"Software": None})
    figure.set_layout_engine("none")  # the layout is done and need not be repeated
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(
            f"{value:.6g}" if isinstance(value, float | np.floating) else value
            for value in row
        )
    write(folder / f"{name}.png", picture.getvalue())
    write(folder / f"{name}.csv", text.getvalue().encode())
    for form, (ending, content) in layout.forms(figure, narrow).items():
        for old in folder.glob(f"{name}.{form}.*"):
            old.unlink()
        write(folder / f"{name}.{form}.{ending}", content)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table for a notebook: heads, then rows with as many cells.

    Raises:
        ValueError: if a row is longer or shorter than the heads.
    """
    lines = [heads, ["---"] * len(heads), *rows]
    for cells in lines:
        if len(cells) != len(heads):
            raise ValueError(f"Expected {len(heads)} cells in a row, received {cells}.")
    return Markdown("\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines))


def show_image(ax, image, title=""):
    """Draw one image: ink is dark, and grey levels are clipped to 0 to 255.

    Args:
        ax: axes.
        image: `(rows, cols)` grey levels.
        title: text above it.
    """
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=WHITE)
    ax.set_title(title, loc="center")
    ax.set_axis_off()
    return ax


def show_gain(ax, gain, title=""):
    """Draw one attention gain map `(rows, cols)` on the scale that all maps share."""
    ax.imshow(gain, cmap=GAIN_COLOURS, norm=TwoSlopeNorm(1, 0, GAIN_MAXIMUM))
    ax.set_title(title, loc="center")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    return ax


def gain_legend(figure, axes):
    """Add the colour bar that all gain maps share, beside the axes given."""
    scale = plt.cm.ScalarMappable(TwoSlopeNorm(1, 0, GAIN_MAXIMUM), GAIN_COLOURS)
    style = {"shrink": 0.8, "extend": "max", "ticks": [0, 1, 2, 3, 4]}
    label = "attention gain (1: as the control)"
    return figure.colorbar(scale, ax=axes, label=label, **style)


def noise_series(axes, images, levels, unit):
    """Draw one row of images, each under its noise level.

    Args:
        axes: as many axes as levels.
        images: `(levels, rows, cols)` grey levels.
        levels: `(levels,)`, in the noise's unit.
        unit: text for the first title.
    """
    for ax, image, level in zip(axes, images, levels, strict=True):
        show_image(ax, image, f"{level:g}")
    axes[0].set_title(f"{unit}\n{levels[0]:g}", loc="center")
    return axes


def learning_curves(ax, accuracies, *, attention, label=None, each=1, **style):
    """Draw accuracy after each epoch: mean over runs, band of one standard error.

    Args:
        ax: axes.
        accuracies: `(runs, epochs)`, from 0 to 1.
        attention: the kind, which decides colour and marker.
        label: legend text; by default the kind's own.
        each: length of an epoch on the x-axis, such as its multiplications.
        **style: settings of `Axes.plot`.
    """
    mean, error = mean_and_standard_error(accuracies)
    epochs = each * np.arange(1, len(mean) + 1)
    of_kind = {"color": KINDS[attention].colour, "marker": KINDS[attention].marker}
    label = label or KINDS[attention].label
    (line,) = ax.plot(epochs, mean, label=label, **of_kind | style)
    colour, low, high = line.get_color(), mean - error, mean + error
    ax.fill_between(epochs, low, high, color=colour, alpha=0.2, lw=0)
    ax.set(
        xlabel="epoch", ylabel="accuracy", **({"xticks": epochs} if each == 1 else {})
    )
    return ax


def forest(ax, names, contrasts):
    """Draw differences with their 95% intervals, one in each row, the first on top.

    Args:
        ax: axes.
        names: the texts beside them.
        contrasts: one `utils.statistics.Estimate` for each name.
    """
    places = -np.arange(len(names))
    values = np.array([each[:3] for each in contrasts])
    errors = np.abs(values[:, 1:] - values[:, :1]).T
    ax.errorbar(values[:, 0], places, xerr=errors, fmt="o", color="#0072B2", capsize=3)
    ax.axvline(0, color="#444444", linewidth=0.8)
    ax.set_yticks(places, names)
    ax.set_xlabel("arm minus control, points")
    ax.margins(y=0.1)
    return ax


def mean_with_errors(ax, x, runs, **style):
    """Draw means with standard errors; `runs` has an array of runs for each `x`."""
    mean, error = np.transpose([mean_and_standard_error(each) for each in runs])
    ax.errorbar(x, mean, error, capsize=2, **style)
    return ax


def network_diagram(ax, model: keras.Model, upright: bool = False):
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
    return _diagram(ax, boxes, chains, remarks, UPRIGHT if upright else SPAN)


def visual_system_diagram(ax, upright: bool = False):
    """Draw a cartoon of the ventral stream; each area names a layer like it."""
    drives = [f"{area}\n{drive}" for area, drive, *_ in AREAS]
    likes = [f"loosely: {like}" for *_, like in AREAS]
    along, colours = ([area[i] for area in AREAS] for i in (2, 3))
    gain = "attention: gain\nin V4, less in V1"
    cortex = "frontal and\nparietal cortex"
    strong, weak = ({"color": RED, "ls": "--", "linewidth": width} for width in (2, 1))
    chains = [(range(6), {"color": INK}), ((6, 4), strong), ((6, 2), weak)]
    if upright:
        words = map("\n".join, zip(drives, likes, strict=True))
        places = [(0, -x) for x in along]
        remarks, cortex = [(gain, 1.9, -7.4, RED)], (cortex, 1.9, -6.1, PINK)
    else:
        words, places = drives, [(x, 0) for x in along]
        remarks = [(each, x, -0.7, BLACK) for each, x in zip(likes, along, strict=True)]
        remarks, cortex = [*remarks, (gain, 8.3, 1, RED)], (cortex, 6.1, 1.8, PINK)
    each = zip(words, places, colours, strict=True)
    boxes = [(text, *place, colour) for text, place, colour in each]
    return _diagram(ax, [*boxes, cortex], chains, remarks, UPRIGHT if upright else SPAN)


def _diagram(ax, boxes, chains, remarks, span):
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
