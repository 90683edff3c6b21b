"""The house: data flows one way; a module imports only from those above it."""

import ast
from pathlib import Path

import pytest

UTILS = Path(__file__).parents[1] / "utils"
ROWS = (  # of the design: each may import from those above, and within its own wing
    "utils utils.checks utils.files",
    "utils.data utils.noise utils.displays",
    "utils.kernels",
    "utils.layers",
    "utils.attention",
    "utils.model",
    "utils.runs",
    "utils.training",
    "utils.statistics",
    "utils.figures",
    "utils.studies.store",
    "utils.studies.probes utils.studies.processes",
    "utils.studies.arms utils.studies.claims",
    "utils.studies.psychometrics utils.studies.tuning",
    "utils.studies.pointing",
    "utils.studies.published",
    "utils.studies.gain utils.studies.uncertain_place",
    "utils.studies.execution",
    "utils.studies",
    "utils.studies.__main__",
    "utils.explorers",
    "utils.tools",
)
HEIGHT = {name: row for row, names in enumerate(ROWS) for name in names.split()}


def modules():
    for path in sorted(UTILS.rglob("*.py")):
        parts = path.relative_to(UTILS.parent).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), path


def height(name):
    """That of the module, or of the wing it is in."""
    while name not in HEIGHT:
        name = name.rpartition(".")[0]
    return HEIGHT[name]


def imported(path):
    """Modules of the project that a file imports, anywhere in it."""
    known = {name for name, _ in modules()}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in (x if x in known else node.module for x in names):
                if name in known:
                    yield name, node.col_offset
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in known:
                    yield alias.name, node.col_offset


@pytest.mark.parametrize(("name", "path"), [*modules()])
def test_a_module_imports_from_above_and_not_inside_a_function(name, path):
    for other, indent in imported(path):
        wing = name.split(".")[:2] == other.split(".")[:2] and height(name) == height(
            other
        )
        assert height(other) < height(name) or wing, f"{name} imports {other}"
        assert indent == 0, f"{name} imports {other} inside a function"


def test_every_row_is_there():
    names = {name for name, _ in modules()}
    assert set(HEIGHT) <= names
