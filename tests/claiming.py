"""What a test of `tests/notebooks/` claims with: the notebook says so, and it is so."""

from __future__ import annotations

import re

import numpy as np

from tests.reading import ROOT, prose


def says(stem: str, sentence: str) -> None:
    """Assert that the notebook still says so, in whatever line breaks: the test that calls this proves the sentence."""
    text = re.sub(r"^> ?", "", prose(ROOT / "notebooks" / f"{stem}.ipynb"), flags=re.MULTILINE)
    assert " ".join(sentence.split()) in " ".join(text.split()), (
        f"{stem} no longer says: {sentence!r}. If the new sentence is true, quote it here and assert it."
    )


def equal(actual: object, expected: object) -> None:
    """Assert the same shape, and the same values within float32 rounding."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
