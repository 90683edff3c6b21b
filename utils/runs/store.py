"""The store of runs: for each, a record and, if kept, a file of weights.

A store is a folder. Its files are written in one step (`utils.files`), so that each is
complete. A record holds check sums of itself and of its weights. A damaged file raises
an error that names it, and is never overwritten. Nothing is ever unpickled.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np

from utils.files import write

NEEDED = ("spec", "epochs", "versions", "seconds", "weights_sha256")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class DamagedRecordError(ValueError):
    """A file of a store is damaged."""


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
            sound = claimed == digest(_as_json(record))
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
        if digest(weights.read_bytes()) != record["weights_sha256"]:
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
        return read_arrays(self.path(name).with_suffix(".npz"))

    def finished(self, name: str) -> bool:
        """Whether the run has a record.

        Raises:
            DamagedRecordError: if its record or its file of weights is damaged.
        """
        return name in self and bool(self.record(name))

    def save(self, name: str, record: Mapping, weights: Mapping) -> None:
        """Write a finished run: its weights, if any, then its record."""
        packed = pack_arrays(weights) if weights else b""
        record = {**record, "weights_sha256": digest(packed) if weights else None}
        record["sha256"] = digest(_as_json(record))
        text = json.dumps(record, indent=1, allow_nan=False) + "\n"
        if weights:
            self.write(self.path(name).with_suffix(".npz"), packed)
        self.write(self.path(name), text.encode())

    @property
    def work(self) -> Path:
        """The folder of unfinished work."""
        return self.folder / ".work"

    def write(self, path: Path, content: bytes) -> None:
        """Write a file of the store; until it is whole, it lies in `work`."""
        self.work.mkdir(parents=True, exist_ok=True)
        write(path, content, part=self.work / f"{path.name}.part")


def _damaged(path, reason) -> DamagedRecordError:
    return DamagedRecordError(
        f"{path} {reason}. Restore it, or delete {path.stem}.json and {path.stem}.npz "
        "to have the run computed again."
    )


def _as_json(record) -> bytes:
    return json.dumps(record, sort_keys=True, allow_nan=False).encode()


def digest(content: bytes) -> str:
    """SHA-256."""
    return hashlib.sha256(content).hexdigest()


def pack_arrays(arrays) -> bytes:
    """Arrays by name, as the bytes of an .npz archive."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(path, content=None) -> dict[str, np.ndarray]:
    """The arrays of the archive at a path, or of its content."""
    content = path.read_bytes() if content is None else content
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (*UNREADABLE, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, "is not a whole file of arrays") from error


# Check sums of a run without weights: none or, in older records, of an empty archive.
NO_WEIGHTS = (None, digest(pack_arrays({})))
COMMITTED = Store(Path(__file__).parents[2] / "figures" / "records")


def as_store(store) -> Store:
    """The store itself, or the store in a folder."""
    return store if isinstance(store, Store) else Store(store)
