"""Numbers that summarise runs. They return numbers and draw nothing."""

import numpy as np


def mean_and_standard_error(values, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean over runs and the standard error of that mean.

    `SE = s / sqrt(n)` with s the sample standard deviation (n - 1 in its
    denominator). With one run the standard error is NaN: one run says nothing of
    the spread between runs.

    Args:
        values: any shape; runs along `axis`.
        axis: the axis of runs.

    Returns:
        Two arrays of that shape without the axis.

    Raises:
        ValueError: if there is no run.
    """
    values = np.asarray(values, float)
    runs = values.shape[axis] if values.ndim else 0
    if runs == 0:
        raise ValueError(f"Expected at least one run, received shape {values.shape}.")
    mean = values.mean(axis)
    if runs == 1:
        return mean, np.full_like(mean, np.nan)
    return mean, values.std(axis, ddof=1) / np.sqrt(runs)
