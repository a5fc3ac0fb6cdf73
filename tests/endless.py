"""Answers that never end, each in its own way, and what a check says of them.

`python -m tests.endless` judges all of them in one process, and prints the verdicts, a line of JSON each. Some go on
computing for as long as the process lives, which is why it is a process of its own.
"""

from __future__ import annotations

import json
import os
import textwrap
import time

import keras
import numpy as np
import tensorflow as tf

from support.exercises import apart, speed_and_scale
from support.exercises.engine import exercise
from tests.answers import answer_of

SECONDS = 0.3  # which each call may compute

#: Bodies of a function of a column. Python can end them.
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
        return [2 * column.numpy(), 2]""",
    "a list of one's own": """
        class Mine(list):
            def __len__(self):
                while True: pass
        return Mine()""",
}

#: Those that wait, or compute where Python can't end them.
COMPILED = {
    "a pause": "import time; time.sleep(3600)",
    "a lock": """
        import threading
        lock = threading.Lock()
        with lock, lock: pass""",
    "a queue": "import queue; queue.Queue().get()",
    "an event": "import threading; threading.Event().wait()",
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
    "a layer's __init__": "def __init__(self, name):\n        while True: pass",
    "a layer's build": "def build(self, shape):\n        while True: pass",
    "a layer's call": "def call(self, inputs):\n        while True: inputs = inputs + 1",
    "a layer's shape": "def compute_output_shape(self, shape):\n        while True: pass",
}


@exercise(
    "02_tensors",
    see="A block of numbers",
    cases=[([[1.0], [2.0]],), ([[0.5]],)],
    given=lambda column: (tf.constant(column),),
    hints=["none"],
    seconds=SECONDS,
)
def double(column):
    return [2 * column.numpy(), 2]


@exercise(
    "07_layers",
    see="A layer",
    cases=[(2,)],
    given=lambda rows: (np.ones((rows, 1), "float32"),),
    observe=lambda layer, inputs: fitted(layer, inputs),
    hints=["none"],
    seconds=SECONDS,
)
class Same(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def fitted(layer_class, inputs):
    if layer_class is Same.answer:  # nothing that takes time is to come before the answer
        return "same"
    model = keras.Sequential([layer_class(name="same"), keras.layers.Dense(1)])
    model.compile(loss="mse")
    model.fit(inputs, inputs, verbose=0)
    return model.layers[0].name


def function_of(body):
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return answer_of("double", f"def double(column):\n{body}\n")


def judge_all():
    apart.GRACE = 60  # these do end, however busy the machine is
    for name, method in METHODS.items():
        source = f"class Same(keras.layers.Layer):\n    {method}\n"
        yield name, Same.judge(answer_of("Same", source))
    for name, body in PYTHON.items():
        yield name, double.judge(function_of(body))
    apart.GRACE = 0.1  # and these do not
    for name, body in COMPILED.items():
        yield name, double.judge(function_of(body))

    # All of them go on.
    by_hand = speed_and_scale.two_layer_gradients
    by_hand.seconds, tape = SECONDS, tf.GradientTape
    yield "within a patch", by_hand.judge(lambda inputs, targets, W1, b1, W2, b2: time.sleep(3600))
    assert tf.GradientTape is tape
    double.seconds = 600
    yield "a right answer", double.judge(lambda column: [(column + column).numpy(), 2])
    yield "a wrong answer", double.judge(lambda column: [column.numpy(), 2])


if __name__ == "__main__":
    for name, verdict in judge_all():
        print(json.dumps([name, verdict.outcome, verdict.words, verdict.evidence]), flush=True)
    os._exit(0)
