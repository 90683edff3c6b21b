"""Before any test module imports Keras, the project chooses its backend."""

import concurrent.futures
import os
import shutil
import signal
import subprocess
from collections import Counter

import pytest

import utils  # noqa: F401

# A shell's background job ignores Ctrl-C, and so would the processes that tests stop.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Begin with the files that have most slow tests; no core waits for them then."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session")
def two_threads():
    """Return an executor of someone else's: here, without a process to start."""
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="session")
def tiny(two_threads, tmp_path_factory):
    """Return the store of the tiny study, undisturbed. Copy it to change it."""
    from tiny_study import SPECS

    from utils.runs.store import Store
    from utils.studies import run

    folder = tmp_path_factory.mktemp("tiny")
    run(SPECS, folder, two_threads, progress=False)
    return Store(folder)


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that makes a small file system, or changes its size."""
    folder = tmp_path / "small"
    folder.mkdir()

    def resize(size):
        again = ["-o", f"remount,size={size}"] if folder.is_mount() else []
        new = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
        command = ["mount", *(again or new), str(folder)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        if done.returncode:
            pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")
        return folder

    if not shutil.which("mount"):
        pytest.skip("there is no mount command")
    yield resize
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def browser():
    """Return a running Chromium; a module at a time, for Playwright allows one."""
    from utils.tools.chromium import chromium, executable

    if executable() is None:
        remedy = "No Chromium found: on Debian or Ubuntu, apt-get install chromium."
        if os.environ.get("CI"):
            pytest.fail(remedy)
        pytest.skip(remedy)
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """Return a running JupyterLab."""
    from browser import Lab

    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield lab
    finally:
        lab.stop()
