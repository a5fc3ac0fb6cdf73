"""Judges in a thread of its own, so that code which never ends holds up neither the kernel nor the verdict.

A signal ends no loop in a compiled graph: Python handles signals in the main thread, and only between two of its own
steps. The main thread waits here instead, and can leave the other one behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

SUPPORT = str(Path(__file__).parents[1])

# Seconds: between two looks at the thread, until it is left behind if it does not end, and the longest of a wait.
TICK, GRACE, LONGEST_WAIT = 0.05, 0.5, 4.0

ENDLESS = "it did not end within {:g} s: is there a loop that has no end?"
WAITS = "it did not end within {:g} s, and computed next to nothing: does it wait for something?"
RESTART = "restart the kernel (in the menu Kernel: Restart Kernel)"
GOES_ON = (
    "It can't be ended from here, and goes on in the background, where it may take a whole core. Mend the code, then "
    f"{RESTART}."
)
HELD_UP = f"What was checked before still goes on in the background, and may hold this up: first {RESTART}."


class TookTooLong(BaseException):
    """The code did not end within its limit. No `Exception`, since learners' code may catch those and go on."""

    def __init__(self, words: str = "it did not end in time", line: str = "") -> None:
        super().__init__(words)
        self.line = line  #: of the learner's code, where it was


@dataclass
class Step:
    """What the thread does now, a call of an answer or something between two calls, and since when."""

    began: float = field(default_factory=time.monotonic)
    computed_before: float = field(default_factory=time.process_time)
    excess: TookTooLong | None = None  #: why it is being ended

    def beyond(self, seconds: float) -> str:
        """In which words it has taken too long; "" if it has not.

        It may compute for so many seconds. While it computes next to nothing it may wait three times as long: on a busy
        machine, code that would have ended gets little of the processor, but more than that.
        """
        waited = time.monotonic() - self.began
        computed = time.process_time() - self.computed_before
        longest = min(3 * seconds, LONGEST_WAIT)
        if computed >= seconds:
            return ENDLESS.format(seconds)
        return WAITS.format(longest) if waited >= longest and computed < waited / 20 else ""


class Apart(threading.Thread):
    """A job in a thread of its own, step by step. Whoever waits for it can end a step, or leave the thread behind."""

    def __init__(self, job: Callable[[], Any]) -> None:
        super().__init__(daemon=True)  # one that is left behind keeps no kernel from shutting down
        self.job = job
        self.value: Any = None
        self.error: BaseException | None = None
        self.over = (
            threading.Event()
        )  # `join` takes a thread for ended when an interrupt ends the wait for it
        self.left_behind = False
        self.step = Step()

    def run(self) -> None:
        try:
            self.value = self.job()
        except BaseException as error:
            self.error = error
        finally:
            self.over.set()

    @property
    def runs(self) -> bool:
        """Whether there is such a thread, and it has not done its job."""
        return not self.over.is_set() and self.ident in sys._current_frames()

    def end_if_late(self, seconds: float) -> None:
        """End the present step if it has taken too long.

        Raises:
            TookTooLong: it goes on all the same: in compiled code, or in a wait.
        """
        step = self.step
        words = step.beyond(seconds)
        if not words:
            return
        others = [each for each in threading.enumerate() if isinstance(each, Apart)]
        held_up = any(other.left_behind and other.runs for other in others)
        words += f" {HELD_UP}" * held_up
        step.excess = TookTooLong(words, line_of(self._frame()))
        late = time.monotonic()
        _raise_in(self.ident, TookTooLong)
        while time.monotonic() < late + GRACE:
            self.over.wait(TICK)
            if not self.runs or self.step is not step:
                return
            if self._frame():  # the learner's code still runs: it has caught what was raised
                _raise_in(self.ident, CaughtBefore)
        raise TookTooLong(words + f" {GOES_ON}" * (not held_up), step.excess.line)

    def leave_behind(self) -> None:
        """Wait no longer. As soon as the thread is back in Python, it ends."""
        self.left_behind = True
        mock.patch.stopall()  # those of `patched`, within which it may be
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        error: type[TookTooLong] = TookTooLong
        while self.runs:
            _raise_in(self.ident, error)
            self.over.wait(TICK)
            error = CaughtBefore

    def _frame(self) -> traceback.FrameSummary | None:
        """Where it is in the learner's code; None if it is not."""
        frame = sys._current_frames().get(self.ident or 0)
        return learners_frame(traceback.extract_stack(frame)) if frame else None


class CaughtBefore(TookTooLong):
    """What is raised in learners' code that catches everything: where it catches this, the next line raises, too."""

    def __init__(self) -> None:
        super().__init__()
        frame: FrameType | None = sys._getframe()
        while frame:
            if is_learners(frame.f_code.co_filename):
                frame.f_trace = _raise_again
            frame = frame.f_back
        sys.settrace(_raise_again)


def _raise_again(_: FrameType, event: str, __: Any) -> None:
    """What Python calls in a thread that is traced. After it has raised, the thread is traced no longer."""
    if event == "line":
        raise TookTooLong


def _raise_in(ident: int | None, error: type[BaseException]) -> None:
    """Raise an exception in a thread, as soon as it does its next step in Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident or 0), ctypes.py_object(error))


def apart(job: Callable[[], Any], seconds: float) -> Any:
    """Do a job in a thread of its own, which has the settings of a fresh thread, and return its value.

    Args:
        job: what to do; it may call `next_step`.
        seconds: the longest that each of its steps may compute; it may wait three times as long, but at most 4 s.

    Raises:
        TookTooLong: a step did not end in time. If it can't be ended, it goes on without what was `patched`.
    """
    thread = Apart(job)
    try:
        thread.start()
        while thread.runs:
            if not thread.over.wait(TICK):
                thread.end_if_late(seconds)
    finally:  # also where an interrupt of the kernel ends the wait
        if thread.runs:
            thread.leave_behind()
    if not thread.over.is_set() or isinstance(thread.error, TookTooLong):
        raise thread.step.excess or TookTooLong
    if thread.error:
        raise thread.error
    return thread.value


def next_step() -> Step:
    """Begin a step of this thread's job: the limit counts anew. Returns the step that is over.

    Raises:
        TookTooLong: the thread has been left behind, and is to end.
    """
    thread = threading.current_thread()
    assert isinstance(thread, Apart), "an answer is called within `apart`"
    if thread.left_behind:
        raise TookTooLong
    over, thread.step = thread.step, Step()
    if over.excess:
        sys.settrace(None)
    return over


@contextlib.contextmanager
def patched(*patches: Any) -> Iterator[None]:
    """Patches of `mock.patch`, for a while. Started so, they can be stopped from the thread that waits, too."""
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def learners_frame(frames: traceback.StackSummary) -> traceback.FrameSummary | None:
    """The innermost frame of the learner's own code; None if there is none."""
    return next((frame for frame in reversed(frames) if is_learners(frame.filename)), None)


def line_of(frame: traceback.FrameSummary | None) -> str:
    """The line of code; "" where there is no frame, or its source can't be had."""
    return (frame and frame.line) or ""


def is_learners(file: str) -> bool:
    """Whether a file's code is the learner's, and neither a package's nor what AutoGraph has made of the learner's."""
    others = file.startswith((SUPPORT, sys.prefix, sys.base_prefix, "<frozen"))
    return not others and "__autograph_generated_file" not in file
