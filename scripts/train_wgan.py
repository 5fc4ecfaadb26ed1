"""Train a Wasserstein GAN with clipped weights on Fashion-MNIST, another named data set or a folder of images.

python scripts/train_wgan.py                          # Fashion-MNIST at 32x32
python scripts/train_wgan.py --dataset folder --data_dir FOLDER --channels 3 --img_size 64
python scripts/train_wgan.py --resume runs/wgan       # resume it
"""

from __future__ import annotations

import dataclasses

from options import option, run_program
from training import DATASETS, ImageOptions, begin, launch_images, load_pixels, wgan_batch

from jgan import runtime
from jgan.data.batches import Batches
from jgan.latent import rng


@dataclasses.dataclass
class Options(ImageOptions):
    lr: float = option(0.00005, "learning rate of RMSprop", above=0)
    n_critic: int = option(5, "updates of the critic for one of the generator", least=1)
    clip_value: float = option(0.01, "the critic's weights are clipped to +- this", above=0)
    dataset: str = option("fashion_mnist", "the images to train on; folder: those in --data_dir", choices=DATASETS)
    latent_dim: int = option(128, "length of the noise vector z", least=1)
    img_size: int = option(32, "height and width of the images", least=8)
    channels: int = option(1, "channels of the images", choices=(1, 3))
    conv_dim: int = option(128, "width of the networks", least=1)


def main(opt: Options, given: dict) -> int:
    run, opt, resume = begin(opt, given)
    pixels = load_pixels(opt)
    batches = Batches(len(pixels), batch_size=opt.n_critic * opt.batch_size, seed=opt.seed)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    from jgan.models.wgan import Critic, Generator
    from jgan.optimizers import rmsprop
    from jgan.steps import wgan_step

    runtime.set_device(opt.device)
    runtime.seed_jittor(opt.seed, "weights")
    sizes = {"img_size": opt.img_size, "channels": opt.channels, "conv_dim": opt.conv_dim}
    generator = Generator(latent_dim=opt.latent_dim, **sizes)
    critic = Critic(**sizes)
    optimizer_g = rmsprop(generator, lr=opt.lr)
    optimizer_c = rmsprop(critic, lr=opt.lr)

    def step(i: int) -> dict:
        random = rng(opt.seed, "noise", i)
        batch = wgan_batch(opt, pixels, batches, generator.draw_z, random, i)
        return wgan_step(
            generator, critic, optimizer_g, optimizer_c,
            **batch, clip_value=opt.clip_value,
        )  # fmt: skip

    return launch_images(
        run, opt, resume=resume, pixels=pixels, batches=batches, step=step,
        networks={"generator": generator, "critic": critic},
        optimizers={"optimizer_g": optimizer_g, "optimizer_c": optimizer_c},
        model="wgan.Generator", options={"latent_dim": opt.latent_dim, **sizes},
    )  # fmt: skip


if __name__ == "__main__":
    run_program(main, Options, __doc__)
