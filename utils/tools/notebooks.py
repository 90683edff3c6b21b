"""Execute the series: `run` into `build/`, `commit` in place for the repository.

As many notebooks are executed at once as there are cores, each in a kernel of its own.
A notebook whose cells all succeed may still lack a picture: `errors` finds out.
"""

import argparse
import contextlib
import hashlib
import logging
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from pathlib import Path
from typing import ClassVar

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from tqdm import tqdm

from utils.files import write
from utils.tools.captions import CAPTION, alternative

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
NAME = re.compile(r"\d\d_\w+\.ipynb")
PICTURE = "image/png"
LONGEST = "04"  # trains networks, so it begins first
EXPECTED = (RuntimeError, OSError, papermill.PapermillExecutionError)


def paths() -> list[Path]:
    """The notebooks of the series, in order; JupyterLab's copies are not of it."""
    return sorted(p for p in NOTEBOOKS.glob("*.ipynb") if NAME.fullmatch(p.name))


def errors(notebook) -> Iterator[str]:
    """What went wrong in an executed notebook: errors, and missing pictures."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell {number}: {output.ename}: {output.evalue}"
        meant = len(re.findall(r"^plt\.show\(\)", cell.source, re.M))
        if "outputs" in cell and len(pictures(cell)) < meant:
            shown = len(pictures(cell))
            yield f"cell {number}: plt.show() showed {shown} pictures, not {meant}"


def pictures(cell) -> list:
    """The outputs of a cell that are pictures."""
    return [o for o in cell.get("outputs", []) if PICTURE in o.get("data", {})]


def claims(notebook) -> dict[str, str]:
    """What a notebook says (`utils.runs.claims`): key to sentence."""
    return {key: text for cell in notebook.cells for key, text in _claims(cell)}


def _claims(cell):
    for output in cell.get("outputs", []):
        facts = output.get("metadata", {}).get("text/markdown", {})
        if "claim" in facts:
            yield facts["claim"], output.data["text/markdown"]


def source_digest(notebook) -> str:
    """A digest of the code, to tell whether outputs belong to it."""
    sources = [c.source for c in notebook.cells if c.cell_type == "code"]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:16]


def run(path: Path, folder: Path, parameters: dict, bar: tqdm | None = None):
    """Execute a notebook into a folder, with those of the parameters that it has.

    Raises:
        RuntimeError: if `errors` finds some; a cell that fails is papermill's error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = papermill.inspect_notebook(path)
    given = {name: value for name, value in parameters.items() if name in known}
    executed = _execute(path, folder / path.name, given, bar)
    _write(executed, folder / path.name)
    return executed


def commit(path: Path, bar: tqdm | None = None):
    """Execute a notebook in place, as it can be shown without a kernel.

    The digest of the code is kept, so that a test can tell stale outputs. What fails
    (as in `run`; a full disk) leaves the file as it was.
    """
    notebook = _execute(path, None, {}, bar)
    for cell in notebook.cells:
        kept = {"tags": cell.metadata.tags} if cell.metadata.tags else {}
        cell.metadata = nbformat.from_dict(kept)
    facts = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    facts["executed"] = source_digest(notebook)
    notebook.metadata = nbformat.from_dict(facts)
    nbformat.validate(notebook)
    _write(notebook, path)
    return notebook


def is_fresh(notebook) -> bool:
    """Whether a notebook's outputs are all there, and belong to its code."""
    return (
        notebook.metadata.get("executed") == source_digest(notebook)
        and all(x.execution_count for x in notebook.cells if x.cell_type == "code")
        and not any(errors(notebook))
    )


def describe(notebook) -> None:
    """Give pictures alternative text, from the caption and the claim that follow.

    The claim is the first one below the figure, before the next figure or section.
    """
    caption, finding = None, ""
    for cell in reversed(notebook.cells):
        if cell.cell_type == "markdown":
            if re.search("^##", cell.source, re.M):
                finding = ""
            if CAPTION.search(cell.source):
                caption, below, finding = cell.source, finding, ""
        _, finding = next(_claims(cell), ("", finding))
        for picture in pictures(cell):
            alt = {"alt": alternative(caption, below)} if caption else {}
            picture.metadata[PICTURE] = alt
            caption = None


def execute(path: Path, command: str, out: Path, profile: str, bar: tqdm) -> float:
    """Execute a notebook as the command line says; returns the seconds that it took."""
    start = time.perf_counter()
    if command == "run":
        parameters = {"profile": profile, "store": str(out / "records")}
        run(path, out / "notebooks", parameters, bar)
    else:
        commit(path, bar)
    return time.perf_counter() - start


class _Kernel(AsyncKernelManager):
    """A kernel that can be ended from outside the thread that waits for it."""

    started: ClassVar[list] = []

    async def start_kernel(self, **how):
        await super().start_kernel(**how)
        self.started.append(self)

    @classmethod
    def end_all(cls):
        """End all kernels, and the processes that they started, at once."""
        while cls.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(cls.started.pop().provisioner.pgid, signal.SIGKILL)


def _execute(path, output, parameters, bar):
    with tempfile.TemporaryDirectory() as settings:  # none of the user's for IPython
        executed = papermill.execute_notebook(
            path,
            output,
            parameters,
            # What follows is nbclient's. Papermill's own `cwd` is that of all threads.
            resources={"metadata": {"path": str(path.parent)}},
            progress_bar=False,
            on_cell_executed=lambda **_: bar is None or bar.update(),
            kernel_manager_class=_Kernel,
            # No warning that a kernel on this machine is spoken to in the clear.
            extra_arguments=["--log-level=ERROR", f"--ipython-dir={settings}"],
            shutdown_kernel="immediate",  # it has nothing left to say
        )
    if wrong := list(errors(executed)):
        raise RuntimeError("; ".join(wrong))
    for cell in executed.cells:
        if cell.cell_type == "code":  # without progress bars in text
            cell.outputs = [x for x in cell.outputs if x.get("name") != "stderr"]
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
    is_run = options.command == "run"
    target, out = ("run", options.out) if is_run else ("notebooks", ROOT)
    os.environ["ATTENTION_FIGURES"] = str(out.absolute() / "figures")
    logging.disable(logging.ERROR)  # what matters is raised; the rest is of Ctrl-C
    chosen.sort(key=lambda path: path.name[:2] != LONGEST)
    read = [nbformat.read(path, as_version=4) for path in chosen]
    cells = sum(cell.cell_type == "code" for each in read for cell in each.cells)
    finished, failed = [], []
    how = (options.command, out.absolute(), options.profile)
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=cells, unit="cell", disable=None, leave=False) as bar,
    ):
        futures = {pool.submit(execute, path, *how, bar): path for path in chosen}
        try:
            for future in as_completed(futures):
                path = futures[future]
                try:
                    seconds = future.result()
                except EXPECTED as error:
                    failed.append(path)
                    tqdm.write(f"{path.name}: {error}", file=sys.stderr)
                else:
                    finished.append(path)
                    tqdm.write(f"{seconds:4.0f} s  {out / 'notebooks' / path.name}")
                    sys.stdout.flush()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            while wait(futures, timeout=0.1).not_done:
                _Kernel.end_all()
            names = " ".join(sorted(path.name[:2] for path in finished))
            rest = " ".join(p.name[:2] for p in sorted({*chosen} - {*finished}))
            print(f"Stopped. Finished: {names or 'none'}.")
            print(f'To go on: make {target} ONLY="{rest}"')
            return 130
    print(f"Figures: {out / 'figures'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
