"""An explorer from Python: its traits, and what JupyterLab and a page make of them."""

import json
import re
import time
from pathlib import Path

import nbformat
import pytest
from browser import Notebook, check_quiet, write_notebook
from shown import ATTENTION, CELLS, NAMES, NOISE, SETUP
from traitlets import TraitError

from utils import explorers
from utils.attention import KINDS
from utils.data import load_mnist
from utils.explorers.explorer import HERE, SCRIPT
from utils.noise import NOISES

ROOT = Path(__file__).parents[2]
_, (IMAGES, LABELS) = load_mnist()


@pytest.fixture
def noise():
    return explorers.noise(IMAGES[:9], LABELS[:9])


# ---- traits


def test_every_control_is_a_trait_that_is_set_and_observed(noise):
    heard = []
    noise.observe(lambda change: heard.append(change.new), "noise_level")
    noise.noise_level = 40
    noise.digit, noise.fresh_draw = 3, noise.fresh_draw + 1
    assert (noise.noise_level, noise.digit, noise.fresh_draw) == (40, 3, 1)
    assert heard == [40]


def test_a_slider_takes_the_nearest_step(noise):
    noise.noise_level, noise.digit = 40.3, 2.0
    assert (noise.noise_level, noise.digit) == (40.5, 2)
    assert isinstance(noise.digit, int)


def test_controls_have_the_kinds_of_the_registries():
    described = explorers.attention(IMAGES[:9], LABELS[:9]).description["columns"]
    options = {x["name"]: x.get("options") for column in described for x in column}
    assert dict(map(reversed, options["noise"])) == {
        name: kind.label for name, kind in NOISES.items()
    }
    assert {value for _, value in options["attention"]} == set(KINDS) - {"given"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("noise_level", 129, "(SD in grey levels)) to be a number from 0 to 128. Rec"),
        ("noise_level", "40", "a number from 0 to 128. Received '40'"),
        ("digit", -1, "digit (Digit (number)) to be a number from 0 to 8. Received -1"),
        ("digit", float("nan"), "a number from 0 to 8. Received nan"),
        ("noise", "fog", "one of 'gaussian', 'salt_and_pepper', 'contrast'. Received"),
        ("fresh_draw", -1, "how often it was pressed, a whole number of at least 0"),
    ],
)
def test_a_value_that_a_control_cannot_have_is_refused(noise, name, value, words):
    before = getattr(noise, name)
    with pytest.raises(TraitError, match=re.escape(words)):
        setattr(noise, name, value)
    assert getattr(noise, name) == before


def test_answers_are_a_list():
    with pytest.raises(TraitError, match=r"answers to be a list\. Received 3"):
        explorers.observer(IMAGES[:9], LABELS[:9]).answers = 3


def test_the_level_keeps_its_share_when_the_kind_of_noise_changes(noise):
    noise.noise_level = 64
    noise.noise = "salt_and_pepper"
    assert noise.noise_level == 0.5
    with pytest.raises(TraitError, match=r"from 0 to 1\. Received 64"):
        noise.noise_level = 64
    noise.noise_level = 0.25
    noise.noise = "gaussian"
    assert noise.noise_level == 32


@pytest.mark.parametrize("names", [("noise", "noise_level"), ("noise_level", "noise")])
def test_a_page_that_tells_kind_and_level_is_taken_at_its_word(noise, names):
    told = {"noise": "contrast", "noise_level": 0.75}
    noise.set_state({name: told[name] for name in names})
    assert (noise.noise, noise.noise_level) == ("contrast", 0.75)


# ---- the page


def test_an_explorer_is_shown_with_a_kernel_and_without(noise):
    bundle, _ = noise._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    html = bundle["text/html"]
    assert html.startswith('<div class="explorer')
    assert html.count("<script") == html.count("</script>") == 1
    asking = r"https?:|\bsrc=|\burl\(|@import|^import |\bfetch\("
    assert re.findall(asking, html, re.MULTILINE) == []
    assert len(html) < 300_000


def test_the_page_begins_where_the_controls_stand(noise):
    noise.noise_level, noise.digit = 40, 3
    (text,) = re.findall(r"mount\(root, (\{.*)\);", noise.html())
    controls = [each for column in json.loads(text)["columns"] for each in column]
    values = {each["name"]: each["value"] for each in controls}
    assert (values["noise_level"], values["digit"]) == (40, 3)


def scripts_of(path):
    """The outputs of a notebook that hold the explorers' script."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if "function explorerScript()" in html:
                yield html


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_a_committed_notebook_has_the_script_of_today(path):
    style = (HERE / "explorer.css").read_text("utf-8")
    for html in scripts_of(path):
        fresh = SCRIPT in html and style in html
        assert fresh, "a stale explorer: execute the notebook anew (make notebooks)"


@pytest.mark.browser
def test_a_page_makes_no_requests_for_an_explorer(in_page):
    others = ("require", "mathjax")  # what nbconvert's own template asks for
    assert [x for x in in_page.refused if not any(name in x for name in others)] == []


# ---- JupyterLab


def opened(browser, lab, name, *cells):
    write_notebook(lab.notebooks / f"{name}.ipynb", [SETUP, *cells])
    notebook = Notebook(browser, lab, f"{name}.ipynb")
    notebook.run()
    return notebook


@pytest.mark.browser
def test_python_reads_and_sets_what_the_page_shows(lab, browser):
    notebook = opened(browser, lab, "python", ATTENTION)
    (explorer,) = notebook.explorers()
    notebook.python("attention.set_trait('noise_level', 40)")
    explorer.expect("noise 40.0")
    notebook.python("[attention.set_trait('noise', 'contrast')]")
    explorer.expect("noise 0.31")
    for name, value in (("noise_level", 0.25), ("digit", 3), ("fresh_draw", 1)):
        notebook.python(f"attention.set_trait({name!r}, {value})")
    explorer.expect("digit 3 ", "noise 0.25")
    explorer.choose("noise-select", "Salt and pepper")
    explorer.slider("digit-slider").press("ArrowRight")
    wait_for(lambda: notebook.python("attention.digit") == 4)
    found = notebook.python("attention.noise, attention.noise_level")
    assert found == ("salt_and_pepper", 0.25)
    check_quiet(notebook, lab)

    notebook.stop_kernel()  # and it goes on
    picture = explorer.pixels()
    for name in ("digit-slider", "noise-slider", "strength-slider"):
        explorer.slider(name).press("Home" if name == "strength-slider" else "End")
        explorer.settle()
        assert picture != (picture := explorer.pixels())
    explorer.choose("noise-select", "Gaussian noise")
    explorer.expect("noise 128.0")
    notebook.close()


@pytest.mark.browser
def test_an_explorer_shown_twice_stays_in_step_with_itself(lab, browser):
    notebook = opened(browser, lab, "twice", NOISE, "noise")
    first, second = notebook.explorers(2)
    for key, digit in (("ArrowRight", 1), ("ArrowRight", 2), ("End", 499)):
        first.slider("digit-slider").press(key)
        first.expect(f"digit {digit} ")
        second.expect(f"digit {digit} ")
    second.choose("noise-select", "Contrast reduction")
    first.expect("noise 0.20")
    first.type("noise-slider", 0.5)
    second.expect("digit 499 ", "noise 0.50")
    wait_for(lambda: notebook.python("noise.noise_level") == 0.5)
    check_quiet(notebook, lab)
    notebook.close()


@pytest.mark.browser
def test_a_busy_kernel_takes_nothing_back(lab, browser):
    """It says again what it was told, late, while the hand moves on."""
    notebook = opened(browser, lab, "busy", NOISE)
    (explorer,) = notebook.explorers()
    slider, counted = explorer.slider("digit-slider"), [0]
    notebook.page.evaluate(
        "() => { jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code: 'import time; time.sleep(1.5)' }) }"
    )
    slider.press("ArrowRight")
    explorer.expect("digit 1 ")
    time.sleep(0.5)  # the hand rests, and the kernel is told
    for _ in range(40):
        slider.press("ArrowRight")
        explorer.settle()
        counted.append(int(re.search(r"digit (\d+) ", explorer.status())[1]))
        time.sleep(0.05)
    assert counted == [0, *range(2, 42)]
    wait_for(lambda: notebook.python("noise.digit") == 41)
    explorer.expect("digit 41 ")
    check_quiet(notebook, lab)
    notebook.close()


@pytest.mark.browser
def test_another_theme_has_other_colours(in_lab):
    explorer = in_lab.explorers(len(NAMES))[2]
    light = explorer.pixels()
    for theme, same in (("dark", False), ("light", True)):
        in_lab.set_theme(theme)
        wait_for(lambda same=same: (explorer.pixels() == light) == same)


@pytest.mark.browser
def test_a_saved_notebook_is_alive_without_a_kernel(lab, browser):
    notebook = opened(browser, lab, "kept", *CELLS[1:])
    first, *_ = notebook.explorers(len(NAMES))
    notebook.save()
    first.slider("digit-slider").press("End")
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
        explorer.slider("digit-slider").press("End")
        explorer.slider("noise-slider").press("ArrowDown")
        explorer.settle()
        assert explorer.pixels() != picture
    assert notebook.page.locator(".jp-Cell").count() == cells
    said = [x for x in notebook.problems if not re.search("debug|[Kk]ernel is", x)]
    assert said == []  # but for JupyterLab, which misses the kernel
    notebook.close()


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
