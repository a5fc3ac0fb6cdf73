"""Kernels that start with TensorFlow already loaded.

Importing TensorFlow takes seconds, and every new kernel pays them. Here one process pays once: the *warm process*
(`server.py`) imports TensorFlow, Keras and what a kernel needs, computes nothing, and waits. Each kernel is a fork of
it and shares the memory of what it has imported. `client.py` asks it for kernels and starts it if there is none;
`provisioner.py` is what Jupyter calls: a kernel provisioner, chosen by the environment variable
`JUPYTER_DEFAULT_PROVISIONER_NAME`, so that notebooks keep the plain `python3` kernelspec.

A kernel provisioner: https://jupyter-client.readthedocs.io/en/stable/provisioning.html

What is read while TensorFlow and Keras are imported (`KERAS_BACKEND`, log levels) is the same for all kernels of a warm
process, and so are the hash seed of strings and the modules' versions. A kernel that must differ is an ordinary one:
`JUPYTER_DEFAULT_PROVISIONER_NAME=local-provisioner`.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib.metadata import entry_points
from typing import Any

#: The provisioner's name among Jupyter's; `pyproject.toml` registers it.
NAME = "warm-kernel"


def choose() -> None:
    """Let this process and those that it starts have warm kernels, unless the environment names another provisioner."""
    if entry_points(group="jupyter_client.kernel_provisioners", name=NAME):
        os.environ.setdefault("JUPYTER_DEFAULT_PROVISIONER_NAME", NAME)


def start_early() -> None:
    """Choose warm kernels, and start the warm process in the background, so that the first kernel waits less for it."""
    choose()
    if sys.platform == "linux" and os.environ.get("JUPYTER_DEFAULT_PROVISIONER_NAME") == NAME:
        # Imported here and not in the thread: two threads that import the same package at once may fail.
        from jupyter_client.kernelspec import NoSuchKernel
        from jupyter_client.manager import KernelManager

        from support.warm_kernel.client import warm_up

        try:
            command = KernelManager(kernel_name="python3").format_kernel_cmd()
        except NoSuchKernel:
            return
        threading.Thread(target=warm_up, args=[command], name="warm-up", daemon=True).start()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "support.warm_kernel"}]


def _load_jupyter_server_extension(_: Any) -> None:
    """What Jupyter's server calls when it starts with `--ServerApp.jpserver_extensions="support.warm_kernel=True"`."""
    start_early()
