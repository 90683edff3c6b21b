"""A pool of processes for runs of one thread, each process on a core of its own.

New processes are started ("spawn"), because a copy ("fork") of a process in which JAX
has started can hang. They end with this process, even if it is killed.
"""

import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator

from tqdm import tqdm


@contextlib.contextmanager
def processes(most: int) -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    """A pool with one process on each core, but not more than `most`.

    An error in the block, or Ctrl-C, ends the processes at once.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    workers = min(len(cores) or os.cpu_count() or 1, most)
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = concurrent.futures.ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=_start,
        initargs=(context.Value("i", 0), cores),
    )
    try:
        with _interrupts_held():
            for _ in range(workers):
                pool.submit(os.getpid)  # starts a process
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    pool.shutdown()


@contextlib.contextmanager
def _interrupts_held():
    """Keep Ctrl-C to this process: processes that start meanwhile never see it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(counter, cores):
    """Take a core, and end when the parent ends."""
    with counter.get_lock():
        number = counter.value
        counter.value += 1
    if cores:
        with contextlib.suppress(OSError):  # the core may be taken away since
            os.sched_setaffinity(0, {cores[number % len(cores)]})

    tqdm.set_lock(threading.RLock())  # tqdm's own lock would outlive a killed process

    def end_with_parent():
        parent = multiprocessing.parent_process()
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
