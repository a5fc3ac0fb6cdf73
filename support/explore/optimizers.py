"""Four optimizers from one start on one loss surface: where they go, and how fast the loss falls."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from numpy.typing import NDArray

from support.explore.explorer import Choice, Explorer, Number, Seen, hold_labels, text_of
from support.plots import DOTS_PER_INCH, LINE_STYLES

Vector = NDArray[np.float64]

START = (-1.8, 1.0)
MOST_STEPS = 100
LOSSES = (1e-4, 1e2)  # the ends of the loss curve's axis


class Surface(NamedTuple):
    """A loss of the weights (..., 2), and its gradient, (2,). The least loss is 0, at (0, 0)."""

    loss: Callable[[Vector], Vector]
    gradient: Callable[[Vector], Vector]


def _bowl(*steepness: float) -> Surface:
    return Surface(lambda w: w**2 @ np.array(steepness), lambda w: 2 * np.array(steepness) * w)


SURFACES = {
    "round bowl": _bowl(1.0, 1.0),
    "narrow valley": _bowl(0.2, 5.0),
    "plain with a hole": Surface(
        lambda w: 1 - np.exp(-np.sum(w**2, axis=-1)), lambda w: 2 * w * np.exp(-np.sum(w**2))
    ),
}


# Each takes the gradient, what it remembered, the rate and the number of the step, from 1 on; it returns by how much
# the weights change, and what it remembers. The formulas are those of https://keras.io/api/optimizers/ with the
# defaults of Keras; the momentum is 0.9.

Step = Callable[[Vector, Vector, float, int], tuple[Vector, Vector]]


def sgd(gradient: Vector, memory: Vector, rate: float, number: int) -> tuple[Vector, Vector]:
    return -rate * gradient, memory


def momentum(gradient: Vector, memory: Vector, rate: float, number: int) -> tuple[Vector, Vector]:
    velocity = 0.9 * memory[0] - rate * gradient
    return velocity, np.stack([velocity, memory[1]])


def rmsprop(gradient: Vector, memory: Vector, rate: float, number: int) -> tuple[Vector, Vector]:
    squares = 0.9 * memory[0] + 0.1 * gradient**2
    return -rate * gradient / np.sqrt(squares + 1e-7), np.stack([squares, memory[1]])


def adam(gradient: Vector, memory: Vector, rate: float, number: int) -> tuple[Vector, Vector]:
    mean = 0.9 * memory[0] + 0.1 * gradient
    squares = 0.999 * memory[1] + 0.001 * gradient**2
    corrected = rate * math.sqrt(1 - 0.999**number) / (1 - 0.9**number)
    return -corrected * mean / (np.sqrt(squares) + 1e-7), np.stack([mean, squares])


OPTIMIZERS: dict[str, Step] = {
    "SGD": sgd,
    "momentum": momentum,
    "RMSprop": rmsprop,
    "Adam": adam,
}


@functools.lru_cache(maxsize=64)
def path(optimizer: str, surface: str, rate: float) -> Vector:
    """The weights at the start and after each step, shape (MOST_STEPS + 1, 2)."""
    weights = [np.array(START)]
    memory = np.zeros((2, 2))
    for number in range(1, MOST_STEPS + 1):
        gradient = SURFACES[surface].gradient(weights[-1])
        change, memory = OPTIMIZERS[optimizer](gradient, memory, rate, number)
        weights.append(weights[-1] + change)
    return np.stack(weights)


class Board:
    """The surface from above with the four paths on the left, the four loss curves on the right."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(10.0, 4.2), dpi=DOTS_PER_INCH)
        left, right = self.figure.subplots(1, 2)
        self.figure.subplots_adjust(left=0.07, right=0.985, bottom=0.13, top=0.91, wspace=0.2)
        self.contours = {name: _contours(left, surface) for name, surface in SURFACES.items()}
        left.plot(0, 0, "*", color="black", markersize=12)
        self.lines = {
            name: [
                axes.plot([], [], style, color=color, marker=marker, markersize=6, label=name)[0]
                for axes in (left, right)
            ]
            for name, (color, style, marker) in zip(OPTIMIZERS, LINE_STYLES, strict=True)
        }
        left.set(xlim=(-2.2, 2.2), ylim=(-1.6, 1.6), xlabel="w1", ylabel="w2", title="The paths")
        right.set(xlim=(-2, MOST_STEPS + 2), ylim=LOSSES, yscale="log", xlabel="step")
        right.set(ylabel="loss", title="The losses")
        right.legend(loc="upper right", fontsize=9)
        for axes in self.figure.axes:
            hold_labels(axes)

    def draw(self, surface: str, rate: float, steps: int) -> Seen:
        for name, contours in self.contours.items():
            contours.set_visible(name == surface)
        numbers = {}
        for name, (track, curve) in self.lines.items():
            weights = path(name, surface, rate)[: steps + 1]
            losses = SURFACES[surface].loss(weights)
            inside = weights[np.abs(weights).max(axis=1) < 100]  # the rest is far outside
            track.set(data=inside.T, markevery=[len(inside) - 1])
            curve.set(data=(np.arange(steps + 1), losses), markevery=[steps])
            numbers[name] = float(losses[-1])
        words = _words(surface, steps, numbers)
        alt = f"Two panels: four paths over the {surface} from above, and their losses by step. {words}"
        return Seen(words, alt, numbers)


def _contours(axes: Axes, surface: Surface) -> ContourSet:
    x, y = np.linspace(-2.2, 2.2, 111), np.linspace(-1.6, 1.6, 81)
    losses = surface.loss(np.stack(np.meshgrid(x, y), axis=-1))
    levels = np.max(losses) * np.array([0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.9])
    return axes.contour(x, y, losses, levels, colors="#BBBBBB", linewidths=0.8)


def _words(surface: str, steps: int, losses: dict[str, float]) -> str:
    listed = ", ".join(f"{name} {loss:.2g}" for name, loss in losses.items())
    start = float(SURFACES[surface].loss(np.array(START)))
    words = f"After {text_of(steps)} step{'s' * (steps != 1)} the losses are: {listed}."
    worse = [name for name, loss in losses.items() if loss > 1.001 * start]
    if worse:
        words += f" Above the {start:.2g} of the start: {', '.join(worse)}."
    return words


explorer = Explorer(
    Board,
    surface=Choice("loss surface", "narrow valley", tuple(SURFACES)),
    rate=Choice("learning rate", 0.03, (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)),
    steps=Number("steps", 40, 0, MOST_STEPS, 1),
)
explore = explorer.explore
frame = explorer.frame
