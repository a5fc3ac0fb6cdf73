"""Answers to exercises, as cells of a notebook define them."""

from __future__ import annotations

import functools
import importlib
import tomllib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from support.exercises.engine import Exercise
from tests.reading import ROOT
from tests.running import execute


def exercises_of(module: str) -> dict[str, Exercise]:
    """The exercises of a module, by name, in their order."""
    content = vars(importlib.import_module(f"support.exercises.{module}"))
    return {name: each for name, each in content.items() if isinstance(each, Exercise)}


@functools.cache
def rows() -> list[tuple[str, str, dict[str, Any]]]:
    """All answers of the tables in `tests/exercises/`: module, name of the exercise, and the row."""
    return [
        (path.stem, name, row)
        for path in sorted((ROOT / "tests/exercises").glob("*.toml"))
        for name, answers in tomllib.loads(path.read_text(encoding="utf-8")).items()
        for row in answers
    ]


def answer_of(name: str, source: str) -> Any:
    """What the source defines under this name. Python can find its lines, as it can those of a cell."""
    names = {"__name__": "__main__", "keras": keras, "np": np, "tf": tf}
    execute(source, f"<cell {abs(hash(source))}>", names)
    return names[name]
