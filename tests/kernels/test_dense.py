"""The kernel of dense layers against float64."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from derivatives import require_values_and_derivatives

from jgan.kernels.dense import linear
from jgan.layers import LeakyReLU, Linear, Sequential, trainable
from jgan.optimizers import rmsprop

pytestmark = pytest.mark.cpu("kernels are for the CPU")

SHAPES = [(1, 1, 1), (1, 130, 70), (4, 33, 5), (5, 7, 1), (64, 1, 17), (13, 100, 65), (70, 257, 129), (200, 16, 3)]


@pytest.mark.parametrize(("n", "n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("slope", [1, 0.2, 0])
@pytest.mark.parametrize("biased", [False, True])
def test_values_and_derivatives(n, n_in, n_out, slope, biased):
    random = np.random.default_rng(n + n_in)

    def reference(x, w, *bias):
        y = x @ w.T + sum(bias)
        return np.where(y > 0, y, slope * y) ** 2  # squared, so that there is a second derivative

    shapes = [(n, n_in), (n_out, n_in), *([(n_out,)] * biased)]
    arrays = [random.normal(size=shape) for shape in shapes]
    if slope != 1:  # no sum near the kink: the first value of each row of x stands out
        arrays[0][:, 0] = random.choice([-1, 1], n) * 40 * np.sqrt(n_in)
        arrays[1][:, 0] = random.choice([-1, 1], n_out)

    def kernel(x, w, *bias):
        return linear(x, w, bias[0] if biased else None, slope=slope) ** 2

    require_values_and_derivatives(kernel, reference, arrays, random)


@pytest.mark.parametrize("slope", [1, 0.2, 0])
def test_an_optimizers_gradients_are_those_of_grad(slope):
    """It differentiates for the last time, in which the activation is part of the kernel."""
    first, second = Linear(30, 20), Linear(20, 10)
    network = Sequential(first, LeakyReLU(slope), second) if slope != 1 else Sequential(first, second)
    x = jt.array(np.random.default_rng(0).normal(size=(9, 30)).astype(np.float32))
    expected = [gradient.numpy() for gradient in jt.grad(network(x).sqr().sum(), trainable(network))]
    optimizer = rmsprop(network, lr=0.01)
    optimizer.step(network(x).sqr().sum())
    for gradient, value in zip(optimizer.param_groups[0]["grads"], expected):
        assert np.abs(value).max() > 0
        np.testing.assert_allclose(gradient.numpy(), value, rtol=1e-4, atol=1e-5 * np.abs(value).max())


def test_infinities_and_nan_stay_visible():
    x = np.float32([[np.inf, 1], [np.nan, 1], [0, 1], [-np.inf, 1], [1, 1], [2, 1]])
    y = linear(jt.array(x), jt.array(np.float32([[1, 1]])), None).numpy()
    np.testing.assert_array_equal(y[:, 0], [np.inf, np.nan, 1, -np.inf, 2, 3])


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"a dense layer of 3 inputs was given an array of the shape \[2, 4\]"):
        Linear(3, 5)(jt.zeros((2, 4)))


def test_no_rows_have_no_gradient():
    x, w = jt.zeros((0, 3)), jt.ones((2, 3))
    np.testing.assert_array_equal(jt.grad(linear(x, w, None).sum(), w).numpy(), np.zeros((2, 3)))
