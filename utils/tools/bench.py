"""How fast the updates are: `make bench` writes `build/bench.json`, prints a table.

Everything is measured in one process on one thread, in rounds that visit every case
in turn, and reported as the median over rounds: machines drift, ratios from one run
hold. The yardstick is the rate of a large float32 matrix product, measured in the
same rounds: no arithmetic on this processor is faster.
"""

import argparse
import concurrent.futures
import importlib.util
import json
import multiprocessing
import re
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from timeit import timeit

import jax
import numpy as np

from utils import training
from utils.attention import KINDS
from utils.data import load_mnist
from utils.files import write
from utils.model import build_model
from utils.runs import RunSpec, processor, versions

BATCHES = (1, 32)
COMPARED = ("as_coded", "ones")  # kinds that the other engines run
IMAGES = 480  # that each case trains on: in one call of the compiled loop
COLUMNS = ("engine", "kind", "batch", "us_per_image", "fraction_of_matmul")
MATRIX = 1024  # rows, and columns, of the yardstick
MATRIX_FLOPS = 2 * MATRIX**3
WITHOUT_FIRST_LOOK = ("ones", "uniform", "centre")  # its result is not used
ACTIVITY = ("energy", "place", "amount", "normalised")  # maps of it need no evidence
WITHOUT_EVIDENCE = (*ACTIVITY, "shuffled", "inverted", *WITHOUT_FIRST_LOOK)


def flops_per_image(kind: str) -> int:
    """Floating-point operations of the matrix products of one update, an image.

    A multiplication and an addition are two. Each product is done once forwards and
    twice backwards (for the weights and for the input), but `conv_1` once, since
    images need no gradient. Pooling, LRN and the like are not counted.
    """
    conv_1 = 2 * 28 * 28 * 9 * 32
    conv_2 = 2 * 15 * 15 * 9 * 32 * 32
    evidence = (kind not in WITHOUT_EVIDENCE) * 2 * 15 * 15 * 32 * 10
    looks = 1 if kind in WITHOUT_FIRST_LOOK else 2
    return 2 * conv_1 + 3 * (looks * conv_2 + evidence)


def project(kind: str, batch: int) -> Callable[[], object]:
    """The compiled loop of `utils.training`."""
    spec = RunSpec(kind, images=IMAGES, batch_size=batch)
    engine = training.engine(spec, (28, 28))
    (data, *_) = training.batches(spec, *load_mnist()[0], epoch=1)
    state = engine.initial(0)
    return lambda: jax.block_until_ready(engine.update(state, data))


def keras_fit(kind: str, batch: int) -> Callable[[], object]:
    """Keras' own `fit` on the same model."""
    model = build_model(kind, seed=0)
    model.compile(training.build_optimizer(), "sparse_categorical_crossentropy")
    images, labels = (part[:IMAGES] for part in load_mnist()[0])
    images = images[..., None].astype("float32")
    return lambda: model.fit(images, labels, batch_size=batch, verbose=0)


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


def cases() -> dict[tuple[str, str, int], Callable[[], object]]:
    """What trains on `IMAGES` images, by engine, kind and batch size."""
    engines = {project: [kind for kind in KINDS if kind != "given"]}
    engines |= {keras_fit: COMPARED}
    if importlib.util.find_spec("torch"):  # the extra `torch`
        engines |= {pytorch: COMPARED}
    return {
        (engine.__name__, kind, batch): engine(kind, batch)
        for engine, kinds in engines.items()
        for kind in kinds
        for batch in BATCHES
    }


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
    timed = cases()
    for train in timed.values():
        train()  # compiles
    times = [
        [(matmul_seconds(), timeit(train, number=1)) for train in timed.values()]
        for _ in range(rounds)
    ]
    matmul, updates = np.median(np.array(times)[..., 0]), []
    for case, each in zip(timed, np.median(times, axis=0)[:, 1] / IMAGES, strict=True):
        flops = flops_per_image(case[1]) / each
        us_and_share = round(1e6 * each, 1), round(flops * matmul / MATRIX_FLOPS, 3)
        updates.append(dict(zip(COLUMNS, case + us_and_share, strict=True)))
    gflops = round(MATRIX_FLOPS / matmul / 1e9, 1)
    return {"matmul_gflops": gflops, "updates": updates, "rounds": rounds}


def worker_memory() -> dict[str, int]:
    """Peak resident memory of a study's worker, MB, after one run and after six."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        peaks = list(pool.map(_peak_after_run, COMPARED * 3, range(6)))
    return {"first_run_mb": round(peaks[0]), "last_run_mb": round(peaks[-1])}


def _peak_after_run(kind, seed):
    """Peak resident memory of this process, MB, once it has trained a network.

    On Linux `ru_maxrss` would count what the parent had when it started this one.
    """
    spec = RunSpec(kind, noise_sd=2.5, images=1_000, epochs=1, seed=seed)
    training.train(spec, progress=False)
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text("utf-8")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS: bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.tools.bench")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args(arguments)
    memory = worker_memory()
    result = {**measure(options.rounds), "worker_memory": memory}
    machine = {"processor": processor(), "versions": versions()}
    write(options.out, json.dumps(result | machine, indent=1).encode() + b"\n")
    for cells in (COLUMNS, *(each.values() for each in result["updates"])):
        print("{:10} {:12} {:>5} {:>12} {:>18}".format(*cells))
    print(f"float32 matrix product: {result['matmul_gflops']} GFLOP/s")
    print("peak memory of a worker, MB:", memory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
