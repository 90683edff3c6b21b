"""The explorer of a study: its arms, and the runs that a pointer picks."""

import pytest
from shown import NAMES

from utils import explorers
from utils.attention import KINDS
from utils.explorers.curves import study_arms


def record_of(seed, clean, **spec):
    epochs = [
        {"epoch": i + 1, "accuracy_clean": x, "accuracy_matched": x / 2}
        for i, x in enumerate(clean)
    ]
    settings = {"attention": "ones", "noise_sd": 2.5, "images": 100, **spec}
    return {"spec": {**settings, "seed": seed}, "epochs": epochs}


def test_arms_are_runs_that_differ_in_their_seed():
    records = [
        record_of(1, [0.7, 0.8]),
        record_of(0, [0.5, 0.6]),
        record_of(0, [0.9], attention="as_coded", noise_sd=0.0),
        record_of(0, [0.4], attention="top_n", attention_parameters={"n": 3}),
    ]
    arms = {arm["label"]: arm["runs"] for arm in study_arms(records)}
    control = arms[f"{KINDS['ones'].label}, noise SD 2.5"]
    assert [run["seed"] for run in control] == [0, 1]
    assert control[0]["accuracy_clean"] == [0.5, 0.6]
    published = arms[f"{KINDS['as_coded'].label}, noise SD 0"]
    assert published[0]["accuracy_matched"] == [0.45]
    (label,) = (label for label in arms if label.startswith(KINDS["top_n"].label))
    assert "'n': 3" in label
    assert "images" not in label  # the same for all


def test_a_study_explorer_holds_its_runs():
    explorer = explorers.study([record_of(s, [0.5, 0.6, 0.7]) for s in range(4)])
    assert (explorer.epoch, explorer.run) == (3, "all")
    explorer.run, explorer.condition = 4, "accuracy_matched"
    (cell,) = (x for x in explorer.description["columns"][0] if x["name"] == "cell")
    assert explorer.cell == cell["options"][0][0]


def test_a_study_without_records_says_how_to_get_some():
    with pytest.raises(ValueError, match=r"received none\. Run a study first"):
        explorers.study([])


@pytest.mark.browser
def test_the_pointer_picks_a_run_of_a_study(in_page):
    study = in_page.explorers(len(NAMES))[2]
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
    assert found == study.status()
