"""Competition: two digits, one of which counts, and a cue that marks it.

A target and a second digit of another class lie somewhere on one canvas, in noise from
none to SD 60; a cue marks the target (Posner 1980; Desimone and Duncan 1995). Networks
differ in the effect of the cue: none, a gain at one of three stages, or a second
channel of the input, which a plain network may use freely. Others differ in what the
gain on `conv_2`'s input marks: both digits, which selects places but does not choose,
or a random place. Cues as a gain and as a channel also differ in how often they were
right in training. Training is that of `uncertain_place`; learning rates were chosen on
validation images with one other seed.

These contrasts were named on 26 November 2026, before any of these networks was scored
on test images: in noise of SD 60, over 8 pairs of seeds, the cue as a gain on
`conv_2`'s input minus no cue, and minus the cue as a channel. The first only checks
that the cue works: without it, the question has no answer. A third, minus the cue as an
attention field (Reynolds and Heeger 2009), is withdrawn: the field's rate was the
highest that had been tried, a higher one is better on validation images, and its map is
also made from the network's own activity, so that this does not compare a field with a
gain.

These were named on 29 November 2026, before the networks that mark both digits or a
random place, or have an uncertain cue as a channel, were scored on test images, in the
same noise and over 8 pairs. The share of displays in which either digit is named: a
gain on both digits minus no cue ("both"), and a gain at a random place minus no cue
("random place"). Accuracy: a gain on the target minus a gain on both digits
("choice"), and, for the channel whose cue was right in 50%, with a right cue minus with
a wrong cue ("half, channel"); it is 0 if the network ignores the cue.

After six epochs, the curves of some networks are not flat. These networks, and those
that they are compared with, are also trained for ten epochs.
"""

import attrs

from utils.displays import Display
from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.studies.uncertain_place import BASE, CANVAS

PRIMARY = (
    ("cued", "gain or channel"),
    ("both", "random place", "choice", "half, channel"),
)
NOISE = 60.0  # grey levels
SEEDS = range(8)
PAIR = Display(CANVAS, CANVAS, second_digit=True)
LEVELS = (0.0, 30.0, NOISE, 120.0)


UNCUED = Tuned(
    "no cue",
    attrs.evolve(BASE, display=PAIR, noise_sd=NOISE, test_noise_sds=LEVELS),
    rates(0.0007, 0.001, 0.0015),
    sd=NOISE,
)
GAIN = UNCUED.but("gain at conv_2's input", attention="given")
EARLY = GAIN.but("gain at conv_1's output", acts_on="conv_1")
LATE = GAIN.but("gain at the read-out", acts_on="read_out")
CHANNEL = GAIN.but("second channel", acts_on="input")
BOTH = GAIN.but("gain on both digits", display=attrs.evolve(PAIR, marked="both"))
LOWER = rates(0.0005, 0.0007, 0.001)  # where 0.0007 is the best of them
MORE = (*LOWER, *rates(0.0015))
ANYWHERE = GAIN.but(
    "gain at a random place", LOWER, display=attrs.evolve(PAIR, marked="random")
)


def _at_validity(tuned, label, validity, settings=None):
    """A network that learns with a cue that is not always right."""
    return tuned.but(label, settings, display=attrs.evolve(PAIR, validity=validity))


GAINS = {  # by validity
    1.0: GAIN,
    0.8: _at_validity(GAIN, "gain, cue right in 80%", 0.8, MORE),
    0.5: _at_validity(GAIN, "gain, cue right in 50%", 0.5, MORE),
}
CHANNELS = {
    1.0: CHANNEL,
    0.8: _at_validity(CHANNEL, "channel, cue right in 80%", 0.8),
    0.5: _at_validity(CHANNEL, "channel, cue right in 50%", 0.5, LOWER),
}
STAGES = (EARLY, GAIN, LATE, CHANNEL)
UNCERTAIN = (GAINS[0.8], GAINS[0.5], CHANNELS[0.8], CHANNELS[0.5])
NETWORKS = (UNCUED, *STAGES, BOTH, ANYWHERE, *UNCERTAIN)
# Not flat after six epochs, and those that they are compared with.
LONGER = (*STAGES, GAINS[0.8], CHANNELS[0.8])
LONG = 10  # epochs


def trained_long(network: Tuned) -> Arm:
    """A network that is trained for more epochs."""
    return network.arm(SEEDS, epochs=LONG, keeps_weights=False)


def _probe(tuned, **changes):
    few = {"test_images": 5_000, "test_noise_sds": (0.0, NOISE)}
    return tuned.arm(SEEDS).probed(**few, **changes)


def cued(tuned: Tuned, says: str) -> Arm:
    """Trained networks with a cue that is "right", "wrong" or "absent"."""
    changes = {
        "right": {"display": PAIR},
        "wrong": {"display": attrs.evolve(PAIR, validity=0.0)},
        "absent": {"strength": 0.0},
    }
    return _probe(tuned, **changes[says])


def probed() -> list[Arm]:
    """All arms of probes: networks whose cue marks one digit, with other cues."""
    says = ("right", "wrong", "absent")
    return [cued(each, word) for each in (*STAGES, *UNCERTAIN) for word in says]


PROFILES = {
    "competition_rates": Profile(
        "two digits and one cue, at several rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "competition": Profile(
        "two digits and one cue, on test images",
        lambda: [*chosen(NETWORKS, SEEDS), *map(trained_long, LONGER)],
    ),
    "competition_probes": Profile(
        "these networks with other cues; run `competition` first", probed
    ),
}
