"""Weights that other programs wrote, Jittor's .pkl and PyTorch's .pth, read without running what a file asks for.

Both are pickles, which can name any function of Python to be called. This reader knows the few names that arrays and
tensors are made of, and refuses a file that names any other.
"""

from __future__ import annotations

import collections
import io
import math
import operator
import pickle
import struct
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from jgan.errors import UserError


def _from_bfloat16(data: bytes) -> np.ndarray:
    return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)


STORAGES = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "BFloat16Storage": np.uint16,  # the upper half of a float32
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
WRAPPED = "module."  # before each name, where PyTorch's DataParallel held the network
ALONE = "save the state_dict() of the one network alone, and convert that"
MAGIC_OF_OLD_PYTORCH = 0x1950A86A20F9469CFC6C


def read_foreign(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a state dict by their names: of `jt.save`, `Module.save` or `torch.save`, without a framework.

    Floats become float32. `num_batches_tracked`, which PyTorch's BatchNorm counts and never uses, is left out, and so
    is the "module." that DataParallel puts before every name. Raises UserError for anything that is not a dict of
    arrays, and for a file that names a function that arrays do not need.
    """
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}")
    try:
        found = _read_zip(path) if zipfile.is_zipfile(path) else _ArraysOnly(io.BytesIO(Path(path).read_bytes())).load()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except Exception as error:  # pickle and zipfile raise whatever they stumble over
        raise UserError(f"{path} is neither a .pkl of Jittor's nor a .pth of PyTorch's ({error!r})") from None
    if found == MAGIC_OF_OLD_PYTORCH:
        raise UserError(f"{path} is in the format of an old PyTorch; load it there, and torch.save it again")
    if not isinstance(found, dict) or not found:
        raise UserError(f"{path} holds {type(found).__name__}, not arrays by their names")
    strange = [name for name, array in found.items() if not isinstance(array, _Array)]
    if strange:
        raise UserError(f"{path} holds more than arrays by their names ({', '.join(strange[:10])}); {ALONE}")
    prefix = WRAPPED if all(name.startswith(WRAPPED) for name in found) else ""
    arrays = {name[len(prefix) :]: each.array for name, each in found.items()}
    return {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array
        for name, array in arrays.items()
        if not name.endswith("num_batches_tracked")
    }


def _read_zip(path: str | Path):
    """What torch.save wrote: a pickle beside the bytes of its tensors."""
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("it is compressed, as PyTorch never does")
        (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        folder = name[: -len("data.pkl")]
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise UserError("its numbers are big-endian; write it again on a little-endian machine")
        return _ArraysOnly(io.BytesIO(archive.read(name)), lambda key: archive.read(f"{folder}data/{key}")).load()


class _Array:
    """An array, out of the pickle's reach; of a numpy array, filled in from the state that numpy pickled."""

    def __init__(self, *_):
        self.array = np.empty(0, np.float32)

    def fill(self, state: tuple) -> None:
        _, shape, kind, is_fortran, data = state
        self.array = np.frombuffer(data, kind.dtype).reshape(shape, order="F" if is_fortran else "C").copy()


class _Dtype:
    """What numpy pickles of a dtype."""

    def __init__(self, text: str, *_):
        self.dtype = np.dtype(text)
        if self.dtype.kind not in "fiub":
            raise ValueError(f"an array of {self.dtype} is no array of numbers")

    def fill(self, state: tuple) -> None:
        if state[1] == ">":
            raise ValueError("its numbers are big-endian")


class _Storage:
    """The numbers of one or several tensors, 1-D."""

    def __init__(self, values: np.ndarray):
        self.values = values


class _StorageKind:
    """The name of a PyTorch storage; nothing that can be called."""

    def __init__(self, name: str):
        self.name = name


def _tensor(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_) -> _Array:
    """A view of a storage, checked by Python's integers, which know no overflow."""
    values = storage.values
    offset, *sides = map(operator.index, (offset, *shape))
    steps = list(map(operator.index, strides))
    last = offset + sum((side - 1) * step for side, step in zip(sides, steps))
    if len(sides) != len(steps) or min([offset, *sides, *steps]) < 0 or math.prod(sides) > len(values):
        raise ValueError("a tensor does not fit its storage")
    if 0 not in sides and last >= len(values):
        raise ValueError("a tensor reaches beyond its storage")
    tensor = _Array()
    if 0 in sides:
        tensor.array = np.empty(sides, values.dtype)
    else:
        steps = [step * values.itemsize for step in steps]
        tensor.array = np.lib.stride_tricks.as_strided(values[offset:], sides, steps).copy()
    return tensor


def _require_word(key) -> None:
    if type(key) is not str:
        raise UserError(f"it holds more than arrays by their names; {ALONE}")


def _encoded(text: str, encoding: str) -> bytes:
    """How old pickles hold bytes."""
    if encoding != "latin1":
        raise ValueError("bytes are in an unknown encoding")
    return text.encode("latin1")


def _from_buffer(data: bytes, dtype: _Dtype, shape: tuple, order: str) -> _Array:
    """How the newest pickles hold numpy's arrays."""
    array = _Array()
    array.fill((None, shape, dtype, order == "F", data))
    return array


def _first(given, *_):
    """Of a parameter or Var, the tensor or array it wraps."""
    return given


class _ArraysOnly(pickle._Unpickler):
    """Calls what arrays and tensors are made by, and nothing else.

    Python's own reader, not the one in C, which makes room for whatever length a file claims.
    """

    # Without sets, and dicts whose keys are not words: the hash of a tuple within tuples can take forever.
    dispatch: ClassVar[dict] = {
        code: load
        for code, load in pickle._Unpickler.dispatch.items()
        if code not in (pickle.EMPTY_SET[0], pickle.ADDITEMS[0], pickle.FROZENSET[0])
    }

    def __init__(self, file, read_storage=None):
        super().__init__(file)
        self.read_storage = read_storage
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str):
        if module == "torch" and name in STORAGES:
            return _StorageKind(name)
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise UserError(f"it asks for {module}.{name}, which weights do not need; nothing of it was run") from None

    def load_build(self) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, (_Array, _Dtype)):
            built.fill(state)
        elif type(built) is not collections.OrderedDict:  # PyTorch sets versions on it, which are not needed
            raise ValueError("it sets attributes of what is no array")

    dispatch[pickle.BUILD[0]] = load_build

    def load_dict(self) -> None:
        items = self.pop_mark()
        for key in items[::2]:
            _require_word(key)
        self.append(dict(zip(items[::2], items[1::2])))

    dispatch[pickle.DICT[0]] = load_dict

    def load_setitem(self) -> None:
        _require_word(self.stack[-2])
        super().load_setitem()

    dispatch[pickle.SETITEM[0]] = load_setitem

    def load_setitems(self) -> None:
        for key in self.stack[::2]:
            _require_word(key)
        super().load_setitems()

    dispatch[pickle.SETITEMS[0]] = load_setitems

    def load_bytearray8(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))
        data = self.read(length)  # as much as there is
        if len(data) < length:
            raise EOFError("it ends early")
        self.append(data)

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def persistent_load(self, pid) -> _Storage:
        word, kind, key, _, _ = pid
        if word != "storage":
            raise ValueError("it holds an entry of an unknown kind")
        _require_word(key)
        if key not in self.storages:
            data = self.read_storage(key)
            is_half = kind.name == "BFloat16Storage"
            self.storages[key] = _Storage(_from_bfloat16(data) if is_half else np.frombuffer(data, STORAGES[kind.name]))
        return self.storages[key]


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
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encoded,
}
