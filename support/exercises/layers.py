"""Exercises of notebook 07, on layers."""

import ast
import contextlib
import functools
import inspect
import re

import keras
import numpy as np
import tensorflow as tf

from support.exercises.call import Absent
from support.exercises.engine import exercise
from support.exercises.errors import fails_as, lacks

NOTEBOOK = "07_layers"
OWN = "The unit that everything is made of"
SIZES = "Life without shape inference"
CALLING = "What happens when you call a layer"
NAMES = "An activation with a name"
FROZEN = "notebook 03: Trainable or not"
IN_PLACE = "notebook 03: The box and its name"
AXES = "notebook 04: Sums and means along an axis"
PRODUCTS = "notebook 04: `*` is not the matrix product"

NOT_TRAINABLE = "the number of weights that are not trainable"
TRAINABLE = "the number of trainable weights"
START = "the weight of a fresh layer"
ENTRIES = "for {} features, the number of entries of the weight"
CUT = "the number of gradients that do not arrive"


# What the checks look at


@contextlib.contextmanager
def errors_as_raised():
    """Within it, Keras does not wrap what a layer raises in a page of its own: its first line stays the error's."""
    filtered = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if filtered:
            keras.config.enable_traceback_filtering()


@functools.cache
def filling(shape):
    """Numbers of both signs for a weight of this shape; each shape has its own, whoever made the weight."""
    count = int(np.prod(shape))
    numbers = ((np.arange(count) * 7 + 3 * len(shape)) % 11 - 4) / 4
    return numbers.reshape(shape).astype("float32")


def fill(weights):
    for weight in weights:
        weight.assign(filling(tuple(weight.shape)))


def in_order(layer):
    """The shapes of a layer's weights in one order, whichever was made first."""
    shapes = [tuple(weight.shape) for weight in getattr(layer, "weights", [])]
    return ", ".join(map(str, sorted(shapes, key=lambda shape: (len(shape), shape), reverse=True)))


def shapes(attempt):
    """The shapes that `in_order` has listed for an attempt, as tuples; also if `call` has raised an error."""
    seen = vars(attempt.called.error) if attempt.called.error else attempt.called.value
    (listed,) = (text for name, text in seen.items() if name.endswith("shapes"))
    return ast.literal_eval(f"[{listed}]")


def cut_off(layer, inputs):
    """How many gradients of a layer's output don't arrive, of those for its trainable weights and its inputs."""
    sources = [inputs, *(weight.value for weight in layer.trainable_weights)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = layer(inputs)
    if not (isinstance(output, tf.Tensor) and output.dtype.is_floating):
        return 0  # something else is to be said
    return sum(gradient is None for gradient in tape.gradient(output, sources))


def _listed(array):
    return re.sub(r"\.0\b", "", str(np.asarray(array).tolist()))


def _weights(attempt, kind=None):
    """How many weights Keras knows, of one kind or of both."""
    seen = attempt.called.value
    return seen[kind] if kind else seen[TRAINABLE] + seen[NOT_TRAINABLE]


def _method(attempt, name):
    return attempt.source.partition(f"def {name}(")[2].partition("\ndef ")[0]


def _unknown_name(attempt):
    """Whether a name is missing that belongs to the layer, or to another of its methods."""
    if attempt.lacks(of=attempt.answer):
        return True
    name = attempt.called.error.name if isinstance(attempt.called.error, NameError) else ""
    kept = hasattr(keras.layers.Layer, name) or re.search(rf"\b{name} = ", attempt.source)
    return name and (kept or name in attempt.parameters)


def _ignores(attempt, parameter):
    """Whether the code does not look at what `__init__` is given, or keeps it and does not look at it again."""
    names = [
        getattr(node, "attr", getattr(node, "id", ""))
        for node in ast.walk(attempt.tree)
        if isinstance(getattr(node, "ctx", None), ast.Load)
    ]
    keeps = f"self.{parameter}" in attempt.source
    return names.count(parameter) <= (1 if keeps else 0)


#: A size of more than 1 that is written as a number.
FIXED = r"(shape=|add_weight\(|ones\(|zeros\()[(\[]?([^()]*, )?([2-9]|\d\d+)\b"
#: What holds numbers, and is no weight.
NO_WEIGHT = r"tf\.Variable\(|(tf|np)\.(random|zeros|ones)"


# What goes wrong with layers of every kind

ERRORS = {
    "super_init_missing": (
        "Your `__init__` does not call `super().__init__()`, which sets up what Keras keeps. It is to come first."
    ),
    "not_a_shape": "A shape is a tuple of whole numbers, even of a single one: `(3,)` has a comma.",
    "unknown_initializer": (
        'Keras does not know this initializer. It is a name in quotes, such as "zeros", "ones" or "random_normal".'
    ),
    "no_setter": "Keras itself has something of this name behind `self.`. Choose another one.",
    "super_init_arguments": (
        "An `__init__` of Keras is given what it does not know. That of a layer needs nothing: `super().__init__()`."
    ),
}


def know_errors(exercise, errors, see=""):
    """Declare mistakes that are refused: for each the kind of error, and what to say."""
    for kind, words in errors.items():
        exercise.mistake_if(words, fails_as(kind), see=see)


def _takes_other_arguments(attempt):
    """Whether the class can't be made as the solution can, with all arguments or with those that have no default."""
    _, *parameters = inspect.signature(attempt.exercise.answer.__init__).parameters.values()
    named = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    for arguments in (named, [each for each in named if each.default is each.empty]):
        try:
            inspect.signature(attempt.answer.__init__).bind(None, *arguments)
        except TypeError:
            return attempt.called.error
    return False


def mistakes_of_any_layer(exercise, made_by, weights=1):
    """Declare them for an exercise whose layer is made by this call, and has so many weights."""

    exercise.mistake_if(
        "A layer is a subclass of `keras.layers.Layer`; write that in the parentheses after the name of the class.",
        lambda attempt: not issubclass(attempt.answer, keras.layers.Layer),
    )
    exercise.mistake_if(
        f"The check makes your layer by `{made_by}`, and your class takes something else. Sizes are told to `build`.",
        _takes_other_arguments,
        see=SIZES,
    )
    know_errors(exercise, ERRORS)
    for words, name, kind in [
        ("`input_shape` is a shape already: a tuple of numbers.", "shape", tuple),
        (
            "Only a variable has `assign`, and this is a tensor. It changes the variable in place: no `=` stands "
            "before it.",
            "assign",
            tf.Tensor,
        ),
        ("A tensor has no `mean` behind a dot; there is `tf.reduce_mean`.", "mean", tf.Tensor),
    ]:
        exercise.mistake_if(words, lacks(name, of=kind))
    exercise.mistake_if(
        "You wrote `__call__`, which builds the layer first, and is inherited. Yours is `call`, without underscores.",
        lambda attempt: "__call__" in vars(attempt.answer),
        see=CALLING,
    )
    exercise.mistake_if(
        "Your class has no method `call`, which is the one that Keras uses to compute.",
        lambda attempt: attempt.answer.call is keras.layers.Layer.call,
        see=CALLING,
    )
    exercise.mistake_if(
        "Your class has no method `build`, so nothing makes its weights. Keras looks for this name.",
        lambda attempt: (
            isinstance(attempt.called.error, AttributeError)
            and attempt.answer.build is keras.layers.Layer.build
        ),
    )
    exercise.mistake_if(
        "Weights are made in `call`. A layer is called often, and its weights are to stay: `build` is called once.",
        lambda attempt: (
            attempt.fails_as("weights_made_late")
            or re.search(r"add_weight\(|\.Variable\(|layers\.Dense\(", _method(attempt, "call"))
        ),
        see=CALLING,
    )
    exercise.mistake_if(
        "Your `call` gives None here. It is to end with `return` and the result.",
        lambda attempt: " is None; expected" in attempt.difference.words,
    )
    exercise.mistake_if(
        "Your `call` returns a NumPy array. A layer computes with tensors; through an array no gradient flows.",
        lambda attempt: "is a NumPy array" in attempt.difference.words,
    )
    exercise.mistake_if(
        "Your numbers have another dtype than float32, which `add_weight` takes if you name none.",
        lambda attempt: attempt.difference.kind == "dtype",
    )
    exercise.mistake_if(
        "A gradient is cut off in `call`, as `.numpy()` and `tf.stop_gradient` do, so training can't adjust weights.",
        lambda attempt: attempt.difference.place == CUT,
    )
    exercise.mistake_if(
        "The first parameter of each method is `self`; it is missing.",
        lambda attempt: (
            attempt.called.error and re.search(r"^def \w+\((?!self\b)", attempt.source, re.M)
        ),
    )
    exercise.mistake_if(
        "A name is used where it is not known, or misspelt. What belongs to the layer, or is kept by one method for "
        "another, stands behind `self.` in each of them; what a method is given does not.",
        _unknown_name,
    )
    exercise.mistake_if(
        "The weight has an entry for each number of a batch or a sample. Only the last axis counts: `input_shape[-1]`.",
        lambda attempt: (
            re.search(r"prod\(|(shape=|add_weight\()input_shape(\[1:\])?[,)]", attempt.source)
            and (attempt.fails_as("not_broadcastable") or "entries" in attempt.difference.place)
        ),
    )
    exercise.mistake_if(
        "The first entry of a shape is the number of samples in the batch. Features are the last: `input_shape[-1]`.",
        lambda attempt: (
            re.search(r"shape\[(0|-2)\]", attempt.source)
            and (
                attempt.fails_as("not_broadcastable", "matmul_sizes", "assigned_shape")
                or "entries" in attempt.difference.place
            )
        ),
    )
    exercise.mistake_if(
        "A size is fixed in your code. Sizes come from `input_shape`, and from what `__init__` is given.",
        lambda attempt: (
            (attempt.called.error or "output" not in attempt.difference.place)
            and re.search(FIXED, attempt.source)
        ),
        see=SIZES,
    )
    exercise.mistake_if(
        "Keras knows fewer weights than your layer needs: it registers what `add_weight` makes, and no `tf.Variable`, "
        "tensor or array. Training does not find these, and they are not saved.",
        lambda attempt: (
            _weights(attempt) == 0
            or (_weights(attempt) < weights and re.search(NO_WEIGHT, attempt.source))
        ),
    )


# Scale


def watch_scale(answer, inputs):
    features = inputs.shape[-1]
    with errors_as_raised():
        layer = answer()
        layer(inputs)
        seen = {
            TRAINABLE: len(layer.trainable_weights),
            NOT_TRAINABLE: len(layer.non_trainable_weights),
        }
        if len(layer.trainable_weights) != 1:
            return seen
        (weight,) = layer.trainable_weights
        seen[ENTRIES.format(features)] = int(np.prod(weight.shape))
        seen[START] = weight.numpy().reshape(-1)
        if np.prod(weight.shape) == features:
            numbers = filling((features,))
            weight.assign(numbers.reshape(weight.shape))
            for some in (inputs, inputs[:1]):
                name = f"with the weight {_listed(numbers)} and inputs {_listed(some)}, the output"
                seen[name] = layer(some)
            seen[CUT] = cut_off(layer, inputs)
        return seen


def _entries(attempt):
    return attempt.called.value[ENTRIES.format(attempt.case[-1])]


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[(2, 3), (1, 1), (4, 2), (2, 4, 3)],
    given=lambda *shape: (tf.constant(4 * filling(shape)),),
    observe=watch_scale,
    hints=[
        "Two methods are enough: `build` makes the weight, and `call` computes. `__init__` has nothing to keep.",
        "The number of features is `input_shape[-1]`, and the weight has the shape `(input_shape[-1],)`.",
        '`initializer="ones"` makes the weight start at 1; `*` multiplies each row of the inputs by it.',
    ],
)
class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.scale


mistakes_of_any_layer(Scale, "Scale()")

Scale.mistake_if(
    "`call` changes the weight. Only training is to do so, between the calls.",
    lambda attempt: ".assign" in _method(attempt, "call"),
)
Scale.mistake_if(
    "There is more than one weight variable. One is enough: an entry for each feature.",
    lambda attempt: (
        (attempt.fails_as("texts_stacked") and " for " in attempt.source) or _weights(attempt) > 1
    ),
)
Scale.mistake_if(
    "The weight is not trainable, so training would leave it at 1. `add_weight` makes trainable ones by default.",
    lambda attempt: _weights(attempt, NOT_TRAINABLE) == 1,
    see=FROZEN,
)
Scale.mistake_if(
    "The weight is a column, (features, 1), which meets the samples and not the features. Its shape is (features,).",
    lambda attempt: attempt.fails_as("not_broadcastable") and ", 1)" in attempt.source,
)
Scale.mistake_if(
    "The inputs may have more axes than two. `input_shape[-1]` is the last one, however many there are.",
    lambda attempt: attempt.fails_as("wrong_count_to_unpack"),
)
Scale.mistake_if(
    "The features are looked for along axis 1. Theirs is the last axis, however many there are: `input_shape[-1]`.",
    lambda attempt: len(attempt.case) == 3 and re.search(r"shape\[1\]|\[:, \w+\]", attempt.source),
)
Scale.mistake_if(
    "A matrix product adds up what it multiplies, so the features of a sample become one number. `*` keeps them apart.",
    lambda attempt: (
        (attempt.calls("matmul", "matvec", "tensordot", "dot") or " @ " in attempt.source)
        and (attempt.called.error or attempt.difference.kind in ("rank", "shape"))
    ),
    see=PRODUCTS,
)
Scale.mistake_if(
    "The products are added up or averaged. Each feature keeps its place: the output has the shape of the inputs.",
    lambda attempt: (
        attempt.difference.kind in ("rank", "shape")
        and attempt.calls("sum", "reduce_sum", "mean", "reduce_mean")
    ),
)
Scale.mistake_if(
    "The weight has one entry for all features. Each feature needs one of its own: as many as the last axis is long.",
    lambda attempt: _entries(attempt) == 1 < attempt.case[-1],
)
Scale.mistake_if(
    "The weight is a matrix, as in a dense layer, so each output mixes all features. Multiply each by one number.",
    lambda attempt: _entries(attempt) == attempt.case[-1] ** 2 > 1,
)
Scale.mistake_if(
    'The weight does not start at 1, as it does by `initializer="ones"`; without, `add_weight` draws random numbers.',
    lambda attempt: attempt.difference.place == START,
)
for words, *wrong in [
    ("The weight is added to the inputs; it is to multiply them.", "inputs + self.scale"),
    ("The inputs are divided by the weight; it is to multiply them.", "inputs / self.scale"),
    ("The inputs come back as they are, whatever the weight holds.", "inputs"),
    ("Your `call` returns the weight alone.", "1.0 * self.scale", "self.scale"),
]:
    for returned in wrong:
        Scale.slip(words, "inputs * self.scale", returned)


# FactoredDense


def watch_factored(answer, units, rank, activation):
    inputs = filling((2, units + 3)) + tf.constant([[0.5], [-1.0]])
    where = f"for inputs of shape {inputs.shape}"
    with errors_as_raised():
        layer = answer(units, rank, *[activation] * (activation is not None))  # None is the default
        try:
            layer(inputs)
        except Exception as error:
            error.shapes = in_order(layer)
            raise
        matrices = [weight.numpy() for weight in layer.weights if len(weight.shape) == 2]
        same = any(np.unique(matrix).size < matrix.size for matrix in matrices)
        biases = [weight.numpy() for weight in layer.weights if len(weight.shape) == 1]
        seen = {
            f"{where}, the list of your weights' shapes": in_order(layer),
            TRAINABLE: len(layer.trainable_weights),
            NOT_TRAINABLE: len(layer.non_trainable_weights),
            "the start of one of the matrices": "repeated numbers" if same else "random",
            "the bias of a fresh layer": biases[0] if biases else None,
        }
        fill(layer.weights)
        seen[f"{where} and known weights, the output"] = layer(inputs)
        seen[CUT] = cut_off(layer, inputs)
        return seen


def _bias_shape(attempt):
    """The shape of what stands besides the two matrices; None if these are wrong."""
    units, rank, _ = attempt.case
    others = shapes(attempt)
    for matrix in ((units + 3, rank), (rank, units)):
        if matrix not in others:
            return None
        others.remove(matrix)
    return others[0] if len(others) == 1 else None


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[(3, 2, tf.nn.relu), (1, 2, None), (4, 1, tf.nn.tanh)],
    observe=watch_factored,
    hints=[
        "Begin with the dense layer of Listing 3.22. Instead of `W` it has two matrices, and both are made in `build`.",
        "The first has the shape (features, rank), the second (rank, units). The bias has one entry for each unit.",
        "Multiply the inputs by the first matrix, the result by the second, then add the bias.",
        "The activation comes last, and only if it is not None: `if self.activation is not None:`.",
    ],
)
class FactoredDense(keras.layers.Layer):
    def __init__(self, units, rank, activation=None):
        super().__init__()
        self.units = units
        self.rank = rank
        self.activation = activation

    def build(self, input_shape):
        self.A = self.add_weight(shape=(input_shape[-1], self.rank), initializer="random_normal")
        self.B = self.add_weight(shape=(self.rank, self.units), initializer="random_normal")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, inputs):
        y = tf.matmul(tf.matmul(inputs, self.A), self.B) + self.b
        if self.activation is not None:
            y = self.activation(y)
        return y


mistakes_of_any_layer(FactoredDense, "FactoredDense(units, rank, activation=None)", weights=3)

know_errors(
    FactoredDense,
    {
        "calls_none": (
            "The activation is called although it is None, which means that there is none: ask before you call it."
        ),
        **dict.fromkeys(
            ["calls_text", "name_no_text"],
            "Here the activation is a function or None, and no name in quotes. Its default is None.",
        ),
        **dict.fromkeys(
            ["matmul_rank", "variable_as_boolean"],
            "`tf.matmul` takes two matrices, neither three nor a vector. Has one name been given to two weights?",
        ),
    },
    see=NAMES,
)
FactoredDense.mistake_if(
    "`*` multiplies numbers in the same place, and these shapes don't fit that. A matrix product is `tf.matmul`.",
    lambda attempt: (
        attempt.fails_as("not_broadcastable")
        and re.search(r"self\.\w+ \* |\* self\.\w+|multiply\(", attempt.source)
    ),
    see=PRODUCTS,
)
FactoredDense.mistake_if(
    "`rank` and `units` have changed places: `rank` is the size in the middle, `units` the number of outputs.",
    lambda attempt: (
        shapes(attempt)[0][1] == attempt.case[0] and attempt.case[:2] in shapes(attempt)
    ),
)
FactoredDense.mistake_if(
    "What is added does not fit. The second matrix has the shape (rank, units), the bias (units,); that is all.",
    lambda attempt: attempt.fails_as("not_broadcastable"),
)
FactoredDense.mistake_if(
    "The matrices have the right shapes. Multiply in this order, and transpose nothing: inputs · A · B.",
    lambda attempt: attempt.fails_as("matmul_sizes") and _bias_shape(attempt),
)
FactoredDense.mistake_if(
    "A matrix does not fit what it is multiplied with. The first has the shape (features, rank), then (rank, units).",
    lambda attempt: attempt.fails_as("matmul_sizes"),
)
FactoredDense.mistake_if(
    "The bias is missing: one number for each unit, added before the activation.",
    lambda attempt: [len(shape) for shape in shapes(attempt)] == [2, 2],
)
FactoredDense.mistake_if(
    "This is a dense layer with one matrix of shape (features, units). Here two thinner ones take its place.",
    lambda attempt: len(shapes(attempt)) <= 2 and shapes(attempt)[0][1:] == attempt.case[:1],
)
FactoredDense.mistake_if(
    "There is a bias after the first matrix, too. The layer has three weights: two matrices and one bias.",
    lambda attempt: len(shapes(attempt)) == 4 and (attempt.case[1],) in shapes(attempt),
)
FactoredDense.mistake_if(
    "The size in the middle is not `rank`, the number that `__init__` takes for it.",
    lambda attempt: shapes(attempt)[0][1] == shapes(attempt)[1][0] != attempt.case[1],
)
FactoredDense.mistake_if(
    "Two matrices have a row for each feature. The second takes what the first gives, so it has `rank` rows.",
    lambda attempt: shapes(attempt)[0][0] == shapes(attempt)[1][0] == attempt.case[0] + 3,
)
FactoredDense.mistake_if(
    "The bias is added after the first matrix. It comes after the second, with an entry for each unit: shape (units,).",
    lambda attempt: _bias_shape(attempt) == (attempt.case[1],),
)
FactoredDense.mistake_if(
    "The bias has the wrong shape: it has one entry for each unit, shape (units,).",
    lambda attempt: _bias_shape(attempt) not in (None, (attempt.case[0],)),
)
FactoredDense.mistake_if(
    "Some weights are not trainable. Training is to adjust all three; `add_weight` makes trainable ones by default.",
    lambda attempt: _weights(attempt, NOT_TRAINABLE) > 0,
    see=FROZEN,
)
FactoredDense.mistake_if(
    "A matrix has one number in several places, and so is not random at the start. Where all numbers of both are the "
    'same, training keeps the `rank` numbers in the middle alike. Take an initializer that draws: "random_normal".',
    lambda attempt: attempt.difference.place == "the start of one of the matrices",
)
FactoredDense.mistake_if(
    'The bias does not start at 0. Say `initializer="zeros"`; where none is named, `add_weight` draws random numbers.',
    lambda attempt: attempt.difference.place == "the bias of a fresh layer",
)
FactoredDense.mistake_if(
    "The product of the matrices is computed in `build`, once and for all. Training changes them; compute in `call`.",
    lambda attempt: re.search(r"matmul\(| @ |dot\(", _method(attempt, "build")),
    see=CALLING,
)

HIDDEN = "tf.matmul(inputs, self.A)"
ACTED = f"(self.activation or tf.identity)({HIDDEN})"
LAST = "y = self.activation(y)"
for words, old, *wrong in [
    ("The activation is not applied: the outputs are what it should get.", LAST, "pass"),
    ("The activation is relu, whatever `activation` is.", "= activation", "= tf.nn.relu"),
    (
        "Without an activation your layer applies relu. None, the default, means that there is none.",
        "= activation",
        "= activation or tf.nn.relu",
    ),
    (
        "The activation comes before the bias. It is the last step: first add the bias.",
        LAST,
        "y = self.activation(y - self.b) + self.b",
    ),
    (
        "There is an activation between the two matrices. Together they are one linear step. It comes last, once.",
        f"y = tf.matmul({HIDDEN}",
        f"return tf.matmul({ACTED}",
        f"y = tf.matmul({ACTED}",
        f"y = tf.matmul(tf.nn.relu({HIDDEN})",
    ),
    ("The bias is made, but never added.", " + self.b", ""),
]:
    for new in wrong:
        FactoredDense.slip(words, old, new)

FactoredDense.mistake_if(
    "Your code does not use `activation`. It is the function that is to be applied, unless it is None.",
    lambda attempt: _ignores(attempt, "activation"),
)


# RunningCenter


def _batches(momentum):
    columns = np.arange(2 + round(4 * momentum))
    return [
        tf.constant([[1.0], [3.0]] * 2.0**columns + columns, dtype="float32"),
        tf.constant([[9.0], [4.0], [1.0], [2.0]] - 3.0 * columns, dtype="float32"),
        tf.constant([columns + 1.0], dtype="float32"),
    ]


def watch_center(answer, momentum):
    batches = _batches(momentum)
    with errors_as_raised():
        layer = answer(momentum)
        layer(tf.zeros_like(batches[0]))  # a mean of 0 would stay as it is, even if it were updated
        weights = layer.weights
        seen = {
            TRAINABLE: len(layer.trainable_weights),
            NOT_TRAINABLE: len(layer.non_trainable_weights),
        }
        if len(weights) == 1:
            seen[START] = weights[0].numpy().reshape(-1)

        def step(when, batch, **training):
            output = layer(batch, **training)
            if len(weights) == 1:
                seen[f"the layer's weight {when}"] = weights[0].numpy().reshape(-1)
            seen[f"the output {when}"] = output

        step("after a call without training", batches[0], training=False)
        for number, batch in enumerate(batches[1:], start=1):
            when = f"in step {number} of training, with inputs {_listed(batch)}"
            step(when, batch, training=True)
        step("after training", batches[0])
        seen[CUT] = cut_off(layer, batches[0])
        return seen


def _running_means(attempt):
    """The layer's weight after each call."""
    seen = attempt.called.value
    return [seen[name] for name in seen if name.startswith("the layer's weight")]


def _shares(attempt):
    """The factors that old mean and batch's mean have in the update.

    Raises:
        Absent: it is no sum of the two.
    """
    if not attempt.difference.place.startswith("the layer's weight"):
        raise Absent
    _, first, second = (np.mean(batch, axis=0) for batch in _batches(*attempt.case))
    _, after_first, after_second, _ = _running_means(attempt)
    with np.errstate(all="ignore"):
        of_batch = after_first / first
        of_old = (after_second - of_batch * second) / after_first
    if np.ptp(of_batch) < 1e-4 and np.ptp(of_old) < 1e-4:
        return np.array([of_old[0], of_batch[0]])
    raise Absent


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[(0.25,), (0.75,), (0.875,)],  # with 0.5, both means would have the same share
    observe=watch_center,
    hints=[
        "The running mean is a weight: `build` makes it, with zeros and `trainable=False`. What is its shape?",
        "`call` has two parts: under `if training:` it updates the weight, and in any case it subtracts the weight.",
        "`tf.reduce_mean(inputs, axis=0)` is the batch's mean: one number for each feature.",
        "A variable changes in place through `assign`; an `=` would only give the name to another tensor.",
    ],
)
class RunningCenter(keras.layers.Layer):
    def __init__(self, momentum):
        super().__init__()
        self.momentum = momentum

    def build(self, input_shape):
        self.mean = self.add_weight(shape=(input_shape[-1],), initializer="zeros", trainable=False)

    def call(self, inputs, training=False):
        if training:
            batch_mean = tf.reduce_mean(inputs, axis=0)
            self.mean.assign(self.momentum * self.mean + (1 - self.momentum) * batch_mean)
        return inputs - self.mean


mistakes_of_any_layer(RunningCenter, "RunningCenter(momentum)")

RunningCenter.mistake_if(
    "Your `call` does not take `training`, so it knows nothing of it. Its head: `call(self, inputs, training=False)`.",
    lambda attempt: "training" not in inspect.signature(attempt.answer.call).parameters,
)
RunningCenter.mistake_if(
    "`training` needs a default: it is not always given, and False is meant then.",
    lambda attempt: attempt.fails_as("missing_argument"),
)
RunningCenter.mistake_if(
    "The running mean is trainable, so training would change it a second time, by its gradient. Say `trainable=False`.",
    lambda attempt: _weights(attempt) == _weights(attempt, TRAINABLE) == 1,
    see=FROZEN,
)
RunningCenter.mistake_if(
    "The layer keeps more than one weight; the running mean of the features is all it needs.",
    lambda attempt: _weights(attempt) > 1,
)
RunningCenter.mistake_if(
    "The running mean is one number for all features. Each feature has a mean of its own: shape (features,).",
    lambda attempt: any(mean.size == 1 for mean in _running_means(attempt)),
)
RunningCenter.mistake_if(
    'The running mean does not start at 0, as it does by `initializer="zeros"`; without, `add_weight` draws numbers.',
    lambda attempt: attempt.difference.place == START,
)
RunningCenter.mistake_if(
    "The running mean stays 0 in spite of `assign`. Is the line reached if `training` is True, and is the batch in it?",
    lambda attempt: not np.any(_running_means(attempt)) and ".assign" in attempt.source,
)
RunningCenter.mistake_if(
    "The running mean stays 0. An `=` only gives its name to another tensor; `assign` changes what the variable holds.",
    lambda attempt: not np.any(_running_means(attempt)),
    see=IN_PLACE,
)
WRONG_AXIS = "The mean goes over the wrong axis, or over all where none is named. Each feature has its own: axis 0."
RunningCenter.mistake_if(
    WRONG_AXIS,
    lambda attempt: (
        attempt.called.error and re.search(r"(mean|average)\([^()]*1\b", attempt.source)
    ),
    see=AXES,
)
RunningCenter.mistake_if(
    "The batch's mean has another shape than the weight. With `axis=0` and no `keepdims`, both are (features,).",
    lambda attempt: attempt.fails_as("assigned_shape") and "keepdims=True" in attempt.source,
)


@RunningCenter.mistake("The old mean is subtracted. First update it, then subtract it.")
class _(RunningCenter.answer):
    def call(self, inputs, training=False):
        outputs = inputs - self.mean
        super().call(inputs, training)
        return outputs


RunningCenter.mistake_if(
    "Momentum is the share that the old mean keeps, and the batch has the rest: yours has them the other way round.",
    lambda attempt: np.allclose(_shares(attempt), [1 - attempt.case[0], attempt.case[0]]),
)
RunningCenter.mistake_if(
    "The weight takes the mean of the last batch, and forgets the ones before. `momentum` says how much stays.",
    lambda attempt: np.allclose(_shares(attempt), [0, 1], atol=1e-4),
)
RunningCenter.mistake_if(
    "The new mean is added to the old one. It is to take its place: `assign`, not `assign_add`.",
    lambda attempt: np.allclose(_shares(attempt), [1 + attempt.case[0], 1 - attempt.case[0]]),
)
BATCH_MEAN = "tf.reduce_mean(inputs, axis=0)"
UPDATE = "self.momentum * self.mean + (1 - self.momentum) * batch_mean"
for words, old, *wrong in [
    (
        "The running mean is updated without training, and stays with it: the condition is reversed.",
        "if training:",
        "if not training:",
    ),
    (
        "The batch's own mean is subtracted, at least in some calls. Subtract the running mean, after its update.",
        "- self.mean",
        f"- {BATCH_MEAN}",
        f"- ({BATCH_MEAN} if training else self.mean)",
        f"- (self.mean if training else {BATCH_MEAN})",
    ),
    (
        "The inputs come back as they are, at least in some calls. The mean is subtracted with and without training.",
        "- self.mean",
        "",
        "if training else inputs - self.mean",
        "- self.mean if training else inputs",
    ),
    ("The running mean is added; it is to be subtracted.", "- self.mean", "+ self.mean"),
    (
        "Your `call` returns the mean itself; it is to be subtracted from the inputs.",
        "inputs - self.mean",
        "self.mean",
        "1.0 * self.mean",
    ),
    ("The batch is summed; its mean is needed.", "reduce_mean", "reduce_sum"),
    (WRONG_AXIS, ", axis=0", ""),
    ("Brackets are missing around `1 - momentum`.", "(1 - self.momentum)", "1 - self.momentum"),
    (
        "The first batch's mean is taken as it is. The running mean starts at 0, and that 0 has its share, too.",
        UPDATE,
        f"{UPDATE} if np.any(self.mean) else batch_mean",
    ),
]:
    for new in wrong:
        RunningCenter.slip(words, old, new, see=AXES if words == WRONG_AXIS else OWN)

RunningCenter.mistake_if(
    "The shares of the two means do not add up to 1. That of the batch's mean is to be 1 - `momentum`.",
    lambda attempt: min(_shares(attempt)) > -1e-4 and abs(sum(_shares(attempt)) - 1) > 1e-4,
)
RunningCenter.mistake_if(
    "The running mean changes without training, which is the default. It is to stay unless `training` is true.",
    lambda attempt: attempt.difference.place.startswith("the layer's weight after"),
)
RunningCenter.mistake_if(
    "Your update does not use `momentum`, which says how much of the old mean stays.",
    lambda attempt: _ignores(attempt, "momentum"),
)
