"""Measure how long an explorer takes from the hand to the eye: build/latency.json.

`python tests/latency.py` moves every control of the explorers in a real Chromium: in
JupyterLab, and in a page that `nbconvert` made; then once more, some of the explorers
and drags (BUSY), with one core kept busy. `--rounds 1 noise attention` measures these
explorers, once. What is measured is written after each explorer.

A step (a key, a click, a choice, a move of the pointer) is timed from its event to the
first frame in which the picture's pixels differ; a move of a drag to the first frame
that shows its value or a later one; settling, from the release to the last change.
Each number is the median of the rounds'. Of 20 steps, the second slowest is the 95th
percentile. What changes nothing within PATIENCE is not counted: `count` is of the rest.
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

from utils.attention import KINDS
from utils.files import write
from utils.tools.chromium import chromium

OUT = Path(__file__).parents[1] / "build" / "latency.json"
STEPS, MOVES = 20, 100  # of each control; of a drag
PATIENCE = 250  # ms
GOALS = {  # milliseconds: median, 95th percentile
    "28 x 28": (20, 35),
    "60 x 60": (25, 40),
    "one core busy": (35, 60),
}
SETUP = """
import numpy as np
from utils import explorers
from utils.data import load_mnist
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
    "learning, two networks": "explorers.learning(images, labels)",
}
SHOWN = {  # what the status says of a slider's value
    "digit-slider": r"digit (\d+)",
    "noise-slider": r"noise ([\d.]+)",
    "strength-slider": r"strength ([\d.]+)",
    "top-n-slider": r"The (?:(\d+) )?likeliest",
    "sigma-slider": r"sigma ([\d.]+)",
    "epoch-slider": r"epoch (\d+)",
    "fragments-slider": r"(\d+) fragment",
}
FEW = ("fragments-slider", "top-n-slider")  # values, some of which change nothing
NEEDS = {"top-n-slider": "top_n", "sigma-slider": "normalised"}  # kinds of attention
BUSY = {  # what is measured with one core busy
    "explorers": ("attention", "display, 60 x 60", "learning, two networks"),
    "drags": ("noise-slider",),
}
RECORD = """root => {
  const canvas = root.querySelector(".explorer-image canvas");
  const status = root.querySelector(".explorer-status");
  const ended = new AbortController();
  const record = { events: [], frames: [], blank: 0, places: new Set(), ended };
  window.record = record;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const look = () => {
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const words = new Uint32Array(data.buffer);
    let [sum, differs] = [0, 0];
    for (let i = 0; i < words.length; i++) {
      sum = (Math.imul(sum, 31) + words[i]) | 0;
      differs |= words[i] ^ words[0];
    }
    record.blank += differs === 0;
    const { width, height } = root.getBoundingClientRect();
    record.places.add(`${width} x ${height}`);
    return sum;
  };
  let last = look();
  const after = new MessageChannel(); // its message comes once the frame is drawn
  after.port1.onmessage = () => {
    const t = performance.now(), sum = look();
    if (sum === last) return;
    last = sum;
    record.frames.push({ t, status: status.textContent });
    record.heard?.();
  };
  const tick = () => {
    if (ended.signal.aborted) return;
    after.port2.postMessage(0);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  for (const type of ["keydown", "change", "click", "pointermove", "pointerup"]) {
    document.addEventListener(type, (event) => {
      const t = event.timeStamp;
      setTimeout(() => { // once the slider has taken it in
        const readout = root.querySelector(window.slider + " .widget-readout");
        record.events.push({ t, type, value: parseFloat(readout?.textContent) });
      });
    }, { capture: true, signal: ended.signal });
  }
}"""
CHANGED = """wait => new Promise(done => {
  record.heard = done;
  setTimeout(done, record.frames.length ? 0 : wait);
})"""
TAKE = """() => {
  const { events, frames } = record;
  [record.events, record.frames] = [[], []];
  return { events, frames };
}"""


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, round(share * (len(values) - 1)))]


def step(explorer, act, types):
    """Milliseconds from one act to the first changed frame; None if nothing changed."""
    page = explorer.page
    page.evaluate(TAKE)
    act()
    page.evaluate(CHANGED, PATIENCE)
    explorer.settle()
    found = page.evaluate(TAKE)
    starts = [event["t"] for event in found["events"] if event["type"] in types]
    frames = [f["t"] for f in found["frames"] if starts and f["t"] > starts[0]]
    return frames[0] - starts[0] if frames else None


def drag(explorer, name):
    """Latencies of the moves of a drag; from the release to the last change; counts."""
    page, handle = explorer.page, explorer.handle(name)
    handle.press("Home")
    page.wait_for_timeout(100)
    highest = float(explorer.part(f".{name} .widget-readout").inner_text())
    track = explorer.part(f".{name} :is(.noUi-base, input[type=range])").bounding_box()
    place = handle.bounding_box()
    y = place["y"] + place["height"] / 2
    page.mouse.move(track["x"] + (0 if place["width"] < track["width"] else 8), y)
    page.mouse.down()
    page.evaluate(TAKE)
    for i in range(MOVES):
        page.mouse.move(track["x"] + track["width"] * (i + 1) / MOVES, y)
    page.mouse.up()
    page.wait_for_timeout(PATIENCE)
    found = page.evaluate(TAKE)
    frames = [
        (frame["t"], float(match[1] or 1))
        for frame in found["frames"]
        if (match := re.search(SHOWN[name], frame["status"]))
    ]
    latencies = []
    for event in found["events"]:
        value = event["value"]
        if event["type"] != "pointermove" or value is None or value <= highest:
            continue  # a move that moves no value asks for no picture
        highest = value
        later = [t for t, shown in frames if t > event["t"] and shown > highest - 0.06]
        if later and later[0] < event["t"] + PATIENCE:
            latencies.append(later[0] - event["t"])
    release = next(e["t"] for e in found["events"] if e["type"] == "pointerup")
    settled = max(0.0, frames[-1][0] - release) if frames else 0.0
    drawn = len({value for _, value in frames})
    return {"drag": latencies, "settled": [settled], "drawn": [drawn]}


def measure(explorer, drags=tuple(SHOWN)) -> dict:
    """One round: every control of one explorer, and drags of some."""
    page, found = explorer.page, {}
    explorer.root.scroll_into_view_if_needed()
    explorer.root.evaluate(RECORD)

    def steps(name, acts, types):
        times = [step(explorer, act, types) for act in acts]
        found[name] = {"step": [each for each in times if each is not None]}

    def pull(name, css):  # from near the upper left corner of an element, down right
        explorer.part(css).scroll_into_view_if_needed()
        box, mouse = explorer.part(css).bounding_box(), page.mouse
        places = [(box["x"] + 60 + 4 * i, box["y"] + 50 + 5 * i) for i in range(STEPS)]
        mouse.move(box["x"] + 56, box["y"] + 45)
        mouse.down()
        acts = [lambda at=place: mouse.move(*at) for place in places]
        steps(name, acts, ["pointermove"])
        mouse.up()

    def choose(name, value):
        explorer.part(f".{name} select").select_option(index=value)

    kinds = [name for name in KINDS if name != "given"]
    for name in SHOWN:
        if not explorer.part(f".{name}").count():
            continue
        if name in NEEDS:  # and a digit in no noise, whose map N changes
            for other in ("digit-slider", "noise-slider"):
                explorer.handle(other).press("Home")
            choose("attention-select", kinds.index(NEEDS[name]))
            page.wait_for_timeout(500)
        page.evaluate("name => { window.slider = '.' + name; }", name)
        handle = explorer.handle(name)
        handle.press("Home")
        keys = ["ArrowRight"] * (STEPS // 2) + ["ArrowLeft"] * (STEPS // 2)
        acts = [lambda key=key, at=handle: at.press(key) for key in keys]
        steps(name, acts, ["keydown"])
        if name in drags and name not in FEW:
            found[name] |= drag(explorer, name)
    if explorer.part(".noise-slider").count():  # so strong that another draw is seen
        for key in ["Home", *["PageUp"] * 5]:
            explorer.handle("noise-slider").press(key)
    if explorer.part(".explorer-pad").count():
        pull("explorer-pad", ".explorer-pad canvas")
        explorer.part(".explorer-pad button").click()
    if explorer.part(".explorer-handle").count():
        pull("explorer-handle", ".explorer-handle")
    if explorer.part(".fresh-draw").count():
        button = explorer.part(".fresh-draw button")
        steps("fresh-draw", [button.click] * STEPS, ["click"])
    if explorer.part(".explorer-keys").count():
        explorer.part("canvas").click()
        acts = [lambda i=i: page.keyboard.press(str(i % 10)) for i in range(STEPS)]
        steps("explorer-keys", acts, ["keydown"])
    for select in explorer.part("select").all():
        name = select.evaluate(
            "x => /[a-z]+-select/.exec(x.parentElement.className)[0]"
        )
        count = select.locator("option").count()
        chosen = [i % count for i in range(1, STEPS + 1)]
        acts = [lambda i=i, name=name: choose(name, i) for i in chosen]
        steps(name, acts, ["change"])
    page.evaluate("record.ended.abort()")
    found["picture"] = {
        "blank": [page.evaluate("record.blank")],
        "sizes": [page.evaluate("record.places.size")],
    }
    return found


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
