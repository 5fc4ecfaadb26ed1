"""MNIST from its four IDX files (LeCun, Cortes & Burges, "The MNIST database of handwritten digits")."""

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
from jgan.runtime import jittor_cache


class IdxFile(NamedTuple):
    """One file of the set: its name without ".gz", and the size in bytes and sha256 of what it holds unpacked."""

    name: str
    size: int
    sha256: str


FILES = {
    ("train", "images"): IdxFile(
        "train-images-idx3-ubyte", 47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    ("train", "labels"): IdxFile(
        "train-labels-idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    ("test", "images"): IdxFile(
        "t10k-images-idx3-ubyte", 7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    ("test", "labels"): IdxFile(
        "t10k-labels-idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}
URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
N_CLASSES = 10


def load_mnist(split: str = "train", *, data_dir: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 28, 28), ink 255 on paper 0, and labels uint8 (N,): N is 60000 for "train", 10000 for "test".

    Each file is looked for, plain or as .gz, in `data_dir`, in the package jittor-offline and in Jittor's own cache,
    and is downloaded into that cache when nobody has it; a line on stderr names one that `data_dir` lacked. Raises
    UserError if one is damaged or cannot be downloaded.
    """
    return _find(FILES[split, "images"], data_dir), _find(FILES[split, "labels"], data_dir)


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
    cache = jittor_cache() / "dataset" / "mnist_data"
    paths = [folder / name for folder in _folders(data_dir, cache) for name in (file.name, f"{file.name}.gz")]
    path = next(filter(os.path.isfile, paths), None) or _download(file, cache)
    if data_dir is not None and path.parent != Path(data_dir):
        print(f"the data folder {data_dir} does not hold {file.name}; {path} is read instead", file=sys.stderr)
    return _read(path, file)


def _folders(data_dir: str | Path | None, cache: Path) -> list[Path]:
    folders = [cache]
    offline = importlib.util.find_spec("jittor_offline")
    if offline is not None:
        folders[:0] = map(Path, offline.submodule_search_locations)
    if data_dir is not None:
        if not os.path.isdir(data_dir):
            fault = "is a file, not a folder" if os.path.exists(data_dir) else "does not exist"
            raise UserError(f"the data folder {data_dir} {fault}; give the folder of MNIST's files as --data_dir")
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
    if found != file.sha256:
        raise UserError(
            f"{path} is not the MNIST file {file.name}: unpacked it has {len(content)} bytes and sha256 {found}; "
            f"{_expected(file)}"
        )
    return parse_idx(content)


def _expected(file: IdxFile) -> str:
    return f"expected were {file.size} bytes and sha256 {file.sha256}. Remove the file, or give another --data_dir"


def _download(file: IdxFile, cache: Path) -> Path:
    url = f"{URL}{file.name}.gz"
    # A context of our own: importing Jittor switches the verification of certificates off for the whole process.
    context = ssl.create_default_context()
    try:
        with urllib.request.urlopen(url, timeout=60, context=context) as response:
            content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"{file.name}.gz is in no known folder and {url} can't be reached ({error}); "
            "install jittor-offline, which brings it, or give the folder that holds it as --data_dir"
        ) from None
    try:
        unpacked = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        unpacked = b""
    if hashlib.sha256(unpacked).hexdigest() != file.sha256:
        raise UserError(f"{url} sent something other than the MNIST file; try again, or install jittor-offline")
    make_folder(cache)
    path = cache / f"{file.name}.gz"
    write_bytes(path, content)
    return path
