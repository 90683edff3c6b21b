"""Explorers of one digit: what noise does to it, and where a network looks."""

from utils.attention import KINDS
from utils.explorers.controls import button, rare, select, slider
from utils.explorers.explorer import Explorer
from utils.explorers.packing import digits, network, page_network, parameters
from utils.explorers.shipped import (
    CONTROL,
    MAPS,
    attention_of,
    label_of,
    shipped,
    trained,
)
from utils.maps import DIGITS
from utils.noise import NOISES

FRESH = "Draw fresh noise"
MOST_SIGMA = 5.0  # or that of a network of one's own, if it is larger


def noise(images, labels, model=None) -> Explorer:
    """Explore what noise does to a digit, and to a network's answer.

    Args:
        images: `(images, rows, cols)` grey levels; the first 500 are shown.
        labels: `(images,)`.
        model: whose answer to show: weights by layer, or a model from `build_model`,
            which is used without its attention; by default `trained()`.

    Returns:
        The image, how often each grey level occurs, the answer. Its controls:
        `digit` (place in `images`), `noise` (a name in `utils.noise.NOISES`),
        `noise_level` (in that noise's unit), `fresh_draw` (how often it was pressed).

    Raises:
        ValueError: for images, labels or weights that cannot be shown.
    """
    shown = digits(images, labels)
    networks = {"shown": network("", trained() if model is None else model)}
    data = {"digits": shown, "networks": networks, **page_network()}
    data["title"] = "Noise on a digit"
    left = digit_slider(shown) | {"fresh_draw": button("fresh-draw", FRESH)}
    return Explorer("noise", [left, noise_controls(level=25)], data)


def attention(images, labels, model=None) -> Explorer:
    """Explore where a network looks, at test digits or at one that you draw.

    It begins with digit 0, whatever the networks make of it, and with the best of the
    networks that ship with a map, its own map, and the strongest noise of its training.
    This network is compared with the control network, which was trained without
    attention, and with its own weights without the map. "Play 100" shows all of them
    the first hundred digits, then the next, in fresh noise, the same for every
    condition, and counts the right answers. On these centred digits the control wins.

    Args:
        images: `(images, rows, cols)` grey levels; the first 500 are shown.
        labels: `(images,)`.
        model: a network of your own, beside those that ship: weights by layer, or a
            model from `build_model`, with its attention.

    Returns:
        A pad to draw on, the image, the gain of attention on it, the answers, a running
        score, all gains in order. Its controls are those of `noise`, and `play_100`
        (how often it was pressed), `network` (the kind that it was trained with, or
        "yours"), `attention` (a name in `utils.attention.KINDS`), `strength` (0 to 1),
        `n` (digits attended, of `top_n`), `sigma` (of `normalised`).

    Raises:
        ValueError: for images, labels or weights that cannot be shown.
    """
    shown = digits(images, labels)
    records = {kind: record for kind, (_, record) in shipped().items()}
    networks = {kind: network(label_of(kind), trained(kind)) for kind in records}
    attentive = [kind for kind in records if kind != CONTROL]
    best = max(attentive, key=lambda x: records[x]["epochs"][-1]["accuracy_matched"])
    spec = records[best]["spec"]
    kind, strength = spec["attention"], spec["strength"]
    own = spec["attention_parameters"]
    if model is not None:
        networks, best = {"yours": network("Yours", model), **networks}, "yours"
        kind, strength, own = attention_of(model)
    data = {
        "title": "Where a network looks",
        "digits": shown,
        "networks": networks,
        "control": CONTROL,
        "parameters": parameters(kind, own, (shown["rows"], shown["cols"])),
        **page_network(),
    }
    named = {each["label"]: name for name, each in networks.items()}
    sigma = own.get("sigma", 1)
    seen = {
        "play_100": button("play-100", "Play 100"),
        **noise_controls(level=spec["noise_sd"]),
        **digit_slider(shown),
        "network": select("network-select", "Network", named, best),
        "attention": select("attention-select", "Attention map", MAPS, kind),
    }
    seen["noise"] = rare(seen["noise"])
    looking = {
        "strength": slider(
            *("strength-slider", "Strength (0: none, 1: full)", 0, 1, 0.01, strength),
            only={"attention": [name for name in KINDS if name != "as_coded"]},
        ),
        "n": slider(
            *("top-n-slider", "N (digits attended)", 1, DIGITS, 1, own.get("n", 1)),
            only={"attention": ["top_n"]},
        ),
        "sigma": rare(
            slider(
                *("sigma-slider", "Sigma (half saturation)", 0),
                *(max(MOST_SIGMA, sigma), 0.05, sigma),
                only={"attention": ["normalised"]},
            )
        ),
        "fresh_draw": rare(button("fresh-draw", FRESH)),
    }
    return Explorer("attention", [seen, looking], data)


def digit_slider(shown) -> dict:
    """The place of a digit among those that are shown."""
    last = len(shown["labels"]) - 1
    return {"digit": slider("digit-slider", "Digit (number)", 0, last, 1, 0)}


def noise_controls(level) -> dict:
    """A kind of noise, and its level (to begin with, that of the first)."""
    spans = {}
    for name, kind in NOISES.items():
        step = 0.5 if kind.maximum > 1 else 0.01
        label = f"Noise ({kind.unit})"
        span = slider("noise-slider", label, 0, kind.maximum, step, level)
        spans[name] = {key: span[key] for key in ("label", "max", "step", "decimals")}
        spans[name]["unit"] = kind.unit
    kinds = {kind.label: name for name, kind in NOISES.items()}
    return {
        "noise": select("noise-select", "Kind of noise", kinds),
        "noise_level": {**span, "by": {"noise": spans}},
    }
