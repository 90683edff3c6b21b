"""Figures: they draw the numbers they are given, and write those beside them."""

import csv

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import curves, figures, notebooks
from utils.psychometrics import PsychometricFunction

mpl.use("agg")


@pytest.fixture
def ax():
    with plt.style.context(figures.STYLE):
        figure, ax = plt.subplots()
        yield ax
        plt.close(figure)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTENTION_FIGURES", str(tmp_path))
    return tmp_path


def test_save_writes_the_picture_and_its_numbers(ax, folder):
    ax.plot([1, 2], [0.5, 0.25])
    figures.save(ax.figure, "curve", {"x": [1, 2], "y": np.array([0.5, 0.25])})
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "curve.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["x", "y"], ["1", "0.5"], ["2", "0.25"]]


def test_the_same_picture_is_the_same_file(folder):
    contents = []
    for _ in range(2):
        figure, ax = plt.subplots()
        ax.plot([1, 2])
        figures.save(figure, "same", {"y": [1, 2]})
        plt.close(figure)
        contents.append((folder / "same.png").read_bytes())
    assert contents[0] == contents[1]


def test_columns_of_different_length_are_refused(ax, folder):
    with pytest.raises(ValueError, match="one length"):
        figures.save(ax.figure, "bad", {"x": [1], "y": [1, 2]})
    assert not list(folder.iterdir())


def test_a_psychometric_curve_draws_accuracies_and_the_fit(ax):
    levels = (30.0, 60.0, 120.0, 240.0)
    fitted = PsychometricFunction(100.0, 4.0, 0.05, 0.1, 0.0)
    right = np.zeros((3, 4, 10), bool)
    right[:, 0] = right[0, 1] = True
    curves.psychometric_curve(
        ax, levels, right, fitted, attention="energy", label="energy"
    )
    (dots, *_), (line, mark, _) = ax.containers[0].lines, ax.lines[-3:]
    np.testing.assert_allclose(dots.get_ydata(), [1, 1 / 3, 0, 0])
    np.testing.assert_allclose(
        line.get_ydata(), fitted.accuracy(line.get_xdata()), rtol=1e-12
    )
    assert mark.get_xdata() == [100]


def test_learning_curves_draw_mean_and_standard_error(ax):
    runs = np.array([[0.1, 0.5], [0.3, 0.5], [0.5, 0.5]])
    curves.learning_curves(ax, runs, attention="ones")
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_ydata(), [0.3, 0.5])
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(max(0.5, 0.3 + 0.2 / np.sqrt(3)))
    assert heights.min() == pytest.approx(0.3 - 0.2 / np.sqrt(3))


def test_gain_maps_share_one_scale_with_white_at_one(ax):
    figures.show_gain(ax, np.ones((15, 15)))
    (image,) = ax.images
    assert image.norm.vmin == 0
    assert image.norm.vmax == figures.GAIN_MAXIMUM
    assert min(image.cmap(image.norm(1.0))[:3]) > 0.95
    orange, purple = (image.cmap(image.norm(g)) for g in (3.0, 0.2))
    assert orange[0] > orange[2]
    assert purple[2] > purple[1]


def test_images_are_clipped_as_a_screen_clips(ax):
    figures.show_image(ax, np.array([[-50.0, 300.0]]))
    (image,) = ax.images
    assert image.get_clim() == (0, 255)


def test_histogram_counts_shares(ax):
    figures.grey_level_histogram(ax, np.array([0, 0, 0, 255]), "four pixels")
    (stairs,) = ax.patches
    assert np.nansum(stairs.get_data().values) == pytest.approx(1)


def test_every_committed_figure_has_its_numbers():
    folder = notebooks.ROOT / "figures"
    pictures = {path.stem for path in folder.glob("*.png")}
    assert pictures == {path.stem for path in folder.glob("*.csv")}
    assert {name[:2] for name in pictures} >= {"01", "02", "03", "04"}


def test_every_committed_figure_is_made_by_a_notebook():
    sources = "".join(path.read_text("utf-8") for path in notebooks.paths())
    for path in (notebooks.ROOT / "figures").glob("*.png"):
        assert path.stem in sources
