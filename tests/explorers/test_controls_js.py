"""Controls as a reader moves them: controls.js in JupyterLab and in a page alone."""

from pathlib import Path

import pytest
from browser import PHONE, Page
from shown import NAMES

from utils.attention import KINDS

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"

pytestmark = pytest.mark.browser


@pytest.fixture
def noise(place):
    return place.explorers(len(NAMES))[0]


@pytest.fixture
def attention(place):
    return place.explorers(len(NAMES))[1]


def places(explorer):
    """Where everything is, from the explorer's corner, and how large that is."""
    return explorer.root.evaluate(
        """root => {
            const corner = root.getBoundingClientRect();
            const parts = ".explorer-image, .explorer-status, .explorer-group > *";
            return [root, ...root.querySelectorAll(parts)].map((part) => {
                const box = part.getBoundingClientRect();
                return [box.x - corner.x, box.y - corner.y, box.width, box.height];
            });
        }"""
    )


def move(explorer, name):
    """A slider to both ends, by keys and by a drag."""
    pictures = {}
    for key in ("Home", "ArrowRight", "PageUp", "ArrowLeft", "PageDown", "End"):
        explorer.slider(name).press(key)
        explorer.settle()
        pictures[key] = explorer.pixels()
    assert pictures["Home"] != pictures["End"]
    for end, key in ((0, "Home"), (1, "End")):
        before = explorer.updates()
        explorer.drag(name, end)
        explorer.settle()
        assert explorer.updates() > before
        assert explorer.pixels() == pictures[key]
        assert "Error" not in explorer.status()


def choose(explorer, select):
    """Each option, the first one last."""
    first, *others = select.locator("option").all_inner_texts()
    for name in [*others, first]:
        before = explorer.updates()
        select.select_option(label=name)
        explorer.wait_for_update(before)
        assert not explorer.part(".explorer-problem").count()


@pytest.mark.parametrize("which", range(len(NAMES)), ids=NAMES)
def test_every_control_moves_the_picture_and_not_the_page(place, which):
    explorer = place.explorers(len(NAMES))[which]
    before = places(explorer)
    for name in explorer.sliders():
        move(explorer, name)
    for select in explorer.part("select").all():
        choose(explorer, select)
    assert places(explorer) == before
    assert not which or explorer.sliders()


def test_controls_without_effect_are_off(attention):
    for name in ("digit-slider", "noise-slider"):
        attention.slider(name).press("Home")
    always = {"digit-slider", "noise-slider"}
    for kind, own in (
        (KINDS["as_coded"].label, set()),
        (KINDS["top_n"].label, {"strength-slider", "top-n-slider"}),
        (KINDS["normalised"].label, {"strength-slider", "sigma-slider"}),
        (KINDS["energy"].label, {"strength-slider"}),
    ):
        attention.choose("attention-select", kind)
        attention.expect(kind.replace("N ", "").rstrip("s"))
        assert set(attention.sliders()) == always | own
        for name in own - {"strength-slider"}:
            move(attention, name)


def test_the_level_keeps_its_share_of_another_noise(noise):
    noise.type("noise-slider", 64)
    noise.expect("noise 64.0")
    for kind, level, unit in (
        ("Salt and pepper", "0.50", "share of pixels"),
        ("Contrast reduction", "0.50", "share of contrast removed"),
        ("Gaussian noise", "64.0", "SD in grey levels"),
    ):
        noise.choose("noise-select", kind)
        noise.expect(f"noise {level}")
        assert unit in noise.part(".noise-slider label").inner_text()
        assert noise.part(".noise-slider .explorer-number").input_value() == level


def test_a_number_typed_past_the_end_says_which_is_shown(noise):
    for typed, shown, words in (
        ("123456", "digit 499", "123456 is not from 0 to 499"),
        ("-3", "digit 0", "-3 is not from 0 to 499"),
        ("seven", "digit 0", '"seven" is not a number'),
        ("17", "digit 17", ""),
    ):
        noise.type("digit-slider", typed)
        noise.settle()
        assert shown in noise.status()
        assert words in noise.status()
    assert "is not" not in noise.status()


def test_it_works_on_a_phone(browser, html):
    """400 pixels wide, by touch: nothing sticks out, everything moves."""
    page = Page(browser, html / "light.html", **PHONE)
    shown = page.explorers(len(NAMES))
    for explorer in shown:
        assert explorer.part("canvas").first.bounding_box()["width"] < 400
        before, drawn = explorer.pixels(), explorer.updates()
        explorer.slider(explorer.sliders()[0]).scroll_into_view_if_needed()
        box = explorer.slider(explorer.sliders()[0]).bounding_box()
        page.page.touchscreen.tap(box["x"] + box["width"] / 3, box["y"] + 8)
        explorer.wait_for_update(drawn)
        assert explorer.pixels() != before
    pad = shown[1].part(".explorer-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.page.touchscreen.tap(box["x"] + 100, box["y"] + 100)
    shown[1].expect("your drawing")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.problems == []
    page.close()


# ---- for people


def test_screenshots_for_people(browser, in_lab, html):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    wide = {"viewport": {"width": 1000, "height": 900}}
    for theme in ("dark", "light"):
        in_lab.set_theme(theme)
        places = {
            "lab": in_lab,
            "page": Page(browser, html / f"{theme}.html", **wide),
            "phone": Page(browser, html / f"{theme}.html", **PHONE),
        }
        for kind, place in places.items():
            for name, explorer in zip(NAMES, place.explorers(3), strict=True):
                explorer.settle()
                path = SCREENSHOTS / f"{name}-{kind}-{theme}.png"
                explorer.root.screenshot(path=path)
        places["page"].close()
        places["phone"].close()
