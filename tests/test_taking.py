"""The project is yours to take: cited, licensed and installed as it says."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from utils.tools import course

ROOT = Path(__file__).parents[1]


def text_of(name):
    return (ROOT / name).read_text("utf-8")


def yaml_of(name):
    return yaml.safe_load(text_of(name))


PROJECT = tomllib.loads(text_of("pyproject.toml"))["project"]
CITATION = yaml_of("CITATION.cff")
GUIDE = text_of("CONTRIBUTING.md")


def test_the_version_and_its_date_are_the_same_everywhere():
    version, date = re.search(
        r"^## \[(.+)\] - (\S+)$", text_of("CHANGELOG.md"), re.M
    ).groups()
    assert CITATION["version"] == PROJECT["version"] == version
    assert str(CITATION["date-released"]) == date


def test_the_citation_has_all_that_its_format_needs():
    assert {"cff-version", "message", "title", "authors"} <= CITATION.keys()
    assert CITATION["type"] == "software"
    assert PROJECT["name"] in CITATION["authors"][0]["name"]


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("MIT", "MIT License"),
        ("CC-BY-4.0", "CC BY 4.0"),
        ("CC-BY-SA-3.0", "CC BY-SA 3.0"),
    ],
)
def test_each_licence_is_named_in_the_project_and_in_its_one_place(identifier, words):
    assert identifier in PROJECT["license"].split(" AND ")
    assert words in text_of("LICENSE")
    assert words.removesuffix(" License") in text_of("README.md").split("## Credits")[1]


def test_the_data_keep_their_licence():
    name = "utils/MNIST-LICENSE.md"
    assert PROJECT["license-files"] == ["LICENSE", name]
    assert name in text_of("LICENSE")
    for words in ("Yann LeCun and Corinna Cortes", "CC BY-SA 3.0", "What was changed"):
        assert words in text_of(name)


def test_the_package_alone_installs_no_notebooks():
    names = {re.match(r"[\w-]+", each)[0] for each in PROJECT["dependencies"]}
    lab = {
        re.match(r"[\w-]+", each)[0] for each in PROJECT["optional-dependencies"]["lab"]
    }
    assert {"jupyterlab", "papermill"} <= lab
    assert not names & lab


def test_pages_are_published_only_after_every_other_job_of_ci():
    publishing = {
        (path.name, name): job
        for path in (ROOT / ".github/workflows").iterdir()
        for name, job in yaml.safe_load(path.read_text("utf-8"))["jobs"].items()
        if "deploy-pages" in str(job)
    }
    ((file, name),) = publishing
    others = yaml_of(f".github/workflows/{file}")["jobs"].keys() - {name}
    assert set(publishing[file, name]["needs"]) == others
    assert "always()" not in str(publishing)


def test_the_guide_names_what_is_there_in_twenty_lines_or_so():
    for path in re.findall(r"`((?:utils|tests|figures|notebooks)/[\w./]+)`", GUIDE):
        assert "NAME" in path or "NN" in path or (ROOT / path).exists(), path
    for name, path in re.findall(r"`([A-Z]\w+)`[^`]{1,20}`(utils/[\w./]+)`", GUIDE):
        assert re.search(rf"\b{name}\b", text_of(path)), (name, path)
    _, *parts = GUIDE.split("\n## ")
    assert len(parts) == 4
    assert all(len(part.splitlines()) <= 21 for part in parts)
    assert all(f"{minutes}" in parts[-1] for minutes in course.GRADES)
