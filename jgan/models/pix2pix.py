"""Pix2Pix: a U-Net that translates images, and a PatchGAN that looks at pairs, after Isola et al. 2017.

arXiv:1611.07004; layers and initial weights as in its appendix (section 6.1) and in the authors' program.
"""

from __future__ import annotations

import jittor as jt
from jittor import nn

from jgan.layers import BatchNorm, Conv, Dropout, LeakyReLU, ReLU, Sequential, Tanh, enlarging, init_normal
from jgan.models import rebuildable


@rebuildable
class Generator(nn.Module):
    """Images -> images: an encoder, and a decoder that sees the encoder's output of every level beside its own.

    images: float32 (N, in_channels, H, W) in [-1, 1], H and W multiples of 2 ** n_levels, or ValueError is raised. By
    default the levels of 256x256 are 8, so that the innermost is a single pixel; 7 suit 128x128, 6 suit 64x64.
    label_classes: in place of in_channels, where the images are one-hot label maps of so many classes. upsample: as for
    `jgan.layers.enlarging`; the paper's is "deconv".
    Dropout of 0.5 in the three innermost levels of the decoder is its only noise.
    Returns float32 (N, out_channels, H, W) in [-1, 1].
    """

    def __init__(
        self, *, in_channels: int | None = None, out_channels: int = 3, conv_dim: int = 64, n_levels: int = 8,
        label_classes: int | None = None, upsample: str = "deconv",
    ):  # fmt: skip
        if n_levels < 2:
            raise ValueError(f"a U-Net needs two levels or more, not {n_levels}")
        if in_channels and label_classes:
            raise ValueError("label_classes has a channel for each class; leave in_channels out")
        self.in_channels = in_channels or label_classes or 3
        self.label_classes = label_classes
        self.stride = self.smallest = 2**n_levels
        widths = [conv_dim * min(2**i, 8) for i in range(n_levels)]
        self.encoder = nn.ModuleList()
        for i, (n_in, n_out) in enumerate(zip([self.in_channels, *widths], widths)):
            layers = [LeakyReLU(0.2)] if i > 0 else []
            layers.append(Conv(n_in, n_out, 4, stride=2, padding=1, bias=i in (0, n_levels - 1)))
            if 0 < i < n_levels - 1:  # nothing to normalise by in a single pixel
                layers.append(BatchNorm(n_out))
            self.encoder.append(Sequential(*layers))
        self.decoder = nn.ModuleList()
        for i in reversed(range(n_levels)):
            n_in = widths[i] if i == n_levels - 1 else 2 * widths[i]
            n_out = widths[i - 1] if i > 0 else out_channels
            layers = [ReLU(), *enlarging(n_in, n_out, upsample, kernel=4, bias=i == 0)]
            layers += [BatchNorm(n_out)] if i > 0 else [Tanh()]
            if n_levels - i <= 3 and i > 0:
                layers.append(Dropout(0.5))
            self.decoder.append(Sequential(*layers))
        init_normal(self)

    def execute(self, images):
        if images.shape[1] != self.in_channels or images.shape[2] % self.stride or images.shape[3] % self.stride:
            raise ValueError(
                f"images must have the shape (N, {self.in_channels}, H, W) with H and W multiples of {self.stride}, "
                f"not {tuple(images.shape)}"
            )
        levels = [images]
        for down in self.encoder:
            levels.append(down(levels[-1]))
        x = self.decoder[0](levels.pop())
        for up in list(self.decoder)[1:]:
            x = up(jt.concat([x, levels.pop()], dim=1))
        return x


class PatchDiscriminator(nn.Module):
    """Images -> a logit for each of many overlapping patches of 70x70 pixels.

    images: float32 (N, in_channels, H, W), from 24x24 on; for Pix2Pix the input and the output concatenated. norm: the
    constructor of the normalisation from the second convolution on, or None.
    Returns float32 (N, 1, H/8 - 2, W/8 - 2), rounded down.
    """

    def __init__(self, *, in_channels: int = 6, conv_dim: int = 64, norm=BatchNorm):
        self.in_channels = in_channels
        widths = [conv_dim, 2 * conv_dim, 4 * conv_dim, 8 * conv_dim]
        layers = [Conv(in_channels, conv_dim, 4, stride=2, padding=1), LeakyReLU(0.2)]
        for n_in, n_out, stride in zip(widths, widths[1:], (2, 2, 1)):
            layers.append(Conv(n_in, n_out, 4, stride=stride, padding=1, bias=norm is None))
            if norm is not None:
                layers.append(norm(n_out))
            layers.append(LeakyReLU(0.2))
        self.model = Sequential(*layers, Conv(widths[-1], 1, 4, padding=1))
        init_normal(self)

    def execute(self, images):
        if images.shape[1] != self.in_channels or min(images.shape[2:]) < 24:
            raise ValueError(
                f"images must have the shape (N, {self.in_channels}, H >= 24, W >= 24), not {tuple(images.shape)}"
            )
        return self.model(images)
