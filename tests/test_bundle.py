"""CGAN.py: made from the package's sources, free of the package, and the same training."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import ENVIRONMENT, ROOT, run_python
from PIL import Image

from jgan import bundle as bundling
from jgan.bundle import bundle
from jgan.checkpoint import load


@pytest.fixture(scope="module")
def program():
    return bundle("jgan.warmup", "main", first=("jgan.warmup", "ready"), docstring="CGAN")


def imported(source):
    """The top-level packages that a source imports, anywhere."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python 3.9 has no list of its standard library")
def test_the_program_needs_jittor_numpy_and_pillow_alone(program):
    assert imported(program) - set(sys.stdlib_module_names) == {"jittor", "jittor_utils", "numpy", "PIL"}


def test_definitions_stand_as_in_the_package_and_others_are_left_out(program):
    for path, beginning in (("jgan/models/cgan.py", "class Generator"), ("jgan/steps.py", "def cgan_step")):
        source = (ROOT / path).read_text()
        definition = source[source.index(beginning) :].split("\n\n\n")[0].rstrip("\n")
        assert definition in program
    assert (
        "safetensors" not in program
        and "jgan.kernels" not in program
        and "jt.code" not in program
        and "def draw_curves" not in program
    )


def test_jittor_is_imported_after_its_environment_is_ready(program):
    assert program.index("\nready()\n") < program.index("\nimport jittor as jt\n")


def test_the_program_trains_as_the_script_does_and_draws(program, tmp_path, script):
    """Two steps of each give the same weights to the bit."""
    (tmp_path / "CGAN.py").write_text(program)
    done = run_python("CGAN.py", "13800138000", "--max_steps", 2, cwd=tmp_path, nvcc_path="")
    assert done.returncode == 0, done.stderr
    assert "step 2/2" in done.stderr and done.stderr.endswith("wrote generator.npz\n")
    assert done.stdout == "wrote result.png\n"
    assert "13800138000" not in done.stdout + done.stderr
    with Image.open(tmp_path / "result.png") as image:
        assert (image.mode, image.size) == ("L", (352, 32))
        drawn = np.asarray(image)

    done = script("train_cgan", "--max_steps", 2, "--output", "run", "--device", "cpu", JGAN_KERNELS="0")
    assert done.returncode == 0, done.stderr
    expected, _ = load(tmp_path / "run" / "generator.safetensors")
    with np.load(tmp_path / "generator.npz") as arrays:
        assert set(arrays) == set(expected)
        assert all(np.array_equal(arrays[name], expected[name]) for name in expected)

    done = run_python("CGAN.py", "13800138000", "--weights", "generator.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.asarray(Image.open(tmp_path / "result.png")), drawn)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["1x"], "character 2 of the number is 'x'"),
        (["1", "--weights", "gone.npz"], "gone.npz is not a file of weights"),
        (["1", "--weights", "CGAN.py"], "CGAN.py is not a file of weights"),
        (["1", "--weights", ""], " is not a file of weights"),
        (["1", "--weights", "empty.npz"], "empty.npz is not a file of weights"),
        (["1", "--weights", "cut.npz"], "cut.npz is not a file of weights"),
        (["1", "--weights", "nan.npz"], "nan.npz holds weights that are NaN or infinite"),
        (["1", "--output", "gone/result.png"], "the folder gone does not exist"),
        (["1", "--output", "result.jpg", "--max_steps", "1"], "must end in .png"),
        (["1", "--max_steps", "0"], "--max_steps: 0 is too small"),
        (["1", "--seed", "-1"], "--seed: -1 is too small"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(program, tmp_path, arguments, sentence):
    (tmp_path / "CGAN.py").write_text(program)
    np.savez(tmp_path / "nan.npz", weight=np.float32([np.nan, 1] * 100))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "nan.npz").read_bytes()[:300])
    (tmp_path / "empty.npz").write_bytes(b"")
    done = run_python("CGAN.py", *arguments, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert sentence in done.stderr


def test_without_a_compiler_one_sentence_names_the_package(program, tmp_path):
    (tmp_path / "CGAN.py").write_text(program)
    done = run_python("CGAN.py", "1", cwd=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "apt install g++" in done.stderr


def test_ctrl_c_keeps_what_was_trained_and_another_training_does_not_replace_it(program, tmp_path):
    (tmp_path / "CGAN.py").write_text(program)
    process = subprocess.Popen(
        [sys.executable, "CGAN.py", "1"], cwd=tmp_path, env={**ENVIRONMENT, "nvcc_path": ""},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert any(line.startswith("step 1/93750") for line in process.stderr)  # reads as far as that
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "wrote generator.npz" in stderr and "Traceback" not in stderr
    trained = (tmp_path / "generator.npz").read_bytes()

    done = run_python("CGAN.py", "1", "--max_steps", 1, cwd=tmp_path)
    assert done.returncode == 2 and "error: generator.npz exists" in done.stderr
    assert (tmp_path / "generator.npz").read_bytes() == trained
    done = run_python("CGAN.py", "1", "--weights", "generator.npz", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "wrote result.png\n")


def package(folder, **sources):
    """A package "toy" of the given modules, importable as long as the test runs."""
    (folder / "toy").mkdir()
    (folder / "toy" / "__init__.py").write_text("")
    for name, source in sources.items():
        (folder / "toy" / f"{name}.py").write_text(source)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bundling, "PACKAGE", "toy")
    yield lambda **sources: package(tmp_path, **sources)
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy"]:
        del sys.modules[name]


def make_toy():
    return bundle("toy.b", "main", first=("toy.a", "ready"), docstring="toy")


READY = "def ready():\n    pass\n"


def test_a_bundle_keeps_constants_decorators_and_the_order_of_use(toy, capsys):
    toy(
        a=READY
        + "import functools\nN = 20\n\n\n@functools.lru_cache\ndef twice():\n    return 2 * N\n\n\nUNUSED = 1\n",
        b="from toy.a import twice\n\n\ndef main():\n    print(twice())\n",
    )
    source = make_toy()
    assert "UNUSED" not in source
    exec(compile(source, "bundle", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "40\n"


@pytest.mark.parametrize(
    ("b", "message"),
    [
        ("from toy import a\ndef main():\n    a.f()\n", "otherwise than by name"),
        ("from toy.a import f as g\ndef main():\n    g()\n", "otherwise than by name"),
        ("def main():\n    from toy.a import f\n    f()\n", "imports from the package within itself"),
        ("import toy.a\ndef main():\n    toy.a.f()\n", "definitions and imports alone"),
        ("def main():\n    import toy\n", "imports from the package within itself"),
        ("from .a import f\ndef main():\n    f()\n", "otherwise than by name"),
        ("from toy.a import f\ndef helper():\n    pass\ndef main():\n    f()\n    helper()\n", "helper is defined in"),
        ("from toy.a import f\nfrom time import helper\ndef main():\n    f(helper)\n", "helper is defined in"),
        ("X = [1]\nX = X + [2]\ndef main():\n    print(X)\n", "X is defined twice"),
        ("A, B = 1, 2\ndef main():\n    print(A)\n", "definitions and imports alone"),
        ("if True:\n    A = 1\ndef main():\n    print(A)\n", "definitions and imports alone"),
    ],
)
def test_what_a_bundle_cannot_hold_is_refused(toy, b, message):
    toy(a=READY + "def helper():\n    pass\ndef f():\n    helper()\n", b=b)
    with pytest.raises(ValueError, match=message):
        make_toy()
