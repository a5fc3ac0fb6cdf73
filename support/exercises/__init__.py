"""Exercises that say what is wrong with an answer: an engine, and one module of exercises for each notebook.

`engine.py` judges an answer; it calls the learner's code with `call.py`, compares what comes with `compare.py`, and
says how a wrong result relates to the right one with `relate.py`. `boxes.py` shows a verdict with its hints, and
`progress.py` notes what is solved.
"""

from __future__ import annotations

import sys
from typing import Any

from support.exercises.progress import MODULES


class CellsAboveNotRun(RuntimeError):
    """An exercise was run first in a new kernel. Jupyter shows the sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython's hook for errors that explain themselves
        return [str(self)]


def __getattr__(name: str) -> Any:
    """Python asks here for what is not imported yet, as `from support.exercises import tensors` does the first time.

    That line begins each cell with an exercise. Where a notebook's kernel doesn't know `tf`, which all notebooks with
    exercises import at their top, the cells above have not run.

    Raises:
        CellsAboveNotRun: they have not.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if name in MODULES.values() and hasattr(shell, "kernel") and "tf" not in shell.user_ns:
        where = "“Run”, “Run All Above Selected Cell”"
        if "google.colab" in sys.modules:
            where = "“Runtime”, “Run before”"
        raise CellsAboveNotRun(
            f"Run the cells above first: choose {where}, then run this cell again."
        )
    raise AttributeError(f"module {__name__} has no attribute {name}")
