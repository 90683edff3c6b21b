"""How networks learn: late epochs, how soon, and by how much computing."""

import attrs
import numpy as np
import pytest

from utils.measures.learning import (
    epochs_to_reach,
    late_gain,
    lead_at_equal_computing,
    lead_change,
    multiply_adds,
    speed_up,
)
from utils.runs.arms import Arm
from utils.spec import RunSpec
from utils.studies import uncertain_place

CONTROL, ATTENDED = map(uncertain_place.trained_long, uncertain_place.HEADLINE)


def test_epochs_to_reach_an_accuracy_by_hand():
    curve = [0.3, 0.5, 0.4, 0.9]
    assert epochs_to_reach(curve, 0.3) == 1
    assert epochs_to_reach(curve, 0.4) == pytest.approx(1.5)
    assert epochs_to_reach(curve, 0.2) == pytest.approx(0.5)  # from chance, 0.1
    assert epochs_to_reach(curve, 0.7) == pytest.approx(3.6)
    assert epochs_to_reach(curve, 0.05) == 0
    assert np.isnan(epochs_to_reach(curve, 0.91))


@attrs.frozen
class Learning:
    """As much of an arm as its learning curves."""

    curves: list
    seeds: range = range(3)

    def curve(self):
        return np.array(self.curves)


SLOW = Learning([[0.2, 0.4, 0.6, 0.6, 0.6, 0.6]] * 3)
FAST = Learning([[0.35, 0.6, 0.7, 0.75, 0.78, 0.80]] * 3)


def test_the_gain_of_late_epochs_by_hand():
    assert late_gain(SLOW).value == pytest.approx(0)
    assert late_gain(FAST).value == pytest.approx(2)
    assert late_gain(FAST, epochs=3).value == pytest.approx(10)


def test_the_change_of_a_lead_by_hand():
    """The lead is .1 after the third epoch and .2 after the last."""
    assert lead_change(FAST, SLOW, since=3).value == pytest.approx(10)
    assert lead_change(SLOW, SLOW, since=3).value == 0


def test_a_speed_up_by_hand():
    """The control ends at .6, which it reaches in epoch 3 and the other in epoch 2."""
    assert speed_up(FAST, SLOW).value == pytest.approx(1.5)
    assert speed_up(SLOW, SLOW).value == pytest.approx(1)


def exponential(rate, epochs=20, end=0.9):
    return end - (end - 0.1) * np.exp(-rate * np.arange(1, epochs + 1))


def test_a_network_that_learns_three_times_as_fast_is_three_times_sooner():
    rates = np.random.default_rng(0).uniform(0.08, 0.12, 20)
    control = Learning([exponential(rate) for rate in rates], range(20))
    arm = Learning([exponential(3 * rate) for rate in rates], range(20))
    found = speed_up(arm, control, last=1)
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(3, rel=0.02)
    assert found.number == "3.0 times"
    assert speed_up(control, control)[:3] == (1, 1, 1)


def test_a_network_that_never_gets_there_has_no_ratio():
    curves = [exponential(0.2)] * 3
    lame = Learning([*curves[:2], 0.5 * curves[2]])
    with pytest.raises(ValueError, match="1 of 3 networks never reach"):
        speed_up(lame, Learning(curves))


# --- At equal computing -----------------------------------------------------------


def test_multiply_adds_by_hand():
    control, attended = CONTROL.spec, ATTENDED.spec
    once = 60 * 60 * 9 * 32  # conv_1: a window of 9 pixels for each of 32 channels
    look = 31 * 31 * 9 * 32 * 32  # conv_2: one of 288 numbers at each place of a map
    assert multiply_adds(control) == once + look
    assert multiply_adds(attended) == once + 2 * look
    gated = attrs.evolve(attended, looks_at="gate")
    assert multiply_adds(gated) == once + look + 31 * 31 * 9 * 32
    evidence = 31 * 31 * 32 * 10  # dense_2: ten sums of 32 numbers at each place
    certain = attrs.evolve(attended, attention="selectivity")
    assert multiply_adds(certain) == once + 2 * look + evidence
    assert multiply_adds(RunSpec()) == 28 * 28 * 9 * 32 + 15 * 15 * 9 * 32 * 32


def test_a_lead_at_equal_computing_by_hand(monkeypatch):
    """An epoch of `energy` does as many as 1.895 of the control."""
    ratio = multiply_adds(ATTENDED.spec) / multiply_adds(CONTROL.spec)
    assert ratio == pytest.approx(1.895, abs=0.001)
    rises = {"ones": np.arange(1, 16) / 100, "energy": np.full(15, 0.5)}
    monkeypatch.setattr(
        Arm, "curve", lambda arm: np.tile(rises[arm.spec.attention], (20, 1))
    )
    lead = lead_at_equal_computing(ATTENDED, CONTROL, 6)
    assert lead.value == pytest.approx(100 * (0.5 - 6 * ratio / 100))
    with pytest.raises(ValueError, match=r"control with 17\.1 epochs.*one with 15"):
        lead_at_equal_computing(ATTENDED, CONTROL, 9)
