"""Exercises of notebook 05, on gradients."""

import ast
import inspect
import re

import numpy as np
import tensorflow as tf

from support.exercises.compare import is_array
from support.exercises.engine import exercise

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

RESULT = "the result"


def function_of(text):
    """A function of x that is shown as a learner would write it."""
    function = eval(compile(f"lambda x: {text}", __file__, "eval"), {"tf": tf})
    function.__name__ = f"lambda x: {text}"
    return function


def parameters(attempt):
    return list(inspect.signature(attempt.answer).parameters)


def calls(tree, *names):
    """The calls of functions or methods of these names."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) in names or getattr(node.func, "attr", None) in names)
    ]


def tapes_around(attempt, call):
    """How many tapes record while this call runs."""
    return sum(
        any(node is call for statement in block.body for node in ast.walk(statement))
        for block in ast.walk(attempt.tree)
        if isinstance(block, ast.With) and "GradientTape" in ast.unparse(block.items[0])
    )


def returns_nothing(attempt):
    return attempt.source != "" and not re.search(r"return (?!None\b)|lambda", attempt.source)


def is_none(attempt):
    """Whether a gradient came as None, and has been returned."""
    return (
        attempt.called.error is None
        and attempt.called.value is None
        and not returns_nothing(attempt)
    )


def met_none(attempt):
    """Whether a gradient came as None, and has been computed with or returned."""
    error = attempt.called.error
    return is_none(attempt) or (error is not None and "None" in str(error))


def watches(attempt):
    return "watch(" in attempt.source or "Variable(" in attempt.source


def nudges(attempt):
    """Whether it computes differences in place of gradients."""
    functions = calls(attempt.tree, parameters(attempt)[0])
    by_numpy = re.search(r"np\.(gradient|diff|polyfit|interp)\(", attempt.source)
    no_tape = "GradientTape" not in attempt.source and not calls(attempt.tree, "slope")
    return by_numpy or (no_tape and len(functions) >= 2 and attempt.called.error is None)


def results(attempt):
    """The names of what the function gave, and of gradients."""
    function = parameters(attempt)[0]
    return {
        ast.unparse(node.targets[0])
        for node in ast.walk(attempt.tree)
        if isinstance(node, ast.Assign)
        and (
            calls(node.value, function)
            or getattr(getattr(node.value, "func", None), "attr", "") == "gradient"
        )
    }


def sources_swapped(attempt):
    """Whether a tape was asked for the gradient of the source with respect to the result."""
    names = results(attempt)
    return any(
        len(call.args) >= 2
        and ast.unparse(call.args[0]) not in names
        and not calls(call.args[0], parameters(attempt)[0], "gradient")
        and (ast.unparse(call.args[1]) in names or calls(call.args[1], parameters(attempt)[0]))
        for call in calls(attempt.tree, "gradient")
    )


def leaves(attempt):
    return re.search(r"\.numpy\(|\bfloat\(|\bnp\.(?!newaxis)|\.item\(", attempt.source) is not None


def turns_whole(attempt):
    return re.search(r"\bint\(|int32|int64|\bround\(|\bfloor\(", attempt.source) is not None


def outside(attempt):
    """Whether the function is called where no tape records."""
    functions = calls(attempt.tree, parameters(attempt)[0])
    return bool(functions) and not any(tapes_around(attempt, call) for call in functions)


def watches_late(attempt):
    """Whether a call of `watch` comes after that of the function."""
    functions = calls(attempt.tree, parameters(attempt)[0])
    watching = calls(attempt.tree, "watch")
    return bool(watching) and max(call.lineno for call in watching) > min(
        call.lineno for call in functions
    )


def for_tapes(exercise):
    """Declare what goes wrong with tapes in any exercise."""

    exercise.mistake_if(
        "The parentheses are missing: `tf.GradientTape()` makes a tape, and without them it is only the name of a "
        "class.",
        lambda attempt: "GradientTape as" in attempt.source and attempt.called.error,
        see=MEANING,
    )

    exercise.mistake_if(
        "`gradient` takes two things: what came out, and what it depends on.",
        lambda attempt: (
            "missing 1 required positional argument: 'sources'" in str(attempt.called.error)
        ),
        see=MEANING,
    )

    exercise.mistake_if(
        "`watch` is a method of the tape: the tensor to be watched stands between its parentheses.",
        lambda attempt: "has no attribute 'watch'" in str(attempt.called.error),
        see=WATCHING,
    )

    exercise.mistake_if(
        "A tape watches tensors and variables, not functions: give it what the function is called with.",
        lambda attempt: "of type 'function', not tf" in str(attempt.called.error),
        see=WATCHING,
    )

    @exercise.mistake_if(
        "This is the tape, which has only recorded. Ask it for a gradient, and return that.",
        see=MEANING,
    )
    def _(attempt):
        value = attempt.called.value
        value = value.get(RESULT) if isinstance(value, dict) else value
        return isinstance(value, tf.GradientTape)


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


for_tapes(slope)


slope.mistake_if(
    "Your function ends without returning anything: a `return` is missing.",
    lambda attempt: (
        attempt.called.value is None and not attempt.called.error and returns_nothing(attempt)
    ),
)
slope.mistake(
    "This is the value of the function at x. Its slope says how fast this value changes.",
    lambda function, x: function(x),
    see=MEANING,
)
slope.mistake(
    "This is the slope of x² alone. The function may be any other, so ask a tape for its gradient.",
    lambda function, x: 2 * x,
)
slope.mistake(
    "The value divided by x is the slope of a line from the origin, not that of the curve at x.",
    lambda function, x: function(x) / x,
    see=MEANING,
)
slope.mistake(
    "This is the slope times x. The slope alone is asked for.",
    lambda function, x: slope.answer(function, x) * x,
    see=MEANING,
)
slope.mistake(
    "This is the slope of the square of the function. Take that of the function itself.",
    lambda function, x: 2 * function(x) * slope.answer(function, x),
    see=MEANING,
)
slope.mistake(
    "Your code computes at 3, whatever x is.",
    lambda function, x: slope.answer(function, tf.constant(3.0)),
    see=MEANING,
)


@slope.mistake_if(
    "x may be a single number, which no loop goes through. The function takes x as a whole, and so does the tape.",
    see=TWICE,
)
def _(attempt):
    error = str(attempt.called.error)
    return re.search(r"iterate over a scalar|unknown rank|has no len|of unsized", error)


slope.mistake_if(
    "You compute the difference that a nudge makes. That is the slope only roughly, and rounding makes it worse; "
    "a tape takes no differences.",
    lambda attempt: nudges(attempt),
    see=LOSS,
)
slope.mistake_if(
    "The arguments of `gradient` are swapped: what came out stands first, then what it depends on.",
    lambda attempt: is_none(attempt) and sources_swapped(attempt),
    see=MEANING,
)
slope.mistake_if(
    "The path leaves TensorFlow: what NumPy or Python computes is not on the record, so the gradient is None.",
    lambda attempt: (
        leaves(attempt) and (is_none(attempt) or isinstance(attempt.called.error, AttributeError))
    ),
    see=LEAVING,
)
slope.mistake_if(
    "The path goes through whole numbers, which have no gradient. Keep x as it is, a `float32`.",
    lambda attempt: turns_whole(attempt) and (is_none(attempt) or attempt.called.error is not None),
    see=WHOLE,
)
slope.mistake_if(
    "The function is called where no tape records: the call belongs inside the `with` block.",
    lambda attempt: is_none(attempt) and outside(attempt),
    see=MEANING,
)
slope.mistake_if(
    "`trainable=False` makes a variable that no tape watches unless it is told to.",
    lambda attempt: is_none(attempt) and "trainable=False" in attempt.source,
    see=FROZEN,
)
slope.mistake_if(
    "The gradient is None, because x is a constant and nobody told the tape to watch it.",
    lambda attempt: is_none(attempt) and not watches(attempt),
)
slope.mistake_if(
    "The tape begins to watch x when the function has already been called. Watch first, then compute.",
    lambda attempt: is_none(attempt) and watches_late(attempt),
)
slope.mistake_if(
    "The gradient is None: no path that the tape has recorded leads from x to the result.",
    lambda attempt: is_none(attempt),
    see=NO_PATH,
)
slope.mistake_if(
    "The tape has no path from x to the result, and zeros were asked for in place of None. It is to watch x, and "
    "to record the call of the function.",
    lambda attempt: "unconnected" in attempt.source and not np.any(attempt.called.value),
    see=NO_PATH,
)


@slope.mistake_if(
    "A tape takes the gradient of a result. Call the function on x inside the `with` block, and hand over what it "
    "gives.",
    see=MEANING,
)
def _(attempt):
    functions = calls(attempt.tree, parameters(attempt)[0])
    return attempt.called.error is not None and not functions


slope.mistake_if(
    "The tape was asked twice, and its record is thrown away after the first time.",
    lambda attempt: "non-persistent" in str(attempt.called.error),
    see=SPENT,
)
slope.mistake_if(
    "A list of sources gives a list of gradients. Give x alone, without brackets, and you get a tensor.",
    lambda attempt: isinstance(attempt.called.value, list | tuple) and "[" in attempt.source,
    see=LOSS,
)
slope.mistake_if(
    "You return several things. Return the slope alone.",
    lambda attempt: isinstance(attempt.called.value, list | tuple),
    see=MEANING,
)
slope.mistake_if(
    "The slope has been converted to a number of Python or NumPy. Return the tensor.",
    lambda attempt: (
        attempt.difference.kind == "type"
        and np.allclose(attempt.called.value, attempt.expected.value, 1e-3)
    ),
)
slope.mistake(
    "The slopes at several places are not to be added up: return one for each number in x.",
    lambda function, x: tf.reduce_sum(slope.answer(function, x)),
)
slope.mistake_if(
    "A jacobian holds the slope of each result with respect to each input, one row for each result. `gradient` gives "
    "the one slope for each number in x.",
    lambda attempt: "jacobian" in attempt.source and np.ndim(attempt.called.value) == 2,
    see=MEANING,
)
slope.mistake(
    "This is the second derivative: the slope of the slope.",
    lambda function, x: curvature.answer(function, x),
    see=TWICE,
)


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


for_tapes(curvature)


curvature.mistake_if(
    "Your function ends without returning anything: a `return` is missing.",
    lambda attempt: (
        attempt.called.value is None and not attempt.called.error and returns_nothing(attempt)
    ),
)
curvature.mistake(
    "This is the value of the function; its second derivative is asked for.",
    lambda function, x: function(x),
)
curvature.mistake(
    "This is the first derivative. The second is the gradient of that one.",
    lambda function, x: slope.answer(function, x),
)
curvature.mistake(
    "This is the square of the first derivative. The second derivative is how fast the first one changes.",
    lambda function, x: slope.answer(function, x) ** 2,
)
curvature.mistake(
    "This is twice the first derivative, and not the derivative of it.",
    lambda function, x: 2 * slope.answer(function, x),
)
curvature.mistake(
    "This is the third derivative: one tape more than needed.",
    lambda function, x: slope.answer(lambda place: curvature.answer(function, place), x),
)
curvature.mistake(
    "This is the sum of the first and the second derivative: a persistent tape adds up all paths from x to a list of "
    "results. Ask for the slope alone.",
    lambda function, x: slope.answer(function, x) + curvature.answer(function, x),
)
curvature.mistake(
    "This is the derivative of the slope times the function. Take the gradient of the slope alone.",
    lambda function, x: slope.answer(
        lambda place: slope.answer(function, place) * function(place), x
    ),
)
curvature.mistake(
    "You took the slope at another place: the second call got the slope in place of x. The second derivative is "
    "that of "
    "the function's slope, at x.",
    lambda function, x: slope.answer(function, slope.answer(function, x)),
)
curvature.mistake(
    "You called the function on its own result. The second derivative takes the gradient twice, not the function.",
    lambda function, x: slope.answer(lambda place: function(function(place)), x),
)
curvature.mistake(
    "This is the gradient of the squared slope. Take the gradient of the slope itself.",
    lambda function, x: 2 * slope.answer(function, x) * curvature.answer(function, x),
)
curvature.mistake(
    "This is the second derivative of x³ alone. The function may be any other, so ask tapes for it.",
    lambda function, x: 6 * x,
)


@curvature.mistake_if(
    "The second gradient is taken with respect to the function's result. Both are to be taken with respect to x.",
)
def _(attempt):
    names = results(attempt)
    return met_none(attempt) and any(
        len(call.args) >= 2
        and ast.unparse(call.args[0]) in names
        and ast.unparse(call.args[1]) in names
        for call in calls(attempt.tree, "gradient")
    )


@curvature.mistake_if(
    "You compute the differences that nudges make. Rounding spoils them, and a second time even more; tapes take no "
    "differences.",
    see=LOSS,
)
def _(attempt):
    roughly = np.allclose(attempt.called.value, attempt.expected.value, 0.05)
    return nudges(attempt) or (roughly and "/" in attempt.source)


curvature.mistake_if(
    "The arguments of `gradient` are swapped: what came out stands first, then what it depends on.",
    lambda attempt: met_none(attempt) and sources_swapped(attempt),
    see=MEANING,
)
curvature.mistake_if(
    "The path leaves TensorFlow: what NumPy or Python computes is not on the record, so the gradient is None.",
    lambda attempt: (
        leaves(attempt) and (met_none(attempt) or isinstance(attempt.called.error, AttributeError))
    ),
    see=LEAVING,
)
curvature.mistake_if(
    "The path goes through whole numbers, which have no gradient. Keep x as it is, a `float32`.",
    lambda attempt: turns_whole(attempt) and (is_none(attempt) or attempt.called.error is not None),
    see=WHOLE,
)
curvature.mistake_if(
    "The function is called where no tape records: the call belongs inside both `with` blocks.",
    lambda attempt: met_none(attempt) and outside(attempt),
)
curvature.mistake_if(
    "`trainable=False` makes a variable that no tape watches unless it is told to.",
    lambda attempt: met_none(attempt) and "trainable=False" in attempt.source,
    see=FROZEN,
)
curvature.mistake_if(
    "x is a constant, and neither tape was told to watch it. Both need to be.",
    lambda attempt: met_none(attempt) and not watches(attempt),
    see=WATCHING,
)
curvature.mistake_if(
    "The inner tape was not told to watch x, so the slope is None, and the outer tape can do nothing with it.",
    lambda attempt: "Argument `target`" in str(attempt.called.error),
    see=WATCHING,
)
curvature.mistake_if(
    "The outer tape has no path from x to the slope, and zeros were asked for in place of None. It is to watch x, "
    "and to record how the slope is taken.",
    lambda attempt: "unconnected" in attempt.source and not np.any(attempt.called.value),
    see=NO_PATH,
)


@curvature.mistake_if(
    "The first derivative is taken where no tape records, so nobody knows how it depends on x. Take it while the "
    "outer "
    "tape is still recording."
)
def _(attempt):
    gradients = calls(attempt.tree, "gradient")
    late = bool(gradients) and not any(tapes_around(attempt, call) for call in gradients)
    return met_none(attempt) and late


@curvature.mistake_if(
    "Only the inner tape watches x; the outer one does not know that the slope depends on it. Each tape watches for "
    "itself.",
    see=WATCHING,
)
def _(attempt):
    once = len(calls(attempt.tree, "watch")) == 1 and "Variable(" not in attempt.source
    return is_none(attempt) and once


curvature.mistake_if(
    "A tape begins to watch x when the function has already been called. Watch first, then compute.",
    lambda attempt: met_none(attempt) and watches_late(attempt),
    see=WATCHING,
)
curvature.mistake_if(
    "The gradient is None: no path that the outer tape has recorded leads from x to the slope.",
    lambda attempt: is_none(attempt),
    see=NO_PATH,
)
curvature.mistake_if(
    "One tape was asked twice, and its record is thrown away after the first time. Use a second tape around the "
    "first.",
    lambda attempt: "non-persistent" in str(attempt.called.error),
)


@curvature.mistake_if(
    "A list of sources gives a list of gradients. Give x alone, without brackets, and you get a tensor.",
    see=LOSS,
)
def _(attempt):
    error = isinstance(attempt.called.value, list | tuple) or attempt.called.error
    return error and re.search(r"gradient\(.*\[", attempt.source)


curvature.mistake_if(
    "You return several things. Return the second derivative alone.",
    lambda attempt: isinstance(attempt.called.value, list | tuple),
)
curvature.mistake_if(
    "A jacobian holds the slope of each result with respect to each input, one row for each result. `gradient` gives "
    "one number for each number in x.",
    lambda attempt: "jacobian" in attempt.source and np.ndim(attempt.called.value) >= 2,
)
curvature.mistake_if(
    "The result has been converted to a number of Python or NumPy. Return the tensor.",
    lambda attempt: (
        attempt.difference.kind == "type"
        and np.allclose(attempt.called.value, attempt.expected.value, 1e-3)
    ),
)
curvature.mistake(
    "The results are not to be added up: return one for each number in x.",
    lambda function, x: tf.reduce_sum(curvature.answer(function, x)),
)


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


def result_and_weights(answer, inputs, targets, W, b):
    result = answer(inputs, targets, W, b)
    return {RESULT: result, "W after the call": W.numpy(), "b after the call": b.numpy()}


def result_of(attempt):
    return None if attempt.called.error else attempt.called.value[RESULT]


@exercise(
    NOTEBOOK,
    see=LOSS,
    cases=[(3, 2, 1), (1, 1, 1), (4, 3, 2), (5, 1, 3), (2, 4, 1)],
    given=linear_problem,
    observe=result_and_weights,
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


def by_loss(loss):
    """An answer that takes another loss."""

    def gives(inputs, targets, W, b):
        with tf.GradientTape() as tape:
            value = loss(targets, tf.matmul(inputs, W) + b)
        return tape.gradient(value, [W, b])

    return gives


for_tapes(loss_gradients)


loss_gradients.mistake_if(
    "Your function ends without returning anything: a `return` is missing.",
    lambda attempt: (
        result_of(attempt) is None and not attempt.called.error and returns_nothing(attempt)
    ),
)


@loss_gradients.mistake_if(
    "Your function changes W or b. It is only to compute the gradients; taking a step is another matter."
)
def _(attempt):
    given = attempt.exercise.arguments(attempt.case)
    return any(
        not np.array_equal(attempt.called.value[f"{name} after the call"], before.numpy())
        for name, before in zip("Wb", given[2:], strict=True)
    )


@loss_gradients.mistake_if(
    "The path leaves TensorFlow: what NumPy or Python computes is not on the record, so there is no gradient.",
    see=LEAVING,
)
def _(attempt):
    error = isinstance(attempt.called.error, AttributeError)
    return leaves(attempt) and (error or any(each is None for each in result_of(attempt)))


@loss_gradients.mistake_if(
    "The gradient of b is None: the predictions don't depend on b. It is to be added to the product."
)
def _(attempt):
    gradient_W, gradient_b = result_of(attempt)
    return gradient_W is not None and gradient_b is None


@loss_gradients.mistake_if(
    "The gradient of W is None, so the predictions don't depend on W as far as the tape knows."
)
def _(attempt):
    gradient_W, gradient_b = result_of(attempt)
    return gradient_W is None and gradient_b is not None


@loss_gradients.mistake_if(
    "You make constants of W and b, and no tape watches those. Use the variables as they come.",
    see=WATCHING,
)
def _(attempt):
    made = re.search(r"constant\(|convert_to_tensor\(", attempt.source)
    return made and all(each is None for each in result_of(attempt))


@loss_gradients.mistake_if(
    "Both gradients are None: the tape has recorded nothing that leads from the weights to the loss. Predictions and "
    "loss belong inside the `with` block.",
    see=MEANING,
)
def _(attempt):
    gradient_W, gradient_b = result_of(attempt)
    return gradient_W is None and gradient_b is None


loss_gradients.mistake_if(
    "The arguments of `gradient` are swapped: the loss stands first, then the list of weights.",
    lambda attempt: any(
        call.args and re.fullmatch(r"[\[(]?(W, )?[Wb][\])]?", ast.unparse(call.args[0]))
        for call in calls(attempt.tree, "gradient")
    ),
    see=MEANING,
)
loss_gradients.mistake(
    "W and b have changed places: the gradient of W comes first.",
    lambda inputs, targets, W, b: loss_gradients.answer(inputs, targets, W, b)[::-1],
)
loss_gradients.mistake(
    "This is the gradient of W alone. A list of W and b gives both.",
    lambda inputs, targets, W, b: loss_gradients.answer(inputs, targets, W, b)[0],
)
loss_gradients.mistake(
    "This is the gradient of b alone. A list of W and b gives both.",
    lambda inputs, targets, W, b: loss_gradients.answer(inputs, targets, W, b)[1],
)
loss_gradients.mistake(
    "This is the loss. Its gradient is asked for, for W and for b.",
    lambda inputs, targets, W, b: tf.reduce_mean(tf.square(targets - tf.matmul(inputs, W) - b)),
)
loss_gradients.mistake(
    "These are the predictions. The gradient of the loss is asked for.",
    lambda inputs, targets, W, b: tf.matmul(inputs, W) + b,
)


@loss_gradients.mistake_if(
    "`*` multiplies number by number. The predictions take a matrix product, which is `tf.matmul` or `@`.",
    see="notebook 04: `*` is not the matrix product",
)
def _(attempt):
    product = re.search(r"inputs \* |W \* |multiply\(", attempt.source)
    return product and not re.search(r"matmul|@|tensordot|einsum", attempt.source)


loss_gradients.mistake_if(
    "The inputs are transposed. They have one row for each sample already, as the matrix product needs it.",
    lambda attempt: (
        attempt.called.error
        and re.search(r"transpose\(inputs|inputs\.T|transpose_a", attempt.source)
    ),
    see="notebook 04: `*` is not the matrix product",
)
loss_gradients.mistake_if(
    "The matrix product has its arguments in the wrong order: a row of the inputs meets a column of W, so the inputs "
    "stand first.",
    lambda attempt: attempt.called.error and re.search(r"matmul\(W,|W @ ", attempt.source),
    see="notebook 04: `*` is not the matrix product",
)
loss_gradients.mistake_if(
    "One tape was asked twice, and its record is thrown away after the first time. Give it a list of both weights.",
    lambda attempt: "non-persistent" in str(attempt.called.error),
    see=SPENT,
)
loss_gradients.mistake_if(
    "A nudge of all of W at once gives one number. A gradient has one for each number in W; ask a tape for it.",
    lambda attempt: np.ndim(result_of(attempt)[0]) == 0 and not calls(attempt.tree, "gradient"),
)


@loss_gradients.mistake_if(
    "The first thing that you return is the loss. Return the two gradients alone."
)
def _(attempt):
    first = result_of(attempt)[0]
    return is_array(first) and np.ndim(first) == 0 and calls(attempt.tree, "gradient")


@loss_gradients.mistake_if(
    "Each target has met each prediction, as a shape of (n,) against (n, 1) stretches to (n, n). Leave both as "
    "they are.",
    see="notebook 04: Broadcasting: small shapes stretch",
)
def _(attempt):
    inputs, targets, W, b = attempt.exercise.arguments(attempt.case)
    stretched = by_loss(
        lambda targets, predictions: tf.reduce_mean(tf.square(targets[:, 0] - predictions))
    )(inputs, targets, W, b)
    mine = result_of(attempt)
    return targets.shape[1] == 1 and all(
        np.allclose(one, other, 1e-4, 1e-5) for one, other in zip(mine, stretched, strict=True)
    )


loss_gradients.mistake_if(
    "Only TensorFlow's own numbers can be returned as gradients here: return the tensors that the tape gives.",
    lambda attempt: all(isinstance(each, np.ndarray) for each in result_of(attempt)),
    see=LEAVING,
)


for words, loss in [
    (
        "These are the gradients of a sum of squares. The mean squared error is their mean: over samples and outputs.",
        lambda targets, predictions: tf.reduce_sum(tf.square(targets - predictions)),
    ),
    (
        "You summed over the outputs of each sample, and averaged over samples only. The mean is over all squares.",
        lambda targets, predictions: tf.reduce_sum(tf.square(targets - predictions)) / len(targets),
    ),
    (
        "You summed over the samples, and averaged over outputs only. The mean is over all squares.",
        lambda targets, predictions: (
            tf.reduce_sum(tf.square(targets - predictions)) / targets.shape[1]
        ),
    ),
    (
        "These are half the gradients. The derivative of a square has a factor of 2, which is to stay.",
        lambda targets, predictions: tf.reduce_mean(tf.square(targets - predictions)) / 2,
    ),
    (
        "These are the gradients of a mean absolute error. Take squares.",
        lambda targets, predictions: tf.reduce_mean(tf.abs(targets - predictions)),
    ),
    (
        "You took a square root of the loss. The mean squared error is without it.",
        lambda targets, predictions: tf.sqrt(tf.reduce_mean(tf.square(targets - predictions))),
    ),
    (
        "You squared the mean of the differences, so that positive and negative ones cancel. Square first.",
        lambda targets, predictions: tf.square(tf.reduce_mean(targets - predictions)),
    ),
    (
        "The differences are not squared: these are the gradients of their mean.",
        lambda targets, predictions: tf.reduce_mean(targets - predictions),
    ),
    (
        "The differences are neither squared nor averaged: these are the gradients of their sum.",
        lambda targets, predictions: targets - predictions,
    ),
    (
        "These are the gradients of the predictions. The loss compares them with the targets first.",
        lambda targets, predictions: predictions,
    ),
    (
        "These are the gradients of the mean of the predictions. The loss squares their differences from the targets "
        "first.",
        lambda targets, predictions: tf.reduce_mean(predictions),
    ),
    (
        "The sign is wrong: these gradients point to where the loss shrinks.",
        lambda targets, predictions: -tf.reduce_mean(tf.square(targets - predictions)),
    ),
    (
        "The targets are added to the predictions. Their difference says how wrong the predictions are.",
        lambda targets, predictions: tf.reduce_mean(tf.square(targets + predictions)),
    ),
]:
    loss_gradients.mistake(words)(by_loss(loss))


@loss_gradients.mistake("b is subtracted where it is to be added.")
def _(inputs, targets, W, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(targets - (tf.matmul(inputs, W) - b)))
    return tape.gradient(loss, [W, b])


@loss_gradients.mistake("b is added to W. It is to be added to the product.")
def _(inputs, targets, W, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(targets - tf.matmul(inputs, W + b)))
    return tape.gradient(loss, [W, b])


loss_gradients.mistake_if(
    "Your function makes variables of its own. Use the W and b that it is given.",
    lambda attempt: "Variable(" in attempt.source,
)


def number_of(answer, function, start, learning_rate, steps):
    """What an answer returns, as a number if it is one."""
    result = answer(function, start, learning_rate, steps)
    return result.numpy() if is_array(result) and hasattr(result, "numpy") else result


@exercise(
    NOTEBOOK,
    see=DESCENT,
    cases=[
        ("x**2", 3.0, 0.1, 2),
        ("x**2", 3.0, 0.1, 1),
        ("x**2", 3.0, 0.1, 0),
        ("(x - 2.0)**2", -1.0, 0.25, 3),
        ("x**4 - x**2", 1.0, 0.05, 4),
        ("tf.sin(tf.constant(2.0) * x)", 0.5, 0.125, 5),
        ("tf.exp(x) - 2.0 * x", 0.0, 0.1, 7),
        ("x**2 - x", 1.0, 1.5, 3),
    ],
    given=lambda text, start, learning_rate, steps: (
        function_of(text),
        start,
        learning_rate,
        steps,
    ),
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
        x.assign_sub(learning_rate * tape.gradient(height, x))
    return x


def steps_down(move, extra=0, result=lambda function, x: x):
    """An answer that moves in another way."""

    def gives(function, start, learning_rate, steps):
        x = tf.constant(start)
        first = slope.answer(function, x)
        for number in range(max(steps + extra, 0)):
            x = move(x, slope.answer(function, x), learning_rate, first, number)
        return result(function, x)

    return gives


def down(x, gradient, rate, first, number):
    return x - rate * gradient


for_tapes(descend)


descend.mistake_if(
    "Your function ends without returning anything: a `return` is missing.",
    lambda attempt: (
        attempt.called.value is None and not attempt.called.error and returns_nothing(attempt)
    ),
)


@descend.mistake_if(
    "A tape watches tensors and variables, and `start` is a number of Python. Make a variable of it."
)
def _(attempt):
    error = str(attempt.called.error)
    return "'float'" in error and "NoneType" not in error


descend.mistake_if(
    "The path leaves TensorFlow: what NumPy or Python computes is not on the record, so there is no gradient.",
    lambda attempt: leaves(attempt) and met_none(attempt),
    see=LEAVING,
)
descend.mistake_if(
    "The variable is an integer, and whole numbers have no gradient.",
    lambda attempt: turns_whole(attempt) and met_none(attempt),
    see=WHOLE,
)
descend.mistake_if(
    "The function is called where no tape records: the call belongs inside the `with` block.",
    lambda attempt: met_none(attempt) and outside(attempt),
    see=MEANING,
)
descend.mistake_if(
    "`trainable=False` makes a variable that no tape watches unless it is told to.",
    lambda attempt: met_none(attempt) and "trainable=False" in attempt.source,
    see=FROZEN,
)
descend.mistake_if(
    "A gradient is None: x is a constant, and no tape was told to watch it. With a variable, there is no need to.",
    lambda attempt: met_none(attempt) and not watches(attempt),
    see=WATCHING,
)


@descend.mistake_if(
    "From the second step on the gradient is None: `x = x - …` gives the name to a new tensor, which no tape watches. "
    "`assign_sub` changes the variable itself.",
    see="notebook 03: The box and its name",
)
def _(attempt):
    assigned = "Variable(" in attempt.source and ".assign" not in attempt.source
    return met_none(attempt) and assigned


descend.mistake_if(
    "The arguments of `gradient` are swapped: what came out stands first, then what it depends on.",
    lambda attempt: met_none(attempt) and sources_swapped(attempt),
    see=MEANING,
)
descend.mistake_if(
    "`steps` is a number, which no loop goes through; `range(steps)` counts as far.",
    lambda attempt: "'int' object is not iterable" in str(attempt.called.error),
)
descend.mistake_if(
    "A variable has no `-=`: `assign_sub` takes something off it.",
    lambda attempt: "is not supported. Use `variable.assign" in str(attempt.called.error),
    see=DESCENT,
)
descend.mistake_if(
    "One tape was asked at each step, and its record is thrown away after the first. Each step needs a new tape.",
    lambda attempt: "non-persistent" in str(attempt.called.error),
    see=SPENT,
)
descend.mistake_if(
    "A gradient is None: no path that the tape has recorded leads from x to the result.",
    lambda attempt: met_none(attempt),
    see=NO_PATH,
)
descend.mistake_if(
    "With 0 steps the result is the start: x must have its value before the loop.",
    lambda attempt: attempt.case[3] == 0 and (attempt.called.error or attempt.called.value is None),
)
descend.mistake_if(
    "Each step begins at `start` again. Make the variable once, before the loop.",
    lambda attempt: any(
        ast.unparse(call.args[0]) == parameters(attempt)[1]
        for loop in ast.walk(attempt.tree)
        if isinstance(loop, ast.For | ast.While)
        for call in calls(loop, "Variable", "constant", "convert_to_tensor", "assign")
    ),
)
descend.mistake_if(
    "`return` stands inside the loop, so it ends with the first step. Return after the loop.",
    lambda attempt: any(
        isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant)
        for loop in ast.walk(attempt.tree)
        if isinstance(loop, ast.For)
        for statement in loop.body
        for node in ([statement] if isinstance(statement, ast.Return) else [])
    ),
)
descend.mistake(
    "One step alone was taken: repeat it `steps` times.",
    lambda function, start, learning_rate, steps: (
        start - learning_rate * slope.answer(function, tf.constant(start))
    ),
)
descend.mistake(
    "x has not moved: this is the start.", lambda function, start, learning_rate, steps: start
)


for words, gives in [
    (
        "This goes up: the gradient points to where the function grows. Subtract it.",
        steps_down(lambda x, gradient, rate, first, number: x + rate * gradient),
    ),
    ("One step too many was taken.", steps_down(down, extra=1)),
    ("One step is missing: `range(steps)` gives `steps` of them.", steps_down(down, extra=-1)),
    (
        "The learning rate is not used: it says which part of the gradient to take off.",
        steps_down(lambda x, gradient, rate, first, number: x - gradient),
    ),
    (
        "The learning rate is not used, and this goes up: subtract a part of the gradient.",
        steps_down(lambda x, gradient, rate, first, number: x + gradient),
    ),
    (
        "All steps use the gradient at the start. Take it anew at each step, at the place where x is then.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * first),
    ),
    (
        "Only the sign of the gradient is used, so each step has the same length. Where it is steep, steps are "
        "longer.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * tf.sign(gradient)),
    ),
    (
        "The gradient has lost its sign, so x always moves the same way. Where the function falls, x is to grow.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * tf.abs(gradient)),
    ),
    (
        "The learning rate is used twice.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * rate * gradient),
    ),
    (
        "The step is divided by the number of steps. Each takes the learning rate times the gradient.",
        lambda function, start, rate, steps: steps_down(
            lambda x, gradient, rate, first, number: x - rate * gradient / steps
        )(function, start, rate, steps),
    ),
    (
        "The step is divided by the learning rate, where it is to be multiplied.",
        steps_down(lambda x, gradient, rate, first, number: x - gradient / rate),
    ),
    (
        "x becomes the step itself. The step is to be taken off x: `assign_sub` in place of `assign`.",
        steps_down(lambda x, gradient, rate, first, number: rate * gradient),
    ),
    (
        "x becomes the negative of the step. The step is to be taken off x.",
        steps_down(lambda x, gradient, rate, first, number: -rate * gradient),
    ),
    (
        "x becomes the start minus the last step. Each step begins where the one before has ended.",
        lambda function, start, rate, steps: steps_down(
            lambda x, gradient, rate, first, number: start - rate * gradient
        )(function, start, rate, steps),
    ),
    (
        "The height is taken off, not the gradient: ask the tape how steep the function is.",
        lambda function, start, rate, steps: steps_down(
            lambda x, gradient, rate, first, number: x - rate * function(x)
        )(function, start, rate, steps),
    ),
    (
        "x itself is multiplied into the step. The step is the learning rate times the gradient.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * gradient * x),
    ),
    (
        "The first step has length 0, as it is multiplied by its number. The step is the learning rate times the "
        "gradient.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * gradient * number),
    ),
    (
        "The step grows with its number. The step is the learning rate times the gradient, whichever step it is.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * gradient * (number + 1)),
    ),
    (
        "The learning rate shrinks with the number of the step. It is to stay as it is.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * gradient / (number + 1)),
    ),
    (
        "This is how high the function is at the end. Return the last x.",
        steps_down(down, result=lambda function, x: function(x)),
    ),
    (
        "This is the gradient at the end. Return the last x.",
        steps_down(down, result=slope.answer),
    ),
    (
        "This is how far x has moved, or a step alone. Return the last x.",
        lambda function, start, rate, steps: steps_down(down)(function, start, rate, steps) - start,
    ),
    (
        "The learning rate of your code is 0.1, whatever comes in. Use `learning_rate`.",
        steps_down(lambda x, gradient, rate, first, number: x - 0.1 * gradient),
    ),
    (
        "The gradient of your code is that of x², whatever comes in. Ask a tape for the gradient of `function`.",
        steps_down(lambda x, gradient, rate, first, number: x - rate * 2 * x),
    ),
]:
    descend.mistake(words)(gives)


descend.mistake_if(
    "This is a list. Only the last x is asked for, not those on the way there.",
    lambda attempt: isinstance(attempt.called.value, list | tuple),
)
descend.mistake_if(
    "You compute the difference that a nudge makes. That is the slope only roughly; a tape takes no differences.",
    lambda attempt: nudges(attempt),
    see=LOSS,
)
descend.mistake_if(
    "Your steps keep some of the one before. Each is the learning rate times the gradient alone.",
    lambda attempt: re.search(r"velocity|momentum|previous|0\.9\b", attempt.source),
)
descend.mistake_if(
    "Your loop ends early. All of the steps are to be taken, wherever they lead.",
    lambda attempt: re.search(r"\bbreak\b", attempt.source),
)
