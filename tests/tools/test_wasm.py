"""The compiled network: made from its source, small, the same whenever it is built."""

import pytest

from utils.tools import wasm


def test_the_module_was_made_from_the_source():
    made_from = wasm.digest_section(wasm.SOURCE.read_bytes())
    message = "network.c has changed since network.wasm was made: run `make wasm`"
    assert wasm.MODULE.read_bytes().endswith(made_from), message


def test_the_module_is_small():
    assert wasm.MODULE.stat().st_size <= 20_000


def test_a_build_repeats_the_bytes(monkeypatch, tmp_path):
    pytest.importorskip("ziglang", reason="the compiler is not installed")
    again = tmp_path / wasm.MODULE.name
    committed = wasm.MODULE.read_bytes()
    monkeypatch.setattr(wasm, "MODULE", again)
    wasm.build()
    assert again.read_bytes() == committed


def test_without_the_compiler_an_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(wasm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError, match=r"ziglang.*pip install -e '.\[wasm\]'"
    ):
        wasm.build()
