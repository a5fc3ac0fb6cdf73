"""Keeps several runs going, here or on a Dask cluster, and hands over each outcome as it comes."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from support.execute.run import Outcome, Task, failed, first_line, run_notebook

#: Longest wait for a scheduler to answer, and for its first worker.
CLUSTER_SECONDS = 10

#: Seconds between two looks at whether the user wants to stop.
LOOK_SECONDS = 0.5


class NoCluster(RuntimeError):
    """The cluster can't be reached; the message says why."""


class Pool(NamedTuple):
    """What runs the tasks."""

    executor: Executor
    stop: Any  #: a `threading.Event`, or Dask's, which workers on other machines see


@contextlib.contextmanager
def open_pool(workers: int, scheduler: str | None = None) -> Iterator[Pool]:
    """Workers for tasks.

    Args:
        workers: how many at a time on this machine.
        scheduler: the address of a Dask scheduler, which has workers of its own; None for this machine.

    Raises:
        NoCluster: the scheduler doesn't answer, or has no worker.
    """
    if scheduler is None:
        # The work is done in kernels, processes of their own; threads suffice to wait for them.
        with ThreadPoolExecutor(workers, thread_name_prefix="notebook") as executor:
            try:
                yield Pool(executor, threading.Event())
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                raise
    else:
        with _cluster(scheduler) as client:
            from distributed import Event

            yield Pool(client.get_executor(pure=False), Event(f"stop-{uuid.uuid4()}", client))


def run_all(pool: Pool, tasks: Sequence[Task], take: Callable[[Outcome], None]) -> bool:
    """Run every task once, and hand over each outcome as it comes.

    A task whose cluster worker is lost runs again on another.

    Args:
        pool: from `open_pool`.
        tasks: the runs.
        take: called once for each task, in this thread.

    Returns:
        Whether all had the time: False if Ctrl-C (or SIGTERM) ended it. A second one does without the results.
    """
    interrupted = threading.Event()
    with _set_by_signals(interrupted):
        waiting = {pool.executor.submit(run_notebook, task, pool.stop): task for task in tasks}
        while waiting:
            done, _ = wait(waiting, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                take(_outcome(future, waiting.pop(future)))
            if interrupted.is_set():
                with contextlib.suppress(Exception):  # of a cluster that is lost
                    pool.stop.set()
                for future in list(waiting):
                    if future.cancel():
                        take(failed(waiting.pop(future), "interrupted"))
    return not interrupted.is_set()


def _outcome(future: Future[Outcome], task: Task) -> Outcome:
    if future.cancelled():
        return failed(task, "the connection to the cluster was lost")
    if failure := future.exception():  # of the cluster: a notebook's own errors are outcomes
        return failed(task, f"the cluster lost it: {first_line(str(failure))}")
    return future.result()


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
def _set_by_signals(interrupted: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM set the event, and the next one do what it would have done."""
    if threading.current_thread() is not threading.main_thread():  # only it gets signals
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(*_: object) -> None:
        interrupted.set()
        restore()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()
