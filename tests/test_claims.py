"""Every claim carries the number that the records give, wherever it stands."""

import dataclasses
import re

import nbformat
import numpy as np
import pytest

from utils import (
    claims,
    contrasts,
    displaced,
    notebooks,
    profiles,
    replication,
    study,
    training,
)
from utils.records import Store

README = (notebooks.ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def made():
    return claims.claims()


def markdown_shown(number):
    """All Markdown that the code cells of a committed notebook show."""
    (path,) = notebooks.NOTEBOOKS.glob(f"{number}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    return [
        output["data"]["text/markdown"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    ]


def test_keys_are_unique_and_sentences_whole(made):
    keys = [each.key for each in made]
    assert len(set(keys)) == len(keys)
    for each in made:
        assert each.sentence.endswith("."), each.key
        assert "{" not in each.sentence, each.key
        assert each.runs > 0


def test_a_sentence_carries_its_number_and_interval(made):
    for each in made:
        number = {"points": "+.1f", "dB": "+.1f", "times": ".1f"}.get(each.unit)
        if number:
            assert f"{each.value:{number}} {each.unit}" in each.sentence, each.key
            span = f"interval {each.low:{number}} to {each.high:{number}}"
            assert span in each.sentence, each.key
            assert each.low <= each.value <= each.high, each.key


def test_what_is_said_in_bold_holds(made):
    """Headings state a direction; the intervals must lie on that side."""
    found = {each.key: each for each in made}
    assert found["gain, mismatch"].low > 0
    assert found["rate"].low > 0
    assert found["flat"].value < 1e-6
    assert found["erratic"].low > 50
    assert found["N, one"].high < 0
    assert found["N, between"].high < 0
    assert found["gain, matched"].high < found["gain, mismatch"].low
    assert abs(found["as coded"].value) < 1
    assert found["uncertain"].low > 0
    assert found["uncertain, place"].low > 0
    assert found["necessary"].high < 0
    assert found["pointing"].low > 50


def test_every_claim_of_the_readme_is_one_of_these(made):
    """Sentences under "What was found" that carry a result, and no others."""
    text = README.split("## What was found")[1].split("\n## ")[0]
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    bullets = re.findall(r"^- (.*?)(?=^- |^$|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert len(bullets) > 5
    sentences = {each.sentence for each in made}
    for bullet in bullets:
        assert " ".join(bullet.split()) in sentences, bullet


@pytest.mark.parametrize(
    ("number", "chosen"),
    [("05", claims.about_the_post), ("06", claims.about_places)],
)
def test_every_claim_stands_in_its_notebook_as_the_records_give_it(number, chosen):
    shown = markdown_shown(number)
    (table,) = (text for text in shown if text.startswith("| claim |"))
    assert table == claims.table(chosen())
    for each in chosen():
        assert each.sentence in table
        if not each.key.startswith("published"):
            assert each.sentence in shown, f"{each.key} is not said in the text"


def test_a_claim_is_said_by_its_key(made):
    assert claims.say("flat").data == made[4].sentence
    with pytest.raises(KeyError, match=r"No claim 'telepathy'\. Expected one of pub"):
        claims.say("telepathy")


def test_p_values_are_corrected_for_their_number(made):
    tested = [each for each in made if not np.isnan(each.p)]
    assert len(tested) >= 8
    rows = claims.table(tested[:1]).splitlines()
    assert f"| {tested[0].p:.2g} |" in rows[2]  # one test: nothing to correct
    smallest = min(tested, key=lambda each: each.p)
    (row,) = (
        row for row in claims.table(made).splitlines() if smallest.sentence in row
    )
    assert f"| {min(1, smallest.p * len(tested)):.2g} |" in row


def test_a_changed_record_changes_the_claim(monkeypatch, made):
    """The guard itself can fail: swap the arms and no sentence survives."""
    swapped = {**profiles.arms()}
    swapped["ones"], swapped["gain_1/15"] = swapped["gain_1/15"], swapped["ones"]
    monkeypatch.setattr(profiles, "arms", lambda: swapped)
    cached = (
        contrasts.records,
        contrasts.contrast,
        contrasts.contrast_after_an_epoch,
        claims.about_the_post,
    )
    for each in cached:
        each.cache_clear()
    try:
        other = {each.key: each.sentence for each in claims.about_the_post()}
    finally:
        monkeypatch.undo()
        for each in cached:
            each.cache_clear()
    before = {each.key: each.sentence for each in made}
    assert other["gain, mismatch"] != before["gain, mismatch"]
    assert other["published clean"] == before["published clean"]


def test_the_committed_store_holds_the_studies_and_nothing_else():
    whole = ("published", "guided", "rates", "paired")
    whole += ("displaced_rates", "displaced", "displaced_probes")
    names = {spec.name for name in whole for spec in study.profile(name)}
    assert set(Store(replication.RECORDS).names()) == names


@pytest.mark.slow
def test_runs_of_the_paired_study_come_out_again():
    """Two runs from scratch: within the spread of their arm, whatever the processor.

    Single images in another rounding lead elsewhere, so equality is not asked for.
    """
    for arm, seed in (("ones_tuned", 3), ("energy_tuned", 7)):
        spec = profiles.arms()[arm][seed]
        (again, *_) = training.train(spec, progress=False).record["epochs"]
        runs = contrasts.curve(arm)[:, 0]
        assert runs.min() - 0.02 < again["accuracy_matched"] < runs.max() + 0.02, arm


@pytest.mark.slow
def test_runs_of_the_displaced_study_come_out_again():
    """The first epoch of two runs, on the images of the learning curves."""
    for arm, seed in ((displaced.CONTROL, 1), (displaced.ATTENDED, 2)):
        spec = profiles.arm(arm)[seed]
        short = {"epochs": 1, "test_images": spec.curve_images, "test_noise_sds": ()}
        spec = dataclasses.replace(spec, **short)
        (again,) = training.train(spec, progress=False).record["epochs"]
        runs = contrasts.curve(arm)[:, 0]
        assert runs.min() - 0.04 < again["accuracy_matched"] < runs.max() + 0.04, arm
