from __future__ import annotations

import threading

import pytest

from jgan.demo.line import Line
from jgan.errors import UserError


def test_each_is_told_how_many_are_before_until_it_is_served():
    line, told = Line(), []

    def wait() -> None:
        with line.place() as numbers:
            told.append(list(numbers))

    with line.place() as numbers:
        assert list(numbers) == [0]
        with line.place() as numbers_of_another:
            assert next(numbers_of_another) == 1
            thread = threading.Thread(target=wait)
            with line.place() as numbers_of_a_third:
                assert next(numbers_of_a_third) == 2
                thread.start()
            assert thread.is_alive() and not told
    thread.join(30)
    assert len(told) == 1 and told[0][-1] == 0
    assert told[0] == sorted(set(told[0]), reverse=True)


def test_who_leaves_makes_room_however_it_ended():
    line = Line()
    with pytest.raises(KeyError), line.place():
        raise KeyError
    with line.place() as numbers:
        assert list(numbers) == [0]


def test_a_line_has_an_end():
    line = Line(longest=2)
    full = pytest.raises(UserError, match="2 are waiting already; try again")
    with line.place(), line.place(), full, line.place():
        pass
