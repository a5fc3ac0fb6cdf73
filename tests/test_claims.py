"""Each number in the prose is proven by a test, or listed as one that no run could prove.

A test in `tests/notebooks/` proves a sentence and quotes it with `says(NOTEBOOK, "…")`: search the tests for the words
to find the assertion, and the notebook for the words to find the sentence. What no run can prove (history, definitions,
what the reader is to type) stands in `tests/notebooks/unmeasured.toml`.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib

import pytest

from tests.reading import NOTEBOOKS, ROOT, prose

UNMEASURED = tomllib.loads((ROOT / "tests/notebooks/unmeasured.toml").read_text(encoding="utf-8"))

SHORTEST_QUOTE = 8

#: Numbers that name something and count nothing.
NAMES = re.compile(
    r"\b[Nn]otebooks? \d\d(?: and \d\d)?|\b[Ll]istings? 3\.\d+|Since 2021|about \d+ minutes|\b[A-Za-z_]+\d+\b"
)
NUMBER = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|twice|half|thirds?|tenth|tenths|twenty|thirty|forty|hundred)\b",
    re.IGNORECASE,
)


def sentences(path) -> list[str]:
    """The sentences of a notebook's prose, and the rows of its tables, without headings and links to other files."""
    text = re.sub(r"```.*?```", "", prose(path), flags=re.DOTALL)
    text = re.sub(
        r"^## Exercises$.*?(?=^## )", "", text, flags=re.DOTALL | re.MULTILINE
    )  # they ask
    found = []
    for block in re.split(r"\n\s*\n", text):
        if re.match(r"#|\[!\[|Previous:|Next:", block):
            continue
        if block.startswith("|"):
            found += block.splitlines()
        else:
            found += split(re.sub(r"^> ?", "", block, flags=re.MULTILINE))
    return found


def split(text: str) -> list[str]:
    return re.split(r"(?<=[.!?:])[)*\"]* (?=[-A-Z`(*\[\"])", " ".join(text.split()))


@functools.cache
def quotes(path) -> list[str]:
    """What the tests of a notebook quote from it, sentence by sentence, the longest first."""
    tests = ROOT / f"tests/notebooks/test_{path.stem}.py"
    if not tests.is_file():
        return []
    texts = [
        node.value
        for test in ast.parse(tests.read_text(encoding="utf-8")).body
        if "says(" in ast.unparse(test)
        for call in ast.walk(test)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in ("says", "pytest.mark.parametrize")
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    said = {part for text in texts for part in split(text) if len(part) >= SHORTEST_QUOTE}
    return sorted(said, key=len, reverse=True)


def without_proven_numbers(sentence: str, path) -> str:
    """The sentence, with what the tests quote of it and the numbers that are names taken out."""
    for quote in quotes(path):
        sentence = sentence.replace(quote, " ")
    return NAMES.sub(" ", sentence)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_number_in_the_prose_is_proven_or_listed_as_unmeasured(path):
    listed = UNMEASURED.get(path.stem, [])
    unproven = [
        sentence
        for sentence in sentences(path)
        if sentence not in listed and NUMBER.search(without_proven_numbers(sentence, path))
    ]
    assert not unproven, (
        f"prove these in tests/notebooks/test_{path.stem}.py and quote them there with `says`, "
        f"or list them in tests/notebooks/unmeasured.toml: {unproven}"
    )
    gone = [sentence for sentence in listed if sentence not in sentences(path)]
    assert not gone, f"no longer in the notebook, take off tests/notebooks/unmeasured.toml: {gone}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_the_prose_names_exists(path):
    """A name in code type, such as `tf.reduce_mean`, is one that today's TensorFlow, Keras or NumPy has."""
    import keras
    import numpy
    import tensorflow

    roots = {"tf": tensorflow, "keras": keras, "np": numpy}
    named = set(re.findall(r"`(?:\w+=)?((?:tf|keras|np)(?:\.\w+)+)", prose(path)))
    missing = [name for name in named if not _has(roots[name.split(".")[0]], name.split(".")[1:])]
    assert not missing, f"there is no {missing}"


def _has(thing: object, names: list[str]) -> bool:
    try:
        functools.reduce(getattr, names, thing)
    except AttributeError:
        return False
    return True
