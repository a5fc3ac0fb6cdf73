"""Notebooks on a Dask cluster: the results are the local ones, and a lost worker loses nothing."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from support.execute import many
from support.execute.__main__ import main
from support.execute.run import KERNELSPEC
from tests.reading import NOTEBOOKS, ROOT

pytest.importorskip("distributed")

#: What the kernels of a worker have loaded: little, so that it is quick.
LIGHT = {"WARM_KERNEL_PRELOAD": "ipykernel.kernelapp"}

QUIET = ["--no-dashboard", "--host", "127.0.0.1"]


class Cluster:
    """A Dask scheduler and workers on this machine, as a user starts them."""

    def __init__(self, folder):
        self.folder = folder
        self.workers: list[subprocess.Popen[str]] = []
        self.scheduler = self._start("scheduler", "--port", "0")
        self.address = await_line(self.scheduler, r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)")

    def add_worker(self, **variables):
        options = ["--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder)]
        worker = self._start("worker", self.address, *options, **variables)
        await_line(worker, r"Registered to:\s+(\S+)")
        self.workers.append(worker)

    def _start(self, *arguments, **variables):
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, *QUIET],
            cwd=self.folder,
            env=os.environ | variables,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.communicate()


def await_line(process, pattern):
    """The group of the first line of a process's log that has the pattern; the rest of the log is thrown away."""
    for line in process.stderr:
        found = re.search(pattern, line)
        if found:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError(f"{process.args} ended")


@pytest.fixture
def cluster(tmp_path):
    """A scheduler without workers."""
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """A cluster that no test harms."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    for _ in range(2):
        cluster.add_worker()
    yield cluster
    cluster.close()


def write(path, *sources):
    cells = [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC}), path)


def test_two_workers_give_what_this_machine_gives(two_workers, tmp_path, capsys):
    notebooks = [str(NOTEBOOKS[3]), str(NOTEBOOKS[6])]
    there, here = tmp_path / "there", tmp_path / "here"
    assert main([*notebooks, "--output", str(there), "--scheduler", two_workers.address]) == 0
    assert main([*notebooks, "--output", str(here)]) == 0
    for path in NOTEBOOKS[3], NOTEBOOKS[6]:
        assert (there / path.name).read_bytes() == (here / path.name).read_bytes()
        assert (there / f"{path.stem}.html").read_bytes() == (
            here / f"{path.stem}.html"
        ).read_bytes()
    assert facts(there) == facts(here)
    assert "2 of 2 notebooks ran to the end" in capsys.readouterr().out


def facts(output):
    rows = json.loads((output / "report.json").read_text())
    return [{name: row[name] for name in ("name", "error", "cells", "published")} for row in rows]


def test_a_worker_sees_no_folder_of_ours_and_has_warm_kernels(two_workers, tmp_path):
    look = "import os, psutil\nprint(os.listdir(), psutil.Process().parent().cmdline()[1])"
    write(tmp_path / "where.ipynb", look)
    command = [str(tmp_path / "where.ipynb"), "--output", str(tmp_path / "build")]
    assert main([*command, "--scheduler", two_workers.address]) == 0
    cell = nbformat.read(tmp_path / "build/where.ipynb", as_version=4).cells[0]
    assert cell.outputs[0].text.startswith("[] ")
    assert cell.outputs[0].text.rstrip().endswith("warm_kernel/server.py")


@pytest.fixture
def gate():
    """Where notebooks come from a cell with `enter(gate)`; each waits there for an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def enter(gate):
    return f"import socket; socket.create_connection({gate.getsockname()!r}).recv(1)"


def test_the_notebooks_of_a_killed_worker_run_elsewhere_once_in_the_report(cluster, gate, tmp_path):
    names = ["a", "b", "c", "d"]
    for name in names:
        write(tmp_path / f"{name}.ipynb", enter(gate), f"print({name!r})")
    for _ in range(2):
        cluster.add_worker(**LIGHT)
    output = tmp_path / "build"
    with ThreadPoolExecutor() as pool:
        command = [str(tmp_path), "--output", str(output), "--scheduler", cluster.address]
        status = pool.submit(main, command)
        running = [gate.accept()[0] for _ in range(2)]
        cluster.workers[0].kill()
        (lost,), _, _ = select.select(running, [], [], 60)  # its kernel ends with the worker
        assert lost.recv(1) == b""
        running.remove(lost)
        while len(running) < 4:  # the other worker's, the two that waited, and the lost one again
            running[-1].send(b"!")
            running.append(gate.accept()[0])
        running[-1].send(b"!")
    assert status.result() == 0
    rows = json.loads((output / "report.json").read_text())
    assert [(row["name"], row["error"]) for row in rows] == [(name, None) for name in names]
    for name in names:
        cells = nbformat.read(output / f"{name}.ipynb", as_version=4).cells
        assert cells[1].outputs[0].text == f"{name}\n"


def test_ctrl_c_ends_what_runs_on_the_workers(two_workers, gate, tmp_path):
    names = ["a", "b", "c"]
    for name in names:
        write(tmp_path / f"{name}.ipynb", enter(gate))
    output = tmp_path / "build"
    command = [str(tmp_path), "--output", str(output), "--scheduler", two_workers.address]
    runner = subprocess.Popen(
        [sys.executable, "-m", "support.execute", *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    kernels = [gate.accept()[0] for _ in range(2)]
    runner.send_signal(signal.SIGINT)
    assert runner.wait(60) == 130
    for kernel in kernels:
        kernel.settimeout(60)
        assert kernel.recv(1) == b""
    rows = json.loads((output / "report.json").read_text())
    assert [row["error"] for row in rows] == ["interrupted"] * len(names)


def test_when_the_scheduler_is_lost_what_is_done_is_kept(cluster, gate, tmp_path, capfd):
    cluster.add_worker(**LIGHT)
    write(tmp_path / "a.ipynb", "print('done')")
    write(tmp_path / "b.ipynb", enter(gate))
    output = tmp_path / "build"
    with ThreadPoolExecutor() as pool:
        command = [str(tmp_path), "--output", str(output), "--scheduler", cluster.address]
        status = pool.submit(main, command)
        gate.accept()
        cluster.scheduler.kill()
    assert status.result() == 1
    first, second = json.loads((output / "report.json").read_text())
    assert first["error"] is None
    assert second["error"] == "the connection to the cluster was lost"
    assert "Traceback" not in capfd.readouterr().err


@pytest.fixture
def silent_port():
    """An address of this machine where connections are taken, and no one answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9: "),
        ("{silent}", "no Dask scheduler answers at {silent}: "),
        ("nonsense", "no Dask scheduler answers at nonsense: missing port number"),
        ("{empty}", "the Dask scheduler at {empty} has no worker; start one: dask worker {empty}"),
    ],
)
def test_a_cluster_that_can_not_work_is_one_clear_line(
    request, tmp_path, silent_port, capfd, monkeypatch, address, reason
):
    monkeypatch.setattr(many, "CLUSTER_SECONDS", 1)
    places = {"silent": silent_port}
    if "{empty}" in address:
        places["empty"] = request.getfixturevalue("cluster").address
    write(tmp_path / "one.ipynb", "1")
    command = [str(tmp_path / "one.ipynb"), "--output", str(tmp_path / "build")]
    assert main([*command, "--scheduler", address.format(**places)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(reason.format(**places))


def test_without_dask_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    write(tmp_path / "one.ipynb", "1")
    command = [str(tmp_path / "one.ipynb"), "--output", str(tmp_path / "build")]
    assert main([*command, "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err == "--scheduler needs Dask: pip install distributed\n"
