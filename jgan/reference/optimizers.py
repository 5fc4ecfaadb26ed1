"""The optimizers of `jgan.optimizers`: PyTorch's own."""

from __future__ import annotations

import torch
from torch import nn


def adam(*networks: nn.Module, lr: float, b1: float, b2: float) -> torch.optim.Adam:
    """Adam over all parameters of the networks."""
    return torch.optim.Adam(_parameters(networks), lr=lr, betas=(b1, b2))


def rmsprop(*networks: nn.Module, lr: float) -> torch.optim.RMSprop:
    """RMSprop over all parameters of the networks."""
    return torch.optim.RMSprop(_parameters(networks), lr=lr)


def _parameters(networks) -> list:
    return [parameter for network in networks for parameter in network.parameters()]
