"""What is declared, locked, installed and written in the papers agrees.

Each check reads the project's files from a dictionary of name and text, and returns
what is wrong as a list of sentences. `BREAKS` says how to break a file, one place at a
time, and the tests demand that the check notices.
"""

import re
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CI = ".github/workflows/ci.yml"
DATA_LICENSE = "utils/MNIST-LICENSE.md"
FILES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "LICENSE",
        "Makefile",
        "environment.yml",
        "pyproject.toml",
        "requirements.lock",
        ".pre-commit-config.yaml",
        CI,
        DATA_LICENSE,
    )
}
PLATFORMS = ("linux", "darwin")


def project(files):
    return tomllib.loads(files["pyproject.toml"])["project"]


def pythons(files):
    """The Pythons that the project says it runs on: `["3.11", ..., "3.14"]`."""
    supported = SpecifierSet(project(files)["requires-python"])
    return [f"3.{minor}" for minor in range(100) if f"3.{minor}" in supported]


def declared(files, extras=("dask", "dev")):
    """The direct dependencies, without the project's references to itself."""
    tables = project(files)
    texts = list(tables["dependencies"])
    for extra in extras:
        texts += tables["optional-dependencies"][extra]
    requirements = [Requirement(text) for text in texts]
    return [each for each in requirements if each.name != tables["name"]]


@cache
def locked(lock):
    """Each pin of the lock, with the hashes that follow it: [(requirement, [hash])]."""
    pins = []
    for line in re.sub(r"(?m)^\s*#.*\n", "", lock).replace("\\\n", " ").splitlines():
        requirement, *hashes = line.split("--hash=")
        pins.append((Requirement(requirement), [each.strip() for each in hashes]))
    return pins


def pinned(files, name, **environment):
    """The versions that the lock gives a package in an environment: one, or none."""
    return [
        str(pin.specifier).removeprefix("==")
        for pin, _ in locked(files["requirements.lock"])
        if canonicalize_name(pin.name) == canonicalize_name(name)
        and (pin.marker is None or pin.marker.evaluate(environment))
    ]


def every_dependency_is_locked(files):
    wrong = []
    for python in pythons(files):
        for platform in PLATFORMS:
            environment = {
                "python_version": python,
                "python_full_version": f"{python}.0",
                "sys_platform": platform,
            }
            for requirement in declared(files):
                pins = pinned(files, requirement.name, **environment)
                if len(pins) != 1 or pins[0] not in requirement.specifier:
                    wrong.append(
                        f"{requirement} is locked as {pins} on {platform}, {python}"
                    )
    return wrong


def every_pin_is_exact_and_hashed(files):
    return [
        f"{pin} is not pinned to one version, or has no whole sha256"
        for pin, hashes in locked(files["requirements.lock"])
        if [each.operator for each in pin.specifier] != ["=="]
        or "*" in str(pin.specifier)
        or not hashes
        or not all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes)
    ]


def the_lock_names_no_address(files):
    return [
        f"requirements.lock names an index, an address or a path: {line}"
        for line in files["requirements.lock"].splitlines()
        if re.search(r"://|^\s*-(?!-hash=)|\s@\s|^\s*[./]", line)
    ]


def conda_installs_the_lock(files):
    environment = yaml.safe_load(files["environment.yml"])
    expected = {
        "name": project(files)["name"],
        "channels": ["conda-forge"],
        "dependencies": [
            f"python {project(files)['requires-python']}",
            "pip",
            {"pip": ["-r requirements.lock"]},
        ],
    }
    return [
        f"environment.yml: expected {key}: {expected.get(key)}. "
        f"Received {environment.get(key)}"
        for key in expected.keys() | environment.keys()
        if environment.get(key) != expected.get(key)
    ]


def what_runs_is_what_is_locked(files):
    wrong = []
    for requirement in declared(files):
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            installed = "absent"
        if pinned(files, requirement.name) != [installed]:
            wrong.append(
                f"{requirement.name} {installed} is installed, "
                f"{pinned(files, requirement.name)} is locked"
            )
    return wrong


def the_data_keep_their_licence(files):
    tables, text = project(files), files[DATA_LICENSE]
    facts = {
        "pyproject.toml does not ship it": DATA_LICENSE in tables["license-files"],
        "pyproject.toml does not name it": "CC-BY-SA-3.0" in tables["license"],
        "LICENSE does not point to it": DATA_LICENSE in files["LICENSE"],
        "its holders are missing": "Yann LeCun and Corinna Cortes" in text,
        "its name is missing": "CC BY-SA 3.0" in text,
        "its changes are missing": "What was changed" in text,
    }
    return [f"the data's licence: {what}" for what, holds in facts.items() if not holds]


def commits_are_checked_by_the_locked_ruff(files):
    hooks = yaml.safe_load(files[".pre-commit-config.yaml"])["repos"]
    revisions = [each["rev"] for each in hooks if "ruff" in each["repo"]]
    expected = [f"v{each}" for each in pinned(files, "ruff")]
    if revisions == expected:
        return []
    return [f"ruff is {expected} in the lock, {revisions} before a commit"]


def every_dependency_has_its_reason(files):
    def reason(name):
        """Three words or more, in the comment that ends the dependency's line."""
        line = rf'"{re.escape(name)}[^\w-][^"]*".* # \w+([^\w\n]+\w+){{2}}'
        return re.search(line, files["pyproject.toml"])

    return [
        f"{requirement} has no reason beside it in pyproject.toml"
        for requirement in declared(files, extras=("dask", "dev", "torch"))
        if not reason(requirement.name)
    ]


def the_same_pythons_everywhere(files):
    supported = pythons(files)
    oldest, newest = (int(supported[end].removeprefix("3.")) for end in (0, -1))
    tested = yaml.safe_load(files[CI])["jobs"]["test"]["strategy"]["matrix"]["python"]
    stated = (
        f"--python-version 3.{oldest} ",
        f"of 3.{oldest} to 3.{newest}:",
        f"Python 3.{oldest} to 3.{newest}.",
        f"(3, {oldest}) <= sys.version_info < (3, {newest + 1})",
    )
    wrong = [
        f"The Makefile lacks: {each}"
        for each in stated
        if each not in files["Makefile"]
    ]
    if not {supported[0]} <= set(tested) <= set(supported):
        wrong.append(f"CI tests {tested}, of {supported}")
    return wrong


KERAS = r"(?m)^keras==\S+"
LOCK = "requirements.lock"
PROJECT = "pyproject.toml"
# For each check: the file to break, what to replace in it, by what.
BREAKS = {
    every_dependency_is_locked: (
        (LOCK, KERAS, "keras==2.0"),
        (LOCK, r"(?m)^keras==", "not-keras=="),
        (LOCK, KERAS, r"\g<0> ; python_version != '3.13'"),
        (LOCK, KERAS, r"\g<0> ; sys_platform != 'darwin'"),
        (LOCK, r"(?m)^distributed==", "not-distributed=="),
        (PROJECT, r'"keras>=[^"]*"', '"keras>=99"'),
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
        (LOCK, r"\A", "--extra-index-url=index.example\n"),
        (LOCK, r"\A", "-i index.example\n"),
        (LOCK, r"\A", "--find-links wheels\n"),
        (LOCK, r"\A", "# from file:///home/someone/wheels\n"),
        (LOCK, KERAS, "keras @ keras.whl"),
        (LOCK, KERAS, "./keras.whl"),
    ),
    conda_installs_the_lock: (
        ("environment.yml", r"name: \S+", "name: another"),
        ("environment.yml", r"python >=3.11", "python >=3.12"),
        ("environment.yml", r",<3.15", ""),
        ("environment.yml", r"requirements.lock", "requirements.txt"),
        ("environment.yml", r"\Z", "      - keras\n"),
        ("environment.yml", r"  - pip\n", "  - pip\n  - numpy\n"),
        ("environment.yml", r"\Z", "variables: {KERAS_BACKEND: torch}\n"),
    ),
    what_runs_is_what_is_locked: (
        (LOCK, KERAS, r"\g<0>.1"),
        (LOCK, r"(?m)^keras==", "not-keras=="),
        (PROJECT, r'"numpy', '"unheard-of", "numpy'),
    ),
    the_data_keep_their_licence: (
        (PROJECT, r', "utils/MNIST-LICENSE.md"', ""),
        (PROJECT, r" AND CC-BY-SA-3.0", ""),
        ("LICENSE", r"utils/MNIST-LICENSE.md", "elsewhere"),
        (DATA_LICENSE, r"Corinna Cortes", "others"),
        (DATA_LICENSE, r"CC BY-SA 3.0", "CC BY"),
        (DATA_LICENSE, r"What was changed", ""),
    ),
    commits_are_checked_by_the_locked_ruff: (
        (".pre-commit-config.yaml", r"rev: v0", "rev: v1"),
        (LOCK, r"(?m)^(ruff==\S+)", r"\1.1"),
    ),
    every_dependency_has_its_reason: (
        (PROJECT, r'("keras.*) #.*', r"\1"),
        (PROJECT, r'("torch>=.*) #.*', r"\1"),
        (PROJECT, r'("keras.*) #.*', r"\1 # needed"),
    ),
    the_same_pythons_everywhere: (
        (PROJECT, r'">=3.11,', '">=3.10,'),
        (PROJECT, r',<3.15"', ',<3.14"'),
        (CI, r'"3.11"', '"3.12"'),
        (CI, r'"3.13"', '"3.15"'),
        ("Makefile", r"--python-version 3.11 ", ""),
        ("Makefile", r"\(3, 11\)", "(3, 10)"),
        ("Makefile", r"\(3, 15\)", "(4, 0)"),
        ("Makefile", r"of 3.11 to 3.14", "of 3.11 to 3.13"),
        ("Makefile", r"Python 3.11 to 3.14", "Python 3.9 to 3.14"),
    ),
}


@pytest.mark.parametrize("check", BREAKS, ids=lambda check: check.__name__)
def test_the_files_agree(check):
    assert check(FILES) == []


@pytest.mark.parametrize(
    ("check", "name", "pattern", "replacement"),
    [(check, *each) for check, breaks in BREAKS.items() for each in breaks],
)
def test_a_broken_file_is_noticed(check, name, pattern, replacement):
    broken, replaced = re.subn(pattern, replacement, FILES[name], count=1)
    assert replaced == 1
    assert broken != FILES[name]
    assert check(FILES | {name: broken}) != []
