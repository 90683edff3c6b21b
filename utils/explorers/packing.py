"""Packs for a page, as text: scripts, digits, networks and maps."""

import base64
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import keras
import matplotlib
import numpy as np

from utils.attention import KINDS
from utils.figures import GAIN_COLOURS
from utils.maps import DIGITS
from utils.model import build_model, map_shape
from utils.noise import WHITE

HERE = Path(__file__).parent
NETWORK = ("kinds.js", "network.js", "stimuli.js", "worker.js", "compiling.js")
BUILDS = ("network.wasm", "network_plain.wasm")  # of network.c, the fastest first
MOST_DIGITS = 500  # that travel with a page, 210 bytes each
SIZES = range(3, 77)  # rows and columns of images that network.c takes
SHAPES = {  # of a network's weights, in the order of network.js
    "conv_1/kernel": (3, 3, 1, 32),
    "conv_1/bias": (32,),
    "conv_2/kernel": (3, 3, 32, 32),
    "conv_2/bias": (32,),
    "dense_2/kernel": (32, 10),
    "dense_2/bias": (10,),
}


def one_script(names=NETWORK) -> str:
    """The text of some scripts in one that imports and exports nothing.

    It runs wherever a page has it: in `<script type="module">`, in an anywidget's
    module, in a worker made from a blob. It makes no network requests. A page has no
    use for comments and indentation, a quarter of the text, so they are left out.

    Args:
        names: files beside this one, each after the files that it imports from.
    """
    text = "".join((HERE / name).read_text("utf-8") for name in names)
    text = re.sub(r"(?m)^ *//.*\n|^ +", "", text)
    text = re.sub(r'(?m)^import \{[^}]*\} from "[\w./]+\.js";\n', "", text)
    return re.sub(r"(?m)^export (?=async |const |class |function)", "", text)


def network_builds() -> list[str]:
    """The compiled network, with SIMD instructions and without, each deflated."""
    return [deflated((HERE / name).read_bytes()) for name in BUILDS]


def page_network() -> dict:
    """The compiled network and 256 colours of gains, for a page with networks."""
    colours = matplotlib.colormaps[GAIN_COLOURS](np.arange(256), bytes=True)[:, :3]
    return {"wasm": network_builds(), "gain_colours": packed(colours)}


def packed(array, kind: str = "uint8") -> str:
    """An array as text in base64."""
    return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode()


def deflated(content: bytes) -> str:
    """Bytes as text that the page inflates."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


def size_note(images) -> str:
    """A sentence for images of a size that a page does not take; else nothing."""
    rows, cols = images.shape[1:]
    if rows in SIZES and cols in SIZES:
        return ""
    return (
        f"Explorers take images of {SIZES[0]} x {SIZES[0]} to {SIZES[-1]} x "
        f"{SIZES[-1]} pixels, and these have {rows} x {cols}. So the explorers of this "
        "notebook show nothing; the rest of it runs."
    )


def digits(images, labels, most: int = MOST_DIGITS) -> dict:
    """Digits for a page, the first `most` of them, deflated.

    Args:
        images: `(images, rows, cols)` grey levels, which are rounded.
        labels: `(images,)` digits.

    Raises:
        ValueError: if images or labels are not of this form.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 3 or not 0 < len(images) == labels.size or labels.ndim != 1:
        raise ValueError(
            "Expected images (images, rows, cols) and a label for each, one or more. "
            f"Received shapes {images.shape} and {labels.shape}. Take the channel "
            "off with images[..., 0]; one image is images[None]."
        )
    if images.shape[1] not in SIZES or images.shape[2] not in SIZES:
        raise ValueError(
            f"Expected images of {SIZES[0]} x {SIZES[0]} to {SIZES[-1]} x {SIZES[-1]} "
            f"pixels. Received {images.shape[1]} x {images.shape[2]}. Crop or shrink."
        )
    images, labels = images[:most], labels[:most]
    if images.dtype.kind not in "iuf" or not np.all((images >= 0) & (images <= WHITE)):
        span = f"{images.min()} to {images.max()}" if images.dtype.kind in "iuf" else ""
        raise ValueError(
            "Expected grey levels from 0 (background) to 255 (ink). Received "
            f"{images.dtype} {span}. Scale or clip them; NaN has no grey."
        )
    if not np.isin(labels, range(10)).all():
        raise ValueError(f"Expected labels from 0 to 9. Received {np.unique(labels)}.")
    rows, cols = images.shape[1:]
    text = deflated(images.round().astype("uint8").tobytes())
    return {"rows": rows, "cols": cols, "images": text, "labels": labels.tolist()}


def network(label: str, model) -> dict:
    """A network for a page, from a model of `build_model` or from weights by layer.

    Raises:
        ValueError: for another network than that of `utils.model`, or NaN in weights.
    """
    weights, scale = model, 1.0
    if isinstance(model, keras.Model):
        variables = model.trainable_variables
        weights = {"/".join(v.path.split("/")[-2:]): v.value for v in variables}
        if "rescaling" in [layer.name for layer in model.layers]:
            scale = model.get_layer("rescaling").scale  # conv_1 is linear in its input
    if not isinstance(weights, Mapping):
        weights = {}
    weights = {name: np.asarray(array) for name, array in weights.items()}
    shapes = {name: array.shape for name, array in weights.items()}
    if shapes != SHAPES:
        raise ValueError(
            "Expected a network of utils.model.build_model, or its weights by layer: "
            f"{_listed(SHAPES)}. Received {_listed(shapes) or 'none'}."
        )
    if isinstance(model, keras.Model):
        _check_wiring(model)
    weights["conv_1/kernel"] = weights["conv_1/kernel"] * scale
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(
                f"Expected finite weights. Received NaN or infinity in {name}: "
                "training diverged. Train again at a lower learning rate."
            )
    flat = np.concatenate([weights[name].ravel() for name in SHAPES])
    return {"label": label, "weights": packed(flat, "float32")}


def parameters(kind: str, own: Mapping, shape: tuple[int, int]) -> dict[str, dict]:
    """Parameters of kinds, in the form that a page takes.

    The parameter `places` of `shuffled` is the order in which it takes the places of a
    map, numbered row by row.

    Args:
        kind: the kind to which `own` belongs.
        own: parameters by name.
        shape: `(rows, cols)` of images.
    """
    given = {"shuffled": {}, kind: dict(own)}
    moved = given["shuffled"]
    if moved.pop("each", False):
        raise ValueError(
            "A page shuffles every image in the same order. Received each=True. Give a "
            "model of attention 'shuffled' with an order instead."
        )
    order = {name: moved.pop(name) for name in ("order", "inside") if name in moved}
    size = map_shape(shape)
    numbers = np.arange(np.prod(size), dtype="float32").reshape(1, *size, 1)
    features, evidence = np.repeat(numbers, 32, -1), np.zeros((1, *size, DIGITS))
    places = KINDS["shuffled"].attend(features, evidence, **order)
    moved["places"] = np.ravel(places).astype(int).tolist()
    return given


def _check_wiring(model):
    """Refuse a model that differs from the published one in more than attention."""
    known = {layer.name for layer in build_model("given").layers} | {"rescaling"}
    if other := {layer.name for layer in model.layers} - known:
        raise ValueError(
            "Expected a model in the wiring that build_model has of its own: map from "
            "the first look, gain on conv_2's input, mean over places. Received layers "
            f"{', '.join(sorted(other))} beside it. Use predict(model, images) instead."
        )


def _listed(shapes):
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
