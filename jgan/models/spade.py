"""SPADE: images from label maps by normalisations that the map modulates pixel by pixel, after Park et al. 2019.

arXiv:1903.07291, section 3 and appendix A. As in the authors' program the blocks have leaky ReLUs, and of the generator
their convolutions alone are spectrally normalised; these have no bias here, which the next normalisation would take
away. Initial weights are Pix2Pix's.
"""

from __future__ import annotations

import jittor as jt
from jittor import nn

from jgan.layers import (
    BatchNorm,
    Conv,
    HalveByAverage,
    InstanceNorm,
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    SpectralConv,
    Tanh,
    UpsampleNearest2x,
    init_normal,
    require_shape,
)
from jgan.models import rebuildable


class SPADE(nn.Module):
    """Normalisation whose scale and shift at each pixel follow from the label map around it (section 3.1).

    x: float32 (N, n_features, H, W); maps: float32 (N, label_classes, H, W), one-hot. hidden: channels between the map
    and both. Returns float32 like x.
    """

    def __init__(self, n_features: int, label_classes: int, hidden: int):
        self.norm = BatchNorm(n_features, affine=False)
        self.shared = Sequential(Conv(label_classes, hidden, 3, padding=1), ReLU())
        self.gamma = Conv(hidden, n_features, 3, padding=1)
        self.beta = Conv(hidden, n_features, 3, padding=1)

    def execute(self, x, maps):
        # gamma(m) (x - mean) / sd + beta(m)    (eq. 1; what is learned of gamma is its difference from 1)
        hidden = self.shared(maps)
        return self.norm(x) * (1 + self.gamma(hidden)) + self.beta(hidden)


class ResBlock(nn.Module):
    """Two convolutions, each after SPADE; a third on the way around them where the width changes (figure 4)."""

    def __init__(self, n_in: int, n_out: int, label_classes: int, hidden: int):
        n_middle = min(n_in, n_out)
        self.norm_1, self.norm_2 = SPADE(n_in, label_classes, hidden), SPADE(n_middle, label_classes, hidden)
        self.conv_1 = SpectralConv(n_in, n_middle, 3, padding=1, bias=False)
        self.conv_2 = SpectralConv(n_middle, n_out, 3, padding=1, bias=False)
        self.leaky_relu = LeakyReLU(0.2)
        self.changes_width = n_in != n_out
        if self.changes_width:
            self.norm_around = SPADE(n_in, label_classes, hidden)
            self.conv_around = SpectralConv(n_in, n_out, 1, bias=False)

    def execute(self, x, maps):
        around = self.conv_around(self.norm_around(x, maps)) if self.changes_width else x
        x = self.conv_1(self.leaky_relu(self.norm_1(x, maps)))
        return around + self.conv_2(self.leaky_relu(self.norm_2(x, maps)))


@rebuildable
class Generator(nn.Module):
    """Label maps -> images, doubling the size n_levels times, a SPADE residual block at each size.

    maps: float32 (N, label_classes, H, W), one-hot, H and W multiples of 2 ** n_levels, or ValueError is raised.
    conv_dim: channels of the last block; each block before has twice as many, up to 16 times. In the paper they are 64,
    and n_levels 6 for 256x256: 1024-1024-1024-512-256-128-64. Every SPADE has 2 conv_dim hidden channels.
    latent_dim: None begins with the map, reduced to its every 2 ** n_levels-th pixel. Else with noise z of this length,
    256 in the paper: float32 (N, latent_dim), standard normal, drawn by Jittor where none is given; images then have
    the size of img_height and img_width, which a linear layer fixes.
    Returns float32 (N, out_channels, H, W) in [-1, 1].
    """

    def __init__(
        self, *, label_classes: int = 29, out_channels: int = 3, conv_dim: int = 64, n_levels: int = 6,
        latent_dim: int | None = None, img_height: int | None = None, img_width: int | None = None,
    ):  # fmt: skip
        self.label_classes = label_classes
        self.in_channels = label_classes
        self.stride = 2**n_levels
        self.smallest = 2 * self.stride  # so that even the first blocks have pixels to normalise by
        self.latent_dim = latent_dim
        widths = [conv_dim * min(2**i, 16) for i in reversed(range(n_levels + 1))]
        if latent_dim is None:
            if img_height or img_width:
                raise ValueError("img_height and img_width are about a generator that begins with noise")
            self.begin = Conv(label_classes, widths[0], 3, padding=1, bias=False)
        else:
            self.img_shape = (img_height or 2**n_levels * 4, img_width or 2**n_levels * 4)
            if any(side % self.stride for side in self.img_shape):
                raise ValueError(f"images must have sides that are multiples of {self.stride}, not {self.img_shape}")
            self.begin_shape = (widths[0], *(side // self.stride for side in self.img_shape))
            self.begin = Linear(latent_dim, widths[0] * self.begin_shape[1] * self.begin_shape[2])
        self.blocks = nn.ModuleList(
            [ResBlock(n_in, n_out, label_classes, 2 * conv_dim) for n_in, n_out in zip([widths[0], *widths], widths)]
        )
        self.enlarge = UpsampleNearest2x()
        self.end = Sequential(LeakyReLU(0.2), Conv(conv_dim, out_channels, 3, padding=1), Tanh())
        init_normal(self)

    def execute(self, maps, z=None):
        if maps.shape[1] != self.label_classes or any(side % self.stride for side in maps.shape[2:]):
            raise ValueError(
                f"label maps must have the shape (N, {self.label_classes}, H, W) with H and W multiples of "
                f"{self.stride}, not {tuple(maps.shape)}"
            )
        strides = [self.stride // 2**i for i in range(len(self.blocks))]
        reduced = [maps[:, :, ::stride, ::stride] for stride in strides]
        x = self.begin(reduced[0]) if self.latent_dim is None else self._begun(maps, z)
        x = self.blocks[0](x, reduced[0])
        for block, each in zip(list(self.blocks)[1:], reduced[1:]):
            x = block(self.enlarge(x), each)
        return self.end(x)

    def _begun(self, maps, z):
        require_shape("maps", maps, (maps.shape[0], self.label_classes, *self.img_shape))
        z = jt.randn((maps.shape[0], self.latent_dim)) if z is None else z
        require_shape("z", z, (maps.shape[0], self.latent_dim))
        return self.begin(z).reshape((-1, *self.begin_shape))


class PatchDiscriminator(nn.Module):
    """Images -> what each layer makes of them, the last being a logit for each of many overlapping patches.

    images: float32 (N, in_channels, H, W). Returns a list of five Vars, (N, 1, about H/8, about W/8) at its end. Every
    convolution is spectrally normalised (appendix A).
    """

    def __init__(self, *, in_channels: int, conv_dim: int = 64):
        widths = [conv_dim, 2 * conv_dim, 4 * conv_dim, 8 * conv_dim]
        layers = [Sequential(SpectralConv(in_channels, conv_dim, 4, stride=2, padding=2), LeakyReLU(0.2))]
        for n_in, n_out, stride in zip(widths, widths[1:], (2, 2, 1)):
            conv = SpectralConv(n_in, n_out, 4, stride=stride, padding=2, bias=False)
            layers.append(Sequential(conv, InstanceNorm(n_out), LeakyReLU(0.2)))
        self.layers = nn.ModuleList([*layers, SpectralConv(widths[-1], 1, 4, padding=2)])

    def execute(self, images):
        outputs = []
        for layer in self.layers:
            images = layer(images)
            outputs.append(images)
        return outputs


class MultiScaleDiscriminator(nn.Module):
    """Images -> the outputs of a `PatchDiscriminator` at each of n_scales sizes, each half as large as the one before.

    images: float32 (N, in_channels, H, W), a label map and an image of it concatenated. Returns a list of lists.
    """

    def __init__(self, *, in_channels: int, conv_dim: int = 64, n_scales: int = 2):
        self.in_channels = in_channels
        self.scales = nn.ModuleList(
            [PatchDiscriminator(in_channels=in_channels, conv_dim=conv_dim) for _ in range(n_scales)]
        )
        self.halve = HalveByAverage()
        init_normal(self)

    def execute(self, images):
        outputs = [self.scales[0](images)]
        for scale in list(self.scales)[1:]:
            images = self.halve(images)
            outputs.append(scale(images))
        return outputs
