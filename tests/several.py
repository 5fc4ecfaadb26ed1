"""What tests run on several processes, started by mpirun: golden cases, and training programs one after the other.

python several.py cases FOLDER              # writes what each process holds after a step: FOLDER/CASE.RANK.npz
python several.py programs COMMANDS         # JSON: [[program, argument, ...], ...]
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import jgan  # noqa: F401 (before Jittor)

import jittor as jt  # isort: skip
import numpy as np

from jgan import kernels, processes
from jgan.layers import BatchNorm
from jgan.reference.cases import CASES, FIXTURES, Library
from jgan.training.state import part_arrays, part_variables

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


def one_step(name: str) -> dict[str, np.ndarray]:
    """What a step of a golden case leaves, with at least four images: its losses, gradients, weights, and outputs."""
    algorithm, sizes = FIXTURES[name]
    jt.set_seed(3 + processes.rank())
    lib = Library("jittor")
    case = CASES[algorithm](lib, **{**sizes, "batch_size": max(4, sizes["batch_size"])})
    jt.sync_all()
    processes.spread([var for part in case.algorithm.parts.values() for var in part_variables(part)])
    jt.set_seed(4)
    losses = case.step(**case.tensors(lib, 0))
    jt.sync_all()
    losses = processes.gather(np.array([loss.item() for loss in losses.values()], np.float32))
    found = {"losses": losses.mean(0)}
    for part, optimizer in case.optimizers.items():
        (group,) = optimizer.param_groups
        found.update({f"gradients/{part}/{i}": gradient.numpy() for i, gradient in enumerate(group["grads"])})
    for part, module in case.algorithm.parts.items():
        found.update({f"after/{part}/{key}": array for key, array in part_arrays(module).items()})
    with jt.no_grad():
        given = case.tensors(lib, 1)
        found.update({f"output/{key}": processes.whole(f(given).numpy()) for key, f in case.forward.items()})
    return found


def penalized_batch_norm() -> dict[str, np.ndarray]:
    """A BatchNorm, and its derivatives to the second: of a penalty on the gradient of what is computed from it."""
    random = np.random.default_rng(0)
    norm = BatchNorm(3)
    norm.weight.assign(random.normal(1, 0.5, 3).astype(np.float32))
    whole, weights = random.normal(2, 1, (2, 4, 3, 5, 5)).astype(np.float32)
    x, by = jt.array(processes.share(whole)), jt.array(processes.share(weights))
    y = norm(x, slope=0.2)
    first = jt.grad((y * by).sum(), x)
    penalty = first.sqr().mean()
    of_x, of_weight = jt.grad(penalty, [x, norm.weight])
    return {
        "y": processes.whole(y.numpy()),
        "running_mean": norm.running_mean.numpy(),
        "first": processes.whole(first.numpy()),
        "of_x": processes.whole(of_x.numpy()) / processes.size(),  # Jittor's is that of the sum over processes
        "of_weight": processes.gather(of_weight.numpy()).mean(0),
        "running_var": norm.running_var.numpy(),
    }


def run_programs(commands: list[list[str]]) -> None:
    for name, *arguments in commands:
        sys.argv = [f"scripts/{name}.py", *arguments]
        try:
            runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
        except SystemExit as end:
            assert not end.code


if __name__ == "__main__":
    what, argument = sys.argv[1:]
    if what == "cases":
        for name in FIXTURES:
            np.savez(f"{argument}/{name}.{processes.rank()}.npz", **one_step(name))
        for kernels.wanted in (False, True):
            np.savez(f"{argument}/penalized{kernels.wanted:d}.{processes.rank()}.npz", **penalized_batch_norm())
    else:
        run_programs(json.loads(argument))
