"""How a training stops: after the step under way, when it is asked to."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import Callable

from jgan import processes


class StopRequest:
    """Turns the first Ctrl-C, SIGTERM or SIGHUP into a note to stop at the next step's end; a second one stops at once.

    The first Ctrl-C also stops at once if it kills Jittor's running compilers. A SIGHUP that the process ignores stays
    ignored, as under `nohup`. Under mpirun SIGUSR1 counts, too: it is handed on, and nobody is killed for it.

    what_is_left() says what was saved last and how to go on from it, where no later state may come.
    """

    def __init__(self, what_is_left: Callable[[], str] | None = None):
        self.what_is_left, self.several = what_is_left, processes.size() > 1

    def __enter__(self):
        self.signal = 0
        heeded = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            heeded.append(signal.SIGHUP)
        if self.several:
            heeded.append(signal.SIGUSR1)
        self._handlers = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(self, kind, error, traceback):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self.signal and isinstance(error, RuntimeError):
            raise KeyboardInterrupt

    def _note(self, number, frame):
        if self.signal:
            if self.what_is_left and not self.several:
                say(f"\n{self.what_is_left()}")
            raise KeyboardInterrupt
        self.signal = int(number)
        if not self.several:
            say("\nstopping after this step; once more to stop at once")
        elif processes.is_first():
            say(f"\nstopping after this step; should mpirun not wait for it: {self.what_is_left()}")


def say(text: str) -> None:
    """Print to stderr, unless it is gone, as a terminal that was closed."""
    with suppress(OSError):
        print(text, file=sys.stderr)
