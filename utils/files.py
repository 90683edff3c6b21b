"""Write files in one step: a file is complete, or it does not exist."""

import contextlib
import os
from pathlib import Path


def write(path: Path, content: bytes, part: Path | None = None) -> None:
    """Write a file beside its place, flush it to the disk, and move it there.

    Args:
        path: the file; its folder is created.
        content: all of its bytes.
        part: its name until then; by default one that only this process uses.

    Raises:
        OSError: if it cannot be written (a full disk); an earlier file then remains.
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
    """Make a move in a folder survive a power cut, if the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some network folders cannot
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
