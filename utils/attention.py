"""The registry of attention maps: class evidence in, gain map out.

The first look at an image gives features F[y, x, c] (`conv_2` after ReLU) and class
evidence E[y, x, k] = `dense_2`(F[y, x]): the class activation map of Zhou et al.
(2016). A kind turns them into a map A[y, x] >= 0, and the map becomes a gain of mean
1, `G = A / mean(A)`, so that the control, a map of ones, has the same mean gain. A
strength of beta uses `(1 - beta) + beta * G`, which at 0 is the control.

A map has one place more on each side than the features that its gain multiplies: its
outermost ring multiplies padding, which is 0. What a gain does is what it is inside.

Adding a kind is adding one entry to `KINDS`: models, tests, figures, explorers and
studies take it from there.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import attrs
import jax
import keras
import numpy as np
from keras import ops

from utils import checks

DIGITS = 10


def ones(features, evidence):
    """`A = 1`: the control of the post (Vatterott 2016). The gain is 1 everywhere."""
    return ops.ones_like(evidence[..., 0])


def as_coded(features, evidence):
    """`A = mean_k p(k)`, each column divided by its sum: the published attention.

    With p a softmax over the ten digits, its mean over them is 1/10 at every place
    and the result 1 / rows: 1/15 for MNIST, whatever the image (the code behind
    Vatterott 2016). The only map that is used as it is, neither divided by its mean
    nor subject to a strength.
    """
    average = ops.mean(ops.softmax(evidence, axis=-1), axis=-1)
    return average / ops.sum(average, axis=1, keepdims=True)


def uniform(features, evidence, *, gain=1 / 15):
    """`G = gain` everywhere: a gain without selection. At gain 1, the control."""
    return gain * ops.ones_like(evidence[..., 0])


def evidence_for_any(features, evidence):
    """`A = log sum_k exp E(k) - mean_k E(k)`: how far a place speaks for some digit.

    Smallest, ln 10, where all ten digits have the same evidence. It is the map that
    the text of Vatterott (2016) describes, in a form that is not flat.
    """
    return ops.logsumexp(evidence, axis=-1) - ops.mean(evidence, axis=-1)


def selectivity(features, evidence):
    """`A = 1 - H(p) / ln 10`: local certainty, from 0 (all digits alike) to 1 (one).

    H is the entropy of the softmax over digits at a place (Shannon 1948).
    """
    p = ops.softmax(evidence, axis=-1)
    entropy = -ops.sum(p * ops.log_softmax(evidence, axis=-1), axis=-1)
    return ops.maximum(1 - entropy / math.log(DIGITS), 0)


def top_n(features, evidence, *, n=1):
    """`A = mean of p(k) over the n digits most likely at first look`.

    Likely by their evidence averaged over the image. At n = 1 the network's guess
    guides it (the first attempt of Vatterott 2016, whose untried idea is an n in
    between); at n = 10 the map is 1/10 everywhere: attending to everything is
    attending to nothing.
    """
    _, likely = ops.top_k(ops.mean(evidence, axis=(1, 2)), n)
    chosen = ops.sum(ops.one_hot(likely, DIGITS, dtype=evidence.dtype), axis=1)
    p = ops.softmax(evidence, axis=-1)
    return ops.sum(p * chosen[:, None, None, :], axis=-1) / n


def energy(features, evidence):
    """`A = mean_c F(c)`: "the average activity of units covering each location".

    The words of Vatterott (2016) taken literally; it needs no class. On an image
    without activity every place is alike and the gain is 1.
    """
    return ops.mean(features, axis=-1)


def place(features, evidence):
    """`G = A / mean of A inside`, A that of `energy`: places without an amount.

    Inside is where gains count, not the outermost ring: there the mean gain is 1 for
    every image, which that of `energy` is not. `energy` is `place` times `amount`.
    """
    active = energy(features, evidence) + keras.config.epsilon()
    return active / _mean_inside(active)


def amount(features, evidence):
    """`G = mean inside of the gain of energy`, at every place: no selection.

    How much of `energy`'s gain is left inside the outermost ring, where gains count. On
    an image without activity, 1.
    """
    gain = of_mean_one(energy(features, evidence))
    return ops.ones_like(gain) * _mean_inside(gain)


def normalised(features, evidence, *, sigma=1.0):
    """`G = A / (mean of A inside + sigma)`, A that of `energy`: divisive normalisation.

    Activity is divided by pooled activity plus a constant (Reynolds and Heeger 2009).
    At sigma 0 it is `place`; where the mean inside is sigma, half of that; and an image
    without activity has no gain.
    """
    active = energy(features, evidence)
    pooled = _mean_inside(active) + sigma
    return active / ops.maximum(pooled, keras.config.epsilon())


def _mean_inside(values):
    """Mean over an image without its outermost ring, which multiplies padding."""
    return ops.mean(values[:, 1:-1, 1:-1], axis=(1, 2), keepdims=True)


def shuffled(
    features, evidence, *, of="energy", order=0, inside=False, each=False, **parameters
):
    """Another kind's map with its places in a random order.

    The same values, so the same mean, spread and strength; only their places are
    wrong. `order` numbers the random orders; images do not matter to it, unless `each`
    gives every image an order of its own, drawn from its map. With `inside`, the
    outermost ring stays, and with it the mean gain inside.
    """
    attention = KINDS[of].attend(features, evidence, **parameters)
    rows, cols = attention.shape[1:]
    places = np.arange(rows * cols).reshape(rows, cols)
    places = np.ravel(places[1:-1, 1:-1] if inside else places)
    flat = ops.reshape(attention, (-1, rows * cols))
    values = flat[:, places]
    if each:
        moved = jax.vmap(_in_an_order_of_its_own, (0, None))(values, order)
    else:
        moved = values[:, np.random.default_rng(order).permutation(len(places))]
    return ops.reshape(flat.at[:, places].set(moved), (-1, rows, cols))


def _in_an_order_of_its_own(values, order):
    """Values `(places,)` in a random order that they and `order` decide."""
    total = jax.lax.stop_gradient(values.sum())
    bits = jax.lax.bitcast_convert_type(total, "int32")
    key = jax.random.fold_in(jax.random.key(order), bits)
    return jax.random.permutation(key, values)


def inverted(features, evidence, *, of="energy", **parameters):
    """`max(A) - A` of another kind's map: attend to what it would leave out."""
    attention = KINDS[of].attend(features, evidence, **parameters)
    return ops.max(attention, axis=(1, 2), keepdims=True) - attention


def centre(features, evidence, *, sd=0.25):
    """A Gaussian at the middle of the image, its SD a share of the map's size.

    MNIST is centred: this map knows that and nothing else. At a large `sd` it is
    the control.
    """
    rows, cols = evidence.shape[1:3]
    y, x = (np.linspace(-0.5, 0.5, size) for size in (rows, cols))
    squared = np.square(y)[:, None] + np.square(x)[None, :]
    gaussian = np.exp(-squared / (2 * sd**2)).astype("float32")
    return ops.ones_like(evidence[..., 0]) * gaussian


class Kind(NamedTuple):
    """One way to turn a first look into an attention map."""

    label: str  # text of a legend or a menu
    source: str  # author and year, or what it controls for; README has the entries
    attend: Callable | None  # (features, evidence, *, ...) -> map (batch, rows, cols)
    is_gain: bool = False  # used as it is, not divided by its mean


KINDS: Mapping[str, Kind] = {
    "ones": Kind("No attention", "control, Vatterott 2016", ones),
    "as_coded": Kind("Published attention", "Vatterott 2016", as_coded, is_gain=True),
    "uniform": Kind("Uniform gain", "controls for gain", uniform, is_gain=True),
    "evidence": Kind("Class evidence", "Vatterott 2016, text", evidence_for_any),
    "selectivity": Kind("Local certainty", "Shannon 1948", selectivity),
    "top_n": Kind("The N likeliest digits", "Vatterott 2016, untried", top_n),
    "energy": Kind("Activity", "Vatterott 2016, text", energy),
    "place": Kind("Activity, places only", "controls for amount", place, is_gain=True),
    "amount": Kind(
        "Activity, amount only", "controls for selection", amount, is_gain=True
    ),
    "normalised": Kind(
        "Activity, normalised", "Reynolds and Heeger 2009", normalised, is_gain=True
    ),
    "shuffled": Kind("Shuffled", "controls for place", shuffled),
    "inverted": Kind("Inverted", "controls for choice", inverted),
    "centre": Kind("Centre", "controls for centring", centre),
    "given": Kind("Given", "interventions", None),
}
WITHOUT_FIRST_LOOK = ("ones", "uniform", "centre", "given")  # its result is not used
WITHOUT_EVIDENCE = (  # of the first look, its features are enough
    *("energy", "place", "amount", "normalised", "shuffled", "inverted"),
    *WITHOUT_FIRST_LOOK,
)


def check(attention: str, parameters: Mapping, strength: float = 1.0) -> dict:
    """Refuse a kind, parameter or strength that does not exist, with the choices.

    Returns:
        The parameters, whole numbers as such.

    Raises:
        ValueError: that names what came and what was expected.
    """
    asked = (attention, strength, tuple(parameters), *parameters.values())
    try:
        return dict(_checked(*asked))
    except TypeError:  # not hashable: a list
        return _check(*asked)


def _check(attention, strength, names, *values):
    parameters = dict(zip(names, values, strict=True))
    fields = {"attention": checks.choice(of=KINDS), "strength": checks.number(most=1)}
    checks.check(fields, {"attention": attention, "strength": strength})
    if attention == "as_coded" and strength != 1:
        raise ValueError(
            "as_coded is the published attention exactly and has no strength. "
            f"Received strength {strength!r}. For a weaker constant gain, use "
            "attention='uniform' with its gain."
        )
    defaults = _parameters(attention)
    if "of" in defaults:
        of = parameters.get("of", defaults["of"])
        others = [other for other in KINDS if _can_be_rearranged(other, attention)]
        checks.check({"of": checks.choice(of=others)}, {"of": of})
        defaults |= _parameters(of)
    fields = {
        name: RANGES.get(name, attrs.field)(default=value)
        for name, value in defaults.items()
    }
    found = checks.check(fields, parameters)
    return {name: found[name] for name in parameters}


# A study asks for each of its few kinds again. `typed`, for True is no 1 here.
_checked = functools.lru_cache(typed=True)(_check)


def attention_gain(attention, features, evidence, *, strength=1.0, **parameters):
    """The gain that multiplies the input of `conv_2`.

    Args:
        attention: a name in `KINDS`, other than `given`.
        features: `(batch, rows, cols, channels)`, `conv_2` after ReLU.
        evidence: `(batch, rows, cols, 10)`, `dense_2` of each place, no softmax.
        strength: beta, from 0 (the control) to 1.
        **parameters: those of the kind, such as `n` of `top_n`.

    Returns:
        `(batch, rows, cols)`: of mean 1, unless the kind is itself a gain.
    """
    kind = KINDS[attention]
    attended = kind.attend(features, evidence, **parameters)
    if attention == "as_coded":
        return attended
    moved = KINDS[parameters.get("of", attention)]  # a gain in another order is one
    return at_strength(attended if moved.is_gain else of_mean_one(attended), strength)


def of_mean_one(attended):
    """`A / mean(A)` over an image; an empty map (all 0) gives 1 everywhere.

    A constant of 1e-7 on both sides of the division sees to that.
    """
    attended = attended + keras.config.epsilon()
    return attended / ops.mean(attended, axis=(1, 2), keepdims=True)


def at_strength(gain, strength):
    """`(1 - strength) + strength * gain`: exactly 1 at 0, exactly the gain at 1."""
    return (1 - strength) + strength * gain


@keras.saving.register_keras_serializable("attention_in_a_cnn")
class Attention(keras.layers.Layer):
    """A kind of attention as a layer. It has no weights.

    Args:
        attention: a name in `KINDS`.
        strength: beta, from 0 (the control) to 1.
        **parameters: those of the kind.

    Call arguments:
        features, evidence: as for `attention_gain`; for `given`, instead, one map
            `(batch, rows, cols)`. Entries below 0 count as 0.

    Returns:
        The gain, `(batch, rows, cols)`.

    Raises:
        ValueError: for an unknown kind or parameter, or one out of range.
    """

    def __init__(self, attention, *, strength=1.0, parameters=None, **kwargs):
        super().__init__(**kwargs)
        self.attention, self.strength = attention, strength
        self.parameters = check(attention, parameters or {}, strength)

    def call(self, features, evidence=None):
        if self.attention == "given":
            return at_strength(of_mean_one(ops.maximum(features, 0)), self.strength)
        settings = {"strength": self.strength, **self.parameters}
        return attention_gain(self.attention, features, evidence, **settings)


def _parameters(attention):
    """Names and defaults of a kind's own parameters."""
    return dict(getattr(KINDS[attention].attend, "__kwdefaults__", None) or {})


def _can_be_rearranged(attention, by):
    """Whether a map that is made from the image, or a gain that selects places."""
    kind = KINDS[attention]
    if kind.is_gain:
        return by == "shuffled" and kind.attend in (place, normalised)
    return kind.attend and "of" not in _parameters(attention)


RANGES: Mapping[str, Callable] = {  # what a parameter may be; without an entry, any
    "gain": checks.number,
    "n": functools.partial(checks.whole, least=1, most=DIGITS),
    "sigma": checks.number,
    "order": checks.whole,
    "inside": checks.flag,
    "each": checks.flag,
    "sd": functools.partial(checks.number, above=0),
    "of": functools.partial(checks.choice, of=KINDS),
}
