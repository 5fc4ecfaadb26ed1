"""Train Pix2Pix on pairs of images.

python scripts/train_pix2pix.py --data_dir facades                      # pairs side by side; the folder, or its train/
python scripts/train_pix2pix.py --dir_a maps --dir_b photos             # pairs in two folders, by their names
python scripts/train_pix2pix.py --data_dir facades --direction b2a --img_size 128
python scripts/train_pix2pix.py --resume runs/pix2pix                   # resume it
"""

from __future__ import annotations

import dataclasses
import os
from typing import Optional

import numpy as np
from options import option, run_program
from training import begin, fingerprint, launch, require_outside
from translation import TranslationOptions, cropped, first, one_folder, table

from jgan import runtime
from jgan.data.batches import Batches
from jgan.data.paired import load_matched, load_pairs
from jgan.errors import UserError
from jgan.latent import rng

N_SAMPLES = 6


@dataclasses.dataclass
class Options(TranslationOptions):
    data_dir: Optional[str] = option(None, "folder of images that hold A and B side by side, or with such a train/")
    dir_b: Optional[str] = option(None, "folder of the images B, of the same names")
    direction: str = option("a2b", "which half is translated into which", choices=("a2b", "b2a"))
    img_size: int = option(256, "height and width of the images", choices=(32, 64, 128, 256, 512))
    in_channels: int = option(3, "channels of the input", choices=(1, 3))
    out_channels: int = option(3, "channels of the output", choices=(1, 3))
    gan_mode: str = option("vanilla", "the adversarial loss", choices=("vanilla", "lsgan", "wgangp"))
    lambda_l1: float = option(100.0, "weight of the difference to the target", least=0)
    lambda_gp: float = option(10.0, "weight of the gradient penalty of wgangp", least=0)


def load(opt: Options) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets as pixels: uint8 (N, channels of each, S, S), S being larger than img_size for the jitter."""
    forth = 1 if opt.direction == "a2b" else -1
    how = {"size": opt.loaded_size, "channels": (opt.in_channels, opt.out_channels)[::forth]}
    if one_folder(opt, "give the pairs as --data_dir, or as --dir_a and --dir_b"):
        if os.path.isdir(os.path.join(opt.data_dir, "trainA")):
            raise UserError(
                f"{opt.data_dir} holds trainA/, images that belong to no pairs; train_cyclegan.py takes them"
            )
        train = os.path.join(opt.data_dir, "train")
        folder = train if os.path.isdir(train) else opt.data_dir
        require_outside(opt, folder)
        pairs = load_pairs(folder, **how)
    else:
        require_outside(opt, opt.dir_a)
        require_outside(opt, opt.dir_b)
        pairs = load_matched(opt.dir_a, opt.dir_b, **how)
    inputs, targets = pairs[::forth]
    return inputs, targets


def main(opt: Options, given: dict) -> int:
    run, opt, resume = begin(opt, given)
    inputs, targets = load(opt)
    batches = Batches(len(inputs), batch_size=opt.batch_size, seed=opt.seed)
    n_steps, decay_step = batches.steps(opt.n_epochs), batches.steps(opt.decay_epoch)

    # Only now: the first import of Jittor takes minutes, and every mistake above should show before.
    import jittor as jt

    from jgan.checkpoint import save_network
    from jgan.layers import untracked
    from jgan.losses import least_squares, vanilla, wasserstein
    from jgan.models.pix2pix import Generator, PatchDiscriminator
    from jgan.optimizers import adam, decayed
    from jgan.steps import pix2pix_step

    runtime.set_device(opt.device)
    runtime.seed_jittor(opt.seed, "weights")
    sizes = {"in_channels": opt.in_channels, "out_channels": opt.out_channels, "conv_dim": opt.conv_dim}
    sizes["n_levels"] = min(8, int(opt.img_size).bit_length() - 1)  # down to a single pixel, or 2x2 from 512x512
    generator = Generator(**sizes)
    norm = {"norm": None} if opt.gan_mode == "wgangp" else {}
    discriminator = PatchDiscriminator(in_channels=opt.in_channels + opt.out_channels, conv_dim=opt.conv_dim, **norm)
    optimizer_g = adam(generator, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    optimizer_d = adam(discriminator, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    loss = {"vanilla": vanilla, "lsgan": least_squares, "wgangp": wasserstein}[opt.gan_mode]

    def step(i: int) -> dict:
        chosen, random = batches.at(i), rng(opt.seed, "noise", i)
        a, b = cropped(opt, random, inputs[chosen], targets[chosen])
        optimizer_g.lr = optimizer_d.lr = decayed(opt.lr, i, n_steps=n_steps, decay_step=decay_step)
        return pix2pix_step(
            generator, discriminator, optimizer_g, optimizer_d,
            a=jt.array(a), b=jt.array(b), loss=loss, lambda_l1=opt.lambda_l1,
            lambda_gp=opt.lambda_gp if opt.gan_mode == "wgangp" else 0,
            epsilon=jt.array(random.random(opt.batch_size, dtype=np.float32)),
        )  # fmt: skip

    a, b = (first(N_SAMPLES, pixels, opt.img_size) for pixels in (inputs, targets))

    def draw() -> np.ndarray:
        """Input, output and target of the first pairs; the output with dropout and the image's own statistics."""
        with untracked(generator), jt.no_grad():
            outputs = [generator(jt.array(image[None])).numpy()[0] for image in a]
        return table(a, outputs, b)

    def export(path) -> None:
        save_network(path, generator, model="pix2pix.Generator", options=sizes)

    return launch(
        run,
        opt,
        resume=resume,
        data=fingerprint(inputs, targets),
        real=table(a, b),
        batches=batches,
        networks={"generator": generator, "discriminator": discriminator},
        optimizers={"optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        step=step,
        draw=draw,
        export=export,
    )


if __name__ == "__main__":
    run_program(main, Options, __doc__)
