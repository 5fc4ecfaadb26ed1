"""LeakyReLU, ReLU as its slope 0, and the hyperbolic tangent, on all threads and with a second derivative."""

from __future__ import annotations

from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.function import Function


def leaky_relu(x, slope: float):
    """max(x, 0) + slope min(x, 0) for a Var of any shape; slope 0 for ReLU."""
    return _LeakyReLU(slope)(x) if can_use_kernels(x) else plain.leaky_relu(x, slope)


class _LeakyReLU(Function):
    def __init__(self, slope: float):
        super().__init__()
        self.slope = slope

    def execute(self, x):
        (y,) = call_kernel("leaky_relu", [x], [x.shape], slope=self.slope)
        self.kept = (y,)
        return y

    def grad(self, dy):
        (y,) = self.kept
        return Masked(y, self.slope)(dy)


class Masked(Function):
    """dy where y > 0, slope dy elsewhere. It is linear in dy, so its derivative is itself."""

    def __init__(self, y, slope: float):
        super().__init__(y)
        self.slope = slope

    def execute(self, dy):
        (dx,) = call_kernel("leaky_relu_backward", [self.kept[0], dy], [dy.shape], slope=self.slope)
        return dx

    def grad(self, ddx):
        (y,) = self.kept
        return Masked(y, self.slope)(ddx)


def tanh(x):
    """The hyperbolic tangent of a Var of any shape. Its gradient is 0 where Jittor's is NaN, from |x| = 50 on."""
    return _Tanh(x)(x)


class _Tanh(Function):
    def execute(self, x):
        (y,) = call_kernel("tanh", [x], [x.shape]) if can_use_kernels(x) else [plain.tanh(x)]
        self.kept += (y,)
        return y

    def grad(self, dy):
        x, y = self.kept
        if Function.taping:
            y = tanh(x)  # of which there is a derivative, too
        return dy * (1 - y * y)
