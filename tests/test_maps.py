"""Each map of attention: its formula by hand, by NumPy, and in its limits."""

import numpy as np
import pytest
import reference
from looks import attend, first_look, gain, inside

SHAPES = [(15, 15), (6, 9)]
BY_NUMPY = {
    "evidence": reference.evidence_for_any,
    "selectivity": reference.selectivity,
    "top_n": reference.top_n,
    "energy": reference.energy,
}

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def evidence_of(*values):
    """One image of 1 x 1 place with this evidence, and its features (none)."""
    evidence = np.array(values, "float32").reshape(1, 1, 1, 10)
    return np.zeros((1, 1, 1, 32), "float32"), evidence


@pytest.mark.parametrize("scale", [0.1, 2.0])
@every_shape
@pytest.mark.parametrize("kind", BY_NUMPY)
def test_maps_agree_with_numpy(kind, shape, scale):
    look = first_look(shape, scale=scale)
    in_double = [x.astype(np.float64) for x in look]
    expected = BY_NUMPY[kind](*in_double)
    np.testing.assert_allclose(attend(kind, *look), expected, atol=2e-6 * (1 + scale))
    np.testing.assert_allclose(
        gain(kind, *look), reference.of_mean_one(expected), rtol=2e-3, atol=1e-5
    )


def test_the_control_is_1_everywhere():
    np.testing.assert_array_equal(gain("ones", *first_look()), 1)


@pytest.mark.parametrize("scale", [0.01, 2, 100])
def test_the_published_attention_is_a_constant(scale):
    gains = gain("as_coded", *first_look(scale=scale))
    np.testing.assert_allclose(gains, 1 / 15, atol=1e-7)
    np.testing.assert_allclose(gain("as_coded", *first_look((6, 9))), 1 / 6, atol=1e-7)


@pytest.mark.parametrize("constant", [0, 1 / 15, 1, 3.5])
def test_uniform_is_its_gain(constant):
    look = first_look()
    np.testing.assert_array_equal(
        gain("uniform", *look, gain=constant), np.float32(constant)
    )
    np.testing.assert_array_equal(gain("uniform", *look), np.float32(1 / 15))


def test_evidence_by_hand():
    """Least, ln 10, where all digits are alike; ln(9 + e) - 0.1 for one of 1."""
    for equal in (-50, 0, 7):
        alike = attend("evidence", *evidence_of(*[equal] * 10))
        np.testing.assert_allclose(alike, np.log(10), rtol=1e-5)
    one = attend("evidence", *evidence_of(1, *[0] * 9))
    np.testing.assert_allclose(one, np.log(9 + np.e) - 0.1, rtol=1e-6)
    assert (attend("evidence", *first_look()) > np.log(10)).all()


def test_selectivity_by_hand():
    """0 where all digits are alike, 1 where one is certain, 1 - log10(2) for two."""
    for equal in (-50, 0, 7):
        alike = attend("selectivity", *evidence_of(*[equal] * 10))
        np.testing.assert_allclose(alike, 0, atol=1e-6)
    for evidence, expected in (([200], 1), ([200, 200], 1 - np.log10(2))):
        evidence = evidence + [0] * (10 - len(evidence))
        received = attend("selectivity", *evidence_of(*evidence))
        np.testing.assert_allclose(received, expected, rtol=1e-6)
    maps = attend("selectivity", *first_look())
    assert ((maps > 0) & (maps < 1)).all()


def test_attention_to_all_ten_digits_is_flat():
    gains = gain("top_n", *first_look(), n=10)
    assert np.ptp(gains) < 1e-6
    np.testing.assert_allclose(attend("top_n", *first_look(), n=10), 0.1, rtol=1e-6)


@pytest.mark.parametrize("n", range(1, 11))
def test_the_n_likeliest_digits(n):
    features, evidence = first_look()
    np.testing.assert_allclose(
        attend("top_n", features, evidence, n=n),
        reference.top_n(features, evidence.astype(np.float64), n),
        atol=1e-6,
    )


def test_energy_by_hand():
    features = np.zeros((1, 1, 2, 4), "float32")
    features[0, 0, 1] = [1, 2, 3, 6]
    evidence = np.zeros((1, 1, 2, 10), "float32")
    np.testing.assert_array_equal(attend("energy", features, evidence), [[[0, 3]]])
    np.testing.assert_allclose(
        gain("energy", features, evidence), [[[0, 2]]], atol=1e-6
    )


# --- Activity taken apart ----------------------------------------------------------


@every_shape
def test_place_is_energy_of_mean_1_inside(shape):
    look = first_look(shape)
    gains = gain("place", *look)
    np.testing.assert_allclose(inside(gains).mean(axis=(1, 2)), 1, rtol=1e-5)
    in_double = reference.energy(*(x.astype(np.float64) for x in look))
    expected = in_double / inside(in_double).mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(gains, expected, rtol=1e-4)


@every_shape
def test_energy_is_place_times_amount(shape):
    features, evidence = first_look(shape)
    features[:, 0] *= 5  # so that the ring takes its share
    energy, place, amount = (
        gain(kind, features, evidence) for kind in ("energy", "place", "amount")
    )
    np.testing.assert_allclose(energy, place * amount, rtol=1e-5)
    np.testing.assert_allclose(np.ptp(amount, axis=(1, 2)), 0)
    np.testing.assert_allclose(amount[:, 0, 0], inside(energy).mean((1, 2)), rtol=1e-5)
    assert (amount < 0.95).all()


def test_normalised_runs_from_place_to_no_gain():
    look = first_look((6, 9))
    place = gain("place", *look)
    np.testing.assert_allclose(gain("normalised", *look, sigma=0), place, rtol=1e-5)
    activity = reference.energy(*look)
    sigma = float(inside(activity)[0].mean())
    half = gain("normalised", *look, sigma=sigma)
    np.testing.assert_allclose(half[0], place[0] / 2, rtol=1e-5)
    pooled = inside(activity).mean(axis=(1, 2), keepdims=True)
    expected = activity / (pooled + 1)
    np.testing.assert_allclose(gain("normalised", *look), expected, rtol=1e-5)
    np.testing.assert_allclose(gain("normalised", *look, sigma=1e9), 0, atol=1e-6)
    blank = (np.zeros_like(x) for x in look)
    np.testing.assert_array_equal(gain("normalised", *blank, sigma=0), 0)


@pytest.mark.parametrize("shape", [*SHAPES, (4, 1)], ids=str)
@pytest.mark.parametrize("sd", [0.1, 0.25, 1.0])
def test_centre_is_a_gaussian_at_the_middle(shape, sd):
    middle = attend("centre", *first_look(shape), sd=sd)
    np.testing.assert_allclose(middle, middle[:, ::-1, ::-1], rtol=1e-5)
    np.testing.assert_allclose(middle, middle[:, ::-1], rtol=1e-5)
    np.testing.assert_array_equal(middle[0], middle[2])
    rows, cols = shape
    if rows % 2 and rows > 1 and cols % 2 and cols > 1:
        assert middle[0].argmax() == middle[0].size // 2
        edge, half = middle[0, rows // 2, 0], np.exp(-(0.5**2) / (2 * sd**2))
        np.testing.assert_allclose(edge, half, rtol=1e-5)


def test_a_wide_centre_is_the_control():
    np.testing.assert_allclose(gain("centre", *first_look(), sd=1e4), 1, atol=1e-6)
