"""A stack of layers and the shape of its inputs: what each layer makes of it, with which weights, or why it can't."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import keras
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from support.explore.broadcasting import shape_of
from support.explore.explorer import Choice, Explorer, Seen, Typed
from support.plots import BLUE, DOTS_PER_INCH, GRAY, PINK

LAYERS = {
    "Dense(1)": lambda: keras.layers.Dense(1),
    "Dense(16)": lambda: keras.layers.Dense(16),
    "Dense(64)": lambda: keras.layers.Dense(64),
    "Dropout(0.5)": lambda: keras.layers.Dropout(0.5),
    "Flatten()": lambda: keras.layers.Flatten(),
    "Reshape((4, 4))": lambda: keras.layers.Reshape((4, 4)),
    "Conv2D(8, 3)": lambda: keras.layers.Conv2D(8, 3),
    "MaxPooling2D(2)": lambda: keras.layers.MaxPooling2D(2),
}
NO_LAYER = "no layer"
MOST_LAYERS = 4
MOST_NUMBERS = 10_000  # in a sample; a dense layer that follows would need much memory for more

Shape = tuple[int | None, ...]


class Stage(NamedTuple):
    """What becomes of the inputs at one place of the stack."""

    name: str
    output: Shape | None  #: None if the layer can't take what comes
    weights: tuple[Shape, ...] = ()
    reason: str = ""  #: why it can't

    @property
    def size(self) -> int:
        """How many numbers its weights hold."""
        return sum(math.prod(filter(None, shape)) for shape in self.weights)


@functools.lru_cache(maxsize=512)
def stage(name: str, inputs: Shape) -> Stage:
    """Ask Keras what a layer makes of inputs of this shape, whose first axis, None, is the batch's."""
    layer = LAYERS[name]()
    try:
        output = layer(keras.KerasTensor(inputs)).shape
    except ValueError as error:
        return Stage(name, None, reason=_reason(name, inputs, str(error)))
    if 0 in output:  # Keras before 3.14 lets a window be larger than its image
        return Stage(name, None, reason=_reason(name, inputs, ""))
    return Stage(name, output, tuple(tuple(weight.shape) for weight in layer.weights))


def _reason(name: str, inputs: Shape, message: str) -> str:
    """Why Keras refused, in short."""
    of_image = name.startswith(("Conv2D", "MaxPooling2D"))
    if name.startswith("Dense"):
        return "it needs an axis of features besides the batch's"
    if name.startswith("Reshape"):
        size = math.prod(filter(None, inputs))
        return f"(4, 4) holds 16 numbers for each sample, and {size} come"
    if of_image and len(inputs) != 4:
        return "it takes images: (batch, height, width, channels), four axes"
    if of_image:
        return "its window is larger than the image that comes"
    return message.splitlines()[0]


def stages(shape: Shape, *names: str) -> list[Stage]:
    """The inputs, and each layer up to the first one that can't take what comes."""
    found = [Stage("inputs", (None, *shape))]
    for name in names:
        inputs = found[-1].output
        if name != NO_LAYER and inputs is not None:
            found.append(stage(name, inputs))
    return found


class Board:
    """A row for each stage: its name, the shape that comes out, its weights and their number."""

    def __init__(self) -> None:
        rows = MOST_LAYERS + 1
        self.figure = Figure(figsize=(10.0, 0.7 * (rows + 1)), dpi=DOTS_PER_INCH)
        axes = self.figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 10), ylim=(rows + 0.1, -0.9))
        axes.axis("off")
        for x, head in [(0.3, "layer"), (2.6, "output shape"), (5.4, "weights"), (9.7, "numbers")]:
            align = "right" if head == "numbers" else "left"
            axes.text(x, -0.4, head, color=GRAY, ha=align, va="center", fontsize=11)
        self.boxes = [axes.add_patch(Rectangle((0.1, row + 0.1), 9.8, 0.8)) for row in range(rows)]
        self.texts = [
            [
                axes.text(x, row + 0.5, "", ha=align, va="center", fontsize=12)
                for x, align in [(0.3, "left"), (2.6, "left"), (5.4, "left"), (9.7, "right")]
            ]
            for row in range(rows)
        ]

    def draw(self, shape: str, **layers: str) -> Seen:
        sample = shape_of(shape)
        if math.prod(sample) > MOST_NUMBERS:
            raise ValueError(
                f"{shape!r} is {math.prod(sample)} numbers for each sample; here it is at most {MOST_NUMBERS}."
            )
        found = stages(sample, *layers.values())
        for row, (box, texts) in enumerate(zip(self.boxes, self.texts, strict=True)):
            box.set_visible(row < len(found))
            written = _cells(found[row]) if row < len(found) else ("", "", "", "")
            for text, words in zip(texts, written, strict=True):
                text.set_text(words)
            if row < len(found):
                box.set(**(FITS if found[row].output else MISFIT))
        count = sum(each.size for each in found)
        words = _words(found, count)
        return Seen(
            words, f"A table of the stages of a stack of layers. {words}", {"weights": count}
        )


FITS: dict[str, Any] = {"facecolor": "#E3EEF6", "edgecolor": BLUE, "linestyle": "-", "linewidth": 1}
MISFIT: dict[str, Any] = {
    "facecolor": "#F7E6F0",
    "edgecolor": PINK,
    "linestyle": "--",
    "linewidth": 2,
}


def _cells(stage: Stage) -> tuple[str, str, str, str]:
    if stage.output is None:
        return stage.name, f"✗ {stage.reason}", "", ""
    weights = "  ".join(map(str, stage.weights)) or "none"
    if stage.name == "inputs":
        return stage.name, str(stage.output), "", ""
    return stage.name, str(stage.output), weights, str(stage.size)


def _words(found: list[Stage], count: int) -> str:
    last = found[-1]
    path = " → ".join(f"{each.name} {each.output or '✗'}" for each in found)
    if last.output is None:
        return f"{path}. {last.name} can't take {found[-2].output}: {last.reason}."
    return f"{path}. The weights hold {count} numbers in all."


explorer = Explorer(
    Board,
    shape=Typed("shape of a sample", "2"),
    first=Choice("first layer", "Dense(16)", (NO_LAYER, *LAYERS)),
    second=Choice("second layer", "Dense(1)", (NO_LAYER, *LAYERS)),
    third=Choice("third layer", NO_LAYER, (NO_LAYER, *LAYERS)),
    fourth=Choice("fourth layer", NO_LAYER, (NO_LAYER, *LAYERS)),
)
explore = explorer.explore
frame = explorer.frame
