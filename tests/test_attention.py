"""The maps of attention: what all kinds share, each formula, and what is refused."""

import inspect
import re

import numpy as np
import pytest
import reference
from keras import ops

from utils import attention
from utils.attention import KINDS, RANGES, Attention, Kind, attention_gain, check
from utils.data import load_mnist
from utils.maps import of_mean_one
from utils.model import attention_maps, build_model, predict
from utils.spec import RunSpec

SHAPES = [(15, 15), (6, 9)]
GAINS = [name for name, kind in KINDS.items() if kind.is_gain]  # not of mean 1
BY_NUMPY = {
    "evidence": reference.evidence_for_any,
    "selectivity": reference.selectivity,
    "top_n": reference.top_n,
    "energy": reference.energy,
}

every_kind = pytest.mark.parametrize("kind", KINDS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def first_look(shape=(15, 15), *, images=3, scale=2.0, seed=0):
    """Random features after ReLU `(..., 32)` and evidence `(..., 10)`, float32."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((images, *shape, 32)).astype("float32")
    evidence = scale * rng.standard_normal((images, *shape, 10)).astype("float32")
    evidence += scale * rng.standard_normal((images, 1, 1, 10)).astype("float32")
    return np.maximum(scale * features, 0), evidence


def gain(kind, features, evidence, **settings):
    """Any kind's gain; `given` is given the second channel of the features."""
    if kind == "given":
        return np.asarray(Attention("given", **settings)(features[..., 1]))
    return np.asarray(attention_gain(kind, features, evidence, **settings))


def attend(kind, features, evidence, **parameters):
    """The map itself, before it becomes a gain."""
    return np.asarray(KINDS[kind].attend(features, evidence, **parameters))


def evidence_of(*values):
    """One image of 1 x 1 place with this evidence, and its features (none)."""
    evidence = np.array(values, "float32").reshape(1, 1, 1, 10)
    return np.zeros((1, 1, 1, 32), "float32"), evidence


# --- What all kinds share --------------------------------------------------------


def test_every_kind_says_what_it_is():
    assert len({kind.label for kind in KINDS.values()}) == len(KINDS)
    for name, kind in KINDS.items():
        assert name.isidentifier()
        assert kind.source
        assert name == "given" or inspect.getdoc(kind.attend)


@every_shape
@every_kind
def test_gains_are_of_the_map_s_shape_not_negative_and_of_mean_1(kind, shape):
    for scale in (0.01, 1, 100, 1e4):
        gains = gain(kind, *first_look(shape, scale=scale))
        assert gains.shape == (3, *shape)
        assert (gains >= 0).all()
        assert np.isfinite(gains).all()
        if kind not in GAINS:
            np.testing.assert_allclose(gains.mean(axis=(1, 2)), 1, rtol=1e-5)


@every_kind
def test_a_blank_first_look_has_a_gain_of_1_where_it_has_one(kind):
    features, evidence = (np.zeros((2, 6, 9, channels)) for channels in (32, 10))
    gains = gain(kind, *(x.astype("float32") for x in (features, evidence)))
    expected = {"as_coded": 1 / 6, "uniform": 1 / 15, "normalised": 0}.get(kind, 1)
    if kind == "centre":  # which does not look
        gains = gains.mean()
    np.testing.assert_allclose(gains, expected, rtol=1e-5)


@every_kind
def test_an_image_s_gain_does_not_depend_on_its_batch(kind):
    features, evidence = first_look()
    together = gain(kind, features, evidence)
    alone = [gain(kind, features[[i]], evidence[[i]])[0] for i in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "as_coded"])
def test_strength_runs_straight_from_the_control_to_the_kind(kind):
    features, evidence = first_look()
    full = gain(kind, features, evidence, strength=1)
    np.testing.assert_array_equal(gain(kind, features, evidence), full)
    np.testing.assert_array_equal(gain(kind, features, evidence, strength=0), 1)
    for strength in (0.1, 0.5, 0.9):
        between = gain(kind, features, evidence, strength=strength)
        np.testing.assert_allclose(between, 1 + strength * (full - 1), atol=1e-6)


@pytest.mark.parametrize("kind", ["energy", "given"])
def test_without_strength_the_model_is_the_control(kind):
    images = load_mnist()[1][0][:2, ..., None].astype("float32")
    control = build_model("ones", seed=1)
    model = build_model(kind, strength=0, seed=1)
    given = np.random.default_rng(0).random((2, 15, 15), "float32")
    inputs = [images, given] if kind == "given" else images
    np.testing.assert_array_equal(model(inputs), control(images))


# --- Each kind -------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.1, 2.0])
@every_shape
@pytest.mark.parametrize("kind", BY_NUMPY)
def test_maps_are_numpy_s(kind, shape, scale):
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


def test_all_ten_digits_are_none():
    gains = gain("top_n", *first_look(), n=10)
    assert np.ptp(gains) < 1e-6
    np.testing.assert_allclose(attend("top_n", *first_look(), n=10), 0.1, rtol=1e-6)


def test_the_likeliest_digit_guides_by_its_probability():
    features, evidence = first_look()
    guess = evidence.mean(axis=(1, 2)).argmax(-1)
    p = reference.softmax(evidence.astype(np.float64))
    expected = [p[image, ..., digit] for image, digit in enumerate(guess)]
    received = attend("top_n", features, evidence)
    np.testing.assert_allclose(received, expected, rtol=1e-5)
    np.testing.assert_array_equal(attend("top_n", features, evidence, n=1), received)


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


def inside(maps):
    """Without the outermost ring, which multiplies padding."""
    return maps[:, 1:-1, 1:-1]


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


# --- Controls ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "of",
    [{"of": "energy"}, {"of": "top_n", "n": 3}, {"of": "selectivity"}, {}],
    ids=str,
)
@every_shape
def test_shuffled_moves_places_and_nothing_else(of, shape):
    look = first_look(shape)
    parameters = {name: value for name, value in of.items() if name != "of"}
    original = attend(of.get("of", "energy"), *look, **parameters)
    moved = attend("shuffled", *look, **of)
    flat, moved = original.reshape(3, -1), moved.reshape(3, -1)
    np.testing.assert_array_equal(np.sort(moved), np.sort(flat))
    order = [np.flatnonzero(flat[0] == value)[0] for value in moved[0]]
    np.testing.assert_array_equal(moved, flat[:, order])  # one order for all images
    assert moved.shape[1] < 5 or np.mean(moved == flat) < 0.1


def test_shuffled_has_its_own_seed():
    look = first_look()
    one, same, other = (attend("shuffled", *look, order=order) for order in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.mean(one == other) < 0.05
    images = load_mnist()[1][0][:2]
    one, other = (
        attention_maps(build_model("shuffled", seed=0, order=order), images)
        for order in (1, 2)
    )
    np.testing.assert_allclose(np.sort(one.ravel()), np.sort(other.ravel()), rtol=1e-5)
    assert np.mean(np.isclose(one, other)) < 0.5


@pytest.mark.parametrize("of", ["energy", "normalised"])
@pytest.mark.parametrize("each", [False, True])
@every_shape
def test_shuffled_inside_keeps_the_ring_and_the_gain_inside(of, each, shape):
    look = first_look(shape)
    original = gain(of, *look)
    moved = gain("shuffled", *look, of=of, inside=True, each=each)
    ring = np.ones(shape, bool)
    ring[1:-1, 1:-1] = False
    np.testing.assert_allclose(moved[:, ring], original[:, ring], rtol=1e-5)
    inner, moved = original[:, ~ring], moved[:, ~ring]
    np.testing.assert_allclose(np.sort(moved), np.sort(inner), rtol=1e-5)
    assert np.mean(np.isclose(moved, inner)) < 0.2


def test_each_image_may_have_an_order_of_its_own():
    features, evidence = (np.repeat(x[:1], 2, 0) for x in first_look())
    features[1] *= 1.001  # another image, whose places rank as those of the first
    moved = attend("shuffled", features, evidence, each=True)
    orders = moved.reshape(2, -1).argsort(1)
    assert np.mean(orders[0] == orders[1]) < 0.05
    again = attend("shuffled", features, evidence, each=True)
    np.testing.assert_array_equal(moved, again)
    other = attend("shuffled", features, evidence, each=True, order=1)
    assert np.mean(moved == other) < 0.05


@pytest.mark.parametrize("of", ["energy", "evidence", "top_n", "centre"])
def test_inverted_prefers_what_the_other_leaves(of):
    look = first_look((6, 9))
    original = attend(of, *look).reshape(3, -1)
    inverted = attend("inverted", *look, of=of).reshape(3, -1)
    np.testing.assert_array_equal(inverted.argmax(1), original.argmin(1))
    np.testing.assert_array_equal(inverted.min(1), 0)
    sums = original + inverted
    np.testing.assert_allclose(
        sums, np.broadcast_to(sums[:, :1], sums.shape), rtol=1e-6
    )


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


def test_given_maps_are_divided_by_their_mean():
    maps = np.array([[[1, 3], [0, 4]], [[-1, 3], [-5, 5]], [[0, 0], [0, 0]]], "float32")
    expected = [[[0.5, 1.5], [0, 2]], [[0, 1.5], [0, 2.5]], [[1, 1], [1, 1]]]
    np.testing.assert_allclose(Attention("given")(maps), expected, atol=1e-6)
    np.testing.assert_allclose(of_mean_one(maps[:1]), expected[:1], atol=1e-6)
    half = Attention("given", strength=0.5)(maps)
    np.testing.assert_allclose(half, (1 + np.array(expected)) / 2, atol=1e-6)


# --- What is refused -------------------------------------------------------------


def test_an_unknown_kind_is_answered_with_all_kinds():
    with pytest.raises(
        ValueError, match=f"attention.*{', '.join(map(repr, KINDS))}.*'spot'"
    ):
        build_model("spot")


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("ones", {"n": 1}, "No parameter 'n'.* none"),
        ("given", {"n": 1}, "No parameter 'n'.* none"),
        ("uniform", {"sd": 1}, "No parameter 'sd'.* gain"),
        ("shuffled", {"n": 1}, "No parameter 'n'.* of, order"),
        ("shuffled", {"of": "top_n", "m": 1}, "'m'.* of, order, inside, each, n"),
        *(
            ("top_n", {"n": n}, f"n.*{re.escape(str(n))}")
            for n in (0, 11, 2.5, "3", True, [3])
        ),
        *(("uniform", {"gain": x}, f"gain.*{x}") for x in (-0.1, np.nan, None)),
        *(("normalised", {"sigma": x}, f"sigma.*{x}") for x in (-0.1, np.inf)),
        *(("centre", {"sd": x}, f"sd.*{x}") for x in (0, np.inf)),
        ("shuffled", {"order": -1}, "order.*-1"),
        ("shuffled", {"of": "top_n", "n": 0}, "n.*0"),
        *(
            (kind, {"of": of}, f"of: one of 'ones', .*Received '{of}'")
            for kind in ("shuffled", "inverted")
            for of in ("spot", "given", "shuffled", "inverted", *GAINS)
            if not (kind == "shuffled" and of in ("place", "normalised"))
        ),
    ],
)
def test_parameters_that_do_not_exist_or_fit(kind, parameters, words):
    with pytest.raises(ValueError, match=words):
        check(kind, parameters)
    with pytest.raises(ValueError, match=words):
        Attention(kind, parameters=parameters)


def test_the_defaults_fit_their_ranges():
    for name in KINDS:
        for parameter, default in attention._parameters(name).items():
            assert check(name, {parameter: default}) == {parameter: default}
            assert parameter in RANGES


def test_whole_numbers_may_come_as_floats():
    assert check("top_n", {"n": 3.0}) == {"n": 3}
    assert type(check("top_n", {"n": np.float64(3)})["n"]) is int


@pytest.mark.parametrize("strength", [-0.1, 1.1, np.nan, np.inf, "1", None])
@pytest.mark.parametrize("kind", ["energy", "as_coded"])
def test_strengths_out_of_range(kind, strength):
    with pytest.raises(ValueError, match=f"strength.*{strength}"):
        build_model(kind, strength=strength)


def test_the_published_attention_has_no_strength():
    check("as_coded", {}, 1.0)
    with pytest.raises(ValueError, match=r"no strength.*0\.5.*uniform"):
        build_model("as_coded", strength=0.5)


# --- A kind of one's own ---------------------------------------------------------


def left(features, evidence, *, share=0.5):
    """`A = 1` in a share of the columns on the left, else 0."""
    cols = evidence.shape[2]
    return ops.ones_like(evidence[..., 0]) * (np.arange(cols) < share * cols)


@pytest.fixture
def own_kind(monkeypatch):
    def on_the_left(features, evidence):
        return left(features, evidence)

    monkeypatch.setitem(attention.KINDS, "left", Kind("Left", "a test", on_the_left))
    monkeypatch.setitem(attention.KINDS, "share", Kind("Share", "a test", left))


@pytest.mark.usefixtures("own_kind")
def test_a_new_kind_is_one_entry():
    images = load_mnist()[1][0][:2]
    expected = np.zeros((2, 15, 15))
    expected[:, :, :8] = 15 / 8
    maps = attention_maps(build_model("left"), images)
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    maps = attention_maps(build_model("inverted", of="left"), images)
    np.testing.assert_allclose(maps, np.where(expected, 0, 15 / 7), atol=1e-5)
    assert RunSpec("left").name.startswith("left-")


@pytest.mark.usefixtures("own_kind")
def test_a_new_kind_may_have_a_parameter_of_its_own():
    images = load_mnist()[1][0][:2]
    maps = attention_maps(build_model("share", share=0.2), images)
    np.testing.assert_allclose(maps[..., :3], 5, atol=1e-5)
    np.testing.assert_allclose(maps[..., 3:], 0, atol=1e-5)
    assert predict(build_model("share"), images).shape == (2, 10)
    with pytest.raises(ValueError, match=r"No parameter 'width'.* share"):
        build_model("share", width=1)
