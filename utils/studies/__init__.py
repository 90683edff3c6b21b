"""Studies: their runs, how these are executed, and what was found.

Each study has a module of its own: `published`, `gain`, `uncertain_place`,
`decomposition`, `controls`, `competition`, `likeliest`, `external_noise`, `features`;
`units` and `contrast_gain` look at the networks of `competition`.
"""

from collections.abc import Callable, Mapping

from utils.runs import RunSpec
from utils.studies import (
    competition,
    controls,
    decomposition,
    external_noise,
    gain,
    likeliest,
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
    "decomposition": decomposition.study,
    "controls_rates": controls.rates,
    "controls": controls.study,
    "competition_rates": competition.rates,
    "competition": competition.study,
    "competition_probes": competition.probes,
    "likeliest_rates": likeliest.rates,
    "likeliest": likeliest.study,
    "external_noise_rates": external_noise.rates,
    "external_noise": external_noise.study,
    "external_noise_probes": external_noise.probes,
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
    `decomposition`: the same on test images, each at the best of its settings.
    `controls_rates`, `controls`: what else could explain that attention helps.
    `competition_rates`, `competition`: two digits and one cue.
    `competition_probes`: these networks with other cues, and at distances.
    `likeliest_rates`, `likeliest`: the N likeliest digits, among fragments and beside a
    second digit.
    `external_noise_rates`, `external_noise`: a cue in noise outside and inside.
    `external_noise_probes`: these networks at contrasts, in noises; run it after that.

    Raises:
        ValueError: for an unknown name, with those that exist.
    """
    if name not in PROFILES:
        raise ValueError(
            f"Unknown profile {name!r}. Expected one of {', '.join(PROFILES)}."
        )
    return PROFILES[name]()
