"""The kernels as a library, compiled once for all programs, sizes and numbers; Jittor's operators only call it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import jittor as jt

SOURCES = Path(__file__).parent
# Infinities and NaN are to stay what they are, and roots exact: loops are made fast by name, not by -ffast-math. But
# one with a root in it would take one value at a time while the root may set errno.
OPTIONS = ("-std=c++17", "-O3", "-fPIC", "-fopenmp", "-fno-math-errno", "-fno-trapping-math")


@cache
def shared_library() -> Path | None:
    """The shared library of the .cpp files here; without convolve.cpp where there is no oneDNN.

    It is compiled if it has not been by this compiler for this processor, which takes some seconds. None if it cannot
    be: then Jittor's own operators serve.
    """
    sources = sorted(SOURCES.glob("*.cpp"), key=lambda path: path.stat().st_size, reverse=True)
    if onednn() is None:
        sources.remove(SOURCES / "convolve.cpp")
    options = [*OPTIONS, *(flag for flag in shlex.split(jt.flags.cc_flags) if flag.startswith("-march="))]
    files = [*sources, *sorted(SOURCES.glob("*.hpp"))]
    content = "\n".join([*(path.read_text() for path in files), *options, onednn() or "", jt.flags.cc_path])
    made = Path(jt.flags.cache_path, f"libjgan-{hashlib.sha256(content.encode()).hexdigest()[:8]}.so")
    try:
        with open(made.with_name("lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be about it
            if not made.is_file():
                print("jgan compiles its kernels: some seconds, once.", file=sys.stderr, flush=True)
                _compile(sources, options, made)
    except OSError as error:
        print(f"jgan's kernels cannot be compiled, so Jittor's own operators serve, slower:\n{error}", file=sys.stderr)
        return None
    return made


def _compile(sources: list[Path], options: list[str], made: Path) -> None:
    """All at once, the longest first; the library comes into its place whole."""
    headers = [flag for flag in shlex.split(onednn() or "") if flag.startswith("-I")]
    others = [flag for flag in shlex.split(onednn() or "") if flag not in headers]

    def run(*arguments) -> None:
        done = subprocess.run([jt.flags.cc_path, *options, *arguments], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise OSError(done.stderr)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        objects = [Path(folder, f"{source.stem}.o") for source in sources]
        list(pool.map(lambda source, path: run(*headers, "-c", source, "-o", path), sources, objects))
        unfinished = made.with_suffix(f".{os.getpid()}")
        run("-shared", *objects, "-o", unfinished, *others)
        unfinished.rename(made)


@cache
def onednn() -> str | None:
    """The compiler's flags for the oneDNN that Jittor has installed; None if there is none."""
    import jittor_utils

    for folder in Path(jittor_utils.home(), ".cache", "jittor", "mkl").glob("dnnl*"):
        libraries = folder / "lib"
        if (folder / "include" / "dnnl.hpp").is_file() and (libraries / "libmkldnn.so").is_file():
            return f'-I"{folder}/include" -L"{libraries}" -Wl,-rpath,"{libraries}" -lmkldnn'
    return None
