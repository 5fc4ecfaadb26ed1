"""The convolutions' kernels against sums over windows in float64."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from derivatives import require_values_and_derivatives
from hypothesis import assume, given
from hypothesis import strategies as st

from jgan.kernels.convolve import conv, conv_transpose

pytestmark = pytest.mark.cpu("kernels are for the CPU")


def convolved(x, w, bias, stride, padding):
    """The sum, over places in the window, of what lies under each place times its weights."""
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    height, width = ((length - k) // s + 1 for length, k, s in zip(x.shape[2:], w.shape[2:], stride))
    y = np.zeros((len(x), len(w), height, width))
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            under = x[:, :, i : i + stride[0] * height : stride[0], j : j + stride[1] * width : stride[1]]
            y += np.einsum("nchw,oc->nohw", under, w[:, :, i, j], optimize=True)
    return y + bias.reshape((-1, 1, 1))


def convolved_transposed(x, w, bias, stride, padding, output_padding):
    """Each pixel of x lays its multiple of the weights down, at distances of the stride."""
    n, _, height, width = x.shape
    kh, kw = w.shape[2:]
    whole = np.zeros((n, w.shape[1], (height - 1) * stride[0] + kh + 9, (width - 1) * stride[1] + kw + 9))
    for i in range(height):
        for j in range(width):
            top, left = i * stride[0], j * stride[1]
            whole[:, :, top : top + kh, left : left + kw] += np.einsum("nc,cohw->nohw", x[:, :, i, j], w, optimize=True)
    bottom = (height - 1) * stride[0] + kh - padding[0] + output_padding[0]
    right = (width - 1) * stride[1] + kw - padding[1] + output_padding[1]
    return whole[:, :, padding[0] : bottom, padding[1] : right] + bias.reshape((-1, 1, 1))


CASES = [  # x, channels of the result, window, stride, padding
    ((2, 3, 9, 8), 5, (4, 4), (2, 2), (1, 1)),
    ((1, 1, 1, 1), 1, (1, 1), (1, 1), (0, 0)),
    ((3, 2, 7, 11), 4, (5, 3), (2, 1), (2, 0)),
    ((1, 16, 12, 12), 16, (3, 3), (1, 1), (1, 1)),
    ((2, 32, 8, 8), 16, (4, 4), (2, 2), (1, 1)),
    ((1, 3, 20, 20), 4, (7, 7), (1, 1), (0, 0)),
    ((2, 16, 1, 2), 32, (3, 3), (1, 1), (1, 1)),
    ((3, 3, 33, 50), 16, (4, 4), (2, 2), (1, 1)),
    ((1, 1, 90, 80), 32, (7, 7), (1, 1), (3, 2)),
    ((2, 5, 7, 9), 20, (5, 5), (3, 1), (2, 1)),
    ((2, 8, 11, 12), 16, (2, 3), (3, 4), (0, 0)),
    ((3, 1, 90, 80), 32, (7, 7), (1, 1), (3, 2)),
    ((2, 2, 9, 5), 16, (3, 5), (1, 1), (3, 4)),
    ((2, 32, 8, 9), 3, (4, 4), (2, 2), (1, 1)),
    ((2, 16, 20, 21), 32, (3, 3), (1, 1), (1, 1)),
    *[((2, 3, 11, 25), 20, (1, 1), stride, (0, 0)) for stride in ((1, 2), (1, 3), (2, 1))],
]
BY_PATCHES = [  # by patches.hpp: of one image and of several, of one place and of many, deeper and wider than a panel
    ((1, 70, 9, 9), 40, (3, 3), (1, 1), (1, 1)),
    ((7, 130, 4, 4), 30, (4, 4), (1, 1), (0, 0)),
    ((3, 40, 8, 6), 100, (4, 4), (2, 2), (1, 1)),
    ((1, 33, 2, 2), 65, (4, 4), (2, 2), (1, 1)),
    ((2, 2, 1, 3), 5, (5, 2), (3, 1), (2, 1)),
]
BY_TILES = [  # by winograd.hpp: short and long tiles, the last ones cut off; images in several groups
    ((6, 64, 23, 18), 64, (4, 4), (2, 2), (1, 1)),
    ((10, 64, 31, 30), 80, (4, 4), (2, 2), (1, 0)),
    ((8, 64, 19, 16), 80, (5, 5), (2, 2), (2, 2)),
    ((16, 80, 25, 22), 64, (5, 5), (2, 2), (0, 2)),
    ((6, 64, 130, 129), 64, (4, 4), (2, 2), (1, 1)),
    ((5, 80, 13, 10), 64, (5, 5), (1, 1), (2, 2)),
    ((6, 64, 16, 15), 64, (5, 5), (1, 1), (0, 1)),
    ((4, 80, 17, 15), 64, (4, 4), (1, 1), (2, 2)),
    ((3, 64, 15, 14), 80, (4, 4), (1, 1), (1, 0)),
]


@pytest.mark.parametrize(("shape", "n_out", "window", "stride", "padding"), [*CASES, *BY_PATCHES, *BY_TILES])
@pytest.mark.parametrize("with_bias", [False, True])
def test_convolution(shape, n_out, window, stride, padding, with_bias):
    random = np.random.default_rng(0)
    x, w, bias = random.normal(size=shape), random.normal(size=(n_out, shape[1], *window)), random.normal(size=n_out)
    require_values_and_derivatives(
        lambda x, w, *bias: conv(x, w, bias[0] if bias else None, stride=stride, padding=padding),
        lambda x, w, *bias: convolved(x, w, bias[0] if bias else np.zeros(n_out), stride, padding),
        [x, w, *([bias] if with_bias else [])],
        random,
    )


@pytest.mark.parametrize(("shape", "n_out", "window", "stride", "padding"), [*CASES, *BY_PATCHES, *BY_TILES[:4]])
@pytest.mark.parametrize("output_padding", [0, 1])
def test_transposed_convolution(shape, n_out, window, stride, padding, output_padding):
    output_padding = tuple(min(output_padding, s - 1) for s in stride)
    random = np.random.default_rng(0)
    x, w, bias = random.normal(size=shape), random.normal(size=(shape[1], n_out, *window)), random.normal(size=n_out)
    options = {"stride": stride, "padding": padding, "output_padding": output_padding}
    require_values_and_derivatives(
        lambda x, w, bias: conv_transpose(x, w, bias, **options),
        lambda x, w, bias: convolved_transposed(x, w, bias, **options),
        [x, w, bias],
        random,
    )


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 40), st.integers(1, 40)),
    st.integers(1, 20),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.integers(0, 2**32 - 1),
)
def test_convolution_of_any_shape(shape, n_out, window, stride, padding, seed):
    assume(all(length + 2 * p >= k for length, p, k in zip(shape[2:], padding, window)))
    random = np.random.default_rng(seed)
    x, w = random.normal(size=shape).astype(np.float32), random.normal(size=(n_out, shape[1], *window))
    w = w.astype(np.float32)
    y = conv(jt.array(x), jt.array(w), None, stride=stride, padding=padding).numpy()
    expected = convolved(x.astype(np.float64), w.astype(np.float64), np.zeros(n_out), stride, padding)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_an_infinity_and_nan_stay_visible():
    x = np.ones((1, 2, 5, 5), np.float32)
    x[0, 0, 0, 0], x[0, 1, 4, 4] = np.inf, np.nan
    y = conv(jt.array(x), jt.ones((3, 2, 2, 2)), None, stride=(1, 1), padding=(0, 0)).numpy()
    assert np.isinf(y[0, :, 0, 0]).all() and np.isnan(y[0, :, 3, 3]).all() and np.isfinite(y).sum() == 3 * 14


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_by_tiles_they_stay_visible(value):
    x = np.ones((8, 64, 16, 16), np.float32)
    x[3, 5, 6, 8] = value
    y = conv(jt.array(x), jt.ones((64, 64, 4, 4)), None, stride=(2, 2), padding=(1, 1)).numpy()
    assert not np.isfinite(y[3, :, 2:4, 3:5]).any() and np.isfinite(np.delete(y, 3, axis=0)).all()


def test_a_thousand_shapes_are_not_all_kept():
    """Those that are forgotten are set up anew."""
    w = jt.ones((1, 1, 1, 1))
    for _ in range(2):
        for width in range(1, 601):
            y = conv(jt.ones((1, 1, 1, width)), w, None, stride=(1, 1), padding=(0, 0))
            assert y.shape == [1, 1, 1, width] and y.numpy().sum() == width
