"""Jittor must give what the PyTorch twin gave for the same weights and inputs (see `jgan.reference.golden`)."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan import optimizers
from jgan.reference import golden
from jgan.reference.cases import CASES, FIXTURES, Library, dropout_rates
from jgan.reference.golden import BOUNDS, read

OTHERS = {"metrics", "optimizers", "state_dict"}


@pytest.fixture(
    params=[pytest.param("kernels", marks=pytest.mark.cpu("kernels are for the CPU")), "plain"], autouse=True
)
def with_kernels_and_without(request, monkeypatch):
    monkeypatch.setattr("jgan.kernels.wanted", request.param == "kernels")


def test_every_fixture_is_there():
    assert {path.stem for path in golden.FOLDER.glob("*.safetensors")} == FIXTURES.keys() | OTHERS


@pytest.mark.parametrize("name", FIXTURES)
def test_the_dropout_that_is_left_out_has_the_same_rates(name):
    _, header = read(name)
    case = CASES[header["case"]](Library("jittor"), **header["sizes"])
    assert dropout_rates(case.networks) == header["dropout"]
    for network in case.networks.values():
        assert all(module.is_train for module in network.modules() if isinstance(module, jt.nn.Dropout))


@pytest.mark.parametrize("compare", [golden.outputs, golden.gradients, golden.five_steps])
@pytest.mark.parametrize("name", FIXTURES)
def test_errors_are_within_the_bounds(name, compare):
    for what, errors in compare(name).items():
        assert {key: error for key, error in errors.items() if not error < BOUNDS[what]} == {}, what
        assert errors


@pytest.mark.parametrize(
    ("name", "options"), [("adam", {"lr": 0.01, "b1": 0.5, "b2": 0.999}), ("rmsprop", {"lr": 0.01})]
)
def test_optimizers_under_gradients_of_every_size(name, options):
    """From 1e-11 to 1, so that the place of eps shows, element by element in what each was moved."""
    arrays, _ = read("optimizers")
    network = jt.nn.Linear(len(arrays["weights"]), 1, bias=False)
    network.weight.assign(arrays["weights"][None])
    optimizer = getattr(optimizers, name)(network, **options)
    for gradient in arrays["gradients"]:
        optimizer.step((network.weight * jt.array(gradient[None])).sum())
    moved = arrays[f"after/{name}"] - arrays["weights"]
    found = network.weight.numpy()[0] - arrays["weights"]
    np.testing.assert_allclose(found, moved, rtol=1e-3, atol=1e-6)
