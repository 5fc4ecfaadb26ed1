"""What the twins of several networks and steps share."""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import InstanceNorm2d as InstanceNorm  # noqa: F401 (by the name that `jgan.layers` gives it)
from torch.nn import functional


class ConditionalBatchNorm(nn.BatchNorm2d):
    """BatchNorm with a scale and a shift for each class (arXiv:1610.07629)."""

    def __init__(self, num_features: int, n_classes: int):
        super().__init__(num_features, affine=False)
        self.weight = nn.Parameter(torch.ones(n_classes, num_features))
        self.bias = nn.Parameter(torch.zeros(n_classes, num_features))

    def forward(self, x, labels):
        tracks = self.training and self.track_running_stats
        statistics = (None, None) if self.training and not tracks else (self.running_mean, self.running_var)
        normalized = functional.batch_norm(x, *statistics, training=self.training, momentum=self.momentum, eps=self.eps)
        return normalized * self.weight[labels][:, :, None, None] + self.bias[labels][:, :, None, None]


class SpectralConv(nn.Conv2d):
    """Conv2d under spectral normalisation (arXiv:1802.05957)."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        _begin(self)

    def forward(self, x):
        return self._conv_forward(x, spectrally_normalized(self), self.bias)


class SpectralLinear(nn.Linear):
    """Linear under spectral normalisation (arXiv:1802.05957)."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        _begin(self)

    def forward(self, x):
        return functional.linear(x, spectrally_normalized(self), self.bias)


def _begin(layer) -> None:
    layer.track_running_stats = True
    layer.register_buffer("running_u", functional.normalize(torch.randn(len(layer.weight)), dim=0))


def spectrally_normalized(layer):
    """The weight by its largest singular value: what torch.nn.utils.spectral_norm computes, with a way to leave u."""
    matrix = layer.weight.flatten(1)
    with torch.no_grad():
        v = functional.normalize(matrix.T @ layer.running_u, dim=0)
        u = functional.normalize(matrix @ v, dim=0)
        if layer.training and layer.track_running_stats:
            layer.running_u.copy_(u)
    return layer.weight / (u @ matrix @ v)


def enlarging(n_in: int, n_out: int, upsample: str, *, kernel: int = 3, bias: bool = True, padding=None) -> list:
    """Layers that double height and width, by transposed convolution ("deconv") or nearest neighbours ("resize")."""
    if upsample == "resize":
        layers = [nn.Upsample(scale_factor=2, mode="nearest"), *([padding(1)] if padding else [])]
        return [*layers, nn.Conv2d(n_in, n_out, 3, padding=0 if padding else 1, bias=bias)]
    return [nn.ConvTranspose2d(n_in, n_out, kernel, stride=2, padding=1, output_padding=kernel % 2, bias=bias)]


def init_normal(network: nn.Module) -> None:
    """N(0, 0.02) for weights, N(1, 0.02) for the scales of BatchNorm, biases 0, as DCGAN's authors do."""
    for module in network.modules():
        kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)
        if isinstance(module, kinds) and module.weight is not None:
            nn.init.normal_(module.weight, 1 if isinstance(module, nn.BatchNorm2d) else 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def init_he(network: nn.Module) -> None:
    """N(0, sqrt(2 / n)) for the weights of convolutions whose outputs add up n values, biases 0."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)


@contextmanager
def untracked(network: nn.Module):
    """Within this context BatchNorm uses the batch's statistics and leaves its running ones, spectral norm its u."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, SpectralConv, SpectralLinear)
    tracking = [module for module in network.modules() if isinstance(module, kinds)]
    for module in tracking:
        module.track_running_stats = False
    try:
        yield network
    finally:
        for module in tracking:
            module.track_running_stats = True
