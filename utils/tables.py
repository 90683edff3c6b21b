"""Tables in Markdown, for notebooks."""

from collections.abc import Iterable, Sequence


def markdown(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table: heads, then rows of as many cells.

    Raises:
        ValueError: if a row is longer or shorter than the heads.
    """
    lines = [heads, ["---"] * len(heads), *rows]
    for cells in lines:
        if len(cells) != len(heads):
            raise ValueError(f"Expected {len(heads)} cells in a row, received {cells}.")
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)
