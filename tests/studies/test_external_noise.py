"""Enhancement or exclusion: simulated observers whose factors are known."""

import numpy as np
import pytest

from utils.measures.psychometrics import forced_choice_accuracy
from utils.studies.external_noise import (
    MECHANISMS,
    compared,
    f_test,
    fit,
    improvement,
    thresholds,
)

CONTRASTS = np.geomspace(0.005, 1, 20)
NOISES = np.array([0.0, 7.5, 15, 30, 60, 120])  # SDs, grey levels
SCALE, INTERNAL = 0.002, 20.0
# A_f and A_e of observers with a cue.
FACTORS = {
    "nothing": (1.0, 1.0),
    "enhancement": (1.0, 0.6),
    "exclusion": (0.7, 1.0),
    "both": (0.7, 0.5),
}


def ideal(excluded=1.0, enhanced=1.0, seeds=3):
    """Thresholds `(seeds, noises)` by the formula; seeds differ in their scale."""
    scale = SCALE * np.linspace(1, 1.3, seeds)[:, None]
    return scale * np.sqrt((excluded * NOISES) ** 2 + (enhanced * INTERNAL) ** 2)


def observed(excluded, enhanced, rng, seeds=6, trials=4_000):
    """Accuracies `(seeds, contrasts, noises)` of observers who choose among ten."""
    d_prime = 2.5 * CONTRASTS[:, None] / ideal(excluded, enhanced, seeds)[:, None]
    accuracy = np.minimum(forced_choice_accuracy(d_prime), 1)  # but for rounding
    return rng.binomial(trials, accuracy) / trials


@pytest.fixture(scope="module")
def simulated():
    """Thresholds of observers without a cue, and with each mechanism."""
    rng, criterion = np.random.default_rng(0), forced_choice_accuracy(2.5)

    def measured(factors):
        return thresholds(observed(*factors, rng), CONTRASTS, criterion)

    cued = {name: measured(factors) for name, factors in FACTORS.items()}
    return measured((1.0, 1.0)), cued


def test_a_threshold_by_hand():
    """Halfway in accuracy between 0.1 and 0.4 is halfway in octaves: 0.2."""
    curves = np.array([[0.2, 0.7], [0.4, 0.9], [0.8, 1.0]])  # (contrasts, noises)
    found = thresholds(curves, [0.05, 0.1, 0.4], 0.6)
    np.testing.assert_allclose(found, [0.2, np.nan])
    found = thresholds(curves, [0.05, 0.1, 0.4], 0.8)
    np.testing.assert_allclose(found, [0.4, np.sqrt(0.05 * 0.1)])


def test_the_last_crossing_counts_and_what_is_never_reached_is_not_there():
    curves = np.array([[0.6, 0.2, 0.9], [0.2, 0.2, 0.9], [0.6, 0.4, 0.9]])
    found = thresholds(curves[None], [0.1, 0.2, 0.4], 0.4 + 1e-9)
    np.testing.assert_allclose(found, [[np.sqrt(0.2 * 0.4), np.nan, np.nan]])


@pytest.mark.parametrize(
    ("shape", "contrasts"),
    [((3, 4), [0.1, 0.2]), ((2, 4), [0.2, 0.1]), ((2, 4), [0, 0.1]), ((2,), [0.1, 1])],
)
def test_contrasts_that_do_not_fit_are_refused(shape, contrasts):
    with pytest.raises(ValueError, match=r"Expected accuracies \(\.\.\., contrasts"):
        thresholds(np.zeros(shape), contrasts, 0.5)


@pytest.mark.parametrize("factors", FACTORS.values(), ids=FACTORS)
def test_factors_of_an_exact_observer_are_found(factors):
    found = fit(ideal(), ideal(*factors), NOISES)
    np.testing.assert_allclose(found.exclusion, factors[0], rtol=1e-4)
    np.testing.assert_allclose(found.enhancement, factors[1], rtol=1e-4)
    np.testing.assert_allclose(found.internal, INTERNAL, rtol=1e-4)
    np.testing.assert_allclose(found.predicted(NOISES, False), ideal(), rtol=1e-4)
    np.testing.assert_allclose(
        found.predicted(NOISES, True), ideal(*factors), rtol=1e-4
    )
    assert found.squares < 1e-8


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_mechanism_of_simulated_observers_is_found(simulated, mechanism):
    """From accuracies of so many trials, not from exact thresholds."""
    uncued, cued = simulated[0], simulated[1][mechanism]
    fits = compared(uncued, cued, NOISES)
    both = fits["both"]
    factors = both.exclusion.mean(), both.enhancement.mean()
    np.testing.assert_allclose(factors, FACTORS[mechanism], rtol=0.05)
    assert min(fits, key=lambda name: fits[name].aicc) == mechanism
    enough = {name for name in MECHANISMS if name in (mechanism, "both")}
    enough |= {*MECHANISMS} if mechanism == "nothing" else set()
    for name in [*MECHANISMS][:-1]:
        assert (f_test(fits[name], both) > 0.001) == (name in enough), name


def test_the_f_test_by_hand():
    one = fit(ideal(), ideal(), NOISES)._replace(squares=2.0, parameters=6, points=20)
    other = one._replace(squares=1.0, parameters=10)
    assert f_test(one, other) == pytest.approx(7 / 64)  # F(4, 10) = 2.5
    assert other.aicc == pytest.approx(20 * np.log(1 / 20) + 22 + 2 * 11 * 12 / 8)
    with pytest.raises(ValueError, match="second with more parameters"):
        f_test(other, one)


def test_decibels_of_a_cue_have_an_interval_for_other_seeds():
    found = improvement(ideal()[:, -1], ideal(0.5, 0.5)[:, -1])
    assert found.number == "+6.0 dB"
    noisy = improvement([0.4, 0.5, 0.6], [0.2, 0.3, 0.2])
    assert noisy.low < noisy.value < noisy.high
    assert (noisy.basis, noisy.p) == ("3 pairs", 0.25)
    assert improvement(1, np.array([0.5, 0.5])).number == "+6.0 dB"  # of factors


def test_responses_that_cannot_be_fitted_are_refused():
    gone = ideal()
    gone[1, 2] = np.nan
    with pytest.raises(ValueError, match="1 of 36 are not there"):
        fit(ideal(), gone, NOISES)
    with pytest.raises(ValueError, match=r"\(3, 6\), \(2, 6\) and noises"):
        fit(ideal(), ideal(seeds=2), NOISES)
    with pytest.raises(ValueError, match="Expected one of nothing, enhancement"):
        fit(ideal(), ideal(), NOISES, "attention")
