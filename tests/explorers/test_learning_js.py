"""Two networks that learn in a real Chromium: in a page of their own, in JupyterLab."""

import re

import numpy as np
import pytest
from browser import PHONE, Notebook, Page, write_notebook
from learning_page import MIDDLE_FRAME, updates_learnt, wait_for_updates

from utils import explorers
from utils.data import load_mnist
from utils.spec import RunSpec

(IMAGES, LABELS), _ = load_mnist()
LISTEN = """() => {
  window.workers = [];
  const Real = Worker;
  window.Worker = class extends Real {
    constructor(...address) {
      super(...address);
      this.heard = [];
      workers.push(this);
      this.addEventListener("message", ({ data }) => this.heard.push(
        { ...data, weights: data.weights?.map((each) => each.join()) }
      ));
    }
    terminate() {
      this.ended = true;
      super.terminate();
    }
  };
}"""
WORDS = "press Start again to learn with the new settings"

PUBLISHED = RunSpec("as_coded", noise_sd=10.0)

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that opens an explorer; the browser must say nothing of it."""
    pages = []

    def open_one(run=PUBLISHED, **context):
        made = explorers.learning(IMAGES, LABELS, run)
        made.noise_level = 0
        path = tmp_path / "learning.html"
        view = '<meta name="viewport" content="width=device-width">'
        path.write_text(f"<!doctype html>{view}{made.html()}", "utf-8")
        pages.append(Page(browser, path, **context))
        pages[-1].page.evaluate(LISTEN)
        (explorer,) = pages[-1].explorers()
        return explorer

    yield open_one
    for page in pages:
        assert page.problems == []
        page.close()


def set_noise(explorer, sd):
    explorer.type("noise-slider", sd)
    explorer.expect(f"at SD {sd:.1f}" if sd else "at SD 0.00")


def reports(explorer, worker=0):
    """What a worker has said after each hundred updates, by their count."""
    heard = explorer.page.evaluate("which => workers[which].heard", worker)
    return {each["updates"]: each for each in heard if each["updates"] % 100 == 0}


# ---- in a page


def test_nothing_learns_before_it_is_asked_to(open_page):
    explorer = open_page()
    explorer.page.wait_for_timeout(500)
    assert explorer.page.evaluate("workers.length") == 0
    assert "not begun: press Learn" in explorer.status()


def test_networks_learn_and_the_page_keeps_its_frames(open_page):
    explorer = open_page(RunSpec(attention="energy"))
    explorer.part(".learn-button button").focus()
    explorer.page.keyboard.press("Enter")
    explorer.part(".learn-button button", has_text="Pause").wait_for()
    assert explorer.page.evaluate(MIDDLE_FRAME) < 50
    wait_for_updates(explorer, 3000, seconds=120)
    best = np.max([each["accuracies"] for each in reports(explorer).values()], axis=0)
    assert (best > 0.45).all()  # where 0.1 is guessing


def test_a_pause_and_another_test_noise_change_nothing_that_is_learnt(open_page):
    explorer = open_page()
    explorer.press("learn-button")
    wait_for_updates(explorer, 300)
    set_noise(explorer, 10)
    explorer.press("learn-button")
    explorer.expect("paused")
    set_noise(explorer, 5)
    count = updates_learnt(explorer)
    explorer.page.wait_for_timeout(300)
    set_noise(explorer, 0)
    assert updates_learnt(explorer) == count
    explorer.press("learn-button")
    wait_for_updates(explorer, 600)
    explorer.press("again-button")
    explorer.page.wait_for_function("workers.length === 2")
    wait_for_updates(explorer, 600)

    first, second = reports(explorer, 0), reports(explorer, 1)
    assert explorer.page.evaluate("workers[0].ended")
    for count in range(0, 601, 100):
        assert first[count]["weights"] == second[count]["weights"]
        if first[count]["test_noise_sd"] == 0:
            assert first[count]["accuracies"] == second[count]["accuracies"]
    assert first[100]["weights"] != first[200]["weights"]


def test_the_noise_at_test_acts_at_once(open_page):
    explorer = open_page(RunSpec(noise_sd=20.0))
    explorer.press("learn-button")
    wait_for_updates(explorer, 200)
    for sd, key in ((40.0, "End"), (0.0, "Home"), (0.5, "ArrowRight")):
        picture = explorer.pixels()
        explorer.slider("noise-slider").press(key)
        explorer.settle()
        assert explorer.pixels() != picture  # of the digit, which waits for no worker
        explorer.expect("learning", f"at SD {sd:.1f}" if sd else "at SD 0.00")
    levels = [each["test_noise_sd"] for each in reports(explorer).values()]
    assert levels[0] == 0
    explorer.drag("noise-slider", 1)
    explorer.expect("at SD 40.0")
    assert explorer.page.evaluate("workers.length") == 1
    assert WORDS not in explorer.status()


def test_other_settings_wait_for_a_new_start(open_page):
    explorer = open_page()
    before = explorer.pixels()
    explorer.choose("attention-select", "centre")
    explorer.page.wait_for_timeout(500)
    assert explorer.pixels() != before
    assert WORDS not in explorer.status()  # nothing has been learnt yet
    explorer.press("learn-button")
    explorer.expect("centre")
    explorer.choose("canvas-select", "60 x 60")
    explorer.slider("training-noise-slider").press("Home")
    explorer.expect("centre", WORDS)
    explorer.press("again-button")
    explorer.page.wait_for_function("workers.length === 2")
    explorer.expect("learning", " 0 updates")
    assert WORDS not in explorer.status()
    for name in ("control-select", "attention-select"):
        for each in explorer.part(f".{name} option").all_inner_texts():
            explorer.choose(name, each)
        explorer.expect(WORDS)


def test_every_kind_learns(open_page):
    explorer = open_page()
    names = explorer.part(".attention-select option").all_inner_texts()
    for left, right in zip(names[::2], names[1::2] + names[:1], strict=False):
        explorer.choose("attention-select", left)
        explorer.choose("control-select", right)
        explorer.press("again-button")
        explorer.expect("learning", f"{left} ", f"{right} ")
        wait_for_updates(explorer, 100)


def test_learning_that_diverges_says_what_to_do_and_can_start_again(open_page):
    explorer = open_page(RunSpec(learning_rate=1e38))
    explorer.press("learn-button")
    explorer.expect("diverged within", "Lower learning_rate", seconds=20)
    assert explorer.part(".explorer-problem").count() == 1
    assert explorer.part(".learn-button button").inner_text() == "Learn"
    explorer.slider("digit-slider").press("End")
    explorer.expect("diverged within", "test digit 99")
    explorer.choose("rate-select", "0.01")
    explorer.press("again-button")
    explorer.expect("learning, ")
    assert explorer.part(".explorer-problem").count() == 0


def test_networks_of_an_explorer_that_is_gone_do_not_go_on(open_page):
    explorer = open_page()
    explorer.press("learn-button")
    wait_for_updates(explorer, 200)
    explorer.root.evaluate("root => root.remove()")
    explorer.page.wait_for_timeout(2000)
    count = "workers[0].heard.length"
    heard = explorer.page.evaluate(count)
    explorer.page.wait_for_timeout(1500)
    assert explorer.page.evaluate(count) == heard


def test_networks_learn_on_a_phone(open_page):
    explorer = open_page(**PHONE)
    explorer.part(".learn-button button").tap()
    wait_for_updates(explorer, 100)
    assert explorer.page.evaluate("document.documentElement.scrollWidth") <= 400
    picture = explorer.part(".explorer-image canvas").bounding_box()
    button = explorer.part(".learn-button").bounding_box()
    assert picture["y"] < button["y"]  # seen while a finger is on the controls


# ---- in JupyterLab


def test_python_has_networks_learn_which_go_on_without_it(browser, lab):
    setup = (
        "from utils import explorers\nfrom utils.data import load_mnist\n"
        "from utils.spec import RunSpec\n(images, labels), _ = load_mnist()\n"
        "learning = explorers.learning(images, labels, RunSpec('energy'))\nlearning"
    )
    write_notebook(lab.notebooks / "learning.ipynb", [setup])
    notebook = Notebook(browser, lab, "learning.ipynb")
    notebook.run()
    page = notebook.page
    page.evaluate(LISTEN)
    (explorer,) = notebook.explorers()
    notebook.python("learning.set_trait('learn', learning.learn + 1)")
    wait_for_updates(explorer, 200)
    assert explorer.part(".learn-button button").inner_text() == "Pause"
    notebook.stop_kernel()
    wait_for_updates(explorer, updates_learnt(explorer) + 200)
    explorer.press("learn-button")
    explorer.expect("paused")
    explorer.press("again-button")
    page.wait_for_function("workers.length === 2")
    assert page.evaluate("workers.map(({ ended }) => Boolean(ended))") == [
        True,
        False,
    ]
    wait_for_updates(explorer, 100)
    page.evaluate(
        "() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
    )
    page.wait_for_function("workers[1].ended")
    assert [
        x for x in notebook.problems if not re.search("ernel|sync message", x)
    ] == []
    notebook.close()
