"""What the post reported, what our records say, and how the two compare.

Every number of the comparative study that a reader meets, in notebook 04 and in the
README, is made here from records, so a test can hold the text to them.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from utils.records import Store
from utils.statistics import mean_and_standard_error

CURVES_FILE = Path(__file__).with_name("published_curves.csv")
RECORDS = Path(__file__).parents[1] / "figures" / "records"
PUBLISHED_NOISE = 2.5  # grey levels
CLEAN, MATCHED = "accuracy_clean", "accuracy_matched"
ERRATIC_FALL, ERRATIC_END = 0.05, 0.5  # fixed before the runs were seen
SAME = 1.0  # points: two arms closer than this count as alike
ARMS = {"as_coded": "attention", "ones": "ones"}  # our name -> the published one


def published_curves() -> dict[tuple[str, float], np.ndarray]:
    """Test accuracies that the post's repository reports (Vatterott 2016).

    Returns:
        `(attention, training noise SD)` -> `(3 runs, 12 epochs)`: 144 values, all
        of them on clean test images.
    """
    with CURVES_FILE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    curves = {}
    for attention, published in ARMS.items():
        for noise_sd, condition in ((0.0, "nonoise"), (PUBLISHED_NOISE, "noise")):
            values = [
                (int(r["run"]), int(r["epoch"]), float(r["accuracy"]))
                for r in rows
                if (r["condition"], r["model"]) == (condition, published)
            ]
            accuracy = [value for _, _, value in sorted(values)]
            curves[attention, noise_sd] = np.reshape(accuracy, (3, 12))
    return curves


def committed(specs: Sequence) -> list[dict]:
    """Records that ship with the project, one for each spec.

    Raises:
        FileNotFoundError: if a run is not among them.
    """
    store = Store(RECORDS)
    return [store.record(spec.name) for spec in specs]


def accuracies(
    records: Sequence[Mapping], attention: str, noise_sd: float, test: str
) -> np.ndarray:
    """Learning curves of one cell of a study, as `(runs, epochs)`.

    Args:
        records: of a study; runs come in the order of their seeds.
        attention: a kind.
        noise_sd: training noise, grey levels.
        test: `"accuracy_clean"` or `"accuracy_matched"` (the training noise).

    Raises:
        ValueError: if no record is of that cell.
    """
    runs = cell(records, attention, noise_sd)
    return np.array([[epoch[test] for epoch in run["epochs"]] for run in runs])


def cell(records: Sequence[Mapping], attention: str, noise_sd: float) -> list[Mapping]:
    """The records of one cell of a study, in the order of their seeds.

    Raises:
        ValueError: if there are none.
    """
    found = [
        record
        for record in records
        if (record["spec"]["attention"], record["spec"]["noise_sd"])
        == (attention, noise_sd)
    ]
    if not found:
        raise ValueError(
            f"No record of attention {attention!r} with training noise {noise_sd:g}."
        )
    return sorted(found, key=lambda record: record["spec"]["seed"])


class Difference(NamedTuple):
    """A paired difference between two arms, in percentage points."""

    mean: float
    low: float  # of the 95% interval
    high: float
    runs: int
    wins: int  # pairs in which attention is ahead

    def __str__(self):
        return (
            f"{self.mean:+.1f} points (95% interval {self.low:+.1f} to "
            f"{self.high:+.1f}, {self.runs} pairs)"
        )


def difference(records: Sequence[Mapping], noise_sd: float, test: str) -> Difference:
    """`as_coded` minus `ones` after the last epoch, paired by seed.

    The interval is Student's t over seeds: wide with three pairs, as it should be.
    """
    attention, ones = (accuracies(records, arm, noise_sd, test)[:, -1] for arm in ARMS)
    points = 100 * (attention - ones)
    mean, error = mean_and_standard_error(points)
    half = stats.t.ppf(0.975, len(points) - 1) * error
    wins = int(np.sum(points > 0))
    return Difference(
        float(mean), float(mean - half), float(mean + half), len(points), wins
    )


class Claim(NamedTuple):
    """One claim of the post, and what the records say of it."""

    claim: str
    published: str
    ours: str
    verdict: str


def claims(records: Sequence[Mapping], guided: Sequence[Mapping]) -> list[Claim]:
    """The post's three claims, with verdicts that follow from the records.

    Args:
        records: of profile `published`.
        guided: of profile `guided`.
    """
    curves = published_curves()

    def reported(noise_sd):
        arms = (curves[arm, noise_sd][:, -1].mean() for arm in ARMS)
        return "{:.3f} against {:.3f}".format(*arms)

    def found(noise_sd, test):
        arms = (accuracies(records, arm, noise_sd, test)[:, -1].mean() for arm in ARMS)
        gap = difference(records, noise_sd, test)
        return "{:.3f} against {:.3f}: {}".format(*arms, gap), gap

    clean, clean_gap = found(0.0, CLEAN)
    mismatch, mismatch_gap = found(PUBLISHED_NOISE, CLEAN)
    matched, matched_gap = found(PUBLISHED_NOISE, MATCHED)
    control = cell(records, "ones", 0.0)
    erratic, calm = (sum(map(is_erratic, runs)) for runs in (guided, control))
    return [
        Claim(
            "1. On clean images, attention makes no difference.",
            reported(0.0),
            clean,
            f"Reproduced (within {SAME:g} point)"
            if abs(clean_gap.mean) < SAME
            else "Not reproduced",
        ),
        Claim(
            "2. On noisy images, attention is far superior (as published: trained "
            "with noise, tested clean).",
            reported(PUBLISHED_NOISE),
            mismatch,
            "Reproduced"
            if mismatch_gap.low > 0
            else f"In every pair; {mismatch_gap.runs} pairs leave its size open"
            if mismatch_gap.wins == mismatch_gap.runs
            else "Not reproduced",
        ),
        Claim(
            "2b. The same networks, tested on noisy images.",
            "not reported",
            matched,
            f"The advantage is gone (within {SAME:g} point)"
            if matched_gap.mean < SAME
            else "It remains",
        ),
        Claim(
            "3. A network whose own guess guides its attention is erratic to train.",
            "said, no numbers",
            f"{erratic} of {len(guided)} runs fall by over {ERRATIC_FALL:.0%} between "
            f"epochs or end below {ERRATIC_END:.0%} (control: {calm} of "
            f"{len(control)})",
            "Reproduced" if erratic > calm else "Not reproduced",
        ),
    ]


def is_erratic(record: Mapping) -> bool:
    """Whether clean accuracy falls by over .05 between epochs, or ends below .5."""
    curve = [epoch[CLEAN] for epoch in record["epochs"]]
    fall = max(-np.diff(curve), default=0.0)
    return bool(fall > ERRATIC_FALL or curve[-1] < ERRATIC_END)


def findings(records: Sequence[Mapping]) -> list[str]:
    """What was found, in sentences whose numbers come from the records.

    The README has them word for word; a test compares.

    Args:
        records: of profile `published`.
    """

    def last(attention, noise_sd, test):
        return accuracies(records, attention, noise_sd, test)[:, -1].mean()

    clean, mismatch, matched = (
        difference(records, noise_sd, test)
        for noise_sd, test in (
            (0.0, CLEAN),
            (PUBLISHED_NOISE, CLEAN),
            (PUBLISHED_NOISE, MATCHED),
        )
    )
    curves = published_curves()
    reported = {
        (arm, sd): curves[arm, sd][:, -1].mean()
        for arm in ARMS
        for sd in (0.0, PUBLISHED_NOISE)
    }
    noisy = PUBLISHED_NOISE
    hours = sum(record["seconds"] for record in records) / 3600
    return [
        f"**The published figures come out again.** After twelve epochs, networks "
        f"trained on clean digits reach {last('as_coded', 0.0, CLEAN):.3f} with the "
        f"published attention and {last('ones', 0.0, CLEAN):.3f} without (reported: "
        f"{reported['as_coded', 0.0]:.3f} and {reported['ones', 0.0]:.3f}), a "
        f"difference of {clean}.",
        f"Networks trained with noise reach {last('as_coded', noisy, CLEAN):.3f} and "
        f"{last('ones', noisy, CLEAN):.3f} (reported: "
        f"{reported['as_coded', noisy]:.3f} and {reported['ones', noisy]:.3f}), a "
        f"difference of {mismatch}.",
        f"**The second figure tests on clean images.** Tested with the noise of their "
        f"training, the same networks reach {last('as_coded', noisy, MATCHED):.3f} "
        f"with attention and {last('ones', noisy, MATCHED):.3f} without, a difference "
        f"of {matched}.",
        f"The whole study, {len(records)} runs of {len(records[0]['epochs'])} epochs, "
        f"took {hours:.1f} hours of one core.",
    ]
