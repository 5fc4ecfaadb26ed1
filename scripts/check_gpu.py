"""Say what Jittor finds of a GPU and what is missing, then whether it computes on it what it should.

python scripts/check_gpu.py                 # the driver, nvcc, cuDNN; then the golden files on the GPU
python scripts/check_gpu.py --device cpu    # the golden files on the CPU

The golden files hold what PyTorch gave for small networks of every kind (see jgan/reference/golden.py). The exit status
is 0 if Jittor gives the same, 1 if a case differs by more than its bound, and 2 if there is no GPU to check.
"""

from __future__ import annotations

import dataclasses
import math
import os

from jgan.cli.options import option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.jittor_setup import gpu
from jgan.jittor_setup.runtime import set_device

WIDTH = 14  # of the longest name of a case


@dataclasses.dataclass
class Options:
    device: str = option("cuda", "where the golden files are compared", choices=("cpu", "cuda"))


def find(opt: Options, given: dict) -> None:
    """Print what there is of a GPU; UserError if it does not suffice and is needed."""
    found = gpu.findings()
    for finding in found:
        print(finding.sentence, flush=True)
    if opt.device == "cuda" and not all(finding.usable for finding in found):
        raise UserError("there is no GPU that Jittor can use; what is missing is said above")


def compare(opt: Options, checked: None) -> int:
    """Print the largest error of each case in each respect, beside the bound."""
    os.environ.update(gpu.EXACT)
    try:
        set_device(opt.device)
    except UserError:
        raise UserError(
            "all of it is there, and yet CUDA gives Jittor no GPU; is the driver older than this CUDA, or does "
            "CUDA_VISIBLE_DEVICES name a GPU that is not there?"
        ) from None

    from jgan.reference.cases import FIXTURES
    from jgan.reference.golden import BOUNDS, FOLDER, five_steps, gradients, outputs

    if not FOLDER.is_dir():
        raise UserError(f"there are no golden files, {FOLDER}; run this in a clone of the project")
    print(f"\n{'on ' + opt.device:{WIDTH}}" + "".join(f" {what:>10}" for what in BOUNDS))
    print(f"{'bound':{WIDTH}}" + "".join(f" {bound:10.1e}" for bound in BOUNDS.values()))
    failed = []
    for name in FIXTURES:
        errors = {**outputs(name), **gradients(name), **five_steps(name)}
        largest = {what: max(errors[what].values(), key=_or_infinite) for what in BOUNDS}
        is_ok = all(largest[what] < bound for what, bound in BOUNDS.items())
        failed += [] if is_ok else [name]
        numbers = "".join(f" {error:10.1e}" for error in largest.values())
        print(f"{name:{WIDTH}}{numbers}  {'ok' if is_ok else 'DIFFERS'}", flush=True)
    print(f"{len(FIXTURES) - len(failed)} of {len(FIXTURES)} cases are within the bounds on {opt.device}")
    return int(bool(failed))


def _or_infinite(error: float) -> float:
    return math.inf if math.isnan(error) else error


if __name__ == "__main__":
    run_program(Options, __doc__, find, compare)
