"""The network twice: as a page has it, in Node, and in Keras.

In Keras, one compiled function for each size of canvas serves all kinds of attention:
`jax.lax.switch` chooses among them, because compiling takes most of the time.
"""

import base64
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from utils.attention import KINDS, Attention, Kind, attention_gain
from utils.explorers.packing import SHAPES
from utils.model import build_model, map_shape
from utils.training import build_optimizer

RATES = {"sgd": 0.001, "adam": 0.0001}  # of learning, by optimiser
DECAY = 0.1  # of these rates, so large that five updates show it
QUICKLY = {"xla_backend_optimization_level": 1}  # at 0, XLA makes NaN of some maps


class Variant(NamedTuple):
    """A kind of attention with its settings."""

    kind: str
    strength: float = 1.0
    parameters: Mapping = MappingProxyType({})

    def __str__(self):
        settings = [f"{name}={value}" for name, value in self.parameters.items()]
        return "-".join([self.kind, f"{self.strength:g}", *settings])


class Lesson(NamedTuple):
    """Images to learn from, one for each update, and weights to begin with."""

    images: np.ndarray  # (updates, rows, cols) float32, grey levels
    labels: np.ndarray  # (updates,) int32
    weights: np.ndarray  # (9898,) float32

    @property
    def shape(self):
        return self.images.shape[1:]


class Results(NamedTuple):
    """What both sides compute of a lesson."""

    gain: np.ndarray  # (places,), of the first image, as the next two
    probabilities: np.ndarray  # (10,)
    gradients: np.ndarray  # (9898,)
    after_sgd: np.ndarray  # (9898,), the weights at the end, as the next
    after_adam: np.ndarray  # (9898,)


def joined(weights):
    """Arrays in the order of `SHAPES`, one behind the other."""
    return np.concatenate([np.ravel(each) for each in weights])


def apart(weights):
    """The arrays that `joined` joined."""
    sizes = [int(np.prod(shape)) for shape in SHAPES.values()]
    parts = np.split(weights, np.cumsum(sizes)[:-1])
    return [np.reshape(*each) for each in zip(parts, SHAPES.values(), strict=True)]


def given_map(shape):
    """A map that stands for one from outside, some of it below 0."""
    rng = np.random.default_rng(5)
    return rng.uniform(-0.2, 1, map_shape(shape)).astype("float32")


# --- In Node ---------------------------------------------------------------------


def encoded(array):
    """A float32 array as text, which JavaScript reads faster than numbers."""
    return base64.b64encode(np.ascontiguousarray(array, "float32")).decode()


def decoded(text):
    return np.frombuffer(base64.b64decode(text), "float32")


def in_node(node, variant, lesson):
    """The results of JavaScript and WebAssembly."""
    rates = RATES.items()
    found = node.evaluate(
        "how => learned(how)",
        {
            **start_in_node(lesson),
            "kind": variant.kind,
            "settings": settings_in_node(variant, lesson.shape),
            "optimizers": [optimizer_in_node(name, rate) for name, rate in rates],
        },
    )
    return Results(*map(decoded, found))


def start_in_node(lesson):
    rows, cols = lesson.shape
    return {
        "rows": rows,
        "cols": cols,
        "images": [encoded(image) for image in lesson.images],
        "labels": lesson.labels.tolist(),
        "weights": encoded(lesson.weights),
    }


def optimizer_in_node(name, rate):
    return {"optimizer": name, "learning_rate": rate, "learning_rate_decay": DECAY}


def settings_in_node(variant, shape):
    """The variant's settings as JavaScript takes them: maps and orders as data."""
    settings = {"strength": variant.strength, **variant.parameters}
    if variant.kind == "given":
        settings["map"] = given_map(shape).ravel().tolist()
    if variant.kind == "shuffled":
        names = [name for name in ("order", "inside") if name in settings]
        order = {name: settings.pop(name) for name in names}
        settings["places"] = places_of_order(map_shape(shape), order).tolist()
    return settings


def places_of_order(shape, order):
    """Where each place of a shuffled map comes from: the map of a map of numbers."""
    numbers = np.arange(np.prod(shape), dtype="float32").reshape(1, *shape, 1)
    features, evidence = (
        np.repeat(numbers, 32, -1),
        np.zeros((1, *shape, 10), "float32"),
    )
    return np.ravel(KINDS["shuffled"].attend(features, evidence, **order)).astype(int)


# --- In Keras --------------------------------------------------------------------


def optimizer_in_keras(name):
    return build_optimizer(RATES[name], decay=DECAY, name=name)


class Reference:
    """Keras' own model and optimisers for one size of canvas, compiled once.

    The model is built with a kind of the test's own, in which a number chooses one of
    the variants.
    """

    def __init__(self, variants, lesson):
        self.variants, self.shape = variants, lesson.shape
        self.number = self.gain = None
        self.optimizers = [optimizer_in_keras(name) for name in RATES]
        kind = Kind("Chosen", "a test", self.chosen, is_gain=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(KINDS, "chosen", kind)
            self.model = build_model("chosen", image_shape=lesson.shape)
            for optimizer in self.optimizers:
                optimizer.build(self.model.trainable_variables)
            traced = jax.jit(self.compute).lower(0, *self.inputs(lesson))
        self.compiled = traced.compile(QUICKLY)

    def __call__(self, variant, lesson):
        """The results of Keras."""
        number = self.variants.index(variant)
        gain, probabilities, *weights = self.compiled(number, *self.inputs(lesson))
        return Results(np.ravel(gain), np.ravel(probabilities), *map(joined, weights))

    def inputs(self, lesson):
        images = lesson.images[:, None, ..., None]  # batches of one, one channel
        return apart(lesson.weights), images, lesson.labels[:, None]

    def chosen(self, features, evidence):
        if self.number is None:  # while Keras builds the model
            return evidence[..., 0]
        branches = [functools.partial(self.attend, each) for each in self.variants]
        self.gain = jax.lax.switch(self.number, branches, features, evidence)
        return self.gain

    def attend(self, variant, features, evidence):
        if variant.kind == "given":
            given = given_map(self.shape)[None]
            return Attention("given", strength=variant.strength)(given)
        settings = {"strength": variant.strength, **variant.parameters}
        return attention_gain(variant.kind, features, evidence, **settings)

    def compute(self, number, weights, images, labels):
        self.number = number

        def loss(weights, image, label):
            p = self.model.stateless_call(weights, [], image)[0]
            losses = keras.losses.sparse_categorical_crossentropy(label, p)
            return keras.ops.mean(losses), (self.gain, p)

        def update(states, image_and_label):
            """By each optimiser, its gradients in one loop: that compiles them once."""

            def gradients_of(weights):
                return jax.grad(loss, has_aux=True)(weights, *image_and_label)

            both = [weights for weights, _ in states]
            both = jax.tree.map(lambda *each: jnp.stack(each), *both)
            gradients, seen = jax.lax.map(gradients_of, both)
            states = [
                optimizer.stateless_apply(
                    slots, [each[i] for each in gradients], weights
                )
                for i, (optimizer, (weights, slots)) in enumerate(
                    zip(self.optimizers, states, strict=True)
                )
            ]
            return states, (gradients, seen)

        start = [(weights, optimizer.variables) for optimizer in self.optimizers]
        start = jax.tree.map(jnp.asarray, start)
        ends, found = jax.lax.scan(update, start, (images, labels))
        gradients, (gain, p) = jax.tree.map(lambda each: each[0, 0], found)
        return gain, p, gradients, *(weights for weights, _ in ends)
