"""Each algorithm as a case that either framework builds: what the parity tests and the benchmark run.

A case is made of a library, Jittor's half of this package (`library("jgan")`) or PyTorch's
(`library("jgan.reference")`), and of the sizes of its networks. Both halves have the same names, so a case says once
what is run by both.
"""

from __future__ import annotations

import dataclasses
import importlib
from types import SimpleNamespace
from typing import Callable

import numpy as np

from jgan.latent import normal, rng, uniform
from jgan.pool import ImagePool

MODELS = ("gan", "cgan", "dcgan", "wgan", "pix2pix", "cyclegan")
ADAM = {"lr": 0.0002, "b1": 0.5, "b2": 0.999}  # of DCGAN, and of most that came after


def library(root: str, device: str = "cpu") -> SimpleNamespace:
    """The networks, losses, steps and optimizers of a half of this package, and how it holds arrays.

    device: "cpu" or "cuda", where PyTorch's tensors are to be; Jittor's are where its flag says.
    """
    modules = {name: importlib.import_module(f"{root}.models.{name}") for name in MODELS}
    parts = {name: importlib.import_module(f"{root}.{name}") for name in ("losses", "steps", "optimizers")}
    if root == "jgan":
        import jittor as jt

        from jgan.layers import InstanceNorm

        return SimpleNamespace(**modules, **parts, InstanceNorm=InstanceNorm, tensor=jt.array, array=jt.Var.numpy)
    import torch

    return SimpleNamespace(
        **modules,
        **parts,
        InstanceNorm=torch.nn.InstanceNorm2d,
        tensor=lambda array: torch.as_tensor(
            array, dtype=torch.long if array.dtype.kind == "i" else None, device=device
        ),
        array=lambda tensor: tensor.detach().cpu().numpy(),
    )


def noise_images(random: np.random.Generator, n: int, channels: int, img_size: int) -> np.ndarray:
    """Uniform noise as float32 (n, channels, img_size, img_size) in [-1, 1]."""
    return random.uniform(-1, 1, (n, channels, img_size, img_size)).astype(np.float32)


@dataclasses.dataclass
class Case:
    """An algorithm in one framework.

    networks, optimizers: by name. step: takes `inputs` as tensors and returns losses by name. forward: by the name of a
    network, its output for such inputs. inputs: draws those of step i as arrays by name, its images by the function
    given, which takes a numpy generator, their number, channels and size.
    """

    networks: dict
    optimizers: dict
    step: Callable
    forward: dict[str, Callable]
    inputs: Callable[..., dict[str, np.ndarray]]

    def tensors(self, lib: SimpleNamespace, i: int, images: Callable = noise_images) -> dict:
        """The inputs of step i as the library's tensors."""
        return {name: lib.tensor(array) for name, array in self.inputs(i, images).items()}


def gan(lib, *, batch_size: int, img_size: int, latent_dim: int, width: int, channels: int = 1) -> Case:
    """The multilayer perceptrons of train_gan.py."""
    generator = lib.gan.Generator(latent_dim=latent_dim, img_size=img_size, channels=channels, width=width)
    discriminator = lib.gan.Discriminator(img_size=img_size, channels=channels, width=width)
    adam = {"lr": 0.002, "b1": 0.9, "b2": 0.999}
    return _by_gan_step(lib, generator, discriminator, adam, uniform, (batch_size, channels, img_size), latent_dim)


def dcgan(lib, *, batch_size: int, img_size: int, latent_dim: int, conv_dim: int, channels: int = 3) -> Case:
    """The networks of train_dcgan.py."""
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": conv_dim}
    generator, discriminator = lib.dcgan.Generator(latent_dim=latent_dim, **sizes), lib.dcgan.Discriminator(**sizes)
    return _by_gan_step(lib, generator, discriminator, ADAM, normal, (batch_size, channels, img_size), latent_dim)


def _by_gan_step(
    lib, generator, discriminator, adam: dict, draw_z, shape: tuple[int, int, int], latent_dim: int
) -> Case:
    optimizer_g, optimizer_d = (lib.optimizers.adam(network, **adam) for network in (generator, discriminator))

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        z_d, z_g = (draw_z(random, shape[0], latent_dim) for _ in range(2))
        return {"real": images(random, *shape), "z_d": z_d, "z_g": z_g}

    return Case(
        networks={"generator": generator, "discriminator": discriminator},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=lambda **given: lib.steps.gan_step(generator, discriminator, optimizer_g, optimizer_d, **given),
        forward={
            "generator": lambda given: generator(given["z_d"]),
            "discriminator": lambda given: discriminator(given["real"]),
        },
        inputs=inputs,
    )


def cgan(
    lib, *, batch_size: int, img_size: int, latent_dim: int, n_classes: int, width_g: int, width_d: int, channels=1
) -> Case:
    """The networks of train_cgan.py."""
    sizes = {"n_classes": n_classes, "img_size": img_size, "channels": channels}
    generator = lib.cgan.Generator(latent_dim=latent_dim, width=width_g, **sizes)
    discriminator = lib.cgan.Discriminator(width=width_d, **sizes)
    optimizer_g, optimizer_d = (lib.optimizers.adam(network, **ADAM) for network in (generator, discriminator))

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        labels, fake_labels = random.integers(0, n_classes, (2, batch_size))
        real, z = images(random, batch_size, channels, img_size), normal(random, batch_size, latent_dim)
        return {"real": real, "labels": labels, "z": z, "fake_labels": fake_labels}

    return Case(
        networks={"generator": generator, "discriminator": discriminator},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=lambda **given: lib.steps.cgan_step(generator, discriminator, optimizer_g, optimizer_d, **given),
        forward={
            "generator": lambda given: generator(given["z"], given["fake_labels"]),
            "discriminator": lambda given: discriminator(given["real"], given["labels"]),
        },
        inputs=inputs,
    )


def wgan(
    lib, *, batch_size: int, img_size: int, latent_dim: int, conv_dim: int, n_critic: int = 5, channels: int = 1
) -> Case:
    """The networks of train_wgan.py."""
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": conv_dim}
    generator, critic = lib.wgan.Generator(latent_dim=latent_dim, **sizes), lib.wgan.Critic(**sizes)
    optimizer_g, optimizer_c = (lib.optimizers.rmsprop(network, lr=0.00005) for network in (generator, critic))
    inputs = _rounds(n_critic, (batch_size, channels, img_size), latent_dim)
    return _with_critic(generator, critic, optimizer_g, optimizer_c, lib.steps.wgan_step, inputs)


def wgan_gp(
    lib,
    *,
    arch: str,
    batch_size: int,
    img_size: int,
    latent_dim: int,
    conv_dim: int,
    n_critic: int = 5,
    channels: int = 1,
) -> Case:
    """The networks of train_wgan_gp.py, by its --arch."""
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": conv_dim}
    if arch == "upsampling":
        generator, critic = lib.wgan.Generator, lib.wgan.Critic
    else:
        generator, critic = lib.dcgan.Generator, lib.dcgan.Discriminator
    generator, critic = generator(latent_dim=latent_dim, **sizes), critic(batch_norm=False, **sizes)
    optimizer_g, optimizer_c = (
        lib.optimizers.adam(network, lr=0.0001 if arch == "upsampling" else 0.0002, b1=0.5, b2=0.9)
        for network in (generator, critic)
    )
    rounds = _rounds(n_critic, (batch_size, channels, img_size), latent_dim)

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        return {**rounds(i, images), "epsilon": rng(0, "epsilon", i).random((n_critic, batch_size), dtype=np.float32)}

    return _with_critic(generator, critic, optimizer_g, optimizer_c, lib.steps.wgan_gp_step, inputs)


def _rounds(n_critic: int, shape: tuple[int, int, int], latent_dim: int) -> Callable[..., dict[str, np.ndarray]]:
    """Draws the inputs of n_critic updates of the critic and one of the generator."""
    batch_size, channels, img_size = shape

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        reals = images(random, n_critic * batch_size, channels, img_size)
        z = normal(random, (n_critic + 1) * batch_size, latent_dim).reshape((n_critic + 1, batch_size, latent_dim))
        return {"reals": reals.reshape((n_critic, *shape, img_size)), "z_c": z[1:], "z_g": z[0]}

    return inputs


def _with_critic(generator, critic, optimizer_g, optimizer_c, step, inputs) -> Case:
    return Case(
        networks={"generator": generator, "critic": critic},
        optimizers={"optimizer_g": optimizer_g, "optimizer_c": optimizer_c},
        step=lambda **given: step(generator, critic, optimizer_g, optimizer_c, **given),
        forward={
            "generator": lambda given: generator(given["z_g"]),
            "critic": lambda given: critic(given["reals"][0]),
        },
        inputs=inputs,
    )


def pix2pix(
    lib, *, batch_size: int, img_size: int, conv_dim: int, n_levels: int, gan_mode: str = "vanilla", channels: int = 3
) -> Case:
    """The networks of train_pix2pix.py, by its --gan_mode."""
    penalised = gan_mode == "wgangp"
    generator = lib.pix2pix.Generator(in_channels=channels, out_channels=channels, conv_dim=conv_dim, n_levels=n_levels)
    discriminator = lib.pix2pix.PatchDiscriminator(
        in_channels=2 * channels, conv_dim=conv_dim, **({"norm": None} if penalised else {})
    )
    optimizer_g, optimizer_d = (lib.optimizers.adam(network, **ADAM) for network in (generator, discriminator))
    loss = {"vanilla": lib.losses.vanilla, "lsgan": lib.losses.least_squares, "wgangp": lib.losses.wasserstein}[
        gan_mode
    ]

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        a, b = (images(random, batch_size, channels, img_size) for _ in range(2))
        return {"a": a, "b": b, **({"epsilon": random.random(batch_size, dtype=np.float32)} if penalised else {})}

    def step(**given):
        return lib.steps.pix2pix_step(
            generator, discriminator, optimizer_g, optimizer_d, loss=loss, lambda_gp=10 if penalised else 0, **given
        )

    return Case(
        networks={"generator": generator, "discriminator": discriminator},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=step,
        forward={"generator": lambda given: generator(given["a"])},
        inputs=inputs,
    )


def cyclegan(
    lib,
    *,
    arch: str,
    upsample: str,
    batch_size: int,
    img_size: int,
    conv_dim: int,
    n_blocks: int,
    pool_size: int = 50,
    channels: int = 3,
) -> Case:
    """The networks of train_cyclegan.py, by its --arch and --upsample."""
    generators = lib.cyclegan.Generators(
        arch=arch, channels=channels, conv_dim=conv_dim, n_blocks=n_blocks, upsample=upsample
    )
    discriminator_a, discriminator_b = (
        lib.pix2pix.PatchDiscriminator(in_channels=channels, conv_dim=conv_dim, norm=lib.InstanceNorm) for _ in "ab"
    )
    optimizer_g = lib.optimizers.adam(generators, **ADAM)
    optimizer_d = lib.optimizers.adam(discriminator_a, discriminator_b, **ADAM)

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        a, b = (images(random, batch_size, channels, img_size) for _ in range(2))
        return {"a": a, "b": b}

    def exchange_with(pool: ImagePool, random: np.random.Generator):
        return lambda images: lib.tensor(pool.exchange(lib.array(images), random))

    exchange_a, exchange_b = (exchange_with(ImagePool(pool_size), rng(0, f"pool {name}")) for name in "ab")

    def step(**given):
        return lib.steps.cyclegan_step(
            generators.a2b, generators.b2a, discriminator_a, discriminator_b, optimizer_g, optimizer_d,
            exchange_a=exchange_a, exchange_b=exchange_b, **given,
        )  # fmt: skip

    return Case(
        networks={"generators": generators, "discriminator_a": discriminator_a, "discriminator_b": discriminator_b},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=step,
        forward={
            "generators": lambda given: generators.a2b(given["a"]),
            "discriminator_a": lambda given: discriminator_a(given["a"]),
        },
        inputs=inputs,
    )


CASES = {case.__name__: case for case in (gan, cgan, dcgan, wgan, wgan_gp, pix2pix, cyclegan)}


def dropout_rates(networks: dict) -> dict[str, list[float]]:
    """The rates of every Dropout of each network, in its order."""
    return {
        name: [module.p for module in network.modules() if type(module).__name__ == "Dropout"]
        for name, network in networks.items()
    }


def set_dropout(networks: dict, rates: dict[str, list[float]]) -> None:
    """Give every Dropout such a rate: 0 where two frameworks that draw other masks are to be compared."""
    for name, network in networks.items():
        dropouts = (module for module in network.modules() if type(module).__name__ == "Dropout")
        for dropout, rate in zip(dropouts, rates[name]):
            dropout.p = rate


def without_dropout(networks: dict) -> None:
    """Set the rate of every Dropout to 0."""
    set_dropout(networks, {name: [0] * len(rates) for name, rates in dropout_rates(networks).items()})
