"""The referee's controls: what each changes, and leads at equal computing."""

import attrs
import numpy as np
import pytest

from utils.measures.learning import lead_at_equal_computing, multiply_adds
from utils.runs.arms import Arm
from utils.runs.tuning import Tuned, rates
from utils.spec import RunSpec
from utils.studies import controls, uncertain_place

CONTROL, ATTENDED = map(uncertain_place.trained_long, uncertain_place.HEADLINE)


def test_each_control_differs_from_its_network_in_one_thing():
    of_display = {"display", "attention", "attention_parameters", "learning_rate"}
    allowed = of_display | {
        "looks_at",
        "acts_on",
        "read_out",
        "stops_gradient",
        "yoked",
    }
    allowed |= {"noise_sd"}
    for tuned in controls.NETWORKS:
        run = tuned.spec.to_json()
        nearest = min(
            (
                uncertain_place.arm(each).spec.to_json()
                for each in uncertain_place.HEADLINE
            ),
            key=lambda other: sum(run[name] != other[name] for name in run),
        )
        changed = {name for name in run if run[name] != nearest[name]}
        assert changed <= allowed | {"keeps_weights"}, tuned.label
        assert len(changed - {"learning_rate", "keeps_weights"}) in (1, 2), tuned.label


def test_a_tuned_arm_takes_the_best_setting_on_average(monkeypatch):
    settings, seeds = rates(0.1, 0.2, 0.3), range(100, 102)
    tuned = Tuned("any", RunSpec(noise_sd=10.0), settings, sd=10.0, seeds=seeds)
    runs = [run for arm in tuned.on_validation for run in arm.specs]
    assert [run.seed for run in runs] == 3 * [100, 101]
    assert {run.scored_on for run in runs} == {"validation"}
    found = {0.1: (0.9, 0.1), 0.2: (0.6, 0.6), 0.3: (0.5, 0.5)}
    monkeypatch.setattr(
        Arm, "accuracy", lambda arm, sd: np.array(found[arm.spec.learning_rate])
    )
    np.testing.assert_array_equal(tuned.accuracy(), list(found.values()))
    assert tuned.arm(range(3)).spec == RunSpec(noise_sd=10.0, learning_rate=0.2)
    assert tuned.arm(range(3), epochs=2).spec.epochs == 2
    shorter = attrs.evolve(tuned, validation={"test_images": 100})
    assert {arm.spec.test_images for arm in shorter.on_validation} == {100}


def test_multiply_adds_by_hand():
    control, attended = CONTROL.spec, ATTENDED.spec
    once = 60 * 60 * 9 * 32  # conv_1: a window of 9 pixels for each of 32 channels
    look = 31 * 31 * 9 * 32 * 32  # conv_2: one of 288 numbers at each place of a map
    assert multiply_adds(control) == once + look
    assert multiply_adds(attended) == once + 2 * look
    assert multiply_adds(attrs.evolve(attended, looks_at="conv_1")) == once + look
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
