"""What the kernels' functions keep for their derivatives is given back while an optimizer's step computes."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from conftest import run_code

from jgan.latent import rng
from jgan.layers import BatchNorm, Conv, LeakyReLU, Sequential, trainable
from jgan.optimizers import rmsprop

PROGRAM = """
import jgan
import jittor as jt
from jgan.layers import BatchNorm, Conv, LeakyReLU, Sequential
from jgan.optimizers import adam, rmsprop

DEPTH = 8

def network():
    return Sequential(*[part for _ in range(DEPTH) for part in ({parts})])

generator, critic = network(), network()
optimizer_g, optimizer_c = ({optimizer} for network in (generator, critic))
with jt.flag_scope(profile_memory_enable=1):
    for _ in range(2):
        c_loss = critic(jt.randn((16, 16, 32, 32))).sqr().mean()
        optimizer_c.step(c_loss)
        g_loss = critic(generator(jt.randn((16, 16, 32, 32)))).sqr().mean()
        optimizer_g.step(g_loss)
        g_loss.item(), c_loss.item()
        jt.sync_all()
    peak, *_ = jt.get_max_memory_info().split("[")
print(int(peak) / (16 * 16 * 32 * 32 * 4) / (2 * DEPTH))
"""
ADAM, RMSPROP = "adam(network, lr=0.1, b1=0.5, b2=0.9)", "rmsprop(network, lr=0.1)"


def images_kept(parts: str, optimizer: str) -> float:
    """The most arrays as large as the images that are held at a time, per layer of both networks."""
    done = run_code(PROGRAM.format(parts=parts, optimizer=optimizer))
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.parametrize("optimizer", [ADAM, RMSPROP])
@pytest.mark.parametrize(
    ("parts", "needed"),
    [
        ("Conv(16, 16, 3, padding=1), LeakyReLU(0.2)", 1),  # what it activated is what the next layer convolves
        ("Conv(16, 16, 3, padding=1), BatchNorm(16), LeakyReLU(0.2)", 1.5),  # what is normalised, and in the
        # generator, whose weights are to be learnt, what is convolved
    ],
)
def test_no_more_is_held_than_the_derivatives_need(parts, needed, optimizer):
    """What the critic's update needed is free again, and a few arrays are in work at a time: under 0.3 per layer."""
    assert images_kept(parts, optimizer) < needed + 0.3


@pytest.mark.parametrize("others_first", [False, True])
def test_a_graph_that_is_retained_serves_two_optimizers(others_first):
    first, second = Conv(3, 4, 3), Sequential(BatchNorm(4), LeakyReLU(0.2), Conv(4, 5, 3))
    optimizer = rmsprop(second, lr=0.01)
    loss = second(first(jt.array(rng(0, "x").normal(size=(2, 3, 9, 9)).astype(np.float32)))).sqr().mean()
    expected = jt.grad(loss, trainable(second))
    if others_first:
        rmsprop(first, lr=0.01).step(loss, retain_graph=True)
    optimizer.step(loss)
    for gradient, var in zip(optimizer.param_groups[0]["grads"], expected):
        assert np.abs(var.numpy()).max() > 0 and np.array_equal(gradient.numpy(), var.numpy())
