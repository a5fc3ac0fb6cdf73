"""The engine of the exercises: judges an answer, says what is wrong with it, and keeps hints and solution ready.

An exercise is declared by its solution, which stands below the decorator `exercise`. A mistake that people make is
declared by what it changes in the solution's text (`slip`), or by an answer that makes it (`mistake`): who computes the
same, has made the same mistake. Where the mistake shows in something else than results, `mistake_if` takes a function
that looks at the attempt.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.exercises import progress
from support.exercises.apart import TookTooLong, apart
from support.exercises.boxes import Verdict, hint_box, pointer, solution_box, verdict_box
from support.exercises.call import Absent, Called, call, has_gap, source
from support.exercises.compare import Difference, close, compare, is_array, kind_of, show
from support.exercises.errors import Failure
from support.exercises.relate import relation
from support.exercises.traces import no_traces

#: How many pairs of slips are tried on an answer, those declared first before others: each takes half a millisecond.
MOST_PAIRS = 300

NOT_ATTEMPTED = Verdict("Not attempted", "replace the `...`, then run the cell again.")

Case = tuple[Any, ...]


@dataclass(frozen=True)
class Mistake:
    """Something that people do wrong, and how to recognize it."""

    words: str
    see: str  #: the notebook's section that explains it
    gives: Callable[..., Any] | None = None  #: an answer that makes the mistake
    seen: Callable[[Attempt], Any] | None = None  #: whether an attempt makes it
    slip: tuple[str, str] | None = None  #: what stands in the solution, and what in its place
    last: bool = False  #: whether it is looked for when nothing else fits


class Attempt:
    """An answer under examination."""

    def __init__(self, exercise: Exercise, answer: Any) -> None:
        self.exercise = exercise
        self.answer = answer
        self.case: Case = exercise.cases[0]  #: where the answer first goes wrong
        self.called = Called()  #: what came of it there
        self.expected = Called()
        self.found: Difference | None = None  #: None if the answer raised an error
        self._tried: dict[str, Called] = {}
        self._late: Called | None = (
            None  #: a call that took too long: the answer is not called again
        )

    @property
    def difference(self) -> Difference:
        """Between what came and what was expected.

        Raises:
            Absent: the answer raised an error.
        """
        if not self.found:
            raise Absent
        return self.found

    @cached_property
    def source(self) -> str:
        """The code in the style of `ast.unparse`; "" where it can't be had."""
        return source(self.answer)

    @cached_property
    def tree(self) -> ast.AST:
        return ast.parse(self.source)

    @property
    def parameters(self) -> list[str]:
        """The names that the answer gave to what it takes."""
        return list(inspect.signature(self.answer).parameters)

    @property
    def returns_nothing(self) -> bool:
        """Whether the code has no `return` with something after it."""
        return bool(self.source) and not re.search(r"return (?!None\b)|lambda", self.source)

    @cached_property
    def failure(self) -> Failure | None:
        """What failed, if an error was raised."""
        return Failure(self.called.error) if self.called.error else None

    def fails_as(self, *kinds: str) -> bool:
        """Whether its error is of one of these kinds, which `errors` knows."""
        return self.failure is not None and any(map(self.failure.is_a, kinds))

    def lacks(self, *names: str, of: Any = object) -> bool:
        """Whether it fails since an attribute is missing: one of these names, in a kind of object or a package."""
        return self.failure is not None and self.failure.lacks(*names, of=of)

    def part(self, name: str) -> Any:
        """A part of the result, where several are observed.

        Raises:
            Absent: there is none of this name, or the answer raised an error.
        """
        parts = self.called.value
        if not isinstance(parts, dict) or name not in parts:
            raise Absent
        return parts[name]

    @property
    def numbers(self) -> NDArray[Any]:
        """The result as an array.

        Raises:
            Absent: it is no array, number or list of these, or the answer raised an error.
        """
        return numbers_of(self.called.value)

    def gives(self, numbers: Any) -> bool:
        """Whether the result is these numbers within rounding, in this shape."""
        wanted = np.asarray(numbers)
        return self.numbers.shape == wanted.shape and close(self.numbers, wanted)

    def calls(self, *names: str) -> list[ast.Call]:
        """Where the code calls functions or methods of these names."""
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call)
            and (
                getattr(node.func, "id", None) in names or getattr(node.func, "attr", None) in names
            )
        ]

    def run(self, case: Case) -> Called:
        """What comes of the answer in a case."""
        key = repr(case)
        if key not in self._tried:
            self._tried[key] = self._unless_late(lambda: self.exercise.run(self.answer, case))
        return self._tried[key]

    def call(self, *arguments: Any) -> Any:
        """What the bare answer returns for arguments.

        Raises:
            Absent: it raises an error.
        """
        return self._unless_late(lambda: call(self.answer, *arguments)).value

    def _unless_late(self, run: Callable[[], Called]) -> Called:
        called = self._late or run()
        if isinstance(called.error, TookTooLong):
            self._late = called
        return called

    def finds(self, case: Case) -> bool:
        """Try a case. Returns whether the answer goes wrong there, and keeps what came of it."""
        self.case, self.expected = case, self.exercise.expected(case)
        self.called = self.run(case)
        self.found = None if self.called.error else compare(self.called.value, self.expected.value)
        return bool(self.called.error or self.found)


class Exercise:
    """One exercise: its solution, where it is tried, its hints, and the mistakes it knows."""

    def __init__(
        self,
        solution: Callable[..., Any],
        notebook: str,
        see: str,
        cases: Sequence[Case],
        hints: Sequence[str],
        given: Callable[..., tuple[Any, ...]],
        observe: Callable[..., Any],
        seconds: float,
        pairs: bool,
    ) -> None:
        self.name = solution.__name__
        self.notebook = notebook
        self.see = see
        self.mistakes: list[Mistake] = []
        self.hints = hints
        self.answer = solution  #: the right one
        self.cases = cases
        self._given = given
        self._observe = observe
        self.seconds = seconds
        self._pairs = pairs
        self._wrong: dict[tuple[tuple[str, str], ...], Callable[..., Any] | None] = {}
        self._hints_given = 0
        self._verdict: Verdict | None = None  #: on the last answer
        self._known: dict[tuple[Callable[..., Any], str], Called] = {}
        #: What conditions of mistakes have raised, by the words of the mistakes.
        self.broken: dict[str, Exception] = {}

    # For the learner

    def check(self, answer: Any) -> None:
        """Say whether an answer is right, and what is wrong with it if not."""
        verdict = self._verdict = self.judge(answer)
        if verdict.outcome == "Right":
            progress.record(self.notebook, self.name)
            verdict = self._state()
        verdict_box(self, verdict).show()

    def hint(self) -> None:
        """Show the next hint."""
        self._hints_given += 1
        hint_box(self, self._hints_given).show()

    def solution(self) -> None:
        """Show code that works."""
        solution_box(self).show()

    def __repr__(self) -> str:
        return repr(verdict_box(self, self._state()))

    def _repr_html_(self) -> str:
        return verdict_box(self, self._state())._repr_html_()

    def _state(self) -> Verdict:
        """The verdict on the last answer, of this day or another, and how many exercises are solved."""
        solved = self.name in progress.read().get(self.notebook, [])
        verdict = self._verdict or (Verdict("Right") if solved else NOT_ATTEMPTED)
        words = " ".join(filter(None, [verdict.words, progress.count_solved(self.notebook)]))
        return replace(verdict, words=words)

    @cached_property
    def solution_source(self) -> str:
        text = textwrap.dedent(inspect.getsource(self.answer))
        (definition,) = ast.parse(text).body
        return "\n".join(text.splitlines()[definition.lineno - 1 :])

    # Declaring mistakes

    def mistake(self, words: str, gives: Callable[..., Any] | None = None, *, see: str = "") -> Any:
        """Declare an answer that makes a mistake. Without it, a decorator of the answer that follows."""
        if gives is None:
            return lambda gives: self.mistake(words, gives, see=see)
        self.mistakes.append(Mistake(words, see or self.see, gives=gives))

    def mistake_if(
        self,
        words: str,
        seen: Callable[[Attempt], Any] | None = None,
        *,
        see: str = "",
        last: bool = False,
    ) -> Any:
        """Declare that an attempt makes a mistake if a function of it says so. Without it, a decorator.

        Args:
            words: what the mistake is.
            seen: takes the attempt.
            see: the section that explains it; that of the exercise if none is named.
            last: whether to ask only when no other mistake, and no two slips, have been recognized.
        """
        if seen is None:
            return lambda seen: self.mistake_if(words, seen, see=see, last=last)
        self.mistakes.append(Mistake(words, see or self.see, seen=seen, last=last))

    def slip(self, words: str, old: str, new: str, *, see: str = "") -> None:
        """Declare a mistake by what it changes in the solution's text: `old` has become `new`, wherever it stands."""
        self.mistakes.append(Mistake(words, see or self.see, slip=(old, new)))

    # Judging

    def judge(self, answer: Any) -> Verdict:
        """The verdict on an answer, which may be anything at all."""
        attempt = Attempt(self, answer)
        with no_traces():
            try:
                return apart(lambda: self._judge(attempt), self.seconds)
            except TookTooLong as late:
                attempt.called = Called(error=late, line=late.line)
                with contextlib.suppress(TookTooLong):
                    return apart(lambda: self._explain(attempt), self.seconds)
                return Verdict("Error", str(late))

    def _judge(self, attempt: Attempt) -> Verdict:
        unfit = self._unfit(attempt.answer)
        if unfit:
            return unfit
        if has_gap(attempt.source):
            return NOT_ATTEMPTED
        if not any(attempt.finds(case) for case in self.cases):
            return Verdict("Right")
        if attempt.called.result is ...:
            return NOT_ATTEMPTED
        return self._explain(attempt)

    def arguments(self, case: Case) -> tuple[Any, ...]:
        """What an answer is given in a case, made anew."""
        return self._given(*case)

    def run(self, answer: Callable[..., Any], case: Case) -> Called:
        """Call an answer in a case, with inputs made anew."""
        given = self.arguments(case)
        before = [
            copy.deepcopy(each) if isinstance(each, list | np.ndarray) else None for each in given
        ]
        called = call(self._observe, answer, *given)
        for unchanged, after in zip(before, given, strict=True):
            if unchanged is not None and not np.array_equal(unchanged, after):
                return Called(error=ChangedItsInput("your code changes what was given to it"))
        return called

    def expected(self, case: Case) -> Called:
        """What the solution gives in a case."""
        expected = self.remembered(self.answer, case)
        if isinstance(expected.error, TookTooLong):  # held up by what an earlier check left behind
            raise expected.error
        return expected

    def remembered(self, answer: Callable[..., Any], case: Case) -> Called:
        """What comes of an answer of this module in a case; it is run once."""
        key = answer, repr(case)
        if key in self._known:
            return self._known[key]
        called = self.run(answer, case)
        if not isinstance(called.error, TookTooLong):
            self._known[key] = called
        return called

    def _unfit(self, answer: Any) -> Verdict | None:
        """The verdict where the answer is not even of the right kind."""
        if answer is ...:
            return NOT_ATTEMPTED
        wanted = "class" if isinstance(self.answer, type) else "function"
        fits = isinstance(answer, type) if wanted == "class" else inspect.isroutine(answer)
        if not fits and wanted == "function":  # a compiled `tf.function`, a partial
            fits = type(answer).__module__.split(".")[0] in ("functools", "tensorflow")
            fits = fits and callable(answer)
        if not fits:
            return Verdict(
                "Wrong", f"check takes the {wanted} {self.name} itself; got {kind_of(answer)}."
            )
        if wanted == "function":
            return self._wrong_arguments(answer)
        return None

    def _wrong_arguments(self, answer: Callable[..., Any]) -> Verdict | None:
        names = list(inspect.signature(self.answer).parameters)
        try:
            inspect.signature(answer).bind(*names)
        except TypeError:
            mine = ", ".join(inspect.signature(answer).parameters) or "nothing"
            return Verdict(
                "Wrong", f"{self.name} is to take ({', '.join(names)}); yours takes {mine}."
            )
        except ValueError:  # built in, without a signature
            pass
        return None

    def _explain(self, attempt: Attempt) -> Verdict:
        made = [] if isinstance(attempt.called.error, TookTooLong) else self._made(attempt)
        outcome = "Error" if attempt.called.error else "Wrong"
        evidence = self._evidence(attempt)
        if made:
            words = " ".join(
                ["Two things at once."] * (len(made) - 1) + [each.words for each in made]
            )
            pointers = " ".join(dict.fromkeys(pointer(each.see) for each in made))
            first = f"\n({attempt.found.words})" if attempt.found else ""
            return Verdict(outcome, f"{words} {pointers}", f"{evidence}{first}")
        if attempt.called.error:
            return Verdict(outcome, _words_for_error(attempt.called), evidence)
        return Verdict(outcome, self._words_for_difference(attempt), evidence)

    def _made(self, attempt: Attempt) -> Sequence[Mistake]:
        """The mistake that an attempt makes, or the two slips; empty if none is known."""
        at_once, in_the_end = (
            [m for m in self.mistakes if m.last is last] for last in (False, True)
        )
        for mistake in at_once:
            if self._makes(attempt, mistake):
                return [mistake]
        if self._pairs and not attempt.called.error:
            slips = [(mistake, mistake.slip) for mistake in self.mistakes if mistake.slip]
            places = sorted(itertools.combinations(range(len(slips)), 2), key=sum)  # common ones
            for first, second in places[:MOST_PAIRS]:
                (one, one_slip), (other, other_slip) = slips[first], slips[second]
                wrong = self.slipped(one_slip, other_slip)
                if wrong and self._gives_the_same(attempt, wrong):
                    return [one, other]
        return [mistake for mistake in in_the_end if self._makes(attempt, mistake)][:1]

    def _makes(self, attempt: Attempt, mistake: Mistake) -> bool:
        if mistake.seen:
            try:
                return bool(mistake.seen(attempt))
            except Absent:
                return False
            except Exception as error:  # a learner still gets a verdict; the tests tell
                self.broken[mistake.words] = error
                return False
        wrong = self.slipped(mistake.slip) if mistake.slip else mistake.gives
        return wrong is not None and self._gives_the_same(attempt, wrong)

    def _gives_the_same(self, attempt: Attempt, wrong: Callable[..., Any]) -> bool:
        """Whether the attempt gives in each case what a wrong answer gives."""
        if not _same(attempt.called, self.remembered(wrong, attempt.case)):
            return False
        return not any(
            _contradict(attempt.run(case), self.remembered(wrong, case))
            for case in self.cases
            if case != attempt.case
        )

    def slipped(self, *slips: tuple[str, str]) -> Callable[..., Any] | None:
        """The solution with slips in it; None if one leaves no place for the other."""
        if slips not in self._wrong:
            self._wrong[slips] = self._changed(slips)
        return self._wrong[slips]

    def _changed(self, slips: tuple[tuple[str, str], ...]) -> Callable[..., Any] | None:
        text = self.solution_source
        for old, new in slips:
            if old not in text:
                return None
            text = text.replace(old, new)
        names = vars(sys.modules[self.answer.__module__]).copy()
        try:
            exec(compile(text, "<slip>", "exec"), names)
        except SyntaxError:
            return None
        return names[self.name]

    def _words_for_difference(self, attempt: Attempt) -> str:
        difference = attempt.difference
        if attempt.called.value is None and difference.kind == "type":
            if attempt.calls("print"):
                return "your function prints, and returns nothing: it ends without `return`."
            return "your function returns None: a `return` is missing, or has nothing after it."
        sizes = {
            size
            for each in self.arguments(attempt.case)
            if is_array(each)
            for size in (*each.shape, int(np.prod(each.shape)))
        }
        words = [f"{difference.words}.", relation(difference, sizes)]
        return " ".join(filter(None, [*words, pointer(self.see)]))

    def _evidence(self, attempt: Attempt) -> str:
        return "\n".join(self._lines_of_evidence(attempt))

    def _lines_of_evidence(self, attempt: Attempt) -> Iterator[str]:
        names = inspect.signature(self.answer).parameters
        given = self.arguments(attempt.case)
        if len(names) == len(given):
            for name, value in zip(names, given, strict=True):
                yield f"{name} = {show(value)}"
        if attempt.called.error:
            if attempt.called.line:
                yield f"in your line: {attempt.called.line}"
            if not isinstance(attempt.called.error, TookTooLong):
                error = attempt.called.error
                yield f"{type(error).__name__}: {_first_line(error)}"
            return
        difference = attempt.difference
        if difference.got is not None and difference.expected is not None:
            plain = difference.kind == "values" and difference.expected.ndim == 0
            describe = show if plain else _show_result
            yield f"yours:    {describe(difference.got)}"
            yield f"expected: {describe(difference.expected)}"


class ChangedItsInput(Exception):
    pass


def exercise(
    notebook: str,
    see: str,
    cases: Sequence[Case],
    hints: Sequence[str],
    given: Callable[..., tuple[Any, ...]] = lambda *case: case,
    observe: Callable[..., Any] = lambda answer, *given: answer(*given),
    seconds: float = 1.0,
    pairs: bool = False,
) -> Callable[[Callable[..., Any]], Exercise]:
    """Declare an exercise by its solution, the function or class that follows.

    Args:
        notebook: the file's name without its ending.
        see: the section that explains what is needed.
        cases: what an answer is tried on, as tuples of plain values; the smallest first, edge cases among them.
        hints: from the first push to nearly all.
        given: makes the arguments of an answer from a case, anew for each call.
        observe: takes an answer and its arguments and returns what is compared: plain values, arrays, tensors, or a
            list or dict of them. The keys of a dict name its parts in messages.
        seconds: the longest that one call may compute; it may wait three times as long, but at most 4 s.
        pairs: whether an answer may be recognized as one with two slips; for answers that take less than a millisecond.
    """
    return lambda solution: Exercise(
        solution, notebook, see, cases, hints, given, observe, seconds, pairs
    )


def numbers_of(value: Any) -> NDArray[Any]:
    """An array of what may be anything.

    Raises:
        Absent: it is nothing of numbers or truth values, or lists of different lengths.
    """
    try:
        numbers = np.asarray(value)
    except Exception:  # of a symbolic tensor, for one
        raise Absent from None
    if numbers.dtype.kind not in "iufb":
        raise Absent
    return numbers


def _same(one: Called, other: Called) -> bool:
    if one.error or other.error:
        return type(one.error) is type(other.error) and str(one.error) == str(other.error)
    try:
        return compare(one.value, other.value) is None
    except (KeyError, TypeError, AttributeError):  # of another structure
        return False


def _contradict(one: Called, other: Called) -> bool:
    """Whether both give something, and not the same."""
    return not (one.error or other.error or _same(one, other))


def _words_for_error(called: Called) -> str:
    error = called.error
    if isinstance(error, TookTooLong):
        return str(error)
    if isinstance(error, ChangedItsInput):
        return f"{error}; whoever called it may need it still. Work on a copy."
    if isinstance(error, UnboundLocalError):
        name = str(error).split("'")[1]
        return (
            f"`{name}` is read before it has a value. A name that is assigned anywhere in a function is the "
            "function's own, even where another one of that name stands outside."
        )
    if isinstance(error, NameError):
        return (
            f"the name `{error.name}` means nothing in your code: nothing has defined it. If a cell above does, run "
            "that one first."
        )
    return f"your code raised {type(error).__name__}."


def _first_line(error: BaseException) -> str:
    text = re.sub(
        r"\{\{.*?\}\} ?| ?\[Op:\w+\].*", "", str(error)
    )  # how TensorFlow calls its operations
    lines = text.strip().splitlines()
    line = lines[0] if lines else "(no message)"
    if line.endswith("in user code:"):  # AutoGraph's: the error itself comes last
        line = lines[-1].strip()
    return line if len(line) <= 300 else f"{line[:300]}…"


def _show_result(array: Any) -> str:
    return f"{show(array)}, shape {array.shape}, {array.dtype}"
