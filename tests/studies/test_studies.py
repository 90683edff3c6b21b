"""Studies: one protocol for all of them, and profiles with their records."""

import pytest

from utils.explorers.shipped import WEIGHTS
from utils.runs.probes import Probe
from utils.runs.profiles import Profile
from utils.runs.store import COMMITTED, Store
from utils.spec import RunSpec
from utils.studies import PROFILES, STUDIES, profile


@pytest.mark.parametrize("study", STUDIES, ids=lambda each: each.__name__)
def test_a_study_keeps_the_protocol(study):
    """A docstring, families of primary claims, and profiles with a sentence each."""
    assert len(study.__doc__.splitlines()) > 3
    assert all(isinstance(key, str) for family in study.PRIMARY for key in family)
    for each in study.PROFILES.values():
        assert isinstance(each, Profile)
        assert 10 < len(each.description) < 80
    assert {*study.PROFILES.items()} <= {*PROFILES.items()}


def test_profiles_of_two_studies_have_different_names():
    assert len(PROFILES) == sum(len(study.PROFILES) for study in STUDIES)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_lists_different_runs_whose_records_are_there(name):
    specs = profile(name)
    assert len({spec.name for spec in specs}) == len(specs) > 0
    kind = Probe if name.endswith("_probes") else RunSpec
    assert all(isinstance(spec, kind) for spec in specs)
    store = {"quick": None, "explorers": Store(WEIGHTS)}.get(name, COMMITTED)
    assert store is None or all(spec.name in store for spec in specs)


@pytest.mark.parametrize("name", [x for x in PROFILES if x.endswith("_rates")])
def test_settings_are_tried_on_validation_images_with_other_seeds(name):
    tried, study = profile(name), profile(name.removesuffix("_rates"))
    assert {run.scored_on for run in tried} == {"validation"}
    assert {run.scored_on for run in study} == {"test"}
    assert not {run.seed for run in tried} & {run.seed for run in study}


def test_the_quick_profile_takes_minutes():
    assert sum(spec.work for spec in profile("quick")) < 150_000


def test_an_unknown_profile_is_answered_with_all_profiles():
    with pytest.raises(ValueError, match=r"'publish'.* one of quick, published"):
        profile("publish")
