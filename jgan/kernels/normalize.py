"""Batch and instance normalisation, each with the (leaky) ReLU after it as one kernel.

slope is LeakyReLU's below 0 throughout: 0 for ReLU, 1 for none.
"""

from __future__ import annotations

import jittor as jt

from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.function import Function


def batch_norm(x, weight, bias, *, eps: float, slope: float = 1.0) -> tuple:
    """Normalise each channel by its own mean and variance.

    x: float32 (N, C, ...); weight, bias: (C,), or (N, C) to have a scale and a shift for each image. Returns y like x,
    and mean and biased variance (C,) without gradients.
    """
    if not can_use_kernels(x, weight, bias):
        return plain.batch_norm(x, weight, bias, eps=eps, slope=slope)
    return Normalize.applied(x, weight, bias, eps=eps, slope=slope)


def instance_norm(x, *, eps: float, slope: float = 1.0):
    """Normalise each channel of each image by itself: x (N, C, H, W) -> y."""
    if not can_use_kernels(x):
        return plain.instance_norm(x, eps=eps, slope=slope)
    channels = x.shape[0] * x.shape[1]
    scale, shift = jt.ones((channels,)).stop_grad(), jt.zeros((channels,)).stop_grad()
    y, _, _ = batch_norm(x.reshape((1, channels, -1)), scale, shift, eps=eps, slope=slope)
    return y.reshape(x.shape)


def normalize_by(x, weight, bias, mean, variance, *, eps: float, slope: float = 1.0):
    """Normalise by given statistics: x (N, C, ...), weight and bias as for `batch_norm`, the others (C,), -> y like x.

    The kernel serves under no_grad.
    """
    if not (jt.flags.no_grad and can_use_kernels(x, weight, bias, mean, variance)):
        return plain.normalize_by(x, weight, bias, mean, variance, eps=eps, slope=slope)
    return call_kernel("normalize_by", [x, weight, bias, mean, variance], [x.shape], eps=eps, slope=slope)[0]


class Backward(Function):
    """x, weight, bias, dy -> dx, dweight, dbias. Its derivative is taken through the plain operators."""

    twin = staticmethod(plain.batch_norm)

    def __init__(self, inputs: tuple, moments: list, dy, options: dict):
        super().__init__(*inputs, dy)
        self.moments = moments  # (C,): small, so they may stay
        self.options = options

    def execute(self, x, weight, bias, dy):
        inputs = [x, weight, bias, *self.moments, dy]
        return call_kernel("normalize_backward", inputs, [x.shape, weight.shape, bias.shape], **self.options)

    def grad(self, *upstream):
        # Detach every input: dy itself depends on x, and that path must not be differentiated twice.
        *inputs, dy = (var.detach().start_grad() for var in self.kept)
        y, _, _ = self.twin(*inputs, **self.options)
        firsts = jt.grad((y * dy).sum(), inputs)
        total = sum((first * each).sum() for first, each in zip(firsts, upstream) if each is not None)
        return jt.grad(total, [*inputs, dy])


class Normalize(Function):
    """x (N, C, ...), weight, bias -> y."""

    backward = Backward

    def __init__(self, x, weight, bias, options: dict):
        super().__init__(x, weight, bias)
        self.options = options

    @classmethod
    def applied(cls, x, weight, bias, **options) -> tuple:
        """y like x, and the moments by which x is normalised."""
        function = cls(x, weight, bias, options)
        y = function(x, weight, bias)
        return (y, *function.moments)

    def execute(self, x, weight, bias):
        of_channels = [x.shape[1]]
        shapes = [x.shape, of_channels, of_channels]
        y, *self.moments = call_kernel("normalize", [x, weight, bias], shapes, **self.options)
        return y

    def grad(self, dy):
        inputs = self.kept
        return self.backward(inputs, self.moments, dy, self.options)(*inputs, dy)
