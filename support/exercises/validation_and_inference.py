"""Exercises of notebook 10, on validation and inference."""

import functools
import itertools
import numbers
import re
from types import SimpleNamespace
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from support import datasets
from support.exercises.apart import next_step, patched
from support.exercises.call import Absent, has_gap, source
from support.exercises.compare import is_array, kind_of
from support.exercises.engine import ChangedItsInput, exercise
from support.exercises.errors import fails_as, lacks

NOTEBOOK = "10_validation_and_inference"
CUT = "Listing 3.24: Validation data"
MEMORIZING = "Learning or memorizing"
LEAKS = "What leaks"
INFERENCE = "Inference: using the model"
NO_GRADIENT = "notebook 05: When it goes wrong"
STEP = "notebook 06: Listing 3.20: One training step"
LAYER = "notebook 07: Listing 3.22: A dense layer of your own"
ACTIVATION = "notebook 08: The wiring limits what can be learned"
WHICH_LOSS = "notebook 09: Which loss for which problem"

RETURNS = "what your function returns"
MODEL = "the model that was trained"


def kinds(result):
    """What was returned, in words, and what is in it."""
    if isinstance(result, tuple | list):
        return f"({', '.join(kind_of(each) for each in result[:5])})"
    return kind_of(result)


def at(place, made=lambda trained: True):
    """What sees a mistake: where the first difference is, and what more shows in the model that was trained."""
    return lambda attempt: (
        attempt.difference.place == place and made(attempt.called.value.get(MODEL))
    )


# The cut

FOUR_ARRAYS = "(a NumPy array, a NumPy array, a NumPy array, a NumPy array)"
SHAPES = "the list of the four shapes"
CHANGED = "the number of rows that are not as they were given"
BOTH = "the number of rows that are both in training and in validation"
LOST = "the number of rows that are in neither part"
PAIRED = "whether each row has kept its target"
SORTED = "whether the rows of a part are still sorted"
SAME = "whether the same seed gives the same parts again"
OTHER = "whether another seed gives other parts"
LOCAL = "whether NumPy's global generator stays as it was"
SPREAD = "whether the validation rows come from all over the data"
SEEDS = "whether `seed` alone makes the generator"


def rows_sorted_by_class(rows):
    """Inputs that tell the number of their row, and targets of which the first half is 0."""
    inputs = np.column_stack([np.arange(rows), np.arange(rows) + 100]).astype("float32")
    targets = (np.arange(rows) >= rows // 2).astype("float32")[:, None]
    return inputs, targets


def cut(answer, inputs, targets, fraction, seed):
    """What is right for any permutation; nothing more once the shapes are wrong."""
    before = global_generator()
    made = mock.Mock(wraps=np.random.default_rng)
    with patched(mock.patch.object(np.random, "default_rng", made)):
        parts = answer(inputs, targets, fraction, seed)
    if parts is None:
        return None
    if kinds(parts) != FOUR_ARRAYS:
        return {RETURNS: kinds(parts)}
    shapes = [part.shape for part in parts]
    seen = {RETURNS: FOUR_ARRAYS, SHAPES: str(shapes)}
    rows, count = len(inputs), int(fraction * len(inputs))
    if shapes != [(rows - count, 2), (rows - count, 1), (count, 2), (count, 1)]:
        return seen
    training, training_targets, val, val_targets = parts
    numbers_of_rows = np.concatenate([training, val])[:, 0]
    seen[CHANGED] = int((np.concatenate([training, val])[:, 1] != numbers_of_rows + 100).sum())
    in_training, in_val = set(training[:, 0]), set(val[:, 0])
    seen[BOTH] = len(in_training & in_val)
    seen[LOST] = rows - len(in_training | in_val)
    if rows < 20 or seen[CHANGED]:  # of few rows, any order comes by chance
        return seen
    right_targets = targets[numbers_of_rows.astype(int)]
    seen[PAIRED] = np.array_equal(np.concatenate([training_targets, val_targets]), right_targets)
    steps = [np.diff(part[:, 0]) for part in (training, val)]
    seen[SORTED] = any(bool((each > 0).all() or (each < 0).all()) for each in steps) or bool(
        np.count_nonzero(np.diff(training_targets[:, 0])) < 3
    )
    seen[SPREAD] = bool(np.ptp(val[:, 0]) >= count)
    seen[SAME] = equal(parts, answer(inputs, targets, fraction, seed))
    others = [answer(inputs, targets, fraction, seed + more) for more in (1, 2)]
    seen[OTHER] = not all(equal(parts, other) for other in others)
    seen[LOCAL] = global_generator() == before
    seen[SEEDS] = all(each.args == (seed,) for each in made.mock_calls if each.args)
    return seen


def global_generator():
    """The state of the generator behind `np.random.seed`, `np.random.permutation` and the like."""
    _, key, position, *_ = np.random.get_state()
    return key.tobytes(), position


def equal(parts, others):
    return all(np.array_equal(one, other) for one, other in zip(parts, others, strict=True))


@exercise(
    NOTEBOOK,
    see=CUT,
    cases=[(8, 0.25, 1), (10, 0.25, 3), (11, 0.25, 0), (3, 0.25, 0), (24, 0.4, 5)],
    given=lambda rows, fraction, seed: (*rows_sorted_by_class(rows), fraction, seed),
    observe=cut,
    hints=[
        "`np.random.default_rng(seed)` makes a generator, and its method `permutation(n)` the numbers from 0 to "
        "n - 1 in some order.",
        "An array with such numbers in its brackets gives its rows in this order. Take the same numbers for inputs and "
        "targets.",
        "With `count = int(fraction * len(inputs))`, `[:count]` is for validation and `[count:]` for training.",
    ],
)
def split(inputs, targets, fraction, seed):
    permutation = np.random.default_rng(seed).permutation(len(inputs))
    shuffled_inputs, shuffled_targets = inputs[permutation], targets[permutation]
    count = int(fraction * len(inputs))
    return (
        shuffled_inputs[count:],
        shuffled_targets[count:],
        shuffled_inputs[:count],
        shuffled_targets[:count],
    )


def parts_of(attempt, *given):
    """The four arrays that are returned in the case, or for what else is given.

    Raises:
        Absent: other things are returned.
    """
    parts = attempt.call(*(given or attempt.exercise.arguments(attempt.case)))
    if kinds(parts) != FOUR_ARRAYS:
        raise Absent
    return parts


def lengths(attempt):
    """Of the four arrays, if the number of rows is what is wrong with them."""
    return [len(part) for part in parts_of(attempt)] if attempt.difference.place == SHAPES else []


def columns(attempt):
    """How many the four arrays have; 0 where one has another rank."""
    return [part.shape[1] if part.ndim == 2 else 0 for part in parts_of(attempt)]


split.mistake_if(
    "Return four NumPy arrays side by side, with commas between them: not converted, nor in pairs.",
    at(RETURNS),
)
split.mistake_if(
    "`fraction` is a share, not a position. `int(fraction * len(inputs))` says how many rows that is.",
    fails_as("no_integer"),
)
split.mistake_if(
    "The order is to be: training inputs, training targets, validation inputs, validation targets.",
    lambda attempt: sorted(columns(attempt)) == [1, 1, 2, 2] and columns(attempt) != [2, 1, 2, 1],
)
split.mistake_if(
    "Nothing is left for training where `fraction` is too small for a single row: `[:-0]` is empty. "
    "Cut at a position counted from the front.",
    lambda attempt: int(attempt.case[0] * attempt.case[1]) == 0 and 0 in lengths(attempt)[:2],
)
split.mistake_if(
    "The sizes of the parts do not depend on `fraction`: your code does not use it.",
    lambda attempt: (
        len({len(parts_of(attempt, *rows_sorted_by_class(20), f, 0)[2]) for f in (0.2, 0.8)}) == 1
    ),
)
split.mistake_if(
    "Rows between the two parts are lost. One part is to begin where the other ends.",
    lambda attempt: 0 < sum(lengths(attempt)[::2]) < attempt.case[0],
)
split.mistake_if(
    "A part has a row twice, and other rows are lost. Draw without replacement: a permutation has each row once.",
    lambda attempt: (
        attempt.difference.place in (BOTH, LOST)
        and any(len(np.unique(part[:, 0])) < len(part) for part in parts_of(attempt)[::2])
    ),
)
COUNT = "int(fraction * len(inputs))"
for words, old, new in [
    (
        f"Training and validation are exchanged. Validation has `{COUNT}` rows, and comes last.",
        COUNT,
        f"len(inputs) - {COUNT}",
    ),
    ("All rows are still in training. Take those for validation out.", "[count:]", ""),
    ("The number of validation rows is rounded. Cut the decimals off.", "int(", "round("),
    (
        "The number of validation rows is rounded up. Cut the decimals off, with `int`.",
        COUNT,
        "int(np.ceil(fraction * len(inputs)))",
    ),
    (
        "The inputs are shuffled and the targets are not. A target belongs to its point: shuffle both alike.",
        "targets[permutation]",
        "targets",
    ),
    (
        "The targets are shuffled and the inputs are not. A target belongs to its point: shuffle both alike.",
        "inputs[permutation]",
        "inputs",
    ),
    (
        "The rows are not shuffled. They come sorted by class: a part would have one class alone, or nearly so.",
        "np.random.default_rng(seed).permutation(len(inputs))",
        "np.arange(len(inputs))",
    ),
]:
    split.slip(words, old, new)
for place, words in {
    CHANGED: "Some rows are not as they were given. Shuffle whole rows: all columns alike, and change no number.",
    SHAPES: f"The parts have other shapes. Take whole rows: `{COUNT}` for validation and all others, each once, for "
    "training. The targets keep rank 2.",
    BOTH: "Some rows are in both parts. Validation would be about rows that the model is trained on.",
    PAIRED: "Inputs and targets are shuffled differently, so a point loses its target. Use one permutation for both.",
    SORTED: "The rows of a part are still sorted, or its classes. Shuffle all rows before you cut, and leave them so.",
    SPREAD: "The validation rows stood side by side in the data, sorted by class. Shuffle all rows before you cut.",
    SAME: "The same seed gives other parts each time: the generator is not made with `seed`.",
    OTHER: "Every seed gives the same parts: your code does not use `seed`.",
    LOCAL: "Your code uses NumPy's global generator, as `np.random.seed` does. Use `np.random.default_rng(seed)`.",
    SEEDS: "A generator is made with something else than `seed` alone. Write `np.random.default_rng(seed)`.",
}.items():
    split.mistake_if(words, at(place))


# Scaling without a leak


@exercise(
    NOTEBOOK,
    see=LEAKS,
    cases=[
        ([[1.0, 10.0], [3.0, 20.0], [8.0, 60.0]], [[2.0, 40.0], [5.0, 90.0]]),
        ([[0.0, 1.0, 5.0], [2.0, -1.0, 6.0], [4.0, 4.0, 0.0], [5.0, 0.0, 1.0]], [[1.0, 2.0, 3.0]]),
        ([[1.5], [2.5], [8.0]], [[4.0], [-2.0], [0.5], [3.0]]),
    ],
    given=lambda training, val: (np.float32(training), np.float32(val)),
    pairs=True,
    hints=[
        "To standardize a feature, subtract its mean, and divide by its standard deviation. A feature is a column.",
        "`array.mean(axis=0)` has one number for each column, and so has `array.std(axis=0)`.",
        "Compute both of the training inputs alone, keep them in two names, and apply them to both arrays.",
    ],
)
def standardize_both(training_inputs, val_inputs):
    mean = training_inputs.mean(axis=0)
    deviation = training_inputs.std(axis=0)
    return (training_inputs - mean) / deviation, (val_inputs - mean) / deviation


def by_row(array):
    return (array - array.mean(axis=1, keepdims=True)) / array.std(axis=1, keepdims=True)


VAL = "(val_inputs - mean) / deviation"
TRAINING = "(training_inputs - mean) / deviation"
EACH = " - mean) / deviation"
for words, old, new in [
    (
        "Mean and deviation are taken from all rows together. Only the training inputs may have a part in that.",
        "training_inputs.",
        "np.concatenate([training_inputs, val_inputs]).",
    ),
    (
        "Mean and deviation are taken from the validation inputs. Only the training inputs may have a part in that.",
        "training_inputs.",
        "val_inputs.",
    ),
    (
        "The validation inputs are scaled by their own mean and deviation. Use those of the training inputs for both.",
        VAL,
        "(val_inputs - val_inputs.mean(axis=0)) / val_inputs.std(axis=0)",
    ),
    (
        "The mean of the validation inputs is subtracted from them. Subtract that of the training inputs.",
        "val_inputs - mean",
        "val_inputs - val_inputs.mean(axis=0)",
    ),
    (
        "The validation inputs are divided by their own deviation. Divide by that of the training inputs.",
        VAL,
        "(val_inputs - mean) / val_inputs.std(axis=0)",
    ),
    ("Mean and deviation are of all numbers, not of each column: name the axis.", "axis=0", "None"),
    ("The mean is of all numbers, not of each column: name the axis.", "mean(axis=0)", "mean()"),
    ("The deviation is of all numbers, not of each column: name the axis.", "std(axis=0)", "std()"),
    ("Nothing is divided by the deviation.", " / deviation", ""),
    ("The mean is not subtracted.", " - mean", ""),
    ("The mean is added. Subtract it.", "- mean", "+ mean"),
    ("You divided by the variance. The standard deviation is its square root.", "std", "var"),
    ("The deviation is that with n - 1. NumPy's `std` takes n.", "std(axis", "std(ddof=1, axis"),
    ("Brackets are missing: division comes before subtraction.", EACH, " - mean / deviation)"),
    ("You divide before you subtract. Subtract the mean first.", EACH, " / deviation) - mean"),
    ("The training inputs come back as they were. Scale them, too.", TRAINING, "training_inputs"),
    (
        "The validation inputs come back as they were. Use mean and deviation of the training inputs as given.",
        VAL,
        "val_inputs",
    ),
]:
    standardize_both.slip(words, old, new)
standardize_both.mistake(
    "Each row is scaled by itself. A feature is a column: name axis 0.",
    lambda training, val: (by_row(training), by_row(val)),
)
standardize_both.mistake(
    "The two arrays come in the other order. Return the training inputs first.",
    lambda training, val: standardize_both.answer(training, val)[::-1],
)
standardize_both.mistake_if(
    "This scales to the range from 0 to 1. Subtract the mean, and divide by the standard deviation.",
    lambda attempt: np.min(attempt.called.value[0]) == 0 and np.max(attempt.called.value[0]) == 1,
)
standardize_both.mistake_if(
    "The shapes do not fit. With `axis=0`, mean and deviation are one number for each column, and fit both arrays.",
    fails_as("not_broadcastable"),
)
standardize_both.mistake_if(
    "The validation inputs have a part in what becomes of the training inputs: a leak.",
    lambda attempt: (
        not np.allclose(
            *(
                attempt.call(np.float32(attempt.case[0]), n * np.float32(attempt.case[1]))[0]
                for n in (1, 2)
            )
        )
    ),
    last=True,
)


# Classes from scores


@functools.cache
def model_with_dropout():
    """One sigmoid unit behind a dropout layer."""
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.run_eagerly = True  # nothing to compile for a few rows
    predict = model.predict

    def predict_quickly(x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Without the tenth of a second that `predict` needs to begin, for answers that call it for each row."""
        if isinstance(x, np.ndarray | tf.Tensor) and steps is None and callbacks is None:
            return np.asarray(model(x))
        return predict(x, batch_size, verbose, steps, callbacks)

    def evaluate(*_, **__):
        raise ValueError("this model is not compiled, and there are no targets")

    model.predict, model.evaluate = predict_quickly, evaluate
    return model


def model_and_inputs(weights, inputs):
    model = model_with_dropout()
    model.set_weights([np.array(weights[:2])[:, None], np.array(weights[2:])])
    return model, np.array(inputs, dtype="float32")


def state_of(model):
    """What an answer might change about a model."""
    settings = [vars(each).get(name) for each in model.layers for name in ("activation", "rate")]
    return [*model.layers], settings, [each.tolist() for each in model.get_weights()]


class ChangedTheModel(ChangedItsInput):
    pass


def classes_of(answer, model, inputs):
    """Any kind of whole number will do, in an array or a tensor."""
    before = state_of(model)
    try:
        classes = answer(model, inputs)
    finally:
        if changed := state_of(model) != before:
            model_with_dropout.cache_clear()  # the next answer is given another one
    if changed:
        raise ChangedTheModel("the model is not as it was given")
    if not is_array(classes):
        return classes
    classes = np.asarray(classes)
    return classes.astype("int64") if classes.dtype.kind in "iu" else classes


@exercise(
    NOTEBOOK,
    see=INFERENCE,
    cases=[
        ([1.0, -1.0, 0.0], [[2.0, 1.0], [1.0, 3.0], [1.0, 1.0], [1.0, 0.5], [3.0, -1.0]]),
        ([1.0, 0.0, -30.0], [[float(number), 1.0] for number in range(40)]),
        ([2.0, 1.0, 1.0], [[1.0, 1.0]]),
        ([0.02, 0.0, 0.0], [[-1.0, 0.0], [1.0, 0.0], [25.0, 0.0], [100.0, 0.0]]),
    ],
    given=model_and_inputs,
    observe=classes_of,
    hints=[
        "Call the model, or use `predict`: either gives one score for each row, between 0 and 1.",
        "Compare the scores with 0.5. The comparison gives True and False, in the shape that is asked for.",
        '`array.astype("int64")` and `tf.cast(tensor, "int64")` make 1 and 0 of True and False.',
    ],
)
def predicted_classes(model, inputs):
    scores = model(inputs)
    return tf.cast(scores > 0.5, "int64")


predicted_classes.mistake_if(
    "`evaluate` measures loss and metrics, with targets. It says nothing about a single row: call the model, or use "
    "`predict`.",
    lambda attempt: attempt.calls("evaluate"),
    see="Evaluate",
)
predicted_classes.mistake_if(
    "`argmax` says which of several outputs is the largest. Of a single one that is always number 0. "
    "Compare the score with 0.5.",
    lambda attempt: attempt.calls("argmax") and not np.any(attempt.called.value),
)
predicted_classes.mistake_if(
    "The scores go through a sigmoid twice, and are all above 0.5 then. The model has one already.",
    lambda attempt: attempt.calls("sigmoid", "exp") and np.all(attempt.called.value == 1),
)
predicted_classes.mistake_if(
    "With `training=True` the dropout layer is at work, and scores are chance. Leave it out.",
    lambda attempt: "training=True" in attempt.source,
)
for words, old, new in [
    ("These are the scores. Compare each with 0.5.", 'tf.cast(scores > 0.5, "int64")', "scores"),
    ("An integer keeps no decimals: a score becomes 0. Compare first.", "scores > 0.5", "scores"),
    ("Every score above 0 counts as class 1, so all do. The line is at 0.5.", "0.5", "0"),
    ("A score of exactly 0.5 becomes class 1. Only scores above 0.5 are to be class 1.", ">", ">="),
    ("The classes are swapped: a score above 0.5 means class 1.", ">", "<"),
    ("The classes are swapped: a score above 0.5 means class 1.", ">", "<="),
    ("The inputs are compared with 0.5, not the scores of the model.", "scores >", "inputs >"),
]:
    predicted_classes.slip(words, old, new)
for words, seen in {
    "The classes are told by other numbers than 0 and 1.": lambda attempt: (
        attempt.difference.kind == "values" and {*attempt.called.value.flat} - {0, 1}
    ),
    "An axis is missing, which `[:, 0]`, `flatten` or a loop loses. `[:, None]` adds one.": lambda attempt: (
        np.ndim(attempt.difference.got) == 1 < np.size(attempt.difference.got)
    ),
    "This is a Python list. Compare all scores at once: that gives an array or a tensor.": lambda attempt: (
        isinstance(attempt.called.value, list)
    ),
    "These are floats, or True and False. Whole numbers come of `tf.cast`, and of an array's "
    "`astype`.": lambda attempt: attempt.difference.kind == "dtype",
}.items():
    predicted_classes.mistake_if(words, seen)


@predicted_classes.mistake_if("The line between the classes is drawn at another score than 0.5.")
def _(attempt):
    scores = np.asarray(attempt.exercise.arguments(attempt.case)[0](np.float32(attempt.case[1])))
    mine = attempt.called.value
    return attempt.difference.kind == "values" and scores[mine == 1].min() > scores[mine == 0].max()


predicted_classes.mistake_if(
    "This is one number for several rows. Return a class for each row, shape (n, 1).",
    lambda attempt: (
        isinstance(attempt.called.value, numbers.Number | np.ndarray)
        and np.size(attempt.called.value) == 1 < len(attempt.case[1])
    ),
)
for words, seen in {
    "Models have no such method any more. `predict` gives scores: compare them.": lacks(
        "predict_classes"
    ),
    "`if` wants a single True or False, and here is one for each row. Compare all rows at once.": fails_as(
        "ambiguous_truth"
    ),
    "A tensor has no `astype`; `tf.cast` converts it. What `predict` returns is an array and has one.": lacks(
        "astype"
    ),
    "Your code changes the model, by training or in its layers. Only ask for its scores.": (
        lambda attempt: isinstance(attempt.called.error, ChangedTheModel)
    ),
    "`int` and `float` make one number, and here are several. "
    '`array.astype("int64")` converts all.': fails_as("several_numbers"),
    "The model takes a batch, shape (n, 2). A single row has shape (2,). Give it all rows at once.": (
        lambda attempt: attempt.failure and (2,) in attempt.failure.shapes
    ),
}.items():
    predicted_classes.mistake_if(words, seen)


# The moons

TAPE = "the way in which your code trains"
LAYERS = "the kind of the layers with weights"
ACCURACY = "the share of right answers on fresh points"
RECORDED = "what is recorded as validation losses"
FALLS = "the course of the validation losses"
FITS = "what the loss takes the scores for"
DEPENDS = "what the recorded losses are computed of"
USED = "what your layers do with the weights that they make"
HOW = "how the losses are recorded"
TRAINED = "what the model is trained on"

RIGHT = {
    RETURNS: "a Keras model and its validation losses",
    TAPE: "by a GradientTape",
    LAYERS: "one of your own among them",
    RECORDED: "at least 5 numbers",
    TRAINED: "on the training data alone",
    ACCURACY: "at least 95 %",
    HOW: "after each epoch",
    FALLS: "they fall",
    FITS: "what they are",
    DEPENDS: "of the validation data",
    USED: "they compute with them",
}
EXCHANGED = "with scores and targets exchanged"
EACH_STEP, BEFORE = "after each step", "before each epoch"
NOT_ALLOWED = "`fit` and `train_on_batch` are not allowed here"
GAP = "nothing yet: a `...` is still in your layer"
LOGITS = "logits, and they are between 0 and 1"
SHARES = "shares between 0 and 1, and they are not"


@functools.cache
def moons():
    """Training and validation data, and fresh points, in random order."""
    parts = []
    for number, per_class in enumerate([200, 80, 400]):
        inputs, targets = datasets.two_moons(per_class, noise=0.12, seed=40 + number)
        order = np.random.default_rng(number).permutation(len(inputs))
        parts.append((inputs[order], targets[order]))
    return parts


def train_and_judge(answer, *data):
    """What is compared with RIGHT, up to the first thing that is wrong, and what has been trained."""
    if answer is train_moons.answer:
        return RIGHT  # a test trains the solution; a check need not
    own_code = [answer, *used_by(answer)]
    if any(has_gap(source(each)) for each in own_code if isinstance(each, type)):
        return {RETURNS: GAP}
    result, notes = train(answer, data)
    if result is None:
        return None
    if not (
        isinstance(result, tuple | list) and len(result) == 2 and isinstance(result[0], keras.Model)
    ):
        return {RETURNS: kinds(result)}
    model, losses = result
    fresh, fresh_targets = moons()[2]
    layers = layers_within(model)
    scores = np.asarray(model(fresh))
    trained = SimpleNamespace(
        notes=notes,
        losses=floats(losses),
        code="\n".join(map(source, own_code)),
        layers=[each for each in layers if each.trainable_weights],
        scores=scores,
        steady=np.allclose(model(fresh), scores, atol=1e-3),
    )
    seen = RIGHT | {MODEL: trained}
    if not notes.steps:
        return seen | {TAPE: "without a gradient"}
    if not any(map(is_own, trained.layers)):
        return seen | {LAYERS: " and ".join(type(each).__name__ for each in trained.layers)}
    if len(trained.losses) < 5:
        return seen | {RECORDED: f"{kind_of(losses)}, numbers in it: {len(trained.losses)}"}
    if scores.shape != fresh_targets.shape:
        return seen | {ACCURACY: f"not to be told of scores of shape {scores.shape}"}
    trained.accuracy = float(np.mean((scores > 0.5) == (fresh_targets > 0.5)))
    seen[FITS] = what_the_loss_takes(trained)
    if seen[FITS] == RIGHT[FITS] and np.isfinite(scores).all():
        seen |= with_other_data(answer, data, trained)
    if trained.accuracy < 0.95:
        return seen | {ACCURACY: f"{trained.accuracy:.1%}"}
    seen[HOW] = how_recorded(model, data, trained)
    first, last = trained.losses[0], trained.losses[-1]
    falls = last < first or min(trained.losses) < 0.5 * first
    if not (falls and np.isfinite(trained.losses).all()):
        return seen | {FALLS: f"from {first:.3g} to {last:.3g}"}
    if not any(is_own(layer) and computes(layer, model, scores) for layer in layers):
        seen[USED] = "nothing"
    return seen


def layers_within(layer):
    """All layers of a model or a layer, and those within them; no models."""
    within = layer._flatten_layers(include_self=False)
    return [each for each in within if not isinstance(each, keras.Model)]


def computes(layer, model, scores):
    """Whether the weights that a layer makes itself have a part in the scores."""
    inner = [id(weight) for each in layers_within(layer) for weight in each.weights]
    weights = [weight for weight in layer.trainable_weights if id(weight) not in inner]
    for weight in weights:
        weight.assign_add(tf.ones(weight.shape))
    return not np.array_equal(np.asarray(model(moons()[2][0])), scores)


def how_recorded(model, data, trained):
    """Whether the losses are recorded in another way than they should, as far as it shows."""
    _, _, val, val_targets = data
    loss, scores = keras.losses.BinaryCrossentropy(), np.asarray(model(val))
    last, notes, code = trained.losses[-1], trained.notes, trained.code
    nested = r"\n( *)for .*(\n\1 .*)*\n\1 +for .*(\n\1 {8}.*)*append\("
    right = np.isclose(loss(val_targets, scores), last)
    for how, seen in {
        EXCHANGED: not right and np.isclose(loss(scores, val_targets), last, 1e-3),
        EACH_STEP: len(trained.losses) == notes.steps
        and len(data[0]) not in notes.sizes
        and re.search(nested, code),
        "in order of size": sorted(trained.losses) in (trained.losses, trained.losses[::-1])
        and re.search(r"\bsort(ed)?\(", code),
        BEFORE: not right and notes.before and 0 < notes.last < notes.steps,
    }.items():
        if seen:
            return how
    return RIGHT[HOW]


def used_by(answer):
    """The classes and functions of the notebook that a function uses."""
    names = getattr(getattr(answer, "__code__", None), "co_names", ())
    used = [getattr(answer, "__globals__", {}).get(name) for name in names]
    return [each for each in used if getattr(each, "__module__", "") == "__main__"]


# What a traced function can write to: steps, when and with what it was validated, lengths of gradients.
record = functools.cache(lambda: tf.Variable(tf.zeros(512), trainable=False))


def train(answer, data):
    """Call the answer. Returns what it returns, and notes on its gradients and calls of the model."""
    keras.utils.set_random_seed(1)
    record().assign(tf.zeros(512))
    sizes, new_generator = set(), np.random.default_rng
    gradient, called_model = tf.GradientTape.gradient, keras.Model.__call__

    def noted(self, *arguments, **options):
        gradients = gradient(self, *arguments, **options)
        there = [each for each in tf.nest.flatten(gradients) if each is not None]
        length = sum(tf.reduce_sum(tf.abs(tf.cast(each, "float32"))) for each in there)
        place = 4 + tf.cast(tf.minimum(record()[0], 500), "int32")
        record().scatter_nd_update([[0], [place]], [record()[0] + 1, length])
        return gradients

    def noted_call(self, inputs, *arguments, **options):
        shape = getattr(inputs, "shape", (0,))
        sizes.add(shape[0])
        if shape == data[2].shape:
            steps, raw = record()[0], tf.reduce_all(tf.cast(inputs, "float32") == data[2])
            before, raw = tf.cast(steps == 0, "float32"), tf.cast(raw, "float32")
            values = [record()[1] + before, steps, tf.maximum(record()[3], raw)]
            record().scatter_nd_update([[1], [2], [3]], values)
        return called_model(self, inputs, *arguments, **options)

    def refused(*_, **__):
        raise RuntimeError(NOT_ALLOWED)

    def seeded(seed=None):  # whoever gives no seed draws the same numbers in each training, too
        return new_generator(1 if seed is None else seed)

    given = [array.copy() for array in data]
    next_step()
    with patched(
        mock.patch.object(tf.GradientTape, "gradient", noted),
        mock.patch.object(keras.Model, "__call__", noted_call),
        mock.patch.object(keras.Model, "fit", refused),
        mock.patch.object(keras.Model, "train_on_batch", refused),
        mock.patch.object(np.random, "default_rng", seeded),
    ):
        result = answer(*given)
    if not equal(given, data):
        raise ChangedItsInput("your code changes what was given to it")
    steps, before, last, raw, *lengths = record().numpy()
    return result, SimpleNamespace(
        sizes=sizes, steps=steps, before=before, last=last, other=last and not raw, lengths=lengths
    )


def of_keras(kind):
    return kind.__module__.split(".")[0] == "keras"


def is_own(layer):
    """Whether the class is written from `keras.layers.Layer`, not from another layer of Keras."""
    kinds_of_it = type(layer).__mro__
    own = list(itertools.takewhile(lambda kind: not of_keras(kind), kinds_of_it))
    return bool(own) and kinds_of_it[len(own)] is keras.layers.Layer


def floats(losses):
    try:
        return [float(loss) for loss in losses]
    except (TypeError, ValueError):
        return []


def what_the_loss_takes(trained):
    code = trained.code
    if not np.isfinite(trained.scores).all():
        return RIGHT[FITS]
    are_shares = trained.scores.min() >= -0.01 and trained.scores.max() <= 1.01
    if are_shares and ("from_logits=True" in code or "cross_entropy_with_logits" in code):
        return LOGITS
    within = trained.scores.min() >= 0 and trained.scores.max() <= 1
    if not (within or "logits" in code or "sigmoid" in code) and "rossentropy" in code:
        return SHARES
    return RIGHT[FITS]


def with_other_data(answer, data, trained):
    """Train once more, with validation points that are somewhat elsewhere: what changes?"""
    training, targets, val, val_targets = data
    other_data = training, targets, val + np.float32(0.05), val_targets
    (other_model, losses), notes = train(answer, other_data)
    others = floats(losses)
    if len(others) == len(trained.losses) and np.allclose(others, trained.losses, 1e-7, 0):
        return {DEPENDS: "not of the validation data"}

    # Who stops by the validation loss, or keeps the best weights, ends at another epoch, but the steps are the same.
    moved = np.abs(np.asarray(other_model(moons()[2][0])) - trained.scores).mean()
    if moved > 1e-3 and drift(notes, trained.notes) > 1e-3:
        _, same_again = train(answer, data)  # how much is left to chance?
        if drift(notes, trained.notes) > 20 * drift(same_again, trained.notes):
            return {TRAINED: "on the validation data, too"}
    return {}


def drift(notes, others):
    """How much the gradients of two trainings differ, at most, in the steps that both have made."""
    steps = int(min(notes.steps, others.steps))
    one, other = np.array(notes.lengths[:steps]), np.array(others.lengths[:steps])
    return np.max(np.abs(one - other) / (other + 1e-3), initial=0)


@exercise(
    NOTEBOOK,
    see=MEMORIZING,
    cases=[()],
    given=lambda: (*moons()[0], *moons()[1]),
    observe=train_and_judge,
    seconds=4,  # for each training, also without `tf.function`
    hints=[
        "Begin with the layer: `build` makes a matrix and a bias with `add_weight`, and `call` applies them.",
        "The model is a `keras.Sequential` of a hidden layer with 16 units or more and `tf.nn.relu`, and a last one "
        "with 1 unit and `tf.nn.sigmoid`. Call it once, so that it has weights.",
        "A step: predictions and loss under a `tf.GradientTape`, the gradients for `model.trainable_variables`, and "
        "`optimizer.apply_gradients(zip(gradients, model.trainable_variables))`. `Adam(0.05)` is quick.",
        "All training points make one batch, so that an epoch is one step. After each one, append `float(...)` of the "
        "validation loss to a list. A hundred epochs are enough; `@tf.function` above the step makes them quick.",
    ],
)
def train_moons(training_inputs, training_targets, val_inputs, val_targets):
    class OwnDense(keras.layers.Layer):
        def __init__(self, units, activation):
            super().__init__()
            self.units = units
            self.activation = activation

        def build(self, input_shape):
            shape = (input_shape[-1], self.units)
            self.W = self.add_weight(shape=shape, initializer="glorot_uniform")
            self.b = self.add_weight(shape=(self.units,), initializer="zeros")

        def call(self, inputs):
            return self.activation(tf.matmul(inputs, self.W) + self.b)

    model = keras.Sequential([OwnDense(32, tf.nn.relu), OwnDense(1, tf.nn.sigmoid)])
    model(training_inputs[:1])  # makes the weights
    loss_function = keras.losses.BinaryCrossentropy()
    optimizer = keras.optimizers.Adam(0.05)

    @tf.function
    def training_step(inputs, targets):
        with tf.GradientTape() as tape:
            loss = loss_function(targets, model(inputs))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    @tf.function
    def val_loss():
        return loss_function(val_targets, model(val_inputs))

    val_losses = []
    for _ in range(100):  # an epoch is one step on all the training points
        training_step(training_inputs, training_targets)
        val_losses.append(float(val_loss()))
    return model, val_losses


for words, see, seen in [
    (
        "Weights are made in `call`, which runs at each use. Make them in `build`, which runs once.",
        LAYER,
        fails_as("weights_made_late"),
    ),
    (
        "No gradient arrives at the weights. Compute the loss from the model's output inside of the `with` block, "
        "without leaving TensorFlow.",
        NO_GRADIENT,
        fails_as("no_gradients", "none_operand"),
    ),
    (
        "The model has no weights when they are asked for: `build` makes them with `self.add_weight`. Call it before.",
        LAYER,
        fails_as("no_weights_yet"),
    ),
    (
        "Your layer is not prepared: `__init__` has to call `super().__init__()` first.",
        LAYER,
        lambda attempt: attempt.fails_as("super_init_missing") or attempt.lacks("name"),
    ),
    (
        "The model is trained by `fit` or `train_on_batch`. Write the step yourself: a tape, gradients, an optimizer.",
        STEP,
        lambda attempt: attempt.failure and NOT_ALLOWED in attempt.failure.message,
    ),
]:
    train_moons.mistake_if(words, seen, see=see)
train_moons.mistake_if(
    "`call` of your layer returns nothing, so the next layer gets None.",
    lambda attempt: attempt.fails_as("none_subscripted") and "input_shape" in attempt.called.line,
    see=LAYER,
)

train_moons.mistake_if(
    "A `...` is still in your layer: write its methods first.",
    lambda attempt: attempt.part(RETURNS) == GAP,
    see=LAYER,
)
train_moons.mistake_if(
    "The loss takes the scores for logits, but they are between 0 and 1, as a sigmoid makes them. Omit one of the two.",
    lambda attempt: attempt.part(FITS) == LOGITS,
    see=WHICH_LOSS,
)
train_moons.mistake_if(
    "The crossentropy takes the scores for shares, but not all are between 0 and 1: the last layer needs a sigmoid.",
    lambda attempt: attempt.part(FITS) == SHARES,
    see=WHICH_LOSS,
)


def units_are_alike(layer):
    """Whether all units of a layer have the same weights, so that they are one unit."""
    matrix = np.asarray(layer.trainable_weights[0])
    return matrix.ndim == 2 and matrix.shape[1] > 1 and np.ptp(matrix, axis=1).max() < 1e-6


def is_linear(trained):
    """Whether a plane gives the scores, or what a sigmoid has made them of."""
    inputs, scores = moons()[2][0], trained.scores[:, 0].astype("float64")
    if scores.min() >= 0 and scores.max() <= 1:
        middle = (scores > 1e-3) & (scores < 1 - 1e-3)  # elsewhere, float32 has lost too much
        inputs, scores = inputs[middle], np.log(scores[middle] / (1 - scores[middle]))
    columns = np.column_stack([inputs, np.ones(len(inputs))])
    misses = scores - columns @ np.linalg.lstsq(columns, scores, rcond=None)[0]
    return len(scores) >= 10 and np.abs(misses).max() < 0.01 * np.ptp(scores)


for words, see, made in [  # where the model is not right often enough
    (
        "The model is to have one output for each point, shape (n, 1): the last layer has one unit.",
        MEMORIZING,
        lambda trained: trained.scores.shape != moons()[2][1].shape,
    ),
    (
        "Training has diverged: scores are NaN or infinite. The step is too long, or it goes up the slope.",
        "notebook 06: How large a step?",
        lambda trained: not np.isfinite(trained.scores).all(),
    ),
    (
        "The model gives other scores each time: `call` draws random numbers. Compute with the weights.",
        LAYER,
        lambda trained: not trained.steady,
    ),
    (
        "Softmax makes 1 of a single output, for every point: take a sigmoid.",
        WHICH_LOSS,
        lambda trained: np.allclose(trained.scores, 1, atol=1e-5) and "softmax" in trained.code,
    ),
    (
        "All scores are 0. A `relu` at the end makes that of all that is negative: take a sigmoid.",
        ACTIVATION,
        lambda trained: not trained.scores.any() and "sigmoid" not in trained.code,
    ),
    (
        "In training, the model gets other points than those that were given, scaled ones perhaps. Fresh points come "
        "as they are: scale in a first layer `Normalization`.",
        MEMORIZING,
        lambda trained: trained.notes.other,
    ),
    (
        "All units of a hidden layer have the same weights, and are as good as one. Begin with random weights.",
        MEMORIZING,
        lambda trained: any(map(units_are_alike, trained.layers[:-1])),
    ),
    (
        "There is no hidden layer: one layer with weights draws a straight line, and no line parts the moons.",
        ACTIVATION,
        lambda trained: len(trained.layers) == 1,
    ),
    (
        "The model learns the opposite. Either the step follows the gradient uphill, or the targets are turned round.",
        STEP,
        lambda trained: (
            trained.accuracy < 0.15
            or (
                trained.losses[-1] > trained.losses[0]
                and (trained.accuracy < 0.4 or re.search(r"assign_add\(|-loss|-grad", trained.code))
            )
        ),
    ),
    (
        "The border that the model draws is a straight line: no activation is at work between the layers.",
        ACTIVATION,
        lambda trained: trained.accuracy > 0.6 and is_linear(trained),
    ),
    (
        "The validation losses are all the same. Are the gradients applied, and is the loss one for a single output?",
        STEP,
        lambda trained: np.ptp(trained.losses) <= 1e-3 * abs(trained.losses[0]),
    ),
    (
        "The loss is given the predictions first. A loss of Keras takes the targets first.",
        "notebook 09: Your own",
        lambda trained: re.search(
            r"(loss\w*|\w*ntropy\w*|bce)\((model\(|predict|y_pred|scores|outputs)", trained.code
        ),
    ),
    (
        "The validation loss still fell when training ended. Take more steps, or larger ones.",
        "notebook 06: How large a step?",
        lambda trained: trained.losses[-2] - trained.losses[-1] > 1e-3 * trained.losses[0],
    ),
]:
    train_moons.mistake_if(words, at(ACCURACY, made), see=see)
train_moons.mistake_if(
    "Your class takes over what a layer of Keras does. Derive it from `keras.layers.Layer`, and write its `call`.",
    at(LAYERS, lambda trained: not all(of_keras(type(each)) for each in trained.layers)),
    see=LAYER,
)
for how, words in {
    EXCHANGED: "The recorded loss is given the scores first. A loss of Keras takes the targets first.",
    EACH_STEP: "A loss is appended after each step. An epoch has several: append after the inner loop.",
    BEFORE: "The losses are recorded before the steps of an epoch: that after the last epoch is missing.",
}.items():
    train_moons.mistake_if(words, lambda attempt, how=how: attempt.part(HOW) == how)
train_moons.mistake_if(
    "The numbers rise as an accuracy does. Record the loss of the validation data.",
    at(FALLS, lambda trained: 0.9 < trained.losses[-1] <= 1),
)
for words, seen in {
    "A single loss is recorded. Append one in the loop over the epochs, not after it.": lambda trained: (
        len(trained.losses) == 1
    ),
    "The losses are no list of single numbers. Append `float(loss)`.": lambda trained: (
        not trained.losses
    ),
}.items():
    train_moons.mistake_if(words, at(RECORDED, seen))
for place, see, words in [
    (RETURNS, MEMORIZING, "Return two things: a Keras model, then the list of validation losses."),
    (TAPE, STEP, "Your code asks no `tf.GradientTape` for a gradient."),
    (
        LAYERS,
        LAYER,
        "No layer with weights is your own. Make them in yours, with `self.add_weight`.",
    ),
    (
        ACCURACY,
        MEMORIZING,
        "The model has learned too little. Do the steps train all weights, on all points, often enough?",
    ),
    (RECORDED, MEMORIZING, "Append `float(loss)` after each of at least 5 epochs."),
    (
        FALLS,
        MEMORIZING,
        "The recorded losses do not fall. Are they of validation data and targets, anew each epoch?",
    ),
    (
        DEPENDS,
        "Reading those lines",
        "Other validation data give the same losses: they are of other data.",
    ),
    (USED, LAYER, "Your layers do not compute with the weights that they make themselves."),
    (TRAINED, LEAKS, "The model learns from the validation data: others make another model."),
]:
    train_moons.mistake_if(words, at(place), see=see)
