"""Parameters and sweeps: what may be set, what is refused before anything runs, and what is written down."""

from __future__ import annotations

import csv
import itertools
import math

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from support import runtime
from support.execute import many
from support.execute.__main__ import main
from support.execute.parameters import read_parameters, read_sweep
from support.execute.run import KERNELSPEC, Result, Task, run_notebook
from support.execute.sweep import as_csv, figure
from tests.reading import NOTEBOOKS, code_cells

DEFAULTS = """
rate = 0.1  # above 0
steps = 40  # how many, from 1 to 100
name = "plain"
fast = False
"""


def write(path, *sources):
    """A notebook with a parameters cell, and code cells after it."""
    cells = [new_code_cell(source) for source in (DEFAULTS, *sources)]
    cells[0].metadata.tags = ["parameters"]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)
    return path


@pytest.fixture
def notebook(tmp_path):
    return write(tmp_path / "course.ipynb", "print(rate, steps, name, fast)")


# What may be set


def test_parameters_have_the_type_of_their_default_and_the_range_of_their_comment(notebook):
    parameters = read_parameters(notebook)
    assert {name: parameter.default for name, parameter in parameters.items()} == {
        "rate": 0.1,
        "steps": 40,
        "name": "plain",
        "fast": False,
    }
    assert parameters["rate"].value("1e-3") == 0.001 and parameters["rate"].value("2") == 2.0
    assert parameters["steps"].value("1") == 1 and parameters["steps"].value("100") == 100
    assert parameters["name"].value("3") == "3"
    assert parameters["fast"].value("true") is True and parameters["fast"].value("False") is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-p pace 1", "{path} has no parameter 'pace'; it has rate, steps, name, fast"),
        ("-p rate fast", "rate takes a number, as 0.1; got 'fast'"),
        ("-p rate nan", "rate takes a number, as 0.1; got 'nan'"),
        ("-p rate 0", "rate takes a number above 0; got '0'"),
        ("-p steps 2.5", "steps takes a whole number, as 40; got '2.5'"),
        ("-p steps 0", "steps takes a whole number from 1 to 100; got '0'"),
        ("-p steps 101", "steps takes a whole number from 1 to 100; got '101'"),
        ("-p fast 1", "fast takes True or False, as False; got '1'"),
        ("-p rate 1 -p rate 2", "the parameter rate is given twice"),
        ("--sweep pace=1,2", "{path} has no parameter 'pace'; it has rate, steps, name, fast"),
        ("--sweep rate=0.1,fast", "rate takes a number, as 0.1; got 'fast'"),
        ("--sweep steps=1..101", "steps takes a whole number from 1 to 100; got '101'"),
        ("--sweep steps=3..1", "3..1 holds no number: 3 is more than 1"),
        ("--sweep steps=1,2,1", "the sweep of steps has 1 twice"),
        ("--sweep rate=0.1,0.10", "the sweep of rate has 0.1 twice"),
        ("--sweep steps=1 --sweep steps=2", "the parameter steps is given twice"),
        (
            "--sweep steps=0..999999 --sweep rate=1,2",
            "this sweep is 2,000,000 runs; expected 10,000 or fewer",
        ),
        ("-p rate 1 --sweep rate=1,2", "the parameter rate is both given with -p and swept"),
        (
            "-p rate 1 --in-place",
            "--in-place stores what the defaults give; it can't go with -p or --sweep",
        ),
        ("{other} --sweep rate=1,2", "a sweep runs one notebook many times; got 2 notebooks"),
        (
            "{bare} -p rate 1",
            "{bare} has no parameter 'rate'; it has none: no cell has the tag `parameters`",
        ),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(
    notebook, tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.setattr(many, "run_notebook", None)
    places = {"path": notebook, "other": write(tmp_path / "other.ipynb"), "bare": NOTEBOOKS[0]}
    output = tmp_path / "build"
    command = [str(notebook), *arguments.format(**places).split(), "--output", str(output)]
    assert main(command) == 2
    assert capsys.readouterr().err == message.format(**places) + "\n"
    assert not list(output.iterdir())


def test_a_sweep_is_a_name_and_values(notebook, capsys):
    for text in ("rate", "rate=", "=1"):
        with pytest.raises(SystemExit):
            main([str(notebook), "--sweep", text])
        assert f"expected NAME=VALUES such as seed=0..9, got '{text}'" in capsys.readouterr().err


def test_a_default_that_is_no_plain_value_is_refused(tmp_path):
    path = tmp_path / "odd.ipynb"
    cell = new_code_cell("rates = [1, 2]", metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": KERNELSPEC}), path)
    with pytest.raises(ValueError, match=r"rates is \[1, 2\]; expected a number, a text, True or"):
        read_parameters(path)
    path.write_text("no notebook")
    with pytest.raises(ValueError, match="can't be read"):
        read_parameters(path)


def test_values_are_separated_by_commas_and_ranges_include_both_ends(notebook):
    assert read_sweep(notebook, [("steps", "1..3,7"), ("rate", "0.1,1e-3")]) == {
        "steps": [1, 2, 3, 7],
        "rate": [0.1, 0.001],
    }


# What comes out


def test_given_parameters_take_the_place_of_the_defaults(notebook, tmp_path):
    output = tmp_path / "build"
    command = [str(notebook), "-p", "rate", "2", "-p", "name", "it's", "--output", str(output)]
    assert main(command) == 0
    cells = nbformat.read(output / "course.ipynb", as_version=4).cells
    assert cells[-1].outputs[0].text == "2.0 40 it's False\n"
    assert [cell.id for cell in cells].count("injected-parameters") == 1


def test_a_sweep_runs_the_product_and_collects_what_is_published(tmp_path, capsys):
    notebook = write(
        tmp_path / "course.ipynb",
        "from support import runtime",
        "if steps == 3 and rate > 1: raise ValueError('too far')",
        "runtime.publish(product=steps * rate, square=steps**2)",
    )
    command = [str(notebook), "--sweep", "rate=0.5,2", "--sweep", "steps=1..3"]
    assert main([*command, "--output", str(tmp_path)]) == 1

    table = list(csv.DictReader((tmp_path / "course-sweep.csv").open()))
    assert [(row["rate"], row["steps"], row["product"], row["square"]) for row in table] == [
        ("0.5", "1", "0.5", "1.0"),
        ("0.5", "2", "1.0", "4.0"),
        ("0.5", "3", "1.5", "9.0"),
        ("2.0", "1", "2.0", "1.0"),
        ("2.0", "2", "4.0", "4.0"),
        ("2.0", "3", "", ""),
    ]
    assert [row["error"] for row in table] == [""] * 5 + ["code cell 3: ValueError: too far"]
    assert all(float(row["seconds"]) > 0 for row in table)
    assert Image.open(tmp_path / "course-sweep.png").size[0] > 300
    assert (tmp_path / "course,rate=2.0,steps=3.ipynb").is_file()
    captured = capsys.readouterr()
    assert "5 of 6 notebooks ran to the end" in captured.out and "6/6" in captured.err


def results(rates, seeds, loss):
    return [
        Result(
            "x", None, parameters={"rate": rate, "seed": seed}, published={"loss": loss(rate, seed)}
        )
        for rate in rates
        for seed in seeds
    ]


def lines(axes, style):
    return [line for line in axes.lines if (line.get_linestyle() != "None") == style]


def test_the_figure_shows_every_run_and_the_median_over_many_others():
    rates, seeds = [0.01, 0.1, 1.0], list(range(10))
    runs = results(rates, seeds, lambda rate, seed: rate * (seed + 1))
    drawing = figure(runs, {"rate": rates, "seed": seeds})
    (axes,) = drawing.axes
    (median,), (dots,) = lines(axes, True), lines(axes, False)
    assert median.get_xdata().tolist() == rates
    assert median.get_ydata() == pytest.approx([5.5 * rate for rate in rates])
    assert len(dots.get_xdata()) == 30
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rate", "loss")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.01", "0.1", "1.0"]
    assert axes.get_legend().get_texts()[0].get_text() == "median over 10 values of seed"


def test_the_figure_has_a_line_for_each_of_a_few_others_and_names_what_is_missing():
    runs = results(
        [1.0, 2.0], [5, 6], lambda rate, seed: math.inf if rate + seed == 8 else rate + seed
    )
    (axes,) = figure(runs, {"rate": [1.0, 2.0], "seed": [5, 6]}).axes
    assert [line.get_ydata().tolist() for line in lines(axes, True)] == [[6, 7], [7]]
    assert len({line.get_marker() for line in lines(axes, True)}) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["seed=5", "seed=6"]
    assert axes.get_title() == "1 run gave no finite number, at rate 2.0"


def test_texts_and_truths_are_swept_too():
    runs = [
        Result("x", None, parameters={"name": name}, published={"loss": 1}) for name in ("a", "b")
    ]
    (axes,) = figure(runs, {"name": ["a", "b"]}).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]
    assert axes.get_legend() is None


def test_a_row_without_numbers_stays_a_row():
    runs = [Result("x", "failed", parameters={"rate": 1}), *results([2], [0], lambda *_: 3)]
    rows = list(csv.reader(as_csv(runs).splitlines()))
    assert rows[0] == ["rate", "seed", "loss", "seconds", "peak_mib", "error"]
    assert rows[1] == ["1", "", "", "0.0", "", "failed"] and rows[2][:3] == ["2", "0", "3"]


# The curriculum


def test_values_that_would_share_a_file_are_refused(notebook, tmp_path, capsys):
    command = [str(notebook), "--sweep", "name=a b,a_b", "--output", str(tmp_path)]
    assert main(command) == 2
    assert (
        "two runs would write to the same files, named course,name=a_b" in capsys.readouterr().err
    )


def test_publish_prints_and_marks_numbers(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **rest: shown.append((data, rest)))
    runtime.publish(loss=np.float32(1 / 3), steps=4, far=float("inf"))
    texts = {"loss": "0.333333", "steps": "4", "far": "inf"}
    assert shown == [
        (
            {"text/plain": "loss: 0.333333\nsteps: 4\nfar: inf"},
            {"metadata": {"published": texts}, "raw": True},
        )
    ]
    with pytest.raises(TypeError, match="publish takes numbers; loss is 'low', a str"):
        runtime.publish(loss="low")


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (6, ["learning_rate", "steps", "seed"]),
        (9, ["learning_rate", "epochs", "batch_size", "seed"]),
        (10, ["learning_rate", "epochs", "batch_size", "seed"]),
    ],
)
def test_notebooks_with_parameters_use_each_and_publish(number, names):
    path = NOTEBOOKS[number]
    parameters = read_parameters(path)
    assert list(parameters) == names and all(each.range for each in parameters.values())
    assert any("runtime.publish(" in cell.source for cell in code_cells(path))


def test_each_parameter_changes_what_notebook_06_publishes():
    notebook = NOTEBOOKS[6].read_text(encoding="utf-8")
    changes = [{"learning_rate": 0.05}, {"steps": 20}, {"seed": 1}]
    results = [run_notebook(Task("06", notebook, parameters=change)).result for change in changes]
    assert [result.error for result in results] == [None] * 3
    losses = [result.published["final_loss"] for result in results]
    stored = 0.0278755
    assert min(abs(a - b) for a, b in itertools.combinations([stored, *losses], 2)) > 1e-4
