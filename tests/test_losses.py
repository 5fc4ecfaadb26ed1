from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.losses import least_squares


@pytest.mark.parametrize("target", [0, 1])
def test_least_squares_is_the_mean_of_squares(target):
    output = np.random.default_rng(0).normal(0, 3, (7, 1)).astype(np.float32)
    assert least_squares(jt.array(output), target).item() == pytest.approx(
        np.mean((output.astype(np.float64) - target) ** 2), rel=1e-6
    )
