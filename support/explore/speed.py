"""How long NumPy and XLA take for a training step, over the number of points, and where their lines cross.

What was measured is kept in a file beside this module; `python -m support.explore.speed` measures anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from support import datasets
from support.explore.explorer import Choice, Explorer, Seen, hold_labels, text_of
from support.plots import BLUE, DOTS_PER_INCH, ORANGE
from support.timing import seconds_per_call

Array = NDArray[np.float64]

LOSSES = ("squared error", "crossentropy")
STEPS = (1, 10, 100)  # in one call of XLA
POWERS = np.arange(1, 6.01, 0.5)  # of 10: the numbers of points that are measured
FILE = Path(__file__).with_suffix(".csv")
RATE = 0.1


def numpy_step(loss: str, inputs: Any, targets: Any) -> Callable[[], object]:
    """One step of a linear classifier, its gradient written by hand."""
    W, b = np.zeros((2, 1), "float32"), np.zeros(1, "float32")

    def step() -> object:
        scores = inputs @ W + b
        if loss == "squared error":
            errors = scores - targets
            value = np.mean(errors**2)
            factor = 2
        else:
            value = np.mean(
                np.maximum(scores, 0) - scores * targets + np.log1p(np.exp(-np.abs(scores)))
            )
            errors = 1 / (1 + np.exp(-scores)) - targets
            factor = 1
        W - RATE * factor * inputs.T @ errors / len(inputs)
        b - RATE * factor * errors.mean(axis=0)
        return value

    return step


def xla_steps(loss: str, inputs: Any, targets: Any, steps: int) -> Callable[[], object]:
    """So many steps in one call of a compiled function."""
    import tensorflow as tf

    W, b = tf.Variable(tf.zeros((2, 1))), tf.Variable(tf.zeros((1,)))
    losses: dict[str, Callable[..., tf.Tensor]] = {
        "squared error": lambda scores, targets: tf.square(targets - scores),
        "crossentropy": lambda scores, targets: tf.nn.sigmoid_cross_entropy_with_logits(
            labels=targets, logits=scores
        ),
    }

    def training_step(inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(losses[loss](tf.matmul(inputs, W) + b, targets))
        for variable, gradient in zip((W, b), tape.gradient(value, (W, b)), strict=True):
            variable.assign_sub(RATE * gradient)
        return value

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def run(inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        value = tf.constant(0.0)
        for _ in tf.range(steps):
            value = training_step(inputs, targets)
        return value

    inputs, targets = tf.constant(inputs), tf.constant(targets)
    return lambda: run(inputs, targets)


def measure(loss: str, points: int, calls: int = 15) -> list[float]:
    """Microseconds of a step: NumPy's, and XLA's with 1, 10 and 100 steps in a call."""
    inputs, targets = datasets.two_clouds(-(-points // 2))
    order = np.random.default_rng(0).permutation(len(inputs))[:points]
    inputs, targets = inputs[order], targets[order]
    functions = {"NumPy": numpy_step(loss, inputs, targets)}
    functions |= {f"{steps}": xla_steps(loss, inputs, targets, steps) for steps in STEPS}
    seconds = list(seconds_per_call(functions, calls).values())
    return [1e6 * each / steps for each, steps in zip(seconds, (1, *STEPS), strict=True)]


def store() -> None:
    """Measure everything, and keep it."""
    rows = [
        [LOSSES.index(loss), power, *measure(loss, round(10**power))]
        for loss, power in itertools.product(LOSSES, POWERS)
    ]
    np.savetxt(FILE, rows, fmt="%.4g", delimiter=",")


def stored() -> dict[str, Array]:
    """By loss, an array of shape (powers, 4): microseconds of a step, in the order of `measure`."""
    rows = np.loadtxt(FILE, delimiter=",")
    return {loss: rows[rows[:, 0] == number, 2:] for number, loss in enumerate(LOSSES)}


def crossings(numpy: Array, xla: Array) -> Array:
    """The powers of ten of the numbers of points where the two lines cross."""
    ahead = np.log(numpy / xla)  # above 0 where XLA is faster
    (left,) = np.nonzero(np.diff(ahead > 0))
    part = ahead[left] / (ahead[left] - ahead[left + 1])
    return np.asarray(POWERS[left] + part * np.diff(POWERS)[left])


def _rounded(number: float) -> int:
    """To two digits, which is what such a measurement is worth."""
    return int(float(f"{number:.2g}"))


POINTS = tuple(_rounded(10**power) for power in POWERS)


class Board:
    """One panel: the time of a step over the number of points, both axes logarithmic."""

    def __init__(self) -> None:
        self.measured = stored()
        self.figure = Figure(figsize=(8.4, 4.4), dpi=DOTS_PER_INCH)
        axes = self.figure.subplots()
        self.figure.subplots_adjust(left=0.13, right=0.95, bottom=0.13, top=0.9)
        sizes = 10**POWERS
        (self.numpy,) = axes.plot(sizes, sizes, "o-", color=BLUE, markersize=5, label="NumPy")
        (self.xla,) = axes.plot(sizes, sizes, "^--", color=ORANGE, markersize=5, label="XLA")
        (self.now,) = axes.plot(
            [], [], "o", color="black", markersize=10, fillstyle="none", label="now"
        )
        self.line = axes.axvline(10, color="#999999", linewidth=0.8)
        (self.cross,) = axes.plot([], [], "X", color="black", markersize=9, label="they cross")
        axes.set(xlim=(7, 1.5e6), ylim=(2, 1e5), xscale="log", yscale="log")
        axes.set(xlabel="points", ylabel="microseconds a step", title="One training step")
        axes.grid(color="#DDDDDD", linewidth=0.6)
        axes.legend(loc="upper left", fontsize=9)
        hold_labels(axes)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,.0f}")

    def draw(self, loss: str, steps: int, points: int) -> Seen:
        table = self.measured[loss]
        numpy, xla = table[:, 0], table[:, 1 + STEPS.index(steps)]
        place = POINTS.index(points)
        self.numpy.set_ydata(numpy)
        self.xla.set_ydata(xla)
        size = 10 ** POWERS[place]
        self.line.set_xdata([size, size])
        self.now.set_data([size, size], [numpy[place], xla[place]])
        turns = crossings(numpy, xla)
        self.cross.set_data(10**turns, np.exp(np.interp(turns, POWERS, np.log(xla))))
        first = "XLA" if numpy[0] > xla[0] else "NumPy"
        if not len(turns):
            words = f"{first} is faster at every size here."
            course = f"the one of {first} stays below"
        else:
            places = " and ".join(text_of(_rounded(10**turn)) for turn in turns)
            words = f"At first {first} is faster; the lines cross at about {places} points."
            course = f"the one of {first} begins below, and they cross at about {places} points"
        ratio = numpy[place] / xla[place]
        faster = f"XLA is {ratio:.2g}" if ratio > 1 else f"NumPy is {1 / ratio:.2g}"
        numbers = {"numpy": float(numpy[place]), "xla": float(xla[place]), "ratio": float(ratio)}
        numbers["turns"] = len(turns)
        here, in_a_call = (
            f"{text_of(points)} points",
            f"{text_of(steps)} step{'s' * (steps > 1)} in a call",
        )
        times = [text_of(_rounded(each)) for each in (numpy[place], xla[place])]
        return Seen(
            f"{here}: NumPy takes {times[0]} µs a step, XLA {times[1]} µs with {in_a_call}. {faster} times as fast. "
            f"{words}",
            f"Two lines over the number of points, which rise in the end, for {loss} and {in_a_call}; {course}. Marked "
            f"are {here}, where NumPy takes {times[0]} microseconds a step and XLA {times[1]}.",
            numbers,
        )


explorer = Explorer(
    Board,
    loss=Choice("loss", LOSSES[0], LOSSES),
    steps=Choice("steps in a call of XLA", 1, STEPS),
    points=Choice("points", 3_200, POINTS, kind="slider"),
)
explore = explorer.explore
frame = explorer.frame


if __name__ == "__main__":
    store()
