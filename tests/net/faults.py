"""`make faults`: does the net catch a fault? Plants each fault of a table alone, runs the net, and says what caught it.

The net for a notebook is what `make test` holds about it: the guards in `tests/`, the comparison of its
outputs by nbval, and its file in `tests/notebooks/`. It runs in a copy of the project. Each run is a fork of one
process that has imported TensorFlow and computed nothing. Before any fault, the net must pass: a net that fails anyway
catches nothing.

The faults stand in `faults.toml`; another table in its form can be named.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import nbformat

from support import warm_kernel
from support.runtime import prepare_environment

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("faults.toml")

#: What the runs of the net need loaded. Nothing of the project's own, whose copies differ.
PRELOAD = [
    "tensorflow",
    "keras",
    "matplotlib.pyplot",
    "nbval.plugin",
    "papermill",
    "nbconvert",
    "pytest",
]


@dataclass(frozen=True)
class Fault:
    """One deliberate mistake in one file."""

    file: str  #: below the project's root
    find: str  #: what stands once in a cell's source, or in the file if `raw`
    replace: str
    kind: str  #: what kind of mistake it is
    raw: bool = False  #: replaces in the file as it is stored, outputs and metadata included
    quick: bool = False  #: is planted in `make test`, too

    def __str__(self) -> str:
        name = f"{Path(self.file).stem}: {self.kind}: {self.find!r} → {self.replace!r}"
        return " ".join(name.split())


@dataclass(frozen=True)
class Verdict:
    """What the net said about one fault, or about the project without any."""

    failed: str | None  #: the first test that failed; None if all passed
    seconds: float


def read_table(path: Path = TABLE) -> list[Fault]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Fault(file, **row) for file, rows in table.items() for row in rows]


def plant(fault: Fault, root: Path) -> None:
    """Change the file below `root`.

    Raises:
        ValueError: what the fault changes does not stand there exactly once.
    """
    path = root / fault.file
    text = path.read_text(encoding="utf-8")
    if fault.raw or path.suffix != ".ipynb":
        _check_count(fault, text.count(fault.find))
        path.write_text(text.replace(fault.find, fault.replace), encoding="utf-8")
        return
    notebook = nbformat.reads(text, as_version=4)
    _check_count(fault, sum(cell.source.count(fault.find) for cell in notebook.cells))
    for cell in notebook.cells:
        cell.source = cell.source.replace(fault.find, fault.replace)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def _check_count(fault: Fault, count: int) -> None:
    if count != 1:
        raise ValueError(f"{fault}: stands there {count} times; give more of the text around it")


def net_of(file: str) -> list[str]:
    """The tests that watch over a file, the quickest first: pytest's arguments."""
    stem = Path(file).stem
    if file.endswith(".ipynb"):
        guards = ["tests/test_notebooks.py", "tests/test_listings.py", "tests/test_claims.py"]
        return [*guards, file, f"tests/notebooks/test_{stem}.py"]
    if file.startswith("support/exercises/"):
        module = stem if (ROOT / f"tests/exercises/{stem}.toml").is_file() else "tensors"
        own = ["tests/test_exercise_engine.py", "tests/test_exercise_boxes.py"]
        choice = f"test_exercise_engine or test_exercise_boxes or {module}"
        return [*own, "tests/test_exercises.py", "-k", choice]
    if file.startswith("support/explore/"):
        return ["tests/test_explore.py"]
    if file.startswith("support/"):
        users = [
            f"notebooks/{path.name}"
            for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
            if re.search(rf"\b{stem}\.", path.read_text(encoding="utf-8"))
        ]
        return [f"tests/test_{stem}.py", *users]
    return ["tests/test_repository.py"]


class Copies:
    """Copies of the project to plant faults in, one for each of several threads."""

    def __init__(self, folder: Path, count: int) -> None:
        self._free: queue.SimpleQueue[Path] = queue.SimpleQueue()
        tracked = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
        for number in range(count):
            root = folder / str(number)
            for name in filter(None, tracked):
                if (ROOT / name).is_file():
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / name, root / name)
            # a kernel's own folder comes first among those that it imports from
            (root / "notebooks/support").symlink_to("../support")
            subprocess.run(["git", "init", "--quiet", root], check=True)
            subprocess.run(["git", "add", "--all"], cwd=root, check=True)
            self._free.put(root)

    @contextlib.contextmanager
    def one(self) -> Iterator[Path]:
        root = self._free.get()
        try:
            yield root
        finally:
            self._free.put(root)


def judge(fault: Fault | None, file: str, copies: Copies, context: ForkServerContext) -> Verdict:
    """Plant a fault (or none) in a file, run its net, and put everything back."""
    with copies.one() as root:
        if fault:
            plant(fault, root)
        try:
            began = time.perf_counter()
            receive, send = context.Pipe(duplex=False)
            process = context.Process(target=_run_net, args=(net_of(file), str(root), send))
            process.start()
            send.close()
            try:
                failed = receive.recv()
            except EOFError:
                failed = "the process that ran the tests died"
            process.join()
            return Verdict(failed, time.perf_counter() - began)
        finally:
            shutil.copy2(ROOT / file, root / file)


def _run_net(tests: list[str], root: str, answer: Connection) -> None:
    """In a process of its own: run tests in a copy of the project, and send the name of the first that failed."""
    import pytest

    for name in list(sys.modules):
        if name.split(".")[0] in ("support", "tests"):
            del sys.modules[name]  # the copy's own are wanted
    os.chdir(root)
    sys.path.insert(0, root)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    first = FirstFailure()
    options = ["-x", "-n0", "-p", "no:cacheprovider", "--assert=plain"]  # what failed, not why
    status = pytest.main([*options, *tests], plugins=[first])
    answer.send(first.name or (None if status == 0 else f"pytest ended with status {status:d}"))


class FirstFailure:
    """A pytest plugin that keeps the name of the first test that failed."""

    name: str | None = None

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.name = self.name or report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def judge_all(
    faults: list[Fault], workers: int, control: bool = True
) -> Iterator[tuple[Fault, Verdict]]:
    """Plant one fault after the other, several at a time; yields each as it is judged.

    Args:
        faults: what to plant.
        workers: how many at a time.
        control: whether to run the net of each file without any fault first.

    Raises:
        RuntimeError: the net of a file fails though no fault is in it.
        ValueError: a fault can't be planted.
    """
    prepare_environment(os.environ)
    warm_kernel.start_early()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    with (
        tempfile.TemporaryDirectory(prefix="faults") as folder,
        ThreadPoolExecutor(workers) as pool,
    ):
        copies = Copies(Path(folder), workers)
        files = sorted({fault.file for fault in faults if control})
        controls = pool.map(lambda file: judge(None, file, copies, context), files)
        for file, control in zip(files, controls, strict=True):
            if control.failed:
                raise RuntimeError(f"without any fault, {file} fails {control.failed}")
        verdicts = pool.map(lambda fault: judge(fault, fault.file, copies, context), faults)
        yield from zip(faults, verdicts, strict=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.net.faults", description=__doc__)
    parser.add_argument("table", nargs="?", type=Path, default=TABLE)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    faults = read_table(options.table)
    missed = []
    began = time.perf_counter()
    for fault, verdict in judge_all(faults, options.workers):
        print(
            f"{'caught' if verdict.failed else 'MISSED'} {verdict.seconds:5.1f} s  {fault}",
            flush=True,
        )
        if verdict.failed:
            print(f"                by {verdict.failed}")
        else:
            missed.append(fault)
    caught = len(faults) - len(missed)
    minutes = (time.perf_counter() - began) / 60
    print(
        f"\n{caught} of {len(faults)} faults caught ({caught / len(faults):.0%}), {minutes:.0f} min"
    )
    for fault in missed:
        print(f"missed: {fault}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
