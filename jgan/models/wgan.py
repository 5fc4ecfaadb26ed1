"""The upsampling generator and the convolutional critic of WGAN and WGAN-GP, for images of any size.

After Arjovsky et al. 2017 (arXiv:1701.07875) and Gulrajani et al. 2017 (arXiv:1704.00028), in the sizes of a tutorial
on Fashion-MNIST at 32x32: the generator enlarges bilinearly and convolves, which leaves no checkerboard.
"""

from __future__ import annotations

from jittor import nn

from jgan.layers import BatchNorm, Conv, LeakyReLU, Linear, ReLU, ResizeBilinear, Sequential, Tanh, require_shape
from jgan.models import DRAW_Z, rebuildable


@rebuildable
class Generator(nn.Module):
    """Noise -> images: a dense layer, then three times bilinear enlarging and a 5x5 convolution.

    z: float32 (N, latent_dim), standard normal (`draw_z`). img_size: any from 8 on, or ValueError is raised; 32 goes
    through 4, 8 and 16. conv_dim: channels of the last hidden layer; the one before has twice, the dense one four times
    as many. Returns float32 (N, channels, img_size, img_size) in [-1, 1].
    """

    draw_z = staticmethod(DRAW_Z["wgan"])

    def __init__(self, *, latent_dim: int = 128, img_size: int = 32, channels: int = 1, conv_dim: int = 128):
        self.latent_dim = latent_dim
        self.img_shape = (channels, img_size, img_size)
        eighth, quarter, half = _halvings(img_size)[::-1]
        self.start = (4 * conv_dim, eighth, eighth)
        self.dense = Sequential(
            Linear(latent_dim, 4 * conv_dim * eighth**2, bias=False), BatchNorm(4 * conv_dim * eighth**2), ReLU()
        )
        self.model = Sequential(
            ResizeBilinear((quarter, quarter)),
            Conv(4 * conv_dim, 2 * conv_dim, 5, padding=2, bias=False),
            BatchNorm(2 * conv_dim),
            ReLU(),
            ResizeBilinear((half, half)),
            Conv(2 * conv_dim, conv_dim, 5, padding=2, bias=False),
            BatchNorm(conv_dim),
            ReLU(),
            ResizeBilinear((img_size, img_size)),
            Conv(conv_dim, channels, 5, padding=2),
            Tanh(),
        )

    def execute(self, z):
        require_shape("z", z, (len(z), self.latent_dim))
        return self.model(self.dense(z).reshape((-1, *self.start)))


class Critic(nn.Module):
    """Images -> one unbounded score per image: three 5x5 convolutions of stride 2 and a dense layer.

    images: float32 (N, channels, img_size, img_size); img_size and conv_dim as the generator's. batch_norm: after the
    second and third convolution, as WGAN has it; under a gradient penalty it must be False, because the penalty is one
    of each image by itself (Gulrajani et al., section 4). Returns float32 (N, 1).
    """

    def __init__(self, *, img_size: int = 32, channels: int = 1, conv_dim: int = 128, batch_norm: bool = True):
        self.img_shape = (channels, img_size, img_size)
        self.model = Sequential(
            Conv(channels, conv_dim, 5, stride=2, padding=2),
            LeakyReLU(0.2),
            *_convolution(conv_dim, 2 * conv_dim, batch_norm),
            *_convolution(2 * conv_dim, 4 * conv_dim, batch_norm),
        )
        # Without a bias: it would shift the scores of real and fake images alike, which no loss sees.
        self.score = Linear(4 * conv_dim * _halvings(img_size)[-1] ** 2, 1, bias=False)

    def execute(self, images):
        require_shape("images", images, (len(images), *self.img_shape))
        return self.score(self.model(images).reshape((images.shape[0], -1)))


def _convolution(n_in: int, n_out: int, batch_norm: bool) -> list:
    convolution = Conv(n_in, n_out, 5, stride=2, padding=2, bias=not batch_norm)
    return [convolution, *([BatchNorm(n_out)] if batch_norm else []), LeakyReLU(0.2)]


def _halvings(img_size: int) -> list[int]:
    """The size halved once, twice and three times, rounded up: what a convolution of stride 2 makes of it."""
    if img_size < 8:
        raise ValueError(f"images must be at least 8 pixels wide and high, not {img_size}")
    return [-(-img_size // 2**i) for i in (1, 2, 3)]
