"""CGAN.py, which goes into the archive: it stands alone, and trains what the package trains."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import ENVIRONMENT, run_python
from PIL import Image
from programs import to_the_bit

from jgan.images import from_pixels, strip
from jgan.warmup import PROGRAM
from jgan.warmup.digits import draw_digits, parse_digits
from jgan.weights.arrays import load
from jgan.weights.networks import load_network


@pytest.fixture
def program(tmp_path):
    """The program, copied into a folder of its own."""
    return shutil.copy(PROGRAM, tmp_path)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python 3.9 has no list of its standard library")
def test_the_program_needs_jittor_numpy_and_pillow_alone():
    names = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    assert names - set(sys.stdlib_module_names) == {"jittor", "jittor_utils", "numpy", "PIL"}


@to_the_bit
def test_it_trains_as_the_script_does_and_draws(program, tmp_path, script):
    """Three steps of each give the same weights to the bit, and these the same pixels.

    In a single epoch the learning rate falls from the first step on.
    """
    done = run_python("CGAN.py", "13800138000", "--n_epochs", 1, "--max_steps", 3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "step 3/3" in done.stderr and "\nwrote generator.npz\n" in done.stderr
    assert done.stdout.endswith("wrote result.png\n")
    assert "13800138000" not in done.stdout + done.stderr
    with Image.open(tmp_path / "result.png") as image:
        assert (image.mode, image.size) == ("L", (352, 32))
        drawn = np.asarray(image)

    done = script("train_cgan", "--n_epochs", 1, "--max_steps", 3, "--output", "run", JGAN_KERNELS="0")
    assert done.returncode == 0, done.stderr
    expected, _ = load(tmp_path / "run" / "generator.safetensors")
    with np.load(tmp_path / "generator.npz") as arrays:
        assert set(arrays) == set(expected)
        assert all(np.array_equal(arrays[name], expected[name]) for name in expected)
    generator = load_network(tmp_path / "run" / "generator.safetensors")
    ours = draw_digits(generator, parse_digits("13800138000"), seed=0)
    assert np.abs(drawn.astype(int) - strip(from_pixels(ours))).max() <= 1  # the kernels round otherwise

    (tmp_path / "result.png").unlink()
    done = run_python("CGAN.py", "13800138000", "--weights", "generator.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.asarray(Image.open(tmp_path / "result.png")), drawn)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["1x"], "character 2 of the number is 'x'"),
        ([""], "the number is empty"),
        (["1", "--weights", "gone.npz"], "gone.npz is not a file of weights"),
        (["1", "--weights", "cut.npz"], "cut.npz is not a file of weights"),
        (["1", "--weights", "nan.npz"], "nan.npz holds weights that are NaN or infinite"),
        (["1", "--weights", "other.npz"], "other.npz does not hold this generator's weights"),
        (["1", "--output", "gone/result.png"], "the folder gone does not exist"),
        (["1", "--output", "result.jpg", "--max_steps", "1"], "must end in .png"),
        (["1", "--max_steps", "0"], "--max_steps: 0 is too small"),
        (["1", "--data_dir", "gone"], "gone holds no train-images-idx3-ubyte"),
        (["1", "--data_dir", "other"], "is not MNIST's train-images-idx3-ubyte"),
        (["1"], "generator.npz exists"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(tmp_path, monkeypatch, capsys, arguments, sentence):
    """All in one process, whose import of Jittor is this one's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["CGAN.py", *arguments])
    generator = load_network("/".join([*PROGRAM.parts[:-3], "weights", "cgan_mnist.safetensors"]))
    shapes = {name: np.zeros(var.shape, np.float32) for name, var in generator.state_dict().items()}
    np.savez("nan.npz", **{**shapes, "project.weight": np.full(shapes["project.weight"].shape, np.nan)})
    np.savez("other.npz", weight=np.zeros(3, np.float32))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "nan.npz").read_bytes()[:300])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\0")
    if sentence == "generator.npz exists":
        (tmp_path / "generator.npz").write_bytes(b"")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)}
    try:
        with pytest.raises(SystemExit) as stop:
            exec(compile(PROGRAM.read_text(), "CGAN.py", "exec"), {"__name__": "__main__"})
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert stop.value.code == 2 and sentence in capsys.readouterr().err.splitlines()[-1]


def test_without_a_compiler_one_sentence_names_the_package(program, tmp_path):
    done = run_python("CGAN.py", "1", cwd=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "apt install g++" in done.stderr


def test_ctrl_c_keeps_what_was_trained(program, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "CGAN.py", "1"], cwd=tmp_path, env={**ENVIRONMENT, "nvcc_path": ""},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert any(line.startswith("step 1/93750") for line in process.stderr)  # reads as far as that
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "wrote generator.npz" in stderr and "Traceback" not in stderr
    done = run_python("CGAN.py", "1", "--weights", "generator.npz", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.endswith("wrote result.png\n")
