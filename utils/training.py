"""One run: a spec in, a record and the trained weights out.

The updates are Keras' own: the model's `stateless_call`, its loss and its optimiser,
compiled into one loop over many images. Order of images, noise and initial weights
come from the seed alone, so the arms of a pair differ in nothing else, and a run
that is stopped after an epoch goes on as if it had not been.
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

from utils.data import validation_split
from utils.displays import arrange, cue_maps
from utils.model import build_model, map_shape
from utils.noise import add_noise
from utils.runs import Answers, RunSpec, as_record, of_epoch

IMAGES_PER_CALL = 500  # images that one compiled loop trains on: about 0.1 s
IMAGES_PER_TEST = 4  # more do not fit into a CPU's cache: 100 take 1.7 times as long
# Independent streams of random numbers of a seed; all seeds share their test displays.
ORDER, NOISE, TEST_NOISE, DISPLAYS, TEST_DISPLAYS, YOKED, TEST_YOKED = range(7)


class State(NamedTuple):
    """Where a run stands after an epoch: all it needs to go on."""

    weights: list[np.ndarray]
    optimizer: list[np.ndarray]
    epochs: list[dict]  # one per finished epoch: its accuracies and mean loss
    seconds: float


class Result(NamedTuple):
    """A finished run."""

    record: dict  # JSON-ready; see `train`
    weights: dict[str, np.ndarray]  # "conv_1/kernel" and so on; none if not kept


def train(
    spec: RunSpec,
    *,
    resume: State | None = None,
    after_epoch: Callable[[State], None] = lambda state: None,
    progress: bool = True,
) -> Result:
    """Train one network and score it after each epoch.

    Args:
        spec: what to run.
        resume: the state to go on from, as `after_epoch` received it.
        after_epoch: called with the state after every epoch.
        progress: show a progress bar.

    Returns:
        The record and the final weights. The record holds the spec; for each epoch
        the accuracy on clean images (`accuracy_clean`), on images with the training
        noise (`accuracy_matched`), both on the first `curve_images`, and the mean
        loss; the images named right at the end at each noise level (`decode_correct`
        reads them); library versions, processor and seconds.

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
    """A function: `(weights, images=None)` to what they answer, by the noise SD.

    With a number of images, on the first of them; an SD asked for twice is computed
    once.
    """

    def scored(weights, images=None):
        return functools.cache(
            lambda sd: _answers(compiled, weights, spec, sd, x_test, y_test, images)
        )

    return scored


def finished(spec, compiled, weights, epochs, scored, seconds) -> Result:
    """Of a run that has come to its end, what its store keeps."""
    kept = zip(compiled.names, _copied(weights), strict=True)
    return Result(
        as_record(spec, epochs, scored, seconds),
        dict(kept) if spec.keeps_weights else {},
    )


def batches(spec: RunSpec, images, labels, epoch: int):
    """The training images of one epoch, noise added, in groups of updates.

    Args:
        spec: which images, display, order, noise and batch size.
        images: `(all, rows, cols)` grey levels.
        labels: `(all,)`.
        epoch: counted from 1; order, displays and noise differ from epoch to epoch.

    Yields:
        `(updates, batch, rows, cols, 1)` float32, for `given` in a list with the maps
        `(updates, batch, rows', cols')`, for `yoked` in a list with other displays in
        as much noise; and labels, `(updates, batch)` int32.
    """
    chosen = np.random.default_rng([spec.seed, ORDER]).permutation(len(images))
    if spec.goes_on:
        chosen = np.roll(chosen, -(epoch - 1) * spec.images)
    order = np.random.default_rng([spec.seed, ORDER, epoch]).permutation(
        chosen[: spec.images]
    )
    rng = np.random.default_rng([spec.seed, NOISE, epoch])
    placing = np.random.default_rng([spec.seed, DISPLAYS, epoch])
    yoking = np.random.default_rng([spec.seed, YOKED, epoch])
    updates = max(IMAGES_PER_CALL // spec.batch_size, 1)
    for places in np.split(order, range(0, len(order), updates * spec.batch_size)[1:]):
        own, pool = (images[places], labels[places]), (images, labels)
        seen, beside, _ = _displayed(spec, own, pool, placing)
        if spec.contrast_varies:
            seen = seen * rng.random((len(places), 1, 1), dtype=np.float32)
        noisy, share = add_noise(seen, spec.noise_sd, rng), 1
        if spec.noise_varies:
            share = rng.random((len(places), 1, 1), dtype=np.float32)
            noisy = seen + share * (noisy - seen)
        if spec.yoked:
            others, *_ = _displayed(spec, _next(own), pool, yoking)
            beside = others + share * (
                add_noise(others, spec.noise_sd, yoking) - others
            )
        yield (
            _inputs(noisy, beside, spec.batch_size),
            labels[places].astype("int32").reshape(-1, spec.batch_size),
        )


def _displayed(spec, own, pool, rng):
    """Images as the spec shows them; maps that go with them; labels of second digits.

    `own` are images with labels, `pool` those that others are taken from. Of maps and
    second digits, None where there are none.
    """
    images, labels = own
    if not spec.display:
        return images, None, None
    others, classes = pool
    shown = arrange(spec.display, images, others, rng, labels=(labels, classes))
    second = None if shown.second is None else classes[shown.second]
    if not spec.is_cued:
        return shown.images, None, second
    shape = map_shape(spec.display.shape)
    return shown.images, cue_maps(shown.cues, images.shape[1:], shape), second


def _next(part):
    """Each image's neighbour in its place, with its label."""
    return tuple(np.roll(each, 1, 0) for each in part)


def _inputs(images, beside, batch):
    """As an engine takes them: in batches, and what is beside the images if it is."""
    images = images.reshape(-1, batch, *images.shape[1:], 1)
    if beside is None:
        return images
    return [images, beside.reshape(-1, batch, *beside.shape[1:])]


class Engine(NamedTuple):
    """Compiled functions for one kind of network and optimiser."""

    names: list[str]
    initial: Callable  # seed -> (weights, optimizer)
    step: Callable  # as update, of one batch, not compiled
    update: Callable  # ((weights, optimizer), (inputs, labels)) -> (..., losses)
    classify: Callable  # (weights, inputs (batches, batch, ...)) -> digits


def engine(spec: RunSpec) -> Engine:
    """The compiled functions of a spec; specs that differ in data share them."""
    own = spec.conv_2_start, spec.conv_2_rate
    rate = spec.learning_rate, spec.momentum, spec.learning_rate_decay
    network = spec.attention, spec.image_shape, spec.network
    return _engine(*network, own, *rate, spec.optimizer)


@functools.lru_cache(maxsize=16)
def _engine(attention, image_shape, network, own, *optimizing):
    settings = {"image_shape": image_shape, **network}
    model = build_model(attention, seed=0, **settings)
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
        """Image by image: a batch's patches would not fit into a CPU's cache."""

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
        fresh = build_model(attention, seed=seed, **settings)
        weights = scaled(_copied(fresh.trainable_variables), np.float32(start))
        return weights, _copied(optimizer.variables)

    return Engine(
        names,
        initial,
        one_update,
        jax.jit(lambda state, data: jax.lax.scan(one_update, state, data)),
        jax.jit(classify),
    )


def build_optimizer(
    rate=0.01, momentum=0.5, decay=1e-6, name="sgd"
) -> keras.optimizers.Optimizer:
    """The published optimiser: SGD with Nesterov momentum, rate / (1 + decay * t).

    Or, by name, Adam (Kingma and Ba 2015) at such a rate; it takes no momentum.
    """
    schedule = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
    if name == "adam":
        return keras.optimizers.Adam(schedule)
    return keras.optimizers.SGD(schedule, momentum=momentum, nesterov=True)


def load_data(spec: RunSpec):
    """`(x_train, y_train), (x_test, y_test)` of a run, the images it is scored on last.

    Raises:
        ValueError: if the data set has fewer images than the spec asks for.
    """
    train, test = spec.load()
    if spec.scored_on == "validation":
        train, test = validation_split(*train)
    for what, (_, labels) in {"images": train, "test_images": test}.items():
        if getattr(spec, what) > len(labels):
            raise ValueError(
                f"The data ({spec.data}) has {len(labels):,} images for {what}; the "
                f"spec asks for {getattr(spec, what):,}. Lower {what}."
            )
    return train, (test[0][: spec.test_images], test[1][: spec.test_images])


def _answers(compiled, weights, spec, sd, x_test, y_test, count=None, look=None):
    """What a network answers under noise of an SD.

    Every level scales the same draw of noise, which depends on the seed only; displays
    do not even depend on that. With a `count`, the first images are scored as they are
    among all. `look` makes the maps of noisy images, for `given`.
    """
    rng = np.random.default_rng([spec.seed, TEST_NOISE])
    placing = np.random.default_rng([0, TEST_DISPLAYS])
    yoking = np.random.default_rng([spec.seed, TEST_YOKED])
    named, seconds, pool = [], [], (x_test, y_test)
    count = len(y_test) if count is None else count
    for start in range(0, count, IMAGES_PER_CALL):
        part = tuple(each[start : start + IMAGES_PER_CALL] for each in pool)
        images, beside, second = _displayed(spec, part, pool, placing)
        if spec.contrast != 1:
            images = np.float32(spec.contrast) * images
        noisy = add_noise(images, sd, rng)
        if look:
            beside = look(noisy)
        if spec.yoked:
            others, *_ = _displayed(spec, _next(part), pool, yoking)
            beside = add_noise(others, sd, yoking)
        at_once = IMAGES_PER_TEST if jax.default_backend() == "cpu" else IMAGES_PER_CALL
        fill = [(0, -len(noisy) % at_once)]
        arrays = (
            None if each is None else np.pad(each, [*fill, (0, 0), (0, 0)])
            for each in (noisy, beside)
        )
        inputs = _inputs(*arrays, at_once)
        named.append(np.ravel(compiled.classify(weights, inputs))[: len(noisy)])
        seconds.append(second)
    named = np.concatenate(named)[:count]
    intruded = None
    if seconds[0] is not None:
        intruded = named == np.concatenate(seconds)[:count]
    return Answers(named == y_test[:count], intruded)


def score(
    spec: RunSpec,
    weights: Mapping[str, np.ndarray],
    sd: float,
    *,
    look: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Answers:
    """What a trained network answers on test images, at noise SD `sd`.

    Args:
        spec: of the run that the weights come from.
        weights: as a `utils.studies.store.Store` returns them.
        sd: noise at test, grey levels; the draw depends on the seed of the spec.
        look: for `given`, makes maps `(batch, rows', cols')` of noisy images `(batch,
            rows, cols)`; by default the cues' maps.

    Returns:
        Which images it names right, as `decode_correct` reads from the run's record.
    """
    _, (x_test, y_test) = load_data(spec)
    compiled = engine(spec)
    ordered = [weights[name] for name in compiled.names]
    return _answers(compiled, ordered, spec, sd, x_test, y_test, look=look)


def _copied(variables):
    """As NumPy arrays of their own: JAX may reuse the memory of what it is given."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
