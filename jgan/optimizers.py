"""Optimizers that agree with PyTorch's, built over whole networks."""

from __future__ import annotations

from jittor import nn

from jgan.layers import trainable


def adam(*networks: nn.Module, lr: float, b1: float, b2: float) -> nn.AdamW:
    """Adam over all trainable parameters of the networks (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1, eps 1e-8).

    It is built as AdamW without decay: `jittor.nn.Adam` adds eps before the bias correction, which makes the first
    steps of small gradients too short; AdamW adds it where the paper and PyTorch do.
    """
    return nn.AdamW(_parameters(networks), lr=lr, betas=(b1, b2), weight_decay=0)


def rmsprop(*networks: nn.Module, lr: float) -> nn.RMSprop:
    """RMSprop over all trainable parameters of the networks: decay 0.99, eps 1e-8, no momentum.

    Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5; PyTorch's with its defaults.
    """
    return nn.RMSprop(_parameters(networks), lr=lr)


def _parameters(networks) -> list:
    return [var for network in networks for var in trainable(network)]
