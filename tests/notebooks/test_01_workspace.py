"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import collections
import importlib
import math
import os
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.magics.packaging import PackagingMagics

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
)

NOTEBOOK = "01_workspace"
PATH = ROOT / f"notebooks/{NOTEBOOK}.ipynb"


def cell_with(cell_id: str):
    return next(cell for cell in code_cells(PATH) if cell.id == cell_id)


def stored_text(cell_id: str) -> str:
    return "".join(output.text for output in cell_with(cell_id).outputs)


def test_four_promises_of_which_three_have_a_cell_each():
    says(NOTEBOOK, "TensorFlow does that too, and makes four promises on top.")
    says(NOTEBOOK, "Three of them fit in a cell each.")
    says(NOTEBOOK, "This one does not fit in a cell.")
    assert re.findall(r"^### Promise (\d)", prose(PATH), re.MULTILINE) == ["1", "2", "3", "4"]
    heading, cells = "", collections.Counter()
    for cell in read(PATH).cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE) or [heading])[-1]
        elif heading.startswith("Promise"):
            cells[heading.split(":")[0]] += 1
    assert cells == {"Promise 1": 1, "Promise 2": 1, "Promise 4": 1}


def test_the_derivative_of_the_sine():
    says(NOTEBOOK, "Write a computation that has a derivative, and TensorFlow tells you that")
    says(NOTEBOOK, "The derivative of sin(x) is cos(x); nobody told the cell below.")
    cell = run(NOTEBOOK)["x-tf-variable-1-0"]
    found, expected = re.findall(r"\d\.\d{6}", cell.printed)
    assert found == expected == f"{math.cos(cell.x.numpy()):.6f}"
    assert "cos" not in cell_with("x-tf-variable-1-0").source.split("print")[0]


def test_a_tensor_says_on_which_device_it_lives():
    says(NOTEBOOK, "each tensor says on which device it lives")
    says(NOTEBOOK, "In the long name that the cell prints, the end is what matters.")
    found, lives = run(NOTEBOOK)["devices"].printed.splitlines()
    kind = re.search(r"/device:([CGT]PU):\d+$", lives)[1]
    assert f"'{kind}'" in found


def test_the_stored_outputs_needed_no_more_than_a_cpu():
    says(NOTEBOOK, "Nothing in this course needs more than a CPU.")
    assert "devices found: ['CPU']\n" in stored_text("devices")


def test_a_saved_function_works_without_its_class_on_rows_of_any_length():
    says(
        NOTEBOOK,
        "The cell describes a function of a row of numbers of any length, saves it to a folder, and loads it back. "
        "What was loaded works without the class that it came from.",
    )
    cell = run(NOTEBOOK)["class-squarer-tf-module"]
    assert "Squarer" not in cell.names and not Path(cell.folder).exists()
    for length in (0, 1, 3, 100):
        numbers = np.linspace(-2, 2, length, dtype="float32")
        equal(cell.loaded(tf.constant(numbers)), numbers**2)
    with pytest.raises((TypeError, ValueError)):
        cell.loaded(tf.ones((2, 2)))
    assert cell.printed == "tf.Tensor([1. 4. 9.], shape=(3,), dtype=float32)\n"


def test_a_model_of_one_layer_in_two_lines():
    says(NOTEBOOK, "Two lines build a model of one layer and call it:")
    says(
        NOTEBOOK,
        "Two inputs of four numbers went in, two rows of three came out. "
        "Keras made the weights without being told the four.",
    )
    cell_id = "model-keras-sequential-keras-layers-dens"
    cell = run(NOTEBOOK)[cell_id]
    build, call = cell_with(cell_id).source.splitlines()
    assert "model(tf.ones((2, 4)))" in call
    assert cell.printed == "(2, 3)\n"
    (layer,) = cell.model.layers
    assert [weight.shape for weight in layer.weights] == [(4, 3), (3,)]
    again = {"keras": keras}
    exec(build, again)
    assert not again["model"].weights


def test_the_environment_chooses_the_backend_when_keras_is_imported(monkeypatch):
    says(NOTEBOOK, "The environment variable `KERAS_BACKEND`, read when")
    says(NOTEBOOK, "Keras is imported, chooses it.")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert keras.config.backend() == "tensorflow"
    code = "import keras; print(keras.config.backend())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert other.stdout == "jax\n" or "No module named 'jax'" in other.stderr


def test_this_course_uses_tensorflow_and_keras_puts_out_its_tensors():
    says(NOTEBOOK, "This course uses TensorFlow.")
    says(NOTEBOOK, "here TensorFlow carries them out, so TensorFlow tensors come out.")
    ran = run(NOTEBOOK)
    assert ran["print-keras-computes-with-keras-config-b"].printed == (
        "Keras computes with: tensorflow\n"
    )
    result = ran["result-keras-ops-square-np-array-1-0-2-0"].result
    assert isinstance(result, tf.Tensor)
    equal(result, [1, 4, 9])


def test_an_exclamation_mark_hands_a_line_to_the_shell():
    says(NOTEBOOK, "An exclamation mark hands a line to the shell: `!pip install NAME` works")
    transformed = TransformerManager().transform_cell("!pip install NAME")
    assert transformed == "get_ipython().system('pip install NAME')\n"


def test_the_line_runs_whichever_pip_the_shell_finds_first(tmp_path):
    says(NOTEBOOK, "The line runs whichever `pip` the shell finds first")
    pip = tmp_path / ("pip.bat" if os.name == "nt" else "pip")
    pip.write_text("@echo off\necho another" if os.name == "nt" else "#!/bin/sh\necho another")
    pip.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    shell = subprocess.run(
        "pip install NAME",
        shell=True,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert shell.stdout == "another\n"


def test_percent_pip_installs_for_the_python_that_runs_the_notebook(capsys):
    says(
        NOTEBOOK,
        "The percent sign, `%pip install NAME`, always installs for the Python that runs this notebook.",
    )
    commands: list[str] = []
    shell = types.SimpleNamespace(system=commands.append)
    PackagingMagics.pip(types.SimpleNamespace(shell=shell), "install NAME")
    (command,) = commands
    assert shlex.split(command) == [sys.executable, "-m", "pip", "install", "NAME"]
    note = "Note: you may need to restart the kernel to use updated packages.\n"
    assert capsys.readouterr().out == note
    assert stored_text("pip-install-quiet-disable-pip-version-ch") == note


def test_numpy_was_there_already():
    says(NOTEBOOK, "NumPy was there already, so nothing was fetched.")
    assert cell_with("pip-install-quiet-disable-pip-version-ch").source.split()[-1] == "numpy"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "numpy"]
    printed = subprocess.run(command, capture_output=True, text=True).stdout
    assert "Requirement already satisfied: numpy" in printed and "Would install" not in printed


def test_an_imported_package_is_replaced_only_by_a_restart(tmp_path, monkeypatch):
    says(
        NOTEBOOK,
        "a package that has been imported is not replaced by installing it anew; restart the kernel for that.",
    )
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "imported_once.py"
    package.write_text("version = 'old'")
    importlib.import_module("imported_once")
    package.write_text("version = 'newer'")
    assert importlib.import_module("imported_once").version == "old"
    code = "import imported_once; print(imported_once.version)"
    fresh = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert fresh.stdout == "newer\n"


def test_the_same_cell_prints_2_3_4_when_it_runs_again(capsys):
    says(NOTEBOOK, "a name defined in one cell is known in the next")
    says(NOTEBOOK, "Run that cell three more times")
    says(NOTEBOOK, "Its source has not changed, yet it prints 2, 3, 4.")
    says(NOTEBOOK, "depends on the **order in which you ran its cells**, not on their order on the")
    cell = run(NOTEBOOK)["runs-runs-1"]
    assert re.findall(r"\d+", cell.printed)[0] == "1"
    names, source = dict(cell.names), cell_with("runs-runs-1").source
    for _ in range(3):
        exec(source, names)
    exec(cell_with("runs-0").source, names)
    exec(source, names)
    counted = re.findall(r"has run (\d+) times?", capsys.readouterr().out)
    assert counted == ["2", "3", "4", "1"]


def test_the_keys_are_those_of_jupyterlab():
    says(
        NOTEBOOK,
        "A few keys that help in JupyterLab: **Shift+Enter** runs a cell and goes on, **Ctrl+Enter** stays, "
        "**Esc** leaves the cell, after which **A** and **B** add a cell above and below, "
        "**M** turns it into text and **Y** back into code.",
    )
    assert jupyterlab_keys() >= {
        ("run-cell-and-select-next", "Shift Enter"),
        ("run-cell", "Accel Enter"),  # Ctrl; on a Mac, Command
        ("enter-command-mode", "Escape"),
        ("insert-cell-above", "A"),
        ("insert-cell-below", "B"),
        ("change-cell-to-markdown", "M"),
        ("change-cell-to-code", "Y"),
    }


def test_a_traceback_is_read_from_the_end():
    says(NOTEBOOK, "names the error that is to come, catches it and prints it")
    says(
        NOTEBOOK,
        "The **last line** says what happened: the type of the error, `ZeroDivisionError`, and a message,",
    )
    says(NOTEBOOK, "Above it stand the calls that led there, the latest one last.")
    says(NOTEBOOK, "because an empty list has the length 0.")
    printed = run(NOTEBOOK)["traceback"].printed
    assert printed.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert printed.index("average([])") < printed.index("return sum(numbers) / len(numbers)")
    (output,) = cell_with("traceback").outputs  # in Jupyter's form
    lines = output.text.splitlines()
    assert lines[-1] == printed.splitlines()[-1]
    says(
        NOTEBOOK,
        "For each you see where it stands, a few lines of code, and an arrow at the line that was running.",
    )
    places = [number for number, line in enumerate(lines) if line.startswith("Cell In[")]
    arrows = [line.split(None, 2)[2] for line in lines if line.startswith("----> ")]
    assert len(places) == 2
    assert arrows == ["average([])", "return sum(numbers) / len(numbers)"]


def test_elsewhere_only_the_own_lines_and_the_last_one_are_printed():
    says(NOTEBOOK, "From here on the course prints just these.")
    whole = [
        f"{path.stem}, {cell.id}"
        for path in NOTEBOOKS
        for cell in code_cells(path)
        if "whole=True" in cell.source
    ]
    assert whole == ["01_workspace, traceback"]
