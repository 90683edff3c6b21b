"""Features instead of places: "Is there a 3?", and gains on channels at every place.

Four digits lie on one canvas, and the question is whether one of them is of a wanted
class. Attention to its features (Lindsay and Miller 2018, eLife 7:e38105) multiplies
channel k of a convolution, at every place, by `1 + beta * tuning[k]`, 0 at least.
Networks are the controls of `uncertain_place`, which learnt with one digit on a canvas;
nothing is trained.

A gain after the ReLU is a change of weights: `g relu(w x + b) = relu(g w x + g b)` for
g >= 0 (`attended`). The largest of a window scales along, so that what is pooled may be
multiplied instead, and all that lies before it is computed once.

The answer is "yes" where the evidence (logit) for the wanted digit is above a
criterion: the best one without attention, on displays of validation images. A gain may
move all evidence, and then a criterion that stays where it was says "yes" to
everything. So the measure of telling displays apart is d_a, which needs no criterion.

Lindsay and Miller's classifiers learnt on images of single objects, and so they had
another criterion when there were several. A criterion from single digits shows what
that does.

Named on 26 November 2026, before a display of test images was scored; what had been
seen were two networks on validation images. In noise of SD 60, gains on `conv_2` tuned
by gradients, at the beta above 0 with the highest d_a on validation images, 8 networks,
d_a averaged over the ten digits: minus no attention, and minus the same gains in
shuffled channels.
"""

import itertools
from collections.abc import Mapping

import attrs
import jax
import keras
import numpy as np

from utils.attention import DIGITS
from utils.data import load_mnist, validation_split
from utils.displays import Display, arrange
from utils.model import build_model, predict, set_weights
from utils.noise import add_noise
from utils.statistics import Estimate, paired_difference, sign_flip_test
from utils.studies.arms import Arm
from utils.studies.detection import Detection, best_criterion, detection
from utils.studies.kept import kept
from utils.studies.uncertain_place import BASE, CONTROL, PROBED_SEEDS, arm

PRIMARY = ("features", "features or shuffled")
NOISE = 60.0  # grey levels, of the primary contrasts
LAYERS = {"conv_1": "pool_1", "conv_2": "pool_2"}  # and what pools its activity
TUNINGS = ("activity", "gradient")
CHANNELS = ("tuned", "shuffled", "mean")  # the gains, and two controls
BETAS = (0.0, 0.05, 0.1, 0.2, 0.5)
CONDITIONS = [*itertools.product(TUNINGS, CHANNELS, BETAS[1:])]  # at a layer
CRITERIA = ("displays", "singles")  # what the criterion is learnt on
COUNT = 160  # displays for each digit
SINGLES = 60  # of each class, on a canvas each
AT_ONCE = 4  # displays, which fit into a processor's cache
NETWORKS = attrs.evolve(arm(CONTROL), seeds=PROBED_SEEDS)


def four_digits(
    images: np.ndarray, labels: np.ndarray, digit: int, rng, count: int = COUNT
) -> tuple[np.ndarray, np.ndarray]:
    """Displays of four digits, of which every second has one of the wanted class.

    Each digit lies at a random place of its quarter of the canvas, so that no two
    overlap. The others are of any other classes.

    Args:
        images: `(any, rows, cols)` uint8, grey levels, from which digits are drawn.
        labels: `(any,)`.
        digit: the wanted class.
        rng: source of digits and places.
        count: how many displays.

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


def gains(
    tuning: np.ndarray, digit: int, beta: float, channels="tuned", seed: int = 0
) -> np.ndarray:
    """Gains of channels: `1 + beta * tuning`, 0 at least. At beta 0 they are 1.

    Args:
        tuning: `(10, channels)`; 0 for channels that never respond.
        digit: the wanted class.
        beta: how much attention.
        channels: "tuned"; or, for channels that respond, a control: "shuffled", the
            same gains in another order; "mean", their mean for each.
        seed: of the order, which depends on the digit, too.

    Returns:
        `(channels,)` float32.
    """
    found = np.maximum(1 + beta * tuning[digit], 0).astype("float32")
    respond = tuning.any(0)
    if channels == "shuffled":
        rng = np.random.default_rng([seed, digit])
        found[respond] = rng.permutation(found[respond])
    elif channels == "mean":
        found[respond] = found[respond].mean()
    return found


def attended(
    weights: Mapping[str, np.ndarray], layer: str, found: np.ndarray
) -> dict[str, np.ndarray]:
    """Weights with gains `(channels,)` of a layer's channels in them; 1 changes none.

    Raises:
        ValueError: for a gain below 0, for which no weights stand.
    """
    if np.min(found) < 0:
        raise ValueError(f"Expected gains of 0 or more. Received {np.min(found)}.")
    names = (f"{layer}/kernel", f"{layer}/bias")  # their last axis is that of channels
    return {**weights, **{name: weights[name] * found for name in names}}


class Halves:
    """The network, cut behind each pooling: gains are put in between."""

    def __init__(self, run):
        shape = run.display.shape
        self.model = build_model(run.attention, image_shape=shape, **run.network)
        evidence = self.model.get_layer("softmax").input
        self._second = {}
        for layer, pool in LAYERS.items():
            half = keras.Model(self.model.get_layer(pool).output, evidence)
            self._second[layer] = half, *_compiled(half)

    def pooled(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Of each layer, pooled activity `(images, rows, cols, channels)`."""
        parts = np.array_split(images, max(1, len(images) // 20))
        found = [predict(self.model, part, LAYERS.values()) for part in parts]
        both = map(np.concatenate, zip(*found, strict=True))
        return dict(zip(LAYERS, both, strict=True))

    def evidence(self, layer: str, pooled: np.ndarray, found=1.0) -> np.ndarray:
        """Evidence `(images, 10)` from what a layer pools, times gains `(channels,)`.

        The number of images must be a multiple of `AT_ONCE`.
        """
        half, evidence, _ = self._second[layer]
        weights = [each.value for each in half.trainable_variables]
        found = np.broadcast_to(np.float32(found), pooled.shape[-1:])
        return np.asarray(evidence(weights, pooled, found))

    def tuning(self, layer: str, kind: str, digits: np.ndarray) -> np.ndarray:
        """How a layer's channels are tuned to digits: `(10, channels)`.

        `activity`: a channel's mean response to images of a digit. `gradient`: the
        derivative of the evidence for a digit by the channel's activity, summed over
        places, mean over all images. Either is z-scored over the ten digits. A channel
        that never responds has 0.

        Args:
            layer: one of `LAYERS`.
            kind: one of `TUNINGS`.
            digits: `(40 n, rows, cols)` grey levels, single digits in order of class.
        """
        pooled = self.pooled(digits)[layer]
        half, _, slope = self._second[layer]
        weights = [each.value for each in half.trainable_variables]
        of_class = np.split(pooled, DIGITS)
        if kind == "activity":
            found = np.array([each.mean((0, 1, 2)) for each in of_class])
        else:
            found = np.mean([slope(weights, each) for each in of_class], 0)
        spread = np.where(pooled.any((0, 1, 2)), found.std(0), np.inf)
        return (found - found.mean(0)) / spread


def _compiled(half):
    """From weights, activity and gains to evidence, and to its mean derivative."""

    def evidence(weights, pooled, found):
        def few(part):
            return half.stateless_call(weights, [], part * found)[0]

        parts = pooled.reshape(-1, AT_ONCE, *pooled.shape[1:])
        return jax.lax.map(few, parts).reshape(-1, DIGITS)

    def slope(weights, pooled):
        def mean(added):  # to a channel, everywhere
            return evidence(weights, pooled + added, 1).mean(0)

        return jax.jacrev(mean)(np.zeros(pooled.shape[-1], "float32"))

    return jax.jit(evidence), jax.jit(slope)


def single_digits(sd: float, pool: str = "fit") -> np.ndarray:
    """As many of each class, one a canvas, in order: `(10 * SINGLES, 60, 60)`.

    Of "fit" images tunings are made, of "validation" images a criterion.
    """
    fit, aside = validation_split(*load_mnist()[0])
    images, labels = fit if pool == "fit" else aside
    of_class = [np.flatnonzero(labels == digit)[:SINGLES] for digit in range(DIGITS)]
    rng = np.random.default_rng(0)
    shown = arrange(BASE.display, images[np.concatenate(of_class)], images, rng)
    return add_noise(shown.images, sd, rng)


def displays(digit: int, sd: float, scored_on: str = "test"):
    """Displays in noise, the same for all networks, and which have the digit."""
    train, test = load_mnist()
    pool = test if scored_on == "test" else validation_split(*train)[1]
    rng = np.random.default_rng([COUNT, digit])
    shown, present = four_digits(*pool, digit, rng)
    return add_noise(shown, sd, rng), present


def found(
    layer="conv_2",
    tuning="gradient",
    channels="tuned",
    *,
    sd=NOISE,
    criterion="displays",
    scored_on="test",
) -> Detection:
    """What is told apart, means over digits: fields are `(networks, betas)`.

    Args:
        layer: one of `LAYERS`.
        tuning: one of `TUNINGS`.
        channels: one of `CHANNELS`.
        sd: of the noise, grey levels.
        criterion: one of `CRITERIA`.
        scored_on: "test" or "validation" images.
    """
    every = np.array(kept(_detected, NETWORKS, layer, float(sd), scored_on))
    which = [1 + CONDITIONS.index((tuning, channels, beta)) for beta in BETAS[1:]]
    of_criterion = every[:, [0, *which], CRITERIA.index(criterion)]
    return Detection(*np.moveaxis(of_criterion, -1, 0))


def best_beta(measure: str = "d_a", **which) -> float:
    """The beta above 0 with the highest mean of a field, on validation images."""
    scores = getattr(found(**which, scored_on="validation"), measure).mean(0)
    return BETAS[1 + int(scores[1:].argmax())]


def change(measure: str, beta: float, *, control: str = "", **which) -> Estimate:
    """What gains do to a measure of `Detection`; the interval is for other networks.

    Against no attention or, with the same beta, against a `control` of `CHANNELS`.
    """
    at, against = BETAS.index(beta), {"channels": control} if control else {}
    one = getattr(found(**which), measure)
    other = getattr(found(**which, **against), measure)
    both = one[:, at], other[:, at if control else 0]
    difference = paired_difference(*both)._replace(unit="z", p=sign_flip_test(*both))
    return difference.times(100, "points") if measure == "right" else difference


def _detected(trained: Arm, layer: str, sd: float, scored_on: str) -> list:
    """Of each network, without gains and in all `CONDITIONS`, with both `CRITERIA`."""
    halves, results = Halves(trained.run), []
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
    """Evidence for a digit of single digits, half of them its own; which these are."""
    of_class = alone[:, digit].reshape(DIGITS, -1)
    others = np.delete(of_class, digit, 0).ravel()[:: DIGITS - 1]
    own = np.arange(2 * SINGLES) < SINGLES
    return np.concatenate([of_class[digit], others]), own
