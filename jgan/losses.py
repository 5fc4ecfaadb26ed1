"""Adversarial losses: pure functions of a discriminator's outputs, each returning a scalar Var."""

from __future__ import annotations

import jittor as jt
from jittor import nn

from jgan.layers import BatchNorm


def vanilla(logits, target: float):
    """Mean binary cross-entropy between a batch of logits of any shape and a target in [0, 1].

    With target 1 for real and 0 for fake, -log D and -log(1 - D) with D = sigmoid(logit) (Goodfellow et al. 2014,
    arXiv:1406.2661, eq. 1); 0.9 for real is one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498,
    section 3.4).
    """
    return nn.binary_cross_entropy_with_logits(logits, jt.full_like(logits, target))


def least_squares(output, target: float):
    """Mean of (output - target)^2 over a batch of discriminator outputs of any shape.

    With target 1 for real and 0 for fake this is the least-squares GAN's a=0, b=c=1 (Mao et al. 2017,
    arXiv:1611.04076, eq. 9), and the loss of the Jittor warm-up.
    """
    return (output - target).sqr().mean()


def wasserstein(scores, target: float):
    """Minus the mean of a critic's scores for target 1 (real), their mean for target 0 (fake), of any shape.

    The two terms of Arjovsky et al. 2017 (arXiv:1701.07875, eq. 3), in the form of the losses above.
    """
    return -scores.mean() if target else scores.mean()


def l1(output, target):
    """Mean absolute difference of two batches of one shape. Raises ValueError if their shapes differ."""
    if output.shape != target.shape:
        raise ValueError(f"the shapes {tuple(output.shape)} and {tuple(target.shape)} differ")
    return (output - target).abs().mean()


def gradient_penalty(critic, real, fake, epsilon):
    """Mean of (||grad c(x)|| - 1)^2 over the points x = epsilon real + (1 - epsilon) fake.

    Gulrajani et al. 2017 (arXiv:1704.00028, eq. 3 and algorithm 1). real, fake: (N, C, H, W); epsilon: (N,), uniform in
    [0, 1], one for each image; the norm is that of the gradient by all values of one image. Differentiable by the
    critic's parameters. Raises ValueError for a critic with BatchNorm: it must score each image by itself (section 4).
    """
    if any(isinstance(module, (BatchNorm, nn.BatchNorm)) for module in critic.modules()):
        raise ValueError("a critic under a gradient penalty must not have BatchNorm; make it with batch_norm=False")
    epsilon = epsilon.reshape((-1, 1, 1, 1))
    x = (epsilon * real + (1 - epsilon) * fake).detach()
    gradient = jt.grad(critic(x).sum(), x)
    norm = gradient.reshape((x.shape[0], -1)).norm(2, dim=1)
    return (norm - 1).sqr().mean()
