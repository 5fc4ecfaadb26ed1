"""How much memory there is, asked before it is taken: a sentence in place of a killed process."""

from __future__ import annotations

import math
from contextlib import contextmanager, suppress
from pathlib import Path

from jgan.errors import UserError

CGROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """The bytes that this process may still take: free memory and swap, or less where its control group has less."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = sum(int(fields[name].split()[0]) * 1024 for name in ("MemAvailable", "SwapFree"))
    with suppress(OSError, ValueError):  # no such group, or "max"
        free = min(free, int((CGROUP / "memory.max").read_text()) - int((CGROUP / "memory.current").read_text()))
    return max(0, free)


def require(n_bytes: float, what: str) -> None:
    """UserError, naming what needs how much, if there is less memory than `n_bytes`."""
    free = available()
    if n_bytes > free:
        raise UserError(f"{what} need {readable(n_bytes)} of memory, and {readable(free)} are free")


@contextmanager
def adding_up(what: str, limit: float = math.inf):
    """Within this context `add` counts everything that is announced as one, called `what`, of `limit` bytes at most."""
    _announced.append([what, limit, 0])
    try:
        yield
    finally:
        _announced.pop()


def add(n_bytes: int, what: str) -> None:
    """UserError if so many bytes, with all that an `adding_up` around has counted, exceed its limit or the memory.

    Jittor takes memory late, so what was announced before is not yet missing.
    """
    for context in _announced:
        context[2] += n_bytes
        whole, limit, counted = context
        if counted > limit:
            raise UserError(f"{whole} would be more than {readable(limit)}")
    whole, _, counted = _announced[-1] if _announced else (what, math.inf, n_bytes)
    require(counted, whole)


_announced: list[list] = []  # [what, limit, bytes so far] for each context within another


def readable(n_bytes: float) -> str:
    """1536 -> "1.5 KiB"."""
    power = min(8, int(math.log(max(n_bytes, 1), 1024)))
    value, unit = n_bytes / 1024**power, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")[power]
    return f"{value:.1f} {unit}" if value < 10_000 else f"{value:.1e} {unit}"
