"""What the post reported, what our records say, and how the two compare.

The comparative study's numbers are made here from records, so that the sentences of
`utils.claims`, and a test, can hold the text to them.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from utils.data import load_mnist
from utils.model import (
    CHANNELS,
    attention_maps,
    build_model,
    load_published_weights,
    predict,
    set_weights,
)
from utils.noise import add_noise
from utils.profiles import PUBLISHED_NOISE, published_cells
from utils.records import Store
from utils.statistics import Estimate, mean_and_standard_error, paired_difference

CURVES_FILE = Path(__file__).with_name("published_curves.csv")
WEIGHTS_FILE = Path(__file__).with_name("published_weights.csv")
WEIGHTS_NAME = "{}_model_weights.h5"  # of a file in the author's repository
RECORDS = Path(__file__).parents[1] / "figures" / "records"
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


class PublishedWeights(NamedTuple):
    """What networks with the author's own weights name right."""

    weights: str  # the author's name for them
    attention: str
    training_noise_sd: float
    accuracy_clean: float  # on 10,000 test images
    accuracy_noisy: float  # with noise of SD 2.5
    noisy_images: int  # on the first so many of them


def published_weights(folder: str | Path | None = None) -> list[PublishedWeights]:
    """Accuracy of the networks whose weights the author published, clean and noisy.

    Args:
        folder: the folder `Weights` of the author's repository, which is not part of
            this project. Without it, what was measured on these files.

    Raises:
        FileNotFoundError: if a file is not in the folder.
    """
    with WEIGHTS_FILE.open(newline="") as file:
        rows = [
            PublishedWeights(w, attention, *map(float, numbers), int(images))
            for w, attention, *numbers, images in list(csv.reader(file))[1:]
        ]
    return rows if folder is None else [_measured(row, Path(folder)) for row in rows]


def _measured(row, folder):
    _, (images, labels) = load_mnist()
    model = build_model(row.attention)
    load_published_weights(model, folder / WEIGHTS_NAME.format(row.weights))

    def accuracy(images):
        parts = np.split(images, range(500, len(images), 500))
        named = np.concatenate([predict(model, part).argmax(-1) for part in parts])
        return float(np.mean(named == labels))

    noisy = add_noise(images, PUBLISHED_NOISE, np.random.default_rng(0))
    return row._replace(
        accuracy_clean=accuracy(images),
        accuracy_noisy=accuracy(noisy),
        noisy_images=len(images),
    )


def published_gains(images: int = 1_000) -> tuple[float, float]:
    """Smallest and largest gain that the published attention gives, once trained.

    Over the first test images, all places, and the six networks of profile `published`
    that have it.
    """
    _, (x_test, _) = load_mnist()
    model, found = build_model("as_coded"), []
    for spec in published_cells(range(3)):
        if spec.attention == "as_coded":
            set_weights(model, Store(RECORDS).weights(spec.name))
            found.append(attention_maps(model, x_test[:images]))
    return float(np.min(found)), float(np.max(found))


def scrambled(gain: np.ndarray) -> np.ndarray:
    """What the published code would have given the channels of `conv_2`'s input.

    It repeats the rows of a map `(rows, cols)` 32 times and reshapes: `(32, rows,
    cols)`, each channel one row or two, copied downwards (Vatterott 2016, code).
    """
    return np.repeat(gain, CHANNELS, axis=0).reshape(CHANNELS, *gain.shape)


def scrambled_correlation(images: int = 1_000) -> Estimate:
    """How far `scrambled` gains agree with the map they were made from.

    Pearson's correlation over all channels and places, of the maps from activity of
    the network that ships with the explorers; mean over the first test images.
    """
    from utils.explorers import trained

    _, (x_test, _) = load_mnist()
    model = build_model("energy")
    set_weights(model, trained("ones"))
    found = [
        np.corrcoef(scrambled(gain).ravel(), np.tile(gain.ravel(), CHANNELS))[0, 1]
        for gain in attention_maps(model, x_test[:images])
    ]
    return paired_difference(found, np.zeros(images))


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


class Verdict(NamedTuple):
    """One claim of the post, and what the records say of it."""

    claim: str
    published: str
    ours: str
    verdict: str


def verdicts(records: Sequence[Mapping], guided: Sequence[Mapping]) -> list[Verdict]:
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
        Verdict(
            "1. On clean images, attention makes no difference.",
            reported(0.0),
            clean,
            f"Reproduced (within {SAME:g} point)"
            if abs(clean_gap.mean) < SAME
            else "Not reproduced",
        ),
        Verdict(
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
        Verdict(
            "2b. The same networks, tested on noisy images.",
            "not reported",
            matched,
            f"The advantage is gone (within {SAME:g} point)"
            if matched_gap.mean < SAME
            else "It remains",
        ),
        Verdict(
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
