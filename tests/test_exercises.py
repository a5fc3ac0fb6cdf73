"""The exercises: each mistake gets its message, no wrong answer passes, no right one is refused, nothing crashes."""

from __future__ import annotations

import functools
import inspect
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from support.exercises import apart, progress
from support.exercises.boxes import verdict_box
from tests.answers import answer_of, exercises_of, rows
from tests.reading import NOTEBOOKS, code_cells

NOTEBOOK_BY_STEM = {path.stem: path for path in NOTEBOOKS}


NAMES = [
    pytest.param(module, name, id=f"{module}.{name}")
    for module in progress.MODULES.values()
    for name in exercises_of(module)
]
EXERCISES = [
    pytest.param(each, id=f"{module}.{name}")
    for module in progress.MODULES.values()
    for name, each in exercises_of(module).items()
]


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """No answer here waits for anything, however little of the processor it gets."""
    monkeypatch.setattr(apart, "LONGEST_WAIT", 600)


@functools.cache
def verdict_on(module: str, number: int):
    """The verdict on a row of the tables. No condition of a mistake may fail on it."""
    _, name, row = rows()[number]
    exercise = exercises_of(module)[name]
    exercise.broken.clear()
    verdict = exercise.judge(answer_of(name, row["answer"]))
    assert not exercise.broken, f"{module}.{name}, for {row['answer']}: {exercise.broken}"
    return verdict


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_each_answer_gets_its_verdict(module, name, capsys):
    failures = []
    for number, (of_module, of_name, row) in enumerate(rows()):
        if (of_module, of_name) == (module, name):
            verdict = verdict_on(module, number)
            if row.get("right"):
                fits = verdict.outcome == "Right"
            else:
                said = f"{verdict.words}\n{verdict.evidence}"
                fits = verdict.outcome in ("Wrong", "Error") and row["says"] in said
            if not fits:
                failures.append(f"{row.get('says', 'right')}{row['answer']}got: {verdict}")
    assert not failures, "\n\n".join(failures)
    assert not capsys.readouterr().out  # what an answer prints disturbs no one


@pytest.mark.parametrize("module", progress.MODULES.values())
def test_there_is_a_row_for_each_mistake(module):
    said = [
        verdict_on(module, number).words
        for number, (of_module, *_) in enumerate(rows())
        if of_module == module
    ]
    silent = [
        mistake.words
        for each in exercises_of(module).values()
        for mistake in each.mistakes
        if not any(words.startswith(mistake.words) for words in said)
    ]
    assert not silent, f"no row of tests/exercises/{module}.toml gets these messages: {silent}"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_each_slip_changes_the_solution(exercise):
    for mistake in exercise.mistakes:
        assert not mistake.slip or exercise.slipped(mistake.slip), mistake


def test_there_are_many_mistakes():
    assert sum("says" in row for *_, row in rows()) >= 110


def test_progress_counts_these_exercises():
    assert list(progress.MODULES) == [
        path.stem for path in NOTEBOOKS[2 : 2 + len(progress.MODULES)]
    ]
    for (notebook, names), module in zip(
        progress._exercises().items(), progress.MODULES.values(), strict=True
    ):
        assert names == list(exercises_of(module)) and len(names) >= 3
        assert {each.notebook for each in exercises_of(module).values()} == {notebook}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_exercise_is_complete(exercise):
    assert len(exercise.mistakes) >= 4 and exercise.hints


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_solution_that_is_shown_is_right(exercise):
    assert exercise.judge(answer_of(exercise.name, exercise.solution_source)).outcome == "Right"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_starter_in_the_notebook_is_not_attempted(exercise):
    cells = code_cells(NOTEBOOK_BY_STEM[exercise.notebook])
    (cell,) = (cell for cell in cells if f"exercises.{exercise.name}.check(" in cell.source)
    assert f"exercises.{exercise.name}.check({exercise.name})" in cell.source
    (output,) = cell.outputs
    starter = cell.source.replace(f"exercises.{exercise.name}.check", "type")
    verdict = exercise.judge(answer_of(exercise.name, starter))
    assert verdict.outcome == "Not attempted"
    assert output.data["text/html"] == verdict_box(exercise, verdict).html, "run `make notebooks`"


@pytest.mark.parametrize("notebook", progress.MODULES)
def test_a_cell_with_an_exercise_can_be_run_as_the_first_of_a_new_kernel(notebook):
    cells = code_cells(NOTEBOOK_BY_STEM[notebook])
    line = f"from support.exercises import {progress.MODULES[notebook]} as exercises"
    line += "  # run the cells above first\n"  # seen where `support` is missing: in a new runtime of Colab
    assert [cell.id for cell in cells if cell.source.startswith(line)] == [
        cell.id for cell in cells if cell.id.startswith("exercise-")
    ]
    above = [cell.source for cell in cells[:3]]
    assert any("import tensorflow as tf" in source for source in above), "the line looks for `tf`"


def never(*_):
    raise ValueError("no")


def counts(*_):
    yield 1.0


def returns(result):
    return lambda *_, **__: result


def spoil(*given):
    """Changes what it is given, where that can be changed."""
    for each in given:
        if isinstance(each, np.ndarray):
            each[...] = 0
        elif isinstance(each, tf.Variable):
            each.assign(np.nan * each if each.dtype.is_floating else 0 * each)
        elif isinstance(each, list):
            each.clear()


STRANGE_RESULTS = [
    None,
    ...,
    int,
    math.nan,
    "2",
    [[2.0], 1],
    {"a": 1},
    np.full((2, 2), np.nan, "float32"),
    np.zeros((2000, 2000), "float32"),
    np.array([None, {}], dtype=object),
    tf.ragged.constant([[1.0], []]),
    tf.sparse.from_dense([[0.0, 1.0]]),
    tf.constant("2"),
    tf.zeros((0, 3)),
    keras.Input((1,)),
    keras.Sequential(),
]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_no_strange_answer_is_right_or_breaks_the_check(exercise):
    names = ", ".join(inspect.signature(exercise.answer).parameters)
    answers = [None, 3, [1], tf.ones(2), object, int, lambda: 0]
    if isinstance(exercise.answer, type):
        methods = [name for name in vars(exercise.answer) if not name.startswith("__")]
        answers += [
            type(exercise.name, (exercise.answer,), dict.fromkeys(methods, method))
            for method in (*map(returns, STRANGE_RESULTS), never)
        ]
    else:
        answers += [eval(f"lambda {names}: result", {"result": each}) for each in STRANGE_RESULTS]
        answers += [
            eval(f"lambda {names}: act({names})", {"act": each}) for each in (never, counts, spoil)
        ]
    for answer in answers:
        verdict = exercise.judge(answer)
        assert verdict.outcome in ("Wrong", "Error", "Not attempted"), verdict
        assert len(repr(verdict)) < 5000 and "Traceback" not in repr(verdict)
