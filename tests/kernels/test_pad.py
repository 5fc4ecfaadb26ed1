"""Reflection padding's kernel against numpy."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from derivatives import require_values_and_derivatives
from hypothesis import given
from hypothesis import strategies as st

from jgan.kernels.pad import reflection_pad

pytestmark = pytest.mark.cpu("kernels are for the CPU")


def padded(x, n):
    return np.pad(x, [(0, 0), (0, 0), (n, n), (n, n)], mode="reflect")


@given(st.tuples(*[st.integers(1, 4)] * 2, *[st.integers(4, 40)] * 2), st.integers(0, 3))
def test_values(shape, n):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(reflection_pad(jt.array(x), n).numpy(), padded(x, n))


@pytest.mark.parametrize(("shape", "n"), [((1, 1, 2, 2), 1), ((2, 3, 4, 5), 3), ((1, 2, 33, 17), 2)])
def test_derivatives(shape, n):
    random = np.random.default_rng(0)

    def squared(x):
        return padded(x, n) ** 2

    require_values_and_derivatives(lambda x: reflection_pad(x, n) ** 2, squared, [random.normal(size=shape)], random)
