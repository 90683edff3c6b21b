"""The registry of attention: what all kinds share, and a kind added in one entry."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import ops
from looks import attend, first_look, gain

from utils import attention, checks, figures
from utils.attention import KINDS, Attention, Kind, at_strength, check
from utils.data import load_mnist
from utils.measures.learning import multiply_adds
from utils.model import attention_maps, build_model, predict
from utils.spec import RunSpec

SHAPES = [(15, 15), (6, 9)]
GAINS = [name for name, kind in KINDS.items() if kind.is_gain]  # not of mean 1

every_kind = pytest.mark.parametrize("kind", KINDS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


# --- What all kinds share --------------------------------------------------------


def test_every_kind_says_what_it_is():
    assert len({kind.label for kind in KINDS.values()}) == len(KINDS)
    for name, kind in KINDS.items():
        assert name.isidentifier()
        assert kind.source
        assert kind.made_of in ("nothing", "features", "evidence")
        formula = r"[AG] = |max\(A\) - A$" if name not in ("shuffled", "centre") else ""
        assert name == "given" or re.match(formula, kind.formula), name
        assert {*kind.ranges} <= {*kind.defaults}, name


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
def test_a_blank_first_look_has_a_gain_of_1_unless_the_kind_sets_another(kind):
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


@every_kind
def test_a_kind_depends_only_on_the_part_of_the_first_look_that_it_names(kind):
    """Other features, or other evidence, change what is made of them only."""
    (features, evidence), other = first_look(), first_look(seed=1)
    parameters = {"n": 3} if kind == "top_n" else {}
    if kind == "given":
        return  # its map comes from outside
    made_of = attention.made_of(kind, parameters)
    gains = gain(kind, features, evidence, **parameters)
    for part, look in (
        ("features", (other[0], evidence)),
        ("evidence", (features, other[1])),
    ):
        same = np.allclose(gain(kind, *look, **parameters), gains, atol=1e-6)
        flat = kind == "as_coded"  # made of evidence, of which nothing is left
        assert same == (made_of != part or flat), part


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


def test_strength_is_exact_at_both_ends():
    gains = first_look()[0][..., 0]
    np.testing.assert_array_equal(at_strength(gains, 1), gains)
    np.testing.assert_array_equal(at_strength(gains, 0), 1)


def test_given_maps_are_divided_by_their_mean():
    """Entries below 0 count as 0; an empty map is a map of ones."""
    maps = np.array([[[1, 3], [0, 4]], [[-1, 3], [-5, 5]], [[0, 0], [0, 0]]], "float32")
    expected = [[[0.5, 1.5], [0, 2]], [[0, 1.5], [0, 2.5]], [[1, 1], [1, 1]]]
    np.testing.assert_allclose(Attention("given")(maps), expected, atol=1e-6)
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
        ("shuffled", {"n": 1}, "No parameter 'n'.* order, inside, each, of"),
        ("shuffled", {"of": "top_n", "m": 1}, "'m'.* order, inside, each, of, n"),
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
            for of in ("spot", "given", "shuffled", "inverted", "uniform", "place")
            if (kind, of) != ("shuffled", "place")
        ),
    ],
)
def test_parameters_that_are_unknown_or_out_of_range_are_refused(
    kind, parameters, words
):
    with pytest.raises(ValueError, match=words):
        check(kind, parameters)
    with pytest.raises(ValueError, match=words):
        Attention(kind, parameters=parameters)


@every_kind
def test_the_defaults_fit_their_ranges(kind):
    defaults = KINDS[kind].defaults
    assert check(kind, defaults) == defaults


@pytest.mark.parametrize("strength", [-0.1, 1.1, np.nan, np.inf, "1", None])
@pytest.mark.parametrize("kind", ["energy", "as_coded"])
def test_a_strength_that_is_not_from_0_to_1_is_refused(kind, strength):
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
    """One entry, for as long as a test runs: pages have no JavaScript for it."""
    share = {"share": checks.number(most=1)}
    kind = Kind("Left", "a test", left, "nothing", "#123456", "v", ranges=share)
    monkeypatch.setitem(attention.KINDS, "left", kind)


@pytest.mark.usefixtures("own_kind")
def test_a_kind_that_is_added_in_one_entry_can_be_built():
    images = load_mnist()[1][0][:2]
    expected = np.zeros((2, 15, 15))
    expected[:, :, :8] = 15 / 8
    maps = attention_maps(build_model("left"), images)
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    maps = attention_maps(build_model("inverted", of="left"), images)
    np.testing.assert_allclose(maps, np.where(expected, 0, 15 / 7), atol=1e-5)
    maps = attention_maps(build_model("left", share=0.2), images)
    np.testing.assert_allclose(maps[..., :3], 5, atol=1e-5)
    assert predict(build_model("left"), images).shape == (2, 10)


@pytest.mark.usefixtures("own_kind")
def test_a_kind_that_is_added_refuses_parameters_out_of_range():
    for build in (build_model, lambda kind, **of: RunSpec(kind, of)):
        with pytest.raises(ValueError, match=r"No parameter 'width'.* share"):
            build("left", width=1)
        with pytest.raises(ValueError, match=r"share: a finite number from 0 to 1.*2"):
            build("left", share=2)
    with pytest.raises(ValueError, match=r"share: .*2"):
        build_model("shuffled", of="left", share=2)


@pytest.mark.usefixtures("own_kind")
def test_a_kind_that_is_added_can_be_studied_and_its_computing_is_counted(monkeypatch):
    one, other = RunSpec("left"), RunSpec("left", {"share": 0.2})
    assert one.name.startswith("left-noise0-seed0-")
    assert one.name != other.name
    assert RunSpec(**other.to_json()) == other
    assert multiply_adds(one) == multiply_adds(RunSpec("ones"))
    of_evidence = KINDS["left"]._replace(made_of="evidence")
    monkeypatch.setitem(attention.KINDS, "left", of_evidence)
    assert multiply_adds(one) == multiply_adds(RunSpec("selectivity"))


@pytest.mark.usefixtures("own_kind")
def test_a_kind_that_is_added_has_its_colour_in_a_figure():
    figure, ax = plt.subplots()
    figures.learning_curves(ax, np.ones((3, 2)), attention="left")
    (line,) = ax.lines
    style = line.get_color(), line.get_marker(), line.get_label()
    assert style == ("#123456", "v", "Left")
    plt.close(figure)
