"""Execute the series: `run` into `build/`, `commit` in place for the repository.

Execution alone is not enough to know that a notebook works: an error inside a widget
leaves no trace in the cells. `errors` looks into the widgets' state too.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import papermill
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
KERNEL = "python3"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
STILL = "*Run this cell to use it; the figure beside it shows the same.*"


def paths() -> list[Path]:
    """The notebooks of the series, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def errors(notebook) -> Iterator[str]:
    """Errors that an executed notebook shows, and those hidden in its widgets."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell {number}: {output.ename}: {output.evalue}"
    states = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for state in states.values():
        for output in state.get("state", {}).get("outputs", []):
            if output.get("output_type") == "error":
                yield f"in a widget: {output['ename']}: {output['evalue']}"


def source_digest(notebook) -> str:
    """A digest of the code, to tell whether outputs belong to it."""
    sources = [c.source for c in notebook.cells if c.cell_type == "code"]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:16]


def run(path: Path, folder: Path, parameters: dict, *, progress_bar=True):
    """Execute one notebook with papermill on a fresh kernel.

    Args:
        path: the notebook.
        folder: where the executed notebook goes, under the same name.
        parameters: those of them that the notebook has are passed on.
        progress_bar: show papermill's.

    Returns:
        The executed notebook.

    Raises:
        papermill.PapermillExecutionError: if a cell fails.
        RuntimeError: if an error is hidden in a widget.
    """
    known = papermill.inspect_notebook(str(path))
    folder.mkdir(parents=True, exist_ok=True)
    executed = papermill.execute_notebook(
        str(path),
        str(folder / path.name),
        parameters={k: v for k, v in parameters.items() if k in known},
        kernel_name=KERNEL,
        cwd=str(path.parent),
        progress_bar=progress_bar,
    )
    hidden = list(errors(executed))
    if hidden:
        raise RuntimeError(f"{path.name}: {'; '.join(hidden)}")
    return executed


def commit(path: Path) -> None:
    """Execute one notebook in place, with what a page without a kernel can show.

    Widgets become a line of text (a figure beside each shows the same), progress
    bars go, and the digest of the code is kept, so that a test can tell stale
    outputs. An error leaves the file as it was.

    Raises:
        RuntimeError: if a cell or a widget fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL,
        timeout=None,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise RuntimeError(f"{path.name}: {error}") from error
    hidden = list(errors(notebook))
    if hidden:
        raise RuntimeError(f"{path.name}: {'; '.join(hidden)}")
    states = notebook.metadata.pop("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [
                shown for o in cell.outputs if (shown := still(o, states)) is not None
            ]
    notebook.metadata["executed"] = source_digest(notebook)
    notebook.metadata.kernelspec = {
        "name": KERNEL,
        "display_name": "Python 3",
        "language": "python",
    }
    notebook.metadata.language_info = {"name": "python"}
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def still(output, states):
    """An output as it can be shown without a kernel, or None."""
    if output.output_type == "stream" and output.name == "stderr":
        return None  # progress bars in text
    data = output.get("data", {})
    if WIDGET_VIEW not in data:
        return output
    model = states.get(data[WIDGET_VIEW]["model_id"], {}).get("state", {})
    is_bar = "HBox" in model.get("_model_name", "") and "explorer" not in str(
        model.get("_dom_classes")
    )
    if is_bar:
        return None
    return nbformat.v4.new_output("display_data", data={"text/markdown": STILL})


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.tools.notebooks", description="Execute the series."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    to_run = commands.add_parser("run", help="into build/, with papermill")
    to_run.add_argument("--profile", default="quick", help="default: %(default)s")
    to_run.add_argument("--out", type=Path, default=ROOT / "build", help="folder")
    commands.add_parser("commit", help="in place, for the repository")
    for command in commands.choices.values():
        command.add_argument("only", nargs="*", help="such as 01 03; default: all")
    options = parser.parse_args(arguments)
    chosen = [
        path for path in paths() if not options.only or path.name[:2] in options.only
    ]
    if not chosen:
        known = ", ".join(path.name[:2] for path in paths())
        print(f"No notebook {options.only}. Expected some of {known}.", file=sys.stderr)
        return 1

    figures = (
        ROOT / "figures" if options.command == "commit" else options.out / "figures"
    )
    os.environ["ATTENTION_FIGURES"] = str(figures.absolute())
    try:
        for path in chosen:
            print(f"{path.name} ...", flush=True)
            if options.command == "commit":
                commit(path)
            else:
                run(path, options.out / "notebooks", {"profile": options.profile})
    except (RuntimeError, papermill.PapermillExecutionError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.command == "run":
        print(f"Executed notebooks: {options.out / 'notebooks'}")
        print(f"Figures:            {figures}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
