"""Executing notebooks: what is kept, what is noticed, and how one stops it."""

import os
import re
import signal
import subprocess
import sys
import time

import nbformat
import papermill
import psutil
import pytest

from utils.tools import notebooks


def a_notebook(*sources):
    """A notebook of code cells, and of text where a source begins with two stars."""
    new = {True: nbformat.v4.new_markdown_cell, False: nbformat.v4.new_code_cell}
    notebook = nbformat.v4.new_notebook(
        cells=[new[source.startswith("**")](source) for source in sources]
    )
    notebook.metadata.kernelspec = notebooks.KERNEL
    return notebook


FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
IN_A_WIDGET = """import utils
from IPython.display import display
from ipywidgets import Output
with (out := Output()):
    1 / 0
display(out)"""
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
    (picture,) = notebooks.pictures(notebook.cells[0])
    alternative = picture.metadata["image/png"]["alt"]
    assert alternative == "Figure 1.1. A line, from 1 to 2.5 grey levels. More of it."
    assert set(notebook.metadata) == {"executed", "kernelspec", "language_info"}
    assert not any(cell.metadata for cell in notebook.cells)

    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: os.stat(tmp_path / "full disk"))
    with pytest.raises(OSError, match="full disk"):
        notebooks.commit(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (IN_A_WIDGET, papermill.PapermillExecutionError, "ZeroDivisionError"),
        (FIGURE.replace("plt.plot", "# "), RuntimeError, "showed 0 pictures, not 1"),
    ],
)
def test_an_error_in_a_widget_and_a_missing_picture_are_found(
    source, kind, message, tmp_path
):
    path = tmp_path / "00_hidden.ipynb"
    nbformat.write(a_notebook(source), path)
    with pytest.raises(kind, match=message):
        notebooks.run(path, tmp_path / "out", {})


def with_outputs(notebook, **data):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            made = [({"image/png": ""}, {})]
            if cell.source in data:
                key = {"text/markdown": {"claim": "key"}}
                made = [({"text/markdown": data[cell.source]}, key)]
            cell.outputs = [
                nbformat.v4.new_output("display_data", each, metadata=facts)
                for each, facts in made
            ]
    return notebook


def alternatives(notebook):
    notebooks.describe(notebook)
    return [
        picture.metadata["image/png"].get("alt")
        for cell in notebook.cells
        for picture in notebooks.pictures(cell)
    ]


def test_each_picture_has_the_caption_that_follows_it():
    notebook = a_notebook("a", "b", CAPTION, "c", CAPTION.replace("1.1", "1.2"), "d")
    texts = alternatives(with_outputs(notebook))
    assert [text and text[:10] for text in texts] == [
        None,
        "Figure 1.1",
        "Figure 1.2",
        None,
    ]


def test_a_picture_says_the_claim_of_its_section():
    claim = "**It rises.** By 3 points."
    notebook = a_notebook("a", CAPTION, "said", "b", CAPTION, "later")
    notebook.cells[4].source += "\n\n## Another section"
    first, second = alternatives(with_outputs(notebook, said=claim, later="No."))
    line = "Figure 1.1. A line, from 1 to 2.5 grey levels."
    assert first == f"{line} It rises. By 3 points. More of it."
    assert second == f"{line} More of it."


def test_an_unknown_notebook_is_named(capsys):
    assert notebooks.main(["run", "17"]) == 1
    assert "01, 02" in capsys.readouterr().err


def series(folder, *sources):
    """A folder of notebooks 01, 02, ... of one cell each."""
    for number, source in enumerate(sources, start=1):
        nbformat.write(a_notebook(source), folder / f"{number:02}_small.ipynb")


@pytest.mark.slow
def test_one_notebook_that_fails_is_named_and_the_others_are_finished(
    tmp_path, monkeypatch, capsys
):
    series(tmp_path, "1", "raise ValueError('too cold')", "3")
    nbformat.write(a_notebook("1 / 0"), tmp_path / "01_small-Copy1.ipynb")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    assert notebooks.main(["run", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "02_small.ipynb: " in said.err
    assert "ValueError: too cold" in said.err
    assert sorted(re.findall(r"0\d_small", said.out)) == ["01_small", "03_small"]


@pytest.mark.slow
def test_stopped_it_ends_every_kernel_and_says_how_to_go_on(tmp_path):
    waits = (
        "import os, pathlib, time\n"
        f"path = pathlib.Path({str(tmp_path)!r}) / f'{{os.getpid()}}.kernel'\n"
        "path.touch()\n"
        "time.sleep(600)"
    )
    (tmp_path / "notebooks").mkdir()
    series(tmp_path / "notebooks", waits, "2", waits, waits)
    code = (
        "import sys, pathlib\n"
        "from utils.tools import notebooks\n"
        f"notebooks.NOTEBOOKS = pathlib.Path({str(tmp_path / 'notebooks')!r})\n"
        "notebooks.os.cpu_count = lambda: 3\n"
        f"sys.exit(notebooks.main(['run', '--out', {str(tmp_path)!r}]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while len(kernels := list(tmp_path.glob("*.kernel"))) < 3:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    *_, what, how = out.splitlines()
    assert what == "Stopped. Finished: 02."
    assert how == 'To go on: make run ONLY="01 03 04"'
    assert not any(psutil.pid_exists(int(each.stem)) for each in kernels)
