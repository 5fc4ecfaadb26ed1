"""Paired images: two data sets of which the images of one place belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from jgan.data.dataset import Images, allocate_pixels
from jgan.data.folder import LISTED, as_input, image_paths, open_image
from jgan.data.label_maps import resampling
from jgan.errors import UserError


def folders_of_pairs(folder: str | Path) -> list[Path]:
    """The folders whose images `load_pairs` reads: A/ and B/ in this one, or itself; UserError if one is alone."""
    parts = [Path(folder, name) for name in "AB"]
    there = [each for each in parts if each.is_dir()]
    if len(there) == 1:
        missing = next(each for each in parts if each not in there)
        raise UserError(f"{folder} has {there[0].name}/ in it, but no {missing.name}/, and pairs need both")
    return there or [Path(folder)]


def load_pairs(
    folder: str | Path, *, size: tuple[int, int], channels: tuple[int, int] = (3, 3), label_classes=(None, None)
) -> list[Images]:
    """The left and the right halves of the images in a folder: two data sets (N, channels of each, *size).

    Each image holds a pair side by side; or the folder has two in it, A and B, as `load_matched` takes them. size:
    (height, width) to which both halves are resized, as the authors of Pix2Pix do. label_classes: for each half None,
    or of how many classes it is a label map (see `jgan.data.label_maps`), its one channel being their numbers.
    Raises UserError for a folder without images or with only one of A and B, for an image that cannot be decoded, or is
    no wider than high, and for a label map that is none.
    """
    how = {"size": size, "channels": channels, "label_classes": label_classes}
    folders = folders_of_pairs(folder)
    if len(folders) == 2:
        return load_matched(*folders, **how)
    paths = image_paths(folder)
    halves = _allocate(len(paths), **how)
    for i, path in enumerate(paths):
        try:
            images = halved(_open(path))
        except ValueError as error:
            raise UserError(
                f"{path}: {error}; pairs in two folders are given as --dir_a and --dir_b, or as A/ and B/ in one"
            ) from None
        for half, image in zip(halves, images):
            _read_into(half, i, image, path)
    return halves


def halved(image: Image.Image) -> list[Image.Image]:
    """The left and the right half of a pair side by side; ValueError for what is none: odd, or no wider than high."""
    width, height = image.size
    if width % 2:
        raise ValueError(f"it is {width} pixels wide, which cannot be halved, and so is no pair side by side")
    if width <= height:
        raise ValueError(f"it is {width} pixels wide and {height} high, which is no pair side by side")
    return [image.crop((left, 0, left + width // 2, height)) for left in (0, width // 2)]


def input_and_target(image: Image.Image, half: str | None) -> list[Image.Image]:
    """The half "a" or "b" of a pair side by side, and then the other; the image alone where there is no half."""
    if half is None:
        return [image]
    return halved(image)[:: 1 if half == "a" else -1]


def load_matched(
    folder_a: str | Path, folder_b: str | Path, *,
    size: tuple[int, int], channels: tuple[int, int] = (3, 3), label_classes=(None, None),
) -> list[Images]:  # fmt: skip
    """The pairs of two folders by the names of their files, whatever the suffix: see `load_pairs`.

    Raises UserError that lists the names without a partner, and the pairs whose images differ in size.
    """
    if Path(folder_a).resolve() == Path(folder_b).resolve():
        raise UserError(f"{folder_a} is given for both images of the pairs; give two folders")
    a, b = (by_name(folder) for folder in (folder_a, folder_b))
    _refuse(sorted(map(str, a.keys() ^ b.keys())), f"these have no partner of their name in {folder_a} and {folder_b}")
    names = sorted(a)
    halves = _allocate(len(names), size=size, channels=channels, label_classes=label_classes)
    differing = []
    for i, name in enumerate(names):
        images = _open(a[name]), _open(b[name])
        if images[0].size != images[1].size:
            differing.append(f"{name} ({images[0].size} and {images[1].size})")
        for half, image, path in zip(halves, images, (a[name], b[name])):
            _read_into(half, i, image, path)
    _refuse(differing, f"the two images of these pairs in {folder_a} and {folder_b} differ in size")
    return halves


def _allocate(n: int, *, size, channels, label_classes) -> list[Images]:
    """Room for the pixels of both halves."""
    return [
        Images(allocate_pixels((n, 1 if n_classes else n_channels, *size)), label_classes=n_classes)
        for n_channels, n_classes in zip(channels, label_classes)
    ]


def by_name(folder: str | Path) -> dict[Path, Path]:
    """The images in a folder and those within it by their names, without suffix; UserError if two share one."""
    paths = image_paths(folder)
    found = {path.relative_to(folder).with_suffix(""): path for path in paths}
    _refuse(
        sorted(map(str, set(paths) - set(found.values()))),
        "beside each of these there is another image of its name, so that it is not certain which is meant",
    )
    return found


def _open(path: Path) -> Image.Image:
    try:
        return open_image(path)
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise UserError(f"{path} cannot be used: {error}; remove it with its partner") from None


def _read_into(images: Images, i: int, image: Image.Image, path: Path) -> None:
    """Put an image, resized, in a place among those of a half; UserError if it should be a label map and is none."""
    _, channels, height, width = images.pixels.shape
    try:
        image = as_input(image, "L" if channels == 1 else "RGB", images.label_classes)
    except ValueError as error:
        raise UserError(f"{path} cannot be used: {error}") from None
    image = image.resize((width, height), resampling(images.label_classes))
    images.pixels[i] = np.asarray(image).reshape((height, width, channels)).transpose(2, 0, 1)


def _refuse(names: list[str], fault: str) -> None:
    if names:
        more = f", and {len(names) - LISTED} more" if len(names) > LISTED else ""
        raise UserError(f"{fault}: {', '.join(names[:LISTED])}{more}")
