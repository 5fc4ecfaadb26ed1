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

from jgan import processes
from jgan.reference.cases import CASES, FIXTURES, Library
from jgan.training.state import part_arrays

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


def one_step(name: str) -> dict[str, np.ndarray]:
    """What a step of a golden case leaves, with at least four images: its losses, gradients, weights, and outputs."""
    algorithm, sizes = FIXTURES[name]
    jt.set_seed(3)
    lib = Library("jittor")
    case = CASES[algorithm](lib, **{**sizes, "batch_size": max(4, sizes["batch_size"])})
    jt.sync_all()
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
    else:
        run_programs(json.loads(argument))
