"""Exercises of notebook 02, on tensors."""

import ast
import re

import keras
import numpy as np
import tensorflow as tf

from support.exercises.call import Absent
from support.exercises.engine import exercise
from support.exercises.relate import relation

NOTEBOOK = "02_tensors"
SHAPES = "A block of numbers"
MAKING = "From Python and NumPy, and back"
READING = "What an array allows and a tensor refuses"


def numbered(rows, columns):
    """A table of the numbers 1, 2, 3, …, each different, so that a wrong place shows."""
    return tf.constant(np.arange(1.0, rows * columns + 1, dtype="float32").reshape(rows, columns))


class Variable:
    """Stands for a variable that an answer returns, which would pass for a tensor when compared."""


def result_of(answer, *given):
    result = answer(*given)
    return Variable() if isinstance(result, tf.Variable | keras.Variable) else result


def asks_for_a_tensor(exercise, see=MAKING):
    exercise.mistake_if(
        "This is a variable, whose numbers can change. A tensor was asked for.",
        lambda attempt: isinstance(attempt.called.value, Variable),
        see="notebook 03: A tensor that can change",
    )
    exercise.mistake_if(
        "`.numpy()` makes an array of a tensor. Leave it out: a tensor was asked for.",
        lambda attempt: (
            isinstance(attempt.called.value, np.ndarray | np.generic)
            and attempt.source.endswith(".numpy()")
        ),
        see=see,
    )


def has_one_shape(exercise, shape):
    exercise.mistake_if(
        f"A shape is one argument, in parentheses: `{shape}`. What comes after it means something else, as the dtype.",
        lambda attempt: any(
            len(each.args) > 2 or ast.unparse(each.args[1]) in ["1", *attempt.parameters]
            for each in attempt.calls("reshape", "zeros", "ones")
            if len(each.args) > 1 and re.fullmatch(r"(tf|np)\.\w+", ast.unparse(each.func))
        ),
        see=SHAPES,
    )


def unlike(attempt):
    """The result where only numbers differ.

    Raises:
        Absent: something else differs, or it is the negative, the root, the transpose.
    """
    if attempt.difference.kind != "values" or relation(attempt.difference, set()):
        raise Absent
    return attempt.difference.got


# Exercise 1


@exercise(
    NOTEBOOK,
    see=MAKING,
    cases=[([1, 2, 3],), ([2.5],), ([-1.5, 2.0],), ([7],), ([0, 0.1, -9, 2, 2],)],
    observe=result_of,
    pairs=True,
    hints=[
        "`tf.constant` makes a tensor of a list; its argument `dtype` says which kind of number.",
        "That tensor has rank 1. `tf.reshape(tensor, shape)` gives the same numbers another shape.",
        "In a shape, -1 stands for as many as there are: (-1, 1) is one column.",
    ],
)
def as_column(numbers):
    return tf.reshape(tf.constant(numbers, dtype="float32"), (-1, 1))


asks_for_a_tensor(as_column)
has_one_shape(as_column, "(-1, 1)")
as_column.mistake_if(
    "A transpose swaps two axes. Rank 1 has only one, and stays as it is: `tf.reshape` makes a column.",
    lambda attempt: (
        re.search(r"transpose|\.T\b", attempt.source) and np.ndim(attempt.called.value) == 1
    ),
    see=SHAPES,
)
for shape, words in {
    "(-1,)": "The numbers lie in a row of rank 1. A column is a table with one entry per row: rank 2, shape (n, 1).",
    "(1, -1)": "This is a table with one row, shape (1, n). In a column each number has its own row: shape (n, 1).",
}.items():
    as_column.slip(words, "(-1, 1)", shape, see=SHAPES)
as_column.mistake_if(
    "Your code asks for whole numbers. The dtype is to be `float32`.",
    lambda attempt: (
        attempt.fails_as("float_as_integer")
        or (attempt.numbers.dtype.kind == "i" and re.search(r"\bint", attempt.source))
    ),
)
DEFAULTS = "NumPy's defaults are int64 and float64. Say `float32`."
for new, words in {
    "tf.constant(numbers)": "The dtype follows the data: whole numbers in the list make `int32`. Say `float32`.",
    "np.array(numbers)": DEFAULTS,
    "np.float64(numbers)": DEFAULTS,
}.items():
    as_column.slip(words, 'tf.constant(numbers, dtype="float32")', new)
as_column.mistake_if(
    "The numbers have lost what stands behind the point.",
    lambda attempt: (
        attempt.difference.kind == "values"
        and any(
            attempt.gives(cut(attempt.expected.value)) for cut in (np.round, np.trunc, np.floor)
        )
    ),
)
as_column.mistake_if(
    "The numbers of the list are not used. The column is to hold them.",
    lambda attempt: (
        np.ndim(result := attempt.call([1, 2, 3]))
        and np.array_equal(result, attempt.call([4, 5, 6]))
    ),
)
as_column.mistake_if(
    "There is an axis too many: a column has two. Each pair of brackets makes one.",
    lambda attempt: np.ndim(attempt.called.value) > 2,
    see=SHAPES,
)
as_column.mistake_if(
    "The number of rows is fixed in your code. A -1 in the shape stands for as many as there are.",
    lambda attempt: (
        attempt.case != ([1, 2, 3],) and attempt.fails_as("reshaped_size", "no_such_index")
    ),
)
as_column.mistake_if(
    "A tensor is no array, and has few methods. `tf.reshape` takes the tensor and the new shape.",
    lambda attempt: attempt.lacks(of=tf.Tensor),
)


as_column.mistake_if(
    "There are not as many rows as numbers in the list.",
    lambda attempt: attempt.difference.kind == "shape" and attempt.called.value.shape[1] == 1,
    last=True,
)


# Exercise 2


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(3, 3), (4, 5), (5, 3), (6, 4)],
    given=lambda rows, columns: (9.0 - numbered(rows, columns),),  # with a 0 in the middle
    observe=result_of,
    pairs=True,
    hints=[
        "A slice `start:stop` leaves out what comes before `start`, and `stop` itself with all that follows.",
        "Negative positions count from the end: `1:-1` leaves out the first and the last.",
        "One pair of brackets takes a slice for each axis, with a comma between them.",
    ],
)
def without_border(image):
    return image[1:-1, 1:-1]


asks_for_a_tensor(without_border)
without_border.mistake_if(
    "`tf.slice` takes where the piece begins, and its size, which is two less than the image's.",
    lambda attempt: (
        "tf.slice" in attempt.source and getattr(attempt.difference, "kind", "") != "values"
    ),
)
without_border.slip(
    "Two rows are cut off at each end, and no columns. A second pair of brackets cuts rows again: "
    "give both slices in one pair, with a comma between them.",
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
    "2:": "two are cut off on one side, and none on the other.",
    ":-2": "two are cut off on one side, and none on the other.",
    "-1:1": "nothing is left: a slice has to end after it begins.",
}.items():
    both = f"{wrong}, {wrong}"
    without_border.slip(f"Of the rows and of the columns, {words}", "1:-1, 1:-1", both)
    without_border.slip(f"Of the rows, {words}", "[1:-1,", f"[{wrong},")
    without_border.slip(f"Of the columns, {words}", ", 1:-1]", f", {wrong}]")

for rows, columns in [("", ""), ("[0]", "[0]"), ("[0]", "")]:
    without_border.slip(
        "Rows end at `image.shape[0]`, columns at `image.shape[1]`, which may be another number.",
        "-1, 1:-1",
        f"len(image{rows}) - 1, 1:len(image{columns}) - 1",
    )
without_border.mistake_if(
    "A plain index takes one place and loses the axis. A slice, with a colon, takes a range and keeps it.",
    lambda attempt: attempt.called.value.ndim < 2 and re.search(r"[,[] ?-?\d+[],]", attempt.source),
)
without_border.mistake_if(
    "The slice has a fixed end, so it fits images of one size. Count from the end instead.",
    lambda attempt: any(
        isinstance(node, ast.Slice) and getattr(node.upper, "value", 0)
        for node in ast.walk(attempt.tree)
    ),
)


without_border.mistake_if(
    "A tensor can't be changed. Take a part of it, with slices.",
    lambda attempt: attempt.fails_as("item_assignment"),
)
without_border.mistake_if(
    "The result is as large as the image: the border is still there. Cut it off.",
    lambda attempt: attempt.called.value.shape == attempt.case,
    last=True,
)


# Exercise 3


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(3, 3, 1), (2, 2, 1), (3, 2, 0), (2, 4, 1), (4, 3, 3), (1, 1, 0), (2, 7, 1)],
    given=lambda rows, width, row: (numbered(rows, width) % 7, row, -tf.range(1.0, width + 1)),
    observe=result_of,
    hints=[
        "Nothing can be put into a tensor: make a new one.",
        "Either update a copy, with `tf.tensor_scatter_nd_update`, as the notebook does for one entry, "
        "or join what comes before the row, the new row, and what comes after it.",
        "With `indices=[[row]]` an update is a whole row; `tf.concat([a, b, c], axis=0)` joins tables of rank 2.",
    ],
)
def with_row(matrix, row, values):
    return tf.tensor_scatter_nd_update(matrix, indices=[[row]], updates=[values])


asks_for_a_tensor(with_row)
for kind, words in {
    "read_only": "This array can't be written to. `np.array` makes a copy.",
    "item_assignment": "A tensor can't be assigned into, as Listing 3.4 shows. Make a new one.",
    "joined_ranks": (
        "`tf.concat` joins tensors of the same rank. A slice of the matrix has rank 2, but `values` has rank 1. "
        "Brackets make a table of it: `[values]`."
    ),
}.items():
    with_row.mistake_if(words, lambda attempt, kind=kind: attempt.fails_as(kind))
with_row.mistake_if(
    "A tensor has no `assign`, and nothing can be put into it. Make a new one.",
    lambda attempt: attempt.lacks("assign"),
)
with_row.mistake_if(
    "`tf.stack` makes a new axis of tensors of one shape. `tf.concat` puts tables one below the other.",
    lambda attempt: (
        attempt.calls("stack")
        and (attempt.fails_as("stacked_shapes") or attempt.difference.kind == "rank")
    ),
)
with_row.mistake_if(
    "`tf.concat` takes the pieces as one list, and after it the axis, which is 0 for rows.",
    lambda attempt: attempt.fails_as("joined_along_no_axis"),
)
with_row.mistake_if(
    "`tf.tensor_scatter_nd_update` takes a list of positions, each of which is a list itself, "
    "and a list of what comes there: `[[row]]` and `[values]`.",
    lambda attempt: attempt.fails_as("scattered_shapes"),
)
with_row.mistake_if(
    "The matrix has no row of this number. Rows count from 0.",
    lambda attempt: attempt.fails_as("no_such_index"),
)
UPDATE = "tf.tensor_scatter_nd_update(matrix, indices=[[row]], updates=[values])"
for place, words in {
    "row + 1": "Row `row + 1` has been replaced, one too far: rows count from 0.",
    "row - 1": "Row `row - 1` has been replaced, one too early: rows count from 0.",
    "0": "Always the first row is replaced, whatever `row` says.",
    "len(matrix) - 1": "Always the last row is replaced, whatever `row` says.",
}.items():
    with_row.slip(words, "[[row]]", f"[[{place}]]")
for where, place in {
    "before the old one": "row",
    "behind the old one": "row + 1",
    "at the end": "len(matrix)",
}.items():
    with_row.slip(
        f"The new row stands {where}, and the old one is still there. It is to take the place of the old one.",
        UPDATE,
        f"tf.concat([matrix[:{place}], [values], matrix[{place}:]], axis=0)",
    )
for wrong, words in {
    "tf.concat([matrix[:row], [values], matrix[row + 1:]], 1)": "The pieces stand side by side. Rows lie along axis 0.",
    "matrix": "The matrix comes back as it was. An update makes a new tensor, which is what to return.",
    "tf.tensor_scatter_nd_add(matrix, [[row]], [values])": "The values have been added to the row. Replace it.",
}.items():
    with_row.slip(words, UPDATE, wrong)
with_row.mistake_if(
    "Only the new row comes back. The whole matrix was asked for.",
    lambda attempt: np.ravel(attempt.called.value).tolist() == [-1.0, -2.0, -3.0],
)
with_row.mistake_if(
    "The values lie along a column, so each went to another row. They are to be one row.",
    lambda attempt: (
        [-1.0, -2.0, -3.0] in np.transpose(attempt.called.value).tolist()
        and not attempt.gives(np.transpose(attempt.expected.value))
    ),
)
with_row.mistake_if(
    "Tensors are not lists: `+` adds their numbers. `tf.concat` puts one below the other.",
    lambda attempt: (
        attempt.difference and "] + " in attempt.source and "list" not in attempt.source
    ),
)
with_row.mistake_if(
    "A row is missing. Before the new row comes `matrix[:row]`, and after it `matrix[row + 1:]`.",
    lambda attempt: len(attempt.called.value) == len(attempt.expected.value) - 1,
)


FROM_THE_TOP = "Rows are counted from 0, at the top, not from the end."
for wrong, words in {
    "tf.tensor_scatter_nd_update(matrix, [[row, 0]], values[:1])": "Only the first entry of the row is another.",
    UPDATE.replace("row]]", "-row % len(matrix)]]"): FROM_THE_TOP,
    UPDATE.replace("row]]", "len(matrix) - 1 - row]]"): FROM_THE_TOP,
    "tf.concat([matrix[:row], matrix[row + 1:], [values]], 0)": "The new row stands at the end, not in its place.",
    "tf.concat([[values], matrix[:row], matrix[row + 1:]], 0)": "The new row stands at the top, not in its place.",
}.items():
    with_row.slip(words, UPDATE, wrong)
with_row.mistake_if(
    "More than one row has changed. Only row number `row` is to.",
    lambda attempt: (
        (unlike(attempt) != attempt.exercise.arguments(attempt.case)[0].numpy()).any(1).sum() > 1
    ),
    last=True,
)


# Exercise 4


@exercise(
    NOTEBOOK,
    see=READING,
    cases=[(2, 2), (3, 3), (2, 4), (3, 2), (1, 1), (4, 1)],
    observe=result_of,
    pairs=True,
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


asks_for_a_tensor(checkerboard)
has_one_shape(checkerboard, "(rows, columns)")
SQUARE = "The board is always square. It is to have `rows` rows and `columns` columns."
INTEGERS = 'The numbers are integers. Say `dtype="float32"`.'
for change, words in {
    "(board) -> (1 - board)": "The corner at the top left is to be 0: zeros and ones have changed places.",
    "[1::2, ::2] -> [1::2, 1::2]": "Every row is the same, which makes stripes. Odd rows are to begin with 1.",
    "[::2, 1::2] -> [1::2, 1::2]": "Within a row every entry is the same, which makes stripes.",
    "board[1::2, ::2] = 1.0 -> pass": "There are ones in the even rows alone; those of the odd rows are missing.",
    "board[::2, 1::2] = 1.0 -> pass": "There are ones in the odd rows alone; those of the even rows are missing.",
    "float32 -> int32": INTEGERS,
    "float32 -> int64": INTEGERS,
    "float32 -> float64": 'The dtype is float64, NumPy\'s default. Say `dtype="float32"`.',
    "zeros((rows, columns) -> zeros((rows, rows)": SQUARE,
    "zeros((rows, columns) -> zeros((columns, columns)": SQUARE,
}.items():
    checkerboard.slip(words, *change.split(" -> "))
BOTH = (
    "Your ones stand where row and column number are both odd, or both even. "
    "They belong where the sum of both is odd, not the product."
)
TURNED = "A row of an odd number ends as it begins: rolled or turned round, it does not become the other row."
DIAGONAL = "Only the diagonal is different. Zeros and ones are to alternate everywhere."
for rule, words in {
    "(i * columns + j) % 2": "You count on through the rows. After an even number, a row begins as the last one did.",
    "i * j % 2": BOTH,
    "(i + 1) * (j + 1) % 2": BOTH,
    "i % 2 | j % 2": "Where row and column number are both odd there is a 1. A 0 belongs there.",
    "i + j": "Row and column number were only added. `% 2` makes 0 and 1 of the sums.",
    "i + j % 2": "`%` binds closer than `+`. Put the sum in parentheses.",
    "(i + j) // 2": "`//` halves the sum. `% 2` gives what that leaves over: 0 or 1.",
    "0 * i": "All is 0. Every second number is to be 1.",
    "i == j": DIAGONAL,
    "i != j": DIAGONAL,
    "(j - i) % columns % 2": TURNED,
    "np.where(i % 2, columns - 1 - j, j) % 2": TURNED,
}.items():
    checkerboard.slip(
        words,
        "return tf.constant(board)",
        f"i, j = np.indices(board.shape); return tf.constant(np.float32({rule}))",
    )
for words, seen in {
    "A tensor can't be assigned into. Assign into a NumPy array, and convert it at the end.": (
        lambda attempt: attempt.fails_as("item_assignment")
    ),
    "`[line] * rows` is one list, many times: what is put into one is in all.": (
        lambda attempt: (
            "] * rows" in attempt.source
            and "] = " in attempt.source
            and np.all(attempt.called.value == attempt.called.value[0])
        )
    ),
    "The board always has the same size.": (
        lambda attempt: attempt.run((2, 4)).value.shape == attempt.run((3, 3)).value.shape
    ),
    "`//` rounds down, so an odd board is one too small. Repeat once more, then cut: `[:rows, :columns]`.": (
        lambda attempt: (
            "//" in attempt.source
            and attempt.case == (3, 3)
            and attempt.called.value.shape in [(2, 2), (2, 3), (3, 2)]
        )
    ),
    "`tf.tile` repeats each axis so many times, which is more than the board here. Cut it: `[:rows, :columns]`.": (
        lambda attempt: attempt.calls("tile") and attempt.difference.kind == "shape"
    ),
    "The size is off by one. `range(n)` runs from 0 to n - 1.": (
        lambda attempt: (
            np.ptp([*np.subtract(attempt.called.value.shape, attempt.expected.value.shape), 0]) == 1
        )
    ),
}.items():
    checkerboard.mistake_if(words, seen)
for words, wrong in {
    "There are other numbers than 0 and 1.": lambda board: (board * (board - 1)).any(),
    "Somewhere in a row, two equal numbers stand side by side.": lambda board: (
        np.diff(board, axis=1) == 0
    ).any(),
    "Somewhere in a column, two equal numbers stand one below the other.": lambda board: (
        np.diff(board, axis=0) == 0
    ).any(),
}.items():
    checkerboard.mistake_if(
        words,
        lambda attempt, wrong=wrong: (
            attempt.difference.kind == "values" and wrong(attempt.difference.got)
        ),
        last=True,
    )
