"""What is declared, locked, installed and written in the papers agrees.

Each check reads the project's files from a dictionary of name and text, and returns
what is wrong. `BREAKS` says how to break a file, one place at a time, and the tests
demand that the check notices.
"""

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CI, LOCK, PROJECT = ".github/workflows/ci.yml", "requirements.lock", "pyproject.toml"
DATA_LICENSE, HOOKS = "utils/MNIST-LICENSE.md", ".pre-commit-config.yaml"
OTHERS = ("LICENSE", "Makefile", "environment.yml")
FILES = {
    name: (ROOT / name).read_text("utf-8")
    for name in (CI, LOCK, PROJECT, DATA_LICENSE, HOOKS, *OTHERS)
}


def project(files):
    return tomllib.loads(files[PROJECT])["project"]


def pythons(files):
    """The Pythons that the project says it runs on: `["3.11", ..., "3.14"]`."""
    supported = SpecifierSet(project(files)["requires-python"])
    return [f"3.{minor}" for minor in range(100) if f"3.{minor}" in supported]


def declared(files, extras=("dask", "dev")):
    """The direct dependencies, without the project's references to itself."""
    facts = project(files)
    optional = facts["optional-dependencies"]
    texts = [*facts["dependencies"], *(t for extra in extras for t in optional[extra])]
    requirements = map(Requirement, texts)
    return [each for each in requirements if each.name != facts["name"]]


@cache
def locked(lock):
    """Each pin of the lock, with the hashes that follow it: [(requirement, [hash])]."""
    lines = re.sub(r"(?m)^\s*#.*\n", "", lock).replace("\\\n", " ").splitlines()
    pins = (line.split("--hash=") for line in lines)
    return [(Requirement(pin), [h.strip() for h in hashes]) for pin, *hashes in pins]


def pinned(files, name, **environment):
    """The versions that the lock gives a package in an environment: one, or none."""
    return [
        str(pin.specifier).removeprefix("==")
        for pin, _ in locked(files[LOCK])
        if canonicalize_name(pin.name) == canonicalize_name(name)
        and (pin.marker is None or pin.marker.evaluate(environment))
    ]


def every_dependency_is_locked(files):
    for python in pythons(files):
        for platform in ("linux", "darwin"):
            here = {"python_version": python, "sys_platform": platform}
            here["python_full_version"] = f"{python}.0"
            for requirement in declared(files):
                pins = pinned(files, requirement.name, **here)
                if len(pins) != 1 or pins[0] not in requirement.specifier:
                    yield f"{requirement}: {pins} is locked on {here}"


def every_pin_is_exact_and_hashed(files):
    for pin, hashes in locked(files[LOCK]):
        exact = re.fullmatch(r"==[^*,]+", str(pin.specifier))
        whole = [re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes]
        if not (exact and whole and all(whole)):
            yield f"{pin} is not pinned to one version, or has no whole sha256"


def the_lock_names_no_address(files):
    for line in files[LOCK].splitlines():
        if re.search(r"://|^\s*-(?!-hash=)|\s@\s|^\s*[./]", line):
            yield f"{LOCK} names an index, an address or a path: {line}"


def conda_installs_the_lock(files):
    python = f"python {project(files)['requires-python']}"
    expected = {
        "name": project(files)["name"],
        "channels": ["conda-forge"],
        "dependencies": [python, "pip", {"pip": [f"-r {LOCK}"]}],
    }
    if (received := yaml.safe_load(files["environment.yml"])) != expected:
        yield f"environment.yml: expected {expected}, received {received}"


def what_runs_is_what_is_locked(files):
    installed = {canonicalize_name(d.name): d.version for d in distributions()}
    for requirement in declared(files):
        version = installed.get(canonicalize_name(requirement.name))
        if pinned(files, requirement.name) != [version]:
            yield f"{requirement}: {version} is installed, not as locked"


def the_data_keep_their_licence(files):
    facts, text = project(files), files[DATA_LICENSE]
    holders = "Yann LeCun and Corinna Cortes"
    if not (
        DATA_LICENSE in facts["license-files"]
        and "CC-BY-SA-3.0" in facts["license"]
        and DATA_LICENSE in files["LICENSE"]
        and all(each in text for each in (holders, "CC BY-SA 3.0", "What was changed"))
    ):
        yield "the data's licence is not shipped, named, or whole"


def commits_are_checked_by_the_locked_ruff(files):
    hooks = yaml.safe_load(files[HOOKS])["repos"]
    revisions = [each["rev"] for each in hooks if "ruff" in each["repo"]]
    if revisions != [f"v{each}" for each in pinned(files, "ruff")]:
        yield f"ruff before a commit is {revisions}, not as locked"


def every_dependency_has_its_reason(files):
    for each in declared(files, extras=("dask", "dev", "torch", "wasm")):
        line = rf'"{re.escape(each.name)}[^\w-][^"]*".* # \w+([^\w\n]+\w+){{2}}'
        if not re.search(line, files[PROJECT]):
            yield f"{each} has no reason, of three words or more, beside it"


def the_same_pythons_everywhere(files):
    supported = pythons(files)
    oldest, newest = (int(supported[end].removeprefix("3.")) for end in (0, -1))
    tested = yaml.safe_load(files[CI])["jobs"]["test"]["strategy"]["matrix"]["python"]
    if not {supported[0]} <= set(tested) <= set(supported):
        yield f"CI tests {tested}, of {supported}"
    for stated in (
        f"--python-version 3.{oldest} ",
        f"of 3.{oldest} to 3.{newest}:",
        f"Python 3.{oldest} to 3.{newest}.",
        f"(3, {oldest}) <= sys.version_info < (3, {newest + 1})",
    ):
        if stated not in files["Makefile"]:
            yield f"The Makefile lacks: {stated}"


KERAS = r"(?m)^keras==\S+"
BREAKS = {  # for each check: the file to break, what to replace in it, by what
    every_dependency_is_locked: (
        (LOCK, KERAS, "keras==2.0"),
        (LOCK, KERAS, r"\g<0> ; python_version != '3.13'"),
        (LOCK, KERAS, r"\g<0> ; sys_platform != 'darwin'"),
        (LOCK, r"(?m)^distributed==", "not-distributed=="),
        (PROJECT, r'"numpy', '"unheard-of", "numpy'),
    ),
    every_pin_is_exact_and_hashed: (
        (LOCK, r"(?m)^keras==", "keras>="),
        (LOCK, r"(?m)^(keras==\d+)\S+", r"\1.*"),
        (LOCK, r"(?m)^(keras==\S+) \\\n(    --hash=.*\n)+", r"\1\n"),
        (LOCK, r"--hash=sha256:\w{4}", "--hash=sha256:"),
        (LOCK, r"--hash=sha256:", "--hash=md5:"),
    ),
    the_lock_names_no_address: (
        (LOCK, r"\A", "--index-url https://index.example/simple\n"),
        (LOCK, r"\A", "-i index.example\n"),
        (LOCK, KERAS, "keras @ keras.whl"),
        (LOCK, KERAS, "./keras.whl"),
    ),
    conda_installs_the_lock: (
        ("environment.yml", r",<3.15", ""),
        ("environment.yml", r"requirements.lock", "requirements.txt"),
        ("environment.yml", r"\Z", "      - keras\n"),
    ),
    what_runs_is_what_is_locked: (
        (LOCK, KERAS, r"\g<0>.1"),
        (PROJECT, r'"numpy', '"unheard-of", "numpy'),
    ),
    the_data_keep_their_licence: (
        (PROJECT, r', "utils/MNIST-LICENSE.md"', ""),
        (PROJECT, r" AND CC-BY-SA-3.0", ""),
        ("LICENSE", r"utils/MNIST-LICENSE.md", "elsewhere"),
        (DATA_LICENSE, r"Corinna Cortes", "others"),
    ),
    commits_are_checked_by_the_locked_ruff: (
        (HOOKS, r"rev: v0", "rev: v1"),
        (LOCK, r"(?m)^(ruff==\S+)", r"\1.1"),
    ),
    every_dependency_has_its_reason: (
        (PROJECT, r'("torch>=.*) #.*', r"\1"),
        (PROJECT, r'("keras.*) #.*', r"\1 # needed"),
    ),
    the_same_pythons_everywhere: (
        (PROJECT, r'">=3.11,', '">=3.10,'),
        (CI, r'"3.11"', '"3.12"'),
        (CI, r'"3.13"', '"3.15"'),
        ("Makefile", r"\(3, 15\)", "(4, 0)"),
    ),
}


@pytest.mark.parametrize("check", BREAKS, ids=lambda check: check.__name__)
def test_the_files_agree_and_a_broken_one_is_noticed(check):
    assert list(check(FILES)) == []
    for name, pattern, replacement in BREAKS[check]:
        broken = re.sub(pattern, replacement, FILES[name], count=1)
        assert broken != FILES[name]
        assert list(check(FILES | {name: broken})), (name, replacement)


def test_what_is_imported_is_declared():
    """PyTorch apart, which only the benchmark asks for, and does without.

    What `make` calls may use what only developers install.
    """
    names = packages_distributions()
    declared_names = {
        folder: {canonicalize_name(each.name) for each in declared(FILES, extras)}
        for folder, extras in {
            "utils": (),
            "utils/tools": ("dev",),
            "tests": ("dask", "dev"),
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


def test_the_lock_is_closed():
    """What is installed, without asking for dependencies, needs nothing else."""
    command = [sys.executable, "-m", "pip", "check"]
    checked = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert checked.returncode == 0, checked.stdout
