"""The losses of `jgan.losses` in PyTorch."""

from __future__ import annotations

import torch
from torch.nn import functional


class Vanilla:
    """The first GAN's loss (arXiv:1406.2661)."""

    def __init__(self, *, real_target: float = 1.0):
        self.real_target = real_target

    def d_loss(self, real, fake):
        return _cross_entropy(real, self.real_target) + _cross_entropy(fake, 0)

    def g_loss(self, fake):
        return _cross_entropy(fake, 1)


class LeastSquares:
    """The least-squares loss (arXiv:1611.04076)."""

    def __init__(self, *, real_target: float = 1.0):
        self.real_target = real_target

    def d_loss(self, real, fake):
        return _squares(real, self.real_target) + _squares(fake, 0)

    def g_loss(self, fake):
        return _squares(fake, 1)


class Hinge:
    """The hinge loss (arXiv:1705.02894)."""

    def d_loss(self, real, fake):
        return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()

    def g_loss(self, fake):
        return -fake.mean()


class Wasserstein:
    """WGAN's terms (arXiv:1701.07875)."""

    def d_loss(self, real, fake):
        return fake.mean() - real.mean()

    def g_loss(self, fake):
        return -fake.mean()


vanilla, least_squares, hinge, wasserstein = Vanilla(), LeastSquares(), Hinge(), Wasserstein()
GAN_MODES = {"vanilla": Vanilla, "lsgan": LeastSquares, "hinge": Hinge, "wgangp": Wasserstein}


def l1(output, target):
    """Mean absolute difference."""
    return functional.l1_loss(output, target)


def feature_matching(real, fake):
    """The mean over scales of the sums over layers of L1 (arXiv:1711.11585)."""
    pairs = [pair for layers in zip(real, fake) for pair in zip(layers[0][:-1], layers[1][:-1])]
    return sum(l1(b, a.detach()) for a, b in pairs) / len(real)


def class_margin(logits, labels):
    """The multi-class hinge loss (Crammer & Singer 2001)."""
    others = 1 - functional.one_hot(labels, logits.shape[1])
    return ((logits + others).amax(1) - logits.gather(1, labels.unsqueeze(1)).squeeze(1)).mean()


def gradient_penalty(critic, real, fake, epsilon):
    """Mean of (||grad c(x)|| - 1)^2 at x = epsilon real + (1 - epsilon) fake, differentiable by its weights."""
    epsilon = epsilon.reshape((-1, 1, 1, 1))
    x = (epsilon * real + (1 - epsilon) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(2, dim=1) - 1).square().mean()


def r1_penalty(scores, real):
    """Mean of ||grad D(x)||^2 at x = real, differentiable by the discriminator's weights."""
    (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def _cross_entropy(logits, target: float):
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _squares(output, target: float):
    return functional.mse_loss(output, torch.full_like(output, target))
