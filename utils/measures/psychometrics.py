"""Accuracy as a function of the noise, d', and the answers of a class.

Noise SDs are in grey levels; their ratios are in decibels: 6 dB is twice the noise.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy
from scipy import special

from utils.estimate import Estimate
from utils.inference import paired_difference
from utils.runs.arms import Arm, paired

COLUMNS = (  # of a file that the observer saves
    *("trial", "noise_sd", "label", "answer", "correct", "response_ms"),
    *("condition", "seed"),
)
CONDITIONS = ("uncued", "cued")


def decibels(ratio):
    """`20 log10(ratio)`, any shape: 1 is 0 dB, 0 is minus infinity."""
    with np.errstate(divide="ignore"):
        return 20 * np.log10(ratio)


def noise_borne(arm: Arm, accuracy: float) -> np.ndarray:
    """The noise SD, in grey levels, at which each network has an accuracy: `(seeds,)`.

    Raises:
        ValueError: if the accuracy is outside a network's range at these levels.
    """
    levels = arm.levels[arm.levels > 0]
    curves = np.transpose([arm.accuracy(sd) for sd in levels])
    return noise_at(accuracy, levels, curves, f"network of {arm.label}")


def noise_at(accuracy: float, levels, curves, who: str) -> np.ndarray:
    """The noise SD, in grey levels, at which each observer has an accuracy.

    Accuracy is interpolated linearly over the logarithm of the SD. No function is
    fitted: with so many trials, the data reject the usual ones.

    Args:
        accuracy: from 0 to 1.
        levels: noise SDs above 0, rising: `(levels,)`, grey levels.
        curves: accuracy of each observer at these levels: `(observers, levels)`.
        who: what an error calls an observer.

    Returns:
        `(observers,)`, grey levels.

    Raises:
        ValueError: if the accuracy is outside an observer's range at these levels.
    """
    found = []
    for i, curve in enumerate(curves):
        if not curve[-1] < accuracy <= curve[0]:
            raise ValueError(
                f"Expected an accuracy from {curve[-1]:.3f} to {curve[0]:.3f}, which "
                f"{who} (number {i}) has in noise; received {accuracy}."
            )
        j = np.flatnonzero(curve >= accuracy)[-1]  # the next level is too much
        share = (curve[j] - accuracy) / (curve[j] - curve[j + 1])
        found.append(levels[j] * (levels[j + 1] / levels[j]) ** share)
    return np.array(found)


def more_noise(arm: Arm, control: Arm, accuracy: float) -> Estimate:
    """How much more noise (dB) an arm tolerates than its control at equal accuracy."""
    both = paired(arm, control)
    found = paired_difference(*(decibels(noise_borne(x, accuracy)) for x in both))
    return found._replace(unit="dB")


def forced_choice_accuracy(d_prime, alternatives: int = 10) -> np.ndarray:
    """Accuracy of choosing, among m Gaussians, the one whose mean is d' higher.

    `p = integral of phi(x - d') Phi(x)^(m - 1) dx` (Green and Swets 1966; Hacker and
    Ratcliff 1979). The Gaussians are independent and of SD 1, and there is no bias.
    `d_prime` may have any shape; 0 gives 1 / m.
    """
    x = np.linspace(-10, 10, 401)  # the trapezoid rule is nearly exact for these
    one_below = special.ndtr(np.asarray(d_prime)[..., None] + x)
    return one_below ** (alternatives - 1) @ scipy.stats.norm.pdf(x) * (x[1] - x[0])


def d_prime(accuracy, alternatives: int = 10) -> np.ndarray:
    """The d' of accuracies (any shape): the inverse of `forced_choice_accuracy`.

    It is 0 at 1 / m, negative below, and infinite at an accuracy of 0 or 1.
    """
    accuracy = np.asarray(accuracy, float)
    if not ((accuracy >= 0) & (accuracy <= 1)).all() or alternatives < 2:
        raise ValueError(
            "Expected accuracies from 0 to 1 and 2 or more alternatives, received "
            f"{accuracy} and {alternatives}."
        )
    from scipy.optimize import elementwise  # takes half a second, seldom needed

    found = elementwise.find_root(
        lambda d, p: forced_choice_accuracy(d, alternatives) - p,
        (-40, 40),
        args=(np.clip(accuracy, 1e-14, 1 - 1e-14),),
    )
    return np.select([accuracy == 0, accuracy == 1], [-np.inf, np.inf], found.x)


class Observers(NamedTuple):
    """The psychometric function of several observers: `(levels,)` each."""

    noise_sd: np.ndarray  # grey levels, in order
    accuracy: np.ndarray  # mean over the observers, each counted once
    low: np.ndarray  # ends of its 95% t interval for other observers, NaN for one;
    high: np.ndarray  # within 0 and 1
    observers: np.ndarray  # who answered at this level


def class_answers(folder) -> dict[str, Observers]:
    """Pool the answers of a class: the CSV files in a folder, one of each observer.

    The files are those that *Save CSV* of `explorers.observer` makes. With one observer
    the accuracies are this observer's own.

    Args:
        folder: its path. Other files are left alone.

    Returns:
        The observers by condition, "uncued" and "cued", where there are answers;
        nothing if there is no file.

    Raises:
        ValueError: for a file that is of another form, or that is there twice.
    """
    answers, seen = [], {}
    for path in sorted(Path(folder).expanduser().glob("*.csv")):
        text = path.read_text("utf-8", errors="replace").removeprefix("\ufeff")
        if text in seen:
            raise ValueError(
                f"Expected each observer once. {path.name} holds the same answers as "
                f"{seen[text]}. Remove one of them."
            )
        seen[text] = path.name
        answers.append(_answers(path.name, text))
    pooled = {name: _pooled([each[name] for each in answers]) for name in CONDITIONS}
    return {name: each for name, each in pooled.items() if each.noise_sd.size}


def _answers(name, text):
    """Whether answers were right, by condition and noise SD, from a file's text."""
    found = {condition: {} for condition in CONDITIONS}
    head, *lines = csv.reader(text.splitlines() or [""])
    if tuple(head) != COLUMNS or not lines:
        raise ValueError(
            f"Expected {name} to begin with {','.join(COLUMNS)} and to have one answer "
            f"or more. Received {text[:60]!r}. Save it with the observer's Save CSV."
        )
    for number, line in enumerate(lines, start=2):
        row = dict(zip(COLUMNS, line, strict=False))
        try:
            noise_sd, right = float(row["noise_sd"]), row["correct"] == "1"
            fits = noise_sd > 0 and {row["label"], row["answer"]} <= {*"0123456789"}
            fits = fits and row["correct"] == f"{row['label'] == row['answer']:d}"
            found[row["condition"]].setdefault(noise_sd, []).append(right)
        except (KeyError, ValueError):
            fits = False
        if not fits:
            raise ValueError(
                f"Expected line {number} of {name} to hold {','.join(COLUMNS)}, with "
                "a noise_sd above 0, a label and an answer from 0 to 9, and the "
                f"condition {' or '.join(CONDITIONS)}. Received {','.join(line)!r}. "
                "Save the file anew, and do not edit it."
            )
    return found


def _pooled(observers):
    levels = sorted({sd for each in observers for sd in each})
    rows = []
    for sd in levels:
        shares = np.array([np.mean(each[sd]) for each in observers if sd in each])
        count, mean = len(shares), shares.mean()
        reach = np.nan
        if count > 1:
            error = shares.std(ddof=1) / np.sqrt(count)
            reach = error * scipy.stats.t.ppf(0.975, count - 1)
        rows.append((sd, mean, *np.clip((mean - reach, mean + reach), 0, 1), count))
    return Observers(*np.array(rows).reshape(-1, 5).T)
