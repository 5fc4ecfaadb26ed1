"""What the training programs share: options, the data by its name, the fixed sample, the scores."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Callable, Optional

import numpy as np

from jgan import images, memory, metrics, processes
from jgan.algorithms import SMOOTHED
from jgan.cli.judges import checksum, find_judge
from jgan.cli.opening import open_run
from jgan.cli.options import device_option, option
from jgan.cli.program import run_program
from jgan.data import mnist
from jgan.data.batches import Batches
from jgan.data.dataset import Images, fingerprint
from jgan.data.folder import load_folder
from jgan.errors import UserError
from jgan.random import rng
from jgan.training.tensorboard import require_tensorboard

DATASETS = (*mnist.FILES, "folder")
OLDER_CGAN = {"arch": "mlp"}  # what runs of train_cgan.py trained before there was a choice
GAN_MODES = ("vanilla", "lsgan", "hinge")  # of `jgan.losses`, those that need no penalty beside them
AUGMENTATIONS = ("color", "translation", "cutout")  # of `jgan.diff_augment`
N_SAMPLES, COLUMNS = 64, 8


@dataclasses.dataclass
class TrainOptions:
    """What every training program takes."""

    n_epochs: int = option(100, "how often every image is seen", least=1)
    decay_epoch: Optional[int] = option(None, "from this epoch on the learning rate falls to 0; else never", least=0)
    batch_size: int = option(64, "images in a batch", least=2)
    sample_interval: int = option(1000, "steps between samples", least=1)
    save_interval: int = option(1000, "steps between saved states; the last is always saved", least=1)
    evaluate_interval: Optional[int] = option(None, "steps between scores, whose best is kept; else none", least=1)
    ema_decay: float = option(0.0, "draw with averaged weights of this decay, as 0.999; 0 is off", least=0, below=1)
    max_steps: Optional[int] = option(None, "end after so many steps in all, whatever n_epochs says", least=1)
    seed: int = option(0, "of weights, noise, order and dropout; the same seed gives the same run", least=0)
    tensorboard: bool = option(False, "write losses, scores and samples for TensorBoard, too, into the run directory")
    device: str = device_option()
    data_dir: Optional[str] = option(None, "folder of the data set")
    output: Optional[str] = option(None, "the run directory to make; else runs/ and the program's name after train_")
    resume: Optional[str] = option(None, "a run directory to resume, with the options it has")

    @property
    def first_falling_epoch(self) -> int:
        """The epoch (from 0) from which on the learning rate falls to 0 at the end of the last."""
        return self.default_decay_epoch if self.decay_epoch is None else self.decay_epoch

    @property
    def default_decay_epoch(self) -> int:
        return self.n_epochs


@dataclasses.dataclass
class AdamOptions:
    """What a training by Adam takes."""

    lr: float = option(0.0002, "learning rate of Adam", above=0)
    b1: float = option(0.5, "decay of Adam's first moment", least=0, below=1)
    b2: float = option(0.999, "decay of Adam's second moment", least=0, below=1)


@dataclasses.dataclass
class DataOptions(TrainOptions):
    """What a program takes that trains on images."""

    dataset: str = option("folder", "the images to train on; folder: those in --data_dir", choices=DATASETS)
    data_dir: Optional[str] = option(None, "folder of the images (nested as you like), or of a named data set's files")
    strict: bool = option(False, "stop at an image that cannot be used, instead of leaving it out")
    img_size: int = option(64, "height and width of the images", least=8)
    channels: int = option(3, "channels of the images", choices=(1, 3))


@dataclasses.dataclass
class ImageOptions(DataOptions):
    """What a program takes that trains a generator to draw such images from noise."""

    latent_dim: int = option(100, "length of the noise vector z", least=1)
    judge: Optional[str] = option(None, "a classifier.safetensors to score by; else the shipped one of --dataset")


@dataclasses.dataclass
class PenaltyOptions:
    """What keeps a discriminator in check."""

    lambda_r1: float = option(0.0, "weight of the R1 penalty on the discriminator, 1 to 10 say; 0 is off", least=0)


@dataclasses.dataclass
class AugmentOptions:
    """How a discriminator of few images is kept from knowing them by heart."""

    augment: Optional[str] = option(
        None,
        "change at random what the discriminator sees, real and drawn images alike: one or several of "
        f"{','.join(AUGMENTATIONS)}, joined by commas, in the order to apply them; else not",
        subset_of=AUGMENTATIONS,
    )


@dataclasses.dataclass
class SmoothedLossOptions:
    """Which loss GAN and DCGAN train by."""

    gan_mode: str = option("vanilla", "the adversarial loss", choices=GAN_MODES)
    real_target: Optional[float] = option(
        None, "what the discriminator should say of real images (else 0.9); not for hinge", above=0, most=1
    )

    def __post_init__(self):
        if self.gan_mode not in SMOOTHED and self.real_target is not None:
            raise UserError(f"the {self.gan_mode} loss has no target for real images; leave --real_target out")


def otherwise(defaults: dict, name: str) -> str:
    """What help says of an option whose default is the architecture's; defaults: by architecture, by option."""
    return "; else " + " or ".join(f"{of_arch[name]} ({arch})" for arch, of_arch in defaults.items())


def fill_in(opt, defaults: dict) -> None:
    """Give each option that is None the default of its architecture."""
    for name, value in defaults[opt.arch].items():
        if getattr(opt, name) is None:
            setattr(opt, name, value)


def run_training(options_class, description: str, load: Callable, train: Callable) -> None:
    """The main function of a training program, with its two halves (see `jgan.cli.program.run_program`).

    load(options) returns the data set, or a tuple of several; train(run, data) builds what is trained on it, and
    returns what `jgan.training.loop.train` does.
    """

    def check(opt, given: dict) -> tuple:
        run = open_run(opt, given)
        processes.require_shares(run.options.batch_size)
        _require_use(run.options)
        if run.options.tensorboard:
            require_tensorboard()
        data = load(run.options)
        sets = [data] if isinstance(data, Images) else data
        run.require_data({**fingerprint(*sets), **_judge_of(run.options, sets[0])})
        return run, data

    def work(opt, checked: tuple) -> int:
        from jgan.jittor_setup import runtime

        run, data = checked
        runtime.set_device(run.options.device)
        runtime.seed_jittor(run.options.seed, "weights")
        return train(run, data)

    run_program(options_class, description, check, work, shared=True)


def _require_use(opt) -> None:
    """UserError for options about scores and a run that takes none."""
    for name in ("judge", "val_dir"):
        if getattr(opt, name, None) is not None and opt.evaluate_interval is None:
            raise UserError(f"--{name} is about scores; give --evaluate_interval, too, or leave it out")


def _judge_of(opt, data: Images) -> dict:
    """{"judge": what tells it from others} of a run that is scored by one; UserError if it cannot be scored."""
    if opt.evaluate_interval is None or not isinstance(opt, ImageOptions):
        return {}
    judge = find_judge(opt.judge, opt.dataset, channels=opt.channels, classes=data.classes)
    if judge is None and opt.img_size < metrics.PATCH:
        raise UserError(
            f"--evaluate_interval: without a judge images of {metrics.PATCH} x {metrics.PATCH} and more can be "
            f"scored, not of {opt.img_size}"
        )
    return {} if judge is None else {"judge": checksum(judge)}


def require_held_out(opt, folder: str | Path, *trained_on: str | Path) -> None:
    """UserError if a folder of images to score by lies in one that is trained on, or this or the run lies in it."""
    scored = Path(folder).resolve()
    for other in trained_on:
        trained = Path(other).resolve()
        if trained in (scored, *scored.parents) or scored in trained.parents:
            raise UserError(f"images in {folder} would be trained on, as those in {other}; give others as --val_dir")
    require_outside(opt, folder)


def require_outside(opt, folder: str | Path) -> None:
    """UserError if the run lies in its folder of images: what it draws would be taken for data when it is resumed."""
    if Path(folder).resolve() in (Path(opt.output).resolve(), *Path(opt.output).resolve().parents):
        raise UserError(f"the run {opt.output} would lie among its own images in {folder}; choose another --output")


def load_images(opt: DataOptions, *, labelled: bool = False) -> Images:
    """The training images that the options name; labelled: with the classes that they belong to."""
    how = {"size": opt.img_size, "channels": opt.channels, "labelled": labelled}
    if opt.dataset == "folder":
        if opt.data_dir is None:
            raise UserError("give the folder of images to train on as --data_dir")
        require_outside(opt, opt.data_dir)
        return load_folder(opt.data_dir, **how, strict=opt.strict)
    if opt.strict:
        raise UserError("--strict is about the images of a folder; leave it out, or give --dataset folder")
    if opt.data_dir is not None and os.path.isdir(opt.data_dir) and not any(Path(opt.data_dir).glob("*-ubyte*")):
        raise UserError(f"{opt.data_dir} holds no file of {opt.dataset}; --dataset folder trains on the images in it")
    return mnist.load_mnist("train", name=opt.dataset, data_dir=opt.data_dir, **how)


def batches_of(data: Images, opt, *, n_critic: int = 1, purpose: str = "shuffle") -> Batches:
    """The batches of a data set, each of batch_size images for n_critic updates; UserError if memory lacks for one."""
    n = n_critic * opt.batch_size
    n_bytes = 2 * n * data.batch(np.array([0])).nbytes
    memory.require(n_bytes, f"{n} real and as many generated images of a step")
    return Batches(len(data), batch_size=n, seed=opt.seed, purpose=purpose)


def augmentation(opt: AugmentOptions, data: Images, *, purpose: str = "augment") -> Callable[[int], Callable]:
    """What a discriminator sees at each step: a function from a batch of images to one (see `jgan.diff_augment`)."""
    from jgan.diff_augment import background_of, diff_augment
    from jgan.steps import unchanged

    if opt.augment is None:
        return lambda step: unchanged
    names, background = opt.augment.split(","), background_of(data.pixels)
    return lambda step: diff_augment(names, rng(opt.seed, purpose, step), background)


def shown(opt: ImageOptions, generator, data: Images) -> dict:
    """What the loop shows of a generator without classes: {"draw", "real", "score"} of `jgan.training.loop.train`.

    Drawn are always the same latents, beside the first real images.
    """
    import jittor as jt

    from jgan.layers import evaluating

    z = jt.array(generator.draw_z(rng(opt.seed, "sample"), N_SAMPLES, opt.latent_dim))

    def draw(generator) -> np.ndarray:
        with evaluating(generator):
            return images.grid(generator(z), columns=COLUMNS)

    real = images.grid(data.batch(np.arange(min(N_SAMPLES, len(data)))), columns=COLUMNS)
    return {"draw": draw, "real": real, "score": scorer(opt, data)}


def scorer(opt: ImageOptions, data: Images) -> Callable | None:
    """What scores a generator beside the training images; None if the run is not to be scored.

    By the judge that the options name, or the shipped one of the data set; see `jgan.inference.evaluation.headline`.
    """
    if opt.evaluate_interval is None:
        return None
    from jgan.inference import evaluation
    from jgan.inference.judges import load_judge

    path = find_judge(opt.judge, opt.dataset, channels=opt.channels, classes=data.classes)
    judge = None if path is None else load_judge(path)
    n = evaluation.N_SLICED if judge is None else evaluation.N_SAMPLES
    real = evaluation.chosen(data, judge, n=n, seed=opt.seed)
    how = {"n_classes": len(data.classes), "n": n, "seed": opt.seed}

    def score(generator) -> dict[str, float]:
        return evaluation.headline(real, evaluation.drawn(generator, judge, **how), seed=opt.seed)

    return score
