"""The site, as a reader has it: pages from a disk, in real browsers, offline."""

import re
import shutil

import nbformat
import pytest
from browser import Page, chromium

from utils.tools import notebooks, site

NAMES = ["index", *(path.stem for path in notebooks.paths())]
LARGEST = 2_500_000  # bytes of a page
OUTLINE = """[...document.querySelectorAll("main :is(h1, h2, h3, h4)")]
    .map((each) => Number(each.tagName[1]))"""
NAMELESS = """[...document.querySelectorAll("input, select, button, canvas, nav, a")]
    .filter((each) => !(each.labels?.length || each.getAttribute("aria-label")
        || each.textContent.trim() || each.ariaHidden === "true"))
    .map((each) => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    assert site.main(["--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def test_there_is_a_page_for_each_notebook_of_a_size_for_a_phone(pages):
    assert {path.stem for path in pages.glob("*")} == {*NAMES}
    for path in pages.glob("*"):
        assert 50_000 < path.stat().st_size < LARGEST, path.name


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_quiet_and_asks_nobody(name, pages, browser):
    page = Page(browser, pages / f"{name}.html", viewport={"width": 400, "height": 800})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    outline = page.page.evaluate(OUTLINE)
    assert outline[0] == 1
    assert outline.count(1) == 1
    steps = zip(outline[1:], outline, strict=False)
    assert all(deeper - level <= 1 for deeper, level in steps)
    images = page.page.locator("main img").all()
    assert all(len(each.get_attribute("alt") or "") > 20 for each in images)
    explorers = page.page.locator(".explorer").count()
    page.explorers(explorers)
    assert page.page.evaluate(NAMELESS) == []
    text = page.page.locator("main").inner_text()
    assert not re.search(r"\$[^$\n]*[\\_^{][^$\n]*\$", text)  # a formula left as it was
    assert page.problems == []
    assert page.refused == []
    page.close()


def test_a_reader_goes_through_all_pages_and_back(pages, browser):
    page = browser.new_page()
    page.goto((pages / "index.html").as_uri())
    for name in NAMES[1:]:
        page.locator("nav").first.locator("[rel=next]").click()
        page.wait_for_url(f"**/{name}.html")
    assert page.locator("[rel=next]").count() == 0
    page.locator("[rel=prev]").first.click()
    page.wait_for_url(f"**/{NAMES[-2]}.html")
    page.get_by_role("link", name="All notebooks").first.click()
    page.wait_for_url("**/index.html")
    links = page.locator("main a").evaluate_all("all => all.map((each) => each.href)")
    for link in links:
        stem = link.rsplit("/", 1)[1].removesuffix(".html")
        assert link.startswith("http") or stem in NAMES, link
    assert {name for name in NAMES[1:] if any(name in link for link in links)}
    page.close()


def test_with_a_keyboard_alone(pages, browser):
    page = Page(browser, pages / "index.html")
    (explorer,) = page.explorers(1)
    page.page.keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.textContent") == (
        "Skip to the text"
    )
    page.page.keyboard.press("Enter")
    for _ in range(40):
        page.page.keyboard.press("Tab")
        if page.page.evaluate("document.activeElement.type") == "range":
            break
    before = explorer.updates()
    page.page.keyboard.press("End")
    explorer.wait_for_update(before)
    assert "digit 499" in explorer.status()
    assert page.problems == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_as_the_system_says(scheme, pages, browser):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto((pages / "02_building_the_model.html").as_uri())
    paper, ink = (
        page.evaluate(f"getComputedStyle(document.body).{name}.match(/\\d+/g)[0]")
        for name in ("backgroundColor", "color")
    )
    assert (int(paper) > int(ink)) == (scheme == "light")
    shown = page.locator(".output_html:has(> .highlight)").first  # by `utils.show`
    (paper,) = {
        shown.evaluate("each => getComputedStyle(each).backgroundColor"),
        page.locator("main").evaluate("each => getComputedStyle(each).backgroundColor"),
    }
    folder = notebooks.ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("index", "06_where_attention_helps"):
        page.goto((pages / f"{name}.html").as_uri())
        page.wait_for_timeout(500)
        page.screenshot(path=folder / f"site-{name[:5]}-{scheme}.png")
    context.close()


def test_a_notebook_that_was_edited_since_is_refused(tmp_path, monkeypatch, capsys):
    for path in notebooks.paths()[:2]:
        shutil.copy(path, tmp_path)
    _, second = sorted(tmp_path.glob("*.ipynb"))
    edited = nbformat.read(second, as_version=4)
    edited.cells.append(nbformat.v4.new_code_cell("1 + 1"))
    nbformat.write(edited, second)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    assert site.main(["--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert second.name in said
    assert 'make notebooks ONLY="02"' in said
    assert not (tmp_path / "out").exists()
