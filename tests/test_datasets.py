"""The data sets: shapes, dtypes, seeds, statistics, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from support.datasets import two_clouds, two_moons

EACH = pytest.mark.parametrize("make", [two_clouds, two_moons])


@EACH
@pytest.mark.parametrize("count", [1, 7, 250])
def test_shapes_dtypes_and_classes(make, count):
    inputs, targets = make(count)
    assert inputs.shape == (2 * count, 2) and targets.shape == (2 * count, 1)
    assert inputs.dtype == targets.dtype == np.float32
    np.testing.assert_array_equal(targets[:, 0], [0] * count + [1] * count)


@EACH
def test_the_seed_decides(make):
    np.testing.assert_array_equal(make(50, seed=4)[0], make(50, seed=4)[0])
    assert np.any(make(50, seed=4)[0] != make(50, seed=5)[0])


def test_clouds_have_their_means_and_covariances():
    inputs, _ = two_clouds(20_000)
    for cloud, mean in [(inputs[:20_000], [0, 3]), (inputs[20_000:], [3, 0])]:
        np.testing.assert_allclose(cloud.mean(axis=0), mean, atol=0.03)
        np.testing.assert_allclose(np.cov(cloud.T), [[1, 0.5], [0.5, 1]], atol=0.03)


def test_moons_without_noise_are_half_circles():
    inputs, _ = two_moons(100, noise=0)
    upper, lower = inputs[:100], inputs[100:]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1, rtol=1e-6)
    assert upper[:, 1].min() > -1e-6
    np.testing.assert_allclose(np.linalg.norm(lower - [1, 0.5], axis=1), 1, rtol=1e-6)
    assert lower[:, 1].max() < 0.5 + 1e-6


def test_noise_is_a_standard_deviation():
    noisy, clean = two_moons(5000, noise=0.3)[0], two_moons(5000, noise=0)[0]
    assert np.std(noisy - clean) == pytest.approx(0.3, rel=0.03)


@EACH
@pytest.mark.parametrize("count", [2.0, "10", None, True, [3]])
def test_a_count_must_be_a_whole_number(make, count):
    with pytest.raises(
        TypeError, match="num_samples_per_class must be a whole number of samples; got"
    ):
        make(count)


@EACH
@pytest.mark.parametrize("count", [0, -5])
def test_a_count_must_be_positive(make, count):
    with pytest.raises(ValueError, match=f"num_samples_per_class must be at least 1; got {count}"):
        make(count)


def test_numpy_whole_numbers_are_counts_too():
    assert two_clouds(np.int64(3))[0].shape == (6, 2)


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_noise_must_be_a_standard_deviation(noise):
    with pytest.raises(ValueError, match="noise must be 0 or more"):
        two_moons(5, noise=noise)


@pytest.mark.parametrize("noise", ["0.1", None, [0.1]])
def test_noise_must_be_a_number(noise):
    with pytest.raises(TypeError, match="noise must be a number"):
        two_moons(5, noise=noise)
