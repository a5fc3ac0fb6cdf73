"""Colab on this machine: its versions, a stand-in for its module, an empty folder, and a repository to install from.

`make elsewhere` makes the environment, `.venv-colab`, from `colab.txt`, with the wheels beside it that the set-up cell
takes from the package index; after that, nothing needs a network.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tests.reading import BRANCH, CELL_SECONDS, NOTEBOOKS, REPOSITORY, ROOT, code_cells, tags

ENVIRONMENT = ROOT / ".venv-colab"
WHEELS = ENVIRONMENT / "wheels"

STAND_IN = '"""A stand-in for the module by which programs know that they run on Colab."""\n'


def publish(folder: Path) -> Path:
    """Commit the files of this working tree to a fresh repository, as if they were on GitHub. Returns its path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    folder.mkdir()
    for name in listed:
        if not name.startswith((".github/", "tests/")):
            source, target = ROOT / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
    author = ["-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (
        ["init", "--quiet", f"--initial-branch={BRANCH}"],
        ["add", "--all"],
        [*author, "commit", "-qm", "all"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def set_up_alone(replace: tuple[str, str] = ("", "")) -> NotebookNode:
    """A notebook of the set-up cell, with something replaced, and one that prints its seconds and a first tensor."""
    (cell,) = (cell for cell in code_cells(NOTEBOOKS[0]) if "setup" in tags(cell))
    sources = [
        "import tensorflow as tf, time; start = time.perf_counter()",
        cell.source.replace(*replace),
        "print(time.perf_counter() - start); print(tf.ones(1))",
    ]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in sources])


class Runtime:
    """One runtime of Colab: Colab's packages with room for more on top, and a folder with one notebook alone."""

    def __init__(self, folder: Path, repository: Path | None) -> None:
        """Make it in a folder; without a repository there is no network."""
        self.folder = folder / "content"
        self.folder.mkdir(parents=True)
        venv = folder / "venv"
        uv = [sys.executable, "-m", "uv", "venv", "--quiet", "--python"]
        subprocess.run([*uv, ENVIRONMENT / "bin/python", venv], check=True)
        self.python = venv / "bin/python"
        (own,) = venv.glob("lib/python*/site-packages")
        (colabs,) = ENVIRONMENT.glob("lib/python*/site-packages")
        (own / "google/colab").mkdir(parents=True)
        (own / "google/colab/__init__.py").write_text(STAND_IN)
        (own / "colab.pth").write_text(f"{colabs}\nimport google.colab\n")
        git = folder / "gitconfig"
        url = (repository or folder / "nothing").as_uri()
        git.write_text(f'[url "{url}"]\n\tinsteadOf = https://github.com/{REPOSITORY}\n')
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "TF_", "KERAS_", "JUPYTER_", "MPL", "CURRICULUM"))
        }
        self.environment = kept | {
            "GIT_CONFIG_GLOBAL": str(git),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(WHEELS) if repository else "",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "HOME": str(folder),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }

    def freeze(self) -> set[str]:
        """The packages that are installed, with their versions."""
        command = [self.python, "-m", "pip", "freeze", "--all"]
        listed = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        )
        return set(listed.stdout.splitlines())

    def run(self, notebook: NotebookNode) -> NotebookNode:
        """Execute all cells in a kernel of Colab's. A cell that raises ends it; the error stands in its outputs."""
        nbformat.write(notebook, self.folder / "notebook.ipynb")
        client = NotebookClient(
            notebook,
            timeout=int(CELL_SECONDS),
            resources={"metadata": {"path": str(self.folder)}},
        )
        manager: Any = client.create_kernel_manager()
        manager.kernel_spec.argv = [
            str(self.python),
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
        ]
        # whatever the machine's default is, Colab starts an ordinary kernel
        manager.kernel_spec.metadata = {
            "kernel_provisioner": {"provisioner_name": "local-provisioner"}
        }
        with contextlib.suppress(CellExecutionError):
            client.execute(env=self.environment)
        return notebook
