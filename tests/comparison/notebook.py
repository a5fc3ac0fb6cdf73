"""nbval's notebooks and cells, with what they lack: the comparison of figures, a tolerance for the last digits of
numbers, and one clear failure where a file is no notebook, a cell kills its kernel, or floods its output.
"""

from __future__ import annotations

import json
import re
from typing import Any

from nbval.plugin import IPyNbCell, IPyNbFile

from tests import reading
from tests.comparison import picture, text
from tests.comparison.kernel import KernelDied, Run

#: No cell of the curriculum puts out a tenth of it. Comparing megabytes line by line would take hours.
MAX_OUTPUT_BYTES = 1_000_000

#: A picture within HTML.
PNG = re.compile(r"data:image/png;base64,([\w+/=]+)")

ADVICE = "  If the new output is right, store it: make notebooks"

#: The notebooks that have been executed in this process, as long as something is to be asked of them.
RUNS: dict[str, Run] = {}


class Notebook(IPyNbFile):  # type: ignore[misc]
    """A notebook: its code cells are tests, run in their order in one kernel."""

    run: Run

    def collect(self) -> Any:
        try:
            notebook = reading.load(self.path)
        except reading.Unreadable as error:
            raise self.CollectError(str(error)) from None
        code = (cell for cell in notebook.cells if cell.cell_type == "code")
        for number, cell in enumerate(code):
            options = {"skip": False, "check": "nbval-ignore-output" not in reading.tags(cell)}
            options["check_exception"] = False
            yield Cell.from_parent(self, name=cell.id, cell_num=number, cell=cell, options=options)

    def setup(self) -> None:
        self.run = Run.begin(self.path, self.config.option.nbval_cell_timeout)
        self.kernel = self.run.kernel
        RUNS[self.path.stem] = self.run

    def teardown(self) -> None:
        claimed = any(
            getattr(item.parent, "stem", None) == self.path.stem for item in self.session.items
        )
        if not claimed:  # else its claims are asked next, and end the kernel
            RUNS.pop(self.path.stem).kernel.stop()


class Cell(IPyNbCell):  # type: ignore[misc]
    def runtest(self) -> None:
        run = self.parent.run
        try:
            super().runtest()
        except KernelDied:
            self.parent.timed_out = True  # for nbval: expect the cells that follow to fail
            self.raise_cell_error("The kernel died while it ran this cell")
        finally:
            outputs = self.test_outputs or []
            run.printed[self.cell.id] = "".join(
                each.text for each in outputs if each.get("name") == "stdout"
            )
            if self.parent.timed_out or any(each.output_type == "error" for each in outputs):
                run.broken = (
                    run.broken or f"cell {self.cell.id} did not end well; the comparison says how"
                )

    def compare_outputs(
        self, fresh: list[Any], stored: list[Any], skip_compare: object = None
    ) -> bool:
        self.comparison_traceback = self._differences(fresh, stored)
        if self.comparison_traceback:
            self.comparison_traceback.append(ADVICE)
        return not self.comparison_traceback

    def _differences(self, fresh: list[Any], stored: list[Any]) -> list[str]:
        size = len(json.dumps(fresh))
        if size > MAX_OUTPUT_BYTES:
            return [
                f"  The cell put out {size / 1e6:.1f} MB; at most {MAX_OUTPUT_BYTES / 1e6:g} MB is allowed."
            ]
        expected, came = _by_kind(stored), _by_kind(fresh)
        for kind in [*expected, *(kind for kind in came if kind not in expected)]:
            before, now = expected.get(kind, []), came.get(kind, [])
            if len(before) != len(now):
                counts = (
                    f"  {len(before)} outputs of the kind {kind} were stored, and {len(now)} came."
                )
                return [counts, *_told(before, now)]
            for one, other in zip(before, now, strict=True):
                if kind == "image/png":
                    if not picture.same(one, other):
                        return [picture.explain(one, other, f"{self.path.stem}-{self.cell.id}")]
                elif not text.same(one, other):
                    return _told([one], [other])
        return []


def _by_kind(outputs: list[Any]) -> dict[str, list[str]]:
    """What is compared: streams by name, and the parts of displays by their type."""
    kinds: dict[str, list[str]] = {}
    for output in outputs:
        if output.output_type == "stream":
            kinds.setdefault(output.name, []).append(output.text)
        for kind, content in output.get("data", {}).items():
            if kind == "text/html":  # an explorer's picture
                kinds.setdefault("image/png", []).extend(PNG.findall(content))
                content = PNG.sub("data:image/png", content)
            kinds.setdefault(kind, []).append(
                content if isinstance(content, str) else json.dumps(content)
            )
    return kinds


def _told(expected: list[str], came: list[str]) -> list[str]:
    def block(texts: list[str]) -> list[str]:
        return [f"    {line}" for each in texts for line in each.splitlines()[:40]] or [
            "    (nothing)"
        ]

    return ["  Expected, as it is stored:", *block(expected), "  What came:", *block(came)]
