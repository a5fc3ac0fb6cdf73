"""The warm process: imports TensorFlow once, then forks a kernel for each request.

`python server.py SOCKET IDLE_SECONDS MODULE...`, with a connection to the process that started it as standard input.

It runs as a script and imports nothing of `support`, so that a kernel sees the latest edit of it. It computes nothing:
one TensorFlow operation starts threads, a fork doesn't copy threads, and `fit` in the kernel would wait for them for ever.

Every process that may want kernels keeps a connection open. A request is a line of JSON with the kernel's standard output
and error as file descriptors beside it; the answer is a line with the kernel's process id and, when it has ended, another
one with its exit status. The end of a connection ends its kernel, and the end of the last connection ends this process.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
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
    try:
        preload(modules)
        listener = listen(path)
    except BaseException as error:  # whatever a module does while it is imported
        starter.sendall(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode() + b"\n")
        sys.exit(1)
    starter.sendall(b'{"ready": true}\n')
    request = serve(listener, path, starter, idle_seconds)
    if request:
        run_kernel(request)


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
    if any(Path(file).name.startswith("nvidia") for file in _open_files()):
        raise RuntimeError("importing these modules opened a GPU, which a fork can't share")
    gc.collect()
    gc.freeze()  # the collector would write to pages that the kernels share


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`. It stands there under its name only once it listens."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener


def serve(
    listener: socket.socket, path: Path, starter: socket.socket, idle_seconds: float
) -> Request | None:
    """Fork a kernel for each request.

    Returns:
        In this process: None, once no one is connected any more or no kernel has run for `idle_seconds`. In each kernel:
        its request.
    """
    os.chdir("/")  # keeps no folder from being removed
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())  # the end of a kernel wakes the selector
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    for file in (listener, woken, starter):
        selector.register(file, selectors.EVENT_READ)

    clients = {starter}
    kernels: dict[int, socket.socket] = {}  # by process id
    idle_since = time.monotonic()
    while True:
        idle = not kernels and time.monotonic() >= idle_since + idle_seconds
        if (idle or not clients and not kernels) and _withdraw(path):
            return None
        patience = None if kernels else max(0.1, idle_since + idle_seconds - time.monotonic())
        if not clients:
            patience = 0.1  # someone holds the lock, and is about to connect
        for key, _ in selector.select(patience):
            connection = key.fileobj
            if connection is woken:
                woken.recv(4096)
            elif connection is listener:
                client, _ = listener.accept()
                request = _receive(client)
                if request is None:
                    client.close()
                    continue
                clients.add(client)
                selector.register(client, selectors.EVENT_READ)
                if not request.command:
                    continue
                try:
                    pid = os.fork()
                except OSError as error:
                    _send(client, {"error": f"can't fork: {error.strerror}"})
                    continue
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    selector.close()
                    for copy in (listener, woken, waker, *clients):
                        copy.close()
                    return request
                os.close(request.stdout)
                os.close(request.stderr)
                kernels[pid] = client
                _send(client, {"pid": pid})
            else:  # a client says no more after its request: this is its end
                selector.unregister(connection)
                clients.discard(connection)
                connection.close()
                for pid in [pid for pid, client in kernels.items() if client is connection]:
                    _kill(pid)
        for pid, status in _ended():
            client = kernels.pop(pid)
            if client in clients:
                _send(client, {"status": status})
            idle_since = time.monotonic()


def run_kernel(request: Request) -> None:
    """Turn this fresh fork into what `python -m ipykernel_launcher` would be; returns when the kernel ends."""
    os.setsid()
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env, JPY_PARENT_PID=str(os.getppid()))
    standard_input = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((standard_input, 0), (request.stdout, 1), (request.stderr, 2)):
        os.dup2(source, target)
        os.close(source)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    if "numpy" in sys.modules:  # `random` does this after a fork by itself
        sys.modules["numpy"].random.seed()
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
    try:
        text, files, _, _ = socket.recv_fds(client, 65536, 2)
        while not text.endswith(b"\n"):
            more = client.recv(65536)
            if not more:
                return None
            text += more
    except OSError:
        return None
    return Request(*json.loads(text), *files)


def _send(client: socket.socket, content: dict[str, Any]) -> None:
    try:
        client.sendall(json.dumps(content).encode() + b"\n")
    except OSError:
        pass  # it has gone; its end is the selector's next event


def _withdraw(path: Path) -> bool:
    """Take the socket away, unless a client holds the lock: it is about to connect."""
    with path.with_suffix(".lock").open("w") as lock:
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


def _ended() -> list[tuple[int, int]]:
    """The kernels that have ended since the last call: process id and exit status, a signal as a negative number."""
    ended = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, os.waitstatus_to_exitcode(status)))


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


def _open_files() -> list[str]:
    files = Path("/proc/self/fd")
    return [os.readlink(file) for file in files.iterdir() if file.is_symlink()]


if __name__ == "__main__":
    main()
