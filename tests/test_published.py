"""The post's numbers, the committed records, and every sentence made from them."""

import numpy as np
import pytest
from test_model import write_keras_1

from utils import replication, study, training
from utils.records import Store
from utils.replication import CLEAN, MATCHED


@pytest.fixture(scope="module")
def records():
    return replication.committed(study.profile("published"))


@pytest.fixture(scope="module")
def guided():
    return replication.committed(study.profile("guided"))


def a_record(attention, noise_sd, seed, clean, matched):
    epochs = [
        {"epoch": i + 1, CLEAN: c, MATCHED: m}
        for i, (c, m) in enumerate(zip(clean, matched, strict=True))
    ]
    spec = {"attention": attention, "noise_sd": noise_sd, "seed": seed}
    return {"spec": spec, "epochs": epochs, "seconds": 3600.0}


def test_published_curves_are_the_reported_ones():
    curves = replication.published_curves()
    assert {key: value.shape for key, value in curves.items()} == {
        (arm, sd): (3, 12) for arm in ("as_coded", "ones") for sd in (0.0, 2.5)
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


def test_committed_records_are_the_whole_study(records, guided):
    assert len(records) == 12
    assert len(guided) == 3
    for record in [*records, *guided]:
        assert len(record["epochs"]) == 12
        assert record["spec"]["images"] == 60_000
        assert record["spec"]["batch_size"] == 1
        assert record["spec"]["test_images"] == 10_000
        assert record["versions"]
        assert record["processor"]
        assert record["seconds"] > 60


@pytest.mark.slow
def test_committed_weights_give_the_recorded_accuracy(records):
    """Each record's own weights, evaluated anew, name the images it says they name."""
    for record in records[::4]:
        spec = training.RunSpec.from_json(record["spec"])
        weights = Store(replication.RECORDS).weights(spec.name)
        right = training.score(spec, weights, 2.5)
        recorded = training.decode_correct(record, 2.5)
        assert np.mean(right != recorded) < 0.002  # another processor rounds otherwise
        assert abs(right.mean() - recorded.mean()) < 0.001


@pytest.mark.slow
def test_a_retrained_epoch_repeats_the_record(records):
    """The first epoch of one run, from scratch: as recorded, up to rounding."""
    record = next(r for r in records if r["spec"]["attention"] == "as_coded"
                  and r["spec"]["noise_sd"] == 2.5)  # fmt: skip
    spec = training.RunSpec.from_json({**record["spec"], "epochs": 1})
    (epoch,) = training.train(spec, progress=False).record["epochs"]
    assert epoch["loss"] == pytest.approx(record["epochs"][0]["loss"], rel=0.02)
    for test in (CLEAN, MATCHED):
        assert epoch[test] == pytest.approx(record["epochs"][0][test], abs=0.02)


def test_accuracies_come_in_the_order_of_seeds():
    records = [a_record("ones", 0.0, seed, [seed / 10], [0.5]) for seed in (2, 0, 1)]
    found = replication.accuracies(records, "ones", 0.0, CLEAN)
    assert found.tolist() == [[0.0], [0.1], [0.2]]
    with pytest.raises(ValueError, match=r"No record of attention 'energy'"):
        replication.accuracies(records, "energy", 0.0, CLEAN)


def test_difference_by_hand():
    gaps = (0.01, 0.02, 0.03)
    records = [a_record("ones", 2.5, s, [0.1, 0.5], [0.9, 0.9]) for s in range(3)]
    records += [
        a_record("as_coded", 2.5, s, [0.9, 0.5 + gap], [0.9, 0.9])
        for s, gap in enumerate(gaps)
    ]
    found = replication.difference(records, 2.5, CLEAN)
    assert found.mean == pytest.approx(2)
    # s = 1 point, SE = 1 / sqrt(3), t(.975, 2) = 4.3027
    assert found.high - found.mean == pytest.approx(4.30265 / np.sqrt(3), rel=1e-4)
    assert found.low == pytest.approx(2 * found.mean - found.high)
    assert str(replication.difference(records, 2.5, MATCHED)).startswith("+0.0 points")


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
    assert replication.is_erratic(a_record("top_n", 0.0, 0, curve, curve)) is erratic


def test_verdicts_follow_the_records():
    """Claims over records in which the opposite happened say the opposite."""

    def study_with(clean, mismatch, matched):
        rows = []
        for seed in range(3):
            jitter = seed / 1000
            for arm, sign in (("as_coded", 1), ("ones", 0)):
                rows.append(a_record(arm, 0.0, seed, [0.9 + sign * clean + jitter] * 2,
                                     [0.9] * 2))  # fmt: skip
                rows.append(a_record(arm, 2.5, seed,
                                     [0.7 + sign * mismatch + sign * jitter] * 2,
                                     [0.9 + sign * matched] * 2))  # fmt: skip
        return rows

    calm = [a_record("top_n", 0.0, s, [0.9, 0.9], [0.9, 0.9]) for s in range(3)]
    wild = [a_record("top_n", 0.0, s, [0.9, 0.1], [0.9, 0.1]) for s in range(3)]
    as_reported = replication.verdicts(study_with(0.0, 0.25, 0.0), wild)
    assert [c.verdict.split(" (")[0] for c in as_reported] == [
        "Reproduced",
        "Reproduced",
        "The advantage is gone",
        "Reproduced",
    ]
    opposite = replication.verdicts(study_with(0.05, -0.1, 0.05), calm)
    assert [c.verdict for c in opposite] == [
        "Not reproduced",
        "Not reproduced",
        "It remains",
        "Not reproduced",
    ]


def test_an_interval_that_includes_0_is_not_called_settled():
    gaps = (0.1, 0.2, 0.6)
    records = [a_record(arm, 0.0, s, [0.9], [0.9]) for arm in ("ones", "as_coded")
               for s in range(3)]  # fmt: skip
    records += [a_record("ones", 2.5, s, [0.3], [0.9]) for s in range(3)]
    records += [
        a_record("as_coded", 2.5, s, [0.3 + gap], [0.9]) for s, gap in enumerate(gaps)
    ]
    assert replication.difference(records, 2.5, CLEAN).low < 0
    verdict = replication.verdicts(records, records[:3])[1].verdict
    assert verdict.startswith("In every pair; 3 pairs")


def test_the_author_s_weights_are_cited_as_measured():
    rows = replication.published_weights()
    assert len(rows) == len({row.weights for row in rows}) == 11
    noisy = [row for row in rows if row.training_noise_sd]
    assert {row.attention for row in noisy} == {"as_coded", "ones"}
    for row in noisy:  # the mismatch, in the author's own networks
        assert (row.accuracy_clean < 0.75) == (row.attention == "ones")
        assert row.accuracy_noisy > 0.97


@pytest.mark.slow
def test_the_author_s_files_are_measured_anew(records, tmp_path, monkeypatch):
    """Our own trained weights, in the author's format and under the author's name."""
    record = replication.cell(records, "ones", 2.5)[0]
    name = training.RunSpec.from_json(record["spec"]).name
    weights = Store(replication.RECORDS).weights(name)
    arrays = {}
    for layer in ("conv_1", "conv_2", "dense_2"):
        kernel, bias = (weights[f"{layer}/{part}"] for part in ("kernel", "bias"))
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1]
        arrays[layer] = [kernel, bias]
    write_keras_1(tmp_path / "mine_model_weights.h5", arrays)
    table = tmp_path / "weights.csv"
    heading = replication.WEIGHTS_FILE.read_text().splitlines()[0]
    table.write_text(f"{heading}\nmine,ones,2.5,0,0,1\n")
    monkeypatch.setattr(replication, "WEIGHTS_FILE", table)
    (row,) = replication.published_weights(tmp_path)
    assert row.accuracy_clean == pytest.approx(
        record["epochs"][-1]["accuracy_clean"], abs=0.002
    )
    assert row.accuracy_noisy == pytest.approx(
        record["epochs"][-1]["accuracy_matched"], abs=0.01
    )
    assert row.noisy_images == 10_000
    with pytest.raises(FileNotFoundError, match="mine_model_weights"):
        replication.published_weights(tmp_path / "elsewhere")


def test_the_published_reshaping_copies_one_row_or_two_down_each_channel():
    gain = np.arange(15.0 * 15).reshape(15, 15)
    given = replication.scrambled(gain)
    assert given.shape == (32, 15, 15)
    assert (given[0] == gain[0]).all()  # the first row, 15 times
    assert (given[31] == gain[14]).all()
    rows = np.repeat(np.arange(15), 32).reshape(32, 15)
    assert (given == gain[rows]).all()
    assert {len({*channel}) for channel in rows} == {1, 2}
    assert (replication.scrambled(np.ones((15, 15))) == 1).all()


def test_scrambled_gains_are_far_from_what_was_meant():
    found = replication.scrambled_correlation(images=50)
    assert 0 < found.low < found.value < found.high < 0.5
