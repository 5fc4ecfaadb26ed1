"""CycleGAN's generators, after Zhu et al. 2017 (arXiv:1703.10593); its discriminators are Pix2Pix's PatchGAN.

`ResnetGenerator` is the paper's (appendix 7.2), `ConvGenerator` the plainer one of a well-known tutorial, and
`ResidualGenerator` one for few images, which draws their details alone. A convolution before a normalisation has no
bias, which the mean would take away again.
"""

from __future__ import annotations

import jittor as jt
from jittor import nn

from jgan.kernels.activate import tanh
from jgan.layers import (
    BatchNorm,
    Conv,
    InstanceNorm,
    ReflectionPad,
    ReLU,
    ResizeBilinear,
    Sequential,
    Tanh,
    enlarging,
    init_he,
    init_normal,
)
from jgan.models import rebuildable

NEARLY_ONE = 0.98  # what white is taken for, whose artanh would be infinite


class ResnetGenerator(nn.Module):
    """Images -> images: c7s1-64, d128, d256, n_blocks residual blocks, u128, u64, c7s1-3.

    images: float32 (N, channels, H, W) in [-1, 1], H and W multiples of 4. n_blocks: 9 for 256x256 in the paper, 6 for
    128x128. upsample: as for `jgan.layers.enlarging`; the paper's is "deconv". Returns float32 (N, channels, H, W) in
    [-1, 1].
    """

    stride = 4
    smallest = 8  # at a quarter of it, one pixel could not be mirrored or normalised

    def __init__(self, *, channels: int = 3, conv_dim: int = 64, n_blocks: int = 9, upsample: str = "deconv"):
        self.in_channels = channels
        layers = [ReflectionPad(3), Conv(channels, conv_dim, 7, bias=False), InstanceNorm(conv_dim), ReLU()]
        for n_in in (conv_dim, 2 * conv_dim):
            layers += [Conv(n_in, 2 * n_in, 3, stride=2, padding=1, bias=False), InstanceNorm(2 * n_in), ReLU()]
        layers += [ResidualBlock(4 * conv_dim, norm=InstanceNorm, padding=ReflectionPad) for _ in range(n_blocks)]
        for n_in in (4 * conv_dim, 2 * conv_dim):
            layers += [*enlarging(n_in, n_in // 2, upsample, bias=False), InstanceNorm(n_in // 2), ReLU()]
        self.model = Sequential(*layers, ReflectionPad(3), Conv(conv_dim, channels, 7), Tanh())
        init_normal(self)

    def execute(self, images):
        _require_multiple(images, self.in_channels, self.stride)
        return self.model(images)


class ConvGenerator(nn.Module):
    """Images -> images: three 4x4 convolutions of stride 2, residual blocks, three transposed ones, with BatchNorm.

    images: float32 (N, channels, H, W) in [-1, 1], H and W multiples of 8. upsample: as for `ResnetGenerator`.
    Returns float32 (N, channels, H, W) in [-1, 1].
    """

    stride = 8
    smallest = 8

    def __init__(self, *, channels: int = 3, conv_dim: int = 64, n_blocks: int = 6, upsample: str = "deconv"):
        self.in_channels = channels
        widths = [conv_dim, 2 * conv_dim, 4 * conv_dim]
        layers = []
        for n_in, n_out in zip([channels, *widths], widths):
            layers += [Conv(n_in, n_out, 4, stride=2, padding=1, bias=False), BatchNorm(n_out), ReLU()]
        layers += [ResidualBlock(4 * conv_dim, norm=BatchNorm, padding=None) for _ in range(n_blocks)]
        for n_in, n_out in ((4 * conv_dim, 2 * conv_dim), (2 * conv_dim, conv_dim)):
            layers += [*enlarging(n_in, n_out, upsample, kernel=4, bias=False), BatchNorm(n_out), ReLU()]
        self.model = Sequential(*layers, *enlarging(conv_dim, channels, upsample, kernel=4), Tanh())
        init_normal(self)

    def execute(self, images):
        _require_multiple(images, self.in_channels, self.stride)
        return self.model(images)


class ResidualGenerator(nn.Module):
    """Images -> images: ResnetGenerator's convolutions without normalisation, which draw the details.

    y = tanh(f(x) + artanh(small(x))), small(x) being the image at a quarter of its size, enlarged again: f is added, as
    in a Laplacian pyramid (Denton et al. 2015, arXiv:1506.05751, section 3), before the tanh. Composition and colours
    are there from the first step. Were the image itself added, next to nothing would be changed: the cycle's L1 holds a
    generator that begins with the identity.

    Instance normalisation would give f a variance of 1 in every image; where less is needed, it comes to a spot that
    has nearly all of it, black or white in what is drawn (Karras et al. 2020, arXiv:1912.04958, section 2). In its
    stead the convolutions that end a branch, f and that of each block, begin with zeros (Zhang et al. 2019,
    arXiv:1901.09321, section 3). All but transposed ones mirror the image at its borders: zeros there would be seen,
    and lines drawn along them.

    images: float32 (N, channels, H, W) in [-1, 1], H and W multiples of 4. n_blocks, upsample: as for
    `ResnetGenerator`. Returns float32 (N, channels, H, W) in [-1, 1].
    """

    stride = 4
    smallest = 8

    def __init__(self, *, channels: int = 3, conv_dim: int = 64, n_blocks: int = 9, upsample: str = "deconv"):
        self.in_channels = channels
        layers = [ReflectionPad(3), Conv(channels, conv_dim, 7), ReLU()]
        for n_in in (conv_dim, 2 * conv_dim):
            layers += [ReflectionPad(1), Conv(n_in, 2 * n_in, 3, stride=2), ReLU()]
        layers += [ResidualBlock(4 * conv_dim, norm=None, padding=ReflectionPad) for _ in range(n_blocks)]
        for n_in in (4 * conv_dim, 2 * conv_dim):
            layers += [*enlarging(n_in, n_in // 2, upsample, padding=ReflectionPad), ReLU()]
        self.model = Sequential(*layers, ReflectionPad(3), Conv(conv_dim, channels, 7))
        init_he(self)
        for branch in (self, *(module for module in self.modules() if isinstance(module, ResidualBlock))):
            jt.init.zero_(branch.model[-1].weight)

    def execute(self, images):
        _require_multiple(images, self.in_channels, self.stride)
        return tanh(self.model(images) + _artanh(NEARLY_ONE * _without_details(images)))


GENERATORS = {"resnet": ResnetGenerator, "conv": ConvGenerator, "residual": ResidualGenerator}


@rebuildable
class Generators(nn.Module):
    """The two directions as one network, `a2b` and `b2a`; arch: "resnet", "conv" or "residual" (see above)."""

    def __init__(
        self,
        *,
        arch: str = "resnet",
        channels: int = 3,
        conv_dim: int = 64,
        n_blocks: int = 9,
        upsample: str = "deconv",
    ):
        if arch not in GENERATORS:
            raise ValueError(f"arch must be one of {', '.join(GENERATORS)}, not {arch}")
        generator = GENERATORS[arch]
        options = {"channels": channels, "conv_dim": conv_dim, "n_blocks": n_blocks, "upsample": upsample}
        self.a2b, self.b2a = generator(**options), generator(**options)


class ResidualBlock(nn.Module):
    """x + two 3x3 convolutions of x, each normalised, with a ReLU between (He et al. 2016, arXiv:1512.03385, fig. 2).

    norm: constructor of the normalisation, or None; padding: that of a layer which pads by 1, or None for zeros.
    """

    def __init__(self, n: int, *, norm, padding):
        layers = []
        for _ in range(2):
            layers += [padding(1)] if padding else []
            layers.append(Conv(n, n, 3, padding=0 if padding else 1, bias=norm is None))
            layers += [norm(n), ReLU()] if norm else [ReLU()]
        self.model = Sequential(*layers[:-1])

    def execute(self, x):
        return x + self.model(x)


def _without_details(images):
    """The means of every 4x4 pixels, enlarged to the size of the images again."""
    n, channels, height, width = images.shape
    means = images.reshape((n, channels, height // 4, 4, width // 4, 4)).mean(dims=(3, 5))
    return ResizeBilinear((height, width))(means)


def _artanh(x):
    return ((1 + x) / (1 - x)).log() / 2


def _require_multiple(images, channels: int, stride: int) -> None:
    if images.shape[1] != channels or images.shape[2] % stride or images.shape[3] % stride:
        raise ValueError(
            f"images must have the shape (N, {channels}, H, W) with H and W multiples of {stride}, "
            f"not {tuple(images.shape)}"
        )
