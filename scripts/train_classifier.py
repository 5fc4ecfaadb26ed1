"""Train a classifier on MNIST, Fashion-MNIST or a folder with a folder of images per class: a judge of generators.

python scripts/train_classifier.py                                     # MNIST
python scripts/train_classifier.py --dataset fashion_mnist --mirror --output runs/fashion_judge
python scripts/train_classifier.py --dataset folder --data_dir FOLDER --channels 3 --img_size 64
python scripts/train_classifier.py --resume runs/classifier            # resume it
"""

from __future__ import annotations

import dataclasses
from typing import Optional

import numpy as np

from jgan import images
from jgan.cli import training
from jgan.cli.options import option
from jgan.data.augment import random_affine
from jgan.data.dataset import Images, held_out
from jgan.data.mnist import load_mnist
from jgan.errors import UserError
from jgan.processes import share
from jgan.random import rng


@dataclasses.dataclass
class Options(training.DataOptions, training.AdamOptions):
    dataset: str = option("mnist", "the images; folder: each folder in --data_dir a class", choices=training.DATASETS)
    data_dir: Optional[str] = option(None, "folder of the class folders, or of a named data set's files")
    n_epochs: int = option(20, "how often every image is seen", least=1)
    sample_interval: int = option(5000, "steps between sheets of misread test images", least=1)
    decay_epoch: Optional[int] = option(
        None, "from this epoch on the learning rate falls to 0; else from the first on", least=0
    )
    lr: float = option(0.002, "learning rate of Adam", above=0)
    b1: float = option(0.9, "decay of Adam's first moment", least=0, below=1)
    ema_decay: float = option(0.999, "keep averaged weights of this decay; 0 is off", least=0, below=1)
    evaluate_interval: Optional[int] = option(1000, "steps between tests", least=1)
    img_size: int = option(32, "height and width of the images, a multiple of 8", least=16)
    channels: int = option(1, "channels of the images", choices=(1, 3))
    conv_dim: int = option(32, "channels of the first convolution; there are four times as many features", least=1)
    mirror: bool = option(False, "mirror half of the images at random: for things, not for letters and digits")

    @property
    def default_decay_epoch(self) -> int:
        return 0


def load(opt: Options) -> list[Images]:
    """The images to train on and those to test by: the set's own, or every tenth image of a folder's classes."""
    if opt.img_size % 8:
        raise UserError(f"--img_size must be a multiple of 8, not {opt.img_size}")
    data = training.load_images(opt, labelled=True)
    if len(data.classes) < 2:
        raise UserError(f"{opt.data_dir} holds one class, {data.classes[0]}; two or more are needed")
    if opt.dataset == "folder":
        return held_out(data)
    return [data, load_mnist("test", name=opt.dataset, data_dir=opt.data_dir, size=opt.img_size, channels=opt.channels)]


def train(run, data: list[Images]) -> int:
    import jittor as jt

    from jgan import losses, optimizers
    from jgan.algorithms import Algorithm
    from jgan.inference.judges import read
    from jgan.models.classifier import Classifier
    from jgan.training import loop

    opt, (data, test) = run.options, data
    classifier = Classifier(
        n_classes=len(data.classes), img_size=opt.img_size, channels=opt.channels, width=opt.conv_dim
    )
    optimizer = optimizers.adam(classifier, lr=opt.lr, b1=opt.b1, b2=opt.b2)
    algorithm = Algorithm(networks={"classifier": classifier}, optimizers={"optimizer": optimizer})
    batches = training.batches_of(data, opt)

    def step(i: int) -> dict:
        chosen, random = batches.at(i), rng(opt.seed, "augmentation", i)
        pixels = random_affine(data.pixels[chosen], random)
        if opt.mirror:
            pixels = np.where(random.random((len(pixels), 1, 1, 1)) < 0.5, pixels, pixels[..., ::-1])
        logits = classifier(jt.array(images.from_pixels(share(pixels))))
        loss = losses.cross_entropy(logits, data.labels[share(chosen)])
        optimizer.step(loss)
        return {"loss": loss}

    def score(judge) -> dict:
        return {"test_error": float(np.mean(read(judge, test.pixels).labels != test.labels))}

    def draw(judge) -> np.ndarray:
        """The test images that are most surely taken for another class."""
        reading = read(judge, test.pixels)
        doubts = np.where(reading.labels == test.labels, 1, -reading.confidence)
        return shown(test, np.argsort(doubts, kind="stable"))

    return loop.train(
        run, batches, algorithm, step=step, draw=draw, real=shown(test, np.arange(len(test))), score=score,
        weights=run.folder / "classifier.safetensors",
    )  # fmt: skip


def shown(data: Images, places: np.ndarray) -> np.ndarray:
    return images.grid(data.batch(places[: training.N_SAMPLES]), columns=training.COLUMNS)


if __name__ == "__main__":
    training.run_training(Options, __doc__, load, train)
