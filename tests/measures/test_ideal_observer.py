"""The ideal observer: brute force, closed forms, simulations, limits, kept results."""

import attrs
import numpy as np
import pytest
from invented import save
from scipy import special, stats

from utils.inputs import displays_at_test, load_data
from utils.measures import ideal_observer
from utils.measures.ideal_observer import (
    LEVELS,
    Observer,
    efficiency,
    ideal,
    log_evidence,
    noise_ratio,
    threshold,
)
from utils.measures.psychometrics import forced_choice_accuracy
from utils.runs.arms import Arm
from utils.runs.store import COMMITTED
from utils.spec import Display, RunSpec
from utils.statistics import mean_and_standard_error
from utils.studies import uncertain_place

SIZE = np.array([3, 4])  # of a template, pixels
ROOM = np.array([4, 2])  # on the canvas
LABELS = np.array([0, 1, 1, 3, 3, 3, 9])
SDS = (20.0, 90.0, 500.0)


@pytest.fixture(scope="module")
def few():
    """Displays, templates, places and noise; templates overlap at many places."""
    rng = np.random.default_rng(0)
    templates = rng.integers(0, 256, (len(LABELS), *SIZE), "uint8")
    places = rng.integers(0, ROOM + 1, (5, 2))
    noise = rng.standard_normal((5, *SIZE + ROOM))
    return 60 * rng.random(noise.shape), templates, places, noise


def on_canvas(digit, place):
    rows, cols = digit.shape
    canvas = np.zeros(SIZE + ROOM)
    canvas[place[0] : place[0] + rows, place[1] : place[1] + cols] = digit
    return canvas


def brute_force(display, templates, sd, places):
    """Bayes' rule with the normal density of every pixel."""
    cases = [(i, place) for i in range(len(templates)) for place in places]
    empty = stats.norm.logpdf(display, scale=sd).sum()
    likelihoods = [
        stats.norm.logpdf(display, on_canvas(templates[i], place), sd).sum() - empty
        for i, place in cases
    ]
    found = np.full(10, -np.inf)
    for (i, _), each in zip(cases, likelihoods, strict=True):
        found[LABELS[i]] = np.logaddexp(found[LABELS[i]], each - np.log(len(cases)))
    return found


@pytest.mark.parametrize("told", [False, True])
def test_evidence_is_that_of_bayes_rule_by_brute_force(few, told, monkeypatch):
    monkeypatch.setattr(ideal_observer, "BLOCK", 3)  # templates in several blocks
    displays, templates, places, noise = few
    everywhere = [*np.ndindex(*ROOM + 1)]
    found = log_evidence(
        displays, templates, LABELS, SDS, places if told else None, noise
    )
    expected = [
        [
            brute_force(x + sd * z, templates, sd, [place] if told else everywhere)
            for x, z, place in zip(displays, noise, places, strict=True)
        ]
        for sd in SDS
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    alone = log_evidence(displays + 90 * noise, templates, LABELS, [90.0])
    if not told:
        np.testing.assert_allclose(alone[0], found[1], rtol=1e-5, atol=1e-4)


# --- Closed forms and simulations -------------------------------------------------


def answers(templates, labels, sds, *, told=True, count=4_000, seed=0):
    """Simulated displays of templates: evidence `(sds, count, 10)`, and labels."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(templates), size=count)
    places = rng.integers(0, ROOM + 1, (count, 2))
    pairs = zip(templates[chosen], places, strict=True)
    displays = np.stack([on_canvas(*pair) for pair in pairs])
    noise = rng.standard_normal(displays.shape)
    where = places if told else None
    found = log_evidence(displays, templates, labels, sds, where, noise)
    return found, labels[chosen]


def test_two_known_signals_at_a_known_place_are_told_apart_as_often_as_d_prime_says():
    """`d' = |s1 - s2| / sd`, and Phi(d' / 2) are right (Green and Swets 1966)."""
    signals = 255 * np.random.default_rng(1).random((2, *SIZE))
    d_prime = np.array([0.5, 1.0, 2.0, 3.0])
    sds = np.linalg.norm(signals[0] - signals[1]) / d_prime
    found, labels = answers(signals, np.array([4, 7]), sds)
    accuracy = (found.argmax(-1) == labels).mean(1)
    np.testing.assert_allclose(accuracy, special.ndtr(d_prime / 2), atol=0.02)
    lead = np.where(labels == 4, 1, -1) * (found[..., 4] - found[..., 7])
    np.testing.assert_allclose(lead.std(1), d_prime, rtol=0.05)
    np.testing.assert_allclose(lead.mean(1), d_prime**2 / 2, rtol=0.1)


def test_ten_orthogonal_signals_are_a_forced_choice_among_ten():
    signals = 100 * np.eye(12)[:10].reshape(10, *SIZE)
    d_prime = np.array([0.8, 1.5, 3.0])
    found, labels = answers(signals, np.arange(10), 100 / d_prime)
    accuracy = (found.argmax(-1) == labels).mean(1)
    np.testing.assert_allclose(accuracy, forced_choice_accuracy(d_prime), atol=0.025)


@pytest.fixture(scope="module")
def simulated():
    """Answers at several SDs, without and with the place, to the same displays."""
    templates = np.random.default_rng(3).integers(0, 256, (20, *SIZE))
    labels = np.arange(20) % 10
    sds = (0.5, 100.0, 200.0, 400.0, 1e6)
    return [
        answers(templates, labels, sds, told=told, count=3_000, seed=4)
        for told in (False, True)
    ]


def test_posteriors_are_calibrated(simulated):
    """The mean posterior of the answers is the share of right answers."""
    for found, labels in simulated:
        posterior = special.softmax(found, -1).max(-1)
        right = found.argmax(-1) == labels
        np.testing.assert_allclose(posterior.mean(1), right.mean(1), atol=0.03)


def test_without_noise_all_is_right_and_in_endless_noise_chance_is_left(simulated):
    for found, labels in simulated:
        right = (found.argmax(-1) == labels).mean(1)
        assert right[0] == 1
        assert right[-1] == pytest.approx(0.1, abs=0.02)
        np.testing.assert_allclose(found[-1], np.log(0.1), atol=0.01)


def test_an_observer_that_is_told_the_place_is_not_worse(simulated):
    untold, told = ((found.argmax(-1) == labels) for found, labels in simulated)
    gain = told.mean(1) - untold.mean(1)
    assert (gain >= -3 * (told * 1.0 - untold).std(1) / np.sqrt(3_000)).all()
    assert gain[1:4].min() > 0.02


def test_huge_exponents_do_not_overflow():
    digit = np.full((1, *SIZE), 255.0)
    display = on_canvas(digit[0], (1, 1))[None]
    found = log_evidence(display, digit, [5], [0.01])[0, 0]
    assert found[5] == pytest.approx(12 * 255**2 / 2 / 0.01**2, rel=1e-5)
    assert np.isneginf(np.delete(found, 5)).all()


WRONG = {
    "displays": {"displays": np.zeros((6, 6))},
    "templates": {"templates": np.zeros((7, 3, 9))},
    "labels": {"labels": LABELS[:3]},
    "labels from 0 to 9": {"labels": LABELS + 1},
    "places": {"places": np.zeros((2, 2), int)},
    r"places from 0 to \[4 2\]": {"places": np.full((5, 2), 3)},
    "noise": {"noise": np.zeros((5, 6, 6))},
    "sds: a finite number above 0": {"sds": [30.0, 0.0]},
}


@pytest.mark.parametrize("name", WRONG)
def test_an_array_of_another_shape_is_refused_by_name(few, name):
    displays, templates, places, noise = few
    right = {"displays": displays, "templates": templates, "labels": LABELS}
    right |= {"sds": SDS, "places": places, "noise": noise}
    with pytest.raises(ValueError, match=f"Expected .*{name}.* Received"):
        log_evidence(**(right | WRONG[name]))


# --- Thresholds and efficiency ----------------------------------------------------


def observer(*accuracy, displays=1_000):
    right = np.arange(displays) < displays * np.array(accuracy)[:, None]
    return Observer((50.0, 100.0, 200.0, 400.0), right)


def test_threshold_and_ratio_by_hand():
    """Halfway in accuracy between 100 and 200 is halfway in octaves: 100 sqrt(2)."""
    one, other = observer(1, 0.9, 0.6, 0.2), observer(0.9, 0.6, 0.2, 0.1)
    found, ratio = threshold(one), noise_ratio(one, other)
    assert found.value == pytest.approx(100 * np.sqrt(2))
    assert found.low < found.value < found.high
    assert ratio.value == pytest.approx(2)  # an octave more
    assert noise_ratio(one, one)[:3] == (1, 1, 1)
    mean, error = (each[1] for each in one.accuracy)
    assert (mean, error) == pytest.approx((0.9, np.sqrt(0.9 * 0.1 / 999)))


def test_the_interval_of_a_threshold_is_that_of_a_binomial():
    accuracy = np.array([0.95, 0.85, 0.65, 0.2])
    found = threshold(observer(*accuracy, displays=2_000))
    error = np.sqrt(0.75 * 0.25 / 2_000) / 0.2 * np.log(2)  # slope: .2 an octave
    width = np.log(found.high / found.low) / 2 / 1.96
    assert width == pytest.approx(error, rel=0.2)


@pytest.fixture
def networks(tmp_path):
    """Return a function: an arm of networks with these accuracies, by level."""

    def networks(*curves):
        levels = (0.0, 25.0, 50.0, 100.0, 200.0)
        spec = RunSpec(test_images=1_000, test_noise_sds=levels)
        arm = Arm("observers", spec, range(len(curves)), tmp_path)
        for each, curve in zip(arm.specs, curves, strict=True):
            right = (np.arange(1_000) < round(1_000 * share) for share in curve)
            save(arm.store, each, right=dict(zip(levels, right, strict=True)))
        return arm

    return networks


def test_half_the_noise_is_an_efficiency_of_a_quarter(networks):
    """Noise power counts, not its SD; the mean over networks is geometric."""
    half, same = (1, 1, 0.9, 0.6, 0.2), (1, 1, 1, 0.9, 0.6)
    best = observer(1, 0.9, 0.6, 0.2)
    found = efficiency(networks(half, half), best)
    assert found.value == pytest.approx(25)
    assert found.basis == "2 networks, 1000 displays"
    assert efficiency(networks(half, same), best).value == pytest.approx(50)
    few = efficiency(networks(half, half), observer(1, 0.9, 0.6, 0.2, displays=100))
    assert few.low < found.low < 25 < found.high < few.high


# --- The study's displays ---------------------------------------------------------


def test_displays_are_those_that_networks_were_tested_on():
    spec = uncertain_place.BASE
    clean, noise, places, labels = ideal_observer._displays(spec, 20)
    digits, of = load_data(spec)[1]
    np.testing.assert_array_equal(labels, of[::500])
    for display, place, digit in zip(clean, places, digits[::500], strict=True):
        own = np.zeros_like(display)
        own[place[0] : place[0] + 28, place[1] : place[1] + 28] = digit
        np.testing.assert_array_equal(display, own)
    seen = [x.images[0] for x in displays_at_test(spec, digits, of, 90.0, len(of))]
    np.testing.assert_allclose(clean + 90 * noise, seen, atol=1e-2)


@pytest.mark.parametrize(
    "changes",
    [{"display": None}, {"display": Display(distractors=4)}, {"contrast": 0.5}],
)
def test_displays_that_the_observer_does_not_know_are_refused(changes):
    with pytest.raises(ValueError, match=r"Expected one digit at a random .*Received"):
        ideal(attrs.evolve(uncertain_place.BASE, **changes))


def test_other_templates_are_refused():
    with pytest.raises(ValueError, match=r"Expected templates.*Received 'both'"):
        ideal(uncertain_place.BASE, "both")


@pytest.mark.parametrize("templates", ["test", "training"])
def test_kept_answers_are_those_of_the_displays(templates):
    """Recomputed for three displays; only one in a thousand is a near tie."""
    files = (COMMITTED.folder / "derived").glob("ideal_observer.observed-*.json")
    assert len([*files]) == 4
    spec, (train, test) = uncertain_place.BASE, load_data(uncertain_place.BASE)
    known = test if templates == "test" else [x[:12_000] for x in train]
    clean, noise, places, labels = ideal_observer._displays(spec, ideal_observer.COUNT)
    for told in (False, True):
        kept = ideal(spec, templates, told=told)
        where = places[:3] if told else None
        found = log_evidence(clean[:3], *known, LEVELS, where, noise[:3])
        right = found.argmax(-1) == labels[:3]
        assert (right != kept.right[:, :3]).sum() <= 1


def test_the_place_is_worth_something_only_in_noise_too_strong_for_networks():
    untold, told = (ideal(uncertain_place.BASE, told=told) for told in (False, True))
    for each in (untold, told):
        assert each.right[np.array(LEVELS) <= 120].all()
    gain, error = mean_and_standard_error(told.right.T * 1.0 - untold.right.T)
    assert (gain >= -3 * error).all()
    assert noise_ratio(told, untold).low > 1.1
    networks = uncertain_place.arm(uncertain_place.CONTROL)
    assert 5 < efficiency(networks, untold).value < 10
