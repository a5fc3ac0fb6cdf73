"""Exercises of notebook 04, on operations with tensors."""

import ast
import re

import numpy as np
import tensorflow as tf

from support.exercises.call import Absent
from support.exercises.engine import exercise
from support.exercises.tensors import asks_for_a_tensor, result_of, unlike

NOTEBOOK = "04_tensor_operations"
BASIC = "The basic operations"
PRODUCTS = "`*` is not the matrix product"
BROADCASTING = "Broadcasting: small shapes stretch"
AXES = "Sums and means along an axis"
DTYPES = "TensorFlow does not mix dtypes"
SHAPES = "notebook 02: A block of numbers"
CONVERTING = "notebook 02: From Python and NumPy, and back"


def scattered(rows, columns, step=7, start=0):
    """A table of small whole numbers in no order that shows: no row and no column is like another."""
    numbers = [(start + step * place) % 23 - 9.0 for place in range(rows * columns)]
    return np.reshape(numbers, (rows, columns)).tolist()


#: What lowers the rank, in NumPy's names.
REDUCTIONS = "sum", "mean", "max", "min", "std", "var"

#: Mistakes that TensorFlow refuses: the words, the section, and what shows them.
REFUSED = [
    (
        "The standard deviation and the variance are in `tf.math`, "
        "as `tf.math.reduce_std` and `tf.math.reduce_variance`.",
        "notebook 02: Listing 3.2: Random tensors",
        lambda attempt: attempt.lacks("reduce_std", "reduce_variance"),
    ),
    (
        "A tensor can't be assigned into. Compute all at once, or collect the parts in a list and `tf.stack` them.",
        "notebook 02: Listing 3.4: A tensor cannot",
        lambda attempt: attempt.fails_as("item_assignment"),
    ),
    (
        "TensorFlow's names for what shrinks an axis begin with `reduce_`: "
        "`tf.reduce_sum`, `tf.reduce_mean`, `tf.reduce_max`.",
        AXES,
        lambda attempt: attempt.lacks(*REDUCTIONS),
    ),
    (
        "TensorFlow has no function of this name. Those of the notebook are enough.",
        BASIC,
        lambda attempt: attempt.lacks(of=tf),
    ),
    (
        "A tensor does not have the methods of a NumPy array. TensorFlow has functions, as `tf.transpose`.",
        BASIC,
        lambda attempt: attempt.lacks(of=tf.Tensor),
    ),
    (
        "Two dtypes met. A count or a size that TensorFlow gives is an integer tensor: `tf.cast` it first.",
        DTYPES,
        lambda attempt: attempt.fails_as("dtypes_differ"),
    ),
    (
        "There is no such axis. A tensor of rank 2 has the axes 0 and 1, and a sum over one leaves one less.",
        AXES,
        lambda attempt: attempt.fails_as("no_such_axis"),
    ),
]


def computes_with_tensors(exercise):
    """Declare the mistakes that are possible wherever a tensor is computed."""
    asks_for_a_tensor(exercise, CONVERTING)
    for words, see, seen in REFUSED:
        exercise.mistake_if(words, seen, see=see)

    exercise.mistake_if(
        "In Python `^` is no power, and floats refuse it. `tf.square(x)` and `x**2` are squares.",
        lambda attempt: attempt.fails_as("bits_of_floats") and "^" in attempt.source,
        see=BASIC,
    )
    exercise.mistake_if(
        "The result is to be a tensor. `tf.constant` makes one of an array or of numbers, `tf.stack` of tensors.",
        lambda attempt: isinstance(
            attempt.called.value, np.ndarray | np.generic | list | tuple | int | float
        ),
        see=CONVERTING,
    )


def uses_matrix_product(attempt):
    return attempt.calls("matmul", "tensordot") or any(
        isinstance(node, ast.MatMult) for node in ast.walk(attempt.tree)
    )


# Exercise 1


@exercise(
    NOTEBOOK,
    see=BROADCASTING,
    cases=[
        ([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0]], [[1.0, 4.0, 2.0], [2.0, 1.0, 0.0]]),
        ([[2.0]], [[5.0]]),
        ([[1.0], [4.0], [0.5]], [[3.0], [1.0], [0.0]]),
        ([[1.0, 2.0, -1.0, 3.0]], [[0.5, 2.0, 1.0, -2.0]]),
        ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        (scattered(3, 3), scattered(3, 3, step=5)),
    ],
    given=lambda predictions, targets: (tf.constant(predictions), tf.constant(targets)),
    hints=[
        "Three steps, as the name says, from the last to the first: the error, its square, the mean.",
        "The error is the difference of the two tensors, element by element. `tf.square` squares each element.",
        "Without `axis`, `tf.reduce_mean` averages over everything.",
    ],
    observe=result_of,
    pairs=True,
)
def mean_squared_error(predictions, targets):
    return tf.reduce_mean(tf.square(predictions - targets))


computes_with_tensors(mean_squared_error)


# What happens to the squares
mean_squared_error.slip(
    "The mean of all is missing at the end: more than one number is left.",
    "tf.reduce_mean(tf.square(predictions - targets))",
    "tf.square(predictions - targets)",
)
mean_squared_error.slip(
    "A root is taken at the end. None was asked for.",
    "targets))",
    "targets)) ** 0.5",
    see=BASIC,
)
mean_squared_error.slip("The result is halved. No factor was asked for.", "return", "return 0.5 *")
for axis, kept in enumerate(["output", "sample"]):
    mean_squared_error.slip(
        f"Only axis {axis} was summed or averaged over, so one number for each {kept} is left. Average over both axes.",
        "targets))",
        f"targets), axis={axis})",
        see=AXES,
    )
for count, counted in [("len(predictions)", "samples"), ("predictions.shape[1]", "outputs")]:
    mean_squared_error.slip(
        f"The sum is divided by the number of {counted} only. The mean is over all numbers: samples times outputs.",
        "return tf.reduce_mean",
        f"return 1 / {count} * tf.reduce_sum",
        see=AXES,
    )
mean_squared_error.slip(
    "The largest number was taken. All of them count: average them.",
    "reduce_mean",
    "reduce_max",
    see=AXES,
)
for words, gives in {
    "Only the first sample counts. Average over all.": (
        lambda predictions, targets: mean_squared_error.answer(predictions[0], targets[0])
    ),
    "The sum is divided by one less than there are numbers. Divide by their number.": (
        lambda predictions, targets: (
            tf.reduce_sum(tf.square(predictions - targets)) / (len(targets) * targets.shape[1] - 1)
        )
    ),
}.items():
    mean_squared_error.mistake(words, gives, see=AXES)
mean_squared_error.slip(
    "The variance is that of the errors around their mean. Square the errors themselves.",
    "reduce_mean(tf.square",
    "math.reduce_variance(",
)

# What happens to the differences
for axis in ["", ", axis=0", ", axis=1"]:
    mean_squared_error.slip(
        "The square comes too late: errors above and below the target cancel each other before it. "
        "Square each error first.",
        "predictions - targets",
        f"tf.reduce_mean(predictions - targets{axis})",
    )
mean_squared_error.slip(
    "The numbers are summed. The mean was asked for.", "reduce_mean", "reduce_sum", see=AXES
)
for difference in ["(predictions - targets)", "(targets - predictions)"]:
    mean_squared_error.slip(
        "The square is missing. Errors above and below the target cancel each other in a mean, squares do not.",
        "tf.square(predictions - targets)",
        difference,
    )
for change, words in {
    "tf.square -> tf.abs": "Each error only lost its sign. It is to be squared.",
    "tf.square -> 2 * ": "Each error was doubled. It is to be squared: `**2`.",
}.items():
    mean_squared_error.slip(words, *change.split(" -> "), see=BASIC)

# What is squared
for change, words in {
    "tf.square(predictions - targets) -> (tf.square(predictions) - tf.square(targets))": (
        "Each tensor was squared by itself. Take the difference first, and square that."
    ),
    "tf.square(predictions - targets) -> (predictions - targets**2)": (
        "Only the targets were squared: a power binds closer than a minus. Put the difference in parentheses."
    ),
    "tf.square(predictions - targets) -> (tf.square(predictions) - targets)": (
        "Only the predictions were squared. Take the difference first, and square that."
    ),
    " - targets -> ": "The targets do not enter. The error is the difference of predictions and targets.",
}.items():
    mean_squared_error.slip(words, *change.split(" -> "))
mean_squared_error.slip(
    "Predictions and targets were multiplied. The error is their difference.", " - ", " * "
)
mean_squared_error.slip(
    "Predictions and targets were added. The error is their difference.", " - ", " + "
)

mean_squared_error.mistake(
    "The number to divide by is fixed in your code. `tf.reduce_mean` counts by itself.",
    lambda predictions, targets: tf.reduce_sum(tf.square(predictions - targets)) / 6,
    see=AXES,
)
mean_squared_error.mistake_if(
    "The shapes do not fit any more. Take the difference of predictions and targets first.",
    lambda attempt: attempt.fails_as("not_broadcastable"),
)
mean_squared_error.mistake_if(
    "These operations take one tensor, and then settings such as the axis. "
    "Take the difference first, and give them that.",
    lambda attempt: attempt.fails_as("axis_no_integer"),
    see=BASIC,
)
mean_squared_error.mistake_if(
    "A matrix product adds up products of different places. Square each error by itself.",
    uses_matrix_product,
    see=PRODUCTS,
)


for words, gives in {
    "`tf.norm` takes a root. None was asked for.": (
        lambda predictions, targets: (
            tf.norm(predictions - targets) / (len(targets) * targets.shape[1])
        )
    ),
}.items():
    mean_squared_error.mistake(words, gives, see=AXES)
# Exercise 2


@exercise(
    NOTEBOOK,
    see=AXES,
    cases=[
        ([[1.0, 10.0], [2.0, 40.0], [6.0, 10.0]],),
        ([[3.0, -1.0, 8.0], [5.0, 0.5, 2.0]],),
        (scattered(3, 3),),
        ([[4.0], [0.0], [1.0], [-3.0]],),
        (scattered(5, 2, step=9, start=3),),
    ],
    given=lambda inputs: (tf.constant(inputs),),
    hints=[
        "The mean of each column goes down the rows: `axis=0`. It has one number for each column, shape (columns,).",
        "A row of shape (columns,) stretches against the table, so it can be subtracted from all rows at once.",
        "The squares of what is left, averaged down the rows, are the squares of the standard deviations.",
        "Divide what is left by `tf.sqrt` of those averages.",
    ],
    observe=result_of,
    pairs=True,
)
def standardize(inputs):
    mean = tf.reduce_mean(inputs, axis=0)
    deviation = tf.sqrt(tf.reduce_mean(tf.square(inputs - mean), axis=0))
    return (inputs - mean) / deviation


computes_with_tensors(standardize)


standardize.mistake_if(
    "The shapes do not fit. One number for each column stretches down the table: `axis=0` gives that.",
    lambda attempt: attempt.fails_as("not_broadcastable"),
    see=BROADCASTING,
)

# How the steps are put together
for change, words in {
    "(inputs - mean) / deviation -> inputs - mean / deviation": (
        "Only the mean was divided: a division binds closer than a minus. Put the difference in parentheses."
    ),
    "(inputs - mean) / deviation -> inputs / deviation - mean": (
        "Only the inputs were divided, and the mean subtracted after that. Subtract first, and divide the difference."
    ),
    "(inputs - mean) / deviation -> (inputs - mean) * deviation": (
        "You multiplied by the standard deviation. Divide by it."
    ),
    " / deviation -> ": "The division by the standard deviation is missing.",
    "return (inputs - mean) -> return inputs": (
        "The numbers are not centered before they are divided: subtract the mean."
    ),
    "return (inputs - mean) -> return tf.square(inputs - mean)": (
        "What you divide is squared. Squares are only for the standard deviation."
    ),
}.items():
    standardize.slip(words, *change.split(" -> "), see=BASIC)

# Of which numbers mean and deviation are taken; `tf.math.reduce_std` takes them from a mean of its own
for whose, axis in [("all numbers together", ""), ("each row", ", axis=1, keepdims=True")]:
    for old, new in [
        ("    return", f"    mean = tf.reduce_mean(inputs{axis})\n    return"),
        ("mean = tf.reduce_mean(inputs, axis=0)", f"mean = tf.reduce_mean(inputs{axis})"),
    ]:
        standardize.slip(
            f"You subtract the mean of {whose}. Take the mean of each column: `axis=0`.",
            old,
            new,
        )
    for old, new in [
        ("mean), axis=0)", f"mean){axis})"),
        (
            "tf.sqrt(tf.reduce_mean(tf.square(inputs - mean), axis=0))",
            f"tf.math.reduce_std(inputs{axis})",
        ),
    ]:
        standardize.slip(
            f"What you divide by is taken from {whose}. Take it from each column: `axis=0`.",
            old,
            new,
        )
    standardize.slip(
        f"Mean and standard deviation are those of {whose}. Each column is to have its own: `axis=0`.",
        ", axis=0",
        axis,
    )

# How they are computed
standardize.slip(
    "The root is missing: the standard deviation is the square root of the variance.",
    "tf.sqrt",
    "",
    see=BASIC,
)
for change, words in {
    "tf.reduce_mean(tf.square -> 1 / (len(inputs) - 1) * tf.reduce_sum(tf.square": (
        "The sum of the squares is divided by n - 1. Take their mean: divide by n, the number of rows."
    ),
    "tf.reduce_mean(tf.square -> tf.reduce_sum(tf.square": "The squares are only summed. Take their mean.",
    "tf.square(inputs - mean) -> tf.square(inputs)": (
        "The squares are those of the inputs. The standard deviation squares the distances from the mean."
    ),
}.items():
    standardize.slip(words, *change.split(" -> "))

# What is taken in the place of mean and deviation


def mean_of(inputs):
    return tf.reduce_mean(inputs, axis=0)


def deviation_of(inputs):
    return tf.math.reduce_std(inputs, axis=0)


def range_of(inputs):
    return tf.reduce_max(inputs, axis=0) - tf.reduce_min(inputs, axis=0)


standardize.mistake(
    "The columns run from 0 to 1 now: you used smallest and largest. Use mean and standard deviation.",
    lambda inputs: (inputs - tf.reduce_min(inputs, axis=0)) / range_of(inputs),
)
standardize.mistake(
    "You divided by the range of each column, from smallest to largest. Divide by the standard deviation.",
    lambda inputs: (inputs - mean_of(inputs)) / range_of(inputs),
)
standardize.mistake(
    "You divided by the mean distance from the mean. Average the squares, and take the root.",
    lambda inputs: (inputs - mean_of(inputs)) / mean_of(tf.abs(inputs - mean_of(inputs))),
)
standardize.mistake(
    "The mean was added. It is to be subtracted.",
    lambda inputs: (inputs + mean_of(inputs)) / deviation_of(inputs),
    see=BASIC,
)
standardize.mistake(
    "You subtracted the sum of each column. The mean is the sum divided by the number of rows.",
    lambda inputs: (inputs - tf.reduce_sum(inputs, axis=0)) / deviation_of(inputs),
)
standardize.mistake(
    "The standard deviation was subtracted. Divide by it.",
    lambda inputs: inputs - mean_of(inputs) - deviation_of(inputs),
    see=BASIC,
)
standardize.mistake(
    "The mean of the distances is 0 but for rounding: square them before the mean, or all cancels.",
    lambda inputs: (inputs - mean_of(inputs)) / tf.abs(mean_of(inputs - mean_of(inputs))),
)
standardize.mistake_if(
    "One number for each column is left. Return the whole table, standardized.",
    lambda attempt: np.shape(attempt.called.value) == np.shape(attempt.case[0])[1:],
    see=BROADCASTING,
)
standardize.mistake_if(
    "Each column was only divided by a number. Subtract the mean first, then divide by the standard deviation.",
    lambda attempt: (
        np.shape(attempt.called.value) == np.shape(attempt.case[0])
        and np.ptp(attempt.numbers / attempt.case[0], axis=0).max() < 1e-4
    ),
    last=True,
)


def spread(attempt):
    """The standard deviations of the result's columns.

    Raises:
        Absent: their means are not 0.
    """
    if not np.allclose(np.mean(attempt.called.value, axis=0), 0, atol=1e-3):
        raise Absent
    return np.std(attempt.called.value, axis=0)


standardize.mistake_if(
    "The columns are a little too narrow, as if a number was added to what you divide by. None is needed.",
    lambda attempt: spread(attempt).min() > 0.9 and spread(attempt).max() < 1,
    last=True,
)
standardize.mistake_if(
    "The columns have mean 0, but not standard deviation 1: you divide by something else.",
    lambda attempt: not np.allclose(spread(attempt), 1, atol=1e-3),
    last=True,
)
standardize.mistake_if(
    "The columns have standard deviation 1, but not mean 0: you subtract something else.",
    lambda attempt: (
        np.allclose(np.std(attempt.called.value, axis=0), 1, atol=1e-3)
        and not np.allclose(np.mean(attempt.called.value, axis=0), 0, atol=1e-3)
    ),
    last=True,
)


standardize.mistake_if(
    "The columns have neither mean 0 nor standard deviation 1.",
    lambda attempt: (
        not np.allclose(np.mean(unlike(attempt), axis=0), 0, atol=1e-3)
        and not np.allclose(np.std(unlike(attempt), axis=0), 1, atol=1e-3)
    ),
    last=True,
)


# Exercise 3

FIRST_POINTS = [[0.0, 1.0], [4.0, 3.0]], [[3.0, 5.0], [0.0, 2.0], [-1.0, 0.0]]

TENTHS = np.divide(scattered(3, 5, step=4, start=2), 10).tolist()


def rounded(answer, *given):
    """The result, in which very small numbers are 0: rounding makes them of p² - 2pc + c², or makes NaN."""
    result = result_of(answer, *given)
    if isinstance(result, tf.Tensor) and result.dtype == tf.float32:
        return tf.where(tf.abs(result) < 0.002, 0.0, result)
    return result


@exercise(
    NOTEBOOK,
    see=BROADCASTING,
    cases=[
        FIRST_POINTS,
        ([[2.0]], [[5.0]]),
        (scattered(4, 3), scattered(2, 3, step=5, start=1)),
        (scattered(3, 2), scattered(3, 2, step=9, start=4)),
        ([[1.0, 2.0, 2.0]], [[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]),
        ([[0.5], [3.0], [-2.0]], [[1.0], [4.0]]),
        (scattered(2, 4), scattered(5, 4, step=3, start=2)),
        (scattered(3, 3), scattered(3, 3, step=4, start=2)),
        (TENTHS, TENTHS),
    ],
    given=lambda points, centers: (tf.constant(points), tf.constant(centers)),
    hints=[
        "Begin with all differences: a tensor of shape (n, m, "
        "d), from each point to each center, along each coordinate.",
        "Shapes (n, 1, d) and (m, d) stretch to (n, m, d). `tf.reshape` gives the points their axis in the middle.",
        "Square the differences, and sum over the axis of the coordinates, which is the last one. (n, m) is left.",
        "`tf.sqrt` of these sums is the result.",
    ],
    observe=rounded,
    pairs=True,
)
def distances(points, centers):
    n, d = points.shape
    differences = tf.reshape(points, (n, 1, d)) - centers
    return tf.sqrt(tf.reduce_sum(tf.square(differences), axis=2))


computes_with_tensors(distances)


# How the shapes meet


@distances.mistake_if(
    "A matrix product of points and centers multiplies coordinates. Distances come from differences.",
    see=PRODUCTS,
)
def _(attempt):
    product = np.matmul(attempt.case[0], np.transpose(attempt.case[1]))
    return attempt.fails_as("matmul_sizes") or any(
        attempt.gives(each) for each in (product, tf.sqrt(product))
    )


distances.mistake_if(
    "Point 0 meets center 0 only, point 1 center 1, and so on. Each point is to meet each center: "
    "give the points an axis of length 1 for the centers.",
    lambda attempt: (
        (attempt.fails_as("not_broadcastable") and {(2, 2), (3, 2)} == {*attempt.failure.shapes})
        or attempt.gives(np.diagonal(attempt.expected.value))
    ),
)
distances.mistake_if(
    "The shapes do not fit. Write the two under each other, right ends in line: "
    "the points want a 1 in the place of the centers, and the coordinates must stand last in both.",
    lambda attempt: attempt.fails_as("not_broadcastable"),
)
distances.mistake_if(
    "`tf.reshape` can't make this shape of so many numbers. "
    "Take the lengths from `points.shape`; a new axis has length 1.",
    lambda attempt: attempt.fails_as("reshaped_size"),
    see=SHAPES,
)
distances.mistake_if(
    "Your code counts on as many points, centers and coordinates as the first example has. "
    "Take the lengths from the shapes, and sum over the last axis.",
    lambda attempt: (
        attempt.case != FIRST_POINTS and attempt.fails_as("no_such_index", "wrong_count_to_unpack")
    ),
    see=AXES,
)
distances.mistake(
    "The numbers are right but not in their places: row i and column j are for point i and center j. "
    "`tf.reshape` fills rows one after the other; it does not swap axes.",
    lambda points, centers: tf.reshape(
        distances.answer(centers, points), (len(points), len(centers))
    ),
    see=SHAPES,
)

# How the differences become distances
distances.slip(
    "The differences lost their sign, and nothing else. Euclid's distance squares them, "
    "and takes the root after the sum.",
    "tf.sqrt(tf.reduce_sum(tf.square",
    "(tf.reduce_sum(tf.abs",
    see=AXES,
)
distances.slip("The root is missing.", "tf.sqrt", "", see=BASIC)
distances.slip(
    "The axis of the coordinates is left, with length 1. Without `keepdims=True` the sum takes it away.",
    "axis=2",
    "axis=2, keepdims=True",
    see=AXES,
)
distances.slip(
    "The squares are not summed: there is still one number for each coordinate.",
    "tf.reduce_sum(tf.square(differences), axis=2)",
    "tf.square(differences)",
    see=AXES,
)
for change, words in {
    "tf.square -> ": (
        "The squares are missing. Without them, differences cancel each other, and a negative sum has no root."
    ),
    "tf.square -> tf.abs": "The differences only lost their sign. They are to be squared.",
}.items():
    distances.slip(words, *change.split(" -> "), see=BASIC)
for change, words in {
    "reduce_sum -> reduce_mean": "The mean was taken in the place of the sum. Euclid's distance sums the squares.",
    "reduce_sum -> reduce_max": "Only the largest difference counts. All coordinates do: sum their squares.",
    "tf.reduce_sum(tf.square(differences), axis=2) -> tf.square(tf.reduce_sum(differences, axis=2))": (
        "The differences were summed before they were squared, so they cancel each other. Square first."
    ),
}.items():
    distances.slip(words, *change.split(" -> "), see=AXES)
for old, new, lost in [
    ("axis=2", "axis=1", "The axis of the centers is lost."),
    ("axis=2", "axis=0", "The axis of the points is lost."),
    ("axis=2", "axis=[0, 2]", "The axis of the points is lost, too."),
    ("axis=2", "axis=[1, 2]", "The axis of the centers is lost, too."),
    (", axis=2", "", "All axes are lost: none was named."),
]:
    distances.slip(
        f"{lost} The coordinates are to be summed: the last axis.",
        old,
        new,
        see=AXES,
    )
distances.mistake(
    "These are the differences, one for each coordinate. Squares, sum and root are missing.",
    lambda points, centers: points[:, tf.newaxis] - centers,
    see=AXES,
)
for words, gives in {
    "Only the distance to the nearest center is left. All of them were asked for: shape (n, m).": (
        lambda points, centers: tf.reduce_min(distances.answer(points, centers), axis=1)
    ),
    "This says which center is the nearest. The distances were asked for: shape (n, m).": (
        lambda points, centers: tf.argmin(distances.answer(points, centers), axis=1)
    ),
}.items():
    distances.mistake(words, gives, see=AXES)
for length, row in [(2, "point"), (3, "center")]:
    distances.mistake_if(
        f"One number for each {row} is left. Each point is to meet each center: shape (n, m).",
        lambda attempt, length=length: attempt.called.value.shape == (length,),
        last=True,
    )

# What the differences are of
distances.slip(
    "Rows are for the centers in your result. They are to be for the points, and the columns for the centers: "
    "shape (n, m).",
    "tf.reshape(points, (n, 1, d)) - centers",
    "tf.reshape(centers, (-1, 1, d)) - points",
    see=SHAPES,
)
for change, words in {
    "tf.square(differences) -> (tf.square(points[:, tf.newaxis]) - tf.square(centers))": (
        "Points and centers were squared before they were subtracted. Square the differences."
    ),
    " - centers ->  + centers": "Points and centers were added. Distances come from their differences.",
    " - centers ->  * centers": "Points and centers were multiplied. Distances come from their differences.",
}.items():
    distances.slip(words, *change.split(" -> "), see=BASIC)
for change, words in {
    " - centers ->  - points": "Points meet points here. The other side should be the centers.",
    "tf.reshape(points, (n, 1, d)) -> centers[:, tf.newaxis]": (
        "Centers meet centers here. One side should be the points."
    ),
}.items():
    distances.slip(words, *change.split(" -> "))


@distances.mistake(
    "The distances from the origin were compared. Take the differences of the coordinates first.",
    see=AXES,
)
def _(points, centers):
    lengths = tf.norm(points, axis=1), tf.norm(centers, axis=1)
    return tf.abs(lengths[0][:, tf.newaxis] - lengths[1])


@distances.mistake(
    "The product in the middle counts once: (a - b)² is a² - 2ab + b².", see=PRODUCTS
)
def _(points, centers):
    squares = tf.reduce_sum(points**2, axis=1), tf.reduce_sum(centers**2, axis=1)
    product = tf.matmul(points, centers, transpose_b=True)
    return tf.sqrt(squares[0][:, tf.newaxis] - product + squares[1])


distances.mistake_if(
    "Where a point lies on a center, p² - 2pc + c² can come out a bit below 0, as numbers are rounded, and has no "
    "root. Square differences, or put `tf.maximum(…, 0.0)` below the root.",
    lambda attempt: attempt.case[0] == TENTHS and np.isnan(attempt.called.value).any(),
    see=BASIC,
)


# Exercise 4

SMALL_SCORES = [
    ([[1.0, 2.0, 4.0], [0.0, 0.5, -1.0]],),
    ([[3.0]],),
    ([[0.0, 1.0], [2.0, -1.0], [1.5, 1.0]],),
    ([[1.0, 0.0, 2.0], [3.0, 1.0, 1.0], [0.0, -2.0, 0.5]],),
    ([[0.25], [2.0]],),
]
LARGE_SCORES = [
    ([[1000.0, 998.0], [-1000.0, -999.0], [3.0, 1.0]],),
    ([[60.0, 50.0, -60.0]],),
    ([[300.0, -300.0, 299.0], [1.0, 0.0, 2.0]],),
    ([[0.0, 100.0]],),
    ([[150.0, 0.0, 0.0, 200.0]],),
]


@exercise(
    NOTEBOOK,
    see=AXES,
    cases=[*SMALL_SCORES, *LARGE_SCORES],
    given=lambda scores: (tf.constant(scores),),
    hints=[
        "Without the danger: `tf.exp` of each score, "
        "divided by the sum over its row. Make this work for small scores first.",
        "The sum of each row goes across the columns, `axis=1`, and `keepdims=True` leaves it as a column, "
        "which stretches against the table.",
        "exp(1000) is too large for a float and becomes infinity. The same number subtracted from all scores of a row "
        "changes nothing in the result, since it cancels in the fraction.",
        "Subtract the largest score of each row, "
        "`tf.reduce_max` with the same two arguments: the largest exponent is then 0.",
    ],
    observe=result_of,
    pairs=True,
)
def softmax(scores):
    largest = tf.reduce_max(scores, axis=1, keepdims=True)
    powers = tf.exp(scores - largest)
    return powers / tf.reduce_sum(powers, axis=1, keepdims=True)


computes_with_tensors(softmax)


softmax.mistake_if(
    "The shapes do not fit. The numbers of the rows came as a row, shape (n,). "
    "`keepdims=True` keeps them in a column, shape (n, 1), which stretches against the table.",
    lambda attempt: attempt.fails_as("not_broadcastable"),
    see=BROADCASTING,
)

# What goes into the exponential, and what is in its place
for change, words in {
    "scores - largest -> scores": (
        "Nothing is subtracted from the scores, and `tf.exp` of large ones is infinity. "
        "Subtract the largest score of each row first."
    ),
    "(scores, axis=1, keepdims=True) -> (scores)": (
        "You subtracted the largest score of the whole table. In a row whose scores are far below it, every "
        "exponential becomes 0, and 0 divided by 0 is NaN."
    ),
    "scores, axis=1 -> scores, axis=0": (
        "You subtracted the largest score of each column. Only a number that is the same for the whole row "
        "cancels in the fraction."
    ),
}.items():
    softmax.slip(words, *change.split(" -> "))

LESS = "The largest exponent can still be too large. Subtract the largest score."
for what, new in [("smallest score", "reduce_min"), ("mean", "reduce_mean")]:
    softmax.slip(f"You subtracted the {what} of each row. {LESS}", "reduce_max", new)
for what, place in [("first", slice(1)), ("last", slice(-1, None))]:
    softmax.mistake(
        f"You subtracted the {what} score of each row. {LESS}",
        lambda scores, place=place: (
            tf.exp(scores - scores[:, place])
            / tf.reduce_sum(tf.exp(scores - scores[:, place]), axis=1, keepdims=True)
        ),
    )
softmax.mistake_if(
    "You subtract a fixed number, which does not fit all rows. Subtract the largest score of each.",
    lambda attempt: (
        re.search(r"exp\(\w+ - \d", attempt.source) and np.isnan(attempt.called.value).any()
    ),
)
softmax.slip(
    "The scores were divided by the largest one, which changes the result. Subtract it.",
    "scores - largest",
    "scores / largest",
)
for late in ["largest", "tf.exp(largest)"]:
    softmax.slip(
        "You subtracted after `tf.exp`. Subtract the largest score before it.",
        "tf.exp(scores - largest)",
        f"tf.exp(scores) - {late}",
        see=BASIC,
    )
for power in ["(scores - largest)", "scores"]:
    softmax.slip(
        "The exponential is missing: take `tf.exp`, and put what it gives into the fraction.",
        "tf.exp(scores - largest)",
        power,
        see=BASIC,
    )

# What the exponentials are divided by
softmax.slip(
    "The division by the sum is missing, so a row does not add up to 1.",
    " / tf.reduce_sum(powers, axis=1, keepdims=True)",
    "",
)
softmax.mistake(
    "The exponentials were divided by the largest one. Divide by their sum.",
    lambda scores: tf.exp(scores) / tf.reduce_max(tf.exp(scores), axis=1, keepdims=True),
)
softmax.slip(
    "The exponentials were divided by their mean. Divide by their sum.",
    "reduce_sum",
    "reduce_mean",
)
for what in ["scores", "scores - largest"]:
    softmax.slip(
        "The sum is one of scores. Sum the exponentials.",
        "sum(powers",
        f"sum({what}",
    )
for change, words in {
    "sum(powers -> sum(tf.exp(scores)": (
        "Below the fraction bar the scores went into `tf.exp` as they are. Subtract the same number above and "
        "below: it cancels then."
    ),
    "sum(powers -> sum(tf.exp(scores) - largest": (
        "Below the fraction bar you subtracted after `tf.exp`. Subtract inside of its parentheses."
    ),
}.items():
    softmax.slip(words, *change.split(" -> "))
for what, divisor in {
    "the exponential of the sum": lambda scores: tf.exp(tf.reduce_sum(scores, 1, keepdims=True)),
    "their number": lambda scores: scores.shape[1],
}.items():
    for largest in [lambda scores: 0.0, lambda scores: tf.reduce_max(scores, 1, keepdims=True)]:
        softmax.mistake(
            f"The exponentials were divided by {what}. Divide by their sum.",
            lambda scores, divisor=divisor, largest=largest: (
                tf.exp(scores - largest(scores)) / divisor(scores - largest(scores))
            ),
        )
for old, new in [("axis=1", "axis=0"), ("powers, axis=1", "powers, axis=0")]:
    softmax.slip("The sums go down the columns. Each row is to add up to 1: `axis=1`.", old, new)
for old, new in [(", axis=1, keepdims=True", ""), ("(powers, axis=1, keepdims=True)", "(powers)")]:
    softmax.slip(
        "The sum goes over the whole table. Each row is to add up to 1: name the axis.", old, new
    )

# What is returned
for logarithm in [tf.nn.log_softmax, lambda scores: tf.math.log(tf.nn.softmax(scores))]:
    softmax.mistake(
        "This is the logarithm of the result: shares are not negative. Take the exponential of it.",
        logarithm,
        see=BASIC,
    )
softmax.mistake(
    "Each score went through a function of its own, the sigmoid. In a softmax the scores of a row share a sum.",
    tf.sigmoid,
    see=BASIC,
)
softmax.mistake(
    "The largest score of a row got everything. The others have shares, too, by their exponentials.",
    lambda scores: tf.one_hot(tf.argmax(scores, axis=1), scores.shape[1]),
)
softmax.mistake_if(
    "The sign of the exponent is wrong: the largest score gets the smallest share.",
    lambda attempt: attempt.gives(tf.nn.softmax(-np.array(attempt.case[0]))),
    see=BASIC,
)


# What goes wrong with large scores only


def wrong_for_large(attempt):
    return attempt.case in LARGE_SCORES


softmax.mistake_if(
    "Cutting numbers off loses what tells them apart. "
    "Subtract the largest score of each row instead.",
    lambda attempt: wrong_for_large(attempt) and attempt.calls("clip_by_value", "minimum", "clip"),
    see=BASIC,
)
softmax.mistake_if(
    "This is right for small scores. Infinity and NaN come where an exponent is too large, "
    "or all of a row are too small. The largest exponent of each row should be 0.",
    lambda attempt: wrong_for_large(attempt) and not np.isfinite(attempt.called.value).all(),
)
softmax.mistake_if(
    "NaN has been replaced by a number that does not belong there. "
    "Avoid that it comes up: subtract the largest score of each row.",
    lambda attempt: (
        wrong_for_large(attempt)
        and attempt.calls("is_nan", "isnan", "is_inf", "isinf", "is_finite", "divide_no_nan")
    ),
)
softmax.mistake_if(
    "Within a row the shares are in proportion, but they add up to less than 1: you divide by too much.",
    lambda attempt: (
        attempt.difference.kind == "values"
        and np.ptp(attempt.numbers / attempt.expected.value, axis=1).max() < 1e-3
        and np.sum(attempt.called.value, axis=1).max() < 1
    ),
    last=True,
)


@softmax.mistake_if(
    "This is a softmax of the scores times some number, or with another base than e.",
    see=BASIC,
    last=True,
)
def _(attempt):
    mine, right = attempt.numbers, np.asarray(attempt.expected.value)
    if mine.shape != right.shape:
        return False
    steps = np.diff(np.log(np.abs(mine) + 1e-20)) / np.diff(np.log(right))
    return np.ptp(steps) < 1e-3 and np.allclose(np.sum(mine, axis=1), 1)


# What the numbers show


def proportion(attempt):
    """What the rows add up to, and whether within them the shares are in proportion."""
    mine = unlike(attempt).astype("float64")
    total = mine.sum(1, keepdims=True)
    return total, np.allclose(mine / total, attempt.difference.expected, 1e-4)


for words, seen in {
    "Within a row the shares are in proportion, but do not add up to 1: divide by the sum of the row's exponentials.": (
        lambda total, fits: fits
    ),
    "Your rows add up to 1, but the sum was divided into other numbers than the exponentials of the scores.": (
        lambda total, fits: np.allclose(total, 1)
    ),
    "Your rows do not add up to 1.": lambda total, fits: True,
}.items():
    softmax.mistake_if(words, lambda attempt, seen=seen: seen(*proportion(attempt)), last=True)
