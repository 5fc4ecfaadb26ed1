"""Those who wait for a computation, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jgan.errors import UserError

LONGEST = 20


class Line:
    """One is served at a time."""

    def __init__(self, longest: int = LONGEST):
        self._longest, self._waiting, self._moved = longest, [], threading.Condition()

    @contextmanager
    def place(self):
        """Yield an iterator of how many are before this one: now, and whenever that changes, until it is 0.

        From then on nobody else is served, until the context is left. Raises UserError if too many wait.
        """
        mine = object()
        with self._moved:
            if len(self._waiting) >= self._longest:
                raise UserError(f"{len(self._waiting)} are waiting already; try again in a moment")
            self._waiting.append(mine)
        try:
            yield self._numbers_before(mine)
        finally:
            with self._moved:
                self._waiting.remove(mine)
                self._moved.notify_all()

    def _numbers_before(self, mine) -> Iterator[int]:
        before = None
        while before != 0:
            with self._moved:
                self._moved.wait_for(lambda known=before: self._waiting.index(mine) != known)
                before = self._waiting.index(mine)
            yield before
