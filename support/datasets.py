"""Small made-up data sets: points in the plane, in two classes."""

from __future__ import annotations

import math
import numbers

import numpy as np
from numpy.typing import NDArray

Points = tuple[NDArray[np.float32], NDArray[np.float32]]


def two_clouds(num_samples_per_class: int = 1000, seed: int = 0) -> Points:
    """Two normal clouds that a straight line almost separates: the data of listings 3.13 to 3.15.

    Args:
        num_samples_per_class: points in each cloud, at least 1. Class 0 lies around (0, 3), class 1 around
            (3, 0); both have the covariance [[1, 0.5], [0.5, 1]].
        seed: for `numpy.random.default_rng`.

    Returns:
        `inputs` of shape (2 * num_samples_per_class, 2) and `targets` of shape (2 * num_samples_per_class, 1),
        both float32; the rows of class 0 come first.

    Raises:
        TypeError, ValueError: `num_samples_per_class` is not a whole number from 1 up.
    """
    _check_count("num_samples_per_class", num_samples_per_class)
    random = np.random.default_rng(seed)
    covariance = [[1, 0.5], [0.5, 1]]
    # "cholesky" draws the same points on every machine; the default, "svd", may flip signs between LAPACK builds.
    clouds = [
        random.multivariate_normal(mean, covariance, size=num_samples_per_class, method="cholesky")
        for mean in ([0, 3], [3, 0])
    ]
    return np.vstack(clouds).astype("float32"), _targets(num_samples_per_class)


def two_moons(num_samples_per_class: int = 200, noise: float = 0.2, seed: int = 0) -> Points:
    """Two interleaved half-circles of radius 1, as in scikit-learn's `make_moons`.

    Args:
        num_samples_per_class: points on each moon, at least 1.
        noise: standard deviation of the normal noise added to both coordinates, 0 or more.
        seed: for `numpy.random.default_rng`.

    Returns:
        `inputs` of shape (2 * num_samples_per_class, 2) and `targets` of shape (2 * num_samples_per_class, 1),
        both float32; the rows of class 0, the upper moon, come first.

    Raises:
        TypeError, ValueError: `num_samples_per_class` is not a whole number from 1 up, or `noise` is not a
            finite number from 0 up.
    """
    _check_count("num_samples_per_class", num_samples_per_class)
    if not isinstance(noise, numbers.Real):
        raise TypeError(
            f"noise must be a number, the standard deviation of the noise; got {noise!r}"
        )
    if not math.isfinite(noise) or noise < 0:
        raise ValueError(f"noise must be 0 or more, as a standard deviation is; got {noise!r}")
    random = np.random.default_rng(seed)
    angles = np.linspace(0, np.pi, num_samples_per_class)
    upper = np.column_stack([np.cos(angles), np.sin(angles)])
    lower = np.column_stack([1 - np.cos(angles), 0.5 - np.sin(angles)])
    inputs = np.vstack([upper, lower])
    inputs += random.normal(scale=noise, size=inputs.shape)
    return inputs.astype("float32"), _targets(num_samples_per_class)


def _targets(num_samples_per_class: int) -> NDArray[np.float32]:
    return np.repeat(np.array([[0], [1]], dtype="float32"), num_samples_per_class, axis=0)


def _check_count(name: str, count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, numbers.Integral):
        raise TypeError(
            f"{name} must be a whole number of samples; got {count!r}, a {type(count).__name__}"
        )
    if int(count) < 1:
        raise ValueError(f"{name} must be at least 1; got {count}")
