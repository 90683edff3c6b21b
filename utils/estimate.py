"""A number with its interval, and its wording in sentences and tables."""

from typing import NamedTuple

import numpy as np

# For each unit, the format of its numbers and the text behind them.
FORMATS = {
    "points": ("+.1f", " points"),
    "dB": ("+.1f", " dB"),
    "times": (".1f", " times"),
    "hours": (".1f", " hours"),
    "%": (".1f", "%"),
    "r": ("+.2f", ""),  # a correlation
    "": (".4g", ""),
}


class Estimate(NamedTuple):
    """A number with its interval, and its wording in tables and sentences.

    Tables give numbers with their sign (`number`, `interval`); sentences give their
    size, with a word for the direction (`size`, `higher`, `more`).

    Example:
        >>> lead = Estimate(9.5, 7.9, 11.2, unit="points", basis="20 pairs")
        >>> f"It scores {lead.higher}."
        'It scores 9.5 points higher (95% interval 7.9 to 11.2, 20 pairs).'
    """

    value: float
    low: float = np.nan  # ends of its interval, NaN if there is none
    high: float = np.nan
    confidence: float = 0.95
    unit: str = ""  # one of `FORMATS`
    basis: str = ""  # its data, such as "20 pairs"
    p: float = np.nan  # of the exact sign-flip test

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

        If the interval contains 0, each of its ends has a word: "0.3 points lower (95%
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
        """The estimate times a factor, in another unit, such as points for a share."""
        ends = [factor * end for end in self[:3]]
        return Estimate(*ends, *self[3:])._replace(unit=unit)

    def _written(self, number):
        form, suffix = FORMATS[self.unit]
        return f"{number:{form}}{suffix}"

    def _unsigned(self, number, bare=False):
        form, suffix = FORMATS[self.unit]
        return f"{abs(number):{form.lstrip('+')}}{'' if bare else suffix}"
