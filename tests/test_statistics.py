"""Means with their standard errors, and estimates in words."""

import numpy as np
import pytest
from scipy import stats

from utils.statistics import FORMATS, Estimate, mean_and_standard_error


def test_mean_and_standard_error_by_hand_and_by_scipy():
    mean, error = mean_and_standard_error([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0]])
    assert mean.tolist() == [3, 0]
    assert error == pytest.approx([2 / np.sqrt(3), 0])
    values = np.random.default_rng(0).normal(size=(4, 5, 6))
    np.testing.assert_allclose(mean_and_standard_error(values)[1], stats.sem(values))


def test_one_run_says_nothing_of_the_spread():
    mean, error = mean_and_standard_error([[0.5, 0.7]])
    assert mean.tolist() == [0.5, 0.7]
    assert np.isnan(error).all()


@pytest.mark.parametrize("nothing", [[], np.empty((0, 3)), 0.5])
def test_no_run_is_refused(nothing):
    with pytest.raises(ValueError, match="at least one run"):
        mean_and_standard_error(nothing)


def test_recovers_the_spread_of_simulated_means():
    rng = np.random.default_rng(1)
    runs = rng.normal(0.9, 0.02, size=(10, 20_000))
    mean, error = mean_and_standard_error(runs)
    assert mean.std() == pytest.approx(0.02 / np.sqrt(10), rel=0.02)
    assert np.sqrt((error**2).mean()) == pytest.approx(mean.std(), rel=0.02)


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
    written = "" if unit in ("r", "weight") else unit  # those are numbers alone
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
