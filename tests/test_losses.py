from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from jittor import nn

from jgan.layers import trainable
from jgan.losses import (
    GAN_MODES,
    LeastSquares,
    Vanilla,
    class_margin,
    cross_entropy,
    feature_matching,
    gradient_penalty,
    hinge,
    r1_penalty,
    wasserstein,
)
from jgan.models import dcgan, wgan


def outputs(*extreme):
    """A discriminator's outputs for real and for fake images."""
    random = np.random.default_rng(0)
    return [np.concatenate([random.normal(0, 3, n), extreme]).reshape((-1, 1)) for n in (20, 30)]


def terms(loss, real, fake):
    real, fake = (jt.array(np.float32(values)) for values in (real, fake))
    return loss.d_loss(real, fake).item(), loss.g_loss(fake).item()


@pytest.mark.parametrize("target", [0.9, 1])
def test_vanilla_is_binary_cross_entropy_even_for_extreme_logits(target):
    real, fake = outputs(-1000, 1000, 0)
    d_loss = np.mean(target * np.logaddexp(0, -real) + (1 - target) * np.logaddexp(0, real))
    d_loss += np.mean(np.logaddexp(0, fake))
    expected = d_loss, np.mean(np.logaddexp(0, -fake))
    assert terms(Vanilla(real_target=target), real, fake) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("target", [0.9, 1])
def test_least_squares_is_the_mean_of_squares(target):
    real, fake = outputs()
    expected = np.mean((real - target) ** 2) + np.mean(fake**2), np.mean((fake - 1) ** 2)
    assert terms(LeastSquares(real_target=target), real, fake) == pytest.approx(expected, rel=1e-5)


def test_hinge_counts_what_is_within_the_margin():
    real, fake = outputs(1, -1)
    expected = np.mean(np.maximum(0, 1 - real)) + np.mean(np.maximum(0, 1 + fake)), -np.mean(fake)
    assert terms(hinge, real, fake) == pytest.approx(expected, rel=1e-5)


def test_wasserstein_is_the_difference_of_the_means():
    real, fake = outputs()
    expected = np.mean(fake) - np.mean(real), -np.mean(fake)
    assert terms(wasserstein, real, fake) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gan_mode", GAN_MODES)
def test_a_better_discriminator_and_a_better_generator_lose_less(gan_mode):
    """Whatever the loss: real images above fake ones please the discriminator, fake ones higher up the generator."""
    loss = GAN_MODES[gan_mode]()
    low, high = np.full((4, 1), -0.5), np.full((4, 1), 0.5)
    assert terms(loss, high, low)[0] < terms(loss, low, high)[0]
    assert terms(loss, high, high)[1] < terms(loss, high, low)[1]


class LinearCritic(nn.Module):
    """c(x) = <w, x>, whose gradient is w everywhere."""

    def __init__(self, w):
        self.w = jt.array(np.float32(w))

    def execute(self, images):
        return (images * self.w).sum(dims=(1, 2, 3)).reshape((-1, 1))


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 5, 4)])
def test_the_penalty_of_a_linear_critic_is_known(shape):
    random = np.random.default_rng(0)
    w = random.normal(0, 1, shape)
    critic = LinearCritic(w)
    real, fake = (jt.array(np.float32(random.normal(0, 1, (6, *shape)))) for _ in range(2))
    penalty = gradient_penalty(critic, real, fake, jt.array(np.float32(random.random(6))))
    norm = np.sqrt(np.sum(w**2))
    assert penalty.item() == pytest.approx((norm - 1) ** 2, rel=1e-5)
    gradient = jt.grad(penalty, critic.w).numpy()
    np.testing.assert_allclose(gradient, 2 * (norm - 1) * w / norm, rtol=1e-4, atol=1e-6)


class QuadraticCritic(nn.Module):
    """c(x) = a |x|^2 / 2, whose gradient a x shows where it was taken."""

    def __init__(self, a):
        self.a = jt.array([float(a)])

    def execute(self, images):
        return images.sqr().sum(dims=(1, 2, 3)).reshape((-1, 1)) * self.a / 2


def test_the_penalty_is_taken_between_each_real_image_and_its_fake_one():
    random = np.random.default_rng(0)
    real, fake = random.normal(0, 1, (2, 5, 1, 3, 3))
    epsilon = np.array([0, 1, 0.25, 0.5, 0.9])
    penalty = gradient_penalty(QuadraticCritic(0.7), *(jt.array(np.float32(a)) for a in (real, fake, epsilon)))
    between = epsilon[:, None] * real.reshape((5, -1)) + (1 - epsilon[:, None]) * fake.reshape((5, -1))
    norms = 0.7 * np.linalg.norm(between, axis=1)
    assert penalty.item() == pytest.approx(np.mean((norms - 1) ** 2), rel=1e-5)


def test_r1_is_the_mean_square_of_the_gradient_at_real_images():
    """Of a |x|^2 / 2 it is E[ a^2 |x|^2 ], whose derivative by a is 2 a E[ |x|^2 ]."""
    critic = QuadraticCritic(0.7)
    images = np.random.default_rng(0).normal(0, 1, (5, 1, 3, 3))
    real = jt.array(np.float32(images))
    penalty = r1_penalty(critic(real), real)
    square = np.mean(np.sum(images**2, axis=(1, 2, 3)))
    assert penalty.item() == pytest.approx(0.7**2 * square, rel=1e-5)
    assert jt.grad(penalty, critic.a).item() == pytest.approx(2 * 0.7 * square, rel=1e-5)


@pytest.mark.parametrize("network", ["dcgan", "wgan"])
def test_the_gradient_of_the_penalty_is_that_of_finite_differences(network):
    """The double backward through convolutions and LeakyReLU, along the direction of the gradient itself."""
    jt.set_seed(7)
    if network == "dcgan":
        critic = dcgan.Discriminator(img_size=16, channels=2, conv_dim=3, batch_norm=False)
        for weight in critic.parameters():
            weight.assign(weight * 15)  # drawn for tiny gradients, where (norm - 1)^2 has hardly a slope
    else:
        critic = wgan.Critic(img_size=9, channels=2, conv_dim=3, batch_norm=False)
    random = np.random.default_rng(0)
    size = 16 if network == "dcgan" else 9
    real, fake = (jt.array(np.float32(random.uniform(-1, 1, (4, 2, size, size)))) for _ in range(2))
    epsilon = jt.array(np.float32(random.random(4)))
    weights = trainable(critic)
    start = [weight.numpy() for weight in weights]
    gradient = [g.numpy() for g in jt.grad(gradient_penalty(critic, real, fake, epsilon), weights)]
    length = np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in gradient))
    assert length > 1e-3

    def penalty_at(distance):
        for weight, value, g in zip(weights, start, gradient):
            weight.assign(np.float32(value + distance * g / length))
        return gradient_penalty(critic, real, fake, epsilon).item()

    h = 1e-3
    assert (penalty_at(h) - penalty_at(-h)) / (2 * h) == pytest.approx(length, rel=1e-2)


@pytest.mark.parametrize("critic", [wgan.Critic(img_size=8, conv_dim=2), dcgan.Discriminator(img_size=16, channels=1)])
def test_the_penalty_refuses_a_critic_with_batch_norm(critic):
    images = jt.zeros((2, *critic.img_shape))
    with pytest.raises(ValueError, match="must not have BatchNorm"):
        gradient_penalty(critic, images, images, jt.zeros((2,)))


def test_cross_entropy_is_that_of_the_softmax():
    random = np.random.default_rng(0)
    logits, labels = random.normal(0, 30, (6, 4)), random.integers(0, 4, 6)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = -np.log(shares[np.arange(6), labels] / shares.sum(axis=1)).mean()
    found = cross_entropy(jt.array(logits.astype(np.float32)), labels)
    np.testing.assert_allclose(found.item(), expected, rtol=1e-5)
    with pytest.raises(ValueError, match=r"labels must be whole numbers in 0 .. 3; got 4"):
        cross_entropy(jt.zeros((1, 4)), [4])


def test_class_margin_is_the_lead_that_lacks():
    logits = np.float32([[3, 1, 0, -4], [2, 1.25, 2, 0], [0, 5, 0, 2], [1, 1, 1, 1]])
    labels = [0, 1, 3, 2]
    lacking = [0, 1.75, 4, 1]  # 3 leads 1 by 2; 1.25 lies 0.75 behind 2, and so on
    assert class_margin(jt.array(logits), labels).item() == pytest.approx(np.mean(lacking))
    with pytest.raises(ValueError, match=r"labels must be whole numbers in 0 .. 3; got 4"):
        class_margin(jt.zeros((1, 4)), [4])


def test_feature_matching_is_the_difference_of_all_layers_but_the_logits():
    random = np.random.default_rng(0)
    shapes = [[(2, 3, 5, 4), (2, 6, 3, 2), (2, 1, 3, 2)], [(2, 3, 3, 2), (2, 1, 1, 1)]]  # of two scales
    real, fake = ([[random.normal(0, 1, shape) for shape in scale] for scale in shapes] for _ in range(2))
    expected = sum(np.abs(a - b).mean() for x, y in zip(real, fake) for a, b in zip(x[:-1], y[:-1])) / 2
    real, fake = ([[jt.array(layer.astype(np.float32)) for layer in scale] for scale in each] for each in (real, fake))
    loss = feature_matching(real, fake)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    of_real, of_fake = jt.grad(loss, [real[0][1], fake[0][1]])
    assert not of_real.numpy().any()  # the real ones are the goal
    np.testing.assert_allclose(np.abs(of_fake.numpy()), 1 / 72 / 2, rtol=1e-5)
