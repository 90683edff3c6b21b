"""The spec of a run: all settings that decide its result."""

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import attrs
import keras

from utils import attention
from utils.checks import choice, flag, number, numbers, whole
from utils.checks import field as checked  # a run has a setting of that name
from utils.data import Part, digest, load

OPTIMIZERS = ("sgd", "adam")
TEST_NOISE_SDS = (0.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)  # grey levels


class Frozen(dict):
    """A dict that can be hashed and is not meant to be changed."""

    def __hash__(self):
        return hash(json.dumps(self, sort_keys=True, default=attrs.asdict))


@attrs.frozen
class Display:
    """The contents of a display. The default is one digit at a random place.

    Raises:
        ValueError: for a value out of range.
    """

    rows: int = checked(whole(least=1), 44)  # size of the canvas, pixels
    cols: int = checked(whole(least=1), 44)
    distractors: int = checked(whole(), 0)  # number of fragments of other digits
    fragment: int = checked(whole(least=1), 8)  # side of a square fragment, pixels
    second_digit: bool = checked(flag, False)  # only the cue tells which digit counts
    validity: float = checked(number(most=1), 1.0)  # chance that the cue is right
    central: bool = checked(flag, False)  # the target is always in the middle
    # What the cue marks: one digit (the target, if the cue is right), both, or a place
    # that is drawn at random.
    marked: str = checked(choice(("one", "both", "random")), "one")

    def __attrs_post_init__(self):
        if self.marked == "both" and not self.second_digit:
            raise ValueError(
                "Expected second_digit=True with marked='both': the cue marks two "
                "digits. Received False."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the canvas, pixels."""
        return self.rows, self.cols


def _display(value):
    if value is None or isinstance(value, Display):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"Expected display: a Display or None. Received {value!r}.")
    return Display(**value)


@attrs.frozen(kw_only=True)
class Wiring:
    """The connections of the two looks: where the map comes from, and where it acts.

    The default is the published wiring; the others are controls. A new field needs a
    default, so that older records keep their names.

    Raises:
        ValueError: for an unknown value.
    """

    # The map is made from `conv_2`'s features, or by one learned filter of its own.
    looks_at: str = checked(choice(("conv_2", "gate")), "conv_2")
    # The gain multiplies the input of `conv_2`, the output of `conv_1`, or the features
    # that are read out. With "input", a given map is a second channel of the image.
    acts_on: str = checked(choice(("conv_2", "conv_1", "read_out", "input")), "conv_2")
    # Over places: their mean with the padding, as published, or without it; a mean
    # with learned weights.
    read_out: str = checked(
        choice(("mean", "mean_inside", "attention_pooling")), "mean"
    )
    # No gradient passes through the map.
    stops_gradient: bool = checked(flag, False)
    yoked: bool = checked(flag, False)  # the map is made from other images
    field: bool = checked(flag, False)  # a given map is an attention field
    times_cue: bool = checked(flag, False)  # a given map multiplies the gain
    # SD of noise in `conv_2`'s input at the second look, in the unit of that input; it
    # is added after the gain or, if it comes first, before it.
    internal_noise: float = checked(number(), 0.0)
    internal_noise_first: bool = checked(flag, False)

    def check_kind(self, kind: str, parameters: Mapping) -> None:
        """Raise a `ValueError` if a kind of attention does not fit this wiring."""
        if (
            self.looks_at == "gate"
            and attention.made_of(kind, parameters) != "features"
        ):
            raise ValueError(
                "Expected a kind that is made of features, for a gate. Received "
                f"{kind!r}."
            )
        uses = self.yoked, self.field, self.times_cue
        if any(uses) and kind == "given":
            raise ValueError(
                "Expected a kind that makes its map, for yoked, field or times_cue. "
                "Received 'given'."
            )
        channel = self.acts_on == "input"
        if (channel and kind != "given") or sum(uses) > 1:
            raise ValueError(
                "Expected at most one map or image beside the images: acts_on='input' "
                "with 'given', or yoked, or field, or times_cue. Received "
                f"{kind!r} and {self}."
            )


def _own_first(cls, fields):
    """The run's own fields, then those of its wiring: the order of a record."""
    return sorted(fields, key=lambda field: field.inherited)


@attrs.frozen(field_transformer=_own_first)
class RunSpec(Wiring):
    """All settings of a run; the defaults are the published ones (Vatterott 2016).

    They include its wiring. A yoked network makes its map from a display of another
    digit in equally strong noise; an attention field is the map of the display's cue.

    Raises:
        ValueError: for an unknown kind of attention, or a value out of range.
    """

    attention: str = "ones"
    attention_parameters: Mapping[str, Any] = attrs.field(factory=dict)
    strength: float = checked(number(most=1), 1.0)
    input_scale: float = checked(number(), 1.0)  # factor of the grey levels
    noise_sd: float = checked(number(), 0.0)  # in training, grey levels
    noise_varies: bool = checked(flag, False)  # in training: uniform, 0 to noise_sd
    # "on" the square in which the target of a display lies, or "off" it.
    noise_lies: str = checked(choice(("everywhere", "on", "off")), "everywhere")
    data: str = "mnist"  # or the path of a file for utils.data.load_npz
    contrast: float = checked(number(most=1), 1.0)  # of test images, before noise
    contrast_varies: bool = checked(flag, False)  # in training: uniform, 0 to 1
    display: Display | None = attrs.field(default=None, converter=_display)
    images: int = checked(whole(least=1), 60_000)  # in an epoch, always the same ones
    goes_on: bool = checked(flag, False)  # each epoch takes the next training images
    epochs: int = checked(whole(least=1), 12)
    batch_size: int = checked(whole(least=1), 1)
    optimizer: str = checked(choice(OPTIMIZERS), "sgd")
    learning_rate: float = checked(number(), 0.01)
    momentum: float = checked(number(), 0.5)  # Nesterov's; Adam has none
    learning_rate_decay: float = checked(number(), 1e-6)  # rate / (1 + decay * updates)
    conv_2_start: float = checked(number(), 1.0)  # factor of its initial kernel
    conv_2_rate: float = checked(number(), 1.0)  # factor of its learning rate; SGD only
    seed: int = checked(whole(), 0)
    scored_on: str = checked(choice(("test", "validation")), "test")
    test_images: int = checked(whole(least=1), 10_000)
    curve_images: int | None = None  # test images after each epoch; None: all
    test_noise_sds: tuple[float, ...] = checked(numbers, TEST_NOISE_SDS)
    keeps_weights: bool = checked(flag, True)  # stores weights with the record
    data_sha256: str | None = None  # of the arrays in `data`; computed if None

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
                "attention='given', field=True and times_cue=True need a map for each "
                "image: the cue of a display (display=Display()). For other maps, use "
                "build_model."
            )
        if self.yoked and not self.display:
            raise ValueError(
                "Expected a display with yoked: the map is made from the display of "
                "another digit. Received None."
            )
        if self.noise_lies != "everywhere" and not self.display:
            raise ValueError(
                f"Expected a display with noise_lies={self.noise_lies!r}: its target "
                "lies on a square. Received None."
            )
        if self.curve_images is not None:
            whole(least=1, most=self.test_images)("curve_images", self.curve_images)
        if self.conv_2_rate != 1 and self.optimizer != "sgd":
            raise ValueError(
                "Expected optimizer='sgd' with a conv_2_rate: only SGD learns in "
                f"proportion to its gradients. Received {self.optimizer!r}."
            )
        if self.images % self.batch_size:
            raise ValueError(
                f"Expected images to be a multiple of batch_size, received "
                f"{self.images} and {self.batch_size}."
            )

    def to_json(self) -> dict:
        """The spec as plain values; `RunSpec(**values)` restores it."""
        plain = attrs.asdict(self)
        if self.display:  # newer fields: older runs keep their names
            for name in ("central", "marked"):
                if plain["display"][name] == getattr(Display(), name):
                    del plain["display"][name]
        return {**plain, "test_noise_sds": list(self.test_noise_sds)}

    @property
    def is_cued(self) -> bool:
        """Whether its network receives the map of the display's cue."""
        return self.attention == "given" or self.field or self.times_cue

    @property
    def network(self) -> dict:
        """The settings of `build_wired`, except kind, image size and seed."""
        names = ("strength", "input_scale", *attrs.fields_dict(Wiring))
        settings = {name: getattr(self, name) for name in names}
        return Frozen({**settings, **self.attention_parameters})

    @property
    def image_shape(self) -> tuple[int, int]:
        """Rows and columns of the images that its network sees, pixels."""
        return self.display.shape if self.display else self.load()[0][0].shape[1:]

    @property
    def work(self) -> int:
        """The number of training images, over all epochs."""
        return self.images * self.epochs

    def load(self) -> tuple[Part, Part]:
        """Load its training images and its test images, with labels.

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
        """The same run with another seed."""
        return attrs.evolve(self, seed=seed)

    @property
    def name(self) -> str:
        """A file name: readable, and different for different specs.

        It depends only on values that differ from the defaults, so that a new field
        does not rename older runs. A data file counts by its content, not its path.
        """
        changed = {k: v for k, v in self.to_json().items() if v != _defaults()[k]}
        changed.pop("data", None)
        text = json.dumps(changed, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return f"{self.attention}-noise{self.noise_sd:g}-seed{self.seed}-{digest}"


@functools.cache
def _defaults():
    return RunSpec().to_json()


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
