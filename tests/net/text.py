"""When two texts that a cell printed count as the same.

Processors differ in the last digits of a float32, so numbers with a fraction or an exponent are compared within a
tolerance. Whole numbers (shapes, counts, class numbers) and all words are compared exactly. pytest-doctestplus has a
checker of this kind; it takes `3` and `3.` for the same, and so would miss a changed dtype.
"""

from __future__ import annotations

import math
import re

RELATIVE, ABSOLUTE = 1e-4, 1e-6
FRACTION = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+")


class Text(str):
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
    # an operation's name in errors where oneDNN is on
    text = text.replace("__wrapped____Mkl", "__wrapped__")
    # NumPy pads numbers of different lengths
    return re.sub(r"\s*([][])\s*", r"\1", FRACTION.sub("#", text)).split()
