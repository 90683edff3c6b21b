"""The ideal observer on a screen: brute force, limits, simulations, kept results."""

import attrs
import numpy as np
import pytest
from scipy import special

from utils.inputs import load_data
from utils.measures import ideal_observer
from utils.measures.clipped_ideal import COUNT, LEVELS, ideal, log_evidence, on_screen
from utils.measures.ideal_observer import noise_ratio, threshold
from utils.runs.store import COMMITTED
from utils.studies import uncertain_place

SIZE = np.array([3, 4])  # of a template, pixels
ROOM = np.array([4, 2])  # on the canvas
LABELS = np.array([0, 1, 1, 3, 3, 3, 9])


def simulated(sd, count, seed=0):
    """Noisy displays, the templates, the place and the class of each."""
    rng = np.random.default_rng(seed)
    templates = rng.integers(0, 256, (len(LABELS), *SIZE), "uint8")
    chosen = rng.integers(len(LABELS), size=count)
    places = rng.integers(0, ROOM + 1, (count, 2))
    clean = [on_canvas(templates[i], at) for i, at in zip(chosen, places, strict=True)]
    noise = rng.standard_normal((count, *SIZE + ROOM))
    return clean + sd * noise, templates, places, LABELS[chosen]


def on_canvas(digit, place):
    canvas = np.zeros(SIZE + ROOM)
    canvas[place[0] : place[0] + SIZE[0], place[1] : place[1] + SIZE[1]] = digit
    return canvas


def log_probability(screen, mean, sd):
    """Of every pixel of a screen: the normal density between two rounding limits."""
    low = (np.where(screen == 0, -np.inf, screen - 0.5) - mean) / sd
    high = (np.where(screen == 255, np.inf, screen + 0.5) - mean) / sd
    low, high = np.where(low > 0, (-high, -low), (low, high))  # the tail near 0
    return np.log(special.ndtr(high) - special.ndtr(low)).sum()


def brute_force(screen, templates, sd, places):
    """Bayes' rule with the probability of every grey level of every pixel."""
    cases = [(i, place) for i in range(len(templates)) for place in places]
    empty, found = log_probability(screen.astype(float), 0, sd), np.full(10, -np.inf)
    for i, place in cases:
        mean = on_canvas(templates[i], place)
        each = log_probability(screen.astype(float), mean, sd) - empty
        found[LABELS[i]] = np.logaddexp(found[LABELS[i]], each - np.log(len(cases)))
    return found


@pytest.mark.parametrize("sd", [20.0, 90.0, 500.0])
@pytest.mark.parametrize("told", [False, True])
def test_evidence_is_that_of_bayes_rule_by_brute_force(sd, told, monkeypatch):
    monkeypatch.setattr("utils.measures.clipped_ideal.BLOCK", 3)  # several blocks
    displays, templates, places, _ = simulated(sd, 5)
    screens = on_screen(displays)
    found = log_evidence(screens, templates, LABELS, sd, places if told else None)
    everywhere = [*np.ndindex(*ROOM + 1)]
    expected = [
        brute_force(x, templates, sd, [place] if told else everywhere)
        for x, place in zip(screens, places, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-4)


def test_where_nothing_is_clipped_it_is_the_observer_of_noise_that_is_not_clipped():
    """But for the variance of rounding, 1/12."""
    screens = np.random.default_rng(1).integers(1, 255, (5, *SIZE + ROOM), "uint8")
    templates, sd = simulated(1, 1)[1], 30.0
    found = log_evidence(screens, templates, LABELS, sd)
    sds = [np.sqrt(sd**2 + 1 / 12)]
    expected = ideal_observer.log_evidence(screens, templates, LABELS, sds)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


def test_in_endless_noise_the_shares_of_the_classes_are_left():
    displays, templates, _, _ = simulated(1e6, 5)
    found = log_evidence(on_screen(displays), templates, LABELS, 1e6)
    shares = np.bincount(LABELS, minlength=10) / len(LABELS)
    np.testing.assert_allclose(np.exp(found), [shares] * 5, atol=0.01)


def test_posteriors_are_calibrated_only_if_the_observer_knows_of_the_screen():
    """The mean posterior of the answers is the share of right answers."""
    displays, templates, places, labels = simulated(250.0, 4_000)
    screens = on_screen(displays)
    known = log_evidence(screens, templates, LABELS, 250.0)
    unknown = ideal_observer.log_evidence(screens, templates, LABELS, [250.0])[0]
    shares, posteriors = [], []
    for found in (known, unknown):
        shares.append((found.argmax(1) == labels).mean())
        posteriors.append(special.softmax(found, 1).max(1).mean())
    assert posteriors[0] == pytest.approx(shares[0], abs=0.02)
    assert abs(posteriors[1] - shares[1]) > 0.03
    assert shares[0] > shares[1]
    told = log_evidence(screens, templates, LABELS, 250.0, places)
    assert (told.argmax(1) == labels).mean() > shares[0] + 0.02


def test_a_screen_rounds_and_clips():
    shown = on_screen(np.array([-80.0, 0.4, 0.6, 254.4, 254.6, 900.0]))
    assert shown.dtype == "uint8"
    np.testing.assert_array_equal(shown, [0, 0, 1, 254, 255, 255])


def test_displays_that_were_not_clipped_are_refused():
    displays, templates, _, _ = simulated(90.0, 2)
    with pytest.raises(ValueError, match=r"Expected displays.* Received float64"):
        log_evidence(displays, templates, LABELS, 90.0)
    with pytest.raises(ValueError, match=r"Expected labels of shape \(7,\)"):
        log_evidence(on_screen(displays), templates, LABELS[:3], 90.0)


def test_displays_that_the_observer_does_not_know_are_refused():
    with pytest.raises(ValueError, match=r"Expected one digit at a random .*Received"):
        ideal(attrs.evolve(uncertain_place.BASE, contrast=0.5))


@pytest.mark.parametrize("told", [False, True])
def test_kept_answers_are_those_of_the_displays(told):
    """Recomputed for two displays; few are near ties."""
    assert len([*(COMMITTED.folder / "derived").glob("clipped_ideal.*.json")]) == 2
    spec, kept = uncertain_place.BASE, ideal(uncertain_place.BASE, told=told)
    clean, noise, places, labels = ideal_observer._displays(spec, COUNT)
    for sd, right in zip(LEVELS, kept.right, strict=True):
        if sd in (180.0, 400.0):
            screens = on_screen(clean[:2] + sd * noise[:2])
            where = places[:2] if told else None
            found = log_evidence(screens, *load_data(spec)[1], sd, where).argmax(1)
            np.testing.assert_array_equal(found == labels[:2], right[:2])


def test_a_screen_costs_the_ideal_observer_noise_and_a_cue_gives_some_back():
    spec = uncertain_place.BASE
    untold, told = (ideal(spec, told=told) for told in (False, True))
    whole = ideal_observer.ideal(spec)
    assert untold.right[np.array(LEVELS) <= 120].all()
    assert 0.75 < threshold(untold).value / threshold(whole).value < 0.95
    assert noise_ratio(told, untold).low > 1.1
