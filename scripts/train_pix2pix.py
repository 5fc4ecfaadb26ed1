"""Train Pix2Pix or SPADE on pairs of images, or of label maps and images.

python scripts/train_pix2pix.py --data_dir facades                      # pairs side by side; the folder, or its train/
python scripts/train_pix2pix.py --dir_a maps --dir_b photos             # pairs in two folders, by their names
python scripts/train_pix2pix.py --data_dir facades --direction b2a --img_size 128
python scripts/train_pix2pix.py --dir_a labels --dir_b imgs --label_classes 29 --img_size 512x384
python scripts/train_pix2pix.py --arch spade --dir_a labels --dir_b imgs --label_classes 29 --img_size 128x96
python scripts/train_pix2pix.py --resume runs/pix2pix                   # resume it
"""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from typing import ClassVar, Optional

import numpy as np

from jgan.cli import training, translation
from jgan.cli.options import image_size, option
from jgan.data.augment import center_crops
from jgan.data.dataset import Images
from jgan.data.label_maps import MOST_CLASSES, distinct_palette
from jgan.data.paired import folders_of_pairs, load_matched, load_pairs
from jgan.errors import UserError
from jgan.images import from_pixels, image_table
from jgan.processes import share
from jgan.random import normal, rng

N_SAMPLES = 6
MULTIPLE = 32  # of which the sides of images are: five levels of the U-Net at least
DEFAULTS = {
    "unet": {
        "lr": 0.0002,
        "b1": 0.5,
        "gan_mode": "vanilla",
        "conv_dim": 64,
        "lambda_l1": 100.0,
        "lambda_gp": 10.0,
        "upsample": "deconv",
    },
    "spade": {"lr": 0.0001, "lr_d": 0.0004, "b1": 0.0, "gan_mode": "hinge", "conv_dim": 16, "lambda_feat": 10.0},
}
other = partial(training.otherwise, DEFAULTS)  # what help says of an option whose default is the architecture's


@dataclasses.dataclass
class Options(translation.TranslationOptions):
    """What is None takes the default of the architecture."""

    ONCE_NUMBERS: ClassVar = ("img_size",)

    arch: str = option("unet", "Pix2Pix's networks, or SPADE's, which take label maps", choices=tuple(DEFAULTS))
    data_dir: Optional[str] = option(
        None, "folder of images that hold A and B side by side, or with A/ and B/ of equal names, or with such a train/"
    )
    dir_b: Optional[str] = option(None, "folder of the images B, of the same names")
    val_dir: Optional[str] = option(None, "pairs as in --data_dir to score by; else its own val/ or test/")
    direction: str = option("a2b", "which half is translated into which", choices=("a2b", "b2a"))
    img_size: str = option("256", "the images' size, multiples of 32: one number for a square, or WIDTHxHEIGHT")
    label_classes: Optional[int] = option(
        None, "the input is label maps: grey images whose values are so many classes, from 0 on", least=2,
        most=MOST_CLASSES,
    )  # fmt: skip
    in_channels: Optional[int] = option(None, "channels of the input, if it is no label map; else 3", choices=(1, 3))
    out_channels: int = option(3, "channels of the output", choices=(1, 3))
    conv_dim: Optional[int] = option(None, f"width of the networks{other('conv_dim')}", least=1)
    upsample: Optional[str] = option(
        None, "unet: how it enlarges: transposed convolution, or resizing; else deconv", choices=("deconv", "resize")
    )
    latent_dim: Optional[int] = option(None, "spade: begin with noise of this length; else with the map", least=1)
    lr: Optional[float] = option(None, f"learning rate of Adam{other('lr')}", above=0)
    lr_d: Optional[float] = option(
        None, "learning rate of the discriminator's Adam; else --lr (unet) or 0.0004 (spade)", above=0
    )
    b1: Optional[float] = option(None, f"decay of Adam's first moment{other('b1')}", least=0, below=1)
    gan_mode: Optional[str] = option(
        None, f"the adversarial loss{other('gan_mode')}; wgangp for unet alone",
        choices=(*training.GAN_MODES, "wgangp"),
    )  # fmt: skip
    lambda_l1: Optional[float] = option(None, "unet: weight of the difference to the target; else 100", least=0)
    lambda_gp: Optional[float] = option(None, "unet: weight of the gradient penalty of wgangp; else 10", least=0)
    lambda_feat: Optional[float] = option(None, "spade: weight of the feature-matching loss; else 10", least=0)

    def __post_init__(self):
        if self.resume is not None and self.output is None:
            return  # as typed: with the run's own options they come here again
        idle = {"unet": ("latent_dim", "lambda_feat"), "spade": ("in_channels", "upsample", "lambda_l1", "lambda_gp")}
        for name in idle[self.arch]:
            if getattr(self, name) is not None:
                raise UserError(f"--{name} means nothing to --arch {self.arch}; leave it out")
        training.fill_in(self, DEFAULTS)
        if self.arch == "spade" and self.label_classes is None:
            raise UserError("--arch spade draws from label maps; give the number of their classes as --label_classes")
        if self.arch == "spade" and self.gan_mode == "wgangp":
            raise UserError("--gan_mode wgangp is for --arch unet; choose another")
        if self.label_classes is not None and self.in_channels is not None:
            raise UserError("--in_channels is about images, --label_classes about label maps; leave one of them out")
        if self.label_classes is None and self.in_channels is None:
            self.in_channels = 3
        if any(side % MULTIPLE for side in self.size):
            height, width = (min(max(1, round(side / MULTIPLE)), 99_999 // MULTIPLE) * MULTIPLE for side in self.size)
            raise UserError(
                f"--img_size {self.img_size}: width and height must be multiples of {MULTIPLE}; the nearest is "
                f"{width}x{height}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return image_size(self.img_size, "--img_size")


def load(opt: Options) -> list[Images]:
    """Inputs and targets, larger than img_size by what the random crops take away; then those to score by, if any."""
    forth = 1 if opt.direction == "a2b" else -1
    kinds = {
        "channels": (opt.in_channels or 3, opt.out_channels)[::forth],
        "label_classes": (opt.label_classes, None)[::forth],
    }
    how = {"size": opt.loaded(opt.size), **kinds}

    def to_score(*trained_on) -> list[Images]:
        if opt.evaluate_interval is None:
            return []
        folder = _val_dir(opt)
        for part in folders_of_pairs(folder):
            training.require_held_out(opt, part, *trained_on)
        return load_pairs(folder, size=opt.size, **kinds)[::forth]

    if translation.is_one_folder(opt, "give the pairs as --data_dir, or as --dir_a and --dir_b"):
        if os.path.isdir(os.path.join(opt.data_dir, "trainA")):
            raise UserError(
                f"{opt.data_dir} holds trainA/, images that belong to no pairs; train_cyclegan.py takes them"
            )
        train = os.path.join(opt.data_dir, "train")
        folder = train if os.path.isdir(train) else opt.data_dir
        parts = folders_of_pairs(folder)
        for part in parts:
            training.require_outside(opt, part)
        return load_pairs(folder, **how)[::forth] + to_score(*parts)
    training.require_outside(opt, opt.dir_a)
    training.require_outside(opt, opt.dir_b)
    return load_matched(opt.dir_a, opt.dir_b, **how)[::forth] + to_score(opt.dir_a, opt.dir_b)


def _val_dir(opt: Options) -> str:
    """The folder of pairs to score by."""
    folder = opt.val_dir or translation.held_out(opt.data_dir)
    if folder is None:
        raise UserError("--evaluate_interval needs pairs that are not trained on; give their folder as --val_dir")
    return folder


def n_levels(opt: Options) -> int:
    """How often the networks halve the size: the U-Net down to a pixel or 8 times, SPADE's to 4 or more pixels."""
    common = int(np.gcd(*opt.size))
    possible = (common & -common).bit_length() - 1
    if opt.arch == "unet":
        return min(8, possible)
    return min(possible, (min(opt.size) // 4).bit_length() - 1)


def build(opt: Options):
    """The networks of the options, their optimizers and the step."""
    from jgan import algorithms

    half = algorithms.framework("jittor")
    sizes = {"out_channels": opt.out_channels, "conv_dim": opt.conv_dim, "n_levels": n_levels(opt)}
    adam = {"lr": opt.lr, "lr_d": opt.lr_d, "b1": opt.b1, "b2": opt.b2}
    if opt.arch == "unet":
        return algorithms.pix2pix(
            half, in_channels=opt.in_channels, label_classes=opt.label_classes, upsample=opt.upsample, **sizes, **adam,
            gan_mode=opt.gan_mode, lambda_l1=opt.lambda_l1, lambda_gp=opt.lambda_gp,
        )  # fmt: skip
    if opt.latent_dim is not None:
        sizes.update(latent_dim=opt.latent_dim, **dict(zip(("img_height", "img_width"), opt.size)))
    return algorithms.spade(
        half, label_classes=opt.label_classes, **sizes, **adam, gan_mode=opt.gan_mode, lambda_feat=opt.lambda_feat
    )


def train(run, data: list[Images]) -> int:
    import jittor as jt

    from jgan.inference import evaluation
    from jgan.layers import untracked
    from jgan.training import loop

    opt, (inputs, targets, *to_score) = run.options, data
    pix2pix = build(opt)
    batches = training.batches_of(inputs, opt)

    def step(i: int) -> dict:
        chosen, random = batches.at(i), rng(opt.seed, "noise", i)
        a, b = translation.crop(opt, opt.size, random, inputs.pixels[chosen], targets.pixels[chosen])
        noise = {}
        if opt.gan_mode == "wgangp":
            noise["epsilon"] = jt.array(share(random.random(opt.batch_size, dtype=np.float32)))
        if opt.latent_dim is not None:
            noise["z"] = jt.array(share(normal(random, opt.batch_size, opt.latent_dim)))
        return pix2pix.step(a=jt.array(inputs.encode(a)), b=jt.array(targets.encode(b)), **noise)

    shown_a, shown_b = (center_crops(each.pixels[:N_SAMPLES], opt.size) for each in (inputs, targets))
    a, b = inputs.encode(shown_a), targets.encode(shown_b)
    if opt.label_classes is not None:
        shown_a = distinct_palette(opt.label_classes).coloured(shown_a)
    shown_a = from_pixels(shown_a)

    def draw(generator) -> np.ndarray:
        """Input, output and target of the first pairs; the output with dropout and the image's own statistics."""
        with jt.no_grad(), untracked(generator):
            translated = [generator(jt.array(image[None])).numpy()[0] for image in a]
        return image_table(shown_a, translated, b)

    def score(generator) -> dict:
        translated = evaluation.translated(generator, to_score[0].pixels, seed=opt.seed)
        return evaluation.nearness(to_score[1].pixels, translated)

    return loop.train(
        run, batches, pix2pix, step=step, draw=draw, real=image_table(shown_a, b), score=score if to_score else None,
        facts={"img_size": opt.img_size, "direction": opt.direction},
    )  # fmt: skip


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
