"""Executes one notebook in a kernel of its own, within limits, and says how it went."""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import nbformat
import psutil
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from papermill.utils import nb_kernel_name

from support import explore, warm_kernel
from support.exercises import progress
from support.runtime import PUBLISHED

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

#: Seconds between two looks at a kernel's time and memory.
LOOK_SECONDS = 0.2

#: Longest wait for the output of a cell that has ended. On a busy machine nbclient's own 4 s are not enough.
OUTPUT_SECONDS = 60

#: What Jupyter says of a kernel that has lost its port to another process, which chose the same a moment earlier.
DIED_BEFORE_READY = "Kernel died before replying to kernel_info"

# nbconvert's page, which leaves out the alt texts that the outputs' metadata hold.
PAGE_TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block data_png scoped -%}
{%- set alt = output | get_metadata('alt', 'image/png') -%}
{{ super().replace('<img ', '<img alt="' ~ (alt | escape_html) ~ '" ', 1) if alt else super() }}
{%- endblock -%}
"""


@dataclass(frozen=True)
class Limits:
    """What one run may take; None is without a limit."""

    cell_seconds: float | None = 300.0  #: no cell of the curriculum takes a tenth of this
    notebook_seconds: float | None = 1800.0
    memory_mib: float | None = None  #: resident memory of the kernel's process


@dataclass(frozen=True)
class Task:
    """One run to be made. It holds all that a worker needs, so that the worker may be another machine."""

    name: str  #: of the run, and of its files
    notebook: str  #: the content of the file
    folder: str | None = None  #: where the kernel runs; None for an empty folder made for it
    parameters: dict[str, Any] = field(default_factory=dict)  #: in place of the notebook's own
    limits: Limits = Limits()


@dataclass(frozen=True)
class Result:
    """How one run went."""

    name: str
    error: str | None  #: the cell and the error that ended the run; None if all is well
    cells: int = 0  #: code cells that ran
    seconds: float = 0.0  #: from the kernel's start to its end
    #: The kernel's highest resident memory; None where nothing ran.
    peak_mib: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)  #: with `runtime.publish`


class Outcome(NamedTuple):
    """What a run brings back."""

    result: Result
    notebook: str | None = None  #: the content of the executed notebook, as far as it came
    page: str | None = None  #: the same as HTML
    log: str = ""  #: what the kernel's process wrote to its standard error


class Stop(Protocol):
    """Says whether the user has stopped all runs: a `threading.Event`, or Dask's."""

    def is_set(self) -> bool: ...


def run_notebook(task: Task, stop: Stop | None = None) -> Outcome:
    """Execute a notebook. Whatever it does, the outcome says it; nothing is raised.

    Args:
        task: the run.
        stop: ends the run when it is set.
    """
    stop = stop or threading.Event()
    try:
        if stop.is_set():
            return failed(task, "interrupted")
        return _run(task, stop)
    except Exception as error:  # a full disk, a notebook that can't be shown as HTML
        return failed(task, f"{type(error).__name__}: {first_line(str(error))}")


def failed(task: Task, error: str) -> Outcome:
    """The outcome of a run that brings back nothing but an error."""
    return Outcome(Result(task.name, error, parameters=task.parameters))


def _run(task: Task, stop: Stop) -> Outcome:
    try:
        notebook = load_notebook_node(nbformat.reads(task.notebook, as_version=4))
    except Exception as error:  # papermill and nbformat raise many types for what is no notebook
        return failed(task, f"can't be read: {first_line(str(error))}")
    warm_kernel.choose()
    os.environ.setdefault(progress.VARIABLE, "")  # what a learner has solved is not for this run
    os.environ.setdefault(explore.STATIC, "1")
    if task.parameters:
        notebook = parameterize_notebook(notebook, task.parameters)
    watch = _Watch(task.limits, stop)
    with tempfile.TemporaryDirectory(prefix="notebook") as scratch:
        log = Path(scratch, "log")
        folder = Path(scratch, "folder")
        folder.mkdir()
        started = time.perf_counter()
        place = Path(task.folder or folder)
        crash = _execute(notebook, place, log, watch, task.limits)
        if crash and DIED_BEFORE_READY in crash:  # no cell has run
            crash = _execute(notebook, place, log, watch, task.limits)
        seconds = time.perf_counter() - started
        log_text = log.read_text(errors="replace") if log.is_file() else ""

    problem = find_error(notebook, crash)
    result = Result(
        name=task.name,
        error=problem,
        cells=sum(cell.get("execution_count") is not None for cell in _code_cells(notebook)),
        seconds=seconds,
        peak_mib=watch.peak_mib,
        parameters=task.parameters,
        published=_published(notebook),
    )
    make_stable(notebook)
    page, _ = HTMLExporter(raw_template=PAGE_TEMPLATE).from_notebook_node(notebook)
    return Outcome(result, nbformat.writes(notebook) + "\n", page, log_text)


def find_error(notebook: NotebookNode, crash: str | None = None) -> str | None:
    """Where and why an executed notebook failed: an error in a cell, or a cell that never ran.

    papermill's own check takes `SystemExit(0)` for success.

    Args:
        notebook: the notebook after its run.
        crash: what ended the run from outside of any cell, such as a dead kernel.
    """
    cells = _code_cells(notebook)
    if crash:
        started = [
            number
            for number, cell in enumerate(cells, start=1)
            if cell.metadata.get("papermill", {}).get("start_time")
        ]
        return f"code cell {started[-1]}: {crash}" if started else crash
    for number, cell in enumerate(cells, start=1):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors:
            return f"code cell {number}: {errors[0].ename}: {first_line(errors[0].evalue)}"
    for number, cell in enumerate(cells, start=1):
        if cell.source.strip() and cell.execution_count is None:
            return f"code cell {number}: it never ran; the kernel ended in an earlier cell"
    return None


def make_stable(notebook: NotebookNode) -> None:
    """Leave out of an executed notebook what differs from run to run or from machine to machine, in place.

    Timings, the run's own metadata, Python's exact version and the tracebacks' way through the libraries go; sources,
    outputs, execution counts, and what an author notes on a cell (tags, whether it is folded) stay.
    """
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(name="python")
    )
    for cell in notebook.cells:
        for of_the_run in ("execution", "papermill"):
            cell.metadata.pop(of_the_run, None)
        if not cell.metadata.get("tags", True):  # papermill adds an empty list
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = [
                    part for part in output.traceback if not _plain(part).startswith("File ")
                ]


def first_line(text: str) -> str:
    """The first line of an error's message that says something, without colors."""
    lines = _plain(text).strip().splitlines()
    return lines[0] if lines else "(no message)"


class _Watch:
    """Looks at a kernel while it runs: notes its peak memory, and kills it at a limit or when it is to stop."""

    def __init__(self, limits: Limits, stop: Stop) -> None:
        self.peak_mib: float | None = None
        self.reason: str | None = None  #: why it killed the kernel
        self.process: Any = (
            None  #: the kernel's, with the part of `subprocess.Popen` that Jupyter uses
        )
        self._limits = limits
        self._stop = stop

    @contextlib.contextmanager
    def over(self, process: Any) -> Iterator[None]:
        """Watch a process while the block runs."""
        self.process = process
        ended = threading.Event()
        deadline = time.monotonic() + (self._limits.notebook_seconds or math.inf)

        def watch() -> None:
            while not ended.wait(LOOK_SECONDS):
                self.look()
                self.reason = self._reason(deadline)
                if self.reason:
                    self.kill()
                    return

        thread = threading.Thread(target=watch, name="watch over a kernel", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def look(self) -> None:
        """Note the memory that the kernel has taken."""
        with contextlib.suppress(psutil.Error, OSError):
            kernel = psutil.Process(self.process.pid)
            resident = kernel.memory_info().rss
            if (
                sys.platform == "linux"
            ):  # the system's record of the peak, until the process has ended
                status = Path(f"/proc/{kernel.pid}/status").read_text()
                resident = int("".join(re.findall(r"VmHWM:\s+(\d+) kB", status)) or 0) * 1024
            self.peak_mib = max(self.peak_mib or 0, resident / 2**20)

    def kill(self) -> None:
        """End the kernel and what it has started; it leads its own session."""
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def _reason(self, deadline: float) -> str | None:
        limits = self._limits
        with contextlib.suppress(Exception):  # a cluster that is lost can't say
            if self._stop.is_set():
                return "interrupted"
        if time.monotonic() > deadline:
            return f"the notebook took longer than its limit of {limits.notebook_seconds:g} s"
        if limits.memory_mib and (self.peak_mib or 0) > limits.memory_mib:
            return f"the kernel took more memory than its limit of {limits.memory_mib:g} MiB"
        return None

    def cause_of_death(self) -> str:
        """In words, why a kernel ended that should not have."""
        if self.reason:
            return self.reason
        status = getattr(self.process, "returncode", None)
        if status is None or status >= 0:
            return f"the kernel ended with exit status {status}"
        cause = f"the kernel was killed by {signal.Signals(-status).name}"
        return cause + "; is the memory full?" * (status == -signal.SIGKILL)


class _Client(PapermillNotebookClient):
    """papermill's client, with a watch over its kernel."""

    def __init__(self, manager: Any, watch: _Watch, **options: Any) -> None:
        super().__init__(manager, **options)
        self.watch = watch

    def papermill_execute_cells(self) -> None:
        with self.watch.over(self.km.provisioner.process):
            super().papermill_execute_cells()
        self.watch.look()


class _Engine(NBClientEngine):
    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, log_file, **options):  # type: ignore[no-untyped-def]
        options = {name: options[name] for name in ("watch", "timeout", "resources")}
        options |= {"coalesce_streams": True, "iopub_timeout": OUTPUT_SECONDS}
        client = _Client(nb_man, kernel_name=kernel_name, **options)
        return client.execute(stderr=log_file)


def _execute(
    notebook: NotebookNode, folder: Path, log: Path, watch: _Watch, limits: Limits
) -> str | None:
    """Execute a notebook in place. Returns what ended it from outside of any cell, if anything did."""
    try:
        with log.open("w") as log_file:
            _Engine.execute_notebook(
                notebook,
                kernel_name=nb_kernel_name(notebook),
                progress_bar=False,
                log_file=log_file,
                watch=watch,
                timeout=limits.cell_seconds,
                resources={"metadata": {"path": str(folder)}},
            )
    except DeadKernelError:
        watch.kill()  # what it has started
        return watch.cause_of_death()
    except CellTimeoutError as error:
        if "IOPub" in str(error):
            return f"its output did not come within {OUTPUT_SECONDS} s"
        return f"it took longer than its limit of {limits.cell_seconds:g} s"
    except (
        Exception
    ) as error:  # a kernel that is missing or doesn't start, and what else Jupyter raises
        return watch.reason or f"{type(error).__name__}: {first_line(str(error))}"
    return None


def _published(notebook: NotebookNode) -> dict[str, float]:
    """The numbers that an executed notebook gave to `runtime.publish`; of two with one name, the later."""
    numbers: dict[str, float] = {}
    for cell in _code_cells(notebook):
        for output in cell.outputs:
            with contextlib.suppress(AttributeError, TypeError, ValueError):  # not from `publish`
                found = output.get("metadata", {}).get(PUBLISHED, {})
                numbers |= {name: float(number) for name, number in found.items()}
    return numbers


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Those of the author: papermill's own, with the parameters, is not counted."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
