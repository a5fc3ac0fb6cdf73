"""When two figures that a cell drew count as the same.

Numbers that differ in their last digits move a marker by a pixel, or an edge by less. Measured over all pixels at once
(the root mean square that `matplotlib.testing.compare` takes), such a jump weighs as much as a changed digit in a
label. So each pixel is compared with what stands within one pixel of the same place in the other figure; what still
differs is summed up over small windows, so that one changed letter in a large figure counts.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

#: Differences of brightness up to this, of 255, are not seen.
UNSEEN = 16

#: Side of the windows, in pixels.
WINDOW = 12

#: In no window may the figures differ by more: full differences (255) of so many pixels. Of the curriculum's figures,
#: data moved by 1e-4 of its size gives up to 0.19; the smallest changes of one letter or digit give 0.32 (x² for x³),
#: then 2.3; a line that is missing or of another color, 33 and more.
TOLERANCE = 0.25

REPORTS = Path(__file__).parents[2] / "build/figures"


def same(stored: str, fresh: str) -> bool:
    """Whether a reader would see no difference between two PNG files in base64."""
    return stored == fresh or difference(_pixels(stored), _pixels(fresh)) <= TOLERANCE


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """How much two figures differ, in the window where they differ most.

    Args:
        a, b: pixels, of shape (height, width, 3).

    Returns:
        The sum of the differences that can be seen, in full differences of one pixel; infinite for unlike shapes.
    """
    if a.shape != b.shape:
        return float("inf")
    seen = np.pad(_seen(a, b), WINDOW).cumsum(axis=0).cumsum(axis=1)
    windows = (seen[WINDOW:, WINDOW:] - seen[:-WINDOW, WINDOW:] - seen[WINDOW:, :-WINDOW]) + seen[
        :-WINDOW, :-WINDOW
    ]
    return float(windows.max()) / 255


def explain(stored: str, fresh: str, name: str) -> str:
    """Write both figures and their difference to `build/figures`, and say in a line what differs and where they are."""
    a, b = _pixels(stored), _pixels(fresh)
    pictures = {"expected": a, "actual": b}
    if a.shape == b.shape:
        pictures["difference"] = (255 - np.clip(_seen(a, b), 0, 255)).astype(np.uint8)
        told = f"differ by {difference(a, b):.2f}; up to {TOLERANCE} goes unseen"
    else:
        told = f"differ in size: {b.shape[1]} by {b.shape[0]} pixels, and not {a.shape[1]} by {a.shape[0]}"
    REPORTS.mkdir(parents=True, exist_ok=True)
    paths = [REPORTS / f"{name}-{kind}.png" for kind in pictures]
    for path, picture in zip(paths, pictures.values(), strict=True):
        Image.fromarray(picture).save(path)
    return f"  The figures {told}. Look at them:" + "".join(f"\n    {path}" for path in paths)


def _pixels(png: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))


def _seen(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """For each pixel, the difference that can be seen, of 255: in either direction, in the color that differs most."""
    beyond = np.maximum(_beyond(a, b), _beyond(b, a)).max(axis=2)
    return np.maximum(beyond - UNSEEN, 0)


def _beyond(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How far each value of `a` lies outside of all values of `b` within one pixel."""
    values = a.astype(float)
    return np.maximum(
        values - _extreme(b, ImageFilter.MaxFilter), _extreme(b, ImageFilter.MinFilter) - values
    )


def _extreme(pixels: NDArray[np.uint8], kind: type[ImageFilter.RankFilter]) -> NDArray[np.float64]:
    """The largest or smallest value within one pixel, color by color."""
    return np.asarray(Image.fromarray(pixels).filter(kind(3)), dtype=float)
