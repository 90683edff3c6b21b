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

FRAMES, MILLISECONDS = 36, 90  # of the round, and of each of them
RADIUS = 0.26  # of the round, in sides of the display
SIZE = {"width": 900, "height": 800}  # of the window
PAUSE = 60  # ms, after which a picture is drawn


def frames() -> list[Image.Image]:
    """The explorer's picture while the digit goes once round."""
    _, (images, labels) = load_mnist()
    text = f"<!DOCTYPE html>{explorers.display(images, labels).html()}"
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder) / "explorer.html"
        path.write_text(text, "utf-8")
        page = browser.new_page(viewport=SIZE)
        page.goto(path.as_uri())
        handle, status = page.locator(".explorer-handle"), ".explorer-status"
        page.wait_for_selector(f"{status}[data-update]")
        page.locator(".play-100 button").click()
        page.wait_for_selector(f"{status}:has-text('right of 100')")
        box, found = handle.bounding_box(), []
        for angle in 2 * np.pi * np.arange(FRAMES) / FRAMES:
            x, y = 0.5 + RADIUS * np.cos(angle), 0.5 + RADIUS * np.sin(angle)
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            page.mouse.down()  # from the first on, in the middle of the digit
            page.wait_for_timeout(PAUSE)
            shown = page.locator(".explorer-image").screenshot()
            found.append(Image.open(io.BytesIO(shown)).convert("RGB"))
    return found


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
