"""Probes: trained networks tested again, with something changed.

A probe takes the weights of a finished run and scores them with weaker or no attention
(necessity), on displays or with cues that the network never met (transfer), or with the
maps of another network (sufficiency). Its record lies in the store of the run.
"""

import functools
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

import attrs

from utils.model import attention_maps, set_weights
from utils.record import as_record
from utils.runs.store import Store
from utils.spec import Frozen, RunSpec
from utils.training import Result, score
from utils.wiring import build_network


@attrs.frozen
class Probe:
    """A finished run, scored under another condition.

    Example:
        >>> Probe(run, {"strength": 0.0})  # without its attention
        >>> Probe(run, {"display": Display(distractors=8)})  # never met in training
        >>> Probe(control, {"attention": "given"}, maps_of=attended)

    Raises:
        ValueError: for changes that a spec refuses, or a run that keeps no weights.
    """

    trained: RunSpec  # the run whose weights are scored
    changes: Mapping[str, Any] = attrs.field(converter=Frozen)  # of its spec, at test
    maps_of: RunSpec | None = None  # another run, whose maps are given to it

    def __attrs_post_init__(self):
        for run in filter(None, (self.trained, self.maps_of)):
            if not run.keeps_weights:
                raise ValueError(f"Expected a run that keeps its weights, got {run}.")
        if self.maps_of and self.tested.attention != "given":
            raise ValueError(
                "Expected attention 'given', to which another run's maps are given. "
                f"Received {self.tested.attention!r}."
            )

    @property
    def tested(self) -> RunSpec:
        """The run's spec with the changes."""
        return attrs.evolve(self.trained, **self.changes)

    def with_seed(self, seed: int) -> "Probe":
        """The same probe of the runs with another seed."""
        lender = self.maps_of and self.maps_of.with_seed(seed)
        return attrs.evolve(self, trained=self.trained.with_seed(seed), maps_of=lender)

    @functools.cached_property
    def name(self) -> str:
        """A file name: that of the run, and a digest of the changes."""
        changed = self.tested.to_json()
        what = {k: v for k, v in changed.items() if v != self.trained.to_json()[k]}
        what["maps_of"] = self.maps_of and self.maps_of.name
        text = json.dumps(what, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return f"{self.trained.name}-probe-{digest}"

    @property
    def work(self) -> int:
        """The number of images that are scored at each noise level."""
        return self.tested.test_images

    def compute(self, store: Store) -> Result:
        """Score the trained network; the record is like a run's, without epochs.

        Raises:
            FileNotFoundError: if a run that it needs is not finished.
        """
        start, spec = time.perf_counter(), self.tested
        weights = store.weights(self.trained.name)
        look = self._look(store) if self.maps_of else None

        def scored(sd):
            return score(spec, weights, sd, look=look)

        record = as_record(spec, [], scored, time.perf_counter() - start)
        record["run"] = self.trained.name
        record["maps_of"] = self.maps_of and self.maps_of.name
        return Result(record, {})

    def _look(self, store):
        """A function from noisy images to the maps that the other network makes."""
        model = build_network(attrs.evolve(self.maps_of, display=self.tested.display))
        set_weights(model, store.weights(self.maps_of.name))
        return lambda images: attention_maps(model, images)


def tested(spec: RunSpec | Probe) -> RunSpec:
    """The spec of the test: a run's own, or that of a probe with its changes."""
    return spec.tested if isinstance(spec, Probe) else spec
