"""Any folder of images as a data set; its folders are classes where labels are asked for."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from jgan.data.dataset import Images, allocate_pixels
from jgan.data.label_maps import to_label_map
from jgan.errors import UserError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
UNREAD = {".avif", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jxl", ".psd", ".svg", ".tga"}  # images, too
LISTED = 10  # names in an error, at most

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # `open_image` says it in its own words


def load_folder(
    folder: str | Path, *, size: int, channels: int = 3, labelled: bool = False, strict: bool = False
) -> Images:
    """Every image in a folder and the folders within it, in the order of their paths, as (channels, size, size).

    Read are JPEG, PNG, WebP, BMP and TIFF by their suffix; see `read_image` for what is made of each. If labelled, the
    folders immediately within are the classes, in the order of their names. A file that cannot be decoded, that is no
    regular file, or of so many pixels that it may be meant to exhaust the memory, is named on stderr and left out;
    under `strict` it raises UserError. So do a folder that does not exist or holds no image and, if labelled, an image
    outside of the class folders, and a class without images.
    """
    paths = image_paths(folder)
    labels, classes = _classes(folder, paths) if labelled else (None, ())
    pixels = allocate_pixels((len(paths), channels, size, size))
    failures = []

    def read(i: int) -> None:
        try:
            pixels[i] = read_image(paths[i], size=size, channels=channels)
        except Exception as error:  # Pillow's decoders raise whatever they stumble over
            if strict:
                raise UserError(f"{paths[i]} cannot be used: {error}; remove it, or leave --strict out") from None
            failures.append(i)
            tqdm.write(f"left out {paths[i]}: {error}", file=sys.stderr)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(
            tqdm(
                pool.map(read, range(len(paths))),
                "reading images",
                len(paths),
                leave=False,
                mininterval=1,
                disable=sys.stderr is None,
            )
        )
    if len(failures) == len(paths):
        raise UserError(f"none of the {len(paths)} images in {folder} can be used")
    if failures:
        print(f"left out {len(failures)} of {len(paths)} images in {folder}", file=sys.stderr)
    good = sorted(set(range(len(paths))) - set(failures))
    if labelled:
        labels = labels[good]
        _require_images_of_all(labels, classes, folder)
    for place, i in enumerate(good):  # closed up in place: a copy would take as much memory again
        if place != i:
            pixels[place] = pixels[i]
    return Images(pixels[: len(good)], labels, classes)


def _classes(folder: str | Path, paths: list[Path]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The label of each path by the folder in `folder` that it lies in, and the names of these folders."""
    parts = [path.relative_to(folder).parts for path in paths]
    outside = [path.name for path, part in zip(paths, parts) if len(part) == 1]
    if outside:
        raise UserError(
            f"not in the folder of a class, but in {folder} itself, lie {_listed(outside)}; "
            "make a folder in it for each class"
        )
    classes = tuple(sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != "."))
    odd = [name for name in classes if name != name.strip() or "," in name]
    if odd:
        raise UserError(
            f"the names of these class folders of {folder} begin or end with a space or hold a comma, so that they "
            f"could not be asked for by name: {_listed(list(map(repr, odd)))}; rename them"
        )
    labels = np.array([classes.index(part[0]) for part in parts], np.int32)
    _require_images_of_all(labels, classes, folder)
    return labels, classes


def _require_images_of_all(labels: np.ndarray, classes: tuple[str, ...], folder: str | Path) -> None:
    empty = [name for label, name in enumerate(classes) if label not in labels]
    if empty:
        raise UserError(
            f"no image can be read in these class folders of {folder}: {_listed(empty)}; remove them, or put images "
            f"into them ({', '.join(sorted(SUFFIXES))})"
        )


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def image_paths(folder: str | Path) -> list[Path]:
    """The image files in a folder and the folders within it, links followed, sorted; UserError if there is none.

    Hidden files and folders, whose names begin with a dot, are left out, and images of other kinds, which stderr names.
    """
    if not os.path.isdir(folder):
        raise UserError(f"the image folder {folder} does not exist" + " (it is a file)" * os.path.exists(folder))
    paths, unread, visited = [], [], set()
    for inner, folders, files in os.walk(folder, onerror=_refuse_unreadable, followlinks=True):
        if os.path.realpath(inner) in visited:  # a link back to where we come from
            folders.clear()
            continue
        visited.add(os.path.realpath(inner))
        folders[:] = [name for name in folders if name[0] != "."]
        shown = [Path(inner, name) for name in files if name[0] != "."]
        paths += [path for path in shown if path.suffix.lower() in SUFFIXES]
        unread += [path.name for path in shown if path.suffix.lower() in UNREAD]
    if unread:
        read = ", ".join(sorted(SUFFIXES))
        print(f"left out of {folder}, as only {read} are read: {_listed(sorted(unread))}", file=sys.stderr)
    if not paths:
        raise UserError(f"there is no image in {folder}; looked for {', '.join(sorted(SUFFIXES))}, folders within too")
    return sorted(paths)


def _refuse_unreadable(error: OSError) -> None:
    raise UserError(f"the folder {error.filename} cannot be read: {error.strerror}")


def read_image(path: str | Path, *, size: int, channels: int) -> np.ndarray:
    """One image file as uint8 (channels, size, size).

    It is turned as its EXIF orientation says, put on white where it is transparent, 16 bits are scaled to 8, colours
    brought to RGB or grey; then it is cropped about its centre to a square and resized (bicubic, antialiased).
    Raises what `open_image` and `to_mode` do.
    """
    image = to_mode(open_image(path), "L" if channels == 1 else "RGB")
    pixels = np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC))
    return pixels.reshape((size, size, channels)).transpose(2, 0, 1)


def open_image(path: str | Path) -> Image.Image:
    """The image of a file, as `decode_image` reads it; ValueError for what is no regular file."""
    if not os.path.exists(path):
        raise ValueError("it is a link to nothing")
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would wait for its other end
        raise ValueError("it is not a regular file")
    return decode_image(path)


def decode_image(file, *, formats: tuple[str, ...] | None = None, most_pixels: int | None = None) -> Image.Image:
    """The image of a path or a binary file, turned as its EXIF orientation says; its `info` holds the file's "format".

    formats: those of Pillow that it may have, by default any. most_pixels: of a larger one nothing is decoded; by
    default as many as Pillow takes for safe. Raises ValueError for more; for a broken image, or none, OSError and
    whatever else Pillow's decoders raise.
    """
    most_pixels = most_pixels or Image.MAX_IMAGE_PIXELS
    try:
        with Image.open(file, formats=formats) as image:
            if image.width * image.height > most_pixels:  # Pillow would only warn
                raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
            image.load()
            image.info["format"] = image.format  # which Pillow's operations keep there alone
            return ImageOps.exif_transpose(image)
    except Image.DecompressionBombError as error:
        raise ValueError(f"it is suspiciously large ({error}); scale it down to {most_pixels:,} pixels") from None


def to_mode(image: Image.Image, mode: str) -> Image.Image:
    """The image in the mode "L" or "RGB": on white where it is transparent, 16 bits scaled to 8.

    Raises ValueError for 32-bit and floating point values, whose range is unknown.
    """
    if image.mode in ("I", "F"):
        raise ValueError("its values are 32 bits wide, of unknown range; 8 and 16 bits can be read")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    elif image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert(mode)


def as_input(image: Image.Image, mode: str, label_classes: int | None) -> Image.Image:
    """An image in one of Pillow's modes; where there are label_classes, as the label map that it must be then.

    Raises ValueError, as `to_mode` and `to_label_map` do.
    """
    return to_mode(image, mode) if label_classes is None else to_label_map(image, label_classes)
