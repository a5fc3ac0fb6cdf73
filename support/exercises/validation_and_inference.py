"""Exercises of notebook 10, on validation and inference."""

import functools
import itertools
import re
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from support import datasets
from support.exercises.call import has_gap, source
from support.exercises.compare import is_array, kind_of
from support.exercises.engine import exercise

NOTEBOOK = "10_validation_and_inference"
CUT = "Listing 3.24: Validation data"
WHY = "Why hold data back"
MEMORIZING = "Learning or memorizing"
LEAKS = "What leaks"
INFERENCE = "Inference: using the model"
ACTIVATION = "notebook 08: The wiring limits what can be learned"
STEP = "notebook 06: Listing 3.20: One training step"
LAYER = "notebook 07: Listing 3.22: A dense layer of your own"
NO_GRADIENT = "notebook 05: When it goes wrong"


class Seen(dict):
    """What is compared, and besides it, in `also`, what helps to explain."""

    def __init__(self, **also):
        super().__init__()
        self.also = also


# The cut

RETURNS = "what your function returns"
NUMBERS = "the number of rows in each of the four arrays"
BOTH = "the number of rows that are both in training and in validation"
LOST = "the number of rows that are in neither part"
TORN = "the number of rows whose target is that of another row"
SHUFFLED = "whether the rows of the {} part are in another order than before"
MIXED = "whether the classes are mixed in the training part"
SAME = "whether the same seed gives the same parts again"
OTHER = "whether another seed gives other parts"


def rows_sorted_by_class(rows):
    """Rows with different numbers, the first ones of class 0."""
    inputs = np.column_stack([np.arange(rows), np.arange(rows) + 100]).astype("float32")
    targets = (np.arange(rows) >= rows // 2).astype("float32")[:, None]
    return inputs, targets


def cut(answer, inputs, targets, fraction, seed):
    """What is right for any permutation."""
    parts = answer(inputs, targets, fraction, seed)
    seen = Seen(targets=targets)
    seen[RETURNS] = "four NumPy arrays" if _four_arrays(parts) else _kinds(parts)
    if not _four_arrays(parts):
        return seen
    training, training_targets, val, val_targets = parts
    seen.also["parts"] = parts
    seen[NUMBERS] = ", ".join(str(len(part)) for part in parts)
    if any(part.ndim != 2 for part in parts) or [part.shape[1] for part in parts] != [2, 1, 2, 1]:
        seen[NUMBERS] = "shapes " + ", ".join(str(part.shape) for part in parts)
    in_training, in_val = _positions(training), _positions(val)
    if in_training is None or in_val is None:
        seen[RETURNS] = "arrays in which a row is not as it was given"
        return seen
    given = set(range(len(inputs)))
    seen[BOTH] = len(set(in_training) & set(in_val))
    seen[LOST] = len(given - set(in_training) - set(in_val))
    if len(in_training) == len(training_targets) and len(in_val) == len(val_targets):
        right = targets[[*in_training, *in_val]]
        seen[TORN] = int((np.concatenate([training_targets, val_targets]) != right).sum())
    else:
        seen[TORN] = len(inputs)
    for name, positions in [("training", in_training), ("validation", in_val)]:
        if len(inputs) >= 20 and positions:
            in_order = sorted(positions)
            seen[SHUFFLED.format(name)] = positions not in (in_order, in_order[::-1])
    if len(inputs) >= 20 and len(in_training) > 15:
        seen[MIXED] = bool(np.count_nonzero(np.diff(training_targets.ravel())) > 2)
    if len(inputs) >= 20:
        seen[SAME] = _equal(parts, answer(inputs, targets, fraction, seed))
        others = [answer(inputs, targets, fraction, seed + number) for number in (1, 2)]
        seen[OTHER] = not all(_equal(parts, other) for other in others)
    return seen


def _four_arrays(parts):
    return (
        isinstance(parts, list | tuple)
        and len(parts) == 4
        and all(isinstance(part, np.ndarray) and part.ndim > 0 for part in parts)
    )


def _kinds(parts):
    if not isinstance(parts, list | tuple):
        return kind_of(parts)
    kinds = sorted({kind_of(part) for part in parts})
    return f"a {type(parts).__name__} of {len(parts)}" + f", with {', '.join(kinds)} in it" * bool(
        kinds
    )


def _positions(part):
    """Where the rows were in the given inputs; None if one was not there."""
    first = part[:, 0] if part.ndim == 2 and part.shape[1] == 2 else None
    if first is None or not np.array_equal(part[:, 1], first + 100):
        return None
    return [int(number) for number in first]


def _equal(parts, others):
    return all(np.array_equal(one, other) for one, other in zip(parts, others, strict=True))


@exercise(
    NOTEBOOK,
    see=CUT,
    cases=[
        (8, 0.25, 1),
        (10, 0.25, 3),
        (11, 0.25, 0),
        (3, 0.25, 0),
        (24, 0.25, 5),
        (40, 0.75, 2),
    ],
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


def lengths(attempt):
    """Of the four arrays, and the right numbers of rows for training and validation."""
    rows, fraction, _ = attempt.case
    count = int(fraction * rows)
    return [len(part) for part in attempt.called.value.also["parts"]], rows - count, count


split.mistake_if(
    "Your function returns nothing: give the four arrays after `return`, with commas between them.",
    lambda attempt: attempt.called.error is None and attempt.called.value[RETURNS] == "None",
)
split.mistake_if(
    "The parts are grouped in pairs. Return four arrays side by side: training inputs, training targets, "
    "validation inputs, validation targets.",
    lambda attempt: "of 2, with a Python" in attempt.called.value[RETURNS],
)


@split.mistake_if(
    "Four arrays are asked for, and yours are fewer or more: inputs and targets of both parts."
)
def _(attempt):
    returns = attempt.called.value[RETURNS]
    return (
        " of " in returns
        and returns.split(" of ")[1][0] != "4"
        and "arrays in which" not in returns
    )


split.mistake_if(
    "`fraction` is a share and no position. How many rows that is, `int(fraction * len(inputs))` says.",
    lambda attempt: "slice indices" in str(attempt.called.error),
)


@split.mistake_if(
    "The four parts are not in the order asked for: training inputs, training targets, validation inputs, "
    "validation targets."
)
def _(attempt):
    parts = attempt.called.value.also["parts"]
    return [part.shape[1:] for part in parts] in (
        [(2,), (2,), (1,), (1,)],
        [(1,), (2,), (1,), (2,)],
    )


@split.mistake_if(
    "Nothing is left for training where `fraction` is too small for a single row: `[:-0]` is empty. "
    "Cut at a position counted from the front."
)
def _(attempt):
    mine, _, val = lengths(attempt)
    return val == 0 and 0 in mine[:2]


@split.mistake_if(
    "The arrays have another rank than what was given. Take whole rows, which leaves (n, 2) and (n, 1) as they are."
)
def _(attempt):
    columns = [part.shape[1:] for part in attempt.called.value.also["parts"]]
    return columns != [(2,), (1,), (2,), (1,)]


@split.mistake_if(
    "Training and validation have changed places: either `fraction` was taken for training, or the parts come in "
    "the other order."
)
def _(attempt):
    mine, training, val = lengths(attempt)
    return training != val and mine == [val, val, training, training]


@split.mistake_if(
    "All rows are still in the training part; those for validation have to be taken out.", see=LEAKS
)
def _(attempt):
    mine, training, val = lengths(attempt)
    return mine[0] == training + val and val > 0


@split.mistake_if(
    "The number of validation rows is rounded up. `int` cuts the decimals off, and so it is asked for."
)
def _(attempt):
    mine, training, val = lengths(attempt)
    rows, fraction, _ = attempt.case
    return fraction * rows != val and mine == [training - 1, training - 1, val + 1, val + 1]


@split.mistake_if(
    "Inputs and targets are cut at different places: a part has more inputs than targets, or fewer."
)
def _(attempt):
    mine, *_ = lengths(attempt)
    return mine[0] != mine[1] or mine[2] != mine[3]


@split.mistake_if(
    "Each row is drawn on its own, so how many are for validation is left to chance. "
    "Shuffle all of them, and cut at one place."
)
def _(attempt):
    drawn = any(word in attempt.source for word in (".random(", ".uniform(", ".rand(", "binomial"))
    return drawn and attempt.difference.place == NUMBERS


split.mistake_if(
    "The parts have other sizes than asked for: `int(fraction * len(inputs))` rows for validation, the others for "
    "training.",
    lambda attempt: attempt.difference.place == NUMBERS,
)


@split.mistake_if(
    "Rows are drawn with replacement, so some come twice and others never. A permutation has each once."
)
def _(attempt):
    parts = attempt.called.value.also["parts"]
    rows = np.concatenate([parts[0], parts[2]])
    return (
        len(np.unique(rows, axis=0)) < len(rows)
        and attempt.called.value[LOST] > 0
        and "replace=False" not in attempt.source
        and (
            ".integers(" in attempt.source
            or "choice(" in attempt.source
            or "randint(" in attempt.source
        )
    )


split.mistake_if(
    "Some rows are in both parts, so validation would be about rows that the model has been trained on.",
    lambda attempt: attempt.called.value[BOTH] > 0,
    see=LEAKS,
)
split.mistake_if(
    "The inputs are shuffled and the targets are not. Both need the same permutation: a target belongs to its point.",
    lambda attempt: attempt.called.value[TORN] > 0 and _in_old_order(attempt, "targets"),
)
split.mistake_if(
    "The targets are shuffled and the inputs are not. Both need the same permutation: a target belongs to its point.",
    lambda attempt: attempt.called.value[TORN] > 0 and _in_old_order(attempt, "inputs"),
)


def _in_old_order(attempt, which):
    """Whether these are cut from the given ones without shuffling, from the front or from the back."""
    parts = attempt.called.value.also["parts"]
    one, other = (parts[0], parts[2]) if which == "inputs" else (parts[1], parts[3])
    given = attempt.exercise.arguments(attempt.case)[0 if which == "inputs" else 1]
    return any(np.array_equal(np.concatenate(each), given) for each in [(one, other), (other, one)])


split.mistake_if(
    "Inputs and targets are shuffled by two different permutations, which tears each point from its target. "
    "Draw one, and use it for both.",
    lambda attempt: attempt.called.value[TORN] > 0,
)


@split.mistake_if(
    "The rows are not shuffled. They come sorted by class, so that one part would have a class alone or nearly so."
)
def _(attempt):
    value = attempt.called.value
    names = [SHUFFLED.format(name) for name in ("training", "validation")]
    return not any(value.get(name, True) for name in names) and not _is_mixed(attempt)


def _is_mixed(attempt):
    """Whether the validation rows are others than those at the front or the back, or at a fixed distance."""
    parts = attempt.called.value.also["parts"]
    return len(set(np.diff(parts[2][:, 0]))) > 1


split.mistake_if(
    "Validation rows are drawn at random, but a part is in its old order, sorted by class. Shuffle before you cut.",
    lambda attempt: attempt.difference.place.startswith("whether the rows of the"),
)
split.mistake_if(
    "Each class is shuffled by itself, and they are still one after the other. Shuffle all rows together.",
    lambda attempt: attempt.difference.place == MIXED,
)
split.mistake_if(
    "The same seed gives other parts each time: the generator is not made with `seed`.",
    lambda attempt: attempt.called.value[SAME] is False,
)
split.mistake_if(
    "Every seed gives the same parts: your code does not use `seed`.",
    lambda attempt: attempt.called.value[OTHER] is False,
)
split.mistake_if(
    "Tensors and lists do not take a permutation in brackets; NumPy arrays do.",
    lambda attempt: (
        isinstance(attempt.called.error, TypeError)
        and ("indices" in str(attempt.called.error) or "scalar index" in str(attempt.called.error))
    ),
)
split.mistake_if(
    "These are not NumPy arrays any more. Rows of an array are an array: nothing needs to be converted.",
    lambda attempt: attempt.called.value[RETURNS].startswith(("a tuple of 4", "a list of 4")),
)


# Scaling without a leak

QUARTERS = st.integers(-8, 8).map(lambda number: number / 4)


def scaled(training, val):
    """A case's two tables as arrays."""
    return np.array(training, dtype="float32"), np.array(val, dtype="float32")


@exercise(
    NOTEBOOK,
    see=LEAKS,
    cases=[
        ([[1.0, 10.0], [3.0, 20.0], [8.0, 60.0]], [[2.0, 40.0], [5.0, 90.0]]),
        ([[0.0, 1.0, 5.0], [2.0, -1.0, 6.0], [4.0, 4.0, 0.0], [5.0, 0.0, 1.0]], [[1.0, 2.0, 3.0]]),
        ([[1.5], [2.5], [8.0]], [[4.0], [-2.0], [0.5], [3.0]]),
    ],
    given=scaled,
    hints=[
        "Standardized is a feature from which its mean is taken away and which is then divided by its standard "
        "deviation. A feature is a column.",
        "`array.mean(axis=0)` has one number for each column, and so has `array.std(axis=0)`.",
        "Compute both of the training inputs alone, keep them in two names, and apply them to both arrays.",
    ],
)
def standardize_both(training_inputs, val_inputs):
    mean = training_inputs.mean(axis=0)
    deviation = training_inputs.std(axis=0)
    return (training_inputs - mean) / deviation, (val_inputs - mean) / deviation


def by(of_training, of_val=None):
    """Both arrays minus a mean, divided by a deviation; each a function of the two arrays."""

    def standardize(training_inputs, val_inputs):
        scale = of_training(training_inputs, val_inputs)
        other = of_val(training_inputs, val_inputs) if of_val else scale
        with np.errstate(all="ignore"):
            return tuple(
                np.asarray((array - mean) / deviation, dtype="float32")
                for array, (mean, deviation) in [(training_inputs, scale), (val_inputs, other)]
            )

    return standardize


def moments(array, axis=0, **options):
    return array.mean(axis=axis, keepdims=True), array.std(axis=axis, keepdims=True, **options)


standardize_both.mistake(
    "The validation inputs are scaled by their own mean and deviation. Use those of the training inputs for both, "
    "as for any new point."
)(by(lambda t, v: moments(t), lambda t, v: moments(v)))
standardize_both.mistake(
    "Mean and deviation are those of all rows together: something about the validation data has leaked into training."
)(by(lambda t, v: moments(np.concatenate([t, v]))))
standardize_both.mistake(
    "Mean and deviation are those of the validation inputs. Compute them from the training inputs."
)(by(lambda t, v: moments(v)))
standardize_both.mistake(
    "One mean and one deviation are taken over all numbers. Each feature, a column, has its own: name the axis."
)(by(lambda t, v: moments(t, axis=None)))
standardize_both.mistake(
    "Each row is scaled by itself. A feature is a column, so the mean goes over the rows, axis 0."
)(by(lambda t, v: moments(t, axis=1), lambda t, v: moments(v, axis=1)))


standardize_both.mistake_if(
    "These are Python lists; arrays are asked for.",
    lambda attempt: any(isinstance(each, list) for each in attempt.called.value),
)


standardize_both.mistake("The mean is taken away, but nothing is divided by the deviation.")(
    by(lambda t, v: (moments(t)[0], 1))
)
standardize_both.mistake(
    "The arrays are divided by the deviation, but the mean is not taken away."
)(by(lambda t, v: (0, moments(t)[1])))
standardize_both.mistake("You divided by the variance. The standard deviation is its square root.")(
    by(lambda t, v: (moments(t)[0], moments(t)[1] ** 2))
)
standardize_both.mistake(
    "This is the deviation with n - 1 in place of n; `std` without `ddof` is asked for."
)(by(lambda t, v: moments(t, ddof=1)))
standardize_both.mistake(
    "The validation inputs come back as they were. They need the same scaling as the training inputs, or the "
    "model sees numbers of another size. If they were scaled, it was by statistics of the array that already is."
)(by(lambda t, v: moments(t), lambda t, v: (0, 1)))
standardize_both.mistake(
    "The validation inputs are scaled, and the training inputs come back as they were."
)(by(lambda t, v: (0, 1), lambda t, v: moments(t)))
standardize_both.mistake(
    "Here the mean of the validation inputs is taken away from them; it is to be that of the training inputs."
)(by(lambda t, v: moments(t), lambda t, v: (moments(v)[0], moments(t)[1])))
standardize_both.mistake(
    "Here the validation inputs are divided by their own deviation; it is to be that of the training inputs."
)(by(lambda t, v: moments(t), lambda t, v: (moments(t)[0], moments(v)[1])))
standardize_both.mistake(
    "The mean is for each feature, but the deviation is one of all numbers. Name its axis, too."
)(by(lambda t, v: (moments(t)[0], t.std())))
standardize_both.mistake(
    "The deviation is for each feature, but the mean is one of all numbers. Name its axis, too."
)(by(lambda t, v: (t.mean(), t.std(axis=0))))
standardize_both.mistake(
    "This scales to the range from 0 to 1. Standardized has mean 0 and deviation 1: take the mean away, and divide "
    "by the standard deviation."
)(by(lambda t, v: (t.min(axis=0), t.max(axis=0) - t.min(axis=0))))
standardize_both.mistake("The mean is added in place of being taken away.")(
    by(lambda t, v: (-moments(t)[0], moments(t)[1]))
)


standardize_both.mistake(
    "One mean and one deviation are taken over all numbers, of each array its own. Each feature of the training inputs "
    "has a mean and a deviation, and both arrays use these."
)(by(lambda t, v: moments(t, axis=None), lambda t, v: moments(v, axis=None)))
standardize_both.mistake(
    "Mean and deviation are those of all validation numbers. Take each feature of the training inputs."
)(by(lambda t, v: moments(v, axis=None)))
standardize_both.mistake(
    "Each array is scaled to its own range. Standardize by mean and deviation, and by those of the training inputs."
)(
    by(
        lambda t, v: (t.min(axis=0), np.ptp(t, axis=0)),
        lambda t, v: (v.min(axis=0), np.ptp(v, axis=0)),
    )
)
standardize_both.mistake("The median is taken away; asked for is the mean.")(
    by(lambda t, v: (np.median(t, axis=0), t.std(axis=0)))
)
standardize_both.mistake(
    "Mean and deviation are the averages of those of both arrays, so the validation data have a part in them."
)(by(lambda t, v: tuple((a + b) / 2 for a, b in zip(moments(t), moments(v), strict=True))))


@standardize_both.mistake("You multiplied by the deviation; divide by it.")
def _(training_inputs, val_inputs):
    mean, deviation = moments(training_inputs)
    return (training_inputs - mean) * deviation, (val_inputs - mean) * deviation


@standardize_both.mistake(
    "Brackets are missing: only the mean is divided, since a division comes before a subtraction."
)
def _(training_inputs, val_inputs):
    mean, deviation = moments(training_inputs)
    return training_inputs - mean / deviation, val_inputs - mean / deviation


standardize_both.mistake(
    "The two arrays come in the other order: the training inputs are the first.",
    lambda training_inputs, val_inputs: standardize_both.answer(training_inputs, val_inputs)[::-1],
)
standardize_both.mistake_if(
    "Only one array is returned. Return both, the training inputs first, with a comma between them.",
    lambda attempt: isinstance(attempt.called.value, np.ndarray) and attempt.called.value.ndim == 2,
)
standardize_both.mistake_if(
    "The means of the rows do not fit the columns. A feature is a column, so the mean goes over the rows, axis 0, "
    "and is one number for each column.",
    lambda attempt: "broadcast" in str(attempt.called.error),
)
standardize_both.mistake_if(
    "What stands for the validation inputs has another number of rows than they. The second array is to be those.",
    lambda attempt: (
        attempt.difference.kind == "shape" and attempt.difference.place.startswith("entry 1")
    ),
)
standardize_both.mistake_if(
    "The training inputs are right, the validation inputs are not. Do the same with both: subtract the mean of the "
    "training inputs, and divide by their deviation.",
    lambda attempt: (
        attempt.difference.kind == "values" and attempt.difference.place.startswith("entry 1")
    ),
)


@standardize_both.mistake_if(
    "The mean is subtracted correctly, but what you divide by is not the standard deviation of each feature."
)
def _(attempt):
    training, _ = attempt.exercise.arguments(attempt.case)
    ratios = attempt.called.value[0] / (training - training.mean(axis=0))
    return bool(np.allclose(ratios, ratios[:1], rtol=1e-3))


# Classes from scores


@functools.cache
def model_with_dropout():
    """One sigmoid unit behind a dropout layer."""
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.run_eagerly = True  # nothing to compile for a few rows
    return model


def model_and_inputs(weights, inputs):
    model = model_with_dropout()
    model.set_weights([np.array(weights[:2])[:, None], np.array(weights[2:])])
    return model, np.array(inputs, dtype="float32")


CLASSES = "the result"


def classes_of(answer, model, inputs):
    """Any kind of whole number will do, in an array or a tensor."""
    classes = answer(model, inputs)
    if is_array(classes):
        classes = np.asarray(classes)
        if classes.dtype.kind in "iu":
            classes = classes.astype("int64")
    return {CLASSES: classes}


@exercise(
    NOTEBOOK,
    see=INFERENCE,
    cases=[
        ([1.0, -1.0, 0.0], [[2.0, 1.0], [1.0, 3.0], [1.0, 1.0], [1.0, 0.5], [3.0, -1.0]]),
        ([2.0, 1.0, 1.0], [[1.0, 1.0]]),
        ([0.5, 0.25, -3.0], [[1.0, 1.0], [4.0, 2.0], [0.0, 0.0], [8.0, 8.0]]),
        ([1.0, 0.0, -20.0], [[float(number), 1.0] for number in range(40)]),
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
    scores = model.predict(inputs, verbose=0)
    return (scores > 0.5).astype("int64")


def from_scores(decide):
    """An answer that decides by what the model says in inference."""
    return lambda model, inputs: decide(model(inputs, training=False).numpy())


predicted_classes.mistake_if(
    "`argmax` says which of several outputs is the largest. Of a single one that is always number 0. "
    "Compare the score with 0.5.",
    lambda attempt: "argmax" in attempt.source and not np.any(attempt.called.value[CLASSES]),
)


@predicted_classes.mistake_if(
    "The scores go through a sigmoid twice, and are all above 0.5 then. The model has one already."
)
def _(attempt):
    twice = "sigmoid" in attempt.source or "np.exp" in attempt.source
    return twice and bool(np.all(attempt.called.value[CLASSES] == 1))


predicted_classes.mistake("These are the scores. A class is 0 or 1: compare each score with 0.5.")(
    from_scores(lambda scores: scores)
)
predicted_classes.mistake(
    "These are True and False. Classes are to be whole numbers: convert them."
)(from_scores(lambda scores: scores > 0.5))
predicted_classes.mistake(
    "The numbers are right, but they are floats. Classes are to be whole numbers: convert them to an integer dtype."
)(from_scores(lambda scores: np.round(scores)))
predicted_classes.mistake(
    "The numbers are right, but the axis of length 1 is lost. One column is asked for, shape (n, 1)."
)(from_scores(lambda scores: (scores[:, 0] > 0.5).astype("int64")))
predicted_classes.mistake(
    "Converting to integers cuts the decimals off, so every score below 1 becomes 0. Compare with 0.5 before."
)(from_scores(lambda scores: scores.astype("int64")))
predicted_classes.mistake(
    "Every score above 0 counts as class 1, and a sigmoid gives nothing else. The line is at 0.5."
)(from_scores(lambda scores: (scores > 0).astype("int64")))
predicted_classes.mistake(
    "A score of exactly 0.5 becomes class 1 here. Only above 0.5 it is to be class 1."
)(from_scores(lambda scores: (scores >= 0.5).astype("int64")))
predicted_classes.mistake("The classes are swapped: a score above 0.5 means class 1.")(
    from_scores(lambda scores: (scores <= 0.5).astype("int64"))
)
predicted_classes.mistake("The classes are swapped: a score above 0.5 means class 1.")(
    from_scores(lambda scores: (scores < 0.5).astype("int64"))
)
predicted_classes.mistake(
    "The line between the classes is drawn at the mean or the middle of these scores; it is to be at 0.5."
)(from_scores(lambda scores: (scores > scores.mean()).astype("int64")))
predicted_classes.mistake(
    "The line between the classes is drawn at the mean or the middle of these scores; it is to be at 0.5."
)(from_scores(lambda scores: (scores > np.median(scores)).astype("int64")))


predicted_classes.mistake_if(
    "With `training=True` the dropout layer is at work, and the scores are left to chance. Leave it out.",
    lambda attempt: "training=True" in attempt.source,
)


@predicted_classes.mistake_if(
    "The inputs are compared with 0.5, and not what the model says about them."
)
def _(attempt):
    _, inputs = attempt.exercise.arguments(attempt.case)
    return np.array_equal(attempt.called.value[CLASSES], inputs > 0.5)


predicted_classes.mistake_if(
    "Your function returns nothing; the classes are what to return.",
    lambda attempt: attempt.called.error is None and attempt.called.value[CLASSES] is None,
)
predicted_classes.mistake_if(
    "Shape (n, 2) has two numbers for each row: one-hot rows or the inputs. One class each is asked for, shape (n, 1).",
    lambda attempt: np.shape(attempt.called.value[CLASSES]) == (len(attempt.case[1]), 2),
)
predicted_classes.mistake_if(
    "`tf.where` or `np.where` with a condition alone gives places. Give it the two numbers to choose from, too.",
    lambda attempt: (
        "where(" in attempt.source and attempt.difference.kind in ("shape", "rank", "type")
    ),
)
predicted_classes.mistake_if(
    "The rows are lost: `axis=0` goes over them. Each row is to have its own class.",
    lambda attempt: "axis=0" in attempt.source and np.shape(attempt.called.value[CLASSES]) == (1,),
)


@predicted_classes.mistake_if("The line between the classes is drawn at another score than 0.5.")
def _(attempt):
    model, inputs = attempt.exercise.arguments(attempt.case)
    scores, mine = np.asarray(model(inputs)), attempt.called.value[CLASSES]
    return mine.shape == scores.shape and scores[mine == 1].min() > scores[mine == 0].max()


predicted_classes.mistake_if(
    "A model has no such method any more. `predict` gives scores; make classes of them.",
    lambda attempt: "predict_classes" in str(attempt.called.error),
)


@predicted_classes.mistake_if("One class is made for the whole batch. Each row is to have its own.")
def _(attempt):
    classes = attempt.called.value[CLASSES]
    return np.ndim(classes) == 0 and not isinstance(classes, str) and classes is not None


predicted_classes.mistake_if(
    "`if` wants a single True or False, and here is one for each row. Compare the whole array at once.",
    lambda attempt: "ambiguous" in str(attempt.called.error),
)
predicted_classes.mistake_if(
    "A tensor has no `astype`; `tf.cast` converts it. What `predict` returns is an array and has one.",
    lambda attempt: "astype" in str(attempt.called.error),
)
predicted_classes.mistake_if(
    "Your function returns a Python list; an array or a tensor is asked for.",
    lambda attempt: isinstance(attempt.called.value[CLASSES], list),
)


# The moons

TAPE = "the way in which your code trains"
LAYERS = "what the layers with weights are, of which one is to be yours,"
ACCURACY = "the share of right answers on fresh points"
RECORDED = "what is recorded as validation losses"
FALLS = "the course of the validation losses"
FITS = "what the loss takes the scores for"
DEPENDS = "what the recorded losses are computed of"
TRAINED = "what the model is trained on"


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
    result, spied = _run(answer, data)
    seen = Seen(gap=_gap_in_a_class(answer))
    pair = isinstance(result, tuple | list) and len(result) == 2
    fits = pair and isinstance(result[0], keras.Model)
    seen[RETURNS] = "a Keras model and its validation losses" if fits else _kinds(result)
    if pair and not fits:
        seen[RETURNS] = f"{kind_of(result[0])} and {kind_of(result[1])}"
    if not fits:
        return seen
    model, losses = result
    seen[TAPE] = "by a GradientTape" if spied else "without a gradient"
    inside = list(_layers_of(model))
    layers = [each for each in inside if each.trainable_weights]
    seen.also["weightless"] = any(_is_own(each) and not each.trainable_weights for each in inside)
    own = [each for each in layers if _is_own(each)]
    seen.also["layers"] = len(layers)
    seen.also["alike"] = [_units_are_alike(each) for each in layers[:-1]]
    seen.also["subclassed"] = [
        each
        for each in layers
        if type(each).__module__.split(".")[0] != "keras" and not _is_own(each)
    ]
    seen.also["narrow"] = [each.trainable_weights[0].shape for each in layers]
    names = " and ".join(type(each).__name__ for each in layers) or "none"
    seen[LAYERS] = "right" if own else names
    fresh, fresh_targets = moons()[2]
    scores = np.asarray(model(fresh))
    seen.also["scores"] = scores
    if scores.shape != fresh_targets.shape:
        seen[ACCURACY] = (
            f"not to be told: your model's output for 800 points has shape {scores.shape}"
        )
        return seen
    accuracy = float(np.mean((scores > 0.5) == (fresh_targets > 0.5)))
    seen.also["accuracy"], seen.also["linear"] = accuracy, _is_linear(scores, fresh)
    numbers = _numbers(losses)
    seen.also["losses"] = numbers
    seen[ACCURACY] = "at least 95 %" if accuracy >= 0.95 else f"{accuracy:.1%}"
    seen[RECORDED] = _what_is_recorded(losses, numbers)
    if not seen[RECORDED].startswith("at least"):
        return seen
    falls = numbers[-1] < numbers[0] or min(numbers) < 0.5 * numbers[0]
    seen[FALLS] = "they fall" if falls else f"from {numbers[0]:.3g} to {numbers[-1]:.3g}"
    seen[FITS] = _what_the_loss_takes(_all_code(answer), scores)
    if accuracy < 0.95 or not falls:
        return seen
    _compare_with_other_data(seen, answer, data, model, numbers)
    return seen


def _layers_of(model):
    """The layers, and those of models among them."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers_of(layer)
        else:
            yield layer


def _what_the_loss_takes(code, scores):
    inside = scores.min() >= -0.01 and scores.max() <= 1.01
    if _takes_logits(code) and inside:
        return "logits, and they are none"
    if "rossentropy" in code and not inside and "logits" not in code and "sigmoid" not in code:
        return "shares between 0 and 1, and they are none"
    return "what they are"


def _takes_logits(code):
    code = code.replace(" ", "")
    return "from_logits=True" in code or "cross_entropy_with_logits" in code


def _all_code(answer):
    """The source of the function, and of the classes and functions of the notebook that it uses."""
    names = getattr(getattr(answer, "__code__", None), "co_names", ())
    used = [getattr(answer, "__globals__", {}).get(name) for name in names]
    own = [each for each in used if getattr(each, "__module__", "") == "__main__"]
    return "\n".join([source(answer), *(source(each) for each in own)])


class TrainedByFit(Exception):
    pass


def _run(answer, data):
    """Call the answer, and note which ways of training it uses."""
    keras.utils.set_random_seed(1)
    used = set()

    gradient = tf.GradientTape.gradient

    def noted(self, *arguments, **options):
        used.add("GradientTape")
        return gradient(self, *arguments, **options)

    def refused(*_, **options):
        raise TrainedByFit("`fit` and `train_on_batch` are not allowed here")

    with (
        mock.patch.object(tf.GradientTape, "gradient", noted),
        mock.patch.object(keras.Model, "fit", refused),
        mock.patch.object(keras.Model, "train_on_batch", refused),
    ):
        return answer(*(array.copy() for array in data)), used


def _gap_in_a_class(answer):
    """The name of a class of the learner's that the code uses and that still has a `...`."""
    names = getattr(getattr(answer, "__code__", None), "co_names", ())
    used = [getattr(answer, "__globals__", {}).get(name) for name in names]
    gaps = [each.__name__ for each in used if isinstance(each, type) and has_gap(source(each))]
    return gaps[0] if gaps else ""


def _is_own(layer):
    """Whether the class is written from `keras.layers.Layer`, not from another layer of Keras."""
    classes = type(layer).__mro__
    own = list(itertools.takewhile(lambda each: not each.__module__.startswith("keras"), classes))
    return bool(own) and classes[len(own)] is keras.layers.Layer


def _units_are_alike(layer):
    """Whether all units of a layer have the same weights, so that they are one unit."""
    matrix = np.asarray(layer.trainable_weights[0])
    return matrix.ndim == 2 and matrix.shape[1] > 1 and bool(np.ptp(matrix, axis=1).max() < 1e-6)


def _numbers(losses):
    try:
        return [float(loss) for loss in losses]
    except (TypeError, ValueError):
        return []


def _what_is_recorded(losses, numbers):
    if not numbers:
        return kind_of(losses) if not isinstance(losses, list) else "a list without numbers"
    if not np.isfinite(numbers).all():
        return "NaN or infinity, among others"
    return "at least 5 numbers" if len(numbers) >= 5 else f"{len(numbers)} of at least 5 numbers"


def _is_linear(scores, inputs):
    """Whether the scores, or what the sigmoid was applied to, depend on the inputs by a plane."""
    columns = np.hstack([inputs, np.ones((len(inputs), 1))])
    inside = np.clip(scores.astype("float64"), 1e-6, 1 - 1e-6)
    middle = ((scores > 1e-3) & (scores < 1 - 1e-3))[:, 0]
    logits = np.log(inside / (1 - inside))
    for values, rows in [(scores, scores[:, 0] == scores[:, 0]), (logits, middle)]:
        if rows.sum() < 10 or np.ptp(values[rows]) < 1e-4:
            continue
        plane = columns[rows] @ np.linalg.lstsq(columns[rows], values[rows], rcond=None)[0]
        if np.abs(plane - values[rows]).max() < 0.01 * np.ptp(values[rows]):
            return True
    return False


def _compare_with_other_data(seen, answer, data, model, numbers):
    """Train once more, with validation points that are somewhat elsewhere: what changes?"""
    training, targets, val, val_targets = data
    fresh = moons()[2][0]
    (other, losses), _ = _run(answer, (training, targets, val + np.float32(0.05), val_targets))
    others = _numbers(losses)
    same = len(others) == len(numbers) and np.allclose(others, numbers, 1e-7, 0)
    seen[DEPENDS] = "not of the validation data" if same else "of the validation data"
    moved = np.abs(np.asarray(other(fresh)) - np.asarray(model(fresh))).mean()
    alike = len(others) == len(numbers) and np.argmin(others) == np.argmin(numbers)
    joined = any(word in source(answer) for word in ("concat", "vstack", "np.r_", "np.append("))
    leaks = False
    if moved > 1e-3 and (alike or joined):
        (again, _), _ = _run(answer, data)
        leaks = moved > 20 * np.abs(np.asarray(again(fresh)) - np.asarray(model(fresh))).mean()
    seen[TRAINED] = "on the validation data, too" if leaks else "on the training data alone"


@exercise(
    NOTEBOOK,
    see=MEMORIZING,
    cases=[()],
    given=lambda: (*moons()[0], *moons()[1]),
    observe=train_and_judge,
    seconds=40,
    hints=[
        "Begin with the layer: `build` makes a matrix and a bias with `add_weight`, and `call` applies them and the "
        "activation. Notebook 07 has one.",
        "The model is a `keras.Sequential` of a hidden layer with 16 units or more and an activation such as "
        "`tf.nn.relu`, and a last one with 1 unit and `tf.nn.sigmoid`. Call it once, so that it has weights.",
        "A step: predictions and loss under a `tf.GradientTape`, the gradients for `model.trainable_variables`, and "
        "`optimizer.apply_gradients(zip(gradients, model.trainable_variables))`. `Adam(0.05)` is quick.",
        "All training points make one batch, so that an epoch is one step. After each one, compute the loss of the "
        "validation points without a tape, and append `float(...)` of it to a list. A hundred epochs are enough; "
        "`@tf.function` above the step makes them quick.",
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


def also(attempt, name):
    return attempt.called.value.also[name]


def fails(attempt):
    """Whether the model is not right often enough."""
    return attempt.called.value[ACCURACY] != "at least 95 %"


train_moons.mistake_if(
    "A `...` is still in your layer: write its methods first.",
    lambda attempt: bool(_gap_in_a_class(attempt.answer)),
    see=LAYER,
)


@train_moons.mistake_if(
    "No gradient arrives at the weights. The loss has to be computed from the model's output inside of the `with` "
    "block, and without leaving TensorFlow.",
    see=NO_GRADIENT,
)
def _(attempt):
    error = str(attempt.called.error)
    return (
        "No gradients provided" in error
        or "None values not supported" in error
        or ("NoneType" in error and "unsupported operand" in error)
    )


@train_moons.mistake_if(
    "The model has no weights yet when they are asked for: a layer makes them at its first input. Call it once before.",
    see="notebook 07: A stack that builds itself",
)
def _(attempt):
    error = str(attempt.called.error)
    return "expected 2, got 0" in error or "`trainable_variables`" in error


train_moons.mistake_if(
    "`call` of your layer returns nothing, so the next layer gets None.",
    lambda attempt: (
        "NoneType" in str(attempt.called.error) and "input_shape" in attempt.called.line
    ),
    see=LAYER,
)


@train_moons.mistake_if(
    "Your layer is not prepared: `__init__` has to call `super().__init__()` first.", see=LAYER
)
def _(attempt):
    error = str(attempt.called.error)
    return "super().__init__" in error or (
        "has no attribute" in error and "super()" not in _all_code(attempt.answer)
    )


train_moons.mistake_if(
    "A tape is spent after one gradient. Ask for all gradients in one call.",
    lambda attempt: "non-persistent" in str(attempt.called.error),
    see=NO_GRADIENT,
)
train_moons.mistake_if(
    "Your function returns the model alone. Return two things: `return model, val_losses`.",
    lambda attempt: (
        attempt.called.value[RETURNS].startswith("a Sequential object")
        or ("and" not in attempt.called.value[RETURNS] and attempt.called.value[RETURNS] != "None")
    ),
)
train_moons.mistake_if(
    "Your function returns nothing. Return two things: `return model, val_losses`.",
    lambda attempt: attempt.called.value[RETURNS] == "None",
)
train_moons.mistake_if(
    "The model and the losses come in the wrong order, or what comes first is no Keras model: "
    "a `keras.Sequential` of your layers is one.",
    lambda attempt: attempt.difference.place == RETURNS,
)
train_moons.mistake_if(
    "The model is trained by `fit` or `train_on_batch`. Write the step yourself: a tape, gradients, an optimizer.",
    lambda attempt: isinstance(attempt.called.error, TrainedByFit),
    see=STEP,
)
train_moons.mistake_if(
    "No gradient has been asked of a `tf.GradientTape`, so nothing can have been learned from the data by it.",
    lambda attempt: attempt.difference.place == TAPE,
    see=STEP,
)
train_moons.mistake_if(
    "Your class takes over what a layer of Keras does. Derive it from `keras.layers.Layer`, and write its weights and "
    "its `call` yourself.",
    lambda attempt: attempt.difference.place == LAYERS and bool(also(attempt, "subclassed")),
    see=LAYER,
)
train_moons.mistake_if(
    "Your layer has no weights that Keras knows of, so they are not trained. Make its matrix and its bias with "
    "`self.add_weight`.",
    lambda attempt: attempt.difference.place == LAYERS and also(attempt, "weightless"),
    see=LAYER,
)
train_moons.mistake_if(
    "None of the model's layers with weights is one of your own. Take your layer in place of a Dense of Keras.",
    lambda attempt: attempt.difference.place == LAYERS,
    see=LAYER,
)
train_moons.mistake_if(
    "The model is to have one output for each point, shape (n, 1): the last layer has one unit.",
    lambda attempt: "not to be told" in attempt.called.value[ACCURACY],
)
train_moons.mistake_if(
    "Training has diverged: the weights are NaN or infinite. The step is too long, or it goes up the slope.",
    lambda attempt: not np.isfinite(also(attempt, "scores")).all(),
    see="notebook 06: How large a step?",
)
train_moons.mistake_if(
    "Softmax divides by the sum of the outputs. With one output, that gives 1 for every point; a sigmoid does not.",
    lambda attempt: (
        fails(attempt)
        and np.allclose(also(attempt, "scores"), 1, atol=1e-5)
        and "softmax" in _all_code(attempt.answer)
    ),
    see="notebook 09: Which loss for which problem",
)


@train_moons.mistake_if(
    "Targets of rank 1 against predictions of shape (n, 1) stretch to (n, n): each score meets every target.",
    see="notebook 04: Broadcasting: small shapes stretch",
)
def _(attempt):
    flat = any(
        word in attempt.source
        for word in ("[:, 0]", "reshape(-1)", "squeeze", "ravel", "flatten", "[-1]")
    )
    return fails(attempt) and flat and np.ptp(also(attempt, "scores")) < 0.3


train_moons.mistake_if(
    "All units of a hidden layer have the same weights, so they are as good as one. If they begin alike, at 0 or at 1, "
    "they stay alike: let the initializer draw them at random.",
    lambda attempt: fails(attempt) and any(also(attempt, "alike")),
)


@train_moons.mistake_if(
    "The losses go up: the step follows the gradient uphill. Subtract it, or leave that to an optimizer."
)
def _(attempt):
    code = _all_code(attempt.answer)
    return (
        fails(attempt)
        and ("assign_add" in code or "+=" in code or "-loss" in code)
        and _rises(attempt)
    )


def _rises(attempt):
    losses = also(attempt, "losses")
    return len(losses) > 1 and losses[-1] > losses[0]


train_moons.mistake_if(
    "There is no hidden layer: one layer with weights draws a straight line, and no line parts the moons.",
    lambda attempt: fails(attempt) and also(attempt, "layers") == 1,
    see=ACTIVATION,
)
train_moons.mistake_if(
    "Between the layers there is no activation, so the model draws a straight line, however many layers it has.",
    lambda attempt: fails(attempt) and also(attempt, "linear") and also(attempt, "accuracy") > 0.6,
    see=ACTIVATION,
)
train_moons.mistake_if(
    "The model has learned the wrong way round, and is wrong nearly everywhere. Either the step follows the gradient "
    "uphill, or the targets are turned round.",
    lambda attempt: fails(attempt) and also(attempt, "accuracy") < 0.15,
)
train_moons.mistake_if(
    "The loss takes the scores for logits, but the last layer has a sigmoid. Leave out one of the two.",
    lambda attempt: _what_the_loss_takes(
        _all_code(attempt.answer), also(attempt, "scores")
    ).startswith("logits"),
    see="notebook 09: Which loss for which problem",
)
train_moons.mistake_if(
    "The scores are not between 0 and 1, where the crossentropy takes them for shares: the last layer needs a sigmoid.",
    lambda attempt: _what_the_loss_takes(
        _all_code(attempt.answer), also(attempt, "scores")
    ).startswith("shares"),
    see="notebook 09: Which loss for which problem",
)


@train_moons.mistake_if(
    "The validation loss stays as it is from the first epoch to the last: the weights do not move. "
    "Are the gradients applied, at a rate that is not too small?",
    see=STEP,
)
def _(attempt):
    losses = also(attempt, "losses")
    return fails(attempt) and len(losses) > 1 and np.ptp(losses) < 1e-3 * abs(losses[0])


@train_moons.mistake_if(
    "The hidden layer is too narrow to bend the border around the moons. Give it more units.",
    see=ACTIVATION,
)
def _(attempt):
    widths = [shape[-1] for shape in also(attempt, "narrow")[:-1]]
    return fails(attempt) and bool(widths) and min(widths) <= 3


@train_moons.mistake_if(
    "The loss is given the predictions first. A loss of Keras takes the targets first, then the predictions.",
    see="notebook 09: Your own",
)
def _(attempt):
    first = r"(loss\w*|\w*ntropy\w*|bce)\((model\(|predict|y_pred|scores|outputs)"
    return fails(attempt) and re.search(first, _all_code(attempt.answer)) is not None


train_moons.mistake_if(
    "The model has learned too little. Take more steps, or another rate, and look whether each point meets its own "
    "target in the loss.",
    lambda attempt: fails(attempt),
)
train_moons.mistake_if(
    "There is one validation loss only, or few. Measure after each epoch, inside of the loop, and append to a list.",
    lambda attempt: (
        attempt.difference.place == RECORDED
        and (
            0 < len(also(attempt, "losses")) < 5
            or "Python float" in attempt.called.value[RECORDED]
            or "tensor" in attempt.called.value[RECORDED]
        )
    ),
)
train_moons.mistake_if(
    "What you return as validation losses is not a list of numbers. Append `float(loss)` after each epoch.",
    lambda attempt: attempt.difference.place == RECORDED,
)


@train_moons.mistake_if(
    "The numbers rise as an accuracy does. Record the loss of the validation data."
)
def _(attempt):
    losses = also(attempt, "losses")
    return attempt.difference.place == FALLS and losses[-1] > 0.9 and max(losses) <= 1


train_moons.mistake_if(
    "The recorded losses do not fall, though the model learns. Is the loss measured in each epoch anew, on the "
    "validation data?",
    lambda attempt: attempt.difference.place == FALLS,
)
train_moons.mistake_if(
    "The recorded losses are the same for other validation data: they are losses of the training data.",
    lambda attempt: attempt.difference.place == DEPENDS,
    see="Reading those lines",
)
train_moons.mistake_if(
    "The model has been trained on the validation rows, too: with others it is another model. What it says of "
    "them is worth nothing then.",
    lambda attempt: attempt.difference.place == TRAINED,
    see=LEAKS,
)
