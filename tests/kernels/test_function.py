"""What the kernels' functions keep for their derivatives is given back while an optimizer's step computes."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from conftest import run_code

from jgan.layers import BatchNorm, Conv, LeakyReLU, Sequential, trainable
from jgan.optimizers import rmsprop
from jgan.random import rng

pytestmark = pytest.mark.cpu("kernels are for the CPU")

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


def block():
    return Sequential(Conv(3, 4, 3, padding=1), BatchNorm(4), LeakyReLU(0.2), Conv(4, 3, 3, padding=1))


class Recomputed(jt.Function):
    """Gradient checkpointing as a user would write it: the block is computed again when it is differentiated."""

    def __init__(self, network):
        self.network = network

    def execute(self, x):
        self.x = x.detach()
        with jt.no_grad():
            return self.network(x)

    def grad(self, dy):
        x = self.x.start_grad()
        total = (self.network(x) * dy).sum()
        self.of_weights = jt.grad(total, trainable(self.network))
        return jt.grad(total, x)


class Penalised(jt.Function):
    """The identity; when it is differentiated, so is a gradient's square."""

    def __init__(self, network):
        self.network = network

    def execute(self, x):
        self.x = x.detach()
        return x.clone()

    def grad(self, dy):
        x = self.x.start_grad()
        gradient = jt.grad(self.network(x).sqr().sum(), x)
        self.of_weights = jt.grad(gradient.sqr().sum(), trainable(self.network))
        return dy


@pytest.mark.parametrize("kind", [Recomputed, Penalised])
def test_graphs_that_a_users_function_makes_meanwhile_are_not_used_up(kind):
    first, inner = Conv(3, 3, 3), block()
    x = jt.array(rng(0, "x").normal(size=(2, 3, 9, 9)).astype(np.float32))
    function, expected = kind(inner), kind(inner)
    (dx,) = jt.grad(expected(first(x)).sqr().sum(), [first.weight])
    optimizer = rmsprop(first, lr=0.01)
    optimizer.step(function(first(x)).sqr().sum())
    np.testing.assert_array_equal(optimizer.param_groups[0]["grads"][0].numpy(), dx.numpy())
    for found, other in zip(function.of_weights, expected.of_weights):
        assert np.abs(other.numpy()).max() > 0 and np.array_equal(found.numpy(), other.numpy())


class Twice(jt.Function):
    """Differentiates twice what it made before the optimizer's step."""

    def __init__(self, network):
        self.network = network

    def execute(self, x):
        self.x = x.detach().start_grad()
        self.y = self.network(self.x)
        return self.y.detach()

    def grad(self, dy):
        jt.grad((self.y * dy).sum(), trainable(self.network))
        return jt.grad((self.y * dy).sum(), self.x)


def test_what_is_differentiated_again_is_to_be_retained():
    first, inner = Conv(3, 3, 3), block()
    x = jt.ones((2, 3, 9, 9))
    rmsprop(first, lr=0.01).step(Twice(inner)(first(x)).sqr().sum(), retain_graph=True)
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        rmsprop(first, lr=0.01).step(Twice(inner)(first(x)).sqr().sum())
