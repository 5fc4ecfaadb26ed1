"""Named arrays and a header as one safetensors file: no pickle, no half-written file, no damage that goes unseen."""

from __future__ import annotations

import json
import os
import re
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from jgan.errors import UserError
from jgan.files import write_bytes

HEADER = "jgan"  # the one entry of the file's metadata: "crc32 1234abcd {...}", in version 0.1.0 "{...}" alone
VALUES = (int, float, str, type(None))  # of the options of a network; truth values are among the first


def save(path: str | Path, arrays: dict[str, np.ndarray], header: dict) -> None:
    """Write named arrays and a JSON-able header, atomically. Raises ValueError if an array is not finite."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite values; nothing was written to {path}")
    text = json.dumps(header, sort_keys=True)
    metadata = {HEADER: f"crc32 {checksum(arrays, text)} {text}"}
    write_bytes(path, safetensors.numpy.save(arrays, metadata))


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays and the header of a file that `save` wrote; UserError if it is none, or not as it was written."""
    with _reading(path) as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        text, expected = _text(file, path)
        if expected is not None and expected != checksum(arrays, text):
            raise UserError(
                f"{path} is damaged: its checksum is not that of its contents; take a copy of it, or make it again"
            )
        return arrays, _sound(json.loads(text), path)


def load_header(path: str | Path) -> dict:
    """The header alone, without reading the arrays or testing the checksum; UserError if it is no such file."""
    with _reading(path) as file:
        return _sound(json.loads(_text(file, path)[0]), path)


def checksum(arrays: dict[str, np.ndarray], header: str) -> str:
    """CRC-32 of the header and of every array's name, type, shape and values, in the order of their names."""
    value = zlib.crc32(header.encode())
    for name, array in sorted(arrays.items()):
        value = zlib.crc32(f"{name} {array.dtype} {list(array.shape)}".encode(), value)
        value = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8), value)
    return f"{value:08x}"


def _sound(header: dict, path: str | Path) -> dict:
    """The header, in which a network's options have values and its classes names; UserError if they have not."""
    options, classes = header.get("options", {}), header.get("classes", [])
    fault = f"{path} is damaged or was written by another version of jgan: "
    if not isinstance(options, dict) or not all(isinstance(value, VALUES) for value in options.values()):
        raise UserError(f"{fault}{options} are not the options of a network")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise UserError(f"{fault}{classes} are not the names of classes")
    return header


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
        is_foreign = Path(path).suffix in (".pth", ".pkl")
        remedy = "convert it by scripts/convert_weights.py" if is_foreign else "take a copy of it, or make it again"
        raise UserError(f"{path} is not a readable safetensors file ({error}); {remedy}") from None


def _text(file, path: str | Path) -> tuple[str, str | None]:
    """The header as JSON, and the checksum beside it if there is one."""
    metadata = file.metadata() or {}
    if HEADER not in metadata:
        raise UserError(f"{path} is a safetensors file, but not one that jgan wrote: it has no jgan header")
    match = re.fullmatch(r"(?:crc32 ([0-9a-f]{8}) )?(\{.*\})", metadata[HEADER], re.DOTALL)
    if match is None:
        raise ValueError(f"its jgan header is {metadata[HEADER][:80]!r}")
    return match[2], match[1]
