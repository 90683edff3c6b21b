"""Thresholds of a cue's study: by hand, and of simulated observers."""

import attrs
import numpy as np
import pytest

from utils.inference import paired_difference
from utils.measures.psychometrics import forced_choice_accuracy
from utils.studies.external_noise import PAIRS, criterion, estimate, thresholds

CONTRASTS = np.geomspace(0.005, 1, 20)
NEEDED = np.array([[0.02, 0.06], [0.03, 0.09]])  # (seeds, noises): contrast at d' 2.5


def observed(needed, top=1.0, trials=4_000):
    """Accuracies `(seeds, contrasts, noises)` of observers who choose among ten.

    With full contrast they name a share `top` of the digits.
    """
    d_prime = 2.5 * CONTRASTS[:, None] / needed[:, None]
    right = np.minimum(forced_choice_accuracy(d_prime), 1)  # but for rounding
    seen = 0.1 + (top - 0.1) / 0.9 * (right - 0.1)
    return np.random.default_rng(0).binomial(trials, seen) / trials


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_pair_differs_in_the_cue_only(pair):
    plain, cued = pair
    own = {"attention": "ones", "acts_on": "conv_2", "internal_noise_first": False}
    assert attrs.evolve(cued.spec, **own) == plain.spec
    assert [each.spec.is_cued for each in pair] == [False, True]


def test_pairs_differ_in_one_thing():
    changed = [
        {name for name, own in attrs.asdict(cued.spec).items() if own != first[name]}
        for first in [attrs.asdict(PAIRS["first pair"][1].spec)]
        for _, cued in PAIRS.values()
    ]
    fields = "internal_noise_first", "noise_lies", "noise_lies", "acts_on"
    assert changed == [set(), *({name} for name in fields)]


def test_a_threshold_by_hand():
    """Halfway in accuracy between 0.1 and 0.4 is halfway in octaves: 0.2."""
    curves = np.array([[0.2, 0.7], [0.4, 0.9], [0.8, 1.0]])  # (contrasts, noises)
    found = thresholds(curves, [0.05, 0.1, 0.4], 0.6)
    np.testing.assert_allclose(found, [0.2, np.nan])
    found = thresholds(curves, [0.05, 0.1, 0.4], 0.8)
    np.testing.assert_allclose(found, [0.4, np.sqrt(0.05 * 0.1)])
    found = thresholds(curves, [0.05, 0.1, 0.4], [0.6, 0.8])  # one for each noise
    np.testing.assert_allclose(found, [0.2, np.sqrt(0.05 * 0.1)])


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


def test_thresholds_of_simulated_observers_are_found():
    found = thresholds(observed(NEEDED), CONTRASTS, forced_choice_accuracy(2.5))
    np.testing.assert_allclose(found, NEEDED, rtol=0.05)


def test_a_higher_top_lowers_the_threshold_at_one_criterion_but_not_at_a_share():
    """Two observers who need equal contrast; one of them fails more often at any."""
    able, less_able = observed(NEEDED), observed(NEEDED, top=0.6)
    np.testing.assert_allclose(criterion(less_able, 0.5), 0.35, atol=0.02)
    np.testing.assert_allclose(criterion(less_able, 0), 0.1)
    fixed = [thresholds(each, CONTRASTS, 0.4) for each in (less_able, able)]
    assert (fixed[0] > 1.15 * fixed[1]).all()
    for share in (0.25, 0.5, 0.75):
        own = [thresholds(x, CONTRASTS, criterion(x, share)) for x in (less_able, able)]
        np.testing.assert_allclose(*own, rtol=0.08)


def test_the_interval_covers_effects_of_networks_and_of_images():
    """Simulated studies of 8 pairs and 200 images, whose true difference is 0."""
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(1_000):
        of_images, rest = rng.normal(0, 6, 200), rng.normal(0, 20, (8, 200))
        differences = rng.normal(0, 0.5, 8)[:, None] + of_images + rest
        drawn = rng.multinomial(200, np.full(200, 1 / 200), 200)
        weights = np.vstack([np.ones(200), drawn]) / 200
        found = estimate(weights @ differences.T)
        covered.append(found.low <= 0 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.98


def test_without_effects_of_images_the_interval_is_that_of_student():
    values = np.array([3.0, 1.0, 2.0, 2.5, 1.5, 2.0, 0.5, 3.5])
    found = estimate(np.tile(values, (3, 1)))
    expected = paired_difference(values, np.zeros(8))
    np.testing.assert_allclose(found[:3], expected[:3])
    assert (found.unit, found.basis, found.p) == ("dB", "8 pairs", 2 / 2**8)
    assert estimate(np.zeros((3, 8)))[:3] == (0, 0, 0)
    assert np.isnan(estimate([[1.0, np.nan], [1.0, 2.0]]).value)
