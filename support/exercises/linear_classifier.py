"""Exercises of notebook 06, on a linear classifier."""

import ast
import re

import numpy as np
import tensorflow as tf

from support.exercises.compare import close, compare
from support.exercises.engine import ChangedItsInput, exercise, numbers_of

NOTEBOOK = "06_linear_classifier"
LEARNED = "What it has learned"
STEP = "Listing 3.20: One training step"
LOSS = "Listing 3.19: The loss"
MODEL = "The model"
BATCHES = "Batch and mini-batch"
VARIABLES = "notebook 03: The box and its name"
NONE = "notebook 05: Zero instead of `None`"
SPENT = "notebook 05: A tape is spent after one gradient"
PRODUCT = "notebook 04: `*` is not the matrix product"
DTYPES = "notebook 04: TensorFlow does not mix dtypes"

RETURNED = "what your function returns"


def plain(value):
    """A tensor as a number or an array; anything else as it is."""
    return getattr(value, "numpy", lambda: value)()


def returned(attempt):
    """What the answer itself returned, where more than that is observed."""
    return None if attempt.called.error else attempt.called.value[RETURNED]


def declare_slips(exercise, slips, see):
    """Declare what people write in place of something in the solution."""
    for old, wrong in slips.items():
        for new, words in wrong.items():
            exercise.slip(words, old, new, see=see)


# Accuracy


def column(numbers):
    return np.array(numbers, dtype="float32").reshape(-1, 1)


ACCURACY_CASES = [
    ([0.25, -0.75, 0.75, 1.75, 0.375], [1, 0, 1, 1, 0]),
    ([0.875], [1]),
    ([0.125, 0.625, 0.25, -0.25, 1.5625, 0.75, 0.4375, 0.25], [0, 1, 1, 1, 1, 0, 0, 1]),
    ([1.25, 0.75], [1, 1]),
    ([2.75, 0.125, -1.5, 0.625], [1, 0, 0, 0]),
    ([0.49, 0.51, 0.48, 0.52, 0.53], [0, 1, 0, 1, 1]),
    ([1, 0, 0, -2.5, 0.25, 1.25, 3, 0.875, 0.75, 0.375, 1], [1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1]),
]


@exercise(
    NOTEBOOK,
    see=LEARNED,
    cases=ACCURACY_CASES,
    given=lambda scores, targets: (tf.constant(column(scores)), column(targets)),
    pairs=True,
    hints=[
        "A prediction is a score, and not a class yet. Which scores mean class 1?",
        "`predictions.numpy() > 0.5` is True for class 1. True equals 1, and False equals 0, so targets can be "
        "compared with it.",
        "The comparison gives True where the answer is right. The mean of True and False is the share of True.",
    ],
)
def accuracy_of(predictions, targets):
    return np.mean((predictions.numpy() > 0.5) == targets)


accuracy_of.mistake_if(
    "Python's `and`, `or` and `if` want a single True or False, and so does `a < b < c`. Columns have many: put "
    "parentheses around each comparison, and combine them with `==`, `&` or `|`.",
    lambda attempt: attempt.fails_as("ambiguous_truth"),
)
accuracy_of.mistake_if(
    "A tensor can't be assigned into. Compare it with 0.5, which gives True for class 1 and False for class 0.",
    lambda attempt: attempt.fails_as("item_assignment"),
)
accuracy_of.mistake_if(
    "TensorFlow does not compare True and False with numbers, nor does it sum or average them. Make 1 and 0 of them "
    "with `tf.cast`, or go to NumPy first.",
    lambda attempt: attempt.fails_as("bool_operand"),
    see=DTYPES,
)
accuracy_of.mistake_if(
    "`argmax` finds the place of the largest number. Compare each score with 0.5.",
    lambda attempt: attempt.calls("argmax"),
)
accuracy_of.mistake_if(
    "This is a single True or False. Return the share of the samples that are right.",
    lambda attempt: isinstance(attempt.called.value, bool | np.bool_),
)
accuracy_of.mistake_if(
    "`return` stands inside the loop, so only the first sample is looked at. Return after the loop.",
    lambda attempt: any(
        isinstance(statement, ast.Return)
        for loop in ast.walk(attempt.tree)
        if isinstance(loop, ast.For)
        for statement in loop.body
    ),
)


accuracy_of.mistake_if(
    "There is one number for each sample. Return their mean, a single number.",
    lambda attempt: (
        np.size(attempt.called.value) == len(attempt.case[0]) > 1
        and np.isclose(np.mean(attempt.called.value), attempt.expected.value)
    ),
)


@accuracy_of.mistake_if("The share is rounded. Return it as it is.")
def _(attempt):
    def rounded(case, digits):
        right = attempt.exercise.expected(case).value
        return close(np.asarray(attempt.run(case).value), np.round(right, digits))

    return any(all(rounded(case, digits) for case in ACCURACY_CASES) for digits in range(3))


@accuracy_of.mistake_if(
    "After a sigmoid a score of 0 is 0.5, and all above 0 are class 1. The scores are to be compared with 0.5 as they "
    "come."
)
def _(attempt):
    return attempt.calls("sigmoid") and all(
        close(
            np.asarray(attempt.run(case).value), np.mean((column(case[0]) > 0) == column(case[1]))
        )
        for case in ACCURACY_CASES
    )


SOME = (
    "Only the points that get class 1, or those whose target is 1, are looked at. All points count."
)
CUT = "Your code rounds scores down, or cuts off what stands after the point: 0.75 becomes 0. Compare with 0.5."
WHOLE = "np.mean((predictions.numpy() > 0.5) == targets)"
DISTANCE = "np.abs(predictions - targets)"
NO_CLASSES = (
    "You average the scores, or their distances from the targets. An answer is either right or wrong: compare the "
    "scores with 0.5."
)

#: What people write in place of something in the solution, and what to say about it.
ACCURACY_SLIPS = {
    "==": {"!=": "The wrong answers count in your code. The right ones are asked for."},
    "np.mean": {
        "1.0 * np.sum": "This is a number of answers. Their share of all answers is asked for.",
        "100 * np.mean": "The accuracy is a share, a number from 0 to 1. This is in percent.",
    },
    "> 0.5": {
        **{
            f"{sign} {limit}": f"The threshold is {limit} in your code. It is to be 0.5, halfway between 0 and 1."
            for sign in (">", ">=")
            for limit in (0, 1)
        },
        **{
            f"> {limit}": "The threshold of your code is not 0.5, and scores near it get the wrong class."
            for limit in (0.1, 0.2, 0.25, 0.3, 0.4, 0.45, 0.55, 0.7, 0.75, 0.8, 0.9)
        },
        "> predictions.numpy().mean()": "The threshold is the mean of the scores. It is to be 0.5, whatever they are.",
    },
    "predictions.numpy() > 0.5": {
        "predictions.numpy()": "You compare the scores with the targets directly. A score is hardly ever exactly 0 or "
        "1: compare it with 0.5, which makes a class of it.",
        "np.round(predictions)": "Scores far from 0 and 1 count as wrong in your code, as 1.75 does, which is nearer "
        "to 2 than to 1. Class 1 is all that is above 0.5.",
        "predictions.numpy().astype(int)": CUT,
        "np.floor(predictions)": CUT,
        "np.abs(predictions) > 0.5": "The scores have lost their sign: -0.75 is below 0.5, and class 0.",
        "predictions.numpy()[:, 0] > 0.5": "Each score has met each target, as a shape of (n,) against (n, 1) "
        "stretches to (n, n). Leave both as they are, or flatten both.",
    },
    "== targets": {
        "* targets": "Only right answers of class 1 are counted. A 0 that is right counts too.",
        "* 1": "This is the share of points that get class 1. Compare the classes with the targets.",
    },
    "(predictions.numpy() > 0.5) == targets": {
        "targets": "This is the share of targets that are 1: all samples get class 1, or the predictions do not count.",
        "targets[predictions.numpy() > 0.5]": SOME,
        "predictions.numpy()[targets == 1] > 0.5": SOME,
    },
    WHOLE: {
        **dict.fromkeys(
            [
                "1 - np.mean((predictions.numpy() > 0.5) - targets)",
                "1 - abs(np.mean((predictions.numpy() > 0.5) - targets))",
            ],
            "A 1 for a 0 and a 0 for a 1 cancel in your code. Each is a wrong answer: count where the two are equal.",
        ),
        "np.mean(predictions)": NO_CLASSES,
        f"np.mean({DISTANCE})": NO_CLASSES,
        f"1 - np.mean({DISTANCE})": NO_CLASSES,
        f"np.mean({DISTANCE} ** 2)": NO_CLASSES,
        f"1 - np.mean({DISTANCE} ** 2)": NO_CLASSES,
    },
}
declare_slips(accuracy_of, ACCURACY_SLIPS, LEARNED)
accuracy_of.mistake(
    "This is 1 where all answers are right, and 0 elsewhere. Their share is asked for; `//`, and the mean of integers "
    "in TensorFlow, drop what stands after the point.",
    lambda predictions, targets: float(np.all((predictions.numpy() > 0.5) == targets)),
)


# One step


def quarters(rows, columns, first):
    """A table of small numbers without a pattern that matters."""
    numbers = (np.arange(rows * columns) * 7 + first) % 11 - 4
    return numbers.reshape(rows, columns).astype("float32") / 4


def problem(samples, features):
    """Inputs, targets, W and b."""
    targets = (np.arange(samples) * 2 % 3 < 1).astype("float32").reshape(-1, 1)
    weights = quarters(features, 1, 9)
    return quarters(samples, features, 1), targets, tf.Variable(weights), tf.Variable([0.5])


def result_and_weights(answer, inputs, targets, W, b, *more):
    result = plain(answer(inputs, targets, W, b, *more))
    if isinstance(result, list | tuple):
        result = [plain(each) for each in result]
    return {RETURNED: result, "W": W.numpy(), "b": b.numpy()}


def right_part(attempt, name):
    """Whether the answer is right in one of the observed parts."""
    mine, right = (np.asarray(each.value[name]) for each in (attempt.called, attempt.expected))
    return mine.shape == right.shape and close(mine, right)


def weights_right(attempt):
    return right_part(attempt, "W") and right_part(attempt, "b")


def unmoved(attempt):
    """Whether W and b are as they were."""
    _, _, W, b, *_ = attempt.exercise.arguments(attempt.case)
    after = attempt.called.value
    return close(after["W"], W.numpy()) and close(after["b"], b.numpy())


def gradient_missing(attempt):
    return attempt.fails_as("none_operand")


def root_mean(numbers):
    return tf.sqrt(tf.reduce_mean(numbers))


def declare_errors(exercise, result):
    """What goes wrong before the numbers count, wherever steps are taken."""
    exercise.mistake_if(
        "`model` and `training_step` of the notebook work on the notebook's own W and b. Compute with those that your "
        "function is given.",
        lambda attempt: (
            re.search(r"\bmodel\([^,()]+\)|\btraining_step\([^,()]+,[^,()]+\)", attempt.source)
            and not re.search("def (model|training_step)", attempt.source)
        ),
        see=STEP,
    )
    exercise.mistake_if(
        "A variable takes neither `-=` nor `[…] =`: `assign_sub` takes something off it.",
        lambda attempt: (
            attempt.fails_as("variable_in_place")
            or (
                attempt.fails_as("item_assignment")
                and isinstance(attempt.failure.given.get(0), tf.Variable)
            )
        ),
        see=VARIABLES,
    )
    exercise.mistake_if(
        "One tape was asked twice, and its record is thrown away after the first time. Ask for the gradients of W "
        "and b in one list, and make a new tape for each step.",
        lambda attempt: attempt.fails_as("tape_is_spent"),
        see=SPENT,
    )
    exercise.mistake_if(
        "`gradient` gives a list, one gradient for each weight in the list that you asked for. Take them apart first.",
        lambda attempt: attempt.fails_as("list_arithmetic"),
        see=STEP,
    )
    exercise.mistake_if(
        "A step does not have the shape of its variable. It is to be the learning rate times its own gradient, "
        "and gradients come in the order of the list `[W, b]`.",
        lambda attempt: attempt.fails_as("assigned_shape"),
        see=STEP,
    )
    exercise.mistake_if(
        "The loss is a cross-entropy. Take the mean squared error.",
        lambda attempt: "crossentropy" in attempt.source.lower(),
        see=LOSS,
    )

    @exercise.mistake_if(
        "`*` multiplies number by number. The predictions take a matrix product, which is `tf.matmul` or `@`.",
        see=PRODUCT,
    )
    def _(attempt):
        W = attempt.parameters[2]
        rate = attempt.parameters[-1]
        by_number = re.search(
            rf"\b(?!{rate})[A-Za-z_]\w* \* {W}\b(?!\[)|\b{W} \* (?!{rate})[A-Za-z_]|multiply\(",
            attempt.source,
        )
        return by_number and not re.search(r"matmul|@|tensordot|einsum|dot\(", attempt.source)

    @exercise.mistake_if(
        "The gradient of b is None: the predictions do not depend on b, which is to be added to the product.",
        see=MODEL,
    )
    def _(attempt):
        b = attempt.parameters[3]
        body = attempt.source.partition("\n")[2]
        return gradient_missing(attempt) and not re.search(rf"[+-] {b}\b|\b{b} \+|, {b}[,)]", body)

    exercise.mistake_if(
        "`tape.gradient` takes two things: the loss first, and then the list `[W, b]`.",
        lambda attempt: (
            attempt.fails_as("none_unpacked", "gradient_without_source")
            and attempt.calls("gradient")
        ),
        see=STEP,
    )
    exercise.mistake_if(
        "The matrix product does not fit: the inputs, of shape (samples, features), stand first, and W, of shape "
        "(features, 1), second. Take both as they are.",
        lambda attempt: attempt.fails_as("matmul_sizes"),
        see=PRODUCT,
    )
    exercise.mistake_if(
        "float32 and float64 meet, which TensorFlow does not mix. Inputs, targets, W and b are float32.",
        lambda attempt: attempt.fails_as("dtypes_differ") and "float64" in attempt.failure.dtypes,
        see=DTYPES,
    )
    exercise.mistake_if(
        "The tape knows of no path from W or b to the loss. Compute predictions and loss inside the `with` block, by "
        "TensorFlow, from W and b themselves, and round nothing.",
        lambda attempt: (
            gradient_missing(attempt)
            or attempt.fails_as("tape_gets_number", "gradient_of_function", "tape_gets_none")
        ),
        see=NONE,
    )
    exercise.mistake_if(
        f"Your function returns nothing. Return {result} at its end.",
        lambda attempt: returned(attempt) is None and not attempt.called.error,
    )


FIXED = "Your learning rate is a fixed number, whatever comes in. Use `learning_rate`."
NO_MEAN = (
    "The loss is right, but its gradients are not averaged over the samples. With a tape, take the mean inside the "
    "`with` block."
)

#: What people subtract in place of `rate * g`, of n samples, from a weight w with the gradient g.
MOVES = {
    "g": "The learning rate is not used: it says how much of the gradient to subtract.",
    "0.1 * g": FIXED,
    "0.01 * g": FIXED,
    "rate / 2 * g": "The step is half as long as it should be. The derivative of a square has a factor of 2.",
    "2 * rate * g": "The step is twice as long as it should be. The tape's gradient has the factor of 2 already.",
    "rate / n * g": "The step is divided by the number of samples. The loss is their mean, so its gradient is divided "
    "already.",
    "n * rate * g": NO_MEAN,
    "n / 2 * rate * g": NO_MEAN,
    "-rate * g": "The step goes along the gradient, to where the loss grows. Subtract it.",
    "w - rate * g": "The variable becomes the step itself. Take the step off it: `assign_sub` in place of `assign`.",
}
ALONE = {
    ("rate * g", "0 * g"): "Only W moves. The bias is a weight, too, and takes its own step.",
    ("0 * g", "rate * g"): "Only b moves. W takes its own step.",
}
SLIPS_IN_LOSS = {
    "gradient(loss": {
        "gradient(predictions": "This is the gradient of the predictions. Ask for the gradient of the loss.",
    },
    "reduce_mean": {
        "reduce_sum": "The loss is a sum. A mean squared error is averaged over the samples."
    },
    "W) + b": {"W) + 0 * b": "The bias is not in the predictions. Add it to the product."},
    "tf.square": {
        "tf.abs": "The loss is a mean absolute error. Take squares.",
        "": "The differences are not squared, so positive and negative ones cancel.",
    },
    "tf.reduce_mean(tf.square(": {
        "tf.square(tf.reduce_mean(": "The mean is squared, so positive and negative differences cancel. Square first, "
        "then average.",
    },
    "tf.reduce_mean": {
        "root_mean": "A square root is taken of the mean squared error. The loss is without it.",
        "0.5 * tf.reduce_mean": "The loss is half of the mean squared error, and so are its gradients.",
    },
    "- predictions": {
        "- predictions[:, 0]": "Each target has met each prediction, as a shape of (n,) against (n, 1) stretches to "
        "(n, n). Leave both as they are.",
        "- tf.sigmoid(predictions)": "A sigmoid bends the scores. This model has none: they are its predictions.",
    },
}


def slices(starts, size):
    return [slice(start, start + size) for start in starts]


def in_order(samples, size):
    return slices(range(0, samples, size), size)


def loss_and_gradients(inputs, targets, W, b):
    """By hand, as TensorFlow takes a hundred times as long for so few numbers."""
    errors = inputs @ W.numpy() + b.numpy() - targets
    return np.mean(errors**2), 2 / len(inputs) * inputs.T @ errors, 2 * np.mean(errors, axis=0)


def taken(move_W, move_b, batches, result=list):
    """An answer that subtracts what formulas give, for each batch of rows; of one step if it takes no size."""

    def gives(inputs, targets, W, b, *more):
        *size, rate = more
        losses = []
        for rows in batches(len(inputs), *size) if size else batches(len(inputs)):
            x, y = inputs[rows], targets[rows]
            loss, *gradients = loss_and_gradients(x, y, W, b)
            for variable, g, formula in zip([W, b], gradients, [move_W, move_b], strict=True):
                names = {"np": np, "g": g, "rate": rate, "n": len(x), "w": variable.numpy()}
                variable.assign_sub(eval(formula, names))
            losses.append(loss)
        return result(losses) if size else losses[0]

    return gives


def unused(attempt, number):
    """Whether the code never uses what it takes at this place."""
    names = [each.id for each in ast.walk(attempt.tree) if isinstance(each, ast.Name)]
    return bool(attempt.source) and attempt.parameters[number] not in names


def declare_steps(exercise):
    """What goes wrong in the step itself."""
    exercise.mistake_if(
        "`return` ends the function, so what stands after it never runs. Return at the end.",
        lambda attempt: any(
            isinstance(each, ast.Return)
            for node in ast.walk(attempt.tree)
            if isinstance(node, ast.FunctionDef | ast.For | ast.With)
            for each in node.body[:-1]
        ),
    )

    @exercise.mistake_if(
        "W and b are as they were. `W = …` gives the name to something new, and what happens to that does not reach "
        "the variable. Let `assign_sub` change the one that was given.",
        see=VARIABLES,
    )
    def _(attempt):
        W, b = attempt.parameters[2:4]
        return unmoved(attempt) and re.search(rf"\b({W}|{b}) = ", attempt.source)

    exercise.mistake_if(
        "W and b are as they were: your function takes no step, or one of length 0. `assign_sub` changes a variable in "
        "place.",
        unmoved,
        see=STEP,
    )
    exercise.mistake_if(
        "This optimizer takes other steps than gradient descent, which subtracts the learning rate times the gradient.",
        lambda attempt: attempt.calls("Adam", "RMSprop", "Adagrad", "Adadelta", "Nadam", "AdamW"),
        see=STEP,
    )
    batches = in_order if exercise.name == "one_epoch" else lambda n: [slice(n)]
    right = "rate * g"
    for moves, words in ALONE.items():
        exercise.mistake(words, taken(*moves, batches), see=STEP)
    for move, words in MOVES.items():
        for moves, where in [
            ((move, move), ""),
            ((move, right), " So it is with W; b moves as it should."),
            ((right, move), " So it is with b; W moves as it should."),
        ]:
            exercise.mistake(words + where, taken(*moves, batches), see=STEP)
    declare_slips(exercise, SLIPS_IN_LOSS, LOSS)


def same_loss(attempt, slip):
    """Whether an answer returns what a slip makes of it, in each case with a single batch."""
    answer = attempt.exercise.slipped(slip)
    for case in attempt.exercise.cases:
        if len(case) == 3 or case[0] <= case[2]:
            mine, wrong = attempt.run(case), attempt.exercise.remembered(answer, case)
            if compare(mine.value[RETURNED], wrong.value[RETURNED]):
                return False
    return attempt.case[0] <= attempt.case[-2] or len(attempt.case) == 3


def declare_doubts(exercise):
    """Where to look if it is nothing known."""
    exercise.mistake_if(
        "Your code never uses the learning rate that it is given. Multiply the gradient by it.",
        lambda attempt: unused(attempt, -1),
        see=STEP,
    )
    for words, part in [
        ("W moves as it should, but b does not: look at its step.", "W"),
        ("b moves as it should, but W does not: look at its step.", "b"),
        (
            "The loss that you return is right, but the steps are not: look at the gradients, and at what is taken "
            "off W and b.",
            RETURNED,
        ),
    ]:
        exercise.mistake_if(
            words,
            lambda attempt, part=part: right_part(attempt, part) and not weights_right(attempt),
            see=STEP,
        )
    for mistake in exercise.mistakes.copy():
        if (
            mistake.slip and mistake.see == LOSS
        ):  # the loss is wrong in this way, and the step in another
            exercise.mistake_if(
                mistake.words,
                lambda attempt, slip=mistake.slip: (
                    not right_part(attempt, RETURNED) and same_loss(attempt, slip)
                ),
                see=LOSS,
            )
    exercise.mistake_if(
        "Neither the loss nor the steps are right: begin with the loss, which the gradients follow from.",
        lambda attempt: (
            np.shape(attempt.called.value[RETURNED]) == np.shape(attempt.expected.value[RETURNED])
        ),
        see=LOSS,
    )


@exercise(
    NOTEBOOK,
    see=STEP,
    cases=[(3, 2, 0.25), (1, 1, 0.5), (4, 3, 0.1), (5, 1, 1.0)],
    given=lambda samples, features, rate: (*problem(samples, features), rate),
    observe=result_and_weights,
    hints=[
        "Listing 3.20 does it for the W and b of the notebook, and for its learning rate. Here all of them come in.",
        "Compute predictions and loss under a tape: `tf.matmul(inputs, W) + b`, and the mean of the squared "
        "differences.",
        "`tape.gradient(loss, [W, b])` gives two gradients. `W.assign_sub(…)` takes the first, times the rate, off W.",
    ],
)
def one_step(inputs, targets, W, b, learning_rate):
    with tf.GradientTape() as tape:
        predictions = tf.matmul(inputs, W) + b
        loss = tf.reduce_mean(tf.square(targets - predictions))
    gradient_W, gradient_b = tape.gradient(loss, [W, b])
    W.assign_sub(learning_rate * gradient_W)
    b.assign_sub(learning_rate * gradient_b)
    return loss


declare_errors(one_step, "the loss")

one_step.slip(
    "You return the loss after the step. Return the one from before, which the gradient comes from.",
    "return loss",
    "return tf.reduce_mean(tf.square(targets - tf.matmul(inputs, W) - b))",
)
one_step.mistake_if(
    "W and b have moved as they should, but what is returned is not the loss.",
    lambda attempt: weights_right(attempt) and attempt.difference.kind != "rank",
)


def one_by_one(first):
    """An answer where one of W and b has moved before the other's gradient is taken."""

    def gives(inputs, targets, W, b, rate):
        losses = []
        for number in (first, 1 - first):
            loss, *gradients = loss_and_gradients(inputs, targets, W, b)
            (W, b)[number].assign_sub(rate * gradients[number])
            losses.append(loss)
        return losses[0]

    return gives


for first, moved, other in [(0, "W", "b"), (1, "b", "W")]:
    one_step.mistake(
        f"{other} moves by a gradient that was computed after {moved} had moved. Compute both gradients before either "
        "moves.",
        one_by_one(first),
    )


def moved_like(attempt, batches):
    """Whether W and b are where steps with such rows lead, in all cases."""
    answer = taken("rate * g", "rate * g", batches)
    for case in attempt.exercise.cases:
        mine, wrong = attempt.run(case).value, attempt.exercise.run(answer, case).value
        if not all(close(mine[name], wrong[name]) for name in "Wb"):
            return False
    return True


one_step.mistake_if(
    "Your code takes several steps. Take one.",
    lambda attempt: any(
        moved_like(attempt, lambda n, steps=steps: [slice(n)] * steps) for steps in (2, 3, 5, 10)
    ),
)
for words, batches in {
    "A step is taken for each sample. Take one, with the mean of all losses.": lambda n: slices(
        range(n), 1
    ),
}.items():
    one_step.mistake_if(words, lambda attempt, batches=batches: moved_like(attempt, batches))
declare_steps(one_step)
one_step.mistake_if(
    "You return one number for each sample. The loss is a single number: average inside the `with` block.",
    lambda attempt: np.size(returned(attempt)) == attempt.case[0] > 1,
    see=LOSS,
)


declare_doubts(one_step)


# The boundary

SLOPE = "the slope"
INTERCEPT = "the intercept"
PAIR = (0, 0)  #: stands for any two things
LINES = [(2.0, 4.0, 3.0), (-1.0, 0.5, 0.0), (3.0, -2.0, 1.0), (0.0, 1.25, -0.75)]


def single(value):
    """A number that came in brackets, as a number."""
    value = plain(value)
    return value.reshape(()) if isinstance(value, np.ndarray) and value.size == 1 else value


def line(answer, W, b):
    before = [W.numpy(), b.numpy()]
    result = plain(answer(W, b))
    if not all(map(np.array_equal, before, [W, b])):
        raise ChangedItsInput("your code changes W or b")
    if isinstance(result, np.ndarray) and result.ndim:
        result = list(result)
    if isinstance(result, list | tuple) and len(result) == 2:
        return {RETURNED: PAIR, SLOPE: single(result[0]), INTERCEPT: single(result[1])}
    return {RETURNED: result, SLOPE: None, INTERCEPT: None}


@exercise(
    NOTEBOOK,
    see=LEARNED,
    cases=LINES,
    given=lambda w1, w2, b: (tf.Variable([[w1], [w2]]), tf.Variable([b])),
    observe=line,
    pairs=True,
    hints=[
        "The line runs where the score is undecided: w1·x + w2·y + b = 0.5. Solve for y on paper.",
        "w2·y = 0.5 − b − w1·x. What stands before x, after a division by w2, is the slope; the rest is the "
        "intercept.",
        "W has shape (2, 1): `W[0, 0]` is w1 and `W[1, 0]` is w2. `b[0]` is the bias.",
    ],
)
def boundary(W, b):
    slope = -W[0, 0] / W[1, 0]
    intercept = (0.5 - b[0]) / W[1, 0]
    return slope, intercept


RIGHT_SLOPE = "-w1 / w2"
RIGHT_INTERCEPT = "(0.5 - b) / w2"


def as_code(formula):
    """A formula in terms of what the function takes."""
    for name, code in {
        r"w(\d)": lambda found: f"W[{int(found[1]) - 1}, 0]",
        r"\bb\b": "b[0]",
    }.items():
        formula = re.sub(name, code, formula)
    return formula


def always(attempt, formulas):
    """Whether parts of the result are in all cases what formulas of w1, w2 and b give."""
    for case in LINES:
        mine = attempt.run(case).value
        numbers = dict(zip(["w1", "w2", "b"], map(np.float64, case), strict=True), np=np)
        for part, formula in formulas.items():
            with np.errstate(divide="ignore", invalid="ignore"):
                wanted = np.asarray(eval(formula, numbers))
            if not close(np.asarray(mine[part]), wanted):
                return False
    return True


boundary.mistake_if(
    "Your function changes W or b. The variables stay as they are: compute without `assign`.",
    lambda attempt: isinstance(attempt.called.error, ChangedItsInput),
)
boundary.mistake_if(
    "Your function returns nothing: `return slope, intercept` is missing at its end.",
    lambda attempt: returned(attempt) is None and not attempt.called.error,
)
boundary.mistake_if(
    "Return two numbers, the slope and the intercept: `return slope, intercept`.",
    lambda attempt: not attempt.called.error and returned(attempt) is not PAIR,
)
boundary.mistake_if(
    "W has two rows and one column, b has one entry, and positions count from 0: the weights are `W[0, 0]` and "
    "`W[1, 0]`, or `W[0]` and `W[1]`.",
    lambda attempt: attempt.fails_as("no_such_index"),
    see="Listing 3.17: The variables",
)
boundary.mistake_if(
    "`//` rounds down to a whole number. `/` divides.", lambda attempt: "//" in attempt.source
)
boundary.mistake_if(
    "The slope or the intercept is several numbers. Each is one, for the whole line: compute it from `W[0]` and "
    "`W[1]`, not from `W` as a whole or from points.",
    lambda attempt: any(np.size(attempt.called.value[part]) > 1 for part in (SLOPE, INTERCEPT)),
)
boundary.mistake_if(
    "Your results are the same for any W and b. Compute them from those that your function is given.",
    lambda attempt: (
        len({repr({**attempt.run(case).value}) for case in LINES}) == 1
        and attempt.called.value[SLOPE] is not None
    ),
)
#: Where both results are wrong in the same way.
for words, slope, intercept in [
    (
        "The two results have changed places: the slope comes first, then the intercept.",
        RIGHT_INTERCEPT,
        RIGHT_SLOPE,
    ),
    (
        "The two weights have changed places, in the slope and in the intercept. W[0] belongs to x, W[1] to y.",
        "-w2 / w1",
        "(0.5 - b) / w1",
    ),
]:
    boundary.mistake_if(
        words,
        lambda attempt, formulas={SLOPE: slope, INTERCEPT: intercept}: always(attempt, formulas),
    )

COMMON = {SLOPE: 4, INTERCEPT: 7}

#: What people return, as a formula of w1, w2 and b, and what to say about it.
for part, formulas in {
    SLOPE: {
        "-w1 * w2": "The slope is multiplied by the weight of y, where it is to be divided.",
        "w1 / w2": "The slope lacks its minus: w1·x goes to the other side of the equation.",
        "-w2 / w1": "The slope has the weights in the wrong places: solving for y divides by the weight of y.",
        "-w1": "The slope is not divided by the weight of y.",
        "w1": "This is the weight of x. The slope is what stands before x when the equation is solved for y.",
    },
    INTERCEPT: {
        "(0.5 - b) / w1": "The intercept is divided by the weight of x: that is where the line meets the x axis.",
        "0.5 - b": "The intercept is not divided by the weight of y.",
        "(0.5 - b) * w2": "The intercept is multiplied by the weight of y, where it is to be divided.",
        "-b / w2": "The 0.5 is forgotten in the intercept: this is the line of score 0. The model is undecided at 0.5.",
        "b / w2": "The 0.5 is forgotten in the intercept, and its sign is wrong: b goes to the other side of the "
        "equation.",
        "(b - 0.5) / w2": "The intercept has the wrong sign: b goes to the other side of the equation, the 0.5 stays "
        "where it is.",
        "(0.5 + b) / w2": "In the intercept b is added to 0.5. It goes to the other side of the equation, and changes "
        "its sign.",
        "0.5 - b / w2": "Only b is divided by the weight of y. Put 0.5 − b in parentheses.",
        "0.5 / w2": "The bias is missing in the intercept.",
        "(1 - b) / w2": "The score on the line is 1 in your code. The model is undecided at 0.5.",
    },
}.items():
    right = as_code(RIGHT_SLOPE if part == SLOPE else RIGHT_INTERCEPT)
    for number, (formula, words) in enumerate(formulas.items()):
        if number < COMMON[part]:  # pairs of these are told
            boundary.slip(words, right, as_code(formula))
        boundary.mistake_if(  # where the other part is wrong in an unknown way
            words,
            lambda attempt, part=part, formula=formula: always(attempt, {part: formula}),
            last=True,
        )


def are_numbers(attempt, *parts):
    return all(np.ndim(attempt.called.value[part]) == 0 for part in parts)


boundary.mistake_if(
    "The slope is right, and the intercept is not: check it with a point on the line.",
    lambda attempt: are_numbers(attempt, INTERCEPT) and always(attempt, {SLOPE: RIGHT_SLOPE}),
    last=True,
)
boundary.mistake_if(
    "The intercept is right, and the slope is not: check it with a point on the line.",
    lambda attempt: are_numbers(attempt, SLOPE) and always(attempt, {INTERCEPT: RIGHT_INTERCEPT}),
    last=True,
)
boundary.mistake_if(
    "Neither the slope nor the intercept is right: solve w1·x + w2·y + b = 0.5 for y on paper, with w1 in `W[0]`.",
    lambda attempt: are_numbers(attempt, SLOPE, INTERCEPT),
    last=True,
)


# One epoch


@exercise(
    NOTEBOOK,
    see=BATCHES,
    # A single batch first: who goes wrong there goes wrong in the step.
    cases=[(3, 2, 3, 0.25), (4, 2, 3, 0.125), (5, 1, 2, 0.25), (3, 2, 5, 0.25), (2, 3, 1, 0.25)],
    given=lambda samples, features, size, rate: (*problem(samples, features), size, rate),
    observe=result_and_weights,
    hints=[
        "`range(0, len(inputs), batch_size)` gives the number of the first row of each batch.",
        "`inputs[start : start + batch_size]` are the rows of a batch. At the end a slice takes what is left. "
        "Targets need the same slice.",
        "For each batch do all of what your function `one_step` does: tape, loss, gradients, `assign_sub`. Append "
        "the loss to a list.",
        "You may call `one_step` itself, with the rows of the batch.",
    ],
)
def one_epoch(inputs, targets, W, b, batch_size, learning_rate):
    losses = []
    for start in range(0, len(inputs), batch_size):
        rows = slice(start, start + batch_size)
        with tf.GradientTape() as tape:
            predictions = tf.matmul(inputs[rows], W) + b
            loss = tf.reduce_mean(tf.square(targets[rows] - predictions))
        gradient_W, gradient_b = tape.gradient(loss, [W, b])
        W.assign_sub(learning_rate * gradient_W)
        b.assign_sub(learning_rate * gradient_b)
        losses.append(loss)
    return losses


one_epoch.mistake_if(
    "The slice of a batch stands behind the comma, where it takes columns. Rows come first: `inputs[start:stop]`.",
    lambda attempt: (
        attempt.called.error and re.search(rf"\b{attempt.parameters[0]}\[:, .*?:", attempt.source)
    ),
)
declare_errors(one_epoch, "the list of losses")
one_epoch.mistake_if(
    "A single row has lost its axis: `inputs[i]` has rank 1. A slice of rows keeps rank 2.",
    lambda attempt: attempt.fails_as("matmul_rank"),
)
one_epoch.mistake_if(
    "The predictions of a batch meet targets of another number of rows: take the same rows of both.",
    lambda attempt: attempt.fails_as("not_broadcastable"),
)
one_epoch.mistake_if(
    "`range` needs whole numbers: `/` gives a float, `//` rounds down to a whole number.",
    lambda attempt: attempt.fails_as("no_integer"),
)
one_epoch.mistake_if(
    "You return an array or a tensor. Return a list of losses: begin with `[]`, and append each.",
    lambda attempt: isinstance(returned(attempt), np.ndarray) and np.ndim(returned(attempt)) == 1,
)
one_epoch.mistake_if(
    "The rows come in random order. Here they are to be taken in the order in which they come.",
    lambda attempt: attempt.calls("permutation", "shuffle", "choice", "sample"),
)
one_epoch.mistake_if(
    "The slice ends at `batch_size`, whichever batch it is. It is to end `batch_size` rows after its start.",
    lambda attempt: re.search(rf"\[(?!0:)\w+:{attempt.parameters[4]}[\],]", attempt.source),
)
one_epoch.mistake_if(
    "Your last batch has no rows, and the mean of nothing is NaN. Stop where the rows end.",
    lambda attempt: (
        (nans := np.isnan(numbers_of(returned(attempt)))).ndim == 1
        and [*nans[:1], *nans[-1:]] == [False, True]
    ),
)


def epoch(batches, result=list):
    """An answer that takes other batches, or returns something else made of the losses."""
    return taken("rate * g", "rate * g", batches, result)


def one_step_at_the_end(combine):
    """An answer that takes a single step, by what a function makes of the gradients of all batches."""

    def gives(inputs, targets, W, b, batch_size, learning_rate):
        parts = [
            loss_and_gradients(inputs[rows], targets[rows], W, b)
            for rows in in_order(len(inputs), batch_size)
        ]
        losses, gradients_W, gradients_b = zip(*parts, strict=True)
        W.assign_sub(learning_rate * combine(gradients_W))
        b.assign_sub(learning_rate * combine(gradients_b))
        return losses

    return gives


for words, result in [
    (
        "Only the last loss is in the list: it starts anew for each batch. Make it before the loop.",
        lambda losses: losses[-1:],
    ),
    ("This is the last loss alone. Return the list of all losses.", lambda losses: losses[-1]),
    ("This is the mean of the losses. Return the list of them.", np.mean),
]:
    one_epoch.mistake(words, epoch(in_order, result))
one_epoch.mistake_if(
    "You return a single number. Return a list, with the loss of each batch.",
    lambda attempt: numbers_of(returned(attempt)).ndim == 0,
)
one_epoch.slip(
    "These are the losses after each step. Take the one that the gradient came from.",
    "append(loss)",
    "append(tf.reduce_mean(tf.square(targets[rows] - tf.matmul(inputs[rows], W) - b)))",
)
for number in ("batch_size", "len(inputs)"):
    one_epoch.slip(
        "The sum of the squares is not divided by their number. That is `batch_size`, or less in the last batch.",
        "tf.reduce_mean(tf.square(targets[rows] - predictions))",
        f"tf.reduce_sum(tf.square(targets[rows] - predictions)) / {number}",
    )
one_epoch.mistake_if(
    "Each entry of your list has its loss in brackets, as a list or an array. Append the number alone.",
    lambda attempt: (
        isinstance(returned(attempt), list)
        and len(returned(attempt)) == len(attempt.expected.value[RETURNED])
        and all(np.ndim(each) and np.size(each) == 1 for each in returned(attempt))
    ),
)
one_epoch.mistake_if(
    "W and b have moved as they should, but what you return is not the list of losses, one for each batch, in "
    "order.",
    lambda attempt: weights_right(attempt) and attempt.difference.kind != "rank",
)

OVERLAP = "The batches overlap, as each begins one row after the one before. It is to begin where that has ended."
TOO_EARLY = (
    "The last batch is left out, at least for some numbers of rows: the range ends too early."
)
BEHIND = "The first row or batch is left out: rows count from 0."
TOO_FEW = "Each batch has one row too few: a slice leaves out its end already."
STEPPED = "A slice with a step takes rows from all over the data. The first batch is the first `batch_size` rows."

PARTS = "The rows are divided into parts of nearly equal size. Each batch has `batch_size` rows, the last has the rest."
one_epoch.mistake_if(
    "Your code never uses `batch_size`, which says how many rows a batch has.",
    lambda attempt: unused(attempt, 4),
)

#: Which rows people take of n, and what to say about it.
for formula, words in {
    "np.array_split(range(n), n // size)": PARTS,
    "np.array_split(range(n), -(-n // size))": PARTS,
    "in_order(n // size * size, size)": "The last, smaller batch is left out. Its rows count, too.",
    "slices(range(0, n - size, size), size)": TOO_EARLY,
    "slices(range(0, n - 1, size), size)": TOO_EARLY,
    "in_order(n, size)[1:]": BEHIND,
    "slices(range(1, n, size), size)": BEHIND,
    "[slice(size)]": "Only the first batch is used: the loop ends after it, or `return` stands inside the loop.",
    "[slice(n)] * len(in_order(n, size))": "All samples are used at each step. A step takes the rows of its own batch.",
    "[slice(n)]": "One step is taken, with all samples as a single batch. Take one with each batch.",
    "[slice(size)] * len(in_order(n, size))": "The first batch is used at each step. The rows have to move on.",
    "slices(range(n), size)": OVERLAP,
    "slices(range(n - size + 1), size)": OVERLAP,
    "slices(range(-(-n // size)), size)": OVERLAP,
    "slices(range(n // size), size)": OVERLAP,
    "slices(range(size), size)": OVERLAP,
    "slices(range(0, n, size), size + 1)": "Each batch has one row too many: a slice leaves out its end.",
    "slices(range(0, n, size), size - 1)": TOO_FEW,
    "[slice(s, min(s + size, n) - 1) for s in range(0, n, size)]": TOO_FEW,
    "slices(range(n), 1)": "Each step takes one row alone. A batch has `batch_size` rows.",
    "[slice(start + size) for start in range(0, n, size)]": "Each batch begins at row 0, and they grow. A batch begins "
    "where the one before has ended.",
    "np.array_split(range(n), size)": "The data is divided into `batch_size` batches. It says how many rows one batch "
    "has.",
    "[slice(start, None, size) for start in range(0, n, size)]": STEPPED,
    "[slice(start, None, size) for start in range(min(n, size))]": STEPPED,
}.items():
    one_epoch.mistake(words, epoch(eval(f"lambda n, size: {formula}")))

TOGETHER = "The gradients of all batches are taken at the same W and b, and make a single step."
for words, combine in [
    (TOGETHER, sum),
    (TOGETHER, lambda gradients: sum(gradients) / len(gradients)),
    (
        "Only the last batch moves W and b: the steps stand after the loop, or begin from the first W and b again.",
        lambda gradients: gradients[-1],
    ),
]:
    rest = "Each batch is to take its own step, from where the one before has led."
    one_epoch.mistake(f"{words} {rest}", one_step_at_the_end(combine))


def several_batches(attempt):
    return attempt.case[2] < attempt.case[0] and not attempt.called.error


@one_epoch.mistake_if(
    "Inputs and targets are cut by different slices. Give both the same, so that each row keeps its own target."
)
def _(attempt):
    inputs, targets = (
        [
            ast.unparse(node.slice)
            for node in ast.walk(attempt.tree)
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == name
        ]
        for name in attempt.parameters[:2]
    )
    return several_batches(attempt) and len(inputs) == len(targets) == 1 and inputs != targets


one_epoch.mistake_if(
    "With a single batch your code is right, and with several it is not: look at the rows of each batch, at the W and "
    "b that it begins with, and at its rate.",
    several_batches,
)


def makes_here(attempt, mistake):
    """Whether an attempt gives what a mistake gives in this case, whatever it gives in others."""
    wrong = one_epoch.slipped(mistake.slip) if mistake.slip else mistake.gives
    return compare(attempt.called.value, one_epoch.remembered(wrong, attempt.case).value) is None


known = len(one_epoch.mistakes)
declare_steps(one_epoch)

for mistake in one_epoch.mistakes[known:]:
    # Who errs in the batches, too, has made it with a single batch in the same way.
    if not mistake.seen:
        one_epoch.mistake_if(
            mistake.words,
            lambda attempt, mistake=mistake: (
                not several_batches(attempt) and makes_here(attempt, mistake)
            ),
            see=mistake.see,
        )
declare_doubts(one_epoch)
