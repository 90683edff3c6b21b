"""Digits at uncertain places: what is compared, and that it can be made again."""

import attrs
import pytest

from utils import training
from utils.runs.arms import MATCHED, contrast
from utils.studies import uncertain_place
from utils.studies.uncertain_place import HEADLINE, NETWORKS


@pytest.mark.parametrize("network", NETWORKS, ids=[each.label for each in NETWORKS])
def test_chosen_settings_are_the_best_of_those_tried_and_no_end_of_them(network):
    """A better one may lie beyond an end."""
    scale, best = network.chosen.values()
    rates = [
        setting["learning_rate"]
        for setting in network.settings
        if setting["input_scale"] == scale
    ]
    assert min(rates) < best < max(rates)
    run = uncertain_place.arm(network).spec
    assert (run.input_scale, run.learning_rate) == (scale, best)
    assert network.accuracy().max() == network.on_validation[
        network.settings.index(network.chosen)
    ].accuracy(120)


def test_arms_have_the_seeds_that_the_claims_name():
    for arm in uncertain_place.arms():
        headline = arm.spec.attention in ("ones", "energy")
        as_chosen = arm.spec.display == uncertain_place.BASE.display
        assert len(arm.seeds) == (20 if headline and as_chosen else 5), arm.label
        assert arm.spec.scored_on == "test"
        assert arm.spec.test_images == 10_000


@pytest.mark.parametrize(
    "place",
    [
        uncertain_place.arm,
        uncertain_place.trained_long,
        uncertain_place.in_clutter,
        lambda network: uncertain_place.on_canvas(network, 28),
        lambda network: uncertain_place.on_canvas(network, 44),
    ],
)
def test_both_of_a_pair_see_the_same_displays(place):
    its_own = {"attention": "ones", "input_scale": 1.0, "learning_rate": 1.0}
    one, other = (attrs.evolve(place(network).spec, **its_own) for network in HEADLINE)
    assert one == other


def test_attention_helps_and_a_network_that_learnt_with_it_needs_it():
    """Headings of notebooks state a direction; the intervals must lie on that side."""
    control, attended = map(uncertain_place.arm, HEADLINE)
    assert contrast(attended, control, 120).low > 0
    removed, whole = uncertain_place.weakened(0.0), uncertain_place.weakened(1.0)
    assert contrast(removed, whole, 120).high < 0


@pytest.mark.slow
def test_a_run_comes_out_again():
    """The first epoch of one run, on the images of the learning curves.

    Within the spread of its arm: in another rounding, single images lead elsewhere. On
    28 x 28 pixels, a tenth of the work of 60 x 60.
    """
    arm = uncertain_place.on_canvas(uncertain_place.ENERGY, 28)
    run = arm.spec.with_seed(2)
    short = {"epochs": 1, "test_images": run.curve_images, "test_noise_sds": ()}
    again = training.train(attrs.evolve(run, **short), progress=False)
    (epoch,) = again.record["epochs"]
    first = arm.curve()[:, 0]
    assert first.min() - 0.04 < epoch[MATCHED] < first.max() + 0.04
