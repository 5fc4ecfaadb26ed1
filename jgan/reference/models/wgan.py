"""The networks of WGAN (arXiv:1701.07875) and WGAN-GP (arXiv:1704.00028), the twin of `jgan.models.wgan`."""

from __future__ import annotations

from torch import nn

from jgan.models import DRAW_Z


class Generator(nn.Module):
    draw_z = staticmethod(DRAW_Z["wgan"])

    def __init__(self, *, latent_dim: int = 128, img_size: int = 32, channels: int = 1, conv_dim: int = 128):
        super().__init__()
        eighth, quarter, half = _halvings(img_size)[::-1]
        self.start = (4 * conv_dim, eighth, eighth)
        n_dense = 4 * conv_dim * eighth**2
        self.dense = nn.Sequential(nn.Linear(latent_dim, n_dense, bias=False), nn.BatchNorm1d(n_dense), nn.ReLU())
        self.model = nn.Sequential(
            nn.Upsample((quarter, quarter), mode="bilinear"),
            nn.Conv2d(4 * conv_dim, 2 * conv_dim, 5, padding=2, bias=False),
            nn.BatchNorm2d(2 * conv_dim),
            nn.ReLU(),
            nn.Upsample((half, half), mode="bilinear"),
            nn.Conv2d(2 * conv_dim, conv_dim, 5, padding=2, bias=False),
            nn.BatchNorm2d(conv_dim),
            nn.ReLU(),
            nn.Upsample((img_size, img_size), mode="bilinear"),
            nn.Conv2d(conv_dim, channels, 5, padding=2),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.model(self.dense(z).reshape((-1, *self.start)))


class Critic(nn.Module):
    def __init__(self, *, img_size: int = 32, channels: int = 1, conv_dim: int = 128, batch_norm: bool = True):
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(channels, conv_dim, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            *_convolution(conv_dim, 2 * conv_dim, batch_norm),
            *_convolution(2 * conv_dim, 4 * conv_dim, batch_norm),
        )
        self.score = nn.Linear(4 * conv_dim * _halvings(img_size)[-1] ** 2, 1, bias=False)

    def forward(self, images):
        return self.score(self.model(images).flatten(1))


def _convolution(n_in: int, n_out: int, batch_norm: bool) -> list:
    convolution = nn.Conv2d(n_in, n_out, 5, stride=2, padding=2, bias=not batch_norm)
    return [convolution, *([nn.BatchNorm2d(n_out)] if batch_norm else []), nn.LeakyReLU(0.2)]


def _halvings(img_size: int) -> list[int]:
    return [-(-img_size // 2**i) for i in (1, 2, 3)]
