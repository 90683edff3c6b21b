"""Times from the hand to the eye: the controls of one explorer, each moved in turn."""

import re
from pathlib import Path

from utils.attention import KINDS

STEPS, MOVES = 20, 100  # of each control; of a drag
PATIENCE = 250  # ms
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
RECORD = Path(__file__).with_name("latency.js").read_text("utf-8")
CHANGED = """wait => new Promise(done => {
  record.heard = done;
  setTimeout(done, record.frames.length ? 0 : wait);
})"""
TAKE = """() => {
  const { events, frames } = record;
  [record.events, record.frames] = [[], []];
  return { events, frames };
}"""


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
    page, slider = explorer.page, explorer.slider(name)
    slider.press("Home")
    page.wait_for_timeout(100)
    highest = float(explorer.part(f".{name} .explorer-number").input_value())
    track = slider.bounding_box()
    y = track["y"] + track["height"] / 2
    page.mouse.move(track["x"] + 8, y)  # its thumb
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
                explorer.slider(other).press("Home")
            choose("attention-select", kinds.index(NEEDS[name]))
            page.wait_for_timeout(500)
        page.evaluate("name => { window.slider = '.' + name; }", name)
        slider = explorer.slider(name)
        slider.press("Home")
        keys = ["ArrowRight"] * (STEPS // 2) + ["ArrowLeft"] * (STEPS // 2)
        acts = [lambda key=key, at=slider: at.press(key) for key in keys]
        steps(name, acts, ["keydown"])
        if name in drags and name not in FEW:
            found[name] |= drag(explorer, name)
    if explorer.part(".noise-slider").count():  # so strong that another draw is seen
        for key in ["Home", *["PageUp"] * 5]:
            explorer.slider("noise-slider").press(key)
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
