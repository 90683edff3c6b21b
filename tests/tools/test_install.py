"""`make` installs the lock, says what is wrong, and does so once."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from importlib.metadata import distribution

import pytest

from utils.tools.install import ROOT

PROJECT = """
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "attention"
version = "0"
description = "small"
requires-python = ">=3.11,<3.15"
[tool.flit.module]
name = "utils"
"""


@pytest.fixture
def project(tmp_path):
    """A project whose lock has one package, from a folder: flit_core, without uv."""
    folder, wheels = tmp_path / "small", tmp_path / "wheels"
    shutil.copytree(ROOT / "utils" / "tools", folder / "utils" / "tools")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "utils" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(PROJECT, "utf-8")
    flit = distribution("flit_core")
    wheels.mkdir()
    wheel = wheels / f"flit_core-{flit.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for path in flit.files:
            if path.suffix != ".pyc":
                packed.write(path.locate(), path)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = f"flit_core=={flit.version} --hash=sha256:{digest}\n"
    (folder / "requirements.lock").write_text(lock, "utf-8")
    return folder


def install(project):
    """What `make` does where only the folder of wheels has packages."""
    own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{project.parent / 'wheels'}"}
    return subprocess.run(
        ["make", ".venv/installed", f"PYTHON={sys.executable}"],
        cwd=project,
        env=os.environ | own,
        capture_output=True,
        encoding="utf-8",
    )


@pytest.mark.slow
def test_without_uv_pip_installs_and_a_lock_from_the_future_is_installed_once(project):
    tomorrow = time.time() + 86_400
    os.utime(project / "requirements.lock", (tomorrow, tomorrow))
    first, again = install(project), install(project)
    assert first.returncode == again.returncode == 0, first.stdout + first.stderr
    said = [line for line in first.stdout.splitlines() if "make" not in line]
    assert said == [
        "Installing the packages of requirements.lock into .venv.",
        "uv cannot install them here. pip does, in minutes.",
    ]
    assert "Installing" not in again.stdout
    code = "import flit_core, utils; print(utils.__file__)"
    command = [project / ".venv/bin/python", "-c", code]
    done = subprocess.run(command, cwd="/", capture_output=True, encoding="utf-8")
    assert done.stdout == f"{project / 'utils' / '__init__.py'}\n"


@pytest.mark.slow
def test_a_package_that_is_not_as_locked_is_refused_and_pip_says_why(project):
    lock = project / "requirements.lock"
    text = lock.read_text("utf-8")
    lock.write_text(f"{text.rstrip()[:-4]}beef\n", "utf-8")
    done = install(project)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (project / ".venv" / "installed").exists()


def test_a_python_that_is_too_old_is_told_which_to_name(project):
    text = PROJECT.replace(">=3.11,<3.15", ">=3.20,<3.22")
    (project / "pyproject.toml").write_text(text, "utf-8")
    done = install(project)
    assert done.returncode != 0
    assert "Expected Python 3.20 to 3.21." in done.stderr
    assert not (project / ".venv").exists()
