from __future__ import annotations

import math

import pytest

from jgan.reference.scaling import predict, table

COSTS = {"reductions": 30, "mb": 50, "latency": 0.001, "per_mb": 0.0002}


def averaging(n: int) -> float:
    """Seconds for 30 reductions of 50 MB in all, in log2(n) rounds."""
    return 30 * 0.001 * math.log2(n) + 2 * (n - 1) / n * 50 * 0.0002


@pytest.mark.parametrize("more", [1, 2, 4, 64])
def test_processes_are_predicted_from_one_with_the_whole_batch_and_with_a_half(more):
    """Of the step of one 0.8 s can be shared, and 0.1 s cannot."""
    assert predict(0.9, 0.5, 2, COSTS, more) == pytest.approx(0.8 / more + 0.1 + averaging(more))


def test_nothing_is_shared_where_less_takes_longer():
    """As where the machine was busy while the share was timed."""
    assert predict(0.9, 9, 2, COSTS, 4) == pytest.approx(0.9 + averaging(4))


def test_the_table_names_the_gain_for_each_thread_and_process():
    times = {"threads": {"step": 0.5}, "processes": {"step": 0.625}, "predicted": {4: 0.5}}
    lines = table({"gan": {"batch_size": 64, "one": {"step": 1.0}, 2: times}}).splitlines()
    assert [line.split(" | ")[2:] for line in lines[2:]] == [
        ["1 thread", "1.00", "100%", " |"],
        ["2 threads", "2.00", "100%", " |"],
        ["2 processes", "1.60", "80%", "4: 50% |"],
    ]
