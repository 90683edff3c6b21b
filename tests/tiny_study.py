"""A study of seconds, run as a process of its own that tests kill and starve.

`python tests/tiny_study.py tiny --store FOLDER` is `python -m utils.study` with two
more profiles, `tiny` and the half of it. Each of its processes, the workers too,
writes into `$MOVES` the name of every file that it moves into place, and can write
files of `$FILE_LIMIT` bytes at most.
"""

import os
import sys

from utils import study
from utils.study import RunSpec

SPECS = [
    RunSpec(
        attention,
        noise_sd=2.5,
        images=200,
        epochs=12,
        test_images=100,
        test_noise_sds=(0.0, 2.5),
        seed=seed,
    )
    for seed in range(4)
    for attention in ("as_coded", "ones")
]
HALF = SPECS[:4]


def write_down(event, arguments):
    """An audit hook: one line for each file that is moved, by whom and to where."""
    if event == "os.rename":
        with open(os.environ["MOVES"], "a") as moves:
            moves.write(f"{os.getpid()} {os.path.basename(arguments[1])}\n")


if "MOVES" in os.environ:
    sys.addaudithook(write_down)

if "FILE_LIMIT" in os.environ:
    import resource

    limit = int(os.environ["FILE_LIMIT"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

if __name__ == "__main__":
    study.PROFILES.update(tiny=lambda: SPECS, half=lambda: HALF)
    sys.exit(study.main())
