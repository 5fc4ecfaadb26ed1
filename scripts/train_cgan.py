"""Train the Jittor warm-up's conditional GAN on MNIST, Fashion-MNIST or a folder with a folder of images per class.

python scripts/train_cgan.py                                      # the warm-up's defaults, 100 epochs
python scripts/train_cgan.py --max_steps 200 --output runs/try    # a first look
python scripts/train_cgan.py --resume runs/try                    # resume it
python scripts/train_cgan.py --dataset folder --data_dir FOLDER --channels 3 --output runs/mine
"""

from __future__ import annotations

import dataclasses
from typing import Optional

import numpy as np

from jgan import images
from jgan.cli import training
from jgan.cli.options import option
from jgan.data.dataset import Images
from jgan.errors import UserError
from jgan.random import rng
from jgan.training.stop import say

ROWS = 10  # of a sample; its columns are the classes


@dataclasses.dataclass
class Options(training.ImageOptions, training.AdamOptions):
    dataset: str = option("mnist", "the images; folder: each folder in --data_dir a class", choices=training.DATASETS)
    data_dir: Optional[str] = option(None, "folder of the class folders, or of a named data set's files")
    n_classes: Optional[int] = option(None, "number of classes; else as many as the data have", least=2)
    img_size: int = option(32, "height and width of the images", least=4)
    channels: int = option(1, "channels of the images", choices=(1, 3))
    gan_mode: str = option("lsgan", "the adversarial loss", choices=training.GAN_MODES)


def load(opt: Options) -> Images:
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
    cgan = algorithms.cgan(
        algorithms.framework("jittor"),
        latent_dim=opt.latent_dim, n_classes=n_classes, img_size=opt.img_size, channels=opt.channels,
        lr=opt.lr, b1=opt.b1, b2=opt.b2, gan_mode=opt.gan_mode,
    )  # fmt: skip
    generator = cgan.generator
    batches = training.batches_of(data, opt)

    def step(i: int) -> dict:
        chosen = batches.at(i)
        random = rng(opt.seed, "noise", i)
        z = generator.draw_z(random, opt.batch_size, opt.latent_dim)
        fake_labels = random.integers(0, n_classes, opt.batch_size)
        real = data.batch(chosen)
        return cgan.step(real=jt.array(real), labels=data.labels[chosen], z=jt.array(z), fake_labels=fake_labels)

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
