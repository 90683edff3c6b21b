"""The N likeliest digits: what the networks differ in, and what one of them guesses."""

import attrs
import numpy as np
import pytest

from utils.model import build_model, predict, set_weights
from utils.runs.arms import Arm
from utils.runs.store import COMMITTED
from utils.studies import likeliest
from utils.studies.likeliest import AMONG, COUNTS, DISPLAYS, NETWORKS
from utils.training import train


def test_networks_differ_in_n_only():
    for beside, several in AMONG.items():
        assert [*several] == [*COUNTS]
        assert {each.spec.display for each in several.values()} == {DISPLAYS[beside]}
        n = [each.spec.attention_parameters.get("n") for each in several.values()]
        assert n == [*COUNTS[:-1], None]  # 10 is the control
        assert several[10].spec.attention == "ones"
    alike = {"attention": "ones", "attention_parameters": {}, "display": None}
    assert len({attrs.evolve(each.spec, **alike) for each in NETWORKS}) == 1


@pytest.mark.parametrize("beside", DISPLAYS)
def test_first_guesses_are_those_of_the_first_look(beside, monkeypatch):
    monkeypatch.setattr(likeliest, "EVERY", 5)
    monkeypatch.setattr(likeliest, "UPDATES", 10)
    monkeypatch.setattr(likeliest, "LOOKED_AT", 40)
    arm = Arm("", attrs.evolve(AMONG[beside][1].spec, learning_rate=0.01), range(3, 5))
    early, late = likeliest._first_guesses(arm)
    assert (early["update"], late["update"]) == (5, 10)
    few = {"images": 20, "epochs": 2, "curve_images": None, "test_images": 40}
    again = train(attrs.evolve(arm.specs[0], **few), progress=False)
    model = build_model("top_n", image_shape=arm.spec.display.shape)
    set_weights(model, again.weights)
    images, named = likeliest._looked_at(arm)
    evidence, p = predict(model, images, ("dense_2", "softmax"))
    first, second = evidence.mean((1, 2)).argmax(1), p.argmax(1)
    assert late["guessed"] == [np.mean(first == digit) for digit in range(10)]
    assert late["first"] == np.mean((first == named).any(0))
    assert late["second"] == np.mean((second == named).any(0))
    assert len(named) == 1 + (beside == "second digit")


def test_the_first_guesses_that_are_shown_are_kept():
    files = (COMMITTED.folder / "derived").glob("likeliest.first_guesses-*.json")
    assert len([*files]) == len(DISPLAYS)
    for several in AMONG.values():
        looks = likeliest.first_guesses(several[1].arm(likeliest.SEEDS))
        assert [each["update"] for each in looks] == [*range(50, 1_001, 50)]
        assert all(sum(each["guessed"]) == pytest.approx(1) for each in looks)
