"""The convolutional conditional GAN: class-conditional BatchNorm, and a discriminator that projects on the class.

After Miyato & Koyama 2018 (arXiv:1802.05637) with the spectral normalisation of Miyato et al. 2018 (arXiv:1802.05957).
The stack of 4x4 convolutions is DCGAN's (arXiv:1511.06434) in place of the papers' residual blocks, which take several
times as long at these sizes.
"""

from __future__ import annotations

from jittor import nn

from jgan.layers import (
    ConditionalBatchNorm,
    ConvTranspose,
    LeakyReLU,
    Sequential,
    SpectralConv,
    SpectralLinear,
    Tanh,
    init_normal,
    one_hot,
    require_shape,
)
from jgan.models import DRAW_Z, rebuildable
from jgan.models.dcgan import stage_widths


@rebuildable
class Generator(nn.Module):
    """Noise and labels -> images, doubling the size from a projected 4x4 on.

    z: float32 (N, latent_dim), standard normal (`draw_z`). labels: integers (N,) in 0 .. n_classes-1.
    img_size: one of `DCGAN_SIZES`, or ValueError is raised. conv_dim: channels of the last hidden layer; each layer
    before has twice as many, up to 8 times. 32x32 is thus 64-128-64-32-1.
    Returns float32 (N, channels, img_size, img_size) in [-1, 1].
    """

    draw_z = staticmethod(DRAW_Z["projection"])

    def __init__(
        self, *, latent_dim: int = 64, n_classes: int = 10, img_size: int = 32, channels: int = 1, conv_dim: int = 32
    ):
        self.latent_dim = latent_dim
        self.n_classes = n_classes
        self.img_shape = (channels, img_size, img_size)
        widths = stage_widths(img_size, conv_dim)[::-1]
        self.project = ConvTranspose(latent_dim, widths[0], 4, bias=False)
        self.norms = nn.ModuleList([ConditionalBatchNorm(width, n_classes) for width in widths])
        self.enlarge = nn.ModuleList(
            [
                ConvTranspose(n_in, n_out, 4, stride=2, padding=1, bias=False)
                for n_in, n_out in zip(widths, [*widths[1:], channels])
            ]
        )
        self.tanh = Tanh()
        init_normal(self)

    def execute(self, z, labels):
        classes = one_hot(labels, self.n_classes)
        require_shape("z", z, (len(labels), self.latent_dim))
        x = self.project(z.reshape((-1, self.latent_dim, 1, 1)))
        for norm, enlarge in zip(self.norms, self.enlarge):
            x = enlarge(norm(x, classes, slope=0))  # ReLU
        return self.tanh(x)


class Discriminator(nn.Module):
    """Images and labels -> one logit per image, every layer under spectral normalisation.

    The paper's features are sums over the last 4x4 places. Here each place has its own, so that shapes are seen whole.
    images: float32 (N, channels, img_size, img_size) in [-1, 1]; labels: integers (N,) in 0 .. n_classes-1; img_size
    and conv_dim as the generator's. Returns float32 (N, 1).
    """

    def __init__(self, *, n_classes: int = 10, img_size: int = 32, channels: int = 1, conv_dim: int = 32):
        self.n_classes = n_classes
        self.img_shape = (channels, img_size, img_size)
        widths = stage_widths(img_size, conv_dim)
        layers = []
        for n_in, n_out in zip([channels, *widths], widths):
            layers += [SpectralConv(n_in, n_out, 4, stride=2, padding=1), LeakyReLU(0.2)]
        self.model = Sequential(*layers)
        n_features = widths[-1] * 4 * 4
        self.score = SpectralLinear(n_features, 1)
        self.embedding = SpectralLinear(n_features, n_classes, bias=False)
        init_normal(self)

    def execute(self, images, labels):
        return self.judged(images, labels)[0]

    def judged(self, images, labels) -> tuple:
        """The logit of each image, (N, 1), and those of the classes that it may be of, (N, n_classes)."""
        classes = one_hot(labels, self.n_classes)
        require_shape("images", images, (len(labels), *self.img_shape))
        # f(x, y) = y^T V phi(x) + psi(phi(x))    (eq. 3), where log p(y|x) = y^T V phi(x) + constant    (section 3)
        features = self.model(images).reshape((len(labels), -1))
        of_classes = self.embedding(features)
        return (of_classes * classes).sum(1, keepdims=True) + self.score(features), of_classes
