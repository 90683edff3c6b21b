"""The moving picture at the top of the README, and its still: the display explorer.

`python -m utils.tools.picture` makes `figures/explorer.webp` and `figures/explorer.png`
anew: a digit is dragged through the display of the real explorer, in a real Chromium.
"""

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from utils import explorers
from utils.data import load_mnist
from utils.files import write
from utils.tools.chromium import chromium
from utils.tools.notebooks import ROOT

FRAMES, MILLISECONDS = 36, 90  # of the round, and of each frame
SIZE = {"width": 900, "height": 760}
PICTURE = ".explorer-image"
DIGIT = ".explorer-digit"


def frames() -> list[Image.Image]:
    """The explorer's picture while the digit goes round."""
    _, (images, labels) = load_mnist()
    page_text = f"<!DOCTYPE html>{explorers.display(images, labels).html()}"
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder) / "explorer.html"
        path.write_text(page_text, "utf-8")
        page = browser.new_page(viewport=SIZE)
        page.goto(path.as_uri())
        page.wait_for_function(
            "/update 1/.test(document.querySelector('.explorer-status')?.textContent)"
        )
        return [_frame(page, angle) for angle in np.linspace(0, 2 * np.pi, FRAMES)[:-1]]


def _frame(page, angle):
    """The picture with the digit at an angle of its way round the display."""
    raise NotImplementedError


def main() -> None:
    """Write both files."""
    shown, moving, still = frames(), io.BytesIO(), io.BytesIO()
    shown[0].save(still, "PNG", optimize=True)
    shown[0].save(
        moving,
        "WEBP",
        save_all=True,
        append_images=shown[1:],
        duration=MILLISECONDS,
        loop=0,
        quality=60,
        method=6,
    )
    for name, content in (("explorer.webp", moving), ("explorer.png", still)):
        write(ROOT / "figures" / name, content.getvalue())


if __name__ == "__main__":
    main()
