"""What all explorers have in common: controls, and a picture and a sentence that follow them.

A board is made once and keeps its artists; an explorer moves them. What it shows depends on the values of its controls
alone, however they were reached, and whoever asks: a page, a run that no one looks at, a test. Picture and sentence are
ordinary outputs of the cell, so that they are stored with it; the controls alone are a widget.
"""

from __future__ import annotations

import base64
import io
import numbers
import os
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from support.explore import STATIC

if TYPE_CHECKING:
    from support.explore.controls import Controls

#: Of 9: a picture is seen for a moment, and a fifth more bytes cost less than the time to find them.
COMPRESSION = 2


@dataclass(frozen=True)
class Seen:
    """What a board shows besides the picture."""

    words: str  #: the numbers, in sentences
    alt: str  #: what is to be seen in the picture, for who can't see it
    numbers: Mapping[str, float] = field(default_factory=dict)


class Board(Protocol):
    """A figure whose artists can be moved."""

    figure: Figure

    #: Takes the values of the controls by name and moves the artists to where they want them. Raises a ValueError that
    #: says why where the values do not go together.
    @property
    def draw(self) -> Callable[..., Seen]: ...


@dataclass(frozen=True)
class Frame:
    """One state of an explorer."""

    figure: Figure  #: shared by all frames of an explorer; it shows the latest
    seen: Seen
    png: bytes


def text_of(value: object) -> str:
    """A control's value as it is written: beside the control, in the sentence and in the alt text."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, numbers.Integral) else f"{value:g}"


@dataclass(frozen=True)
class Number:
    """A slider for a number, a whole one if its step is."""

    label: str
    start: float
    low: float
    high: float
    step: float
    kind = "slider"

    @property
    def whole(self) -> bool:
        return isinstance(self.step, int)

    @property
    def options(self) -> Sequence[float]:
        """Where the slider can stand."""
        steps = range(round((self.high - self.low) / self.step) + 1)
        return [round(self.low + place * self.step, 9) for place in steps]

    def check(self, value: object) -> None:
        kind = numbers.Integral if self.whole else numbers.Real
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not self.low <= value <= self.high:  # type: ignore[operator]
            raise ValueError(
                f"{self.label} is {value!r}; expected a {'whole ' * self.whole}number "
                f"from {text_of(self.low)} to {text_of(self.high)}."
            )


@dataclass(frozen=True)
class Choice:
    """A few values to choose from, in a list or along a slider."""

    label: str
    start: Any
    options: Sequence[Any]
    kind: str = "list"

    def check(self, value: object) -> None:
        if value not in self.options:
            listed = ", ".join(map(text_of, self.options))
            raise ValueError(f"{self.label} is {value!r}; expected one of: {listed}.")


@dataclass(frozen=True)
class Typed:
    """A field to type in; the board says what may stand there."""

    label: str
    start: str
    kind = "field"

    def check(self, value: object) -> None:
        if not isinstance(value, str):
            raise ValueError(f"{self.label} is {value!r}; expected text, such as {self.start!r}.")


Control = Number | Choice | Typed


class Explorer:
    """Controls by name, and the board that follows them."""

    def __init__(self, board: Callable[[], Board], **controls: Control) -> None:
        self.controls = controls
        self._make_board = board
        self._board: Board | None = None  # made when it is first looked at
        # JupyterLab has the kernel hear of the controls in another thread than the cells'.
        self._drawing = threading.Lock()

    def frame(self, **values: Any) -> Frame:
        """The picture and the numbers for these values; a control that is not named has the value it starts with.

        Raises:
            TypeError: there is no such control.
            ValueError: a value is not one that its control can have, or the values do not go together.
        """
        unknown = ", ".join(values.keys() - self.controls.keys())
        if unknown:
            raise TypeError(f"there is no control {unknown}; there are {', '.join(self.controls)}")
        values = {name: control.start for name, control in self.controls.items()} | values
        for name, control in self.controls.items():
            control.check(values[name])
        with self._drawing:
            if self._board is None:
                self._board = self._make_board()
            seen = self._board.draw(**values)
            return Frame(self._board.figure, seen, png_of(self._board.figure))

    def explore(self) -> None:
        """Show the explorer: its controls where someone can move them, the picture, the sentence."""
        frame = self.frame()
        controls = None if os.environ.get(STATIC) else self._show_controls()
        picture, sentence = (
            display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
            for bundle in (_picture(frame), _sentence(frame.seen.words))
        )

        def follow(change: Mapping[str, Any]) -> None:
            wanted = change["new"]
            try:
                frame = self.frame(**self._values(wanted["values"]))
            except ValueError as error:  # the picture stays what it was
                words = f"⚠ {error}"
            else:
                words = frame.seen.words
                picture.update(_picture(frame), raw=True)
            sentence.update(_sentence(words), raw=True)
            change["owner"].drawn = {"number": wanted["number"], "words": words}

        if controls:
            controls.observe(follow, names="wanted")

    def _show_controls(self) -> Controls | None:
        try:
            from support.explore.controls import Controls
        except ImportError as error:
            note = f"This picture has no controls here: they need the package {error.name}."
            display(_sentence(note), raw=True)  # type: ignore[no-untyped-call]
            return None
        controls = Controls([_described(control) for control in self.controls.values()])
        display(controls)  # type: ignore[no-untyped-call]
        return controls

    def _values(self, sent: Sequence[int | str]) -> dict[str, Any]:
        """The controls' values by name, from what their front end sends."""
        return {
            name: each if isinstance(control, Typed) else control.options[each]  # type: ignore[index]
            for (name, control), each in zip(self.controls.items(), sent, strict=True)
        }


def _described(control: Control) -> dict[str, Any]:
    """A control as its front end needs it: it knows texts and places, and no values."""
    described: dict[str, Any] = {"label": control.label, "kind": control.kind}
    if isinstance(control, Typed):
        return described | {"start": control.start}
    options = control.options
    return described | {
        "texts": [text_of(value) for value in options],
        "start": options.index(control.start),
    }


def hold_labels(axes: Axes) -> None:
    """Keep title and labels where they are, which Matplotlib else measures anew for each picture: half of its time.

    The numbers on a logarithmic axis become plain ones, since typeset powers of ten take as long as all the rest.
    """
    axes.set_title(axes.get_title(), y=1.02)
    axes.xaxis.set_label_coords(0.5, -0.1)
    axes.yaxis.set_label_coords(-0.12, 0.5)
    if axes.get_yscale() == "log":
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())


def png_of(figure: Figure) -> bytes:
    png = io.BytesIO()
    FigureCanvasAgg(figure).print_png(  # type: ignore[no-untyped-call]
        png, metadata={"Software": None}, pil_kwargs={"compress_level": COMPRESSION}
    )
    return png.getvalue()


def _picture(frame: Frame) -> dict[str, str]:
    """As HTML, since JupyterLab gives other images no alt text; decoded before it is shown, so nothing flickers."""
    data = base64.b64encode(frame.png).decode()
    width, height = struct.unpack(">II", frame.png[16:24])  # as a PNG's header has them
    return {
        "text/html": (
            f'<img src="data:image/png;base64,{data}" alt="{escape(frame.seen.alt)}" '
            f'width="{width}" height="{height}" style="max-width: 100%; height: auto" decoding="sync">'
        ),
        "text/plain": f"Figure: {frame.seen.alt}",
    }


def _sentence(words: str) -> dict[str, str]:
    return {"text/html": f"<p>{escape(words)}</p>", "text/plain": words}
