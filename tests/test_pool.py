from __future__ import annotations

import numpy as np
import pytest

from jgan.errors import UserError
from jgan.pool import ImagePool


def numbered(*values):
    return np.array(values, np.float32).reshape((-1, 1, 1, 1))


def test_while_there_is_room_images_come_back_as_they_are():
    pool = ImagePool(3)
    assert pool.exchange(numbered(1, 2, 3), np.random.default_rng(0)).ravel().tolist() == [1, 2, 3]
    assert [image.item() for image in pool.images] == [1, 2, 3]


def test_later_half_of_them_are_exchanged_for_older_ones():
    pool, random = ImagePool(50), np.random.default_rng(0)
    pool.exchange(numbered(*range(50)), random)
    returned = pool.exchange(numbered(*range(50, 2050)), random).ravel()
    came = np.arange(50, 2050)
    assert abs((returned == came).mean() - 0.5) < 0.05
    assert (returned <= came).all() and len(set(returned)) == 2000  # older, and none twice
    assert sorted([*returned, *(image.item() for image in pool.images)]) == list(range(2050))


def test_what_it_holds_does_not_change_with_the_batch_it_came_in():
    pool, batch = ImagePool(2), numbered(1, 2)
    pool.exchange(batch, np.random.default_rng(0))
    batch[:] = 9
    assert [image.item() for image in pool.images] == [1, 2]


def test_a_pool_of_none_returns_everything():
    assert ImagePool(0).exchange(numbered(1, 2), np.random.default_rng(0)).ravel().tolist() == [1, 2]


@pytest.mark.parametrize("size", [5, 1005])
def test_a_restored_pool_goes_on_as_the_first_one(size):
    first, second = ImagePool(size), ImagePool(size)
    first.exchange(numbered(*range(size)), np.random.default_rng(0))
    second.restore(first.arrays(), where="state")
    batches = [pool.exchange(numbered(*range(-30, 0)), np.random.default_rng(1)) for pool in (first, second)]
    assert np.array_equal(*batches)


@pytest.mark.parametrize("arrays", [{"000": 1, "002": 1}, {"x": 1}, {f"{i:03d}": 1 for i in range(6)}])
def test_arrays_that_do_not_fit_are_refused(arrays):
    with pytest.raises(UserError, match="state does not fit a pool of 5 images"):
        ImagePool(5).restore(arrays, where="state")
