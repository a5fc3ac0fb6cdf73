"""The kernel in which a notebook is executed once, for the comparison of its outputs and for the claims on it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel

from tests import reading

START_SECONDS = 60


class KernelDied(Exception):
    pass


class Kernel(RunningKernel):
    """nbval's kernel; it counts cells as Jupyter does, and its death is noticed at once."""

    def __init__(self, folder: Path) -> None:
        try:
            super().__init__(CURRENT_ENV_KERNEL_NAME, str(folder), START_SECONDS)
        except (
            RuntimeError
        ):  # two processes that start kernels at once have chosen one port for both
            super().__init__(CURRENT_ENV_KERNEL_NAME, str(folder), START_SECONDS)

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        return str(self.kc.execute(cell_input, allow_stdin=bool(allow_stdin), stop_on_error=False))

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        deadline = time.monotonic() + (timeout or START_SECONDS)
        while True:
            try:
                return super().await_reply(msg_id, timeout=1)
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                if time.monotonic() > deadline:
                    raise

    def do(self, code: str, seconds: float) -> None:
        """Run code of the tests, which leaves no trace in the notebook's names, counts and outputs.

        Raises:
            KernelDied: the kernel ended.
            Empty: it took longer than `seconds`.
        """
        self.await_reply(self.kc.execute(code, silent=True, store_history=False), seconds)


@dataclass
class Run:
    """One execution of a notebook."""

    kernel: Kernel
    printed: dict[str, str] = field(
        default_factory=dict
    )  #: what each cell wrote to its standard output, by cell id
    broken: str = ""  #: why nothing can be claimed of it

    @classmethod
    def begin(cls, path: Path, seconds: float) -> Run:
        """Start a kernel that keeps what each cell leaves behind."""
        run = cls(Kernel(path.parent))
        import_module = '__import__("importlib").import_module'
        run.kernel.do(f'__import__("sys").path.insert(0, {str(reading.ROOT)!r})', seconds)
        run.kernel.do(f'{import_module}("tests.running").record({path.stem!r})', seconds)
        return run
