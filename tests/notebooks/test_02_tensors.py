"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import tensorflow as tf

from support import runtime
from tests.curriculum import (
    NOTEBOOKS,
    alt_text,
    code_cells,
    end_of,
    equal,
    run,
    says,
    source_of,
    without_pip,
)

NOTEBOOK = "02_tensors"


def test_rank_is_the_length_of_the_shape():
    says(
        NOTEBOOK,
        "a single number (a *scalar*) has rank 0, a row of numbers (a *vector*) rank 1, "
        "a table (a *matrix*) rank 2, a stack of tables rank 3.",
    )
    says(
        NOTEBOOK,
        "The **shape** lists how many entries there are along each axis, so the rank is the length of the shape.",
    )
    says(
        NOTEBOOK, "Its shape lists the entries along each axis, and its rank is the number of axes."
    )
    cell = run(NOTEBOOK)["scalar-tf-constant-7"]
    stack = tf.stack([cell.matrix, cell.matrix])
    for rank, tensor in enumerate([cell.scalar, cell.vector, cell.matrix, stack]):
        assert tf.rank(tensor) == len(tensor.shape) == rank
        assert tuple(tensor.shape) == np.array(tensor.numpy().tolist()).shape
    assert cell.printed == "rank 0 shape ()\nrank 1 shape (3,)\nrank 2 shape (2, 3)\n"


def test_the_grids_show_a_scalar_a_vector_and_a_matrix():
    assert alt_text(NOTEBOOK, "plots-show") == (
        "One box holding 7, shape (); a row of three boxes holding 1 to 3, shape (3,); "
        "a grid of two rows and three columns holding 1 to 6, shape (2, 3)."
    )
    (axes,) = run(NOTEBOOK)["plots-show"].figures[0].axes
    drawn = "scalar 7 () vector 1 2 3 (3,) matrix 1 2 3 4 5 6 (2, 3)"
    assert [text.get_text() for text in axes.texts] == re.findall(r"\(.*?\)|\S+", drawn)


def test_a_shape_is_read_as_one_indexes():
    says(
        NOTEBOOK,
        "in a tensor of shape (2, 3), the first index picks one of 2 rows and the second one of 3 columns.",
    )
    matrix = end_of(NOTEBOOK).matrix
    assert matrix.shape == (2, 3)
    assert [matrix[row].shape for row in range(2)] == [(3,)] * 2
    assert [matrix[:, column].shape for column in range(3)] == [(2,)] * 3
    for index in [(2, 0), (0, 3)]:
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
            matrix[index]


def test_a_row_is_no_column():
    says(
        NOTEBOOK,
        "A shape of (3,) is not (3, 1): the first is a row of three numbers with rank 1, "
        "the second a table with one column and rank 2.",
    )
    row, column = tf.ones((3,)), tf.ones((3, 1))
    assert row.shape != column.shape
    assert (tf.size(row), tf.rank(row)) == (3, 1)
    assert (column.shape[1], tf.rank(column)) == (1, 2)


def test_3_1_ones_and_zeros():
    cell = run(NOTEBOOK)["listing-3.1"]
    for tensor, value in [(cell.ones, 1), (cell.zeros, 0)]:
        assert isinstance(tensor, tf.Tensor)
        assert tensor.dtype == tf.float32
        equal(tensor, np.full((2, 1), value))
        assert str(tensor) in cell.printed


def test_3_1_takes_the_shape_in_one_pair_of_parentheses():
    says(NOTEBOOK, "The two plainest ways to make a tensor.")
    says(NOTEBOOK, "You give the shape, in one pair of parentheses; the values are all the same.")
    source = source_of(NOTEBOOK, "listing-3.1")
    assert re.findall(r"tf\.(\w+)\(shape=\(2, 1\)\)", source) == ["ones", "zeros"]
    for make in (tf.ones, tf.zeros):
        assert len(np.unique(make((2, 3)))) == 1
        assert make((2, 3)).shape == (2, 3) != make(2, 3).shape


def test_printing_shows_values_shape_and_dtype():
    says(
        NOTEBOOK,
        "Printing shows three things: the **values**, between brackets as deep as the rank; the **shape**; "
        "and the **dtype**, the kind of number.",
    )
    for rank in range(4):
        tensor = tf.ones((2,) * rank)
        values, shape, dtype = re.fullmatch(
            r"tf\.Tensor\(\n?(.+?), shape=(\(.*\)), dtype=(\w+)\)", str(tensor), re.DOTALL
        ).groups()
        assert re.match(r"\[*", values)[0] == "[" * rank and values.count("1.") == 2**rank
        assert (shape, dtype) == (str(tensor.shape), tensor.dtype.name)


def test_float32_has_32_bits_and_about_seven_digits():
    says(
        NOTEBOOK,
        "it may have digits after the point, and is kept in 32 bits, which is enough for about seven digits. "
        "It is TensorFlow's default for such numbers",
    )
    number = tf.constant(1.5)
    assert number.dtype == tf.float32 and number.numpy() == 1.5
    assert number.dtype.size * 8 == 32
    assert -math.log10(np.finfo("float32").eps) == pytest.approx(7, abs=0.1)
    assert tf.constant(1.000001) != 1  # seven digits
    assert tf.constant(1.00000001) == 1  # nine


def test_3_2_random_tensors():
    cell = run(NOTEBOOK)["listing-3.2"]
    runtime.set_up(seed=0)
    equal(
        cell.normal, tf.random.normal((3, 1), mean=0.0, stddev=1.0)
    )  # the same first draws after the same seed
    equal(cell.uniform, tf.random.uniform((3, 1), minval=0.0, maxval=1.0))
    assert cell.normal.dtype == cell.uniform.dtype == tf.float32
    assert np.all((cell.uniform >= 0) & (cell.uniform < 1))
    assert str(cell.normal) in cell.printed
    assert str(cell.uniform) in cell.printed


def test_a_second_run_gives_the_next_random_numbers_and_a_restart_the_same(capsys):
    says(
        NOTEBOOK,
        "The set-up cell has fixed the seed of the random generator, so you see the same numbers after every restart "
        "of the kernel. Run a cell twice, and you get the next ones.",
    )

    def printed() -> str:
        exec(source_of(NOTEBOOK, "listing-3.2"), {"tf": tf})
        return capsys.readouterr().out

    exec(without_pip(source_of(NOTEBOOK, "setup")), {})
    first, second = printed(), printed()
    ready, _, first = first.partition("\n")
    assert ready.startswith("All is ready.") and first == run(NOTEBOOK)["listing-3.2"].printed
    assert second != first
    exec(without_pip(source_of(NOTEBOOK, "setup")), {})
    assert printed() == f"{ready}\n{first}"


def test_ten_thousand_numbers_show_the_bell_curve_and_the_interval():
    says(NOTEBOOK, "`tf.random.normal` draws from the bell curve")
    says(NOTEBOOK, "`tf.random.uniform` gives every number of an interval the same chance.")
    says(NOTEBOOK, "Three numbers say little about a distribution; ten thousand show it.")
    cell = end_of(NOTEBOOK)
    normal, uniform = np.sort(cell.many_normal), np.sort(cell.many_uniform)
    assert (len(cell.normal), len(normal), len(uniform)) == (3, 10_000, 10_000)
    shares = np.arange(1, 10_001) / 10_000
    below = [(1 + math.erf(number / math.sqrt(2))) / 2 for number in normal]
    assert np.abs(shares - below).max() < 0.016  # Kolmogorov and Smirnov's limit at 1 %
    assert np.abs(shares - uniform).max() < 0.016
    assert abs(normal.mean()) < 0.05 < abs(np.mean(cell.normal))
    assert abs(normal.std() - 1) < 0.05 < abs(np.std(cell.normal) - 1)


def test_the_histograms_show_a_bell_and_a_block():
    assert alt_text(NOTEBOOK, "plots-show-2") == (
        "Two histograms of 10,000 draws on the same scale. The normal ones form a bell around 0, nearly all between "
        "-3 and 3. The uniform ones form a tall, flat block from 0 to 1."
    )
    panels = run(NOTEBOOK)["plots-show-2"].figures[0].axes
    assert [axes.get_title() for axes in panels] == ["normal", "uniform"]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels}) == 1
    bell, block = (np.array([bar.get_height() for bar in axes.patches]) for axes in panels)
    left = np.array([bar.get_x() for bar in panels[0].patches])
    right = left + panels[0].patches[0].get_width()
    middles = (left + right) / 2
    assert bell.sum() == block.sum() == 10_000
    assert abs(middles[bell.argmax()]) < 0.5
    assert bell[np.abs(middles) < 0.5].min() > 2 * bell[np.abs(middles) > 1.5].max()
    assert 0.99 < bell[np.abs(middles) < 3].sum() / 10_000 < 1
    assert block[(right > 0) & (left < 1)].sum() == 10_000
    assert (
        block[(left > 0) & (right < 1)].min() > 0.9 * block.max() and block.max() > 2 * bell.max()
    )


def test_about_two_thirds_of_normal_numbers_lie_within_one_standard_deviation():
    says(
        NOTEBOOK,
        "The normal numbers gather around 0 and about two thirds of them lie within one standard deviation.",
    )
    numbers = end_of(NOTEBOOK).many_normal.numpy()
    assert np.mean(np.abs(numbers) < 1) == pytest.approx(0.683, abs=0.02)
    left, middle, right = np.histogram(numbers, bins=[-1.5, -0.5, 0.5, 1.5])[0]
    assert middle > 1.5 * max(left, right)


def test_uniform_numbers_fill_the_interval_evenly_with_0_and_without_1():
    says(NOTEBOOK, "The uniform ones fill [0, 1) evenly: 0 is possible, 1 is not.")
    counts, _ = np.histogram(end_of(NOTEBOOK).many_uniform, bins=10, range=(0, 1))
    assert counts.sum() == 10_000
    assert np.all(np.abs(counts - 1000) < 120)  # 4 standard deviations
    runtime.set_up(seed=0)
    numbers = tf.random.uniform((2**25,))
    assert tf.reduce_min(numbers) == 0
    assert tf.reduce_max(numbers) == 1 - 2**-23  # it draws 23 bits


def test_the_dtype_follows_the_data():
    says(NOTEBOOK, "`tf.constant` takes numbers, nested lists and NumPy arrays; `.numpy()` leads")
    says(NOTEBOOK, "From Python, whole numbers become `int32` and floats `float32`.")
    says(
        NOTEBOOK,
        "A NumPy array keeps what it has, which is usually `int64` or `float64`, twice as wide.",
    )
    says(
        NOTEBOOK,
        "`tf.ones`, `tf.zeros`, `tf.random.normal`, `tf.random.uniform` and `tf.constant` make tensors, "
        "`.numpy()` turns them into arrays.",
    )
    for make in (tf.ones, tf.zeros, tf.random.normal, tf.random.uniform, tf.constant):
        assert isinstance(make([2]), tf.Tensor) and isinstance(make([2]).numpy(), np.ndarray)
    dtypes = [
        line.split(":")[1].strip()
        for line in run(NOTEBOOK)["print-python-ints-tf-constant-1-2-dtype"].printed.splitlines()
    ]
    assert dtypes == ["int32", "float32", "int64", "float64", "float32", "ndarray"]
    for data in (7, 7.5, [[1, 2], [3, 4]], [[1.5], [2.5]]):
        tensor = tf.constant(data)
        assert tensor.dtype == (tf.float32 if "." in str(data) else tf.int32)
        assert tensor.numpy().tolist() == data
    for name in ("int8", "float16", "int64", "float64"):
        assert (
            tf.constant(np.ones(2, name)).dtype.name == tf.ones(2, name).numpy().dtype.name == name
        )
    for narrow, wide in [([1, 2], np.array([1, 2])), ([1.0], np.array([1.0]))]:
        assert wide.itemsize == 2 * tf.constant(narrow).dtype.size


def test_dtypes_do_not_mix():
    says(NOTEBOOK, "Two tensors of different dtypes don't mix, as notebook 04 shows.")
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.constant([1.0]) + tf.constant(np.array([1.0]))
    shown = " ".join(
        output.text
        for cell in code_cells(NOTEBOOKS[4])
        for output in cell.outputs
        if "text" in output
    )
    assert "expected to be a float tensor but is a int32 tensor" in " ".join(shown.split())


def test_rows_of_different_lengths_are_refused():
    says(
        NOTEBOOK,
        "The rows of a block must have the same length: `tf.constant([[1, 2], [3]])` is refused, as *non-rectangular*.",
    )
    with pytest.raises(ValueError, match="non-rectangular"):
        tf.constant([[1, 2], [3]])


def test_3_3_an_array_can_be_assigned_into():
    says(NOTEBOOK, "A NumPy array is a container: you can put another value in.")
    cell = run(NOTEBOOK)["listing-3.3"]
    assert isinstance(cell.array, np.ndarray)
    equal(cell.array, [[0, 1], [1, 1]])
    assert str(cell.array) in cell.printed


def test_3_4_a_tensor_cannot():
    says(NOTEBOOK, "A tensor is a value, like the number 7: it cannot become another one.")
    says(NOTEBOOK, "A tensor can be read by index but not assigned into.")
    cell = run(NOTEBOOK)["listing-3.4"]
    equal(cell.tensor, np.ones((2, 2)))
    line, message = cell.printed.splitlines()
    assert line == "----> tensor[0, 0] = 0.0"
    assert message.startswith("TypeError: ")
    assert message.endswith("object does not support item assignment")
    assert cell.tensor[0, 0] == 1
    number = 7
    for value in (number, cell.tensor):
        with pytest.raises(TypeError, match="object does not support item assignment"):
            value[0] = 8


def test_the_message_names_the_module_and_is_pythons_own():
    says(
        NOTEBOOK,
        "`does not support item assignment` is Python's way of saying that the square brackets can read here but not "
        "write.",
    )
    says(
        NOTEBOOK,
        "`'tensorflow.python.framework.ops.EagerTensor' object does not support item assignment`.",
    )
    says(NOTEBOOK, "In full it names the module too:")
    assert run(NOTEBOOK)["listing-3.4"].printed.endswith(
        "'tensorflow.python.framework.ops.EagerTensor' object does not support item assignment\n"
    )
    readable = (7, 8)
    assert readable[0] == 7
    with pytest.raises(TypeError, match="'tuple' object does not support item assignment"):
        readable[0] = 8


def test_reading_works_as_in_numpy():
    says(NOTEBOOK, "Reading works as in NumPy, with slices, negative indices and steps.")
    says(
        NOTEBOOK,
        "(A *list* of indices does not: `tensor[[0, 1]]` is one number, where NumPy takes two rows.)",
    )
    cell = run(NOTEBOOK)["tensor-tf-reshape-tf-range-6-0-2-3"]
    array = np.arange(6.0).reshape(2, 3)
    for index in np.index_exp[0], np.index_exp[:, -1], np.index_exp[:, -1:], np.index_exp[1, ::2]:
        equal(cell.tensor[index], array[index])
    equal(cell.tensor[..., None, ::-1], array[..., None, ::-1])
    equal(cell.tensor[[0, 1]], array[0, 1])
    assert array[[0, 1]].shape == (2, 3)
    assert cell.printed.splitlines() == [
        f"all:          {array.tolist()}",
        f"first row:    {array[0]}",
        f"last column:  {array[:, -1]}",
        f"last column, rank kept: {array[:, -1:].shape}",
    ]


def test_a_changed_tensor_is_a_new_one():
    says(
        NOTEBOOK,
        "To get a tensor that differs in one place, make a new one. The old one stays as it was.",
    )
    before = run(NOTEBOOK)["tensor-tf-reshape-tf-range-6-0-2-3"].tensor
    cell = run(NOTEBOOK)["changed-tf-tensor-scatter-nd-update-tens"]
    assert cell.tensor is before and cell.changed is not before
    equal(cell.tensor, np.arange(6).reshape(2, 3))
    assert np.sum(cell.changed != cell.tensor) == 1
    assert cell.printed == (
        "new: [[9.0, 1.0, 2.0], [3.0, 4.0, 5.0]]\nold: [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]\n"
    )
