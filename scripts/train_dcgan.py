"""Train a deep convolutional GAN on a folder of images, or on MNIST.

python scripts/train_dcgan.py --data_dir FOLDER                                  # 64x64 in colour
python scripts/train_dcgan.py --dataset mnist --img_size 32 --channels 1
python scripts/train_dcgan.py --resume runs/dcgan                                # resume it
"""

from __future__ import annotations

import dataclasses
from typing import Optional

from options import option, run_program
from training import AdamOptions, ImageOptions, begin, gan_batch, launch_images, load_pixels

from jgan import runtime
from jgan.data.batches import Batches
from jgan.models import DCGAN_SIZES


@dataclasses.dataclass
class Options(ImageOptions, AdamOptions):
    n_epochs: int = option(20, "how often every image is seen", least=1)
    img_size: int = option(64, "height and width of the images", choices=DCGAN_SIZES)
    conv_dim: Optional[int] = option(None, "width of the networks; else 32 up to 32x32, 64 above", least=1)
    real_target: float = option(0.9, "what the discriminator should say of real images", above=0, most=1)


def main(opt: Options, given: dict) -> int:
    run, opt, resume = begin(opt, given)
    pixels = load_pixels(opt)
    batches = Batches(len(pixels), batch_size=opt.batch_size, seed=opt.seed)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    from jgan.models.dcgan import Discriminator, Generator
    from jgan.optimizers import adam
    from jgan.steps import gan_step

    runtime.set_device(opt.device)
    runtime.seed_jittor(opt.seed, "weights")
    sizes = {"img_size": opt.img_size, "channels": opt.channels, "conv_dim": opt.conv_dim}
    generator = Generator(latent_dim=opt.latent_dim, **sizes)
    discriminator = Discriminator(**sizes)
    optimizer_g = adam(generator, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    optimizer_d = adam(discriminator, lr=opt.lr, b1=opt.b1, b2=opt.b2)

    def step(i: int) -> dict:
        batch = gan_batch(opt, pixels, batches, generator.draw_z, i)
        return gan_step(
            generator, discriminator, optimizer_g, optimizer_d, **batch, real_target=opt.real_target
        )  # fmt: skip

    return launch_images(
        run, opt, resume=resume, pixels=pixels, batches=batches, step=step,
        networks={"generator": generator, "discriminator": discriminator},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        model="dcgan.Generator", options={"latent_dim": opt.latent_dim, **sizes},
    )  # fmt: skip


if __name__ == "__main__":
    run_program(main, Options, __doc__)
