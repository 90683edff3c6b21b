"""The series for a class: `make course` writes `build/course/`.

`notebooks/` holds the series without the solutions of its exercises; after each
exercise there is an empty cell for the answer. `solutions/` holds a notebook for each,
with the exercises and their solutions. Nothing is executed.

The opening of a notebook says how many minutes each section takes. After a change of
the text, `python -m utils.tools.course minutes` counts them again.
"""

import argparse
import math
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.files import write
from utils.tools import notebooks

OUT = Path("build/course")
READING = 150  # words a minute, in text and in code
RUNNING = 1  # minute: every notebook runs within it
GRADES = (5, 15, 45)  # minutes that an exercise may take
HEADING = "## Exercises\n"
EXERCISE = re.compile(
    rf"(?P<text>\*\*(?P<minutes>{'|'.join(map(str, GRADES))}) minutes\.\*\* .+?)\s*"
    r"<details><summary>Solution</summary>\n(?P<solution>.+?)</details>\s*",
    re.S,
)
LINK = re.compile(r"\]\((?=\d\d_\w+\.ipynb)")
MINUTES = re.compile(r"\n\n\*\*Minutes\.\*\* .+")  # the last paragraph of an opening


class Exercise(NamedTuple):
    """An exercise of a notebook."""

    text: str  # Markdown, which begins with its minutes
    minutes: int
    solution: str  # Markdown


def exercises(notebook) -> tuple[str, list[Exercise], str]:
    """The exercises in the last cell of a notebook.

    Returns:
        The text of the cell before them, the exercises, and the text after them.

    Raises:
        ValueError: if there are none, if one does not begin with its minutes, or if one
            does not have exactly one solution.
    """
    before, heading, rest = notebook.cells[-1].source.partition(HEADING)
    if not heading:
        raise ValueError(
            f'Expected "{HEADING.strip()}" in the last cell. Received a cell without '
            "it. Add exercises to the notebook."
        )
    listed, after = re.match(r"(.*?)(^(?:## |Next: ).*|\Z)", rest, re.S | re.M).groups()
    found = []
    for item in re.split(r"^\d+\. ", listed, flags=re.M)[1:]:
        first, _, others = item.partition("\n")
        match = EXERCISE.fullmatch(f"{first}\n{textwrap.dedent(others)}")
        if not match or "<details>" in match["solution"]:
            raise ValueError(
                f'Expected exercise {len(found) + 1} to begin with "**5 minutes.** " '
                f"(or {', '.join(map(str, GRADES[1:]))}) and to end with one <details> "
                f"block whose summary is Solution. Received {first[:60]!r}. Correct it "
                "in the notebook."
            )
        text, solution = match["text"], match["solution"].strip()
        found.append(Exercise(text, int(match["minutes"]), solution))
    return before, found, after.strip()


def for_students(notebook):
    """A notebook with an empty cell in place of each solution; its outputs stay."""
    before, found, after = exercises(notebook)
    last = new_markdown_cell(f"{before}{HEADING}".strip(), id=notebook.cells[-1].id)
    cells = [*notebook.cells[:-1], last]
    for number, exercise in enumerate(found, 1):
        text = f"{number}. {exercise.text}"
        cells.append(new_markdown_cell(text, id=f"exercise-{number}"))
        cells.append(new_code_cell(id=f"answer-{number}"))
    if after:
        cells.append(new_markdown_cell(after, id="after"))
    metadata = {k: v for k, v in notebook.metadata.items() if k != "executed"}
    return new_notebook(cells=cells, metadata=metadata)


def for_teachers(notebook, name: str):
    """The exercises of the notebook in file `name`, each with its solution."""
    title = re.match("# (.+)", notebook.cells[0].source)[1]
    opening = f"# Solutions: {title}\n\nThe exercises are in [the notebook]({name})."
    texts = [opening]
    for number, (text, _, solution) in enumerate(exercises(notebook)[1], 1):
        texts.append(f"## Exercise {number}\n\n{text}\n\n**Solution.** {solution}")
    cells = [
        new_markdown_cell(LINK.sub("](../notebooks/", text), id=f"exercise-{number}")
        for number, text in enumerate(texts)
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": notebooks.KERNEL})


def build(folder: Path) -> None:
    """Write both folders into a folder.

    Raises:
        ValueError: if exercises are not as `exercises` expects them.
    """
    for path in notebooks.paths():
        notebook = nbformat.read(path, as_version=4)
        try:
            written = {
                folder / "notebooks" / path.name: for_students(notebook),
                folder / "solutions" / path.name: for_teachers(notebook, path.name),
            }
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
        for target, each in written.items():
            write(target, f"{nbformat.writes(each)}\n".encode())


def minutes(notebook) -> dict[str, int]:
    """The minutes that it takes to read each section: its title to minutes.

    Text, answers and code count; outputs, summary, exercises and sources do not. A
    section of up to 150 words takes one minute.
    """
    text = "\n".join(cell.source for cell in notebook.cells).split("\n## Summary")[0]
    _, *sections = re.split(r"^## ", text, flags=re.M)
    counted = {}
    for section in sections:
        title, _, words = section.partition("\n")
        count = len(re.sub("<[^>\n]+>", " ", words).split())
        counted[title] = max(1, math.ceil(count / READING))
    return counted


def in_words(notebook) -> str:
    """The minutes of a notebook, as its opening says them."""
    sections = minutes(notebook)
    listed = "; ".join(f"{title} ({count})" for title, count in sections.items())
    total = sum(sections.values()) + RUNNING
    practice = sum(each.minutes for each in exercises(notebook)[1])
    return (
        f"**Minutes.** {listed}. Together {total} minutes, one of them to run the "
        f"notebook. The exercises take another {practice}."
    )


def count_again() -> None:
    """Write the minutes of each notebook into its opening."""
    for path in notebooks.paths():
        notebook = nbformat.read(path, as_version=4)
        opening = notebook.cells[0]
        opening.source = MINUTES.sub("", opening.source) + f"\n\n{in_words(notebook)}"
        write(path, f"{nbformat.writes(notebook)}\n".encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.tools.course")
    parser.add_argument("command", choices=("build", "minutes"), help="see the module")
    try:
        if parser.parse_args(arguments).command == "minutes":
            count_again()
        else:
            build(OUT)
            for part in ("notebooks", "solutions"):
                print(f"{part.capitalize()}: {OUT / part}")
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
