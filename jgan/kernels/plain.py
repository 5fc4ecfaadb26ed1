"""What the kernels compute, by Jittor's own operators: for CUDA, other types, and wherever kernels are not wanted.

Everything has its twin of the same name and arguments in a module of this package.
"""

from __future__ import annotations

import jittor as jt
from jittor import nn

from jgan import processes

Adam = nn.AdamW
RMSprop = nn.RMSprop
tanh = jt.tanh


def leaky_relu(x, slope: float):
    """max(x, 0) + slope min(x, 0); slope 0 for ReLU, 1 for the identity."""
    if slope == 1:
        return x
    return nn.relu(x) if slope == 0 else nn.leaky_relu(x, slope)


def dropped(x, rate: float):
    """x with a share, below 1, of it made 0 and the rest divided by 1 - rate, in each process as in the whole batch."""
    if rate == 0:
        return x
    noise = processes.share(jt.random((processes.size() * x.shape[0], *x.shape[1:])))
    return x * (noise > rate).int() / (1 - rate)


def linear(x, w, bias, *, slope: float = 1.0, dropout: float = 0.0):
    """x (..., I), w (O, I), bias (O,) or None -> (..., O)"""
    y = nn.matmul_transpose(x, w)
    return dropped(leaky_relu(y if bias is None else y + bias, slope), dropout)


def batch_norm(x, weight, bias, *, eps: float, slope: float = 1.0) -> tuple:
    """x (N, C, ...), weight and bias (C,) or (N, C) -> y like x, mean and biased variance (C,), of two passes."""
    axes = [0, *range(2, x.ndim)]
    mean = x.mean(dims=axes)
    variance = (x - mean.broadcast(x, axes)).sqr().mean(dims=axes)
    return normalize_by(x, weight, bias, mean, variance, eps=eps, slope=slope), mean, variance


def normalize_by(x, weight, bias, mean, variance, *, eps: float, slope: float = 1.0):
    """x (N, C, ...), weight and bias (C,) or (N, C), mean and variance (C,) -> y like x."""
    axes = [0, *range(2, x.ndim)]
    to_share = axes if weight.ndim == 1 else axes[1:]
    scale = weight / jt.sqrt(variance + eps)
    y = (x - mean.broadcast(x, axes)) * scale.broadcast(x, to_share) + bias.broadcast(x, to_share)
    return leaky_relu(y, slope)


def instance_norm(x, *, eps: float, slope: float = 1.0):
    """x (N, C, H, W) -> y, each channel of each image by itself."""
    centred = x - x.mean(dims=[2, 3]).broadcast(x, [2, 3])
    variance = centred.sqr().mean(dims=[2, 3])
    return leaky_relu(centred * (1 / jt.sqrt(variance + eps)).broadcast(x, [2, 3]), slope)


def conv(x, w, bias, *, stride: tuple, padding: tuple):
    """x (N, I, H, W), w (O, I, kh, kw), bias (O,) or None -> (N, O, ...)."""
    return nn.conv2d(x, w, bias, stride, padding)


def conv_transpose(x, w, bias, *, stride: tuple, padding: tuple, output_padding: tuple):
    """x (N, I, H, W), w (I, O, kh, kw), bias (O,) or None -> (N, O, ...)."""
    return nn.conv_transpose2d(x, w, bias, stride, padding, output_padding)


def spectral_norm(w, u) -> tuple:
    """w (O, ...), u (O,) -> w / sigma, and the next u (O,) without gradient."""
    # v = W^T u / |W^T u|,  u = W v / |W v|,  sigma = u^T W v    where u and v count as constants
    matrix = w.reshape((w.shape[0], -1))
    constant = matrix.detach()
    v = unit((constant * u.unsqueeze(1)).sum(0))
    u = unit((constant * v).sum(1))
    return w / (matrix * u.unsqueeze(1) * v).sum(), u


def unit(vector):
    """A vector divided by its length."""
    return vector / jt.maximum(vector.norm(2), 1e-12)


def reflection_pad(x, n: int):
    """x (N, C, H, W) -> (N, C, H + 2n, W + 2n)"""
    return nn.pad(x, [n] * 4, mode="reflect")
