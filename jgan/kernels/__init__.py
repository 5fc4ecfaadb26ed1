"""Kernels for the CPU: what Jittor itself computes on one thread, in several passes, or sets up anew at every call.

Each is a C++ function in a header of this folder, beside the Python file that gives it its derivatives (by function.py)
and its plain Jittor twin. The twin serves wherever the kernel doesn't: on CUDA, for other types than float32, where
there is no oneDNN, and everywhere if the environment says JGAN_KERNELS=0. `jgan.layers` and `jgan.optimizers` use them;
nothing else knows of them.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import jittor as jt

from jgan.jittor_setup.compiling import EXACT

FLAGS = f'{EXACT} -I"{Path(__file__).parent}"'


def can_use_kernels(*variables) -> bool:
    """Whether the kernels may compute on these Vars."""
    return (
        os.environ.get("JGAN_KERNELS") != "0"
        and not jt.flags.use_cuda
        and sys.platform == "linux"
        and all(var.dtype == "float32" for var in variables)
    )


def call_kernel(header: str, function: str, inputs: list, shapes: list, *, flags: str = "", **numbers: float) -> list:
    """The float32 Vars of these shapes that `jgan::FUNCTION` of a header in this folder computes from the inputs.

    The function takes the inputs and the outputs, each as a vector of `jittor::Var*`, and then the numbers as doubles,
    in the order in which they are given. Other numbers and sizes need no new compilation; other numbers of axes do.
    """
    results = jt.code(
        shapes,
        ["float32"] * len(shapes),
        inputs,
        cpu_header=f'#include "{header}"\n',
        cpu_src=_call(function, tuple(numbers)),
        data={name: float(number) for name, number in numbers.items()},
    )
    results[0].compile_options = {f"FLAGS: {FLAGS} {flags} ": 1}
    return results


@cache
def _call(function: str, numbers: tuple) -> str:
    arguments = ["_inputs", "_outputs", *(f'data["{name}"]' for name in numbers)]
    return f"jgan::{function}({', '.join(arguments)});"
