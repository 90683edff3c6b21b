"""Arms of a study, and comparisons of two arms on the same test images.

An arm is a list of runs that differ in their seed; two arms are paired by seed.
Differences are arm minus control, in percentage points.
"""

import functools
from collections.abc import Sequence

import attrs
import numpy as np

from utils.data import Part
from utils.estimate import Estimate
from utils.inference import (
    Equivalence,
    difference_over_seeds_and_images,
    difference_with_p,
    equivalence,
    sign_flip_test,
)
from utils.record import decode_correct
from utils.runs.probes import Probe, tested
from utils.runs.store import COMMITTED, Store, as_store
from utils.spec import RunSpec

CLEAN, MATCHED = "accuracy_clean", "accuracy_matched"  # keys of an epoch in a record


@attrs.frozen
class Arm:
    """Runs that differ in their seed only.

    Example:
        >>> control = Arm("control", RunSpec(noise_sd=2.5), range(3))
        >>> control.accuracy(0.0)  # (3,), from the project's own records
    """

    label: str  # text of a legend or a table
    spec: RunSpec | Probe  # `seeds` replace its seed
    seeds: Sequence[int] = attrs.field(converter=tuple)
    store: Store = attrs.field(default=COMMITTED, converter=as_store, eq=False)

    @property
    def specs(self) -> list[RunSpec | Probe]:
        """The specs of the runs, in the order of their seeds."""
        return [self.spec.with_seed(seed) for seed in self.seeds]

    @property
    def tested(self) -> RunSpec:
        """The spec under which its networks are tested, with an arbitrary seed."""
        return tested(self.spec)

    def test_data(self) -> Part:
        """The test images `(images, rows, cols)` and labels of its runs."""
        return self.tested.load()[1]

    @functools.cached_property
    def records(self) -> list[dict]:
        """The records, in the order of the seeds.

        Raises:
            FileNotFoundError: if the store lacks one of them.
        """
        return [self.store.record(spec.name) for spec in self.specs]

    def weights(self, seed: int) -> dict[str, np.ndarray]:
        """Trained weights of the run with this seed, by layer."""
        return self.store.weights(self.spec.with_seed(seed).name)

    def probed(self, seeds=None, maps_of: "Arm | None" = None, **changes) -> "Arm":
        """An arm of probes: these networks tested with changes (`utils.runs.probes`).

        With `maps_of`, each is given the maps of that arm's network of the same seed.
        """
        asked = Probe(self.spec, changes, maps_of and maps_of.spec)
        return attrs.evolve(self, spec=asked, seeds=seeds or self.seeds)

    @property
    def levels(self) -> np.ndarray:
        """Noise SDs in grey levels at which the trained networks were tested."""
        return np.array(self.tested.test_noise_sds)

    def curve(self, test: str = MATCHED) -> np.ndarray:
        """Accuracy after each epoch, `(seeds, epochs)`; `MATCHED` or `CLEAN`."""
        return np.array([[e[test] for e in each["epochs"]] for each in self.records])

    def right(self, sd: float) -> np.ndarray:
        """Images that were named right after training: `(seeds, images)` bool."""
        return np.array([decode_correct(each, sd) for each in self.records])

    def intruded(self, sd: float) -> np.ndarray:
        """Displays in which the second digit was named: `(seeds, images)` bool."""
        return np.array([decode_correct(each, sd, "intruded") for each in self.records])

    def named(self, sd: float) -> np.ndarray:
        """Displays in which either digit was named: `(seeds, images)` bool."""
        return self.right(sd) | self.intruded(sd)

    def accuracy(self, sd: float) -> np.ndarray:
        """Accuracy of each network after training, at noise SD `sd`: `(seeds,)`."""
        return self.right(sd).mean(1)


def paired(arm: Arm, control: Arm) -> tuple[Arm, Arm]:
    """Both arms, cut to the number of seeds of the shorter one.

    Raises:
        ValueError: if these seeds differ.
    """
    both = min(len(arm.seeds), len(control.seeds))
    if arm.seeds[:both] != control.seeds[:both]:
        raise ValueError(
            "Expected arms with the same seeds, received "
            f"{arm.seeds} of {arm.label} and {control.seeds} of {control.label}."
        )
    return tuple(attrs.evolve(each, seeds=each.seeds[:both]) for each in (arm, control))


def contrast(arm: Arm, control: Arm, sd: float, answers=Arm.right) -> Estimate:
    """Compare two arms after training, on test images with noise of SD `sd`.

    The number of right answers is compared, or that of `Arm.intruded` or `Arm.named`.
    The interval is for other seeds and other test images (`utils.inference`). Seeds of
    only one arm are left out.
    """
    one, other = (answers(each, sd) for each in paired(arm, control))
    found = difference_over_seeds_and_images(one, other)
    p = sign_flip_test(one.mean(1), other.mean(1))
    return found.times(100, "points")._replace(p=p)


def contrast_after_an_epoch(
    arm: Arm, control: Arm, test: str = MATCHED, epoch: int = 1
) -> Estimate:
    """Compare two arms after an epoch of training; the interval is for other seeds."""
    both = (each.curve(test)[:, epoch - 1] for each in paired(arm, control))
    return difference_with_p(*both, "").times(100, "points")


def alike(arm: Arm, control: Arm, sd: float, margin: float) -> Equivalence:
    """Test whether two arms differ by less than a margin, in points (`equivalence`)."""
    one, other = (100 * each.accuracy(sd) for each in paired(arm, control))
    return equivalence(one, other, margin)
