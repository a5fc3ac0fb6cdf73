"""Exercises of notebook 03, on variables."""

import ast

import keras
import numpy as np
import tensorflow as tf

from support.exercises.engine import exercise

NOTEBOOK = "03_variables"
CHANGING = "A tensor that can change"
ELEMENT = "Listing 3.7: Assign to one element"
ADDING = "Listing 3.8: Add to it, and subtract from it"
FIXED = "What stays fixed"
NAMES = "The box and its name"
TRAINABLE = "Trainable or not"


class Contents(dict):
    """What variables hold after a call, by name, and what the call returned."""

    returned = None


def contents_of(*names):
    """Observe what the first arguments hold after the call."""

    def observe(answer, *given):
        contents = Contents()
        contents.returned = answer(*given)
        contents.update((name, each.numpy()) for name, each in zip(names, given, strict=False))
        return contents

    return observe


def before(attempt):
    """What the variables held before the call."""
    given = attempt.exercise.arguments(attempt.case)
    return [each.numpy() for each in given[: len(attempt.called.value)]]


def after(attempt):
    return list(attempt.called.value.values())


def untouched(attempt):
    """Whether the variables hold what they held."""
    return attempt.called.error is None and all(
        map(np.array_equal, after(attempt), before(attempt))
    )


def returns_it(attempt):
    """Whether what the variables should hold is returned."""
    returned, wanted = attempt.called.value.returned, list(attempt.expected.value.values())
    if len(wanted) == 1:
        returned = [returned]
    if any(each is None for each in returned or []):
        return False
    if not isinstance(returned, list | tuple) or len(returned) != len(wanted):
        return False
    return all(
        np.shape(mine) == np.shape(right) and np.allclose(mine, right)
        for mine, right in zip(returned, wanted, strict=True)
    )


def functions_in(attempt):
    return [node for node in ast.walk(attempt.tree) if isinstance(node, ast.FunctionDef)]


def boxes_of(attempt, function):
    """The names that the function gives to the variables."""
    names = [argument.arg for argument in function.args.args]
    return set(names[: len(before(attempt))])


def moves_a_name(attempt):
    """Whether the code gives the name of a variable to something else."""
    return any(
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Store)
        and node.id in boxes_of(attempt, function)
        for function in functions_in(attempt)
        for node in ast.walk(function)
    )


def names_a_box_again(attempt):
    """Whether the code gives a variable a second name, as in `old = first`."""
    return any(
        isinstance(node, ast.Name) and node.id in boxes_of(attempt, function)
        for function in functions_in(attempt)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Assign)
        for node in (
            statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
        )
    )


def in_error(attempt, *words):
    text = str(attempt.called.error)
    return attempt.called.error is not None and any(each in text for each in words)


def does_not_use(attempt, position):
    """Whether an argument is not read at all."""
    (function,) = [node for node in attempt.tree.body if isinstance(node, ast.FunctionDef)]
    name = function.args.args[position].arg
    return not any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        for node in ast.walk(function)
    )


def fails_in(attempt, call):
    """Whether the error comes from such a call, and not from an assignment of what it gives."""
    return (
        attempt.called.error is not None
        and call in attempt.called.line
        and not in_error(attempt, "Cannot assign")
    )


def works_in_place(exercise):
    """Declare what goes wrong in every exercise that changes variables."""

    exercise.mistake_if(
        "Forms like `+=` and `*=` are refused on a variable. Its own methods change what it holds.",
        lambda attempt: in_error(attempt, "with `tf.Variable`s is not supported"),
        see=NAMES,
    )

    exercise.mistake_if(
        "Square brackets before a `=` write neither into a tensor nor into a variable. "
        "Elements and slices of a variable have `assign` for that.",
        lambda attempt: in_error(attempt, "item assignment"),
        see=ELEMENT,
    )

    exercise.mistake_if(
        "An element or a slice of a variable has `assign` alone. `assign_add` and `assign_sub` are for all of it.",
        lambda attempt: in_error(attempt, "no attribute 'assign_") and "]" in attempt.called.line,
        see=ELEMENT,
    )

    exercise.mistake_if(
        "Only a variable has `assign` and its relatives, and an element or a slice taken directly from it. "
        "What you called it on is a plain tensor: a value that was read or computed.",
        lambda attempt: in_error(attempt, "no attribute 'assign", "no attribute 'scatter"),
        see=NAMES,
    )

    exercise.mistake_if(
        "A variable has no `len`. Its `shape` says how many entries there are: `shape[0]` along the first axis.",
        lambda attempt: in_error(attempt, "has no len()"),
    )

    exercise.mistake_if(
        "A variable has no method of this name: it is neither a list nor an array. "
        "Compute the new content, then `assign` it.",
        lambda attempt: in_error(attempt, "'ResourceVariable' object has no attribute"),
        see=CHANGING,
    )

    exercise.mistake_if(
        "TensorFlow has no function of this name. Reading the variable, arithmetic and `assign` are enough here.",
        lambda attempt: in_error(attempt, "'tensorflow' has no attribute"),
        see=CHANGING,
    )

    exercise.mistake_if(
        "A tensor of another dtype is refused: the variable keeps the dtype that it was made with.",
        lambda attempt: in_error(attempt, "Tensor conversion requested dtype float32"),
        see=FIXED,
    )

    exercise.mistake_if(
        "`assign` is a method: call it with the value in parentheses. "
        "With `=` you replaced the method itself, and the content stayed.",
        lambda attempt: any(
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and node.attr.startswith("assign")
            for node in ast.walk(attempt.tree)
        ),
        see=CHANGING,
    )

    @exercise.mistake_if(
        "`numpy()` gives a copy. You changed the copy, and the variable still holds what it held.",
        see=CHANGING,
    )
    def _(attempt):
        copies = any(each in attempt.source for each in (".numpy()", "np.array(", "np.asarray("))
        return (
            untouched(attempt)
            and copies
            and not (calls_assign(attempt) or returns_it(attempt) or moves_a_name(attempt))
        )

    exercise.mistake_if(
        "You changed a variable of your own, made from the one that came in. "
        "The one that the caller holds is as it was.",
        lambda attempt: untouched(attempt) and "tf.Variable(" in attempt.source,
        see=NAMES,
    )


def calls_assign(attempt):
    return ".assign" in attempt.source


# Exercise 1


SHARED = "whether two counters are one variable"


def counter_as_seen(answer, start):
    counter = answer(start)
    return {
        "what your function returns": counter,
        "the counter's `trainable`": getattr(counter, "trainable", None),
        SHARED: counter is answer(start),
    }


@exercise(
    NOTEBOOK,
    see=TRAINABLE,
    cases=[(3,), (0,), (-2,), (100,)],
    observe=counter_as_seen,
    hints=[
        "`tf.Variable` makes a variable of a first value, which also settles the dtype.",
        "A Python `int` becomes `int32` and a single number has rank 0, so `start` can be used as it is.",
        "A second argument, `trainable`, tells training to leave the variable alone.",
    ],
)
def make_counter(start):
    return tf.Variable(start, trainable=False)


def counter_of(attempt):
    return attempt.called.value["what your function returns"]


def is_counter(attempt):
    return isinstance(counter_of(attempt), tf.Variable)


make_counter.mistake_if(
    "Each call returns the same variable, so all counters count together. Make a new one in the function.",
    lambda attempt: attempt.difference.place == SHARED,
)
make_counter.mistake_if(
    "Your function returns None: a `return` is missing, or has nothing after it.",
    lambda attempt: counter_of(attempt) is None,
)
make_counter.mistake_if(
    "This is Keras's own variable. The exercise asks for a `tf.Variable`.",
    lambda attempt: isinstance(counter_of(attempt), keras.Variable) and not is_counter(attempt),
    see=CHANGING,
)
make_counter.mistake_if(
    "You made a variable, but what you return is a number read from it. Return the variable itself.",
    lambda attempt: not is_counter(attempt) and "tf.Variable(" in attempt.source,
    see=NAMES,
)
make_counter.mistake_if(
    "This is a tensor, which can never count on. A variable can.",
    lambda attempt: isinstance(counter_of(attempt), tf.Tensor),
    see=CHANGING,
)
make_counter.mistake_if(
    "A plain number or array is no variable: training and counting need the box around it, a `tf.Variable`.",
    lambda attempt: isinstance(counter_of(attempt), int | float | list | np.generic | np.ndarray),
    see=CHANGING,
)
make_counter.mistake_if(
    "`trainable` can't be changed later: it is settled when the variable is made. Give it to `tf.Variable`.",
    lambda attempt: in_error(attempt, "has no setter", "can't set attribute"),
)
make_counter.mistake_if(
    "Only `tf.Variable` knows the argument `trainable`, when it makes the variable.",
    lambda attempt: in_error(attempt, "unexpected keyword argument 'trainable'"),
)
make_counter.mistake_if(
    "A variable needs its first value when it is made, and here it got none: `start` comes first.",
    lambda attempt: in_error(
        attempt, "`initial_value` arg", "missing 1 required positional argument"
    ),
    see=CHANGING,
)
make_counter.mistake_if(
    'This is not a dtype that TensorFlow knows. It calls the one that is wanted `tf.int32`, or "int32".',
    lambda attempt: in_error(attempt, "to a TensorFlow DType"),
    see="notebook 02: From Python and NumPy, and back",
)
make_counter.mistake_if(
    "TensorFlow has no such name. Variables are made by `tf.Variable`, with a capital V.",
    lambda attempt: in_error(attempt, "'tensorflow' has no attribute"),
    see=CHANGING,
)
make_counter.mistake_if(
    "`trainable` has got a text, or something else that is not a truth value. "
    "Python's words are `True` and `False`, without quotes.",
    lambda attempt: is_counter(attempt) and not isinstance(counter_of(attempt).trainable, bool),
)
make_counter.mistake_if(
    "A variable was made with `start` as its shape. `start` is the value that it is to hold.",
    lambda attempt: is_counter(attempt) and attempt.case[0] in counter_of(attempt).shape,
    see=CHANGING,
)
make_counter.mistake_if(
    "The counter has an axis: brackets around the number make a row with one entry. A single number has rank 0.",
    lambda attempt: is_counter(attempt) and len(counter_of(attempt).shape) > 0,
    see="notebook 02: A block of numbers",
)
make_counter.mistake_if(
    "The counter holds a floating-point number, and training may change it. Mend both.",
    lambda attempt: counter_of(attempt).dtype.is_floating and counter_of(attempt).trainable,
    see=CHANGING,
)
make_counter.mistake_if(
    "The counter holds a floating-point number. Counts are whole: leave the number an integer.",
    lambda attempt: counter_of(attempt).dtype.is_floating,
    see=CHANGING,
)
make_counter.mistake_if(
    "The counter is `int64`, twice as wide as asked for. A Python `int` becomes `int32` when no dtype is named.",
    lambda attempt: counter_of(attempt).dtype == tf.int64,
    see="notebook 02: From Python and NumPy, and back",
)
make_counter.mistake_if(
    "The counter has another dtype than the one asked for. A Python `int` becomes `int32` when no dtype is named.",
    lambda attempt: counter_of(attempt).dtype != tf.int32,
    see="notebook 02: From Python and NumPy, and back",
)
make_counter.mistake_if(
    "The counter always begins at the same number: your code does not use `start`.",
    lambda attempt: is_counter(attempt) and does_not_use(attempt, 0),
    see=CHANGING,
)
make_counter.mistake_if(
    "The counter has counted once already. It is to hold `start`.",
    lambda attempt: int(counter_of(attempt)) == attempt.case[0] + 1,
    see=ADDING,
)
make_counter.mistake_if(
    "Training may change this variable: that is the default. A counter has to be told no.",
    lambda attempt: counter_of(attempt).trainable and int(counter_of(attempt)) == attempt.case[0],
)
make_counter.mistake_if(
    "The counter does not hold `start` but a number made of it. Take `start` as it is.",
    lambda attempt: is_counter(attempt) and int(counter_of(attempt)) != attempt.case[0],
    see=CHANGING,
)


# Exercise 2


@exercise(
    NOTEBOOK,
    see=ADDING,
    cases=[
        ([4.0, 12.0], [8.0, 2.0], 0.25),
        ([1.0], [3.0], 0.5),
        ([0.0, -2.0, 5.0], [1.0, -2.0, -3.0], 0.125),
        ([2.0, 7.0], [10.0, -1.0], 1.0),
        ([1.0, 2.0, 3.0], [9.0, 9.0, 1.0], 0.0),
    ],
    given=lambda average, value, rate: (tf.Variable(average), tf.constant(value), rate),
    observe=contents_of("average"),
    hints=[
        "The whole way from `average` to `value` is their difference. Which way round must you subtract?",
        "The step is the fraction `rate` of that difference, and it is added to what the variable holds.",
        "Arithmetic on variables gives a tensor. One of the methods of the variable changes its content: "
        "`assign`, `assign_add` or `assign_sub`.",
        "`average.assign_add(step)` does it. The step is `rate` times the difference, which stands in parentheses.",
    ],
)
def move_toward(average, value, rate):
    average.assign_add(rate * (value - average))


works_in_place(move_toward)


move_toward.mistake_if(
    "With `=` the name `average` moved to a new tensor. The variable, which the caller holds, is as it was.",
    lambda attempt: untouched(attempt) and moves_a_name(attempt),
    see=NAMES,
)
move_toward.mistake_if(
    "You return the right numbers, but the variable still holds the old ones. Put them into it.",
    lambda attempt: untouched(attempt) and returns_it(attempt),
    see=NAMES,
)
move_toward.mistake_if(
    "A value of another shape can't be put into the variable: "
    "the new content needs one number for each entry of `average`.",
    lambda attempt: in_error(attempt, "Shape mismatch", "Cannot update variable with shape"),
    see=FIXED,
)


@move_toward.mistake(
    "The average moves away from the value: the difference is the wrong way round."
)
def _(average, value, rate):
    average.assign_sub(rate * (value - average))


@move_toward.mistake(
    "The average has gone all the way to the value. Only the fraction `rate` of the way was asked for.",
    see=CHANGING,
)
def _(average, value, rate):
    average.assign(value)


@move_toward.mistake(
    "The two fractions have changed places: `rate` belongs to the value, and the rest, 1 - rate, to the old average."
)
def _(average, value, rate):
    average.assign(rate * average + (1 - rate) * value)


@move_toward.mistake(
    "`rate` times the value itself was added. "
    "The way to go is from the average to the value, so the average must be subtracted first."
)
def _(average, value, rate):
    average.assign_add(rate * value)


@move_toward.mistake(
    "The variable holds the step alone. The step is to be added to what was there.", see=CHANGING
)
def _(average, value, rate):
    average.assign(rate * (value - average))


@move_toward.mistake(
    "The variable holds `rate` times the value, and nothing of the old average is left."
)
def _(average, value, rate):
    average.assign(rate * value)


@move_toward.mistake(
    "The old average has shrunk, and nothing of the value has come in: its share, `rate` times the value, is missing."
)
def _(average, value, rate):
    average.assign((1 - rate) * average)


@move_toward.mistake(
    "The whole value was added, and its share is only `rate` times the value. Mind the parentheses, too."
)
def _(average, value, rate):
    average.assign((1 - rate) * average + value)


@move_toward.mistake("The average goes half of the way, whatever `rate` says.")
def _(average, value, rate):
    average.assign((average + value) / 2)


@move_toward.mistake(
    "The sum was multiplied by `rate`. It is the difference that is to be shortened."
)
def _(average, value, rate):
    average.assign(rate * (average + value))


@move_toward.mistake(
    "The sum of both was added. The way from the average to the value is their difference."
)
def _(average, value, rate):
    average.assign_add(rate * (average + value))


@move_toward.mistake(
    "The average always grows: the difference has lost its sign. Where the value is smaller, the average must go down."
)
def _(average, value, rate):
    average.assign_add(rate * tf.abs(value - average))


@move_toward.mistake(
    "The variable was changed before the difference was taken, so the step starts from the new content. "
    "Compute the step first, or change the variable once."
)
def _(average, value, rate):
    average.assign((1 - rate) * average)
    average.assign_add(rate * (value - average))


@move_toward.mistake("The step was taken twice.")
def _(average, value, rate):
    average.assign_add(rate * (value - average))
    average.assign_add(rate * (value - average))


@move_toward.mistake("The whole difference was added to the value in place of the old average.")
def _(average, value, rate):
    average.assign(value + rate * (value - average))


@move_toward.mistake_if("The difference was divided by `rate`; a fraction of it is a product.")
def _(attempt):
    average, value, rate = attempt.exercise.arguments(attempt.case)
    return np.allclose(after(attempt)[0], average + (value - average) / rate)


@move_toward.mistake(
    "Average, value and `rate` were multiplied. The step is a fraction of a difference."
)
def _(average, value, rate):
    average.assign(average * value * rate)


@move_toward.mistake(
    "`rate` itself was added to each entry. It is a fraction of the way to the value."
)
def _(average, value, rate):
    average.assign(average + rate)


@move_toward.mistake("The difference was squared. The step is a fraction of the difference itself.")
def _(average, value, rate):
    average.assign_add(rate * (value - average) ** 2)


@move_toward.mistake(
    "A mean over the entries crept in. Each entry goes toward the entry of `value` in its own place."
)
def _(average, value, rate):
    average.assign((1 - rate) * average + rate * tf.reduce_mean(value))


@move_toward.mistake(
    "A mean over the entries crept in: all go the same step. Each has a difference of its own."
)
def _(average, value, rate):
    average.assign(average + rate * tf.reduce_mean(value - average))


@move_toward.mistake(
    "`rate` times the value was subtracted. "
    "The way to go is from the average to the value, by a fraction of the difference."
)
def _(average, value, rate):
    average.assign_sub(rate * value)


@move_toward.mistake("The whole value was added. Only a fraction of the difference is to be added.")
def _(average, value, rate):
    average.assign_add(value)


@move_toward.mistake_if("Only the first entry has changed. All entries are to move.", see=ELEMENT)
def _(attempt):
    mine, old = after(attempt)[0], before(attempt)[0]
    return mine[0] != old[0] and len(mine) > 1 and np.array_equal(mine[1:], old[1:])


move_toward.mistake_if(
    "A comparison of two vectors gives a vector, which is neither true nor false. No loop that tests is needed here.",
    lambda attempt: in_error(attempt, "truth value", "Non-scalar"),
)
move_toward.mistake_if(
    "The variable holds what it held before. Put the new numbers into it with one of its methods.",
    lambda attempt: untouched(attempt),
    see=CHANGING,
)
move_toward.mistake_if(
    "Your code does not use `rate`, so the average can't go that fraction of the way.",
    lambda attempt: does_not_use(attempt, 2),
)
move_toward.mistake_if(
    "Your code does not use `value`, so the average can't move toward it.",
    lambda attempt: does_not_use(attempt, 1),
)


RATE = 0.25


def shares(attempt):
    """How much of the average and of the value is in the result, for `RATE`; nothing if it is no such sum."""
    average, value = [4.0, 12.0, -1.0, 7.0], [8.0, 2.0, 3.0, -6.0]
    content = attempt.exercise.run(attempt.answer, (average, value, RATE)).value["average"]
    found, *_ = np.linalg.lstsq(np.array([average, value]).T, content, rcond=None)
    fits = np.allclose(found @ [average, value], content, atol=1e-3)
    return [round(float(each), 3) for each in found] if fits else []


@move_toward.mistake_if(
    "The value is taken into account with its right share, `rate`, "
    "but the old average is not: its share is what is left, 1 - rate."
)
def _(attempt):
    of_average, of_value = shares(attempt)
    return of_value == RATE and of_average != 1 - RATE


@move_toward.mistake_if(
    "The old average is taken into account with its right share, 1 - rate, but the value is not: its share is `rate`."
)
def _(attempt):
    of_average, of_value = shares(attempt)
    return of_value != RATE and of_average == 1 - RATE


move_toward.mistake_if(
    "The fraction of the way is not `rate`: "
    "the average moves on the line to the value, but too far, too little or backward.",
    lambda attempt: sum(shares(attempt)) == 1,
)
move_toward.mistake_if(
    "The shares of the old average and of the value do not add up to 1. They are 1 - rate and `rate`.",
    lambda attempt: sum(shares(attempt)) != 1 and len(shares(attempt)) == 2,
)
move_toward.mistake_if(
    "The new content is not a mixture of the old one and the value. "
    "Only a difference, a product with `rate` and a sum are needed.",
    lambda attempt: not shares(attempt),
)


# Exercise 3


@exercise(
    NOTEBOOK,
    see=NAMES,
    cases=[
        ([1.0, 2.0], [3.0, 4.0]),
        ([5.0], [-1.0]),
        ([0.5, 2.0, -7.0], [1.5, 0.0, 4.0]),
        ([1.0, 1.0, 2.0], [1.0, 3.0, 1.0]),
    ],
    given=lambda first, second: (tf.Variable(first), tf.Variable(second)),
    observe=contents_of("first", "second"),
    hints=[
        "As soon as one variable has new content, its old content is gone. Keep it first.",
        "`old = first` keeps nothing: it is a second name for the same box.",
        "`first.numpy()` reads the content into an array, which does not follow when the variable changes.",
        "Keep what `first` holds, assign `second` to `first`, then assign what you kept to `second`.",
    ],
)
def swap(first, second):
    old = first.numpy()
    first.assign(second)
    second.assign(old)


works_in_place(swap)


swap.mistake_if(
    "Only the names have changed places, inside of your function. The two variables hold what they held.",
    lambda attempt: untouched(attempt) and moves_a_name(attempt),
)
swap.mistake_if(
    "You return the two in the other order, but each variable holds what it held. Put the content into the other one.",
    lambda attempt: untouched(attempt) and returns_it(attempt),
)
swap.mistake_if(
    "A value of another shape can't be put into a variable. Assign to each the whole content of the other.",
    lambda attempt: in_error(attempt, "Shape mismatch", "Cannot update variable with shape"),
    see=FIXED,
)
swap.mistake_if(
    "Only one of the two variables was assigned: both hold the same now. "
    "The other one is to get what this one held before.",
    lambda attempt: np.array_equal(*after(attempt)) and attempt.source.count(".assign") == 1,
    see=CHANGING,
)
swap.mistake_if(
    "Both variables hold the same now. You gave the box a second name to keep its content, "
    "but that name sees the new content too. Keep a tensor instead.",
    lambda attempt: np.array_equal(*after(attempt)) and names_a_box_again(attempt),
)


@swap.mistake(
    "Both variables hold what was in `second`: the content of `first` was overwritten before it was kept."
)
def _(first, second):
    first.assign(second)
    second.assign(first)


@swap.mistake(
    "Both variables hold what was in `first`: the content of `second` was overwritten before it was kept."
)
def _(first, second):
    second.assign(first)
    first.assign(second)


swap.mistake_if(
    "Both variables hold zeros: their contents are lost.",
    lambda attempt: not np.any(after(attempt)),
    see=CHANGING,
)


@swap.mistake(
    "Only the first entry was assigned, and it was overwritten before it was kept.", see=ELEMENT
)
def _(first, second):
    first[0].assign(second[0])
    second[0].assign(first[0])


@swap.mistake("Only the first entries have changed places.", see=ELEMENT)
def _(first, second):
    old = first[0]
    first[0].assign(second[0])
    second[0].assign(old)


@swap.mistake("Only the last entries have changed places.", see=ELEMENT)
def _(first, second):
    old = first[-1]
    first[-1].assign(second[-1])
    second[-1].assign(old)


@swap.mistake(
    "Each variable holds the sum of both: the contents were added, and are to be exchanged.",
    see=ADDING,
)
def _(first, second):
    both = first + second
    first.assign(both)
    second.assign(both)


@swap.mistake(
    "In `second` the sign is wrong: the swap by sums and differences subtracted in the wrong order.",
    see=ADDING,
)
def _(first, second):
    first.assign_add(second)
    second.assign_sub(first)
    first.assign_add(second)


@swap.mistake_if(
    "The swap by sums and differences is a step short, "
    "or subtracts the wrong way. Follow both contents by hand, line by line.",
    see=ADDING,
)
def _(attempt):
    names = ("assign_add", "assign_sub", "first +", "first -", "second -", "second +")
    return not untouched(attempt) and sum(each in attempt.source for each in names) >= 2


swap.mistake_if(
    "`assign_add` adds to what the variable holds. The new content is to replace the old.",
    lambda attempt: "assign_add" in attempt.source and "assign_sub" not in attempt.source,
    see=ADDING,
)
swap.mistake_if(
    "The contents have changed places, but their entries are in the reverse order.",
    lambda attempt: np.array_equal(after(attempt), [each[::-1] for each in before(attempt)[::-1]]),
    see=CHANGING,
)
swap.mistake_if(
    "The contents stay with their variables, and only the order of the entries has changed.",
    lambda attempt: (
        not untouched(attempt) and np.array_equal(np.sort(after(attempt)), np.sort(before(attempt)))
    ),
    see=CHANGING,
)
swap.mistake_if(
    "The variables hold what they held before. Put the content of each into the other with `assign`.",
    lambda attempt: untouched(attempt),
    see=CHANGING,
)
swap.mistake_if(
    "`first` holds the right numbers, but `second` has not got the old ones of `first`.",
    lambda attempt: np.array_equal(after(attempt)[0], before(attempt)[1]),
    see=CHANGING,
)
swap.mistake_if(
    "`second` holds the right numbers, but `first` has not got the old ones of `second`.",
    lambda attempt: np.array_equal(after(attempt)[1], before(attempt)[0]),
    see=CHANGING,
)


# Exercise 4


@exercise(
    NOTEBOOK,
    see=ELEMENT,
    cases=[
        ([1.0, 2.0, 3.0, 4.0],),
        ([5.0],),
        ([1.0, 2.0],),
        ([0.5, -1.0, 0.0, 7.0, 3.0],),
        ([2.0, 2.0, 6.0],),
    ],
    given=lambda vector: (tf.Variable(vector),),
    observe=contents_of("vector"),
    hints=[
        "Write down what each place is to hold for 1, 2, 3, 4, and from which place it comes.",
        "An entry that has been overwritten is lost. Read what you need before you assign anything: "
        "what is read from a variable is a tensor, and stays as it is.",
        "`vector[-1]` is the last entry, and `vector[:-1]` is all the others.",
        "A slice has `assign`, too: `vector[1:].assign(others)` changes all entries but the first.",
    ],
)
def rotate(vector):
    last, others = vector[-1], vector[:-1]
    vector[0].assign(last)
    vector[1:].assign(others)


works_in_place(rotate)


rotate.mistake_if(
    "With `=` the name `vector` moved to something else. The variable, which the caller holds, is as it was.",
    lambda attempt: untouched(attempt) and moves_a_name(attempt),
    see=NAMES,
)
rotate.mistake_if(
    "You return the right numbers, but the variable still holds the old ones. Put them into it.",
    lambda attempt: untouched(attempt) and returns_it(attempt),
    see=NAMES,
)
rotate.mistake_if(
    "`tf.concat` joins tensors of the same rank, and one entry has rank 0. "
    "A slice of length 1 keeps the axis: `[-1:]` in place of `[-1]`.",
    lambda attempt: in_error(attempt, "ConcatOp", "concatenate scalars"),
    see="notebook 02: What an array allows and a tensor refuses",
)
rotate.mistake_if(
    "`tf.concat` takes the pieces as one list, and the axis after it.",
    lambda attempt: fails_in(attempt, "concat("),
    see="notebook 02: What an array allows and a tensor refuses",
)
rotate.mistake_if(
    "`tf.stack` makes a new axis of tensors of one shape. `tf.concat` puts pieces one after the other.",
    lambda attempt: fails_in(attempt, "stack("),
    see="notebook 02: What an array allows and a tensor refuses",
)
rotate.mistake_if(
    "`tf.roll` wants to know the axis, too: a vector has only axis 0.",
    lambda attempt: fails_in(attempt, "roll("),
    see="notebook 02: A block of numbers",
)
rotate.mistake_if(
    "Tensors are not lists: `+` adds their numbers, and does not put one behind the other.",
    lambda attempt: (
        in_error(attempt, "Shape mismatch", "Incompatible shapes")
        and any(
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Add)
            and any(
                isinstance(each, ast.Slice)
                for side in (node.left, node.right)
                for each in ast.walk(side)
            )
            for node in ast.walk(attempt.tree)
        )
    ),
    see=FIXED,
)
rotate.mistake_if(
    "The shape does not fit: as many numbers as there are places, no more and no less, must come into the variable.",
    lambda attempt: in_error(attempt, "shape", "Shape"),
    see=FIXED,
)
rotate.mistake_if(
    "Your code looks for an entry where there is none: positions go from 0 to the length minus 1.",
    lambda attempt: in_error(attempt, "out of bounds", "out of range"),
    see="notebook 02: What an array allows and a tensor refuses",
)


@rotate.mistake(
    "Every entry is the first one now: each was overwritten before it was copied to the next place. "
    "Read before you assign, or begin at the end.",
    see=NAMES,
)
def _(vector):
    for place in range(1, vector.shape[0]):
        vector[place].assign(vector[place - 1])


@rotate.mistake(
    "Every entry is the last one now: each was overwritten before it was copied to the next place. "
    "Read before you assign, or begin at the end.",
    see=NAMES,
)
def _(vector):
    vector[0].assign(vector[-1])
    for place in range(1, vector.shape[0]):
        vector[place].assign(vector[place - 1])


@rotate.mistake(
    "The first place is right, and behind it the old first entry stands everywhere: "
    "each was overwritten before it was copied to the next place.",
    see=NAMES,
)
def _(vector):
    last = vector[-1]
    for place in range(1, vector.shape[0]):
        vector[place].assign(vector[place - 1])
    vector[0].assign(last)


@rotate.mistake("The entries moved to the left. They are to go to the right.")
def _(vector):
    vector.assign(tf.roll(vector, -1, axis=0))


@rotate.mistake(
    "The last entry is lost: it was overwritten before it was read, so another came to the front.",
    see=NAMES,
)
def _(vector):
    vector[1:].assign(vector[:-1])
    vector[0].assign(vector[-1])


@rotate.mistake(
    "The last entry is lost: what is at the front stayed there. The last is to come to the front."
)
def _(vector):
    vector[1:].assign(vector[:-1])


@rotate.mistake("At the front stands a 0. The entry that falls out at the end is to come there.")
def _(vector):
    vector.assign(tf.concat([[0.0], vector[:-1]], axis=0))


@rotate.mistake(
    "The old first entry is lost: it was overwritten before it was copied to the second place.",
    see=NAMES,
)
def _(vector):
    vector[0].assign(vector[-1])
    vector[1:].assign(vector[:-1])


@rotate.mistake("The last entry came to the front, but the others did not move.")
def _(vector):
    vector[0].assign(vector[-1])


@rotate.mistake(
    "The first and the last entry have changed places. The others are to move, too, one place to the right."
)
def _(vector):
    first = vector[0]
    vector[0].assign(vector[-1])
    vector[-1].assign(first)


@rotate.mistake("Everything is in the reverse order. The order stays, only one place further.")
def _(vector):
    vector.assign(vector[::-1])


@rotate.mistake("The entries moved two places. One was asked for.")
def _(vector):
    vector.assign(tf.roll(vector, 2, axis=0))


@rotate.mistake("The entries moved two places to the left. One place to the right was asked for.")
def _(vector):
    vector.assign(tf.roll(vector, -2, axis=0))


@rotate.mistake("The entries are sorted now. They are to keep their order.")
def _(vector):
    vector.assign(tf.sort(vector))


@rotate.mistake("The last entry stayed where it was, and only those before it moved.")
def _(vector):
    vector[:-1].assign(tf.roll(vector[:-1], 1, axis=0))


@rotate.mistake("The first entry stayed where it was, and only those behind it moved.")
def _(vector):
    vector[1:].assign(tf.roll(vector[1:], 1, axis=0))


rotate.mistake_if(
    "`assign_add` adds to what the place holds. The entry is to replace what is there.",
    lambda attempt: "assign_add" in attempt.source and "assign_sub" not in attempt.source,
    see=ADDING,
)
rotate.mistake_if(
    "The variable holds what it held before. Put the new order into it with one of its methods.",
    lambda attempt: untouched(attempt),
    see=CHANGING,
)
rotate.mistake_if(
    "These are not the numbers that the variable held: some are lost or doubled. "
    "Read an entry before you overwrite it.",
    lambda attempt: not np.array_equal(np.sort(after(attempt)[0]), np.sort(before(attempt)[0])),
    see=NAMES,
)
