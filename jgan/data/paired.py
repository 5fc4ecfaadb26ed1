"""Paired images: two data sets of which the images of one place belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from jgan.data.dataset import Images, allocate_pixels
from jgan.data.folder import LISTED, image_paths, open_image, to_mode
from jgan.errors import UserError


def load_pairs(folder: str | Path, *, size: int, channels: tuple[int, int] = (3, 3)) -> list[Images]:
    """The left and the right halves of the images in a folder: two data sets (N, channels of each, size, size).

    Each image holds a pair side by side. Both halves are resized to squares, as the authors of Pix2Pix do. Raises
    UserError for a folder without images, and for an image that cannot be decoded, or is no wider than high.
    """
    paths = image_paths(folder)
    halves = [allocate_pixels((len(paths), n, size, size)) for n in channels]
    for i, path in enumerate(paths):
        image = _open(path)
        width, height = image.size
        if width % 2:
            raise UserError(f"{path} is {width} pixels wide and cannot be halved; it should hold A and B side by side")
        if width <= height:
            raise UserError(
                f"{path} is {width} pixels wide and {height} high, which is no pair side by side; "
                "pairs in two folders are given as dir_a and dir_b"
            )
        for half, left in zip(halves, (0, width // 2)):
            half[i] = _pixels(image.crop((left, 0, left + width // 2, height)), half[i].shape)
    return [Images(half) for half in halves]


def load_matched(
    folder_a: str | Path, folder_b: str | Path, *, size: int, channels: tuple[int, int] = (3, 3)
) -> list[Images]:
    """The pairs of two folders by the names of their files, whatever the suffix: see `load_pairs`.

    Raises UserError that lists the names without a partner, and the pairs whose images differ in size.
    """
    if Path(folder_a).resolve() == Path(folder_b).resolve():
        raise UserError(f"{folder_a} is given for both images of the pairs; give two folders")
    a, b = (_by_name(folder) for folder in (folder_a, folder_b))
    _refuse(sorted(map(str, a.keys() ^ b.keys())), f"these have no partner of their name in {folder_a} and {folder_b}")
    names = sorted(a)
    halves = [allocate_pixels((len(names), n, size, size)) for n in channels]
    differing = []
    for i, name in enumerate(names):
        images = _open(a[name]), _open(b[name])
        if images[0].size != images[1].size:
            differing.append(f"{name} ({images[0].size} and {images[1].size})")
        for half, image in zip(halves, images):
            half[i] = _pixels(image, half[i].shape)
    _refuse(differing, f"the two images of these pairs in {folder_a} and {folder_b} differ in size")
    return [Images(half) for half in halves]


def _by_name(folder: str | Path) -> dict[Path, Path]:
    paths = image_paths(folder)
    found = {path.relative_to(folder).with_suffix(""): path for path in paths}
    _refuse(
        sorted(map(str, set(paths) - set(found.values()))),
        "beside each of these there is another image of its name, so that its partner is not certain",
    )
    return found


def _open(path: Path) -> Image.Image:
    try:
        return open_image(path)
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise UserError(f"{path} cannot be used: {error}; remove it with its partner") from None


def _pixels(image: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    channels, height, width = shape
    image = to_mode(image, "L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image).reshape((height, width, channels)).transpose(2, 0, 1)


def _refuse(names: list[str], fault: str) -> None:
    if names:
        more = f", and {len(names) - LISTED} more" if len(names) > LISTED else ""
        raise UserError(f"{fault}: {', '.join(names[:LISTED])}{more}")
