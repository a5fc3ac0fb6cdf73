"""A pytest plugin: nbval compares numbers with a fraction within a tolerance, and everything else exactly.

Processors differ in the last digits of a float32. Whole numbers (shapes, counts, class numbers) stay exact. The
notebooks run in warm kernels.
"""

from __future__ import annotations

import math
import re
from types import MethodType

import pytest

from support import warm_kernel

RELATIVE, ABSOLUTE = 1e-4, 1e-6
FRACTION = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+")


class Output(str):
    """A cell's text. Two are equal if they differ only in last digits, and in white space around brackets."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        if _without_fractions(self) != _without_fractions(other):
            return False
        pairs = zip(FRACTION.findall(self), FRACTION.findall(other), strict=True)
        return all(
            math.isclose(float(a), float(b), rel_tol=RELATIVE, abs_tol=ABSOLUTE) for a, b in pairs
        )

    def __ne__(self, other: object) -> bool:
        return not self == other


def _without_fractions(text: str) -> list[str]:
    text = text.replace(
        "__wrapped____Mkl", "__wrapped__"
    )  # an operation's name in errors where oneDNN is on
    text = re.sub(
        r"\s*([][])\s*", r"\1", FRACTION.sub("#", text)
    )  # NumPy pads numbers of different lengths
    return text.split()


def _sanitize(cell: pytest.Item, text: object) -> object:
    text = type(cell).sanitize(cell, text)
    return Output(text) if isinstance(text, str) else text


def pytest_configure() -> None:
    warm_kernel.choose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if type(item).__name__ == "IPyNbCell":
            item.sanitize = MethodType(_sanitize, item)
