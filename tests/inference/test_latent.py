from __future__ import annotations

import numpy as np

from jgan.inference.latent import line, sphere, square


def test_a_line_is_straight_and_even():
    points = line(np.float32([0, 4]), np.float32([8, 0]), np.linspace(0, 1, 5))
    assert points.dtype == np.float32 and points.tolist() == [[0, 4], [2, 3], [4, 2], [6, 1], [8, 0]]


def test_a_great_circle_keeps_the_length_and_turns_evenly():
    points = sphere(np.float32([2, 0, 0]), np.float32([0, 0, 2]), np.linspace(0, 1, 4))
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(points, 2 * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], 1), atol=1e-6)
    assert points.dtype == np.float32


def test_between_parallel_vectors_the_sphere_is_the_line():
    a, t = np.float32([1, 2]), np.linspace(0, 1, 3)
    np.testing.assert_allclose(sphere(a, 3 * a, t), line(a, 3 * a, t))
    assert np.isfinite(sphere(a, -a, t)).all()


def test_the_square_changes_one_half_along_each_side():
    a, b = np.arange(5, dtype=np.float32), np.arange(5, dtype=np.float32) + 10
    z = square(a, b, 3).reshape((3, 3, 5))
    assert z[0, 0].tolist() == a.tolist() and z[2, 2].tolist() == b.tolist()
    assert z[0, 2].tolist() == [10, 11, 2, 3, 4]  # right: the first half is b's
    assert z[2, 0].tolist() == [0, 1, 12, 13, 14]  # down: the second half is b's
    assert z[1, 1].tolist() == [5, 6, 7, 8, 9]
