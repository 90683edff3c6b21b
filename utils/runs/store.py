"""The store of runs: for each, a record and, if kept, a file of weights.

A store is a folder. Its files are written in one step (`utils.files`), so that each is
complete. A record holds check sums of itself and of its weights. A damaged file raises
an error that names it, and is never overwritten. Nothing is ever unpickled.

Unfinished work, the state after the latest epoch, lies under `.work/`. A run is
computed under a lock that the system releases when a process dies, so two studies
may share a store.
"""

import contextlib
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import filelock
import numpy as np

from utils.files import write

NEEDED = ("spec", "epochs", "versions", "seconds", "weights_sha256")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class DamagedRecordError(ValueError):
    """A file of a store is damaged."""


class BusyError(Exception):
    """Another process is computing this run."""


def _folder(path):
    folder = Path(path).expanduser()
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file. Expected a folder for records.")
    return folder


@attrs.frozen
class Store:
    """Records and weights in a folder, by name.

    Raises:
        NotADirectoryError: if the folder is a file.
    """

    folder: Path = attrs.field(converter=_folder)  # made at the first write

    def path(self, name: str) -> Path:
        """The path of a record, existing or not; its weights lie beside it (.npz)."""
        return self.folder / f"{name}.json"

    def names(self) -> list[str]:
        """The names of the finished runs."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def __contains__(self, name: str) -> bool:
        return self.path(name).exists()

    def record(self, name: str) -> dict:
        """Read a record, and check it and its weights. Nothing in the store changes.

        Raises:
            FileNotFoundError: if the run is not finished.
            DamagedRecordError: if the record or its weights changed after writing.
        """
        path = self.path(name)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(
                f"No record {path}. It is not computed yet, or lies in another store. "
                "The project's own records come with a clone of its repository, in "
                "figures/records."
            ) from None
        try:
            record = json.loads(content)
            claimed = record.pop("sha256")
            sound = claimed == _digest(_as_json(record))
            missing = [key for key in NEEDED if key not in record]
        except UNREADABLE as error:
            reason = f"is not a whole record ({type(error).__name__}: {error})"
            raise _damaged(path, reason) from error
        if not sound:
            raise _damaged(path, "was changed after it was written")
        if missing:
            raise _damaged(path, f"lacks {', '.join(missing)}")
        if record["weights_sha256"] in NO_WEIGHTS:
            return record
        weights = path.with_suffix(".npz")
        if not weights.exists():
            raise _damaged(weights, f"(the weights of {path.name}) is missing")
        if _digest(weights.read_bytes()) != record["weights_sha256"]:
            raise _damaged(weights, "was changed after it was written")
        return record

    def weights(self, name: str) -> dict[str, np.ndarray]:
        """The trained weights of a finished run, by layer ("conv_1/kernel").

        Raises:
            FileNotFoundError: as `record`, or if the run kept no weights.
            DamagedRecordError: as `record`.
        """
        if self.record(name)["weights_sha256"] in NO_WEIGHTS:
            raise FileNotFoundError(f"The run {name} kept no weights.")
        return _read_arrays(self.path(name).with_suffix(".npz"))

    def finished(self, name: str) -> bool:
        """Whether the run has a record.

        Raises:
            DamagedRecordError: if its record or its file of weights is damaged.
        """
        return name in self and bool(self.record(name))

    def save(self, name: str, record: Mapping, weights: Mapping) -> None:
        """Write a finished run: its weights, if any, then its record."""
        packed = _pack_arrays(weights) if weights else b""
        record = {**record, "weights_sha256": _digest(packed) if weights else None}
        record["sha256"] = _digest(_as_json(record))
        text = json.dumps(record, indent=1, allow_nan=False) + "\n"
        if weights:
            self._write(self.path(name).with_suffix(".npz"), packed)
        self._write(self.path(name), text.encode())
        self._checkpoint(name).unlink(missing_ok=True)

    def save_state(self, name: str, arrays: Mapping, facts: Mapping) -> None:
        """Write the state of an unfinished run.

        Raises:
            OSError: as `save`; the earlier state then remains.
        """
        facts = np.frombuffer(json.dumps(facts).encode(), "uint8")
        packed = _pack_arrays({**arrays, "facts": facts})
        checked = bytes.fromhex(_digest(packed)) + packed
        self._write(self._checkpoint(name), checked)

    def load_state(self, name: str) -> tuple[dict, dict] | None:
        """The arrays and facts that `save_state` wrote, or None.

        A damaged state counts as none, so that its run begins anew.
        """
        path = self._checkpoint(name)
        try:
            content = path.read_bytes()
            if bytes.fromhex(_digest(content[32:])) != content[:32]:
                return None
            arrays = _read_arrays(path, content[32:])
            return arrays, json.loads(arrays.pop("facts").tobytes())
        except (FileNotFoundError, DamagedRecordError, *UNREADABLE):
            return None

    def epochs_done(self, name: str) -> int:
        """The number of finished epochs of an unfinished run."""
        state = self.load_state(name)
        return len(state[1]["epochs"]) if state else 0

    @contextlib.contextmanager
    def claim(self, name: str) -> Iterator[None]:
        """Lock a run, so that no other process computes it.

        Raises:
            BusyError: if another process has locked it.
            OSError: if the file system has no locks.
        """
        self._work.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(
            self._work / f"{name}.lock",
            timeout=0,
            fallback_to_soft=False,  # such a lock would outlive a killed process
        )
        try:
            lock.acquire()
        except filelock.Timeout:
            raise BusyError(f"{name} is being computed by another process.") from None
        try:
            yield
        finally:
            lock.release()

    @property
    def _work(self):
        return self.folder / ".work"

    def _checkpoint(self, name):
        return self._work / f"{name}.state"

    def _write(self, path, content):
        self._work.mkdir(parents=True, exist_ok=True)
        write(path, content, part=self._work / f"{path.name}.part")


def _damaged(path, reason) -> DamagedRecordError:
    return DamagedRecordError(
        f"{path} {reason}. Restore it, or delete {path.stem}.json and {path.stem}.npz "
        "to have the run computed again."
    )


def _as_json(record) -> bytes:
    return json.dumps(record, sort_keys=True, allow_nan=False).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pack_arrays(arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _read_arrays(path, content=None) -> dict[str, np.ndarray]:
    content = path.read_bytes() if content is None else content
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (*UNREADABLE, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, "is not a whole file of arrays") from error


# Check sums of a run without weights: none or, in older records, of an empty archive.
NO_WEIGHTS = (None, _digest(_pack_arrays({})))
COMMITTED = Store(Path(__file__).parents[2] / "figures" / "records")


def as_store(store) -> Store:
    """The store itself, or the store in a folder."""
    return store if isinstance(store, Store) else Store(store)
