"""Attention to the N likeliest digits where it has a job: among things that compete.

The idea that the post (Vatterott 2016) left untried: the network's guess at first look
guides its second, but by its N likeliest digits, not by one. On centred digits there is
nothing to select (`gain`). Here the target lies among fragments of other digits, or
beside a second digit, of which either may be named. Displays, noise and training are
those of `uncertain_place` and `competition`. N = 10 is the control, which looks once.

Named on 26 November 2026, before any of these networks was scored on test images, over
8 pairs of seeds, in the strongest noise of training: N = 1 and N = 3 minus the control,
on each of the two displays.
"""

import attrs

from utils.runs import RunSpec
from utils.studies.competition import NOISE, PAIR
from utils.studies.tuning import Tuned, seed_by_seed
from utils.studies.uncertain_place import BASE, CLUTTER

PRIMARY = ("one", "three")
COUNTS = (1, 2, 3, 5, 10)
SEEDS = range(8)
VALIDATION_SEEDS = range(100, 101)
RATES = (0.0005, 0.001, 0.002)
DISPLAYS = {"fragments": CLUTTER, "second digit": PAIR}
LEVELS = (0.0, 30.0, NOISE, 120.0)


def _tuned(n, beside):
    kind = {"attention": "top_n", "attention_parameters": {"n": n}}
    run = attrs.evolve(
        BASE,
        **(kind if n < 10 else {}),
        display=DISPLAYS[beside],
        noise_sd=NOISE,
        epochs=4,
        test_noise_sds=LEVELS,
    )
    settings = [{"learning_rate": rate} for rate in RATES]
    return Tuned(f"N = {n}, {beside}", run, settings, VALIDATION_SEEDS, NOISE)


AMONG = {beside: {n: _tuned(n, beside) for n in COUNTS} for beside in DISPLAYS}
NETWORKS = tuple(each for several in AMONG.values() for each in several.values())


def rates() -> list[RunSpec]:
    """Profile `likeliest_rates`: three learning rates each, on validation images."""
    return [run for each in NETWORKS for run in each.runs]


def study() -> list[RunSpec]:
    """Profile `likeliest`: after `likeliest_rates`; seed by seed."""
    return seed_by_seed([run for each in NETWORKS for run in each.arm(SEEDS).runs])
