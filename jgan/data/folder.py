"""Any folder of images as one array of pixels."""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from jgan.errors import UserError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
MEMORY_LIMIT = 4 * 2**30  # bytes of decoded pixels; more of them lie in a temporary file


def load_folder(folder: str | Path, *, size: int, channels: int = 3, strict: bool = False) -> np.ndarray:
    """Every image in a folder and the folders within it, in the order of their paths: uint8 (N, channels, size, size).

    Read are JPEG, PNG, WebP, BMP and TIFF by their suffix; see `read_image` for what is made of each. Up to
    `MEMORY_LIMIT` the pixels are kept in memory, above it in a temporary file that ends with the program. A file that
    cannot be decoded is named on stderr and left out; under `strict` it raises UserError, and so does a folder that
    does not exist or holds no image, and an image of so many pixels that it may be meant to exhaust the memory.
    """
    paths = image_paths(folder)
    pixels = room_for((len(paths), channels, size, size))
    failures = []

    def read(i: int) -> None:
        try:
            pixels[i] = read_image(paths[i], size=size, channels=channels)
        except UserError:
            raise
        except Exception as error:  # Pillow's decoders raise whatever they stumble over
            if strict:
                raise UserError(f"{paths[i]} cannot be decoded ({error}); remove it, or leave out --strict") from None
            failures.append(i)
            tqdm.write(f"left out {paths[i]}: {error}", file=sys.stderr)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(tqdm(pool.map(read, range(len(paths))), "reading images", len(paths), leave=False, mininterval=1))
    if len(failures) == len(paths):
        raise UserError(f"none of the {len(paths)} images in {folder} can be decoded")
    if failures:
        print(f"left out {len(failures)} of {len(paths)} images in {folder}", file=sys.stderr)
    good = sorted(set(range(len(paths))) - set(failures))
    for place, i in enumerate(good):  # closed up in place: a copy would take as much memory again
        if place != i:
            pixels[place] = pixels[i]
    return pixels[: len(good)]


def image_paths(folder: str | Path) -> list[Path]:
    """The image files in a folder and the folders within it, links followed, sorted; UserError if there is none.

    Hidden files, whose names begin with a dot, are left out.
    """
    if not os.path.isdir(folder):
        raise UserError(f"the image folder {folder} does not exist" + " (it is a file)" * os.path.exists(folder))
    paths, visited = [], set()
    for inner, folders, files in os.walk(folder, onerror=_refuse_unreadable, followlinks=True):
        if os.path.realpath(inner) in visited:  # a link back to where we come from
            folders.clear()
            continue
        visited.add(os.path.realpath(inner))
        paths += [Path(inner, name) for name in files if Path(name).suffix.lower() in SUFFIXES and name[0] != "."]
    if not paths:
        raise UserError(f"there is no image in {folder}; looked for {', '.join(sorted(SUFFIXES))}, folders within too")
    return sorted(paths)


def _refuse_unreadable(error: OSError) -> None:
    raise UserError(f"the folder {error.filename} cannot be read: {error.strerror}")


def read_image(path: str | Path, *, size: int, channels: int) -> np.ndarray:
    """One image file as uint8 (channels, size, size).

    It is turned as its EXIF orientation says, put on white where it is transparent, 16 bits are scaled to 8, colours
    brought to RGB or grey; then it is cropped about its centre to a square and resized (bicubic, antialiased).
    Raises UserError for an image of more pixels than Pillow takes for safe, and what Pillow raises for a broken one.
    """
    image = to_mode(open_image(path), "L" if channels == 1 else "RGB")
    pixels = np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC))
    return pixels.reshape((size, size, channels)).transpose(2, 0, 1)


def open_image(path: str | Path) -> Image.Image:
    """A decoded image, turned as its EXIF orientation says.

    Raises UserError for one of more pixels than Pillow takes for safe, and what Pillow raises for a broken one.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > Image.MAX_IMAGE_PIXELS:  # up to twice as many Pillow would only warn
                raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
            image.load()
            return ImageOps.exif_transpose(image)
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} is suspiciously large ({error}); scale it down or remove it") from None


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


def room_for(shape: tuple[int, ...]) -> np.ndarray:
    n_bytes = int(np.prod(shape, dtype=np.int64))
    if n_bytes <= MEMORY_LIMIT:
        return np.empty(shape, np.uint8)
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the array keeps it open)
    try:
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    except OSError as error:
        raise UserError(
            f"the images take {n_bytes / 2**30:.1f} GiB decoded, and {tempfile.gettempdir()} has no room for them "
            f"({error.strerror}); choose a smaller --img_size, or another folder by the variable TMPDIR"
        ) from None
    return np.memmap(file, np.uint8, "r+", shape=shape)
