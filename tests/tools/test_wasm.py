"""The compiled networks: made from their source, small, the same whenever built."""

import pytest

from utils.explorers.packing import BUILDS
from utils.tools import wasm

MODULES = pytest.mark.parametrize("module", wasm.MODULES, ids=lambda path: path.name)


def test_the_page_has_every_build():
    assert [path.name for path in wasm.MODULES] == [*BUILDS]


@MODULES
def test_a_module_was_made_from_the_source(module):
    made_from = wasm.digest_section(wasm.SOURCE.read_bytes())
    message = f"network.c has changed since {module.name} was made: run `make wasm`"
    assert module.read_bytes().endswith(made_from), message


def test_the_modules_are_small():
    assert sum(path.stat().st_size for path in wasm.MODULES) <= 30_000


def test_a_build_repeats_the_bytes(tmp_path):
    pytest.importorskip("ziglang", reason="the compiler is not installed")
    wasm.build(tmp_path)
    for path in wasm.MODULES:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_without_the_compiler_an_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(wasm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError, match=r"ziglang.*pip install -e '.\[wasm\]'"
    ):
        wasm.build()
