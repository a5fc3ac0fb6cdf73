"""Says in words how a wrong result relates to the right one: its negative, its transpose, so many times as much…"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.exercises.compare import Difference, close


def relation(difference: Difference, sizes: set[int]) -> str:
    """A sentence on what the difference looks like; "" if it looks like nothing known.

    Args:
        difference: of two results.
        sizes: lengths of axes of what was given; a factor that is one of them is a sum for a mean, or the reverse.
    """
    mine, right = difference.got, difference.expected
    if mine is None or right is None or (right.ndim == 0 and right.dtype.kind in "iu"):
        return ""  # a count that is twice another says nothing
    if difference.kind in ("rank", "shape"):
        return _relation_of_shapes(mine, right)
    if difference.kind == "dtype":
        return _relation_of_dtypes(mine, right)
    if difference.kind == "values" and mine.dtype.kind in "iufb" and right.dtype.kind in "iufb":
        return _relation_of_values(mine.astype("float64"), right.astype("float64"), sizes)
    return ""


def _relation_of_shapes(mine: NDArray[Any], right: NDArray[Any]) -> str:
    if mine.shape == right.shape[::-1]:
        if mine.dtype.kind in "iuf" and close(mine.T, right):
            return "It is the transpose of the expected result: rows and columns are swapped."
        return "It has the shape of the transpose."
    if right.ndim == 2 and right.shape[1] == 1 and mine.shape == (len(right), len(right)):
        return (
            "Such a shape often comes of (N,) against (N, 1), which stretches to (N, N): each number of one meets each "
            "of the other. Give both the same rank."
        )
    if right.ndim == 0 and mine.size == 1:
        return "It is one number in brackets: an axis of length 1 is too much."
    if right.ndim == 0:
        return "One number was asked for: an axis is left that a reduction or an index should have taken away."
    if mine.ndim == 0:
        return "A single number is left: axes are lost to a reduction that names none, to an index, to `tf.squeeze`."
    if mine.size == right.size and mine.ndim < right.ndim:
        return "The numbers are as many as expected, but an axis is missing; `keepdims=True` or `tf.reshape` keeps it."
    if mine.size == right.size and mine.ndim > right.ndim:
        return "The numbers are as many as expected, but there is one axis too many."
    return ""


def _relation_of_dtypes(mine: NDArray[Any], right: NDArray[Any]) -> str:
    if right.dtype.kind == "f" and mine.dtype.kind in "iu":
        return "Whole numbers came where floats were asked for: give the dtype, write 1.0 for 1, or leave out a cast."
    if right.dtype == np.float32 and mine.dtype == np.float64:
        return "float64 is NumPy's default; networks compute in float32."
    if right.dtype.kind in "iu" and mine.dtype.kind == "f":
        return "Whole numbers were asked for; `tf.cast` converts."
    if mine.dtype.kind == "b":
        return "True and False are no numbers; `tf.cast` makes 1 and 0 of them."
    return ""


def _relation_of_values(mine: NDArray[Any], right: NDArray[Any], sizes: set[int]) -> str:
    if not np.isfinite(mine).all() and np.isfinite(right).all():
        return "It has NaN or infinity where a number was expected: a division by 0, a logarithm of 0, or an overflow."
    if close(mine, np.zeros_like(mine)) and not close(right, np.zeros_like(right)):
        return "It is 0 everywhere."
    if close(mine, -right):
        return "It is the negative of the expected result: a sign is wrong."
    factor = _factor(mine, right)
    if factor:
        return _words_for_factor(factor, sizes)
    if mine.ndim == 2 and mine.shape[0] == mine.shape[1] and close(mine.T, right):
        return "It is the transpose of the expected result: rows and columns are swapped."
    if mine.size > 1 and close(mine, np.broadcast_to(mine.flat[0], mine.shape)):
        return f"It is {mine.flat[0]:.6g} everywhere."
    if mine.size > 1 and close(np.sort(mine, axis=None), np.sort(right, axis=None)):
        return "These are the expected numbers in another order."
    if mine.size == 1:
        return ""  # one number is the root or the rounding of another by chance
    with np.errstate(all="ignore"):
        for changed, words in [
            (right**2, "It is the square of the expected result: a square root is missing."),
            (np.sqrt(right), "It is the square root of the expected result."),
            (np.abs(right), "It is the expected result without its sign."),
            (np.round(right), "It is the expected result, rounded."),
            (1 - right, "It is 1 minus the expected result."),
            (np.clip(right, 0, None), "Negative numbers have become 0."),
        ]:
            if close(mine, changed):
                return words
    offset = mine - right
    if close(offset, np.broadcast_to(offset.flat[0], offset.shape)):
        return f"It is larger than expected by {offset.flat[0]:.6g} everywhere."
    return ""


def _factor(mine: NDArray[Any], right: NDArray[Any]) -> float | None:
    """k if the result is k times the expected one, in at least two numbers that are not 0."""
    there = np.abs(right) > 1e-6
    if there.sum() < 1 or not close(mine[~there], right[~there]):
        return None
    ratios = mine[there] / right[there]
    if not close(ratios, np.broadcast_to(ratios[0], ratios.shape)) or abs(ratios[0]) < 1e-3:
        return None
    simple = abs(ratios[0] * 12 - round(ratios[0] * 12)) < 1e-3  # of one number every factor is one
    return float(ratios[0]) if there.sum() > 1 or simple else None


def _words_for_factor(factor: float, sizes: set[int]) -> str:
    for size in sorted(sizes - {0, 1}):
        if abs(factor - size) < 1e-3:
            return f"It is {size} times the expected result, and there are {size} of them: a sum in place of a mean?"
        if abs(factor * size - 1) < 1e-3:
            return f"It is the expected result divided by {size}, as many as there are: divided once too often?"
    return f"It is {factor:.4g} times the expected result."
