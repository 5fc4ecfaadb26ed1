"""Pix2Pix's U-Net and PatchGAN (Isola et al. 2017, arXiv:1611.07004), the twin of `jgan.models.pix2pix`."""

from __future__ import annotations

import torch
from torch import nn

from jgan.reference.layers import enlarging, init_normal


class Generator(nn.Module):
    def __init__(
        self, *, in_channels: int | None = None, out_channels: int = 3, conv_dim: int = 64, n_levels: int = 8,
        label_classes: int | None = None, upsample: str = "deconv",
    ):  # fmt: skip
        super().__init__()
        self.in_channels = in_channels or label_classes or 3
        widths = [conv_dim * min(2**i, 8) for i in range(n_levels)]
        self.encoder = nn.ModuleList()
        for i, (n_in, n_out) in enumerate(zip([self.in_channels, *widths], widths)):
            layers = [nn.LeakyReLU(0.2)] if i > 0 else []
            layers.append(nn.Conv2d(n_in, n_out, 4, stride=2, padding=1, bias=i in (0, n_levels - 1)))
            layers += [nn.BatchNorm2d(n_out)] if 0 < i < n_levels - 1 else []
            self.encoder.append(nn.Sequential(*layers))
        self.decoder = nn.ModuleList()
        for i in reversed(range(n_levels)):
            n_in = widths[i] if i == n_levels - 1 else 2 * widths[i]
            n_out = widths[i - 1] if i > 0 else out_channels
            layers = [nn.ReLU(), *enlarging(n_in, n_out, upsample, kernel=4, bias=i == 0)]
            layers += [nn.BatchNorm2d(n_out)] if i > 0 else [nn.Tanh()]
            layers += [nn.Dropout(0.5)] if n_levels - i <= 3 and i > 0 else []
            self.decoder.append(nn.Sequential(*layers))
        init_normal(self)

    def forward(self, images):
        levels = [images]
        for down in self.encoder:
            levels.append(down(levels[-1]))
        x = self.decoder[0](levels.pop())
        for up in self.decoder[1:]:
            x = up(torch.cat([x, levels.pop()], dim=1))
        return x


class PatchDiscriminator(nn.Module):
    def __init__(self, *, in_channels: int = 6, conv_dim: int = 64, norm=nn.BatchNorm2d):
        super().__init__()
        widths = [conv_dim, 2 * conv_dim, 4 * conv_dim, 8 * conv_dim]
        layers = [nn.Conv2d(in_channels, conv_dim, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for n_in, n_out, stride in zip(widths, widths[1:], (2, 2, 1)):
            layers.append(nn.Conv2d(n_in, n_out, 4, stride=stride, padding=1, bias=norm is None))
            layers += [norm(n_out)] if norm is not None else []
            layers.append(nn.LeakyReLU(0.2))
        self.model = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1))
        init_normal(self)

    def forward(self, images):
        return self.model(images)
