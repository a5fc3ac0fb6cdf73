"""A small network that was trained on few or many points: its boundary by epoch, and where the two losses part.

What training gave is kept in a file beside this module; `python -m support.explore.overfitting` trains anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from support import datasets
from support.explore.explorer import Choice, Explorer, Number, Seen, hold_labels, text_of
from support.plots import BLUE, CLASS_STYLES, DOTS_PER_INCH, GREEN, ORANGE

Array = NDArray[np.float32]

UNITS = (1, 4, 16)
SAMPLES = (20, 60, 400)
TRAININGS = list(itertools.product(UNITS, SAMPLES))
STEP = 1 / 64  # of the stored weights: fine enough to draw, and small to store
MOST_EPOCHS, EVERY = 600, 40  # the weights are kept every 40 epochs
NOISE = 0.35
FILE = Path(__file__).with_suffix(".npz")
SIDES = (-2.0, 3.0, -1.8, 2.3)  # of the picture
REGIONS = LinearSegmentedColormap.from_list(
    "answers", [(0, "#C9DFEE"), (0.5, "#E3EEF6"), (0.5, "#FBE5D8"), (1, "#F5C6A5")]
)


class Training(NamedTuple):
    """What one training gave, after each 40 epochs from 0 on."""

    weights: Array  #: (times, 4 * units + 1): kernel, bias, kernel and bias, one after the other
    losses: Array  #: (times, 2): on the training points and on the validation points


def points(samples: int) -> datasets.Points:
    """The training points: the first ones of each class, so that a larger set has the smaller one in it."""
    inputs, targets = datasets.two_moons(SAMPLES[-1] // 2, noise=NOISE, seed=1)
    order = np.random.default_rng(0).permutation(len(inputs))[:samples]
    return inputs[order], targets[order]


def validation_points() -> datasets.Points:
    return datasets.two_moons(500, noise=NOISE, seed=2)


def train(units: int, samples: int) -> Training:
    """Train with Keras, all points in one batch, by Adam."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    inputs, targets = points(samples)
    val_inputs, val_targets = validation_points()
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(units, activation="tanh"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    optimizer = keras.optimizers.Adam(0.02)
    loss_of = keras.losses.BinaryCrossentropy()

    @tf.function  # type: ignore[untyped-decorator]
    def train_epochs() -> None:
        for _ in tf.range(EVERY):
            with tf.GradientTape() as tape:
                loss = loss_of(targets, model(inputs, training=True))
            weights = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    kept, losses = [], []
    for _ in range(MOST_EPOCHS // EVERY + 1):
        kept.append(np.concatenate([each.ravel() for each in model.get_weights()]))
        losses.append(
            [
                float(loss_of(targets, model(inputs))),
                float(loss_of(val_targets, model(val_inputs))),
            ]
        )
        train_epochs()
    return Training(np.stack(kept), np.array(losses, "float32"))


def store() -> None:
    """Train all the networks, and keep what comes of it: of the weights, their changes in steps of `STEP`."""
    trainings = [train(units, samples) for units, samples in TRAININGS]
    weights = np.concatenate([training.weights for training in trainings], axis=1)
    changes = np.diff(np.round(weights / STEP).astype("int16"), axis=0, prepend=np.int16(0))
    losses = np.stack([training.losses for training in trainings])
    np.savez_compressed(FILE, changes=changes.T.copy(), losses=losses)


def stored() -> dict[tuple[int, int], Training]:
    """All trainings, by units and samples."""
    with np.load(FILE) as arrays:
        weights = (np.cumsum(arrays["changes"], axis=1).T * STEP).astype("float32")
        losses = arrays["losses"]
    ends = np.cumsum([4 * units + 1 for units, _ in TRAININGS])
    parts = np.split(weights, ends[:-1], axis=1)
    return {each: Training(*kept) for each, *kept in zip(TRAININGS, parts, losses, strict=True)}


class Board:
    """The points and what the network answers all over the plane on the left, the two losses on the right."""

    def __init__(self) -> None:
        self.trainings = stored()
        self.validation = validation_points()
        left, right, bottom, top = SIDES
        across, up = np.meshgrid(np.linspace(left, right, 100), np.linspace(bottom, top, 82))
        self.grid = np.column_stack([across.ravel(), up.ravel()]).astype("float32")
        self.figure = Figure(figsize=(10.4, 4.4), dpi=DOTS_PER_INCH)
        plane, curves = self.figure.subplots(1, 2)
        self.figure.subplots_adjust(left=0.07, right=0.985, bottom=0.13, top=0.91, wspace=0.18)
        self.answers = plane.imshow(
            np.zeros(across.shape),
            REGIONS,
            extent=SIDES,
            origin="lower",
            vmin=0,
            vmax=1,
            aspect="auto",
            interpolation="bilinear",
        )
        self.classes = [
            plane.plot([], [], linestyle="", markersize=6, label=f"class {label}", **style)[0]
            for label, style in enumerate(CLASS_STYLES)
        ]
        plane.set(xlabel="first feature", ylabel="second feature", title="Training points, answers")
        plane.legend(loc="lower left", fontsize=9)
        (self.training,) = curves.plot([], [], "-", color=BLUE, linewidth=2, label="training")
        (self.val,) = curves.plot([], [], "--", color=ORANGE, linewidth=2, label="validation")
        (self.lowest,) = curves.plot(
            [], [], "v", color=GREEN, markersize=9, label="lowest validation loss so far"
        )
        curves.set(xlim=(-10, MOST_EPOCHS + 10), ylim=(0, 1.4), xlabel="epoch")
        curves.set(ylabel="binary crossentropy", title="The losses")
        curves.legend(loc="upper left", fontsize=9)
        for axes in self.figure.axes:
            hold_labels(axes)

    def draw(self, units: int, samples: int, epochs: int) -> Seen:
        training = self.trainings[units, samples]
        now = epochs // EVERY
        epochs = now * EVERY  # what is asked for may lie between
        weights = training.weights[now]
        inputs, targets = points(samples)
        self.answers.set_data(answer(weights, self.grid).reshape(self.answers.get_array().shape))
        for label, dots in enumerate(self.classes):
            dots.set_data(*inputs[targets[:, 0] == label].T)
        times = EVERY * np.arange(now + 1)
        losses = training.losses[: now + 1]
        best = int(losses[:, 1].argmin())
        self.training.set_data(times, losses[:, 0])
        self.val.set_data(times, losses[:, 1])
        self.lowest.set_data(times[best:][:1], losses[best:, 1][:1])
        numbers = {
            "loss": float(losses[-1, 0]),
            "val_loss": float(losses[-1, 1]),
            "accuracy": _accuracy(weights, inputs, targets),
            "val_accuracy": _accuracy(weights, *self.validation),
            "best_epoch": EVERY * best,
        }
        rise = float(losses[-1, 1] - losses[best, 1])
        memorizes = rise > 0.05 and losses[-1, 0] < losses[best, 0]  # less would be no news
        words = _words(units, samples, epochs, numbers, rise, memorizes)
        alt = f"Two panels: the training points over what the network answers, and the losses by epoch. {words}"
        return Seen(words, alt, numbers)


def answer(weights: Array, inputs: Array) -> Array:
    """What the network answers, shape (samples, 1), with weights of shape (4 * units + 1,)."""
    units = len(weights) // 4
    kernel, bias, second_kernel, second_bias = np.split(weights, np.cumsum([2, 1, 1]) * units)
    hidden = np.tanh(inputs @ kernel.reshape(2, units) + bias)
    return np.asarray(1 / (1 + np.exp(-hidden @ second_kernel[:, None] - second_bias)))


def _accuracy(weights: Array, inputs: Array, targets: Array) -> float:
    return float(np.mean((answer(weights, inputs) > 0.5) == targets))


def _words(
    units: int,
    samples: int,
    epochs: int,
    numbers: Mapping[str, float],
    rise: float,
    memorizes: bool,
) -> str:
    words = (
        f"{units} {'unit' if units == 1 else 'units'}, {text_of(samples)} training points, {text_of(epochs)} epochs: "
        f"training loss {numbers['loss']:.3f}, accuracy {numbers['accuracy']:.0%}; "
        f"validation loss {numbers['val_loss']:.3f}, accuracy {numbers['val_accuracy']:.0%}."
    )
    if memorizes:
        words += (
            f" The validation loss was lowest after {text_of(numbers['best_epoch'])} epochs and has risen by "
            f"{rise:.2f} since: the network memorizes."
        )
    return words


explorer = Explorer(
    Board,
    units=Choice("hidden units", 16, UNITS),
    samples=Choice("training points", 20, SAMPLES),
    epochs=Number("epochs", 600, 0, MOST_EPOCHS, EVERY),
)
explore = explorer.explore
frame = explorer.frame


if __name__ == "__main__":
    store()
