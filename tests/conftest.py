"""What the tests share: running a program of the project as its users do."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # small tests would spend most of their time waiting in a loop

import jgan  # noqa: F401 (before any test imports Jittor)

ENVIRONMENT = dict(os.environ)  # as it was before Jittor's import wrote into it
ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("jgan", deadline=None)  # the first call of an operator compiles it
settings.load_profile("jgan")


def run_python(*arguments, cwd=None, **environment) -> subprocess.CompletedProcess:
    """Run this Python with the arguments in a process of its own, and return what it printed and its status.

    One that hangs or crashes prints where.
    """
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)], cwd=cwd,
        env={**ENVIRONMENT, "PYTHONFAULTHANDLER": "1", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run_code(code: str, **environment) -> subprocess.CompletedProcess:
    """Run this code likewise."""
    return run_python("-c", code, **environment)


@pytest.fixture
def script(tmp_path):
    """Call script("train_cgan", ...) to run scripts/train_cgan.py in a folder of this test's own."""

    def call(name, *arguments, **environment):
        return run_python(ROOT / "scripts" / f"{name}.py", *arguments, cwd=tmp_path, **environment)

    return call


@pytest.fixture
def refused(tmp_path, monkeypatch, capfd):
    """Call refused("train_cgan", ...) to run a program in this process; returns the sentence it ends with, status 2.

    Nothing but that sentence, and what argparse prints before its own, may come: no traceback.
    """
    monkeypatch.chdir(tmp_path)

    def call(name, *arguments) -> str:
        monkeypatch.setattr(sys, "argv", [f"scripts/{name}.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(ROOT / "scripts" / f"{name}.py"), run_name="__main__")
        err = capfd.readouterr().err
        assert stop.value.code == 2, err
        last = err.splitlines()[-1]
        assert "error: " in last and "Traceback" not in err and "\x1b" not in last
        return last

    return call
