"""Explorers on a phone: what stays in view, what a swipe does, what is behind More."""

import numpy as np
import pytest
from canvas_page import FEW, IMAGES, LABELS, place, said

from utils import explorers

SIZES = {"large": (390, 844), "small": (360, 640)}
MADE = {
    "noise": explorers.noise,
    "attention": explorers.attention,
    "display": explorers.display,
    "competition": explorers.competition,
}
STATUS = ".explorer-status"
ABOVE = "document.querySelector('.explorer').offsetTop"

pytestmark = pytest.mark.browser


@pytest.fixture
def open_phone(open_canvas):
    """Return a function that opens an explorer in a page with room to scroll."""

    def open_one(name="display", size="large"):
        width, height = SIZES[size]
        made = MADE[name](IMAGES[:FEW], LABELS[:FEW])
        viewport = {"width": width, "height": height}
        explorer = open_canvas(made=made, viewport=viewport, has_touch=True)
        style = "body { padding: 300px 0 2000px; }"
        explorer.page.add_style_tag(content=style)
        explorer.settle()
        return explorer

    return open_one


def scrolled(explorer):
    return explorer.page.evaluate("scrollY")


def swipe(explorer, part, across=0.5, down=0.5, steps=((0, -150),)):
    """A finger goes down in the part (shares of its size) and moves by these pixels."""
    box = part.bounding_box()
    x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
    touch = explorer.page.context.new_cdp_session(explorer.page)

    def send(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", {"x": x, "y": y})
    for right, to in steps:
        for share in np.linspace(0.1, 1, 10):
            send("touchMove", {"x": x + share * right, "y": y + share * to})
            explorer.settle()
    send("touchEnd")
    explorer.settle()


def values(explorer):
    return explorer.root.evaluate(
        "root => [...root.querySelectorAll('input, select')].map(({ value }) => value)"
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MADE)
def test_picture_and_answer_stay_in_view_at_every_control(name, size, open_phone):
    explorer = open_phone(name, size)
    width, height = SIZES[size]
    for control in explorer.part(".explorer-control:visible").all():
        control.evaluate("each => each.scrollIntoView({ block: 'end' })")
        picture, status, moved = (
            each.bounding_box()
            for each in (*map(explorer.part, (".explorer-image", STATUS)), control)
        )
        ends = [each["y"] + each["height"] for each in (status, moved)]
        assert 0 <= picture["y"] < status["y"] < ends[0] <= moved["y"]
        assert ends[1] <= height + 1
        assert picture["width"] < width


@pytest.mark.parametrize("part", [".noise-slider input >> nth=0", "canvas"])
def test_a_swipe_scrolls_and_changes_nothing(part, open_phone):
    explorer = open_phone("noise")
    explorer.page.evaluate(f"scrollTo(0, {ABOVE} - 200)")
    before, from_ = values(explorer), scrolled(explorer)
    picture = explorer.pixels()
    swipe(explorer, explorer.part(part).first, across=0.8, steps=[(9, -150)])
    assert scrolled(explorer) > from_ + 80
    assert values(explorer) == before
    assert explorer.pixels() == picture


def test_a_finger_along_a_slider_moves_it_and_not_the_page(open_phone):
    explorer = open_phone("noise")
    explorer.page.evaluate(f"scrollTo(0, {ABOVE} - 200)")
    before, from_ = values(explorer), scrolled(explorer)
    swipe(explorer, explorer.slider("noise-slider"), across=0.2, steps=[(60, 3)])
    assert values(explorer) != before
    assert scrolled(explorer) == from_


def test_a_swipe_beside_the_digit_scrolls_and_a_touch_moves_it_there(open_phone):
    explorer = open_phone()
    explorer.page.evaluate(f"scrollTo(0, {ABOVE} - 200)")
    handle, corner = explorer.part(".explorer-handle"), place(explorer)
    row, col = corner
    assert row < 20 < col + 14  # the lower left of the display is free
    from_ = scrolled(explorer)
    swipe(explorer, handle, across=0.05, down=0.9, steps=[(3, -150)])
    assert scrolled(explorer) > from_ + 80
    assert place(explorer) == corner
    box, before = handle.bounding_box(), explorer.updates()
    spot = {"x": 0.3 * box["width"], "y": 0.75 * box["height"]}
    handle.tap(position=spot)  # in the box, once it is at rest
    explorer.wait_for_update(before)
    assert place(explorer) == pytest.approx((31, 4), abs=1)


def test_rare_controls_are_behind_more_and_keep_what_they_were_given(open_phone):
    explorer = open_phone()
    hidden = explorer.part(".fragments-slider input").first
    assert not hidden.is_visible()
    assert explorer.part(".noise-slider input").first.is_visible()
    explorer.part("summary").tap()
    hidden.press("End")
    explorer.expect("8 fragments")
    explorer.part("summary").tap()
    assert not hidden.is_visible()
    assert "8 fragments" in explorer.status()
    explorer.page.set_viewport_size({"width": 1200, "height": 900})
    hidden.wait_for()
    assert not explorer.part("summary").is_visible()
    assert said(explorer.status())["index"] == 0
