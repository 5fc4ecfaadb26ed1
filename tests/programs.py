"""Programs run in the process of the tests, where Jittor is loaded already, and what their runs are compared by."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import ENVIRONMENT, ROOT
from PIL import Image

from jgan.training.log import read_log
from jgan.weights.arrays import load, load_header, save

to_the_bit = pytest.mark.cpu("trainings are the same to the last bit on the CPU alone")


class Done(NamedTuple):
    """What a program ended with."""

    status: int
    out: str
    err: str


def run(folder: Path, name: str, *arguments, status: int = 0, curves: bool = False) -> Done:
    """Run scripts/NAME.py with the arguments in a folder, in this process; it must end with the status.

    curves: whether to draw those of a training, which takes most of the time of a short one.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(folder)
        if not curves:
            patch.setattr("jgan.training.loop.draw_curves", lambda png, *logs: None)
        patch.setattr(sys, "argv", [f"scripts/{name}.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(ROOT / "scripts" / f"{name}.py"), run_name="__main__")
    assert stop.value.code == status, err.getvalue()
    return Done(status, out.getvalue(), err.getvalue())


def module(name: str):
    """scripts/NAME.py as a module, to call its functions one by one."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    sys.modules[name] = found = importlib.util.module_from_spec(spec)  # where its dataclass looks for itself
    spec.loader.exec_module(found)
    return found


def options_of(run_folder: Path) -> dict:
    """The options in a run's config.json."""
    return json.loads((run_folder / "config.json").read_text())["options"]


def files_in(folder: Path) -> dict[str, bytes]:
    """What is in every file of a folder, by its path within."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_images(folder: Path, n: int, *, seed: int = 0) -> Path:
    """Make a folder of n images of coloured noise, 20 high and 16 wide."""
    folder.mkdir(parents=True)
    for i, pixels in enumerate(np.random.default_rng(seed).integers(0, 256, (n, 20, 16, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return folder


@contextlib.contextmanager
def pipe_at(path: Path):
    """Make a named pipe; after half a minute it ends, so that who waits for it fails a test and doesn't hang."""
    os.mkfifo(path)
    end = threading.Timer(30, lambda: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)))
    end.start()
    try:
        yield
    finally:
        end.cancel()


def require_same_file(a: Path, b: Path) -> None:
    """Two files of arrays must be one to the bit."""
    (arrays, header), (others, other_header) = load(a), load(b)
    assert header == other_header and arrays.keys() == others.keys()
    assert [name for name, array in arrays.items() if not np.array_equal(array, others[name])] == []


def require_same_run(whole: Path, parts: Path, steps: int) -> None:
    """Two runs of so many steps must have the same state, generator, scores, best and last sample, to the bit."""
    assert load(whole / "state.safetensors")[1]["step"] == steps
    for name in ("state.safetensors", "generator.safetensors"):
        require_same_file(whole / name, parts / name)
    for name in ("generator.safetensors", "best.safetensors", "scores.jsonl"):
        if (whole / name).exists() or (parts / name).exists():
            assert (whole / name).read_bytes() == (parts / name).read_bytes(), name
    samples = [(run_folder / "samples" / f"{steps:07d}.png").read_bytes() for run_folder in (whole, parts)]
    assert samples[0] == samples[1]


def require_same_run_in_two_parts(folder: Path, name: str, options: list) -> Path:
    """Train four steps in one go, then two and, resumed with other intervals, two more; the two must be one run.

    Weights are averaged, and every third step is scored. They are the runs "whole" and "parts" in the folder. Returns
    the first.
    """
    options = [*options, "--ema_decay", 0.9, "--evaluate_interval", 3]
    run(folder, name, *options, "--max_steps", 4, "--output", "whole")
    run(folder, name, *options, "--max_steps", 2, "--output", "parts", "--sample_interval", 1)
    assert load(folder / "parts" / "state.safetensors")[1]["step"] == 2
    run(folder, name, "--resume", "parts", "--max_steps", 4, "--save_interval", 1)
    require_same_run(folder / "whole", folder / "parts", 4)
    entries = read_log(folder / "whole" / "scores.jsonl")  # of step 3, and of 4 if that is the last of all epochs
    header = load_header(folder / "whole" / "best.safetensors")
    first = next(iter(header["scores"]))
    assert entries[0]["step"] == 3 and header["ema_decay"] == 0.9
    assert min(entries, key=lambda entry: entry[first]) == {"step": header["step"], **header["scores"]}
    arrays, _ = load(folder / "whole" / "state.safetensors")
    exported, _ = load(folder / "whole" / "generator.safetensors")
    assert all(np.array_equal(array, arrays[f"average/{key}"]) for key, array in exported.items())
    return folder / "whole"


def require_same_run_after_ctrl_c(folder: Path, name: str, options: list) -> Path:
    """Stop a training by Ctrl-C, in a process of its own, and go on by the command that it prints, for three steps.

    That must be the run that as many steps in one go make, which happens in this process: "parts" and "whole" in the
    folder. Returns the second.
    """
    options = [*map(str, options), "--n_epochs", "9999999"]
    process = subprocess.Popen(
        [sys.executable, ROOT / "scripts" / f"{name}.py", *options, "--output", "parts"],
        cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    log = folder / "parts" / "log.jsonl"
    deadline = time.monotonic() + 300
    while not (log.exists() and log.read_text()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the program and all it started
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    stopped = load(folder / "parts" / "state.safetensors")[1]["step"]
    assert stopped >= 10 and f"stopped after step {stopped} of " in stderr, stderr

    done = stopped + 3
    command = stderr.partition("resume with\n")[2].splitlines()[0].split()
    assert command[0] == "python" and command[2:] == ["--resume", "parts"], stderr
    again = subprocess.run(
        [sys.executable, *command[1:], "--max_steps", str(done)],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    run(folder, name, *options, "--max_steps", done, "--output", "whole")
    require_same_run(folder / "whole", folder / "parts", done)
    return folder / "whole"


def require_falling_steps(folder: Path, name: str, options: list, *, n_steps: int) -> None:
    """In an epoch of so many steps whose learning rate falls from its begin, the last must be as much shorter."""

    def moved(decay_epoch: int) -> np.ndarray:
        output = f"from {decay_epoch}"
        of_decay = ["--n_epochs", 1, "--decay_epoch", decay_epoch, "--max_steps", n_steps - 1, "--output", output]
        run(folder, name, *options, *of_decay)
        before, _ = load(folder / output / "generator.safetensors")
        run(folder, name, "--resume", output, "--max_steps", n_steps)
        after, _ = load(folder / output / "generator.safetensors")
        return np.concatenate([(after[key] - before[key]).ravel() for key in after if key.endswith("weight")])

    fallen, constant = (np.linalg.norm(moved(decay_epoch)) for decay_epoch in (0, 1))
    assert fallen == pytest.approx(constant / n_steps, rel=0.3)


def write_exchanged(path: Path, weights: Path, one: int, other: int) -> None:
    """Write the weights of a convolutional conditional generator with two of its classes exchanged."""
    arrays, header = load(weights)
    for name, array in arrays.items():
        if name.startswith("norms.") and name.endswith((".weight", ".bias")):  # a row for each class
            arrays[name] = array.copy()
            arrays[name][[one, other]] = array[[other, one]]
    save(path, arrays, header)
