"""Explorers for readers who hear a page, use keys alone, or want less motion."""

import re

import axe
import pytest
from browser import Page
from canvas_page import FEW, IMAGES, LABELS, image
from shown import all_three

from utils import explorers
from utils.spec import RunSpec

PAPER = """:root { color-scheme: light dark; background: #ffffff; }
@media (prefers-color-scheme: dark) { :root { background: #17181a; } }"""
CORNER = """canvas => {
    const copy = new OffscreenCanvas(1, 1).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""
MADE = {
    "noise": {},
    "attention": {},
    "display": {},
    "competition": {},
    "observer": {"networks": {"control": {60: 0.75, 120: 0.6}}},
    "learning": {"run": RunSpec("energy")},
    "inside": {},
}
RUNS = {"networks": [[0.7, 0.8], [0.5, 0.6]]}

pytestmark = pytest.mark.browser


@pytest.fixture
def attention(open_canvas):
    return open_canvas(made=explorers.attention(IMAGES[:FEW], LABELS[:FEW]))


def test_each_explorer_is_a_region_with_a_heading_below_the_one_before(
    browser, tmp_path
):
    path = tmp_path / "page.html"
    first, second, third = (each.html() for each in all_three())
    text = f"<h1>One</h1>{first}<h2>Two</h2><h3>Three</h3>{second}{third}"
    path.write_text(f"<!doctype html>{text}", "utf-8")
    page = Page(browser, path)
    page.explorers(3)
    for level, name in (
        (2, "Noise on a digit"),
        (4, "Where a network looks"),
        (4, "The runs of a study"),
    ):
        region = page.page.get_by_role("region", name=name, exact=True)
        assert region.get_by_role("heading", name=name, level=level).count() == 1
    page.close()


def test_the_status_says_where_the_highest_gain_lies(open_canvas):
    explorer = open_canvas()
    explorer.type("noise-slider", 0)
    explorer.expect("The highest gain, ", ", lies on the digit")
    explorer.choose("cue-select", "marks the other place")
    explorer.expect("lies beside the digit, at row")
    found = re.search(
        r"beside the digit, at row (\d+), column (\d+)", explorer.status()
    )
    row, col = (int(each) for each in found.groups())
    around = image(explorer)[row - 1 : row + 3, col - 1 : col + 3]
    assert around.shape == (4, 4)
    assert not around.any()


def test_a_flat_map_is_called_flat(attention):
    for kind, gain in (("as_coded (published)", "0.07"), ("ones (control)", "1.00")):
        attention.choose("attention-select", kind)
        attention.expect(f"The gain is {gain} at every place")


def test_a_digit_is_drawn_with_keys_alone(attention):
    pad = attention.part(".explorer-pad canvas")
    press = attention.page.keyboard.press
    pad.focus()
    before, top = attention.updates(), attention.page.evaluate("scrollY")
    for key in ("ArrowDown", "ArrowUp"):  # the pen is up
        press(key)
    attention.settle()
    assert attention.updates() == before
    press("Space")
    for _ in range(12):
        press("ArrowDown")
    press("Enter")
    press("ArrowRight")
    attention.expect("your drawing", "with the map 1 ")  # a stroke is a one
    press("Backspace")
    attention.expect("digit 0 (label 7)")
    assert attention.page.evaluate("scrollY") == top
    for word in ("Arrow keys", "Space", "Backspace"):
        assert word in pad.get_attribute("aria-label")


@pytest.mark.parametrize("made", [explorers.attention, explorers.display])
def test_where_less_motion_is_asked_for_a_hundred_images_make_ten_pictures(
    made, open_canvas
):
    scores = []
    for motion in ("no-preference", "reduce"):
        explorer = open_canvas(
            made=made(IMAGES[:FEW], LABELS[:FEW]), reduced_motion=motion
        )
        before = explorer.page.evaluate("[statuses.length, performance.now()]")
        explorer.press("play-100")
        explorer.expect("right of 100", seconds=30)
        after = explorer.page.evaluate("[statuses.length, performance.now()]")
        pictures, seconds = (b - a for a, b in zip(before, after, strict=True))
        assert (pictures == 10) == (motion == "reduce")
        assert motion != "reduce" or pictures / (seconds / 1000) < 3
        explorer.page.wait_for_timeout(1000)
        scores.append(explorer.status().partition("Score")[2])
    assert scores[0] == scores[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_an_explorer(scheme, open_canvas):
    study = all_three()[-1]
    made = [getattr(explorers, x)(IMAGES, LABELS, **how) for x, how in MADE.items()]
    made.append(explorers.prediction("accuracy", RUNS, (0, 80), xlabel="noise"))
    for each in (study, *made):
        assert each.description["data"]["title"]
        size = {"width": 390, "height": 844}
        explorer = open_canvas(made=each, viewport=size, color_scheme=scheme)
        explorer.page.add_style_tag(content=PAPER)
        explorer.root.evaluate(
            "root => root.querySelectorAll('details').forEach((x) => (x.open = true))"
        )
        assert axe.found(explorer.page, ".explorer") == []


def test_on_paper_an_explorer_is_light(open_canvas):
    made = explorers.noise(IMAGES[:FEW], LABELS[:FEW])
    explorer = open_canvas(made=made, color_scheme="dark")
    paper = ":root { --jp-layout-color0: #17181a; }"
    explorer.page.add_style_tag(content=paper)
    papers = []
    for event in ("beforeprint", "afterprint"):
        explorer.page.evaluate(f"dispatchEvent(new Event('{event}'))")
        papers.append(explorer.part("canvas").first.evaluate(CORNER))
    assert papers == [[255, 255, 255], [23, 24, 26]]
