"""A step against the same step worked out in numpy, on networks small enough to differentiate by hand."""

from __future__ import annotations

import jittor as jt
import numpy as np
from jittor import nn

from jgan.steps import cgan_step


class LinearGenerator(nn.Module):
    """G(z|y) = z A + y, as images of 1x1x2."""

    def __init__(self, a):
        self.a = jt.array(a)

    def execute(self, z, labels):
        return (jt.matmul(z, self.a) + jt.array(labels).float32().reshape((-1, 1))).reshape((-1, 1, 1, 2))


class LinearDiscriminator(nn.Module):
    """D(x|y) = x b + y."""

    def __init__(self, b):
        self.b = jt.array(b)

    def execute(self, images, labels):
        return jt.matmul(images.reshape((-1, 2)), self.b) + jt.array(labels).float32().reshape((-1, 1))


def test_cgan_step_is_one_update_of_each_network():
    random = np.random.default_rng(0)
    a, b = random.normal(0, 0.5, (3, 2)), random.normal(0, 0.5, (2, 1))
    real, z = random.normal(0, 1, (5, 2)), random.normal(0, 1, (5, 3))
    labels, fake_labels = random.integers(0, 3, 5), random.integers(0, 3, 5)
    generator, discriminator = LinearGenerator(np.float32(a)), LinearDiscriminator(np.float32(b))
    losses = cgan_step(
        generator,
        discriminator,
        nn.SGD(generator.parameters(), lr=0.1),
        nn.SGD(discriminator.parameters(), lr=0.1),
        real=jt.array(np.float32(real)).reshape((5, 1, 1, 2)),
        labels=labels,
        z=jt.array(np.float32(z)),
        fake_labels=fake_labels,
    )

    y, fake_y = labels[:, None], fake_labels[:, None]
    fake = z @ a + fake_y
    score = fake @ b + fake_y
    g_loss = np.mean((score - 1) ** 2)
    new_a = a - 0.1 * z.T @ (2 / 5 * (score - 1) @ b.T)
    # The discriminator sees the images that the generator drew before its update.
    real_score = real @ b + y
    d_loss = (np.mean((real_score - 1) ** 2) + np.mean(score**2)) / 2
    new_b = b - 0.1 * (real.T @ (real_score - 1) + fake.T @ score) / 5

    assert np.allclose([losses["g_loss"].item(), losses["d_loss"].item()], [g_loss, d_loss], rtol=1e-5)
    np.testing.assert_allclose(generator.a.numpy(), new_a, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(discriminator.b.numpy(), new_b, rtol=1e-5, atol=1e-6)
