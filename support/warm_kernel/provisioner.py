"""What Jupyter calls to start a kernel: a fork of the warm process where that can be, an ordinary one elsewhere."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets.config import Application

#: Arguments of `subprocess.Popen` that a forked kernel can honor, and two that Jupyter adds and drops again.
HONORED = {"env", "cwd", "stdout", "stderr"}
DROPPED = {"kernel_id", "extra_arguments"}


class WarmKernelProvisioner(LocalProvisioner):
    """Starts kernels that have TensorFlow loaded, or ordinary ones with a line in the log that says why."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel.

        Args:
            cmd: the kernelspec's command, with its arguments.
            **kwargs: those of `subprocess.Popen`.
        """
        wishes = {name: value for name, value in kwargs.items() if name not in DROPPED}
        if (
            sys.platform != "linux"
        ):  # on macOS, forking a process that has loaded its frameworks may crash it
            reason = (
                f"a process that has loaded TensorFlow can't be forked safely on {sys.platform}"
            )
        elif set(wishes) - HONORED:
            reason = f"a forked one can't honor {', '.join(sorted(set(wishes) - HONORED))}"
        else:
            from support.warm_kernel.client import WarmKernelUnavailable, fork_kernel

            try:
                kernel = await asyncio.to_thread(fork_kernel, cmd, **wishes)
            except WarmKernelUnavailable as unavailable:
                reason = str(unavailable)
            else:
                self.process = kernel  # type: ignore[assignment]  # has what is used of a Popen
                self.pid = self.pgid = kernel.pid  # it leads its own session
                self.cwd = kwargs.get("cwd") or Path.cwd()
                return self.connection_info
        # Outside of an application, Jupyter's own log goes nowhere.
        log = self.log if Application.initialized() else logging.getLogger(__name__)
        log.warning("Starting an ordinary kernel, not a warm one: %s.", reason.splitlines()[0])
        return await super().launch_kernel(cmd, **kwargs)
