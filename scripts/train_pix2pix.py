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

from jgan.cli import training, translation
from jgan.cli.options import option
from jgan.data.augment import center_crops
from jgan.data.dataset import Images
from jgan.data.paired import load_matched, load_pairs
from jgan.errors import UserError
from jgan.images import from_pixels, image_table
from jgan.processes import share
from jgan.random import rng

N_SAMPLES = 6


@dataclasses.dataclass
class Options(translation.TranslationOptions):
    data_dir: Optional[str] = option(None, "folder of images that hold A and B side by side, or with such a train/")
    dir_b: Optional[str] = option(None, "folder of the images B, of the same names")
    val_dir: Optional[str] = option(None, "pairs side by side to score by; else those of val/ or test/ in --data_dir")
    direction: str = option("a2b", "which half is translated into which", choices=("a2b", "b2a"))
    img_size: int = option(256, "height and width of the images", choices=(32, 64, 128, 256, 512))
    in_channels: int = option(3, "channels of the input", choices=(1, 3))
    out_channels: int = option(3, "channels of the output", choices=(1, 3))
    gan_mode: str = option("vanilla", "the adversarial loss", choices=(*training.GAN_MODES, "wgangp"))
    lambda_l1: float = option(100.0, "weight of the difference to the target", least=0)
    lambda_gp: float = option(10.0, "weight of the gradient penalty of wgangp", least=0)


def load(opt: Options) -> list[Images]:
    """Inputs and targets, larger than img_size by what the random crops take away; then those to score by, if any."""
    forth = 1 if opt.direction == "a2b" else -1
    channels = (opt.in_channels, opt.out_channels)[::forth]
    how = {"size": opt.loaded_size, "channels": channels}

    def to_score(*trained_on: str) -> list[Images]:
        if opt.evaluate_interval is None:
            return []
        folder = _val_dir(opt)
        training.require_held_out(opt, folder, *trained_on)
        return load_pairs(folder, size=opt.img_size, channels=channels)[::forth]

    if translation.is_one_folder(opt, "give the pairs as --data_dir, or as --dir_a and --dir_b"):
        if os.path.isdir(os.path.join(opt.data_dir, "trainA")):
            raise UserError(
                f"{opt.data_dir} holds trainA/, images that belong to no pairs; train_cyclegan.py takes them"
            )
        train = os.path.join(opt.data_dir, "train")
        folder = train if os.path.isdir(train) else opt.data_dir
        training.require_outside(opt, folder)
        return load_pairs(folder, **how)[::forth] + to_score(folder)
    training.require_outside(opt, opt.dir_a)
    training.require_outside(opt, opt.dir_b)
    return load_matched(opt.dir_a, opt.dir_b, **how)[::forth] + to_score(opt.dir_a, opt.dir_b)


def _val_dir(opt: Options) -> str:
    """The folder of pairs to score by."""
    if opt.val_dir is not None:
        return opt.val_dir
    folders = [] if opt.data_dir is None else [os.path.join(opt.data_dir, name) for name in ("val", "test")]
    for folder in filter(os.path.isdir, folders):
        return folder
    raise UserError("--evaluate_interval needs pairs that are not trained on; give their folder as --val_dir")


def train(run, data: list[Images]) -> int:
    import jittor as jt

    from jgan import algorithms
    from jgan.inference import evaluation
    from jgan.layers import untracked
    from jgan.training import loop

    opt, (inputs, targets, *to_score) = run.options, data
    pix2pix = algorithms.pix2pix(
        algorithms.framework("jittor"),
        in_channels=opt.in_channels, out_channels=opt.out_channels, conv_dim=opt.conv_dim,
        n_levels=min(8, int(opt.img_size).bit_length() - 1),  # down to a single pixel, or 2x2 from 512x512
        lr=opt.lr, b1=opt.b1, b2=opt.b2, gan_mode=opt.gan_mode, lambda_l1=opt.lambda_l1, lambda_gp=opt.lambda_gp,
    )  # fmt: skip
    batches = training.batches_of(inputs, opt)

    def step(i: int) -> dict:
        chosen, random = batches.at(i), rng(opt.seed, "noise", i)
        a, b = translation.crop(opt, random, inputs.pixels[chosen], targets.pixels[chosen])
        penalty = {}
        if opt.gan_mode == "wgangp":
            penalty["epsilon"] = jt.array(share(random.random(opt.batch_size, dtype=np.float32)))
        return pix2pix.step(a=jt.array(a), b=jt.array(b), **penalty)

    a, b = (from_pixels(center_crops(each.pixels[:N_SAMPLES], opt.img_size)) for each in (inputs, targets))

    def draw(generator) -> np.ndarray:
        """Input, output and target of the first pairs; the output with dropout and the image's own statistics."""
        with jt.no_grad(), untracked(generator):
            translated = [generator(jt.array(image[None])).numpy()[0] for image in a]
        return image_table(a, translated, b)

    def score(generator) -> dict:
        translated = evaluation.translated(generator, to_score[0].pixels, seed=opt.seed)
        return evaluation.nearness(to_score[1].pixels, translated)

    return loop.train(
        run, batches, pix2pix, step=step, draw=draw, real=image_table(a, b), score=score if to_score else None
    )


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
