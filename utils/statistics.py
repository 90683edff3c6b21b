"""Numbers that summarise runs, and the words for them. They draw nothing."""

from typing import NamedTuple

import numpy as np


def mean_and_standard_error(runs) -> tuple[np.ndarray, np.ndarray]:
    """Mean over runs and the standard error of that mean, `runs` being `(runs, ...)`.

    `SE = s / sqrt(n)` with s the sample standard deviation (n - 1 in its denominator).
    With one run it is NaN: one run says nothing of the spread between runs.

    Raises:
        ValueError: if there is no run.
    """
    runs = np.asarray(runs, float)
    if not runs.ndim or not len(runs):
        raise ValueError(f"Expected at least one run, received shape {runs.shape}.")
    mean = runs.mean(0)
    if len(runs) == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, runs.std(0, ddof=1) / np.sqrt(len(runs))


# How numbers of a unit are written, and the unit behind them.
FORMATS = {
    "points": ("+.1f", " points"),
    "dB": ("+.1f", " dB"),
    "times": (".1f", " times"),
    "hours": (".1f", " hours"),
    "%": (".1f", "%"),
    "r": ("+.2f", ""),  # a correlation
    "weight": (".2f", ""),  # of one response in another
    "SD": ("+.3f", " SD"),  # d' or a criterion, in SDs of evidence
    "": (".4g", ""),
}


class Estimate(NamedTuple):
    """A number with its interval, and the words that a sentence says of it.

    Tables give numbers with their sign (`number`, `interval`); sentences give their
    size and say the direction in words (`size`, `higher`, `more`).

    Example:
        >>> lead = Estimate(9.5, 7.9, 11.2, unit="points", basis="20 pairs")
        >>> f"It scores {lead.higher}."
        'It scores 9.5 points higher (95% interval 7.9 to 11.2, 20 pairs).'
    """

    value: float
    low: float = np.nan  # of its interval, NaN where it has none
    high: float = np.nan
    confidence: float = 0.95
    unit: str = ""  # one of `FORMATS`
    basis: str = ""  # what it rests on, such as "20 pairs"
    p: float = np.nan  # exact sign-flip test

    @property
    def number(self) -> str:
        """The value with its unit: "+9.5 points"."""
        return self._written(self.value)

    @property
    def interval(self) -> str:
        """The interval in words: "95% interval +7.9 to +11.2, 20 pairs"."""
        low, high = (self._written(end) for end in (self.low, self.high))
        low, high = (end.removesuffix(f" {self.unit}") for end in (low, high))
        basis = f", {self.basis}" if self.basis else ""
        return f"{self.confidence:.0%} interval {low} to {high}{basis}"

    def __str__(self):
        return f"{self.number} ({self.interval})"

    @property
    def size(self) -> str:
        """The value without its sign: "9.5 points"."""
        return self._unsigned(self.value)

    @property
    def higher(self) -> str:
        """For scores: "9.5 points higher (95% interval 7.9 to 11.2, 20 pairs)"."""
        return self.said("higher", "lower")

    @property
    def more(self) -> str:
        """For amounts: "2.1 dB more (95% interval 1.8 to 2.5, 8 pairs)"."""
        return self.said("more", "less")

    def said(self, above: str, below: str) -> str:
        """The size, a word for its direction, and the interval.

        Where the interval holds 0, each of its ends has a word: "0.3 points lower (95%
        interval 1.5 lower to 0.8 higher)".
        """
        word = above if self.value >= 0 else below
        low, high = (self._unsigned(end, bare=True) for end in (self.low, self.high))
        if self.low < 0 < self.high:
            low, high = f"{low} {below}", f"{high} {above}"
        elif self.high <= 0:
            low, high = high, low
        basis = f", {self.basis}" if self.basis else ""
        interval = f"{self.confidence:.0%} interval {low} to {high}{basis}"
        return f"{self.size} {word} ({interval})"

    def times(self, factor: float, unit: str) -> "Estimate":
        """The same in another unit, such as points for a share."""
        ends = [factor * end for end in self[:3]]
        return Estimate(*ends, *self[3:])._replace(unit=unit)

    def _written(self, number):
        form, suffix = FORMATS[self.unit]
        return f"{number:{form}}{suffix}"

    def _unsigned(self, number, bare=False):
        form, suffix = FORMATS[self.unit]
        return f"{abs(number):{form.lstrip('+')}}{'' if bare else suffix}"
