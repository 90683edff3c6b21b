"""What axe-core finds wrong on a page for readers who hear it or use keys alone."""

from axe_playwright_python.sync_playwright import Axe


def found(page, within=None, contrast=True) -> list:
    """Its rules that are broken, and where; without `contrast` it takes less time."""
    rules = {"color-contrast": {"enabled": contrast}}
    results = Axe().run(page, within, {"rules": rules, "resultTypes": ["violations"]})
    return [
        (broken["id"], [node["html"][:200] for node in broken["nodes"]])
        for broken in results.response["violations"]
    ]
