"""Arms whose settings validation images choose."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from utils.runs import RunSpec
from utils.studies.arms import Arm


@attrs.frozen(eq=False)  # one is what it is, not what it holds
class Tuned:
    """An arm, and the settings that are tried for it.

    Example:
        >>> tuned = Tuned("a", RunSpec(), [{"strength": 0.5}], range(100, 102), sd=2.5)
        >>> tuned.runs  # on validation images; once their records are in the store,
        >>> tuned.arm(range(20))  # the same at the best of its settings, on test images
    """

    label: str
    run: RunSpec  # scored on test images, at the first of its noise levels that counts
    settings: Sequence[Mapping[str, Any]] = attrs.field(converter=tuple)
    seeds: Sequence[int] = attrs.field(converter=tuple)  # none of those of the arm
    sd: float  # noise that settings are compared in, grey levels
    validation: Mapping[str, Any] = attrs.field(factory=dict)  # of these runs, if other

    @property
    def tried(self) -> list[Arm]:
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

    @property
    def runs(self) -> list[RunSpec]:
        """Those of all its settings."""
        return [run for arm in self.tried for run in arm.runs]

    def accuracy(self, sd: float | None = None) -> np.ndarray:
        """On validation images, `(settings, seeds)`, in noise of `sd` or of another SD.

        Raises:
            FileNotFoundError: if the store lacks one of its runs.
        """
        sd = self.sd if sd is None else sd
        return np.array([arm.accuracy(sd) for arm in self.tried])

    @functools.cached_property
    def chosen(self) -> Mapping[str, Any]:
        """The setting that is best over its seeds."""
        return self.settings[self.accuracy().mean(1).argmax()]

    def arm(self, seeds: Sequence[int], **changes) -> Arm:
        """The run as chosen and with these changes, scored on test images."""
        run = attrs.evolve(self.run, **self.chosen)
        return Arm(self.label, attrs.evolve(run, **changes), seeds)


def seed_by_seed(runs: Sequence[RunSpec]) -> list[RunSpec]:
    """Runs in the order of their seeds: a part of a study is a result for fewer."""
    return sorted(runs, key=lambda run: run.seed)
