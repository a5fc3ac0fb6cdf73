"""Exercises of notebook 06, on a linear classifier."""

import ast
import inspect
import re

import numpy as np
import tensorflow as tf

from support.exercises.compare import close, is_array
from support.exercises.engine import exercise

NOTEBOOK = "06_linear_classifier"
LEARNED = "What it has learned"
STEP = "Listing 3.20: One training step"
LOSS = "Listing 3.19: The loss"
BATCHES = "Batch and mini-batch"
VARIABLES = "notebook 03: The box and its name"
NONE = "notebook 05: Zero instead of `None`"
SPENT = "notebook 05: A tape is spent after one gradient"
PRODUCT = "notebook 04: `*` is not the matrix product"
STRETCH = "Listing 3.15: The targets"

RETURNED = "what your function returns"


def plain(value):
    """A number that came as a tensor, as a number."""
    return value.numpy() if is_array(value) and hasattr(value, "numpy") else value


def returns_nothing(attempt):
    return attempt.source != "" and not re.search(r"return (?!None\b)|lambda", attempt.source)


def message(attempt):
    return str(attempt.called.error or "")


def bias_forgotten(attempt):
    names = list(inspect.signature(attempt.answer).parameters)
    return attempt.source != "" and not re.search(
        rf"[+-] {names[3]}\b|\b{names[3]} \+|, {names[3]}\)", attempt.source
    )


def returns_in_loop(attempt):
    return any(
        isinstance(statement, ast.Return)
        for loop in ast.walk(attempt.tree)
        if isinstance(loop, ast.For)
        for statement in loop.body
    )


# Accuracy


def column(numbers):
    return np.array(numbers, dtype="float32").reshape(-1, 1)


@exercise(
    NOTEBOOK,
    see=LEARNED,
    cases=[
        ([0.25, -0.75, 0.75, 1.75, 0.375], [1, 0, 1, 1, 0]),
        ([0.875], [0]),
        ([0.125, 0.625, 0.25, -0.25, 1.5625, 0.75, 0.4375, 0.25], [0, 1, 1, 1, 1, 0, 0, 1]),
        ([1.25, 0.75], [1, 1]),
        ([2.75, 0.125, -1.5, 0.625], [1, 0, 0, 0]),
    ],
    given=lambda scores, targets: (tf.constant(column(scores)), column(targets)),
    observe=lambda answer, predictions, targets: plain(answer(predictions, targets)),
    hints=[
        "A prediction is a score, and not a class yet. Which scores mean class 1?",
        "`predictions.numpy() > 0.5` is True for class 1. True equals 1, and False equals 0, so targets can be "
        "compared "
        "with it.",
        "The comparison gives True where the answer is right. The mean of True and False is the share of True.",
    ],
)
def accuracy_of(predictions, targets):
    return np.mean((predictions.numpy() > 0.5) == targets)


accuracy_of.mistake_if(
    "Your function ends without returning anything: a `return` is missing.",
    lambda attempt: (
        attempt.called.value is None and not attempt.called.error and returns_nothing(attempt)
    ),
)
accuracy_of.mistake_if(
    "Python's `and`, `or`, `if` and a comparison in a row want a single True or False, not a column of them. Put "
    "parentheses around each comparison of columns, and combine them with `==`, `&` or `|`.",
    lambda attempt: "truth value of an array" in message(attempt),
)
accuracy_of.mistake_if(
    "A tensor can't be assigned into. Compare it with 0.5, which gives True for class 1 and False for class 0.",
    lambda attempt: isinstance(attempt.called.error, TypeError) and "] = " in attempt.called.line,
)
accuracy_of.mistake_if(
    "This is a function that has not been called: its parentheses are missing.",
    lambda attempt: inspect.isroutine(attempt.called.value),
)
accuracy_of.mistake_if(
    "Your code divides by a fixed number. The samples may be as many as they like: `len(targets)` of them.",
    lambda attempt: re.search(r"/ \d+\.?\d*$", attempt.source, re.MULTILINE),
)
accuracy_of.mistake_if(
    "This is text. Return the number itself.", lambda attempt: isinstance(attempt.called.value, str)
)
accuracy_of.mistake_if(
    "`is` asks whether two names mean the same object. `==` compares the numbers in them.",
    lambda attempt: re.search(r"\bis (not )?(targets|answers|labels)", attempt.source),
)


@accuracy_of.mistake_if(
    "The share is rounded or cut to fewer digits than it has. Return it as it is."
)
def _(attempt):
    near = abs(attempt.called.value - attempt.expected.value) < 0.06
    return near and re.search(r"round\(", attempt.source)


accuracy_of.mistake_if(
    "`return` stands inside the loop, so only the first sample is looked at. Return after the loop.",
    lambda attempt: returns_in_loop(attempt),
)
accuracy_of.mistake_if(
    "TensorFlow does not compare True and False with numbers, or average them. Make 1 and 0 of them with "
    "`tf.cast`, or "
    "go to NumPy first.",
    lambda attempt: attempt.called.error and "bool" in message(attempt),
    see="notebook 04: TensorFlow does not mix dtypes",
)


def share(count):
    """An answer that counts something else as right, of predictions and targets in NumPy."""
    return lambda predictions, targets: float(np.mean(count(predictions.numpy(), targets)))


def share_among(predictions, targets, of):
    """The share of the right ones among some samples."""
    some = of(predictions.numpy(), targets)
    right = (predictions.numpy() > 0.5) == targets
    return float(np.sum(right[some]) / max(np.sum(some), 1))


for words, gives in [
    ("This is the share of the wrong answers.", share(lambda p, t: (p > 0.5) != t)),
    (
        "The scores are compared with the targets directly. A score is hardly ever exactly 0 or 1: it becomes a "
        "class by "
        "comparing it with 0.5.",
        share(lambda p, t: p == t),
    ),
    (
        "The accuracy is a share, a number from 0 to 1. This is in percent.",
        share(lambda p, t: ((p > 0.5) == t) * 100),
    ),
    (
        "This is how many answers are right. The share of them is asked for.",
        lambda p, t: float(np.sum((p.numpy() > 0.5) == t)),
    ),
    (
        "This is how many answers are wrong. The share of the right ones is asked for.",
        lambda p, t: float(np.sum((p.numpy() > 0.5) != t)),
    ),
    (
        "The threshold is 0 in your code. A score above 0.5 is nearer to 1 than to 0.",
        share(lambda p, t: (p > 0) == t),
    ),
    (
        "The threshold is 1 in your code. A score above 0.5 is nearer to 1 than to 0.",
        share(lambda p, t: (p > 1) == t),
    ),
    (
        "The threshold is the mean of the scores. It is to be 0.5, whatever the scores are.",
        share(lambda p, t: (p > p.mean()) == t),
    ),
    (
        "Scores far from 0 and 1 count as wrong in your code: rounding makes 2 of 1.75, and -1 of -0.75. Class 1 "
        "is all "
        "that is above 0.5.",
        share(lambda p, t: np.round(p) == t),
    ),
    (
        "Conversion to whole numbers cuts off what stands after the point: 0.75 becomes 0. Compare with 0.5.",
        share(lambda p, t: p.astype(int) == t),
    ),
    (
        "Each score has met each target, as a shape of (n,) against (n, 1) stretches to (n, n). Leave both as they "
        "are, or "
        "flatten both.",
        share(lambda p, t: (p[:, 0] > 0.5) == t),
    ),
    (
        "This is the share of points that get class 1. How many of the answers are right depends on the targets.",
        share(lambda p, t: p > 0.5),
    ),
    (
        "This is the share of targets that are 1. How many of the answers are right depends on the predictions.",
        share(lambda p, t: t),
    ),
    (
        "Only right answers of class 1 are counted. A 0 that is right counts too.",
        share(lambda p, t: (p > 0.5) & (t == 1)),
    ),
    (
        "Only right answers of class 0 are counted. A 1 that is right counts too.",
        share(lambda p, t: (p <= 0.5) & (t == 0)),
    ),
    (
        "This is the share of right ones among the points that got class 1. All points count.",
        lambda p, t: share_among(p, t, lambda p, t: p > 0.5),
    ),
    (
        "This is the share of right ones among the points whose target is 1. All points count.",
        lambda p, t: share_among(p, t, lambda p, t: t == 1),
    ),
    (
        "This is 1 minus the mean distance of scores and targets. An answer is either right or wrong: no score is "
        "half "
        "right.",
        share(lambda p, t: 1 - np.abs(p - t)),
    ),
    (
        "This is the mean distance of scores and targets. An answer is either right or wrong: compare the scores "
        "with 0.5.",
        share(lambda p, t: np.abs(p - t)),
    ),
    (
        "This is 1 minus the mean squared error. An answer is either right or wrong: compare the scores with 0.5.",
        share(lambda p, t: 1 - (p - t) ** 2),
    ),
    (
        "`argmax` finds the place of the largest number in a row. With one number in each it is always 0: compare "
        "with 0.5.",
        share(lambda p, t: t == 0),
    ),
    (
        "The sign of a score says whether it is above 0. Class 1 is what is above 0.5.",
        share(lambda p, t: np.sign(p) == t),
    ),
    (
        "This is the F1 score, which leaves out the zeros that are right. The accuracy counts all right answers.",
        lambda p, t: float(
            2
            * np.sum((p.numpy() > 0.5) & (t == 1))
            / max(np.sum(p.numpy() > 0.5) + np.sum(t == 1), 1)
        ),
    ),
    (
        "This is the median of right and wrong, which is what most answers are. The share is the mean.",
        lambda p, t: float(np.median((p.numpy() > 0.5) == t)),
    ),
    (
        "This is the mean squared error, a loss. The accuracy counts right answers.",
        share(lambda p, t: (p - t) ** 2),
    ),
    (
        "This says whether all answers are right. Their share is asked for.",
        lambda p, t: float(np.all((p.numpy() > 0.5) == t)),
    ),
]:
    accuracy_of.mistake(words)(gives)


accuracy_of.mistake_if(
    "You return one entry for each sample. The accuracy is a single number: the mean of them.",
    lambda attempt: np.size(attempt.called.value) == len(attempt.case[0]) > 1,
)
accuracy_of.mistake_if(
    "This is a single True or False. It is to be the share of the samples that are right.",
    lambda attempt: isinstance(attempt.called.value, bool | np.bool_),
)


# One step


def quarters(rows, columns, first):
    """A table of small numbers without a pattern that matters."""
    numbers = (np.arange(rows * columns) * 7 + first) % 11 - 4
    return numbers.reshape(rows, columns).astype("float32") / 4


def problem(samples, features):
    """Inputs, targets, W and b."""
    targets = (np.arange(samples) * 2 % 3 < 1).astype("float32").reshape(-1, 1)
    return (
        quarters(samples, features, 1),
        targets,
        tf.Variable(quarters(features, 1, 9)),
        tf.Variable([0.5]),
    )


def loss_of(inputs, targets, W, b):
    return tf.reduce_mean(tf.square(targets - (tf.matmul(inputs, W) + b)))


def gradients_of(inputs, targets, W, b, loss=loss_of):
    with tf.GradientTape() as tape:
        value = loss(inputs, targets, W, b)
    return value, *tape.gradient(value, [W, b])


def result_and_weights(answer, inputs, targets, W, b, *more):
    result = answer(inputs, targets, W, b, *more)
    return {"W": W.numpy(), "b": b.numpy(), RETURNED: plain(result)}


def returned(attempt):
    return None if attempt.called.error else attempt.called.value[RETURNED]


def right_part(attempt, name):
    """Whether the answer is right in one of the observed parts."""
    mine, right = (each.value[name] for each in (attempt.called, attempt.expected))
    return np.shape(mine) == np.shape(right) and close(np.asarray(mine), np.asarray(right))


def unmoved(attempt, name):
    """Whether a variable is as it was."""
    _, _, W, b, *_ = attempt.exercise.arguments(attempt.case)
    return close(attempt.called.value[name], {"W": W, "b": b}[name].numpy())


def weights_right(attempt):
    return right_part(attempt, "W") and right_part(attempt, "b")


def for_training(exercise):
    """Declare what goes wrong in each exercise that takes steps."""

    @exercise.mistake_if(
        "`model` and the step of listing 3.20 work on the notebook's own W and b. Compute with those that your "
        "function "
        "is given.",
        see=STEP,
    )
    def _(attempt):
        own = "def model" in attempt.source
        return not own and re.search(r"\bmodel\(|\btraining_step\(", attempt.source)

    exercise.mistake_if(
        "A variable has no `-=` or `+=`: `assign_sub` takes something off it.",
        lambda attempt: "is not supported. Use `variable.assign" in message(attempt),
        see=VARIABLES,
    )

    exercise.mistake_if(
        "One tape was asked twice, and its record is thrown away after the first time. Ask for the gradients of W "
        "and b in "
        "one list, and make a new tape for each step.",
        lambda attempt: "non-persistent" in message(attempt),
        see=SPENT,
    )

    exercise.mistake_if(
        "A single number is taken off the variable, with no gradient in it. The step is the learning rate times the "
        "gradient.",
        lambda attempt: re.search(
            r"Cannot update variable.*using a Tensor with shape \[\]", message(attempt)
        ),
        see=STEP,
    )

    exercise.mistake_if(
        "The gradient of b has been used for W, or that of W for b. They come in the order of the list.",
        lambda attempt: (
            "Cannot update variable" in message(attempt) and "gradient(" in attempt.source
        ),
        see=STEP,
    )

    @exercise.mistake_if(
        "`*` multiplies number by number. The predictions take a matrix product, which is `tf.matmul` or `@`.",
        see=PRODUCT,
    )
    def _(attempt):
        product = re.search(r"inputs\w* \* |\* W\b|W \* |multiply\(", attempt.source)
        return product and not re.search(r"matmul|@|tensordot|einsum|\.dot\(", attempt.source)

    exercise.mistake_if(
        "The gradient of b is None: the predictions don't depend on b, which is to be added to the product.",
        lambda attempt: "None" in message(attempt) and bias_forgotten(attempt),
        see="The model",
    )

    exercise.mistake_if(
        "A variable can't be assigned into with brackets: `assign` and `assign_sub` are for that.",
        lambda attempt: "item assignment" in message(attempt),
        see=VARIABLES,
    )

    exercise.mistake_if(
        "`gradient` gives a list, one gradient for each weight in the list that you asked for. Take them apart first.",
        lambda attempt: "multiply sequence" in message(attempt),
        see=STEP,
    )

    exercise.mistake_if(
        "The loss is a cross-entropy. Take the mean squared error.",
        lambda attempt: "crossentropy" in attempt.source.lower(),
        see=LOSS,
    )

    exercise.mistake_if(
        "The matrix product has its arguments in the wrong order: a row of the inputs meets a column of W, so the "
        "inputs "
        "stand first.",
        lambda attempt: attempt.called.error and re.search(r"matmul\(W,|W @ ", attempt.source),
        see=PRODUCT,
    )

    exercise.mistake_if(
        "A gradient is None. `W = W - …` gives the name to a tensor that is no variable, so the next tape does not "
        "watch "
        "it; `assign_sub` changes the variable itself.",
        lambda attempt: "None" in message(attempt) and "assign" not in attempt.source,
        see=VARIABLES,
    )

    @exercise.mistake_if(
        "A gradient is None: no path leads from W or b to the loss, as far as the tape knows. Predictions and loss "
        "belong "
        "inside the `with` block, computed by TensorFlow, with W and b in them.",
        see=NONE,
    )
    def _(attempt):
        leaves = re.search(r"\.numpy\(|\bnp\.|float\(", attempt.source)
        return "None" in message(attempt) or (
            leaves and isinstance(attempt.called.error, AttributeError)
        )


@exercise(
    NOTEBOOK,
    see=STEP,
    cases=[(3, 2, 0.25), (1, 1, 0.5), (4, 3, 0.1), (5, 1, 1.0), (2, 2, 0.0)],
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


for_training(one_step)


one_step.mistake_if(
    "W and b have moved as they should, but the loss is not returned.",
    lambda attempt: returned(attempt) is None and weights_right(attempt),
)


@one_step.mistake_if(
    "The loss that is returned is the one after the step. Return the one from before, which the gradient came from."
)
def _(attempt):
    if not weights_right(attempt):
        return False
    inputs, targets, W, b, _ = attempt.exercise.arguments(attempt.case)
    one_step.answer(inputs, targets, W, b, attempt.case[2])
    return close(np.asarray(returned(attempt)), loss_of(inputs, targets, W, b).numpy())


one_step.mistake_if(
    "You return one loss for each sample. The loss is their mean, a single number.",
    lambda attempt: (
        weights_right(attempt) and np.shape(returned(attempt))[:1] == (attempt.case[0],)
    ),
    see=LOSS,
)
one_step.mistake_if(
    "W and b have moved as they should, but what is returned is not the loss.",
    lambda attempt: weights_right(attempt),
)


@one_step.mistake_if(
    "W and b are as they were. `W = W - …` gives the name to a new tensor; `assign_sub` changes the variable itself.",
    see=VARIABLES,
)
def _(attempt):
    still = unmoved(attempt, "W") and unmoved(attempt, "b")
    return still and re.search(r"\b[Wb]\w* = ", attempt.source)


one_step.mistake_if(
    "W and b are as they were: the function takes no step.",
    lambda attempt: unmoved(attempt, "W") and unmoved(attempt, "b"),
)
one_step.mistake_if(
    "Only W moves. The bias is a weight, too, and takes its own step.",
    lambda attempt: right_part(attempt, "W") and unmoved(attempt, "b"),
)
one_step.mistake_if(
    "Only b moves. W takes its own step.",
    lambda attempt: right_part(attempt, "b") and unmoved(attempt, "W"),
)


def step_by(move, loss=loss_of):
    """An answer that takes a step in another way, and returns the right loss."""

    def gives(inputs, targets, W, b, learning_rate):
        value, gradient_W, gradient_b = gradients_of(inputs, targets, W, b, loss)
        before = loss_of(inputs, targets, W, b) if loss is not loss_of else value
        W.assign(move(W, gradient_W, learning_rate))
        b.assign(move(b, gradient_b, learning_rate))
        return before

    return gives


def with_loss(loss):
    """An answer with another loss, which it also returns."""

    def gives(inputs, targets, W, b, learning_rate):
        value, gradient_W, gradient_b = gradients_of(inputs, targets, W, b, loss)
        W.assign_sub(learning_rate * gradient_W)
        b.assign_sub(learning_rate * gradient_b)
        return value

    return gives


def differences(inputs, targets, W, b):
    return targets - (tf.matmul(inputs, W) + b)


for words, move in [
    (
        "The step goes along the gradient, to where the loss grows. Subtract it.",
        lambda weight, gradient, rate: weight + rate * gradient,
    ),
    (
        "The learning rate is not used: it says how much of the gradient to subtract.",
        lambda weight, gradient, rate: weight - gradient,
    ),
    (
        "The learning rate is not used, and the gradient is added. Subtract a part of it.",
        lambda weight, gradient, rate: weight + gradient,
    ),
    (
        "The variables become the step itself. Take the step off them: `assign_sub` in place of `assign`.",
        lambda weight, gradient, rate: rate * gradient,
    ),
    (
        "Only the sign of the gradient is used, so steps are as long where the loss is flat as where it is steep.",
        lambda weight, gradient, rate: weight - rate * tf.sign(gradient),
    ),
    (
        "Your learning rate is 0.1, whatever comes in. Use `learning_rate`.",
        lambda weight, gradient, rate: weight - 0.1 * gradient,
    ),
    (
        "The variable itself is multiplied into its step. The step is the learning rate times the gradient.",
        lambda weight, gradient, rate: weight - weight * rate * gradient,
    ),
    (
        "The learning rate is subtracted from the gradient, where it is to be multiplied with it.",
        lambda weight, gradient, rate: weight - (gradient - rate),
    ),
    (
        "The gradient is added, and the learning rate shrinks the variables themselves. Subtract the learning rate "
        "times "
        "the gradient.",
        lambda weight, gradient, rate: weight * (1 - rate) + gradient,
    ),
    (
        "The learning rate is used twice.",
        lambda weight, gradient, rate: weight - rate * rate * gradient,
    ),
    (
        "The step is half as long as it is to be. The derivative of a square has a factor of 2.",
        lambda weight, gradient, rate: weight - rate * gradient / 2,
    ),
]:
    one_step.mistake(words)(step_by(move))


one_step.mistake_if(
    "The gradient is divided by the learning rate, where it is to be multiplied.",
    lambda attempt: re.search(r"/ (learning_rate|rate|lr)\b", attempt.source),
)


for words, loss in [
    (
        "The loss is a sum. A mean squared error is averaged over the samples.",
        lambda *given: tf.reduce_sum(tf.square(differences(*given))),
    ),
    (
        "The loss is a mean absolute error. Take squares.",
        lambda *given: tf.reduce_mean(tf.abs(differences(*given))),
    ),
    (
        "The differences are not squared, so positive and negative ones cancel.",
        lambda *given: tf.reduce_mean(differences(*given)),
    ),
    (
        "The mean is squared, so positive and negative differences cancel. Square first, then average.",
        lambda *given: tf.square(tf.reduce_mean(differences(*given))),
    ),
    (
        "A square root is taken of the mean squared error. The loss is without it.",
        lambda *given: tf.sqrt(tf.reduce_mean(tf.square(differences(*given)))),
    ),
    (
        "The loss is half of the mean squared error, and so are its gradients.",
        lambda *given: tf.reduce_mean(tf.square(differences(*given))) / 2,
    ),
    (
        "The targets are added to the predictions. Their difference says how wrong the predictions are.",
        lambda inputs, targets, W, b: loss_of(inputs, -targets, W, b),
    ),
    (
        "The loss does not look at the targets. It is the mean square of their difference from the predictions.",
        lambda inputs, targets, W, b: loss_of(inputs, 0 * targets, W, b),
    ),
    (
        "The squares are averaged along the last axis alone, which has one entry, so the step follows the sum over "
        "all "
        "samples.",
        lambda *given: tf.reduce_mean(tf.square(differences(*given)), axis=-1),
    ),
]:
    one_step.mistake(words, see=LOSS)(with_loss(loss))


one_step.mistake(
    "You return the right loss, but the gradients are those of a sum: of one loss for each sample. Average inside the "
    "`with` block.",
    lambda inputs, targets, W, b, learning_rate: step_by(
        lambda weight, gradient, rate: weight - rate * gradient,
        lambda *given: tf.square(differences(*given)),
    )(inputs, targets, W, b, learning_rate),
    see=LOSS,
)
one_step.mistake(
    "Each target has met each prediction, as a shape of (n,) against (n, 1) stretches to (n, n). Leave both as "
    "they are.",
    lambda inputs, targets, W, b, learning_rate: with_loss(
        lambda inputs, targets, W, b: loss_of(inputs, targets[:, 0], W, b)
    )(inputs, targets, W, b, learning_rate),
    see=STRETCH,
)


@one_step.mistake("The step is multiplied by the loss. It is the learning rate times the gradient.")
def _(inputs, targets, W, b, learning_rate):
    loss = loss_of(inputs, targets, W, b)
    return step_by(lambda weight, gradient, rate: weight - rate * gradient * loss)(
        inputs, targets, W, b, learning_rate
    )


one_step.mistake(
    "You return the right loss, but the gradients are those of half a sum of squares: the factor of 2 and the "
    "division by "
    "the number of samples are missing.",
    lambda inputs, targets, W, b, learning_rate: step_by(
        lambda weight, gradient, rate: weight - rate * gradient / 2,
        lambda *given: tf.square(differences(*given)),
    )(inputs, targets, W, b, learning_rate),
    see=LOSS,
)


def without_bias(inputs, targets, W, b, learning_rate):
    loss, gradient_W, _ = gradients_of(
        inputs, targets, W, b, lambda inputs, targets, W, b: loss_of(inputs, targets, W, 0 * b)
    )
    W.assign_sub(learning_rate * gradient_W)
    return loss


one_step.mistake(
    "The bias is in neither the predictions nor the step. Add it to the product.",
    lambda inputs, targets, W, b, learning_rate: without_bias(inputs, targets, W, b, learning_rate),
    see="The model",
)


@one_step.mistake("Two steps have been taken. The function takes one.")
def _(inputs, targets, W, b, learning_rate):
    loss = one_step.answer(inputs, targets, W, b, learning_rate)
    one_step.answer(inputs, targets, W, b, learning_rate)
    return loss


@one_step.mistake(
    "b moves by a gradient that was computed after W had moved. Compute both gradients before either moves."
)
def _(inputs, targets, W, b, learning_rate):
    loss, gradient_W, _ = gradients_of(inputs, targets, W, b)
    W.assign_sub(learning_rate * gradient_W)
    _, _, gradient_b = gradients_of(inputs, targets, W, b)
    b.assign_sub(learning_rate * gradient_b)
    return loss


one_step.mistake_if(
    "W moves as it should, but b does not: look at its step.",
    lambda attempt: right_part(attempt, "W"),
)
one_step.mistake_if(
    "b moves as it should, but W does not: look at its step.",
    lambda attempt: right_part(attempt, "b"),
)
one_step.mistake_if(
    "The loss that you return is right, but the steps are not: look at the gradients, and at what is taken off W "
    "and b.",
    lambda attempt: right_part(attempt, RETURNED),
)
one_step.mistake_if(
    "Neither the loss nor the steps are right: begin with the loss, which the gradients follow from.",
    lambda attempt: not right_part(attempt, RETURNED) and np.ndim(returned(attempt)) == 0,
    see=LOSS,
)


# The boundary

SLOPE = "the slope"
INTERCEPT = "the intercept"
PAIR = (0, 0)  #: stands for any two things
LINES = [
    (2.0, 4.0, 3.0),
    (-1.0, 0.5, 0.0),
    (3.0, -2.0, 1.0),
    (0.0, 1.25, -0.75),
    (0.25, 1.0, -2.0),
    (1.5, -0.5, 0.5),
]


def single(value):
    """A number that came in brackets, as a number."""
    value = plain(value)
    if isinstance(value, np.ndarray) and value.size == 1:
        return value.reshape(())
    return value


def line(answer, W, b):
    result = answer(W, b)
    if isinstance(result, np.ndarray | tf.Tensor) and np.ndim(plain(result)):
        result = list(plain(result))
    if isinstance(result, list | tuple) and len(result) == 2:
        return {RETURNED: PAIR, SLOPE: single(result[0]), INTERCEPT: single(result[1])}
    return {RETURNED: result, SLOPE: None, INTERCEPT: None}


@exercise(
    NOTEBOOK,
    see=LEARNED,
    cases=LINES,
    given=lambda w1, w2, b: (tf.Variable([[w1], [w2]]), tf.Variable([b])),
    observe=line,
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


def always(attempt, part, formula):
    """Whether a part of the result is in all cases what a formula of w1, w2 and b gives."""
    for case in LINES:
        mine = attempt.exercise.run(attempt.answer, case).value[part]
        w1, w2, b = map(np.float64, case)
        with np.errstate(all="ignore"):
            if not close(np.asarray(mine), np.asarray(formula(w1, w2, b))):
                return False
    return True


def is_always(part, formula):
    return lambda attempt: always(attempt, part, formula)


def right_slope(w1, w2, b):
    return -w1 / w2


def right_intercept(w1, w2, b):
    return (0.5 - b) / w2


boundary.mistake_if(
    "Your function ends without returning anything: a `return` is missing.",
    lambda attempt: returned(attempt) is None and not attempt.called.error,
)
boundary.mistake_if(
    "Two numbers are to be returned, the slope and the intercept: `return slope, intercept`.",
    lambda attempt: not attempt.called.error and returned(attempt) != PAIR,
)
boundary.mistake_if(
    "W has two rows and one column, and positions count from 0: its weights are `W[0, 0]` and `W[1, 0]`, or `W[0]` "
    "and "
    "`W[1]`.",
    lambda attempt: isinstance(attempt.called.error, tf.errors.InvalidArgumentError | IndexError),
    see="Listing 3.17: The variables",
)
boundary.mistake_if(
    "`//` rounds down to a whole number. `/` divides.", lambda attempt: "//" in attempt.source
)
boundary.mistake_if(
    "You compute with `W` as a whole, so both weights are in each result. `W[0]` is the first weight, `W[1]` the "
    "second.",
    lambda attempt: any(np.size(attempt.called.value[part]) == 2 for part in (SLOPE, INTERCEPT)),
)


@boundary.mistake_if(
    "The two results have changed places: the slope comes first, then the intercept."
)
def _(attempt):
    swapped = always(attempt, SLOPE, right_intercept)
    return swapped and always(attempt, INTERCEPT, right_slope)


@boundary.mistake_if(
    "The two weights have changed places, in the slope and in the intercept. W[0] belongs to x, W[1] to y."
)
def _(attempt):
    swapped = always(attempt, SLOPE, lambda w1, w2, b: -w2 / w1)
    return swapped and always(attempt, INTERCEPT, lambda w1, w2, b: (0.5 - b) / w1)


@boundary.mistake_if(
    "Slope and intercept both have the wrong sign: what goes to the other side of the equation changes its sign."
)
def _(attempt):
    swapped = always(attempt, SLOPE, lambda w1, w2, b: w1 / w2)
    return swapped and always(attempt, INTERCEPT, lambda w1, w2, b: (b - 0.5) / w2)


for part, words, formula in [
    (
        SLOPE,
        "The slope lacks its minus: w1·x goes to the other side of the equation.",
        lambda w1, w2, b: w1 / w2,
    ),
    (
        SLOPE,
        "The slope has the weights in the wrong places: solving for y divides by the weight of y.",
        lambda w1, w2, b: -w2 / w1,
    ),
    (
        SLOPE,
        "This is the slope of the direction of W, which stands at a right angle to the line.",
        lambda w1, w2, b: w2 / w1,
    ),
    (SLOPE, "The slope is not divided by the weight of y.", lambda w1, w2, b: -w1),
    (
        SLOPE,
        "This is the weight of x. The slope is what stands before x when the equation is solved for y.",
        lambda w1, w2, b: w1,
    ),
    (
        SLOPE,
        "The slope is multiplied by the weight of y, where it is to be divided.",
        lambda w1, w2, b: -w1 * w2,
    ),
    (
        SLOPE,
        "The threshold has come into the slope. It belongs to the intercept alone.",
        lambda w1, w2, b: (0.5 - w1) / w2,
    ),
    (
        SLOPE,
        "The bias has come into the slope. It belongs to the intercept alone.",
        lambda w1, w2, b: -(w1 + b) / w2,
    ),
    (
        INTERCEPT,
        "The 0.5 is forgotten in the intercept: this is the line of score 0. The model is undecided at 0.5.",
        lambda w1, w2, b: -b / w2,
    ),
    (
        INTERCEPT,
        "The 0.5 is forgotten in the intercept, and its sign is wrong: b goes to the other side of the equation.",
        lambda w1, w2, b: b / w2,
    ),
    (
        INTERCEPT,
        "The intercept has the wrong sign: b goes to the other side of the equation, the 0.5 stays where it is.",
        lambda w1, w2, b: (b - 0.5) / w2,
    ),
    (
        INTERCEPT,
        "In the intercept b is added to 0.5. It goes to the other side of the equation, and changes its sign.",
        lambda w1, w2, b: (0.5 + b) / w2,
    ),
    (
        INTERCEPT,
        "In the intercept both b and the 0.5 have a minus. Only b goes to the other side of the equation.",
        lambda w1, w2, b: -(0.5 + b) / w2,
    ),
    (
        INTERCEPT,
        "The intercept is divided by the weight of x: that is where the line meets the x axis.",
        lambda w1, w2, b: (0.5 - b) / w1,
    ),
    (
        INTERCEPT,
        "The intercept is not divided by the weight of y.",
        lambda w1, w2, b: 0.5 - b,
    ),
    (
        INTERCEPT,
        "Only b is divided by the weight of y. Put 0.5 − b in parentheses.",
        lambda w1, w2, b: 0.5 - b / w2,
    ),
    (
        INTERCEPT,
        "Only the 0.5 is divided by the weight of y. Put 0.5 − b in parentheses.",
        lambda w1, w2, b: 0.5 / w2 - b,
    ),
    (INTERCEPT, "The bias is missing in the intercept.", lambda w1, w2, b: 0.5 / w2),
    (
        INTERCEPT,
        "This is the bias. The intercept is what remains without x when the equation is solved for y.",
        lambda w1, w2, b: b,
    ),
    (
        INTERCEPT,
        "The score on the line is 1 in your code. The model is undecided at 0.5.",
        lambda w1, w2, b: (1 - b) / w2,
    ),
    (
        INTERCEPT,
        "The intercept is multiplied by the weight of y, where it is to be divided.",
        lambda w1, w2, b: (0.5 - b) * w2,
    ),
]:
    boundary.mistake_if(words)(is_always(part, formula))


@boundary.mistake_if(
    "The slope is right, and the intercept is not: check it with a point on the line."
)
def _(attempt):
    number = np.ndim(attempt.called.value[INTERCEPT]) == 0
    return number and always(attempt, SLOPE, right_slope)


@boundary.mistake_if(
    "The intercept is right, and the slope is not: check it with a point on the line."
)
def _(attempt):
    number = np.ndim(attempt.called.value[SLOPE]) == 0
    return number and always(attempt, INTERCEPT, right_intercept)


boundary.mistake_if(
    "Neither the slope nor the intercept is right: solve w1·x + w2·y + b = 0.5 for y on paper, with w1 in `W[0]`.",
    lambda attempt: all(np.ndim(attempt.called.value[part]) == 0 for part in (SLOPE, INTERCEPT)),
)


# One epoch


def losses_and_weights(answer, inputs, targets, W, b, batch_size, learning_rate):
    result = answer(inputs, targets, W, b, batch_size, learning_rate)
    if is_array(result) and np.ndim(plain(result)) == 1:
        result = list(plain(result))
    if isinstance(result, list | tuple):
        result = [plain(each) for each in result]
    return {RETURNED: plain(result), "W": W.numpy(), "b": b.numpy()}


@exercise(
    NOTEBOOK,
    see=BATCHES,
    cases=[
        (5, 2, 2, 0.25),
        (4, 2, 2, 0.125),
        (3, 2, 5, 0.25),
        (6, 1, 1, 0.25),
        (7, 3, 3, 0.125),
        (6, 2, 3, 0.0625),
    ],
    given=lambda samples, features, size, rate: (*problem(samples, features), size, rate),
    observe=losses_and_weights,
    hints=[
        "`range(0, len(inputs), batch_size)` gives the number of the first row of each batch.",
        "`inputs[start : start + batch_size]` are the rows of a batch. At the end a slice takes what is left. "
        "Targets need "
        "the same slice.",
        "For each batch do all of what your function `one_step` does: tape, loss, gradients, `assign_sub`. Append "
        "the loss "
        "to a list.",
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


for_training(one_epoch)


def epoch(batches, step=one_step.answer, result=list):
    """An answer that takes other batches or other steps."""

    def gives(inputs, targets, W, b, size, rate):
        return result(
            [step(inputs[rows], targets[rows], W, b, rate) for rows in batches(len(inputs), size)]
        )

    return gives


def in_order(count, size):
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]


def shifted(count, size):
    return [np.arange(start, min(start + size, count)) for start in range(0, count)]


one_epoch.mistake_if(
    "W and b have moved as they should, but the losses are not returned: a `return` is missing.",
    lambda attempt: returned(attempt) is None and weights_right(attempt),
)
one_epoch.mistake_if(
    "`yield` makes a generator. Return the list, when the loop is over.",
    lambda attempt: "yield" in attempt.source,
)
one_epoch.mistake_if(
    "A single row has lost its axis: `inputs[i]` has rank 1. A slice of rows keeps rank 2.",
    lambda attempt: (
        "different ndims" in message(attempt) or "must be at least 2" in message(attempt)
    ),
)
one_epoch.mistake_if(
    "`np.split` makes a given number of equal parts. A batch has a given number of rows, and the last may have less.",
    lambda attempt: "array split" in message(attempt),
)
one_epoch.mistake_if(
    "Predictions of one batch meet the targets of all samples: take the same rows of both.",
    lambda attempt: (
        "Incompatible shapes" in message(attempt)
        and not re.search(r"targets\w*\[|zip\(|take\(|gather\(", attempt.source)
    ),
)
one_epoch.mistake_if(
    "The predictions of a batch meet targets of another number of rows: take the same rows of both.",
    lambda attempt: "Incompatible shapes" in message(attempt),
)
one_epoch.mistake_if(
    "`range` needs whole numbers: `//` divides without a rest, `/` makes a float.",
    lambda attempt: "cannot be interpreted as an integer" in message(attempt),
)


for words, gives in [
    (
        "The last batch is left out. A smaller one counts, too.",
        epoch(lambda count, size: [rows for rows in in_order(count, size) if len(rows) == size]),
    ),
    (
        "The last batch is left out, even where it is complete: the range ends too early.",
        epoch(lambda count, size: in_order(count, size)[: len(range(0, count - size, size))]),
    ),
    (
        "All samples are used at each step. A step takes the rows of its own batch.",
        epoch(lambda count, size: [np.arange(count)] * len(in_order(count, size))),
    ),
    (
        "One step is taken, with all samples as a single batch.",
        epoch(lambda count, size: [np.arange(count)]),
    ),
    (
        "The first batch is used at each step. The rows have to move on.",
        epoch(lambda count, size: [in_order(count, size)[0]] * len(in_order(count, size))),
    ),
    (
        "Only one batch is used: the loop, or the `return`, ends after the first.",
        epoch(lambda count, size: in_order(count, size)[:1]),
    ),
    (
        "The batches overlap, as each begins one row after the one before. It is to begin where the one before has "
        "ended.",
        epoch(shifted),
    ),
    (
        "The batches overlap, as each begins one row after the one before. It is to begin where the last one ended, "
        "and the rows at the end count, too.",
        epoch(
            lambda count, size: [
                np.arange(start, start + size) for start in range(count - size + 1)
            ]
        ),
    ),
    (
        "The batches overlap: the number of a batch is used as the number of its first row.",
        epoch(lambda count, size: shifted(count, size)[: len(in_order(count, size))]),
    ),
    (
        "The batches overlap, and the incomplete one is left out: the number of a batch is used as that of its "
        "first row.",
        epoch(lambda count, size: shifted(count, size)[: count // size]),
    ),
    (
        "Each batch has one row too many: a slice leaves out its end.",
        epoch(
            lambda count, size: [
                np.arange(start, min(start + size + 1, count)) for start in range(0, count, size)
            ]
        ),
    ),
    (
        "Each batch has one row less than it should: a slice leaves out its end already.",
        epoch(
            lambda count, size: [
                np.arange(start, min(start + size - 1, count)) for start in range(0, count, size)
            ]
        ),
    ),
    (
        "Each step takes one row alone. A batch has `batch_size` rows.",
        epoch(lambda count, size: in_order(count, 1)),
    ),
    (
        "Each batch is one row alone, the first of its rows. A slice takes `batch_size` of them.",
        epoch(lambda count, size: [rows[:1] for rows in in_order(count, size)]),
    ),
    (
        "Each batch begins at row 0, and they grow. A batch begins where the one before has ended.",
        epoch(
            lambda count, size: [
                np.arange(min(start + size, count)) for start in range(0, count, size)
            ]
        ),
    ),
    (
        "The data is divided into `batch_size` batches. It says how many rows one batch has.",
        epoch(lambda count, size: np.array_split(np.arange(count), size)),
    ),
    (
        "The variables become the step itself. Take the step off them: `assign_sub` in place of `assign`.",
        epoch(in_order, step=step_by(lambda weight, gradient, rate: rate * gradient)),
    ),
    (
        "Each step is half as long as it is to be. The derivative of a square has a factor of 2.",
        epoch(in_order, step=step_by(lambda weight, gradient, rate: weight - rate * gradient / 2)),
    ),
    (
        "The last batch is used at each step. The rows have to move on.",
        epoch(lambda count, size: [np.arange(count)[-size:]] * len(in_order(count, size))),
    ),
    (
        "The bias is in neither the predictions nor the steps. Add it to the product.",
        epoch(in_order, step=without_bias),
    ),
    (
        "You go through the data twice. An epoch is once.",
        epoch(lambda count, size: in_order(count, size) * 2),
    ),
    (
        "Only the last loss is in the list: it is begun anew for each batch. Make it before the loop.",
        epoch(in_order, result=lambda losses: losses[-1:]),
    ),
    (
        "Each batch has rows from all over the data, as a slice with a step takes them. The first batch is the first "
        "`batch_size` rows.",
        epoch(
            lambda count, size: [
                np.arange(first, count, size) for first in range(size) if first < count
            ]
        ),
    ),
    (
        "A batch is to have `batch_size` rows; a slice with a step takes one in so many of all that follow.",
        epoch(
            lambda count, size: [np.arange(first, count, size) for first in range(0, count, size)]
        ),
    ),
    (
        "The loss is a mean absolute error. Take squares.",
        epoch(in_order, step=with_loss(lambda *given: tf.reduce_mean(tf.abs(differences(*given))))),
    ),
    (
        "The batches come in the reverse order. Begin with the first rows.",
        epoch(lambda count, size: in_order(count, size)[::-1]),
    ),
    (
        "The first batch is left out: rows count from 0.",
        epoch(lambda count, size: in_order(count, size)[1:]),
    ),
    (
        "This is how many steps were taken. Return the list of their losses.",
        epoch(in_order, result=len),
    ),
    (
        "This is the last loss alone. Return the list of all losses.",
        epoch(in_order, result=lambda losses: losses[-1]),
    ),
    (
        "This is the mean of the losses. Return the list of them.",
        epoch(in_order, result=lambda losses: sum(losses) / len(losses)),
    ),
    (
        "This is the sum of the losses. Return the list of them.",
        epoch(in_order, result=sum),
    ),
    (
        "These are the losses after each step. Take the one that the gradient came from.",
        epoch(
            in_order,
            step=lambda *given: one_step.answer(*given) * 0 + loss_of(*given[:4]),
        ),
    ),
    (
        "The steps go along the gradient, to where the loss grows. Subtract it.",
        epoch(in_order, step=step_by(lambda weight, gradient, rate: weight + rate * gradient)),
    ),
    (
        "The learning rate is not used: it says how much of the gradient to subtract.",
        epoch(in_order, step=step_by(lambda weight, gradient, rate: weight - gradient)),
    ),
    (
        "The loss is a sum. A mean squared error is averaged over the samples of the batch.",
        epoch(
            in_order, step=with_loss(lambda *given: tf.reduce_sum(tf.square(differences(*given))))
        ),
    ),
    (
        "The gradients are those of a sum: of one loss for each sample. Average inside the `with` block.",
        epoch(
            in_order,
            step=step_by(
                lambda weight, gradient, rate: weight - rate * gradient,
                lambda *given: tf.square(differences(*given)),
            ),
        ),
    ),
]:
    one_epoch.mistake(words)(gives)


def only(moves_W, moves_b):
    def step(inputs, targets, W, b, rate):
        loss, gradient_W, gradient_b = gradients_of(inputs, targets, W, b)
        W.assign_sub(moves_W * rate * gradient_W)
        b.assign_sub(moves_b * rate * gradient_b)
        return loss

    return epoch(in_order, step=step)


one_epoch.mistake("Only W moves. The bias is a weight, too, and takes its own steps.", see=STEP)(
    only(1, 0)
)
one_epoch.mistake("Only b moves. W takes its own steps.", see=STEP)(only(0, 1))


one_epoch.mistake(
    "The gradients of all batches are added up, and one step is taken at the end. Each batch is to take its own step, "
    "from where the one before has led.",
    lambda inputs, targets, W, b, batch_size, learning_rate: at_the_end(
        inputs, targets, W, b, batch_size, learning_rate, mean=False
    ),
)
one_epoch.mistake(
    "The gradients of all batches are averaged, and one step is taken at the end. Each batch is to take its own step.",
    lambda inputs, targets, W, b, batch_size, learning_rate: at_the_end(
        inputs, targets, W, b, batch_size, learning_rate, mean=True
    ),
)


def at_the_end(inputs, targets, W, b, batch_size, learning_rate, mean):
    parts = [
        gradients_of(inputs[rows], targets[rows], W, b)
        for rows in in_order(len(inputs), batch_size)
    ]
    losses, gradients_W, gradients_b = zip(*parts, strict=True)
    share = learning_rate / len(parts) if mean else learning_rate
    W.assign_sub(share * sum(gradients_W))
    b.assign_sub(share * sum(gradients_b))
    return losses


one_epoch.mistake(
    "The losses are right for a model that never moves: no step is taken. Each batch is to change W and b.",
    lambda inputs, targets, W, b, batch_size, learning_rate: [
        loss_of(inputs[rows], targets[rows], W, b) for rows in in_order(len(inputs), batch_size)
    ],
    see=STEP,
)


@one_epoch.mistake(
    "Only the last batch moves W and b: the steps stand after the loop, or begin from the first W and b again. "
    "Each is to "
    "begin where the one before has led.",
    see=STEP,
)
def _(inputs, targets, W, b, batch_size, learning_rate):
    parts = [
        gradients_of(inputs[rows], targets[rows], W, b)
        for rows in in_order(len(inputs), batch_size)
    ]
    losses, gradients_W, gradients_b = zip(*parts, strict=True)
    W.assign_sub(learning_rate * gradients_W[-1])
    b.assign_sub(learning_rate * gradients_b[-1])
    return losses


@one_epoch.mistake_if(
    "The slice ends at `batch_size`, whichever batch it is. It is to end `batch_size` rows after its start."
)
def _(attempt):
    size = list(inspect.signature(attempt.answer).parameters)[4]
    return re.search(rf"\[\w+:{size}[\],]", attempt.source)


@one_epoch.mistake_if(
    "Inputs and targets are not cut alike: give both the same slice, so that each row keeps its own target."
)
def _(attempt):
    names = list(inspect.signature(attempt.answer).parameters)[:2]
    inputs, targets = (
        {
            ast.unparse(node.slice)
            for node in ast.walk(attempt.tree)
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == name
        }
        for name in names
    )
    return len(inputs) == 1 and len(targets) == 1 and inputs != targets


one_epoch.mistake_if(
    "The rows come in random order. Here they are to be taken in the order in which they come.",
    lambda attempt: re.search(r"permutation|shuffle|random|choice", attempt.source),
)
one_epoch.mistake_if(
    "Your last batch has no rows, and the mean of nothing is NaN. Stop where the rows end.",
    lambda attempt: bool(np.isnan(np.asarray(returned(attempt), dtype="float32")[-1])),
)
one_epoch.mistake_if(
    "W and b have moved as they should, but what is returned is not the list of losses.",
    lambda attempt: weights_right(attempt),
)


def loops(attempt):
    return [node for node in ast.walk(attempt.tree) if isinstance(node, ast.For | ast.While)]


one_epoch.mistake_if(
    "The number of batches is not right: each row is to be in exactly one batch, the rows at the end too.",
    lambda attempt: (
        len(returned(attempt)) != len(attempt.expected.value[RETURNED]) and loops(attempt)
    ),
)
one_epoch.mistake(
    "The learning rate is divided by the size of the batch. The loss is a mean already, and so is its gradient.",
    lambda inputs, targets, W, b, batch_size, learning_rate: one_epoch.answer(
        inputs, targets, W, b, batch_size, learning_rate / batch_size
    ),
    see=STEP,
)
one_epoch.mistake_if(
    "The loss of the first batch is wrong already: look at its rows, and at how the loss is computed.",
    lambda attempt: (
        not close(np.asarray(returned(attempt)[0]), np.asarray(attempt.expected.value[RETURNED][0]))
    ),
)
one_epoch.mistake_if(
    "The first loss is right, and a later one is not: look at the step after a batch, and at the rows of the next "
    "one, in "
    "the inputs and in the targets.",
    lambda attempt: np.ndim(returned(attempt)) == 1,
)
