"""Other wirings of the network: controls, cues and read-outs, made of the same parts.

`build_wired` is the forward pass of `utils.model.build_model` with steps that a setting
exchanges. Each control is one short function below; settings that do not exclude each
other compose. A wiring has a layer of its own name, by which a page tells it from the
published network.
"""

import attrs
import jax
import keras
from keras import layers, ops

from utils import checks
from utils.attention import Attention, of_mean_one
from utils.layers import Attend, LocalResponseNormalization, MaxPool
from utils.model import build_model, check_shape, map_shape, random_layers
from utils.noise import WHITE


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class InternalNoise(keras.layers.Layer):
    """Add Gaussian noise of a fixed SD to activities, in training and at test.

    An observer's own noise, which no image holds (Lu and Dosher 1998). An image decides
    its draw, so that a network gives the same answer whenever it sees that image.

    Args:
        sd: standard deviation in the unit of the activities.

    Call arguments:
        x: `(batch, rows, cols, channels)`.

    Returns:
        The same shape.
    """

    def __init__(self, sd, **kwargs):
        super().__init__(**kwargs)
        self.sd = sd

    def call(self, x):
        return x + self.sd * jax.vmap(_noise_of_its_own)(x)


def _noise_of_its_own(x):
    """Standard normal numbers of the shape of `x`, whose sum decides the draw."""
    bits = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x.sum()), "int32")
    return jax.random.normal(jax.random.fold_in(jax.random.key(0), bits), x.shape)


# --- Steps that a wiring exchanges ----------------------------------------------------


def as_second_channel(images, gains, strength):
    """A given map beside the image, as bright as ink where it is 1."""
    cue = strength * WHITE * over_pixels(gains, images.shape[1:3])
    return ops.concatenate([images, cue[..., None]], -1)


def gate(x):
    """`conv_2`'s input in place of its features: a map without a first look."""
    return layers.Cropping2D(1, name="gate")(x)


def attention_field(features, gains):
    """Features times a given map, before the kind's own map is made of them.

    The attention field of Reynolds and Heeger (2009).
    """
    return Attend(name="field")(features, gains)


def gain_on_conv_1(seen, gain):
    """The gain multiplies the output of `conv_1`, which is then reduced anew."""
    return Attend(name="attend_conv_1")(seen, over_pixels(gain, seen.shape[1:3]))


def gain_on_conv_2(x, gain):
    """The gain multiplies the input of `conv_2`, as published."""
    return Attend(name="attend")(x, gain)


def gain_on_read_out(x, gain):
    """The gain, averaged as the second pooling does and of mean 1, weighs the mean."""
    late = ops.average_pool(gain[..., None], 3, 2)[..., 0]
    return Attend(name="attend_read_out")(x, of_mean_one(late))


def over_pixels(gain, shape):
    """A map `(batch, rows', cols')` over pixels: place o lies over 2 o - 1 and 2 o."""
    rows, cols = shape
    doubled = ops.repeat(ops.repeat(gain, 2, 1), 2, 2)
    return doubled[:, 1 : rows + 1, 1 : cols + 1]


READ_OUTS = {
    "mean": lambda x: layers.GlobalAveragePooling2D(name="dense_1")(x),
    "max": lambda x: layers.GlobalMaxPooling2D(name="read_out_max")(x),
}


@attrs.frozen(kw_only=True)
class Wiring:
    """How the two looks are wired: what the map is made of, and what it does.

    The default is the published wiring; others are controls. A wiring that is added
    later needs a default, which keeps the names of older records.

    Raises:
        ValueError: for an unknown value.
    """

    # The map is made of the first look or, in a gate, of `conv_2`'s input without one.
    looks_at: str = checks.field(checks.choice(("conv_2", "conv_1")), "conv_2")
    # The gain multiplies the input of `conv_2`, the output of `conv_1`, or the average
    # over places; or a map that is given is a second channel and multiplies nothing.
    acts_on: str = checks.field(
        checks.choice(("conv_2", "conv_1", "read_out", "input")), "conv_2"
    )
    read_out: str = checks.field(checks.choice(READ_OUTS), "mean")  # over places
    stops_gradient: bool = checks.field(
        checks.flag, False
    )  # no weight is learnt through the map
    yoked: bool = checks.field(
        checks.flag, False
    )  # the map is made of other images, a second input
    field: bool = checks.field(checks.flag, False)  # a given map is an attention field
    internal_noise: float = checks.field(
        checks.number(), 0.0
    )  # SD, in `conv_2`'s input, second look

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


def build_wired(
    attention: str = "ones",
    *,
    noise_sd: float = 0.0,
    image_shape: tuple[int, int] = (28, 28),
    strength: float = 1.0,
    input_scale: float = 1.0,
    seed: int | None = None,
    **settings,
) -> keras.Model:
    """Build the network in a wiring; without settings for one it is `build_model`'s.

    Args:
        attention, noise_sd, image_shape, strength, seed: as for `build_model`.
        input_scale: multiplies the grey levels; 1, as published, or such as 1 / 255.
        **settings: those of a `Wiring`, such as `yoked=True`, and parameters of the
            kind.

    Returns:
        A model as `build_model` gives. With a `field` it takes `[images, gains]`; if
        it is `yoked`, `[images, others]`, others `(batch, rows, cols)`.

    Raises:
        ValueError: for an unknown kind, parameter or wiring, or a value out of range.
    """
    names = attrs.fields_dict(Wiring).keys() & settings.keys()
    wiring = Wiring(**{name: settings.pop(name) for name in names})
    wiring.check_kind(attention)
    shape = {"image_shape": image_shape, "noise_sd": noise_sd}
    if wiring == Wiring() and input_scale == 1:
        return build_model(attention, strength=strength, seed=seed, **shape, **settings)

    rows, cols = check_shape(image_shape)
    channels = 2 if wiring.acts_on == "input" else 1
    noise, conv_1, conv_2, dense_2 = random_layers(noise_sd, seed, channels)
    scale = (
        [layers.Rescaling(input_scale, name="rescaling")] if input_scale != 1 else []
    )
    eye = [*scale, layers.ZeroPadding2D(1, name="pad_images"), conv_1]
    reduce_1, reduce_2 = _reduction(1), _reduction(2)
    images, beside = keras.Input((rows, cols, 1), name="images"), []
    if attention == "given" or wiring.field:
        beside = [keras.Input(map_shape(image_shape), name="gains")]
    elif wiring.yoked:
        beside = [keras.Input((rows, cols), name="others")]

    inputs = [images, *beside] if beside else images

    x = noise(images)
    if wiring.acts_on == "input":
        x = as_second_channel(x, *beside, strength)
    seen = _through(eye, x)
    x = source = _through(reduce_1, seen)
    if wiring.yoked:
        source = _through([noise, *eye, *reduce_1], beside[0][..., None])

    features = gate(source) if wiring.looks_at == "conv_1" else conv_2(source)
    if wiring.field:
        features = attention_field(features, *beside)
    look = beside if attention == "given" else (features, dense_2(features))
    gain = Attention(attention, strength, settings, name="attention")(*look)
    if wiring.stops_gradient:
        gain = ops.stop_gradient(gain)

    if wiring.acts_on == "conv_1":
        x = _through(reduce_1, gain_on_conv_1(seen, gain))
    elif wiring.acts_on == "conv_2":
        x = gain_on_conv_2(x, gain)
    if wiring.internal_noise:
        x = InternalNoise(wiring.internal_noise, name="internal_noise")(x)
    x = _through(reduce_2, conv_2(x))
    if wiring.acts_on == "read_out":
        x = gain_on_read_out(x, gain)
    x = READ_OUTS[wiring.read_out](x)
    probabilities = layers.Softmax(name="softmax")(dense_2(x))
    return keras.Model(inputs, probabilities, name=attention)


def _reduction(look):
    """Pooling, normalisation and padding, which may serve more than once."""
    return [
        MaxPool(name=f"pool_{look}"),
        LocalResponseNormalization(name=f"normalise_{look}"),
        layers.ZeroPadding2D(2, name=f"pad_{look}"),
    ]


def _through(several, x):
    """The result of several layers, one after the other."""
    for layer in several:
        x = layer(x)
    return x
