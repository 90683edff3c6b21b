"""Runs that differ only in seed and learning rate, trained side by side on a GPU.

One network of this size leaves a GPU idle; several do not. Images, noise, order and
initial weights are those of `utils.training.train`, and so are the updates, to
rounding. The processor in a record shows where it was computed.
"""

import concurrent.futures
import time
from collections.abc import Sequence

import attrs
import jax
import numpy as np

from utils import training
from utils.inputs import batches, load_data
from utils.record import of_epoch
from utils.runs.processes import processes
from utils.runs.store import Store, as_store
from utils.spec import RunSpec
from utils.training import Result

RUNS_PER_PROGRAM = 20
CALLS_AHEAD = 3  # calls that may wait for the GPU


def train_together(specs: Sequence[RunSpec]) -> list[Result]:
    """Train several runs at once; the results are those of `utils.training.train`.

    Args:
        specs: runs that differ only in seed and learning rate; trained by Adam, whose
            step is in proportion to the rate.

    Raises:
        ValueError: if they differ in more.
    """
    first = _alike(specs[0])
    if {_alike(spec) for spec in specs} != {first}:
        raise ValueError(
            f"Expected runs that differ in seed and rate only. Received {specs}."
        )
    (x_train, y_train), (x_test, y_test) = load_data(first)
    compiled = training.engine(first)
    rates = np.array([spec.learning_rate for spec in specs], "float32")

    def updates(state, rate, data):
        def at_rate(state, batch):
            (weights, slots), loss = compiled.step(state, batch)
            moved = zip(state[0], weights, strict=True)
            return ([old + rate * (new - old) for old, new in moved], slots), loss

        return jax.lax.scan(at_rate, state, data)

    update = jax.jit(jax.vmap(updates), donate_argnums=0)
    state = _side_by_side([compiled.initial(spec.seed) for spec in specs])
    scorers = [training.scorer(spec, compiled, x_test, y_test) for spec in specs]
    epochs, start = [[] for _ in specs], time.perf_counter()
    for epoch in range(1, first.epochs + 1):
        losses = []
        parts = [batches(spec, x_train, y_train, epoch) for spec in specs]
        for data in zip(*parts, strict=True):
            state, loss = update(state, rates, _side_by_side(data))
            losses.append(loss)
            jax.block_until_ready(losses[-CALLS_AHEAD:][0])  # else memory would fill
        each = [jax.tree.map(lambda x, i=i: x[i], state[0]) for i in range(len(specs))]
        loss = np.concatenate(losses, 1).mean(1).tolist()
        runs = zip(specs, scorers, each, epochs, loss, strict=True)
        for spec, scored, weights, found, mean in runs:
            part = scored(weights, spec.curve_images)
            found.append(of_epoch(epoch, spec, part, mean))
    seconds = (time.perf_counter() - start) / len(specs)
    return [
        training.finished(spec, compiled, weights, found, scored(weights), seconds)
        for spec, scored, weights, found in zip(
            specs, scorers, each, epochs, strict=True
        )
    ]


def _alike(spec):
    """A spec without seed and rate: equal for runs that can be trained together."""
    return attrs.evolve(spec, seed=0, learning_rate=1.0)


def _side_by_side(several):
    return jax.tree.map(lambda *arrays: np.stack(arrays), *several)


def run(specs: Sequence[RunSpec], store) -> list[dict]:
    """Compute the runs that the store lacks, side by side where possible.

    There is one program on each core. Unfinished runs are lost if it is stopped.

    Args:
        specs: runs by Adam.
        store: a folder, or a `utils.runs.store.Store`.

    Returns:
        One record for each spec, in their order.

    Raises:
        ValueError: for a probe, or another optimiser.
    """
    others = [each.name for each in specs if not _is_by_adam(each)]
    if others:
        raise ValueError(
            "Expected runs by Adam: its step is in proportion to the rate, in which "
            f"runs may differ. Received {', '.join(others)}. Run these one by one."
        )
    store = as_store(store)
    groups = _groups([spec for spec in specs if not store.finished(spec.name)])
    if groups:
        with processes(len(groups)) as pool:
            futures = [
                pool.submit(_compute, each, str(store.folder)) for each in groups
            ]
            for future in concurrent.futures.as_completed(futures):
                future.result()
    return [store.record(spec.name) for spec in specs]


def _is_by_adam(each):
    return isinstance(each, RunSpec) and each.optimizer == "adam"


def _groups(specs):
    """Groups of runs that can be trained together, the longest first."""
    alike = {}
    for spec in dict.fromkeys(specs):
        alike.setdefault(_alike(spec), []).append(spec)
    groups = [
        several[start : start + RUNS_PER_PROGRAM]
        for several in alike.values()
        for start in range(0, len(several), RUNS_PER_PROGRAM)
    ]
    return sorted(groups, key=lambda group: -sum(spec.work for spec in group))


def _compute(specs, folder):
    store = Store(folder)
    with jax.default_matmul_precision("highest"):  # a GPU's default keeps 10 bits
        for spec, result in zip(specs, train_together(specs), strict=True):
            store.save(spec.name, *result)
