"""How fast the updates are: `make bench` writes `build/bench.json`, prints a table.

Everything is measured in one process on one thread, in rounds that visit every
engine in turn, and reported as the median over rounds: machines drift, ratios from
one run hold. The yardstick is the rate of a large float32 matrix product, measured
in the same rounds: no arithmetic on this processor is faster.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from utils import training
from utils.attention import KINDS
from utils.data import load_mnist
from utils.model import build_model
from utils.runs import RunSpec, processor, versions

BATCHES = (1, 32)
COMPARED = ("as_coded", "ones")  # kinds that the other engines run
WITHOUT_FIRST_LOOK = ("ones", "uniform", "centre")  # its result is not used
WITHOUT_EVIDENCE = ("energy", "shuffled", "inverted")
MATRIX = 1024
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10  # units of ru_maxrss


class Case(NamedTuple):
    """One thing to time."""

    engine: str  # project, keras_fit or pytorch
    kind: str
    batch: int
    images: int  # a call of `train` works on
    train: Callable[[], None]


def flops_per_image(kind: str) -> int:
    """Floating-point operations of the matrix products of one update, an image.

    A multiplication and an addition are two. Each product is done once forwards and
    twice backwards (for the weights and for the input), but `conv_1` once, since
    images need no gradient. Pooling, LRN and the like are not counted.
    """
    conv_1 = 2 * 28 * 28 * 9 * 32
    conv_2 = 2 * 15 * 15 * 9 * 32 * 32
    evidence = 2 * 15 * 15 * 32 * 10
    total = 2 * conv_1 + 3 * conv_2
    if kind not in WITHOUT_FIRST_LOOK:
        total += 3 * conv_2
        if kind not in WITHOUT_EVIDENCE:
            total += 3 * evidence
    return total


def project_cases() -> Iterator[Case]:
    """The compiled loop of `utils.training`, for every kind."""
    for kind in KINDS:
        if kind == "given":
            continue
        for batch in BATCHES:
            spec = RunSpec(kind, images=2 * 480, batch_size=batch)
            engine = training.engine(spec, (28, 28))
            (data, *_) = training.batches(spec, *load_mnist()[0], epoch=1)
            state = engine.initial(0)

            def train(engine=engine, state=state, data=data):
                jax.block_until_ready(engine.update(state, data))

            yield Case("project", kind, batch, data[1].size, train)


def keras_cases() -> Iterator[Case]:
    """Keras' own `fit` on the same model."""
    (x, y), _ = load_mnist()
    for kind in COMPARED:
        for batch in BATCHES:
            model = build_model(kind, seed=0)
            model.compile(training.build_optimizer(), "sparse_categorical_crossentropy")
            images, labels = x[:640, ..., None].astype("float32"), y[:640]

            def train(model=model, images=images, labels=labels, batch=batch):
                model.fit(images, labels, batch_size=batch, verbose=0)

            yield Case("keras_fit", kind, batch, len(labels), train)


def pytorch_cases() -> Iterator[Case]:
    """The same network in PyTorch, if it is installed (the extra `torch`)."""
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
    (x, y), _ = load_mnist()
    images = torch.tensor(x[:320], dtype=torch.float32)[:, None]
    labels = torch.tensor(y[:320], dtype=torch.long)
    for kind in COMPARED:
        for batch in BATCHES:
            network = _pytorch_network(kind)
            optimizer = torch.optim.SGD(
                network.parameters(), lr=0.01, momentum=0.5, nesterov=True
            )

            def train(network=network, optimizer=optimizer, batch=batch):
                for start in range(0, len(labels), batch):
                    optimizer.zero_grad()
                    torch.nn.functional.cross_entropy(
                        network(images[start : start + batch]),
                        labels[start : start + batch],
                    ).backward()
                    optimizer.step()

            yield Case("pytorch", kind, batch, len(labels), train)


def _pytorch_network(kind):
    import torch
    from torch import nn
    from torch.nn import functional as f

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv_1 = nn.Conv2d(1, 32, 3, padding=1)
            self.conv_2 = nn.Conv2d(32, 32, 3)
            self.dense_2 = nn.Linear(32, 10)
            # PyTorch's alpha multiplies the mean of squares, the paper's their sum.
            self.normalise = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)

        def reduce(self, x):
            return f.pad(self.normalise(f.max_pool2d(f.relu(x), 3, 2)), (2, 2, 2, 2))

        def forward(self, images):
            x = self.reduce(self.conv_1(images))
            if kind == "as_coded":
                look = f.relu(self.conv_2(x)).movedim(1, -1)
                average = torch.softmax(self.dense_2(look), -1).mean(-1)
                gain = average / average.sum(1, keepdim=True)
                x = x * f.pad(gain, (1, 1, 1, 1))[:, None]
            return self.dense_2(self.reduce(self.conv_2(x)).mean((2, 3)))

    return Network()


@jax.jit
def _square(matrix):
    return matrix @ matrix


def matmul_seconds() -> float:
    """Time of one float32 matrix product of 1024 x 1024 by 1024 x 1024."""
    matrix = np.random.default_rng(0).random((MATRIX, MATRIX), dtype=np.float32)
    matrix = jax.device_put(matrix)
    jax.block_until_ready(_square(matrix))  # compiles, and warms the caches
    start = time.perf_counter()
    jax.block_until_ready(_square(matrix))
    return time.perf_counter() - start


def measure(rounds: int) -> dict:
    """Time every case in every round; medians, ready for `bench.json`."""
    cases = [*project_cases(), *keras_cases(), *pytorch_cases()]
    for case in cases:
        case.train()  # compiles
    matmul, seconds = [], [[] for _ in cases]
    for _ in range(rounds):
        for case, times in zip(cases, seconds, strict=True):
            matmul.append(matmul_seconds())
            start = time.perf_counter()
            case.train()
            times.append((time.perf_counter() - start) / case.images)
    gflops = 2 * MATRIX**3 / statistics.median(matmul) / 1e9
    updates = []
    for case, times in zip(cases, seconds, strict=True):
        us = 1e6 * statistics.median(times)
        updates.append(
            {
                "engine": case.engine,
                "kind": case.kind,
                "batch": case.batch,
                "us_per_image": round(us, 1),
                "fraction_of_matmul": round(
                    flops_per_image(case.kind) / us / 1e3 / gflops, 3
                ),
            }
        )
    return {"matmul_gflops": round(gflops, 1), "updates": updates}


def worker_memory(runs: int = 6) -> dict[str, float]:
    """Peak resident memory of a study's worker, after its first run and its last."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        peaks = [
            pool.submit(_train_and_weigh, kind, seed).result()
            for seed, kind in enumerate(["as_coded", "ones"] * (runs // 2))
        ]
    return {"first_run_mb": round(peaks[0]), "last_run_mb": round(peaks[-1])}


def _train_and_weigh(kind, seed):
    spec = RunSpec(kind, noise_sd=2.5, images=1_000, epochs=1, seed=seed)
    training.train(spec, progress=False)
    return peak_memory()


def peak_memory() -> float:
    """Peak resident memory of this process, MB.

    On Linux `ru_maxrss` would count what the parent had when it started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text("utf-8"))
        return int(peak) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def table(result: dict) -> str:
    """The result as lines of text."""
    lines = [f"{'engine':10} {'kind':12} {'batch':>5} {'us/image':>9} {'of matmul':>9}"]
    lines += [
        f"{u['engine']:10} {u['kind']:12} {u['batch']:5} {u['us_per_image']:9.0f} "
        f"{u['fraction_of_matmul']:9.0%}"
        for u in result["updates"]
    ]
    memory = result["worker_memory"]
    return "\n".join(
        [
            *lines,
            f"float32 matrix product: {result['matmul_gflops']:.0f} GFLOP/s",
            f"peak memory of a worker: {memory['first_run_mb']} MB after one run, "
            f"{memory['last_run_mb']} MB after six",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.tools.bench")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args(arguments)
    memory = worker_memory()
    result = {
        **measure(options.rounds),
        "rounds": options.rounds,
        "worker_memory": memory,
        "processor": processor(),
        "versions": versions(),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
