"""Profiles: the runs of arms, in the order in which they are computed."""

from utils.runs.arms import Arm
from utils.runs.probes import Probe
from utils.runs.profiles import Profile, in_order
from utils.spec import RunSpec


def test_short_runs_come_first_then_seed_by_seed():
    long = Arm("long", RunSpec(epochs=3), range(2))
    short = Arm("short", RunSpec("energy", epochs=1), range(2))
    probe = Arm("probe", Probe(short.spec, {"strength": 0.0}), range(2))
    specs = in_order([long, short, probe])
    assert specs == [*probe.specs, *short.specs, *long.specs]
    other = Arm("other", RunSpec("place", epochs=1), range(2))
    seeds = [spec.seed for spec in in_order([short, other])]
    assert seeds == [0, 0, 1, 1]


def test_a_profile_lists_its_arms_when_it_is_asked():
    asked = []
    arm = Arm("any", RunSpec(), range(2))
    profile = Profile("a sentence", lambda: asked.append(1) or [arm])
    assert not asked
    assert profile.specs() == arm.specs
