"""Two shapes under each other: which axes stretch, and what does not fit."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from support.explore.explorer import Explorer, Seen, Typed
from support.plots import BLUE, DOTS_PER_INCH, GRAY, ORANGE, PINK

MOST_AXES = 6
LONGEST = 999
NAMES = ("first", "second")
#: How an axis is drawn: as it is, stretched, or one that does not fit.
STYLES: dict[str, dict[str, Any]] = {
    "own": {"facecolor": "#E3EEF6", "edgecolor": BLUE, "linestyle": "-", "linewidth": 1.5},
    "stretched": {"facecolor": "#FDF0E6", "edgecolor": ORANGE, "linestyle": "--", "linewidth": 2},
    "misfit": {"facecolor": "#F7E6F0", "edgecolor": PINK, "linestyle": ":", "linewidth": 3},
}

Shape = tuple[int, ...]


def shape_of(text: str) -> Shape:
    """A shape as a person types it: "(4, 3)", "4, 3", "4 3", "()".

    Raises:
        ValueError: it is no shape, or none that can be drawn.
    """
    if len(text) > 80 or not re.fullmatch(
        r"\s*[(\[]?\s*(-?\d+\s*(,\s*|\s+|(?=[)\]])|$))*[)\]]?\s*", text
    ):
        typed = repr(text if len(text) <= 80 else text[:80] + "…")
        raise ValueError(f"{typed} is no shape; type whole numbers with commas, such as 4, 3.")
    shape = tuple(int(number) for number in re.findall(r"-?\d+", text))
    for length in shape:
        if not 1 <= length <= LONGEST:
            raise ValueError(
                f"{text!r} has an axis of length {length}; here each is from 1 to {LONGEST} long."
            )
    if len(shape) > MOST_AXES:
        raise ValueError(f"{text!r} has {len(shape)} axes; the picture has room for {MOST_AXES}.")
    return shape


def broadcast(first: Shape, second: Shape) -> list[int | None]:
    """The lengths of the result's axes; None where two do not fit."""
    rank = max(len(first), len(second))
    pairs = zip(_padded(first, rank), _padded(second, rank), strict=True)
    return [max(one, other) if one == other or 1 in (one, other) else None for one, other in pairs]


def _padded(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


class Board:
    """Three rows of boxes, one box for each axis: the two shapes, aligned on the right, and their result."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(8.2, 3.6), dpi=DOTS_PER_INCH)
        axes = self.figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-1.9, MOST_AXES + 0.1), ylim=(3.05, -0.4))
        axes.axis("off")
        middle: dict[str, Any] = {"ha": "center", "va": "center"}
        self.heads = [
            axes.text(column + 0.5, -0.1, "", color=GRAY, **middle) for column in range(MOST_AXES)
        ]
        self.boxes, self.lengths = {}, {}
        for row, column in itertools.product(range(3), range(MOST_AXES)):
            box = Rectangle((column + 0.06, row + 0.14), 0.88, 0.72)
            self.boxes[row, column] = axes.add_patch(box)
            self.lengths[row, column] = axes.text(
                column + 0.5, row + 0.5, "", fontsize=13, **middle
            )
        self.names = [
            axes.text(-0.15, row + 0.5, "", ha="right", va="center", fontsize=12)
            for row in range(3)
        ]

    def draw(self, first: str, second: str) -> Seen:
        shapes = shape_of(first), shape_of(second)
        result = broadcast(*shapes)
        whole = tuple(length for length in result if length is not None)
        fits = len(whole) == len(result)
        for place in self.boxes:
            self.boxes[place].set_visible(False)
            self.lengths[place].set_text("")
        for column, head in enumerate(self.heads):
            head.set_text(f"axis {column - len(result)}" if column < len(result) else "")
        for row, shape in enumerate(shapes):
            self.names[row].set_text(f"{NAMES[row]}\n{shape}")
            self._draw_shape(row, shape, result)
        self.names[2].set_text(f"result\n{whole if fits else 'none'}")
        for column, wanted in enumerate(result):
            self._draw_box(2, column, str(wanted or "✗"), "own" if wanted else "misfit")
        words = _words_for_fit(shapes, whole) if fits else _words_for_misfit(shapes, result)
        alt = f"Two shapes and their result as rows of boxes, aligned on the right. {words}"
        return Seen(words, alt, {"size": math.prod(whole) if fits else 0})

    def _draw_shape(self, row: int, shape: Shape, result: list[int | None]) -> None:
        padded = _padded(shape, len(result))
        for column, (length, wanted) in enumerate(zip(padded, result, strict=True)):
            if wanted is None:
                self._draw_box(row, column, str(length), "misfit")
            elif column < len(result) - len(shape):
                self._draw_box(row, column, f"new: {wanted}", "stretched")
            elif length != wanted:
                self._draw_box(row, column, f"{length} → {wanted}", "stretched")
            else:
                self._draw_box(row, column, str(length), "own")

    def _draw_box(self, row: int, column: int, text: str, style: str) -> None:
        self.boxes[row, column].set(visible=True, **STYLES[style])
        self.lengths[row, column].set_text(text)


def _words_for_fit(shapes: tuple[Shape, Shape], result: Shape) -> str:
    rank = len(result)
    stretched = []
    for name, shape in zip(NAMES, shapes, strict=True):
        own = (0,) * (rank - len(shape)) + shape  # a new axis stretches even to 1
        axes = [str(axis - rank) for axis in range(rank) if own[axis] != result[axis]]
        if axes:
            stretched.append(f"the {name} stretches along axis {' and '.join(axes)}")
    how = ", ".join(stretched) or "nothing has to stretch"
    return f"{shapes[0]} and {shapes[1]} give {result}, {math.prod(result)} numbers: {how}."


def _words_for_misfit(shapes: tuple[Shape, Shape], result: list[int | None]) -> str:
    rank = len(result)
    first, second = (_padded(shape, rank) for shape in shapes)
    misfits = ", ".join(
        f"axis {place - rank} is {first[place]} long in one and {second[place]} in the other"
        for place in range(rank)
        if result[place] is None
    )
    return (
        f"{shapes[0]} and {shapes[1]} do not fit: {misfits}. "
        "Two lengths fit if they are equal, or if one of them is 1."
    )


explorer = Explorer(Board, first=Typed("first shape", "4, 3"), second=Typed("second shape", "3"))
explore = explorer.explore
frame = explorer.frame
