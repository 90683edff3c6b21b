"""Links: an explorer opened in a fresh browser as another reader left it."""

import io
import re

import pytest
from canvas_page import FEW, IMAGES, LABELS, place
from hands import drawn_explorers
from PIL import Image
from shown import NAMES, STUDY

from utils import explorers
from utils.displays import Display
from utils.training import RunSpec

pytestmark = pytest.mark.browser
FRAGMENT = re.compile(r"^file:.*\.html#explorer=1:([\w-]+);?(.*)$")


def learning():
    run = RunSpec("energy", noise_sd=80.0, display=Display(40, 40), batch_size=4)
    return explorers.learning(IMAGES[:60], LABELS[:60], run)


def study():
    scope = {}
    exec(STUDY, scope)
    return explorers.study(scope["records"])


MADE = {
    name: lambda name=name: getattr(explorers, name)(IMAGES[:FEW], LABELS[:FEW])
    for name in ("noise", "attention", "display", "competition", "observer", "inside")
} | {"learning": learning, "study": study}


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that opens a page of explorers in a browser of its own."""
    pages = []

    def show(*made, fragment="", **context):
        path = tmp_path / f"{len(pages)}.html"
        html = "".join(each.html() for each in made)
        path.write_text(f"<!doctype html>{html}", "utf-8")
        page = browser.new_page(**context)
        page.on("pageerror", lambda error: pages.append(error.stack))
        page.goto(path.as_uri() + fragment)
        pages.append(page)
        return drawn_explorers(page, len(made))

    yield show
    for page in pages:
        assert not isinstance(page, str), page
        page.close()


def copied(explorer):
    """The link that the explorer copies, and what it says of it."""
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explorer.part(".explorer-foot button", has_text="Copy link").click()
    explorer.expect("is copied")
    return explorer.page.evaluate("navigator.clipboard.readText()"), explorer.status()


def follow(opened, made, url):
    (explorer,) = opened(made, fragment="#" + url.partition("#")[2])
    return explorer


def move_all(explorer):
    """Each control that a link has, to its last value."""
    for select in explorer.part(".explorer-controls select").all():
        select.select_option(index=select.locator("option").count() - 1)
    for name in explorer.sliders():
        explorer.slider(name).press("End")
        explorer.slider(name).press("ArrowLeft")
    for button in explorer.part(".fresh-draw button").all():
        button.click()
    explorer.settle()


@pytest.mark.parametrize("name", MADE)
def test_a_link_opens_the_same_picture(name, opened):
    made = MADE[name]()
    (explorer,) = opened(made)
    url, _ = copied(explorer)
    start = explorer.pixels()
    move_all(explorer)
    moved, _ = copied(explorer)
    assert FRAGMENT.match(moved)[1] == name
    pictures = [start, explorer.pixels()]
    assert pictures[0] != pictures[1]
    for link, picture in zip((url, moved), pictures, strict=True):
        other = follow(opened, made, link)
        other.settle()
        assert other.pixels() == picture
        assert "refused" not in other.status()


def test_a_link_has_the_place_of_the_digit_and_the_score(opened):
    made = MADE["display"]()
    (explorer,) = opened(made)
    explorer.part(".explorer-handle").press("ArrowDown")
    explorer.press("play-100")
    explorer.expect("right of 100", seconds=30)
    explorer.settle()
    row, col = place(explorer)
    url, _ = copied(explorer)
    assert FRAGMENT.match(url)[2] == f"play_100=1;place={row}_{col}"
    other = follow(opened, made, url)
    other.expect("right of 100", seconds=30)
    other.settle()
    assert other.pixels() == explorer.pixels()


def draw(explorer, strokes):
    pad = explorer.part(".explorer-pad canvas")
    pad.scroll_into_view_if_needed()
    box, mouse = pad.bounding_box(), explorer.page.mouse
    for stroke in range(strokes):
        mouse.move(box["x"] + 40, box["y"] + 40 + stroke % 150)
        mouse.down()
        mouse.move(box["x"] + 160, box["y"] + 60 + stroke % 150, steps=9)
        mouse.up()
    explorer.expect("your drawing")


def test_a_drawing_is_in_a_link_if_it_is_short(opened):
    made = MADE["attention"]()
    (explorer,) = opened(made)
    draw(explorer, 2)
    url, said = copied(explorer)
    assert "without" not in said
    other = follow(opened, made, url)
    other.expect("your drawing")
    other.settle()
    assert other.pixels() == explorer.pixels()
    draw(explorer, 60)
    url, said = copied(explorer)
    assert "is copied, without the drawing, which is too long for it" in said
    assert FRAGMENT.match(url)[2] == ""


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("1:display;noise_level=999;digit=3", "noise_level=999 (not from 0 to 240)"),
        ("1:display;digit=3;cue=fog", "cue=fog"),
        ("1:display;digit=3;haste=1;constructor=1", "haste=1; constructor=1"),
        ("1:display;digit=3;place=33_0", "place=33_0"),
        ("1:display;digit=3;place=%zz", "place=%zz"),
        ("1:display;digit=3;play_100=-1", "play_100=-1"),
        ("1:display;digit=3;noise_level=", "noise_level= (not from 0 to 240)"),
        ("2:display;digit=0", 'version "2" (not 1)'),
        ("1:study;digit=0", 'explorer "study", which this page does not have'),
        ("nonsense", 'version "nonsense" (not 1)'),
    ],
)
def test_what_is_not_possible_is_refused_by_name_and_the_rest_taken(
    fragment, words, opened
):
    (explorer,) = opened(MADE["display"](), fragment=f"#explorer={fragment}")
    digit = 3 if "digit=3" in fragment else 0
    explorer.expect(f"digit {digit} ", "noise 120:")
    assert explorer.status().endswith(f"Of the link, this is refused: {words}")
    explorer.slider("digit-slider").press("ArrowRight")
    explorer.expect(f"digit {digit + 1} ")
    assert "refused" not in explorer.status()


@pytest.mark.parametrize("text", ["100.40_110.100_", "100.40*", "-1.5_2.2", "x"])
def test_a_drawing_that_was_cut_short_is_refused(text, opened):
    (explorer,) = opened(
        MADE["attention"](), fragment=f"#explorer=1:attention;drawing={text}"
    )
    explorer.expect("digit 0 ", f"refused: drawing={text}")


def test_a_link_keeps_a_prediction(opened):
    runs = {"networks": [[0.7, 0.8], [0.5, 0.6]]}
    made = explorers.prediction("accuracy", runs, (0, 80), xlabel="noise")
    (explorer,) = opened(made, fragment="#explorer=1:prediction;answer=0.2_0.9")
    points = (
        "[...document.querySelectorAll('.explorer-point input')].map((x) => x.value)"
    )
    assert explorer.page.evaluate(points) == ["0.2", "0.9"]
    assert FRAGMENT.match(copied(explorer)[0])[2] == "answer=0.2_0.9"
    (explorer,) = opened(made, fragment="#explorer=1:prediction;answer=0.2_7")
    explorer.expect("refused: answer=0.2_7")


def test_a_link_goes_to_its_explorer_even_from_the_page_itself(opened):
    made = MADE["noise"]()
    first, second = opened(made, MADE["noise"]())
    count = first.page.evaluate("history.length")
    first.slider("digit-slider").press("End")
    second.slider("digit-slider").press("ArrowRight")
    second.expect("digit 1 ")
    assert "#" not in first.page.url
    assert first.page.evaluate("history.length") == count
    url, _ = copied(second)
    assert FRAGMENT.match(url).groups() == ("noise-2", "digit=1")
    first.page.evaluate("location.hash = '#explorer=1:noise-2;digit=2'")
    second.expect("digit 2 ")
    first.expect("digit 29 ")
    for name, explorer in (("noise", first), ("noise-2", second)):
        first.page.evaluate(f"location.hash = '#explorer=1:{name};digit=5'")
        explorer.expect("digit 5 ")
        top = explorer.root.evaluate("root => root.getBoundingClientRect().top")
        ends = "scrollY + innerHeight >= document.documentElement.scrollHeight - 1"
        assert abs(top) < 2 or first.page.evaluate(ends)


def test_where_copying_is_not_allowed_the_link_is_shown(opened):
    (explorer,) = opened(MADE["noise"]())
    explorer.page.evaluate("delete Navigator.prototype.clipboard")
    explorer.part(".explorer-foot button", has_text="Copy link").click()
    explorer.expect("does not let the page copy", "#explorer=1:noise")


def test_a_picture_is_saved_at_twice_the_resolution_with_its_words(opened):
    (explorer,) = opened(MADE["display"]())
    explorer.type("noise-slider", 80)
    style = explorer.part(".explorer-handle").get_attribute("style")
    with explorer.page.expect_download() as found:
        explorer.part("button", has_text="Save picture").click()
    assert found.value.suggested_filename == "display-noise_level=80.png"
    picture = Image.open(io.BytesIO(found.value.path().read_bytes())).convert("L")
    assert picture.width == 2 * 860
    assert picture.height > 2 * 500
    below = picture.crop((0, 2 * 500, picture.width, picture.height))
    assert below.getextrema()[0] < 100 < 250 < below.getextrema()[1]
    assert explorer.part(".explorer-handle").get_attribute("style") == style


def test_jupyterlab_has_no_link_and_saves_a_picture(in_lab):
    explorer, *_ = in_lab.explorers(len(NAMES))
    assert explorer.part("button", has_text="Copy link").count() == 0
    with in_lab.page.expect_download() as found:
        explorer.part("button", has_text="Save picture").click()
    assert found.value.suggested_filename == "noise.png"
