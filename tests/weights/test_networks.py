"""Files of weights against the specification of safetensors, and against everything that can be wrong with one."""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
import pytest
import safetensors.numpy
from jittor import nn

from jgan.weights import networks as checkpoint
from jgan.errors import UserError
from jgan.layers import BatchNorm, trainable
from jgan.optimizers import adam


class Network(nn.Module):
    def __init__(self, *, width=3):
        self.layers = nn.Sequential(nn.Linear(2, width), BatchNorm(width))

    def execute(self, x):
        return self.layers(x)


@pytest.fixture
def saved(tmp_path):
    """A network, and the file of its weights."""
    network = Network(width=4)
    checkpoint.save_network(tmp_path / "w.safetensors", network, model="toy.Network", options={"width": 4})
    return network, tmp_path / "w.safetensors"


def test_the_file_is_what_the_specification_says(saved):
    network, path = saved
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = json.loads(header.pop("__metadata__")["jgan"])
    assert metadata == {"model": "toy.Network", "options": {"width": 4}}
    assert set(header) == {
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
        "layers.1.running_mean", "layers.1.running_var",
    }  # fmt: skip
    entry = header["layers.0.weight"]
    begin, end = entry["data_offsets"]
    assert entry["dtype"] == "F32" and entry["shape"] == [4, 2]
    values = np.frombuffer(content[8 + length + begin : 8 + length + end], "<f4").reshape((4, 2))
    assert np.array_equal(values, network.layers[0].weight.numpy())


def test_a_network_is_rebuilt_from_its_file(saved):
    network, path = saved
    rebuilt = checkpoint.load_network(path, Network, model="toy.Network")
    expected = checkpoint.network_arrays(network)
    assert checkpoint.network_arrays(rebuilt).keys() == expected.keys()
    assert all(np.array_equal(array, expected[name]) for name, array in checkpoint.network_arrays(rebuilt).items())
    assert not rebuilt.is_training()


def test_a_restored_network_goes_on_training(saved):
    network, path = saved
    arrays, _ = checkpoint.load(path)
    checkpoint.restore_network(network, arrays, where=path)
    assert not any(var.is_stop_grad() for var in trainable(network))
    assert network.layers[1].running_mean.is_stop_grad()


def test_moments_and_step_count_of_an_optimizer_return():
    networks = [Network(), Network()]
    optimizers = [adam(network, lr=0.1, b1=0.5, b2=0.9) for network in networks]
    for _ in range(3):
        optimizers[0].step((networks[0].layers[0].weight ** 2).sum())
    arrays = checkpoint.optimizer_arrays(optimizers[0])
    assert np.abs(arrays["m.000"]).max() > 0 and np.abs(arrays["values.000"]).max() > 0
    checkpoint.restore_optimizer(optimizers[1], arrays, 3, where="there")
    assert optimizers[1].n_step == 3
    restored = checkpoint.optimizer_arrays(optimizers[1])
    assert all(np.array_equal(restored[name], arrays[name]) for name in arrays)


def changed(path, change):
    arrays, header = checkpoint.load(path)
    change(arrays)
    checkpoint.save(path, arrays, header)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("layers.0.bias"), r"layers\.0\.bias is missing"),
        (lambda arrays: arrays.update(extra=np.zeros(1, np.float32)), "extra is unknown"),
        (
            lambda arrays: arrays.update({"layers.0.bias": np.zeros(5, np.float32)}),
            r"layers\.0\.bias is float32\[5\], not float32\[4\]",
        ),
        (
            lambda arrays: arrays.update({"layers.0.bias": np.zeros(4, np.int32)}),
            r"layers\.0\.bias is int32\[4\], not float32\[4\]",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named_and_change_nothing(saved, change, message):
    network, path = saved
    changed(path, change)
    before = checkpoint.network_arrays(network)
    arrays, _ = checkpoint.load(path)
    with pytest.raises(UserError, match=message):
        checkpoint.restore_network(network, arrays, where=path)
    assert all(np.array_equal(array, before[name]) for name, array in checkpoint.network_arrays(network).items())


def test_every_mismatch_is_named_at_once(saved):
    network, path = saved
    with pytest.raises(UserError, match=r"bias is missing; unexpected is unknown; weight is missing"):
        checkpoint.restore_network(network.layers[0], {"unexpected": np.zeros(1)}, where=path)


def test_weights_of_another_model_are_refused(saved):
    with pytest.raises(UserError, match=r"w\.safetensors holds toy\.Network; weights of cgan\.Generator are needed"):
        checkpoint.load_network(saved[1], Network, model="cgan.Generator")


def test_weights_that_are_not_finite_are_refused(saved):
    arrays, header = checkpoint.load(saved[1])
    arrays["layers.0.bias"][0] = np.nan
    safetensors.numpy.save_file(arrays, saved[1], {"jgan": json.dumps(header)})
    with pytest.raises(UserError, match="weights that are NaN or infinite"):
        checkpoint.load_network(saved[1], Network, model="toy.Network")


@pytest.mark.parametrize(
    "header",
    [{}, {"options": None}, *({"options": options} for options in ({"depth": 3}, {"width": "3"}, {"width": -3}))],
)
def test_options_of_another_version_are_refused(tmp_path, header):
    checkpoint.save(tmp_path / "w", checkpoint.network_arrays(Network()), {"model": "toy.Network", **header})
    with pytest.raises(UserError, match="another version of jgan"):
        checkpoint.load_network(tmp_path / "w", Network, model="toy.Network")


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
    for load in (checkpoint.load, checkpoint.load_header):
        with pytest.raises(UserError, match=message):
            load(path)


def test_a_truncated_file_is_refused(saved):
    path = saved[1]
    path.write_bytes(path.read_bytes()[:-1])
    refuse(path, "not a readable safetensors file")


def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path):
    safetensors.numpy.save_file({"a": np.zeros(1)}, tmp_path / "w")
    refuse(tmp_path / "w", "no jgan header")


@pytest.mark.parametrize("header", ["", "{", "[1]", "null", '"text"'])
def test_a_damaged_header_is_refused(tmp_path, header):
    safetensors.numpy.save_file({"a": np.zeros(1)}, tmp_path / "w", {"jgan": header})
    refuse(tmp_path / "w", "not a readable safetensors file")


def test_a_missing_file_is_named(tmp_path):
    refuse(tmp_path / "gone", r"there is no file .*gone")


def test_weights_that_are_not_finite_never_replace_good_ones(saved):
    network, path = saved
    good = path.read_bytes()
    network.layers[0].bias.assign(np.float32([0, np.nan, 0, 0]))
    with pytest.raises(ValueError, match=r"layers\.0\.bias holds NaN"):
        checkpoint.save_network(path, network, model="toy.Network", options={"width": 4})
    assert path.read_bytes() == good
