"""Figures that several notebooks draw, in one style, on axes that the caller gives.

A function draws on these axes, changes nothing else, and returns them. A figure that
one notebook needs is drawn there. `save` writes a figure as PNG and its numbers as CSV.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.colors import TwoSlopeNorm

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


def save(figure, name: str, numbers: Mapping[str, np.ndarray]) -> None:
    """Write a figure as `name.png` and the numbers behind it as `name.csv`.

    They go into the folder `$ATTENTION_FIGURES`, where a relative path starts from the
    shell's folder; if it is not set, nothing is written.

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
