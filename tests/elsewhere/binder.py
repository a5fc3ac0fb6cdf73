"""Binder on this machine: what repo2docker would put into an image is carried out in an environment of its own.

`python -m tests.elsewhere.binder` (`make elsewhere`) carries out the steps of the rendered Dockerfile that are this
repository's own. Of Binder's base image it installs what serves notebooks, in the versions that repo2docker has
locked, by pip instead of conda.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import repo2docker.buildpacks
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks import BuildPack

from tests.elsewhere import colab
from tests.reading import ROOT

ENVIRONMENT = ROOT / ".venv-binder"
REPOSITORY = ENVIRONMENT / "repository"
#: Of the packages in the base image, those that serve notebooks.
SERVERS = ("jupyterhub", "jupyter-server", "jupyterlab", "notebook", "ipywidgets", "pip")


def build_pack() -> BuildPack:
    """What repo2docker builds with, as it stands in the repository; nothing needs Docker so far."""
    with contextlib.chdir(ROOT):
        app = Repo2Docker()
        pack = next(
            pack
            for pack in (kind(base_image=app.base_image) for kind in app.buildpacks)
            if pack.detect()
        )
        pack.platform = app.platform
        pack.recipe = pack.render()
    return pack


def base_requirements(pack: BuildPack) -> list[str]:
    """The servers of the base image, with their versions."""
    (lock,) = (
        source
        for source, target in pack.get_build_script_files().items()
        if target.endswith("environment.lock")
    )
    text = (Path(repo2docker.buildpacks.__file__).parent / lock).read_text()
    versions = {
        name.replace("_", "-").removesuffix("-base"): version
        for name, version in re.findall(r"/([\w-]+)-(\d[\w.]*)-[^-]+\.conda", text)
    }
    return [f"{name}=={versions[name]}" for name in SERVERS]


def steps(recipe: str) -> list[str]:
    """The commands that the Dockerfile runs for this repository."""
    after = recipe.partition("# Run pre-assemble scripts!")[2]
    return [
        command.replace("\\\n", " ")
        for command in re.findall(r"^RUN ((?:.*\\\n)*.*)", after, re.MULTILINE)
    ]


def command(recipe: str) -> list[str]:
    """What the container runs: the entry point of the repository, and the default command behind it."""
    entry = re.search(r'^ENV R2D_ENTRYPOINT="\$\{REPO_DIR\}/(.+)"', recipe, re.MULTILINE)[1]
    default = json.loads(re.search(r"^CMD (\[.+\])", recipe, re.MULTILINE)[1])
    return [str(REPOSITORY / entry), *default]


def environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "TF_", "KERAS_", "JUPYTER_", "CURRICULUM", "VIRTUAL_ENV"))
    }
    return kept | {
        "NB_PYTHON_PREFIX": str(ENVIRONMENT),
        "KERNEL_PYTHON_PREFIX": str(ENVIRONMENT),
        "REPO_DIR": str(REPOSITORY),
        "HOME": str(REPOSITORY),
        "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_QUIET": "1",
    }


def build() -> None:
    pack = build_pack()
    uv = [sys.executable, "-m", "uv"]
    subprocess.run(
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, ENVIRONMENT], check=True
    )
    base = [*uv, "pip", "install", "--quiet", "--python", ENVIRONMENT, *base_requirements(pack)]
    subprocess.run(base, check=True)
    colab.publish(REPOSITORY)
    for step in steps(pack.recipe):
        print(f"Binder runs: {step}", flush=True)
        subprocess.run(["bash", "-c", step], cwd=REPOSITORY, env=environment(), check=True)
    size = subprocess.run(["du", "-sm", ENVIRONMENT], capture_output=True, text=True, check=True)
    print(f"The environment has {size.stdout.split()[0]} MiB.")


if __name__ == "__main__":
    build()
