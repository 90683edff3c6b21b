"""Displays: digits where they are said to be, the same for every arm of a pair."""

import numpy as np
import pytest

from utils.data import load_mnist
from utils.displays import Display, arrange, cue_maps
from utils.model import build_model, map_shape

(IMAGES, LABELS), _ = load_mnist()
TARGETS = IMAGES[:200]


def shown(seed=0, targets=TARGETS, **settings):
    return arrange(Display(**settings), targets, IMAGES, np.random.default_rng(seed))


def at(displays, corners, size=28):
    """What lies at the places."""
    return np.array(
        [
            image[row : row + size, col : col + size]
            for image, (row, col) in zip(displays.images, corners, strict=True)
        ]
    )


@pytest.mark.parametrize("size", [{}, {"rows": 60, "cols": 36}, {"rows": 28}])
def test_the_digit_lies_where_the_display_says_and_nothing_else_does(size):
    found = shown(**size)
    display = Display(**size)
    assert found.images.shape == (200, *display.shape)
    assert found.images.dtype == np.uint8
    assert (at(found, found.places) == TARGETS).all()
    assert (found.images.sum((1, 2)) == TARGETS.sum((1, 2))).all()
    if min(display.shape) > 28:
        assert len({*map(tuple, found.places)}) > 50


def test_a_central_digit_changes_nothing_but_its_place():
    (digits, _), _ = load_mnist()

    def shown(**settings):
        rng = np.random.default_rng(3)
        return arrange(Display(60, 61, **settings), digits[:9], digits, rng)

    alone, middle = shown(central=True), np.zeros((60, 61), bool)
    middle[16:44, 16:44] = True
    assert (alone.places == (16, 16)).all()
    np.testing.assert_array_equal(alone.images[:, ~middle], 0)
    np.testing.assert_array_equal(alone.images[:, 16:44, 16:44], digits[:9])
    anywhere, central = (
        shown(distractors=2, central=c).images.astype(int) - shown(central=c).images
        for c in (False, True)
    )
    unseen = (shown().images == 0) & (alone.images == 0)  # by a digit at either place
    np.testing.assert_array_equal(anywhere[unseen], central[unseen])


def test_every_place_at_which_a_digit_fits_is_as_likely():
    places = shown(targets=np.zeros((20_000, 28, 28), "uint8"), rows=31, cols=30).places
    counts = np.zeros((4, 3))
    np.add.at(counts, tuple(places.T), 1)
    expected = 20_000 / 12
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_one_seed_repeats_every_bit_and_another_does_not():
    settings = {"distractors": 5, "second_digit": True, "validity": 0.5}
    one, same, other = shown(1, **settings), shown(1, **settings), shown(2, **settings)
    for a, b in zip(one, same, strict=True):
        assert (a == b).all()
    assert (one.images != other.images).any()
    assert (one.places != other.places).any()


def test_distractors_are_fragments_of_other_digits_and_add_to_what_is_there():
    without, few, many = (shown(distractors=n) for n in (0, 3, 12))
    for one in (few, many):
        assert (one.places == without.places).all()
        assert (one.images >= without.images).all()
    extra = [(one.images > without.images).sum() / 200 for one in (few, many)]
    assert 0 < extra[0] <= 3 * 64
    assert extra[0] < extra[1] <= 12 * 64


def test_a_fragment_is_a_part_of_a_digit():
    bright = np.full((1, 28, 28), 200, "uint8")
    nothing = np.zeros((50, 28, 28), "uint8")
    display = Display(distractors=1, fragment=5)
    found = arrange(display, nothing, bright, np.random.default_rng(0)).images
    assert {*np.unique(found)} == {0, 200}
    assert ((found > 0).sum((1, 2)) == 25).all()


def test_a_second_digit_is_shown_whole_and_cued_where_the_cue_is_invalid():
    other = np.full((1, 28, 28), 7, "uint8")
    display = Display(second_digit=True, validity=0.0)
    found = arrange(display, TARGETS, other, np.random.default_rng(0))
    assert (at(found, found.cues) >= 7).all()
    assert not found.valid.any()
    assert (found.cues != found.places).any(1).mean() > 0.9


def test_the_cue_is_valid_as_often_as_asked():
    for validity in (0.0, 0.8, 1.0):
        found = shown(targets=np.repeat(TARGETS, 20, axis=0), validity=validity)
        assert found.valid.mean() == pytest.approx(validity, abs=0.03)
        marked = (found.cues == found.places).all(1)
        assert (marked >= found.valid).all()
        distance = np.hypot(*(found.cues - found.places)[~found.valid].T)
        if validity < 1:
            assert np.median(distance) > 10


def test_a_cue_may_mark_both_digits_or_a_random_place_and_changes_nothing_else():
    one, both, random = (
        shown(second_digit=True, marked=marked) for marked in ("one", "both", "random")
    )
    for other in (both, random):
        assert (other.images == one.images).all()
        assert (other.places == one.places).all()
    wrong = shown(second_digit=True, validity=0.0)
    np.testing.assert_array_equal(both.cues, np.stack([one.cues, wrong.cues], 1))
    of_both, *of_each = (
        cue_maps(cues, (28, 28), map_shape((44, 44)))
        for cues in (both.cues, one.cues, wrong.cues)
    )
    np.testing.assert_array_equal(of_both, np.maximum(*of_each))
    assert (random.cues != one.cues).any(1).mean() > 0.9
    assert (random.cues != wrong.cues).any(1).mean() > 0.9
    assert len({*map(tuple, random.cues)}) > 100


def test_validity_changes_the_cues_only():
    one, other = shown(validity=1.0), shown(validity=0.0)
    assert (one.images == other.images).all()
    assert (one.places == other.places).all()


def test_a_cue_map_peaks_over_the_middle_of_the_digit():
    corners = np.array([[0, 0], [16, 5], [7, 16]])
    maps = cue_maps(corners, (28, 28), map_shape((44, 44)))
    assert maps.shape == (3, 23, 23)
    assert maps.dtype == np.float32
    for each, corner in zip(maps, corners, strict=True):
        cell = np.array(np.unravel_index(each.argmax(), each.shape))
        assert np.abs(2 * cell - 1 - (corner + 13.5)).max() <= 1
    assert 0.9 < maps.max() <= 1


@pytest.mark.parametrize("shape", [(28, 28), (44, 44), (45, 60), (3, 4)])
def test_the_shape_of_a_map_is_that_of_the_model(shape):
    inputs = build_model("given", image_shape=shape).inputs
    assert inputs[1].shape[1:] == map_shape(shape)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rows": 20}, "at least 28 x 28.*20 x 44"),
        ({"distractors": 1, "fragment": 29}, "fragments of 29"),
        ({"rows": 0}, "rows.*0"),
        ({"distractors": -1}, "distractors.*-1"),
        ({"fragment": 2.5}, r"fragment.*2\.5"),
        ({"cols": True}, "cols.*True"),
        ({"validity": 1.1}, r"validity.*1\.1"),
        ({"validity": float("nan")}, "validity.*nan"),
        ({"second_digit": 1}, "second_digit.*True or False.*1"),
    ],
)
def test_an_impossible_display_is_refused_in_words(settings, words):
    with pytest.raises(ValueError, match=words):
        shown(**settings)


def test_a_second_digit_needs_another_class():
    digits, labels = np.zeros((4, 28, 28), "uint8"), np.full(4, 7)
    display, rng = Display(second_digit=True), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"two or more classes.*Received 7 only"):
        arrange(display, digits, digits, rng, labels=(labels, labels))
