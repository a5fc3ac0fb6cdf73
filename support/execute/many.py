"""Keeps several runs going, here or on a Dask cluster, and hands over each outcome as it comes."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import Any

from support.execute.run import Outcome, Result, Task, first_line, run_notebook

#: Longest wait for a scheduler to answer, and for its first worker.
CLUSTER_SECONDS = 10

#: Seconds between two looks at whether the user wants to stop.
LOOK_SECONDS = 0.5


class NoCluster(RuntimeError):
    """The cluster can't be reached; the message says why."""


def run_all(
    tasks: Sequence[Task],
    workers: int,
    scheduler: str | None,
    take: Callable[[Outcome], None],
) -> bool:
    """Run every task once, and hand over each outcome as it comes.

    The work is done in kernels, processes of their own, so that threads suffice here to wait for them. On a cluster a
    task whose worker is lost runs again on another.

    Args:
        tasks: the runs.
        workers: how many at a time on this machine.
        scheduler: the address of a Dask scheduler, which has workers of its own; None for this machine.
        take: called once for each task, in this thread.

    Returns:
        Whether all had the time: False if Ctrl-C (or SIGTERM) ended it. A second one ends it at once.

    Raises:
        NoCluster: the scheduler doesn't answer, or has no worker.
    """
    stop = threading.Event()
    with _stopped_by_signals(stop), _executor(workers, scheduler, stop) as (executor, run):
        waiting = {executor.submit(run, task): task for task in tasks}
        while waiting:
            done, _ = wait(waiting, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                take(_outcome(future, waiting.pop(future)))
            if stop.is_set():
                for future in waiting:
                    future.cancel()
    return not stop.is_set()


def _outcome(future: Future[Outcome], task: Task) -> Outcome:
    if future.cancelled():
        error: object = "interrupted"
    elif future.exception():  # of the cluster: a notebook's own errors are outcomes
        error = f"the cluster lost it: {first_line(str(future.exception()))}"
    else:
        return future.result()
    return Outcome(Result(task.name, str(error), parameters=task.parameters))


@contextlib.contextmanager
def _executor(
    workers: int, scheduler: str | None, stop: threading.Event
) -> Iterator[tuple[Executor, Callable[[Task], Outcome]]]:
    """What runs the tasks, and the function that it calls with each."""
    if scheduler is None:
        with ThreadPoolExecutor(workers, thread_name_prefix="notebook") as executor:
            yield executor, lambda task: run_notebook(task, stop)
        return
    with _cluster(scheduler) as client:
        yield client.get_executor(pure=False), run_notebook


@contextlib.contextmanager
def _cluster(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise NoCluster("--scheduler needs Dask: pip install distributed") from None
    try:
        client = Client(scheduler, timeout=CLUSTER_SECONDS)
    except (OSError, ValueError) as error:  # ValueError: not an address at all
        raise NoCluster(
            f"no Dask scheduler answers at {scheduler}: {first_line(str(error))}"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CLUSTER_SECONDS)
        except TimeoutError:
            raise NoCluster(
                f"the Dask scheduler at {scheduler} has no worker; start one: dask worker {scheduler}"
            ) from None
        yield client


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM set `stop`, and the next one do what it would have done."""
    if threading.current_thread() is not threading.main_thread():  # only it gets signals
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(*_: object) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()
