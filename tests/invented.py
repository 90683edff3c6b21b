"""Made-up runs in a real store."""

from utils.record import encode
from utils.runs.arms import Arm
from utils.runs.store import as_store


def save(store, spec, *, right=None, epochs=(), weights=None):
    """Save a run: which images it names right by noise SD, its epochs and weights."""
    correct = {f"{sd:g}": encode(images) for sd, images in (right or {}).items()}
    facts = {"epochs": list(epochs), "versions": {}, "seconds": 1}
    record = {"spec": spec.to_json(), "correct": correct, **facts}
    as_store(store).save(spec.name, record, weights or {})


def with_weights_of(arm, spec, store):
    """An arm of other runs that have the trained weights of an arm, seed by seed."""
    found = Arm(arm.label, spec, arm.seeds, store)
    for each, seed in zip(found.specs, arm.seeds, strict=True):
        save(store, each, weights=arm.weights(seed))
    return found
