"""The tiny study in processes of its own, and what its store must hold in the end."""

import collections
import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
from tiny_study import SPECS

from utils.runs.store import Store

DRIVER = Path(__file__).with_name("tiny_study.py")


class Study:
    """The tiny study in a process of its own, with the processes that it starts."""

    def __init__(self, folder, core=None, name="records"):
        self.store = Store(folder / name)
        self.moves = folder / "moves"
        self.moves.touch()
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER), "tiny", "--store", str(self.store.folder)],
            env={**os.environ, "MOVES": str(self.moves)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches it and not the tests
        )
        self.tree = psutil.Process(self.process.pid)
        self.seen = set()
        if core is not None:
            self.tree.cpu_affinity([core])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process in (self.process, *self.family(), *self.seen):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.communicate()

    def family(self):
        """The processes that it started and that live."""
        try:
            family = self.tree.children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self.seen |= {*family}
        return family

    def working(self):
        """Those of its processes, if any, that have finished an epoch."""
        return {str(each.pid) for each in self.family()} & {*moved(self.moves, by=0)}

    def end(self):
        """Wait for it to end by itself."""
        self.out, self.err = self.process.communicate(timeout=600)
        return self.process.returncode


def wait_until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def assert_gone(processes, seconds=20):
    alive = psutil.wait_procs(processes, seconds)[1]
    assert not alive, f"still there after {seconds} s: {alive}"


def moved(moves, by=1):
    """How often each file was moved into its place; `by=0`: how many each process."""
    lines = moves.read_text("utf-8").splitlines()
    return collections.Counter(line.split()[by] for line in lines)


def unfinished(store):
    """The runs that have a state to go on from."""
    return sorted(path.stem for path in store.work.glob("*.state"))


def result(record):
    """What a record says, but for the time it took."""
    return {key: value for key, value in record.items() if key != "seconds"}


def assert_complete(store, reference, specs=SPECS):
    """Every record once, equal bit for bit to the reference, and nothing else."""
    assert store.names() == sorted(spec.name for spec in specs)
    for name in store.names():
        assert result(store.record(name)) == result(reference.record(name))
    assert not unfinished(store)
    assert not list(store.folder.rglob("*.part"))


def copied(store, folder):
    return Store(shutil.copytree(store.folder, folder))
