"""Images in [-1, 1] and their pixels: the only place that knows how one becomes the other."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from jgan import memory
from jgan.files import replacing, write_bytes

RANGE = (-1.0, 1.0)


class NotFinite(ValueError):
    """Images hold NaN or infinity, as a network whose training diverged draws them."""


def from_pixels(pixels: np.ndarray) -> np.ndarray:
    """uint8 0 .. 255 of any shape -> float32 in [-1, 1]."""
    return pixels.astype(np.float32) / 127.5 - 1


def to_pixels(images, value_range: tuple[float, float] | None = RANGE) -> np.ndarray:
    """Floats of any shape -> uint8, `value_range` becoming 0 .. 255, rounded; values outside are clipped.

    images: a numpy array or a Jittor Var. value_range None stretches from the smallest to the largest value given.
    Raises NotFinite for NaN or infinity, and ValueError for integers and for a range that does not rise.
    """
    values = _array(images)
    if values.dtype.kind != "f":
        raise ValueError(f"images must be floats, not {values.dtype}; `from_pixels` makes them of pixels")
    if not np.isfinite(values).all():
        raise NotFinite("the images hold NaN or infinite values")
    low, high = (values.min(), values.max()) if value_range is None else value_range
    if value_range is not None and not low < high:
        raise ValueError(f"the range {value_range} does not rise")
    scale = 255 / (high - low) if low < high else 0.0
    return np.clip(np.rint((values - low) * scale), 0, 255).astype(np.uint8)


def resize(pixels: np.ndarray, size: int) -> np.ndarray:
    """Square images uint8 (N, C, H, H) -> (N, C, size, size), bilinearly, to the bit as Pillow resizes each.

    Pillow resizes rows first, then columns, rounding in between; so here, all images in one call. Raises UserError if
    there is no memory for the result.
    """
    n, channels, side, _ = pixels.shape
    memory.require(2 * n * channels * size * max(size, side), f"{n} images of {size} x {size} pixels")
    wide = _resize_rows(pixels.reshape((n * channels, side, side)), size).swapaxes(1, 2)
    return np.ascontiguousarray(_resize_rows(wide, size).swapaxes(1, 2)).reshape((n, channels, size, size))


def _resize_rows(pixels: np.ndarray, width: int) -> np.ndarray:
    n, height, _ = pixels.shape
    tall = Image.fromarray(pixels.reshape((n * height, -1)))
    return np.asarray(tall.resize((width, n * height), Image.BILINEAR)).reshape((n, height, width))


def grid(images, *, columns: int = 10, padding: int = 2, pad_value: int = 0, value_range=RANGE) -> np.ndarray:
    """A sheet of images, row by row, as pixels.

    images: (N, C, H, W), C 1 or 3, N >= 1. padding: pixels between and around the images; pad_value: their grey,
    0 .. 255, which also fills the free places of the last row. value_range: see `to_pixels`; it maps the images alone.
    Returns uint8 (rows*(H+padding)+padding, columns*(W+padding)+padding) for one channel, with a last axis of 3 for
    three. A single row is as narrow as its images. Raises ValueError for anything else.
    """
    values = _array(images)
    if values.ndim != 4 or values.shape[0] < 1 or values.shape[1] not in (1, 3):
        raise ValueError(f"a grid needs images of shape (N >= 1, 1 or 3, H, W), not {values.shape}")
    if columns < 1 or padding < 0 or not 0 <= pad_value <= 255:
        raise ValueError(
            "a grid needs columns >= 1, padding >= 0 and pad_value in 0 .. 255, "
            f"not {columns}, {padding} and {pad_value}"
        )
    pixels = to_pixels(values, value_range).transpose(0, 2, 3, 1)
    n, height, width, channels = pixels.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    cell_height, cell_width = height + padding, width + padding
    sheet = np.full((rows * cell_height + padding, columns * cell_width + padding, channels), pad_value, np.uint8)
    for i, image in enumerate(pixels):
        top, left = (i // columns) * cell_height + padding, (i % columns) * cell_width + padding
        sheet[top : top + height, left : left + width] = image
    return sheet[:, :, 0] if channels == 1 else sheet


def strip(images, *, value_range=RANGE) -> np.ndarray:
    """One row without padding: (N, C, H, W) -> uint8 (H, N*W) or (H, N*W, 3)."""
    return grid(images, columns=len(images), padding=0, value_range=value_range)


def save_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write what `encode_png` makes, atomically (see `jgan.files.replacing`)."""
    write_bytes(path, encode_png(pixels))


def encode_png(pixels: np.ndarray) -> bytes:
    """uint8 (H, W) as a PNG of 8-bit greyscale, or (H, W, 3) as one of RGB; ValueError for anything else."""
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(f"a PNG needs uint8 of the shape (H, W) or (H, W, 3), not {pixels.dtype} {pixels.shape}")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def save_gif(path: str | Path, frames: list[np.ndarray], *, ms: int = 100) -> None:
    """Write uint8 frames of one size, each (H, W) or (H, W, 3), as an animation that repeats, `ms` milliseconds each.

    GIF knows times in hundredths of a second and 256 colours a frame. Written atomically.
    """
    first, *rest = [Image.fromarray(frame) for frame in frames]
    with replacing(path) as file:
        first.save(file, format="GIF", save_all=True, append_images=rest, duration=ms, loop=0)


def image_table(*columns) -> np.ndarray:
    """Images in columns, a row for each place of the shortest: pixels. Grey ones are shown among coloured ones."""
    rows = [np.broadcast_to(image, (3, *image.shape[1:])) for row in zip(*columns) for image in row]
    return grid(np.stack(rows), columns=len(columns))


def _array(images) -> np.ndarray:
    return images if isinstance(images, np.ndarray) else np.asarray(images.numpy())
