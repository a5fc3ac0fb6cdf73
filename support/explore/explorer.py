"""What all explorers have in common: controls, and a picture and words that follow them.

A board is made once and keeps its artists; an explorer moves them. What it shows depends on the values of its controls
alone, however they were reached, and whoever asks: the widget, the static picture, a test.

Only what ipywidgets 7 (Colab) and 8 share is used here.
"""

from __future__ import annotations

import base64
import io
import numbers
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from support import plots
from support.explore import STATIC

if TYPE_CHECKING:
    import ipywidgets


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


@dataclass(frozen=True)
class Number:
    """A slider for a number, a whole one if its step is."""

    label: str
    start: float
    low: float
    high: float
    step: float

    @property
    def whole(self) -> bool:
        return isinstance(self.step, int)

    def widget(self) -> ipywidgets.Widget:
        import ipywidgets

        limits = {"value": self.start, "min": self.low, "max": self.high, "step": self.step}
        if self.whole:
            return ipywidgets.IntSlider(**limits)
        decimals = len(str(self.step).partition(".")[2])
        return ipywidgets.FloatSlider(**limits, readout_format=f".{decimals}f")

    def check(self, value: object) -> None:
        kind = numbers.Integral if self.whole else numbers.Real
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not self.low <= value <= self.high:  # type: ignore[operator]
            raise ValueError(
                f"{self.label} is {value!r}; expected a {'whole ' * self.whole}number "
                f"from {self.low:g} to {self.high:g}."
            )


@dataclass(frozen=True)
class Choice:
    """A list to choose from."""

    label: str
    start: Any
    options: Sequence[Any]

    def widget(self) -> ipywidgets.Widget:
        import ipywidgets

        return ipywidgets.Dropdown(options=list(self.options), value=self.start)

    def check(self, value: object) -> None:
        if value not in self.options:
            listed = ", ".join(map(str, self.options))
            raise ValueError(f"{self.label} is {value!r}; expected one of: {listed}.")


@dataclass(frozen=True)
class Typed:
    """A field to type in; the board says what may stand there."""

    label: str
    start: str

    def widget(self) -> ipywidgets.Widget:
        import ipywidgets

        return ipywidgets.Text(value=self.start, continuous_update=False)

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
        if self._board is None:
            self._board = self._make_board()
        seen = self._board.draw(**values)
        return Frame(self._board.figure, seen, png_of(self._board.figure))

    def explore(self) -> None:
        """Show the explorer."""
        from IPython.display import display

        if os.environ.get(STATIC):
            frame = self.frame()
            plots.show(frame.figure, frame.seen.alt)
            print(frame.seen.words)
        else:
            display(self.widget())  # type: ignore[no-untyped-call]

    def widget(self) -> ipywidgets.Widget:
        """The explorer as a widget: its controls in their order, the words, the picture."""
        import ipywidgets

        controls = {name: control.widget() for name, control in self.controls.items()}
        for name, control in controls.items():
            control.description = self.controls[name].label
            control.style.description_width = "11em"
            control.layout.width = "32em"
        picture, words = ipywidgets.HTML(), ipywidgets.HTML()

        def follow(_: object = None) -> None:
            try:
                frame = self.frame(**{name: control.value for name, control in controls.items()})
            except ValueError as error:  # the picture stays what it was
                words.value = _in_words(f"⚠ {error}")
            else:
                picture.value = _image(frame)
                words.value = _in_words(frame.seen.words)

        for control in controls.values():
            control.observe(follow, names="value")
        follow()
        return ipywidgets.VBox([*controls.values(), words, picture])


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


def _image(frame: Frame) -> str:
    """As HTML, since the image widget has no alt text; decoded before it is shown, so that nothing flickers."""
    data = base64.b64encode(frame.png).decode()
    width = round(frame.figure.get_figwidth() * frame.figure.dpi)
    return (
        f'<img src="data:image/png;base64,{data}" alt="{escape(frame.seen.alt)}" width="{width}" '
        'style="max-width: 100%" decoding="sync">'
    )


def _in_words(words: str) -> str:
    """With room for two lines, so that the picture below stays where it is."""
    return f'<div role="status" style="line-height: 1.5; min-height: 3em">{escape(words)}</div>'
