"""Curves as a page draws them: few enough points, and nothing that stands out lost."""

from __future__ import annotations

import math

import numpy as np

N_POINTS = 1000  # of a curve; a chart is not as many pixels wide


def log_curves(entries: list[dict]) -> list[dict]:
    """A curve for each quantity of a log's entries, in the order in which they first appear.

    Of each: {"name", "steps", "low", "high", "mean"}, four lists of one length. Up to N_POINTS entries "low" and "high"
    are what was logged; of more they are the least and the largest value of as many entries as it takes, and the step
    is the last of these. "mean" is the running mean of 1/50 of all entries, or of those so far. Numbers have five
    digits; None stands for one that is not finite.
    """
    names = dict.fromkeys(name for entry in entries for name in entry if name != "step")
    return [_curve(name, [entry for entry in entries if name in entry]) for name in names]


def _curve(name: str, entries: list[dict]) -> dict:
    steps = np.array([entry["step"] for entry in entries])
    values = np.array([entry[name] for entry in entries], np.float64)
    starts = np.arange(0, len(values), math.ceil(len(values) / N_POINTS))
    ends = np.append(starts[1:], len(values)) - 1
    return {
        "name": name,
        "steps": steps[ends].tolist(),
        "low": numbers(np.minimum.reduceat(values, starts)),
        "high": numbers(np.maximum.reduceat(values, starts)),
        "mean": numbers(running_mean(values, max(1, len(values) // 50))[ends]),
    }


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Of each value (n,) and the width - 1 before it, or as many as there are."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(0, last - width)
    return (sums[last] - sums[first]) / (last - first)


def numbers(values) -> list[float | None]:
    """Floats with five digits as JSON can hold them, None for one that is not finite."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]
