"""Numbers that summarise runs."""

import numpy as np


def mean_and_standard_error(runs) -> tuple[np.ndarray, np.ndarray]:
    """Mean over runs and the standard error of that mean, `runs` being `(runs, ...)`.

    `SE = s / sqrt(n)` with s the sample standard deviation (n - 1 in its denominator).
    With one run it is NaN: one run says nothing about the spread between runs.

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
