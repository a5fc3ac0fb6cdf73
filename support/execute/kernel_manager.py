"""Managers of kernels that are talked to through files, not through ports."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

from jupyter_client import AsyncKernelManager, KernelManager
from jupyter_client.connect import ConnectionFileMixin
from traitlets import default


class ThroughFiles(ConnectionFileMixin):
    """Unix sockets, where there are any.

    Jupyter looks for free TCP ports, lets go of them, and the kernel takes them a moment later. Another process may
    have taken one by then, as happens when several start kernels at once, and the kernel dies.
    """

    @default("transport")
    def _transport(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"

    @default("ip")
    def _ip(self) -> str:
        """For "ipc", the beginning of the files' names. Short: a socket's path has at most 107 bytes."""
        if self.transport == "tcp":
            return "127.0.0.1"
        return str(Path(tempfile.gettempdir(), f"kernel-{uuid.uuid4().hex}"))


class FileKernelManager(ThroughFiles, KernelManager):
    pass


class AsyncFileKernelManager(ThroughFiles, AsyncKernelManager):
    pass
