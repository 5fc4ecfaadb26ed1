"""MNIST and Fashion-MNIST, each from its four IDX files.

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
from PIL import Image

from jgan.errors import UserError
from jgan.files import make_folder, write_bytes
from jgan.prerequisites import jittor_cache


class DataSet(NamedTuple):
    """Where four IDX files come from: the package that brings them, their folder in Jittor's cache, their URL."""

    title: str
    package: str | None
    cache: str
    url: str


class IdxFile(NamedTuple):
    """One file of a set: its name without ".gz", and the size in bytes and sha256 of what it holds unpacked."""

    data_set: DataSet
    name: str
    size: int
    sha256: str


def _idx_files(data_set: DataSet, *sha256: str) -> dict[tuple[str, str], IdxFile]:
    kinds = {
        ("train", "images"): ("train-images-idx3-ubyte", 47040016),
        ("train", "labels"): ("train-labels-idx1-ubyte", 60008),
        ("test", "images"): ("t10k-images-idx3-ubyte", 7840016),
        ("test", "labels"): ("t10k-labels-idx1-ubyte", 10008),
    }
    return {kind: IdxFile(data_set, *names, digest) for (kind, names), digest in zip(kinds.items(), sha256)}


FILES = {
    "mnist": _idx_files(
        DataSet("MNIST", "jittor_offline", "mnist_data", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion_mnist": _idx_files(
        DataSet(
            "Fashion-MNIST",
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
N_CLASSES = 10


def load_mnist(
    split: str = "train", *, data_dir: str | Path | None = None, name: str = "mnist"
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 28, 28), ink 255 on paper 0, and labels uint8 (N,): N is 60000 for "train", 10000 for "test".

    name: "mnist" or "fashion_mnist". Each file is looked for, plain or as .gz, in `data_dir`, for MNIST in the package
    jittor-offline, and in Jittor's own cache, and is downloaded into that cache when nobody has it; a line on stderr
    names one that `data_dir` lacked. Raises UserError if one is damaged or cannot be downloaded.
    """
    files = FILES[name]
    return _find(files[split, "images"], data_dir), _find(files[split, "labels"], data_dir)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Square images uint8 (N, H, H) -> uint8 (N, 1, size, size), bilinearly, to the bit as Pillow resizes each.

    Pillow resizes rows first, then columns, rounding in between; so here, all images in one call.
    """
    wide = _resize_rows(images, size).swapaxes(1, 2)
    return np.ascontiguousarray(_resize_rows(wide, size).swapaxes(1, 2))[:, None]


def _resize_rows(images: np.ndarray, width: int) -> np.ndarray:
    n, height, _ = images.shape
    tall = Image.fromarray(images.reshape((n * height, -1)))
    return np.asarray(tall.resize((width, n * height), Image.BILINEAR)).reshape((n, height, width))


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


def _find(file: IdxFile, data_dir: str | Path | None) -> np.ndarray:
    cache = jittor_cache() / "dataset" / file.data_set.cache
    folders = _folders(file.data_set, data_dir, cache)
    paths = [folder / name for folder in folders for name in (file.name, f"{file.name}.gz")]
    path = next(filter(os.path.isfile, paths), None) or _download(file, cache)
    if data_dir is not None and path.parent != Path(data_dir):
        print(f"the data folder {data_dir} does not hold {file.name}; {path} is read instead", file=sys.stderr)
    return _read(path, file)


def _folders(data_set: DataSet, data_dir: str | Path | None, cache: Path) -> list[Path]:
    folders = [cache]
    package = data_set.package and importlib.util.find_spec(data_set.package)
    if package is not None:
        folders[:0] = map(Path, package.submodule_search_locations)
    if data_dir is not None:
        if not os.path.isdir(data_dir):
            fault = "is a file, not a folder" if os.path.exists(data_dir) else "does not exist"
            raise UserError(
                f"the data folder {data_dir} {fault}; give the folder of {data_set.title}'s files as --data_dir"
            )
        folders.insert(0, Path(data_dir))
    return folders


def _read(path: Path, file: IdxFile) -> np.ndarray:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except PermissionError:
        raise UserError(f"{path} may not be read by this user") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); {_expected(file)}") from None
    found = hashlib.sha256(content).hexdigest()
    for other in (known for files in FILES.values() for known in files.values()):
        if found == other.sha256 != file.sha256:
            raise UserError(f"{path} is {other.name} of {other.data_set.title}; {file.data_set.title}'s is needed here")
    if found != file.sha256:
        raise UserError(
            f"{path} is not the {file.data_set.title} file {file.name}: "
            f"unpacked it has {len(content)} bytes and sha256 {found}; {_expected(file)}"
        )
    return parse_idx(content)


def _expected(file: IdxFile) -> str:
    return f"expected were {file.size} bytes and sha256 {file.sha256}. Remove the file, or give another --data_dir"


def _remedy(data_set: DataSet) -> str:
    return "" if data_set.package is None else f"install {data_set.package.replace('_', '-')}, which brings it, or "


def _download(file: IdxFile, cache: Path) -> Path:
    url = f"{file.data_set.url}{file.name}.gz"
    print(f"downloading {url}", file=sys.stderr)
    # A context of our own: importing Jittor switches the verification of certificates off for the whole process.
    context = ssl.create_default_context()
    try:
        with urllib.request.urlopen(url, timeout=60, context=context) as response:
            content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"{file.name}.gz is in no known folder and {url} can't be reached ({error}); "
            f"{_remedy(file.data_set)}give the folder that holds it as --data_dir"
        ) from None
    try:
        unpacked = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        unpacked = b""
    if hashlib.sha256(unpacked).hexdigest() != file.sha256:
        raise UserError(
            f"{url} sent something other than the {file.data_set.title} file; try again, or "
            f"{_remedy(file.data_set)}give the folder that holds it as --data_dir"
        )
    make_folder(cache)
    path = cache / f"{file.name}.gz"
    write_bytes(path, content)
    return path
