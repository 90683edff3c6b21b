"""Two digits and one cue: what the networks differ in, and what a cue can say."""

import attrs
import numpy as np
import pytest

from utils import training
from utils.data import load_mnist
from utils.displays import arrange
from utils.record import decode_correct
from utils.runs.arms import Arm, contrast
from utils.studies import competition
from utils.studies.competition import NETWORKS, NOISE, PAIR


def test_networks_differ_in_what_the_cue_does_only():
    alike = {"attention": "ones", "acts_on": "conv_2", "field": False, "display": PAIR}
    assert len({attrs.evolve(each.spec, **alike) for each in NETWORKS}) == 1
    shown = {attrs.evolve(each.spec.display, validity=1.0) for each in NETWORKS}
    assert shown == {PAIR}
    assert [each.spec.is_cued for each in NETWORKS] == [False, *7 * [True]]


@pytest.mark.parametrize("distance", competition.DISTANCES)
def test_every_target_has_room_for_a_second_digit_at_these_distances(distance):
    _, (digits, labels) = load_mnist()
    display = attrs.evolve(PAIR, distance=distance, validity=0.0)
    rng = np.random.default_rng(0)
    shown = arrange(
        display, digits[:1_000], digits, rng, labels=(labels[:1_000], labels)
    )
    assert (labels[shown.second] != labels[:1_000]).all()
    apart = np.sqrt(np.square(shown.cues - shown.places).sum(1))  # it is the wrong cue
    assert np.mean(abs(apart - distance) < 1) > 0.98


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
