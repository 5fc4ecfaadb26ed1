"""Dense layers for a batch of rows, with the bias and the (leaky) ReLU after it, as one kernel.

x w' is linear in the rows x and in the weights w. It and its two derivatives are three functions, each of two among
x, w and y; the derivatives of each are the two others, which makes them right to any order.
"""

from __future__ import annotations

import jittor as jt

from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.activate import Masked
from jgan.kernels.function import Function


def linear(x, w, bias, *, slope: float = 1.0):
    """x (N, I), w (O, I), bias (O,) or None -> leaky_relu(x w' + bias) (N, O); slope 1 is none.

    Raises ValueError for rows of another length than I.
    """
    if x.shape[-1] != w.shape[1]:
        raise ValueError(f"a dense layer of {w.shape[1]} inputs was given an array of the shape {list(x.shape)}")
    given = (x, w) if bias is None else (x, w, bias)
    if x.ndim != 2 or not can_use_kernels(*given):
        return plain.linear(x, w, bias, slope=slope)
    return _Forward(x, w, slope)(*given)


class _Forward(Function):
    """x, w and perhaps a bias -> y."""

    def __init__(self, x, w, slope: float = 1.0):
        super().__init__(x, w)
        self.slope = slope

    def execute(self, x, w, *bias):
        self.biased = bool(bias)
        inputs = [x, w, *(bias or [jt.zeros((w.shape[0],))])]
        (y,) = call_kernel("dense", inputs, [[x.shape[0], w.shape[0]]], slope=self.slope)
        if self.slope != 1:
            self.kept += (y,)
        return y

    def grad(self, dy):
        x, w, *y = self.kept
        if Function.taping:
            if y:
                dy = Masked(*y, self.slope)(dy)
            dx, dw, dbias = _BackwardData(dy, w)(dy, w), _BackwardWeights(dy, x)(dy, x), dy.sum(0)
        else:
            y = y[0] if y else dy
            dx = _backward_data(dy, y, w, self.slope)
            dw, dbias = _backward_weights(dy, y, x, self.slope)
        return (dx, dw, dbias) if self.biased else (dx, dw)


class _BackwardData(Function):
    """dy, w -> dx."""

    def execute(self, dy, w):
        return _backward_data(dy, dy, w, 1)

    def grad(self, dx):
        dy, w = self.kept
        return _Forward(dx, w)(dx, w), _BackwardWeights(dy, dx)(dy, dx)


class _BackwardWeights(Function):
    """dy, x -> dw."""

    def execute(self, dy, x):
        return _backward_weights(dy, dy, x, 1)[0]

    def grad(self, dw):
        dy, x = self.kept
        return _Forward(x, dw)(x, dw), _BackwardData(dy, dw)(dy, dw)


def _backward_data(dy, y, w, slope: float):
    shape = [dy.shape[0], w.shape[1]]
    return call_kernel("dense_backward_data", [dy, y, w], [shape], slope=slope)[0]


def _backward_weights(dy, y, x, slope: float) -> list:
    shapes = [[dy.shape[1], x.shape[1]], [dy.shape[1]]]
    return call_kernel("dense_backward_weights", [dy, y, x], shapes, slope=slope)
