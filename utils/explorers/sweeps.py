"""What the explorers show, computed: no widget, no state.

A digit at 101 levels of noise, looked at twice, takes 15 to 40 ms on one core: few
enough to have the pictures of all values of a slider ready when it is moved.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import jax
import keras
import numpy as np

from utils.attention import KINDS, attention_gain, check
from utils.model import build_model
from utils.noise import NOISES

BIN = 15  # grey levels in a bar of a histogram; black and white are middles of bars
EDGES = np.arange(-262.5, 525, BIN)
CONDITIONS = {  # of test, as a record names them
    "accuracy_clean": "clean",
    "accuracy_matched": "with the noise of training",
}


def noise_series(image, noise: str, levels: Iterable[float], seed=0) -> np.ndarray:
    """One image `(rows, cols)` under each level of a noise, all from one draw.

    Args:
        image: grey levels.
        noise: a name in `NOISES`.
        levels: in the unit of that noise.
        seed: of the draw.

    Returns:
        `(levels, rows, cols)` grey levels, not clipped. At level 0 it is the image.
    """
    apply = NOISES[noise].apply
    return np.stack([apply(image, x, np.random.default_rng(seed)) for x in levels])


def histograms(images) -> np.ndarray:
    """How often each grey level occurs in each image: `(batch, bars)`, sum 1.

    Bars lie between `EDGES`; what is beyond them is counted in the outermost.
    """
    flat = np.reshape(images, (len(images), -1))
    bars = len(EDGES) - 1
    places = ((flat - EDGES[0]) // BIN).clip(0, bars - 1).astype(int)
    places += bars * np.arange(len(flat))[:, None]
    counts = np.bincount(places.ravel(), minlength=bars * len(flat))
    return (counts.reshape(-1, bars) / flat.shape[1]).astype("float32")


def sweep(images, weights: Mapping, attention="ones", strength=1.0, n=1) -> dict:
    """What a network sees in images, and answers, with attention and without.

    Args:
        images: `(batch, rows, cols)` grey levels, such as a `noise_series`.
        weights: by layer ("conv_1/kernel"), such as those of a finished run.
        attention: a name in `KINDS`, other than `given`.
        strength: from 0 (the control) to 1, one number or one for each image;
            `as_coded` has none and ignores it.
        n: of `top_n`, how many digits are attended; other kinds ignore it.

    Returns:
        `gains` `(batch, rows', cols')`; the `probabilities` of the ten digits
        `(batch, 10)`; and those `without` attention, the same at strength 0.

    Raises:
        ValueError: for an unknown kind, or a value out of range.
    """
    parameters = {"n": n} if attention == "top_n" else {}
    strength = np.broadcast_to(np.asarray(strength, "float32"), len(images))
    for each in {*strength.tolist()} if attention != "as_coded" else [1.0]:
        check(attention, parameters, each)
    if attention == "given":
        raise ValueError("Expected a kind that makes its own map, received 'given'.")
    images = np.asarray(images, "float32")[..., None]
    network, weights = _network(images.shape[1:3]), dict(weights)
    pooled, features, evidence, without = network.look(weights, images)
    at = strength[:, None, None]
    gains = _gains(features, evidence, at, attention, tuple(parameters.items()))
    probabilities = network.look_again(weights, pooled, gains)
    found = {"gains": gains, "probabilities": probabilities, "without": without}
    return {name: np.asarray(array) for name, array in found.items()}


def study_arms(records: Iterable[Mapping]) -> list[dict]:
    """Records in arms: runs that differ in nothing but their seed.

    Returns:
        For each arm its label, its kind of attention, and its `runs` in the order of
        their seeds: each with its accuracies after every epoch.
    """
    specs, arms = {}, {}
    for record in sorted(records, key=lambda record: record["spec"]["seed"]):
        spec = {key: x for key, x in record["spec"].items() if key != "seed"}
        name = json.dumps(spec, sort_keys=True)
        specs[name] = spec
        arms.setdefault(name, []).append(
            {
                "seed": record["spec"]["seed"],
                **{key: [e[key] for e in record["epochs"]] for key in CONDITIONS},
            }
        )

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


def weights_of(model) -> dict[str, np.ndarray]:
    """Weights by layer, of a model or as they are."""
    if isinstance(model, keras.Model):
        return {_name(v): np.array(v.value) for v in model.trainable_variables}
    return dict(model)


def _name(variable):
    return f"{variable.path.split('/')[-2]}/{variable.name}"


@functools.partial(jax.jit, static_argnames=("attention", "parameters"))
def _gains(features, evidence, strength, attention, parameters):
    """`attention_gain`, compiled for a kind; strength is `(batch, 1, 1)`."""
    settings = {"strength": strength, **dict(parameters)}
    return attention_gain(attention, features, evidence, **settings)


class _Network(NamedTuple):
    """The network, cut where attention comes in, and compiled."""

    look: Callable  # (weights, images) -> pooled, features, evidence, probabilities
    look_again: Callable  # (weights, pooled, gains) -> probabilities


@functools.lru_cache(maxsize=4)
def _network(image_shape):
    model = build_model("ones", image_shape=image_shape, seed=0)
    conv_2, dense_2 = model.get_layer("conv_2"), model.get_layer("dense_2")
    first, second = (node.output_tensors[0] for node in conv_2._inbound_nodes)
    evidence = dense_2._inbound_nodes[0].output_tensors[0]
    pooled, gains = (model.get_layer(k).output for k in ("pad_1", "attention"))

    def part(inputs, outputs):
        cut = keras.Model(inputs, outputs)
        names = [_name(variable) for variable in cut.trainable_variables]
        return lambda weights, x: cut.stateless_call([weights[k] for k in names], [], x)

    see = part(model.inputs, [pooled, first, evidence])
    see_again, answer = part([pooled, gains], second), part(second, model.output)

    def look(weights, images):
        pooled, features, evidence = see(weights, images)[0]
        # Without attention the gain is 1: the second look is the first.
        return pooled, features, evidence, answer(weights, features)[0]

    def look_again(weights, pooled, gains):
        return answer(weights, see_again(weights, [pooled, gains])[0])[0]

    return _Network(jax.jit(look), jax.jit(look_again))
