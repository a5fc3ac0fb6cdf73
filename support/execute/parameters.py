"""Reads what a notebook lets one set, and checks values for it before anything runs.

The cell tagged `parameters` assigns the defaults, one a line. A comment may state the range, and is held to it:

    learning_rate = 0.1  # above 0
    steps = 40  # from 1 to 10000
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from papermill.inspection import inspect_notebook

Value = bool | int | float | str
Settings = dict[str, Value]

#: A sweep of more runs than this is taken for a slip.
MOST_RUNS = 10_000

KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True)
class Parameter:
    """A name that a notebook lets one set, with its default and its range."""

    name: str
    default: Value
    range: str = ""  #: "above 0", "from 1", "from 1 to 10000", or empty

    def value(self, text: str) -> Value:
        """The value that a text means, in the default's type.

        Raises:
            ValueError: the text is of another type, or out of range.
        """
        kind = type(self.default)
        value: Value | None = text
        try:
            if kind is bool:
                value = {"true": True, "false": False}.get(text.lower())
            elif kind in (int, float):
                value = kind(text)
        except ValueError:
            value = None
        if value is None or (kind is float and not math.isfinite(float(value))):
            raise ValueError(f"{self.name} takes {KINDS[kind]}, as {self.default!r}; got {text!r}")
        if not self._in_range(value):
            raise ValueError(f"{self.name} takes {KINDS[kind]} {self.range}; got {text!r}")
        return value

    def _in_range(self, value: Value) -> bool:
        stated = RANGE.fullmatch(self.range)
        if not stated or isinstance(value, str):
            return True
        low, high = float(stated["low"]), float(stated["high"] or math.inf)
        return (value > low if stated["open"] == "above" else value >= low) and value <= high


NUMBER = r"[-+]?[\d.]+(?:e[-+]?\d+)?"
RANGE = re.compile(rf"(?P<open>above|from) (?P<low>{NUMBER})(?: to (?P<high>{NUMBER}))?")


def read_parameters(path: Path) -> dict[str, Parameter]:
    """The parameters of a notebook by name; empty if no cell has the tag `parameters`.

    Raises:
        ValueError: the notebook can't be read, or a default is not a plain number, text, True or False.
    """
    try:
        found = inspect_notebook(path)
    except (
        Exception
    ) as error:  # papermill and nbformat raise many types for a file that is no notebook
        raise ValueError(f"{path} can't be read: {error}") from None
    parameters = {}
    for name, facts in found.items():
        try:
            default = ast.literal_eval(facts["default"])
        except (ValueError, SyntaxError):
            default = None
        if type(default) not in KINDS:
            raise ValueError(
                f"{path}: the default of the parameter {name} is {facts['default']}; "
                "expected a number, a text, True or False"
            )
        stated = RANGE.search(facts["help"])
        parameters[name] = Parameter(name, default, stated[0] if stated else "")
    return parameters


def read_settings(paths: Iterable[Path], texts: Sequence[tuple[str, str]]) -> Settings:
    """The parameters and values that a command line gives as texts, for every one of the notebooks.

    Raises:
        ValueError: a notebook has no such parameter, a value is not for it, or a name is given twice.
    """
    chosen: Settings = {}
    for name, text in _once(texts):
        for path in paths:
            chosen[name] = _parameter(path, name).value(text)
    return chosen


def read_sweep(path: Path, texts: Sequence[tuple[str, str]]) -> dict[str, list[Value]]:
    """The values to be tried of each parameter, from texts such as `0.01,0.1` and `0..9` (0 to 9, whole numbers).

    Raises:
        ValueError: as for `read_settings`; or a value stands twice, or the runs are more than `MOST_RUNS`.
    """
    ranges = {name: [_range(part) for part in text.split(",")] for name, text in _once(texts)}
    runs = math.prod(sum(map(len, parts)) for parts in ranges.values())
    if runs > MOST_RUNS:
        raise ValueError(f"this sweep is {runs:,} runs; expected {MOST_RUNS:,} or fewer")
    swept = {}
    for name, parts in ranges.items():
        parameter = _parameter(path, name)
        swept[name] = [parameter.value(str(each)) for part in parts for each in part]
        twice = {value for value in swept[name] if swept[name].count(value) > 1}
        if twice:
            raise ValueError(f"the sweep of {name} has {min(twice)!r} twice")
    return swept


def _range(text: str) -> Sequence[object]:
    ends = re.fullmatch(r"(-?\d+)\.\.(-?\d+)", text)
    if not ends:
        return [text]
    first, last = int(ends[1]), int(ends[2])
    if first > last:
        raise ValueError(f"{text} holds no number: {first} is more than {last}")
    return range(first, last + 1)


def _once(texts: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    names = [name for name, _ in texts]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the parameter {name} is given twice")
    return texts


def _parameter(path: Path, name: str) -> Parameter:
    parameters = read_parameters(path)
    if name not in parameters:
        known = ", ".join(parameters) or "none: no cell has the tag `parameters`"
        raise ValueError(f"{path} has no parameter {name!r}; it has {known}")
    return parameters[name]


def as_text(chosen: dict[str, Any]) -> str:
    """Parameters in one line, in the words of the command line."""
    return " ".join(f"{name}={value}" for name, value in chosen.items())
