"""The site, built once for all tests of its pages."""

import pytest

from utils.tools import site


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Return its folder."""
    folder = tmp_path_factory.mktemp("site")
    assert site.main(["--out", str(folder)]) == 0
    return folder
