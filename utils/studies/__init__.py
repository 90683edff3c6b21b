"""Studies: each is a module with its runs, its settings, and its findings.

A study has `PRIMARY`, families of claims that were named before test images were
scored, and `PROFILES`, its runs by name. To add a study, write its module and add it to
`STUDIES`.
"""

from utils.runs.execution import StudyStoppedError, run
from utils.runs.probes import Probe
from utils.spec import RunSpec
from utils.studies import (
    competition,
    controls,
    decomposition,
    external_noise,
    gain,
    published,
    read_out,
    uncertain_place,
)

__all__ = ["PROFILES", "STUDIES", "StudyStoppedError", "profile", "run"]

STUDIES = (
    *(published, gain, uncertain_place, decomposition, controls),
    *(competition, external_noise, read_out),
)
PROFILES = {name: each for study in STUDIES for name, each in study.PROFILES.items()}


def profile(name: str) -> list[RunSpec | Probe]:
    """The runs of a profile; `PROFILES` holds the descriptions.

    Raises:
        ValueError: for an unknown name; the message lists the names that exist.
    """
    if name not in PROFILES:
        raise ValueError(
            f"Unknown profile {name!r}. Expected one of {', '.join(PROFILES)}."
        )
    return PROFILES[name].specs()
