"""Exercises of notebook 09, on compile and fit."""

import functools
import inspect
import math
import re
import types

import keras
import numpy as np
import tensorflow as tf

from support.exercises.compare import is_array, kind_of
from support.exercises.engine import exercise, numbers_of
from support.exercises.errors import fails_as

NOTEBOOK = "09_compile_and_fit"
THREE = "Three choices"
BY_NAME = "By name"
BY_OBJECT = "By object"
ZERO = "A metric that always reads 0"
OWN = "Your own"
CATALOGUE = "The catalogue"
WHICH = "Which loss for which problem"
FIT = "Listing 3.23: Fit on NumPy data"

AMBIGUOUS = (
    "`if`, `and` and `or` want a single True or False, and here is one for each entry. "
    "Compute with all entries at once."
)
NO_BOOL = "TensorFlow takes no True and False for 1 and 0, nor the reverse: convert with `tf.cast`, or compare."
WITHOUT_SELF = (
    "A name is used here without `self.`. What another method or the next call needs belongs to the object: "
    "store and read it with `self.` before its name."
)


def lacks_self(attempt):
    """Whether a name is unknown that the object has, or that was to be kept from one call to the next."""
    error = attempt.called.error
    return isinstance(error, UnboundLocalError) or (
        isinstance(error, NameError)
        and (error.name in attempt.parameters or f"self.{error.name}" in attempt.source)
    )


def differs_in(attempt, what):
    return attempt.difference.place.startswith(what)


def plain(value):
    """A single number as a Python number, whatever it came as; anything else as it is."""
    if (is_array(value) and np.ndim(value) == 0) or isinstance(value, np.generic):
        return np.asarray(value).item()
    return value


def declare(exercise, words, shown, see=""):
    """Declare a mistake by what shows it: a function, or words of a difference."""
    if isinstance(shown, str):
        text, shown = (
            shown,
            lambda attempt: not attempt.failure and text in attempt.difference.words,
        )
    exercise.mistake_if(words, shown, see=see)


# Three choices

# Five of eight answers are right with the line between the classes at 0.5, another number with any other line in one
# of the two cases.
SCORES = np.array([[0.52, 0.6, 0.7, 0.8, 0.97, 0.48, 0.3, 0.2]], dtype="float32").T
LABELS = {
    0.5: np.array([[1, 1, 0, 1, 1, 1, 1, 0]], dtype="float32").T,
    2.0: np.array([[0, 1, 1, 0, 1, 0, 0, 1]], dtype="float32").T,
}
LOGITS = np.log(SCORES / (1 - SCORES))
SHARE = 5 / 8

RETURNS = "what your function returns"
COMPILED = "whether the model is compiled"
DEPTH = "the number of layers of the model"
TRAINABLE = "the number of weights that training changes"
ACTIVATION = "the activation of the last layer"
OPTIMIZER = "the optimizer"
RATE = "the learning rate"
SETTINGS = "the optimizer's other settings"
LOSS = "the loss on a test batch"
METRIC = "the metric on a test batch, of which 5 of 8 answers are right,"
WEIGHT, STEP = "the weight before training", "the weight after a step of training"


def sigmoid_unit():
    """A model whose score for an input is its sigmoid."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    return model


def compile_and_try(answer, model, learning_rate):
    returned = answer(model, learning_rate)
    seen = {RETURNS: "the model" if returned is model else kind_of(returned)}
    seen[COMPILED] = model.compiled
    if not model.compiled:
        return seen
    seen[DEPTH] = len(model.layers)
    seen[TRAINABLE] = len(model.trainable_weights)
    seen[WEIGHT] = model.get_weights()[0].item()
    activation = getattr(model.layers[-1], "activation", None)
    seen[ACTIVATION] = getattr(activation, "__name__", "unknown")
    seen[OPTIMIZER] = type(model.optimizer).__name__
    settings = model.optimizer.get_config() if model.optimizer else {}
    seen[RATE] = settings.pop("learning_rate", None)
    seen[SETTINGS] = {name: value for name, value in settings.items() if name != "name"}
    if not model.loss or isinstance(model.loss, keras.metrics.Metric):
        seen[LOSS] = "a metric" if model.loss else None
        return seen
    labels = LABELS[learning_rate]
    model.run_eagerly = True  # compiling would take longer than the step
    results = model.train_on_batch(LOGITS, labels, return_dict=True)
    seen[LOSS] = float(results.pop("loss"))
    known = isinstance(model.loss, str) and model.loss.lower() not in ("crossentropy", "ce")
    if known or callable(model.loss):  # as such; a model would repair some
        seen[LOSS] = float(np.mean(keras.losses.get(model.loss)(labels, SCORES)))
    metrics = [float(np.mean(value)) for value in results.values()]  # some give one per output
    fits = any(math.isclose(value, SHARE, rel_tol=1e-5) for value in metrics)
    seen[METRIC] = SHARE if fits else next(iter(metrics), None)
    seen[STEP] = model.get_weights()[0].item()
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


def gives_instead(place, functions, attempt):
    """Whether the attempt gives there what one of these gives, in both cases; of none, whether it differs there."""
    if attempt.difference.place != place or not functions:
        return attempt.difference.place == place
    mine = [attempt.run((rate,)).value[place] for rate in LABELS]
    wrongs = ([np.mean(each(y, SCORES)) for y in LABELS.values()] for each in functions)
    return any(np.allclose(mine, wrong, 1e-4, 1e-6) for wrong in wrongs)


def takes_label_for_place(attempt):
    """Whether a sparse loss looks for output number 1 of one; some processors refuse, others give NaN."""
    if "parse" not in attempt.source or isinstance(attempt.called.error, tf.errors.OpError):
        return "parse" in attempt.source
    return attempt.difference.place == LOSS and np.isnan(attempt.difference.got)


for see, mistakes in {
    THREE: {
        "A metric stands in the place of the loss. Training makes the loss smaller; a metric is only "
        "read.": f"{LOSS} is 'a metric'",
        "Only compile the model, don't train or use it: that comes later, with data that your function does not "
        "have.": lambda attempt: re.search(
            r"\.(fit|evaluate|predict|\w+_batch)\(", attempt.called.line
        ),
        "The model that was given to your function has not been compiled. Call its method "
        "`compile`.": lambda attempt: attempt.called.value[COMPILED] is False,
        "Your function returns None, as `compile` does: it changes the model. Return the model "
        "itself.": f"{RETURNS} is 'None'",
        "Each call of `compile` replaces all three choices. Make them in one.": lambda attempt: (
            attempt.difference and len(attempt.calls("compile")) > 1
        ),
        "There is no loss, so there is nothing that training could make smaller.": f"{LOSS} is None",
        "There is no metric, so nothing tells the share of right answers.": f"{METRIC} is None",
        "The model has changed. Only compile it: it ends in a sigmoid already, and is trained "
        "later.": lambda attempt: (
            attempt.difference.place in (DEPTH, TRAINABLE, WEIGHT, ACTIVATION)
        ),
    },
    BY_OBJECT: {
        "This is the class of the optimizer. Call it, as `SGD(…)`.": fails_as("optimizer_class"),
        "What stands in the optimizer's place is none, nor the name of one. A name takes no settings: give "
        "`keras.optimizers.SGD(…)`. Without names, the optimizer comes first, then the loss.": fails_as(
            "unknown_optimizer"
        ),
        "Nothing takes an argument of this name here. `compile` takes `optimizer`, `loss` and `metrics`, the optimizer "
        "takes `learning_rate`.": fails_as("unexpected_keyword"),
        "It is Keras that calls this function, with targets and scores. Give it without `()`.": fails_as(
            "missing_argument"
        ),
        "The optimizer's rate is not `learning_rate`. By name, or without a rate, SGD takes 0.01.": f"{RATE} is",
        "All three read right, but training takes another step. Leave out other settings of `compile`, such as "
        "`loss_weights`, and let the gradient through the loss.": f"{STEP} is",
    },
    BY_NAME: {
        "`metrics` takes a list, also for a single metric: put it into brackets.": fails_as(
            "no_list_of_metrics"
        ),
        "Without names, the third argument of `compile` is not the metrics. Write `metrics=` before the "
        "list.": lambda attempt: any(len(call.args) > 2 for call in attempt.calls("compile")),
    },
    CATALOGUE: {
        "Keras does not know this name, or what this is. The name of `BinaryCrossentropy` is "
        '"binary_crossentropy", and those of other losses and metrics are written likewise.': fails_as(
            "unknown_name"
        ),
        "This is another optimizer than SGD, which was asked for. Without any, `compile` takes "
        "RMSprop.": f"{OPTIMIZER} is",
        "The optimizer has a setting besides its rate, such as momentum, that is not SGD's "
        "default.": lambda attempt: attempt.difference.place in attempt.expected.value[SETTINGS],
    },
    WHICH: {
        "Sparse categorical crossentropy is for one output per class; this model has one in "
        "all.": takes_label_for_place,
        "What stands as the loss has no gradient, so training can't use it: an accuracy has none.": fails_as(
            "no_gradients"
        ),
    },
}.items():
    for words, shown in mistakes.items():
        declare(compile_for_two_classes, words, shown, see)
bce = keras.losses.binary_crossentropy
for (place, see), mistakes in {
    (LOSS, BY_OBJECT): {
        "This loss takes scores that have not been through a sigmoid, as with `from_logits=True`. "
        "This model's last layer has one.": [lambda y, p: bce(y, p, from_logits=True)],
    },
    (LOSS, WHICH): {
        "Categorical crossentropy is for several outputs. With one it is 0 whatever the weights are.": [
            lambda y, p: 0
        ],
        "This is the squared error, a loss for numbers. For two classes take the first row of the "
        "table.": [lambda y, p: (y - p) ** 2],
        "This is another loss than binary crossentropy with its default settings.": [],
    },
    (METRIC, ZERO): {
        "This metric reads 0, as `Accuracy` does: that counts scores that equal the target exactly, and is for class "
        "numbers.": [lambda y, p: y == p],
        "This accuracy is for one output per class. Of a single output it knows nothing: the largest is always "
        "number 0.": [lambda y, p: 1, lambda y, p: y == 0],
        "This accuracy draws the line between the classes at another score than 0.5.": [
            lambda y, p, line=line: (p > line) == y for line in np.arange(0.025, 1, 0.05)
        ],
    },
    (METRIC, CATALOGUE): {"This metric does not tell the share of right answers.": []},
}.items():
    for words, functions in mistakes.items():
        seen = functools.partial(gives_instead, place, functions)
        compile_for_two_classes.mistake_if(words, seen, see=see)


# A loss of one's own

LOSSES = "the loss"
GRADIENT = "the gradient of the loss"


def losses_and_gradient(answer, targets, predictions):
    if len(targets) > 1:
        return {LOSSES: answer(targets, predictions)}
    with tf.GradientTape() as tape:  # it takes time; one batch is enough
        tape.watch(predictions)
        losses = answer(targets, predictions)
        total = tf.reduce_sum(losses) if is_array(losses) else None
    if not isinstance(losses, tf.Tensor) or not losses.dtype.is_floating:
        return {LOSSES: losses}
    there = tape.gradient(total, predictions) is not None
    return {LOSSES: losses, GRADIENT: "a tensor" if there else "None"}


@exercise(
    NOTEBOOK,
    see=OWN,
    pairs=True,
    cases=[
        ([[1, 0], [0, 0], [1, 1]], [[0.5, 0.25], [1.0, 2.0], [-1.0, 1.5]]),
        ([[1], [0]], [[0.25], [0.75]]),
        ([[1, 0, 0], [1, 1, 0]], [[2.0, 1.0, -0.5], [1.0, 0.0, 0.5]]),
        ([[0, 1], [1, 0], [0, 0]], [[-0.75, 0.5], [3.0, 0.5], [0.25, 0.0]]),
        ([[0, 1, 1]], [[0.5, 0.0, 2.0]]),
    ],
    given=lambda targets, predictions: (
        tf.constant(targets, dtype="float32"),
        tf.constant(predictions, dtype="float32"),
    ),
    observe=losses_and_gradient,
    hints=[
        "Begin with the squared error of every entry, as `my_custom_loss` does, and give each entry a weight before "
        "the mean.",
        "The weight is 2 where the target is 1, and 1 where it is 0. That is a sum of two things that you have.",
        "The weights are `1 + targets`. Multiply the squares by them, and take the mean over the last axis.",
    ],
)
def weighted_square(targets, predictions):
    weights = 1 + targets
    squares = weights * keras.ops.square(targets - predictions)
    return keras.ops.mean(squares, axis=-1)


for old, mistakes in {
    "squares, axis=-1": {
        "There is one number for the whole batch, not one for each sample: name the last axis.": "squares",
    },
    "axis=-1": {
        "There is one number for each output, not one for each sample: axis 0 is that of the samples.": "axis=0",
        "An axis of length 1 is left. The shape is to be (samples,), without `keepdims`.": "axis=-1, keepdims=True",
    },
    "ops.mean": {"You added up the outputs of each sample. Take their mean.": "ops.sum"},
    "ops.square": {"This is the absolute error, weighted. Take the square.": "ops.abs"},
    "1 + targets": {
        "This is the plain squared error: entries whose target is 1 do not count double.": "1 + 0 * targets",
        "All entries count double, whatever their target is.": "2 + 0 * targets",
        "Entries whose target is 0 count double; those whose target is 1 are to do so.": "2 - targets",
        "Entries whose target is 1 count three times: 1 + 2 is one too many.": "1 + 2 * targets",
        "Entries whose target is 0 do not count at all: their weight is 0, and is to be 1.": "2 * targets",
        "The weights are the targets, 0 and 1. They are to be 1 and 2.": "targets",
        "The weights come from the predictions. The targets are the first argument.": "1 + predictions",
        "The weights depend on the predicted class, not on the target.": "tf.where(predictions > 0.5, 2.0, 1.0)",
        "Only a 1 that is missed counts double. Each entry whose target is 1 is to.": "tf.where((targets == 1) & "
        "(predictions < 0.5), 2.0, 1.0)",
    },
    "weights * keras.ops.square(targets - predictions)": {
        "The weight has been squared, too, so that it is 4 in place of 2. Square first, then multiply by the "
        "weight.": "keras.ops.square(weights * (targets - predictions))",
        "The target is doubled. Double the square.": "keras.ops.square(2 * targets - predictions)",
        "Brackets are missing around `1 + targets`: the square is multiplied by the target, and then 1 is "
        "added.": "1 + targets * (targets - predictions) ** 2",
    },
    "keras.ops.square(targets - predictions)": {
        "The difference is not squared, so that errors of opposite sign cancel.": "(targets - predictions)",
        "The difference is not squared: errors of opposite sign cancel.": "(predictions - targets)",
        "The predictions have become 0 and 1 before the difference. Take them as they "
        "are.": "(targets - tf.where(predictions > 0.5, 1.0, 0.0)) ** 2",
    },
    "keras.ops.mean(squares, axis=-1)": {
        "The mean is taken before the square, so that errors of opposite sign cancel. Square each difference "
        "first.": "tf.square(keras.ops.mean(weights * (targets - predictions), axis=-1))",
        "Only the first output of each sample counts. Take the mean over all of them.": "squares[:, 0]",
        "You divided by the number of samples. Divide by that of the "
        "outputs.": "keras.ops.sum(squares, axis=-1) / len(targets)",
        "You divided by the sum of the weights. Divide by the number of outputs, as the mean "
        "does.": "keras.ops.sum(squares, axis=-1) / keras.ops.sum(weights, axis=-1)",
    },
}.items():
    for words, new in mistakes.items():
        weighted_square.slip(words, old, new)


def is_the_first(attempt):
    """Whether the result is a single number, that of the first sample."""
    got = numbers_of(attempt.difference.got)
    return got.size == 1 and np.isclose(got, attempt.difference.expected[0])


for words, shown in {
    AMBIGUOUS: fails_as("ambiguous_truth"),
    NO_BOOL: lambda attempt: attempt.fails_as("bool_operand") or "bool" in attempt.difference.words,
    "Your function returns None: a `return` is missing, or has nothing after it.": f"{LOSSES} is None; expected a",
    "Your function returns a function. Return what that gives for `targets` and `predictions`.": "is a function",
    "There is one number for each entry, not one for each sample: take the mean over its "
    "outputs.": lambda attempt: np.shape(attempt.difference.got) == np.shape(attempt.case[0]),
    "This is the number of the first sample alone. A `return` ends a loop: collect the numbers of all "
    "samples.": lambda attempt: is_the_first(attempt),
    "This is no tensor, so training could get no gradient. NumPy and plain Python let none through: compute with "
    "functions of `tf` or `keras.ops`.": "; expected a tensor",
    "The numbers are right, but no gradient comes through. NumPy, Python numbers, `tf.stop_gradient` and new variables "
    "let none through.": f"{GRADIENT} is",
}.items():
    declare(weighted_square, words, shown)


@weighted_square.mistake_if(
    "One weight goes to the whole sample. Each entry has a weight of its own: multiply before you average.",
    last=True,
)
def _(attempt):
    y, p = attempt.exercise.arguments(attempt.case)
    one, other = (attempt.call(y, x) / keras.losses.mean_squared_error(y, x) for x in (p, p * p))
    return np.ptp(one) > 0.1 and np.allclose(one, other)


weighted_square.mistake_if(
    "Whole numbers and `float32` do not mix in TensorFlow: write 2.0 and 1.0, or convert with `tf.cast`.",
    lambda attempt: attempt.fails_as("dtypes_differ"),
    see="notebook 04: TensorFlow does not mix dtypes",
)


# A metric with state

KIND, NAME = "the class", 'the name of a metric made with `name="mine"`'
AGAIN = "the result, when read once more,"
AFTER_RESET = "the result after `reset_state` and the last batch again"
EAGER, IN_FIT = "the result", "the result in compiled code, as in `fit`,"

BATCHES = [
    (
        ([0, 0, 0, 1, 1], [0.75, 0.25, 0.125, 1.0, 0.25]),
        ([0, 1, 1, 1], [0.875, 0.75, 0.25, 0.625]),
    ),
    (([0, 0, 1], [0.5, 0.625, 0.25]), ([0, 0, 0, 0, 1], [0.25, 0.0, 0.75, 1.0, 0.875])),
    (([1, 1], [0.75, 0.25]), ([1, 0, 0], [1.0, 0.0, 0.75])),
    (([0, 0, 1, 0], [2.75, -0.25, 1.625, 0.25]),),
]
IN_COMPILED_CODE = (IN_FIT, ([0, 0, 1], [0.75, 0.25, 1.0]), ([0, 1, 1], [0.25, 0.75, 0.25]))


def over_batches(answer, how, *batches):
    if not issubclass(answer, keras.metrics.Metric):
        return {KIND: kind_of(answer())}
    takes_name = "name" in inspect.signature(answer).parameters
    metric = answer(name="mine") if takes_name else answer()

    def update_and_read(targets, scores):
        metric.update_state(targets, scores)
        return metric.result()

    if how == IN_FIT:
        update_and_read = compiled(update_and_read)
    seen, told = {KIND: "a metric"}, []
    for targets, scores in batches:
        told.append(f"y_true {targets}, y_pred {scores}")
        place = f"{how} after {', then '.join(told)}"
        seen[place] = plain(update_and_read(*columns(targets, scores)))
    if how == EAGER:
        seen[AGAIN] = plain(metric.result())
    metric.reset_state()
    seen[AFTER_RESET] = plain(update_and_read(*columns(*batches[-1])))
    seen[NAME] = metric.name if takes_name else "mine"
    return seen


def columns(*batch):
    return [tf.constant(each, "float32")[:, None] for each in batch]


def compiled(function):
    """The function as `fit` would run it. Making it this way doesn't warn of being made again and again."""
    graph = tf.function(function, autograph=False)
    shape = tf.TensorSpec((3, 1), "float32")
    return graph.get_concrete_function(shape, shape)


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[*[(EAGER, *batches) for batches in BATCHES], IN_COMPILED_CODE],
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


# What is divided by what

#: What wrong answers add up, of the targets and the scores of a batch.
COUNTS = {
    "samples": lambda y, p: y >= 0,
    "positives": lambda y, p: y == 1,
    "negatives": lambda y, p: y == 0,
    "called": lambda y, p: p > 0.5,
    "alarms": lambda y, p: (y == 0) & (p > 0.5),
    "alarms from 0.5": lambda y, p: (y == 0) & (p >= 0.5),
    "alarms above 0": lambda y, p: (y == 0) & (p > 0),
    "hits": lambda y, p: (y == 1) & (p > 0.5),
    "missed": lambda y, p: (y == 1) & (p <= 0.5),
    "recognized": lambda y, p: (y == 0) & (p <= 0.5),
    "below 0.5": lambda y, p: (y == 0) & (p < 0.5),
    "rounded": lambda y, p: (y == 0) * np.round(p),
    "wrong": lambda y, p: (y == 1) != (p > 0.5),
    "scores": lambda y, p: (y == 0) * p,
    "batches": lambda y, p: 1,
    "shares": lambda y, p: np.sum((y == 0) & (p > 0.5)) / max(np.sum(y == 0), 1),
}


def gives(attempt, share):
    """Whether the attempt gives a share, as "alarms / samples"; "new alarms" are those of the last batch alone."""
    compared = 0
    for batches in BATCHES:
        called = attempt.run((EAGER, *batches))
        if called.error:
            continue
        totals = []
        for name in share.split(" / "):
            count = COUNTS[name.removeprefix("new ")]
            each = [np.sum(count(*map(np.array, batch))) for batch in batches]
            totals.append([*(each if name.startswith("new ") else np.cumsum(each)), each[-1]])
        parts, wholes = np.array(totals)
        results = numbers_of(
            [value for key, value in called.value.items() if key.startswith("the result after")]
        )
        if results.shape != wholes.shape:
            return False
        known = (wholes > 0) & np.isfinite(results)  # elsewhere 0 / 0 may have been avoided or not
        if not np.allclose(results[known], parts[known] / wholes[known], atol=1e-5):
            return False
        compared += known.sum()
    return not attempt.called.error and compared > 4


@FalseAlarms.mistake_if(
    "`result` changes what is kept: read once more, it tells something else. Only divide there; `fit` resets."
)
def _(attempt):
    results = [value for key, value in attempt.called.value.items() if "the result after y" in key]
    last, again = numbers_of(results[-1:]), numbers_of(attempt.part(AGAIN))
    return not np.allclose(last, again, equal_nan=True)


for words, shares in {
    "You divided by the number of all samples. Divide by the number in class 0.": "alarms / samples",
    "You divided by the number in class 1. Divide by the number in class 0.": "alarms / positives",
    "You divided by the number that is called class 1. Divide by the number in class 0.": "alarms / called",
    "The share is upside down: you divided by the number of false alarms.": "negatives / alarms",
    "This is recall: the share of class 1 that is found. Count in class 0.": "hits / positives",
    "This is precision: the share of class 1 in what is called class 1. Count in class 0.": "hits / called",
    "You counted what is found of class 1, and divided by the number in class 0.": "hits / negatives",
    "These are the samples of class 1 that are missed. Count in class 0.": "missed / positives",
    "These are the samples of class 0 that are recognized. Count the others.": "recognized / negatives, "
    "below 0.5 / negatives",
    "You counted all wrong answers, also in class 1. Count in class 0.": "wrong / samples, wrong / negatives",
    "You counted all that is called class 1, in both classes.": "called / negatives, called / samples, called / called",
    "You added up scores. First decide which class each means: above 0.5 it is class 1.": "scores / negatives",
    "A score of exactly 0.5 counts as class 1. Only a score above 0.5 is to.": "alarms from 0.5 / negatives",
    "Scores below 0.5 count as class 1, too. Is the line between the classes at 0?": "alarms above 0 / negatives",
    "You added up rounded scores. Not all are between 0 and 1: one of 2.75 counts three times.": "rounded / negatives",
    "The batches' shares are added up. Add up both totals, and divide in `result`.": "shares / new batches",
    "This is the mean of the batches' shares: small batches count like large ones. Add up totals.": "shares / batches",
    "The result is that of the last batch alone. Add to both totals with `assign_add`.": "new alarms / new negatives",
    "Each batch replaces one total. Add to both with `assign_add`.": "new alarms / negatives, alarms / new negatives",
}.items():
    FalseAlarms.mistake_if(
        words,
        lambda attempt, shares=shares: any(gives(attempt, share) for share in shares.split(", ")),
    )
for old, mistakes in {
    "self.alarms / keras.ops.maximum(self.count, 1)": {
        "This is the number of false alarms. Divide by the number in class 0.": "self.alarms.value",
    },
    "keras.ops.maximum(self.count, 1)": {
        "You divided by one more than the number in class 0. Only where that is 0, divide by 1.": "(self.count + 1)",
    },
    'name="count", initializer="zeros"': {
        "The number in class 0 begins at 1. It is to begin at 0.": 'name="count", initializer="ones"',
    },
}.items():
    for words, new in mistakes.items():
        FalseAlarms.slip(words, old, new)


@FalseAlarms.mistake_if(
    "A weight can't be changed with `=` or `+=`: that puts another thing in its place. Call its `assign_add`."
)
def _(attempt):
    update, *_ = attempt.source.partition("def update_state")[2].split("def ")
    changed = re.findall(r"self\.(\w+) \+?= ", update)
    return any(isinstance(getattr(attempt.call(), name), keras.Variable) for name in changed)


for words, shown in {
    WITHOUT_SELF: lacks_self,
    AMBIGUOUS: fails_as("ambiguous_truth"),
    "The base class is not prepared: call `super().__init__(...)` before you make "
    "weights.": lambda attempt: attempt.called.error and attempt.source.count("__init__") == 1,
    "A weight needs numbers to begin with: give `add_weight` the argument "
    '`initializer="zeros"`.': lambda attempt: (
        attempt.calls("add_weight") and attempt.fails_as("none_operand")
    ),
    "The first argument of `add_weight` is the shape. Write `name=` before the name.": fails_as(
        "not_a_shape"
    ),
    "The class is no metric: write `keras.metrics.Metric` in its brackets.": "expected 'a metric'",
    NO_BOOL: lambda attempt: attempt.case != IN_COMPILED_CODE and attempt.fails_as("bool_operand"),
    "What you add has shape (1,), and a total has shape (). Add up over all axes, without "
    "`axis`.": lambda attempt: (
        attempt.fails_as("assigned_shape") and (1,) in attempt.failure.shapes
    ),
    "There is more than one number, as if one for each sample. Add the batch up before you add it to a "
    "total.": lambda attempt: (
        attempt.fails_as("assigned_shape") or np.size(attempt.difference.got) > 1
    ),
    "`result` returns None. Write `return` there, before the share.": "is None;",
    "Keras gives `update_state` the targets first, and then the scores. Yours takes them in the other "
    "order.": lambda attempt: "update_state(self, y_pred, y_true" in attempt.source,
    "The metric does not get its name: write `super().__init__(name=name)`.": f"{NAME} is",
}.items():
    declare(FalseAlarms, words, shown)


@FalseAlarms.mistake_if(
    "As long as no sample of class 0 has come, the result is to be 0: divide by 1."
)
def _(attempt):
    _, (targets, _), *_ = attempt.case
    if attempt.called.error:
        return 0 not in targets and isinstance(attempt.called.error, ZeroDivisionError)
    first, place = f"{EAGER} after y_true {targets},", attempt.difference.place
    return 0 not in targets and place.startswith(first) and ", then" not in place


for words, shown in {
    "Your own `reset_state` does not set all totals to 0. Leave it out: that of a metric does it with all "
    "weights.": lambda attempt: (
        differs_in(attempt, AFTER_RESET) and "reset_state" in vars(attempt.answer)
    ),
    "After `reset_state` the totals are not 0 again. It sets the metric's weights to 0, and nothing else: "
    "make each total with `self.add_weight`.": f"{AFTER_RESET} is",
    "What you add up is kept in plain Python numbers or tensors. `fit` compiles `update_state`, and then it is "
    "lost: keep it in weights.": lambda attempt: (
        attempt.case == IN_COMPILED_CODE
        and (
            not attempt.called.error or not re.search("add_weight|Variable|metrics", attempt.source)
        )
    ),
    "Batch by batch your metric works, but not in `fit`, which compiles it. Tensors have no numbers then, which "
    "Python's `if`, `.numpy()` and NumPy need: compute with operations of Keras or TensorFlow, such as "
    "`tf.where`.": lambda attempt: attempt.case == IN_COMPILED_CODE,
}.items():
    declare(FalseAlarms, words, shown)


# A callback

EPOCHS, REMEMBERED = "the number of epochs of", "`epoch` at the end of"
BEFORE = "`epoch` before the training"
NOTHING = "not there"


def play_fit(answer, limit, times, *trainings):
    """Call the moments of a callback as `fit` does, with losses that are given."""
    callback = answer(limit, times)
    if not isinstance(callback, keras.callbacks.Callback):
        return {KIND: kind_of(callback)}
    seen = {KIND: "a callback", BEFORE: plain(getattr(callback, "epoch", NOTHING))}
    for number, losses in enumerate(trainings, 1):
        model = types.SimpleNamespace(stop_training=False)
        callback.set_params({"epochs": len(losses), "steps": 2, "verbose": 0})
        callback.set_model(model)
        callback.on_train_begin({})
        ran = play_epochs(callback, model, losses)
        callback.on_train_end({"loss": losses[ran - 1]})
        where = f"training {number}, with limit {limit}, times {times} and losses {losses},"
        seen[f"{EPOCHS} {where}"] = ran
        seen[f"{REMEMBERED} {where}"] = plain(getattr(callback, "epoch", NOTHING))
    return seen


def play_epochs(callback, model, losses):
    """How many epochs run until the model is to stop."""
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch, {})
        for batch in range(2):
            callback.on_train_batch_begin(batch, {})
            callback.on_train_batch_end(batch, {"loss": loss + 0.5 - batch})
        callback.on_epoch_end(epoch, {"binary_accuracy": 0.5, "loss": loss, "val_loss": 9.0})
        if model.stop_training:
            break
    return epoch + 1


@exercise(
    NOTEBOOK,
    see=FIT,
    cases=[
        (0.5, 2, [0.9, 0.4, 0.6, 0.4996, 0.3, 0.2, 0.1]),
        (0.5, 1, [0.9, 0.5, 0.4, 0.3]),
        (0.25, 3, [0.2, 0.2, 0.5, 0.2, 0.2]),
        (0.5, 2, [0.4, 0.4, 0.3], [0.7, 0.4, 0.3, 0.2], [0.9, 0.4], [0.3, 0.6, 0.7]),
        (1.0, 3, [0.9, 0.8, 0.7, 0.6]),
        (0.5, 1, [0.4, 0.9, 0.9]),
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


StopBelow.mistake_if(
    "`fit` calls `on_train_end` when it has stopped. What you set there wipes out what is to be remembered.",
    lambda attempt: "on_train_end" in attempt.source and "is None; exp" in attempt.difference.words,
)
FALLING, LOW = [0.9, 0.7, 0.45, 0.3, 0.15, 0.05, 0.0, -9.0], [9.0] * 3 + [0.4] * 6
COUNTING = """if logs["loss"] < self.limit:
            self.count += 1
        else:
            self.count = 0
        if self.count == self.times:"""
for old, mistakes in {
    "< self.limit": {
        "Training stops when the loss is above the limit. Compare the other way round.": "> self.limit",
        "A loss that equals the limit counts as below it. Only a smaller one is to count.": "<= self.limit",
    },
    "else:\n            self.count = 0": {
        "You count all epochs with a low loss. When the loss is not low, the counter goes back to 0.": "",
        "When the loss is not low, the counter goes down by 1. It is to be 0.": "else:\n            self.count -= 1",
    },
    "else:\n            self.count = 0\n        if self.count == self.times": {
        "Training stops only when the loss is not low any more: `times` is looked at only then.": "elif "
        "self.count < self.times:\n            self.count = 0\n        else",
    },
    'if logs["loss"]': {
        "The counter is 0 again in each epoch, so it never counts two.": 'self.count = 0\n        if logs["loss"]',
    },
    COUNTING: {
        "You count epochs in which the loss has fallen. Count those in which it is below "
        "`limit`.": 'self.count = 0 if epoch and logs["loss"] >= self.last else self.count + 1\n'
        '        self.last = logs["loss"]\n        if self.count == self.times:',
        "`times` is looked at before this epoch is counted. Count first.": "before = self.count\n        self.count = "
        'self.count + 1 if logs["loss"] < self.limit else 0\n        if before == self.times:',
        "You compare `times` with the number of the epoch. Compare it with that of low epochs in a "
        "row.": 'if logs["loss"] < self.limit and epoch + 1 >= self.times:',
    },
    "== self.times": {
        "Training stops an epoch too late. Count this epoch first, and compare with `==` or `>=`.": "> self.times",
        "Training stops an epoch too early: one is missing to `times` in a row.": "== self.times - 1",
    },
    "self.epoch = epoch + 1": {
        "`epoch` counts from 0, as `fit` does inside. It is to count from 1.": "self.epoch = epoch",
        "`epoch` is how many epochs in a row were low, not the number of the last one.": "self.epoch = self.count",
        "`epoch` is where the epochs in a row began, not the last one.": "self.epoch = epoch + 2 - self.times",
        "`epoch` is where the epochs in a row began, counted from 0.": "self.epoch = epoch + 1 - self.times",
        "Training stops, but `self.epoch` does not get the number of the epoch.": "pass",
    },
}.items():
    for words, new in mistakes.items():
        StopBelow.slip(words, old, new)


def is_left_over(attempt, what):
    """Whether it differs in this because of an earlier training: each one alone goes right."""
    limit, times, *trainings = attempt.case
    return differs_in(attempt, what) and all(
        attempt.run(alone).value == attempt.exercise.expected(alone).value
        for alone in [(limit, times, losses) for losses in trainings]
    )


def same_epochs(attempt, *cases):
    """Whether training stops at the same epoch in all these cases, before the last one."""
    first, *others = ([*attempt.run(case).value.values()][2] for case in cases)
    return first < len(cases[0][2]) and others == [first]


for words, shown in {
    "In another training with the same callback, what it counted before still counts. Set the counter to 0 in "
    "`on_train_begin`.": lambda attempt: is_left_over(attempt, EPOCHS),
    "In another training with the same callback, `epoch` does not begin anew. Set it to None in `on_train_begin`, and "
    "then to a number of this training.": lambda attempt: is_left_over(attempt, REMEMBERED),
    "`epoch` is set also when training does not stop. It is to be None until it has "
    "stopped.": lambda attempt: (
        differs_in(attempt, REMEMBERED) and attempt.expected.value[attempt.difference.place] is None
    ),
    "The class is no callback: write `keras.callbacks.Callback` in its brackets.": "expected 'a callback'",
    "What you keep belongs to the class, and all its objects share it. Write `self.` before its "
    "name.": lambda attempt: re.search(r"\bStopBelow\.\w+ \+?= ", attempt.source),
    "Before any training, `epoch` is to be None. Set it in `__init__`.": lambda attempt: (
        attempt.lacks("epoch") or differs_in(attempt, BEFORE)
    ),
    "The loss is not there at this moment, or it has another key. `on_epoch_end` gets it as "
    '`logs["loss"]`.': lambda attempt: (
        isinstance(attempt.called.error, KeyError) or attempt.fails_as("none_compared")
    ),
    '`logs` is a dictionary: the loss is `logs["loss"]`.': fails_as("dict_for_number"),
    "`stop_training` is no method but an attribute: assign True to it, don't call it.": fails_as(
        "calls_bool"
    ),
    "A method or `__init__` takes other arguments than it is given. Keep those of the exercise.": fails_as(
        "missing_argument", "surplus_argument"
    ),
    WITHOUT_SELF: lacks_self,
    "`fit` calls this method after each batch. The loss of the epoch comes with "
    "`on_epoch_end`.": lambda attempt: re.search(r"def on_(train_)?batch_end", attempt.source),
    "There is no method `on_epoch_end`. `fit` calls it after each epoch, when the loss of the epoch is "
    "known.": lambda attempt: attempt.answer.on_epoch_end is keras.callbacks.Callback.on_epoch_end,
    "Another value than the loss is compared: `logs` has the metrics and the validation loss, "
    "too.": lambda attempt: "'loss'" not in attempt.source and "logs[" in attempt.source,
    "`stop_training` is an attribute of the model, which the callback finds as "
    "`self.model`.": lambda attempt: "self.stop_training" in attempt.source,
    "To stop, set `self.model.stop_training` to True. Your code does not.": lambda attempt: (
        attempt.source and not re.search(r"stop_training = (?!False)|setattr", attempt.source)
    ),
    "You count down `times` itself. It has to be there for each new row of epochs: count in another "
    "attribute.": lambda attempt: "self.times -= " in attempt.source,
    "Training stops at the same epoch, whatever `limit` is. Compare the loss with "
    "`self.limit`.": lambda attempt: same_epochs(attempt, (2.0, 2, FALLING), (-2.0, 2, FALLING)),
    "Training stops at the same epoch, whatever `times` is. Compare the counter with "
    "`self.times`.": lambda attempt: same_epochs(attempt, (0.5, 1, LOW), (0.5, 3, LOW)),
    "Training stops too early: at that epoch the loss has not been below `limit` for `times` epochs in a "
    "row.": lambda attempt: (
        differs_in(attempt, EPOCHS) and attempt.difference.got < attempt.difference.expected
    ),
    "Training does not stop in time, though the loss has been below `limit` for `times` epochs in a "
    "row.": lambda attempt: differs_in(attempt, EPOCHS),
    "Training stops where it should, but `epoch` is not the number of the last epoch, counted from "
    "1.": lambda attempt: differs_in(attempt, REMEMBERED),
}.items():
    declare(StopBelow, words, shown)
