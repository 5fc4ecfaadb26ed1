"""Weights from elsewhere: fixtures/state_dict.pth was written by PyTorch, the .pkl files are written here by Jittor."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import jittor as jt
import numpy as np
import pytest

from jgan.errors import UserError
from jgan.weights.arrays import load
from jgan.weights.import_weights import read_foreign

FIXTURES = Path(__file__).parent.parent / "fixtures"


class Attack:
    """Pickled as a call of os.system."""

    def __init__(self, path):
        self.command = f"touch {path}"

    def __reduce__(self):
        return os.system, (self.command,)


def zipped(path, data: bytes):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    return path


def test_a_state_dict_of_pytorch():
    expected, _ = load(FIXTURES / "state_dict.safetensors")
    arrays = read_foreign(FIXTURES / "state_dict.pth")
    assert {f"weights/{name}" for name in arrays} == {name for name in expected if name.startswith("weights/")}
    for name, array in arrays.items():
        assert array.dtype == np.float32 and np.array_equal(array, expected[f"weights/{name}"])


def test_the_names_that_dataparallel_makes_lose_their_beginning(tmp_path):
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps({"module.a.weight": np.ones(1), "module.module.b": np.ones(1)}))
    assert set(read_foreign(path)) == {"a.weight", "module.b"}
    path.write_bytes(pickle.dumps({"module.a": np.ones(1), "b": np.ones(1)}))  # of a network with a part called module
    assert set(read_foreign(path)) == {"module.a", "b"}


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_arrays_in_every_protocol_of_pickle(tmp_path, protocol):
    expected = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.asfortranarray(np.ones((3, 2))),
        "c": np.ones(1),
    }
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(expected, protocol))
    found = read_foreign(path)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


NESTED, DOUBLED = b"\x85" * 300_000, b"2\x86" * 40  # tuples of one and of two, the latter of 2**40 things


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x04})" + NESTED + b"K\x01s.",
        b"\x80\x04})" + DOUBLED + b"K\x01s.",
        b"\x80\x04}()" + DOUBLED + b"K\x01u.",
        b"\x80\x04()" + DOUBLED + b"K\x01d.",
        b"\x80\x04\x8f()" + DOUBLED + b"\x90.",
        b"\x80\x04()" + DOUBLED + b"\x91.",
        b"\x80\x04(\x8c\x07storageK\x01)" + DOUBLED + b"K\x01K\x01tQ.",
    ],
)
def test_what_would_be_hashed_for_ever_is_refused(tmp_path, program):
    (tmp_path / "attack.pkl").write_bytes(program)
    with pytest.raises(UserError, match=r"is neither|more than arrays"):
        read_foreign(tmp_path / "attack.pkl")


@pytest.mark.parametrize("how", ["jt.save", "Module.save", "numpy"])
def test_a_pickle_of_jittor(tmp_path, how):
    network = jt.nn.Linear(3, 2)
    path = str(tmp_path / "weights.pkl")
    if how == "jt.save":
        jt.save(network.state_dict(), path)
    elif how == "Module.save":
        network.save(path)
    else:
        jt.save(
            {name: np.asfortranarray(var.numpy().astype(np.float64)) for name, var in network.state_dict().items()},
            path,
        )
    arrays = read_foreign(path)
    assert arrays.keys() == {"weight", "bias"}
    for name, var in network.state_dict().items():
        assert arrays[name].dtype == np.float32 and np.array_equal(arrays[name], var.numpy())


@pytest.mark.parametrize("place", ["alone", "among weights", "in a zip"])
def test_an_attack_is_refused_and_never_run(tmp_path, place):
    attack = Attack(tmp_path / "run")
    data = pickle.dumps(attack if place == "alone" else {"weight": np.zeros(3), "x": attack})
    path = tmp_path / "weights.pkl"
    if place == "in a zip":
        zipped(path, data)
    else:
        path.write_bytes(data)
    with pytest.raises(UserError, match=r"asks for (posix|os)\.system, which weights do not need"):
        read_foreign(path)
    assert not (tmp_path / "run").exists()
    pickle.loads(pickle.dumps(attack))
    assert (tmp_path / "run").exists()  # it would have run


STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n("


def opcodes(value) -> bytes:
    """A pickle of the value without its first and last opcode, to be put into another."""
    return pickle.dumps(value, 2)[2:-1]


def with_storage(path, body: bytes):
    """A .pth as PyTorch writes none: the dict {"w": what the body makes}, and a storage of the floats 0 to 3."""
    zipped(path, b"\x80\x02}X\x01\x00\x00\x00w" + body + b"s.")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data/0", np.arange(4, dtype=np.float32).tobytes())
    return path


def tensor(offset, shape, strides, storage=STORAGE) -> bytes:
    return TENSOR + storage + opcodes(offset) + opcodes(shape) + opcodes(strides) + b"\x89NtR"


def test_a_tensor_is_a_view_of_its_storage(tmp_path):
    path = with_storage(tmp_path / "weights.pth", tensor(1, (3, 1), (1, 7)))
    assert read_foreign(path)["w"].tolist() == [[1], [2], [3]]


def test_half_a_float_is_widened(tmp_path):
    bfloat16 = STORAGE.replace(b"FloatStorage", b"BFloat16Storage")  # the lower and upper halves of 0 to 3
    path = with_storage(tmp_path / "weights.pth", tensor(0, (8,), (1,), storage=bfloat16))
    assert read_foreign(path)["w"].tolist() == [0, 0, 0, 1, 0, 2, 0, 3]


@pytest.mark.parametrize(
    "body",
    [
        tensor(0, (5,), (1,)),
        tensor(4, (1,), (1,)),
        tensor(0, (2, 2), (3, 1)),
        tensor(3, (2,), (-1,)),
        tensor(0, (10**9,), (0,)),  # gigabytes of four bytes
        tensor(0, (1003,), (2**62 + 1,)),  # beyond 64 bits
        tensor(0, (1000,), (1,), storage=tensor(0, (10**9, 0), (1, 1))),  # a tensor for a storage
        b"ctorch\nFloatStorage\n" + opcodes((3.0,)) + b"R",  # a storage called
        tensor(0, (1,), (1,)) + opcodes({"__array_interface__": {}}) + b"b",  # an attribute set
        b"\x96\xff\xff\xff\x7f\x00\x00\x00\x00",  # a bytearray as long as the file claims
    ],
)
def test_what_pytorch_never_writes_is_refused(tmp_path, body):
    path = with_storage(tmp_path / "weights.pth", body)
    with pytest.raises(UserError, match=r"neither a \.pkl of Jittor's|holds more than arrays"):
        read_foreign(path)


def test_what_is_compressed_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "weights.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    with pytest.raises(UserError, match="it is compressed, as PyTorch never does"):
        read_foreign(tmp_path / "weights.pth")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "neither a .pkl of Jittor's nor a .pth of PyTorch's"),
        (b"no pickle", "neither a .pkl of Jittor's nor a .pth of PyTorch's"),
        (pickle.dumps([1, 2]), "holds list, not arrays by their names"),
        (pickle.dumps({}), "holds dict, not arrays by their names"),
        (pickle.dumps({"epoch": 3, "weight": np.zeros(2)}), r"holds more than arrays by their names \(epoch\)"),
        (pickle.dumps({0: np.zeros(2)}), r"holds more than arrays by their names"),
        (pickle.dumps(0x1950A86A20F9469CFC6C), "in the format of an old PyTorch"),
        (pickle.dumps({"x": np.array([None])}), "an array of object is no array of numbers"),
    ],
)
def test_anything_else_is_refused(tmp_path, content, sentence):
    (tmp_path / "weights.pkl").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        read_foreign(tmp_path / "weights.pkl")
