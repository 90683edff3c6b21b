"""Studies in processes that are doubled, killed and interrupted give every record."""

import os
import random
import re
import signal
import time
from pathlib import Path

import psutil
import pytest
from studying import (
    Study,
    assert_complete,
    assert_gone,
    moved,
    result,
    unfinished,
    wait_until,
)
from tiny_study import SPECS

from utils.runs.unfinished import epochs_done
from utils.studies import run

NAMES = [spec.name for spec in SPECS]
CORES = psutil.Process().cpu_affinity() if psutil.LINUX else [None]
CORES = CORES[0], CORES[-1]  # for two studies at once
EPOCHS = sum(spec.epochs for spec in SPECS)
IMAGES = sum(spec.work for spec in SPECS)
FRAME = re.compile(
    r"(?P<runs>\d+) of (?P<all>\d+) runs(?P<starting>, [^:]*)?: +\d+%\|.*\| "
    r"(?P<done>[\d.]+k?)/(?P<total>[\d.]+k?) \[(?P<elapsed>[\d:]+)<"
)
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals or limits")
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Return two studies at once, on one store, that ended well."""
    folder = tmp_path_factory.mktemp("together")
    with Study(folder, CORES[0]) as one, Study(folder, CORES[1]) as two:
        assert one.end() == 0, one.err
        assert two.end() == 0, two.err
    return one, two


@slow
def test_two_studies_at_once_compute_each_run_once(together, tiny):
    """In processes, from the command line: the same to the bit as in threads here."""
    one, two = together
    assert_complete(one.store, tiny)
    assert moved(one.moves) == {
        **{f"{name}.json": 1 for name in NAMES},
        **{f"{name}.npz": 1 for name in NAMES},
        **{f"{spec.name}.state": spec.epochs for spec in SPECS},
    }
    assert len(moved(one.moves, by=0)) >= 2  # each had a share in it
    for study in (one, two):
        assert re.fullmatch(r"4 records in .* \(\d+\.\d minutes of .*\n", study.out)


@posix
@slow
def test_a_study_that_is_killed_at_three_moments_is_completed(tiny, tmp_path):
    """Each time at work, on one core; then one that may finish."""
    seed = random.randrange(10**6)
    print(f"moments drawn with seed {seed}")
    draw = random.Random(seed)
    for _ in range(3):
        with Study(tmp_path, CORES[0]) as study:
            wait_until(lambda: study.working() or study.process.poll() == 0)
            time.sleep(draw.uniform(0, 0.3))
            family = study.family()
            study.process.kill()
            study.process.wait()
            assert_gone(family)
    with Study(tmp_path) as study:
        assert study.end() == 0, study.err
    assert_complete(study.store, tiny)
    counts = moved(study.moves)
    assert all(counts[f"{name}.json"] == 1 for name in NAMES)
    epochs = sum(counts[f"{name}.state"] for name in NAMES)
    assert EPOCHS <= epochs <= EPOCHS + 3  # a kill costs the epoch in progress


def interrupts_are_held(process):
    """Whether Ctrl-C is left to the study itself, from the process' start."""
    (line,) = re.findall(
        r"SigBlk:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text("utf-8")
    )
    return int(line, 16) >> (signal.SIGINT - 1) & 1


@posix
@slow
def test_ctrl_c_stops_a_study_which_can_go_on(tiny, tmp_path, two_threads):
    with Study(tmp_path) as study:
        wait_until(study.working)
        workers = [psutil.Process(int(worker)) for worker in study.working()]
        for worker in workers if psutil.LINUX else ():
            assert interrupts_are_held(worker)
            assert len(worker.cpu_affinity()) == 1
        family = study.family()
        os.killpg(study.process.pid, signal.SIGINT)  # as a terminal does
        assert study.end() == 130
    assert study.err.endswith("\nStopped. Run the same command to go on.\n")
    assert "Traceback" not in study.err
    assert_gone(family)
    states = unfinished(study.store)
    before = (
        sum(epochs_done(study.store, name) for name in states),
        len(study.store.names()),
    )
    assert before > (0, 0)
    records = run(SPECS, study.store, two_threads, progress=False)
    assert list(map(result, records)) == [result(tiny.record(name)) for name in NAMES]


@posix
@slow
def test_a_worker_that_is_killed_is_replaced(tiny, tmp_path):
    with Study(tmp_path, CORES[0]) as study:
        wait_until(study.working)
        victim = psutil.Process(int(study.working().pop()))
        victim.kill()
        assert study.end() == 0, study.err
    assert "number 1 of this study. New processes go on" in study.err
    assert_complete(study.store, tiny)
    assert all(moved(study.moves)[f"{name}.json"] == 1 for name in NAMES)


def frames(text):
    """What the bar showed, one after the other."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    return [match for match in map(FRAME.match, lines) if match]


def number(text):
    return float(text[:-1]) * 1000 if text.endswith("k") else float(text)


def seconds(text):
    minutes, rest = text.split(":")
    return 60 * int(minutes) + int(rest)


@slow
def test_the_bar_says_what_it_waits_for_and_counts_runs_and_images(together):
    for study in together:
        shown = frames(study.err)
        assert len(shown) > 3
        assert (shown[0]["runs"], shown[0]["done"]) == ("0", "0.00")
        assert (shown[-1]["runs"], number(shown[-1]["done"])) == ("4", IMAGES)
        for key, read in (("runs", int), ("done", number), ("elapsed", seconds)):
            values = [read(frame[key]) for frame in shown]
            assert values == sorted(values)
        assert {frame["all"] for frame in shown} == {"4"}
        assert {number(frame["total"]) for frame in shown} == {IMAGES}
        for frame in shown:
            assert bool(frame["starting"]) == (frame["done"] == "0.00")
        assert "compiling" in shown[0]["starting"]
        assert len(shown) <= seconds(shown[-1]["elapsed"]) + 3  # once a second at most
