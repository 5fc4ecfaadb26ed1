from __future__ import annotations

import numpy as np

from jgan.random import normal, rng, uniform


def draw(*key):
    return rng(*key).standard_normal(1000)


def test_equal_keys_give_equal_streams():
    assert np.array_equal(draw(3, "noise", 5), draw(3, "noise", 5))


def test_streams_differ_in_seed_purpose_and_index():
    streams = [
        draw(0, "noise", 0),
        draw(1, "noise", 0),
        draw(0, "noise", 1),
        draw(0, "shuffle", 0),
        draw(0, "noisf", 0),
    ]
    correlations = np.corrcoef(streams)[np.triu_indices(len(streams), 1)]
    assert np.abs(correlations).max() < 0.15  # 4.7 standard errors


def test_noise_is_standard_normal_float32():
    z = normal(rng(0, "noise"), 200, 100)
    assert z.shape == (200, 100) and z.dtype == np.float32
    assert abs(z.mean()) < 0.03 and abs(z.std() - 1) < 0.03


def test_uniform_noise_fills_the_cube():
    z = uniform(rng(0, "noise"), 200, 100)
    assert z.shape == (200, 100) and z.dtype == np.float32 and z.min() >= -1 and z.max() < 1
    assert abs(z.mean()) < 0.02 and abs(z.std() - 1 / np.sqrt(3)) < 0.02
