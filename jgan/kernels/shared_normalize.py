"""Batch normalisation of a batch of which every process has a share, by the mean and the variance of the whole."""

from __future__ import annotations

from jgan import processes
from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.normalize import Backward, Normalize


def shared_batch_norm(x, weight, bias, *, eps: float, slope: float = 1.0) -> tuple:
    """As `jgan.kernels.normalize.batch_norm` of the whole batch, of which x and y are this process's share."""
    apply = _Normalize.applied if can_use_kernels(x, weight, bias) else _by_plain_operators
    return apply(x, weight, bias, eps=eps, slope=slope)


def _by_plain_operators(x, weight, bias, *, eps: float, slope: float) -> tuple:
    axes = [0, *range(2, x.ndim)]
    mean = processes.mean(x.mean(dims=axes))
    variance = processes.mean((x - mean.broadcast(x, axes)).sqr().mean(dims=axes))
    return plain.normalize_by(x, weight, bias, mean, variance, eps=eps, slope=slope), mean, variance


class _Backward(Backward):
    twin = staticmethod(_by_plain_operators)

    def execute(self, x, weight, bias, dy):
        inputs = [x, weight, bias, *self.moments, dy]
        dweight, dbias, means = call_kernel(
            "normalize_backward_sums", inputs, [weight.shape, bias.shape, [2, x.shape[1]]], **self.options
        )
        inputs.append(processes.mean(means))
        (dx,) = call_kernel("normalize_backward_by", inputs, [x.shape], **self.options)
        return dx, dweight, dbias


class _Normalize(Normalize):
    backward = _Backward

    def execute(self, x, weight, bias):
        of_channels = [x.shape[1]]
        (mean,) = call_kernel("channel_means", [x], [of_channels])
        mean = processes.mean(mean)
        (variance,) = call_kernel("channel_variances", [x, mean], [of_channels])
        self.moments = [mean, processes.mean(variance)]
        inputs = [x, weight, bias, *self.moments]
        (y,) = call_kernel("normalize_by", inputs, [x.shape], **self.options)
        return y
