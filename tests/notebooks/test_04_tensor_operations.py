"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import itertools
import operator
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from support.explore import broadcasting
from tests.curriculum import ROOT, code_cells, end_of, equal, prose, run, says, source_of

NOTEBOOK = "04_tensor_operations"
PATH = ROOT / f"notebooks/{NOTEBOOK}.ipynb"


def test_3_9_operations():
    cell = run(NOTEBOOK)["listing-3.9"]
    for name, value in [("a", 1), ("b", 1), ("c", 1), ("d", 2), ("e", 4)]:
        equal(cell.names[name], np.full((2, 2), value))
    source = source_of(NOTEBOOK, "listing-3.9")
    for operation in ("tf.square(a)", "tf.sqrt(a)", "b + c", "tf.matmul(a, b)", "e *= d"):
        assert operation in source  # on ones, most other operations give the same values


def test_following_e_by_hand():
    says(
        NOTEBOOK,
        "The matrix product of two 2 by 2 tensors of ones adds 1·1 + 1·1 in each place, so it is 2 everywhere.",
    )
    says(NOTEBOOK, "Times `d`, which is 2 everywhere, element by element: 4.")
    cell = run(NOTEBOOK)["listing-3.9"]
    product = np.full((2, 2), 1 * 1 + 1 * 1)
    equal(tf.matmul(cell.a, cell.b), product)
    equal(cell.d, np.full((2, 2), 2))
    equal(cell.e, product * cell.d.numpy())
    equal(cell.e, np.full((2, 2), 4))


def test_the_product_in_place_makes_a_new_tensor():
    says(
        NOTEBOOK,
        "(`e *= d` does not change a tensor. It makes a new one and moves the name `e` to it.)",
    )
    names = dict(run(NOTEBOOK)["listing-3.9"].names)
    before = names["e"] = tf.constant([[1.0, 2.0]])
    names["d"] = tf.constant([[3.0, 3.0]])
    exec("e *= d", names)
    assert names["e"] is not before
    assert (before.numpy().tolist(), names["e"].numpy().tolist()) == ([[1, 2]], [[3, 6]])


def dependence(operation) -> np.ndarray:
    """Whether a result's number in row i, column j depends on the input's in row k, column l, as [i, j, k, l]."""
    inputs = tf.Variable(np.arange(1.0, 10.0).reshape(3, 3))
    with tf.GradientTape() as tape:
        result = operation(inputs, tf.constant(np.arange(2.0, 11.0).reshape(3, 3)))
    return tape.jacobian(result, inputs).numpy() != 0


def test_most_operations_work_element_by_element_and_the_matrix_product_does_not():
    says(
        NOTEBOOK,
        "Most work **element by element**: each number of the result depends on the numbers in the same place. "
        "The matrix product is different: each number of the result gathers a whole row and a whole column.",
    )
    says(NOTEBOOK, "most of them go element by element; `tf.matmul` pairs rows with columns.")
    same = np.eye(3, dtype=bool)
    same_row, same_column = same[:, None, :, None], same[None, :, None, :]
    for operation in (lambda a, b: tf.square(a), lambda a, b: tf.sqrt(a), tf.add, tf.multiply):
        np.testing.assert_array_equal(dependence(operation), same_row & same_column)
    anywhere = np.ones((3, 3, 3, 3), dtype=bool)
    np.testing.assert_array_equal(dependence(tf.matmul), same_row & anywhere)
    np.testing.assert_array_equal(dependence(lambda a, b: tf.matmul(b, a)), same_column & anywhere)


def test_eager():
    cell = run(NOTEBOOK)["snippet-eager"]
    assert "tf.Tensor(16.0, shape=(), dtype=float32)" in cell.printed
    assert "16.0" in cell.printed.splitlines()[-1]


def test_each_line_was_computed_when_it_ran():
    says(
        NOTEBOOK, "Each line was computed when it ran. Nothing had to be compiled or started first."
    )
    says(NOTEBOOK, "`.numpy()` takes it out of TensorFlow.")
    says(NOTEBOOK, "Operations run at once")
    cell = run(NOTEBOOK)["snippet-eager"]
    assert tf.executing_eagerly()
    assert isinstance(cell.total.numpy(), np.float32)
    assert "tf.function" not in "".join(code.source for code in code_cells(PATH))


GRIDS = {
    "left-tf-constant-1-0-2-0-3-0-4-0": (
        "The grid 1 2, 3 4 times, element by element, the grid 10 20, 0 1 is the grid 10 40, 0 4. All of shape (2, 2).",
        "1 2 3 4 (2, 2) * 10 20 0 1 (2, 2) = 10 40 0 4 (2, 2)",
    ),
    "plots-show": (
        "The matrix product of the grids 1 2, 3 4 and 10 20, 0 1 is the grid 10 22, 30 64. All of shape (2, 2).",
        "1 2 3 4 (2, 2) @ 10 20 0 1 (2, 2) = 10 22 30 64 (2, 2)",
    ),
    "table-tf-constant-1-2-3-4-5-6": (
        "The grid 1 2 3, 4 5 6 of shape (2, 3) plus the row 10 20 30 of shape (3,) is the grid 11 22 33, 14 25 36.",
        "1 2 3 4 5 6 (2, 3) + 10 20 30 (3,) = 11 22 33 14 25 36 (2, 3)",
    ),
    "twice-tf-broadcast-to-row-table-shape": (
        "The grid 1 2 3, 4 5 6 plus a grid whose two rows are both 10 20 30 is the same grid 11 22 33, 14 25 36.",
        "1 2 3 4 5 6 (2, 3) + 10 20 30 10 20 30 (2, 3) = 11 22 33 14 25 36 (2, 3)",
    ),
}


@pytest.mark.parametrize(("cell_id", "alt", "drawn"), [(name, *GRIDS[name]) for name in GRIDS])
def test_the_grids_show_what_their_alt_texts_say(cell_id, alt, drawn):
    (output,) = next(cell for cell in code_cells(PATH) if cell.id == cell_id).outputs
    assert output.metadata["image/png"]["alt"] == alt
    (axes,) = run(NOTEBOOK)[cell_id].figures[0].axes
    assert [text.get_text() for text in axes.texts] == re.findall(r"\(.*?\)|\S+", drawn)


def test_the_star_multiplies_place_by_place_and_matmul_rows_with_columns():
    says(NOTEBOOK, "The star multiplies place by place:")
    says(
        NOTEBOOK,
        "`tf.matmul`, which can also be written `@`, pairs the rows of the left one with the columns of the right one. "
        "The number in row *i*, column *j* is the sum over *k* of left[*i*, *k*] · right[*k*, *j*].",
    )
    cell = end_of(NOTEBOOK)
    left, right = cell.left.numpy(), cell.right.numpy()
    places = list(itertools.product(range(2), repeat=2))
    by_place, matrix_product = np.zeros((2, 2)), np.zeros((2, 2))
    for i, j in places:
        by_place[i, j] = left[i, j] * right[i, j]
        matrix_product[i, j] = sum(left[i, k] * right[k, j] for k in range(2))
    equal(cell.left * cell.right, by_place)
    equal(tf.matmul(cell.left, cell.right), matrix_product)
    equal(cell.left @ cell.right, matrix_product)
    assert not np.array_equal(by_place, matrix_product)


def test_the_64_in_the_lower_right():
    says(
        NOTEBOOK,
        "Follow the 64 in the lower right: the row 3, 4 of the left one meets the column 20, 1 of the right one, "
        "and 3·20 + 4·1 = 64.",
    )
    cell = end_of(NOTEBOOK)
    assert cell.left[-1].numpy().tolist() == [3, 4]
    assert cell.right[:, -1].numpy().tolist() == [20, 1]
    assert tf.matmul(cell.left, cell.right)[-1, -1] == 3 * 20 + 4 * 1 == 64


@pytest.mark.parametrize(("n", "k", "m"), [(1, 2, 3), (4, 1, 2), (3, 5, 1), (5, 3, 2)])
def test_the_shape_of_a_matrix_product(n, k, m):
    says(NOTEBOOK, "(n, k) @ (k, m) gives (n, m), and the two inner numbers must agree.")
    assert tf.matmul(tf.ones((n, k)), tf.ones((k, m))).shape == (n, m)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.matmul(tf.ones((n, k)), tf.ones((k + 1, m)))


def test_a_layer_is_one_matrix_product():
    says(
        NOTEBOOK,
        "Most of what a layer of a network does is one such product: "
        "(samples, inputs) @ (inputs, outputs) gives (samples, outputs).",
    )
    cell = run(NOTEBOOK)["samples-tf-ones-5-3"]
    (samples, inputs), (_, outputs) = cell.samples.shape, cell.weights.shape
    assert cell.printed == f"({samples}, {outputs})\n"
    layer = keras.layers.Dense(outputs)
    equal(layer(cell.samples), cell.samples.numpy() @ layer.kernel.numpy())
    assert layer.kernel.shape == (inputs, outputs)


def test_the_message_of_a_matrix_product_names_both_shapes():
    says(NOTEBOOK, "When the inner numbers differ, TensorFlow names both shapes.")
    says(
        NOTEBOOK,
        "Read such a message from the end: what was called (`MatMul`), and the two shapes, `[5,3]` and `[4,2]`. "
        "The 3 and the 4 should be equal. In an error of your own, a part in double braces comes first. "
        "It says on which device it happened, and can be skipped.",
    )
    cell = run(NOTEBOOK)["tf-matmul-samples-tf-ones-4-2"]
    line, shown = cell.printed.splitlines()
    assert line == "----> tf.matmul(samples, tf.ones((4, 2)))"
    first, second, called = re.fullmatch(
        r"InvalidArgumentError: .+ (\[.+\]), .+ (\[.+\]) \[Op:(.+)\] name:", shown
    ).groups()
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        tf.matmul(cell.samples, tf.ones((4, 2)))
    assert re.match(r"\{\{.+device:[CG]PU:0\}\} ", str(error.value))
    assert (first, second, called) == ("[5,3]", "[4,2]", "MatMul")
    assert cell.samples.shape == (5, 3) and first[3] == "3" != second[1] == "4"
    assert tf.matmul(cell.samples, tf.ones((3, 2))).shape == (5, 2)


def test_matmul_wants_tables_on_both_sides():
    says(
        NOTEBOOK,
        "`tf.matmul` wants tables on both sides. For a table times a row of numbers, give the row a second axis, "
        "(3,) to (3, 1), or use `tf.linalg.matvec`.",
    )
    table, row = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tf.constant([1.0, 0.0, 2.0])
    for pair in [(table, row), (row, tf.transpose(table))]:
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            tf.matmul(*pair)
    column = tf.reshape(row, (3, 1))
    equal(tf.matmul(table, column), [[7], [16]])
    equal(tf.linalg.matvec(table, row), [7, 16])


def test_a_row_is_added_to_each_row_of_a_table():
    says(NOTEBOOK, "A row added to a table is added to each of its rows:")
    says(NOTEBOOK, "It is as if the row were there twice, once for each row of the table:")
    cell = end_of(NOTEBOOK)
    for place in range(2):
        equal((cell.table + cell.row)[place], cell.table[place].numpy() + cell.row.numpy())
        equal(cell.twice[place], cell.row)
    assert cell.twice.shape == cell.table.shape
    equal(cell.table + cell.row, cell.table.numpy() + cell.twice.numpy())


def broadcast(left: tuple, right: tuple) -> tuple | None:
    """The shape that the rule gives, or None where it refuses."""
    result = []
    for one, other in itertools.zip_longest(reversed(left), reversed(right), fillvalue=1):
        if one != other and 1 not in (one, other):
            return None
        result.insert(0, other if one == 1 else one)
    return tuple(result)


def test_broadcasting_follows_the_rule_and_numpy():
    says(
        NOTEBOOK,
        "An element-wise operation wants equal shapes, or shapes that can be made equal by repeating.",
    )
    says(NOTEBOOK, "The rule is called **broadcasting** and is the same as NumPy's.")
    says(
        NOTEBOOK,
        "Going from right to left, each pair of numbers must be equal, or one of them must be 1 or missing; "
        "the 1 or the gap is then stretched to the other one.",
    )
    says(NOTEBOOK, "Broadcasting stretches axes of size 1, for better or worse.")
    shapes = [shape for rank in range(4) for shape in itertools.product((1, 2, 3), repeat=rank)]
    for left, right in itertools.product(shapes, shapes[:13]):
        expected = broadcast(left, right)
        for ones, refusal in [(tf.ones, tf.errors.InvalidArgumentError), (np.ones, ValueError)]:
            if expected is None:
                with pytest.raises(refusal):
                    ones(left) + ones(right)
            else:
                assert (ones(left) + ones(right)).shape == expected


def test_the_right_ends_of_two_shapes_line_up():
    says(NOTEBOOK, "Write the two shapes under each other so that their right ends line up:")
    says(NOTEBOOK, "(2, 3) (3,)")
    upper, lower = re.search(
        r"^ {4}( *\(2, 3\))\n {4}( *\(3,\))$", prose(PATH), re.MULTILINE
    ).groups()
    assert upper.rindex("3") == lower.rindex("3")


@pytest.mark.parametrize(
    ("row", "left", "right", "result"),
    [
        ("| (2, 3) | (3,) | (2, 3) |", (2, 3), (3,), (2, 3)),
        ("| (2, 3) | (2, 1) | (2, 3) |", (2, 3), (2, 1), (2, 3)),
        ("| (3, 1) | (1, 4) | (3, 4) |", (3, 1), (1, 4), (3, 4)),
    ],
)
def test_the_table_of_shapes(row, left, right, result):
    says(NOTEBOOK, row)
    assert (tf.ones(left) + tf.ones(right)).shape == result
    printed = run(NOTEBOOK)["for-left-shape-right-shape-in-2-3-3-2-3"].printed
    assert f"{left} + {right} gives {result}\n" in printed


def test_the_last_row_of_the_table_is_refused():
    says(NOTEBOOK, "| (2, 3) | (2,) | refused: 3 against 2 |")
    says(NOTEBOOK, "The last row of the table, run. It fails on purpose.")
    rows = [line for line in prose(PATH).splitlines() if line.startswith("| (")]
    assert rows[-1] == "| (2, 3) | (2,) | refused: 3 against 2 |"
    cell = run(NOTEBOOK)["tf-ones-2-3-tf-ones-2"]
    assert "InvalidArgumentError: Incompatible shapes: [2,3] vs. [2] " in cell.printed


def test_a_lost_axis_makes_a_table_and_the_error_silently_wrong():
    says(
        NOTEBOOK,
        "Say that a model gave three **predictions**, and that the right answers are the three **targets**. "
        "The **mean squared error** takes each difference, squares it, and averages. "
        "Both columns should have the shape (3, 1). "
        "If one of them has lost its second axis, the difference is not refused: it is stretched into a table of every "
        "prediction against every target, and the average is silently wrong.",
    )
    says(
        NOTEBOOK,
        "The predictions are perfect, so the error should be 0. One line repairs it: "
        "give the targets their axis back.",
    )
    ran = run(NOTEBOOK)
    wrong = ran["predictions-tf-constant-1-0-2-0-3-0"]
    predictions, targets = wrong.predictions.numpy(), wrong.targets.numpy()
    assert (predictions.shape, targets.shape) == ((3, 1), (3,))
    equal(predictions.ravel(), targets)
    every_pair = [[prediction - target for target in targets] for (prediction,) in predictions]
    equal(wrong.predictions - wrong.targets, every_pair)
    shape, error = (line.split(":")[1].strip() for line in wrong.printed.splitlines())
    assert shape == "(3, 3)" and float(error) == pytest.approx(np.mean(np.square(every_pair)))
    assert float(error) > 1
    repaired = ran["targets-tf-reshape-targets-3-1"]
    assert repaired.targets.shape == (3, 1)
    assert repaired.printed == "mean squared error: 0.0\n"


def test_axes_of_sums_and_means():
    says(
        NOTEBOOK,
        "With `axis=0` they go down the rows, so the first axis vanishes from the shape; "
        "with `axis=1` they go across the columns. Without `axis` everything becomes one number.",
    )
    table = end_of(NOTEBOOK).table
    rows = table.numpy().tolist()
    columns = list(zip(*rows, strict=True))
    numbers = [number for row in rows for number in row]
    assert run(NOTEBOOK)["print-table-shape-table-shape-table-nump"].printed.splitlines() == [
        f"table, shape (2, 3) = {rows}",
        f"sum over axis 0: {np.array([sum(column) for column in columns])}",
        f"sum over axis 1: {np.array([sum(row) for row in rows])}",
        f"sum of all:      {sum(numbers)}",
        f"mean of all:     {sum(numbers) / 6}",
    ]
    floats = tf.cast(table, tf.float32)
    for reduce in (tf.reduce_sum, tf.reduce_mean):
        assert reduce(floats, axis=0).shape == (3,) == table.shape[1:]
        assert reduce(floats, axis=1).shape == (2,)
        assert reduce(floats).shape == ()
    equal(tf.reduce_mean(floats, axis=0), [sum(column) / 2 for column in columns])
    equal(tf.reduce_mean(floats, axis=1), [sum(row) / 3 for row in rows])


def test_the_mean_of_integers_is_cut():
    says(NOTEBOOK, "(The mean of a table of *integers* is cut to an integer, so cast first.)")
    assert tf.reduce_mean(tf.constant([1, 2])).numpy() == 1


def test_numpy_turns_integers_into_floats_and_tensorflow_refuses():
    says(
        NOTEBOOK,
        "NumPy turns integers into floats when the two meet. TensorFlow refuses to do that with two tensors.",
    )
    says(NOTEBOOK, "Dtypes must agree.")
    for integers, floats in itertools.product(("int32", "int64"), ("float32", "float64")):
        assert (np.ones(2, integers) + np.ones(2, floats)).dtype.kind == "f"
        for operation in (operator.add, operator.sub, operator.mul):
            with pytest.raises(tf.errors.InvalidArgumentError):
                operation(tf.ones(2, floats), tf.ones(2, integers))


def test_the_message_about_dtypes():
    says(
        NOTEBOOK,
        "An `InvalidArgumentError`: input number 1, counted from zero, was expected to be a `float` tensor "
        "and is an `int32` tensor.",
    )
    says(NOTEBOOK, "(In such messages, `float` means float32 and `double` float64.)")
    shown = " ".join(run(NOTEBOOK)["tf-constant-1-0-2-0-tf-constant-1-2"].printed.split())
    assert "InvalidArgumentError: " in shown
    assert "input #1(zero-based) was expected to be a float tensor but is a int32 tensor" in shown
    for dtype, name in [(tf.float32, "float"), (tf.float64, "double")]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"expected to be a {name} tensor"):
            tf.ones(2, dtype) + tf.ones(2, tf.int32)


def test_a_cast_says_openly_what_one_wants():
    says(NOTEBOOK, "Say openly what you want with `tf.cast`.")
    printed = run(NOTEBOOK)["print-tf-constant-1-0-2-0-tf-cast-tf-con"].printed.splitlines()
    assert printed[:2] == [
        "tf.Tensor([2. 4.], shape=(2,), dtype=float32)",
        "tf.Tensor([2. 3.], shape=(2,), dtype=float32)",
    ]


def test_python_numbers_take_the_tensors_dtype_if_they_fit():
    says(NOTEBOOK, "A plain Python number takes the tensor's dtype if it fits:")
    says(
        NOTEBOOK, "1 becomes 1.0 beside a float tensor, but 0.5 is refused beside an integer tensor"
    )
    assert (tf.constant([1.0]) + 1).dtype == tf.float32
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError)):
        tf.constant([1]) * 0.5


def test_arrays_are_cut_beside_an_integer_tensor():
    says(NOTEBOOK, "A NumPy array takes the tensor's dtype even if it does *not* fit:")
    says(NOTEBOOK, "its decimals are cut off without a word")
    assert (tf.constant([1, 2]) + np.array([1.7, 2.9])).numpy().tolist() == [2, 4]
    assert (tf.constant([1, 2]) + np.array([1.7, 2.9])).dtype == tf.int32
    says(NOTEBOOK, "So make a tensor of it first.")
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.constant([1, 2]) + tf.constant(np.array([1.7, 2.9]))


def test_numpy_made_float64_of_it():
    says(
        NOTEBOOK,
        "NumPy's answer shows the other way: it mixed them without a word, and made `float64` of it, twice the memory.",
    )
    printed = run(NOTEBOOK)["print-tf-constant-1-0-2-0-tf-cast-tf-con"].printed
    assert printed.splitlines()[-1] == "NumPy: float64"
    assert 'np.array([1.0, 2.0], dtype="float32") + np.array([1, 2])' in source_of(
        NOTEBOOK, "print-tf-constant-1-0-2-0-tf-cast-tf-con"
    )
    floats, integers = np.array([1.0, 2.0], dtype="float32"), np.array([1, 2])
    assert (floats + integers).nbytes == 2 * floats.nbytes


def test_the_explorer_can_do_what_is_asked():
    says(
        NOTEBOOK,
        "Boxes with a dashed edge are stretched, dotted ones do not fit. Find a shape of rank 2 "
        "that makes 60 numbers together with (4, 1, 3), and one that does not fit it.",
    )
    assert broadcasting.STYLES["stretched"]["linestyle"] == "--"
    assert broadcasting.STYLES["misfit"]["linestyle"] == ":"
    assert broadcasting.frame(first="4, 1, 3", second="5, 1").seen.numbers["size"] == 60
    assert "do not fit" in broadcasting.frame(first="4, 1, 3", second="2, 2").seen.words
