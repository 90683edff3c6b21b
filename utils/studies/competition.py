"""Competition: two digits, one of which counts, and a cue that says which.

A target and a second digit of another class lie somewhere on one canvas, in noise from
none to SD 60; a cue marks the target (Posner 1980; Desimone and Duncan 1995). Networks
differ in what the cue does: nothing, a gain at one of three stages, an attention field
(Reynolds and Heeger 2009), or a second channel of the input, which a plain network may
use as it likes; and, for the gain on `conv_2`'s input, in how often it was right while
they learnt. Training is that of `uncertain_place`; rates were chosen on validation
images with one other seed.

Named on 26 November 2026, before any of these networks was scored on test images, at
noise of SD 60, over 8 pairs of seeds: the cue as a gain on `conv_2`'s input minus no
cue, minus the cue as a channel, and minus the cue as an attention field.
"""

import attrs

from utils.displays import Display
from utils.runs import RunSpec
from utils.studies.arms import Arm
from utils.studies.probes import Probe
from utils.studies.tuning import Tuned, seed_by_seed
from utils.studies.uncertain_place import BASE, CANVAS

PRIMARY = ("cued", "gain or channel", "gain or field")
NOISE = 60.0  # grey levels
SEEDS = range(8)
VALIDATION_SEEDS = range(100, 101)
RATES = (0.0007, 0.001, 0.0015)
PAIR = Display(CANVAS, CANVAS, second_digit=True)
DISTANCES = (7.0, 14.0, 21.0)  # pixels; every target has room for them somewhere
LEVELS = (0.0, 30.0, NOISE, 120.0)


def _tuned(label, attention, **wiring):
    wiring = {"display": PAIR, "noise_sd": NOISE, "test_noise_sds": LEVELS} | wiring
    run = attrs.evolve(BASE, attention=attention, **wiring)
    settings = [{"learning_rate": rate} for rate in RATES]
    return Tuned(label, run, settings, VALIDATION_SEEDS, NOISE)


UNCUED = _tuned("no cue", "ones")
EARLY = _tuned("gain at conv_1's output", "given", acts_on="conv_1")
GAIN = _tuned("gain at conv_2's input", "given")
LATE = _tuned("gain at the read-out", "given", acts_on="read_out")
FIELD = _tuned("attention field", "normalised", field=True)
CHANNEL = _tuned("second channel", "given", acts_on="input")
USUALLY, HALF = (  # networks that learnt with cues which are not always right
    _tuned(
        f"gain, cue right in {share:.0%}",
        "given",
        display=attrs.evolve(PAIR, validity=share),
    )
    for share in (0.8, 0.5)
)
STAGES = (EARLY, GAIN, LATE, FIELD, CHANNEL)
NETWORKS = (UNCUED, *STAGES, USUALLY, HALF)


def rates() -> list[RunSpec]:
    """Profile `competition_rates`: three learning rates each, on validation images."""
    return [run for each in NETWORKS for run in each.runs]


def study() -> list[RunSpec]:
    """Profile `competition`: after `competition_rates`; seed by seed."""
    return seed_by_seed([run for each in NETWORKS for run in each.arm(SEEDS).runs])


def _probe(tuned, **changes):
    few = {"test_images": 5_000, "test_noise_sds": (0.0, NOISE)}
    return tuned.arm(SEEDS).probed(**few, **changes)


def at_distance(tuned: Tuned, distance: float) -> Arm:
    """With the second digit at a distance from the target, pixels."""
    return _probe(tuned, display=attrs.evolve(PAIR, distance=distance))


def cued(tuned: Tuned, says: str) -> Arm:
    """Told "right" which digit counts, "wrong", or, "absent", not told."""
    changes = {
        "right": {"display": PAIR},
        "wrong": {"display": attrs.evolve(PAIR, validity=0.0)},
        "absent": {"strength": 0.0},
    }
    return _probe(tuned, **changes[says])


def probes() -> list[Probe]:
    """Profile `competition_probes`: after the runs of `competition`."""
    says = ("right", "wrong", "absent")
    cues = [cued(each, word) for each in NETWORKS[1:] for word in says]
    apart = [at_distance(each, d) for each in (UNCUED, *STAGES) for d in DISTANCES]
    return [run for each in (*cues, *apart) for run in each.runs]
