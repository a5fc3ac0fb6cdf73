"""The explorers' controls in a page: a widget whose front end is `controls.js`.

Only what ipywidgets 7 (Colab) and 8 share is used here.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import anywidget
import traitlets

#: What stands in place of the controls where nothing answers them.
NOTE = "Run this cell to move the explorer."

HERE = Path(__file__)


class Controls(anywidget.AnyWidget):
    """Sliders, lists and fields. They want something, and are told when it is drawn."""

    _esm = HERE.with_suffix(".js").read_text(encoding="utf-8")
    _css = HERE.with_suffix(".css").read_text(encoding="utf-8")
    name = traitlets.Unicode().tag(sync=True)  #: the widget's id, which its front end is not told
    note = traitlets.Unicode(NOTE).tag(sync=True)
    #: Of each control: label, kind (slider, list or field), the texts to choose from, and where it starts among them.
    controls: traitlets.List[Any] = traitlets.List().tag(sync=True)
    #: A running number, and the values: places among the texts, or what was typed.
    wanted = traitlets.Dict().tag(sync=True)
    #: The number of what was drawn last, and the words for it.
    drawn = traitlets.Dict().tag(sync=True)
    #: Whether a page has it. A page that is loaded later has lost the displays that the kernel updates.
    taken = traitlets.Bool(False).tag(sync=True)

    def __init__(self, controls: list[dict[str, Any]]) -> None:
        name = uuid.uuid4().hex
        super().__init__(controls=controls, name=name, model_id=name)

    def __repr__(self) -> str:
        return NOTE

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget, and the note for pages that know no widgets."""
        data, metadata = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        return data | {"text/html": f"<p>{NOTE}</p>"}, metadata
