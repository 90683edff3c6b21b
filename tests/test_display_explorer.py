"""A digit that a reader moves about, and two networks that look at it, in Chromium."""

import re

import numpy as np
import pytest
from browser import PHONE, Notebook, Page, check_quiet, write_notebook
from scipy.special import softmax

from utils import explorers
from utils.data import load_mnist
from utils.displays import CUE_SD, cue_maps
from utils.explorers.display import ALONE, ATTENDED, PAIR
from utils.explorers.networks import trained_model
from utils.model import attention_maps, build_model, map_shape, predict

_, (IMAGES, LABELS) = load_mnist()
CANVAS = ALONE.shape
FEW = 30  # digits, where a test needs no more
# What a page's networks have in their memory: the image that each saw, and its logits.
LISTEN = """<script>
const instances = [], statuses = [], real = WebAssembly.instantiate;
WebAssembly.instantiate = async (module) => {
  instances.push(await real.call(WebAssembly, module));
  return instances.at(-1);
};
const read = ({ exports }) => {
  const { buffer } = exports.memory;
  const [image] = new Uint32Array(buffer, exports.image.value, 1);
  return [[image, 3600], [exports.logits.value, 10]].map(
    ([address, length]) => [...new Float32Array(buffer, address, length)]);
};
const listen = () => {
  const status = document.querySelector(".explorer-status");
  new MutationObserver(() => statuses.push(status.textContent))
    .observe(status, { childList: true });
};
</script>"""
STATUS = re.compile(
    r"update (?P<update>\d+) .*digit (?P<index>\d+) \(label (?P<label>\d)\) at row "
    r"(?P<row>\d+), column (?P<col>\d+),(.* a second digit \((?P<other>\d)\),)?"
    r".* noise (?P<noise>\d+): with (attention|a cue) (?P<attended>\d) "
    r"\((?P<sure>\d+)%\), without (?P<control>\d) \((?P<control_sure>\d+)%\)"
    r"(; right of (?P<shown>\d+): with (attention|a cue) (?P<attended_right>\d+)"
    r"( \(the other digit (?P<attended_other>\d+)\))?, without (?P<control_right>\d+)"
    r"( \(the other digit (?P<control_other>\d+)\))?)?"
)

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that opens the explorer; the browser must say nothing of it."""
    pages = []

    def open_one(model=None, made=None, **context):
        made = made or explorers.display(IMAGES[:FEW], LABELS[:FEW], model)
        path = tmp_path / "display.html"
        view = '<meta name="viewport" content="width=device-width">'
        path.write_text(f"<!doctype html>{view}{LISTEN}{made.html()}", "utf-8")
        pages.append(Page(browser, path, **context))
        (explorer,) = pages[-1].explorers()
        explorer.page.evaluate("listen()")
        return explorer

    yield open_one
    for page in pages:
        assert page.problems == page.refused == []
        page.close()


def said(status):
    """What a status says, its numbers as numbers."""
    found = STATUS.search(status).groupdict()
    return {name: int(value) for name, value in found.items() if value is not None}


def place(explorer):
    now = said(explorer.status())
    return now["row"], now["col"]


def looked(explorer):
    """Of both networks, the image `(rows, cols)` and the probabilities `(10,)`."""
    explorer.settle()
    found = explorer.page.evaluate("instances.map(read)")
    return [
        (np.array(image, "float32").reshape(CANVAS), softmax(logits))
        for image, logits in found
    ]


def image(explorer):
    (one, _), (other, _) = looked(explorer)
    np.testing.assert_array_equal(one, other)  # both see the same
    return one


def choose(explorer, name, option):
    explorer.part(f".{name} select").select_option(label=option)


def without_noise(explorer):
    explorer.handle("noise-slider").press("Home")
    explorer.expect("noise 0:")


def canvas_with(index, corner):
    shown = np.zeros(CANVAS, "float32")
    row, col = corner
    shown[row : row + 28, col : col + 28] = IMAGES[index]
    return shown


def check_alone(explorer):
    """Without noise the display is the digit, where the status says."""
    expected = canvas_with(said(explorer.status())["index"], place(explorer))
    np.testing.assert_array_equal(image(explorer), expected)


def play(explorer):
    explorer.part(".play-100 button").click()
    explorer.expect("right of 100", seconds=30)
    explorer.settle()
    explorer.settle()
    return said(explorer.status())


# ---- both networks


def own_model():
    return build_model(
        "normalised", image_shape=CANVAS, seed=3, sigma=2.0, strength=0.5
    )


@pytest.mark.parametrize("own", [None, own_model], ids=["shipped", "own"])
def test_both_networks_answer_as_keras_does(own, open_page):
    attended = own() if own else trained_model(ATTENDED, ALONE)
    explorer = open_page(own and attended)
    explorer.handle("fragments-slider").press("End")
    choose(explorer, "second-select", "one")
    explorer.expect("8 fragments", "a second digit")
    models = attended, trained_model("ones", ALONE)
    now = said(explorer.status())
    sure = now["sure"], now["control_sure"]
    answers = now["attended"], now["control"]
    for model, (seen, p), digit, percent in zip(
        models, looked(explorer), answers, sure, strict=True
    ):
        expected = predict(model, seen[None])[0]
        np.testing.assert_allclose(p, expected, atol=1e-4)
        assert digit == expected.argmax()
        assert percent == pytest.approx(100 * expected[digit], abs=0.51)


def test_a_cue_multiplies_the_map(open_page):
    explorer = open_page()
    choose(explorer, "second-select", "one")
    explorer.expect("a second digit")
    (_, uncued), (_, control) = looked(explorer)
    choose(explorer, "cue-select", "marks the digit")
    explorer.expect("a cue")
    (seen, cued), (_, same) = looked(explorer)
    model = trained_model(ATTENDED, ALONE)
    gains = attention_maps(model, seen[None])
    gains *= cue_maps(np.array([place(explorer)]), (28, 28), map_shape(CANVAS), CUE_SD)
    given = build_model("given", image_shape=CANVAS)
    given.set_weights(model.get_weights())
    expected = predict(given, [seen[None], gains])[0]
    np.testing.assert_allclose(cued, expected, atol=1e-4)
    assert np.abs(cued - uncued).max() > 0.01
    np.testing.assert_array_equal(control, same)


def test_it_begins_with_a_digit_that_attention_helps(open_page):
    now = said(open_page().status())
    assert now["noise"] == 120
    assert now["attended"] == now["label"] != now["control"]


# ---- two digits and a cue


def test_the_cue_is_the_map_of_a_network_that_learnt_with_one(open_page):
    explorer = open_page(made=explorers.competition(IMAGES[:FEW], LABELS[:FEW]))
    cued, uncued = (trained_model(kind, PAIR) for kind in ("given", "ones"))
    corner = np.array([place(explorer)])
    at_digit = cue_maps(corner, (28, 28), map_shape(CANVAS), CUE_SD)
    for cue, gains in (("marks the digit", at_digit), ("none", np.ones_like(at_digit))):
        choose(explorer, "cue-select", cue)
        (seen, p), (_, control) = looked(explorer)
        gains = gains / gains.mean()
        expected = predict(cued, [seen[None], gains])[0]
        np.testing.assert_allclose(p, expected, atol=1e-4)
        np.testing.assert_allclose(control, predict(uncued, seen[None])[0], atol=1e-4)


def test_intrusions_are_counted_beside_right_answers(open_page):
    explorer = open_page(made=explorers.competition(IMAGES, LABELS))
    scores = {}
    for cue in ("marks the digit", "marks the other place"):
        choose(explorer, "cue-select", cue)
        before = len(explorer.page.evaluate("statuses"))
        explorer.part(".play-100 button").click()
        explorer.expect("right of 100", seconds=30)
        explorer.settle()
        statuses = explorer.page.evaluate("statuses")[before:]
        several = [said(each) for each in statuses if "right of" in each]
        played = {each["shown"]: each for each in reversed(several)}
        assert [*played] == [*range(100, 0, -1)]
        assert all(each["label"] != each["other"] for each in played.values())
        for who in ("attended", "control"):
            for what, named in (("right", "label"), ("other", "other")):
                count = sum(each[who] == each[named] for each in played.values())
                assert played[100][f"{who}_{what}"] == count
        scores[cue] = played[100]
    right, wrong = scores.values()
    assert right["attended_right"] > 60 > 20 > right["attended_other"]
    assert wrong["attended_other"] > 60 > 20 > wrong["attended_right"]
    assert right["control_right"] == wrong["control_right"]  # the same displays


# ---- what is shown


def test_the_mouse_drags_the_digit_as_far_as_it_goes(open_page):
    explorer = open_page()
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


def test_arrow_keys_move_the_digit(open_page):
    explorer = open_page()
    without_noise(explorer)
    explorer.part(".cue-select select").focus()
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


def test_a_finger_drags_the_digit_and_not_the_page(open_page):
    explorer = open_page(**PHONE)
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


def test_a_condition_changes_what_it_names_and_nothing_else(open_page):
    explorer = open_page()
    noisy = {}
    for typed in (120, 60, 0):
        explorer.part(".noise-slider .widget-readout").fill(f"{typed}")
        explorer.part(".noise-slider .widget-readout").press("Enter")
        explorer.expect(f"noise {typed}:")
        noisy[typed] = image(explorer)
    np.testing.assert_allclose(
        noisy[120] - noisy[0], 2 * (noisy[60] - noisy[0]), atol=1e-3
    )
    assert (noisy[120] - noisy[0]).std() == pytest.approx(120, rel=0.05)
    check_alone(explorer)
    shown = noisy[0]
    for count in range(1, 9):
        explorer.handle("fragments-slider").press("ArrowRight")
        explorer.expect(f"{count} fragment")
        more = image(explorer)
        rows, cols = np.nonzero(more != shown)
        assert (more >= shown).all()
        if len(rows):
            assert max(np.ptp(rows), np.ptp(cols)) < 8
        shown = more
    assert shown.sum() > noisy[0].sum()
    explorer.handle("fragments-slider").press("Home")
    choose(explorer, "second-select", "one")
    explorer.expect("a second digit")
    label = int(re.search(r"second digit \((\d)\)", explorer.status())[1])
    assert any(
        np.array_equal(np.maximum(noisy[0], canvas_with(index, (row, col))), both)
        for both in [image(explorer)]
        for index in np.flatnonzero(LABELS[:FEW] == label)
        for row in range(33)
        for col in range(33)
    )
    choose(explorer, "second-select", "none")
    before = place(explorer)
    explorer.part(".fresh-draw button").click()
    explorer.settle()
    assert place(explorer) != before
    check_alone(explorer)


# ---- the score


def test_a_hundred_displays_are_played_and_counted(open_page):
    explorer = open_page()
    before = said(explorer.status())
    after = play(explorer)
    played = [*map(said, explorer.page.evaluate("statuses"))][:100]
    assert [each["shown"] for each in played] == [*range(1, 101)]
    assert len({(each["row"], each["col"]) for each in played}) > 80
    for name in ("attended", "control"):
        right = np.cumsum([each[name] == each["label"] for each in played])
        assert [each[f"{name}_right"] for each in played] == right.tolist()
    assert {key: after[key] for key in ("index", "row", "col")} == {
        key: before[key] for key in ("index", "row", "col")
    }  # the reader's display is back
    assert min(after["attended_right"], after["control_right"]) > 30


def test_the_score_is_of_one_condition_and_the_same_displays(open_page):
    explorer = open_page()
    first = play(explorer)
    explorer.handle("digit-slider").press("End")
    explorer.expect("digit 29", "right of 100")  # no condition
    explorer.part(".play-100 button").click()
    explorer.expect("right of 200", seconds=30)
    explorer.part(".play-100 button").click()
    explorer.expect("right of 22")
    explorer.handle("noise-slider").press("Home")  # while it plays
    explorer.expect("noise 0:")
    updates = explorer.updates()
    explorer.page.wait_for_timeout(200)
    assert explorer.updates() == updates
    assert "shown" not in said(explorer.status())
    explorer.part(".noise-slider .widget-readout").fill("120")
    explorer.part(".noise-slider .widget-readout").press("Enter")
    again = play(explorer)
    for name in ("attended_right", "control_right"):
        assert again[name] == first[name]


# ---- JupyterLab, and Python


def test_it_lives_in_jupyterlab_and_python_sets_it(browser, lab):
    cells = [
        "from utils import explorers\n"
        "from utils.data import load_mnist\n"
        "_, (images, labels) = load_mnist()",
        "display = explorers.display(images, labels)\ndisplay",
        "display.controls['noise-slider'].value = 0\n"
        "display.controls['digit-slider'].value = 3\n"
        "display.controls['second-select'].value = 'one'",
    ]
    write_notebook(lab.notebooks / "display.ipynb", cells)
    notebook = Notebook(browser, lab, "display.ipynb")
    notebook.run()
    (explorer,) = notebook.explorers()
    explorer.expect("digit 3 ", "noise 0:", "a second digit")
    check_quiet(notebook, lab)
    notebook.stop_kernel()  # and it goes on
    row, col = place(explorer)
    count = notebook.page.locator(".jp-Cell").count()
    explorer.part(".explorer-handle").focus()
    for key in ("ArrowDown", "ArrowRight", "x", "d", "d"):
        notebook.page.keyboard.press(key)
    explorer.settle()
    assert place(explorer) == (row + 1, col + 1)
    assert notebook.page.locator(".jp-Cell").count() == count
    assert play(explorer)["shown"] == 100
    notebook.close()


def test_a_page_with_it_is_small_and_begins_where_the_controls_stand():
    explorer = explorers.display(IMAGES, LABELS)
    explorer.controls["noise-slider"].value = 30
    html = explorer.html()
    assert len(html) < 500_000
    assert '"begins": false' in html
    data = explorer.description["data"]
    assert (data["attention"], data["canvas"]) == (ATTENDED, [60, 60])


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((1, 61, 28)), "fit a canvas of 60 x 60.*Received 61 x 28"),
        (np.zeros((1, 28)), r"Received shapes \(1, 28\)"),
    ],
)
def test_digits_that_cannot_be_shown(images, words):
    with pytest.raises(ValueError, match=words):
        explorers.display(images, [0])
