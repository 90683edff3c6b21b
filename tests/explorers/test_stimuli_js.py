"""What a page's networks look at, stimuli.js in Node: noise, places, orders."""

import base64

import numpy as np
import pytest
import scipy.stats
from node import Node

from utils.noise import NOISES


@pytest.fixture(scope="module")
def node():
    running = Node("stimuli.js")
    yield running
    running.close()


def floats(text):
    return np.frombuffer(base64.b64decode(text), "float32")


def test_noise_is_standard_normal_and_its_own_for_each_seed_and_stream(node):
    draw = "([seed, stream]) => base64(addNoise(new Float32Array(40001), 2, "
    draw += "randomNumbers(seed, stream)))"
    z, again, *others = (
        floats(node.evaluate(draw, of)) / 2
        for of in ([1, 0], [1, 0], [2, 0], [1, 1], [0, 1])
    )
    np.testing.assert_array_equal(z, again)
    assert scipy.stats.kstest(z, "norm").pvalue > 0.001
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 0.02
    for other in others:
        assert abs(np.corrcoef(z, other)[0, 1]) < 0.02


def test_kinds_of_noise_are_those_of_python(node):
    assert node.evaluate("() => Object.keys(NOISES)") == list(NOISES)


def test_noise_is_drawn_once_and_scaled(node):
    image = 1 + np.arange(6400) % 254

    def noisy(kind, level, seed=0):
        found = node.evaluate(
            """([kind, level, seed, image]) => {
                const drawn = NOISES[kind].draw(image.length, randomNumbers(seed));
                const pixels = Float32Array.from(image);
                return base64(NOISES[kind].apply(pixels, level, drawn));
            }""",
            [kind, level, seed, image.tolist()],
        )
        return floats(found) - image

    for kind in NOISES:
        assert (noisy(kind, 0) == 0).all()
    one, two = noisy("gaussian", 10), noisy("gaussian", 20)
    np.testing.assert_allclose(two, 2 * one, atol=1e-4)
    assert (abs(one.mean()), one.std()) == pytest.approx((0, 10), abs=0.4)
    changed, more = noisy("salt_and_pepper", 0.2), noisy("salt_and_pepper", 0.4)
    assert (changed != 0).mean() == pytest.approx(0.2, abs=0.02)
    assert ((changed != 0) <= (more != 0)).all()
    assert set(changed[changed != 0] + image[changed != 0]) == {0, 255}
    contrast = NOISES["contrast"].apply(image[None], 0.3, np.random.default_rng(0))
    np.testing.assert_allclose(noisy("contrast", 0.3), contrast[0] - image, atol=1e-3)


def test_a_digit_comes_to_every_place_of_the_canvas_alike(node):
    counts = node.evaluate(
        "() => { const random = randomNumbers(1), counts = {};"
        " const digits = { rows: 2, cols: 1, images: Uint8Array.of(9, 9, 5, 7) };"
        " for (let i = 0; i < 3000; i++) {"
        "  const at = showDigit(digits, 1, [4, 3], random).join();"
        "  counts[at] = (counts[at] ?? 0) + 1; }"
        " return Object.entries(counts); }"
    )
    seen = {tuple(map(int, text.split(","))): count for text, count in counts}
    expected = set()
    for row, col in np.ndindex(3, 3):
        canvas = np.zeros((4, 3), int)
        canvas[row : row + 2, col] = 5, 7
        expected.add(tuple(canvas.ravel().tolist()))
    assert set(seen) == expected
    assert scipy.stats.chisquare(list(seen.values())).pvalue > 0.001


def test_each_round_of_an_order_has_every_number_once(node):
    numbers = node.evaluate(
        "() => { const order = endlessOrder(50, randomNumbers(3));"
        " return Array.from({ length: 100 }, () => order.next().value); }"
    )
    first, second = numbers[:50], numbers[50:]
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
