"""Networks and their files: what comes back, and everything that does not fit."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.numpy
from jittor import nn

from jgan.errors import UserError
from jgan.layers import BatchNorm, Linear, trainable
from jgan.models import cgan, cyclegan, dcgan, gan, rebuildable, wgan
from jgan.weights import networks
from jgan.weights.arrays import load, save


@rebuildable
class Network(nn.Module):
    def __init__(self, *, width: int = 3, kind: str = "plain"):
        self.n_classes = 3
        self.layers = nn.Sequential(Linear(2, width), BatchNorm(width))

    def execute(self, x):
        return self.layers(x)


@pytest.fixture
def saved(tmp_path):
    """A network, and the file of its weights."""
    network = Network(width=4)
    networks.save_network(tmp_path / "w.safetensors", network, classes=("cat", "dog"))
    return network, tmp_path / "w.safetensors"


def test_the_header_holds_what_rebuilds_the_network(saved):
    _, header = load(saved[1])
    options = {"width": 4, "kind": "plain"}
    assert header == {"model": "test_networks.Network", "options": options, "classes": ["cat", "dog"]}


def test_a_network_is_rebuilt_from_its_file(saved):
    network, path = saved
    rebuilt = networks.load_network(path, Network)
    expected = networks.network_arrays(network)
    assert networks.network_arrays(rebuilt).keys() == expected.keys()
    assert all(np.array_equal(array, expected[name]) for name, array in networks.network_arrays(rebuilt).items())
    assert not rebuilt.is_training() and rebuilt.classes == ("cat", "dog")


def test_a_restored_network_goes_on_training(saved):
    network, path = saved
    arrays, _ = load(path)
    networks.restore_network(network, arrays, where=path)
    assert not any(var.is_stop_grad() for var in trainable(network))
    assert network.layers[1].running_mean.is_stop_grad()


def changed(path, change):
    arrays, header = load(path)
    change(arrays)
    save(path, arrays, header)


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
    before = networks.network_arrays(network)
    arrays, _ = load(path)
    with pytest.raises(UserError, match=message):
        networks.restore_network(network, arrays, where=path)
    assert all(np.array_equal(array, before[name]) for name, array in networks.network_arrays(network).items())


def test_every_mismatch_is_named_at_once(saved):
    network, path = saved
    with pytest.raises(UserError, match=r"bias is missing; unexpected is unknown; weight is missing"):
        networks.restore_network(network.layers[0], {"unexpected": np.zeros(1)}, where=path)


def test_of_many_mismatches_the_first_are_named(saved):
    network, path = saved
    with pytest.raises(UserError, match=r"bias is missing; n0 is unknown; .*; n14 is unknown; and 34 more$"):
        networks.restore_network(network.layers[0], {f"n{i}": np.zeros(1) for i in range(40)}, where=path)


def test_weights_of_another_model_are_refused(saved):
    with pytest.raises(UserError, match=r"holds test_networks\.Network; what is needed .* weights of cgan\.Generator$"):
        networks.load_network(saved[1], cgan.Generator)
    with pytest.raises(
        UserError,
        match=r"one of these: cgan\.Generator, classifier\.Classifier, cyclegan\.Generators, dcgan\.Generator",
    ):
        networks.load_network(saved[1])


def test_weights_that_are_not_finite_are_refused(saved):
    arrays, header = load(saved[1])
    arrays["layers.0.bias"][0] = np.nan
    safetensors.numpy.save_file(arrays, saved[1], {"jgan": json.dumps(header)})
    with pytest.raises(UserError, match="weights that are NaN or infinite"):
        networks.load_network(saved[1], Network)


IMPOSSIBLE = [
    {"depth": 3},
    {"width": "3"},
    {"width": -3},
    {"width": float("inf")},
    {"width": 2.5},
    {"width": True},
    {"kind": 3},
]


@pytest.mark.parametrize(
    "header",
    [{}, {"options": None}, *({"options": options} for options in IMPOSSIBLE)],
)
def test_options_of_another_version_are_refused(tmp_path, header):
    save(tmp_path / "w", networks.network_arrays(Network()), {"model": Network.model_name, **header})
    with pytest.raises(UserError, match="another version of jgan"):
        networks.load_network(tmp_path / "w", Network)


def test_weights_that_are_not_finite_never_replace_good_ones(saved):
    network, path = saved
    good = path.read_bytes()
    network.layers[0].bias.assign(np.float32([0, np.nan, 0, 0]))
    with pytest.raises(ValueError, match=r"layers\.0\.bias holds NaN"):
        networks.save_network(path, network)
    assert path.read_bytes() == good


@pytest.mark.parametrize(("model", "size"), [("dcgan.Generator", "conv_dim"), ("cgan.Generator", "n_classes")])
def test_a_header_that_asks_for_more_than_the_file_holds_is_refused_before_it_is_made(tmp_path, model, size):
    """So a few bytes cannot take all memory, or minutes."""
    save(tmp_path / "w", {"weight": np.zeros(100, np.float32)}, {"model": model, "options": {size: 3000}})
    with pytest.raises(UserError, match="loaded: the network that its header describes would be more than 400"):
        networks.load_network(tmp_path / "w")


@pytest.mark.parametrize(
    ("constructor", "options"),
    [
        (dcgan.Generator, {"conv_dim": 10**5}),
        (cgan.Generator, {"latent_dim": 10**9}),
        (cgan.Generator, {"n_classes": 10**9}),
        (gan.Generator, {"img_size": 10**6}),
        (wgan.Critic, {"img_size": 10**6}),
        (cyclegan.Generators, {"n_blocks": 10**5}),
    ],
)
def test_a_network_that_no_memory_holds_is_refused_with_the_memory_it_needs(constructor, options):
    with pytest.raises(UserError, match=r"^the weights of .* need [0-9.]+ .iB of memory, and [0-9.]+ .iB are free$"):
        constructor(**options)


@pytest.mark.parametrize("options", [{"img_size": -1}, {"conv_dim": 0}, {"latent_dim": 1.5}, {"channels": "3"}])
def test_sizes_that_are_none_are_refused_by_name(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be a whole number from 1 on"):
        dcgan.Generator(**options)


@pytest.mark.parametrize("classes", [5, "ab", ["a", "a"], ["a", "b", "c", "d"]])
def test_names_that_are_not_those_of_the_classes_are_refused(tmp_path, classes):
    header = {"model": Network.model_name, "options": {}, "classes": classes}
    save(tmp_path / "w", networks.network_arrays(Network()), header)
    with pytest.raises(UserError, match=r"w is damaged.* are not the names of"):
        networks.load_network(tmp_path / "w", Network)
