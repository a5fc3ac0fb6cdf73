"""`make bench`: how fast kernels start, and notebooks run, and what memory they take, side by side in one run.

Each figure is a median of several repetitions, which take turns, so that a machine that is slow for a while is slow for
both sides. Ratios carry over to other machines; seconds do not.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from jupyter_client import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from matplotlib.figure import Figure

from support import warm_kernel
from support.execute.many import open_pool, run_all
from support.execute.run import Outcome, Task
from support.explore.explorer import Control, Explorer, Number, Typed, png_of
from tests.curriculum import NOTEBOOKS, ROOT, code_cells
from tests.elsewhere import colab

WARM, ORDINARY = warm_kernel.NAME, "local-provisioner"
FIRST_RESULT = "import tensorflow as tf; print(tf.ones(1))"
#: What a notebook has loaded, and a first computation.
LOADED = "from support import plots, runtime; runtime.set_up(); " + FIRST_RESULT


def main() -> None:
    parts = {
        "start": start,
        "notebooks": notebooks,
        "memory": memory,
        "throughput": throughput,
        "checks": checks,
        "explorers": explorers,
        "set-up": set_up,
    }
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(parts)} (default: all)")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    for part in options.parts or parts:
        parts[part](options.repetitions)
        print(flush=True)


def start(repetitions: int) -> None:
    """From the start of a kernel until its first TensorFlow result is printed."""
    with kernel(WARM):  # the warm process lives as long as this one
        medians = compare(
            {kind: lambda kind=kind: first_result(kind) for kind in (WARM, ORDINARY)},
            3 * repetitions,
        )
    print("kernel start to `tf.ones(1)` printed, s")
    print(
        f"  warm {medians[WARM]:.2f}, ordinary {medians[ORDINARY]:.2f}: 1/{medians[ORDINARY] / medians[WARM]:.1f}"
    )


def first_result(kind: str) -> float:
    began = time.perf_counter()
    with kernel(kind, FIRST_RESULT):
        return time.perf_counter() - began


def notebooks(repetitions: int) -> None:
    """All notebooks: by the runner, by plain papermill one by one, and by one process that has no kernels."""
    with tempfile.TemporaryDirectory() as folder:
        runner = [sys.executable, "-m", "support.execute", "notebooks", "--output", folder]
        floor_code = "from tests import benchmark; benchmark.floor()"
        ways = {
            "runner": lambda: seconds_of(runner, check=True),
            "floor": lambda: seconds_of([sys.executable, "-c", floor_code], check=True),
            "papermill": lambda: sum(seconds_of(papermill(path, folder)) for path in NOTEBOOKS),
        }
        medians = compare(ways, repetitions)
    print(f"all {len(NOTEBOOKS)} notebooks, s")
    for way, seconds in medians.items():
        print(f"  {way:<10} {seconds:6.1f}   {seconds / medians['runner']:.2f} times the runner")


def papermill(path: Path, folder: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "papermill",
        "--cwd",
        str(path.parent),
        str(path),
        f"{folder}/papermill.ipynb",
    ]


def floor() -> None:
    """Import once, and execute all cells of all notebooks in order in this process."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    for path in NOTEBOOKS:
        os.chdir(path.parent)
        shell.reset(new_session=False)
        for cell in code_cells(path):
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                result = shell.run_cell(cell.source)
            assert result.success, f"{path.stem}, {cell.id}"


def memory(repetitions: int) -> None:
    """Memory of one kernel and of four at once, after a first computation. What several share is counted once (PSS)."""
    print("proportional memory, MiB")
    totals = {}
    for kind in (ORDINARY, WARM):
        for count in (1, 4):
            rows = [memory_of(kind, count) for _ in range(repetitions)]
            total, share, peak, parent = map(statistics.median, zip(*rows, strict=True))
            totals[kind, count] = total
            line = f"  {count} {kind:<17} in all {total:5.0f}, of each kernel {share:4.0f}"
            line += f", its peak {peak:4.0f}"
            print(line + f", of the warm process {parent:4.0f}" * (kind == WARM))
    share = totals[WARM, 4] / totals[ORDINARY, 4]
    print(f"  four warm kernels take {share:.2f} of four ordinary ones")


def memory_of(kind: str, count: int) -> tuple[float, float, float, float]:
    """In all, of each kernel, its peak, and of the warm process."""
    with contextlib.ExitStack() as opened:
        kernels = [opened.enter_context(kernel(kind, LOADED)) for _ in range(count)]
        processes = [psutil.Process(manager.provisioner.pid) for manager in kernels]
        peak = statistics.median(map(peak_mib, processes))
        shares = [process.memory_full_info().pss / 2**20 for process in processes]
        warm = processes[0].parent().memory_full_info().pss / 2**20 if kind == WARM else 0.0
    return sum(shares) + warm, statistics.median(shares), peak, warm


def peak_mib(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def throughput(repetitions: int) -> None:
    """Notebooks a minute, once the warm process is there."""
    path = NOTEBOOKS[3]
    print(f"runs of {path.stem} a minute")
    print("  runs         " + "".join(f"{runs:>6}" for runs in RUNS))
    with kernel(WARM):
        for workers in (1, 2):
            ways = {str(runs): lambda runs=runs: run_often(path, runs, workers) for runs in RUNS}  # noqa: B023
            medians = compare(ways, repetitions)
            rates = [60 * runs / medians[str(runs)] for runs in RUNS]
            print(f"  {workers} at a time " + "".join(f"{rate:6.0f}" for rate in rates))
            flat = rates[RUNS.index(8) :]
            print(f"    from 8 runs on, the slowest is {min(flat) / max(flat):.2f} of the fastest")


RUNS = [1, 2, 4, 8, 16, 32, 64]


def run_often(path: Path, runs: int, workers: int) -> float:
    """Seconds that the runner takes for a notebook, so many times."""
    tasks = [Task(str(run), path.read_text(), str(path.parent)) for run in range(runs)]
    outcomes: list[Outcome] = []
    began = time.perf_counter()
    with open_pool(workers) as pool:
        run_all(pool, tasks, outcomes.append)
    seconds = time.perf_counter() - began
    assert not [outcome.result for outcome in outcomes if outcome.result.error]
    return seconds


def checks(repetitions: int) -> None:
    """How long a check of an exercise takes, for each answer in the tables of the tests."""
    from tests.answers import answer_of, exercises_of, rows

    print("check of an exercise, ms: the first answer, the median of all, the slowest")
    seconds: dict[str, list[float]] = {}
    for module, name, row in rows():
        exercise, answer = exercises_of(module)[name], answer_of(name, row["answer"])
        for _ in range(repetitions):
            began = time.perf_counter()
            exercise.judge(answer)
            seconds.setdefault(f"{module}.{name}", []).append(time.perf_counter() - began)
    for name, each in seconds.items():
        later = each[1:]
        figures = (1000 * value for value in (each[0], statistics.median(later), max(later)))
        print(f"  {name:<45}" + "".join(f"{figure:8.0f}" for figure in figures))
    train_moons = seconds.pop("validation_and_inference.train_moons")
    others = [value for each in seconds.values() for value in each]
    print(f"  within 300 ms: {np.mean(np.less(others, 0.3)):.1%} of all but train_moons")
    print(
        f"  within 2 s: {np.mean(np.less(train_moons, 2)):.0%} of train_moons, which trains each twice"
    )


def explorers(repetitions: int) -> None:
    """One move of an explorer against a bare redraw of its picture; what it adds to a run, and to memory."""
    print("explorers: 95th percentile of 100 moves, of 100 bare redraws (ms), their ratio,")
    print("  memory that 500 moves add (MB), seconds that the cell adds to a run")
    for name in ("broadcasting", "tape", "descent", "layers", "optimizers", "overfitting", "speed"):
        cell = f"import support.explore.{name} as module; module.explorer.widget()"
        code = (
            f"import time, keras; from support import plots; began = time.perf_counter(); {cell}; "
        )
        code += "print(time.perf_counter() - began)"
        command = [sys.executable, "-c", code]
        opening = statistics.median(
            float(subprocess.check_output(command, cwd=ROOT, stderr=subprocess.DEVNULL))
            for _ in range(repetitions)
        )
        moves, redraws, memory = moves_of(
            importlib.import_module(f"support.explore.{name}").explorer
        )
        print(
            f"  {name:<14}{1000 * moves:8.0f}{1000 * redraws:8.0f}{moves / redraws:8.2f}"
            f"{memory / 1e6:8.1f}{opening:8.2f}"
        )


def set_up(repetitions: int) -> None:
    """Colab's set-up cell, once TensorFlow is imported, and `make lab` until its page answers, in a fresh clone."""
    with tempfile.TemporaryDirectory() as folder:
        if colab.ENVIRONMENT.is_dir():
            repository = colab.publish(Path(folder, "repository"))
            seconds = []
            for number in range(repetitions):
                notebook = colab.set_up_alone()
                colab.Runtime(Path(folder, str(number)), repository).run(notebook)
                seconds.append(float(notebook.cells[-1].outputs[0].text.split()[0]))
            print(f"Colab's set-up cell: {statistics.median(seconds):.1f} s")
        clone = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        for state in ("no environment", "an environment"):
            print(f"make lab with {state}: {seconds_to_page(clone):.1f} s until the page answers")


def seconds_to_page(clone: Path) -> float:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    settings = Path(clone, "jupyter_server_config.json")  # `make lab` itself takes no options
    settings.write_text(
        json.dumps(
            {"ServerApp": {"port": port, "open_browser": False}, "IdentityProvider": {"token": "x"}}
        )
    )
    began = time.perf_counter()
    with subprocess.Popen(
        ["make", "lab"],
        cwd=clone,
        env=outside | {"JUPYTER_CONFIG_PATH": str(clone)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as lab:
        try:
            while True:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/lab?token=x", timeout=60)
                    return time.perf_counter() - began
                time.sleep(0.05)
        finally:
            os.killpg(lab.pid, signal.SIGTERM)


def moves_of(explorer: Explorer) -> tuple[float, float, int]:
    """95th percentiles of the seconds of a move and of a bare redraw, which take turns; bytes that 500 moves add."""
    choose = random.Random(0)

    def move() -> Figure:
        values = {name: a_value(control, choose) for name, control in explorer.controls.items()}
        return explorer.frame(**values).figure

    figure = move()
    seconds = {"move": [], "redraw": []}
    for _ in range(100):
        for name, way in [("move", move), ("redraw", lambda: png_of(figure))]:
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    before = psutil.Process().memory_info().rss
    for _ in range(500):
        move()
    added = psutil.Process().memory_info().rss - before
    moves, redraws = (statistics.quantiles(each, n=20)[-1] for each in seconds.values())
    return moves, redraws, added


SHAPES = ["2", "16", "3, 1", "4, 3", "1, 5, 1", "28, 28, 1"]


def a_value(control: Control, choose: random.Random) -> Any:
    """One that the control can have."""
    if isinstance(control, Number):
        return control.low + control.step * choose.randrange(
            int((control.high - control.low) / control.step)
        )
    return choose.choice(SHAPES if isinstance(control, Typed) else control.options)


def compare(ways: dict[str, Callable[[], float]], repetitions: int) -> dict[str, float]:
    """The median seconds of each way; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            seconds[name].append(way())
    return {name: statistics.median(each) for name, each in seconds.items()}


def seconds_of(command: list[str], check: bool = False) -> float:
    """Wall time of a command, with ordinary kernels unless it chooses others.

    papermill's exit status is not checked: it takes the errors that a notebook shows on purpose for failures.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "JUPYTER_DEFAULT_PROVISIONER_NAME"
    }
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=check)
    return time.perf_counter() - began


@contextlib.contextmanager
def kernel(kind: str, code: str = "") -> Iterator[KernelManager]:
    """A kernel that has run some code."""
    os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = kind
    KernelProvisionerFactory.clear_instance()  # it has read the variable
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        client.execute_interactive(code, output_hook=lambda message: None, timeout=60)
        yield manager
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
