"""Train a deep convolutional GAN on a folder of images, or on MNIST.

python scripts/train_dcgan.py --data_dir FOLDER                                  # 64x64 in colour
python scripts/train_dcgan.py --data_dir FOLDER --gan_mode hinge --img_size 128
python scripts/train_dcgan.py --dataset mnist --img_size 32 --channels 1
python scripts/train_dcgan.py --resume runs/dcgan                                # resume it
"""

from __future__ import annotations

import dataclasses
from typing import Optional

from jgan.cli import training
from jgan.cli.options import option
from jgan.data.dataset import Images
from jgan.models import DCGAN_SIZES
from jgan.processes import share
from jgan.random import rng


@dataclasses.dataclass
class Options(
    training.SmoothedLossOptions,
    training.PenaltyOptions,
    training.AugmentOptions,
    training.ImageOptions,
    training.AdamOptions,
):
    n_epochs: int = option(20, "how often every image is seen", least=1)
    img_size: int = option(64, "height and width of the images", choices=DCGAN_SIZES)
    conv_dim: Optional[int] = option(None, "width of the networks; else 32 up to 32x32, 64 above", least=1)
    spectral_norm: bool = option(False, "spectral normalisation in the discriminator, in place of BatchNorm")


def load(opt: Options) -> Images:
    return training.load_images(opt)


def train(run, data: Images) -> int:
    import jittor as jt

    from jgan import algorithms
    from jgan.training import loop

    opt = run.options
    dcgan = algorithms.dcgan(
        algorithms.framework("jittor"),
        latent_dim=opt.latent_dim, img_size=opt.img_size, channels=opt.channels, conv_dim=opt.conv_dim,
        lr=opt.lr, b1=opt.b1, b2=opt.b2, gan_mode=opt.gan_mode, real_target=opt.real_target,
        spectral_norm=opt.spectral_norm, lambda_r1=opt.lambda_r1,
    )  # fmt: skip
    generator = dcgan.generator
    batches = training.batches_of(data, opt)
    augment = training.augmentation(opt, data)

    def step(i: int) -> dict:
        real = data.batch(share(batches.at(i)))
        z = generator.draw_z(rng(opt.seed, "noise", i), 2 * opt.batch_size, opt.latent_dim)
        z_d, z_g = share(z[: opt.batch_size]), share(z[opt.batch_size :])
        return dcgan.step(real=jt.array(real), z_d=jt.array(z_d), z_g=jt.array(z_g), augment=augment(i))

    return loop.train(run, batches, dcgan, step=step, **training.shown(opt, generator, data))


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
