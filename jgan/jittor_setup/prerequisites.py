"""Check and set what Jittor needs before its import; otherwise tell the user what to install."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np

from jgan import processes
from jgan.errors import UserError

ENVIRONMENT = {
    "cache_name": "default",  # or Jittor compiles itself anew on every git branch it is installed under
    "gdb_path": "",  # or every start waits for `gdb --version`
    "FIX_TORCH_ERROR": "0",  # or Jittor imports torch wherever it is installed
    "use_nccl": "0",
    "use_cutt": "0",
    "use_cutlass": "0",
}
DRIVER, RUNTIME = "libcuda.so.1", "libcudart.so"
CUDA_FOLDERS = ("/usr/local/cuda", "/usr", "/opt/cuda")


def ensure_prerequisites() -> None:
    """Set the environment, but not what the user has set; UserError without a compiler, headers or cache."""
    _choose_mpi()
    if not cuda_is_usable():
        os.environ.setdefault("nvcc_path", "")
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _require_thread_count()
    if processes.size() > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(processes.cores()))
    _require_compiler()
    _require_headers()
    _require_writable(jittor_cache())
    _require_writable(Path("~/.cache/jittor").expanduser())  # Jittor writes there whatever JITTOR_HOME says
    for kind in (np.float32, np.float64):
        np.finfo(kind).smallest_subnormal  # noqa: B018 (numpy warns if it looks later: Jittor's libraries flush them)


def jittor_cache() -> Path:
    """Jittor's cache folder, as Jittor itself finds it: JITTOR_HOME, now or remembered from an earlier run, or HOME."""
    try:
        default = Path.home() / ".cache" / "jittor"
    except RuntimeError:
        raise UserError("Jittor needs a home folder for what it compiles; set HOME to one") from None
    home = os.environ.get("JITTOR_HOME")
    if home is None:
        try:
            home = json.loads((default / "config.json").read_text())["JITTOR_HOME"]
        except (OSError, ValueError, KeyError, TypeError):
            return default
    return Path(home) / ".cache" / "jittor"


def _choose_mpi() -> None:
    """Have Jittor use MPI under mpirun, and else not; UserError if it was started so and could not."""
    if processes.size() == 1:
        os.environ.pop("OMPI_COMM_WORLD_SIZE", None)  # by which Jittor knows mpirun
        os.environ.setdefault("use_mpi", "0")
        return
    if os.environ.setdefault("use_mpi", "1") != "1":
        raise UserError(f"the variable use_mpi is {os.environ['use_mpi']!r}; unset it, or start without mpirun")
    mpicc = os.environ.get("mpicc_path") or "mpicc"
    install = "install the headers of OpenMPI (Debian and Ubuntu: apt install libopenmpi-dev)"
    if shutil.which(mpicc) is None:
        raise UserError(f"Jittor compiles for mpirun with {mpicc}, and there is none on the PATH; {install}")
    folders = subprocess.run([mpicc, "--showme:incdirs"], capture_output=True, text=True).stdout.split()
    if not any(os.path.isfile(f"{folder}/mpi.h") for folder in folders):
        raise UserError(f"Jittor needs the header mpi.h under mpirun, and {mpicc} knows of none; {install}")


def cuda_is_usable() -> bool:
    """Whether Jittor would find a GPU: without its driver or libraries Jittor dies, or fetches a CUDA of its own."""
    if os.environ.get("nvcc_path") == "" or not loads(DRIVER):
        return False
    if cuda_of_jittor() and not os.environ.get("nvcc_path"):
        return True
    nvcc = find_nvcc()
    return nvcc is not None and loads(cuda_libraries(nvcc) / RUNTIME)


def kernels_are_wanted() -> bool:
    """Whether jgan's own kernels may serve: not if the environment says JGAN_KERNELS=0."""
    return os.environ.get("JGAN_KERNELS") != "0"


def cuda_of_jittor() -> bool:
    """Whether Jittor has installed a CUDA of its own."""
    return os.path.isdir(jittor_cache() / "jtcuda")


def find_nvcc() -> Path | None:
    """The nvcc that Jittor takes where it has installed no CUDA of its own; None if there is none.

    It is that of the variable nvcc_path, or the first on the PATH and in three folders.
    """
    given = os.environ.get("nvcc_path")
    found = [given] if given else [shutil.which("nvcc") or "", *(f"{folder}/bin/nvcc" for folder in CUDA_FOLDERS)]
    return next((Path(each) for each in found if os.path.isfile(each)), None)


def cuda_libraries(nvcc: Path) -> Path:
    """The folder in which Jittor looks for CUDA's libraries."""
    if nvcc == Path("/usr/bin/nvcc"):
        return Path("/usr/lib/x86_64-linux-gnu")
    return Path(os.path.realpath(nvcc)).parent.parent / "lib64"


def loads(library: str | Path) -> bool:
    """Whether a shared library is there and can be loaded."""
    try:
        ctypes.CDLL(str(library))
    except OSError:
        return False
    return True


def _require_thread_count() -> None:
    """UserError for a number of threads that OpenMP would pass over without a word."""
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}(,[1-9][0-9]{0,5})*", threads.strip(), re.ASCII):
        raise UserError(f"the variable OMP_NUM_THREADS is {threads!r}; set it to a number of threads, or unset it")


def _require_compiler() -> None:
    compiler = os.environ.get("cc_path", "g++")
    if shutil.which(compiler) is None:
        raise UserError(
            f"Jittor compiles its operators with {compiler}, and there is none on the PATH; "
            "install it (Debian and Ubuntu: apt install g++)"
        )


def _require_headers() -> None:
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        raise UserError(
            f"Jittor needs the headers of this Python, and {header} does not exist; "
            "install them (Debian and Ubuntu: apt install python3-dev)"
        )
    # Jittor asks this program where the headers are, and doesn't look for it beside the interpreter that a virtual
    # environment was made from. It is told only where it would find none: other flags make it compile itself anew.
    program = f"python3.{sys.version_info.minor}-config"
    known = (Path(sys.executable).parent, "/usr/bin", "/usr/local/bin")
    if not any(os.path.isfile(f"{folder}/{program}") for folder in known):
        os.environ.setdefault("python_config_path", f"{sysconfig.get_config_var('BINDIR')}/{program}")


def _require_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"Jittor keeps what it compiles in {folder}, which can't be written ({error.strerror}); "
            "set HOME to a folder that can"
        ) from None
