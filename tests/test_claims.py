"""What the prose says about runs is so. Each test quotes the sentence that it backs."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from support import datasets, runtime
from tests.curriculum import NOTEBOOKS, prose, run


def says(number: int, sentence: str) -> None:
    """Assert that notebook `number` still says so, in whatever line breaks."""
    assert " ".join(sentence.split()) in " ".join(prose(NOTEBOOKS[number]).split())


def ending(stem: str):
    return list(run(stem).values())[-1]


def test_about_two_thirds_of_normal_numbers_lie_within_one_standard_deviation():
    says(2, "about two thirds of them lie within one standard deviation")
    numbers = ending("02_tensors").many_normal.numpy()
    assert np.mean(np.abs(numbers) < 1) == pytest.approx(0.683, abs=0.02)


def test_names_and_boxes():
    says(3, "It makes a new tensor and moves the *name* over to it; the box is left behind")
    box = tf.Variable(1.0)
    name = box
    name = name + 1.0
    assert not isinstance(name, tf.Variable) and box.numpy() == 1.0


@pytest.mark.parametrize(
    ("sentence", "refused"),
    [
        ("`v.assign(1.0)` is refused as well", lambda v: v.assign(1.0)),
        ("(`v[0, 0] = 3.0` is refused here too.)", lambda v: v.__setitem__((0, 0), 3.0)),
    ],
)
def test_variables_refuse(sentence, refused):
    says(3, sentence)
    v = tf.Variable(tf.ones((3, 1)))
    with pytest.raises((ValueError, TypeError, AttributeError)):
        refused(v)
    assert np.all(v.numpy() == 1)


def test_lists_and_arrays_are_converted_on_assignment():
    says(
        3,
        "(Lists and NumPy arrays have no TensorFlow dtype yet, and are converted without asking.)",
    )
    v = tf.Variable(tf.ones((3, 1)))
    v.assign([[1], [2], [3]])
    v.assign(np.array([[4], [5], [6]]))
    assert v.numpy().tolist() == [[4.0], [5.0], [6.0]]


def test_python_numbers_take_the_tensors_dtype_if_they_fit():
    says(4, "1 becomes 1.0 beside a float tensor, but 0.5 is refused beside an integer tensor")
    assert (tf.constant([1.0]) + 1).dtype == tf.float32
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError)):
        tf.constant([1]) * 0.5


def test_arrays_are_cut_beside_an_integer_tensor():
    says(4, "its decimals are cut off without a word")
    assert (tf.constant([1, 2]) + np.array([1.7, 2.9])).numpy().tolist() == [2, 4]


def test_the_mean_of_integers_is_cut():
    says(4, "(The mean of a table of *integers* is cut to an integer, so cast first.)")
    assert tf.reduce_mean(tf.constant([1, 2])).numpy() == 1


@pytest.mark.parametrize(
    ("sentence", "source", "compute", "gradient"),
    [
        ("whole numbers can't change by a little", tf.Variable(3), lambda x: x**2, None),
        ("`trainable=False` says that", tf.Variable(3.0, trainable=False), lambda x: x**2, None),
        (
            "rounding and comparing cut the path",
            tf.Variable(3.0),
            lambda x: tf.cast(x, tf.int32),
            None,
        ),
        (
            "rounding and comparing cut the path",
            tf.Variable(3.0),
            lambda x: tf.cast(x > 0, tf.float32),
            None,
        ),
        ("rounding and comparing cut the path", tf.Variable(3.0), tf.round, None),
        (
            "Back in TensorFlow, it is a new constant.",
            tf.Variable(3.0),
            lambda x: tf.square(x.numpy()),
            None,
        ),
        (
            "x²·x is x³, whose slope at 3 is 27",
            tf.Variable(3.0),
            lambda x: tf.square(x.numpy()) * x,
            9.0,
        ),
    ],
)
def test_cut_and_unwatched_paths(sentence, source, compute, gradient):
    says(5, sentence)
    with tf.GradientTape() as tape:
        result = compute(source)
    found = tape.gradient(result, source)
    assert (found if found is None else found.numpy()) == gradient
    assert f"{gradient}\n" in "".join(cell.printed for cell in run("05_gradient_tape").values())


def test_a_tape_gives_the_gradient_of_the_sum():
    says(5, "For 21 results a tape gives the gradient of their *sum*")
    v = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        results = v * tf.reduce_sum(v)
    assert tape.gradient(results, v).numpy().tolist() == [12.0, 12.0, 12.0]


def test_gradient_descent_leaves_eight_tenths_at_each_step():
    says(5, "Each step takes 0.1·2x off x and leaves 0.8 of it")
    printed = next(
        cell.printed for cell in run("05_gradient_tape").values() if "step  1" in cell.printed
    )
    values = [float(value) for value in re.findall(r"x = (\S+)", printed)]
    assert values == pytest.approx([3 * 0.8**step for step in range(1, 11)], abs=6e-5)


def test_a_learning_rate_of_one_fifth_diverges():
    says(6, "Twice the rate overshoots the bottom and lands higher on the other side, each time")
    losses = ending("06_linear_classifier").too_fast
    assert np.all(np.diff(losses[1:]) > 0) and losses[-1] > 100
    inputs, _ = datasets.two_clouds()
    with_ones = np.hstack([inputs, np.ones((len(inputs), 1))])
    steepest = np.linalg.eigvalsh(2 * with_ones.T @ with_ones / len(inputs)).max()
    says(6, "How steep the bowl is sets a limit, which lies near 0.15 for our data.")
    assert 2 / steepest == pytest.approx(
        0.15, abs=0.005
    )  # gradient descent on a bowl diverges above this rate


def test_mini_batches_get_about_as_far_step_for_step():
    says(6, "Step for step, mini-batches get about as far")
    full, mini = (
        float(x)
        for x in re.findall(r"loss on all data (\S+)", ending_print("06_linear_classifier", "full"))
    )
    assert mini == pytest.approx(full, rel=0.25)


def ending_print(stem: str, word: str) -> str:
    return next(cell.printed for cell in reversed(run(stem).values()) if word in cell.printed)


def test_the_hand_made_layer_equals_the_built_in_one():
    says(7, "Does the hand-made layer do what the built-in one does?")
    assert "largest difference: 0.0" in ending_print("07_layers", "largest difference")


def test_dense_works_on_the_last_axis_and_the_others_refuse():
    says(7, "The last three refuse another rank. (`Dense` does not: it works on the last axis")
    assert keras.layers.Dense(3)(tf.ones((2, 4, 5, 6))).shape == (2, 4, 5, 3)
    for layer, shape in [
        (keras.layers.LSTM(3), (2, 4)),
        (keras.layers.Conv1D(3, 2), (2, 4, 5, 6)),
        (keras.layers.Conv2D(3, 2), (2, 4, 5)),
    ]:
        with pytest.raises(ValueError, match=r"expected|Kernel shape"):
            layer(tf.ones(shape))


def test_another_last_axis_is_refused():
    says(7, "Another last axis would be refused.")
    layer = keras.layers.Dense(3)
    layer(tf.ones((2, 5)))
    with pytest.raises(ValueError, match="incompatible"):
        layer(tf.ones((2, 6)))


def test_what_a_line_and_a_hidden_layer_reach_on_the_moons():
    says(8, "About 13 % of the points come out wrong")
    says(
        8,
        "without an activation between its layers, a network of any depth draws one straight line",
    )
    moons = ending("08_models")
    assert 1 - moons.linear_accuracy == pytest.approx(0.13, abs=0.01)
    says(8, "the line with the smallest squared error does no better")
    rows = np.column_stack([moons.moon_inputs, np.ones(len(moons.moon_inputs))])
    line, *_ = np.linalg.lstsq(rows, moons.moon_targets, rcond=None)
    best = np.mean((rows @ line > 0.5) == (moons.moon_targets > 0.5))
    assert best == pytest.approx(moons.linear_accuracy, abs=0.01)
    assert moons.no_activation_accuracy == pytest.approx(moons.linear_accuracy, abs=0.02)
    assert moons.hidden_accuracy > 0.98
    first, second = moons.no_activation.layers
    points = tf.random.normal((9, 2))
    as_one = points @ (first.kernel @ second.kernel) + first.bias @ second.kernel + second.bias
    np.testing.assert_allclose(moons.no_activation(points), as_one, atol=1e-5)


def test_what_compiling_again_keeps():
    says(9, "Compiling again leaves the weights alone, and `fit` goes on from where they are.")
    model = keras.Sequential([keras.layers.Dense(1)])
    model(tf.ones((1, 2)))
    before = model.get_weights()
    model.compile(optimizer="sgd", loss="mse")
    model.compile(optimizer="adam", loss="mae")
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_the_history_holds_the_average_over_the_samples():
    says(9, "the loss is the average over the samples of the epoch")
    inputs, targets = datasets.two_clouds(50)  # 100 rows: batches of 64 and 36
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    history = model.fit(inputs, targets, batch_size=64, verbose=0).history
    assert history["loss"][0] == pytest.approx(
        np.mean((model(inputs).numpy() - targets) ** 2), rel=1e-4
    )


def test_five_epochs_are_eighty_steps():
    says(9, "so these are 80 steps of training")
    params = run("09_compile_and_fit")["listing-3.23"].history.params
    assert params["steps"] * params["epochs"] == 80


def test_training_and_validation_are_alike_when_measured_alike():
    says(10, "Measured in the same way, the two are alike")
    cell = run("10_validation_and_inference")["listing-3.24"]
    training, _ = cell.model.evaluate(cell.training_inputs, cell.training_targets, verbose=0)
    validation, _ = cell.model.evaluate(cell.val_inputs, cell.val_targets, verbose=0)
    assert training == pytest.approx(validation, rel=0.1)
    assert cell.history.history["loss"][-1] > 2 * training


def test_a_large_rate_scatters_and_a_tenth_of_it_does_not():
    says(10, "The first line scatters, the second does not.")
    lines = ending_print("10_validation_and_inference", "rate 0.01").splitlines()
    large, small = ([float(value) for value in line.split(":")[1].split()] for line in lines)
    assert max(large) - min(large) > 0.05
    assert min(small) > 0.99


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
    says(
        10,
        "when the random seed is fixed, as our set-up cell does, Keras puts *arrays* into the same order every time",
    )
    says(10, "can shuffle anew for each epoch, and still repeat when you run everything again")
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
    says(10, "Now the luck shows.")
    arrays, dataset = (
        [float(loss) for loss in line.split(":")[1].split()]
        for line in ending_print(
            "10_validation_and_inference", "validation loss, dataset"
        ).splitlines()
    )
    assert max(arrays) - min(arrays) < 0.002
    assert max(dataset) - min(dataset) > 0.02


def test_validation_split_takes_the_last_rows():
    says(
        10,
        "`validation_split=0.3` takes the *last* 30 % of the rows as they stand, before any shuffling",
    )
    seen = []

    class Witness(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            seen.append(logs["mae"])

    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", metrics=["mae"])
    targets = np.arange(10, dtype="float32").reshape(10, 1)
    model.fit(
        np.ones((10, 1)), targets, validation_split=0.3, epochs=1, verbose=0, callbacks=[Witness()]
    )
    assert seen == [pytest.approx(np.mean([7, 8, 9]))]  # the model answers 0


def test_where_the_memorizer_stops_learning():
    says(10, "Within ten epochs they part.")
    says(10, "the validation loss wavers, is lowest near epoch 20, and then climbs")
    cell = next(
        cell for cell in run("10_validation_and_inference").values() if "memorizer" in cell.names
    )
    training, validation = cell.record["loss"], cell.record["val_loss"]
    assert all(validation[epoch] > training[epoch] for epoch in range(9, 100))
    assert 15 <= np.argmin(validation) + 1 <= 25
    assert validation[-1] > 1.5 * validation[0]
    assert training[-1] < 0.1
    assert cell.memorizer.count_params() > 60_000


def test_validation_accuracy_hardly_suffers():
    says(10, "(The validation *accuracy* hardly suffers here.")
    record = ending("10_validation_and_inference").memorizer.history.history["val_binary_accuracy"]
    assert max(record) - record[-1] < 0.03


def test_what_the_memorizer_reaches_on_seen_and_unseen_rows():
    says(10, "Every training point lies in a region of its own class")
    end = ending("10_validation_and_inference")
    assert end.leaked == 1.0
    assert end.honest < 0.9


def test_a_linear_model_is_not_kept_between_0_and_1():
    says(10, "Nothing keeps a linear model between 0 and 1.")
    scores = run("10_validation_and_inference")["snippet-predict"].predictions
    assert scores.min() < 0 and scores.max() > 1
