"""Studies: their runs, how these are executed, and what was found.

Each study has a module of its own: `published`, `gain`, `uncertain_place`,
`decomposition`, `controls`, `competition`, `likeliest`, `external_noise`, `features`;
`units` and `contrast_gain` look at the networks of `competition`.
"""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType

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
from utils.studies.arms import Arm
from utils.studies.execution import StudyStoppedError, run
from utils.studies.probes import Probe

__all__ = ["PROFILES", "StudyStoppedError", "profile", "run"]


def _runs(arms: Iterable[Arm]) -> list[RunSpec | Probe]:
    """Short runs first, seed by seed: a part of a study is a result for fewer."""
    runs = [run for arm in arms for run in arm.runs]
    return sorted(runs, key=lambda run: (run.work, run.spec.seed))


def _on_validation(study: ModuleType) -> list[RunSpec]:
    """Each network at each of its settings, on validation images."""
    return _runs(arm for network in study.NETWORKS for arm in network.on_validation)


def _chosen(study: ModuleType) -> list[RunSpec]:
    """Each network at the best of its settings, on test images."""
    return _runs(network.arm(study.SEEDS) for network in study.NETWORKS)


PROFILES: Mapping[str, Callable[[], list[RunSpec | Probe]]] = {
    "quick": lambda: published.runs(published.QUICK),
    "published": published.runs,
    "beside": lambda: _runs((published.GUIDED, published.ADAM)),
    "explorers": published.for_explorers,
    "gain_rates": lambda: _on_validation(gain),
    "gain": lambda: _runs(gain.arms()),
    "gain_apart": lambda: _runs(gain.apart()),
    "uncertain_place_rates": lambda: _on_validation(uncertain_place),
    "uncertain_place": lambda: _runs(uncertain_place.arms()),
    "uncertain_place_probes": lambda: _runs(uncertain_place.probed()),
    "decomposition_rates": lambda: _on_validation(decomposition),
    "decomposition": lambda: _runs(decomposition.arms()),
    "controls_rates": lambda: _on_validation(controls),
    "controls": lambda: _chosen(controls),
    "competition_rates": lambda: _on_validation(competition),
    "competition": lambda: _chosen(competition),
    "competition_probes": lambda: _runs(competition.probed()),
    "likeliest_rates": lambda: _on_validation(likeliest),
    "likeliest": lambda: _chosen(likeliest),
    "external_noise_rates": lambda: _on_validation(external_noise),
    "external_noise": lambda: _chosen(external_noise),
    "external_noise_probes": lambda: _runs(external_noise.probed()),
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
