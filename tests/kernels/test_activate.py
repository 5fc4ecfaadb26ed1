"""The kernels of LeakyReLU and the hyperbolic tangent against numpy."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from derivatives import require_values_and_derivatives
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from jgan.kernels.activate import leaky_relu, tanh

pytestmark = pytest.mark.cpu("kernels are for the CPU")

FLOATS = st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)


@given(arrays(np.float32, array_shapes(max_dims=4, max_side=40), elements=FLOATS), st.sampled_from([0, 0.01, 0.2, 1]))
def test_values(x, slope):
    y = leaky_relu(jt.array(x), slope).numpy()
    np.testing.assert_allclose(y, np.where(x > 0, x, np.float32(slope) * x), rtol=1e-6)


@pytest.mark.parametrize("n", [1, 17, 100_003])
@pytest.mark.parametrize("slope", [0, 0.2])
def test_values_and_derivatives(n, slope):
    random = np.random.default_rng(n)
    x = random.choice([-1, 1], n) * random.uniform(0.01, 3, n)

    def reference(x):
        return np.where(x > 0, x, slope * x) ** 2  # squared, so that there is a second derivative

    require_values_and_derivatives(lambda x: leaky_relu(x, slope) ** 2, reference, [x], random)


def test_infinities_and_nan_stay_visible():
    x = jt.array(np.float32([-np.inf, np.inf, np.nan, 0]))
    np.testing.assert_array_equal(leaky_relu(x, 0.5).numpy(), [-np.inf, np.inf, np.nan, 0])
    np.testing.assert_array_equal(leaky_relu(x, 0).numpy(), [0, np.inf, np.nan, 0])
    np.testing.assert_array_equal(tanh(x).numpy(), [-1, 1, np.nan, 0])


@given(arrays(np.float32, array_shapes(max_dims=4, max_side=40), elements=st.floats(width=32, allow_subnormal=False)))
def test_tanh_is_right_to_the_last_digits(x):
    np.testing.assert_allclose(tanh(jt.array(x)).numpy(), np.tanh(x.astype(np.float64)), rtol=3e-7)


def test_tanh_is_right_over_its_range():
    x = np.float32(np.concatenate([np.linspace(-12, 12, 100_001), np.geomspace(1e-30, 1, 1001)]))
    y = tanh(jt.array(x)).numpy()
    np.testing.assert_allclose(y, np.tanh(x.astype(np.float64)), rtol=3e-7)
    np.testing.assert_array_equal(tanh(jt.array(-x)).numpy(), -y)
    assert (np.abs(y) <= 1).all()


@pytest.mark.parametrize("n", [1, 17, 100_003])
def test_tanh_and_its_derivatives(n):
    random = np.random.default_rng(n)
    require_values_and_derivatives(tanh, np.tanh, [random.uniform(-4, 4, n)], random)
