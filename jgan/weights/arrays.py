"""Named arrays and a header as one safetensors file: no pickle, no half-written file, no damage that goes unseen."""

from __future__ import annotations

import json
import os
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from jgan.errors import UserError
from jgan.files import write_bytes

HEADER, CHECKSUM = "jgan", "crc32"  # in the file's metadata; files of version 0.1.0 have no checksum


def save(path: str | Path, arrays: dict[str, np.ndarray], header: dict) -> None:
    """Write named arrays and a JSON-able header, atomically. Raises ValueError if an array is not finite."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite values; nothing was written to {path}")
    text = json.dumps(header, sort_keys=True)
    metadata = {HEADER: text, CHECKSUM: checksum(arrays, text)}
    write_bytes(path, safetensors.numpy.save(arrays, metadata))


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays and the header of a file that `save` wrote; UserError if it is none, or not as it was written."""
    with _reading(path) as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        header, metadata = _header(file, path), file.metadata()
        if CHECKSUM in metadata and metadata[CHECKSUM] != checksum(arrays, metadata[HEADER]):
            raise UserError(
                f"{path} is damaged: its checksum is not that of its contents; take a copy of it, or make it again"
            )
        return arrays, header


def load_header(path: str | Path) -> dict:
    """The header alone, without reading the arrays or testing the checksum; UserError if it is no such file."""
    with _reading(path) as file:
        return _header(file, path)


def checksum(arrays: dict[str, np.ndarray], header: str) -> str:
    """CRC-32 of the header and of every array's name, type, shape and values, in the order of their names."""
    value = zlib.crc32(header.encode())
    for name, array in sorted(arrays.items()):
        value = zlib.crc32(f"{name} {array.dtype} {list(array.shape)}".encode(), value)
        value = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8), value)
    return f"{value:08x}"


@contextmanager
def _reading(path: str | Path):
    if not os.path.isfile(path):
        raise UserError(f"there is no file {path}")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            yield file
    except UserError:
        raise
    except PermissionError:
        raise UserError(f"{path} may not be read by this user") from None
    except Exception as error:
        raise UserError(
            f"{path} is not a readable safetensors file ({error}); take a copy of it, or make it again"
        ) from None


def _header(file, path: str | Path) -> dict:
    metadata = file.metadata() or {}
    if HEADER not in metadata:
        raise UserError(f"{path} is a safetensors file, but not one that jgan wrote: it has no jgan header")
    unknown = metadata.keys() - {HEADER, CHECKSUM}
    if unknown:  # the name of the checksum may be what is damaged
        raise UserError(f"{path} is damaged, or was written by another version of jgan: it has a {min(unknown)!r}")
    header = json.loads(metadata[HEADER])
    if not isinstance(header, dict):
        raise ValueError(f"its jgan header is {header!r}")
    return header
