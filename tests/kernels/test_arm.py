"""The kernels on 64-bit ARM: cross-compiled and run by an emulator, where both are installed."""

from __future__ import annotations

import platform
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from jgan.kernels import library

CROSS_COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
SOURCES = Path(__file__).with_name("arm")  # with a stand-in for oneDNN's header
OPTIONS = [*library.OPTIONS, "-Wall", f"-I{library.SOURCES}"]

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
        subprocess.run([compiler, *OPTIONS, *flags, f"-I{SOURCES}", source, "-o", program], check=True)
        done = subprocess.run([*runner, program], capture_output=True, check=True)
        found.append(np.frombuffer(done.stdout, np.float32))
    here, on_arm = found
    assert len(here) == len(on_arm) > 100_000 and np.isfinite(here).all()
    np.testing.assert_allclose(on_arm, here, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(library.onednn() is None, reason="needs oneDNN's headers")
def test_oneDNNs_convolution_compiles_for_arm():
    headers = [flag for flag in shlex.split(library.onednn()) if flag.startswith("-I")]
    source = library.SOURCES / "convolve.cpp"
    subprocess.run([CROSS_COMPILER, *OPTIONS, *headers, "-fsyntax-only", source], check=True)
