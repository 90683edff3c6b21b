"""Studies: their runs, how these are executed, and what was found.

Each study has a module of its own: `published`, `gain`, `uncertain_place`,
`decomposition`, `controls`, `competition`.
"""

from collections.abc import Callable, Mapping

from utils.runs import RunSpec
from utils.studies import (
    competition,
    controls,
    decomposition,
    gain,
    published,
    uncertain_place,
)
from utils.studies.execution import StudyStoppedError, run
from utils.studies.probes import Probe

__all__ = ["PROFILES", "StudyStoppedError", "profile", "run"]

PROFILES: Mapping[str, Callable[[], list[RunSpec | Probe]]] = {
    "quick": lambda: published.study(published.QUICK),
    "published": published.study,
    "beside": published.beside,
    "explorers": published.explorers,
    "gain_rates": gain.rates,
    "gain": gain.study,
    "gain_apart": gain.apart,
    "uncertain_place_rates": uncertain_place.rates,
    "uncertain_place": uncertain_place.study,
    "uncertain_place_probes": uncertain_place.probes,
    "decomposition_rates": decomposition.rates,
    "controls_rates": controls.rates,
    "competition_rates": competition.rates,
}


def profile(name: str) -> list[RunSpec | Probe]:
    """The runs of a named study.

    `quick`: minutes; the published cells on few images, for CI and a first look.
    `published`: the study of the post (Vatterott 2016), 12 runs of 12 epochs.
    `beside`: the network whose own guess guides it, which the post found erratic; the
    control, trained by Adam.
    `explorers`: networks for notebooks 1 to 3, trained under every noise up to SD 80.
    `gain_rates`: the networks of `gain` at several rates, on validation images.
    `gain`: 20 pairs an arm; gain, map and mismatch, each apart from the others.
    `gain_apart`: what a constant gain does to `conv_2`, apart; the full length.
    `uncertain_place_rates`: networks for digits at uncertain places at several rates.
    `uncertain_place`: attention where the place is uncertain, control and oracle.
    `uncertain_place_probes`: these networks looked at again; run it after that.
    `decomposition_rates`: selection and amount apart, several settings, on validation.
    `controls_rates`: what else could explain that attention helps; the same.
    `competition_rates`: two digits and one cue; the same.

    Raises:
        ValueError: for an unknown name, with those that exist.
    """
    if name not in PROFILES:
        raise ValueError(
            f"Unknown profile {name!r}. Expected one of {', '.join(PROFILES)}."
        )
    return PROFILES[name]()
