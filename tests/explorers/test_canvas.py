"""Two networks that look at a canvas: against Keras, cued, scored, from Python."""

import numpy as np
import pytest
from browser import Notebook, check_quiet, write_notebook
from canvas_page import (
    CANVAS,
    FEW,
    IMAGES,
    LABELS,
    looked,
    place,
    play,
    said,
)
from shown import SETUP

from utils import explorers
from utils.displays import CUE_SD, cue_maps
from utils.explorers.canvas import ALONE, ATTENDED, PAIR
from utils.explorers.shipped import trained_model
from utils.model import attention_maps, build_model, map_shape, predict

pytestmark = pytest.mark.browser


def own_model():
    return build_model(
        "normalised", image_shape=CANVAS, seed=3, sigma=2.0, strength=0.5
    )


@pytest.mark.parametrize("own", [None, own_model], ids=["shipped", "own"])
def test_both_networks_answer_as_keras_does(own, open_canvas):
    attended = own() if own else trained_model(ATTENDED, ALONE)
    explorer = open_canvas(own and attended)
    explorer.slider("fragments-slider").press("End")
    explorer.choose("second-select", "one")
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


def test_a_cue_multiplies_the_map(open_canvas):
    explorer = open_canvas()
    explorer.choose("second-select", "one")
    explorer.expect("a second digit")
    (_, uncued), (_, control) = looked(explorer)
    explorer.choose("cue-select", "marks the digit")
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


def test_the_cue_is_the_map_of_a_network_that_learnt_with_one(open_canvas):
    explorer = open_canvas(made=explorers.competition(IMAGES[:FEW], LABELS[:FEW]))
    cued, uncued = (trained_model(kind, PAIR) for kind in ("given", "ones"))
    corner = np.array([place(explorer)])
    at_digit = cue_maps(corner, (28, 28), map_shape(CANVAS), CUE_SD)
    for cue, gains in (("marks the digit", at_digit), ("none", np.ones_like(at_digit))):
        explorer.choose("cue-select", cue)
        (seen, p), (_, control) = looked(explorer)
        gains = gains / gains.mean()
        expected = predict(cued, [seen[None], gains])[0]
        np.testing.assert_allclose(p, expected, atol=1e-4)
        np.testing.assert_allclose(control, predict(uncued, seen[None])[0], atol=1e-4)


def test_intrusions_are_counted_beside_right_answers(open_canvas):
    explorer = open_canvas(made=explorers.competition(IMAGES, LABELS))
    scores = {}
    for cue in ("marks the digit", "marks the other place"):
        explorer.choose("cue-select", cue)
        before = len(explorer.page.evaluate("statuses"))
        explorer.press("play-100")
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


def test_a_hundred_displays_are_played_and_counted(open_canvas):
    explorer = open_canvas()
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


def test_the_score_is_of_one_condition_and_the_same_displays(open_canvas):
    explorer = open_canvas()
    first = play(explorer)
    explorer.slider("digit-slider").press("End")
    explorer.expect("digit 29", "right of 100")  # no condition
    explorer.press("play-100")
    explorer.expect("right of 200", seconds=30)
    explorer.press("play-100")
    explorer.expect("right of 22")
    explorer.slider("noise-slider").press("Home")  # while it plays
    explorer.expect("noise 0:")
    updates = explorer.updates()
    explorer.page.wait_for_timeout(200)
    assert explorer.updates() == updates
    assert "shown" not in said(explorer.status())
    explorer.type("noise-slider", 120)
    again = play(explorer)
    for name in ("attended_right", "control_right"):
        assert again[name] == first[name]


def test_it_lives_in_jupyterlab_and_python_sets_it(browser, lab):
    cells = [
        SETUP,
        "display = explorers.display(images, labels)\ndisplay",
        "display.noise_level, display.digit, display.second_digit = 0, 3, True",
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


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((1, 61, 28)), "fit a canvas of 60 x 60.*Received 61 x 28"),
        (np.zeros((1, 28)), r"Received shapes \(1, 28\)"),
    ],
)
def test_digits_larger_than_the_canvas_are_refused(images, words):
    with pytest.raises(ValueError, match=words):
        explorers.display(images, [0])
