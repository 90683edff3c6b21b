"""One run: a spec in, a record and the trained weights out.

The updates are Keras' own: the model's `stateless_call`, its loss and its optimiser,
compiled into one loop over many images. Order of images, noise and initial weights
come from the seed alone, so the arms of a pair differ in nothing else, and a run
that is stopped after an epoch goes on as if it had not been.
"""

import base64
import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import math
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from tqdm.auto import tqdm

from utils import attention
from utils.data import load_mnist, load_npz, validation_split
from utils.displays import Display, cue_maps, show
from utils.model import build_model, map_shape
from utils.noise import add_noise

CLEAN = 0.0
OPTIMIZERS = ("sgd", "adam")
IMAGES_PER_CALL = 500  # images that one compiled loop trains on: about 0.1 s
IMAGES_PER_TEST = 4  # more do not fit into the cache: 100 take 1.7 times as long
_LEVELS = (  # fields of a spec that are numbers of 0 or more
    "input_scale",
    "noise_sd",
    "learning_rate",
    "momentum",
    "learning_rate_decay",
)
# Independent streams of random numbers of a seed; all seeds share their test displays.
ORDER, NOISE, TEST_NOISE, DISPLAYS, TEST_DISPLAYS = range(5)


@dataclasses.dataclass(frozen=True)
class RunSpec:
    """All that decides a run. Defaults are the published ones (Vatterott 2016).

    Raises:
        ValueError: for an unknown kind of attention, or a value out of range.
    """

    attention: str = "ones"
    attention_parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    strength: float = 1.0
    input_scale: float = 1.0  # multiplies the grey levels
    noise_sd: float = 0.0  # in training, grey levels
    noise_varies: bool = False  # each training image draws its SD from 0 to noise_sd
    data: str = "mnist"  # or the path of a file for utils.data.load_npz
    display: Display | None = None  # digits at uncertain places; None: as they are
    images: int = 60_000  # an epoch, always the same ones
    goes_on: bool = False  # through the training images, instead of the same each epoch
    epochs: int = 12
    batch_size: int = 1
    optimizer: str = "sgd"  # or "adam" (Kingma and Ba 2015), which has no momentum
    learning_rate: float = 0.01
    momentum: float = 0.5  # Nesterov's
    learning_rate_decay: float = 1e-6  # rate / (1 + decay * updates)
    seed: int = 0
    scored_on: str = "test"  # or "validation": a part of the training images
    test_images: int = 10_000
    curve_images: int | None = None  # the first of them, after an epoch; None: all
    test_noise_sds: tuple[float, ...] = (0.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)
    keeps_weights: bool = True  # with the record; large studies may do without

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.generic):  # one of NumPy's numbers
                object.__setattr__(self, field.name, value.item())
        pairs = dict(self.attention_parameters)
        object.__setattr__(self, "attention_parameters", _Frozen(pairs))
        object.__setattr__(self, "test_noise_sds", tuple(self.test_noise_sds))
        attention.check(self.attention, pairs, self.strength)
        if isinstance(self.display, Mapping):
            object.__setattr__(self, "display", Display(**self.display))
        shown = self.display is None or isinstance(self.display, Display)
        self._expect("display", shown, "a utils.displays.Display or None")
        if self.attention == "given" and not self.display:
            raise ValueError(
                "attention='given' needs a map for each image: the cue of a display "
                "(display=Display()). For other maps, use build_model('given')."
            )
        for name in ("images", "epochs", "batch_size", "test_images"):
            self._expect(name, _is_whole(getattr(self, name), 1), "a whole number >= 1")
        self._expect("seed", _is_whole(self.seed, 0), "a whole number >= 0")
        if self.curve_images is not None:
            fits = _is_whole(self.curve_images, 1)
            fits = fits and self.curve_images <= self.test_images
            self._expect("curve_images", fits, "from 1 to test_images, or None")
        if self.images % self.batch_size:
            raise ValueError(
                f"Expected images to be a multiple of batch_size, received "
                f"{self.images} and {self.batch_size}."
            )
        for name in _LEVELS:
            self._expect(name, _is_level(getattr(self, name)), "a number >= 0")
            object.__setattr__(self, name, float(getattr(self, name)))
        levels = all(map(_is_level, self.test_noise_sds))
        self._expect("test_noise_sds", levels, "numbers >= 0")
        floats = tuple(map(float, self.test_noise_sds))
        object.__setattr__(self, "test_noise_sds", floats)
        object.__setattr__(self, "strength", float(self.strength))
        for name in ("noise_varies", "goes_on", "keeps_weights"):
            self._expect(name, isinstance(getattr(self, name), bool), "True or False")
        scored = self.scored_on in ("test", "validation")
        self._expect("scored_on", scored, "'test' or 'validation'")
        known = self.optimizer in OPTIMIZERS
        self._expect("optimizer", known, " or ".join(map(repr, OPTIMIZERS)))

    def _expect(self, name, valid, expected):
        if not valid:
            received = getattr(self, name)
            raise ValueError(f"Expected {name}: {expected}. Received {received!r}.")

    def to_json(self) -> dict:
        """The spec as plain numbers, strings, lists and dicts."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["attention_parameters"] = dict(self.attention_parameters)
        values["display"] = self.display and dataclasses.asdict(self.display)
        return {**values, "test_noise_sds": list(self.test_noise_sds)}

    @classmethod
    def from_json(cls, values: Mapping) -> "RunSpec":
        """The spec that `to_json` wrote; what it lacks has its default."""
        return cls(**values)

    @property
    def name(self) -> str:
        """A file name: readable, and different for different specs.

        It is made from what differs from the defaults, so that a field that is
        added to the class later does not rename the runs that were made before.
        """
        default = RunSpec().to_json()
        changed = {k: v for k, v in self.to_json().items() if v != default[k]}
        text = json.dumps(changed, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return f"{self.attention}-noise{self.noise_sd:g}-seed{self.seed}-{digest}"


class _Frozen(dict):
    """A dict that can be hashed and is not meant to be changed."""

    def __hash__(self):
        return hash(json.dumps(self, sort_keys=True))


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
    (x_train, y_train), (x_test, y_test) = _load(spec)
    compiled = engine(spec, x_train.shape[1:])
    weights, optimizer = (
        (resume.weights, resume.optimizer) if resume else compiled.initial(spec.seed)
    )
    epochs, seconds = (list(resume.epochs), resume.seconds) if resume else ([], 0.0)

    def scored(weights, images=None):  # a level asked for twice is computed once
        return functools.cache(
            lambda sd: _correct(compiled, weights, spec, sd, x_test, y_test[:images])
        )

    right = scored(weights)
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
            right = scored(weights)
            part = scored(weights, spec.curve_images) if spec.curve_images else right
            loss = float(np.mean(np.concatenate(losses)))
            epochs.append(
                {
                    "epoch": epoch,
                    "accuracy_clean": float(part(CLEAN).mean()),
                    "accuracy_matched": float(part(spec.noise_sd).mean()),
                    "loss": loss if math.isfinite(loss) else None,
                }
            )
            seconds += time.perf_counter() - start
            state = State(_copied(weights), _copied(optimizer), list(epochs), seconds)
            after_epoch(state)
            bar.set_postfix(accuracy=f"{epochs[-1]['accuracy_clean']:.3f}")

    start = time.perf_counter()
    correct = {f"{sd:g}": encode(right(sd)) for sd in spec.test_noise_sds}
    kept = zip(compiled.names, _copied(weights), strict=True)
    record = {
        "spec": spec.to_json(),
        "epochs": epochs,
        "correct": correct,
        "versions": versions(),
        "processor": processor(),
        "seconds": round(seconds + time.perf_counter() - start, 3),
    }
    return Result(record, dict(kept) if spec.keeps_weights else {})


def batches(spec: RunSpec, images, labels, epoch: int):
    """The training images of one epoch, noise added, in groups of updates.

    Args:
        spec: which images, display, order, noise and batch size.
        images: `(all, rows, cols)` grey levels.
        labels: `(all,)`.
        epoch: counted from 1; order, displays and noise differ from epoch to epoch.

    Yields:
        `(updates, batch, rows, cols, 1)` float32, for `given` in a list with the maps
        `(updates, batch, rows', cols')`; and labels, `(updates, batch)` int32.
    """
    chosen = np.random.default_rng([spec.seed, ORDER]).permutation(len(images))
    if spec.goes_on:
        chosen = np.roll(chosen, -(epoch - 1) * spec.images)
    order = np.random.default_rng([spec.seed, ORDER, epoch]).permutation(
        chosen[: spec.images]
    )
    rng = np.random.default_rng([spec.seed, NOISE, epoch])
    placing = np.random.default_rng([spec.seed, DISPLAYS, epoch])
    updates = max(IMAGES_PER_CALL // spec.batch_size, 1)
    for places in np.split(order, range(0, len(order), updates * spec.batch_size)[1:]):
        seen, maps = _displayed(spec, images[places], images, placing)
        noisy = add_noise(seen, spec.noise_sd, rng)
        if spec.noise_varies:
            share = rng.random((len(places), 1, 1), dtype=np.float32)
            noisy = seen + share * (noisy - seen)
        yield (
            _inputs(noisy, maps, spec.batch_size),
            labels[places].astype("int32").reshape(-1, spec.batch_size),
        )


def _displayed(spec, images, others, rng):
    """Images as the spec shows them, and the maps that go with them, or None."""
    if not spec.display:
        return images, None
    shown = show(spec.display, images, others, rng)
    if spec.attention != "given":
        return shown.images, None
    shape = map_shape(spec.display.shape)
    return shown.images, cue_maps(shown.cues, images.shape[1:], shape)


def _inputs(images, maps, batch):
    """As an engine takes them: in batches, maps beside the images if there are any."""
    images = images.reshape(-1, batch, *images.shape[1:], 1)
    if maps is None:
        return images
    return [images, maps.reshape(-1, batch, *maps.shape[1:])]


class Engine(NamedTuple):
    """Compiled functions for one kind of network and optimiser."""

    names: list[str]
    initial: Callable  # seed -> (weights, optimizer)
    update: Callable  # ((weights, optimizer), (inputs, labels)) -> (..., losses)
    classify: Callable  # (weights, inputs (batches, batch, ...)) -> digits


def engine(spec: RunSpec, image_shape: tuple[int, int]) -> Engine:
    """The compiled functions of a spec; specs that differ in data share them.

    `image_shape` is that of the data; where the spec has a display, its size counts.
    """
    if spec.display:
        image_shape = spec.display.shape
    return _engine(
        spec.attention,
        spec.attention_parameters,
        spec.strength,
        spec.input_scale,
        image_shape,
        spec.learning_rate,
        spec.momentum,
        spec.learning_rate_decay,
        spec.optimizer,
    )


@functools.lru_cache(maxsize=16)
def _engine(attention, parameters, strength, scale, shape, *optimizing):
    settings = {"image_shape": shape, "strength": strength, "input_scale": scale}
    settings |= parameters
    model = build_model(attention, seed=0, **settings)
    optimizer = build_optimizer(*optimizing)
    optimizer.build(model.trainable_variables)

    def probabilities(weights, inputs):
        return model.stateless_call(weights, [], inputs)[0]

    def loss_of(weights, inputs, labels):
        p = probabilities(weights, inputs)
        return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, p))

    loss_and_gradients = jax.value_and_grad(loss_of)

    def over_batch(weights, inputs, labels):
        """Image by image: the patches of a batch would not fit into the cache."""

        def add(total, image):
            image = jax.tree.map(lambda array: array[None], image)
            return jax.tree.map(jnp.add, total, loss_and_gradients(weights, *image)), 0

        if len(labels) == 1:
            return loss_and_gradients(weights, inputs, labels)
        nothing = jax.tree.map(jnp.zeros_like, (0.0, weights))
        total, _ = jax.lax.scan(add, nothing, (inputs, labels))
        return jax.tree.map(lambda sum_: sum_ / len(labels), total)

    def one_update(state, batch):
        weights, slots = state
        loss, gradients = over_batch(weights, *batch)
        weights, slots = optimizer.stateless_apply(slots, gradients, weights)
        return (weights, slots), loss

    def classify(weights, inputs):
        return jax.lax.map(lambda x: probabilities(weights, x).argmax(-1), inputs)

    def initial(seed):
        fresh = build_model(attention, seed=seed, **settings)
        return _copied(fresh.trainable_variables), _copied(optimizer.variables)

    return Engine(
        [f"{v.path.split('/')[-2]}/{v.name}" for v in model.trainable_variables],
        initial,
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


def _load(spec):
    train, test = load_mnist() if spec.data == "mnist" else load_npz(spec.data)
    if spec.scored_on == "validation":
        train, test = validation_split(*train)
    for part, asked, what in (
        (train, spec.images, "images"),
        (test, spec.test_images, "test_images"),
    ):
        if asked > len(part[1]):
            raise ValueError(
                f"The data ({spec.data}) has {len(part[1]):,} images for {what}; the "
                f"spec asks for {asked:,}. Lower {what}."
            )
    return train, (test[0][: spec.test_images], test[1][: spec.test_images])


def _correct(compiled, weights, spec, sd, x_test, y_test, look=None):
    """Which test images are named right under noise of an SD: `(images,)` bool.

    Every level scales the same draw of noise, which depends on the seed only; displays
    do not even depend on that. Fewer labels than images: the first images are scored,
    as they are among all. `look` makes the maps of noisy images, for `given`.
    """
    rng = np.random.default_rng([spec.seed, TEST_NOISE])
    placing = np.random.default_rng([0, TEST_DISPLAYS])
    named = []
    for start in range(0, len(y_test), IMAGES_PER_CALL):
        part = x_test[start : start + IMAGES_PER_CALL]
        arrays = _displayed(spec, part, x_test, placing)
        arrays = [add_noise(arrays[0], sd, rng), *arrays[1:]]
        if look:
            arrays[1] = look(arrays[0])
        fill = [(0, -len(part) % IMAGES_PER_TEST)]
        noisy, maps = (
            None if each is None else np.pad(each, [*fill, (0, 0), (0, 0)])
            for each in arrays
        )
        inputs = _inputs(noisy, maps, IMAGES_PER_TEST)
        named.append(np.ravel(compiled.classify(weights, inputs))[: len(part)])
    return np.concatenate(named)[: len(y_test)] == y_test


def score(
    spec: RunSpec,
    weights: Mapping[str, np.ndarray],
    sd: float,
    *,
    look: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Which test images a trained network names right, at noise SD `sd`.

    Args:
        spec: of the run that the weights come from.
        weights: as a `utils.records.Store` returns them.
        sd: noise at test, grey levels; the draw depends on the seed of the spec.
        look: for `given`, makes maps `(batch, rows', cols')` of noisy images `(batch,
            rows, cols)`; by default the cues' maps.

    Returns:
        `(test_images,)` bool, as `decode_correct` reads from the run's record.
    """
    _, (x_test, y_test) = _load(spec)
    compiled = engine(spec, x_test.shape[1:])
    ordered = [weights[name] for name in compiled.names]
    return _correct(compiled, ordered, spec, sd, x_test, y_test, look)


def encode(correct: np.ndarray) -> str:
    """Right or wrong, `(images,)` bool, as text for a record."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def decode_correct(record: Mapping, sd: float) -> np.ndarray:
    """Which test images a run named right at the end, at noise SD `sd`.

    Returns:
        `(test_images,)` bool, in the order of the test set.

    Raises:
        ValueError: if the record was not scored at that level.
    """
    if f"{sd:g}" not in record["correct"]:
        raise ValueError(
            f"The record holds noise SDs {', '.join(record['correct'])}, not {sd:g}."
        )
    packed = np.frombuffer(base64.b64decode(record["correct"][f"{sd:g}"]), "uint8")
    return np.unpackbits(packed, count=record["spec"]["test_images"]).astype(bool)


def versions() -> dict[str, str]:
    """Versions of the libraries that a result depends on."""
    libraries = ("jax", "jaxlib", "keras", "numpy", "attention-in-a-cnn")
    found = {name: importlib.metadata.version(name) for name in libraries}
    return {"python": platform.python_version(), **found}


@functools.cache
def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":", 1)[1] for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0].strip() if names else platform.processor() or platform.machine()


def _copied(variables):
    """As NumPy arrays of their own: JAX may reuse the memory of what it is given."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def _is_whole(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_level(value):
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0
