"""Competition: two digits, one of which counts, and a cue that marks it.

A target and a second digit of another class lie somewhere on one canvas, in noise from
none to SD 60; a cue marks the target (Posner 1980; Desimone and Duncan 1995). Networks
differ in the effect of the cue: none, a gain at one of three stages, an attention field
(Reynolds and Heeger 2009), or a second channel of the input, which a plain network may
use freely. Networks with the gain on `conv_2`'s input also differ in how often the cue
was right in training. Training is that of `uncertain_place`; learning rates were chosen
on validation images with one other seed.

These contrasts were named on 26 November 2026, before any of these networks was scored
on test images: in noise of SD 60, over 8 pairs of seeds, the cue as a gain on
`conv_2`'s input minus no cue, minus the cue as a channel, and minus the cue as an
attention field.

What they can show is limited. Without a cue, the question has no answer, so that the
first contrast only checks that the cue works. The map of a field is also made from the
network's own activity, so that the third does not compare a field with a gain.
"""

import attrs

from utils.displays import Display
from utils.runs.arms import Arm
from utils.runs.profiles import Profile
from utils.runs.tuning import Tuned, chosen, on_validation, rates
from utils.studies.uncertain_place import BASE, CANVAS

PRIMARY = (("cued", "gain or channel", "gain or field"),)
NOISE = 60.0  # grey levels
SEEDS = range(8)
PAIR = Display(CANVAS, CANVAS, second_digit=True)
DISTANCES = (7.0, 14.0, 21.0)  # pixels; every target has room for them
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
FIELD = UNCUED.but("attention field", attention="normalised", field=True)
USUALLY, HALF = (  # networks trained with cues that are not always right
    GAIN.but(f"gain, cue right in {x:.0%}", display=attrs.evolve(PAIR, validity=x))
    for x in (0.8, 0.5)
)
STAGES = (EARLY, GAIN, LATE, FIELD, CHANNEL)
NETWORKS = (UNCUED, *STAGES, USUALLY, HALF)


def _probe(tuned, **changes):
    few = {"test_images": 5_000, "test_noise_sds": (0.0, NOISE)}
    return tuned.arm(SEEDS).probed(**few, **changes)


def at_distance(tuned: Tuned, distance: float) -> Arm:
    """Trained networks with the second digit at a distance from the target, pixels."""
    return _probe(tuned, display=attrs.evolve(PAIR, distance=distance))


def cued(tuned: Tuned, says: str) -> Arm:
    """Trained networks with a cue that is "right", "wrong" or "absent"."""
    changes = {
        "right": {"display": PAIR},
        "wrong": {"display": attrs.evolve(PAIR, validity=0.0)},
        "absent": {"strength": 0.0},
    }
    return _probe(tuned, **changes[says])


def probed() -> list[Arm]:
    """All arms of probes."""
    says = ("right", "wrong", "absent")
    cues = [cued(each, word) for each in NETWORKS[1:] for word in says]
    apart = [at_distance(each, d) for each in (UNCUED, *STAGES) for d in DISTANCES]
    return cues + apart


PROFILES = {
    "competition_rates": Profile(
        "two digits and one cue, at several rates, on validation images",
        lambda: on_validation(NETWORKS),
    ),
    "competition": Profile(
        "two digits and one cue, on test images", lambda: chosen(NETWORKS, SEEDS)
    ),
    "competition_probes": Profile(
        "these networks with other cues and distances; run `competition` first", probed
    ),
}
