"""Attention maps from the first look: one short function for each kind.

The first look at an image gives features F[y, x, c] (`conv_2` after ReLU) and class
evidence E[y, x, k] = `dense_2`(F[y, x]): the class activation map of Zhou et al.
(2016). Each function takes both, `(batch, rows, cols, channels)` and `(batch, rows,
cols, 10)`, and returns a map A `(batch, rows, cols)` or directly a gain G, with entries
of 0 or more. `utils.attention` is their registry.
"""

import math

import keras
import numpy as np
from keras import ops

DIGITS = 10


def ones(features, evidence):
    """`A = 1`: the control of the post (Vatterott 2016). The gain is 1 everywhere."""
    return ops.ones_like(evidence[..., 0])


def as_coded(features, evidence):
    """`A = mean_k p(k)`, each column divided by its sum: the published attention.

    p is a softmax over the ten digits, so that its mean over them is 1/10 at every
    place, and the result is 1 / rows: 1/15 for every MNIST image (the code behind
    Vatterott 2016). It alone is neither divided by its mean nor given a strength.
    """
    average = ops.mean(ops.softmax(evidence, axis=-1), axis=-1)
    return average / ops.sum(average, axis=1, keepdims=True)


def uniform(features, evidence, *, gain=1 / 15):
    """`G = gain` everywhere: a gain without selection. At gain 1, the control."""
    return gain * ops.ones_like(evidence[..., 0])


def evidence_for_any(features, evidence):
    """`A = log sum_k exp E(k) - mean_k E(k)`: evidence for any digit at a place.

    It is smallest, ln 10, where all ten digits have the same evidence. It is the map
    that the text of Vatterott (2016) describes, in a form that is not flat.
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

    The likeliest digits have the most evidence, averaged over the image. At n = 1 the
    network is guided by its own guess (the first attempt of Vatterott 2016, who left an
    n in between untried); at n = 10 the map is 1/10 everywhere: attending to everything
    is attending to nothing.
    """
    _, likely = ops.top_k(ops.mean(evidence, axis=(1, 2)), n)
    chosen = ops.sum(ops.one_hot(likely, DIGITS, dtype=evidence.dtype), axis=1)
    p = ops.softmax(evidence, axis=-1)
    return ops.sum(p * chosen[:, None, None, :], axis=-1) / n


def energy(features, evidence):
    """`A = mean_c F(c)`: "the average activity of units covering each location".

    These are the words of Vatterott (2016), taken literally; the map needs no class. On
    an image without activity all places are alike, and the gain is 1.
    """
    return ops.mean(features, axis=-1)


def place(features, evidence):
    """`G = A / mean of A inside`, with A of `energy`: selection of places alone.

    Inside means without the outermost ring, where gains have no effect. The mean gain
    inside is always 1, unlike that of `energy`, which is `place` times `amount`.
    """
    active = energy(features, evidence) + keras.config.epsilon()
    return active / _mean_inside(active)


def amount(features, evidence):
    """`G = mean inside of the gain of energy`, at every place: no selection.

    It is the share of `energy`'s gain that is left inside the outermost ring, where
    gains have an effect. On an image without activity it is 1.
    """
    active = energy(features, evidence) + keras.config.epsilon()
    gain = active / ops.mean(active, axis=(1, 2), keepdims=True)
    return ops.ones_like(gain) * _mean_inside(gain)


def normalised(features, evidence, *, sigma=1.0):
    """`G = A / (mean of A inside + sigma)`, with A of `energy`: divisive normalisation.

    Activity is divided by pooled activity plus a constant (Reynolds and Heeger 2009).
    At sigma 0 it is `place`; where the mean inside equals sigma, it is half of that. On
    an image without activity the gain is 0.
    """
    active = energy(features, evidence)
    pooled = _mean_inside(active) + sigma
    return active / ops.maximum(pooled, keras.config.epsilon())


def centre(features, evidence, *, sd=0.25):
    """`A = exp(-r^2 / (2 sd^2))`: a Gaussian in the middle of the map.

    r is the distance from the middle as a share of the map's size. The digits of MNIST
    are centred, and the map uses only that. At a large `sd` it is the control.
    """
    rows, cols = evidence.shape[1:3]
    y, x = (np.linspace(-0.5, 0.5, size) for size in (rows, cols))
    squared = np.square(y)[:, None] + np.square(x)[None, :]
    gaussian = np.exp(-squared / (2 * sd**2)).astype("float32")
    return ops.ones_like(evidence[..., 0]) * gaussian


def _mean_inside(values):
    """Mean over an image without its outermost ring, which multiplies padding."""
    return ops.mean(values[:, 1:-1, 1:-1], axis=(1, 2), keepdims=True)
