"""A pytest plugin: nbval executes the notebooks in warm kernels, and compares all that they put out.

It adds to nbval: a tolerance for the last digits of numbers; the comparison of figures; one clear failure where a file
is no notebook, a cell kills its kernel, or floods its output; and that all tests of a notebook run in one process, the
comparison first, so that cells which end a process meet a kernel and not the tests.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from queue import Empty
from types import MethodType
from typing import Any

import nbval.kernel
import pytest
from nbval.kernel import RunningKernel, start_new_kernel

from support import explore, warm_kernel
from support.exercises import progress
from tests import curriculum
from tests.net import picture
from tests.net.text import Text

#: No cell of the curriculum puts out a tenth of it. Comparing megabytes line by line would take hours.
MAX_OUTPUT_BYTES = 1_000_000

#: Groups of tests that take most of the time.
LONGEST = (
    "browser",
    "11_speed_and_scale",
    "10_validation_and_inference",
    "cluster",
    "execute",
    "exercises, validation_and_inference",
    "warm_kernel",
)

ADVICE = "\n  If the new output is right, store it: make notebooks\n"


class KernelDied(Exception):
    pass


def pytest_configure() -> None:
    warm_kernel.choose()
    nbval.kernel.start_new_kernel = _start_new_kernel
    os.environ[progress.VARIABLE] = ""  # what was solved by whoever runs the tests is not for them
    os.environ[explore.STATIC] = "1"


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    return (os.cpu_count() or 1) + 1  # each waits for kernels a third of its time


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByNotebook(LoadScopeScheduling):
        """Hands out whole files, a notebook together with the tests of what it says and does."""

        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return ByNotebook(config, log)


def pytest_collectstart(collector: pytest.Collector) -> None:
    if type(collector).__name__ == "IPyNbFile":
        collector.skip_compare = tuple(key for key in collector.skip_compare if key != "image/png")
        collector.collect = MethodType(_collect, collector)


def _group(nodeid: str) -> str:
    file, _, test = nodeid.partition("::")
    group = Path(file).stem.removeprefix("test_")
    module = re.search(r"\[(\w+)", test)
    return f"{group}, {module[1]}" if group == "exercises" and module else group


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _group(item.nodeid) not in LONGEST)  # else one would come last
    for item in items:
        if type(item).__name__ == "IPyNbCell":
            item.sanitize = MethodType(_sanitize, item)
            item.compare_outputs = MethodType(_compare_outputs, item)
            item.format_output_compare = MethodType(_format_output_compare, item)
            item.runtest = MethodType(_runtest, item)


def _collect(file: Any) -> Any:
    try:
        curriculum.load(file.path)
    except curriculum.Unreadable as error:
        raise file.CollectError(str(error)) from None
    return type(file).collect(file)


def _start_new_kernel(**options: Any) -> Any:
    """nbval's own, once more where two processes that start kernels at once have chosen one port for both."""
    try:
        return start_new_kernel(**options)
    except RuntimeError:
        return start_new_kernel(**options)


def _runtest(cell: Any) -> None:
    kernel = cell.parent.kernel
    kernel.await_reply = MethodType(_await_reply, kernel)
    kernel.execute_cell_input = MethodType(_execute_cell_input, kernel)
    try:
        type(cell).runtest(cell)
    except KernelDied:
        cell.parent.timed_out = True  # for nbval: expect the cells that follow to fail
        cell.raise_cell_error("The kernel died while it ran this cell")
    finally:
        if cell.parent.timed_out:
            reason = "a cell did not end, or ended its kernel; the comparison of this notebook says which"
            curriculum.NOT_TO_RUN.setdefault(cell.path.stem, reason)


def _execute_cell_input(kernel: Any, source: str, allow_stdin: bool | None = None) -> str:
    """nbval's own, with cells counted as Jupyter counts them: a traceback names them."""
    return str(kernel.kc.execute(source, allow_stdin=bool(allow_stdin), stop_on_error=False))


def _await_reply(kernel: Any, message: str, timeout: float) -> None:
    """nbval's own, which would wait for a dead kernel until its time limit."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return RunningKernel.await_reply(kernel, message, timeout=1)
        except Empty:
            if not kernel.is_alive():
                raise KernelDied from None
            if time.monotonic() > deadline:
                raise


def _sanitize(cell: Any, text: object) -> object:
    text = type(cell).sanitize(cell, text)
    if not isinstance(text, str):
        return text
    return picture.Picture(text) if text.startswith(picture.PNG) else Text(text)


def _compare_outputs(cell: Any, fresh: Any, stored: Any) -> bool:
    size = len(json.dumps(fresh))
    if size > MAX_OUTPUT_BYTES:
        cell.comparison_traceback = [
            f"  The cell put out {size / 1e6:.1f} MB; at most {MAX_OUTPUT_BYTES / 1e6:g} MB is allowed."
        ]
        return False
    same = type(cell).compare_outputs(cell, fresh, stored)
    if not same:
        cell.comparison_traceback.append(ADVICE)
    return same


def _format_output_compare(cell: Any, key: str, stored: object, fresh: object) -> None:
    if isinstance(stored, picture.Picture):
        name = f"{cell.path.stem}-cell-{cell.cell_num}"
        cell.comparison_traceback.append(picture.explain(stored, fresh, name))
    else:
        type(cell).format_output_compare(cell, key, stored, fresh)
