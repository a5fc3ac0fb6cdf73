"""The engine of the exercises: four outcomes, a fixed order of what is compared, and no answer that breaks it."""

from __future__ import annotations

import _thread
import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from support.exercises import progress
from support.exercises.apart import TookTooLong
from support.exercises.boxes import Verdict, verdict_box
from support.exercises.compare import Difference, compare
from support.exercises.engine import exercise
from support.exercises.relate import relation
from tests import endless
from tests.answers import answer_of
from tests.reading import ROOT

NOTEBOOK = "02_tensors"


def tensors(*case):
    return tuple(tf.constant(each, dtype="float32") for each in case)


@exercise(
    NOTEBOOK,
    see="A block of numbers",
    cases=[([[1.0], [2.0]],), ([[0.5]],)],
    given=tensors,
    hints=["first", "second"],
    pairs=True,
)
def double(column):
    return 2.0 * column


@double.mistake("You squared.", see="notebook 04: The basic operations")
def _(column):
    return column**2


double.slip("You tripled.", "2.0", "3.0")
double.slip("You divided.", " * ", " / ")
double.slip("You took half.", "2.0 *", "0.5 *")
double.mistake_if("You counted.", lambda attempt: "len(" in attempt.source)


@double.mistake_if("A condition with a slip of the pen.")
def _(attempt):
    return attempt.no_such_thing


@double.mistake_if("This looks at what an error leaves out.")
def _(attempt):
    return attempt.difference.kind == "none" or attempt.numbers is None or attempt.part("none")


def judge(source: str) -> Verdict:
    return double.judge(answer_of("double", source))


# The outcomes


@pytest.mark.parametrize(
    "body",
    [
        "...",
        "return ...",
        "'''What it does.'''\n    ...",
        "y = ...\n    return y",
        "if 1:\n        ...",
    ],
)
def test_a_gap_is_not_an_attempt(body):
    assert judge(f"def double(column):\n    {body}\n").outcome == "Not attempted"


def test_dots_in_an_index_are_no_gap():
    assert judge("def double(column):\n    return column[..., :1] * 2").outcome == "Right"


def test_a_value_in_place_of_a_function_may_be_a_gap_too():
    assert double.judge(...).outcome == "Not attempted"
    assert double.judge(lambda column: ...).outcome == "Not attempted"


@pytest.mark.parametrize(
    "source",
    [
        "def double(column):\n    return column + column",
        "def double(x):\n    return tf.multiply(x, tf.constant(2.0))",
        "double = lambda column: column * 2",
        "double = tf.function(lambda column: column * 2)",
        "import functools\ndouble = functools.partial(tf.multiply, 2.0)",
        "def double(column, factor=2):\n    return factor * column",
        "def double(*columns):\n    return 2 * columns[0]",
    ],
)
def test_a_right_answer_in_any_style_is_right(source):
    assert repr(judge(source)) == "✔ Right"


def test_a_wrong_answer_shows_where_it_is_wrong():
    verdict = judge("def double(column):\n    return column + 1.0")
    assert verdict.outcome == "Wrong"
    assert verdict.words == "the result[1, 0] is 3; expected 4. See “A block of numbers”."
    assert verdict.evidence.splitlines() == [
        "column = [[1], [2]]",
        "yours:    [[2], [3]], shape (2, 1), float32",
        "expected: [[2], [4]], shape (2, 1), float32",
    ]


def test_a_known_mistake_is_named_however_it_is_written():
    verdict = judge("def double(column):\n    return tf.stack([x * x for x in column])")
    assert verdict.words == "You squared. See “The basic operations” in notebook 04."
    assert verdict.evidence.endswith("(the result[0, 0] is 1; expected 2)")
    assert judge("def double(column):\n    return column * len(column)").words.startswith("You cou")


def test_a_slip_is_a_change_of_the_solution_and_two_at_once_are_recognized():
    assert judge("def double(x):\n    return x + x + x").words.startswith("You tripled. See")
    assert judge("def double(x):\n    return 3 / x").words.startswith(
        "Two things at once. You tripled. You divided. See"
    )
    assert judge("def double(x):\n    return 0.5 / x").words.startswith("the result")  # no room


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 1 / 0", "your code raised ZeroDivisionError."),
        ("raise SystemExit(3)", "your code raised SystemExit."),
        ("return double(column)", "your code raised RecursionError."),
        ("while True: pass", "it did not end within 1 s: is there a loop"),
        ("if not double: other = 1\n    return other", "`other` is read before it has a value"),
        ("return undefined", "the name `undefined` means nothing in your code"),
    ],
)
def test_an_error_shows_the_learners_line_and_no_other(body, words):
    verdict = judge(f"def double(column):\n    {body}\n")
    assert verdict.outcome == "Error" and verdict.words.startswith(words)
    assert f"in your line: {body.splitlines()[-1].strip()}" in verdict.evidence
    assert "support" not in repr(verdict) and "Traceback" not in repr(verdict)


def test_an_error_in_tensorflow_is_told_in_its_words_without_the_names_of_its_parts():
    verdict = judge("def double(column):\n    return tf.matmul(column, column)")
    assert "Matrix size-incompatible" in verdict.evidence
    assert "function_node" not in verdict.evidence and "[Op:" not in verdict.evidence


def test_what_is_no_function_of_these_arguments_is_told_so():
    assert judge("def double():\n    return 1").words == (
        "double is to take (column); yours takes nothing."
    )
    assert "yours takes a, b" in judge("def double(a, b):\n    return 1").words
    for thing, words in [(3, "3, a Python int"), (None, "None"), (tf.ones(2), "a tensor")]:
        assert double.judge(thing).words == f"check takes the function double itself; got {words}."
    assert "got the class int" in double.judge(int).words


def test_who_prints_and_who_forgets_to_return_are_told_apart():
    assert "prints, and returns nothing" in judge("def double(x):\n    print(2 * x)").words
    assert "a `return` is missing" in judge("def double(x):\n    y = 2 * x").words


def test_printing_does_not_disturb(capsys):
    assert judge("def double(x):\n    print('now')\n    return 2 * x").outcome == "Right"
    assert capsys.readouterr().out == ""


@exercise(NOTEBOOK, see="x", cases=[([3, 1, 2],)], given=lambda case: (list(case),), hints=["x"])
def ascending(numbers):
    return sorted(numbers)


def test_an_input_is_not_to_be_changed():
    def answer(numbers):
        numbers.sort()
        return numbers

    assert "changes what was given to it" in ascending.judge(answer).words
    assert ascending.judge(sorted).outcome == "Right"


@pytest.mark.parametrize("body", ["return 1 / 0", "return column - 1", "return None"])
def test_a_condition_that_fails_is_told_to_the_tests_and_one_that_does_not_apply_is_passed_over(
    body,
):
    double.broken.clear()
    assert judge(f"def double(column):\n    {body}\n").outcome in ("Wrong", "Error")
    ((words, error),) = double.broken.items()
    assert words == "A condition with a slip of the pen." and isinstance(error, AttributeError)


# What never ends


@pytest.fixture(scope="module")
def said_of_endless():
    """By kind, what was said of it: outcome, words and evidence."""
    read, write = os.pipe()  # what asks a question waits for an answer
    command = [sys.executable, "-m", "tests.endless"]
    printed = subprocess.run(
        command, cwd=ROOT, stdin=read, stdout=subprocess.PIPE, text=True, timeout=600
    ).stdout
    os.close(read)
    os.close(write)
    return {name: said for name, *said in map(json.loads, printed.splitlines())}


@pytest.mark.parametrize("kind", [*endless.PYTHON, *endless.METHODS])
def test_a_loop_in_python_is_ended(kind, said_of_endless):
    outcome, words, evidence = said_of_endless[kind]
    assert outcome == "Error" and words.startswith("it did not end within 0.3 s: is there a loop")
    assert "restart" not in words and "in your line: " in evidence


@pytest.mark.parametrize("kind", [*endless.COMPILED, "within a patch"])
def test_what_goes_on_where_python_cannot_end_it_is_left_behind(kind, said_of_endless):
    outcome, words, evidence = said_of_endless[kind]
    assert outcome == "Error" and words.startswith("it did not end within")
    assert "in the background" in words and "restart the kernel" in words
    assert "in your line: " in evidence
    others = "What was checked before still goes on"
    assert (others in words) == (kind != next(iter(endless.COMPILED)))


def test_while_some_go_on_others_are_judged(said_of_endless):
    assert said_of_endless["a right answer"][0] == "Right"
    assert said_of_endless["a wrong answer"][0] == "Wrong"


def test_learners_code_does_not_catch_what_ends_it():
    assert not issubclass(TookTooLong, Exception)


def test_an_answer_that_took_too_long_is_not_called_again():
    calls = []

    def answer(column):
        calls.append(1)
        while len(calls) == 2:  # in the second case
            pass
        return 3 * column

    assert double.judge(answer).words.startswith("You tripled")
    assert len(calls) == 2


def test_an_interrupt_ends_a_check_and_the_answer():
    started, ended = threading.Event(), threading.Event()

    def answer(column):
        try:
            started.set()
            while True:
                pass
        finally:
            ended.set()

    def interrupt():
        started.wait()
        _thread.interrupt_main()

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        endless_if_not_interrupted.judge(answer)
    assert ended.wait(timeout=60)
    assert endless_if_not_interrupted.judge(lambda column: column).outcome == "Right"


@exercise(NOTEBOOK, see="x", cases=[(1,)], hints=["x"], seconds=600)
def endless_if_not_interrupted(column):
    return column


# What a check leaves behind


noise = tf.function(lambda: tf.random.normal(()))

GENERATORS = {
    "Python": random.random,
    "NumPy": np.random.rand,
    "TensorFlow": lambda: tf.random.normal(()),
    "TensorFlow's own": lambda: tf.random.get_global_generator().normal(()),
    "Keras": lambda: keras.random.normal(()),
    "an operation with a seed": lambda: tf.random.normal((), seed=1),
    "a compiled function": noise,
}


def draw(column):
    for generator in GENERATORS.values():
        generator()
    return column


def seed(column):
    keras.utils.set_random_seed(1)
    tf.random.set_global_generator(tf.random.Generator.from_seed(1))
    return column


ANSWERS = {
    "right": lambda column: 2 * column,
    "wrong": lambda column: 3 * column,
    "draws": draw,
    "sets seeds": seed,
}
#: What has a state that TensorFlow shows to no one. It begins anew where a seed is set, and goes on where it is used.
HIDDEN = {"an operation with a seed", "a compiled function"}


@pytest.mark.parametrize(
    ("generator", "answer"),
    [
        (generator, answer)
        for generator, answer in itertools.product(GENERATORS, ANSWERS)
        if generator not in HIDDEN or answer in ("right", "wrong")
    ],
)
def test_generators_go_on_as_without_a_check(generator, answer):
    def draws_around(act):
        keras.utils.set_random_seed(7)
        tf.random.get_global_generator().reset_from_seed(7)
        before = float(GENERATORS[generator]())
        act()
        return before, float(GENERATORS[generator]())

    alone = draws_around(lambda: None)
    assert draws_around(lambda: double.judge(ANSWERS[answer])) == alone
    assert alone[0] != alone[1]


def test_without_a_seed_there_is_none_after_a_check():
    tf.random.set_seed(None)
    double.judge(seed)
    assert tf.compat.v1.random.get_seed(None) == (None, None)


def test_layers_are_numbered_on_as_without_a_check():
    def answer(column):
        keras.utils.clear_session()
        return keras.layers.Dense(1)(column)

    def number():
        return int(keras.layers.Dense(1).name.partition("_")[2] or 0)

    before = number()
    double.judge(answer)
    assert number() == before + 1


def test_whoever_draws_draws_the_same_in_each_check():
    seen = []

    def answer(column):
        seen.append([random.random(), np.random.rand(), float(keras.random.normal(()))])
        return column

    for _ in range(2):
        ascending.judge(answer)
    assert seen[0] == seen[1]


@contextlib.contextmanager
def switched_on(setting):
    """A setting of a notebook's, for a while."""
    read, write, value = SWITCHES[setting]
    before = read()
    write(value)
    try:
        yield
        assert read() == (keras.DTypePolicy(value) if "policy" in setting else value)
    finally:
        write(before)


SWITCHES = {
    "eager functions": (
        tf.config.functions_run_eagerly,
        tf.config.run_functions_eagerly,
        True,
    ),
    "floatx": (keras.config.floatx, keras.config.set_floatx, "float64"),
    "epsilon": (keras.config.epsilon, keras.config.set_epsilon, 0.5),
    "policy of float16": (
        keras.config.dtype_policy,
        keras.config.set_dtype_policy,
        "mixed_float16",
    ),
    "policy of float64": (keras.config.dtype_policy, keras.config.set_dtype_policy, "float64"),
}


def normalized(column):
    """Computes otherwise under each of the settings."""
    tensor = tf.function(lambda column: column + tf.executing_eagerly())(column)
    return keras.layers.LayerNormalization()(
        keras.layers.Dense(2, kernel_initializer="ones")(tensor)
    )


@pytest.mark.parametrize("setting", SWITCHES)
def test_what_a_notebook_has_switched_on_changes_no_verdict(setting):
    declared = exercise(NOTEBOOK, see="x", cases=[([[1.0], [2.0]],)], given=tensors, hints=["x"])
    judged = declared(normalized)
    with switched_on(setting):
        assert judged.judge(normalized).outcome == "Right"  # the expected result is of now
    assert judged.judge(normalized).outcome == "Right"
    assert judged.judge(lambda column: normalized(column) + 1).outcome == "Wrong"
    with switched_on(setting):
        assert judged.judge(normalized).outcome == "Right"


def test_what_an_answer_switches_on_ends_with_the_check(tmp_path):
    def state():
        return (
            [read() for read, *_ in SWITCHES.values()],
            np.geterr(),
            list(warnings.filters),
            Path.cwd(),
            plt.get_fignums(),
            sys.stdout,
            sys.stderr,
        )

    def answer(column):
        for _, write, value in SWITCHES.values():
            write(value)
        np.seterr(all="raise")
        warnings.simplefilter("error")
        os.chdir(tmp_path)
        plt.figure()
        sys.stdout = sys.stderr = None
        return 2 * column

    before = state()
    assert double.judge(answer).outcome == "Right"
    assert state() == before


# Whatever comes


def generator(column):
    yield 2 * column


class Callable:
    def __call__(self, column):
        return 2 * column


STRANGE = {
    "a generator": generator,
    "an object with __call__": Callable(),
    "NaN": lambda column: column * np.nan,
    "a huge array": lambda column: np.zeros((3000, 3000), "float32"),
    "a list": lambda column: (2 * column).numpy().tolist(),
    "an array": lambda column: 2 * column.numpy(),
    "an array of objects": lambda column: np.array([None, {}], dtype=object),
    "a ragged tensor": lambda column: tf.ragged.constant([[1.0], []]),
    "a sparse tensor": lambda column: tf.sparse.from_dense(2 * column),
    "a symbolic tensor": lambda column: keras.Input((1,)),
    "a graph's tensor": lambda column: tf.Graph().as_default() and graph_tensor(),
    "a string": lambda column: tf.constant("2"),
    "truth values": lambda column: column > 0,
    "complex numbers": lambda column: tf.cast(2 * column, "complex64"),
    "a class": lambda column: int,
    "itself": lambda column: STRANGE,
    "an object that lies": lambda column: Liar(),
    "an error without words": lambda column: (_ for _ in ()).throw(ValueError()),
    "a module": lambda column: np,
}


def graph_tensor():
    with tf.Graph().as_default():
        return tf.constant([[2.0], [4.0]])


class Liar:
    """Equal to everything, of every shape, and not to be printed."""

    shape, dtype, ndim = (2, 1), "float32", 2

    def __eq__(self, other):
        return True

    def __repr__(self):
        raise ValueError("no")

    __hash__ = None


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_answer_is_wrong_and_breaks_nothing(name):
    verdict = double.judge(STRANGE[name])
    assert verdict.outcome in ("Wrong", "Error"), verdict
    assert len(repr(verdict)) < 2000 and verdict_box(double, verdict).html


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.builds(
        lambda shape, dtype: np.full(shape, 2, dtype),
        st.lists(st.integers(0, 3), max_size=3),
        st.sampled_from(["int32", "int64", "float32", "float64", "bool", "complex64"]),
    ).flatmap(lambda array: st.sampled_from([array, tf.constant(array), tf.Variable(array)])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(VALUES)
def test_no_constant_is_right(value):
    assert double.judge(lambda column: value).outcome == "Wrong"
    assert double.judge(value).outcome == "Wrong"


# What is compared, in which order


@pytest.mark.parametrize(
    ("got", "kind", "words"),
    [
        ([[1, 2]], "type", "is a Python list; expected a tensor"),
        (tf.constant([1, 2]), "rank", "has rank 1, shape (2,); expected rank 2, shape (1, 2)"),
        (tf.constant([[1], [2]]), "shape", "has shape (2, 1); expected (1, 2)"),
        (tf.constant([[1, 2]]), "dtype", "has dtype int32; expected float32"),
        (tf.constant([[1.0, 3.0]]), "values", "result[0, 1] is 3; expected 2"),
        (tf.constant([[1.0, 2.0]]), None, ""),
        (tf.Variable([[1.0, 2.0]]), None, ""),
        (tf.constant([[1.0, 2.000001]]), None, ""),
    ],
)
def test_type_rank_shape_dtype_values(got, kind, words):
    difference = compare(got, tf.constant([[1.0, 2.0]]))
    assert (difference and difference.kind) == kind
    assert words in (difference.words if difference else "")


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (1, 1.0, None),
        (tf.constant(0.5), 0.5, None),
        (np.float32(0.5), 0.5, None),
        ("0.5", 0.5, "is '0.5', a Python str; expected a number"),
        (True, 1, "is True; expected a whole number"),
        (1.0, 1, "is 1.0, a Python float; expected a whole number"),
        (tf.ones((1,)), 1.0, "has shape (1,); expected a single number"),
        (np.True_, True, None),
        (1, True, "is 1, a Python int; expected True"),
        (False, True, "is False; expected True"),
        ((1, 2), [1, 2], None),
        ([1], [1, 2], "has 1 entries; expected 2"),
        (tf.ones(2), [1, 2], "is a tensor; expected a list of 2"),
        ([1, 3], [1, 2], "entry 1 of the result is 3; expected 2"),
        (tf.ones(2), np.ones(2, "float32"), None),
        (tf.ones(2), tf.Variable([1.0, 1.0]), "is a tensor; expected a variable"),
    ],
)
def test_plain_values_lists_and_variables(got, expected, words):
    difference = compare(got, expected)
    assert difference is None if words is None else words in difference.words


def test_the_parts_of_a_dict_are_named():
    difference = compare({"one": 1, "the other": 3}, {"one": 1, "the other": 2})
    assert difference == Difference("values", "the other is 3; expected 2", "the other", 3, 2)


X = np.array([[1.5, -2.0], [3.0, 0.25]])


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (-X, X, "a sign is wrong"),
        (2 * X, X, "It is 2 times the expected result, and there are 2 of them: a sum"),
        (X / 5, X, "It is the expected result divided by 5, as many as there are"),
        (3 * X, X, "It is 3 times the expected result."),
        (X.T, X, "the transpose"),
        (X[::-1], X, "the expected numbers in another order"),
        (X**2, X, "the square of the expected"),
        (np.abs(X), X, "without its sign"),
        (X + 1, X, "larger than expected by 1 everywhere"),
        (X * 0, X, "It is 0 everywhere"),
        (X * 0 + 7, X, "It is 7 everywhere"),
        (X * np.inf, X, "NaN or infinity"),
        (np.round(X), X, "rounded"),
        (1 - X, X, "1 minus the expected"),
        (np.maximum(X, 0), X, "Negative numbers have become 0"),
        (np.ones((3, 3)), np.ones((3, 1)), "(N,) against (N, 1)"),
        (np.ones((3, 2)), np.zeros((2, 3)), "the shape of the transpose"),
        (np.ones(1), np.ones(()), "one number in brackets"),
        (np.ones(4), np.ones(()), "an axis is left"),
        (np.ones(()), np.ones(4), "A single number is left"),
        (np.ones(3), np.ones((3, 1)), "an axis is missing"),
        (np.ones((3, 1)), np.ones(3), "one axis too many"),
        (np.ones(3, int), np.ones(3), "Whole numbers came where floats"),
        (np.ones(3), np.ones(3, "float32"), "float64 is NumPy's default"),
        (np.ones(3), np.ones(3, int), "Whole numbers were asked for"),
        (np.ones(3, bool), np.ones(3), "True and False are no numbers"),
        (X + np.array([[0, 1], [0, 0]]), X, ""),
    ],
)
def test_a_wrong_result_is_related_to_the_right_one(got, expected, words):
    said = relation(compare(got, expected), sizes={2, 5})
    assert words in said and bool(words) == bool(said)


# Progress


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "folder/progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    return path


def right(column):
    return column + column


def test_what_is_solved_is_kept_and_shown(file, capsys):
    double.check(lambda column: column)
    assert not file.exists()
    progress.record(NOTEBOOK, "as_column")
    double.check(right)
    double.check(right)
    assert json.loads(file.read_text()) == {NOTEBOOK: ["as_column", "double"]}
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    capsys.readouterr()
    progress.progress()
    first = capsys.readouterr().out.splitlines()[0]
    assert first.split()[0] == NOTEBOOK and first.split()[1].startswith("█░")
    assert first.endswith("1 of 4")  # of those that the notebook has


@pytest.mark.parametrize("content", ["", "[1]", '{"02_tensors": 3}', '{"02_tensors": [3]}', "{"])
def test_a_damaged_file_counts_as_none(file, content):
    file.parent.mkdir()
    file.write_text(content)
    assert not any(progress.read().values())
    progress.record(NOTEBOOK, "double")
    assert json.loads(file.read_text())[NOTEBOOK] == ["double"]


def test_where_nothing_can_be_written_nothing_fails(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "file/progress.json"))
    double.check(right)
    assert progress.read() == {}
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.setattr(progress.Path, "home", no_home)
    double.check(right)
    assert progress.read() == {}


def no_home():
    raise RuntimeError("no home")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(file, monkeypatch):
    progress.record(NOTEBOOK, "one")

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(progress.Path, "replace", full)
    progress.record(NOTEBOOK, "two")
    assert json.loads(file.read_text()) == {NOTEBOOK: ["one"]}
    assert len(list(file.parent.iterdir())) == 1


def test_by_default_it_is_kept_in_the_home(monkeypatch, tmp_path):
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    progress.record(NOTEBOOK, "one")
    assert [path.name for path in tmp_path.rglob("*.json")] == ["progress.json"]


def test_an_error_in_a_graph_is_told_by_its_own_words_and_the_learners_line():
    verdict = judge(
        "@tf.function\ndef inner(x):\n    for _ in tf.range(2):\n        x = x.no_such_name\n    return x\n\n\n"
        "def double(column):\n    return inner(column)\n"
    )
    assert verdict.outcome == "Error"
    assert "in user code" not in verdict.evidence and "no_such_name" in verdict.evidence
    assert (
        "ag__" not in verdict.evidence and "in your line: return inner(column)" in verdict.evidence
    )
