"""Studies on any executor: resumed, starved, busy elsewhere, spread over a cluster."""

import concurrent.futures
import contextlib
import os
import time
import types
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import psutil
import pytest
from studying import assert_complete, copied, result, unfinished, wait_until
from tiny_study import SPECS

from utils.record import versions
from utils.runs import execution
from utils.runs.store import DamagedRecordError, Store
from utils.runs.unfinished import claim, save_state
from utils.spec import RunSpec
from utils.studies import StudyStoppedError, run
from utils.training import State

NAMES = [spec.name for spec in SPECS]
IMAGES = sum(spec.work for spec in SPECS)


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


# --- Busy elsewhere ------------------------------------------------------------------


class Counting:
    """An executor that counts the calls that are submitted to it."""

    def __init__(self, executor):
        self.executor, self.calls = executor, 0

    def submit(self, *call):
        self.calls += 1
        return self.executor.submit(*call)


def test_a_run_that_is_busy_elsewhere_is_waited_for(tiny, tmp_path, monkeypatch):
    """Without spinning, and without computing it again."""
    monkeypatch.setattr(execution, "PAUSE", 0.05)
    monkeypatch.setattr(execution, "BUSY_PAUSE", 0.2)
    first, second = SPECS[:2]
    store = Store(tmp_path)
    one, other = (concurrent.futures.ThreadPoolExecutor(1) for _ in range(2))
    with one, other:
        asked = Counting(one)
        with claim(store, first.name):
            start = time.monotonic()
            study = other.submit(run, [first, second], store, asked, progress=False)
            wait_until(lambda: second.name in store)
            time.sleep(0.5)
            assert not study.done()
            record = tiny.record(first.name)
            store.save(first.name, record, tiny.weights(first.name))
        records = study.result(60)
        assert asked.calls <= 3 + (time.monotonic() - start) / 0.2
    assert records[0]["seconds"] == record["seconds"]  # the other's
    assert [record["spec"]["seed"] for record in records] == [first.seed, second.seed]


# --- A full disk, and damage ---------------------------------------------------------


@pytest.mark.slow
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


def test_a_damaged_record_stops_a_study_and_a_damaged_state_begins_anew(
    tiny, tmp_path, two_threads
):
    store = copied(tiny, tmp_path / "records")
    cut, broken = NAMES[:2]
    path = store.path(cut)
    path.write_bytes(path.read_bytes()[:-100])
    before = path.read_bytes()
    with pytest.raises(DamagedRecordError, match=rf"{cut}\.json .*or delete"):
        run(SPECS, store, two_threads, progress=False)
    assert path.read_bytes() == before
    for ending in (".json", ".npz"):
        path.with_suffix(ending).unlink()  # as the error says
    store.path(broken).unlink()
    save_state(store, broken, {}, {"epochs": []})
    state = store.work / f"{broken}.state"
    state.write_bytes(state.read_bytes()[:-100])
    run(SPECS, store, two_threads, progress=False)
    assert_complete(store, tiny)


def test_a_state_of_other_libraries_is_not_used(tmp_path, monkeypatch):
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


# --- Any executor --------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    """Return a client of a Dask cluster of two processes, and its executor."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client, client.get_executor()


def test_a_cluster_asks_again_for_a_run_that_was_busy(
    cluster, tiny, tmp_path, monkeypatch
):
    """Dask answers a call that it has had before from memory, unless told apart."""
    monkeypatch.setattr(execution, "PAUSE", 0.05)
    monkeypatch.setattr(execution, "BUSY_PAUSE", 0.2)
    store, (first, second) = Store(tmp_path), SPECS[:2]
    asked = Counting(cluster[1])
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        with claim(store, first.name), claim(store, second.name):
            study = thread.submit(run, [first, second], store, asked, progress=False)
            wait_until(lambda: asked.calls > 4)  # both were found busy, twice
            assert not study.done()
            record = tiny.record(first.name)
            store.save(first.name, record, tiny.weights(first.name))
        try:
            records = study.result(60)
        finally:  # a study that waits in vain would hold up the tests
            if second.name not in store:
                other = tiny.record(second.name), tiny.weights(second.name)
                store.save(second.name, *other)
    assert records[0] == record  # that of the study which finished it meanwhile
    assert result(records[1]) == result(tiny.record(second.name))


def test_a_cluster_does_not_repeat_an_error_whose_cause_is_removed(
    cluster, tiny, tmp_path
):
    store, spec = Store(tmp_path), SPECS[1]
    in_the_way = store.work / f"{spec.name}.state.part"
    in_the_way.mkdir(parents=True)
    with pytest.raises(StudyStoppedError, match="Is a directory"):
        run([spec], store, cluster[1], progress=False)
    in_the_way.rmdir()
    (record,) = run([spec], store, cluster[1], progress=False)
    assert result(record) == result(tiny.record(spec.name))


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_finishes_the_study(cluster, tiny, tmp_path):
    store, (client, executor) = Store(tmp_path / "records"), cluster
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
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


# --- Progress ------------------------------------------------------------------------


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
