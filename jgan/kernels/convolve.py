"""Convolution and transposed convolution: by oneDNN, with what it sets up kept between calls, or where that is faster
by patches.hpp, winograd.hpp and columns.hpp.

Convolution is linear in its images x and in its weights w. It and its two derivatives are three functions, each of two
among x, w and y; the derivatives of each are the two others, which makes them right to any order.
"""

from __future__ import annotations

import jittor as jt

from jgan.kernels import call_kernel, can_use_kernels, plain
from jgan.kernels.function import Function
from jgan.kernels.library import onednn

FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS = range(3)  # as in geometry.hpp


def conv(x, w, bias, *, stride: tuple, padding: tuple):
    """x (N, I, H, W), w (O, I, kh, kw), bias (O,) or None -> (N, O, (H + 2 padding - kh) // stride + 1, ...)."""
    given = (x, w) if bias is None else (x, w, bias)
    if not (can_use_kernels(*given) and onednn()):
        return plain.conv(x, w, bias, stride=stride, padding=padding)
    return _Forward(x, w, _Window(stride, padding))(*given)


def conv_transpose(x, w, bias, *, stride: tuple, padding: tuple, output_padding: tuple):
    """x (N, I, H, W), w (I, O, kh, kw), bias (O,) or None ->
    (N, O, (H - 1) stride - 2 padding + kh + output_padding, ...): the derivative of a convolution by its images.
    """
    if not (can_use_kernels(x, w) and onednn()):
        return plain.conv_transpose(x, w, bias, stride=stride, padding=padding, output_padding=output_padding)
    lengths = zip(x.shape[2:], w.shape[2:], stride, padding, output_padding)
    size = [(length - 1) * s - 2 * p + k + more for length, k, s, p, more in lengths]
    y = _BackwardData(x, w, size, _Window(stride, padding))(x, w)
    return y if bias is None else y + bias.broadcast(y, [0, 2, 3])


class _Window:
    """How the weights move over the images; it calls the kernels."""

    def __init__(self, stride: tuple, padding: tuple):
        self.stride = stride
        self.padding = padding

    def forward_size(self, x, w) -> list[int]:
        lengths = zip(x.shape[2:], w.shape[2:], self.stride, self.padding)
        return [(length + 2 * p - k) // s + 1 for length, k, s, p in lengths]

    def compute(self, direction: int, inputs: list, shape: list):
        """Compute y, dx or dw from the other two; one compiled function serves all three."""
        numbers = {
            "direction": direction, "biased": len(inputs) == 3,
            "stride_h": self.stride[0], "stride_w": self.stride[1],
            "padding_h": self.padding[0], "padding_w": self.padding[1],
        }  # fmt: skip
        inputs = inputs if len(inputs) == 3 else [*inputs, jt.zeros((1,))]
        (result,) = call_kernel("convolve", inputs, [shape], **numbers)
        return result


class _Forward(Function):
    """x, w and perhaps a bias -> y."""

    def __init__(self, x, w, window: _Window):
        super().__init__(x, w)
        self.window = window

    def execute(self, x, w, *bias):
        self.biased = bool(bias)
        shape = [x.shape[0], w.shape[0], *self.window.forward_size(x, w)]
        return self.window.compute(FORWARD, [x, w, *bias], shape)

    def grad(self, dy):
        x, w = self.kept
        dx = _BackwardData(dy, w, x.shape[2:], self.window)(dy, w)
        dw = _BackwardWeights(x, dy, w.shape[2:], self.window)(x, dy)
        return (dx, dw, _ChannelSum()(dy)) if self.biased else (dx, dw)


class _BackwardData(Function):
    """dy, w -> dx of this height and width."""

    def __init__(self, dy, w, size: list, window: _Window):
        super().__init__(dy, w)
        self.size, self.window = size, window

    def execute(self, dy, w):
        return self.window.compute(BACKWARD_DATA, [dy, w], [dy.shape[0], w.shape[1], *self.size])

    def grad(self, dx):
        dy, w = self.kept
        return (
            _Forward(dx, w, self.window)(dx, w),
            _BackwardWeights(dx, dy, w.shape[2:], self.window)(dx, dy),
        )


class _BackwardWeights(Function):
    """x, dy -> dw of this height and width."""

    def __init__(self, x, dy, size: list, window: _Window):
        super().__init__(x, dy)
        self.size, self.window = size, window

    def execute(self, x, dy):
        return self.window.compute(BACKWARD_WEIGHTS, [x, dy], [dy.shape[1], x.shape[1], *self.size])

    def grad(self, dw):
        x, dy = self.kept
        return (
            _BackwardData(dy, dw, x.shape[2:], self.window)(dy, dw),
            _Forward(x, dw, self.window)(x, dw),
        )


class _ChannelSum(Function):
    """(N, C, H, W) -> (C,)"""

    def execute(self, x):
        self.shape = x.shape
        rows = x.reshape((x.shape[0], x.shape[1], x.shape[2] * x.shape[3]))
        (sums,) = call_kernel("channel_sum", [rows], [[x.shape[1]]])
        return sums

    def grad(self, dsums):
        return dsums.broadcast(self.shape, [0, 2, 3])
