"""What a notebook's cells do. This module works in the kernel that executes them.

`record` keeps what each cell leaves behind; `judge` runs tests there, which ask for it with `run`.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import linecache
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from IPython import get_ipython
from matplotlib.figure import Figure

from tests.reading import ROOT, alt_texts, code_cells, listing_tags


@dataclass
class Ran:
    """What one code cell did."""

    names: dict[str, Any] = field(
        repr=False
    )  #: known after it, with copies of what a later cell may change
    figures: list[Figure]
    printed: str = ""

    def __getattr__(self, name: str) -> Any:
        try:
            return self.names[name]
        except KeyError:
            raise AttributeError(f"no cell up to here defines {name!r}") from None


#: The notebook of this kernel, and what its cells did, in their order.
STEM = ""
RAN: list[Ran] = []


def record(stem: str) -> None:
    """From now on, keep what each cell leaves behind."""
    global STEM
    from support import plots

    STEM = stem
    shell = get_ipython()
    figures: list[Figure] = []
    show = plots.show

    def show_and_keep(figure: Figure, alt: str) -> None:
        show(figure, alt)
        figures.append(figure)

    def keep(_: object) -> None:
        RAN.append(Ran(_snapshot(shell.user_ns), list(figures)))
        figures.clear()

    plots.show = show_and_keep
    shell.events.register("post_run_cell", keep)


def _snapshot(names: dict[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    snapshot = dict(names)
    for name, value in names.items():
        if isinstance(value, np.ndarray | tf.Variable):
            snapshot[name] = copy.deepcopy(value)
        elif isinstance(value, list | dict) and not name.startswith("_"):  # those are Jupyter's
            snapshot[name] = copy.copy(value)
    return snapshot


def judge(tests: list[str], prefixes: list[str], printed: dict[str, str], answers: str) -> None:
    """Run tests, and write to a file, line by line, when each began, how it ended, and what failed.

    Args:
        tests: pytest's names of them.
        prefixes: what the names of their functions begin with.
        printed: what each cell wrote to its standard output, by cell id.
        answers: the file.
    """
    import pytest

    for ran, text in zip(RAN, printed.values(), strict=True):
        ran.printed = text
    os.chdir(ROOT)
    options = [
        "-o",
        f"python_functions={' '.join(prefixes)}",
        "-o",
        "addopts=",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:nbval",
        "-p",
        "no:xdist",
        "-q",
    ]
    with (
        Path(answers).open("w", buffering=1, encoding="utf-8") as file,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        pytest.main([*options, *tests], plugins=[_Answers(file)])


class _Answers:
    """A pytest plugin."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def answer(self, nodeid: str, **what: str) -> None:
        self.file.write(json.dumps({"test": nodeid.rpartition("::")[2], **what}) + "\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.answer(nodeid, began="")

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.answer(report.nodeid, failed=report.longreprtext)
        elif report.skipped:
            self.answer(report.nodeid, skipped=report.longrepr[2])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.answer(nodeid, ended="")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.answer("collecting", failed=report.longreprtext)


def run(stem: str) -> dict[str, Ran]:
    """What each code cell of this kernel's notebook did, by its tags and its id."""
    assert stem == STEM, f"this kernel has executed {STEM}, and not {stem}"
    cells = code_cells(ROOT / f"notebooks/{stem}.ipynb")
    return {
        name: ran
        for cell, ran in zip(cells, RAN, strict=True)
        for name in (cell.id, *listing_tags(cell))
    }


def end_of(stem: str) -> Ran:
    """The state at a notebook's end, which is the state that its functions work on."""
    return list(run(stem).values())[-1]


def printed_with(stem: str, words: str) -> str:
    """What the last cell that printed these words printed."""
    return next(cell.printed for cell in reversed(run(stem).values()) if words in cell.printed)


def figure_with_alt(stem: str, words: str) -> Figure:
    """The figure that was drawn by the cell whose stored alt text says so."""
    for cell in code_cells(ROOT / f"notebooks/{stem}.ipynb"):
        if any(words in alt for alt in alt_texts(cell)):
            (figure,) = run(stem)[cell.id].figures
            return figure
    raise AssertionError(f"no alt text in {stem} says {words!r}")


def execute(source: str, name: str, names: dict[str, Any]) -> None:
    """Execute code under a name by which Python finds its lines, as AutoGraph does."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), names)
