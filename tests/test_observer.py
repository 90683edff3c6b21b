"""The reader as the observer: what is shown, what an answer does, what is fitted."""

import numpy as np
import pytest

from utils.data import load_mnist
from utils.displays import Display
from utils.explorers.observer import LEVELS, observer
from utils.studies.psychometrics import PsychometricFunction

_, (IMAGES, LABELS) = load_mnist()


def answer(widget, digit, number=None):
    number = widget.number if number is None else number
    widget._hear(widget, {"answer": digit, "number": number}, [])


def watch(widget, true, trials, rng):
    """Answer as an observer does whose psychometric function is known."""
    for _ in range(trials):
        right = rng.random() < true.accuracy(widget.trial["level"])
        answer(widget, widget.label if right else (widget.label + 1) % 10)


def test_levels_come_shuffled_and_each_as_often():
    widget, seen = observer(IMAGES, LABELS, seed=0), []
    for _ in range(5 * len(LEVELS)):
        seen.append(widget.trial["level"])
        answer(widget, 0)
    blocks = np.reshape(seen, (5, -1))
    assert all(sorted(block) == sorted(LEVELS) for block in blocks)
    assert len({*map(tuple, blocks)}) > 1


def test_the_trial_is_an_image_with_its_cue():
    widget = observer(IMAGES, LABELS, seed=1, display=Display(rows=40, cols=50))
    trial = widget.trial
    assert len(trial["image"]) == 40 * 50
    assert trial["cue"] is None
    widget.cued = True
    assert widget.trial["number"] == trial["number"] + 1
    row, col, rows, cols = widget.trial["cue"]
    assert (rows, cols) == (28, 28)
    assert 0 <= row <= 12
    assert 0 <= col <= 22


def test_the_cue_lies_around_the_digit():
    widget = observer(IMAGES, LABELS, levels=(1e-6, 2e-6, 3e-6, 4e-6), seed=2)
    widget.cued = True
    for _ in range(20):
        pixels = np.frombuffer(widget.trial["image"], "uint8").reshape(44, 44)
        row, col, rows, cols = widget.trial["cue"]
        inside = pixels[row : row + rows, col : col + cols].sum()
        assert inside == pixels.sum() > 0
        answer(widget, 0)


def test_a_known_observer_s_threshold_is_found_with_and_without_a_cue():
    rng = np.random.default_rng(0)
    widget = observer(IMAGES, LABELS, seed=3)
    for cued, threshold in ((False, 110.0), (True, 200.0)):
        true = PsychometricFunction(threshold, 4.0, 0.02, 0.1, 0.0)
        widget.cued = cued
        watch(widget, true, 600, rng)
        found = widget.threshold(cued)
        assert found.low < threshold < found.high
        assert found.value == pytest.approx(threshold, rel=0.2)
    assert [fitted["cued"] for fitted in widget.result["fits"]] == [False, True]
    assert "your threshold with the cue: SD" in widget.result["words"]
    assert len(widget.answers) == 1200


def test_an_answer_counts_once_and_only_for_the_trial_it_was_given_to():
    widget = observer(IMAGES, LABELS, seed=4)
    number, label = widget.number, widget.label
    answer(widget, label)
    answer(widget, label, number)  # the key was pressed twice
    answer(widget, 3, 99)
    assert len(widget.answers) == 1
    assert "right" in widget.result["words"]
    answer(widget, (widget.label + 1) % 10)
    assert "wrong, you said" in widget.result["words"]
    counts = widget.result["counts"]
    assert sum(each["trials"] for each in counts) == 2
    assert sum(each["right"] for each in counts) == 1


@pytest.mark.parametrize("digit", [10, -1, "7", None])
def test_an_answer_that_is_no_digit_is_shown_as_a_problem(digit):
    widget = observer(IMAGES, LABELS, seed=5)
    answer(widget, digit)
    assert widget.answers == []
    assert widget.result["problem"]
    assert f"digit from 0 to 9, received {digit!r}" in widget.result["words"]
    answer(widget, 1)
    assert not widget.result["problem"]


def test_with_few_answers_there_is_no_curve_and_no_threshold():
    widget = observer(IMAGES, LABELS, seed=6)
    answer(widget, 1)
    assert widget.result["fits"] == []
    assert "keep going" in widget.result["words"]
    with pytest.raises(ValueError, match="4 or more noise levels"):
        widget.threshold(False)


def test_networks_are_drawn_beside():
    curve = PsychometricFunction(100.0, 5.0, 0.1, 0.1, 0.0)
    widget = observer(IMAGES, LABELS, {"control": curve})
    (drawn,) = widget.setup["networks"]
    levels, accuracies = np.transpose(drawn["points"])
    assert drawn["label"] == "control"
    assert (levels.min(), levels.max()) == pytest.approx((min(LEVELS), max(LEVELS)))
    assert np.allclose(accuracies, curve.accuracy(levels))


def test_one_seed_repeats_a_session():
    one, same, other = (observer(IMAGES, LABELS, seed=seed) for seed in (7, 7, 8))
    assert one.trial == same.trial
    assert one.trial != other.trial


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((IMAGES[0], LABELS), "Expected images"),
        ((IMAGES, LABELS[:3]), "Expected images"),
        ((IMAGES, LABELS, None, (10, 20, 30)), "4 or more different noise levels"),
        ((IMAGES, LABELS, None, (0, 10, 20, 30)), "levels above 0"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, message):
    images, labels, *rest = arguments
    levels = {"levels": rest[1]} if rest else {}
    with pytest.raises(ValueError, match=message):
        observer(images, labels, **levels)
