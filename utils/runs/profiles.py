"""A profile: a list of runs with a name, for `python -m utils.studies NAME`."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from utils.runs.arms import Arm
from utils.runs.probes import Probe, tested
from utils.spec import RunSpec


class Profile(NamedTuple):
    """The runs of a study, or of a part of it."""

    description: str  # a sentence for the command line
    arms: Callable[[], Iterable[Arm]]

    def specs(self) -> list[RunSpec | Probe]:
        """The specs of its runs, in order."""
        return in_order(self.arms())


def in_order(arms: Iterable[Arm]) -> list[RunSpec | Probe]:
    """Specs of runs, short runs first, then by seed.

    A study that is stopped early then has results for fewer seeds.
    """
    specs = [spec for arm in arms for spec in arm.specs]
    return sorted(specs, key=lambda spec: (spec.work, tested(spec).seed))
