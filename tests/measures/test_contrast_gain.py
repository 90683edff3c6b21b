"""Contrast gain and response gain: simulated responses, and those of networks."""

import attrs
import numpy as np
import pytest
from invented import with_weights_of

from utils.measures import contrast_gain
from utils.measures.contrast_gain import CHANGES, CONTRASTS, changed, naka_rushton
from utils.measures.units import second_look
from utils.runs.store import COMMITTED
from utils.studies import competition, uncertain_place


@pytest.fixture(scope="module")
def with_field(tmp_path_factory):
    """Return a function: networks with an attention field, of the weights of others."""
    told = attrs.evolve(uncertain_place.arm(uncertain_place.ORACLE), seeds=range(2))

    def with_field(sigma):
        changes = {"attention_parameters": {"sigma": sigma}, "field": True}
        spec = attrs.evolve(told.spec, attention="normalised", **changes)
        return with_weights_of(told, spec, tmp_path_factory.mktemp("lent"))

    return with_field


def test_the_contrast_response_by_hand():
    assert naka_rushton(0.2, 30, 0.2, 2.7) == 15  # half at semi-saturation
    assert naka_rushton([0.3, 1], 10, 0.1, 2) == pytest.approx([9, 10 / 1.01])
    assert naka_rushton(1e-3, 1, 1, 2) == pytest.approx(1e-6)  # a power law below


@pytest.mark.parametrize(("more", "sooner"), [(1, 1), (1, 1.6), (1.4, 1), (1.3, 0.7)])
def test_the_change_in_simulated_responses_is_found(more, sooner):
    unattended = naka_rushton(CONTRASTS, 40, 0.3, 2)
    attended = naka_rushton(CONTRASTS, 40 * more, 0.3 / sooner, 2)
    found = changed(CONTRASTS, unattended, attended)
    assert [*found] == [*CHANGES]
    both = found["both"]
    expected = (more, sooner, 0.3, 2, 0)
    np.testing.assert_allclose(both, expected, rtol=1e-3, atol=1e-5)
    fits = {name: each.misfit < 1e-5 for name, each in found.items()}
    assert fits["response gain"] == (sooner == 1)
    assert fits["contrast gain"] == (more == 1)
    assert fits["neither"] == (more == sooner == 1)


def test_without_saturation_the_two_cannot_be_told_apart():
    power = np.array(CONTRASTS) ** 1.5
    found = changed(CONTRASTS, power, 2 * power)
    assert found["contrast gain"].semisaturation > 5
    assert found["contrast gain"].misfit == pytest.approx(
        found["response gain"].misfit, abs=0.01
    )
    assert found["contrast gain"].sensitivity == pytest.approx(2 ** (2 / 3), rel=0.05)


@pytest.mark.parametrize(
    "wrong", [(CONTRASTS, CONTRASTS, CONTRASTS[1:]), 3 * (CONTRASTS[:4],)]
)
def test_responses_that_cannot_be_fitted_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected 5 or more contrasts above 0"):
        changed(*wrong)


def test_a_field_over_everything_is_contrast_gain(with_field):
    """Twice the field is half the constant (Reynolds and Heeger 2009)."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (2, 60, 60)).astype("float32")
    flat = np.ones((2, 31, 31), "float32")
    doubled = second_look(with_field(1.0), 0)(images, 2 * flat)
    halved = second_look(with_field(0.5), 0)(images, flat)
    for one, other in zip(doubled, halved, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert not np.allclose(halved[0], second_look(with_field(1.0), 0)(images, flat)[0])


def test_a_small_field_does_more_at_full_contrast(with_field, monkeypatch):
    monkeypatch.setattr(contrast_gain, "IMAGES", 8)
    found = contrast_gain._contrast_responses(with_field(1.0))
    assert np.shape(found["nowhere"]) == (2, len(CONTRASTS))
    small, large = (np.divide(found[x], found["nowhere"]) for x in ("small", "large"))
    assert (small[:, -1] > large[:, -1]).all()
    assert (large[:, 3:-1] > large[:, 4:]).all()  # less and less with contrast
    assert (large[:, -1] > 1).all()


def test_kept_results_are_those_of_the_weights():
    arm = competition.FIELD.arm(competition.SEEDS)
    before = contrast_gain.contrast_responses(arm)
    again = contrast_gain._contrast_responses(attrs.evolve(arm, seeds=[0]))
    for name, responses in again.items():
        kept = before[name][0]
        np.testing.assert_allclose(kept, responses[0], rtol=1e-3, atol=1e-3)
    files = (COMMITTED.folder / "derived").glob(
        "contrast_gain.contrast_responses-*.json"
    )
    assert len([*files]) == 1
