"""Reflection padding on all threads."""

from __future__ import annotations

from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.function import Function


def reflection_pad(x, n: int):
    """Mirror n pixels at every border: (N, C, H, W) -> (N, C, H + 2n, W + 2n); H and W must be larger than n."""
    return _Reflect(n)(x) if can_use_kernels(x) else plain.reflection_pad(x, n)


# Both are linear, and each is the other's derivative.


class _Reflect(Function):
    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def execute(self, x):
        shape = [*x.shape[:2], *(length + 2 * self.n for length in x.shape[2:])]
        (y,) = call_kernel("reflect", [x], [shape], n=self.n)
        return y

    def grad(self, dy):
        return _ReflectTransposed(self.n)(dy)


class _ReflectTransposed(Function):
    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def execute(self, dy):
        shape = [*dy.shape[:2], *(length - 2 * self.n for length in dy.shape[2:])]
        (dx,) = call_kernel("reflect_transposed", [dy], [shape], n=self.n)
        return dx

    def grad(self, ddx):
        return _Reflect(self.n)(ddx)
