"""Files of arrays against the specification of safetensors, and against everything that can be wrong with one."""

from __future__ import annotations

import json
import pickle
import struct
import zlib

import numpy as np
import pytest
import safetensors.numpy

from jgan.errors import UserError
from jgan.weights.arrays import load, load_header, save

ARRAYS = {"b": np.arange(6, dtype=np.float32).reshape((2, 3)), "a": np.array([3, -1], np.int32)}
HEADER = {"model": "toy.Network", "options": {"width": 4}}


@pytest.fixture
def path(tmp_path):
    save(tmp_path / "w.safetensors", ARRAYS, HEADER)
    return tmp_path / "w.safetensors"


def parts(path):
    """The JSON at a file's beginning, and where its data begin."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), 8 + length


def test_the_file_is_what_the_specification_says(path):
    header, start = parts(path)
    metadata = header.pop("__metadata__")
    assert json.loads(metadata["jgan"].split(" ", 2)[2]) == HEADER and set(header) == {"a", "b"}
    begin, end = header["b"]["data_offsets"]
    assert header["b"]["dtype"] == "F32" and header["b"]["shape"] == [2, 3]
    values = np.frombuffer(path.read_bytes()[start + begin : start + end], "<f4").reshape((2, 3))
    assert np.array_equal(values, ARRAYS["b"])


def test_the_checksum_is_that_of_header_and_arrays(path):
    name, checksum, text = parts(path)[0]["__metadata__"]["jgan"].split(" ", 2)
    known = text.encode()
    known += b"a int32 [2]" + struct.pack("<2i", 3, -1) + b"b float32 [2, 3]" + struct.pack("<6f", *range(6))
    assert (name, checksum) == ("crc32", f"{zlib.crc32(known):08x}")


def test_what_was_written_comes_back(path):
    arrays, header = load(path)
    assert header == load_header(path) == HEADER and arrays.keys() == ARRAYS.keys()
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)


def test_a_single_flipped_bit_anywhere_is_seen(path):
    content = bytearray(path.read_bytes())
    for place in range(8 * len(content)):
        content[place // 8] ^= 1 << place % 8
        path.write_bytes(content)
        with pytest.raises(UserError, match=str(path)):
            load(path)
        content[place // 8] ^= 1 << place % 8


def test_a_file_of_before_the_checksum_is_read(path):
    safetensors.numpy.save_file(ARRAYS, path, {"jgan": json.dumps(HEADER)})
    assert load(path)[1] == HEADER


class Attack:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the file ran code')",))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"\xff" * 8, pickle.dumps(Attack()), b'\x10\0\0\0\0\0\0\0{"a":', b"not weights" * 50],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    refuse(tmp_path / "w", "not a readable safetensors file")


def refuse(path, message):
    for read in (load, load_header):
        with pytest.raises(UserError, match=message):
            read(path)


def test_a_truncated_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:-1])
    refuse(path, "not a readable safetensors file")


@pytest.mark.parametrize("name", ["w.pth", "w.pkl"])
def test_weights_of_another_program_are_to_be_converted(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps(Attack()))
    refuse(tmp_path / name, r"convert it by scripts/convert_weights\.py$")


def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path):
    safetensors.numpy.save_file({"a": np.zeros(1)}, tmp_path / "w")
    refuse(tmp_path / "w", "no jgan header")


@pytest.mark.parametrize("header", ["", "{", "[1]", "null", '"text"'])
def test_a_damaged_header_is_refused(tmp_path, header):
    safetensors.numpy.save_file({"a": np.zeros(1)}, tmp_path / "w", {"jgan": header})
    refuse(tmp_path / "w", "not a readable safetensors file")


@pytest.mark.parametrize("part", [{"options": 3}, {"options": {"conv_dim": [1]}}, {"classes": 3}, {"classes": [0, 1]}])
def test_a_header_of_which_a_part_is_something_else_is_refused(tmp_path, part):
    save(tmp_path / "w", {}, {"model": "gan.Generator", **part})
    for read in (load, load_header):
        with pytest.raises(UserError, match=r"w is damaged .* are not the"):
            read(tmp_path / "w")


def test_a_missing_file_is_named(tmp_path):
    refuse(tmp_path / "gone", r"there is no file .*gone")
