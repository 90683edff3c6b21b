"""Probes: trained networks looked at again, with something changed at test.

A probe takes the weights of a finished run and scores them with attention weaker or
gone (necessity), under displays or cues that it never met (transfer), or with the maps
of another network given to it (sufficiency). A study may list probes after the runs
that they rest on; their records lie in the same store.
"""

import functools
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

import attrs

from utils.model import attention_maps, set_weights
from utils.runs import Frozen, RunSpec, as_record
from utils.studies.store import Store
from utils.training import Result, score


@attrs.frozen
class Probe:
    """A finished run under another condition at test.

    Example:
        >>> Probe(run, {"strength": 0.0})  # its attention divided out
        >>> Probe(run, {"display": Display(distractors=8)})  # never met in training
        >>> Probe(control, {"attention": "given"}, maps_of=attended)

    Raises:
        ValueError: if the changed spec is none, or if the run keeps no weights.
    """

    run: RunSpec  # whose weights
    changes: Mapping[str, Any] = attrs.field(converter=Frozen)  # of its spec, at test
    maps_of: RunSpec | None = None  # another run, whose maps are given

    def __attrs_post_init__(self):
        for run in filter(None, (self.run, self.maps_of)):
            if not run.keeps_weights:
                raise ValueError(f"Expected a run that keeps its weights, got {run}.")
        if self.maps_of and self.spec.attention != "given":
            raise ValueError(
                "Expected attention 'given', to which another run's maps are given. "
                f"Received {self.spec.attention!r}."
            )

    @property
    def spec(self) -> RunSpec:
        """The run's spec, changed."""
        return attrs.evolve(self.run, **self.changes)

    def with_seed(self, seed: int) -> "Probe":
        """The same of the runs with another seed."""
        lender = self.maps_of and self.maps_of.with_seed(seed)
        return attrs.evolve(self, run=self.run.with_seed(seed), maps_of=lender)

    @functools.cached_property
    def name(self) -> str:
        """A file name: the run's, and what differs."""
        changed = self.spec.to_json()
        what = {k: v for k, v in changed.items() if v != self.run.to_json()[k]}
        what["maps_of"] = self.maps_of and self.maps_of.name
        text = json.dumps(what, sort_keys=True)
        return f"{self.run.name}-probe-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    @property
    def work(self) -> int:
        """How much it is, in images."""
        return self.spec.test_images

    def compute(self, store: Store) -> Result:
        """Score the trained network; the record is like a run's, without epochs.

        Raises:
            FileNotFoundError: if a run that it rests on is not finished.
        """
        start, spec = time.perf_counter(), self.spec
        weights = store.weights(self.run.name)
        look = self._look(store) if self.maps_of else None

        def scored(sd):
            return score(spec, weights, sd, look=look)

        record = as_record(spec, [], scored, time.perf_counter() - start)
        record["run"] = self.run.name
        record["maps_of"] = self.maps_of and self.maps_of.name
        return Result(record, {})

    def _look(self, store):
        """From noisy images to the maps that the other network makes of them."""
        model = attrs.evolve(self.maps_of, display=self.spec.display).model()
        set_weights(model, store.weights(self.maps_of.name))
        return lambda images: attention_maps(model, images)
