"""The series as a reader runs it, and as it is committed."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import papermill
import psutil
import pytest
from nbconvert import HTMLExporter
from papermill.cli import papermill as command_line
from papermill.translators import PythonTranslator

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
    """What a notebook claims: key to sentence; and the table of all that it claims."""
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
        for output in filter(None, map(notebooks.still, cell.outputs)):
            if output.output_type == "stream" and output.name == "stdout":
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


@pytest.fixture(scope="session")
def executed(tmp_path_factory, request):
    """What `make run` makes of each notebook: a future of (process, notebook)."""
    asked = (item for item in request.session.items if "executed" in item.fixturenames)
    names = {item.callspec.params["name"] for item in asked}
    out = tmp_path_factory.mktemp("build")

    def execute(name):
        done = subprocess.run(
            [*TOOL, "run", name[:2], "--out", out],
            capture_output=True,
            encoding="utf-8",
        )
        path = out / "notebooks" / name
        return done, path.exists() and nbformat.read(path, as_version=4)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {name: pool.submit(execute, name) for name in sorted(names)}


@pytest.mark.slow
@every_notebook
def test_runs_quietly_and_shows_what_is_committed(name, executed):
    done, notebook = executed[name].result()
    assert (done.returncode, done.stderr) == (0, "")
    told, where = done.stdout.splitlines()
    assert re.fullmatch(rf" *\d+ s  .*{name}", told)
    assert where.startswith("Figures: ")
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
    assert notebook.metadata.executed == notebooks.source_digest(notebook), (
        f"{name} was edited after it was executed: make notebooks"
    )
    assert notebook.metadata.kernelspec.name == "python3"
    assert not list(notebooks.errors(notebook))
    assert (notebooks.NOTEBOOKS / name).stat().st_size < LARGEST


@every_notebook
def test_a_page_can_show_it_all(name):
    notebook = committed(name)
    assert "widgets" not in notebook.metadata
    assert notebooks.WIDGET_VIEW not in str(notebook)
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
        for wrong in (None, [1], {}):
            with pytest.raises(ValueError, match=rf"{parameter}[^_a-z].*{wrong!s:.4}"):
                checked(name, **{parameter: wrong})
    with pytest.raises(ValueError, match="No parameter 'seeed'"):
        checked(name, seeed=1)


@pytest.mark.parametrize(
    ("number", "parameter", "value", "message"),
    [
        ("01", "noise_sd", -1.0, ">= 0"),
        ("01", "noise_sd", float("nan"), "finite"),
        ("01", "examples", 5.5, "whole"),
        ("01", "examples", 21, "<= 20"),
        ("01", "seed", -1, ">= 0"),
        ("01", "data", "missing.npz", "missing.npz"),
        ("02", "data", "missing.npz", "missing.npz"),
        ("02", "attention", "telepathy", "telepathy"),
        ("02", "digit_index", 10_000, "<= 9999"),
        ("03", "data", "missing.npz", "missing.npz"),
        ("03", "digit", 10_000, "<= 9999"),
        ("03", "noise_sd", -1.0, ">= 0"),
        ("04", "profile", "huge", "quick"),
        ("05", "published_weights", "missing", "missing"),
        ("07", "network", 8, "<= 7"),
    ],
)
def test_a_value_out_of_range_is_refused(number, parameter, value, message, checked):
    (name,) = (each for each in NAMES if each.startswith(number))
    with pytest.raises(ValueError, match=parameter) as refused:
        checked(name, **{parameter: value})
    assert message in str(refused.value)


@every_notebook
def test_whole_numbers_that_arrive_as_floats_are_whole(name, checked):
    defaults = papermill.inspect_notebook(notebooks.NOTEBOOKS / name)
    whole = {
        parameter: int(facts["default"])
        for parameter, facts in defaults.items()
        if facts["inferred_type_name"] == "int"
    }
    found = checked(name, **{key: float(value) for key, value in whole.items()})
    for parameter, value in whole.items():
        assert found[parameter] == value
        assert type(found[parameter]) is int


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
    assert "Expected examples: a whole number. Received 5.5" in ended.stderr


# --- The checks themselves can fail ---------------------------------------------------


def a_notebook(*sources):
    """A notebook of code cells, and of text where a source begins with two stars."""
    new = {True: nbformat.v4.new_markdown_cell, False: nbformat.v4.new_code_cell}
    notebook = nbformat.v4.new_notebook(
        cells=[new[source.startswith("**")](source) for source in sources]
    )
    notebook.metadata.kernelspec = notebooks.KERNEL
    return notebook


FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
CAPTION = "**Figure 1.1.** A line, from *1* to 2.5\ngrey levels. More of it."


@pytest.mark.slow
def test_what_is_committed_can_be_shown_and_errors_leave_the_file(
    tmp_path, monkeypatch
):
    startup = tmp_path / "of the user" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "1.ipy").write_text(
        "%config InlineBackend.figure_formats = ['svg']", "utf-8"
    )
    monkeypatch.setenv("IPYTHONDIR", str(startup.parents[1]))
    path = tmp_path / "small" / "01_small.ipynb"
    path.parent.mkdir()
    nbformat.write(a_notebook(FIGURE, CAPTION), path)
    notebook = notebooks.commit(path)
    assert nbformat.read(path, as_version=4) == notebook
    assert pictures(notebook) == [["Figure 1.1. A line, from 1 to 2.5 grey levels."]]
    assert set(notebook.metadata) == {"executed", "kernelspec", "language_info"}
    assert not any(cell.metadata for cell in notebook.cells)

    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: os.stat(tmp_path / "full disk"))
    with pytest.raises(OSError, match="full disk"):
        notebooks.commit(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
def test_an_error_hidden_in_a_widget_or_a_picture_not_drawn_is_found(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("MPLBACKEND", "agg")  # and `utils` is not there to mend it
    widget = (
        "from ipywidgets import Output\n"
        "from IPython.display import display\n"
        "with (out := Output()):\n    1 / 0\n"
        "display(out)"
    )
    path = tmp_path / "00_hidden.ipynb"
    nbformat.write(a_notebook(widget, FIGURE), path)
    with pytest.raises(RuntimeError, match="in a widget: ZeroDivisionError") as found:
        notebooks.run(path, tmp_path / "out", {})
    assert "cell 1: plt.show() showed 0 pictures, not 1" in str(found.value)


def test_each_picture_has_the_caption_that_follows_it():
    notebook = a_notebook("a", "b", CAPTION, "c", CAPTION.replace("1.1", "1.2"), "d")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("display_data", {"image/png": ""})]
    notebooks.describe(notebook)
    texts = [
        notebooks.pictures(cell)[0].metadata["image/png"].get("alt", "")[:10]
        for cell in code_cells(notebook)
    ]
    assert texts == ["", "Figure 1.1", "Figure 1.2", ""]


def test_an_edited_notebook_is_stale():
    notebook = a_notebook("x = 1")
    digest = notebooks.source_digest(notebook)
    notebook.cells[0].source = "x = 2"
    assert notebooks.source_digest(notebook) != digest


def test_an_unknown_notebook_is_named(capsys):
    assert notebooks.main(["run", "17"]) == 1
    assert "01, 02" in capsys.readouterr().err


@pytest.mark.slow
def test_stopped_it_says_what_is_finished_and_how_to_go_on(tmp_path):
    kernel = tmp_path / "kernel"
    waits = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(kernel)!r}).write_text(str(os.getpid()), 'utf-8')\n"
        "time.sleep(600)"
    )
    (tmp_path / "notebooks").mkdir()
    for number, source in (("01", "1"), ("02", waits), ("03", "1")):
        path = tmp_path / "notebooks" / f"{number}_small.ipynb"
        nbformat.write(a_notebook(source), path)
    code = (
        "import sys, pathlib\n"
        "from utils.tools import notebooks\n"
        f"notebooks.NOTEBOOKS = pathlib.Path({str(tmp_path / 'notebooks')!r})\n"
        f"sys.exit(notebooks.main(['run', '--out', {str(tmp_path)!r}]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while not kernel.exists() or not kernel.read_text("utf-8"):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    *_, what, how = out.splitlines()
    assert what == "Stopped in 02_small.ipynb. Finished: 01."
    assert how == 'To go on: make run ONLY="02 03"'
    assert not psutil.pid_exists(int(kernel.read_text("utf-8")))
