"""The figures: what is drawn, what is said about it, and what is refused."""

from __future__ import annotations

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from support import plots

INPUTS = np.array([[0, 0], [1, 0], [0, 2], [3, 3]], dtype="float32")
CLASSES = np.array([[0], [1], [0], [1]])


def by_sum(points):
    """A model: class 1 where the coordinates add up to more than 1."""
    return np.sum(points, axis=1, keepdims=True) - 0.5


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.fixture
def displayed(monkeypatch) -> list[tuple[dict, dict]]:
    """What was displayed: the data by type, and its metadata."""
    outputs: list[tuple[dict, dict]] = []
    monkeypatch.setattr(
        plots, "display", lambda data, metadata, raw: outputs.append((data, metadata))
    )
    return outputs


def test_show_displays_a_png_with_the_alt_text_twice(displayed):
    plots.show(plots.points(INPUTS, CLASSES), alt="Four points.")
    ((data, metadata),) = displayed
    assert metadata == {"image/png": {"alt": "Four points."}}
    assert data["text/plain"] == "Figure: Four points."
    assert Image.open(io.BytesIO(data["image/png"])).size == (
        560,
        420,
    )  # 5.6 by 4.2 inches, 100 dots per inch


def test_the_same_figure_gives_the_same_bytes(displayed):
    for _ in range(2):
        plots.show(plots.points(INPUTS, CLASSES), alt="Four points.")
    assert displayed[0] == displayed[1]


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_show_wants_an_alt_text(alt):
    with pytest.raises(ValueError, match="show needs an alt text"):
        plots.show(Figure(), alt)


def test_show_wants_a_figure():
    with pytest.raises(TypeError, match="show needs a Matplotlib figure first; got 3, a int"):
        plots.show(3, "A number.")


def test_points_tell_the_classes_apart_by_color_and_marker():
    circles, triangles = plots.points(INPUTS, CLASSES).axes[0].collections
    np.testing.assert_array_equal(circles.get_offsets(), INPUTS[[0, 2]])
    np.testing.assert_array_equal(triangles.get_offsets(), INPUTS[[1, 3]])
    for drawn, color, vertices in [(circles, plots.BLUE, 26), (triangles, plots.ORANGE, 4)]:
        assert to_hex(drawn.get_facecolor()[0]).upper() == color
        assert len(drawn.get_paths()[0].vertices) == vertices


def test_points_have_labels_and_a_legend():
    axes = plots.points(INPUTS, CLASSES, title="four").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == (
        "first feature",
        "second feature",
        "four",
    )
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["class 0", "class 1"]


@pytest.mark.parametrize(
    "classes", [CLASSES.ravel(), CLASSES > 0.5, tf.constant(CLASSES), CLASSES.astype("float32")]
)
def test_classes_come_in_many_forms(classes):
    circles, _ = plots.points(INPUTS, classes).axes[0].collections
    np.testing.assert_array_equal(circles.get_offsets(), INPUTS[[0, 2]])


@pytest.mark.parametrize(
    ("inputs", "classes", "message"),
    [
        (INPUTS[:, :1], CLASSES, r"inputs has the shape \(4, 1\); expected \(samples, 2\)"),
        (INPUTS[0], CLASSES, r"inputs has the shape \(2,\); expected \(samples, 2\)"),
        (np.zeros((0, 2)), np.zeros((0, 1)), r"inputs has the shape \(0, 2\)"),
        (INPUTS, CLASSES[:3], r"the classes have the shape \(3, 1\); expected \(4, 1\)"),
        (INPUTS, CLASSES.T, r"the classes have the shape \(1, 4\); expected \(4, 1\)"),
        (
            INPUTS,
            [0.2, 0.9, 0.1, 0.7],
            r"each class must be 0 or 1; got 0.1. Scores become classes",
        ),
    ],
)
def test_points_refuse_what_is_no_set_of_labeled_points(inputs, classes, message):
    with pytest.raises(ValueError, match=message):
        plots.points(inputs, classes)
    with pytest.raises(ValueError, match=message):
        plots.boundaries({"model": by_sum}, inputs, classes)


def test_boundaries_draw_the_line_where_the_score_is_one_half():
    figure = plots.boundaries({"left": by_sum, "right": by_sum}, INPUTS, CLASSES)
    assert [axes.get_title() for axes in figure.axes] == ["left", "right"]
    line = figure.axes[0].collections[1]
    for x, y in line.get_paths()[0].vertices:
        assert x + y == pytest.approx(1, abs=0.05)


def test_boundaries_refuse_a_model_without_one_score_per_point():
    with pytest.raises(
        ValueError, match=r"'m' answered 22500 points with the shape \(22500, 2\); expected"
    ):
        plots.boundaries({"m": lambda points: points}, INPUTS, CLASSES)
    with pytest.raises(ValueError, match="at least one model"):
        plots.boundaries({}, INPUTS, CLASSES)


def test_curves_differ_by_color_line_and_marker():
    figure = plots.curves({"a": [3, 2, 1], "b": [1, 1, 1]}, "epoch", "loss", title="training")
    axes = figure.axes[0]
    first, second = axes.lines
    np.testing.assert_array_equal(first.get_xydata(), [[1, 3], [2, 2], [3, 1]])
    for look in ("get_color", "get_linestyle", "get_marker"):
        assert getattr(first, look)() != getattr(second, look)()
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("epoch", "loss", "training")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]


def test_curves_stand_at_the_given_places():
    figure = plots.curves({"a": [3, 2]}, "x", "y", x=[0.5, 1.5])
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), [0.5, 1.5])


@pytest.mark.parametrize(
    ("series", "x", "message"),
    [
        ({}, None, "1 to 4 series, .*; got 0"),
        ({name: [1] for name in "abcde"}, None, "1 to 4 series, .*; got 5"),
        ({"a": [[1, 2]]}, None, r"'a' has the shape \(1, 2\); expected a flat list"),
        ({"a": []}, None, r"'a' has the shape \(0,\)"),
        ({"a": [1, 2]}, [1, 2, 3], "'a' has 2 values for 3 places in x"),
    ],
)
def test_curves_refuse_what_is_no_curve(series, x, message):
    with pytest.raises(ValueError, match=message):
        plots.curves(series, "x", "y", x=x)


def test_histograms_count_every_number():
    figure = plots.histograms({"a": [1, 1, 2], "b": [5]})
    counts = [sum(bar.get_height() for bar in axes.patches) for axes in figure.axes]
    assert counts == [3, 1]
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    with pytest.raises(ValueError, match="at least one sample"):
        plots.histograms({})
    with pytest.raises(ValueError, match=r"'a' has the shape \(2, 1\)"):
        plots.histograms({"a": [[1], [2]]})


def test_equation_writes_every_number_sign_and_shape():
    figure = plots.equation([[1, 2], [3, 4]], "+", 10, "=", [[11, 12], [13, 14]])
    written = ["1", "2", "3", "4", "(2, 2)", "+", "10", "()", "=", "11", "12", "13", "14", "(2, 2)"]
    assert texts(figure) == written


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), "got nothing"),
        ((np.ones((2, 2, 2)),), r"got the shape \(2, 2, 2\), rank 3"),
        ((np.ones((0, 2)),), r"got the shape \(0, 2\)"),
    ],
)
def test_equation_refuses_what_it_cannot_draw(parts, message):
    with pytest.raises(ValueError, match=message):
        plots.equation(*parts)


def arrows(figure: Figure) -> int:
    return sum(
        hasattr(text, "arrow_patch") and text.arrow_patch is not None
        for text in figure.axes[0].texts
    )


def test_model_diagram_draws_each_layer_and_each_connection():
    inputs = keras.Input((4,), name="start")
    hidden = keras.layers.Dense(4, name="hidden")(inputs)
    outputs = keras.layers.Add(name="end")([inputs, hidden])
    figure = plots.model_diagram(keras.Model(inputs, outputs))
    assert {"start · InputLayer", "hidden · Dense", "end · Add", "(None, 4)"} <= set(texts(figure))
    assert arrows(figure) == 3


def test_model_diagram_draws_a_built_sequential():
    model = keras.Sequential([keras.layers.Dense(3, name="one"), keras.layers.Dense(2, name="two")])
    model(tf.ones((1, 4)))
    figure = plots.model_diagram(model)
    assert {"one · Dense", "two · Dense"} <= set(texts(figure))
    assert arrows(figure) == 1


def test_model_diagram_refuses_what_has_no_known_wiring():
    class Subclassed(keras.Model):
        pass

    shared, inputs = keras.layers.Dense(4), keras.Input((4,))
    for model in (
        keras.Sequential([keras.layers.Dense(3)]),
        Subclassed(),
        keras.Model(inputs, shared(shared(inputs))),
        "model",
    ):
        with pytest.raises(ValueError, match=f"can't draw this {type(model).__name__}: it needs"):
            plots.model_diagram(model)
