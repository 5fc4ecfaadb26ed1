"""The losses of `jgan.losses` in PyTorch."""

from __future__ import annotations

import torch
from torch.nn import functional


def vanilla(logits, target: float):
    """Mean binary cross-entropy between logits and a target in [0, 1]."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def least_squares(output, target: float):
    """Mean of (output - target)^2."""
    return functional.mse_loss(output, torch.full_like(output, target))


def wasserstein(scores, target: float):
    """Minus the mean score for target 1, the mean score for target 0."""
    return -scores.mean() if target else scores.mean()


def l1(output, target):
    """Mean absolute difference."""
    return functional.l1_loss(output, target)


def gradient_penalty(critic, real, fake, epsilon):
    """Mean of (||grad c(x)|| - 1)^2 at x = epsilon real + (1 - epsilon) fake, differentiable by its weights."""
    epsilon = epsilon.reshape((-1, 1, 1, 1))
    x = (epsilon * real + (1 - epsilon) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(2, dim=1) - 1).square().mean()
