"""Every figure of the series, in one style, on axes that the caller gives.

A function draws on the axes it is given, touches nothing else, and returns them.
`save` writes a figure as PNG and the numbers behind it as CSV, side by side.
"""

import csv
import os
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import TwoSlopeNorm

from utils.noise import WHITE

STYLE = Path(__file__).with_name("style.mplstyle")
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
