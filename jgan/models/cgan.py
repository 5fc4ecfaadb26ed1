"""The conditional GAN of the Jittor warm-up: multilayer perceptrons that see the label beside their input.

After Mirza & Osindero 2014 (arXiv:1411.1784). Layers, sizes and the names of the parameters are those of the official
warm-up program, so that weights trained by it fit.
"""

from __future__ import annotations

import math

import jittor as jt
from jittor import nn

from jgan.layers import BatchNorm, Dropout, Embedding, LeakyReLU, Linear, Sequential, Tanh, as_labels, require_shape
from jgan.models import DRAW_Z, rebuildable


@rebuildable
class Generator(nn.Module):
    """Noise and labels -> images.

    z: float32 (N, latent_dim), standard normal (`draw_z`). labels: integers (N,) in 0 .. n_classes-1.
    width: units of the first hidden layer; each of the three after it has twice as many as the one before.
    Returns float32 (N, channels, img_size, img_size) in [-1, 1].
    """

    draw_z = staticmethod(DRAW_Z["cgan"])

    def __init__(
        self, *, latent_dim: int = 100, n_classes: int = 10, img_size: int = 32, channels: int = 1, width: int = 128
    ):
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        self.img_shape = (channels, img_size, img_size)
        self.label_emb = Embedding(n_classes, n_classes)
        self.model = Sequential(
            Linear(n_classes + latent_dim, width),
            LeakyReLU(0.2),
            Linear(width, 2 * width),
            BatchNorm(2 * width, eps=0.8),
            LeakyReLU(0.2),
            Linear(2 * width, 4 * width),
            BatchNorm(4 * width, eps=0.8),
            LeakyReLU(0.2),
            Linear(4 * width, 8 * width),
            BatchNorm(8 * width, eps=0.8),
            LeakyReLU(0.2),
            Linear(8 * width, math.prod(self.img_shape)),
            Tanh(),
        )

    def execute(self, z, labels):
        embedded = self.label_emb(as_labels(labels, self.n_classes))
        require_shape("z", z, (len(labels), self.latent_dim))
        return self.model(jt.concat([embedded, z], dim=1)).reshape((-1, *self.img_shape))


class Discriminator(nn.Module):
    """Images and labels -> one unbounded score per image, near 1 for real and 0 for fake under the least-squares loss.

    images: float32 (N, channels, img_size, img_size) in [-1, 1]. labels: integers (N,) in 0 .. n_classes-1.
    width: units of the hidden layers. Returns float32 (N, 1).
    """

    def __init__(self, *, n_classes: int = 10, img_size: int = 32, channels: int = 1, width: int = 512):
        self.n_classes = n_classes
        self.img_shape = (channels, img_size, img_size)
        self.label_embedding = Embedding(n_classes, n_classes)
        self.model = Sequential(
            Linear(math.prod(self.img_shape) + n_classes, width),
            LeakyReLU(0.2),
            Linear(width, width),
            Dropout(0.4),
            LeakyReLU(0.2),
            Linear(width, width),
            Dropout(0.4),
            LeakyReLU(0.2),
            Linear(width, 1),
        )

    def execute(self, images, labels):
        embedded = self.label_embedding(as_labels(labels, self.n_classes))
        require_shape("images", images, (len(labels), *self.img_shape))
        return self.model(jt.concat([images.reshape((images.shape[0], -1)), embedded], dim=1))
