"""Markdown as part of a page, for the site and for nbconvert: no script draws it."""

import re

from latex2mathml.converter import convert
from mistune.plugins.table import render_table, render_table_cell
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML, which browsers draw without a script."""

    def inline_math(self, body):
        return convert(body)

    def block_math(self, body):
        body = body.replace(r"\sum_", r"\sum\limits_")  # below and above, as in TeX
        formula = convert(body, display="block")
        return f'<div class="formula" tabindex="0">{formula}</div>'

    def table(self, text):
        return f'<div tabindex="0">{render_table(self, text)}</div>'  # it may scroll

    def table_cell(self, text, align=None, head=False):
        return render_table_cell(self, text, align, head and bool(text))

    def heading(self, text, level, **attributes):
        return super().heading(text, level, id=anchor(re.sub("<.+?>", "", text)))


def anchor(words: str) -> str:
    """The name of a place in a page: of "2.1 Two looks" it is `2-1-two-looks`."""
    return re.sub(r"\W+", "-", words.lower()).strip("-")


def html_of(markdown: str) -> str:
    """Markdown as a part of a page."""
    renderer = _Renderer(escape=False, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(markdown)
