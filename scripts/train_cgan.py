"""Train the Jittor warm-up's conditional GAN on MNIST.

python scripts/train_cgan.py                                      # the warm-up's defaults, 100 epochs
python scripts/train_cgan.py --max_steps 200 --output runs/try    # a first look
python scripts/train_cgan.py --resume runs/try                    # resume it
"""

from __future__ import annotations

import dataclasses

import numpy as np
from options import option, run_program
from training import AdamOptions, TrainOptions, begin, fingerprint, launch

from jgan import images, runtime
from jgan.data import mnist
from jgan.data.batches import Batches
from jgan.latent import normal, rng


@dataclasses.dataclass
class Options(TrainOptions, AdamOptions):
    latent_dim: int = option(100, "length of the noise vector z", least=1)
    n_classes: int = option(10, "number of classes; MNIST has 10", least=10)
    img_size: int = option(32, "height and width of the images", least=4)
    channels: int = option(1, "channels of the images; MNIST is grey", choices=(1, 3))


def main(opt: Options, given: dict) -> int:
    run, opt, resume = begin(opt, given)
    pixels, digits = mnist.load_mnist("train", data_dir=opt.data_dir)
    pixels = np.repeat(mnist.resize(pixels, opt.img_size), opt.channels, axis=1)
    batches = Batches(len(pixels), batch_size=opt.batch_size, seed=opt.seed)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    import jittor as jt

    from jgan.checkpoint import save_network
    from jgan.layers import evaluating
    from jgan.models.cgan import Discriminator, Generator
    from jgan.optimizers import adam
    from jgan.steps import cgan_step

    runtime.set_device(opt.device)
    runtime.seed_jittor(opt.seed, "weights")
    sizes = {"n_classes": opt.n_classes, "img_size": opt.img_size, "channels": opt.channels}
    generator = Generator(latent_dim=opt.latent_dim, **sizes)
    discriminator = Discriminator(**sizes)
    optimizer_g = adam(generator, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    optimizer_d = adam(discriminator, lr=opt.lr, b1=opt.b1, b2=opt.b2)

    def step(i: int) -> dict:
        chosen = batches.at(i)
        random = rng(opt.seed, "noise", i)
        z = normal(random, opt.batch_size, opt.latent_dim)
        fake_labels = random.integers(0, opt.n_classes, opt.batch_size)
        return cgan_step(
            generator, discriminator, optimizer_g, optimizer_d,
            real=jt.array(images.from_pixels(pixels[chosen])), labels=digits[chosen],
            z=jt.array(z), fake_labels=fake_labels,
        )  # fmt: skip

    columns = np.tile(np.arange(opt.n_classes), 10)  # ten rows; the column is the class
    fixed_z = jt.array(normal(rng(opt.seed, "sample"), len(columns), opt.latent_dim))

    def draw() -> np.ndarray:
        with evaluating(generator):
            return images.grid(generator(fixed_z, columns), columns=opt.n_classes)

    def export(path) -> None:
        save_network(path, generator, model="cgan.Generator", options={"latent_dim": opt.latent_dim, **sizes})

    real = np.zeros((10, opt.n_classes, *pixels.shape[1:]), np.uint8)  # black where a class has no images
    for label in range(mnist.N_CLASSES):
        real[:, label] = pixels[digits == label][:10]
    return launch(
        run,
        opt,
        resume=resume,
        data=fingerprint(pixels),
        real=images.grid(images.from_pixels(real.reshape((-1, *pixels.shape[1:]))), columns=opt.n_classes),
        batches=batches,
        networks={"generator": generator, "discriminator": discriminator},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=step,
        draw=draw,
        export=export,
    )


if __name__ == "__main__":
    run_program(main, Options, __doc__)
