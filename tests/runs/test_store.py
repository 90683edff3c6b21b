"""Records: whole or not there, damage seen, nothing ever unpickled."""

import contextlib
import hashlib
import json
import pickle

import numpy as np
import pytest

from utils.files import write
from utils.runs import store as store_module
from utils.runs.store import COMMITTED, DamagedRecordError, Store
from utils.runs.unfinished import load_state

RECORD = {
    "spec": {"attention": "ones", "noise_sd": 2.5, "seed": 0},
    "epochs": [{"epoch": 1, "accuracy_clean": 0.9, "accuracy_matched": 0.875}],
    "versions": {"jax": "0.10.2"},
    "seconds": 1.5,
}
NOT_A_RECORD = {
    "a list": b"[]",
    "nothing": b"null",
    "an empty object": b"{}",
    "not finite": b'{"sha256": "0", "seconds": NaN}',
    "too deep": b"[" * 100_000,
    "no bytes": b"",
    "twice itself": 2 * json.dumps(RECORD).encode(),
}


@pytest.fixture
def store(tmp_path):
    """Return a store of one finished run, "a"."""
    store = Store(tmp_path / "records")
    store.save("a", RECORD, weights(1))
    return store


def weights(number):
    return {
        "conv_1/kernel": np.full((3, 2), number, np.float32),
        "conv_1/bias": np.arange(4, dtype=np.float32) - number,
    }


def assert_same_arrays(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sign(store, name, packed, **changes):
    """Write a record with right check sums, as a bug or an attacker would."""
    record = {**RECORD, "weights_sha256": hashlib.sha256(packed).hexdigest(), **changes}
    record = {key: value for key, value in record.items() if value is not None}
    text = json.dumps(record, sort_keys=True)
    record["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    store.path(name).write_text(json.dumps(record), "utf-8")
    store.path(name).with_suffix(".npz").write_bytes(packed)


# --- Sound records ---------------------------------------------------------------


def test_a_saved_run_comes_back(store):
    record = store.record("a")
    packed = store.path("a").with_suffix(".npz").read_bytes()
    assert record.pop("weights_sha256") == hashlib.sha256(packed).hexdigest()
    assert record == RECORD
    assert_same_arrays(store.weights("a"), weights(1))


def test_a_store_knows_its_finished_runs(store):
    assert store.names() == ["a"]
    assert "a" in store
    assert "b" not in store
    assert store.finished("a")
    assert not store.finished("b")
    assert str(store.folder) in repr(store)


def test_looking_changes_nothing(tmp_path, store):
    before = contents(store.folder)
    with contextlib.suppress(FileNotFoundError):
        store.record("b")
    assert store.finished("a")
    assert not store.finished("b")
    assert contents(store.folder) == before
    new = Store(tmp_path / "new")
    assert new.names() == []
    assert "a" not in new
    assert not new.folder.exists()


def test_a_run_that_is_not_finished_has_no_record(store):
    for look in (store.record, store.weights):
        with pytest.raises(FileNotFoundError, match=r"No record .*b\.json"):
            look("b")


def test_a_file_instead_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("kept", "utf-8")
    with pytest.raises(NotADirectoryError, match=r"file is a file\. Expected a folder"):
        Store(tmp_path / "file")
    assert (tmp_path / "file").read_text("utf-8") == "kept"


def test_a_home_folder_may_be_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Store("~/records").folder == tmp_path / "records"


def test_numbers_that_are_not_finite_are_not_saved(store):
    before = contents(store.folder)
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.save("c", {**RECORD, "seconds": float("nan")}, weights(1))
    assert contents(store.folder) == before


def test_a_run_without_weights_has_a_record_alone(store):
    store.save("c", RECORD, {})
    assert store.record("c")["weights_sha256"] is None
    assert store.finished("c")
    assert not store.path("c").with_suffix(".npz").exists()
    with pytest.raises(FileNotFoundError, match="c kept no weights"):
        store.weights("c")
    empty = store_module.pack_arrays({})  # as written until November 2026
    sign(store, "c", empty)
    store.path("c").with_suffix(".npz").unlink()
    assert store.record("c")["weights_sha256"] in store_module.NO_WEIGHTS


def test_the_committed_records_are_sound():
    names = COMMITTED.names()
    assert len(names) > 600
    for name in names:
        COMMITTED.record(name)


# --- Damaged records -------------------------------------------------------------


def test_a_flipped_bit_anywhere_in_a_record_is_seen(store):
    path = store.path("a")
    original = path.read_bytes()
    meaning, same = json.dumps(json.loads(original)), 0
    for place in range(len(original)):
        flipped = bytearray(original)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            reads_the_same = json.dumps(json.loads(flipped)) == meaning
        except ValueError:
            reads_the_same = False
        if reads_the_same:  # it hit white space
            same += 1
            assert store.record("a")["epochs"] == RECORD["epochs"]
        else:
            with pytest.raises(DamagedRecordError, match=r"a\.json"):
                store.record("a")
    assert same < len(original) / 10


def test_a_flipped_bit_anywhere_in_weights_is_seen(store):
    path = store.path("a").with_suffix(".npz")
    original = path.read_bytes()
    for place in range(0, len(original), 3):
        flipped = bytearray(original)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedRecordError, match=r"a\.npz was changed"):
            store.record("a")


def test_every_cut_and_every_addition_is_seen(store):
    packed = store.path("a").with_suffix(".npz")
    for path, look in ((store.path("a"), store.record), (packed, store.weights)):
        original = path.read_bytes()
        whole = len(original.rstrip())  # without its last line feed a record is whole
        for length in (*range(0, whole, 7), whole - 2, whole - 1):
            path.write_bytes(original[:length])
            with pytest.raises(DamagedRecordError, match=path.name):
                look("a")
        for longer in (original + b"\0", original + original):
            path.write_bytes(longer)
            with pytest.raises(DamagedRecordError, match=path.name):
                look("a")
        path.write_bytes(original)
        look("a")


@pytest.mark.parametrize("sort", NOT_A_RECORD)
def test_other_content_than_a_record_is_damage(store, sort):
    store.path("a").write_bytes(NOT_A_RECORD[sort])
    with pytest.raises(DamagedRecordError, match=r"a\.json is not a whole record \("):
        store.record("a")


@pytest.mark.parametrize(
    "key", ["spec", "epochs", "versions", "seconds", "weights_sha256"]
)
def test_a_record_without_what_it_needs_is_damaged(store, key):
    packed = store.path("a").with_suffix(".npz").read_bytes()
    sign(store, "a", packed)
    store.record("a")
    sign(store, "a", packed, **{key: None})
    with pytest.raises(DamagedRecordError, match=rf"a\.json lacks {key}\."):
        store.record("a")


def test_weights_that_are_missing_or_another_run_s(store):
    store.save("b", RECORD, weights(2))
    a, b = (store.path(name).with_suffix(".npz") for name in "ab")
    a.rename(store.folder / "aside")
    with pytest.raises(
        DamagedRecordError, match=r"a\.npz \(the weights .*\) is missing"
    ):
        store.record("a")
    b.rename(a)
    (store.folder / "aside").rename(b)
    for name in "ab":
        with pytest.raises(DamagedRecordError, match=rf"{name}\.npz was changed"):
            store.weights(name)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def test_nothing_is_ever_unpickled(store, tmp_path):
    marker, bomb = tmp_path / "marker", tmp_path / "bomb"
    np.savez(bomb, kernel=np.array([Bomb(marker)], object), facts=np.uint8(1))
    pickled = bomb.with_suffix(".npz").read_bytes()
    np.save(bomb, np.array([Bomb(marker)], object))
    alone = bomb.with_suffix(".npy").read_bytes()
    for packed in (pickled, alone, pickle.dumps(Bomb(marker))):
        sign(store, "a", packed)
        with pytest.raises(DamagedRecordError, match=r"a\.npz is not a whole file"):
            store.weights("a")
        state = store.work / "b.state"
        state.write_bytes(hashlib.sha256(packed).digest() + packed)
        assert load_state(store, "b") is None
    assert not marker.exists()
    with np.load(bomb.with_suffix(".npz"), allow_pickle=True) as arrays:
        arrays["kernel"][0].close()
    assert marker.exists()  # it would have


@pytest.mark.parametrize("ending", [".json", ".npz"])
def test_damage_is_an_error_that_names_the_file_and_its_remedy(store, ending):
    """A damaged record counts as there: it is never overwritten."""
    path = store.path("a").with_suffix(ending)
    path.write_bytes(path.read_bytes()[:-2])
    before = contents(store.folder)
    remedy = rf"a\{ending} .*Restore it, or delete a\.json and a\.npz .*computed again"
    for look in (store.record, store.weights, store.finished):
        with pytest.raises(DamagedRecordError, match=remedy):
            look("a")
    assert "a" in store
    assert contents(store.folder) == before


# --- A full disk -----------------------------------------------------------------


@pytest.mark.parametrize("full", [".npz", ".json"])
def test_a_run_that_cannot_be_written_leaves_all_as_it_was(full, store, monkeypatch):
    """The store writes with `utils.files.write`, which is tested by itself."""

    def write_unless_full(path, content, part):
        assert part == store.work / f"{path.name}.part"
        if path.suffix == full:
            raise OSError(28, "No space left on device", str(path))
        write(path, content, part=part)

    before = contents(store.folder)
    monkeypatch.setattr(store_module, "write", write_unless_full)
    with pytest.raises(OSError, match="No space"):
        store.save("b", RECORD, weights(3))
    store.path("b").with_suffix(".npz").unlink(missing_ok=True)  # not vouched for
    assert contents(store.folder) == before
