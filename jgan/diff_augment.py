"""Differentiable augmentation: what a discriminator of few images sees in place of them, real and generated alike.

Zhao et al. 2020 (arXiv:2006.10738, section 3.2), but for two things that their program does otherwise: what is moved in
or cut out is the background of the data set, where theirs is 0, which is grey; and grey images have no saturation.
"""

from __future__ import annotations

from typing import Callable

import jittor as jt
import numpy as np

from jgan import processes

SHIFT, CUT = 1 / 8, 1 / 2  # shares of the side


def diff_augment(names, random: np.random.Generator, background: np.ndarray) -> Callable:
    """A function from a batch of images, (N, C, H, W) in [-1, 1], to one that is augmented, differentiably.

    names: of `AUGMENTATIONS`, in the order to apply them. Every image is augmented by numbers of its own, drawn from
    random, for the whole batch, when the function is called. background: (C,), see `background_of`.
    """

    def augment(images):
        for name in names:
            images = AUGMENTATIONS[name](images, random, background)
        return images

    return augment


def background_of(pixels: np.ndarray) -> np.ndarray:
    """The colour around the figures of a data set: the median of the border of its images, float32 (C,) in [-1, 1].

    pixels: uint8 (N, C, H, W), of which some 1,000, evenly spread, are looked at.
    """
    some = pixels[:: max(1, len(pixels) // 1000)]
    border = np.concatenate([some[:, :, 0], some[:, :, -1], some[:, :, :, 0], some[:, :, :, -1]], axis=2)
    return (np.median(border, axis=(0, 2)) / 127.5 - 1).astype(np.float32)


def color(images, random: np.random.Generator, background: np.ndarray):
    """Brightness within +-0.5, saturation by a factor within [0, 2], contrast within [0.5, 1.5], each by itself."""
    n, channels = _of_all(images), images.shape[1]
    images = images + _each(random.uniform(-0.5, 0.5, n))
    if channels > 1:
        grey = images.mean(1, keepdims=True)
        images = (images - grey) * _each(random.uniform(0, 2, n)) + grey
    mean = images.mean((1, 2, 3), keepdims=True)
    return (images - mean) * _each(random.uniform(0.5, 1.5, n)) + mean


def translation(images, random: np.random.Generator, background: np.ndarray):
    """Moved by whole pixels, along each axis by up to an eighth of the side; the background moves in."""
    down, right = (
        jt.array(processes.share(random.integers(-reach, reach + 1, _of_all(images)).astype(np.int32)))
        for reach in (int(side * SHIFT + 0.5) for side in images.shape[2:])
    )
    ground = _ground(background)
    moved = (images - ground).reindex(
        list(images.shape), ["i0", "i1", "i2-@e0(i0)", "i3-@e1(i0)"], overflow_value=0, extras=[down, right]
    )
    return moved + ground


def cutout(images, random: np.random.Generator, background: np.ndarray):
    """A window of half the side, its centre anywhere in the image, is background."""
    n, sides = _of_all(images), images.shape[2:]
    inside = []  # of each axis: (n, side), whether a row or a column meets the window
    for side in sides:
        size = int(side * CUT + 0.5)
        first = random.integers(0, side + 1 - size % 2, n)[:, None] - size // 2
        places = np.arange(side)
        inside.append((places >= first) & (places < first + size))
    kept = ~(inside[0][:, :, None] & inside[1][:, None, :])
    ground = _ground(background)
    return (images - ground) * jt.array(processes.share(kept[:, None]).astype(np.float32)) + ground


AUGMENTATIONS = {each.__name__: each for each in (color, translation, cutout)}


def _of_all(images) -> int:
    """The images of the whole batch, of which these may be the share of one process."""
    return images.shape[0] * processes.size()


def _each(values: np.ndarray):
    """A number for each image of the share, to be broadcast over it."""
    return jt.array(processes.share(values).astype(np.float32).reshape((-1, 1, 1, 1)))


def _ground(background: np.ndarray):
    return jt.array(background.reshape((1, -1, 1, 1)))
