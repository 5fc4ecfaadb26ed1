"""Ctrl-C while Jittor compiles, sent as a terminal does: to the program and to the compilers that it has started."""

from __future__ import annotations

import pytest
from conftest import ROOT, run_python

INTERRUPTED_BY_ITS_COMPILER = """
import os, runpy, sys
os.setsid()
folder, script, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, os.path.dirname(script))
import jgan, jittor as jt
jt.flags.cache_path, jt.flags.cc_path = folder, folder + "/g++"
jt.flags.use_parallel_op_compiler = 1  # or Jittor's other compilations, Python programs, may show how it ended them
sys.argv[0] = script
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.parametrize(("script", "arguments"), [("render_digits", ["12"]), ("train_cgan", ["--output", "run"])])
def test_ctrl_c_during_a_compilation_stops_the_program_in_a_word(tmp_path, script, arguments):
    """The compiler is a script that sends SIGINT to the process group; the empty cache makes Jittor call it."""
    cache = tmp_path / "cache"
    for name in ("jit", "tmp"):
        (cache / name).mkdir(parents=True)
    (cache / "g++").write_text("#!/bin/sh\nkill -INT 0\n")
    (cache / "g++").chmod(0o755)
    program = ROOT / "scripts" / f"{script}.py"
    done = run_python("-c", INTERRUPTED_BY_ITS_COMPILER, cache, program, *arguments, cwd=tmp_path)
    assert done.returncode == 130 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "stopped"
    assert not (tmp_path / "result.png").exists()
