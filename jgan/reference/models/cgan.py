"""The conditional GAN of the Jittor warm-up (arXiv:1411.1784), the twin of `jgan.models.cgan`."""

from __future__ import annotations

import math

import torch
from torch import nn

from jgan.models import DRAW_Z


class Generator(nn.Module):
    draw_z = staticmethod(DRAW_Z["cgan"])

    def __init__(
        self, *, latent_dim: int = 100, n_classes: int = 10, img_size: int = 32, channels: int = 1, width: int = 128
    ):
        super().__init__()
        self.img_shape = (channels, img_size, img_size)
        self.label_emb = nn.Embedding(n_classes, n_classes)
        self.model = nn.Sequential(
            nn.Linear(n_classes + latent_dim, width),
            nn.LeakyReLU(0.2),
            *_normalised(width, 2 * width),
            *_normalised(2 * width, 4 * width),
            *_normalised(4 * width, 8 * width),
            nn.Linear(8 * width, math.prod(self.img_shape)),
            nn.Tanh(),
        )

    def forward(self, z, labels):
        return self.model(torch.cat([self.label_emb(labels), z], dim=1)).reshape((-1, *self.img_shape))


class Discriminator(nn.Module):
    def __init__(self, *, n_classes: int = 10, img_size: int = 32, channels: int = 1, width: int = 512):
        super().__init__()
        self.label_embedding = nn.Embedding(n_classes, n_classes)
        self.model = nn.Sequential(
            nn.Linear(channels * img_size**2 + n_classes, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.Dropout(0.4),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.Dropout(0.4),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, images, labels):
        return self.model(torch.cat([images.flatten(1), self.label_embedding(labels)], dim=1))


def _normalised(n_in: int, n_out: int) -> tuple:
    return nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out, eps=0.8), nn.LeakyReLU(0.2)
