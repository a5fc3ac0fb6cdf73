"""The notebooks as the tests see them: their files, their cells, and what the cells do when they run."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import linecache
import re
import signal
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
FORMAT = (4, 5)  # the first with ids of cells
CELL_SECONDS = 120.0  # no cell takes a tenth of it
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY, _, BRANCH = (
    PROJECT["urls"]["Repository"].removeprefix("https://github.com/").partition("/tree/")
)


#: Notebooks in which a cell does not end, or ends its process, and why none of them may be executed in this one.
NOT_TO_RUN: dict[str, str] = {}


class Unreadable(ValueError):
    """Why a file is no notebook of this curriculum."""


@functools.cache
def load(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises:
        Unreadable: the file is cut off, of another format, or against the format's rules.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        version = content["nbformat"], content["nbformat_minor"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(
            f"{path.name} is no notebook ({type(error).__name__}: {error}): bring it back with `git checkout`"
        ) from None
    if version != FORMAT:
        raise Unreadable(
            f"{path.name} has notebook format {version[0]}.{version[1]} and not 4.5: open it in JupyterLab, and save it"
        )
    try:
        nbformat.validate(content)
    except nbformat.ValidationError as error:
        raise Unreadable(f"{path.name} breaks the notebook format: {error.message}") from None
    return nbformat.reads(text, as_version=4)


def read(path: Path) -> NotebookNode:
    """A notebook's content. A test that needs an unreadable one is skipped: the comparison reports it."""
    try:
        return load(path)
    except Unreadable as error:
        pytest.skip(str(error))


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


def without_pip(source: str) -> str:
    """A cell's source as plain Python: what it installs is installed here."""
    return re.sub(r"^(\s*)%pip (.*\\\n)*.*", r"\1pass", source, flags=re.MULTILINE)


@dataclass
class Ran:
    """What one code cell did."""

    names: dict[str, Any] = field(
        repr=False
    )  #: the names known after it, with copies of what a later cell may change
    printed: str
    figures: list[Figure]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.names[name]
        except KeyError:
            raise AttributeError(f"no cell up to here defines {name!r}") from None


def run(stem: str) -> dict[str, Ran]:
    """Execute a notebook's code cells in one fresh namespace of this process; what each did, by its tag and its id.

    `plots.show` collects the figures. If a cell raises, the test that asked first fails and says so; those that ask
    later are skipped.
    """
    if stem in NOT_TO_RUN:
        pytest.skip(NOT_TO_RUN[stem])
    try:
        return _run(stem)
    except CellRaised as error:
        NOT_TO_RUN[stem] = f"{error}; an earlier test says more"
        raise


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise a TimeoutError when the block takes longer. Without an alarm (on Windows), no limit is kept."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"it took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class CellRaised(Exception):
    """A cell raised an exception."""


@functools.cache
def _run(stem: str) -> dict[str, Ran]:
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
            printed = io.StringIO()
            figures.clear()
            source = without_pip(cell.source)
            try:
                with contextlib.redirect_stdout(printed), at_most(CELL_SECONDS):
                    execute(source, f"{stem}, cell {cell.id}", names)
            except (Exception, SystemExit) as raised:
                raise CellRaised(f"{stem}, cell {cell.id}, raised {raised!r}") from raised
            result = Ran(_snapshot(names), printed.getvalue(), list(figures))
            ran |= dict.fromkeys([cell.id, *listing_tags(cell)], result)
    finally:
        plots.show = show
    return ran


def execute(source: str, name: str, names: dict[str, Any]) -> None:
    """Execute code under a name by which Python finds its lines, as AutoGraph does."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), names)


def end_of(stem: str) -> Ran:
    """The state at a notebook's end, which is the state that its functions work on."""
    return list(run(stem).values())[-1]


def printed_with(stem: str, words: str) -> str:
    """What the last cell that printed these words printed."""
    return next(cell.printed for cell in reversed(run(stem).values()) if words in cell.printed)


def says(stem: str, sentence: str) -> None:
    """Assert that the notebook still says so, in whatever line breaks: the test that calls this proves the sentence."""
    text = re.sub(r"^> ?", "", prose(ROOT / "notebooks" / f"{stem}.ipynb"), flags=re.MULTILINE)
    assert " ".join(sentence.split()) in " ".join(text.split()), (
        f"{stem} no longer says: {sentence!r}. If the new sentence is true, quote it here and assert it."
    )


def alt_text(stem: str, cell_id: str) -> str:
    """What the figure that a cell stores says to those who can't see it."""
    (cell,) = (
        cell for cell in code_cells(ROOT / "notebooks" / f"{stem}.ipynb") if cell.id == cell_id
    )
    (shown,) = (output for output in cell.outputs if "image/png" in output.get("data", {}))
    return shown.metadata["image/png"]["alt"]


def figure_with_alt(stem: str, words: str) -> Figure:
    """The figure that was drawn by the cell whose stored alt text says so."""
    for cell in code_cells(ROOT / "notebooks" / f"{stem}.ipynb"):
        for output in cell.outputs:
            if words in output.get("metadata", {}).get("image/png", {}).get("alt", ""):
                (figure,) = run(stem)[cell.id].figures
                return figure
    raise AssertionError(f"no alt text in {stem} says {words!r}")


def published(stem: str) -> dict[str, str]:
    """What the cell that calls `runtime.publish` prints, which is what it marks."""
    cells = code_cells(ROOT / "notebooks" / f"{stem}.ipynb")
    ((output,),) = (cell.outputs for cell in cells if cell.id == "publish")
    printed = dict(line.split(": ") for line in output.data["text/plain"].splitlines())
    assert printed == output.metadata["published"]
    return printed


def jupyterlab_keys() -> set[tuple[str, str]]:
    """JupyterLab's commands for notebooks, each with a key that runs it, as its own settings say."""
    settings = "share/jupyter/lab/schemas/@jupyterlab/notebook-extension/tracker.json"
    shortcuts = json.loads((Path(sys.prefix) / settings).read_text())["jupyter.lab.shortcuts"]
    return {
        (shortcut["command"].removeprefix("notebook:"), key)
        for shortcut in shortcuts
        for key in shortcut["keys"]
    }


def source_of(stem: str, tag_or_id: str) -> str:
    cells = code_cells(ROOT / "notebooks" / f"{stem}.ipynb")
    return next(cell.source for cell in cells if tag_or_id in [*tags(cell), cell.id])


def equal(actual: object, expected: object) -> None:
    """Assert the same shape, and the same values within float32 rounding."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def _snapshot(names: dict[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    snapshot = dict(names)
    for name, value in names.items():
        if isinstance(value, np.ndarray | tf.Variable):
            snapshot[name] = copy.deepcopy(value)
        elif isinstance(value, list | dict):
            snapshot[name] = copy.copy(value)
    return snapshot
