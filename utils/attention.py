"""The registry of attention kinds: each makes a gain map from the first look.

A kind turns features and class evidence into a map A[y, x] >= 0 (`utils.maps`). The map
becomes a gain of mean 1, `G = A / mean(A)`, so that the control, a map of ones, has the
same mean gain. At a strength of beta it is `(1 - beta) + beta * G`: at 0, the control.

A map has one place more on each side than the features that its gain multiplies: its
outermost ring multiplies padding, which is 0. Only gains inside it have an effect.

To add a kind, add one entry to `KINDS`: models, studies, figures, tests and the count
of multiply-adds read everything from it. The page's JavaScript has its own entry.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import keras
import numpy as np
from keras import ops

from utils import checks
from utils.maps import (
    DIGITS,
    amount,
    as_coded,
    centre,
    energy,
    evidence_for_any,
    normalised,
    ones,
    place,
    selectivity,
    top_n,
    uniform,
)


def shuffled(
    features, evidence, *, of="energy", order=0, inside=False, each=False, **parameters
):
    """The map `A` of another kind, with its places in a random order.

    The values stay, and with them mean, spread and strength; only the places are wrong.
    `order` is the seed of one order for all images; with `each`, every image has its
    own order, which depends on its map. With `inside`, the outermost ring stays.
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
    """Values `(places,)` in a random order that depends on them and on `order`."""
    total = jax.lax.stop_gradient(values.sum())
    bits = jax.lax.bitcast_convert_type(total, "int32")
    key = jax.random.fold_in(jax.random.key(order), bits)
    return jax.random.permutation(key, values)


def inverted(features, evidence, *, of="energy", **parameters):
    """`max(A) - A` of another kind's map: attention to the places that it avoids."""
    attention = KINDS[of].attend(features, evidence, **parameters)
    return ops.max(attention, axis=(1, 2), keepdims=True) - attention


class Kind(NamedTuple):
    """One way to make an attention map from the first look, and all its properties."""

    label: str  # its name, as in text, legends and menus
    source: str  # author and year (listed in the README), or its purpose
    attend: Callable | None  # (features, evidence, *, ...) -> map (batch, rows, cols)
    made_of: str = "features"  # of the first look; or "evidence", "nothing"
    colour: str | None = None  # in every figure (Okabe and Ito 2008)
    marker: str | None = None
    ranges: Mapping[str, checks.Check] = MappingProxyType({})  # for parameters
    is_gain: bool = False  # used as it is, not divided by its mean
    is_flat: bool = False  # the same at every place

    @property
    def formula(self) -> str:
        """The first formula in its function's docstring."""
        return re.search("`(.+?)`", self.attend.__doc__)[1] if self.attend else ""

    @property
    def defaults(self) -> dict:
        """The parameters of its own, with their defaults."""
        return dict(getattr(self.attend, "__kwdefaults__", None) or {})


KINDS: dict[str, Kind] = {
    "ones": Kind(
        *("ones (control)", "control, Vatterott 2016", ones, "nothing", "#D55E00", "s"),
        is_flat=True,
    ),
    "as_coded": Kind(
        *("as_coded (published)", "Vatterott 2016", as_coded, "evidence"),
        *("#0072B2", "o"),
        is_gain=True,
        is_flat=True,
    ),
    "uniform": Kind(
        *("uniform", "controls for gain", uniform, "nothing"),
        ranges={"gain": checks.number()},
        is_gain=True,
        is_flat=True,
    ),
    "evidence": Kind(
        *("evidence", "Vatterott 2016, text", evidence_for_any, "evidence"),
        "#CC79A7",
    ),
    "selectivity": Kind(
        "selectivity", "Shannon 1948", selectivity, "evidence", "#56B4E9"
    ),
    "top_n": Kind(
        *("top_n", "Vatterott 2016, untried", top_n, "evidence"),
        *("#009E73", "^"),
        ranges={"n": checks.whole(least=1, most=DIGITS)},
    ),
    "energy": Kind(
        "energy", "Vatterott 2016, text", energy, "features", "#0072B2", "o"
    ),
    "place": Kind(
        *("place", "controls for amount", place, "features", "#009E73"),
        is_gain=True,
    ),
    "amount": Kind(
        *("amount", "controls for selection", amount, "features"),
        "#E69F00",
        is_gain=True,
        is_flat=True,
    ),
    "normalised": Kind(
        *("normalised", "Reynolds and Heeger 2009", normalised, "features"),
        "#CC79A7",
        ranges={"sigma": checks.number()},
        is_gain=True,
    ),
    "shuffled": Kind(
        *("shuffled", "controls for place", shuffled, "features", "#E69F00"),
        ranges={"order": checks.whole(), "inside": checks.flag, "each": checks.flag},
    ),
    "inverted": Kind("inverted", "controls for choice", inverted),
    "centre": Kind(
        *("centre", "controls for centring", centre, "nothing", "#009E73"),
        ranges={"sd": checks.number(above=0)},
    ),
    "given": Kind("given", "interventions", None, "nothing", "#222222"),
}


def made_of(attention: str, parameters: Mapping) -> str:
    """The part of the first look that a kind needs: features, evidence or nothing.

    A kind that rearranges another kind's map needs the same part as that kind.
    """
    defaults = KINDS[attention].defaults
    return KINDS[parameters.get("of", defaults.get("of", attention))].made_of


def check(attention: str, parameters: Mapping, strength: float = 1.0) -> dict:
    """Check a kind, its parameters and a strength.

    Returns:
        The parameters, converted (3.0 becomes 3).

    Raises:
        ValueError: for an unknown kind or parameter, or a value out of range.
    """
    asked = {"attention": attention, "strength": strength}
    ranges = {"attention": checks.choice(KINDS), "strength": checks.number(most=1)}
    checks.check(ranges, asked)
    if attention == "as_coded" and strength != 1:
        raise ValueError(
            "as_coded is the published attention exactly and has no strength. "
            f"Received strength {strength!r}. For a weaker constant gain, use "
            "attention='uniform' with its gain."
        )
    kind = KINDS[attention]
    ranges = dict(kind.ranges)
    if "of" in kind.defaults:
        ranges["of"] = checks.choice(_others(attention))
        of = ranges["of"]("of", parameters.get("of", kind.defaults["of"]))
        ranges |= KINDS[of].ranges
    return checks.check(ranges, parameters)


def _others(attention):
    """The kinds whose maps `shuffled` or `inverted` may rearrange.

    A gain that selects places may be shuffled, but not inverted.
    """
    for name, kind in KINDS.items():
        if kind.attend is None or "of" in kind.defaults:
            continue
        if not kind.is_gain or (attention == "shuffled" and not kind.is_flat):
            yield name


def attention_gain(attention, features, evidence, *, strength=1.0, **parameters):
    """The gain that multiplies the input of `conv_2`.

    Args:
        attention: a name in `KINDS`, other than `given`.
        features: `(batch, rows, cols, channels)`, `conv_2` after ReLU.
        evidence: `(batch, rows, cols, 10)`, `dense_2` of each place, no softmax.
        strength: beta, from 0 (the control) to 1.
        **parameters: parameters of the kind, such as `n` of `top_n`.

    Returns:
        `(batch, rows, cols)`: of mean 1, unless the kind is itself a gain.
    """
    kind = KINDS[attention]
    attended = kind.attend(features, evidence, **parameters)
    if attention == "as_coded":
        return attended
    moved = KINDS[parameters.get("of", attention)]  # a shuffled gain is a gain
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
        parameters: parameters of the kind.

    Call arguments:
        features, evidence: as for `attention_gain`; `given` takes one map instead,
            `(batch, rows, cols)`, in which entries below 0 count as 0.

    Returns:
        The gain, `(batch, rows, cols)`.

    Raises:
        ValueError: for an unknown kind or parameter, or one out of range.
    """

    def __init__(self, attention, strength=1.0, parameters=None, **kwargs):
        # In half precision the constant of `of_mean_one` would be 0.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.attention, self.strength = attention, strength
        self.parameters = check(attention, parameters or {}, strength)

    def call(self, features, evidence=None):
        if self.attention == "given":
            return at_strength(of_mean_one(ops.maximum(features, 0)), self.strength)
        settings = {"strength": self.strength, **self.parameters}
        return attention_gain(self.attention, features, evidence, **settings)
