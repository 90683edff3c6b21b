"""Files that are there whole or not at all."""

import contextlib
import os
from pathlib import Path


def write(path: Path, content: bytes, part: Path | None = None) -> None:
    """Write a file beside its place, flush it to the disk, and move it there.

    Args:
        path: the file; its folder is made.
        content: all of it.
        part: what it is called until then; by default a name of this process's own.

    Raises:
        OSError: if it cannot be written (a full disk); what was there before still is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part or path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _flush_folder(path.parent)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _flush_folder(folder):
    """Let a move in a folder outlast a power cut, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # not every network folder can
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
