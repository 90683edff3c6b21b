"""A digit that a reader moves about, views/canvas.js, in Chromium."""

import re

import numpy as np
import pytest
from browser import PHONE
from canvas_page import (
    CANVAS,
    FEW,
    LABELS,
    canvas_with,
    check_alone,
    image,
    place,
    without_noise,
)

pytestmark = pytest.mark.browser


def test_the_mouse_drags_the_digit_as_far_as_it_goes(open_canvas):
    explorer = open_canvas()
    without_noise(explorer)
    row, col = place(explorer)
    handle, mouse = explorer.part(".explorer-handle"), explorer.page.mouse
    box = handle.bounding_box()
    pixel = box["width"] / CANVAS[1]
    x, y = box["x"] + (col + 14) * pixel, box["y"] + (row + 14) * pixel
    mouse.move(x, y)
    mouse.down()
    for down, right in ((0, 0), (3, -5), (9, 4)):
        mouse.move(x + right * pixel, y + down * pixel, steps=5)
        explorer.settle()
        assert place(explorer) == (row + down, col + right)
        check_alone(explorer)
    mouse.move(x + 500, y - 500)
    explorer.settle()
    assert place(explorer) == (0, 32)
    mouse.up()
    mouse.move(x, y)
    explorer.settle()
    assert place(explorer) == (0, 32)
    mouse.click(box["x"] + 20 * pixel, box["y"] + 40 * pixel)  # beside it
    explorer.settle()
    assert place(explorer) == (26, 6)
    check_alone(explorer)


def test_arrow_keys_move_the_digit(open_canvas):
    explorer = open_canvas()
    without_noise(explorer)
    explorer.part(".second-select select").focus()
    explorer.page.keyboard.press("Tab")
    assert explorer.page.evaluate("document.activeElement.className").endswith("handle")
    row, col = place(explorer)
    for key, step in (
        ("ArrowUp", (-1, 0)),
        ("ArrowLeft", (-1, -1)),
        ("ArrowDown", (0, -1)),
        ("ArrowRight", (0, 0)),
    ):
        explorer.page.keyboard.press(key)
        explorer.settle()
        assert place(explorer) == (row + step[0], col + step[1])
        check_alone(explorer)
    for _ in range(CANVAS[0]):
        explorer.page.keyboard.press("ArrowUp")
    explorer.settle()
    assert place(explorer) == (0, col)


def test_a_finger_drags_the_digit_and_not_the_page(open_canvas):
    explorer = open_canvas(**PHONE)
    page = explorer.page
    explorer.part(".explorer-handle").scroll_into_view_if_needed()
    row, col = place(explorer)
    box = explorer.part(".explorer-handle").bounding_box()
    pixel = box["width"] / CANVAS[1]
    x, y = box["x"] + (col + 14) * pixel, box["y"] + (row + 14) * pixel
    scrolled = page.evaluate("[scrollX, scrollY]")
    touch = page.context.new_cdp_session(page)
    for kind, steps in (
        ("touchStart", [0]),
        ("touchMove", [2, 5, 8]),
        ("touchEnd", []),
    ):
        for down in steps or [None]:
            points = [] if down is None else [{"x": x, "y": y + down * pixel}]
            touch.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
            )
    explorer.settle()
    assert place(explorer) == (row + 8, col)
    assert page.evaluate("[scrollX, scrollY]") == scrolled
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_condition_changes_what_it_names_and_nothing_else(open_canvas):
    explorer = open_canvas()
    noisy = {}
    for typed in (120, 60, 0):
        explorer.type("noise-slider", typed)
        explorer.expect(f"noise {typed}:")
        noisy[typed] = image(explorer)
    np.testing.assert_allclose(
        noisy[120] - noisy[0], 2 * (noisy[60] - noisy[0]), atol=1e-3
    )
    assert (noisy[120] - noisy[0]).std() == pytest.approx(120, rel=0.05)
    check_alone(explorer)
    shown = noisy[0]
    for count in range(1, 9):
        explorer.slider("fragments-slider").press("ArrowRight")
        explorer.expect(f"{count} fragment")
        more = image(explorer)
        rows, cols = np.nonzero(more != shown)
        assert (more >= shown).all()
        if len(rows):
            assert max(np.ptp(rows), np.ptp(cols)) < 8
        shown = more
    assert shown.sum() > noisy[0].sum()
    explorer.slider("fragments-slider").press("Home")
    explorer.choose("second-select", "one")
    explorer.expect("a second digit")
    label = int(re.search(r"second digit \((\d)\)", explorer.status())[1])
    assert any(
        np.array_equal(np.maximum(noisy[0], canvas_with(index, (row, col))), both)
        for both in [image(explorer)]
        for index in np.flatnonzero(LABELS[:FEW] == label)
        for row in range(33)
        for col in range(33)
    )
    explorer.choose("second-select", "none")
    before = place(explorer)
    explorer.press("fresh-draw")
    explorer.settle()
    assert place(explorer) != before
    check_alone(explorer)
