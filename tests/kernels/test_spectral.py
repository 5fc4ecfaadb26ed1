"""Spectral normalisation's kernel against float64."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from derivatives import require_values_and_derivatives

from jgan.kernels.spectral import spectral_norm
from jgan.layers import SpectralConv
from jgan.optimizers import rmsprop

pytestmark = pytest.mark.cpu("kernels are for the CPU")


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("shape", [(1, 6), (5, 3, 2, 2), (3, 70, 3, 3), (70, 130, 4, 4)])
def test_values_and_derivatives(shape):
    random = np.random.default_rng(0)
    w, last_u = random.normal(size=shape).astype(np.float32), random.normal(size=shape[0]).astype(np.float32)
    matrix = w.astype(np.float64).reshape((shape[0], -1))
    v = unit(matrix.T @ last_u)
    u = unit(matrix @ v)
    np.testing.assert_allclose(spectral_norm(jt.array(w), jt.array(last_u))[1].numpy(), u, rtol=1e-5, atol=1e-6)

    def squared(w):  # so that there is a second derivative; u and v are constants
        return (w / (u @ w.reshape(matrix.shape) @ v)) ** 2

    require_values_and_derivatives(lambda w: spectral_norm(w, jt.array(last_u))[0] ** 2, squared, [w], random)


def test_an_optimizers_gradient_is_that_of_grad():
    """It differentiates for the last time, by a kernel."""
    conv, random = SpectralConv(70, 40, 4), np.random.default_rng(0)
    x = jt.array(random.normal(size=(2, 70, 6, 6)).astype(np.float32))
    conv.tracked = False
    expected = [gradient.numpy() for gradient in jt.grad(conv(x).sqr().sum(), [conv.weight, conv.bias])]
    optimizer = rmsprop(conv, lr=0.01)
    optimizer.step(conv(x).sqr().sum())
    for gradient, value in zip(optimizer.param_groups[0]["grads"], expected):
        np.testing.assert_allclose(gradient.numpy(), value, rtol=1e-4, atol=1e-5 * np.abs(value).max())


def test_weights_of_zero_stay_zero():
    """No division by the length of a vector that has none."""
    _, u = spectral_norm(jt.zeros((3, 4)), jt.ones((3,)))
    np.testing.assert_array_equal(u.numpy(), np.zeros(3))
