"""What a check changes for as long as it lasts: it judges with standard settings, and leaves all as it was."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

Setting = tuple[Callable[[], Any], Callable[[Any], Any], Any]

#: Settings of the whole process: what reads each, what writes it, and its standard. Those that belong to a thread, as
#: Keras's dtype policy, its names of layers and its seeds, and NumPy's `seterr`, are new in the thread that judges.
SETTINGS: list[Setting] = [
    (tf.config.functions_run_eagerly, tf.config.run_functions_eagerly, False),
    (keras.config.floatx, keras.config.set_floatx, "float32"),
    (keras.config.epsilon, keras.config.set_epsilon, 1e-7),
    (keras.config.image_data_format, keras.config.set_image_data_format, "channels_last"),
]


@contextlib.contextmanager
def no_traces() -> Iterator[None]:
    """Standard settings, and seeds of its own; at the end all that is listed here is as it was before."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),  # the check says what matters
        _settings(),
        _generators(),
        _global_generator(),
        _seeds_of_operations(),
        _figures(),
        # It would clear what the notebook's own thread has, too: names, seeds, policy.
        mock.patch.object(keras.utils, "clear_session", _nothing),
        mock.patch.object(keras.backend, "clear_session", _nothing),
    ):
        yield


def _nothing(free_memory: bool = True) -> None:
    pass


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    before = [(read, write, read()) for read, write, _ in SETTINGS]
    folder = Path.cwd()
    for read, write, standard in SETTINGS:
        _write(read, write, standard)
    try:
        yield
    finally:
        for setting in before:
            _write(*setting)
        os.chdir(folder)


def _write(read: Callable[[], Any], write: Callable[[Any], Any], value: Any) -> None:
    if read() != value:
        write(value)


@contextlib.contextmanager
def _generators() -> Iterator[None]:
    """Those of Python, from which Keras takes its seeds, and of NumPy: whoever draws, draws the same in each check."""
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(0)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextlib.contextmanager
def _global_generator() -> Iterator[None]:
    """TensorFlow's own, of `tf.random.get_global_generator`."""
    generator: Any = None
    with contextlib.suppress(RuntimeError):  # all is to be deterministic, and none has been set
        generator = tf.random.get_global_generator()
    state = generator and generator.state.numpy()
    try:
        yield
    finally:
        if generator:
            tf.random.set_global_generator(generator)
            if not np.array_equal(generator.state.numpy(), state):
                generator.reset(state)


@contextlib.contextmanager
def _seeds_of_operations() -> Iterator[None]:
    """TensorFlow's generator that gives a seed to each operation that draws.

    It is not seeded with `tf.random.set_seed`, which would also begin anew what compiled functions draw.
    """
    before = _seed_and_generator()
    states = [generator.getstate() for generator in before[1:]]
    for generator in before[1:]:
        generator.seed("check")  # operations of these seeds draw for no one else
    try:
        yield
    finally:
        if _seed_and_generator() != before:  # an answer has called `tf.random.set_seed`
            tf.random.set_seed(before[0])
        for generator, state in zip(_seed_and_generator()[1:], states, strict=True):
            generator.setstate(state)


def _seed_and_generator() -> list[Any]:
    """The seed that `tf.random.set_seed` has set, or None; and if there is one, the `random.Random` that it has seeded.

    TensorFlow tells the first, and the second shows itself where it is drawn from; nothing is drawn here.
    """
    found: list[Any] = []

    def note(generator: random.Random, *_: int) -> int:
        found.append(generator)
        return 0

    seed = None
    with (
        mock.patch.object(random.Random, "randint", note),
        contextlib.suppress(RuntimeError),  # all is to be deterministic, and no seed is set
    ):
        seed, _ = tf.compat.v1.random.get_seed(None)
    return [seed, *found]


@contextlib.contextmanager
def _figures() -> Iterator[None]:
    """Figures that an answer draws and does not close would be shown below the cell."""
    before = _numbers_of_figures()
    try:
        yield
    finally:
        for number in _numbers_of_figures() - before:
            sys.modules["matplotlib.pyplot"].close(number)


def _numbers_of_figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()
