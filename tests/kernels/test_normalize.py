"""The normalisations' kernels against numpy in float64."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from derivatives import require_values_and_derivatives
from hypothesis import given
from hypothesis import strategies as st

from jgan.kernels.normalize import batch_norm, instance_norm, normalize_by

pytestmark = pytest.mark.cpu("kernels are for the CPU")

EPS = 1e-5


def leaky(z, slope):
    return np.where(z > 0, z, slope * z)


def normalized(x, weight, bias, slope, axes):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    per_channel = (-1, x.shape[1]) + (1,) * (x.ndim - 2)  # of all images, or of each
    y = (x - mean) / np.sqrt(variance + EPS) * np.reshape(weight, per_channel) + np.reshape(bias, per_channel)
    return leaky(y, slope)


def batch_normalized(x, weight, bias, slope=1.0):
    return normalized(x, weight, bias, slope, (0, *range(2, x.ndim)))


SHAPES = st.one_of(
    st.tuples(st.integers(2, 70), st.integers(1, 150)),
    st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(2, 40), st.integers(1, 40)),
)


@given(SHAPES, st.sampled_from([0, 0.2, 1]), st.integers(0, 2**32 - 1))
def test_batch_norm_in_any_shape(shape, slope, seed):
    random = np.random.default_rng(seed)
    x = random.normal(1, 2, shape).astype(np.float32)
    weight, bias = random.normal(1, 0.5, (2, shape[1])).astype(np.float32)
    y, mean, variance = batch_norm(*map(jt.array, (x, weight, bias)), eps=EPS, slope=slope)
    wide, axes = x.astype(np.float64), (0, *range(2, x.ndim))
    # Of two values that are nearly equal, the difference is as uncertain as each of them.
    spread = np.sqrt(wide.var(axes) + EPS).min()
    np.testing.assert_allclose(
        y.numpy(), batch_normalized(wide, weight, bias, slope), rtol=1e-5, atol=max(1e-5, 3e-6 / spread)
    )
    np.testing.assert_allclose(mean.numpy(), wide.mean(axes), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance.numpy(), wide.var(axes), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 3, 64, 64), (3, 1, 257, 129), (1, 2, 256, 256), (1000, 130)])
def test_batch_norm_of_large_arrays_with_a_large_mean(shape):
    x = np.random.default_rng(0).normal(100, 0.01, shape).astype(np.float32)
    ones, zeros = np.ones(shape[1], np.float32), np.zeros(shape[1], np.float32)
    y, mean, variance = batch_norm(*map(jt.array, (x, ones, zeros)), eps=EPS)
    wide, axes = x.astype(np.float64), (0, *range(2, x.ndim))
    np.testing.assert_allclose(mean.numpy(), wide.mean(axes), rtol=1e-7)
    np.testing.assert_allclose(variance.numpy(), wide.var(axes), rtol=1e-5)
    # Neighbouring float32 numbers near 100 lie 8e-6 apart: the mean, rounded to one, moves y by up to 4e-6 / 0.0105.
    np.testing.assert_allclose(y.numpy(), batch_normalized(wide, ones, zeros), atol=4e-4)


@pytest.mark.parametrize("shape", [(4, 3), (70, 2), (2, 3, 2, 3), (1, 1, 1, 9), (3, 2, 1, 5)])
@pytest.mark.parametrize("slope", [0, 0.2, 1])
def test_the_derivatives_of_batch_norm(shape, slope):
    random = np.random.default_rng(0)
    x, (weight, bias) = random.normal(1, 2, shape), random.normal(1, 0.5, (2, shape[1]))
    require_values_and_derivatives(
        lambda x, weight, bias: batch_norm(x, weight, bias, eps=EPS, slope=slope)[0],
        lambda x, weight, bias: batch_normalized(x, weight, bias, slope),
        [x, weight, bias],
        random,
    )


@pytest.mark.parametrize("shape", [(4, 3), (3, 70), (2, 3, 2, 3), (1, 2, 1, 9), (3, 2, 5, 7)])
@pytest.mark.parametrize("slope", [0, 0.2, 1])
def test_a_scale_and_a_shift_for_each_image(shape, slope):
    random = np.random.default_rng(0)
    x, (weight, bias) = random.normal(1, 2, shape), random.normal(1, 0.5, (2, *shape[:2]))
    mean, variance = (np.float32(moment((0, *range(2, x.ndim)))) for moment in (x.mean, x.var))
    arrays = [jt.array(np.float32(each)) for each in (x, weight, bias, mean, variance)]
    with jt.no_grad():
        y = normalize_by(*arrays, eps=EPS, slope=slope).numpy()
    np.testing.assert_allclose(y, batch_normalized(x, weight, bias, slope), rtol=1e-4, atol=1e-5)
    require_values_and_derivatives(
        lambda x, weight, bias: batch_norm(x, weight, bias, eps=EPS, slope=slope)[0],
        lambda x, weight, bias: batch_normalized(x, weight, bias, slope),
        [x, weight, bias],
        random,
    )


def test_the_derivatives_of_what_is_made_of_several():
    """Where the gradient that comes back to a normalisation was itself computed from what went into it."""
    random = np.random.default_rng(0)
    x, (weight, bias) = random.normal(1, 2, (3, 2, 2, 3)), random.normal(1, 0.5, (2, 2))

    def layers(normalize, x, weight, bias):
        return normalize(normalize(x, weight, bias) ** 2, bias, weight) * x

    require_values_and_derivatives(
        lambda *given: layers(lambda *inputs: batch_norm(*inputs, eps=EPS, slope=0.2)[0], *given),
        lambda *given: layers(lambda *inputs: batch_normalized(*inputs, slope=0.2), *given),
        [x, weight, bias],
        random,
    )


@pytest.mark.parametrize(
    ("shape", "slope"), [((1, 1, 1, 3), 0), ((2, 3, 5, 4), 0), ((1, 1, 1, 3), 1), ((1, 4, 64, 64), 1)]
)
def test_the_derivatives_of_instance_norm(shape, slope):
    random = np.random.default_rng(0)
    x = random.normal(1, 2, shape)
    require_values_and_derivatives(
        lambda x: instance_norm(x, eps=EPS, slope=slope),
        lambda x: normalized(x, np.ones(shape[1]), np.zeros(shape[1]), slope, (2, 3)),
        [x],
        random,
    )


@pytest.mark.parametrize("shape", [(5, 3), (1, 100), (2, 3, 7, 5)])
def test_normalising_by_given_statistics(shape):
    random = np.random.default_rng(0)
    x = random.normal(1, 2, shape).astype(np.float32)
    weight, bias, mean, variance = np.abs(random.normal(1, 0.5, (4, shape[1]))).astype(np.float32)
    given = [jt.array(each) for each in (x, weight, bias, mean, variance)]
    weight, bias, mean, variance = (
        each.reshape((-1,) + (1,) * (x.ndim - 2)) for each in (weight, bias, mean, variance)
    )
    expected = leaky((x - mean) / np.sqrt(variance.astype(np.float64) + EPS) * weight + bias, 0.2)
    with jt.no_grad():
        np.testing.assert_allclose(normalize_by(*given, eps=EPS, slope=0.2).numpy(), expected, rtol=1e-5, atol=1e-6)
    y = normalize_by(*given, eps=EPS, slope=0.2)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert np.abs(jt.grad(y.sum(), given[0]).numpy()).min() > 0


def test_a_channel_of_zeros_and_one_with_an_infinity():
    x = np.zeros((2, 3, 2, 2), np.float32)
    x[:, 1] = 7
    x[0, 2, 0, 0] = np.inf
    y, mean, variance = batch_norm(jt.array(x), jt.ones(3), jt.float32([1, 2, 3]), eps=EPS)
    np.testing.assert_array_equal(y.numpy()[:, :2], np.broadcast_to(np.reshape([1, 2], (2, 1, 1)), (2, 2, 2, 2)))
    assert np.isnan(y.numpy()[:, 2]).any() and np.isinf(mean.numpy()[2]) and not np.isfinite(variance.numpy()[2])
