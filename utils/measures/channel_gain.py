"""Gains on the channels of a layer, the same at every place, in a trained network.

Channel k of a convolution is multiplied after its ReLU by `1 + beta * tuning[k]`, at
least 0 (Lindsay and Miller 2018, eLife 7:e38105). Such a gain is a change of weights:
`g relu(w x + b) = relu(g w x + g b)` for g >= 0 (`attended`). Pooling by the maximum
keeps such a factor, so that the pooled activity may be multiplied instead; everything
before it is then computed once (`Halves`).
"""

from collections.abc import Mapping

import jax
import keras
import numpy as np

from utils.maps import DIGITS
from utils.model import predict
from utils.wiring import build_network

LAYERS = {"conv_1": "pool_1", "conv_2": "pool_2"}  # each with the layer that pools it
TUNINGS = ("activity", "gradient")
CHANNELS = ("tuned", "shuffled", "mean")  # gains as tuned, and two controls
IMAGES_PER_STEP = 4  # of a compiled loop: they fit into a processor's cache


def gains(
    tuning: np.ndarray, digit: int, beta: float, channels="tuned", seed: int = 0
) -> np.ndarray:
    """Gains of channels: `1 + beta * tuning`, at least 0. At beta 0 they are 1.

    Args:
        tuning: `(10, channels)`; 0 for channels that never respond.
        digit: the wanted class.
        beta: strength of attention.
        channels: "tuned", or a control for channels that respond: "shuffled", the same
            gains in another order; "mean", the mean of these gains for each.
        seed: seed of the order, which also depends on the digit.

    Returns:
        `(channels,)` float32.
    """
    found = np.maximum(1 + beta * tuning[digit], 0).astype("float32")
    respond = tuning.any(0)
    if channels == "shuffled":
        rng = np.random.default_rng([seed, digit])
        found[respond] = rng.permutation(found[respond])
    elif channels == "mean":
        found[respond] = found[respond].mean()
    return found


def attended(
    weights: Mapping[str, np.ndarray], layer: str, found: np.ndarray
) -> dict[str, np.ndarray]:
    """Weights that contain gains `(channels,)` on a layer; gains of 1 change nothing.

    Raises:
        ValueError: for a gain below 0, which weights cannot express.
    """
    if np.min(found) < 0:
        raise ValueError(f"Expected gains of 0 or more. Received {np.min(found)}.")
    names = (f"{layer}/kernel", f"{layer}/bias")  # their last axis is that of channels
    return {**weights, **{name: weights[name] * found for name in names}}


class Halves:
    """The network, cut after each pooling, so that gains can act in between."""

    def __init__(self, spec):
        self.model = build_network(spec)
        evidence = self.model.get_layer("softmax").input
        self._second = {}
        for layer, pool in LAYERS.items():
            half = keras.Model(self.model.get_layer(pool).output, evidence)
            self._second[layer] = half, *_compiled(half)

    def pooled(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Pooled activity of each layer, `(images, rows, cols, channels)`."""
        both = predict(self.model, images, LAYERS.values())
        return dict(zip(LAYERS, both, strict=True))

    def evidence(self, layer: str, pooled: np.ndarray, found=1.0) -> np.ndarray:
        """Evidence `(images, 10)` from pooled activity times gains `(channels,)`.

        The number of images must be a multiple of `IMAGES_PER_STEP`.
        """
        half, evidence, _ = self._second[layer]
        weights = [each.value for each in half.trainable_variables]
        found = np.broadcast_to(np.float32(found), pooled.shape[-1:])
        return np.asarray(evidence(weights, pooled, found))

    def tuning(self, layer: str, kind: str, digits: np.ndarray) -> np.ndarray:
        """The tuning of a layer's channels to digits: `(10, channels)`.

        `activity` is a channel's mean response to images of a digit. `gradient` is the
        derivative of the evidence for a digit with respect to the channel's activity,
        summed over places, mean over all images. Both are z-scored over the ten digits.
        A channel that never responds has 0.

        Args:
            layer: one of `LAYERS`.
            kind: one of `TUNINGS`.
            digits: `(40 n, rows, cols)` grey levels, single digits in order of class.
        """
        pooled = self.pooled(digits)[layer]
        half, _, slope = self._second[layer]
        weights = [each.value for each in half.trainable_variables]
        of_class = np.split(pooled, DIGITS)
        if kind == "activity":
            found = np.array([each.mean((0, 1, 2)) for each in of_class])
        else:
            found = np.mean([slope(weights, each) for each in of_class], 0)
        spread = np.where(pooled.any((0, 1, 2)), found.std(0), np.inf)
        return (found - found.mean(0)) / spread


def _compiled(half):
    """Compiled functions of weights and activity: evidence, and its mean derivative."""

    def evidence(weights, pooled, found):
        def few(part):
            return half.stateless_call(weights, [], part * found)[0]

        parts = pooled.reshape(-1, IMAGES_PER_STEP, *pooled.shape[1:])
        return jax.lax.map(few, parts).reshape(-1, DIGITS)

    def slope(weights, pooled):
        def mean(added):  # to a channel, at every place
            return evidence(weights, pooled + added, 1).mean(0)

        return jax.jacrev(mean)(np.zeros(pooled.shape[-1], "float32"))

    return jax.jit(evidence), jax.jit(slope)
