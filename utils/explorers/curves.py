"""An explorer of a study: its runs after each epoch, in arms."""

import json
from collections.abc import Iterable, Mapping

from utils.attention import KINDS
from utils.explorers.controls import select, slider
from utils.explorers.explorer import Explorer

CONDITIONS = {  # of test, as a record names them
    "accuracy_clean": "clean",
    "accuracy_matched": "with the noise of training",
}


def study(records: Iterable[Mapping]) -> Explorer:
    """Explore a study: scrub through its epochs, compare its arms, pick a run.

    Args:
        records: of finished runs, as `Store.record` gives them.

    Returns:
        Accuracy after each epoch, and all runs at the epoch chosen. Its controls:
        `epoch`, `cell` (the label of an arm), `condition` (of test: a name in
        `CONDITIONS`), `run` (its number, from 1, or "all").

    Raises:
        ValueError: without records.
    """
    arms = study_arms(records)
    if not arms:
        raise ValueError(
            "Expected records of finished runs, received none. Run a study first: "
            "make study, or utils.studies.run."
        )
    runs = max(len(arm["runs"]) for arm in arms)
    epochs = max(len(run["accuracy_clean"]) for arm in arms for run in arm["runs"])
    cells = {arm["label"]: arm["label"] for arm in arms}
    one_run = {f"run {number}": number for number in range(1, runs + 1)}
    conditions = {words: key for key, words in CONDITIONS.items()}
    columns = [
        {
            "epoch": slider("epoch-slider", "Epoch", 1, epochs, 1, epochs),
            "cell": select("cell-select", "Cell", cells),
        },
        {
            "condition": select("condition-select", "Test images", conditions),
            "run": select("run-select", "Run", {"all runs": "all", **one_run}),
        },
    ]
    data = {"title": "The runs of a study", "arms": arms, "epochs": epochs}
    return Explorer("study", columns, data)


def study_arms(records: Iterable[Mapping]) -> list[dict]:
    """Records in arms: runs that differ in nothing but their seed.

    Returns:
        For each arm its label, and its `runs` in the order of their seeds: each with
        its accuracies after every epoch.
    """
    specs, arms = {}, {}
    for record in sorted(records, key=lambda record: record["spec"]["seed"]):
        spec = {key: x for key, x in record["spec"].items() if key != "seed"}
        name = json.dumps(spec, sort_keys=True)
        specs[name] = spec
        curves = {key: [e[key] for e in record["epochs"]] for key in CONDITIONS}
        arms.setdefault(name, []).append({"seed": record["spec"]["seed"], **curves})

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
