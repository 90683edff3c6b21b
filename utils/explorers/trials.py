"""Be the observer: the reader names noisy, displaced digits, beside the networks."""

from collections.abc import Mapping

from utils.explorers.controls import kept, select
from utils.explorers.explorer import Explorer
from utils.explorers.packing import digits

CANVAS = 60  # rows and columns, pixels, as the networks of notebooks 6 and 7 see
LEVELS = (40, 80, 120, 180, 270, 400)  # noise SDs in grey levels
CONDITIONS = ("uncued", "cued")
Curve = Mapping[float, float]  # accuracies by noise SD


def observer(
    images,
    labels,
    networks: Mapping[str, Curve] | None = None,
    efficiency: Mapping[str, float] | None = None,
    ideal: Mapping[str, Curve] | None = None,
) -> Explorer:
    """Name digits at random places in noise, for as long as you like.

    Args:
        images: `(images, rows, cols)` grey levels, of which the first 500 are shown.
        labels: `(images,)`.
        networks: by name, their accuracies by noise SD, to compare yourself with.
        efficiency: of networks, by name, in percent.
        ideal: accuracies by noise SD of the ideal observer on a screen, "uncued" and
            "cued" (`clipped_ideal`): the standard for your own efficiency.

    Returns:
        The digit, your answers against the noise, the psychometric function that fits
        them. Its controls: `cue` (whether the place of the digit is marked) and
        `answers`, one by one: `level` (noise SD), `cued`, `label`, `answer`,
        `response_ms` (from the drawing of the display to the answer, milliseconds)
        and `seed` (of the displays).

    Without a kernel the page keeps the answers in the reader's browser, and nowhere
    else, until *Forget* is pressed. *Save CSV* gives a file for `class_answers`.

    Raises:
        ValueError: for images, labels or accuracies that cannot be shown.
    """
    networks, efficiency, ideal = networks or {}, efficiency or {}, ideal or {}
    if not ideal.keys() <= {*CONDITIONS}:
        raise ValueError(
            f"Expected an ideal observer that is {' or '.join(CONDITIONS)}. Received "
            f"{', '.join(ideal)}."
        )
    for name, curve in (*networks.items(), *ideal.items()):
        by_level = isinstance(curve, Mapping)
        if not by_level or not all(0 <= share <= 1 for share in curve.values()):
            raise ValueError(
                f"Expected accuracies from 0 to 1 by noise SD of {name!r}, such as "
                f"{{60: 0.8, 120: 0.7}}. Received {curve!r}."
            )
    shown = digits(images, labels)
    curves = [
        {"label": name, "points": _points(curve)} for name, curve in networks.items()
    ]
    canvas = [max(CANVAS, shown["rows"]), max(CANVAS, shown["cols"])]
    data = {"digits": shown, "canvas": canvas, "levels": LEVELS, "networks": curves}
    data["ideal"] = {name: _points(curve) for name, curve in ideal.items()}
    if efficiency:
        each = ", ".join(f"{name} {share:.0f}%" for name, share in efficiency.items())
        data["note"] = f"efficiency of the networks, without a screen: {each}"
    data["title"] = "You as the observer"
    cues = {"none": False, "corners around the digit": True}
    controls = {"cue": select("cue-select", "Cue", cues), "answers": kept()}
    return Explorer("observer", [controls], data)


def _points(curve):
    return [[float(sd), float(share)] for sd, share in curve.items() if sd]
