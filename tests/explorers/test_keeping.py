"""The observer's answers: kept in one browser, saved as a table, pooled for a class."""

import csv
import html
import shutil

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from hands import drawn_explorers
from test_trials import CORNERS, THREES, press, trial, watch

from utils import explorers
from utils.measures import psychometrics
from utils.tools.notebooks import NOTEBOOKS

pytestmark = pytest.mark.browser
FOOT = ".explorer-foot"


@pytest.fixture
def path(tmp_path):
    """A page with an observer, whose every digit is a 3."""
    file = tmp_path / "observer.html"
    file.write_text(f"<!doctype html>{explorers.observer(*THREES).html()}", "utf-8")
    return file


@pytest.fixture
def opened(browser, path):
    """Return a function that opens the page in a browser of its own, at a fragment."""
    contexts = []

    def show(fragment=""):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(path.as_uri() + fragment)
        return drawn_explorers(page, 1)[0]

    yield show
    for context in contexts:
        context.close()


def saved(explorer):
    with explorer.page.expect_download() as found:
        explorer.part(f"{FOOT} button", has_text="Save CSV").click()
    return found.value


def again(explorer):
    explorer.page.reload()
    return drawn_explorers(explorer.page, 1)[0]


def test_answers_are_kept_in_this_browser_until_they_are_forgotten(opened):
    explorer = opened()
    buttons = explorer.part(f"{FOOT} button:disabled")
    assert buttons.all_inner_texts() == ["Save CSV", "Forget"]
    explorer.part("canvas").click()
    for digit in (3, 4, 3):
        press(explorer, digit)
    explorer = again(explorer)
    assert trial(explorer)[0] == 4
    words = explorer.part(FOOT).inner_text()
    assert "Your answers (3) are kept in this browser only" in words
    assert trial(opened())[0] == 1  # another browser
    explorer.part(f"{FOOT} button", has_text="Forget").click()
    explorer.expect("trial 1,")
    assert trial(again(explorer))[0] == 1


@pytest.mark.parametrize("kept", ["{}", "3", "broken"])
def test_an_entry_of_another_form_is_no_answer(kept, opened):
    explorer = opened()
    explorer.page.evaluate(
        "kept => localStorage.setItem(Object.keys(localStorage)[0], kept)", kept
    )
    assert trial(again(explorer))[0] == 1


def test_a_page_that_may_keep_nothing_works_and_says_so(browser, path, tmp_path):
    """In a sandboxed frame, as in a private window that refuses."""
    inside = html.escape(path.read_text("utf-8"))
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe sandbox="allow-scripts" width="900" height="700" srcdoc="{inside}">',
        "utf-8",
    )
    page = browser.new_page()
    page.goto(frame.as_uri())
    (explorer,) = drawn_explorers(page.frames[1], 1)
    explorer.part(".explorer-keys button", has_text="3").click()
    explorer.expect("trial 2,")
    words = explorer.part(FOOT).inner_text()
    assert "Your answers (1) are lost with this page: save them" in words
    page.close()


def test_a_table_has_response_times_and_the_seed_of_the_displays(opened):
    explorer = opened("#explorer=1:observer;seed=7")
    explorer.part("canvas").click()
    levels = []
    for digit, cue in ((3, "none"), (5, CORNERS)):
        explorer.choose("cue-select", cue)
        explorer.settle()
        levels.append(trial(explorer)[1])
        explorer.page.wait_for_timeout(300)
        explorer.part(".explorer-keys button", has_text=f"{digit}").click()
        explorer.expect(f"trial {len(levels) + 1},")
    table = saved(explorer)
    assert table.suggested_filename == "observer-cue=true-seed=7_4.csv"
    head, *rows = csv.reader(table.path().read_text("utf-8").splitlines())
    assert tuple(head) == psychometrics.COLUMNS
    first, second = (dict(zip(head, row, strict=True)) for row in rows)
    times = [int(each.pop("response_ms")) for each in (first, second)]
    assert all(300 <= each < 5_000 for each in times)
    right = {"trial": "1", "answer": "3", "correct": "1", "condition": "uncued"}
    wrong = {"trial": "2", "answer": "5", "correct": "0", "condition": "cued"}
    same = {"label": "3", "seed": "7"}
    assert first == right | same | {"noise_sd": f"{levels[0]}"}
    assert second == wrong | same | {"noise_sd": f"{levels[1]}"}


# ---- a class


def cell(folder):
    """Run the cell of notebook 7; its axes, or none."""
    notebook = nbformat.read(NOTEBOOKS / "07_how_attention_works.ipynb", as_version=4)
    (code,) = (x.source for x in notebook.cells if "class_answers(" in x.source)
    names = {"plt": plt, "np": np, "psychometrics": psychometrics}
    styles = {"dark": {"color": "black"}, "pale": {"color": "grey"}}
    plt.close("all")
    exec(code, {**names, **styles, "answers": str(folder)})
    return plt.gcf().axes


def test_the_files_of_a_class_are_pooled_in_notebook_7(opened, tmp_path, capsys):
    folder, shares = tmp_path / "class", {}
    assert cell(folder) == []
    assert "Put the files of a class there" in capsys.readouterr().out
    folder.mkdir()
    for number in range(3):
        explorer = opened()
        seen = watch(explorer, 120, 18, seed=number)
        saved(explorer).save_as(folder / f"{number}.csv")
        for level in {*seen[:, 0]}:
            shares.setdefault(level, []).append(seen[seen[:, 0] == level, 1].mean())
    (found,) = psychometrics.class_answers(folder).values()
    assert found.noise_sd.tolist() == sorted(shares)
    means = [np.mean(shares[level]) for level in sorted(shares)]
    np.testing.assert_allclose(found.accuracy, means)
    assert found.observers.tolist() == [3] * len(means)
    (ax,) = cell(folder)
    (drawn,) = ax.containers
    np.testing.assert_allclose(drawn[0].get_ydata(), means)
    assert ax.get_legend().texts[0].get_text() == "uncued, 3 observers"
    plt.close("all")
    shutil.copy(folder / "0.csv", folder / "again.csv")
    with pytest.raises(
        ValueError, match=r"again\.csv holds the same answers as 0\.csv"
    ):
        cell(folder)
