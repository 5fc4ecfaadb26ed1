"""Random crops, mirroring and affine maps, and the crops that are shown instead."""

from __future__ import annotations

import numpy as np


def random_crops(pixels: list[np.ndarray], size: tuple[int, int], random: np.random.Generator) -> list[np.ndarray]:
    """The same random crop to a height and a width and the same mirroring, half of the time, for all of some arrays.

    pixels: arrays (N, C, H, W) of one size, at least `size`; each place n has its own crop and mirroring.
    The random jitter of Isola et al. 2017 (arXiv:1611.07004, section 6.2), its mirroring included.
    """
    n, _, height, width = pixels[0].shape
    tops, lefts = random.integers(0, height - size[0] + 1, n), random.integers(0, width - size[1] + 1, n)
    mirrored = random.random(n) < 0.5
    crops = [np.empty((n, array.shape[1], *size), array.dtype) for array in pixels]
    for array, out in zip(pixels, crops):
        for i in range(n):
            crop = array[i, :, tops[i] : tops[i] + size[0], lefts[i] : lefts[i] + size[1]]
            out[i] = crop[:, :, ::-1] if mirrored[i] else crop
    return crops


def center_crops(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle of images (N, C, H, W), of this height and width."""
    top, left = ((side - smaller) // 2 for side, smaller in zip(pixels.shape[2:], size))
    return pixels[:, :, top : top + size[0], left : left + size[1]]


def random_affine(
    images: np.ndarray, random: np.random.Generator, *, degrees: float = 10, scale: float = 0.1, shift: float = 0.08
) -> np.ndarray:
    """Each image turned, enlarged and moved at random: float32 (N, C, H, W), interpolated bilinearly.

    images: any numbers, (N, C, H, W). Uniform are the angle within +-degrees, the scale within 1 +- scale and the move
    along each axis within +-shift of the side. Beyond its border an image goes on as the border is.
    """
    n, _, height, width = images.shape
    angle = np.deg2rad(random.uniform(-degrees, degrees, n))
    factor = random.uniform(1 - scale, 1 + scale, n)
    moves = random.uniform(-shift, shift, (2, n)) * np.array([[height], [width]])
    # A point (y, x) of the result, from the centre, is that of the image at R(angle) ((y, x) - move) / factor.
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    y = np.arange(height)[None, :, None] - centre_y - moves[0][:, None, None]
    x = np.arange(width)[None, None, :] - centre_x - moves[1][:, None, None]
    cosine, sine = ((f(angle) / factor)[:, None, None] for f in (np.cos, np.sin))
    return bilinear(images, cosine * y - sine * x + centre_y, sine * y + cosine * x + centre_x)


def bilinear(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The values of images (N, C, H, W) at points (N, height, width) of each, in pixels: float32 (N, C, height, width).

    Between the pixels they are interpolated bilinearly; beyond the border they are the border's.
    """
    n, _, height, width = images.shape
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    top, left = y.astype(np.intp), x.astype(np.intp)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    image, channel = np.arange(n)[:, None, None, None], np.arange(images.shape[1])[:, None, None]
    down, along = (part.astype(np.float32)[:, None] for part in (y - top, x - left))

    def row(of: np.ndarray) -> np.ndarray:
        a, b = (images[image, channel, of[:, None], column[:, None]] for column in (left, right))
        return a * (1 - along) + b * along

    return row(top) * (1 - down) + row(bottom) * down
