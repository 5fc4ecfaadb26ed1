"""The kernel of dense layers against float64."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from derivatives import require_values_and_derivatives

from jgan.kernels.dense import linear, normalized_linear
from jgan.layers import Dropout, LeakyReLU, Linear, ReLU, Sequential, Tanh, trainable
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


@pytest.mark.parametrize(("n", "n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("biased", [False, True])
def test_values_and_derivatives_with_a_hyperbolic_tangent(n, n_in, n_out, biased):
    random = np.random.default_rng(n + n_in)

    def reference(x, w, *bias):
        return np.tanh(x @ w.T + sum(bias))

    def kernel(x, w, *bias):
        return linear(x, w, bias[0] if biased else None, tanh=True)

    shapes = [(n, n_in), (n_out, n_in), *([(n_out,)] * biased)]
    arrays = [random.normal(size=shape) / np.sqrt(shape[-1]) for shape in shapes]
    require_values_and_derivatives(kernel, reference, arrays, random)


@pytest.mark.parametrize(("n", "n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("slope", [1, 0.2, 0])
@pytest.mark.parametrize("biased", [False, True])
def test_normalized_by_given_statistics(n, n_in, n_out, slope, biased):
    random = np.random.default_rng(n + n_in)
    x, w = random.normal(size=(n, n_in)), random.normal(size=(n_out, n_in))
    bias, scale, shift, mean = random.normal(size=(4, n_out))
    variance = random.uniform(0.1, 3, n_out)
    y = (x @ w.T + bias * biased - mean) / np.sqrt(variance + 0.01) * scale + shift
    expected = np.where(y > 0, y, slope * y)
    x, w, bias, *statistics = (jt.array(each.astype(np.float32)) for each in (x, w, bias, scale, shift, mean, variance))
    with jt.no_grad():
        found = normalized_linear(x, w, bias if biased else None, tuple(statistics), eps=0.01, slope=slope)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def seeded(compute, seed: int = 5):
    """What it computes with Jittor's random engine at its beginning."""
    jt.sync_all()
    jt.set_seed(seed)
    result = compute()
    result.sync()
    return result


def factors_of_dropout(n: int, n_out: int, rate: float, seed: int = 5) -> np.ndarray:
    """What a dropout multiplies by: what is left of ones."""
    ones = jt.ones((n_out,))
    return seeded(lambda: linear(jt.zeros((n, 2)), jt.zeros((n_out, 2)), ones, dropout=rate), seed).numpy()


@pytest.mark.parametrize(("n", "n_in", "n_out"), [(3, 130, 70), (70, 9, 37)])
@pytest.mark.parametrize("slope", [1, 0.2, 0])
@pytest.mark.parametrize("biased", [False, True])
def test_values_and_derivatives_of_what_dropout_leaves(n, n_in, n_out, slope, biased):
    random = np.random.default_rng(n + n_in)
    factors = factors_of_dropout(n, n_out, 0.3)

    def reference(x, w, *bias):
        y = x @ w.T + sum(bias)
        return (np.where(y > 0, y, slope * y) * factors) ** 2

    shapes = [(n, n_in), (n_out, n_in), *([(n_out,)] * biased)]
    arrays = [random.normal(size=shape) for shape in shapes]
    arrays[0][:, 0] = random.choice([-1, 1], n) * 40 * np.sqrt(n_in)  # no sum near the kink
    arrays[1][:, 0] = random.choice([-1, 1], n_out)

    def kernel(x, w, *bias):
        return seeded(lambda: linear(x, w, bias[0] if biased else None, slope=slope, dropout=0.3)) ** 2

    require_values_and_derivatives(kernel, reference, arrays, random)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.7])
def test_dropout_keeps_a_share_of_the_values_at_random(rate):
    n, n_out = 500, 400
    factors = [factors_of_dropout(n, n_out, rate, seed) for seed in (5, 6, 7)]
    np.testing.assert_array_equal(factors[0], factors_of_dropout(n, n_out, rate, 5))
    kept = np.float32(1 / (1 - rate))
    for each in factors:
        assert set(np.unique(each)) == {np.float32(0), kept}
    # As often as independent draws would, within five standard deviations: each, two calls, and neighbours both ways.
    chances = [(each > 0, 1 - rate) for each in factors]
    for one, other in [
        (factors[0], factors[1]),
        (factors[1], factors[2]),
        *((each[shifted:], each[:-shifted]) for each in factors[:1] for shifted in (1, 2, 16)),
        *((each[:, shifted:], each[:, :-shifted]) for each in factors[:1] for shifted in (1, 2, 8, 16, 64)),
    ]:
        chances.append(((one > 0) & (other > 0), (1 - rate) ** 2))
    for found, chance in chances:
        assert abs(found.mean() - chance) < 5 * np.sqrt(chance * (1 - chance) / found.size)


def test_two_calls_drop_other_values():
    jt.set_seed(5)
    x, w = jt.ones((20, 2)), jt.ones((30, 2))
    first, second = (linear(x, w, None, dropout=0.5).numpy() for _ in range(2))
    assert ((first == 0) != (second == 0)).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "after",
    [[], [LeakyReLU(0.2)], [ReLU()], [Dropout(0.4)], [LeakyReLU(0.2), Dropout(0.4)], [ReLU(), Dropout(0.4)], [Tanh()]],
    ids=["nothing", "leaky", "relu", "dropout", "leaky and dropout", "relu and dropout", "tanh"],
)
def test_an_optimizers_gradients_are_those_of_grad(after):
    """It differentiates for the last time, in which activation and dropout are part of the kernel."""
    network = Sequential(Linear(30, 20), *after, Linear(20, 10))
    x = jt.array(np.random.default_rng(0).normal(size=(9, 30)).astype(np.float32))
    loss = seeded(lambda: network(x).sqr().sum())
    expected = [gradient.numpy() for gradient in jt.grad(loss, trainable(network))]
    optimizer = rmsprop(network, lr=0.01)
    optimizer.step(seeded(lambda: network(x).sqr().sum()))
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
