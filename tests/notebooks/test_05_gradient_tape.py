"""What the notebook does, checked against independent computations, and what its prose says."""

from __future__ import annotations

import logging
import re
import warnings

import numpy as np
import pytest
import tensorflow as tf

from support.explore import tape as tape_explorer
from tests.curriculum import alt_text, end_of, equal, printed_with, run, says

NOTEBOOK = "05_gradient_tape"


def test_the_derivative_says_how_fast_the_result_changes():
    says(
        NOTEBOOK,
        "For x² at 3 it is 2·3 = 6: go from 3 to 3.001, and the result grows by about 0.006.",
    )
    equal(run(NOTEBOOK)["listing-3.10"].gradient, 2 * 3)
    growth = 3.001**2 - 3**2
    assert growth == pytest.approx(0.006, rel=1e-3)


def test_there_is_one_number_for_each_input():
    says(NOTEBOOK, "When there are many inputs, there is one such number for each")
    v = tf.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with tf.GradientTape() as tape:
        result = tf.reduce_sum(v**2)
    assert result.shape == ()
    equal(tape.gradient(result, v), 2 * v)


def test_the_tape_records_what_stands_inside_its_block_and_multiplies_the_slopes():
    says(NOTEBOOK, "records every operation inside its `with` block that depends on them")
    says(NOTEBOOK, "it walks the record backward and multiplies the slopes of the steps")
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        square = tf.square(v)
        result = tf.sin(square)
    equal(tape.gradient(result, v), np.cos(9) * 2 * 3)
    before = tf.square(v)
    with tf.GradientTape() as tape:
        result = tf.sin(before)
    assert tape.gradient(result, v) is None


def test_3_10_gradient_at_a_variable():
    cell = run(NOTEBOOK)["listing-3.10"]
    assert isinstance(cell.input_var, tf.Variable)
    equal(cell.input_var, 3)
    equal(cell.result, 9)
    equal(cell.gradient, 6)
    says(NOTEBOOK, "6.0, as computed by hand.")
    assert "6.0" in cell.printed


def test_the_gradient_is_the_slope_of_the_line_that_touches_the_curve():
    says(
        NOTEBOOK,
        "In a picture the gradient is the slope of the straight line that touches the curve.",
    )
    assert alt_text(NOTEBOOK, "x-np-linspace-0-5-41") == (
        "The parabola x squared from 0 to 5, and a straight dashed line of slope 6 that touches it "
        "at x = 3, y = 9."
    )
    (figure,) = run(NOTEBOOK)["x-np-linspace-0-5-41"].figures
    parabola, tangent = figure.axes[0].lines
    x, y = parabola.get_data()
    assert (x[0], x[-1]) == (0, 5)
    equal(y, x**2)
    equal(tangent.get_xdata(), x)
    equal(np.diff(tangent.get_ydata()), 6 * np.diff(x))
    assert (parabola.get_linestyle(), tangent.get_linestyle()) == ("-", "--")
    above = y - tangent.get_ydata()
    (touching,) = np.flatnonzero(np.abs(above) < 1e-5)
    assert (x[touching], y[touching]) == (3, 9)
    assert np.all(np.delete(above, touching) > 0)


def test_a_tape_watches_trainable_variables_and_no_constants():
    says(NOTEBOOK, "A tape watches trainable variables by itself")
    says(NOTEBOOK, "It does not watch constants.")
    says(NOTEBOOK, "It watches trainable variables by itself and constants on request.")
    v, c, frozen = tf.Variable(3.0), tf.constant(3.0), tf.Variable(3.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        result = v * c * frozen
    assert [tape.gradient(result, source) is None for source in (v, c, frozen)] == [
        False,
        True,
        True,
    ]
    with tf.GradientTape() as tape:
        tape.watch(c)
        result = v * c * frozen
    equal(tape.gradient(result, c), 9)


def test_3_11_gradient_at_a_watched_constant():
    cell = run(NOTEBOOK)["listing-3.11"]
    assert isinstance(cell.input_const, tf.Tensor)
    equal(cell.input_const, 3)
    equal(cell.result, 9)
    equal(cell.gradient, 6)


def test_unwatched_constant_gives_none():
    says(NOTEBOOK, "You get `None`, and no error.")
    says(NOTEBOOK, "It does not mean zero.")
    cell = run(NOTEBOOK)["snippet-unwatched"]
    assert cell.printed == "None\n"
    equal(run(NOTEBOOK)["listing-3.11"].gradient, 6)  # the slope that `None` stands for


def test_3_12_second_order():
    cell = run(NOTEBOOK)["listing-3.12"]
    assert isinstance(cell.time, tf.Variable)
    equal(cell.time, 0)
    equal(cell.position, 0)
    equal(cell.speed, 0)
    equal(cell.acceleration, 9.8)
    says(
        NOTEBOOK,
        "At time 0 the stone does not move yet, but it is already accelerated, by 9.8 m/s²",
    )


def test_the_falling_stone_in_three_curves():
    says(NOTEBOOK, "its position after *t* seconds is 4.9·*t*² meters below the start")
    says(
        NOTEBOOK,
        "The derivative of the position is the speed, and the derivative of the speed is the acceleration.",
    )
    says(NOTEBOOK, "The same two tapes at many times at once give three curves.")
    assert alt_text(NOTEBOOK, "plots-show") == (
        "Over two seconds the position rises as a parabola to 19.6 m, the speed as a straight line "
        "to 19.6 m/s, and the acceleration stays at 9.8 m/s²."
    )
    cell = run(NOTEBOOK)["plots-show"]
    times = np.linspace(0, 2, 21)
    curves = {
        "position (m)": 4.9 * times**2,
        "speed (m/s)": 9.8 * times,
        "acceleration (m/s²)": np.full(21, 9.8),
    }
    lines = cell.figures[0].axes[0].lines
    assert [line.get_label() for line in lines] == list(curves)
    for line, values in zip(lines, curves.values(), strict=True):
        equal(line.get_xdata(), times)
        equal(line.get_ydata(), values)
    assert [line.get_ydata()[-1] for line in lines] == pytest.approx([19.6, 19.6, 9.8])


def test_each_position_depends_on_its_own_time_alone():
    says(NOTEBOOK, "each position depends on its own time alone, so the other 20 add nothing")
    times = end_of(NOTEBOOK).times
    with tf.GradientTape() as tape:
        tape.watch(times)
        positions = 4.9 * times**2
    slopes = tape.jacobian(positions, times).numpy()
    assert slopes.shape == (1 + 20, 1 + 20)
    equal(slopes, np.diag(9.8 * times.numpy()))
    equal(end_of(NOTEBOOK).speeds, np.diag(slopes))


def test_an_inner_gradient_outside_the_outer_tape_is_not_on_record():
    says(NOTEBOOK, "Move it out, and the outer tape has nothing on record.")
    says(NOTEBOOK, "as long as the inner gradient is taken inside the outer tape")
    cell = run(NOTEBOOK)["with-tf-gradienttape-as-outer-tape"]
    assert cell.printed == "None\n"
    equal(cell.late_speed, cell.speed)
    v = tf.Variable(3.0)
    with tf.GradientTape() as outer, tf.GradientTape() as inner:
        cube = v**3
        slope = inner.gradient(cube, v)
    equal(outer.gradient(slope, v), 6 * 3)


def test_loss_gradient():
    cell = run(NOTEBOOK)["snippet-loss-gradient"]
    assert [gradient.shape for gradient in cell.gradients] == [cell.W.shape, cell.b.shape]
    error = cell.inputs.numpy() @ cell.W.numpy() + cell.b.numpy() - cell.targets.numpy()
    equal(cell.gradients[0], 2 * cell.inputs.numpy().T @ error / len(error))  # by hand
    equal(cell.gradients[1], 2 * error.mean(axis=0))
    says(NOTEBOOK, "the loss is the mean squared difference from the *targets*")
    says(NOTEBOOK, "the result is a **loss**, one number")
    equal(cell.loss, np.mean(error**2))
    says(
        NOTEBOOK, "Give a list and you get a list: one gradient for each weight, of the same shape."
    )
    says(NOTEBOOK, "A list of weights gives a list of gradients of the same shapes.")
    assert isinstance(cell.gradients, list)
    assert cell.printed.splitlines() == [
        "weight (2, 1) gradient (2, 1)",
        "weight (1,) gradient (1,)",
    ]


def test_nudging_gives_the_tapes_gradient():
    says(
        NOTEBOOK,
        "nudge `b` a little up and a little down, and see how much the loss changes for the nudge",
    )
    cell = run(NOTEBOOK)["def-loss-at-some-b"]
    assert cell.by_nudging == pytest.approx(cell.gradients[1].numpy()[0], rel=1e-3)
    tape, nudging = re.findall(r"-?\d+\.\d+", cell.printed)
    assert tape == nudging


def test_a_smaller_nudge_leaves_rounding():
    says(
        NOTEBOOK,
        "with seven digits to a float, the difference of two nearly equal losses is soon nothing but rounding",
    )
    assert round(np.log10(2.0 ** (np.finfo("float32").nmant + 1))) == 7
    cell = run(NOTEBOOK)["def-loss-at-some-b"]
    inputs, W, b = (np.float64(array) for array in (cell.inputs, cell.W, cell.b))
    exact = 2 * np.mean(inputs @ W + b - 1)

    def difference(nudge):
        return cell.loss_at(cell.b + nudge) - cell.loss_at(cell.b - nudge)

    assert difference(0.01) / 0.02 == pytest.approx(exact, rel=1e-3)
    assert difference(1e-8) / 2e-8 != pytest.approx(exact, rel=0.3)
    assert abs(difference(1e-8)) <= 4 * np.spacing(cell.loss_at(cell.b))
    says(NOTEBOOK, "The tape has no such trouble, since it never takes a difference.")
    assert cell.gradients[1].numpy()[0] == pytest.approx(exact, rel=1e-6)


def test_a_tape_is_spent_after_one_gradient_unless_it_is_persistent():
    says(NOTEBOOK, "A tape is spent after one gradient")
    says(NOTEBOOK, "A second call fails, here on purpose.")
    spent = run(NOTEBOOK)["with-tf-gradienttape-as-tape"]
    assert spent.printed.startswith("first:  6.0\n----> print(")
    assert "RuntimeError: A non-persistent GradientTape" in spent.printed
    says(NOTEBOOK, "If you need several gradients of one record, make the tape **persistent**")
    persistent = run(NOTEBOOK)["with-tf-gradienttape-persistent-true-as"]
    assert persistent.printed.split() == ["square:", f"{2 * 3.0}", "cube:", f"{3 * 3.0**2}"]


def test_whole_numbers_have_no_gradient_and_nothing_warns():
    says(NOTEBOOK, "`tf.Variable(3)` is an integer; `tf.Variable(3.0)` is what you meant.")
    assert tf.Variable(3).dtype.is_integer and tf.Variable(3.0).dtype.is_floating
    says(NOTEBOOK, "Nothing warns you, so look at the dtype when you meet a `None`.")
    whole = tf.Variable(3)
    heard = logging.Handler(logging.WARNING)
    records = []
    heard.emit = records.append
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    logger.addHandler(heard)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with tf.GradientTape() as tape:
                result = whole**2
            assert tape.gradient(result, whole) is None
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)
    assert not records


@pytest.mark.parametrize(
    ("sentence", "source", "compute", "gradient"),
    [
        ("and whole numbers can't change by a little.", tf.Variable(3), lambda x: x**2, None),
        ("`trainable=False` says that", tf.Variable(3.0, trainable=False), lambda x: x**2, None),
        (
            "Converting to an integer on the way, rounding and comparing cut the path",
            tf.Variable(3.0),
            lambda x: tf.cast(x, tf.int32),
            None,
        ),
        (
            "Converting to an integer on the way, rounding and comparing cut the path",
            tf.Variable(3.0),
            lambda x: tf.cast(x > 0, tf.float32),
            None,
        ),
        (
            "Converting to an integer on the way, rounding and comparing cut the path",
            tf.Variable(3.0),
            tf.round,
            None,
        ),
        (
            "Back in TensorFlow, it is a new constant.",
            tf.Variable(3.0),
            lambda x: tf.square(x.numpy()),
            None,
        ),
        (
            "x²·x is x³, whose slope at 3 is 27",
            tf.Variable(3.0),
            lambda x: tf.square(x.numpy()) * x,
            9.0,
        ),
    ],
)
def test_cut_and_unwatched_paths(sentence, source, compute, gradient):
    says(NOTEBOOK, sentence)
    with tf.GradientTape() as tape:
        result = compute(source)
    found = tape.gradient(result, source)
    assert (found if found is None else found.numpy()) == gradient
    assert f"{gradient}\n" in "".join(cell.printed for cell in run(NOTEBOOK).values())


@pytest.mark.parametrize("leave", [lambda x: x.numpy(), float, np.square])
def test_what_leaves_tensorflow_has_no_past(leave):
    says(
        NOTEBOOK,
        "What goes through `.numpy()`, Python's `float` or a NumPy function is a plain number without a past.",
    )
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        number = leave(v)
        result = tf.square(number)
    assert not tf.is_tensor(number)
    assert tape.gradient(result, v) is None


def test_a_path_cut_in_part_gives_the_gradient_of_the_rest():
    says(NOTEBOOK, "there is no `None` to warn you: the gradient is that of the rest")
    says(NOTEBOOK, "x²·x is x³, whose slope at 3 is 27.")
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        cube = tf.square(v) * v
    equal(tape.gradient(cube, v), 27)
    with tf.GradientTape() as tape:
        rest = 9.0 * v
    printed = run(NOTEBOOK)["with-tf-gradienttape-as-tape-3"].printed
    assert float(printed) == tape.gradient(rest, v).numpy() == 9


def test_a_variable_that_is_not_trainable_can_be_watched():
    says(NOTEBOOK, "so the tape leaves it alone too, unless you call `watch`")
    assert run(NOTEBOOK)["frozen-tf-variable-3-0-trainable-false"].printed == "None\n"
    frozen = tf.Variable(3.0, trainable=False)
    with tf.GradientTape() as tape:
        tape.watch(frozen)
        result = frozen**2
    equal(tape.gradient(result, frozen), 6)


def test_an_unrelated_source_gives_none_or_zero_on_request():
    says(NOTEBOOK, "A result that does not depend on the source at all also gives `None`.")
    says(NOTEBOOK, "If you would rather have zeros, ask for them.")
    unrelated, v = tf.Variable(5.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        result = v * unrelated * 0.0 + v
    equal(tape.gradient(result, unrelated), 0)  # connected, and of no influence
    with tf.GradientTape() as tape:
        result = v * 2.0
    assert tape.gradient(result, unrelated) is None
    assert "tf.Tensor(0.0," in run(NOTEBOOK)["unrelated-tf-variable-5-0"].printed


def test_a_tape_gives_the_gradient_of_the_sum():
    says(NOTEBOOK, "For 21 results a tape gives the gradient of their *sum*")
    v = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        results = v * tf.reduce_sum(v)
    assert tape.gradient(results, v).numpy().tolist() == [12.0, 12.0, 12.0]


def test_gradient_descent_leaves_eight_tenths_at_each_step():
    says(NOTEBOOK, "Each step takes 0.1·2x off x and leaves 0.8 of it")
    says(NOTEBOOK, "Here is x² from 3 on; a tenth of the gradient is subtracted at each step.")
    printed = printed_with(NOTEBOOK, "step  1")
    values = [float(value) for value in re.findall(r"x = (\S+)", printed)]
    assert values == pytest.approx([3 * 0.8**step for step in range(1, 11)], abs=6e-5)
    before = [3, *values[:-1]]
    assert values == pytest.approx([x - 2 * x / 10 for x in before], abs=1e-4)


def test_steps_against_the_gradient_come_to_the_bottom():
    says(NOTEBOOK, "Go a little *against* it, again and again, and you come to the bottom.")
    says(NOTEBOOK, "A step against the gradient, repeated, finds a minimum.")
    x = tf.Variable(3.0)
    for _ in range(100):
        with tf.GradientTape() as tape:
            height = tf.square(x)
        x.assign_sub(0.1 * tape.gradient(height, x))
    assert abs(x.numpy()) < 1e-6


def test_explain_gradient_goes_through_the_list():
    says(NOTEBOOK, "measures how the result follows, and compares that with the gradient.")
    says(NOTEBOOK, "So it also notices when a part of the path is cut.")
    answers = run(NOTEBOOK)["explain-gradient"].printed.split("\n\n")
    reasons = [
        "nobody watches it",
        "dtype int32",
        "not trainable",
        "All is well",
        "the result grows 27 times as much, and the gradient says 9.",
    ]
    assert all(
        reason in " ".join(answer.split()) for reason, answer in zip(reasons, answers, strict=True)
    )


def test_the_explorer_can_do_what_is_asked():
    says(NOTEBOOK, "the dashed tangent has the slope that the inner tape gives")
    says(NOTEBOOK, "Where is the curve level? And what does the outer tape say there")
    board = tape_explorer.Board()
    for x, bend in [(-1.0, "downward"), (1.0, "upward")]:  # a top and a bottom
        seen = board.draw("x³ - 3x", x)
        assert "the curve is level" in seen.words and bend in seen.words
    seen = board.draw("x³ - 3x", 2.0)
    (left, right), (low, high) = board.tangent.get_data()
    assert board.tangent.get_linestyle() == "--"
    assert (high - low) / (right - left) == pytest.approx(seen.numbers["first"])
