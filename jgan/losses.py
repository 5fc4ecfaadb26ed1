"""Adversarial losses: pure functions of a discriminator's outputs, each returning a scalar Var."""

from __future__ import annotations


def least_squares(output, target: float):
    """Mean of (output - target)^2 over a batch of discriminator outputs of any shape.

    With target 1 for real and 0 for fake this is the least-squares GAN's a=0, b=c=1 (Mao et al. 2017,
    arXiv:1611.04076, eq. 9), and the loss of the Jittor warm-up.
    """
    return (output - target).sqr().mean()
