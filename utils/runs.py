"""What a run is, and what its record says.

A `RunSpec` decides everything about a run; its record repeats it, beside what was
found and with what.
"""

import base64
import functools
import hashlib
import importlib.metadata
import json
import math
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import attrs
import jax
import keras
import numpy as np

from utils import attention, outside
from utils.checks import check, choice, flag, number, numbers, whole
from utils.data import Part, digest, load
from utils.displays import Display
from utils.model import Wiring, build_model

OPTIMIZERS = ("sgd", "adam")


class Answers(NamedTuple):
    """What a network answers on test images."""

    right: np.ndarray  # (images,) bool: it names the target
    intruded: np.ndarray | None  # (images,) bool: it names the second digit, if any


class Frozen(dict):
    """A dict that can be hashed and is not meant to be changed."""

    def __hash__(self):
        return hash(json.dumps(self, sort_keys=True, default=attrs.asdict))


def _display(value):
    if value is None or isinstance(value, Display):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"Expected display: a Display or None. Received {value!r}.")
    return Display(**value)


def _own_first(cls, fields):
    """What a run is before how its network is wired: the order of a record."""
    return sorted(fields, key=lambda field: field.inherited)


@attrs.frozen(field_transformer=_own_first)
class RunSpec(Wiring):
    """All that decides a run. Defaults are the published ones (Vatterott 2016).

    A wiring is part of it: yoked, a network is given the display of another digit, in
    as much noise; the field is the map of the display's cue.

    Raises:
        ValueError: for an unknown kind of attention, or a value out of range.
    """

    attention: str = "ones"
    attention_parameters: Mapping[str, Any] = attrs.field(factory=dict)
    strength: float = number(1.0, most=1)
    input_scale: float = number(1.0)  # multiplies the grey levels
    noise_sd: float = number(0.0)  # in training, grey levels
    noise_varies: bool = flag(False)  # each training image's SD is from 0 to noise_sd
    data: str = "mnist"  # or the path of a file for utils.data.load_npz
    contrast: float = number(1.0, most=1)  # of images before noise, at test
    contrast_varies: bool = flag(False)  # each training image's is from 0 to 1
    display: Display | None = attrs.field(default=None, converter=_display)
    images: int = whole(60_000, least=1)  # an epoch, always the same ones
    goes_on: bool = flag(False)  # through the training images, epoch by epoch
    epochs: int = whole(12, least=1)
    batch_size: int = whole(1, least=1)
    optimizer: str = choice("sgd", of=OPTIMIZERS)
    learning_rate: float = number(0.01)
    momentum: float = number(0.5)  # Nesterov's; Adam has none
    learning_rate_decay: float = number(1e-6)  # rate / (1 + decay * updates)
    conv_2_start: float = number(1.0)  # multiplies the initial kernel of conv_2
    conv_2_rate: float = number(1.0)  # multiplies its learning rate; SGD only
    seed: int = whole(0)
    scored_on: str = choice("test", of=("test", "validation"))
    test_images: int = whole(10_000, least=1)
    curve_images: int | None = None  # the first of them, after an epoch; None: all
    test_noise_sds: tuple[float, ...] = numbers((0.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0))
    keeps_weights: bool = flag(True)  # with the record; large studies may do without
    data_sha256: str | None = None  # of the arrays in `data`; found out if not given

    def __attrs_post_init__(self):
        found = attention.check(
            self.attention, dict(self.attention_parameters), self.strength
        )
        object.__setattr__(self, "attention_parameters", Frozen(found))
        if self.data == "mnist":
            object.__setattr__(self, "data_sha256", None)
        elif self.data_sha256 is None:
            object.__setattr__(self, "data_sha256", digest(*load(self.data)))
        if self.is_cued and not self.display:
            raise ValueError(
                "attention='given' and field=True need a map for each image: the cue "
                "of a display (display=Display()). For other maps, use build_model."
            )
        if self.yoked and not self.display:
            raise ValueError(
                "Expected a display with yoked: displays of other digits are the other "
                "images. Received None."
            )
        if self.curve_images is not None:
            most = whole(least=1, most=self.test_images)
            check({"curve_images": most}, {"curve_images": self.curve_images})
        if self.conv_2_rate != 1 and self.optimizer != "sgd":
            raise ValueError(
                "Expected optimizer='sgd' with a conv_2_rate: no other learns in "
                f"proportion to its gradients. Received {self.optimizer!r}."
            )
        if self.images % self.batch_size:
            raise ValueError(
                f"Expected images to be a multiple of batch_size, received "
                f"{self.images} and {self.batch_size}."
            )

    def to_json(self) -> dict:
        """The spec as plain values, from which `RunSpec(**values)` makes it again."""
        plain = attrs.asdict(self)
        if self.display:  # fields that came later: names of older runs stay
            for name in ("central", "distance"):
                if not plain["display"][name]:
                    del plain["display"][name]
        return {**plain, "test_noise_sds": list(self.test_noise_sds)}

    @property
    def is_cued(self) -> bool:
        """Whether its network is given the map of the display's cue."""
        return self.attention == "given" or self.field

    @property
    def network(self) -> dict:
        """What `build_model` takes beside the kind, the images' size and the seed."""
        names = ("strength", "input_scale", *attrs.fields_dict(Wiring))
        settings = {name: getattr(self, name) for name in names}
        return Frozen({**settings, **self.attention_parameters})

    @property
    def image_shape(self) -> tuple[int, int]:
        """Rows and columns of what its network sees, pixels."""
        return self.display.shape if self.display else self.load()[0][0].shape[1:]

    def model(self) -> keras.Model:
        """Its network, untrained."""
        shape = self.image_shape
        return build_model(self.attention, image_shape=shape, **self.network)

    @property
    def spec(self) -> "RunSpec":
        """Itself: what was run, as of a probe."""
        return self

    @property
    def work(self) -> int:
        """How much it is, in images."""
        return self.images * self.epochs

    def load(self) -> tuple[Part, Part]:
        """Its training and its test images, each with labels.

        Raises:
            ValueError: if the file was replaced after the spec was made.
        """
        train, test = load(self.data)
        if self.data != "mnist" and digest(train, test) != self.data_sha256:
            raise ValueError(
                f"{self.data} holds other data than when this spec was made (SHA-256 "
                f"{self.data_sha256}). Make the spec anew, or restore the file."
            )
        return train, test

    def with_seed(self, seed: int) -> "RunSpec":
        """The same run from another seed: its pair in nothing but that."""
        return attrs.evolve(self, seed=seed)

    @property
    def name(self) -> str:
        """A file name: readable, and different for different specs.

        It is made from what differs from the defaults, so that a field that is
        added to the class later does not rename the runs that were made before. Data of
        one's own are named by what is in them, wherever they lie.
        """
        changed = {k: v for k, v in self.to_json().items() if v != _defaults()[k]}
        changed.pop("data", None)
        text = json.dumps(changed, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return f"{self.attention}-noise{self.noise_sd:g}-seed{self.seed}-{digest}"


@functools.cache
def _defaults():
    return RunSpec().to_json()


def of_epoch(
    epoch: int, spec: RunSpec, scored: Callable[[float], Answers], loss: float
) -> dict:
    """What a record says of an epoch; `scored` gives answers by the noise SD."""
    return {
        "epoch": epoch,
        "accuracy_clean": float(scored(0.0).right.mean()),
        "accuracy_matched": float(scored(spec.noise_sd).right.mean()),
        "loss": loss if math.isfinite(loss) else None,
    }


def as_record(
    spec: RunSpec,
    epochs: list[dict],
    scored: Callable[[float], Answers],
    seconds: float,
) -> dict:
    """What is kept of a run, ready for JSON.

    Args:
        spec: what was run.
        epochs: what was found after each: accuracies, mean loss.
        scored: what is answered at a noise SD.
        seconds: that it took so far; scoring is added.
    """
    start = time.perf_counter()
    found = {f"{sd:g}": scored(sd) for sd in spec.test_noise_sds}
    masks = {"correct": {sd: encode(each.right) for sd, each in found.items()}}
    if spec.display and spec.display.second_digit:
        masks["intruded"] = {sd: encode(each.intruded) for sd, each in found.items()}
    return {
        "spec": spec.to_json(),
        "epochs": epochs,
        **masks,
        "versions": versions(),
        "processor": processor(),
        "seconds": round(seconds + time.perf_counter() - start, 3),
    }


def encode(correct: np.ndarray) -> str:
    """Right or wrong, `(images,)` bool, as text for a record."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def decode_correct(record: Mapping, sd: float, what: str = "correct") -> np.ndarray:
    """Which test images a run named right at the end, at noise SD `sd`.

    Or, as `what` says, in which displays it "intruded": named the second digit.

    Returns:
        `(test_images,)` bool, in the order of the test set.

    Raises:
        ValueError: if the record was not scored at that level.
    """
    masks = record.get(what, {})
    if f"{sd:g}" not in masks:
        raise ValueError(
            f"The record holds {what!r} at noise SDs {', '.join(masks) or 'none'}, not "
            f"{sd:g}."
        )
    packed = np.frombuffer(base64.b64decode(masks[f"{sd:g}"]), "uint8")
    return np.unpackbits(packed, count=record["spec"]["test_images"]).astype(bool)


def versions() -> dict[str, str]:
    """Versions of what a result depends on, and the settings `utils.outside`."""
    libraries = ("jax", "jaxlib", "keras", "numpy", "attention-in-a-cnn")
    found = {name: importlib.metadata.version(name) for name in libraries}
    return {"python": platform.python_version(), **found, **outside()}


@functools.cache
def processor() -> str:
    """The processor's name, as far as the system tells it; a GPU's, if JAX has one."""
    if jax.default_backend() != "cpu":
        return jax.devices()[0].device_kind
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1] for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0].strip() if names else platform.processor() or platform.machine()
