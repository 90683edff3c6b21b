"""Studies that are killed, starved, doubled and spread, and still give every record."""

import collections
import concurrent.futures
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import types
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import psutil
import pytest
from tiny_study import SPECS
from utils.explorers.networks import WEIGHTS

from utils.record import versions
from utils.runs import execution
from utils.runs.probes import Probe
from utils.runs.store import COMMITTED, DamagedRecordError, Store
from utils.spec import RunSpec
from utils.studies import PROFILES, StudyStoppedError, profile, run
from utils.studies.__main__ import main
from utils.training import State

DRIVER = Path(__file__).with_name("tiny_study.py")
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
# `pytest.warns` passes on what Keras warns of, but not that it is Keras.
keras_warns = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)


class Study:
    """The tiny study in a process of its own, with the processes that it starts."""

    def __init__(self, folder, core=None, name="records"):
        self.store = Store(folder / name)
        self.moves = folder / "moves"
        self.moves.touch()
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER), "tiny", "--store", str(self.store.folder)],
            env={**os.environ, "MOVES": str(self.moves)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches it and not the tests
        )
        self.tree = psutil.Process(self.process.pid)
        self.seen = set()
        if core is not None:
            self.tree.cpu_affinity([core])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process in (self.process, *self.family(), *self.seen):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.communicate()

    def family(self):
        """The processes that it started and that live."""
        try:
            family = self.tree.children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self.seen |= {*family}
        return family

    def working(self):
        """Those of its processes, if any, that have finished an epoch."""
        return {str(each.pid) for each in self.family()} & {*moved(self.moves, by=0)}

    def end(self):
        """Wait for it to end by itself."""
        self.out, self.err = self.process.communicate(timeout=600)
        return self.process.returncode


def wait_until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def assert_gone(processes, seconds=20):
    alive = psutil.wait_procs(processes, seconds)[1]
    assert not alive, f"still there after {seconds} s: {alive}"


def moved(moves, by=1):
    """How often each file was moved into its place; `by=0`: how many each process."""
    lines = moves.read_text("utf-8").splitlines()
    return collections.Counter(line.split()[by] for line in lines)


def unfinished(store):
    """The runs that have a state to go on from."""
    return sorted(path.stem for path in (store.folder / ".work").glob("*.state"))


def result(record):
    """What a record says, but for the time it took."""
    return {key: value for key, value in record.items() if key != "seconds"}


def assert_complete(store, reference, specs=SPECS):
    """Every record once, equal bit for bit to the reference, and nothing else."""
    assert store.names() == sorted(spec.name for spec in specs)
    for name in store.names():
        assert result(store.record(name)) == result(reference.record(name))
    assert not unfinished(store)
    assert not list(store.folder.rglob("*.part"))


def copied(store, folder):
    return Store(shutil.copytree(store.folder, folder))


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Return two studies at once, on one store, that ended well."""
    folder = tmp_path_factory.mktemp("together")
    with Study(folder, CORES[0]) as one, Study(folder, CORES[1]) as two:
        assert one.end() == 0, one.err
        assert two.end() == 0, two.err
    return one, two


# --- Undisturbed -----------------------------------------------------------------


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


def test_records_come_in_the_order_of_the_specs(tiny, capsys):
    """From the store alone: no process is started, no bar is shown."""
    before = set(psutil.Process().children())  # of other tests: a resource tracker
    order = [SPECS[3], SPECS[0], SPECS[3]]
    for specs in (order, tuple(order), iter(order)):
        records = run(specs, tiny.folder)
        assert [RunSpec(**record["spec"]) for record in records] == order
    assert run(SPECS, tiny) == list(map(tiny.record, NAMES))
    assert run([], tiny) == []
    assert capsys.readouterr() == ("", "")
    assert set(psutil.Process().children()) <= before


# --- Killed ----------------------------------------------------------------------


@posix
@slow
def test_a_study_that_is_killed_at_three_moments(tiny, tmp_path):
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
    assert not (study.store.folder / "damaged").exists()
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
    before = sum(map(study.store.epochs_done, states)), len(study.store.names())
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


def test_a_worker_that_is_killed_before_an_epoch_stops_the_study(tmp_path, monkeypatch):
    """Else a study whose workers always die would go on for ever."""

    @contextlib.contextmanager
    def dying(most):
        pool = types.SimpleNamespace(submit=lambda *call: future)
        future = concurrent.futures.Future()
        future.set_exception(BrokenProcessPool("A process was terminated abruptly."))
        yield pool

    monkeypatch.setattr(execution, "processes", dying)
    with pytest.raises(
        StudyStoppedError, match=r"terminated abruptly.* 0 of 4 records"
    ):
        run(SPECS, tmp_path, progress=False)


# --- Busy elsewhere ----------------------------------------------------------------


def test_a_run_that_is_busy_elsewhere_is_waited_for(tiny, tmp_path, monkeypatch):
    """Without spinning, and without computing it again."""

    class Counting(concurrent.futures.ThreadPoolExecutor):
        submitted = 0

        def submit(self, *call):
            self.submitted += 1
            return super().submit(*call)

    monkeypatch.setattr(execution, "PAUSE", 0.05)
    monkeypatch.setattr(execution, "BUSY_PAUSE", 0.2)
    first, second = SPECS[:2]
    store = Store(tmp_path)
    with Counting(1) as executor, concurrent.futures.ThreadPoolExecutor(1) as other:
        with store.claim(first.name):
            start = time.monotonic()
            study = other.submit(
                lambda: run([first, second], tmp_path, executor, progress=False)
            )
            wait_until(lambda: second.name in store)
            time.sleep(0.5)
            assert not study.done()
            record = tiny.record(first.name)
            store.save(first.name, record, tiny.weights(first.name))
        records = study.result(60)
        assert executor.submitted <= 3 + (time.monotonic() - start) / 0.2
    assert records[0]["seconds"] == record["seconds"]  # the other's
    assert [record["spec"]["seed"] for record in records] == [first.seed, second.seed]


# --- A full disk, and damage -------------------------------------------------------


@slow
def test_a_full_disk_stops_a_study_which_can_go_on(tiny, small_disk, two_threads):
    """A state after an epoch takes 83 kB, a record with its weights half of that."""
    store = Store(small_disk("240k") / "records")
    with pytest.raises(StudyStoppedError, match="No space left") as stopped:
        run(SPECS, store, two_threads, progress=False)
    done = store.names()
    assert f"{len(done)} of 4 records are finished and safe in" in str(stopped.value)
    assert len(done) < len(SPECS)
    small_disk("4m")
    run(SPECS, store, two_threads, progress=False)
    assert_complete(store, tiny)


@keras_warns
def test_what_is_damaged_is_computed_again(tiny, tmp_path, two_threads):
    store = copied(tiny, tmp_path / "records")
    cut, broken = NAMES[:2]
    path = store.path(cut)
    path.write_bytes(path.read_bytes()[:-100])
    store.path(broken).unlink()
    store.save_state(broken, {}, {"epochs": []})
    state = store.folder / ".work" / f"{broken}.state"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(DamagedRecordError, match=cut):
        store.record(cut)
    with pytest.warns(RuntimeWarning, match=r"Set aside in .*damaged") as caught:
        run(SPECS, store, two_threads, progress=False)
    named = " ".join(str(warning.message) for warning in caught)
    assert f"{cut}.json" in named
    assert f"{broken}.state" in named
    assert len(list((store.folder / "damaged").iterdir())) == 3
    shutil.rmtree(store.folder / "damaged")
    assert_complete(store, tiny)


def test_a_state_of_other_libraries_is_not_gone_on_from(tmp_path, monkeypatch):
    """A record names one version of each."""
    store, name = Store(tmp_path), NAMES[0]
    assert execution._resume(store, name) is None
    state = State([np.ones(2), np.zeros(3)], [np.ones(1)], [{"epoch": 1}], 2.5)
    execution._keep(store, name, state)
    again = execution._resume(store, name)
    assert (again.epochs, again.seconds) == (state.epochs, state.seconds)
    for part, same in zip(state[:2], again[:2], strict=True):
        assert [x.tolist() for x in part] == [x.tolist() for x in same]
    monkeypatch.setattr(execution, "versions", lambda: {**versions(), "jax": "0.0.1"})
    assert execution._resume(store, name) is None


# --- Any executor ----------------------------------------------------------------


@posix
@slow
def test_a_dask_cluster_that_loses_a_worker(tiny, tmp_path):
    distributed = pytest.importorskip("distributed")
    store = Store(tmp_path / "records")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        executor = client.get_executor()
        before = set(client.run(os.getpid).values())
        study = thread.submit(run, SPECS, store, executor, progress=False)
        wait_until(lambda: unfinished(store))
        victim = psutil.Process(before.pop())
        victim.kill()
        study.result(300)
        assert victim.pid not in set(client.run(os.getpid).values())
        assert executor.submit(int).result() == 0
    assert_complete(store, tiny)


def test_a_run_that_cannot_be_trained_says_why(tmp_path):
    """What waits on a lent executor is cancelled, and the executor lives on."""
    specs = [RunSpec(images=70_000), *SPECS]
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        with pytest.raises(
            StudyStoppedError, match=r"60,000 .* asks for 70,000.* 0 of 5 records"
        ):
            run(specs, tmp_path, executor, progress=False)
        assert executor.submit(int).result() == 0
    assert len(Store(tmp_path).names()) < len(SPECS)


def test_workers_that_write_elsewhere_are_found_out(tmp_path):
    class Elsewhere(concurrent.futures.Executor):
        def submit(self, *call):
            future = concurrent.futures.Future()
            future.set_result(True)
            return future

    with pytest.raises(StudyStoppedError, match="workers must reach the same folder"):
        run(SPECS, tmp_path, Elsewhere(), progress=False)


# --- Progress --------------------------------------------------------------------


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


def test_the_time_left_comes_from_new_work_alone(tiny, tmp_path):
    """Half of the study is there; what it took does not count."""
    store = copied(tiny, tmp_path / "records")
    kept = [(store.record(name), store.weights(name)) for name in NAMES]
    for name in NAMES[2:]:
        store.path(name).unlink()
    by_name = dict(zip(NAMES, SPECS, strict=True))
    with execution._Progress(by_name, store, True) as progress:
        assert (progress.bar.n, progress.bar.total) == (IMAGES / 2, IMAGES)
        progress.show()
        assert "compiling" in progress.bar.desc
        assert "<?" in str(progress.bar)
        store.save(NAMES[2], *kept[2])
        progress.bar.start_t -= 10
        progress.show()
        assert progress.bar.desc == "3 of 4 runs: "
        assert "[00:10<00:10" in str(progress.bar)  # as much as since it began


def test_the_bar_can_be_left_out(tiny, tmp_path, two_threads, capsys):
    run(SPECS[:1], copied(tiny, tmp_path / "a"), two_threads, progress=False)
    run(SPECS[:1], tmp_path / "b", two_threads, progress=False)
    assert capsys.readouterr() == ("", "")


# --- Profiles and the command line -----------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_lists_different_runs_whose_records_are_there(name):
    specs = profile(name)
    assert len({spec.name for spec in specs}) == len(specs) > 0
    kind = Probe if name.endswith("_probes") else RunSpec
    assert all(isinstance(spec, kind) for spec in specs)
    assert f"`{name}`" in profile.__doc__
    store = {"quick": None, "explorers": Store(WEIGHTS)}.get(name, COMMITTED)
    assert store is None or all(spec.name in store for spec in specs)


@pytest.mark.parametrize("name", [x for x in PROFILES if x.endswith("_rates")])
def test_settings_are_tried_on_validation_images_with_other_seeds(name):
    tried, study = profile(name), profile(name.removesuffix("_rates"))
    assert {run.scored_on for run in tried} == {"validation"}
    assert {run.scored_on for run in study} == {"test"}
    assert not {run.seed for run in tried} & {run.seed for run in study}


def test_quick_is_minutes():
    assert sum(spec.work for spec in profile("quick")) < 150_000


def test_an_unknown_profile(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"'publish'.* one of quick, published"):
        profile("publish")
    assert main(["publish", "--store", str(tmp_path / "records")]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert "'publish'" in err
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize("place", ["file", "file/records"])
def test_a_store_that_is_a_file(place, tmp_path, capsys):
    (tmp_path / "file").write_text("kept", "utf-8")
    assert main(["quick", "--store", str(tmp_path / place)]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert re.search(r"file is a file|Not a directory: '.*file", err)
    assert (tmp_path / "file").read_text("utf-8") == "kept"


def test_the_command_s_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    out, _ = capsys.readouterr()
    for expected in (*PROFILES, "--store", "build/records", "Ctrl-C", "python -m"):
        assert expected in out


@slow
def test_the_command():
    command = [sys.executable, "-m", "utils.studies", "publish"]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert ended.returncode == 1
    assert "'publish'" in ended.stderr
    assert "Traceback" not in ended.stderr
