"""The kernels on 64-bit ARM: cross-compiled and run by an emulator, where both are installed."""

from __future__ import annotations

import platform
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from jgan import kernels
from jgan.jittor_setup.compiling import EXACT
from jgan.kernels.convolve import onednn

CROSS_COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
SOURCES = Path(__file__).with_name("arm")  # with stand-ins for Jittor's header and oneDNN's
OPTIONS = ["-std=c++14", "-Ofast", "-fopenmp", "-Wall", "-Wno-unknown-pragmas", "-Wno-c++17-extensions", *EXACT.split()]
INCLUDES = [f"-I{Path(kernels.__file__).parent}"]

pytestmark = [
    pytest.mark.cpu("kernels are for the CPU"),
    pytest.mark.skipif(
        platform.machine() != "x86_64" or not (shutil.which(CROSS_COMPILER) and shutil.which(EMULATOR)),
        reason=f"needs {CROSS_COMPILER} and {EMULATOR}",
    ),
]


def test_the_kernels_compute_the_same_on_arm(tmp_path):
    found = []
    for compiler, flags, runner in (
        ("g++", ["-march=native"], []),
        (CROSS_COMPILER, ["-march=armv8-a", "-static"], [EMULATOR]),
    ):
        program = tmp_path / compiler
        source = SOURCES / "kernels.cpp"
        subprocess.run([compiler, *OPTIONS, *flags, f"-I{SOURCES}", *INCLUDES, source, "-o", program], check=True)
        done = subprocess.run([*runner, program], capture_output=True, check=True)
        found.append(np.frombuffer(done.stdout, np.float32))
    here, on_arm = found
    assert len(here) == len(on_arm) > 100_000 and np.isfinite(here).all()
    np.testing.assert_allclose(on_arm, here, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(onednn() is None, reason="needs oneDNN's headers")
def test_oneDNNs_convolution_compiles_for_arm(tmp_path):
    source = tmp_path / "convolve.cpp"
    source.write_text('#include "convolve.hpp"\nvoid call(const jgan::Vars& in, const jgan::Vars& out)\n'
                      "{ jgan::convolve(in, out, 0, 0, 1, 1, 0, 0); }\n")  # fmt: skip
    stand_in = tmp_path / "var.h"
    shutil.copy(SOURCES / "var.h", stand_in)
    headers = [flag for flag in shlex.split(onednn()) if flag.startswith("-I")]
    command = [
        CROSS_COMPILER,
        *OPTIONS,
        "-march=armv8-a",
        f"-I{tmp_path}",
        *headers,
        *INCLUDES,
        "-fsyntax-only",
        source,
    ]
    subprocess.run(command, check=True)
