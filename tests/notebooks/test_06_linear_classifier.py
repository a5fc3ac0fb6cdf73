"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import inspect
import math
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from support import datasets, plots, runtime
from support.execute.parameters import read_sweep
from support.execute.run import Result
from support.execute.sweep import figure as sweep_figure
from support.explore import descent
from tests.claiming import equal, says
from tests.reading import NOTEBOOKS, alt_text, code_cells, prose, source_of
from tests.running import end_of, printed_with, run

NOTEBOOK = "06_linear_classifier"


def test_there_is_no_keras_in_it():
    says(NOTEBOOK, "No Keras, no `fit`, nothing hidden.")
    setup, *cells = code_cells(NOTEBOOKS[6])
    assert "setup" in setup.metadata.tags
    assert not [cell.id for cell in cells if re.search(r"keras|\bfit\b", cell.source)]


def test_all_random_numbers_follow_from_the_seed():
    says(NOTEBOOK, "the **seed**, which all random numbers follow from")
    ran = run(NOTEBOOK)
    start = ran["listing-3.17"]
    random = np.random.default_rng(start.seed)
    clouds = [
        random.multivariate_normal(mean, [[1, 0.5], [0.5, 1]], size=1000, method="cholesky")
        for mean in ([0, 3], [3, 0])
    ]
    equal(start.negative_samples, clouds[0])
    equal(start.positive_samples, clouds[1])
    np.testing.assert_array_equal(end_of(NOTEBOOK).order, random.permutation(2000))
    tf.random.set_seed(start.seed)
    equal(start.W, tf.random.uniform((2, 1)))
    first_loss = np.mean((start.inputs @ tf.random.uniform((2, 1)).numpy() - start.targets) ** 2)
    assert end_of(NOTEBOOK).too_fast[0] == pytest.approx(first_loss, rel=1e-4)


def test_points_in_the_plane_of_two_classes():
    says(NOTEBOOK, "points in the plane, of two **classes**")
    says(NOTEBOOK, "Each point is a **sample**, and its two coordinates are its **features**.")
    cell = run(NOTEBOOK)["listing-3.15"]
    samples, features = cell.inputs.shape
    assert (samples, features) == (2000, 2)
    assert np.unique(cell.targets).tolist() == [0, 1]


def test_3_13_two_clouds():
    cell = run(NOTEBOOK)["listing-3.13"]
    assert cell.num_samples_per_class == 1000
    for samples, mean in [(cell.negative_samples, [0, 3]), (cell.positive_samples, [3, 0])]:
        assert samples.shape == (1000, 2)
        np.testing.assert_allclose(
            samples.mean(axis=0), mean, atol=0.12
        )  # 4 standard errors: 4 / sqrt(1000)
        np.testing.assert_allclose(np.cov(samples.T), [[1, 0.5], [0.5, 1]], atol=0.15)
    says(
        NOTEBOOK,
        "Each cloud has 1,000 points, drawn from a normal distribution in two dimensions.",
    )
    for samples, mean in [(cell.negative_samples, [0, 3]), (cell.positive_samples, [3, 0])]:
        away = samples - mean
        distances = np.sum(away @ np.linalg.inv(cell.covariance) * away, axis=1)
        for share in (0.1, 0.5, 0.9):  # of a normal distribution in the plane
            assert np.mean(distances < -2 * np.log(1 - share)) == pytest.approx(share, abs=0.06)
    says(NOTEBOOK, "The **mean** is the center of the cloud.")
    says(
        NOTEBOOK,
        "ones on the diagonal for a spread of 1 in both directions, and 0.5 beside them to tilt both clouds alike",
    )
    assert cell.covariance == [[1, 0.5], [0.5, 1]]
    for samples in (cell.negative_samples, cell.positive_samples):
        assert samples.std(axis=0) == pytest.approx([1, 1], abs=0.1)
        assert np.corrcoef(samples.T)[0, 1] == pytest.approx(0.5, abs=0.1)


def test_3_13_cholesky_leaves_no_choice_of_signs():
    says(
        NOTEBOOK,
        """With `method="cholesky"` the points don't depend on how a""",
    )
    cell = run(NOTEBOOK)["listing-3.13"]
    random = np.random.default_rng(cell.seed)
    factor = np.array([[1, 0], [0.5, np.sqrt(0.75)]])  # by hand, without any library
    equal(factor @ factor.T, cell.covariance)
    for samples, mean in [(cell.negative_samples, [0, 3]), (cell.positive_samples, [3, 0])]:
        equal(samples, mean + random.standard_normal((1000, 2)) @ factor.T)


def test_the_shared_generator():
    says(
        NOTEBOOK,
        "The chapter draws with `np.random.multivariate_normal`, from a generator shared by the whole program.",
    )
    before = np.random.get_state()
    try:
        np.random.seed(0)
        first = np.random.multivariate_normal([0, 3], [[1, 0.5], [0.5, 1]])
        np.random.seed(0)
        np.random.normal()  # anyone else in the program
        assert not np.allclose(np.random.multivariate_normal([0, 3], [[1, 0.5], [0.5, 1]]), first)
    finally:
        np.random.set_state(before)


def test_3_14_and_3_15_inputs_and_targets():
    cell = run(NOTEBOOK)["listing-3.15"]
    assert cell.inputs.dtype == cell.targets.dtype == np.float32
    equal(cell.inputs, np.concatenate([cell.negative_samples, cell.positive_samples]))
    equal(cell.targets, np.repeat([[0], [1]], 1000, axis=0))
    says(NOTEBOOK, "One table for all: 2,000 rows, the negative class first.")
    assert len(cell.inputs) == 2000
    says(NOTEBOOK, "NumPy computes in `float64` unless told otherwise; networks use\n`float32`.")
    assert cell.negative_samples.dtype == np.zeros(1).dtype == np.float64
    assert keras.config.floatx() == "float32"
    says(NOTEBOOK, "0 for a point of the negative class, 1 for one of the positive")
    np.testing.assert_array_equal(np.unique(cell.targets[:1000]), [0])
    np.testing.assert_array_equal(np.unique(cell.targets[1000:]), [1])


def test_3_15_the_targets_have_the_shape_of_the_scores():
    says(
        NOTEBOOK,
        "The shape is (2000, 1) and not (2000,), so that it matches what the model returns",
    )
    cell = run(NOTEBOOK)["listing-3.18"]
    scores = cell.model(cell.inputs)
    assert cell.targets.shape == scores.shape == (2000, 1)
    assert (cell.targets[:, 0][:5] - scores[:5]).shape == (5, 5)  # each with each


def test_the_packaged_clouds_are_those_of_the_notebook():
    cell = run(NOTEBOOK)["listing-3.15"]
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
    cell = run(NOTEBOOK)["listing-3.16"]
    negative, positive = drawn_classes(cell)
    equal(negative, cell.inputs[:1000])
    equal(positive, cell.inputs[1000:])
    assert alt_text(NOTEBOOK, "listing-3-16") == (
        "Two oval clouds of points. Class 0, blue circles, around (0, 3), upper left; class 1, "
        "orange triangles, around (3, 0), lower right. They barely touch."
    )
    for points, center in [(negative, (0, 3)), (positive, (3, 0))]:
        assert tuple(points.mean(axis=0).round()) == center
        short, long = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))
        assert long > 1.5 * short
    blue, orange = cell.figures[0].axes[0].collections
    assert [
        tuple((np.array(drawn.get_facecolor()[0][:3]) * 255).round()) for drawn in (blue, orange)
    ] == [tuple(bytes.fromhex(color[1:])) for color in (plots.BLUE, plots.ORANGE)]
    circle, triangle = blue.get_paths()[0], orange.get_paths()[0]
    assert len(circle.vertices) > 10 and len(triangle.vertices) == 3 + 1


def test_the_clouds_barely_touch():
    says(NOTEBOOK, "The clouds barely touch. One straight line should do to tell them apart")
    cell = run(NOTEBOOK)["listing-3.16"]
    rows = np.hstack([cell.inputs, np.ones((2000, 1))])
    line, *_ = np.linalg.lstsq(rows, cell.targets, rcond=None)
    across = (rows @ line > 0.5) != cell.targets
    assert 0 < across.sum() <= 20


def test_3_17_variables():
    cell = run(NOTEBOOK)["listing-3.17"]
    assert (cell.input_dim, cell.output_dim) == (2, 1)
    assert isinstance(cell.W, tf.Variable) and isinstance(cell.b, tf.Variable)
    assert (cell.W.shape, cell.b.shape) == ((2, 1), (1,))
    assert np.all((cell.W.numpy() >= 0) & (cell.W.numpy() < 1)) and np.any(cell.W.numpy() != 0)
    equal(cell.b, [0])
    says(NOTEBOOK, "Two inputs, one output. The weights start at random, the bias at zero.")
    assert cell.W[0] != cell.W[1]


def test_3_18_forward_pass():
    cell = run(NOTEBOOK)["listing-3.18"]
    live = run(NOTEBOOK)["snippet-boundary"].names[
        "model"
    ]  # the same function, with today's weights
    final = end_of(NOTEBOOK)
    equal(live(cell.inputs), cell.inputs @ final.W.numpy() + final.b.numpy())
    assert "(2000, 1)" in cell.printed
    says(NOTEBOOK, "score = w1·x + w2·y + b.")
    (w1, w2), (b,) = final.W.numpy()[:, 0], final.b.numpy()
    x, y = cell.inputs.T
    equal(live(cell.inputs)[:, 0], w1 * x + w2 * y + b)
    says(NOTEBOOK, "(2000, 2) @ (2, 1) gives (2000, 1), a score for each point.")
    assert (cell.inputs.shape, cell.W.shape) == ((2000, 2), (2, 1))
    assert (cell.inputs @ cell.W.numpy()).shape == (2000, 1)
    says(NOTEBOOK, "The bias has shape (1,) and is stretched over all rows.")
    assert cell.b.shape == (1,)
    equal((cell.inputs @ cell.W + tf.constant([7.0])) - cell.inputs @ cell.W, np.full((2000, 1), 7))


def test_3_19_mean_squared_error():
    square_loss = run(NOTEBOOK)["listing-3.19"].square_loss
    targets, predictions = np.float32([[0], [1], [1]]), np.float32([[0.5], [1], [-1]])
    loss = square_loss(targets, predictions)
    assert loss.shape == ()
    equal(loss, np.mean((targets - predictions) ** 2))
    says(
        NOTEBOOK,
        "the difference between target and prediction, squared so that both directions count, averaged over everything",
    )
    over, under = np.float32([[0.75], [0.5]]), np.float32([[0.25], [0.5]])
    half = np.full((2, 1), 0.5, dtype="float32")
    assert square_loss(half, over) == square_loss(half, under) == 0.25**2 / 2
    by_tensorflow, by_numpy = re.findall(r"\d\.\d+", run(NOTEBOOK)["listing-3.19"].printed)
    assert by_tensorflow == by_numpy


@pytest.fixture
def classifier():
    """The notebook's own functions and variables, put back as they were found."""
    names = end_of(NOTEBOOK).names["training_step"].__globals__
    before = names["W"].numpy(), names["b"].numpy(), names["learning_rate"]
    yield names
    names["W"].assign(before[0])
    names["b"].assign(before[1])
    names["learning_rate"] = before[2]


def test_3_20_one_step_goes_down_the_gradient_by_the_learning_rate(classifier):
    says(NOTEBOOK, "How far is the **learning rate**: 0.1, as the parameters at the top say.")
    assert run(NOTEBOOK)["parameters"].learning_rate == 0.1
    assert run(NOTEBOOK)["listing-3.20"].learning_rate == 0.1
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
    says(NOTEBOOK, "The loss that it returns is the one *before* the weights moved.")
    says(NOTEBOOK, "in the direction that makes the loss smaller, which is *against* the gradient")
    after = classifier["square_loss"](targets, classifier["model"](inputs))
    assert after < loss


def least_squares_floor(inputs, targets) -> float:
    with_ones = np.hstack([inputs, np.ones((len(inputs), 1))])
    weights, *_ = np.linalg.lstsq(with_ones, targets, rcond=None)
    return float(np.mean((targets - with_ones @ weights) ** 2))


def test_3_21_forty_steps():
    cell = run(NOTEBOOK)["listing-3.21"]
    assert len(cell.losses) == 40
    assert np.all(np.diff(cell.losses) < 0)
    assert 0.025 <= cell.losses[-1] <= 0.035
    assert cell.losses[-1] > least_squares_floor(cell.inputs, cell.targets)
    assert [
        float(number) for number in re.findall(r"loss at step \d+: (\S+)", cell.printed)
    ] == pytest.approx(cell.losses, abs=5e-5)
    start = run(NOTEBOOK)["listing-3.17"]
    W, b = start.W.numpy(), start.b.numpy()
    for loss in cell.losses:  # the whole training again, in NumPy
        error = cell.inputs @ W + b - cell.targets
        assert loss == pytest.approx(np.mean(error**2), rel=1e-3)
        W, b = W - 0.2 * cell.inputs.T @ error / len(error), b - 0.2 * error.mean(axis=0)
    np.testing.assert_allclose(cell.W.numpy(), W, rtol=1e-3)
    says(NOTEBOOK, "Each step uses all 2,000 points: the whole data set is one **batch**.")
    assert len(cell.inputs) == 2000


def test_3_21_the_loss_falls_fast_then_slowly():
    says(NOTEBOOK, "The loss falls fast, then slowly, and comes to about 0.03.")
    assert alt_text(NOTEBOOK, "plots-show") == (
        "The loss over 40 steps: a steep fall within the first few steps, then a slow approach "
        "to about 0.03."
    )
    (figure,) = run(NOTEBOOK)["plots-show"].figures
    (line,) = figure.axes[0].lines
    step, loss = line.get_data()
    assert (step[0], step[-1]) == (1, 40)
    equal(loss, run(NOTEBOOK)["listing-3.21"].losses)
    assert loss[0] - loss[3] > 4 * (loss[3] - loss[-1])
    assert np.all(np.diff(loss, 2) > 0)  # each fall is smaller than the one before
    assert round(loss[-1], 2) == 0.03


def test_3_21_run_again_goes_on_and_comes_closer_to_the_floor(classifier):
    says(NOTEBOOK, "(Run this cell twice, and it goes on from where it stopped.)")
    says(NOTEBOOK, "Training has come close and is still above the floor")
    says(NOTEBOOK, "more steps would bring it closer")
    cell = run(NOTEBOOK)["listing-3.21"]
    classifier["W"].assign(cell.W)
    classifier["b"].assign(cell.b)
    classifier["learning_rate"] = 0.1
    names = dict(classifier)
    exec(source_of(NOTEBOOK, "listing-3.21"), names)
    both = [*cell.losses, *names["losses"]]
    assert len(both) == 2 * 40 and np.all(np.diff(both) < 0)
    floor = least_squares_floor(cell.inputs, cell.targets)
    assert floor < both[-1]
    assert both[-1] - floor < (cell.losses[-1] - floor) / 2 < 0.002


@pytest.mark.parametrize("start", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_3_21_ends_in_the_band_whatever_the_start(classifier, start):
    """The loss after 40 steps is a bowl over the starts, so that none is worse than the worst corner."""
    says(NOTEBOOK, "Whatever start listing 3.17 draws, it ends between 0.025 and 0.035.")
    cell = run(NOTEBOOK)["listing-3.21"]
    classifier["W"].assign(np.float32(start).reshape(2, 1))
    classifier["b"].assign([0.0])
    classifier["learning_rate"] = 0.1
    for _ in range(40):
        classifier["training_step"](cell.inputs, cell.targets)
    loss = classifier["square_loss"](cell.targets, classifier["model"](cell.inputs))
    assert 0.025 < least_squares_floor(cell.inputs, cell.targets) < loss < 0.035


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


def test_no_weights_get_below_the_floor():
    says(NOTEBOOK, "its best weights can be computed directly, by **least squares**")
    says(NOTEBOOK, "No training of this model on this data can get below that floor.")
    cell = run(NOTEBOOK)["with-ones-np-hstack-inputs-np-ones-len-i"]
    rows = np.hstack([cell.inputs, np.ones((2000, 1))]).astype("float64")
    best = np.linalg.solve(rows.T @ rows, rows.T @ cell.targets)  # where the gradient is zero
    np.testing.assert_allclose(cell.best_weights, best, rtol=1e-5)
    assert cell.floor == pytest.approx(np.mean((rows @ best - cell.targets) ** 2))
    random = np.random.default_rng(1)
    for size in (0.001, 0.1, 10):
        for other in best + random.normal(scale=size, size=(20, 3, 1)):
            assert np.mean((rows @ other - cell.targets) ** 2) > cell.floor
    after, floor = (float(number) for number in re.findall(r"\d\.\d{4}", cell.printed))
    assert 0 < after - floor < 0.003


def test_predictions():
    cell = run(NOTEBOOK)["snippet-predictions"]
    predicted = cell.inputs @ cell.W.numpy() + cell.b.numpy()
    equal(cell.predictions, predicted)
    says(
        NOTEBOOK,
        "The **accuracy**, the share of points that get their right class, is above 99 %.",
    )
    says(NOTEBOOK, "A linear classifier is a matrix product, a bias, and a threshold.")
    assert cell.accuracy == np.mean((predicted > 0.5) == cell.targets) > 0.99
    says(NOTEBOOK, "A score above 0.5 is nearer to 1 than to 0, so we call the point class 1.")
    np.testing.assert_array_equal(np.abs(predicted - 1) < np.abs(predicted - 0), predicted > 0.5)
    says(NOTEBOOK, "the score close to 0 for negative points and close to 1\nfor positive ones")
    assert predicted[:1000].mean() == pytest.approx(0, abs=0.1)
    assert predicted[1000:].mean() == pytest.approx(1, abs=0.1)
    negative, positive = drawn_classes(cell)
    equal(negative, cell.inputs[predicted[:, 0] <= 0.5])
    equal(positive, cell.inputs[predicted[:, 0] > 0.5])
    assert alt_text(NOTEBOOK, "snippet-predictions") == (
        "The same two clouds, colored by predicted class: the upper left cloud is class 0, the "
        "lower right one class 1. A few points between them are circled in black, because their "
        "predicted class is wrong."
    )
    assert negative.mean(axis=0) == pytest.approx([0, 3], abs=0.1)
    assert positive.mean(axis=0) == pytest.approx([3, 0], abs=0.1)
    (circles,) = cell.figures[0].axes[0].lines
    wrong = ((predicted > 0.5) != cell.targets)[:, 0]
    equal(circles.get_xydata(), cell.inputs[wrong])
    assert (circles.get_color(), circles.get_marker()) == ("k", "o")
    assert circles.get_fillstyle() == "none" and circles.get_markersize() == 10
    assert 0 < wrong.sum() <= 10
    assert np.all(np.abs(predicted[wrong] - 0.5) < 0.25)  # halfway to the clouds' centers, at most


def test_boundary():
    cell = run(NOTEBOOK)["snippet-boundary"]
    assert (cell.x.min(), cell.x.max()) == (-1, 4)
    (w1, w2), b = cell.W.numpy()[:, 0], cell.b.numpy()[0]
    equal(w1 * cell.x + w2 * np.asarray(cell.y) + b, np.full(len(cell.x), 0.5))
    (line,) = cell.figures[0].axes[0].lines
    equal(line.get_xydata(), np.column_stack([cell.x, cell.y]))
    says(NOTEBOOK, "It runs where the model is undecided, at a score of exactly 0.5:")
    says(NOTEBOOK, "w1·x + w2·y + b = 0.5")
    says(NOTEBOOK, "y = −w1/w2 · x + (0.5 − b)/w2.")
    says(NOTEBOOK, "The boundary is the line where the score is 0.5.")
    equal(cell.y, -w1 / w2 * cell.x + (0.5 - b) / w2)
    says(NOTEBOOK, "points on the line should score 0.5, all of them")
    checked = run(NOTEBOOK)["on-the-line-np-column-stack-x-y"]
    equal(checked.on_the_line, line.get_xydata())
    equal(checked.scores, np.full((100, 1), 0.5))
    assert checked.printed == "scores on the line: from 0.500 to 0.500\n"
    assert alt_text(NOTEBOOK, "snippet-boundary") == (
        "The two clouds with a straight black line between them, rising from lower left to "
        "upper right: class 0 above it, class 1 below."
    )
    negative, positive = drawn_classes(cell)
    assert line.get_color() == "black" and -w1 / w2 > 0
    assert np.all(negative[:, 1] > -w1 / w2 * negative[:, 0] + (0.5 - b) / w2)
    assert np.all(positive[:, 1] < -w1 / w2 * positive[:, 0] + (0.5 - b) / w2)


@pytest.mark.parametrize(("features", "dimensions"), [(2, 1), (3, 2), (1000, 999)])
def test_the_boundary_has_one_dimension_less_than_the_space(features, dimensions):
    says(NOTEBOOK, "With two features the boundary is a line.")
    says(NOTEBOOK, "With three it would be a plane, with a thousand a **hyperplane**")
    weights = np.random.default_rng(0).normal(size=(1, features))
    assert features - np.linalg.matrix_rank(weights) == dimensions


def test_a_linear_classifier_cuts_straight():
    says(NOTEBOOK, "A linear classifier always cuts its space straight in two.")
    model, inputs = end_of(NOTEBOOK).model, end_of(NOTEBOOK).inputs
    is_one = model(inputs).numpy()[:, 0] > 0.5
    for points, one in [(inputs[~is_one], False), (inputs[is_one], True)]:
        assert len(points)
        halfway = (points + np.random.default_rng(0).permutation(points)) / 2
        assert np.all((model(halfway).numpy() > 0.5) == one)


def test_publish_prints_and_marks_the_results():
    says(NOTEBOOK, "`publish` prints the results and marks them")
    trained = run(NOTEBOOK)["snippet-predictions"]
    loss = np.mean((trained.predictions.numpy() - trained.targets) ** 2)
    expected = {
        "final_loss": loss,
        "distance_to_floor": loss - least_squares_floor(trained.inputs, trained.targets),
        "accuracy": trained.accuracy,
    }
    (stored,) = next(each.outputs for each in code_cells(NOTEBOOKS[6]) if each.id == "publish")
    marked = stored.metadata["published"]
    printed = dict(line.split(": ") for line in stored.data["text/plain"].splitlines())
    assert printed.keys() == marked.keys() == expected.keys()
    for name, value in expected.items():
        assert float(printed[name]) == pytest.approx(value, rel=0.01)
        assert float(marked[name]) == pytest.approx(value, rel=0.01)


def test_the_sweep_runs_thirty_times_and_draws_over_the_rates():
    says(
        NOTEBOOK,
        "In a copy of this project, `python -m support.execute notebooks/06_linear_classifier.ipynb "
        "--sweep learning_rate=0.01,0.03,0.1 --sweep seed=0..9` runs this notebook thirty times, "
        "and draws the results over the rates.",
    )
    assert NOTEBOOKS[6].stem == NOTEBOOK
    stated = re.findall(r"--sweep\s+(\w+)=([\w.,]+)", prose(NOTEBOOKS[6]))
    swept = read_sweep(NOTEBOOKS[6], stated)
    assert math.prod(map(len, swept.values())) == 30
    results = [
        Result("", None, parameters={"learning_rate": rate, "seed": 0}, published={"loss": 1.0})
        for rate in swept["learning_rate"]
    ]
    (axes,) = sweep_figure(results, swept).axes
    assert axes.get_xlabel() == "learning_rate"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.01", "0.03", "0.1"]


def test_a_rate_of_one_tenth_is_large_for_a_network():
    says(NOTEBOOK, "A learning rate of 0.1 is large for a network.")
    defaults = {
        name: inspect.signature(optimizer).parameters["learning_rate"].default
        for name, optimizer in vars(keras.optimizers).items()
        if inspect.isclass(optimizer) and "learning_rate" in inspect.signature(optimizer).parameters
    }
    assert {"SGD", "RMSprop", "Adam"} <= set(defaults)
    assert max(rate for rate in defaults.values() if isinstance(rate, float)) == 0.01


def test_the_loss_has_the_shape_of_a_bowl():
    says(NOTEBOOK, "the loss of a linear model has the shape of a bowl")
    says(NOTEBOOK, "sees *all* the data, so that its gradient points where this bowl goes down")
    inputs, targets = datasets.two_clouds()
    rows = np.hstack([inputs, np.ones((2000, 1))])
    assert np.linalg.eigvalsh(2 * rows.T @ rows / len(rows)).min() > 0  # it bends up everywhere
    best, *_ = np.linalg.lstsq(rows, targets, rcond=None)
    random = np.random.default_rng(0)

    def goes_down(weights, batch):
        against = -rows[batch].T @ (rows[batch] @ weights - targets[batch])
        return np.sum(against * (best - weights)) > 0

    starts = best + random.normal(scale=0.01, size=(100, 3, 1))
    assert all(goes_down(weights, slice(None)) for weights in starts)
    assert not all(goes_down(weights, random.integers(2000, size=32)) for weights in starts)


def test_a_learning_rate_of_one_fifth_diverges():
    says(
        NOTEBOOK,
        "Twice the rate overshoots the bottom and lands higher on the other side, each time",
    )
    ran = run(NOTEBOOK)
    assert ran["w-assign-tf-random-uniform-input-dim-out"].learning_rate == 0.2
    assert ran["parameters"].learning_rate == 0.2 / 2
    losses = end_of(NOTEBOOK).too_fast
    assert np.all(np.diff(losses[1:]) > 0) and losses[-1] > 100
    inputs, targets = datasets.two_clouds()
    with_ones = np.hstack([inputs, np.ones((len(inputs), 1))])
    steepnesses, directions = np.linalg.eigh(2 * with_ones.T @ with_ones / len(inputs))
    steepest = steepnesses.max()
    tf.random.set_seed(0)
    tf.random.uniform((2, 1))  # the first start
    weights = np.vstack([tf.random.uniform((2, 1)), [[0]]])
    best, *_ = np.linalg.lstsq(with_ones, targets, rcond=None)
    sides = []
    for loss in losses:  # the whole training again, in NumPy
        error = with_ones @ weights - targets
        assert loss == pytest.approx(np.mean(error**2), rel=1e-3)
        sides.append(float(directions[:, -1] @ (weights - best)[:, 0]))
        weights = weights - 0.2 * 2 * with_ones.T @ error / len(error)
    assert np.all(np.diff(np.sign(sides)) != 0) and np.all(np.diff(np.abs(sides)) > 0)
    says(NOTEBOOK, "The loss grows without end.")
    growth = (1 - 0.2 * steepest) ** 2
    assert losses[-1] / losses[-2] == pytest.approx(growth, rel=0.01) and growth > 2
    says(NOTEBOOK, "How steep the bowl is sets a limit, which lies near 0.15 for our data.")
    assert 2 / steepest == pytest.approx(
        0.15, abs=0.005
    )  # gradient descent on a bowl diverges above this rate


def test_mini_batches_are_random_parts_with_noisy_gradients():
    says(NOTEBOOK, "takes a small random part, say 32 samples, for each step")
    says(NOTEBOOK, "Its gradient is an estimate, noisy but cheap.")
    cell = end_of(NOTEBOOK)
    assert [len(rows) for rows in cell.mini_batches] == [32] * 62 + [16]
    shares = [cell.targets[rows].mean() for rows in cell.mini_batches]
    assert 0.2 < min(shares) < max(shares) < 0.8
    gradients = [
        2 * cell.inputs[rows].T @ -cell.targets[rows] / len(rows) for rows in cell.mini_batches
    ]
    exact = 2 * cell.inputs.T @ -cell.targets / len(cell.inputs)
    sizes = [len(rows) for rows in cell.mini_batches]
    equal(np.average(gradients, axis=0, weights=sizes), exact)
    assert np.all(np.std(gradients, axis=0) > 0.05)


def test_a_large_rate_amplifies_the_noise():
    says(
        NOTEBOOK,
        "A large rate amplifies the noise, so the rate below is half of the parameter's 0.1.",
    )
    inputs, targets = datasets.two_clouds()
    rows = np.hstack([inputs, np.ones((2000, 1))])
    best, *_ = np.linalg.lstsq(rows, targets, rcond=None)

    def noise(rate):
        random, weights, distances = np.random.default_rng(0), best, []
        for _ in range(1000):
            batch = random.integers(2000, size=32)
            error = rows[batch] @ weights - targets[batch]
            weights = weights - rate * 2 * rows[batch].T @ error / 32
            distances.append(np.sum((weights - best) ** 2))
        return np.mean(distances)

    assert end_of(NOTEBOOK).learning_rate == run(NOTEBOOK)["parameters"].learning_rate / 2
    assert noise(0.1) > 1.5 * noise(0.05) > 1.5**2 * noise(0.025)


def test_mini_batches_and_batches_start_alike():
    says(
        NOTEBOOK,
        "Both from the same start, with all weights at zero, at the same rate, for the same number of steps:",
    )
    cell = end_of(NOTEBOOK)
    assert len(cell.batch_losses) == len(cell.mini_batch_losses) == 63
    for batches, losses in [
        (cell.mini_batches, cell.mini_batch_losses),
        ([slice(None)] * 63, cell.batch_losses),
    ]:
        W, b = np.zeros((2, 1)), np.zeros(1)
        for rows, loss in zip(batches, losses, strict=True):
            error = cell.inputs[rows] @ W + b - cell.targets[rows]
            assert loss == pytest.approx(np.mean(error**2), rel=1e-3)
            W = W - 0.05 * 2 * cell.inputs[rows].T @ error / len(error)
            b = b - 0.05 * 2 * error.mean(axis=0)


def test_batch_training_is_smooth_and_mini_batch_training_jitters():
    assert alt_text(NOTEBOOK, "plots-show-2") == (
        "Two curves that fall steeply within the first steps to below 0.1, then slowly. The one "
        "of batch training is smooth; the one of mini-batch training jitters around it."
    )
    says(NOTEBOOK, "Their curve jitters because each step is judged on other points")
    (figure,) = run(NOTEBOOK)["plots-show-2"].figures
    smooth, jittering = (line.get_ydata() for line in figure.axes[0].lines)
    assert [line.get_label() for line in figure.axes[0].lines] == [
        "all 2,000 points at each step",
        "32 points at each step",
    ]
    cell = end_of(NOTEBOOK)
    equal(smooth, cell.batch_losses)
    equal(jittering, cell.mini_batch_losses)
    assert max(smooth[4:].max(), jittering[4:].max()) < 0.1
    assert smooth[0] - smooth[4] > 5 * (smooth[4] - smooth[-1]) > 0
    assert np.all(np.diff(smooth) < 0)
    rises = np.diff(jittering) > 0
    assert 20 < rises.sum() < 42
    around = (jittering - smooth)[4:]
    assert 10 < np.sum(around > 0) < len(around) - 10

    W, b, judged_on_all = np.zeros((2, 1)), np.zeros(1), []
    for rows in cell.mini_batches:
        judged_on_all.append(np.mean((cell.inputs @ W + b - cell.targets) ** 2))
        error = cell.inputs[rows] @ W + b - cell.targets[rows]
        W = W - 0.05 * 2 * cell.inputs[rows].T @ error / len(error)
        b = b - 0.05 * 2 * error.mean(axis=0)
    assert np.abs(np.diff(judged_on_all[4:])).mean() < np.abs(np.diff(jittering[4:])).mean() / 4


def test_what_each_has_read_and_where_each_starts():
    says(
        NOTEBOOK,
        "Yet the 63 steps of batch training have read every point 63 times, and the mini-batches have read "
        "every point **once**.",
    )
    cell = end_of(NOTEBOOK)
    assert np.sort(np.concatenate(cell.mini_batches)).tolist() == list(range(2000))
    assert np.sort(cell.order).tolist() == list(range(2000)) and len(cell.batch_losses) == 63
    says(
        NOTEBOOK,
        "it even starts lower, because at zero weights the loss is just the share of ones in the batch",
    )
    assert cell.mini_batch_losses[0] == pytest.approx(cell.targets[cell.mini_batches[0]].mean())
    assert cell.batch_losses[0] == pytest.approx(cell.targets.mean())
    assert cell.mini_batch_losses[0] < cell.batch_losses[0]


def test_fit_uses_mini_batches_without_being_asked():
    says(NOTEBOOK, "Keras's `fit` uses them without being asked")
    inputs, targets = datasets.two_clouds(50)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    assert model.fit(inputs, targets, verbose=0).params["steps"] == math.ceil(100 / 32)


def test_mini_batches_get_about_as_far_step_for_step():
    says(NOTEBOOK, "Step for step, mini-batches get about as far")
    full, mini = (
        float(x) for x in re.findall(r"loss on all data (\S+)", printed_with(NOTEBOOK, "full"))
    )
    assert mini == pytest.approx(full, rel=0.25)


def test_the_explorer_shows_what_the_text_says():
    says(NOTEBOOK, "Here is the loss over both weights, seen from above, with the path")
    says(
        NOTEBOOK,
        "(The inputs are centered, and b stays at 0.5, which is best for them whatever the weights are.",
    )
    board = descent.Board()
    assert np.abs(board.inputs.mean(axis=0)).max() < 1e-5
    for weights in ([0.3, -0.2], [-2.0, 1.0]):
        errors = board.classes - board.inputs @ weights
        assert errors.mean() == pytest.approx(0.5, abs=1e-5)  # the b with the least squared error
    says(
        NOTEBOOK,
        "Centering makes the bowl less steep, so a larger rate is allowed here than above.",
    )
    above = end_of(NOTEBOOK).inputs
    with_bias = np.column_stack([above, np.ones(len(above))])  # the bowl over w1, w2 and b
    limit_above = 1 / np.linalg.eigvalsh(with_bias.T @ with_bias / len(above)).max()
    assert limit_above == pytest.approx(0.15, abs=0.005) and board.limit > 1.3 * limit_above
    says(NOTEBOOK, "set 5 steps, and find the rate after which the loss is least; then set 60,")

    def loss(rate: float, steps: int) -> float:
        return board.draw(rate, steps, -2.0, -1.0).numbers["loss"]

    rates = np.arange(0.005, 0.4, 0.005)
    texts = [f"{loss(rate, 5):.3g}" for rate in rates]  # as it is shown
    assert texts.count(min(texts, key=float)) == 1
    falling = [rate for rate in rates if loss(rate, 60) < loss(rate, 0)]
    assert max(falling) == pytest.approx(board.limit, abs=0.006)
