"""Every listing and snippet of the chapter stands where it must. What it does is tested in tests/notebooks/."""

from __future__ import annotations

import ast
import re

import pytest

from tests.reading import NOTEBOOKS, code_cells, listing_tags, read, tags

SNIPPETS = {
    "04_tensor_operations": ["eager"],
    "05_gradient_tape": ["unwatched", "loss-gradient"],
    "06_linear_classifier": ["predictions", "boundary"],
    "07_layers": [
        "simple-dense-call",
        "dense",
        "naive",
        "shape-rule",
        "sequential",
        "call",
        "string-activation",
        "simple-dense-stack",
    ],
    "08_models": ["two-branch", "multi-head", "residual", "subclass"],
    "09_compile_and_fit": [
        "compile-strings",
        "compile-objects",
        "accuracy-trap",
        "custom",
        "catalogue",
        "pick-a-loss",
    ],
    "10_validation_and_inference": ["evaluate", "call-model", "predict"],
}

DEFINES = {
    "listing-3.1": {"ones", "zeros"},
    "listing-3.2": {"normal", "uniform"},
    "listing-3.3": {"array"},
    "listing-3.4": {"tensor"},
    "listing-3.5": {"v"},
    "listing-3.9": {"a", "b", "c", "d", "e"},
    "listing-3.10": {"input_var", "result", "gradient"},
    "listing-3.11": {"input_const", "gradient"},
    "listing-3.12": {"time", "position", "speed", "acceleration"},
    "snippet-loss-gradient": {"gradients"},
    "listing-3.13": {"num_samples_per_class", "negative_samples", "positive_samples"},
    "listing-3.14": {"inputs"},
    "listing-3.15": {"targets"},
    "listing-3.17": {"input_dim", "output_dim", "W", "b"},
    "listing-3.18": {"model"},
    "listing-3.19": {"square_loss"},
    "parameters": {"learning_rate"},  # of listing 3.20
    "listing-3.20": {"training_step"},
    "listing-3.21": {"losses"},
    "snippet-predictions": {"predictions"},
    "snippet-boundary": {"x", "y"},
    "listing-3.22": {"SimpleDense"},
    "snippet-simple-dense-call": {"my_dense", "output_tensor"},
    "snippet-dense": {"layer"},
    "snippet-naive": {"NaiveDense", "NaiveSequential"},
    "snippet-shape-rule": {"DoubleOrTriple"},
    "snippet-sequential": {"model"},
    "snippet-call": {"SketchLayer"},
    "snippet-simple-dense-stack": {"model"},
    "snippet-two-branch": {"two_branch"},
    "snippet-multi-head": {"multi_head"},
    "snippet-residual": {"residual"},
    "snippet-subclass": {"ResidualBlock"},
    "snippet-custom": {"my_custom_loss", "my_custom_metric_1"},
    "listing-3.23": {"history"},
    "listing-3.24": {"training_inputs", "training_targets", "val_inputs", "val_targets", "history"},
    "snippet-evaluate": {"loss_and_metrics", "loss_alone"},
    "snippet-call-model": {"predictions"},
    "snippet-predict": {"predictions"},
}
CALLS = {
    "snippet-evaluate": "model.evaluate(val_inputs, val_targets, batch_size=128",
    "snippet-call-model": "model(val_inputs)",
    "snippet-predict": "model.predict(val_inputs, batch_size=128",
    "snippet-compile-objects": "optimizer=keras.optimizers.RMSprop(learning_rate=0.01)",
}


def test_all_24_listings_stand_once_and_in_order():
    found = [
        tag
        for path in NOTEBOOKS
        for cell in code_cells(path)
        for tag in tags(cell)
        if tag.startswith("listing-")
    ]
    assert found == [f"listing-3.{number}" for number in range(1, 25)]


def test_all_snippets_stand_once_in_their_notebooks():
    found = {
        path.stem: [
            tag for cell in code_cells(path) for tag in tags(cell) if tag.startswith("snippet-")
        ]
        for path in NOTEBOOKS
    }
    expected = {stem: [f"snippet-{name}" for name in names] for stem, names in SNIPPETS.items()}
    assert {stem: sorted(names) for stem, names in found.items() if names} == {
        stem: sorted(names) for stem, names in expected.items()
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_listing_stands_right_below_the_heading_with_its_number_and_subject(path):
    last_heading = ""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)
            last_heading = headings[-1] if headings else ""
        for tag in listing_tags(cell):
            if tag.startswith("listing-"):
                assert re.match(
                    rf"Listing {re.escape(tag.removeprefix('listing-'))}: \S", last_heading
                ), tag


def test_each_listings_own_cell_defines_its_names():
    for path in NOTEBOOKS:
        for cell in code_cells(path):
            for tag in listing_tags(cell):
                tree = ast.parse(cell.source)
                defined = {
                    node.id
                    for node in ast.walk(tree)
                    if isinstance(getattr(node, "ctx", None), ast.Store)
                    and isinstance(node, ast.Name)
                }
                defined |= {
                    node.name
                    for node in ast.walk(tree)
                    if isinstance(node, ast.FunctionDef | ast.ClassDef)
                }
                assert DEFINES.get(tag, set()) <= defined, tag
                assert CALLS.get(tag, "") in cell.source, tag
