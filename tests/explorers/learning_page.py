"""A page in which networks learn: how far they are, and whether it keeps its frames."""

import re

# Milliseconds between two frames, as long as half of them take or less.
MIDDLE_FRAME = """() => new Promise((done) => {
  const times = [];
  const tick = (time) => {
    times.push(time);
    if (times.length < 100) return requestAnimationFrame(tick);
    const gaps = times.slice(1).map((each, i) => each - times[i]);
    done(gaps.sort((a, b) => a - b)[50]);
  };
  requestAnimationFrame(tick);
})"""


def updates_learnt(explorer):
    found = re.search(r"(\d+) updates", explorer.status())
    return int(found[1]) if found else 0


def wait_for_updates(explorer, count, seconds=60):
    explorer.page.wait_for_function(
        "count => parseInt(/(\\d+) updates/.exec("
        "document.querySelector('.explorer-status').textContent)?.[1] ?? 0) >= count",
        arg=count,
        timeout=1000 * seconds,
    )
