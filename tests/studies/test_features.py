"""Is there a 3? Displays, tunings, gains of channels, and what is told apart."""

import attrs
import numpy as np
import pytest

from utils.data import validation_split
from utils.measures.channel_gain import (
    CHANNELS,
    LAYERS,
    TUNINGS,
    Halves,
    gains,
)
from utils.measures.psychometrics import best_criterion, detection
from utils.model import set_weights
from utils.runs.arms import Arm
from utils.runs.store import COMMITTED
from utils.studies import features
from utils.studies.features import BETAS, CONDITIONS, CRITERIA, NETWORKS


@pytest.fixture
def trained():
    halves = Halves(NETWORKS.spec)
    set_weights(halves.model, NETWORKS.weights(0))
    return halves


# --- Displays -----------------------------------------------------------------------


def by_class(count):
    """Digits that are squares; the grey level tells the class."""
    labels = np.arange(count) % 10
    return np.full((28, 28), 1, "uint8") * (labels[:, None, None] + 1), labels


def test_every_second_display_has_one_digit_of_the_wanted_class():
    squares, labels = by_class(100)
    rng = np.random.default_rng(0)
    shown, present = features.four_digits(squares, labels, 3, rng, 400)
    assert (shown.shape, shown.dtype) == ((400, 60, 60), np.uint8)
    assert list(present) == [True, False] * 200
    quarters = shown.reshape(400, 2, 30, 2, 30).swapaxes(2, 3).reshape(400, 4, 900)
    assert ((quarters > 0).sum(-1) == 28 * 28).all()  # whole, so that none overlap
    classes = quarters.max(-1) - 1
    assert ((classes == 3).sum(1) == present).all()
    assert set(classes.ravel()) == {*range(10)}
    where = np.bincount(np.nonzero(classes == 3)[1])
    assert where.min() > 30  # in any quarter
    corners = {divmod(int(first), 30) for first in (quarters > 0).argmax(-1).ravel()}
    assert corners == {(row, col) for row in range(3) for col in range(3)}


def test_images_for_scoring_tuning_and_choosing_are_different(monkeypatch):
    count, of = 10_500, {"fit": 50, "validation": 100, "test": 150}
    levels, labels = np.full(count, of["fit"], "uint8"), np.arange(count) % 10
    (_, _), (aside, _) = validation_split(np.arange(count), labels)
    levels[aside] = of["validation"]
    fit, last = np.setdiff1d(np.arange(count), aside), np.full(100, of["test"], "uint8")

    def of_one_level(each):
        return np.full((1, 28, 28), 1, "uint8") * each[:, None, None]

    data = (of_one_level(levels), labels), (of_one_level(last), np.arange(100) % 10)
    monkeypatch.setattr(type(NETWORKS.spec), "load", lambda spec: data)
    monkeypatch.setattr(features, "SINGLES", np.bincount(labels[fit]).min())
    for name in ("validation", "test"):
        assert {*np.unique(features.displays(3, 0.0, name)[0])} == {0, of[name]}
    for name in ("fit", "validation"):
        assert {*np.unique(features.single_digits(0.0, name))} == {0, of[name]}


def test_all_networks_see_the_same_displays_and_noise_comes_on_top():
    clean, present = features.displays(7, 0.0)
    again, _ = features.displays(7, 0.0)
    noisy, of_noisy = features.displays(7, 60.0)
    assert (clean == again).all()
    assert (present == of_noisy).all()
    assert (noisy - clean).std() == pytest.approx(60, rel=0.01)
    assert (features.displays(8, 0.0)[0] != clean).any()


def test_a_criterion_from_single_digits_weighs_own_and_others_alike():
    alone = np.zeros((10 * features.SINGLES, 10))
    alone[:, 3] = np.repeat(np.arange(10), features.SINGLES)  # evidence is the class
    evidence, own = features._own_and_others(alone, 3)
    assert own.sum() == features.SINGLES == (~own).sum()
    assert (evidence[own] == 3).all()
    assert {*evidence[~own]} == {*range(10)} - {3}


# --- Kept beside the records --------------------------------------------------------

KEPT = [
    ("conv_2", 60.0, "validation"),
    *(
        each
        for sd in (60.0, 0.0)
        for each in (("conv_2", sd, "test"), ("conv_1", sd, "test"))
    ),
]


@pytest.mark.parametrize(
    ("which", "conditions"), [(KEPT[1], CONDITIONS), (KEPT[2], CONDITIONS[2:3])]
)
def test_kept_results_are_those_of_the_weights(which, conditions, monkeypatch):
    """One of its networks anew; a display or two may fall on the other side."""
    places = [0, *(1 + CONDITIONS.index(each) for each in conditions)]
    before = np.array(features.derived(features._detected, NETWORKS, *which))
    assert before.shape == (8, 1 + len(CONDITIONS), len(CRITERIA), 5)
    monkeypatch.setattr(features, "CONDITIONS", conditions)
    (again,) = features._detected(attrs.evolve(NETWORKS, seeds=[5]), *which)
    np.testing.assert_allclose(again, before[5, places], atol=0.02)


def test_all_results_that_are_shown_are_kept_and_no_others(monkeypatch):
    monkeypatch.setattr(Arm, "weights", lambda arm, seed: pytest.fail("not kept"))
    for layer, sd, scored_on in KEPT:
        for kind in TUNINGS:
            for each in CHANNELS:
                which = {"sd": sd, "scored_on": scored_on}
                found = features.detected(layer, kind, each, **which)
                assert found.d_a.shape == (8, len(BETAS))
    files = (COMMITTED.folder / "derived").glob("features.detected-*.json")
    assert len([*files]) == len(KEPT)


def test_without_gains_all_conditions_are_alike():
    first = features.detected("conv_1")
    for layer in LAYERS:
        for kind in TUNINGS:
            other = features.detected(layer, kind, "shuffled")
            for one, two in zip(first, other, strict=True):
                np.testing.assert_allclose(one[:, 0], two[:, 0], atol=0.003)


def test_the_sentences_of_notebook_8_about_features_hold():
    """In bold, and the numbers that stand in its text."""
    beta = features.best_beta()
    sensitivity, criterion = (features.change(x, beta) for x in ("d_a", "criterion"))
    assert -0.01 < sensitivity.low < 0 < sensitivity.high < 0.01
    assert criterion.high < -0.5
    shuffled = features.change("criterion", beta, channels="shuffled")
    assert criterion.high < 10 * shuffled.low
    learnt = {"criterion": "singles"}
    most = features.best_beta("right", **learnt)
    assert features.change("right", most, **learnt).low > 5
    assert features.change("d_a", beta, sd=0.0).low > 0
    assert features.change("d_a", beta, layer="conv_1").high < 0
    for layer in LAYERS:
        kinds = [{"layer": layer, "tuning": kind} for kind in TUNINGS]
        assert all(features.change("d_a", 0.5, **each).high < 0 for each in kinds)
        assert all(features.change("d_a", 0.5, sd=0, **each).high < 0 for each in kinds)
        activity, gradient = (features.change("criterion", beta, **x) for x in kinds)
        assert gradient.high < activity.low
    single = features.detected(**learnt)
    shares = single.hits[:, 0], single.right[:, 0], single.right[:, BETAS.index(most)]
    assert [round(float(each.mean()), 2) for each in shares] == [0.18, 0.54, 0.61]
    assert features.detected().right[:, 0].mean() == pytest.approx(0.72, abs=0.005)


def test_the_solution_of_its_exercise(trained):
    tuning = trained.tuning("conv_2", "gradient", features.single_digits(60.0))
    by = gains(tuning, 3, 0.1)
    assert (by.min(), by.max()) == pytest.approx((0.73, 1.15), abs=0.005)
    assert np.corrcoef(tuning[[3, 0]])[0, 1] == pytest.approx(-0.3, abs=0.01)

    def evidence(images, by=1.0):
        return trained.evidence("conv_2", trained.pooled(images)["conv_2"], by)[:, 3]

    aside, there = features.displays(3, 60.0, "validation")
    criterion = best_criterion(evidence(aside), there)
    images, present = features.displays(3, 60.0)
    said = {(3, 0.0): (0.65, 0.11, 1.42), (3, 0.1): (0.89, 0.38, 1.42)}
    said[0, 0.1] = 0.58, 0.05, 1.40
    for (digit, beta), numbers in said.items():
        found = evidence(images, gains(tuning, digit, beta))
        found = detection(found, present, criterion)
        shares = found.hits, found.false_alarms, found.d_a
        assert shares == pytest.approx(numbers, abs=0.015)
