"""Compares a result with the expected one: type, rank, shape, dtype, values. The first that differs is told."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

#: float32 keeps about seven digits; a sum in another order loses two of them.
RELATIVE, ABSOLUTE = 1e-4, 1e-5

MOST_NUMBERS = 30  # a larger array is described by its shape


@dataclass(frozen=True)
class Difference:
    """The first thing in which a result is not the expected one."""

    kind: str  #: "type", "length", "rank", "shape", "dtype" or "values"
    words: str  #: a sentence: what came, and what was expected
    place: str  #: which part of the result
    got: NDArray[Any] | None = None  #: the numbers, where both results are arrays
    expected: NDArray[Any] | None = None


def compare(got: Any, expected: Any, place: str = "the result") -> Difference | None:
    """The first difference between a result and the expected one; None if there is none.

    Args:
        got: anything.
        expected: a tensor, a variable, an array, a plain value, or a list, tuple or dict of these.
        place: what the result is called.
    """
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            words = f"{place} is {kind_of(got)}; expected a dict of {len(expected)}"
            return Difference("type", words, place)
        return _first(compare(got.get(name), value, name) for name, value in expected.items())
    if isinstance(expected, list | tuple):
        return _compare_sequence(got, expected, place)
    if expected is None or isinstance(expected, bool | str):
        return _compare_plain(got, expected, place)
    if isinstance(expected, numbers.Number):
        return _compare_number(got, expected, place)
    return _compare_arrays(got, expected, place)


def _first(differences: Iterable[Difference | None]) -> Difference | None:
    return next((difference for difference in differences if difference), None)


def _compare_sequence(
    got: Any, expected: list[Any] | tuple[Any, ...], place: str
) -> Difference | None:
    if not isinstance(got, list | tuple):
        words = (
            f"{place} is {kind_of(got)}; expected a {type(expected).__name__} of {len(expected)}"
        )
        return Difference("type", words, place)
    if len(got) != len(expected):
        words = f"{place} has {len(got)} entries; expected {len(expected)}"
        return Difference("length", words, place)
    return _first(
        compare(mine, right, f"entry {number} of {place}")
        for number, (mine, right) in enumerate(zip(got, expected, strict=True))
    )


def _compare_plain(got: Any, expected: bool | str | None, place: str) -> Difference | None:
    if isinstance(expected, bool) and isinstance(got, np.bool_):
        got = bool(got)
    if type(got) is not type(expected):
        return Difference("type", f"{place} is {kind_of(got)}; expected {expected!r}", place)
    if got != expected:
        return Difference("values", f"{place} is {got!r}; expected {expected!r}", place)
    return None


def _compare_number(got: Any, expected: Any, place: str) -> Difference | None:
    """A plain number may come as a tensor or a NumPy number, too."""
    wanted = np.asarray(expected)
    whole = wanted.dtype.kind in "iu"
    name = "whole number" if whole else "number"
    numeric = isinstance(got, numbers.Number | np.number) or is_array(got)
    if not numeric or isinstance(got, bool | complex):
        return Difference("type", f"{place} is {kind_of(got)}; expected a {name}", place)
    mine = _numbers_of(got)
    if mine.ndim:
        words = f"{place} has shape {mine.shape}; expected a single {name}"
        return Difference("rank", words, place, mine, wanted)
    if mine.dtype.kind not in ("iu" if whole else "iuf"):
        return Difference("type", f"{place} is {kind_of(got)}; expected a {name}", place)
    return _compare_values(mine, wanted, place)


def _compare_arrays(got: Any, expected: Any, place: str) -> Difference | None:
    wanted = _numbers_of(expected)
    accepted = is_array(got)
    if isinstance(expected, tf.Variable):
        accepted, name = isinstance(got, tf.Variable), "a variable"
    elif isinstance(expected, np.ndarray):
        name = "a NumPy array"
    else:
        accepted, name = accepted and not isinstance(got, np.ndarray), "a tensor"
    if not accepted:
        return Difference("type", f"{place} is {kind_of(got)}; expected {name}", place)
    mine = _numbers_of(got)
    if mine.ndim != wanted.ndim:
        words = f"{place} has rank {mine.ndim}, shape {mine.shape}; expected rank {wanted.ndim}, shape {wanted.shape}"
        return Difference("rank", words, place, mine, wanted)
    if mine.shape != wanted.shape:
        words = f"{place} has shape {mine.shape}; expected {wanted.shape}"
        return Difference("shape", words, place, mine, wanted)
    if mine.dtype != wanted.dtype:
        words = f"{place} has dtype {mine.dtype}; expected {wanted.dtype}"
        return Difference("dtype", words, place, mine, wanted)
    return _compare_values(mine, wanted, place)


def _compare_values(mine: NDArray[Any], wanted: NDArray[Any], place: str) -> Difference | None:
    if close(mine, wanted):
        return None
    if wanted.ndim == 0:
        words = f"{place} is {show(mine)}; expected {show(wanted)}"
    else:
        differs = ~np.isclose(mine, wanted, RELATIVE, ABSOLUTE, equal_nan=True)
        index = tuple(int(position) for position in np.argwhere(differs)[0])
        at = ", ".join(map(str, index))
        words = f"{place}[{at}] is {show(mine[index])}; expected {show(wanted[index])}"
    return Difference("values", words, place, mine, wanted)


def close(mine: NDArray[Any], wanted: NDArray[Any]) -> bool:
    """Whether two arrays of one shape are equal within rounding."""
    if mine.dtype.kind not in "iufb" or wanted.dtype.kind not in "iufb":
        return bool(np.array_equal(mine, wanted))
    return bool(
        np.allclose(
            mine.astype("float64"), wanted.astype("float64"), RELATIVE, ABSOLUTE, equal_nan=True
        )
    )


def is_array(value: Any) -> bool:
    """Whether it is a block of numbers: an array, a tensor that has been computed, a variable."""
    if isinstance(value, np.ndarray):
        return value.dtype != object
    if isinstance(value, tf.Variable | keras.Variable):
        return True
    return isinstance(value, tf.Tensor) and hasattr(value, "numpy")


def _numbers_of(value: Any) -> NDArray[Any]:
    return np.asarray(
        value if isinstance(value, np.ndarray) or not is_array(value) else value.numpy()
    )


def kind_of(value: Any) -> str:
    """What a thing is, in words."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray):
        return "a NumPy array" if value.dtype != object else "a NumPy array of objects"
    if isinstance(value, np.generic):
        return f"a NumPy number, {value}"
    if isinstance(value, int | float | complex | str):
        return f"{value!r}, a Python {type(value).__name__}"
    if isinstance(value, list | tuple | dict | set):
        return f"a Python {type(value).__name__}"
    if isinstance(value, tf.RaggedTensor):
        return "a ragged tensor"
    if isinstance(value, tf.SparseTensor):
        return "a sparse tensor"
    if isinstance(value, tf.Variable | keras.Variable):
        return "a variable" if isinstance(value, tf.Variable) else "a variable of Keras"
    if isinstance(value, tf.Tensor | keras.KerasTensor):
        return "a tensor" if is_array(value) else "a symbolic tensor, which has no numbers yet"
    if inspect.isgenerator(value):
        return "a generator"
    if inspect.isroutine(value):
        return "a function"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name} object"


def show(value: Any) -> str:
    """A value as a learner would type it: numbers in brackets, long ones in short."""
    if not is_array(value) and not isinstance(value, np.generic):
        if inspect.isroutine(value):
            return getattr(value, "__name__", "a function")
        text = repr(value)
        return text if len(text) <= 200 else f"{text[:200]}…"
    array = _numbers_of(value)
    if array.size > MOST_NUMBERS:
        return f"{kind_of(array) if isinstance(value, np.ndarray) else kind_of(value)} of shape {array.shape}"
    if array.size == 0:
        return f"no numbers, shape {array.shape}"
    text = np.array2string(
        array,
        separator=", ",
        formatter={"float_kind": lambda number: f"{number:.6g}"},
        max_line_width=10_000,
    )
    return " ".join(text.split())
