"""The notebooks' figures: points, decision boundaries, curves, arrays as grids, model diagrams.

Colors are those of Okabe and Ito's palette, which color-blind readers can tell apart
(https://jfly.uni-koeln.de/color/); a marker or a line style always says the same as the color.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import keras

BLUE, ORANGE, GREEN, PINK, GRAY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
CLASS_STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o"},
    {"color": ORANGE, "marker": "^"},
)
LINE_STYLES = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D"))
DOTS_PER_INCH = 100


def show(figure: Figure, alt: str) -> None:
    """Show a figure under the cell, with a text alternative for those who can't see it.

    Args:
        figure: any Matplotlib figure.
        alt: what a reader should see in it, in a sentence or two. It is stored as the image's alt text and as the
            output's plain text.

    Raises:
        TypeError: `figure` is not a figure.
        ValueError: `alt` is empty.
    """
    if not isinstance(figure, Figure):
        raise TypeError(
            f"show needs a Matplotlib figure first; got {figure!r}, a {type(figure).__name__}"
        )
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"show needs an alt text that says what the figure shows; got {alt!r}")
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    display(  # type: ignore[no-untyped-call]
        {"image/png": png.getvalue(), "text/plain": f"Figure: {alt}"},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )


def points(inputs: ArrayLike, classes: ArrayLike, title: str = "") -> Figure:
    """Scatter plot of points in the plane, one color and marker for each of two classes.

    Args:
        inputs: shape (samples, 2).
        classes: shape (samples, 1) or (samples,), each 0 or 1, or False or True.
        title: text above the axes.

    Returns:
        A figure with one axes; draw on `figure.axes[0]` to add to it.

    Raises:
        ValueError: a shape differs, or a class is neither 0 nor 1.
    """
    figure = _new_figure(5.6, 4.2)
    axes = figure.subplots()
    _scatter(axes, inputs, classes)
    axes.set(xlabel="first feature", ylabel="second feature", title=title)
    axes.legend(loc="best")
    return figure


def boundaries(
    models: Mapping[str, Callable[[NDArray[np.float32]], Any]],
    inputs: ArrayLike,
    targets: ArrayLike,
) -> Figure:
    """What each of a few binary classifiers answers all over the plane, side by side, with the data on top.

    The region of class 1 is shaded, and a black line marks where the answer is 0.5.

    Args:
        models: title and model; a model takes float32 points of shape (samples, 2) and returns scores of shape
            (samples, 1), where a score above 0.5 means class 1.
        inputs: shape (samples, 2).
        targets: shape (samples, 1) or (samples,), each 0 or 1.

    Raises:
        ValueError: there is no model, a shape differs, a target is neither 0 nor 1, or a model's answer has not
            one score per point.
    """
    if not models:
        raise ValueError("boundaries needs at least one model, as {title: model}; got none")
    points_in_plane, _ = _checked_points(inputs, targets)
    low, high = points_in_plane.min(axis=0) - 0.3, points_in_plane.max(axis=0) + 0.3
    across, up = np.meshgrid(np.linspace(low[0], high[0], 150), np.linspace(low[1], high[1], 150))
    grid = np.column_stack([across.ravel(), up.ravel()]).astype("float32")

    figure = _new_figure(1.2 + 3.9 * len(models), 3.9)
    panels = figure.subplots(1, len(models), squeeze=False, sharey=True)[0]
    for axes, (title, model) in zip(panels, models.items(), strict=True):
        scores = np.asarray(model(grid))
        if scores.shape != (len(grid), 1):
            raise ValueError(
                f"the model {title!r} answered {len(grid)} points with the shape {scores.shape}; expected "
                f"({len(grid)}, 1), one score per point: does it end in one unit?"
            )
        scores = scores.reshape(across.shape)
        axes.contourf(
            across, up, scores, levels=[-np.inf, 0.5, np.inf], colors=["#E3EEF6", "#FBE5D8"]
        )
        axes.contour(across, up, scores, levels=[0.5], colors="black", linewidths=1.5)
        _scatter(axes, inputs, targets)
        axes.set(xlabel="first feature", title=title)
    panels[0].set_ylabel("second feature")
    panels[0].legend(loc="best")
    return figure


def curves(
    series: Mapping[str, ArrayLike],
    xlabel: str,
    ylabel: str,
    title: str = "",
    x: ArrayLike | None = None,
) -> Figure:
    """Line plot of up to four series, told apart by color, line style and marker.

    Args:
        series: name and values of each line, values of shape (steps,).
        xlabel, ylabel, title: the labels; say the unit where there is one.
        x: where the values stand on the horizontal axis, shape (steps,); 1, 2, 3, … if left out.

    Raises:
        ValueError: there is no series, there are more than four, one is not a flat list of numbers, or `x` has
            another length than a series.
    """
    if not 1 <= len(series) <= len(LINE_STYLES):
        raise ValueError(
            f"curves draws 1 to {len(LINE_STYLES)} series, as {{name: values}}; got {len(series)}"
        )
    figure = _new_figure(5.6, 3.6)
    axes = figure.subplots()
    for (name, numbers), (color, line, marker) in zip(series.items(), LINE_STYLES, strict=False):
        values = _flat(name, numbers)
        places = np.arange(1, len(values) + 1) if x is None else _flat("x", x)
        if len(places) != len(values):
            raise ValueError(
                f"{name!r} has {len(values)} values for {len(places)} places in x; expected as many"
            )
        axes.plot(
            places,
            values,
            color=color,
            linestyle=line,
            marker=marker,
            markersize=4,
            markevery=max(1, len(values) // 10),
            label=name,
        )
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.legend(loc="best")
    return figure


def histograms(samples: Mapping[str, ArrayLike]) -> Figure:
    """Histograms side by side, with the same bins and scale.

    Args:
        samples: title and numbers of each, numbers of shape (samples,).

    Raises:
        ValueError: there is no sample, or one is not a flat list of numbers.
    """
    if not samples:
        raise ValueError("histograms needs at least one sample, as {title: numbers}; got none")
    flat = {title: _flat(title, numbers) for title, numbers in samples.items()}
    everything = np.concatenate(list(flat.values()))
    edges = np.linspace(
        np.floor(everything.min()), np.ceil(everything.max()), 51
    )  # round numbers begin a bin
    figure = _new_figure(3.2 * len(samples), 2.6)
    panels = figure.subplots(1, len(samples), squeeze=False, sharex=True, sharey=True)[0]
    for axes, (title, numbers) in zip(panels, flat.items(), strict=True):
        axes.hist(numbers, bins=edges, color=BLUE)
        axes.set(xlabel="value", title=title)
    panels[0].set_ylabel("how many")
    return figure


def equation(*parts: ArrayLike | str) -> Figure:
    """Draw arrays as grids of numbers with signs between them, such as `equation(a, "+", b, "=", c)`.

    Args:
        parts: arrays of rank 0, 1 or 2 and strings, from left to right. A rank-1 array is one row. The shape stands
            below each array.

    Raises:
        ValueError: there is no part, or an array has a rank above 2 or no elements.
    """
    if not parts:
        raise ValueError(
            'equation needs arrays and signs, such as equation(a, "+", b); got nothing'
        )
    arrays = [part if isinstance(part, str) else np.asarray(part) for part in parts]
    for array in arrays:
        if not isinstance(array, str) and (array.ndim > 2 or not array.size):
            raise ValueError(
                f"equation draws arrays of rank 0, 1 or 2 that have elements; got the shape {array.shape}, "
                f"rank {array.ndim}"
            )
    tallest = max(1 if isinstance(array, str) else len(np.atleast_2d(array)) for array in arrays)
    widths = [
        0.5 + 0.17 * len(array)
        if isinstance(array, str)
        else max(1.4, np.atleast_2d(array).shape[1])
        for array in arrays
    ]
    figure, axes = _drawing_board(
        (0, sum(widths) + 0.35 * len(arrays) + 0.05),
        (-tallest / 2 - 0.15, tallest / 2 + 0.95),
        0.52,
    )
    left = 0.2
    for array, width in zip(arrays, widths, strict=True):
        middle = left + width / 2
        if isinstance(array, str):
            axes.text(middle, 0, array, ha="center", va="center", fontsize=15)
        else:
            grid = np.atleast_2d(array)
            _draw_grid(axes, grid, middle - grid.shape[1] / 2)
            axes.text(
                middle,
                tallest / 2 + 0.55,
                f"{array.shape}",
                ha="center",
                va="center",
                color=GRAY,
                fontsize=9,
            )
        left += width + 0.35
    return figure


def model_diagram(model: keras.Model) -> Figure:
    """Draw a model's layers as boxes and its data as arrows, from the inputs at the top to the outputs below.

    Each box names the layer, its type and the shape that it puts out; `None` in a shape is the batch axis. A layer
    that is itself a subclassed model is one box, since only its `call` method knows how its layers are wired.

    Args:
        model: a model made by the Functional API, or a `Sequential` model that has been built.

    Raises:
        ValueError: the model is subclassed, not built, or uses a layer twice, so that there is no one place for a box.
    """
    parents = _parents(model)
    if not parents:
        raise ValueError(
            f"model_diagram can't draw this {type(model).__name__}: it needs a model of the Functional API, or a built "
            "Sequential, with each layer used once; a subclassed model's wiring is known only to its call() method"
        )
    depth: dict[str, int] = {}
    for layer in model.layers:
        depth[layer.name] = 1 + max((depth[parent] for parent in parents[layer.name]), default=-1)
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, level in depth.items():
        rows[level].append(name)
    for row in rows[1:]:
        row.sort(
            key=lambda name: np.mean(
                [rows[depth[parent]].index(parent) for parent in parents[name]]
            )
        )

    widest = max(len(row) for row in rows)
    center = {
        name: ((column + (widest - len(row)) / 2) * 2.6 + 1.3, level * 1.05)
        for level, row in enumerate(rows)
        for column, name in enumerate(row)
    }
    skipping = any(depth[name] - depth[parent] > 1 for name in depth for parent in parents[name])
    figure, axes = _drawing_board(
        (-0.1, 2.6 * widest + (1.2 if skipping else 0.1)), (-0.5, 1.05 * len(rows) - 0.55), 1
    )
    for layer in model.layers:
        x, y = center[layer.name]
        style: dict[str, Any] = {"facecolor": "#E3EEF6", "edgecolor": BLUE}
        if type(layer).__name__ == "InputLayer":
            style = {"facecolor": "white", "edgecolor": GRAY}
        axes.add_patch(
            FancyBboxPatch(
                (x - 1.1, y - 0.27), 2.2, 0.54, boxstyle="round,pad=0.02", linewidth=1.2, **style
            )
        )
        axes.text(
            x,
            y - 0.12,
            f"{layer.name} · {type(layer).__name__}",
            ha="center",
            va="center",
            fontsize=8,
        )
        axes.text(
            x, y + 0.13, f"{layer.output.shape}", ha="center", va="center", fontsize=8, color=GRAY
        )
        for parent in parents[layer.name]:
            _draw_arrow(axes, center[parent], (x, y), skips=depth[layer.name] - depth[parent] > 1)
    return figure


def _new_figure(width: float, height: float) -> Figure:
    return Figure(
        figsize=(width, height), layout="constrained"
    )  # without pyplot: nothing global, nothing to close


def _drawing_board(
    x_range: tuple[float, float], y_range: tuple[float, float], inches_per_unit: float
) -> tuple[Figure, Axes]:
    """Bare axes that fill a new figure, with y growing downward."""
    size = (
        inches_per_unit * (x_range[1] - x_range[0]),
        inches_per_unit * (y_range[1] - y_range[0]),
    )
    figure = Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=x_range, ylim=y_range[::-1], aspect="equal")
    axes.axis("off")
    return figure, axes


def _scatter(axes: Axes, inputs: ArrayLike, classes: ArrayLike) -> None:
    points_in_plane, labels = _checked_points(inputs, classes)
    size = 14 if len(points_in_plane) > 200 else 22
    for label, style in enumerate(CLASS_STYLES):
        x, y = points_in_plane[labels == label].T
        axes.scatter(
            x,
            y,
            s=size,
            alpha=0.6,
            linewidths=0.3,
            edgecolors="white",
            label=f"class {label}",
            **style,
        )


def _checked_points(inputs: ArrayLike, classes: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    points_in_plane, labels = np.asarray(inputs), np.asarray(classes)
    if points_in_plane.ndim != 2 or points_in_plane.shape[1] != 2 or not len(points_in_plane):
        raise ValueError(
            f"inputs has the shape {points_in_plane.shape}; expected (samples, 2), points in the plane"
        )
    if labels.shape not in [(len(points_in_plane), 1), (len(points_in_plane),)]:
        raise ValueError(
            f"the classes have the shape {labels.shape}; expected ({len(points_in_plane)}, 1), one for each input"
        )
    unknown = np.setdiff1d(labels, [0, 1])
    if len(unknown):
        raise ValueError(
            f"each class must be 0 or 1; got {unknown[0]}. Scores become classes by a comparison: scores > 0.5"
        )
    return points_in_plane, labels.reshape(-1)


def _flat(name: str, numbers: ArrayLike) -> NDArray[Any]:
    values = np.asarray(numbers, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(
            f"{name!r} has the shape {values.shape}; expected a flat list of numbers, such as (100,)"
        )
    return values


def _draw_grid(axes: Axes, grid: NDArray[Any], left: float) -> None:
    top = -len(grid) / 2
    for (row, column), value in np.ndenumerate(grid):
        axes.add_patch(
            Rectangle(
                (left + column, top + row), 1, 1, facecolor="#E3EEF6", edgecolor=BLUE, linewidth=1
            )
        )
        axes.text(
            left + column + 0.5,
            top + row + 0.5,
            f"{value:.4g}",
            ha="center",
            va="center",
            fontsize=11,
        )


def _parents(model: keras.Model) -> dict[str, list[str]]:
    """For each layer's name, the names of the layers that feed it; empty where Keras doesn't know."""
    import keras

    maker: dict[int, str] = {}  # by the identity of the symbolic tensor that a layer puts out
    parents: dict[str, list[str]] = {}
    try:
        for layer in model.layers:  # in topological order: parents come first
            starts = isinstance(layer, keras.layers.InputLayer) or (
                isinstance(model, keras.Sequential) and not parents
            )
            sources = [] if starts else keras.tree.flatten(layer.input)
            parents[layer.name] = [maker[id(tensor)] for tensor in sources]
            maker |= {id(tensor): layer.name for tensor in keras.tree.flatten(layer.output)}
        complete = all(
            id(tensor) in maker for tensor in model.outputs
        )  # not so if a layer is used twice
    except (AttributeError, KeyError):
        return {}
    return parents if complete else {}


def _draw_arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], skips: bool
) -> None:
    """An arrow from box to box; one that skips a row of boxes starts and ends at their sides and swings around."""
    style: dict[str, Any] = {
        "arrowstyle": "-|>",
        "color": GRAY,
        "linewidth": 1.2,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    if skips and start[0] == end[0]:
        style["connectionstyle"] = "arc3,rad=-0.6"
        axes.annotate("", (end[0] + 1.12, end[1]), (start[0] + 1.12, start[1]), arrowprops=style)
    else:
        axes.annotate("", (end[0], end[1] - 0.29), (start[0], start[1] + 0.29), arrowprops=style)
