"""How a program stops: after the step under way when it is asked to, and with a sentence in place of a traceback."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress

from jgan.errors import UserError


class StopRequest:
    """Turns the first Ctrl-C, SIGTERM or SIGHUP into a note to stop at the next step's end; a second one stops at once.

    So does the first if it kills the compilers that Jittor has started for the step, as a terminal's Ctrl-C does. A
    SIGHUP that the process ignores stays ignored, as under `nohup`.
    """

    def __enter__(self):
        self.signal = 0
        heeded = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            heeded.append(signal.SIGHUP)
        self._handlers = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(self, kind, error, traceback):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self.signal and isinstance(error, RuntimeError):
            raise KeyboardInterrupt

    def _note(self, number, frame):
        if self.signal:
            raise KeyboardInterrupt
        self.signal = int(number)
        say("\nstopping after this step; once more to stop at once")


def in_words(function, *arguments):
    """function(*arguments), where a UserError ends the program by its sentence, with status 2, and Ctrl-C with 130."""
    try:
        try:
            return function(*arguments)
        finally:
            time.sleep(0)  # lets a Ctrl-C come before the error of Jittor's whose compilers it killed
    except UserError as error:
        say(f"error: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)


def say(text: str) -> None:
    """Print to stderr, unless it is gone, as a terminal that was closed."""
    with suppress(OSError):
        print(text, file=sys.stderr)
