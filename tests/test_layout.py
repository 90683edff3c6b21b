"""A figure's forms for pages: the same content, laid out anew for a narrow screen."""

import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from utils import figures, layout
from utils.tools import notebooks

mpl.use("agg")
SCREEN = 390 - 2 * 14  # pixels of a figure on a phone, without the page's margins
SMALLEST = 8  # pixels of a letter


@pytest.fixture(autouse=True)
def style():
    with plt.style.context(figures.STYLE):
        yield
        plt.close("all")


def places(figure):
    """The middles of a figure's axes, in shares of its width and height."""
    figure.draw_without_rendering()
    boxes = [ax.get_position() for ax in figure.axes]
    return np.array([[(x.x0 + x.x1) / 2, (x.y0 + x.y1) / 2] for x in boxes])


def letters(svg):
    """The sizes of all letters of an SVG by matplotlib on a phone, pixels."""
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    words = re.findall(r"scale\(([\d.]+) -[^>]*>(.*?)</g>", svg, re.S)
    smaller = (re.findall(r"<use [^>]*scale\(([\d.]+)\)", each) for _, each in words)
    pixels = [100 * float(size) * SCREEN / width for size, _ in words]
    return [
        size * min(map(float, inner), default=1)
        for size, inner in zip(pixels, smaller, strict=True)
    ]


def test_plots_in_a_row_are_stacked_and_keep_their_shared_labels():
    figure, axes = plt.subplots(1, 3, figsize=(11, 3), sharey=True)
    for ax in axes:
        ax.plot([1, 2], [3, 4])
    axes[0].set_ylabel("accuracy")
    layout.lay_out(figure)
    across, up = places(figure).T
    assert np.ptp(across) < 0.01
    assert list(up) == sorted(up, reverse=True)
    assert [ax.get_ylabel() for ax in axes] == 3 * ["accuracy"]
    assert all(ax.yaxis.get_tick_params()["labelleft"] for ax in axes)
    assert figure.get_figwidth() == layout.NARROW


def test_small_pictures_wrap_and_keep_their_columns_and_their_colour_bar():
    figure, axes = plt.subplots(2, 10, figsize=(12, 3))
    for ax in axes.flat:
        picture = ax.imshow(np.eye(5))
        ax.set_axis_off()
    figure.colorbar(picture, ax=axes, label="gain")
    layout.lay_out(figure)
    found = places(figure)[:20].reshape(2, 10, 2)
    across, up = found[..., 0], found[..., 1]
    assert len(np.unique(across.round(2))) == 5
    np.testing.assert_allclose(across[0], across[1], atol=0.01)
    assert all(up[0] > up[1])
    assert up[1, 0] > up[0, 5]  # a column stays together
    assert figure.axes[-1].get_xlabel() == "gain"


def test_a_legend_beside_the_axes_goes_above_them():
    figure, ax = plt.subplots(figsize=(8, 3))
    ax.plot([1, 2], label="control")
    ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    layout.lay_out(figure)
    assert ax.get_legend() is None
    (legend,) = figure.legends
    assert legend.get_window_extent().y0 > ax.get_window_extent().y1


def test_the_figure_of_the_notebook_stays_as_it_is():
    figure, _ = plt.subplots(1, 2, figsize=(9, 3))
    before, known = places(figure), plt.get_fignums()
    figure.set_layout_engine("none")
    layout.forms(figure)
    np.testing.assert_array_equal(places(figure), before)
    assert plt.get_fignums() == known


def test_equal_figures_are_equal_files_and_large_ones_are_webp():
    found = []
    for count in (10, 10, 5_000):
        figure, ax = plt.subplots()
        ax.plot(*np.random.default_rng(0).random((2, count)), ".")
        found.append(layout.forms(figure))
    assert found[0] == found[1]
    assert found[0]["wide"][0] == "svg"
    ending, content = found[2]["narrow"]
    assert ending == "webp"
    width, _ = Image.open(io.BytesIO(content)).size
    assert width >= 2 * SCREEN


def test_letters_are_measured():
    figure, ax = plt.subplots(figsize=(3.7, 2))
    ax.set_axis_off()
    ax.text(0, 0, "small", size=4)
    _, content = layout.forms(figure)["narrow"]
    assert min(letters(content.decode())) < 6


def test_on_a_phone_no_letter_of_a_committed_figure_is_too_small():
    folder = notebooks.ROOT / "figures"
    names = {path.stem for path in folder.glob("[0-9]*.csv")}
    paths = sorted(folder.glob("*.narrow.*"))
    assert {path.name.split(".")[0] for path in paths} == names
    for path in paths:
        if path.suffix == ".svg":
            sizes = letters(path.read_text("utf-8"))
            assert min(sizes, default=SMALLEST) >= SMALLEST, path.name
        else:  # twice the pixels of a figure whose letters have 8 points or more
            with Image.open(path) as picture:
                assert picture.size[0] == pytest.approx(2 * SCREEN, abs=2)
