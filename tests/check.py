"""`make check`: runs what a change can have broken, and nothing else.

A *unit* is a notebook with its claims, or a file of tests. It depends on its own files, on what these import of
`support` and `tests`, on the files that its tests name, and on the pinned versions. What was green is kept in
`build/check.json`, file by file; a unit is run when one of its files has another content than then.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build/check.json"
EVERYWHERE = ("requirements.txt", "tests/requirements.txt", "pyproject.toml")
MACHINERY = "tests/comparison/plugin.py"

#: What runs all notebooks in a browser or in another environment is left to `make test`.
ELSEWHERE = ("test_browser", "test_colab", "test_binder")

Digests = dict[str, str]


@dataclass(frozen=True)
class Unit:
    name: str
    tests: tuple[str, ...]  #: pytest's arguments
    files: frozenset[str]  #: all that it depends on

    @property
    def digests(self) -> Digests:
        return {file: _digest(file) for file in self.files}


def units() -> list[Unit]:
    found = []
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        tests = [f"notebooks/{notebook.name}", f"tests/notebooks/test_{notebook.stem}.py"]
        tests = [test for test in tests if (ROOT / test).is_file()]
        found.append(Unit(notebook.stem, tuple(tests), _closure(*tests, MACHINERY)))
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        if path.stem not in ELSEWHERE:
            test = f"tests/{path.name}"
            found.append(Unit(path.stem, (test,), _closure(test)))
    return found


def _closure(*files: str) -> frozenset[str]:
    """The files, what they import of this project, directly or not, and the files that the tests among them name."""
    reached, waiting = set[str](), list(files)
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += _imported(file)
    named = {other for file in reached if file.startswith("tests/") for other in _named(file)}
    return frozenset({*reached, *named, *EVERYWHERE})


@functools.cache
def _imported(file: str) -> list[str]:
    if not file.endswith((".py", ".ipynb")):
        return []
    try:
        tree = ast.parse(_source(ROOT / file))
    except (SyntaxError, ValueError, KeyError, TypeError):  # the tests say what is wrong with it
        return []
    nodes = tree.body if _helps(file) else ast.walk(tree)
    return [found for node in nodes for name in _names(node) for found in _files_of(name)]


def _helps(file: str) -> bool:
    """Whether a file holds no tests but what tests need. What its functions import depends on who calls them."""
    return file.startswith("tests/") and not Path(file).name.startswith("test_")


def _source(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = json.loads(text)["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return re.sub(r"^(\s*)[%!].*", r"\1pass", code, flags=re.MULTILINE)


def _names(node: ast.AST) -> Iterator[str]:
    """The modules that a node may import: of `from a import b`, both a and a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(module: str) -> Iterator[str]:
    parts = module.split(".")
    if parts[0] in ("support", "tests"):
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            yield from (
                file for file in (f"{path}.py", f"{path}/__init__.py") if (ROOT / file).is_file()
            )


@functools.cache
def _named(file: str) -> set[str]:
    """The files, and all files of the folders, that a file joins to a path; of `NOTEBOOKS` those that it takes."""
    named, notebooks = (
        set[str](),
        sorted(name for name in _tracked() if re.fullmatch(r"notebooks/[^/]+\.ipynb", name)),
    )
    nodes = list(ast.walk(ast.parse(_source(ROOT / file))))
    single = {id(node.value): node.slice for node in nodes if isinstance(node, ast.Subscript)}
    for node in nodes:
        if (
            isinstance(node, ast.BinOp)
            and ast.unparse(node.left) == "ROOT"
            and isinstance(node.right, ast.Constant)
        ):
            name = str(node.right.value)
            named |= {
                found for found in _tracked() if found == name or found.startswith(f"{name}/")
            }
        elif (
            isinstance(node, ast.Name) and node.id == "NOTEBOOKS" and isinstance(node.ctx, ast.Load)
        ):
            index = single.get(id(node))
            constant = isinstance(index, ast.Constant) and isinstance(index.value, int)
            named |= {notebooks[index.value]} if constant else set(notebooks)  # type: ignore[union-attr, index]
    if _helps(file):  # whatever notebook it is asked for
        named = {
            found for found in named if not found.startswith(("notebooks/", "tests/notebooks/"))
        }
    return named


@functools.cache
def _tracked() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for file in listed.split("\0") if file]


@functools.cache
def _digest(file: str) -> str:
    path = ROOT / file
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "missing"


def why(unit: Unit, kept: Digests | None) -> str:
    """Why a unit is to be run; "" if it need not."""
    if kept is None:
        return "not green yet"
    changed = sorted(file for file, digest in unit.digests.items() if kept.get(file) != digest)
    return ", ".join(changed[:3]) + ", …" * (len(changed) > 3)


class Failed:
    """A pytest plugin that notes which units failed."""

    def __init__(self, stale: list[Unit]) -> None:
        self._units = {test: unit.name for unit in stale for test in unit.tests}
        self.names: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.names.add(self._units[report.nodeid.partition("::")[0]])

    pytest_collectreport = pytest_runtest_logreport


def main() -> int:
    kept: dict[str, Digests] = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    all_units = units()
    reasons = {unit.name: why(unit, kept.get(unit.name)) for unit in all_units}
    stale = [unit for unit in all_units if reasons[unit.name]]
    if not stale:
        print(
            f"Nothing that the {len(all_units)} notebooks and files of tests depend on has changed."
        )
        return 0
    for unit in stale:
        print(f"{unit.name:<30} {reasons[unit.name]}")
    sys.stdout.flush()
    import pytest

    before = {unit.name: unit.digests for unit in stale}
    failed = Failed(stale)
    workers = min(len(stale), (os.cpu_count() or 1) + 1)
    tests = [test for unit in stale for test in unit.tests]
    status = pytest.main(
        ["-q", f"--numprocesses={workers if workers > 1 else 0}", *tests], plugins=[failed]
    )
    if status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        kept |= {name: digests for name, digests in before.items() if name not in failed.names}
        for name in failed.names:
            kept.pop(name, None)
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(kept))
    for unit in stale:
        if unit.name in failed.names and unit.tests[0].endswith(".ipynb"):
            print(f"If what came is right: make notebooks ONLY={unit.name}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
