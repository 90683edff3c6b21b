"""Attention to the N likeliest digits, where several things compete.

The post (Vatterott 2016) left an idea untried: the guess at first look guides the
second look, but by the N likeliest digits, not by one. On centred digits there is
nothing to select (`gain`). Here the target lies among fragments of other digits, or
about 14 pixels from a second digit, where naming either digit is right. Both are on a
canvas of 44 x 44 pixels, in noise of SD 0 to 60. N = 10 is the control.

These contrasts were named on 26 November 2026, before any of these networks was scored
on test images, over 4 pairs of seeds, in the strongest noise of training: N = 1 and
N = 3 minus the control, on each of the two displays.
"""

import attrs
import numpy as np

from utils.displays import Display, arrange
from utils.maps import DIGITS
from utils.model import predict, set_weights
from utils.noise import add_noise
from utils.runs.arms import Arm
from utils.runs.derived import derived
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.studies.uncertain_place import BASE, CLUTTER, CLUTTER_NOISE
from utils.training import engine, train
from utils.wiring import build_network

PRIMARY = (
    tuple(
        f"{n}, {beside}"
        for beside in ("fragments", "second digit")
        for n in ("one", "three")
    ),
)
NOISE = CLUTTER_NOISE  # grey levels
COUNTS = (1, 2, 3, 5, 10)
SEEDS = range(4)
DISPLAYS = {
    "fragments": CLUTTER,
    "second digit": Display(second_digit=True, distance=14.0),
}
LEVELS = (0.0, NOISE)
EVERY, UPDATES, LOOKED_AT = 50, 1_000, 500  # updates, updates, test images


CONTROL = Tuned(
    "control",
    attrs.evolve(
        BASE, noise_sd=NOISE, epochs=3, test_images=5_000, test_noise_sds=LEVELS
    ),
    rates(0.00025, 0.0005, 0.001, 0.002, 0.004),
    sd=NOISE,
    validation={"epochs": 1, "test_images": 2_000},
)


def _network(n, beside):
    kind = {"attention": "top_n", "attention_parameters": {"n": n}} if n < 10 else {}
    return CONTROL.but(f"N = {n}, {beside}", display=DISPLAYS[beside], **kind)


AMONG = {beside: {n: _network(n, beside) for n in COUNTS} for beside in DISPLAYS}
NETWORKS = tuple(each for several in AMONG.values() for each in several.values())


def first_guesses(arm: Arm) -> list[dict]:
    """The guesses of a network at first look, over its first thousand updates.

    The first network of an arm is trained anew. Every `EVERY` updates it looks at the
    first test images, on its displays in the strongest noise of training. Its guess at
    first look has the most evidence on average; at N = 1 it decides the map.

    Returns:
        For each of these times, `update`; `guessed`, the share of displays in which
        each of the ten digits is the guess; `first` and `second`, the shares in which
        the first look and the second name the digit, or one of two digits.
    """
    return derived(_first_guesses, arm)


def _first_guesses(arm):
    images, named = _looked_at(arm)
    spec = attrs.evolve(
        arm.specs[0],
        images=EVERY * arm.tested.batch_size,
        epochs=UPDATES // EVERY,
        curve_images=None,
        test_images=LOOKED_AT,
        test_noise_sds=(0.0,),
    )
    model = build_network(spec)
    names, found = engine(spec).names, []

    def look(state):
        set_weights(model, dict(zip(names, state.weights, strict=True)))
        evidence, p = predict(model, images, ("dense_2", "softmax"))
        looks = evidence.mean((1, 2)).argmax(1), p.argmax(1)
        first, second = ((each == named).any(0).mean() for each in looks)
        guessed = np.bincount(looks[0], minlength=DIGITS) / len(images)
        found.append(
            {
                "update": EVERY * len(state.epochs),
                "guessed": guessed.tolist(),
                "first": float(first),
                "second": float(second),
            }
        )

    train(spec, after_epoch=look, progress=False)
    return found


def _looked_at(arm):
    """Noisy displays `(n, rows, cols)`, and the digits on each `(one or two, n)`."""
    (digits, labels), spec = arm.test_data(), arm.tested
    some, few, rng = digits[:LOOKED_AT], labels[:LOOKED_AT], np.random.default_rng(0)
    shown = arrange(spec.display, some, digits, rng, labels=(few, labels))
    on_each = [few] if shown.second is None else [few, labels[shown.second]]
    return add_noise(shown.images, spec.noise_sd, rng), np.array(on_each)


PROFILES = {
    "likeliest_rates": Profile(
        "the N likeliest digits, at several rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "likeliest": Profile(
        "the N likeliest digits, among fragments and beside a second digit",
        lambda: chosen(NETWORKS, SEEDS),
    ),
}
