"""Why a gradient is `None`: looks for the place where the path from the source to the result is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

#: Operations without a slope, by the names that TensorFlow's graphs give them
#: (https://www.tensorflow.org/api_docs/python/tf/raw_ops).
WITHOUT_SLOPE = {
    "ArgMax": "`tf.argmax`",
    "ArgMin": "`tf.argmin`",
    "Ceil": "`tf.math.ceil`",
    "Equal": "a comparison",
    "Floor": "`tf.floor`",
    "Greater": "a comparison",
    "GreaterEqual": "a comparison",
    "Less": "a comparison",
    "LessEqual": "a comparison",
    "NotEqual": "a comparison",
    "Rint": "rounding",
    "Round": "rounding",
    "Sign": "`tf.sign`",
    "StopGradient": "`tf.stop_gradient`",
}

#: How far the source is moved to see whether the result follows, as shares of its size: rounding needs a large step.
MOVES = (0.01, 0.3, 2.0)

#: A slope measured by moving the source a little is off by up to this share.
MEASURED_WITHIN = 0.05


def explain_gradient(function: Callable[[Any], Any], source: Any) -> str:
    """Say whether the gradient of `function(source)` with respect to `source` can be had, and if not, why not.

    Args:
        function: takes the source, computes with it, and returns a tensor.
        source: a tensor or a `tf.Variable`, of any shape and dtype.

    Returns:
        One or two sentences.

    Raises:
        TypeError: `function` can't be called.
        Exception: whatever the function raises.
    """
    if not callable(function):
        raise TypeError(
            f"function must be a function that computes a result from the source; got {function!r}"
        )
    if not isinstance(source, tf.Tensor | tf.Variable):
        return f"The source is no tensor but {_kind(source)}: a tape knows nothing of it. Make a `tf.Variable` of it."
    content = tf.identity(source)
    try:
        return _explain(function, source)
    finally:
        if isinstance(source, tf.Variable):  # the function may assign to it
            source.assign(content)


def _explain(function: Callable[[Any], Any], source: Any) -> str:
    if not (source.dtype.is_floating or source.dtype.is_complex):
        return (
            f"The gradient is None: the source has dtype {source.dtype.name}, and what is whole can't change by a "
            "little. Write 3.0 for 3, or convert it with `tf.cast`."
        )
    result, gradient = _gradient(function, source, watch=False)
    if not isinstance(result, tf.Tensor | tf.Variable):
        return (
            f"There is no gradient: the function returns no tensor but {_kind(result)}. "
            "What leaves TensorFlow has no past; compute with its operations to the end."
        )
    if gradient is not None:
        return _explain_what_there_is(function, source, gradient)
    _, if_watched = _gradient(function, source, watch=True)
    if if_watched is not None:
        if isinstance(source, tf.Variable):
            return (
                "The gradient is None: the variable is not trainable, and a tape leaves such a variable alone. "
                "Call `tape.watch` with it."
            )
        return (
            "The gradient is None: the source is a constant, and nobody watches it. Call `tape.watch` with it, "
            "first of all in the `with` block."
        )
    return _explain_cut(function, source, result)


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray | np.generic):
        return "a NumPy array" if isinstance(value, np.ndarray) else "a NumPy number"
    return "None" if value is None else f"a Python {type(value).__name__}"


def _gradient(function: Callable[[Any], Any], source: Any, watch: bool) -> tuple[Any, Any]:
    """The result, and its gradient if it is a tensor."""
    with tf.GradientTape() as tape:
        if watch:
            tape.watch(source)
        result = function(source)
    if not isinstance(result, tf.Tensor | tf.Variable):
        return result, None
    if not (result.dtype.is_floating or result.dtype.is_complex):
        return result, None
    return result, tape.gradient(result, source)


def _explain_what_there_is(function: Callable[[Any], Any], source: Any, gradient: Any) -> str:
    """A gradient that is there may still be that of a part of the path."""
    fine = f"All is well: the gradient has shape {gradient.shape}, as the source has."
    if isinstance(gradient, tf.IndexedSlices) or not source.dtype.is_floating:
        return fine
    if _operations(function, source) is None and not _measures_the_same(function, source, gradient):
        return (
            "There is a gradient, but not that of the whole function: part of the path leaves TensorFlow, through "
            "`.numpy()`, `float` or a NumPy function, and counts as a constant."
        )
    return fine


def _explain_cut(function: Callable[[Any], Any], source: Any, result: Any) -> str:
    operations = _operations(function, source)
    if operations is None:
        if _follows(function, source, result):
            return (
                "The gradient is None: the path leaves TensorFlow, through `.numpy()`, `float` or a NumPy function. "
                "What comes back is a new constant without a past."
            )
    else:
        culprits = [WITHOUT_SLOPE[name] for name in operations if name in WITHOUT_SLOPE]
        if culprits:
            return f"The gradient is None: {culprits[0]} is on the path, and has no slope."
        if "Cast" in operations and _follows(function, source, result):
            return (
                "The gradient is None: on the way the numbers become whole numbers or truth values, "
                "which have no slope."
            )
    return "The gradient is None: the result does not depend on the source."


def _operations(function: Callable[[Any], Any], source: Any) -> list[str] | None:
    """The operations through which the result comes from the source; None if TensorFlow can't follow the function."""
    spec = tf.TensorSpec(source.shape, source.dtype)
    try:
        graph = tf.function(function, autograph=False).get_concrete_function(spec).graph
    except Exception:  # `.numpy()` of a tensor without numbers, `float` of it, NumPy…
        return None
    reached = {each.name for each in graph.inputs}
    on_the_path = []
    for operation in graph.get_operations():  # in the order in which they were made
        if any(each.name in reached for each in operation.inputs):
            reached |= {each.name for each in operation.outputs}
            on_the_path.append(operation.type)
    return on_the_path


def _follows(function: Callable[[Any], Any], source: Any, result: Any) -> bool:
    """Whether the result changes when the source is moved."""
    size = tf.maximum(tf.abs(tf.cast(source, "float32")), 1.0)
    for share in MOVES:
        moved = tf.cast(tf.cast(source, "float32") + share * size, source.dtype)
        if not np.array_equal(np.asarray(function(_like(source, moved))), np.asarray(result)):
            return True
    return False


def _like(source: Any, value: Any) -> Any:
    """A variable where the source is one: the function may need what tensors can't do."""
    return tf.Variable(value) if isinstance(source, tf.Variable) else value


def _measures_the_same(function: Callable[[Any], Any], source: Any, gradient: Any) -> bool:
    """Whether the sum of the gradient is the slope that shows when all of the source is moved a little."""
    value = tf.convert_to_tensor(source)
    step = tf.cast(1e-2, value.dtype)
    up, down = (
        np.sum(function(_like(source, value + move)), dtype="float64") for move in (step, -step)
    )
    measured = (up - down) / (2 * float(step))
    expected = float(tf.reduce_sum(gradient))
    return bool(
        abs(measured - expected) <= MEASURED_WITHIN * max(abs(measured), abs(expected), 1e-2)
    )
