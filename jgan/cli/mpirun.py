"""How a program ends that mpirun started several times, and how it is to be started again."""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from jgan import processes

PATIENCE_S = 5.0  # in which the first process ends, and with it all, if its error is the same
SIGNALLED = 128  # and above: the exit status after a signal, which is no error


@contextmanager
def speaking_as_one():
    """Within this context the first process speaks for all, and one that fails ends all.

    Most errors are every process's, and the first one's words are enough: the others keep theirs, and say them only if
    they still live some seconds after their own end. One that raised and left as usual would wait in MPI's last
    function for the others, and they for it in another.
    """
    if processes.size() == 1:
        yield
        return
    kept, first, status = io.StringIO(), processes.is_first(), 0
    with redirect_stdout(sys.stdout if first else kept), redirect_stderr(sys.stderr if first else kept):
        try:
            yield
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
            status = 1
    if not status:
        sys.exit(0)
    if not first and status < SIGNALLED:
        time.sleep(PATIENCE_S)
        words = kept.getvalue().rpartition("\r")[2].strip() or f"it ended with status {status}"  # bars end with \\r
        print(f"process {processes.rank()} of {processes.size()}: {words}", file=sys.stderr)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError):
            stream.flush()
    os._exit(status)  # mpirun then ends the others


def mpirun() -> list[str]:
    """The words before this program on the command line that started it; [] for a single process.

    They are those of the mpirun that is its parent, with its options, if that was to start the program itself.
    """
    if processes.size() == 1:
        return []
    words, own = (_command_line(process) for process in (os.getppid(), "self"))
    n = len(words) - len(own)
    if n > 0 and words[n + 1 :] == own[1:]:
        return words[:n]
    return ["mpirun", "-np", str(processes.size())]


def _command_line(process) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return []
