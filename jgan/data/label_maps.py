"""Label maps: images whose pixels are the numbers of classes, and so never interpolated."""

from __future__ import annotations

import colorsys
import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from jgan.errors import UserError

MOST_CLASSES = 256  # a pixel is a byte


def to_label_map(image: Image.Image, label_classes: int) -> Image.Image:
    """An image as a label map in the mode "L", of one byte a pixel: that of its grey, or its number in a palette.

    Raises ValueError for what was read from a JPEG (see `jgan.data.folder.decode_image`), for coloured images, and for
    values that are no class, 0 .. label_classes-1.
    """
    if image.info.get("format") in ("JPEG", "MPO") or image.info.get("compression") == "jpeg":
        raise ValueError("it is a JPEG, which changes values a little; label maps are kept without loss, as PNG is")
    if image.mode not in ("L", "P", "1"):
        raise ValueError(
            f"its mode is {image.mode}; a label map is grey, of 8 bits, the value of a pixel being its class "
            "(convert_label_maps.py makes one of a map in colours)"
        )
    classes = np.asarray(image).astype(np.uint8)
    if classes.max() >= label_classes:
        raise ValueError(
            f"it holds the value {classes.max()}, and the classes of {label_classes} are 0 to {label_classes - 1}"
        )
    return Image.fromarray(classes)


def resampling(label_classes: int | None) -> Image.Resampling:
    """How an image is resized, or a label map of so many classes, whose numbers are not interpolated."""
    return Image.Resampling.BICUBIC if label_classes is None else Image.Resampling.NEAREST


def one_hot(maps: np.ndarray, label_classes: int) -> np.ndarray:
    """Label maps uint8 (N, 1, H, W) as float32 (N, label_classes, H, W): 1 in the channel of the class, 0 elsewhere."""
    return (maps == np.arange(label_classes, dtype=np.uint8)[:, None, None]).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Palette:
    """Classes by their numbers: uint8 (N, 3) colours and N names."""

    colours: np.ndarray
    names: tuple[str, ...]

    def coloured(self, maps: np.ndarray) -> np.ndarray:
        """Label maps of any shape (..., 1, H, W) in colours, uint8 (..., 3, H, W)."""
        return np.moveaxis(self.colours[maps[..., 0, :, :]], -1, -3)

    def nearest(self, pixels: np.ndarray) -> np.ndarray:
        """The class of each pixel, uint8 (H, W, 3) -> (H, W): that of the nearest colour, the first of equally near."""
        distances = [((pixels.astype(np.int32) - colour) ** 2).sum(axis=2) for colour in self.colours.astype(np.int32)]
        return np.argmin(distances, axis=0).astype(np.uint8)


def distinct_palette(n: int) -> Palette:
    """n colours that are told apart, for classes of which no more is known than their number."""
    hues = [(i * 0.618034 % 1, 0.9 if i % 2 else 0.55, (1, 0.75, 0.5)[i % 3]) for i in range(n)]
    colours = np.array([colorsys.hsv_to_rgb(*hue) for hue in hues])
    return Palette((255 * colours).round().astype(np.uint8), tuple(map(str, range(n))))


def load_palette(path: str | Path) -> Palette:
    """A palette from its file: a line "red green blue name" for each class, from 0 on; # begins a comment.

    Raises UserError, naming the line, for any other, for a colour that comes twice, and for none or too many.
    """
    try:
        lines = Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the palette {path} cannot be read: {getattr(error, 'strerror', error)}") from None
    classes: dict[tuple[int, ...], str] = {}
    for i, line in enumerate(lines, 1):
        words = line.partition("#")[0].split(maxsplit=3)
        if not words:
            continue
        good = len(words) == 4 and all(word.isascii() and word.isdecimal() and int(word) < 256 for word in words[:3])
        colour = tuple(map(int, words[:3])) if good else None
        if colour is None or colour in classes:
            fault = "is not" if colour is None else f"has the colour of {classes[colour]}, and should be"
            raise UserError(f"line {i} of {path}, {line.strip()!r}, {fault} red green blue name, from 0 to 255")
        classes[colour] = words[3].strip()
    if not 0 < len(classes) <= MOST_CLASSES:
        raise UserError(f"the palette {path} has {len(classes)} classes; it should have 1 to {MOST_CLASSES}")
    return Palette(np.array(list(classes), np.uint8), tuple(classes.values()))
