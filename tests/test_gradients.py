"""`explain_gradient` says what was measured, names a reason only where the record shows it, and leaves no trace."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from support.gradients import LINE, explain_gradient

FINE = "All is well: the gradient has shape"
NONE_AT = "The gradient is None: {} is on the path, and has no slope."
LEFT = "The gradient is None: the path leaves TensorFlow"
UNKNOWN = "Which one, the record does not show."
INDEPENDENT = "The gradient is None: the result does not depend on the source."
UNWATCHED = "The gradient is None: the source is a constant, and nobody watches it."
NOT_TRAINABLE = "The gradient is None: the variable is not trainable"
NO_TENSOR = "There is no gradient: the function returns no tensor but "
INFINITE = "is NaN or infinite"
PARTLY = "There is a gradient, but not that of the whole function"
RANDOM = "function draws random numbers"
STOP = NONE_AT.format("`tf.stop_gradient`")
POSITIONS = NONE_AT.format("sorting, as far as the positions are asked for,")
COMPARISON = NONE_AT.format("a comparison")
CAST = NONE_AT.format("`tf.cast` to whole numbers or truth values")

ACCUMULATOR, COUNTER, OTHER = tf.Variable(0.0), tf.Variable(0.0), tf.Variable(2.0)
LAYER, FROZEN = keras.layers.Dense(3), keras.layers.Dense(3)
for layer in (LAYER, FROZEN):
    layer.build((None, 2))
FROZEN.trainable = False
NORMALIZE = keras.layers.BatchNormalization()
NORMALIZE.build((None, 2))


def assigned_and_read(x):
    ACCUMULATOR.assign(x**2)
    return ACCUMULATOR.read_value()


def counting(x):
    COUNTER.assign_add(1.0)
    return x * COUNTER


@tf.function
def compiled_stop(x):
    return 2 * tf.stop_gradient(x)


@tf.function
def compiled_square(x):
    return x**2


@tf.custom_gradient
def wrong_gradient(x):
    return x**2, lambda upstream: upstream * 3 * x


@tf.custom_gradient
def right_gradient(x):
    return x**2, lambda upstream: upstream * 2 * x


def loss_of(layer):
    return lambda *_: tf.reduce_sum(layer(tf.ones((4, 2))) ** 2)


def v(value, dtype=None, **options):
    return tf.Variable(value, dtype=dtype, **options)


#: A function, its source, and what is to be said.
ANSWERS = [
    # all of the path is there
    (tf.square, v(3.0), FINE),
    (lambda x: x**2 if x > 2 else x, v(3.0), FINE),
    (lambda x: x**2 if x.numpy() > 2 else x, v(3.0), FINE),
    (lambda x: x**2 if x > 3.0 else -x, v(3.0005), FINE),
    (lambda x: tf.reduce_sum(x**2), v([[1.0, 2.0], [3.0, 4.0]]), FINE),
    (lambda x: tf.gather(x, [0]), v([1.0, 2.0]), FINE),
    (lambda x: tf.reduce_sum(tf.gather(x, [0, 1, 0]) ** 2), v(np.ones((5, 3), "float32")), FINE),
    (lambda x: [x**2, 3 * x], v(3.0), FINE),
    (lambda x: {"loss": x**2}, v(3.0), FINE),
    (lambda x: tf.exp(40 * x), v(1.0), FINE),
    (lambda x: tf.tanh(1e4 * x), v(1e-5), FINE),
    (lambda x: x**2, v(1e6), FINE),
    (lambda x: 1e20 * x, v(3.0), FINE),
    (lambda x: 1e-20 * x, v(3.0), FINE),
    (lambda x: tf.math.log1p(x), v(1e8), FINE),
    (lambda x: 0.0 * x, v(3.0), FINE),
    (tf.abs, v(0.0), FINE),
    (tf.nn.relu, v([0.0, -1.0, 2.0]), FINE),
    (lambda x: tf.clip_by_value(x, 0, 1), v([0.5, 1.0, 2.0]), FINE),
    (lambda x: tf.sign(x) * x, v(-2.0), FINE),
    (lambda x: tf.floor(x) + x, v(2.5), FINE),
    (tf.reduce_max, v([1.0, 1.0]), FINE),
    (tf.sort, v([3.0, 1.0, 2.0]), FINE),
    (tf.nn.softmax, v([1.0, 2.0, 3.0]), FINE),
    (lambda x: tf.reduce_sum(tf.nn.softmax(x)), v([1.0, 2.0, 3.0]), FINE),
    (tf.linalg.inv, v([[2.0, 1.0], [0.0, 3.0]]), FINE),
    (
        lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, x])[1],
        v(2.0),
        FINE,
    ),
    (lambda x: tf.cond(x > 1, lambda: x**2, lambda: x), v(2.0), FINE),
    (lambda x: tf.map_fn(tf.sin, x), v([1.0, 2.0]), FINE),
    (lambda x: tf.cast(x, "float64") ** 2, v(3.0), FINE),
    (lambda x: x.assign_add(1.0), v(3.0), FINE),
    (counting, v(3.0), FINE),
    (compiled_square, v(3.0), FINE),
    (right_gradient, v(3.0), FINE),
    (tf.sqrt, v(1e-5), FINE),
    (tf.square, v(3.0, tf.bfloat16), FINE),
    (tf.square, v(3.0, tf.float16), FINE),
    (tf.sin, v(3.0, tf.float64), FINE),
    (lambda z: tf.abs(z) ** 2, v(1 + 2j), FINE),
    (lambda z: z**2, v(1 + 2j), FINE),
    (loss_of(LAYER), LAYER.kernel, FINE),
    (loss_of(FROZEN), FROZEN.kernel, FINE),
    (lambda x: NORMALIZE(x, training=True) ** 2, v([[1.0, 2.0], [3.0, 5.0]]), FINE),
    (lambda x: tf.random.stateless_normal((), [1, 2]) * x, v(3.0), FINE),
    (lambda x: tf.random.normal(()) * x, v(3.0), RANDOM),
    (lambda x: keras.layers.Dropout(0.5)(x, training=True), v(np.ones(20, "float32")), RANDOM),
    # a part of it is cut
    (lambda x: tf.stop_gradient(x) ** 2 * x, v(3.0), PARTLY),
    (lambda x: v_times_its_numbers(x), v([1.0, -1.0]), PARTLY),
    (lambda x: tf.gather(x, [0]) * x.numpy()[0], v([2.0, 3.0]), PARTLY),
    (lambda z: tf.abs(z) * tf.abs(tf.stop_gradient(z)), v(1 + 2j), PARTLY),
    (wrong_gradient, v(3.0), PARTLY),
    (lambda x: x + tf.stop_gradient(tf.round(x) - x), v(3.2), PARTLY),
    (lambda x: tf.where(x > 2, tf.stop_gradient(x), x), v(3.0), PARTLY),
    (lambda x: x * tf.numpy_function(np.square, [x], tf.float32), v(3.0), PARTLY),
    (lambda x: x * tf.constant(float(x)), v(3.0), PARTLY),
    (lambda x: x[0] * x[1].numpy(), v([2.0, 3.0]), PARTLY),
    # it is not finite
    (tf.norm, v([0.0, 0.0]), "2 of its 2 entries are NaN or infinite"),
    (tf.sqrt, v(0.0), INFINITE),
    (lambda x: tf.reduce_sum(tf.math.log(x)), v([0.0, 1.0]), INFINITE),
    (lambda x: x / x, v(0.0), INFINITE),
    # all of it is cut
    (tf.round, v(3.2), NONE_AT.format("rounding")),
    (tf.math.ceil, v(3.2), NONE_AT.format("`tf.math.ceil`")),
    (lambda x: x // 2.0, v(3.0), NONE_AT.format("the whole-number division `//`")),
    (tf.argsort, v([3.0, 1.0, 2.0]), POSITIONS),
    (lambda x: tf.math.top_k(x, 1).indices, v([3.0, 1.0]), POSITIONS),
    (tf.argmax, v([1.0, 2.0]), NONE_AT.format("`tf.argmax`")),
    (lambda x: tf.cast(x > 2, "float32"), v(3.0), COMPARISON),
    (
        lambda x: tf.reduce_mean(tf.cast((x > 0.5) == [True, False], "float32")),
        v([0.2, 0.8]),
        COMPARISON,
    ),
    (lambda x: tf.cast(x, "int32"), v(3.0), CAST),
    (lambda x: tf.gather([1.0, 2.0, 3.0], tf.cast(x, "int32")), v(2.0), CAST),
    (
        lambda x: tf.strings.to_number(tf.strings.as_string(x)),
        v(3.0),
        NONE_AT.format("`tf.strings.as_string`"),
    ),
    (
        lambda x: tf.numpy_function(np.square, [x], tf.float32),
        v(3.0),
        NONE_AT.format("`tf.numpy_function`"),
    ),
    (lambda x: 2 * tf.stop_gradient(x), v(3.0), STOP),
    (compiled_stop, v(3.0), STOP),
    (
        assigned_and_read,
        v(3.0),
        "`assign` to a variable, which keeps numbers and not where they came from",
    ),
    (lambda x: tf.constant(1.0) if x > 3.0 else tf.constant(0.0), v(3.0), UNKNOWN),
    (lambda x: tf.constant(1.0) if x < 3.0 else tf.constant(0.0), v(3.0), UNKNOWN),
    (lambda x: tf.cast(tf.bitcast(x, "int32"), "float32"), v(3.0), UNKNOWN),
    (lambda x: tf.square(x.numpy()), v(3.0), LEFT),
    (lambda x: tf.constant(float(x)), v(3.0), LEFT),
    (lambda x: tf.constant(np.square(x)), tf.constant(3.0), LEFT),
    (lambda x: tf.random.normal(()) * tf.round(x), v(3.0), RANDOM),
    # nothing is to be had
    (lambda x: tf.constant(2.0) * 4, v(3.0), INDEPENDENT),
    (lambda x: OTHER * 2, tf.constant(3.0), INDEPENDENT),
    (tf.zeros_like, v([1.0, 2.0]), INDEPENDENT),
    (lambda x: tf.cast(tf.shape(x)[0], "float32"), v([1.0, 2.0]), INDEPENDENT),
    (lambda x: tf.constant(len(x.numpy()) + 0.0), v([1.0, 2.0]), INDEPENDENT),
    (tf.square, tf.constant(3.0), UNWATCHED),
    (tf.square, v(3.0, trainable=False), NOT_TRAINABLE),
    (tf.square, v(3), "the source has dtype int32"),
    (tf.square, v(True), "the source has dtype bool"),
    (np.square, v([1.0, 2.0]), NO_TENSOR + "a NumPy array"),
    (lambda x: float(x) ** 2, v(3.0), NO_TENSOR + "a Python float"),
    (print, v(3.0), NO_TENSOR + "None"),
    (tf.square, 3.0, "The source is no tensor but a Python float"),
    (tf.square, np.ones(3), "The source is no tensor but a NumPy array"),
]


def v_times_its_numbers(x):
    return x * x.numpy()


@pytest.mark.parametrize(("function", "source", "words"), ANSWERS)
def test_no_answer_is_false(function, source, words, capsys):
    before = np.asarray(source).copy()
    said = explain_gradient(function, source)
    assert words in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= LINE
    assert np.array_equal(before, np.asarray(source)) and not capsys.readouterr().out


def test_it_agrees_with_the_tape():
    for function, source, words in ANSWERS:
        if (
            isinstance(source, tf.Variable)
            and "has dtype" not in words
            and words != RANDOM
            and not words.startswith("There is no")
        ):
            with tf.GradientTape() as tape:
                result = function(source)
            parts = [
                part
                for part in tf.nest.flatten(result)
                if part.dtype.is_floating or part.dtype.is_complex
            ]
            there = bool(parts) and tape.gradient(parts, source) is not None
            assert there == (words in (FINE, PARTLY) or "infinite" in words), words


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (
            lambda x: tf.stop_gradient(x) ** 2 * x,
            "27 times as much, and the gradient says 9. Part of the path ends at",
        ),
        (
            lambda x: x * x.numpy(),
            "6 times as much, and the gradient says 3. Part of the path leaves TensorFlow",
        ),
        (
            wrong_gradient,
            "6 times as much, and the gradient says 9. Why, the record does not show.",
        ),
    ],
)
def test_a_cut_part_is_told_with_both_slopes_and_a_reason_that_the_record_shows(function, reason):
    assert reason in " ".join(explain_gradient(function, tf.Variable(3.0)).split())


def test_a_list_of_sources_is_answered_as_one_or_one_by_one():
    weights = [*LAYER.trainable_weights]
    assert (
        explain_gradient(loss_of(LAYER), weights)
        == "All is well: each of the 2 gradients has the shape of its source."
    )
    sources = [tf.Variable(3.0), tf.Variable(2.0, name="unused"), 1.0]
    first, _, rest = (
        explain_gradient(lambda each: each[0] ** 2, sources)
        .replace("\n", " ")
        .partition("Source 2")
    )
    assert first.startswith(
        "Source 1 (unused): The gradient is None: the result does not depend on the source."
    )
    assert rest.startswith(": The source is no tensor but a Python float") and rest.endswith(
        "The other 1: all is well."
    )


def test_what_could_not_be_measured_is_said():
    assert "It was not measured: there is a kink or a jump" in " ".join(
        explain_gradient(tf.abs, tf.Variable(0.0)).split()
    )


def test_a_large_source_is_measured_in_part():
    weights = tf.Variable(np.random.default_rng(0).normal(size=(784, 64)).astype("float32"))
    inputs = tf.ones((32, 784))
    assert explain_gradient(lambda W: tf.reduce_mean(tf.tanh(inputs @ W)), weights).startswith(FINE)
    assert PARTLY in explain_gradient(lambda W: tf.reduce_sum(W * tf.stop_gradient(W)), weights)


def test_other_variables_are_as_before_whatever_happens():
    moving = [each.numpy() for each in NORMALIZE.non_trainable_variables]
    explain_gradient(lambda x: NORMALIZE(x, training=True), tf.Variable([[1.0, 2.0], [3.0, 5.0]]))
    assert all(
        map(np.array_equal, moving, (each.numpy() for each in NORMALIZE.non_trainable_variables))
    )

    def change_and_fail(x):
        COUNTER.assign(7.0)
        x.assign(8.0)
        raise ZeroDivisionError

    source = tf.Variable(3.0)
    COUNTER.assign(0.0)
    with pytest.raises(ZeroDivisionError):
        explain_gradient(change_and_fail, source)
    assert (source.numpy(), COUNTER.numpy()) == (3, 0)
    assert not tf.config.functions_run_eagerly()


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"must be a function that computes.*; got 3"):
        explain_gradient(3, tf.Variable(1.0))
