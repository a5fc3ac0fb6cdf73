"""Exercises of notebook 05, on gradients."""

import ast
import functools
import re

import numpy as np
import tensorflow as tf

from support.exercises.compare import is_array
from support.exercises.engine import ChangedItsInput, exercise

NOTEBOOK = "05_gradient_tape"
MEANING = "What a gradient says"
WATCHING = "Constants must be watched"
TWICE = "The gradient of a gradient"
LOSS = "The gradient of a loss"
SPENT = "A tape is spent after one gradient"
FROZEN = "A variable that is not trainable is not watched"
WHOLE = "Whole numbers have no gradient"
LEAVING = "Leaving TensorFlow cuts the path"
NO_PATH = "Zero instead of `None`"
DESCENT = "What it is good for"
PRODUCT = "notebook 04: `*` is not the matrix product"


@functools.cache
def function_of(text):
    """A function of x that is shown as a learner would write it."""
    function = eval(f"lambda x: {text}", {"tf": tf})
    function.__name__ = f"lambda x: {text}"
    return function


# What can be seen of an attempt. Each exercise but the third takes a function first.


def met_none(attempt):
    """Whether a gradient came as None, and was returned or computed with."""
    value = attempt.called.value
    if not attempt.calls("gradient", "slope"):
        return False
    if attempt.called.error:
        return attempt.fails_with("None")
    if isinstance(value, list | tuple):
        return any(each is None for each in value)
    return value is None and not attempt.returns_nothing


def asked(attempt):
    """What tapes are asked for: pairs of a target and a source, as the code has them."""
    return [map(ast.unparse, each.args[:2]) for each in attempt.calls("gradient")]


def came_out(attempt):
    """For each gradient that is asked for, whether its target and its source come from the function or a tape."""
    function = rf"\b{attempt.parameters[0]}\("

    def comes_out(text):
        line = rf"^ *{re.escape(text)} = (.*{function}|\w+\.gradient\()"
        return bool(re.search(function, text) or re.search(line, attempt.source, re.MULTILINE))

    return [tuple(map(comes_out, each)) for each in asked(attempt)]


def under(attempt, *blocks):
    """All that stands in the blocks of `with`, or of loops."""
    return [
        node
        for block in ast.walk(attempt.tree)
        if isinstance(block, blocks)
        for statement in block.body
        for node in ast.walk(statement)
    ]


def all_outside(attempt, calls):
    """Whether none of these calls stands where a tape records."""
    recorded = under(attempt, ast.With)
    return calls and not any(each in recorded for each in calls)


def watches_late(attempt):
    function, watch = attempt.calls(attempt.parameters[0]), attempt.calls("watch")
    return max(each.lineno for each in watch) > min(each.lineno for each in function)


def misses_watching(attempt):
    """Whether a gradient is None, and all is right if x is a variable, which tapes watch by themselves."""
    function, x = attempt.exercise.arguments(attempt.case)
    return met_none(attempt) and np.allclose(
        attempt.call(function, tf.Variable(x)), attempt.expected.value
    )


def leaves(attempt):
    """Whether numbers go through NumPy or Python where a tape records, unless they are printed."""
    blocks = [ast.unparse(each) for each in ast.walk(attempt.tree) if isinstance(each, ast.With)]
    code = re.sub(r"print\(.*", "", "\n".join(blocks))
    return re.search(r"\.numpy\(|\bfloat\(|\bnp\.\w+\(|\.item\(", code)


def nudges(attempt):
    """Whether it divides differences of values in place of asking a tape."""
    values = {ast.unparse(each) for each in attempt.calls(attempt.parameters[0])}
    by_hand = len(values) >= 2 and "/" in attempt.source
    no_tape = "GradientTape" not in attempt.source and not attempt.calls("slope")
    return no_tape and (by_hand or re.search(r"np\.(gradient|diff)\(", attempt.source))


def missing(attempt):
    """Which of the gradients that were returned are None."""
    return [each is None for each in attempt.called.value]


# What goes wrong in several exercises

ERRORS = {  # where to read, what TensorFlow says, and what that means
    MEANING: {
        "context manager protocol": "The parentheses are missing: `tf.GradientTape()` makes a tape, and without them "
        "it is only the name of a class.",
        "GradientTape.gradient() missing": "`gradient` takes two things: what came out, and what it depends on.",
        "`type_value`: <function": "A tape takes the gradient of a result. Call the function inside the `with` block, "
        "and hand over what it gives.",
    },
    WATCHING: {
        "has no attribute 'watch'": "`watch` is a method of the tape: the tensor to be watched stands between its "
        "parentheses.",
        "of type 'function', not tf": "A tape watches tensors and variables, not functions: give it what the function "
        "is called with.",
    },
    DESCENT: {
        "Use `variable.assign": "A variable has no `-=` and no `+=`: `assign_sub` and `assign_add` change it.",
        "Tensor' object has no attribute 'assign": "A constant can't be changed. `tf.Variable` makes a variable.",
    },
}


def for_tapes(exercise, advice):
    """Declare what goes wrong with any tape; `advice` is for who asks one twice."""
    for see, meanings in ERRORS.items():
        for error, words in meanings.items():
            exercise.mistake_if(
                words, lambda attempt, error=error: attempt.fails_with(error), see=see
            )
    exercise.mistake_if(
        f"One tape was asked twice, and its record is thrown away after the first time. {advice}",
        lambda attempt: attempt.fails_with("non-persistent"),
        see=SPENT,
    )
    exercise.mistake_if(
        "`watch` returns None. Call it on a line of its own, and go on with the tensor.",
        lambda attempt: re.search(r"(= |return )\w+\.watch\(", attempt.source),
        see=WATCHING,
    )


def for_leaving(exercise):
    exercise.mistake_if(
        "The path leaves TensorFlow: what NumPy or Python computes is not on the record, so there is no gradient.",
        lambda attempt: (
            (leaves(attempt) and met_none(attempt))
            or attempt.fails_with("has no attribute '_id'", "'float' object has no attribute")
        ),
        see=LEAVING,
    )


def when_none(exercise, words, seen, see=""):
    """Declare why a gradient is None."""
    exercise.mistake_if(words, lambda attempt: met_none(attempt) and seen(attempt), see=see)


UNCONNECTED = "A gradient is None: no path was recorded from its source to its result."
NUDGED = "You compute the difference that a nudge makes, a slope only roughly. Ask a tape for it."


def for_functions(exercise):
    """Declare what goes wrong with the gradient of a function, and why one is None: the last words always hold."""
    exercise.mistake_if(NUDGED, nudges, see=LOSS)
    when_none(
        exercise,
        "The arguments of `gradient` are swapped: what came out stands first, then what it depends on.",
        lambda attempt: (False, True) in came_out(attempt),
        see=MEANING,
    )
    when_none(
        exercise,
        "The function is called where no tape records. The call belongs inside the `with` block.",
        lambda attempt: all_outside(attempt, attempt.calls(attempt.parameters[0])),
        see=MEANING,
    )
    when_none(
        exercise,
        "`trainable=False` makes a variable that no tape watches unless it is told to.",
        lambda attempt: "trainable=False" in attempt.source and not attempt.calls("watch"),
        see=FROZEN,
    )
    exercise.mistake_if(
        "The path goes through whole numbers, which have no gradient. Keep x a `float32`.",
        lambda attempt: (
            re.search(r"\bint\(|int32|int64|\bround\(|\bfloor\(", attempt.source)
            and (met_none(attempt) or attempt.fails_with("int32", "int64"))
        ),
        see=WHOLE,
    )
    for_leaving(exercise)
    exercise.mistake_if(UNCONNECTED, met_none, see=NO_PATH)


def for_derivatives(exercise):
    """Declare what goes wrong in the first two exercises."""
    exercise.mistake_if(
        "x is a constant, and nobody told the tape to watch it. Each tape has to be told.",
        lambda attempt: misses_watching(attempt) and not attempt.calls("watch", "slope"),
        see=WATCHING,
    )
    exercise.mistake_if(
        "A tape begins to watch x when the function has already been called. Watch first, then compute.",
        lambda attempt: misses_watching(attempt) and watches_late(attempt),
        see=WATCHING,
    )
    exercise.mistake_if(
        "Zeros were asked for in place of None. They hide that no recorded path leads from x to the result: the tape "
        "is to watch x, and to record what is done with it.",
        lambda attempt: "unconnected" in attempt.source and not np.any(attempt.called.value),
        see=NO_PATH,
    )
    exercise.mistake_if(
        "x may be a single number, which has no length and no parts to loop over. Function and tape take x as a whole.",
        lambda attempt: attempt.fails_with("over a scalar", "has no `len", "of unsized"),
        see=TWICE,
    )
    exercise.mistake_if(
        "A list of sources gives a list of gradients. Give x alone, without brackets, and you get a tensor.",
        lambda attempt: (
            (isinstance(attempt.called.value, list) or attempt.called.error)
            and any(source.startswith("[") for _, source in asked(attempt))
        ),
        see=LOSS,
    )


@exercise(
    NOTEBOOK,
    see=WATCHING,
    cases=[
        ("x**2", 3.0),
        ("x**3 - 2.0 * x", [1.0, 2.0, -1.5]),
        ("x**2 + 1000.0", 2.0),
        ("tf.sin(tf.constant(100.0) * x)", 0.3),
        ("x**3 - 2.0 * x", 0.0),
        ("tf.exp(x)", [-1.0, 0.5]),
    ],
    given=lambda text, x: (function_of(text), tf.constant(x)),
    hints=[
        "A tape has to record what `function` does with `x`. So the call belongs inside its `with` block.",
        "`x` is a constant: tell the tape to watch it before the function is called.",
        "`tape.gradient(result, x)` takes the result first, and then what it depends on. Return what it gives.",
    ],
)
def slope(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = function(x)
    return tape.gradient(result, x)


for_tapes(slope, advice="Ask once, and keep what it gives.")

for value, words in {
    "result": "This is the value of the function at x. Its slope says how fast this value changes.",
    "2 * x": "This is the slope of x² alone. The function may be any other, so ask a tape for its gradient.",
    "result / x": "The value divided by x is the slope of a line from the origin, not that of the curve at x.",
    "x * tape.gradient(result, x)": "This is the slope times x. The slope alone is asked for.",
    "2 * result * tape.gradient(result, x)": "This is the slope of the function's square. Take that of the function "
    "itself.",
    "tf.reduce_sum(tape.gradient(result, x))": "These are slopes at several places, added up. "
    "Return one for each number in x.",
}.items():
    slope.slip(words, "tape.gradient(result, x)", value, see=MEANING)

slope.slip(
    "Your code computes at 3, whatever x is.", "tape.watch(x)", "x = tf.Variable(3.0)", see=MEANING
)
slope.mistake(
    "This is the second derivative: the slope of the slope.",
    lambda function, x: curvature.answer(function, x),
    see=TWICE,
)
for_derivatives(slope)
for_functions(slope)


@exercise(
    NOTEBOOK,
    see=TWICE,
    cases=[
        ("x**3", 5.0),
        ("x**4", [1.0, 2.0, -0.5]),
        ("x**2 - 3.0 * x", 0.0),
        ("tf.sin(tf.constant(20.0) * x)", 0.3),
        ("tf.exp(2.0 * x)", [-1.0, 0.5]),
    ],
    given=lambda text, x: (function_of(text), tf.constant(x)),
    hints=[
        "The second derivative is the gradient of a gradient. You need two tapes, one inside the other.",
        "`x` is a constant, so each of the two tapes must watch it.",
        "The inner tape records the function. Ask it for the slope while the outer tape is still recording.",
        "After both blocks, ask the outer tape for the gradient of that slope with respect to x.",
    ],
)
def curvature(function, x):
    with tf.GradientTape() as outer_tape:
        outer_tape.watch(x)
        with tf.GradientTape() as inner_tape:
            inner_tape.watch(x)
            result = function(x)
        slope = inner_tape.gradient(result, x)
    return outer_tape.gradient(slope, x)


for_tapes(curvature, advice="Use a second tape around the first.")

for value, words in {
    "result": "This is the value of the function; its second derivative is asked for.",
    "slope": "This is the first derivative. The second is the gradient of that one.",
    "slope**2": "This is the square of the first derivative. The second derivative is how fast the first one changes.",
    "2 * slope": "This is twice the first derivative, and not the derivative of it.",
    "slope + outer_tape.gradient(slope, x)": "This is the sum of the first and the second derivative. "
    "Take the gradient of the slope alone.",
    "6 * x": "This is the second derivative of x³ alone. The function may be any other, so ask tapes for it.",
    "tf.reduce_sum(outer_tape.gradient(slope, x))": "These are results for several places, added up. "
    "Return one for each number in x.",
}.items():
    curvature.slip(words, "outer_tape.gradient(slope, x)", value)

for inner, words in {
    "inner_tape.gradient(result, x) * result": "This is the derivative of the slope times the function. Take that of "
    "the slope alone.",
    "inner_tape.gradient(result, x) ** 2": "This is the derivative of the squared slope. Take that of the slope.",
}.items():
    curvature.slip(words, "inner_tape.gradient(result, x)", inner)

curvature.mistake(
    "You took the slope at another place: the second call got the slope in place of x. The second derivative is "
    "that of the function's slope, at x.",
    lambda function, x: slope.answer(function, slope.answer(function, x)),
)
curvature.mistake(
    "You called the function on its own result. The second derivative takes the gradient twice, not the function.",
    lambda function, x: slope.answer(lambda place: function(function(place)), x),
)


curvature.mistake_if(
    NUDGED,
    lambda attempt: (
        "/" in attempt.source and np.allclose(attempt.called.value, attempt.expected.value, 0.05)
    ),
    see=LOSS,
)
when_none(
    curvature,
    "The second gradient is taken with respect to the function's result. Both are to be taken with respect to x.",
    lambda attempt: (True, True) in came_out(attempt),
)
when_none(
    curvature,
    "The first derivative is taken where no tape records, so nobody knows how it depends on x. Take it while the "
    "outer tape is still recording.",
    lambda attempt: all_outside(attempt, attempt.calls("gradient", "slope")),
)
for_derivatives(curvature)
curvature.mistake_if(
    "The inner tape was not told to watch x, so the slope is None, and the outer tape can do nothing with it.",
    lambda attempt: misses_watching(attempt) and attempt.fails_with("Argument `target`"),
    see=WATCHING,
)
curvature.mistake_if(
    "Only the inner tape watches x; the outer one does not know that the slope depends on it. Each tape watches for "
    "itself.",
    lambda attempt: misses_watching(attempt) and not attempt.called.error,
    see=WATCHING,
)
for_functions(curvature)


def quarters(rows, columns, first):
    """A table of small numbers without a pattern that matters."""
    numbers = (np.arange(rows * columns) * 7 + first) % 11 - 4
    return numbers.reshape(rows, columns).astype("float32") / 4


def linear_problem(samples, features, outputs):
    return (
        tf.constant(quarters(samples, features, 1)),
        tf.constant(quarters(samples, outputs, 6)),
        tf.Variable(quarters(features, outputs, 9)),
        tf.Variable(quarters(1, outputs, 3)[0]),
    )


def result_without_changes(answer, inputs, targets, W, b):
    before = W.numpy(), b.numpy()
    result = answer(inputs, targets, W, b)
    if not all(map(np.array_equal, before, (W.numpy(), b.numpy()))):
        raise ChangedItsInput("your code changes W or b")
    return result


@exercise(
    NOTEBOOK,
    see=LOSS,
    cases=[(3, 2, 1), (1, 1, 1), (4, 3, 2), (5, 1, 3), (2, 4, 1)],
    given=linear_problem,
    observe=result_without_changes,
    hints=[
        "Compute the predictions and the loss under a tape, step by step as the notebook does.",
        "`tf.matmul(inputs, W) + b` are the predictions; `tf.reduce_mean(tf.square(…))` is a mean squared error.",
        "Both weights are variables, so the tape watches them. Give a list of them to `gradient`, W first.",
    ],
)
def loss_gradients(inputs, targets, W, b):
    with tf.GradientTape() as tape:
        predictions = tf.matmul(inputs, W) + b
        loss = tf.reduce_mean(tf.square(targets - predictions))
    return tape.gradient(loss, [W, b])


for_tapes(loss_gradients, advice="Ask once, with a list of both weights.")

loss_gradients.mistake_if(
    "Your function changes W or b. It is only to compute the gradients; taking a step is another matter.",
    lambda attempt: isinstance(attempt.called.error, ChangedItsInput),
)
loss_gradients.mistake_if(
    "The arguments of `gradient` are swapped: the loss stands first, then the list of weights.",
    lambda attempt: any(
        set(re.findall(r"\w+", target)) <= set(attempt.parameters[2:])
        for target, _ in asked(attempt)
    ),
    see=MEANING,
)
for_leaving(loss_gradients)

loss_gradients.mistake_if(
    "The gradient of b is None: the predictions don't depend on b. It is to be added to the product.",
    lambda attempt: missing(attempt) == [False, True],
)
loss_gradients.mistake_if(
    "The gradient of W is None: the predictions don't depend on W as far as the tape knows.",
    lambda attempt: missing(attempt) == [True, False],
)
loss_gradients.mistake_if(
    "You make constants of W and b, and no tape watches those. Use the variables as they come.",
    lambda attempt: (
        missing(attempt) == [True, True]
        and re.search(r"(constant|tensor)\((W|b)\)", attempt.source)
    ),
    see=WATCHING,
)
loss_gradients.mistake_if(
    "Both gradients are None: the tape has recorded nothing that leads from the weights to the loss. Predictions and "
    "loss belong inside the `with` block.",
    lambda attempt: missing(attempt) == [True, True],
    see=MEANING,
)
loss_gradients.mistake_if(UNCONNECTED, met_none, see=NO_PATH)

for value, words in {
    "loss": "This is the loss. Its gradient is asked for, for W and for b.",
    "predictions": "These are the predictions. The gradient of the loss is asked for.",
    "tape.gradient(loss, W)": "This is the gradient of W alone. A list of W and b gives both.",
    "tape.gradient(loss, b)": "This is the gradient of b alone. A list of W and b gives both.",
    "tape.gradient(loss, [b, W])": "W and b have changed places: the gradient of W comes first.",
    "tape.gradient(predictions, [W, b])": "These are the gradients of the predictions. The loss compares them with "
    "the targets first.",
    "loss, tape.gradient(loss, [W, b])": "The first thing that you return is the loss. Return the two gradients alone.",
}.items():
    loss_gradients.slip(words, "tape.gradient(loss, [W, b])", value)

loss_gradients.mistake_if(
    "`*` multiplies number by number. The predictions take a matrix product, which is `tf.matmul` or `@`.",
    lambda attempt: (
        attempt.fails_with("[Op:Mul]")
        and not re.search(r"matmul|@|tensordot|einsum", attempt.source)
    ),
    see=PRODUCT,
)
for product, words in {
    "tf.matmul(tf.transpose(inputs), W)": "The inputs are transposed. They have one row for each sample already, as "
    "the matrix product needs it.",
    "tf.matmul(W, inputs)": "The matrix product has its arguments in the wrong order: a row of the inputs meets a "
    "column of W, so the inputs stand first.",
}.items():
    loss_gradients.slip(words, "tf.matmul(inputs, W)", product, see=PRODUCT)

for predictions, words in {
    "tf.matmul(inputs, W) - b": "b is subtracted where it is to be added.",
    "tf.matmul(inputs, W + b)": "b is added to W. It is to be added to the product.",
}.items():
    loss_gradients.slip(words, "tf.matmul(inputs, W) + b", predictions)

for loss, words in {
    "tf.reduce_sum(tf.square(targets - predictions))": "These are the gradients of a sum of squares. Take their mean.",
    "tf.reduce_mean(tf.square(targets - predictions), axis=0)": "You averaged over the samples alone, and summed over "
    "the outputs. The mean is over all squares.",
    "tf.reduce_mean(tf.square(targets - predictions), axis=1)": "You averaged over the outputs alone, and summed over "
    "the samples. The mean is over all squares.",
    "tf.reduce_mean(tf.square(targets - predictions)) / 2": "These are half the gradients. The derivative of a square "
    "has a factor of 2, which is to stay.",
    "tf.reduce_mean(tf.abs(targets - predictions))": "These are the gradients of a mean absolute error. Take squares.",
    "tf.sqrt(tf.reduce_mean(tf.square(targets - predictions)))": "You took a square root of the loss. Leave it out.",
    "tf.square(tf.reduce_mean(targets - predictions))": "You squared the mean of the differences, in which positive "
    "and negative ones cancel. Square first.",
    "tf.reduce_mean(targets - predictions)": "The differences are not squared: these are the gradients of their mean.",
    "targets - predictions": "The differences are neither squared nor averaged: these are the gradients of their sum.",
    "tf.reduce_mean(predictions)": "These are the gradients of the mean of the predictions. The loss squares their "
    "differences from the targets first.",
    "tf.reduce_mean(tf.square(targets + predictions))": "The targets are added to the predictions. Their difference "
    "says how wrong the predictions are.",
}.items():
    loss_gradients.slip(words, "tf.reduce_mean(tf.square(targets - predictions))", loss)

loss_gradients.slip(
    "Each target has met each prediction, as a shape of (n,) against (n, 1) stretches to (n, n). Leave both as they "
    "are.",
    "targets - predictions",
    "tf.squeeze(targets) - predictions",
    see="notebook 04: Broadcasting: small shapes stretch",
)
loss_gradients.mistake_if(
    "A nudge of all of W at once gives one number. A gradient has one for each number in W; ask a tape for it.",
    lambda attempt: (
        not attempt.calls("gradient")
        and np.isclose(attempt.called.value[0], np.sum(attempt.expected.value[0]), 0.1)
    ),
)
loss_gradients.mistake_if(
    "Your function makes variables of its own. Use the W and b that it is given.",
    lambda attempt: attempt.calls("Variable"),
)


def took(attempt, steps):
    """Whether the result is where so many steps lead."""
    return attempt.gives(descend.expected((*attempt.case[:3], steps)).value)


ONE_STEP, NO_STEP = ("x**2", 3.0, 0.1, 1), ("x**2", 3.0, 0.1, 0)


def number_of(answer, function, start, learning_rate, steps):
    """What an answer returns, as a number if it is one."""
    result = answer(function, start, learning_rate, steps)
    return result.numpy() if is_array(result) and hasattr(result, "numpy") else result


@exercise(
    NOTEBOOK,
    see=DESCENT,
    cases=[
        ONE_STEP,
        ("x**2", 3.0, 0.1, 2),
        NO_STEP,
        ("(x - 2.0)**2", -1.0, 0.25, 3),
        ("x**4 - x**2", 1.0, 0.05, 4),
        ("tf.sin(tf.constant(2.0) * x)", 0.5, 0.125, 5),
        ("tf.exp(x) - 2.0 * x", 0.0, 0.1, 7),
        ("x**2 - x", 1.0, 1.5, 3),
    ],
    given=lambda text, *rest: (function_of(text), *rest),
    observe=number_of,
    hints=[
        "The last cells before the summary do this for x². Here the function, the start, the rate and the number of "
        "steps are given.",
        "Make a variable of `start` once, before the loop. Each step needs a tape of its own, because a tape is spent "
        "after one gradient.",
        "In each step: compute `function(x)` under a tape, ask for the gradient, and take `learning_rate` times the "
        "gradient off the variable with `assign_sub`.",
        "Return the variable after the loop, not inside it.",
    ],
)
def descend(function, start, learning_rate, steps):
    x = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            height = function(x)
        gradient = tape.gradient(height, x)
        x.assign_sub(learning_rate * gradient)
    return x


for_tapes(descend, advice="Each step needs a new tape.")

descend.mistake_if(
    "A tape is given a number of Python, as `start` is one. It knows only tensors and variables: make a variable of "
    "`start`.",
    lambda attempt: (
        attempt.fails_with("of type 'float', not tf", "'float' object has no attribute")
        and not leaves(attempt)
    ),
)
descend.mistake_if(
    "`steps` is a number, which no loop goes through; `range(steps)` counts as far.",
    lambda attempt: attempt.fails_with("'int' object is not iterable"),
)
when_none(
    descend,
    "From the second step on the gradient is None: `x = …` gives the name to a new tensor, which no tape watches. "
    "`x.assign_sub(…)` alone changes the variable itself.",
    lambda attempt: (
        not attempt.run(ONE_STEP).error
        and (".assign" not in attempt.source or re.search(r"\b(\w+) = \1\.", attempt.source))
    ),
    see="notebook 03: The box and its name",
)
when_none(
    descend,
    "A gradient is None: x is a constant, and no tape was told to watch it. With a variable, there is no need to.",
    lambda attempt: not attempt.calls("watch", "Variable", "slope"),
    see=WATCHING,
)
for_functions(descend)
descend.mistake_if(
    "With 0 steps the result is the start: x must have its value before the loop.",
    lambda attempt: attempt.case == NO_STEP and attempt.called.value is None,
)
descend.mistake_if(
    "Each step begins at `start` again. Make the variable once, before the loop.",
    lambda attempt: (
        took(attempt, 1)
        and any(
            f"({attempt.parameters[1]})" in ast.unparse(each)
            for each in under(attempt, ast.For, ast.While)
        )
    ),
)
descend.mistake_if(
    "`return` stands inside the loop, so it ends with the first step. Return after the loop.",
    lambda attempt: (
        took(attempt, 1)
        and any(isinstance(node, ast.Return) for node in under(attempt, ast.For, ast.While))
    ),
)

HEIGHT = "This is the function's value at the last x or the one before. Return the last x."
GRADIENT = "This is the gradient at the last x or the one before. Return the last x."
for value, words in {
    "function(x)": HEIGHT,
    "height": HEIGHT,
    "slope.answer(function, x)": GRADIENT,
    "gradient": GRADIENT,
    "x - start": "This is how far x has moved. Return the last x.",
    "start": "x has not moved: this is the start.",
}.items():
    descend.slip(words, "return x", f"return {value}")

descend.slip(
    "Your code begins at 3, whatever comes in. Use `start`.", "Variable(start)", "Variable(3.0)"
)

for count, words in {
    "1": "One step alone was taken: repeat it `steps` times.",
    "10": "Your code takes 10 steps, whatever comes in. Use `steps`.",
    "steps + 1": "One step too many was taken.",
    "steps - 1": "One step is missing: `range(steps)` gives `steps` of them.",
}.items():
    descend.slip(words, "range(steps)", f"range({count})")

for step, words in {
    "gradient": "The learning rate is not used: it says which part of the gradient to take off.",
    "-gradient": "The learning rate is not used, and this goes up: subtract a part of the gradient.",
    "0.1 * 2 * x": "Your code is that for x² with 0.1, whatever comes in. Use `function` and `learning_rate`.",
    "0.1 * gradient": "The learning rate of your code is 0.1, whatever comes in. Use `learning_rate`.",
    "learning_rate**2 * gradient": "The learning rate is used twice.",
    "gradient / learning_rate": "The gradient is divided by the learning rate. It is to be multiplied by it.",
    "learning_rate * tf.sign(gradient)": "Only the gradient's sign is used. Steps are to be longer where it is steep.",
    "learning_rate * tf.abs(gradient)": "The gradient has lost its sign. Where the function falls, x is to grow.",
    "learning_rate * gradient * x": "The step is multiplied by x. It is the learning rate times the gradient alone.",
    "learning_rate * height": "The height is taken off, not the gradient: ask the tape how steep the function is.",
    "learning_rate * 2 * x": "The gradient of your code is that of x². Ask a tape for the gradient of `function`.",
    "learning_rate * slope.answer(function, tf.constant(start))": "All steps use the gradient at the start. Take it "
    "anew at each step, at the place where x is then.",
}.items():
    descend.slip(words, "learning_rate * gradient", step)

for move, words in {
    "x.assign_add(": "This goes up: the gradient points to where the function grows. Subtract it.",
    "x.assign(": "x becomes the step itself. The step is to be taken off x: `assign_sub` in place of `assign`.",
    "x.assign(start - ": "x becomes the start minus a step. Each step begins where the one before has ended.",
}.items():
    descend.slip(words, "x.assign_sub(", move)

descend.mistake_if(
    "Your loop ends early. All of the steps are to be taken, wherever they lead.",
    lambda attempt: any(took(attempt, fewer) for fewer in range(attempt.case[3])),
)


# Exercise 5


@exercise(
    NOTEBOOK,
    see=DESCENT,
    cases=[
        ("x**2", 3.0, 1.5, 1),
        ("x**2", 3.0, 0.1, 1),
        ("x**2", 3.0, 1.5, 0),
        ("x**2", 3.0, 1.5, 3),
        ("x**2", 1.0, 1.0, 3),
        ("x**4", 1.0, 0.6, 3),
        ("tf.sin(x)", 0.5, 5.6, 2),
        ("x**4 - x**2", 1.0, 0.6, 6),
        ("tf.exp(x) - 2.0 * x", 3.0, 0.5, 8),
    ],
    given=lambda text, *rest: (function_of(text), *rest),
    observe=number_of,
    hints=[
        "Begin with the loop of exercise 4, and keep apart where the step would lead and whether x goes there.",
        "`target = x - learning_rate * gradient` is where it leads. Compare `function(target)` with `function(x)`.",
        "If it is lower, `x.assign(target)`. If not, x stays, and `learning_rate` becomes half of itself, for good.",
    ],
)
def careful_descent(function, start, learning_rate, steps):
    x = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            height = function(x)
        target = x - learning_rate * tape.gradient(height, x)
        if function(target) < height:
            x.assign(target)
        else:
            learning_rate = learning_rate / 2
    return x


for_tapes(careful_descent, advice="Each step needs a new tape.")
for_functions(careful_descent)

careful_descent.mistake_if(
    "Your code ends at the first step that would lead up. Stay, halve the learning rate, and go on.",
    lambda attempt: (
        attempt.case[3] > 1
        and attempt.gives(attempt.case[1])
        and any(
            isinstance(node, ast.Break | ast.Return) for node in under(attempt, ast.For, ast.While)
        )
    ),
)

for condition, words in {
    "True": "Your code goes to the new place even where the function is higher. Look before.",
    "function(target) > height": "The comparison is the wrong way round: go where the function is lower.",
    "function(target) <= height": "Where the new place is just as high, x is to stay: it is not lower.",
    "target < x": "You compare the places themselves. What is to be lower is the function there.",
    "function(target) < function(start)": "The new place is compared with the start. Compare it with the last x.",
    "function(target) > 0": "The new height is compared with 0. Compare it with the height where x is now.",
}.items():
    careful_descent.slip(words, "function(target) < height", condition)

for change, words in {
    "pass": "The learning rate stays the same, so the next try leads to the same place: halve it.",
    "learning_rate = 2 * learning_rate": "The learning rate is doubled where x stays: halve it.",
    "learning_rate = learning_rate / 10": "The learning rate is divided by 10 where x stays: halve it.",
    "x.assign((x + target) / 2)": "Where the new place is higher, your code goes half of the way. Stay there for this "
    "step; the next one tries with half the rate.",
}.items():
    careful_descent.slip(words, "learning_rate = learning_rate / 2", change)

careful_descent.slip(
    "The learning rate is halved after every step. Halve it only after one that x did not take.",
    "        else:\n            learning_rate",
    "        learning_rate",
)
careful_descent.slip(
    "The learning rate is halved before the step. This step is to be tried with the rate as it is.",
    "        target = x - learning_rate * tape",
    "        target = x - learning_rate / 2 * tape",
)
careful_descent.slip(
    "This goes up: the gradient points to where the function grows. Subtract it.",
    "x - learning_rate",
    "x + learning_rate",
)


@careful_descent.mistake(
    "Your code tries again within the same step, until it gets lower. A try that fails counts as a step."
)
def _(function, start, learning_rate, steps):
    x = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            height = function(x)
        gradient = tape.gradient(height, x)
        while function(x - learning_rate * gradient) >= height and learning_rate > 1e-6:
            learning_rate = learning_rate / 2
        x.assign_sub(learning_rate * gradient)
    return x


for count, words in {
    "steps + 1": "There is one try too many.",
    "steps - 1": "One try is missing: `range(steps)` gives `steps` of them.",
}.items():
    careful_descent.slip(words, "range(steps)", f"range({count})")

for value, words in {"height": HEIGHT, "learning_rate": "Return the last x, not the rate."}.items():
    careful_descent.slip(words, "return x", f"return {value}")
