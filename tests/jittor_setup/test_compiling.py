"""How operators are compiled: the same code as by Jittor's own way."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import sys
from pathlib import Path

import jittor as jt
import numpy as np
import pytest

from jgan.jittor_setup import compiling

pytestmark = pytest.mark.skipif(compiling.LAUNCHER.name not in jt.flags.python_path, reason="needs g++ on Linux")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """What these tests set up is for them alone."""
    monkeypatch.setenv("JGAN_PYTHON", os.environ["JGAN_PYTHON"])


@pytest.fixture(scope="module")
def command():
    """The command by which an operator of this test's own was compiled."""
    before = set(Path(jt.flags.cache_path, "jit").iterdir())
    x = jt.array(np.float32([1, 2, 3]))
    (y,) = [
        jt.code(x.shape, "float32", [x], cpu_src=f"for (int i = 0; i < 3; i++) out0_p[i] = in0_p[i] + {os.getpid()};")
    ]
    np.testing.assert_array_equal(y.numpy(), np.float32([1, 2, 3]) + os.getpid())
    new = set(Path(jt.flags.cache_path, "jit").iterdir()) - before
    yield next(path for path in new if path.suffix == ".key").read_text().splitlines()[0]
    for path in new:
        path.unlink()


def machine_code(command: list[str], folder: Path) -> bytes:
    """What a compiler's command makes, its output put into a folder."""
    library = folder / "made_op.so"
    place = command.index("-o")
    done = subprocess.run([*command[:place], "-o", library, *command[place + 2 :]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    subprocess.run(["objcopy", "-O", "binary", "--only-section=.text", library, folder / "text"], check=True)
    return (folder / "text").read_bytes()


def test_the_code_is_that_of_jittors_own_way(command, tmp_path):
    ours = shlex.split(command)
    assert ours[:2] == ["sh", str(Path(jt.flags.cache_path, compiling.LAUNCHER.name))]
    place = ours.index("-include")
    copy = tmp_path / "made_op.cc"  # for its program writes its own files beside the source
    (source,) = (word for word in ours if word.endswith("_op.cc"))
    copy.write_text(Path(source).read_text())
    words = [*ours[2:place], *ours[place + 2 :]]
    jittors = [os.environ["JGAN_PYTHON"], *(str(copy) if word == source else word for word in words)]
    assert machine_code(ours, tmp_path) == machine_code(jittors, tmp_path)


def test_headers_are_not_read_again(command):
    words = shlex.split(command)[4:]
    done = subprocess.run([jt.flags.cc_path, "-H", "-fsyntax-only", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("! ") and "operators.h.gch" in line for line in done.stderr.splitlines())
    assert "executor.h" not in done.stderr


@pytest.mark.parametrize(
    ("program", "source", "caller"),
    [
        ("asm_tuner.py", "int f() { return 1; }", "compiler"),
        ("asm_tuner.py", '// @begin replace "a" "b"', "python"),
        ("dlink_compiler.py", "int f() { return 1; }", "python"),
    ],
)
def test_jittors_programs_run_where_they_are_needed(program, source, caller, tmp_path):
    place = tmp_path / "with space_op.cc"
    place.write_text(source)
    for name in ("compiler", "python"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\nfor last; do :; done\n: > "$last"\n')
        (tmp_path / name).chmod(0o755)
    library = tmp_path / "x y.so"
    library.write_text("loaded by another process")
    arguments = [f"/jittor/utils/{program}", f"--cc_path={tmp_path}/compiler", str(place), "-O", "-o", str(library)]
    environment = {**os.environ, "JGAN_PYTHON": str(tmp_path / "python")}
    with open(library) as loaded:
        command = ["sh", compiling.LAUNCHER, *arguments]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert library.read_text() == "" and loaded.read() == ("loaded by another process" * (caller == "compiler"))
    if caller == "python":
        assert said == f"python {' '.join(arguments)}\n"
    else:
        assert re.fullmatch(rf"compiler {place} -O -o {library}\.[0-9]+\n", said)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", "", ".cc", ".so"]


def test_headers_that_cannot_be_compiled_leave_jittor_as_it_is(monkeypatch, tmp_path):
    flags = FakeFlags(tmp_path, cc_path="false")
    monkeypatch.setattr(jt, "flags", flags)
    before = vars(flags).copy()
    compiling.compile_operators_fast()
    assert vars(flags) == before
    flags.cc_path = "/nowhere/g++"
    compiling.compile_operators_fast()
    assert flags.python_path == "python"


def test_compiled_headers_that_the_compiler_cannot_use_are_done_without(monkeypatch, tmp_path):
    """As where memory at a fixed address is not to be had: g++ fails with a compiled header, and not without."""
    compiler = tmp_path / "compiler"
    compiler.write_text(f'#!/bin/sh\ncase "$*" in *-fsyntax-only*) exit 1;; esac\nexec {jt.flags.cc_path} "$@"\n')
    compiler.chmod(0o755)
    original = jt.flags.cc_flags.split(" -include ")[0]
    monkeypatch.setattr(jt, "flags", FakeFlags(tmp_path, cc_path=str(compiler), cc_flags=original))
    compiling.compile_operators_fast()
    (folder,) = tmp_path.glob("jgan-*")
    assert compiling.LAUNCHER.name in jt.flags.python_path and jt.flags.cache_path == str(folder)
    assert (folder / "operators.h").is_file() and not list((folder / "operators.h.gch").iterdir())


def test_another_compiler_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(jt, "flags", FakeFlags(tmp_path, cc_type="icc"))
    compiling.compile_operators_fast()
    assert jt.flags.python_path == "python" and not list(tmp_path.iterdir())


def test_what_has_run_before_compiles_on_one_thread(tmp_path):
    """Whatever its numbers and paths; other options may need other operators."""
    begun = Path(jt.flags.cache_path, "begun")
    before = set(begun.iterdir())
    program = tmp_path / f"{secrets.token_hex()}.py"  # has not run before
    program.write_text("import jgan, jittor; print(jittor.flags.use_parallel_op_compiler)")

    def threads(*options: str) -> int:
        command = [sys.executable, program, *options]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    many = threads("--n_epochs", "3", "--output", "runs/1")
    assert many == min(16, len(os.sched_getaffinity(0)))
    assert threads("--n_epochs", "4", "--output", "runs/2") == 1
    assert threads("--n_epochs", "4", "--output", "runs/2", "--arch", "conv") == many
    for mark in set(begun.iterdir()) - before:
        mark.unlink()


class FakeFlags:
    def __init__(self, cache: Path, **others):
        self.cache_path, self.python_path, self.cc_flags = str(cache), "python", "-O2"
        self.cc_type, self.cc_path, self.use_parallel_op_compiler = "g++", "g++", 16
        vars(self).update(others)
