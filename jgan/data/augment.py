"""Random crops and mirroring, and the crops that are shown instead."""

from __future__ import annotations

import numpy as np


def random_crops(pixels: list[np.ndarray], size: int, random: np.random.Generator) -> list[np.ndarray]:
    """The same random crop to (size, size) and the same mirroring, one half of the time, for all of some arrays.

    pixels: arrays (N, C, H, W) of one height and width, at least `size`; each place n has its own crop and mirroring.
    The random jitter of Isola et al. 2017 (arXiv:1611.07004, section 6.2), its mirroring included.
    """
    n, _, height, width = pixels[0].shape
    tops, lefts = random.integers(0, height - size + 1, n), random.integers(0, width - size + 1, n)
    mirrored = random.random(n) < 0.5
    crops = [np.empty((n, array.shape[1], size, size), array.dtype) for array in pixels]
    for array, out in zip(pixels, crops):
        for i in range(n):
            crop = array[i, :, tops[i] : tops[i] + size, lefts[i] : lefts[i] + size]
            out[i] = crop[:, :, ::-1] if mirrored[i] else crop
    return crops


def center_crops(pixels: np.ndarray, size: int) -> np.ndarray:
    """The middle (size, size) of images (N, C, H, W)."""
    top, left = ((side - size) // 2 for side in pixels.shape[2:])
    return pixels[:, :, top : top + size, left : left + size]
