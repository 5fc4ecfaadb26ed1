"""python -m pytest --device cuda, where there is no GPU, and as it would be where there is one."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT, run_python

TESTS = ["tests/test_pool.py", "tests/kernels/test_pad.py"]
ON_A_FEIGNED_GPU = """
import sys

import pytest

from jgan.jittor_setup import runtime

runtime.set_device = lambda name: name
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.cpu("there is a GPU")
def test_without_a_gpu_there_is_one_sentence_and_no_test():
    done = run_python("-m", "pytest", "--device", "cuda", *TESTS, cwd=ROOT)
    assert (done.returncode, done.stdout) == (pytest.ExitCode.USAGE_ERROR, "")
    line = done.stderr.strip().splitlines()[-1]  # Jittor may say before that it compiles itself
    assert line.startswith("ERROR: the device cuda was asked for, but Jittor sees no NVIDIA GPU")


def test_on_a_gpu_the_tests_for_the_cpu_are_skipped_with_their_reason():
    done = run_python("-c", ON_A_FEIGNED_GPU, "--device", "cuda", "-rs", *TESTS, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"SKIPPED .*test_pad\.py.*: not with --device cuda: kernels are for the CPU\n", done.stdout)
    passed, skipped = map(int, re.search(r"(\d+) passed, (\d+) skipped", done.stdout).groups())
    assert passed > 0 and skipped > 0
