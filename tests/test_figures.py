"""The stored figures are what the cells draw today."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from support import plots
from tests.curriculum import NOTEBOOKS, code_cells, run

#: Root mean square of the differences of all pixels, of 255. Other processors and font renderers differ by less;
#: a swapped color, a missing line or a changed label by more.
TOLERANCE = 0.5

CELLS = [
    pytest.param(path.stem, cell.id, cell.outputs, id=f"{path.stem}/{cell.id}")
    for path in NOTEBOOKS
    for cell in code_cells(path)
    if "plots.show(" in cell.source
]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


@pytest.mark.parametrize(("stem", "cell_id", "outputs"), CELLS)
def test_a_stored_figure_is_what_the_cell_draws(stem, cell_id, outputs):
    stored = [
        base64.b64decode(output.data["image/png"])
        for output in outputs
        if "image/png" in output.get("data", {})
    ]
    drawn = run(stem)[cell_id].figures
    assert len(stored) == len(drawn) == 1, "run `make notebooks`"
    png = io.BytesIO()
    drawn[0].savefig(png, format="png", dpi=plots.DOTS_PER_INCH)
    expected, actual = pixels(stored[0]), pixels(png.getvalue())
    assert expected.shape == actual.shape
    difference = np.sqrt(np.mean((expected - actual) ** 2))
    assert difference <= TOLERANCE, (
        "the figure differs from the stored one: look at it, then run `make notebooks`"
    )
