"""Compile the page's network: `make wasm` writes two modules from `network.c`.

`network.wasm` uses SIMD instructions. `network_plain.wasm` does without, for browsers
that lack them or compute wrongly with them; it takes 3 to 7 times as long.

The compiler is clang in the package `ziglang` (the extra `wasm`), at the version that
pyproject.toml names: with it, a build gives the same bytes on every machine. Only those
who change the source need it; the modules are part of the repository, and carry the
SHA-256 of the source that they were made from, which a test compares.
"""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

EXPLORERS = Path(__file__).parents[1] / "explorers"
SOURCE = EXPLORERS / "network.c"
MODULES = {  # flags by file; without simd128, clang takes vectors apart
    EXPLORERS / "network.wasm": ("-mcpu=generic+simd128+bulk_memory", "-O3"),
    EXPLORERS / "network_plain.wasm": ("-mcpu=generic+bulk_memory", "-Os"),
}
FLAGS = (
    *("-target", "wasm32-freestanding"),
    *("-std=c17", "-Wall", "-Wextra", "-Werror", "-nostdlib"),
    "-fno-unroll-loops",  # as fast, at half the size; what must be unrolled says so
    "-fvisibility=hidden",
    *("-Wl,--no-entry", "-Wl,--export-dynamic", "-Wl,-z,stack-size=16384", "-s"),
)


def build(folder: Path = EXPLORERS) -> None:
    """Compile the source into a folder, with its digest at the end of each module.

    Raises:
        ModuleNotFoundError: if there is no compiler.
        subprocess.CalledProcessError: if the source has a mistake, which the compiler
            has named.
    """
    if not importlib.util.find_spec("ziglang"):
        raise ModuleNotFoundError(
            "Expected the compiler of the package ziglang. Install it beside the "
            "project: .venv/bin/python -m pip install -e '.[wasm]'"
        )
    for module, own_flags in MODULES.items():
        path = folder / module.name
        compiler = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *own_flags]
        with tempfile.TemporaryDirectory() as temporary:
            compiled = Path(temporary) / module.name
            command = [*compiler, "-o", str(compiled), SOURCE.name]
            subprocess.run(command, cwd=SOURCE.parent, check=True)
            code = compiled.read_bytes()
        path.write_bytes(code + digest_section(SOURCE.read_bytes()))
        print(f"{path.name}: {path.stat().st_size:,} bytes")


def digest_section(source: bytes) -> bytes:
    """A custom section of a Wasm module, `source_sha256`, with the source's digest.

    Identifier 0, the length, the name with its length, then 64 hexadecimal digits.
    """
    name = b"source_sha256"
    content = bytes([len(name)]) + name + hashlib.sha256(source).hexdigest().encode()
    return bytes([0, len(content)]) + content


if __name__ == "__main__":
    build()
