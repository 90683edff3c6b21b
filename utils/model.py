"""The network that looks twice, in Keras' functional form.

The architecture of Vatterott (2016), with 9,898 parameters, batches of any size and
images of any size from 3 x 3 pixels. Input is raw grey levels, 0 to 255. `build_model`
reads from top to bottom as the forward pass; other wirings are in `utils.wiring`.
"""

import itertools
import math
import weakref
from collections.abc import Mapping

import keras
import numpy as np
from keras import layers

from utils.attention import Attention
from utils.checks import check, whole
from utils.layers import (
    Attend,
    Convolution,
    LocalResponseNormalization,
    MaxPool,
    TrainingNoise,
)
from utils.maps import DIGITS

CHANNELS = 32
LARGEST_KERNEL = 9 * CHANNELS**2  # weights of conv_2
SMALLEST_IMAGE = 3  # rows and columns: one window of the first pooling
IMAGES_PER_CALL = 20  # of a compiled function: they fit into a processor's cache


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class Uniform(keras.initializers.RandomUniform):
    """Keras' own initializer with the same numbers, a second faster for each layer.

    JAX compiles its generator for each shape; this one draws a row that is long enough
    for every kernel, so that it is compiled once.
    """

    def __call__(self, shape, dtype=None):
        row = np.asarray(super().__call__((LARGEST_KERNEL,), dtype))
        return row[: math.prod(shape)].reshape(shape)


def build_model(
    attention: str = "ones",
    *,
    noise_sd: float = 0.0,
    image_shape: tuple[int, int] = (28, 28),
    strength: float = 1.0,
    seed: int | None = None,
    **parameters,
) -> keras.Model:
    """Build the network: first look, attention, second look with the same weights.

    Args:
        attention: a name in `utils.attention.KINDS`; `ones` is the control.
        noise_sd: SD in grey levels of the noise added in training, never at test.
        image_shape: `(rows, cols)`, each at least 3.
        strength: strength of attention, from 0 (the control) to 1.
        seed: fixes the initial weights and the noise; two kinds built with one
            seed start from the same weights.
        **parameters: parameters of the kind, such as `n=3` for `top_n`.

    Returns:
        A model from grey levels `(batch, rows, cols, 1)` to the probabilities of
        the ten digits `(batch, 10)`. For `given` it takes `[images, gains]`, gains
        `(batch, rows', cols')` of the size of `conv_2`'s output (15 x 15 for MNIST);
        they are divided by their mean.

    Raises:
        ValueError: for an unknown kind or parameter, or a value out of range.

    Example:
        >>> model = build_model("energy", noise_sd=2.5, seed=0)
        >>> model.count_params()
        9898
    """
    rows, cols = check_shape(image_shape)
    noise, conv_1, conv_2, dense_2 = random_layers(noise_sd, seed)

    # The eye: noise in training, then 32 kernels of 3 x 3 pixels.
    inputs = images = keras.Input((rows, cols, 1), name="images")
    x = noise(images)
    x = layers.ZeroPadding2D(1, name="pad_images")(x)
    x = conv_1(x)

    # Reduction: the largest of 3 x 3, divided by its neighbours in channel order.
    x = MaxPool(name="pool_1")(x)
    x = LocalResponseNormalization(name="normalise_1")(x)
    x = layers.ZeroPadding2D(2, name="pad_1")(x)

    # First look: features, and the evidence for each digit, at every place.
    features = conv_2(x)
    evidence = dense_2(features)

    # The map becomes a gain, which multiplies the input of `conv_2`.
    attend = Attention(attention, strength, parameters, name="attention")
    if attention == "given":
        gains = keras.Input(map_shape(image_shape), name="gains")
        inputs, gain = [images, gains], attend(gains)
    else:
        gain = attend(features, evidence)
    x = Attend(name="attend")(x, gain)

    # Second look, with the same weights.
    x = conv_2(x)
    x = MaxPool(name="pool_2")(x)
    x = LocalResponseNormalization(name="normalise_2")(x)
    x = layers.ZeroPadding2D(2, name="pad_2")(x)

    # Read-out: the mean over places, then the evidence as probabilities.
    x = layers.GlobalAveragePooling2D(name="dense_1")(x)
    probabilities = layers.Softmax(name="softmax")(dense_2(x))
    return keras.Model(inputs, probabilities, name=attention)


def random_layers(noise_sd: float, seed: int | None, channels: int = 1) -> tuple:
    """The layers that use random numbers: noise, `conv_1`, `conv_2`, `dense_2`.

    Initial kernels are uniform: for convolutions within sqrt(6 / (fan in + fan out))
    of 0 (Glorot and Bengio 2010), for `dense_2` within 0.05. Biases start at 0.

    Args:
        noise_sd, seed: as for `build_model`.
        channels: the number of channels of the input of `conv_1`.
    """
    seeds = np.random.SeedSequence(seed).generate_state(4).tolist()

    def convolution(name, seed, channels):
        limit = math.sqrt(6 / (9 * channels + 9 * CHANNELS))
        kernel = Uniform(-limit, limit, seed=seed)
        settings = {"activation": "relu", "kernel_initializer": kernel, "name": name}
        return Convolution(CHANNELS, 3, **settings)

    noise = TrainingNoise(noise_sd, seed=seeds[3], name="training_noise")
    conv_1 = convolution("conv_1", seeds[0], channels)
    conv_2 = convolution("conv_2", seeds[1], CHANNELS)
    kernel = Uniform(-0.05, 0.05, seed=seeds[2])
    dense_2 = layers.Dense(DIGITS, kernel_initializer=kernel, name="dense_2")
    return noise, conv_1, conv_2, dense_2


def map_shape(image_shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of an attention map, the size of `conv_2`'s output.

    Pooling halves n pixels to (n - 1) // 2; `conv_2`, with a padding of 2, adds 2.
    """
    return tuple((size - 1) // 2 + 2 for size in check_shape(image_shape))


def check_shape(image_shape: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of images if they are whole numbers of at least 3."""
    try:
        rows, cols = image_shape
        sides = dict.fromkeys(("rows", "cols"), whole(least=SMALLEST_IMAGE))
        return tuple(check(sides, {"rows": rows, "cols": cols}).values())
    except (TypeError, ValueError):
        raise ValueError(
            "Expected image_shape=(rows, cols), whole numbers of at least "
            f"{SMALLEST_IMAGE}. Received {image_shape!r}."
        ) from None


def attention_maps(model: keras.Model, images) -> np.ndarray:
    """The gains that multiply the input of `conv_2`, as an array.

    Args:
        model: from `build_model`.
        images: grey levels `(images, rows, cols, 1)` or `(images, rows, cols)`; for a
            model of kind `given`, `[images, gains]`.

    Returns:
        `(images, rows', cols')`, 15 x 15 for MNIST; the padding is not part of it.

    Raises:
        ValueError: if the images do not fit the model.
    """
    return predict(model, images, output="attention")


def predict(model: keras.Model, images, output="softmax"):
    """The output of a layer, or of several; by default the probabilities of the digits.

    Args:
        model: from `build_model`.
        images: any number of images, as for `attention_maps`.
        output: name of a layer, or several names, which run as one model. `conv_2` and
            `dense_2` are used twice: their names mean the first look, "conv_2 again"
            the second.

    Returns:
        An array whose first axis is that of the images; for several names, a list.

    Raises:
        ValueError: if the images do not fit the model, or no layer has that name.

    Example:
        >>> features, evidence = predict(model, images, ("conv_2", "dense_2"))
    """
    outputs = (output,) if isinstance(output, str) else tuple(output)
    given = isinstance(images, list | tuple)
    arrays = [np.asarray(a, "float32") for a in (images if given else [images])]
    if arrays[0].ndim == 3:
        arrays[0] = arrays[0][..., None]
    count = arrays[0].shape[:1]  # as many maps as images
    if [a.shape for a in arrays] != [count + i.shape[1:] for i in model.inputs]:
        expected = " and ".join(str(tensor.shape) for tensor in model.inputs)
        raise ValueError(
            f"Expected {expected}, None being the number of images. Received "
            f"{' and '.join(str(a.shape) for a in arrays)}. One image is a batch of "
            "one: images[None]; another size needs build_model(..., image_shape=...)."
        )
    found = _run(_part(model, outputs, _up_to), outputs, arrays)
    return found[0] if isinstance(output, str) else found


def second_look(model: keras.Model, inputs, gain) -> np.ndarray:
    """Probabilities of the digits from the second look alone, with any gain.

    Args:
        model: from `build_model`, of any kind.
        inputs: `conv_2`'s input before the gain, `predict(model, images, "pad_1")`.
        gain: `(images, rows', cols')`, of any mean.

    Returns:
        `(images, 10)`; with the model's own gains, its answers.
    """
    part = _part(model, "second look", _after_attention)
    arrays = [np.asarray(each, "float32") for each in (inputs, gain)]
    return _run(part, ["softmax"], arrays)[0]


_PARTS = weakref.WeakKeyDictionary()  # parts of models, by their outputs


def _part(model, which, make):
    """A part of the model, made once; it shares the model's weights."""
    parts = _PARTS.setdefault(model, {})
    return parts.get(which) or parts.setdefault(which, make(model, which))


def _up_to(model, outputs):
    """The model up to some layers."""
    nodes, tensors = [*itertools.chain(*model._nodes_by_depth.values())], {}
    for name in outputs:
        uses = model.get_layer(name.removesuffix(" again"))._inbound_nodes
        own = [node for node in uses if node in nodes]
        use = own[-1 if name.endswith(" again") else 0]
        tensors[name] = use.output_tensors[0]
    return keras.Model(model.inputs, tensors)


def _after_attention(model, _):
    """The second look as a model: its inputs are `conv_2`'s input and a gain on it."""
    padded = model.get_layer("pad_1").output
    inputs = keras.Input(padded.shape[1:])
    gain = keras.Input([size - 2 for size in padded.shape[1:3]])
    x = model.get_layer("attend")(inputs, gain)
    for name in ("conv_2", "pool_2", "normalise_2", "pad_2", "dense_1", "dense_2"):
        x = model.get_layer(name)(x)
    return keras.Model([inputs, gain], {"softmax": model.get_layer("softmax")(x)})


def _run(part, outputs, arrays):
    """The outputs of a part of the model for any number of images."""
    found = []
    for start in range(0, max(len(arrays[0]), 1), IMAGES_PER_CALL):
        some = [array[start : start + IMAGES_PER_CALL] for array in arrays]
        found.append(part.predict_on_batch(some if len(some) > 1 else some[0]))
    return [np.concatenate([each[name] for each in found]) for name in outputs]


def set_weights(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Load trained weights into `model`, in place; it may be of another kind.

    Args:
        model: from `build_model` or `build_wired`.
        weights: by layer, as `utils.runs.store.Store` returns them:
            `{"conv_1/kernel": (3, 3, 1, 32), "conv_1/bias": (32,), ...}`.

    Raises:
        ValueError: if a layer does not exist or a shape differs; nothing then changes.
    """
    variables = {
        f"{layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.weights
    }
    expected = {name: variable.shape for name, variable in variables.items()}
    for name, array in weights.items():
        if array.shape != expected.get(name):
            raise ValueError(
                f"Expected some of {expected}. Received {name!r} of {array.shape}."
            )
    for name, array in weights.items():
        variables[name].assign(array)
