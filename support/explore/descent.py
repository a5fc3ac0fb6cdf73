"""Gradient descent of a linear classifier: the path on the loss surface, the boundary, the loss, step by step."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from support import datasets
from support.explore.explorer import Explorer, Number, Seen, hold_labels, text_of
from support.plots import BLUE, CLASS_STYLES, DOTS_PER_INCH, GREEN, ORANGE

Weights = NDArray[np.float64]

SIDE = 3.0  # the surface is drawn for weights from -3 to 3
LOSSES = (0.01, 100.0)  # the ends of the loss curve's axis
MOST_STEPS = 60


class Board:
    """Three panels on the data of listing 3.13.

    The model is `inputs @ W + b`, its loss the mean squared error. The inputs are centered, so that the best b is 0.5
    whatever W is: with it fixed, the loss is a surface over w1 and w2.
    """

    def __init__(self) -> None:
        inputs, targets = datasets.two_clouds()
        self.inputs = inputs.astype("float64") - inputs.mean(axis=0)
        self.classes = targets[:, 0]
        errors = self.classes - 0.5
        # Multiplied out, the loss is W·S·W - 2 t·W + r, and its gradient 2 S·W - 2 t.
        self.squares = self.inputs.T @ self.inputs / len(errors)
        self.products = self.inputs.T @ errors / len(errors)
        self.rest = float(errors @ errors / len(errors))
        #: Descent on a quadratic surface diverges from 2 / (largest eigenvalue of the second derivatives) on.
        self.limit = 1 / float(np.linalg.eigvalsh(self.squares).max())

        self.figure = Figure(figsize=(11.4, 4.0), dpi=DOTS_PER_INCH)
        surface, plane, curve = self.figure.subplots(1, 3)
        self.figure.subplots_adjust(left=0.05, right=0.99, bottom=0.14, top=0.91, wspace=0.24)
        self._prepare_surface(surface)
        self._prepare_plane(plane)
        self._prepare_curve(curve)
        for axes in self.figure.axes:
            hold_labels(axes)

    def loss(self, weights: Weights) -> NDArray[np.float64]:
        """Of weights of shape (..., 2), in shape (...)."""
        curved = np.sum(weights @ self.squares * weights, axis=-1)
        return np.asarray(curved - 2 * weights @ self.products + self.rest)

    def descend(self, rate: float, steps: int, w1: float, w2: float) -> Weights:
        """The weights from the start on, shape (steps + 1, 2)."""
        path = [np.array([w1, w2])]
        for _ in range(steps):
            gradient = 2 * (self.squares @ path[-1] - self.products)
            path.append(path[-1] - rate * gradient)
        return np.stack(path)

    def draw(self, rate: float, steps: int, w1: float, w2: float) -> Seen:
        path = self.descend(rate, steps, w1, w2)
        losses = self.loss(path)
        shown = path[np.abs(path).max(axis=1) < 100 * SIDE]  # the rest is far outside
        self.path.set_data(*shown.T)
        self.place.set_data(*path[-1:].T)
        self.curve.set_data(np.arange(len(losses)), losses)
        self.last.set_data([steps], losses[-1:])
        length = float(np.hypot(*path[-1]))
        normal = path[-1] / length if length else np.zeros(2)
        across = np.array([-normal[1], normal[0]])
        self.boundary.set_data(*np.outer(across, [-9, 9]))
        self.arrow.set_data(*np.outer(normal, [0, 1]))
        self.head.set_data(*normal[:, None])
        accuracy = float(np.mean((self.inputs @ normal > 0) == self.classes)) if length else 0.5
        numbers = {"loss": float(losses[-1]), "accuracy": accuracy, "limit": self.limit}
        return Seen(*self._describe(rate, steps, path, losses, accuracy), numbers)

    def _describe(
        self,
        rate: float,
        steps: int,
        path: Weights,
        losses: NDArray[np.float64],
        accuracy: float,
    ) -> tuple[str, str]:
        where = f"w1 = {path[-1, 0]:.3g}, w2 = {path[-1, 1]:.3g}"
        words = (
            f"After {text_of(steps)} step{'s' * (steps != 1)}: {where}, "
            f"loss {losses[-1]:.3g}, accuracy {accuracy:.1%}."
        )
        if not path[-1].any():
            words += " With both weights 0 the model answers 0.5 everywhere: there is no boundary."
        if steps == 0 or rate == 0:
            course = "stays at its start"
        elif rate > self.limit:
            words += (
                f" It diverges in the end: above a rate of {self.limit:.3f}, each step across the valley overshoots "
                f"by more{', and the loss grows' * bool(losses[-1] > losses[0])}."
            )
            course = (
                "jumps from one side of the valley to the other, in the end further out each time"
            )
        elif rate > self.limit / 2:
            words += (
                " Each step overshoots the bottom of the valley; what it overshoots by shrinks."
            )
            course = "jumps from one side of the valley to the other and closes in on its bottom"
        else:
            course = "goes down into the valley and along its bottom"
        alt = (
            f"Three panels. The path of {text_of(steps)} steps at a rate of {text_of(rate)} over the loss surface "
            f"{course}, to {where}. "
            f"The accuracy is {accuracy:.1%}. "
            f"The loss goes from {losses[0]:.3g} to {losses[-1]:.3g}."
        )
        return words, alt

    def _prepare_surface(self, axes: Axes) -> None:
        side = np.linspace(-SIDE, SIDE, 121)
        surface = self.loss(np.stack(np.meshgrid(side, side), axis=-1))
        lines = axes.contour(
            side, side, surface, [0.03, 0.1, 0.3, 1, 3, 10, 30], colors="#999999", linewidths=0.8
        )
        axes.clabel(lines, [3, 10, 30], fmt="%g", fontsize=8)
        best = np.linalg.solve(self.squares, self.products)
        axes.plot(*best[:, None], "*", color=GREEN, markersize=13, label="least loss")
        (self.path,) = axes.plot([], [], ".-", color=BLUE, linewidth=1.2, label="path")
        (self.place,) = axes.plot([], [], "o", color=ORANGE, markersize=8, label="now")
        axes.set(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), xlabel="w1", ylabel="w2")
        axes.set(title="The loss surface, from above")
        axes.legend(loc="upper right", fontsize=8)

    def _prepare_plane(self, axes: Axes) -> None:
        for label, style in enumerate(CLASS_STYLES):
            x, y = self.inputs[self.classes == label].T
            axes.plot(x, y, linestyle="", markersize=3, alpha=0.4, label=f"class {label}", **style)
        (self.boundary,) = axes.plot([], [], "-", color="black", linewidth=2, label="boundary")
        (self.arrow,) = axes.plot([], [], "-", color="black", linewidth=1.5)
        (self.head,) = axes.plot([], [], "o", color="black", markersize=5, label="toward answer 1")
        axes.set(xlim=(-5, 5), ylim=(-5, 5), xlabel="first feature", ylabel="second feature")
        axes.set(title="The boundary")
        axes.legend(loc="lower left", fontsize=8)

    def _prepare_curve(self, axes: Axes) -> None:
        (self.curve,) = axes.plot([], [], ".-", color=BLUE, linewidth=1.2)
        (self.last,) = axes.plot([], [], "o", color=ORANGE, markersize=8, label="now")
        axes.axhline(
            float(self.loss(np.linalg.solve(self.squares, self.products))),
            color=GREEN,
            linestyle="--",
            label="least loss",
        )
        axes.set(xlim=(-1, MOST_STEPS + 1), ylim=LOSSES, yscale="log", xlabel="step")
        axes.set(ylabel="loss (mean squared error)", title="The loss")
        axes.legend(loc="upper right", fontsize=8)


explorer = Explorer(
    Board,
    rate=Number("learning rate", 0.02, 0.0, 0.4, 0.005),
    steps=Number("steps", 20, 0, MOST_STEPS, 1),
    w1=Number("start of w1", -2.0, -SIDE, SIDE, 0.25),
    w2=Number("start of w2", -1.0, -SIDE, SIDE, 0.25),
)
explore = explorer.explore
frame = explorer.frame
