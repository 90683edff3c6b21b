"""Compile the page's network: `make wasm` writes `network.wasm` from `network.c`.

The compiler is clang in the package `ziglang` (the extra `wasm`), at the version that
pyproject.toml names: with it, a build gives the same bytes on every machine. Only who
changes the source needs it; the module is part of the repository, and carries the
SHA-256 of the source that it was made from, which a test compares.
"""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

EXPLORERS = Path(__file__).parents[1] / "explorers"
SOURCE, MODULE = EXPLORERS / "network.c", EXPLORERS / "network.wasm"
FLAGS = (
    *("-target", "wasm32-freestanding", "-mcpu=generic+simd128+bulk_memory"),
    *("-std=c17", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-O3"),
    "-fno-unroll-loops",  # as fast, at half the size; what must be unrolled says so
    "-fvisibility=hidden",
    *("-Wl,--no-entry", "-Wl,--export-dynamic", "-Wl,-z,stack-size=16384", "-s"),
)


def build() -> None:
    """Compile the source, and put its digest at the module's end.

    Raises:
        ModuleNotFoundError: if there is no compiler.
        subprocess.CalledProcessError: if the source has a mistake; the compiler has
            said which.
    """
    if not importlib.util.find_spec("ziglang"):
        raise ModuleNotFoundError(
            "Expected the compiler of the package ziglang. Install it beside the "
            "project: .venv/bin/python -m pip install -e '.[wasm]'"
        )
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / MODULE.name
        compiler = [sys.executable, "-m", "ziglang", "cc", *FLAGS]
        command = [*compiler, "-o", str(compiled), SOURCE.name]
        subprocess.run(command, cwd=SOURCE.parent, check=True)
        MODULE.write_bytes(compiled.read_bytes() + digest_section(SOURCE.read_bytes()))
    print(f"{MODULE.name}: {MODULE.stat().st_size:,} bytes")


def digest_section(source: bytes) -> bytes:
    """A custom section of a Wasm module, `source_sha256`, with the source's digest.

    Identifier 0, the length, the name with its length, then 64 hexadecimal digits.
    """
    name = b"source_sha256"
    content = bytes([len(name)]) + name + hashlib.sha256(source).hexdigest().encode()
    return bytes([0, len(content)]) + content


if __name__ == "__main__":
    build()
