"""The notebooks as the tests see them: their files, their cells, and what the cells do when they run."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from matplotlib.figure import Figure
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")


@functools.cache
def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def listing_tags(cell: NotebookNode) -> list[str]:
    return [tag for tag in tags(cell) if re.match(r"listing-|snippet-", tag)]


def title(path: Path) -> str:
    return re.search(r"^# (.+)$", prose(path), re.MULTILINE)[1]


@dataclass
class Ran:
    """What one code cell did."""

    names: dict[str, Any] = field(
        repr=False
    )  #: the names known after it, with copies of what a later cell may change
    printed: str
    error: Exception | None
    figures: list[Figure]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.names[name]
        except KeyError:
            raise AttributeError(f"no cell up to here defines {name!r}") from None


@functools.cache
def run(stem: str) -> dict[str, Ran]:
    """Execute a notebook's code cells in one fresh namespace of this process; what each did, by its tag and its id.

    `plots.show` collects the figures. A cell that raises without the tag `raises-exception` ends it all.
    """
    import keras

    from support import plots

    path = ROOT / "notebooks" / f"{stem}.ipynb"
    names: dict[str, Any] = {"__name__": "__main__"}
    ran: dict[str, Ran] = {}
    figures: list[Figure] = []
    keras.utils.clear_session()  # layer names count up from 1, as in a fresh kernel
    show, plots.show = plots.show, lambda figure, alt: figures.append(figure)
    try:
        for cell in code_cells(path):
            printed, error = io.StringIO(), None
            figures.clear()
            source = re.sub(r"^(\s*)%pip .*", r"\1pass", cell.source, flags=re.MULTILINE)
            try:
                with contextlib.redirect_stdout(printed):
                    exec(compile(source, f"{stem}, cell {cell.id}", "exec"), names)
            except Exception as raised:
                if "raises-exception" not in tags(cell):
                    raise
                error = raised
            result = Ran(_snapshot(names), printed.getvalue(), error, list(figures))
            ran |= dict.fromkeys([cell.id, *listing_tags(cell)], result)
    finally:
        plots.show = show
    return ran


def _snapshot(names: dict[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    snapshot = dict(names)
    for name, value in names.items():
        if isinstance(value, np.ndarray | tf.Variable):
            snapshot[name] = copy.deepcopy(value)
        elif isinstance(value, list | dict):
            snapshot[name] = copy.copy(value)
    return snapshot
