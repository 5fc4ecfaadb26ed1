from __future__ import annotations

import numpy as np
import pytest

from jgan.data.batches import Batches


@pytest.mark.parametrize(("n", "batch_size"), [(12, 4), (10, 4), (3, 7), (1, 2)])
def test_every_epoch_holds_every_image_once_and_no_batch_is_short(n, batch_size):
    batches = Batches(n, batch_size=batch_size, seed=0)
    stream = np.concatenate([batches.at(step) for step in range(3 * n)])
    assert len(stream) == 3 * n * batch_size
    for epoch in range(3 * batch_size):
        assert sorted(stream[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_a_batch_depends_on_its_step_alone():
    batches = Batches(10, batch_size=4, seed=0)
    forwards = [batches.at(step).tolist() for step in range(12)]
    assert [Batches(10, batch_size=4, seed=0).at(step).tolist() for step in reversed(range(12))] == forwards[::-1]


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [Batches(50, batch_size=50, seed=seed).at(step).tolist() for seed in (0, 1) for step in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize(
    ("n", "batch_size", "n_epochs", "steps"), [(60000, 64, 100, 93750), (10, 4, 1, 3), (3, 7, 2, 1)]
)
def test_the_number_of_steps_in_some_epochs(n, batch_size, n_epochs, steps):
    assert Batches(n, batch_size=batch_size, seed=0).steps(n_epochs) == steps


def test_a_data_set_of_no_images_is_refused():
    with pytest.raises(ValueError, match="no images"):
        Batches(0, batch_size=2, seed=0)
