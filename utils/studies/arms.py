"""Arms of a study, and how two of them compare, seed by seed on the same test images.

An arm is a list of runs that differ in their seed; two arms are paired by seed.
Differences are arm minus control, in percentage points.
"""

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Sequence

import attrs
import numpy as np

from utils.files import write
from utils.runs import RunSpec, decode_correct
from utils.statistics import (
    FEWEST_TO_RESAMPLE,
    Equivalence,
    Estimate,
    difference_over_seeds_and_images,
    difference_with_p,
    equivalence,
    paired_difference,
    sign_flip_test,
)
from utils.studies.probes import Probe
from utils.studies.store import COMMITTED, Store

CLEAN, MATCHED = "accuracy_clean", "accuracy_matched"  # of an epoch, in a record


@attrs.frozen
class Arm:
    """Runs that differ in their seed only.

    Example:
        >>> control = Arm("control", RunSpec(noise_sd=2.5), range(3))
        >>> control.accuracy(0.0)  # (3,), from the project's own records
    """

    label: str  # text of a legend or a table
    run: RunSpec | Probe  # with any seed
    seeds: Sequence[int] = attrs.field(converter=tuple)
    store: Store = attrs.field(default=COMMITTED, eq=False)

    @property
    def runs(self) -> list[RunSpec | Probe]:
        """The runs, in the order of their seeds."""
        return [self.run.with_seed(seed) for seed in self.seeds]

    @functools.cached_property
    def records(self) -> list[dict]:
        """The records, in the order of the seeds.

        Raises:
            FileNotFoundError: if the store lacks one.
        """
        return [self.store.record(run.name) for run in self.runs]

    def weights(self, seed: int) -> dict[str, np.ndarray]:
        """Trained weights by layer of the run with this seed."""
        return self.store.weights(self.run.with_seed(seed).name)

    def probed(self, seeds=None, maps_of: "Arm | None" = None, **changes) -> "Arm":
        """Its trained networks looked at again, with these changes (`Probe`)."""
        asked = Probe(self.run, changes, maps_of and maps_of.run)
        return attrs.evolve(self, run=asked, seeds=seeds or self.seeds)

    @property
    def levels(self) -> np.ndarray:
        """Noise SDs in grey levels at which the trained networks were tested."""
        return np.array(self.run.spec.test_noise_sds)

    def curve(self, test: str = MATCHED) -> np.ndarray:
        """Accuracy after each epoch, `(seeds, epochs)`; `test` as a record names it."""
        return np.array([[e[test] for e in each["epochs"]] for each in self.records])

    def right(self, sd: float) -> np.ndarray:
        """Which test images were named right after training: `(seeds, images)` bool."""
        return np.array([decode_correct(each, sd) for each in self.records])

    def intruded(self, sd: float) -> np.ndarray:
        """In which displays the second digit was named: `(seeds, images)` bool."""
        return np.array([decode_correct(each, sd, "intruded") for each in self.records])

    def named(self, sd: float) -> np.ndarray:
        """In which displays either digit was named: `(seeds, images)` bool."""
        return self.right(sd) | self.intruded(sd)

    def accuracy(self, sd: float) -> np.ndarray:
        """Accuracy of each network after training, at noise SD `sd`: `(seeds,)`."""
        return self.right(sd).mean(1)


def derived(function: Callable, arm: Arm, *arguments):
    """`function(arm, *arguments)`, kept beside the records: for what takes long.

    It must give plain lists, dicts and numbers. The result lies in `derived/` of the
    store, under a name made of the function, its arguments, the runs and their weights:
    where one of these is another, so is the name. Where nothing can be written it is
    computed each time. Tests compute results anew.
    """
    runs = [
        (run.name, record["weights_sha256"])
        for run, record in zip(arm.runs, arm.records, strict=True)
    ]
    inputs = json.dumps([runs, [repr(each) for each in arguments]])
    digest = hashlib.sha256(inputs.encode()).hexdigest()[:10]
    name = f"{function.__name__.strip('_')}-{digest}.json"
    path = arm.store.folder / "derived" / name
    if path.exists():
        return json.loads(path.read_text("utf-8"))
    found = function(arm, *arguments)
    with contextlib.suppress(OSError):  # a store that may only be read, a full disk
        write(path, (json.dumps(found) + "\n").encode())
    return found


def paired(arm: Arm, control: Arm) -> tuple[Arm, Arm]:
    """Both arms with the seeds that both have, from the first on.

    Raises:
        ValueError: if these are not the same seeds.
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

    What is counted is right answers, or those of `Arm.intruded` or `Arm.named`. The
    interval holds for other seeds and other test images (`utils.statistics`), with
    fewer than 8 pairs for other seeds; seeds that only one arm has are left out.
    """
    one, other = (answers(each, sd) for each in paired(arm, control))
    shares = one.mean(1), other.mean(1)
    if len(one) < FEWEST_TO_RESAMPLE:
        found = paired_difference(*shares)
    else:
        found = difference_over_seeds_and_images(one, other)
    return found.times(100, "points")._replace(p=sign_flip_test(*shares))


def contrast_after_an_epoch(
    arm: Arm, control: Arm, test: str = MATCHED, epoch: int = 1
) -> Estimate:
    """Compare two arms in the midst of training; the interval is for other seeds."""
    both = (each.curve(test)[:, epoch - 1] for each in paired(arm, control))
    return difference_with_p(*both, "").times(100, "points")


def alike(arm: Arm, control: Arm, sd: float, margin: float) -> Equivalence:
    """Whether two arms differ by less than a margin in points: two one-sided tests."""
    one, other = (100 * each.accuracy(sd) for each in paired(arm, control))
    return equivalence(one, other, margin)


def late_gain(arm: Arm, epochs: int = 1) -> Estimate:
    """Points of accuracy that the last epochs of training still add."""
    curve = 100 * arm.curve()
    found = paired_difference(curve[:, -1], curve[:, -1 - epochs])
    return found._replace(unit="points", basis="")


def lead_change(arm: Arm, control: Arm, since: int) -> Estimate:
    """Points by which the lead of an arm has changed from epoch `since` to the last."""
    one, other = (100 * each.curve() for each in paired(arm, control))
    lead = one - other
    found = paired_difference(lead[:, -1], lead[:, since - 1])
    return found._replace(unit="points", basis="")


def speed_up(arm: Arm, control: Arm, *, last: int = 3, start: float = 0.1) -> Estimate:
    """How many times fewer images an arm needs to get where its control ends.

    For each seed, the target is the mean of the control's `last` epochs, on test images
    with the largest noise of training, and the ratio is that of the epochs after which
    control and arm first reach it. The value is the geometric mean over seeds, and the
    interval is for other seeds. Equal curves give 1. `start` is accuracy by chance.

    Raises:
        ValueError: if an arm never reaches the target: there is no ratio then.
    """
    curves = [each.curve() for each in paired(arm, control)]
    targets = curves[1][:, -last:].mean(1)

    def epochs(curves):
        pairs = zip(curves, targets, strict=True)
        return np.array([epochs_to_reach(*pair, start) for pair in pairs])

    sooner, later = map(epochs, curves)
    if np.isnan(sooner).any():
        raise ValueError(
            f"{np.isnan(sooner).sum()} of {len(sooner)} networks never reach the final "
            "accuracy of their controls: there is no ratio for them."
        )
    found = paired_difference(np.log(later), np.log(sooner))
    return Estimate(*np.exp(found[:3]).tolist(), *found[3:])._replace(unit="times")


def epochs_to_reach(curve, target: float, start: float = 0.1) -> float:
    """After how many epochs a learning curve first reaches an accuracy.

    Linear between epochs, and from `start` (chance) before the first; NaN if never.

    Args:
        curve: `(epochs,)` accuracy after each epoch.
        target: the accuracy to reach.
        start: accuracy before training.
    """
    curve = np.concatenate([[start], np.asarray(curve, float)])
    reached = np.flatnonzero(curve >= target)
    if not len(reached):
        return float("nan")
    after = reached[0]
    if after == 0:
        return 0.0
    before, there = curve[after - 1 : after + 1]
    return float(after - 1 + (target - before) / (there - before))
