"""One run: the same bits again, Keras' own updates, and what a record says."""

import functools
import json
import pickle

import attrs
import keras
import numpy as np
import pytest
from tiny_study import SPECS

from utils import training
from utils.data import load_mnist
from utils.displays import Display
from utils.inputs import TEST_NOISE, batches
from utils.layers import Convolution
from utils.model import build_model, predict
from utils.noise import add_noise
from utils.record import decode_correct
from utils.spec import RunSpec
from utils.training import build_optimizer, score, train

TINY = SPECS[1]  # the control
GENTLE = {"learning_rate": 1e-4, "learning_rate_decay": 0.01}  # rounding stays small


changed = functools.partial(attrs.evolve, TINY)


@pytest.fixture(scope="module")
def tiny():
    """The result of TINY and its state after each epoch."""
    states = []
    return train(TINY, after_epoch=states.append, progress=False), states


def weights_of(model):
    """By the names that a result has: "conv_1/kernel" and so on."""
    return {
        "/".join(variable.path.split("/")[-2:]): np.array(variable.value)
        for variable in model.trainable_variables
    }


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for name, weight in one.items():
        assert weight.tobytes() == other[name].tobytes(), name


def without_seconds(record):
    return {key: value for key, value in record.items() if key != "seconds"}


# --- The updates -----------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [(0.01, 0.5, 1e-6), (0.1, 0.9, 0.1), (0.1, 0.0, 0.0)], ids=str
)
def test_the_optimiser_is_that_of_keras_1(settings):
    rate, momentum, decay = settings
    rng = np.random.default_rng(0)
    weight, gradients = rng.standard_normal(7), rng.standard_normal((5, 7))
    variable = keras.Variable(weight)
    optimizer = build_optimizer(rate, momentum, decay)
    velocity = np.zeros(7)
    for update, gradient in enumerate(gradients):
        optimizer.apply([gradient.astype("float32")], [variable])
        decayed = rate / (1 + decay * update)
        velocity = momentum * velocity - decayed * gradient
        weight = weight + momentum * velocity - decayed * gradient
        np.testing.assert_allclose(variable.value, weight, rtol=1e-5, atol=1e-6)


def with_stock_layers(model):
    """The same network of `keras.layers.Conv2D`, with the same weights."""

    def stock(layer):
        kind = type(layer)
        kind = keras.layers.Conv2D if kind is Convolution else kind
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=stock)
    copy.set_weights(model.get_weights())
    assert type(copy.get_layer("conv_2")) is keras.layers.Conv2D
    return copy


def plain_keras(model, spec, parts):
    """Train a model by `train_on_batch`, and return the losses."""
    settings = (spec.learning_rate, spec.momentum, spec.learning_rate_decay)
    settings += (spec.optimizer,)
    model.compile(build_optimizer(*settings), "sparse_categorical_crossentropy")
    losses = []
    for images, labels in parts:
        for batch in zip(images, labels, strict=True):
            model.reset_metrics()  # else it returns the mean since the start
            losses.append(float(model.train_on_batch(*batch)))
    return losses


@pytest.mark.parametrize(
    ("kind", "batch_size", "settings"),
    [
        ("as_coded", 1, {}),
        ("energy", 4, {**GENTLE, "optimizer": "adam"}),
    ],
)
def test_the_compiled_loop_is_keras_own(kind, batch_size, settings):
    """30 updates by `train_on_batch` on the same batches, to rounding.

    Where this was written the weights are the same to the bit, and with Keras' own
    convolutions to 1e-7. Elsewhere rounding may differ, and may tip a ReLU.
    """
    spec = RunSpec(
        kind, noise_sd=2.5, images=30 * batch_size, batch_size=batch_size, **settings
    )
    parts = list(batches(spec, *load_mnist()[0], 1))
    compiled = training.engine(spec)
    initial, optimizer = compiled.initial(spec.seed)
    (weights, _), losses = compiled.update((initial, optimizer), *parts)
    model = build_model(kind, seed=spec.seed)
    model = with_stock_layers(model) if kind == "energy" else model
    np.testing.assert_allclose(losses, plain_keras(model, spec, parts), rtol=1e-4)
    for before, after, variable in zip(
        initial, weights, model.trainable_variables, strict=True
    ):
        expected = np.asarray(variable.value)
        moved = np.abs(expected - before).max()
        assert np.abs(after - expected).max() <= 0.01 * moved, variable.path


# --- Runs ------------------------------------------------------------------------


def test_a_run_repeats_bit_for_bit(tiny):
    training._engine.cache_clear()  # compiled anew, as in another process
    again = train(TINY, progress=False)
    assert_same_weights(again.weights, tiny[0].weights)
    assert without_seconds(again.record) == without_seconds(tiny[0].record)


def test_a_resumed_run_is_the_uninterrupted_one(tiny):
    result, states = tiny
    assert [len(state.epochs) for state in states] == [*range(1, TINY.epochs + 1)]
    for state in (states[4], states[-1]):
        later = []
        resumed = train(
            TINY,
            resume=pickle.loads(pickle.dumps(state)),
            after_epoch=later.append,
            progress=False,
        )
        assert_same_weights(resumed.weights, result.weights)
        assert without_seconds(resumed.record) == without_seconds(result.record)
        assert len(later) == TINY.epochs - len(state.epochs)
        assert resumed.record["seconds"] > state.seconds


def test_a_longer_run_goes_through_the_shorter_one(tiny):
    result, states = tiny
    short = train(changed(epochs=2), progress=False)
    assert short.record["epochs"] == result.record["epochs"][:2]
    for weight, state in zip(short.weights.values(), states[1].weights, strict=True):
        np.testing.assert_array_equal(weight, state)


# --- Scores --------------------------------------------------------------------


def test_contrast_at_test_scales_the_digit_and_not_the_noise(tiny):
    weights, spec = tiny[0].weights, changed(test_images=100)
    half = score(attrs.evolve(spec, contrast=0.5), weights, 0.0).right
    halved = {**weights, "conv_1/kernel": weights["conv_1/kernel"] / 2}
    np.testing.assert_array_equal(half, score(spec, halved, 0.0).right)
    blank = score(attrs.evolve(spec, contrast=0.0), weights, 0.0).right
    labels = load_mnist()[1][1][:100]
    assert len(set(labels[blank])) == 1  # one answer for every image


def test_a_yoked_network_is_trained_and_scored():
    spec = changed(attention="energy", display=Display(rows=32, cols=32), yoked=True)
    result = train(spec, progress=False)
    right = decode_correct(result.record, spec.noise_sd)
    again = score(spec, result.weights, spec.noise_sd).right
    np.testing.assert_array_equal(right, again)


# --- Records ---------------------------------------------------------------------


def test_a_record_is_json_and_says_what_was_run(tiny):
    record = json.loads(json.dumps(tiny[0].record, allow_nan=False))
    assert record == tiny[0].record
    assert RunSpec(**record["spec"]) == TINY
    assert [epoch["epoch"] for epoch in record["epochs"]] == [*range(1, 13)]
    assert {"python", "jax", "keras", "numpy"} <= record["versions"].keys()
    assert record["seconds"] > 0
    assert record["processor"]


def test_the_images_named_right_are_those_of_the_final_weights(tiny):
    """Recomputed by Keras from the weights, at every level of noise."""
    result, _ = tiny
    model = build_model("ones")
    assert list(result.weights) == list(weights_of(model))
    model.set_weights([*result.weights.values()])
    images, labels = (part[: TINY.test_images] for part in load_mnist()[1])
    for sd in TINY.test_noise_sds:
        rng = np.random.default_rng([TINY.seed, TEST_NOISE])
        named = predict(model, add_noise(images, sd, rng)).argmax(-1)
        correct = decode_correct(result.record, sd)
        np.testing.assert_array_equal(correct, named == labels)
    assert 0.1 < correct.mean() < 1
    assert (correct != decode_correct(result.record, 0)).any()  # the noise matters


def test_the_images_named_right_give_the_accuracies(tiny):
    record = tiny[0].record
    last = record["epochs"][-1]
    for sd, accuracy in ((0, "accuracy_clean"), (2.5, "accuracy_matched")):
        correct = decode_correct(record, sd)
        assert correct.dtype == bool
        assert correct.shape == (TINY.test_images,)
        assert correct.mean() == last[accuracy]


def test_curves_may_be_of_the_first_test_images_only(tiny):
    """The end is scored on all, and the first are scored as they are among all."""
    record = train(changed(curve_images=25), progress=False).record
    assert record["correct"] == tiny[0].record["correct"]
    for sd, accuracy in ((0, "accuracy_clean"), (2.5, "accuracy_matched")):
        first = decode_correct(record, sd)[:25]
        assert record["epochs"][-1][accuracy] == first.mean()
        assert record["epochs"][-1][accuracy] != decode_correct(record, sd).mean()


def test_weights_need_not_be_kept(tiny):
    result = train(changed(keeps_weights=False, epochs=1), progress=False)
    assert result.weights == {}
    assert result.record["epochs"] == tiny[0].record["epochs"][:1]


def test_the_loss_is_the_mean_over_the_epoch():
    """At learning rate 0: that of the seed's weights on all training images."""
    spec = changed(learning_rate=0.0, epochs=1, seed=5)
    (epoch,) = train(spec, progress=False).record["epochs"]
    ((images, labels),) = batches(spec, *load_mnist()[0], 1)
    p = predict(build_model("ones", seed=5), images[:, 0])
    labels = labels.ravel()
    expected = -np.log(p[np.arange(len(labels)), labels]).mean()
    np.testing.assert_allclose(epoch["loss"], expected, rtol=1e-5)


def test_a_loss_that_is_not_finite_is_recorded_as_null(tiny):
    _, (state, *_) = tiny
    broken = [np.full_like(weight, np.nan) for weight in state.weights]
    state = state._replace(weights=broken)
    record = train(TINY, resume=state, progress=False).record
    assert record["epochs"][1]["loss"] is None
    json.dumps(record, allow_nan=False)


# --- Data ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"images": 60_001}, "60,000 .*asks for 60,001"),
        ({"test_images": 10_001}, "10,000 .* test_images; .*10,001"),
        ({"images": 50_001, "scored_on": "validation"}, "50,000 .*Lower images"),
    ],
)
def test_more_images_than_the_data_have_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        train(changed(**values), progress=False)


class Untouchable:
    """Test images that may not be looked at."""

    def touched(self, *which, **how):
        raise AssertionError("the test images were touched")

    __getattr__ = __getitem__ = __len__ = __array__ = __iter__ = touched


def test_a_validation_never_touches_the_test_images(monkeypatch):
    spec = changed(scored_on="validation", epochs=1)
    expected = train(spec, progress=False)
    train_part, _ = load_mnist()
    hidden = (train_part, (Untouchable(), Untouchable()))
    monkeypatch.setattr(RunSpec, "load", lambda spec: hidden)
    result = train(spec, progress=False)
    assert_same_weights(result.weights, expected.weights)
    with pytest.raises(AssertionError, match="test images were touched"):
        train(changed(epochs=1), progress=False)
