"""Play 100 of one digit: which digits it shows, what it counts, what it says."""

import re

import numpy as np
import pytest
from node import Node

from utils import explorers
from utils.data import load_mnist
from utils.explorers import shipped
from utils.model import build_model, predict, set_weights

_, (IMAGES, LABELS) = load_mnist()
STREAM = 8  # of random numbers, as in views/one_digit.js
NOISE = """([stream, count]) => {
  const random = randomNumbers(0, stream);
  return Array.from({ length: count }, () => [...drawNoise(784, random)]);
}"""
SCORE = re.compile(
    r"right of (\d+): with the map (\d+), control network (\d+)"
    r"(?:, map taken away (\d+))?; (.+)$"
)

pytestmark = pytest.mark.browser


def play(explorer, count=100):
    explorer.press("play-100")
    explorer.expect(f"right of {count}", seconds=30)
    explorer.settle()
    *numbers, words = SCORE.search(explorer.status()).groups()
    return [int(each) for each in numbers if each], words


@pytest.fixture(scope="module")
def expected():
    """Of the first 200 digits in the page's noise of SD 80, the three counts."""
    node = Node("stimuli.js")
    drawn = np.array(node.evaluate(NOISE, [STREAM, 200])).reshape(200, 28, 28)
    node.close()
    noisy = IMAGES[:200] + 80 * drawn

    def right(trained, attention):
        model = build_model(attention)
        set_weights(model, shipped.trained(trained))
        return predict(model, noisy.astype("float32")).argmax(-1) == LABELS[:200]

    pairs = ("energy", "energy"), ("ones", "ones"), ("energy", "ones")
    answers = [right(*pair) for pair in pairs]
    return {n: [n, *(int(each[:n].sum()) for each in answers)] for n in (100, 200)}


def test_three_conditions_are_counted_as_keras_counts_them(open_canvas, expected):
    explorer = open_canvas(made=explorers.attention(IMAGES, LABELS))
    for count in (100, 200):
        numbers, words = play(explorer, count)
        assert numbers == expected[count]
        assert words == "the control is ahead"
    assert "digit 0 (label 7)" in explorer.status()  # the reader's digit is back


def test_another_digit_keeps_the_score_and_another_condition_begins_anew(open_canvas):
    explorer = open_canvas(made=explorers.attention(IMAGES, LABELS))
    first, _ = play(explorer)
    explorer.slider("digit-slider").press("End")
    explorer.expect("digit 499", "right of 100")
    explorer.slider("strength-slider").press("Home")
    explorer.settle()
    assert "right of" not in explorer.status()
    flat, _ = play(explorer)
    assert flat == [100, first[3], first[2], first[3]]  # strength 0: no map


def test_the_control_is_compared_with_a_map_put_on_it(open_canvas):
    explorer = open_canvas(made=explorers.attention(IMAGES, LABELS))
    explorer.choose("network-select", "Trained without attention")
    explorer.choose("attention-select", "energy")
    (_, lent, control), words = play(explorer)
    assert control > lent
    assert words == "the control is ahead"
    assert "map taken away" not in explorer.status()
