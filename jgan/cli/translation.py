"""What the programs for image-to-image translation share: options, random crops, the learning rate."""

from __future__ import annotations

import dataclasses
from typing import Optional

import numpy as np

from jgan.cli.options import option
from jgan.cli.training import AdamOptions, TrainOptions
from jgan.data.augment import random_crops
from jgan.errors import UserError
from jgan.images import from_pixels
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
    def first_falling_epoch(self) -> int:
        """The epoch (from 0) from which on the learning rate falls to 0 at the end of the last."""
        return self.n_epochs // 2 if self.decay_epoch is None else self.decay_epoch

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
    """This process's share of batches of images, from pixels of loaded_size: cropped and mirrored alike, or as is."""
    crops = pixels if opt.no_jitter else random_crops(list(pixels), opt.img_size, random)
    return [from_pixels(share(each)) for each in crops]
