"""Asks the warm process for kernels, and starts it if there is none.

The warm process of an environment is found by its socket, in a folder of Jupyter's runtime directory that only its user
can open. The socket's name is a fingerprint of all that a warm process can't change once it runs: so a new version of a
package, another preload list or another resource limit asks for a new one, and the old one ends when no one uses it.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from jupyter_core.paths import jupyter_runtime_dir

from support.runtime import prepare_environment

SERVER = Path(__file__).with_name("server.py")

#: What the warm process imports, unless the environment variable `WARM_KERNEL_PRELOAD` names other modules. `support`
#: is never among them: an edit to it must be seen in the next kernel.
PRELOAD = (
    "tensorflow",
    "keras",
    "numpy.random",
    "matplotlib.pyplot",
    "ipywidgets",
    "ipykernel.kernelapp",
    # what a kernel imports while it starts
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "sqlite3",
    "tornado.platform.asyncio",
    "tornado.queues",
)

#: A warm process without any kernel gives its memory back after this many seconds.
IDLE_SECONDS = 15 * 60

#: Longest wait for a warm process to import its modules; without compiled bytecode that takes a quarter of a minute.
START_SECONDS = 120.0

#: Longest wait for a fork.
FORK_SECONDS = 10.0

#: Beginnings of the names of environment variables that Python and the preloaded packages read while they are imported.
READ_AT_IMPORT = (
    *("CUDA_", "GLIBC_", "GOMP_", "HOME", "KERAS_", "KMP_", "LANG", "LC_", "LD_", "MALLOC_"),
    *("MKL_", "MPL", "NPY_", "NVIDIA_", "OMP_", "OPENBLAS_", "PROTOCOL_BUFFERS_", "PYTHON"),
    *("TF_", "TZ", "WARM_KERNEL_", "XDG_C", "XLA_"),
)

#: A Unix socket's path takes this many bytes (`sun_path` in https://man7.org/linux/man-pages/man7/unix.7.html).
PATH_BYTES = 107


class WarmKernelUnavailable(RuntimeError):
    """Why a warm kernel can't be had here."""


class ForkedKernel:
    """A kernel that the warm process has forked: the part of `subprocess.Popen` that `LocalProvisioner` uses."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """The exit status once the kernel has ended, the number of a signal as a negative number; None before."""
        return self._await_status(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, as soon as the kernel has ended.

        Raises:
            subprocess.TimeoutExpired: it has not ended after `timeout` seconds.
        """
        status = self._await_status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(["kernel", str(self.pid)], timeout or 0)
        return status

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, signum)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _await_status(self, timeout: float | None) -> int | None:
        if self.returncode is None and _readable(self._connection, timeout):
            answer = _read_answer(self._connection)
            self._connection.close()
            if answer:
                self.returncode = answer["status"]
            else:  # the warm process is gone, and its kernels end within a second: no need to wait
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self.returncode = -signal.SIGKILL
        return self.returncode


def fork_kernel(
    command: list[str],
    env: dict[str, str],
    cwd: str | os.PathLike[str] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
) -> ForkedKernel:
    """Have a kernel forked. The arguments are those of `subprocess.Popen`.

    Raises:
        WarmKernelUnavailable: there is none to be had; an ordinary kernel will do.
    """
    interpreter = _interpreter(command)
    if not Path(cwd or "").is_dir():
        raise WarmKernelUnavailable(f"there is no folder {cwd}")
    request = json.dumps([command, env, str(Path(cwd or "").absolute())]).encode() + b"\n"
    with contextlib.ExitStack() as opened:
        streams = [_descriptor(stdout, 1, opened), _descriptor(stderr, 2, opened)]
        connection = _connect(interpreter, env)
        try:
            sent = socket.send_fds(connection, [request], streams)
            connection.sendall(request[sent:])
            connection.settimeout(FORK_SECONDS)
            answer = _read_answer(connection)
        except OSError as error:
            answer = {"error": f"it did not answer: {error}"}
    if answer is None or "error" in answer:
        connection.close()
        raise WarmKernelUnavailable((answer or {}).get("error", "it ended while it was asked"))
    return ForkedKernel(connection, answer["pid"])


def warm_up(command: list[str]) -> None:
    """Start the warm process for kernels of this command and environment, unless it runs.

    If it can't, the first kernel will say why.
    """
    with contextlib.suppress(WarmKernelUnavailable):
        _connect(_interpreter(command), dict(os.environ)).close()


def _interpreter(command: list[str]) -> list[str]:
    """The part of a kernel's command that the warm process runs with: Python and its options.

    Raises:
        WarmKernelUnavailable: the command does anything but start ipykernel with this Python.
    """
    module = command.index("-m") if "-m" in command else len(command)
    if command[0] != sys.executable or command[module + 1 : module + 2] != ["ipykernel_launcher"]:
        raise WarmKernelUnavailable(f"{' '.join(command[:3])} is not what is kept warm")
    return command[:module]


class _Lease(NamedTuple):
    """A connection that keeps a warm process alive while this process lives, also when it has no kernel."""

    path: Path
    connection: socket.socket


_lease: _Lease | None = None


@atexit.register
def _end_lease() -> None:
    if _lease:
        _lease.connection.close()


_failures: dict[Path, str] = {}
_one_at_a_time = threading.Lock()


def _connect(interpreter: list[str], env: dict[str, str]) -> socket.socket:
    """A connection to the warm process for this interpreter and environment, which is started if there is none."""
    global _lease
    env = dict(env)
    if env.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise WarmKernelUnavailable(f"KERAS_BACKEND is {env['KERAS_BACKEND']}")
    paths = env.get("PYTHONPATH", "").split(os.pathsep)
    if any(path and not Path(path).is_absolute() for path in paths):
        raise WarmKernelUnavailable("PYTHONPATH is relative to the kernel's folder")
    prepare_environment(env)
    env.setdefault(
        "MPLBACKEND", "module://matplotlib_inline.backend_inline"
    )  # Keras imports pyplot
    modules = env.get("WARM_KERNEL_PRELOAD", " ".join(PRELOAD)).split()
    try:
        path = _folder() / f"{_fingerprint(interpreter, modules, env)}.sock"
        if len(os.fsencode(path)) > PATH_BYTES:
            raise WarmKernelUnavailable(
                f"the path of its socket, {path}, is longer than {PATH_BYTES} bytes; "
                "set JUPYTER_RUNTIME_DIR to a shorter one"
            )
        with _one_at_a_time, _locked(path):
            if path in _failures:
                raise WarmKernelUnavailable(_failures[path])
            try:
                connection = _open(path)
            except (FileNotFoundError, ConnectionRefusedError):  # none, or what a killed one left
                path.unlink(missing_ok=True)
                try:
                    started = _start([*interpreter, SERVER, path, IDLE_SECONDS, *modules], env)
                except WarmKernelUnavailable as failure:
                    _failures[path] = str(failure)
                    raise
                _lease = _Lease(path, started)
                connection = _open(path)
            if _lease is None or _lease.path != path or _readable(_lease.connection, 0):
                _lease = _Lease(path, _open(path))
                _lease.connection.sendall(b'[[], {}, ""]\n')
            return connection
    except OSError as error:
        raise WarmKernelUnavailable(str(error)) from error


def _start(command: list[object], env: dict[str, str]) -> socket.socket:
    """Start a warm process, wait until it is ready, and return a connection to it."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=env,
            cwd="/",  # keeps no folder from being removed
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is not for it
        )
    # Waits for its end, so that no zombie stays.
    threading.Thread(target=process.wait, name="warm process", daemon=True).start()
    ours.settimeout(START_SECONDS)
    try:
        answer = _read_answer(ours) or {"error": f"it ended with status {process.wait()}"}
    except TimeoutError:
        process.kill()
        answer = {"error": f"it was not ready after {START_SECONDS:.0f} s"}
    if "error" in answer:
        ours.close()
        raise WarmKernelUnavailable(answer["error"])
    return ours


def _folder() -> Path:
    """The folder of the sockets, which only this user can enter."""
    folder = Path(jupyter_runtime_dir(), "warm-kernels")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid():
        raise WarmKernelUnavailable(f"{folder} belongs to another user")
    if status.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _fingerprint(interpreter: list[str], modules: list[str], env: dict[str, str]) -> str:
    """Stands for all that a warm process inherits or has read, and can't change for a single kernel."""
    limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    facts = [
        *(interpreter, modules),
        sorted((name, value) for name, value in env.items() if name.startswith(READ_AT_IMPORT)),
        [resource.getrlimit(getattr(resource, name)) for name in limits],
        sorted(os.sched_getaffinity(0)),
        [str(path.readlink()) for path in sorted(Path("/proc/self/ns").iterdir())],
        # Installing, upgrading or removing a package changes the time of the folder that holds it.
        [Path(sysconfig.get_path(name)).stat().st_mtime_ns for name in ("purelib", "platlib")],
        SERVER.stat().st_mtime_ns,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """No two processes start a warm process at once, and none ends while one connects to it."""
    with path.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _open(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _readable(connection: socket.socket, timeout: float | None) -> bool:
    """Whether an answer or the other side's end comes within `timeout` seconds; None waits for it."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def _read_answer(connection: socket.socket) -> dict[str, Any] | None:
    """The next line that the warm process sends; None if it is gone."""
    line = b""
    while not line.endswith(b"\n"):
        try:
            byte = connection.recv(1)  # no more: the line after it may be there already
        except ConnectionResetError:
            return None
        if not byte:
            return None
        line += byte
    answer: dict[str, Any] = json.loads(line)
    return answer


def _descriptor(stream: int | IO[Any] | None, inherited: int, opened: contextlib.ExitStack) -> int:
    """The file descriptor that `subprocess.Popen` would take for a standard stream."""
    if stream is None:
        return inherited
    if stream == subprocess.DEVNULL:
        return opened.enter_context(Path(os.devnull).open("w")).fileno()
    if isinstance(stream, int):
        if stream < 0:
            raise WarmKernelUnavailable("its output is to go to a pipe")
        return stream
    return stream.fileno()
