"""Which figures the net takes for the same, and which not."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from support import datasets, plots
from tests.comparison import picture

INPUTS, TARGETS = datasets.two_clouds(300)
CURVE = 1 / np.arange(1, 41)


def encoded(png: bytes) -> str:
    return base64.b64encode(png).decode()


def drawn(figure: Figure) -> str:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=plots.DOTS_PER_INCH)
    return encoded(png.getvalue())


def points(inputs=INPUTS, targets=TARGETS, title="the data") -> Figure:
    return plots.points(inputs, targets, title=title)


def curves(first=CURVE, label="training", axis="step") -> Figure:
    return plots.curves({label: first, "validation": 2 * CURVE}, axis, "loss")


def altered(stored: str, change) -> str:
    image = Image.open(io.BytesIO(base64.b64decode(stored))).convert("RGB")
    png = io.BytesIO()
    change(image).save(png, format="png")
    return encoded(png.getvalue())


def noisy(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).integers(-8, 9, (*image.size[::-1], 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype("uint8"))


def a_pixel_aside(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.roll(np.asarray(image), 1, axis=1))


@pytest.mark.parametrize("change", [noisy, a_pixel_aside])
@pytest.mark.parametrize("figure", [points, curves])
def test_noise_of_rendering_goes_unseen(figure, change):
    stored = drawn(figure())
    assert picture.same(stored, altered(stored, change))


def test_last_digits_go_unseen():
    random = np.random.default_rng(0)
    moved = INPUTS * (1 + 1e-5 * random.standard_normal(INPUTS.shape))
    assert picture.same(drawn(points()), drawn(points(moved)))
    assert picture.same(drawn(curves()), drawn(curves(CURVE * (1 + 1e-4))))


def without_a_line() -> Figure:
    figure = curves()
    figure.axes[0].lines[0].remove()
    return figure


def upside_down() -> Figure:
    figure = curves()
    figure.axes[0].invert_yaxis()
    return figure


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        pytest.param(points(), points(targets=1 - TARGETS), id="swapped classes"),
        pytest.param(points(), points(title="the date"), id="another letter in the title"),
        pytest.param(points(), points(INPUTS[1:], TARGETS[1:]), id="a point less"),
        pytest.param(points(), points(INPUTS[:, ::-1]), id="swapped axes"),
        pytest.param(curves(), curves(first=1 - CURVE), id="rising for falling"),
        pytest.param(curves(), curves(label="draining"), id="another letter in the legend"),
        pytest.param(curves(), curves(axis="stop"), id="another letter at an axis"),
        pytest.param(curves(), without_a_line(), id="a missing line"),
        pytest.param(curves(), upside_down(), id="a flipped axis"),
        pytest.param(curves(), curves(first=CURVE[:-1]), id="a step less"),
    ],
)
def test_what_a_reader_would_see_differs(stored, fresh):
    assert not picture.same(drawn(stored), drawn(fresh))


def test_a_difference_leaves_three_pictures_and_names_them(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "REPORTS", tmp_path / "figures")
    told = picture.explain(drawn(curves()), drawn(without_a_line()), "06-cell-12")
    for kind in ("expected", "actual", "difference"):
        path = tmp_path / f"figures/06-cell-12-{kind}.png"
        assert str(path) in told
        assert Image.open(path).size == (
            Image.open(tmp_path / "figures/06-cell-12-actual.png").size
        )


def test_another_size_is_a_difference_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "REPORTS", tmp_path)
    small = altered(drawn(curves()), lambda image: image.resize((100, 50)))
    assert not picture.same(drawn(curves()), small)
    assert "100 by 50 pixels" in picture.explain(drawn(curves()), small, "06-cell-12")
