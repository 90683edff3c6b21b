"""One run: its spec is the input, a record and the trained weights are the output.

The updates are Keras' own: the model's `stateless_call`, its loss and its optimiser,
compiled into one loop over many images (`utils.inputs`). All random numbers come from
the seed, so that paired runs share them, and a run that is stopped after an epoch
continues as if it had never stopped.
"""

import functools
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from tqdm.auto import tqdm

from utils.inputs import IMAGES_PER_LOOP, arranged, batches, displays_at_test, load_data
from utils.record import Answers, as_record, of_epoch
from utils.spec import RunSpec, build_optimizer
from utils.wiring import build_wired

IMAGES_PER_TEST = 4  # more do not fit into a CPU's cache: 100 take 1.7 times as long


class State(NamedTuple):
    """The state of a run after an epoch: all that it needs to continue."""

    weights: list[np.ndarray]
    optimizer: list[np.ndarray]
    epochs: list[dict]  # accuracies and mean loss of each finished epoch
    seconds: float


class Result(NamedTuple):
    """A finished run."""

    record: dict  # JSON-ready; see `train`
    weights: dict[str, np.ndarray]  # "conv_1/kernel" and so on; empty if not kept


def train(
    spec: RunSpec,
    *,
    resume: State | None = None,
    after_epoch: Callable[[State], None] = lambda state: None,
    progress: bool = True,
) -> Result:
    """Train one network and score it after each epoch.

    Args:
        spec: the run.
        resume: the state to continue from, as `after_epoch` received it.
        after_epoch: called with the state after every epoch.
        progress: show a progress bar.

    Returns:
        The record and the final weights. The record holds the spec; for each epoch
        the accuracy on clean images (`accuracy_clean`) and on images with the
        training noise (`accuracy_matched`), both on the first `curve_images`, and the
        mean loss; for each noise level the images named right at the end (read them
        with `utils.record.decode_correct`); library versions, processor and seconds.

    Raises:
        ValueError: if the data set has fewer images than the spec asks for.
    """
    (x_train, y_train), (x_test, y_test) = load_data(spec)
    compiled = engine(spec)
    weights, optimizer = (
        (resume.weights, resume.optimizer) if resume else compiled.initial(spec.seed)
    )
    epochs, seconds = (list(resume.epochs), resume.seconds) if resume else ([], 0.0)
    scored = scorer(spec, compiled, x_test, y_test)
    whole = scored(weights)
    bar = tqdm(
        total=spec.epochs * spec.images,
        initial=len(epochs) * spec.images,
        unit="image",
        unit_scale=True,
        desc=f"{spec.attention}, noise {spec.noise_sd:g}",
        disable=not progress,
        leave=False,
    )
    with bar:
        for epoch in range(len(epochs) + 1, spec.epochs + 1):
            start = time.perf_counter()
            losses = []
            for inputs, labels in batches(spec, x_train, y_train, epoch):
                (weights, optimizer), loss = compiled.update(
                    (weights, optimizer), (inputs, labels)
                )
                losses.append(loss)
                bar.update(len(labels) * spec.batch_size)
            whole = scored(weights)
            part = scored(weights, spec.curve_images) if spec.curve_images else whole
            loss = float(np.mean(np.concatenate(losses)))
            epochs.append(of_epoch(epoch, spec, part, loss))
            seconds += time.perf_counter() - start
            state = State(_copied(weights), _copied(optimizer), list(epochs), seconds)
            after_epoch(state)
            bar.set_postfix(accuracy=f"{epochs[-1]['accuracy_clean']:.3f}")

    return finished(spec, compiled, weights, epochs, whole, seconds)


def scorer(spec: RunSpec, compiled: "Engine", x_test, y_test) -> Callable:
    """A function from `(weights, images=None)` to answers by the noise SD.

    `images` limits the answers to the first test images. Each SD is computed once.
    """

    def scored(weights, images=None):
        return functools.cache(
            lambda sd: _answers(compiled, weights, spec, sd, x_test, y_test, images)
        )

    return scored


def finished(spec, compiled, weights, epochs, scored, seconds) -> Result:
    """The result of a run at its end: its record and, if kept, its weights."""
    kept = zip(compiled.names, _copied(weights), strict=True)
    return Result(
        as_record(spec, epochs, scored, seconds),
        dict(kept) if spec.keeps_weights else {},
    )


class Engine(NamedTuple):
    """Compiled functions for one kind of network and optimiser."""

    names: list[str]
    initial: Callable  # seed -> (weights, optimizer)
    step: Callable  # like update, for one batch, not compiled
    update: Callable  # ((weights, optimizer), (inputs, labels)) -> (..., losses)
    classify: Callable  # (weights, inputs (batches, batch, ...)) -> digits


def engine(spec: RunSpec) -> Engine:
    """The compiled functions of a spec; equal networks and rates share them."""
    own = spec.conv_2_start, spec.conv_2_rate
    rate = spec.learning_rate, spec.momentum, spec.learning_rate_decay
    network = spec.attention, spec.image_shape, spec.network
    return _engine(*network, own, *rate, spec.optimizer)


@functools.lru_cache(maxsize=16)
def _engine(attention, image_shape, network, own, *optimizing):
    settings = {"image_shape": image_shape, **network}
    model = build_wired(attention, seed=0, **settings)
    optimizer = build_optimizer(*optimizing)
    optimizer.build(model.trainable_variables)
    names = [f"{v.path.split('/')[-2]}/{v.name}" for v in model.trainable_variables]
    start, rate = own  # of conv_2's kernel

    def scaled(arrays, factor):
        pairs = zip(names, arrays, strict=True)
        return [x * factor if name == "conv_2/kernel" else x for name, x in pairs]

    def probabilities(weights, inputs):
        return model.stateless_call(weights, [], inputs)[0]

    def loss_of(weights, inputs, labels):
        p = probabilities(weights, inputs)
        return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, p))

    loss_and_gradients = jax.value_and_grad(loss_of)

    def over_batch(weights, inputs, labels):
        """One image at a time: a batch's patches would not fit into a CPU's cache."""

        def add(total, image):
            image = jax.tree.map(lambda array: array[None], image)
            return jax.tree.map(jnp.add, total, loss_and_gradients(weights, *image)), 0

        if len(labels) == 1 or jax.default_backend() != "cpu":
            return loss_and_gradients(weights, inputs, labels)
        nothing = jax.tree.map(jnp.zeros_like, (0.0, weights))
        total, _ = jax.lax.scan(add, nothing, (inputs, labels))
        return jax.tree.map(lambda sum_: sum_ / len(labels), total)

    def one_update(state, batch):
        weights, slots = state
        loss, gradients = over_batch(weights, *batch)
        if rate != 1:
            gradients = scaled(gradients, rate)
        weights, slots = optimizer.stateless_apply(slots, gradients, weights)
        return (weights, slots), loss

    def classify(weights, inputs):
        return jax.lax.map(lambda x: probabilities(weights, x).argmax(-1), inputs)

    def initial(seed):
        fresh = build_wired(attention, seed=seed, **settings)
        weights = scaled(_copied(fresh.trainable_variables), np.float32(start))
        return weights, _copied(optimizer.variables)

    return Engine(
        names,
        initial,
        one_update,
        jax.jit(lambda state, data: jax.lax.scan(one_update, state, data)),
        jax.jit(classify),
    )


def _answers(compiled, weights, spec, sd, x_test, y_test, count=None, look=None):
    """The answers of a network on the first `count` images with noise of SD `sd`.

    For `given`, `look` makes maps from noisy images.
    """
    named, second = [], []
    count = len(y_test) if count is None else count
    on_cpu = jax.default_backend() == "cpu"
    at_once = IMAGES_PER_TEST if on_cpu else IMAGES_PER_LOOP
    for seen in displays_at_test(spec, x_test, y_test, sd, count):
        beside = look(seen.images) if look else seen.beside
        fill = [(0, -len(seen.images) % at_once), (0, 0), (0, 0)]
        arrays = (
            None if each is None else np.pad(each, fill)
            for each in (seen.images, beside)
        )
        found = compiled.classify(weights, arranged(*arrays, at_once))
        named.append(np.ravel(found)[: len(seen.images)])
        second.append(seen.second)
    named = np.concatenate(named)[:count]
    intruded = None
    if second[0] is not None:
        intruded = named == np.concatenate(second)[:count]
    return Answers(named == y_test[:count], intruded)


def score(
    spec: RunSpec,
    weights: Mapping[str, np.ndarray],
    sd: float,
    *,
    look: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Answers:
    """The answers of a trained network on test images with noise of SD `sd`.

    Args:
        spec: the run that the weights come from.
        weights: from `utils.runs.store.Store.weights`.
        sd: SD of the noise, grey levels; the draw depends on the seed of the spec.
        look: for `given`, a function from noisy images `(batch, rows, cols)` to maps
            `(batch, rows', cols')`; by default the maps of the cues.

    Returns:
        The answers; `decode_correct` reads the same from the run's record.
    """
    _, (x_test, y_test) = load_data(spec)
    compiled = engine(spec)
    ordered = [weights[name] for name in compiled.names]
    return _answers(compiled, ordered, spec, sd, x_test, y_test, look=look)


def _copied(variables):
    """Variables as NumPy copies: JAX may reuse the memory of its arguments."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
