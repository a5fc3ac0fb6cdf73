"""How long calls take, measured so that the numbers can be compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np


def seconds_per_call(
    functions: Mapping[str, Callable[[], object]], calls: int = 30
) -> dict[str, float]:
    """Measure functions side by side.

    They take turns, so that a moment in which the machine is busy hits all of them, and the median leaves such moments
    out. Each is called twice before: the first call of a `tf.function` traces and compiles.

    Args:
        functions: by name, without arguments. What they return is turned into an array within the measured time: a
            GPU returns before it has computed.
        calls: of each function, at least 1.

    Returns:
        The median time of a call in seconds, by name.

    Raises:
        ValueError: `calls` is below 1.
    """
    if calls < 1:
        raise ValueError(
            f"calls is {calls}; expected at least 1, since there is nothing to measure without a call"
        )
    for function in functions.values():
        for _ in range(2):
            np.asarray(function())
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(calls):
        for name, function in functions.items():
            start = time.perf_counter()
            np.asarray(function())
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(measured) for name, measured in seconds.items()}
