"""`make lab`: JupyterLab on a working copy of the notebooks, opened at the first one.

What a learner does stays out of the files that git tracks, so an update meets no conflict. A notebook in which the
learner has changed no cell becomes the project's newer version; one that was changed is kept, and the newer version
is laid beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).parents[1]
ORIGINALS = ROOT / "notebooks"
WORK = ROOT / "work"

#: In the working copy, the versions that it was made of.
TAKEN = ".taken"

FIRST = "00_start_here.ipynb"

#: Longest wait for the server; on a busy machine it takes ten seconds.
START_SECONDS = 120

#: Of JupyterLab's settings, those that a learner would have to answer questions for, or that lose what is shown.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


class NoLab(RuntimeError):
    """Why JupyterLab can't be opened."""


def refresh(originals: Path, work: Path) -> list[str]:
    """Bring a working copy up to date, and keep whatever its owner has changed.

    Args:
        originals: the folder of the project's notebooks.
        work: the folder of the copies; it is made if need be.

    Returns:
        A line on each notebook of which there are two versions now.

    Raises:
        NoLab: a file can't be read or written. What stood there before still does.
    """
    told = []
    try:
        (work / TAKEN).mkdir(parents=True, exist_ok=True)
        for original in sorted(originals.glob("*.ipynb")):
            copy, taken = work / original.name, work / TAKEN / original.name
            newer = copy.with_suffix(".newer.ipynb")
            new = original.read_text(encoding="utf-8")
            if copy.exists() and not _same_cells(copy, original):
                if taken.exists() and taken.read_text(encoding="utf-8") == new:
                    continue  # theirs alone has changed
                if not taken.exists() or not _same_cells(copy, taken):
                    _write(newer, _for_this_kernel(new))
                    told.append(
                        f"{copy.name} is as you left it; the project's newer version is {newer.name}."
                    )
                    continue
            if not copy.exists() or not taken.exists() or taken.read_text(encoding="utf-8") != new:
                _write(copy, _for_this_kernel(new))
                _write(taken, new)
            newer.unlink(missing_ok=True)
    except OSError as error:
        raise NoLab(
            f"can't write {error.filename}: {error.strerror}; the working copy is where you left it"
        ) from None
    return told


def _same_cells(one: Path, other: Path) -> bool:
    """Whether two notebooks have the same cells, whatever they put out. A file that is no notebook is like no other."""
    try:
        first, second = (
            [
                (cell["cell_type"], "".join(cell["source"]))
                for cell in json.loads(path.read_text("utf-8"))["cells"]
            ]
            for path in (one, other)
        )
    except (ValueError, KeyError, TypeError):
        return False
    return first == second


def _for_this_kernel(text: str) -> str:
    """The notebook with what JupyterLab would write into it when its kernel answers; so opening it changes nothing."""
    from ipykernel.ipkernel import IPythonKernel

    notebook = nbformat.reads(text, as_version=4)
    notebook.metadata.language_info = IPythonKernel.language_info
    notebook.metadata.kernelspec.language = "python"
    return str(nbformat.writes(notebook)) + "\n"


def _write(path: Path, text: str) -> None:
    """Wholly or not at all, and trusted: these outputs are the project's own."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    with contextlib.suppress(OSError, sqlite3.Error):  # there is no place for signatures
        NotebookNotary().sign(nbformat.reads(text, as_version=4))


@contextlib.contextmanager
def serving(folder: Path, options: Sequence[str] = (), log: Path | None = None) -> Iterator[str]:
    """JupyterLab on a folder, as long as the block runs.

    Args:
        folder: what it shows.
        options: of `jupyter lab`, such as `--port=8889`.
        log: where its messages go; the error that it ended with is raised in any case.

    Yields:
        The address that opens the first notebook.

    Raises:
        NoLab: it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="lab") as scratch:
        settings = Path(scratch, "config/labconfig")
        settings.mkdir(parents=True)
        (settings / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
        log = log or Path(scratch, "log")
        known, token = Path(scratch, "runtime"), secrets.token_hex(24)
        paths = [str(settings.parent), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
        environment = os.environ | {
            "JUPYTER_TOKEN": token,
            "JUPYTER_CONFIG_PATH": os.pathsep.join(paths),
        }
        environment.setdefault("JUPYTER_RUNTIME_DIR", str(known))
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.root_dir={folder}"),
            "--ServerApp.jpserver_extensions=support.warm_kernel=True",
            *(["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []),
            *options,
        ]
        with log.open("w") as messages:
            server = subprocess.Popen(
                command,
                stdout=messages,
                stderr=messages,
                env=environment,
                start_new_session=os.name == "posix",  # a Ctrl-C is for this process
            )
        try:
            yield _await_address(server, log, Path(environment["JUPYTER_RUNTIME_DIR"]), token)
        finally:
            server.terminate()
            server.wait()


def _await_address(server: subprocess.Popen[bytes], log: Path, known: Path, token: str) -> str:
    """Wait until the server answers, and start the first notebook's kernel, so that its page finds it running."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            url = json.loads((known / f"jpserver-{server.pid}.json").read_text())["url"]
            session: dict[str, Any] = {
                "path": FIRST,
                "name": FIRST,
                "type": "notebook",
                "kernel": {"name": "python3"},
            }
            request = urllib.request.Request(f"{url}api/sessions", json.dumps(session).encode())
            request.add_header("Authorization", f"token {token}")
            urllib.request.urlopen(request, timeout=START_SECONDS).close()
            return f"{url}lab/tree/{FIRST}?token={token}"
        time.sleep(0.1)
    last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    raise NoLab(f"JupyterLab did not start: {last}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m support.lab", description="Opens the curriculum in JupyterLab."
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, help="open this folder itself, and no working copy"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="open no browser: print the address alone"
    )
    options, others = parser.parse_known_args(arguments)
    try:
        folder = options.folder or WORK
        for line in [] if options.folder else refresh(ORIGINALS, WORK):
            print(line)
        if not (folder / FIRST).is_file():
            raise NoLab(f"there is no {FIRST} in {folder}")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with serving(folder.resolve(), others) as address:
            print(f"JupyterLab shows {os.path.relpath(folder)}/ at {address}")
            print("To stop it, press Ctrl-C here.", flush=True)
            if not options.no_browser:
                webbrowser.open(address)
            signal.pause() if hasattr(signal, "pause") else time.sleep(10**8)
    except NoLab as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nJupyterLab has ended; what you saved is kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
