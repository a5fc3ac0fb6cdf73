"""A real JupyterLab in a real Chromium, as `make lab` starts it, for tests."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Playwright

from support.exercises import progress
from support.explore import STATIC
from tests.curriculum import ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
HOW_TO_GET_IT = "no Chromium; on Debian: apt-get install chromium"
SCREENSHOTS = ROOT / "build/screenshots"
#: JupyterLab says so of itself where a kernel ends while its debugger is asked something.
DEBUGGER = "Could not restore the debugger state"
SECONDS = 300  # for whatever is waited for; on a busy machine a notebook may take half of it


@dataclass(frozen=True)
class Lab:
    """A running server."""

    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/lab?reset&token={self.token}"


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab on a copy of the notebooks, with settings of its own below `folder`."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    settings = folder / "config/lab/user-settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    no_news = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(no_news))
    environment = dict(os.environ)
    del environment[STATIC]  # here someone looks
    environment |= {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        progress.VARIABLE: str(folder / "progress.json"),
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        lab = Lab(free.getsockname()[1], secrets.token_hex(8))
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"),
        *(f"--port={lab.port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={lab.token}", f"--ServerApp.root_dir={folder / 'notebooks'}"),
        "--ServerApp.jpserver_extensions=support.warm_kernel=True",
        "--expose-app-in-browser",
    ]
    if hasattr(os, "getuid") and os.getuid() == 0:
        command.append("--allow-root")
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment) as server,
    ):
        try:
            _await_answer(lab, server, folder / "server.log")
            yield lab
        finally:
            server.terminate()


def _await_answer(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{lab.port}/api?token={lab.token}", timeout=5)
            return
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    )


@dataclass
class LabPage:
    """JupyterLab in a page of the browser, with one notebook open."""

    page: Page
    lab: Lab
    complaints: list[str] = field(default_factory=list)  #: errors in the browser's console

    def load(self) -> None:
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self.lab.url)
        self.page.wait_for_function("window.jupyterapp && jupyterapp.restored")
        self.page.evaluate("async () => { await jupyterapp.restored; }")

    def open(self, name: str) -> None:
        """Close what is open, end its kernel, and open a notebook."""
        self.page.evaluate(
            """async name => {
                for (const tab of [...jupyterapp.shell.widgets('main')]) {
                    if (tab.sessionContext) await tab.sessionContext.shutdown();
                    tab.dispose();
                }
                const panel = await jupyterapp.commands.execute(
                    'docmanager:open', {path: name + '.ipynb', factory: 'Notebook'});
                await panel.context.ready;
                await panel.sessionContext.ready;
                await panel.sessionContext.session.kernel.info;
            }""",
            name,
        )
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()

    def _listen(self, message: Any) -> None:
        blocked = "127.0.0.1" not in message.location.get("url", "127.0.0.1")  # a badge's picture
        if message.type == "error" and not blocked and DEBUGGER not in message.text:
            self.complaints.append(message.text)

    def run_all(self) -> None:
        self.start("notebook:run-all-cells")
        self.await_end()

    def start(self, command: str) -> None:
        """Start a command that runs all cells, with outputs cleared before."""
        self.page.evaluate(
            """command => {
                void jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
                void jupyterapp.commands.execute(command);
            }""",
            command,
        )

    def await_end(self) -> None:
        """Wait until each cell has run, or one has failed."""
        self.page.wait_for_function(
            """() => {
                const code = jupyterapp.shell.currentWidget.model.toJSON().cells.filter(
                    cell => cell.cell_type === 'code');
                const failed = cell => cell.outputs.some(output => output.output_type === 'error');
                return code.every(cell => cell.execution_count !== null)
                    || code.some(failed);
            }"""
        )

    def cells(self) -> list[dict[str, Any]]:
        """As they would be saved now."""
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.model.toJSON().cells")

    def cell(self, cell_id: str) -> Locator:
        """A cell, scrolled to, so that it is really drawn."""
        number = [cell["id"] for cell in self.cells()].index(cell_id)
        self.page.evaluate(
            """async number => {
                const notebook = jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = number;
                await notebook.scrollToItem(number, 'start');
            }""",
            number,
        )
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{number}']")

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
