"""Exercises of notebook 02, on tensors."""

import ast

import numpy as np
import tensorflow as tf

from support.exercises.engine import exercise

NOTEBOOK = "02_tensors"
SHAPES = "A block of numbers"
MAKING = "From Python and NumPy, and back"
READING = "What an array allows and a tensor refuses"


def numbered(rows, columns):
    """A table of the numbers 1, 2, 3, …, each different, so that a wrong place shows."""
    return tf.constant(np.arange(1.0, rows * columns + 1, dtype="float32").reshape(rows, columns))


# Exercise 1


@exercise(
    NOTEBOOK,
    see=MAKING,
    cases=[([1, 2, 3],), ([0.5],), ([-1.5, 2.0],), ([7],), ([0, 0.25, -9, 2, 2],)],
    pairs=True,
    hints=[
        "`tf.constant` makes a tensor of a list; its argument `dtype` says which kind of number.",
        "That tensor has rank 1. `tf.reshape(tensor, shape)` gives the same numbers another shape.",
        "In a shape, -1 stands for as many as there are: (-1, 1) is one column.",
    ],
)
def as_column(numbers):
    return tf.reshape(tf.constant(numbers, dtype="float32"), (-1, 1))


as_column.slip(
    "The numbers lie in a row of rank 1. A column is a table with one entry in each row: rank 2, shape (n, 1).",
    "(-1, 1)",
    "(-1,)",
    see=SHAPES,
)
as_column.slip(
    "This is a table with one row, shape (1, n). In a column each number has a row of its own: shape (n, 1).",
    "(-1, 1)",
    "(1, -1)",
    see=SHAPES,
)
as_column.slip(
    'The dtype follows the data: whole numbers in the list make `int32`. Say `dtype="float32"`.',
    ', dtype="float32"',
    "",
)
as_column.mistake_if(
    "The number of rows is fixed in your code. A -1 in the shape stands for as many as there are.",
    lambda attempt: attempt.called.error and "3, 1" in attempt.source,
)
as_column.mistake_if(
    "A tensor is no array, and has few methods. `tf.reshape` takes the tensor and the new shape.",
    lambda attempt: attempt.fails_with("EagerTensor object has no attribute"),
)


# Exercise 2


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(3, 3), (4, 5), (5, 3), (2, 2)],
    given=lambda rows, columns: (numbered(rows, columns),),
    pairs=True,
    hints=[
        "A slice `start:stop` leaves out what comes before `start`, and `stop` itself with all that follows.",
        "Negative positions count from the end: `1:-1` leaves out the first and the last.",
        "One pair of brackets takes a slice for each axis, with a comma between them.",
    ],
)
def without_border(image):
    return image[1:-1, 1:-1]


without_border.slip(
    "Two rows are cut off at each end, and no columns. A second pair of brackets after `image[1:-1]` "
    "cuts rows again: give both slices in one pair, with a comma between them.",
    "1:-1, 1:-1",
    "1:-1][1:-1",
)
for wrong, words in {
    ":": "none is cut off. `1:-1` leaves out the first and the last.",
    "1:": "the last is still there. An end of -1, as in `1:-1`, leaves it out.",
    ":-1": "the first is still there. Positions count from 0, so a slice from 1 leaves it out.",
    "2:-1": "two are cut off at the beginning. Positions count from 0, so 1 is the second.",
    "1:-2": "two are cut off at the end. An end of -1 leaves out the last alone.",
    "2:-2": "two are cut off at each end. One was asked for.",
    "2:": "two are cut off at the beginning, and none at the end.",
    ":-2": "two are cut off at the end, and none at the beginning.",
}.items():
    without_border.slip(
        f"Of the rows and of the columns, {words}", "1:-1, 1:-1", f"{wrong}, {wrong}"
    )
    without_border.slip(f"Of the rows, {words}", "[1:-1,", f"[{wrong},")
    without_border.slip(f"Of the columns, {words}", ", 1:-1]", f", {wrong}]")

without_border.mistake_if(
    "The slice has a fixed end, so it fits images of one size. Count from the end instead.",
    lambda attempt: any(
        isinstance(node, ast.Slice) and isinstance(node.upper, ast.Constant)
        for node in ast.walk(attempt.tree)
    ),
)


# Exercise 3


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(3, 3, 1), (2, 2, 1), (3, 2, 0), (2, 4, 1), (4, 3, 3), (1, 1, 0)],
    given=lambda rows, columns, row: (numbered(rows, columns), row, -tf.range(1.0, columns + 1)),
    hints=[
        "Nothing can be put into a tensor: make a new one.",
        "Either update a copy, with `tf.tensor_scatter_nd_update`, as the notebook does for one entry, "
        "or join what comes before the row, the new row, and what comes after it.",
        "With `indices=[[row]]` an update is a whole row; `tf.concat([a, b, c], axis=0)` joins tables of rank 2.",
    ],
)
def with_row(matrix, row, values):
    return tf.tensor_scatter_nd_update(matrix, indices=[[row]], updates=[values])


for error, words in {
    "Tensor' object does not support item assignment": (
        "A tensor can't be assigned into, as Listing 3.4 shows. Make a new one, in which this row is another."
    ),
    "no attribute 'assign'": (
        "A tensor has no `assign`, and nothing can be put into it. Make a new one, in which this row is another."
    ),
    "Ranks of all input": (
        "`tf.concat` joins tensors of the same rank. A slice of the matrix has rank 2, but `values` has rank 1, "
        "as has a single row of the matrix. Brackets make a table of it: `[values]`."
    ),
}.items():
    with_row.mistake_if(words, lambda attempt, error=error: attempt.fails_with(error))
with_row.mistake_if(
    "`tf.stack` makes a new axis of tensors of one shape. `tf.concat` puts tables one below the other.",
    lambda attempt: (
        attempt.calls("stack")
        and (attempt.fails_with("Shapes of all inputs") or attempt.difference.kind == "rank")
    ),
)
with_row.mistake_if(
    "`tf.concat` takes the pieces as one list, and after it the axis, which is 0 for rows.",
    lambda attempt: (
        "concat(" in attempt.called.line
        and attempt.fails_with("Missing required positional argument", "must have rank 0")
    ),
)
with_row.mistake_if(
    "`tf.tensor_scatter_nd_update` takes a list of positions, each of which is a list itself, "
    "and a list of what comes there: `[[row]]` and `[values]`.",
    lambda attempt: attempt.fails_with("of indices", "Indices shape", "Inner dimensions"),
)
with_row.mistake_if(
    "The matrix has no row of this number. Rows count from 0.",
    lambda attempt: attempt.fails_with("does not index into", "out of bounds", "out of range"),
)
for where, place in {
    "before the old one": lambda matrix, row: row,
    "behind the old one": lambda matrix, row: row + 1,
    "at the end": lambda matrix, row: len(matrix),
    "at the beginning": lambda matrix, row: 0,
}.items():
    with_row.mistake(
        f"The new row stands {where}, and the old one is still there. It is to take the place of the old one.",
        lambda matrix, row, values, place=place: tf.concat(
            [matrix[: place(matrix, row)], [values], matrix[place(matrix, row) :]], axis=0
        ),
    )
for place, words in {
    "row + 1": "Row `row + 1` has been replaced, one too far: rows count from 0.",
    "row - 1": "Row `row - 1` has been replaced, one too early: rows count from 0.",
    "0": "Always the first row is replaced, whatever `row` says.",
    "len(matrix) - 1": "Always the last row is replaced, whatever `row` says.",
}.items():
    with_row.slip(words, "[[row]]", f"[[{place}]]")
with_row.mistake(
    "The pieces were put side by side, along the columns. Rows stand one below the other, along axis 0.",
    lambda matrix, row, values: tf.concat([matrix[:row], [values], matrix[row + 1 :]], axis=1),
)
with_row.mistake(
    "The matrix comes back as it was. An update makes a new tensor, and that is what to return.",
    lambda matrix, row, values: matrix,
)
with_row.slip(
    "The values have been added to the row; they are to stand in its place.", "nd_update", "nd_add"
)
with_row.mistake_if(
    "The values lie along a column, so each went to another row. They are to be one row.",
    lambda attempt: attempt.called.value[0, attempt.case[2]] == -1.0,
)
with_row.mistake_if(
    "Tensors are not lists: `+` adds their numbers, and does not put one below the other. `tf.concat` does.",
    lambda attempt: (
        attempt.difference and "] + " in attempt.source and "list" not in attempt.source
    ),
)
with_row.mistake_if(
    "A row is missing. Before the new row comes `matrix[:row]`, and after it `matrix[row + 1:]`.",
    lambda attempt: len(attempt.called.value) == len(attempt.expected.value) - 1,
)


# Exercise 4


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


checkerboard.mistake_if(
    "A tensor can't be assigned into. Assign into a NumPy array, and convert it at the end.",
    lambda attempt: attempt.fails_with("Tensor' object does not support item assignment"),
)
checkerboard.slip(
    "The corner at the top left is to be 0: zeros and ones have changed places.",
    "(board)",
    "(1 - board)",
)
checkerboard.slip(
    "Every row is the same, which makes stripes. Odd rows are to begin with 1.",
    "board[1::2, ::2]",
    "board[1::2, 1::2]",
)
checkerboard.slip(
    "Within a row every entry is the same, which makes stripes.",
    "board[::2, 1::2]",
    "board[1::2, 1::2]",
)
checkerboard.slip(
    "There are ones in the even rows alone; the odd rows need theirs, one place further to the left.",
    "    board[1::2, ::2] = 1.0\n",
    "",
)
checkerboard.slip(
    "There are ones in the odd rows alone; the even rows need theirs, one place further to the right.",
    "    board[::2, 1::2] = 1.0\n",
    "",
)
checkerboard.mistake(
    "Counting on through the rows alternates only where a row has an odd number of entries. "
    "With an even number, the next row begins as the last one did: stripes.",
    lambda rows, columns: tf.reshape(tf.range(float(rows * columns)) % 2, (rows, columns)),
)
