"""Train a Wasserstein GAN with clipped weights on Fashion-MNIST, another named data set or a folder of images.

python scripts/train_wgan.py                          # Fashion-MNIST at 32x32
python scripts/train_wgan.py --dataset folder --data_dir FOLDER --channels 3 --img_size 64
python scripts/train_wgan.py --resume runs/wgan       # resume it
"""

from __future__ import annotations

import dataclasses

from jgan.cli import training
from jgan.cli.options import option
from jgan.data.dataset import Images
from jgan.processes import share
from jgan.random import rng


@dataclasses.dataclass
class Options(training.ImageOptions):
    lr: float = option(0.00005, "learning rate of RMSprop", above=0)
    n_critic: int = option(5, "updates of the critic for one of the generator", least=1)
    clip_value: float = option(0.01, "the critic's weights are clipped to +- this", above=0)
    dataset: str = option(
        "fashion_mnist", "the images to train on; folder: those in --data_dir", choices=training.DATASETS
    )
    latent_dim: int = option(128, "length of the noise vector z", least=1)
    img_size: int = option(32, "height and width of the images", least=8)
    channels: int = option(1, "channels of the images", choices=(1, 3))
    conv_dim: int = option(128, "width of the networks", least=1)


def load(opt: Options) -> Images:
    return training.load_images(opt)


def train(run, data: Images) -> int:
    import jittor as jt

    from jgan import algorithms
    from jgan.training import loop

    opt = run.options
    wgan = algorithms.wgan(
        algorithms.framework("jittor"),
        latent_dim=opt.latent_dim, img_size=opt.img_size, channels=opt.channels, conv_dim=opt.conv_dim,
        lr=opt.lr, clip_value=opt.clip_value,
    )  # fmt: skip
    generator = wgan.generator
    batches = training.batches_of(data, opt, n_critic=opt.n_critic)
    rounds = (opt.n_critic, opt.batch_size)

    def step(i: int) -> dict:
        random = rng(opt.seed, "noise", i)
        reals = data.batch(share(batches.at(i).reshape(rounds), axis=1))
        z_c = share(generator.draw_z(random, batches.batch_size, opt.latent_dim).reshape((*rounds, -1)), axis=1)
        z_g = share(generator.draw_z(random, opt.batch_size, opt.latent_dim))
        return wgan.step(reals=jt.array(reals), z_c=jt.array(z_c), z_g=jt.array(z_g))

    return loop.train(run, batches, wgan, step=step, **training.shown(opt, generator, data))


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
