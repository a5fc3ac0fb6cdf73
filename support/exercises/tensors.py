"""Exercises of notebook 02, on tensors."""

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from support.exercises.engine import exercise

NOTEBOOK = "02_tensors"
SHAPES = "A block of numbers"
MAKING = "From Python and NumPy, and back"
READING = "What an array allows and a tensor refuses"

SMALL = st.integers(-9, 9)


def numbered(rows, columns):
    """A table of the numbers 1, 2, 3, …, each different, so that a wrong place shows."""
    return (np.arange(1.0, rows * columns + 1).reshape(rows, columns).astype("float32"),)


@exercise(
    NOTEBOOK,
    see=MAKING,
    cases=[([1, 2, 3],), ([0.5],), ([-1.5, 2.0],)],
    space=st.tuples(st.lists(SMALL | SMALL.map(lambda number: number / 4), min_size=1, max_size=5)),
    hints=[
        "`tf.constant` makes a tensor of a list; its argument `dtype` says which kind of number.",
        "That tensor has rank 1. `tf.reshape(tensor, shape)` gives the same numbers another shape.",
        "In a shape, -1 stands for as many as there are: (-1, 1) is one column.",
    ],
)
def as_column(numbers):
    return tf.reshape(tf.constant(numbers, dtype="float32"), (-1, 1))


as_column.mistake(
    "The numbers lie in a row of rank 1. A column is a table with one entry in each row: rank 2, shape (n, 1).",
    lambda numbers: tf.constant(numbers, dtype="float32"),
    see=SHAPES,
)
as_column.mistake(
    "This is a table with one row, shape (1, n). In a column each number has a row of its own: shape (n, 1).",
    lambda numbers: tf.constant([numbers], dtype="float32"),
    see=SHAPES,
)
as_column.mistake(
    'The dtype follows the data: whole numbers in the list make `int32`. Say `dtype="float32"`.',
    lambda numbers: tf.reshape(tf.constant(numbers), (-1, 1)),
)
as_column.mistake(
    'The numbers came through NumPy, and keep its dtype. Say `dtype="float32"`, so that they are what networks use.',
    lambda numbers: tf.reshape(tf.constant(np.array(numbers)), (-1, 1)),
)
as_column.mistake(
    "This is a NumPy array; `tf.constant` makes a tensor of it.",
    lambda numbers: np.array(numbers, dtype="float32").reshape(-1, 1),
)
as_column.mistake_if(
    "The number of rows is fixed in your code. A -1 in the shape stands for as many as there are.",
    lambda attempt: "reshape" in attempt.called.line and "-1" not in attempt.called.line,
)


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(3, 3), (4, 5), (2, 2), (5, 3)],
    given=lambda rows, columns: (tf.constant(*numbered(rows, columns)),),
    hints=[
        "A slice `start:stop` leaves out what comes before `start`, and `stop` itself with all that follows.",
        "Negative positions count from the end: `1:-1` leaves out the first and the last.",
        "One pair of brackets takes a slice for each axis, with a comma between them.",
    ],
)
def without_border(image):
    return image[1:-1, 1:-1]


without_border.mistake(
    "Two pairs of brackets in a row both cut rows: the second works on what the first has left. "
    "Give both slices in one pair, with a comma between them.",
    lambda image: image[1:-1][1:-1],
)
without_border.mistake(
    "Only rows are cut off. A second slice, after a comma, is for the columns.",
    lambda image: image[1:-1],
)
without_border.mistake(
    "Only columns are cut off. The first slice is for the rows.", lambda image: image[:, 1:-1]
)
without_border.mistake(
    "The last row and the last column are still there: a slice needs an end.",
    lambda image: image[1:, 1:],
)
without_border.mistake(
    "The first row and the first column are still there: positions count from 0.",
    lambda image: image[:-1, :-1],
)
without_border.mistake(
    "Too much is cut off at the end: a slice leaves out its end, so -1 leaves out the last.",
    lambda image: image[1:-2, 1:-2],
)
without_border.mistake(
    "Too much is cut off at the beginning: positions count from 0, so 1 is the second.",
    lambda image: image[2:-1, 2:-1],
)
without_border.mistake(
    "The slice has fixed ends, so it fits images of one size. Count from the end instead.",
    lambda image: image[1:2, 1:2],
)
without_border.mistake(
    "This is the part in a corner, not the middle.", lambda image: image[:-2, :-2]
)


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(2, 2, 1), (3, 2, 1), (2, 2, 0), (2, 4, 1), (4, 3, 3), (1, 1, 0)],
    given=lambda rows, columns, row: (
        tf.constant(*numbered(rows, columns)),
        row,
        -tf.range(1.0, columns + 1),
    ),
    hints=[
        "Nothing can be put into a tensor: make a new one.",
        "Either update a copy, with `tf.tensor_scatter_nd_update`, as the notebook does for one entry, "
        "or join what comes before the row, the new row, and what comes after it.",
        "With `indices=[[row]]` an update is a whole row; `tf.concat([a, b, c], axis=0)` joins tables of rank 2.",
    ],
)
def with_row(matrix, row, values):
    return tf.tensor_scatter_nd_update(matrix, indices=[[row]], updates=[values])


with_row.mistake_if(
    "A tensor can't be assigned into, as Listing 3.4 shows. Make a new one, in which this row is another.",
    lambda attempt: (
        isinstance(attempt.called.error, TypeError)
        and "item assignment" in str(attempt.called.error)
    ),
)


@with_row.mistake("This is a NumPy array; `tf.constant` makes a tensor of it.", see=MAKING)
def _(matrix, row, values):
    array = matrix.numpy()
    array[row] = values
    return array


with_row.mistake(
    "The new row stands between the others, and the old one is still there: leave out row `row` of what follows.",
    lambda matrix, row, values: tf.concat([matrix[:row], [values], matrix[row:]], axis=0),
)
with_row.mistake(
    "The row after it has been replaced: rows count from 0.",
    lambda matrix, row, values: tf.concat([matrix[: row + 1], [values], matrix[row + 2 :]], axis=0),
)


@with_row.mistake("The row before it has been replaced: rows count from 0.")
def _(matrix, row, values):
    rows = list(matrix)
    rows[row - 1] = values
    return tf.stack(rows)


with_row.mistake(
    "Always the first row is replaced: your code does not use `row`.",
    lambda matrix, row, values: tf.concat([[values], matrix[1:]], axis=0),
)
with_row.mistake(
    "Always the last row is replaced: your code does not use `row`.",
    lambda matrix, row, values: tf.concat([matrix[:-1], [values]], axis=0),
)
with_row.mistake(
    "The matrix comes back as it was: the update is a new tensor, and that is what to return.",
    lambda matrix, row, values: matrix,
)
with_row.mistake(
    "The values have been added to the row; they are to stand in its place.",
    lambda matrix, row, values: tf.tensor_scatter_nd_add(matrix, [[row]], [values]),
)


@with_row.mistake_if(
    "The values lie along a column, so each went to another row. They are to be one row."
)
def _(attempt):
    matrix, row, values = attempt.exercise.arguments(attempt.case)
    mine = attempt.called.value.numpy()
    return mine.shape == matrix.shape and mine[0, row] == values[0]


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(2, 2), (3, 3), (2, 4), (3, 2), (1, 1), (4, 1)],
    hints=[
        "Where the number of the row and the number of the column add up to an even number, there is a 0.",
        "A NumPy array can be assigned into, and `tf.constant` makes a tensor of it when it is ready.",
        "`array[::2]` is every second row, beginning with the first; `array[1::2, ::2]` every second one of the rest.",
        "Two assignments are enough: the even rows begin with 0, 1, the odd rows with 1, 0.",
    ],
)
def checkerboard(rows, columns):
    board = np.zeros((rows, columns), dtype="float32")
    board[::2, 1::2] = 1.0
    board[1::2, ::2] = 1.0
    return tf.constant(board)


@checkerboard.mistake("The corner at the top left is to be 0: zeros and ones have changed places.")
def _(rows, columns):
    board = np.ones((rows, columns), dtype="float32")
    board[::2, 1::2] = 0.0
    board[1::2, ::2] = 0.0
    return tf.constant(board)


checkerboard.mistake(
    "Counting on through the rows alternates only where a row has an odd number of entries. "
    "With an even number, the next row begins as the last one did: stripes.",
    lambda rows, columns: tf.reshape(
        tf.cast(tf.range(rows * columns) % 2, "float32"), (rows, columns)
    ),
)


@checkerboard.mistake("Every row is the same, which makes stripes. Odd rows are to begin with 1.")
def _(rows, columns):
    board = np.zeros((rows, columns), dtype="float32")
    board[:, 1::2] = 1.0
    return tf.constant(board)


@checkerboard.mistake("Within a row every entry is the same, which makes stripes.")
def _(rows, columns):
    board = np.zeros((rows, columns), dtype="float32")
    board[1::2] = 1.0
    return tf.constant(board)


@checkerboard.mistake(
    "There are ones in the even rows alone; the odd rows need theirs, one place further to the left."
)
def _(rows, columns):
    board = np.zeros((rows, columns), dtype="float32")
    board[::2, 1::2] = 1.0
    return tf.constant(board)


@checkerboard.mistake(
    "There are ones in the odd rows alone; the even rows need theirs, one place further to the right."
)
def _(rows, columns):
    board = np.zeros((rows, columns), dtype="float32")
    board[1::2, ::2] = 1.0
    return tf.constant(board)


checkerboard.mistake(
    "Rows and columns have changed places: a shape names the rows first.",
    lambda rows, columns: tf.transpose(checkerboard.answer(rows, columns)),
    see=SHAPES,
)
checkerboard.mistake(
    'This is `float64`, NumPy\'s default. Say `dtype="float32"` when the array or the tensor is made.',
    lambda rows, columns: tf.cast(checkerboard.answer(rows, columns), "float64"),
    see=MAKING,
)
checkerboard.mistake(
    "This is a NumPy array; `tf.constant` makes a tensor of it.",
    lambda rows, columns: checkerboard.answer(rows, columns).numpy(),
    see=MAKING,
)
checkerboard.mistake_if(
    "A tensor can't be assigned into. Assign into a NumPy array, and convert it at the end.",
    lambda attempt: "item assignment" in str(attempt.called.error),
)
