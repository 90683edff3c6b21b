"""Random first looks, and the maps and gains that kinds of attention make of them."""

import numpy as np

from utils.attention import KINDS, Attention, attention_gain


def first_look(shape=(15, 15), *, images=3, scale=2.0, seed=0):
    """Random features after ReLU `(..., 32)` and evidence `(..., 10)`, float32."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((images, *shape, 32)).astype("float32")
    evidence = scale * rng.standard_normal((images, *shape, 10)).astype("float32")
    evidence += scale * rng.standard_normal((images, 1, 1, 10)).astype("float32")
    return np.maximum(scale * features, 0), evidence


def gain(kind, features, evidence, **settings):
    """Any kind's gain; `given` is given the second channel of the features."""
    if kind == "given":
        return np.asarray(Attention("given", **settings)(features[..., 1]))
    return np.asarray(attention_gain(kind, features, evidence, **settings))


def attend(kind, features, evidence, **parameters):
    """The map itself, before it becomes a gain."""
    return np.asarray(KINDS[kind].attend(features, evidence, **parameters))


def inside(maps):
    """Without the outermost ring, which multiplies padding."""
    return maps[:, 1:-1, 1:-1]
