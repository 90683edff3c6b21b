"""Contrast gain or response gain: the effect of attention on the contrast response.

If activity is divided by pooled activity, theory predicts that attention to a field
larger than the stimulus acts like more contrast, and attention to a smaller field like
a larger response (Reynolds and Heeger 2009). Networks with an attention field, of kind
`normalised`, look at one digit of several contrasts, without noise.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from utils.displays import Display, arrange, cue_maps
from utils.measures.units import second_look
from utils.model import map_shape
from utils.runs.arms import Arm
from utils.runs.derived import derived

IMAGES = 100  # number of test images
CONTRASTS = tuple(np.geomspace(0.05, 1, 9).tolist())  # of a digit, as shares of white
FIELDS = {"small": 3.0, "large": 21.0}  # SD of attention fields, pixels
PEAK = 2.0  # of a field, on a floor of 1
CHANGES = {  # may attention change the maximum, and the semi-saturation contrast?
    "neither": (False, False),
    "contrast gain": (False, True),
    "response gain": (True, False),
    "both": (True, True),
}
# Start and bounds of a fit: maximum, semi-saturation, exponent, and the two changes.
START = (1, 0.5, 2, 1, 1)
LOWEST, MOST = (0.01, 0.01, 0.3, 0.05, 0.05), (1e3, 10, 6, 20, 20)


def contrast_responses(arm: Arm) -> dict[str, np.ndarray]:
    """Responses to digits of several contrasts: `{field: (seeds, contrasts)}`.

    The response is that of the place in `conv_2` that responds most to a digit in the
    middle, minus its response to an empty canvas: a mean over channels and digits. The
    attention field, 1 plus a Gaussian, is centred there; "nowhere" is a field of 1.

    Args:
        arm: an arm of kind `normalised` with a field.
    """
    found = derived(_contrast_responses, arm)
    return {name: np.array(each) for name, each in found.items()}


def naka_rushton(contrast, maximum, semisaturation, exponent):
    """`R = maximum c^n / (c^n + semisaturation^n)`: half of it at semi-saturation."""
    return maximum / (1 + (semisaturation / np.asarray(contrast)) ** exponent)


class Change(NamedTuple):
    """The effect of attention on a contrast response function, by one hypothesis."""

    maximum: float  # attended over unattended: response gain, 1 if it is fixed
    sensitivity: float  # unattended semi-saturation over attended: contrast gain
    semisaturation: float  # unattended; at 10 no saturation is seen up to contrast 1
    exponent: float
    misfit: float  # root mean square, a share of the largest unattended response


def changed(contrasts, unattended, attended) -> dict[str, Change]:
    """Fit both contrast response functions, for each of `CHANGES`: `{name: Change}`.

    Naka and Rushton's function is fitted by least squares; the exponent is shared.
    Responses that do not saturate follow a power law, for which contrast gain and
    response gain are the same: both hypotheses then have the same misfit.

    Args:
        contrasts: `(contrasts,)`, above 0; five or more.
        unattended, attended: responses `(contrasts,)`.

    Raises:
        ValueError: if these are not equally many numbers, or too few.
    """
    shapes = {np.shape(each) for each in (contrasts, unattended, attended)}
    if len(shapes) > 1 or np.ndim(contrasts) != 1 or len(contrasts) < len(START):
        raise ValueError(
            f"Expected {len(START)} or more contrasts above 0, with a response each. "
            f"Received {contrasts}, {unattended} and {attended}."
        )
    both = np.array([unattended, attended]) / np.max(unattended)

    def fit(*may_change):
        free = np.array([True, True, True, *may_change])

        def values(logs):
            every = np.log(START)
            every[free] = logs
            return np.exp(every)

        def misfits(logs):
            maximum, half, n, more, sooner = values(logs)
            each = [[maximum], [maximum * more]], [[half], [half / sooner]]
            return np.ravel(naka_rushton(contrasts, *map(np.array, each), n) - both)

        lowest, start, most = (np.log(x)[free] for x in (LOWEST, START, MOST))
        found = least_squares(misfits, start, bounds=(lowest, most))
        _, half, n, more, sooner = values(found.x).tolist()
        return Change(more, sooner, half, n, float(np.sqrt(np.mean(found.fun**2))))

    return {name: fit(*may_change) for name, may_change in CHANGES.items()}


def _contrast_responses(arm: Arm) -> dict:
    (digits, _), shape = arm.test_data(), arm.tested.display.shape
    display, rng = Display(*shape, central=True), np.random.default_rng(0)
    images = arrange(display, digits[:IMAGES], digits, rng).images
    flat, one = np.ones((IMAGES, *map_shape(shape)), "float32"), np.arange(IMAGES)
    found = {name: [] for name in ("nowhere", *FIELDS)}
    for seed in arm.seeds:
        look = second_look(arm, seed)
        activity = look(images, flat)[0].mean(-1).reshape(IMAGES, -1)
        row, col = np.unravel_index(activity.argmax(1), flat.shape[1:])
        pixel = np.stack([2 * row - 1, 2 * col - 1], 1)  # under the place
        for name in found:
            field = flat
            if name in FIELDS:
                gaussian = cue_maps(pixel, (1, 1), flat.shape[1:], FIELDS[name])
                field = 1 + (PEAK - 1) * gaussian
            empty, *answers = (
                look(contrast * images, field)[0][one, row, col].mean()
                for contrast in (0.0, *CONTRASTS)
            )
            found[name].append([float(each - empty) for each in answers])
    return found
