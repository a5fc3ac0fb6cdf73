"""Calls code that a learner has written, whatever it does."""

from __future__ import annotations

import ast
import contextlib
import inspect
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.exercises.apart import TookTooLong, learners_frame, line_of, next_step


class Absent(Exception):
    """What is asked for is not there, as the result of a call that raised an error."""


@dataclass(frozen=True)
class Called:
    """What came of a call."""

    result: Any = None
    error: BaseException | None = None
    line: str = ""  #: of the learner's code, where the error came from

    @property
    def value(self) -> Any:
        """What was returned.

        Raises:
            Absent: an error was raised instead.
        """
        if self.error:
            raise Absent
        return self.result


def call(function: Callable[..., Any], *arguments: Any) -> Called:
    """Call a function, as a step of `apart`. What it raises is caught, and that it took too long is an error, too."""
    next_step()
    try:
        called = Called(function(*arguments))
    except TookTooLong as late:
        called = Called(error=late)
    except (Exception, SystemExit) as error:
        frame = learners_frame(traceback.extract_tb(error.__traceback__))
        called = Called(error=error, line=line_of(frame))
    excess = next_step().excess
    if excess:  # whatever came of being ended
        return Called(error=excess, line=excess.line)
    return called


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
