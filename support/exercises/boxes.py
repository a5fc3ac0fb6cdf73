"""How an exercise looks: its verdict, hints and solution, as a box in a notebook and as text in a terminal.

A box needs no script and no kernel. What can be opened is a `<details>` element, which a click or a key opens wherever
HTML is shown, in a stored notebook, too. In words, `names` stand in backticks and a section's heading in “quotes”; a
box makes code and links of them.
"""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from html import escape, unescape
from importlib.metadata import metadata
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Number, Operator, String  # type: ignore[import-untyped]

from support.exercises.progress import MODULES

if TYPE_CHECKING:
    from support.exercises.engine import Exercise

LINE = 88  # characters that Jupyter shows without breaking a word

#: For each outcome its mark, and the color of its border, which can be seen on white and on black.
OUTCOMES = {
    "Not attempted": ("○", "#858585"),
    "Right": ("✔", "#009E73"),
    "Wrong": ("✘", "#D55E00"),
    "Error": ("⚠", "#CC79A7"),
}
HELP = "#2F8BC9"  #: the border of a hint and of a solution

#: Code has a background of its own, so that its colors can be read in every theme.
PAPER, INK = "#F6F6F6", "#1F1F1F"
COLORS = {
    Keyword: "#0B4F9E",
    Operator.Word: "#0B4F9E",  # `in`, `and`
    Number: "#8F3F00",
    String: "#0A6640",
    Comment: "#5C5C5C",
}


@dataclass(frozen=True)
class Verdict:
    """What a check says."""

    outcome: str  #: one of `OUTCOMES`
    words: str = ""  #: what is wrong
    evidence: str = ""  #: for which input, and what came of it

    @property
    def title(self) -> str:
        return f"{OUTCOMES[self.outcome][0]} {self.outcome}"

    def __repr__(self) -> str:
        head = self.title + f": {self.words}" * bool(self.words)
        return head + "".join(f"\n    {line}" for line in self.evidence.splitlines())


@dataclass(frozen=True)
class Box:
    """Jupyter shows the HTML, a terminal the text."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html

    def show(self) -> None:
        from IPython.display import display

        display(self)  # type: ignore[no-untyped-call]


def verdict_box(exercise: Exercise, verdict: Verdict) -> Box:
    """A verdict; below it each hint inside the one before, and in the last the solution. "Right" has that alone."""
    text, inside = repr(verdict), _details("Solution", _code(exercise.solution_source))
    if verdict.outcome != "Right":
        text += f"\n    exercises.{exercise.name}.hint() shows a hint."
        for number, hint in reversed(list(enumerate(exercise.hints, start=1))):
            words = _marked_up(hint, exercise.notebook)
            inside = _details(_title(exercise, number), words + inside)
    evidence = f"<pre>{escape(verdict.evidence)}</pre>" if verdict.evidence else ""
    words = f": {_marked_up(verdict.words, exercise.notebook)}" if verdict.words else ""
    _, color = OUTCOMES[verdict.outcome]
    return Box(text, _box(color, f"<b>{verdict.title}</b>{words}{evidence}{inside}"))


def hint_box(exercise: Exercise, number: int) -> Box:
    """The hint of this number, which counts from 1; past the last, how to see the solution."""
    if number <= len(exercise.hints):
        title, words = _title(exercise, number), exercise.hints[number - 1]
    else:
        title = "There are no more hints"
        words = f"`exercises.{exercise.name}.solution()` shows code that works."
    html = f"<b>{title}</b>: {_marked_up(words, exercise.notebook)}"
    return Box(textwrap.fill(f"{title}: {words}", LINE), _box(HELP, html))


def solution_box(exercise: Exercise) -> Box:
    code = exercise.solution_source
    return Box(code, _box(HELP, f"<b>Solution</b>{_code(code)}"))


def pointer(see: str) -> str:
    """Where to read: `see` names a section, of another notebook as "notebook 04: Section"."""
    notebook, _, section = see.partition(": ") if see.startswith("notebook ") else ("", "", see)
    return f"See “{section}”" + f" in {notebook}" * bool(notebook) + "."


def address(notebook: str, section: str, here: str) -> str:
    """Where a link in an output leads to a section of a notebook.

    JupyterLab knows a heading of the same page by its words. In a notebook that it has yet to open, it finds a cell by
    its id and no heading, and so does Colab, whose outputs stand in a frame that only whole addresses lead out of. So a
    section that is pointed to begins its cell, and the cell's id is made of the heading's words.

    Args:
        notebook: the notebook's name without its ending.
        section: the heading, as Markdown; "" for the notebook's beginning.
        here: the notebook in which the link stands.
    """
    cell = re.sub(r"[^a-z0-9]+", "-", section.lower()).strip("-")
    if "google.colab" in sys.modules:
        return f"{_folder_on_colab()}/{notebook}.ipynb" + f"#scrollTo={cell}" * bool(cell)
    if notebook == here:
        return "#" + section.replace("`", "").replace(" ", "-")
    return f"{notebook}.ipynb" + f"#cell-id={cell}" * bool(cell)


def _folder_on_colab() -> str:
    """Where Colab shows the notebooks; the package's metadata tell their repository."""
    addresses = metadata("keras-tensorflow-curriculum").get_all("Project-URL", [])
    (repository,) = (each for each in addresses if each.startswith("Repository, "))
    _, _, path = repository.partition("https://github.com/")
    return f"https://colab.research.google.com/github/{path.replace('/tree/', '/blob/')}/notebooks"


def _title(exercise: Exercise, number: int) -> str:
    return f"Hint {number} of {len(exercise.hints)}"


def _box(color: str, html: str) -> str:
    return f'<div style="border-left: 4px solid {color}; padding: 0.3em 0.8em">{html}</div>'


def _details(title: str, html: str) -> str:
    return f'<details style="margin-top: 0.3em"><summary>{title}</summary>{html}</details>'


def _marked_up(words: str, here: str) -> str:
    """Words as HTML, with links to sections and notebooks, and with code."""

    def link(found: re.Match[str]) -> str:
        section, number = found[1] or "", found[2] or found[3]
        notebook = next((stem for stem in MODULES if stem[:2] == number), here)
        place = escape(address(notebook, unescape(section), here))
        tab = ' target="_blank"' if place.startswith("https:") else ""
        return f'<a href="{place}"{tab}>{found[0]}</a>'

    section = r"“(.+?)”(?: in notebook (\d\d))?"
    linked = re.sub(rf"{section}|notebook (\d\d)", link, escape(words))
    return re.sub("`(.+?)`", r"<code>\1</code>", linked)


def _code(source: str) -> str:
    """Python as HTML, with the colors of its parts."""

    def color(token: tuple[Any, str]) -> str:
        return next((COLORS[kind] for kind in COLORS if token[0] in kind), "")

    parts = [
        (shade, escape("".join(text for _, text in tokens)))
        for shade, tokens in groupby(PythonLexer().get_tokens(source), key=color)
    ]
    colored = "".join(
        f'<span style="color: {shade}">{text}</span>' if shade else text for shade, text in parts
    )
    style = f"background: {PAPER}; color: {INK}; padding: 0.5em; overflow-x: auto"
    return f'<pre style="{style}">{colored.rstrip()}</pre>'
