"""A study of seconds, run as a process of its own that tests kill and starve.

`python tests/tiny_study.py tiny --store FOLDER` is `python -m utils.study` with one
more profile. Every process of it, the workers too, writes down the files that it moves
into their place: `$MOVES` gets a line "process name" for each.
"""

import os
import sys

from utils import study
from utils.study import RunSpec

SPECS = [
    RunSpec(attention, noise_sd=2.5, images=300, epochs=3, test_images=200, seed=seed)
    for seed in range(3)
    for attention in ("as_coded", "ones")
]


def write_down(event, arguments):
    if event == "os.rename":
        line = f"{os.getpid()} {os.path.basename(arguments[1])}\n"
        with open(os.environ["MOVES"], "a") as moves:
            moves.write(line)


if "MOVES" in os.environ:
    sys.addaudithook(write_down)

study.PROFILES["tiny"] = lambda: SPECS

if __name__ == "__main__":
    sys.exit(study.main())
