"""Be the observer: the reader names noisy, displaced digits, beside the networks."""

from collections.abc import Mapping

from utils.explorers.explorer import Explorer, digits, kept, select

CANVAS = 60  # rows and columns, pixels, as where the networks of notebook 6 look
LEVELS = (40, 80, 120, 180, 270, 400)  # noise SDs in grey levels


def observer(
    images, labels, networks: Mapping[str, Mapping[float, float]] | None = None
) -> Explorer:
    """Name digits at random places in noise, for as long as you like.

    Args:
        images: `(images, rows, cols)` grey levels, of which the first 500 are shown.
        labels: `(images,)`.
        networks: by name, whom to compare yourself with: accuracies by noise SD.

    Returns:
        The digit, your answers against the noise, the psychometric function that fits
        them. `controls["answers"].value` has them one by one: `level` (noise SD),
        `cued` (whether the place was marked), `label` and `answer`.

    Raises:
        ValueError: for images or labels that cannot be shown.
    """
    shown = digits(images, labels)
    curves = [
        {"label": name, "points": [[float(x), float(y)] for x, y in curve.items() if x]}
        for name, curve in (networks or {}).items()
    ]
    canvas = [max(CANVAS, shown["rows"]), max(CANVAS, shown["cols"])]
    data = {"digits": shown, "canvas": canvas, "levels": LEVELS, "networks": curves}
    cues = {"none": "off", "corners around the digit": "on"}
    return Explorer(
        "observer", [{"cue-select": select("Cue", cues), "answers": kept()}], data
    )
