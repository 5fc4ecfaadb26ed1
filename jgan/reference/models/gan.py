"""The first GAN (Goodfellow et al. 2014, arXiv:1406.2661), the twin of `jgan.models.gan`."""

from __future__ import annotations

import math

from torch import nn

from jgan.models import DRAW_Z


class Generator(nn.Module):
    draw_z = staticmethod(DRAW_Z["gan"])

    def __init__(self, *, latent_dim: int = 100, img_size: int = 28, channels: int = 1, width: int = 32):
        super().__init__()
        self.img_shape = (channels, img_size, img_size)
        self.model = nn.Sequential(
            *_hidden(latent_dim, width),
            *_hidden(width, 2 * width),
            *_hidden(2 * width, 4 * width),
            nn.Linear(4 * width, math.prod(self.img_shape)),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.model(z).reshape((-1, *self.img_shape))


class Discriminator(nn.Module):
    def __init__(self, *, img_size: int = 28, channels: int = 1, width: int = 32):
        super().__init__()
        self.model = nn.Sequential(
            *_hidden(channels * img_size**2, 4 * width),
            *_hidden(4 * width, 2 * width),
            *_hidden(2 * width, width),
            nn.Linear(width, 1),
        )

    def forward(self, images):
        return self.model(images.flatten(1))


def _hidden(n_in: int, n_out: int) -> tuple:
    return nn.Linear(n_in, n_out), nn.LeakyReLU(0.2), nn.Dropout(0.3)
