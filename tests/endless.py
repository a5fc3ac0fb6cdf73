"""Answers that never end, each in its own way, and what a check says of them.

`python -m tests.endless` judges all of them in one process, and prints the verdicts as JSON. Some go on computing for as
long as the process lives, which is why it is a process of its own.
"""

from __future__ import annotations

import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf

from support.exercises.engine import exercise
from tests.answers import answer_of

SECONDS = 0.3  # which each call may compute

#: Each is called with a column of numbers, by Python.
PYTHON = {
    "a loop": "while True: pass",
    "a loop that catches errors": """
        while True:
            try:
                column = column + 1
            except Exception:
                pass""",
    "a loop that catches everything": """
        while True:
            try:
                column = column + 1
            except BaseException:
                pass""",
    "a loop that prints and goes on after any error": """
        while True:
            try:
                print(float("none"))
            except:
                continue""",
    "a loop that goes on in the end": """
        while True:
            try:
                column = column + 1
            finally:
                continue""",
    "a loop that catches everything twice": """
        while True:
            try:
                while True:
                    try:
                        column = column + 1
                    except BaseException:
                        pass
            except BaseException:
                pass""",
    "a function that calls itself again after any error": """
        try:
            while True: column = column + 1
        except BaseException:
            return double(column)""",
    "a recursion that is begun again": """
        def down(n): return down(n + 1)
        while True:
            try:
                down(0)
            except RecursionError:
                pass""",
    "a generator": """
        def numbers():
            while True: yield 1
        return sum(numbers())""",
    "a comprehension": "return [each for each in iter(lambda: 1, 0) if each == 2]",
    "a dataset that repeats": "for batch in tf.data.Dataset.from_tensors(column).repeat(): pass",
    "a training of many epochs": """
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile(loss="mse")
        model.fit(column, column, epochs=10**9, verbose=0)""",
    "a loop that is traced": """
        @tf.function
        def traced(column):
            while True: column += 1
        return traced(column)""",
    "a loop in the second case": """
        while column[0] < 1: column = column + 0
        return 2 * column""",
    "an object's ==": "return Endless('__eq__')",
    "an object's shape": "return Endless('shape')",
    "an object's numbers": "return Endless('__array__')",
    "an object's text": "return Endless('__repr__')",
    "a list with an endless len": "return Endless('__len__', list)",
}

#: What waits, or computes where Python can't end it.
COMPILED = {
    "a pause": "import time; time.sleep(3600)",
    "a lock": """
        import threading
        lock = threading.Lock()
        with lock, lock: pass""",
    "a queue": "import queue; queue.Queue().get()",
    "a process": "import subprocess; subprocess.run(['sleep', '60'])",
    "a question": "return input()",
    "a loop in a graph": """
        @tf.function
        def total(count):
            i, total = 0, tf.zeros_like(column)
            while i < count: total = total + column
            return total
        return total(tf.constant(2))""",
    "a tf.while_loop in a graph": """
        count_up = lambda i: tf.while_loop(lambda i: i < 3, lambda i: [0 * i], [i])
        return tf.function(count_up)(tf.constant(0))""",
    "a loop in XLA": """
        @tf.function(jit_compile=True)
        def total(count):
            i, total = 0, tf.zeros_like(column)
            while i < count: total = total + column
            return total
        return total(tf.constant(2))""",
    "a dataset that is reduced": """
        repeated = tf.data.Dataset.from_tensors(column).repeat()
        return repeated.reduce(0 * column, lambda total, each: total + each)""",
    "a dataset of which nothing is left": """
        repeated = tf.data.Dataset.from_tensors(column).repeat()
        return next(iter(repeated.filter(lambda each: False)))""",
    "a Python function in a graph": """
        def forever(column):
            while True: pass
        return tf.function(lambda column: tf.numpy_function(forever, [column], tf.float32))(column)""",
}

#: Classes of layers: a method that never ends.
METHODS = {
    "a layer's __init__": "def __init__(self):\n        while True: pass",
    "a layer's build": "def build(self, shape):\n        while True: pass",
    "a layer's call": "def call(self, inputs):\n        while True: inputs = inputs + 1",
    "a layer's name": "@property\n    def name(self):\n        while True: pass",
}


class Endless:
    """Never ends where it is asked for one thing."""


def endless(name: str, kind: type = object) -> object:
    """An object of a class in which one attribute or method never ends."""

    def forever(*_: object) -> None:
        while True:
            pass

    is_method = name.startswith("__")
    return type("Endless", (kind,), {name: forever if is_method else property(forever)})()


@exercise(
    "02_tensors",
    see="A block of numbers",
    cases=[([[1.0], [2.0]],), ([[0.5]],)],
    given=lambda column: (tf.constant(column),),
    hints=["none"],
    seconds=SECONDS,
)
def double(column):
    return 2.0 * column


double.mistake("You squared.", lambda column: column**2)
double.mistake_if("You made a list.", lambda attempt: isinstance(attempt.called.value, list))


@exercise(
    "07_layers",
    see="A layer",
    cases=[(2,)],
    given=lambda rows: (np.ones((rows, 1), "float32"),),
    observe=lambda layer, inputs: fitted(layer(), inputs),
    hints=["none"],
    seconds=SECONDS,
)
class Same(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def fitted(layer, inputs):
    model = keras.Sequential([layer, keras.layers.Dense(1)])
    model.compile(loss="mse")
    model.fit(inputs, inputs, verbose=0)
    return layer.name


def verdicts():
    import textwrap

    for name, body in {**PYTHON, **COMPILED}.items():
        body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
        answer = answer_of("double", f"def double(column):\n{body}\n")
        if hasattr(answer, "__globals__"):
            answer.__globals__["Endless"] = endless
        yield name, double.judge(answer)
    for name, method in METHODS.items():
        source = f"class Same(keras.layers.Layer):\n    {method}\n"
        yield name, Same.judge(answer_of("Same", source))


if __name__ == "__main__":
    import time
    b = time.time()
    for name, verdict in verdicts():
        print(json.dumps([name, verdict.outcome, verdict.words, verdict.evidence, round(time.time() - b, 2)]), flush=True)
        b = time.time()
    os._exit(0)
