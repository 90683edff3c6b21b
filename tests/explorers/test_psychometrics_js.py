"""The psychometric function of a page, psychometrics.js in Node, against SciPy."""

import numpy as np
import pytest
from node import Node
from scipy import optimize, stats

from utils.explorers.trials import LEVELS
from utils.measures.psychometrics import noise_at


def expected(threshold, spread, lapse, level=LEVELS):
    """The psychometric function, by its formula."""
    below = 20 * np.log10(threshold / np.asarray(level)) / spread
    return 0.1 + (0.9 - lapse) * stats.norm.cdf(below)


def log_likelihood(function, right, trials):
    return stats.binom.logpmf(right, trials, expected(*function)).sum()


def most_likely(right, trials):
    """Threshold, spread and lapse, by another optimiser, within the page's limits."""
    limits = [(LEVELS[0] / 10, LEVELS[-1] * 10), (0.1, 60), (0, 0.9)]
    found = [
        optimize.minimize(
            lambda x: -log_likelihood(x, right, trials),
            (start, 4, 0.01),
            method="Nelder-Mead",
            bounds=limits,
            options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 2000},
        )
        for start in LEVELS[1:5]
    ]
    return min(found, key=lambda each: each.fun).x


@pytest.fixture(scope="module")
def node():
    running = Node("psychometrics.js")
    yield running
    running.close()


@pytest.fixture
def fitted(node):
    """What the page makes of right answers `(observers, levels)` and trials."""

    def fit(right, trials, levels=LEVELS):
        right, trials = np.broadcast_arrays(np.atleast_2d(right), trials)
        counts = [
            [
                dict(zip(("level", "right", "trials"), map(int, each), strict=True))
                for each in zip(levels, *both, strict=True)
            ]
            for both in zip(right, trials, strict=True)
        ]
        return node.evaluate("(all) => all.map(fitPsychometric)", counts)

    return fit


def test_the_function_agrees_with_values_by_hand(node):
    known = {"threshold": 100, "spread": 6, "lapse": 0.04}
    levels = [1e-9, 100, 100 * 10 ** (6 / 20), 100 * 10 ** (-12 / 20), 1e9]
    found = node.evaluate(
        "([known, levels]) => levels.map((each) => expectedAccuracy(known, each))",
        [known, levels],
    )
    shares = [1, 0.5, 0.1586552539, 0.9772498681, 0]  # Phi of 0, -1 and 2 between
    np.testing.assert_allclose(found, 0.1 + 0.86 * np.array(shares), atol=1e-9)


def test_the_level_of_an_accuracy_on_a_curve_is_python_s(node):
    """The last level above it, between measured ones; none outside the curve."""
    curves = np.array([[1, 0.9, 0.93, 0.6, 0.3, 0.3], [0.95, 0.9, 0.8, 0.5, 0.2, 0]])
    for accuracy in (0.92, 0.9, 0.7, 0.55, 0.31):
        found = [
            node.evaluate("([curve, p]) => levelAt(curve, p)", [pairs, accuracy])
            for pairs in ([*zip(LEVELS, each, strict=True)] for each in curves.tolist())
        ]
        assert found == pytest.approx(noise_at(accuracy, LEVELS, curves, "observer"))
    outside = "() => [1.1, 0.3, 0].map((p) => isNaN(levelAt([[40, 1], [80, 0.3]], p)))"
    assert node.evaluate(outside) == [True, True, True]


@pytest.mark.parametrize("trials", [8, 40, 1000])
def test_the_fit_is_the_maximum_of_the_likelihood(fitted, trials):
    """Against SciPy: log likelihoods within 0.0001, thresholds within 1%."""
    rng = np.random.default_rng(trials)
    drawn = rng.uniform((70, 2, 0), (250, 7, 0.1), (12, 3))
    right = rng.binomial(trials, [expected(*each) for each in drawn])
    compared = 0
    for counts, found in zip(right, fitted(right, trials), strict=True):
        other = most_likely(counts, trials)
        if found is None:
            assert trials == 8
            continue
        ours = [found[key] for key in ("threshold", "spread", "lapse")]
        theirs = log_likelihood(other, counts, trials)
        assert log_likelihood(ours, counts, trials) > theirs - 1e-4
        if other[1] > 1:  # a step has a threshold anywhere between two levels
            assert ours[0] == pytest.approx(other[0], rel=0.01)
            compared += 1
    assert compared >= 6


def test_without_a_fall_within_the_levels_there_is_no_threshold(fitted):
    perfect, never, chance = [20] * 6, [0] * 6, [2] * 6
    rising, beyond = [2, 2, 8, 15, 19, 20], [20, 20, 20, 20, 20, 18]
    assert fitted([perfect, never, chance, rising, beyond], 20) == 5 * [None]
    assert fitted([20, 11, 2], 20, LEVELS[:3]) == [None]
    assert fitted([20, 20, 11, 2, 0, 0], [20, 20, 20, 20, 0, 0]) != [None]
    assert fitted([20, 11, 2, 0, 0, 0], [20, 20, 20, 0, 0, 0]) == [None]


def test_a_step_has_its_threshold_between_two_levels(fitted):
    (found,) = fitted([20, 20, 20, 2, 2, 2], 20)
    assert 120 < found["low"] < found["threshold"] < found["high"] < 180


def test_the_interval_covers_the_threshold_and_narrows_with_trials(fitted):
    widths, known = [], (140, 4, 0.03)
    for trials in (20, 500):
        rng = np.random.default_rng(0)
        right = rng.binomial(trials, expected(*known), (200, len(LEVELS)))
        found = [each for each in fitted(right, trials) if each]
        hits = sum(each["low"] <= known[0] <= each["high"] for each in found)
        fewest, most = stats.binom.interval(0.998, len(found), 0.95)
        assert fewest <= hits <= most
        ends = [np.log(each["high"] / each["low"]) for each in found]
        widths.append(np.median(ends))
    assert widths[0] / widths[1] == pytest.approx(5, rel=0.25)
