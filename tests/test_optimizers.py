"""Adam against its paper, worked out in float64."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from jittor import nn

from jgan.layers import BatchNorm
from jgan.models.cgan import Generator
from jgan.optimizers import Average, adam, linear_decay


def test_adam_takes_the_steps_of_the_paper_at_any_size_of_gradient():
    layer = nn.Linear(4, 1, bias=False)
    layer.weight.assign(np.zeros((1, 4), np.float32))
    scales = np.float32([1, 1e-4, 1e-6, 1e-9])  # at 1e-6 the place of eps matters by 42%
    optimizer = adam(layer, lr=0.01, b1=0.5, b2=0.999)
    weight, m, v = np.zeros(4), np.zeros(4), np.zeros(4)
    for t in range(1, 6):
        slopes = scales * np.float32([1, -1, 1, -1]) * t
        optimizer.step((layer.weight * jt.array(slopes)).sum())
        g = slopes.astype(np.float64)
        m = 0.5 * m + 0.5 * g
        v = 0.999 * v + 0.001 * g * g
        weight -= 0.01 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(layer.weight.numpy()[0], weight, rtol=2e-5)


def test_adam_moves_the_parameters_of_all_its_networks_and_no_statistics():
    networks = [nn.Sequential(nn.Linear(2, 2), BatchNorm(2)), nn.Linear(2, 1)]
    optimizer = adam(*networks, lr=0.1, b1=0.5, b2=0.9)
    variables = [var for network in networks for var in network.state_dict().values()]
    before = [var.numpy() for var in variables]
    optimizer.step(sum((var**2 + var).sum() for var in variables))
    moved = [not np.array_equal(var.numpy(), old) for var, old in zip(variables, before)]
    assert moved == [True] * 4 + [False] * 2 + [True] * 2


def test_the_learning_rate_is_constant_and_then_linear_to_zero():
    rates = [linear_decay(0.5, step, n_steps=10, decay_step=6) for step in range(12)]
    assert rates == pytest.approx([0.5] * 7 + [0.375, 0.25, 0.125, 0, 0])
    assert [linear_decay(0.5, step, n_steps=3, decay_step=3) for step in range(3)] == [0.5] * 3  # no decay at all
    assert linear_decay(1, 0, n_steps=4, decay_step=0) == 1 and linear_decay(1, 2, n_steps=4, decay_step=0) == 0.5


def test_the_average_is_that_of_every_weight_and_statistic():
    """Beside a loop in float64; the running statistics of BatchNorm are averaged as well."""
    generator = Generator(latent_dim=3, n_classes=2, img_size=4, width=2)
    optimizer = adam(generator, lr=0.05, b1=0.5, b2=0.9)
    average = Average(generator, 0.7)
    expected = {name: var.numpy().astype(np.float64) for name, var in generator.state_dict().items()}
    for step in range(40):
        z = np.random.default_rng(step).normal(size=(5, 3)).astype(np.float32)
        optimizer.step((generator(jt.array(z), [0, 1, 0, 1, 1]) - 0.5).sqr().mean())
        average.update(step)
        decay = min(0.7, (1 + step) / (10 + step))
        for name, var in generator.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * var.numpy()
    found = {name: var.numpy() for name, var in average.network.state_dict().items()}
    assert found.keys() == expected.keys() and any("running_var" in name for name in found)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-5, atol=1e-6)
        assert not np.array_equal(found[name], generator.state_dict()[name].numpy())
