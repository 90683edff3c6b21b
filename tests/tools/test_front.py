"""The front page's words, links and drawing; test_site.py opens the page itself."""

import base64
import re
import subprocess

import nbformat
import pytest

from utils.tools import notebooks, site
from utils.tools.markdown import anchor

TEXT = site.FRONT.read_text("utf-8")
PLACES = re.findall(r"\((notebooks/[\w.]+)(?:#([\w-]+))?\)", TEXT)


def test_every_link_leads_to_a_section():
    assert len(PLACES) > 8
    for path, place in PLACES:
        notebook = nbformat.read(notebooks.ROOT / path, as_version=4)
        text = "\n".join(x.source for x in notebook.cells if x.cell_type == "markdown")
        headings = re.findall(r"^#+ (.+)", text, re.M)
        assert not place or place in map(anchor, headings), (path, place)


def test_it_says_what_to_do_before_anything_else():
    before, _ = TEXT.split("<!-- explorer -->")
    assert before.rstrip().endswith("**Press *Play 100*, then move the noise.**")
    assert len(before.split()) < 30


def test_the_drawing_is_upright_on_a_narrow_page():
    html = site.drawing()
    narrow, wide = re.findall(r'base64,([^"]+)', html)
    for text, is_wide in ((narrow, False), (wide, True)):
        svg = base64.b64decode(text).decode()
        size = re.search(r'viewBox="0 0 (\S+) (\S+)"', svg)
        assert (float(size[1]) > float(size[2])) == is_wide
    assert html.count("alt=") == 1
    assert site.drawing() == html  # the same bytes for each build


@pytest.mark.parametrize(
    "origin",
    [
        "https://github.com/someone/attention.git",
        "https://name:token@github.com/someone/attention",
        "git@github.com:someone/attention.git",
        "ssh://git@github.com/someone/attention.git",
    ],
)
def test_a_checkout_from_the_web_links_its_repository(origin, tmp_path, monkeypatch):
    for command in (["init", "-q"], ["remote", "add", "origin", origin]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    words = site.repository_words()
    assert "(https://github.com/someone/attention)" in words
    assert "token" not in words


@pytest.mark.parametrize("origin", ["/some/folder", "../main", "file:///folder", ""])
def test_a_repository_elsewhere_has_no_link(origin):
    assert site.web_address(origin) is None


def test_without_a_checkout_there_is_no_link(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert site.repository_words() == ""
