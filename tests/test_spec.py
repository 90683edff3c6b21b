"""Specs: what decides a run, the names of its files, and the data that it looks at."""

import functools
import json
import os
import pickle

import attrs
import numpy as np
import pytest

from utils.data import load_mnist
from utils.displays import Display
from utils.record import decode_correct
from utils.runs.store import COMMITTED
from utils.spec import RunSpec
from utils.studies import run
from utils.training import train

DIFFERENT = {  # one other value for every field of a spec that a user sets
    "attention": "energy",
    "attention_parameters": {"n": 3},
    "strength": 0.5,
    "input_scale": 0.5,
    "noise_sd": 2.0,
    "noise_varies": True,
    "noise_lies": "on",
    "contrast": 0.5,
    "contrast_varies": True,
    "display": Display(rows=32),
    "images": 600,
    "goes_on": True,
    "epochs": 3,
    "batch_size": 4,
    "optimizer": "adam",
    "learning_rate": 0.02,
    "momentum": 0.4,
    "learning_rate_decay": 0.0,
    "conv_2_start": 0.5,
    "conv_2_rate": 0.5,
    "looks_at": "gate",
    "acts_on": "read_out",
    "read_out": "mean_inside",
    "stops_gradient": True,
    "yoked": True,
    "field": True,
    "times_cue": True,
    "internal_noise": 2.0,
    "internal_noise_first": True,
    "seed": 1,
    "scored_on": "validation",
    "test_images": 151,
    "curve_images": 100,
    "test_noise_sds": (0.0, 2.5),
    "keeps_weights": False,
}


# --- Specs -----------------------------------------------------------------------


def test_the_defaults_are_the_published_study():
    spec = RunSpec()
    assert (spec.images, spec.epochs, spec.batch_size) == (60_000, 12, 1)
    optimiser = (spec.learning_rate, spec.momentum, spec.learning_rate_decay)
    assert optimiser == (0.01, 0.5, 1e-6)
    assert (spec.scored_on, spec.test_images) == ("test", 10_000)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"attention": "spot"}, "attention.*'spot'"),
        ({"attention": "given"}, "the cue of a display.*use build_model"),
        ({"attention": "energy", "field": True}, "field=True.* need.*a display"),
        ({"noise_lies": "on"}, "a display with noise_lies='on'.*None"),
        ({"yoked": True}, "a display with yoked"),
        ({"display": (44, 44)}, r"display.*\(44, 44\)"),
        ({"display": {"rows": 0}}, "rows.* at least 1"),
        ({"display": {"marked": "both"}}, "second_digit=True.*'both'.*False"),
        ({"optimizer": "lion"}, "optimizer.*'sgd', 'adam'.*'lion'"),
        ({"optimizer": "adam", "conv_2_rate": 0.5}, "'sgd' with a conv_2_rate.*'adam'"),
        ({"scored_on": "train"}, "scored_on.*'test', 'validation'.*'train'"),
        ({"attention_parameters": {"n": 3}}, "No parameter 'n'"),
        ({"attention": "top_n", "attention_parameters": {"n": 0}}, "n: .*from 1 to 10"),
        ({"strength": 1.5}, r"strength: .*from 0 to 1\. Received 1\.5"),
        ({"attention": "as_coded", "strength": 0.5}, "has no strength"),
        *(
            ({name: -1}, f"{name}.*-1")
            for name in ("images", "epochs", "batch_size", "test_images", "seed")
        ),
        *(
            ({name: np.nan}, f"{name}.*nan")
            for name in ("noise_sd", "learning_rate", "momentum", "conv_2_start")
        ),
        ({"goes_on": 1}, "goes_on.*True or False.*1"),
        ({"images": 100, "batch_size": 8}, "multiple of batch_size.*100 and 8"),
        ({"test_noise_sds": (0, -1)}, "test_noise_sds.*-1"),
        ({"test_noise_sds": (np.nan,)}, "test_noise_sds.*nan"),
        ({"test_noise_sds": 2.5}, r"test_noise_sds.*2\.5"),
        ({"curve_images": 300, "test_images": 200}, "curve_images.*from 1 to 200.*300"),
    ],
)
def test_an_impossible_spec_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        RunSpec(**values)


def test_a_spec_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RunSpec().seed = 1


def test_every_committed_record_has_the_name_of_its_spec():
    """Renaming specs would orphan the records that exist; probes name their own."""
    found = {x: COMMITTED.path(x).read_text("utf-8") for x in COMMITTED.names()}
    specs = {
        name: json.loads(text)["spec"]
        for name, text in found.items()
        if "-probe-" not in name
    }
    assert len(specs) > 400
    for name, spec in specs.items():
        assert RunSpec(**spec).name == name


def test_a_spec_s_name_stays():
    assert RunSpec().name == "ones-noise0-seed0-44136fa355"
    spec = RunSpec(
        noise_sd=2.5,
        images=500,
        epochs=2,
        test_images=150,
        test_noise_sds=(0.0, 2.5, 20.0),
    )
    assert spec.name == "ones-noise2.5-seed0-6ca7f54f5b"


def test_every_difference_has_a_name_of_its_own():
    fields = {field.name for field in attrs.fields(RunSpec)}
    assert DIFFERENT.keys() == fields - {"data", "data_sha256"}
    base = RunSpec("top_n", noise_sd=2.5, images=300, test_images=150)
    shown = "yoked", "field", "times_cue", "noise_lies"
    needs = {name: {"display": Display()} for name in shown}
    specs = [attrs.evolve(base, display=Display(central=c)) for c in (False, True)]
    specs += [base]
    specs += [
        attrs.evolve(base, **{name: value, **needs.get(name, {})})
        for name, value in DIFFERENT.items()
    ]
    specs.append(attrs.evolve(base, attention_parameters={"n": 2}))
    assert len({spec.name for spec in specs}) == len(set(specs)) == len(specs)


def test_equal_specs_have_equal_names():
    values = {"noise_sd": 2, "strength": 1, "test_noise_sds": [0, 3], "momentum": 0}
    whole = RunSpec(**values)
    real = RunSpec(noise_sd=2.0, strength=1.0, test_noise_sds=(0.0, 3.0), momentum=0.0)
    assert whole == real
    assert hash(whole) == hash(real)
    assert whole.name == real.name
    counted = RunSpec(seed=np.int64(3), noise_sd=np.float32(2.5), epochs=12.0)
    assert counted.name == RunSpec(seed=3, noise_sd=2.5).name
    parameters = ({"of": "top_n", "n": 2}, {"n": 2, "of": "top_n"})
    one, other = (RunSpec("inverted", attention_parameters=p) for p in parameters)
    assert one == other
    assert hash(one) == hash(other)
    assert one.name == other.name


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec(noise_sd=2.5, test_noise_sds=(0.0, 20.0)),
        RunSpec("shuffled", {"of": "top_n", "n": 3}, strength=0.5),
        RunSpec("given", display=Display(distractors=3, validity=0.8)),
    ],
)
def test_a_spec_survives_json(spec):
    again = RunSpec(**json.loads(json.dumps(spec.to_json(), allow_nan=False)))
    assert again == spec
    assert again.name == spec.name
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_another_seed_changes_nothing_but_the_seed():
    spec = RunSpec("energy", noise_sd=2.5)
    assert spec.with_seed(3) == attrs.evolve(spec, seed=3)
    assert spec.work == 12 * 60_000


# --- Data of one's own -------------------------------------------------------------


def write(path, *, inverted=False):
    """Twenty digits to train on and ten to test, smaller than MNIST's."""
    arrays = {}
    for part, (images, labels), count in zip(
        ("train", "test"), load_mnist(), (20, 10), strict=True
    ):
        images = images[:count, 8:20, 6:22]
        arrays |= {f"x_{part}": 255 - images if inverted else images}
        arrays |= {f"y_{part}": labels[:count]}
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **arrays)
    return path


small = functools.partial(
    RunSpec, images=20, epochs=1, test_images=10, test_noise_sds=(0.0,)
)


def test_a_network_can_learn_images_of_another_size(tmp_path):
    spec = small(data=str(write(tmp_path / "mine.npz")))
    result = train(spec, progress=False)
    assert decode_correct(result.record, 0).shape == (10,)
    with pytest.raises(ValueError, match=r"mine\.npz\) has 20 images for images"):
        train(attrs.evolve(spec, images=21), progress=False)


def test_a_record_belongs_to_data_and_not_to_a_path(tmp_path, monkeypatch, two_threads):
    def study(store):
        (record,) = run([small(data="mine.npz")], store, two_threads, progress=False)
        return record["epochs"][0]["loss"]

    store, here, there = (tmp_path / name for name in ("records", "here", "there"))
    write(here / "mine.npz")
    monkeypatch.chdir(here)
    first = study(store)
    write(there / "mine.npz", inverted=True)
    monkeypatch.chdir(there)  # the same relative path
    other = study(store)
    assert other != first
    write(there / "mine.npz")  # replaced: it is now the first's
    assert study(store) == first
    assert len(list(store.glob("*.json"))) == 2
    os.rename("mine.npz", "moved.npz")
    assert small(data="moved.npz").name == small(data=str(here / "mine.npz")).name


def test_a_file_that_is_replaced_after_the_spec_was_made_is_noticed(
    tmp_path, two_threads
):
    path = write(tmp_path / "mine.npz")
    spec = small(data=str(path))
    records = run([spec], tmp_path / "records", two_threads, progress=False)
    write(path, inverted=True)
    with pytest.raises(ValueError, match=r"mine\.npz holds other data.*anew"):
        run([spec], tmp_path / "records", two_threads, progress=False)
    with pytest.raises(ValueError, match="holds other data"):
        train(spec, progress=False)
    path.unlink()  # a record needs no data
    assert RunSpec(**records[0]["spec"]) == spec
    assert run([spec], tmp_path / "records", progress=False) == records


def test_mnist_is_mnist_whatever_came_before(tmp_path):
    mine = small(data=str(write(tmp_path / "mine.npz")))
    assert attrs.evolve(mine, data="mnist") == small()
