"""What is declared, locked, installed and written in the papers agrees."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import uv
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SUPPORTED = SpecifierSet(PROJECT["requires-python"])
PYTHONS = [f"3.{minor}" for minor in range(100) if f"3.{minor}" in SUPPORTED]
PINS = [Requirement(line) for line in re.findall(r"(?m)^(\w[^\\\n]+)", LOCK)]


def declared(*extras):
    """The direct dependencies, without the project's references to itself."""
    optional = PROJECT["optional-dependencies"]
    texts = [
        *PROJECT["dependencies"],
        *(t for extra in extras for t in optional[extra]),
    ]
    requirements = map(Requirement, texts)
    return [each for each in requirements if each.name != PROJECT["name"]]


def pinned(name, **environment):
    """The versions that the lock gives a package in an environment: one, or none."""
    return [
        str(pin.specifier).removeprefix("==")
        for pin in PINS
        if canonicalize_name(pin.name) == canonicalize_name(name)
        and (pin.marker is None or pin.marker.evaluate(environment))
    ]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_every_dependency_is_locked(python, system):
    here = {"python_version": python, "sys_platform": system}
    here["python_full_version"] = f"{python}.0"
    for requirement in declared("lab", "dask", "dev"):
        pins = pinned(requirement.name, **here)
        assert len(pins) == 1, requirement
        assert pins[0] in requirement.specifier, requirement


def test_what_runs_is_what_is_locked_and_needs_nothing_else():
    """By uv, which refuses a package without hashes or without an exact version."""
    command = [uv.find_uv_bin(), "pip"]
    same = ["install", "--dry-run", "--offline", "--no-deps", "--require-hashes", "-r"]
    for arguments, words in (
        ([*same, ROOT / "requirements.lock"], "Would make no changes"),
        (["check"], "All installed packages are compatible"),
    ):
        done = subprocess.run(
            [*command, *arguments, "--python", sys.executable],
            capture_output=True,
            encoding="utf-8",
        )
        assert words in done.stderr


def test_the_lock_names_no_address():
    assert not re.search(r"(?m)://|^\s*-(?!-hash=)|\s@\s", LOCK)


def test_conda_installs_the_lock():
    assert yaml.safe_load((ROOT / "environment.yml").read_text("utf-8")) == {
        "name": PROJECT["name"],
        "channels": ["conda-forge"],
        "dependencies": [
            f"python {PROJECT['requires-python']}",
            *("pip", {"pip": ["-r requirements.lock"]}),
        ],
    }


def test_commits_are_checked_by_the_locked_ruff():
    text = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    (ruff,) = (x for x in yaml.safe_load(text)["repos"] if "ruff" in x["repo"])
    assert [ruff["rev"]] == [f"v{each}" for each in pinned("ruff")]


def test_the_same_pythons_are_named_everywhere():
    text = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    tested = yaml.safe_load(text)["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == PYTHONS
    assert f"--python-version {PYTHONS[0]} " in (ROOT / "Makefile").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"Python {PYTHONS[0]} to {PYTHONS[-1]}" in readme


def test_what_is_imported_is_declared():
    """PyTorch apart, which only the benchmark asks for, and does without.

    What `make` calls may use what only developers install.
    """
    names = packages_distributions()
    declared_names = {
        folder: {canonicalize_name(each.name) for each in declared(*extras)}
        for folder, extras in {
            "utils": (),
            "utils/tools": ("lab", "dev"),
            "tests": ("lab", "dask", "dev"),
        }.items()
    }
    for folder, known in declared_names.items():
        for path in (ROOT / folder).rglob("*.py"):
            if folder == "utils" and path.parent.name == "tools":
                continue
            text = path.read_text("utf-8")
            for name in re.findall(r"(?m)^ *(?:import|from) ([A-Za-z]\w*)", text):
                found = set(map(canonicalize_name, names.get(name, ())))
                assert not found or found & (known | {"torch"}), f"{path}: {name}"
