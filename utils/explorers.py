"""The explorers: move noise, attention and epochs by hand, and watch.

`noise`, `attention` and `study` each return a widget. One view, `explorer.js`, draws
all three in the browser. What is dragged most, the noise level, is computed ahead:
all 101 levels in one batch (`sweep`), sent once, so that dragging it waits for
nothing and goes on without a kernel. Any other control asks Python, which answers
with the level in view at once and with the whole sweep when the reader pauses.
"""

import asyncio
import functools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import anywidget
import ipywidgets as widgets
import jax
import keras
import matplotlib
import numpy as np
import traitlets

import utils
from utils.attention import DIGITS, KINDS, attention_gain
from utils.figures import GAIN_COLOURS, GAIN_MAXIMUM
from utils.model import build_model
from utils.noise import NOISES, WHITE
from utils.records import Store

LEVELS = 101  # of noise in a sweep, from none to the noise's maximum
PAUSE = 0.12  # seconds without a change after which the whole sweep is computed
BIN = 15  # grey levels in one bar of a histogram; black and white lie mid-bar
EDGES = np.arange(-17.5, 35) * BIN
CHOICES = tuple(  # every kind with a map of its own; top_n once for each n
    (kind, n)
    for kind in KINDS
    if kind != "given"
    for n in (range(1, DIGITS + 1) if kind == "top_n" else [None])
)


def noise(images, labels, model=None) -> widgets.Widget:
    """Explore what noise does to a digit, and to a network's answer.

    Args:
        images: `(images, rows, cols)` grey levels.
        labels: `(images,)`.
        model: whose answer to show, if any: from `build_model`, or a control's
            weights by layer, such as `trained()`.

    Returns:
        A widget: the image, how often each grey level occurs, the answer.
    """
    return _Explorer(images, labels, model)


def attention(images, labels, model=None) -> widgets.Widget:
    """Explore where the network looks, at test digits or one that the reader draws.

    Args:
        images: `(images, rows, cols)` grey levels.
        labels: `(images,)`.
        model: whose weights to use: from `build_model`, or weights by layer; by
            default those of `trained()`, or without such, an untrained network's.

    Returns:
        A widget: a pad to draw on, the image, the gain map over it, the answer with
        and without attention, the gain's profile.
    """
    return _Explorer(images, labels, model, attentive=True)


def trained(attention: str = "ones") -> dict[str, np.ndarray]:
    """Weights of a trained network that the package holds.

    Args:
        attention: the kind that it was trained with.

    Returns:
        Weights by layer ("conv_1/kernel"), of the first run of that kind.

    Raises:
        FileNotFoundError: if there is none.
    """
    store = Store(Path(utils.__file__).parent / "weights")
    kinds = {name: store.record(name)["spec"]["attention"] for name in store.names()}
    for name, kind in kinds.items():
        if kind == attention:
            return store.weights(name)
    raise FileNotFoundError(
        f"No trained network of attention {attention!r} in {store.folder}, which holds "
        f"{', '.join(sorted(set(kinds.values()))) or 'none'}. Train one with "
        "utils.training.train, or give a model of your own."
    )


def sweep(images, weights: Mapping, attention="ones", strength=1.0, n=1) -> dict:
    """What a network sees in images, and answers, with attention and without.

    Args:
        images: `(batch, rows, cols)` grey levels, such as one digit at all levels of
            noise.
        weights: by layer, such as `trained()`.
        attention: a name in `KINDS`, other than `given`.
        strength: from 0 (the control) to 1; `as_coded` has none and ignores it.
        n: of `top_n`, digits attended.

    Returns:
        `gains` `(batch, rows', cols')`; the ten `probabilities` `(batch, 10)`, and
        those `without` attention. At strength 0 the last two are the same.
    """
    images = np.asarray(images, "float32")[..., None]
    look = _network(images.shape[1:3])
    choice = CHOICES.index((attention, n if attention == "top_n" else None))
    found = look(dict(weights), images, choice, float(strength))
    return {name: np.asarray(array) for name, array in found.items()}


@functools.lru_cache(maxsize=4)
def _network(image_shape):
    """`sweep`, compiled: the network cut where its two looks meet."""
    model = build_model("ones", image_shape=image_shape, seed=0)
    conv_2 = model.get_layer("conv_2")
    first, second = (node.output_tensors[0] for node in conv_2._inbound_nodes)
    attended = model.get_layer("pad_1").output
    evidence = model.get_layer("dense_2")._inbound_nodes[0].output_tensors[0]
    gain = model.get_layer("attention").output

    def part(inputs, outputs):
        model = keras.Model(inputs, outputs)
        return lambda weights, x: model.stateless_call(
            [weights[_name(v)] for v in model.trainable_variables], [], x
        )[0]

    look = part(model.inputs, [attended, first, evidence])
    look_again = part([attended, gain], second)
    answer = part(second, model.output)

    def run(weights, images, choice, strength):
        attended, features, evidence = look(weights, images)
        gains = [
            attention_gain(
                kind, features, evidence, strength=strength, **({"n": n} if n else {})
            )
            for kind, n in CHOICES
        ]
        gain = jax.numpy.stack(gains)[choice]
        return {
            "gains": gain,
            "probabilities": answer(weights, look_again(weights, [attended, gain])),
            "without": answer(weights, features),  # a gain of 1 changes nothing
        }

    return jax.jit(run)


def _name(variable):
    return f"{variable.path.split('/')[-2]}/{variable.name}"
