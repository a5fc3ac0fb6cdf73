"""The start of a notebook: quiet, seeded, and one clear line where it can't work."""

from __future__ import annotations

import subprocess
import sys
import types

import keras
import nbformat
import numpy as np
import pytest
import tensorflow as tf

from support import runtime
from support.execute.run import Task, run_notebook
from tests.curriculum import NOTEBOOKS, PROJECT


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))
    }
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=kept | environment
    )


def test_importing_support_is_cheap():
    heavy = {"tensorflow", "keras", "matplotlib", "numpy"}
    code = f"import support, support.runtime, sys; print({heavy} & set(sys.modules))"
    assert python(code).stdout == "set()\n"


def test_a_set_up_process_says_one_line_and_computes_with_tensorflow_alone():
    code = """
from support import runtime
runtime.set_up()
import keras, numpy as np, tensorflow as tf
for _ in range(7):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=tf.__version__ >= "2.20")  # before, XLA logs that it is there
    model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0)
import os
print(os.environ["TF_ENABLE_ONEDNN_OPTS"], keras.config.backend())
"""
    result = python(code, KERAS_BACKEND="jax")
    assert (result.returncode, result.stdout, result.stderr) == (
        0,
        "All is ready. Random numbers begin with seed 0.\n0 tensorflow\n",
        "",
    )


def test_a_seed_repeats_python_numpy_and_tensorflow():
    def draw(seed):
        import random

        runtime.set_up(seed)
        return (
            random.random(),
            np.random.rand(),
            float(tf.random.normal(())),
            keras.initializers.RandomNormal()((1,))[0],
        )

    assert draw(1) == draw(1)
    assert all(one != two for one, two in zip(draw(1), draw(2), strict=True))


@pytest.mark.parametrize("version", ["1.15.0", "2.4.1", "2.15.1"])
def test_an_old_tensorflow_is_refused_in_one_line(monkeypatch, version):
    monkeypatch.setitem(sys.modules, "tensorflow", types.SimpleNamespace(__version__=version))
    with pytest.raises(runtime.UnsupportedMachine) as refusal:
        runtime.set_up()
    (line,) = refusal.value._render_traceback_()
    assert line.startswith(
        f"This is TensorFlow {version}; these notebooks need {runtime.OLDEST_TENSORFLOW} or newer."
    )
    assert "\n" not in line and "%pip install --upgrade tensorflow" in line


@pytest.mark.parametrize("version", ["2.20.0", "2.21.0-rc1", "2.100.0", "3.0.0"])
def test_supported_versions_are_told_by_number_not_by_letter(version):
    assert runtime._numbers(version) >= runtime._numbers(runtime.OLDEST_TENSORFLOW)


def test_a_missing_tensorflow_is_refused_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # makes the import fail
    with pytest.raises(runtime.UnsupportedMachine, match="%pip install tensorflow"):
        runtime.set_up()


def test_the_set_up_cell_shows_an_old_tensorflow_as_one_line_without_traceback(
    tmp_path, monkeypatch
):
    (tmp_path / "old/tensorflow").mkdir(parents=True)
    (tmp_path / "old/tensorflow/__init__.py").write_text("__version__ = '2.4.0'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "old"))
    result, executed, *_ = run_notebook(Task("old", NOTEBOOKS[2].read_text(encoding="utf-8")))
    assert result.error.startswith("code cell 1: UnsupportedMachine: This is TensorFlow 2.4.0")
    first_cell = next(
        cell for cell in nbformat.reads(executed, as_version=4).cells if cell.cell_type == "code"
    )
    (error,) = first_cell.outputs
    assert error.traceback == [error.evalue]


def test_the_oldest_supported_tensorflow_stands_in_the_metadata_too():
    assert f"tensorflow>={runtime.OLDEST_TENSORFLOW}" in PROJECT["dependencies"]


#: A library that writes to the log while it is imported, and can't be.
BROKEN_TENSORFLOW = """
import os, sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            os.write(2, b"what the library said")
            {then}
sys.meta_path.insert(0, Broken())
from support import runtime
runtime.set_up()
"""


def test_an_error_while_importing_shows_the_log_that_was_held_back():
    error = "raise OSError('libfoo.so not found')"
    result = python(BROKEN_TENSORFLOW.format(then=error))
    assert result.returncode == 1
    assert "what the library said" in result.stderr and "libfoo.so not found" in result.stderr


@pytest.mark.parametrize(("level", "said"), [("0", b"what the library said"), ("2", b"")])
def test_the_log_can_be_asked_for(level, said):
    end = "os.kill(os.getpid(), 9)"  # nothing that was held back is shown afterwards
    result = python(BROKEN_TENSORFLOW.format(then=end), TF_CPP_MIN_LOG_LEVEL=level)
    assert result.stderr.encode() == said


def fail(message="no", error=ValueError):
    raise error(message)


def test_an_error_on_purpose_is_shown_by_line_type_and_message(capsys):
    with runtime.shows(ValueError):
        fail()
    assert capsys.readouterr().out == "----> fail()\n----> raise error(message)\nValueError: no\n"


def test_of_the_way_through_libraries_nothing_is_shown(capsys):
    with runtime.shows(tf.errors.InvalidArgumentError):
        tf.matmul(tf.ones((2, 3)), tf.ones((2, 3)))
    line, message = capsys.readouterr().out.splitlines()
    assert line == "----> tf.matmul(tf.ones((2, 3)), tf.ones((2, 3)))"
    assert message.startswith("InvalidArgumentError: Matrix size-incompatible: In[0]: [2,3]")


def test_long_messages_are_wrapped_between_words_and_lose_their_colors(capsys):
    message = f"\x1b[1m{'a word ' * 40}\x1b[0m\n\n{'x' * 150}"
    with runtime.shows(ValueError):
        fail(message)
    *lines, empty, long = capsys.readouterr().out.splitlines()[2:]
    assert max(map(len, lines)) <= runtime.LINE and len(lines) == 3
    assert (empty, long) == ("", "x" * 150)
    assert " ".join(lines).strip() == "ValueError: " + ("a word " * 40).strip()


def test_an_error_of_a_subclass_is_shown_by_its_own_name(capsys):
    with runtime.shows(LookupError):
        {}["key"]
    assert capsys.readouterr().out == "----> {}[\"key\"]\nKeyError: 'key'\n"


def test_a_block_in_which_nothing_fails_fails():
    said = "a ValueError should have come of this, and nothing failed"
    with pytest.raises(AssertionError, match=said), runtime.shows(ValueError):
        pass


def test_another_error_than_the_expected_one_comes_through(capsys):
    with pytest.raises(TypeError, match="another"), runtime.shows(ValueError):
        fail("another", TypeError)
    assert capsys.readouterr().out == ""


def test_the_whole_traceback_can_be_shown(capsys):
    with runtime.shows(ValueError, whole=True):
        fail()
    printed = capsys.readouterr().out
    assert "Traceback (most recent call last)" in printed and printed.endswith("ValueError: no\n")
    assert printed.index("    fail()") < printed.index("raise error(message)")


def test_the_machine_is_described_with_a_verdict():
    text = runtime.describe_machine()
    for name, version in [
        ("TensorFlow", tf.__version__),
        ("Keras", keras.__version__),
        ("NumPy", np.__version__),
    ]:
        assert f"{name:<11} {version}" in text
    assert "computing with tensorflow" in text
    assert text.splitlines()[-1] == "All is well: this machine can run every notebook here."


def test_too_little_memory_is_said(monkeypatch):
    import psutil

    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: types.SimpleNamespace(total=8 * 2**30, available=2**29)
    )
    verdict = runtime.describe_machine().splitlines()[-1]
    assert verdict.startswith(
        "Not well: 0.5 GiB of memory are free and a notebook takes up to 1 GiB."
    )


def test_a_limit_set_from_outside_counts(monkeypatch):
    monkeypatch.setenv("MEM_LIMIT", str(2 * 2**30))
    assert "Memory      2.0 GiB" in runtime.describe_machine()


def test_epochs_are_printed_without_timings(capsys):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    history = model.fit(
        np.ones((8, 2)), np.ones((8, 1)), epochs=2, verbose=0, callbacks=[runtime.print_epochs()]
    )
    losses = history.history["loss"]
    assert (
        capsys.readouterr().out == f"epoch 1: loss {losses[0]:.4f}\nepoch 2: loss {losses[1]:.4f}\n"
    )
