"""Weights from elsewhere: fixtures/state_dict.pth was written by PyTorch, the .pkl files are written here by Jittor."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import jittor as jt
import numpy as np
import pytest

from jgan.checkpoint import load
from jgan.errors import UserError
from jgan.foreign import read_foreign

FIXTURES = Path(__file__).parent / "fixtures"


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


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(0, (5,), (1,)), (4, (1,), (1,)), (0, (2, 2), (3, 1)), (3, (2,), (-1,))]
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, offset, shape, strides):
    """Written by hand, since PyTorch writes none such: a storage of four floats."""
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
    data = b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(" + storage
    for part in (offset, shape, strides):
        data += pickle.dumps(part, 2)[2:-1]
    data += b"\x89NtRs."
    path = zipped(tmp_path / "weights.pth", data)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data/0", np.arange(4, dtype=np.float32).tobytes())
    with pytest.raises(UserError, match="a tensor reaches beyond its storage"):
        read_foreign(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "neither a .pkl of Jittor's nor a .pth of PyTorch's"),
        (b"no pickle", "neither a .pkl of Jittor's nor a .pth of PyTorch's"),
        (pickle.dumps([1, 2]), "holds list, not arrays by their names"),
        (pickle.dumps({}), "holds dict, not arrays by their names"),
        (pickle.dumps({"epoch": 3, "weight": np.zeros(2)}), r"holds more than arrays \(epoch\)"),
        (pickle.dumps({"x": np.array([None])}), "an array of object is no array of numbers"),
    ],
)
def test_anything_else_is_refused(tmp_path, content, sentence):
    (tmp_path / "weights.pkl").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        read_foreign(tmp_path / "weights.pkl")
