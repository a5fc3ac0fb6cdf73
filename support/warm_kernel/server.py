"""The warm process: imports TensorFlow once, then forks a kernel for each request.

`python server.py SOCKET IDLE_SECONDS MODULE...`, with a connection to the process that started it as standard input.

It runs as a script and imports nothing of `support`, so that a kernel sees the latest edit of it. It computes nothing:
one TensorFlow operation starts threads, a fork copies none of them, and `fit` in the kernel would wait for ever.

Every process that may want kernels keeps a connection open. A request is a line of JSON, with the kernel's standard
output and error as file descriptors beside it. The answer is a line with the kernel's process id and, when it has
ended, another with its exit status. The end of a connection ends its kernel; the end of the last ends this process.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import mmap
import os
import re
import select
import selectors
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

#: Longest wait for a request of a client that has connected. Same machine, same user: it comes at once.
REQUEST_SECONDS = 5.0


class Request(NamedTuple):
    """A kernel to run; without a command, only a connection to be kept."""

    command: list[str]
    env: dict[str, str]
    cwd: str
    stdout: int = -1
    stderr: int = -1


def main() -> None:
    if not sys.flags.safe_path:
        del sys.path[0]  # this file's folder
    path, idle_seconds, modules = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    starter = socket.socket(fileno=os.dup(0))
    environment = dict(os.environ)
    try:
        preload(modules)
        if select.select([starter], [], [], 0)[
            0
        ]:  # it has gone, and someone else may have started another
            sys.exit(1)
        warm_process = WarmProcess(path, starter, idle_seconds)
    except BaseException as error:  # whatever a module does while it is imported
        _send(starter, {"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    _send(starter, {"ready": True})
    request = warm_process.serve()
    if request:
        set_by_imports = dict(os.environ.items() - environment.items())
        run_kernel(request._replace(env=request.env | set_by_imports))


def preload(modules: list[str]) -> None:
    """Import the modules, and make sure that a fork is safe afterwards.

    Raises:
        RuntimeError: importing them started a thread or opened a GPU.
        Exception: whatever a module raises.
    """
    import numpy  # noqa: F401  its OpenBLAS starts threads, and takes care of forks itself

    threads_before = _threads()
    for name in modules:
        importlib.import_module(name)
    if threading.active_count() > 1 or _threads() > threads_before:
        raise RuntimeError(
            "importing these modules started threads, which a fork does not copy; do they compute already?"
        )
    if any(file.name.startswith("nvidia") for file in _open_files()):
        raise RuntimeError("importing these modules opened a GPU, which a fork can't share")
    gc.collect()
    gc.freeze()  # the collector would write to pages that the kernels share
    release_code()


def release_code() -> None:
    """Give back the memory of the library code that importing has touched: 300 MiB, and this process runs none of it.

    The pages stay in the system's cache of files, and a kernel maps again what it uses. Only mappings that hold nothing
    but what is in the file are released: their size as "Anonymous" in /proc/PID/smaps is 0
    (https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html).
    """
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    mapping = r"^([0-9a-f]+)-([0-9a-f]+) r-[x-]p .* /.*\n(?:\w+: .*\n)*?Anonymous: +0 kB$"
    for first, last in re.findall(mapping, Path("/proc/self/smaps").read_text(), re.MULTILINE):
        madvise(int(first, 16), int(last, 16) - int(first, 16), mmap.MADV_DONTNEED)


class WarmProcess:
    """Forks a kernel for each request, and reports how each ends."""

    def __init__(self, path: Path, starter: socket.socket, idle_seconds: float) -> None:
        self.path = path
        self.idle_seconds = idle_seconds
        self.idle_since = time.monotonic()
        self.clients = {starter}
        self.kernels: dict[int, socket.socket] = {}  # who asked for it, by process id
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.ends, waker = socket.socketpair()  # readable when a kernel has ended
        for end in (self.ends, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.own_files = [self.listener, self.ends, waker]
        self.selector = selectors.DefaultSelector()
        for file in (self.listener, self.ends, starter):
            self.selector.register(file, selectors.EVENT_READ)

    def serve(self) -> Request | None:
        """Answer requests.

        Returns:
            In this process: None, once no one is connected any more or no kernel has run for a long time. In each
            kernel: its request.
        """
        while True:
            events = self.selector.select(self._patience())
            for file in [key.fileobj for key, _ in events]:
                if file is self.ends:
                    self.ends.recv(4096)
                elif file is self.listener:
                    request = self._answer(self.listener.accept()[0])
                    if request:
                        return request
                elif isinstance(file, socket.socket):
                    self._hang_up(file)
            self._reap()
            if (self._idle() or not self.clients) and not self.kernels and _withdraw(self.path):
                return None

    def _idle(self) -> bool:
        return time.monotonic() >= self.idle_since + self.idle_seconds

    def _patience(self) -> float | None:
        """How long to wait for the next event."""
        if self.kernels:
            return None
        if self._idle() or not self.clients:  # someone holds the lock and is about to connect
            return 0.1
        return self.idle_since + self.idle_seconds - time.monotonic()

    def _answer(self, client: socket.socket) -> Request | None:
        """Do what a client asks that has just connected. Returns its request in the kernel, None here."""
        request = _receive(client)
        if request is None:
            client.close()
            return None
        self.clients.add(client)
        self.selector.register(client, selectors.EVENT_READ)
        if not request.command:
            return None
        try:
            pid = os.fork()
        except OSError as error:
            _send(client, {"error": f"it can't fork: {error.strerror}"})
            _close(request.stdout, request.stderr)
            return None
        if pid == 0:
            signal.set_wakeup_fd(-1)
            self.selector.close()
            for file in (*self.own_files, *self.clients):
                file.close()
            return request
        _close(request.stdout, request.stderr)
        self.kernels[pid] = client
        _send(client, {"pid": pid})
        return None

    def _hang_up(self, client: socket.socket) -> None:
        """A client says nothing after its request: this is its end, and that of its kernel."""
        self.selector.unregister(client)
        self.clients.discard(client)
        client.close()
        for pid, owner in self.kernels.items():
            if owner is client:
                _kill(pid)

    def _reap(self) -> None:
        """Tell the owners of the kernels that have ended their exit status, a signal as a negative number."""
        while self.kernels:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            owner = self.kernels.pop(
                pid, None
            )  # None: a process that a preloaded module has started
            if owner in self.clients:
                _send(owner, {"status": os.waitstatus_to_exitcode(status)})
            self.idle_since = time.monotonic()


def run_kernel(request: Request) -> None:
    """Turn this fresh fork into what `python -m ipykernel_launcher` would be; returns when the kernel ends."""
    os.setsid()
    os.environ.clear()
    os.environ.update(request.env, JPY_PARENT_PID=str(os.getppid()))
    standard_input = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((standard_input, 0), (request.stdout, 1), (request.stderr, 2)):
        os.dup2(source, target)
        os.close(source)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(request.cwd)

    if "numpy.random" in sys.modules:  # Python's own generator does this after a fork by itself
        sys.modules["numpy.random"].seed()
    import tempfile

    tempfile.tempdir = None  # looked up in the environment of the warm process

    import ipykernel
    from ipykernel.kernelapp import IPKernelApp

    launcher = Path(ipykernel.__file__).parents[1] / "ipykernel_launcher.py"
    arguments = request.command[request.command.index("ipykernel_launcher") + 1 :]
    sys.orig_argv = request.command
    sys.argv = [str(launcher), *arguments]
    # The default of `parent_handle` was read from the environment when ipykernel was imported.
    IPKernelApp.launch_instance(parent_handle=os.getppid())


def _receive(client: socket.socket) -> Request | None:
    """The request of a client that has just connected; None if it is another user, or sends none."""
    process_user_group = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    if struct.unpack("3i", process_user_group)[1] != os.getuid():
        return None
    client.settimeout(REQUEST_SECONDS)
    files: list[int] = []
    try:
        text, files, _, _ = socket.recv_fds(client, 65536, 2)
        while not text.endswith(b"\n"):
            more = client.recv(65536)
            if not more:
                raise ValueError("the request ends too early")
            text += more
        request = Request(*json.loads(text), *files)
        if request.command and len(files) < 2:
            raise ValueError("a kernel needs two streams")
    except (OSError, ValueError, TypeError):  # not one of our clients
        _close(*files)
        return None
    return request


def _send(client: socket.socket, content: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # where it has gone, its end is the selector's next event
        client.sendall(json.dumps(content).encode() + b"\n")


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def _withdraw(path: Path) -> bool:
    """Take the socket away, unless a client holds the lock: it is about to connect."""
    with path.with_name("lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink(missing_ok=True)
        return True


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has not come to `setsid` yet
        os.kill(pid, signal.SIGKILL)


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def _open_files() -> list[Path]:
    return [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]


if __name__ == "__main__":
    main()
