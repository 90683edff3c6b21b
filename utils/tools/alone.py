"""A page for each explorer of the site, for a frame in a lecture's slides.

The explorer is that of a notebook's output, so nothing is executed. Its page makes no
network requests.
"""

import re
from collections import Counter
from collections.abc import Mapping
from html import escape
from pathlib import Path

import nbformat

from utils.files import write

EXPLORER = re.compile(r'<div class="explorer" data-name="(.+?)" data-explorer="(.+?)"')
LINK = '<p><a href="explorers/{}.html">Open this explorer alone</a></p>'
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name} · {series}</title>
<link rel="icon" href="data:,">
<style>
body {{ margin: 0; padding: 4px 8px; font: 13px/1.5 system-ui, sans-serif; }}
main, footer {{ max-width: 876px; margin: 0 auto 8px; }}
a {{ color: light-dark(#0060a0, #7cc0f5); }}
</style>
</head>
<body>
<main>
{explorer}
</main>
<footer><a href="../{page}.html#explorer=1:{name}" target="_blank">{words}</a></footer>
</body>
</html>
"""


def build(
    folder: Path,
    pages: Mapping[str, nbformat.NotebookNode],
    titles: Mapping[str, str],
) -> None:
    """Write `explorers/display.html` and so on, and link each explorer to its page.

    A second explorer of a name is in `learning-2.html`; one that stands in two pages is
    written once.

    Args:
        folder: of the site.
        pages: notebooks by the name of their page. Their outputs get the links.
        titles: of the pages; that of `index` is the name of the series.
    """
    files, counts, series = {}, Counter(), escape(titles["index"])
    for page in sorted(pages, key=lambda name: name == "index"):  # the front page last
        outputs = [x for cell in pages[page].cells for x in cell.get("outputs", [])]
        for output in outputs:
            html = output.get("data", {}).get("text/html", "")
            if not (found := EXPLORER.search(html)):
                continue
            name, mark = found.groups()
            if mark not in files:
                counts[name] += 1
                twin = f"-{counts[name]}" if counts[name] > 1 else ""
                files[mark] = f"{name}{twin}"
                words = series if page == "index" else f"{titles[page]} · {series}"
                about = {"name": name, "page": page, "series": series, "words": words}
                own = html.replace(f'data-name="{name}"', f'data-name="{files[mark]}"')
                text = PAGE.format(explorer=own, **about)
                write(folder / "explorers" / f"{files[mark]}.html", text.encode())
            output.data["text/html"] = html + LINK.format(files[mark])
