"""Figures of the site: a picture for each width, its caption, and its numbers."""

import base64
import csv
import re
from collections.abc import Callable
from html import escape
from pathlib import Path

from nbformat.v4 import new_output

from utils.tools import notebooks
from utils.tools.captions import CAPTION
from utils.tools.markdown import anchor

FOLDER = notebooks.ROOT / "figures"
ROWS = 200  # of a table of numbers on a page
NAME = re.compile(r'"(\d\d_\w+)"')  # of a figure, in the cell that saves it
TYPES = {".svg": "svg+xml", ".webp": "webp"}


def frame(notebook, markdown: Callable[[str], str]) -> list[Path]:
    """Put each saved picture of a notebook into a figure with its caption and numbers.

    Args:
        notebook: it is changed.
        markdown: what makes HTML of a caption.

    Returns:
        The files of numbers that belong beside the page.

    Raises:
        ValueError: if a file of a figure is missing.
    """
    caption, files = None, []
    for cell in reversed(notebook.cells):
        if cell.cell_type == "markdown" and (found := CAPTION.search(cell.source)):
            caption = cell, found
        names = [x for x in NAME.findall(cell.source) if (FOLDER / f"{x}.csv").exists()]
        if not (caption and names and notebooks.pictures(cell)):
            continue
        (name,), (below, found) = names, caption
        below.source = below.source[: found.start()] + below.source[found.end() :]
        (picture,) = notebooks.pictures(cell)
        alt = picture.metadata[notebooks.PICTURE]["alt"]
        html = figure(name, found[1].rstrip("."), alt, markdown(found[0]))
        place = cell.outputs.index(picture)
        cell.outputs[place] = new_output("display_data", {"text/html": html})
        files.append(FOLDER / f"{name}.csv")
        caption = None
    return files


def figure(name: str, label: str, alt: str, caption: str) -> str:
    """A figure as HTML: a button that enlarges the picture, caption and numbers."""
    wide, narrow = (_data(name, form) for form in ("wide", "narrow"))
    place = anchor(label)
    caption = caption.replace(f' id="{place}"', "")
    return (
        f'<figure id="{place}"><button class="enlarge" aria-label="Enlarge {label}">'
        f'<picture><source media="(max-width: 600px)" srcset="{narrow}">'
        f'<img src="{wide}" alt="{escape(alt)}"></picture></button>'
        f"<figcaption>{caption}</figcaption>{_numbers(name, label)}</figure>"
    )


def _data(name, form):
    found = [path for path in FOLDER.glob(f"{name}.{form}.*") if path.suffix in TYPES]
    if len(found) != 1:
        raise ValueError(
            f"Expected one file {name}.{form}.svg or .webp, found {len(found)}. "
            f'Execute the notebook anew: make notebooks ONLY="{name[:2]}".'
        )
    text = base64.b64encode(found[0].read_bytes()).decode()
    return f"data:image/{TYPES[found[0].suffix]};base64,{text}"


def _numbers(name, label):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        heads, *rows = csv.reader(file)
    table = _row("th", heads) + "".join(_row("td", row) for row in rows[:ROWS])
    path = f"figures/{name}.csv"
    count = "all" if len(rows) <= ROWS else f"the first {ROWS} of"
    return (
        f'<details class="numbers"><summary>Numbers of {label}</summary>'
        f'<p>The table has {count} {len(rows):,} rows of <a href="{path}" download>'
        f"{path}</a>, a file beside this page.</p>"
        f'<div tabindex="0"><table>{table}</table></div></details>'
    )


def _row(element, cells):
    cells = (f"<{element}>{escape(each)}</{element}>" for each in cells)
    return f"<tr>{''.join(cells)}</tr>"
