"""The store: one run, one record, one file of weights.

A store is a folder. A file in it is there whole or not at all: it is written beside
its place, flushed to the disk and moved there in one step. A record carries a check
sum of itself and of its weights, so that damage is seen; what is damaged is set
aside under `damaged/` and never overwritten. Nothing is ever unpickled.

Unfinished work, the state after the latest epoch, lies under `.work/`. A run is
computed under a lock that the system releases when a process dies, so two studies
may share a store.
"""

import contextlib
import hashlib
import io
import json
import os
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import filelock
import numpy as np

NEEDED = ("spec", "epochs", "versions", "seconds")


class DamagedRecord(ValueError):
    """A file of a store is not what was written there."""


class Busy(Exception):
    """Another process is computing this run."""


class Store:
    """Records and weights in a folder, by name.

    Args:
        folder: made when first written to.

    Raises:
        NotADirectoryError: if it is a file.
    """

    def __init__(self, folder):
        self.folder = Path(folder).expanduser()
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(
                f"{self.folder} is a file. Expected a folder for records."
            )

    def __repr__(self):
        return f"Store({str(self.folder)!r})"

    def path(self, name: str) -> Path:
        """Where a record is, or would be; its weights are beside it (.npz)."""
        return self.folder / f"{name}.json"

    def names(self) -> list[str]:
        """The finished runs."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def __contains__(self, name: str) -> bool:
        return self.path(name).exists()

    def record(self, name: str) -> dict:
        """A record, checked.

        Raises:
            FileNotFoundError: if the run is not finished.
            DamagedRecord: if the file, or its weights, is not what was written.
        """
        path = self.path(name)
        if not path.exists():
            raise FileNotFoundError(
                f"No record {path}. It has not been computed, or the store is another."
            )
        try:
            record = json.loads(path.read_bytes())
            claimed = record.pop("sha256")
            missing = [key for key in NEEDED if key not in record]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedRecord(
                f"{path} is not a whole record ({type(error).__name__}: {error})."
            ) from error
        if claimed != _digest(_as_json(record)):
            raise DamagedRecord(f"{path} was changed after it was written.")
        if missing:
            raise DamagedRecord(f"{path} lacks {', '.join(missing)}.")
        weights = path.with_suffix(".npz")
        if not weights.exists():
            raise DamagedRecord(f"{weights}, the weights of {path.name}, is missing.")
        if _digest(weights.read_bytes()) != record["weights_sha256"]:
            raise DamagedRecord(f"{weights} was changed after it was written.")
        return record

    def weights(self, name: str) -> dict[str, np.ndarray]:
        """The trained weights of a finished run, by layer ("conv_1/kernel").

        Raises:
            FileNotFoundError, DamagedRecord: as `record`.
        """
        self.record(name)
        return _read_arrays(self.path(name).with_suffix(".npz"))

    def finished(self, name: str) -> bool:
        """Whether the run has a sound record; a damaged one is set aside."""
        if name not in self:
            return False
        try:
            self.record(name)
        except DamagedRecord as error:
            self._set_aside(self.path(name), str(error))
            return False
        return True

    def save(self, name: str, record: Mapping, weights: Mapping) -> None:
        """Write a finished run: the weights, then the record that vouches for them.

        Raises:
            OSError: if it cannot be written (a full disk); nothing is then left
                half-written.
        """
        packed = _pack_arrays(weights)
        record = {**record, "weights_sha256": _digest(packed)}
        record["sha256"] = _digest(_as_json(record))
        text = json.dumps(record, indent=1, allow_nan=False) + "\n"
        self._write(self.path(name).with_suffix(".npz"), packed)
        self._write(self.path(name), text.encode())
        self._checkpoint(name).unlink(missing_ok=True)

    def save_state(self, name: str, arrays: Mapping, facts: Mapping) -> None:
        """Write where an unfinished run stands."""
        facts = np.frombuffer(json.dumps(facts).encode(), "uint8")
        packed = _pack_arrays({**arrays, "facts": facts})
        checked = bytes.fromhex(_digest(packed)) + packed
        self._write(self._checkpoint(name), checked)

    def load_state(self, name: str) -> tuple[dict, dict] | None:
        """What `save_state` wrote, or None; a damaged state is set aside."""
        path = self._checkpoint(name)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        if bytes.fromhex(_digest(content[32:])) != content[:32]:
            self._set_aside(path, f"{path} is not what was written.")
            return None
        arrays = _read_arrays(io.BytesIO(content[32:]))
        return arrays, json.loads(arrays.pop("facts").tobytes())

    def epochs_done(self, name: str) -> int:
        """How many epochs an unfinished run has behind it."""
        try:
            state = self.load_state(name)
        except OSError:
            return 0
        return len(state[1]["epochs"]) if state else 0

    @contextlib.contextmanager
    def claim(self, name: str) -> Iterator[None]:
        """Compute this run, alone.

        Raises:
            Busy: if another process does.
        """
        self._work.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(self._work / f"{name}.lock", timeout=0):
                yield
        except filelock.Timeout:
            raise Busy(f"{name} is being computed by another process.") from None

    @property
    def _work(self):
        return self.folder / ".work"

    def _checkpoint(self, name):
        return self._work / f"{name}.state"

    def _write(self, path, content):
        self._work.mkdir(parents=True, exist_ok=True)
        part = self._work / f"{path.name}.part"
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise

    def _set_aside(self, path, reason):
        aside = self.folder / "damaged"
        aside.mkdir(exist_ok=True)
        for file in (path, path.with_suffix(".npz")):
            if not file.exists():
                continue
            number = 1
            while (target := aside / f"{file.name}.{number}").exists():
                number += 1
            file.rename(target)
        warnings.warn(
            f"{reason} Set aside in {aside}; the run is computed again.",
            RuntimeWarning,
            stacklevel=2,
        )


def _as_json(record) -> bytes:
    return json.dumps(record, sort_keys=True, allow_nan=False).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pack_arrays(arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _read_arrays(file) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DamagedRecord(f"{file} is not a whole file of arrays.") from error
