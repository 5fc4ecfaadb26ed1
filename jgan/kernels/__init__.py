"""Kernels for the CPU: what Jittor itself computes on one thread, in several passes, or sets up anew at every call.

Each is a C++ function in a .cpp file of this folder, beside the Python file that gives it its derivatives (by
function.py) and its plain Jittor twin. The twin serves wherever the kernel doesn't: on CUDA, for other types than
float32, where there is no oneDNN or the kernels cannot be compiled, and everywhere if the environment says
JGAN_KERNELS=0 when this is imported. `jgan.layers` and `jgan.optimizers` use them; nothing else knows of them.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import jittor as jt

from jgan.jittor_setup.prerequisites import kernels_are_wanted
from jgan.kernels.library import shared_library

ARRAYS = Path(__file__).with_name("arrays.hpp").read_text().replace("#pragma once\n", "")
HEADER = """#include "init.h"
{arrays}
namespace jgan {{
inline Arrays arrays(const std::vector<jittor::Var*>& vars) {{
    Arrays all;
    for (jittor::Var* var : vars) {{
        all.push_back({{var->ptr<float>(), var->num, {{}}}});
        for (int i = 0; i < std::min<int>(var->shape.size(), MOST_AXES); ++i) all.back().shape[i] = var->shape[i];
    }}
    return all;
}}
void {function}(const Arrays& in, const Arrays& out{numbers});
}}  // namespace jgan
"""


wanted = kernels_are_wanted() and sys.platform == "linux"


def can_use_kernels(*variables) -> bool:
    """Whether the kernels may compute on these Vars."""
    if not wanted or jt.flags.use_cuda:
        return False
    for var in variables:
        if var.dtype != "float32":
            return False
    return shared_library() is not None


def call_kernel(function: str, inputs: list, shapes: list, *, draws: bool = False, **numbers: float) -> list:
    """The float32 Vars of these shapes that the kernel `jgan::FUNCTION` computes from the inputs.

    It takes the inputs and the outputs as arrays.hpp describes them, and then the numbers as doubles, in the order in
    which they are given. If it draws, Jittor's random engine adds another, a whole one below 2^31 - 1. Other numbers
    and sizes need no new compilation; other numbers of axes do.
    """
    header, source, library = _call(function, tuple(numbers), draws)
    results = jt.code(
        shapes,
        ["float32"] * len(shapes),
        inputs,
        cpu_header=header,
        cpu_src=source,
        data={name: float(number) for name, number in numbers.items()},
    )
    results[0].compile_options = library
    return results


@cache
def _call(function: str, numbers: tuple, draws: bool) -> tuple[str, str, dict]:
    given = [*(f'data["{name}"]' for name in numbers), *(["(*jittor::get_random_engine())()"] if draws else [])]
    header = HEADER.format(arrays=ARRAYS, function=function, numbers=", double" * len(given))
    source = f"jgan::{function}({', '.join(['jgan::arrays(_inputs)', 'jgan::arrays(_outputs)', *given])});"
    return header, source, {f'FLAGS: "{shared_library()}" ': 1}
