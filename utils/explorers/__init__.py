"""The explorers: move noise, attention and epochs by hand, and watch.

`noise`, `attention` and `study` each return a widget: controls above a view that
`explorer.js` and `panels.js` draw in the browser. When the pointer or the focus comes
to a control, the pictures of all its values (`utils.sweeps`) are computed and sent, so
that moving it waits for nothing and goes on when the kernel is gone. A control that is
moved sooner than that asks Python, which answers with the one picture at once, and with
all of them when the reader pauses. A study is sent whole.
"""

import asyncio
import atexit
import collections
import functools
import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import anywidget
import matplotlib
import numpy as np
import traitlets
from ipywidgets import (
    Button,
    Dropdown,
    FloatSlider,
    HBox,
    IntSlider,
    Layout,
    VBox,
    Widget,
    widget_serialization,
)

from utils.attention import DIGITS, KINDS
from utils.explorers.sweeps import (
    CONDITIONS,
    EDGES,
    histograms,
    noise_series,
    study_arms,
    sweep,
    weights_of,
)
from utils.figures import GAIN_COLOURS, GAIN_MAXIMUM
from utils.model import build_model
from utils.noise import NOISES, WHITE
from utils.studies.store import Store

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "weights"
STEPS = 101  # values of a slider in a sweep
DRAWS = 20  # of noise in a sweep
NEAR = 10  # digits or draws from the end of a sweep, where the next one is begun
PART = 20  # pictures of a sweep are computed at a time, in 3 to 8 ms
# Jupyter's server leaves Nagle's algorithm on: a small message waits, up to 40 ms, for
# the browser to acknowledge the one before. A full packet does not wait, and between
# programs of one machine, a packet holds 64 KiB.
PACKET = 2**16
PAUSE = 0.12  # seconds without a change, after which a sweep is begun
SWEPT = {  # controls that a sweep may follow, and what of a setting they set
    "digit-slider": "digit",
    "noise-select": "noise",
    "noise-slider": "level",
    "fresh-draw": "draw",
    "attention-select": "attention",
    "strength-slider": "strength",
    "top-n-slider": "n",
}


def noise(images, labels, model=None) -> Widget:
    """Explore what noise does to a digit, and to a network's answer.

    Args:
        images: `(images, rows, cols)` grey levels.
        labels: `(images,)`.
        model: whose answer to show, if any: weights by layer, such as `trained()`,
            or a model from `build_model`, which is used without its attention.

    Returns:
        A widget: the image, how often each grey level occurs, the answer.

    Raises:
        ValueError: if the images are not such an array, or the labels not theirs.
    """
    weights = None if model is None else weights_of(model)
    return _Digits(images, labels, weights, attentive=False)


def attention(images, labels, model=None) -> Widget:
    """Explore where the network looks, at test digits or at one that you draw.

    Args:
        images: `(images, rows, cols)` grey levels.
        labels: `(images,)`.
        model: whose weights to use: as for `noise`; by default `trained()`. Where
            none is trained, an untrained network's, and the status says so.

    Returns:
        A widget: a pad to draw on, the image, the gain of attention on it, the
        answers with attention and without, all gains in order.

    Raises:
        ValueError: if the images are not such an array, or the labels not theirs.
    """
    note = ""
    if model is None:
        try:
            model = trained()
        except FileNotFoundError as error:
            model, note = build_model(seed=0), f"This network is untrained. {error}"
    return _Digits(images, labels, weights_of(model), attentive=True, note=note)


def trained(attention: str = "ones") -> dict[str, np.ndarray]:
    """Weights of a trained network that the package holds.

    Args:
        attention: the kind that it was trained with.

    Returns:
        Weights by layer ("conv_1/kernel"), of the first run of that kind.

    Raises:
        FileNotFoundError: if there is none.
    """
    store = Store(WEIGHTS)
    kinds = {name: store.record(name)["spec"]["attention"] for name in store.names()}
    for name, kind in kinds.items():
        if kind == attention:
            return store.weights(name)
    raise FileNotFoundError(
        f"No trained network of attention {attention!r} in {store.folder}; it holds "
        f"{', '.join(sorted(set(kinds.values()))) or 'none'}. Train one with "
        "utils.training.train, or give a model of your own."
    )


def study(records: Iterable[Mapping]) -> Widget:
    """Explore a study: scrub through its epochs, compare its arms, pick a run.

    Args:
        records: of finished runs, as `Store.record` gives them.

    Returns:
        A widget: accuracy after each epoch, and all runs at the epoch chosen.

    Raises:
        ValueError: without records.
    """
    arms = study_arms(records)
    if not arms:
        raise ValueError(
            "Expected records of finished runs, received none. Run a study first: "
            "make study, or utils.studies.run."
        )
    runs = max(len(arm["runs"]) for arm in arms)
    epochs = max(len(run["accuracy_clean"]) for arm in arms for run in arm["runs"])
    return _Explorer(
        [
            {
                "epoch-slider": IntSlider(epochs, 1, epochs, description="Epoch"),
                "cell-select": Dropdown(
                    options=[arm["label"] for arm in arms], description="Cell"
                ),
            },
            {
                "condition-select": Dropdown(
                    options=[(x, key) for key, x in CONDITIONS.items()],
                    description="Test images",
                ),
                "run-select": Dropdown(
                    options=["all runs", *(f"run {i + 1}" for i in range(runs))],
                    description="Run",
                ),
            },
        ],
        panels=["curves", "runs"],
        arms=arms,
        epochs=epochs,
        conditions=list(CONDITIONS),
    )


# JupyterLab has widgets' messages taken in by a thread of their own, while steps that
# were begun by a cell are taken in the main thread, and Python may leave in the middle.
_turn = threading.RLock()
_leaving = threading.Event()


@atexit.register
def _leave():
    """Take no more steps, and wait for the last: what it needs is about to go."""
    _leaving.set()
    with _turn:
        pass


class _View(anywidget.AnyWidget):
    """The picture below the controls, drawn in the browser from arrays."""

    _esm = "".join(
        (HERE / name).read_text("utf-8") for name in ("panels.js", "explorer.js")
    )
    _css = HERE / "explorer.css"
    setup = traitlets.Dict().tag(sync=True)  # which panels, and what stays the same
    controls = traitlets.Dict().tag(sync=True, **widget_serialization)
    picture = traitlets.Dict().tag(sync=True)  # one level of noise or all of them
    problem = traitlets.Dict().tag(sync=True)  # an error in words; new ones differ


class _Pad(anywidget.AnyWidget):
    """A pad to draw on; what is drawn is an image when it arrives."""

    _esm = HERE / "pad.js"
    _css = _View._css
    shape = traitlets.List().tag(sync=True)  # rows, cols
    drawn = traitlets.CBytes().tag(sync=True)  # grey levels; empty for no drawing


class _Explorer(VBox):
    """Controls in columns, by CSS class, above a view that knows them."""

    def __init__(self, columns: Iterable[Mapping[str, Widget]], pad=None, **setup):
        controls = {name: each for column in columns for name, each in column.items()}
        for name, control in controls.items():
            control.add_class(name)
            if isinstance(control, Button):  # below the sliders, not their labels
                control.layout = Layout(width="248px", margin="2px 2px 2px 178px")
            else:
                control.layout.width = "426px"
                control.style.description_width = "170px"
        watched = controls | ({"pad": pad} if pad else {})
        self.view = _View(controls=watched, setup=setup)
        rows = HBox([VBox(list(column.values())) for column in columns])
        super().__init__([rows, HBox([pad, self.view]) if pad else self.view])
        self.add_class("explorer")

    def guarded(self, function):
        """`function` as a callback, in its turn: what it raises is shown."""

        @functools.wraps(function)
        def call(*_):
            with _turn:
                if _leaving.is_set():
                    return
                try:
                    function()
                except Exception as error:  # ipywidgets would drop it without a word
                    words = f"{type(error).__name__}: {error}"
                    self.view.problem = {"words": words, "time": time.time()}

        return call


class _Setting(NamedTuple):
    """All that decides a picture."""

    digit: int | None  # None: the drawing
    noise: str
    level: float
    draw: int  # of the noise
    attention: str
    strength: float
    n: int


class _Digits(_Explorer):
    """One digit under noise, and what the network makes of it.

    A change is drawn from the one picture that the kernel computes for it. Then the
    kernel sends a sweep: the pictures of every value of the control that is in hand
    (focused, or moved last), among which the browser chooses without asking.
    """

    def __init__(self, images, labels, weights, *, attentive, note=""):
        self.images, self.labels = np.asarray(images), np.asarray(labels)
        if self.images.ndim != 3 or not 0 < len(self.images) == len(self.labels):
            raise ValueError(
                "Expected images (images, rows, cols) and a label for each. Received "
                f"shapes {self.images.shape} and {self.labels.shape}."
            )
        self.weights, self.drawing, self.steps = weights, None, None
        self.draw = self.strokes = 0
        self.hand, self.held = "noise-slider", ()  # and its values that are in a sweep
        choices = [(kind, 1) for kind in KINDS if kind != "given"]
        choices += [("top_n", n) for n in range(2, DIGITS + 1)]
        self.unprepared = iter(choices if attentive else [])

        self.digit = IntSlider(0, 0, len(self.images) - 1, description="Digit (place)")
        kinds = [(each.label, name) for name, each in NOISES.items()]
        self.noise = Dropdown(options=kinds, description="Kind of noise")
        self.level = FloatSlider(0.2, max=1)
        self.fresh = Button(description="Draw fresh noise")
        kinds = [(each.label, name) for name, each in KINDS.items() if name != "given"]
        self.attention = Dropdown(options=kinds, description="Attention map")
        self.strength = FloatSlider(1, min=0, max=1, step=0.01)
        self.strength.description = "Strength (0: none, 1: full)"
        self.n = IntSlider(1, 1, DIGITS, description="N (digits attended)")
        self.attention.value = "top_n" if attentive else "ones"

        self.pad = _Pad(shape=list(self.images.shape[1:]))

        digit = {"digit-slider": self.digit}
        seen = {"noise-select": self.noise, "noise-slider": self.level}
        fresh = {"fresh-draw": self.fresh}
        looking = {
            "attention-select": self.attention,
            "strength-slider": self.strength,
            "top-n-slider": self.n,
        }
        panels = ["image", "histogram"] + ["answer"] * (weights is not None)
        if attentive:
            panels = ["image", "map", "answer", "profile"]
        super().__init__(
            [digit | seen | fresh, looking] if attentive else [digit | fresh, seen],
            pad=self.pad if attentive else None,
            panels=panels,
            note=note,
            shape=self.pad.shape,
            edges=EDGES.tolist(),
            gain_maximum=GAIN_MAXIMUM,
            gain_colours=_colours(GAIN_COLOURS),
        )
        self._set_noise()
        self.hand = "noise-slider"
        collections.deque(self._sweep(), maxlen=0)
        self._when_idle(self._prepare())

        for control, callback in (
            (self.digit, self._choose_digit),
            (self.noise, self._set_noise),
            (self.level, self._move_level),
            (self.attention, self._set_attention),
            (self.strength, lambda: self._change("strength-slider")),
            (self.n, lambda: self._change("top-n-slider")),
        ):
            control.observe(self.guarded(callback), "value")
        self.fresh.on_click(self.guarded(self._draw_noise))
        self.pad.observe(self.guarded(self._take_drawing), "drawn")
        self.view.on_msg(lambda _, said, __: self.guarded(lambda: self._take(said))())

    def _choose_digit(self):
        self.drawing = None
        self.pad.drawn = b""
        self._change("digit-slider")

    def _take_drawing(self):
        self.drawing = None
        self.strokes += 1
        if self.pad.drawn:
            pixels = np.frombuffer(self.pad.drawn, "uint8")
            self.drawing = pixels.reshape(self.images.shape[1:])
            if self.hand == "digit-slider":  # it does not choose what is seen now
                self.hand = "noise-slider"
        self._change()

    def _draw_noise(self):
        self.draw += 1
        self._change("fresh-draw")

    def _set_noise(self):
        noise, level = NOISES[self.noise.value], self.level
        share = level.value / level.max
        with level.hold_sync():
            level.max, level.step = noise.maximum, noise.maximum / (STEPS - 1)
            level.value = share * noise.maximum
            level.readout_format = ".1f" if noise.maximum > 1 else ".2f"
            level.description = f"Noise ({noise.unit})"
        self._change("noise-select")

    def _move_level(self):
        if self.level.max == NOISES[self.noise.value].maximum:  # else not yet adapted
            self._change("noise-slider")

    def _set_attention(self):
        self.strength.disabled = self.attention.value == "as_coded"
        self.n.disabled = self.attention.value != "top_n"
        self._change("attention-select")

    def _change(self, control=None):
        """Show what has changed, unless the browser holds it, and begin a sweep."""
        held = control == self.hand and self._place() is not None
        if not held:
            self._show([self._setting()])
        if not held or self._is_used_up(control):
            self._begin(control)

    def _take(self, said):
        """The reader's hand is on a control: have all its values ready."""
        control = said.get("hand")
        without = self.drawing is not None and control == "digit-slider"
        known = control in SWEPT and control in self.view.controls
        if known and control != self.hand and not without:
            self._begin(control, pause=0)

    def _begin(self, control, pause=PAUSE):
        if control in SWEPT:
            self.hand = control
        self.held = ()
        self._when_idle(itertools.chain(self._sweep(), self._prepare()), pause)

    def _place(self):
        """Where in the sweep that the browser holds its control stands, or None."""
        now = self._setting()._asdict()[SWEPT[self.hand]]
        return next((i for i, x in enumerate(self.held) if _alike(x, now)), None)

    def _is_used_up(self, control):
        """Whether a sweep that holds what is shown must make way for the next."""
        if control == "noise-select":  # another range of levels: the browser asks
            return True
        if control not in ("digit-slider", "fresh-draw"):
            return False
        place, last = self._place(), len(self.held) - 1
        complete = control == "digit-slider" and self.held[-1] == len(self.images) - 1
        return (place < NEAR and self.held[0] > 0 and control == "digit-slider") or (
            last - place < NEAR and not complete
        )

    def _along(self):
        """What the sweep of the control in hand will hold: values, settings."""
        hand, now = self.hand, self._setting()
        reach = STEPS // 2
        first, end = max(self.digit.value - reach, 0), self.digit.value + reach + 1
        values = {
            "digit-slider": range(first, min(end, len(self.images))),
            "noise-select": [value for _, value in self.noise.options],
            "noise-slider": np.linspace(0, self.level.max, STEPS).tolist(),
            "fresh-draw": range(self.draw, self.draw + DRAWS),
            "attention-select": [value for _, value in self.attention.options],
            "strength-slider": np.linspace(0, 1, STEPS).tolist(),
            "top-n-slider": range(1, DIGITS + 1),
        }[hand]
        settings = [now._replace(**{SWEPT[hand]: value}) for value in values]
        if hand == "noise-select":  # the level keeps its share
            share = self.level.value / self.level.max
            levels = [share * NOISES[each.noise].maximum for each in settings]
            settings = [
                x._replace(level=y) for x, y in zip(settings, levels, strict=True)
            ]
        return list(values), settings

    def _sweep(self):
        """In parts, between which the kernel can take in what the reader does."""
        (values, settings), parts = self._along(), []
        # What decides how maps are made is compiled for, and looked at one by one.
        size = 1 if SWEPT[self.hand] in ("attention", "n") else PART
        for start in range(0, len(settings), size):
            part = settings[start : start + size]
            filled = part + part[-1:] * (size - len(part))  # one shape to compile for
            found = self._picture(filled)
            parts.append({key: array[: len(part)] for key, array in found.items()})
            yield
        self.held = values
        whole = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
        self._show(settings, whole)

    def _prepare(self):
        """Compile the kinds not seen yet, so that choosing one is quick."""
        for kind, n in self.unprepared:
            for count in (1, PART):
                images = np.repeat(self.images[:1], count, axis=0)
                sweep(images, self.weights, kind, n=n)
                yield

    def _when_idle(self, steps, pause=PAUSE):
        """Take steps, once nothing has changed for a while; now, without a kernel.

        Those begun before are given up, whichever thread's loop they wait in.
        """
        self.steps = steps
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return collections.deque(steps, maxlen=0)

        def step():
            if self.steps is steps and next(steps, "done") != "done":
                loop.call_soon(self.guarded(step))

        loop.call_later(pause, self.guarded(step))

    def _setting(self):
        return _Setting(
            self.digit.value if self.drawing is None else None,
            self.noise.value,
            self.level.value,
            self.draw,
            self.attention.value,
            self.strength.value,
            self.n.value,
        )

    def _picture(self, settings):
        """Arrays of what is to be drawn, one after the other."""
        noisy = np.concatenate(
            [
                noise_series(self._image(each), each.noise, [each.level], each.draw)
                for each in settings
            ]
        )
        picture = {
            "images": noisy.clip(0, WHITE).round().astype("uint8"),
            "histogram": histograms(noisy),
        }
        if self.weights is None:
            return picture
        looks, start = [], 0
        for (kind, n), group in itertools.groupby(
            settings, lambda each: (each.attention, each.n)
        ):
            strengths = [each.strength for each in group]
            seen = noisy[start : start + len(strengths)]
            looks.append(sweep(seen, self.weights, kind, strengths, n))
            start += len(strengths)
        return picture | {
            key: np.concatenate([look[key] for look in looks]) for key in looks[0]
        }

    def _image(self, setting):
        return self.drawing if setting.digit is None else self.images[setting.digit]

    def _show(self, settings, picture=None):
        """Send pictures with what words need; by default, compute them first."""
        picture = picture or self._picture(settings)
        gains = picture.get("gains", np.empty((1, 0, 0)))
        values = list(self.held) if len(settings) > 1 else []
        if self.hand.endswith("select"):  # the browser knows a choice by its place
            values = list(range(len(values)))
        self.view.picture = {
            **{key: np.ascontiguousarray(x).tobytes() for key, x in picture.items()},
            "gain_shape": gains.shape[1:],
            "hand": self.hand,
            "values": values,
            "controls": self._controls(),
            "each": [self._words(setting) for setting in settings],
            "padding": bytes(PACKET if len(settings) == 1 else 0),
        }

    def _controls(self):
        """What the controls say, so that the browser can tell whether this answers it.

        A choice by its place, a drawing by its ink.
        """
        said = {"pad": sum(self.pad.drawn)} if "pad" in self.view.controls else {}
        for name, control in self.view.controls.items():
            if name in SWEPT and name != "fresh-draw":
                said[name] = control.index if name.endswith("select") else control.value
        return said

    def _words(self, setting):
        subject, label = "your drawing", None
        if setting.digit is not None:
            label = int(self.labels[setting.digit])
            subject = f"digit {setting.digit} (label {label})"
        looking = KINDS[setting.attention].label.replace(" N ", f" {setting.n} ")
        if setting.attention != "as_coded":
            looking += f", strength {setting.strength:.2f}"
        return {
            "level": setting.level,
            "unit": NOISES[setting.noise].unit,
            "draw": setting.draw,
            "strokes": self.strokes if setting.digit is None else 0,
            "subject": subject,
            "label": label,
            "looking": looking,
        }


def _alike(one, other):
    """Equal, up to the rounding of a slider's steps."""
    if isinstance(one, str) or None in (one, other):
        return one == other
    return abs(one - other) < 1e-6


def _colours(name):
    """A matplotlib colour map as 256 x (red, green, blue)."""
    table = matplotlib.colormaps[name](np.arange(256), bytes=True)
    return np.ascontiguousarray(table[:, :3]).tobytes()
