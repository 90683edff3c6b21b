"""The network that looks twice, in Keras' functional form.

The architecture of Vatterott (2016), with 9,898 parameters, batches of any size and
images of any size from 3 x 3 pixels. Input is raw grey levels, 0 to 255.
"""

import math
import weakref
from collections.abc import Mapping
from pathlib import Path

import attrs
import h5py
import keras
import numpy as np
from keras import layers, ops

from utils.attention import DIGITS, Attention, of_mean_one
from utils.checks import check, choice, flag, number, whole
from utils.layers import (
    Attend,
    Convolution,
    InternalNoise,
    LocalResponseNormalization,
    MaxPool,
    TrainingNoise,
)
from utils.noise import WHITE

CHANNELS = 32
LARGEST_KERNEL = 9 * CHANNELS**2  # weights, of conv_2
SMALLEST_IMAGE = 3  # rows and columns: one window of the first pooling


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class Uniform(keras.initializers.RandomUniform):
    """The numbers of Keras' own, a second sooner for each layer.

    JAX compiles its generator for each shape that is asked of it; rows are quick to
    compile, and a row that is long enough for every kernel is compiled once.
    """

    def __call__(self, shape, dtype=None):
        row = np.asarray(super().__call__((LARGEST_KERNEL,), dtype))
        return row[: math.prod(shape)].reshape(shape)


@attrs.frozen(kw_only=True)
class Wiring:
    """How the two looks are wired: what the map is made of, and what it does.

    The default is the published wiring; others are controls.

    Raises:
        ValueError: for a value that there is not.
    """

    # The map is made of the first look or, in a gate, of `conv_2`'s input without one.
    looks_at: str = choice("conv_2", of=("conv_2", "conv_1"))
    # The gain multiplies the input of `conv_2`, the output of `conv_1`, or the average
    # over places; or a map that is given is a second channel and multiplies nothing.
    acts_on: str = choice("conv_2", of=("conv_2", "conv_1", "read_out", "input"))
    read_out: str = choice("mean", of=("mean", "max"))  # over places
    stops_gradient: bool = flag(False)  # learning leaves out what weights do by the map
    yoked: bool = flag(False)  # the map is made of other images, a second input
    # A map that is given multiplies the activity that the kind's own map is made of:
    field: bool = flag(False)  # the attention field of Reynolds and Heeger (2009)
    internal_noise: float = number(0.0)  # SD of noise in `conv_2`'s input, second look

    def check_kind(self, attention: str) -> None:
        """Refuse a kind of attention that cannot be wired so, by a `ValueError`."""
        if (self.yoked or self.field) and attention == "given":
            raise ValueError(
                "Expected a kind that makes its map (yoked, field). Received 'given'."
            )
        channel = self.acts_on == "input"
        if (channel and attention != "given") or (self.yoked and self.field):
            raise ValueError(
                "Expected one map or image beside the images: acts_on='input' with "
                f"'given', yoked or field. Received {attention!r} and {self}."
            )


def build_model(
    attention: str = "ones",
    *,
    noise_sd: float = 0.0,
    image_shape: tuple[int, int] = (28, 28),
    strength: float = 1.0,
    input_scale: float = 1.0,
    seed: int | None = None,
    **settings,
) -> keras.Model:
    """Build the network: first look, attention, second look with the same weights.

    Args:
        attention: a name in `utils.attention.KINDS`; `ones` is the control.
        noise_sd: SD in grey levels of the noise added in training, never at test.
        image_shape: `(rows, cols)`, each at least 3.
        strength: how much attention, from 0 (the control) to 1.
        input_scale: multiplies the grey levels; 1, as published, or such as 1 / 255.
        seed: fixes the initial weights and the noise; two kinds built with one
            seed start from the same weights.
        **settings: parameters of the kind, such as `n=3` for `top_n`; for controls,
            another `Wiring`, such as `yoked=True`.

    Returns:
        A model from grey levels `(batch, rows, cols, 1)` to the probabilities of
        the ten digits `(batch, 10)`. For `given`, or with a `field`, it takes
        `[images, gains]`, gains `(batch, rows', cols')` of the size of `conv_2`'s
        output (15 x 15 for MNIST); those of `given` are divided by their mean. A yoked
        one takes `[images, others]`, others `(batch, rows, cols)`.

    Raises:
        ValueError: for an unknown kind, parameter or wiring, or a value out of range.

    Example:
        >>> model = build_model("energy", noise_sd=2.5, seed=0)
        >>> model.count_params()
        9898
    """
    rows, cols = _check_shape(image_shape)
    names = attrs.fields_dict(Wiring).keys() & settings.keys()
    wiring = Wiring(**{name: settings.pop(name) for name in names})
    wiring.check_kind(attention)
    seeds = np.random.SeedSequence(seed).generate_state(4).tolist()

    def uniform(index, limit):
        return Uniform(-limit, limit, seed=seeds[index])

    def convolution(name, index, channels):
        kernel = uniform(index, math.sqrt(6 / (9 * channels + 9 * CHANNELS)))
        return Convolution(
            CHANNELS, 3, activation="relu", kernel_initializer=kernel, name=name
        )

    def reduction(look):
        return [
            MaxPool(name=f"pool_{look}"),
            LocalResponseNormalization(name=f"normalise_{look}"),
            layers.ZeroPadding2D(2, name=f"pad_{look}"),
        ]

    def over_pixels(gain):  # of a map: place o lies over pixels 2 o - 1 and 2 o
        return ops.repeat(ops.repeat(gain, 2, 1), 2, 2)[:, 1 : rows + 1, 1 : cols + 1]

    channels = 2 if wiring.acts_on == "input" else 1
    noise = TrainingNoise(noise_sd, seed=seeds[3], name="training_noise")
    eye = [layers.Rescaling(input_scale, name="rescaling")] if input_scale != 1 else []
    eye.append(layers.ZeroPadding2D(1, name="pad_images"))
    eye.append(convolution("conv_1", 0, channels))
    reduce_1, reduce_2 = reduction(1), reduction(2)
    conv_2 = convolution("conv_2", 1, CHANNELS)
    dense_2 = layers.Dense(DIGITS, kernel_initializer=uniform(2, 0.05), name="dense_2")
    attend = Attention(
        attention, strength=strength, parameters=settings, name="attention"
    )

    inputs = images = keras.Input((rows, cols, 1), name="images")
    if attention == "given" or wiring.field:
        gains = keras.Input(map_shape(image_shape), name="gains")
        inputs = [images, gains]
    seen = noise(images)
    if wiring.acts_on == "input":
        cue = strength * WHITE * over_pixels(gains)  # a map of 1 is as bright as ink
        seen = ops.concatenate([seen, cue[..., None]], -1)
    seen = _through(eye, seen)
    x = source = _through(reduce_1, seen)
    if wiring.yoked:
        others = keras.Input((rows, cols), name="others")
        inputs = [images, others]
        source = _through([noise, *eye, *reduce_1], others[..., None])

    features = conv_2(source)
    if wiring.looks_at == "conv_1":
        features = layers.Cropping2D(1, name="gate")(source)
    if wiring.field:
        features = Attend(name="field")(features, gains)
    evidence = dense_2(features)
    gain = attend(gains) if attention == "given" else attend(features, evidence)
    if wiring.stops_gradient:
        gain = ops.stop_gradient(gain)

    if wiring.acts_on == "conv_1":
        x = Attend(name="attend_conv_1")(seen, over_pixels(gain))
        x = _through(reduce_1, x)
    elif wiring.acts_on == "conv_2":
        x = Attend(name="attend")(x, gain)
    if wiring.internal_noise:
        x = InternalNoise(wiring.internal_noise, name="internal_noise")(x)
    x = _through(reduce_2, conv_2(x))
    if wiring.acts_on == "read_out":
        late = ops.average_pool(gain[..., None], 3, 2)[..., 0]
        x = Attend(name="attend_read_out")(x, of_mean_one(late))
    if wiring.read_out == "max":
        x = layers.GlobalMaxPooling2D(name="read_out_max")(x)
    else:
        x = layers.GlobalAveragePooling2D(name="dense_1")(x)
    probabilities = layers.Softmax(name="softmax")(dense_2(x))
    return keras.Model(inputs, probabilities, name=attention)


def _through(several, x):
    """What layers make of `x`, one after the other."""
    for layer in several:
        x = layer(x)
    return x


def map_shape(image_shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of an attention map, the size of `conv_2`'s output.

    Pooling halves an image of n pixels to (n - 1) // 2; `conv_2`, with a padding of 2,
    adds 2: 15 x 15 for MNIST.
    """
    rows, cols = _check_shape(image_shape)
    return (rows - 1) // 2 + 2, (cols - 1) // 2 + 2


def attention_maps(model: keras.Model, images) -> np.ndarray:
    """The gains that multiply the input of `conv_2`, as an array.

    Args:
        model: from `build_model`.
        images: grey levels `(batch, rows, cols, 1)` or `(batch, rows, cols)`; for a
            model of kind `given`, `[images, gains]`.

    Returns:
        `(batch, rows', cols')`, the size of `conv_2`'s output: 15 x 15 for MNIST.
        The network's zero padding around it is not part of it.

    Raises:
        ValueError: if the images do not fit the model.
    """
    return predict(model, images, output="attention")


def predict(model: keras.Model, images, output="softmax"):
    """What a layer, or several, give for images; by default the ten probabilities.

    Args:
        model: from `build_model`.
        images: as for `attention_maps`.
        output: name of a layer, or several names, which compile and run as one. Of a
            layer that is used twice (`conv_2`, `dense_2`), the first look.

    Returns:
        The layer's output, an array with the batch first; of several, a list of them.

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
    batch = arrays[0].shape[:1]  # of maps as many as of images
    if [a.shape for a in arrays] != [batch + i.shape[1:] for i in model.inputs]:
        expected = " and ".join(str(tensor.shape) for tensor in model.inputs)
        raise ValueError(
            f"Expected {expected}, None being the number of images. Received "
            f"{' and '.join(str(a.shape) for a in arrays)}. One image is a batch of "
            "one: images[None]; another size needs build_model(..., image_shape=...)."
        )
    part = _part(model, outputs)
    found = part.predict_on_batch(arrays if given else arrays[0])
    arrays = [np.asarray(found[name]) for name in outputs]
    return arrays[0] if isinstance(output, str) else arrays


_PARTS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _part(model, outputs):
    """The model up to some layers, made once; it shares the model's weights."""
    parts = _PARTS.setdefault(model, {})
    if outputs not in parts:
        nodes = {name: model.get_layer(name)._inbound_nodes[0] for name in outputs}
        tensors = {name: node.output_tensors[0] for name, node in nodes.items()}
        parts[outputs] = keras.Model(model.inputs, tensors)
    return parts[outputs]


def set_weights(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Give `model` trained weights, in place; the kind of attention may be another.

    Args:
        model: from `build_model`.
        weights: by layer, as `utils.studies.store.Store` returns them:
            `{"conv_1/kernel": (3, 3, 1, 32), "conv_1/bias": (32,), ...}`.

    Raises:
        ValueError: if a layer does not exist or a shape differs; the model is then
            as it was.
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


def load_published_weights(model: keras.Model, path) -> None:
    """Load weights that the author of the post published into `model`, in place.

    They are HDF5 files of Keras 1 on Theano, whose kernels lie as `(out, in, rows,
    cols)` and are flipped, because Theano convolves where Keras correlates. The
    files are not part of this project (github.com/dvatterott/BMM_attentional_CNN).

    Args:
        model: from `build_model`, of any kind.
        path: the `.h5` file. Weights are found by the layers' names.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no HDF5 file, or lacks a layer, or a shape differs.
    """
    path, found = Path(path), {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item)

    if not path.is_file():
        raise FileNotFoundError(f"No file {path}. Expected published weights (.h5).")
    try:
        with h5py.File(path, "r") as file:
            file.visititems(keep)
    except OSError as error:
        raise ValueError(f"{path} is not a readable HDF5 file: {error}.") from error
    weights = {}
    for name in ("conv_1", "conv_2", "dense_2"):
        arrays = [a for key, a in found.items() if name in key.split("/")]
        if sorted(a.ndim > 1 for a in arrays) != [False, True]:
            raise ValueError(
                f"{path}: expected one kernel and one bias of layer {name!r}, found "
                f"{[a.shape for a in arrays]}. The file holds {', '.join(found)}."
            )
        bias, kernel = sorted(arrays, key=np.ndim)
        if kernel.ndim == 4:
            kernel = kernel[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
        weights |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    set_weights(model, weights)


def _check_shape(image_shape):
    try:
        rows, cols = image_shape
        sides = {name: whole(least=SMALLEST_IMAGE) for name in ("rows", "cols")}
        return tuple(check(sides, {"rows": rows, "cols": cols}).values())
    except (TypeError, ValueError):
        raise ValueError(
            "Expected image_shape=(rows, cols), whole numbers of at least "
            f"{SMALLEST_IMAGE}. Received {image_shape!r}."
        ) from None
