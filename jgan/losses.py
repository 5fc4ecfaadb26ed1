"""Adversarial losses, each as its discriminator's and its generator's term, and the penalties beside them.

A loss has `d_loss(real, fake)`, of a discriminator's outputs for real and fake images, and `g_loss(fake)`; both return
a scalar Var, of outputs of any shape. All are minimised.
"""

from __future__ import annotations

import jittor as jt
from jittor import nn

from jgan.layers import BatchNorm, as_labels, one_hot


class Vanilla:
    """The first GAN's loss, on logits (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1, D being sigmoid(logit)).

    real_target: in (0, 1]; below 1 it is one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, section
    3.4). The generator's term is the one of section 3 that does not saturate.
    """

    def __init__(self, *, real_target: float = 1.0):
        self.real_target = real_target

    def d_loss(self, real, fake):
        # -E[ t log D(x) + (1 - t) log(1 - D(x)) ] - E[ log(1 - D(G(z))) ]
        return _cross_entropy(real, self.real_target) + _cross_entropy(fake, 0)

    def g_loss(self, fake):
        # -E[ log D(G(z)) ]
        return _cross_entropy(fake, 1)


class LeastSquares:
    """The least-squares loss with a = 0 and b = c = 1 (Mao et al. 2017, arXiv:1611.04076, eq. 9), without its halves.

    real_target: in (0, 1]; below 1 for one-sided label smoothing.
    """

    def __init__(self, *, real_target: float = 1.0):
        self.real_target = real_target

    def d_loss(self, real, fake):
        # E[ (D(x) - 1)^2 ] + E[ D(G(z))^2 ]
        return (real - self.real_target).sqr().mean() + fake.sqr().mean()

    def g_loss(self, fake):
        # E[ (D(G(z)) - 1)^2 ]
        return (fake - 1).sqr().mean()


class Hinge:
    """The hinge loss (Lim & Ye 2017, arXiv:1705.02894, section 3; Miyato et al. 2018, arXiv:1802.05957, eq. 16, 17)."""

    def d_loss(self, real, fake):
        # E[ max(0, 1 - D(x)) ] + E[ max(0, 1 + D(G(z))) ]
        return nn.relu(1 - real).mean() + nn.relu(1 + fake).mean()

    def g_loss(self, fake):
        # -E[ D(G(z)) ]
        return -fake.mean()


class Wasserstein:
    """The critic's and the generator's terms of WGAN (Arjovsky et al. 2017, arXiv:1701.07875, eq. 2 and 3).

    The critic must be kept 1-Lipschitz beside it, by clipping its weights or by a gradient penalty.
    """

    def d_loss(self, real, fake):
        # E[ c(G(z)) ] - E[ c(x) ]
        return fake.mean() - real.mean()

    def g_loss(self, fake):
        # -E[ c(G(z)) ]
        return -fake.mean()


vanilla, least_squares, hinge, wasserstein = Vanilla(), LeastSquares(), Hinge(), Wasserstein()
GAN_MODES = {"vanilla": Vanilla, "lsgan": LeastSquares, "hinge": Hinge, "wgangp": Wasserstein}  # the field's names


def l1(output, target):
    """Mean absolute difference of two batches of one shape. Raises ValueError if their shapes differ."""
    if output.shape != target.shape:
        raise ValueError(f"the shapes {tuple(output.shape)} and {tuple(target.shape)} differ")
    return (output - target).abs().mean()


def feature_matching(real, fake):
    """How far what a discriminator's layers make of fake images is from what they make of real ones.

    real, fake: for each scale a list of the layers' outputs, the last of them its logits, which are left out. Returns
    the mean over the scales of the sums over the layers of `l1`; real counts as constant.
    Wang et al. 2018 (arXiv:1711.11585, eq. 4).
    """
    pairs = [pair for layers in zip(real, fake) for pair in zip(layers[0][:-1], layers[1][:-1])]
    return sum(l1(b, a.detach()) for a, b in pairs) / len(real)


def cross_entropy(logits, labels):
    """Mean of -log softmax(logits)[label]; logits: (N, n_classes), labels: integers (N,) in 0 .. n_classes-1."""
    return nn.cross_entropy_loss(logits, as_labels(labels, logits.shape[1]))


def class_margin(logits, labels):
    """Mean of max_k (l_k + [k != y]) - l_y: 0 where the logit of the class leads all others by 1 or more.

    logits: (N, n_classes), labels: integers (N,) in 0 .. n_classes-1. The multi-class hinge loss of Crammer & Singer
    2001 (JMLR 2, section 3); with a projection discriminator Kavalerov et al. 2021 (arXiv:1912.04216).
    """
    classes = one_hot(labels, logits.shape[1])
    return ((logits + 1 - classes).max(1) - (logits * classes).sum(1)).mean()


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


def r1_penalty(scores, real):
    """Mean of ||grad D(x)||^2 over real images, the norm being that of the gradient by all values of one image.

    scores: what the discriminator says of real, (N, 1), computed from it; real: (N, C, H, W). Mescheder et al. 2018
    (arXiv:1801.04406, eq. 9), where it is weighted by gamma / 2. Differentiable by the discriminator's parameters. With
    BatchNorm in it, the gradient would be one of the whole batch.
    """
    return jt.grad(scores.sum(), real).sqr().sum((1, 2, 3)).mean()


def _cross_entropy(logits, target: float):
    """Mean binary cross-entropy between logits and a target in [0, 1]."""
    return nn.binary_cross_entropy_with_logits(logits, jt.full_like(logits, target))
