"""Each algorithm as a case that either framework runs: what the parity tests and the benchmark feed it."""

from __future__ import annotations

import dataclasses
from typing import Callable

import numpy as np

from jgan import algorithms
from jgan.algorithms import Algorithm, framework
from jgan.pool import ImagePool
from jgan.processes import share, whole
from jgan.random import normal, rng


class Library:
    """The half of this package in "jittor" or "pytorch", and how it holds arrays.

    device: "cpu" or "cuda", where PyTorch's tensors are to be; Jittor's are where its flag says.
    """

    def __init__(self, name: str, device: str = "cpu"):
        self.half = framework(name)
        if name == "jittor":
            import jittor as jt

            self.tensor, self.array = jt.array, jt.Var.numpy
        else:
            import torch

            self.tensor = lambda array: torch.as_tensor(
                array, dtype=torch.long if array.dtype.kind == "i" else None, device=device
            )
            self.array = lambda tensor: tensor.detach().cpu().numpy()


def noise_images(random: np.random.Generator, n: int, channels: int, img_size: int) -> np.ndarray:
    """Uniform noise as float32 (n, channels, img_size, img_size) in [-1, 1]."""
    return random.uniform(-1, 1, (n, channels, img_size, img_size)).astype(np.float32)


@dataclasses.dataclass
class Case:
    """An algorithm in one framework, and what to feed it.

    step: takes `inputs` as tensors and returns losses by name. forward: by the name of a network, its output for such
    inputs. inputs: draws those of step i as arrays by name, its images by the function given, which takes a numpy
    generator, their number, channels and size. axes: along which each is a batch, if that is not the first.
    """

    algorithm: Algorithm
    forward: dict[str, Callable]
    inputs: Callable[..., dict[str, np.ndarray]]
    axes: dict[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        self.networks, self.optimizers = self.algorithm.networks, self.algorithm.optimizers
        self.step = self.algorithm.step

    def tensors(self, lib: Library, i: int, images: Callable = noise_images) -> dict:
        """This process's share of the inputs of step i, as the library's tensors."""
        inputs = self.inputs(i, images).items()
        return {name: lib.tensor(share(array, self.axes.get(name, 0))) for name, array in inputs}


# Each function takes the sizes of its function in `jgan.algorithms`, and those of its inputs.


def gan(lib: Library, *, batch_size: int, **sizes) -> Case:
    """The multilayer perceptrons of train_gan.py."""
    return _of_images(algorithms.gan(lib.half, **sizes), {"channels": 1, **sizes}, batch_size)


def dcgan(lib: Library, *, batch_size: int, **sizes) -> Case:
    """The networks of train_dcgan.py."""
    return _of_images(algorithms.dcgan(lib.half, **sizes), {"channels": 3, **sizes}, batch_size)


def _of_images(algorithm: Algorithm, sizes: dict, n: int) -> Case:
    generator, discriminator = algorithm.networks.values()

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        z_d, z_g = (generator.draw_z(random, n, sizes["latent_dim"]) for _ in range(2))
        return {"real": images(random, n, sizes["channels"], sizes["img_size"]), "z_d": z_d, "z_g": z_g}

    forward = {
        "generator": lambda given: generator(given["z_d"]),
        "discriminator": lambda given: discriminator(given["real"]),
    }
    return Case(algorithm, forward, inputs)


def cgan(lib: Library, **sizes) -> Case:
    """The networks of train_cgan.py --arch mlp."""
    return _of_classes(lib, algorithms.cgan, **sizes)


def projection(lib: Library, **sizes) -> Case:
    """The networks of train_cgan.py --arch conv."""
    return _of_classes(lib, algorithms.projection, **sizes)


def _of_classes(
    lib: Library, build, *, batch_size: int, n_classes: int, img_size: int, latent_dim: int, channels=1, **sizes
) -> Case:
    algorithm = build(
        lib.half, n_classes=n_classes, img_size=img_size, latent_dim=latent_dim, channels=channels, **sizes
    )
    generator, discriminator = algorithm.networks.values()

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        labels, fake_labels = random.integers(0, n_classes, (2, batch_size))
        real, z = images(random, batch_size, channels, img_size), generator.draw_z(random, batch_size, latent_dim)
        return {"real": real, "labels": labels, "z": z, "fake_labels": fake_labels}

    forward = {
        "generator": lambda given: generator(given["z"], given["fake_labels"]),
        "discriminator": lambda given: discriminator(given["real"], given["labels"]),
    }
    return Case(algorithm, forward, inputs)


def wgan(lib: Library, *, batch_size: int, n_critic: int = 5, **sizes) -> Case:
    """The networks of train_wgan.py."""
    return _with_critic(algorithms.wgan(lib.half, **sizes), sizes, (n_critic, batch_size))


def wgan_gp(lib: Library, *, batch_size: int, n_critic: int = 5, **sizes) -> Case:
    """The networks of train_wgan_gp.py, by its --arch."""
    case = _with_critic(algorithms.wgan_gp(lib.half, **sizes), sizes, (n_critic, batch_size))
    inputs = case.inputs

    def with_epsilon(i: int, images) -> dict[str, np.ndarray]:
        return {**inputs(i, images), "epsilon": rng(0, "epsilon", i).random((n_critic, batch_size), dtype=np.float32)}

    case.inputs = with_epsilon
    return case


def _with_critic(algorithm: Algorithm, sizes: dict, rounds: tuple[int, int]) -> Case:
    """rounds: updates of the critic for one of the generator, and the images of each."""
    generator, critic = algorithm.networks.values()
    n_critic, n = rounds
    channels, img_size, latent_dim = sizes.get("channels", 1), sizes["img_size"], sizes["latent_dim"]

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        reals = images(random, n_critic * n, channels, img_size)
        z = generator.draw_z(random, (n_critic + 1) * n, latent_dim).reshape((n_critic + 1, n, latent_dim))
        return {"reals": reals.reshape((n_critic, n, *reals.shape[1:])), "z_c": z[1:], "z_g": z[0]}

    forward = {
        "generator": lambda given: generator(given["z_g"]),
        "critic": lambda given: critic(given["reals"][0]),
    }
    return Case(algorithm, forward, inputs, axes={"reals": 1, "z_c": 1, "epsilon": 1})


def pix2pix(lib: Library, *, batch_size: int, img_size: int, channels: int = 3, gan_mode="vanilla", **sizes) -> Case:
    """The networks of train_pix2pix.py, by its --gan_mode and --upsample."""
    algorithm = algorithms.pix2pix(
        lib.half, in_channels=channels, out_channels=channels, gan_mode=gan_mode, **sizes
    )  # fmt: skip

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        a, b = (images(random, batch_size, channels, img_size) for _ in range(2))
        penalised = {"epsilon": random.random(batch_size, dtype=np.float32)} if gan_mode == "wgangp" else {}
        return {"a": a, "b": b, **penalised}

    return Case(algorithm, {"generator": lambda given: algorithm.generator(given["a"])}, inputs)


def spade(
    lib: Library, *, batch_size: int, img_size: int, label_classes: int, latent_dim: int | None = None, **sizes
) -> Case:
    """The networks of train_pix2pix.py --arch spade; maps of squares of random classes."""
    if latent_dim is not None:
        sizes = {**sizes, "img_height": img_size, "img_width": img_size}
    algorithm = algorithms.spade(lib.half, label_classes=label_classes, latent_dim=latent_dim, **sizes)

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        squares = random.integers(0, label_classes, (batch_size, img_size // 4, img_size // 4))
        maps = squares.repeat(4, axis=1).repeat(4, axis=2)[:, None] == np.arange(label_classes)[:, None, None]
        z = {} if latent_dim is None else {"z": normal(random, batch_size, latent_dim)}
        return {"a": maps.astype(np.float32), "b": images(random, batch_size, 3, img_size), **z}

    forward = {"generator": lambda given: algorithm.generator(given["a"], given.get("z"))}
    return Case(algorithm, forward, inputs)


def cyclegan(
    lib: Library, *, batch_size: int, img_size: int, channels: int = 3, pool_size: int = 50, **sizes
) -> Case:  # fmt: skip
    """The networks of train_cyclegan.py, by its --arch and --upsample."""
    algorithm = algorithms.cyclegan(lib.half, channels=channels, **sizes)
    generators, discriminator_a, _ = algorithm.networks.values()

    def inputs(i: int, images) -> dict[str, np.ndarray]:
        random = rng(0, "case", i)
        a, b = (images(random, batch_size, channels, img_size) for _ in range(2))
        return {"a": a, "b": b}

    def exchange_with(pool: ImagePool, random: np.random.Generator):
        return lambda images: lib.tensor(share(pool.exchange(whole(lib.array(images)), random)))

    exchange_a, exchange_b = (exchange_with(ImagePool(pool_size), rng(0, f"pool {name}")) for name in "ab")
    forward = {
        "generators": lambda given: generators.a2b(given["a"]),
        "discriminator_a": lambda given: discriminator_a(given["a"]),
    }
    case = Case(algorithm, forward, inputs)
    case.step = lambda **given: algorithm.step(exchange_a=exchange_a, exchange_b=exchange_b, **given)
    return case


CASES = {case.__name__: case for case in (gan, cgan, projection, dcgan, wgan, wgan_gp, pix2pix, spade, cyclegan)}

_WGAN = {"batch_size": 4, "img_size": 18, "latent_dim": 5, "conv_dim": 3, "n_critic": 2}
# At more levels some biases are taken away by the normalisation after the next, and its running means wander with them.
_SPADE = {"batch_size": 2, "img_size": 16, "label_classes": 3, "conv_dim": 2, "n_levels": 1}
_CYCLEGAN = {"conv_dim": 2, "n_blocks": 1, "pool_size": 2}
FIXTURES = {  # a file of tests/fixtures -> its case, and that one's sizes
    "gan": ("gan", {"batch_size": 8, "img_size": 6, "latent_dim": 5, "width": 4}),
    "cgan": ("cgan", {"batch_size": 8, "img_size": 6, "latent_dim": 5, "n_classes": 3, "width_g": 4, "width_d": 16}),
    "projection": (
        "projection",
        {
            "batch_size": 4,
            "img_size": 16,
            "latent_dim": 5,
            "n_classes": 3,
            "conv_dim": 4,
            "channels": 3,
            "lambda_class": 0.25,
            "lambda_r1": 2,
        },
    ),
    "dcgan": ("dcgan", {"batch_size": 4, "img_size": 32, "latent_dim": 5, "conv_dim": 4}),
    "dcgan_spectral": (
        "dcgan",
        {"batch_size": 4, "img_size": 16, "latent_dim": 5, "conv_dim": 4, "spectral_norm": True, "gan_mode": "hinge"},
    ),
    "wgan": ("wgan", _WGAN),
    "wgan_gp": ("wgan_gp", {"arch": "upsampling", **_WGAN}),
    "wgan_gp_conv": ("wgan_gp", {"arch": "conv", **_WGAN, "img_size": 16, "channels": 3}),
    "pix2pix": ("pix2pix", {"batch_size": 1, "img_size": 32, "conv_dim": 2, "n_levels": 5}),
    "pix2pix_wgangp": (
        "pix2pix",
        {
            "batch_size": 2,
            "img_size": 32,
            "conv_dim": 2,
            "n_levels": 4,
            "gan_mode": "wgangp",
            "channels": 1,
            "upsample": "resize",
        },
    ),
    "spade": ("spade", _SPADE),
    "spade_noise": ("spade", {**_SPADE, "latent_dim": 5}),
    "cyclegan": ("cyclegan", {"arch": "resnet", "upsample": "deconv", "batch_size": 1, "img_size": 24, **_CYCLEGAN}),
    "cyclegan_residual": (
        "cyclegan",
        {
            "arch": "residual",
            "upsample": "resize",
            "lambda_identity": 0,
            "batch_size": 2,
            "img_size": 24,
            **_CYCLEGAN,
        },
    ),
    "cyclegan_conv": ("cyclegan", {"arch": "conv", "upsample": "resize", "batch_size": 2, "img_size": 32, **_CYCLEGAN}),
}


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
