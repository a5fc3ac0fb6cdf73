"""What the comparison says about notebooks that are broken: one failure each, and the others go on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.kernel import RunningKernel

from tests.comparison.kernel import Kernel
from tests.reading import ROOT

CELL_SECONDS = 3


def notebook(*sources: str, printed: str = "") -> str:
    cells = [
        new_code_cell("1 + 1", id="first", execution_count=1, outputs=[result("2")]),
        *(
            new_code_cell(source, id=f"cell-{number}", execution_count=number)
            for number, source in enumerate(sources, start=2)
        ),
    ]
    if printed:
        cells[-1].outputs.append(new_output("stream", text=printed))
    return nbformat.writes(new_notebook(cells=cells))


def result(text: str):
    return new_output("execute_result", {"text/plain": text}, execution_count=1)


AFTER = "print('after')"
BROKEN = {
    "truncated": notebook("2")[:-40],
    "no_json": "This is no notebook.",
    "no_notebook": json.dumps({"cells": []}),
    "old": json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}),
    "rule_broken": notebook("pass").replace('"outputs": []', '"outputs": 7', 1),
    "kills_its_kernel": notebook("import os\nos._exit(7)", "1"),
    "exits": notebook("raise SystemExit(0)"),
    "never_ends": notebook("import time\ntime.sleep(600)", "1"),
    "floods": notebook("print('x' * 10_000_000)"),
    "prints_something_else": notebook("print('fresh')", printed="stored\n"),
}
SAYS = {
    "truncated": r"truncated\.ipynb is no notebook \(JSONDecodeError.*git checkout",
    "no_json": r"no_json\.ipynb is no notebook",
    "no_notebook": r"no_notebook\.ipynb is no notebook \(KeyError",
    "old": r"old\.ipynb has notebook format 3\.0 and not 4\.5",
    "rule_broken": r"rule_broken\.ipynb breaks the notebook format: 7 is not of type 'array'",
    "kills_its_kernel": r"Cell 1: The kernel died while it ran this cell",
    "exits": r"Cell 1: Cell execution caused an exception[\s\S]*SystemExit: 0",
    "never_ends": rf"Cell 1: Timeout of {CELL_SECONDS} seconds exceeded executing cell",
    "floods": r"Cell 1: Cell outputs differ[\s\S]*put out 10\.0 MB; at most 1 MB is allowed",
    "prints_something_else": r"stored[\s\S]*fresh[\s\S]*store it: make notebooks",
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory) -> dict[str, list[str]]:
    """The failures of each notebook."""
    folder = tmp_path_factory.mktemp("broken")
    for name, content in BROKEN.items():
        (folder / f"{name}.ipynb").write_text(content, encoding="utf-8")
    (folder / "sound.ipynb").write_text(notebook("pass"), encoding="utf-8")
    report = folder / "report.xml"
    options = [f"--nbval-cell-timeout={CELL_SECONDS}", f"--junit-xml={report}", "--color=no"]
    options += ["-p", "tests.comparison.plugin", "--continue-on-collection-errors"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=", *options]
    ended = subprocess.run(
        [*command, folder], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1, ended.stdout
    assert len(ended.stdout) < 20_000
    found: dict[str, list[str]] = {name: [] for name in [*BROKEN, "sound"]}
    for case in ElementTree.parse(report).iter("testcase"):
        name = re.search(r"(\w+)(?:\.ipynb)?$", case.get("classname") or case.get("name"))[1]
        found[name] += [
            f"{bad.get('message')}\n{bad.text}"
            for bad in [*case.iter("failure"), *case.iter("error")]
        ]
    return found


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_is_one_failure_that_says_what_is_wrong(failures, name):
    (said,) = failures[name]
    assert re.search(SAYS[name], re.sub(r"\x1b\[[0-9;]*m|#x1B\[[0-9;]*m", "", said)), said[:2000]


def test_a_kernel_that_does_not_start_is_started_once_more(monkeypatch, tmp_path):
    answers = [RuntimeError("Kernel died before replying to kernel_info"), None]

    def start(*_):
        answer = answers.pop(0)
        if answer:
            raise answer

    monkeypatch.setattr(RunningKernel, "__init__", start)
    Kernel(tmp_path)
    assert not answers


def test_a_sound_one_beside_them_passes(failures):
    assert failures["sound"] == []
