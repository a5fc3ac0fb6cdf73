"""The explorers: what they show is true, depends on their controls alone, and no value breaks them."""

from __future__ import annotations

import base64
import io
import itertools
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from xml.etree.ElementTree import Element, fromstring

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image

from support import datasets
from support.explore import (
    STATIC,
    broadcasting,
    controls,
    descent,
    explorer,
    layers,
    optimizers,
    overfitting,
    speed,
    tape,
)
from support.explore.explorer import Explorer, Typed, text_of

MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (broadcasting, descent, layers, optimizers, overfitting, speed, tape)
}

BOARDS = {module: module.Board() for module in MODULES.values()}

#: Some values for each control, its start not among them.
OTHERS = {
    "broadcasting": {"first": ["2, 1, 3", "5", "()"], "second": ["(4, 1)", "1 2", "7 1 1 3"]},
    "descent": {"rate": [0.1, 0.25], "steps": [0, 60], "w1": [3.0, 0.0], "w2": [0.0, -3.0]},
    "layers": {
        "shape": ["28, 28, 1", "16"],
        "first": ["Conv2D(8, 3)", "Flatten()"],
        "second": ["Reshape((4, 4))", "no layer"],
        "third": ["Dense(64)"],
        "fourth": ["MaxPooling2D(2)"],
    },
    "optimizers": {
        "surface": ["round bowl", "plain with a hole"],
        "rate": [0.001, 0.3],
        "steps": [0, 100],
    },
    "overfitting": {"units": [1, 4], "samples": [60, 400], "epochs": [0, 40]},
    "speed": {"loss": ["crossentropy"], "steps": [10, 100], "points": [10, 1_000_000]},
    "tape": {"function": ["sin(x)", "relu(x)", "|x|"], "x": [-3.0, 0.0, 2.7]},
}


def states(name: str) -> list[dict[str, object]]:
    """Each control moved alone, and all of them at once."""
    moved = [{control: value} for control, values in OTHERS[name].items() for value in values]
    return [*moved, {control: values[-1] for control, values in OTHERS[name].items()}]


def see(module, **values):
    """What is shown besides the picture, without drawing it."""
    start = {name: control.start for name, control in module.explorer.controls.items()}
    return BOARDS[module].draw(**start | values)


# One function of the values of the controls


@pytest.mark.parametrize("name", MODULES)
def test_what_is_shown_depends_on_the_values_alone(name):
    module = MODULES[name]
    first = module.frame()
    moved = [module.frame(**state) for state in states(name)]
    assert all(frame.png != first.png for frame in moved)
    assert len({frame.seen.alt for frame in moved}) == len(moved)
    assert len({frame.seen.words for frame in moved}) == len(moved)
    again = Explorer(
        module.Board, **module.explorer.controls
    )  # with artists that nothing has moved
    for state, frame in [(states(name)[-1], moved[-1]), ({}, first)]:
        assert again.frame(**state).png == frame.png
        assert again.frame(**state).seen == frame.seen


@pytest.mark.parametrize("name", MODULES)
def test_every_value_that_a_control_offers_can_be_shown(name):
    explorer = MODULES[name].explorer
    for control in explorer.controls:
        offered = explorer.controls[control]
        if isinstance(offered, Typed):
            continue
        for value in offered.options[:: max(1, len(offered.options) // 7)]:
            offered.check(value)
            assert see(MODULES[name], **{control: value}).words


@pytest.mark.parametrize("name", MODULES)
def test_a_board_fills_its_figure_and_labels_its_axes_with_units(name):
    figure = MODULES[name].frame().figure
    assert isinstance(figure, Figure) and figure.dpi <= 100 and figure.get_figwidth() <= 11.5
    for axes in figure.axes:
        assert not axes.axison or (axes.get_xlabel() and axes.get_ylabel() and axes.get_title())


# Bad input


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("descent", {"rate": -0.1}, "learning rate is -0.1; expected a number from 0 to 0.4."),
        ("descent", {"rate": np.nan}, "learning rate is nan; expected a number from 0 to 0.4."),
        ("descent", {"rate": np.inf}, "learning rate is inf"),
        ("descent", {"rate": "fast"}, "learning rate is 'fast'; expected a number"),
        ("descent", {"steps": 61}, "steps is 61; expected a whole number from 0 to 60."),
        ("descent", {"steps": 2.5}, "steps is 2.5; expected a whole number"),
        ("descent", {"steps": True}, "steps is True; expected a whole number"),
        ("optimizers", {"rate": 0.02}, "learning rate is 0.02; expected one of: 0.001, "),
        ("tape", {"function": "tan"}, "function is 'tan'; expected one of: x²"),
        ("broadcasting", {"first": 3}, "first shape is 3; expected text, such as '4, 3'."),
        ("broadcasting", {"first": "nan"}, "'nan' is no shape; type whole numbers with commas"),
        ("broadcasting", {"first": "4.5"}, "'4.5' is no shape"),
        ("broadcasting", {"first": "-"}, "'-' is no shape"),
        ("broadcasting", {"first": "4,,3"}, "'4,,3' is no shape"),
        ("broadcasting", {"first": ")(4"}, "')(4' is no shape"),
        ("broadcasting", {"first": "[[1, 2], [3, 4]]"}, "is no shape; type whole numbers"),
        ("broadcasting", {"first": "12, " * 99}, "12, …' is no shape"),
        ("broadcasting", {"first": "4, 0"}, "'4, 0' has an axis of length 0; here each is from 1"),
        ("broadcasting", {"second": "-1, 2"}, "has an axis of length -1"),
        ("broadcasting", {"second": "1 2 3 4 5 6 7 8 9 10"}, "10 axes; the picture has room for 6"),
        ("layers", {"shape": "0"}, "has an axis of length 0"),
        ("layers", {"shape": "900, 900"}, "'900, 900' is 810000 numbers for each sample"),
    ],
)
def test_a_value_that_can_not_be_shown_is_told_so(name, values, words):
    with pytest.raises(ValueError) as error:
        MODULES[name].frame(**values)
    assert words in str(error.value)


def test_an_unknown_control_is_told_so():
    with pytest.raises(TypeError, match="no control speed; there are rate, steps, w1, w2"):
        descent.frame(speed=1)


# What a page shows


@dataclass
class Display:
    """One output of a cell."""

    shown: object

    def update(self, shown: object, raw: bool) -> None:
        assert raw
        self.shown = shown


@pytest.fixture
def shown(monkeypatch):
    """A function that lets an explorer show itself where someone looks; it returns the displays in their order."""
    monkeypatch.delenv(STATIC, raising=False)

    def show(explored: Explorer) -> list[Display]:
        displays: list[Display] = []

        def display(shown: object, raw: bool = False, display_id: bool = False) -> Display:
            displays.append(Display(shown))
            return displays[-1]

        monkeypatch.setattr(explorer, "display", display)
        explored.explore()
        return displays

    return show


def move(widget: controls.Controls, explored: Explorer, **state: object) -> dict:
    """Send what the page sends once its controls stand there; returns the answer."""
    values = []
    for name, control in explored.controls.items():
        value = state.get(name, control.start)
        values.append(value if isinstance(control, Typed) else control.options.index(value))
    number = widget.wanted.get("number", 0) + 1
    widget.wanted = {"number": number, "values": values}
    assert widget.drawn["number"] == number
    return widget.drawn


def image(bundle: dict) -> Element:
    return fromstring(bundle["text/html"].replace(' decoding="sync">', "/>"))


@pytest.mark.parametrize("name", MODULES)
def test_the_page_shows_what_the_function_gives(name, shown):
    explored = MODULES[name].explorer
    widget, picture, sentence = shown(explored)
    assert [each["label"] for each in widget.shown.controls] == [
        control.label for control in explored.controls.values()
    ]
    for state in [{}, *states(name)[-1:]]:
        if state:
            drawn = move(widget.shown, explored, **state)
            assert drawn["words"] == explored.frame(**state).seen.words
        frame = explored.frame(**state)
        source, alt, width, height = (
            image(picture.shown).get(key) for key in ("src", "alt", "width", "height")
        )
        assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == frame.png
        assert alt == frame.seen.alt and picture.shown["text/plain"] == f"Figure: {alt}"
        assert Image.open(io.BytesIO(frame.png)).size == (int(width), int(height))
        assert fromstring(sentence.shown["text/html"]).text == frame.seen.words
        assert sentence.shown["text/plain"] == frame.seen.words


@pytest.mark.parametrize("name", MODULES)
def test_where_no_one_looks_picture_and_sentence_are_the_same(name, shown, monkeypatch):
    _, *live = shown(MODULES[name].explorer)
    monkeypatch.setenv(STATIC, "1")
    assert shown(MODULES[name].explorer) == live


def test_what_can_not_be_shown_leaves_the_picture_and_says_why(shown):
    widget, picture, sentence = shown(broadcasting.explorer)
    before = picture.shown
    words = move(widget.shown, broadcasting.explorer, first="2, 0")["words"]
    assert words.startswith("⚠ '2, 0' has an axis of length 0") and picture.shown == before
    assert sentence.shown["text/plain"] == words
    assert "⚠" not in move(widget.shown, broadcasting.explorer, first="2, 3")["words"]
    assert picture.shown != before


def test_two_pages_of_one_explorer_do_not_disturb_each_other(shown):
    one, one_picture, _ = shown(descent.explorer)
    other, other_picture, _ = shown(descent.explorer)
    move(one.shown, descent.explorer, steps=5, rate=0.1)
    move(other.shown, descent.explorer, steps=50)
    for picture, frame in [
        (one_picture, descent.frame(steps=5, rate=0.1)),
        (other_picture, descent.frame(steps=50)),
    ]:
        assert image(picture.shown).get("alt") == frame.seen.alt


def test_two_threads_do_not_draw_into_each_other():
    """JupyterLab has the kernel hear of the controls in another thread than the cells'."""
    alone = [descent.frame(steps=steps).png for steps in range(12)]
    with ThreadPoolExecutor(2) as threads:
        together = threads.map(lambda steps: descent.frame(steps=steps).png, range(12))
        assert list(together) == alone


def test_without_the_widget_s_package_the_picture_comes_with_a_sentence(shown, monkeypatch):
    monkeypatch.delitem(sys.modules, "support.explore.controls")
    monkeypatch.setitem(sys.modules, "anywidget", None)
    note, *rest = shown(descent.explorer)
    assert note.shown["text/plain"] == (
        "This picture has no controls here: they need the package anywidget."
    )
    monkeypatch.setenv(STATIC, "1")
    assert shown(descent.explorer) == rest


def test_a_page_that_knows_no_widgets_says_what_to_do():
    data, _ = controls.Controls([])._repr_mimebundle_()
    assert data["text/html"] == f"<p>{controls.NOTE}</p>" and data["text/plain"] == controls.NOTE


@pytest.mark.parametrize("name", MODULES)
def test_what_stands_beside_a_slider_is_its_value_with_all_digits(name, shown):
    explored = MODULES[name].explorer
    widget, *_ = shown(explored)
    for control, described in zip(explored.controls.values(), widget.shown.controls, strict=True):
        if described["kind"] == "slider":
            values = [float(text.replace(",", "")) for text in described["texts"]]
            assert values == list(control.options) == sorted(set(values))
            assert values[described["start"]] == control.start


@pytest.mark.parametrize(
    ("name", "state", "text"),
    [
        ("speed", {"points": 3_200}, "3,200 points"),
        ("speed", {"points": 1_000_000}, "1,000,000 points"),
        ("speed", {"steps": 100}, "100 steps in a call"),
        ("tape", {"x": -1.7}, "x = -1.7 is"),
        ("tape", {"x": 0.0}, "x = 0 is"),
        ("descent", {"rate": 0.015}, "a rate of 0.015 over"),
        ("descent", {"rate": 0.02}, "a rate of 0.02 over"),
        ("descent", {"steps": 7}, "After 7 steps"),
        ("optimizers", {"steps": 100}, "After 100 steps"),
        ("overfitting", {"samples": 400}, "400 training points"),
        ("overfitting", {"epochs": 40}, "40 epochs"),
    ],
)
def test_a_value_reads_the_same_beside_its_control_and_in_sentences(name, state, text):
    ((control, value),) = state.items()
    assert text_of(value) in text.split() or text_of(value) in text.split(" = ")
    seen = see(MODULES[name], **state)
    assert text in seen.words or text in seen.alt
    assert value in MODULES[name].explorer.controls[control].options


def test_nothing_piles_up():
    board = BOARDS[descent]
    see(descent)
    artists = len(board.figure.findobj())
    for steps in range(60):
        see(descent, steps=steps)
    assert len(board.figure.findobj()) == artists
    assert not pyplot.get_fignums()


# Broadcasting


def test_broadcasting_is_that_of_tensorflow():
    shapes = ["", "1", "3", "2, 1", "2, 3", "4, 1, 3", "4, 2, 1", "1, 1, 1, 1"]
    for first, second in itertools.product(shapes, shapes):
        seen = see(broadcasting, first=first, second=second)
        pair = [broadcasting.shape_of(each) for each in (first, second)]
        try:
            expected = tuple(tf.broadcast_static_shape(*map(tf.TensorShape, pair)))
        except ValueError:
            assert "do not fit" in seen.words and seen.numbers["size"] == 0
        else:
            assert f"give {expected}, {np.prod(expected, dtype=int)} numbers" in seen.words
            assert ("stretch along" in seen.words.replace("es a", " a")) == (pair[0] != pair[1])


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("4 3", "3", "the second stretches along axis -2."),
        ("4 1", "5", "the first stretches along axis -1, the second stretches along axis -2."),
        ("2, 3", "2", "axis -1 is 3 long in one and 2 in the other."),
        ("1, 2", "2", "the second stretches along axis -2."),
        ("(2, 3)", "[2, 3]", "nothing has to stretch."),
        ("5, 3, 4", "4, 2, 4", "axis -3 is 5 long in one and 4 in the other, axis -2 is 3 long"),
    ],
)
def test_which_axes_stretch_or_do_not_fit(first, second, words):
    assert words in see(broadcasting, first=first, second=second).words


# The tape


@pytest.mark.parametrize(
    ("function", "x", "value", "first", "second"),
    [
        ("x²", 3.0, 9, 6, 2),
        ("x³ - 3x", -2.0, -2, 9, -12),
        ("sin(x)", 1.0, np.sin(1), np.cos(1), -np.sin(1)),
        ("exp(-x²)", 1.0, np.exp(-1), -2 * np.exp(-1), 2 * np.exp(-1)),
        ("sigmoid(x)", 0.0, 0.5, 0.25, 0),
        ("relu(x)", 2.0, 2, 1, 0),
        ("relu(x)", 0.0, 0, 0, 0),
        ("|x|", -1.0, 1, -1, 0),
    ],
)
def test_the_derivatives_are_those_of_calculus(function, x, value, first, second):
    seen = see(tape, function=function, x=x)
    expected = {"value": value, "first": first, "second": second}
    assert seen.numbers == pytest.approx(expected, abs=1e-5)
    assert ("corner" in seen.words) == (function in tape.CORNERS and x == 0)


def test_the_slope_is_told_in_words():
    assert "the curve rises), its second -12 (it bends downward)" in see(tape).words
    assert "the curve is level), its second 6 (it bends upward)" in see(tape, x=1.0).words
    assert "the curve falls" in see(tape, x=0.5).words


@pytest.mark.parametrize(("function", "derivatives"), [("|x|", (-1, 1)), ("relu(x)", (0, 1))])
def test_a_derivative_that_jumps_is_not_joined(function, derivatives):
    board = tape.Board()
    board.draw(function, 1.0)
    line, _ = board.derivatives[0]
    x, first = line.get_data()
    (gap,) = np.flatnonzero(np.isnan(first))
    assert x[gap] == pytest.approx(0, abs=1e-6)
    assert (first[gap - 1], first[gap + 1]) == derivatives
    board.draw("x²", 1.0)
    assert np.isfinite(line.get_ydata()).all()


# Descent


def test_the_path_is_that_of_a_tape():
    board = descent.Board()
    inputs, targets = board.inputs, board.classes[:, None]
    weights = tf.Variable([[-2.0], [-1.0]], dtype="float64")
    for _ in range(7):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.matmul(inputs, weights) + 0.5 - targets))
        weights.assign_sub(0.1 * tape.gradient(loss, weights))
    path = board.descend(rate=0.1, steps=7, w1=-2.0, w2=-1.0)
    assert path[-1] == pytest.approx(weights.numpy()[:, 0])
    assert float(board.loss(path[-2])) == pytest.approx(float(loss))


def test_a_rate_above_the_limit_diverges_and_one_below_does_not():
    limit = see(descent).numbers["limit"]
    losses = {
        rate: [see(descent, rate=rate, steps=steps).numbers["loss"] for steps in (30, 60)]
        for rate in (0.2, 0.205)
    }
    assert 0.2 < limit < 0.205
    assert losses[0.2][1] < losses[0.2][0] and losses[0.205][1] > losses[0.205][0]
    assert "diverges" in see(descent, rate=0.205).words
    assert "diverges" not in see(descent, rate=0.2).words
    assert "overshoots" in see(descent, rate=0.2).words
    assert "overshoots" not in see(descent, rate=0.1).words
    assert "and the loss grows" in see(descent, rate=0.3).words
    falls = see(descent, rate=0.205, steps=5, w1=1.0, w2=1.0)
    assert "diverges in the end" in falls.words and "grows" not in falls.words
    start = see(descent, rate=0.3, steps=0)
    assert "overshoots" not in start.words and "stays at its start" in start.alt
    assert see(descent, steps=1).words.startswith("After 1 step: ")


def test_without_weights_there_is_no_boundary():
    seen = see(descent, w1=0.0, w2=0.0, steps=0)
    assert seen.numbers["accuracy"] == 0.5 and "no boundary" in seen.words


# Layers


def test_the_weights_are_counted_as_keras_counts_them():
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(8, 3),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(16),
        ]
    )
    stack = {
        "first": "Conv2D(8, 3)",
        "second": "MaxPooling2D(2)",
        "third": "Flatten()",
        "fourth": "Dense(16)",
    }
    seen = see(layers, shape="28, 28, 1", **stack)
    assert seen.numbers["weights"] == model.count_params()
    for layer in model.layers:
        assert str(layer.output.shape) in seen.words


@pytest.mark.parametrize(
    ("shape", "layer", "words"),
    [
        ("2", "Conv2D(8, 3)", "can't take (None, 2): it takes images"),
        ("2, 2, 1", "Conv2D(8, 3)", "its window is larger than the image that comes"),
        ("1, 1, 1", "MaxPooling2D(2)", "its window is larger than the image that comes"),
        ("15", "Reshape((4, 4))", "(4, 4) holds 16 numbers for each sample, and 15 come"),
        ("", "Dense(16)", "it needs an axis of features besides the batch's"),
    ],
)
def test_a_layer_that_can_not_take_its_inputs_says_why(shape, layer, words):
    seen = see(layers, shape=shape, first=layer)
    assert words in seen.words and "Dense(1) " not in seen.words  # what comes after is not reached


# Optimizers


@pytest.mark.parametrize("surface", optimizers.SURFACES)
@pytest.mark.parametrize("rate", [0.003, 0.1])
def test_the_optimizers_are_those_of_keras(surface, rate):
    made = {
        "SGD": keras.optimizers.SGD(rate),
        "momentum": keras.optimizers.SGD(rate, momentum=0.9),
        "RMSprop": keras.optimizers.RMSprop(rate),
        "Adam": keras.optimizers.Adam(rate),
    }
    assert list(made) == list(optimizers.OPTIMIZERS)
    for name, optimizer in made.items():
        weights = keras.Variable(np.array(optimizers.START, "float32"))
        optimizer.build([weights])
        for _ in range(10):
            gradient = optimizers.SURFACES[surface].gradient(weights.numpy().astype("float64"))
            optimizer.apply([tf.constant(gradient, "float32")])
        mine = optimizers.path(name, surface, rate)[10]
        assert mine == pytest.approx(weights.numpy(), rel=1e-4, abs=1e-5), name


def test_an_optimizer_that_is_too_fast_is_named():
    assert "Above the 5.6 of the start: SGD." in see(optimizers, rate=0.3).words
    assert "Above" not in see(optimizers).words


# Overfitting


def test_what_is_stored_is_what_keras_trains():
    stored = overfitting.stored()
    assert set(stored) == set(itertools.product(overfitting.UNITS, overfitting.SAMPLES))
    fresh = overfitting.train(4, 20)
    assert fresh.losses[:4] == pytest.approx(stored[4, 20].losses[:4], rel=0.01)
    assert fresh.weights.shape == stored[4, 20].weights.shape == (16, 17)
    assert fresh.weights[0] == pytest.approx(stored[4, 20].weights[0], abs=overfitting.STEP / 2)


def test_the_stored_weights_give_the_stored_losses():
    for (units, samples), training in overfitting.stored().items():
        for inputs, targets, losses in [
            (*overfitting.points(samples), training.losses[:, 0]),
            (*overfitting.validation_points(), training.losses[:, 1]),
        ]:
            answers = overfitting.answer(training.weights[3], inputs)
            loss = keras.losses.BinaryCrossentropy()(targets, answers)
            assert float(loss) == pytest.approx(losses[3], rel=1e-2), (units, samples)


def test_memorizing_is_told_only_where_it_happens():
    assert "memorizes" in see(overfitting, units=16, samples=20).words
    assert "memorizes" not in see(overfitting, units=16, samples=20, epochs=120).words
    assert "memorizes" not in see(overfitting, units=4, samples=400).words
    assert "memorizes" not in see(overfitting, units=1, samples=20).words
    assert "memorizes" not in see(overfitting, units=16, samples=400).words
    assert ", 40 epochs" in see(overfitting, epochs=70).words


def test_more_points_hold_the_fewer_ones():
    few, many = (set(map(tuple, overfitting.points(samples)[0])) for samples in (20, 60))
    assert few < many


# Speed


def test_the_stored_times_are_those_of_this_kind_of_computation():
    """Another machine takes other times: they differ by less than ten times, and who is faster is the same."""
    for loss in speed.LOSSES:
        kept = speed.stored()[loss]
        assert kept.shape == (len(speed.POWERS), 1 + len(speed.STEPS))
        measured = np.array(speed.measure(loss, 10))
        assert np.all(np.abs(np.log10(measured / kept[0])) < 1)
        assert measured[0] < measured[1] and kept[0, 0] < kept[0, 1]  # a call of XLA costs
        assert (
            measured[3] < measured[0] and kept[0, 3] < kept[0, 0]
        )  # and is worth it for 100 steps


def test_numpy_and_xla_measure_the_same_step():
    inputs, targets = datasets.two_clouds(20)
    for loss in speed.LOSSES:
        by_hand = speed.numpy_step(loss, inputs, targets)()
        compiled = speed.xla_steps(loss, inputs, targets, 1)()
        assert float(by_hand) == pytest.approx(float(compiled), rel=1e-5)


def test_crossings_are_found_between_sizes():
    numpy = np.logspace(0, 5, len(speed.POWERS))
    assert speed.crossings(numpy, np.full(len(numpy), numpy[3])) == pytest.approx([speed.POWERS[3]])
    middle = np.sqrt(numpy[3] * numpy[4])
    turn = (speed.POWERS[3] + speed.POWERS[4]) / 2
    assert speed.crossings(numpy, np.full(len(numpy), middle)) == pytest.approx([turn])
    assert speed.crossings(np.full(len(numpy), middle), numpy) == pytest.approx([turn])
    assert not len(speed.crossings(numpy, 2 * numpy))


def test_who_is_faster_is_told_with_the_numbers():
    seen = see(speed, loss="crossentropy", points=1_000_000)
    assert seen.numbers["ratio"] == pytest.approx(seen.numbers["numpy"] / seen.numbers["xla"])
    assert seen.words.startswith("1,000,000 points: NumPy takes ") and "XLA is " in seen.words
    few = see(speed, points=10)
    assert few.numbers["ratio"] < 1 and "NumPy is " in few.words
    assert re.search(r"XLA is \d+ times as fast", see(speed, points=10, steps=100).words)
