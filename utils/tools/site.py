"""The series as a static site: `make site` writes `build/site/index.html`.

Nothing is executed: the committed notebooks hold their outputs, and their explorers are
alive without a kernel. A page makes no network requests.
"""

import argparse
import base64
import io
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
from jinja2 import FileSystemLoader
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from utils import explorers, figures
from utils.data import load_mnist
from utils.files import write
from utils.model import build_model
from utils.tools import alone, captions, notebooks, plates
from utils.tools.markdown import anchor, html_of

HERE = Path(__file__).parent
FRONT, README = HERE / "front.md", notebooks.ROOT / "README.md"
DRAWN = (
    "The network as boxes and arrows. The image passes conv_1, pooling and "
    "normalisation. The first look, conv_2 and dense_2 at each place, makes an "
    "attention map. The map multiplies the input of the second look: conv_2 again, "
    "pooling, and dense_2 again, which gives ten probabilities."
)
REMOTE = re.compile(
    r"(?:https?://(?:[^@/]*@)?|(?:ssh://)?git@)([\w.-]+)[/:](.+?)(?:\.git)?/?"
)
STYLES = {  # of code, by what is preferred; on paper always light
    "print, (prefers-color-scheme: light)": "default",
    "screen and (prefers-color-scheme: dark)": "github-dark",
}
NOTEBOOK = re.compile(r'href="(?:notebooks/)?(\d\d_\w+)\.ipynb')
NO_PAGE = re.compile(r'<a href="(?!https?:|#|\d\d_)[^"]*">(.*?)</a>', re.S)
SOURCE = re.compile(r"<!-- (\d\d: .+?) -->", re.S)  # of a finding: "06: key; 06: key"

SHOWN = re.compile(r"<style>pre {.*?</style>", re.S)  # by `utils.show`: one scheme only


def html_in_site(markdown: str) -> str:
    """Markdown as a part of the site; a link to no page of it becomes plain text."""
    return NO_PAGE.sub(r"\1", NOTEBOOK.sub(r'href="\1.html', html_of(markdown)))


def comparison(finding: re.Match, pages: Mapping) -> str:
    """The claims that a finding names in a comment, folded, each with its place."""
    html = ""
    for source in finding[1].split(";"):
        number, key = (" ".join(part.split()) for part in source.split(":", 1))
        name = next((name for name in pages if name.startswith(number)), None)
        said = notebooks.claims(pages[name]) if name else {}
        if key not in said:
            raise ValueError(
                f"README.md names a claim {key!r} of notebook {number}, which does not "
                "show it. Execute the notebook anew (make notebooks "
                f'ONLY="{number}") or correct the comment in README.md.'
            )
        place = f"{name}.html#{anchor(f'claim {key}')}"
        link = f'<a href="{place}">In notebook {int(number)}, where it is made</a>'
        html += f'<div class="claim">{html_in_site(said[key])}<p>{link}</p></div>'
    return f"<details><summary>The comparison</summary>{html}</details>"


def index(pages: Mapping[str, nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """The front page: front.md, with an explorer, a drawing and parts of the README.

    The findings come with the claims that they name in `pages`.
    """
    _, (images, labels) = load_mnist()
    text = re.sub(r"<!-- repository -->", repository_words(), FRONT.read_text("utf-8"))
    _, *sections = re.split(r"\n(?=## )", README.read_text("utf-8"))
    chosen = {each.split("\n")[0]: each for each in sections}
    found = SOURCE.sub(lambda x: comparison(x, pages), chosen["## What was found"])
    text = text.replace("<!-- notebooks -->", chosen["## The notebooks"])
    text = text.replace("<!-- findings -->", found)
    cells = []
    for part in re.split("(<!-- (?:explorer|network) -->)", text):
        if part == "<!-- explorer -->":
            cells.append(_shown(explorers.display(images, labels).html()))
        elif part == "<!-- network -->":
            cells.append(_shown(drawing()))
        else:
            cells.append(nbformat.v4.new_markdown_cell(part))
    return nbformat.v4.new_notebook(cells=cells)


def _shown(html):
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    return nbformat.v4.new_code_cell(outputs=[output])


def drawing() -> str:
    """Figure 2.1a for a page: upright on a narrow page, with one alternative text."""
    model, pictures = build_model(), []
    for size, upright in (((10, 3.2), False), ((3.7, 7.4), True)):
        with plt.style.context([*figures.STYLE, {"svg.hashsalt": "front"}]):
            figure, ax = plt.subplots(figsize=size)
            figures.network_diagram(ax, model, upright)
            svg = io.BytesIO()
            figure.savefig(svg, format="svg", metadata={"Date": None})
            plt.close(figure)
        text = base64.b64encode(svg.getvalue()).decode()
        pictures.append(f"data:image/svg+xml;base64,{text}")
    wide, narrow = pictures
    return (
        f'<picture><source media="(max-width: 600px)" srcset="{narrow}">'
        f'<img class="drawing" src="{wide}" alt="{DRAWN}"></picture>'
    )


def repository_words() -> str:
    """Where the code is, if the checkout's `origin` is on the web."""
    command = ["git", "-C", notebooks.ROOT, "config", "--get", "remote.origin.url"]
    try:
        origin = subprocess.run(command, capture_output=True, encoding="utf-8").stdout
    except OSError:  # no git
        return ""
    address = web_address(origin.strip())
    return f"; the code is in [the repository]({address})" if address else ""


def web_address(origin: str) -> str | None:
    """The web page of a git remote, without user and password, if it has one."""
    found = REMOTE.fullmatch(origin)
    return f"https://{found[1]}/{found[2]}" if found else None


def build(folder: Path) -> list[Path]:
    """Write the site into a folder.

    Returns:
        Its pages: the index, and one for each notebook. Those of explorers alone
        (alone.py) are in a folder beside them.

    Raises:
        ValueError: if a notebook's outputs are not those of its code, if two have the
            same number, or if one does not claim what the README says.
    """
    pages = {}
    for path in notebooks.paths():
        number, notebook = path.name[:2], nbformat.read(path, as_version=4)
        if twin := next((name for name in pages if name.startswith(number)), None):
            raise ValueError(
                f"{path.name} and {twin}.ipynb have the same number. Keep one of them "
                f"in {path.parent}."
            )
        if not notebooks.is_fresh(notebook):
            raise ValueError(
                f"{path.name} was edited, or its outputs were cleared, after it was "
                f'executed. Execute it anew: make notebooks ONLY="{number}".'
            )
        pages[path.stem] = notebook
    pages = {"index": index(pages), **pages}
    exporter = HTMLExporter(
        extra_loaders=[FileSystemLoader(HERE)],
        template_name="basic",
        template_file="site.html.j2",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    exporter.register_filter("anchor", anchor)
    css = (HERE / "site.css").read_text("utf-8")
    js = (HERE / "site.js").read_text("utf-8")
    for media, style in STYLES.items():
        rules = HtmlFormatter(style=style).get_style_defs(".highlight")
        css += f"@media {media} {{\n{rules}\n}}\n"
    titles = {
        name: re.match("# (.+)", x.cells[0].source)[1] for name, x in pages.items()
    }
    alone.build(folder, pages, titles)
    names, written, known = list(pages), [], captions.places(pages)
    for place, (name, notebook) in enumerate(pages.items()):
        around = {
            "before": names[place - 1] if place else None,
            "after": names[place + 1] if place + 1 < len(names) else None,
        }
        text = "\n\n".join(x.source for x in notebook.cells if "outputs" not in x)
        said = notebooks.claims(notebook)

        def markdown(text, name=name, said=said):
            text = captions.with_claims_linked(text, said)
            return captions.linked(html_in_site(text), name, known)

        exporter.register_filter("markdown2html", markdown)
        beside = plates.frame(notebook, markdown)
        facts = {"name": name, "titles": titles, "css": css, "js": js, **around}
        facts["sections"] = re.findall("^## (.+)", text, re.M) if place else []
        text, _ = exporter.from_notebook_node(notebook, {"site": facts})
        text = SHOWN.sub("", text).replace("<pre>", '<pre tabindex="0">')  # may scroll
        written.append(folder / f"{name}.html")
        write(written[-1], text.encode())
        for path in beside:
            write(folder / "figures" / path.name, path.read_bytes())
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.tools.site")
    parser.add_argument("--out", type=Path, default=Path("build/site"), help="folder")
    options = parser.parse_args(arguments)
    try:
        pages = build(options.out)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(pages)} pages: {pages[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
