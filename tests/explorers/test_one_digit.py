"""The explorers of one digit: how they begin, fresh noise, a digit that is drawn."""

import numpy as np
import pytest
from shown import NAMES
from test_packing import weights_in

from utils import explorers
from utils.data import load_mnist
from utils.model import build_model
from utils.wiring import build_wired

_, (IMAGES, LABELS) = load_mnist()


def test_a_model_of_ones_own_comes_first_with_its_attention():
    model = build_wired("normalised", seed=3, sigma=2.0, strength=0.5, input_scale=0.1)
    explorer = explorers.attention(IMAGES[:9], LABELS[:9], model)
    assert explorer.network == "yours"
    assert explorer.attention == "normalised"
    assert (explorer.sigma, explorer.strength) == (2.0, 0.5)
    weights = weights_in(explorer.description["data"], "yours")
    kernel, *rest = (each.numpy().ravel() for each in model.trainable_variables)
    np.testing.assert_array_equal(weights[len(kernel) :], np.concatenate(rest))
    np.testing.assert_allclose(weights[: len(kernel)], 0.1 * kernel, rtol=1e-6)


def test_a_sigma_of_ones_own_is_in_the_range():
    for sigma in (0.0, 20.0):
        model = build_model("normalised", sigma=sigma)
        assert explorers.attention(IMAGES[:9], LABELS[:9], model).sigma == sigma


@pytest.mark.browser
def test_it_begins_with_the_first_digit_whatever_it_is(in_page):
    assert "digit 0 (label 7)" in in_page.explorers(len(NAMES))[1].status()


def draw_a_seven(explorer):
    explorer.root.scroll_into_view_if_needed()
    pad = explorer.part(".explorer-pad canvas").bounding_box()
    mouse = explorer.page.mouse
    corners = [(0.25, 0.2), (0.75, 0.2), (0.4, 0.85)]
    (x, y), *rest = [
        (pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in corners
    ]
    mouse.move(x, y)
    mouse.down()
    for x, y in rest:
        mouse.move(x, y, steps=10)
    mouse.up()


@pytest.mark.browser
def test_fresh_noise_is_drawn(in_page):
    noise = in_page.explorers(len(NAMES))[0]
    before, picture = noise.updates(), noise.pixels()
    noise.press("fresh-draw")
    noise.wait_for_update(before)
    assert noise.pixels() != picture


@pytest.mark.browser
def test_a_digit_is_drawn_looked_at_and_cleared(place):
    attention = place.explorers(len(NAMES))[1]
    attention.slider("noise-slider").press("Home")
    attention.slider("digit-slider").press("Home")
    attention.settle()
    picture = attention.pixels()
    draw_a_seven(attention)
    attention.settle()
    assert "your drawing" in attention.status()
    drawn = attention.pixels()
    assert drawn != picture
    attention.part(".explorer-pad canvas").click(position={"x": 20, "y": 20})
    attention.settle()
    assert attention.pixels() not in (drawn, picture)
    attention.part(".explorer-pad button").click()
    attention.settle()
    assert "digit 0 (label 7)" in attention.status()
    assert attention.pixels() == picture
