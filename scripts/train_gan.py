"""Train the first GAN, two multilayer perceptrons, on MNIST or on a folder of images.

python scripts/train_gan.py                           # 100 epochs of MNIST at 28x28
python scripts/train_gan.py --max_steps 1000 --output runs/try
python scripts/train_gan.py --resume runs/try         # resume it
"""

from __future__ import annotations

import dataclasses

from options import option, run_program
from training import DATASETS, AdamOptions, ImageOptions, begin, gan_batch, launch_images, load_pixels

from jgan import runtime
from jgan.data.batches import Batches


@dataclasses.dataclass
class Options(ImageOptions, AdamOptions):
    lr: float = option(0.002, "learning rate of Adam", above=0)
    b1: float = option(0.9, "decay of Adam's first moment", least=0, below=1)
    dataset: str = option("mnist", "the images to train on; folder: those in --data_dir", choices=DATASETS)
    img_size: int = option(28, "height and width of the images", least=4)
    channels: int = option(1, "channels of the images", choices=(1, 3))
    real_target: float = option(0.9, "what the discriminator should say of real images", above=0, most=1)


def main(opt: Options, given: dict) -> int:
    run, opt, resume = begin(opt, given)
    pixels = load_pixels(opt)
    batches = Batches(len(pixels), batch_size=opt.batch_size, seed=opt.seed)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    from jgan.models.gan import Discriminator, Generator
    from jgan.optimizers import adam
    from jgan.steps import gan_step

    runtime.set_device(opt.device)
    runtime.seed_jittor(opt.seed, "weights")
    sizes = {"img_size": opt.img_size, "channels": opt.channels}
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
        model="gan.Generator", options={"latent_dim": opt.latent_dim, **sizes},
    )  # fmt: skip


if __name__ == "__main__":
    run_program(main, Options, __doc__)
