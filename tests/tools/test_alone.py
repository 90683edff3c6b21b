"""The explorers alone: their pages, and in the scaled frame of a slide."""

import nbformat
import pytest
from browser import WINDOW, Page
from canvas_page import FEW, IMAGES, LABELS
from hands import drawn_explorers

from utils import explorers
from utils.tools import alone

pytestmark = pytest.mark.browser
TITLES = {"index": "The series", "01_one": "1. One", "02_two": "2. Two"}
SCALE = 0.6


def shown(*made):
    outputs = [
        nbformat.v4.new_output("display_data", {"text/html": each.html()})
        for each in made
    ]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the pages alone, and the notebooks with their links."""
    folder = tmp_path_factory.mktemp("site")
    display = explorers.display(IMAGES[:FEW], LABELS[:FEW])
    noise, other = (explorers.noise(IMAGES[:n], LABELS[:n]) for n in (FEW, 9))
    pages = {
        "index": shown(display),
        "01_one": shown(noise, display),
        "02_two": shown(other),
    }
    alone.build(folder, pages, TITLES)
    return folder, pages


def links(notebook):
    texts = [x.data["text/html"] for x in notebook.cells[0].outputs]
    return [each.split('<p><a href="')[1].split('"')[0] for each in texts]


def test_each_explorer_has_one_page_which_its_notebooks_link(site):
    folder, pages = site
    names = {path.name for path in (folder / "explorers").iterdir()}
    assert names == {"display.html", "noise.html", "noise-2.html"}
    found = {page: links(notebook) for page, notebook in pages.items()}
    assert found == {
        "index": ["explorers/display.html"],
        "01_one": ["explorers/noise.html", "explorers/display.html"],
        "02_two": ["explorers/noise-2.html"],
    }


def test_a_page_has_the_id_of_its_file(site, browser):
    page = Page(browser, site[0] / "explorers" / "noise-2.html")
    page.page.goto(f"{page.page.url}#explorer=1:noise-2;digit=4")
    (explorer,) = drawn_explorers(page.page, 1)
    explorer.expect("digit 4 ")
    assert "refused" not in explorer.status()
    page.close()


def test_a_page_leads_back_to_its_notebook(site):
    folder, _ = site
    for name, back in (("display", "01_one"), ("noise-2", "02_two")):
        text = (folder / "explorers" / f"{name}.html").read_text("utf-8")
        kind = name.removesuffix("-2")
        assert f'href="../{back}.html#explorer=1:{kind}"' in text
        assert f">{TITLES[back]} · The series</a>" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_a_page_fits_its_frame_and_makes_no_requests(width, scheme, site, browser):
    size = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    for name in ("display", "noise"):
        path = site[0] / "explorers" / f"{name}.html"
        assert path.stat().st_size < 2_500_000
        page = Page(browser, path, **size)
        page.explorers()
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        ink = page.page.evaluate("getComputedStyle(document.body).color")
        assert ink == ("rgb(255, 255, 255)" if scheme == "dark" else "rgb(0, 0, 0)")
        assert page.problems == page.refused == []
        page.close()


def slide(site, how):
    """A slide that scales an explorer, in a frame or as a part of itself."""
    source = site[0] / "explorers" / "display.html"
    frame = f'<iframe src="{source.as_uri()}" width="900" height="900"></iframe>'
    part = explorers.display(IMAGES[:FEW], LABELS[:FEW]).html()
    inside = {"frame": frame, "part": part}[how]
    style = f"width: 900px; transform: scale({SCALE}); transform-origin: 30px 40px"
    path = site[0] / f"{how}.html"
    path.write_text(f'<!doctype html><div style="{style}">{inside}</div>', "utf-8")
    return path


@pytest.mark.parametrize("how", ["frame", "part"])
def test_in_a_scaled_slide_a_press_moves_the_digit_to_its_place(how, site, browser):
    page = browser.new_page(viewport=WINDOW)
    page.goto(slide(site, how).as_uri())
    inside = page.frames[1] if how == "frame" else page
    (explorer,) = drawn_explorers(inside, 1)
    box = explorer.part(".explorer-handle").bounding_box()
    assert box["width"] == pytest.approx(SCALE * 224, abs=1)
    for row, col in ((32, 0), (0, 32), (32, 32)):  # pressed beside where it was
        x, y = ((each + 14) / 60 for each in (col, row))  # the middle of the digit
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        explorer.expect(f"row {row}, column {col}, ")
    page.close()
