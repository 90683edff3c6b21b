"""The explorers: move noise, attention and epochs by hand, and watch.

Each function returns a widget that the reader's page draws and computes by itself
(`explorer.py`, `explorer.js`): as alive in a page without a kernel as in JupyterLab.
From Python, its controls are read and set by their CSS class:
`explorer.controls["noise-slider"].value = 40`.
"""

import json
from collections.abc import Iterable, Mapping

from utils.attention import KINDS
from utils.explorers.display import competition as competition
from utils.explorers.display import display as display
from utils.explorers.explorer import Explorer
from utils.explorers.learning import learning as learning
from utils.explorers.networks import (
    CONTROL,
    MAPS,
    attention_of,
    label_of,
    shipped,
    trained,
)
from utils.explorers.observer import observer as observer
from utils.explorers.packing import digits, network, page_network, parameters
from utils.explorers.widgets import button, select, slider
from utils.maps import DIGITS
from utils.noise import NOISES

CONDITIONS = {  # of test, as a record names them
    "accuracy_clean": "clean",
    "accuracy_matched": "with the noise of training",
}


def noise(images, labels, model=None) -> Explorer:
    """Explore what noise does to a digit, and to a network's answer.

    Args:
        images: `(images, rows, cols)` grey levels; the first 500 are shown.
        labels: `(images,)`.
        model: whose answer to show: weights by layer, or a model from `build_model`,
            which is used without its attention; by default `trained()`.

    Returns:
        The image, how often each grey level occurs, the answer.

    Raises:
        ValueError: for images, labels or weights that cannot be shown.
    """
    shown = digits(images, labels)
    weights = trained() if model is None else model
    networks = {"shown": network("", weights)}
    data = {"digits": shown, "networks": networks, **page_network()}
    choices = _noise_controls(level=25)
    fresh = {"fresh-draw": choices.pop("fresh-draw")}
    return Explorer("noise", [_digit_slider(shown) | fresh, choices], data)


def attention(images, labels, model=None) -> Explorer:
    """Explore where a network looks, at test digits or at one that you draw.

    It begins with the best of the trained networks that ship, its own map, noise as
    strong as the strongest that it learned in, and a digit that attention helps
    (digits.js says which).

    Args:
        images: `(images, rows, cols)` grey levels; the first 500 are shown.
        labels: `(images,)`.
        model: a network of your own, beside those that ship: weights by layer, or a
            model from `build_model`, with its attention.

    Returns:
        A pad to draw on, the image, the gain of attention on it, the answers with
        attention and without, all gains in order.

    Raises:
        ValueError: for images, labels or weights that cannot be shown.
    """
    shown = digits(images, labels)
    found = shipped()
    networks = {kind: network(label_of(kind), trained(kind)) for kind in found}
    attentive = [kind for kind in found if kind != CONTROL]
    best = max(attentive, key=lambda x: found[x][1]["epochs"][-1]["accuracy_matched"])
    spec = found[best][1]["spec"]
    kind, strength = spec["attention"], spec["strength"]
    own = spec["attention_parameters"]
    if model is not None:
        networks, best = {"yours": network("Yours", model), **networks}, "yours"
        kind, strength, own = attention_of(model)
    data = {
        "digits": shown,
        "networks": networks,
        "control": CONTROL,
        "parameters": parameters(kind, own, (shown["rows"], shown["cols"])),
        **page_network(),
    }
    looking = {
        "network-select": select(
            "Network", {each["label"]: name for name, each in networks.items()}, best
        ),
        "attention-select": select("Attention map", MAPS, kind),
        "strength-slider": slider(
            *("Strength (0: none, 1: full)", 0, 1, 0.01, strength),
            only={"attention-select": [name for name in KINDS if name != "as_coded"]},
        ),
        "top-n-slider": slider(
            *("N (digits attended)", 1, DIGITS, 1, own.get("n", 1)),
            only={"attention-select": ["top_n"]},
        ),
        "sigma-slider": slider(
            *("Sigma (half saturation)", 0.25, 5, 0.25, own.get("sigma", 1)),
            only={"attention-select": ["normalised"]},
        ),
    }
    seen = _digit_slider(shown) | _noise_controls(level=spec["noise_sd"])
    return Explorer("attention", [seen, looking], data)


def study(records: Iterable[Mapping]) -> Explorer:
    """Explore a study: scrub through its epochs, compare its arms, pick a run.

    Args:
        records: of finished runs, as `Store.record` gives them.

    Returns:
        Accuracy after each epoch, and all runs at the epoch chosen.

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
    labels = {arm["label"]: f"{place}" for place, arm in enumerate(arms)}
    one_run = {f"run {place + 1}": f"{place}" for place in range(runs)}
    conditions = {words: key for key, words in CONDITIONS.items()}
    columns = [
        {
            "epoch-slider": slider("Epoch", 1, epochs, 1, epochs),
            "cell-select": select("Cell", labels),
        },
        {
            "condition-select": select("Test images", conditions),
            "run-select": select("Run", {"all runs": "-1", **one_run}),
        },
    ]
    return Explorer("study", columns, {"arms": arms, "epochs": epochs})


def study_arms(records: Iterable[Mapping]) -> list[dict]:
    """Records in arms: runs that differ in nothing but their seed.

    Returns:
        For each arm its label, and its `runs` in the order of their seeds: each with
        its accuracies after every epoch.
    """
    specs, arms = {}, {}
    for record in sorted(records, key=lambda record: record["spec"]["seed"]):
        spec = {key: x for key, x in record["spec"].items() if key != "seed"}
        name = json.dumps(spec, sort_keys=True)
        specs[name] = spec
        curves = {key: [e[key] for e in record["epochs"]] for key in CONDITIONS}
        arms.setdefault(name, []).append({"seed": record["spec"]["seed"], **curves})

    def label(spec):
        words = [KINDS[spec["attention"]].label, f"noise SD {spec['noise_sd']:g}"]
        for key, value in spec.items():
            differs = any(other.get(key) != value for other in specs.values())
            if differs and key not in ("attention", "noise_sd"):
                words.append(f"{key} {value}".replace("_", " "))
        return ", ".join(words)

    return [
        {"label": label(spec), "runs": arms[name]}
        for name, spec in sorted(specs.items())
    ]


def _digit_slider(shown):
    last = len(shown["labels"]) - 1
    return {"digit-slider": slider("Digit (place)", 0, last, 1, 0)}


def _noise_controls(level):
    """A kind of noise, its level (to begin with, that of the first), a fresh draw."""
    ranges = {}
    for name, kind in NOISES.items():
        step = 0.5 if kind.maximum > 1 else 0.01
        span = slider(f"Noise ({kind.unit})", 0, kind.maximum, step, 0)
        ranges[name] = {**span, "unit": kind.unit}
    first = next(iter(ranges.values()))
    kinds = {kind.label: name for name, kind in NOISES.items()}
    return {
        "noise-select": select("Kind of noise", kinds),
        "noise-slider": {**first, "value": level, "by": {"noise-select": ranges}},
        "fresh-draw": button("Draw fresh noise"),
    }
