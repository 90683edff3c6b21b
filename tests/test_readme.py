"""The README does what it says: its numbers are claimed, its commands run."""

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path

import flit_core
import nbformat
import numpy as np
import pytest

from utils.data import load_mnist
from utils.tools import notebooks

ROOT = notebooks.ROOT
NAMES = [path.name for path in notebooks.paths()]
README = (ROOT / "README.md").read_text("utf-8")
NUMBER = re.compile(r"(?<![\w.,])[-+]?\d+(?:[.,]\d+)*")


def findings():
    section = README.split("## What was found\n")[1].split("\n## ")[0]
    return re.findall(r"^- (.+?)(?=^- |^$|\Z)", section, re.M | re.S)


def blocks(language):
    return re.findall(rf"^```{language}\n(.+?)^```$", README, re.M | re.S)


# --- What it says ---------------------------------------------------------------------


@pytest.mark.parametrize("finding", findings(), ids=lambda each: each[:30])
def test_every_number_of_a_finding_is_claimed_in_a_notebook(finding):
    text, *comments = re.split(r"<!-- (.+?) -->", finding, flags=re.S)
    said = {}
    for source in ";".join(comments[::2]).split(";"):
        number, key = (" ".join(part.split()) for part in source.split(":", 1))
        (name,) = (name for name in NAMES if name.startswith(number))
        notebook = nbformat.read(notebooks.NOTEBOOKS / name, as_version=4)
        said[source] = notebooks.claims(notebook)[key]
    known = set(NUMBER.findall(" ".join(said.values())))
    assert set(NUMBER.findall(text)) <= known, said


def test_findings_are_found():
    assert 5 <= len(findings()) <= 8


def test_every_path_and_target_that_it_names_is_there():
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / path).exists(), path
    targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:#|`|PRO))", README)) <= {
        *targets
    }


@pytest.mark.parametrize("block", blocks("python"), ids=lambda each: each[:30])
def test_what_its_code_imports_is_there(block):
    for node in ast.parse(block).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            exec(ast.unparse(node), {})


# --- What it does ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A fresh clone, by a user whose Git writes CRLF, with this environment in it."""
    folder = tmp_path_factory.mktemp("fresh") / "My Course (2026)'s folder"
    command = ["git", "clone", "-q", "-c", "core.autocrlf=true", ROOT, folder]
    cloned = subprocess.run(command, capture_output=True, encoding="utf-8")
    if cloned.returncode:
        pytest.skip(f"cannot be cloned: {cloned.stderr.strip()}")
    environment = folder / ".venv"
    environment.mkdir()
    for each in Path(sys.prefix).iterdir():
        (environment / each.name).symlink_to(each)
    (environment / "installed").unlink(missing_ok=True)
    (environment / "installed").touch()
    return folder


def bash(command, folder, **settings):
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **settings},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_line_of_a_clone_ends_in_cr_lf(clone):
    assert "w/crlf" not in bash("git ls-files --eol", clone)
    bash("bash -n .ci/run", clone)
    assert "make run" in bash("make", clone)


# Each block of the README, and what is left out of it: the rest is the same again.
COMMANDS = {
    "make run    # installs": ("make test .*", "make site", "run ", 'run ONLY="01" '),
    "for sd in": ("2.5 10 40", "10"),
    "xargs": ("0 1 2 3", "3"),
    "/path/to/mine.npz": ("/path/to/mine.npz", "mine.npz"),
}
RESULTS = (
    "notebooks/01_data_and_noise.ipynb",
    "noise-10.ipynb",
    "digit-3.ipynb",
    "mine.ipynb",
)


@pytest.fixture(scope="module")
def another_kernel(tmp_path_factory):
    """A folder of Jupyter's in which the kernel `python3` is one that fails."""
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "kernels" / "python3").mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "Python 3", "language": "python"}
    (folder / "kernels" / "python3" / "kernel.json").write_text(
        json.dumps(spec), "utf-8"
    )
    return folder


@pytest.mark.slow
def test_every_command_runs_in_a_fresh_clone(clone, another_kernel):
    (x_train, y_train), (x_test, y_test) = load_mnist()
    np.savez(
        clone / "notebooks" / "mine.npz",
        x_train=x_train[:300],
        y_train=y_train[:300],
        x_test=x_test[:100],
        y_test=y_test[:100],
    )
    assert len(blocks("sh")) == len(COMMANDS)

    def run(block):
        (key,) = (key for key in COMMANDS if key in block)
        changes = iter(COMMANDS[key])
        for old, new in zip(changes, changes, strict=True):
            block, changed = re.subn(old, new, block)
            assert changed == 1
        bash(block, clone, JUPYTER_PATH=str(another_kernel))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, blocks("sh")))
    for result in RESULTS:
        notebook = nbformat.read(clone / "build" / result, as_version=4)
        assert not list(notebooks.errors(notebook)), result
    for folder in ("figures", "noise-10"):
        assert list((clone / "build" / folder).glob("01_*.png"))
    assert (clone / "build" / "site" / "index.html").exists()


NEWS = "@jupyterlab/apputils-extension:notification"


@pytest.mark.slow
def test_make_lab_serves_trusted_notebooks_and_does_not_ask_about_news(clone, tmp_path):
    """With settings of the test's own: the tests may run as root, without a browser."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = {"allow_root": True, "open_browser": False, "port": port}
    config = tmp_path / "jupyter_server_config.json"
    config.write_text(json.dumps({"ServerApp": server}), "utf-8")
    settings = clone / "utils" / "tools" / "jupyter" / "etc" / "jupyter"  # as installed
    folders = {
        "JUPYTER_CONFIG_PATH": f"{tmp_path}{os.pathsep}{settings}",
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),  # signs for itself
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
    }
    with subprocess.Popen(
        ["make", "lab"],
        cwd=clone,
        env={**os.environ, **folders},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            said = "".join(takewhile(lambda x: "lab?token=" not in x, process.stdout))
            line = process.stdout.readline()  # the same address, by number
            address, token = re.search(
                r"(http://127\S+/)lab\?(token=\w+)", line
            ).groups()

            def asked(path, tries=60):
                try:
                    with urllib.request.urlopen(f"{address}{path}?{token}") as answer:
                        return json.load(answer)
                except urllib.error.URLError:  # it says its address a moment too soon
                    if not tries:
                        raise
                    time.sleep(1)
                    return asked(path, tries - 1)

            cells = asked(f"api/contents/{NAMES[2]}")["content"]["cells"]
            schema = asked(f"lab/api/settings/{NEWS}")["schema"]
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert f"Serving notebooks from local directory: {clone}/notebooks" in said
    assert schema["properties"]["fetchNews"]["default"] == "false"
    code = [each for each in cells if each["cell_type"] == "code"]
    assert all(each["metadata"]["trusted"] for each in code)


@pytest.mark.slow
def test_conda_users_install_the_project_by_post_build(clone, tmp_path):
    """In an environment that has only what the build needs."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    shutil.copytree(Path(flit_core.__file__).parent, packages / "flit_core")
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    bash("bash postBuild", clone, PATH=path, PYTHONPATH="")
    (installed,) = packages.glob("utils.pth")
    assert installed.read_text("utf-8").strip() == str(clone)
    for name in ("jupyter_nbconvert_config", "labconfig/default_setting_overrides"):
        assert (environment / f"etc/jupyter/{name}.json").exists()


@pytest.mark.slow
def test_a_clone_that_may_only_be_read_will_do(clone, tmp_path):
    """As a course's shared folder; what comes out is asked for elsewhere."""
    command = (
        ".venv/bin/python -m utils.tools.notebooks run 02 "
        f"--out {tmp_path}/mine && ! touch here 2>/dev/null"
    )
    if os.geteuid() == 0:  # who may write whatever its mode is
        mount = 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD"'
        try:
            bash(f"unshare -m sh -c '{mount}'", clone)
        except AssertionError as error:
            pytest.skip(f"cannot mount a folder to be read only: {error}")
        bash(f"unshare -m sh -c '{mount} && {command}'", clone)
    else:
        bash("chmod -R a-w .", clone)
        try:
            bash(command, clone)
        finally:
            bash("chmod -R u+w .", clone)
    assert (tmp_path / "mine" / "notebooks" / NAMES[1]).exists()
    assert list((tmp_path / "mine" / "figures").glob("02_*.png"))


@pytest.mark.slow
def test_an_installed_wheel_will_do(tmp_path, clone):
    wheels, site, elsewhere = (tmp_path / name for name in ("dist", "site", "cwd"))
    elsewhere.mkdir()
    bash(f"{sys.executable} -m flit_core.wheel --outdir {wheels}", ROOT)
    (wheel,) = wheels.iterdir()
    shutil.unpack_archive(wheel, site, "zip")
    code = """
import pathlib, utils
assert pathlib.Path(utils.__file__).is_relative_to(SITE), utils.__file__
import utils.explorers
from utils.data import load_mnist
from utils.model import attention_maps, build_model
from utils.studies.published import pairs
from utils.tools import notebooks
(x_train, y_train), (x_test, y_test) = load_mnist()
gains = attention_maps(build_model("energy", noise_sd=40.0, seed=0), x_test[:10])
assert gains.shape == (10, 15, 15)
try:
    pairs()[0.0].control.weights(0)
except FileNotFoundError as error:
    assert "clone" in str(error), error
assert notebooks.main(["run"]) == 1
"""
    program = elsewhere / "program.py"
    program.write_text(code.replace("SITE", repr(str(site))), "utf-8")
    bash(f"{sys.executable} {program}", elsewhere, PYTHONPATH=str(site))
    assert {path.name for path in elsewhere.iterdir()} == {"program.py"}
    command = (
        f"{sys.executable} -m papermill 01_data_and_noise.ipynb {tmp_path}/o.ipynb"
    )
    bash(command, clone / "notebooks", PYTHONPATH=str(site))
    assert not (site / "build").exists()
