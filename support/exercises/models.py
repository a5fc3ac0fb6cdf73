"""Exercises of notebook 08, on models."""

import ast
import functools
import itertools
import re

import keras
import numpy as np
import tensorflow as tf

from support.exercises.compare import kind_of
from support.exercises.engine import exercise
from support.exercises.layers import errors_as_raised, fill, filling, in_order, message_of

NOTEBOOK = "08_models"
GRAPH = "From a row of layers to a graph"
HEADS = "Several heads"
SHORTCUT = "A residual connection"
SUBCLASS = "The same block by subclassing"
LIMITS = "The wiring limits what can be learned"

RETURNED = "what your function returns"
MODEL = "a model"
SHAPES = "the list of the weights' shapes"


def watch(model, inputs):
    """What a model does whose weights are known: each weight is filled with numbers that depend on its shape alone."""
    if not isinstance(model, keras.Model):
        return {RETURNED: kind_of(model)}
    with errors_as_raised():
        model(inputs)  # the first input builds the weights
        shapes = in_order([tuple(weight.shape) for weight in model.weights])
        fill(model.weights)
        outputs = model(inputs)
    seen = {RETURNED: MODEL, SHAPES: shapes}
    if not isinstance(outputs, dict):
        return {**seen, "the output": outputs}
    keys = ", ".join(sorted(map(str, outputs)))
    heads = {f"the head {key!r}": value for key, value in outputs.items()}
    return {**seen, "the output": f"a dict with the keys {keys}", **heads}


def shapes(attempt):
    return attempt.called.value[SHAPES]


def mistakes_of_any_model(exercise):
    """What goes wrong with functions that build a model."""

    exercise.mistake_if(
        "Your function returns a symbol, the last one of the graph. `keras.Model(inputs, outputs)` makes a model of "
        "the graph between two of them.",
        lambda attempt: "symbolic" in attempt.called.value[RETURNED],
        see=GRAPH,
    )

    exercise.mistake_if(
        "Your function returns a class. Call the class: that makes a model.",
        lambda attempt: "the class" in attempt.called.value[RETURNED],
    )

    exercise.mistake_if(
        "Your function returns a list of layers; `keras.Sequential` makes a model of them.",
        lambda attempt: attempt.called.value[RETURNED] in ("a Python list", "a Python tuple"),
    )

    exercise.mistake_if(
        "Your function makes no model, or does not return it: it gives None.",
        lambda attempt: attempt.called.value[RETURNED] == "None",
    )

    exercise.mistake_if(
        "Your function returns what a model computes for some inputs. The model itself is asked for.",
        lambda attempt: attempt.called.value[RETURNED] == "a tensor",
    )

    exercise.mistake_if(
        "What your function returns is no model. `keras.Model` and `keras.Sequential` make models.",
        lambda attempt: attempt.called.value[RETURNED] != MODEL,
    )

    @exercise.mistake_if(
        "The input of your model has the wrong shape. `keras.Input` takes the shape of one sample, (number of "
        "features,), without the batch axis.",
        see=GRAPH,
    )
    def _(attempt):
        wrong = "incompatible with the layer|Invalid input shape|expected axis -1|is incompatible"
        return re.search(wrong, message_of(attempt)) and "Input" in attempt.source

    exercise.mistake_if(
        "A shape is a tuple, even of one number: `(3,)` has a comma.",
        lambda attempt: "to a shape" in message_of(attempt),
        see=GRAPH,
    )

    exercise.mistake_if(
        "A layer stands where its output is needed: it is made, but not called. In `Dense(16)(inputs)` the second "
        "parentheses call it.",
        lambda attempt: re.search(
            "Only input tensors may|must be KerasTensors.*<(Dense|Add|Functional|Sequential) ",
            message_of(attempt),
        ),
        see=GRAPH,
    )

    exercise.mistake_if(
        "What `keras.Model` was given as outputs does not come from its inputs. The inputs are named first, and a path "
        "of layers leads from there to the outputs.",
        lambda attempt: "not connected" in message_of(attempt),
        see=GRAPH,
    )

    exercise.mistake_if(
        "`keras.Sequential` takes one list of layers: put them in brackets.",
        lambda attempt: "Expected `trainable` to be a boolean" in message_of(attempt),
    )

    exercise.mistake_if(
        'Keras knows no activation of this name. Names are in lower case: "relu", "sigmoid", "softmax".',
        lambda attempt: "interpret activation" in message_of(attempt),
    )

    exercise.mistake_if(
        "Your class does not call `super().__init__()` first, which sets up what Keras keeps about a model.",
        lambda attempt: "forgot to call" in message_of(attempt),
        see=SUBCLASS,
    )

    exercise.mistake_if(
        "Your class has no method `call`, which computes.",
        lambda attempt: "`call()` method implemented" in message_of(attempt),
        see=SUBCLASS,
    )

    @exercise.mistake_if(
        "Layers are made in `call`, so each call has new weights, and the model keeps none. Make them in `__init__`.",
        see=SUBCLASS,
    )
    def _(attempt):
        calls = [node for node in ast.walk(attempt.tree) if getattr(node, "name", "") == "call"]
        made = any("Dense(" in ast.unparse(node) for node in calls)
        return made or "cannot add new elements" in message_of(attempt)

    exercise.mistake_if(
        "The `call` of your model ends without `return`, so its output is None.",
        lambda attempt: attempt.called.value["the output"] is None,
        see=SUBCLASS,
    )

    exercise.mistake_if(
        "A layer has no bias; each dense layer is to have one.",
        lambda attempt: "use_bias=False" in attempt.source,
    )


# How known weights and activations combine, in NumPy


def _softmax(x):
    shares = np.exp(x - x.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


ACTIVATIONS = {
    "none": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "softmax": _softmax,
    "over samples": lambda x: _softmax(x.T).T,
    "relu, sigmoid": lambda x: 1 / (1 + np.exp(-np.maximum(x, 0))),
    "relu, softmax": lambda x: _softmax(np.maximum(x, 0)),
    "twice": lambda x: 1 / (1 + np.exp(-1 / (1 + np.exp(-x)))),
    "rounded": lambda x: np.round(1 / (1 + np.exp(-x))),
    **{
        name: lambda x, name=name: np.asarray(getattr(keras.activations, name)(x))
        for name in ("leaky_relu", "elu", "gelu", "silu", "softplus", "selu")
    },
}
RARE = ("leaky_relu", "elu", "gelu", "silu", "softplus", "selu")


def dense(x, units, activation):
    """What a dense layer gives whose weights have been filled by `fill`."""
    return ACTIVATIONS[activation](x @ filling((x.shape[-1], units)) + filling((units,)))


def explanation(attempt, compute, right, choices, got):
    """Which choices lead to what the attempt gives: those that are wrong, as few as can be; {} if none do.

    Args:
        attempt: whose weights have the right shapes.
        compute: takes choices by name and returns the output.
        right: the right choice for each name.
        choices: the wrong ones, by name.
        got: the output of the attempt.
    """
    known = attempt.__dict__.setdefault("explanations", {})
    if compute.__name__ not in known:
        wrong = [(name, choice) for name in choices for choice in choices[name]]
        sets = [dict(some) for size in (0, 1, 2) for some in itertools.combinations(wrong, size)]
        known[compute.__name__] = next(
            (some for some in sets if _equal(compute(attempt, **{**right, **some}), got)), {}
        )
    return known[compute.__name__]


def _equal(mine, got):
    got = np.asarray(got)
    return mine.shape == got.shape and np.allclose(mine, got, 1e-4, 1e-4)


# classifier

POINTS = tf.constant([[1.0, -2.0], [0.5, 0.25], [-1.0, 1.0], [-0.5, -1.5], [2.0, 1.0]])


@exercise(
    NOTEBOOK,
    see=LIMITS,
    cases=[(3,), (6,)],
    observe=lambda answer, hidden_units: watch(answer(hidden_units), POINTS),
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


def _classify(attempt, hidden, output):
    (units,) = attempt.case
    return dense(dense(POINTS.numpy(), units, hidden), 1, output)


def _choices_of_classifier(attempt):
    if shapes(attempt) != attempt.expected.value[SHAPES]:
        return {}
    return explanation(
        attempt,
        _classify,
        {"hidden": "relu", "output": "sigmoid"},
        {
            "hidden": ("none", "sigmoid", "tanh", "softmax", *RARE),
            "output": (
                "none",
                "relu",
                "tanh",
                "softmax",
                "over samples",
                "relu, sigmoid",
                "twice",
                "rounded",
                *RARE,
            ),
        },
        attempt.called.value["the output"],
    )


def _classifier_mistake(words, see="", **wrong):
    @classifier.mistake_if(words, see=see)
    def _(attempt):
        found = _choices_of_classifier(attempt)
        return found and all(found.get(name) in choices for name, choices in wrong.items())


_classifier_mistake(
    "The activations have changed places: relu belongs to the hidden layer, sigmoid to the output.",
    see=HEADS,
    hidden=("sigmoid",),
    output=("relu",),
)
_classifier_mistake(
    "The hidden layer has no activation, and the output no sigmoid. Each layer needs its own: relu, then sigmoid.",
    hidden=("none",),
    output=("none", "relu", "tanh", "softmax"),
)
_classifier_mistake(
    "The hidden layer has no activation. Two dense layers without one between them are a single linear map.",
    hidden=("none",),
)
_classifier_mistake(
    "The hidden layer's activation is a sigmoid; a relu is asked for.", hidden=("sigmoid",)
)
_classifier_mistake("The hidden layer's activation is tanh; a relu is asked for.", hidden=("tanh",))
_classifier_mistake(
    "The hidden layer's activation is a softmax, which makes shares of its outputs; a relu is asked for.",
    hidden=("softmax",),
)
_classifier_mistake("The hidden layer has another activation than relu.", hidden=RARE)
_classifier_mistake(
    "The output has no activation, so it can be any number. A sigmoid makes a probability of it.",
    see=HEADS,
    output=("none",),
)
_classifier_mistake(
    "A softmax over a single unit is always 1: its shares add up to 1, and there is only one. With one unit, the "
    "activation is a sigmoid.",
    see=HEADS,
    output=("softmax",),
)
_classifier_mistake(
    "The softmax goes over the samples, so one depends on the others. With one unit, the activation is a "
    "sigmoid.",
    see=HEADS,
    output=("over samples",),
)
_classifier_mistake(
    "The output's activation is relu, which cuts off negative numbers and lets large ones pass. A sigmoid gives a "
    "probability.",
    see=HEADS,
    output=("relu",),
)
_classifier_mistake(
    "The output's activation is tanh, which goes from -1 to 1. A probability lies between 0 and 1.",
    see=HEADS,
    output=("tanh",),
)
_classifier_mistake(
    "The output passes through a relu and then a sigmoid, so it is never below 0.5. The sigmoid alone comes last.",
    output=("relu, sigmoid",),
)
_classifier_mistake(
    "The sigmoid is applied twice; the second squeezes what is between 0 and 1 already.",
    output=("twice",),
)
_classifier_mistake(
    "The output is rounded to 0 or 1. The probability itself is asked for.", output=("rounded",)
)
_classifier_mistake("The output has another activation than a sigmoid.", see=HEADS, output=RARE)


classifier.mistake_if(
    "The hidden layer is missing, or nothing is computed from it: a single layer draws a straight line.",
    lambda attempt: shapes(attempt) in ("(2, 1), (1,)", "(2, 2), (2,)"),
)


@classifier.mistake_if("The output layer is missing: the model ends with the hidden one.")
def _(attempt):
    (units,) = attempt.case
    return shapes(attempt) == f"(2, {units}), ({units},)"


@classifier.mistake_if(
    "The layers stand in the wrong order: the one with a single unit comes last."
)
def _(attempt):
    (units,) = attempt.case
    return shapes(attempt) == f"(2, 1), (1, {units}), ({units},), (1,)"


@classifier.mistake_if(
    "The output has two units. For two classes one is enough: the probability of class 1 says that of class 0, too."
)
def _(attempt):
    (units,) = attempt.case
    return f"({units}, 2)" in shapes(attempt)


@classifier.mistake_if("The output has as many units as the hidden layer. One is asked for.")
def _(attempt):
    (units,) = attempt.case
    return f"({units}, {units})" in shapes(attempt) and shapes(attempt).count("(") == 4


classifier.mistake_if(
    "The model has more layers with weights than two: one hidden layer and the output are asked for.",
    lambda attempt: shapes(attempt).count("(") > 4,
)


@classifier.mistake_if(
    "The number of hidden units is fixed in your code; `hidden_units` says how many."
)
def _(attempt):
    fixed = re.fullmatch(
        r"\((\d+), 1\), \(2, \1\), .*|\(2, (\d+)\), \(\2, 1\), .*", shapes(attempt)
    )
    return fixed and shapes(attempt) != attempt.expected.value[SHAPES]


# two_heads


@functools.cache
def batch(features):
    return tf.constant(((np.arange(4 * features) * 5 % 7 - 3) / 4).reshape(4, features), "float32")


@exercise(
    NOTEBOOK,
    see=HEADS,
    cases=[(3, 2), (5, 3)],
    observe=lambda answer, features, kinds: watch(answer(features, kinds), batch(features)),
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


two_heads.mistake_if(
    "Your function returns a dict, and not a model. The dict of symbols is what `keras.Model` takes as its outputs.",
    lambda attempt: attempt.called.value[RETURNED] == "a Python dict",
)
two_heads.mistake_if(
    "Your function returns several things. One model has both heads: `keras.Model` takes a dict as its outputs.",
    lambda attempt: attempt.called.value[RETURNED] == "a Python tuple",
)


mistakes_of_any_model(two_heads)


two_heads.mistake_if(
    "In your dict the symbols are the keys. The names come first, each with its symbol after the colon.",
    lambda attempt: (
        "must be KerasTensors" in message_of(attempt) and "{<KerasTensor" in message_of(attempt)
    ),
)


@two_heads.mistake_if(
    "The heads stand one after the other: `price` is computed from the output of `kind`. Call both on the body alone."
)
def _(attempt):
    _, kinds = attempt.case
    after = f"({kinds}, 1)" in shapes(attempt) or f"({4 + kinds}, 1)" in shapes(attempt)
    return after and f"(4, {kinds})" in shapes(attempt)


@two_heads.mistake_if(
    "The heads stand one after the other: `kind` is computed from the output of `price`. Call both on the body alone."
)
def _(attempt):
    _, kinds = attempt.case
    return f"(1, {kinds})" in shapes(attempt) or f"(5, {kinds})" in shapes(attempt)


two_heads.mistake_if(
    "The model gives a list or a tuple; a dict is asked for. In a dict each output has a name, so nobody must count.",
    lambda attempt: isinstance(attempt.called.value["the output"], list | tuple),
)


@two_heads.mistake_if("The keys of the dict are not the two asked for: `kind` and `price`.")
def _(attempt):
    output = attempt.called.value["the output"]
    keys = re.sub("a dict with the keys ", "", output).split(", ")
    return len(keys) == 2 and sorted(keys) != ["kind", "price"]


@two_heads.mistake_if("The model has one output; two are asked for, one from each head.")
def _(attempt):
    output = attempt.called.value["the output"]
    return "," not in output if isinstance(output, str) else len(output.shape) == 2


two_heads.mistake_if(
    "The model gives more outputs than the two heads.",
    lambda attempt: attempt.called.value["the output"].count(",") > 1,
)


@two_heads.mistake_if("Both names stand for the same head. Each has a dense layer of its own.")
def _(attempt):
    features, _ = attempt.case
    heads = shapes(attempt).count("(") == 4 and f"({features}, 4)" in shapes(attempt)
    return heads and np.array_equal(head(attempt, "kind"), head(attempt, "price"))


def head(attempt, name):
    return np.asarray(attempt.called.value[f"the head {name!r}"])


@two_heads.mistake_if(
    "The names have changed places: `kind` is the head with the softmax, `price` the one with a single unit."
)
def _(attempt):
    _, kinds = attempt.case
    return head(attempt, "kind").shape[-1] == 1 and head(attempt, "price").shape[-1] == kinds


def _body_and_kind(attempt, body, kind):
    features, kinds = attempt.case
    return dense(dense(batch(features).numpy(), 4, body), kinds, kind)


def _body_and_price(attempt, body, price):
    features, _ = attempt.case
    return dense(dense(batch(features).numpy(), 4, body), 1, price)


BODIES = ("none", "sigmoid", "tanh", "softmax", *RARE)


def _choices_of_heads(attempt):
    """What is wrong with body, kind and price; the head of price says what the body's activation is."""
    if shapes(attempt) != attempt.expected.value[SHAPES]:
        return {}
    kinds = ("none", "sigmoid", "tanh", "relu", "over samples", "relu, softmax")
    prices = ("relu", "sigmoid", "tanh", "softmax", "twice", "over samples", *RARE)
    return {
        **explanation(
            attempt,
            _body_and_kind,
            {"body": "relu", "kind": "softmax"},
            {"body": BODIES, "kind": kinds},
            head(attempt, "kind"),
        ),
        **explanation(
            attempt,
            _body_and_price,
            {"body": "relu", "price": "none"},
            {"price": prices, "body": BODIES},
            head(attempt, "price"),
        ),
    }


def _heads_mistake(words, see="", **wrong):
    @two_heads.mistake_if(words, see=see)
    def _(attempt):
        found = _choices_of_heads(attempt)
        return found and all(found.get(name) in choices for name, choices in wrong.items())


_heads_mistake(
    "The activations of the heads have changed places: the softmax belongs to `kind`, and `price` has none.",
    kind=("none",),
    price=("softmax",),
)
_heads_mistake(
    "The body has no activation. Then body and head together are a single linear map.",
    see=LIMITS,
    body=("none",),
)
_heads_mistake("The body's activation is a sigmoid; a relu is asked for.", body=("sigmoid",))
_heads_mistake("The body's activation is tanh; a relu is asked for.", body=("tanh",))
_heads_mistake("The body has another activation than relu.", body=("softmax", *RARE))
_heads_mistake(
    "The head of `kind` has no activation. A softmax makes probabilities of its numbers, which add up to 1.",
    kind=("none",),
)
_heads_mistake(
    "The head of `kind` has a sigmoid, so each number is squeezed alone. A softmax makes them add up to 1.",
    kind=("sigmoid",),
)
_heads_mistake(
    "The head of `kind` has a relu or tanh, and no softmax. A softmax makes probabilities, which add up to 1.",
    kind=("relu", "tanh"),
)
_heads_mistake(
    "The head of `kind` has a relu before the softmax. The softmax takes numbers of any sign.",
    kind=("relu, softmax",),
)
_heads_mistake(
    "The softmax goes over the samples. The probabilities of each sample are to add up to 1: the last axis.",
    kind=("over samples",),
)
_heads_mistake(
    "The head of `price` has a softmax: over one unit that is always 1. A price may be any number, so it has no "
    "activation.",
    price=("softmax",),
)
_heads_mistake(
    "The head of `price` has a sigmoid, so no price is above 1. A price may be any number, so it has no activation.",
    price=("sigmoid",),
)
_heads_mistake(
    "The head of `price` has a relu, which cuts off negative numbers. It is to have no activation.",
    price=("relu",),
)
_heads_mistake(
    "The head of `price` has an activation. A price may be any number, so it has none.",
    price=("tanh", "twice", "over samples", *RARE),
)


@two_heads.mistake_if(
    "There are two bodies, one for each head. What one learns does not help the other: call both heads on one body."
)
def _(attempt):
    features, _ = attempt.case
    return shapes(attempt).count(f"({features}, 4)") == 2


two_heads.mistake_if(
    "The input of your model has the wrong shape: it takes one number for each sample. Say `shape=(features,)`.",
    lambda attempt: "(1, 4)" in shapes(attempt),
)


@two_heads.mistake_if("The body is missing: the heads are called on the inputs.")
def _(attempt):
    features, kinds = attempt.case
    return shapes(attempt) == f"({features}, {kinds}), ({features}, 1), ({kinds},), (1,)"


@two_heads.mistake_if(
    "A head is called on the inputs, and does not see the body. Call both on the body."
)
def _(attempt):
    features, kinds = attempt.case
    on_inputs = f"({features}, {kinds})" in shapes(attempt) or f"({features}, 1)" in shapes(attempt)
    return on_inputs and f"({features}, 4)" in shapes(attempt)


@two_heads.mistake_if("The body is to have 4 units.")
def _(attempt):
    features, _ = attempt.case
    return shapes(attempt).count("(") == 6 and f"({features}, 4)" not in shapes(attempt)


two_heads.mistake_if(
    "There are more layers than three: the body and two heads.",
    lambda attempt: shapes(attempt).count("(") > 6,
)


@two_heads.mistake_if(
    "That head has another number of units than `kinds`: its number is fixed in your code, or changed."
)
def _(attempt):
    _, kinds = attempt.case
    return shapes(attempt).count("(") == 6 and f"(4, {kinds})" not in shapes(attempt)


two_heads.mistake_if(
    "The head of `price` has more units than one; a price is a single number.",
    lambda attempt: shapes(attempt).count("(") == 6 and "(4, 1)" not in shapes(attempt),
)


# residual_tower


@exercise(
    NOTEBOOK,
    see=SHORTCUT,
    cases=[(2, 3, 2), (3, 5, 1)],
    observe=lambda answer, width, hidden_units, blocks: watch(
        answer(width, hidden_units, blocks), 4 * batch(width)
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


residual_tower.mistake_if(
    "Your function returns the blocks in a list. A model runs them one after the other; `keras.Sequential` makes one.",
    lambda attempt: attempt.called.value[RETURNED] in ("a Python list", "a Python tuple"),
)


mistakes_of_any_model(residual_tower)


residual_tower.mistake_if(
    "Two things of different width are added. The block's second layer ends in `width` units, as many as came in.",
    lambda attempt: re.search(
        "could not be broadcast|annot broadcast|ncompatible shapes|required broadcastable|automatically infer",
        message_of(attempt),
    ),
)


#: How a block ends: from the model's input, the block's own, the change, and the number of blocks that follow.
JOINS = {
    "sum": lambda inputs, x, change, left: x + change,
    "no shortcut": lambda inputs, x, change, left: change,
    "from the model's input": lambda inputs, x, change, left: inputs + change,
    "not the last": lambda inputs, x, change, left: x + change if left else change,
    "only the first": lambda inputs, x, change, left: x + change if x is inputs else change,
    "relu": lambda inputs, x, change, left: np.maximum(x + change, 0),
    "relu between": lambda inputs, x, change, left: (
        np.maximum(x + change, 0) if left else x + change
    ),
    "product": lambda inputs, x, change, left: x * change,
    "x - change": lambda inputs, x, change, left: x - change,
    "change - x": lambda inputs, x, change, left: change - x,
    "change twice": lambda inputs, x, change, left: change + change,
    "x twice": lambda inputs, x, change, left: x + x + change,
    "x + 2 change": lambda inputs, x, change, left: x + 2 * change,
    "input twice": lambda inputs, x, change, left: x + x,
    "mean": lambda inputs, x, change, left: (x + change) / 2,
    "maximum": lambda inputs, x, change, left: np.maximum(x, change),
}
ENDS = {
    "nothing": lambda inputs, x: x,
    "relu": lambda inputs, x: np.maximum(x, 0),
    "plus inputs": lambda inputs, x: inputs + x,
}


def _tower(attempt, join, inner, outer, end, wiring):
    width, hidden_units, blocks = attempt.case
    x = inputs = 4 * batch(width).numpy()
    results = []
    for left in reversed(range(1 if wiring == "one block" else blocks)):
        seen = inputs if wiring == "from inputs" else x
        seen = np.maximum(seen, 0) if wiring == "relu before" else seen
        change = dense(dense(seen, hidden_units, inner), width, outer)
        x = JOINS[join](inputs, x, change, left)
        results.append(x)
    x = inputs + sum(results) if wiring == "all at the end" else x
    return ENDS[end](inputs, x)


def _choices_of_tower(attempt):
    return explanation(
        attempt,
        _tower,
        {"join": "sum", "inner": "relu", "outer": "none", "end": "nothing", "wiring": "chain"},
        {
            "wiring": ("one block", "from inputs", "relu before", "all at the end"),
            "join": tuple(JOINS)[1:],
            "inner": ("none", "sigmoid", "tanh", "softmax", *RARE[:3]),
            "outer": ("relu", "sigmoid", "tanh"),
            "end": ("plus inputs", "relu"),
        },
        attempt.called.value["the output"],
    )


def _tower_mistake(words, see="", **wrong):
    @residual_tower.mistake_if(words, see=see)
    def _(attempt):
        if shapes(attempt) != attempt.expected.value[SHAPES]:
            return False
        found = _choices_of_tower(attempt)
        return found and all(found.get(name) in choices for name, choices in wrong.items())


ONE_BLOCK = (
    "The output is that of one block. A loop makes as many as are asked for, and each turn goes on with what the turn "
    "before has given."
)
_tower_mistake(ONE_BLOCK, wiring=("one block",))
_tower_mistake(
    "There is one shortcut around the whole tower. Each block is to have its own, around its two layers.",
    join=("no shortcut",),
    end=("plus inputs",),
)
_tower_mistake(
    "The relu is at the second layer of a block. It belongs to the first; the second has none.",
    inner=("none",),
    outer=("relu",),
)
_tower_mistake(
    "The relu comes after the addition, and the hidden layers have none. It belongs to the hidden layer.",
    inner=("none",),
    join=("relu",),
)
_tower_mistake(
    "Every block computes its change from the input of the model. Its layers are to see what the block before gives.",
    wiring=("from inputs",),
)
_tower_mistake(
    "The relu comes before the first layer of a block. It belongs to the first layer, as its activation.",
    wiring=("relu before",),
)
_tower_mistake(
    "What the blocks give is added up at the end. Each block is to add its own input to its own change.",
    wiring=("all at the end",),
)
_tower_mistake(
    "The shortcut is missing: the input of a block is added to what its two layers make of it.",
    join=("no shortcut",),
)
_tower_mistake(
    "Each block adds the input of the model. It is to add its own input, which is the output of the block before.",
    join=("from the model's input",),
)
_tower_mistake(
    "Not every block has its shortcut. Each adds its own input to its change.",
    join=("not the last", "only the first"),
)
_tower_mistake(
    "A relu comes after the addition, so what the shortcut brings loses its negative numbers. A block ends in the sum.",
    join=("relu",),
)
_tower_mistake(
    "A relu stands between the blocks. A block ends in the sum, and the next takes it as it is.",
    join=("relu between",),
)
_tower_mistake(
    "The input of a block is multiplied by what the layers make of it; it is to be added.",
    join=("product",),
)
_tower_mistake(
    "The change is subtracted from the input of a block; it is to be added.", join=("x - change",)
)
_tower_mistake(
    "The input is subtracted from the change; both are to be added.", join=("change - x",)
)
_tower_mistake(
    "The change is added to itself. It is to be added to the input of the block.",
    join=("change twice",),
)
_tower_mistake(
    "Input and change are added, but one of them counts twice. Each is to be added once.",
    join=("x twice", "x + 2 change"),
)
_tower_mistake("The mean of input and change is taken; their sum is asked for.", join=("mean",))
_tower_mistake(
    "The larger of input and change is taken; their sum is asked for.", join=("maximum",)
)
_tower_mistake(
    "The hidden layers have no activation. Then the two layers of a block are a single linear map.",
    see=LIMITS,
    inner=("none",),
)
_tower_mistake(
    "Both layers of a block have a relu, so a block can only add, never take away. The second has no activation.",
    outer=("relu",),
)
_tower_mistake("The hidden layers have a sigmoid; a relu is asked for.", inner=("sigmoid",))
_tower_mistake("The hidden layers have tanh; a relu is asked for.", inner=("tanh",))
_tower_mistake("The hidden layers have another activation than relu.", inner=("softmax", *RARE))
_tower_mistake(
    "The second layer of a block has an activation, which limits what a block can add. It is to have none.",
    outer=("sigmoid", "tanh"),
)
_tower_mistake("A relu comes after the last addition. The tower ends with the sum.", end=("relu",))
_tower_mistake(
    "Besides the shortcuts of the blocks, the model's input is added once more at the end.",
    end=("plus inputs",),
)


def _shapes_of_tower(width, hidden_units, blocks):
    block = [(width, hidden_units), (hidden_units, width), (hidden_units,), (width,)]
    return in_order(block * blocks)


@residual_tower.mistake_if(
    "The model gives its inputs back: nothing of what the loop computes reaches the end. The result of each turn is to "
    "become the input of the next."
)
def _(attempt):
    width, *_ = attempt.case
    return _equal(4 * batch(width).numpy(), attempt.called.value["the output"])


@residual_tower.mistake_if(
    "All blocks have the same two layers, so the same weights. Make new layers in each turn of the loop."
)
def _(attempt):
    width, hidden_units, blocks = attempt.case
    one_block = _tower(attempt, "sum", "relu", "none", "nothing", "one block")
    once = shapes(attempt) == _shapes_of_tower(width, hidden_units, 1)
    return blocks > 1 and once and not _equal(one_block, attempt.called.value["the output"])


@residual_tower.mistake_if(ONE_BLOCK)
def _(attempt):
    width, hidden_units, blocks = attempt.case
    return blocks > 1 and shapes(attempt) == _shapes_of_tower(width, hidden_units, 1)


@residual_tower.mistake_if("The tower has one block too many, or there is a block before the loop.")
def _(attempt):
    width, hidden_units, blocks = attempt.case
    return shapes(attempt) == _shapes_of_tower(width, hidden_units, blocks + 1)


@residual_tower.mistake_if(
    "Blocks share one of their layers. Each block needs two of its own: make both in each turn of the loop."
)
def _(attempt):
    *_, blocks = attempt.case
    kinds = set(re.findall(r"\(.*?\)", shapes(attempt)))
    wanted = set(re.findall(r"\(.*?\)", attempt.expected.value[SHAPES]))
    return kinds == wanted and shapes(attempt).count("(") == 2 * (blocks + 1) < 4 * blocks


@residual_tower.mistake_if(
    "The input is put beside the change, so the tower gets wider and wider. It is to be added, number by number."
)
def _(attempt):
    *_, blocks = attempt.case
    return re.search(r"[Cc]oncat", attempt.source) and shapes(attempt).count("(") == 4 * blocks


@residual_tower.mistake_if(
    "Each block computes with one layer of `width` units alone. There are two, and the second is called on the output "
    "of the first."
)
def _(attempt):
    width, *_ = attempt.case
    return set(re.findall(r"\(.*?\)", shapes(attempt))) == {
        f"({width}, {width})",
        f"({width},)",
    } and (shapes(attempt).count("(") <= 2 * attempt.case[2])


residual_tower.mistake_if(
    "The model does not know its layers. It finds those that `__init__` keeps in attributes or lists of `self`.",
    lambda attempt: shapes(attempt) == "",
    see=SUBCLASS,
)


@residual_tower.mistake_if(
    "There is another layer besides the two of each block, so the tower has weights that are not asked for."
)
def _(attempt):
    *_, blocks = attempt.case
    return shapes(attempt).count("(") > 4 * blocks


@residual_tower.mistake_if(
    "The layers have other sizes than those asked for: `hidden_units` in the first of a block, `width` in the second."
)
def _(attempt):
    *_, blocks = attempt.case
    return (
        shapes(attempt).count("(") == 4 * blocks
        and shapes(attempt) != attempt.expected.value[SHAPES]
    )
