"""Tuning: settings are tried on validation images, and the best one is taken."""

import attrs
import numpy as np

from utils.runs.arms import Arm
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.spec import RunSpec


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


def test_several_networks_have_an_arm_for_each_setting_and_one_that_is_chosen(
    monkeypatch,
):
    one = Tuned("one", RunSpec(), rates(0.1, 0.2), sd=10.0)
    networks = one, one.but("other", rates(0.3), attention="energy")
    tried = on_validation(networks)
    assert [(arm.label, arm.spec.learning_rate) for arm in tried] == [
        ("one", 0.1),
        ("one", 0.2),
        ("other", 0.3),
    ]
    assert not any(arm.spec.keeps_weights for arm in tried)
    monkeypatch.setattr(
        Arm, "accuracy", lambda arm, sd: np.array([arm.spec.learning_rate])
    )
    best = chosen(networks, range(3))
    assert [arm.spec.learning_rate for arm in best] == [0.2, 0.3]
    assert {arm.seeds for arm in best} == {(0, 1, 2)}
