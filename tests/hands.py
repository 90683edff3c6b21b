"""An explorer on a page, seen and moved as a reader does."""

import time

PATIENCE = 60  # seconds


def drawn_explorers(page, count, seconds=PATIENCE) -> list["Explorer"]:
    """The explorers of a page, once `count` of them have drawn something."""
    drawn = "document.querySelectorAll('.explorer-status[data-update]').length"
    page.wait_for_function(
        f"count => {drawn} >= count", arg=count, timeout=1000 * seconds
    )
    return [Explorer(page, each) for each in page.locator(".explorer").all()]


class Explorer:
    """One explorer on a page."""

    def __init__(self, page, root):
        self.page, self.root = page, root
        root.scroll_into_view_if_needed()

    def status(self) -> str:
        return self.root.locator(".explorer-status").inner_text()

    def updates(self) -> int:
        shown = self.root.locator(".explorer-status").get_attribute("data-update")
        return int(shown or 0)

    def pixels(self) -> str:
        """The picture, as a data URL."""
        canvas = self.root.locator(".explorer-image > canvas").first
        return canvas.evaluate("canvas => canvas.toDataURL()")

    def part(self, css: str, **which):
        return self.root.locator(css, **which)

    def slider(self, css: str):
        """The native input of a slider, by the slider's class."""
        return self.part(f".{css} input[type=range]")

    def type(self, css: str, number):
        """Type a number beside a slider."""
        self.part(f".{css} .explorer-number").fill(f"{number}")
        self.part(f".{css} .explorer-number").press("Enter")

    def choose(self, css: str, label: str):
        """Choose an option of a select."""
        self.part(f".{css} select").select_option(label=label)

    def press(self, css: str):
        """Press a button among the controls."""
        self.part(f".{css} button").click()

    def sliders(self) -> list[str]:
        """The classes of all sliders that can be moved."""
        return self.root.evaluate(
            """root => [...root.querySelectorAll("input[type=range]:enabled")].map(
                (each) => each.parentElement.className.split(" ").at(-1))"""
        )

    def drag(self, css: str, end: int, steps=40):
        """Drag a slider from where it is to its left end (0) or its right end (1)."""
        slider = self.slider(css)
        slider.scroll_into_view_if_needed()
        track = slider.bounding_box()
        share = "each => (each.value - each.min) / (each.max - each.min)"
        x = track["x"] + 8 + slider.evaluate(share) * (track["width"] - 16)  # its thumb
        y = track["y"] + track["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        to = track["x"] + (track["width"] + 40 if end else -40)
        self.page.mouse.move(to, y, steps=steps)
        self.page.mouse.up()

    def wait_for_update(self, after: int, seconds=5):
        """Wait until something has been drawn since update number `after`."""
        end = time.monotonic() + seconds
        while self.updates() <= after:
            if time.monotonic() > end:
                raise AssertionError(f"Nothing was drawn. Status: {self.status()}")
            self.page.wait_for_timeout(10)

    def expect(self, *words: str, seconds=10):
        """Wait until the status holds all words."""
        end = time.monotonic() + seconds
        while not all(each in self.status() for each in words):
            if time.monotonic() > end:
                raise AssertionError(f"Expected {words}. Status: {self.status()}")
            self.page.wait_for_timeout(20)

    def settle(self):
        """Wait for two frames: all that was asked for has then been drawn."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() =>"
            "requestAnimationFrame(() => setTimeout(done))))"
        )
