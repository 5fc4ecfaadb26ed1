"""Train the first GAN, two multilayer perceptrons, on MNIST or on a folder of images.

python scripts/train_gan.py                           # 100 epochs of MNIST at 28x28
python scripts/train_gan.py --max_steps 1000 --output runs/try
python scripts/train_gan.py --resume runs/try         # resume it
"""

from __future__ import annotations

import dataclasses

from jgan.cli import training
from jgan.cli.options import option
from jgan.data.dataset import Images
from jgan.processes import share
from jgan.random import rng


@dataclasses.dataclass
class Options(training.SmoothedLossOptions, training.PenaltyOptions, training.ImageOptions, training.AdamOptions):
    lr: float = option(0.002, "learning rate of Adam", above=0)
    b1: float = option(0.9, "decay of Adam's first moment", least=0, below=1)
    dataset: str = option("mnist", "the images to train on; folder: those in --data_dir", choices=training.DATASETS)
    img_size: int = option(28, "height and width of the images", least=4)
    channels: int = option(1, "channels of the images", choices=(1, 3))
    width: int = option(32, "units of the narrowest hidden layers; the others have two and four times as many", least=1)


def load(opt: Options) -> Images:
    return training.load_images(opt)


def train(run, data: Images) -> int:
    import jittor as jt

    from jgan import algorithms
    from jgan.training import loop

    opt = run.options
    gan = algorithms.gan(
        algorithms.framework("jittor"),
        latent_dim=opt.latent_dim, img_size=opt.img_size, channels=opt.channels,
        lr=opt.lr, b1=opt.b1, b2=opt.b2, gan_mode=opt.gan_mode, real_target=opt.real_target, lambda_r1=opt.lambda_r1,
        width=opt.width,
    )  # fmt: skip
    generator = gan.generator
    batches = training.batches_of(data, opt)

    def step(i: int) -> dict:
        real = data.batch(share(batches.at(i)))
        z = generator.draw_z(rng(opt.seed, "noise", i), 2 * opt.batch_size, opt.latent_dim)
        z_d, z_g = share(z[: opt.batch_size]), share(z[opt.batch_size :])
        return gan.step(real=jt.array(real), z_d=jt.array(z_d), z_g=jt.array(z_g))

    return loop.train(run, batches, gan, step=step, **training.shown(opt, generator, data))


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
