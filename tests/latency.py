"""Measure how long an explorer takes from the hand to the eye: build/latency.json.

`python tests/latency.py` moves every control of the explorers in a real Chromium: in
JupyterLab, and in a page that `nbconvert` made; then once more, some of the explorers
and drags (BUSY), with one core kept busy. `--rounds 1 noise attention` measures these
explorers, once. What is measured is written after each explorer.

A step (a key, a click, a choice, a move of the pointer) is timed from its event to the
first frame in which the picture's pixels differ; a move of a drag to the first frame
that shows its value or a later one; settling, from the release to the last change.
Each number is the median of the rounds'. Of 20 steps, the second slowest is the 95th
percentile. What changes nothing within 250 ms is not counted: `count` is of the rest.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from browser import Lab, Notebook, Page, write_notebook
from nbconvert import HTMLExporter
from timed import MOVES, SHOWN, STEPS, measure

from utils.files import write
from utils.tools.chromium import chromium

OUT = Path(__file__).parents[1] / "build" / "latency.json"
GOALS = {  # milliseconds: median, 95th percentile
    "28 x 28": (20, 35),
    "60 x 60": (25, 40),
    "one core busy": (35, 60),
}
SETUP = """
import numpy as np
from utils import explorers
from utils.data import load_mnist
from utils.spec import RunSpec
_, (images, labels) = load_mnist()
large = np.pad(images[:300], ((0, 0), (16, 16), (16, 16)))
def record(attention, seed):
    epochs = [{"epoch": i + 1, "accuracy_clean": 0.9 + 0.005 * i + 0.001 * seed,
               "accuracy_matched": 0.7 + 0.01 * i} for i in range(12)]
    spec = {"attention": attention, "noise_sd": 2.5, "seed": seed}
    return {"spec": spec, "epochs": epochs}
records = [record(a, s) for a in ("ones", "as_coded") for s in range(3)]
"""
EXPLORERS = {
    "noise": "explorers.noise(images, labels)",
    "attention": "explorers.attention(images, labels)",
    "attention, 60 x 60": "explorers.attention(large, labels[:300])",
    "study": "explorers.study(records)",
    "observer, 60 x 60": "explorers.observer(images, labels)",
    "display, 60 x 60": "explorers.display(images, labels)",
    "learning, two networks": "explorers.learning(images, labels, RunSpec('as_coded'))",
}
BUSY = {  # what is measured with one core busy
    "explorers": ("attention", "display, 60 x 60", "learning, two networks"),
    "drags": ("noise-slider",),
}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, round(share * (len(values) - 1)))]


def summary(rounds) -> dict:
    """Medians over rounds of the median and the 95th percentile."""
    parts = [each for each in rounds if each]
    return {
        "median": round(statistics.median(map(statistics.median, parts)), 1),
        "p95": round(statistics.median(percentile(x, 0.95) for x in parts), 1),
        "count": len(parts[0]),
    }


def report(rounds, goal) -> dict:
    """Of each control what was measured, and whether it reaches the goal."""
    found = {}
    for name in rounds[0]:
        keys = [
            key for key in rounds[0][name] if any(each[name][key] for each in rounds)
        ]
        found[name] = {
            key: summary([each[name][key] for each in rounds]) for key in keys
        }
        timed = [found[name][key] for key in ("step", "drag") if key in found[name]]
        if timed:
            found[name]["meets_goal"] = all(
                each["median"] <= goal[0] and each["p95"] <= goal[1] for each in timed
            )
    return found


def goal_of(name, busy):
    if busy:
        return GOALS["one core busy"]
    return GOALS["60 x 60" if re.search("60 x 60|two networks", name) else "28 x 28"]


def page_of(chosen, folder: Path) -> Path:
    """The explorers as `jupyter nbconvert --to html` leaves them."""
    scope = {}
    exec(SETUP, scope)
    outputs = [
        nbformat.v4.new_output(
            "display_data", {"text/html": eval(EXPLORERS[name], scope).html()}
        )
        for name in chosen
    ]
    cells = [nbformat.v4.new_code_cell("", outputs=[each]) for each in outputs]
    notebook = nbformat.v4.new_notebook(cells=cells)
    path = folder / "latency.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], "utf-8")
    return path


@contextlib.contextmanager
def busy_core():
    """Something that takes all of one core."""
    load = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        load.kill()
        load.wait()


def line(where, name, controls, seconds) -> str:
    """What was measured of one explorer, in a line."""
    timed = {
        f"{control} {how}": parts[how]
        for control, parts in controls.items()
        for how in ("step", "drag")
        if how in parts
    }
    worst = max(timed, key=lambda each: timed[each]["p95"])
    missed = [
        name for name, parts in controls.items() if not parts.get("meets_goal", 1)
    ]
    return (
        f"{where} | {name} | {seconds:.0f} s | {len(timed)} measured, slowest {worst}: "
        f"{timed[worst]['median']} / {timed[worst]['p95']} ms | "
        f"beyond the goal: {', '.join(missed) or 'none'}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("only", nargs="*", help="such as noise; default: all explorers")
    options = parser.parse_args()
    names = [
        x for x in EXPLORERS if not options.only or x.split(",")[0] in options.only
    ]
    if not names:
        parser.error(f"Expected some of {list(EXPLORERS)}. Received {options.only}.")
    results = {
        "unit": "ms",
        "goals": {name: {"median": a, "p95": b} for name, (a, b) in GOALS.items()},
        "steps": STEPS,
        "moves_of_a_drag": MOVES,
        "with_one_core_busy": BUSY,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_average": os.getloadavg()[0],
        "where": {},
    }
    rounds = {}  # what was measured, by place and explorer

    def measure_all(shown, where, chosen, busy=False):
        for name, explorer in zip(names, shown, strict=True):
            if name not in chosen:
                continue
            start = time.perf_counter()
            known = rounds.setdefault((where, name), [])
            known.append(measure(explorer, BUSY["drags"] if busy else tuple(SHOWN)))
            controls = report(known, goal_of(name, busy))
            results["where"].setdefault(where, {})[name] = controls
            write(OUT, json.dumps(results, indent=1).encode() + b"\n")
            seconds = time.perf_counter() - start
            print(line(where, name, controls, seconds), flush=True)

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = page_of(names, Path(folder))
        lab = Lab(Path(folder))
        cells = [SETUP, *(EXPLORERS[name] for name in names)]
        write_notebook(lab.notebooks / "latency.ipynb", cells)
        try:
            for left in reversed(range(options.rounds)):
                notebook = Notebook(browser, lab, "latency.ipynb")
                notebook.run()
                for where, place in (
                    ("JupyterLab", notebook),
                    ("page", Page(browser, path)),
                ):
                    shown = place.explorers(len(names))
                    place.page.wait_for_timeout(1000)
                    measure_all(shown, where, names)
                    if not left:
                        with busy_core():
                            busy = f"{where}, one core busy"
                            measure_all(shown, busy, BUSY["explorers"], busy=True)
                    place.close()
        finally:
            lab.stop()
    print(f"Written: {OUT}")


if __name__ == "__main__":
    main()
