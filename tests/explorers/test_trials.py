"""The reader as the observer: displays, keys and the fit, in a real Chromium.

An observer is simulated here: every digit of its page is a 3, so that it can be right
at will, as often as a psychometric function that is known says.
"""

import base64
import io
import re
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from browser import PHONE, Notebook, check_quiet, write_notebook
from test_psychometrics_js import expected

from utils import explorers
from utils.data import load_mnist
from utils.explorers.trials import LEVELS

_, (IMAGES, LABELS) = load_mnist()
THREES = IMAGES[LABELS == 3], LABELS[LABELS == 3]
NETWORKS = {"control": {0: 0.8, 60: 0.75, 120: 0.6, 240: 0.2}}
INTERVAL = r"(\d+)%? \((?:95% interval )?(\d+)%? to (\d+)"
IDEAL = {
    name: {sd: expected(threshold, 3, 0, sd) for sd in (*LEVELS, 600, 900)}
    for name, threshold in (("uncued", 200), ("cued", 400))
}
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
LAB = """
from utils import explorers
from utils.data import load_mnist
_, (images, labels) = load_mnist()
explorer = explorers.observer(images, labels)
explorer
"""

CORNERS = "corners around the digit"

pytestmark = pytest.mark.browser


# ---- the page


@pytest.fixture
def opened(open_alone):
    """Return a function that shows an observer in a page without a kernel."""
    return lambda images, labels, **context: open_alone(
        explorers.observer(images, labels, NETWORKS, {"control": 8}, IDEAL), **context
    )


def trial(explorer):
    """Number and noise SD of the display that is shown."""
    found = re.search(r"trial (\d+), noise of SD (\d+)", explorer.status())
    return int(found[1]), int(found[2])


def press(explorer, digit):
    before = explorer.updates()
    explorer.page.keyboard.press(str(digit))
    explorer.wait_for_update(before)


def watch(explorer, threshold, trials, seed):
    """Answer as an observer of that threshold does; levels, and what was right."""
    rng, seen = np.random.default_rng(seed), []
    explorer.part("canvas").click()
    for _ in range(trials):
        level = trial(explorer)[1]
        right = bool(rng.random() < expected(threshold, 3, 0.02, level))
        press(explorer, 3 if right else rng.choice([0, 1, 2, 4, 5, 6, 7, 8, 9]))
        said = "the last was a 3: right" if right else "the last was a 3: wrong, you"
        assert said in explorer.status()
        seen.append((level, right))
    return np.array(seen)


def thresholds(explorer):
    return re.findall(r"your threshold (\w+) \w+ cue: SD (\d+)", explorer.status())


def test_an_observer_s_threshold_is_found_with_and_without_a_cue(opened):
    explorer = opened(*THREES)
    assert trial(explorer)[0] == 1
    for cue, threshold in (("none", 100), (CORNERS, 200)):
        explorer.choose("cue-select", cue)
        seen = watch(explorer, threshold, 120, seed=threshold)
        blocks = seen[:, 0].reshape(-1, len(LEVELS))
        if cue == CORNERS:  # the display that the cue replaced had a level of its own
            blocks = np.append(0, seen[:-1, 0]).reshape(-1, len(LEVELS))[1:]
        assert (np.sort(blocks) == LEVELS).all()
        assert len({*map(tuple, blocks)}) > 10
    (without, first), (with_cue, second) = thresholds(explorer)
    assert (without, with_cue) == ("without", "with")
    assert (int(first), int(second)) == pytest.approx((100, 200), rel=0.3)
    said = explorer.status()
    found = np.array(re.findall(INTERVAL, said), float)  # threshold, efficiency, ...
    best = np.array(re.findall(r"the ideal observer's (\d+),", said), float)
    assert best == pytest.approx((200, 400), rel=0.3)
    shares = 100 * (found[::2] / best[:, None]) ** 2
    np.testing.assert_allclose(found[1::2], shares, atol=2)
    assert said.endswith("efficiency of the networks, without a screen: control 8%")


def test_with_few_answers_there_is_no_threshold(opened):
    explorer = opened(*THREES)
    explorer.part("canvas").click()
    assert "which digit is it?" in explorer.status()
    for number in range(1, 5):
        press(explorer, number)
        assert trial(explorer)[0] == number + 1
        assert f"{number} answers; keep going" in explorer.status()
    assert "threshold" not in explorer.status()


def test_a_display_is_answered_once_and_by_digits_alone(opened):
    explorer = opened(*THREES)
    explorer.page.keyboard.press("5")  # elsewhere on the page
    explorer.part("canvas").click()
    for key in ("x", "Enter", "Escape", "Control+5", "Alt+5", "ArrowUp"):
        explorer.page.keyboard.press(key)
    explorer.settle()
    assert trial(explorer)[0] == 1
    explorer.page.keyboard.down("3")
    for _ in range(5):  # held
        explorer.page.keyboard.down("3")
        explorer.settle()
    explorer.page.keyboard.up("3")
    assert trial(explorer)[0] == 2
    explorer.root.evaluate(
        """root => {
            for (const key of "33") {
                const event = new KeyboardEvent("keydown", { key, bubbles: true });
                root.querySelector("canvas").dispatchEvent(event);
            }
        }"""
    )
    explorer.settle()
    assert trial(explorer)[0] == 3  # the second came before the next digit was seen


def test_nothing_tells_the_digit_before_the_answer(opened):
    """A page of threes reads like a page of sevens, but for noise and numbers."""
    texts = []
    for digit in (3, 7):
        shown = digit == LABELS
        explorer = opened(IMAGES[shown], LABELS[shown])
        html = explorer.root.evaluate("root => root.outerHTML")
        html = re.sub(r'data-explorer="\w+"|(id|for)="[\w-]+"', "", html)
        texts.append(re.sub(r'SD \d+|data-ms="[\d.]+"', "", html))
    assert texts[0] == texts[1]
    assert "trial 1" in texts[0]


def picture(explorer):
    """The canvas as colours `(rows, cols, 3)` from 0 to 1."""
    png = base64.b64decode(explorer.pixels().split(",")[1])
    return matplotlib.image.imread(io.BytesIO(png))[..., :3]


def test_the_cue_marks_the_digit_and_replaces_the_display(opened):
    """Squares full of ink stand for digits: they are found even in noise."""
    explorer = opened(np.full((9, 28, 28), 255), np.full(9, 3))
    before = explorer.updates()
    explorer.choose("cue-select", CORNERS)
    explorer.wait_for_update(before)
    assert trial(explorer)[0] == 1
    explorer.part("canvas").click()
    for _ in range(12):
        while trial(explorer)[1] > 80:
            press(explorer, 3)
        seen = picture(explorer)[36:316, 10:290]
        red, _, blue = np.moveaxis(seen, -1, 0)
        dark = (red < 0.5) & (blue < 0.5)
        for axis in (0, 1):
            marked = np.flatnonzero((red - blue > 0.4).any(axis))
            inked = np.flatnonzero(dark.mean(axis) > 0.25)
            ends = [(each.min(), each.max()) for each in (marked, inked)]
            np.testing.assert_allclose(*ends, atol=3)
        press(explorer, 3)
    explorer.choose("cue-select", "none")
    explorer.settle()
    red, _, blue = np.moveaxis(picture(explorer)[36:316, 10:290], -1, 0)
    assert not (red - blue > 0.4).any()


def test_it_works_on_a_phone(opened):
    """By touch, beside the digit, on 400 pixels."""
    explorer = opened(*THREES, **PHONE)
    for number, digit in enumerate((3, 0, 9), start=1):
        button = explorer.part(".explorer-keys button", has_text=str(digit))
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        button.tap()
        explorer.expect(f"trial {number + 1},")
        said = "right" if digit == 3 else f"wrong, you said {digit}"
        assert f"the last was a 3: {said}" in explorer.status()
    width = explorer.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["viewport"]["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshots_for_people(opened, scheme):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    wide = {"viewport": {"width": 1000, "height": 700}}
    for name, context in (("page", wide), ("phone", PHONE)):
        explorer = opened(*THREES, **context)
        style = f":root {{ color-scheme: {scheme}; }}"
        explorer.page.add_style_tag(content=style)
        for cue in ("none", CORNERS):
            explorer.choose("cue-select", cue)
            watch(explorer, 150, 36, seed=1)
        explorer.root.screenshot(path=SCREENSHOTS / f"observer-{name}-{scheme}.png")


# ---- JupyterLab


def told(notebook, count):
    """The answers that the kernel has, once they are as many: a message may wait."""
    for _ in range(50):
        answers = notebook.python("explorer.answers")
        if len(answers) == count:
            break
        notebook.page.wait_for_timeout(100)
    return answers


def test_answers_reach_python_and_keys_stay_in_the_explorer(lab, browser):
    write_notebook(lab.notebooks / "observer.ipynb", [LAB])
    notebook = Notebook(browser, lab, "observer.ipynb")
    notebook.run()
    (explorer,) = notebook.explorers()
    cells = notebook.page.locator(".jp-CodeCell").count()
    explorer.part("canvas").click()
    for digit in range(10):
        press(explorer, digit)
    for key in ("x", "a", "ArrowDown"):  # would cut the cell, or leave it
        explorer.page.keyboard.press(key)
    press(explorer, 1)
    explorer.choose("cue-select", CORNERS)
    explorer.part("select").focus()
    press(explorer, 1)  # would make the cell a heading
    explorer.part(".explorer-keys button").nth(7).click()
    explorer.expect("trial 14,")
    answers = told(notebook, 13)
    assert [each["answer"] for each in answers] == [*range(10), 1, 1, 7]
    assert [each["cued"] for each in answers] == 11 * [False] + 2 * [True]
    assert sorted(each["level"] for each in answers[:6]) == list(LEVELS)
    said = f"the last was a {answers[-1]['label']}: "
    assert said in explorer.status()
    assert notebook.page.locator(".jp-CodeCell").count() == cells
    assert explorer.root.is_visible()

    notebook.set_theme("dark")
    explorer.root.screenshot(path=SCREENSHOTS / "observer-lab-dark.png")
    notebook.python("explorer.set_trait('answers', explorer.answers[:3])")
    explorer.expect("trial 4,")
    check_quiet(notebook, lab)

    notebook.stop_kernel()  # and it goes on
    explorer.part("canvas").click()
    press(explorer, 5)
    assert trial(explorer)[0] == 5
    notebook.close()


# ---- Python


def test_networks_levels_canvas_and_the_ideal_observer_are_sent():
    explorer = explorers.observer(IMAGES, LABELS, NETWORKS, ideal={"cued": {60: 1}})
    data = explorer.description["data"]
    (curve,) = data["networks"]
    points = [[60, 0.75], [120, 0.6], [240, 0.2]]
    assert curve == {"label": "control", "points": points}
    assert data["ideal"] == {"cued": [[60, 1]]}
    assert (data["canvas"], data["levels"]) == ([60, 60], LEVELS)
    large = explorers.observer(np.zeros((1, 70, 28)), [0])
    assert large.description["data"]["canvas"] == [70, 60]


def test_a_page_begins_with_the_answers_that_python_has():
    explorer = explorers.observer(IMAGES, LABELS)
    answers = [{"level": 40, "cued": False, "label": 3, "answer": 8}]
    explorer.answers = answers
    assert '"label": 3, "answer": 8}]' in explorer.html()


def test_images_and_accuracies_of_another_form_are_refused():
    with pytest.raises(ValueError, match="Expected images"):
        explorers.observer(IMAGES[0], LABELS)
    for curve in ([0.8, 0.7], {60: 80}, {60: np.nan}):
        with pytest.raises(ValueError, match="from 0 to 1 by noise SD of 'mine', such"):
            explorers.observer(IMAGES, LABELS, {"mine": curve})
    with pytest.raises(ValueError, match=r"Expected an ideal observer that .* told"):
        explorers.observer(IMAGES, LABELS, ideal={"told": {60: 1}})
