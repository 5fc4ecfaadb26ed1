"""MNIST and Fashion-MNIST, each from its four IDX files, and other images in files of their format.

LeCun, Cortes & Burges, "The MNIST database of handwritten digits"; Xiao, Rasul & Vollgraf 2017 (arXiv:1708.07747),
which has files of the same names, sizes and number of classes.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import importlib.util
import os
import ssl
import struct
import sys
import urllib.request
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data.augment import center_crops
from jgan.data.dataset import Images
from jgan.errors import UserError
from jgan.files import make_folder, write_bytes
from jgan.images import resize
from jgan.jittor_setup.prerequisites import jittor_cache


class Source(NamedTuple):
    """Where four IDX files come from: the package that brings them, their folder in Jittor's cache, their URL."""

    title: str
    classes: tuple[str, ...]
    package: str | None
    cache: str
    url: str


class IdxFile(NamedTuple):
    """One file of a set: its name without ".gz", and the size in bytes and sha256 of what it holds unpacked."""

    source: Source
    name: str
    size: int
    sha256: str


def _idx_files(source: Source, *sha256: str) -> dict[tuple[str, str], IdxFile]:
    kinds = {
        ("train", "images"): ("train-images-idx3-ubyte", 47040016),
        ("train", "labels"): ("train-labels-idx1-ubyte", 60008),
        ("test", "images"): ("t10k-images-idx3-ubyte", 7840016),
        ("test", "labels"): ("t10k-labels-idx1-ubyte", 10008),
    }
    return {kind: IdxFile(source, *names, digest) for (kind, names), digest in zip(kinds.items(), sha256)}


FILES = {
    "mnist": _idx_files(
        Source(
            "MNIST",
            tuple("0123456789"),
            "jittor_offline",
            "mnist_data",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion_mnist": _idx_files(
        Source(
            "Fashion-MNIST",
            (
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            None,
            "fashion_mnist_data",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}


def load_mnist(
    split: str = "train",
    *,
    name: str = "mnist",
    data_dir: str | Path | None = None,
    size: int = 28,
    channels: int = 1,
    labelled: bool = True,
) -> Images:
    """MNIST, Fashion-MNIST or other images in their format as (channels, size, size), ink 255 on paper 0.

    split: "train" (60,000 images) or "test" (10,000); name: "mnist" or "fashion_mnist". If not labelled, the labels are
    not read. With data_dir, the files are read there, plain or as .gz. There they may also hold other images than
    the name says, of any number and size: a line on stderr says so, and their classes are called 0, 1, ... Without
    data_dir, MNIST is found in the package jittor-offline, and both in Jittor's own cache, into which they are
    downloaded if nobody has them. Raises UserError for a file that is missing, damaged or cannot be downloaded.
    """
    files = FILES[name]
    pixels, is_own = _find(files[split, "images"], data_dir)
    labels, classes = None, ()
    if labelled:
        labels, labels_are_own = _find(files[split, "labels"], data_dir)
        if len(labels) != len(pixels):
            raise UserError(
                f"{data_dir} holds {len(pixels)} images and {len(labels)} labels of {split}; they belong to two sets"
            )
        classes = files[split, "labels"].source.classes
        if not (is_own and labels_are_own):
            classes = tuple(str(label) for label in range(int(labels.max()) + 1))
        labels = labels.astype(np.int32)
    pixels = _grown(resize(_squares(pixels), size), channels)
    return Images(pixels, labels, classes)


def _squares(images: np.ndarray) -> np.ndarray:
    return center_crops(images[:, None], (min(images.shape[1:]),) * 2)


def _grown(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Grey images as if of several channels, without a copy."""
    return np.broadcast_to(pixels, (len(pixels), channels, *pixels.shape[2:]))


def parse_idx(content: bytes) -> np.ndarray:
    """An IDX file of unsigned bytes: magic 0, 0, 8, n_axes; the axes as big-endian int32; the bytes (same source).

    Raises ValueError if the content is anything else, shorter or longer.
    """
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError("it does not begin like an IDX file of unsigned bytes")
    n_axes = content[3]
    start = 4 + 4 * n_axes
    if len(content) < start:
        raise ValueError("it ends within its header")
    shape = struct.unpack(f">{n_axes}i", content[4:start])
    if len(content) - start != np.prod(shape, dtype=np.int64):
        raise ValueError(f"it holds {len(content) - start} bytes where its header says {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _find(file: IdxFile, data_dir: str | Path | None) -> tuple[np.ndarray, bool]:
    """The array of a file, and whether it is the one that the file's name stands for, not another in its format."""
    if data_dir is not None:
        return _read(_within(data_dir, file), file, others=True)
    cache = jittor_cache() / "dataset" / file.source.cache
    package = file.source.package and importlib.util.find_spec(file.source.package)
    folders = [*(map(Path, package.submodule_search_locations) if package else ()), cache]
    return _read(_first_of(folders, file) or _download(file, cache), file, others=False)


def _within(data_dir: str | Path, file: IdxFile) -> Path:
    if not os.path.isdir(data_dir):
        fault = "is a file, not a folder" if os.path.exists(data_dir) else "does not exist"
        raise UserError(f"the data folder {data_dir} {fault}; give the folder of {file.source.title}'s files")
    path = _first_of([Path(data_dir)], file)
    if path is None:
        raise UserError(
            f"{data_dir} holds no {file.name} and no {file.name}.gz; put all files of {file.source.title} there, "
            "or leave the data folder out"
        )
    return path


def _first_of(folders: list[Path], file: IdxFile) -> Path | None:
    paths = (folder / name for folder in folders for name in (file.name, f"{file.name}.gz"))
    return next(filter(os.path.isfile, paths), None)


def _read(path: Path, file: IdxFile, *, others: bool) -> tuple[np.ndarray, bool]:
    """The array of the file at the path, and whether it is that file. others: one that is unknown is admitted."""
    title = file.source.title
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except PermissionError:
        raise UserError(f"{path} may not be read by this user") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); {_expected(file)}") from None
    found = hashlib.sha256(content).hexdigest()
    if found == file.sha256:
        return parse_idx(content), True
    for other in (known for files in FILES.values() for known in files.values()):
        if found == other.sha256:
            raise UserError(f"{path} is {other.name} of {other.source.title}; {title}'s {file.name} is needed here")
    fault = f"it has {len(content)} bytes unpacked and sha256 {found}"
    if others:
        try:
            array = parse_idx(content)
        except ValueError as error:
            raise UserError(f"{path} is not an IDX file: {error}; {_expected(file)}") from None
        axes = 3 if "images" in file.name else 1
        if array.ndim == axes and array.size:
            kind = (
                f"{len(array)} images of {array.shape[2]} x {array.shape[1]}" if axes == 3 else f"{len(array)} labels"
            )
            print(f"{path} is not {title}'s file, but {kind} in its format; they are used as they are", file=sys.stderr)
            return array, False
        fault = f"its header says {list(array.shape)}"
    raise UserError(f"{path} is not the {title} file {file.name}: {fault}; {_expected(file)}")


def _expected(file: IdxFile) -> str:
    return (
        f"{file.source.title}'s has {file.size} bytes and sha256 {file.sha256}, and one of your own must be a whole "
        "IDX file. Remove the file, or give another data folder"
    )


def _remedy(source: Source) -> str:
    return "" if source.package is None else f"install {source.package.replace('_', '-')}, which brings it, or "


def _download(file: IdxFile, cache: Path) -> Path:
    url = f"{file.source.url}{file.name}.gz"
    print(f"downloading {url}", file=sys.stderr)
    # A context of our own: importing Jittor switches the verification of certificates off for the whole process.
    context = ssl.create_default_context()
    try:
        with urllib.request.urlopen(url, timeout=60, context=context) as response:
            content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"{file.name}.gz is in no known folder and {url} can't be reached ({error}); "
            f"{_remedy(file.source)}give the folder that holds it as --data_dir"
        ) from None
    try:
        unpacked = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        unpacked = b""
    if hashlib.sha256(unpacked).hexdigest() != file.sha256:
        raise UserError(
            f"{url} sent something other than the {file.source.title} file; try again, or "
            f"{_remedy(file.source)}give the folder that holds it as --data_dir"
        )
    make_folder(cache)
    path = cache / f"{file.name}.gz"
    write_bytes(path, content)
    return path
