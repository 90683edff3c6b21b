"""What Python sends of networks that learn in a page, and what it refuses."""

import numpy as np
import pytest
from test_packing import images_in

from utils import explorers
from utils.data import load_mnist
from utils.displays import Display
from utils.explorers.learners import LARGE, MOST_DIGITS, ONE_IN
from utils.spec import RunSpec
from utils.studies import uncertain_place

_, (IMAGES, LABELS) = load_mnist()


def test_the_first_digits_are_learnt_from_or_score():
    data = explorers.learning(IMAGES, LABELS, RunSpec()).description["data"]
    images = [images_in(data, part) for part in ("digits", "test_digits")]
    labels = [data[part]["labels"] for part in ("digits", "test_digits")]
    assert len(images[1]) == len(labels[1]) == MOST_DIGITS // ONE_IN
    np.testing.assert_array_equal(np.concatenate(images), IMAGES[:MOST_DIGITS])
    assert labels[0] + labels[1] == LABELS[:MOST_DIGITS].tolist()


def test_it_begins_with_what_a_run_says():
    run = uncertain_place.arm(uncertain_place.ENERGY).spec
    explorer = explorers.learning(IMAGES[:40], LABELS[:40], run)
    assert (explorer.attention, explorer.control) == ("energy", "ones")
    assert explorer.canvas == "60 x 60"
    assert explorer.learning_rate == run.learning_rate
    assert (explorer.training_noise, explorer.noise_level) == (120, 120)
    assert explorer.description["data"]["settings"] == {
        "noise_varies": True,
        "optimizer": "adam",
        "learning_rate_decay": run.learning_rate_decay,
        "batch": run.batch_size,
        "seed": run.seed,
    }
    own = RunSpec(attention="top_n", attention_parameters={"n": 3}, strength=0.5)
    data = explorers.learning(IMAGES[:40], LABELS[:40], own).description["data"]
    for canvas in data["canvases"].values():
        assert canvas["parameters"]["top_n"] == {"n": 3, "strength": 0.5}


def test_a_canvas_holds_the_digits():
    for size, canvases in ((28, {"28 x 28", "60 x 60"}), (70, {"70 x 70"})):
        images = np.zeros((ONE_IN, size, size))
        explorer = explorers.learning(images, np.zeros(ONE_IN, int), RunSpec())
        assert set(explorer.description["data"]["canvases"]) == canvases
    assert LARGE == (60, 60)


@pytest.mark.parametrize(
    ("count", "run", "words"),
    [
        (ONE_IN - 1, RunSpec(), "Expected 20 images or more.*Received 19"),
        (0, RunSpec(), "one or more"),
        (40, RunSpec(input_scale=0.5), "'input_scale': 0.5"),
        (40, RunSpec(stops_gradient=True), "'stops_gradient': True"),
        (40, RunSpec("given", display=Display()), "attention='given'"),
        (40, RunSpec(display=Display(80, 60)), "3 x 3 to 76 x 76.*Received 80 x 60"),
    ],
)
def test_runs_that_a_page_cannot_learn_are_refused(count, run, words):
    with pytest.raises(ValueError, match=words):
        explorers.learning(IMAGES[:count], LABELS[:count], run)
