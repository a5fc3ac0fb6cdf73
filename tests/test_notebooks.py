"""The stored notebooks: complete, in order, quiet, of one form, and without a trace of the machine they ran on."""

from __future__ import annotations

import ast
import collections
import copy
import itertools
import json
import re
import tomllib

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from support.execute.run import KERNELSPEC, make_stable
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
EXEMPT = tomllib.loads((ROOT / "tests/net/exempt_cells.toml").read_text(encoding="utf-8"))
MAX_EXEMPT_SHARE = 0.08
KNOWN_TAGS = {
    "setup",
    "parameters",
    "machine",
    "devices",
    "nbval-ignore-output",
}
MAX_BYTES = 1_000_000

#: What JupyterLab shows of a line of output without breaking a word, and of a line of code without scrolling it.
MAX_WIDTH = 100


def outputs(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            yield cell, output


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
        "11_speed_and_scale",
    ]


@EVERY_NOTEBOOK
def test_metadata_names_no_machine_and_no_run(path):
    notebook = read(path)
    assert notebook.metadata == {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}, (
        "the notebook's metadata name a kernel or a run: store it with `make notebooks`"
    )
    for cell in notebook.cells:
        known = {"tags", "jupyter", "cellView"} if "setup" in tags(cell) else {"tags"}
        assert set(cell.metadata) <= known, (
            f"cell {cell.id} has metadata beside its tags: store the notebook with `make notebooks`"
        )


@EVERY_NOTEBOOK
def test_a_notebook_is_stored_as_make_notebooks_writes_it(path):
    written = copy.deepcopy(read(path))
    make_stable(written)
    assert path.read_text(encoding="utf-8") == nbformat.writes(written) + "\n", (
        "something else than `make notebooks` wrote this file: run it"
    )


@EVERY_NOTEBOOK
def test_a_notebook_is_small(path):
    size = path.stat().st_size
    assert size < MAX_BYTES, f"{size / 1e6:.1f} MB: draw smaller figures, or print less"


@EVERY_NOTEBOOK
def test_tags_are_known_and_stand_once(path):
    for cell in read(path).cells:
        assert len(set(tags(cell))) == len(tags(cell)), f"cell {cell.id} has a tag twice"
        unknown = set(tags(cell)) - KNOWN_TAGS - set(listing_tags(cell))
        assert not unknown, f"cell {cell.id} has tags that mean nothing here: {unknown}"
        assert "NBVAL_" not in cell.source, (
            f"cell {cell.id}: exempt it by the tag nbval-ignore-output, and list it in tests/net/exempt_cells.toml"
        )
    ids = collections.Counter(cell.id for cell in read(path).cells)
    assert set(ids.values()) == {1}, f"two cells have one id: {ids.most_common(1)}"


@EVERY_NOTEBOOK
def test_every_code_cell_is_stored_as_executed_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), (
        f"the cells were not run once, top to bottom, but {counts}: run `make notebooks`"
    )


@EVERY_NOTEBOOK
def test_no_cell_raises(path):
    raised = {cell.id: output.ename for cell, output in outputs(path) if "ename" in output}
    assert not raised, (
        "an error on purpose is shown by `with runtime.shows(...)`, so that all cells run everywhere"
    )


@EVERY_NOTEBOOK
def test_no_line_is_wider_than_jupyterlab_shows(path):
    _, *cells = code_cells(path)
    lines = [line for cell in cells for line in cell.source.splitlines()]
    for _, output in outputs(path):
        data = output.get("data", {})
        shown_as_text = output.get("text", data.get("text/plain") if len(data) == 1 else "")
        lines += shown_as_text.splitlines()
    assert not [line for line in lines if len(line) > MAX_WIDTH]


@EVERY_NOTEBOOK
def test_stored_outputs_are_quiet_and_name_no_folder_of_a_machine(path):
    for cell, output in outputs(path):
        assert output.get("name") != "stderr", (
            f"cell {cell.id} prints to stderr, repair the cause: {output.text}"
        )
        text = {kind: data for kind, data in output.get("data", {}).items() if kind != "image/png"}
        stored = json.dumps([text, output.get("text", ""), output.get("traceback", "")])
        trace = re.search(r"site-packages|/tmp/|/root/|/home/|/Users/|0x[0-9a-f]{6,}", stored)
        assert not trace, f"cell {cell.id} shows {trace[0]!r}, which another machine would not"
    assert str(ROOT) not in path.read_text(encoding="utf-8")


@EVERY_NOTEBOOK
def test_every_figure_has_an_alt_text(path):
    for cell, output in outputs(path):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt) > 40, (
                f"cell {cell.id}: show the figure with plots.show(figure, alt=…), and say what it shows"
            )
            assert output.data["text/plain"] == f"Figure: {alt}", "run `make notebooks`"
    for image in re.findall(r"!\[\s*\]|<img\b(?![^>]*\balt=\"[^\"]+\")", prose(path)):
        raise AssertionError(f"an image without an alt text: {image}")


@EVERY_NOTEBOOK
def test_the_setup_cell_is_the_first_and_the_same_everywhere(path):
    first = code_cells(path)[0]
    assert first.source == code_cells(NOTEBOOKS[0])[0].source, "copy it from notebook 00"
    assert len(first.source.splitlines()) <= 6
    folded = {"cellView": "form", "jupyter": {"source_hidden": True}}  # on Colab, in JupyterLab
    assert first.metadata == {"tags": ["setup"], **folded}
    assert [output.text for output in first.outputs] == [
        "All is ready. Random numbers begin with seed 0.\n"
    ]


@EVERY_NOTEBOOK
def test_one_title_and_headings_without_gaps(path):
    text = re.sub(r"```.*?```", "", prose(path), flags=re.DOTALL)
    levels = [len(hashes) for hashes in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1 and levels.count(1) == 1, "one title, at the top, begins with one #"
    gaps = [pair for pair in itertools.pairwise(levels) if pair[1] - pair[0] > 1]
    assert not gaps, f"headings go a level deeper one at a time, and not from # to ###: {gaps}"
    assert "## Summary" in text
    assert re.search(r"takes\s+about \d+ minutes", text), "say how long the notebook takes"


@EVERY_NOTEBOOK
def test_the_badge_opens_this_notebook_on_colab(path):
    address = (
        f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks/{path.name}"
    )
    assert f"({address})" in prose(path)


@EVERY_NOTEBOOK
def test_links_between_notebooks_lead_to_one_and_give_its_title(path):
    for text, target in re.findall(r"\[([^]\n]+)\]\((?!https?:)([^)\s]+)\)", prose(path)):
        assert (path.parent / target).is_file(), f"there is no file {target} to link to"
        assert text == title(path.parent / target), f"call {target} by its title"
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


def test_exempt_cells_are_few_and_exactly_those_listed_with_a_reason():
    cells = [(path, cell) for path in NOTEBOOKS for cell in code_cells(path)]
    found = {
        f"{path.stem}/{cell.id}" for path, cell in cells if "nbval-ignore-output" in tags(cell)
    }
    assert found == set(EXEMPT), (
        "the tag nbval-ignore-output and tests/net/exempt_cells.toml differ"
    )
    assert all(len(reason) > 20 for reason in EXEMPT.values()), "give a reason"
    assert len(found) <= MAX_EXEMPT_SHARE * len(cells), "too many cells are not compared"


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
    called_by_keras = {"__init__", "__call__", "build", "call", "update_state", "result"}
    called_by_keras |= {"on_train_begin", "on_epoch_end"}
    unused = (defined | imported) - used - called_by_keras
    assert not unused, f"defined and never used, remove: {unused}"


@EVERY_NOTEBOOK
def test_every_parameter_is_used(path):
    transform = TransformerManager().transform_cell
    given, used = set(), set()
    for cell in code_cells(path):
        names = [
            node
            for node in ast.walk(ast.parse(transform(cell.source)))
            if isinstance(node, ast.Name)
        ]
        if "parameters" in tags(cell):
            given |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        used |= {node.id for node in names if isinstance(node.ctx, ast.Load)}
    assert given <= used, f"parameters that change nothing: {given - used}"
