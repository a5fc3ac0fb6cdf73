"""Warm kernels: they behave as ordinary ones, nothing outlives its owner, and what can't be warm starts ordinary."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.provisioning import KernelProvisionerFactory
from jupyter_core.paths import jupyter_runtime_dir

from support import lab, warm_kernel
from tests.curriculum import ROOT

if sys.platform != "linux":
    pytest.skip("kernels are forked on Linux alone", allow_module_level=True)

from support.warm_kernel import client, server

#: Enough for a kernel, and quick to import.
LIGHT = "ipykernel.kernelapp numpy.random"
#: What else a kernel imports while it starts: worth it for a warm process that forks many.
LIGHT_FOR_MANY = " ".join(
    name
    for name in client.PRELOAD
    if name not in ("tensorflow", "keras", "matplotlib.pyplot", "ipywidgets")
)
RUNTIME_FOLDER = jupyter_runtime_dir()  # the warm process of the other test files is there
PATIENCE = 30  # seconds until an awaited event is given up


class Kernel:
    """A kernel started as Jupyter starts it, and a client of it."""

    def __init__(self, **arguments):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(**arguments)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(self, code, on_output=lambda text: None):
        """What the code printed; its error's name and message if it failed."""
        texts = []

        def hook(message):
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                texts.append(content["text"])
                on_output(content["text"])
            elif message["msg_type"] == "error":
                texts.append(f"{content['ename']}: {content['evalue']}")
            elif message["msg_type"] == "display_data":
                texts.append(" ".join(sorted(content["data"])))

        self.client.execute_interactive(code, output_hook=hook, timeout=PATIENCE)
        return "".join(texts).strip()

    @property
    def process(self):
        return self.manager.provisioner.process

    @property
    def pid(self):
        return self.process.pid

    @property
    def warm_process(self):
        """The warm process behind this kernel; None for an ordinary one."""
        parent = psutil.Process(self.pid).parent()
        return parent if str(client.SERVER) in parent.cmdline() else None

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def shared():
    """Warm kernels from one warm process, which imports little, for all tests that do it no harm."""
    with (
        pytest.MonkeyPatch.context() as outside,
        tempfile.TemporaryDirectory(prefix="wk") as folder,  # a short path: a socket goes there
    ):
        outside.setenv("JUPYTER_RUNTIME_DIR", folder)
        outside.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", warm_kernel.NAME)
        outside.setenv("WARM_KERNEL_PRELOAD", LIGHT_FOR_MANY)
        outside.setattr(client, "_lease", None)
        yield


@pytest.fixture
def settings(shared, monkeypatch):
    """What a test changes for itself."""
    monkeypatch.setattr(client, "_failures", {})
    KernelProvisionerFactory.clear_instance()
    yield monkeypatch
    KernelProvisionerFactory.clear_instance()


@pytest.fixture
def alone(settings):
    """Warm kernels from a warm process of this test's own."""
    with tempfile.TemporaryDirectory(prefix="wk") as folder:
        settings.setenv("JUPYTER_RUNTIME_DIR", folder)
        settings.setenv("WARM_KERNEL_PRELOAD", LIGHT)
        settings.setattr(client, "_lease", None)
        yield


@pytest.fixture
def start(settings):
    """Starts kernels, and ends them after the test."""
    kernels = []

    def start(**arguments):
        kernels.append(Kernel(**arguments))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.close()


def await_end(*processes):
    """Wait until the processes have ended."""
    _, alive = psutil.wait_procs([process for process in processes if process], timeout=PATIENCE)
    assert not alive


# What a kernel is

LOOK = """
import json, os, resource, signal, sys, threading
environment = {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"}
print(json.dumps({
    "arguments": [sys.argv[0], sys.argv[1:2], sys.orig_argv[:4]],
    "environment": environment,
    "folder": os.getcwd(),
    "input": sys.__stdin__.read(),
    "limits": resource.getrlimit(resource.RLIMIT_NOFILE),
    "main": sorted(vars(sys.modules["__main__"])),
    "path": sys.path,
    "leads its session": os.getsid(0) == os.getpgid(0) == os.getpid(),
    "signals": [str(signal.getsignal(s)) for s in (signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)],
    "blocked signals": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "threads": sorted(type(thread).__name__ for thread in threading.enumerate()),
    "umask": os.umask(0),
    "wake-up": signal.set_wakeup_fd(-1) != -1,
}))
"""


def test_a_kernel_can_tell_no_difference(start, settings, tmp_path):
    start()  # the warm process is older than the environment of the kernels compared
    environment = os.environ | {"ONLY_FOR_THIS_KERNEL": "yes"}
    del environment["PATH"]
    warm = start(cwd=tmp_path, env=dict(environment))
    settings.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "local-provisioner")
    KernelProvisionerFactory.clear_instance()
    ordinary = start(cwd=tmp_path, env=dict(environment))

    assert warm.warm_process and not ordinary.warm_process
    seen, expected = json.loads(warm.run(LOOK)), json.loads(ordinary.run(LOOK))
    assert seen == expected
    assert seen["environment"]["ONLY_FOR_THIS_KERNEL"] == "yes"
    assert seen["folder"] == str(tmp_path) and seen["leads its session"]


def test_standard_streams_are_those_that_jupyter_gave(start, tmp_path):
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        kernel = start(stdout=out, stderr=err)
        files = [str(file.readlink()) for file in Path(f"/proc/{kernel.pid}/fd").iterdir()]
        assert {out.name, err.name, os.devnull} <= set(files)
        assert "without encryption" in (tmp_path / "err").read_text()
        numbered = start(stdout=subprocess.DEVNULL, stderr=err.fileno())
        assert numbered.run("print(1)") == "1"


def test_no_connection_of_the_warm_process_is_left_in_a_kernel(start):
    start()
    kernel = start()
    sockets = [c.laddr for c in psutil.Process(kernel.pid).net_connections("unix")]
    assert not [path for path in sockets if "warm-kernels" in path]


def test_two_kernels_draw_different_numbers(start):
    draw = "import random, numpy; print(random.random(), numpy.random.rand())"
    first, second = (start().run(draw).split() for _ in range(2))
    assert first[0] != second[0] and first[1] != second[1]


def test_the_real_warm_process(start, settings):
    """With all that it imports: nothing of this package, inline figures, random numbers, and training."""
    settings.delenv("WARM_KERNEL_PRELOAD")
    settings.setenv("JUPYTER_RUNTIME_DIR", RUNTIME_FOLDER)
    draws = []
    for _ in range(2):
        kernel = start()
        assert kernel.run("import sys; print('tensorflow' in sys.modules)") == "True"
        assert kernel.run("print([m for m in sys.modules if m.split('.')[0] == 'support'])") == "[]"
        assert psutil.Process(kernel.warm_process.pid).num_threads() <= 1 + os.cpu_count()
        mapped = psutil.Process(kernel.warm_process.pid).memory_maps()
        assert sum(each.private_clean for each in mapped) < 30 * 2**20  # library code is released
        code = "import keras, numpy, random, tensorflow as tf\n"
        code += "print(tf.random.normal([]).numpy(), float(keras.random.normal([])), numpy.random.rand())"
        draws.append(kernel.run(code).split())
        fit = "model = keras.Sequential([keras.layers.Dense(1)]); model.compile('sgd', 'mse')\n"
        fit += (
            "data = tf.data.Dataset.from_tensors((tf.ones((4, 2)), tf.ones((4, 1)))).prefetch(1)\n"
        )
        fit += "print(len(model.fit(data, epochs=2, verbose=0).history['loss']))"
        assert kernel.run(fit) == "2"
    assert len({*draws[0], *draws[1]}) == 6
    show = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"
    assert kernel.run(show) == "image/png text/plain"
    assert (
        kernel.run("import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))") == "[1, 2]"
    )
    assert kernel.run("!echo from the shell") == "from the shell"


# How it ends


def test_interrupt(start):
    kernel = start()
    code = "import time\nprint('sleeping')\ntime.sleep(600)"
    printed = kernel.run(code, on_output=lambda text: kernel.manager.interrupt_kernel())
    assert printed == "sleeping\nKeyboardInterrupt:"
    assert kernel.run("print(1)") == "1"


def test_restart(start):
    kernel = start()
    kernel.run("x = 1")
    before = psutil.Process(kernel.pid)
    kernel.manager.restart_kernel()
    kernel.client.wait_for_ready(timeout=PATIENCE)
    assert kernel.run("x").startswith("NameError") and kernel.pid != before.pid
    await_end(before)


@pytest.mark.parametrize("now", [False, True], ids=["shutdown", "kill"])
def test_shutdown(start, now):
    kernel = start()
    process = psutil.Process(kernel.pid)
    kernel.manager.shutdown_kernel(now=now)
    assert not kernel.manager.is_alive()
    await_end(process)


def test_a_kernel_that_dies_is_reported_with_its_status(start):
    for code, status in [
        ("import os; os._exit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
    ]:
        kernel = start()
        assert kernel.process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            kernel.process.wait(0)
        kernel.client.execute(code)
        assert kernel.process.wait(PATIENCE) == status
        assert kernel.process.poll() == status and not kernel.manager.is_alive()
    assert start().run("print(1)") == "1"


def test_a_process_forked_by_a_cell_ends_with_its_kernel(start):
    kernel = start()
    pid = kernel.run("import os, time\npid = os.fork()\nif not pid: time.sleep(600)\nprint(pid)")
    child = psutil.Process(int(pid))
    kernel.manager.shutdown_kernel(now=True)
    await_end(child)


# Who outlives whom

LAUNCHER = """
import sys
from jupyter_client.manager import run_kernel
look = "import os, subprocess; print(os.getppid(), os.getpid(), subprocess.Popen(['sleep', '600']).pid)"
def show(message):
    if message["msg_type"] == "stream":
        print(message["content"]["text"], flush=True)
with run_kernel() as client:
    client.execute_interactive(look, output_hook=show)
    sys.stdin.read()
"""


def launch():
    """Another process with a kernel; the warm process, the kernel, and a process that the kernel has started."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return launcher, *(psutil.Process(int(pid)) for pid in launcher.stdout.readline().split())


def test_two_servers_share_a_warm_process_and_no_process_outlives_the_last(alone):
    with ThreadPoolExecutor() as pool:
        (first, shared, *first_kernel), (second, same, *second_kernel) = pool.map(
            lambda _: launch(), range(2)
        )
    assert shared == same
    first.communicate()  # it ends as it should
    await_end(*first_kernel)
    assert all(process.is_running() for process in (shared, *second_kernel))
    second.kill()
    second.communicate()
    await_end(shared, *second_kernel)


def test_many_kernels_at_once(start):
    with ThreadPoolExecutor(8) as pool:
        kernels = list(pool.map(lambda _: start(), range(8)))
    assert len({kernel.warm_process for kernel in kernels}) == 1
    assert len({kernel.run("import os; print(os.getpid())") for kernel in kernels}) == 8


def test_kernels_end_with_their_warm_process_and_its_socket_is_replaced(alone, start):
    kernel = start()
    process, killed = psutil.Process(kernel.pid), kernel.warm_process
    killed.kill()
    assert kernel.process.wait(PATIENCE) == -signal.SIGKILL
    await_end(process, killed)
    assert len(list(client._folder().glob("*.sock"))) == 1  # stale
    assert start().warm_process not in (None, killed)


def test_an_idle_warm_process_ends_and_is_started_again(alone, start, settings):
    settings.setattr(client, "IDLE_SECONDS", 0)
    kernel = start()
    idle = kernel.warm_process
    assert kernel.run("print(1)") == "1"  # not idle
    kernel.close()
    await_end(idle)
    assert not list(client._folder().glob("*.sock"))
    assert start().warm_process not in (None, idle)


def test_it_stays_between_two_kernels(start):
    kernel = start()
    before = kernel.warm_process
    kernel.close()
    assert start().warm_process == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("WARM_KERNEL_PRELOAD", "ipykernel.kernelapp"), ("TF_CPP_MIN_LOG_LEVEL", "0")],
)
def test_another_preload_list_or_environment_replaces_the_warm_process(
    alone, start, settings, name, value
):
    old = start()
    settings.setenv(name, value)
    new = start()
    before, after = old.warm_process, new.warm_process
    assert after not in (None, before)
    assert old.run("print(1)") == "1"  # it lives as long as its kernels
    old.close()
    await_end(before)


def test_an_installed_package_replaces_the_warm_process(settings, tmp_path):
    settings.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    os.utime(tmp_path, ns=(0, 0))
    before = client._fingerprint(["python"], [], {})
    assert client._fingerprint(["python"], [], {"ANY": "1"}) == before
    (tmp_path / "package").mkdir()
    assert client._fingerprint(["python"], [], {}) != before


# Whom it serves


def test_its_socket_is_for_its_user_alone(start):
    start()
    folder = client._folder()
    assert len(list(folder.glob("*.sock"))) == 1
    assert folder.stat().st_uid == os.getuid() and stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert stat.S_IMODE(client._folder().stat().st_mode) == 0o700


def test_another_user_is_sent_away(monkeypatch):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b'[[], {}, ""]\n')
        assert server._receive(ours) == ([], {}, "", -1, -1)
        theirs.sendall(b'[[], {}, ""]\n')
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert server._receive(ours) is None


def test_a_folder_of_another_user_is_not_used(start, settings, caplog):
    settings.setattr(os, "getuid", lambda: 12345)
    kernel = start()
    assert not kernel.warm_process and "belongs to another user" in caplog.text


def test_a_client_that_talks_nonsense_harms_no_one(start):
    kernel = start()
    (path,) = client._folder().glob("*.sock")
    for line in b"GET / HTTP/1.0\n", b'[["python"], {}, ""]\n', b"[]\n", b"{}\n", b"\xff\n":
        with client._open(path) as stranger:
            stranger.sendall(line)
            assert stranger.recv(1) == b""
    assert kernel.run("print(1)") == "1" and start().warm_process == kernel.warm_process


def test_a_client_that_says_nothing_harms_no_one(start, settings):
    kernel = start()
    (path,) = client._folder().glob("*.sock")
    with client._open(path):
        pass
    with client._open(path) as silent:
        silent.sendall(b"[[], {")
        silent.shutdown(socket.SHUT_WR)
        assert silent.recv(1) == b""
    assert start().warm_process == kernel.warm_process


# Where it can't be


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import os; os._exit(5)", "it ended with status 5"),
        (
            "import zmq; held = zmq.Context().socket(zmq.PUB)",
            "started threads",
        ),  # as TensorFlow does
        (
            "import threading, time; threading.Thread(target=time.sleep, args=[9], daemon=True).start()",
            "started threads",
        ),
        ("held = open('{folder}/nvidia0', 'w')", "opened a GPU"),
    ],
)
def test_a_warm_process_that_fails_is_one_line_and_an_ordinary_kernel(
    alone, start, settings, tmp_path, caplog, module, reason
):
    (tmp_path / "preloaded.py").write_text(module.replace("{folder}", str(tmp_path)))
    settings.setenv("PYTHONPATH", str(tmp_path))
    settings.setenv("WARM_KERNEL_PRELOAD", f"{LIGHT} preloaded")
    kernel = start()
    assert kernel.warm_process is None and kernel.run("print(1)") == "1"
    (line,) = warnings(caplog)
    assert line.startswith("Starting an ordinary kernel, not a warm one: ") and reason in line


def test_a_warm_process_that_failed_is_not_tried_again(alone, start, settings, caplog):
    settings.setenv("WARM_KERNEL_PRELOAD", "no_such_module")
    start()
    (first,) = warnings(caplog)
    settings.setattr(client, "_start", None)
    assert start().warm_process is None and warnings(caplog) == [first, first]


def warnings(caplog):
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def test_a_warm_process_that_never_gets_ready_is_given_up(alone, start, settings, tmp_path, caplog):
    settings.setattr(client, "START_SECONDS", 0.5)
    (tmp_path / "slow.py").write_text("import time; time.sleep(600)")
    settings.setenv("PYTHONPATH", str(tmp_path))
    settings.setenv("WARM_KERNEL_PRELOAD", "slow")
    assert start().warm_process is None and "was not ready" in caplog.text


def test_a_path_too_long_for_a_socket(start, settings, tmp_path, caplog):
    settings.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / ("x" * 100)))
    assert start().warm_process is None
    assert "longer than 107 bytes; set JUPYTER_RUNTIME_DIR" in caplog.text


def test_a_runtime_folder_that_can_not_be_made(start, settings, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    settings.setattr(client, "jupyter_runtime_dir", lambda: str(tmp_path / "file"))
    assert start().warm_process is None and "Not a directory" in caplog.text


def test_a_wish_that_a_fork_can_not_honor(start, caplog):
    assert start(stdout=subprocess.PIPE).warm_process is None
    assert "its output is to go to a pipe" in caplog.text
    assert start(independent=True).warm_process is None
    assert "can't honor independent" in caplog.text


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("KERAS_BACKEND", "numpy", "KERAS_BACKEND is numpy"),
        ("PYTHONPATH", ".", "PYTHONPATH is relative"),
    ],
)
def test_an_environment_that_a_fork_can_not_have(start, settings, caplog, name, value, reason):
    settings.setenv(name, value)
    assert start().warm_process is None and reason in caplog.text


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "ipykernel_launcher"],
        [sys.executable, "-m", "coverage", "run", "-m", "ipykernel_launcher"],
    ],
)
def test_a_command_that_does_anything_else_is_left_alone(settings, command):
    with pytest.raises(client.WarmKernelUnavailable, match="is not what is kept warm"):
        client.fork_kernel(command, dict(os.environ))


def test_a_folder_that_is_not_there_fails_as_with_an_ordinary_kernel(start, tmp_path):
    with pytest.raises(FileNotFoundError):
        start(cwd=tmp_path / "missing")


def test_a_starter_that_is_gone_before_it_is_ready_leaves_nothing_behind(start, tmp_path):
    path = tmp_path / "orphan.sock"
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, client.SERVER, path, "900", *LIGHT.split()]
        process = subprocess.Popen(command, stdin=theirs.fileno())
    ours.close()
    assert process.wait(PATIENCE) == 1 and not path.exists()


def test_another_system(start, settings, caplog):
    settings.setattr(sys, "platform", "darwin")
    kernel = start()
    settings.undo()
    assert kernel.warm_process is None and "can't be forked safely on darwin" in caplog.text


def test_a_kernel_of_another_language(settings, tmp_path, caplog):
    folder = tmp_path / "kernels" / "other"
    folder.mkdir(parents=True)
    spec = {"argv": ["sleep", "600"], "display_name": "Other", "language": "other"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])
    manager = KernelManager(kernel_name="other", kernel_spec_manager=specs)
    manager.start_kernel()
    assert isinstance(manager.provisioner.process, subprocess.Popen)
    assert "sleep 600 is not what is kept warm" in caplog.text
    manager.shutdown_kernel(now=True)


# Who uses it


def test_started_early_it_is_there_for_the_first_kernel(alone, start, settings):
    warm_kernel.start_early()
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(PATIENCE)
    assert len(list(client._folder().glob("*.sock"))) == 1
    settings.setattr(client, "_start", None)  # no other one can be started
    assert start().warm_process


@pytest.mark.parametrize("name", ["no-kernelspec", "local-provisioner"])
def test_where_no_kernel_would_be_warm_none_is_started_early(settings, tmp_path, name, alone):
    if name == "no-kernelspec":
        settings.setattr(KernelSpecManager, "get_kernel_spec", no_kernel)
    else:
        settings.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", name)
    warm_kernel.start_early()
    assert "warm-up" not in [thread.name for thread in threading.enumerate()]


def no_kernel(_, name):
    raise NoSuchKernel(name)


def test_jupyterlab_as_make_lab_starts_it_has_warm_kernels(settings, alone):
    settings.delenv("JUPYTER_DEFAULT_PROVISIONER_NAME")
    with lab.serving(ROOT / "notebooks"):  # starts the first notebook's kernel
        warm, kernel = warm_processes()
    await_end(warm, kernel)


def warm_processes():
    """The warm process of this test's runtime folder, and the kernels forked from it."""
    folder = str(client._folder())
    found = [
        process
        for process in psutil.process_iter(["cmdline"])  # None for a zombie
        if any(folder in part for part in process.info["cmdline"] or [])
    ]
    return sorted(found, key=lambda process: process.create_time())


def test_it_is_chosen_unless_the_environment_names_another(monkeypatch):
    monkeypatch.delenv("JUPYTER_DEFAULT_PROVISIONER_NAME", raising=False)
    warm_kernel.choose()
    assert os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] == warm_kernel.NAME
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "local-provisioner")
    warm_kernel.choose()
    assert os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] == "local-provisioner"


def test_where_it_is_not_installed_it_is_not_chosen(monkeypatch):
    monkeypatch.delenv("JUPYTER_DEFAULT_PROVISIONER_NAME", raising=False)
    monkeypatch.setattr(warm_kernel, "entry_points", lambda **_: [])
    warm_kernel.choose()
    assert "JUPYTER_DEFAULT_PROVISIONER_NAME" not in os.environ
