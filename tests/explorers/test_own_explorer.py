"""The explorer of the reader's own, at the end of notebook 3, moved in JupyterLab."""

import nbformat
import pytest
from browser import Notebook, check_quiet, write_notebook
from hands import PATIENCE

from utils.tools.notebooks import NOTEBOOKS

PICTURE = ".widget-output img"


@pytest.mark.browser
def test_its_slider_moves_the_noise_and_the_map(browser, lab):
    shown = nbformat.read(NOTEBOOKS / "03_seeing_attention.ipynb", as_version=4)
    code = [cell.source for cell in shown.cells if cell.cell_type == "code"]
    start = next(i for i, text in enumerate(code) if "control = build_model" in text)
    (trained,) = (text for text in code if text.startswith("trained_with = "))
    (own,) = (text for text in code if text.startswith("@interact"))
    cells = [*code[: start + 1], "\n".join(trained.splitlines()[:2]), own]
    write_notebook(lab.notebooks / "own.ipynb", cells)
    notebook = Notebook(browser, lab, "own.ipynb")
    notebook.run()
    picture = notebook.page.locator(PICTURE)
    picture.wait_for(timeout=1000 * PATIENCE)
    before = picture.get_attribute("src")
    handle = notebook.page.locator(".widget-slider .noUi-handle")
    handle.scroll_into_view_if_needed()
    handle.press("ArrowRight")
    notebook.page.wait_for_function(
        "([css, before]) => { const now = document.querySelector(css)?.src;"
        " return now && now !== before; }",
        arg=[PICTURE, before],
        timeout=1000 * PATIENCE,
    )
    assert notebook.page.locator(".widget-readout").inner_text().startswith("45")
    check_quiet(notebook, lab)
    notebook.close()
