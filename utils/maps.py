"""How attention maps are made of a first look: one short function for each kind.

The first look at an image gives features F[y, x, c] (`conv_2` after ReLU) and class
evidence E[y, x, k] = `dense_2`(F[y, x]): the class activation map of Zhou et al.
(2016). Each function turns them, `(batch, rows, cols, channels)` and `(batch, rows,
cols, 10)`, into a map A `(batch, rows, cols)`, or at once into a gain G; entries are 0
or more. `utils.attention` is their registry.
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
    active = energy(features, evidence) + keras.config.epsilon()
    gain = active / ops.mean(active, axis=(1, 2), keepdims=True)
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


def _mean_inside(values):
    """Mean over an image without its outermost ring, which multiplies padding."""
    return ops.mean(values[:, 1:-1, 1:-1], axis=(1, 2), keepdims=True)
