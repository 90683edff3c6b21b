"""The series for a class: solutions apart, exercises by time, minutes of sections."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.tools import course, notebooks

PATHS = notebooks.paths()
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
HIDDEN = "<details><summary>Solution</summary>\n\n{}\n\n</details>"


def read(path):
    return nbformat.read(path, as_version=4)


def text_of(notebook):
    cells = (cell for cell in notebook.cells if cell.cell_type == "markdown")
    return "\n".join(cell.source for cell in cells)


def a_notebook(last, *others):
    """A notebook with an opening, other texts, and exercises in its last cell."""
    texts = ["# 9. Small\n\nAn opening.", *others, last]
    return new_notebook(cells=[new_markdown_cell(each) for each in texts])


# --- Both folders ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folders that the command of `make course` writes, and what it prints."""
    folder = tmp_path_factory.mktemp("course")
    done = subprocess.run(
        [sys.executable, "-m", "utils.tools.course", "build"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(notebooks.ROOT)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ") for line in done.stdout.splitlines())
    return {name.lower(): folder / place for name, place in said.items()}


def test_both_folders_hold_the_whole_series(built):
    assert built.keys() == {"notebooks", "solutions"}
    for folder in built.values():
        assert {path.name for path in folder.iterdir()} == {p.name for p in PATHS}


@every_notebook
def test_students_get_an_empty_cell_for_each_solution(path, built):
    original, made = read(path), read(built["notebooks"] / path.name)
    nbformat.validate(made)
    kept = len(original.cells) - 1
    assert made.cells[:kept] == original.cells[:kept]
    _, found, _ = course.exercises(original)
    text = text_of(made)
    assert text.count("<details>") == text_of(original).count("<details>") - len(found)
    for number, exercise in enumerate(found, 1):
        assert exercise.solution not in text
        place = next(i for i, x in enumerate(made.cells) if exercise.text in x.source)
        assert made.cells[place].source.startswith(f"{number}. ")
        after = made.cells[place + 1]
        assert (after.cell_type, after.source) == ("code", "")


@every_notebook
def test_teachers_get_each_exercise_with_its_solution(path, built):
    made = read(built["solutions"] / path.name)
    nbformat.validate(made)
    _, *cells = made.cells
    _, found, _ = course.exercises(read(path))
    for cell, exercise in zip(cells, found, strict=True):
        before, solution = cell.source.split("**Solution.**")
        assert exercise.text in before
        assert solution.strip()
        assert "details>" not in cell.source


@every_notebook
@pytest.mark.parametrize("part", ["notebooks", "solutions"])
def test_links_between_notebooks_work(path, part, built):
    links = re.findall(r"\]\(([^)#]+\.ipynb)", text_of(read(built[part] / path.name)))
    assert links or path == PATHS[-1]
    for link in links:
        assert (built[part] / link).resolve().parent == built["notebooks"]
        assert (built[part] / link).exists(), link


def test_a_link_in_a_solution_leads_to_the_notebooks():
    one = f"1. **5 minutes.** Why?\n\n{HIDDEN.format('See [2](02_two.ipynb).')}"
    made = course.for_teachers(a_notebook(f"## Exercises\n\n{one}"), "09_small.ipynb")
    assert "[2](../notebooks/02_two.ipynb)" in made.cells[1].source
    assert "(../notebooks/09_small.ipynb)" in made.cells[0].source


# --- Exercises ------------------------------------------------------------------------


@every_notebook
def test_exercises_begin_with_two_warm_ups_and_become_longer(path):
    times = [each.minutes for each in course.exercises(read(path))[1]]
    assert times[:2] == [5, 5]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("## Summary", 'Expected "## Exercises" in the last cell'),
        (f"## Exercises\n\n1. Why?\n\n{HIDDEN.format('So.')}", r"exercise 1 .*'Why\?'"),
        ("## Exercises\n\n1. **5 minutes.** Why?", "end with one <details>"),
        (
            f"## Exercises\n\n1. **5 minutes.** Why?\n\n{HIDDEN.format('So.') * 2}",
            "one <details>",
        ),
    ],
    ids=["no exercises", "no minutes", "no solution", "two solutions"],
)
def test_exercises_that_cannot_be_told_from_their_solutions_are_refused(last, message):
    with pytest.raises(ValueError, match=message):
        course.for_students(a_notebook(last))


# --- Minutes --------------------------------------------------------------------------


def test_minutes_count_text_answers_and_code_up_to_the_summary():
    answer = f"<details><summary>Answer</summary>\n\n{'word ' * 149}\n\n</details>"
    sections = f"## Long\n\n{answer}", "Of it.\n\n## Short\n\nA text.\n\n## Summary"
    notebook = a_notebook("word " * 1_000, *sections)
    assert course.minutes(notebook) == {"Long": 2, "Short": 1}  # 152 words, and 2
    notebook.cells.insert(2, new_code_cell("a = 1\n" * 50))
    assert course.minutes(notebook) == {"Long": 3, "Short": 1}  # 302


@every_notebook
def test_the_opening_says_the_minutes_of_each_section(path):
    notebook = read(path)
    said = notebook.cells[0].source.split("\n\n")[-1]
    assert said == course.in_words(notebook), (
        "count them again: python -m utils.tools.course minutes"
    )
