"""What the tests share: running a program of the project as its users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import jgan  # noqa: F401 (before any test imports Jittor)

ENVIRONMENT = dict(os.environ)  # as it was before Jittor's import wrote into it
ROOT = Path(__file__).resolve().parent.parent


def run_python(*arguments, cwd=None, **environment) -> subprocess.CompletedProcess:
    """Run this Python with the arguments in a process of its own, and return what it printed and its status."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def script(tmp_path):
    """Call script("train_cgan", ...) to run scripts/train_cgan.py in a folder of this test's own."""

    def call(name, *arguments, **environment):
        return run_python(ROOT / "scripts" / f"{name}.py", *arguments, cwd=tmp_path, **environment)

    return call
