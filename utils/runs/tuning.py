"""Arms whose settings are chosen on validation images."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from utils.runs.arms import Arm
from utils.spec import RunSpec


def rates(*learning_rates: float, **others) -> tuple[dict[str, Any], ...]:
    """Settings with these learning rates, and other values that they share."""
    return tuple({**others, "learning_rate": rate} for rate in learning_rates)


@attrs.frozen(eq=False)  # compared by identity, not by value
class Tuned:
    """An arm, and the settings that are tried for it on validation images.

    Example:
        >>> control = Tuned("control", RunSpec(), rates(0.01, 0.03), sd=2.5)
        >>> attended = control.but("activity", attention="energy")
        >>> attended.on_validation  # arms for the choice of the rate
        >>> attended.arm(range(20))  # at the better rate, once their records exist
    """

    label: str
    spec: RunSpec  # scored on test images, with any of the settings
    settings: Sequence[Mapping[str, Any]] = attrs.field(converter=tuple)
    sd: float  # SD of the noise in which settings are compared, grey levels
    seeds: Sequence[int] = (100,)  # seeds for choosing; the arm has others
    validation: Mapping[str, Any] = attrs.field(factory=dict)  # changes of those runs

    def but(self, label: str, settings=None, **changes) -> "Tuned":
        """A network that differs from this one only in these changes."""
        spec = attrs.evolve(self.spec, **changes)
        settings = self.settings if settings is None else settings
        return attrs.evolve(self, label=label, spec=spec, settings=settings)

    @property
    def on_validation(self) -> list[Arm]:
        """An arm for each setting, scored on validation images, without weights."""
        validation = {
            "scored_on": "validation",
            "test_images": 5_000,
            "test_noise_sds": (0.0, self.sd / 2, self.sd),
            "keeps_weights": False,
            **self.validation,
        }
        run = attrs.evolve(self.spec, **validation)
        return [
            Arm(self.label, attrs.evolve(run, **setting), self.seeds)
            for setting in self.settings
        ]

    def accuracy(self, sd: float | None = None) -> np.ndarray:
        """Accuracy on validation images, `(settings, seeds)`, in noise of SD `sd`.

        Raises:
            FileNotFoundError: if the store lacks one of its runs.
        """
        sd = self.sd if sd is None else sd
        return np.array([arm.accuracy(sd) for arm in self.on_validation])

    @functools.cached_property
    def chosen(self) -> Mapping[str, Any]:
        """The setting with the highest mean accuracy over its seeds."""
        return self.settings[self.accuracy().mean(1).argmax()]

    def arm(self, seeds: Sequence[int], **changes) -> Arm:
        """The arm at the chosen setting, with these changes, scored on test images."""
        run = attrs.evolve(self.spec, **self.chosen)
        return Arm(self.label, attrs.evolve(run, **changes), seeds)


def on_validation(networks: Iterable[Tuned]) -> list[Arm]:
    """The arms of networks at each of their settings, scored on validation images."""
    return [arm for network in networks for arm in network.on_validation]


def chosen(networks: Iterable[Tuned], seeds: Sequence[int]) -> list[Arm]:
    """The arms of networks at their chosen settings, scored on test images."""
    return [network.arm(seeds) for network in networks]
