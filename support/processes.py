"""Python scripts in processes of their own: one alone, or several workers that compute together.

However it goes, no process that is started here outlives the call, its time limit, or the program that made the call.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import psutil

#: What TensorFlow says when another program listens at a worker's port.
PORT_TAKEN = "Could not start gRPC server"
TRIES = 3  # a port that was free may be taken a moment later


class ScriptFailed(RuntimeError):
    """A script did not run to its end. Jupyter shows the sentence alone, without a traceback."""

    def __init__(self, sentence: str, log: str = "") -> None:
        super().__init__(sentence)
        self.log = log  #: what the script wrote to its standard error

    def _render_traceback_(self) -> list[str]:  # IPython's hook for errors that explain themselves
        return [f"{type(self).__name__}: {self}"]


def run_script(
    script: Path,
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    seconds: float = 100.0,
) -> str:
    """Run a Python script with this Python, and wait for its end.

    Args:
        script: the file.
        *arguments: what the script finds in `sys.argv` from 1 on, as text.
        environment: variables that it is given beside, or in place of, those of this process.
        seconds: the longest time that it may take.

    Returns:
        What it printed.

    Raises:
        ScriptFailed: it raised an error, was ended, or took too long; the sentence says which.
    """
    (printed,) = _run(script, arguments, {script.name: environment or {}}, seconds)
    return printed


def run_workers(
    script: Path,
    *arguments: object,
    workers: int = 2,
    ports: Sequence[int] | None = None,
    seconds: float = 100.0,
) -> list[str]:
    """Run one script in several processes of this machine, which `MultiWorkerMirroredStrategy` connects.

    Each gets the addresses of all in the environment variable `TF_CONFIG`, in the form that
    https://www.tensorflow.org/guide/distributed_training describes. When one ends with an error, the others are ended:
    they can't go on without it, and would notice only seconds later.

    Args:
        script: the file.
        *arguments: as for `run_script`.
        workers: how many processes, at least 1.
        ports: of this machine, one for each worker; without them, free ones are looked for.
        seconds: the longest time that they may take together.

    Returns:
        What each worker printed, worker 0 first.

    Raises:
        ValueError: the number of workers or of ports is not possible, or another program has a port.
        ScriptFailed: as for `run_script`; the sentence names the worker.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    if ports is not None and len(set(ports)) != workers:
        raise ValueError(
            f"ports are {list(ports)}; expected {workers} different ones, since each of the {workers} workers listens "
            "at its own"
        )
    for port in ports or ():
        if not _is_free(port):
            raise ValueError(
                f"Port {port} of this machine is taken by another program. Name another one, or leave `ports` out."
            )
    for left in reversed(range(TRIES)):
        tasks = _tasks(ports or _free_ports(workers))
        try:
            return _run(script, arguments, tasks, seconds)
        except ScriptFailed as error:
            if ports or not left or PORT_TAKEN not in error.log:
                raise
    raise AssertionError("the last try returns or raises")


def _tasks(ports: Sequence[int]) -> dict[str, dict[str, str]]:
    """The environment of each worker, by its name."""
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    return {
        f"worker {number}": {
            "TF_CONFIG": json.dumps(
                {"cluster": cluster, "task": {"type": "worker", "index": number}}
            )
        }
        for number in range(len(ports))
    }


def _run(
    script: Path,
    arguments: Sequence[object],
    environments: Mapping[str, Mapping[str, str]],
    seconds: float,
) -> list[str]:
    """Run the script once in each environment, all at once; the first that fails ends the others."""
    with ExitStack() as stack:
        running = []
        for name, environment in environments.items():
            printed, log = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            process = psutil.Popen(
                [sys.executable, "-m", __name__, script, *map(str, arguments)],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,  # closed when this program ends, however it ends
                stdout=printed,
                stderr=log,
            )
            stack.callback(_end, process)
            running.append((name, process, printed, log))
        deadline = time.monotonic() + seconds
        waiting: list[psutil.Process] = [process for _, process, _, _ in running]
        while waiting:
            ended, waiting = psutil.wait_procs(waiting, timeout=0.1)
            late = time.monotonic() > deadline
            for name, process, _, log in running:
                if process in ended and process.returncode:
                    others = ", and the others were ended" * (len(running) > 1)
                    raise ScriptFailed(
                        f"{name} {_why(process.returncode, _text(log))}{others}.", _text(log)
                    )
                if process in waiting and late:
                    raise ScriptFailed(
                        f"{name} was not done after {seconds:g} s, and was ended. Give it more `seconds`, or "
                        "look for a wait without an end.",
                        _text(log),
                    )
        return [_text(printed) for _, _, printed, _ in running]


def _why(status: int, log: str) -> str:
    if PORT_TAKEN in log:
        return "could not listen at its port, which another program has"
    if status < 0:
        return f"was ended from outside (by {signal.Signals(-status).name}) before it was done"
    errors = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception|Interrupt)\b.*)", log, re.MULTILINE)
    return f"failed with {errors[-1]}" if errors else f"ended with status {status}"


def _end(process: psutil.Popen) -> None:
    if process.stdin:
        process.stdin.close()
    if process.poll() is None:
        process.kill()
    process.wait()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("", port))
        except OSError:
            return False
    return True


def _end_with_the_caller() -> None:
    """End this process as soon as nobody holds the other end of its standard input."""

    def watch() -> None:
        os.read(0, 1)  # and not sys.stdin, whose lock a thread may not hold at the end
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _end_with_the_caller()
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)  # as if the script had been started itself
    runpy.run_path(sys.argv[0], run_name="__main__")
