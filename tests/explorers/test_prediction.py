"""Predictions of curves and of answers: dragged, picked, shown and taken back."""

import json
import re

import numpy as np
import pytest
from browser import PHONE, Notebook, check_quiet, write_notebook
from traitlets import TraitError

from utils import explorers
from utils.estimate import Estimate
from utils.inference import paired_difference

NOISE = (0, 60, 120, 240)
RNG = np.random.default_rng(0)
RUNS = {
    "control": [mean + 0.05 * RNG.normal(size=8) for mean in (0.8, 0.75, 0.6, 0.3)],
    "attended": [[0.9, 0.94], [0.86, 0.9], [0.7, 0.8], [0.2, 0.3]],
}
ANSWERS = {
    "the rate": Estimate(-8.0, -11.0, -4.0, unit="points", basis="20 pairs"),
    "both": Estimate(20.0, 15.0, 26.0, unit="points", basis="20 pairs"),
}
START = [0.55] * 4 + [0.45] * 4  # of two curves, so that no point hides another
LAB = """
from utils import explorers
runs = {"control": [[0.9, 0.8], [0.5, 0.4]]}
explorer = explorers.prediction("accuracy", runs, (0, 60), xlabel="noise SD")
explorer
"""

pytestmark = pytest.mark.browser


def curves():
    return explorers.prediction("accuracy", RUNS, NOISE, xlabel="noise SD")


def pick():
    return explorers.prediction("points above the control", ANSWERS)


def interval(name, point):
    """What the page must say of a point's runs, as Python computes it."""
    runs = RUNS[name][point]
    mean, low, high = paired_difference(runs, np.zeros(len(runs)))[:3]
    return f"{mean:.2f} (95% interval {low:.2f} to {high:.2f})"


# --- In a page ---------------------------------------------------------------------


@pytest.fixture
def opened(open_alone):
    """Return a function that shows a prediction in a page with room to scroll."""
    room = "<div style='height: 3000px'>"
    return lambda made, **context: open_alone(made, after=room, **context)


def points(explorer):
    """What the reader says at each point, as a screen reader hears it."""
    explorer.settle()
    sliders = explorer.part(".explorer-point").get_by_role("slider").all()
    return [float(each.input_value()) for each in sliders]


def point(explorer, name):
    return explorer.root.get_by_role("slider", name=name, exact=True)


def centre(explorer, name):
    box = point(explorer, name).locator("..").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_keys_alone_make_a_prediction_and_show_the_records(opened):
    explorer = opened(curves())
    keyboard = explorer.page.keyboard
    keyboard.press("Tab")  # the button, which comes before the points
    keyboard.press("Tab")
    for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowRight"):
        keyboard.press(key)
    keyboard.press("Tab")
    keyboard.press("Home")
    keyboard.press("Tab")
    keyboard.press("End")
    assert points(explorer) == [0.57, 0, 1, 0.55, *START[4:]]
    focused = point(explorer, "control, noise SD 120")
    assert focused.evaluate("each => each === document.activeElement")
    assert focused.evaluate("each => each.ariaValueText") == "1.00"
    for _ in range(3):
        keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    explorer.expect("You said 0.00 for control, noise SD 60, and the records show")
    assert interval("control", 1) in explorer.status()


def test_the_status_says_the_largest_gap_and_the_mean_gap(opened):
    explorer = opened(curves())
    point(explorer, "attended, noise SD 240").press("Home")
    explorer.press("show-button")
    explorer.expect("your largest gap")
    means = np.concatenate([np.mean(runs, 1) for runs in RUNS.values()])
    gaps = np.abs(means - [*START[:-1], 0])
    largest = f"for attended, noise SD {NOISE[gaps.argmax() % 4]}, and the records show"
    assert largest in explorer.status()
    assert interval("attended", gaps.argmax() % 4) in explorer.status()
    words = f"The mean gap of your 8 points is {gaps.mean():.2f}."
    assert explorer.status().endswith(words)
    for place, noise in enumerate(NOISE):  # and a selected point says its own gap
        point(explorer, f"control, noise SD {noise}").focus()
        explorer.expect(f"control, noise SD {noise}, and", interval("control", place))


def test_before_show_nothing_tells_the_records(opened):
    """Two records that differ make the same page, as seen and as heard."""
    seen = []
    for level in (0.2, 0.9):
        runs = {"control": [[level, level + 0.05], [level, level]]}
        explorer = opened(explorers.prediction("accuracy", runs, (0, 60)))
        html = explorer.root.evaluate("root => root.outerHTML")
        html = re.sub(r'data-(explorer|ms)="[\w.]+"', "", html)
        seen.append((html, explorer.pixels()))
    assert seen[0] == seen[1]


def test_points_are_dragged_by_the_mouse(opened):
    explorer = opened(curves())
    mouse = explorer.page.mouse
    for noise, up in ((0, 46), (60, -1000), (120, 1000)):  # 46 is a fifth of the axis
        x, y = centre(explorer, f"control, noise SD {noise}")
        mouse.move(x, y)
        mouse.down()
        mouse.move(x, y - up, steps=8)
        mouse.up()
    first, *others = points(explorer)
    assert first == pytest.approx(0.75, abs=0.02)
    assert others == [0, 1, 0.55, *START[4:]]


def test_a_press_on_a_point_does_not_move_it(opened):
    explorer = opened(curves())
    x, y = centre(explorer, "control, noise SD 0")
    explorer.page.mouse.move(x + 9, y + 9)
    explorer.page.mouse.down()
    explorer.page.mouse.move(x + 4, y + 9)
    explorer.page.mouse.up()
    assert points(explorer) == START
    explorer.press("show-button")
    explorer.expect("You moved no point")


def test_again_takes_the_prediction_back(opened):
    explorer = opened(curves())
    begins = explorer.pixels()
    point(explorer, "control, noise SD 0").press("End")
    explorer.press("show-button")
    explorer.expect("You said")
    button = explorer.part(".show-button button")
    assert button.inner_text() == "Again"
    point(explorer, "control, noise SD 0").press("Home")  # too late
    assert points(explorer)[0] == 1
    button.press("Enter")
    explorer.expect("Drag the points")
    button.blur()
    assert points(explorer) == START
    assert explorer.pixels() == begins
    assert button.inner_text() == "Show"


def test_the_records_can_be_shown_without_a_prediction(opened):
    explorer = opened(curves())
    before = explorer.pixels()
    explorer.press("show-button")
    explorer.expect("You moved no point. For control, noise SD 0, the records show")
    assert interval("control", 0) in explorer.status()
    assert explorer.pixels() != before
    point(explorer, "attended, noise SD 240").focus()
    explorer.expect("You moved no point.", interval("attended", 3))


def test_a_finger_drags_a_point_and_scrolls_beside_it(opened):
    explorer = opened(curves(), **PHONE)
    page = explorer.page
    fingers = page.context.new_cdp_session(page)

    def swipe(*places):
        touch = "Input.dispatchTouchEvent"
        for kind, x, y in zip(("touchStart", *["touchMove"] * 8), *places, strict=True):
            fingers.send(touch, {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        fingers.send(touch, {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(300)

    x, y = centre(explorer, "control, noise SD 0")
    up = [y - 8 * step for step in range(9)]
    swipe([x] * 9, up)
    assert points(explorer)[0] > 0.7
    assert page.evaluate("scrollY") == 0
    moved = points(explorer)
    swipe([x + 36] * 9, up)  # between two points
    assert (page.evaluate("scrollY > 20"), points(explorer)) == (True, moved)
    box = point(explorer, "control, noise SD 0").locator("..").bounding_box()
    assert min(box["width"], box["height"]) >= 24


def test_an_answer_is_picked_and_the_records_of_all_are_said(opened):
    explorer = opened(pick())
    begins = explorer.pixels()
    explorer.expect("Pick an answer")
    explorer.choose("answer-select", "the rate")
    explorer.expect('You picked "the rate". Press Show.')
    explorer.press("show-button")
    explorer.expect(
        'You picked "the rate".',
        "the rate, 8.0 points lower (95% interval 4.0 to 11.0)",
        "both, 20.0 points higher (95% interval 15.0 to 26.0)",
    )
    explorer.press("show-button")
    explorer.expect("Pick an answer")
    assert explorer.pixels() == begins
    explorer.press("show-button")
    explorer.expect("You picked no answer. The records show: the rate, 8.0 points")


# --- Beside a kernel ---------------------------------------------------------------


def test_python_reads_and_sets_the_prediction(lab, browser):
    write_notebook(lab.notebooks / "prediction.ipynb", [LAB])
    notebook = Notebook(browser, lab, "prediction.ipynb")
    notebook.run()
    (explorer,) = notebook.explorers()
    point(explorer, "noise SD 0").press("End")
    explorer.press("show-button")
    explorer.expect("You said 1.00 for noise SD 0, and the records show 0.85")
    notebook.page.wait_for_timeout(500)
    assert notebook.python("explorer.answer, explorer.show") == ([1, 0.5], 1)
    notebook.python("explorer.set_trait('show', 2)")
    explorer.expect("Drag the points")
    notebook.python("explorer.set_trait('answer', [0.25, 0.75])")
    explorer.page.wait_for_function(
        "document.querySelector('.explorer-point input').value === '0.25'"
    )
    assert points(explorer) == [0.25, 0.75]
    check_quiet(notebook, lab)
    notebook.close()


# --- Python ------------------------------------------------------------------------


def test_a_page_begins_with_the_prediction_that_python_has():
    explorer = curves()
    explorer.answer = [0.5] * 8
    (text,) = re.findall(r"mount\(root, (\{.*)\);", explorer.html())
    answer, show = json.loads(text)["columns"][0]
    assert (answer["value"], show["value"]) == ([0.5] * 8, 0)
    with pytest.raises(TraitError, match="one of '', 'the rate', 'both'"):
        pick().answer = "neither"


@pytest.mark.parametrize(
    ("ylim", "step"), [((0, 1), 0.01), ((0, 12), 0.1), ((0, 60), 1), ((-5, 5), 0.1)]
)
def test_an_axis_has_steps_that_a_hand_can_tell_apart(ylim, step):
    made = explorers.prediction("gain", {"map": [[1, 1]]}, [1], ylim=ylim)
    scale = made.description["data"]["scale"]
    assert (scale["min"], scale["max"], scale["step"]) == (*ylim, step)


def test_records_of_another_form_are_refused():
    one_run, nothing = [[0.8]] * 4, [[0.8, np.nan]] * 4
    for runs in (np.ones((8, 3)), [0.8, 0.7, 0.6, 0.3], one_run, nothing):
        words = f"4 points of 'control', 2 or more.* {len(runs)} of shapes "
        words += re.escape(", ".join(f"{np.shape(each)}" for each in runs))
        with pytest.raises(ValueError, match=words):
            explorers.prediction("accuracy", {"control": runs}, NOISE)
    cases = (RUNS, NOISE, (1, 0)), (RUNS, [], (0, 1)), ({}, NOISE, (0, 1))
    for records, x, ylim in cases:
        words = f"Received ylim {ylim}, {len(x)} and {len(records)}."
        with pytest.raises(ValueError, match=re.escape(words)):
            explorers.prediction("accuracy", records, x, ylim=ylim)
    for answer in (0.3, Estimate(0.3)):
        with pytest.raises(ValueError, match="with an interval for the answer 'both'"):
            explorers.prediction("points", ANSWERS | {"both": answer})
    with pytest.raises(ValueError, match=r"2 answers or more\. Received \['both'\]"):
        explorers.prediction("points", {"both": ANSWERS["both"]})
