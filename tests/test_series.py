"""The series as a reader runs it, and as it is committed."""

import re
import subprocess
import sys

import nbformat
import papermill
import pytest
from nbconvert import HTMLExporter
from papermill.cli import papermill as command_line
from papermill.translators import PythonTranslator

from utils import VIEW
from utils.tools import notebooks

NAMES = [path.name for path in notebooks.paths()]
every_notebook = pytest.mark.parametrize("name", NAMES)
LARGEST = 2_000_000  # bytes: GitHub shows no larger notebook well
CHECKS = re.compile(r"\b(check|parameters)\(")
TOOL = [sys.executable, "-m", "utils.tools.notebooks"]


def committed(name):
    return nbformat.read(notebooks.NOTEBOOKS / name, as_version=4)


def code_cells(notebook):
    """Code cells, without the one that papermill puts in."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def claims(notebook):
    """A notebook's claims: key to sentence; and the table of them all."""
    found = {}
    for output in (output for cell in code_cells(notebook) for output in cell.outputs):
        text = output.get("data", {}).get("text/markdown", "")
        facts = output.get("metadata", {}).get("text/markdown", {})
        if "claim" in facts:
            found[facts["claim"]] = text
        elif text.startswith("| claim |"):
            found["table"] = text
    return found


def lines_shown(notebook):
    """Text that cells print or return, numbers masked: they differ by machine."""
    texts = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream":
                texts.append(output.text)
            elif "text/markdown" in output.get("data", {}):
                texts.append(f"\n{output.data['text/markdown']}\n")
        texts.append("\n")
    masked = re.sub(r"[-+]?\d[\d.,]*(e[-+]?\d+)?", "#", "".join(texts))
    # A kernel may send one text in several pieces, so blank lines do not count.
    return [" ".join(line.split()) for line in masked.splitlines() if line.strip()]


def pictures(notebook):
    """The alternative text of each picture, by code cell."""
    return [
        [each.metadata["image/png"]["alt"] for each in notebooks.pictures(cell)]
        for cell in code_cells(notebook)
    ]


# --- Executed -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(tmp_path_factory, request):
    """What `make run` makes of the notebooks that tests ask for: process, folder."""
    asked = (item for item in request.session.items if "executed" in item.fixturenames)
    numbers = sorted({item.callspec.params["name"][:2] for item in asked})
    out = tmp_path_factory.mktemp("build")
    done = subprocess.run(
        [*TOOL, "run", *numbers, "--out", out], capture_output=True, encoding="utf-8"
    )
    return done, out


@pytest.mark.slow
@every_notebook
def test_runs_quietly_and_shows_what_is_committed(name, executed):
    done, out = executed
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"(?m)^ *\d+ s  .*{name}$", done.stdout)
    notebook = nbformat.read(out / "notebooks" / name, as_version=4)
    assert not list(notebooks.errors(notebook))
    as_committed = committed(name)
    assert claims(notebook) == claims(as_committed)
    assert lines_shown(notebook) == lines_shown(as_committed)
    assert pictures(notebook) == pictures(as_committed)


# --- Committed ------------------------------------------------------------------------


def test_the_series_is_numbered_without_gaps():
    assert [name[:2] for name in NAMES] == [f"{i + 1:02}" for i in range(len(NAMES))]
    assert len(NAMES) >= 6


@every_notebook
def test_is_committed_executed_and_fresh(name):
    notebook = committed(name)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert notebooks.is_fresh(notebook), f"{name} was edited: make notebooks"
    assert notebook.metadata.kernelspec.name == "python3"
    assert (notebooks.NOTEBOOKS / name).stat().st_size < LARGEST


@every_notebook
def test_a_page_can_show_it_all(name):
    notebook = committed(name)
    assert "widgets" not in notebook.metadata
    assert VIEW not in str(notebook)
    alternatives = [each for cell in pictures(notebook) for each in cell]
    assert alternatives
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    shown = re.findall(r"""<img [^>]*alt=["']Figure """, page)
    assert len(shown) == len(alternatives)


@every_notebook
def test_cells_are_short_and_explained(name):
    kinds = [cell.cell_type for cell in committed(name).cells]
    assert "code code code" not in " ".join(kinds)
    for cell in code_cells(committed(name)):
        assert len(cell.source.splitlines()) <= 25


@every_notebook
def test_help_says_what_each_parameter_is(name, capsys):
    path = str(notebooks.NOTEBOOKS / name)
    with pytest.raises(SystemExit):
        command_line(["--help-notebook", path])
    shown = capsys.readouterr().out
    parameters = papermill.inspect_notebook(path)
    assert parameters
    for parameter, facts in parameters.items():
        kind = facts["inferred_type_name"]
        assert kind not in (None, "None"), parameter
        assert f"{parameter}: {kind} (default {facts['default']})" in shown
        assert len(facts["help"]) > 10, parameter
        assert " ".join(facts["help"].split()[:3]) in shown


# --- Parameters -----------------------------------------------------------------------


@pytest.fixture
def checked(monkeypatch):
    """The first cells of a notebook, with parameters as papermill puts them in."""
    monkeypatch.chdir(notebooks.NOTEBOOKS)

    def run(name, **parameters):
        defaults, *cells = (cell.source for cell in code_cells(committed(name))[:5])
        injected = PythonTranslator.codify(parameters)
        kernel = {"In": [injected]}
        last = max(i for i, source in enumerate(cells) if CHECKS.search(source))
        for source in (defaults, injected, *cells[: last + 1]):
            exec(source, kernel)
        return kernel

    return run


@every_notebook
def test_any_parameter_of_a_wrong_type_is_refused_by_name(name, checked):
    defaults = papermill.inspect_notebook(notebooks.NOTEBOOKS / name)
    for parameter in defaults:
        with pytest.raises(ValueError, match=rf"{parameter}[^_a-z].*None"):
            checked(name, **{parameter: None})
    with pytest.raises(ValueError, match="No parameter 'seeed'"):
        checked(name, seeed=1)


@pytest.mark.parametrize(
    ("number", "parameter", "value", "message"),
    [
        ("01", "noise_sd", -1.0, "at least 0"),
        ("01", "examples", 5.5, "whole"),
        ("01", "examples", 21, "1 to 20"),
        ("01", "data", "missing.npz", "missing.npz"),
        ("02", "attention", "telepathy", "telepathy"),
        ("02", "digit_index", 10_000, "0 to 9999"),
        ("03", "digit", 10_000, "0 to 9999"),
        ("04", "profile", "huge", "quick"),
        ("05", "published_weights", "missing", "missing"),
        ("07", "network", 8, "0 to 7"),
    ],
)
def test_a_value_out_of_range_is_refused(number, parameter, value, message, checked):
    (name,) = (each for each in NAMES if each.startswith(number))
    with pytest.raises(ValueError, match=parameter) as refused:
        checked(name, **{parameter: value})
    assert message in str(refused.value)


@pytest.mark.slow
def test_papermill_stops_at_a_bad_parameter_and_says_why(tmp_path):
    path = notebooks.NOTEBOOKS / NAMES[0]
    command = [sys.executable, "-m", "papermill", path, tmp_path / "out.ipynb"]
    ended = subprocess.run(
        [*command, "--cwd", path.parent, "-p", "examples", "5.5"],
        capture_output=True,
        encoding="utf-8",
    )
    assert ended.returncode != 0
    assert (
        "Expected examples: a whole number from 1 to 20. Received 5.5" in ended.stderr
    )
