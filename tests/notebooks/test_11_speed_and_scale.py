"""What the notebook does, checked against independent computations, and what its prose says.

What it says of speed is asserted as ratios of medians, with a margin.
"""

from __future__ import annotations

import io
import re
import subprocess
import types
from contextlib import redirect_stdout

import keras
import numpy as np
import pytest
import tensorflow as tf

from support import datasets, processes, runtime
from support.explore import speed
from support.timing import seconds_per_call
from tests.curriculum import ROOT, equal, execute, run, says, source_of

NOTEBOOK = "11_speed_and_scale"


def printed_by(cell_id: str, **names: object) -> str:
    """What a cell prints when some names mean something else."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        execute(source_of(NOTEBOOK, cell_id), cell_id, run(NOTEBOOK)[cell_id].names | names)
    return printed.getvalue()


# Speed


def test_all_four_steps_compute_the_same():
    says(NOTEBOOK, "All four compute the same.")
    says(NOTEBOOK, "Forty steps of each, from zero:")
    lines = run(NOTEBOOK)["forty-steps"].printed.splitlines()
    assert [line.split()[0] for line in lines] == ["eager", "graph", "XLA", "NumPy"]
    assert len({line.split()[-1] for line in lines}) == 1
    W, b = np.zeros((2, 1)), np.zeros(1)
    inputs, targets = datasets.two_clouds()
    for _ in range(40):
        errors = inputs @ W + b - targets
        loss = np.mean(errors**2)
        W, b = W - 0.1 * 2 * inputs.T @ errors / 2000, b - 0.1 * 2 * errors.mean(axis=0)
    assert float(lines[0].split()[-1]) == pytest.approx(loss, abs=1e-5)


def test_the_gradients_by_hand_are_those_of_a_tape():
    says(
        NOTEBOOK,
        "The derivative of e² is 2·e; b is part of every e, so its gradient is the mean of 2·e. W reaches e through "
        "the inputs, so its gradient is 2·inputsᵀ·e/n",
    )
    says(NOTEBOOK, "sigmoid of the score minus target, in place of the error.")
    names = run(NOTEBOOK)["numpy-crossentropy-step"].names
    x, y = datasets.two_clouds(25)
    W, b = tf.Variable([[0.3], [-0.7]]), tf.Variable([0.2])
    for step, loss_of in [
        (names["numpy_step"], lambda scores: tf.square(scores - y)),
        (
            names["numpy_crossentropy_step"],
            lambda scores: keras.losses.binary_crossentropy(y, scores, from_logits=True),
        ),
    ]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(loss_of(x @ W + b))
        by_hand, new_W, new_b = step(x, y, W.numpy(), b.numpy())
        equal(by_hand, loss)
        for new, variable, gradient in zip(
            (new_W, new_b), (W, b), tape.gradient(loss, [W, b]), strict=True
        ):
            equal(new, variable - 0.1 * gradient)


def test_the_graph_is_twice_and_xla_three_times_as_fast_as_eager_and_numpy_faster():
    says(
        NOTEBOOK,
        "The graph takes less than half the time of the eager step, and XLA less than a third.",
    )
    says(NOTEBOOK, "And NumPy is faster than all of them")
    names = run(NOTEBOOK)["timing"].names
    points, classes = names["points"], names["classes"]

    seconds = seconds_per_call(
        {
            "eager": lambda: names["training_step"](points, classes),
            "graph": lambda: names["graph_step"](points, classes),
            "XLA": lambda: names["xla_step"](points, classes),
            "NumPy": lambda: names["numpy_step"](
                names["inputs"], names["targets"], *names["zeros"]
            )[0],
        }
    )
    assert seconds["eager"] > 2 * seconds["graph"]
    assert seconds["eager"] > 3 * seconds["XLA"]
    assert seconds["NumPy"] < min(seconds["graph"], seconds["XLA"])


def test_a_call_costs_whatever_it_computes():
    says(NOTEBOOK, "In all our runs, more than a third of a step's time went into *calling* it")
    says(NOTEBOOK, "2,000 points are soon multiplied.")
    names = run(NOTEBOOK)["overhead"].names
    assert len(names["points"]) == 2000

    seconds = seconds_per_call(
        {
            each: lambda each=each: names[each](names["points"], names["classes"])
            for each in ("nothing", "xla_step")
        }
    )
    assert seconds["nothing"] > seconds["xla_step"] / 3


def test_a_hundred_steps_in_a_call_are_ahead_of_numpy():
    says(NOTEBOOK, "here a hundred steps run inside the graph.")
    says(NOTEBOOK, "Now XLA is ahead.")
    says(NOTEBOOK, "`compile` takes `steps_per_execution`.")
    names = run(NOTEBOOK)["many-steps"].names
    together = seconds_per_call(
        {
            "NumPy": lambda: names["numpy_step"](
                names["inputs"], names["targets"], *names["zeros"]
            )[0],
            "XLA": lambda: names["xla_steps"](names["points"], names["classes"], tf.constant(100)),
        }
    )
    assert together["XLA"] / 100 < together["NumPy"]
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(loss="mse", steps_per_execution=100)
    assert model.steps_per_execution == 100

    for variable, zero in zip("Wb", names["zeros"], strict=True):
        names["training_step"].__globals__[variable].assign(zero)
    last = names["xla_steps"](names["points"], names["classes"], tf.constant(40))
    assert f"{last.numpy():.5f}" in run(NOTEBOOK)["forty-steps"].printed  # they are the same steps


def test_where_the_lines_of_the_figure_lie():
    says(NOTEBOOK, "With crossentropy they cross")
    says(NOTEBOOK, "With the squared error, NumPy is still ahead at 50,000 points here.")
    cell = run(NOTEBOOK)["sizes-plot"]
    again = cell.names["milliseconds_a_step"]

    few, more = again(50), again(50_000)
    assert all(few[f"NumPy, {loss}"] < few[f"XLA, {loss}"] for loss in speed.LOSSES)
    assert more["NumPy, squared error"] < more["XLA, squared error"]
    # XLA computes on all cores, which other tests keep busy: what it can do shows in a quiet moment
    tries = (again(500_000) for _ in range(10))
    assert any(each["XLA, crossentropy"] < each["NumPy, crossentropy"] for each in tries)
    (figure,) = run(NOTEBOOK)["show-sizes"].figures
    axes = figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.get_lines()] == list(cell.measured[0])
    for line in axes.get_lines():
        equal(line.get_xdata(), [50, 500, 5_000, 50_000, 500_000])


def test_what_the_explorer_is_asked_for_can_be_found():
    says(NOTEBOOK, "For crossentropy, find the size where the lines cross.")
    says(
        NOTEBOOK,
        "Then put more steps into a call: where has the crossing gone, and when does the squared error get one, and in "
        "which direction?",
    )

    def seen(loss, steps):
        numbers = speed.frame(loss=loss, steps=steps, power=6.0).seen.numbers
        return numbers["turns"], "XLA" if numbers[
            "ratio"
        ] > 1 else "NumPy"  # faster for many points

    assert seen("crossentropy", 1) == (1, "XLA")
    assert seen("crossentropy", 10) == seen("crossentropy", 100) == (0, "XLA")
    assert seen("squared error", 1) == (0, "NumPy")
    assert seen("squared error", 10) == (1, "NumPy")


# Tracing


def test_python_runs_while_it_is_traced_and_not_afterwards():
    says(NOTEBOOK, "So a Python `print` in it tells when it is traced:")
    says(
        NOTEBOOK,
        "The second call has the same shape and dtype as the first, and finds its graph. The third has another shape",
    )
    lines = run(NOTEBOOK)["tracing-print"].printed.splitlines()
    assert ["tracing" in line for line in lines] == [True, False, False, True, False]
    says(
        NOTEBOOK,
        "`tf.print` is an operation, which becomes part of the graph and prints at each call.",
    )
    graph = (
        tf.function(lambda x: (tf.print(x), x)[1]).get_concrete_function(tf.TensorSpec(())).graph
    )
    assert "PrintV2" in {operation.type for operation in graph.get_operations()}


def test_each_python_number_is_traced():
    says(
        NOTEBOOK,
        "Each is traced anew, with the number itself in place of a stand-in: a Python number is part of the *program*",
    )
    says(NOTEBOOK, "traces **at every call**, and keeps every graph.")
    lines = run(NOTEBOOK)["python-numbers"].printed.splitlines()
    assert lines == ["tracing with 1.0", "tracing with 2.0", "tracing with 3.0"]


def test_retracing_costs_more_than_five_times_a_call():
    says(
        NOTEBOOK,
        "A call that traces takes more than five times as long, and that for a function of one line.",
    )
    names = run(NOTEBOOK)["retracing"].names
    cost = names["milliseconds_of"]
    assert cost(names["numbers"]) > 5 * cost(names["tensors"])


def test_a_signature_is_traced_once_and_refuses_what_does_not_fit():
    says(NOTEBOOK, "Then there is one trace for all.")
    says(NOTEBOOK, "Lists and arrays are converted, and a *tensor* that does not fit is refused.")
    says(
        NOTEBOOK,
        "Its last line says it: a tensor of `int32` came, and the signature wants `float32`.",
    )
    cell = run(NOTEBOOK)["input-signature"]
    told, _, error = cell.printed.partition("----> center(tf.constant([[1, 2]]))\nTypeError: ")
    assert told.count("tracing") == 1 and told.count("[") == 3
    for converted in ([[1, 2]], np.array([[1, 2]])):
        equal(cell.names["center"](converted), [1, 2])
    message = " ".join(error.split())
    assert message.index("dtype=tf.int32") < message.index(
        "to TensorSpec(shape=(None, 2), dtype=tf.float32"
    )


def test_a_graph_keeps_the_rate_it_was_traced_with():
    says(
        NOTEBOOK,
        "The rate is 0 and the weights move all the same: the graph has kept the 0.1 that was there when it was "
        "traced.",
    )
    inputs, targets = datasets.two_clouds()
    moved = 0.1 * 2 * inputs.T @ targets / len(inputs)
    assert f"moved to {moved.ravel().round(3)}" in run(NOTEBOOK)["frozen"].printed
    rate, x = tf.Variable(0.1), tf.Variable(1.0)
    step = tf.function(lambda: x.assign_sub(rate))
    step()
    rate.assign(0.0)
    equal(step(), 0.9)
    says(
        NOTEBOOK,
        "must be a `tf.Variable`, which the graph reads anew at each call, or an argument.",
    )


# Hardware


def test_the_full_name_of_a_device():
    says(
        NOTEBOOK,
        "a *job* (a group of programs), a *task* in it (one program), and its device; *replica* is always 0 here.",
    )
    assert run(NOTEBOOK)["tf-device"].printed == "/job:localhost/replica:0/task:0/device:CPU:0\n"


def test_one_core_is_told_so(monkeypatch):
    says(NOTEBOOK, "Which devices are there?")
    monkeypatch.setattr(runtime, "count_cores", lambda: 1)
    printed = printed_by("devices")
    assert "cores: 1\nWith one core, nothing below gets faster by being spread out." in printed
    monkeypatch.setattr(runtime, "count_cores", lambda: 2)
    assert "With one core" not in printed_by("devices")


def test_without_a_gpu_it_is_told_so():
    says(NOTEBOOK, "With a GPU, the next cell measures what it is good at:")
    if not tf.config.list_physical_devices("GPU"):
        assert run(NOTEBOOK)["gpu"].printed.startswith("There is no GPU here.")


def test_with_a_gpu_each_device_is_measured(tmp_path):
    """A second device of the processor stands in for it."""
    cell = source_of(NOTEBOOK, "gpu").replace("GPU:0", "CPU:1")
    (tmp_path / "script.py").write_text(f"""
import tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.list_physical_devices = lambda kind: [kind]

def seconds_per_call(functions):
    print(*(function().device[-5:] for function in functions.values()))
    return dict.fromkeys(functions, 0.001)

{cell}
""")
    lines = processes.run_script(tmp_path / "script.py").splitlines()
    assert lines[0] == "CPU:0 CPU:1"
    assert lines[1:] == [f"CPU:{n}: 1.0 ms for a product of 2,000 by 2,000 numbers" for n in (0, 1)]


def test_what_sixteen_bits_can_hold():
    says(NOTEBOOK, "Numbers of 16 bits take half the memory of those of 32")
    assert tf.float16.size == tf.bfloat16.size == tf.float32.size / 2 == 2
    says(
        NOTEBOOK, "`float16` spends its bits on digits, and has no room for large or tiny numbers."
    )
    says(NOTEBOOK, "`bfloat16` has the range of `float32`, and fewer digits.")
    float32, float16, bfloat16 = run(NOTEBOOK)["dtypes"].printed.splitlines()
    assert "largest 6.55e+04" in float16 and "1e-8 is 0" in float16 and "0.333252" in float16
    assert "largest 3.39e+38" in bfloat16 and "1e-8 is 1e-08" in bfloat16 and "0.333984" in bfloat16
    assert "largest 3.4e+38" in float32
    says(
        NOTEBOOK,
        "Neither will do for weights: a step often changes them by less than their last digit, and is lost.",
    )
    for dtype in ("float16", "bfloat16"):
        weight = tf.constant(0.5, dtype)
        assert weight - tf.constant(1e-4, dtype) == weight


def test_mixed_precision():
    says(NOTEBOOK, "**mixed precision** keeps the weights in `float32` and computes in 16 bits.")
    printed = run(NOTEBOOK)["mixed"].printed
    assert "weights: float32  result: float16" in printed
    says(NOTEBOOK, "A gradient of 1e-8 would be 0 in `float16`.")
    assert tf.cast(1e-8, tf.float16) == 0
    says(NOTEBOOK, "With the policy set for all, Keras wraps the optimizer")
    assert "optimizer: LossScaleOptimizer" in printed
    says(NOTEBOOK, "A layer that is mixed alone, as the first one above, gets no loss scaling.")
    alone = keras.Sequential([keras.layers.Dense(1, dtype="mixed_float16")])
    alone.compile(optimizer="sgd", loss="mean_squared_error")
    assert type(alone.optimizer) is keras.optimizers.SGD
    assert keras.config.dtype_policy().name == "float32"  # as it was


# Many devices and machines


def test_two_devices_learn_what_one_does():
    says(NOTEBOOK, "The same losses, within rounding.")
    says(
        NOTEBOOK,
        "Each device took one half of every batch, and the mean of the means of two equal halves is the mean of all; "
        "exercise 3 is about parts that are not equal.",
    )
    cell = run(NOTEBOOK)["run-mirrored"]
    one, two = (np.array(each[:3], float) for each in (cell.one_device, cell.two_devices))
    equal(two, one)
    assert one[2] < one[0] / 5
    numbers = np.random.default_rng(0).normal(size=(2, 64))
    assert numbers.mean(axis=1).mean() == pytest.approx(numbers.mean())


def test_two_devices_of_one_processor_take_longer():
    says(
        NOTEBOOK,
        "Longer, since both devices share one processor, and averaging three numbers costs more than computing them.",
    )
    cell = run(NOTEBOOK)["run-mirrored"]
    assert float(cell.two_devices[3]) > 1.2 * float(cell.one_device[3])


def test_two_workers_learn_what_one_process_does():
    says(
        NOTEBOOK,
        "Both have the same loss and the same weights, and the loss is that of forty steps on all points in one "
        "process, above.",
    )
    says(NOTEBOOK, "Here the machines are two processes of this one.")
    lines = run(NOTEBOOK)["run-worker"].printed.splitlines()
    first, second = (line for line in lines if line.startswith("worker"))
    assert first.startswith("worker 0 of 2 with 1000 points: loss") and second.startswith(
        "worker 1 of 2"
    )
    assert first[8:] == second[8:]
    loss = first.split("loss ")[1].split(",")[0]
    assert f"eager  loss at step 40: {loss}" in run(NOTEBOOK)["forty-steps"].printed


def test_fit_fails_under_workers():
    """When this fails, Keras can do it again: take the note out of the notebook."""
    says(
        NOTEBOOK,
        "With Keras 3 it fails, as the last lines show: it does not know what to do with a value *per replica*, "
        "one for each device",
    )
    printed = run(NOTEBOOK)["run-worker"].printed
    refused = re.findall(
        r"^fit: ValueError: Attempt .* with\n.*values\.PerReplica'>", printed, re.M
    )
    assert len(refused) == 2 and "fit: works" not in printed


def test_a_killed_worker_is_named():
    says(
        NOTEBOOK,
        "when one fails or the time is over, it ends the others at once and says which one it was.",
    )
    says(NOTEBOOK, "Here worker 1 is killed, as when a machine loses its power.")
    shown = " ".join(run(NOTEBOOK)["killed"].printed.split())
    assert shown.endswith(
        "ScriptFailed: worker 1 was ended from outside (by SIGKILL) before it was done, "
        "and the others were ended."
    )


def test_a_port_that_is_taken_is_told():
    says(NOTEBOOK, "`run_workers` looks for free ones; one that you name may be taken:")
    assert run(NOTEBOOK)["port"].printed.startswith(
        "Port N of this machine is taken by another program. Name another one,"
    )


def test_a_worker_that_is_killed_while_it_trains_is_named_too(tmp_path):
    cell = run(NOTEBOOK)["run-worker"]
    step = "    loss = training_step()"
    accident = "    if worker == 1 and step == 20: import os; os.kill(os.getpid(), 9)"
    assert cell.worker_program.count(step) == 1
    np.savez(tmp_path / "clouds.npz", inputs=cell.inputs, targets=cell.targets)
    (tmp_path / "worker.py").write_text(cell.worker_program.replace(step, f"{accident}\n{step}"))
    with pytest.raises(
        processes.ScriptFailed, match=r"worker 1 was ended from outside \(by SIGKILL\)"
    ):
        processes.run_workers(tmp_path / "worker.py")


# Other runtimes


def test_three_runtimes_predict_the_same():
    says(
        NOTEBOOK,
        "The same predictions three times, by programs that had TensorFlow and Keras, TensorFlow alone, and neither.",
    )
    lines = run(NOTEBOOK)["other-processes"].printed.splitlines()
    loaded = {line.split()[0]: line.split("loaded: ")[1] for line in lines if "predicts" in line}
    assert all("predicts the same: True" in line for line in lines if "predicts" in line)
    expected = {
        "model.keras": "tensorflow, keras",
        "saved_model": "tensorflow",
        "model.tflite": "neither",
    }
    if "LiteRT's runtime is missing" in lines[0]:
        del expected["model.tflite"]
    assert loaded == expected


def test_litert_is_small_and_fast():
    pytest.importorskip("ai_edge_litert")
    says(
        NOTEBOOK,
        "LiteRT's is the smallest, and for one point at a time LiteRT is by far the fastest",
    )
    cell = run(NOTEBOOK)["costs"]
    ready, each = zip(*cell.costs.values(), strict=True)
    assert each[2] < min(each[:2]) / 5 and ready[2] < min(ready[:2]) / 2
    kilobytes = [float(line.split()[1]) for line in cell.printed.splitlines()]
    assert kilobytes[2] < min(kilobytes[:2]) / 5
    says(NOTEBOOK, "The model is three numbers of 4 bytes.")
    says(
        NOTEBOOK,
        "`.keras` adds the optimizer's, two for each of them; the rest of these files is form.",
    )
    moments = [each for each in cell.model.optimizer.variables if each.shape in ((2, 1), (1,))]
    assert sum(np.prod(each.shape) for each in moments) == 6
    assert cell.model.count_params() == 3 and cell.model.weights[0].dtype == "float32"


@pytest.mark.parametrize(
    ("cell", "package", "words"),
    [
        (
            "other-processes",
            "ai_edge_litert",
            "LiteRT's runtime is missing here: `%pip install ai-edge-litert`",
        ),
        ("engines", "jax", "JAX is not installed here: `%pip install jax`"),
    ],
)
def test_a_missing_package_is_told_so_and_the_rest_goes_on(cell, package, words):
    def find_spec(name):
        return None if name == package else True

    ready = types.SimpleNamespace(run_script=lambda *_: "0.1 0.1 tensorflow\n")
    loaders = dict(run(NOTEBOOK)["loaders"].loaders)
    printed = printed_by(cell, find_spec=find_spec, loaders=loaders, processes=ready)
    assert words in printed and len(printed.splitlines()) >= 2


def test_the_same_layer_runs_on_tensorflow():
    says(NOTEBOOK, "which trains as the first section did: all points at once, forty steps.")
    assert run(NOTEBOOK)["engines"].printed.startswith(
        "tensorflow: loss at step 40 0.02721; loaded: tensorflow"
    )


@pytest.mark.skipif(
    not (ROOT / ".venv-jax/installed").exists(),
    reason="`make elsewhere` makes an environment with JAX",
)
def test_with_jax_the_same_layer_learns_the_same():
    says(
        NOTEBOOK,
        "With JAX installed, the second line says `jax: loss at step 40 0.02721; loaded: jax`",
    )
    says(NOTEBOOK, "These notebooks do without JAX because TensorFlow imports a JAX that it finds")
    cells = [source_of(NOTEBOOK, cell) for cell in ("data", "folder", "simple-dense", "engines")]
    code = "\n".join(["from support import runtime", "runtime.set_up()", *cells])
    ran = subprocess.run(
        [ROOT / ".venv-jax/bin/python", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    assert [line for line in ran.stdout.splitlines() if "step 40" in line] == [
        "tensorflow: loss at step 40 0.02721; loaded: tensorflow jax",
        "jax: loss at step 40 0.02721; loaded: jax",
    ]
