"""What the programs for image-to-image translation share: options, random crops, the learning rate."""

from __future__ import annotations

import dataclasses
from typing import Callable, Optional

import numpy as np

from jgan.cli.options import option
from jgan.cli.training import AdamOptions, TrainOptions
from jgan.data.augment import random_crops
from jgan.data.batches import Batches
from jgan.errors import UserError
from jgan.images import from_pixels
from jgan.training.run import Run


@dataclasses.dataclass
class TranslationOptions(TrainOptions, AdamOptions):
    """What a training takes that translates images of A into images of B."""

    n_epochs: int = option(200, "how often every image of A is seen", least=1)
    decay_epoch: Optional[int] = option(
        None, "from this epoch on the learning rate falls to 0 at the last; else from half of n_epochs on", least=0
    )
    batch_size: int = option(1, "images of A, and as many of B, in a batch", least=1)
    dir_a: Optional[str] = option(None, "folder of the images A, in place of --data_dir")
    dir_b: Optional[str] = option(None, "folder of the images B")
    no_jitter: bool = option(False, "take the images as they are, not cropped from 1.12 times the size and mirrored")
    conv_dim: int = option(64, "width of the networks", least=1)

    @property
    def loaded_size(self) -> int:
        """Height and width of the images from which those of img_size are cropped (Isola et al. 2017, section 6.2)."""
        return self.img_size if self.no_jitter else round(self.img_size * 286 / 256)


def is_one_folder(opt: TranslationOptions, sentence: str) -> bool:
    """Whether the images are in data_dir, not in dir_a and dir_b; UserError with the sentence for less or for both."""
    given = (opt.data_dir is not None, opt.dir_a is not None, opt.dir_b is not None)
    if given not in ((True, False, False), (False, True, True)):
        raise UserError(sentence)
    return given[0]


def crop(opt: TranslationOptions, random: np.random.Generator, *pixels: np.ndarray) -> list[np.ndarray]:
    """Batches of images from pixels of loaded_size: all cropped and mirrored alike, or taken as they are."""
    crops = pixels if opt.no_jitter else random_crops(list(pixels), opt.img_size, random)
    return [from_pixels(each) for each in crops]


def learning_rate(run: Run, batches: Batches) -> Callable[[int], float]:
    """The learning rate at each step. UserError if a run is resumed for longer, so that it would rise again unasked."""
    from jgan.optimizers import linear_decay
    from jgan.training.state import steps_done

    def rate_of(options: dict) -> Callable[[int], float]:
        n_epochs, decay_epoch = options["n_epochs"], options.get("decay_epoch")
        decay_step = batches.steps(n_epochs // 2 if decay_epoch is None else decay_epoch)
        return lambda step: linear_decay(options["lr"], step, n_steps=batches.steps(n_epochs), decay_step=decay_step)

    rate = rate_of(vars(run.options))
    if run.resumed:
        before, done = run.read_config()["options"], steps_done(run.state)
        was, will_be = rate_of(before)(done), rate(done)
        if will_be > was and run.options.decay_epoch == before.get("decay_epoch"):
            raise UserError(
                f"the learning rate has fallen to {was:.3g} by step {done}, and with --n_epochs {run.options.n_epochs} "
                f"it would rise to {will_be:.3g} again; say by --decay_epoch from which epoch on it is to fall"
            )
    return rate
