"""SPADE (Park et al. 2019, arXiv:1903.07291), the twin of `jgan.models.spade`."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from jgan.reference.layers import InstanceNorm, SpectralConv, init_normal


class SPADE(nn.Module):
    def __init__(self, n_features: int, label_classes: int, hidden: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(n_features, affine=False)
        self.shared = nn.Sequential(nn.Conv2d(label_classes, hidden, 3, padding=1), nn.ReLU())
        self.gamma = nn.Conv2d(hidden, n_features, 3, padding=1)
        self.beta = nn.Conv2d(hidden, n_features, 3, padding=1)

    def forward(self, x, maps):
        hidden = self.shared(maps)
        return self.norm(x) * (1 + self.gamma(hidden)) + self.beta(hidden)


class ResBlock(nn.Module):
    def __init__(self, n_in: int, n_out: int, label_classes: int, hidden: int):
        super().__init__()
        n_middle = min(n_in, n_out)
        self.norm_1, self.norm_2 = SPADE(n_in, label_classes, hidden), SPADE(n_middle, label_classes, hidden)
        self.conv_1 = SpectralConv(n_in, n_middle, 3, padding=1, bias=False)
        self.conv_2 = SpectralConv(n_middle, n_out, 3, padding=1, bias=False)
        self.leaky_relu = nn.LeakyReLU(0.2)
        self.changes_width = n_in != n_out
        if self.changes_width:
            self.norm_around = SPADE(n_in, label_classes, hidden)
            self.conv_around = SpectralConv(n_in, n_out, 1, bias=False)

    def forward(self, x, maps):
        around = self.conv_around(self.norm_around(x, maps)) if self.changes_width else x
        x = self.conv_1(self.leaky_relu(self.norm_1(x, maps)))
        return around + self.conv_2(self.leaky_relu(self.norm_2(x, maps)))


class Generator(nn.Module):
    def __init__(
        self, *, label_classes: int = 29, out_channels: int = 3, conv_dim: int = 64, n_levels: int = 6,
        latent_dim: int | None = None, img_height: int | None = None, img_width: int | None = None,
    ):  # fmt: skip
        super().__init__()
        self.latent_dim = latent_dim
        widths = [conv_dim * min(2**i, 16) for i in reversed(range(n_levels + 1))]
        if latent_dim is None:
            self.begin = nn.Conv2d(label_classes, widths[0], 3, padding=1, bias=False)
        else:
            height, width = (side // 2**n_levels if side else 4 for side in (img_height, img_width))
            self.begin_shape = (widths[0], height, width)
            self.begin = nn.Linear(latent_dim, widths[0] * height * width)
        self.blocks = nn.ModuleList(
            [ResBlock(n_in, n_out, label_classes, 2 * conv_dim) for n_in, n_out in zip([widths[0], *widths], widths)]
        )
        self.end = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(conv_dim, out_channels, 3, padding=1), nn.Tanh())
        init_normal(self)

    def forward(self, maps, z=None):
        n_levels = len(self.blocks) - 1
        reduced = [functional.interpolate(maps, scale_factor=1 / 2**i, mode="nearest") for i in range(n_levels + 1)]
        x = self.begin(reduced[-1]) if z is None else self.begin(z).reshape(-1, *self.begin_shape)
        x = self.blocks[0](x, reduced[-1])
        for block, each in zip(self.blocks[1:], reduced[-2::-1]):
            x = block(functional.interpolate(x, scale_factor=2, mode="nearest"), each)
        return self.end(x)


class PatchDiscriminator(nn.Module):
    def __init__(self, *, in_channels: int, conv_dim: int = 64):
        super().__init__()
        widths = [conv_dim, 2 * conv_dim, 4 * conv_dim, 8 * conv_dim]
        layers = [nn.Sequential(SpectralConv(in_channels, conv_dim, 4, stride=2, padding=2), nn.LeakyReLU(0.2))]
        for n_in, n_out, stride in zip(widths, widths[1:], (2, 2, 1)):
            conv = SpectralConv(n_in, n_out, 4, stride=stride, padding=2, bias=False)
            layers.append(nn.Sequential(conv, InstanceNorm(n_out), nn.LeakyReLU(0.2)))
        self.layers = nn.ModuleList([*layers, SpectralConv(widths[-1], 1, 4, padding=2)])

    def forward(self, images):
        outputs = []
        for layer in self.layers:
            images = layer(images)
            outputs.append(images)
        return outputs


class MultiScaleDiscriminator(nn.Module):
    def __init__(self, *, in_channels: int, conv_dim: int = 64, n_scales: int = 2):
        super().__init__()
        self.scales = nn.ModuleList(
            [PatchDiscriminator(in_channels=in_channels, conv_dim=conv_dim) for _ in range(n_scales)]
        )
        init_normal(self)

    def forward(self, images):
        outputs = [self.scales[0](images)]
        for scale in self.scales[1:]:
            images = functional.avg_pool2d(images, 3, stride=2, padding=1, count_include_pad=False)
            outputs.append(scale(images))
        return outputs
