"""What is needed before Jittor's import, much of it seen from a process of its own."""

from __future__ import annotations

import os
import stat
import sysconfig
from pathlib import Path

import pytest
from conftest import run_code

from jgan.errors import UserError
from jgan.jittor_setup.prerequisites import ensure_prerequisites, jittor_cache


def test_jittor_is_imported_though_nvcc_has_no_cuda_behind_it(tmp_path):
    nvcc = tmp_path / "bin" / "nvcc"
    nvcc.parent.mkdir()
    nvcc.write_text("#!/bin/sh\necho 'Cuda compilation tools, release 12.2, V12.2.140'\n")
    nvcc.chmod(nvcc.stat().st_mode | stat.S_IEXEC)
    path = f"{nvcc.parent}:{os.environ['PATH']}"
    code = "import jgan, jittor, os; print(repr(os.environ['nvcc_path']), jittor.has_cuda)"
    done = run_code(code, PATH=path, nvcc_path=None)
    assert done.returncode == 0, done.stderr
    name, has_cuda = done.stdout.split()
    assert name == "''" and has_cuda in ("0", "False")


def test_the_optional_libraries_are_off_unless_asked_for():
    code = (
        "import jgan, jittor, os; print(*(os.environ[n] for n in ('use_mpi', 'use_nccl', 'use_cutt', 'use_cutlass')))"
    )
    assert run_code(code).stdout == "0 0 0 0\n"
    assert run_code(code, use_cutt="1").stdout == "0 0 1 0\n"


@pytest.fixture
def by_mpirun(monkeypatch, tmp_path):
    """The environment of a process of four that mpirun starts, with a compiler for MPI and its header."""
    environment = {**os.environ, "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}
    for name in ("use_mpi", "OMP_NUM_THREADS", "mpicc_path"):
        environment.pop(name, None)
    (tmp_path / "mpi.h").touch()
    mpicc = tmp_path / "mpicc"
    mpicc.write_text(f"#!/bin/sh\necho {tmp_path}\n")
    mpicc.chmod(0o755)
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    monkeypatch.setattr(os, "environ", environment)
    return environment


@pytest.mark.parametrize(("bound", "threads"), [(range(8), "2"), (range(1), "1")])
def test_mpirun_asks_for_mpi_and_gives_each_process_its_part_of_the_cores(monkeypatch, by_mpirun, bound, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(bound if process == 0 else range(8)))
    ensure_prerequisites()
    assert by_mpirun["use_mpi"] == "1" and by_mpirun["OMP_NUM_THREADS"] == threads


def test_under_mpirun_a_number_of_threads_that_was_asked_for_stays(by_mpirun):
    by_mpirun["OMP_NUM_THREADS"] = "3"
    ensure_prerequisites()
    assert by_mpirun["OMP_NUM_THREADS"] == "3"


def test_one_process_of_mpirun_is_one_as_any(by_mpirun):
    by_mpirun["OMPI_COMM_WORLD_SIZE"] = "1"
    by_mpirun["mpicc_path"] = "/nowhere/mpicc"
    ensure_prerequisites()
    assert by_mpirun["use_mpi"] == "0" and "OMPI_COMM_WORLD_SIZE" not in by_mpirun
    assert "OMP_NUM_THREADS" not in by_mpirun


def test_without_mpi_one_sentence_names_the_package(by_mpirun, tmp_path):
    (tmp_path / "mpi.h").unlink()
    with pytest.raises(UserError, match=r"the header mpi\.h .* and mpicc knows of none; .*apt install libopenmpi-dev"):
        ensure_prerequisites()
    by_mpirun["mpicc_path"] = "/nowhere/mpicc"
    with pytest.raises(UserError, match=r"with /nowhere/mpicc, and there is none .*apt install libopenmpi-dev"):
        ensure_prerequisites()
    by_mpirun["use_mpi"] = "0"
    with pytest.raises(UserError, match="the variable use_mpi is '0'; unset it, or start without mpirun"):
        ensure_prerequisites()


def test_without_mpirun_nothing_of_mpi_is_loaded():
    code = "import jgan, jittor as jt; print(jt.in_mpi, 'libmpi' in open('/proc/self/maps').read())"
    assert run_code(code).stdout == "False False\n"


def test_without_a_compiler_one_sentence_names_the_package(tmp_path, script):
    (tmp_path / "bin").mkdir()
    done = script("render_digits", "123", "--weights", __file__, PATH=str(tmp_path / "bin"))
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: Jittor compiles its operators with g++") and "apt install g++" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_headers_one_sentence_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UserError, match=r"Python\.h does not exist.*apt install python3-dev"):
        ensure_prerequisites()


def test_a_cache_that_cannot_be_written_is_named(script):
    done = script("render_digits", "123", "--weights", __file__, HOME="/proc/nowhere")
    assert done.returncode == 2, done.stderr
    assert "/proc/nowhere/.cache/jittor" in done.stderr and "set HOME" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_home_the_sentence_says_so(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(UserError, match="set HOME"):
        jittor_cache()


def test_jittors_cache_is_where_jittor_looks(monkeypatch, tmp_path):
    monkeypatch.delenv("JITTOR_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jittor_cache() == tmp_path / ".cache" / "jittor"
    (tmp_path / ".cache" / "jittor").mkdir(parents=True)
    (tmp_path / ".cache" / "jittor" / "config.json").write_text('{"JITTOR_HOME": "/data/jt"}')
    assert str(jittor_cache()) == "/data/jt/.cache/jittor"
    (tmp_path / ".cache" / "jittor" / "config.json").write_text("[1]")
    assert jittor_cache() == tmp_path / ".cache" / "jittor"
    monkeypatch.setenv("JITTOR_HOME", "/fast")
    assert str(jittor_cache()) == "/fast/.cache/jittor"
