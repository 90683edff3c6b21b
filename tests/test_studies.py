"""Studies that are killed, starved, doubled and spread, and still give every record."""

import _thread
import collections
import concurrent.futures
import contextlib
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np
import psutil
import pytest
from tiny_study import HALF, SPECS

import utils.study
from utils.probes import Probe
from utils.records import DamagedRecordError, Store
from utils.study import BUSY_PAUSE, PROFILES, RunSpec, StudyStoppedError, main, run

DRIVER = Path(__file__).with_name("tiny_study.py")
NAMES = [spec.name for spec in SPECS]
CORES = psutil.Process().cpu_affinity() if psutil.LINUX else [None]
CORES = CORES[0], CORES[-1]  # for two studies at once
EPOCHS = sum(spec.epochs for spec in SPECS)
IMAGES = sum(spec.epochs * spec.images for spec in SPECS)
ONES = [spec for spec in SPECS if spec.attention == "ones"]
FRAME = re.compile(
    r"(?P<runs>\d+) of (?P<all>\d+) runs: +\d+%\|.*\| (?P<done>[\d.]+k?)/"
    r"(?P<total>[\d.]+k?) \[(?P<elapsed>[\d:]+)<(?P<left>[\d:?]+), +"
    r"(?P<rate>[\d.?]+k?)image/s\]"
)
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals or limits")
slow = pytest.mark.slow
# `pytest.warns` passes on what Keras warns of, but not that it is Keras.
keras_warns = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)


class Study:
    """A study in a process of its own, with the processes that it starts."""

    def __init__(
        self, environment, store, moves, *, profile="half", core=None, **settings
    ):
        self.moves = moves
        self.moves.touch()
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER), profile, "--store", str(store)],
            env={**environment, "MOVES": str(moves), **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
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

    def workers(self):
        found = []
        for child in self.family():
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def working(self):
        """Those of its workers, if any, that have finished an epoch."""
        workers = {str(worker.pid) for worker in self.workers()}
        return workers & moved(self.moves, by=0).keys()

    def end(self):
        """Wait for it to end by itself."""
        self.out, self.err = self.process.communicate(timeout=300)
        return self.process.returncode


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def assert_gone(processes, seconds=20):
    alive = psutil.wait_procs(processes, seconds)[1]
    assert not alive, f"still there after {seconds} s: {alive}"


def moved(moves, by=1):
    """How often each file was moved into its place; `by=0`: how many each process."""
    lines = moves.read_text().splitlines()
    return collections.Counter(line.split()[by] for line in lines)


def unfinished(folder):
    """The runs that have a state to go on from."""
    return sorted(path.stem for path in (folder / ".work").glob("*.state"))


def result(record):
    """What a record says, but for the time it took."""
    return {key: value for key, value in record.items() if key != "seconds"}


def assert_complete(folder, reference, specs=SPECS):
    """Every record once, equal bit for bit to the reference, and nothing else."""
    store = Store(folder)
    assert store.names() == sorted(spec.name for spec in specs)
    for name in store.names():
        assert result(store.record(name)) == result(reference.records[name])
    assert not unfinished(folder)
    assert not list(folder.rglob("*.part"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the variables of a study's process, in which JAX compiles only once."""
    return {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


@pytest.fixture(scope="module")
def reference(environment, tmp_path_factory):
    """Return a study that nothing disturbed."""
    folder = tmp_path_factory.mktemp("reference")
    start = time.monotonic()
    paths = folder / "records", folder / "moves"
    with Study(environment, *paths, profile="tiny") as study:
        assert study.end() == 0, study.err
    return types.SimpleNamespace(
        store=folder / "records",
        records={name: Store(folder / "records").record(name) for name in NAMES},
        moved=moved(study.moves),
        out=study.out,
        err=study.err,
        seconds=time.monotonic() - start,
    )


@pytest.fixture(scope="module")
def interrupted(environment, tmp_path_factory):
    """Return a study that Ctrl-C stopped at work."""
    folder = tmp_path_factory.mktemp("interrupted")
    with Study(environment, folder / "records", folder / "moves") as study:
        wait_until(study.working)
        family = study.family()
        os.killpg(study.process.pid, signal.SIGINT)  # as a terminal does
        status = study.end()
    return types.SimpleNamespace(
        store=folder / "records", status=status, err=study.err, family=family
    )


@pytest.fixture
def two_threads():
    """Return an executor that a user owns."""
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        yield executor


# --- An undisturbed study --------------------------------------------------------


@slow
def test_a_study_computes_each_run_once(reference):
    assert_complete(reference.store, reference)
    assert reference.moved == {
        **{f"{name}.json": 1 for name in NAMES},
        **{f"{name}.npz": 1 for name in NAMES},
        **{f"{spec.name}.state": spec.epochs for spec in SPECS},
    }
    assert re.fullmatch(
        r"8 records in .*records \(\d+\.\d minutes of one core in all\)\.\n",
        reference.out,
    )


@slow
def test_a_record_says_what_was_run_and_with_what(reference):
    for spec in SPECS:
        record = reference.records[spec.name]
        assert RunSpec.from_json(record["spec"]) == spec
        assert [epoch["epoch"] for epoch in record["epochs"]] == list(range(1, 13))
        for epoch in record["epochs"]:
            assert 0 <= epoch["accuracy_clean"] <= 1
            assert 0 <= epoch["accuracy_matched"] <= 1
        assert {"python", "jax", "jaxlib", "keras", "numpy"} <= set(record["versions"])
        assert all(record["versions"].values())
        assert record["processor"]
        assert 0 < record["seconds"] < reference.seconds
    last = [record["epochs"][-1] for record in reference.records.values()]
    assert np.mean([epoch["accuracy_clean"] for epoch in last]) > 0.3  # it learns


@slow
def test_records_come_in_the_order_of_the_specs(reference, capsys):
    """From the store alone: no process is started, no bar is shown."""
    before = set(psutil.Process().children())  # of other tests: a resource tracker
    order = [SPECS[3], SPECS[0], SPECS[3]]
    for specs in (order, tuple(order), iter(order)):
        records = run(specs, reference.store)
        assert [RunSpec.from_json(record["spec"]) for record in records] == order
    assert run(SPECS, Store(reference.store)) == list(map(reference.records.get, NAMES))
    assert run([], reference.store) == []
    assert capsys.readouterr() == ("", "")
    assert set(psutil.Process().children()) <= before


# --- Killed ----------------------------------------------------------------------


@posix
@slow
def test_a_study_that_is_killed_at_20_random_moments(environment, reference, tmp_path):
    """Two at a time on one store, of one worker each; then one that may finish."""
    seed = random.randrange(10**6)
    print(f"moments drawn with seed {seed}")
    draw = random.Random(seed)
    moments = [(draw.uniform(0, 5), False) for _ in range(10)]
    moments += [(draw.uniform(0, 0.7), True) for _ in range(10)]
    draw.shuffle(moments)
    folders = [tmp_path / "0"]

    def kill(number):
        """Kill one study; where a machine is so fast that all is done, begin anew."""
        seconds, at_work = moments[number]
        while True:
            folder = folders[-1]
            with start(folder, CORES[number % 2]) as study:
                if at_work:
                    wait_until(lambda: study.working() or study.process.poll() == 0)
                time.sleep(seconds)
                family = study.family()
                study.process.kill()
                if study.process.wait() == -signal.SIGKILL:
                    assert_gone(family)
                    return len(family)
            if folder == folders[-1]:
                folders.append(tmp_path / str(len(folders)))

    def start(folder, core=None):
        folder.mkdir(exist_ok=True)
        paths = folder / "records", folder / "moves"
        return Study(environment, *paths, profile="tiny", core=core)

    with concurrent.futures.ThreadPoolExecutor(2) as lanes:
        families = list(lanes.map(kill, range(20)))
    assert sum(map(bool, families)) >= 10  # the others had not yet any process
    for folder in folders:
        with start(folder) as study:
            assert study.end() == 0, study.err
        assert_complete(folder / "records", reference)
        assert not (folder / "records" / "damaged").exists()
        counts = moved(study.moves)
        assert all(counts[f"{name}.json"] == 1 for name in NAMES)
        epochs = sum(counts[f"{name}.state"] for name in NAMES)
        assert EPOCHS <= epochs <= EPOCHS + 20  # a kill costs the epoch in progress


@posix
@slow
def test_ctrl_c_stops_a_study(interrupted, environment, reference, tmp_path):
    assert interrupted.status == 130
    assert interrupted.err.endswith("\nStopped. Run the same command to go on.\n")
    assert "Traceback" not in interrupted.err
    assert_gone(interrupted.family)
    assert unfinished(interrupted.store)
    store = shutil.copytree(interrupted.store, tmp_path / "records")
    before = sum(map(Store(store).epochs_done, unfinished(store)))
    before += 12 * len(Store(store).names())
    with Study(environment, store, tmp_path / "moves") as study:
        assert study.end() == 0, study.err
    assert_complete(store, reference, HALF)
    counts = moved(study.moves)
    assert sum(counts[f"{name}.state"] for name in NAMES) == EPOCHS / 2 - before


@posix
@slow
def test_ctrl_c_while_workers_start(environment, tmp_path):
    """Only the study itself answers, without a word from its workers."""
    with Study(environment, tmp_path / "records", tmp_path / "moves") as study:
        wait_until(lambda: len(study.workers()) == len({*CORES}))
        time.sleep(0.3)
        family = study.family()
        os.killpg(study.process.pid, signal.SIGINT)
        assert study.end() == 130
        assert "Traceback" not in study.err
        assert_gone(family)


@posix
@slow
def test_ctrl_c_in_a_notebook_cancels_what_waits(tmp_path):
    """There the interpreter lives on, and so does the user's executor."""

    def interrupt():
        wait_until(lambda: unfinished(tmp_path))
        _thread.interrupt_main()

    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            run(ONES, tmp_path, executor, progress=False)
        assert executor.submit(int).result() == 0
    assert len(Store(tmp_path).names()) < len(ONES)


@posix
@slow
def test_a_worker_that_is_killed_before_an_epoch_stops_the_study(environment, tmp_path):
    store = tmp_path / "records"
    with Study(environment, store, tmp_path / "moves") as study:
        wait_until(study.workers)
        family = study.family()
        study.workers()[0].kill()
        assert study.end() == 1
        assert_gone(family)
    assert re.search(
        r"The study stopped: BrokenProcessPool: A .*terminated abruptly[^.]*\. 0 of 4",
        study.err,
    )
    assert f"0 of 4 records are finished and safe in {store};" in study.err
    assert "Mend the cause and run the same again" in study.err
    assert "Traceback" not in study.err
    assert Store(store).names() == []


@posix
@slow
def test_a_worker_that_is_killed_at_work_is_replaced(environment, reference, tmp_path):
    store = tmp_path / "records"
    with Study(environment, store, tmp_path / "moves") as study:
        for _ in range(2):
            wait_until(study.working)
            victim = psutil.Process(int(study.working().pop()))
            victim.kill()
            assert_gone([victim])
        assert study.end() == 0, study.err
    for killed in (1, 2):
        assert f"number {killed} of this study. New processes go on" in study.err
    assert_complete(store, reference, HALF)
    counts = moved(study.moves)
    assert all(counts[f"{spec.name}.json"] == 1 for spec in HALF)


# --- Two at once -----------------------------------------------------------------


@slow
def test_two_studies_at_once_compute_nothing_twice(environment, reference, tmp_path):
    store, moves = tmp_path / "records", tmp_path / "moves"
    with (
        Study(environment, store, moves, profile="tiny", core=CORES[0]) as one,
        Study(environment, store, moves, profile="tiny", core=CORES[1]) as two,
    ):
        assert one.end() == 0, one.err
        assert two.end() == 0, two.err
    for study in (one, two):
        assert study.out.startswith("8 records in ")
    assert_complete(store, reference)
    assert moved(moves) == reference.moved
    assert len(moved(moves, by=0)) >= 2  # each had a share in it


@slow
def test_a_run_that_is_busy_elsewhere_is_waited_for(tmp_path):
    class Counting(concurrent.futures.ThreadPoolExecutor):
        submitted = 0

        def submit(self, *call):
            self.submitted += 1
            return super().submit(*call)

    first, second = ONES[:2]
    with Counting(2) as executor, Counting(1) as other:
        with Store(tmp_path).claim(first.name):
            start = time.monotonic()
            study = other.submit(
                lambda: run([first, second], tmp_path, executor, progress=False)
            )
            wait_until(lambda: second.name in Store(tmp_path))
            time.sleep(2 * BUSY_PAUSE)
            assert not study.done()
            assert first.name not in Store(tmp_path)
        records = study.result(60)
        seconds = time.monotonic() - start
        assert executor.submitted <= 2 + seconds / BUSY_PAUSE  # it does not spin
    assert [record["spec"]["seed"] for record in records] == [first.seed, second.seed]


# --- A full disk -----------------------------------------------------------------


@posix
@slow
def test_files_that_are_too_large(environment, reference, tmp_path):
    """A state after an epoch takes 83 kB, a record with its weights half of that."""
    store = tmp_path / "records"
    shutil.copytree(reference.store, store)
    for spec in SPECS[2:]:
        for path in store.glob(f"{spec.name}.*"):
            path.unlink()
    moves = tmp_path / "moves"
    with Study(environment, store, moves, FILE_LIMIT="60000") as study:
        assert study.end() == 1
    assert "The study stopped: OSError: [Errno 27] File too large: '" in study.err
    assert ".state'" in study.err
    assert f"2 of 4 records are finished and safe in {store};" in study.err
    assert "Traceback" not in study.err
    assert not study.out
    assert_complete(store, reference, HALF[:2])
    with Study(environment, store, moves) as study:
        assert study.end() == 0, study.err
    assert_complete(store, reference, HALF)


@pytest.fixture
def small_disk(tmp_path):
    """Return a file system of 340 kB: room for two states, and for some runs."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=340k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@slow
def test_a_full_disk(environment, reference, small_disk, tmp_path):
    store = small_disk / "records"
    with Study(environment, store, tmp_path / "moves", profile="tiny") as study:
        assert study.end() == 1
    assert "The study stopped: OSError: [Errno 28] No space left" in study.err
    done = Store(store).names()
    assert 0 < len(done) < len(SPECS)
    assert f"{len(done)} of 8 records are finished and safe in {store};" in study.err
    for name in done:
        assert result(Store(store).record(name)) == result(reference.records[name])
    remount = ["mount", "-o", "remount,size=4m", str(small_disk)]
    subprocess.run(remount, check=True)
    with Study(environment, store, tmp_path / "moves", profile="tiny") as study:
        assert study.end() == 0, study.err
    assert_complete(store, reference)


# --- Damage ----------------------------------------------------------------------


@slow
@keras_warns
def test_what_is_damaged_is_computed_again(reference, tmp_path, two_threads):
    store = Store(shutil.copytree(reference.store, tmp_path / "records"))
    cut, flipped, swapped, other = (store.path(spec.name) for spec in ONES)
    cut.write_bytes(cut.read_bytes()[:-100])
    flipped.write_bytes(flipped.read_bytes().replace(b'"seed": 1', b'"seed": 2'))
    weights = [path.with_suffix(".npz") for path in (swapped, other)]
    contents = [path.read_bytes() for path in weights]
    for path, content in zip(weights, reversed(contents), strict=True):
        path.write_bytes(content)
    for path in (cut, flipped, swapped, other):
        with pytest.raises(DamagedRecordError, match=path.stem):
            store.record(path.stem)
    with pytest.warns(RuntimeWarning, match=r"Set aside in .*damaged") as caught:
        records = run(SPECS, store, two_threads, progress=False)
    named = " ".join(str(warning.message) for warning in caught)
    assert all(path.stem in named for path in (cut, flipped, swapped, other))
    assert list(map(result, records)) == [
        result(reference.records[name]) for name in NAMES
    ]
    assert len(list((store.folder / "damaged").iterdir())) == 8
    shutil.rmtree(store.folder / "damaged")
    assert_complete(store.folder, reference)


@slow
@keras_warns
@pytest.mark.parametrize("way", ["cut", "flipped", "empty"])
def test_a_damaged_state_costs_its_run_only(
    way, interrupted, reference, tmp_path, two_threads
):
    folder = shutil.copytree(interrupted.store, tmp_path / "records")
    name = unfinished(folder)[0]
    state = folder / ".work" / f"{name}.state"
    content = state.read_bytes()
    half = len(content) // 2
    flipped = bytearray(content)
    flipped[half] ^= 1
    state.write_bytes({"cut": content[:half], "flipped": flipped, "empty": b""}[way])
    spec = SPECS[NAMES.index(name)]
    with pytest.warns(RuntimeWarning, match=rf"{name}\.state .*Set aside") as caught:
        records = run([spec], folder, two_threads, progress=False)
    assert sum(name in str(warning.message) for warning in caught) == 1
    assert result(records[0]) == result(reference.records[name])
    assert (folder / "damaged" / f"{name}.state.1").exists()


@slow
def test_a_state_of_other_libraries_is_not_gone_on_from(
    interrupted, reference, tmp_path, two_threads
):
    """A record names one version of each: seen by a state with a mark in it."""
    name = unfinished(interrupted.store)[0]
    spec = SPECS[NAMES.index(name)]
    same = {}
    for jax in ("now", "0.0.1"):
        store = Store(shutil.copytree(interrupted.store, tmp_path / jax))
        arrays, facts = store.load_state(name)
        if jax != "now":
            facts["versions"]["jax"] = jax
        arrays["weights_000"] = arrays["weights_000"] + 1  # the mark
        store.save_state(name, arrays, facts)
        record = run([spec], store, two_threads, progress=False)[0]
        same[jax] = result(record) == result(reference.records[name])
    assert same == {"now": False, "0.0.1": True}


# --- Any executor ----------------------------------------------------------------


@slow
def test_threads(reference, tmp_path, two_threads):
    assert run(HALF[:2], tmp_path / "records", two_threads, progress=False)
    assert two_threads.submit(int).result() == 0
    assert_complete(tmp_path / "records", reference, HALF[:2])


@slow
def test_a_pool_of_the_user_s(environment, reference, tmp_path, monkeypatch):
    for name in environment.keys() - os.environ.keys():
        monkeypatch.setenv(name, environment[name])
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert run(HALF[:2], tmp_path / "records", pool, progress=False)
        assert pool.submit(int).result() == 0
    assert_complete(tmp_path / "records", reference, HALF[:2])


@posix
@slow
def test_a_dask_cluster_that_loses_a_worker(
    environment, reference, tmp_path, monkeypatch
):
    distributed = pytest.importorskip("distributed")
    for name in environment.keys() - os.environ.keys():
        monkeypatch.setenv(name, environment[name])
    folder = tmp_path / "records"
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
        study = thread.submit(run, HALF, folder, executor, progress=False)
        before = set(client.run(os.getpid).values())
        wait_until(lambda: Store(folder).names())
        victim = psutil.Process(before.pop())
        victim.kill()
        assert not study.done()
        records = study.result(120)
        after = set(client.run(os.getpid).values())
        assert victim.pid not in after
        assert executor.submit(int).result() == 0
    assert len(records) == len(HALF)
    assert_complete(folder, reference, HALF)


def test_a_run_that_cannot_be_trained_says_why(tmp_path):
    specs = [RunSpec(images=70_000), *ONES]
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        with pytest.raises(
            StudyStoppedError,
            match=r"ValueError: .* has 60,000 .* asks for 70,000\. .*0 of 5 records",
        ):
            run(specs, tmp_path, executor, progress=False)
        assert executor.submit(int).result() == 0
    assert len(Store(tmp_path).names()) < len(ONES)  # those that waited are cancelled


def test_workers_that_write_elsewhere_are_found_out(tmp_path):
    class Elsewhere(concurrent.futures.Executor):
        def submit(self, *call):
            future = concurrent.futures.Future()
            future.set_result(True)
            return future

    with pytest.raises(StudyStoppedError, match="workers must reach the same folder"):
        run(ONES, tmp_path, Elsewhere(), progress=False)


# --- Progress --------------------------------------------------------------------


def frames(text):
    """What the bar showed, one after the other."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    return [match for match in map(FRAME.fullmatch, lines) if match]


def number(text):
    return float(text[:-1]) * 1000 if text.endswith("k") else float(text)


def seconds(text):
    minutes, rest = text.split(":")
    return 60 * int(minutes) + int(rest)


@slow
def test_the_bar_counts_runs_and_images(reference):
    shown = frames(reference.err)
    assert len(shown) > 3
    assert (shown[0]["runs"], shown[0]["done"]) == ("0", "0.00")
    assert shown[-1]["runs"] == "8"
    assert number(shown[-1]["done"]) == IMAGES
    for key in ("runs", "done", "elapsed"):
        read = {"runs": int, "done": number, "elapsed": seconds}[key]
        values = [read(frame[key]) for frame in shown]
        assert values == sorted(values)
    assert {frame["all"] for frame in shown} == {"8"}
    assert {number(frame["total"]) for frame in shown} == {IMAGES}
    assert len(shown) <= seconds(shown[-1]["elapsed"]) + 3  # once a second at most


@slow
def test_the_time_left_comes_from_new_work_alone(reference, tmp_path, capsys):
    """Half of the study is there; what it took does not count."""
    folder = shutil.copytree(reference.store, tmp_path / "records")
    for spec in ONES:
        Store(folder).path(spec.name).unlink()
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        run(SPECS, folder, executor)
    shown = frames(capsys.readouterr().err)
    assert int(shown[0]["runs"]) == len(ONES)
    assert number(shown[0]["done"]) == IMAGES / 2
    assert shown[0]["left"] == "?"
    assert number(shown[-1]["done"]) == IMAGES
    checked = 0
    for frame in shown:
        new = number(frame["done"]) - IMAGES / 2
        elapsed = seconds(frame["elapsed"])
        if new and elapsed:
            rate = number(frame["rate"])
            assert new / (elapsed + 1.01) < 1.01 * rate
            assert 0.99 * rate < new / elapsed
            left = (IMAGES / 2 - new) / rate
            assert seconds(frame["left"]) == pytest.approx(left, abs=1.5)
            checked += 1
    assert checked
    assert_complete(folder, reference)


@slow
def test_the_bar_can_be_left_out(reference, tmp_path, two_threads, capsys):
    folder = shutil.copytree(reference.store, tmp_path / "records")
    Store(folder).path(ONES[0].name).unlink()
    run(SPECS, folder, two_threads, progress=False)
    assert capsys.readouterr() == ("", "")
    assert_complete(folder, reference)


# --- Profiles and the command line -----------------------------------------------


def test_the_published_study_is_12_runs_of_the_published_settings():
    specs = utils.study.profile("published")
    assert collections.Counter((s.attention, s.noise_sd) for s in specs) == {
        (attention, noise_sd): 3
        for attention in ("as_coded", "ones")
        for noise_sd in (0.0, 2.5)
    }
    for spec in specs:
        assert (spec.images, spec.epochs, spec.batch_size) == (60_000, 12, 1)
        assert spec.seed in range(3)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_lists_different_runs(name):
    specs = utils.study.profile(name)
    assert len({spec.name for spec in specs}) == len(specs) > 0
    kind = Probe if name.endswith("_probes") else RunSpec
    assert all(isinstance(spec, kind) for spec in specs)
    assert f"`{name}`" in utils.study.profile.__doc__


def test_quick_is_minutes():
    specs = utils.study.profile("quick")
    assert sum(spec.images * spec.epochs for spec in specs) < 300_000


def test_an_unknown_profile(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"'publish'\. Expected one of quick, publi"):
        utils.study.profile("publish")
    store = tmp_path / "records"
    assert main(["publish", "--store", str(store)]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch(
        r"Unknown profile 'publish'\. Expected one of quick, published, .*\.\n", err
    )
    assert not store.exists()


@pytest.mark.parametrize("place", ["file", "file/records"])
def test_a_store_that_is_a_file(place, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    assert main(["quick", "--store", str(tmp_path / place)]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert re.search(r"file is a file\. Expected|Not a directory: '.*file", err)
    assert (tmp_path / "file").read_text() == "kept"


def test_the_command_s_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    out, _ = capsys.readouterr()
    for expected in (
        *PROFILES,
        "--store",
        "build/records",
        "Ctrl-C",
        "python -m utils",
    ):
        assert expected in out


def test_the_command():
    command = [sys.executable, "-m", "utils.study", "publish"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "Expected one of quick, published" in ended.stderr
    assert "Traceback" not in ended.stderr
