"""The site, as a reader has it: pages from a disk, in real browsers, offline."""

import os
import re
import shutil
import time
from pathlib import Path

import nbformat
import pytest
from browser import Page
from firefox import Firefox, executable

from utils.tools import notebooks, site
from utils.tools.markdown import anchor, html_of

NAMES = ["index", *(path.stem for path in notebooks.paths())]
LARGEST = 2_500_000  # bytes of a page
OUTLINE = """[...document.querySelectorAll("main :is(h1, h2, h3, h4)")]
    .map((each) => Number(each.tagName[1]))"""
NAMELESS = """[...document.querySelectorAll("input, select, button, canvas, nav, a")]
    .filter((each) => !(each.labels?.length || each.getAttribute("aria-label")
        || each.textContent.trim() || each.ariaHidden === "true"))
    .map((each) => each.outerHTML.slice(0, 200))"""
READABLE = (Path(__file__).parents[1] / "readable.js").read_text("utf-8")


def check(name):
    """An expression for a page: what is wrong with it (readable.js)."""
    return (
        "(() => { document.querySelectorAll('details').forEach((x) => (x.open = true));"
        f"{READABLE}\nreturn {name}(); }})()"
    )


def test_there_is_a_page_for_each_notebook_of_a_size_for_a_phone(pages):
    assert {path.stem for path in pages.glob("*.html")} == {*NAMES}
    for path in pages.rglob("*.html"):
        assert 50_000 < path.stat().st_size < LARGEST, path.name


@pytest.fixture(scope="module", params=NAMES)
def phone(request, pages, browser):
    """A page on a phone, once its explorers have drawn something."""
    size = {"width": 400, "height": 800}
    page = Page(browser, pages / f"{request.param}.html", viewport=size)
    page.explorers(page.page.locator(".explorer").count())
    yield page
    assert page.problems == []
    assert page.refused == []
    page.close()


def test_a_page_is_whole_quiet_and_asks_nobody(phone):
    """Quiet also in what the next test does."""
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    outline = page.evaluate(OUTLINE)
    assert outline[0] == 1
    assert outline.count(1) == 1
    steps = zip(outline[1:], outline, strict=False)
    assert all(deeper - level <= 1 for deeper, level in steps)
    images = page.locator("main img").all()
    assert all(len(each.get_attribute("alt") or "") > 20 for each in images)
    assert page.evaluate(NAMELESS) == []
    text = page.locator("main").inner_text()
    assert not re.search(r"\$[^$\n]*[\\_^{][^$\n]*\$", text)  # a formula left as it was
    assert phone.problems == []
    assert phone.refused == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_is_folded_can_be_read_on_a_phone(scheme, phone):
    phone.page.emulate_media(color_scheme=scheme)
    paper, ink = (
        phone.page.evaluate(f"getComputedStyle(document.body).{name}.match(/\\d+/g)[0]")
        for name in ("backgroundColor", "color")
    )
    assert (int(paper) > int(ink)) == (scheme == "light")
    for what in ("wide", "faint", "unreadable"):
        assert phone.page.evaluate(check(what)) == [], what


def test_each_finding_leads_to_the_claims_that_it_rests_on(pages):
    comments = site.SOURCE.findall(site.README.read_text("utf-8"))
    sources = [x for each in comments for x in " ".join(each.split()).split("; ")]
    index = (pages / "index.html").read_text("utf-8")
    assert index.count('<div class="claim">') == len(sources) > 5
    for number, key in (each.split(": ", 1) for each in sources):
        (name,) = (name for name in NAMES if name.startswith(number))
        notebook = nbformat.read(notebooks.NOTEBOOKS / f"{name}.ipynb", as_version=4)
        sentence = notebooks.claims(notebook)[key]
        assert html_of(sentence).strip() in index
        place = anchor(f"claim {key}")
        assert f'href="{name}.html#{place}"' in index
        assert (pages / f"{name}.html").read_text("utf-8").count(f'id="{place}"') == 1


def test_a_finding_without_its_claim_is_refused(tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    text = site.README.read_text("utf-8")
    readme.write_text(site.SOURCE.sub("<!-- 05: speed -->", text, count=1), "utf-8")
    monkeypatch.setattr(site, "README", readme)
    assert site.main(["--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "a claim 'speed' of notebook 05" in said
    assert 'make notebooks ONLY="05"' in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", NAMES[1:])
def test_sections_are_listed_and_lead_to_their_place(name, pages, browser):
    page = Page(browser, pages / f"{name}.html")
    page.page.get_by_text("In this notebook", exact=True).click()
    links = page.page.locator("main details").first.locator("a")
    assert links.count() == page.page.locator("main h2").count() > 3
    for link in links.all():
        place = page.page.locator(f"[id='{link.get_attribute('href')[1:]}']")
        assert place.inner_text() == link.inner_text()
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
        stem = link.rsplit("/", 1)[1].partition(".html")[0]
        assert link.startswith("http") or stem in NAMES or "/explorers/" in link
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
    page.page.keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.textContent") == "Play 100"
    page.page.keyboard.press("Enter")
    explorer.expect("right of 100", seconds=30)
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("End")
    explorer.expect("noise 240:")
    assert page.problems == []
    page.close()


def add_a_cell(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("1 + 1"))


def clear_outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


@pytest.mark.parametrize("change", [add_a_cell, clear_outputs])
def test_a_notebook_whose_outputs_are_not_those_of_its_code_is_refused(
    change, tmp_path, monkeypatch, capsys
):
    first, second, *_ = notebooks.paths()
    shutil.copy(first, tmp_path)
    changed = nbformat.read(second, as_version=4)
    change(changed)
    nbformat.write(changed, tmp_path / second.name)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    assert site.main(["--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert second.name in said
    assert 'make notebooks ONLY="02"' in said
    assert not (tmp_path / "out").exists()


def test_copies_of_a_notebook_are_left_out_or_refused(tmp_path, monkeypatch, capsys):
    first, *_ = notebooks.paths()
    for name in (first.name, f"{first.stem}-Copy1.ipynb", "01 - Copy1.ipynb"):
        shutil.copy(first, tmp_path / name)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    assert [path.name for path in notebooks.paths()] == [first.name]
    shutil.copy(first, tmp_path / "01_old.ipynb")
    assert site.main(["--out", str(tmp_path / "out")]) == 1
    assert "01_old.ipynb and 01_data_and_noise.ipynb" in capsys.readouterr().err


# ---- in Firefox

UNFOLD = """document.querySelectorAll(".explorer details")
    .forEach((each) => (each.open = true))"""
SELECTS = """[...document.querySelectorAll(".explorer select:enabled")]
    .map((each, i) => ((each.id ||= `select-${i}`), each.id))"""
SLIDERS = """[...document.querySelectorAll(".explorer input[type=range]:enabled")]
    .map((each, i) => ((each.id ||= `slider-${i}`), each.id))"""
BOX = """(() => {{
    const each = document.querySelector({!r});
    each.scrollIntoView({{ block: "center" }});
    const {{ x, y, width, height }} = each.getBoundingClientRect();
    return [x, y, width, height];
}})()"""


@pytest.fixture(params=["light", "dark"])
def firefox(request, tmp_path):
    if executable() is None:
        remedy = "No Firefox found: on Debian, apt-get install firefox-esr."
        if os.environ.get("CI"):
            pytest.fail(remedy)
        pytest.skip(remedy)
    running = Firefox(tmp_path, request.param)
    yield running
    running.close()


def wait_for(firefox, expression, seconds=20):
    end = time.monotonic() + seconds
    while not firefox.evaluate(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.05)


def test_in_firefox_every_control_moves(firefox, pages):
    for name in NAMES:
        firefox.show(pages / f"{name}.html", width=400, height=800)
        assert firefox.evaluate("document.documentElement.scrollWidth") <= 400
        count = firefox.evaluate("document.querySelectorAll('.explorer').length")
        drawn = "document.querySelectorAll('.explorer-status[data-update]').length"
        wait_for(firefox, f"{drawn} === {count}")
        for slider in firefox.evaluate(SLIDERS):
            firefox.evaluate(UNFOLD)  # a page folds rare controls when it is laid out
            where = f"document.getElementById({slider!r})"
            if firefox.evaluate(f"{where}.disabled"):
                continue  # as of another slider's value
            for key, end in (("End", "max"), ("Home", "min")):
                firefox.evaluate(f"{where}.focus()")
                firefox.press(key)
                wait_for(firefox, f"{where}.value === {where}.{end}")
        for select in firefox.evaluate(SELECTS):
            firefox.evaluate(UNFOLD)
            where = f"document.getElementById({select!r})"
            for key, end in (("End", f"{where}.length - 1"), ("Home", "0")):
                firefox.evaluate(f"{where}.focus()")
                firefox.press(key)
                wait_for(firefox, f"{where}.selectedIndex === {end}")
        assert firefox.evaluate("document.querySelector('.explorer-problem')") is None
        for what in ("wide", "faint", "unreadable"):
            assert firefox.evaluate(check(what)) == [], (name, what)
    assert firefox.said == []
    assert [each for each in firefox.asked if not each.startswith("data:")] == []


def test_in_firefox_a_digit_is_drawn_and_a_value_typed(firefox, pages):
    firefox.show(pages / "03_seeing_attention.html")
    explorer = ".explorer:has(.explorer-pad)"
    status = f"document.querySelector('{explorer} .explorer-status')?.textContent"
    wait_for(firefox, f"/digit 0/.test({status})")
    for pointer in ("mouse", "touch"):
        x, y, width, height = firefox.evaluate(BOX.format(".explorer-pad canvas"))
        stroke = [(x + share * width, y + 0.3 * height) for share in (0.3, 0.5, 0.7)]
        firefox.drag(*stroke, (x + 0.4 * width, y + 0.8 * height), pointer=pointer)
        wait_for(firefox, f"/your drawing/.test({status})")
        firefox.evaluate("document.querySelector('.explorer-pad button').click()")
        wait_for(firefox, f"!/your drawing/.test({status})")
    number = f"{explorer} .noise-slider .explorer-number"
    firefox.evaluate(f"document.querySelector('{number}').focus()")
    firefox.evaluate("document.activeElement.select()")
    firefox.press(*"64", "Enter")
    wait_for(firefox, f"/noise 64.0/.test({status})")
    assert firefox.said == []


@pytest.mark.slow
@pytest.mark.parametrize("firefox", ["light"], indirect=True)
def test_in_firefox_networks_learn_while_the_page_is_left_alone(firefox, pages):
    firefox.show(pages / "04_comparative_study.html")
    learner = ".explorer:has(.learn-button)"
    status = f"document.querySelector('{learner} .explorer-status').textContent"
    wait_for(firefox, f"/press Learn/.test({status})")
    firefox.evaluate(
        f"document.querySelector('{learner} .learn-button button').click()"
    )
    counts = []
    for _ in range(4):
        time.sleep(15)
        counts.append(int(re.search(r"(\d+) updates", firefox.evaluate(status))[1]))
    assert counts == sorted({*counts})
    assert firefox.said == []
