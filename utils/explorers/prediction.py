"""The reader predicts, then sees the records: curves to drag, or answers to pick."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from utils.estimate import Estimate
from utils.explorers.controls import button, kept, select, slider
from utils.explorers.explorer import Explorer
from utils.inference import paired_difference

TITLE = "Your prediction: {}"
NO_ANSWER = "nothing yet"  # what a reader has picked to begin with


def prediction(
    measure: str,
    records: Mapping,
    x: Sequence | None = None,
    *,
    xlabel: str = "",
    ylim: tuple[float, float] = (0.0, 1.0),
) -> Explorer:
    """Ask the reader for a prediction; "Show" compares it with the records.

    With `x`, the reader drags the points of one curve for each record. Without `x`, the
    names of the records are answers, and the reader picks one. "Again" hides the
    records and takes the prediction back. If all runs are alike, their interval has no
    width.

    Args:
        measure: what is predicted, with its unit: the label of the axis.
        records: by name. With `x`, for each of its values 2 or more runs `(runs,)` in
            the unit of `measure`, as for `figures.mean_with_errors`: shown is their
            mean, with a 95% interval for other runs (`utils.inference`). Without `x`,
            2 or more answers, for each an `Estimate` with an interval.
        x: `(points,)` numbers or words, in the order of the axis, evenly spaced.
        xlabel: of the axis of `x`, with its unit.
        ylim: ends of the axis of `measure`; chosen by you, so that it tells nothing.

    Returns:
        Its controls: `answer` (of curves a list `(curves * points,)`, curve after
        curve, empty until a point is moved; of a pick the name, or ""), `show` (how
        often the button was pressed: the records are shown while it is odd).

    Raises:
        ValueError: for records that are not of this form.

    Example:
        >>> runs = {arm.label: [arm.accuracy(sd) for sd in arm.levels]}
        >>> explorers.prediction("accuracy", runs, arm.levels, xlabel="noise SD")
    """
    if x is None:
        return _pick(measure, records)
    low, high = ylim
    if not (low < high and len(x) and records):
        raise ValueError(
            "Expected ylim from low to high, and at least one value of x and one "
            f"record. Received ylim {ylim}, {len(x)} and {len(records)}."
        )
    step = 10.0 ** math.floor(math.log10(high - low) - 1.7)  # 50 to 500 of them
    scale = slider("", "", low, high, step if step < 1 else int(step), low)
    ticks = [[float(at), f"{at:g}"] for at in np.linspace(low, high, 5)]
    data = {"x": [_text(each) for each in x], "xlabel": xlabel, "curves": [*records]}
    data["title"] = TITLE.format(measure)
    data |= {"measure": measure, "ticks": ticks, "scale": scale, "records": []}
    for name, runs in records.items():
        found = _estimates(name, runs, len(x))
        for place, each in zip(x, found, strict=True):
            at = place if isinstance(place, str) else f"{xlabel} {_text(place)}"
            words = f"{name}, {at}" if len(records) > 1 else at
            ends = [f"{end:.{scale['decimals']}f}" for end in each[:3]]
            interval = "{} (95% interval {} to {})".format(*ends)
            data["records"].append(_record(words, each, interval))
    controls = {"answer": kept(), "show": button("show-button", "Show")}
    return Explorer("prediction", [controls], data)


def _text(place):
    return place if isinstance(place, str) else f"{place:g}"


def _estimates(name, runs, points):
    """For each point the mean over its runs, with an interval."""
    runs = [np.asarray(each, float) for each in runs]
    good = (x.ndim == 1 and len(x) > 1 and np.isfinite(x).all() for x in runs)
    if len(runs) != points or not all(good):
        shapes = ", ".join(f"{each.shape}" for each in runs)
        raise ValueError(
            f"Expected, for each of {points} points of {name!r}, 2 or more finite runs "
            f"(runs,). Received {len(runs)} of shapes {shapes}. Transpose an array "
            "whose runs come first."
        )
    return [paired_difference(each, np.zeros(len(each))) for each in runs]


def _record(name, estimate, words):
    return {"name": name, "ends": [*map(float, estimate[:3])], "words": words}


def _pick(measure, records):
    for name, each in records.items():
        if not isinstance(each, Estimate) or not np.isfinite(each[:3]).all():
            raise ValueError(
                f"Expected an Estimate with an interval for the answer {name!r}. "
                f"Received {each!r}. Give x if the reader is to drag points."
            )
    if len(records) < 2:
        raise ValueError(f"Expected 2 answers or more. Received {[*records]}.")
    described = [
        _record(name, each, each._replace(basis="").higher)
        for name, each in records.items()
    ]
    ends = [0.0, *(end for each in described for end in each["ends"])]
    ticks = MaxNLocator(5).tick_values(min(ends), max(ends))
    data = {"title": TITLE.format(measure), "measure": measure}
    data["ticks"] = [[float(at), f"{at:g}"] for at in ticks]
    options = {NO_ANSWER: "", **{name: name for name in records}}
    controls = {
        "answer": select("answer-select", "Your answer", options),
        "show": button("show-button", "Show"),
    }
    return Explorer("pick", [controls], {**data, "records": described})
