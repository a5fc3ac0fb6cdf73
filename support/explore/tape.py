"""A function at a point: its curve and tangent, and the two derivatives that nested tapes give."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from support.explore.explorer import Choice, Explorer, Number, Seen, hold_labels, text_of
from support.plots import BLUE, DOTS_PER_INCH, GREEN, ORANGE

FUNCTIONS = {
    "x²": tf.square,
    "x³ - 3x": lambda x: x**3 - 3 * x,
    "sin(x)": tf.sin,
    "exp(-x²)": lambda x: tf.exp(-(x**2)),
    "sigmoid(x)": tf.sigmoid,
    "relu(x)": tf.nn.relu,
    "|x|": tf.abs,
}
LOW, HIGH = -3.0, 3.0
#: Where a function has a corner, and so no derivative; TensorFlow takes the value on the left for relu, and 0 for |x|.
CORNERS = {"relu(x)": 0.0, "|x|": 0.0}


def derivatives(function: str, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The function, its first and its second derivative at each x; all have the shape of x."""
    with tf.GradientTape() as outer_tape:
        outer_tape.watch(x)
        with tf.GradientTape() as inner_tape:
            inner_tape.watch(x)
            y = FUNCTIONS[function](x)
        first = inner_tape.gradient(y, x)
    second = outer_tape.gradient(first, x, unconnected_gradients="zero")
    return y, first, second


class Board:
    """The curve with its tangent on the left, the derivatives on the right."""

    def __init__(self) -> None:
        self.x = tf.linspace(LOW, HIGH, 241)
        self.curves = {name: self._curves(name) for name in FUNCTIONS}
        self.figure = Figure(figsize=(10.0, 4.2), dpi=DOTS_PER_INCH)
        left, right = self.left, self.right = self.figure.subplots(1, 2)
        self.figure.subplots_adjust(left=0.07, right=0.985, bottom=0.13, top=0.91, wspace=0.2)
        (self.curve,) = left.plot([], [], "-", color=BLUE, linewidth=2, label="function")
        (self.tangent,) = left.plot([], [], "--", color=ORANGE, linewidth=2, label="tangent")
        (self.point,) = left.plot([], [], "o", color=ORANGE, markersize=9)
        self.derivatives = [
            (
                right.plot([], [], style, color=color, linewidth=2, label=name)[0],
                right.plot([], [], marker, color=color, markersize=8)[0],
            )
            for name, style, marker, color in [
                ("first derivative", "-", "o", ORANGE),
                ("second derivative", "-.", "s", GREEN),
            ]
        ]
        for axes, title in [(left, "The function"), (right, "Its derivatives")]:
            axes.set(xlim=(LOW, HIGH), xlabel="x", title=title)
            axes.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
            axes.legend(loc="upper center", fontsize=9, ncols=2)
        left.set_ylabel("f(x)")
        right.set_ylabel("change per unit of x")
        for axes in self.figure.axes:
            hold_labels(axes)

    def _curves(self, function: str) -> list[NDArray[np.float32]]:
        """The function and its derivatives, which have a gap where they jump."""
        values, *jumping = (each.numpy() for each in derivatives(function, self.x))
        at_corner = _is_corner(function, self.x.numpy())
        return [values, *(np.where(at_corner, np.nan, each) for each in jumping)]

    def draw(self, function: str, x: float) -> Seen:
        y, first, second = (float(each) for each in derivatives(function, tf.constant(float(x))))
        values = self.curves[function]
        self.curve.set_data(self.x.numpy(), values[0])
        self.tangent.set_data([x - 1.2, x + 1.2], [y - 1.2 * first, y + 1.2 * first])
        self.point.set_data([x], [y])
        for (line, marker), curve, here in zip(
            self.derivatives, values[1:], (first, second), strict=True
        ):
            line.set_data(self.x.numpy(), curve)
            marker.set_data([x], [here])
        self.left.set_ylim(_room(values[:1]))
        self.right.set_ylim(_room(values[1:]))
        words = (
            f"{function} at x = {text_of(x)} is {_short(y)}, its first derivative {_short(first)}"
        )
        if _is_corner(function, x):
            words += (
                f" and its second {_short(second)}. The curve has a corner there, so that no derivative exists; "
                "these numbers are what TensorFlow takes."
            )
        else:
            words += f" ({_slope(first)}), its second {_short(second)} ({_bend(second)})."
        alt = f"Two panels: the curve with its tangent, and the two derivatives. {words}"
        return Seen(words, alt, {"value": y, "first": first, "second": second})


def _is_corner(function: str, x: Any) -> Any:
    """Whether there is no derivative at a number or, one by one, at the numbers of an array."""
    return np.abs(x - CORNERS.get(function, np.inf)) < 1e-6


def _room(curves: list[NDArray[np.float32]]) -> tuple[float, float]:
    """Limits of an axis with room for the curves, and for the legend above."""
    low, high = (float(extreme(curves)) for extreme in (np.nanmin, np.nanmax))
    margin = 0.1 * (high - low)
    return low - margin, high + 2.5 * margin


def _short(number: float) -> str:
    return f"{round(number, 4) + 0.0:g}"  # + 0.0 makes 0 of -0


def _slope(first: float) -> str:
    if abs(first) < 1e-4:
        return "the curve is level"
    return "the curve rises" if first > 0 else "the curve falls"


def _bend(second: float) -> str:
    if abs(second) < 1e-4:
        return "it does not bend"
    return "it bends upward" if second > 0 else "it bends downward"


explorer = Explorer(
    Board,
    function=Choice("function", "x³ - 3x", tuple(FUNCTIONS)),
    x=Number("x", -2.0, LOW, HIGH, 0.1),
)
explore = explorer.explore
frame = explorer.frame
