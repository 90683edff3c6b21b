"""Two digits and one cue: what the networks differ in, and what a cue can say."""

import attrs
import numpy as np
import pytest

from utils import training
from utils.record import decode_correct
from utils.runs.arms import Arm, contrast
from utils.studies import competition
from utils.studies.competition import NETWORKS, NOISE, PAIR


def test_networks_differ_in_the_cue_only():
    alike = {"attention": "ones", "acts_on": "conv_2", "field": False, "display": PAIR}
    assert len({attrs.evolve(each.spec, **alike) for each in NETWORKS}) == 1
    alike = {"validity": 1.0, "marked": "one"}
    shown = {attrs.evolve(each.spec.display, **alike) for each in NETWORKS}
    assert shown == {PAIR}
    assert [each for each in NETWORKS if not each.spec.is_cued] == [competition.UNCUED]


@pytest.mark.parametrize("network", NETWORKS, ids=[each.label for each in NETWORKS])
def test_a_network_is_trained_and_its_intrusions_are_recorded(network):
    few = {"images": 40, "epochs": 1, "test_images": 40, "curve_images": None}
    spec = attrs.evolve(network.spec, **few, test_noise_sds=(NOISE,))
    result = training.train(spec, progress=False)
    found = training.score(spec, result.weights, NOISE)
    right, intruded = (
        decode_correct(result.record, NOISE, what) for what in ("correct", "intruded")
    )
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(found.intruded, intruded)
    assert not (right & intruded).any()


def test_either_digit_is_counted_or_only_the_other():
    few = range(2)
    cued, uncued = (each.arm(few) for each in (competition.GAIN, competition.UNCUED))
    right, intruded = cued.right(NOISE), cued.intruded(NOISE)
    assert not (right & intruded).any()
    np.testing.assert_array_equal(cued.named(NOISE), right | intruded)
    for answers in (Arm.intruded, Arm.named):
        shares = [answers(each, NOISE).mean(1) for each in (cued, uncued)]
        found = contrast(cued, uncued, NOISE, answers)
        assert found.value == pytest.approx(100 * np.subtract(*shares).mean())
    assert contrast(cued, uncued, NOISE, Arm.intruded).value < 0
