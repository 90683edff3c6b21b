"""Unfinished runs: states that are whole or count as none, and locks."""

import errno
import fcntl
import hashlib
import os

import numpy as np
import pytest

from utils.runs.store import Store
from utils.runs.unfinished import (
    BusyError,
    claim,
    epochs_done,
    forget_state,
    load_state,
    save_state,
)

WEIGHTS = {
    "kernel": np.full((3, 2), 2, np.float32),
    "bias": np.arange(4, dtype=np.float32),
}
FACTS = {"epochs": [1, 2], "seconds": 3.0}


@pytest.fixture
def store(tmp_path):
    """Return a store of one unfinished run, "b"."""
    store = Store(tmp_path / "records")
    save_state(store, "b", WEIGHTS, FACTS)
    return store


def test_a_state_that_is_saved_comes_back_until_it_is_forgotten(store):
    arrays, facts = load_state(store, "b")
    assert facts == FACTS
    assert [*arrays] == [*WEIGHTS]
    for name, array in WEIGHTS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert (epochs_done(store, "b"), epochs_done(store, "c")) == (2, 0)
    assert "b" not in store
    for _ in range(2):
        forget_state(store, "b")
        assert load_state(store, "b") is None


def test_a_damaged_state_counts_as_none(store):
    """Any bit, any cut, any addition: the run begins anew."""
    path = store.work / "b.state"
    original = path.read_bytes()
    damaged = [original[:length] for length in (0, 20, 40, len(original) - 1)]
    damaged.append(original + b"\0")
    for place in range(0, len(original), 3):
        flipped = bytearray(original)
        flipped[place] ^= 1 << place % 8
        damaged.append(flipped)
    for content in damaged:
        path.write_bytes(content)
        assert load_state(store, "b") is None
        assert epochs_done(store, "b") == 0
    path.write_bytes(original)
    assert load_state(store, "b")


@pytest.mark.parametrize("arrays", [{}, {"facts": np.zeros(3, np.uint8)}])
def test_a_state_without_its_facts_counts_as_none(store, tmp_path, arrays):
    np.savez(tmp_path / "state", **arrays)
    packed = (tmp_path / "state.npz").read_bytes()
    digest = hashlib.sha256(packed).digest()
    (store.work / "b.state").write_bytes(digest + packed)
    assert load_state(store, "b") is None


def test_a_state_that_cannot_be_written_leaves_the_one_before(small_disk):
    store = Store(small_disk("64k"))
    save_state(store, "b", WEIGHTS, FACTS)
    with pytest.raises(OSError, match="No space left"):
        save_state(store, "b", {"kernel": np.zeros(100_000)}, {"epochs": [1, 2, 3]})
    assert load_state(store, "b")[1] == FACTS


def test_a_run_is_claimed_once(store):
    with claim(store, "a"):
        with pytest.raises(BusyError, match="a is being computed"):
            claim(store, "a").__enter__()
        with claim(store, "b"):
            pass
    with claim(store, "a"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_named_with_a_way_out(
    store, number, monkeypatch
):
    def flock(file, how):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    words = rf"{store.folder} has no locks .*another disk.*--store FOLDER"
    with pytest.raises(OSError, match=words), claim(store, "a"):
        pass
