"""The explorers as a reader has them: in JupyterLab, and in a page that is alone.

Both in a real Chromium. Read the status (`update N`) and the picture's pixels, not
screenshots; those are saved in `build/screenshots` for people to look at.
"""

import base64
import re
import time
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser import PHONE, Notebook, Page, check_quiet, write_notebook
from nbconvert import HTMLExporter

from utils import explorers
from utils.attention import KINDS
from utils.data import load_mnist
from utils.explorers.packing import one_script
from utils.noise import NOISES

ROOT = Path(__file__).parents[1]
SCREENSHOTS = ROOT / "build" / "screenshots"
SETUP = """
from utils import explorers
from utils.data import load_mnist
_, (images, labels) = load_mnist()
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
records = [record(a, s) for a in ("ones", "as_coded") for s in range(3)]
"""
CELLS = [
    SETUP,
    "noise = explorers.noise(images, labels)\nnoise",
    "attention = explorers.attention(images, labels)\nattention",
    f"{STUDY}\nstudy = explorers.study(records)\nstudy",
    "attention.controls['noise-slider'].value = 40\n"
    "attention.controls['noise-select'].value = 'contrast'\n"
    "attention.controls['noise-slider'].value = 0.25\n"
    "attention.controls['digit-slider'].value = 3\n"
    "attention.controls['fresh-draw'].value += 1",
    "print({name: each.value for name, each in attention.controls.items()})",
]
SHOWN = 3  # of the cells show an explorer
NAMES = ("noise", "attention", "study")
NO_SIMD = "WebAssembly.compile = async () => { throw new Error('no SIMD'); };"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def in_lab(browser, lab):
    """All three explorers in a notebook with a kernel."""
    write_notebook(lab.notebooks / "explorers.ipynb", CELLS[: SHOWN + 1])
    notebook = Notebook(browser, lab, "explorers.ipynb")
    notebook.run()
    notebook.explorers(SHOWN)
    yield notebook
    check_quiet(notebook, lab)
    notebook.close()


@pytest.fixture(scope="module")
def kept():
    """A notebook with the HTML of the explorers alone, as executed ones are kept."""
    _, (images, labels) = load_mnist()
    scope = {}
    exec(STUDY, scope)
    shown = (
        explorers.noise(images, labels),
        explorers.attention(images, labels),
        explorers.study(scope["records"]),
    )
    html = [each._repr_mimebundle_()["text/html"] for each in shown]
    outputs = [
        nbformat.v4.new_output("execute_result", {"text/html": text}, execution_count=1)
        for text in html
    ]
    cells = [nbformat.v4.new_code_cell("...", outputs=[each]) for each in outputs]
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture(scope="module")
def html(kept, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for theme in ("light", "dark"):
        text, _ = HTMLExporter(theme=theme).from_notebook_node(kept)
        (folder / f"{theme}.html").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def in_page(browser, html):
    """All three explorers in a page that `jupyter nbconvert` made."""
    page = Page(browser, html / "light.html")
    page.explorers(SHOWN)
    yield page
    assert page.problems == []
    page.close()


@pytest.fixture(params=["in_lab", "in_page"])
def place(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def noise(place):
    return place.explorers(SHOWN)[0]


@pytest.fixture
def attention(place):
    return place.explorers(SHOWN)[1]


@pytest.fixture
def study(place):
    return place.explorers(SHOWN)[2]


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
        explorer.handle(name).press(key)
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


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def draw_a_seven(explorer):
    explorer.root.scroll_into_view_if_needed()
    pad = explorer.part(".explorer-pad canvas").bounding_box()
    mouse = explorer.page.mouse
    corners = [(0.25, 0.2), (0.75, 0.2), (0.4, 0.85)]
    (x, y), *rest = [
        (pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in corners
    ]
    mouse.move(x, y)
    mouse.down()
    for x, y in rest:
        mouse.move(x, y, steps=10)
    mouse.up()


# ---- first: nothing has been moved yet


def test_it_begins_with_a_digit_that_attention_helps(attention):
    words = attention.status()
    label = re.search(r"label (\d)", words)[1]
    assert f"Activity, strength 1.00: {label} (" in words
    assert f"without attention {label} (" not in words


@pytest.mark.parametrize("which", range(SHOWN), ids=NAMES)
def test_every_control_moves_the_picture_and_not_the_page(place, which):
    explorer = place.explorers(SHOWN)[which]
    before = places(explorer)
    for name in explorer.sliders():
        move(explorer, name)
    for select in explorer.part("select").all():
        choose(explorer, select)
    assert places(explorer) == before
    assert not which or explorer.sliders()


def test_controls_without_effect_are_off(attention):
    for name in ("digit-slider", "noise-slider"):
        attention.handle(name).press("Home")
    select = attention.part(".attention-select select")
    always = {"digit-slider", "noise-slider"}
    for kind, own in (
        (KINDS["as_coded"].label, set()),
        (KINDS["top_n"].label, {"strength-slider", "top-n-slider"}),
        (KINDS["normalised"].label, {"strength-slider", "sigma-slider"}),
        (KINDS["energy"].label, {"strength-slider"}),
    ):
        select.select_option(label=kind)
        attention.expect(kind.replace("N ", "").rstrip("s"))
        wait_for(lambda own=own: set(attention.sliders()) == always | own)
        for name in own - {"strength-slider"}:
            move(attention, name)


def test_the_level_keeps_its_share_of_another_noise(noise):
    noise.part(".noise-slider .widget-readout").fill("64")
    noise.part(".noise-slider .widget-readout").press("Enter")
    noise.expect("noise 64.0")
    noise.part(".noise-select select").select_option(label="Salt and pepper")
    noise.expect("noise 0.50")
    noise.part(".noise-slider", has_text="share of pixels").wait_for()
    assert "noise 0.50" in noise.status()
    noise.part(".noise-select select").select_option(label="Gaussian noise")
    noise.part(".noise-slider", has_text="SD in grey levels").wait_for()
    noise.expect("noise 64.0")


def test_fresh_noise_is_drawn(noise):
    before, picture = noise.updates(), noise.pixels()
    noise.part(".fresh-draw button").click()
    noise.wait_for_update(before)
    assert noise.pixels() != picture


def test_a_digit_is_drawn_looked_at_and_cleared(attention):
    attention.handle("noise-slider").press("Home")
    attention.handle("digit-slider").press("Home")
    attention.settle()
    picture = attention.pixels()
    draw_a_seven(attention)
    attention.settle()
    assert "your drawing" in attention.status()
    drawn = attention.pixels()
    assert drawn != picture
    attention.part(".explorer-pad canvas").click(position={"x": 20, "y": 20})
    attention.settle()
    assert attention.pixels() not in (drawn, picture)
    attention.part(".explorer-pad button").click()
    attention.settle()
    assert "digit 0 (label 7)" in attention.status()
    assert attention.pixels() == picture


def test_a_number_typed_past_the_end_says_which_is_shown(noise):
    readout = noise.part(".digit-slider .widget-readout")
    for typed, shown, words in (
        ("123456", "digit 499", "123456 is not from 0 to 499"),
        ("-3", "digit 0", "-3 is not from 0 to 499"),
        ("seven", "digit 0", '"seven" is not a number'),
        ("17", "digit 17", ""),
    ):
        readout.fill(typed)
        readout.press("Enter")
        noise.settle()
        assert shown in noise.status()
        assert words in noise.status()
    assert "is not" not in noise.status()


def test_the_pointer_picks_a_run_of_a_study(study):
    before = study.updates()
    canvas = study.part(".explorer-image canvas")
    box, found = canvas.bounding_box(), ""
    for x in range(300, 425, 2):  # along the last point of a curve
        for y in range(0, int(0.5 * box["height"]), 8):
            place = {"x": x * box["width"] / 860, "y": y}
            canvas.hover(position=place)
            if "seed" in study.status():
                found = study.status()
                canvas.click(position=place)
                break
        if found:
            break
    study.wait_for_update(before)
    assert found.split(" · ")[-1] == study.status().split(" · ")[-1]


# ---- JupyterLab alone


def test_python_reads_and_sets_what_the_page_shows(lab, browser):
    write_notebook(lab.notebooks / "python.ipynb", [CELLS[0], *CELLS[2:3], *CELLS[4:]])
    notebook = Notebook(browser, lab, "python.ipynb")
    notebook.run()
    (explorer,) = notebook.explorers()
    explorer.expect("digit 3 ", "noise 0.25")
    text = notebook.page.locator(".jp-OutputArea-output pre").last.inner_text()
    for part in ("'noise-slider': 0.25", "'digit-slider': 3", "'fresh-draw': 1"):
        assert part in text
    check_quiet(notebook, lab)

    notebook.stop_kernel()  # and it goes on
    picture = explorer.pixels()
    for name in ("digit-slider", "noise-slider", "strength-slider"):
        explorer.handle(name).press("Home" if name == "strength-slider" else "End")
        explorer.settle()
        assert picture != (picture := explorer.pixels())
    explorer.part(".noise-select select").select_option(label="Gaussian noise")
    explorer.expect("noise 128.0")
    explorer.part(".noise-slider", has_text="SD in grey levels").wait_for()
    notebook.close()


def test_a_busy_kernel_takes_nothing_back(lab, browser):
    """It says again what it was told, late, while the hand moves on."""
    write_notebook(lab.notebooks / "busy.ipynb", CELLS[:2])
    notebook = Notebook(browser, lab, "busy.ipynb")
    notebook.run()
    (explorer,) = notebook.explorers()
    handle, counted = explorer.handle("digit-slider"), [0]
    notebook.page.evaluate(
        "() => { jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code: 'import time; time.sleep(1.5)' }) }"
    )
    handle.press("ArrowRight")
    explorer.expect("digit 1 ")
    time.sleep(0.5)  # the hand rests, and the kernel is told
    for _ in range(40):
        handle.press("ArrowRight")
        explorer.settle()
        counted.append(int(re.search(r"digit (\d+) ", explorer.status())[1]))
        time.sleep(0.05)
    assert counted == [0, *range(2, 42)]
    notebook.wait_until_idle(30)
    time.sleep(0.5)
    explorer.expect("digit 41 ")
    check_quiet(notebook, lab)
    notebook.close()


def test_another_theme_has_other_colours(in_lab):
    explorer = in_lab.explorers(SHOWN)[2]
    light = explorer.pixels()
    for theme, same in (("dark", False), ("light", True)):
        in_lab.set_theme(theme)
        wait_for(lambda same=same: (explorer.pixels() == light) == same)


def test_a_saved_notebook_is_alive_without_a_kernel(lab, browser):
    write_notebook(lab.notebooks / "kept.ipynb", CELLS[: SHOWN + 1])
    notebook = Notebook(browser, lab, "kept.ipynb")
    notebook.run()
    first, *_ = notebook.explorers(SHOWN)
    notebook.save()
    first.handle("digit-slider").press("End")
    first.expect("digit 499")  # where it was saved, it goes on
    notebook.save()
    check_quiet(notebook, lab)
    notebook.close()

    notebook = Notebook(browser, lab, "kept.ipynb")
    notebook.stop_kernel()
    shown = notebook.explorers(1)
    cells = notebook.page.locator(".jp-Cell").count()
    for explorer in shown[:2]:
        picture = explorer.pixels()
        explorer.handle("digit-slider").press("End")
        explorer.handle("noise-slider").press("ArrowDown")
        explorer.settle()
        assert explorer.pixels() != picture
    assert notebook.page.locator(".jp-Cell").count() == cells
    said = [x for x in notebook.problems if not re.search("debug|[Kk]ernel is", x)]
    assert said == []  # but for JupyterLab, which misses the kernel
    notebook.close()


# ---- pages alone


def test_noise_is_drawn_once_and_scaled(browser):
    image = 1 + np.arange(6400) % 254
    script = one_script(["displays.js", "noise.js"])
    page = browser.new_page()
    page.add_script_tag(
        type="module",
        content=f"{script}Object.assign(window, {{ NOISES, randomNumbers }});",
    )
    page.wait_for_function("'NOISES' in window")

    def noisy(kind, level, seed=0):
        found = page.evaluate(
            """([kind, level, seed, image]) => {
                const drawn = NOISES[kind].draw(image.length, randomNumbers(seed));
                return [...NOISES[kind].apply(Float32Array.from(image), level, drawn)];
            }""",
            [kind, level, seed, image.tolist()],
        )
        return np.array(found) - image

    for kind in NOISES:
        assert (noisy(kind, 0) == 0).all()
    one, two = noisy("gaussian", 10), noisy("gaussian", 20)
    np.testing.assert_allclose(two, 2 * one, atol=1e-4)
    assert (abs(one.mean()), one.std()) == pytest.approx((0, 10), abs=0.4)
    assert (noisy("gaussian", 10, seed=1) != one).mean() > 0.99
    changed, more = noisy("salt_and_pepper", 0.2), noisy("salt_and_pepper", 0.4)
    assert (changed != 0).mean() == pytest.approx(0.2, abs=0.02)
    assert ((changed != 0) <= (more != 0)).all()
    assert set(changed[changed != 0] + image[changed != 0]) == {0, 255}
    contrast = NOISES["contrast"].apply(image[None], 0.3, np.random.default_rng(0))
    np.testing.assert_allclose(noisy("contrast", 0.3), contrast[0] - image, atol=1e-3)
    page.close()


@pytest.mark.parametrize(
    ("key", "words"),
    [("weights", "Expected 9898 finite weights"), ("images", "Send as many digits")],
)
def test_what_does_not_fit_is_said_in_the_page(key, words, browser, html, tmp_path):
    text = (html / "light.html").read_text("utf-8")
    short = base64.b64encode(zlib.compress(bytes(4)) if key == "images" else bytes(4))
    path = tmp_path / "bad.html"
    path.write_text(
        re.sub(f'"{key}": "[^"]*"', f'"{key}": "{short.decode()}"', text), "utf-8"
    )
    page = Page(browser, path)
    page.page.wait_for_selector(".explorer-problem")
    assert words in page.page.locator(".explorer-problem").first.inner_text()
    page.close()


def test_a_page_asks_nobody_for_an_explorer(in_page):
    others = ("require", "mathjax")  # what nbconvert's own template asks for
    assert [x for x in in_page.refused if not any(name in x for name in others)] == []


def test_a_browser_without_simd_is_told_what_to_do(browser, html):
    context = browser.new_context()
    context.add_init_script(NO_SIMD)
    page = context.new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto((html / "light.html").as_uri())
    page.wait_for_selector(".explorer-problem")
    words = page.locator(".explorer-problem").first.inner_text()
    assert "SIMD" in words
    assert "Firefox" in words
    context.close()


def test_a_phone(browser, html):
    """400 pixels wide, by touch: nothing sticks out, everything moves."""
    page = Page(browser, html / "light.html", **PHONE)
    shown = page.explorers(SHOWN)
    for explorer in shown:
        assert explorer.part("canvas").first.bounding_box()["width"] < 400
        box = explorer.handle(explorer.sliders()[0]).bounding_box()
        before = explorer.pixels()
        explorer.handle(explorer.sliders()[0]).scroll_into_view_if_needed()
        box = explorer.handle(explorer.sliders()[0]).bounding_box()
        page.page.touchscreen.tap(box["x"] + box["width"] / 3, box["y"] + 8)
        explorer.settle()
        assert explorer.pixels() != before
    pad = shown[1].part(".explorer-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.page.touchscreen.tap(box["x"] + 100, box["y"] + 100)
    shown[1].settle()
    assert "your drawing" in shown[1].status()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.problems == []
    page.close()


# ---- for people


def test_screenshots_for_people(browser, lab, html):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    write_notebook(lab.notebooks / "shown.ipynb", CELLS[: SHOWN + 1])
    notebook = Notebook(browser, lab, "shown.ipynb")
    notebook.run()
    wide = {"viewport": {"width": 1000, "height": 900}}
    for theme in ("light", "dark"):
        notebook.set_theme(theme)
        places = {
            "lab": notebook,
            "page": Page(browser, html / f"{theme}.html", **wide),
            "phone": Page(browser, html / f"{theme}.html", **PHONE),
        }
        for kind, place in places.items():
            for name, explorer in zip(NAMES, place.explorers(SHOWN), strict=True):
                explorer.settle()
                path = SCREENSHOTS / f"{name}-{kind}-{theme}.png"
                explorer.root.screenshot(path=path)
        places["page"].close()
        places["phone"].close()
    notebook.close()
