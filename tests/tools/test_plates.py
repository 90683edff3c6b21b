"""Figures of the site: narrow, enlarged, with numbers; folded code; on paper."""

import csv
import re

import pytest
from browser import Page

from utils.tools import plates

PAGE = "07_how_attention_works.html"
DRAWN = "document.querySelector('#figure-7-4 img').currentSrc"


@pytest.fixture
def shown(pages, browser):
    page = Page(browser, pages / PAGE)
    yield page.page
    assert page.problems == []
    assert page.refused == []
    page.close()


def test_a_narrow_page_has_another_picture(shown):
    wide = shown.evaluate(DRAWN)
    shown.set_viewport_size({"width": 390, "height": 800})
    shown.wait_for_function(f"{DRAWN} !== {wide!r}")
    width = "document.querySelector('#figure-7-4 img').clientWidth"
    assert shown.evaluate(width) > 340


@pytest.mark.parametrize("how", ["pointer", "keyboard"])
def test_a_picture_is_enlarged_and_closed(how, shown):
    button = shown.get_by_role("button", name="Enlarge Figure 7.4")
    dialog = shown.get_by_role("dialog", name="Figure 7.4")
    assert dialog.count() == 0
    if how == "pointer":
        button.click()
    else:
        button.focus()
        shown.keyboard.press("Enter")
    assert dialog.get_by_role("img", name="Figure 7.4.").is_visible()
    if how == "pointer":
        dialog.get_by_role("button", name="Close").click()
    else:
        shown.keyboard.press("Escape")
    assert dialog.count() == 0


def test_each_saved_figure_has_its_caption_and_numbers(pages):
    text = "".join(path.read_text("utf-8") for path in pages.glob("0*.html"))
    files = {path.stem for path in (pages / "figures").glob("*.csv")}
    assert files == {path.stem for path in plates.FOLDER.glob("[0-9]*.csv")}
    found = re.findall(r'<figure id="[\w-]+">.*?</figure>', text, re.S)
    assert len(found) == len(files)
    for figure in found:
        (name,) = re.findall(r'href="figures/(\w+).csv"', figure)
        with (pages / "figures" / f"{name}.csv").open(encoding="utf-8") as file:
            heads, *rows = csv.reader(file)
        assert figure.count("<th>") == len(heads)
        assert figure.count("<tr>") == 1 + min(len(rows), plates.ROWS)
        assert f"{len(rows):,} rows" in figure
        assert re.search(r"<figcaption><p[^>]*><strong>Figure \d", figure)


def test_without_its_files_a_figure_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(plates, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r'07_cues.wide.*found 0.*ONLY="07"'):
        plates.figure("07_cues", "Figure 7.4", "", "")


def test_code_that_only_draws_is_folded_until_it_is_asked_for(pages, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto((pages / PAGE).as_uri())
    code = page.locator("details.code pre")
    assert code.count() > 3
    assert not any(each.is_visible() for each in code.all())
    page.get_by_label("Show all code").check()
    assert all(each.is_visible() for each in code.all())
    page.goto((pages / "04_comparative_study.html").as_uri())
    assert page.get_by_label("Show all code").is_checked()
    assert page.locator("details.code pre").first.is_visible()
    context.close()


def test_without_scripts_code_is_folded_and_there_is_no_switch(pages, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((pages / PAGE).as_uri())
    assert not page.locator("label.show-code").is_visible()
    assert not page.locator("details.code pre").first.is_visible()
    page.locator("details.code summary").first.click()
    assert page.locator("details.code pre").first.is_visible()
    context.close()


def test_paper_is_white_and_answers_are_unfolded_for_it(shown):
    shown.emulate_media(color_scheme="dark")
    shown.evaluate(
        """addEventListener("beforeprint", () => {
            const folded = [...document.querySelectorAll("details:not([open])")];
            window.folded = folded.map((each) => each.className);
        })"""
    )
    assert shown.pdf().startswith(b"%PDF")
    assert {*shown.evaluate("folded")} == {"code", "numbers"}
    assert shown.locator("details[open]").count() == 0
    shown.emulate_media(media="print", color_scheme="dark")
    colours = "(({ backgroundColor, color }) => [backgroundColor, color])"
    paper, ink = shown.evaluate(f"{colours}(getComputedStyle(document.body))")
    assert paper == "rgb(255, 255, 255)"
    assert ink == "rgb(29, 29, 31)"
    assert not shown.locator(".explorer input").first.is_visible()
    assert shown.locator(".explorer canvas").first.is_visible()
