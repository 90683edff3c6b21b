"""Be the observer: the reader names noisy, displaced digits, beside the networks.

One call, `observer(...)`, returns a widget. Noise levels come in random order, each as
often (the method of constant stimuli: Fechner 1860); after some trials a psychometric
function is fitted to the answers. They stay in the kernel, in `answers`.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import anywidget
import numpy as np
import traitlets

from utils.displays import Display, arrange
from utils.noise import WHITE, add_noise
from utils.statistics import Estimate
from utils.studies.psychometrics import (
    PsychometricFunction,
    fit,
    threshold_interval,
)

HERE = Path(__file__).parent
LEVELS = (40.0, 80.0, 120.0, 180.0, 270.0, 400.0)  # SD in grey levels
CURVE = 60  # points of a fitted curve
KEEP_GOING = "keep going: your curve is drawn once it falls"


class Answer(NamedTuple):
    """One trial."""

    level: float  # noise SD, grey levels
    cued: bool  # whether the place was marked
    label: int
    answer: int


class Observer(anywidget.AnyWidget):
    """See `observer`."""

    _esm = "".join(
        (HERE / name).read_text("utf-8") for name in ("panels.js", "observer.js")
    )
    _css = HERE / "explorer.css"
    setup = traitlets.Dict().tag(sync=True)  # levels, networks' curves
    trial = traitlets.Dict().tag(sync=True)  # the image, its number, level and cue
    result = traitlets.Dict().tag(sync=True)  # counts, fits, words
    cued = traitlets.Bool(False).tag(sync=True)

    def __init__(self, images, labels, networks, display, levels, seed):
        self.images, self.labels = np.asarray(images), np.asarray(labels)
        if self.images.ndim != 3 or not 0 < len(self.images) == len(self.labels):
            raise ValueError(
                "Expected images (images, rows, cols) and a label for each. Received "
                f"shapes {self.images.shape} and {self.labels.shape}."
            )
        self.levels = sorted({float(level) for level in levels})
        if len(self.levels) < 4 or not self.levels[0] > 0:
            raise ValueError(
                "Expected 4 or more different noise levels above 0, to fit a curve. "
                f"Received {levels!r}."
            )
        self.display, self.rng = display, np.random.default_rng(seed)
        self.answers: list[Answer] = []
        self.block: list[float] = []  # levels that are still to come, shuffled
        self.number = 0
        curves = [
            {"label": name, "points": self._points(curve)}
            for name, curve in networks.items()
        ]
        super().__init__(
            setup={"levels": self.levels, "networks": curves},
            result=self._result("which digit is it?"),
        )
        self._next()
        self.on_msg(self._hear)
        self.observe(lambda _: self._next(), "cued")

    def threshold(self, cued: bool) -> Estimate:
        """Your threshold, noise SD in grey levels, with a 95% interval.

        Raises:
            ValueError: while there are too few answers for one.
        """
        return threshold_interval(*self._counts(cued))

    def _counts(self, cued):
        """Levels that were shown, right answers, trials: `(levels,)` each."""
        chosen = [each for each in self.answers if each.cued == cued]
        levels = sorted({each.level for each in chosen})
        right = [
            sum(e.answer == e.label for e in chosen if e.level == x) for x in levels
        ]
        return levels, right, [sum(e.level == x for e in chosen) for x in levels]

    def _next(self):
        """Show another digit."""
        if not self.block:
            self.block = self.rng.permutation(self.levels).tolist()
        level, place = self.block.pop(), int(self.rng.integers(len(self.images)))
        target = self.images[place : place + 1]
        shown = arrange(self.display, target, self.images, self.rng)
        noisy = add_noise(shown.images[0], level, self.rng)
        self.number, self.label = self.number + 1, int(self.labels[place])
        cue = [*shown.cues[0].tolist(), *target.shape[1:]] if self.cued else None
        self.trial = {
            "image": noisy.clip(0, WHITE).round().astype("uint8").tobytes(),
            "shape": list(self.display.shape),
            "level": level,
            "number": self.number,
            "cue": cue,
        }

    def _hear(self, _, said, __):
        """Take an answer to the trial that is shown; a late one is dropped."""
        try:
            if said.get("number") != self.number:
                return
            digit = said.get("answer")
            if digit not in range(10):
                raise ValueError(f"Expected a digit from 0 to 9, received {digit!r}.")
            shown = self.trial["level"], self.cued, self.label
            self.answers.append(Answer(*shown, int(digit)))
            verdict = "right" if digit == self.label else f"wrong, you said {digit}"
            self.result = self._result(f"the last was a {self.label}: {verdict}")
            self._next()
        except Exception as error:  # a widget's callback would drop it without a word
            words = f"{type(error).__name__}: {error}"
            self.result = {**self.result, "words": words, "problem": time.time()}

    def _result(self, words):
        counts, fits = [], []
        for cued in (False, True):
            found = self._counts(cued)
            counts += [
                {"cued": cued, "level": level, "right": right, "trials": trials}
                for level, right, trials in zip(*found, strict=True)
            ]
            try:
                fitted = fit(*found)
            except ValueError:  # too few answers, or no fall yet
                continue
            fits.append({"cued": cued, "points": self._points(fitted)})
            told = "with the cue" if cued else "without a cue"
            words += f" · your threshold {told}: SD {fitted.threshold:.0f}"
        if self.answers and not fits:
            words += f" · {len(self.answers)} answers; {KEEP_GOING}"
        return {"counts": counts, "fits": fits, "words": words, "problem": 0}

    def _points(self, curve):
        levels = np.geomspace(self.levels[0], self.levels[-1], CURVE)
        return np.column_stack([levels, curve.accuracy(levels)]).tolist()


def observer(
    images,
    labels,
    networks: Mapping[str, PsychometricFunction] | None = None,
    *,
    display: Display | None = None,
    levels: Sequence[float] = LEVELS,
    seed: int | None = None,
) -> Observer:
    """Name noisy, displaced digits by keyboard, for as long as you like.

    Args:
        images: `(images, rows, cols)` grey levels, digits of a size.
        labels: `(images,)`.
        networks: curves to compare yours with, by name.
        display: what is shown; by default one digit at a random place.
        levels: noise SDs in grey levels, 4 or more.
        seed: of digits, places and noise; by default they are new each time.

    Returns:
        A widget. Its `answers` and `threshold(cued)` hold what you did.

    Raises:
        ValueError: for images, labels or levels that are none.
    """
    shown = Display() if display is None else display
    return Observer(images, labels, networks or {}, shown, levels, seed)
