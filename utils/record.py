"""The record of a run: its spec, its accuracies, and the software that made it."""

import base64
import functools
import importlib.metadata
import math
import platform
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np

from utils import outside
from utils.spec import RunSpec


class Answers(NamedTuple):
    """A network's answers on test images."""

    right: np.ndarray  # (images,) bool: it names the target
    intruded: np.ndarray | None  # (images,) bool: it names the second digit, if any


def of_epoch(
    epoch: int, spec: RunSpec, scored: Callable[[float], Answers], loss: float
) -> dict:
    """The entry of an epoch in a record; `scored` gives the answers at a noise SD."""
    return {
        "epoch": epoch,
        "accuracy_clean": float(scored(0.0).right.mean()),
        "accuracy_matched": float(scored(spec.noise_sd).right.mean()),
        "loss": loss if math.isfinite(loss) else None,
    }


def as_record(
    spec: RunSpec,
    epochs: list[dict],
    scored: Callable[[float], Answers],
    seconds: float,
) -> dict:
    """The record of a run, ready for JSON.

    Args:
        spec: the run.
        epochs: one entry from `of_epoch` for each.
        scored: a function that gives the answers at a noise SD.
        seconds: duration of training; the duration of scoring is added.
    """
    start = time.perf_counter()
    found = {f"{sd:g}": scored(sd) for sd in spec.test_noise_sds}
    masks = {"correct": {sd: encode(each.right) for sd, each in found.items()}}
    if spec.display and spec.display.second_digit:
        masks["intruded"] = {sd: encode(each.intruded) for sd, each in found.items()}
    return {
        "spec": spec.to_json(),
        "epochs": epochs,
        **masks,
        "versions": versions(),
        "processor": processor(),
        "seconds": round(seconds + time.perf_counter() - start, 3),
    }


def encode(correct: np.ndarray) -> str:
    """Encode right and wrong answers, `(images,)` bool, as text for a record."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def decode_correct(record: Mapping, sd: float, what: str = "correct") -> np.ndarray:
    """Which test images a run named right at the end, at noise SD `sd`.

    With "intruded", the displays in which it named the second digit.

    Returns:
        `(test_images,)` bool, in the order of the test set.

    Raises:
        ValueError: if the record has no answers at that SD.
    """
    masks = record.get(what, {})
    if f"{sd:g}" not in masks:
        raise ValueError(
            f"The record holds {what!r} at noise SDs {', '.join(masks) or 'none'}, not "
            f"{sd:g}."
        )
    packed = np.frombuffer(base64.b64decode(masks[f"{sd:g}"]), "uint8")
    return np.unpackbits(packed, count=record["spec"]["test_images"]).astype(bool)


def versions() -> dict[str, str]:
    """Versions of the libraries that a result depends on, with `utils.outside`."""
    libraries = ("jax", "jaxlib", "keras", "numpy", "attention-in-a-cnn")
    found = {name: importlib.metadata.version(name) for name in libraries}
    return {"python": platform.python_version(), **found, **outside()}


@functools.cache
def processor() -> str:
    """The name of the processor, as the system gives it, or of JAX's GPU."""
    if jax.default_backend() != "cpu":
        return jax.devices()[0].device_kind
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1] for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0].strip() if names else platform.processor() or platform.machine()
