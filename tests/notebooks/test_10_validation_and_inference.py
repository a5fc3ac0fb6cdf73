"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.path import Path
from packaging.version import Version

from support import datasets, runtime
from support.explore import overfitting
from tests.curriculum import (
    end_of,
    equal,
    figure_with_alt,
    printed_with,
    published,
    run,
    says,
    source_of,
)

NOTEBOOK = "10_validation_and_inference"


def test_the_rows_are_sorted_by_class():
    says(
        NOTEBOOK,
        "Our rows are sorted by class, so 30 % cut off the end would be all of one class.",
    )
    says(NOTEBOOK, "On sorted rows like ours, that is the trap we just avoided.")
    targets = run(NOTEBOOK)["listing-3.24"].targets.ravel()
    assert np.all(np.diff(targets) >= 0) and set(targets) == {0, 1}
    assert set(targets[-int(0.3 * len(targets)) :]) == {1}


def test_two_permutations_would_tear_points_from_their_answers():
    says(
        NOTEBOOK,
        "Shuffle first, with *one* permutation for inputs and targets: "
        "two different ones would tear each point from its answer. Then cut.",
    )
    cell = run(NOTEBOOK)["listing-3.24"]
    equal(cell.shuffled_inputs, cell.inputs[cell.permutation])
    equal(cell.shuffled_targets, cell.targets[cell.permutation])
    another = np.random.default_rng(5).permutation(len(cell.inputs))
    assert np.mean(another == cell.permutation) < 0.01
    assert np.mean(cell.targets[another] == cell.shuffled_targets) < 0.6
    equal(cell.val_inputs, cell.shuffled_inputs[:600])
    equal(cell.training_inputs, cell.shuffled_inputs[600:])


def test_the_cut_and_the_points_are_drawn_from_other_numbers():
    says(
        NOTEBOOK,
        "(Given the list `[1, seed]`, NumPy's generator draws other numbers "
        "than those that made the points.)",
    )
    cell = run(NOTEBOOK)["listing-3.24"]
    drawn = np.random.default_rng([1, cell.seed]).permutation(len(cell.inputs))
    np.testing.assert_array_equal(drawn, cell.permutation)
    of_the_points = np.random.default_rng(cell.seed).permutation(len(cell.inputs))
    assert np.mean(of_the_points == drawn) < 0.01


def test_the_cut_worked():
    says(NOTEBOOK, "Did the cut work? 1,400 rows and 600, and no row in both:")
    cell = run(NOTEBOOK)["training-rows-tuple-row-for-row-in-train"]
    assert cell.printed == "1400 600 in both: 0\n"
    assert len(np.unique(np.vstack([cell.training_inputs, cell.val_inputs]), axis=0)) == 2000


def test_3_24_validation():
    says(
        NOTEBOOK,
        "At the end of each epoch, Keras measured the model on the validation data; "
        "those numbers have `val_` in front.",
    )
    says(NOTEBOOK, "It is used for measuring, never for training.")
    cell = run(NOTEBOOK)["listing-3.24"]
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
    fitted = re.search(r"model\.fit\(\s*(\w+),\s*(\w+),", source_of(NOTEBOOK, "listing-3.24"))
    assert fitted.groups() == ("training_inputs", "training_targets")


def test_evaluate():
    says(NOTEBOOK, "The answer is a list: the loss, then each metric.")
    says(
        NOTEBOOK,
        "A model that was compiled without metrics has nothing to list, and the answer is the bare loss.",
    )
    cell = run(NOTEBOOK)["snippet-evaluate"]
    loss, accuracy = cell.loss_and_metrics
    scores = cell.model(cell.val_inputs).numpy()
    assert isinstance(cell.loss_and_metrics, list)
    assert loss == pytest.approx(np.mean((scores - cell.val_targets) ** 2), rel=1e-4)
    assert accuracy == pytest.approx(np.mean((scores > 0.5) == cell.val_targets))
    assert isinstance(cell.loss_alone, float)


def test_publish_prints_and_marks_the_results():
    says(NOTEBOOK, "`publish` prints the results and marks them")
    printed = published(NOTEBOOK)
    loss, accuracy = end_of(NOTEBOOK).loss_and_metrics
    assert float(printed["val_loss"]) == pytest.approx(loss, rel=1e-3)
    assert float(printed["val_binary_accuracy"]) == pytest.approx(accuracy, rel=1e-3)


def test_evaluate_with_return_dict():
    says(
        NOTEBOOK,
        "Code that unpacks the list then fails; `return_dict=True` gives a dictionary in both cases.",
    )
    cell = run(NOTEBOOK)["snippet-evaluate"]
    with pytest.raises(TypeError, match="cannot unpack"):
        _, _ = cell.loss_alone
    few = cell.val_inputs[:4], cell.val_targets[:4]
    assert set(cell.model.evaluate(*few, verbose=0, return_dict=True)) == {
        "loss",
        "binary_accuracy",
    }
    assert set(cell.without_metrics.evaluate(*few, verbose=0, return_dict=True)) == {"loss"}


def test_call_model():
    says(NOTEBOOK, "**Call the model**, as you would a function: a tensor comes out.")
    says(NOTEBOOK, "A `tf.data.Dataset` is not a tensor, and calling a model on one is refused.")
    says(
        NOTEBOOK,
        '"Only input tensors may be passed as positional arguments" means just that: '
        "no dataset, and no Python list either.",
    )
    ran = run(NOTEBOOK)
    cell = ran["snippet-call-model"]
    assert isinstance(cell.predictions, tf.Tensor)
    W, b = cell.model.get_weights()
    equal(cell.predictions, cell.val_inputs @ W + b)
    assert not tf.is_tensor(end_of(NOTEBOOK).unlabeled)
    with pytest.raises(ValueError, match="Only input tensors may be passed as positional"):
        cell.model([[3.0, 0.0]])
    refusal = ran["unlabeled-tf-data-dataset-from-tensor-sl"].printed
    assert "ValueError: Only input tensors may be passed as positional arguments." in refusal


def test_a_single_point_is_a_batch_of_one():
    says(NOTEBOOK, "A single point is a batch of one, so its shape is (1, 2):")
    cell = run(NOTEBOOK)["print-model-tf-constant-3-0-0-0-shape"]
    assert cell.printed == "(1, 1)\n"
    assert cell.model(tf.constant([[3.0, 0.0]])).shape == (1, 1)
    with pytest.raises(ValueError, match="incompatible"):
        cell.model(tf.constant([3.0, 0.0]))


def test_the_call_takes_all_at_once_and_predict_goes_in_batches():
    says(NOTEBOOK, "All the data goes through at once")
    says(
        NOTEBOOK,
        "**`predict`** goes through the data in batches and returns a NumPy array. "
        "It takes arrays and datasets alike.",
    )
    sizes = []

    class Witness(keras.layers.Layer):
        def call(self, inputs):
            if hasattr(inputs, "numpy"):  # not the placeholder that Keras tries first
                sizes.append(len(inputs))
            return inputs

    model = keras.Sequential([Witness()])
    model.compile(run_eagerly=True)
    rows = np.ones((10, 2), dtype="float32")
    model(rows)
    assert sizes == [10]
    for data in (rows, tf.data.Dataset.from_tensor_slices(rows).batch(4)):
        sizes.clear()
        predicted = model.predict(data, batch_size=4 if data is rows else None, verbose=0)
        assert isinstance(predicted, np.ndarray) and sizes[-3:] == [4, 4, 2]
        equal(predicted, rows)


def test_gradients_go_through_a_call_and_not_through_predict():
    says(NOTEBOOK, "Take the call inside a computation that you want gradients of")
    model = end_of(NOTEBOOK).model
    point = tf.Variable([[3.0, 0.0]])
    with tf.GradientTape(persistent=True) as tape:
        called = model(point)
        predicted = tf.constant(model.predict(point, verbose=0)) * 1.0
    equal(tape.gradient(called, point), model.get_weights()[0].T)
    assert tape.gradient(predicted, point) is None


def test_predict():
    says(NOTEBOOK, "One score for each point; above 0.5 means class 1.")
    says(NOTEBOOK, "Both ways, and the dataset, agree:")
    last = run(NOTEBOOK)["called-model-val-inputs-numpy"].printed
    assert [line.split()[-1] for line in last.splitlines()] == ["True", "True"]
    assert source_of(NOTEBOOK, "called-model-val-inputs-numpy").count("atol=1e-6") == 2
    cell = run(NOTEBOOK)["snippet-predict"]
    assert isinstance(cell.predictions, np.ndarray) and cell.predictions.shape == (600, 1)
    assert np.mean((cell.predictions > 0.5) == cell.val_targets) > 0.98
    equal(cell.predictions, cell.model(cell.val_inputs))
    assert str(cell.predictions[:10]) in cell.printed
    equal(cell.model.predict(cell.unlabeled, verbose=0), cell.predictions)


def test_training_and_validation_are_alike_when_measured_alike():
    says(
        NOTEBOOK,
        "The training line is an average over the epoch, *while* the weights move, "
        "and the validation line is measured once, at its end.",
    )
    says(NOTEBOOK, "Measured in the same way, the two are alike")
    cell = run(NOTEBOOK)["listing-3.24"]
    training, _ = cell.model.evaluate(cell.training_inputs, cell.training_targets, verbose=0)
    validation, _ = cell.model.evaluate(cell.val_inputs, cell.val_targets, verbose=0)
    assert training == pytest.approx(validation, rel=0.1)
    assert cell.history.history["loss"][-1] > 2 * training


def test_a_large_rate_scatters_and_a_tenth_of_it_does_not():
    says(NOTEBOOK, "The first line scatters, the second does not.")
    lines = printed_with(NOTEBOOK, "rate 0.01").splitlines()
    large, small = ([float(value) for value in line.split(":")[1].split()] for line in lines)
    assert max(large) - min(large) > 0.05
    assert min(small) > 0.99


def test_each_setting_is_judged_by_two_epochs_from_three_starts(monkeypatch):
    says(NOTEBOOK, "Two epochs from three random starts each:")
    end = end_of(NOTEBOOK)
    starts, epochs = [], []

    def fit(model, inputs, targets, **options):
        starts.append(model(inputs[:1]).numpy().item())
        epochs.append(options["epochs"])

    monkeypatch.setattr(keras.Sequential, "fit", fit)
    assert len(end.final_accuracies(0.1)) == 3
    assert epochs == [2, 2, 2] and len(set(starts)) == 3


def distances_from_the_bottom(rate, seed) -> list[float]:
    """How far RMSprop's weights are from those of the smallest squared error, at each step of its fifth epoch."""
    cell = run(NOTEBOOK)["listing-3.24"]
    inputs = np.hstack([cell.training_inputs, np.ones((len(cell.training_inputs), 1))])
    targets = cell.training_targets
    bottom, *_ = np.linalg.lstsq(inputs, targets, rcond=None)
    random = np.random.default_rng(seed)
    weights, average = random.uniform(-1, 1, (3, 1)), np.zeros((3, 1))
    distances = []
    for _ in range(5):
        order = random.permutation(len(inputs))
        for start in range(0, len(inputs), cell.batch_size):
            rows = order[start : start + cell.batch_size]
            error = inputs[rows] @ weights - targets[rows]
            gradient = 2 * inputs[rows].T @ error / len(rows)
            average = 0.9 * average + 0.1 * gradient**2
            weights = weights - rate * gradient / np.sqrt(average + 1e-7)
            distances.append(float(np.linalg.norm(weights - bottom)))
    return distances[-88:]


def test_the_rate_is_too_large_and_a_tenth_of_it_settles():
    says(
        NOTEBOOK,
        "The rate of 0.1 is the chapter's, and it is too large for RMSprop with batches of 16. "
        "The weights jump around the bottom of the bowl and never settle; "
        "where they stand when training stops is a matter of luck. A tenth of the rate settles.",
    )
    cell = run(NOTEBOOK)["listing-3.24"]
    assert (cell.learning_rate, cell.batch_size) == (0.1, 16)
    large, small = (
        [distances_from_the_bottom(rate, seed) for seed in range(5)] for rate in (0.1, 0.01)
    )
    assert min(max(distances) for distances in large) > 0.15
    assert max(max(distances) for distances in small) < 0.1
    ends = [distances[-1] for distances in large]
    assert max(ends) > 2 * min(ends)


def test_each_epoch_repeats_the_one_before():
    says(NOTEBOOK, "Why does each epoch repeat the one before, almost to the last digit?")
    says(NOTEBOOK, "so each epoch ends at the same place")
    history = run(NOTEBOOK)["listing-3.24"].history.history
    for name, values in history.items():
        steps = np.abs(np.diff(values[0 if name.startswith("val_") else 1 :]))
        assert steps.max() < 0.001, name


def test_keras_warns_when_told_to_shuffle_a_dataset():
    says(
        NOTEBOOK,
        "(`shuffle=False` says that the dataset takes care of it; otherwise Keras, from 3.15 on, warns.)",
    )
    dataset = tf.data.Dataset.from_tensors((np.ones((4, 2)), np.ones((4, 1))))
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(dataset, shuffle=False, verbose=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(dataset, verbose=0)
    said = any("shuffle" in str(warning.message) for warning in caught)
    assert said == (Version(keras.__version__) >= Version("3.15"))


def orders_seen(data, **options) -> list[list[int]]:
    """In which order three epochs of `fit` hand out the numbers 0 to 7."""
    seen: list[list[int]] = []

    class Witness(keras.layers.Layer):
        def call(self, inputs):
            if hasattr(inputs, "numpy"):  # not the placeholder that Keras tries first
                seen.append(inputs.numpy().ravel().astype(int).tolist())
            return inputs

    model = keras.Sequential([Witness(), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mean_squared_error", run_eagerly=True)
    model.fit(data, epochs=3, verbose=0, **options)
    return seen[-3:]


def test_with_a_seed_arrays_come_in_the_same_order_and_datasets_do_not():
    says(NOTEBOOK, "`fit` shuffles before each epoch.")
    says(
        NOTEBOOK,
        "when the random seed is fixed, as our set-up cell does, Keras puts *arrays* into the same order every time",
    )
    says(
        NOTEBOOK, "can shuffle anew for each epoch, and still repeat when you run everything again"
    )
    numbers = np.arange(8, dtype="float32").reshape(8, 1)
    runtime.set_up()
    first, second, third = orders_seen(numbers, y=numbers, batch_size=8)
    assert first == second == third != list(range(8))

    def from_dataset():
        runtime.set_up()
        return orders_seen(
            tf.data.Dataset.from_tensor_slices((numbers, numbers)).shuffle(8).batch(8),
            shuffle=False,
        )

    first, second, third = from_dataset()
    assert first != second != third
    assert from_dataset() == [first, second, third]


def test_arrays_repeat_their_losses_and_the_dataset_scatters():
    says(NOTEBOOK, "Now the luck shows.")
    arrays, dataset = (
        [float(loss) for loss in line.split(":")[1].split()]
        for line in printed_with(NOTEBOOK, "validation loss, dataset").splitlines()
    )
    assert max(arrays) - min(arrays) < 0.002
    assert max(dataset) - min(dataset) > 0.02


def test_a_dataset_hands_out_its_rows_one_after_the_other():
    says(NOTEBOOK, "A `tf.data.Dataset`, which hands out its rows one after the other")
    cell = run(NOTEBOOK)["listing-3.24"]
    dataset = tf.data.Dataset.from_tensor_slices((cell.training_inputs, cell.training_targets))
    for number, (row, target) in enumerate(dataset.take(5)):
        equal(row, cell.training_inputs[number])
        equal(target, cell.training_targets[number])


def test_validation_split_takes_the_last_rows():
    says(
        NOTEBOOK,
        "`validation_split=0.3` takes the *last* 30 % of the rows as they stand, before any shuffling",
    )
    seen = []

    class Witness(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            seen.append(logs["mae"])

    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(
        optimizer=keras.optimizers.SGD(0.0), loss="mse", metrics=["mae"], run_eagerly=True
    )
    targets = np.arange(10, dtype="float32").reshape(10, 1)
    model.fit(
        np.ones((10, 1)), targets, validation_split=0.3, epochs=1, verbose=0, callbacks=[Witness()]
    )
    assert seen == [pytest.approx(np.mean([7, 8, 9]))]  # the model answers 0


def test_the_data_of_the_memorizer():
    says(
        NOTEBOOK,
        "Here are two interleaved half-moons with much noise: 40 points to train on, 1,000 to validate, "
        "and a network of more than 60,000 weights.",
    )
    end = end_of(NOTEBOOK)
    assert (end.few_inputs.shape, end.fresh_inputs.shape) == ((40, 2), (1000, 2))
    assert end.memorizer.count_params() > 60_000
    for inputs, targets in [
        (end.few_inputs, end.few_targets),
        (end.fresh_inputs, end.fresh_targets),
    ]:
        moons, classes = datasets.two_moons(len(inputs) // 2, noise=0)
        equal(targets, classes)
        assert np.std(inputs - moons) == pytest.approx(0.35, rel=0.2)


def test_all_points_make_one_batch():
    says(
        NOTEBOOK,
        "All 40 points make one batch, so there is nothing to shuffle or to cut: "
        "`from_tensors` makes a dataset of that one batch",
    )
    end = end_of(NOTEBOOK)
    dataset = tf.data.Dataset.from_tensors((end.few_inputs, end.few_targets))
    ((inputs, _),) = dataset
    assert len(inputs) == 40
    assert end.memorizer.history.params["steps"] == 1
    assert int(end.memorizer.optimizer.iterations) == len(end.memorizer.history.epoch) == 100


def test_the_curves_of_the_memorizer():
    says(NOTEBOOK, "At first both fall")
    says(NOTEBOOK, "The training loss falls on")
    (axes,) = figure_with_alt(
        NOTEBOOK,
        "Two curves over 100 epochs. The training loss keeps falling toward 0. The validation loss "
        "falls at first, turns within the first 40 epochs, and rises far above where it began.",
    ).axes
    training, validation = (line.get_ydata() for line in axes.lines)
    assert [line.get_label() for line in axes.lines] == ["training", "validation"]
    assert len(training) == len(validation) == 100
    assert np.all(np.diff(training[:3]) < 0) and np.all(np.diff(validation[:3]) < 0)
    assert np.all(np.diff(training[::10]) < 0) and training[-1] < 0.1
    assert 3 < np.argmin(validation) < 40
    assert validation[-1] > 1.5 * validation[0]


def test_where_the_memorizer_stops_learning():
    says(NOTEBOOK, "Within ten epochs they part.")
    says(NOTEBOOK, "the validation loss wavers, is lowest near epoch 20, and then climbs")
    cell = next(cell for cell in run(NOTEBOOK).values() if "memorizer" in cell.names)
    training, validation = cell.record["loss"], cell.record["val_loss"]
    assert all(validation[epoch] > training[epoch] for epoch in range(9, 100))
    assert 15 <= np.argmin(validation) + 1 <= 25
    before, after = np.split(np.array(validation), [np.argmin(validation)])
    assert np.any(np.diff(before) > 0) and np.all(np.diff(after[::10]) > 0)
    assert validation[-1] > 1.5 * validation[0]
    assert training[-1] < 0.1
    assert cell.memorizer.count_params() > 60_000


def test_validation_accuracy_hardly_suffers():
    says(NOTEBOOK, "(The validation *accuracy* hardly suffers here.")
    record = end_of(NOTEBOOK).memorizer.history.history["val_binary_accuracy"]
    assert max(record) - record[-1] < 0.03


def test_crossentropy_punishes_sure_and_wrong_answers():
    says(
        NOTEBOOK,
        "Crossentropy punishes wrong answers the more, the surer the model is of them, and this one becomes very sure.",
    )
    crossentropy = keras.losses.BinaryCrossentropy()
    punished = [float(crossentropy([[0.0]], [[score]])) for score in (0.6, 0.9, 0.999)]
    assert np.all(np.diff(punished) > 1)
    end = end_of(NOTEBOOK)
    scores = end.memorizer(end.fresh_inputs).numpy()
    assert np.mean(np.abs(scores - 0.5) > 0.49) > 0.5
    wrong = (scores > 0.5) != end.fresh_targets
    assert np.mean(np.abs(scores[wrong] - 0.5) > 0.45) > 0.5


def test_a_stray_point_has_an_island_to_itself():
    says(NOTEBOOK, "down to an island around a single stray one.")
    (axes,) = figure_with_alt(
        NOTEBOOK,
        "Every point lies in a region of its own class; a stray point of class 0, deep among class 1, "
        "has a small island to itself.",
    ).axes
    end = end_of(NOTEBOOK)
    negative, positive = np.split(end.few_inputs, 2)
    lines = [found for found in axes.collections if getattr(found, "levels", None) is not None]
    (path,) = lines[-1].get_paths()
    parts = path.to_polygons(closed_only=False)
    (island,) = (Path(part) for part in parts if np.array_equal(part[0], part[-1]))
    assert np.ptp(island.vertices, axis=0).max() < 0.5
    assert island.contains_points(negative).sum() == 1
    assert island.contains_points(positive).sum() == 0
    (stray,) = negative[island.contains_points(negative)]
    others = np.delete(end.few_inputs, np.all(end.few_inputs == stray, axis=1), axis=0)
    targets = np.delete(end.few_targets, np.all(end.few_inputs == stray, axis=1), axis=0)
    nearest = np.argsort(np.linalg.norm(others - stray, axis=1))[:5]
    assert targets[nearest].sum() == 5


def test_early_stopping_stops_where_the_validation_loss_is_lowest():
    says(
        NOTEBOOK,
        "stopping where the validation loss is lowest (`keras.callbacks.EarlyStopping` does it)",
    )
    model = keras.Sequential([keras.layers.Dense(1)])
    model(np.ones((1, 2)))
    model.stop_training = False
    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    stopping.set_model(model)
    stopping.on_train_begin()
    for epoch, loss in enumerate([0.9, 0.5, 0.6, 0.7, 0.1]):
        if model.stop_training:
            break
        model.set_weights([np.full((2, 1), epoch), np.zeros(1)])
        stopping.on_epoch_end(epoch, {"val_loss": loss})
    stopping.on_train_end()
    assert epoch == 4
    equal(model.get_weights()[0], [[1], [1]])


def test_what_the_memorizer_reaches_on_seen_and_unseen_rows():
    says(NOTEBOOK, "Every training point lies in a region of its own class")
    says(NOTEBOOK, "A model with many weights and few samples can learn the samples by heart.")
    says(
        NOTEBOOK,
        "Here is what happens if the rows it is judged on have been in training",
    )
    says(NOTEBOOK, "The leaked number is flattery.")
    end = end_of(NOTEBOOK)
    assert end.leaked == 1.0
    assert end.honest < 0.9


def test_a_linear_model_is_not_kept_between_0_and_1():
    says(NOTEBOOK, "Nothing keeps a linear model between 0 and 1.")
    scores = run(NOTEBOOK)["snippet-predict"].predictions
    assert scores.min() < 0 and scores.max() > 1


def test_the_explorer_shows_what_the_text_says():
    says(
        NOTEBOOK,
        "These networks have been trained beforehand, on few or many points of two such moons.",
    )
    moons, _ = datasets.two_moons(200, noise=overfitting.NOISE, seed=1)
    inputs, targets = overfitting.points(400)
    assert set(map(tuple, inputs)) == set(map(tuple, moons)) and set(targets.ravel()) == {0, 1}
    says(
        NOTEBOOK, "With many units and few points, move the epochs back: where do the losses part?"
    )
    numbers = overfitting.frame(units=16, samples=20).seen.numbers
    assert numbers["val_loss"] > 0.9 > 0.1 > numbers["loss"] and numbers["best_epoch"] == 160
    says(NOTEBOOK, "see what helps against it, fewer units or more points")

    def val_loss(units: int, samples: int) -> float:
        return overfitting.frame(units=units, samples=samples).seen.numbers["val_loss"]

    assert val_loss(16, 400) < val_loss(4, 20) < numbers["val_loss"] / 2 < val_loss(16, 60)
