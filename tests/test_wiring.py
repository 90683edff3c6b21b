"""Other wirings: against NumPy, against the networks of before, and what is refused."""

import hashlib
import json
from pathlib import Path

import attrs
import jax
import keras
import numpy as np
import pytest
import reference

from utils.attention import KINDS
from utils.model import (
    attention_maps,
    build_model,
    map_shape,
    predict,
    set_weights,
)
from utils.wiring import Wiring, build_wired

# Networks of every wiring, as they were built before wirings had a module: names and
# SHA-256 of the initial weights, probabilities, and sums of the absolute gradients.
# Internal noise is drawn from a sum's last bits, which another processor rounds
# otherwise; of its networks there are no outputs.
BEFORE = json.loads(Path(__file__).with_name("wirings.json").read_text("utf-8"))
SHAPE = (20, 16)


def model_of(kind, **settings):
    return reference.with_biases(build_wired(kind, seed=0, **settings))


def loss_gradients(model, inputs, labels):
    """Gradients of the loss by the weights, in their order."""

    def loss(weights):
        p = model.stateless_call(weights, [], inputs)[0]
        return keras.losses.sparse_categorical_crossentropy(labels, p).mean()

    return jax.jit(jax.grad(loss))([v.value for v in model.trainable_variables])


# --- The networks of before ------------------------------------------------------


def inputs_of(model):
    """Random images `(3, 20, 16, 1)`, and what else a model is given."""
    rng = np.random.default_rng(0)
    shapes = (*SHAPE, 1), SHAPE
    images, others = (rng.uniform(0, 255, (3, *x)).astype("float32") for x in shapes)
    gains = rng.uniform(0, 2, (3, *map_shape(SHAPE))).astype("float32")
    beside = {"others": others, "gains": gains}
    inputs = [images, *(beside[each.name] for each in model.inputs[1:])]
    return inputs if len(inputs) > 1 else images


@pytest.mark.parametrize("case", BEFORE)
def test_a_network_of_each_wiring_is_the_one_of_before(case):
    before = BEFORE[case]
    settings = before["settings"]
    model = build_wired(before["kind"], image_shape=SHAPE, seed=7, **settings)
    variables = model.trainable_variables
    names = [f"{v.path.split('/')[-2]}/{v.name}" for v in variables]
    assert names == before["weights"]
    packed = b"".join(np.asarray(v.value).tobytes() for v in variables)
    assert hashlib.sha256(packed).hexdigest() == before["sha256"]
    inputs = inputs_of(model)
    assert "probabilities" in before or settings["internal_noise"]
    if "probabilities" in before:
        found = predict(model, inputs)
        np.testing.assert_allclose(found, before["probabilities"], rtol=0, atol=1e-6)
        gradients = loss_gradients(model, inputs, np.array([1, 2, 3]))
        sums = [float(np.abs(x).sum()) for x in gradients]
        np.testing.assert_allclose(sums, before["gradients"], rtol=1e-4)


def test_every_setting_of_a_wiring_has_a_network_of_before():
    settings = {name for each in BEFORE.values() for name in each["settings"]}
    assert {field.name for field in attrs.fields(Wiring)} <= settings


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_wiring_is_the_published_network_bit_for_bit(kind):
    settings = {"image_shape": SHAPE, "noise_sd": 20.0, "seed": 3}
    one, other = build_model(kind, **settings), build_wired(kind, **settings)
    assert one.to_json() == other.to_json()
    inputs = inputs_of(one)
    for training in (False, True):
        answers = [np.asarray(x(inputs, training=training)) for x in (one, other)]
        assert answers[0].tobytes() == answers[1].tobytes()


@pytest.mark.parametrize(
    "case", [x for x in BEFORE if not x.startswith(("published", "half", "nothing"))]
)
def test_a_wiring_has_a_layer_that_the_published_network_lacks(case):
    """By which a page tells them apart; a gradient alone changes no answer."""
    kind, settings = BEFORE[case]["kind"], BEFORE[case]["settings"]
    published = {layer.name for layer in build_model("given").layers}
    wired = build_wired(kind, image_shape=SHAPE, seed=7, **settings)
    assert {layer.name for layer in wired.layers} - published


# --- By NumPy --------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(28, 28), (17, 40)], ids=str)
@pytest.mark.parametrize("yoked", [False, True], ids=["own map", "yoked"])
@pytest.mark.parametrize(
    "wiring",
    [
        {"acts_on": "conv_1"},
        {"acts_on": "read_out"},
        {"looks_at": "gate"},
        {"read_out": "mean_inside"},
        {"read_out": "attention_pooling"},
        {"looks_at": "gate", "acts_on": "read_out"},
    ],
    ids=str,
)
def test_wirings_agree_with_numpy(wiring, yoked, shape):
    model = model_of("energy", image_shape=shape, yoked=yoked, **wiring)
    images = np.random.default_rng(4).uniform(0, 255, (4, *shape, 1)).astype("float32")
    images, others = images[:2], images[2:] if yoked else None
    more, added = {}, 0
    if wiring.get("read_out") == "attention_pooling":
        more["query"] = np.linspace(-1, 2, 32, dtype="float32")
        set_weights(model, {"read_out_attention/query": more["query"]})
        added += 32
    if wiring.get("looks_at") == "gate":
        kernel = np.random.default_rng(6).normal(0, 5, (3, 3, 32, 1)).astype("float32")
        bias = np.array([-0.5], "float32")
        set_weights(model, {"gate/kernel": kernel, "gate/bias": bias})
        added += 9 * 32 + 1
    gain_of, weights = reference.GAINS["energy"], reference.weights_of(model)
    expected = reference.look_twice(
        images, weights, gain_of, others=others, **wiring, **more
    )
    inputs = [images, others[..., 0]] if yoked else images
    assert model.count_params() == 9898 + added
    for name in ("attention", "softmax"):
        received, atol = predict(model, inputs, name), 1e-5 * expected[name].max()
        np.testing.assert_allclose(received, expected[name], rtol=0, atol=atol)


def test_attention_pooling_starts_as_the_mean_without_padding():
    images = reference.digits(3)
    pooling, mean = (
        build_wired(seed=0, read_out=name)
        for name in ("attention_pooling", "mean_inside")
    )
    np.testing.assert_allclose(
        predict(pooling, images), predict(mean, images), rtol=0, atol=1e-6
    )


def test_a_gate_starts_with_a_flat_map():
    """As the control, then; and a gate of one filter does not start dead."""
    images, labels = reference.digits(3), np.array([7, 2, 1])
    gated, control = build_wired("energy", seed=0, looks_at="gate"), build_model(seed=0)
    np.testing.assert_allclose(
        predict(gated, images), predict(control, images), rtol=1e-4
    )
    np.testing.assert_allclose(attention_maps(gated, images), 1, rtol=1e-5)
    names = [v.path for v in gated.trainable_variables]
    slopes = dict(zip(names, loss_gradients(gated, images, labels), strict=True))
    assert abs(slopes["gate/kernel"]).max() > 0


@pytest.mark.parametrize(
    ("kind", "wiring"),
    [
        ("given", {"acts_on": "conv_1"}),
        ("given", {"acts_on": "input"}),
        ("energy", {"field": True}),
        ("energy", {"field": True, "acts_on": "read_out"}),
        ("energy", {"times_cue": True}),
    ],
)
def test_uses_of_a_given_map_agree_with_numpy(kind, wiring):
    shape = (17, 40)
    model, rng = model_of(kind, image_shape=shape, **wiring), np.random.default_rng(4)
    images = rng.uniform(0, 255, (2, *shape, 1)).astype("float32")
    gains = rng.random((2, *map_shape(shape)), "float32")
    maps = {"energy": reference.GAINS["energy"], "given": lambda *_: gains}[kind]
    expected = reference.look_twice(
        images,
        reference.weights_of(model),
        lambda *look: reference.of_mean_one(maps(*look)),
        gains=gains,
        **wiring,
    )
    received = predict(model, [images, gains])
    np.testing.assert_allclose(received, expected["softmax"], rtol=0, atol=1e-5)
    other = predict(model, [images, gains[::-1]])
    assert abs(received - other).max() > 1e-4  # the map matters


@pytest.mark.parametrize("kind", ["energy", "given"])
def test_internal_noise_is_in_the_second_look_only(kind):
    """In the input of `conv_2`, after the gain; the first look is without noise."""
    images = reference.digits(3)
    quiet, noisy = (model_of(kind, internal_noise=sd) for sd in (0.0, 30.0))
    if kind == "given":
        images = [images, np.random.default_rng(2).random((3, 15, 15), "float32")]
    names = ("attention", "attend")
    for one, other in zip(
        *(predict(m, images, names) for m in (quiet, noisy)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    before, after = predict(noisy, images, ("attend", "internal_noise"))
    np.testing.assert_allclose((after - before).std((1, 2, 3)), 30, rtol=0.05)
    assert abs(predict(noisy, images) - predict(quiet, images)).max() > 1e-3
    np.testing.assert_array_equal(predict(noisy, images), predict(noisy, images))


def test_internal_noise_may_come_before_the_gain():
    """The gain then multiplies it, too; a cue cannot lift the digit above it."""
    images = [reference.digits(3), np.random.default_rng(2).random((3, 15, 15), "f4")]
    first = model_of("given", internal_noise=30.0, internal_noise_first=True)
    quiet, noisy, attended = predict(
        first, images, ("pad_1", "internal_noise", "attend")
    )
    np.testing.assert_allclose((noisy - quiet).std((1, 2, 3)), 30, rtol=0.05)
    gains = np.pad(attention_maps(first, images), ((0, 0), (1, 1), (1, 1)))
    np.testing.assert_allclose(attended, noisy * gains[..., None], rtol=1e-5, atol=1e-4)


def test_a_gradient_may_be_stopped_at_the_map():
    """What is left is the slope with the map as a constant: a map that is given."""
    images, labels = reference.digits(2), np.array([7, 2])
    model, given = model_of("energy", stops_gradient=True), model_of("given")
    maps = attention_maps(model, images)
    stopped, constant, through = (
        loss_gradients(*each, labels)
        for each in (
            (model, images),
            (given, [images, maps]),
            (model_of("energy"), images),
        )
    )
    for one, other in zip(stopped, constant, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * abs(other).max())
    assert abs(stopped[2] - through[2]).max() > 0.01 * abs(through[2]).max()


@pytest.mark.parametrize(
    ("wiring", "words"),
    [
        ({"looks_at": "conv_3"}, "looks_at.*'conv_2', 'gate'.*'conv_3'"),
        ({"acts_on": None}, "acts_on.*'read_out'.*None"),
        ({"read_out": "sum"}, "read_out.*'mean',.*'sum'"),
        ({"attention": "given", "yoked": True}, "makes its map.*'given'"),
        ({"attention": "energy", "acts_on": "input"}, "at most one.*'energy'"),
        ({"attention": "evidence", "looks_at": "gate"}, "features.*'evidence'"),
        ({"attention": "energy", "yoked": True, "field": True}, "at most one.*yoked"),
        ({"attention": "given", "times_cue": True}, "makes its map.*'given'"),
    ],
)
def test_an_impossible_wiring_is_refused(wiring, words):
    with pytest.raises(ValueError, match=words):
        build_wired(**wiring)
