"""Features instead of places: "Is there a 3?", and gains on channels at every place.

Four digits lie on one canvas, and the question is whether one of them is of a wanted
class. Attention to its features (Lindsay and Miller 2018, eLife 7:e38105) is a gain on
each channel by its tuning to the class (`channel_gain`). The networks are the controls
of `uncertain_place`, which learnt with one digit on a canvas; nothing is trained here.

The answer is "yes" if the evidence (logit) for the wanted digit is above a criterion:
the best one without attention, on displays of validation images. A gain may shift all
evidence, so that with a fixed criterion every answer becomes "yes". The measure is
therefore d_a, which needs no criterion.

An observer who has met only single digits has another criterion, as Lindsay and
Miller's classifiers had, which learnt on single objects. The criterion that is best for
single digits of validation images shows its effect.

These contrasts were named on 26 November 2026, when only displays of validation images
had been scored. They are in noise of SD 60, with gains on `conv_2` tuned by gradients,
at the beta above 0 with the highest d_a on validation images, over 8 networks, with d_a
averaged over the ten digits: minus no attention, and minus the same gains in shuffled
channels.
"""

import itertools

import attrs
import numpy as np

from utils.data import validation_split
from utils.displays import Display, arrange
from utils.estimate import Estimate
from utils.inference import difference_with_p
from utils.maps import DIGITS
from utils.measures.channel_gain import CHANNELS, TUNINGS, Halves, gains
from utils.measures.psychometrics import Detection, best_criterion, detection
from utils.model import set_weights
from utils.noise import add_noise
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.studies.uncertain_place import BASE, CONTROL, PROBED_SEEDS, arm

PRIMARY = (("features", "features or shuffled"),)
NOISE = 60.0  # grey levels, of the primary contrasts
BETAS = (0.0, 0.05, 0.1, 0.2, 0.5)
CONDITIONS = [*itertools.product(TUNINGS, CHANNELS, BETAS[1:])]  # of gains on a layer
CRITERIA = ("displays", "singles")  # four digits or one, for choosing the criterion
COUNT = 160  # displays for each wanted digit
SINGLES = 60  # single digits of each class
NETWORKS = attrs.evolve(arm(CONTROL), seeds=PROBED_SEEDS)


def four_digits(
    images: np.ndarray, labels: np.ndarray, digit: int, rng, count: int = COUNT
) -> tuple[np.ndarray, np.ndarray]:
    """Displays of four digits; every second display has one of the wanted class.

    Each digit lies at a random place of its quarter of the canvas, so that no two
    overlap. All other digits are of other classes.

    Args:
        images: `(any, rows, cols)` uint8, grey levels, the source of digits.
        labels: `(any,)`.
        digit: the wanted class.
        rng: source of digits and places.
        count: the number of displays.

    Returns:
        Displays `(count, 60, 60)` uint8, and which have the digit `(count,)` bool.
    """
    wanted, present = labels == digit, np.arange(count) % 2 == 0
    chosen = rng.choice(np.flatnonzero(~wanted), (count, 4))
    targets = rng.choice(np.flatnonzero(wanted), count)
    chosen[present, rng.integers(4, size=count)[present]] = targets[present]
    rows, cols = (side // 2 for side in BASE.display.shape)
    shown = arrange(Display(rows, cols), images[chosen.ravel()], images, rng).images
    quarters = shown.reshape(count, 2, 2, rows, cols).swapaxes(2, 3)
    return quarters.reshape(count, *BASE.display.shape), present


def single_digits(sd: float, pool: str = "fit") -> np.ndarray:
    """Single digits in noise, in order of class: `(10 * SINGLES, 60, 60)`.

    The pool "fit" is for tunings, the pool "validation" for a criterion.
    """
    fit, aside = validation_split(*NETWORKS.tested.load()[0])
    images, labels = fit if pool == "fit" else aside
    of_class = [np.flatnonzero(labels == digit)[:SINGLES] for digit in range(DIGITS)]
    rng = np.random.default_rng(0)
    shown = arrange(BASE.display, images[np.concatenate(of_class)], images, rng)
    return add_noise(shown.images, sd, rng)


def displays(digit: int, sd: float, scored_on: str = "test"):
    """Noisy displays `(COUNT, 60, 60)` for all networks, and which have the digit."""
    train, test = NETWORKS.tested.load()
    pool = test if scored_on == "test" else validation_split(*train)[1]
    rng = np.random.default_rng([COUNT, digit])
    shown, present = four_digits(*pool, digit, rng)
    return add_noise(shown, sd, rng), present


def detected(
    layer="conv_2",
    tuning="gradient",
    channels="tuned",
    *,
    sd=NOISE,
    criterion="displays",
    scored_on="test",
) -> Detection:
    """Scores of detection, means over digits; the fields are `(networks, betas)`.

    Args:
        layer: one of `LAYERS`.
        tuning: one of `TUNINGS`.
        channels: one of `CHANNELS`.
        sd: SD of the noise, grey levels.
        criterion: one of `CRITERIA`.
        scored_on: "test" or "validation" images.
    """
    every = np.array(derived(_detected, NETWORKS, layer, float(sd), scored_on))
    which = [1 + CONDITIONS.index((tuning, channels, beta)) for beta in BETAS[1:]]
    of_criterion = every[:, [0, *which], CRITERIA.index(criterion)]
    return Detection(*np.moveaxis(of_criterion, -1, 0))


def best_beta(measure: str = "d_a", **which) -> float:
    """The beta above 0 with the highest mean of a field, on validation images."""
    scores = getattr(detected(**which, scored_on="validation"), measure).mean(0)
    return BETAS[1 + int(scores[1:].argmax())]


def change(measure: str, beta: float, *, control: str = "", **which) -> Estimate:
    """The effect of gains on a measure of `Detection`; its interval is over networks.

    The comparison is with no attention or, at the same beta, a `control` (`CHANNELS`).
    """
    at, against = BETAS.index(beta), {"channels": control} if control else {}
    one = getattr(detected(**which), measure)
    other = getattr(detected(**which, **against), measure)
    difference = difference_with_p(one[:, at], other[:, at if control else 0], "SD")
    return difference.times(100, "points") if measure == "right" else difference


def _detected(trained: Arm, layer: str, sd: float, scored_on: str) -> list:
    """Scores of each network, without gains and in all `CONDITIONS`, by `CRITERIA`."""
    halves, results = Halves(trained.tested), []
    fit, singles = (single_digits(sd, pool) for pool in ("fit", "validation"))
    shown = [
        [displays(x, sd, on) for on in ("validation", scored_on)] for x in range(DIGITS)
    ]
    for seed in trained.seeds:
        set_weights(halves.model, trained.weights(seed))
        tunings = {kind: halves.tuning(layer, kind, fit) for kind in TUNINGS}
        alone = halves.evidence(layer, halves.pooled(singles)[layer])
        results.append([])
        for digit, ((images, present), (scored, there)) in enumerate(shown):
            unaided = halves.evidence(layer, halves.pooled(images)[layer])
            criteria = [
                best_criterion(unaided[:, digit], present),
                best_criterion(*_own_and_others(alone, digit)),
            ]
            by = [1.0] + [
                gains(tunings[kind], digit, beta, channels, seed)
                for kind, channels, beta in CONDITIONS
            ]
            pooled = halves.pooled(scored)[layer]
            every = [halves.evidence(layer, pooled, each)[:, digit] for each in by]
            results[-1].append(
                [[detection(x, there, each) for each in criteria] for x in every]
            )
    return np.mean(results, 1).round(5).tolist()


def _own_and_others(alone, digit):
    """Evidence for a digit from single digits, half of that class; which are."""
    of_class = alone[:, digit].reshape(DIGITS, -1)
    others = np.delete(of_class, digit, 0).ravel()[:: DIGITS - 1]
    own = np.arange(2 * SINGLES) < SINGLES
    return np.concatenate([of_class[digit], others]), own
