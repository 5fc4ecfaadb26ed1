"""DCGAN (Radford et al. 2016, arXiv:1511.06434), the twin of `jgan.models.dcgan`."""

from __future__ import annotations

import math

from torch import nn

from jgan.models import DRAW_Z
from jgan.reference.layers import SpectralConv, init_normal


class Generator(nn.Module):
    draw_z = staticmethod(DRAW_Z["dcgan"])

    def __init__(self, *, latent_dim: int = 100, img_size: int = 64, channels: int = 3, conv_dim: int | None = None):
        super().__init__()
        widths = stage_widths(img_size, conv_dim)[::-1]
        layers = [nn.ConvTranspose2d(latent_dim, widths[0], 4, bias=False)]
        for n_in, n_out in zip(widths, [*widths[1:], channels]):
            layers += [nn.BatchNorm2d(n_in), nn.ReLU()]
            layers += [nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1, bias=False)]
        self.model = nn.Sequential(*layers, nn.Tanh())
        init_normal(self)

    def forward(self, z):
        return self.model(z[:, :, None, None])


class Discriminator(nn.Module):
    def __init__(
        self, *, img_size: int = 64, channels: int = 3, conv_dim: int | None = None, batch_norm: bool = True,
        spectral_norm: bool = False,
    ):  # fmt: skip
        super().__init__()
        conv = SpectralConv if spectral_norm else nn.Conv2d
        widths = stage_widths(img_size, conv_dim)
        layers = [conv(channels, widths[0], 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2)]
        for n_in, n_out in zip(widths, widths[1:]):
            layers.append(conv(n_in, n_out, 4, stride=2, padding=1, bias=False))
            layers += [nn.BatchNorm2d(n_out)] if batch_norm else []
            layers.append(nn.LeakyReLU(0.2))
        self.model = nn.Sequential(*layers, conv(widths[-1], 1, 4, bias=False))
        init_normal(self)

    def forward(self, images):
        return self.model(images).reshape((-1, 1))


def stage_widths(img_size: int, conv_dim: int | None) -> list[int]:
    conv_dim = conv_dim or (32 if img_size <= 32 else 64)
    return [conv_dim * min(2**i, 8) for i in range(int(math.log2(img_size)) - 2)]
