"""Psychometric functions: by hand, in the limits, and from simulated observers."""

import numpy as np
import pytest
from scipy import optimize, stats

from utils.studies.psychometrics import (
    PsychometricFunction,
    d_prime,
    decibels,
    fit,
    forced_choice_accuracy,
    threshold_interval,
    threshold_shift,
)

LEVELS = np.array([0, 10, 20, 40, 60, 80, 120, 160, 240.0])  # grey levels
OBSERVERS = [
    PsychometricFunction(60.0, 4.0, 0.05, 0.1, 0),
    PsychometricFunction(30.0, 6.0, 0.3, 0.1, 0),
    PsychometricFunction(100.0, 2.0, 0.0, 0.1, 0),
    PsychometricFunction(45.0, 5.0, 0.02, 0.5, 0),
]
KNOWN = OBSERVERS[0]


def answer(function, trials, seed):
    """Counts of right answers of a simulated observer, `(levels,)`."""
    return np.random.default_rng(seed).binomial(trials, function.accuracy(LEVELS))


def networks(rng, threshold, seeds=10, images=150):
    """Right or wrong `(seeds, levels, images)` of networks with thresholds about one;
    an image is seen up to its own level by a network, guessed beyond."""
    limit = decibels(threshold) + rng.normal(0, 4, size=(seeds, 1, images))
    limit = limit + rng.normal(0, 0.7, size=(seeds, 1, 1))
    guessed = rng.random((seeds, len(LEVELS), images)) < 0.1
    return (decibels(LEVELS)[:, None] < limit) | guessed


def test_decibels_by_hand():
    assert decibels([1, 10, 0.1]).tolist() == [0, 20, -20]
    assert decibels(2) == pytest.approx(6.0206, abs=1e-4)
    assert decibels(0) == -np.inf


@pytest.mark.parametrize("observer", OBSERVERS)
def test_the_function_in_its_limits(observer):
    assert observer.accuracy(0) == pytest.approx(1 - observer.lapse)
    assert observer.accuracy(1e9) == pytest.approx(observer.guess)
    middle = (1 - observer.lapse + observer.guess) / 2
    assert observer.accuracy(observer.threshold) == pytest.approx(middle)
    levels = np.geomspace(5, 500, 200)
    assert (np.diff(observer.accuracy(levels)) <= 0).all()
    assert (np.diff(observer.accuracy(levels[90:120])) < 0).all()  # 40 to 79


def test_the_function_by_hand():
    """One spread beyond the threshold, Phi(-1) = .1587 is still seen."""
    level = 60 * 10 ** (4 / 20)
    assert KNOWN.accuracy(level) == pytest.approx(0.1 + 0.85 * 0.158655, abs=1e-6)


@pytest.mark.parametrize("trials", [100, 1_000_000])
@pytest.mark.parametrize("observer", OBSERVERS)
def test_expected_counts_give_the_observer_back(observer, trials):
    found = fit(LEVELS, trials * observer.accuracy(LEVELS), trials, observer.guess)
    np.testing.assert_allclose(found[:4], observer[:4], rtol=1e-4, atol=1e-6)
    assert found.deviance == pytest.approx(0, abs=0.05)


def test_simulated_observers_are_recovered_without_bias():
    """Mean threshold, lapse and deviance of 200 observers of 200 trials a level; the
    deviance of a true model is a chi-square with levels - 3 degrees of freedom."""
    found = np.array([fit(LEVELS, answer(KNOWN, 200, i), 200) for i in range(200)])
    error = stats.sem(found)
    assert abs(np.log(found[:, 0] / 60).mean()) < 4 * error[0] / 60 + 0.003
    assert abs(found[:, 2].mean() - 0.05) < 4 * error[2] + 0.003
    assert abs(found[:, 4].mean() - 6) < 4 * error[4]


@pytest.mark.parametrize("seed", range(5))
def test_the_fit_is_the_maximum_of_the_likelihood(seed):
    """Against SciPy's binomial distribution and another optimiser."""
    trials = np.array([30, 50, 80, 100, 100, 100, 80, 50, 30])
    correct = answer(KNOWN, trials, seed)
    found = fit(LEVELS, correct, trials)

    def likelihood(p):
        return stats.binom.logpmf(correct, trials, p).sum()

    def cost(x):
        if not (0 <= x[2] < 0.9 and x[1] > 0):
            return np.inf
        return -likelihood(PsychometricFunction(*x, 0.1, 0).accuracy(LEVELS))

    other = optimize.minimize(cost, [50, 5, 0.03], method="Nelder-Mead")
    best = likelihood(found.accuracy(LEVELS))
    assert best == pytest.approx(-other.fun, abs=1e-4)
    saturated = likelihood(correct / trials)
    assert found.deviance == pytest.approx(2 * (saturated - best))


def test_narrow_falls_do_not_trap_the_fit():
    """Between sparse levels, steep functions are local optima."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        spread, lapse = rng.uniform(1, 4), rng.uniform(0, 0.4)
        truth = PsychometricFunction(rng.uniform(12, 100), spread, lapse, 0.1, 0)
        correct = rng.binomial(10**5, truth.accuracy(LEVELS))
        at_truth = stats.binom.logpmf(correct, 10**5, truth.accuracy(LEVELS)).sum()
        found = fit(LEVELS, correct, 10**5)
        at_fit = stats.binom.logpmf(correct, 10**5, found.accuracy(LEVELS)).sum()
        assert at_fit > at_truth - 0.1


def test_the_unit_of_the_levels_does_not_matter():
    correct = answer(KNOWN, 100, 2)
    grey, share = fit(LEVELS, correct, 100), fit(LEVELS / 255, correct, 100)
    assert share.threshold == pytest.approx(grey.threshold / 255, rel=1e-4)
    assert share.spread == pytest.approx(grey.spread, rel=1e-3)


def test_lists_and_whole_numbers_do_as_well():
    levels, correct = [0, 10, 20, 40, 80, 160], [98, 97, 90, 60, 20, 11]
    found = threshold_interval(levels, correct, 100.0, resamples=10)
    assert found.value == fit(np.array(levels), np.array(correct), 100.0).threshold


def test_the_order_of_the_levels_does_not_matter():
    correct = answer(KNOWN, 100, 3)
    backwards = fit(LEVELS[::-1], correct[::-1], 100)
    np.testing.assert_allclose(backwards, fit(LEVELS, correct, 100), rtol=1e-4)


def test_observers_without_a_threshold_are_refused():
    perfect, never = np.full(9, 100), np.zeros(9)
    rising = answer(KNOWN, 100, 4)[::-1]
    assert rising[0] < rising[-1]
    for correct in (perfect, never, rising, np.full(9, 50)):
        with pytest.raises(
            ValueError, match=r"to fall through a threshold within the lev"
        ):
            fit(LEVELS, correct, 100)


def test_guessing_observers_are_refused_nearly_always():
    refused = 0
    for seed in range(100):
        try:
            fit(LEVELS, np.random.default_rng(seed).binomial(50, 0.1, 9), 50)
        except ValueError:
            refused += 1
    assert refused >= 95


@pytest.mark.parametrize("few", [slice(0, 4), slice(5, 9)])
def test_a_threshold_outside_the_levels_is_refused(few):
    correct = np.round(10_000 * KNOWN.accuracy(LEVELS))
    with pytest.raises(ValueError, match=r"within the levels, received \["):
        fit(LEVELS[few], correct[few], 10_000)


@pytest.mark.parametrize(
    ("levels", "correct", "trials"),
    [
        ([1, 2, 3], [9, 5, 1], 10),
        ([1, 2, 2, 3], [9, 5, 5, 1], 10),
        ([1, 2, 3, 4], [9, 5, 1], 10),
        ([-1, 2, 3, 4], [9, 5, 3, 1], 10),
        ([1, 2, 3, 4], [11, 5, 3, 1], 10),
        ([1, 2, 3, 4], [9, 5, 3, -1], 10),
        ([1, 2, 3, 4], [0, 0, 0, 0], [0, 1, 1, 1]),
        ([1, 2, 3, np.nan], [9, 5, 3, 1], 10),
    ],
)
def test_what_are_no_counts_is_refused(levels, correct, trials):
    with pytest.raises(ValueError, match=r"Expected 4 or more noise levels.*received"):
        fit(levels, correct, trials)


@pytest.mark.parametrize("guess", [-0.1, 1, np.nan])
def test_a_guessing_rate_that_is_none_is_refused(guess):
    with pytest.raises(
        ValueError, match=r"a guessing rate from 0 to below 1, received"
    ):
        fit(LEVELS, answer(KNOWN, 100, 0), 100, guess)


def test_the_interval_is_as_wide_as_the_information_allows():
    """With many trials, the variance is the inverse of Fisher's information."""
    trials, steps = 20_000, np.diag([1e-4, 1e-4, 1e-6])
    center = np.array(KNOWN[:3])

    def accuracy(parameters):
        return PsychometricFunction(*parameters, 0.1, 0).accuracy(LEVELS)

    gradient = [
        (accuracy(center + step) - accuracy(center - step)) / (2 * step.sum())
        for step in steps
    ]
    p = accuracy(center)
    information = trials * np.einsum("il,jl,l", gradient, gradient, 1 / (p * (1 - p)))
    error = np.sqrt(np.linalg.inv(information)[0, 0])
    found = threshold_interval(LEVELS, trials * p, trials)
    assert found.value == pytest.approx(60, rel=1e-4)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.08)


def test_the_interval_covers_the_true_threshold():
    hits = 0
    for seed in range(40):
        counts = answer(KNOWN, 100, 1000 + seed)
        found = threshold_interval(LEVELS, counts, 100, resamples=60, seed=seed)
        hits += found.low <= 60 <= found.high
    lowest, _ = stats.binom.interval(0.998, 40, 0.93)
    assert hits >= lowest


def test_a_step_is_a_threshold_between_two_levels():
    """All or guessing: as steep as a fit can be, and the interval still comes."""
    correct = np.where(LEVELS <= 60, 100, 10)
    assert 60 < fit(LEVELS, correct, 100).threshold < 80
    found = threshold_interval(LEVELS, correct, 100, resamples=20)
    assert 60 < found.low <= found.high < 80


def test_an_interval_is_that_of_as_many_single_fits():
    counts = answer(KNOWN, 100, 13)
    found = threshold_interval(LEVELS, counts, 100, resamples=40, seed=3)
    expected = fit(LEVELS, counts, 100).accuracy(LEVELS)
    drawn = np.random.default_rng(3).binomial(100, expected, (40, len(LEVELS)))
    logarithms = [np.log(fit(LEVELS, each, 100).threshold) for each in drawn]
    ends = np.exp(np.quantile(logarithms, (0.025, 0.975)))
    np.testing.assert_allclose(found[1:3], ends, rtol=1e-6)


def test_more_trials_narrow_the_interval():
    widths = []
    for trials in (100, 10_000):
        counts = trials * KNOWN.accuracy(LEVELS)
        found = threshold_interval(LEVELS, counts, trials, resamples=200)
        widths.append(decibels(found.high / found.low))
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.25)


def test_twice_the_noise_is_six_decibels():
    rng = np.random.default_rng(5)
    arm, control = networks(rng, 80), networks(rng, 40)
    found = threshold_shift(LEVELS, arm, control, resamples=100)
    assert found.low < 6.02 < found.high
    assert found.high - found.low < 3
    assert found.value == pytest.approx(6.02, abs=1.2)
    mirrored = threshold_shift(LEVELS, control, arm, resamples=100)
    np.testing.assert_allclose(mirrored.value, -found.value)
    assert mirrored.high < 0


def test_the_shift_is_that_of_the_fits():
    rng = np.random.default_rng(6)
    arm, control = networks(rng, 80), networks(rng, 50)
    first, second = (fit(LEVELS, x.sum((0, 2)), 1500) for x in (arm, control))
    found = threshold_shift(LEVELS, arm, control, resamples=20)
    assert found.value == pytest.approx(decibels(first.threshold / second.threshold))


def test_identical_arms_have_no_shift():
    right = networks(np.random.default_rng(7), 60)
    assert threshold_shift(LEVELS, right, right, resamples=20)[:3] == (0, 0, 0)


def test_the_same_seed_gives_the_same_intervals():
    arm, control = (networks(np.random.default_rng(i), 60) for i in (8, 9))
    shifts = [
        threshold_shift(LEVELS, arm, control, resamples=20, seed=s) for s in (1, 1, 2)
    ]
    assert shifts[0] == shifts[1] != shifts[2]
    counts = answer(KNOWN, 100, 10)
    first, again, other = (
        threshold_interval(LEVELS, counts, 100, resamples=20, seed=s) for s in (1, 1, 2)
    )
    assert first == again != other


def test_arms_of_other_shapes_are_refused():
    right = networks(np.random.default_rng(11), 60)
    with pytest.raises(ValueError, match=r"\(seeds, 9 levels, images\), received"):
        threshold_shift(LEVELS, right, right[:, :8])
    with pytest.raises(ValueError, match=r"8 seeds or more, received"):
        threshold_shift(LEVELS, right[:5], right[:5])


def test_d_prime_of_ten_alternatives_is_that_of_palamedes():
    """The example of `PAL_SDT_MAFC_PCtoDP` (Palamedes toolbox, Prins and Kingdom)."""
    found = d_prime([0.1, 0.3, 0.5, 0.7, 0.9], 10)
    expected = [0.0, 0.8680, 1.4748, 2.0872, 2.9829]
    np.testing.assert_allclose(found, expected, atol=1.5e-4)  # its search stops there


def test_d_prime_of_two_alternatives_has_a_formula():
    """`sqrt(2) z(p)` (Green and Swets 1966)."""
    p = np.linspace(0.02, 0.98, 25)
    np.testing.assert_allclose(d_prime(p, 2), np.sqrt(2) * stats.norm.ppf(p), atol=1e-9)


def test_d_prime_of_simulated_choices():
    rng = np.random.default_rng(12)
    evidence = rng.normal(size=(100_000, 10))
    evidence[:, 3] += 1.7
    accuracy = np.mean(evidence.argmax(axis=1) == 3)
    assert forced_choice_accuracy(1.7) == pytest.approx(accuracy, abs=0.006)
    assert d_prime(accuracy) == pytest.approx(1.7, abs=0.02)


@pytest.mark.parametrize("alternatives", [2, 3, 10, 100])
def test_d_prime_is_the_inverse_in_any_shape(alternatives):
    expected = np.linspace(-1, 5, 12).reshape(3, 4)
    accuracy = forced_choice_accuracy(expected, alternatives)
    assert (np.diff(accuracy.ravel()) > 0).all()
    np.testing.assert_allclose(d_prime(accuracy, alternatives), expected, atol=1e-6)


def test_d_prime_in_its_limits():
    assert d_prime(0.1) == pytest.approx(0, abs=1e-9)
    assert d_prime([0.0, 1.0]).tolist() == [-np.inf, np.inf]
    assert forced_choice_accuracy([0, 40], 10) == pytest.approx([0.1, 1])
    assert d_prime(0.05) < 0


@pytest.mark.parametrize(
    ("accuracy", "alternatives"), [(1.2, 10), ([0.5, -0.1], 10), (np.nan, 10), (0.5, 1)]
)
def test_what_is_no_accuracy_has_no_d_prime(accuracy, alternatives):
    with pytest.raises(ValueError, match=r"Expected accuracies from 0 to 1.*received"):
        d_prime(accuracy, alternatives)
