"""Execute the series: `run` into `build/`, `commit` in place for the repository.

That no cell fails is not enough to know that a notebook works: an error inside a
widget, or a picture that is not drawn, leaves no trace. `errors` finds both.
"""

import argparse
import hashlib
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import papermill

from utils.files import write

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
PICTURE = "image/png"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
CAPTION = re.compile(r"^\*\*(Figure [\d.]+)\*\*\s+(.+?[.?!])(?=\s|$)", re.M | re.S)


def paths() -> list[Path]:
    """The notebooks of the series, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def errors(notebook) -> Iterator[str]:
    """What went wrong in an executed notebook: in cells, pictures and widgets."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell {number}: {output.ename}: {output.evalue}"
        meant = len(re.findall(r"^plt\.show\(\)", cell.source, re.M))
        if "outputs" in cell and len(pictures(cell)) < meant:
            shown = len(pictures(cell))
            yield f"cell {number}: plt.show() showed {shown} pictures, not {meant}"
    for state in widget_states(notebook).values():
        for output in state.get("state", {}).get("outputs", []):
            if output.get("output_type") == "error":
                yield f"in a widget: {output['ename']}: {output['evalue']}"


def pictures(cell) -> list:
    """The outputs of a cell that are pictures."""
    return [o for o in cell.get("outputs", []) if PICTURE in o.get("data", {})]


def claims(notebook) -> dict[str, str]:
    """What a notebook says (`utils.studies.claims`): key to sentence."""
    return {
        facts["claim"]: output.data["text/markdown"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for facts in (output.get("metadata", {}).get("text/markdown", {}),)
        if "claim" in facts
    }


def widget_states(notebook) -> dict:
    """The state of every widget, by its id."""
    return notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})


def source_digest(notebook) -> str:
    """A digest of the code, to tell whether outputs belong to it."""
    sources = [c.source for c in notebook.cells if c.cell_type == "code"]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:16]


def run(path: Path, folder: Path, parameters: dict):
    """Execute a notebook into a folder, with those of the parameters that it has.

    Explorers stay alive without a kernel; other widgets, progress bars, go.

    Raises:
        RuntimeError: if `errors` finds some; a cell that fails is papermill's error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = papermill.inspect_notebook(path)
    given = {name: value for name, value in parameters.items() if name in known}
    executed = _execute(path, folder / path.name, given)
    _write(executed, folder / path.name)
    return executed


def commit(path: Path):
    """Execute a notebook in place, as it can be shown without a kernel.

    The digest of the code is kept, so that a test can tell stale outputs. What fails
    (as in `run`; a full disk) leaves the file as it was.
    """
    notebook = _execute(path, None, {})
    for cell in notebook.cells:
        kept = {"tags": cell.metadata.tags} if cell.metadata.tags else {}
        cell.metadata = nbformat.from_dict(kept)
    facts = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    facts["executed"] = source_digest(notebook)
    notebook.metadata = nbformat.from_dict(facts)
    nbformat.validate(notebook)
    _write(notebook, path)
    return notebook


def still(output):
    """An output as it can be shown without a kernel, or None."""
    if output.output_type == "stream" and output.name == "stderr":
        return None  # progress bars in text
    if WIDGET_VIEW not in output.get("data", {}):
        return output
    if "text/html" not in output.data:
        return None  # a progress bar
    del output.data[WIDGET_VIEW]  # of an explorer, whose page is alive
    return output


def describe(notebook) -> None:
    """Give pictures alternative text: the beginning of the caption that follows."""
    caption = None
    for cell in reversed(notebook.cells):
        if cell.cell_type == "markdown" and (found := CAPTION.search(cell.source)):
            caption = re.sub(r"\s+", " ", re.sub("[*`]", "", " ".join(found.groups())))
        for picture in pictures(cell):
            picture.metadata[PICTURE] = {"alt": caption} if caption else {}
            caption = None


def _execute(path, output, parameters):
    with tempfile.TemporaryDirectory() as settings:  # none of the user's for IPython
        executed = papermill.execute_notebook(
            path,
            output,
            parameters,
            cwd=path.parent,
            progress_bar={"desc": path.name, "leave": False, "disable": None},
            # No warning that a kernel on this machine is spoken to in the clear.
            extra_arguments=["--log-level=ERROR", f"--ipython-dir={settings}"],
            shutdown_kernel="immediate",  # it has nothing left to say, nor after Ctrl-C
        )
    if wrong := list(errors(executed)):
        raise RuntimeError("; ".join(wrong))
    executed.metadata.pop("widgets", None)  # a page would ask an address for them
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs = [each for each in map(still, cell.outputs) if each]
    describe(executed)
    return executed


def _write(notebook, path):
    write(path, f"{nbformat.writes(notebook)}\n".encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.tools.notebooks")
    parser.add_argument("command", choices=("run", "commit"), help="see the module")
    parser.add_argument("only", nargs="*", help="such as 01 03; default: all")
    parser.add_argument("--profile", default="quick", help="of a run; %(default)s")
    parser.add_argument("--out", type=Path, default=Path("build"), help="of a run")
    options = parser.parse_intermixed_args(arguments)
    chosen = [p for p in paths() if not options.only or p.name[:2] in options.only]
    if not chosen:
        known = ", ".join(path.name[:2] for path in paths()) or "none"
        words = f"No notebook {options.only}. Of those in {NOTEBOOKS}: {known}."
        print(words, file=sys.stderr)
        return 1
    target, out = "notebooks", ROOT
    if options.command == "run":
        target, out = "run", options.out
    own = {"profile": options.profile, "store": str(out.absolute() / "records")}
    os.environ["ATTENTION_FIGURES"] = str(out.absolute() / "figures")
    logging.disable(logging.ERROR)  # what matters is raised; the rest is of Ctrl-C
    for done, path in enumerate(chosen):
        start = time.perf_counter()
        try:
            if target == "run":
                run(path, out / "notebooks", own)
            else:
                commit(path)
        except KeyboardInterrupt:
            finished, rest = (
                " ".join(each.name[:2] for each in part)
                for part in (chosen[:done], chosen[done:])
            )
            print(f"Stopped in {path.name}. Finished: {finished or 'none'}.")
            print(f'To go on: make {target} ONLY="{rest}"')
            return 130
        except (RuntimeError, OSError, papermill.PapermillExecutionError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return 1
        seconds = time.perf_counter() - start
        print(f"{seconds:4.0f} s  {out / 'notebooks' / path.name}", flush=True)
    print(f"Figures: {out / 'figures'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
