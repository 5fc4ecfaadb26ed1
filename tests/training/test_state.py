"""The state of a run, part by part."""

from __future__ import annotations

import numpy as np
import pytest
from jittor import nn

from jgan.errors import UserError
from jgan.layers import BatchNorm
from jgan.optimizers import adam
from jgan.pool import ImagePool
from jgan.training import state


def network():
    return nn.Sequential(nn.Linear(2, 3), BatchNorm(3))


def test_moments_and_step_count_of_an_optimizer_return():
    networks = [network(), network()]
    optimizers = [adam(each, lr=0.1, b1=0.5, b2=0.9) for each in networks]
    for _ in range(3):
        optimizers[0].step((networks[0][0].weight ** 2).sum())
    arrays = state.optimizer_arrays(optimizers[0])
    assert np.abs(arrays["m.000"]).max() > 0 and np.abs(arrays["values.000"]).max() > 0
    state.restore_optimizer(optimizers[1], arrays, 3, where="there")
    assert optimizers[1].n_step == 3
    restored = state.optimizer_arrays(optimizers[1])
    assert all(np.array_equal(restored[name], arrays[name]) for name in arrays)


def test_every_kind_of_part_returns(tmp_path):
    def parts():
        net = network()
        return {"net": net, "optimizer": adam(net, lr=0.1, b1=0.5, b2=0.9), "pool": ImagePool(3)}

    saved, restored = parts(), parts()
    saved["optimizer"].step((saved["net"][0].weight ** 2).sum())
    images = np.random.default_rng(0).normal(0, 1, (2, 1, 4, 4)).astype(np.float32)
    saved["pool"].exchange(images, np.random.default_rng(0))
    state.save_state(tmp_path / "state", saved, 7)
    assert state.restore_state(tmp_path / "state", restored) == state.steps_done(tmp_path / "state") == 7
    for name, var in saved["net"].state_dict().items():
        assert np.array_equal(var.numpy(), restored["net"].state_dict()[name].numpy())
    assert restored["optimizer"].n_step == 1
    assert np.array_equal(np.stack(restored["pool"].images), images)


def test_a_part_that_is_not_of_this_training_is_named(tmp_path):
    state.save_state(tmp_path / "state", {"net": network(), "more": network()}, 7)
    with pytest.raises(UserError, match="holds a part called more, which this training does not have"):
        state.restore_state(tmp_path / "state", {"net": network()})
