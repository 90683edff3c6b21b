"""The network: against NumPy, at any size, from files, and from the published ones."""

import gc
import weakref

import h5py
import jax
import keras
import numpy as np
import pytest
import reference
from scipy import signal

from utils.attention import KINDS
from utils.data import load_mnist
from utils.model import (
    _part,
    attention_maps,
    build_model,
    load_published_weights,
    map_shape,
    predict,
)

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
BY_NUMPY = {  # kinds with their gains, functions of features and evidence
    "as_coded": lambda f, e: np.full(e.shape[:3], 1 / e.shape[1]),
    "ones": lambda f, e: np.ones(e.shape[:3]),
    "energy": lambda f, e: reference.of_mean_one(reference.energy(f, e)),
    "top_n": lambda f, e: reference.of_mean_one(reference.top_n(f, e)),
}
LAYERS = ("conv_1", "conv_2", "dense_2")

every_kind = pytest.mark.parametrize("kind", KINDS)
every_numpy_kind = pytest.mark.parametrize("kind", BY_NUMPY)


def digits(count, shape=(28, 28)):
    """Test digits with a little noise, tiled and cut to any size: no two alike."""
    images = load_mnist()[1][0][:count].astype("float32")
    images += np.random.default_rng(0).random(images.shape, "float32")
    tiled = np.tile(images, (1, 2, 2))
    return tiled[:, : shape[0], : shape[1], None]


def model_of(kind, **settings):
    """A model with biases that are not 0, so that they are tested too."""
    model = build_model(kind, seed=0, **settings)
    rng = np.random.default_rng(1)
    for name in LAYERS:
        bias = model.get_layer(name).bias
        bias.assign(rng.standard_normal(bias.shape))
    return model


def inputs_of(model, images):
    """Images and, for `given`, random maps."""
    if model.name != "given":
        return images
    shape = (len(images), *model.inputs[1].shape[1:])
    return [images, np.random.default_rng(2).random(shape, "float32")]


def weights_of(model):
    return {
        name: [np.asarray(w.value, np.float64) for w in model.get_layer(name).weights]
        for name in LAYERS
    }


def layers_of(model, inputs, names):
    """What layers give, by name; of a layer that is used twice, at the first look."""
    nodes = {name: model.get_layer(name)._inbound_nodes[0] for name in names}
    tensors = {name: node.output_tensors[0] for name, node in nodes.items()}
    return keras.Model(model.input, tensors)(inputs)


# --- What it computes ------------------------------------------------------------


@every_numpy_kind
def test_every_layer_is_numpy_s(kind):
    model, images = model_of(kind), digits(2)
    expected = reference.look_twice(images, weights_of(model), BY_NUMPY[kind])
    for name, received in layers_of(model, images, expected).items():
        largest = np.abs(expected[name]).max()
        np.testing.assert_allclose(
            received, expected[name], rtol=0, atol=1e-5 * largest, err_msg=name
        )


@pytest.mark.parametrize("shape", [(28, 28), (17, 40)], ids=str)
@pytest.mark.parametrize("yoked", [False, True], ids=["own map", "yoked"])
@pytest.mark.parametrize(
    "wiring",
    [
        {"acts_on": "conv_1"},
        {"acts_on": "read_out"},
        {"looks_at": "conv_1"},
        {"read_out": "max"},
        {"looks_at": "conv_1", "acts_on": "read_out"},
    ],
    ids=str,
)
def test_controls_are_numpy_s(wiring, yoked, shape):
    model = model_of("energy", image_shape=shape, yoked=yoked, **wiring)
    images = np.random.default_rng(4).uniform(0, 255, (4, *shape, 1)).astype("float32")
    images, others = images[:2], images[2:] if yoked else None
    gain_of = BY_NUMPY["energy"]
    expected = reference.look_twice(
        images, weights_of(model), gain_of, others=others, **wiring
    )
    inputs = [images, others[..., 0]] if yoked else images
    assert model.count_params() == 9898
    for name in ("attention", "softmax"):
        received, atol = predict(model, inputs, name), 1e-5 * expected[name].max()
        np.testing.assert_allclose(received, expected[name], rtol=0, atol=atol)


@pytest.mark.parametrize(
    ("kind", "wiring"),
    [
        ("given", {"acts_on": "conv_1"}),
        ("given", {"acts_on": "input"}),
        ("energy", {"field": True}),
        ("energy", {"field": True, "acts_on": "read_out"}),
    ],
)
def test_what_a_map_that_is_given_may_do_is_numpy_s(kind, wiring):
    shape = (17, 40)
    model, rng = model_of(kind, image_shape=shape, **wiring), np.random.default_rng(4)
    images = rng.uniform(0, 255, (2, *shape, 1)).astype("float32")
    gains = rng.random((2, *map_shape(shape)), "float32")
    maps = {"energy": BY_NUMPY["energy"], "given": lambda *_: gains}[kind]
    expected = reference.look_twice(
        images,
        weights_of(model),
        lambda *look: reference.of_mean_one(maps(*look)),
        gains=gains,
        **wiring,
    )
    received = predict(model, [images, gains])
    np.testing.assert_allclose(received, expected["softmax"], rtol=0, atol=1e-5)
    other = predict(model, [images, gains[::-1]])
    assert abs(received - other).max() > 1e-4  # the map matters


def test_internal_noise_is_in_the_second_look_only():
    """In the input of `conv_2`, after the gain: the network of the other weights."""
    images = digits(3)
    quiet, noisy = model_of("energy"), model_of("energy", internal_noise=30.0)
    names = ("attention", "attend")
    for one, other in zip(
        *(predict(m, images, names) for m in (quiet, noisy)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    before, after = predict(noisy, images, ("attend", "internal_noise"))
    np.testing.assert_allclose((after - before).std((1, 2, 3)), 30, rtol=0.05)
    assert abs(predict(noisy, images) - predict(quiet, images)).max() > 1e-3
    np.testing.assert_array_equal(predict(noisy, images), predict(noisy, images))


def test_a_gradient_may_be_stopped_at_the_map():
    """What is left is the slope with the map as a constant: a map that is given."""
    images, labels = digits(2), np.array([7, 2])
    model = model_of("energy", stops_gradient=True)
    given = model_of("given")
    maps = attention_maps(model, images)

    def gradients(model, inputs):
        def loss(weights):
            p = model.stateless_call(weights, [], inputs)[0]
            return keras.losses.sparse_categorical_crossentropy(labels, p).mean()

        variables = [variable.value for variable in model.trainable_variables]
        return jax.jit(jax.grad(loss))(variables)

    stopped, constant, through = (
        gradients(model, images),
        gradients(given, [images, maps]),
        gradients(model_of("energy"), images),
    )
    for one, other in zip(stopped, constant, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * abs(other).max())
    assert abs(stopped[2] - through[2]).max() > 0.01 * abs(through[2]).max()


@pytest.mark.parametrize(
    ("wiring", "words"),
    [
        ({"looks_at": "conv_3"}, "looks_at.*'conv_2', 'conv_1'.*'conv_3'"),
        ({"acts_on": None}, "acts_on.*'read_out'.*None"),
        ({"read_out": "sum"}, "read_out.*'mean', 'max'.*'sum'"),
        ({"attention": "given", "yoked": True}, "makes its map.*'given'"),
        ({"attention": "energy", "acts_on": "input"}, "with 'given'.*'energy'"),
        ({"attention": "energy", "yoked": True, "field": True}, "One map|one map"),
    ],
)
def test_wirings_that_are_none(wiring, words):
    with pytest.raises(ValueError, match=words):
        build_model(**wiring)


@every_kind
def test_the_layers_have_the_published_shapes_and_9898_parameters(kind):
    model = build_model(kind, noise_sd=2.5)
    assert {layer.name for layer in model.layers} - {"gains"} == set(SHAPES)
    for name, shape in SHAPES.items():
        first_use = model.get_layer(name)._inbound_nodes[0].output_tensors[0]
        assert first_use.shape == (None, *shape), name
    counts = [model.get_layer(name).count_params() for name in LAYERS]
    assert counts == [320, 9248, 330]
    trained = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert trained == sum(counts) == model.count_params() == 9898


@pytest.mark.parametrize("kind", ["as_coded", "top_n"])
def test_an_image_s_probabilities_do_not_depend_on_its_batch(kind):
    model = model_of(kind)
    images = digits(7)
    together = model.predict_on_batch(images)
    np.testing.assert_allclose(together.sum(-1), 1, rtol=1e-5)
    for size in (1, 2):
        for start in (0, 5):
            part = slice(start, start + size)
            some = model.predict_on_batch(images[part])
            np.testing.assert_allclose(some, together[part], atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 3), (17, 40), (44, 44)], ids=str)
@pytest.mark.parametrize("kind", ["top_n", "given"])
def test_other_sizes(kind, shape):
    model, images = model_of(kind, image_shape=shape), digits(2, shape)
    inputs = inputs_of(model, images)
    gain = BY_NUMPY.get(kind, lambda f, e: reference.of_mean_one(inputs[1]))
    expected = reference.look_twice(images, weights_of(model), gain)["softmax"]
    np.testing.assert_allclose(predict(model, inputs), expected, atol=1e-5)


@pytest.mark.parametrize(
    "shape",
    [
        (2, 28),
        (28, 2),
        (28,),
        28,
        (28, 28, 1),
        (28.5, 28),
        (np.inf, 28),
        (28, np.nan),
        None,
        "28",
        ("28", "28"),
    ],
    ids=str,
)
def test_sizes_that_are_none(shape):
    with pytest.raises(
        ValueError, match=r"image_shape=\(rows, cols\).*at least 3.*Received"
    ):
        build_model(image_shape=shape)


@every_numpy_kind
def test_gradient_of_the_loss(kind):
    """Of a few weights in each layer: the two looks' shares add up."""
    model, images, labels = model_of(kind), digits(2), np.array([7, 2])
    weights = weights_of(model)

    def loss_by_numpy(weights):
        p = reference.look_twice(images, weights, BY_NUMPY[kind])["softmax"]
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
    for name in LAYERS:
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
    images = digits(2)
    noisy, same, clean = (build_model(noise_sd=sd, seed=0) for sd in (80.0, 80.0, 0.0))
    np.testing.assert_array_equal(noisy(images), clean(images))
    np.testing.assert_array_equal(noisy(images, training=False), clean(images))
    np.testing.assert_array_equal(clean(images, training=True), clean(images))
    first, second = (np.asarray(noisy(images, training=True)) for _ in range(2))
    assert (first != clean(images)).all()
    assert (first != second).all()
    np.testing.assert_array_equal(same(images, training=True), first)


@pytest.mark.parametrize("sd", [-1, np.nan, "2.5"])
def test_impossible_noise(sd):
    with pytest.raises(ValueError, match="noise SD of at least 0 grey levels"):
        build_model(noise_sd=sd)


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
        np.concatenate([np.ravel(model.get_layer(name).kernel) for name in LAYERS])
        for model in models
    ]
    for i, kernel in enumerate(kernels):
        assert not any((kernel == other).any() for other in kernels[:i])
    one, two = (np.ravel(models[0].get_layer(name).kernel) for name in LAYERS[:2])
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


# --- Looking inside --------------------------------------------------------------


@every_kind
def test_attention_maps_are_the_gains(kind):
    model = model_of(kind)
    inputs = inputs_of(model, digits(2))
    maps = attention_maps(model, inputs)
    assert isinstance(maps, np.ndarray)
    assert maps.shape == (2, 15, 15)
    inside = layers_of(model, inputs, ("attention", "pad_1", "attend"))
    np.testing.assert_allclose(maps, inside["attention"], rtol=1e-4, atol=1e-6)
    expected = inside["pad_1"] * np.pad(maps, ((0, 0), (1, 1), (1, 1)))[..., None]
    np.testing.assert_allclose(inside["attend"], expected, rtol=1e-4, atol=1e-4)


def test_predict_sees_new_weights_and_makes_nothing_twice():
    model, other = build_model("energy", seed=0), build_model("energy", seed=1)
    images = load_mnist()[1][0][:3]
    for output in ("softmax", "attention"):
        before = predict(model, images, output)
        assert _part(model, (output,)) is _part(model, (output,))
        model.set_weights(other.get_weights())
        np.testing.assert_array_equal(
            predict(model, images, output), predict(other, images, output)
        )
        model.set_weights(build_model("energy", seed=0).get_weights())
        np.testing.assert_array_equal(predict(model, images, output), before)


def test_a_model_that_nobody_holds_is_let_go():
    model = build_model(seed=0)
    predict(model, load_mnist()[1][0][:1])
    kept = weakref.ref(model)
    del model
    gc.collect()
    assert kept() is None


def test_predict_takes_images_as_they_come():
    model = model_of("energy")
    images = load_mnist()[1][0][:2]
    expected = model(images[..., None].astype("float32"))
    for same in (images, images[..., None], images.astype("float64")):
        np.testing.assert_allclose(predict(model, same), expected, atol=1e-6)
    given = model_of("given")
    maps = np.ones((2, 15, 15))
    assert attention_maps(given, [images, maps]).shape == (2, 15, 15)
    assert attention_maps(given, (images[..., None], maps)).shape == (2, 15, 15)


def test_several_layers_at_once_are_each_alone():
    model, images = model_of("energy"), digits(2)
    names = ("attention", "conv_1", "softmax")
    for name, found in zip(names, predict(model, images, names), strict=True):
        expected = predict(model, images, name)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["conv_2", "dense_2"])
def test_of_a_layer_that_is_used_twice_the_first_look(name):
    model, images = model_of("energy"), digits(1)
    expected = reference.look_twice(images, weights_of(model), BY_NUMPY["energy"])
    np.testing.assert_allclose(
        predict(model, images, name), expected[name], rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize(
    ("kind", "shapes", "message"),
    [
        ("ones", [(28, 28)], r"Received \(28, 28\)\. .*images\[None\]"),
        ("ones", [(2, 28, 29)], r"\(None, 28, 28, 1\).*Received \(2, 28, 29, 1\)"),
        ("ones", [(2, 28, 28, 3)], r"Received \(2, 28, 28, 3\)"),
        ("ones", [(2, 17, 40)], r"needs build_model.*image_shape="),
        ("ones", [(2, 28, 28), (2, 15, 15)], r"Received .* and \(2, 15, 15\)"),
        ("given", [(2, 28, 28)], r"28, 1\) and \(None, 15, 15\).*Received \(2, 28"),
        ("given", [(2, 28, 28), (2, 17, 17)], r"and \(2, 17, 17\)"),
        ("given", [(3, 28, 28), (2, 15, 15)], r"Received \(3, .* and \(2, 15"),
        ("given", [(3, 28, 28), (1, 15, 15)], r"Received \(3, .* and \(1, 15"),
    ],
)
def test_images_that_do_not_fit(kind, shapes, message):
    arrays = [np.zeros(shape) for shape in shapes]
    inputs = arrays if len(arrays) > 1 else arrays[0]
    for look in (predict, attention_maps):
        with pytest.raises(ValueError, match=message):
            look(build_model(kind), inputs)


def test_an_unknown_layer_is_answered_with_all_layers():
    with pytest.raises(ValueError, match=r"conv_3.*conv_1.*conv_2.*softmax"):
        predict(build_model(), digits(1), "conv_3")


# --- Files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("given", {}),
        ("top_n", {"n": 3, "strength": 0.5}),
        ("shuffled", {"of": "top_n", "n": 3}),
        ("energy", {"noise_sd": 2.5}),
    ],
)
def test_a_saved_model_comes_back(kind, settings, tmp_path):
    model = model_of(kind, **settings)
    inputs = inputs_of(model, digits(2))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    from_json = keras.models.model_from_json(model.to_json())
    from_json.set_weights(model.get_weights())
    for same in (again, from_json):
        np.testing.assert_array_equal(same(inputs), model(inputs))
        for layer in model.layers:
            assert same.get_layer(layer.name).get_config() == layer.get_config()
    if settings:
        maps = attention_maps(model, inputs)
        np.testing.assert_array_equal(attention_maps(again, inputs), maps)


KERAS_1_SHAPES = {  # of the kernel, as Keras 1 on Theano keeps it
    "conv_1": (32, 1, 3, 3),
    "conv_2": (32, 32, 3, 3),
    "dense_2": (32, 10),
}


def keras_1_weights():
    """A kernel and a bias for each layer, kernels `(out, in, rows, cols)`."""
    rng = np.random.default_rng(5)
    return {
        name: [
            (0.1 * rng.standard_normal(shape)).astype("float32"),
            rng.standard_normal(shape[-1 if len(shape) == 2 else 0]).astype("float32"),
        ]
        for name, shape in KERAS_1_SHAPES.items()
    }


def write_keras_1(path, weights, group=None):
    """Write weights as `save_weights` of Keras 1.0.7 does, layers without too."""
    names = ["input_1", "gaussiannoise_1", *weights, "activation_1"]
    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        root.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            layer = root.create_group(name)
            arrays = weights.get(name, [])
            keys = [f"{name}_{key}" for key in "Wb"[: len(arrays)]]
            layer.attrs["weight_names"] = [key.encode() for key in keys]
            for key, array in zip(keys, arrays, strict=True):
                layer.create_dataset(key, data=array)
    return path


def theano_convolution(x, kernel):
    """True convolution, the kernel flipped: `(in, rows, cols)` to `(out, ...)`."""
    return np.array(
        [
            sum(
                signal.convolve(x[c], kernel[o, c], mode="valid", method="direct")
                for c in range(len(x))
            )
            for o in range(len(kernel))
        ]
    )


def theano_forward(image, weights, gain):
    """The published network on one image `(rows, cols)`, channels first."""

    def padded(x, width):
        return np.pad(x, ((0, 0), (width, width), (width, width)))

    def looked(x, name):
        kernel, bias = (array.astype(np.float64) for array in weights[name])
        return np.maximum(theano_convolution(x, kernel) + bias[:, None, None], 0)

    def pooled(x):
        channels_last = np.moveaxis(x, 0, -1)[None]
        x = reference.normalise(reference.max_pool(channels_last))
        return padded(np.moveaxis(x[0], -1, 0), 2)

    x = pooled(looked(padded(image[None].astype(np.float64), 1), "conv_1"))
    x = pooled(looked(gain * x, "conv_2"))
    kernel, bias = weights["dense_2"]
    return reference.softmax(x.mean(axis=(1, 2)) @ kernel + bias)


@pytest.mark.parametrize("group", [None, "model_weights"])
@pytest.mark.parametrize(("kind", "constant"), [("as_coded", 1 / 15), ("ones", 1)])
def test_published_weights(kind, constant, group, tmp_path):
    weights = keras_1_weights()
    model, images = build_model(kind), digits(2)
    load_published_weights(model, write_keras_1(tmp_path / "a.h5", weights, group))
    expected = [theano_forward(image[..., 0], weights, constant) for image in images]
    np.testing.assert_allclose(model(images), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3  # the images matter


def test_published_weights_of_keras_1_s_full_files(tmp_path):
    """A file of `model.save` also holds the optimiser's state, under other names."""
    path = write_keras_1(tmp_path / "a.h5", keras_1_weights(), "model_weights")
    with h5py.File(path, "a") as file:
        file.create_dataset("optimizer_weights/sgd/iterations", data=1.0)
    models = [build_model("ones", seed=seed) for seed in (0, 1)]
    load_published_weights(models[0], path)
    load_published_weights(models[1], str(path))
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def without(name):
    return {key: value for key, value in keras_1_weights().items() if key != name}


def changed(name, *arrays):
    return {**keras_1_weights(), name: [np.zeros(shape) for shape in arrays]}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (without("conv_2"), r"one kernel and one bias of layer 'conv_2', found \[\]"),
        (without("dense_2"), r"'dense_2', found \[\]\. The file holds .*conv_1_W"),
        ({}, "one kernel and one bias of layer 'conv_1'"),
        (changed("dense_2", (32, 10)), r"bias of layer 'dense_2', found \[\(32, 10\)"),
        (changed("dense_2", (10, 32), (10,)), r"'dense_2/kernel' of \(10, 32\)"),
        (changed("dense_2", (32, 9), (9,)), r"\(32, 10\).*of \(32, 9\)"),
        (changed("conv_1", (32, 3, 3, 3), (32,)), r"'conv_1/kernel' of \(3, 3, 3, 32"),
        (changed("conv_2", (3, 3, 32, 32), (32,)), r"'conv_2/kernel' of \(32, 32, 3"),
        (changed("conv_2", (32, 288), (32,)), r"'conv_2/kernel' of \(32, 288\)"),
    ],
)
def test_files_that_are_not_this_network_leave_it_as_it_was(weights, message, tmp_path):
    model = build_model(seed=0)
    before = model.get_weights()
    path = write_keras_1(tmp_path / "a.h5", weights)
    with pytest.raises(ValueError, match=message):
        load_published_weights(model, path)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_files_that_are_none(tmp_path):
    model = build_model()
    for path in (tmp_path / "none.h5", tmp_path):
        with pytest.raises(FileNotFoundError, match=r"Expected published weights"):
            load_published_weights(model, path)
    for content in (b"", b"not HDF5" * 1000):
        (tmp_path / "other.h5").write_bytes(content)
        with pytest.raises(ValueError, match=r"other\.h5 is not a readable HDF5 file"):
            load_published_weights(model, tmp_path / "other.h5")
    whole = write_keras_1(tmp_path / "whole.h5", keras_1_weights()).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut\.h5 is not a readable HDF5 file"):
        load_published_weights(model, tmp_path / "cut.h5")
