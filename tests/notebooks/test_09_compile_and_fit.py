"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import inspect
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from support import datasets
from support.explore import optimizers
from tests.curriculum import NOTEBOOKS, code_cells, end_of, equal, published, run, says, source_of

NOTEBOOK = "09_compile_and_fit"


def test_three_more_choices_are_stored_by_compile():
    says(NOTEBOOK, "Three more choices say how it learns:")
    says(NOTEBOOK, "`compile` stores them in the model")
    model = keras.Sequential([keras.layers.Dense(1)])
    optimizer, loss = keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError()
    metric = keras.metrics.BinaryAccuracy()
    model.compile(optimizer=optimizer, loss=loss, metrics=[metric], run_eagerly=True)
    assert model.optimizer is optimizer and model.loss is loss
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0).history
    assert float(metric.result()) == history["binary_accuracy"][-1]


def trained_on(inputs, targets, metrics=(), seed=3, **options):
    """A linear model, trained by gradient descent, and its history."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Dense(1)])
    sgd = keras.optimizers.SGD(0.1)
    model.compile(optimizer=sgd, loss="mse", metrics=list(metrics), run_eagerly=True)
    return model, model.fit(inputs, targets, verbose=0, **options)


def test_metrics_steer_nothing_and_the_loss_gets_smaller():
    says(NOTEBOOK, "the **loss**: the one number that training makes smaller")
    says(NOTEBOOK, "They steer nothing, so they may be anything")
    inputs, targets = datasets.two_clouds(20)
    plain, history = trained_on(inputs, targets, epochs=3, batch_size=40)
    anything = ["mae", lambda targets, predictions: targets * 7]
    watched, _ = trained_on(inputs, targets, anything, epochs=3, batch_size=40)
    equal(plain.get_weights()[0], watched.get_weights()[0])
    assert np.all(np.diff(history.history["loss"]) < 0)


class Witness(keras.layers.Layer):
    """Passes its inputs on, and keeps what it saw."""

    def __init__(self):
        super().__init__()
        self.seen: list[list[float]] = []

    def call(self, inputs):
        if hasattr(inputs, "numpy"):  # not the placeholder that Keras tries first
            self.seen.append(inputs.numpy()[:, 0].tolist())
        return inputs


def rows_seen(**options):
    """What `fit` hands out at each step, of ten rows with the features 0 to 9, and how many steps it took."""
    numbers = np.arange(10, dtype="float32").reshape(10, 1)
    witness = Witness()
    model = keras.Sequential([witness, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse", run_eagerly=True)
    model(numbers[:1])
    witness.seen.clear()
    before = model.get_weights()[0].item()
    model.fit(numbers, numbers, verbose=0, **options)
    assert model.get_weights()[0].item() != before
    return witness.seen, int(model.optimizer.iterations)


def test_fit_goes_epochs_times_through_the_data_in_batches():
    says(NOTEBOOK, "`epochs` times through all the data, `batch_size` samples at a step")
    says(NOTEBOOK, "It shuffles the data, cuts it into batches")
    says(NOTEBOOK, "One pass over the data is an **epoch**.")
    says(
        NOTEBOOK,
        "for each batch runs the model under a tape and lets the optimizer move the weights",
    )
    seen, steps = rows_seen(epochs=2, batch_size=4)
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2] and steps == 6
    for epoch in (seen[:3], seen[3:]):
        rows = np.concatenate(epoch).tolist()
        assert rows != sorted(rows) == list(range(10))


def test_fit_is_silent_with_verbose_0_and_shows_a_bar_with_timings_with_1(capsys):
    says(NOTEBOOK, "with `verbose=0` in silence")
    says(
        NOTEBOOK, "`verbose=0` switches off Keras's progress bar, whose timings differ at every run"
    )
    says(NOTEBOOK, "Try `verbose=1` to see the bar.")
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    capsys.readouterr()
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=1)
    assert re.search(r"1/1.*━.*\dm?s/step - loss", capsys.readouterr().out)


def test_fit_calls_a_callback_at_certain_moments():
    says(NOTEBOOK, "a small **callback**, an object whose methods `fit` calls at certain moments")
    says(NOTEBOOK, "prints each epoch in its place")
    moments = []

    class Moments(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            moments.append("begin")

        def on_train_batch_end(self, batch, logs=None):
            moments.append("batch")

        def on_epoch_end(self, epoch, logs=None):
            moments.append("epoch")

    inputs, targets = datasets.two_clouds(4)
    trained_on(inputs, targets, epochs=2, batch_size=4, callbacks=[Moments()])
    assert moments == ["begin", *["batch", "batch", "epoch"] * 2]
    assert len(run(NOTEBOOK)["listing-3.23"].printed.splitlines()) == 5


def test_fit_returns_a_history_of_the_loss_and_each_metric():
    says(
        NOTEBOOK,
        "It returns a history whose `history` is a dictionary, "
        "with one list of values for the loss and for each metric.",
    )
    inputs, targets = datasets.two_clouds(4)
    _, history = trained_on(inputs, targets, ["mae", "binary_accuracy"], epochs=2)
    assert isinstance(history, keras.callbacks.History) and type(history.history) is dict
    lengths = {name: len(values) for name, values in history.history.items()}
    assert lengths == {"loss": 2, "mae": 2, "binary_accuracy": 2}


def test_names_take_the_default_settings():
    says(NOTEBOOK, "The short form gives each by a name, and takes its default settings.")
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="rmsprop", loss="mean_squared_error", metrics=["accuracy"])
    assert isinstance(model.optimizer, keras.optimizers.RMSprop)
    settings, defaults = (
        {name: value for name, value in optimizer.get_config().items() if name != "name"}
        for optimizer in (model.optimizer, keras.optimizers.RMSprop())
    )
    assert settings == defaults


def measured(metric, targets, outputs) -> float:
    """What `evaluate` says of outputs under a metric."""
    model = keras.Sequential([keras.layers.Identity()])
    model.compile(loss="mse", metrics=[metric], run_eagerly=True)
    outputs, targets = np.float32(outputs), np.float32(targets)
    return model.evaluate(outputs, targets, verbose=0)[1]


def test_what_the_name_accuracy_means():
    says(
        NOTEBOOK,
        'The name "accuracy" is a request, and Keras looks at the targets and the outputs to choose what it means.',
    )
    says(
        NOTEBOOK,
        "With one output it means binary accuracy: is the score above 0.5 when the target is 1, and not when it is 0?",
    )
    targets, scores = [[1], [1], [1], [0], [0]], [[0.6], [0.5], [0.4], [0.5], [0.6]]
    assert measured("accuracy", targets, scores) == pytest.approx(2 / 5)
    assert measured("binary_accuracy", targets, scores) == pytest.approx(2 / 5)
    one_hot, shares = [[0, 1, 0], [1, 0, 0]], [[0.3, 0.4, 0.3], [0.2, 0.4, 0.4]]
    assert measured("accuracy", one_hot, shares) == pytest.approx(1 / 2)
    assert measured("binary_accuracy", one_hot, shares) == pytest.approx(4 / 6)
    shares = [[0.3, 0.4, 0.3], [0.4, 0.3, 0.3]]
    assert measured("accuracy", one_hot, shares) == 1
    assert measured("binary_accuracy", one_hot, shares) == pytest.approx(4 / 6)


def test_compile_strings():
    says(NOTEBOOK, "By name, as here, the key is `accuracy`.")
    cell = run(NOTEBOOK)["snippet-compile-strings"]
    assert cell.printed.strip() == "keys of the history: ['accuracy', 'loss']"
    source = source_of(NOTEBOOK, "snippet-compile-strings")
    assert 'optimizer="rmsprop", loss="mean_squared_error", metrics=["accuracy"]' in source


def test_compile_objects():
    says(NOTEBOOK, "whose key is `binary_accuracy`. That is the key of the metric object.")
    cell = run(NOTEBOOK)["snippet-compile-objects"]
    assert cell.printed.strip() == "keys of the history: ['binary_accuracy', 'loss']"


def test_accuracy_trap():
    says(NOTEBOOK, "There is also a metric called `Accuracy`")
    says(NOTEBOOK, "Here are both, on the same model and the same data.")
    says(
        NOTEBOOK,
        "That metric counts *exact equality* of output and target, and a score such as 0.9731 is not exactly 1. "
        "So it reads 0.0 here, before training and after it.",
    )
    cell = run(NOTEBOOK)["snippet-accuracy-trap"]
    assert cell.accuracy == 0.0
    assert cell.binary_accuracy > 0.9
    untrained = keras.Sequential([keras.layers.Dense(1)])
    assert keras.metrics.Accuracy()(cell.targets, untrained(cell.inputs)).numpy() == 0.0
    assert keras.metrics.Accuracy()([[1]], [[0.9731]]).numpy() == 0
    assert keras.metrics.Accuracy()([[1]], [[1.0]]).numpy() == 1


def test_what_accuracy_is_meant_for():
    says(
        NOTEBOOK,
        "It is meant for predicted class numbers. For one score per sample take `BinaryAccuracy`.",
    )
    says(NOTEBOOK, "`Accuracy` is for class numbers; for scores use `BinaryAccuracy`.")
    assert keras.metrics.Accuracy()([2, 1, 0, 2], [2, 1, 2, 2]).numpy() == pytest.approx(3 / 4)
    scores = [[0.9], [0.7], [0.2], [0.4]]
    assert keras.metrics.BinaryAccuracy()([[1], [1], [0], [1]], scores).numpy() == 3 / 4


def test_a_loss_and_a_metric_return_one_number_for_each_sample():
    says(
        NOTEBOOK,
        "A loss is a function of targets and predictions that returns one number for each sample; so is a metric. "
        "`axis=-1` averages over each sample's outputs.",
    )
    cell = run(NOTEBOOK)["snippet-custom"]
    targets = np.float32([[0, 1, 1], [1, 0, 0]])
    predictions = np.float32([[0.2, 0.4, 0.9], [0.8, 0.1, 0.7]])
    equal(cell.my_custom_loss(targets, predictions), np.mean((targets - predictions) ** 2, axis=1))
    equal(cell.my_custom_metric_1(targets, predictions), [2 / 3, 2 / 3])


def test_a_metric_as_a_class():
    says(
        NOTEBOOK,
        "`update_state` is called for each batch and keeps running totals, and `result` gives the number so far.",
    )
    says(NOTEBOOK, "Keras names the arguments `y_true` for targets and `y_pred` for predictions.")
    calls = []

    class Counted(run(NOTEBOOK)["snippet-custom"].MyCustomMetric2):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_true, y_pred)
            calls.append((len(y_true), float(self.result())))

    model = keras.Sequential([keras.layers.Identity()])
    model.compile(loss="mse", metrics=[Counted()], run_eagerly=True)
    model.evaluate(np.float32([[1], [2], [3], [6], [8]]), np.zeros((5, 1)), batch_size=2, verbose=0)
    assert calls == [(2, 1.5), (2, 3.0), (1, 4.0)]
    for method in (
        keras.metrics.MeanAbsoluteError.update_state,
        keras.metrics.AUC.update_state,
        keras.losses.Loss.call,
    ):
        assert list(inspect.signature(method).parameters)[1:3] == ["y_true", "y_pred"]


def test_custom_loss_and_metrics_equal_their_twins():
    says(
        NOTEBOOK,
        "Above are three that work: mean squared error, binary accuracy, and mean absolute error.",
    )
    cell = run(NOTEBOOK)["snippet-custom"]
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
    says(
        NOTEBOOK,
        "Each has a built-in twin, so they can be checked against it, at the chapter's learning rate of 1e-4.",
    )
    rate = run(NOTEBOOK)["model-compile"].model.optimizer.learning_rate
    assert float(rate) == pytest.approx(1e-4)
    results = end_of(NOTEBOOK).results
    assert results["loss"] == pytest.approx(results["mean_squared_error"], rel=1e-4)
    assert results["my_custom_metric_1"] == pytest.approx(results["binary_accuracy"], rel=1e-4)
    assert results["my_custom_metric_2"] == pytest.approx(results["mean_absolute_error"], rel=1e-4)
    assert results["my_custom_metric_1"] > 0.9


def test_catalogue():
    says(
        NOTEBOOK,
        "the optimizers make x² smaller, three steps from x = 1; "
        "the losses and metrics judge four samples of classes 1, 0, 1 and 0. "
        "A model has given each a share for class 0 and one for class 1. "
        "It is right three times and wrong about the third sample.",
    )
    says(NOTEBOOK, "Here the usual ones are created and applied once")
    cell = run(NOTEBOOK)["snippet-catalogue"]
    assert cell.class_numbers.tolist() == [1, 0, 1, 0]
    equal(cell.shares.sum(axis=1), np.ones(4))
    right = cell.shares.argmax(axis=1) == cell.class_numbers
    assert right.tolist() == [True, True, False, True]
    printed = [re.split(r"  +", line) for line in cell.printed.splitlines()]
    descents = {name: [float(x) for x in values.split()] for name, values in printed[:5]}
    assert descents["SGD"] == [0.8, 0.64, 0.512]  # x ← x − 0.1·2x
    assert descents["SGD with momentum"] == [0.8, 0.46, 0.062]  # velocity ← 0.9·velocity − 0.1·2x
    assert set(descents) == {"SGD", "SGD with momentum", "RMSprop", "Adam", "Adagrad"}
    assert all(1 > first > second > third > 0 for first, second, third in descents.values())
    measured = {name: float(value) for name, value in printed[5:]}
    right_shares = cell.shares[range(4), cell.class_numbers]
    assert right_shares.tolist() == [0.7, 0.6, 0.2, 0.9]
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


def test_crossentropy():
    says(
        NOTEBOOK,
        "**Crossentropy** is the negative logarithm of the share that went to the right class: "
        "0 if all of it did, large if little did.",
    )
    crossentropy = keras.losses.CategoricalCrossentropy()
    for share, expected in [(1, 0), (0.5, np.log(2)), (1e-4, -np.log(1e-4))]:
        loss = crossentropy([[0, 1]], [[1 - share, share]])
        assert float(loss) == pytest.approx(expected, abs=1e-5)


def measures() -> dict[str, float]:
    """What the catalogue's losses and metrics printed."""
    printed = run(NOTEBOOK)["snippet-catalogue"].printed
    return {name: float(value) for name, value in re.findall(r"^(\w+) +(\S+)$", printed, re.M)}


def test_three_crossentropies_agree_and_kl_divergence_with_one_hot_targets():
    says(
        NOTEBOOK,
        "Three versions agree here, since they say the same about two classes in three notations: "
        "**one-hot** rows, class numbers, or a single score. "
        "So does the KL divergence, which compares two distributions, as long as the targets are one-hot.",
    )
    values = [value for name, value in measures().items() if name.endswith("Crossentropy")]
    assert len(values) == 3 and len({*values, measures()["KLDivergence"]}) == 1
    cell = run(NOTEBOOK)["class-numbers-np-array-1-0-1-0"]
    assert cell.one_hot.argmax(axis=1).tolist() == cell.class_numbers.tolist()
    assert set(cell.one_hot.sum(axis=1)) == {1} and cell.scores.shape == (4, 1)
    soft, shares = np.float32([[0.5, 0.5]]), np.float32([[0.3, 0.7]])
    divergence = float(keras.losses.KLDivergence()(soft, shares))
    assert divergence == pytest.approx(np.sum(soft * np.log(soft / shares)), abs=1e-5)
    assert float(keras.losses.CategoricalCrossentropy()(soft, shares)) > divergence + 0.5


def test_cosine_similarity_is_negative_as_a_loss():
    says(
        NOTEBOOK,
        "Cosine similarity is *negative* as a loss, because more similarity must be less loss.",
    )
    assert measures()["CosineSimilarity"] < 0
    similarity = keras.losses.CosineSimilarity()
    same, near, across = (
        float(similarity([[0.0, 1.0]], [answer])) for answer in ([0.0, 2.0], [1.0, 2.0], [1.0, 0.0])
    )
    assert same == pytest.approx(-1) and across == pytest.approx(0) and same < near < across


def test_accuracy_precision_recall_and_auc():
    says(
        NOTEBOOK,
        "Accuracy is 3 of 4. **Precision** asks how many of those called class 1 are (1 of 1), "
        "**recall** how many of class 1 were found (1 of 2), and **AUC** how often a sample of class 1 scores "
        "above one of class 0 (3 of 4 pairs).",
    )
    cell = run(NOTEBOOK)["class-numbers-np-array-1-0-1-0"]
    truth, scores = cell.class_numbers == 1, cell.scores[:, 0]
    called = scores > 0.5
    pairs = scores[truth][:, None] > scores[~truth]
    for name, share, of in [
        ("Accuracy", called == truth, 4),
        ("Precision", truth[called], 1),
        ("Recall", called[truth], 2),
        ("AUC", pairs, 4),
    ]:
        assert np.size(share) == of
        for measure, value in measures().items():
            if measure.endswith(name):
                assert value == np.mean(share)
    assert [np.sum(called == truth), np.sum(truth[called]), np.sum(called[truth])] == [3, 1, 1]
    assert np.sum(pairs) == 3


def descent(optimizer, steepness=1.0, steps=3) -> np.ndarray:
    """The steps of an optimizer down steepness · x² from x = 1."""
    x, path = keras.Variable(1.0), [1.0]
    for _ in range(steps):
        optimizer.apply([2 * steepness * x.value], [x])
        path.append(float(x.value))
    return -np.diff(path)


def test_how_long_the_steps_are():
    says(NOTEBOOK, "SGD's steps shrink with the gradient.")
    says(
        NOTEBOOK,
        "RMSprop and Adam divide by the gradient's usual size, "
        "so that steep and flat places get steps of similar length.",
    )
    says(
        NOTEBOOK,
        "Adam's are about the rate itself; RMSprop's first ones are larger, "
        "because its running average begins at 0.",
    )
    lines = re.findall(
        r"^(\S+) +(\S+) (\S+) (\S+)$", run(NOTEBOOK)["snippet-catalogue"].printed, re.M
    )
    steps = {name: -np.diff([1, *map(float, values)]) for name, *values in lines}
    equal(steps["SGD"] / (0.2 * np.array([1, 0.8, 0.64])), np.ones(3))
    np.testing.assert_allclose(steps["Adam"], 0.1, atol=0.003)
    assert np.all(steps["RMSprop"][:2] > 0.15)
    for make in (keras.optimizers.RMSprop, keras.optimizers.Adam):
        np.testing.assert_allclose(descent(make(1e-3)), descent(make(1e-3), 100), rtol=0.01)
    flat, steep = (descent(keras.optimizers.SGD(1e-3), steepness)[0] for steepness in (1, 100))
    assert steep == pytest.approx(100 * flat, rel=1e-3)
    optimizer, x = keras.optimizers.RMSprop(0.1), keras.Variable(1.0)
    optimizer.build([x])
    average = optimizer.variables[-1]
    assert average.numpy() == 0
    average.assign(4.0)  # the square of the first gradient
    optimizer.apply([2 * x.value], [x])
    assert 1 - float(x.value) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("idea", "name", "options", "by_hand"),
    [
        (
            "| SGD | the step is the rate times the gradient |",
            "SGD",
            {},
            lambda gradients: 0.1 * gradients[-1],
        ),
        (
            "| SGD with momentum | the step also keeps some of the speed of the steps before |",
            "SGD",
            {"momentum": 0.9},
            lambda gradients: 0.1 * recent(gradients, 0.9),
        ),
        (
            "| RMSprop | divides by a running average of the gradient's size |",
            "RMSprop",
            {},
            lambda gradients: 0.1 * gradients[-1] / np.sqrt(0.1 * recent(gradients**2, 0.9)),
        ),
        (
            "| Adam | momentum and RMSprop together; a good first choice |",
            "Adam",
            {},
            lambda gradients: (
                0.1 * recent_average(gradients, 0.9) / np.sqrt(recent_average(gradients**2, 0.999))
            ),
        ),
        (
            "| Adagrad | divides by the root of the sum of all squared gradients so far, "
            "so its effective rate only shrinks |",
            "Adagrad",
            {"initial_accumulator_value": 0},
            lambda gradients: 0.1 * gradients[-1] / np.sqrt(np.sum(gradients**2)),
        ),
    ],
)
def test_ideas_of_the_optimizers(idea, name, options, by_hand):
    says(NOTEBOOK, idea)
    steps = descent(getattr(keras.optimizers, name)(0.1, **options), steps=5)
    gradients = 2 * (1 - np.concatenate([[0], np.cumsum(steps)[:-1]]))
    expected = [by_hand(gradients[: number + 1]) for number in range(5)]
    np.testing.assert_allclose(steps, expected, rtol=1e-3)


def recent(values, kept) -> float:
    """The sum of values in which each step keeps this share of what was there before."""
    return sum(value * kept**age for age, value in enumerate(values[::-1]))


def recent_average(values, kept) -> float:
    """The average of values in which each step keeps this share of the weight of those before."""
    return recent(values, kept) / recent(np.ones(len(values)), kept)


@pytest.mark.parametrize(
    ("row", "units", "activation", "loss", "classes"),
    [
        (
            "| two classes | 1 unit, sigmoid | `BinaryCrossentropy` |",
            1,
            "sigmoid",
            keras.losses.BinaryCrossentropy,
            lambda numbers: numbers[:, None],
        ),
        (
            "| one of many classes, one-hot targets | one unit per class, softmax | `CategoricalCrossentropy` |",
            3,
            "softmax",
            keras.losses.CategoricalCrossentropy,
            lambda numbers: np.eye(3)[numbers],
        ),
        (
            "| one of many classes, class numbers | one unit per class, softmax | `SparseCategoricalCrossentropy` |",
            3,
            "softmax",
            keras.losses.SparseCategoricalCrossentropy,
            lambda numbers: numbers,
        ),
        (
            "| a number | 1 unit, no activation | `MeanSquaredError` |",
            1,
            None,
            keras.losses.MeanSquaredError,
            lambda numbers: 5.0 - 3 * numbers[:, None],
        ),
    ],
)
def test_which_loss_for_which_problem(row, units, activation, loss, classes):
    says(NOTEBOOK, row)
    numbers = np.arange(2 if row.startswith("| two") else 3).repeat(4)
    inputs, targets = np.eye(3, dtype="float32")[numbers], classes(numbers)
    last_layer, measure = keras.layers.Dense(units, activation), loss()
    rate = 0.5 if loss is keras.losses.MeanSquaredError else 2
    losses = []
    for _ in range(40):
        with tf.GradientTape() as tape:
            value = measure(targets, last_layer(inputs))
        gradients = tape.gradient(value, last_layer.weights)
        for weight, gradient in zip(last_layer.weights, gradients, strict=True):
            weight.assign(weight - rate * gradient)
        losses.append(float(value))
    assert losses[-1] < 0.05 < losses[0]
    answers = last_layer(inputs).numpy()
    found = answers.argmax(axis=1) if answers.shape[1] == 3 else answers
    right = numbers if answers.shape[1] == 3 else targets
    np.testing.assert_allclose(found, right, atol=0.2)


def test_the_two_notations_are_not_interchangeable():
    says(NOTEBOOK, "in the shape in which the model answers")
    shares = np.float32([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])
    with pytest.raises(ValueError, match="shape"):
        keras.losses.CategoricalCrossentropy()(np.array([2, 1]), shares)
    with pytest.raises(ValueError, match="shape"):
        keras.losses.SparseCategoricalCrossentropy()(np.eye(3)[[2, 1]], shares)


def test_pick_a_loss():
    says(NOTEBOOK, "categorical crossentropy, made for several classes, on a model with one output")
    says(NOTEBOOK, "Keras notices and warns; the cell catches the warning and prints it.")
    says(
        NOTEBOOK, "The wrong loss is as good as zero, a perfect loss, and the classifier is no use."
    )
    cell = run(NOTEBOOK)["snippet-pick-a-loss"]
    (_, right_accuracy, right_moved), (wrong_loss, wrong_accuracy, wrong_moved) = (
        cell.right,
        cell.wrong,
    )
    assert right_accuracy > 0.98 and right_moved
    assert wrong_loss < 1e-6 and wrong_accuracy < 0.8 and not wrong_moved
    assert "binary_crossentropy" in str(cell.caught[0].message)
    assert "Keras warned: expected y_pred.shape to be (batch_size, num_classes)" in cell.printed


def test_categorical_crossentropy_of_one_output_has_nothing_to_improve():
    says(
        NOTEBOOK,
        "Categorical crossentropy divides the outputs of each sample by their sum, to get shares. "
        "With one output, that share is 1, whatever the weights are. "
        "There is nothing to improve, the gradient is 0, and nothing moves.",
    )
    crossentropy = keras.losses.categorical_crossentropy
    divided = crossentropy(np.float32([[0, 1]]), np.float32([[2, 6]]))
    equal(divided, [-np.log(6 / 8)])
    for output in (0.01, 0.4, 7.0):
        weight = tf.Variable([[output]])
        with pytest.warns(SyntaxWarning, match="num_classes > 1"), tf.GradientTape() as tape:
            loss = crossentropy(np.float32([[1]]), weight)
        assert loss.numpy().item() == pytest.approx(0, abs=1e-6)
        assert tape.gradient(loss, weight).numpy() == 0


def test_accuracy_has_no_slope_and_no_gradient():
    says(
        NOTEBOOK,
        "Because nudging a weight by very little changes no point's class: its slope is 0 nearly everywhere. "
        "TensorFlow does not even record a comparison, so the gradient is `None`.",
    )
    cell = run(NOTEBOOK)["weight-tf-variable-0-5-0-5"]
    assert cell.printed.endswith("gradient: None\n")
    weight = cell.weight.numpy()

    def accuracy(weight):
        return np.mean((cell.inputs @ weight > 0.5) == (cell.targets > 0.5))

    assert cell.share_of_hits.numpy() == pytest.approx(accuracy(weight))
    for row in range(2):
        nudged = weight.copy()
        nudged[row] += 1e-5
        assert accuracy(nudged) == accuracy(weight)
        nudged[row] += 0.5
        assert accuracy(nudged) != accuracy(weight)


def test_3_23_fit():
    says(NOTEBOOK, "Five epochs, batches of 128.")
    says(
        NOTEBOOK,
        "The listings of this chapter keep notebook 06's linear model and its squared error for two classes",
    )
    cell = run(NOTEBOOK)["listing-3.23"]
    assert (cell.epochs, cell.batch_size) == (5, 128)
    (layer,) = cell.model.layers
    assert (layer.units, layer.activation) == (1, keras.activations.linear)
    assert set(cell.targets.ravel()) == {0, 1}
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


def test_what_compiling_again_keeps():
    says(
        NOTEBOOK, "Compiling again leaves the weights alone, and `fit` goes on from where they are."
    )
    model = keras.Sequential([keras.layers.Dense(1)])
    model(tf.ones((1, 2)))
    before = model.get_weights()
    model.compile(optimizer="sgd", loss="mse")
    model.compile(optimizer=keras.optimizers.SGD(1e-3), loss="mae", run_eagerly=True)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    model.fit(tf.ones((4, 2)), tf.zeros((4, 1)), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], before[0], atol=2e-3)
    assert np.any(model.get_weights()[0] != before[0])


def test_the_history_holds_the_average_over_the_samples():
    says(NOTEBOOK, "the loss is the average over the samples of the epoch")
    inputs, targets = datasets.two_clouds(50)  # 100 rows: batches of 64 and 36
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", run_eagerly=True)
    history = model.fit(inputs, targets, batch_size=64, verbose=0).history
    assert history["loss"][0] == pytest.approx(
        np.mean((model(inputs).numpy() - targets) ** 2), rel=1e-4
    )


def test_fit_is_the_loop_written_by_hand():
    says(NOTEBOOK, "`fit` is the loop of notebook 06, written once and for all.")
    says(
        NOTEBOOK,
        "The values of the history are taken *while* the weights move: "
        "the loss is the average over the samples of the epoch, each judged when its batch came by.",
    )
    inputs, targets = datasets.two_clouds(10)
    keras.utils.set_random_seed(3)
    start = keras.Sequential([keras.layers.Dense(1)])
    start(inputs)
    W, b = start.get_weights()
    model, history = trained_on(inputs, targets, epochs=2, batch_size=8, shuffle=False)
    for epoch in range(2):
        squares = []
        for rows in (slice(0, 8), slice(8, 16), slice(16, 20)):
            error = inputs[rows] @ W + b - targets[rows]
            squares.extend(error.ravel() ** 2)
            W = W - 0.1 * 2 * inputs[rows].T @ error / len(error)
            b = b - 0.1 * 2 * error.mean(axis=0)
        assert history.history["loss"][epoch] == pytest.approx(np.mean(squares), rel=1e-4)
    np.testing.assert_allclose(model.get_weights()[0], W, rtol=1e-4)
    np.testing.assert_allclose(model.get_weights()[1], b, rtol=1e-4)


def test_five_epochs_are_eighty_steps():
    says(
        NOTEBOOK,
        "2,000 samples in batches of 128 make 16 batches an epoch, the last one smaller, "
        "so these are 80 steps of training.",
    )
    cell = run(NOTEBOOK)["listing-3.23"]
    assert (len(cell.inputs), cell.batch_size, len(cell.inputs) % cell.batch_size) == (
        2000,
        128,
        80,
    )
    params = cell.history.params
    assert params["steps"] == 16 and params["steps"] * params["epochs"] == 80
    assert int(cell.model.optimizer.iterations) == 80


def test_the_drawn_loss_falls_at_every_epoch():
    (path,) = (path for path in NOTEBOOKS if path.stem == NOTEBOOK)
    (drawing,) = (cell for cell in code_cells(path) if cell.id == "plots-show")
    assert 'alt="The loss over five epochs, falling at every one."' in drawing.source
    (figure,) = run(NOTEBOOK)["plots-show"].figures
    (line,) = figure.axes[0].lines
    assert line.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert np.all(np.diff(line.get_ydata()) < 0)
    equal(line.get_ydata(), end_of(NOTEBOOK).history.history["loss"])


def test_publish_prints_and_marks_the_results():
    says(NOTEBOOK, "`publish` prints the results and marks them")
    printed = published(NOTEBOOK)
    for name, value in end_of(NOTEBOOK).history.history.items():
        assert float(printed[name]) == pytest.approx(value[-1], rel=1e-3)


def test_the_explorer_shows_what_the_text_says():
    says(NOTEBOOK, "Four optimizers on the same loss, from the same start.")
    assert list(optimizers.OPTIMIZERS) == ["SGD", "momentum", "RMSprop", "Adam"]
    says(NOTEBOOK, "In the narrow valley, raise the rate until SGD flies off")
    lost = optimizers.frame(surface="narrow valley", rate=0.3).seen.numbers
    assert lost.pop("SGD") > 1e6 and max(lost.values()) < 1
    says(NOTEBOOK, "On the plain with a hole, the gradient is tiny where they start")
    gradient = optimizers.SURFACES["plain with a hole"].gradient(np.array(optimizers.START))
    assert np.abs(gradient).max() < 0.06
    plain = optimizers.frame(surface="plain with a hole", rate=0.03, steps=20).seen.numbers
    assert max(plain["RMSprop"], plain["Adam"]) < 0.8 < min(plain["SGD"], plain["momentum"])
