"""Deep convolutional GAN, after Radford, Metz & Chintala 2016 (arXiv:1511.06434).

Strided convolutions instead of pooling, BatchNorm in both networks but at the generator's output and the
discriminator's input, ReLU in the generator, LeakyReLU in the discriminator, no fully connected hidden layer. Kernels
are 4x4 without bias, as in the authors' program. z is normal here, where the paper's is uniform.
"""

from __future__ import annotations

from jittor import nn

from jgan.layers import (
    BatchNorm,
    Conv,
    ConvTranspose,
    LeakyReLU,
    ReLU,
    Sequential,
    SpectralConv,
    Tanh,
    init_normal,
    require_shape,
)
from jgan.models import DCGAN_SIZES, DRAW_Z, rebuildable


@rebuildable
class Generator(nn.Module):
    """Noise -> images, doubling the size from a projected 4x4 on.

    z: float32 (N, latent_dim), standard normal (`draw_z`). img_size: one of `DCGAN_SIZES`, or ValueError is raised.
    conv_dim: channels of the last hidden layer, by default 32 up to 32x32 and 64 above; each layer before has twice as
    many, up to 8 times. 64x64 is thus 100-512-256-128-64-3 and 32x32 100-128-64-32-3.
    Returns float32 (N, channels, img_size, img_size) in [-1, 1].
    """

    draw_z = staticmethod(DRAW_Z["dcgan"])

    def __init__(self, *, latent_dim: int = 100, img_size: int = 64, channels: int = 3, conv_dim: int | None = None):
        self.latent_dim = latent_dim
        self.img_shape = (channels, img_size, img_size)
        widths = stage_widths(img_size, conv_dim)[::-1]
        layers = [ConvTranspose(latent_dim, widths[0], 4, bias=False)]
        for n_in, n_out in zip(widths, [*widths[1:], channels]):
            layers += [BatchNorm(n_in), ReLU(), ConvTranspose(n_in, n_out, 4, stride=2, padding=1, bias=False)]
        self.model = Sequential(*layers, Tanh())
        init_normal(self)

    def execute(self, z):
        require_shape("z", z, (len(z), self.latent_dim))
        return self.model(z.reshape((z.shape[0], -1, 1, 1)))


class Discriminator(nn.Module):
    """Images -> one logit per image, halving the size down to 4x4: the generator's mirror image.

    images: float32 (N, channels, img_size, img_size) in [-1, 1]; img_size and conv_dim as the generator's.
    batch_norm False makes it a critic for WGAN-GP; spectral_norm has every layer of it normalised, which takes the
    place of BatchNorm where that is False. Returns float32 (N, 1).
    """

    def __init__(
        self, *, img_size: int = 64, channels: int = 3, conv_dim: int | None = None, batch_norm: bool = True,
        spectral_norm: bool = False,
    ):  # fmt: skip
        self.img_shape = (channels, img_size, img_size)
        conv = SpectralConv if spectral_norm else Conv
        widths = stage_widths(img_size, conv_dim)
        layers = [conv(channels, widths[0], 4, stride=2, padding=1, bias=False), LeakyReLU(0.2)]
        for n_in, n_out in zip(widths, widths[1:]):
            layers.append(conv(n_in, n_out, 4, stride=2, padding=1, bias=False))
            if batch_norm:
                layers.append(BatchNorm(n_out))
            layers.append(LeakyReLU(0.2))
        self.model = Sequential(*layers, conv(widths[-1], 1, 4, bias=False))
        init_normal(self)

    def execute(self, images):
        require_shape("images", images, (len(images), *self.img_shape))
        return self.model(images).reshape((-1, 1))


def stage_widths(img_size: int, conv_dim: int | None) -> list[int]:
    """Channels at half the image's size, a quarter, ... down to 4x4."""
    if img_size not in DCGAN_SIZES:
        raise ValueError(
            f"a DCGAN draws images of the sizes {', '.join(map(str, DCGAN_SIZES))}; {img_size} is none of them"
        )
    if conv_dim is None:
        conv_dim = 32 if img_size <= 32 else 64
    n_stages = DCGAN_SIZES.index(img_size) + 2
    return [conv_dim * min(2**i, 8) for i in range(n_stages)]
