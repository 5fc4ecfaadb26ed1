"""Jittor's import: everything ready before it, its chatter kept back, and the signals put right after it.

`prepare` is called when the package is imported. It does not import Jittor; it stands guard, so that the first
`import jittor` of the process, whoever says it, is done in this way.
"""

from __future__ import annotations

import atexit
import importlib.abc
import importlib.util
import os
import signal
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

from jgan.errors import UserError
from jgan.jittor_setup.compiling import compile_operators_fast
from jgan.jittor_setup.prerequisites import cuda_of_jittor, ensure_prerequisites, kernels_are_wanted


def prepare() -> None:
    """Ready the process for Jittor. Variables that the user has set are left alone. Safe to call again."""
    if sys.modules.get("jittor") is not None:
        _after_import()
    elif not any(isinstance(finder, _Guard) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Guard())


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
        ensure_prerequisites()
        with _ctrl_c_left_alone():
            with _chatter_kept_back():
                import jittor_utils  # finds the compiler and, by it, its cache; jittor imports it anyway
            with _announced_or_uninterrupted(Path(jittor_utils.cache_path)):
                with _chatter_kept_back():
                    _shield_compile_workers(jittor_utils)
                    self.loader.exec_module(module)
                _after_import()


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


@contextmanager
def _chatter_kept_back():
    """Keep what Jittor and its compilers print from the terminal, and show its end if the import fails."""
    if cuda_of_jittor():  # with it Jittor may restart the whole program, which would go on without a terminal
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
    compile_operators_fast()
    if kernels_are_wanted() and not cuda_of_jittor():
        from jgan.kernels.library import shared_library  # which needs Jittor

        shared_library()  # now, with all else that is compiled once, so that a first step need not wait for it
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
