from __future__ import annotations

import numpy as np

from jgan.data.augment import center_crops, random_crops


def test_both_halves_meet_the_same_accident():
    a = np.random.default_rng(0).integers(0, 256, (200, 3, 11, 12), np.uint8)
    b = 255 - a[:, :1]
    cut_a, cut_b = random_crops([a, b], 8, np.random.default_rng(5))
    assert cut_a.shape == (200, 3, 8, 8) and np.array_equal(cut_b, 255 - cut_a[:, :1])
    found = set()
    for i in range(200):
        (place,) = [
            (top, left, way)
            for top in range(4)
            for left in range(5)
            for way in (1, -1)
            if np.array_equal(a[i, :, top : top + 8, left : left + 8][:, :, ::way], cut_a[i])
        ]
        found.add(place)
    assert len(found) == 40  # every crop, mirrored or not


def test_nothing_is_cropped_where_nothing_is_left_over():
    a = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), np.uint8)
    (cut,) = random_crops([a], 8, np.random.default_rng(0))
    assert all(np.array_equal(cut[i], a[i]) or np.array_equal(cut[i], a[i, :, :, ::-1]) for i in range(4))


def test_the_middle_is_shown():
    pixels = np.arange(2 * 4 * 6).reshape((2, 1, 4, 6))
    assert np.array_equal(center_crops(pixels, 2), pixels[:, :, 1:3, 2:4])
