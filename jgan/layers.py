"""Layers that agree with PyTorch where Jittor's own do not."""

from __future__ import annotations

import math
from contextlib import contextmanager
from functools import lru_cache

import jittor as jt
import numpy as np
from jittor import nn

from jgan import memory, processes
from jgan.kernels.activate import leaky_relu, tanh
from jgan.kernels.convolve import conv, conv_transpose
from jgan.kernels.dense import linear, normalized_linear
from jgan.kernels.normalize import batch_norm, instance_norm, normalize_by
from jgan.kernels.pad import reflection_pad
from jgan.kernels.plain import dropped, unit
from jgan.kernels.shared_normalize import shared_batch_norm
from jgan.kernels.spectral import spectral_norm


class Conv(nn.Conv):
    """`jittor.nn.Conv`, faster on the CPU; it has one group and no dilation."""

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, *, stride: int = 1, padding: int = 0, bias: bool = True
    ):
        _require_room(n_in, n_out, kernel_size, kernel_size)
        super().__init__(n_in, n_out, kernel_size, stride=stride, padding=padding, bias=bias)

    def execute(self, x):
        return self._convolved(x, self.weight)

    def _convolved(self, x, weight):
        _require_images(x, self.in_channels)
        if min(length - k + 2 * p for length, k, p in zip(x.shape[2:], self.kernel_size, self.padding)) < 0:
            raise ValueError(f"images of the shape {list(x.shape)} are smaller than a window of {self.kernel_size}")
        return conv(x, weight, self.bias, stride=self.stride, padding=self.padding)


class ConvTranspose(nn.ConvTranspose):
    """`jittor.nn.ConvTranspose`, faster on the CPU; it has one group and no dilation."""

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, *,
        stride: int = 1, padding: int = 0, output_padding: int = 0, bias=True,
    ):  # fmt: skip
        _require_room(n_in, n_out, kernel_size, kernel_size)
        super().__init__(
            n_in, n_out, kernel_size, stride=stride, padding=padding, output_padding=output_padding, bias=bias
        )

    def execute(self, x):
        _require_images(x, self.in_channels)
        lengths = zip(x.shape[2:], self.kernel_size, self.stride, self.padding, self.output_padding)
        if min((length - 1) * s - 2 * p + k + more for length, k, s, p, more in lengths) < 1:
            raise ValueError(f"without the padding {self.padding}, nothing is left of images of shape {list(x.shape)}")
        options = {"stride": self.stride, "padding": self.padding, "output_padding": self.output_padding}
        return conv_transpose(x, self.weight, self.bias, **options)


class Linear(nn.Linear):
    """`jittor.nn.Linear`, faster on the CPU; called with options, it computes what follows, too.

    slope: of a LeakyReLU that follows, 0 of a ReLU, 1 of none; dropout: the rate of one that follows. tanh: whether a
    hyperbolic tangent follows instead. norm: a BatchNorm in evaluation that comes before the LeakyReLU.
    """

    def __init__(self, n_in: int, n_out: int, *, bias: bool = True):
        _require_room(n_in, n_out)
        super().__init__(n_in, n_out, bias=bias)

    def execute(self, x, **options):
        return self._computed(x, self.weight, **options)

    def _computed(self, x, weight, *, slope: float = 1.0, dropout: float = 0.0, tanh: bool = False, norm=None):
        if not isinstance(x, jt.Var):
            raise ValueError(f"a dense layer was given {type(x).__name__}, not a Var: see jt.array")
        if norm is None:
            return linear(x, weight, self.bias, slope=slope, dropout=dropout, tanh=tanh)
        if x.ndim != 2:  # whose channels are not what this layer puts out
            return norm(linear(x, weight, self.bias), slope=slope)
        statistics = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
        return normalized_linear(x, weight, self.bias, statistics, eps=norm.eps, slope=slope)


class Embedding(nn.Embedding):
    """`jittor.nn.Embedding`, refused in a sentence where there is no memory for it."""

    def __init__(self, n: int, dim: int):
        _require_room(n, dim)
        super().__init__(n, dim)


class SpectralConv(Conv):
    """`Conv` under spectral normalisation: see `spectrally_normalized`."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.tracked = True
        self.running_u = _random_unit(self.weight.shape[0])

    def execute(self, x):
        return self._convolved(x, spectrally_normalized(self))


class SpectralLinear(Linear):
    """`Linear` under spectral normalisation: see `spectrally_normalized`."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.tracked = True
        self.running_u = _random_unit(self.weight.shape[0])

    def execute(self, x, **options):
        return self._computed(x, spectrally_normalized(self), **options)


def spectrally_normalized(layer):
    """The weight of a layer, as a matrix with a row for each output, divided by its largest singular value sigma.

    Miyato et al. 2018 (arXiv:1802.05957, algorithm 1). sigma is found by power iteration, one round in each pass, from
    the vector that the pass before left in `layer.running_u`. A pass in evaluation, or within `untracked`, leaves none.
    """
    weight, u = spectral_norm(layer.weight, layer.running_u)
    if layer.tracked and layer.is_training():
        with jt.no_grad():
            layer.running_u.update(u)
    return weight


def _random_unit(n: int):
    return unit(jt.randn((n,))).stop_grad()


def _require_images(x, channels: int) -> None:
    if not isinstance(x, jt.Var) or "float" not in str(x.dtype):
        kind = f"a Var of {x.dtype}" if isinstance(x, jt.Var) else type(x).__name__
        raise ValueError(f"a convolution was given {kind}, not a Var of floats: see jt.array and Var.float32")
    if x.ndim != 4 or x.shape[1] != channels:
        raise ValueError(f"a convolution over {channels} channels was given an input of shape {list(x.shape)}")


class LeakyReLU(nn.Module):
    """max(x, 0) + slope min(x, 0), for a slope of 0 or more."""

    def __init__(self, slope: float):
        if not 0 <= slope < math.inf:
            raise ValueError(f"a LeakyReLU's slope must be a number of at least 0, not {slope}")
        self.slope = slope

    def execute(self, x):
        return leaky_relu(x, self.slope)


class ReLU(LeakyReLU):
    """max(x, 0)."""

    def __init__(self):
        super().__init__(0)


class Dropout(nn.Dropout):
    """`jittor.nn.Dropout`, active until it is told otherwise; p is below 1.

    Where several processes share a batch, each drops from its share what a single one would.
    """

    def __init__(self, p: float):
        if not 0 <= p < 1:
            raise ValueError(f"a dropout's rate must be at least 0 and below 1, not {p}")
        super().__init__(p, is_train=True)

    @property
    def rate(self) -> float:
        return self.p if self.is_train else 0.0

    def execute(self, x):
        return dropped(x, self.rate)


class Sequential(nn.Sequential):
    """`jittor.nn.Sequential`, in which a layer is computed with what comes after it, where one kernel does both.

    That is the (leaky) ReLU after a dense layer or a normalisation, the dropout or hyperbolic tangent after a dense
    layer, and where nothing is to be differentiated its BatchNorm in evaluation; all of this module, not of a class
    derived from it.
    """

    def execute(self, x):
        for layer, options in self._joined():
            x = layer(x, **options)
        return x

    def _joined(self) -> list:
        """The layers that are computed, each with its options."""
        joined = []
        for layer in self.layers.values():
            before, options = joined[-1] if joined else (None, {})
            option = _as_option(layer, before, options.keys())
            if option:
                options.update(option)
            else:
                joined.append((layer, {}))
        return joined


def _as_option(layer, before, taken) -> dict:
    """The option by which `before`, of which these are taken, computes `layer`, too; {} if there is none."""
    kind, is_dense = type(layer), type(before) in (Linear, SpectralLinear)
    if kind in (LeakyReLU, ReLU) and (is_dense or type(before) in (BatchNorm, InstanceNorm)):
        return {"slope": layer.slope} if taken.isdisjoint({"slope", "tanh"}) else {}
    if kind is Dropout and is_dense:
        return {"dropout": layer.rate} if taken.isdisjoint({"dropout", "tanh", "norm"}) else {}
    if kind is BatchNorm and is_dense and not taken and layer.is_fixed(len(before.weight)):
        return {"norm": layer}
    return {"tanh": True} if kind is Tanh and is_dense and not taken else {}


class BatchNorm(nn.Module):
    """Batch normalisation over all axes but the channel axis 1 (Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1).

    Input and output: float32 (N, C) or (N, C, H, W). Two things differ from `jittor.nn.BatchNorm`, and equal PyTorch:
    the variance is taken in two passes, so that a large mean with a small spread keeps its digits, and `running_var`
    averages the unbiased variance (divisor n - 1). In training a batch of a single value per channel raises ValueError.
    Where several processes share a batch, its statistics are those of the whole. affine: whether a scale and a shift of
    each channel are learned.
    """

    def __init__(self, num_features: int, *, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True):
        _require_room(num_features)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.tracked = True
        self.weight = jt.ones((num_features,)) if affine else None
        self.bias = jt.zeros((num_features,)) if affine else None
        self.running_mean = jt.zeros((num_features,)).stop_grad()
        self.running_var = jt.ones((num_features,)).stop_grad()

    def execute(self, x, slope: float = 1.0):
        """slope: that of a LeakyReLU to apply as well; 1 for none."""
        return self._normalized(x, self.weight, self.bias, slope)

    def is_fixed(self, n: int) -> bool:
        """Whether it now is a fixed function of each of n channels, of which nobody asks the derivative."""
        return jt.flags.no_grad and not self.is_training() and self.weight is not None and self.num_features == n

    def _normalized(self, x, weight, bias, slope: float):
        if x.ndim < 2 or x.shape[1] != self.num_features:
            raise ValueError(f"BatchNorm over {self.num_features} channels was given an input of shape {list(x.shape)}")
        if weight is None:
            weight, bias = (jt.full((self.num_features,), value).stop_grad() for value in (1.0, 0.0))
        options = {"eps": self.eps, "slope": slope}
        if not self.is_training():
            return normalize_by(x, weight, bias, self.running_mean, self.running_var, **options)
        n = processes.size() * x.numel() // self.num_features
        if n < 2:
            raise ValueError(
                f"BatchNorm needs more than one value per channel to train on, and got the shape {list(x.shape)}"
            )
        by_batch = batch_norm if processes.size() == 1 else shared_batch_norm
        y, mean, variance = by_batch(x, weight, bias, **options)
        if self.tracked:
            self._track(mean, variance * (n / (n - 1)))
        return y

    def _track(self, mean, variance):
        with jt.no_grad():
            self.running_mean.update(self.running_mean + (mean - self.running_mean) * self.momentum)
            self.running_var.update(self.running_var + (variance - self.running_var) * self.momentum)


class ConditionalBatchNorm(BatchNorm):
    """BatchNorm whose scale and shift are those of each image's class (Dumoulin et al. 2017, arXiv:1610.07629, eq. 5).

    Input: float32 (N, C, H, W) and its labels' `one_hot`, (N, n_classes). All classes share the statistics of the
    batch. What PyTorch users build of BatchNorm2d(affine=False) and an Embedding.
    """

    def __init__(self, num_features: int, n_classes: int, *, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(num_features, eps=eps, momentum=momentum, affine=False)
        _require_room(n_classes, num_features)
        self.weight = jt.ones((n_classes, num_features))
        self.bias = jt.zeros((n_classes, num_features))

    def execute(self, x, one_hot, slope: float = 1.0):
        require_shape("one_hot", one_hot, (len(x), len(self.weight)))
        # y = gamma_c (x - mean) / sqrt(var + eps) + beta_c    for an image of the class c
        gamma, beta = (jt.matmul(one_hot, each) for each in (self.weight, self.bias))
        return self._normalized(x, gamma, beta, slope)


class InstanceNorm(nn.Module):
    """Instance normalisation: each channel of each image by its own mean and variance (arXiv:1607.08022).

    Input and output: float32 (N, C, H, W). As PyTorch's, and unlike `jittor.nn.InstanceNorm`, it has no scale and
    shift, takes the variance in two passes, and raises ValueError for images of a single pixel.
    """

    def __init__(self, num_features: int, *, eps: float = 1e-5):
        self.num_features = num_features
        self.eps = eps

    def execute(self, x, slope: float = 1.0):
        """slope: that of a LeakyReLU to apply as well; 1 for none."""
        if x.ndim != 4 or x.shape[1] != self.num_features or x.shape[2] * x.shape[3] < 2:
            raise ValueError(
                f"InstanceNorm over {self.num_features} channels needs images of more than one pixel, "
                f"and was given the shape {list(x.shape)}"
            )
        return instance_norm(x, eps=self.eps, slope=slope)


class ReflectionPad(nn.Module):
    """Mirror `n` pixels at every border of (N, C, H, W); both sides must be longer than n."""

    def __init__(self, n: int):
        self.n = n

    def execute(self, x):
        if min(x.shape[2:]) <= self.n:
            raise ValueError(f"images of the shape {list(x.shape)} are too small to mirror {self.n} pixels")
        return reflection_pad(x, self.n)


class UpsampleNearest2x(nn.Module):
    """Every pixel four times: (N, C, H, W) -> (N, C, 2H, 2W), nearest neighbours."""

    def execute(self, x):
        n, channels, height, width = x.shape
        x = x.reshape((n, channels, height, 1, width, 1)).broadcast((n, channels, height, 2, width, 2))
        return x.reshape((n, channels, 2 * height, 2 * width))


def enlarging(n_in: int, n_out: int, upsample: str, *, kernel: int = 3, bias: bool = True, padding=None) -> list:
    """Layers that double height and width: (N, n_in, H, W) -> (N, n_out, 2H, 2W).

    upsample: "deconv", a transposed convolution by windows of `kernel`, 3 or 4; or "resize", nearest neighbours and a
    convolution by 3x3, which leaves no checkerboard (Odena et al. 2016, doi:10.23915/distill.00003). Any other raises
    ValueError. padding: of that convolution, the constructor of a layer which pads by 1, or None for zeros.
    """
    if upsample == "resize":
        layers = [UpsampleNearest2x(), *([padding(1)] if padding else [])]
        return [*layers, Conv(n_in, n_out, 3, padding=0 if padding else 1, bias=bias)]
    if upsample != "deconv":
        raise ValueError(f"upsample must be deconv or resize, not {upsample}")
    if kernel not in (3, 4):
        raise ValueError(f"a transposed convolution that doubles has a window of 3 or 4, not {kernel}")
    return [ConvTranspose(n_in, n_out, kernel, stride=2, padding=1, output_padding=kernel % 2, bias=bias)]


class Tanh(nn.Module):
    """Hyperbolic tangent whose gradient stays finite: Jittor's is NaN from |x| = 50 on.

    Whole numbers become float32: Jittor makes float16 of small ones.
    """

    def execute(self, x):
        return tanh(x if "float" in str(x.dtype) else x.float32())


class ResizeBilinear(nn.Module):
    """Bilinear resizing to `size` = (height, width): (N, C, h, w) -> (N, C, height, width), corners not aligned.

    What PyTorch's `interpolate(mode="bilinear")` computes, as two products with the matrices of the two axes: Jittor's
    own gathers pixel by pixel, which takes longer than the convolutions around it.
    """

    def __init__(self, size: tuple[int, int]):
        self.size = size

    def execute(self, x):
        return _resized(x, *(_bilinear(*pair) for pair in zip(x.shape[2:], self.size)))


class HalveByAverage(nn.Module):
    """The mean of the 3x3 pixels around every second one: (N, C, H, W) -> (N, C, H/2, W/2), rounded up.

    At the border it is the mean of those that there are: PyTorch's `avg_pool2d` without its padding.
    """

    def execute(self, x):
        return _resized(x, *(_halving(side) for side in x.shape[2:]))


def _resized(x, to_height: np.ndarray, to_width: np.ndarray):
    """Images (N, C, h, w) by the matrices of both axes, (h, height) and (w, width): (N, C, height, width)."""
    n, channels, height, width = x.shape
    x = jt.matmul(x.reshape((-1, width)), jt.array(to_width)).reshape((n * channels, height, -1)).transpose((0, 2, 1))
    x = jt.matmul(x.reshape((-1, height)), jt.array(to_height))
    return x.reshape((n, channels, to_width.shape[1], to_height.shape[1])).transpose((0, 1, 3, 2))


@lru_cache(maxsize=64)
def _bilinear(old: int, new: int) -> np.ndarray:
    """The matrix (old, new) that resizes a row: each new point weighs its two neighbours by their nearness."""
    centres = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.maximum(0, 1 - np.abs(np.arange(old)[:, None] - centres)).astype(np.float32)


@lru_cache(maxsize=64)
def _halving(old: int) -> np.ndarray:
    """The matrix (old, old / 2 rounded up) of the means of every second point and its neighbours."""
    weights = np.abs(np.arange(old)[:, None] - np.arange(0, old, 2)) <= 1
    return (weights / weights.sum(0)).astype(np.float32)


def init_normal(network: nn.Module) -> None:
    """Draw the weights anew as DCGAN does (Radford et al. 2016, arXiv:1511.06434, section 4): N(0, 0.02), biases 0.

    The scales of BatchNorm are drawn from N(1, 0.02), as in the authors' program.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv, nn.ConvTranspose, nn.Linear, BatchNorm)) and module.weight is not None:
            jt.init.gauss_(module.weight, 1 if isinstance(module, BatchNorm) else 0, 0.02)
            if module.bias is not None:
                jt.init.zero_(module.bias)


def init_he(network: nn.Module) -> None:
    """Draw the weights of convolutions anew for ReLUs without normalisation: N(0, sqrt(2 / n)), biases 0.

    n: how many values an output adds up (He et al. 2015, arXiv:1502.01852, section 2.2).
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv, nn.ConvTranspose)):
            jt.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                jt.init.zero_(module.bias)


def as_labels(labels, n_classes: int):
    """Labels (a Var, an array or a list of length N) as an int32 Var of shape (N,).

    Raises ValueError unless they are whole numbers in 0 .. n_classes-1: for any other, Jittor's Embedding returns
    whatever lies in memory.
    """
    values = labels.numpy() if isinstance(labels, jt.Var) else np.asarray(labels)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"labels must be whole numbers in 0 .. {n_classes - 1}; got {values.tolist()}")
    if values.ndim != 1:
        raise ValueError(f"labels must have the shape (N,), not {values.shape}")
    good = (values == np.floor(values)) & (values >= 0) & (values < n_classes)
    if not good.all():
        raise ValueError(f"labels must be whole numbers in 0 .. {n_classes - 1}; got {values[~good][0]}")
    return labels.int32() if isinstance(labels, jt.Var) else jt.array(values.astype(np.int32))


def one_hot(labels, n_classes: int):
    """Labels (see `as_labels`) as float32 (N, n_classes): 1 in the column of the class, 0 elsewhere."""
    return (as_labels(labels, n_classes).unsqueeze(1) == jt.arange(n_classes)).float32()


def require_shape(name: str, var, shape: tuple) -> None:
    """ValueError, naming the input and both shapes, unless the Var or array has this shape."""
    if tuple(var.shape) != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {tuple(var.shape)}")


@contextmanager
def evaluating(network: nn.Module):
    """Within this context the network uses its running statistics, drops nothing out and records no gradients.

    Give it a whole network, not a part of one: Jittor's eval() also freezes the parameters, and train() thaws only what
    the same module froze.
    """
    was_training = network.is_training()
    network.eval()
    try:
        with jt.no_grad():
            yield network
    finally:
        if was_training:
            network.train()


@contextmanager
def untracked(network: nn.Module):
    """Within this context BatchNorm uses the statistics of the batch, as in training, and leaves its running ones.

    Nor does spectral normalisation keep its vectors. For a network that another one's update only passes through.
    """
    tracking = [module for module in network.modules() if getattr(module, "tracked", False)]
    for module in tracking:
        module.tracked = False
    try:
        yield network
    finally:
        for module in tracking:
            module.tracked = True


def trainable(network: nn.Module) -> list:
    """The parameters an optimizer moves, in a fixed order: `network.parameters()` without running statistics."""
    return [var for name, var in network.state_dict().items() if not name.split(".")[-1].startswith("running_")]


def _require_room(*shape: int) -> None:
    """UserError if a weight of this shape does not fit into memory (see `jgan.memory.add`)."""
    memory.add(4 * math.prod(shape), f"the weights of shape {list(shape)}")
