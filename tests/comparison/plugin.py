"""A pytest plugin: each notebook is executed once, in a warm kernel.

nbval compares what it puts out with what is stored (`notebook.py`), and the tests of `tests/notebooks/` look at what it
leaves behind, in that kernel (`claims.py`). What belongs to a notebook runs in one worker.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from support import explore, warm_kernel
from support.exercises import progress
from tests.comparison import claims
from tests.comparison.notebook import Notebook

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


def pytest_configure() -> None:
    warm_kernel.choose()
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


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    return Notebook.from_parent(parent, path=file_path) if file_path.suffix == ".ipynb" else None


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    return (
        claims.File.from_parent(parent, path=module_path)
        if module_path.parent == claims.FOLDER
        else None
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _group(item.nodeid) not in LONGEST)  # else one would come last


def _group(nodeid: str) -> str:
    file, _, test = nodeid.partition("::")
    group = Path(file).stem.removeprefix("test_")
    module = re.search(r"\[(\w+)", test)
    return f"{group}, {module[1]}" if group == "exercises" and module else group
