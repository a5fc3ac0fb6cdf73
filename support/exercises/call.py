"""Calls code that a learner has written, whatever it does."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import linecache
import signal
import sys
import textwrap
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUPPORT = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Called:
    """What came of a call."""

    value: Any = None
    error: BaseException | None = None
    line: str = ""  #: of the learner's code, where the error came from
    printed: str = ""


class TookTooLong(Exception):
    """The code did not end within its limit."""


def call(function: Callable[..., Any], *arguments: Any, seconds: float) -> Called:
    """Call a function. What it raises is caught, what it prints is kept, and it ends after `seconds`."""
    printed = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(printed),
            warnings.catch_warnings(action="ignore"),  # the check says what matters
            _at_most(seconds),
        ):
            value = function(*arguments)
    except (Exception, SystemExit) as error:
        return Called(error=error, line=_line(error), printed=printed.getvalue())
    return Called(value, printed=printed.getvalue())


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Of computing, or three times as many of waiting, so that a busy machine stops no code that would have ended.

    Without timers (on Windows, outside of the main thread) no limit is kept.
    """
    main = threading.current_thread() is threading.main_thread()
    if not (hasattr(signal, "setitimer") and main):
        yield
        return

    def stop(*_: object) -> None:
        raise TookTooLong(f"it did not end within {seconds:g} s")

    limits = [
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, 3 * seconds),
    ]
    before = [
        (number, signal.signal(number, stop), timer, signal.setitimer(timer, limit)[0])
        for number, timer, limit in limits
    ]
    try:
        yield
    finally:
        for number, handler, timer, remaining in before:
            signal.setitimer(timer, remaining)
            signal.signal(number, handler)


def _line(error: BaseException) -> str:
    """The last line of the learner's own code that an error has passed through."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        made = (
            "__autograph_generated_file" in frame.filename
        )  # of the learner's code, by TensorFlow
        others = frame.filename.startswith((SUPPORT, sys.prefix, sys.base_prefix, "<frozen"))
        if not made and not others:
            return frame.line or linecache.getline(frame.filename, frame.lineno or 0).strip()
    return ""


def source(answer: object) -> str:
    """The learner's code without comments and in one style, as `ast.unparse` writes it; "" where it can't be had.

    The source of a class that stands in a notebook is that of its methods: Python can't find the class itself there.
    """
    functions = list(vars(answer).values()) if isinstance(answer, type) else [answer]
    texts = []
    for function in functions:
        with contextlib.suppress(
            Exception
        ):  # built in, a lambda among others, an object of any kind
            text = inspect.getsource(function)  # type: ignore[arg-type]
            tree = ast.parse(textwrap.dedent(text))
            texts.append(ast.unparse(_without_docstrings(tree)))
    return "\n".join(texts)


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def has_gap(code: str) -> bool:
    """Whether a `...` of the starter is still there; one in an index, as in `x[..., 0]`, is not."""
    if not code:
        return False
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            node.slice = ast.Constant(0)
    return any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))
