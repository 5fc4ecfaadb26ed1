"""Train a Wasserstein GAN with a gradient penalty, by the upsampling networks or by DCGAN's.

python scripts/train_wgan_gp.py                                  # Fashion-MNIST at 32x32
python scripts/train_wgan_gp.py --arch conv --data_dir FOLDER    # a folder of images at 64x64, in colour
python scripts/train_wgan_gp.py --resume runs/wgan_gp            # resume it
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Optional

import numpy as np

from jgan.algorithms import WGAN_GP_LR
from jgan.cli import training
from jgan.cli.options import option
from jgan.data.dataset import Images
from jgan.errors import UserError
from jgan.models import DCGAN_SIZES
from jgan.processes import share
from jgan.random import rng

DEFAULTS = {
    "upsampling": {"dataset": "fashion_mnist", "latent_dim": 128, "img_size": 32, "channels": 1, "conv_dim": 128},
    "conv": {"dataset": "folder", "latent_dim": 100, "img_size": 64, "channels": 3, "conv_dim": 64},
}
for arch, lr in WGAN_GP_LR.items():
    DEFAULTS[arch]["lr"] = lr
other = partial(training.otherwise, DEFAULTS)  # what help says of an option whose default is the architecture's


@dataclasses.dataclass
class Options(training.ImageOptions, training.AdamOptions):
    """What is None takes the default of the architecture."""

    arch: str = option("upsampling", "the networks of train_wgan.py, or of train_dcgan.py", choices=tuple(DEFAULTS))
    lr: Optional[float] = option(None, f"learning rate of Adam{other('lr')}", above=0)
    b2: float = option(0.9, "decay of Adam's second moment", least=0, below=1)
    n_critic: int = option(5, "updates of the critic for one of the generator", least=1)
    lambda_gp: float = option(10, "weight of the gradient penalty", least=0)
    dataset: Optional[str] = option(None, f"the images{other('dataset')}", choices=training.DATASETS)
    latent_dim: Optional[int] = option(None, f"length of the noise vector z{other('latent_dim')}", least=1)
    img_size: Optional[int] = option(None, f"height and width of the images{other('img_size')}", least=8)
    channels: Optional[int] = option(None, f"channels of the images{other('channels')}", choices=(1, 3))
    conv_dim: Optional[int] = option(None, f"width of the networks{other('conv_dim')}", least=1)

    def __post_init__(self):
        training.fill_in(self, DEFAULTS)


def load(opt: Options) -> Images:
    if opt.arch == "conv" and opt.img_size not in DCGAN_SIZES:
        raise UserError(f"--arch conv draws images of the sizes {', '.join(map(str, DCGAN_SIZES))}, not {opt.img_size}")
    return training.load_images(opt)


def train(run, data: Images) -> int:
    import jittor as jt

    from jgan import algorithms
    from jgan.training import loop

    opt = run.options
    wgan_gp = algorithms.wgan_gp(
        algorithms.framework("jittor"), arch=opt.arch,
        latent_dim=opt.latent_dim, img_size=opt.img_size, channels=opt.channels, conv_dim=opt.conv_dim,
        lr=opt.lr, b1=opt.b1, b2=opt.b2, lambda_gp=opt.lambda_gp,
    )  # fmt: skip
    generator = wgan_gp.generator
    batches = training.batches_of(data, opt, n_critic=opt.n_critic)
    rounds = (opt.n_critic, opt.batch_size)

    def step(i: int) -> dict:
        random = rng(opt.seed, "noise", i)
        reals = data.batch(share(batches.at(i).reshape(rounds), axis=1))
        z_c = share(generator.draw_z(random, batches.batch_size, opt.latent_dim).reshape((*rounds, -1)), axis=1)
        z_g = share(generator.draw_z(random, opt.batch_size, opt.latent_dim))
        epsilon = share(random.random(rounds, dtype=np.float32), axis=1)
        return wgan_gp.step(
            reals=jt.array(reals), z_c=jt.array(z_c), z_g=jt.array(z_g), epsilon=jt.array(epsilon)
        )  # fmt: skip

    return loop.train(run, batches, wgan_gp, step=step, **training.shown(opt, generator, data))


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
