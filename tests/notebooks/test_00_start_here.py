"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import types

import pytest
import tensorflow as tf
from IPython.core.inputtransformer2 import TransformerManager

from support import runtime
from support.exercises import progress
from tests.curriculum import (
    NOTEBOOKS,
    ROOT,
    code_cells,
    equal,
    jupyterlab_keys,
    prose,
    read,
    run,
    says,
    tags,
)

NOTEBOOK = "00_start_here"
EVERY_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def set_up_cell() -> str:
    first = code_cells(NOTEBOOKS[0])[0]
    assert tags(first) == ["setup"]
    return TransformerManager().transform_cell(first.source)


def test_the_set_up_cell_is_folded():
    says(NOTEBOOK, "It is folded, since its code need not concern you")
    assert all(code_cells(path)[0].metadata.jupyter.source_hidden for path in NOTEBOOKS)


def stored_text(path, cell_id: str) -> str:
    cell = next(cell for cell in code_cells(path) if cell.id == cell_id)
    return "".join(output.text for output in cell.outputs)


def test_the_squares_of_0_to_4():
    says(
        NOTEBOOK,
        "You should see the squares of 0 to 4 in one line, with a `shape` and a `dtype` behind them.",
    )
    (line,) = run(NOTEBOOK)["import-tensorflow-as-tf"].printed.splitlines()
    numbers = re.fullmatch(r"tf\.Tensor\(\[(.+)\], shape=\(5,\), dtype=int32\)", line)[1]
    assert [int(number) for number in numbers.split()] == [number**2 for number in range(5)]


@EVERY_NOTEBOOK
def test_the_set_up_cell_stands_at_the_beginning_of_every_notebook(path):
    says(NOTEBOOK, "The cell below stands at the beginning of every notebook.")
    says(NOTEBOOK, "The set-up cell comes first in every notebook.")
    assert code_cells(path)[0].source == code_cells(NOTEBOOKS[0])[0].source


def test_the_set_up_cell_is_quiet_and_fixes_the_random_numbers():
    says(
        NOTEBOOK,
        "It loads the small `support` package that draws the figures, silences TensorFlow's start-up messages, "
        "and fixes the random numbers so that you see the same values as printed here.",
    )
    says(NOTEBOOK, "then a line says that all is ready.")
    assert stored_text(NOTEBOOKS[0], "setup").startswith("All is ready.")
    runtime.set_up(seed=0)
    printed = re.findall(r"\[ ?(-?\d\.\d+) ?\]", stored_text(NOTEBOOKS[2], "listing-3-2"))[:3]
    equal([float(number) for number in printed], tf.random.normal((3, 1)).numpy().ravel())


def test_support_draws_the_figures():
    says(NOTEBOOK, "the small `support` package that draws the figures")
    drawing = [
        cell
        for path in NOTEBOOKS
        for cell in code_cells(path)
        if any("image/png" in output.get("data", {}) for output in cell.outputs)
    ]
    assert len(drawing) > 10
    assert all(re.search(r"plots\.show\(|\bexplore\(\)", cell.source) for cell in drawing)


def test_the_last_line_about_the_machine_is_the_verdict():
    says(NOTEBOOK, "The last line of its output is the verdict.")
    says(NOTEBOOK, "Your machine has told you whether it is ready.")
    *facts, verdict = run(NOTEBOOK)["machine"].printed.splitlines()
    assert re.match(r"All is well: this machine can run every notebook here|Not well: ", verdict)
    assert not any("well" in line for line in facts)


@pytest.mark.parametrize("version", [None, "2.4.0"])
def test_a_missing_or_old_tensorflow_is_said_in_one_line_with_the_command(monkeypatch, version):
    says(
        NOTEBOOK,
        "If TensorFlow is missing or too old, the set-up cell above has already said so in one line, "
        "with the command that repairs it.",
    )
    module = types.SimpleNamespace(__version__=version) if version else None
    monkeypatch.setitem(sys.modules, "tensorflow", module)
    with pytest.raises(runtime.UnsupportedMachine) as refusal:
        exec(set_up_cell(), {})
    (line,) = refusal.value._render_traceback_()
    assert "\n" not in line
    assert "TensorFlow 2.4.0" in line if version else "tensorflow is missing" in line
    assert re.search(r"Run `%pip install (--upgrade )?tensorflow` in a cell", line)


@EVERY_NOTEBOOK
def test_each_notebook_says_what_it_is_about_and_how_long_it_takes(path):
    says(
        NOTEBOOK,
        "each says at its beginning what it is about and how long it takes, without its exercises.",
    )
    beginning = read(path).cells[0].source
    assert re.search(r"At the end of this (notebook|page) you", beginning)
    assert re.search(r"It takes\s+about \d+ minutes\.", beginning)


@EVERY_NOTEBOOK
def test_no_notebook_uses_a_name_of_an_earlier_one(path):
    says(NOTEBOOK, "Each also runs on its own: you never have to run an earlier one first.")
    read(path)  # an unreadable one is reported elsewhere
    check = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821"]
    found = subprocess.run([*check, path], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_the_24_listings():
    says(NOTEBOOK, "The course reproduces the 24 numbered listings of chapter 3")
    says(NOTEBOOK, 'Headings such as "Listing 3.10" say which cell stands for which listing.')
    cells = [cell for path in NOTEBOOKS for cell in code_cells(path)]
    reproduced = [tag for cell in cells for tag in tags(cell) if tag.startswith("listing-")]
    assert reproduced == [f"listing-3.{number}" for number in range(1, 25)]
    headings = re.findall(r"^#+ Listing (3\.\d+): ", "\n".join(map(prose, NOTEBOOKS)), re.MULTILINE)
    assert [f"listing-{number}" for number in headings] == reproduced


def test_the_stored_outputs_come_from_the_versions_listed():
    says(NOTEBOOK, "The outputs stored here come from the versions listed above.")
    listed = re.findall(
        r"^(TensorFlow|Keras|NumPy|Matplotlib) +([\d.]+)",
        stored_text(NOTEBOOKS[0], "machine"),
        re.MULTILINE,
    )
    assert len(listed) == 4
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for name, version in listed:
        assert f"{name.lower()}=={version}" in pins


def test_the_text_around_a_cell_that_fails_says_so_and_the_next_ones_run():
    says(
        NOTEBOOK,
        "Some cells fail, because the error teaches something. The text around them says so, the error is printed, "
        "and the cells after it run all the same.",
    )
    failing = 0
    for path in NOTEBOOKS:
        cells = read(path).cells
        for place, cell in enumerate(cells):
            if cell.cell_type == "code" and "runtime.shows(" in cell.source:
                failing += 1
                assert re.search(r"^---.*\n(.*\n)*\w+: ", cell.outputs[-1].text, re.MULTILINE)
                around = cells[place - 1].source + cells[place + 1].source
                assert re.search(r"on purpose|refused", around), cell.id
                later = [later for later in cells[place + 1 :] if later.cell_type == "code"]
                assert all(cell.execution_count < next.execution_count for next in later[:1])
    assert failing > 1


def test_the_tests_run_the_cells_again():
    says(NOTEBOOK, "Tests run the cells again and compare")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    pytest_settings = settings["pytest"]["ini_options"]
    assert "notebooks" in pytest_settings["testpaths"]
    assert "--nbval" in pytest_settings["addopts"]  # and not --nbval-lax, which compares nothing


def test_shift_and_enter_run_a_cell_and_move_on():
    says(
        NOTEBOOK,
        "press **Shift+Enter**: Jupyter runs it, shows what comes out beneath it, and moves on to the next cell.",
    )
    says(NOTEBOOK, "You run a cell with Shift+Enter.")
    assert ("run-cell-and-select-next", "Shift Enter") in jupyterlab_keys()


def test_each_notebook_from_02_on_has_exercises():
    says(NOTEBOOK, "Each notebook from 02 on ends with some.")
    assert list(progress.MODULES) == [path.stem for path in NOTEBOOKS[2:]]
