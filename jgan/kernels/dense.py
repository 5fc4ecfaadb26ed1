"""Dense layers for a batch of rows, with the bias and what is computed of each sum after it, as one kernel.

x w' is linear in the rows x and in the weights w. It and its two derivatives are three functions, each of two among
x, w and y; the derivatives of each are the two others, which makes them right to any order.
"""

from __future__ import annotations

import jittor as jt

from jgan import processes
from jgan.kernels import activate, call_kernel, can_use_kernels, plain
from jgan.kernels.function import Function
from jgan.kernels.normalize import normalize_by


def linear(x, w, bias, *, slope: float = 1.0, dropout: float = 0.0, tanh: bool = False):
    """x (N, I), w (O, I), bias (O,) or None -> leaky_relu(x w' + bias) (N, O); slope 1 is none.

    dropout: the share of y, below 1, that is made 0, while the rest is divided by 1 - dropout. Several processes that
    share a batch drop from it what a single one would. tanh: the hyperbolic tangent instead, with neither of the two.
    Raises ValueError for rows of another length than I.
    """
    _require_rows(x, w)
    given = (x, w) if bias is None else (x, w, bias)
    if x.ndim != 2 or not can_use_kernels(*given):
        y = plain.linear(x, w, bias, slope=slope, dropout=dropout)
        return activate.tanh(y) if tanh else y
    return _Forward(*given, slope=slope, dropout=dropout, tanh=tanh)(*given)


def normalized_linear(x, w, bias, statistics: tuple, *, eps: float, slope: float = 1.0):
    """`normalize_by` of `linear`: x (N, I), w (O, I), bias (O,) or None -> (N, O).

    statistics: scale, shift, mean and variance of each output, (O,). The kernel serves under no_grad. Raises ValueError
    as `linear` does.
    """
    _require_rows(x, w)
    if not (jt.flags.no_grad and can_use_kernels(x, w, *statistics)):
        return normalize_by(linear(x, w, bias), *statistics, eps=eps, slope=slope)
    inputs = [x, w, jt.zeros((w.shape[0],)) if bias is None else bias, *statistics]
    options = {"slope": slope, "tanh": False, "rate": 0, "first_row": 0, "eps": eps, "drawn": 0}
    return call_kernel("dense", inputs, [[x.shape[0], w.shape[0]]], **options)[0]


def _require_rows(x, w) -> None:
    if x.shape[-1] != w.shape[1]:
        raise ValueError(f"a dense layer of {w.shape[1]} inputs was given an array of the shape {list(x.shape)}")


class _Forward(Function):
    """x, w and perhaps a bias -> y."""

    def __init__(self, x, w, *bias, slope: float = 1.0, dropout: float = 0.0, tanh: bool = False):
        super().__init__(x, w, bias[0] if bias else None)
        self.slope, self.dropout, self.tanh = slope, dropout, tanh

    def execute(self, x, w, *bias):
        inputs = [x, w, *(bias or [jt.zeros((w.shape[0],))])]
        shape = [x.shape[0], w.shape[0]]
        first_row = processes.rank() * x.shape[0] if self.dropout and processes.size() > 1 else 0
        self.dropped = {"rate": self.dropout, "first_row": first_row}
        options = {"slope": self.slope, "tanh": self.tanh, **self.dropped, "eps": 0}
        if self.dropout:
            y, self.seed = call_kernel("dense", inputs, [shape, [1]], draws=True, **options)
        else:
            (y,) = call_kernel("dense", inputs, [shape], **options, drawn=0)
        self.kept += (y if self.slope != 1 or self.tanh else None,)
        return y

    def grad(self, dy):
        x, w, bias, y = self.kept
        seed = [self.seed] if self.dropout else []
        if self.tanh:
            if Function.taping:
                y = linear(x, w, bias, tanh=True)  # of which there is a derivative, too
            dy, y = dy * (1 - y * y), None
        if Function.taping:
            if seed:
                dy = dy * call_kernel("dropout_factors", seed, [dy.shape], **self.dropped)[0]
            if y is not None:
                dy = activate.Masked(y, self.slope)(dy)
            dx, dw, dbias = _BackwardData(dy, w)(dy, w), _BackwardWeights(dy, x)(dy, x), dy.sum(0)
        else:
            y = dy if y is None else y
            dx = _backward_data(dy, y, w, *seed, slope=self.slope, **self.dropped)
            dw, dbias = _backward_weights(dy, y, x, *seed, slope=self.slope, **self.dropped)
        return (dx, dw) if bias is None else (dx, dw, dbias)


class _BackwardData(Function):
    """dy, w -> dx."""

    def execute(self, dy, w):
        return _backward_data(dy, dy, w)

    def grad(self, dx):
        dy, w = self.kept
        return _Forward(dx, w)(dx, w), _BackwardWeights(dy, dx)(dy, dx)


class _BackwardWeights(Function):
    """dy, x -> dw."""

    def execute(self, dy, x):
        return _backward_weights(dy, dy, x)[0]

    def grad(self, dw):
        dy, x = self.kept
        return _Forward(x, dw)(x, dw), _BackwardData(dy, dw)(dy, dw)


def _backward_data(dy, y, w, *seed, slope=1, rate=0, first_row=0):
    shape = [dy.shape[0], w.shape[1]]
    options = {"slope": slope, "rate": rate, "first_row": first_row}
    return call_kernel("dense_backward_data", [dy, y, w, *seed], [shape], **options)[0]


def _backward_weights(dy, y, x, *seed, slope=1, rate=0, first_row=0) -> list:
    shapes = [[dy.shape[1], x.shape[1]], [dy.shape[1]]]
    options = {"slope": slope, "rate": rate, "first_row": first_row}
    return call_kernel("dense_backward_weights", [dy, y, x, *seed], shapes, **options)
