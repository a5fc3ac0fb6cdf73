"""What a gradient says of a computation, and why it is `None`: measured by moving the source, entry by entry.

That a result depends on a source, or a gradient lacks a part of the path, is said only if it was measured. Why, is said
only if TensorFlow's record of the computation, its graph, shows it.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

#: Operations without a slope, by the names that TensorFlow's graphs give them
#: (https://www.tensorflow.org/api_docs/python/tf/raw_ops).
WITHOUT_SLOPE = {
    "ArgMax": "`tf.argmax`",
    "ArgMin": "`tf.argmin`",
    "AsString": "`tf.strings.as_string`",
    "AssignAddVariableOp": "`assign_add` to a variable, which keeps numbers and not where they came from,",
    "AssignSubVariableOp": "`assign_sub` to a variable, which keeps numbers and not where they came from,",
    "AssignVariableOp": "`assign` to a variable, which keeps numbers and not where they came from,",
    "Cast": "`tf.cast` to whole numbers or truth values",
    "Ceil": "`tf.math.ceil`",
    "EagerPyFunc": "`tf.py_function`",
    "Equal": "a comparison",
    "Floor": "`tf.floor`",
    "FloorDiv": "the whole-number division `//`",
    "Greater": "a comparison",
    "GreaterEqual": "a comparison",
    "Less": "a comparison",
    "LessEqual": "a comparison",
    "NotEqual": "a comparison",
    "PyFunc": "`tf.numpy_function`",
    "PyFuncStateless": "`tf.numpy_function`",
    "Rint": "rounding",
    "Round": "rounding",
    "Sign": "`tf.sign`",
    "StopGradient": "`tf.stop_gradient`",
    "TopKV2": "sorting, as far as the positions are asked for,",
}
ASSIGNMENTS = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")

#: Of a source with more entries, so many are moved one by one, evenly spread; then all at once, in some directions.
MOST_ENTRIES, DIRECTIONS = 24, 3

#: By what shares of a source's size it is moved to see whether the result follows. Rounding needs large ones.
MOVES = (1e-3, 0.03, 0.3, 2.0)

#: A slope that was measured is believed if two steps, one a quarter of the other, agree within this share; a gradient
#: that is further off than twice this share is not that of the whole function.
AGREE = 0.04

LINE = 100  # characters that Jupyter shows without breaking a word


def explain_gradient(function: Callable[[Any], Any], source: Any) -> str:
    """Say whether the gradient of `function(source)` with respect to `source` can be had, and if not, why not.

    Args:
        function: takes the source, computes with it, and returns a tensor, or a list of tensors, whose sum counts.
        source: a tensor, a `tf.Variable` or a variable of Keras, of any shape and dtype; or a list of these. It is
            moved for the measurement and put back, as are all other variables that the function changes.

    Returns:
        One or two sentences, in lines of at most 100 characters; for a list that is not all well, one entry each.

    Raises:
        TypeError: `function` can't be called.
        Exception: whatever the function raises.
    """
    if not callable(function):
        raise TypeError(
            f"function must be a function that computes a result from the source; got {function!r}"
        )
    if not isinstance(source, list | tuple):
        return textwrap.fill(
            _Question(function, [source], lambda values: function(values[0])).answer(0), LINE
        )
    question = _Question(function, list(source), lambda values: function(type(source)(values)))
    answers = [question.answer(place) for place in range(len(source))]
    wrong = [
        (place, answer)
        for place, answer in enumerate(answers)
        if not answer.startswith("All is well")
    ]
    if not wrong:
        return f"All is well: each of the {len(source)} gradients has the shape of its source."
    told = [f"Source {place}{_called(source[place])}: {answer}" for place, answer in wrong]
    rest = (
        [f"The other {len(source) - len(wrong)}: all is well."] if len(wrong) < len(source) else []
    )
    return "\n".join(textwrap.fill(each, LINE) for each in [*told, *rest])


@dataclass
class _Record:
    """What TensorFlow's graph of the computation shows."""

    variables: list[Any] = field(default_factory=list)  #: all that the function reads or changes
    operations: list[Any] = field(
        default_factory=list
    )  #: in their order; empty if it could not be followed
    starts: list[set[str]] = field(
        default_factory=list
    )  #: for each source, the names of its tensors in the graph
    ends: set[str] = field(default_factory=set)  #: the names of the results' tensors
    left_by: BaseException | None = None  #: why it could not be followed


class _Question:
    """One function and its sources."""

    def __init__(self, function: Any, sources: list[Any], call: Callable[[list[Any]], Any]) -> None:
        self.sources = [
            each.value if isinstance(each, keras.Variable) else each for each in sources
        ]
        self.given = sources
        self._weigh: Callable[[Numbers], Numbers] = (
            np.ones_like
        )  #: how much each number of the result counts
        self._size = 0  #: how many numbers the result has
        self._call = call
        self._record = self._follow(function)
        self._kept = [
            (variable, tf.identity(variable)) for variable in self._all_variables(function)
        ]

    def answer(self, place: int) -> str:
        source = self.sources[place]
        if not isinstance(source, tf.Tensor | tf.Variable):
            kind = _kind(source)
            return f"The source is no tensor but {kind}: a tape knows nothing of it. Make a `tf.Variable` of it."
        if not (source.dtype.is_floating or source.dtype.is_complex):
            return (
                f"The gradient is None: the source has dtype {source.dtype.name}, and what is whole can't change by a "
                "little. Write 3.0 for 3, or convert it with `tf.cast`."
            )
        result, gradient = self._gradient(source, watch=False)
        strays = [
            each
            for each in tf.nest.flatten(result)
            if not isinstance(each, tf.Tensor | tf.Variable)
        ]
        if strays or not tf.nest.flatten(result):
            stray = result if isinstance(result, np.ndarray) or not strays else strays[0]
            return (
                f"There is no gradient: the function returns no tensor but {_kind(stray)}. "
                "What leaves TensorFlow has no past; compute with its operations to the end."
            )
        if gradient is not None:
            return self._explain_what_there_is(place, gradient)
        if self._gradient(source, watch=True)[1] is not None:
            if isinstance(source, tf.Variable):
                return (
                    "The gradient is None: the variable is not trainable, and a tape leaves such a variable alone. "
                    "Call `tape.watch` with it."
                )
            return (
                "The gradient is None: the source is a constant, and nobody watches it. Call `tape.watch` with it, "
                "first of all in the `with` block."
            )
        return self._explain_none(place)

    # What there is

    def _explain_what_there_is(self, place: int, gradient: Any) -> str:
        numbers = _as_numbers(tf.convert_to_tensor(gradient))
        unlike = int(np.size(numbers) - np.isfinite(numbers).sum())
        if unlike:
            return (
                f"There is a gradient, of shape {gradient.shape}, but {unlike} of its {np.size(numbers)} entries "
                f"{'is' if unlike == 1 else 'are'} NaN or infinite. "
                "Roots, norms, logarithms and quotients come to that at 0."
            )
        fine = f"All is well: the gradient has shape {gradient.shape}, as the source has."
        if not self._repeats(place):
            return f"{fine} (The function draws random numbers, so it was not measured.)"
        # as they are, and so that what cancels out in the sum is seen
        weighings: list[Callable[[Numbers], Numbers]] = [np.ones_like, _weights]
        for weigh in weighings[: self._size]:
            self._weigh = weigh
            told = tf.convert_to_tensor(self._gradient(self.sources[place], watch=False)[1])
            wrong, measured = self._compare(place, _as_numbers(told))
            if wrong:
                cut = self._reason(
                    place,
                    "Part of the path ends at {}: it has no slope.",
                    "Part of the path leaves TensorFlow, and counts as a constant.",
                    "Why, the record does not show.",
                )
                return f"There is a gradient, but not that of the whole function: {wrong} {cut}"
            if not measured:
                return f"{fine} (It was not measured: there is a kink or a jump here, or rounding hides the slope.)"
        return fine

    def _compare(self, place: int, gradient: NDArray[Any]) -> tuple[str, bool]:
        """Where the gradient is not what is measured, in words, or ""; and whether anything could be measured."""
        measured_any = False
        for name, direction in _directions(gradient.shape, self.sources[place].dtype.is_complex):
            told = float(np.real(np.sum(np.conj(gradient) * direction)))
            measured = self._measured(place, direction, told)
            if measured is not None and abs(measured - told) > 2 * AGREE * max(
                abs(measured), abs(told)
            ):
                words = (
                    f"if {name} grows by a little, the result grows {measured:.3g} times as much"
                )
                return f"{words}, and the gradient says {told:.3g}.", True
            measured_any |= measured is not None
        return "", measured_any

    def _measured(self, place: int, direction: NDArray[Any], told: float) -> float | None:
        """The slope in a direction, where it is the same from both sides and over two steps, the smallest ones of which
        rounding leaves enough. Else there is a kink or a jump near, and nobody can say.
        """
        start = _as_numbers(self.sources[place])
        precision = _precision(self.sources[place].dtype)
        usual = max(float(np.max(np.abs(start), initial=0)), 1.0) * precision ** (1 / 3)
        first = self._slope(place, start, direction, usual, precision)
        if first and abs(first.value - told) + first.noise <= AGREE * max(
            abs(first.value), abs(told)
        ):
            return told
        before = None
        for power in range(-6, 4):
            slope = self._slope(place, start, direction, usual * 4.0**power, precision)
            if slope and before and before.agrees_with(slope):
                enough = max(abs(slope.value - told) / 4, AGREE * abs(slope.value))
                if before.noise <= enough:
                    return slope.value
            before = slope
        return None

    def _slope(
        self, place: int, start: Any, direction: Any, step: float, precision: float
    ) -> _Slope | None:
        """The slope over one step to each side; None where the function can't be computed."""
        values = [self._total(place, start + share * step * direction) for share in (-1, 0, 1)]
        if not all(value is not None and np.isfinite(value.number) for value in values):
            return None
        left, middle, right = (value.number for value in values if value)
        noise = 16 * precision * max(value.size for value in values if value) / step
        return _Slope((right - left) / step / 2, abs(right - 2 * middle + left) / step, noise)

    def _total(self, place: int, numbers: Any) -> _Total | None:
        """A sum over all results, in which each has a weight of its own, so that changes don't cancel."""
        result = self._result(place, numbers)
        if result is None:
            return None
        real = np.concatenate([np.real(part).ravel() for part in result] or [np.zeros(0)])
        weighted = real * self._weigh(np.ones(real.size))
        return _Total(float(weighted.sum()), float(np.abs(weighted).sum()))

    # What there is not

    def _explain_none(self, place: int) -> str:
        if not self._repeats(place):
            return (
                "The gradient is None, and the function draws random numbers, so whether the result depends on the "
                "source can't be measured. Fix the seed inside the function, and ask again."
            )
        if not self._follows(place):
            return (
                "The gradient is None: the result does not depend on the source. "
                "However the source was moved, it stayed."
            )
        return self._reason(
            place,
            "The gradient is None: {} is on the path, and has no slope.",
            "The gradient is None: the path leaves TensorFlow, through `.numpy()`, `float` or a NumPy function. "
            "What comes back is a new constant without a past.",
            "The gradient is None, though the result changes with the source: some step on the way has no slope. "
            "Which one, the record does not show.",
        )

    def _follows(self, place: int) -> bool:
        """Whether the result changes when the source is moved, entry by entry and as a whole, in both directions."""
        start = _as_numbers(self.sources[place])
        before = self._result(place, start)
        size = np.maximum(np.abs(start), 1)
        moves = [
            start + sign * share * size * direction
            for _, direction in _directions(start.shape, np.iscomplexobj(start))
            for share in MOVES
            for sign in (1, -1)
        ]
        moves += [0 * start, -start, np.flip(start)]
        results = (self._result(place, numbers) for numbers in moves)
        return any(result is not None and not _same(result, before) for result in results)

    def _reason(self, place: int, at: str, outside: str, unknown: str) -> str:
        """Of three sentences the one that the record allows; the first names an operation."""
        record = self._record
        if record.left_by is not None:
            return outside if _left_tensorflow(record.left_by) else unknown
        found = _cut(record, place)
        return at.format(WITHOUT_SLOPE[found]) if found else unknown

    # Calling the function

    def _gradient(self, source: Any, watch: bool) -> tuple[Any, Any]:
        """The result, and the gradient of the sum over all of it."""
        with self._as_before(), tf.GradientTape() as tape:
            if watch:
                tape.watch(source)
            result = self._call(self.given)
            parts = [
                each
                for each in tf.nest.flatten(result)
                if isinstance(each, tf.Tensor | tf.Variable)
            ]
            parts = [each for each in parts if each.dtype.is_floating or each.dtype.is_complex]
        if not parts:
            return result, None
        sizes = [int(tf.size(each)) for each in parts]
        self._size = sum(sizes)
        weights = np.split(self._weigh(np.ones(self._size)), np.cumsum(sizes)[:-1])
        shaped = [
            tf.cast(tf.reshape(each, part.shape), part.dtype)
            for each, part in zip(weights, parts, strict=True)
        ]
        with contextlib.suppress(LookupError):  # TensorFlow's for an operation without a gradient
            return result, tape.gradient(parts, source, output_gradients=shaped)
        return result, None

    def _result(self, place: int, numbers: Any) -> list[NDArray[Any]] | None:
        """What the function gives when a source has these numbers; None if it raises, as an index out of range does."""
        source, values = self.sources[place], list(self.given)
        moved = tf.cast(tf.convert_to_tensor(numbers), source.dtype)
        with self._as_before():
            if isinstance(source, tf.Variable):
                source.assign(moved)
            else:
                values[place] = moved
            try:
                result = self._call(values)
            except Exception:
                return None
            return [_as_numbers(each) for each in tf.nest.flatten(result)]

    def _repeats(self, place: int) -> bool:
        first, second = (self._result(place, _as_numbers(self.sources[place])) for _ in range(2))
        return _same(first, second)

    @contextlib.contextmanager
    def _as_before(self) -> Iterator[None]:
        """What the block changes and prints is gone afterwards."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        finally:
            for variable, content in self._kept:
                variable.assign(content)

    # Following it

    def _follow(self, function: Any) -> _Record:
        """Trace the function, with the functions that it calls in one graph."""
        before = tf.config.functions_run_eagerly()
        tensors = [each for each in self.sources if isinstance(each, tf.Tensor)]

        def traced(*symbolic: Any) -> Any:
            waiting = list(symbolic)
            return self._call(
                [waiting.pop(0) if isinstance(each, tf.Tensor) else each for each in self.given]
            )

        try:
            tf.config.run_functions_eagerly(True)  # those inside; this one is traced
            specs = [tf.TensorSpec(each.shape, each.dtype) for each in tensors]
            with contextlib.redirect_stdout(io.StringIO()):
                graph = tf.function(traced, autograph=False).get_concrete_function(*specs).graph
        except Exception as error:
            return _Record(left_by=error)
        finally:
            tf.config.run_functions_eagerly(before)
        inputs = [each.name for each in graph.inputs]
        inside = {id(outer): inner.name for outer, inner in graph.captures}
        starts, names = [], iter(inputs)
        for each in self.sources:
            if isinstance(each, tf.Tensor):
                starts.append({next(names)})
            else:
                starts.append(
                    {inside[id(each.handle)]}
                    if isinstance(each, tf.Variable) and id(each.handle) in inside
                    else set()
                )
        ends = {
            each.name for each in tf.nest.flatten(graph.structured_outputs) if hasattr(each, "name")
        }
        return _Record(list(graph.variables), graph.get_operations(), starts, ends)

    def _all_variables(self, function: Any) -> list[Any]:
        """Those of the graph, and those that can be found without one: what the function can name."""
        found = [
            *self._record.variables,
            *(each for each in self.sources if isinstance(each, tf.Variable)),
        ]
        with contextlib.suppress(TypeError):  # no Python function
            names = inspect.getclosurevars(function)
            for value in [*names.nonlocals.values(), *names.globals.values()]:
                found += _variables_in(value)
        return list({id(each): each for each in found}.values())


@dataclass(frozen=True)
class _Slope:
    """Of a function over one step to each side."""

    value: float
    bend: float  #: by how much the slopes of the sides differ
    noise: float  #: what rounding may have added

    def agrees_with(self, larger: _Slope) -> bool:
        """Whether a step four times as large says the same, and both see no kink: a curve bends less over less."""
        same = abs(self.value - larger.value) <= AGREE * abs(larger.value) + self.noise
        straight = self.bend <= AGREE * abs(self.value) + self.noise
        return same and (straight or larger.bend >= 2.5 * self.bend)


@dataclass(frozen=True)
class _Total:
    number: float
    size: float  #: of what was added up


def _directions(shape: tuple[int, ...], is_complex: bool) -> Iterator[tuple[str, NDArray[Any]]]:
    """In which to move a source, with the words for each."""
    count = int(np.prod(shape))
    for index in np.unique(np.linspace(0, count - 1, min(count, MOST_ENTRIES)).astype(int)):
        direction = np.zeros(count)
        direction[index] = 1
        place = ", ".join(map(str, np.unravel_index(index, shape)))
        name = f"the source's entry [{place}]" if shape else "the source"
        yield name, direction.reshape(shape)
        if is_complex:
            yield f"the imaginary part of {name}", 1j * direction.reshape(shape)
    for number in range(DIRECTIONS if count > 1 else 0):
        yield "the whole source", np.random.default_rng(number).uniform(-1, 1, shape)


def _cut(record: _Record, place: int) -> str | None:
    """The first operation on the path from a source to the results that has no slope."""
    needed, assigned = set(record.ends), set[str]()
    for operation in reversed(record.operations):
        handle = (
            operation.inputs[0].name
            if operation.inputs and operation.type.endswith("VariableOp")
            else ""
        )
        if operation.type in ASSIGNMENTS and handle in assigned:
            needed |= {each.name for each in operation.inputs}
        if needed & {each.name for each in operation.outputs}:
            needed |= {each.name for each in operation.inputs}
            if operation.type == "ReadVariableOp":
                assigned.add(handle)
    reached = set(record.starts[place])
    for operation in record.operations:
        ins, outs = [{each.name for each in side} for side in (operation.inputs, operation.outputs)]
        if not ins & reached & needed or (outs and not outs & needed):
            continue
        reached |= outs
        whole = operation.type == "Cast" and (
            operation.outputs[0].dtype.is_floating or operation.outputs[0].dtype.is_complex
        )
        if operation.type in ASSIGNMENTS and operation.inputs[1].name not in reached:
            continue
        if operation.type in WITHOUT_SLOPE and not whole and operation.inputs[0].dtype != tf.int32:
            return str(operation.type)
    return None


def _left_tensorflow(error: BaseException) -> bool:
    """Whether a computation could not be followed because something outside of TensorFlow wanted its numbers."""
    if isinstance(error, tf.errors.OperatorNotAllowedInGraphError):  # a Python `if`
        return False
    asks_for_numbers = isinstance(error, AttributeError) and error.name == "numpy"
    return asks_for_numbers or isinstance(error, NotImplementedError | TypeError)


def _same(one: list[NDArray[Any]] | None, other: list[NDArray[Any]] | None) -> bool:
    if one is None or other is None or len(one) != len(other):
        return False
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        for a, b in zip(one, other, strict=True)
    )


def _variables_in(value: Any) -> list[Any]:
    if isinstance(value, keras.Variable):
        return [value.value]
    if isinstance(value, tf.Variable):
        return [value]
    if isinstance(value, tf.Module | keras.layers.Layer):
        return [variable for each in value.variables for variable in _variables_in(each)]
    if isinstance(value, list | tuple):
        return [variable for each in value for variable in _variables_in(each)]
    return []


def _weights(ones: Numbers) -> Numbers:
    return np.random.default_rng(0).uniform(0.5, 1.5, ones.size)


def _as_numbers(value: Any) -> NDArray[Any]:
    """In the highest precision that NumPy has for the kind; strings and whole numbers as they are."""
    tensor = tf.convert_to_tensor(value)
    if tensor.dtype.is_complex:
        return np.asarray(tf.cast(tensor, tf.complex128))
    return np.asarray(tf.cast(tensor, tf.float64) if tensor.dtype.is_floating else tensor)


def _precision(dtype: tf.DType) -> float:
    """The distance from 1 to the next number."""
    return 2.0**-7 if dtype == tf.bfloat16 else float(np.finfo(dtype.as_numpy_dtype).eps)


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray | np.generic):
        return "a NumPy array" if isinstance(value, np.ndarray) else "a NumPy number"
    return "None" if value is None else f"a Python {type(value).__name__}"


def _called(source: Any) -> str:
    name = getattr(source, "name", "") if isinstance(source, tf.Variable | keras.Variable) else ""
    return f" ({name.partition(':')[0]})" if name and not name.startswith("Variable") else ""
