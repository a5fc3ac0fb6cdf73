"""The Binder image: its recipe, and, where its environment has been made, a notebook run in it as Binder would."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
import uuid

import psutil
import pytest
import websocket

from tests import curriculum
from tests.curriculum import ROOT

binder = pytest.importorskip(
    "tests.elsewhere.binder", reason="repo2docker runs on Linux and macOS", exc_type=ImportError
)

TOKEN = "secret"
BASE = "/user/learner-x/"
made = pytest.mark.skipif(
    not (binder.ENVIRONMENT / "installed").exists(),
    reason="`make elsewhere` makes the environment that Binder has",
)


@pytest.fixture(scope="module")
def pack():
    return binder.build_pack()


def pins(path):
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))


def test_the_image_has_this_python_and_runs_these_steps(pack):
    assert (pack.binder_dir, pack.python_version) == ("binder", "3.11")
    install, executable, post_build, start = binder.steps(pack.recipe)
    assert install.endswith('/bin/pip install --no-cache-dir -r "binder/requirements.txt"')
    assert (executable, post_build) == ("chmod +x binder/postBuild", "./binder/postBuild")
    assert start == 'chmod +x "${REPO_DIR}/binder/start"'
    assert binder.command(pack.recipe)[0].endswith("binder/start")


def test_the_versions_are_the_pinned_ones_with_tensorflow_for_processors():
    everywhere, here = pins(ROOT / "requirements.txt"), pins(ROOT / "binder/requirements.txt")
    assert here.pop("tensorflow-cpu") == everywhere["tensorflow"] and "tensorflow" not in here
    del here["notebook"]  # another one is in the base image, and would not fit this JupyterLab
    assert {name: everywhere.get(name, "not pinned") for name in here} == here


def test_the_badge_opens_the_start_page_in_jupyterlab():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"https://mybinder\.org/v2/gh/[^)\s]+\?([^)\s]+)\)", readme)
    (path,) = urllib.parse.parse_qs(query)["urlpath"]
    assert path == "lab/tree/notebooks/00_start_here.ipynb"
    assert (ROOT / path.removeprefix("lab/tree/")).is_file()


class Server:
    """JupyterLab as Binder starts it: through the repository's `start`, below a path, with a token."""

    def __init__(self, pack, folder):
        start, *_ = binder.command(pack.recipe)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        arguments = ["jupyter", "lab", "--ip=127.0.0.1", f"--port={self.port}", "--no-browser"]
        if os.geteuid() == 0:
            arguments.append("--allow-root")
        settings = [f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={TOKEN}"]
        own = {name: str(folder / name) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
        begin = time.monotonic()
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [start, *arguments, *settings],
            cwd=binder.REPOSITORY,
            env=binder.environment() | own | {"TMPDIR": str(folder)},
            stdout=self.log,
            stderr=self.log,
        )
        self.wait()
        self.seconds = time.monotonic() - begin

    def wait(self):
        for _ in range(600):
            assert self.process.poll() is None, "the server ended"
            try:
                self.ask("api/status")
                return
            except OSError:
                threading.Event().wait(0.1)
        raise TimeoutError("the server did not answer within a minute")

    def ask(self, path, content=None, method=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{BASE}{path}",
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"token {TOKEN}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def close(self):
        family = [self.process, *psutil.Process(self.process.pid).children(recursive=True)]
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        for process in family[1:]:
            if process.is_running():
                process.kill()


@pytest.fixture(scope="module")
def server(pack, tmp_path_factory):
    server = Server(pack, tmp_path_factory.mktemp("binder"))
    yield server
    server.close()


class Kernel:
    """A kernel of the server, spoken to through its websocket."""

    def __init__(self, server):
        self.id = server.ask("api/kernels", {"name": "python3", "path": "notebooks"})["id"]
        url = f"ws://127.0.0.1:{server.port}{BASE}api/kernels/{self.id}/channels?token={TOKEN}"
        self.socket = websocket.create_connection(url, timeout=curriculum.CELL_SECONDS)

    def run(self, code):
        """Returns "ok" or "error", and what was printed."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": "s",
            "username": "learner",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self.socket.send(json.dumps(message | {"channel": "shell"}))
        status, printed, idle = "", "", False
        while not (status and idle):
            answer = json.loads(self.socket.recv())
            if answer["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if answer["msg_type"] == "execute_reply":
                status = answer["content"]["status"]
            elif answer["msg_type"] == "stream":
                printed += answer["content"]["text"]
            elif answer["msg_type"] == "status":
                idle = answer["content"]["execution_state"] == "idle"
        return status, printed


MEMORY = "import os, psutil; print(psutil.Process(os.getpid()).memory_full_info().pss / 2**20)"


@made
def test_a_notebook_runs_through_the_servers_interface(server):
    notebook = server.ask("api/contents/notebooks/02_tensors.ipynb")["content"]
    kernel = Kernel(server)
    ran = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            status, printed = kernel.run("".join(cell["source"]))
            assert status == "ok", (cell["id"], printed)
            ran += 1
    assert ran > 10
    status, printed = kernel.run(MEMORY)
    print(
        f"the server answered after {server.seconds:.1f} s; its kernel has {float(printed):.0f} MiB"
    )
    assert float(printed) < 2048  # what mybinder.org gives to server and kernels together
    kernel.socket.close()
    server.ask(f"api/kernels/{kernel.id}", method="DELETE")
