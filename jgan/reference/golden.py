"""The golden files: what the PyTorch twin of a case gave, and how far from it Jittor is.

scripts/make_fixtures.py writes them in float32 on a CPU, with every Dropout at rate 0, since two frameworks draw other
masks. No PyTorch is needed to read them. An error is a share of the largest value of its array.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import jittor as jt
import numpy as np

from jgan.reference.cases import CASES, Library, without_dropout
from jgan.reference.rounding import certain_gradients, moved_apart
from jgan.training.state import optimizer_arrays
from jgan.weights.arrays import load
from jgan.weights.networks import network_arrays, restore_network

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
BOUNDS = {  # of errors, and the largest that was measured, on CPUs
    "outputs": 1e-5,  # 4.7e-6
    "gradients": 1e-4,  # 3.4e-5
    "losses": 1e-4,  # 1.4e-5
    "weights": 1e-3,  # 1.1e-4
    "moved": 5e-4,  # 8e-5
    "moments": 1e-4,  # 1.9e-5
}
MOMENTS = {"exp_avg": "m", "exp_avg_sq": "values", "square_avg": "values"}  # by PyTorch's names


@lru_cache
def read(name: str) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays and the header of a golden file."""
    return load(FOLDER / f"{name}.safetensors")


class Golden:
    """A golden file, and its case built in Jittor with the file's weights."""

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


def errors(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest error of each expected array, by its name."""
    return {
        name: float(np.abs(found[name].astype(np.float64) - array).max() / (np.abs(array).max() or 1))
        for name, array in expected.items()
    }


def outputs(name: str) -> dict[str, dict[str, float]]:
    """The errors of what the networks of a case put out, in training and in evaluation."""
    golden = Golden(name)
    given, found = golden.inputs(0), {}
    for mode in ("train", "eval"):
        golden.restore()
        for network in golden.case.networks.values():
            network.train() if mode == "train" else network.eval()
        with jt.no_grad():
            found.update({f"{mode}/{key}": forward(given).numpy() for key, forward in golden.case.forward.items()})
    return {"outputs": errors(found, {key: golden.arrays[key] for key in found})}


def gradients(name: str) -> dict[str, dict[str, float]]:
    """The errors of the gradients of all losses; infinite for one that is rounding alone on one side and not both."""
    golden = Golden(name)
    found = {}
    for optimizer_name, optimizer in golden.case.optimizers.items():
        names, parameters = zip(*golden.parameters(optimizer_name))
        optimizer.step = lambda loss, names=names, parameters=parameters: found.update(
            zip(names, jt.grad(loss, list(parameters)))
        )
    golden.case.step(**golden.inputs(0))
    found = {key: var.numpy() for key, var in found.items()}
    idle = golden.idle()
    idle_here = found.keys() - certain_gradients({f"gradients/{key}": array for key, array in found.items()}).keys()
    expected = {key: array for key, array in golden.part("gradients/").items() if key not in idle}
    return {"gradients": {**errors(found, expected), **dict.fromkeys(idle ^ idle_here, math.inf)}}


def five_steps(name: str) -> dict[str, dict[str, float]]:
    """The errors of five updates: of losses, weights with statistics, what weights moved (`moved_apart`), moments."""
    golden = Golden(name)
    logged = [golden.case.step(**golden.inputs(i)) for i in range(len(golden.arrays["losses"]))]
    losses = np.array([[each[key].item() for key in golden.header["losses"]] for each in logged])
    idle = golden.idle()
    networks = golden.case.networks.items()
    weights = {f"{name}/{key}": array for name, network in networks for key, array in network_arrays(network).items()}
    moments = {}
    for optimizer_name, optimizer in golden.case.optimizers.items():
        arrays = optimizer_arrays(optimizer)
        for i, (key, _) in enumerate(golden.parameters(optimizer_name)):
            moments.update({f"{key}/{theirs}": arrays.get(f"{ours}.{i:03d}") for theirs, ours in MOMENTS.items()})
    after = {key: array for key, array in golden.part("after/").items() if key not in idle}
    expected = {key: array for key, array in golden.part("moments/").items() if key.rpartition("/")[0] not in idle}
    return {
        "losses": errors({"losses": losses}, {"losses": golden.arrays["losses"]}),
        "weights": errors(weights, after),
        "moved": moved_apart(golden.arrays, weights),
        "moments": errors(moments, expected),
    }
