"""Markdown as part of a page, for the site and for nbconvert: no script draws it."""

import re

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML, which browsers draw without a script."""

    def inline_math(self, body):
        return convert(body)

    def block_math(self, body):
        body = body.replace(r"\sum_", r"\sum\limits_")  # below and above, as in TeX
        formula = convert(body, display="block")
        return f'<div class="formula" tabindex="0">{formula}</div>'

    def heading(self, text, level, **attributes):
        return super().heading(text, level, id=anchor(re.sub("<.+?>", "", text)))


def anchor(words: str) -> str:
    """The name of a place in a page: of "2.1 Two looks" it is `2-1-two-looks`."""
    return re.sub(r"\W+", "-", words.lower()).strip("-")


def html_of(markdown: str) -> str:
    """Markdown as a part of a page."""
    renderer = _Renderer(escape=False, exclude_anchor_links=True)
    html = MarkdownWithMath(renderer=renderer).render(markdown)
    html = re.sub("<th([^>]*)></th>", r"<td\1></td>", html)  # an empty corner
    scrolling = r'<div tabindex="0">\g<0></div>'
    return re.sub("<table>.*?</table>", scrolling, html, flags=re.S)
