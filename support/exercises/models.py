"""Exercises of notebook 08, on models."""

import ast
import functools
import itertools
import re
from types import NoneType

import keras
import numpy as np
import tensorflow as tf

from support.exercises.call import Absent, source
from support.exercises.compare import kind_of
from support.exercises.engine import exercise
from support.exercises.errors import fails_as, lacks
from support.exercises.layers import errors_as_raised, fill, filling
from support.exercises.relate import relation

NOTEBOOK = "08_models"
GRAPH = "From a row of layers to a graph"
HEADS = "Several heads"
SHORTCUT = "A residual connection"
SUBCLASS = "The same block by subclassing"
LIMITS = "The wiring limits what can be learned"

RETURNED = "what your function returns"
MODEL = "a model"
SHAPES = "the list of the weights' shapes"
OUTPUT = "the output"
FROZEN = "the number of weights that stay as they are in training"
STEADY = "in training, whether the outputs are the same"


# What the checks look at


def watch(model, inputs):
    """What a model does whose weights are known: each weight is filled with numbers that depend on its shape alone."""
    if not isinstance(model, keras.Model):
        return {RETURNED: kind_of(model)}
    with errors_as_raised():
        model(inputs)  # the first input builds the weights
        listed = in_order([tuple(weight.shape) for weight in model.weights])
        fill(model.weights)
        outputs = model(inputs)
        steady = str(outputs) == str(model(inputs, training=True))
    seen = {RETURNED: MODEL, SHAPES: listed}
    training = {FROZEN: len(model.non_trainable_weights), STEADY: steady}
    if not isinstance(outputs, dict):
        return {**seen, OUTPUT: outputs, **training}
    keys = ", ".join(sorted(map(str, outputs)))
    heads = {f"the head {key!r}": value for key, value in outputs.items()}
    return {**seen, OUTPUT: f"a dict with the keys {keys}", **heads, **training}


def in_order(listed):
    """Shapes in one order, whichever weight was made first."""
    return ", ".join(map(str, sorted(listed, key=lambda shape: (len(shape), shape), reverse=True)))


def shapes(attempt):
    return ast.literal_eval(f"[{attempt.called.value[SHAPES]}]")


def _output(attempt):
    return attempt.called.value[OUTPUT]


def _head(attempt, name):
    return np.asarray(attempt.called.value[f"the head {name!r}"])


def _numbers(attempt):
    """The output as one array, also where it has two heads."""
    if isinstance(_output(attempt), str):
        heads = [_head(attempt, "kind"), _head(attempt, "price")]
        if heads[0].ndim != heads[1].ndim:
            raise Absent
        return np.hstack(heads)
    return np.asarray(_output(attempt))


@functools.cache
def _batch(features):
    return (((np.arange(4 * features) * 5 % 7 - 3) / 4).reshape(4, features)).astype("float32")


# What a model with known weights computes, in NumPy


def dense(x, units):
    """What a dense layer gives, before its activation, whose weights have been filled by `fill`."""
    return x @ filling((x.shape[-1], units)) + filling((units,))


def no_activation(x):
    return x


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    shares = np.exp(x - x.max(axis=axis, keepdims=True))
    return shares / shares.sum(axis=axis, keepdims=True)


def softmax_over_samples(x):
    return softmax(x, axis=0)


OTHERS = [
    lambda x, name=name: np.asarray(getattr(keras.activations, name)(x))
    for name in re.findall(r"\w+", "leaky_relu elu gelu silu softplus hard_sigmoid log_softmax")
]


def mistakes_of_parts(exercise, compute, right, sections):
    """Declare mistakes that put wrong parts, such as activations, into a model with the right weights.

    Args:
        exercise: whose mistakes they are.
        compute: takes a case and the parts by name, and returns what such a model gives.
        right: the parts as they should be, by name.
        sections: for each section of the notebook words of mistakes, and the parts that are wrong then.
    """
    mistakes = [
        (see, *mistake) for see, words_for in sections.items() for mistake in words_for.items()
    ]
    singles = [{name: part} for *_, wrong in mistakes for name in wrong for part in wrong[name]]
    quick = [each for each in singles if not set(OTHERS) & set(each.values())]
    pairs = [
        {**one, **two} for one, two in itertools.combinations(quick, 2) if set(one) != set(two)
    ]

    def found(attempt):
        """The wrong parts that explain what an attempt gives: as few as can be, at most two, {} if none do."""
        if "wrong" not in vars(attempt):
            made = _numbers(attempt)
            attempt.wrong = next(
                (
                    wrong
                    for wrong in [*singles, *pairs]
                    if attempt.difference.place != SHAPES
                    and _equal(compute(attempt.case, **{**right, **wrong}), made)
                ),
                {},
            )
        return attempt.wrong

    for see, words, wrong in mistakes:
        exercise.mistake_if(
            words,
            lambda attempt, wrong=wrong: all(
                found(attempt).get(name) in parts for name, parts in wrong.items()
            ),
            see=see,
        )


def mistakes_of_shapes(exercise, mistakes):
    """Declare mistakes that the shapes of the weights show: for each its words, and a function of shapes and case."""
    for words, seen in mistakes.items():
        exercise.mistake_if(words, lambda attempt, seen=seen: seen(shapes(attempt), *attempt.case))


def _equal(mine, made):
    return mine.shape == made.shape and np.allclose(mine, made, 1e-4, 1e-4)


# What goes wrong with functions that build a model

IN_CALL = "Layers are made in `call`, so each call has new weights, and the model keeps none. Make them in `__init__`."
NO_KEYS = (
    "In your braces no name in quotes stands before a symbol. A dict of outputs has for each a name, a colon, the "
    "symbol."
)


def _lacks_a_name(attempt):
    """Whether a name or an attribute is missing that another method has, or `__init__` is given."""
    error = attempt.called.error and attempt.failure.error
    name = error.name if isinstance(error, NameError | AttributeError) else None
    known = rf"self\.{name}\b|def __init__\([^\n]*\b{name}\b"
    return name and re.search(known, _code(attempt))


def _line(attempt, pattern):
    """Whether the line from which the error comes has this pattern."""
    return re.search(pattern, attempt.called.line)


#: By section: what shows an error, and words.
REFUSED = {
    SUBCLASS: [
        (
            lambda attempt: (
                attempt.fails_as("missing_argument", "surplus_argument")
                and re.search(r"def (call|__init__)\((?!self\b)", _code(attempt))
            ),
            "The first parameter of each method is `self`; it is missing.",
        ),
        (
            _lacks_a_name,
            "A method does not know a name. What one method keeps for another stands behind `self.` in both, by the "
            "same name.",
        ),
        (
            fails_as("super_init_missing"),
            "Your class does not call `super().__init__()` first, which sets up what Keras keeps about a model.",
        ),
        (
            fails_as("layer_gets_none"),
            "A layer gets None: what is to compute its input does not end with `return` and the result.",
        ),
        (fails_as("model_without_call"), "Your class has no method `call`, which computes."),
        (fails_as("weights_made_late"), IN_CALL),
    ],
    GRAPH: [
        (fails_as("symbol_as_key"), NO_KEYS),
        (
            fails_as("layer_for_symbol"),
            "A layer stands where its output is needed: it is made, but not called. In `Dense(16)(inputs)` the second "
            "parentheses call it.",
        ),
        (
            fails_as("no_symbols"),
            "`keras.Model` takes symbols, of `keras.Input` and of layers that are called. Here it got something else.",
        ),
        (fails_as("not_a_shape"), "A shape is a tuple, even of one number: `(3,)` has a comma."),
        (
            lambda attempt: (
                attempt.fails_as("not_connected")
                and re.search(r"Model\((\w+), \1\)", _code(attempt))
            ),
            "`keras.Model` is given one symbol as inputs and outputs. What `keras.Input` made is to keep its name: let "
            "the loop change another, such as `x`.",
        ),
        (
            fails_as("not_connected"),
            "What `keras.Model` was given as outputs does not come from its inputs. The inputs are named first, and a "
            "path of layers leads from there to the outputs.",
        ),
        (
            lambda attempt: (
                attempt.fails_as("model_of_nothing")
                or (
                    attempt.fails_as("surplus_argument", "unexpected_keyword")
                    and attempt.failure.what == "Model"
                )
            ),
            "`keras.Model` takes two things, `inputs` and `outputs`. Several outputs are one list or one dict.",
        ),
        (
            fails_as("layers_without_list"),
            "`keras.Sequential` takes one list of layers: put them in brackets.",
        ),
        (
            lambda attempt: not attempt.called.line and attempt.fails_as("input_of_other_width"),
            "The input of your model is not as wide as the samples. It is what `keras.Input` makes: `(2,)` is for 2 "
            "features.",
        ),
        (
            fails_as("no_layer"),
            "A `keras.Sequential` is a row of layers: it takes no names, functions, lists or dicts. An activation is "
            'named in a layer, as in `Dense(3, activation="relu")`.',
        ),
        (
            lacks("add", of=NoneType),
            "`add` is called on None. It changes a model and gives None itself: write each `model.add(...)` on a line "
            "of its own.",
        ),
        (
            fails_as("unknown_activation"),
            'Keras knows no activation of this name. Names are in lower case: "relu", "sigmoid", "softmax".',
        ),
        (
            lambda attempt: (
                attempt.fails_as("ambiguous_truth")
                and re.search(r"activation=[\w.]*layers\.\w+[,)]", _code(attempt))
            ),
            "An activation is a class of layers that has not been called. Give its name: "
            '"relu", "sigmoid", "softmax".',
        ),
        (
            lambda attempt: (
                attempt.fails_as("unexpected_keyword")
                and isinstance(attempt.failure.given.get(0), keras.Layer)
                and "activation" in attempt.failure.given
            ),
            "The activation belongs to the first parentheses, which make the layer. The second ones take its input "
            "alone.",
        ),
        (
            fails_as("symbol_into_tensorflow"),
            "A function of TensorFlow or NumPy is given a symbol, which has no numbers yet. On symbols work layers, "
            "`+`, and the functions of `keras.ops`.",
        ),
        (
            lambda attempt: (
                attempt.fails_as("merges_no_list")
                and re.search(r"Sequential\(|\.add\(", _code(attempt))
            ),
            "In a `keras.Sequential` a layer sees what the one before gives, and nothing else: there is nothing to "
            "add.",
        ),
        (
            lambda attempt: (
                attempt.fails_as("surplus_argument", "merges_no_list")
                and _line(attempt, r"\bAdd\(")
            ),
            "`Add` takes one list, where it is called: `Add()([x, change])`. The first parentheses make the layer.",
        ),
        (
            lambda attempt: attempt.lacks(of=keras) and attempt.failure.error.name[0].isupper(),
            "Layers stand in `keras.layers`.",
        ),
        (
            lambda attempt: attempt.fails_as("not_iterable") and _line(attempt, r" in blocks\b"),
            "`blocks` is a number. A loop over `range(blocks)` has so many turns.",
        ),
    ],
}

#: By section: what a difference (of an error nothing), and all code say; and words.
TOLD = {
    SUBCLASS: rf"""
\n( *)def call\([^\n]*(\n\1 [^\n]*)*?\n\1 [^\n]*Dense\(
    {IN_CALL}
^the list of the weights' shapes is ''.*def call\(
    The model does not know its layers. It finds those that `__init__` keeps in attributes or lists of `self`.
^the output is None
    The `call` of your model gives None. It is to end with `return` and the result.
""",
    GRAPH: rf"""
function returns is 'a symbolic tensor
    Your function returns a symbol, the last one of the graph. `keras.Model(inputs, outputs)` makes a model of the graph
    between two of them.
function returns is 'the class
    Your function returns a class. Call the class: that makes a model.
function returns is 'a Python (list|tuple|dict)
    Your function returns several things, and not one model. `keras.Sequential` makes a model of a list of layers, and
    `keras.Model` takes a dict of symbols as outputs if there are several.
function returns is 'None
    Your function returns None. It is to end with `return` and the model. Methods such as `add` change a model, and give
    None themselves.
function returns is 'a tensor
    Your function returns what a model computes for some inputs. The model itself is asked for.
function returns is '
    What your function returns is no model. `keras.Model` and `keras.Sequential` make models.
^the output is ('a dict|a Python (list|tuple)).*; expected a tensor
    The model gives a list or a dict; one tensor is asked for, so `keras.Model` gets one symbol as its outputs.
the keys <?Keras
    {NO_KEYS}
^the list of the weights' shapes.*\n( *)(for|while) [^\n]*(\n\1 [^\n]*)*\n\1    return
    A `return` stands in the loop, and ends it in its first turn. It is to stand after it.
^the list of the weights' shapes.*use_bias=False
    A layer has no bias; each dense layer is to have one.
^in training, whether
    In training the model computes something else, as with a dropout. That is not asked for.
""",
    HEADS: r"""
^the output is a Python (list|tuple).*expected 'a dict
    The model gives a list or a tuple; a dict is asked for. In a dict each output has a name, so nobody must count.
""",
    "notebook 03: Trainable or not": r"""
^the number of weights that stay
    The layers are right, but one is frozen by `trainable = False`: training would leave it as it is.
""",
}


@functools.lru_cache(1)
def _code(attempt):
    """The code of an answer, and of the functions and classes that it names and the notebook defines elsewhere."""
    found, texts = [attempt.answer], []
    for each in found:
        texts.append(source(each))
        for node in ast.walk(ast.parse(texts[-1])):
            other = attempt.answer.__globals__.get(getattr(node, "id", ""))
            if getattr(other, "__module__", "") == attempt.answer.__module__ and other not in found:
                found.append(other)
    return "\n".join(texts)


def _is_told(attempt, pattern):
    said = "" if attempt.failure else attempt.difference.words
    return re.search(pattern, f"{said}\n{_code(attempt)}", re.DOTALL)


def _input_is_wrong(attempt):
    """Whether a model refuses the inputs of the check, or takes them for something with another axis."""
    if attempt.failure:
        refused = attempt.fails_as("input_of_other_shape") and not attempt.called.line
        return refused and re.search(r"Input\(|input_shape=|batch_shape=", _code(attempt))
    return any(getattr(each, "ndim", 0) == 3 for each in attempt.called.value.values())


def _has_right_layers(attempt):
    """Whether nothing but numbers differs, and no relation between them is to be told."""
    there = attempt.difference.got is not None and attempt.difference.kind == "values"
    return there and not relation(attempt.difference, set())


def mistakes_of_any_model(exercise):
    for see, refused in REFUSED.items():
        for seen, words in refused:
            exercise.mistake_if(words, seen, see=see)
    for see, table in TOLD.items():
        for pattern, words in re.findall(r"^(\S.*)\n((?: .*\n)+)", table, re.MULTILINE):
            exercise.mistake_if(
                " ".join(words.split()), functools.partial(_is_told, pattern=pattern), see=see
            )
    exercise.mistake_if(
        "The input of your model has the wrong shape. `keras.Input` takes that of one sample, (number of features,), "
        "without the batch axis.",
        _input_is_wrong,
        see=GRAPH,
    )
    exercise.mistake_if(
        "The layers have the sizes asked for. What is wrong is an activation, how they are connected, or something "
        "that is computed besides them.",
        _has_right_layers,
        last=True,
    )


# classifier

POINTS = np.array([[1, -2], [0.5, 0.25], [-1, 1], [-0.5, -1.5], [2, 1]], "float32")


@exercise(
    NOTEBOOK,
    see=LIMITS,
    cases=[(3,), (6,)],
    observe=lambda answer, hidden_units: watch(answer(hidden_units), tf.constant(POINTS)),
    hints=[
        "Two dense layers in a row: `keras.Sequential` takes a list of them.",
        'The first has `hidden_units` units and the activation "relu".',
        "A probability lies between 0 and 1. Which activation squeezes any number into that range?",
    ],
)
def classifier(hidden_units):
    return keras.Sequential(
        [
            keras.layers.Dense(hidden_units, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


mistakes_of_any_model(classifier)
mistakes_of_shapes(
    classifier,
    {
        "The output is computed from no hidden layer: a single layer draws a straight line.": (
            lambda shapes, units: shapes in ([(2, 1), (1,)], [(2, 2), (2,)])
        ),
        "The output layer is missing: the model ends with the hidden one.": (
            lambda shapes, units: shapes == [(2, units), (units,)]
        ),
        "The model has more layers with weights than two: one hidden layer and the output are asked for.": (
            lambda shapes, units: len(shapes) > 4
        ),
        "The layers stand in the wrong order: the one with a single unit comes last.": (
            lambda shapes, units: (2, 1) in shapes and (1, units) in shapes
        ),
        "The output has more units than one. The probability of class 1 says that of class 0, too.": (
            lambda shapes, units: (
                (2, units) in shapes and any(s[:1] == (units,) and s[1:] > (1,) for s in shapes)
            )
        ),
        "The output layer is called on other numbers than those of the hidden layer alone.": (
            lambda shapes, units: (2, units) in shapes and (units, 1) not in shapes
        ),
        "The hidden layer has another number of units than `hidden_units`.": (
            lambda shapes, units: len(shapes) == 4 and (2, units) not in shapes
        ),
    },
)
mistakes_of_parts(
    classifier,
    lambda case, hidden, output: output(dense(hidden(dense(POINTS, *case)), 1)),
    {"hidden": relu, "output": sigmoid},
    {
        HEADS: {
            "The activations have changed places: relu belongs to the hidden layer, sigmoid to the output.": {
                "hidden": [sigmoid],
                "output": [relu],
            },
            "The output has no activation, so it can be any number. A sigmoid makes a probability of it.": {
                "output": [no_activation]
            },
            (
                "A softmax over a single unit is always 1: its shares add up to 1, and there is only one. With one "
                "unit, the activation is a sigmoid."
            ): {"output": [softmax]},
            "The output's activation is relu or tanh. A probability lies between 0 and 1, and a sigmoid makes one.": {
                "output": [relu, np.tanh]
            },
            "The output has another activation than a sigmoid, or another one besides it.": {
                "output": [
                    lambda x: sigmoid(relu(x)),
                    lambda x: sigmoid(sigmoid(x)),
                    lambda x: np.round(sigmoid(x)),
                    lambda x: np.clip(x, 0, 1),
                    softmax_over_samples,
                    *OTHERS,
                ]
            },
        },
        LIMITS: {
            "The hidden layer has no activation. Two dense layers without one between them are a single linear map.": {
                "hidden": [no_activation]
            },
            "The hidden layer has another activation than relu.": {
                "hidden": [sigmoid, np.tanh, softmax, *OTHERS]
            },
        },
    },
)

# two_heads


@exercise(
    NOTEBOOK,
    see=HEADS,
    cases=[(3, 2), (6, 3)],
    observe=lambda answer, features, kinds: watch(
        answer(features, kinds), tf.constant(_batch(features))
    ),
    hints=[
        "Begin as the notebook does: `keras.Input`, then a dense layer for the body. Call both heads on the body.",
        "Shares of several kinds: a softmax. A price may be any number, so its head has no activation.",
        'The second argument of `keras.Model` may be a dict of symbols: `{"kind": kind, "price": price}`.',
    ],
)
def two_heads(features, kinds):
    inputs = keras.Input(shape=(features,))
    body = keras.layers.Dense(4, activation="relu")(inputs)
    kind = keras.layers.Dense(kinds, activation="softmax")(body)
    price = keras.layers.Dense(1)(body)
    return keras.Model(inputs, {"kind": kind, "price": price})


mistakes_of_any_model(two_heads)
two_heads.mistake_if(
    "The outputs are not the two asked for, in a dict with the keys `kind` and `price`.",
    lambda attempt: (
        not isinstance(_output(attempt), str) or _output(attempt) != attempt.expected.value[OUTPUT]
    ),
)
two_heads.mistake_if(
    "Both names stand for the same head. Each has a dense layer of its own.",
    lambda attempt: (
        len(shapes(attempt)) == 4
        and (attempt.case[0], 4) in shapes(attempt)
        and np.array_equal(_head(attempt, "kind"), _head(attempt, "price"))
    ),
)
two_heads.mistake_if(
    "The names have changed places: `kind` is the head with the softmax, `price` the one with a single unit.",
    lambda attempt: (
        _head(attempt, "kind").shape[-1] == 1
        and _head(attempt, "price").shape[-1] == attempt.case[1]
    ),
)


mistakes_of_shapes(
    two_heads,
    {
        "One head is computed from the output of the other. Call both on the body.": (
            lambda shapes, features, kinds: (
                ((4, kinds) in shapes and {(kinds, 1), (4 + kinds, 1)} & set(shapes))
                or ((4, 1) in shapes and {(1, kinds), (5, kinds)} & set(shapes))
            )
        ),
        "There are two bodies, one for each head. Call both heads on one body, so that it learns from both.": (
            lambda shapes, features, kinds: shapes.count((features, 4)) == 2
        ),
        "A head is called on the inputs. Between these and both heads stands the body.": (
            lambda shapes, features, kinds: (
                (features, features) not in shapes  # that would be a body
                and len({(features, kinds), (features, 1), (features, 4)} & set(shapes)) > 1
            )
        ),
        "Both heads are one dense layer, cut in two. Each is to have a layer of its own.": (
            lambda shapes, features, kinds: len(shapes) == 4 and (features, 4) in shapes
        ),
        "There are more layers than three: the body and two heads.": (
            lambda shapes, features, kinds: len(shapes) > 6
        ),
        "The body is to have 4 units.": lambda shapes, features, kinds: (
            len(shapes) == 6 and (features, 4) not in shapes
        ),
        "The head of `kind` has another number of units than `kinds`.": (
            lambda shapes, features, kinds: (
                len(shapes) == 6 and not any(shape[1:] == (kinds,) for shape in shapes)
            )
        ),
        "The head of `price` has more units than one; a price is a single number.": (
            lambda shapes, features, kinds: (
                len(shapes) == 6 and not any(shape[1:] == (1,) for shape in shapes)
            )
        ),
        "A head is called on other numbers than the 4 that the body gives.": (
            lambda shapes, features, kinds: not {(4, 1), (4, kinds)} <= set(shapes)
        ),
    },
)


def _two_heads(case, body, kind, price):
    features, kinds = case
    seen = body(dense(_batch(features), 4))
    return np.hstack([kind(dense(seen, kinds)), price(dense(seen, 1))])


mistakes_of_parts(
    two_heads,
    _two_heads,
    {"body": relu, "kind": softmax, "price": no_activation},
    {
        HEADS: {
            "The activations of the heads have changed places: the softmax belongs to `kind`, and `price` has none.": {
                "kind": [no_activation],
                "price": [softmax],
            },
            "The body has another activation than relu.": {
                "body": [sigmoid, np.tanh, softmax, *OTHERS]
            },
            "The head of `kind` has no activation. A softmax makes probabilities of its numbers, which add up to 1.": {
                "kind": [no_activation]
            },
            "The head of `kind` has another activation than one softmax over its units, which makes probabilities.": {
                "kind": [
                    sigmoid,
                    relu,
                    np.tanh,
                    lambda x: softmax(relu(x)),
                    lambda x: softmax(softmax(x)),
                    lambda x: sigmoid(x) / sigmoid(x).sum(axis=-1, keepdims=True),
                    *OTHERS,
                    softmax_over_samples,
                ]
            },
            "The head of `price` has an activation. A price may be any number, so it has none.": {
                "price": [softmax, relu, sigmoid, np.tanh, softmax_over_samples, *OTHERS]
            },
        },
        LIMITS: {
            "The body has no activation. Then body and head together are a single linear map.": {
                "body": [no_activation]
            },
        },
    },
)


# residual_tower

TOWERS = [(2, 4, 3), (3, 5, 1)]


@exercise(
    NOTEBOOK,
    see=SHORTCUT,
    cases=TOWERS,
    observe=lambda answer, width, hidden_units, blocks: watch(
        answer(width, hidden_units, blocks), tf.constant(4 * _batch(width))
    ),
    hints=[
        "Write one block first, as the notebook does. Which lines of it belong into a loop over `range(blocks)`?",
        "Keep one name, such as `x`, for what goes into the next block. Before the loop it is the input of the model.",
        "Each turn makes two new layers, calls them one after the other on `x`, and adds the result to `x`.",
        "The line at the end of the loop is `x = keras.layers.Add()([x, change])`, and after it comes the model.",
    ],
)
def residual_tower(width, hidden_units, blocks):
    inputs = keras.Input(shape=(width,))
    x = inputs
    for _ in range(blocks):
        hidden = keras.layers.Dense(hidden_units, activation="relu")(x)
        change = keras.layers.Dense(width)(hidden)
        x = keras.layers.Add()([x, change])
    return keras.Model(inputs, x)


mistakes_of_any_model(residual_tower)
residual_tower.mistake_if(
    "Two things of different width are added. What a block adds has `width` numbers: its own input, and the output of "
    "its second layer.",
    fails_as("not_broadcastable", "no_shape_inferred"),
)


def _of_blocks(width, hidden_units, blocks):
    """The shapes of the weights of so many blocks."""
    return [(width, hidden_units), (hidden_units, width), (hidden_units,), (width,)] * blocks


residual_tower.mistake_if(
    "The model gives its inputs back. The result of each turn is to become the input of the next.",
    lambda attempt: _equal(_numbers(attempt), 4 * _batch(attempt.case[0])),
)
residual_tower.mistake_if(
    "The input is put beside something else. It is to be added to the change, number by number.",
    lambda attempt: attempt.calls("Concatenate", "concatenate", "concat"),
)
residual_tower.mistake_if(
    "All blocks have the same two layers, so the same weights. Make new layers in each turn of the loop.",
    lambda attempt: (
        attempt.case[-1] > 1
        and _blocks(attempt)[0] == 1
        and _equal(_numbers(attempt), np.asarray(attempt.expected.value[OUTPUT]))
    ),
)
residual_tower.mistake_if(
    "Only one block is part of the model. In a loop, each turn is to begin with what the turn before has given, not "
    "with `inputs`.",
    lambda attempt: (
        attempt.case[-1] > 1
        and _equal(_numbers(attempt), _tower((*attempt.case[:2], 1), **TOWER_PARTS))
    ),
)
residual_tower.mistake_if(
    "The model ends in `hidden_units` numbers, as a hidden layer does. It is to end with the sum of the last block.",
    lambda attempt: _output(attempt).shape[-1] == attempt.case[1],
)


def _blocks(attempt):
    """Of how many blocks the model has the weights, in each case; None where its weights are no whole blocks."""
    listed = [(attempt.run(case).result or {}).get(SHAPES) for case in TOWERS]
    return [
        next((n for n in range(10) if text == in_order(_of_blocks(*case[:2], n))), None)
        for case, text in zip(TOWERS, listed, strict=True)
    ]


for words, made in {
    "The model has the weights of one block. Each block has its own: make new layers in each turn.": [
        1,
        1,
    ],
    "The tower has one block too few. `range(blocks)` has as many turns as there are to be blocks.": [
        2,
        0,
    ],
    "The tower has one block too many. `range(blocks)` has as many turns as there are to be blocks.": [
        4,
        2,
    ],
}.items():
    # some releases of Keras refuse a model without a layer, which has no block
    residual_tower.mistake_if(
        words, lambda attempt, made=made: _blocks(attempt) in (made, [made[0], made[1] or None])
    )
residual_tower.mistake_if(
    "The weights are not those of `blocks` blocks, but of more or fewer. Each turn over `range(blocks)` is to "
    "make two new layers.",
    lambda attempt: _blocks(attempt)[TOWERS.index(attempt.case)] not in (attempt.case[-1], None),
)
mistakes_of_shapes(
    residual_tower,
    {
        "A hidden layer is called on another hidden layer. A block has one, and `blocks` counts the blocks.": (
            lambda shapes, width, hidden, blocks: (hidden, hidden) in shapes
        ),
        "Blocks share one of their layers. Each block needs two of its own: make both in each turn of the loop.": (
            lambda shapes, width, hidden, blocks: (
                set(shapes) == set(_of_blocks(width, hidden, 1))
                and len(shapes) == 2 * (blocks + 1) < 4 * blocks
            )
        ),
        "Each block computes with one layer of `width` units alone. There are two, and the second is called on the "
        "output of the first.": (
            lambda shapes, width, hidden, blocks: (
                set(shapes) == {(width, width), (width,)} and len(shapes) < 4 * blocks
            )
        ),
        "There is another layer besides the two of each block.": (
            lambda shapes, width, hidden, blocks: len(shapes) > 4 * blocks
        ),
        "The layers have other sizes than `hidden_units` in the first of a block and `width` in the second.": (
            lambda shapes, width, hidden, blocks: (
                sorted(shapes) != sorted(_of_blocks(width, hidden, blocks))
                and (len(shapes) == 4 * blocks or (width, hidden) not in shapes)
            )
        ),
    },
)


def _tower(case, seen, inner, outer, join, end):
    """What a tower gives whose blocks are put together from these parts."""
    width, hidden_units, blocks = case
    x = inputs = 4 * _batch(width)
    for left in reversed(range(blocks)):
        change = outer(dense(inner(dense(seen(inputs, x), hidden_units)), width))
        x = join(inputs, x, change, left)
    return end(inputs, x)


def _join(of_input, of_change, after=no_activation, some=(0, 1, 2)):
    """How a tower's blocks put input and change together, if some of them (by how many are left) do it like that."""
    return lambda inputs, x, change, left: (
        after(of_input * x + of_change * change) if left in some else x + change
    )


SOME = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
_no_shortcut, _relu_of_sum = _join(0, 1), _join(1, 1, relu)
TOWER_PARTS = {
    "seen": lambda inputs, x: x,
    "inner": relu,
    "outer": no_activation,
    "join": _join(1, 1),
    "end": lambda inputs, x: x,
}
_plus_inputs, _relu_first = (lambda inputs, x: inputs + x), (lambda inputs, x: relu(x))


mistakes_of_parts(
    residual_tower,
    _tower,
    TOWER_PARTS,
    {
        SHORTCUT: {
            "There is one shortcut around the whole tower. Each block is to have its own, around its two layers.": {
                "join": [_no_shortcut],
                "end": [_plus_inputs],
            },
            "The relu is at the second layer of a block. It belongs to the first; the second has none.": {
                "inner": [no_activation],
                "outer": [relu],
            },
            "A relu comes before a block's first layer. A block's only relu is the activation of its first layer.": {
                "seen": [_relu_first]
            },
            "Every block computes its change from the input of the model. Its layers are to see what the block before "
            "gives.": {"seen": [lambda inputs, x: inputs]},
            "The shortcut is missing: the input of a block is added to what its two layers make of it.": {
                "join": [_no_shortcut]
            },
            "Each block adds the input of the model. It is to add its own input, which is the output of the block "
            "before.": {"join": [lambda inputs, x, change, left: inputs + change]},
            "Not every block has its shortcut. Each adds its own input to its change.": {
                "join": [_join(0, 1, some=some) for some in SOME]
            },
            "A relu comes after an addition. A block's only relu is the activation of its first layer.": {
                "join": [_relu_of_sum, *[_join(1, 1, relu, some) for some in SOME]]
            },
            "Besides the shortcuts of the blocks, the model's input is added once more at the end.": {
                "end": [_plus_inputs]
            },
            "A block subtracts or multiplies its input and its change, or takes their mean. It is to add them.": {
                "join": [
                    lambda inputs, x, change, left: x * change,
                    *[_join(0.5, 0.5), _join(1, -1), _join(-1, 1)],
                ]
            },
            "A block adds something twice. It is to add its own input once, and its change once.": {
                "join": [_join(0, 2), _join(2, 1), _join(1, 2)]
            },
            "The second layer of a block has an activation, which limits what a block can add. It is to have none.": {
                "outer": [relu, sigmoid, np.tanh]
            },
            "The hidden layers have another activation than relu.": {
                "inner": [sigmoid, np.tanh, softmax, *OTHERS]
            },
        },
        LIMITS: {
            "The hidden layers have no activation. Then the two layers of a block are a single linear map.": {
                "inner": [no_activation]
            },
        },
    },
)
