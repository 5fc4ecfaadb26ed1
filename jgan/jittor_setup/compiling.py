"""Jittor's operators, compiled in a quarter of the time.

For each operator Jittor starts a Python program, which calls the compiler twice, to compile and to assemble; and the
compiler spends most of its time on headers that are the same for all. Here these are compiled beforehand, once, and the
compiler is called once, through `compile_operator.sh`. What it makes is the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL

LAUNCHER = Path(__file__).with_name("compile_operator.sh")
HEADERS = """#define JIT 1
#define JIT_cpu 1
#include <cmath>
#include <limits>
#include "var.h"
#include "ops/op_register.h"
#include "executor.h"
#include <assert.h>
#include "fused_op.h"
"""


def compile_operators_fast() -> None:
    """From now on Jittor compiles its operators for the CPU so, if its compiler is g++ on Linux.

    They go into a folder of their own in its cache: in Jittor's, programs with and without this package would compile
    each other's anew. Each kind of processor has its own.
    """
    import jittor as jt

    flags = jt.flags
    if sys.platform != "linux" or flags.cc_type != "g++" or LAUNCHER.name in flags.python_path:
        return
    content = "\n".join([LAUNCHER.read_text(), HEADERS, flags.cc_flags, _processor()])
    key = hashlib.sha256(content.encode()).hexdigest()[:8]
    cache = Path(flags.cache_path, f"jgan-{key}")
    try:
        for name in ("jit", "obj_files", "tmp"):  # where Jittor expects them
            (cache / name).mkdir(parents=True, exist_ok=True)
        header = _precompiled(cache, flags.cc_path, flags.cc_flags)
        first = _is_first_run(cache / "begun")
    except OSError:
        return  # Jittor does it in its own way
    flags.use_parallel_op_compiler = min(flags.use_parallel_op_compiler, len(os.sched_getaffinity(0)) if first else 1)
    os.environ["JGAN_PYTHON"] = flags.python_path
    flags.python_path = f'sh "{cache / LAUNCHER.name}"'
    flags.cache_path = str(cache)
    flags.cc_flags = f'{flags.cc_flags} -include "{header}"'


def _is_first_run(begun: Path) -> bool:
    """Whether no program has run with this name and these options, whatever their numbers and paths.

    If one has, little is left to compile, and one thread is as fast as the 16 that Jittor starts. These count the uses
    of Vars that they share without a lock, so that a Var may be freed while it is used: a crash in some thousand runs.
    No more of them than cores are as fast, and seldom meet.
    """
    words = [Path(sys.argv[0]).name, *(word for word in sys.argv[1:] if word.strip("-").replace("_", "").isalpha())]
    mark = begun / hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]
    begun.mkdir(exist_ok=True)
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _precompiled(cache: Path, compiler: str, flags: str) -> Path:
    """The header file; in the folder beside it is its compiled form, which the compiler takes in its place."""
    header, compiled, unfinished = (cache / f"operators.h{suffix}" for suffix in ("", ".gch", ".unfinished"))
    options = [flag for flag in shlex.split(flags) if not flag.startswith(("-l", "-L", "-Wl,", "-shared"))]
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be about it
        if not compiled.is_dir():
            header.write_text(HEADERS)
            (cache / LAUNCHER.name).write_text(LAUNCHER.read_text())  # so that no clone's path is in the commands
            unfinished.mkdir(exist_ok=True)
            command = [compiler, "-x", "c++-header", header, *options, "-o", unfinished / "header"]
            if subprocess.call(command, stderr=DEVNULL):
                raise OSError(f"{compiler} cannot compile {header}")
            unfinished.rename(compiled)
            test = [compiler, "-fsyntax-only", *options, "-include", header, "-x", "c++", os.devnull]
            if subprocess.call(test, stderr=DEVNULL):  # not every system lets it have the memory that it wants
                (compiled / "header").unlink()
    return header


def _processor() -> str:
    """The instructions that the processor has, as Linux lists them; "" if it does not."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
