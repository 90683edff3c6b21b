"""What Python packs for a page, and what it refuses."""

import base64
import zlib

import keras
import numpy as np
import pytest

from utils import explorers
from utils.attention import KINDS
from utils.data import load_mnist
from utils.explorers import packing
from utils.maps import DIGITS
from utils.model import build_model
from utils.wiring import build_wired

_, (IMAGES, LABELS) = load_mnist()


@pytest.fixture(scope="module")
def attention():
    return explorers.attention(IMAGES, LABELS)


def weights_in(data, name):
    return np.frombuffer(base64.b64decode(data["networks"][name]["weights"]), "float32")


def images_in(data, part="digits"):
    deflated = base64.b64decode(data[part]["images"])
    shape = (-1, data[part]["rows"], data[part]["cols"])
    return np.frombuffer(zlib.decompress(deflated), "uint8").reshape(shape)


def test_the_first_digits_travel_whole(attention):
    data = attention.description["data"]
    np.testing.assert_array_equal(images_in(data), IMAGES[: packing.MOST_DIGITS])
    assert data["digits"]["labels"] == LABELS[: packing.MOST_DIGITS].tolist()
    few = explorers.noise(IMAGES[:3] / 1.0, LABELS[:3])
    np.testing.assert_array_equal(images_in(few.description["data"]), IMAGES[:3])


def test_networks_that_ship_travel_whole(attention):
    data = attention.description["data"]
    assert {"ones", "energy"} <= set(data["networks"])
    for kind in data["networks"]:
        weights = explorers.trained(kind)
        flat = np.concatenate([weights[name].ravel() for name in packing.SHAPES])
        np.testing.assert_array_equal(weights_in(data, kind), flat)


def test_parameters_of_a_model_travel_along():
    model = build_model("shuffled", seed=3, of="evidence", order=1)
    data = explorers.attention(IMAGES[:9], LABELS[:9], model).description["data"]
    other = explorers.attention(IMAGES[:9], LABELS[:9]).description["data"]
    assert data["parameters"]["shuffled"]["of"] == "evidence"
    assert data["parameters"] != other["parameters"]
    inside = build_model("shuffled", seed=3, inside=True)
    data = explorers.attention(IMAGES[:9], LABELS[:9], inside).description["data"]
    places = data["parameters"]["shuffled"]["places"]
    assert places[:15] == list(range(15)) != places[16:29]  # the ring stays
    with pytest.raises(ValueError, match="each=True"):
        explorers.attention(IMAGES[:9], LABELS[:9], build_model("shuffled", each=True))
    uniform = build_model("uniform", gain=2.0)
    data = explorers.attention(IMAGES[:9], LABELS[:9], uniform).description["data"]
    assert data["parameters"]["uniform"] == {"gain": 2.0}


def test_weights_are_named_as_the_model_names_them():
    variables = build_model().trainable_variables
    names = ["/".join(each.path.split("/")[-2:]) for each in variables]
    shapes = [tuple(each.shape) for each in variables]
    assert list(zip(names, shapes, strict=True)) == list(packing.SHAPES.items())


def test_shuffled_places_are_those_of_the_model(attention):
    places = attention.description["data"]["parameters"]["shuffled"]["places"]
    features = np.random.default_rng(0).random((1, 15, 15, 32), "float32")
    shuffled = KINDS["shuffled"].attend(features, np.zeros((1, 15, 15, DIGITS)))
    energy = np.ravel(features.mean(-1))[places]
    np.testing.assert_allclose(np.ravel(shuffled), energy, rtol=1e-5)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES[0], LABELS[:1], r"Received shapes \(28, 28\)"),
        (IMAGES[:3], LABELS[:2], r"\(3, 28, 28\) and \(2,\)"),
        (IMAGES[:0], LABELS[:0], "one or more"),
        (IMAGES[:2, :2], LABELS[:2], "3 x 3 to 76 x 76.*Received 2 x 28"),
        (np.zeros((1, 100, 100)), [0], "Received 100 x 100"),
        (np.full((1, 9, 9), np.nan), [0], "grey levels from 0.*nan"),
        (np.full((1, 9, 9), -1.0), [0], "grey levels from 0"),
        (np.full((1, 9, 9), "a"), [0], "grey levels from 0"),
        (np.zeros((1, 9, 9)), [10], "labels from 0 to 9.*10"),
        (np.zeros((1, 9, 9)), [np.nan], "labels from 0 to 9.*nan"),
    ],
)
def test_images_of_another_form_are_refused(images, labels, words):
    for explorer in (explorers.noise, explorers.attention):
        with pytest.raises(ValueError, match=words):
            explorer(images, labels)


def other_network():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda w: {}, "Received none"),
        (
            lambda w: {**w, "dense_2/bias": np.zeros(9)},
            r"Received.*dense_2/bias \(9,\)",
        ),
        (lambda w: {**w, "dense_3/bias": np.zeros(9)}, "Received.*dense_3/bias"),
        (lambda w: {**w, "conv_2/bias": np.full(32, np.nan)}, "NaN.*conv_2/bias"),
        (lambda w: other_network(), "Expected a network of utils.model.build_model"),
        *(
            (lambda w, wiring=wiring: build_wired(**wiring), f"layers {layer} beside")
            for wiring, layer in (
                ({"acts_on": "conv_1"}, "attend_conv_1"),
                ({"acts_on": "read_out"}, "attend_read_out"),
                ({"read_out": "mean_inside"}, "inside"),
                ({"yoked": True}, "others"),
            )
        ),
        (lambda w: build_wired("energy", looks_at="gate"), "Received.*gate/kernel"),
        (lambda w: "weights.npz", "Expected a network of utils.model.build_model"),
    ],
)
def test_other_networks_are_refused(model, words):
    with pytest.raises(ValueError, match=words):
        explorers.noise(IMAGES[:2], LABELS[:2], model(explorers.trained()))
