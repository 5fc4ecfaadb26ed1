"""What the programs for image-to-image translation share: options, random crops, the learning rate."""

from __future__ import annotations

import dataclasses
import os
from typing import Optional

import numpy as np

from jgan.cli.options import option
from jgan.cli.training import AdamOptions, TrainOptions
from jgan.data.augment import random_crops
from jgan.errors import UserError
from jgan.processes import share


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
    def default_decay_epoch(self) -> int:
        return self.n_epochs // 2

    def loaded(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the images from which those of a size are cropped (Isola et al. 2017, section 6.2)."""
        return size if self.no_jitter else tuple(round(side * 286 / 256) for side in size)


def is_one_folder(opt: TranslationOptions, sentence: str) -> bool:
    """Whether the images are in data_dir, not in dir_a and dir_b; UserError with the sentence for less or for both."""
    given = (opt.data_dir is not None, opt.dir_a is not None, opt.dir_b is not None)
    if given not in ((True, False, False), (False, True, True)):
        raise UserError(sentence)
    return given[0]


def held_out(folder: str | None) -> str | None:
    """The val/ or the test/ in a folder of pairs, if there is one."""
    parts = [] if folder is None else [os.path.join(folder, name) for name in ("val", "test")]
    return next(filter(os.path.isdir, parts), None)


def crop(
    opt: TranslationOptions, size: tuple[int, int], random: np.random.Generator, *pixels: np.ndarray
) -> list[np.ndarray]:
    """This process's share of batches of pixels of a size, from those of the size `loaded` for it.

    All are cropped and mirrored alike, or taken as they are.
    """
    crops = pixels if opt.no_jitter else random_crops(list(pixels), size, random)
    return [share(each) for each in crops]
