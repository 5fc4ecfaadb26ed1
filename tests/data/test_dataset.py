from __future__ import annotations

import numpy as np
import pytest

from jgan.data.dataset import Images, held_out
from jgan.errors import UserError


def test_every_tenth_image_of_each_class_is_held_out():
    labels = np.array([0] * 25 + [1] * 2 + [2] * 10, np.int32)
    pixels = np.arange(37, dtype=np.uint8).reshape((37, 1, 1, 1))
    rest, test = held_out(Images(pixels, labels, ("a", "b", "c")))
    assert sorted([*rest.pixels.ravel(), *test.pixels.ravel()]) == list(range(37))
    assert np.bincount(test.labels).tolist() == [3, 1, 1] and np.bincount(rest.labels).tolist() == [22, 1, 9]
    assert all(np.array_equal(labels[each.pixels.ravel()], each.labels) for each in (rest, test))


def test_a_class_of_one_image_cannot_be_tested():
    data = Images(np.zeros((3, 1, 1, 1), np.uint8), np.array([0, 0, 1], np.int32), ("a", "b"))
    with pytest.raises(UserError, match="the class b has one image"):
        held_out(data)
