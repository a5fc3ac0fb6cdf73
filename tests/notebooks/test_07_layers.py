"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import inspect
import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from support.explore import layers
from tests.curriculum import equal, printed_with, run, says, source_of

NOTEBOOK = "07_layers"


def test_a_layer_keeps_weights_and_computation_in_one_object():
    says(NOTEBOOK, "In notebook 06 you kept `W`, `b` and `model` in three separate places")
    before = "06_linear_classifier"
    names = re.findall(
        r"^(?:def )?(W|b|model)\b",
        source_of(before, "listing-3.17") + "\n" + source_of(before, "listing-3.18"),
        re.MULTILINE,
    )
    assert names == ["W", "b", "model"]
    says(NOTEBOOK, "a layer keeps them in one object")
    layer = run(NOTEBOOK)["snippet-simple-dense-call"].my_dense
    assert {"W", "b", "call"} <= set(dir(layer))
    assert layer.weights[0] is layer.W and layer.weights[1] is layer.b


def test_a_layer_must_say_its_weights_and_its_computation():
    says(
        NOTEBOOK,
        "it is a subclass of `keras.layers.Layer`, and all it must say is which weights it needs and how it computes",
    )
    DoubleOrTriple = run(NOTEBOOK)["snippet-shape-rule"].DoubleOrTriple
    assert DoubleOrTriple.__bases__ == (keras.layers.Layer,)
    written = [name for name, value in vars(DoubleOrTriple).items() if inspect.isfunction(value)]
    assert [name for name in written if not name.startswith("_")] == ["build", "call"]
    assert "__init__" not in source_of(NOTEBOOK, "snippet-shape-rule")


def test_keras_calls_build_once_with_the_shape_of_the_first_input():
    says(NOTEBOOK, "`__init__` keeps what the user chooses.")
    says(NOTEBOOK, "Keras calls it once, with the shape of the first input.")
    says(NOTEBOOK, "It makes its weights in `build`, when it first sees an input")
    says(NOTEBOOK, "`__call__`, inherited, calls `build` once and then `call`.")
    called = []

    class Witness(run(NOTEBOOK)["listing-3.22"].SimpleDense):
        def build(self, input_shape):
            called.append(("build", tuple(input_shape)))
            super().build(input_shape)

        def call(self, inputs):
            called.append(("call", tuple(inputs.shape)))
            return super().call(inputs)

    layer = Witness(4, tf.nn.relu)
    assert (layer.units, layer.activation) == (4, tf.nn.relu) and not layer.weights
    layer(tf.ones((2, 3)))
    weights = list(layer.weights)
    layer(tf.ones((5, 3)))
    assert called == [("build", (2, 3)), ("call", (2, 3)), ("call", (5, 3))]
    assert all(now is then for now, then in zip(layer.weights, weights, strict=True))


def test_every_output_of_a_dense_layer_depends_on_every_input():
    says(NOTEBOOK, "In a **dense** layer every output depends on every input")
    layer, inputs = run(NOTEBOOK)["listing-3.22"].SimpleDense(4), tf.ones((1, 3))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
    slopes = tape.jacobian(outputs, inputs).numpy()[0, :, 0]
    assert slopes.shape == (4, 3) and np.all(slopes != 0)


def test_add_weight_makes_a_variable_and_registers_it():
    says(
        NOTEBOOK,
        "`add_weight` makes a variable (Keras's own kind, which has the same `assign` methods) and registers it",
    )
    layer = run(NOTEBOOK)["snippet-simple-dense-call"].my_dense
    for weight in (layer.W, layer.b):
        assert isinstance(weight, keras.Variable) and not isinstance(weight, tf.Variable)
        for method in ("assign", "assign_add", "assign_sub"):
            assert hasattr(weight, method) and hasattr(tf.Variable, method)
    assert [id(weight) for weight in layer.trainable_weights] == [id(layer.W), id(layer.b)]


def test_3_22_a_dense_layer():
    SimpleDense = run(NOTEBOOK)["listing-3.22"].SimpleDense
    assert issubclass(SimpleDense, keras.layers.Layer)
    layer = SimpleDense(units=4)
    assert not layer.built and not layer.weights
    inputs = tf.random.normal((5, 3))
    outputs = layer(inputs)
    W, b = (weight.numpy() for weight in layer.weights)
    assert (W.shape, b.shape) == ((3, 4), (4,))
    assert np.all(W != 0) and np.abs(W).max() < 0.5  # random normal, standard deviation 0.05
    equal(b, np.zeros(4))
    equal(outputs, inputs.numpy() @ W + b)
    assert layer.trainable_weights == layer.weights

    layer.b.assign([1.0, -2.0, 3.0, -4.0])
    layer.activation = tf.nn.relu
    equal(layer(inputs), np.maximum(inputs.numpy() @ W + [1, -2, 3, -4], 0))


def test_simple_dense_call():
    cell = run(NOTEBOOK)["snippet-simple-dense-call"]
    assert isinstance(cell.my_dense, cell.SimpleDense) and cell.my_dense.activation is tf.nn.relu
    equal(cell.input_tensor, np.ones((2, 784)))
    W, b = (weight.numpy() for weight in cell.my_dense.weights)
    equal(cell.output_tensor, np.maximum(np.ones((2, 784)) @ W + b, 0))
    assert cell.output_tensor.shape == (2, 32)
    says(NOTEBOOK, "Two samples of 784 numbers went in, two of 32 came out.")
    assert cell.input_tensor.shape == (2, 784)
    says(NOTEBOOK, "The 784 numbers of a sample below could be the pixels of an image of 28 by 28")
    assert cell.input_tensor.shape[1] == np.zeros((28, 28)).size
    says(NOTEBOOK, "We never said 784 to the layer: it read the number off the input.")
    assert W.shape == (784, 32)
    again = cell.SimpleDense(units=32, activation=tf.nn.relu)
    again(tf.ones((2, 5)))
    assert again.W.shape == (5, 32)
    assert "SimpleDense(units=32, activation=tf.nn.relu)" in source_of(
        NOTEBOOK, "snippet-simple-dense-call"
    )


def test_relu_and_softmax():
    says(NOTEBOOK, "it replaces negative numbers by 0")
    equal(tf.nn.relu([-3.0, -0.5, 0.0, 0.5, 3.0]), [0, 0, 0, 0.5, 3])
    assert "smallest output: 0.0" in printed_with(NOTEBOOK, "smallest output")
    says(
        NOTEBOOK,
        "it turns a row of scores into shares that add up to 1, one probability for each class",
    )
    shares = tf.nn.softmax([[-3.0, 0.0, 5.0], [1.0, 1.0, 1.0]]).numpy()
    assert shares.shape == (2, 3) and np.all(shares > 0)
    equal(shares.sum(axis=1), [1, 1])


def test_dense_has_no_weights_before_its_first_input():
    cell = run(NOTEBOOK)["snippet-dense"]
    assert isinstance(cell.layer, keras.layers.Dense)
    assert (cell.layer.units, cell.layer.activation) == (32, keras.activations.relu)
    says(NOTEBOOK, "A fresh one has no weights, because it cannot know how many it will need.")
    before, after = cell.printed.splitlines()
    assert before.endswith("[]") and "[784, 32]" in after
    for width in (784, 5):
        layer = keras.layers.Dense(32)
        assert not layer.weights
        layer(tf.ones((2, width)))
        assert layer.count_params() == width * 32 + 32


def test_naive():
    cell = run(NOTEBOOK)["snippet-naive"]
    layers = cell.model.layers
    assert isinstance(cell.model, cell.NaiveSequential) and all(
        isinstance(layer, cell.NaiveDense) for layer in layers
    )
    assert [tuple(layer.W.shape) for layer in layers] == [(784, 32), (32, 64), (64, 32), (32, 10)]
    assert all(np.all(layer.b.numpy() == 0) for layer in layers)
    assert layers[0].W.numpy().std() == pytest.approx(0.05, rel=0.05)
    assert layers[0].W.numpy().mean() == pytest.approx(0, abs=0.002)
    inputs = tf.random.normal((3, 784))
    expected = inputs.numpy()
    for layer in layers[:-1]:
        expected = np.maximum(expected @ layer.W.numpy() + layer.b.numpy(), 0)
    expected = tf.nn.softmax(expected @ layers[-1].W.numpy() + layers[-1].b.numpy())
    equal(cell.model(inputs), expected)
    says(NOTEBOOK, "Here is a layer in plain TensorFlow that wants both sizes from its user")
    sizes = list(inspect.signature(cell.NaiveDense).parameters.values())[:2]
    assert [size.name for size in sizes] == ["input_size", "output_size"]
    assert all(size.default is inspect.Parameter.empty for size in sizes)
    assert not issubclass(cell.NaiveDense, keras.layers.Layer)


def test_each_size_between_two_layers_stands_twice():
    says(
        NOTEBOOK,
        "But every size between two layers stands there twice, once where it comes out and once where it goes "
        "in, and changing one means finding the other.",
    )
    sizes = re.findall(r"NaiveDense\((\d+), (\d+)", source_of(NOTEBOOK, "snippet-naive"))
    assert len(sizes) == 4
    for (_, comes_out), (goes_in, _) in itertools.pairwise(sizes):
        assert comes_out == goes_in
    cell = run(NOTEBOOK)["snippet-naive"]
    changed = cell.NaiveSequential([cell.NaiveDense(784, 33, cell.relu), *cell.model.layers[1:]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[2,33\].*\[32,64\]"):
        changed(tf.ones((2, 784)))


@pytest.mark.parametrize(("width", "expected"), [(1, 3), (2, 4), (3, 9), (4, 8), (7, 21)])
def test_shape_rule_doubles_even_widths_and_triples_odd_ones(width, expected):
    layer = run(NOTEBOOK)["snippet-shape-rule"].DoubleOrTriple()
    inputs = tf.random.normal((2, width))
    equal(layer(inputs), inputs.numpy() @ layer.weights[0].numpy())
    assert layer(inputs).shape == (2, expected)
    assert np.all(layer.weights[0].numpy() != 0)
    says(NOTEBOOK, "twice the input when that is even, three times the input when it is odd")
    assert expected == (2 if width % 2 == 0 else 3) * width


def test_shape_rule_works_out_the_whole_chain():
    says(NOTEBOOK, "A layer with `build` does it alone.")
    for line in run(NOTEBOOK)["snippet-shape-rule"].printed.splitlines():
        first, *rest = map(int, line.split(" → "))
        assert len(rest) == 3
        for width in rest:
            first *= 2 if first % 2 == 0 else 3
            assert width == first


def test_sequential_has_weights_after_its_first_input():
    cell = run(NOTEBOOK)["snippet-sequential"]
    first, second = cell.model.layers
    assert [(layer.units, layer.activation.__name__) for layer in (first, second)] == [
        (32, "relu"),
        (32, "linear"),
    ]
    before, after = cell.printed.splitlines()
    assert before.endswith("[]") and "[784, 32]" in after
    says(NOTEBOOK, "`keras.Sequential` runs layers in a row.")
    inputs = tf.random.normal((2, 784))
    equal(cell.model(inputs), second(first(inputs)))
    says(
        NOTEBOOK,
        "the first input builds the first layer, its output builds the second one, and so on",
    )
    built = []

    class Witness(keras.layers.Dense):
        def build(self, input_shape):
            built.append((self.units, tuple(input_shape)[-1]))
            super().build(input_shape)

    keras.Sequential([Witness(4), Witness(3), Witness(2)])(tf.ones((1, 5)))
    assert built == [(4, 5), (3, 4), (2, 3)]


def test_the_layers_call_comes_from_the_base_class():
    says(
        NOTEBOOK,
        "but you used `my_dense(input_tensor)`, which is Python's `__call__`. That one comes from the base class.",
    )
    SimpleDense = run(NOTEBOOK)["listing-3.22"].SimpleDense
    assert "call" in vars(SimpleDense) and "__call__" not in vars(SimpleDense)
    assert SimpleDense.__call__ is keras.layers.Layer.__call__
    says(NOTEBOOK, "The rest of the real one looks after dtypes, names and errors.")
    real, sketch = SimpleDense(3), run(NOTEBOOK)["snippet-call"].SketchLayer(3)
    doubles = tf.ones((2, 5), dtype="float64")
    assert real(doubles).dtype == tf.float32
    assert real.W.path.startswith(real.name)
    with pytest.raises(tf.errors.InvalidArgumentError) as plain:
        sketch(doubles)
    assert "Exception encountered when calling" not in str(plain.value)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Exception encountered when calling"):
        real(tf.ones((2, 6)))


def test_call_builds_once_and_then_calls():
    cell = run(NOTEBOOK)["snippet-call"]
    assert cell.printed.splitlines() == [
        "has weights: False",
        "build, for inputs of shape (2, 5)",
        "has weights: True",
    ]
    layer = cell.SketchLayer(units=3)
    inputs = tf.random.normal((4, 5))
    equal(layer(inputs), inputs.numpy() @ layer.W.numpy())
    weights = layer.W
    assert np.all(weights.numpy() != 0)
    layer(inputs)
    assert layer.W is weights
    says(
        NOTEBOOK,
        "`build` was called once, though the layer was called twice: the state is made just in time, and then kept.",
    )
    says(
        NOTEBOOK,
        "The second batch had another number of samples, 7, and that is fine, since the weights depend on "
        "the last axis alone.",
    )
    called = re.findall(
        r"^sketch\(tf\.ones\(\((\d), (\d)\)\)\)", source_of(NOTEBOOK, "snippet-call"), re.M
    )
    assert called == [("2", "5"), ("7", "5")]
    assert layer(tf.ones((7, 5))).shape == (7, 3)
    assert cell.sketch.W.shape == (5, 3)


def test_string_activation_fails():
    came_through, in_the_layer, error, *rest = run(NOTEBOOK)[
        "snippet-string-activation"
    ].printed.splitlines()
    assert came_through == "----> broken(tf.ones((2, 784)))"
    assert in_the_layer == "----> y = self.activation(y)"
    assert error.startswith("TypeError: ") and "'str' object is not callable" in rest
    says(
        NOTEBOOK,
        "stores the string and then calls it, and Python answers `'str' object is not callable`",
    )
    SimpleDense = run(NOTEBOOK)["listing-3.22"].SimpleDense
    assert SimpleDense(32, activation="relu").activation == "relu"
    says(NOTEBOOK, "Keras wraps the error in")
    says(
        NOTEBOOK, "a page of its own because it happened inside a layer, so look for that one line."
    )
    assert "Exception encountered when calling SimpleDense.call()" in error
    assert rest.count("'str' object is not callable") == 1
    assert len(rest) > 5


def test_a_stack_that_never_meets_an_input_hides_the_failure():
    says(NOTEBOOK, "The chapter's stack of four such layers never meets an")
    says(NOTEBOOK, "input, so the failure stays hidden there.")
    SimpleDense = run(NOTEBOOK)["listing-3.22"].SimpleDense
    stack = keras.Sequential(
        [SimpleDense(units, activation="relu") for units in (32, 64, 32)]
        + [SimpleDense(10, activation="softmax")]
    )
    assert len(stack.layers) == 4
    with pytest.raises(TypeError, match="'str' object is not callable"):
        stack(tf.ones((2, 784)))


def test_activations_get():
    says(
        NOTEBOOK,
        "`keras.activations.get` takes a name, a function or `None` and returns a function",
    )
    assert keras.activations.get("relu") is keras.activations.relu
    assert keras.activations.get(tf.nn.relu) is tf.nn.relu
    says(NOTEBOOK, "The repair is one line.")
    assert source_of(NOTEBOOK, "snippet-simple-dense-stack").count("keras.activations.get") == 1
    says(NOTEBOOK, "for `None` it is the one that changes nothing")
    numbers = tf.constant([-2.0, 0.0, 3.0])
    equal(keras.activations.get(None)(numbers), numbers)
    says(NOTEBOOK, "Names of activations become functions through `keras.activations.get`.")
    assert run(NOTEBOOK)["snippet-simple-dense-stack"].NamedDense(4, "relu").activation is (
        keras.activations.relu
    )


def test_simple_dense_stack():
    cell = run(NOTEBOOK)["snippet-simple-dense-stack"]
    assert all(isinstance(layer, cell.SimpleDense) for layer in cell.model.layers)
    assert [layer.units for layer in cell.model.layers] == [32, 64, 32, 10]
    assert [layer.activation.__name__ for layer in cell.model.layers] == [
        "relu",
        "relu",
        "relu",
        "softmax",
    ]
    outputs = cell.model(tf.random.normal((4, 784)))
    assert outputs.shape == (4, 10)
    says(NOTEBOOK, "Each row adds up to 1, as it must after a softmax.")
    equal(outputs.numpy().sum(axis=1), np.ones(4))
    assert "sum of each row: [1. 1. 1.]" in cell.printed
    says(NOTEBOOK, "784 → 32 → 64 → 32 → 10, activations given by name")
    widths = [layer.W.shape for layer in cell.model.layers]
    assert widths == [(784, 32), (32, 64), (64, 32), (32, 10)]
    assert (
        len(re.findall(r'activation="\w+"', source_of(NOTEBOOK, "snippet-simple-dense-stack"))) == 4
    )
    assert 'NamedDense(32, activation="relu")' in source_of(NOTEBOOK, "snippet-simple-dense-stack")


def test_the_hand_made_layer_equals_the_built_in_one():
    says(NOTEBOOK, "Does the hand-made layer do what the built-in one does?")
    says(NOTEBOOK, "Give both the same weights and compare.")
    assert "largest difference: 0.0" in printed_with(NOTEBOOK, "largest difference")
    cell = run(NOTEBOOK)["ours-nameddense-4-activation-relu"]
    for ours, theirs in zip(cell.ours.get_weights(), cell.theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    equal(cell.ours(cell.sample), cell.theirs(cell.sample))


@pytest.mark.parametrize(
    ("row", "data", "rank", "layers"),
    [
        (
            "| vectors: a row of features per sample | 2 | (samples, features) | `Dense` |",
            "vectors",
            2,
            ["Dense"],
        ),
        (
            "| sequences: features at each time step | 3 | (samples, steps, features) | `LSTM`, `Conv1D` |",
            "sequences",
            3,
            ["LSTM", "Conv1D"],
        ),
        (
            "| images: channels (such as red, green, blue) at each pixel | 4 "
            "| (samples, height, width, channels) | `Conv2D` |",
            "images",
            4,
            ["Conv2D"],
        ),
    ],
)
def test_the_rank_of_the_data_decides_which_layer_fits(row, data, rank, layers):
    says(NOTEBOOK, row)
    says(NOTEBOOK, "One axis always counts the samples.")
    cell = run(NOTEBOOK)["vectors-tf-ones-2-16"]
    inputs = cell.names[data]
    _, _, stated_rank, shape, stated_layers, _ = row.split("|")
    assert len(inputs.shape) == rank == int(stated_rank) == len(shape.split(","))
    assert re.findall(r"`(\w+)`", stated_layers) == layers
    for name in layers:
        (line,) = (line for line in cell.printed.splitlines() if line.startswith(name))
        before, after = re.findall(r"\(([\d, ]+)\)", line)
        assert before == ", ".join(map(str, inputs.shape))
        assert after.split(", ")[0] == before.split(", ")[0]
    assert keras.config.image_data_format() == "channels_last"


def test_what_each_kind_of_layer_does_to_the_axes():
    shapes = {
        line.split()[0]: [
            tuple(map(int, shape.split(", "))) for shape in re.findall(r"\(([\d, ]+)\)", line)
        ]
        for line in run(NOTEBOOK)["vectors-tf-ones-2-16"].printed.splitlines()
    }
    says(
        NOTEBOOK,
        "`LSTM` reads a whole sequence and keeps one row of 32 for each: the axis of the steps is gone.",
    )
    assert shapes["LSTM"] == [(2, 10, 8), (2, 32)]
    lstm, sequence = keras.layers.LSTM(32), np.random.default_rng(0).normal(size=(1, 10, 8))
    once = lstm(sequence)
    for step in range(10):
        changed = sequence.copy()
        changed[:, step] += 1
        assert not np.allclose(lstm(changed), once, atol=1e-6)  # every step counts
    says(
        NOTEBOOK,
        "`Conv1D` and `Conv2D` slide a window of 3 over the steps or the pixels; a window of 3 fits into 10 steps "
        "at 8 places and into 28 pixels at 26, so those axes shrink by 2.",
    )
    windows = np.lib.stride_tricks.sliding_window_view
    assert (len(windows(np.arange(10), 3)), len(windows(np.arange(28), 3))) == (8, 26)
    assert shapes["Conv1D"] == [(2, 10, 8), (2, 10 - 2, 32)]
    assert shapes["Conv2D"] == [(2, 28, 28, 3), (2, 28 - 2, 28 - 2, 32)]


def test_a_forgotten_channel_axis():
    says(NOTEBOOK, "black-and-white images whose channel axis has been forgotten")
    says(NOTEBOOK, "`expected min_ndim=4, found ndim=3`: ndim is another word for rank.")
    shown = " ".join(run(NOTEBOOK)["keras-layers-conv2d-32-kernel-size-3-tf"].printed.split())
    assert "ValueError: " in shown and "expected min_ndim=4, found ndim=3" in shown
    images = np.ones((2, 28, 28))
    assert images.ndim == tf.rank(images).numpy() == 3
    says(NOTEBOOK, "The cure is an axis of length 1 at the end, shape (2, 28, 28, 1).")
    cured = images[..., np.newaxis]
    assert cured.shape == (2, 28, 28, 1)
    assert keras.layers.Conv2D(32, kernel_size=3)(cured).shape == (2, 26, 26, 32)


def test_dense_works_on_the_last_axis_and_the_others_refuse():
    says(
        NOTEBOOK,
        "The last three refuse another rank. (`Dense` does not, from rank 2 on: it works on the last axis",
    )
    with pytest.raises(ValueError):
        keras.layers.Dense(3)(tf.ones((4,)))
    assert keras.layers.Dense(3)(tf.ones((2, 4, 5, 6))).shape == (2, 4, 5, 3)
    for layer, shape in [
        (keras.layers.LSTM(3), (2, 4)),
        (keras.layers.LSTM(3), (2, 4, 5, 6)),
        (keras.layers.Conv1D(3, 2), (2, 4)),
        (keras.layers.Conv1D(3, 2), (2, 4, 5, 6)),
        (keras.layers.Conv2D(3, 2), (2, 4, 5)),
        (keras.layers.Conv2D(3, 2), (2, 4, 5, 6, 7)),
    ]:
        with pytest.raises(ValueError, match=r"expected|Kernel shape"):
            layer(tf.ones(shape))


def test_another_last_axis_is_refused():
    says(NOTEBOOK, "Another last axis would be refused.")
    sketch = run(NOTEBOOK)["snippet-call"].SketchLayer(3)
    sketch(tf.ones((2, 5)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="incompatible"):
        sketch(tf.ones((2, 6)))
    layer = keras.layers.Dense(3)
    layer(tf.ones((2, 5)))
    with pytest.raises(ValueError, match="incompatible"):
        layer(tf.ones((2, 6)))


def test_the_explorer_can_do_what_is_asked():
    says(
        NOTEBOOK,
        "What has to stand between `Conv2D` and `Dense(1)`, "
        "so that one number comes out for each image of shape (28, 28, 1)?",
    )
    says(
        NOTEBOOK,
        "`MaxPooling2D` keeps the largest number of each square of 2 by 2 pixels, `Flatten` lays all axes of a sample "
        "end to end, and `Dropout` lets numbers through or, while training, makes some of them 0.",
    )
    ones = tf.ones((1, 1000))
    assert keras.layers.Dropout(0.5)(ones).numpy().min() == 1
    assert keras.layers.Dropout(0.5)(ones, training=True).numpy().min() == 0
    image = tf.reshape(tf.range(16.0), (1, 4, 4, 1))
    assert keras.layers.MaxPooling2D(2)(image).numpy().ravel().tolist() == [5, 7, 13, 15]
    assert keras.layers.Flatten()(image).numpy().tolist() == [list(range(16))]
    stack = {"shape": "28, 28, 1", "first": "Conv2D(8, 3)", "third": "Dense(1)"}
    assert "Dense(1) (None, 1)." in layers.frame(**stack, second="Flatten()").seen.words
    assert "Dense(1) (None, 26, 26, 1)." in layers.frame(**stack, second="no layer").seen.words
