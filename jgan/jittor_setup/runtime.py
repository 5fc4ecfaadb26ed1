"""Jittor as a run needs it: where it computes, its random numbers, and what its results depend on."""

from __future__ import annotations

import os
import platform
import sys

import numpy as np

from jgan import processes
from jgan.errors import UserError
from jgan.jittor_setup.prerequisites import kernels_are_wanted
from jgan.random import rng

NO_CUDA = (
    "the device cuda was asked for, but Jittor sees no NVIDIA GPU with its driver, nvcc and CUDA's libraries; use cpu, "
    "or see what is missing by scripts/check_gpu.py"
)


def set_device(device: str) -> str:
    """Choose where Jittor computes: "cpu", "cuda", or "auto" for CUDA where there is one. Returns "cpu" or "cuda".

    Raises UserError if "cuda" is asked for and there is none. Where a part of CUDA is missing Jittor can be imported
    only after this was called with "cpu".
    """
    if device == "cpu" and "jittor" not in sys.modules:
        os.environ["nvcc_path"] = ""  # without which Jittor looks for no CUDA
    import jittor as jt

    usable = bool(jt.has_cuda) and jt.get_device_count() > 0
    if device == "cuda" and not usable:
        raise UserError(NO_CUDA)
    with jt.flag_scope(log_silent=1):  # or Jittor prints that CUDA is enabled; its errors are printed all the same
        jt.flags.use_cuda = int(device != "cpu" and usable)
    return "cuda" if jt.flags.use_cuda else "cpu"


def seed_jittor(seed: int, purpose: str, index: int = 0) -> None:
    """Restart Jittor's own random numbers (initial weights, dropout masks) for one purpose, at one step.

    Jittor is lazy: what was asked for so far is computed first, or it would draw from the new stream.
    """
    import jittor as jt

    jt.sync_all()
    reseed(seed, purpose, index)


def reseed(seed: int, purpose: str, index: int = 0) -> None:
    """The same where nothing that was asked for is left to compute.

    The seed is mixed because Jittor's own generator takes 0 and 1 for the same.
    """
    import jittor as jt

    jt.set_seed(int(rng(seed, purpose, index).integers(2, 2**31 - 2)))


def versions() -> dict[str, str]:
    """What a run's result may depend on: versions, device, processor, and number of threads and of processes."""
    import jittor as jt
    from jittor_utils import get_cpu_version, get_version

    import jgan

    return {
        "jgan": jgan.__version__,
        "jittor": jt.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "g++": get_version(jt.flags.cc_path).strip("()"),
        "platform": platform.platform(),
        "device": "cuda" if jt.flags.use_cuda else "cpu",
        "kernels": "on" if kernels_are_wanted() else "off",
        "processor": get_cpu_version(),
        "threads": os.environ.get("OMP_NUM_THREADS") or str(len(os.sched_getaffinity(0))),
        **({"processes": str(processes.size())} if processes.size() > 1 else {}),
    }
