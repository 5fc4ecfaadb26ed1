"""Train a Wasserstein GAN with a gradient penalty, by the upsampling networks or by DCGAN's.

python scripts/train_wgan_gp.py                                  # Fashion-MNIST at 32x32
python scripts/train_wgan_gp.py --arch conv --data_dir FOLDER    # a folder of images at 64x64, in colour
python scripts/train_wgan_gp.py --resume runs/wgan_gp            # resume it
"""

from __future__ import annotations

import dataclasses
from typing import Optional

import numpy as np
from options import option, run_program
from training import DATASETS, AdamOptions, ImageOptions, begin, launch_images, load_pixels, wgan_batch

from jgan import runtime
from jgan.data.batches import Batches
from jgan.errors import UserError
from jgan.latent import rng
from jgan.models import DCGAN_SIZES

DEFAULTS = {
    "upsampling": {
        "dataset": "fashion_mnist", "latent_dim": 128, "img_size": 32, "channels": 1, "conv_dim": 128, "lr": 0.0001
    },
    "conv": {"dataset": "folder", "latent_dim": 100, "img_size": 64, "channels": 3, "conv_dim": 64, "lr": 0.0002},
}  # fmt: skip


@dataclasses.dataclass
class Options(ImageOptions, AdamOptions):
    """What is None takes the default of the architecture."""

    arch: str = option("upsampling", "the networks of train_wgan.py, or of train_dcgan.py", choices=tuple(DEFAULTS))
    lr: Optional[float] = option(None, "learning rate of Adam; else 0.0001 (upsampling) or 0.0002 (conv)", above=0)
    b2: float = option(0.9, "decay of Adam's second moment", least=0, below=1)
    n_critic: int = option(5, "updates of the critic for one of the generator", least=1)
    lambda_gp: float = option(10, "weight of the gradient penalty", least=0)
    dataset: Optional[str] = option(None, "else fashion_mnist (upsampling) or folder (conv)", choices=DATASETS)
    latent_dim: Optional[int] = option(None, "length of z; else 128 (upsampling) or 100 (conv)", least=1)
    img_size: Optional[int] = option(None, "height and width of the images; else 32 (upsampling) or 64 (conv)", least=8)
    channels: Optional[int] = option(None, "channels of the images; else 1 (upsampling) or 3 (conv)", choices=(1, 3))
    conv_dim: Optional[int] = option(None, "width of the networks; else 128 (upsampling) or 64 (conv)", least=1)

    def __post_init__(self):
        for name, value in DEFAULTS[self.arch].items():
            if getattr(self, name) is None:
                setattr(self, name, value)


def main(opt: Options, given: dict) -> int:
    run, opt, resume = begin(opt, given)
    if opt.arch == "conv" and opt.img_size not in DCGAN_SIZES:
        raise UserError(f"--arch conv draws images of the sizes {', '.join(map(str, DCGAN_SIZES))}, not {opt.img_size}")
    pixels = load_pixels(opt)
    batches = Batches(len(pixels), batch_size=opt.n_critic * opt.batch_size, seed=opt.seed)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    import jittor as jt

    from jgan.models import dcgan, wgan
    from jgan.optimizers import adam
    from jgan.steps import wgan_gp_step

    runtime.set_device(opt.device)
    runtime.seed_jittor(opt.seed, "weights")
    sizes = {"img_size": opt.img_size, "channels": opt.channels, "conv_dim": opt.conv_dim}
    if opt.arch == "upsampling":
        model, Generator, Critic = "wgan.Generator", wgan.Generator, wgan.Critic
    else:
        model, Generator, Critic = "dcgan.Generator", dcgan.Generator, dcgan.Discriminator
    generator = Generator(latent_dim=opt.latent_dim, **sizes)
    critic = Critic(**sizes, batch_norm=False)
    optimizer_g = adam(generator, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    optimizer_c = adam(critic, lr=opt.lr, b1=opt.b1, b2=opt.b2)

    def step(i: int) -> dict:
        random = rng(opt.seed, "noise", i)
        batch = wgan_batch(opt, pixels, batches, generator.draw_z, random, i)
        return wgan_gp_step(
            generator, critic, optimizer_g, optimizer_c,
            **batch, epsilon=jt.array(random.random((opt.n_critic, opt.batch_size), dtype=np.float32)),
            lambda_gp=opt.lambda_gp,
        )  # fmt: skip

    return launch_images(
        run, opt, resume=resume, pixels=pixels, batches=batches, step=step,
        networks={"generator": generator, "critic": critic},
        optimizers={"optimizer_g": optimizer_g, "optimizer_c": optimizer_c},
        model=model, options={"latent_dim": opt.latent_dim, **sizes},
    )  # fmt: skip


if __name__ == "__main__":
    run_program(main, Options, __doc__)
