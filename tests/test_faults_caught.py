"""The net holds: a few of the faults of `make faults` are planted and caught."""

from __future__ import annotations

from tests.proofs.faults import judge_all, read_table
from tests.reading import ROOT

PATH = ROOT / "notebooks/03_variables.ipynb"


def test_the_quick_faults_are_caught():
    quick = [fault for fault in read_table() if fault.quick]
    assert {ROOT / fault.file for fault in quick} == {PATH}
    caught_by = [verdict.failed for _, verdict in judge_all(quick, workers=1, control=False)]
    assert None not in caught_by
    assert len(set(caught_by)) == len(quick) >= 3  # a net that fails anyway fails at one test
