"""How fast the updates are: `make bench` writes `build/bench.json`, prints a table.

Everything is measured in one process on one thread, in rounds that visit every case
in turn, and reported as the median over rounds: machines drift, ratios from one run
hold. The yardstick is the rate of a large float32 matrix product, measured in the
same rounds: no arithmetic on this processor is faster.
"""

import argparse
import contextlib
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from timeit import timeit

import jax
import keras
import numpy as np
from keras import layers

from utils import training
from utils.attention import KINDS, Attention
from utils.data import load_mnist
from utils.explorers.packing import network, network_builds, one_script, packed
from utils.files import write
from utils.inputs import batches
from utils.layers import LocalResponseNormalization
from utils.measures.learning import multiply_adds
from utils.model import build_model
from utils.record import processor, versions
from utils.spec import RunSpec, build_optimizer
from utils.tools.chromium import chromium, executable

BATCHES = (1, 32)
COMPARED = ("as_coded", "ones")  # kinds that the other engines run
PAGE = (*COMPARED, "energy")  # kinds that the page runs
ENGINES = {  # by name, what the table in utils/kernels.py calls them
    "project": "this project",
    "page": "the page's module",
    "keras_fit": "Keras' own `fit`",
    "keras_stock": "and Keras' layers",
    "pytorch": "PyTorch",
}
IMAGES = 480  # that each case trains on: in one call of the compiled loop
COLUMNS = ("engine", "kind", "batch", "us_per_image", "fraction_of_matmul")
SCRIPT = Path(__file__).with_suffix(".js")
MATRIX = 1024  # rows, and columns, of the yardstick
MATRIX_FLOPS = 2 * MATRIX**3


def flops_per_image(kind: str) -> int:
    """Floating-point operations of the matrix products of one update, an image.

    A multiplication and an addition are two. Each product is done once forwards and
    twice backwards (for the weights and for the input), but `conv_1` once, since
    images need no gradient. Pooling, LRN and the like are not counted.
    """
    conv_1 = 28 * 28 * 9 * 32
    return 2 * (3 * multiply_adds(RunSpec(kind)) - conv_1)


def project(kind: str, batch: int) -> Callable[[], object]:
    """The compiled loop of `utils.training`."""
    spec = RunSpec(kind, images=IMAGES, batch_size=batch)
    engine = training.engine(spec)
    (data, *_) = batches(spec, *load_mnist()[0], epoch=1)
    state = engine.initial(0)
    return lambda: jax.block_until_ready(engine.update(state, data))


def stock(kind: str) -> keras.Model:
    """The network of Keras' own layers; LRN, which Keras lacks, as its formula.

    Its `fit` does not profit from the arithmetic of `utils.kernels`, as that of the
    project's model does.
    """
    conv_2, dense_2 = layers.Conv2D(32, 3, activation="relu"), layers.Dense(10)
    formula = LocalResponseNormalization().formula

    def reduced(x):
        x = layers.Lambda(formula)(layers.MaxPooling2D(3, 2)(x))
        return layers.ZeroPadding2D(2)(x)

    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(images)
    x = reduced(x)
    look = conv_2(x)
    gain = layers.Reshape((15, 15, 1))(Attention(kind)(look, dense_2(look)))
    x = layers.Multiply()([x, layers.ZeroPadding2D(1)(gain)])
    x = layers.GlobalAveragePooling2D()(reduced(conv_2(x)))
    return keras.Model(images, layers.Softmax()(dense_2(x)))


def keras_fit(model: keras.Model, batch: int) -> Callable[[], object]:
    """Keras' own `fit`."""
    model.compile(build_optimizer(), "sparse_categorical_crossentropy")
    images, labels = (part[:IMAGES] for part in load_mnist()[0])
    images = images[..., None].astype("float32")
    return lambda: model.fit(images, labels, batch_size=batch, verbose=0)


@contextlib.contextmanager
def network_page():
    """A page with the network's scripts; None where there is no Chromium."""
    if not executable():
        yield None
        return
    with chromium() as browser:
        page = browser.new_page()
        script = one_script() + SCRIPT.read_text("utf-8")
        page.add_script_tag(content=script, type="module")
        page.wait_for_function("typeof make === 'function'")
        yield page


def page(kind: str, shown) -> Callable[[], object]:
    """The module of the page, in Chromium; it takes images one by one.

    `shown` is a `network_page`.
    """
    images, labels = (part[:IMAGES] for part in load_mnist()[0])
    data = {
        "wasm": network_builds(),
        "weights": network("", build_model(kind, seed=0))["weights"],
        "images": packed(images),
        "labels": labels.tolist(),
    }
    shown.evaluate("([kind, data]) => make(kind, data)", [kind, data])
    return lambda: shown.evaluate("(kind) => go(kind)", kind)


def pytorch(kind: str, batch: int) -> Callable[[], object]:
    """The same network in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional as f

    torch.set_num_threads(1)
    conv_1, conv_2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 32, 3)
    dense_2 = nn.Linear(32, 10)
    # PyTorch's alpha multiplies the mean of squares, the paper's their sum.
    normalise = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)
    weights = nn.ModuleList([conv_1, conv_2, dense_2]).parameters()
    optimizer = torch.optim.SGD(weights, lr=0.01, momentum=0.5, nesterov=True)
    images, labels = (torch.tensor(part[:IMAGES]) for part in load_mnist()[0])
    images, labels = images[:, None].float(), labels.long()

    def reduced(x):
        return f.pad(normalise(f.max_pool2d(f.relu(x), 3, 2)), (2, 2, 2, 2))

    def network(images):
        x = reduced(conv_1(images))
        if kind == "as_coded":
            look = f.relu(conv_2(x)).movedim(1, -1)
            average = torch.softmax(dense_2(look), -1).mean(-1)
            gain = average / average.sum(1, keepdim=True)
            x = x * f.pad(gain, (1, 1, 1, 1))[:, None]
        return dense_2(reduced(conv_2(x)).mean((2, 3)))

    def train():
        for x, y in zip(images.split(batch), labels.split(batch), strict=True):
            optimizer.zero_grad()
            f.cross_entropy(network(x), y).backward()
            optimizer.step()

    return train


def cases(shown) -> dict[tuple[str, str, int], Callable[[], object]]:
    """What trains on `IMAGES` images, by engine, kind and batch size."""
    found = {}
    for batch in BATCHES:
        for kind in (kind for kind in KINDS if kind != "given"):
            found["project", kind, batch] = project(kind, batch)
        for kind in COMPARED:
            own = build_model(kind, seed=0)
            found["keras_fit", kind, batch] = keras_fit(own, batch)
            found["keras_stock", kind, batch] = keras_fit(stock(kind), batch)
            if importlib.util.find_spec("torch"):  # the extra `torch`
                found["pytorch", kind, batch] = pytorch(kind, batch)
    return found | {("page", kind, 1): page(kind, shown) for kind in PAGE if shown}


def matmul_seconds() -> float:
    """Time of one float32 matrix product of 1024 x 1024 by 1024 x 1024."""
    matrix = np.random.default_rng(0).random((MATRIX, MATRIX), dtype=np.float32)
    matrix = jax.device_put(matrix)

    def multiply():
        jax.block_until_ready(matrix @ matrix)

    multiply()  # compiles, and warms the caches
    return timeit(multiply, number=1)


def measure(rounds: int) -> dict:
    """Time every case in every round; medians, ready for `bench.json`."""
    with network_page() as shown:
        timed = cases(shown)
        for each in timed.values():
            each()  # compiles
        times = [
            [(matmul_seconds(), timeit(each, number=1)) for each in timed.values()]
            for _ in range(rounds)
        ]
    matmul, updates = np.median(np.array(times)[..., 0]), []
    seconds = np.median(times, axis=0)[:, 1] / IMAGES
    for case, each in zip(timed, seconds, strict=True):
        flops = flops_per_image(case[1]) / each
        us_and_share = round(1e6 * each, 1), round(flops * matmul / MATRIX_FLOPS, 3)
        updates.append(dict(zip(COLUMNS, case + us_and_share, strict=True)))
    gflops = round(MATRIX_FLOPS / matmul / 1e9, 1)
    return {"matmul_gflops": gflops, "updates": updates, "rounds": rounds}


def table(updates: Sequence[dict]) -> str:
    """The table in the docstring of `utils.kernels`: a row for each engine measured."""
    cells = {
        (row["engine"], row["kind"], row["batch"]): (
            f"{row['us_per_image']:.0f} ({row['fraction_of_matmul']:.0%})"
        )
        for row in updates
    }
    shown = [(kind, batch) for kind in COMPARED for batch in BATCHES]
    rows = []
    for engine, name in ENGINES.items():
        row = [cells.get((engine, *case), "") for case in shown]
        if any(row):
            rows.append("    {:20}{:13}{:13}{:13}{}".format(name, *row).rstrip())
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.tools.bench")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args(arguments)
    result = measure(options.rounds)
    machine = {"processor": processor(), "versions": versions()}
    write(options.out, json.dumps(result | machine, indent=1).encode() + b"\n")
    for cells in (COLUMNS, *(each.values() for each in result["updates"])):
        print("{:10} {:12} {:>5} {:>12} {:>18}".format(*cells))
    print(f"float32 matrix product: {result['matmul_gflops']} GFLOP/s")
    print(f"The table of utils/kernels.py:\n{table(result['updates'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
