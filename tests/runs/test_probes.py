"""Probes: the same network, the same test displays, and one thing changed."""

import json

import attrs
import numpy as np
import pytest

from utils.displays import Display
from utils.record import decode_correct
from utils.runs.probes import Probe
from utils.runs.store import COMMITTED, Store
from utils.spec import RunSpec
from utils.studies import StudyStoppedError, run

LEVELS = (0.0, 40.0)
TINY = RunSpec(
    "energy",
    display=Display(rows=36, cols=36),
    noise_sd=20.0,
    input_scale=1 / 255,
    images=1_984,  # whole calls: nothing is compiled for a remainder
    epochs=1,
    batch_size=8,
    optimizer="adam",
    learning_rate=0.003,
    test_images=250,
    test_noise_sds=LEVELS,
)
CONTROL = attrs.evolve(TINY, attention="ones")
CUED = attrs.evolve(TINY, attention="given")


@pytest.fixture(scope="module")
def store(two_threads, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    run([TINY, CONTROL, CUED], folder, two_threads, progress=False)
    return Store(folder)


@pytest.fixture
def right(store, two_threads):
    """Return a function: which displays are named right, `(probes, levels, ...)`."""

    def right(*probes):
        records = run(probes, store, two_threads, progress=False)
        return np.array([[decode_correct(r, sd) for sd in LEVELS] for r in records])

    return right


def trained(store, spec):
    return np.array([decode_correct(store.record(spec.name), sd) for sd in LEVELS])


def test_with_nothing_changed_a_probe_is_the_run(store, right):
    for spec in (TINY, CUED):
        assert (right(Probe(spec, {}))[0] == trained(store, spec)).all()


def test_without_strength_the_network_is_the_control_with_its_weights(store, right):
    none, control = right(
        Probe(TINY, {"strength": 0.0}), Probe(TINY, {"attention": "ones"})
    )
    assert (none == control).all()
    assert (none != trained(store, TINY)).any()


def test_a_network_s_own_maps_can_be_given_to_it_and_those_of_another(store, right):
    own, borrowed = right(
        Probe(TINY, {"attention": "given"}, maps_of=TINY),
        Probe(CONTROL, {"attention": "given"}, maps_of=TINY),
    )
    assert (own != trained(store, TINY)).mean() < 0.01  # but for rounding
    assert (borrowed != trained(store, CONTROL)).any()


def test_a_cue_can_be_valid_neutral_or_invalid(store, right):
    valid, neutral, invalid = right(
        Probe(CUED, {}),
        Probe(CUED, {"strength": 0.0}),
        Probe(CUED, {"display": Display(rows=36, cols=36, validity=0.0)}),
    )
    assert (valid == trained(store, CUED)).all()
    assert (neutral != valid).any()
    assert (invalid != valid).any()
    assert (invalid != neutral).any()


def test_another_display_is_the_same_digit_on_it(store, right):
    larger, crowded = right(
        Probe(TINY, {"display": Display(rows=60, cols=60)}),
        Probe(TINY, {"display": Display(rows=36, cols=36, distractors=8)}),
    )
    for each in (larger, crowded):
        assert (each != trained(store, TINY)).any()


def test_a_record_says_what_was_probed_and_with_what(store, two_threads):
    probe = Probe(CONTROL, {"attention": "given"}, maps_of=TINY)
    (record,) = run([probe], store, two_threads, progress=False)
    assert record["run"] == CONTROL.name
    assert record["maps_of"] == TINY.name
    assert RunSpec(**record["spec"]) == probe.tested
    assert record["epochs"] == []


def test_every_committed_probe_has_the_name_of_what_was_probed():
    """Recomputed from its record: the run, the changed spec, and the maps' run."""
    found = {
        name: json.loads(COMMITTED.path(name).read_text("utf-8"))
        for name in COMMITTED.names()
    }
    specs = {name: RunSpec(**record["spec"]) for name, record in found.items()}
    probes = [name for name in found if "-probe-" in name]
    assert len(probes) > 100
    for name in probes:
        record, trained = found[name], specs[found[name]["run"]]
        fields = [field.name for field in attrs.fields(RunSpec)]
        tested = {field: getattr(specs[name], field) for field in fields}
        changes = {x: y for x, y in tested.items() if y != getattr(trained, x)}
        maps_of = record["maps_of"] and specs[record["maps_of"]]
        assert Probe(trained, changes, maps_of).name == name


def test_every_probe_has_a_name_of_its_own():
    probes = [
        Probe(TINY, {}),
        Probe(TINY, {"strength": 0.0}),
        Probe(TINY, {"strength": 0.5}),
        Probe(CONTROL, {}),
        Probe(TINY, {"attention": "given"}),
        Probe(TINY, {"attention": "given"}, maps_of=CONTROL),
        Probe(TINY, {"display": Display(distractors=1)}),
    ]
    assert len({each.name for each in probes} | {TINY.name}) == len(probes) + 1
    assert len({*probes}) == len(probes)
    assert Probe(TINY, {"strength": 1}).name == Probe(TINY, {}).name


def test_another_seed_is_that_of_all_its_runs():
    probe = Probe(CONTROL, {"attention": "given"}, maps_of=TINY).with_seed(3)
    assert (probe.trained.seed, probe.maps_of.seed, probe.tested.seed) == (3, 3, 3)
    assert probe.work == TINY.test_images


def test_a_probe_before_its_run_says_what_is_missing(tmp_path, two_threads):
    with pytest.raises(StudyStoppedError, match="No record"):
        run([Probe(TINY, {"strength": 0.0})], tmp_path, two_threads, progress=False)


def test_an_impossible_probe_is_refused():
    with pytest.raises(ValueError, match=r"strength: .*from 0 to 1\. Received 2"):
        _ = Probe(TINY, {"strength": 2}).name
    with pytest.raises(ValueError, match="Expected attention 'given'"):
        Probe(TINY, {}, maps_of=CONTROL)
    with pytest.raises(ValueError, match="keeps its weights"):
        Probe(attrs.evolve(TINY, keeps_weights=False), {})
