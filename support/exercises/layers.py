"""Exercises of notebook 07, on layers."""

import contextlib
import functools
import inspect
import re

import keras
import numpy as np
import tensorflow as tf

from support.exercises.engine import exercise

NOTEBOOK = "07_layers"
OWN = "The unit that everything is made of"
SIZES = "Life without shape inference"
CALLING = "What happens when you call a layer"
NAMES = "An activation with a name"
FROZEN = "notebook 03: Trainable or not"
IN_PLACE = "notebook 03: The box and its name"

NOT_TRAINABLE = "the number of weights that are not trainable"
TRAINABLE = "the number of trainable weights"


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


def in_order(shapes):
    """The shapes in one order, whichever weight was made first."""
    return ", ".join(map(str, sorted(shapes, key=lambda shape: (len(shape), shape), reverse=True)))


def message_of(attempt):
    return str(attempt.called.error or "")


def observed(attempt, name):
    return attempt.called.value[name]


def mistakes_of_any_layer(exercise):
    """What goes wrong with layers of every kind."""

    exercise.mistake_if(
        "A layer is a subclass of `keras.layers.Layer`; write that in the parentheses after the name of the class.",
        lambda attempt: not issubclass(attempt.answer, keras.layers.Layer),
    )

    exercise.mistake_if(
        "Your `__init__` does not call `super().__init__()`, which sets up what Keras keeps about a layer. "
        "It comes first, before anything is stored.",
        lambda attempt: "forgot to call" in message_of(attempt),
    )

    exercise.mistake_if(
        "You wrote `__call__`, and it takes the place of the one that builds the layer first. "
        "What is yours to write is `call`, without underscores.",
        lambda attempt: "__call__" in vars(attempt.answer),
        see=CALLING,
    )

    exercise.mistake_if(
        "Your class has no method `call`, which is the one that Keras uses to compute.",
        lambda attempt: attempt.answer.call is keras.layers.Layer.call,
        see=CALLING,
    )

    @exercise.mistake_if(
        "Your class has no method `build`, so nothing makes its weights. Keras looks for this name."
    )
    def _(attempt):
        missing = isinstance(attempt.called.error, AttributeError)
        return missing and attempt.answer.build is keras.layers.Layer.build

    @exercise.mistake_if(
        "Weights are made in `call`. A layer is called often, and its weights are to stay: `build` is called once.",
        see=CALLING,
    )
    def _(attempt):
        call = attempt.source.partition("def call(")[2].partition("\ndef ")[0]
        made = re.search(r"add_weight\(|\.Variable\(|layers\.Dense\(", call)
        return "cannot add new elements of state" in message_of(attempt) or made

    exercise.mistake_if(
        "Your `call` can end without `return`, and then gives None.",
        lambda attempt: " is None; expected" in attempt.difference.words,
    )

    exercise.mistake_if(
        "Your `call` returns a NumPy array. A layer computes with tensors; through an array no gradient flows.",
        lambda attempt: "is a NumPy array" in attempt.difference.words,
    )

    @exercise.mistake_if("The first parameter of each method is `self`; it is missing.")
    def _(attempt):
        codes = [
            each.__code__ for each in vars(attempt.answer).values() if inspect.isfunction(each)
        ]
        missing = any(code.co_varnames[:1] != ("self",) for code in codes)
        return missing and attempt.called.error

    exercise.mistake_if(
        "A method uses an attribute of `self` that no method has set. What `__init__` or `build` keeps, it keeps under "
        "`self.`, by the same name.",
        lambda attempt: (
            f"'{attempt.answer.__name__}' object has no attribute" in message_of(attempt)
        ),
    )

    exercise.mistake_if(
        "A name in your code is not defined. What the layer keeps is reached through `self.`, in each method.",
        lambda attempt: isinstance(attempt.called.error, NameError),
    )

    exercise.mistake_if(
        "A shape is a tuple, even of one number: `(3,)` has a comma.",
        lambda attempt: "to a shape" in message_of(attempt),
    )

    exercise.mistake_if(
        'Keras does not know this initializer. It is a name in quotes, such as "zeros", "ones" or "random_normal".',
        lambda attempt: "interpret initializer" in message_of(attempt),
    )


# Scale


def watch_scale(answer, inputs):
    with errors_as_raised():
        layer = answer()
        fresh = layer(inputs)
        seen = {
            TRAINABLE: len(layer.trainable_weights),
            NOT_TRAINABLE: len(layer.non_trainable_weights),
        }
        features = inputs.shape[-1]
        if len(layer.trainable_weights) == 1:
            weight = layer.trainable_weights[0]
            count = int(np.prod(weight.shape))
            seen[f"for {features} features, the number of entries of the weight"] = count
        seen[f"for inputs {_listed(inputs)}, the output of a fresh layer"] = fresh
        if len(layer.trainable_weights) == 1 and count == features:
            numbers = (np.arange(count) * 3 % 4 + 2.0) * np.where(np.arange(count) % 2, -0.5, 1)
            weight.assign(numbers.reshape(weight.shape).astype("float32"))
            known = f"with the weight {_listed(numbers)}"
            seen[f"{known} and inputs {_listed(inputs)}, the output"] = layer(inputs)
            seen[f"{known} and inputs {_listed(inputs[:1])}, the output"] = layer(inputs[:1])
        return seen


def _listed(array):
    return re.sub(r"\.0\b", "", str(np.asarray(array).tolist()))


def _entries(attempt):
    """How many entries the weight has, and how many it should have."""
    inputs = attempt.exercise.arguments(attempt.case)[0]
    features = inputs.shape[-1]
    return observed(
        attempt, f"for {features} features, the number of entries of the weight"
    ), inputs


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[(2, 3), (1, 1), (4, 2), (2, 4, 3)],
    given=lambda *shape: (tf.reshape(tf.range(1.0, float(np.prod(shape)) + 1), shape),),
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


Scale.mistake_if(
    "Scale() is to work without arguments: the number of features comes from the first input, in `build`.",
    lambda attempt: "__init__() missing" in message_of(attempt),
    see=SIZES,
)


mistakes_of_any_layer(Scale)


@Scale.mistake(
    "The weight is not trainable, so training would leave it at 1. `add_weight` makes trainable ones by default.",
    see=FROZEN,
)
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", trainable=False)

    def call(self, inputs):
        return inputs * self.w


Scale.mistake_if(
    "Keras does not know this weight: a `tf.Variable` is not registered with the layer, and training would not find "
    "it. `add_weight` makes one that is.",
    lambda attempt: observed(attempt, TRAINABLE) == 0 and "tf.Variable(" in attempt.source,
)
Scale.mistake_if(
    "Your layer has no weight that Keras knows of: a tensor or an array can't be trained. `add_weight` makes a "
    "variable and registers it.",
    lambda attempt: observed(attempt, TRAINABLE) == 0 and observed(attempt, NOT_TRAINABLE) == 0,
)
Scale.mistake_if(
    "There is more than one weight variable. One is enough: an entry for each feature.",
    lambda attempt: observed(attempt, TRAINABLE) + observed(attempt, NOT_TRAINABLE) > 1,
)


FIXED = r"shape=[(\[]\d|shape=\d|add_weight\([(\[]?\d|ones\([(\[]?\d|Variable\(.*\(\d"


@Scale.mistake_if(
    "The weight's size is fixed in your code, so it fits one number of features. `input_shape` says how many come.",
    see=SIZES,
)
def _(attempt):
    count = re.search(FIXED, attempt.source)
    return count and not re.search(r"shape=\(\(?1,?\)|shape=1\b", attempt.source)


@Scale.mistake_if(
    "The weight has one entry for all features. Each feature needs one of its own: as many as the last axis is long."
)
def _(attempt):
    count, inputs = _entries(attempt)
    return count == 1 != inputs.shape[-1]


Scale.mistake_if(
    "The weight is a column, (features, 1), which meets the samples and not the features. Its shape is (features,).",
    lambda attempt: (
        "Incompatible shapes" in message_of(attempt)
        and re.search(r"\[-1\], 1\)|, 1\)", attempt.source)
    ),
)
Scale.mistake_if(
    "The inputs may have more axes than two. `input_shape[-1]` is the last one, however many there are.",
    lambda attempt: "values to unpack" in message_of(attempt),
)
Scale.mistake_if(
    "`input_shape[0]` is the number of samples in the batch. The features lie along the last axis, `input_shape[-1]`.",
    lambda attempt: "shape[0]" in attempt.source,
)
Scale.mistake_if(
    "The weight has as many entries as axis 1 is long. With more axes than two that is not the last one, where the "
    "features are: `input_shape[-1]`.",
    lambda attempt: len(attempt.case) == 3 and "shape[1]" in attempt.source,
)


@Scale.mistake_if(
    "The weight has an entry for each number of a batch or of a sample. Only the last axis counts; what stands before "
    "it shares the weights.",
    see=CALLING,
)
def _(attempt):
    count, inputs = _entries(attempt)
    return count == np.prod(inputs.shape) or (len(inputs.shape) == 3 and count == 12)


@Scale.mistake_if(
    "The weight is a matrix, as in a dense layer, so each output mixes all features. Here each feature is multiplied "
    "by one number alone."
)
def _(attempt):
    count, inputs = _entries(attempt)
    return count == inputs.shape[-1] ** 2


@Scale.mistake("The weight is added to the inputs; it is to multiply them.")
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs + self.w


@Scale.mistake("The inputs are divided by the weight; it is to multiply them.")
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs / self.w


@Scale.mistake("The inputs come back as they are: `call` does not use the weight.")
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs


@Scale.mistake("Your `call` returns the weight alone; it is to multiply the inputs.")
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return tf.convert_to_tensor(self.w)


@Scale.mistake("The inputs are raised to the power of the weight; it is to multiply them.")
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs**self.w


@Scale.mistake("The weight is multiplied with itself; the inputs are to be multiplied by it once.")
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.w * self.w


@Scale.mistake(
    "All features are multiplied by the same entry of the weight. Each has one of its own."
)
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.w[0]


@Scale.mistake(
    "Your layer multiplies by 1 plus the weight. The weight itself is to start at 1 and to multiply the inputs."
)
class _(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs):
        return inputs * (1 + self.w)


Scale.mistake_if(
    "A matrix product adds up what it multiplies, so the features of a sample become one number. `*` keeps them apart.",
    lambda attempt: re.search(r"matmul\(|tensordot\(|\.dot\(|einsum\(| @ ", attempt.source),
    see="notebook 04: `*` is not the matrix product",
)
Scale.mistake_if(
    "The products are added up or averaged. Each feature keeps its place: the output has the shape of the inputs.",
    lambda attempt: (
        attempt.difference.kind in ("rank", "shape") and re.search(r"sum\(|mean\(", attempt.source)
    ),
)


def _only_the_start_is_wrong(attempt):
    seen, wanted = attempt.called.value, attempt.expected.value
    place = attempt.difference.place
    return (
        attempt.difference.kind == "values"
        and place.endswith("fresh layer")
        and all(np.allclose(seen[name], wanted[name]) for name in wanted if name.startswith("with"))
    )


Scale.mistake_if(
    "The weight starts at 0, so a fresh layer gives only zeros. It is to start at 1: the inputs come back unchanged.",
    lambda attempt: _only_the_start_is_wrong(attempt) and not np.any(attempt.difference.got),
)
Scale.mistake_if(
    "The weight starts at other numbers than 1. `add_weight` draws random ones unless you name an initializer.",
    lambda attempt: _only_the_start_is_wrong(attempt),
)


# FactoredDense


def watch_factored(answer, units, rank, activation):
    features = units + 3
    inputs = filling((2, features)) + np.array([[0.5], [-1.0]], "float32")
    where = f"for inputs of shape {inputs.shape}"
    with errors_as_raised():
        layer = answer(units, rank, activation)
        layer(tf.constant(inputs))
        matrices = [weight.numpy() for weight in layer.weights if len(weight.shape) == 2]
        same = any(matrix.size > 1 and np.ptp(matrix) == 0 for matrix in matrices)
        biases = [weight.numpy() for weight in layer.weights if len(weight.shape) == 1]
        seen = {
            TRAINABLE: len(layer.trainable_weights),
            f"{where}, the list of your weights' shapes": in_order(
                [tuple(weight.shape) for weight in layer.weights]
            ),
            "the start of one of the matrices": "one number everywhere" if same else "random",
            "the bias of a fresh layer": biases[0] if biases else None,
        }
        fill(layer.weights)
        seen[f"{where} and known weights, the output"] = layer(tf.constant(inputs))
        return seen


def _random(layer, *shape):
    return layer.add_weight(shape=shape, initializer="random_normal")


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


FactoredDense.mistake_if(
    "FactoredDense is to take (units, rank, activation), in this order; your `__init__` takes something else.",
    lambda attempt: re.search(
        r"__init__\(\) (missing|takes|got)|Unrecognized keyword", message_of(attempt)
    ),
)


mistakes_of_any_layer(FactoredDense)


FactoredDense.mistake_if(
    "The activation is called although it is None. None means that there is no activation: ask before you call it.",
    lambda attempt: "'NoneType' object is not callable" in message_of(attempt),
)
FactoredDense.mistake_if(
    "Here the activation is a function or None; a name in quotes can't be called. Use what `__init__` was given.",
    lambda attempt: "'str' object is not callable" in message_of(attempt),
    see=NAMES,
)


@FactoredDense.mistake_if(
    "`*` multiplies numbers in the same place, and these shapes don't fit that. A matrix product is `tf.matmul`.",
    see="notebook 04: `*` is not the matrix product",
)
def _(attempt):
    products = re.search(r"self\.\w+ \* |\* self\.\w+|multiply\(", attempt.source)
    return "Incompatible shapes" in message_of(attempt) and products


FIXED_SIZE = "A size is fixed in your code. Sizes come from the arguments `units` and `rank`, and from `input_shape`."


FactoredDense.mistake_if(
    "`input_shape[0]` is the number of samples in the batch. The features lie along the last axis, `input_shape[-1]`.",
    lambda attempt: "shape[0]" in attempt.source,
)


@FactoredDense.mistake_if(FIXED_SIZE, see=SIZES)
def _(attempt):
    elsewhere = attempt.case[:2] != (3, 2)
    return elsewhere and re.search(
        "Matrix size-incompatible|Incompatible shapes", message_of(attempt)
    )


FactoredDense.mistake_if(
    "The bias does not fit: it is added to the output, which has one number for each unit. Its shape is (units,).",
    lambda attempt: re.search("Incompatible shapes|required broadcastable", message_of(attempt)),
)
FactoredDense.mistake_if(
    "The matrices don't fit each other. A matrix that takes m numbers and gives n has the shape (m, n): "
    "first (features, rank), then (rank, units).",
    lambda attempt: "Matrix size-incompatible" in message_of(attempt),
)
FactoredDense.mistake_if(
    "Keras does not know all of your weights: a `tf.Variable` or a tensor is not registered with the layer, and "
    "training would not find it. Make each with `add_weight`.",
    lambda attempt: (
        observed(attempt, TRAINABLE) < 3
        and re.search(r"tf\.Variable\(|tf\.random|np\.random|tf\.zeros|np\.zeros", attempt.source)
    ),
)


@FactoredDense.mistake(
    "The bias is missing: one number for each unit, added before the activation."
)
class _(keras.layers.Layer):
    def __init__(self, units, rank, activation=None):
        super().__init__()
        self.units, self.rank, self.activation = units, rank, activation

    def build(self, input_shape):
        self.A = _random(self, input_shape[-1], self.rank)
        self.B = _random(self, self.rank, self.units)

    def call(self, inputs):
        y = inputs @ self.A @ self.B
        return y if self.activation is None else self.activation(y)


@FactoredDense.mistake_if(
    "This is a dense layer with one matrix of shape (features, units). Here two thinner ones take its place.",
)
def _(attempt):
    units, *_ = attempt.exercise.arguments(attempt.case)
    shapes = observed(attempt, _place(attempt, "shapes"))
    return shapes in (f"({units + 3}, {units}), ({units},)", f"({units + 3}, {units})")


def _place(attempt, end):
    return next(name for name in attempt.expected.value if name.endswith(end))


class _Factored(keras.layers.Layer):
    """What mistakes have in common; each changes a part."""

    def __init__(self, units, rank, activation=None):
        super().__init__()
        self.units, self.rank = units, rank
        self.activation = activation or (lambda y: y)

    def build(self, input_shape):
        self.A = _random(self, input_shape[-1], self.rank)
        self.B = _random(self, self.rank, self.units)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, inputs):
        return self.activation(inputs @ self.A @ self.B + self.b)


@FactoredDense.mistake("The activation is not applied: the outputs are what it should get.")
class _(_Factored):
    def call(self, inputs):
        return inputs @ self.A @ self.B + self.b


@FactoredDense.mistake(
    "The activation comes before the bias. It is the last step: first add the bias."
)
class _(_Factored):
    def call(self, inputs):
        return self.activation(inputs @ self.A @ self.B) + self.b


@FactoredDense.mistake(
    "The activation stands between the two matrices. Together they are one linear step; the activation comes last."
)
class _(_Factored):
    def call(self, inputs):
        return self.activation(inputs @ self.A) @ self.B + self.b


@FactoredDense.mistake(
    "The activation is applied twice, after each matrix. Only the end has one; the two matrices are one linear step."
)
class _(_Factored):
    def call(self, inputs):
        return self.activation(self.activation(inputs @ self.A) @ self.B + self.b)


@FactoredDense.mistake("The activation is always relu: your code does not use `activation`.")
class _(_Factored):
    def call(self, inputs):
        return tf.nn.relu(inputs @ self.A @ self.B + self.b)


@FactoredDense.mistake(
    "The activation is applied to the inputs. It is the last step, after the bias."
)
class _(_Factored):
    def call(self, inputs):
        return self.activation(inputs) @ self.A @ self.B + self.b


@FactoredDense.mistake("The activation is applied twice at the end. Once is enough.")
class _(_Factored):
    def call(self, inputs):
        return self.activation(self.activation(inputs @ self.A @ self.B + self.b))


@FactoredDense.mistake(
    "There is a relu between the two matrices. Together they are one linear step; only the end has an activation."
)
class _(_Factored):
    def call(self, inputs):
        return self.activation(tf.nn.relu(inputs @ self.A) @ self.B + self.b)


@FactoredDense.mistake_if(
    "The product of the matrices is computed in `build`, once and for all. Training changes the matrices later: "
    "compute with them in `call`.",
    see=CALLING,
)
def _(attempt):
    build = attempt.source.partition("def build(")[2].partition("\ndef ")[0]
    return re.search(r"matmul\(| @ |dot\(", build)


@FactoredDense.mistake("The bias is made, but never added.")
class _(_Factored):
    def call(self, inputs):
        return self.activation(inputs @ self.A @ self.B)


@FactoredDense.mistake("The bias is subtracted; it is to be added.")
class _(_Factored):
    def call(self, inputs):
        return self.activation(inputs @ self.A @ self.B - self.b)


@FactoredDense.mistake_if(
    "There is a bias after the first matrix, too. The layer has three weights: two matrices and one bias."
)
def _(attempt):
    _, rank, _ = attempt.exercise.arguments(attempt.case)
    shapes = observed(attempt, _place(attempt, "shapes"))
    return shapes.count("(") == 4 and f"({rank},)" in shapes


@FactoredDense.mistake_if(
    "`rank` and `units` have changed places: `rank` is the size in the middle, `units` the number of outputs."
)
def _(attempt):
    units, rank, _ = attempt.exercise.arguments(attempt.case)
    shapes = observed(attempt, _place(attempt, "shapes"))
    return f"({units + 3}, {units}), ({units}, {rank})" in shapes or shapes.startswith(
        f"({units}, {rank}), "
    )


FactoredDense.mistake_if(
    "The bias is added after the first matrix. It comes after the second, with an entry for each unit: shape (units,).",
    lambda attempt: _bias_shape(attempt) == f"({attempt.exercise.arguments(attempt.case)[1]},)",
)


@FactoredDense.mistake_if(
    "The bias has the wrong shape: it has one entry for each unit, shape (units,)."
)
def _(attempt):
    units, *_ = attempt.exercise.arguments(attempt.case)
    return _bias_shape(attempt) not in ("", f"({units},)")


def _bias_shape(attempt):
    """The shape of what stands besides the two matrices; "" if these are wrong."""
    units, rank, _ = attempt.exercise.arguments(attempt.case)
    of_all = re.findall(r"\(.*?\)", observed(attempt, _place(attempt, "shapes")))
    for matrix in (f"({units + 3}, {rank})", f"({rank}, {units})"):
        if matrix not in of_all:
            return ""
        of_all.remove(matrix)
    return of_all[0] if len(of_all) == 1 else ""


FactoredDense.mistake_if(
    FIXED_SIZE,
    lambda attempt: (
        attempt.difference.place.endswith("shapes")
        and re.search(r"shape=\((\w|\.|\[-1\]|, )*\b\d+\b", attempt.source.replace("[-1]", ""))
    ),
    see=SIZES,
)
FactoredDense.mistake_if(
    "A matrix starts with the same number everywhere. All units then compute the same, and training keeps them alike: "
    'take an initializer that draws, such as "random_normal".',
    lambda attempt: attempt.difference.place == "the start of one of the matrices",
)
FactoredDense.mistake_if(
    "The bias does not start at 0. `add_weight` draws random numbers unless you name an initializer.",
    lambda attempt: attempt.difference.place == "the bias of a fresh layer",
)
FactoredDense.mistake_if(
    "Some weights are not trainable. Training is to adjust all three; `add_weight` makes trainable ones by default.",
    lambda attempt: "trainable=False" in attempt.source,
    see=FROZEN,
)


@FactoredDense.mistake_if(
    "Your code does not use `activation`. It is the function that is to be applied, unless it is None."
)
def _(attempt):
    call = attempt.source.partition("def call(")[2]
    return "activation" not in call and "Dense(" not in attempt.source


# RunningCenter


def watch_center(answer, momentum):
    features = 1 + round(4 * momentum)
    columns = np.arange(features)
    batches = [
        tf.constant([[1.0], [3.0]] * 2.0**columns + columns, dtype="float32"),
        tf.constant([[8.0], [2.0], [5.0]] - 3.0 * columns, dtype="float32"),
        tf.constant([[-2.0], [4.0]] * (columns + 1.0), dtype="float32"),
    ]
    with errors_as_raised():
        layer = answer(momentum)
        before = layer(batches[0])
        seen = {
            TRAINABLE: len(layer.trainable_weights),
            NOT_TRAINABLE: len(layer.non_trainable_weights),
            "the output of a fresh layer, without training": before,
        }
        (mean,) = layer.weights if len(layer.weights) == 1 else (None,)

        def look(time, output):
            if mean is not None:
                seen[f"the layer's weight {time}"] = mean.numpy().reshape(-1)
            seen[f"the output {time}"] = output

        look("after a first call without training", before)
        for time, batch in zip(("first", "second"), batches[1:], strict=True):
            output = layer(batch, training=True)
            look(f"in the {time} step of training, with inputs {_listed(batch)}", output)
        look("after training", layer(batches[0], training=False))
        look("after training, in another call", layer(batches[2][:1]))
        return seen


@exercise(
    NOTEBOOK,
    see=OWN,
    cases=[(0.5,), (0.75,), (0.25,)],
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


mistakes_of_any_layer(RunningCenter)


RunningCenter.mistake_if(
    "RunningCenter is to take one argument, `momentum`; the number of features comes from the first input.",
    lambda attempt: re.search(r"__init__\(\) (missing|takes|got)", message_of(attempt)),
)


@RunningCenter.mistake_if(
    "Your `call` does not take `training`, so it can't know whether this is training. Its head: "
    "`call(self, inputs, training=False)`."
)
def _(attempt):
    call = attempt.answer.call
    return "training" not in call.__code__.co_varnames[: call.__code__.co_argcount]


RunningCenter.mistake_if(
    "`training` needs a default: it is not always given, and False is meant then.",
    lambda attempt: "missing a required argument: 'training'" in message_of(attempt),
    see=OWN,
)
RunningCenter.mistake_if(
    "The running mean is trainable, so training would change it a second time, by its gradient. Say `trainable=False`.",
    lambda attempt: observed(attempt, TRAINABLE) == 1,
    see=FROZEN,
)
RunningCenter.mistake_if(
    "Keras does not know your running mean: it is no weight of the layer, and would not be saved with it. "
    "`add_weight` makes one that is.",
    lambda attempt: observed(attempt, TRAINABLE) == observed(attempt, NOT_TRAINABLE) == 0,
)
RunningCenter.mistake_if(
    "The layer keeps more than one weight; the running mean of the features is all it needs.",
    lambda attempt: observed(attempt, TRAINABLE) + observed(attempt, NOT_TRAINABLE) > 1,
)


class _Center(keras.layers.Layer):
    """What mistakes have in common; each changes a part."""

    start = "zeros"

    def __init__(self, momentum):
        super().__init__()
        self.momentum = momentum

    def build(self, input_shape):
        self.mean = self.add_weight(
            shape=(input_shape[-1],), initializer=self.start, trainable=False
        )

    def updated(self, inputs):
        return self.momentum * self.mean + (1 - self.momentum) * tf.reduce_mean(inputs, axis=0)

    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
        return inputs - self.mean


@RunningCenter.mistake_if(
    "The running mean is one number for all features. Each feature has a mean of its own: shape (features,)."
)
def _(attempt):
    seen = attempt.called.value
    return any(seen[name].size == 1 for name in seen if name.startswith("the layer's weight"))


@RunningCenter.mistake(
    "The running mean is updated without training, too. Ask for `training` first."
)
class _(_Center):
    def call(self, inputs, training=False):
        self.mean.assign(self.updated(inputs))
        return inputs - self.mean


@RunningCenter.mistake(
    "The running mean is updated when it should not be, and stays when `training` is True: the condition is reversed."
)
class _(_Center):
    def call(self, inputs, training=False):
        if not training:
            self.mean.assign(self.updated(inputs))
        return inputs - self.mean


@RunningCenter.mistake("The running mean stays 0: nothing updates the weight.", see=IN_PLACE)
class _(_Center):
    def call(self, inputs, training=False):
        return inputs - self.mean


@RunningCenter.mistake_if(
    "The outputs follow the batches, but the weight stays 0: the new mean is another tensor. `assign` changes the "
    "variable in place.",
    see=IN_PLACE,
)
def _(attempt):
    seen = attempt.called.value
    return all(not np.any(seen[name]) for name in seen if name.startswith("the layer's weight"))


@RunningCenter.mistake(
    "Momentum is the share that the old mean keeps, and the batch has the rest: yours has them the other way round."
)
class _(_Center):
    def updated(self, inputs):
        return (1 - self.momentum) * self.mean + self.momentum * tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake(
    "Without training, the batch's own mean is subtracted. Then the running mean counts, which was made in training."
)
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
            return inputs - self.mean
        return inputs - tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake(
    "In training, the batch's own mean is subtracted. The running mean, after its update, is what to subtract."
)
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
            return inputs - tf.reduce_mean(inputs, axis=0)
        return inputs - self.mean


@RunningCenter.mistake(
    "The batch's own mean is subtracted in every call. The running mean is what to subtract."
)
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
        return inputs - tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake("The old mean is subtracted. First update it, then subtract it.")
class _(_Center):
    def call(self, inputs, training=False):
        outputs = inputs - self.mean
        if training:
            self.mean.assign(self.updated(inputs))
        return outputs


@RunningCenter.mistake(
    "In training, the inputs come back as they are. The running mean is subtracted there, too."
)
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
            return inputs
        return inputs - self.mean


@RunningCenter.mistake(
    "Without training, the inputs come back as they are. The running mean is subtracted there, too."
)
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
            return inputs - self.mean
        return inputs


@RunningCenter.mistake("The running mean is updated, but never subtracted.")
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
        return inputs


@RunningCenter.mistake("The running mean is added; it is to be subtracted.")
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
        return inputs + self.mean


@RunningCenter.mistake(
    "The old mean keeps its full weight, so the running mean grows and grows. Its share is `momentum`."
)
class _(_Center):
    def updated(self, inputs):
        return self.mean + (1 - self.momentum) * tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake(
    "The batch's mean counts in full. Old and new share: `momentum` for the old mean, the rest of 1 for the batch's."
)
class _(_Center):
    def updated(self, inputs):
        return self.momentum * self.mean + tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake(
    "The weight takes the mean of the last batch, and forgets the ones before. `momentum` says how much stays."
)
class _(_Center):
    def updated(self, inputs):
        return tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake(
    "The new mean is added to the old one. It is to take its place: `assign`, not `assign_add`."
)
class _(_Center):
    def updated(self, inputs):
        return self.mean + super().updated(inputs)


LOST = (
    "The old mean is lost: `momentum` says how much of it stays, and the batch's mean has the rest."
)


@RunningCenter.mistake(LOST)
class _(_Center):
    def updated(self, inputs):
        return self.momentum * tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake(LOST)
class _(_Center):
    def updated(self, inputs):
        return (1 - self.momentum) * tf.reduce_mean(inputs, axis=0)


@RunningCenter.mistake(
    "Old mean and batch's mean have the same factor. The two shares add up to 1: `momentum` and 1 - `momentum`."
)
class _(_Center):
    def updated(self, inputs):
        return self.momentum * (self.mean + tf.reduce_mean(inputs, axis=0))


@RunningCenter.mistake("The mean is updated twice in each step of training.")
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
            self.mean.assign(self.updated(inputs))
        return inputs - self.mean


@RunningCenter.mistake(
    "The inputs are subtracted from the mean; the mean is to be subtracted from them."
)
class _(_Center):
    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.updated(inputs))
        return self.mean - inputs


@RunningCenter.mistake(
    "The batch's mean is taken after something has been subtracted from it. Take that of the inputs as they came."
)
class _(_Center):
    def call(self, inputs, training=False):
        outputs = inputs - self.mean
        if training:
            self.mean.assign(self.updated(outputs))
        return outputs


RunningCenter.mistake_if(
    "Your `call` returns the mean itself; it is to be subtracted from the inputs.",
    lambda attempt: (
        attempt.difference.kind == "rank" and attempt.difference.place.startswith("the output")
    ),
)
RunningCenter.mistake_if(
    "The inputs are divided by their spread, too. Only the mean is to be subtracted.",
    lambda attempt: re.search(r"std\(|variance\(", attempt.source),
)


@RunningCenter.mistake("The batch is summed; its mean is needed.")
class _(_Center):
    def updated(self, inputs):
        return self.momentum * self.mean + (1 - self.momentum) * tf.reduce_sum(inputs, axis=0)


WRONG_AXIS = (
    "The mean goes over the wrong axis. Each feature has its own mean, over the samples: axis 0."
)


@RunningCenter.mistake(WRONG_AXIS, see="notebook 04: Sums and means along an axis")
class _(_Center):
    def updated(self, inputs):
        return self.momentum * self.mean + (1 - self.momentum) * tf.reduce_mean(inputs)


@RunningCenter.mistake_if(WRONG_AXIS, see="notebook 04: Sums and means along an axis")
def _(attempt):
    axis = re.search(r"(mean|average)\([^()]*(axis=)?(1|-1)\b", attempt.source)
    return attempt.called.error and axis


RunningCenter.mistake_if(
    "The batch's mean has another shape than the weight. With `axis=0` and no `keepdims`, both are (features,).",
    lambda attempt: (
        "shape of the target" in message_of(attempt) and "keepdims=True" in attempt.source
    ),
)


@RunningCenter.mistake("The running mean starts at 1; it is to start at 0.")
class _(_Center):
    start = "ones"


RunningCenter.mistake_if(
    "The running mean does not start at 0. `add_weight` draws random numbers unless you name an initializer.",
    lambda attempt: np.any(
        observed(attempt, "the layer's weight after a first call without training")
    ),
)
RunningCenter.mistake_if(
    "The weight's size is fixed in your code, so it fits one number of features. `input_shape` says how many come.",
    lambda attempt: re.search(r"shape=[(\[]\d|shape=\d", attempt.source),
    see=SIZES,
)
RunningCenter.mistake_if(
    "`input_shape[0]` is the number of samples in the batch. The features lie along the last axis, `input_shape[-1]`.",
    lambda attempt: "shape[0]" in attempt.source,
)


@RunningCenter.mistake_if(
    "Your update does not use `momentum`, which says how much of the old mean stays."
)
def _(attempt):
    kept = re.search(r"self\.(\w+) = momentum", attempt.source)
    return attempt.source.count(f"self.{kept[1]}") == 1
