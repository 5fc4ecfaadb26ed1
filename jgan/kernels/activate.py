"""LeakyReLU, and ReLU as its slope 0, on all threads and with a second derivative."""

from __future__ import annotations

import jittor as jt

from jgan.kernels import call, plain, serve


def leaky_relu(x, slope: float):
    """max(x, 0) + slope min(x, 0) for a Var of any shape; slope 0 for ReLU."""
    return _LeakyReLU(slope)(x) if serve(x) else plain.leaky_relu(x, slope)


class _LeakyReLU(jt.Function):
    def __init__(self, slope: float):
        self.slope = slope

    def execute(self, x):
        (self.y,) = call("activate.hpp", "leaky_relu", [x], [x.shape], slope=self.slope)
        return self.y

    def grad(self, dy):
        return _Masked(self.y, self.slope)(dy)


class _Masked(jt.Function):
    """dy where y > 0, slope dy elsewhere. It is linear in dy, so its derivative is itself."""

    def __init__(self, y, slope: float):
        self.y = y
        self.slope = slope

    def execute(self, dy):
        (dx,) = call("activate.hpp", "leaky_relu_backward", [self.y, dy], [dy.shape], slope=self.slope)
        return dx

    def grad(self, ddx):
        return _Masked(self.y, self.slope)(ddx)
