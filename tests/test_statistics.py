"""Means over runs and their standard errors."""

import numpy as np
import pytest
from scipy import stats

from utils.statistics import mean_and_standard_error


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
