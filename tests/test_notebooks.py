"""The stored notebooks: complete, in order, quiet, of one form, and without a trace of the machine they ran on."""

from __future__ import annotations

import ast
import itertools
import json
import re
import tomllib

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from support.execute.run import KERNELSPEC, Task, run_notebook
from tests.curriculum import (
    NOTEBOOKS,
    REPOSITORY,
    ROOT,
    code_cells,
    listing_tags,
    prose,
    read,
    tags,
    title,
)

EVERY_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
EXEMPT = tomllib.loads((ROOT / "tests/exempt_cells.toml").read_text(encoding="utf-8"))
KNOWN_TAGS = {
    "setup",
    "parameters",
    "machine",
    "devices",
    "raises-exception",
    "nbval-ignore-output",
}
MAX_BYTES = 1_000_000


def outputs(path):
    for number, cell in enumerate(code_cells(path), start=1):
        for output in cell.outputs:
            yield number, cell, output


def test_the_notebooks_are_all_there():
    assert [path.stem for path in NOTEBOOKS] == [
        "00_start_here",
        "01_workspace",
        "02_tensors",
        "03_variables",
        "04_tensor_operations",
        "05_gradient_tape",
        "06_linear_classifier",
        "07_layers",
        "08_models",
        "09_compile_and_fit",
        "10_validation_and_inference",
    ]


@EVERY_NOTEBOOK
def test_format_and_metadata(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}, (
            f"cell {cell.id}: store notebooks with `make notebooks`"
        )
        unknown = [
            tag for tag in tags(cell) if tag not in KNOWN_TAGS and tag not in listing_tags(cell)
        ]
        assert not unknown, f"cell {cell.id}: unknown tags {unknown}"
        assert "NBVAL_" not in cell.source, f"cell {cell.id}: exempt it by tag, and list it"
    stored = [cell["id"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    assert len(set(stored)) == len(stored), "two cells have the same id"
    assert path.stat().st_size < MAX_BYTES


@EVERY_NOTEBOOK
def test_every_code_cell_is_stored_as_executed_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"


@EVERY_NOTEBOOK
def test_errors_stand_only_where_they_are_meant_to(path):
    for number, cell in enumerate(code_cells(path), start=1):
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        assert len(errors) == ("raises-exception" in tags(cell)), f"code cell {number}: {errors}"


@EVERY_NOTEBOOK
def test_stored_outputs_are_quiet_and_name_no_folder_of_a_machine(path):
    for number, _, output in outputs(path):
        assert output.get("name") != "stderr", f"code cell {number}: {output.text}"
        text = {kind: data for kind, data in output.get("data", {}).items() if kind != "image/png"}
        stored = json.dumps([text, output.get("text", ""), output.get("traceback", "")])
        assert not re.search(r"site-packages|/tmp/|/root/|/home/|/Users/|0x[0-9a-f]{6,}", stored), (
            f"code cell {number}"
        )
    assert str(ROOT) not in path.read_text(encoding="utf-8")


@EVERY_NOTEBOOK
def test_every_figure_has_an_alt_text(path):
    for number, _, output in outputs(path):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt) > 40, (
                f"code cell {number}: show the figure with plots.show(figure, alt=…)"
            )
            assert output.data["text/plain"] == f"Figure: {alt}"
    assert not re.search(r"!\[\s*\]", prose(path)), "an image without alt text"


@EVERY_NOTEBOOK
def test_the_setup_cell_is_the_first_and_the_same_everywhere(path):
    first = code_cells(path)[0]
    assert tags(first) == ["setup"]
    assert first.source == code_cells(NOTEBOOKS[0])[0].source
    assert not first.outputs


@EVERY_NOTEBOOK
def test_one_title_and_headings_without_gaps(path):
    text = re.sub(r"```.*?```", "", prose(path), flags=re.DOTALL)
    levels = [len(hashes) for hashes in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in itertools.pairwise(levels))
    assert "## Summary" in text
    assert re.search(r"takes\s+about \d+ minutes", text)


@EVERY_NOTEBOOK
def test_the_badge_opens_this_notebook_on_colab(path):
    address = (
        f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks/{path.name}"
    )
    assert f"({address})" in prose(path)


@EVERY_NOTEBOOK
def test_links_between_notebooks_lead_to_one_and_give_its_title(path):
    for text, target in re.findall(r"\[([^]\n]+)\]\((?!https?:)([^)#\s]+)\)", prose(path)):
        assert (path.parent / target).is_file(), target
        assert text == title(path.parent / target)
    place = NOTEBOOKS.index(path)
    last = read(path).cells[-1].source
    neighbors = [
        f"Previous: [{title(other)}]({other.name})"
        for other in NOTEBOOKS[max(0, place - 1) : place]
    ]
    neighbors += [
        f"Next: [{title(other)}]({other.name})" for other in NOTEBOOKS[place + 1 : place + 2]
    ]
    assert last == " · ".join(neighbors)


def test_the_map_lists_every_notebook_with_its_own_minutes():
    rows = re.findall(
        r"^\| (\d\d) \| \[.+?\]\((\S+)\) \| .+ \| (\d+) \|$", prose(NOTEBOOKS[0]), re.MULTILINE
    )
    minutes = [re.search(r"about (\d+) minutes", prose(path))[1] for path in NOTEBOOKS]
    assert (
        rows
        == [
            (path.name[:2], path.name, time) for path, time in zip(NOTEBOOKS, minutes, strict=True)
        ][1:]
    )


@EVERY_NOTEBOOK
def test_since_2021_notes_have_the_fixed_form(path):
    for match in re.finditer(r"^.*Since 2021.*$", prose(path), re.MULTILINE):
        assert match[0].startswith(("> **Since 2021.** ", "- **Since 2021.** ")), match[0]


def test_what_the_chapter_got_wrong_is_noted():
    notes = {
        path.stem: " ".join(
            re.findall(r"^> \*\*Since 2021\.\*\*.*(?:\n>.*)*", prose(path), re.MULTILINE)
        ).replace("\n> ", " ")
        for path in NOTEBOOKS
    }
    assert (
        "multi-backend" in prose(NOTEBOOKS[1])
        and "TensorFlow, JAX or PyTorch" in notes["01_workspace"]
    )
    assert "does not support item assignment" in notes["02_tensors"]
    assert "'str' object is not callable" in notes["07_layers"]
    for subject in ("the key is `accuracy`", "keras.metrics.Accuracy()", "never defines"):
        assert subject in notes["09_compile_and_fit"]


def test_exempt_cells_are_exactly_those_listed_with_a_reason():
    found = {
        f"{path.stem}/{cell.id}"
        for path in NOTEBOOKS
        for cell in code_cells(path)
        if "nbval-ignore-output" in tags(cell)
    }
    assert found == set(EXEMPT)
    assert all(len(reason) > 20 for reason in EXEMPT.values())


@EVERY_NOTEBOOK
def test_whatever_a_notebook_defines_it_also_uses(path):
    transform = TransformerManager().transform_cell
    tree = ast.parse("\n".join(transform(cell.source) for cell in code_cells(path)))
    defined = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    imported = {
        (name.asname or name.name)
        for node in ast.walk(tree)
        if hasattr(node, "names") and isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called_by_the_base_class = {"__init__", "__call__", "build", "call", "update_state", "result"}
    assert defined | imported <= used | called_by_the_base_class


def test_a_notebook_opened_alone_in_another_folder_runs():
    task = Task("alone", NOTEBOOKS[3].read_text(encoding="utf-8"))  # in an empty folder
    result = run_notebook(task).result
    assert result.error is None
    assert result.cells == len(code_cells(NOTEBOOKS[3]))
    assert 100 < result.peak_mib < 1024
