"""The process that computes, seen from the one that serves: started, asked, ended at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from jgan.errors import UserError
from jgan.training.stop import say

SECONDS = 300.0  # that a computation may take, with all that Jittor compiles for it
PATIENCE = 2.0  # seconds that a process that was asked to end has for it


class Worker:
    """A context manager that starts the process and ends it, and whatever it has started.

    It computes on the device (see `jgan.jittor_setup.runtime.set_device`). `models` are those that it offers, `seconds`
    what a computation may take, `pid` is the process that is running. Raises UserError if it cannot begin, as without a
    compiler.
    """

    def __init__(self, files: dict[str, Path], device: str = "auto", *, seconds: float = SECONDS):
        self._files, self._device, self.seconds = files, device, seconds
        self._process, self._ended, self._lock = None, False, threading.Lock()

    def __enter__(self):
        try:
            self.models = self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        with self._lock:
            self._ended = True
            self._end()

    @property
    def pid(self) -> int:
        return self._process.pid

    def compute(self, name: str, opt, checked) -> dict:
        """{"result"} of a task, or {"error": a sentence}. One that takes too long or dies is followed by a new process.

        One thread may call this at a time.
        """
        try:
            self._connection.send((name, opt, checked))
            if self._connection.poll(self.seconds):
                return self._connection.recv()
            fault = f"this took longer than {self.seconds:.0f} seconds and was given up; ask for less"
        except (EOFError, OSError):
            fault = "the process that computes has died, perhaps for lack of memory; ask for less"
        try:
            self._begin()
        except UserError as error:
            fault = "the demo has been ended"
            if not self._ended:
                say(f"error: {error}")
                fault = "the process that computes cannot be started again; the terminal of the demo says why"
        return {"error": fault}

    def _begin(self) -> list:
        """Start a process, in the place of any before; the models that it offers."""
        with self._lock:
            self._end()
            if self._ended:
                raise UserError("nothing is begun any more")
            self._connection, theirs = multiprocessing.Pipe()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jgan.demo.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
            theirs.close()
        try:
            self._connection.send((self._files, self._device))
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise UserError("the process that computes has died as it began") from None
        if "error" in answer:
            raise UserError(answer["error"])
        return answer["result"]

    def _end(self) -> None:
        """End the process with its compilers. SIGTERM lets these remove what they have half written; they obey it."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
                break
        self._connection.close()
        self._process = None
