"""The explorers of shown.py, with a kernel and without; a canvas in a page."""

import pytest
from browser import Notebook, Page, check_quiet, write_notebook
from canvas_page import FEW, IMAGES, LABELS, LISTEN
from shown import CELLS, NAMES, all_three, page

from utils import explorers


@pytest.fixture(scope="module")
def in_lab(browser, lab):
    """In a notebook with a kernel."""
    write_notebook(lab.notebooks / "explorers.ipynb", CELLS)
    notebook = Notebook(browser, lab, "explorers.ipynb")
    notebook.run()
    notebook.explorers(len(NAMES))
    yield notebook
    check_quiet(notebook, lab)
    notebook.close()


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """A folder with a page of each theme."""
    folder = tmp_path_factory.mktemp("page")
    for theme in ("light", "dark"):
        text = page(*all_three(), theme=theme)
        (folder / f"{theme}.html").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def in_page(browser, html):
    """In a page without a kernel."""
    alone = Page(browser, html / "light.html")
    alone.explorers(len(NAMES))
    yield alone
    assert alone.problems == []
    alone.close()


@pytest.fixture(params=["in_lab", "in_page"])
def place(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def open_alone(browser, tmp_path):
    """Return a function that shows an explorer in a page; no complaint is allowed."""
    pages = []

    def show(made, before="", after="", **context):
        path = tmp_path / f"{len(pages)}.html"
        view = '<meta name="viewport" content="width=device-width">'
        text = f"<!doctype html>{view}{before}{made.html()}{after}"
        path.write_text(text, "utf-8")
        pages.append(Page(browser, path, **context))
        (explorer,) = pages[-1].explorers()
        return explorer

    yield show
    for each in pages:
        assert each.problems == each.refused == []
        each.close()


@pytest.fixture
def open_canvas(open_alone):
    """Return a function that opens the explorer and listens to its canvas."""

    def open_one(model=None, made=None, **context):
        made = made or explorers.display(IMAGES[:FEW], LABELS[:FEW], model)
        explorer = open_alone(made, before=LISTEN, **context)
        explorer.page.evaluate("listen()")
        return explorer

    return open_one
