"""The faults of `make faults`: all of them can be planted."""

from __future__ import annotations

import shutil

import pytest

from tests.proofs.faults import Fault, plant, read_table
from tests.reading import NOTEBOOKS, ROOT

FAULTS = read_table()


def test_the_table_is_long_and_reaches_every_notebook():
    assert len(FAULTS) >= 60
    files = {fault.file for fault in FAULTS}
    assert {f"notebooks/{path.name}" for path in NOTEBOOKS} <= files
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"plants {len(FAULTS)} faults" in readme


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_changes_what_stands_there_once(fault, tmp_path):
    copy = tmp_path / fault.file
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(ROOT / fault.file, copy)
    plant(fault, tmp_path)
    assert copy.read_bytes() != (ROOT / fault.file).read_bytes()


def test_a_fault_that_no_longer_fits_is_refused(tmp_path):
    (tmp_path / "file.py").write_text("a = 1\na = 1\n")
    for find, times in [("b", 0), ("a", 2)]:
        with pytest.raises(ValueError, match=f"stands there {times} times"):
            plant(Fault("file.py", find, "c", "constant"), tmp_path)
