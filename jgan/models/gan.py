"""The first GAN as multilayer perceptrons, after Goodfellow et al. 2014 (arXiv:1406.2661).

Sizes as in a well-known tutorial on MNIST: four layers each, LeakyReLU and Dropout after every hidden one.
"""

from __future__ import annotations

import math

from jittor import nn

from jgan.layers import Dropout, LeakyReLU, Linear, Sequential, Tanh, require_shape
from jgan.models import DRAW_Z, rebuildable


@rebuildable
class Generator(nn.Module):
    """Noise -> images.

    z: float32 (N, latent_dim), uniform in [-1, 1] (`draw_z`). width: units of the first hidden layer; the second has
    twice, the third four times as many. Returns float32 (N, channels, img_size, img_size) in [-1, 1].
    """

    draw_z = staticmethod(DRAW_Z["gan"])

    def __init__(self, *, latent_dim: int = 100, img_size: int = 28, channels: int = 1, width: int = 32):
        self.latent_dim = latent_dim
        self.img_shape = (channels, img_size, img_size)
        self.model = Sequential(
            *_hidden(latent_dim, width),
            *_hidden(width, 2 * width),
            *_hidden(2 * width, 4 * width),
            Linear(4 * width, math.prod(self.img_shape)),
            Tanh(),
        )

    def execute(self, z):
        require_shape("z", z, (len(z), self.latent_dim))
        return self.model(z).reshape((-1, *self.img_shape))


class Discriminator(nn.Module):
    """Images -> one logit per image, above 0 where it takes the image for real.

    images: float32 (N, channels, img_size, img_size) in [-1, 1]. width: units of the last hidden layer; the one before
    has twice, the first four times as many. Returns float32 (N, 1).
    """

    def __init__(self, *, img_size: int = 28, channels: int = 1, width: int = 32):
        self.img_shape = (channels, img_size, img_size)
        self.model = Sequential(
            *_hidden(math.prod(self.img_shape), 4 * width),
            *_hidden(4 * width, 2 * width),
            *_hidden(2 * width, width),
            Linear(width, 1),
        )

    def execute(self, images):
        require_shape("images", images, (len(images), *self.img_shape))
        return self.model(images.reshape((images.shape[0], -1)))


def _hidden(n_in: int, n_out: int) -> tuple:
    return Linear(n_in, n_out), LeakyReLU(0.2), Dropout(0.3)
