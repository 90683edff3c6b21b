"""A study of seconds, run as a process of its own that tests kill.

`python tests/tiny_study.py tiny --store FOLDER` is `python -m utils.studies` with one
more profile. Each of its processes, the workers too, writes into `$MOVES` the name of
every file that it moves into place.
"""

import os
import sys

from utils.spec import RunSpec
from utils.studies.__main__ import main

SPECS = [
    RunSpec(
        attention,
        noise_sd=2.5,
        images=100,
        epochs=12,
        test_images=40,
        test_noise_sds=(0.0, 2.5, 20.0),
        seed=seed,
    )
    for seed in range(2)
    for attention in ("as_coded", "ones")
]


def write_down(event, arguments):
    """An audit hook: one line for each file that is moved, by whom and to where."""
    if event == "os.rename":
        with open(os.environ["MOVES"], "a", encoding="utf-8") as moves:
            moves.write(f"{os.getpid()} {os.path.basename(arguments[1])}\n")


if "MOVES" in os.environ:
    sys.addaudithook(write_down)

if __name__ == "__main__":
    sys.exit(main(study={"tiny": SPECS}.get))
