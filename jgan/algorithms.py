"""Each algorithm put together once: its networks, their optimizers, and the step that updates them.

A function takes the half of this package to build it from, `framework("jittor")` or its twin `framework("pytorch")`:
both have the same names in `models`, `losses`, `steps`, `optimizers` and `layers`. The training programs, the parity
tests and the benchmark build all they run here. Defaults are those of the papers, or of the tutorial on them that a
network's file names.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from jgan.optimizers import Average

MODULES = ("models.gan", "models.cgan", "models.projection", "models.dcgan", "models.wgan", "models.pix2pix")
MODULES += ("models.spade", "models.cyclegan", "losses", "steps", "optimizers", "layers")


@dataclasses.dataclass
class Algorithm:
    """What is trained: networks and optimizers by name, and the step, which takes its inputs by name.

    The first network is the one that draws or translates. average: its `jgan.optimizers.Average`, if it has one.
    lr_ratios: by the name of an optimizer, how many times the generator's its learning rate is, if not once.
    """

    networks: dict
    optimizers: dict
    step: Callable[..., dict] | None = None  # for those who call it: the training loop is given a step of its own
    average: Average | None = None
    lr_ratios: dict = dataclasses.field(default_factory=dict)

    @property
    def generator(self):
        """The network that is trained to draw or to translate."""
        return next(iter(self.networks.values()))

    @property
    def averaged(self):
        """The network to draw with: the average of the generator, if there is one, else the generator itself."""
        return self.generator if self.average is None else self.average.network

    @property
    def parts(self) -> dict:
        """Everything that a step changes, by name."""
        average = {} if self.average is None else {"average": self.average.network}
        return {**self.networks, **self.optimizers, **average}

    def set_lr(self, lr: float) -> None:
        """Set the generator's learning rate, and the others so that they keep their ratio to it."""
        for name, optimizer in self.optimizers.items():
            optimizer.lr = lr * self.lr_ratios.get(name, 1)


SMOOTHED = ("vanilla", "lsgan")  # the losses whose target for real images may be less than 1


def framework(name: str):
    """The half of this package in "jittor" or "pytorch"; ValueError for any other."""
    roots = {"jittor": "jgan", "pytorch": "jgan.reference"}
    if name not in roots:
        raise ValueError(f"the framework is one of {', '.join(roots)}, not {name}")
    root = roots[name]
    for module in MODULES:
        importlib.import_module(f"{root}.{module}")
    return importlib.import_module(root)


def smoothed_loss(half, gan_mode: str, real_target: float | None):
    """The loss of a gan_mode with one-sided label smoothing: of 0.9, or as given, where the loss has a target.

    Raises ValueError for a real_target and a loss that has none.
    """
    loss = half.losses.GAN_MODES[gan_mode]
    if gan_mode in SMOOTHED:
        return loss(real_target=0.9 if real_target is None else real_target)
    if real_target is not None:
        raise ValueError(f"the loss {gan_mode} has no target for real images; leave real_target out")
    return loss()


def gan(
    half, *, latent_dim=100, img_size=28, channels=1, width=32, lr=0.002, b1=0.9, b2=0.999, gan_mode="vanilla",
    real_target=None, lambda_r1=0,
) -> Algorithm:  # fmt: skip
    """The first GAN, two multilayer perceptrons (Goodfellow et al. 2014)."""
    generator = half.models.gan.Generator(latent_dim=latent_dim, img_size=img_size, channels=channels, width=width)
    discriminator = half.models.gan.Discriminator(img_size=img_size, channels=channels, width=width)
    loss = smoothed_loss(half, gan_mode, real_target)
    return _pair(
        half, generator, discriminator, half.steps.gan_step, lr=lr, b1=b1, b2=b2, loss=loss, lambda_r1=lambda_r1
    )


def cgan(
    half, *, latent_dim=100, n_classes=10, img_size=32, channels=1, width_g=128, width_d=512, lr=0.0002, b1=0.5,
    b2=0.999, gan_mode="lsgan", lambda_r1=0,
) -> Algorithm:  # fmt: skip
    """The conditional GAN of the Jittor warm-up (after Mirza & Osindero 2014)."""
    sizes = {"n_classes": n_classes, "img_size": img_size, "channels": channels}
    generator = half.models.cgan.Generator(latent_dim=latent_dim, width=width_g, **sizes)
    discriminator = half.models.cgan.Discriminator(width=width_d, **sizes)
    loss = half.losses.GAN_MODES[gan_mode]()
    return _pair(
        half, generator, discriminator, half.steps.cgan_step, lr=lr, b1=b1, b2=b2, loss=loss, lambda_r1=lambda_r1
    )


def projection(
    half, *, latent_dim=64, n_classes=10, img_size=32, channels=1, conv_dim=32, lr=0.0005, b1=0.0, b2=0.99,
    gan_mode="hinge", lambda_class=0.03, lambda_r1=0,
) -> Algorithm:  # fmt: skip
    """The convolutional conditional GAN with a projection discriminator (Miyato & Koyama 2018)."""
    sizes = {"n_classes": n_classes, "img_size": img_size, "channels": channels, "conv_dim": conv_dim}
    generator = half.models.projection.Generator(latent_dim=latent_dim, **sizes)
    discriminator = half.models.projection.Discriminator(**sizes)
    loss = half.losses.GAN_MODES[gan_mode]()
    return _pair(
        half, generator, discriminator, half.steps.cgan_step, lr=lr, b1=b1, b2=b2, loss=loss,
        lambda_class=lambda_class, lambda_r1=lambda_r1,
    )  # fmt: skip


def dcgan(
    half, *, latent_dim=100, img_size=64, channels=3, conv_dim=None, lr=0.0002, b1=0.5, b2=0.999, gan_mode="vanilla",
    real_target=None, spectral_norm=False, lambda_r1=0,
) -> Algorithm:  # fmt: skip
    """The deep convolutional GAN (Radford et al. 2016); no BatchNorm in its discriminator under either of the last."""
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": conv_dim}
    generator = half.models.dcgan.Generator(latent_dim=latent_dim, **sizes)
    norms = {"batch_norm": not (spectral_norm or lambda_r1), "spectral_norm": spectral_norm}
    discriminator = half.models.dcgan.Discriminator(**sizes, **norms)
    loss = smoothed_loss(half, gan_mode, real_target)
    return _pair(
        half, generator, discriminator, half.steps.gan_step, lr=lr, b1=b1, b2=b2, loss=loss, lambda_r1=lambda_r1
    )


def wgan(half, *, latent_dim=128, img_size=32, channels=1, conv_dim=128, lr=0.00005, clip_value=0.01) -> Algorithm:
    """The Wasserstein GAN with clipped weights, by RMSprop (Arjovsky et al. 2017)."""
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": conv_dim}
    generator, critic = half.models.wgan.Generator(latent_dim=latent_dim, **sizes), half.models.wgan.Critic(**sizes)
    optimizer_g, optimizer_c = (half.optimizers.rmsprop(network, lr=lr) for network in (generator, critic))
    return _with_critic(generator, critic, optimizer_g, optimizer_c, half.steps.wgan_step, clip_value=clip_value)


def wgan_gp(
    half, *, arch="upsampling", latent_dim=128, img_size=32, channels=1, conv_dim=128, lr=None, b1=0.5, b2=0.9,
    lambda_gp=10,
) -> Algorithm:  # fmt: skip
    """The Wasserstein GAN with a gradient penalty (Gulrajani et al. 2017).

    arch: "upsampling", the networks of `wgan`, or "conv", those of `dcgan`. lr None takes the architecture's.
    """
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": conv_dim}
    if arch == "upsampling":
        generator_class, critic_class = half.models.wgan.Generator, half.models.wgan.Critic
    else:
        generator_class, critic_class = half.models.dcgan.Generator, half.models.dcgan.Discriminator
    generator, critic = generator_class(latent_dim=latent_dim, **sizes), critic_class(batch_norm=False, **sizes)
    lr = WGAN_GP_LR[arch] if lr is None else lr
    optimizer_g, optimizer_c = (half.optimizers.adam(network, lr=lr, b1=b1, b2=b2) for network in (generator, critic))
    return _with_critic(generator, critic, optimizer_g, optimizer_c, half.steps.wgan_gp_step, lambda_gp=lambda_gp)


WGAN_GP_LR = {"upsampling": 0.0001, "conv": 0.0002}


def pix2pix(
    half, *, in_channels=None, out_channels=3, conv_dim=64, n_levels=8, label_classes=None, upsample="deconv",
    lr=0.0002, lr_d=None, b1=0.5, b2=0.999, gan_mode="vanilla", lambda_l1=100, lambda_gp=10,
) -> Algorithm:  # fmt: skip
    """Pix2Pix (Isola et al. 2017); under gan_mode "wgangp" with a gradient penalty, and no BatchNorm in its critic."""
    generator = half.models.pix2pix.Generator(
        in_channels=in_channels, out_channels=out_channels, conv_dim=conv_dim, n_levels=n_levels,
        label_classes=label_classes, upsample=upsample,
    )  # fmt: skip
    penalised = gan_mode == "wgangp"
    discriminator = half.models.pix2pix.PatchDiscriminator(
        in_channels=generator.in_channels + out_channels, conv_dim=conv_dim,
        **({"norm": None} if penalised else {}),
    )  # fmt: skip
    weights = {"lambda_l1": lambda_l1, "lambda_gp": lambda_gp if penalised else 0}
    loss = half.losses.GAN_MODES[gan_mode]()
    return _pair(
        half, generator, discriminator, half.steps.pix2pix_step, lr=lr, lr_d=lr_d, b1=b1, b2=b2, loss=loss, **weights
    )  # fmt: skip


def spade(
    half, *, label_classes=29, out_channels=3, conv_dim=64, n_levels=6, latent_dim=None, img_height=None,
    img_width=None, lr=0.0001, lr_d=0.0004, b1=0.0, b2=0.999, gan_mode="hinge", lambda_feat=10,
) -> Algorithm:  # fmt: skip
    """SPADE (Park et al. 2019), without its perceptual loss; the discriminator has a learning rate of its own."""
    generator = half.models.spade.Generator(
        label_classes=label_classes, out_channels=out_channels, conv_dim=conv_dim, n_levels=n_levels,
        latent_dim=latent_dim, img_height=img_height, img_width=img_width,
    )  # fmt: skip
    discriminator = half.models.spade.MultiScaleDiscriminator(
        in_channels=label_classes + out_channels, conv_dim=conv_dim
    )
    terms = {"loss": half.losses.GAN_MODES[gan_mode](), "lambda_feat": lambda_feat}
    return _pair(half, generator, discriminator, half.steps.spade_step, lr=lr, lr_d=lr_d, b1=b1, b2=b2, **terms)


def cyclegan(
    half, *, arch="resnet", channels=3, conv_dim=64, n_blocks=9, upsample="deconv", lr=0.0002, b1=0.5, b2=0.999,
    lambda_cycle=10, lambda_identity=0.5,
) -> Algorithm:  # fmt: skip
    """CycleGAN (Zhu et al. 2017)."""
    generators = half.models.cyclegan.Generators(
        arch=arch, channels=channels, conv_dim=conv_dim, n_blocks=n_blocks, upsample=upsample
    )
    discriminator_a, discriminator_b = (
        half.models.pix2pix.PatchDiscriminator(in_channels=channels, conv_dim=conv_dim, norm=half.layers.InstanceNorm)
        for _ in "ab"
    )
    optimizer_g = half.optimizers.adam(generators, lr=lr, b1=b1, b2=b2)
    optimizer_d = half.optimizers.adam(discriminator_a, discriminator_b, lr=lr, b1=b1, b2=b2)

    def step(**inputs) -> dict:
        return half.steps.cyclegan_step(
            generators.a2b, generators.b2a, discriminator_a, discriminator_b, optimizer_g, optimizer_d,
            lambda_cycle=lambda_cycle, lambda_identity=lambda_identity, **inputs,
        )  # fmt: skip

    return Algorithm(
        networks={"generators": generators, "discriminator_a": discriminator_a, "discriminator_b": discriminator_b},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=step,
    )


def _pair(half, generator, discriminator, step, *, lr, b1, b2, lr_d=None, **terms) -> Algorithm:
    """A generator and a discriminator, each by an Adam of its own; terms: what the step takes beside its inputs.

    lr_d: the learning rate of the discriminator, if it has another.
    """
    lr_d = lr if lr_d is None else lr_d
    optimizer_g, optimizer_d = (
        half.optimizers.adam(network, lr=rate, b1=b1, b2=b2)
        for network, rate in ((generator, lr), (discriminator, lr_d))
    )
    return Algorithm(
        networks={"generator": generator, "discriminator": discriminator},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=lambda **inputs: step(generator, discriminator, optimizer_g, optimizer_d, **terms, **inputs),
        lr_ratios={"optimizer_d": lr_d / lr},
    )


def _with_critic(generator, critic, optimizer_g, optimizer_c, step, **terms) -> Algorithm:
    return Algorithm(
        networks={"generator": generator, "critic": critic},
        optimizers={"optimizer_g": optimizer_g, "optimizer_c": optimizer_c},
        step=lambda **inputs: step(generator, critic, optimizer_g, optimizer_c, **terms, **inputs),
    )
