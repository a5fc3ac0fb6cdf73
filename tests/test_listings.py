"""Every listing and snippet of the chapter does what it must, checked against an independent computation."""

from __future__ import annotations

import ast
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from support import datasets, runtime
from tests.curriculum import NOTEBOOKS, Ran, code_cells, listing_tags, read, run, tags

SNIPPETS = {
    "04_tensor_operations": ["eager"],
    "05_gradient_tape": ["unwatched", "loss-gradient"],
    "06_linear_classifier": ["predictions", "boundary"],
    "07_layers": [
        "simple-dense-call",
        "dense",
        "naive",
        "shape-rule",
        "sequential",
        "call",
        "string-activation",
        "simple-dense-stack",
    ],
    "08_models": ["two-branch", "multi-head", "residual", "subclass"],
    "09_compile_and_fit": [
        "compile-strings",
        "compile-objects",
        "accuracy-trap",
        "custom",
        "catalogue",
        "pick-a-loss",
    ],
    "10_validation_and_inference": ["evaluate", "call-model", "predict"],
}


def equal(actual: object, expected: object) -> None:
    """Same shape, same values within float32 rounding."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def source_of(stem: str, tag: str) -> str:
    path = next(path for path in NOTEBOOKS if path.stem == stem)
    return next(cell.source for cell in code_cells(path) if tag in tags(cell))


def last(stem: str) -> Ran:
    """The state at a notebook's end, which is the state that its functions work on."""
    return list(run(stem).values())[-1]


# All there, once, in order, under their headings


def test_all_24_listings_stand_once_and_in_order():
    found = [
        tag
        for path in NOTEBOOKS
        for cell in code_cells(path)
        for tag in tags(cell)
        if tag.startswith("listing-")
    ]
    assert found == [f"listing-3.{number}" for number in range(1, 25)]


def test_all_snippets_stand_once_in_their_notebooks():
    found = {
        path.stem: [
            tag for cell in code_cells(path) for tag in tags(cell) if tag.startswith("snippet-")
        ]
        for path in NOTEBOOKS
    }
    expected = {stem: [f"snippet-{name}" for name in names] for stem, names in SNIPPETS.items()}
    assert {stem: sorted(names) for stem, names in found.items() if names} == {
        stem: sorted(names) for stem, names in expected.items()
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_listing_stands_right_below_the_heading_with_its_number_and_subject(path):
    last_heading = ""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)
            last_heading = headings[-1] if headings else ""
        for tag in listing_tags(cell):
            if tag.startswith("listing-"):
                assert re.match(
                    rf"Listing {re.escape(tag.removeprefix('listing-'))}: \S", last_heading
                ), tag


DEFINES = {
    "listing-3.1": {"ones", "zeros"},
    "listing-3.2": {"normal", "uniform"},
    "listing-3.3": {"array"},
    "listing-3.4": {"tensor"},
    "listing-3.5": {"v"},
    "listing-3.9": {"a", "b", "c", "d", "e"},
    "listing-3.10": {"input_var", "result", "gradient"},
    "listing-3.11": {"input_const", "gradient"},
    "listing-3.12": {"time", "position", "speed", "acceleration"},
    "snippet-loss-gradient": {"gradients"},
    "listing-3.13": {"num_samples_per_class", "negative_samples", "positive_samples"},
    "listing-3.14": {"inputs"},
    "listing-3.15": {"targets"},
    "listing-3.17": {"input_dim", "output_dim", "W", "b"},
    "listing-3.18": {"model"},
    "listing-3.19": {"square_loss"},
    "parameters": {"learning_rate"},  # of listing 3.20
    "listing-3.20": {"training_step"},
    "listing-3.21": {"losses"},
    "snippet-predictions": {"predictions"},
    "snippet-boundary": {"x", "y"},
    "listing-3.22": {"SimpleDense"},
    "snippet-simple-dense-call": {"my_dense", "output_tensor"},
    "snippet-dense": {"layer"},
    "snippet-naive": {"NaiveDense", "NaiveSequential"},
    "snippet-shape-rule": {"DoubleOrTriple"},
    "snippet-sequential": {"model"},
    "snippet-call": {"SketchLayer"},
    "snippet-simple-dense-stack": {"model"},
    "snippet-two-branch": {"two_branch"},
    "snippet-multi-head": {"multi_head"},
    "snippet-residual": {"residual"},
    "snippet-subclass": {"ResidualBlock"},
    "snippet-custom": {"my_custom_loss", "my_custom_metric_1"},
    "listing-3.23": {"history"},
    "listing-3.24": {"training_inputs", "training_targets", "val_inputs", "val_targets", "history"},
    "snippet-evaluate": {"loss_and_metrics", "loss_alone"},
    "snippet-call-model": {"predictions"},
    "snippet-predict": {"predictions"},
}
CALLS = {
    "snippet-evaluate": "model.evaluate(val_inputs, val_targets, batch_size=128",
    "snippet-call-model": "model(val_inputs)",
    "snippet-predict": "model.predict(val_inputs, batch_size=128",
    "snippet-compile-objects": "optimizer=keras.optimizers.RMSprop(learning_rate=0.01)",
}


def test_each_listings_own_cell_defines_its_names():
    for path in NOTEBOOKS:
        for cell in code_cells(path):
            for tag in listing_tags(cell):
                tree = ast.parse(cell.source)
                defined = {
                    node.id
                    for node in ast.walk(tree)
                    if isinstance(getattr(node, "ctx", None), ast.Store)
                    and isinstance(node, ast.Name)
                }
                defined |= {
                    node.name
                    for node in ast.walk(tree)
                    if isinstance(node, ast.FunctionDef | ast.ClassDef)
                }
                assert DEFINES.get(tag, set()) <= defined, tag
                assert CALLS.get(tag, "") in cell.source, tag


# Tensors


def test_3_1_ones_and_zeros():
    cell = run("02_tensors")["listing-3.1"]
    for tensor, value in [(cell.ones, 1), (cell.zeros, 0)]:
        assert isinstance(tensor, tf.Tensor)
        assert tensor.dtype == tf.float32
        equal(tensor, np.full((2, 1), value))
        assert str(tensor) in cell.printed


def test_3_2_random_tensors():
    cell = run("02_tensors")["listing-3.2"]
    runtime.set_up(seed=0)
    equal(
        cell.normal, tf.random.normal((3, 1), mean=0.0, stddev=1.0)
    )  # the same first draws after the same seed
    equal(cell.uniform, tf.random.uniform((3, 1), minval=0.0, maxval=1.0))
    assert cell.normal.dtype == cell.uniform.dtype == tf.float32
    assert np.all((cell.uniform >= 0) & (cell.uniform < 1))
    assert str(cell.normal) in cell.printed
    assert str(cell.uniform) in cell.printed


def test_3_3_an_array_can_be_assigned_into():
    cell = run("02_tensors")["listing-3.3"]
    assert isinstance(cell.array, np.ndarray)
    equal(cell.array, [[0, 1], [1, 1]])
    assert str(cell.array) in cell.printed


def test_3_4_a_tensor_cannot():
    cell = run("02_tensors")["listing-3.4"]
    equal(cell.tensor, np.ones((2, 2)))
    assert type(cell.error) is TypeError
    assert str(cell.error).endswith("object does not support item assignment")


# Variables


def test_3_5_a_variable_from_a_random_normal():
    cell = run("03_variables")["listing-3.5"]
    assert isinstance(cell.v, tf.Variable)
    assert (cell.v.shape, cell.v.dtype) == ((3, 1), tf.float32)
    runtime.set_up(seed=0)
    equal(cell.v, tf.random.normal((3, 1)))
    assert cell.printed


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("listing-3.6", [[1], [1], [1]]),
        ("listing-3.7", [[3], [1], [1]]),
        ("listing-3.8", [[4], [2], [2]]),
    ],
)
def test_3_6_to_3_8_assigning_changes_the_one_variable(tag, values):
    cell = run("03_variables")[tag]
    assert isinstance(cell.v, tf.Variable)
    equal(cell.v, values)
    assert [[float(number)] for number in re.findall(r"(\d\.)]", cell.printed)] == values
    assert not re.search(
        r"^v = ", source_of("03_variables", tag), re.MULTILINE
    )  # still the variable of listing 3.5


def test_3_8_assign_sub_is_shown_and_undone():
    assert run("03_variables")["v-assign-sub-tf-ones-3-1"].printed.splitlines() == [
        "after assign_sub: [3. 1. 1.]",
        "after assign_add: [4. 2. 2.]",
    ]


# Operations


def test_3_9_operations():
    cell = run("04_tensor_operations")["listing-3.9"]
    for name, value in [("a", 1), ("b", 1), ("c", 1), ("d", 2), ("e", 4)]:
        equal(cell.names[name], np.full((2, 2), value))
    source = source_of("04_tensor_operations", "listing-3.9")
    for operation in ("tf.square(a)", "tf.sqrt(a)", "b + c", "tf.matmul(a, b)", "e *= d"):
        assert operation in source  # on ones, most other operations give the same values


def test_eager():
    cell = run("04_tensor_operations")["snippet-eager"]
    assert "tf.Tensor(16.0, shape=(), dtype=float32)" in cell.printed
    assert "16.0" in cell.printed.splitlines()[-1]


# GradientTape


def test_3_10_gradient_at_a_variable():
    cell = run("05_gradient_tape")["listing-3.10"]
    assert isinstance(cell.input_var, tf.Variable)
    equal(cell.input_var, 3)
    equal(cell.result, 9)
    equal(cell.gradient, 6)


def test_3_11_gradient_at_a_watched_constant():
    cell = run("05_gradient_tape")["listing-3.11"]
    assert isinstance(cell.input_const, tf.Tensor)
    equal(cell.input_const, 3)
    equal(cell.result, 9)
    equal(cell.gradient, 6)


def test_unwatched_constant_gives_none():
    assert run("05_gradient_tape")["snippet-unwatched"].printed == "None\n"


def test_3_12_second_order():
    cell = run("05_gradient_tape")["listing-3.12"]
    assert isinstance(cell.time, tf.Variable)
    equal(cell.time, 0)
    equal(cell.position, 0)
    equal(cell.speed, 0)
    equal(cell.acceleration, 9.8)


def test_loss_gradient():
    cell = run("05_gradient_tape")["snippet-loss-gradient"]
    assert [gradient.shape for gradient in cell.gradients] == [cell.W.shape, cell.b.shape]
    error = cell.inputs.numpy() @ cell.W.numpy() + cell.b.numpy() - cell.targets.numpy()
    equal(cell.gradients[0], 2 * cell.inputs.numpy().T @ error / len(error))  # by hand
    equal(cell.gradients[1], 2 * error.mean(axis=0))


# The linear classifier


def test_3_13_two_clouds():
    cell = run("06_linear_classifier")["listing-3.13"]
    assert cell.num_samples_per_class == 1000
    for samples, mean in [(cell.negative_samples, [0, 3]), (cell.positive_samples, [3, 0])]:
        assert samples.shape == (1000, 2)
        np.testing.assert_allclose(
            samples.mean(axis=0), mean, atol=0.12
        )  # 4 standard errors: 4 / sqrt(1000)
        np.testing.assert_allclose(np.cov(samples.T), [[1, 0.5], [0.5, 1]], atol=0.15)


def test_3_14_and_3_15_inputs_and_targets():
    cell = run("06_linear_classifier")["listing-3.15"]
    assert cell.inputs.dtype == cell.targets.dtype == np.float32
    equal(cell.inputs, np.concatenate([cell.negative_samples, cell.positive_samples]))
    equal(cell.targets, np.repeat([[0], [1]], 1000, axis=0))


def test_the_packaged_clouds_are_those_of_the_notebook():
    cell = run("06_linear_classifier")["listing-3.15"]
    inputs, targets = datasets.two_clouds()
    np.testing.assert_array_equal(inputs, cell.inputs)
    np.testing.assert_array_equal(targets, cell.targets)


def drawn_classes(cell) -> list[np.ndarray]:
    """The points of each class in a cell's one scatter plot, in the order of the legend."""
    (figure,) = cell.figures
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [
        "class 0",
        "class 1",
    ]
    return [np.asarray(collection.get_offsets()) for collection in figure.axes[0].collections]


def test_3_16_scatter_by_class():
    cell = run("06_linear_classifier")["listing-3.16"]
    negative, positive = drawn_classes(cell)
    equal(negative, cell.inputs[:1000])
    equal(positive, cell.inputs[1000:])


def test_3_17_variables():
    cell = run("06_linear_classifier")["listing-3.17"]
    assert (cell.input_dim, cell.output_dim) == (2, 1)
    assert isinstance(cell.W, tf.Variable) and isinstance(cell.b, tf.Variable)
    assert (cell.W.shape, cell.b.shape) == ((2, 1), (1,))
    assert np.all((cell.W.numpy() >= 0) & (cell.W.numpy() < 1)) and np.any(cell.W.numpy() != 0)
    equal(cell.b, [0])


def test_3_18_forward_pass():
    cell = run("06_linear_classifier")["listing-3.18"]
    live = run("06_linear_classifier")["snippet-boundary"].names[
        "model"
    ]  # the same function, with today's weights
    final = last("06_linear_classifier")
    equal(live(cell.inputs), cell.inputs @ final.W.numpy() + final.b.numpy())
    assert "(2000, 1)" in cell.printed


def test_3_19_mean_squared_error():
    square_loss = run("06_linear_classifier")["listing-3.19"].square_loss
    targets, predictions = np.float32([[0], [1], [1]]), np.float32([[0.5], [1], [-1]])
    loss = square_loss(targets, predictions)
    assert loss.shape == ()
    equal(loss, np.mean((targets - predictions) ** 2))


@pytest.fixture
def classifier():
    """The notebook's own functions and variables, put back as they were found."""
    names = last("06_linear_classifier").names["training_step"].__globals__
    before = names["W"].numpy(), names["b"].numpy(), names["learning_rate"]
    yield names
    names["W"].assign(before[0])
    names["b"].assign(before[1])
    names["learning_rate"] = before[2]


def test_3_20_one_step_goes_down_the_gradient_by_the_learning_rate(classifier):
    assert run("06_linear_classifier")["listing-3.20"].learning_rate == 0.1
    inputs, targets = datasets.two_clouds(50, seed=1)
    W, b = np.float32([[0.3], [-0.2]]), np.float32([0.1])
    classifier["W"].assign(W)
    classifier["b"].assign(b)
    classifier["learning_rate"] = (
        0.05  # not the notebook's own, so that a rate written out in the step is noticed
    )

    loss = classifier["training_step"](inputs, targets)

    error = inputs @ W + b - targets
    equal(loss, np.mean(error**2))
    equal(classifier["W"], W - 0.05 * 2 * inputs.T @ error / len(inputs))
    equal(classifier["b"], b - 0.05 * 2 * error.mean(axis=0))


def least_squares_floor(inputs, targets) -> float:
    with_ones = np.hstack([inputs, np.ones((len(inputs), 1))])
    weights, *_ = np.linalg.lstsq(with_ones, targets, rcond=None)
    return float(np.mean((targets - with_ones @ weights) ** 2))


def test_3_21_forty_steps():
    cell = run("06_linear_classifier")["listing-3.21"]
    assert len(cell.losses) == 40
    assert np.all(np.diff(cell.losses) < 0)
    assert 0.025 <= cell.losses[-1] <= 0.035
    assert cell.losses[-1] > least_squares_floor(cell.inputs, cell.targets)
    assert [
        float(number) for number in re.findall(r"loss at step \d+: (\S+)", cell.printed)
    ] == pytest.approx(cell.losses, abs=5e-5)
    start = run("06_linear_classifier")["listing-3.17"]
    W, b = start.W.numpy(), start.b.numpy()
    for loss in cell.losses:  # the whole training again, in NumPy
        error = cell.inputs @ W + b - cell.targets
        assert loss == pytest.approx(np.mean(error**2), rel=1e-3)
        W, b = W - 0.2 * cell.inputs.T @ error / len(error), b - 0.2 * error.mean(axis=0)
    np.testing.assert_allclose(cell.W.numpy(), W, rtol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_3_21_settles_in_the_same_band_whatever_the_start(classifier, seed):
    runtime.set_up(seed)
    inputs, targets = datasets.two_clouds(seed=seed)
    classifier["W"].assign(tf.random.uniform((2, 1)))
    classifier["b"].assign(tf.zeros(1))
    classifier["learning_rate"] = 0.1
    for _ in range(40):
        loss = classifier["training_step"](inputs, targets)
    assert 0.025 <= loss <= 0.035
    assert loss > least_squares_floor(inputs, targets)


def test_predictions():
    cell = run("06_linear_classifier")["snippet-predictions"]
    predicted = cell.inputs @ cell.W.numpy() + cell.b.numpy()
    equal(cell.predictions, predicted)
    assert np.mean((predicted > 0.5) == cell.targets) >= 0.99
    negative, positive = drawn_classes(cell)
    equal(negative, cell.inputs[predicted[:, 0] <= 0.5])
    equal(positive, cell.inputs[predicted[:, 0] > 0.5])


def test_boundary():
    cell = run("06_linear_classifier")["snippet-boundary"]
    assert (cell.x.min(), cell.x.max()) == (-1, 4)
    (w1, w2), b = cell.W.numpy()[:, 0], cell.b.numpy()[0]
    equal(w1 * cell.x + w2 * np.asarray(cell.y) + b, np.full(len(cell.x), 0.5))
    (line,) = cell.figures[0].axes[0].lines
    equal(line.get_xydata(), np.column_stack([cell.x, cell.y]))


# Layers


def test_3_22_a_dense_layer():
    SimpleDense = run("07_layers")["listing-3.22"].SimpleDense
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
    cell = run("07_layers")["snippet-simple-dense-call"]
    assert isinstance(cell.my_dense, cell.SimpleDense) and cell.my_dense.activation is tf.nn.relu
    equal(cell.input_tensor, np.ones((2, 784)))
    W, b = (weight.numpy() for weight in cell.my_dense.weights)
    equal(cell.output_tensor, np.maximum(np.ones((2, 784)) @ W + b, 0))
    assert cell.output_tensor.shape == (2, 32)


def test_dense_has_no_weights_before_its_first_input():
    cell = run("07_layers")["snippet-dense"]
    assert isinstance(cell.layer, keras.layers.Dense)
    assert (cell.layer.units, cell.layer.activation) == (32, keras.activations.relu)
    before, after = cell.printed.splitlines()
    assert before.endswith("[]") and "[784, 32]" in after


def test_naive():
    cell = run("07_layers")["snippet-naive"]
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


@pytest.mark.parametrize(("width", "expected"), [(1, 3), (2, 4), (3, 9), (4, 8), (7, 21)])
def test_shape_rule_doubles_even_widths_and_triples_odd_ones(width, expected):
    layer = run("07_layers")["snippet-shape-rule"].DoubleOrTriple()
    inputs = tf.random.normal((2, width))
    equal(layer(inputs), inputs.numpy() @ layer.weights[0].numpy())
    assert layer(inputs).shape == (2, expected)
    assert np.all(layer.weights[0].numpy() != 0)


def test_sequential_has_weights_after_its_first_input():
    cell = run("07_layers")["snippet-sequential"]
    first, second = cell.model.layers
    assert [(layer.units, layer.activation.__name__) for layer in (first, second)] == [
        (32, "relu"),
        (32, "linear"),
    ]
    before, after = cell.printed.splitlines()
    assert before.endswith("[]") and "[784, 32]" in after


def test_call_builds_once_and_then_calls():
    cell = run("07_layers")["snippet-call"]
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


def test_string_activation_fails():
    error = run("07_layers")["snippet-string-activation"].error
    assert isinstance(error, TypeError)
    assert "'str' object is not callable" in str(error)


def test_simple_dense_stack():
    cell = run("07_layers")["snippet-simple-dense-stack"]
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
    equal(outputs.numpy().sum(axis=1), np.ones(4))
    assert 'NamedDense(32, activation="relu")' in source_of(
        "07_layers", "snippet-simple-dense-stack"
    )


# Models


def drawn_boxes(cell) -> set[str]:
    (figure,) = cell.figures
    return {text.get_text() for text in figure.axes[0].texts}


def test_two_branch():
    cell = run("08_models")["snippet-two-branch"]
    inputs = tf.random.normal((3, 8))
    layer = cell.two_branch.get_layer
    both = np.hstack([layer("wide")(inputs), layer("narrow")(inputs)])
    assert both.shape == (3, 20) and both.min() == 0  # relu
    equal(cell.two_branch(inputs), layer("score")(both))
    assert cell.two_branch(inputs).shape == (3, 1)
    assert layer("score").activation is keras.activations.linear
    assert {"wide · Dense", "narrow · Dense", "joined · Concatenate", "(None, 20)"} <= drawn_boxes(
        cell
    )


def test_multi_head():
    cell = run("08_models")["snippet-multi-head"]
    inputs = tf.random.normal((3, 8))
    subject, urgency = cell.multi_head(inputs)
    layer = cell.multi_head.get_layer
    body = layer("body")(inputs)
    assert body.numpy().min() == 0  # relu
    equal(subject, layer("subject")(body))
    equal(urgency, layer("urgency")(body))
    equal(subject.numpy().sum(axis=1), np.ones(3))  # softmax
    assert np.all((urgency.numpy() > 0) & (urgency.numpy() < 1)) and urgency.shape == (3, 1)
    assert {"subject · Dense", "urgency · Dense", "body · Dense"} <= drawn_boxes(cell)


def test_residual():
    cell = run("08_models")["snippet-residual"]
    inputs = tf.random.normal((3, 8))
    layer = cell.residual.get_layer
    equal(cell.residual(inputs), inputs + layer("change")(layer("hidden")(inputs)))
    assert cell.residual(inputs).shape == inputs.shape
    assert {"hidden · Dense", "change · Dense", "sum · Add"} <= drawn_boxes(cell)


def test_subclass_equals_the_functional_model():
    cell = run("08_models")["snippet-subclass"]
    assert isinstance(cell.block, keras.Model) and type(cell.block) is cell.ResidualBlock
    inputs = tf.random.normal((6, 8))
    for ours, theirs in zip(cell.block.get_weights(), cell.residual.get_weights(), strict=True):
        equal(ours, theirs)
    equal(cell.block(inputs), cell.residual(inputs))


# Compile and fit


def test_compile_strings():
    cell = run("09_compile_and_fit")["snippet-compile-strings"]
    assert cell.printed.strip() == "keys of the history: ['accuracy', 'loss']"
    source = source_of("09_compile_and_fit", "snippet-compile-strings")
    assert 'optimizer="rmsprop", loss="mean_squared_error", metrics=["accuracy"]' in source


def test_compile_objects():
    cell = run("09_compile_and_fit")["snippet-compile-objects"]
    assert cell.printed.strip() == "keys of the history: ['binary_accuracy', 'loss']"


def test_accuracy_trap():
    cell = run("09_compile_and_fit")["snippet-accuracy-trap"]
    assert cell.accuracy == 0.0
    assert cell.binary_accuracy > 0.9


def test_custom_loss_and_metrics_equal_their_twins():
    cell = run("09_compile_and_fit")["snippet-custom"]
    targets, predictions = (
        np.float32([[0], [1], [1], [0]]),
        np.float32([[0.2], [0.4], [0.9], [0.7]]),
    )
    equal(
        np.mean(cell.my_custom_loss(targets, predictions)),
        keras.losses.MeanSquaredError()(targets, predictions),
    )
    equal(
        np.mean(keras.ops.cast(cell.my_custom_metric_1(targets, predictions), "float32")),
        keras.metrics.BinaryAccuracy()(targets, predictions),
    )
    ours, twin = cell.MyCustomMetric2(), keras.metrics.MeanAbsoluteError()
    for rows in (slice(0, 3), slice(3, 4)):  # batches of different sizes
        ours.update_state(targets[rows], predictions[rows])
        twin.update_state(targets[rows], predictions[rows])
    equal(ours.result(), twin.result())


def test_custom_loss_and_metrics_run_in_fit():
    results = last("09_compile_and_fit").results
    assert results["loss"] == pytest.approx(results["mean_squared_error"], rel=1e-4)
    assert results["my_custom_metric_1"] == pytest.approx(results["binary_accuracy"], rel=1e-4)
    assert results["my_custom_metric_2"] == pytest.approx(results["mean_absolute_error"], rel=1e-4)
    assert results["my_custom_metric_1"] > 0.9


def test_catalogue():
    cell = run("09_compile_and_fit")["snippet-catalogue"]
    printed = [re.split(r"  +", line) for line in cell.printed.splitlines()]
    descents = {name: [float(x) for x in values.split()] for name, values in printed[:5]}
    assert descents["SGD"] == [0.8, 0.64, 0.512]  # x ← x − 0.1·2x
    assert descents["SGD with momentum"] == [0.8, 0.46, 0.062]  # velocity ← 0.9·velocity − 0.1·2x
    assert set(descents) == {"SGD", "SGD with momentum", "RMSprop", "Adam", "Adagrad"}
    assert all(1 > first > second > third > 0 for first, second, third in descents.values())
    measured = {name: float(value) for name, value in printed[5:]}
    right_shares = np.array([0.7, 0.6, 0.2, 0.9])
    crossentropy = -np.log(right_shares).mean()
    expected = {
        "CategoricalCrossentropy": crossentropy,
        "SparseCategoricalCrossentropy": crossentropy,
        "BinaryCrossentropy": crossentropy,
        "KLDivergence": crossentropy,  # equal for one-hot targets
        "MeanSquaredError": np.mean((1 - right_shares) ** 2),
        "CosineSimilarity": -np.mean(right_shares / np.hypot(right_shares, 1 - right_shares)),
        "CategoricalAccuracy": 3 / 4,
        "SparseCategoricalAccuracy": 3 / 4,
        "BinaryAccuracy": 3 / 4,
        "AUC": 3 / 4,  # 0.7 beats 0.4 and 0.1; 0.2 beats 0.1 alone
        "Precision": 1,
        "Recall": 1 / 2,
    }
    assert measured == pytest.approx(expected, abs=2e-4)


def test_pick_a_loss():
    cell = run("09_compile_and_fit")["snippet-pick-a-loss"]
    (_, right_accuracy, right_moved), (wrong_loss, wrong_accuracy, wrong_moved) = (
        cell.right,
        cell.wrong,
    )
    assert right_accuracy > 0.98 and right_moved
    assert wrong_loss < 1e-6 and wrong_accuracy < 0.8 and not wrong_moved
    assert "binary_crossentropy" in str(cell.caught[0].message)


def test_3_23_fit():
    cell = run("09_compile_and_fit")["listing-3.23"]
    history = cell.history
    assert {name: len(values) for name, values in history.history.items()} == {
        "loss": 5,
        "binary_accuracy": 5,
    }
    assert history.params["epochs"] == 5
    assert history.params["steps"] == 16  # 2,000 rows in batches of 128
    assert [line.split(":")[0] for line in cell.printed.splitlines()] == [
        f"epoch {number}" for number in range(1, 6)
    ]
    assert np.all(np.diff(history.history["loss"]) < 0)
    assert history.history["binary_accuracy"][-1] > 0.99
    optimizer = cell.model.optimizer
    assert isinstance(optimizer, keras.optimizers.RMSprop)
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    assert isinstance(cell.model.loss, keras.losses.MeanSquaredError)
    assert np.mean((cell.model(cell.inputs).numpy() > 0.5) == cell.targets) > 0.99


# Validation and inference


def test_3_24_validation():
    cell = run("10_validation_and_inference")["listing-3.24"]
    assert cell.training_inputs.shape == (1400, 2) and cell.training_targets.shape == (1400, 1)
    assert cell.val_inputs.shape == (600, 2) and cell.val_targets.shape == (600, 1)
    rows = np.vstack([cell.training_inputs, cell.val_inputs])
    labels = np.vstack([cell.training_targets, cell.val_targets])
    together = {(*row, label) for row, (label,) in zip(rows.tolist(), labels.tolist(), strict=True)}
    original_inputs, original_targets = datasets.two_clouds()
    assert together == {
        (*row, label)
        for row, (label,) in zip(original_inputs.tolist(), original_targets.tolist(), strict=True)
    }  # every point kept its target, and none stands twice
    assert 200 < cell.val_targets.sum() < 400  # shuffled: both classes are in

    optimizer, metrics = cell.model.optimizer, [metric.name for metric in cell.model.metrics]
    assert isinstance(optimizer, keras.optimizers.RMSprop) and float(
        optimizer.learning_rate
    ) == pytest.approx(0.1)
    assert isinstance(cell.model.loss, keras.losses.MeanSquaredError) and len(metrics) == 2
    history = cell.history
    assert (history.params["epochs"], history.params["steps"]) == (
        5,
        88,
    )  # 1,400 rows in batches of 16
    assert set(history.history) == {"loss", "binary_accuracy", "val_loss", "val_binary_accuracy"}
    assert min(history.history["val_binary_accuracy"]) >= 0.95
    scores = cell.model(cell.val_inputs).numpy()
    loss = np.mean((scores - cell.val_targets) ** 2)
    assert history.history["val_loss"][-1] == pytest.approx(
        loss, rel=1e-3
    )  # measured on the rows held out
    fitted = re.search(
        r"model\.fit\(\s*(\w+),\s*(\w+),", source_of("10_validation_and_inference", "listing-3.24")
    )
    assert fitted.groups() == ("training_inputs", "training_targets")


def test_evaluate():
    cell = run("10_validation_and_inference")["snippet-evaluate"]
    loss, accuracy = cell.loss_and_metrics
    scores = cell.model(cell.val_inputs).numpy()
    assert isinstance(cell.loss_and_metrics, list)
    assert loss == pytest.approx(np.mean((scores - cell.val_targets) ** 2), rel=1e-4)
    assert accuracy == pytest.approx(np.mean((scores > 0.5) == cell.val_targets))
    assert isinstance(cell.loss_alone, float)


def test_call_model():
    ran = run("10_validation_and_inference")
    cell = ran["snippet-call-model"]
    assert isinstance(cell.predictions, tf.Tensor)
    W, b = cell.model.get_weights()
    equal(cell.predictions, cell.val_inputs @ W + b)
    refusal = next(after for after in ran.values() if after.error)
    assert isinstance(refusal.error, ValueError) and "Only input tensors may be passed" in str(
        refusal.error
    )


def test_predict():
    cell = run("10_validation_and_inference")["snippet-predict"]
    assert isinstance(cell.predictions, np.ndarray)
    equal(cell.predictions, cell.model(cell.val_inputs))
    assert str(cell.predictions[:10]) in cell.printed
    equal(cell.model.predict(cell.unlabeled, verbose=0), cell.predictions)
