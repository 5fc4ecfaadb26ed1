"""Batch normalisation of a batch of which every process has a share, by the mean and the variance of the whole."""

from __future__ import annotations

from jgan import processes
from jgan.kernels import plain


def shared_batch_norm(x, weight, bias, *, eps: float, slope: float = 1.0) -> tuple:
    """As `jgan.kernels.normalize.batch_norm` of the whole batch, of which x and y are this process's share."""
    axes = [0, *range(2, x.ndim)]
    mean = processes.mean(x.mean(dims=axes))
    variance = processes.mean((x - mean.broadcast(x, axes)).sqr().mean(dims=axes))
    return plain.normalize_by(x, weight, bias, mean, variance, eps=eps, slope=slope), mean, variance
