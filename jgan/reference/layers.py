"""What the twins of several networks and steps share."""

from __future__ import annotations

from contextlib import contextmanager

from torch import nn
from torch.nn import InstanceNorm2d as InstanceNorm  # noqa: F401 (by the name that `jgan.layers` gives it)


def init_normal(network: nn.Module) -> None:
    """N(0, 0.02) for weights, N(1, 0.02) for the scales of BatchNorm, biases 0, as DCGAN's authors do."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)):
            nn.init.normal_(module.weight, 1 if isinstance(module, nn.BatchNorm2d) else 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@contextmanager
def untracked(network: nn.Module):
    """Within this context BatchNorm uses the batch's statistics and leaves its running ones."""
    norms = [module for module in network.modules() if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield network
    finally:
        for norm in norms:
            norm.track_running_stats = True
