"""Collects the tests of `tests/notebooks/` without importing them, and has each file run in its notebook's kernel."""

from __future__ import annotations

import ast
import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from nbval.plugin import NbCellError

from tests import reading
from tests.comparison.kernel import KernelDied
from tests.comparison.notebook import RUNS, Notebook

FOLDER = reading.ROOT / "tests/notebooks"


class File(pytest.File):
    """The claims on one notebook."""

    @property
    def stem(self) -> str:
        return self.path.stem.removeprefix("test_")

    def collect(self) -> Iterator[Claim]:
        prefixes = tuple(self.config.getini("python_functions"))  # `make bench` has others
        for node in ast.parse(self.path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith(prefixes):
                yield Claim.from_parent(self, name=node.name)

    def setup(self) -> None:
        seconds = self.config.option.nbval_cell_timeout
        if self.stem not in RUNS:
            self._execute()
        run = RUNS[self.stem]
        self.reports: list[dict[str, str]] = []
        self.end = run.broken
        if run.broken:
            return
        wanted = [item.nodeid for item in self.session.items if item.parent is self]
        with tempfile.TemporaryDirectory(prefix="claims") as folder:
            answers = Path(folder, "answers")
            answers.touch()
            prefixes = self.config.getini("python_functions")
            asked = f"{wanted!r}, {prefixes!r}, {run.printed!r}, {str(answers)!r}"
            try:
                run.kernel.do(f'__import__("tests.running").running.judge({asked})', 10 * seconds)
            except KernelDied:
                self.end = "the kernel died in the test that began last"
            except Empty:
                self.end = f"not done after {10 * seconds:g} s, in the test that began last"
            self.reports = [
                json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()
            ]

    def _execute(self) -> None:
        """The notebook, where its comparison was not asked for."""
        notebook = Notebook.from_parent(
            self.parent, path=reading.ROOT / f"notebooks/{self.stem}.ipynb"
        )
        cells = [*notebook.collect()]
        notebook.setup()
        for cell in cells:
            cell.options["check"] = False
            with contextlib.suppress(NbCellError):
                cell.runtest()
            if notebook.run.broken:
                return

    def teardown(self) -> None:
        RUNS.pop(self.stem).kernel.stop()


class Claim(pytest.Item):
    """One test function, with all its parameters."""

    parent: File

    def runtest(self) -> None:
        mine = [
            report for report in self.parent.reports if report["test"].split("[")[0] == self.name
        ]
        failed = [report["failed"] for report in mine if report.get("failed")]
        if failed:
            raise ClaimFailed("\n".join(failed))
        if sum("began" in report for report in mine) > sum("ended" in report for report in mine):
            raise ClaimFailed(f"{self.parent.end}: {mine[-1]['test']}")
        skipped = [report["skipped"] for report in mine if report.get("skipped")]
        if skipped or not mine:
            pytest.skip(skipped[0] if skipped else self.parent.end)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return (
            str(excinfo.value)
            if isinstance(excinfo.value, ClaimFailed)
            else super().repr_failure(excinfo)
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class ClaimFailed(Exception):
    """A claim is not true; the message is pytest's own report."""
