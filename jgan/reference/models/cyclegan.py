"""CycleGAN's generators (Zhu et al. 2017, arXiv:1703.10593), the twin of `jgan.models.cyclegan`."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from jgan.reference.layers import enlarging, init_he, init_normal


class ResnetGenerator(nn.Module):
    def __init__(self, *, channels: int = 3, conv_dim: int = 64, n_blocks: int = 9, upsample: str = "deconv"):
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(channels, conv_dim, 7, bias=False)]
        layers += [nn.InstanceNorm2d(conv_dim), nn.ReLU()]
        for n_in in (conv_dim, 2 * conv_dim):
            layers.append(nn.Conv2d(n_in, 2 * n_in, 3, stride=2, padding=1, bias=False))
            layers += [nn.InstanceNorm2d(2 * n_in), nn.ReLU()]
        layers += [
            ResidualBlock(4 * conv_dim, norm=nn.InstanceNorm2d, padding=nn.ReflectionPad2d) for _ in range(n_blocks)
        ]
        for n_in in (4 * conv_dim, 2 * conv_dim):
            layers += [*enlarging(n_in, n_in // 2, upsample, bias=False), nn.InstanceNorm2d(n_in // 2), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(conv_dim, channels, 7), nn.Tanh())
        init_normal(self)

    def forward(self, images):
        return self.model(images)


class ConvGenerator(nn.Module):
    def __init__(self, *, channels: int = 3, conv_dim: int = 64, n_blocks: int = 6, upsample: str = "deconv"):
        super().__init__()
        widths = [conv_dim, 2 * conv_dim, 4 * conv_dim]
        layers = []
        for n_in, n_out in zip([channels, *widths], widths):
            layers += [nn.Conv2d(n_in, n_out, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
        layers += [ResidualBlock(4 * conv_dim, norm=nn.BatchNorm2d, padding=None) for _ in range(n_blocks)]
        for n_in, n_out in ((4 * conv_dim, 2 * conv_dim), (2 * conv_dim, conv_dim)):
            layers += [*enlarging(n_in, n_out, upsample, kernel=4, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
        self.model = nn.Sequential(*layers, *enlarging(conv_dim, channels, upsample, kernel=4), nn.Tanh())
        init_normal(self)

    def forward(self, images):
        return self.model(images)


class ResidualGenerator(nn.Module):
    def __init__(self, *, channels: int = 3, conv_dim: int = 64, n_blocks: int = 9, upsample: str = "deconv"):
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(channels, conv_dim, 7), nn.ReLU()]
        for n_in in (conv_dim, 2 * conv_dim):
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(n_in, 2 * n_in, 3, stride=2), nn.ReLU()]
        layers += [ResidualBlock(4 * conv_dim, norm=None, padding=nn.ReflectionPad2d) for _ in range(n_blocks)]
        for n_in in (4 * conv_dim, 2 * conv_dim):
            layers += [*enlarging(n_in, n_in // 2, upsample, padding=nn.ReflectionPad2d), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(conv_dim, channels, 7))
        init_he(self)
        for branch in (self, *(module for module in self.modules() if isinstance(module, ResidualBlock))):
            nn.init.zeros_(branch.model[-1].weight)

    def forward(self, images):
        means = functional.avg_pool2d(images, 4)
        small = functional.interpolate(means, scale_factor=4, mode="bilinear", align_corners=False)
        return torch.tanh(self.model(images) + torch.atanh(0.98 * small))


class Generators(nn.Module):
    def __init__(
        self,
        *,
        arch: str = "resnet",
        channels: int = 3,
        conv_dim: int = 64,
        n_blocks: int = 9,
        upsample: str = "deconv",
    ):
        super().__init__()
        generator = {"resnet": ResnetGenerator, "conv": ConvGenerator, "residual": ResidualGenerator}[arch]
        options = {"channels": channels, "conv_dim": conv_dim, "n_blocks": n_blocks, "upsample": upsample}
        self.a2b, self.b2a = generator(**options), generator(**options)


class ResidualBlock(nn.Module):
    def __init__(self, n: int, *, norm, padding):
        super().__init__()
        layers = []
        for _ in range(2):
            layers += [padding(1)] if padding else []
            layers.append(nn.Conv2d(n, n, 3, padding=0 if padding else 1, bias=norm is None))
            layers += [norm(n), nn.ReLU()] if norm else [nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])

    def forward(self, x):
        return x + self.model(x)
