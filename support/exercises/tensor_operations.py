"""Exercises of notebook 04, on operations with tensors."""

import itertools
import re

import numpy as np
import tensorflow as tf

from support.exercises.engine import exercise

NOTEBOOK = "04_tensor_operations"
BASIC = "The basic operations"
PRODUCTS = "`*` is not the matrix product"
BROADCASTING = "Broadcasting: small shapes stretch"
AXES = "Sums and means along an axis"
DTYPES = "TensorFlow does not mix dtypes"
CONVERTING = "notebook 02: From Python and NumPy, and back"


def scattered(rows, columns, step=7, start=0):
    """A table of small whole numbers in no order that shows: no row and no column is like another."""
    numbers = [(start + step * place) % 23 - 9.0 for place in range(rows * columns)]
    return np.reshape(numbers, (rows, columns)).tolist()


def in_error(attempt, *words):
    text = str(attempt.called.error)
    return attempt.called.error is not None and any(each in text for each in words)


def ranks_in_error(attempt):
    """The ranks of the two shapes that a message says are incompatible."""
    found = re.search(r"Incompatible shapes: \[(.*?)\] vs\. \[(.*?)\]", str(attempt.called.error))
    return tuple(len(shape.split(",")) for shape in found.groups()) if found else ()


def mine(attempt):
    return np.asarray(attempt.called.value)


def gives(attempt, numbers):
    """Whether the attempt came to these numbers, in this shape."""
    numbers = np.asarray(numbers)
    return mine(attempt).shape == numbers.shape and np.allclose(
        mine(attempt), numbers, 1e-4, 1e-5, equal_nan=True
    )


def computes_with_tensors(exercise):
    """Declare the slips that are possible wherever a tensor is computed."""

    exercise.mistake_if(
        "The standard deviation and the variance are in `tf.math`, "
        "as `tf.math.reduce_std` and `tf.math.reduce_variance`.",
        lambda attempt: in_error(attempt, "attribute 'reduce_std'", "attribute 'reduce_variance'"),
        see="notebook 02: Listing 3.2: Random tensors",
    )

    exercise.mistake_if(
        "A tensor can't be assigned into. Compute all at once, or collect the parts in a list and `tf.stack` them.",
        lambda attempt: in_error(attempt, "item assignment"),
        see="notebook 02: Listing 3.4: A tensor cannot",
    )

    @exercise.mistake_if(
        "TensorFlow's names for what shrinks an axis begin with `reduce_`: "
        "`tf.reduce_sum`, `tf.reduce_mean`, `tf.reduce_max`.",
        see=AXES,
    )
    def _(attempt):
        names = ["sum", "mean", "max", "min", "std", "var", "average"]
        return in_error(attempt, *(f"has no attribute '{name}'" for name in names))

    exercise.mistake_if(
        "TensorFlow has no function of this name. Differences, "
        "squares, roots, sums and means are enough here, and `tf.exp`.",
        lambda attempt: in_error(attempt, "module 'tensorflow"),
        see=BASIC,
    )

    exercise.mistake_if(
        "A tensor does not have the methods of a NumPy array. "
        "TensorFlow has functions for that: `tf.transpose`, `tf.reshape`, `tf.cast`, `tf.reduce_sum`.",
        lambda attempt: in_error(
            attempt, "EagerTensor' object has no attribute", "EagerTensor object has no attribute"
        ),
        see=BASIC,
    )

    exercise.mistake_if(
        "Two dtypes met. A count or a size that TensorFlow gives is an integer tensor: `tf.cast` it first.",
        lambda attempt: in_error(
            attempt,
            "was expected to be a",
            "must have the same dtype",
            "Tensor conversion requested",
        ),
        see=DTYPES,
    )

    exercise.mistake_if(
        "NumPy computed this, and it is not a tensor. Use the operations of TensorFlow, or convert the result.",
        lambda attempt: isinstance(attempt.called.value, np.ndarray | np.generic),
        see=CONVERTING,
    )

    exercise.mistake_if(
        "The numbers are in a Python list. "
        "`tf.stack` makes one tensor of a list of tensors, `tf.constant` of numbers.",
        lambda attempt: isinstance(attempt.called.value, list | tuple),
        see=CONVERTING,
    )

    exercise.mistake_if(
        "This is a Python number. The result is to stay a tensor, as the operations of TensorFlow give it.",
        lambda attempt: isinstance(attempt.called.value, int | float),
        see=CONVERTING,
    )

    exercise.mistake_if(
        "There is no such axis: a table of rank 2 has the axes 0 and 1, "
        "and a sum or mean over one of them leaves one less.",
        lambda attempt: in_error(attempt, "Invalid reduction", "out of range"),
        see=AXES,
    )

    exercise.mistake_if(
        "In Python `^` is no power, and floats refuse it. `tf.square(x)` and `x**2` are squares.",
        lambda attempt: (
            in_error(attempt, "not in the list of allowed values") and "^" in attempt.source
        ),
        see=BASIC,
    )

    exercise.mistake_if(
        "The dtype has changed on the way. What comes in is `float32`, and so is what is to come out.",
        lambda attempt: (
            attempt.difference.kind == "dtype"
            and mine(attempt).dtype.kind in "iuf"
            and (mine(attempt).dtype == np.float64 or "cast" in attempt.source)
        ),
        see=DTYPES,
    )


#: In how many parts a way to compute something may differ from the right one and still be recognized.
MOST_WRONG = 2


def ways(parts):
    """All ways with a few wrong choices, those with the fewest first. The first choice of each part is right."""
    right = {part: options[0] for part, options in parts.items()}
    for wrong in range(MOST_WRONG + 1):
        for names in itertools.combinations(parts, wrong):
            for chosen in itertools.product(*(parts[name][1:] for name in names)):
                yield right | dict(zip(names, chosen, strict=True))


def nearest_way(attempt, parts, compute, cases):
    """The way that gives what the attempt gives in these cases; empty if there is none."""
    results = [attempt.exercise.run(attempt.answer, case).value for case in cases]
    given = [[np.array(each) for each in case] for case in cases]
    with np.errstate(all="ignore"):
        for way in ways(parts):
            if all(
                alike(result, compute(*each, **way))
                for result, each in zip(results, given, strict=True)
            ):
                return way
    return {}


def alike(result, numbers):
    return np.shape(result) == np.shape(numbers) and np.allclose(result, numbers, 1e-4, 1e-5)


def recipes(exercise, parts, compute, cases):
    """Let mistakes of an exercise ask which choice an attempt made for a part."""
    known = {}

    def wrong(attempt, part):
        if attempt.called.error:
            return False
        if known.get("attempt") is not attempt:
            known.update(attempt=attempt, way=nearest_way(attempt, parts, compute, cases))
        return known["way"].get(part, parts[part][0]) != parts[part][0]

    return wrong


def reduced(numbers, how, axis):
    """Numbers without an axis, or without any, by the name of a way."""
    ways = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "product": np.prod}
    return ways[how](numbers, axis=axis)


# Exercise 1

FIRST_ERRORS = ([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0]], [[1.0, 4.0, 2.0], [2.0, 1.0, 0.0]])


@exercise(
    NOTEBOOK,
    see=BROADCASTING,
    cases=[
        FIRST_ERRORS,
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
)
def mean_squared_error(predictions, targets):
    return tf.reduce_mean(tf.square(predictions - targets))


computes_with_tensors(mean_squared_error)


mean_squared_error.mistake_if(
    "This is the matrix product. The errors are taken place by place.",
    lambda attempt: in_error(attempt, "MatMul", "Matrix size-incompatible"),
    see=PRODUCTS,
)
mean_squared_error.mistake(
    "The mean is missing: there is still one square for each number.",
    lambda predictions, targets: tf.square(predictions - targets),
)
mean_squared_error.mistake(
    "This is the mean over axis 0 alone: one number for each output is left. Average over both axes.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions - targets), axis=0),
    see=AXES,
)
mean_squared_error.mistake(
    "This is the mean over axis 1 alone: one number for each sample is left. Average over both axes.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions - targets), axis=1),
    see=AXES,
)
mean_squared_error.mistake(
    "This is the sum of the squares. The mean was asked for.",
    lambda predictions, targets: tf.reduce_sum(tf.square(predictions - targets)),
    see=AXES,
)
mean_squared_error.mistake(
    "This is a sum over axis 0 alone, with one number left for each output. Average over both axes.",
    lambda predictions, targets: tf.reduce_sum(tf.square(predictions - targets), axis=0),
    see=AXES,
)
mean_squared_error.mistake(
    "This is a sum over axis 1 alone, with one number left for each sample. Average over both axes.",
    lambda predictions, targets: tf.reduce_sum(tf.square(predictions - targets), axis=1),
    see=AXES,
)
mean_squared_error.mistake(
    "The sum is divided by the number of samples only. "
    "The mean is over all numbers: samples times outputs.",
    lambda predictions, targets: tf.reduce_sum(tf.square(predictions - targets)) / len(predictions),
    see=AXES,
)
mean_squared_error.mistake(
    "The sum is divided by the number of outputs only. "
    "The mean is over all numbers: samples times outputs.",
    lambda predictions, targets: (
        tf.reduce_sum(tf.square(predictions - targets)) / predictions.shape[1]
    ),
    see=AXES,
)
mean_squared_error.mistake(
    "The square is missing, so errors above and below the target cancel each other.",
    lambda predictions, targets: tf.reduce_mean(predictions - targets),
)
mean_squared_error.mistake(
    "The square is missing, and the difference is the wrong way round besides: "
    "errors above and below the target cancel each other.",
    lambda predictions, targets: tf.reduce_mean(targets - predictions),
)
mean_squared_error.mistake(
    "This is the mean absolute error: each error lost its sign, and was not squared.",
    lambda predictions, targets: tf.reduce_mean(tf.abs(predictions - targets)),
)
mean_squared_error.mistake(
    "This is the root of the mean squared error. No root was asked for.",
    lambda predictions, targets: tf.sqrt(tf.reduce_mean(tf.square(predictions - targets))),
    see=BASIC,
)
mean_squared_error.mistake(
    "The mean was taken first and then squared. Square each error, then average: "
    "otherwise errors above and below the target cancel each other.",
    lambda predictions, targets: tf.square(tf.reduce_mean(predictions - targets)),
)
mean_squared_error.mistake(
    "The sum was taken first and then squared. Square each error, then average.",
    lambda predictions, targets: tf.square(tf.reduce_sum(predictions - targets)),
    see=AXES,
)
mean_squared_error.mistake(
    "Predictions and targets were multiplied. The error is their difference.",
    lambda predictions, targets: tf.reduce_mean(predictions * targets),
)
mean_squared_error.mistake(
    "The products of predictions and targets were squared. The error is their difference.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions * targets)),
)
mean_squared_error.mistake(
    "Predictions and targets were added. The error is their difference.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions + targets)),
)
mean_squared_error.mistake(
    "Each tensor was squared by itself. Take the difference first, and square that.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions) - tf.square(targets)),
)
mean_squared_error.mistake(
    "Only the targets were squared: a power binds closer than a minus. Put the difference in parentheses.",
    lambda predictions, targets: tf.reduce_mean(predictions - targets**2),
)
mean_squared_error.mistake(
    "Only the predictions were squared. Take the difference first, and square that.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions) - targets),
)
mean_squared_error.mistake(
    "The targets do not enter: this is the mean of the squared predictions.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions)),
)
mean_squared_error.mistake(
    "This is half of the mean squared error.",
    lambda predictions, targets: tf.reduce_mean(tf.square(predictions - targets)) / 2,
)
mean_squared_error.mistake(
    "The result is negative: the difference of squares has no minus before it.",
    lambda predictions, targets: -tf.reduce_mean(tf.square(predictions - targets)),
)
mean_squared_error.mistake(
    "The mean of each sample was taken before the squares. Square each error first.",
    lambda predictions, targets: tf.reduce_mean(
        tf.square(tf.reduce_mean(predictions - targets, axis=1))
    ),
    see=AXES,
)
mean_squared_error.mistake(
    "This is the largest squared error. All of them count: average them.",
    lambda predictions, targets: tf.reduce_max(tf.square(predictions - targets)),
    see=AXES,
)


def squared_errors(predictions, targets, order, error, power, collapse, after):
    error = {
        "difference": predictions - targets,
        "sum": predictions + targets,
        "product": predictions * targets,
        "predictions": predictions,
        "targets": targets,
        "first target": predictions - targets[0],
        "relative": (predictions - targets) / (targets + (targets == 0)),
    }[error]

    def powered(numbers):
        return {
            "square": numbers**2,
            "none": numbers,
            "absolute": np.abs(numbers),
            "double": 2 * numbers,
            "cube": numbers**3,
            "exponential": np.exp(numbers),
            "fourth": numbers**4,
        }[power]

    def collapsed(numbers):
        rows, columns = numbers.shape
        return {
            "mean": np.mean,
            "sum": np.sum,
            "rows": lambda each: np.sum(each) / rows,
            "columns": lambda each: np.sum(each) / columns,
            "both": lambda each: np.sum(each) / (rows + columns),
            "one less": lambda each: np.sum(each) / (rows * columns - 1),
            "none": lambda each: each,
            "mean 0": lambda each: np.mean(each, axis=0),
            "mean 1": lambda each: np.mean(each, axis=1),
            "sum 0": lambda each: np.sum(each, axis=0),
            "sum 1": lambda each: np.sum(each, axis=1),
            "max": np.max,
            "first": lambda each: np.mean(each[0]),
            "first sum": lambda each: np.sum(each[0]),
            "first output": lambda each: np.mean(each[:, 0]),
        }[collapse](numbers)

    result = collapsed(powered(error)) if order == "square first" else powered(collapsed(error))
    return {
        "nothing": result,
        "root": np.sqrt(np.abs(result)),
        "half": result / 2,
        "negative": -result,
        "double": 2 * result,
        "square": result**2,
        "by rows": result / len(predictions),
        "by columns": result / predictions.shape[1],
    }[after]


errors_differ = recipes(
    mean_squared_error,
    {
        "order": ["square first", "square last"],
        "error": [
            "difference",
            "sum",
            "product",
            "predictions",
            "targets",
            "first target",
            "relative",
        ],
        "power": ["square", "none", "absolute", "double", "cube", "exponential", "fourth"],
        "collapse": [
            "mean",
            "sum",
            "rows",
            "columns",
            "both",
            "one less",
            "none",
            "mean 0",
            "mean 1",
            "sum 0",
            "sum 1",
            "max",
            "first",
            "first sum",
            "first output",
        ],
        "after": [
            "nothing",
            "root",
            "half",
            "negative",
            "double",
            "square",
            "by rows",
            "by columns",
        ],
    },
    squared_errors,
    [
        FIRST_ERRORS,
        (scattered(4, 3), scattered(4, 3, step=5)),
    ],
)


mean_squared_error.mistake_if(
    "The variance is that of the errors around their mean. "
    "Square the errors themselves: a model that is always 1 too high is wrong.",
    lambda attempt: any(
        each in attempt.source for each in ("reduce_variance", "reduce_std", ".var(", ".std(")
    ),
)
mean_squared_error.mistake_if(
    "The number to divide by is fixed in your code. It has to follow the shape: `tf.reduce_mean` counts by itself.",
    lambda attempt: attempt.case != FIRST_ERRORS and bool(re.search(r"/ \d", attempt.source)),
    see=AXES,
)
mean_squared_error.mistake_if(
    "Your code does not take the difference of the two: what it squares or averages is something else.",
    lambda attempt: errors_differ(attempt, "error"),
)
mean_squared_error.mistake_if(
    "The differences were not squared, each by itself, or something else was done with them first.",
    lambda attempt: errors_differ(attempt, "power"),
)
mean_squared_error.mistake_if(
    "The differences were summed or averaged before they were squared, so errors cancel each other. Square first.",
    lambda attempt: errors_differ(attempt, "order"),
)
mean_squared_error.mistake_if(
    "The squares are right, but not all of them are averaged: the mean is their sum, divided by how many there are.",
    lambda attempt: errors_differ(attempt, "collapse"),
    see=AXES,
)
mean_squared_error.mistake_if(
    "The mean of the squares is right, but it is not what is returned: a root, a factor or a sign comes after it.",
    lambda attempt: errors_differ(attempt, "after"),
)
mean_squared_error.mistake_if(
    "The shapes do not fit any more: one of the two was reshaped or transposed. They came with the same shape.",
    lambda attempt: in_error(attempt, "Incompatible shapes"),
)
mean_squared_error.mistake_if(
    "The operations take one tensor, and then settings such as the axis. "
    "Take the difference first, and give them that.",
    lambda attempt: (
        in_error(attempt, "'Tidx'", "name", "float() argument") and "," in attempt.called.line
    ),
    see=BASIC,
)
mean_squared_error.mistake_if(
    "A matrix product of the errors mixes different places. Square each error by itself.",
    lambda attempt: (
        "matmul" in attempt.source or "@" in attempt.source or "tensordot" in attempt.source
    ),
    see=PRODUCTS,
)
mean_squared_error.mistake_if(
    "This is no mean of squared errors: "
    "take the difference of predictions and targets, square each, and average them all.",
    lambda attempt: attempt.difference.kind == "values",
)


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
        "What is left is centered. Its squares, averaged down the rows, are the squares of the standard deviations.",
        "Divide what is centered by `tf.sqrt` of those averages.",
    ],
)
def standardize(inputs):
    centered = inputs - tf.reduce_mean(inputs, axis=0)
    variance = tf.reduce_mean(tf.square(centered), axis=0)
    return centered / tf.sqrt(variance)


computes_with_tensors(standardize)


standardize.mistake_if(
    "The means go across the columns, one for each row, and do not fit the columns of the table. "
    "Means of columns go down the rows.",
    lambda attempt: in_error(attempt, "Incompatible shapes") and "axis=0" not in attempt.source,
)
standardize.mistake_if(
    "The two shapes don't stretch to fit: one number for each column is needed, "
    "in a row. See what each line has as its shape.",
    lambda attempt: in_error(attempt, "Incompatible shapes"),
    see=BROADCASTING,
)


def deviation(numbers, axis=None):
    return tf.math.reduce_std(numbers, axis=axis, keepdims=True)


def mean(numbers, axis=None):
    return tf.reduce_mean(numbers, axis=axis, keepdims=True)


standardize.mistake(
    "Mean and standard deviation are those of all numbers together. Each column is to have its own: name the axis.",
    lambda inputs: (inputs - mean(inputs)) / deviation(inputs),
)
standardize.mistake(
    "Each row was standardized. It is the columns that are to have mean 0: their means go down the rows.",
    lambda inputs: (inputs - mean(inputs, 1)) / deviation(inputs, 1),
)
standardize.mistake(
    "The columns are centered, and the division by the standard deviation is missing.",
    lambda inputs: inputs - mean(inputs, 0),
    see=BASIC,
)
standardize.mistake(
    "The rows are centered, and nothing is divided. The columns are to be centered, and scaled.",
    lambda inputs: inputs - mean(inputs, 1),
)
standardize.mistake(
    "The mean of all numbers was subtracted, and nothing is divided. Each column has its own mean and deviation.",
    lambda inputs: inputs - mean(inputs),
)
standardize.mistake(
    "The columns are scaled, but they were not centered: subtract their means.",
    lambda inputs: inputs / deviation(inputs, 0),
)
standardize.mistake(
    "You divided by the variance. The standard deviation is its square root.",
    lambda inputs: (inputs - mean(inputs, 0)) / tf.math.reduce_variance(inputs, axis=0),
    see=BASIC,
)


@standardize.mistake(
    "Your deviation divides the sum of the squares by n - 1. "
    "The exercise asks for the mean of the squares, divided by n."
)
def _(inputs):
    centered = inputs - mean(inputs, 0)
    return centered / tf.sqrt(tf.reduce_sum(tf.square(centered), axis=0) / (len(inputs) - 1))


standardize.mistake(
    "You divided before you subtracted: the mean of what was not yet divided does not fit what is.",
    lambda inputs: inputs / deviation(inputs, 0) - mean(inputs, 0),
    see=BASIC,
)
standardize.mistake(
    "Only the mean was divided: a division binds closer than a minus. Put the difference in parentheses.",
    lambda inputs: inputs - mean(inputs, 0) / deviation(inputs, 0),
    see=BASIC,
)
standardize.mistake(
    "You multiplied by the standard deviation. Divide by it.",
    lambda inputs: (inputs - mean(inputs, 0)) * deviation(inputs, 0),
    see=BASIC,
)


@standardize.mistake("You divided by the sum of the squares. Take their mean, and the root of it.")
def _(inputs):
    centered = inputs - mean(inputs, 0)
    return centered / tf.reduce_sum(tf.square(centered), axis=0)


@standardize.mistake(
    "You divided by the root of the sum of the squares. It is their mean that the root is taken of."
)
def _(inputs):
    centered = inputs - mean(inputs, 0)
    return centered / tf.sqrt(tf.reduce_sum(tf.square(centered), axis=0))


standardize.mistake(
    "The squares are those of the inputs themselves. The deviation squares the distance from the mean.",
    lambda inputs: (inputs - mean(inputs, 0)) / tf.sqrt(mean(tf.square(inputs), 0)),
)
standardize.mistake(
    "The inputs were not centered before they were divided by the root of their mean square. Subtract the means first.",
    lambda inputs: inputs / tf.sqrt(mean(tf.square(inputs), 0)),
)
standardize.mistake(
    "The deviation is that of all numbers together. It needs the axis, too, as the mean has it.",
    lambda inputs: (inputs - mean(inputs, 0)) / deviation(inputs),
)


@standardize.mistake(
    "After centering, the squares were averaged over the whole table. Average them for each column: name the axis."
)
def _(inputs):
    centered = inputs - mean(inputs, 0)
    return centered / tf.sqrt(mean(tf.square(centered)))


standardize.mistake(
    "The mean is that of all numbers together. It needs the axis, too, as the deviation has it.",
    lambda inputs: (inputs - mean(inputs)) / deviation(inputs, 0),
)


@standardize.mistake(
    "The mean of all numbers was subtracted before the squares were averaged. Each column has a mean of its own."
)
def _(inputs):
    centered = inputs - mean(inputs)
    return centered / tf.sqrt(mean(tf.square(centered), 0))


standardize.mistake(
    "The columns were centered, but the deviation is that of the rows. Both go down the rows.",
    lambda inputs: (inputs - mean(inputs, 0)) / deviation(inputs, 1),
)
standardize.mistake(
    "The deviation is that of the columns, but the rows were centered. Both go down the rows.",
    lambda inputs: (inputs - mean(inputs, 1)) / deviation(inputs, 0),
)


@standardize.mistake(
    "You divided by the mean distance from the mean. The standard deviation averages the squares, and takes the root."
)
def _(inputs):
    centered = inputs - mean(inputs, 0)
    return centered / mean(tf.abs(centered), 0)


@standardize.mistake(
    "The columns run from 0 to 1 now: you used smallest and largest. Use mean and standard deviation."
)
def _(inputs):
    smallest, largest = tf.reduce_min(inputs, axis=0), tf.reduce_max(inputs, axis=0)
    return (inputs - smallest) / (largest - smallest)


standardize.mistake(
    "You divided by the range of each column, from smallest to largest. Divide by the standard deviation.",
    lambda inputs: (
        (inputs - mean(inputs, 0)) / (tf.reduce_max(inputs, axis=0) - tf.reduce_min(inputs, axis=0))
    ),
)
standardize.mistake(
    "You subtracted the sum of each column. The mean is the sum divided by the number of rows.",
    lambda inputs: (inputs - tf.reduce_sum(inputs, axis=0)) / deviation(inputs, 0),
)
standardize.mistake(
    "The sign is wrong: subtract the mean from the inputs, not the inputs from the mean.",
    lambda inputs: (mean(inputs, 0) - inputs) / deviation(inputs, 0),
    see=BASIC,
)
standardize.mistake(
    "The mean was added. It is to be subtracted.",
    lambda inputs: (inputs + mean(inputs, 0)) / deviation(inputs, 0),
    see=BASIC,
)


@standardize.mistake(
    "The centered numbers were squared before they were divided. Squares are only for the deviation.",
    see=BASIC,
)
def _(inputs):
    centered = inputs - mean(inputs, 0)
    return tf.square(centered) / mean(tf.square(centered), 0)


@standardize.mistake(
    "The mean of the centered columns is 0 but for rounding: squares must come before the mean, or all cancels."
)
def _(inputs):
    centered = inputs - mean(inputs, 0)
    return centered / tf.sqrt(tf.square(mean(centered, 0)))


@standardize.mistake_if(
    "Only mean and deviation are left. Return the table, standardized.", see=BROADCASTING
)
def _(attempt):
    inputs = attempt.exercise.arguments(attempt.case)[0]
    return mine(attempt).shape in (inputs.shape[1:], (1, inputs.shape[1]))


def standardized(inputs, form, center, center_axis, scale, scale_axis, around):
    def across(function, axis):
        axes = {"columns": 0, "all": None, "rows": 1}
        return function(inputs, axis=axes[axis], keepdims=True)

    middle = across(
        {"mean": np.mean, "sum": np.sum, "min": np.min, "max": np.max, "median": np.median}[center],
        center_axis,
    )
    axis = {"columns": 0, "all": None, "rows": 1}[scale_axis]
    distance = {"mean": inputs - middle, "zero": inputs}[around]
    count = inputs.size if axis is None else inputs.shape[axis]

    def spread():
        squares = np.sum(distance**2, axis=axis, keepdims=True)
        return {
            "deviation": lambda: np.sqrt(squares / count),
            "one less": lambda: np.sqrt(squares / (count - 1)),
            "variance": lambda: squares / count,
            "variance, one less": lambda: squares / (count - 1),
            "sum": lambda: squares,
            "root of sum": lambda: np.sqrt(squares),
            "absolute": lambda: np.mean(np.abs(distance), axis=axis, keepdims=True),
            "absolute sum": lambda: np.sum(np.abs(distance), axis=axis, keepdims=True),
            "range": lambda: np.ptp(inputs, axis=axis, keepdims=True),
            "max": lambda: np.max(distance, axis=axis, keepdims=True),
            "max absolute": lambda: np.max(np.abs(distance), axis=axis, keepdims=True),
            "mean": lambda: np.mean(distance, axis=axis, keepdims=True),
            "total": lambda: np.sum(distance, axis=axis, keepdims=True),
            "itself": lambda: np.abs(distance),
            "root of deviation": lambda: np.sqrt(np.sqrt(squares / count)),
            "more": lambda: np.sqrt(squares / count) + 1,
            "a little more": lambda: np.sqrt(squares / count) + 1e-2,
            "none": lambda: np.ones((1, 1)),
        }[scale]()

    return {
        "subtract, divide": lambda: (inputs - middle) / spread(),
        "divide only": lambda: inputs / spread(),
        "divide, subtract": lambda: inputs / spread() - middle,
        "divide the mean": lambda: inputs - middle / spread(),
        "multiply": lambda: (inputs - middle) * spread(),
        "reverse": lambda: (middle - inputs) / spread(),
        "add": lambda: (inputs + middle) / spread(),
        "subtract twice": lambda: inputs - middle - spread(),
        "square": lambda: (inputs - middle) ** 2 / spread(),
    }[form]()


standardize_differs = recipes(
    standardize,
    {
        "form": [
            "subtract, divide",
            "divide only",
            "divide, subtract",
            "divide the mean",
            "multiply",
            "reverse",
            "add",
            "subtract twice",
            "square",
        ],
        "center": ["mean", "sum", "min", "max", "median"],
        "center_axis": ["columns", "all", "rows"],
        "scale": [
            "deviation",
            "one less",
            "variance",
            "variance, one less",
            "sum",
            "root of sum",
            "absolute",
            "absolute sum",
            "range",
            "max",
            "max absolute",
            "mean",
            "total",
            "itself",
            "root of deviation",
            "more",
            "a little more",
            "none",
        ],
        "scale_axis": ["columns", "all", "rows"],
        "around": ["mean", "zero"],
    },
    standardized,
    [(scattered(4, 3),)],
)


standardize.mistake_if(
    "The columns have become rows: the result is transposed. `tf.stack` with `axis=1` sets columns side by side.",
    lambda attempt: gives(attempt, np.transpose(attempt.expected.value)),
    see="notebook 02: A block of numbers",
)
standardize.mistake_if(
    "The inputs come back as they were: what was computed from them is not returned.",
    lambda attempt: gives(attempt, attempt.case[0]),
    see=BASIC,
)
standardize.mistake_if(
    "What you subtract is not the mean of each column. It is the sum down the rows, divided by the number of rows.",
    lambda attempt: (
        standardize_differs(attempt, "center") or standardize_differs(attempt, "center_axis")
    ),
)
standardize.mistake_if(
    "The steps differ from what was asked for. "
    "Subtract the mean from the inputs, and divide all of that by the deviation.",
    lambda attempt: standardize_differs(attempt, "form"),
    see=BASIC,
)
standardize.mistake_if(
    "The numbers that you divide by do not belong to the columns: "
    "name the axis for the deviation, the one of the rows.",
    lambda attempt: standardize_differs(attempt, "scale_axis"),
)
standardize.mistake_if(
    "The columns are centered, but what you divide by is not the standard deviation: "
    "square what is centered, take the mean, then the root.",
    lambda attempt: standardize_differs(attempt, "scale") or standardize_differs(attempt, "around"),
)


def columns_have(attempt, statistic, wanted):
    return np.allclose(statistic(mine(attempt), axis=0), wanted, atol=1e-3)


standardize.mistake_if(
    "The columns of your result have mean 0, but their standard deviation is not 1. Look at what you divide by.",
    lambda attempt: attempt.difference.kind == "values" and columns_have(attempt, np.mean, 0),
)
standardize.mistake_if(
    "The columns of your result have the standard deviation 1, but their mean is not 0. Look at what you subtract.",
    lambda attempt: attempt.difference.kind == "values" and columns_have(attempt, np.std, 1),
)
standardize.mistake_if(
    "The columns of your result have neither mean 0 nor standard deviation 1. "
    "Subtract the mean of each column, then divide by its deviation.",
    lambda attempt: attempt.difference.kind == "values",
)


# Exercise 3


@exercise(
    NOTEBOOK,
    see=BROADCASTING,
    cases=[
        ([[0.0, 1.0], [4.0, 3.0]], [[3.0, 5.0], [0.0, 2.0], [-1.0, 0.0]]),
        ([[2.0]], [[5.0]]),
        (scattered(4, 3), scattered(2, 3, step=5, start=1)),
        (scattered(3, 2), scattered(3, 2, step=9, start=4)),
        ([[1.0, 2.0, 2.0]], [[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]),
        ([[0.5], [3.0], [-2.0]], [[1.0], [4.0]]),
        (scattered(2, 4), scattered(5, 4, step=3, start=2)),
        (scattered(3, 3), scattered(3, 3, step=4, start=2)),
    ],
    given=lambda points, centers: (tf.constant(points), tf.constant(centers)),
    hints=[
        "Begin with all differences: a tensor of shape (n, m, "
        "d), from each point to each center, along each coordinate.",
        "Shapes (n, 1, d) and (m, d) stretch to (n, m, d). `tf.reshape` gives the points their axis in the middle.",
        "Square the differences, and sum over the axis of the coordinates, which is the last one. (n, m) is left.",
        "`tf.sqrt` of these sums is the result.",
    ],
)
def distances(points, centers):
    n, d = points.shape
    differences = tf.reshape(points, (n, 1, d)) - centers
    return tf.sqrt(tf.reduce_sum(tf.square(differences), axis=2))


computes_with_tensors(distances)


distances.mistake_if(
    "The matrix product needs the inner numbers to agree, and it does not measure distances. Begin with differences.",
    lambda attempt: in_error(attempt, "Matrix size-incompatible"),
    see=PRODUCTS,
)
distances.mistake_if(
    "Point 0 met center 0 only, point 1 center 1, and so on, which fits where there are as many of both. "
    "Each point is to meet each center: give the points an axis of length 1 for the centers.",
    lambda attempt: ranks_in_error(attempt) == (2, 2),
)
distances.mistake_if(
    "The new axis is not where it helps. Write the two shapes under each other, right ends in line: "
    "points want a 1 in the place of the centers, and the coordinates must stand last in both.",
    lambda attempt: in_error(attempt, "Incompatible shapes"),
)
distances.mistake_if(
    "`tf.reshape` can't make this shape of so many numbers. "
    "Take the lengths from `points.shape`; a new axis has length 1.",
    lambda attempt: in_error(attempt, "Input to reshape is a tensor with"),
    see="notebook 02: A block of numbers",
)


def differences_of(points, centers):
    return points[:, tf.newaxis] - centers


distances.mistake(
    "It is transposed: rows are for the points and columns for the centers, so the shape is (n, m).",
    lambda points, centers: tf.transpose(distances.answer(points, centers)),
    see="notebook 02: A block of numbers",
)
distances.mistake(
    "These are the squares of the distances: the root is missing.",
    lambda points, centers: tf.reduce_sum(tf.square(differences_of(points, centers)), axis=2),
    see=BASIC,
)
distances.mistake(
    "These are the squares of the distances, and transposed: "
    "the root is missing, and rows are for the points.",
    lambda points, centers: tf.transpose(distances.answer(points, centers)) ** 2,
    see=BASIC,
)
distances.mistake(
    "You added up the absolute differences. Euclid's distance sums the squares, and takes the root after the sum.",
    lambda points, centers: tf.reduce_sum(tf.abs(differences_of(points, centers)), axis=2),
    see=AXES,
)
distances.mistake(
    "The squares were not summed: there is still one number for each coordinate, and its root is the "
    "difference without its sign.",
    lambda points, centers: tf.abs(differences_of(points, centers)),
    see=AXES,
)
distances.mistake(
    "The squares are still there, one for each coordinate. Sum and root are missing.",
    lambda points, centers: tf.square(differences_of(points, centers)),
    see=AXES,
)
distances.mistake(
    "These are the differences, one for each coordinate. Squares, sum and root are missing.",
    lambda points, centers: differences_of(points, centers),
    see=AXES,
)
distances.mistake(
    "You summed over the centers, axis 1. The coordinates are to be summed: the last axis.",
    lambda points, centers: tf.sqrt(
        tf.reduce_sum(tf.square(differences_of(points, centers)), axis=1)
    ),
    see=AXES,
)
distances.mistake(
    "You summed over the points, axis 0. The coordinates are to be summed: the last axis.",
    lambda points, centers: tf.sqrt(
        tf.reduce_sum(tf.square(differences_of(points, centers)), axis=0)
    ),
    see=AXES,
)
distances.mistake(
    "Everything was summed: no axis was named. Sum over the coordinates alone, the last axis.",
    lambda points, centers: tf.sqrt(tf.reduce_sum(tf.square(differences_of(points, centers)))),
    see=AXES,
)
distances.mistake(
    "Under the root is the mean of the squares. Their sum belongs there.",
    lambda points, centers: tf.sqrt(
        tf.reduce_mean(tf.square(differences_of(points, centers)), axis=2)
    ),
    see=AXES,
)
distances.mistake(
    "This is the mean of the squares, without a root. Take the sum of the squares, and its root.",
    lambda points, centers: tf.reduce_mean(tf.square(differences_of(points, centers)), axis=2),
    see=AXES,
)
distances.mistake(
    "This is the mean of the absolute differences. "
    "Euclid's distance sums the squares, and takes the root after the sum.",
    lambda points, centers: tf.reduce_mean(tf.abs(differences_of(points, centers)), axis=2),
    see=AXES,
)
distances.mistake(
    "This is the matrix product of points and centers: it multiplies coordinates. Distances come from differences.",
    lambda points, centers: tf.matmul(points, centers, transpose_b=True),
    see=PRODUCTS,
)
distances.mistake(
    "The squares are missing, so differences to the right and to the left cancel each other.",
    lambda points, centers: tf.reduce_sum(differences_of(points, centers), axis=2),
    see=BASIC,
)
distances.mistake(
    "The squares are missing: differences to the right and to the left cancel each other, "
    "and the root of a negative sum is NaN.",
    lambda points, centers: tf.sqrt(tf.reduce_sum(differences_of(points, centers), axis=2)),
    see=BASIC,
)
distances.mistake(
    "The differences were summed before they were squared, so they cancel each other. Square first.",
    lambda points, centers: tf.abs(tf.reduce_sum(differences_of(points, centers), axis=2)),
    see=AXES,
)
distances.mistake(
    "The differences were summed before they were squared, and the root is missing. Square, sum, root.",
    lambda points, centers: tf.square(tf.reduce_sum(differences_of(points, centers), axis=2)),
    see=AXES,
)
distances.mistake(
    "This is the largest difference along any coordinate. All coordinates count: sum their squares.",
    lambda points, centers: tf.reduce_max(tf.abs(differences_of(points, centers)), axis=2),
    see=AXES,
)
distances.mistake(
    "Points and centers were added. Distances come from their differences.",
    lambda points, centers: tf.sqrt(
        tf.reduce_sum(tf.square(points[:, tf.newaxis] + centers), axis=2)
    ),
    see=BASIC,
)
distances.mistake(
    "Points and centers were multiplied. Distances come from their differences.",
    lambda points, centers: tf.sqrt(
        tf.reduce_sum(tf.square(points[:, tf.newaxis] * centers), axis=2)
    ),
    see=BASIC,
)
distances.mistake(
    "These are distances between the centers themselves. One side should be the points.",
    lambda points, centers: distances.answer(centers, centers),
)
distances.mistake(
    "These are distances between the points themselves. The other side should be the centers.",
    lambda points, centers: distances.answer(points, points),
)


@distances.mistake(
    "The distances of points and centers from the origin were compared. "
    "Take the differences of the coordinates first, then squares, sum and root.",
    see=AXES,
)
def _(points, centers):
    length = tf.norm(points, axis=1), tf.norm(centers, axis=1)
    return tf.abs(length[0][:, tf.newaxis] - length[1])


@distances.mistake(
    "Points and centers were squared before they were subtracted. Square the differences.",
    see=BASIC,
)
def _(points, centers):
    squares = tf.reduce_sum(points**2, axis=1), tf.reduce_sum(centers**2, axis=1)
    return tf.sqrt(tf.abs(squares[0][:, tf.newaxis] - squares[1]))


@distances.mistake(
    "The product in the middle counts once: (a - b)² is a² - 2ab + b².", see=PRODUCTS
)
def _(points, centers):
    squares = tf.reduce_sum(points**2, axis=1), tf.reduce_sum(centers**2, axis=1)
    product = tf.matmul(points, centers, transpose_b=True)
    return tf.sqrt(squares[0][:, tf.newaxis] - product + squares[1])


distances.mistake_if(
    "Only pairs are measured, point 0 to center 0, point 1 to center 1, and so on. Each point is to meet each center: "
    "give the points an axis of length 1 for the centers.",
    lambda attempt: gives(attempt, np.diagonal(attempt.expected.value)),
)
distances.mistake_if(
    "Only the distance to the nearest center is left. All of them were asked for: shape (n, m).",
    lambda attempt: gives(attempt, np.min(attempt.expected.value, axis=1)),
    see=AXES,
)
distances.mistake_if(
    "An axis was lost that should be there: one number for each point and each center makes the shape (n, m).",
    lambda attempt: attempt.difference.kind == "rank" and mine(attempt).ndim < 2,
    see=AXES,
)


def measured(points, centers, meet, power, how, axis, after, turned):
    here, there = points[:, np.newaxis], centers
    numbers = {
        "difference": here - there,
        "sum": here + there,
        "product": here * there,
        "squares": here**2 - there**2,
        "backward": here - there[::-1],
        "points": here + 0 * there,
    }[meet]
    numbers = {
        "square": numbers**2,
        "none": numbers,
        "absolute": np.abs(numbers),
        "double": 2 * numbers,
        "cube": np.abs(numbers) ** 3,
    }[power]
    axes = {"coordinates": 2, "centers": 1, "points": 0, "all": None}
    numbers = numbers if how == "nothing" else reduced(numbers, how, axes[axis])
    count = points.shape[1]
    numbers = {
        "root": np.sqrt(np.abs(numbers)),
        "nothing": numbers,
        "square": numbers**2,
        "absolute": np.abs(numbers),
        "negative": -np.sqrt(np.abs(numbers)),
        "half": np.sqrt(np.abs(numbers)) / 2,
        "divided": np.sqrt(np.abs(numbers)) / count,
        "fourth root": np.abs(numbers) ** 0.25,
        "rounded": np.round(np.sqrt(np.abs(numbers))),
    }[after]
    return np.transpose(numbers) if turned == "yes" else numbers


distances_differ = recipes(
    distances,
    {
        "meet": ["difference", "sum", "product", "squares", "backward", "points"],
        "power": ["square", "none", "absolute", "double", "cube"],
        "how": ["sum", "nothing", "mean", "max", "min", "product"],
        "axis": ["coordinates", "centers", "points", "all"],
        "after": [
            "root",
            "nothing",
            "square",
            "absolute",
            "negative",
            "half",
            "divided",
            "rounded",
            "fourth root",
        ],
        "turned": ["no", "yes"],
    },
    measured,
    [(scattered(4, 3), scattered(2, 3, step=5, start=1))],
)


distances.mistake_if(
    "Points and centers do not meet in a difference: something else is measured.",
    lambda attempt: distances_differ(attempt, "meet"),
    see=BASIC,
)
distances.mistake_if(
    "The sum is not over the coordinates: they are the last axis, and it is the one to be lost.",
    lambda attempt: distances_differ(attempt, "axis"),
    see=AXES,
)
distances.mistake_if(
    "The differences are not squared, each by itself, before they are put together.",
    lambda attempt: distances_differ(attempt, "power"),
    see=BASIC,
)
distances.mistake_if(
    "The squares are not put together by a sum. Euclid's distance is the root of the sum of the squares.",
    lambda attempt: distances_differ(attempt, "how"),
    see=AXES,
)
distances.mistake_if(
    "The sums of the squares are right, but what comes after them is not the root alone.",
    lambda attempt: distances_differ(attempt, "after"),
    see=BASIC,
)


@distances.mistake_if(
    "The distances are right, but an axis of length 1 is too much: shape (n, m) is asked for.",
    see=AXES,
)
def _(attempt):
    right = np.asarray(attempt.expected.value)
    return mine(attempt).ndim > 2 and np.allclose(mine(attempt).ravel(), right.ravel(), 1e-4)


@distances.mistake_if(
    "The numbers are right but not in their places: row i and column j are for point i and center j. "
    "`tf.reshape` fills rows one after the other; it does not swap axes.",
    see="notebook 02: A block of numbers",
)
def _(attempt):
    numbers, right = np.sort(mine(attempt), axis=None), np.sort(attempt.expected.value, axis=None)
    return mine(attempt).ndim == 2 and np.allclose(numbers, right, 1e-4)


distances.mistake_if(
    "The coordinates are counted in your code: it fits points with two of them, "
    "and leaves out the rest. Sum over the last axis.",
    lambda attempt: (
        attempt.case != ([[0.0, 1.0], [4.0, 3.0]], [[3.0, 5.0], [0.0, 2.0], [-1.0, 0.0]])
    ),
    see=AXES,
)
distances.mistake_if(
    "Sum, product or square of points and centers are mixed in a way that gives no distance. "
    "Begin with the differences, and say for each axis what it counts.",
    lambda attempt: attempt.difference.kind == "values",
    see=BASIC,
)
distances.mistake_if(
    "The result has another shape than (n, m): one row for each point, one column for each center, and nothing else.",
    lambda attempt: attempt.difference.kind in ("rank", "shape"),
    see="notebook 02: A block of numbers",
)


# Exercise 4


@exercise(
    NOTEBOOK,
    see=AXES,
    cases=[
        ([[1.0, 2.0, 4.0], [0.0, 0.5, -1.0]],),
        ([[3.0]],),
        ([[0.0, 1.0], [2.0, -1.0], [1.5, 1.0]],),
        ([[1.0, 0.0, 2.0], [3.0, 1.0, 1.0], [0.0, -2.0, 0.5]],),
        ([[0.25], [2.0]],),
        ([[1000.0, 998.0], [-1000.0, -999.0], [3.0, 1.0]],),
        ([[60.0, 50.0, -60.0]],),
        ([[300.0, -300.0, 299.0], [1.0, 0.0, 2.0]],),
    ],
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
)
def softmax(scores):
    largest = tf.reduce_max(scores, axis=1, keepdims=True)
    powers = tf.exp(scores - largest)
    return powers / tf.reduce_sum(powers, axis=1, keepdims=True)


computes_with_tensors(softmax)


@softmax.mistake_if(
    "The numbers of the rows came as a row, shape (n,), and met the columns. "
    "Keep the axis, so that they are a column, shape (n, 1).",
    see=BROADCASTING,
)
def _(attempt):
    if in_error(attempt, "Incompatible shapes"):
        return True
    scores = np.array(attempt.case[0])
    if len(scores) != scores.shape[1]:
        return False
    powers = np.exp(scores - scores.max())
    return gives(attempt, powers / powers.sum(axis=1))


def largest(scores, axis=1):
    return tf.reduce_max(scores, axis=axis, keepdims=True)


def total(scores, axis=1):
    return tf.reduce_sum(scores, axis=axis, keepdims=True)


softmax.mistake(
    "This goes wrong for large scores: exp of them is infinity, and infinity divided by infinity is NaN. "
    "Subtract the largest score of each row first.",
    lambda scores: tf.exp(scores) / total(tf.exp(scores)),
)
softmax.mistake(
    "Each column adds up to 1. Each row is to do so: sum over the other axis.",
    lambda scores: tf.nn.softmax(scores, axis=0),
)
softmax.mistake(
    "Each column adds up to 1, and large scores give NaN. "
    "Sum over the other axis, and subtract the largest score first.",
    lambda scores: tf.exp(scores) / total(tf.exp(scores), axis=0),
)


@softmax.mistake("All numbers together add up to 1. Each row is to do so: name the axis.")
def _(scores):
    powers = tf.exp(scores - tf.reduce_max(scores))
    return powers / tf.reduce_sum(powers)


softmax.mistake(
    "All numbers together add up to 1, and large scores give NaN. Name the axis, and subtract the largest score first.",
    lambda scores: tf.exp(scores) / tf.reduce_sum(tf.exp(scores)),
)


@softmax.mistake(
    "The largest score of each row was subtracted, "
    "but the sum is over the whole table. Name the axis for the sum, too."
)
def _(scores):
    powers = tf.exp(scores - largest(scores))
    return powers / tf.reduce_sum(powers)


@softmax.mistake(
    "The largest score of each row was subtracted, but the sum is over axis 0, the columns. Both are for rows."
)
def _(scores):
    powers = tf.exp(scores - largest(scores))
    return powers / total(powers, axis=0)


softmax.mistake(
    "The exponential is missing: the scores themselves were divided by their sum. Negative scores stay negative so.",
    lambda scores: scores / total(scores),
    see=BASIC,
)


@softmax.mistake(
    "The exponential is missing: what was left after the subtraction was divided by its sum.",
    see=BASIC,
)
def _(scores):
    shifted = scores - largest(scores)
    return shifted / total(shifted)


softmax.mistake(
    "Only the upper part of the fraction has the exponential. The sum is one of exponentials, too.",
    lambda scores: tf.exp(scores) / total(scores),
)
softmax.mistake(
    "Only the upper part of the fraction has the exponential of what was shifted. The sum needs the same.",
    lambda scores: tf.exp(scores - largest(scores)) / total(scores),
)
softmax.mistake(
    "The largest score was subtracted above the fraction bar only. "
    "It cancels if it is subtracted below it, too.",
    lambda scores: tf.exp(scores - largest(scores)) / total(tf.exp(scores)),
)
softmax.mistake(
    "The division is missing: these exponentials don't add up to 1 in a row.",
    lambda scores: tf.exp(scores),
)
softmax.mistake(
    "The division is missing: the largest exponential is 1, and a row adds up to more than that.",
    lambda scores: tf.exp(scores - largest(scores)),
)


@softmax.mistake_if(
    "This is the logarithm of the result: shares are not negative. Take the exponential of it.",
    see=BASIC,
)
def _(attempt):
    with np.errstate(divide="ignore"):
        return gives(attempt, np.log(attempt.expected.value))


softmax.mistake_if(
    "The shares are right, but rows and columns are swapped: leave each share in the place of its score.",
    lambda attempt: gives(attempt, np.transpose(attempt.expected.value)),
    see="notebook 02: A block of numbers",
)


@softmax.mistake(
    "You subtracted the largest score of the whole table. "
    "In a row whose scores are far below it, every exponential becomes 0, and 0 divided by 0 is NaN."
)
def _(scores):
    powers = tf.exp(scores - tf.reduce_max(scores))
    return powers / total(powers)


@softmax.mistake(
    "You subtracted the largest score of each column. "
    "Only a number that is the same for the whole row cancels in the fraction."
)
def _(scores):
    powers = tf.exp(scores - largest(scores, axis=0))
    return powers / total(powers)


@softmax.mistake(
    "You subtracted the smallest score of each row. "
    "The largest exponent can still be too large. Subtract the largest score."
)
def _(scores):
    powers = tf.exp(scores - tf.reduce_min(scores, axis=1, keepdims=True))
    return powers / total(powers)


@softmax.mistake(
    "You subtracted the mean of each row. The largest exponent can still be too large. Subtract the largest score."
)
def _(scores):
    powers = tf.exp(scores - tf.reduce_mean(scores, axis=1, keepdims=True))
    return powers / total(powers)


softmax.mistake(
    "Each score went through a function of its own, the sigmoid. In a softmax the scores of a row share a sum.",
    lambda scores: tf.sigmoid(scores),
    see=BASIC,
)
softmax.mistake(
    "The exponentials were divided by the largest one. Divide by their sum.",
    lambda scores: tf.exp(scores) / largest(tf.exp(scores)),
)


@softmax.mistake(
    "The exponentials were divided by their mean, so a row adds up to the number of columns. Divide by their sum."
)
def _(scores):
    powers = tf.exp(scores - largest(scores))
    return powers / tf.reduce_mean(powers, axis=1, keepdims=True)


softmax.mistake(
    "The exponentials were divided by their mean, and large scores give NaN. "
    "Divide by the sum, and subtract the largest score first.",
    lambda scores: tf.exp(scores) / tf.reduce_mean(tf.exp(scores), axis=1, keepdims=True),
)


@softmax.mistake(
    "You subtracted the largest exponential after `tf.exp`. Subtract the largest score before it.",
    see=BASIC,
)
def _(scores):
    powers = tf.exp(scores)
    powers = powers - largest(powers)
    return powers / total(powers)


@softmax.mistake(
    "The scores were divided by the largest one, which changes the result. Subtract it: a difference cancels."
)
def _(scores):
    powers = tf.exp(scores / largest(scores))
    return powers / total(powers)


@softmax.mistake_if(
    "The sign of the exponent is wrong: the largest score gets the smallest share.", see=BASIC
)
def _(attempt):
    with np.errstate(all="ignore"):
        inverse = 1 / np.asarray(attempt.expected.value)
        return gives(attempt, inverse / inverse.sum(axis=1, keepdims=True))


softmax.mistake(
    "Softmax was taken twice, which brings the shares closer together.",
    lambda scores: tf.nn.softmax(tf.nn.softmax(scores)),
    see=BASIC,
)
softmax.mistake(
    "The largest score of a row got everything. The others have shares, too, by their exponentials.",
    lambda scores: tf.one_hot(tf.argmax(scores, axis=1), scores.shape[1]),
)
softmax.mistake(
    "You squared the scores. The exponential was asked for, `tf.exp`.",
    lambda scores: tf.square(scores) / total(tf.square(scores)),
    see=BASIC,
)


@softmax.mistake("These are powers of 2. Take powers of e, as `tf.exp` makes them.", see=BASIC)
def _(scores):
    shifted = 2.0 ** (scores - largest(scores))
    return shifted / total(shifted)


softmax.mistake(
    "These are powers of 2, and large scores give NaN. "
    "Take powers of e, as `tf.exp` makes them, and subtract the largest score first.",
    lambda scores: 2.0**scores / total(2.0**scores),
    see=BASIC,
)
softmax.mistake_if(
    "You cut the large scores off, and with them what tells them apart. "
    "Subtract the largest score of each row instead.",
    lambda attempt: any(each in attempt.source for each in ("clip", "minimum")),
    see=BASIC,
)
softmax.mistake_if(
    "NaN comes from infinity divided by infinity, or 0 by 0: "
    "some exponent is too large, or all of a row are too small. "
    "The largest exponent of each row should be 0.",
    lambda attempt: np.isnan(mine(attempt)).any() or np.isinf(mine(attempt)).any(),
)


def shared_out(scores, power, scale, shift, under, axis, form):
    axes = {"rows": 1, "columns": 0, "all": None}
    over = {"axis": axes[axis], "keepdims": True}
    exponent = {
        "nothing": scores,
        "by max": scores / np.max(scores, axis=1, keepdims=True),
        "by sum": scores / np.sum(scores, axis=1, keepdims=True),
        "thousandth": scores / 1000,
        "double": 2 * scores,
    }[scale]
    largest = np.max(scores, axis=1, keepdims=True)
    powers = {
        "exp": lambda: np.exp(exponent),
        "none": lambda: exponent,
        "negative": lambda: np.exp(-exponent),
        "two": lambda: 2.0**exponent,
        "square": lambda: exponent**2,
        "absolute": lambda: np.abs(exponent),
        "sigmoid": lambda: 1 / (1 + np.exp(-exponent)),
        "positive": lambda: np.clip(exponent, 0, None),
        "exp minus one": lambda: np.exp(exponent) - 1,
    }[power]()
    powers = {
        "cancels": powers,
        "subtracted late": powers - largest,
        "divided late": powers / np.exp(largest),
        "shifted only": powers - np.max(powers, axis=1, keepdims=True),
    }[shift]
    lower = {
        "sum": lambda: np.sum(powers, **over),
        "mean": lambda: np.mean(powers, **over),
        "max": lambda: np.max(powers, **over),
        "sum of scores": lambda: np.sum(scores, **over),
        "sum of shifted": lambda: np.sum(scores - largest, **over),
        "exp of sum": lambda: np.exp(np.sum(scores, **over)),
        "norm": lambda: np.sqrt(np.sum(powers**2, **over)),
        "samples": lambda: len(scores),
        "outputs": lambda: scores.shape[1],
        "one more": lambda: 1 + powers,
        "nothing": lambda: 1.0,
    }[under]()
    return {
        "fraction": lambda: powers / lower,
        "inverse": lambda: lower / powers,
        "product": lambda: powers * lower,
        "lower": lambda: lower,
        "logarithm": lambda: np.log(powers / lower),
        "difference": lambda: powers - lower,
        "root": lambda: np.sqrt(powers / lower),
        "one less": lambda: 1 - powers / lower,
        "transposed": lambda: np.transpose(powers / lower),
        "rounded": lambda: np.round(powers / lower),
    }[form]()


softmax_differs = recipes(
    softmax,
    {
        "power": [
            "exp",
            "none",
            "negative",
            "two",
            "square",
            "absolute",
            "sigmoid",
            "positive",
            "exp minus one",
        ],
        "scale": ["nothing", "by max", "by sum", "thousandth", "double"],
        "shift": ["cancels", "divided late", "subtracted late", "shifted only"],
        "under": [
            "sum",
            "mean",
            "max",
            "sum of scores",
            "sum of shifted",
            "exp of sum",
            "norm",
            "samples",
            "outputs",
            "one more",
            "nothing",
        ],
        "axis": ["rows", "columns", "all"],
        "form": [
            "fraction",
            "inverse",
            "product",
            "lower",
            "logarithm",
            "difference",
            "root",
            "one less",
            "transposed",
            "rounded",
        ],
    },
    shared_out,
    [([[1.0, 2.0, 4.0], [0.0, 0.5, -1.0]],)],
)


softmax.mistake_if(
    "The exponents are not the scores: a softmax takes the exponential of each score, "
    "or of its distance from the largest, "
    "and of nothing else.",
    lambda attempt: softmax_differs(attempt, "power") or softmax_differs(attempt, "scale"),
    see=BASIC,
)
softmax.mistake_if(
    "Something was subtracted from the exponentials. Subtract from the scores, before `tf.exp`.",
    lambda attempt: softmax_differs(attempt, "shift") and not softmax_differs(attempt, "under"),
    see=BASIC,
)
softmax.mistake_if(
    "The fraction is not over the rows: the axis of the sum is another one.",
    lambda attempt: softmax_differs(attempt, "axis"),
)
softmax.mistake_if(
    "The exponentials are divided by something else than their sum over the row, so a row does not add up to 1.",
    lambda attempt: softmax_differs(attempt, "under"),
)
softmax.mistake_if(
    "Exponentials and their sums are there, but they are not put together as a fraction, exponential over sum, "
    "or something was done with the fraction.",
    lambda attempt: softmax_differs(attempt, "form"),
    see=BASIC,
)
softmax.mistake_if(
    "NaN has been replaced by a number, which is not the one that belongs there. "
    "Avoid that it comes up: subtract the largest score of each row.",
    lambda attempt: any(
        each in attempt.source for each in ("is_nan", "is_inf", "isnan", "isinf", "is_finite")
    ),
)
softmax.mistake_if(
    "The result has another shape than the scores: each score is to get a share, in the same place.",
    lambda attempt: attempt.difference.kind in ("rank", "shape"),
    see="notebook 02: A block of numbers",
)


@softmax.mistake_if(
    "A small number was added below the fraction bar, so the shares don't quite add up to 1. "
    "With the largest score subtracted, the sum is at least 1, and nothing needs protection.",
    see=BASIC,
)
def _(attempt):
    sums = mine(attempt).sum(axis=1)
    return np.all(sums < 1) and np.all(sums > 0.9)


softmax.mistake_if(
    "The rows of your result do not add up to 1. Divide each exponential by the sum over its row.",
    lambda attempt: not np.allclose(mine(attempt).sum(axis=1), 1, atol=1e-3),
)
softmax.mistake_if(
    "Each row adds up to 1, but the shares are not those of the exponentials of the scores. "
    "Look at what goes into `tf.exp`.",
    lambda attempt: attempt.difference.kind == "values",
    see=BASIC,
)
