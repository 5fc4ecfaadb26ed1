from __future__ import annotations

import math

import pytest

from jgan.reference.scaling import predict, table


def step_of(n: int) -> float:
    """A step of which 0.8 s can be shared and 0.1 s cannot, and that averages 50 MB in 30 reductions."""
    averaging = 30 * 0.001 * math.log2(n) + 2 * (n - 1) / n * 50 * 0.0002
    return 0.8 / n + 0.1 + averaging


SEVERAL = {"step": step_of(2), "reductions": 30, "mb": 50, "latency": 0.001, "per_mb": 0.0002}


@pytest.mark.parametrize("more", [2, 4, 64])
def test_more_processes_are_predicted_from_two(more):
    assert predict(step_of(1), SEVERAL, 2, more) == pytest.approx(step_of(more))


def test_what_cannot_be_shared_is_not_below_nothing():
    """As where the machine was busy while two processes were timed."""
    assert predict(0.9, {**SEVERAL, "step": 9}, 2, 4) == pytest.approx(0.9 + step_of(4) - 0.8 / 4 - 0.1)


def test_the_table_names_the_gain_for_each_thread_and_process():
    times = {"threads": {"step": 0.5}, "processes": {"step": 0.625}, "predicted": {4: 0.5}}
    lines = table({"gan": {"batch_size": 64, "one": {"step": 1.0}, 2: times}}).splitlines()
    assert [line.split(" | ")[2:] for line in lines[2:]] == [
        ["1 thread", "1.00", "100%", " |"],
        ["2 threads", "2.00", "100%", " |"],
        ["2 processes", "1.60", "80%", "4: 50% |"],
    ]
