"""Captions: alternative texts, anchors, and links from where they are mentioned."""

import re

import nbformat
import pytest

from utils.tools.captions import LONGEST, alternative, linked, places
from utils.tools.markdown import anchor, html_of
from utils.tools.notebooks import claims, paths

KNOWN = {
    "figure 1.1": ("one", "figure-1-1"),
    "figure 2.8": ("two", "figure-2-8"),
    "section 2.1": ("two", "2-1-looks"),
    "notebook 1": ("one", ""),
    "notebook 2": ("two", ""),
}


def test_pages_have_places_for_sections_figures_and_tables():
    text = "## 2.1 Looks\n\n**Figure 2.8.** A map.\n\n**Tables 2.1 and 2.2.** Rates."
    cells = [nbformat.v4.new_markdown_cell(text)]
    assert places({"02_looks": nbformat.v4.new_notebook(cells=cells)}) == {
        "notebook 2": ("02_looks", ""),
        "section 2.1": ("02_looks", "2-1-looks"),
        "figure 2.8": ("02_looks", "figure-2-8"),
        "table 2.1": ("02_looks", "table-2-1"),
        "table 2.2": ("02_looks", "table-2-2"),
    }


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("See Figure 1.1.", 'See <a href="#figure-1-1">Figure 1.1</a>.'),
        ("(Figure 2.8a)", '(<a href="two.html#figure-2-8">Figure 2.8a</a>)'),
        (
            "Figures 1.1 and 2.8",
            '<a href="#figure-1-1">Figures 1.1</a> and '
            '<a href="two.html#figure-2-8">2.8</a>',
        ),
        ("Section 2.1 says", '<a href="two.html#2-1-looks">Section 2.1</a> says'),
        (
            "notebooks 1 to 2",
            '<a href="one.html">notebooks 1</a> to <a href="two.html">2</a>',
        ),
        ("(Zhou et al. 2016, section 7)", "(Zhou et al. 2016, section 7)"),
        ("`figure 7`", "<code>figure 7</code>"),
        ("[notebook 1](x)", '<a href="x">notebook 1</a>'),
    ],
)
def test_a_mention_is_a_link(text, html):
    assert linked(html_of(text), "one", KNOWN) == f"<p>{html}</p>\n"


def test_a_caption_is_the_place_and_no_link():
    html = linked(html_of("**Figure 1.1.** As in Figure 2.8."), "one", KNOWN)
    assert html.startswith(
        '<p class="caption" id="figure-1-1"><strong>Figure 1.1.</strong> As in <a '
    )


def test_a_mention_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"page one mentions figure 9\.9"):
        linked("<p>See Figure 9.9.</p>", "one", KNOWN)


def test_an_alternative_text_ends_with_a_whole_sentence():
    caption = (
        "**Figure 1.1.** A line `a`, *b* and [notebook 1](x). " + "More of it. " * 50
    )
    said = alternative(caption + 50 * "More of it. ", "**It rises.** By 3 points.")
    assert said.startswith(
        "Figure 1.1. A line a, b and notebook 1. It rises. By 3 points."
    )
    assert LONGEST - 12 < len(said) <= LONGEST
    assert said.endswith("More of it.")


def test_every_link_within_the_site_leads_to_its_place(pages):
    text = {path.name: path.read_text("utf-8") for path in pages.glob("*.html")}
    places = {name: {*re.findall(r'\bid="([^"]+)"', x)} for name, x in text.items()}
    for name, html in text.items():
        links = re.findall(r'<a [^>]*href="(?!https?:)([^"]*)"', html)
        for page, _, place in (link.partition("#") for link in links):
            assert not place or place in places[page or name], (name, page, place)
    assert '<a href="#figure-4-3">Figure 4.3</a>' in text["04_comparative_study.html"]
    assert (
        'href="06_where_attention_helps.html#figure-6-2"'
        in (text["07_how_attention_works.html"])
    )


def test_each_claim_in_a_table_links_to_the_cell_that_makes_it(pages):
    """But for claims that a cell computes and does not print."""
    for path in paths():
        shown = claims(nbformat.read(path, as_version=4))
        html = (pages / f"{path.stem}.html").read_text("utf-8")
        links = {*re.findall(r'<a href="#(claim-[^"]+)">above</a>', html)}
        assert links == {anchor(f"claim {key}") for key in shown}
