"""Exercises of notebook 05, on gradients."""

import ast
import functools
import re
from types import NoneType

import numpy as np
import tensorflow as tf

from support.exercises.call import Absent
from support.exercises.compare import is_array
from support.exercises.engine import ChangedItsInput, exercise, numbers_of

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
    value = attempt.called.result
    if not attempt.calls("gradient", "slope"):
        return False
    if attempt.called.error:
        return attempt.fails_as("none_operand", "tape_gets_none") or attempt.lacks(of=NoneType)
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
    lines = [each.lineno for each in watch]
    return lines and function and max(lines) > min(each.lineno for each in function)


def misses_watching(attempt):
    """Whether a gradient is None, and all is right if x is a variable, which tapes watch by themselves."""
    function, x = attempt.exercise.arguments(attempt.case)
    return met_none(attempt) and np.allclose(
        numbers_of(attempt.call(function, tf.Variable(x))), attempt.expected.value
    )


def leaves(attempt):
    """Whether numbers go through NumPy or Python where a tape records, unless they are printed."""
    blocks = [ast.unparse(each) for each in ast.walk(attempt.tree) if isinstance(each, ast.With)]
    code = re.sub(r"print\(.*", "", "\n".join(blocks))
    return re.search(r"\.numpy\(|\bfloat\(|\bnp\.\w+\(|\.item\(", code)


def nudges(attempt):
    """Whether it divides differences of values in place of asking a tape."""
    values = {ast.unparse(each) for each in attempt.calls(attempt.parameters[0])}
    by_hand = len(values) >= 2 and "-" in attempt.source
    no_tape = "GradientTape" not in attempt.source and not attempt.calls("slope")
    return no_tape and (by_hand or re.search(r"np\.(gradient|diff)\(", attempt.source))


def calls_elsewhere(attempt):
    """Whether the function is called with something that is computed from x."""
    called = [each.args[0] for each in attempt.calls(attempt.parameters[0])]
    return attempt.difference.kind == "values" and any(
        isinstance(each, ast.BinOp | ast.Call) for each in called
    )


def goes_on(attempt):
    """Whether something is computed with the function's result in the line in which it is called."""
    parents = {node: each for each in ast.walk(attempt.tree) for node in ast.iter_child_nodes(each)}
    calls = attempt.calls(attempt.parameters[0])
    return attempt.difference.kind == "values" and any(
        isinstance(parents[each], ast.BinOp | ast.Call | ast.UnaryOp) for each in calls
    )


def holds_it(attempt):
    """Whether a list is returned in place of one of the things in it."""
    value, right = attempt.called.value, attempt.expected.value
    return (
        isinstance(value, list | tuple)
        and len(value) > 1
        and any(alike(each, right) for each in value)
    )


def alike(one, other):
    """Whether two things are numbers of one shape, and equal within rounding."""
    try:
        one, other = numbers_of(one), numbers_of(other)
    except Absent:
        return False
    return one.shape == other.shape and np.allclose(one, other)


def sequence_of(attempt):
    """What is in the list or tuple that was returned; nothing if it is another thing."""
    value = attempt.called.value
    return value if isinstance(value, list | tuple) else []


def missing(attempt):
    """Which of the gradients that were returned are None."""
    return [each is None for each in sequence_of(attempt)]


# What goes wrong in several exercises

ERRORS = {  # where to read, what fails, and what that means
    MEANING: {
        "not_a_context_manager": "The parentheses are missing: `tf.GradientTape()` makes a tape, and without them "
        "it is only the name of a class.",
        "gradient_without_source": "`gradient` takes two things: what came out, and what it depends on.",
        "gradient_of_function": "A tape takes the gradient of a result. Call the function inside the `with` block, "
        "and hand over what it gives.",
    },
    WATCHING: {
        "watches_function": "A tape watches tensors and variables, not functions: give it what the function "
        "is called with.",
    },
    DESCENT: {
        "variable_in_place": "A variable has no `-=` and no `+=`: `assign_sub` and `assign_add` change it.",
    },
}


def for_tapes(exercise, advice):
    """Declare what goes wrong with any tape; `advice` is for who asks one twice."""
    for see, meanings in ERRORS.items():
        for kind, words in meanings.items():
            exercise.mistake_if(words, lambda attempt, kind=kind: attempt.fails_as(kind), see=see)
    exercise.mistake_if(
        "`watch` is a method of the tape: the tensor to be watched stands between its parentheses.",
        lambda attempt: attempt.lacks("watch"),
        see=WATCHING,
    )
    exercise.mistake_if(
        "A constant can't be changed. `tf.Variable` makes a variable.",
        lambda attempt: attempt.lacks("assign", "assign_add", "assign_sub", of=tf.Tensor),
        see=DESCENT,
    )
    exercise.mistake_if(
        f"One tape was asked twice, and its record is thrown away after the first time. {advice}",
        lambda attempt: attempt.fails_as("tape_is_spent"),
        see=SPENT,
    )
    exercise.mistake_if(
        "`watch` returns None. Call it on a line of its own, and go on with the tensor.",
        lambda attempt: re.search(r"(= |return )\w+\.watch\(", attempt.source),
        see=WATCHING,
    )
    exercise.mistake_if(
        "You return several things. One of them is right: return it alone.", holds_it
    )


def for_leaving(exercise):
    exercise.mistake_if(
        "The path leaves TensorFlow: what NumPy or Python computes is not on the record, so there is no gradient.",
        lambda attempt: (
            (leaves(attempt) and met_none(attempt)) or attempt.fails_as("tape_gets_number")
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
            and (met_none(attempt) or attempt.fails_as("dtypes_differ"))
        ),
        see=WHOLE,
    )
    for_leaving(exercise)
    when_none(
        exercise,
        "The function is called with one thing, and the gradient is asked for with respect to another, from which no "
        "recorded path leads to the result. Take the same for both.",
        lambda attempt: (
            not {source for _, source in map(tuple, asked(attempt))}
            & {ast.unparse(each.args[0]) for each in attempt.calls(attempt.parameters[0])}
        ),
        see=NO_PATH,
    )
    exercise.mistake_if(UNCONNECTED, met_none, see=NO_PATH)


def for_derivatives(exercise):
    """Declare what goes wrong in the first two exercises."""
    exercise.mistake_if(
        "x is a constant, and nobody told the tape to watch it. Each tape has to be told.",
        lambda attempt: misses_watching(attempt) and not attempt.calls("watch", "slope"),
        see=WATCHING,
    )
    exercise.mistake_if(
        "No tape watches x itself: what `watch` is given is something else. Watch x, before the function is called.",
        lambda attempt: (
            misses_watching(attempt)
            and attempt.parameters[1]
            not in [ast.unparse(each.args[0]) for each in attempt.calls("watch")]
            and not attempt.calls("slope")
        ),
        see=WATCHING,
    )
    exercise.mistake_if(
        "A tape begins to watch x when the function has already been called. Watch first, then compute.",
        lambda attempt: misses_watching(attempt) and watches_late(attempt),
        see=WATCHING,
    )
    exercise.mistake_if(
        "x may be one number or a row of them. Function and tape take it as a whole, without index, loop or `float`.",
        lambda attempt: attempt.fails_as("no_axis", "several_numbers"),
        see=TWICE,
    )
    exercise.mistake_if(
        "A Jacobian has a row for each result and a column for each number in x. `gradient` gives one slope for each "
        "number.",
        lambda attempt: attempt.difference.kind == "rank" and attempt.calls("jacobian"),
        see=LOSS,
    )
    exercise.mistake_if(
        "The function is called with something else than x. Its derivative is asked for at x.",
        calls_elsewhere,
        see=MEANING,
        last=True,
    )
    exercise.mistake_if(
        "Something is computed with the function's result before the gradient is taken. Take that of the result.",
        goes_on,
        see=MEANING,
        last=True,
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
    "tf.reduce_sum(tape.gradient(result, x))": "These are slopes at several places, added up. "
    "Return one for each number in x.",
}.items():
    slope.slip(words, "tape.gradient(result, x)", value, see=MEANING)

slope.slip(
    "Your code computes at 3, whatever x is.", "tape.watch(x)", "x = tf.Variable(3.0)", see=MEANING
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
        ("tf.sin(tf.constant(20.0) * x)", 0.1),
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
    "slope": "This is the first derivative. An outer tape is to give the gradient of this slope, not of the function's "
    "result.",
    "slope**2": "This is the square of the first derivative. The second derivative is how fast the first one changes.",
    "6 * x": "This is the second derivative of x³ alone. The function may be any other, so ask tapes for it.",
    "tf.reduce_sum(outer_tape.gradient(slope, x))": "These are results for several places, added up. "
    "Return one for each number in x.",
}.items():
    curvature.slip(words, "outer_tape.gradient(slope, x)", value)

curvature.mistake(
    "You took the slope at another place: the second call got the slope in place of x. The second derivative is "
    "that of the function's slope, at x.",
    lambda function, x: slope.answer(function, slope.answer(function, x)),
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
    lambda attempt: misses_watching(attempt) and attempt.fails_as("tape_gets_none"),
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


def is_a_step(attempt):
    """Whether a result differs from W by so many times the gradient."""
    W = attempt.exercise.arguments(attempt.case)[2].numpy()
    right = attempt.expected.value[0].numpy()
    first = numbers_of(next(iter(sequence_of(attempt)), None))
    if first.shape != W.shape:
        return False
    step = W - first
    times = np.sum(step * right) / np.sum(right**2)
    return abs(times) > 1e-6 and np.allclose(step, times * right, atol=1e-5)


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
    "These are the weights after a step. Return the gradients alone.", is_a_step, see=DESCENT
)
loss_gradients.mistake_if(
    "Your code does not use the targets. The loss is how far the predictions are from them.",
    lambda attempt: (
        attempt.difference and len(re.findall(rf"\b{attempt.parameters[1]}\b", attempt.source)) == 1
    ),
    last=True,
)
loss_gradients.mistake_if(
    "W and b have changed places: the gradient of W comes first.",
    lambda attempt: (
        [getattr(each, "shape", None) for each in sequence_of(attempt)]
        == [each.shape for each in attempt.expected.value[::-1]]
    ),
)
loss_gradients.mistake_if(
    "W or b has become the name of something else, which is no variable: no tape watches it. Use both as they come.",
    lambda attempt: (
        any(missing(attempt))
        and re.search(
            rf"^ *({'|'.join(attempt.parameters[2:])})\b.* = (?!.*gradient)", attempt.source, re.M
        )
    ),
    see=WATCHING,
)
loss_gradients.mistake_if(
    "One gradient is None: as far as the tape knows, the predictions don't depend on that weight. They are the matrix "
    "product plus b.",
    lambda attempt: any(missing(attempt)) and not all(missing(attempt)),
)
loss_gradients.mistake_if(
    "Both gradients are None: the tape has recorded nothing that leads from the weights to the loss. Predictions and "
    "loss belong inside the `with` block, without rounding.",
    lambda attempt: missing(attempt) == [True, True],
    see=MEANING,
)
loss_gradients.mistake_if(
    "You ask for the gradient of the inputs or the targets. Training changes the weights: ask for those of W and b.",
    lambda attempt: any(
        set(re.findall(r"\w+", source)) & set(attempt.parameters[:2])
        for _, source in asked(attempt)
    ),
)
loss_gradients.mistake_if(UNCONNECTED, met_none, see=NO_PATH)

ONE = "This is the gradient of one weight alone. A list of W and b gives both."
for value, words in {
    "loss": "This is the loss. Its gradient is asked for, for W and for b.",
    "predictions": "These are the predictions. The gradient of the loss is asked for.",
    "tape.gradient(loss, W)": ONE,
    "tape.gradient(loss, b)": ONE,
    "[W, b]": "These are the weights themselves. The gradients say how the loss changes with them.",
    "tape.gradient(predictions, [W, b])": "These are the gradients of the predictions. The loss compares them with "
    "the targets first.",
    "loss, tape.gradient(loss, [W, b])": "The first thing that you return is the loss. Return the two gradients alone.",
}.items():
    loss_gradients.slip(words, "tape.gradient(loss, [W, b])", value)

loss_gradients.mistake_if(
    "`*` multiplies number by number. The predictions take a matrix product, which is `tf.matmul` or `@`.",
    lambda attempt: (
        attempt.fails_as("not_broadcastable", "dtypes_differ")
        and attempt.failure.what in ("Mult", "multiply")
        and not re.search(r"matmul|@|tensordot|einsum", attempt.source)
    ),
    see=PRODUCT,
)
loss_gradients.mistake_if(
    "The matrix product does not fit. The inputs stand first, then W, both as they come.",
    lambda attempt: attempt.fails_as("matmul_sizes"),
    see=PRODUCT,
)

ACTIVATED = (
    "The predictions go through an activation function. This model has none: it ends with the sum."
)
for predictions, words in {
    "tf.nn.relu(tf.matmul(inputs, W) + b)": ACTIVATED,
    "tf.sigmoid(tf.matmul(inputs, W) + b)": ACTIVATED,
    "tf.matmul(inputs, W) - b": "b is subtracted. Add it, and put the sum in parentheses before you subtract it.",
}.items():
    loss_gradients.slip(words, "tf.matmul(inputs, W) + b", predictions)

ONE_AXIS = (
    "You averaged along one axis alone, and summed along the other. The mean is over all squares."
)
NOT_SQUARED = (
    "The differences from the targets are not squared, so positive and negative ones cancel."
)
for loss, words in {
    "tf.reduce_sum(tf.square(targets - predictions))": "These are the gradients of a sum of squares. Take their mean.",
    "tf.reduce_mean(tf.square(targets - predictions), axis=0)": ONE_AXIS,
    "tf.reduce_mean(tf.square(targets - predictions), axis=1)": ONE_AXIS,
    "tf.reduce_mean(tf.square(targets - predictions)) / 2": "These are half the gradients. The derivative of a square "
    "has a factor of 2, which is to stay.",
    "tf.reduce_mean(tf.abs(targets - predictions))": "These are the gradients of a mean absolute error. Take squares.",
    "tf.sqrt(tf.reduce_mean(tf.square(targets - predictions)))": "You took a square root of the loss. Leave it out.",
    "tf.square(tf.reduce_mean(targets - predictions))": "You squared the mean of the differences, in which positive "
    "and negative ones cancel. Square first.",
    "tf.reduce_mean(predictions)": NOT_SQUARED,
    "tf.reduce_mean(targets - predictions)": NOT_SQUARED,
    "targets - predictions": NOT_SQUARED,
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
    "Your function makes variables of its own. Use the W and b that it is given.",
    lambda attempt: attempt.calls("Variable"),
)


def turn(attempt):
    """Where x is after each number of steps up to the first that goes wrong, in the answer and in the solution."""
    *given, steps = attempt.case
    mine, right = [], []
    for count in range(steps + 1):
        here = numbers_of(attempt.run((*given, count)).value)
        if here.size != 1:
            raise Absent
        mine.append(here.item())
        right.append(float(attempt.exercise.expected((*given, count)).value))
        if not np.isclose(mine[-1], right[-1], 1e-4, 1e-5):
            break
    return mine, right


def for_turns(exercise, turns):
    """Declare at what kind of step an answer goes wrong; each is a function of where x is, with answer and solution."""
    turns[
        "With 0 steps the result is to be the start: return x, after as many steps as `steps` says."
    ] = lambda mine, right: len(mine) == 1
    for words, fits in turns.items():
        exercise.mistake_if(words, lambda attempt, fits=fits: fits(*turn(attempt)), last=True)


def took(attempt, steps):
    """Whether the result is where so many steps lead."""
    return attempt.gives(descend.expected((*attempt.case[:3], steps)).value)


ONE_STEP, NO_STEP = ("x**2", 3.0, 0.1, 1), ("x**2", 3.0, 0.1, 0)

HEIGHT = "This is the function's value at the last x or the one before. Return the last x."


SQUARE = "The gradient of your code is that of x². Ask a tape for the gradient of `function`."


def for_descents(exercise):
    """Declare what goes wrong in both descents, ahead of what their functions have in common."""
    exercise.mistake_if(
        "A tape is given a number of Python, as `start` is one. It knows only tensors and variables: make a variable "
        "of `start`.",
        lambda attempt: attempt.fails_as("tape_gets_number") and not leaves(attempt),
    )
    exercise.mistake_if(
        "`steps` is a number, which no loop goes through; `range(steps)` counts as far.",
        lambda attempt: attempt.fails_as("not_iterable"),
    )
    exercise.mistake_if(
        "With 0 steps the result is the start: x must have its value before the loop.",
        lambda attempt: (
            attempt.case[3] == 0
            and attempt.called.result is None
            and (not attempt.called.error or isinstance(attempt.called.error, UnboundLocalError))
        ),
    )
    when_none(
        exercise,
        "After a first step the gradient is None: `x = …` gives the name to a new tensor, which no tape watches. "
        "`x.assign_sub(…)` or `x.assign(…)` alone changes the variable itself.",
        lambda attempt: (
            not attempt.run(ONE_STEP).error
            and (".assign" not in attempt.source or re.search(r"\b(\w+) = \1\.", attempt.source))
        ),
        see="notebook 03: The box and its name",
    )
    when_none(
        exercise,
        "A gradient is None: x is a constant, and no tape was told to watch it. With a variable, there is no need to.",
        lambda attempt: not attempt.calls("watch", "Variable", "slope"),
        see=WATCHING,
    )


def for_steps(exercise):
    """Declare what goes wrong with the steps of both descents."""
    for value, words in {
        "function(x)": HEIGHT,
        "height": HEIGHT,
        "round(float(x), 2)": "The result is rounded. Return x as it is.",
        "start": "x has not moved: this is the start.",
    }.items():
        exercise.slip(words, "return x", f"return {value}")

    exercise.slip(
        "Your code begins at 3, whatever comes in. Use `start`.", "Variable(start)", "Variable(3.0)"
    )

    for count, words in {
        "1": "One step alone was taken: repeat it `steps` times.",
        "steps + 1": "One step too many was taken.",
        "steps - 1": "One step is missing: `range(steps)` gives `steps` of them.",
    }.items():
        exercise.slip(words, "range(steps)", f"range({count})")

    for step, words in {
        "gradient": "The learning rate is not used: it says which part of the gradient to take off.",
        "0.1 * gradient": "The learning rate of your code is 0.1, whatever comes in. Use `learning_rate`.",
        "learning_rate * height": "The height is taken off, not the gradient: ask the tape how steep the function is.",
        "learning_rate * 2 * x": SQUARE,
        "0.1 * 2 * x": SQUARE,
        "learning_rate * slope.answer(function, tf.constant(start))": "All steps use the gradient at the start. Take "
        "it anew at each step, at the place where x is then.",
    }.items():
        exercise.slip(words, "learning_rate * gradient", step)


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

for_descents(descend)
for_functions(descend)
AT_START = "Each step begins at `start` again. It is to begin where the one before has ended."
descend.mistake_if(
    AT_START,
    lambda attempt: (
        took(attempt, 1)
        and any(
            getattr(each, "id", "") == attempt.parameters[1]
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

for_steps(descend)

for move, words in {
    "x.assign_add(": "This goes up: the gradient points to where the function grows. Subtract it.",
    "x.assign(": "x becomes the step itself. The step is to be taken off x: `assign_sub` in place of `assign`.",
    "x.assign(start - ": AT_START,
}.items():
    descend.slip(words, "x.assign_sub(", move)

BEST = (
    ("for _", "best = start\n    for _"),
    ("    return x", "        best = min(best, x.numpy(), key=function)\n    return best"),
)
descend.mistake(
    "This is the best x on the way: it is returned, or no step is taken that leads up. Take all, wherever they lead.",
    lambda *given: descend.slipped(*BEST)(*given),
)
descend.mistake_if(
    "This is where x was after fewer steps. Take all of them, wherever they lead, and return the x after the last.",
    lambda attempt: any(took(attempt, fewer) for fewer in range(attempt.case[3])),
)
for_turns(
    descend,
    {
        "The first step already leads elsewhere: it takes `learning_rate` times the gradient at the start off x.": (
            lambda mine, right: len(mine) == 2
        ),
        "With one step your code is right, with more it is not. Each takes `learning_rate` times the gradient at the "
        "place where x then is, with the rate as it is given, and nothing of the steps before.": (
            lambda mine, right: len(mine) > 2
        ),
    },
)


# Exercise 5


@exercise(
    NOTEBOOK,
    see=DESCENT,
    cases=[
        ("x**2", 3.0, 1.5, 1),
        ("x**2", 3.0, 0.1, 1),
        ("x**2", 3.0, 1.5, 0),
        ("x**2", 3.0, 1.5, 2),
        ("x**2", 3.0, 1.5, 3),
        ("x**2", 3.0, 3.0, 3),
        ("x**2", 1.0, 1.0, 3),
        ("x**4", -1.0, 0.6, 3),
        ("tf.sin(x)", 0.5, 5.6, 2),
        ("x**4 - x**2", 1.0, 0.6, 5),
        ("tf.exp(x) - 2.0 * x", 3.0, 0.5, 3),
        ("200.0 * x**2", 1.0, 0.015, 4),
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
        gradient = tape.gradient(height, x)
        target = x - learning_rate * gradient
        if function(target) < height:
            x.assign(target)
        else:
            learning_rate = learning_rate / 2
    return x


for_tapes(careful_descent, advice="Each step needs a new tape.")
for_descents(careful_descent)
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
REVERSED = "The comparison is the wrong way round: go where the function is lower."
BY_PLACE = "Your code looks at where x goes, or at the sign of the gradient. What is to be lower is the function."
for condition, words in {
    "True": "Your code goes to the new place even where the function is higher. Look before.",
    "function(target) > height": REVERSED,
    "function(target) >= height": REVERSED,
    "function(target) <= height": "Where the new place is just as high, x is to stay: it is not lower.",
    "target < x": BY_PLACE,
    "target > x": BY_PLACE,
    "abs(target) < abs(x)": BY_PLACE,
    "function(target) < function(start)": "The new place is compared with the start. Compare it with the last x.",
}.items():
    careful_descent.slip(words, "function(target) < height", condition)

LOOK = careful_descent.solution_source.partition("gradient\n")[2].partition("    return")[0]
RATE, HALF, STAY = "learning_rate", "learning_rate / 2", "target if lower else x"
ASSIGN = "The new place is added to x, or taken off. x is to become it: `assign`."
AGAIN = "Your code tries again within the same step, with half the rate. A try that fails counts as a step."
HALFWAY = (
    "Where a try leads up, x goes half of the way all the same: by a second try, or as a step is undone with half the "
    "rate. x is to stay where it was until the next step."
)
TWO_TRIES = "target if lower else (x + target) / 2"
LOOK_AGAIN = f"{STAY} if function((x + target) / 2) >= height else (x + target) / 2"
for (place, after_going, after_staying), words in {  # what x becomes, and the learning rate
    (
        STAY,
        RATE,
        RATE,
    ): "The next try is made with the same rate, and leads to the same place. Halve it for all that "
    "follow.",
    (
        STAY,
        HALF,
        HALF,
    ): "The learning rate is halved after every step. Halve it only after one that x did not take.",
    (
        STAY,
        "given",
        HALF,
    ): "Once x has gone, the rate is again what it was at first. It is to stay halved.",
    (STAY, RATE, "given / 2"): "The rate is halved once only. Each try that fails halves it again.",
    (
        "target",
        RATE,
        HALF,
    ): "Where the function is higher, the rate is halved, but x goes there all the same, or does "
    "not come back: `old = x` would keep nothing.",
    (
        "target",
        HALF,
        HALF,
    ): "x goes and the rate is halved at every step. Is x compared with itself after it has gone? "
    "Look before.",
    (
        "x",
        RATE,
        HALF,
    ): "x never goes anywhere. Where the function is lower, it is to become the new place.",
    (TWO_TRIES, RATE, RATE): HALFWAY,
    (TWO_TRIES, RATE, HALF): HALFWAY,
    (LOOK_AGAIN, RATE, HALF): AGAIN,
    (
        "target + x if lower else x",
        RATE,
        HALF,
    ): ASSIGN,
    ("x - target if lower else x", RATE, HALF): ASSIGN,
}.items():
    careful_descent.slip(
        words,
        LOOK,
        f"""        given, lower = given if _ else learning_rate, function(target) < height
        x.assign({place})
        learning_rate = {after_going} if lower else {after_staying}
""",
    )
for_steps(careful_descent)
careful_descent.slip(
    "This goes up: the gradient points to where the function grows. Subtract it.",
    "x - learning_rate",
    "x + learning_rate",
)
careful_descent.slip(
    "This is the place of the last try. Where the function is not lower there, x has not gone to it.",
    "return x",
    "return target",
)


@careful_descent.mistake(AGAIN)
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


def stays(path):
    """Whether x has not moved in the last step."""
    return len(path) > 1 and np.isclose(path[-1], path[-2], 1e-5)


for_turns(
    careful_descent,
    {
        "x moves in a step whose try, with the right rate, leads no lower. It is to stay where it is.": (
            lambda mine, right: stays(right) and not stays(mine)
        ),
        "After a try that failed, the next leads lower with half the rate, and yet x stays. Is the rate halved, once "
        "for each such try?": lambda mine, right: stays(right[:-1]) and stays(mine),
        "x stays in a step whose try, with the right rate, leads lower. It is to go there.": lambda mine, right: (
            stays(mine)
        ),
        "The try after one that failed leads to a wrong place. It is to be made with half the rate, neither more nor "
        "less.": lambda mine, right: stays(right[:-1]),
        "The first step leads to a wrong place. It is `learning_rate` times the gradient, where that leads lower.": (
            lambda mine, right: len(mine) == 2
        ),
        "After a step that was taken, the next leads to a wrong place. The rate stays as it is then, and the gradient "
        "is that of the place where x is.": lambda mine, right: len(mine) > 2,
    },
)
