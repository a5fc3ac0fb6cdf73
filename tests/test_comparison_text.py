"""What nbval takes for the same output, and what not."""

from __future__ import annotations

import pytest

from tests.comparison import text


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        ("loss 0.0257", "loss 0.0257"),
        ("[[ 1.0138845 ]\n [-0.34582734]]", "[[ 1.0138844]\n [-0.3458272]]"),
        ("1.3333334", "1.3333333"),
        ("1e-07", "2.5e-07"),
    ],
)
def test_last_digits_may_differ(stored, fresh):
    assert text.same(stored, fresh)


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        ("loss 0.0257", "loss 0.0258"),
        ("loss 0.0257", "loss -0.0257"),
        ("loss 0.0257", "losses 0.0257"),
        ("shape=(2, 1), dtype=float32", "shape=(1, 2), dtype=float32"),
        ("shape=(2, 1), dtype=float32", "shape=(2, 1), dtype=float64"),
        ("[1. 2.]", "[2. 1.]"),
        ("[1. 2.]", "[1. 2. 3.]"),
        ("[1. 2.]", "[[1. 2.]]"),
        ("rank 1", "rank 2"),
        ("rank 1", "rank 1.0"),
        ("6.0", "None"),
        ("1000", "1001"),
    ],
)
def test_everything_else_must_not(stored, fresh):
    assert not text.same(stored, fresh)
