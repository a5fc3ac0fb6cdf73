"""Exercises of notebook 09, on compile and fit."""

import ast
import math
import types

import keras
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from support.exercises.compare import is_array, kind_of
from support.exercises.engine import exercise

NOTEBOOK = "09_compile_and_fit"
THREE = "Three choices"
BY_NAME = "By name"
BY_OBJECT = "By object"
ZERO = "A metric that always reads 0"
OWN = "Your own"
CATALOGUE = "The catalogue"
WHICH = "Which loss for which problem"
FIT = "Listing 3.23: Fit on NumPy data"


class Seen(dict):
    """What is compared, and besides it, in `also`, what helps to explain."""

    def __init__(self, **also):
        super().__init__()
        self.also = also


def plain(value):
    """A single number as a Python number, whatever it came as; anything else as it is."""
    if (is_array(value) and np.ndim(value) == 0) or isinstance(value, np.generic):
        return np.asarray(value).item()
    return value


# Seven scores, of which four are right: 3 of the 4 in class 1, and 1 of the 3 in class 0.
SCORES = np.array([[0.9], [0.8], [0.55], [0.4], [0.2], [0.6], [0.7]], dtype="float32")
LABELS = np.array([[1], [1], [1], [1], [1], [0], [1]], dtype="float32")
LOGITS = np.log(SCORES / (1 - SCORES))
SHARE = 4 / 7

RETURNS = "what your function returns"
COMPILED = "whether the model is compiled"
DEPTH = "the number of layers of the model"
OPTIMIZER = "the optimizer"
RATE = "the learning rate"
LOSS = "the loss on a test batch"
METRIC = "the metric on a test batch, of which 4 of 7 answers are right,"
STEPS = "the weight after two steps of training"


def sigmoid_unit():
    """A model whose score for an input is its sigmoid."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    return model


def compile_and_try(answer, model, learning_rate):
    returned = answer(model, learning_rate)
    seen = Seen(returned=returned, metrics={}, momentum=0.0)
    is_model = returned is model
    seen[RETURNS] = "the model" if is_model else kind_of(returned)
    if returned is None and model.compiled:
        return seen
    seen[COMPILED] = model.compiled
    if not model.compiled:
        return seen
    seen[DEPTH] = len(model.layers)
    seen[OPTIMIZER] = type(model.optimizer).__name__
    seen[RATE] = float(model.optimizer.learning_rate)
    seen.also["momentum"] = getattr(model.optimizer, "momentum", 0.0)
    if not model.loss:
        seen[LOSS] = None
        return seen
    model.run_eagerly = True
    results = model.test_on_batch(LOGITS, LABELS, return_dict=True)
    metrics = {name: float(value) for name, value in results.items() if name != "loss"}
    seen.also["metrics"] = metrics
    seen[LOSS] = float(results["loss"])
    if isinstance(model.loss, str) or callable(model.loss):  # as such; a model would repair some
        seen[LOSS] = float(np.mean(keras.losses.get(model.loss)(LABELS, SCORES)))
    fits = any(math.isclose(value, SHARE, rel_tol=1e-5) for value in metrics.values())
    seen[METRIC] = SHARE if fits else next(iter(metrics.values()), None)
    for _ in range(2):
        model.train_on_batch(LOGITS, LABELS)
    seen[STEPS] = float(model.get_weights()[0][0, 0])
    return seen


@exercise(
    NOTEBOOK,
    see=BY_OBJECT,
    cases=[(0.5,), (2.0,)],
    given=lambda rate: (sigmoid_unit(), rate),
    observe=compile_and_try,
    hints=[
        "`model.compile` takes an optimizer, a loss and a list of metrics. Names take default settings, objects take "
        "yours; the learning rate is a setting.",
        "The table under “Which loss for which problem” has the loss for one unit with a sigmoid. "
        "The section “A metric that always reads 0” has the metric.",
        "`compile` returns nothing. It changes the model that it is called on, and that model is what to return.",
    ],
)
def compile_for_two_classes(model, learning_rate):
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=learning_rate),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.BinaryAccuracy()],
    )
    return model


def loss_is(attempt, loss):
    """Whether the attempt's loss on the test batch is what this one gives."""
    mine = attempt.called.value[LOSS]
    return math.isclose(mine, float(loss(LABELS, SCORES)), rel_tol=1e-4, abs_tol=1e-6)


def metric_is(attempt, *metrics):
    """Whether one of the attempt's metrics gives what one of these gives; none of them the share of right answers."""
    if attempt.called.value[METRIC] == SHARE:
        return False
    values = [float(metric(LABELS, SCORES)) for metric in metrics]
    mine = attempt.called.value.also["metrics"].values()
    return any(math.isclose(one, other, abs_tol=1e-4) for one in mine for other in values)


compile_for_two_classes.mistake_if(
    "`compile` returns nothing: it changes the model. Return the model itself, after it.",
    lambda attempt: (
        attempt.called.value.also["returned"] is None and COMPILED not in attempt.called.value
    ),
    see=THREE,
)
compile_for_two_classes.mistake_if(
    "The model that was given to your function has not been compiled. Call its method `compile`.",
    lambda attempt: attempt.called.value[COMPILED] is False,
    see=THREE,
)
compile_for_two_classes.mistake_if(
    "`metrics` takes a list, also for a single metric: put it into brackets.",
    lambda attempt: "metrics" in str(attempt.called.error) and "list" in str(attempt.called.error),
    see=BY_NAME,
)


@compile_for_two_classes.mistake_if(
    "This is the class of the optimizer. `compile` takes an instance, with its settings in brackets."
)
def _(attempt):
    error = str(attempt.called.error)
    return "optimizer" in error.lower() and "class" in error


@compile_for_two_classes.mistake_if(
    "Without names, the third argument of `compile` is not the metrics. Write `metrics=` before the list.",
    see=BY_NAME,
)
def _(attempt):
    calls = [node for node in ast.walk(attempt.tree) if isinstance(node, ast.Call)]
    return any(len(call.args) > 2 and ast.unparse(call.func).endswith("compile") for call in calls)


compile_for_two_classes.mistake_if(
    "Keras knows no loss or metric by this name. The notebook's catalogue has the classes; the name of "
    "`BinaryCrossentropy` is written in small letters, with _ between the words.",
    lambda attempt: "Could not interpret" in str(attempt.called.error),
    see=CATALOGUE,
)
compile_for_two_classes.mistake_if(
    "`compile` takes no such argument. The learning rate is a setting of the optimizer: give it where you make that.",
    lambda attempt: "unexpected keyword" in str(attempt.called.error),
)
compile_for_two_classes.mistake_if(
    "The model has other layers than before. Only compile it: it ends in a sigmoid already.",
    lambda attempt: attempt.called.value[DEPTH] != 1,
    see=THREE,
)
compile_for_two_classes.mistake_if(
    "This is another optimizer than the one that was asked for, which is SGD.",
    lambda attempt: attempt.called.value[OPTIMIZER] != "SGD",
    see=CATALOGUE,
)
compile_for_two_classes.mistake_if(
    "The optimizer has its default rate of 0.01: so it is by name, and with an object that is given no rate.",
    lambda attempt: math.isclose(attempt.called.value[RATE], 0.01, rel_tol=1e-4),
)
compile_for_two_classes.mistake_if(
    "The optimizer does not have the rate that your function was given as `learning_rate`.",
    lambda attempt: not math.isclose(attempt.called.value[RATE], attempt.case[0], rel_tol=1e-4),
)
compile_for_two_classes.mistake_if(
    "There is no loss, so there is nothing that training could make smaller.",
    lambda attempt: attempt.called.value[LOSS] is None,
    see=THREE,
)
compile_for_two_classes.mistake_if(
    "`from_logits=True` says that the scores have not been through a sigmoid. This model's last layer has one.",
    lambda attempt: loss_is(attempt, keras.losses.BinaryCrossentropy(from_logits=True)),
)
compile_for_two_classes.mistake_if(
    "Categorical crossentropy is for several outputs. With one it is 0 whatever the weights are, and nothing moves.",
    lambda attempt: (
        abs(attempt.called.value[LOSS]) < 1e-6 or "ategorical" in str(attempt.called.error)
    ),
    see=WHICH,
)
compile_for_two_classes.mistake_if(
    "This is the squared error, a loss for numbers. For two classes take the first row of the table.",
    lambda attempt: loss_is(attempt, keras.losses.MeanSquaredError()),
    see=WHICH,
)


@compile_for_two_classes.mistake_if(
    "Sparse categorical crossentropy is for one output per class; this model has a single one.",
    see=WHICH,
)
def _(attempt):
    text = attempt.source.lower().replace("_", "")
    elsewhere = attempt.difference and attempt.difference.place != LOSS
    return "sparsecategoricalcrossentropy" in text and not elsewhere


compile_for_two_classes.mistake_if(
    "The loss adds up the samples in place of averaging them, so it grows with the batch.",
    lambda attempt: loss_is(attempt, keras.losses.BinaryCrossentropy(reduction="sum")),
)
compile_for_two_classes.mistake_if(
    "This is another loss than binary crossentropy with its default settings.",
    lambda attempt: attempt.difference.place == LOSS,
    see=WHICH,
)
compile_for_two_classes.mistake_if(
    "There is no metric, so nothing tells the share of right answers.",
    lambda attempt: not attempt.called.value.also["metrics"],
    see=THREE,
)
compile_for_two_classes.mistake_if(
    "`Accuracy` counts scores that equal the target exactly, and reads 0. It is for class numbers.",
    lambda attempt: metric_is(attempt, keras.metrics.Accuracy()),
    see=ZERO,
)


@compile_for_two_classes.mistake_if(
    "This accuracy is for one output per class. Of a single output it knows nothing: the largest is always number 0.",
    see=ZERO,
)
def _(attempt):
    several = keras.metrics.CategoricalAccuracy(), keras.metrics.SparseCategoricalAccuracy()
    return metric_is(attempt, *several)


compile_for_two_classes.mistake_if(
    "This metric looks at one class alone, or at the order of the scores. Asked for is the share of right answers.",
    lambda attempt: metric_is(
        attempt, keras.metrics.Precision(), keras.metrics.Recall(), keras.metrics.AUC()
    ),
    see=CATALOGUE,
)


@compile_for_two_classes.mistake_if(
    "This metric measures how large the errors are. Asked for is the share of right answers.",
    see=CATALOGUE,
)
def _(attempt):
    losses = keras.losses.MeanSquaredError(), keras.losses.MeanAbsoluteError()
    return metric_is(attempt, *losses, keras.losses.BinaryCrossentropy())


@compile_for_two_classes.mistake_if(
    "The metric draws the line between the classes at another score than 0.5.", see=ZERO
)
def _(attempt):
    others = [threshold / 100 for threshold in range(5, 100, 5) if threshold != 50]
    return metric_is(attempt, *(keras.metrics.BinaryAccuracy(threshold=each) for each in others))


compile_for_two_classes.mistake_if(
    "The optimizer has momentum. Asked for is SGD with its other settings as they are.",
    lambda attempt: attempt.called.value.also["momentum"] > 0,
    see=CATALOGUE,
)


# A loss of one's own

WHOLE = st.integers(0, 1)
QUARTERS = st.integers(-4, 8).map(lambda number: number / 4)


@st.composite
def batches(draw):
    rows, columns = draw(st.sampled_from([(1, 1), (1, 2), (3, 2)]))

    def table(numbers):
        row = st.lists(numbers, min_size=columns, max_size=columns)
        return draw(st.lists(row, min_size=rows, max_size=rows))

    return table(WHOLE), table(QUARTERS)


LOSSES = "the loss"
GRADIENT = "the gradient of the loss"


def with_gradient(answer, targets, predictions):
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        losses = answer(targets, predictions)
        total = tf.reduce_sum(losses) if is_array(losses) else None
    seen = Seen()
    seen[LOSSES] = losses
    if isinstance(losses, tf.Tensor) and losses.dtype.is_floating:
        is_there = tape.gradient(total, predictions) is not None
        seen[GRADIENT] = "a tensor" if is_there else "None"
    return seen


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[
        ([[1, 0], [0, 0], [1, 1]], [[0.5, 0.25], [1.0, 2.0], [-1.0, 1.5]]),
        ([[1], [0]], [[0.25], [0.75]]),
        ([[0, 1, 1]], [[0.5, 0.0, 2.0]]),
        ([[1, 0, 0], [1, 1, 0]], [[2.0, 1.0, -0.5], [1.0, 0.0, 0.5]]),
    ],
    given=lambda targets, predictions: (
        tf.constant(targets, dtype="float32"),
        tf.constant(predictions, dtype="float32"),
    ),
    space=batches(),
    observe=with_gradient,
    hints=[
        "Begin with the squared error of every entry, as `my_custom_loss` does, and give each entry a weight before "
        "the mean.",
        "The weight is 2 where the target is 1, and 1 where it is 0. That is a sum of two things that you have.",
        "The weights are `1 + targets`. Multiply the squares by them, and take the mean over the last axis.",
    ],
)
def weighted_square(targets, predictions):
    weights = 1 + targets
    return keras.ops.mean(weights * keras.ops.square(targets - predictions), axis=-1)


weighted_square.mistake(
    "The mean goes over the whole batch. A loss gives one number for each sample: average over the last axis.",
    lambda targets, predictions: tf.reduce_mean((1 + targets) * (targets - predictions) ** 2),
)
weighted_square.mistake(
    "The mean goes over the samples, axis 0, and leaves one number for each output. Average over the outputs.",
    lambda targets, predictions: tf.reduce_mean(
        (1 + targets) * (targets - predictions) ** 2, axis=0
    ),
)
weighted_square.mistake(
    "There is a number for each entry. A loss gives one for each sample: the mean over its outputs is missing.",
    lambda targets, predictions: (1 + targets) * (targets - predictions) ** 2,
)
weighted_square.mistake(
    "You added up the outputs of each sample; asked for is their mean.",
    lambda targets, predictions: tf.reduce_sum(
        (1 + targets) * (targets - predictions) ** 2, axis=-1
    ),
)
weighted_square.mistake(
    "Entries of class 0 count double here; those whose target is 1 are to do so.",
    lambda targets, predictions: tf.reduce_mean(
        (2 - targets) * (targets - predictions) ** 2, axis=-1
    ),
)
weighted_square.mistake(
    "This is the plain squared error: entries whose target is 1 do not count double.",
    lambda targets, predictions: tf.reduce_mean((targets - predictions) ** 2, axis=-1),
)
weighted_square.mistake(
    "All entries count double, whatever their target is.",
    lambda targets, predictions: tf.reduce_mean(2 * (targets - predictions) ** 2, axis=-1),
)
weighted_square.mistake(
    "This is the absolute error, weighted; asked for is the square.",
    lambda targets, predictions: tf.reduce_mean(
        (1 + targets) * tf.abs(targets - predictions), axis=-1
    ),
)
weighted_square.mistake(
    "Everything has half of its weight: 1 and one half in place of 2 and 1. Or it is divided by 2 at the end.",
    lambda targets, predictions: (
        tf.reduce_mean((1 + targets) * (targets - predictions) ** 2, axis=-1) / 2
    ),
)
weighted_square.mistake(
    "The difference is not squared, so that errors of opposite sign cancel.",
    lambda targets, predictions: tf.reduce_mean((1 + targets) * (targets - predictions), axis=-1),
)
weighted_square.mistake(
    "The difference is not squared, so that errors of opposite sign cancel.",
    lambda targets, predictions: tf.reduce_mean((1 + targets) * (predictions - targets), axis=-1),
)
weighted_square.mistake(
    "The weight has been squared, too, so that it is 4 in place of 2. Square first, then multiply by the weight.",
    lambda targets, predictions: tf.reduce_mean(
        ((1 + targets) * (targets - predictions)) ** 2, axis=-1
    ),
)
weighted_square.mistake(
    "The weights come from the predictions: the arguments are swapped. Keras gives the targets first.",
    lambda targets, predictions: tf.reduce_mean(
        (1 + predictions) * (targets - predictions) ** 2, axis=-1
    ),
)


@weighted_square.mistake(
    "The weight depends on the class that is predicted; it is to depend on the target."
)
def _(targets, predictions):
    weights = tf.where(predictions > 0.5, 2.0, 1.0)
    return tf.reduce_mean(weights * (targets - predictions) ** 2, axis=-1)


weighted_square.mistake(
    "Entries whose target is 0 do not count at all: their weight is 0, and is to be 1.",
    lambda targets, predictions: tf.reduce_mean(
        2 * targets * (targets - predictions) ** 2, axis=-1
    ),
)
weighted_square.mistake(
    "Only entries whose target is 1 count, and once: the weights are the targets. They are to be 2 and 1.",
    lambda targets, predictions: tf.reduce_mean(targets * (targets - predictions) ** 2, axis=-1),
)
weighted_square.mistake(
    "Entries whose target is 1 count three times here: 1 + 2 is one too many.",
    lambda targets, predictions: tf.reduce_mean(
        (1 + 2 * targets) * (targets - predictions) ** 2, axis=-1
    ),
)


@weighted_square.mistake(
    "You divided by the sum of the weights. Divide by the number of outputs, as the mean does."
)
def _(targets, predictions):
    weights = 1 + targets
    squares = (targets - predictions) ** 2
    return tf.reduce_sum(weights * squares, axis=-1) / tf.reduce_sum(weights, axis=-1)


@weighted_square.mistake(
    "One weight goes to the whole sample. Each entry has a weight of its own: multiply before you average."
)
def _(targets, predictions):
    weights = 1 + tf.reduce_mean(targets, axis=-1)
    return weights * tf.reduce_mean((targets - predictions) ** 2, axis=-1)


@weighted_square.mistake(
    "One weight goes to the whole sample. Each entry has a weight of its own: multiply before you average."
)
def _(targets, predictions):
    weights = 1 + targets[:, 0]
    return weights * tf.reduce_mean((targets - predictions) ** 2, axis=-1)


@weighted_square.mistake(
    "One weight goes to the whole sample. Each entry has a weight of its own: multiply before you average."
)
def _(targets, predictions):
    weights = 1 + tf.reduce_max(targets, axis=-1)
    return weights * tf.reduce_mean((targets - predictions) ** 2, axis=-1)


weighted_square.mistake(
    "An axis of length 1 is left over. The loss has one number for each sample, rank 1: leave out `keepdims`.",
    lambda targets, predictions: tf.reduce_mean(
        (1 + targets) * (targets - predictions) ** 2, axis=-1, keepdims=True
    ),
)
weighted_square.mistake_if(
    "Everything has become one number. A loss has one for each sample: take the mean over the last axis alone.",
    lambda attempt: attempt.called.value[LOSSES].shape == (),
)


@weighted_square.mistake_if(
    "There is a number for each output: you went over the samples, axis 0. A loss has one number for each sample."
)
def _(attempt):
    rows, columns = np.shape(attempt.case[0])
    return rows != columns and attempt.called.value[LOSSES].shape == (columns,)


weighted_square.mistake_if(
    "`if` and `and` want a single True or False, and here is one for each entry. Work on all entries at once.",
    lambda attempt: "ambiguous" in str(attempt.called.error),
)
weighted_square.mistake_if(
    "Whole numbers and `float32` do not mix in TensorFlow: write 2.0 and 1.0, or convert with `tf.cast`.",
    lambda attempt: "was expected to be a" in str(attempt.called.error),
    see="notebook 04: TensorFlow does not mix dtypes",
)


@weighted_square.mistake_if(
    "The mean is taken before the square, so that errors of opposite sign cancel. Square each difference first."
)
def _(attempt):
    targets, predictions = attempt.exercise.arguments(attempt.case)
    differences = targets - predictions
    mine = attempt.called.value[LOSSES].numpy()
    means = [
        tf.reduce_mean(differences, axis=-1) ** 2,
        tf.reduce_mean((1 + targets) * differences, axis=-1) ** 2,
    ]
    return any(np.allclose(mine, mean) for mean in means)


weighted_square.mistake_if(
    "The result is no tensor: NumPy and Python numbers have left TensorFlow, and no gradient comes back from there.",
    lambda attempt: attempt.difference.kind == "type" and attempt.called.value[LOSSES] is not None,
)
weighted_square.mistake_if(
    "The numbers are right, but they have no gradient, so training could not use them: "
    "on the way they left TensorFlow, through NumPy or Python numbers.",
    lambda attempt: attempt.difference.place == GRADIENT,
    see="notebook 05: Leaving TensorFlow cuts the path",
)
weighted_square.mistake_if(
    "Your function returns nothing; the mean is what to return.",
    lambda attempt: attempt.called.value[LOSSES] is None,
)


# A metric with state

KEPT = "whether the totals are kept in weights"
KIND = "the class"
IN_FIT = "whether it works in `fit`"


def over_batches(answer, *batches):
    metric = answer()
    seen = Seen()
    seen[KIND] = "a metric" if isinstance(metric, keras.metrics.Metric) else kind_of(metric)
    if seen[KIND] != "a metric":
        return seen
    tensors = [tuple(tf.constant(each, "float32")[:, None] for each in batch) for batch in batches]
    for number, (targets, scores) in enumerate(tensors, 1):
        metric.update_state(targets, scores)
        seen[f"the result after batch {number}"] = plain(metric.result())
    kept = [*metric.variables, *vars(metric).values()]
    metric.reset_state()
    metric.update_state(*tensors[-1])
    seen["the result after `reset_state` and the last batch again"] = plain(metric.result())
    seen[KEPT] = any(isinstance(each, tf.Variable | keras.Variable) for each in kept)
    results = [value for name, value in seen.items() if name.startswith("the result")]
    shares = [share_of_false_alarms(batches[:end]) for end in range(1, len(batches) + 1)]
    right = close_to(results, [*shares, share_of_false_alarms(batches[-1:])])
    seen[IN_FIT] = not right or works_in_fit(metric, *tensors[-1])  # other mistakes are told first
    return seen


def share_of_false_alarms(batches):
    targets, scores = np.concatenate(batches, axis=1)
    return np.sum((targets < 0.5) & (scores > 0.5)) / max(np.sum(targets < 0.5), 1)


def close_to(results, wanted):
    plain_numbers = all(isinstance(each, int | float) for each in results)
    return plain_numbers and np.allclose(results, wanted, atol=1e-5)


def works_in_fit(metric, targets, scores):
    """Whether the metric can be compiled, as `fit` does it."""

    def compute():
        metric.update_state(targets, scores)
        return metric.result()

    try:
        tf.function(compute, autograph=False)()
    except Exception:  # whatever TensorFlow and NumPy raise where there are no numbers yet
        return False
    return True


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[
        (
            ([0, 0, 0, 1, 1], [0.75, 0.25, 0.125, 1.0, 0.25]),
            ([0, 1, 1, 1], [0.875, 0.75, 0.25, 0.625]),
        ),
        (([0, 0, 1], [0.5, 0.625, 0.25]), ([0, 0, 0, 0, 1], [0.25, 0.0, 0.75, 1.0, 0.875])),
        (([1, 1], [0.75, 0.25]), ([0, 0], [0.25, 1.0]), ([1, 0, 0], [1.0, 0.0, 0.75])),
    ],
    observe=over_batches,
    hints=[
        "Two totals are enough: how many samples of class 0 there were, and how many of them were called class 1. "
        "`MyCustomMetric2` shows where they are kept.",
        "`update_state` adds this batch's numbers to both, with `assign_add`. `result` divides one by the other.",
        '`keras.ops.cast(targets < 0.5, "float32")` has a 1 for each sample of class 0. Multiplied by the same of '
        "`scores > 0.5`, it has a 1 for each false alarm.",
        "As long as there was no sample of class 0, divide by 1: `keras.ops.maximum(self.count, 1)`.",
    ],
)
class FalseAlarms(keras.metrics.Metric):
    def __init__(self, name="false_alarms"):
        super().__init__(name=name)
        self.alarms = self.add_weight(name="alarms", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        negative = keras.ops.cast(y_true < 0.5, "float32")
        called_positive = keras.ops.cast(y_pred > 0.5, "float32")
        self.alarms.assign_add(keras.ops.sum(negative * called_positive))
        self.count.assign_add(keras.ops.sum(negative))

    def result(self):
        return self.alarms / keras.ops.maximum(self.count, 1)


class Counts(keras.metrics.Metric):
    """What the mistakes have in common: a share of two totals, of which each batch brings its part."""

    def __init__(self):
        super().__init__()
        self.part = self.add_weight(name="part", initializer="zeros")
        self.whole = self.add_weight(name="whole", initializer="zeros")

    def update_state(self, y_true, y_pred):
        part, whole = self.of_batch(y_true, y_pred)
        self.part.assign_add(tf.reduce_sum(tf.cast(part, "float32")))
        self.whole.assign_add(tf.reduce_sum(tf.cast(whole, "float32")))

    def of_batch(self, y_true, y_pred):
        return (y_true < 0.5) & (y_pred > 0.5), y_true < 0.5

    def result(self):
        return self.part / tf.maximum(self.whole, 1)


FalseAlarms.mistake_if(
    "In `fit`, tensors have no numbers yet: Python's `if`, `.numpy()` and NumPy find nothing there. "
    "Compute with the operations of Keras or TensorFlow, such as `tf.where` and `tf.maximum`.",
    lambda attempt: attempt.difference.place == IN_FIT,
)


@FalseAlarms.mistake(
    "This is the mean of the batches' shares, in which a small batch weighs as much as a large one. "
    "Keep totals over all batches, and divide in `result`."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        part, whole = (
            tf.reduce_sum(tf.cast(x, "float32")) for x in super().of_batch(y_true, y_pred)
        )
        return part / tf.maximum(whole, 1), 1


@FalseAlarms.mistake(
    "The result is that of the last batch alone: what came before is overwritten. Add to the totals."
)
class _(Counts):
    def update_state(self, y_true, y_pred):
        self.reset_state()
        super().update_state(y_true, y_pred)


@FalseAlarms.mistake(
    "You divided by the number of all samples; asked for is the share among those of class 0."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return super().of_batch(y_true, y_pred)[0], tf.ones_like(y_true)


@FalseAlarms.mistake("This is recall: the share of class 1 that was found. Count in class 0.")
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (y_true > 0.5) & (y_pred > 0.5), y_true > 0.5


@FalseAlarms.mistake(
    "You divided by the number of samples that were called class 1; asked for is the share among those of class 0."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return super().of_batch(y_true, y_pred)[0], y_pred > 0.5


@FalseAlarms.mistake("These are the samples of class 1 that were missed. Count in class 0.")
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (y_true > 0.5) & (y_pred <= 0.5), y_true > 0.5


@FalseAlarms.mistake(
    "These are the samples of class 0 that were recognized; a false alarm is one that was called class 1."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (y_true < 0.5) & (y_pred <= 0.5), y_true < 0.5


@FalseAlarms.mistake(
    "All wrong answers are counted, in both classes. A false alarm is a sample of class 0 that was called class 1."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (y_true > 0.5) != (y_pred > 0.5), tf.ones_like(y_true)


@FalseAlarms.mistake("This is precision or its like: all samples that were called class 1 count.")
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (y_true > 0.5) & (y_pred > 0.5), y_pred > 0.5


@FalseAlarms.mistake(
    "All samples that were called class 1 are counted, also those of class 1, which are no false alarms."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return y_pred > 0.5, y_true < 0.5


@FalseAlarms.mistake("The result is the number of false alarms; asked for is their share.")
class _(Counts):
    def result(self):
        return self.part * 1.0


@FalseAlarms.mistake(
    "The scores themselves are added up. First decide which class each means: above 0.5 it is class 1."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (1 - y_true) * y_pred, y_true < 0.5


@FalseAlarms.mistake("A score of exactly 0.5 is called class 1 here; only above 0.5 it is to be.")
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (y_true < 0.5) & (y_pred >= 0.5), y_true < 0.5


@FalseAlarms.mistake("Both totals are there, but upside down: the larger one is divided by.")
class _(Counts):
    def result(self):
        return self.whole / self.part


@FalseAlarms.mistake(
    "One of the totals goes on and the other begins anew at each batch. Add to both with `assign_add`."
)
class _(Counts):
    def update_state(self, y_true, y_pred):
        self.whole.assign(0.0)
        super().update_state(y_true, y_pred)


@FalseAlarms.mistake(
    "One of the totals goes on and the other begins anew at each batch. Add to both with `assign_add`."
)
class _(Counts):
    def update_state(self, y_true, y_pred):
        self.part.assign(0.0)
        super().update_state(y_true, y_pred)


@FalseAlarms.mistake(
    "You divided by the number of batches; asked for is the share among the samples of class 0."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return super().of_batch(y_true, y_pred)[0], 1


@FalseAlarms.mistake(
    "This is the mean over batches of a mean over all samples. Keep totals, and divide by the samples of class 0."
)
class _(Counts):
    def of_batch(self, y_true, y_pred):
        part, _ = super().of_batch(y_true, y_pred)
        return tf.reduce_mean(tf.cast(part, "float32")), 1


@FalseAlarms.mistake("This is 1 minus the share of false alarms.")
class _(Counts):
    def result(self):
        return 1 - super().result()


@FalseAlarms.mistake("You counted hits in class 1, and divided by the number in class 0.")
class _(Counts):
    def of_batch(self, y_true, y_pred):
        return (y_true > 0.5) & (y_pred > 0.5), y_true < 0.5


@FalseAlarms.mistake("This is the share in percent; a share is a number from 0 to 1.")
class _(Counts):
    def result(self):
        return 100 * super().result()


@FalseAlarms.mistake(
    "You divided by one more than the number in class 0. Only where there is none, divide by 1."
)
class _(Counts):
    def result(self):
        return self.part / (self.whole + 1)


FalseAlarms.mistake_if(
    "A name is used here without `self.`: what is to be there at the next batch belongs to the object.",
    lambda attempt: isinstance(attempt.called.error, NameError),
)
FalseAlarms.mistake_if(
    "`if` and `and` want a single True or False, and here is one for each sample. Work on the whole batch: "
    "multiply zeros and ones.",
    lambda attempt: "ambiguous" in str(attempt.called.error),
)
FalseAlarms.mistake_if(
    "`keras.metrics.Metric` is not prepared: call `super().__init__(...)` before you make weights.",
    lambda attempt: (
        "super().__init__" in str(attempt.called.error)
        or (
            attempt.called.error is not None
            and "__init__" in attempt.source
            and "super()" not in attempt.source
        )
    ),
)
FalseAlarms.mistake_if(
    "The class is no metric: write `keras.metrics.Metric` in its brackets.",
    lambda attempt: attempt.called.value[KIND] != "a metric",
)


@FalseAlarms.mistake_if(
    "A weight can't be changed with `=` or `+=`: that puts another thing in its place. Call its `assign_add`."
)
def _(attempt):
    tree = ast.walk(attempt.tree)
    changed = {
        ast.unparse(target)
        for node in tree
        if isinstance(node, ast.FunctionDef) and node.name == "update_state"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Assign | ast.AugAssign)
        for target in getattr(inner, "targets", None) or [inner.target]
    }
    return "add_weight" in attempt.source and any(each.startswith("self.") for each in changed)


FalseAlarms.mistake_if(
    "`result` returns nothing; the share is what to return.",
    lambda attempt: attempt.difference.words.split("; ")[0].endswith("is None"),
)


@FalseAlarms.mistake_if(
    "There is NaN: as long as no sample of class 0 has come, you divide by 0. The result is to be 0 then."
)
def _(attempt):
    if attempt.called.error:
        return isinstance(attempt.called.error, ZeroDivisionError)
    return bool(np.isnan(attempt.difference.got))


FalseAlarms.mistake_if(
    "As long as no sample of class 0 has come, the result is to be 0; yours is another number.",
    lambda attempt: (
        not any(0 in targets for targets, _ in attempt.case[:1])
        and "batch 1" in attempt.difference.place
    ),
)
FalseAlarms.mistake_if(
    "After `reset_state` the totals are not 0 again. It sets the metric's weights to 0, and nothing else: "
    "make each total with `self.add_weight`.",
    lambda attempt: "reset_state" in attempt.difference.place,
)
FalseAlarms.mistake_if(
    "The totals are plain Python numbers or tensors. `fit` compiles `update_state`, and then they are lost: "
    "keep them in weights.",
    lambda attempt: attempt.difference.place == KEPT,
)


@FalseAlarms.mistake_if(
    "The result has a number for each sample. Add the batch up before you add it to a total."
)
def _(attempt):
    if attempt.called.error:
        return "shape" in str(attempt.called.error).lower()
    return attempt.difference.kind == "rank"


# A callback

EPOCHS, REMEMBERED = "the number of epochs that ran", "`epoch` after it"
NOTHING = "not there"


def play_fit(answer, limit, times, *trainings):
    """Call the moments of a callback as `fit` does, with losses that are given."""
    callback = answer(limit, times)
    seen = Seen(always=[])
    seen[KIND] = "a callback" if isinstance(callback, keras.callbacks.Callback) else NOTHING
    if seen[KIND] == NOTHING:
        return seen
    seen["`epoch` before the training"] = plain(getattr(callback, "epoch", NOTHING))
    for number, losses in enumerate(trainings, 1):
        model = types.SimpleNamespace(stop_training=False)
        callback.set_params({"epochs": len(losses), "steps": 2, "verbose": 0})
        callback.set_model(model)
        callback.on_train_begin({})
        ran, remembered = _epochs(callback, model, losses)
        callback.on_train_end({"loss": losses[ran - 1]})
        in_training = f" in training {number}" if len(trainings) > 1 else ""
        seen[EPOCHS + in_training] = ran
        seen.also["always"].append(remembered)
        seen[REMEMBERED + in_training] = plain(getattr(callback, "epoch", NOTHING))
    return seen


def _epochs(callback, model, losses):
    remembered = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch, {})
        for batch in range(2):
            callback.on_train_batch_begin(batch, {})
            callback.on_train_batch_end(batch, {"loss": loss + 0.5 - batch})
        callback.on_epoch_end(epoch, {"binary_accuracy": 0.5, "loss": loss, "val_loss": 9.0})
        remembered.append(getattr(callback, "epoch", NOTHING))
        if model.stop_training:
            break
    return epoch + 1, remembered


@exercise(
    NOTEBOOK,
    see=FIT,
    cases=[
        (0.5, 2, [0.9, 0.4, 0.6, 0.4, 0.3, 0.2, 0.1]),
        (0.5, 1, [0.9, 0.5, 0.4, 0.3]),
        (0.25, 3, [0.2, 0.2, 0.5, 0.2, 0.2]),
        (0.5, 2, [0.4, 0.4, 0.3], [0.7, 0.4, 0.3, 0.2], [0.9, 0.4], [0.3, 0.6, 0.7]),
        (1.0, 3, [0.9, 0.8, 0.7, 0.6]),
    ],
    observe=play_fit,
    hints=[
        "`fit` calls `on_epoch_end(epoch, logs)` at the end of each epoch. `logs` is a dictionary with the loss "
        "and the metrics of this epoch, and `epoch` counts from 0.",
        "Keep a counter in `self`: one more if the loss is below the limit, and 0 again if it is not.",
        "The callback finds the model as `self.model`. `fit` stops after this epoch if its `stop_training` is True.",
        "`fit` calls `on_train_begin(logs)` before the first epoch. Set the counter to 0 and `epoch` to None there.",
    ],
)
class StopBelow(keras.callbacks.Callback):
    def __init__(self, limit, times):
        super().__init__()
        self.limit = limit
        self.times = times
        self.count = 0
        self.epoch = None

    def on_train_begin(self, logs=None):
        self.count = 0
        self.epoch = None

    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] < self.limit:
            self.count += 1
        else:
            self.count = 0
        if self.count == self.times:
            self.model.stop_training = True
            self.epoch = epoch + 1


class Stops(StopBelow.answer):
    """What the mistakes have in common."""

    def is_low(self, loss):
        return loss < self.limit

    def is_enough(self):
        return self.count == self.times

    def remember(self, epoch):
        self.epoch = epoch + 1

    def stop(self):
        self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self.count = self.count + 1 if self.is_low(logs["loss"]) else 0
        if self.is_enough():
            self.stop()
            self.remember(epoch)


@StopBelow.mistake("Training stops when the loss is above the limit. Compare the other way round.")
class _(Stops):
    def is_low(self, loss):
        return loss > self.limit


@StopBelow.mistake(
    "A loss that equals the limit counts as below it. Only a smaller one is to count."
)
class _(Stops):
    def is_low(self, loss):
        return loss <= self.limit


@StopBelow.mistake(
    "You count all epochs with a low loss. In a row means that the counter goes back to 0 when the loss is not low."
)
class _(Stops):
    def on_epoch_end(self, epoch, logs=None):
        self.count += logs["loss"] < self.limit
        if self.count == self.times:
            self.stop()
            self.remember(epoch)


@StopBelow.mistake(
    "You count all epochs with a low loss. In a row means that the counter goes back to 0 when the loss is not low."
)
class _(Stops):
    def on_epoch_end(self, epoch, logs=None):
        if self.is_low(logs["loss"]):
            self.count += 1
            if self.count >= self.times:
                self.stop()
                self.remember(epoch)


@StopBelow.mistake(
    "Training stops at the first epoch whose loss is low: `times` is not taken into account."
)
class _(Stops):
    def is_enough(self):
        return self.count == 1


@StopBelow.mistake(
    "Training stops an epoch too late: the counter is compared before it is raised, or with “more than”."
)
class _(Stops):
    def is_enough(self):
        return self.count > self.times


@StopBelow.mistake("`epoch` counts from 0, as `fit` does inside; it is to count from 1.")
class _(Stops):
    def remember(self, epoch):
        self.epoch = epoch


@StopBelow.mistake("The epoch is remembered, but training goes on: `self.model` has to be told.")
class _(Stops):
    def stop(self):
        pass

    def is_enough(self):
        return self.count >= self.times


@StopBelow.mistake("The epoch is remembered, but training goes on: `self.model` has to be told.")
class _(Stops):
    def stop(self):
        pass


StopBelow.mistake_if(
    "`fit` calls `on_train_end` when it has stopped. What you set there wipes out what is to be remembered.",
    lambda attempt: "on_train_end" in attempt.source,
)


@StopBelow.mistake("Training stops, but the number of the epoch is not remembered in `self.epoch`.")
class _(Stops):
    def remember(self, epoch):
        pass


@StopBelow.mistake(
    "`epoch` holds how many epochs in a row were low; it is to be the number of the epoch."
)
class _(Stops):
    def remember(self, epoch):
        self.epoch = self.count


@StopBelow.mistake(
    "`epoch` is set also when training does not stop. It is to be None until it has stopped."
)
class _(Stops):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.remember(epoch)


@StopBelow.mistake(
    "`epoch` is set also when training does not stop. It is to be None until it has stopped."
)
class _(Stops):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.is_low(logs["loss"]):
            self.remember(epoch)


@StopBelow.mistake("Training stops an epoch too early: one is missing to `times` in a row.")
class _(Stops):
    def is_enough(self):
        return self.count == self.times - 1


@StopBelow.mistake(
    "When the loss is not low, the counter is set to 1; no epoch in a row is low then, so it is 0."
)
class _(Stops):
    def on_epoch_end(self, epoch, logs=None):
        self.count = self.count + 1 if self.is_low(logs["loss"]) else 1
        if self.is_enough():
            self.stop()
            self.remember(epoch)


@StopBelow.mistake(
    "`epoch` holds where the epochs in a row began; it is to be the number of the epoch in which training stopped."
)
class _(Stops):
    def remember(self, epoch):
        self.epoch = epoch + 1 - self.times


@StopBelow.mistake(
    "`epoch` holds where the epochs in a row began; it is to be the number of the epoch in which training stopped."
)
class _(Stops):
    def remember(self, epoch):
        self.epoch = epoch + 2 - self.times


@StopBelow.mistake("`epoch` is one too large: `fit` counts from 0, so 1 is to be added, once.")
class _(Stops):
    def remember(self, epoch):
        self.epoch = epoch + 2


@StopBelow.mistake(
    "In a second training with the same callback, what it knows of the first is still there. "
    "`on_train_begin` is the moment to begin anew."
)
class _(Stops):
    def on_train_begin(self, logs=None):
        pass


@StopBelow.mistake(
    "In a second training with the same callback, what it knows of the first is still there. "
    "`on_train_begin` is the moment to begin anew."
)
class _(Stops):
    def on_train_begin(self, logs=None):
        pass

    def is_enough(self):
        return self.count >= self.times


@StopBelow.mistake("In a second training, the counter goes on from the first. Set it to 0, too.")
class _(Stops):
    def on_train_begin(self, logs=None):
        self.epoch = None


@StopBelow.mistake("In a second training, the counter goes on from the first. Set it to 0, too.")
class _(Stops):
    def on_train_begin(self, logs=None):
        self.epoch = None

    def is_enough(self):
        return self.count >= self.times


@StopBelow.mistake(
    "In a second training, `epoch` is still that of the first. Set it to None when training begins."
)
class _(Stops):
    def on_train_begin(self, logs=None):
        self.count = 0


StopBelow.mistake_if(
    "`self.epoch` is None at first, and nothing can be added to None. The number comes as the argument `epoch`.",
    lambda attempt: "operand type(s) for +" in str(attempt.called.error),
)
StopBelow.mistake_if(
    "The class is no callback: write `keras.callbacks.Callback` in its brackets.",
    lambda attempt: attempt.called.value[KIND] == NOTHING,
)


@StopBelow.mistake_if(
    "The callback has no attribute `epoch`. Set `self.epoch` to None in `__init__`."
)
def _(attempt):
    before = attempt.called.value["`epoch` before the training"]
    return before == NOTHING or "no attribute 'epoch'" in str(attempt.called.error)


StopBelow.mistake_if(
    "Before any training, `epoch` is to be None: training has not stopped yet.",
    lambda attempt: attempt.called.value["`epoch` before the training"] is not None,
)


@StopBelow.mistake_if(
    '`logs` is a dictionary: the loss is `logs["loss"]`.',
)
def _(attempt):
    error = str(attempt.called.error)
    return "'dict' object has no attribute" in error or "'dict' and" in error


StopBelow.mistake_if(
    'The loss is not there at this moment, or it has another key. `on_epoch_end` gets it as `logs["loss"]`.',
    lambda attempt: (
        isinstance(attempt.called.error, KeyError)
        or ("not supported between instances of 'NoneType'" in str(attempt.called.error))
    ),
)
StopBelow.mistake_if(
    "`stop_training` is no method but an attribute: assign True to it instead of calling it.",
    lambda attempt: "not callable" in str(attempt.called.error),
)
StopBelow.mistake_if(
    "A name is used here without `self.`: what is to be there at the next epoch belongs to the object.",
    lambda attempt: isinstance(attempt.called.error, NameError),
)
StopBelow.mistake_if(
    "An exception breaks training off. Tell the model to stop instead: `fit` then ends as usual.",
    lambda attempt: "raise " in attempt.source,
)
StopBelow.mistake_if(
    "Your method takes other arguments than `fit` gives: `on_epoch_end` gets `self`, `epoch` and `logs`, "
    "`on_train_begin` gets `self` and `logs`, and `__init__` is given `limit` and `times`.",
    lambda attempt: "positional argument" in str(attempt.called.error),
)
StopBelow.mistake_if(
    "`stop_training` is an attribute of the model, which the callback finds as `self.model`.",
    lambda attempt: (
        "self.stop_training" in attempt.source or "self.stop_training" in str(attempt.called.error)
    ),
)
StopBelow.mistake_if(
    "The loss of a batch is compared. The loss of the epoch comes to `on_epoch_end`, when the epoch is over.",
    lambda attempt: any(name in attempt.source for name in ("batch_end", "batch_begin")),
)
StopBelow.mistake_if(
    "Another value than the loss is compared: `logs` has the metrics and the validation loss, too.",
    lambda attempt: any(name in attempt.source for name in ("val_loss", "accuracy")),
)
StopBelow.mistake_if(
    "At the beginning of an epoch its loss is not known yet. `fit` calls `on_epoch_end` when it is.",
    lambda attempt: "on_epoch_begin" in attempt.source and "on_epoch_end" not in attempt.source,
)
StopBelow.mistake_if(
    "The counter is set to 0 at each epoch, so it never counts several in a row.",
    lambda attempt: "on_epoch_begin" in attempt.source,
)
StopBelow.mistake_if(
    "There is no method `on_epoch_end`, which is what `fit` calls after each epoch. Is the name right?",
    lambda attempt: "def on_epoch_end(" not in attempt.source,
)
StopBelow.mistake_if(
    "Training stops too early: at that epoch the loss has not been below `limit` for `times` epochs in a row.",
    lambda attempt: (
        attempt.difference.place.startswith(EPOCHS)
        and attempt.difference.got < attempt.difference.expected
    ),
)
StopBelow.mistake_if(
    "Training does not stop in time, though the loss has been below `limit` for `times` epochs in a row.",
    lambda attempt: attempt.difference.place.startswith(EPOCHS),
)
StopBelow.mistake_if(
    "Training stops where it should, but `epoch` is not the number of the last epoch, counted from 1.",
    lambda attempt: attempt.difference.place.startswith(REMEMBERED),
)
