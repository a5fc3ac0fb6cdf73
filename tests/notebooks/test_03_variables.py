"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tensorflow as tf

from support import runtime
from tests.curriculum import ROOT, code_cells, end_of, equal, listing_tags, run, says, source_of

NOTEBOOK = "03_variables"
CELLS = code_cells(ROOT / f"notebooks/{NOTEBOOK}.ipynb")


def test_one_variable_lives_through_the_four_listings():
    says(NOTEBOOK, "One variable `v` lives through the four listings below.")
    listings = [cell.source for cell in CELLS if listing_tags(cell)]
    assert len(listings) == 4 and all(re.search(r"\bv\b", source) for source in listings)
    assert [bool(re.search(r"^v = ", cell.source, re.MULTILINE)) for cell in CELLS].count(True) == 1
    assert listings[0].startswith("v = tf.Variable(")


def test_3_5_a_variable_from_a_random_normal():
    cell = run(NOTEBOOK)["listing-3.5"]
    assert isinstance(cell.v, tf.Variable)
    assert (cell.v.shape, cell.v.dtype) == ((3, 1), tf.float32)
    runtime.set_up(seed=0)
    equal(cell.v, tf.random.normal((3, 1)))
    assert cell.printed


def test_a_variable_needs_a_first_value_which_settles_shape_and_dtype():
    says(
        NOTEBOOK,
        "A variable needs a first value, which settles its shape and dtype for good.",
    )
    with pytest.raises(ValueError, match="initial_value"):
        tf.Variable()
    for value in (tf.ones((3, 1)), tf.ones((2,), tf.int32)):
        v = tf.Variable(value)
        assert (v.shape, v.dtype) == (value.shape, value.dtype)
        for other in (tf.ones((*v.shape, 1), v.dtype), tf.cast(value, tf.float64)):
            with pytest.raises(ValueError, match=r"Shape mismatch|Tensor conversion requested"):
                v.assign(other)


def test_a_printed_variable_begins_with_its_type_and_shows_the_numbers_of_notebook_02():
    says(NOTEBOOK, "the words `tf.Variable` in front tell them apart.")
    says(
        NOTEBOOK,
        "(The seed is the same as in notebook 02, and so are the first random numbers.)",
    )
    cell = run(NOTEBOOK)["listing-3.5"]
    assert cell.printed.startswith("<tf.Variable ")
    assert str(tf.constant(cell.v)).startswith("tf.Tensor(")
    (output,) = next(
        other.outputs
        for other in code_cells(ROOT / "notebooks/02_tensors.ipynb")
        if "listing-3.2" in listing_tags(other)
    )
    numbers = r"\[ ?(-?\d\.\d{6,}) ?\]"
    assert re.findall(numbers, cell.printed) == re.findall(numbers, output.text)[:3]
    setup, other_setup = (source_of(stem, "setup") for stem in (NOTEBOOK, "02_tensors"))
    assert "set_up(seed=0, " in setup and setup == other_setup


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("listing-3.6", [[1], [1], [1]]),
        ("listing-3.7", [[3], [1], [1]]),
        ("listing-3.8", [[4], [2], [2]]),
    ],
)
def test_3_6_to_3_8_assigning_changes_the_one_variable(tag, values):
    cell = run(NOTEBOOK)[tag]
    assert isinstance(cell.v, tf.Variable)
    equal(cell.v, values)
    assert [[float(number)] for number in re.findall(r"(\d\.)]", cell.printed)] == values
    assert not re.search(
        r"^v = ", source_of(NOTEBOOK, tag), re.MULTILINE
    )  # still the variable of listing 3.5


@pytest.mark.parametrize(
    ("sentence", "change", "values"),
    [
        ("`assign` puts new values into the same box.", lambda v: v.assign([7, 8, 9]), [7, 8, 9]),
        (
            "What a tensor refuses, a variable allows, through `assign` on the element.",
            lambda v: v[0].assign(7),
            [7, 2, 3],
        ),
        (
            "`assign_add` adds to what is in the box, and `assign_sub` subtracts.",
            lambda v: v.assign_add([7, 8, 9]),
            [8, 10, 12],
        ),
        (
            "`assign_add` adds to what is in the box, and `assign_sub` subtracts.",
            lambda v: v.assign_sub([7, 8, 9]),
            [-6, -6, -6],
        ),
    ],
)
def test_assigning_changes_the_same_box(sentence, change, values):
    says(NOTEBOOK, sentence)
    v = holder = tf.Variable([1.0, 2.0, 3.0])
    change(v)
    assert holder.numpy().tolist() == values


def test_training_subtracts_a_little_of_the_gradient_with_assign_sub():
    says(
        NOTEBOOK,
        "Training uses the second one at every step: it subtracts a little of the gradient from each weight.",
    )
    step = source_of("06_linear_classifier", "listing-3.20")
    for weight in ("W", "b"):
        assert re.search(rf"{weight}\.assign_sub\(.*\blearning_rate\b", step)


def test_3_8_assign_sub_is_shown_and_undone():
    says(
        NOTEBOOK,
        "And the difference: subtracting the same ones undoes it, and adding them again brings back the sum.",
    )
    assert run(NOTEBOOK)["v-assign-sub-tf-ones-3-1"].printed.splitlines() == [
        "after assign_sub: [3. 1. 1.]",
        "after assign_add: [4. 2. 2.]",
    ]


def test_the_grids_show_the_sum():
    cell = run(NOTEBOOK)["before-tf-constant-3-0-1-0-1-0-what-list"]
    shown = next(shown for shown in CELLS if "plots.show(" in shown.source).outputs[0]
    assert shown.metadata["image/png"]["alt"] == (
        "A column of 3, 1 and 1, plus a column of three ones, equals a column of 4, 2 and 2; each of shape (3, 1)."
    )
    (axes,) = cell.figures[0].axes
    drawn = "3 1 1 (3, 1) + 1 1 1 (3, 1) = 4 2 2 (3, 1)"
    assert [text.get_text() for text in axes.texts] == re.findall(r"\(.*?\)|\S+", drawn)


def test_names_and_boxes():
    says(
        NOTEBOOK,
        "Arithmetic on a variable reads it and gives a plain tensor. So `weight = weight + 1` does not change the box. "
        "It makes a new tensor and moves the *name* over to it; the box is left behind, "
        "and whoever holds it sees the old value.",
    )
    says(NOTEBOOK, "Assigning with `=` moves a Python name and leaves the box alone.")
    box = tf.Variable(1.0)
    name = box
    name = name + 1.0
    assert not isinstance(name, tf.Variable) and box.numpy() == 1.0
    for result in (box + 1, 1 - box, box * box, -box, box**2, tf.square(box)):
        assert isinstance(result, tf.Tensor)
    assert run(NOTEBOOK)["box-tf-variable-1-0"].printed.splitlines() == [
        "the name now holds a plain tensor of 2.0",
        "the box still holds 1.0",
    ]


def test_assign_add_changes_the_box_for_everyone_who_holds_it():
    says(NOTEBOOK, "With `assign_add` the box itself changes, for everyone who holds it.")
    cell = run(NOTEBOOK)["weight-box"]
    assert isinstance(cell.weight, tf.Variable)
    assert cell.weight.numpy() == cell.box.numpy() == 2
    assert cell.printed.splitlines() == [
        "the name still holds a variable",
        "the box now holds 2.0",
    ]


def test_the_short_form_is_refused_and_the_message_says_what_to_write():
    says(
        NOTEBOOK,
        "The short form `+=` could mean either, so TensorFlow refuses it on variables. "
        "This cell fails on purpose; the message says what to write.",
    )
    cell = run(NOTEBOOK)["box-1-0"]
    assert "RuntimeError: " in cell.printed
    assert "`variable.assign_add(value)`" in cell.printed
    assert "`out = variable + value`" in cell.printed
    assert cell.box.numpy() == 2


@pytest.mark.parametrize(
    ("sentence", "refused"),
    [
        ("`v.assign(1.0)` is refused as well", lambda v: v.assign(1.0)),
        ("(`v[0, 0] = 3.0` is refused here too.)", lambda v: v.__setitem__((0, 0), 3.0)),
    ],
)
def test_variables_refuse(sentence, refused):
    says(NOTEBOOK, sentence)
    v = tf.Variable(tf.ones((3, 1)))
    with pytest.raises((ValueError, TypeError, AttributeError)):
        refused(v)
    assert np.all(v.numpy() == 1)


def test_a_value_that_does_not_fit_is_refused_and_leaves_no_trace():
    says(
        NOTEBOOK,
        "The box keeps its shape and dtype. A value that does not fit is refused, and the variable keeps what it had.",
    )
    says(
        NOTEBOOK,
        "The message names both shapes: the variable's, and the one of the value that was offered.",
    )
    says(NOTEBOOK, "Not even a single number is stretched")
    says(NOTEBOOK, "A tensor of another dtype fares no better.")
    says(NOTEBOOK, "The refused assignments have left no trace:")
    says(NOTEBOOK, "a value of another shape, or a tensor of another dtype, is refused.")
    ran = run(NOTEBOOK)
    shape, dtype = (
        ran[cell_id] for cell_id in ("v-assign-tf-ones-3-2", "v-assign-tf-ones-3-1-dtype-tf-int32")
    )
    assert "\nValueError: " in shape.printed and "\nValueError: " in dtype.printed
    assert "variable shape (3, 1), and the assigned value shape (3, 2)" in " ".join(
        shape.printed.split()
    )
    assert "float32" in dtype.printed and "int32" in dtype.printed
    for cell in (shape, dtype):
        assert (cell.v.shape, cell.v.dtype) == ((3, 1), tf.float32)
        equal(cell.v, [[4], [2], [2]])
    assert "still: [4. 2. 2.]\n" in ran["print-still-v-numpy-ravel"].printed


def test_a_cast_converts_openly():
    says(NOTEBOOK, "`tf.cast` converts it openly.")
    cell = run(NOTEBOOK)["print-still-v-numpy-ravel"]
    equal(cell.v, np.ones((3, 1)))
    assert cell.v.dtype == tf.float32
    assert cell.printed.endswith("after the cast: [1. 1. 1.]\n")


def test_lists_and_arrays_are_converted_on_assignment():
    says(
        NOTEBOOK,
        "(Lists and NumPy arrays have no TensorFlow dtype yet, and are converted without asking.)",
    )
    v = tf.Variable(tf.ones((3, 1)))
    v.assign([[1], [2], [3]])
    v.assign(np.array([[4], [5], [6]]))
    assert v.numpy().tolist() == [[4.0], [5.0], [6.0]]


def test_trainable_is_the_default_and_decides_what_a_tape_watches():
    says(
        NOTEBOOK,
        "A variable says whether training may change it. The default is yes; a counter, say, would be told no. "
        "This flag decides what a gradient tape watches by itself",
    )
    cell = end_of(NOTEBOOK)
    assert (cell.v.trainable, cell.counter.trainable) == (True, False)
    assert run(NOTEBOOK)["counter-tf-variable-0-trainable-false"].printed == (
        "v is trainable:       True\ncounter is trainable: False\n"
    )
    watched, unwatched = tf.Variable(1.0), tf.Variable(1.0, trainable=False)
    with tf.GradientTape() as tape:
        total = watched + unwatched
    assert [variable is watched for variable in tape.watched_variables()] == [True]
    assert tape.gradient(total, [watched, unwatched])[1] is None
