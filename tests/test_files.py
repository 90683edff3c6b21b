"""Files are there whole or not at all, whatever happens while they are written."""

import os
import random
import subprocess
import sys
import time

import pytest

from utils import files

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals or limits")
# The module alone: a process that imports the package needs seconds.
CHILD = f"""
import runpy, sys
from pathlib import Path
write = runpy.run_path({files.__file__!r})["write"]
path = Path(sys.argv[1])
"""


def child(code, path):
    command = [sys.executable, "-c", CHILD + code, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "new" / "file.json"
    for content in (b"one", b"two, longer", b""):
        files.write(path, content)
        assert path.read_bytes() == content
        assert names(path.parent) == ["file.json"]
    files.write(path, b"three", part=tmp_path / "part")
    assert path.read_bytes() == b"three"
    assert names(tmp_path) == ["new"]


@posix
def test_a_process_that_is_killed_while_it_writes_leaves_a_whole_file(tmp_path):
    """At 15 random moments of a process that does nothing but write."""
    seed = random.randrange(10**6)
    print(f"moments drawn with seed {seed}")
    draw = random.Random(seed)
    path, parts, number = tmp_path / "file", set(), 0
    code = """
import itertools
first = int(path.read_bytes().split()[0]) if path.exists() else 0
for number in itertools.count(first):
    write(path, f"{number} ".encode() * 200_000)
    print(number, flush=True)
"""
    for _ in range(15):
        process = child(code, path)
        number = int(process.stdout.readline())
        time.sleep(draw.uniform(0, 0.03))
        process.kill()
        process.communicate()
        parts |= {*names(tmp_path)} - {"file"}
        written = path.read_text("utf-8").split()
        assert len(written) == 200_000
        assert len({*written}) == 1
        assert int(written[0]) >= number
    assert parts  # some were killed in the middle of a file


@posix
def test_a_file_that_is_too_large_leaves_all_as_it_was(tmp_path):
    code = """
import resource
write(path, b"small")
free = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, free[1]))
try:
    write(path, bytes(10_001))
except OSError as error:
    print(error)
"""
    out, _ = child(code, tmp_path / "file").communicate(timeout=30)
    assert f"File too large: '{tmp_path / 'file'}'" in out
    assert (tmp_path / "file").read_bytes() == b"small"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_leaves_all_as_it_was(small_disk):
    folder = small_disk("64k")
    files.write(folder / "file", b"small")
    with pytest.raises(OSError, match=r"No space left on device: '.*file'"):
        files.write(folder / "file", bytes(100_000))
    assert (folder / "file").read_bytes() == b"small"
    assert names(folder) == ["file"]
    files.write(folder / "file", bytes(10_000))
