"""Every figure of the series, in one style, on axes that the caller gives.

A function draws on the axes it is given, touches nothing else, and returns them.
`save` writes a figure as PNG and the numbers behind it as CSV, side by side.
"""

import csv
import itertools
import os
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from utils.attention import KINDS
from utils.noise import WHITE
from utils.replication import ARMS, CLEAN, accuracies, cell, published_curves
from utils.statistics import mean_and_standard_error
from utils.training import decode_correct

STYLE = Path(__file__).with_name("style.mplstyle")
COLOURS = {"as_coded": "#0072B2", "ones": "#D55E00", "top_n": "#009E73"}
MARKERS = {"as_coded": "o", "ones": "s", "top_n": "^"}

# One scale for all gain maps: white is a gain of 1, the control's; orange is
# attended, purple is left out. PuOr is readable for colour-blind people.
GAIN_COLOURS = "PuOr_r"
GAIN_MAXIMUM = 4.0


def folder() -> Path:
    """Where figures are saved: `$ATTENTION_FIGURES`, or `build/figures`."""
    default = Path(__file__).parents[1] / "build" / "figures"
    return Path(os.environ.get("ATTENTION_FIGURES", default))


def save(figure, name: str, numbers: Mapping[str, np.ndarray]) -> None:
    """Write a figure as `name.png` and the numbers behind it as `name.csv`.

    Args:
        figure: a matplotlib figure.
        name: file name without ending.
        numbers: column name to values, all columns of one length; arrays of more
            than one axis are written in C order.

    Raises:
        ValueError: if the columns differ in length.
    """
    columns = {key: np.ravel(value) for key, value in numbers.items()}
    lengths = {key: len(value) for key, value in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"Expected columns of one length, received {lengths}.")
    folder().mkdir(parents=True, exist_ok=True)
    # Without the software's version in it, the same picture is the same file.
    figure.savefig(folder() / f"{name}.png", metadata={"Software": None})
    with (folder() / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        rows = zip(*columns.values(), strict=True)
        writer.writerows([_plain(value) for value in row] for row in rows)


def _plain(value):
    return f"{value:.6g}" if isinstance(value, float | np.floating) else value


def show_image(ax, image, title=""):
    """Draw one image: ink is dark, 0 to 255, clipped as a screen clips.

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
    """Draw one attention gain map `(rows, cols)` on the scale of all maps."""
    norm = TwoSlopeNorm(1, vmin=0, vmax=GAIN_MAXIMUM)
    ax.imshow(gain, cmap=GAIN_COLOURS, norm=norm)
    ax.set_title(title, loc="center")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    return ax


def gain_legend(figure, axes):
    """Add the colour bar that all gain maps share, beside the axes given."""
    norm = TwoSlopeNorm(1, vmin=0, vmax=GAIN_MAXIMUM)
    bar = figure.colorbar(
        plt.cm.ScalarMappable(norm, GAIN_COLOURS),
        ax=axes,
        shrink=0.8,
        extend="max",
        ticks=[0, 1, 2, 3, 4],
    )
    bar.set_label("attention gain (1: as the control)")
    return bar


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


def grey_level_histogram(ax, images, label):
    """Draw how often each grey level occurs, on a logarithmic scale.

    Args:
        ax: axes.
        images: any shape, grey levels; values off the plot's -100 to 355 are left
            out.
        label: legend text.

    Returns:
        The axes.
    """
    counts, edges = np.histogram(images, bins=np.arange(-100.5, 356.5, 3))
    share = counts / np.size(images)
    ax.stairs(np.where(share > 0, share, np.nan), edges, label=label, linewidth=1.4)
    ax.set(yscale="log", xlabel="grey level", ylabel="share of pixels")
    return ax


def learning_curves(ax, accuracies, *, attention, label=None, **style):
    """Draw accuracy after each epoch: mean over runs, band of one standard error.

    Args:
        ax: axes.
        accuracies: `(runs, epochs)`, from 0 to 1.
        attention: the kind, which decides colour and marker.
        label: legend text; by default the kind's own.
        **style: settings of `Axes.plot`.
    """
    mean, error = mean_and_standard_error(accuracies)
    epochs = np.arange(1, len(mean) + 1)
    settings = {
        "color": COLOURS.get(attention),
        "marker": MARKERS.get(attention),
        "label": label or KINDS[attention].label,
        **style,
    }
    (line,) = ax.plot(epochs, mean, **settings)
    ax.fill_between(
        epochs, mean - error, mean + error, color=line.get_color(), alpha=0.2, lw=0
    )
    ax.set(xlabel="epoch", ylabel="accuracy", xticks=epochs)
    return ax


def published_behind(ax, accuracies, *, attention, label=None):
    """Draw published curves as a thin dashed line with error bars, behind ours.

    Args:
        ax: axes.
        accuracies: `(runs, epochs)`.
        attention: the kind, which decides the colour.
        label: legend text.
    """
    mean, error = mean_and_standard_error(accuracies)
    epochs = np.arange(1, len(mean) + 1)
    ax.errorbar(
        epochs,
        mean,
        error,
        color=COLOURS[attention],
        linestyle=(0, (4, 2)),
        linewidth=1,
        alpha=0.65,
        capsize=2,
        label=label,
        zorder=1,
    )
    return ax


def comparison(ax, records, noise_sd, test=CLEAN, *, published=False):
    """Draw attention and control after each epoch, as the post's figures do.

    Args:
        ax: axes.
        records: of a study with both arms.
        noise_sd: training noise of the cells to draw, grey levels.
        test: `"accuracy_clean"` or `"accuracy_matched"`.
        published: draw the published curves behind.
    """
    for attention in ARMS:
        if published:
            curves = published_curves()[attention, noise_sd]
            label = f"{KINDS[attention].label} (Vatterott 2016)"
            published_behind(ax, curves, attention=attention, label=label)
        curves = accuracies(records, attention, noise_sd, test)
        learning_curves(ax, curves, attention=attention)
    return ax


def accuracy_against_noise(ax, records, noise_sd):
    """Draw final accuracy against the noise at test, for both arms.

    Args:
        ax: axes.
        records: of a study with both arms.
        noise_sd: training noise of the cells to draw, grey levels; marked.
    """
    for attention in ARMS:
        runs = cell(records, attention, noise_sd)
        levels = runs[0]["spec"]["test_noise_sds"]
        right = [[decode_correct(r, sd).mean() for sd in levels] for r in runs]
        mean, error = mean_and_standard_error(right)
        style = {"color": COLOURS[attention], "marker": MARKERS[attention]}
        places = np.arange(len(levels))
        ax.errorbar(
            places, mean, error, label=KINDS[attention].label, capsize=2, **style
        )
    ax.axvline(levels.index(noise_sd), color="#888888", linestyle=":", zorder=0)
    ax.axhline(0.1, color="#888888", linewidth=0.8, zorder=0)
    ax.set(
        xticks=places,
        xticklabels=[f"{sd:g}" for sd in levels],
        xlabel="noise at test (SD, grey levels)",
        ylabel="accuracy",
        ylim=(0, 1.02),
    )
    return ax


BLUE, GREEN, ORANGE, GREY = "#cfe3f3", "#dcecdc", "#fbe3cf", "#e8e8e8"
RED = "#B2182B"
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


def digit_outline(ax, image):
    """Outline a digit over a map of `conv_2`'s places.

    Place i of `conv_2` is centred on pixel 2 i - 1: the pooling has stride 2.

    Args:
        ax: axes that show a map `(rows, cols)`, 15 x 15 for MNIST.
        image: `(rows, cols)` grey levels.
    """
    y, x = ((np.arange(size) + 1) / 2 for size in image.shape)
    half = (np.min(image) + np.max(image)) / 2
    ax.contour(x, y, image, [half], colors="#222222", linewidths=0.7)
    return ax


def kernel_tiles(ax, kernels, title="", columns=8):
    """Draw the kernels of a convolution side by side, on one scale.

    Args:
        ax: axes.
        kernels: `(rows, cols, channels)`, weights for one input channel.
        title: text above.
        columns: how many kernels in a row.

    Returns:
        The picture, for a colour bar. White is a weight of 0.
    """
    rows, cols, channels = kernels.shape
    lines = -(-channels // columns)
    tiles = np.full((lines * (rows + 1) - 1, columns * (cols + 1) - 1), np.nan)
    for channel in range(channels):
        top, left = (rows + 1, cols + 1) * np.array(divmod(channel, columns))
        tiles[top : top + rows, left : left + cols] = kernels[..., channel]
    limit = np.abs(kernels).max()
    colours = plt.get_cmap("RdBu_r").with_extremes(bad="#bbbbbb")
    picture = ax.imshow(tiles, cmap=colours, vmin=-limit, vmax=limit)
    ax.set_title(title, loc="center")
    ax.set_axis_off()
    return picture


def evidence_maps(axes, evidence, image, label):
    """Draw the class evidence of one image, a map for each digit, on one scale.

    Args:
        axes: ten axes.
        evidence: `(rows, cols, 10)`, `dense_2` of each place, no softmax.
        image: `(rows, cols)` grey levels, drawn as an outline.
        label: the digit that is there; its map is framed.

    Returns:
        The last picture, for a colour bar.
    """
    limit = np.abs(evidence).max()
    for digit, ax in enumerate(axes):
        picture = ax.imshow(
            evidence[..., digit], cmap="RdBu_r", vmin=-limit, vmax=limit
        )
        digit_outline(ax, image)
        mean = evidence[..., digit].mean()
        ax.set_title(f"{digit}: mean {mean:.1f}", loc="center", fontsize=9)
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        if digit == label:
            ax.spines[:].set(visible=True, color="black", linewidth=2.5)
            ax.title.set_fontweight("bold")
    return picture


def curve_columns(records, noise_sd=None):
    """Every accuracy of a study's learning curves, as columns for `save`.

    Args:
        records: of a study.
        noise_sd: only cells with this training noise.
    """
    rows = [
        (
            record["spec"]["attention"],
            record["spec"]["noise_sd"],
            record["spec"]["seed"],
            epoch["epoch"],
            epoch["accuracy_clean"],
            epoch["accuracy_matched"],
        )
        for record in records
        if noise_sd in (None, record["spec"]["noise_sd"])
        for epoch in record["epochs"]
    ]
    names = ("attention", "training_noise_sd", "seed", "epoch", "accuracy_clean",
             "accuracy_matched")  # fmt: skip
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def noise_columns(records):
    """Every final accuracy at every noise level, as columns for `save`."""
    rows = [
        (
            record["spec"]["attention"],
            record["spec"]["noise_sd"],
            record["spec"]["seed"],
            sd,
            decode_correct(record, sd).mean(),
        )
        for record in records
        for sd in record["spec"]["test_noise_sds"]
    ]
    names = ("attention", "training_noise_sd", "seed", "test_noise_sd", "accuracy")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def rescued_and_ruined(ax, kinds, rescued, ruined):
    """Draw shares of images that each kind of attention rescues and ruins.

    Args:
        ax: axes.
        kinds: names in `KINDS`.
        rescued: for each kind, the share named wrongly without it, rightly with it.
        ruined: for each kind, the share named rightly without it, wrongly with it.
    """
    places = np.arange(len(kinds))
    ax.bar(places, rescued, color="#0072B2", label="rescued")
    ax.bar(places, -np.asarray(ruined), color="#D55E00", hatch="//", label="ruined")
    ax.axhline(0, color="#444444", linewidth=0.8)
    ax.set(xticks=places, ylabel="share of test digits")
    ax.set_xticklabels(kinds, rotation=30, ha="right")
    ax.yaxis.set_major_formatter(lambda share, _: f"{abs(share):.0%}")
    ax.legend(loc="lower left")
    return ax


def image_wall(ax, rows, labels):
    """Draw images of one size as a wall, each row under its own label.

    Args:
        ax: axes.
        rows: for each label, `(images, rows, cols)` grey levels; a row with fewer
            images than the longest ends in blank paper.
        labels: text or number beside each row.
    """
    height, width = (size + 2 for size in rows[0].shape[1:])  # 2 pixels between
    wall = np.zeros((height * len(rows), width * max(map(len, rows))))
    for y, images in enumerate(rows):
        for x, image in enumerate(images):
            top, left = y * height + 1, x * width + 1
            wall[top : top + height - 2, left : left + width - 2] = image
    ax.imshow(wall, cmap="gray_r", vmin=0, vmax=WHITE)
    ax.set(xticks=[], yticks=height * (np.arange(len(rows)) + 0.5) - 0.5)
    ax.set_yticklabels(labels)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax
