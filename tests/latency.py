"""Measure how long an explorer takes from the hand to the eye: build/latency.json.

`python tests/latency.py` moves every control of the three explorers in a real
JupyterLab and Chromium. A step (a key, a click, a choice) is timed from its event to
the first frame in which the picture's pixels differ; a move of a drag, to the first
frame that shows its value or a later one; settling, from the release to the last
change. Three rounds; each number is the median of the rounds'.
"""

import json
import os
import platform
import re
import statistics
import tempfile
from pathlib import Path

from browser import Lab, Notebook, chromium, write_notebook

ROOT = Path(__file__).parents[1]
ROUNDS, STEPS, MOVES = 3, 40, 100
GOALS = {  # milliseconds
    "noise-slider": {"step": (20, 35), "drag": 20, "settled": 100},
    "other": {"step": (40, 60), "drag": 100, "settled": 100},
}
CELLS = [
    "from utils import explorers\n"
    "from utils.data import load_mnist\n"
    "from utils.model import build_model\n"
    "_, (images, labels) = load_mnist()\n"
    "network = build_model(seed=0)",
    "explorers.noise(images, labels, network)",
    "explorers.attention(images, labels, network)",
    "def record(attention, seed):\n"
    "    epochs = [{'epoch': i + 1, 'accuracy_clean': 0.9 + 0.005 * i + 0.001 * seed,\n"
    "               'accuracy_matched': 0.7 + 0.01 * i} for i in range(12)]\n"
    "    spec = {'attention': attention, 'noise_sd': 2.5, 'seed': seed}\n"
    "    return {'spec': spec, 'epochs': epochs}\n"
    "explorers.study([record(a, s) for a in ('ones', 'as_coded') for s in range(3)])",
]
SHOWN = {  # what the status says of a slider's value
    "digit-slider": r"digit (\d+)",
    "noise-slider": r"noise ([\d.]+)",
    "strength-slider": r"strength ([\d.]+)",
    "top-n-slider": r"The (\d+) likeliest",
    "epoch-slider": r"epoch (\d+)",
}
RECORD = """root => {
  const canvas = root.querySelector(".explorer-image canvas");
  const status = root.querySelector(".explorer-status");
  const record = { events: [], frames: [], on: true };
  window.record = record;
  const context = canvas.getContext("2d");
  const look = () => {
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const words = new Uint32Array(data.buffer);
    let sum = 0;
    for (let i = 0; i < words.length; i++) sum = (Math.imul(sum, 31) + words[i]) | 0;
    return sum;
  };
  let last = look();
  const after = new MessageChannel(); // its message comes once the frame is drawn
  after.port1.onmessage = () => {
    const t = performance.now(), sum = look();
    if (sum !== last) record.frames.push({ t, status: status.textContent });
    last = sum;
  };
  const tick = () => {
    if (!record.on) return;
    after.port2.postMessage(0);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  for (const type of ["keydown", "change", "click", "pointermove", "pointerup"]) {
    document.addEventListener(type, (event) => {
      const t = event.timeStamp;
      // once the slider has taken it in:
      queueMicrotask(() => setTimeout(() => {
        const readout = root.querySelector(window.slider + " .widget-readout");
        record.events.push({ t, type, value: parseFloat(readout?.textContent) });
      }));
    }, true);
  }
}"""


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, round(share * (len(values) - 1)))]


def taken(page):
    """What was recorded since the last call."""
    return page.evaluate(
        "() => { const { events, frames } = record; record.events = [];"
        "record.frames = []; return { events, frames }; }"
    )


def step(explorer, act, types):
    """Milliseconds from one act to the first changed frame; None if nothing changed."""
    page = explorer.page
    taken(page)
    act()
    page.wait_for_timeout(150)
    found = taken(page)
    starts = [event["t"] for event in found["events"] if event["type"] in types]
    frames = [f["t"] for f in found["frames"] if starts and f["t"] > starts[0]]
    return frames[0] - starts[0] if frames else None


def drag(explorer, slider, shown):
    """Latencies of the moves of a drag, and from the release to the last change."""
    page, handle = explorer.page, slider.locator(".noUi-handle")
    handle.press("Home")
    page.wait_for_timeout(600)
    track, place = (slider.locator(".noUi-base").bounding_box(), handle.bounding_box())
    y = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] / 2, y)
    page.mouse.down()
    taken(page)
    for i in range(MOVES):
        page.mouse.move(track["x"] + track["width"] * (i + 1) / MOVES, y)
        page.wait_for_timeout(8)
    page.mouse.up()
    page.wait_for_timeout(800)
    found = taken(page)
    frames = []
    for frame in found["frames"]:
        if match := re.search(shown, frame["status"]):
            frames.append((frame["t"], float(match[1])))
    latencies, highest = [], 0.0
    for event in found["events"]:
        if event["type"] != "pointermove" or event["value"] <= highest:
            continue  # a move that moves no value asks for no picture
        highest = event["value"]
        later = [t for t, value in frames if t > event["t"] and value >= highest - 0.06]
        latencies.append(later[0] - event["t"] if later else float("inf"))
    release = next(e["t"] for e in found["events"] if e["type"] == "pointerup")
    return latencies, max(0.0, frames[-1][0] - release), len(frames)


def draw(explorer):
    """Latencies of strokes on the pad, each to the next changed frame."""
    page = explorer.page
    pad = explorer.part(".explorer-pad canvas").bounding_box()
    latencies = []
    page.mouse.move(pad["x"] + 60, pad["y"] + 40)
    page.mouse.down()
    for i in range(STEPS):
        x, y = pad["x"] + 60 + 4 * i, pad["y"] + 40 + 5 * i
        move = step(explorer, lambda x=x, y=y: page.mouse.move(x, y), ["pointermove"])
        latencies.append(move)
    page.mouse.up()
    explorer.part(".explorer-pad button").click()
    page.wait_for_timeout(500)
    return [each for each in latencies if each is not None]


def measure(explorer) -> dict:
    """One round: every control of one explorer."""
    page, found = explorer.page, {}
    explorer.root.evaluate(RECORD)

    def steps(name, acts, types):
        times = [step(explorer, act, types) for act in acts]
        found[name] = {"step": [each for each in times if each is not None]}

    for name, shown in SHOWN.items():
        slider = explorer.part(f".{name}")
        if not slider.count():
            continue
        page.evaluate("name => { window.slider = '.' + name; }", name)
        handle = slider.locator(".noUi-handle")
        handle.press("Home")
        page.wait_for_timeout(800)
        keys = ["ArrowRight"] * STEPS
        if name in ("top-n-slider", "epoch-slider"):  # short ones, there and back
            keys = (["ArrowRight"] * 8 + ["ArrowLeft"] * 8) * (STEPS // 16 + 1)
        acts = [lambda key=key, at=handle: at.press(key) for key in keys]
        steps(name, acts, ["keydown"])
        moves, settled, pictures = drag(explorer, slider, shown)
        found[name] |= {"drag": moves, "settled": [settled], "pictures": [pictures]}
        if name in ("noise-slider", "digit-slider"):
            handle.press("Home")
            for _ in range(3):
                handle.press("PageUp")
            page.wait_for_timeout(500)
    if explorer.part(".explorer-pad").count():
        found["explorer-pad"] = {"step": draw(explorer)}
    if explorer.part(".fresh-draw").count():
        button = explorer.part(".fresh-draw")
        steps("fresh-draw", [button.click] * STEPS, ["click"])
    for select in explorer.part("select").all():
        classes = select.locator("..").get_attribute("class")
        name = re.search(r"[a-z]+-select", classes)[0]
        names = select.locator("option").all_inner_texts()
        chosen = [*names[1:], names[0]] * (STEPS // len(names) + 1)
        acts = [lambda x=x, at=select: at.select_option(label=x) for x in chosen]
        steps(name, acts, ["change"])
    page.evaluate("() => { record.on = false; }")
    return found


def summary(rounds, key) -> dict | None:
    """Medians over rounds of the median and the 95th percentile."""
    parts = [each[key] for each in rounds if each.get(key)]
    if not parts:
        return None
    return {
        "median": round(statistics.median(map(statistics.median, parts)), 1),
        "p95": round(statistics.median(percentile(x, 0.95) for x in parts), 1),
        "count": len(parts[0]),
    }


def verdict(name, found) -> bool:
    goal = GOALS.get(name, GOALS["other"])
    return (
        found["step"]["median"] <= goal["step"][0]
        and found["step"]["p95"] <= goal["step"][1]
        and (not found["drag"] or found["drag"]["median"] <= goal["drag"])
        and (not found["settled"] or found["settled"]["median"] <= goal["settled"])
    )


def main():
    results = {"noise": [], "attention": [], "study": []}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        lab = Lab(Path(folder))
        try:
            write_notebook(lab.notebooks / "latency.ipynb", CELLS)
            for _ in range(ROUNDS):
                notebook = Notebook(browser, lab, "latency.ipynb")
                notebook.run()
                explorers = notebook.explorers(3)
                notebook.page.wait_for_timeout(8000)  # until all kinds are compiled
                for rounds, explorer in zip(results.values(), explorers, strict=True):
                    explorer.root.scroll_into_view_if_needed()
                    rounds.append(measure(explorer))
                notebook.close()
        finally:
            lab.stop()
    report = {"unit": "ms", "goals": GOALS, "explorers": {}}
    report["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    report["load_average"] = os.getloadavg()[0]
    for explorer, rounds in results.items():
        report["explorers"][explorer] = {}
        for name in rounds[0]:
            found = {
                key: summary([each[name] for each in rounds], key)
                for key in ("step", "drag", "settled", "pictures")
            }
            found["meets_goal"] = verdict(name, found)
            report["explorers"][explorer][name] = found
            print(explorer, name, found)
    (ROOT / "build").mkdir(exist_ok=True)
    path = ROOT / "build" / "latency.json"
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(f"Written: {path}")


if __name__ == "__main__":
    main()
