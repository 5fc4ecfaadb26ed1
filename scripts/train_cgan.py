"""Train a conditional GAN on MNIST, Fashion-MNIST or a folder with a folder of images per class.

python scripts/train_cgan.py                                      # 100 epochs of MNIST at 32x32
python scripts/train_cgan.py --arch mlp                           # the networks and defaults of the Jittor warm-up
python scripts/train_cgan.py --max_steps 200 --output runs/try    # a first look
python scripts/train_cgan.py --resume runs/try                    # resume it
python scripts/train_cgan.py --dataset folder --data_dir FOLDER --channels 3 --output runs/mine
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import ClassVar, Optional

import numpy as np

from jgan import images
from jgan.cli import training
from jgan.cli.options import option
from jgan.data.dataset import Images
from jgan.errors import UserError
from jgan.models import DCGAN_SIZES
from jgan.processes import share
from jgan.random import rng
from jgan.training.stop import say

ROWS = 10  # of a sample; its columns are the classes
DEFAULTS = {
    "conv": {
        "lr": 0.0005, "b1": 0.0, "b2": 0.99, "latent_dim": 64, "gan_mode": "hinge", "ema_decay": 0.999, "conv_dim": 32,
        "lambda_class": 0.03,
    },
    "mlp": {"lr": 0.0002, "b1": 0.5, "b2": 0.999, "latent_dim": 100, "gan_mode": "lsgan", "ema_decay": 0.0},
}  # fmt: skip
other = partial(training.otherwise, DEFAULTS)  # what help says of an option whose default is the architecture's


@dataclasses.dataclass
class Options(training.PenaltyOptions, training.AugmentOptions, training.ImageOptions, training.AdamOptions):
    """What is None takes the default of the architecture."""

    OLDER: ClassVar = training.OLDER_CGAN

    arch: str = option("conv", "convolutions and projection, or the warm-up's perceptrons", choices=tuple(DEFAULTS))
    lr: Optional[float] = option(None, f"learning rate of Adam{other('lr')}", above=0)
    b1: Optional[float] = option(None, f"decay of Adam's first moment{other('b1')}", least=0, below=1)
    b2: Optional[float] = option(None, f"decay of Adam's second moment{other('b2')}", least=0, below=1)
    ema_decay: Optional[float] = option(
        None, f"draw with averaged weights of this decay, 0 is off{other('ema_decay')}", least=0, below=1
    )
    decay_epoch: Optional[int] = option(
        None, "from this epoch on the learning rate falls to 0; else half of n_epochs (conv) or never (mlp)", least=0
    )
    latent_dim: Optional[int] = option(None, f"length of the noise vector z{other('latent_dim')}", least=1)
    conv_dim: Optional[int] = option(None, "width of the networks of --arch conv (else 32)", least=1)
    dataset: str = option("mnist", "the images; folder: each folder in --data_dir a class", choices=training.DATASETS)
    data_dir: Optional[str] = option(None, "folder of the class folders, or of a named data set's files")
    n_classes: Optional[int] = option(None, "number of classes; else as many as the data have", least=2)
    img_size: int = option(32, "height and width of the images; for --arch conv 16, 32, 64, 128 or 256", least=4)
    channels: int = option(1, "channels of the images", choices=(1, 3))
    gan_mode: Optional[str] = option(None, f"the adversarial loss{other('gan_mode')}", choices=training.GAN_MODES)
    lambda_class: Optional[float] = option(
        None, "weight of the classes' margin for the discriminator of --arch conv (else 0.03); 0 is off", least=0
    )

    def __post_init__(self):
        if self.arch == "mlp" and self.lambda_class is not None:
            raise UserError("--lambda_class is of --arch conv; leave it out for --arch mlp")
        if self.arch == "mlp" and self.conv_dim is not None:
            raise UserError("--conv_dim is the width of --arch conv; leave it out for --arch mlp")
        training.fill_in(self, DEFAULTS)

    @property
    def default_decay_epoch(self) -> int:
        return self.n_epochs // 2 if self.arch == "conv" else self.n_epochs


def load(opt: Options) -> Images:
    if opt.arch == "conv" and opt.img_size not in DCGAN_SIZES:
        raise UserError(f"--arch conv draws images of the sizes {', '.join(map(str, DCGAN_SIZES))}, not {opt.img_size}")
    data = training.load_images(opt, labelled=True)
    if len(data.classes) < 2:
        raise UserError(f"{opt.data_dir} holds one class, {data.classes[0]}; two or more are needed")
    if opt.n_classes is not None and opt.n_classes < len(data.classes):
        raise UserError(f"--n_classes {opt.n_classes}: the data have {len(data.classes)}; leave the option out")
    if opt.n_classes is not None and opt.n_classes > len(data.classes):
        say(f"--n_classes {opt.n_classes}: the data have {len(data.classes)} classes; the others stay without images")
    return data


def train(run, data: Images) -> int:
    import jittor as jt

    from jgan import algorithms
    from jgan.layers import evaluating
    from jgan.training import loop

    opt = run.options
    n_classes = opt.n_classes or len(data.classes)
    options = {"latent_dim": opt.latent_dim, "n_classes": n_classes, "img_size": opt.img_size, "channels": opt.channels}
    options.update(lr=opt.lr, b1=opt.b1, b2=opt.b2, gan_mode=opt.gan_mode, lambda_r1=opt.lambda_r1)
    half = algorithms.framework("jittor")
    if opt.arch == "conv":
        cgan = algorithms.projection(half, conv_dim=opt.conv_dim, lambda_class=opt.lambda_class, **options)
    else:
        cgan = algorithms.cgan(half, **options)
    generator = cgan.generator
    batches = training.batches_of(data, opt)
    augment = training.augmentation(opt, data)

    def step(i: int) -> dict:
        chosen = share(batches.at(i))
        random = rng(opt.seed, "noise", i)
        z = share(generator.draw_z(random, opt.batch_size, opt.latent_dim))
        fake_labels = share(random.integers(0, n_classes, opt.batch_size))
        real = data.batch(chosen)
        return cgan.step(
            real=jt.array(real), labels=data.labels[chosen], z=jt.array(z), fake_labels=fake_labels, augment=augment(i)
        )

    columns = np.tile(np.arange(n_classes), ROWS)
    fixed_z = jt.array(generator.draw_z(rng(opt.seed, "sample"), len(columns), opt.latent_dim))

    def draw(generator) -> np.ndarray:
        with evaluating(generator):
            return images.grid(generator(fixed_z, columns), columns=n_classes)

    real, score = real_classes(data, n_classes), training.scorer(opt, data)
    return loop.train(run, batches, cgan, step=step, draw=draw, real=real, score=score)


def real_classes(data: Images, n_classes: int) -> np.ndarray:
    """Real images in the layout of the samples, black where a class has no more."""
    shown = np.zeros((ROWS, n_classes, *data.pixels.shape[1:]), np.uint8)
    for label in range(len(data.classes)):
        of_class = data.pixels[np.flatnonzero(data.labels == label)[:ROWS]]
        shown[: len(of_class), label] = of_class
    return images.grid(images.from_pixels(shown.reshape((-1, *data.pixels.shape[1:]))), columns=n_classes)


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
