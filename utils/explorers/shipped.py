"""The trained networks that ship with the package, and their names."""

import json
from pathlib import Path

import keras
import numpy as np

from utils.attention import KINDS
from utils.model import build_model, set_weights
from utils.spec import Display

WEIGHTS = Path(__file__).parents[1] / "weights"
CONTROL = "ones"  # the kind without attention
MAPS = {  # name of each kind that makes its map itself, by its label
    kind.label: name for name, kind in KINDS.items() if name != "given"
}


def trained(
    attention: str = CONTROL, display: Display | None = None
) -> dict[str, np.ndarray]:
    """Weights of a trained network that the package holds.

    Args:
        attention: the kind that it was trained with.
        display: what it was trained on; None: MNIST's digits as they are.

    Returns:
        Weights by layer ("conv_1/kernel"), of the first run of that kind.

    Raises:
        FileNotFoundError: if there is none.
    """
    with np.load(_found(attention, display)[0]) as weights:
        return dict(weights)


def shipped(display: Display | None = None) -> dict[str, tuple[Path, dict]]:
    """By kind, the weights' file and the record of the first run for a display."""
    found = {}
    for path in sorted(WEIGHTS.glob("*.npz")):
        if not (beside := path.with_suffix(".json")).exists():
            continue
        record = json.loads(beside.read_text("utf-8"))
        kind, shown = record["spec"]["attention"], record["spec"].get("display")
        if (Display(**shown) if shown else None) == display:
            found.setdefault(kind, (path, record))
    return found


def trained_model(attention: str, display: Display) -> keras.Model:
    """A trained network as a model, with the settings of its record.

    Raises:
        FileNotFoundError: if there is none.
    """
    spec = _found(attention, display)[1]["spec"]
    own = {"strength": spec["strength"], **spec["attention_parameters"]}
    model = build_model(attention, image_shape=display.shape, **own)
    set_weights(model, trained(attention, display))
    return model


def label_of(kind: str) -> str:
    """The label of the trained network of a kind."""
    how = "without attention" if kind == CONTROL else f"with {KINDS[kind].label}"
    return f"Trained {how}"


def attention_of(model) -> tuple[str, float, dict]:
    """Kind, strength and parameters of a model's attention; defaults for weights."""
    if isinstance(model, keras.Model):
        layer = model.get_layer("attention")
        if layer.attention not in (CONTROL, "given"):
            return layer.attention, layer.strength, layer.parameters
    return "energy", 1, {}


def _found(attention, display):
    found = shipped(display)
    if attention not in found:
        raise FileNotFoundError(
            f"No trained network of attention {attention!r} for "
            f"{display or 'digits as they are'} in {WEIGHTS}; it holds "
            f"{', '.join(sorted(found)) or 'none'}. Train one with "
            "utils.training.train, or give a model of your own."
        )
    return found[attention]
