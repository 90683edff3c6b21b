"""Unfinished runs of a store: their locks, and their state after the latest epoch.

Both lie in its folder `.work/`. The system releases a lock when a process
dies, so that two studies may share a store.
"""

import contextlib
import errno
import json
from collections.abc import Iterator, Mapping

import filelock
import numpy as np

from utils.runs.store import (
    UNREADABLE,
    DamagedRecordError,
    Store,
    digest,
    pack_arrays,
    read_arrays,
)

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


class BusyError(Exception):
    """Another process is computing this run."""


def save_state(store: Store, name: str, arrays: Mapping, facts: Mapping) -> None:
    """Write the state of an unfinished run.

    Raises:
        OSError: if it cannot be written (a full disk); the earlier state then remains.
    """
    facts = np.frombuffer(json.dumps(facts).encode(), "uint8")
    packed = pack_arrays({**arrays, "facts": facts})
    store.write(_state(store, name), bytes.fromhex(digest(packed)) + packed)


def load_state(store: Store, name: str) -> tuple[dict, dict] | None:
    """The arrays and facts that `save_state` wrote, or None.

    A damaged state counts as none, so that its run begins anew.
    """
    path = _state(store, name)
    try:
        content = path.read_bytes()
        if bytes.fromhex(digest(content[32:])) != content[:32]:
            return None
        arrays = read_arrays(path, content[32:])
        return arrays, json.loads(arrays.pop("facts").tobytes())
    except (FileNotFoundError, DamagedRecordError, *UNREADABLE):
        return None


def epochs_done(store: Store, name: str) -> int:
    """The number of finished epochs of an unfinished run."""
    state = load_state(store, name)
    return len(state[1]["epochs"]) if state else 0


def forget_state(store: Store, name: str) -> None:
    """Remove the state of a run, which is finished."""
    _state(store, name).unlink(missing_ok=True)


@contextlib.contextmanager
def claim(store: Store, name: str) -> Iterator[None]:
    """Lock a run, so that no other process computes it.

    Raises:
        BusyError: if another process has locked it.
        OSError: if the file system has no locks.
    """
    store.work.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(
        store.work / f"{name}.lock",
        timeout=0,
        fallback_to_soft=False,  # such a lock would outlive a killed process
    )
    try:
        lock.acquire()
    except filelock.Timeout:
        raise BusyError(f"{name} is being computed by another process.") from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise OSError(
            f"The file system of {store.folder.absolute()} has no locks "
            f"({error.strerror}); some network folders have none. Locks keep two "
            "processes from computing the same run. Name a folder on another disk "
            "(python -m utils.studies ... --store FOLDER), or have this one mounted "
            "with locks."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _state(store, name):
    return store.work / f"{name}.state"
