"""Arms whose settings validation images choose."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from utils.runs import RunSpec
from utils.studies.arms import Arm


def rates(*learning_rates: float, **others) -> tuple[dict[str, Any], ...]:
    """Settings that differ in their learning rate, and what else they all have."""
    return tuple({**others, "learning_rate": rate} for rate in learning_rates)


@attrs.frozen(eq=False)  # one is what it is, not what it holds
class Tuned:
    """An arm, and the settings that are tried for it.

    Example:
        >>> control = Tuned("control", RunSpec(), rates(0.01, 0.03), sd=2.5)
        >>> attended = control.but("activity", attention="energy")
        >>> attended.on_validation  # arms to choose by; with their records in a store,
        >>> attended.arm(range(20))  # at the best of these rates, on test images
    """

    label: str
    run: RunSpec  # scored on test images, at the first of its noise levels that counts
    settings: Sequence[Mapping[str, Any]] = attrs.field(converter=tuple)
    sd: float  # noise that settings are compared in, grey levels
    seeds: Sequence[int] = (100,)  # to try them with; none of those of the arm
    validation: Mapping[str, Any] = attrs.field(factory=dict)  # of these runs, if other

    def but(self, label: str, settings=None, **changes) -> "Tuned":
        """The same with these changes of its run, and other settings if they are given.

        So what is compared differs in what is written here, and in nothing else.
        """
        run = attrs.evolve(self.run, **changes)
        settings = self.settings if settings is None else settings
        return attrs.evolve(self, label=label, run=run, settings=settings)

    @property
    def on_validation(self) -> list[Arm]:
        """One for each setting, scored on validation images; no weights are kept."""
        validation = {
            "scored_on": "validation",
            "test_images": 5_000,
            "test_noise_sds": (0.0, self.sd / 2, self.sd),
            "keeps_weights": False,
            **self.validation,
        }
        run = attrs.evolve(self.run, **validation)
        return [
            Arm(self.label, attrs.evolve(run, **setting), self.seeds)
            for setting in self.settings
        ]

    def accuracy(self, sd: float | None = None) -> np.ndarray:
        """On validation images, `(settings, seeds)`, in noise of `sd` or of another SD.

        Raises:
            FileNotFoundError: if the store lacks one of its runs.
        """
        sd = self.sd if sd is None else sd
        return np.array([arm.accuracy(sd) for arm in self.on_validation])

    @functools.cached_property
    def chosen(self) -> Mapping[str, Any]:
        """The setting that is best over its seeds."""
        return self.settings[self.accuracy().mean(1).argmax()]

    def arm(self, seeds: Sequence[int], **changes) -> Arm:
        """The run as chosen and with these changes, scored on test images."""
        run = attrs.evolve(self.run, **self.chosen)
        return Arm(self.label, attrs.evolve(run, **changes), seeds)
