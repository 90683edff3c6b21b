"""Every page of the site, as axe-core hears it; test_site.py checks its contrast."""

import axe
import pytest
from browser import PHONE, Page

from utils.tools.notebooks import paths

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", ["index", *(path.stem for path in paths())])
def test_axe_finds_nothing_on_a_page_with_all_unfolded(name, pages, browser):
    page = Page(browser, pages / f"{name}.html", **PHONE)
    page.explorers(page.page.locator(".explorer").count())
    page.page.evaluate(
        "document.querySelectorAll('details').forEach((each) => (each.open = true))"
    )
    assert axe.found(page.page, contrast=False) == []
    page.close()
