"""Exercises of notebook 03, on variables."""

import ast
import re

import keras
import numpy as np
import tensorflow as tf

from support.exercises.engine import exercise
from support.exercises.errors import fails_as, lacks

NOTEBOOK = "03_variables"
CHANGING = "A tensor that can change"
ELEMENT = "Listing 3.7: Assign to one element"
ADDING = "Listing 3.8: Add to it, and subtract from it"
FIXED = "What stays fixed"
NAMES = "The box and its name"
TRAINABLE = "Trainable or not"
SHAPES = "notebook 02: A block of numbers"
DTYPES = "notebook 02: From Python and NumPy, and back"
READING = "notebook 02: What an array allows and a tensor refuses"


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
    """What the variables held before the call, one row for each."""
    given = attempt.exercise.arguments(attempt.case)
    return np.array([each.numpy() for each in given[: len(attempt.called.value)]])


def after(attempt):
    return np.array(list(attempt.called.value.values()))


def wanted(attempt):
    return np.array(list(attempt.expected.value.values()))


def untouched(attempt):
    """Whether the variables hold what they held."""
    return np.array_equal(after(attempt), before(attempt))


def leaves_some(attempt):
    """Whether entries that should change have not, in any variable, while others have."""
    stayed = (after(attempt) == before(attempt)).all(axis=0)
    should_change = (wanted(attempt) != before(attempt)).any(axis=0)
    return not untouched(attempt) and (stayed & should_change).any()


def returns_it(attempt):
    """Whether what the variables should hold is returned."""
    returned, right = attempt.called.value.returned, wanted(attempt)
    right = right[0] if len(right) == 1 else right
    return np.shape(returned) == right.shape and np.allclose(returned, right)


def moves_a_name(attempt):
    """Whether the code gives the name of a variable to something else."""
    names = attempt.parameters[: len(before(attempt))]
    return any(
        isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in names
        for node in ast.walk(attempt.tree)
    )


def assigns_to(attempt):
    """What `assign` and its likes are called on, as the code has it."""
    calls = attempt.calls("assign", "assign_add", "assign_sub", "scatter_nd_update")
    return {ast.unparse(each.func.value) for each in calls}


def does_not_use(attempt, position):
    """Whether an answer without an error does not mention an argument after its first line."""
    name = attempt.parameters[position]
    return attempt.difference and len(re.findall(rf"\b{name}\b", attempt.source)) == 1


def know_errors(exercise, errors):
    """Declare mistakes that are refused: for each section, what shows them and what to say."""
    for see, words_for in errors.items():
        for seen, words in words_for.items():
            exercise.mistake_if(words, seen, see=see)


ERRORS = {
    CHANGING: {
        fails_as("no_len"): (
            "A variable has no `len`. Its `shape` says how many entries there are: `shape[0]` along the first axis."
        ),
        lacks(of=tf.Variable): (
            "A variable has nothing of this name: it is neither a list nor an array. "
            "Compute the new content, then `assign` it."
        ),
        lacks(of=tf): (
            "TensorFlow has no function of this name. Reading the variable, arithmetic and `assign` are enough here."
        ),
        fails_as("method_not_called"): (
            "A method is not called: the parentheses behind its name are missing."
        ),
    },
    NAMES: {
        fails_as("variable_in_place"): (
            "Forms like `+=` and `*=` are refused on a variable. Its own methods change what it holds."
        ),
        lacks("assign", "assign_add", "assign_sub", "assign_mul"): (
            "What you called this method on is no variable. A variable has `assign`, `assign_add` and `assign_sub`, "
            "an element or a slice of it has `assign` alone, and what was read or computed has none of them."
        ),
    },
    ELEMENT: {
        fails_as("item_assignment"): (
            "Square brackets before a `=` write neither into a tensor nor into a variable. "
            "Elements and slices of a variable have `assign` for that."
        ),
    },
    FIXED: {
        fails_as("dtypes_differ"): (
            "A tensor of another dtype is refused, in arithmetic as in `assign`: "
            "the variable is `float32`, and stays so."
        ),
    },
}


def changes_all(exercise):
    exercise.mistake_if(
        "Some entries are as they were. Does a loop, a slice or an index leave them out? "
        "`range(n)` ends with n - 1 already.",
        leaves_some,
        see=ELEMENT,
    )


def works_in_place(exercise):
    """Declare what goes wrong in every exercise that changes variables."""
    know_errors(exercise, ERRORS)
    exercise.mistake_if(
        "The shape does not fit: one number must come for each place of the variable, or of the slice.",
        fails_as("assigned_shape"),
        see=FIXED,
    )
    exercise.mistake_if(
        "`assign` is a method: call it with the value in parentheses. "
        "With `=` you replaced the method itself, and the content stayed.",
        lambda attempt: re.search(r"\.assign\w* = ", attempt.source),
        see=CHANGING,
    )
    exercise.mistake_if(
        "You made a variable of your own. What the caller holds is as it was.",
        lambda attempt: untouched(attempt) and "tf.Variable(" in attempt.source,
        see=NAMES,
    )
    exercise.mistake_if(
        "`=` moves a name to something else, inside of your function. What the caller holds is as it was.",
        lambda attempt: untouched(attempt) and moves_a_name(attempt),
        see=NAMES,
    )
    exercise.mistake_if(
        "You return the right numbers, but what the caller holds is as it was. `assign` puts them in.",
        lambda attempt: untouched(attempt) and returns_it(attempt),
        see=NAMES,
    )
    exercise.mistake_if(
        "A NumPy array made of a variable is a copy. What happens to the copy leaves the variable as it was.",
        lambda attempt: (
            untouched(attempt)
            and re.search(r"\.numpy\(\)|np\.a?s?array\(", attempt.source)
            and ".assign" not in attempt.source
        ),
        see=CHANGING,
    )
    exercise.mistake_if(
        "What your function returns goes nowhere: the caller looks at what its variable holds, and that is as it was. "
        "Besides, what you return is not what it is to hold.",
        lambda attempt: (
            untouched(attempt)
            and attempt.called.value.returned is not None
            and not assigns_to(attempt)
        ),
        see=NAMES,
    )
    exercise.mistake_if(
        "What the caller holds is as it was, although `assign` stands in your code. Either the old content is "
        "assigned, or it goes to something else, or this line is not reached here.",
        lambda attempt: untouched(attempt) and assigns_to(attempt),
        see=CHANGING,
    )
    exercise.mistake_if(
        "What the caller holds is as it was. Call `assign`, or another method of the variable, with the new content.",
        untouched,
        see=CHANGING,
    )


# Exercise 1


RETURNED = "what your function returns"
SHARED = "whether two counters are one variable"


def counter_as_seen(answer, start):
    counter = answer(start)
    return {
        RETURNED: counter,
        "the counter's `trainable`": getattr(counter, "trainable", None),
        SHARED: counter is answer(start),
    }


@exercise(
    NOTEBOOK,
    see=TRAINABLE,
    cases=[(3,), (0,), (-2,), (100,)],
    observe=counter_as_seen,
    pairs=True,
    hints=[
        "`tf.Variable` makes a variable of a first value, which also settles the dtype.",
        "A Python `int` becomes `int32` and a single number has rank 0, so `start` can be used as it is.",
        "A second argument, `trainable`, tells training to leave the variable alone.",
    ],
)
def make_counter(start):
    return tf.Variable(start, trainable=False)


def counter_of(attempt):
    return attempt.called.value[RETURNED]


def is_counter(attempt):
    return isinstance(counter_of(attempt), tf.Variable)


know_errors(
    make_counter,
    {
        TRAINABLE: {
            fails_as("no_setter"): (
                "`trainable` can't be changed later: it is settled when the variable is made. Give it to `tf.Variable`."
            ),
            lambda attempt: (
                attempt.fails_as("unexpected_keyword") and "trainable" in attempt.called.line
            ): ("Only `tf.Variable` knows the argument `trainable`, when it makes the variable."),
        },
        CHANGING: {
            fails_as("no_initial_value"): (
                "A variable needs its first value when it is made, and here it got none: `start` comes first."
            ),
            lacks(of=tf): (
                "TensorFlow has no such name. Variables are made by `tf.Variable`, with a capital V."
            ),
        },
        DTYPES: {
            fails_as("no_dtype"): (
                'This is not a dtype that TensorFlow knows. It calls the one that is wanted `tf.int32`, or "int32".'
            ),
        },
    },
)
make_counter.mistake_if(
    "Each call returns the same variable, so all counters count together. Make a new one in the function.",
    lambda attempt: attempt.difference.place == SHARED,
)
make_counter.mistake_if(
    "This is Keras's own variable. The exercise asks for a `tf.Variable`.",
    lambda attempt: isinstance(counter_of(attempt), keras.Variable) and not is_counter(attempt),
    see=CHANGING,
)
make_counter.mistake_if(
    "You return what `assign` or its like gave back. Give `tf.Variable` the number that it is to hold, "
    "and return the variable itself.",
    lambda attempt: is_counter(attempt) and "Unread" in type(counter_of(attempt)).__name__,
    see=NAMES,
)
make_counter.mistake_if(
    "You made a variable, but it is not what you return. What is read from a variable, "
    "or computed with it, is none: return the variable itself.",
    lambda attempt: not is_counter(attempt) and "tf.Variable(" in attempt.source,
    see=NAMES,
)
make_counter.mistake_if(
    "This is no `tf.Variable`. A tensor or a plain number can't count on: no new number can be put into it.",
    lambda attempt: not is_counter(attempt),
    see=CHANGING,
)
make_counter.mistake_if(
    "The counter always begins at the same number: your code does not use `start`.",
    lambda attempt: does_not_use(attempt, 0),
    see=CHANGING,
)
AXIS = (
    "The counter has an axis, and a single number has none: its rank is 0. "
    "Brackets around the number make an axis, and so does a number that is given as a shape."
)
DTYPE = (
    "The counter has another dtype than `int32`, which a Python `int` becomes by itself. "
    "A float or a NumPy number brings its own, and so does a dtype that is named."
)
make_counter.slip(AXIS, "start, ", "[start], ", see=SHAPES)
for dtype in ["float32", "int64"]:
    make_counter.slip(DTYPE, "trainable", f'dtype="{dtype}", trainable', see=DTYPES)
make_counter.slip(
    "Training may change this variable: that is the default. A counter has to be told no.",
    "trainable=False",
    "",
)
make_counter.slip(
    "The counter has counted once already. It is to hold `start`.",
    "start, ",
    "start + 1, ",
    see=ADDING,
)
make_counter.mistake_if(
    AXIS, lambda attempt: len(counter_of(attempt).shape) > 0, see=SHAPES, last=True
)
make_counter.mistake_if(
    DTYPE, lambda attempt: counter_of(attempt).dtype != tf.int32, see=DTYPES, last=True
)
make_counter.mistake_if(
    "The counter does not hold `start`: it begins at another number.",
    lambda attempt: attempt.difference.place == RETURNED,
    see=CHANGING,
    last=True,
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
    pairs=True,
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


move_toward.mistake_if(
    "A mean or a sum over the entries crept in. Each entry goes toward the entry of `value` in its own place.",
    lambda attempt: (
        attempt.calls("reduce_mean", "reduce_sum", "mean")
        and (attempt.called.error or not untouched(attempt))
    ),
)
move_toward.mistake_if(
    "Your code goes wrong with a rate of 1. Then the average goes all the way to the value; no rate is an exception.",
    lambda attempt: attempt.difference and attempt.case[2] == 1,
)
move_toward.mistake_if(
    "Your code goes wrong with a rate of 0. Then nothing moves; no rate is an exception.",
    lambda attempt: attempt.difference and attempt.case[2] == 0,
)
works_in_place(move_toward)

move_toward.slip(
    "The average moves away from the value: the difference is the wrong way round.",
    "value - average",
    "average - value",
)
move_toward.slip(
    "The average has gone all the way to the value. Only the fraction `rate` of the way was asked for.",
    "rate * ",
    "",
)
move_toward.slip(
    "The two fractions have changed places: `rate` belongs to the value, and the rest, 1 - rate, to the old average.",
    "rate *",
    "(1 - rate) *",
)
move_toward.slip(
    "`rate` times the value itself was added. "
    "The way to go is from the average to the value, so the average must be subtracted first.",
    "(value - average)",
    "value",
)
move_toward.slip(
    "The variable holds the step alone. The step is to be added to what was there.",
    "assign_add",
    "assign",
)
STEP = "average.assign_add(rate * (value - average))"
EARLY = (
    "The variable was changed before the difference was taken, so the step starts from the new content. "
    "Compute the step first, or change the variable once."
)
for new, words in {
    "average.assign(rate * value)": "Only `rate` times the value is left. The old average, times 1 - rate, is missing: "
    "an `assign` replaced it, or it was subtracted whole.",
    f"average.assign((1 - rate) * average); {STEP}": EARLY,
    "average.assign_add(rate * value); average.assign_sub(rate * average)": EARLY,
    "average.assign(rate * value); average.assign_add((1 - rate) * average)": "The variable was changed before its old "
    "content was used. `old = average` would keep nothing: it is a second name for the variable.",
    f"{STEP}; {STEP}": "The average goes its way twice. Change the variable once.",
    "average.assign_add(rate * tf.abs(value - average))": "The difference has lost its sign. "
    "Where the value is smaller, the average is to go down.",
}.items():
    move_toward.slip(words, STEP, new)
changes_all(move_toward)
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
    """How much of the average and of the value is in the result, for `RATE`; None if it is no such sum."""
    average, value = [4.0, 12.0, -1.0, 7.0], [8.0, 2.0, 3.0, -6.0]
    content = attempt.run((average, value, RATE)).value["average"]
    found, *_ = np.linalg.lstsq(np.array([average, value]).T, content, rcond=None)
    fits = np.allclose(found @ [average, value], content, atol=1e-3)
    return found.round(5) if fits else None


for words, fits in {
    "The difference is divided by `rate`. It is to be multiplied by it.": (
        lambda average, value: value == 1 / RATE and average == 1 - 1 / RATE
    ),
    "The value has its right share, `rate`, but the old average has not: its share is what is left, 1 - rate.": (
        lambda average, value: value == RATE and average != 1 - RATE
    ),
    "The old average has its right share, 1 - rate, but the value has not: its share is `rate`.": (
        lambda average, value: value != RATE and average == 1 - RATE
    ),
    "The fraction of the way is not `rate`: "
    "the average moves on the line to the value, but too far, too little or backward.": (
        lambda average, value: round(average + value, 4) == 1 and value != RATE
    ),
    "The shares of the old average and of the value do not add up to 1. They are 1 - rate and `rate`.": (
        lambda average, value: round(average + value, 4) != 1
    ),
}.items():
    move_toward.mistake_if(
        words,
        lambda attempt, fits=fits: shares(attempt) is not None and fits(*shares(attempt)),
        last=True,
    )
move_toward.mistake_if(
    "The new content is not a mixture of the old one and the value, entry by entry. "
    "Only a difference, a product with `rate` and a sum are needed.",
    lambda attempt: shares(attempt) is None,
    last=True,
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


def names_a_box_again(attempt):
    """Whether the code gives a variable a second name, as in `old = first` or `a, b = first, second`."""
    names = "|".join(attempt.parameters)
    return re.search(rf" = \(?({names})(,.*)?$", attempt.source, re.MULTILINE)


def mixes(attempt):
    """Whether a variable holds a sum of both contents, each taken so many times."""
    first, second = [0.5, 2.0, -7.0], [1.5, 0.0, 4.0]
    for content in attempt.run((first, second)).value.values():
        found, *_ = np.linalg.lstsq(np.array([first, second]).T, content, rcond=None)
        if np.all(found.round(3)) and np.allclose(found @ [first, second], content, atol=1e-3):
            return True
    return False


def is_lost(attempt):
    """Whether both variables hold what one of them held."""
    one, other = after(attempt)
    return np.array_equal(one, other) and any(np.array_equal(one, old) for old in before(attempt))


swap.mistake_if(
    "Only one of the two variables was assigned: both hold the same now. "
    "The other one is to get what this one held before.",
    lambda attempt: (
        is_lost(attempt) and len(assigns_to(attempt)) == 1 and "for " not in attempt.source
    ),
    see=CHANGING,
)
swap.mistake_if(
    "Both variables hold the same now. You gave the box a second name to keep its content, "
    "but that name sees the new content too. Keep a tensor instead.",
    lambda attempt: is_lost(attempt) and names_a_box_again(attempt),
)
swap.mistake_if(
    "Both variables hold the same now: one was overwritten before the other got its content. "
    "Keep this content first, then assign what you kept.",
    is_lost,
)
changes_all(swap)
for name, content in [("first", "second"), ("second", "old")]:
    swap.slip(f"In `{name}` the sign is wrong.", f"({content})", f"(-{content})", see=ADDING)
swap.mistake_if(
    "A variable holds the sum of both: the contents were added, and are to be exchanged.",
    lambda attempt: (
        any(np.array_equal(each, before(attempt).sum(axis=0)) for each in after(attempt))
        and not re.search(r"-|_sub|subtract", attempt.source)
    ),
    see=ADDING,
)
for name, place in [("first", 0), ("second", 1)]:
    swap.mistake_if(
        f"`{name}` holds what it should. The other variable is to hold what `{name}` held before: "
        "the last step is missing, or wrong.",
        lambda attempt, place=place: np.array_equal(after(attempt)[place], wanted(attempt)[place]),
    )
swap.mistake_if(
    "A variable holds a mixture of both contents. To swap by sums and differences is possible, but here a "
    "sign or the order is wrong. Follow both contents by hand, line by line.",
    lambda attempt: attempt.difference and mixes(attempt),
    see=ADDING,
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


# Ahead of the shared mistakes, one of which is a shape that does not fit: here it comes from a `+`.
rotate.mistake_if(
    "Tensors and arrays are not lists: `+` adds their numbers, and does not put one behind the other.",
    lambda attempt: (
        attempt.fails_as("assigned_shape", "not_broadcastable")
        and "] + " in attempt.source
        and "list" not in attempt.source
    ),
    see=FIXED,
)
rotate.mistake_if(
    "A vector has one axis, and its number is 0.",
    lambda attempt: (
        re.search(r"roll|concat|axis", attempt.called.line) and attempt.fails_as("no_such_axis")
    ),
    see=SHAPES,
)
rotate.mistake_if(
    "Your code works for 1, 2, 3, 4, and not for a vector of this length. It may have any, and one entry is enough: "
    "`vector.shape[0]` says how many there are, and slices fit all.",
    lambda attempt: (
        attempt.case in rotate.cases[1:3]
        or (attempt.called.error and attempt.case != rotate.cases[0])
    ),
    see=READING,
)
rotate.mistake(
    "The entries are in reverse order. All but the last are to move one place to the right, and keep their order.",
    lambda vector: vector.assign(vector[::-1]),
)
works_in_place(rotate)
rotate.mistake_if(
    "`tf.concat` joins tensors of the same rank. One entry, `vector[-1]`, has rank 0; "
    "a slice of length 1, `vector[-1:]`, has rank 1.",
    fails_as("joined_ranks"),
    see=READING,
)
rotate.mistake_if(
    "Pieces of different shapes can't be stacked, nor given as a list. `tf.concat` puts them one behind the other.",
    fails_as("stacked_shapes"),
    see=READING,
)
rotate.mistake_if(
    "Your code looks for an entry where there is none: positions go from 0 to the length minus 1.",
    fails_as("no_such_index"),
    see=READING,
)
rotate.mistake_if(
    "`tf.concat` takes the pieces as one list, and after it the axis, which is 0 for vectors.",
    fails_as("joined_along_no_axis"),
    see=READING,
)
rotate.mistake_if(
    "`tf.roll` wants to know the axis, too: a vector has only axis 0.",
    lambda attempt: "roll(" in attempt.called.line and attempt.fails_as("missing_argument"),
    see=SHAPES,
)
rotate.mistake_if(
    "One entry has spread over the others. Was each place overwritten before it was copied to the next one? "
    "Then read before you assign, or begin at the end.",
    lambda attempt: (
        len(attempt.case[0]) > 2
        and set(after(attempt)[0, 1:]) in [{each} for each in attempt.case[0]]
    ),
    see=NAMES,
)


@rotate.mistake(
    "The last entry is lost, and the one before it came to the front. Was the last one overwritten before it was read?",
    see=NAMES,
)
def _(vector):
    vector[1:].assign(vector[:-1])
    vector[0].assign(vector[-1])


rotate.slip(
    "The old first entry is lost, and the last one stands in two places. Was the first one overwritten too early?",
    "(others)",
    "(vector[:-1])",
    see=NAMES,
)
rotate.slip(
    "The last entry is lost: what is at the front stayed there. The last is to come to the front.",
    "    vector[0].assign(last)\n",
    "",
)
rotate.slip(
    "The last entry came to the front, and the others moved, all but the first: it is lost, and a later one stands "
    "twice. Does the loop end one place too early?",
    "vector[1:].assign(others)",
    "vector[2:].assign(others[1:])",
)
rotate.slip(
    "The last entry came to the front, but the others did not move.",
    "    vector[1:].assign(others)",
    "",
)
rotate.slip(
    "The first and the last entry have changed places. The others are to move, too, one place to the right.",
    "vector[1:].assign(others)",
    "vector[-1].assign(others[0])",
)
rotate.mistake(
    "The entries moved to the left. They are to go to the right.",
    lambda vector: vector.assign(tf.roll(vector, -1, axis=0)),
)
rotate.mistake_if(
    "`assign_add` adds to what is there. The new content is to replace it.",
    lambda attempt: attempt.difference and attempt.calls("assign_add"),
    see=ADDING,
)
rotate.mistake_if(
    "All the entries are there, but in wrong places: each goes one place to the right, and the last to the front.",
    lambda attempt: np.array_equal(np.sort(after(attempt)), np.sort(before(attempt))),
    last=True,
)
rotate.mistake_if(
    "These are not the numbers that the variable held: some are lost, doubled or new. "
    "Read an entry before you overwrite it.",
    lambda attempt: not np.array_equal(np.sort(after(attempt)), np.sort(before(attempt))),
    see=NAMES,
)
