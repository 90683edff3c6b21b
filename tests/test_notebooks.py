"""The series as a reader runs it: executed whole by papermill on fresh kernels."""

import re
import subprocess
import sys

import nbformat
import papermill
import pytest

from utils import notebooks
from utils.notebooks import WIDGET_STATE

NAMES = [path.name for path in notebooks.paths()]
every_notebook = pytest.mark.parametrize("name", NAMES)
LARGEST = 2_000_000  # bytes: GitHub shows no larger notebook well


def committed(name):
    return nbformat.read(notebooks.NOTEBOOKS / name, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines_shown(notebook):
    """Text that cells print or return, numbers masked: they differ by machine."""
    texts = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stdout":
                texts.append(output.text)
            elif "text/markdown" in output.get("data", {}):
                texts.append(f"\n{output.data['text/markdown']}\n")
        texts.append("\n")
    masked = re.sub(r"[-+]?\d[\d.,]*(e[-+]?\d+)?", "#", "".join(texts))
    # A kernel may send one text in several pieces, so blank lines do not count.
    return [" ".join(line.split()) for line in masked.splitlines() if line.strip()]


def pictures(notebook):
    """How many pictures each code cell shows."""
    return [
        sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in code_cells(notebook)
    ]


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    """Execute notebooks at profile quick, each once; returns a function of a name."""
    folder = tmp_path_factory.mktemp("executed")
    done = {}

    def execute(name):
        if name not in done:
            parameters = {"profile": "quick", "store": str(folder / "records")}
            path = notebooks.NOTEBOOKS / name
            done[name] = notebooks.run(path, folder, parameters, progress_bar=False)
        return done[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTENTION_FIGURES", str(folder / "figures"))
        yield execute


def test_the_series_is_numbered_without_gaps():
    assert [name[:2] for name in NAMES] == [f"{i + 1:02}" for i in range(len(NAMES))]
    assert len(NAMES) >= 4


@pytest.mark.slow
@every_notebook
def test_runs_from_top_to_bottom(name, executed):
    notebook = executed(name)
    assert not list(notebooks.errors(notebook))
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.slow
@every_notebook
def test_committed_outputs_are_those_of_the_code(name, executed):
    assert lines_shown(committed(name)) == lines_shown_as_committed(executed(name))
    fresh = [
        cell
        for cell in code_cells(executed(name))
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    shown = nbformat.v4.new_notebook(cells=fresh)
    assert pictures(committed(name)) == pictures(shown)


def lines_shown_as_committed(notebook):
    """Lines of an executed notebook, its widgets replaced as `commit` does."""
    states = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {})
    copy = nbformat.from_dict(notebook)
    for cell in code_cells(copy):
        stills = (notebooks.still(o, states.get("state", {})) for o in cell.outputs)
        cell.outputs = [output for output in stills if output is not None]
    return lines_shown(copy)


@every_notebook
def test_is_committed_executed_and_fresh(name):
    notebook = committed(name)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert notebook.metadata.executed == notebooks.source_digest(notebook), (
        f"{name} was edited after it was executed: make notebooks"
    )
    assert not list(notebooks.errors(notebook))
    assert (notebooks.NOTEBOOKS / name).stat().st_size < LARGEST


@every_notebook
def test_kernel_is_python3(name):
    assert committed(name).metadata.kernelspec.name == "python3"


@every_notebook
def test_has_no_widget_that_a_page_cannot_show(name):
    notebook = committed(name)
    assert "widgets" not in notebook.metadata
    assert notebooks.WIDGET_VIEW not in str(notebook)


@every_notebook
def test_cells_are_short_and_explained(name):
    kinds = [cell.cell_type for cell in committed(name).cells]
    assert "code code code" not in " ".join(kinds)
    for cell in code_cells(committed(name)):
        assert len(cell.source.splitlines()) <= 25


@every_notebook
def test_every_parameter_has_a_type_a_default_and_a_comment(name):
    parameters = papermill.inspect_notebook(str(notebooks.NOTEBOOKS / name))
    assert parameters
    for parameter, facts in parameters.items():
        assert facts["inferred_type_name"] not in (None, "None"), parameter
        assert facts["default"] != "", parameter
        assert len(facts["help"]) > 10, parameter


@every_notebook
def test_help_reads_well(name):
    path = str(notebooks.NOTEBOOKS / name)
    command = [sys.executable, "-m", "papermill", "--help-notebook", path]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for parameter, facts in papermill.inspect_notebook(path).items():
        assert f"{parameter}: {facts['inferred_type_name']}" in shown
        assert " ".join(facts["help"].split()[:3]) in shown


BAD = [
    ("04", {"profile": "huge"}, "Unknown profile 'huge'"),
    ("01", {"noise_sd": -1.0}, "-1"),
    ("03", {"noise_sd": -1.0}, "-1"),
    ("01", {"data": "missing.npz"}, "missing.npz"),
    ("02", {"data": "missing.npz"}, "missing.npz"),
    ("03", {"data": "missing.npz"}, "missing.npz"),
    ("02", {"attention": "telepathy"}, "telepathy"),
    ("03", {"digit": 10_000}, "10000"),
    ("05", {"published_weights": "missing"}, "No folder missing"),
    ("06", {"network": 8}, "received 8"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "parameters", "message"), BAD)
def test_a_bad_parameter_stops_it_and_says_why(number, parameters, message, tmp_path):
    (path,) = notebooks.NOTEBOOKS.glob(f"{number}_*.ipynb")
    options = [x for k, v in parameters.items() for x in ("-p", k, str(v))]
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(path),
        str(tmp_path / "out.ipynb"),
    ]
    ended = subprocess.run(
        [*command, *options, "--cwd", str(path.parent)], capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert message in ended.stderr
    assert "Error" in ended.stderr


# --- The checks themselves can fail -------------------------------------------------


def a_notebook(source):
    cell = nbformat.v4.new_code_cell(source)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata.kernelspec = {
        "name": "python3", "display_name": "Python 3", "language": "python"
    }  # fmt: skip
    return notebook


@pytest.mark.slow
def test_an_error_hidden_in_a_widget_is_found(tmp_path):
    source = (
        "from ipywidgets import Output\n"
        "from IPython.display import display\n"
        "with (out := Output()):\n    1 / 0\n"
        "display(out)"
    )
    path = tmp_path / "00_hidden.ipynb"
    nbformat.write(a_notebook(source), path)
    with pytest.raises(RuntimeError, match=r"in a widget: ZeroDivisionError"):
        notebooks.run(path, tmp_path / "out", {}, progress_bar=False)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match=r"in a widget: ZeroDivisionError"):
        notebooks.commit(path)
    assert path.read_bytes() == before


def test_an_edited_notebook_is_stale():
    notebook = a_notebook("x = 1")
    digest = notebooks.source_digest(notebook)
    notebook.cells[0].source = "x = 2"
    assert notebooks.source_digest(notebook) != digest


def test_an_unknown_notebook_is_named(capsys):
    assert notebooks.main(["run", "17"]) == 1
    assert "01, 02" in capsys.readouterr().err
