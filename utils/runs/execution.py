"""Execution of a study: a list of runs, on any executor, which can be resumed.

Each run is independent of the others and writes its own record, so any
`concurrent.futures.Executor` works: by default processes of one thread, one on each
core; for larger studies, for example, a Dask cluster's.
"""

import concurrent.futures
import contextlib
import time
import uuid
import warnings
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

from tqdm.auto import tqdm

from utils.record import versions
from utils.runs.probes import Probe, tested
from utils.runs.processes import processes
from utils.runs.store import Store, as_store
from utils.runs.unfinished import (
    BusyError,
    claim,
    epochs_done,
    forget_state,
    load_state,
    save_state,
)
from utils.spec import RunSpec
from utils.training import State, train

PAUSE = 1.0  # seconds between two looks at the store
BUSY_PAUSE = 2.0  # seconds before a run that another study computes is tried again
STARTING = ", now loading, compiling, in a first epoch"  # until the bar first moves


class StudyStoppedError(RuntimeError):
    """A study could not continue; its finished records are safe."""


def run(
    specs: Sequence[RunSpec | Probe],
    store,
    executor: concurrent.futures.Executor | None = None,
    *,
    progress: bool = True,
) -> list[dict]:
    """Compute the runs that the store lacks, and return the records of all.

    It can be stopped at any moment and called again: at most the epoch in progress
    of each run is lost. Two studies may share a store.

    Args:
        specs: the runs; one that is listed twice is computed once. Probes need a
            study of their own, after that of the runs whose weights they use.
        store: a folder, or a `utils.runs.store.Store`.
        executor: where the runs execute; its workers must reach the same folder, and
            it is not shut down. By default processes, one on each core.
        progress: show a progress bar, unless there is nothing to compute.

    Returns:
        One record for each spec, in their order.

    Raises:
        StudyStoppedError: if a run failed (a full disk, a killed worker). It says
            what happened and how many records are safe.
        ValueError: if a spec's data file was replaced after the spec was made.
    """
    specs = list(specs)
    own = {each.data: each for each in map(tested, specs) if each.data != "mnist"}
    for spec in own.values():
        with contextlib.suppress(FileNotFoundError):  # finished records need no data
            spec.load()
    store = as_store(store)
    store.folder.mkdir(parents=True, exist_ok=True)
    by_name = {spec.name: spec for spec in specs}
    waiting = [name for name in by_name if not store.finished(name)]
    if waiting:
        try:
            with _Progress(by_name, store, progress) as bar:
                if executor is None:
                    _execute_here(by_name, waiting, store, bar)
                else:
                    with _lent(executor) as submit:
                        _execute(by_name, waiting, store, bar, submit)
        except Exception as error:
            safe = sum(name in store for name in by_name)
            what = f"{type(error).__name__}: {error}".rstrip(".")
            raise StudyStoppedError(
                f"The study stopped: {what}. {safe} of {len(by_name)} records are "
                f"finished and safe in {store.folder}; unfinished runs keep their "
                "finished epochs. Remove the cause and run the same again: the study "
                "continues from there."
            ) from error
    return [store.record(spec.name) for spec in specs]


def _execute_here(by_name, waiting, store, bar):
    """Execute in processes on this machine.

    If one is killed, new processes continue, provided that the study has finished an
    epoch since the last such event; otherwise it stops.
    """
    killed = 0
    while waiting:
        images = bar.images()
        try:
            with processes(len(waiting)) as pool:
                return _execute(by_name, waiting, store, bar, pool.submit)
        except BrokenProcessPool as error:
            if bar.images() <= images:
                raise
            waiting = [name for name in waiting if name not in store]
            killed += 1
            warnings.warn(
                f"{error} It is number {killed} of this study. New processes go on "
                "from the last finished epochs.",
                RuntimeWarning,
                stacklevel=2,
            )


def _execute(by_name, waiting, store, bar, submit):
    """Submit runs and wait for them; retry those that another study computes."""
    folder = str(store.folder.absolute())
    futures, submit_at = {}, time.monotonic()
    while waiting or futures:
        if waiting and time.monotonic() >= submit_at:
            for name in waiting:
                if name not in store:  # another study may have finished it
                    task = uuid.uuid4().hex
                    futures[submit(_compute, by_name[name], folder, task)] = name
            waiting, submit_at = [], time.monotonic() + BUSY_PAUSE
        time.sleep(0 if futures else PAUSE)
        done, _ = concurrent.futures.wait(
            futures, PAUSE, concurrent.futures.FIRST_COMPLETED
        )
        for future in done:
            name = futures.pop(future)
            if not future.result():
                waiting.append(name)
            elif name not in store:
                raise FileNotFoundError(
                    f"A worker finished {name}, but there is no {store.path(name)}. "
                    "The executor's workers must reach the same folder"
                )
        bar.show()


def _compute(spec: RunSpec | Probe, folder: str, task: str) -> bool:
    """Compute one run in a worker; False if another process is computing it.

    `task` is new each time, because some executors (Dask's) answer a repeated call from
    memory, and whether a run is busy or fails changes with time.
    """
    store = Store(folder)
    try:
        with claim(store, spec.name):
            if spec.name in store:
                return True
            result = (
                spec.compute(store)
                if isinstance(spec, Probe)
                else train(
                    spec,
                    resume=_resume(store, spec.name),
                    after_epoch=lambda state: _keep(store, spec.name, state),
                    progress=False,
                )
            )
            store.save(spec.name, *result)
            forget_state(store, spec.name)
    except BusyError:
        return False
    return True


def _keep(store, name, state):
    arrays = {
        f"{part}_{i:03}": array
        for part in ("weights", "optimizer")
        for i, array in enumerate(getattr(state, part))
    }
    facts = {"epochs": state.epochs, "seconds": state.seconds, "versions": versions()}
    save_state(store, name, arrays, facts)


def _resume(store, name):
    found = load_state(store, name)
    if found is None:
        return None
    arrays, facts = found
    if facts.pop("versions", versions()) != versions():
        return None  # a record names one version of each library: begin again
    parts = {
        part: [arrays[key] for key in sorted(arrays) if key.startswith(part)]
        for part in ("weights", "optimizer")
    }
    return State(**parts, **facts)


class _Progress:
    """One progress bar for a study, in training images, read from the store."""

    def __init__(self, by_name, store, shown):
        self.by_name, self.store = by_name, store
        self.bar = tqdm(
            total=sum(spec.work for spec in by_name.values()),
            initial=self.images(),
            unit="image",
            unit_scale=True,
            smoothing=0,  # average since the start, the best estimate
            mininterval=PAUSE,
            miniters=0,  # the clock also runs between epochs
            desc=self._runs(),
            disable=not shown,
        )

    def images(self):
        """The number of training images in finished epochs."""
        return sum(
            spec.work
            if name in self.store
            else epochs_done(self.store, name) * tested(spec).images
            for name, spec in self.by_name.items()
        )

    def _runs(self, starting=True):
        done = sum(name in self.store for name in self.by_name)
        return f"{done} of {len(self.by_name)} runs{STARTING if starting else ''}"

    def show(self):
        """Update the bar; it is drawn at most once a second."""
        if not self.bar.disable:
            images = self.images()
            starting = images == self.bar.initial
            self.bar.set_description(self._runs(starting), refresh=False)
            self.bar.update(images - self.bar.n)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.bar.close()


@contextlib.contextmanager
def _lent(executor):
    """Use the caller's executor; at the end, cancel its tasks that still wait."""
    futures = []

    def submit(*call):
        futures.append(executor.submit(*call))
        return futures[-1]

    try:
        yield submit
    finally:
        for future in futures:
            future.cancel()
