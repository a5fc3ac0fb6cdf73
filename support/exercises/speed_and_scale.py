"""Exercises of notebook 11, on speed and scale."""

import functools
import re
from unittest import mock

import numpy as np
import tensorflow as tf

from support.exercises.apart import patched
from support.exercises.compare import kind_of
from support.exercises.engine import exercise
from support.exercises.errors import fails_as

NOTEBOOK = "11_speed_and_scale"
BY_HAND = "One step, four ways"
OVERHEAD = "A call costs, whatever it computes"
TRACING = "What tracing is"
DEVICES = "Many devices"

# Exercise 1


class Function:
    """Takes points, returns the mean of each column. It knows where Python has run it, which a graph does once."""

    def __init__(self):
        self.in_graph = []

    def __call__(self, points):
        self.in_graph.append(tf.inside_function())
        rows = tf.shape(points)[0]  # a graph of a single shape keeps it as a number
        return tf.reduce_sum(points, axis=0) / tf.cast(rows, tf.float32)


def compiled_by(answer, function, sizes):
    compiled = answer(function)
    if compiled is None or compiled is ...:
        return compiled
    if not callable(compiled):
        return {"what you return": kind_of(compiled)}
    results = [compiled(tf.reshape(tf.range(2.0 * size), (size, 2))) for size in sizes]
    return {
        "what you return": "a compiled function",
        "its list of results": results,
        "it runs as a graph": all(function.in_graph),
        "the number of times that it was traced": len(function.in_graph),
    }


@exercise(
    NOTEBOOK,
    see=TRACING,
    cases=[([1, 2, 5, 3],)],
    given=lambda sizes: (Function(), sizes),
    observe=compiled_by,
    hints=[
        "`tf.function(function)` returns the compiled function. By itself it is traced once for each shape.",
        "Its argument `input_signature` is a list with a `tf.TensorSpec` for each argument of the function.",
        "In a shape, `None` stands for any length: `tf.TensorSpec(shape=(None, 2), dtype=tf.float32)`.",
    ],
)
def traced_once(function):
    return tf.function(function, input_signature=[tf.TensorSpec((None, 2), tf.float32)])


def traces(attempt):
    return attempt.part("the number of times that it was traced")


traced_once.mistake_if(
    "You call the function and return what comes of it. The compiled function itself was asked for.",
    lambda attempt: attempt.part("what you return") in ("a tensor", "a NumPy array"),
)
traced_once.mistake_if(
    "What you return never calls `function`. Compile that one.",
    lambda attempt: traces(attempt) == 0,
)
traced_once.mistake_if(
    "What you return is not compiled: Python runs the function at each call. `tf.function` compiles it.",
    lambda attempt: not attempt.part("it runs as a graph"),
    see=BY_HAND,
)
traced_once.mistake_if(
    "What you return gives None when it is called: a `return` is missing within it.",
    lambda attempt: attempt.part("its list of results")[0] is None,
)
traced_once.mistake_if(
    "Something new is compiled at each call, and knows nothing of earlier traces. Compile once, outside of it.",
    lambda attempt: traces(attempt) > 2 and re.search("def .*def |lambda", attempt.source, re.S),
)
traced_once.mistake_if(
    "`reduce_retracing` finds out by itself that lengths differ, by being traced for the first one and then once "
    "more. An `input_signature` says so from the start.",
    lambda attempt: traces(attempt) == 2,
)
traced_once.mistake_if(
    "Each number of rows is another shape, and is traced anew. An `input_signature` says that all are alike.",
    lambda attempt: traces(attempt) > 2,
)
traced_once.mistake_if(
    "`get_concrete_function` traces for what it is given, here for one number of rows. Give it "
    "`tf.TensorSpec((None, 2), tf.float32)`.",
    lambda attempt: traces(attempt) == 1 and attempt.calls("get_concrete_function"),
)
for words, kind in [
    (
        "`tf.function` without a function gives a decorator. Hand it `function`, too.",
        "decorates_no_function",
    ),
    (
        "An entry of `input_signature` is a `tf.TensorSpec`, which holds shape and dtype, and not a bare shape or "
        "anything else.",
        "signature_without_specs",
    ),
    (
        "`input_signature` is a list with one entry for each argument of the function, even for a single one.",
        "signature_of_other_length",
    ),
]:
    traced_once.mistake_if(words, fails_as(kind))


def signature(attempt):
    """What the compiled function asks for, where it refuses the points: shape and dtype; None of what it can't tell."""
    if not attempt.fails_as("refused_by_signature"):
        return None, None
    kind = getattr(attempt.call(Function()), "function_type", None)
    return (kind.flat_inputs[0].shape, kind.flat_inputs[0].dtype) if kind else (None, None)


traced_once.mistake_if(
    "Your signature asks for another dtype. The points are `float32`.",
    lambda attempt: signature(attempt)[1] not in (None, tf.float32),
)
traced_once.mistake_if(
    "Your signature fixes the number of rows. `None` in its place stands for any.",
    lambda attempt: re.fullmatch(r"\(\d+, 2\)", str(signature(attempt)[0])),
)
traced_once.mistake_if(
    "The points have two axes: shape (rows, 2). Your signature describes another shape; `(None, 2)` is meant.",
    fails_as("refused_by_signature"),
)


# Exercise 2


class Step:
    """Moves a variable and returns the loss before. It knows where Python has run it."""

    def __init__(self, start):
        self.start, self.x = start, tf.Variable(start)
        self.runs = []

    def __repr__(self):
        return "a function"

    def __call__(self):
        loss = tf.square(self.x)
        in_graph = tf.inside_function()
        self.runs.append(
            ("loop" if "while" in loss.graph.name else "graph") if in_graph else "eager"
        )
        self.x.assign_sub(0.25 * self.x)
        return loss

    @property
    def place(self):
        if "loop" in self.runs:  # and before it, where AutoGraph looks what a round gives
            return "in a loop of the graph"
        return f"{len(self.runs)} times " + (
            "outside of a graph" if "eager" in self.runs else "in a graph"
        )


def course_of(answer, step, count):
    result = answer(step, count)
    if result is None or result is ...:
        return result
    return {
        "the result": result,
        "the number of steps": np.round(np.log(step.x.numpy() / step.start) / np.log(0.75)),
        "the place where Python runs the step": step.place,
    }


@exercise(
    NOTEBOOK,
    see=OVERHEAD,
    cases=[(2.0, 4), (-4.0, 1)],
    given=lambda start, count: (Step(start), count),
    observe=course_of,
    hints=[
        "Define a function within yours, compile it with `@tf.function`, put the loop into it, and call it.",
        "`for _ in tf.range(count)` becomes a loop of the graph; `for _ in range(count)` does not.",
        "Give the loss a value before the loop, `loss = tf.constant(0.0)`: a loop may have no round at all.",
    ],
)
def last_loss(step, count):
    @tf.function
    def run():
        loss = tf.constant(0.0)
        for _ in tf.range(count):
            loss = step()
        return loss

    return run()


def steps(attempt):
    return attempt.called.value["the number of steps"]


def where(attempt):
    return attempt.called.value["the place where Python runs the step"]


def gives_of_losses(attempt, of):
    start, count = attempt.case
    losses = start**2 * 0.75 ** (2 * np.arange(count))
    return steps(attempt) == count and np.isclose(attempt.called.value["the result"], of(losses))


for words, *kinds in [
    (
        "Inside a graph there are no numbers yet, so `.numpy()` fails there. Return the tensor.",
        "no_numbers_yet",
    ),
    (
        "In a graph, `append` notes a stand-in and not a number. Keep the latest loss alone, in a name.",
        "out_of_scope",
    ),
    (
        "A graph holds tensors, and this is `step` itself. Call it: `step()`.",
        "returns_no_tensor",
    ),
    (
        "In a loop of the graph, a name keeps dtype and shape. The loss is a `float32` without axes: start with `0.0`.",
        "changes_in_a_loop",
    ),
    ("`step` takes no arguments: `step()`.", "surplus_argument"),
]:
    last_loss.mistake_if(words, fails_as(*kinds), see=TRACING)
last_loss.mistake_if(
    "You return a function. Call it, and return what it gives.",
    lambda attempt: callable(attempt.called.value["the result"]),
)
last_loss.mistake_if(
    "Python runs the step, round by round. Put the loop into a `tf.function`, over `tf.range`.",
    lambda attempt: "outside" in where(attempt),
)
last_loss.mistake_if(
    "The graph runs a single step. The loop belongs into it.",
    lambda attempt: where(attempt) == "1 times in a graph" and steps(attempt) == 1,
)
last_loss.mistake_if(
    "The graph holds a single step, and Python calls it in a loop. Each call costs; put the loop into the graph.",
    lambda attempt: (
        where(attempt) in (f"{n} times in a graph" for n in (1, 2) if n < steps(attempt))
    ),
)
last_loss.mistake_if(
    "A Python loop, as over `range`, runs while the graph is traced: the step stands in the graph once for each "
    "round. `tf.range` makes a loop of the graph.",
    lambda attempt: re.match(r"([2-9]|\d\d+) times in a graph", where(attempt)),
)
for words, wrong in [
    ("One step is missing. `tf.range(a, b)` ends before `b`.", lambda count: count - 1),
    ("There is one step too many, before the loop, in it or after it.", lambda count: count + 1),
    (
        "There are twice as many steps: the graph is called twice, or `step` in each round.",
        lambda count: 2 * count,
    ),
    (
        "There is one step, whatever `count` is. A `return` inside of a loop ends it.",
        lambda count: 1,
    ),
]:
    last_loss.mistake_if(
        words, lambda attempt, wrong=wrong: steps(attempt) == wrong(attempt.case[1])
    )
last_loss.mistake_if(
    "You return a number. Return the tensor itself, without `.numpy()` or `float`.",
    lambda attempt: isinstance(attempt.called.value["the result"], float | np.number | np.ndarray),
)
for words, of in [
    ("This is the sum of all losses. The last one alone was asked for.", np.sum),
    ("This is the mean of all losses. The last one alone was asked for.", np.mean),
    (
        "The value from before the loop is left: nothing keeps what `step` returns. `loss = step()` does.",
        lambda losses: 0,
    ),
]:
    last_loss.mistake_if(words, lambda attempt, of=of: gives_of_losses(attempt, of))
last_loss.mistake_if(
    "The steps are right, and what you return is not the loss of the last one.",
    lambda attempt: steps(attempt) == attempt.case[1],
)


# Exercise 3


@exercise(
    NOTEBOOK,
    see=DEVICES,
    cases=[
        ([[1.0, 3.0], [5.0, -1.0]], [1, 3]),
        ([[2.0]], [4]),
        ([[0.5, 2.0], [4.0, 1.0], [-3.0, 8.0]], [10, 2, 4]),
    ],
    given=lambda gradients, sizes: ([tf.constant(each) for each in gradients], sizes),
    hints=[
        "A device with more samples counts for more. What is the *sum* of the gradients of all its samples?",
        "Its mean times its size is that sum. Add up the sums, and divide by the number of all samples.",
    ],
    pairs=True,
)
def average_gradient(gradients, sizes):
    sums = [gradient * size for gradient, size in zip(gradients, sizes, strict=True)]
    return tf.add_n(sums) / sum(sizes)


ALIKE = (
    "Each device counts alike here, whatever its size. One with more samples has to count for more."
)
average_gradient.mistake_if(
    "All weights are mixed into one number. Axis 0 alone runs over the devices.",
    lambda attempt: attempt.numbers.shape == (),
)
average_gradient.mistake_if(
    "This is a list, with a part for each device. Add them up: `tf.add_n`.",
    lambda attempt: (
        len(attempt.called.value) == len(attempt.case[1]) and isinstance(attempt.called.value, list)
    ),
)
average_gradient.mistake_if(
    "`//` rounds down, here to 0 or a whole number. Divide with `/`.",
    lambda attempt: "//" in attempt.source,
)
average_gradient.mistake(ALIKE, lambda gradients, sizes: tf.add_n(gradients) / len(sizes))
average_gradient.mistake(
    "These are the gradients added up, without their sizes.",
    lambda gradients, sizes: tf.add_n(gradients),
)
for old, new, words in [
    (
        "gradient * size",
        "gradient / size",
        "A larger device counts for less here. Its mean stands for more samples.",
    ),
    (
        "gradient * size",
        "gradient",
        "The sizes are missing: a mean times its size is the sum over that device.",
    ),
    (" / sum(sizes)", "", "The division by the number of all samples is missing."),
    (
        " / sum(sizes)",
        " / len(sizes)",
        "Divide by the number of samples, all sizes together, and not of devices.",
    ),
    (" / sum(sizes)", " / max(sizes)", "Divide by all sizes together, and not by the largest."),
    (
        "tf.add_n(sums)",
        "tf.reduce_sum(sums, axis=1)",
        "Axis 1 runs along the weights. Add over the devices: axis 0.",
    ),
    (
        "tf.add_n(sums)",
        "tf.reduce_mean(sums, axis=0)",
        "`reduce_mean` divides by the number of devices, too. Add up.",
    ),
    ("sum(sizes)", "sum(sizes) ** 2", "It is divided by the number of samples twice."),
    ("tf.add_n(sums)", "sums[-1]", "Only the last device is left. Add up over all."),
    ("tf.add_n(sums)", "sums[0]", "Only the first device is left. Add up over all."),
]:
    average_gradient.slip(words, old, new)
average_gradient.mistake(
    "The sizes go along the weights here, and each belongs to a whole gradient: `sizes[:, None]`, or a loop.",
    lambda gradients, sizes: tf.add_n(gradients) * sizes / sum(sizes),
)
average_gradient.mistake(
    "`(a + b) / 2` in a loop gives the last device half of all. Let the sizes decide.",
    lambda gradients, sizes: functools.reduce(lambda a, b: (a + b) / 2, gradients),
)
average_gradient.mistake(
    "This is the gradient of the largest device. The others have samples, too.",
    lambda gradients, sizes: gradients[int(np.argmax(sizes))],
)
average_gradient.mistake_if(
    "A list times a number repeats the list, and lists can't be divided. Go through both lists in step, with `zip`.",
    fails_as("list_arithmetic"),
)
average_gradient.mistake_if(
    "The sizes are whole numbers, and the gradients `float32`: cast them, or multiply by the Python numbers.",
    fails_as("dtypes_differ"),
    see="notebook 04: TensorFlow does not mix dtypes",
)


# Exercise 4


def network(samples, features, hidden, outputs):
    random = np.random.default_rng(samples)
    shapes = [
        (samples, features),
        (samples, outputs),
        (features, hidden),
        (hidden,),
        (hidden, outputs),
        (outputs,),
    ]
    return tuple(random.normal(size=shape).round(1).astype("float32") for shape in shapes)


PARTS = ("W1", "b1", "W2", "b2")


class NoTape(RuntimeError):
    pass


def no_tape(*_, **__):
    raise NoTape("there is no tape in this exercise")


def named_gradients(answer, *arrays):
    with patched(mock.patch.object(tf, "GradientTape", no_tape)):
        result = answer(*arrays)
    if not isinstance(result, list | tuple) or len(result) != len(PARTS):
        return result
    return {
        f"the gradient for {name}": part.astype("float32") if isinstance(part, np.ndarray) else part
        for name, part in zip(PARTS, result, strict=True)
    }


@exercise(
    NOTEBOOK,
    see=BY_HAND,
    cases=[(1, 1, 2, 1), (3, 2, 4, 1), (4, 3, 2, 2)],
    given=network,
    observe=named_gradients,
    hints=[
        "Go backward, as a tape does: how does the loss change with each output? 2 · error / (number of errors).",
        "These slopes times `W2`, transposed, are those of the hidden numbers. Where relu gave 0, nothing passes.",
        "A gradient for a matrix is what came into it, transposed, times the slopes behind it; the one for a bias is "
        "the sum of these slopes over the samples.",
    ],
    pairs=True,
)
def two_layer_gradients(inputs, targets, W1, b1, W2, b2):
    hidden = np.maximum(inputs @ W1 + b1, 0)
    errors = hidden @ W2 + b2 - targets
    output_slopes = 2 * errors / errors.size
    hidden_slopes = output_slopes @ W2.T * (hidden > 0)
    return (
        inputs.T @ hidden_slopes,
        hidden_slopes.sum(axis=0),
        hidden.T @ output_slopes,
        output_slopes.sum(axis=0),
    )


two_layer_gradients.mistake_if(
    "A tape would do it. Here you are the tape: go back from the loss by hand, with NumPy.",
    lambda attempt: isinstance(attempt.called.error, NoTape),
)
for old, new, words in [
    (
        " * (hidden > 0)",
        "",
        "On the way back relu is missing, or its mask is always true, as `hidden >= 0` is. Where relu gave 0, no "
        "slope passes.",
    ),
    ("2 * errors", "errors", "The derivative of a square is twice its root: the 2 is missing."),
    (" / errors.size", "", "The loss is a mean: divide the slopes by the number of errors."),
    (
        "errors.size",
        "len(errors)",
        "The mean goes over samples *and* outputs: divide by the number of all errors.",
    ),
    (
        "hidden @ W2 + b2 - targets",
        "targets - hidden @ W2 - b2",
        "The signs are turned: the error is prediction minus target.",
    ),
    (
        "hidden_slopes.sum(axis=0)",
        "hidden_slopes.mean(axis=0)",
        "For `b1`, the slopes are added over the samples.",
    ),
    (
        "output_slopes.sum(axis=0)",
        "output_slopes.mean(axis=0)",
        "For `b2`, the slopes are added over the samples.",
    ),
    (
        ".sum(axis=0)",
        ".mean(axis=0)",
        "For a bias, slopes are added over the samples; the loss's mean is in them already.",
    ),
    (
        ".sum(axis=0)",
        ".sum()",
        "A bias has an entry for each unit: add over the samples alone, axis 0.",
    ),
    (".sum(axis=0)", ".sum(axis=1)", "For a bias, add over the samples, which are axis 0."),
    (
        ".sum(axis=0)",
        ".sum(axis=0, keepdims=True)",
        "Biases have rank 1, and so have their gradients: without `keepdims`.",
    ),
    (
        ".sum(axis=0)",
        "",
        "A bias is added to every sample, so its gradient is the sum over all of them.",
    ),
    (
        "(hidden > 0)",
        "hidden",
        "Where relu lets through, its slope is 1, and not the number itself.",
    ),
    ("(hidden > 0)", "(hidden <= 0)", "The slopes pass where relu did *not* give 0."),
    (
        "np.maximum(inputs @ W1 + b1, 0)",
        "(inputs @ W1 + b1)",
        "relu is missing on the way forward: negative hidden numbers become 0.",
    ),
    (
        "hidden.T @",
        "(inputs @ W1 + b1).T @",
        "For `W2`, take the hidden numbers after relu.",
    ),
    (
        "output_slopes @ W2.T * (hidden > 0)",
        "np.maximum(output_slopes @ W2.T, 0)",
        "Slopes have signs, and relu is not applied to them: they pass where `hidden > 0`.",
    ),
    (
        ".sum(axis=0)",
        ".sum(axis=0) * errors.size",
        "For the biases, the division by the number of errors is missing.",
    ),
    ("inputs @ W1 + b1", "inputs @ W1", "`b1` is missing on the way forward."),
    ("hidden @ W2 + b2", "hidden @ W2", "`b2` is missing on the way forward."),
    (
        "output_slopes @ W2.T",
        "errors @ W2.T",
        "Slopes go back through `W2`, 2 · error / (number of errors), and not errors.",
    ),
    (
        "hidden.T @ output_slopes",
        "hidden.T @ errors",
        "For `W2` take the slopes, 2 · error / (number of errors), and not the errors.",
    ),
]:
    two_layer_gradients.slip(words, old, new)
two_layer_gradients.mistake_if(
    "The four are right, in another order. It is to be W1, b1, W2, b2.",
    lambda attempt: all(
        any(
            np.array_equal(np.shape(part), right.shape) and np.allclose(part, right, atol=1e-5)
            for part in attempt.called.value.values()
        )
        for right in attempt.expected.value.values()
    ),
)
two_layer_gradients.mistake_if(
    "`np.max` takes the largest of many numbers. relu is `np.maximum(z, 0)`, number by number.",
    lambda attempt: re.search(r"\.a?max\(", attempt.source),
)
two_layer_gradients.mistake_if(
    "Two shapes do not fit. A gradient has the shape of its weights: transpose what came in, `inputs.T` and "
    "`hidden.T`, and `W2.T` on the way back.",
    fails_as("matmul_rank", "matmul_sizes", "not_broadcastable"),
)
