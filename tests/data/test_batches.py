from __future__ import annotations

import numpy as np
import pytest

from jgan.data.batches import Batches


def numbered(n, batch_size, seed=0):
    """A data set in which image i is filled with i and has the label i."""
    return Batches(np.arange(n, dtype=np.uint8).reshape((n, 1, 1, 1)), np.arange(n), batch_size=batch_size, seed=seed)


@pytest.mark.parametrize(("n", "batch_size"), [(12, 4), (10, 4), (3, 7), (1, 2)])
def test_every_epoch_holds_every_image_once_and_no_batch_is_short(n, batch_size):
    batches = numbered(n, batch_size)
    stream = np.concatenate([batches.at(step)[1] for step in range(3 * n)])
    assert len(stream) == 3 * n * batch_size
    for epoch in range(3 * batch_size):
        assert sorted(stream[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_images_come_with_their_labels_in_minus_one_to_one():
    images, labels = numbered(256, 64).at(1)
    assert images.dtype == np.float32 and labels.dtype == np.int32 and images.shape == (64, 1, 1, 1)
    np.testing.assert_allclose(images.ravel(), labels / 127.5 - 1, atol=1e-6)


def test_a_batch_depends_on_its_step_alone():
    batches = numbered(10, 4)
    forwards = [batches.at(step)[1].tolist() for step in range(12)]
    assert [numbered(10, 4).at(step)[1].tolist() for step in reversed(range(12))] == forwards[::-1]


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [numbered(50, 50, seed).at(step)[1].tolist() for seed in (0, 1) for step in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize(
    ("n", "batch_size", "n_epochs", "steps"), [(60000, 64, 100, 93750), (10, 4, 1, 3), (3, 7, 2, 1)]
)
def test_the_number_of_steps_in_some_epochs(n, batch_size, n_epochs, steps):
    batches = Batches(np.zeros((n, 1), np.uint8), np.zeros(n), batch_size=batch_size, seed=0)
    assert batches.steps(n_epochs) == steps


@pytest.mark.parametrize(("images", "labels"), [(0, 0), (3, 2)])
def test_what_makes_no_data_set_is_refused(images, labels):
    with pytest.raises(ValueError, match="make no data set"):
        Batches(np.zeros((images, 1), np.uint8), np.zeros(labels), batch_size=2, seed=0)
