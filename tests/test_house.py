"""The house: data flows one way, modules are small, and tests have their names."""

import ast
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
UTILS = ROOT / "utils"
ROWS = (  # of the design: each may import from those above, and within its own wing
    "utils utils.checks utils.files",
    "utils.data utils.noise",
    "utils.kernels",
    "utils.layers",
    "utils.maps",
    "utils.attention",
    "utils.model",
    "utils.spec",
    "utils.displays",
    "utils.wiring",
    "utils.inputs utils.record",
    "utils.training",
    "utils.statistics utils.estimate",
    "utils.inference utils.layout",
    "utils.figures",
    "utils.runs.store utils.runs.processes",
    "utils.runs.unfinished utils.runs.claims",
    "utils.runs.probes",
    "utils.runs.arms utils.runs.execution utils.runs.together",
    "utils.runs",
    "utils.measures",
    "utils.studies.published utils.studies.uncertain_place",
    "utils.studies",
    "utils.studies.__main__",
    "utils.explorers",
    "utils.tools",
)
HEIGHT = {name: row for row, names in enumerate(ROWS) for name in names.split()}


def modules():
    """Every module of the package, by its name."""
    names = {}
    for path in sorted(UTILS.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts).removesuffix(".__init__")] = path
    return names


MODULES = modules()


def height(name):
    """The row of the module, or of the wing it is in."""
    while name not in HEIGHT:
        name = name.rpartition(".")[0]
    return HEIGHT[name]


def imported(source):
    """Modules of the project that some code imports, and how far that is indented."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from ((name, node.col_offset) for name in names if name in MODULES)


def lines(path):
    return len(path.read_text("utf-8").splitlines())


def named_by(numbers):
    """Modules that notebooks import, by the notebooks' numbers."""
    found = set()
    for number in numbers:
        (path,) = (ROOT / "notebooks").glob(f"{number:02}_*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        plain = (line for line in code.splitlines() if line.lstrip()[:1] not in "%!")
        found |= {name for name, _ in imported("\n".join(plain))}
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_from_above_and_not_inside_a_function(name):
    for other, indent in imported(MODULES[name].read_text("utf-8")):
        wing = name.split(".")[:2] == other.split(".")[:2] and height(name) == height(
            other
        )
        assert height(other) < height(name) or wing, f"{name} imports {other}"
        assert indent == 0, f"{name} imports {other} inside a function"


def test_every_row_is_there():
    assert set(HEIGHT) <= {*MODULES}


@pytest.mark.parametrize(
    "name", [x for x in MODULES if x.startswith(("utils.measures.", "utils.studies."))]
)
def test_measures_and_studies_take_their_data_from_a_run(name):
    """So that a run on data of one's own is never looked at with MNIST."""
    tree = ast.walk(ast.parse(MODULES[name].read_text("utf-8")))
    used = {getattr(node, "id", getattr(node, "attr", "")) for node in tree}
    assert "load_mnist" not in used


# --- Budgets ----------------------------------------------------------------------


def files(ending, *folders):
    return [path for each in folders for path in sorted(each.rglob(f"*.{ending}"))]


def test_the_page_stays_small():
    assert sum(map(lines, files("js", UTILS))) <= 4_200


def test_no_file_has_more_than_300_lines():
    both = ROOT / "utils", ROOT / "tests"
    paths = files("py", *both) + files("js", *both)
    over = {path.name: lines(path) for path in paths if lines(path) > 300}
    assert not over


def test_the_first_notebooks_import_little():
    """Notebooks 1 to 3 with all that they import in turn, packages included."""
    waiting, found = named_by([1, 2, 3]), set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        parents = {name.rpartition(".")[0]} & MODULES.keys()
        source = MODULES[name].read_text("utf-8")
        waiting |= ({other for other, _ in imported(source)} | parents) - found
    assert sum(lines(MODULES[name]) for name in found) <= 3_300, sorted(found)


def test_the_first_notebooks_name_few_modules():
    assert len(named_by([1, 2, 3, 4]) - {"utils"}) <= 12


def test_a_module_of_the_core_has_a_test_of_its_name():
    """In the folder of its name; kernels are tested with their layers."""
    core = {
        MODULES[name].relative_to(UTILS).with_name(f"test_{path.stem.strip('_')}.py")
        for name, path in MODULES.items()
        if not name.startswith(("utils.explorers", "utils.tools"))
        and path.stem != "__init__"
    } - {Path("test_kernels.py")}
    missing = {each for each in core if not (ROOT / "tests" / each).exists()}
    assert not missing
