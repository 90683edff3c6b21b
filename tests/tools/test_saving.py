"""An executed notebook as a page: its explorers move, and it makes no requests."""

import subprocess
import sys

import nbformat
import pytest
from browser import Page

CELLS = (
    """import utils
from tqdm.auto import tqdm
from utils import explorers
from utils.data import load_mnist
for _ in tqdm(range(3)):
    pass""",
    "explorers.noise(*load_mnist()[1])",
)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """A folder with the pages of a notebook that papermill executed."""
    folder = tmp_path_factory.mktemp("pages")
    cells = [nbformat.v4.new_markdown_cell("A formula: $a^2$.")]
    cells += [nbformat.v4.new_code_cell(each) for each in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, folder / "in.ipynb")

    def run(*command):
        command = [sys.executable, "-m", *command]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr

    run("papermill", "in.ipynb", "out.ipynb")
    for name, option in (("page", ()), ("sanitised", ("--sanitize-html",))):
        run("nbconvert", "out.ipynb", "--to", "html", "--output", name, *option)
    return folder


@pytest.mark.slow
def test_the_page_of_an_executed_notebook_is_alive_and_asks_nobody(converted, browser):
    page = Page(browser, converted / "page.html")
    page.explorers(1)
    assert "0/3" not in page.page.inner_text("body")
    assert page.page.locator("math").count() == 1
    assert page.refused == []
    assert page.problems == []
    page.close()


@pytest.mark.slow
def test_a_sanitised_page_has_words_in_place_of_an_explorer(converted, browser):
    page = Page(browser, converted / "sanitised.html")
    text = page.page.inner_text("body")
    assert "On a page, allow its script" in text
    assert "explorerScript" not in text
    assert "{" not in text.split("To use this explorer")[1]
    page.close()
