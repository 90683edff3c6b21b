"""Figures: they draw the numbers they are given, and write those beside them."""

import csv

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import figures
from utils.estimate import Estimate
from utils.model import build_model
from utils.tools import notebooks

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


def test_save_writes_the_picture_and_its_numbers_always_the_same(ax, folder):
    ax.plot([1, 2], [0.5, 0.25])
    for name in ("curve", "again"):
        figures.save(ax.figure, name, {"x": [1, 2], "y": np.array([0.5, 0.25])})
    picture = (folder / "curve.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture == (folder / "again.png").read_bytes()
    with (folder / "curve.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["x", "y"], ["1", "0.5"], ["2", "0.25"]]


def test_without_a_folder_nothing_is_saved(ax, tmp_path, monkeypatch):
    monkeypatch.delenv("ATTENTION_FIGURES", raising=False)
    monkeypatch.chdir(tmp_path)
    figures.save(ax.figure, "curve", {"x": [1, 2]})
    assert not list(tmp_path.iterdir())


def test_columns_of_different_length_are_refused(ax, folder):
    with pytest.raises(ValueError, match="one length"):
        figures.save(ax.figure, "bad", {"x": [1], "y": [1, 2]})
    assert not list(folder.iterdir())


def test_a_table_has_as_many_cells_in_each_row():
    table = figures.table(("SD", "right"), [(0, "97%"), (40, "90%")])
    assert table.data == "| SD | right |\n| --- | --- |\n| 0 | 97% |\n| 40 | 90% |"
    with pytest.raises(ValueError, match=r"Expected 2 cells.*40"):
        figures.table(("SD", "right"), [(40,)])


def test_learning_curves_draw_mean_and_standard_error(ax):
    runs = np.array([[0.1, 0.5], [0.3, 0.5], [0.5, 0.5]])
    figures.learning_curves(ax, runs, attention="ones")
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_ydata(), [0.3, 0.5])
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(max(0.5, 0.3 + 0.2 / np.sqrt(3)))
    assert heights.min() == pytest.approx(0.3 - 0.2 / np.sqrt(3))


def test_means_have_standard_errors(ax):
    figures.mean_with_errors(ax, [1, 2], [[0.1, 0.3, 0.5], [0.2, 0.2]])
    (line, _, (bars,)) = ax.containers[0].lines
    np.testing.assert_allclose(line.get_ydata(), [0.3, 0.2])
    lengths = [np.ptp(bar[:, 1]) for bar in bars.get_segments()]
    np.testing.assert_allclose(lengths, [0.4 / np.sqrt(3), 0])


def test_a_forest_has_the_first_on_top(ax):
    found = [Estimate(5, 4, 7, 0.95, "t"), Estimate(-1, -3, 1, 0.95, "t")]
    figures.forest(ax, ["first", "second"], found)
    (dots, _, (bars,)) = ax.containers[0].lines
    np.testing.assert_allclose(dots.get_xdata(), [5, -1])
    assert dots.get_ydata()[0] > dots.get_ydata()[1]
    ends = [bar[:, 0].tolist() for bar in bars.get_segments()]
    np.testing.assert_allclose(ends, [[4, 7], [-3, 1]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]


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


def test_every_committed_figure_is_made_by_a_notebook_and_has_its_numbers():
    folder = notebooks.ROOT / "figures"
    pictures = {path.stem for path in folder.glob("[0-9]*.png")}
    assert pictures == {path.stem for path in folder.glob("*.csv")}
    assert {name[:2] for name in pictures} == {p.name[:2] for p in notebooks.paths()}
    sources = "".join(path.read_text("utf-8") for path in notebooks.paths())
    for name in pictures:
        assert name in sources


# --- The drawings of boxes and arrows ----------------------------------------------


def texts(ax):
    """The texts of a drawing with their places; arrows are texts without words."""
    return [
        (each.get_text(), each.get_position()) for each in ax.texts if each.get_text()
    ]


def test_boxes_name_the_sizes_and_weights_of_a_model(ax):
    for side, reduced in ((28, 15), (60, 31)):
        ax.clear()
        figures.network_diagram(ax, build_model(image_shape=(side, side)))
        drawn = dict(texts(ax))
        assert f"image\n{side} x {side} x 1" in drawn
        assert f"conv_2\n{reduced} x {reduced} x 32\n9,248 weights" in drawn
        assert f"attention map\n{reduced} x {reduced}" in drawn


def test_upright_the_same_boxes_go_downwards(ax):
    model = build_model()
    figures.network_diagram(ax, model)
    beside = dict(texts(ax))
    ax.clear()
    figures.network_diagram(ax, model, upright=True)
    below = dict(texts(ax))
    assert below.keys() == beside.keys()
    remarks = [words for words, *_ in figures.REMARKS]
    for words in beside.keys() - remarks:
        x, y = beside[words]
        assert below[words] == (y, -x)


def test_each_area_stands_above_the_layer_that_resembles_it(ax):
    figures.visual_system_diagram(ax)
    for area, drive, along, _, like in figures.AREAS:
        assert (f"{area}\n{drive}", (along, 0)) in texts(ax)
        assert (f"loosely: {like}", (along, -0.7)) in texts(ax)
