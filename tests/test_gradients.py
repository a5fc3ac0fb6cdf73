"""`explain_gradient` names the place where the path is cut, and says so only where it is."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from support.gradients import explain_gradient

FINE = "All is well"
UNWATCHED = "is a constant, and nobody watches it"
LEFT = "the path leaves TensorFlow"
PARTLY_LEFT = "not that of the whole function"
NO_TENSOR = "the function returns no tensor but "
BECAME_WHOLE = "the numbers become whole numbers or truth values"
INDEPENDENT = "the result does not depend on the source"


def variable(value=3.0, **options):
    return lambda: tf.Variable(value, **options)


ELSEWHERE = tf.Variable(2.0)


@pytest.mark.parametrize(
    ("function", "make_source", "words"),
    [
        (tf.square, variable(), FINE),
        (lambda x: x**2 if x > 2 else x, variable(), FINE),
        (lambda x: tf.reduce_sum(x**2), variable([[1.0, 2.0], [3.0, 4.0]]), FINE),
        (lambda x: tf.gather(x, [0]), variable([1.0, 2.0]), FINE),
        (tf.abs, variable(0.0), FINE),
        (lambda x: x.assign_add(1.0), variable(), None),
        (tf.square, lambda: tf.constant(3.0), UNWATCHED),
        (tf.square, variable(trainable=False), "the variable is not trainable"),
        (tf.square, variable(3), "the source has dtype int32"),
        (tf.square, variable(True), "the source has dtype bool"),
        (lambda x: tf.square(x.numpy()), variable(), LEFT),
        (lambda x: tf.constant(float(x)), variable(), LEFT),
        (lambda x: tf.constant(np.square(x)), lambda: tf.constant(3.0), LEFT),
        (lambda x: tf.square(x.numpy()) * x, variable(), PARTLY_LEFT),
        (np.square, variable([1.0, 2.0]), NO_TENSOR + "a NumPy array"),
        (lambda x: float(x) ** 2, variable(), NO_TENSOR + "a Python float"),
        (print, variable(), NO_TENSOR + "None"),
        (tf.round, variable(), "rounding is on the path"),
        (lambda x: tf.argmax(x), variable([1.0, 2.0]), "`tf.argmax` is on the path"),
        (lambda x: tf.cast(x > 2, "float32"), variable(), "a comparison is on the path"),
        (lambda x: tf.stop_gradient(x) * 2, variable(), "`tf.stop_gradient` is on the path"),
        (lambda x: tf.cast(x, "int32"), variable(), BECAME_WHOLE),
        (lambda x: tf.cast(tf.cast(x, "int32"), "float32"), variable(), BECAME_WHOLE),
        (lambda x: tf.constant(2.0) * 4, variable(), INDEPENDENT),
        (lambda x: ELSEWHERE * 2, lambda: tf.constant(3.0), INDEPENDENT),
        (lambda x: tf.constant(len(x.numpy()) + 0.0), variable([1.0, 2.0]), INDEPENDENT),
        (tf.square, lambda: 3.0, "The source is no tensor but a Python float"),
        (tf.square, lambda: np.ones(3), "The source is no tensor but a NumPy array"),
    ],
)
def test_the_reason_is_named(function, make_source, words, capsys):
    source = make_source()
    before = np.asarray(source).copy()
    said = explain_gradient(function, source)
    assert words is None or words in said
    assert np.array_equal(before, np.asarray(source))


def test_it_agrees_with_the_tape():
    for function, expected in [(tf.square, True), (tf.round, False), (tf.zeros_like, False)]:
        source = tf.Variable([1.5, 2.5])
        with tf.GradientTape() as tape:
            result = function(source)
        assert (tape.gradient(result, source) is not None) == expected
        assert explain_gradient(function, source).startswith(FINE) == expected


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"must be a function that computes.*; got 3"):
        explain_gradient(3, tf.Variable(1.0))


def test_an_error_of_the_function_is_the_functions_own():
    with pytest.raises(ZeroDivisionError):
        explain_gradient(lambda x: 1 / 0, tf.Variable(1.0))
