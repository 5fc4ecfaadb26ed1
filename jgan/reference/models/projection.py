"""The convolutional conditional GAN (Miyato & Koyama 2018, arXiv:1802.05637), the twin of `jgan.models.projection`."""

from __future__ import annotations

import torch
from torch import nn

from jgan.models import DRAW_Z
from jgan.reference.layers import ConditionalBatchNorm, SpectralConv, SpectralLinear, init_normal
from jgan.reference.models.dcgan import stage_widths


class Generator(nn.Module):
    draw_z = staticmethod(DRAW_Z["projection"])

    def __init__(
        self, *, latent_dim: int = 64, n_classes: int = 10, img_size: int = 32, channels: int = 1, conv_dim: int = 32
    ):
        super().__init__()
        self.n_classes = n_classes
        widths = stage_widths(img_size, conv_dim)[::-1]
        self.project = nn.ConvTranspose2d(latent_dim, widths[0], 4, bias=False)
        self.norms = nn.ModuleList([ConditionalBatchNorm(width, n_classes) for width in widths])
        self.enlarge = nn.ModuleList(
            [
                nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1, bias=False)
                for n_in, n_out in zip(widths, [*widths[1:], channels])
            ]
        )
        self.relu = nn.ReLU()
        init_normal(self)

    def forward(self, z, labels):
        x = self.project(z[:, :, None, None])
        for norm, enlarge in zip(self.norms, self.enlarge):
            x = enlarge(self.relu(norm(x, labels)))
        return torch.tanh(x)


class Discriminator(nn.Module):
    def __init__(self, *, n_classes: int = 10, img_size: int = 32, channels: int = 1, conv_dim: int = 32):
        super().__init__()
        self.n_classes = n_classes
        widths = stage_widths(img_size, conv_dim)
        layers = []
        for n_in, n_out in zip([channels, *widths], widths):
            layers += [SpectralConv(n_in, n_out, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*layers)
        n_features = widths[-1] * 4 * 4
        self.score = SpectralLinear(n_features, 1)
        self.embedding = SpectralLinear(n_features, n_classes, bias=False)
        init_normal(self)

    def forward(self, images, labels):
        return self.judged(images, labels)[0]

    def judged(self, images, labels):
        features = self.model(images).flatten(1)
        of_classes = self.embedding(features)
        return of_classes.gather(1, labels[:, None]) + self.score(features), of_classes
