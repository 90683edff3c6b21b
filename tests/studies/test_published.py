"""What the post's repository reports, our records of its study, how they compare."""

import attrs
import h5py
import keras_1
import numpy as np
import pytest
import reference
from invented import with_weights_of

from utils import training
from utils.data import load_mnist
from utils.model import attention_maps, build_model, set_weights
from utils.record import decode_correct
from utils.runs.arms import CLEAN
from utils.spec import RunSpec
from utils.studies import published

CELLS = published.pairs()
KINDS = ("as_coded", "ones")


def test_reported_curves_are_those_of_the_repository():
    curves = published.reported()
    assert {key: value.shape for key, value in curves.items()} == {
        (kind, sd): (3, 12) for kind in KINDS for sd in (0.0, 2.5)
    }
    # Three-run means after epochs 1, 7 and 12.
    for key, means in {
        ("as_coded", 0.0): (0.9444, 0.9740, 0.9745),
        ("ones", 0.0): (0.9395, 0.9705, 0.9709),
        ("as_coded", 2.5): (0.9266, 0.9480, 0.9531),
        ("ones", 2.5): (0.8357, 0.6295, 0.5646),
    }.items():
        found = curves[key].mean(0)[[0, 6, 11]]
        np.testing.assert_allclose(found, means, atol=6e-5)


def test_the_study_is_the_published_one_and_its_records_are_whole():
    arms = [arm for pair in CELLS.values() for arm in pair]
    assert [(arm.spec.attention, arm.spec.noise_sd) for arm in arms] == [
        (kind, sd) for sd in (2.5, 0.0) for kind in KINDS
    ]
    assert arms == published.arms()
    for arm in (*arms, published.GUIDED):
        assert arm.curve(CLEAN).shape == (3, 12)
        for record in arm.records:
            spec = record["spec"]
            assert (spec["images"], spec["batch_size"]) == (60_000, 1)
            assert spec["test_images"] == 10_000
            assert record["versions"]
            assert record["processor"]
            assert record["seconds"] > 60


@pytest.mark.parametrize("sd", [0.0, 2.5])
def test_the_weights_in_the_store_name_the_images_that_their_record_says(sd):
    arm = CELLS[2.5].control
    part = attrs.evolve(arm.spec.with_seed(1), test_images=1_000)
    right = training.score(part, arm.weights(1), sd).right
    recorded = decode_correct(arm.records[1], sd)[:1_000]
    assert np.mean(right != recorded) < 0.005  # another processor rounds otherwise


@pytest.mark.parametrize(
    ("curve", "erratic"),
    [
        ((0.90, 0.95, 0.97), False),
        ((0.90, 0.84, 0.97), True),
        ((0.90, 0.86, 0.97), False),
        ((0.10, 0.11, 0.11), True),
        ((0.97,), False),
    ],
)
def test_erratic_is_a_fall_or_a_failure(curve, erratic):
    record = {"epochs": [{CLEAN: accuracy} for accuracy in curve]}
    assert published.is_erratic(record) is erratic


def test_the_published_map_is_flat_once_trained(tmp_path):
    smallest, largest = published.gains()
    assert smallest == pytest.approx(1 / 15, abs=1e-7)
    assert largest == pytest.approx(1 / 15, abs=1e-7)
    part = attrs.evolve(CELLS[2.5].attention, seeds=[2])
    low, high = published._gains(part)
    assert smallest <= low + 1e-8 < high + 1e-8 <= largest + 2e-8
    steep = with_weights_of(part, RunSpec("energy"), tmp_path)
    low, high = published._gains(steep)
    assert low < 0.1 < 2 < high  # as it would be, were it a map


def test_the_published_reshaping_copies_one_row_or_two_down_each_channel():
    gain = np.arange(15.0 * 15).reshape(15, 15)
    given = published.scrambled(gain)
    assert given.shape == (32, 15, 15)
    assert (given[0] == gain[0]).all()  # the first row, 15 times
    assert (given[31] == gain[14]).all()
    rows = np.repeat(np.arange(15), 32).reshape(32, 15)
    assert (given == gain[rows]).all()
    assert {len({*channel}) for channel in rows} == {1, 2}
    assert (published.scrambled(np.ones((15, 15))) == 1).all()


def test_scrambled_gains_are_far_from_what_was_meant():
    model, (_, (images, _)) = build_model("energy"), load_mnist()
    set_weights(model, CELLS[0.0].control.weights(0))
    found = published.scrambled_correlation(attention_maps(model, images[:50]))
    assert 0 < found.low < found.value < found.high < 0.5
    assert found.basis == "50 test images"


def test_the_author_s_weights_are_cited_as_measured():
    rows = published.authors_networks()
    assert len(rows) == len({row.weights for row in rows}) == 11
    noisy = [row for row in rows if row.training_noise_sd]
    assert {row.attention for row in noisy} == {*KINDS}
    for row in noisy:  # the mismatch, in the author's own networks
        assert (row.accuracy_clean < 0.75) == (row.attention == "ones")
        assert row.accuracy_noisy > 0.97
        assert row.noisy_images == 10_000
    # (.9650 + .9583 + .9567 - .7231 - .7190 - .6188) / 3
    clean = published.authors_difference("accuracy_clean")
    assert clean.value == pytest.approx(27.303, abs=1e-3)


def test_the_author_s_files_are_measured_anew(tmp_path, monkeypatch):
    """Our own trained weights, in the author's format and under the author's name."""
    weights, arrays = CELLS[2.5].control.weights(0), {}
    for layer in ("conv_1", "conv_2", "dense_2"):
        kernel, bias = (weights[f"{layer}/{part}"] for part in ("kernel", "bias"))
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1]
        arrays[layer] = [kernel, bias]
    keras_1.write(tmp_path / "mine_model_weights.h5", arrays)
    table = tmp_path / "weights.csv"
    heading = published.WEIGHTS_FILE.read_text("utf-8").splitlines()[0]
    table.write_text(f"{heading}\nmine,ones,2.5,0,0,1\n", "utf-8")
    monkeypatch.setattr(published, "WEIGHTS_FILE", table)
    train, (images, labels) = load_mnist()
    few = train, (images[:1_000], labels[:1_000])
    monkeypatch.setattr(RunSpec, "load", lambda spec: few)
    (row,) = published.authors_networks(tmp_path)
    recorded = [decode_correct(CELLS[2.5].control.records[0], sd) for sd in (0, 2.5)]
    clean, noisy = (right[:1_000].mean() for right in recorded)
    assert row.accuracy_clean == pytest.approx(clean, abs=0.003)
    assert row.accuracy_noisy == pytest.approx(noisy, abs=0.01)  # another draw of noise
    assert row.noisy_images == 1_000
    with pytest.raises(FileNotFoundError, match="mine_model_weights"):
        published.authors_networks(tmp_path / "elsewhere")


# --- Files of the author ----------------------------------------------------------


@pytest.mark.parametrize("group", [None, "model_weights"])
@pytest.mark.parametrize(("kind", "constant"), [("as_coded", 1 / 15), ("ones", 1)])
def test_weights_of_the_author_give_the_answers_of_theano(
    kind, constant, group, tmp_path
):
    weights = keras_1.random_weights()
    model, images = build_model(kind), reference.digits(2)
    published.load_published_weights(
        model, keras_1.write(tmp_path / "a.h5", weights, group)
    )
    expected = [keras_1.forward(image[..., 0], weights, constant) for image in images]
    np.testing.assert_allclose(model(images), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3  # the images matter


def test_files_with_an_optimiser_give_the_same_weights(tmp_path):
    """A file of `model.save` also holds the optimiser's state, under other names."""
    path = keras_1.write(tmp_path / "a.h5", keras_1.random_weights(), "model_weights")
    with h5py.File(path, "a") as file:
        file.create_dataset("optimizer_weights/sgd/iterations", data=1.0)
    models = [build_model("ones", seed=seed) for seed in (0, 1)]
    published.load_published_weights(models[0], path)
    published.load_published_weights(models[1], str(path))
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def without(name):
    return {
        key: value for key, value in keras_1.random_weights().items() if key != name
    }


def changed(name, *arrays):
    return {**keras_1.random_weights(), name: [np.zeros(shape) for shape in arrays]}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (without("conv_2"), r"one kernel and one bias of layer 'conv_2', found \[\]"),
        (without("dense_2"), r"'dense_2', found \[\]\. The file holds .*conv_1_W"),
        ({}, "one kernel and one bias of layer 'conv_1'"),
        (changed("dense_2", (32, 10)), r"bias of layer 'dense_2', found \[\(32, 10\)"),
        (changed("dense_2", (10, 32), (10,)), r"'dense_2/kernel' of \(10, 32\)"),
        (changed("dense_2", (32, 9), (9,)), r"\(32, 10\).*of \(32, 9\)"),
        (changed("conv_1", (32, 3, 3, 3), (32,)), r"'conv_1/kernel' of \(3, 3, 3, 32"),
        (changed("conv_2", (3, 3, 32, 32), (32,)), r"'conv_2/kernel' of \(32, 32, 3"),
        (changed("conv_2", (32, 288), (32,)), r"'conv_2/kernel' of \(32, 288\)"),
    ],
)
def test_weights_of_another_network_are_refused_and_change_nothing(
    weights, message, tmp_path
):
    model = build_model(seed=0)
    before = model.get_weights()
    path = keras_1.write(tmp_path / "a.h5", weights)
    with pytest.raises(ValueError, match=message):
        published.load_published_weights(model, path)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_missing_or_unreadable_file_of_the_author_is_named(tmp_path):
    model = build_model()
    for path in (tmp_path / "none.h5", tmp_path):
        with pytest.raises(FileNotFoundError, match=r"Expected published weights"):
            published.load_published_weights(model, path)
    for content in (b"", b"not HDF5" * 1000):
        (tmp_path / "other.h5").write_bytes(content)
        with pytest.raises(ValueError, match=r"other\.h5 is not a readable HDF5 file"):
            published.load_published_weights(model, tmp_path / "other.h5")
    whole = keras_1.write(tmp_path / "whole.h5", keras_1.random_weights()).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut\.h5 is not a readable HDF5 file"):
        published.load_published_weights(model, tmp_path / "cut.h5")
