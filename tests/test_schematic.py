"""The drawings: what the boxes say, and where they are."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from utils import schematic
from utils.model import build_model

mpl.use("agg")


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def texts(ax):
    """The texts of a drawing with their places; arrows are texts without words."""
    return [
        (each.get_text(), each.get_position()) for each in ax.texts if each.get_text()
    ]


def test_boxes_name_the_sizes_and_weights_of_a_model(ax):
    for side, reduced in ((28, 15), (60, 31)):
        ax.clear()
        schematic.network(ax, build_model(image_shape=(side, side)))
        drawn = dict(texts(ax))
        assert f"image\n{side} x {side} x 1" in drawn
        assert f"conv_2\n{reduced} x {reduced} x 32\n9,248 weights" in drawn
        assert f"attention map\n{reduced} x {reduced}" in drawn


def test_upright_the_same_boxes_go_downwards(ax):
    model = build_model()
    schematic.network(ax, model)
    beside = dict(texts(ax))
    ax.clear()
    schematic.network(ax, model, upright=True)
    below = dict(texts(ax))
    assert below.keys() == beside.keys()
    remarks = [words for words, *_ in schematic.REMARKS]
    for words in beside.keys() - remarks:
        x, y = beside[words]
        assert below[words] == (y, -x)


def test_each_area_stands_above_the_layer_that_resembles_it(ax):
    schematic.visual_system(ax)
    for area, drive, along, _, like in schematic.AREAS:
        assert (f"{area}\n{drive}", (along, 0)) in texts(ax)
        assert (f"loosely: {like}", (along, -0.7)) in texts(ax)
