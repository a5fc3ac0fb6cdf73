"""Keeps several runs going, here or on a Dask cluster, and hands over each outcome as it comes."""

from __future__ import annotations

import contextlib
import functools
import logging
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


@contextlib.contextmanager
def open_executor(workers: int, scheduler: str | None = None) -> Iterator[Executor]:
    """What runs the tasks.

    Args:
        workers: how many at a time on this machine.
        scheduler: the address of a Dask scheduler, which has workers of its own; None for this machine.

    Raises:
        NoCluster: the scheduler doesn't answer, or has no worker.
    """
    if scheduler is None:
        # The work is done in kernels, processes of their own; threads suffice to wait for them.
        with ThreadPoolExecutor(workers, thread_name_prefix="notebook") as executor:
            yield executor
    else:
        with _cluster(scheduler) as client:
            yield client.get_executor(pure=False)


def run_all(executor: Executor, tasks: Sequence[Task], take: Callable[[Outcome], None]) -> bool:
    """Run every task once, and hand over each outcome as it comes.

    A task whose cluster worker is lost runs again on another.

    Args:
        executor: from `open_executor`.
        tasks: the runs.
        take: called once for each task, in this thread.

    Returns:
        Whether all had the time: False if Ctrl-C (or SIGTERM) ended it. A second one ends it at once.
    """
    stop = threading.Event()
    run: Callable[[Task], Outcome] = run_notebook
    if isinstance(executor, ThreadPoolExecutor):
        run = functools.partial(run_notebook, stop=stop)
    with _stopped_by_signals(stop):
        waiting = {executor.submit(run, task): task for task in tasks}
        while waiting:
            done, _ = wait(waiting, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                take(_outcome(future, waiting.pop(future), stop.is_set()))
            if stop.is_set():
                for future in waiting:
                    future.cancel()
    return not stop.is_set()


def _outcome(future: Future[Outcome], task: Task, stopped: bool) -> Outcome:
    if future.cancelled():
        error = "interrupted" if stopped else "the connection to the cluster was lost"
    elif failure := future.exception():  # of the cluster: a notebook's own errors are outcomes
        error = f"the cluster lost it: {first_line(str(failure))}"
    else:
        return future.result()
    return Outcome(Result(task.name, error, parameters=task.parameters))


@contextlib.contextmanager
def _cluster(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise NoCluster("--scheduler needs Dask: pip install distributed") from None
    # A lost connection is told in the results; its traceback would say no more.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    found: Future[Any] = Future()

    def connect() -> None:
        try:
            found.set_result(Client(scheduler, timeout=CLUSTER_SECONDS))
        except Exception as error:  # OSError, and ValueError for what is no address
            found.set_exception(error)

    # In a thread, since Dask waits without limit for a server that takes the connection and says nothing.
    threading.Thread(target=connect, name="connect to the cluster", daemon=True).start()
    try:
        client = found.result(2 * CLUSTER_SECONDS)
    except Exception as error:
        reason = (
            first_line(str(error)) if str(error) else "it takes the connection and says nothing"
        )
        raise NoCluster(f"no Dask scheduler answers at {scheduler}: {reason}") from None
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
