"""Two digits in one receptive field: weights of simulated pairs, and in a network."""

import attrs
import numpy as np
import pytest

from utils.inference import sign_flip_test
from utils.measures import units
from utils.measures.units import ATTENTION, STAGES, weights
from utils.runs.arms import Arm
from utils.runs.store import COMMITTED
from utils.studies import competition, uncertain_place

CUED = uncertain_place.arm(uncertain_place.ORACLE)  # learnt with a map that is given
PAIRS = 12
EARLY, *OTHERS = (
    each.arm(competition.SEEDS)
    for each in (competition.EARLY, competition.GAIN, competition.FIELD)
)
SHOWN = [(EARLY, units.NEAR)] + [
    (x, y) for x in OTHERS for y in (units.NEAR, units.FAR)
]


def alone(rows=20_000, channels=3):
    """Independent responses to a probe and to a reference."""
    return np.random.default_rng(0).random((2, rows, channels))


@pytest.fixture(scope="module")
def far():
    """What a network answers to digits that are as far apart as they can be."""
    return units.responses(CUED, 0, units.FAR, PAIRS)


@pytest.mark.parametrize(("one", "other"), [(0.5, 0.5), (0.8, 0.2), (1.0, 1.0)])
def test_weights_of_a_simulated_pair_are_found(one, other):
    p, r = 10 * alone()  # channels differ in their constants, which do not count
    found = weights(p, r, one * p + other * r + [0, 5, 9])
    np.testing.assert_allclose(found[1:], (one, other), atol=1e-9)
    assert found.total == pytest.approx(one + other)
    assert found.share == pytest.approx(one / (one + other))


def test_the_slope_is_the_weight_of_the_probe_in_a_mean():
    p, r = alone()
    assert weights(p, r, 0.7 * p + 0.3 * r).slope == pytest.approx(0.7)


def test_the_slope_does_not_tell_a_mean_from_a_sum_or_from_chance():
    p, r = alone()
    unrelated = np.random.default_rng(1).random(p.shape)
    for pair, total in (((p + r) / 2, 1), (p + r, 2), (unrelated, 0)):
        found = weights(p, r, pair)
        assert found.slope == pytest.approx(0.5, abs=0.01)
        assert found.total == pytest.approx(total, abs=0.03)


def test_strong_channels_do_not_count_more_than_weak_ones():
    p, r = alone(channels=2)
    pair = np.stack([p[:, 0], r[:, 1]], 1)  # one channel follows each
    scale = np.array([1, 1000])
    found = weights(p * scale, r * scale, pair * scale)
    np.testing.assert_allclose(found[1:], (0.5, 0.5), atol=0.02)


def test_responses_without_weights_are_refused():
    p, r = alone(rows=5)
    with pytest.raises(ValueError, match=r"one shape.*\(5, 3\), \(5, 3\), \(4, 3\)"):
        weights(p, r, p[:4])
    with pytest.raises(ValueError, match=r"one shape.*\(4, 3\), \(5, 3\), \(5, 3\)"):
        weights(p[:4], r, p)
    with pytest.raises(ValueError, match="a channel that answers"):
        weights(0 * p, 0 * r, p)


def test_units_that_see_one_digit_only_answer_as_if_it_were_alone():
    """Hence those that are asked see both; the others would only be copies."""
    look = units.second_look(CUED, 0)
    rng, flat = np.random.default_rng(0), np.ones((1, 31, 31), "float32")
    left, right = rng.uniform(0, 255, (2, 1, 60, 60)).astype("float32")
    left[:, :, 31:], right[:, :, :31] = 0, 0
    one, other, both = (look(x, flat)[0] for x in (left, right, left + right))
    sees = units._sees_ink(left) & units._sees_ink(right)
    changed = (abs(both - one) > 1e-3) & (abs(both - other) > 1e-3)
    changed = changed[:, 1:, 1:].any(-1)
    assert changed.any()
    assert not (changed & ~sees).any()
    assert {*np.nonzero(sees)[2]} == {13, 14, 15, 16}  # over pixels 27 to 33


def test_far_apart_the_read_out_adds_up(far):
    """It is an average over places, most of which see one digit at most."""
    seen = far["read-out"]
    found = weights(seen.probe, seen.reference, seen.pair["nowhere"])
    assert seen.probe.shape == (PAIRS, 32)
    assert found.total == pytest.approx(2, abs=0.25)
    assert found.share == pytest.approx(0.5, abs=0.1)


def test_a_gain_tips_the_pair_towards_its_digit(far):
    for stage in STAGES:
        seen = far[stage]
        shares = [
            weights(seen.probe, seen.reference, seen.pair[where]).share
            for where in ATTENTION
        ]
        assert shares[1] > shares[0] + 0.15 > shares[2] + 0.3, stage


def test_all_networks_of_an_arm_are_asked(monkeypatch):
    monkeypatch.setattr(
        units, "derived", lambda function, *arguments: function(*arguments)
    )
    found = units.weighed(attrs.evolve(CUED, seeds=range(2)), units.NEAR)
    assert [*found] == [*STAGES]
    assert all([*of_stage] == [*ATTENTION] for of_stage in found.values())
    nowhere = found["read-out"]["nowhere"]
    seen = units.responses(CUED, 1, units.NEAR)["read-out"]
    again = weights(seen.probe, seen.reference, seen.pair["nowhere"])
    assert nowhere.share.shape == (2,)
    assert nowhere.share[1] == pytest.approx(again.share) != nowhere.share[0]


def test_an_estimate_over_networks_has_an_interval_and_a_p():
    shares = [0.9, 0.8, 0.85]
    found = units.over_networks(shares, 0.5)
    assert found.value == pytest.approx(0.35)
    assert found.low < 0.35 < found.high
    assert found.p == sign_flip_test(shares, [0.5] * 3) == 0.25
    assert found.basis == "3 networks"


def test_kept_results_are_those_of_the_weights():
    arm, distance = SHOWN[1]
    before = units.weighed(arm, distance)
    again = units._weighed(attrs.evolve(arm, seeds=[0]), distance)
    for stage in STAGES:
        for where in ATTENTION:
            kept = [each[0] for each in before[stage][where]]
            np.testing.assert_allclose(kept, again[stage][where][0], rtol=1e-3)


def test_all_results_that_are_shown_are_kept_and_no_others(monkeypatch):
    monkeypatch.setattr(Arm, "weights", lambda arm, seed: pytest.fail("not kept"))
    for arm, distance in SHOWN:
        assert units.weighed(arm, distance)["conv_2"]["nowhere"].share.shape == (8,)
    files = (COMMITTED.folder / "derived").glob("units.weighed-*.json")
    assert len([*files]) == len(SHOWN)
