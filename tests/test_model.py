"""The network: in one function, against NumPy, and at any size."""

import ast
import inspect

import jax
import keras
import numpy as np
import pytest
import reference
from looks import inputs_of, layers_of, model_of

from utils.attention import KINDS
from utils.model import build_model, predict

SHAPES = {  # what every layer gives for MNIST, without the batch
    "images": (28, 28, 1),
    "training_noise": (28, 28, 1),
    "pad_images": (30, 30, 1),
    "conv_1": (28, 28, 32),
    "pool_1": (13, 13, 32),
    "normalise_1": (13, 13, 32),
    "pad_1": (17, 17, 32),
    "conv_2": (15, 15, 32),
    "dense_2": (15, 15, 10),
    "attention": (15, 15),
    "attend": (17, 17, 32),
    "pool_2": (7, 7, 32),
    "normalise_2": (7, 7, 32),
    "pad_2": (11, 11, 32),
    "dense_1": (32,),
    "softmax": (10,),
}

every_kind = pytest.mark.parametrize("kind", KINDS)
every_numpy_kind = pytest.mark.parametrize("kind", reference.GAINS)


# --- How it reads ----------------------------------------------------------------


def test_the_model_is_one_short_function_with_one_branch():
    """Its body is at most 40 lines, and only a map that is given makes it branch."""
    (function,) = ast.parse(inspect.getsource(build_model)).body
    docstring, *body = function.body
    assert isinstance(docstring.value, ast.Constant)
    assert body[-1].end_lineno - docstring.end_lineno <= 40
    choices = (
        ast.If | ast.IfExp | ast.Match | ast.BoolOp | ast.For | ast.While | ast.Try
    )
    branches = [node for node in ast.walk(function) if isinstance(node, choices)]
    assert [ast.unparse(node.test) for node in branches] == ["attention == 'given'"]
    inner = ast.FunctionDef | ast.Lambda
    assert not [node for node in ast.walk(ast.Module(body)) if isinstance(node, inner)]


# --- What it computes ------------------------------------------------------------


@every_numpy_kind
def test_every_layer_agrees_with_numpy(kind):
    model, images = model_of(kind), reference.digits(2)
    expected = reference.look_twice(
        images, reference.weights_of(model), reference.GAINS[kind]
    )
    for name, received in layers_of(model, images, expected).items():
        largest = np.abs(expected[name]).max()
        np.testing.assert_allclose(
            received, expected[name], rtol=0, atol=1e-5 * largest, err_msg=name
        )


@every_kind
def test_the_layers_have_the_published_shapes_and_9898_parameters(kind):
    model = build_model(kind, noise_sd=2.5)
    assert {layer.name for layer in model.layers} - {"gains"} == set(SHAPES)
    for name, shape in SHAPES.items():
        first_use = model.get_layer(name)._inbound_nodes[0].output_tensors[0]
        assert first_use.shape == (None, *shape), name
    counts = [model.get_layer(name).count_params() for name in reference.LAYERS]
    assert counts == [320, 9248, 330]
    trained = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert trained == sum(counts) == model.count_params() == 9898


@pytest.mark.parametrize("shape", [(3, 3), (17, 40), (44, 44)], ids=str)
@pytest.mark.parametrize("kind", ["top_n", "given"])
def test_images_of_other_sizes_agree_with_numpy(kind, shape):
    model, images = model_of(kind, image_shape=shape), reference.digits(2, shape)
    inputs = inputs_of(model, images)
    gain = reference.GAINS.get(kind, lambda f, e: reference.of_mean_one(inputs[1]))
    expected = reference.look_twice(images, reference.weights_of(model), gain)[
        "softmax"
    ]
    np.testing.assert_allclose(predict(model, inputs), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 28), (28, 28, 1), 28, (28.5, 28), ("28", 28)])
def test_an_image_shape_that_is_too_small_or_no_shape_is_refused(shape):
    words = r"image_shape=\(rows, cols\).*at least 3.*Received"
    with pytest.raises(ValueError, match=words):
        build_model(image_shape=shape)


@every_numpy_kind
def test_the_gradient_of_the_loss_agrees_with_differences_by_numpy(kind):
    """Of a few weights in each layer: the two looks' shares add up."""
    model, images, labels = model_of(kind), reference.digits(2), np.array([7, 2])
    weights = reference.weights_of(model)

    def loss_by_numpy(weights):
        p = reference.look_twice(images, weights, reference.GAINS[kind])["softmax"]
        return -np.log(p[np.arange(2), labels]).mean()

    def loss(weights):
        p = model.stateless_call(weights, [], images)[0]
        return keras.losses.sparse_categorical_crossentropy(labels, p).mean()

    variables = [variable.value for variable in model.trainable_variables]
    gradients = dict(
        zip(
            (variable.path for variable in model.trainable_variables),
            jax.jit(jax.grad(loss))(variables),
            strict=True,
        )
    )
    rng = np.random.default_rng(3)
    for name in reference.LAYERS:
        for i, kind_of_weight in enumerate(("kernel", "bias")):
            gradient = np.asarray(gradients[f"{name}/{kind_of_weight}"])
            largest = np.abs(gradient).max()
            for place in rng.integers(0, gradient.shape, (3, gradient.ndim)):
                place, losses = tuple(place), []
                for step in (1e-6, -1e-6):
                    array = weights[name][i].copy()
                    array[place] += step
                    moved = list(weights[name])
                    moved[i] = array
                    losses.append(loss_by_numpy({**weights, name: moved}))
                slope = (losses[0] - losses[1]) / 2e-6
                np.testing.assert_allclose(
                    gradient[place], slope, atol=2e-4 * largest, err_msg=name
                )


# --- Noise and initial weights ---------------------------------------------------


def test_noise_is_for_training_only():
    images = reference.digits(2)
    noisy, same, clean = (build_model(noise_sd=sd, seed=0) for sd in (80.0, 80.0, 0.0))
    np.testing.assert_array_equal(noisy(images), clean(images))
    np.testing.assert_array_equal(noisy(images, training=False), clean(images))
    np.testing.assert_array_equal(clean(images, training=True), clean(images))
    first, second = (np.asarray(noisy(images, training=True)) for _ in range(2))
    assert (first != clean(images)).all()
    assert (first != second).all()
    np.testing.assert_array_equal(same(images, training=True), first)


def test_one_seed_gives_every_kind_the_same_weights():
    expected = build_model("ones", seed=3).get_weights()
    for kind in KINDS:
        for received, weight in zip(
            build_model(kind, seed=3, image_shape=(44, 30)).get_weights(),
            expected,
            strict=True,
        ):
            np.testing.assert_array_equal(received, weight)


def test_other_seeds_and_layers_start_elsewhere():
    models = [build_model(seed=seed) for seed in (0, 1, None, None)]
    kernels = [
        np.concatenate(
            [np.ravel(model.get_layer(name).kernel) for name in reference.LAYERS]
        )
        for model in models
    ]
    for i, kernel in enumerate(kernels):
        assert not any((kernel == other).any() for other in kernels[:i])
    one, two = (
        np.ravel(models[0].get_layer(name).kernel) for name in reference.LAYERS[:2]
    )
    assert abs(np.corrcoef(one / one.std(), two[: one.size])[0, 1]) < 0.25


def test_initial_weights_are_those_of_keras_1():
    """Glorot's uniform, dense_2 uniform to 0.05, biases 0."""
    model = build_model(seed=0)
    for name, limit in (
        ("conv_1", np.sqrt(6 / (9 * 1 + 9 * 32))),  # Glorot and Bengio 2010, eq. 16
        ("conv_2", np.sqrt(6 / (9 * 32 + 9 * 32))),
        ("dense_2", 0.05),
    ):
        layer = model.get_layer(name)
        kernel, bias = (np.asarray(w.value) for w in layer.weights)
        seed = layer.kernel_initializer.seed
        keras_own = keras.initializers.RandomUniform(-limit, limit, seed)(kernel.shape)
        np.testing.assert_array_equal(kernel, keras_own)
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() > 0.98 * limit
        se = limit / np.sqrt(3 * kernel.size)
        assert abs(kernel.mean()) < 4 * se, name
        np.testing.assert_array_equal(bias, 0)


@pytest.mark.parametrize("kind", ["energy", "place", "amount", "evidence"])
def test_an_empty_image_has_an_answer_in_half_precision_too(kind):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build_model(kind, seed=0)
        answers = predict(model, np.zeros((1, 28, 28)))
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(answers).all()
