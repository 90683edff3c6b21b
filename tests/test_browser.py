"""The explorers in a real JupyterLab and a real Chromium, moved as a reader would.

Read the status (`update N`) and the picture's pixels, not screenshots; those are saved
in `build/screenshots` for people to look at.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from browser import Lab, Notebook, chromium, executable, write_notebook

ROOT = Path(__file__).parents[1]
SCREENSHOTS = ROOT / "build" / "screenshots"
NOTEBOOKS = sorted(
    path
    for number in ("01", "03", "04")
    for path in (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    if "explorers." in path.read_text("utf-8")
)
SETUP = """
from utils import explorers
from utils.data import load_mnist
_, (images, labels) = load_mnist()
network = explorers.trained()
"""
STUDY = """
def record(attention, seed):
    epochs = [
        {"epoch": i + 1, "accuracy_clean": 0.9 + 0.01 * i + 0.001 * seed,
         "accuracy_matched": 0.7 + 0.02 * i + 0.001 * seed}
        for i in range(5)
    ]
    return {"spec": {"attention": attention, "noise_sd": 2.5, "seed": seed},
            "epochs": epochs}
explorers.study([record(a, s) for a in ("ones", "as_coded") for s in range(3)])
"""
SMALL = [
    SETUP,
    "explorers.noise(images, labels, network)",
    "explorers.attention(images, labels)",
    STUDY,
]
OBSERVER = [
    SETUP,
    "from utils.observer import observer\nobserver(images, labels, seed=0)",
]
BROKEN = [
    SETUP,
    "broken = explorers.noise(images[:20], labels[:20])\nbroken.images = None\nbroken",
]
KEYS = ("Home", "ArrowRight", "ArrowUp", "PageUp", "ArrowLeft", "ArrowDown")
KEYS += ("PageDown", "End")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    if executable() is None:
        remedy = "No Chromium found: on Debian or Ubuntu, apt-get install chromium."
        if os.environ.get("CI"):
            pytest.fail(remedy)
        pytest.skip(remedy)
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield lab
    finally:
        lab.stop()


@pytest.fixture
def open_notebook(lab, browser):
    opened = []

    def open_one(name, cells=None, theme="light"):
        if cells:
            write_notebook(lab.notebooks / name, cells)
        opened.append(Notebook(browser, lab, name, theme))
        opened[-1].run()
        return opened[-1]

    yield open_one
    for notebook in opened:
        notebook.close()


def drag(page, handle, x):
    """Drag a slider's handle to a place on the page, as a hand does."""
    handle.hover()  # once it has come to rest: figures above may still be loading
    place = handle.bounding_box()
    page.mouse.down()
    page.mouse.move(x, place["y"] + place["height"] / 2, steps=40)
    page.mouse.up()


def move_slider(explorer, slider):
    """Press every key that a slider knows, then drag it to both ends."""
    handle, pictures = slider.locator(".noUi-handle"), {}
    for key in KEYS:
        handle.press(key)
        explorer.settle()
        pictures[key] = explorer.pixels()
    assert pictures["Home"] != pictures["End"]
    assert pictures["Home"] != pictures["PageUp"]
    track = slider.locator(".noUi-base").bounding_box()
    for key, x in (("Home", -40), ("End", track["width"] + 40)):
        before = explorer.updates()
        drag(explorer.page, handle, track["x"] + x)
        explorer.settle()
        assert explorer.updates() > before
        assert explorer.pixels() == pictures[key]


def try_options(explorer, select, keys):
    """Choose each option, and press keys on each slider under it."""
    first, *others = select.locator("option").all_inner_texts()
    for name in [*others, first]:
        before = explorer.updates()
        select.select_option(label=name)
        explorer.wait_for_update(before)
        for slider in explorer.part(".widget-slider").all():
            for key in keys:
                slider.locator(".noUi-handle").press(key)
                explorer.settle()
                assert "Error" not in explorer.status()


def draw_a_seven(explorer):
    explorer.root.scroll_into_view_if_needed()
    pad = explorer.part(".explorer-pad canvas").bounding_box()
    mouse = explorer.page.mouse
    places = [(0.25, 0.2), (0.75, 0.2), (0.4, 0.85)]
    (x, y), *rest = [
        (pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in places
    ]
    mouse.move(x, y)
    mouse.down()
    for x, y in rest:
        mouse.move(x, y, steps=10)
    mouse.up()


def places(explorer):
    """Where everything is, from the explorer's corner, and how large that is."""
    return explorer.root.evaluate(
        """root => {
            const corner = root.getBoundingClientRect();
            const parts = ".explorer-image, .explorer-status, .noUi-base";
            return [root, ...root.querySelectorAll(parts)].map((part) => {
                const box = part.getBoundingClientRect();
                return [box.x - corner.x, box.y - corner.y, box.width, box.height];
            });
        }"""
    )


def check_quiet(notebook, lab):
    assert notebook.problems == []
    bad = re.compile(r"\[E |Traceback|Error|Exception")
    assert [
        line for line in lab.log.read_text("utf-8").splitlines() if bad.search(line)
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", [None, *NOTEBOOKS], ids=lambda p: p.stem if p else "")
def test_every_control_moves_the_picture_and_not_the_page(path, lab, open_notebook):
    if path:
        shutil.copy(path, lab.notebooks)
    notebook = open_notebook(*([path.name] if path else ["small.ipynb", SMALL]))
    for explorer in notebook.explorers(1 if path else 3):
        explorer.root.scroll_into_view_if_needed()
        before = places(explorer)
        for slider in explorer.part(".widget-slider").all():
            move_slider(explorer, slider)
        for select in explorer.part("select").all():
            try_options(explorer, select, () if path else ("Home", "End"))
        assert places(explorer) == before
    check_quiet(notebook, lab)


@pytest.fixture(scope="module")
def small(browser, lab):
    """All three explorers, kept open."""
    write_notebook(lab.notebooks / "small.ipynb", SMALL)
    notebook = Notebook(browser, lab, "small.ipynb")
    notebook.run()
    yield notebook
    check_quiet(notebook, lab)
    notebook.close()


def test_fresh_noise_is_drawn(small):
    explorer = small.explorers(3)[0]
    before, picture = explorer.updates(), explorer.pixels()
    explorer.part(".fresh-draw").click()
    explorer.wait_for_update(before)
    assert explorer.pixels() != picture


def test_a_digit_is_drawn_looked_at_and_cleared(small):
    explorer = small.explorers(3)[1]
    explorer.part(".noise-slider .noUi-handle").press("Home")
    explorer.settle()
    before, picture = explorer.updates(), explorer.pixels()
    draw_a_seven(explorer)
    explorer.settle()
    assert explorer.updates() > before
    assert "your drawing" in explorer.status()
    drawn = explorer.pixels()
    assert drawn != picture
    explorer.part(".explorer-pad canvas").click(position={"x": 20, "y": 20})
    explorer.settle()
    assert explorer.pixels() not in (drawn, picture)
    explorer.part(".attention-select select").select_option(label="Activity")
    explorer.settle()
    assert "your drawing" in explorer.status()
    explorer.part(".attention-select select").select_option(
        label="The N likeliest digits"
    )
    explorer.part(".explorer-pad button").click()
    explorer.settle()
    assert "digit 0 (label 7)" in explorer.status()
    assert explorer.pixels() == picture


def test_a_dot_and_an_empty_drawing_are_pictures_too(small):
    explorer = small.explorers(3)[1]
    pad = explorer.part(".explorer-pad canvas")
    pad.click(position={"x": 3, "y": 220})
    explorer.settle()
    assert "your drawing" in explorer.status()
    for _ in range(2):
        explorer.part(".explorer-pad button").click()
        explorer.settle()
        assert "digit 0" in explorer.status()


def test_a_digit_typed_past_the_end_says_which_is_shown(small):
    explorer = small.explorers(3)[0]
    readout = explorer.part(".digit-slider .widget-readout")
    for typed, shown, words in (
        ("123456", "digit 9999", "123456 is not from 0 to 9999"),
        ("-3", "digit 0", "-3 is not from 0 to 9999"),
        ("seven", "digit 0", '"seven" is not a number'),
        ("17", "digit 17", ""),
    ):
        readout.fill(typed)
        readout.press("Enter")
        explorer.settle()
        assert shown in explorer.status()
        assert words in explorer.status()
    assert "is not" not in explorer.status()


def test_the_pointer_picks_a_run_of_a_study(small):
    explorer = small.explorers(3)[2]
    before = explorer.updates()
    canvas = explorer.part(".explorer-image canvas")
    box = canvas.bounding_box()
    found = None
    for x in range(660, 840, 4):  # along the first row of runs
        canvas.hover(position={"x": x, "y": box["height"] * 96 / 330})
        if "seed" in explorer.status():
            found = explorer.status()
            canvas.click(position={"x": x, "y": box["height"] * 96 / 330})
            break
    explorer.wait_for_update(before)
    assert found.split(" · ")[-1] == explorer.status().split(" · ")[-1]


def test_an_error_in_a_callback_reaches_the_status(lab, open_notebook):
    notebook = open_notebook("broken.ipynb", BROKEN)
    (explorer,) = notebook.explorers(1)
    explorer.part(".digit-slider .noUi-handle").press("End")
    explorer.page.wait_for_timeout(1000)
    assert "update 1" in explorer.status()
    assert "TypeError" in explorer.status()
    before = explorer.pixels()
    explorer.part(".noise-slider .noUi-handle").press("End")  # still there to be drawn
    explorer.wait_for_update(1)
    assert explorer.pixels() != before
    check_quiet(notebook, lab)


def test_the_level_of_noise_moves_without_a_kernel(open_notebook):
    notebook = open_notebook("kernel.ipynb", [SETUP, "explorers.noise(images, labels)"])
    (explorer,) = notebook.explorers(1)
    notebook.page.evaluate(
        "async () => jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".shutdown()"
    )
    picture = explorer.pixels()
    explorer.part(".noise-slider .noUi-handle").press("End")
    explorer.wait_for_update(1)
    assert explorer.pixels() != picture
    explorer.part(".digit-slider .noUi-handle").press("End")
    explorer.page.wait_for_timeout(3000)
    assert "The kernel is busy or gone" in explorer.status()


@pytest.mark.parametrize("name", ["observer.ipynb", "06_where_attention_helps.ipynb"])
def test_the_reader_is_the_observer(name, lab, open_notebook):
    if name == "observer.ipynb":
        notebook = open_notebook(name, OBSERVER)
    else:
        shutil.copy(ROOT / "notebooks" / name, lab.notebooks)
        notebook = open_notebook(name)
    page = notebook.page
    root = page.locator(".explorer-observer")
    status, picture = root.locator(".explorer-status"), root.locator("canvas")
    page.wait_for_function(
        "() => document.querySelector('.explorer-observer .explorer-status')"
        "?.textContent.startsWith('trial 1 ')"
    )
    cells = page.locator(".jp-Cell").count()
    picture.click()
    seen = set()
    for trial in range(1, 13):
        seen.add(picture.evaluate("canvas => canvas.toDataURL()"))
        page.keyboard.press(str(trial % 10))
        page.wait_for_function(
            "start => document.querySelector('.explorer-observer .explorer-status')"
            ".textContent.startsWith(start)",
            arg=f"trial {trial + 1} ",
        )
        assert "the last was a" in status.inner_text()
    assert len(seen) == 12
    assert "12 answers" in status.inner_text() or "threshold" in status.inner_text()
    root.locator(".observer-cue input").check()
    page.wait_for_timeout(300)
    assert status.inner_text().startswith("trial 14 ")
    root.locator(".observer-key").nth(7).click()
    page.wait_for_timeout(300)
    assert status.inner_text().startswith("trial 15 ")
    page.keyboard.press("x")
    page.wait_for_timeout(200)
    assert status.inner_text().startswith("trial 15 ")
    assert page.locator(".jp-Cell").count() == cells  # no key reached JupyterLab
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    root.screenshot(path=SCREENSHOTS / f"{name[:8]}-light.png")
    check_quiet(notebook, lab)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screenshots_for_people(theme, lab, open_notebook):
    notebook = open_notebook("small.ipynb", SMALL, theme)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, explorer in zip(
        ("noise", "attention", "study"), notebook.explorers(3), strict=True
    ):
        if name == "attention":
            draw_a_seven(explorer)
            explorer.settle()
            assert "your drawing" in explorer.status()
        explorer.root.screenshot(path=SCREENSHOTS / f"{name}-{theme}.png")
    check_quiet(notebook, lab)
