"""The machine under a notebook: a quiet start, supported versions, one seed, errors that are shown, the hardware."""

from __future__ import annotations

import contextlib
import linecache
import logging
import os
import platform
import re
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from support import __version__

if TYPE_CHECKING:
    import keras

#: The oldest TensorFlow that runs these notebooks. `pyproject.toml` asks for the same.
OLDEST_TENSORFLOW = "2.16"

#: A notebook's kernel stays below 1 GiB; less free memory than this and the browser will feel it too.
NEEDED_MEMORY_GIB = 1.0

#: Characters that Jupyter shows in one line of output.
LINE = 100

#: Files below these hold libraries, and no code of a notebook.
LIBRARIES = (str(Path(__file__).parent), sys.prefix, sys.base_prefix, "<frozen")

#: Where an output's metadata hold what `publish` was given: its names, and its values as texts.
PUBLISHED = "published"


class UnsupportedMachine(RuntimeError):
    """A notebook can't run here. Jupyter shows the sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython's hook for errors that explain themselves
        return [str(self)]


def set_up(seed: int = 0, curriculum: str | None = None) -> None:
    """Prepare a notebook: silence TensorFlow's start-up log, check versions, seed every random generator, say so.

    Call it before `import tensorflow`: the log can't be silenced afterwards. Set the environment variable
    `TF_CPP_MIN_LOG_LEVEL` to 0 to see the log.

    Args:
        seed: what `keras.utils.set_random_seed` gives to Python, NumPy and TensorFlow, from 0 to 2**32 - 1.
        curriculum: the version of this package that the notebook was written for, as "0.1".

    Raises:
        UnsupportedMachine: TensorFlow is missing or older than `OLDEST_TENSORFLOW`, or this package has another
            version than the notebook.
    """
    if curriculum is not None and _numbers(curriculum) != _numbers(__version__):
        raise UnsupportedMachine(
            f"This notebook goes with version {curriculum} of the package `support`, and {__version__} is installed. "
            "Take notebook and package from the same place: open the notebook anew from its page. On Colab, then "
            "choose “Runtime”, “Disconnect and delete runtime”."
        )
    prepare_environment(os.environ)
    logging.getLogger("matplotlib.font_manager").setLevel(
        logging.ERROR
    )  # "building the font cache"

    with _quiet_stderr() if os.environ["TF_CPP_MIN_LOG_LEVEL"] != "0" else contextlib.nullcontext():
        try:
            import tensorflow as tf
        except ModuleNotFoundError as error:
            raise UnsupportedMachine(
                f"{error.name} is missing, and these notebooks need it. Run `%pip install tensorflow` in a cell, "
                "then restart the kernel."
            ) from None
        if _numbers(tf.__version__) < _numbers(OLDEST_TENSORFLOW):
            raise UnsupportedMachine(
                f"This is TensorFlow {tf.__version__}; these notebooks need {OLDEST_TENSORFLOW} or newer. "
                "Run `%pip install --upgrade tensorflow` in a cell, then restart the kernel."
            )
        import keras

        tf.zeros(())  # the first operation looks for GPUs, and logs what it finds

    tf.get_logger().setLevel(
        logging.ERROR
    )  # fitting many small models in one notebook warns of retracing
    keras.utils.set_random_seed(seed)
    print(f"All is ready. Random numbers begin with seed {seed}.")


def prepare_environment(environment: MutableMapping[str, str]) -> None:
    """Set what TensorFlow and Keras read while they are imported."""
    environment["KERAS_BACKEND"] = "tensorflow"  # these notebooks mix Keras with plain TensorFlow
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    environment.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its banner comes at every level but 0


@contextlib.contextmanager
def shows(expected: type[BaseException], whole: bool = False) -> Iterator[None]:
    """Run a block that fails on purpose, and print its error as a learner would meet it, so that the cell ends well.

    Printed are the notebook's lines that the error came through, its type and its message. What TensorFlow puts before
    a message in double braces is left out: it names a device, and differs from machine to machine.

    Args:
        expected: the error's type.
        whole: whether to print the whole traceback, as Jupyter does.

    Raises:
        AssertionError: nothing in the block fails.
        Exception: something in it fails with an error of another type.
    """
    try:
        yield
    except expected as error:
        print(_traceback(error) if whole else _in_short(error))
    else:
        raise AssertionError(f"a {expected.__name__} should have come of this, and nothing failed")


def _in_short(error: BaseException) -> str:
    message = re.sub(r"\{\{function_node .*?\}\} |\x1b\[[0-9;]*m", "", str(error)).strip()
    lines = f"{type(error).__name__}: {message}".splitlines()
    wrapped = (
        textwrap.wrap(each, LINE, break_long_words=False, break_on_hyphens=False) for each in lines
    )
    came_through = [
        f"----> {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.line and not frame.filename.startswith(LIBRARIES)
    ]
    return "\n".join([*came_through, *("\n".join(each) for each in wrapped)])


def _traceback(error: BaseException) -> str:
    """In Jupyter's form. Its own formatter takes the line at which a running cell is now for the one that failed."""
    from IPython import get_ipython

    shell = get_ipython()
    number = len(shell.user_ns["In"]) - 1 if shell else 0  # of the cell that runs
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__
    ]
    parts = ["-" * 75, f"{type(error).__name__:<41} Traceback (most recent call last)"]
    for frame in frames:
        in_this_cell = frame.filename == frames[0].filename
        place = f"Cell In[{number}]" if in_this_cell else f"File {frame.filename}"
        called = f", in {frame.name}" if frame.name != "<module>" else ""
        parts.append(f"{place}, line {frame.lineno}{called}")
        failed = frame.lineno or 0
        lines = linecache.getlines(frame.filename)
        for count in range(max(1, failed - 2), min(failed + 2, len(lines)) + 1):
            arrow = "---->" if count == failed else "     "
            parts.append(f"{arrow} {count} {lines[count - 1]}".rstrip())
        parts.append("")
    return "\n".join([*parts, f"{type(error).__name__}: {error}"])


def describe_machine() -> str:
    """Say in words what this machine is and whether it can run the notebooks.

    Returns:
        A table of versions, processor, memory (GiB) and GPUs, one line each, and a verdict as the last line.
    """
    import keras
    import matplotlib
    import numpy as np
    import psutil
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    memory = psutil.virtual_memory()
    limit = int(os.environ.get("MEM_LIMIT", memory.total))  # Binder and JupyterHub set it, in bytes
    free_gib = min(memory.available, limit) / 2**30

    facts = {
        "Python": platform.python_version(),
        "TensorFlow": tf.__version__,
        "Keras": f"{keras.__version__}, computing with {keras.config.backend()}",
        "NumPy": np.__version__,
        "Matplotlib": matplotlib.__version__,
        "Processor": f"{count_cores()} cores, {platform.machine()}, {platform.system()}",
        "Memory": f"{min(memory.total, limit) / 2**30:.1f} GiB",
        "GPU": f"{len(gpus)} found" if gpus else "none found, and none needed here",
    }
    if free_gib < NEEDED_MEMORY_GIB:
        verdict = (
            f"Not well: {free_gib:.1f} GiB of memory are free and a notebook takes up to {NEEDED_MEMORY_GIB:.0f} GiB. "
            "Close other notebooks and programs first."
        )
    else:
        verdict = "All is well: this machine can run every notebook here."
    return "\n".join([*(f"{name:<11} {fact}" for name, fact in facts.items()), "", verdict])


def count_cores() -> int:
    """How many cores this process may use, at least 1. A container or a batch system may grant fewer than there are."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def print_epochs() -> keras.callbacks.Callback:
    """A callback for `fit` that prints one line per epoch: the loss and each metric, and no timings.

    Keras's own progress display (`verbose`) shows milliseconds, which differ at every run.
    """
    import keras

    def print_epoch(epoch: int, logs: dict[str, float]) -> None:
        print(
            f"epoch {epoch + 1}:", ", ".join(f"{name} {value:.4f}" for name, value in logs.items())
        )

    return keras.callbacks.LambdaCallback(on_epoch_end=print_epoch)


def publish(**numbers: float) -> None:
    """Print a notebook's results, and mark them so that a sweep (`python -m support.execute --sweep`) collects them.

    Args:
        **numbers: name and value of each, a Python number, or an array or tensor of one element.

    Raises:
        TypeError: a value is not a number.
    """
    from IPython.display import display

    results = {}
    for name, number in numbers.items():
        try:
            results[name] = f"{float(number):.6g}"
        except (TypeError, ValueError):
            raise TypeError(
                f"publish takes numbers; {name} is {number!r}, a {type(number).__name__}"
            ) from None
    text = "\n".join(f"{name}: {result}" for name, result in results.items())
    display({"text/plain": text}, metadata={PUBLISHED: results}, raw=True)  # type: ignore[no-untyped-call]


def _numbers(version: str) -> tuple[int, ...]:
    """The leading major and minor number of a version: "2.21.0-rc1" gives (2, 21)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what compiled code writes to file descriptor 2; an error lets it out."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except UnsupportedMachine:
            raise
        except BaseException:
            log.seek(0)
            os.write(kept, log.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
