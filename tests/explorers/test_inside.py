"""The view of the whole network, views/inside.js, in Chromium, and from Python."""

import numpy as np
import pytest
from browser import PHONE, Notebook, check_quiet, write_notebook
from shown import SETUP
from test_one_digit import draw_a_seven

from utils import explorers
from utils.data import load_mnist
from utils.explorers.look_inside import FIRST, LAYERS, VECTORS
from utils.explorers.shipped import shipped, trained
from utils.model import build_model, predict, set_weights

FEW = 9
_, (IMAGES, LABELS) = load_mnist()
WHOLE = (8, 22, 74, 88, 108)  # left, top, side of a picture, steps right and down


def made():
    return explorers.inside(IMAGES[:FEW], LABELS[:FEW])


@pytest.fixture
def inside(open_canvas):
    return open_canvas(made=made())


def click(explorer, layer, row, col, rows, cols):
    """Click the middle of a place in a picture of the whole network."""
    left, top, side, right, down = WHOLE
    number = [*LAYERS].index(layer)
    x = left + number % 7 * right + (col + 0.5) * side / cols
    y = top + number // 7 * down + (row + 0.5) * side / rows
    scale = explorer.part(".explorer-image > canvas").bounding_box()["width"] / 620
    at = {"x": x * scale, "y": y * scale}
    explorer.part(".explorer-handle").click(position=at)
    explorer.settle()


def test_it_begins_at_the_first_digit_and_its_first_pixel_of_full_ink():
    explorer = made()
    assert (explorer.digit, explorer.noise_level) == (0, 0)
    assert (explorer.network, explorer.attention) == ("energy", "energy")
    assert explorer.layer == "conv_1"
    ink = IMAGES[0] == IMAGES[0].max()
    assert [explorer.row, explorer.col] == np.argwhere(ink)[0].tolist()


def test_the_first_channels_are_active_in_every_network_that_ships():
    model = build_model("energy")
    for kind in shipped():
        set_weights(model, trained(kind))
        first, second = predict(model, IMAGES[:1], ("conv_1", "conv_2"))
        assert first[..., FIRST["channel"]].max() > 0
        assert second[..., FIRST["feature"]].max() > 0


def test_a_place_keeps_its_share_of_the_layer():
    explorer = made()
    explorer.row, explorer.col = 27, 0
    explorer.layer = "conv_2"
    assert (explorer.row, explorer.col) == (14, 0)
    explorer.layer = "pool_2"
    assert (explorer.row, explorer.col) == (6, 0)


def test_a_network_of_ones_own_comes_first_with_its_map():
    model = build_model("place", seed=0)
    explorer = explorers.inside(IMAGES[:FEW], LABELS[:FEW], model)
    assert (explorer.network, explorer.attention) == ("yours", "place")


@pytest.mark.browser
def test_a_click_chooses_a_place_and_a_click_in_its_window_goes_one_step_back(inside):
    click(inside, "conv_2", 7, 9, 15, 15)
    inside.expect("conv_2, row 7, column 9, conv_1 channel 2, conv_2 channel 2")
    click(inside, "normalise_1", 6, 8, 13, 13)  # the window's middle
    inside.expect("normalise_1, row 6, column 8, conv_1 channel 2")
    click(inside, "pool_1", 6, 8, 13, 13)
    inside.expect("pool_1, row 6, column 8")
    click(inside, "conv_1", 13, 17, 28, 28)
    inside.expect("conv_1, row 13, column 17")
    click(inside, "images", 13, 17, 28, 28)
    inside.expect("image, row 13, column 17", f"grey level {IMAGES[0][13, 17]}")
    click(inside, "softmax", 0, 7, 1, 10)
    inside.expect("probabilities, evidence for digit 7")


@pytest.mark.browser
def test_a_drag_goes_on_choosing_places_of_its_layer(inside):
    box = inside.part(".explorer-handle").bounding_box()
    mouse, (left, top, side, right, _) = inside.page.mouse, WHOLE
    x, y = box["x"] + left + right + side / 2, box["y"] + top + side / 2  # conv_1
    mouse.move(x, y)
    mouse.down()
    inside.expect("conv_1, row 14, column 14")
    mouse.move(x + 3 * right, y, steps=4)  # beyond its right edge
    inside.expect("conv_1, row 14, column 27")
    mouse.up()
    mouse.move(x, y)
    inside.settle()
    assert "column 27" in inside.status()


@pytest.mark.browser
def test_arrow_keys_move_the_place_and_stop_at_the_edge(inside):
    handle = inside.page.get_by_role("application", name="The layers of the network")
    row, col = made().row, made().col
    for key, place in (
        ("ArrowUp", (row - 1, col)),
        ("ArrowLeft", (row - 1, col - 1)),
        ("ArrowDown", (row, col - 1)),
        ("ArrowRight", (row, col)),
    ):
        handle.press(key)
        inside.expect(f"row {place[0]}, column {place[1]},")
    for _ in range(28 - col):
        handle.press("ArrowRight")
    inside.expect(f"row {row}, column 27,")
    inside.choose("layer-select", "scores")
    handle.press("ArrowRight")
    inside.expect("scores, conv_2 channel 2, evidence for digit 1")


@pytest.mark.browser
def test_every_layer_shows_its_arithmetic_on_a_phone(open_canvas):
    explorer = open_canvas(made=made(), **PHONE)
    for layer, (title, _) in LAYERS.items():
        explorer.choose("layer-select", title)
        explorer.expect(f"; {title}, ")
        lines = explorer.part(".explorer-sums p").all_inner_texts()
        assert lines
        spoken = explorer.status().partition(": ")[2]
        assert not set(spoken) & set("=+/")
        assert all(line.rpartition(" ")[2] in spoken for line in lines)
        tables = explorer.part(".explorer-sums table").count()
        assert tables == {"conv": 3, "pool": 1, "norm": 1, "soft": 1}.get(
            layer[:4], 4 if layer.startswith("dense_2") else 0
        )
        assert ("row" in explorer.status()) == (layer not in VECTORS)
        assert explorer.page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.browser
def test_a_drawn_digit_and_fresh_noise_reach_every_layer(inside):
    shown = {inside.pixels()}
    inside.type("noise-slider", 40)
    inside.expect("noise 40.0")
    shown.add(inside.pixels())
    inside.press("fresh-draw")
    inside.settle()
    shown.add(inside.pixels())
    draw_a_seven(inside)
    inside.expect("your drawing")
    shown.add(inside.pixels())
    inside.choose("attention-select", "ones (control)")
    inside.settle()
    shown.add(inside.pixels())
    assert len(shown) == 5
    inside.choose("layer-select", "gain")
    inside.expect("the gain is 1 at every place")


@pytest.mark.browser
def test_a_click_reaches_python_and_python_moves_the_place(browser, lab):
    cell = f"inside = explorers.inside(images[:{FEW}], labels[:{FEW}])\ninside"
    write_notebook(lab.notebooks / "inside.ipynb", [SETUP, cell])
    notebook = Notebook(browser, lab, "inside.ipynb")
    notebook.run()
    (explorer,) = notebook.explorers()
    click(explorer, "conv_2", 7, 9, 15, 15)
    explorer.expect("conv_2, row 7, column 9")
    notebook.page.wait_for_timeout(1000)
    notebook.wait_until_idle(60)
    place = notebook.python("(inside.layer, inside.row, inside.col)")
    assert place == ("conv_2", 7, 9)
    notebook.python("setattr(inside, 'layer', 'pool_2')")
    explorer.expect("pool_2, row 3, column 4")
    check_quiet(notebook, lab)
    notebook.close()


@pytest.mark.browser
def test_row_and_column_end_where_the_layer_ends(open_canvas):
    explorer = open_canvas(made=made())
    for title, last in (
        ("gain", 14),
        ("pool_1", 12),
        ("normalise_2", 6),
        ("image", 27),
    ):
        explorer.choose("layer-select", title)
        for css in ("row-slider", "column-slider"):
            explorer.slider(css).press("End")
        explorer.expect(f"row {last}, column {last}")
