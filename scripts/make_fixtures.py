"""Run every algorithm by its PyTorch twin, small, and write what came out for the parity tests.

python scripts/make_fixtures.py                 # writes tests/fixtures/*.safetensors

It needs PyTorch (requirements-benchmark.txt); the tests that read these files do not.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Callable

import numpy as np

from jgan.cli.options import option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.files import make_folder
from jgan.reference.cases import CASES, FIXTURES, Case, Library, dropout_rates, without_dropout
from jgan.reference.rounding import moved_apart
from jgan.weights.arrays import save

N_STEPS = 5
SELF_AGREEMENT = 1e-4  # a fifth of what the parity tests ask


@dataclasses.dataclass
class Options:
    output: str = option("tests/fixtures", "the folder to write into")


def main(opt: Options, given: dict) -> int:
    try:
        import torch
    except ImportError:
        raise UserError("this program needs PyTorch: pip install -r requirements-benchmark.txt") from None

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    output = Path(opt.output)
    make_folder(output)
    lib = Library("pytorch")
    total = 0
    for name, (algorithm, sizes) in FIXTURES.items():
        arrays, header = make_fixture(torch, lib, algorithm, sizes)
        total += write(output / f"{name}.safetensors", arrays, header)
    total += write(output / "optimizers.safetensors", run_optimizers(torch, lib), {"torch": torch.__version__})
    total += write_state_dict(torch, lib, output)
    print(f"wrote {len(FIXTURES) + 3} files into {opt.output}, {total / 1e6:.2f} MB")
    return 0


def make_fixture(torch, lib, algorithm: str, sizes: dict) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays and the header of a fixture, of the first seed by which PyTorch agrees with itself: its two ways to
    convolve add up in other orders, and where the weights then move apart, nothing can be asked of Jittor."""
    for seed in itertools.count():
        dropouts = {}

        def build(seed=seed, dropouts=dropouts) -> Case:
            torch.manual_seed(seed)
            case = CASES[algorithm](lib, **sizes)
            dropouts.update(dropout_rates(case.networks))
            without_dropout(case.networks)
            unsettle(case)
            return case

        arrays, losses = run(build, lib)
        with torch.backends.mkldnn.flags(enabled=False):
            others, _ = run(build, lib)
        weights = {key.partition("/")[2]: array for key, array in others.items() if key.startswith("after/")}
        if max(moved_apart(arrays, weights).values()) < SELF_AGREEMENT:
            header = {"case": algorithm, "sizes": sizes, "seed": seed, "losses": losses, "dropout": dropouts}
            return arrays, {**header, "torch": torch.__version__}


def unsettle(case: Case) -> None:
    """Give biases, running statistics and weights, which start as zeros and ones or small, values that show where they
    are used."""
    for network in case.networks.values():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif name.endswith(("bias", "running_mean")):
                value.normal_(0, 0.1)
            elif value.ndim == 4 and not value.any():
                value.normal_(0, 0.2)
            elif value.ndim == 4:
                value.mul_(0.2 / value.std())


def run(build: Callable[[], Case], lib) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of a fixture, and the names of the losses in its "losses" (N_STEPS, number of them)."""
    import torch

    case = build()
    arrays = _arrays("weights", case)
    inputs = [case.tensors(lib, i) for i in range(N_STEPS)]
    for i, given in enumerate(inputs):
        arrays.update({f"inputs/{i}/{name}": _array(tensor) for name, tensor in given.items()})

    losses = [case.step(**given) for given in inputs]
    names = list(losses[0])
    arrays["losses"] = np.array([[each[name].item() for name in names] for each in losses], np.float32)
    arrays.update(_arrays("after", case))
    for optimizer_name, optimizer in case.optimizers.items():
        for name, parameter in _parameters(case, optimizer_name):
            moments = optimizer.state[parameter]
            arrays.update({f"moments/{name}/{moment}": _array(moments[moment]) for moment in moments.keys() - {"step"}})

    for mode in ("train", "eval"):
        case = build()
        for network in case.networks.values():
            network.train(mode == "train")
        with torch.no_grad():
            arrays.update({f"{mode}/{name}": _array(forward(inputs[0])) for name, forward in case.forward.items()})

    case = build()
    for optimizer_name, optimizer in case.optimizers.items():
        parameters = _parameters(case, optimizer_name)
        optimizer.step = lambda parameters=parameters: arrays.update(
            {f"gradients/{name}": _array(parameter.grad) for name, parameter in parameters}
        )
    case.step(**inputs[0])
    return arrays, names


def run_optimizers(torch, lib) -> dict[str, np.ndarray]:
    """N_STEPS of both optimizers under given gradients of every size, down to those that eps swallows."""
    random = np.random.default_rng(0)
    weights = random.normal(0, 1, 200).astype(np.float32)
    sizes = np.exp(random.uniform(np.log(1e-11), 0, 200)) * random.choice([-1, 1], 200)
    gradients = (sizes * random.uniform(0.5, 1.5, (N_STEPS, 200))).astype(np.float32)
    arrays = {"weights": weights, "gradients": gradients}
    for name, options in (("adam", {"lr": 0.01, "b1": 0.5, "b2": 0.999}), ("rmsprop", {"lr": 0.01})):
        network = torch.nn.Module()
        network.weight = torch.nn.Parameter(torch.tensor(weights))
        optimizer = getattr(lib.half.optimizers, name)(network, **options)
        for gradient in gradients:
            lib.half.steps.update(optimizer, (network.weight * torch.tensor(gradient)).sum())
        arrays[f"after/{name}"] = _array(network.weight)
    return arrays


def write_state_dict(torch, lib, folder: Path) -> int:
    """A state_dict as torch.save writes it, and its arrays and what its network draws; returns their size in bytes."""
    torch.manual_seed(0)
    sizes = {"latent_dim": 5, "n_classes": 3, "img_size": 6, "width": 2}
    network = lib.half.models.cgan.Generator(**sizes).eval()
    z, labels = torch.randn((4, 5)), torch.tensor([0, 2, 1, 2])
    torch.save(network.state_dict(), folder / "state_dict.pth")
    arrays = {f"weights/{name}": _array(value) for name, value in network.state_dict().items() if value.ndim}
    arrays.update({"z": _array(z), "labels": _array(labels), "images": _array(network(z, labels))})
    header = {"model": "cgan.Generator", "sizes": sizes, "torch": torch.__version__}
    return write(folder / "state_dict.safetensors", arrays, header) + (folder / "state_dict.pth").stat().st_size


def _array(tensor) -> np.ndarray:
    array = tensor.detach().numpy().copy()
    return array.astype(np.int32) if array.dtype.kind == "i" else array


def _arrays(part: str, case: Case) -> dict[str, np.ndarray]:
    return {
        f"{part}/{name}/{key}": _array(value)
        for name, network in case.networks.items()
        for key, value in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }


def _parameters(case: Case, name: str) -> list:
    """The parameters that an optimizer moves, each with its name, "NETWORK/PARAMETER"."""
    names = {
        id(parameter): f"{network}/{key}"
        for network, module in case.networks.items()
        for key, parameter in module.named_parameters()
    }
    (group,) = case.optimizers[name].param_groups
    return [(names[id(parameter)], parameter) for parameter in group["params"]]


def write(path: Path, arrays: dict[str, np.ndarray], header: dict) -> int:
    """Write a fixture and return its size in bytes."""
    save(path, arrays, header)
    return path.stat().st_size


if __name__ == "__main__":
    run_program(Options, __doc__, main)
