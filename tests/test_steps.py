"""A step against the same step worked out in numpy, on networks small enough to differentiate by hand."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from jittor import nn

from jgan.checkpoint import network_arrays
from jgan.layers import trainable
from jgan.models import dcgan, wgan
from jgan.optimizers import rmsprop
from jgan.steps import cgan_step, gan_step, wgan_gp_step, wgan_step


class LinearGenerator(nn.Module):
    """G(z|y) = z A + y, as images of 1x1x2; y is 0 without labels."""

    def __init__(self, a):
        self.a = jt.array(np.float32(a))

    def execute(self, z, labels=0):
        return (jt.matmul(z, self.a) + jt.array(labels).float32().reshape((-1, 1))).reshape((-1, 1, 1, 2))


class LinearDiscriminator(nn.Module):
    """D(x|y) = x b + y; y is 0 without labels."""

    def __init__(self, b):
        self.b = jt.array(np.float32(b))

    def execute(self, images, labels=0):
        return jt.matmul(images.reshape((-1, 2)), self.b) + jt.array(labels).float32().reshape((-1, 1))


def var(array, *shape):
    return jt.array(np.float32(array)).reshape(shape or array.shape)


def linear_pair(seed):
    """Two linear networks, plain gradient descent at 0.1 for each, and the weights they begin with."""
    random = np.random.default_rng(seed)
    a, b = random.normal(0, 0.5, (3, 2)), random.normal(0, 0.5, (2, 1))
    generator, discriminator = LinearGenerator(a), LinearDiscriminator(b)
    optimizers = [nn.SGD(network.parameters(), lr=0.1) for network in (generator, discriminator)]
    return (generator, discriminator, *optimizers), a, b, random


def require_equal(networks, a, b, losses, expected):
    np.testing.assert_allclose(networks[0].a.numpy(), a, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(networks[1].b.numpy(), b, rtol=1e-4, atol=1e-6)
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value, rel=1e-4, abs=1e-6), name


def test_cgan_step_is_one_update_of_each_network():
    networks, a, b, random = linear_pair(0)
    real, z = random.normal(0, 1, (5, 2)), random.normal(0, 1, (5, 3))
    labels, fake_labels = random.integers(0, 3, 5), random.integers(0, 3, 5)
    losses = cgan_step(*networks, real=var(real, 5, 1, 1, 2), labels=labels, z=var(z), fake_labels=fake_labels)

    y, fake_y = labels[:, None], fake_labels[:, None]
    fake = z @ a + fake_y
    score = fake @ b + fake_y
    g_loss = np.mean((score - 1) ** 2)
    new_a = a - 0.1 * z.T @ (2 / 5 * (score - 1) @ b.T)
    # The discriminator sees the images that the generator drew before its update.
    real_score = real @ b + y
    d_loss = (np.mean((real_score - 1) ** 2) + np.mean(score**2)) / 2
    new_b = b - 0.1 * (real.T @ (real_score - 1) + fake.T @ score) / 5
    require_equal(networks, new_a, new_b, losses, {"g_loss": g_loss, "d_loss": d_loss})


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_gan_step_is_one_update_of_each_network():
    networks, a, b, random = linear_pair(1)
    real, z_d, z_g = random.normal(0, 1, (5, 2)), random.normal(0, 1, (5, 3)), random.normal(0, 1, (5, 3))
    losses = gan_step(*networks, real=var(real, 5, 1, 1, 2), z_d=var(z_d), z_g=var(z_g), real_target=0.8)

    fake = z_d @ a
    d_real, d_fake = sigmoid(real @ b), sigmoid(fake @ b)
    d_loss = -np.mean(0.8 * np.log(d_real) + 0.2 * np.log(1 - d_real)) - np.mean(np.log(1 - d_fake))
    new_b = b - 0.1 * (real.T @ (d_real - 0.8) + fake.T @ d_fake) / 5
    d_fooled = sigmoid(z_g @ a @ new_b)  # by the discriminator after its update
    g_loss = -np.mean(np.log(d_fooled))
    new_a = a - 0.1 * z_g.T @ ((d_fooled - 1) / 5 @ new_b.T)
    require_equal(networks, new_a, new_b, losses, {"g_loss": g_loss, "d_loss": d_loss})


@pytest.mark.parametrize("n_critic", [1, 3])
def test_wgan_step_is_n_critic_clipped_updates_and_one_of_the_generator(n_critic):
    networks, a, b, random = linear_pair(2)
    reals, z_c, z_g = (random.normal(0.2, 1, shape) for shape in ((n_critic, 5, 2), (n_critic, 5, 3), (5, 3)))
    b[:] = [[0.5], [-0.14]]  # one to be clipped, and one that is near
    networks[1].b.assign(np.float32(b))
    losses = wgan_step(*networks, reals=var(reals, n_critic, 5, 1, 1, 2), z_c=var(z_c), z_g=var(z_g), clip_value=0.15)

    for real, z in zip(reals, z_c):
        real_score, fake_score = np.mean(real @ b), np.mean(z @ a @ b)
        b = np.clip(b + 0.1 * (real.mean(0) - (z @ a).mean(0))[:, None], -0.15, 0.15)
    g_loss = -np.mean(z_g @ a @ b)
    new_a = a + 0.1 * z_g.mean(0)[:, None] @ b.T
    scores = {"real_score": real_score, "fake_score": fake_score, "wasserstein": real_score - fake_score}
    require_equal(networks, new_a, b, losses, {"g_loss": g_loss, **scores})


@pytest.mark.parametrize("n_critic", [1, 3])
def test_wgan_gp_step_is_n_critic_penalized_updates_and_one_of_the_generator(n_critic):
    networks, a, b, random = linear_pair(3)
    reals, z_c, z_g = (random.normal(0.2, 1, shape) for shape in ((n_critic, 5, 2), (n_critic, 5, 3), (5, 3)))
    epsilon = random.random((n_critic, 5))
    losses = wgan_gp_step(
        *networks,
        reals=var(reals, n_critic, 5, 1, 1, 2), z_c=var(z_c), z_g=var(z_g), epsilon=var(epsilon), lambda_gp=4,
    )  # fmt: skip

    for real, z in zip(reals, z_c):
        real_score, fake_score, length = np.mean(real @ b), np.mean(z @ a @ b), np.linalg.norm(b)
        penalty = (length - 1) ** 2
        gradient = ((z @ a).mean(0) - real.mean(0))[:, None] + 4 * 2 * (length - 1) * b / length
        b = b - 0.1 * gradient
    g_loss = -np.mean(z_g @ a @ b)
    new_a = a + 0.1 * z_g.mean(0)[:, None] @ b.T
    scores = {"real_score": real_score, "fake_score": fake_score, "wasserstein": real_score - fake_score}
    require_equal(networks, new_a, b, losses, {"g_loss": g_loss, "penalty": penalty, **scores})


class Watched:
    """An optimizer that keeps what two networks held right after each of its updates."""

    def __init__(self, optimizer, *networks):
        self.optimizer, self.networks, self.seen = optimizer, networks, []

    def step(self, loss):
        self.optimizer.step(loss)
        self.seen.append([network_arrays(network) for network in self.networks])


def equal(arrays, others):
    return {name for name in arrays if np.array_equal(arrays[name], others[name])}


@pytest.mark.parametrize("algorithm", ["gan", "wgan", "wgan_gp"])
def test_an_update_leaves_the_other_network_alone_running_statistics_included(algorithm):
    jt.set_seed(5)
    if algorithm == "gan":
        generator = dcgan.Generator(img_size=16, channels=1, conv_dim=4, latent_dim=8)
        critic = dcgan.Discriminator(img_size=16, channels=1, conv_dim=4)
    else:
        generator = wgan.Generator(img_size=16, conv_dim=4, latent_dim=8)
        critic = wgan.Critic(img_size=16, conv_dim=4, batch_norm=algorithm == "wgan")
    optimizer_g = Watched(rmsprop(generator, lr=1e-3), generator, critic)
    optimizer_c = Watched(rmsprop(critic, lr=1e-3), generator, critic)
    random = np.random.default_rng(0)
    reals, z_c, z_g = (
        random.uniform(-1, 1, (2, 4, 1, 16, 16)),
        random.normal(0, 1, (2, 4, 8)),
        random.normal(0, 1, (4, 8)),
    )
    before = network_arrays(generator), network_arrays(critic)
    networks = generator, critic, optimizer_g, optimizer_c
    if algorithm == "gan":
        gan_step(*networks, real=var(reals[0]), z_d=var(z_c[0]), z_g=var(z_g))
    elif algorithm == "wgan":
        wgan_step(*networks, reals=var(reals), z_c=var(z_c), z_g=var(z_g), clip_value=100)  # clips nothing
    else:
        wgan_gp_step(*networks, reals=var(reals), z_c=var(z_c), z_g=var(z_g), epsilon=var(random.random((2, 4))))

    assert len(optimizer_c.seen) == (1 if algorithm == "gan" else 2) and len(optimizer_g.seen) == 1
    generator_then, critic_then = optimizer_c.seen[-1]
    assert equal(generator_then, before[0]) == before[0].keys()
    assert not equal(critic_then, before[1])
    generator_now, critic_now = network_arrays(generator), network_arrays(critic)
    assert equal(critic_now, critic_then) == critic_then.keys()
    assert not equal(generator_now, before[0])


def test_clipping_spares_the_running_statistics():
    jt.set_seed(5)
    generator, critic = wgan.Generator(img_size=8, conv_dim=4, latent_dim=8), wgan.Critic(img_size=8, conv_dim=4)
    random = np.random.default_rng(0)
    wgan_step(
        generator, critic, rmsprop(generator, lr=5e-5), rmsprop(critic, lr=5e-5),
        reals=var(random.uniform(-1, 1, (1, 8, 1, 8, 8))), z_c=var(random.normal(0, 1, (1, 8, 8))),
        z_g=var(random.normal(0, 1, (8, 8))), clip_value=0.01,
    )  # fmt: skip
    assert max(np.abs(weight.numpy()).max() for weight in trainable(critic)) == pytest.approx(0.01)
    running = [array for name, array in network_arrays(critic).items() if "running_var" in name]
    assert len(running) == 2 and all((array > 0.5).all() for array in running)
