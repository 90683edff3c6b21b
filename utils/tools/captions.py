"""Captions of figures and tables: their anchors, links to them, alternative texts."""

import re
from collections.abc import Iterator, Mapping

import nbformat

from utils.tools.markdown import anchor

LONGEST = 300  # characters of an alternative text
CAPTION = re.compile(r"^\*\*(Figure [\d.]+)\*\*\s+(.+?)(?=\n\s*\n|\Z)", re.M | re.S)
LABEL = re.compile(r"(?<=^\*\*)(Figure|Table)s? ([\d.]+)(?: and ([\d.]+))?\*\*", re.M)
LABELLED = re.compile(r"<p>(<strong>(?:Figure|Table)s? [^<]+</strong>)")
SECTION = re.compile(r"^##+ ((\d+\.\d+) .+)", re.M)
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z`])")
TAG = re.compile(r"(</?(\w+)[^>]*>)")
UNLINKED = {"a", "code", "pre", "strong", "h1", "h2", "h3", "h4", "math"}
# "Figure 2.1a", "Figures 3.2 and 3.5", "notebooks 4 to 6"; not "(Zhou 2016, section 2)"
NUMBER = r"(\d+(?:\.\d+)?)"
MENTION = re.compile(
    rf"(?<!\d{{4}},\s)\b(figure|table|section|notebook)(s)?\s+{NUMBER}[a-z]?\b"
    rf"(?(2)(?:(\s(?:and|to)\s){NUMBER}\b)?)",
    re.I,
)


def alternative(caption: str, finding: str = "") -> str:
    """The alternative text of a figure: what it shows, then what was found.

    Args:
        caption: Markdown that begins with a figure's caption.
        finding: the claim that the figure supports, as Markdown.

    Returns:
        The caption's first sentence, then the claim's sentences and the rest of the
        caption's, as many as fit into 300 characters.
    """
    label, text = CAPTION.search(caption).groups()
    first, *rest = _sentences(text)
    said = f"{label} {first}"
    for each in (*_sentences(finding), *rest):
        if len(said) + 1 + len(each) > LONGEST:
            break
        said += f" {each}"
    return said


def _sentences(markdown):
    text = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", re.sub(r"[*$]", "", markdown))
    found = SENTENCE.split(" ".join(text.split()))
    # A word alone, and the beginning of a formula, are no sentences.
    whole = (each for each in found if " " in each and each[-1] in ".?!")
    return [each.replace("`", "") for each in whole]


def places(pages: Mapping[str, nbformat.NotebookNode]) -> dict[str, str]:
    """Where each notebook, section, figure and table is.

    Args:
        pages: name of a page to its notebook.

    Returns:
        "notebook 2", "section 2.1", "figure 2.1" or "table 1.1" to page and anchor.
    """
    found = {}
    for page, notebook in pages.items():
        if number := re.match(r"\d+", page):
            found[f"notebook {int(number[0])}"] = page, ""
        for cell in notebook.cells:
            if cell.cell_type != "markdown":
                continue
            for words, number in SECTION.findall(cell.source):
                found[f"section {number}"] = page, anchor(words)
            for kind, *numbers in LABEL.findall(cell.source):
                for number in filter(None, numbers):
                    name = f"{kind.lower()} {number.rstrip('.')}"
                    found[name] = page, anchor(name)
    return found


def with_claims_linked(markdown: str, claims: Mapping[str, str]) -> str:
    """A table of claims whose rows link to the cells that make them.

    Args:
        markdown: of a cell or an output.
        claims: of the same page, by key.
    """
    for key, sentence in claims.items():
        row, place = f"| {sentence} |", anchor(f"claim {key}")
        markdown = markdown.replace(row, f"{row[:-2]} [above](#{place}) |")
    return markdown


def linked(html: str, page: str, known: Mapping[str, tuple[str, str]]) -> str:
    """A part of a page with anchors at its captions, and links where it mentions one.

    Args:
        html: the part.
        page: name of its page.
        known: what can be mentioned, as `places` gives it.

    Raises:
        ValueError: if it mentions what does not exist.
    """

    def link(words, kind, number):
        name = f"{kind} {number}"
        if name not in known:
            raise ValueError(
                f"The page {page} mentions {name}, which does not exist. Correct the "
                "number in the notebook, or add the caption or heading."
            )
        other, place = known[name]
        address = f"#{place}" if place else ""
        if not place or other != page:
            address = f"{other}.html{address}"
        return f'<a href="{address}">{words}</a>'

    def links(mention):
        words, kind, number, between, last = mention.group(0, 1, 3, 4, 5)
        kind = kind.lower()
        if not last:
            return link(words, kind, number)
        first = words[: mention.start(4) - mention.start()]
        return link(first, kind, number) + between + link(last, kind, last)

    inside, parts = [], []
    for text, tag, element in _pieces(LABELLED.sub(_with_anchors, html)):
        parts += MENTION.sub(links, text) if not inside else text, tag
        if element in UNLINKED:
            inside.pop() if tag.startswith("</") else inside.append(element)
    return "".join(parts)


def _pieces(html) -> Iterator[tuple[str, str, str]]:
    """Texts, each with the tag that follows it and the tag's name."""
    place = 0
    for tag in TAG.finditer(html):
        yield html[place : tag.start()], tag[1], tag[2]
        place = tag.end()
    yield html[place:], "", ""


def _with_anchors(caption):
    kind = "figure" if "Figure" in caption[1] else "table"
    names = [anchor(f"{kind} {x}") for x in re.findall(r"\d+\.\d+", caption[1])]
    spans = "".join(f'<span id="{name}"></span>' for name in names[1:])
    return f'<p class="caption" id="{names[0]}">{spans}{caption[1]}'
