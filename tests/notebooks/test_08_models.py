"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from support import datasets, plots
from tests.claiming import equal, says
from tests.running import end_of, figure_with_alt, run

NOTEBOOK = "08_models"


def drawn_graph(figure) -> tuple[dict[str, int], set[tuple[str, str]]]:
    """What a model's diagram shows: the width in each box, and from which box to which the arrows lead."""
    (axes,) = figure.axes
    arrows = [text for text in axes.texts if not text.get_text()]
    labels = [text for text in axes.texts if text.get_text()]
    widths, centers = {}, {}
    for label, shape in zip(labels[::2], labels[1::2], strict=True):
        name = label.get_text().split(" · ")[0]
        widths[name] = int(re.fullmatch(r"\(None, (\d+)\)", shape.get_text())[1])
        centers[name] = np.mean([label.get_position(), shape.get_position()], axis=0)

    def nearest(place):
        return min(centers, key=lambda name: np.hypot(*(centers[name] - place)))

    return widths, {(nearest(arrow.xyann), nearest(arrow.xy)) for arrow in arrows}


def drawn_boxes(cell) -> set[str]:
    (figure,) = cell.figures
    return {text.get_text() for text in figure.axes[0].texts}


def test_making_a_layer_and_calling_it():
    says(
        NOTEBOOK,
        "in `Dense(16)(inputs)`, the first parentheses make the layer and the second call it",
    )
    layer = keras.layers.Dense(16)
    assert isinstance(layer, keras.layers.Layer) and not layer.built
    inputs = keras.Input(shape=(8,))
    outputs = layer(inputs)
    assert outputs.shape == (None, 16) and layer.built
    assert keras.Model(inputs, outputs).layers[1] is layer


def test_an_input_is_a_symbol_without_numbers():
    says(
        NOTEBOOK,
        "`keras.Input` makes such a symbol. It has a shape and a dtype but no numbers. "
        "The batch axis is left out: it stays open, and shows as `None`.",
    )
    symbol = run(NOTEBOOK)["snippet-two-branch"].inputs
    assert (symbol.shape, symbol.dtype) == ((None, 8), "float32")
    with pytest.raises(ValueError, match="symbolic"):
        np.asarray(symbol)


def test_the_functional_api_records_which_layer_feeds_which():
    says(NOTEBOOK, "call layers on symbols that stand for data still to come")
    says(NOTEBOOK, "Keras records which layer feeds which")
    model = run(NOTEBOOK)["snippet-two-branch"].two_branch
    layer = model.get_layer
    assert layer("wide").input is layer("narrow").input is model.input
    assert all(
        ours is theirs
        for ours, theirs in zip(
            layer("joined").input, [layer("wide").output, layer("narrow").output], strict=True
        )
    )
    assert layer("score").input is layer("joined").output


@pytest.mark.parametrize(
    ("alt", "widths", "arrows"),
    [
        (
            "the input features (8) feeds two dense layers, wide (16) and narrow (4); "
            "both feed joined (20), which feeds score (1).",
            {"features": 8, "wide": 16, "narrow": 4, "joined": 20, "score": 1},
            {
                ("features", "wide"),
                ("features", "narrow"),
                ("wide", "joined"),
                ("narrow", "joined"),
                ("joined", "score"),
            },
        ),
        (
            "the input message (8) feeds the dense layer body (16), which feeds two dense layers "
            "side by side, subject (3) and urgency (1).",
            {"message": 8, "body": 16, "subject": 3, "urgency": 1},
            {("message", "body"), ("body", "subject"), ("body", "urgency")},
        ),
        (
            "the input features (8) feeds hidden (16), then change (8), then sum (8); "
            "a second, curved arrow leads from features straight to sum.",
            {"features": 8, "hidden": 16, "change": 8, "sum": 8},
            {
                ("features", "hidden"),
                ("hidden", "change"),
                ("change", "sum"),
                ("features", "sum"),
            },
        ),
        (
            "the input features (8) feeds a single box, residual_block (8).",
            {"features": 8, "residual_block": 8},
            {("features", "residual_block")},
        ),
    ],
)
def test_diagrams(alt, widths, arrows):
    assert drawn_graph(figure_with_alt(NOTEBOOK, alt)) == (widths, arrows)


def test_diagrams_read_from_top_to_bottom():
    says(NOTEBOOK, "Read the diagram from top to bottom.")
    (axes,) = figure_with_alt(NOTEBOOK, "wide (16) and narrow (4)").axes
    arrows = [text for text in axes.texts if not text.get_text()]
    assert axes.yaxis_inverted() and all(arrow.xy[1] > arrow.xyann[1] for arrow in arrows)


def test_the_curved_arrow_is_the_shortcut():
    (axes,) = figure_with_alt(
        NOTEBOOK, "a second, curved arrow leads from features straight to sum"
    ).axes
    arrows = [text for text in axes.texts if not text.get_text()]
    (curved,) = (arrow for arrow in arrows if arrow.arrow_patch.get_connectionstyle().rad != 0)
    places = {text.get_text().split(" · ")[0]: text.get_position() for text in axes.texts}
    assert curved.xyann[1] == pytest.approx(places["features"][1], abs=0.2)
    assert curved.xy[1] == pytest.approx(places["sum"][1], abs=0.2)


def test_subject_and_urgency_stand_side_by_side():
    (axes,) = figure_with_alt(
        NOTEBOOK, "two dense layers side by side, subject (3) and urgency (1)"
    ).axes
    places = {text.get_text().split(" · ")[0]: text.get_position() for text in axes.texts}
    assert places["subject"][1] == places["urgency"][1]
    assert places["subject"][0] != places["urgency"][0]


def test_two_branch():
    says(NOTEBOOK, "Two ways of looking at the same input, joined at the end.")
    says(NOTEBOOK, "`Concatenate` puts their outputs side by side")
    says(NOTEBOOK, "16 and 4 outputs side by side make 20")
    cell = run(NOTEBOOK)["snippet-two-branch"]
    inputs = tf.random.normal((3, 8))
    layer = cell.two_branch.get_layer
    both = np.hstack([layer("wide")(inputs), layer("narrow")(inputs)])
    assert [layer(name)(inputs).shape[1] for name in ("wide", "narrow")] == [16, 4]
    equal(layer("joined")([layer("wide")(inputs), layer("narrow")(inputs)]), both)
    assert both.shape == (3, 20) and both.min() == 0  # relu
    equal(cell.two_branch(inputs), layer("score")(both))
    assert cell.two_branch(inputs).shape == (3, 1)
    assert layer("score").activation is keras.activations.linear
    assert {"wide · Dense", "narrow · Dense", "joined · Concatenate", "(None, 20)"} <= drawn_boxes(
        cell
    )


def test_multi_head():
    says(NOTEBOOK, "One body, two answers")
    says(NOTEBOOK, "which of three subjects it is about and how urgent it is")
    says(NOTEBOOK, "Calling it gives a list of two tensors, one per head.")
    cell = run(NOTEBOOK)["snippet-multi-head"]
    inputs = tf.random.normal((3, 8))
    answers = cell.multi_head(inputs)
    assert isinstance(answers, list) and all(isinstance(answer, tf.Tensor) for answer in answers)
    subject, urgency = answers
    assert subject.shape == (3, 3)
    layer = cell.multi_head.get_layer
    body = layer("body")(inputs)
    assert body.numpy().min() == 0  # relu
    equal(subject, layer("subject")(body))
    equal(urgency, layer("urgency")(body))
    equal(subject.numpy().sum(axis=1), np.ones(3))  # softmax
    assert np.all((urgency.numpy() > 0) & (urgency.numpy() < 1)) and urgency.shape == (3, 1)
    assert {"subject · Dense", "urgency · Dense", "body · Dense"} <= drawn_boxes(cell)


def test_the_sigmoid_squeezes_any_number_into_0_to_1():
    says(
        NOTEBOOK,
        "The **sigmoid** at the end of the second head squeezes any number into the range from 0 to 1",
    )
    head = run(NOTEBOOK)["snippet-multi-head"].multi_head.outputs[1]._keras_history.operation
    numbers = np.float32([-100, -3, 0, 3, 100])
    squeezed = head.activation(numbers).numpy()
    equal(squeezed, 1 / (1 + np.exp(-numbers.astype("float64"))))
    assert squeezed.min() >= 0 and squeezed.max() <= 1 and np.all(np.diff(squeezed) > 0)


def test_both_heads_train_the_shared_body():
    says(NOTEBOOK, "The body is shared, so what it learns for one answer can help the other.")
    model = run(NOTEBOOK)["snippet-multi-head"].multi_head
    weights = model.get_layer("body").trainable_weights
    for head in range(2):
        with tf.GradientTape() as tape:
            answer = tf.reduce_sum(tf.square(model(tf.ones((5, 8)))[head]))
        assert all(np.any(gradient != 0) for gradient in tape.gradient(answer, weights))


def test_residual():
    says(NOTEBOOK, "the input of a block is added to its output")
    says(NOTEBOOK, "so the block ends in as many units as came in")
    cell = run(NOTEBOOK)["snippet-residual"]
    inputs = tf.random.normal((3, 8))
    layer = cell.residual.get_layer
    equal(cell.residual(inputs), inputs + layer("change")(layer("hidden")(inputs)))
    assert cell.residual(inputs).shape == inputs.shape
    assert {"hidden · Dense", "change · Dense", "sum · Add"} <= drawn_boxes(cell)


def test_the_gradient_of_a_sum_goes_to_both_terms_undiminished():
    says(NOTEBOOK, "since the gradient of a sum goes to both of its terms undiminished")
    residual = run(NOTEBOOK)["snippet-residual"].residual
    first, second = tf.Variable(tf.ones((2, 8))), tf.Variable(tf.ones((2, 8)))
    with tf.GradientTape() as tape:
        total = residual.get_layer("sum")([first, second])
    first_gradient, second_gradient = tape.gradient(total, [first, second])
    equal(first_gradient, np.ones((2, 8)))
    equal(second_gradient, np.ones((2, 8)))


def gradient_through(block) -> np.ndarray:
    """The gradient that comes back through thirty blocks, one after the other."""
    inputs = tf.Variable(tf.ones((1, 8)))
    with tf.GradientTape() as tape:
        outputs = inputs
        for _ in range(30):
            outputs = block(outputs)
    return tape.gradient(outputs, inputs).numpy()


def test_the_shortcut_is_a_direct_way_back_through_a_deep_network():
    says(NOTEBOOK, "it finds a direct way back through a deep network")
    block = keras.models.clone_model(run(NOTEBOOK)["snippet-residual"].residual)
    block.set_weights([weight * 0.1 for weight in block.get_weights()])
    without_shortcut = keras.Model(block.input, block.get_layer("change").output)
    assert np.abs(gradient_through(without_shortcut)).max() < 1e-6
    assert np.abs(gradient_through(block)).min() > 0.1


def test_adding_needs_equal_widths():
    says(NOTEBOOK, "Adding needs equal widths")
    add = run(NOTEBOOK)["snippet-residual"].residual.get_layer("sum").__class__()
    assert add([tf.ones((2, 8)), tf.ones((2, 8))]).shape == (2, 8)
    with pytest.raises(ValueError, match="shape"):
        type(add)()([tf.ones((2, 8)), tf.ones((2, 16))])


def test_subclass_equals_the_functional_model():
    says(NOTEBOOK, "With the same weights, the same outputs.")
    cell = run(NOTEBOOK)["snippet-subclass"]
    assert isinstance(cell.block, keras.Model) and type(cell.block) is cell.ResidualBlock
    inputs = tf.random.normal((6, 8))
    for ours, theirs in zip(cell.block.get_weights(), cell.residual.get_weights(), strict=True):
        equal(ours, theirs)
    equal(cell.block(inputs), cell.residual(inputs))


def test_call_is_ordinary_python():
    says(NOTEBOOK, "in ordinary Python, with `if` and `for` where you like")
    says(
        NOTEBOOK,
        "Use the Functional API while the wiring is fixed, and subclass when the computation itself takes decisions.",
    )
    with pytest.raises(TypeError):  # a symbol has no value to decide by
        bool(keras.Input((2,)) > 0)

    class Repeated(keras.Model):
        def __init__(self):
            super().__init__()
            self.change = keras.layers.Dense(2, kernel_initializer="ones")

        def call(self, inputs, times=1):
            for _ in range(times):
                inputs = self.change(inputs)
            if times > 1:
                inputs = -inputs
            return inputs

    model = Repeated()
    equal(model(tf.ones((1, 2))), [[2, 2]])
    equal(model(tf.ones((1, 2)), times=3), [[-8, -8]])


def test_a_functional_model_can_be_drawn_checked_and_taken_apart():
    says(NOTEBOOK, "the functional model is a graph that can be drawn, checked and taken apart")
    says(NOTEBOOK, "Seen from outside, it is a single box.")
    says(NOTEBOOK, "gives up the drawing")
    ran = run(NOTEBOOK)
    residual, block = ran["snippet-residual"].residual, ran["snippet-subclass"].block
    drawn, _ = drawn_graph(plots.model_diagram(residual))
    assert "hidden" in drawn
    with pytest.raises(ValueError, match="subclassed"):
        plots.model_diagram(block)
    with pytest.raises(ValueError, match="incompatible with the layer"):
        residual.get_layer("change")(residual.input)
    part = keras.Model(residual.input, residual.get_layer("hidden").output)
    inputs = tf.random.normal((3, 8))
    equal(part(inputs), residual.get_layer("hidden")(inputs))


def test_what_a_line_and_a_hidden_layer_reach_on_the_moons():
    says(NOTEBOOK, "About 13 % of the points come out wrong")
    says(
        NOTEBOOK,
        "without an activation between its layers, a network of any depth draws one straight line",
    )
    says(
        NOTEBOOK, "Does the gain come from having two layers? No: from the activation between them."
    )
    says(
        NOTEBOOK,
        "Two dense layers without one are still a single linear map, because a matrix times a matrix is a matrix.",
    )
    moons = end_of(NOTEBOOK)
    assert 1 - moons.linear_accuracy == pytest.approx(0.13, abs=0.01)
    says(
        NOTEBOOK,
        "more training will not help: the line with the smallest squared error does no better",
    )
    rows = np.column_stack([moons.moon_inputs, np.ones(len(moons.moon_inputs))])
    line, *_ = np.linalg.lstsq(rows, moons.moon_targets, rcond=None)
    best = np.mean((rows @ line > 0.5) == (moons.moon_targets > 0.5))
    assert best == pytest.approx(moons.linear_accuracy, abs=0.01)
    assert moons.no_activation_accuracy == pytest.approx(moons.linear_accuracy, abs=0.02)
    says(NOTEBOOK, "Now one hidden layer between input and output, with an activation:")
    assert [layer.activation for layer in moons.hidden.layers] == [
        keras.activations.relu,
        keras.activations.linear,
    ]
    assert moons.hidden_accuracy > 0.98
    first, second = moons.no_activation.layers
    points = tf.random.normal((9, 2))
    as_one = points @ (first.kernel @ second.kernel) + first.bias @ second.kernel + second.bias
    np.testing.assert_allclose(moons.no_activation(points), as_one, atol=1e-5)


def boundary(axes) -> np.ndarray:
    """The points of the one black line in a panel of decision boundaries, from end to end."""
    black = [lines for lines in axes.collections if getattr(lines, "levels", None) is not None]
    (path,) = black[-1].get_paths()
    return path.vertices


def off_a_straight_line(points) -> float:
    """How far points lie, at most, from the straight line that fits them best."""
    centered = points - points.mean(axis=0)
    return float(np.abs(centered @ np.linalg.svd(centered)[2][1]).max())


def test_one_dense_layer_draws_a_straight_line_and_a_hidden_layer_bends_it():
    says(NOTEBOOK, "one `Dense` layer without activation can draw a straight line")
    figure = figure_with_alt(
        NOTEBOOK,
        "Left: one layer draws a straight line; the inner tips of both moons lie on the wrong side. "
        "Right: with a hidden layer the boundary bends between the moons.",
    )
    left, right = figure.axes
    assert (left.get_title(), right.get_title()) == ("one layer", "a hidden layer")
    assert off_a_straight_line(boundary(left)) < 0.01
    assert off_a_straight_line(boundary(right)) > 0.3
    upper_tip, lower_tip = (
        end_of(NOTEBOOK).linear(np.float32([tip])).numpy().item() for tip in [(1, 0), (0, 0.5)]
    )
    assert upper_tip > 0.5 > lower_tip


def lies_among(point, others) -> bool:
    """Whether no straight line keeps a point apart from all the others."""
    angles = np.sort(np.arctan2(*(others - point).T))
    gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
    return bool(gaps.max() < np.pi)


def test_the_clouds_are_nearly_linearly_separable_and_the_moons_are_not():
    says(NOTEBOOK, "Notebook 06's clouds nearly were.")
    says(NOTEBOOK, "Two half-moons that reach into each other are not.")
    share = {}
    for name, (inputs, targets) in {
        "clouds": datasets.two_clouds(),
        "moons": (end_of(NOTEBOOK).moon_inputs, end_of(NOTEBOOK).moon_targets),
    }.items():
        negative, positive = inputs[targets[:, 0] == 0], inputs[targets[:, 0] == 1]
        share[name] = np.mean([lies_among(point, positive) for point in negative])
    assert 0 < share["clouds"] < 0.05 < 0.1 < share["moons"]
    upper, lower = np.split(datasets.two_moons(3, noise=0)[0], 2)  # the tips and the middles
    equal(0.75 * upper[0] + 0.25 * upper[2], (lower[0] + lower[1]) / 2)  # in both moons' hulls
