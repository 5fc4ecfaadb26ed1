"""How a program runs: its two halves, and a sentence in place of a traceback."""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress
from typing import Callable

from jgan import processes
from jgan.cli.mpirun import speaking_as_one
from jgan.cli.options import parse
from jgan.errors import UserError
from jgan.training.stop import say


def run_program(
    options_class, description: str, check: Callable, work: Callable | None = None, *, shared: bool = False
) -> None:
    """Parse the command line, and exit with the status that work(options, check(options, given)) returns.

    given: the options that were typed, by name. The first import of Jittor takes minutes, and every mistake should show
    before: so `check` finds what the user did wrong, and loads what it takes for that, without Jittor; only `work`
    imports it, at its top. A program that never needs Jittor has `check` alone. shared: whether several processes may
    share its work (see `jgan.processes`).
    """

    def run() -> int:
        opt, given = parse(options_class, description)
        if processes.size() > 1 and not shared:
            raise UserError("this program is one process; start it without mpirun")
        checked = check(opt, given)
        return checked if work is None else work(opt, checked)

    with speaking_as_one():
        sys.exit(exit_on_user_error(run))


def exit_on_user_error(function: Callable, *arguments):
    """Call function; on UserError print the message and exit 2, on Ctrl-C exit 130.

    So it ends, too, if its standard output cannot be written; if nobody reads that any more, with 141 and no word, as
    programs do that SIGPIPE ends.
    """
    try:
        try:
            result = function(*arguments)
            _flush_stdout()
            return result
        finally:
            time.sleep(0)  # lets a Ctrl-C come before the error of Jittor's whose compilers it killed
    except UserError as error:
        say(f"error: {error}")
        _leave(2)
    except BrokenPipeError:
        _leave(141)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        say(f"error: cannot write to the standard output: {error.strerror}")
        _leave(2)
    except KeyboardInterrupt:
        say("stopped")
        _leave(130)


def _flush_stdout() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _leave(status) -> None:
    """Exit, without Python's own complaint at its end about output that cannot be written."""
    try:
        _flush_stdout()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
