"""The study of the post (Vatterott 2016), repeated: its runs and its findings.

There are four cells, {attention, none} x {noise in training, none}, of three runs each.
They are compared with the curves and weights in the post's repository. Its curves are
from a rerun of December 2016: the data of the post were lost, as its commits say.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import attrs
import h5py
import keras
import numpy as np

from utils.data import load
from utils.estimate import Estimate
from utils.inference import paired_difference
from utils.model import CHANNELS, attention_maps, build_model, predict, set_weights
from utils.noise import add_noise
from utils.runs.arms import CLEAN, Arm
from utils.runs.derived import derived
from utils.runs.execution import run
from utils.runs.profiles import Profile
from utils.runs.store import COMMITTED, Store
from utils.spec import RunSpec
from utils.wiring import build_network

NOISE = 2.5  # SD in grey levels
SEEDS = range(3)
BASE = RunSpec()
QUICK = RunSpec(images=4_000, epochs=3, test_images=1_000, test_noise_sds=(0.0, NOISE))
CURVES_FILE = Path(__file__).with_name("published_curves.csv")
WEIGHTS_FILE = Path(__file__).with_name("published_weights.csv")
WEIGHTS_NAME = "{}_model_weights.h5"  # a file in the author's repository
ERRATIC_FALL, ERRATIC_END = 0.05, 0.5  # fixed before the runs were seen
PRIMARY = ()  # none: the study repeats a published one
MARGIN = 1.0  # points: two arms closer than this count as alike
IMAGES = 1_000  # number of test images on which maps are measured


def base(profile: str, data: str = "mnist") -> RunSpec:
    """What the runs of a profile, `quick` or `published`, have in common.

    With data of your own, at most as many images as there are.
    """
    run = {"quick": QUICK, "published": BASE}[profile]
    if data == "mnist":
        return run
    train, test = (len(labels) for _, labels in load(data))
    few = {"images": min(run.images, train), "test_images": min(run.test_images, test)}
    return attrs.evolve(run, data=data, **few)


class Pair(NamedTuple):
    """Attention and control, trained under one noise."""

    attention: Arm
    control: Arm


def pairs(base: RunSpec = BASE, store: Store = COMMITTED) -> dict[float, Pair]:
    """The cells of the study by the noise in training, 2.5 and 0.

    Args:
        base: the common settings: `BASE` as published, or `QUICK`, which takes minutes.
        store: the store of their records.
    """
    kinds = (("attention", "as_coded"), ("control", "ones"))

    def cell(label, kind, sd):
        run = attrs.evolve(base, attention=kind, noise_sd=sd)
        return Arm(label, run, SEEDS, store)

    return {sd: Pair(*(cell(*each, sd) for each in kinds)) for sd in (NOISE, 0.0)}


def trained(base: RunSpec, store) -> dict[float, Pair]:
    """The cells of the study, once their runs are computed or found in a store."""
    run([spec for arm in arms(base, store) for spec in arm.specs], store)
    return pairs(base, store)


# The same network with a modern optimiser, untuned.
ADAM = Arm(
    "Adam, batches of 32",
    RunSpec(
        optimizer="adam", learning_rate=0.001, learning_rate_decay=1e-4, batch_size=32
    ),
    SEEDS,
)
GUIDED = Arm("guided by its guess", RunSpec("top_n", {"n": 1}), SEEDS)


def arms(base: RunSpec = BASE, store: Store = COMMITTED) -> list[Arm]:
    """The four arms of three runs each."""
    return [arm for pair in pairs(base, store).values() for arm in pair]


def for_explorers() -> list[Arm]:
    """Networks for notebooks 1 to 3, trained in noise up to SD 80."""
    run = RunSpec(noise_sd=80.0, noise_varies=True, epochs=3)
    return [
        Arm(attention, attrs.evolve(run, attention=attention), range(1))
        for attention in ("ones", "energy")
    ]


def hours() -> Estimate:
    """How long the whole study took, in hours of one core."""
    seconds = sum(record["seconds"] for arm in arms() for record in arm.records)
    return Estimate(seconds / 3600, unit="hours")


def reported() -> dict[tuple[str, float], np.ndarray]:
    """Test accuracies in the post's repository, all of them on clean test images.

    Returns:
        `(kind of attention, noise in training)` -> `(3 runs, 12 epochs)`: 144 values.
    """
    accuracy = np.loadtxt(CURVES_FILE, delimiter=",", skiprows=1, usecols=4)
    noise, clean = accuracy.reshape(2, 2, 3, 12)  # in the order of the file
    return {
        ("as_coded", 0.0): clean[0],
        ("as_coded", NOISE): noise[0],
        ("ones", 0.0): clean[1],
        ("ones", NOISE): noise[1],
    }


def is_erratic(record: Mapping) -> bool:
    """Whether clean accuracy falls by over .05 between epochs, or ends below .5."""
    curve = [epoch[CLEAN] for epoch in record["epochs"]]
    fall = max(-np.diff(curve), default=0.0)
    return bool(fall > ERRATIC_FALL or curve[-1] < ERRATIC_END)


def erratic(arm: Arm) -> Estimate:
    """How many of an arm's networks are erratic."""
    return Estimate(sum(map(is_erratic, arm.records)))


def gains() -> tuple[float, float]:
    """The smallest and the largest gain of published attention in trained networks.

    They are over the first test images, all places, and the six networks that have it.
    """
    found = [derived(_gains, pair.attention) for pair in pairs().values()]
    return float(np.min(found)), float(np.max(found))


def _gains(arm: Arm) -> list[float]:
    (x_test, _), model, found = arm.test_data(), build_network(arm.tested), []
    for seed in arm.seeds:
        set_weights(model, arm.weights(seed))
        found.append(attention_maps(model, x_test[:IMAGES]))
    return [float(np.min(found)), float(np.max(found))]


def scrambled(gain: np.ndarray) -> np.ndarray:
    """The gains that the published code would give the channels of `conv_2`'s input.

    It repeats the rows of a map `(rows, cols)` 32 times and reshapes: `(32, rows,
    cols)`, each channel one row or two, copied downwards (Vatterott 2016, code).
    """
    return np.repeat(gain, CHANNELS, axis=0).reshape(CHANNELS, *gain.shape)


def scrambled_correlation(gains: np.ndarray) -> Estimate:
    """The correlation of `scrambled` gains with the maps that they are made from.

    It is Pearson's, over all channels and places, for each map of `gains` `(images,
    rows, cols)`; mean over images.
    """
    found = [
        np.corrcoef(scrambled(gain).ravel(), np.tile(gain.ravel(), CHANNELS))[0, 1]
        for gain in gains
    ]
    mean = paired_difference(found, np.zeros(len(found)))
    return mean._replace(unit="r", basis=f"{len(found):,} test images")


class AuthorsNetwork(NamedTuple):
    """The accuracy of a network with weights that the author published."""

    weights: str  # the author's name for them
    attention: str
    training_noise_sd: float
    accuracy_clean: float  # on 10,000 test images
    accuracy_noisy: float  # with noise of SD 2.5
    noisy_images: int  # number of images scored with noise


def authors_networks(folder: str | Path | None = None) -> list[AuthorsNetwork]:
    """Accuracy of the networks whose weights the author published, clean and noisy.

    Args:
        folder: the folder `Weights` of the author's repository, which is not part of
            this project. Without it, the accuracies that were measured with its files.

    Raises:
        FileNotFoundError: if a file is not in the folder.
    """
    with WEIGHTS_FILE.open(newline="", encoding="utf-8") as file:
        rows = [
            AuthorsNetwork(w, attention, *map(float, numbers), int(images))
            for w, attention, *numbers, images in list(csv.reader(file))[1:]
        ]
    return rows if folder is None else [_measured(row, Path(folder)) for row in rows]


def authors_difference(test: str) -> Estimate:
    """Attention minus control for the author's networks trained with noise, in points.

    `test` is `accuracy_clean` or `accuracy_noisy`. The networks share no seed; the
    interval pairs them in the order of their names.
    """
    rows = [row for row in authors_networks() if row.training_noise_sd == NOISE]
    found = paired_difference(
        *(
            [100 * getattr(row, test) for row in rows if row.attention == kind]
            for kind in ("as_coded", "ones")
        )
    )
    return found._replace(unit="points", basis="")


def load_published_weights(model: keras.Model, path) -> None:
    """Load weights that the author of the post published into `model`, in place.

    They are HDF5 files of Keras 1 on Theano, whose kernels lie as `(out, in, rows,
    cols)` and are flipped, because Theano convolves where Keras correlates. The
    files are not part of this project (github.com/dvatterott/BMM_attentional_CNN).

    Args:
        model: from `build_model`, of any kind.
        path: the `.h5` file. Weights are found by the layers' names.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an HDF5 file, lacks a layer, or a shape differs.
    """
    path, found = Path(path), {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item)

    if not path.is_file():
        raise FileNotFoundError(f"No file {path}. Expected published weights (.h5).")
    try:
        with h5py.File(path, "r") as file:
            file.visititems(keep)
    except OSError as error:
        raise ValueError(f"{path} is not a readable HDF5 file: {error}.") from error
    weights = {}
    for name in ("conv_1", "conv_2", "dense_2"):
        arrays = [a for key, a in found.items() if name in key.split("/")]
        if sorted(a.ndim > 1 for a in arrays) != [False, True]:
            raise ValueError(
                f"{path}: expected one kernel and one bias of layer {name!r}, found "
                f"{[a.shape for a in arrays]}. The file holds {', '.join(found)}."
            )
        bias, kernel = sorted(arrays, key=np.ndim)
        if kernel.ndim == 4:
            kernel = kernel[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
        weights |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    set_weights(model, weights)


def _measured(row, folder):
    _, (images, labels) = BASE.load()
    model = build_model(row.attention)
    load_published_weights(model, folder / WEIGHTS_NAME.format(row.weights))
    noisy = add_noise(images, NOISE, np.random.default_rng(0))
    right = [predict(model, each).argmax(-1) == labels for each in (images, noisy)]
    clean, noisy = (float(np.mean(each)) for each in right)
    images = len(labels)
    return row._replace(accuracy_clean=clean, accuracy_noisy=noisy, noisy_images=images)


PROFILES = {
    "quick": Profile(
        "the published cells on few images: minutes, for CI and a first look",
        lambda: arms(QUICK),
    ),
    "published": Profile("the study of the post, 12 runs of 12 epochs", arms),
    "beside": Profile(
        "a network guided by its own guess; the control, trained by Adam",
        lambda: (GUIDED, ADAM),
    ),
    "explorers": Profile(
        "the networks of notebooks 1 to 3, trained in noise up to SD 80", for_explorers
    ),
}
