"""Estimates: a number with its interval, in tables and in sentences."""

import pytest

from utils.estimate import FORMATS, Estimate


def test_an_estimate_reads_as_a_sentence():
    points = Estimate(9.46, 7.91, 11.2, unit="points", basis="20 pairs")
    assert str(points) == "+9.5 points (95% interval +7.9 to +11.2, 20 pairs)"
    assert points.number == "+9.5 points"
    assert points.interval == "95% interval +7.9 to +11.2, 20 pairs"
    times = Estimate(3.04, 2.6, 3.44, 0.9, unit="times")
    assert str(times) == "3.0 times (90% interval 2.6 to 3.4)"
    assert str(Estimate(0.1234567, -0.05, 0.3)) == "0.1235 (95% interval -0.05 to 0.3)"
    share = Estimate(0.0946, 0.0791, 0.112, basis="20 pairs")
    assert str(share.times(100, "points")) == str(points)


@pytest.mark.parametrize("unit", FORMATS)
def test_every_unit_is_written_once_with_each_number(unit):
    estimate = Estimate(1.25, -1.25, 2.0, unit=unit)
    written = "" if unit == "r" else unit  # a correlation is a number alone
    assert estimate.number.endswith(written or "1.25")
    assert str(estimate).count(written) >= 1


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        ((9.46, 7.91, 11.2), "9.5 points higher (95% interval 7.9 to 11.2, 20 pairs)"),
        (
            (-9.46, -11.2, -7.91),
            "9.5 points lower (95% interval 7.9 to 11.2, 20 pairs)",
        ),
        (
            (-0.3, -1.5, 0.8),
            "0.3 points lower (95% interval 1.5 lower to 0.8 higher, 20 pairs)",
        ),
    ],
)
def test_a_sentence_says_the_direction_in_words(ends, sentence):
    estimate = Estimate(*ends, unit="points", basis="20 pairs")
    assert estimate.higher == sentence
    words = sentence.replace("higher", "more").replace("lower", "less")
    assert estimate.more == words
    assert estimate.size == sentence[:10]
