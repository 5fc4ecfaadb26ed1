"""Optimizers that agree with PyTorch's, built over whole networks.

As in Jittor, `step(loss)` uses the graph of the loss up; `step(loss, retain_graph=True)` keeps it for another.
"""

from __future__ import annotations

from jittor import nn

from jgan.kernels.optimizers import Adam, RMSprop
from jgan.layers import trainable


def adam(*networks: nn.Module, lr: float, b1: float, b2: float) -> nn.AdamW:
    """Adam over all trainable parameters of the networks (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1, eps 1e-8).

    It is Jittor's AdamW without decay: `jittor.nn.Adam` adds eps before the bias correction, which makes the first
    steps of small gradients too short; AdamW adds it where the paper and PyTorch do.
    """
    return Adam(_parameters(networks), lr=lr, betas=(b1, b2), weight_decay=0)


def rmsprop(*networks: nn.Module, lr: float) -> nn.RMSprop:
    """RMSprop over all trainable parameters of the networks: decay 0.99, eps 1e-8, no momentum.

    Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5; PyTorch's with its defaults.
    """
    return RMSprop(_parameters(networks), lr=lr)


def linear_decay(lr: float, step: int, *, n_steps: int, decay_step: int) -> float:
    """The learning rate at a step (from 0): lr before decay_step, then linear to 0 at n_steps.

    As Pix2Pix and CycleGAN are trained (Zhu et al. 2017, arXiv:1703.10593, appendix 7.1).
    """
    return lr * min(1.0, max(0, n_steps - step) / max(1, n_steps - decay_step))


def _parameters(networks) -> list:
    return [var for network in networks for var in trainable(network)]
