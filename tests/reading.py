"""The notebooks as they are stored: their files, cells and prose."""

from __future__ import annotations

import functools
import json
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
CELL_SECONDS = 120.0  # no cell takes a tenth of it
FORMAT = (4, 5)  # the first with ids of cells
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY, _, BRANCH = (
    PROJECT["urls"]["Repository"].removeprefix("https://github.com/").partition("/tree/")
)


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


def source_of(stem: str, tag_or_id: str) -> str:
    cells = code_cells(ROOT / "notebooks" / f"{stem}.ipynb")
    return next(cell.source for cell in cells if tag_or_id in [*tags(cell), cell.id])


def alt_texts(cell: NotebookNode) -> list[str]:
    """What the figures that a cell stores say to those who can't see them."""
    return [
        output.metadata["image/png"]["alt"]
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]


def alt_text(stem: str, cell_id: str) -> str:
    """The same of a cell with one figure."""
    (cell,) = (cell for cell in code_cells(ROOT / f"notebooks/{stem}.ipynb") if cell.id == cell_id)
    (text,) = alt_texts(cell)
    return text


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
