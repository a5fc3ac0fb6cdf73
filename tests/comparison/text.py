"""When two texts that a cell put out count as the same.

Processors differ in the last digits of a float32, so numbers with a fraction or an exponent are compared within a
tolerance. Whole numbers (shapes, counts, class numbers) and all words are compared exactly. pytest-doctestplus has a
checker of this kind; it takes `3` and `3.` for the same, and so would miss a changed dtype.
"""

from __future__ import annotations

import math
import re

RELATIVE, ABSOLUTE = 1e-4, 1e-6
FRACTION = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+")


def same(stored: str, fresh: str) -> bool:
    """Whether two texts differ in last digits alone, and in white space around brackets."""
    if _without_fractions(stored) != _without_fractions(fresh):
        return False
    pairs = zip(FRACTION.findall(stored), FRACTION.findall(fresh), strict=True)
    return all(
        math.isclose(float(a), float(b), rel_tol=RELATIVE, abs_tol=ABSOLUTE) for a, b in pairs
    )


def _without_fractions(text: str) -> list[str]:
    # NumPy pads numbers of different lengths
    return re.sub(r"\s*([][])\s*", r"\1", FRACTION.sub("#", text)).split()
