"""Is it there? Hits, false alarms and what follows from them, for a yes or a no.

An observer says "yes" where evidence is above a criterion (Green and Swets 1966).
Evidence is in any unit; z is the inverse of the cumulative standard normal
distribution.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri


class Detection(NamedTuple):
    """How displays with a target are told from those without."""

    hits: float  # share of "yes" where it is there
    false_alarms: float  # and where it is not
    d_prime: float  # z(hits) - z(false alarms)
    criterion: float  # -(z(hits) + z(false alarms)) / 2; below 0: more often "yes"
    d_a: float  # sqrt(2) z(area under the ROC curve): needs no criterion

    @property
    def right(self) -> float:
        """Share of right answers, where half of the displays have the target."""
        return (self.hits + 1 - self.false_alarms) / 2


def detection(evidence: np.ndarray, present: np.ndarray, criterion: float) -> Detection:
    """Tell displays apart, with a criterion and without one.

    The area is the share of pairs, one display with the target and one without, in
    which the one with it has more evidence; ties count half. Where evidence is
    Gaussian and of one variance, d_a is d' at any criterion. So that z is finite,
    half a "yes" is added to each count, and one to its total (the log-linear rule:
    Hautus 1995). Evidence that says nothing gives 0 and 0.

    Args:
        evidence: `(displays,)`.
        present: `(displays,)` bool: whether the target is there; some have it, and
            some do not.
        criterion: evidence above it is a "yes".
    """
    there, not_there = evidence[present], evidence[~present]
    lead = there[:, None] - not_there
    z_hits, z_false_alarms, z_area = (
        ndtri((np.sum(yes) + 0.5) / (np.size(yes) + 1))
        for yes in (there > criterion, not_there > criterion, np.heaviside(lead, 0.5))
    )
    return Detection(
        np.mean(there > criterion),
        np.mean(not_there > criterion),
        z_hits - z_false_alarms,
        -(z_hits + z_false_alarms) / 2,
        np.sqrt(2) * z_area,
    )


def best_criterion(evidence: np.ndarray, present: np.ndarray) -> float:
    """The criterion with the most right answers, of several the lowest.

    Midway between two of the evidences `(displays,)`, so that neither lies on it.
    """
    order = np.argsort(evidence, kind="stable")
    right = np.cumsum(np.where(present[order], -1, 1))[:-1]  # with the first i + 1 "no"
    best = right.argmax()
    return float(evidence[order[best : best + 2]].mean())
