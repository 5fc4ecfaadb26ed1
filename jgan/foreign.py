"""Weights that other programs wrote, Jittor's .pkl and PyTorch's .pth, read without running what a file asks for.

Both are pickles, which can name any function of Python to be called. This reader knows the few names that arrays and
tensors are made of, and refuses a file that names any other.
"""

from __future__ import annotations

import collections
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np

from jgan.errors import UserError

STORAGES = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


def read_foreign(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a state dict by their names: of `jt.save`, `Module.save` or `torch.save`, without a framework.

    Floats become float32; `num_batches_tracked`, which PyTorch's BatchNorm counts and never uses, is left out. Raises
    UserError for anything that is not a dict of arrays, and for a file that names a function that arrays do not need.
    """
    try:
        found = _read_zip(path) if zipfile.is_zipfile(path) else _ArraysOnly(io.BytesIO(Path(path).read_bytes())).load()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except Exception as error:  # pickle and zipfile raise whatever they stumble over
        raise UserError(f"{path} is neither a .pkl of Jittor's nor a .pth of PyTorch's ({error})") from None
    if not isinstance(found, dict) or not found:
        raise UserError(f"{path} holds {type(found).__name__}, not arrays by their names")
    found = {name: value.array if isinstance(value, _Array) else value for name, value in found.items()}
    strange = [str(name) for name, array in found.items() if not isinstance(array, np.ndarray)]
    if strange:
        raise UserError(
            f"{path} holds more than arrays ({', '.join(strange[:10])}); "
            "save the state_dict() of the one network alone, and convert that"
        )
    return {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array
        for name, array in found.items()
        if not name.endswith("num_batches_tracked")
    }


def _read_zip(path: str | Path):
    """What torch.save wrote: a pickle beside the bytes of its tensors."""
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        folder = name[: -len("data.pkl")]
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise UserError("its numbers are big-endian; write it again on a little-endian machine")
        reader = _ArraysOnly(io.BytesIO(archive.read(name)))
        reader.storage = lambda key: archive.read(f"{folder}data/{key}")
        return reader.load()


class _ArraysOnly(pickle.Unpickler):
    """Calls what arrays and tensors are made by, and nothing else."""

    storage = None

    def find_class(self, module: str, name: str):
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise UserError(f"it asks for {module}.{name}, which weights do not need; nothing of it was run") from None

    def persistent_load(self, pid) -> np.ndarray:
        kind, dtype, key, _, _ = pid
        if kind != "storage":
            raise ValueError(f"unknown entry {kind}")
        return np.frombuffer(self.storage(key), dtype)


def _tensor(storage: np.ndarray, offset: int, shape: tuple, strides: tuple, *_) -> np.ndarray:
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides))
    if len(shape) != len(strides) or min((offset, *shape, *strides)) < 0 or (0 not in shape and last >= len(storage)):
        raise ValueError("a tensor reaches beyond its storage")
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()


class _Dtype:
    """What numpy pickles of a dtype."""

    def __init__(self, text: str, *_):
        self.dtype = np.dtype(text)
        if self.dtype.kind not in "fiub":
            raise ValueError(f"an array of {self.dtype} is no array of numbers")

    def __setstate__(self, state: tuple):
        if state[1] == ">":
            raise ValueError("its numbers are big-endian")


class _Array:
    """What numpy pickles of an array, filled in from its state."""

    def __init__(self, *_):
        self.array = np.empty(0, np.float32)

    def __setstate__(self, state: tuple):
        _, shape, kind, is_fortran, data = state
        self.array = np.frombuffer(data, kind.dtype).reshape(shape, order="F" if is_fortran else "C").copy()


def _first(given, *_):
    """Of a parameter or Var, the tensor or array it wraps."""
    return given


ADMITTED = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("jittor", "jittor_core.Var"): _first,
    ("jittor_core", "Var"): _first,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
}
