"""What the tests share: where they compute, and running a program of the project as its users do.

python -m pytest                  # on the CPU, even where there is a GPU
python -m pytest --device cuda    # on the GPU, all but those that are marked for the CPU

Neither they nor the programs that they start name a device: `auto`, the default of all, is what is decided here.
"""

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

from jgan.errors import UserError  # and with it jgan, before any test imports Jittor
from jgan.jittor_setup import gpu
from jgan.jittor_setup.runtime import set_device

ENVIRONMENT = dict(os.environ)  # as it was before Jittor's import wrote into it
ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("jgan", deadline=None)  # the first call of an operator compiles it
settings.load_profile("jgan")


def pytest_addoption(parser):
    parser.addoption("--device", choices=("cpu", "cuda"), default="cpu", help="where the tests compute (default: cpu)")


def pytest_configure(config):
    config.addinivalue_line("markers", "cpu(reason): a test that says nothing about a GPU, or cannot hold there")
    if config.getoption("device") == "cpu":
        choose(nvcc_path="")  # without which Jittor sees no GPU
        return
    choose(**gpu.EXACT)
    try:
        set_device("cuda")
    except UserError as error:
        raise pytest.UsageError(str(error)) from None


def choose(**variables) -> None:
    """Set variables of the environment, for this process and for the programs that the tests start."""
    os.environ.update(variables)
    ENVIRONMENT.update(variables)


def pytest_collection_modifyitems(config, items):
    if config.getoption("device") == "cuda":
        for item in items:
            for mark in item.iter_markers("cpu"):
                item.add_marker(pytest.mark.skip(reason=f"not with --device cuda: {mark.args[0]}"))


@pytest.fixture(autouse=True)
def device(request):
    """Where the tests compute, "cpu" or "cuda"; so it stays for the next, whatever this one chooses."""
    name = request.config.getoption("device")
    yield name
    if name == "cuda":
        set_device(name)


def run_python(*arguments, cwd=None, **environment) -> subprocess.CompletedProcess:
    """Run this Python with the arguments in a process of its own, and return what it printed and its status.

    A variable of the environment that is None is left out of it. One that hangs or crashes prints where.
    """
    variables = {**ENVIRONMENT, "PYTHONFAULTHANDLER": "1", **environment}
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)], cwd=cwd,
        env={name: value for name, value in variables.items() if value is not None},
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
