"""Other wirings of the network: controls, cues and read-outs, made of the same parts.

`build_wired` is the forward pass of `utils.model.build_model` with steps that settings
replace. Each replacement is one short function below, and settings can be combined.
Each wiring has a layer with a name of its own, by which the page recognises it.
"""

import attrs
import jax
import keras
from keras import layers, ops

from utils.attention import Attention, check, of_mean_one
from utils.layers import Attend, Convolution, LocalResponseNormalization, MaxPool
from utils.model import CHANNELS, build_model, check_shape, map_shape, random_layers
from utils.noise import WHITE
from utils.spec import RunSpec, Wiring


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class InternalNoise(keras.layers.Layer):
    """Add Gaussian noise of a fixed SD to activities, in training and at test.

    It is an observer's own noise, which is not in the image (Lu and Dosher 1998). The
    draw depends on the activities, so that a network answers the same image in the same
    way each time. At SD 0 nothing is added.

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
    """Standard normal numbers of the shape of `x`; the sum of `x` is their seed."""
    bits = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x.sum()), "int32")
    return jax.random.normal(jax.random.fold_in(jax.random.key(0), bits), x.shape)


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class AttentionPooling(keras.layers.Layer):
    """Average over places, with weights that one learned query gives them.

    The weights are softmax over places of x . query: dot-product attention (Vaswani et
    al. 2017) whose keys and values are the features. The query starts at 0, so that
    the layer starts as a mean.

    Call arguments:
        x: `(batch, rows, cols, channels)`.

    Returns:
        `(batch, channels)`.
    """

    def build(self, shape):
        self.query = self.add_weight(
            shape=(shape[-1],), initializer="zeros", name="query"
        )

    def weights_of_places(self, x):
        """The weights `(batch, rows, cols)`, whose sum is 1 in each image."""
        return ops.softmax(x @ self.query, axis=(1, 2))

    def call(self, x):
        return ops.einsum("byx,byxc->bc", self.weights_of_places(x), x)


# --- Steps that a wiring replaces -----------------------------------------------------


def as_second_channel(images, gains, strength):
    """Put a given map beside the image as a second channel; 1 is as bright as ink."""
    cue = strength * WHITE * over_pixels(gains, images.shape[1:3])
    return layers.Concatenate(name="cue_channel")([images, cue[..., None]])


def gate(x):
    """What one learned filter finds at each place, `softplus(w . x / n + b)`.

    It sees the n = 288 numbers that a filter of `conv_2` sees, and takes the place of
    the first look's 32 features, as a gate of one layer. It starts at 0, where it is
    flat. Without the division, one update would saturate it.
    """
    settings = {"activation": "softplus", "kernel_initializer": "zeros"}
    x = layers.Rescaling(1 / (9 * CHANNELS), name="mean_of_window")(x)
    return Convolution(1, 3, **settings, name="gate")(x)


def attention_field(features, gains):
    """Multiply features by a given map, before the kind makes its own map from them.

    The given map is the attention field of Reynolds and Heeger (2009).
    """
    return Attend(name="field")(features, gains)


def times_cue(gain, gains):
    """Multiply a gain by a given map of mean 1."""
    return layers.Multiply(name="times_cue")([gain, of_mean_one(gains)])


def gain_on_conv_1(seen, gain):
    """Multiply the output of `conv_1` by the gain; it is then reduced anew."""
    return Attend(name="attend_conv_1")(seen, over_pixels(gain, seen.shape[1:3]))


def gain_on_conv_2(x, gain):
    """Multiply the input of `conv_2` by the gain, as published."""
    return Attend(name="attend")(x, gain)


def gain_on_read_out(x, gain):
    """Weight the mean over places by the gain, pooled by averages and of mean 1."""
    late = ops.average_pool(gain[..., None], 3, 2)[..., 0]
    return Attend(name="attend_read_out")(x, of_mean_one(late))


def over_pixels(gain, shape):
    """Enlarge a map `(batch, rows', cols')`: place o covers pixels 2 o - 1 and 2 o."""
    rows, cols = shape
    doubled = ops.repeat(ops.repeat(gain, 2, 1), 2, 2)
    return doubled[:, 1 : rows + 1, 1 : cols + 1]


def without_padding(x):
    """Cut the padding of `pad_2` off again; it is a part of the published mean."""
    return layers.Cropping2D(2, name="inside")(x)


READ_OUTS = {
    "mean": lambda x: layers.GlobalAveragePooling2D(name="dense_1")(x),
    "mean_inside": lambda x: layers.GlobalAveragePooling2D(name="dense_1")(
        without_padding(x)
    ),
    "attention_pooling": lambda x: AttentionPooling(name="read_out_attention")(
        without_padding(x)
    ),
}


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
    """Build the network in any wiring; the default is the network of `build_model`.

    Args:
        attention, noise_sd, image_shape, strength, seed: as for `build_model`.
        input_scale: factor of the grey levels: 1 as published, 1 / 255 for 0 to 1.
        **settings: fields of `Wiring`, such as `yoked=True`, and parameters of the
            kind.

    Returns:
        A model like that of `build_model`. With `field` or `times_cue` its inputs are
        `[images, gains]`; with `yoked`, `[images, others]`, others `(batch, rows,
        cols)`.

    Raises:
        ValueError: for an unknown kind, parameter or wiring, or a value out of range.
    """
    names = attrs.fields_dict(Wiring).keys() & settings.keys()
    wiring = Wiring(**{name: settings.pop(name) for name in names})
    settings = check(attention, settings, strength)
    wiring.check_kind(attention, settings)
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
    if attention == "given" or wiring.field or wiring.times_cue:
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

    gated = wiring.looks_at == "gate"
    features = gate(source) if gated else conv_2(source)
    if wiring.field:
        features = attention_field(features, *beside)
    look = (features,) if gated else (features, dense_2(features))
    if attention == "given":
        look = beside
    gain = Attention(attention, strength, settings, name="attention")(*look)
    if wiring.stops_gradient:
        gain = ops.stop_gradient(gain)
    if wiring.times_cue:
        gain = times_cue(gain, *beside)

    own_noise = []
    if wiring.internal_noise:
        own_noise = [InternalNoise(wiring.internal_noise, name="internal_noise")]
    before, after = own_noise, []
    if not wiring.internal_noise_first:
        before, after = after, before
    if wiring.acts_on == "conv_1":
        x = _through(reduce_1, gain_on_conv_1(seen, gain))
    x = _through(before, x)
    if wiring.acts_on == "conv_2":
        x = gain_on_conv_2(x, gain)
    x = _through([*after, conv_2, *reduce_2], x)
    if wiring.acts_on == "read_out":
        x = gain_on_read_out(x, gain)
    x = READ_OUTS[wiring.read_out](x)
    probabilities = layers.Softmax(name="softmax")(dense_2(x))
    return keras.Model(inputs, probabilities, name=attention)


def build_network(spec: RunSpec) -> keras.Model:
    """Build the network of a run, untrained."""
    return build_wired(spec.attention, image_shape=spec.image_shape, **spec.network)


def _reduction(look):
    """Layers of a reduction: pooling, normalisation and padding."""
    return [
        MaxPool(name=f"pool_{look}"),
        LocalResponseNormalization(name=f"normalise_{look}"),
        layers.ZeroPadding2D(2, name=f"pad_{look}"),
    ]


def _through(several, x):
    """Apply several layers, one after the other."""
    for layer in several:
        x = layer(x)
    return x
