"""Enhancement or exclusion: what a cue does where noise is outside or inside.

A digit lies somewhere on a canvas, at a contrast from 0 to 1, in external noise of SD 0
to 120; networks have a noise of their own in `conv_2`'s input. One is told the place by
a cue, which multiplies that input before its noise comes to it. Where the cue helps in
strong noise only, it excludes that; in weak noise only, it enhances the digit above the
network's noise (Lu and Dosher 1998, Dosher and Lu 2000).

Named on 26 November 2026, before any of these networks was scored on test images, over
8 pairs of seeds: the cue's change of the threshold contrast without external noise, and
in the strongest.
"""

import attrs
import numpy as np

from utils.runs import RunSpec
from utils.studies.arms import Arm
from utils.studies.probes import Probe
from utils.studies.tuning import Tuned, seed_by_seed
from utils.studies.uncertain_place import BASE

PRIMARY = ("enhancement", "exclusion")
INTERNAL = 8.0  # SD: about the activity that a digit causes there
SEEDS = range(8)
VALIDATION_SEEDS = range(100, 101)
RATES = (0.0007, 0.001, 0.0015)
LEVELS = (0.0, 30.0, 60.0)
CONTRASTS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0)
NOISES = (0.0, 7.5, 15.0, 30.0, 60.0, 90.0, 120.0)  # external, SD in grey levels


def _tuned(label, attention):
    own = {"internal_noise": INTERNAL, "contrast_varies": True}
    run = attrs.evolve(BASE, attention=attention, test_noise_sds=LEVELS, **own)
    settings = [{"learning_rate": rate} for rate in RATES]
    return Tuned(label, run, settings, VALIDATION_SEEDS, LEVELS[-1])


UNCUED = _tuned("no cue", "ones")
CUED = _tuned("cue", "given")
NETWORKS = (UNCUED, CUED)


def rates() -> list[RunSpec]:
    """Profile `external_noise_rates`: three learning rates each, on validation."""
    return [run for each in NETWORKS for run in each.runs]


def study() -> list[RunSpec]:
    """Profile `external_noise`: after `external_noise_rates`; seed by seed."""
    return seed_by_seed([run for each in NETWORKS for run in each.arm(SEEDS).runs])


def _at_contrast(tuned, contrast):
    arm = tuned.arm(SEEDS)
    few = {"test_images": 2_000, "test_noise_sds": NOISES, "curve_images": None}
    return Arm(arm.label, Probe(arm.run, {**few, "contrast": contrast}), SEEDS)


def probes() -> list[Probe]:
    """Profile `external_noise_probes`: after the runs of `external_noise`."""
    arms = [_at_contrast(each, c) for each in NETWORKS for c in CONTRASTS]
    return [run for each in arms for run in each.runs]


def accuracies(cued: bool) -> np.ndarray:
    """Of networks with or without the cue: `(seeds, contrasts, noises)`."""
    tuned = CUED if cued else UNCUED
    arms = [_at_contrast(tuned, contrast) for contrast in CONTRASTS]
    return np.array([[arm.accuracy(sd) for sd in NOISES] for arm in arms]).transpose(
        2, 0, 1
    )
