"""A notebook opened on Colab: nothing but Colab's own packages, one file in an empty folder, and the set-up cell."""

from __future__ import annotations

import copy
import re

import nbformat
import pytest

from support import __version__
from tests import reading
from tests.elsewhere import colab

pytestmark = pytest.mark.skipif(
    not (colab.ENVIRONMENT / "installed").exists(),
    reason="`make elsewhere` makes the environment that Colab has",
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return colab.publish(tmp_path_factory.mktemp("github") / "repository")


def errors(notebook):
    """What was raised, cell by cell."""
    return [
        f"{output.ename}: {output.evalue}"
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


@pytest.mark.parametrize(
    "path", [reading.NOTEBOOKS[number] for number in (2, 5, 9)], ids=lambda path: path.stem
)
def test_every_cell_runs(path, repository, tmp_path):
    runtime = colab.Runtime(tmp_path, repository)
    notebook = runtime.run(copy.deepcopy(reading.read(path)))
    assert errors(notebook) == []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    noise = [
        output.text for cell in code for output in cell.outputs if output.get("name") == "stderr"
    ]
    assert noise == []
    assert [file.name for file in runtime.folder.iterdir()] == ["notebook.ipynb"]


def test_the_set_up_cell_of_every_notebook_ends_well(repository, tmp_path):
    """In one runtime: the first one installs, the others find the package there."""
    setups = [reading.code_cells(path)[0] for path in reading.NOTEBOOKS]
    cells = [nbformat.v4.new_code_cell(cell.source) for cell in setups]
    notebook = colab.Runtime(tmp_path, repository).run(nbformat.v4.new_notebook(cells=cells))
    assert errors(notebook) == []
    assert all("All is ready." in cell.outputs[-1].text for cell in notebook.cells)


def test_the_set_up_cell_adds_the_package_and_changes_no_other(repository, tmp_path):
    runtime = colab.Runtime(tmp_path, repository)
    before = runtime.freeze()
    notebook = runtime.run(colab.set_up_alone())
    assert errors(notebook) == []
    after = runtime.freeze()
    assert before <= after
    added = {re.split("==| @ ", line)[0] for line in after - before}
    assert added == {reading.PROJECT["name"], "anywidget", "psygnal"}
    assert notebook.cells[-1].outputs[0].text.splitlines()[1].startswith("tf.Tensor([1.]")


@pytest.mark.parametrize("what", ["no network", "pip refused"])
def test_without_the_package_two_lines_say_why_and_what_to_do(what, repository, tmp_path):
    runtime = colab.Runtime(tmp_path, repository if what == "pip refused" else None)
    if what == "pip refused":
        runtime.environment["PIP_REQUIRE_HASHES"] = "1"
    notebook = runtime.run(colab.set_up_alone())
    assert errors(notebook) == ["ModuleNotFoundError: No module named 'support'"]
    printed = "".join(output.get("text", "") for output in notebook.cells[1].outputs)
    assert printed.count("ERROR: ") == 1 and "Traceback" not in printed
    sentence = "pip could not fetch it, and says above why. Connect, then run this cell again."
    assert sentence in printed.splitlines()


def test_a_package_of_another_version_is_refused_in_one_line(repository, tmp_path):
    runtime = colab.Runtime(tmp_path, repository)
    notebook = runtime.run(colab.set_up_alone(replace=('curriculum="', 'curriculum="7')))
    (error,) = (output for output in notebook.cells[1].outputs if output.output_type == "error")
    (line,) = error.traceback
    assert (
        line.startswith("This notebook goes with version 70.1 of the package") and "\n" not in line
    )
    assert f"and {__version__} is installed" in line and "Disconnect and delete runtime" in line


def test_an_old_tensorflow_is_refused_in_one_line(repository, tmp_path):
    runtime = colab.Runtime(tmp_path, repository)
    notebook = colab.set_up_alone()
    notebook.cells[0].source += '; tf.__version__ = "2.15.1"'
    (error,) = (
        output for output in runtime.run(notebook).cells[1].outputs if output.output_type == "error"
    )
    (line,) = error.traceback
    assert line.startswith("This is TensorFlow 2.15.1; these notebooks need 2.16 or newer.")
