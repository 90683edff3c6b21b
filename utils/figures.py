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
from utils.statistics import mean_and_standard_error

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
    ax.set(xlabel="epoch (60,000 images)", ylabel="accuracy", xticks=epochs)
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


BOXES = (  # of `schematic`: label, rows x cols x channels, x, width, colour
    ("image", "28 x 28", 0.2, 1.1, "#e8e8e8"),
    ("conv_1", "28 x 28 x 32", 1.8, 1.2, "#cfe3f3"),
    ("pool, LRN", "13 x 13 x 32", 3.5, 1.2, "#dcecdc"),
    ("conv_2", "15 x 15 x 32", 5.9, 1.2, "#cfe3f3"),
    ("pool, LRN,\naverage", "32", 7.6, 1.2, "#dcecdc"),
    ("dense_2", "10 digits", 9.3, 1.1, "#fbe3cf"),
)


def schematic(ax):
    """Draw the network: the first look above, the second look below.

    Args:
        ax: axes, wide (about 10 x 4 inches).
    """
    ax.set(xlim=(0, 10.8), ylim=(-0.4, 4.3))
    ax.set_axis_off()

    def box(x, y, width, text, shape, colour):
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
        ax.text(
            x + width / 2, y - 0.2, shape, ha="center", color="#555555", fontsize=7.5
        )

    def arrow(start, end, **style):
        ax.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>",
                mutation_scale=11,
                color=style.pop("color", "#444444"),
                **style,
            )
        )

    for text, shape, x, width, colour in BOXES:
        box(x, 0.4, width, text, shape, colour)
    for before, after in itertools.pairwise(BOXES):
        if after[0] != "conv_2":
            arrow((before[2] + before[3] + 0.04, 0.83), (after[2] - 0.05, 0.83))

    box(4.1, 2.7, 1.2, "conv_2", "15 x 15 x 32", "#cfe3f3")
    box(5.8, 2.7, 1.2, "dense_2\nat each place", "15 x 15 x 10", "#fbe3cf")
    box(7.5, 2.7, 1.3, "attention\nmap", "15 x 15", "#f7d9b5")
    arrow((4.1, 1.3), (4.55, 2.45))
    arrow((5.34, 3.13), (5.76, 3.13))
    arrow((7.04, 3.13), (7.46, 3.13))
    red = "#B2182B"
    ax.text(
        5.3,
        0.83,
        "\N{MULTIPLICATION SIGN}",
        ha="center",
        va="center",
        fontsize=19,
        color=red,
    )
    arrow((4.74, 0.83), (5.16, 0.83))
    arrow((5.44, 0.83), (5.85, 0.83))
    arrow(
        (8.15, 2.42),
        (5.33, 1.08),
        color=red,
        connectionstyle="arc3,rad=0.03",
        lw=1.6,
    )
    gain = "gain on the input of conv_2\n(control: 1 everywhere)"
    ax.text(7.75, 1.75, gain, fontsize=8, color=red)
    ax.text(6.1, 3.95, "first look: where is there evidence?", fontsize=9.5)
    ax.text(0.2, 1.62, "second look: what is it?", fontsize=9.5)
    shared = "both looks use the\nsame conv_2 and dense_2"
    ax.text(1.9, 3.13, shared, fontsize=8, color="#2c6da4", va="center")
    return ax
