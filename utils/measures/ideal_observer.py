"""The Bayesian ideal observer of digits at uncertain places in white Gaussian noise.

The observer knows the digits that may be shown (the templates), the places where they
may lie, and the SD of the noise; all templates and places are equally likely. Relative
to an empty canvas, a display x with template t at a place has the likelihood

    exp((x . t - |t|^2 / 2) / sd^2)

(Peterson, Birdsall and Fox 1954). The observer adds these up over all places and all
templates of a class, and names the class with the largest sum; no other observer is
right more often (Burgess 1985; Geisler 2011; with cues, Eckstein et al. 2002). It is
exact with the digits of the displays as templates; with others, it is a lower bound.

Efficiency is the energy that the ideal observer needs over the energy that an observer
needs, at equal accuracy in equal noise (Tanner and Birdsall 1958; Pelli et al. 2006).
Only energy over the variance of the noise counts. Here digits are fixed and the noise
varies, so that efficiency is the squared ratio of two noise SDs: the SD that the
observer tolerates at an accuracy, over the SD that the ideal one tolerates.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats

from utils.checks import choice, number
from utils.displays import arrange
from utils.estimate import Estimate
from utils.inputs import IMAGES_PER_LOOP, TEST_DISPLAYS, displays_at_test, load_data
from utils.maps import DIGITS
from utils.measures.psychometrics import noise_at, noise_borne
from utils.record import decode_correct, encode, processor, versions
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.spec import Display, RunSpec
from utils.statistics import mean_and_standard_error

LEVELS = (30.0, 60.0, 120.0, 240.0, 300.0, 360.0, 420.0, 480.0, 600.0)  # noise SDs
COUNT = 300  # displays, spread evenly over those of the study
TRAINING = 12_000  # training digits that serve as templates
ACCURACY = 0.75  # at threshold
RESAMPLES = 2_000  # of the displays, for intervals
BLOCK = 2_000  # templates at a time: with 1,089 places, two matrices of 9 MB


def log_evidence(displays, templates, labels, sds, places=None, noise=None):
    """The ideal observer's evidence for each class, in natural logarithms.

    It is the log of the joint likelihood of display and class, relative to an empty
    canvas; a softmax gives the posterior. As the SD grows, it tends to the log of the
    class's share of the templates. Without templates of a class it is minus infinity.

    Args:
        displays: `(displays, rows, cols)`, grey levels.
        templates: `(templates, digit rows, digit cols)`, grey levels.
        labels: classes of the templates, `(templates,)`, 0 to 9.
        sds: SDs of the noise, `(sds,)`, grey levels, above 0.
        places: upper left corners of the digits, `(displays, 2)`, if the observer is
            told them. By default all places where a template fits are equally likely.
        noise: draws of SD 1, `(displays, rows, cols)`, which are multiplied by each SD
            and added to the displays. By default displays contain their noise.

    Returns:
        `(sds, displays, 10)`.

    Raises:
        ValueError: for another shape, a label or place out of range, or an SD of 0.
    """
    displays, templates = (np.asarray(x, "float32") for x in (displays, templates))
    sds = np.array([number(above=0)("sds", x) for x in np.ravel(sds).tolist()], "f4")
    labels = np.asarray(labels)
    _check(displays, templates, labels, places, noise)
    flat = templates.reshape(len(templates), -1)
    energy = np.square(flat, dtype=float).sum(1).astype("float32")
    blocks = np.array_split(np.arange(len(flat)), -(-len(flat) // BLOCK))
    parts = [(jax.device_put(flat[each]), energy[each]) for each in blocks]
    over_places, found = jax.jit(_over_places), []
    for i, display in enumerate(displays):
        seen = [display] if noise is None else [display, np.float32(noise[i])]
        windows = sliding_window_view(np.stack(seen), templates.shape[1:], (1, 2))
        if places is not None:
            windows = windows[:, places[i][0], places[i][1]][:, None]
        windows = windows.reshape(len(seen), -1, flat.shape[1])
        each = [over_places(windows, *part, sds) for part in parts]
        each = np.concatenate(each, 1, dtype=float)  # (sds, templates)
        of_class = (each[:, labels == digit] for digit in range(DIGITS))
        summed = [np.logaddexp.reduce(every, 1) for every in of_class]
        found.append(np.transpose(summed) - np.log(len(flat)))
    return np.stack(found, 1)


class Observer(NamedTuple):
    """The answers of an ideal observer to displays at several levels of noise."""

    levels: Sequence[float]  # SDs of the noise, grey levels
    right: np.ndarray  # (sds, displays) bool

    @property
    def accuracy(self) -> tuple[np.ndarray, np.ndarray]:
        """Share of right answers at each level, and its standard error: `(sds,)`."""
        return mean_and_standard_error(self.right.T)


def ideal(spec: RunSpec, templates: str = "test", *, told: bool = False) -> Observer:
    """The ideal observer of a study's test displays; the result is kept.

    It looks at displays that networks were tested on, in the noise of the spec's seed.
    They are spread evenly: the later half of MNIST's test digits is easier.

    Args:
        spec: a run whose displays have one digit at a random place.
        templates: "test", all test digits, so that the observer is exact; or
            "training", the first 12,000 training digits: a lower bound.
        told: whether the observer is told the place.

    Raises:
        ValueError: for other displays or templates.
    """
    choice(("test", "training"))("templates", templates)
    check_spec(spec)
    no_networks = Arm("", spec, [])
    record = derived(_observed, no_networks, spec.name, templates, told, COUNT)
    return Observer(LEVELS, np.array([decode_correct(record, sd) for sd in LEVELS]))


def check_spec(spec: RunSpec):
    """Refuse (`ValueError`) a run whose displays are not of one digit anywhere."""
    plain = spec.display and spec.display == Display(*spec.display.shape)
    if not plain or spec.contrast != 1:
        raise ValueError(
            "Expected one digit at a random place, at full contrast, such as display="
            f"Display(60, 60). Received {spec.display}, contrast {spec.contrast:g}."
        )


def threshold(observer: Observer, accuracy: float = ACCURACY) -> Estimate:
    """The noise SD, in grey levels, at which an ideal observer has an accuracy.

    Its interval is for other displays (percentiles of a bootstrap).
    """
    return _with_percentiles(_thresholds(accuracy, observer)[0])


def noise_ratio(one: Observer, other: Observer, accuracy: float = ACCURACY) -> Estimate:
    """The noise SD that one ideal observer tolerates over that of another.

    Both look at the same displays and have the same accuracy. Equal observers have 1.
    """
    one, other = _thresholds(accuracy, one, other)
    return _with_percentiles(one / other)._replace(unit="times")


def efficiency(arm: Arm, observer: Observer, accuracy: float = ACCURACY) -> Estimate:
    """The efficiency of networks, in percent: (their noise SD / the ideal one's)^2.

    Each network's SD is the one at which it has the accuracy; their mean is geometric.
    The interval (Student's t on the logarithm) is for other networks and, of the ideal
    observer, other displays. Against a lower bound, efficiency is an upper bound.
    """
    best, *resampled = np.log(_thresholds(accuracy, observer)[0])
    mean, error = mean_and_standard_error(np.log(noise_borne(arm, accuracy)))
    t = stats.t.ppf([0.5, 0.025, 0.975], len(arm.seeds) - 1)
    ends = 100 * np.exp(2 * (mean - best + t * np.hypot(error, np.std(resampled))))
    basis = f"{len(arm.seeds)} networks, {observer.right.shape[1]} displays"
    return Estimate(*ends.tolist(), unit="%", basis=basis)


def _thresholds(accuracy, *observers):
    """Thresholds `(observers, 1 + resamples)`: as found, then of resampled displays."""
    both = np.stack([each.right for each in observers])  # (observers, sds, displays)
    displays = both.shape[-1]
    even = np.full(displays, 1 / displays)
    drawn = np.random.default_rng(0).multinomial(displays, even, RESAMPLES) / displays
    curves = (both @ np.vstack([even, drawn]).T).swapaxes(1, 2)
    sds = observers[0].levels
    return np.array([noise_at(accuracy, sds, x, "the ideal observer") for x in curves])


def _with_percentiles(found):
    return Estimate(float(found[0]), *np.quantile(found[1:], [0.025, 0.975]).tolist())


def _over_places(windows, templates, energy, sds):
    """Log of the mean likelihood over places: `(sds, templates)`.

    Windows are `(1 or 2, places, pixels)`, of a display and of noise of SD 1.
    """
    correlations = windows @ templates.T  # (1 or 2, places, templates)

    def at(sd):
        seen = correlations[0] + sd * correlations[1:].sum(0) - energy / 2
        most = seen.max(0)
        others = jnp.minimum(seen - most, 0)  # rounding can lift it above 0
        return most / sd**2 + jnp.log(jnp.exp(others / sd**2).mean(0))

    return jax.lax.map(at, sds)


def _check(displays, templates, labels, places, noise):
    size, digit = displays.shape[1:], templates.shape[1:]
    if not displays.ndim == templates.ndim == 3 or np.less(size, digit).any():
        raise ValueError(
            "Expected displays (displays, rows, cols), and templates (templates, digit "
            f"rows, digit cols) that fit on them. Received {displays.shape} and "
            f"{templates.shape}."
        )
    for name, array, shape, most in (
        ("labels", labels, templates.shape[:1], DIGITS - 1),
        ("places", places, (len(displays), 2), np.subtract(size, digit)),
        ("noise", noise, displays.shape, None),
    ):
        if array is not None and np.shape(array) != shape:
            raise ValueError(
                f"Expected {name} of shape {shape}. Received {np.shape(array)}."
            )
        bounded = array is not None and most is not None
        if bounded and ((np.array(array) < 0) | (array > most)).any():
            raise ValueError(f"Expected {name} from 0 to {most}. Received {array}.")


def _observed(arm, name, templates, told, count):
    """Which displays were named right at each of `LEVELS`, as in a record of a run."""
    start, spec = time.perf_counter(), arm.tested
    train, test = load_data(spec)
    known = test if templates == "test" else tuple(x[:TRAINING] for x in train)
    clean, noise, places, labels = _displays(spec, count)
    evidence = log_evidence(clean, *known, LEVELS, places if told else None, noise)
    right = evidence.argmax(-1) == labels
    return {
        "correct": {f"{sd:g}": encode(x) for sd, x in zip(LEVELS, right, strict=True)},
        "spec": {"test_images": count},
        "versions": versions(),
        "processor": processor(),
        "seconds": round(time.perf_counter() - start, 1),
    }


def _displays(spec, count):
    """Test displays of a run, spread evenly: without noise, noise, places, labels."""
    digits, labels = load_data(spec)[1]
    every = slice(0, count * (len(labels) // count), len(labels) // count)
    rng, places = np.random.default_rng([0, TEST_DISPLAYS]), []
    for start in range(0, len(labels), IMAGES_PER_LOOP):
        own, of = (x[start : start + IMAGES_PER_LOOP] for x in (digits, labels))
        arranged = arrange(spec.display, own, digits, rng, labels=(of, labels))
        places.append(arranged.places)
    clean, noisy = (
        np.concatenate([x.images for x in displays_at_test(spec, *test)])
        for test in ((digits, labels, sd, len(labels)) for sd in (0.0, 1.0))
    )
    found = clean, noisy - clean, np.concatenate(places), labels
    return [each[every] for each in found]
