"""Compare the gradients of full-size networks with PyTorch's in float64.

python scripts/check_precision.py                      # pix2pix
python scripts/check_precision.py --models dcgan,cyclegan
python scripts/check_precision.py --models wgan_gp --batch_size 16     # stock needs over 24 GB for the usual 64

A float32 framework errs in two ways: it rounds, and where an input is within rounding of 0, a (leaky) ReLU or the
absolute value in an L1 loss may take its other branch, which changes the gradients of a whole channel where a
normalisation follows. To tell them apart, each side is compared with float64 as it is, and with float64 that takes the
side's own branches. Weights, inputs and sizes are the benchmark's, with two updates of a critic, of which the second
counts; every Dropout has rate 0. It needs PyTorch (requirements-benchmark.txt).
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from jgan.cli.options import option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.reference.cases import without_dropout
from jgan.reference.worker import SIDES, SIZES, Worker

USER_ERROR = f"{UserError.__module__}.{UserError.__name__}: "  # as a traceback ends


@dataclasses.dataclass
class Options:
    models: str = option("pix2pix", f"which, joined by commas: {', '.join(SIZES)}", subset_of=tuple(SIZES))
    sides: str = option("jittor,stock,pytorch", "which, joined by commas", subset_of=tuple(SIDES))
    batch_size: int | None = option(None, "images in a batch; else those of the benchmark", least=1)
    threads: int = option(len(os.sched_getaffinity(0)), "threads of either framework", least=1)


def main(opt: Options, given: dict) -> int:
    models, sides = opt.models.split(","), opt.sides.split(",")
    if find_spec("torch") is None:
        raise UserError("this program needs PyTorch: pip install -r requirements-benchmark.txt")
    print(f"{'':18} {'float64':>17}   {'on its branches':>17}")
    print(
        f"{'model':9} {'side':8} {'median':>8} {'largest':>8}   {'median':>8} {'largest':>8}   units on another branch"
    )
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            sized = (model, opt.threads, opt.batch_size, folder)
            exact = computed("float64", *sized)
            for side in sides:
                found = computed(side, *sized)
                same = computed("float64", *sized, of=side)
                errors, errors_of_same = relative_errors(found, exact), relative_errors(found, same)
                print(
                    f"{model:9} {side:8} {np.median(errors):8.1e} {np.max(errors):8.1e}   "
                    f"{np.median(errors_of_same):8.1e} {np.max(errors_of_same):8.1e}   "
                    f"{same['branches others']} of {same['branches units']}",
                    flush=True,
                )
    return 0


def relative_errors(found: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> list[float]:
    """For each parameter the largest error as a share of its largest gradient; those that are rounding are left out."""
    gradients = {name: array for name, array in reference.items() if "/" in name}
    largest: dict[str, float] = {}
    for name, array in gradients.items():
        network = name.partition("/")[0]
        largest[network] = max(largest.get(network, 0.0), np.abs(array).max())
    return [
        np.abs(found[name] - array).max() / np.abs(array).max()
        for name, array in gradients.items()
        if np.abs(array).max() > 1e-5 * largest[name.partition("/")[0]]
    ]


def computed(
    side: str, model: str, threads: int, batch_size: int | None, folder: str, of: str = ""
) -> dict[str, np.ndarray]:
    """What `compute` finds in a process of its own, which gives its memory back."""
    done = subprocess.run(
        [sys.executable, __file__, "compute", side, model, str(threads), str(batch_size or 0), folder, of],
        env={**os.environ, **SIDES.get(side, {}), "OMP_NUM_THREADS": str(threads)}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        reason = (done.stderr.splitlines() or ["it was killed, perhaps for its memory"])[-1]
        raise UserError(f"{side} could not compute the gradients of {model}: {reason.removeprefix(USER_ERROR)}")
    with np.load(Path(folder, f"{side}{of}.npz")) as file:
        return dict(file)


def compute(side: str, model: str, threads: str, batch_size: str, folder: str, of: str) -> None:
    """Write the gradients of a step by "NETWORK/PARAMETER", and the "branches" of its units.

    side "float64" takes the branches of the side `of`, if one is given, and counts the units that would take another.
    """
    framework = "pytorch" if side == "float64" else side
    worker = Worker(framework, model, int(threads), "cpu", quick=True, batch_size=int(batch_size) or None)
    if side in ("jittor", "stock"):
        found, branches = jittor_gradients(worker)
        branches = {"branches": np.concatenate(branches)}
    else:
        given = np.load(Path(folder, f"{of}.npz"))["branches"] if of else None
        found, branches = torch_gradients(worker, double=side == "float64", given=given)
    np.savez(Path(folder, f"{side}{of}.npz"), **found, **branches)


def jittor_gradients(worker: Worker) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """The gradients of a step by "NETWORK/PARAMETER", and whether each unit's output was above 0, packed."""
    import jittor as jt

    from jgan import layers, losses, steps

    branches, found = [], {}

    def recording(function):
        def recorded(*args, **options):
            result = function(*args, **options)
            if options.get("slope", 0) != 1:
                output = result[0] if isinstance(result, tuple) else result
                branches.append(output > 0)
            return result

        return recorded

    def recorded_l1(output, target, l1=losses.l1):
        branches.append(output > target)
        return l1(output, target)

    losses.l1 = steps.l1 = recorded_l1
    for name in ("leaky_relu", "linear", "batch_norm", "instance_norm"):
        setattr(layers, name, recording(getattr(layers, name)))
    names = {
        id(var): f"{network}/{name}"
        for network, module in worker.case.networks.items()
        for name, var in module.state_dict().items()
    }
    for optimizer in worker.case.optimizers.values():
        (group,) = optimizer.param_groups

        def step(loss, parameters=group["params"]):
            gradients = jt.grad(loss, parameters)
            found.update({names[id(var)]: gradient.numpy() for var, gradient in zip(parameters, gradients)})

        optimizer.step = step
    without_dropout(worker.case.networks)
    worker.case.step(**worker.case.tensors(worker.lib, 0))
    return found, [np.packbits(branch.numpy()) for branch in branches]


def torch_gradients(worker: Worker, *, double: bool, given: np.ndarray | None) -> tuple[dict, dict[str, np.ndarray]]:
    """The same by PyTorch, in float64 if double, on the branches that are given."""
    import torch
    from torch import nn

    from jgan.reference import losses, steps

    found, branches = {}, []
    used = others = units = 0  # bytes of `given`, units that would take another branch, all units

    def branched(x, slope: float):
        """x on the one branch, slope x on the other."""
        nonlocal used, others, units
        positive = x > 0
        packed = np.packbits(positive.numpy())
        if given is None:
            branches.append(packed)
        else:
            taken = given[used : used + packed.size]
            bits = np.unpackbits(taken, count=positive.numel()).astype(bool)
            positive = torch.from_numpy(bits).reshape(positive.shape)
            used += packed.size
            others += int(np.unpackbits(packed ^ taken).sum())
        units += positive.numel()
        return torch.where(positive, x, slope * x)

    def update(optimizer, loss):
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        found.update({names[id(p)]: g.numpy() for p, g in zip(parameters, torch.autograd.grad(loss, parameters))})

    without_dropout(worker.case.networks)
    if double:
        for network in worker.case.networks.values():
            network.double()
    names = {
        id(parameter): f"{network}/{name}"
        for network, module in worker.case.networks.items()
        for name, parameter in module.named_parameters()
    }
    inputs = worker.case.tensors(worker.lib, 0)
    inputs = {name: x.double() if double and x.is_floating_point() else x for name, x in inputs.items()}
    steps.update = update
    nn.ReLU.forward = nn.LeakyReLU.forward = lambda module, x: branched(x, getattr(module, "negative_slope", 0))
    losses.l1 = steps.l1 = lambda output, target: branched(output - target, -1).mean()
    worker.case.step(**inputs)
    if given is None:
        return found, {"branches": np.concatenate(branches)}
    if used != given.size:
        raise UserError(f"the side has {given.size} bytes of branches and PyTorch {used}: their networks differ")
    return found, {"branches others": np.array(others), "branches units": np.array(units)}


if __name__ == "__main__":
    if sys.argv[1:2] == ["compute"]:
        compute(*sys.argv[2:])
    else:
        run_program(Options, __doc__, main)
