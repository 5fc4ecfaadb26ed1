"""What Jittor needs around its import: the environment before, signals after, device, seeds, versions.

`prepare` is called when the package is imported. It does not import Jittor; it stands guard, so that the first
`import jittor` of the process, whoever says it, has everything ready before and put right after.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.abc
import importlib.util
import json
import os
import platform
import shutil
import signal
import sys
import sysconfig
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from jgan.errors import UserError
from jgan.latent import rng

ENVIRONMENT = {
    "cache_name": "default",  # or Jittor compiles itself anew on every git branch it is installed under
    "gdb_path": "",  # or every start waits for `gdb --version`
    "FIX_TORCH_ERROR": "0",  # or Jittor imports torch wherever it is installed
    "use_nccl": "0",
    "use_cutt": "0",
    "use_cutlass": "0",
}


MALLOPT = {  # parameters of glibc's malloc.h, which otherwise gives large blocks back at every free
    -4: 0,  # M_MMAP_MAX: no block has a mapping of its own, which would go with it
    -1: 1 << 30,  # M_TRIM_THRESHOLD: keep up to this many bytes that are free
    -2: 1 << 26,  # M_TOP_PAD: ask for so many more at once
}


def prepare() -> None:
    """Ready the process for Jittor. Variables that the user has set are left alone. Safe to call again."""
    if "jittor" in sys.modules:
        _after_import()
    elif not any(isinstance(finder, _Guard) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Guard())


def set_device(device: str) -> str:
    """Choose where Jittor computes: "cpu", "cuda", or "auto" for CUDA where there is one. Returns "cpu" or "cuda".

    Raises UserError if "cuda" is asked for and there is none.
    """
    import jittor as jt

    if device == "cuda" and not jt.has_cuda:
        raise UserError(
            "the device cuda was asked for, but Jittor sees no NVIDIA GPU with its driver, nvcc and CUDA's libraries; "
            "use cpu"
        )
    jt.flags.use_cuda = int(device != "cpu" and bool(jt.has_cuda))
    return "cuda" if jt.flags.use_cuda else "cpu"


def seed_jittor(seed: int, purpose: str, index: int = 0) -> None:
    """Restart Jittor's own random numbers (initial weights, dropout masks) for one purpose, at one step.

    Jittor is lazy: what was asked for so far is computed first, or it would draw from the new stream. The seed is mixed
    because Jittor's own generator takes 0 and 1 for the same.
    """
    import jittor as jt

    jt.sync_all()
    jt.set_seed(int(rng(seed, purpose, index).integers(2, 2**31 - 2)))


def versions() -> dict[str, str]:
    """What a run's result may depend on: versions, device, processor and number of threads."""
    import jittor as jt
    from jittor_utils import get_cpu_version, get_version

    import jgan

    return {
        "jgan": jgan.__version__,
        "jittor": jt.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "g++": get_version(jt.flags.cc_path).strip("()"),
        "platform": platform.platform(),
        "device": "cuda" if jt.flags.use_cuda else "cpu",
        "kernels": "off" if os.environ.get("JGAN_KERNELS") == "0" else "on",
        "processor": get_cpu_version(),
        "threads": os.environ.get("OMP_NUM_THREADS") or str(len(os.sched_getaffinity(0))),
    }


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


class _Guard(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands before Python's finders for the one name `jittor`, and loads what they find, well wrapped."""

    searching = False

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "jittor" or self.searching:
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec("jittor")
        finally:
            self.searching = False
        if spec is not None:
            self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        _before_import()
        with _ctrl_c_left_alone():
            with _chatter_kept_back():
                import jittor_utils  # finds the compiler and, by it, its cache; jittor imports it anyway
            with _announced_or_uninterrupted(Path(jittor_utils.cache_path)):
                with _chatter_kept_back():
                    _shield_compile_workers(jittor_utils)
                    self.loader.exec_module(module)
                _after_import()


def _before_import() -> None:
    os.environ.setdefault("use_mpi", "1" if "OMPI_COMM_WORLD_SIZE" in os.environ else "0")
    if not _cuda_is_usable():
        os.environ.setdefault("nvcc_path", "")
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _keep_memory()
    _require_compiler()
    _require_headers()
    _require_writable(jittor_cache())
    _require_writable(Path("~/.cache/jittor").expanduser())  # Jittor writes there whatever JITTOR_HOME says
    for kind in (np.float32, np.float64):
        np.finfo(kind).smallest_subnormal  # noqa: B018 (numpy warns if it looks later: Jittor's libraries flush them)


@contextmanager
def _announced_or_uninterrupted(cache: Path):
    """Announce the import if Jittor's core does not lie compiled in its cache for this very machine.

    If it does, the import is short, and a Ctrl-C waits for its end.
    """
    if next(cache.rglob("jittor_core*"), None) is None:
        print(
            "Jittor compiles itself the first time this Python uses it on this machine: some minutes, once. "
            "From then on it starts in a second.",
            file=sys.stderr,
            flush=True,
        )
        yield
        return
    with _interrupted_afterwards():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # for what Jittor starts, too
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _interrupted_afterwards():
    """Let a Ctrl-C wait, even one that another thread of the process receives, until the context is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived = []
    handler = signal.signal(signal.SIGINT, lambda *_: arrived.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
    if arrived:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def _ctrl_c_left_alone():
    """Keep Jittor from handling SIGINT, which would end the program mutely: it does not where Jupyter started it."""
    if "JPY_PARENT_PID" in os.environ:
        yield
        return
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    try:
        yield
    finally:
        del os.environ["JPY_PARENT_PID"]


def _shield_compile_workers(jittor_utils) -> None:
    """Let Jittor's pool of compiling processes ignore Ctrl-C, which a terminal sends to them too.

    A worker that it kills takes a lock of the pool with it, and the program hangs when it ends.
    """
    initialize = jittor_utils.pool_initializer

    def initialize_and_ignore() -> None:
        initialize()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    jittor_utils.pool_initializer = initialize_and_ignore


def _keep_memory() -> None:
    """Have glibc, where it is, keep freed memory for the next step, unless the environment sets it in another way."""
    own = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or os.environ.get("JGAN_KERNELS") == "0" or any(name in os.environ for name in own):
        return
    for parameter, value in MALLOPT.items():
        mallopt(parameter, value)


def _cuda_is_usable() -> bool:
    """Whether Jittor would find a GPU: without its driver or libraries Jittor dies, or fetches a CUDA of its own."""
    nvcc = os.environ.get("nvcc_path") or shutil.which("nvcc")
    candidates = [nvcc] if nvcc else ["/usr/local/cuda/bin/nvcc", "/usr/bin/nvcc", "/opt/cuda/bin/nvcc"]
    return _loads("libcuda.so.1") and (_cuda_of_jittor() or any(map(_has_cuda_runtime, candidates)))


def _cuda_of_jittor() -> bool:
    """Whether Jittor has installed a CUDA of its own."""
    return os.path.isdir(jittor_cache() / "jtcuda")


def _has_cuda_runtime(nvcc: str) -> bool:
    library = Path(os.path.realpath(nvcc)).parent.parent / "lib64" / "libcudart.so"
    if nvcc == "/usr/bin/nvcc":
        library = Path("/usr/lib/x86_64-linux-gnu/libcudart.so")
    return os.path.isfile(nvcc) and _loads(str(library))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


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


@contextmanager
def _chatter_kept_back():
    """Keep what Jittor and its compilers print from the terminal, and show its end if the import fails."""
    if _cuda_of_jittor():  # with it Jittor may restart the whole program, which would go on without a terminal
        yield
        return
    _flush()
    saved = [(fd, os.dup(fd)) for fd, stream in ((1, sys.stdout), (2, sys.stderr)) if stream]
    with tempfile.TemporaryFile() as chatter:
        for fd, _ in saved:
            os.dup2(chatter.fileno(), fd)
        try:
            yield
        except BaseException as error:
            _restore(saved)
            chatter.seek(0)
            _explain(error, chatter.read().decode(errors="replace"))
            raise
        else:
            _restore(saved)


def _flush() -> None:
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None is one that was closed before Python started
        stream.flush()


def _restore(saved: list[tuple[int, int]]) -> None:
    _flush()
    for fd, copy in saved:
        os.dup2(copy, fd)
        os.close(copy)


def _explain(error: BaseException, chatter: str) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    if isinstance(error, SystemExit) and "please rerun" in chatter:
        raise UserError("Jittor has rebuilt itself for other compiler settings; run the same command again") from None
    print("\n".join(chatter.splitlines()[-30:]), file=sys.stderr)
    raise UserError(f"Jittor could not be imported ({error}); its last output is above") from error


def _after_import() -> None:
    _end_compile_workers()
    _give_signals_back()


def _end_compile_workers() -> None:
    """End Jittor's pool of compiling processes, whose work is done; Jittor makes another if it should need one.

    One that stayed and died of a SIGTERM sent to the whole process group would hang the program at its end, as above.
    """
    import jittor_utils

    if jittor_utils.pool_size:
        jittor_utils.pool_cleanup()
        jittor_utils.pool_size = 0
        atexit.unregister(jittor_utils.pool_cleanup)


def _give_signals_back() -> None:
    """Put Python's handlers in the place of Jittor's, under which Ctrl-C skips `finally` and a dead child kills."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        handler = signal.getsignal(number)  # Python's record, which Jittor went past
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
