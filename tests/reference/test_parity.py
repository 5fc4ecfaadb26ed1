"""Jittor against PyTorch: the same weights and inputs must give what the PyTorch twin gave.

The files in fixtures/ were written by scripts/make_fixtures.py in float32 on a CPU, with every Dropout at rate 0, since
two frameworks draw other masks. No PyTorch is needed here. Errors are shares of the largest value of each array.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jittor as jt
import numpy as np
import pytest

from jgan import optimizers
from jgan.reference import cases
from jgan.reference.cases import CASES, Library, dropout_rates, without_dropout
from jgan.reference.rounding import certain_gradients, moved_apart
from jgan.training.state import optimizer_arrays
from jgan.weights.arrays import load
from jgan.weights.networks import network_arrays, restore_network

FIXTURES = Path(__file__).parent.parent / "fixtures"
OTHERS = ("metrics", "optimizers", "state_dict")
NAMES = sorted(path.stem for path in FIXTURES.glob("*.safetensors") if path.stem not in OTHERS)
MOMENTS = {"exp_avg": "m", "exp_avg_sq": "values", "square_avg": "values"}  # by PyTorch's names


@pytest.fixture(
    params=[pytest.param("kernels", marks=pytest.mark.cpu("kernels are for the CPU")), "plain"], autouse=True
)
def with_kernels_and_without(request, monkeypatch):
    monkeypatch.setenv("JGAN_KERNELS", "1" if request.param == "kernels" else "0")


@lru_cache
def read(name: str) -> tuple[dict[str, np.ndarray], dict]:
    return load(FIXTURES / f"{name}.safetensors")


class Golden:
    """A file of fixtures/, and its case built in Jittor with the file's weights."""

    def __init__(self, name: str):
        self.arrays, self.header = read(name)
        self.case = CASES[self.header["case"]](Library("jittor"), **self.header["sizes"])
        without_dropout(self.case.networks)
        self.restore()

    def restore(self) -> None:
        for name, network in self.case.networks.items():
            restore_network(network, self.part(f"weights/{name}/"), where=name)

    def part(self, prefix: str) -> dict[str, np.ndarray]:
        return {name[len(prefix) :]: array for name, array in self.arrays.items() if name.startswith(prefix)}

    def inputs(self, i: int) -> dict:
        return {name: jt.array(array) for name, array in self.part(f"inputs/{i}/").items()}

    def parameters(self, optimizer: str) -> list[tuple[str, jt.Var]]:
        """The parameters that an optimizer moves, each with its name, "NETWORK/PARAMETER"."""
        names = {
            id(var): f"{network}/{name}"
            for network, module in self.case.networks.items()
            for name, var in module.state_dict().items()
        }
        (group,) = self.case.optimizers[optimizer].param_groups
        return [(names[id(var)], var) for var in group["params"]]

    def idle(self) -> set[str]:
        """Parameters whose gradient is rounding alone, since a normalisation takes away what they add."""
        return self.part("gradients/").keys() - certain_gradients(self.arrays).keys()


def require_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], bound: float) -> None:
    assert found.keys() == expected.keys()
    errors = {
        name: np.abs(found[name].astype(np.float64) - array).max() / (np.abs(array).max() or 1)
        for name, array in expected.items()
    }
    assert {name: error for name, error in errors.items() if not error < bound} == {}


def test_every_fixture_is_there():
    assert set(NAMES) == set(cases.FIXTURES)


@pytest.mark.parametrize("name", NAMES)
def test_the_dropout_that_is_left_out_has_the_same_rates(name):
    _, header = read(name)
    case = CASES[header["case"]](Library("jittor"), **header["sizes"])
    assert dropout_rates(case.networks) == header["dropout"]
    for network in case.networks.values():
        assert all(module.is_train for module in network.modules() if isinstance(module, jt.nn.Dropout))


@pytest.mark.parametrize("name", NAMES)
def test_outputs_in_training_and_evaluation(name):
    """Measured: 4.7e-6 at most."""
    golden = Golden(name)
    given, found = golden.inputs(0), {}
    for mode in ("train", "eval"):
        golden.restore()
        for network in golden.case.networks.values():
            network.train() if mode == "train" else network.eval()
        with jt.no_grad():
            found.update({f"{mode}/{key}": forward(given).numpy() for key, forward in golden.case.forward.items()})
    require_close(found, {key: golden.arrays[key] for key in found}, 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_all_losses(name):
    """Measured: 3.4e-5 at most."""
    golden = Golden(name)
    found = {}
    for optimizer_name, optimizer in golden.case.optimizers.items():
        names, parameters = zip(*golden.parameters(optimizer_name))
        optimizer.step = lambda loss, names=names, parameters=parameters: found.update(
            zip(names, jt.grad(loss, list(parameters)))
        )
    golden.case.step(**golden.inputs(0))
    found = {key: var.numpy() for key, var in found.items()}
    expected, idle = golden.part("gradients/"), golden.idle()
    assert found.keys() - certain_gradients({f"gradients/{key}": array for key, array in found.items()}).keys() == idle
    require_close(*({key: arrays[key] for key in expected.keys() - idle} for arrays in (found, expected)), 1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_five_steps(name):
    """Measured at most: losses 1.4e-5, weights and statistics 1.1e-4, what weights moved 8e-5, moments 1.9e-5."""
    golden = Golden(name)
    logged = [golden.case.step(**golden.inputs(i)) for i in range(len(golden.arrays["losses"]))]
    losses = np.array([[each[key].item() for key in golden.header["losses"]] for each in logged])
    require_close({"losses": losses}, {"losses": golden.arrays["losses"]}, 1e-4)

    idle = golden.idle()
    expected = {key: array for key, array in golden.part("after/").items() if key not in idle}
    networks = golden.case.networks.items()
    weights = {f"{name}/{key}": array for name, network in networks for key, array in network_arrays(network).items()}
    require_close({key: weights[key] for key in expected}, expected, 1e-3)

    assert {key: share for key, share in moved_apart(golden.arrays, weights).items() if not share <= 5e-4} == {}

    moments = {}
    for optimizer_name, optimizer in golden.case.optimizers.items():
        arrays = optimizer_arrays(optimizer)
        for i, (key, _) in enumerate(golden.parameters(optimizer_name)):
            moments.update({f"{key}/{theirs}": arrays.get(f"{ours}.{i:03d}") for theirs, ours in MOMENTS.items()})
    expected = {key: array for key, array in golden.part("moments/").items() if key.rpartition("/")[0] not in idle}
    require_close({key: moments[key] for key in expected}, expected, 1e-4)


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
