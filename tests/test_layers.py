"""The layers against numpy in float64."""

from __future__ import annotations

import itertools

import jittor as jt
import numpy as np
import pytest
from jittor import nn

from jgan.layers import (
    BatchNorm,
    ConditionalBatchNorm,
    Conv,
    ConvTranspose,
    Dropout,
    HalveByAverage,
    InstanceNorm,
    LeakyReLU,
    Linear,
    ReflectionPad,
    ReLU,
    ResizeBilinear,
    Sequential,
    SpectralConv,
    SpectralLinear,
    Tanh,
    UpsampleNearest2x,
    as_labels,
    evaluating,
    init_normal,
    one_hot,
    spectrally_normalized,
    trainable,
    untracked,
)
from jgan.optimizers import adam


def batch_norm(x, weight, bias, eps):
    """Ioffe & Szegedy, algorithm 1, in float64. Returns output, mean and biased variance over all but axis 1."""
    axes = (0, *range(2, x.ndim))
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    shape = mean.shape
    y = (x - mean) / np.sqrt(variance + eps) * weight.reshape(shape) + bias.reshape(shape)
    return y, mean.ravel(), variance.ravel()


def layer_with(weight, bias, **options):
    layer = BatchNorm(len(weight), **options)
    layer.weight.assign(weight)
    layer.bias.assign(bias)
    return layer


@pytest.mark.parametrize("shape", [(2, 3), (64, 256), (4, 3, 5, 7), (1, 2, 2, 1)])
@pytest.mark.parametrize("eps", [1e-5, 0.8])
def test_batch_norm_in_training(shape, eps):
    random = np.random.default_rng(0)
    x = random.normal(1, 2, shape).astype(np.float32)
    weight, bias = random.normal(1, 0.5, (2, shape[1])).astype(np.float32)
    layer = layer_with(weight, bias, eps=eps)
    y, mean, variance = batch_norm(x.astype(np.float64), weight, bias, eps)
    np.testing.assert_allclose(layer(jt.array(x)).numpy(), y, rtol=1e-4, atol=1e-5)
    n = x.size // shape[1]
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * variance * n / (n - 1), rtol=1e-5)


def test_batch_norm_in_evaluation_uses_the_running_statistics():
    layer = layer_with(np.float32([2, 3]), np.float32([1, -1]), eps=0.8)
    layer.running_mean.assign(np.float32([5, -5]))
    layer.running_var.assign(np.float32([4, 0.2]))
    layer.eval()
    x = np.float32([[6, -6], [1, 2]])
    expected = (x - [5, -5]) / np.sqrt(np.array([4, 0.2]) + 0.8) * [2, 3] + [1, -1]
    np.testing.assert_allclose(layer(jt.array(x)).numpy(), expected, rtol=1e-5)
    np.testing.assert_array_equal(layer.running_mean.numpy(), [5, -5])


def test_batch_norm_keeps_its_digits_at_a_large_mean():
    x = np.random.default_rng(0).normal(100, 0.01, (64, 4, 8, 8)).astype(np.float32)
    y, _, _ = batch_norm(x.astype(np.float64), np.ones(4), np.zeros(4), 1e-5)
    # Neighbouring float32 numbers near 100 lie 8e-6 apart, which is 8e-4 of this spread; the sum of 4096 loses a few.
    np.testing.assert_allclose(BatchNorm(4)(jt.array(x)).numpy(), y, atol=1e-2)


@pytest.mark.parametrize("with_kernels", [True, False])
def test_a_sequence_computes_its_layers_one_after_another(monkeypatch, with_kernels):
    monkeypatch.setattr("jgan.kernels.wanted", with_kernels)
    layers = [
        LeakyReLU(0.2), Conv(3, 4, 3, padding=1), BatchNorm(4), LeakyReLU(0.1), InstanceNorm(4), ReLU(), BatchNorm(4),
        ConvTranspose(4, 2, 4, stride=2), ReLU(), ReLU(), InstanceNorm(2),
    ]  # fmt: skip
    x = expected = jt.array(np.random.default_rng(0).normal(size=(2, 3, 6, 5)).astype(np.float32))
    for layer in layers:
        expected = layer(expected)
    np.testing.assert_allclose(Sequential(*layers)(x).numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)
    assert (Sequential(BatchNorm(3), LeakyReLU(0.5))(x).numpy() < 0).any()
    assert (Sequential(BatchNorm(3), ReLU())(x).numpy() >= 0).all()


@pytest.mark.parametrize("with_kernels", [True, False])
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_a_sequence_drops_after_a_dense_layer(monkeypatch, with_kernels, order):
    monkeypatch.setattr("jgan.kernels.wanted", with_kernels)
    dense, dropout = Linear(3, 4), Dropout(0.25)
    network = Sequential(dense, *[LeakyReLU(0.2), dropout][order])
    x = jt.array(np.random.default_rng(0).normal(size=(3000, 3)).astype(np.float32))
    whole, left = dense(x, slope=0.2).numpy(), network(x).numpy()
    assert (left == 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_allclose(left[left != 0], whole[left != 0] / 0.75, rtol=1e-5)
    with evaluating(network):
        np.testing.assert_array_equal(network(x).numpy(), whole)


@pytest.mark.parametrize("with_kernels", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("n", [3, 50])
def test_a_sequence_keeps_its_order(monkeypatch, with_kernels, order, n):
    """Of what a dense layer's kernel computes after it, hardly anything commutes."""
    monkeypatch.setattr("jgan.kernels.wanted", with_kernels)
    random, dense, norm = np.random.default_rng(0), Linear(3, 40), BatchNorm(40, eps=0.5)
    scale, shift, mean, variance = arrays = random.uniform(0.5, 2, (4, 40)).astype(np.float32)
    for var, array in zip((norm.weight, norm.bias, norm.running_mean, norm.running_var), arrays):
        var.assign(array)
    norm.eval()
    layers = [[norm, LeakyReLU(0.2), Tanh(), Dropout(0.25)][i] for i in order]
    x = random.normal(size=(n, 3)).astype(np.float32)

    def expected(factor: float) -> np.ndarray:
        """With all values kept, and multiplied by this, or dropped, by 0."""
        functions = [
            lambda x: (x - mean) / np.sqrt(variance + 0.5) * scale + shift,
            lambda x: np.where(x > 0, x, 0.2 * x),
            np.tanh,
            lambda x: x * factor,
        ]
        y = x.astype(np.float64) @ dense.weight.numpy().T + dense.bias.numpy()
        for i in order:
            y = functions[i](y)
        return y

    with jt.no_grad():
        found = Sequential(dense, *layers)(jt.array(x)).numpy()
    kept, dropped = (np.isclose(found, expected(factor), rtol=1e-5, atol=1e-6) for factor in (1 / 0.75, 0))
    assert (kept | dropped).all() and kept.any() and dropped.any()


def test_a_normalisation_after_a_dense_layer_refuses_other_axes():
    network = Sequential(Linear(4, 3), BatchNorm(3))
    network.eval()
    for shape in ([2, 5, 4], [4]):
        with jt.no_grad(), pytest.raises(ValueError, match="BatchNorm over 3 channels was given an input of shape"):
            network(jt.ones(shape))


def test_a_dense_layer_refuses_rows_of_another_length_with_its_normalisation_too():
    network = Sequential(Linear(4, 3), BatchNorm(3))
    network.eval()
    with jt.no_grad(), pytest.raises(ValueError, match=r"of 4 inputs was given an array of the shape \[2, 3\]"):
        network(jt.ones((2, 3)))


def test_a_sequence_calls_layers_of_other_classes():
    class Doubled(BatchNorm):
        def execute(self, x):
            return 2 * super().execute(x)

    class Clipped(ReLU):
        def execute(self, x):
            return jt.minimum(super().execute(x), 0.1)

    dense, norm, clipped = Linear(4, 3), Doubled(3), Clipped()
    network = Sequential(dense, norm, clipped)
    network.eval()
    x = jt.array(np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32))
    with jt.no_grad():
        np.testing.assert_allclose(network(x).numpy(), clipped(norm(dense(x))).numpy(), atol=1e-6)


def test_a_dense_layer_refuses_arrays():
    with pytest.raises(ValueError, match=r"a dense layer was given ndarray, not a Var: see jt\.array"):
        Linear(3, 4)(np.ones((2, 3), np.float32))


@pytest.mark.parametrize("rate", [-0.1, 1])
def test_a_dropout_that_leaves_nothing_is_refused(rate):
    with pytest.raises(ValueError, match="at least 0 and below 1, not"):
        Dropout(rate)


@pytest.mark.parametrize("layer", [Conv(3, 4, 3), ConvTranspose(3, 4, 3)])
def test_a_convolution_refuses_other_channels(layer):
    with pytest.raises(ValueError, match=r"over 3 channels was given an input of shape \[1, 2, 8, 8\]"):
        layer(jt.ones((1, 2, 8, 8)))


@pytest.mark.parametrize("layer", [Conv(3, 4, 3), ConvTranspose(3, 4, 3)])
def test_a_convolution_refuses_all_but_vars_of_floats(layer):
    with pytest.raises(ValueError, match="was given ndarray, not a Var of floats"):
        layer(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(ValueError, match="was given a Var of uint8, not a Var of floats"):
        layer(jt.zeros((1, 3, 8, 8)).uint8())


def test_a_convolution_refuses_images_smaller_than_its_window():
    assert Conv(1, 1, 4, padding=1)(jt.ones((1, 1, 2, 2))).shape == [1, 1, 1, 1]
    with pytest.raises(ValueError, match=r"\[1, 1, 1, 2\] are smaller than a window of \(4, 4\)"):
        Conv(1, 1, 4, padding=1)(jt.ones((1, 1, 1, 2)))


def test_the_gradient_of_batch_norm_agrees_with_finite_differences():
    random = np.random.default_rng(0)
    x, direction, upstream = random.normal(0, 1, (3, 4, 2, 3, 3))
    weight, bias = np.float32([1.5, 0.5]), np.float32([0.1, -0.2])
    layer = layer_with(weight, bias)
    var = jt.array(x.astype(np.float32))
    gradient = jt.grad((layer(var) * jt.array(upstream.astype(np.float32))).sum(), var).numpy()
    step = 1e-6
    above, below = ((batch_norm(x + s * direction, weight, bias, 1e-5)[0] * upstream).sum() for s in (step, -step))
    assert (gradient * direction).sum() == pytest.approx((above - below) / (2 * step), rel=1e-4)


@pytest.mark.parametrize(
    ("shape", "message"), [((1, 3), "more than one value per channel"), ((4, 2), "3 channels"), ((3,), "3 channels")]
)
def test_batch_norm_refuses_what_it_cannot_normalise(shape, message):
    with pytest.raises(ValueError, match=message):
        BatchNorm(3)(jt.zeros(shape))


def test_tanh_and_its_gradient_are_finite_everywhere():
    x = np.float32([-1e30, -60, -20, -1, 0, 0.5, 19, 60, 1e30])
    var = jt.array(x)
    y = Tanh()(var)
    np.testing.assert_allclose(y.numpy(), np.tanh(x.astype(np.float64)), atol=1e-6)
    gradient = jt.grad(y.sum(), var).numpy()
    np.testing.assert_allclose(gradient, 1 - np.tanh(x.astype(np.float64)) ** 2, atol=1e-6)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_tanh_of_nan_is_nan_and_so_is_its_gradient(kind):
    var = jt.array(np.array([np.nan, 0.5], kind), dtype=kind)
    y = Tanh()(var)
    assert np.isnan(y.numpy()).tolist() == [True, False]
    assert np.isnan(jt.grad(y.sum(), var).numpy()).tolist() == [True, False]


@pytest.mark.parametrize("kind", ["uint8", "bool", "int32"])
def test_tanh_of_whole_numbers_is_float32(kind):
    x = np.array([0, 1, 255], kind)
    y = Tanh()(jt.array(x))
    assert y.dtype == "float32"
    np.testing.assert_allclose(y.numpy(), np.tanh(x.astype(np.float64)), rtol=1e-6)


@pytest.mark.parametrize("slope", [-0.5, float("nan"), float("inf")])
def test_a_slope_by_which_the_sign_of_the_output_says_nothing_is_refused(slope):
    with pytest.raises(ValueError, match="at least 0"):
        LeakyReLU(slope)


@pytest.mark.parametrize("shape", [(2, 4), (4, 3), (1, 4)])
def test_conditional_batch_norm_wants_a_row_for_every_image(shape):
    with pytest.raises(ValueError, match=r"one_hot must have the shape \(3, 4\)"):
        ConditionalBatchNorm(2, 4)(jt.randn(3, 2, 2, 2), jt.ones(shape))


@pytest.mark.parametrize("labels", [[0, 9, 3], np.array([0, 9, 3]), jt.array([0, 9, 3]), np.float32([0, 9, 3])])
def test_labels_of_any_kind_become_int32(labels):
    var = as_labels(labels, 10)
    assert var.dtype == "int32" and var.tolist() == [0, 9, 3]


@pytest.mark.parametrize("labels", [[10], [-1], [0.5], [float("nan")], [2**40], [1, "a"], jt.array([3, 10])])
def test_labels_out_of_range_are_refused(labels):
    with pytest.raises(ValueError, match=r"whole numbers in 0 \.\. 9"):
        as_labels(labels, 10)


def test_labels_must_be_a_flat_list():
    with pytest.raises(ValueError, match=r"shape \(N,\)"):
        as_labels(np.zeros((4, 1)), 10)


def small_network():
    return nn.Sequential(nn.Linear(3, 4), BatchNorm(4), nn.Dropout(0.5, is_train=True), nn.Linear(4, 1))


def test_trainable_leaves_running_statistics_out():
    network = small_network()
    assert len(network.parameters()) == 8
    assert [var.name() for var in trainable(network)] == [
        "0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias",
    ]  # fmt: skip


def test_evaluating_leaves_the_network_as_it_was():
    network = small_network()
    optimizer = adam(network, lr=0.1, b1=0.5, b2=0.9)
    x = jt.array(np.random.default_rng(0).normal(0, 1, (8, 3)).astype(np.float32))
    before = {name: var.numpy() for name, var in network.state_dict().items()}
    with evaluating(network):
        assert np.array_equal(network(x).numpy(), network(x).numpy())  # no dropout
    assert all(np.array_equal(var.numpy(), before[name]) for name, var in network.state_dict().items())
    assert all(module.is_training() for module in network.modules())
    optimizer.step((network(x) ** 2).sum())
    moved = {name for name, var in network.state_dict().items() if not np.array_equal(var.numpy(), before[name])}
    assert moved == set(before)  # every parameter trains again, and the statistics run


def test_evaluating_leaves_a_network_that_was_evaluated_in_evaluation():
    network = small_network()
    network.eval()
    with evaluating(network):
        pass
    assert not network.is_training() and all(var.is_stop_grad() for var in network.parameters())


def enlarged(row, n):
    """A row resized bilinearly to n points, corners not aligned: each new point looks up its place among the old."""
    places = (np.arange(n) + 0.5) * len(row) / n - 0.5
    return np.interp(places, np.arange(len(row)), row)  # constant beyond the ends


@pytest.mark.parametrize(("old", "new"), [((4, 4), (8, 8)), ((3, 5), (7, 9)), ((1, 2), (2, 3)), ((6, 4), (6, 4))])
def test_upsample_is_bilinear(old, new):
    x = np.random.default_rng(0).normal(0, 1, (2, 3, *old)).astype(np.float32)
    expected = np.apply_along_axis(enlarged, 2, np.apply_along_axis(enlarged, 3, x, new[1]), new[0])
    np.testing.assert_allclose(ResizeBilinear(new)(jt.array(x)).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 5), (1, 2)])
def test_halving_takes_the_mean_of_the_neighbours_that_there_are(height, width):
    x = np.random.default_rng(0).normal(0, 1, (2, 3, height, width)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    np.testing.assert_allclose(HalveByAverage()(jt.array(x)).numpy(), np.nanmean(windows, axis=(4, 5)), atol=1e-6)


def test_the_gradient_of_upsample_is_its_transpose():
    random = np.random.default_rng(0)
    x, y = random.normal(0, 1, (2, 3, 4, 5)).astype(np.float32), random.normal(0, 1, (2, 3, 7, 10)).astype(np.float32)
    var = jt.array(x)
    gradient = jt.grad((ResizeBilinear((7, 10))(var) * jt.array(y)).sum(), var).numpy()
    assert np.vdot(gradient, x) == pytest.approx(np.vdot(ResizeBilinear((7, 10))(jt.array(x)).numpy(), y), rel=1e-4)
    expected = np.zeros_like(x)
    for index in np.ndindex(4, 5):
        unit = np.zeros((4, 5), np.float32)
        unit[index] = 1
        spread = np.apply_along_axis(enlarged, 0, np.apply_along_axis(enlarged, 1, unit, 10), 7)
        expected[(..., *index)] = np.sum(y * spread, axis=(2, 3))
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_init_normal_draws_the_weights_of_dcgan():
    jt.set_seed(5)
    network = nn.Sequential(
        nn.Conv(8, 64, 4), BatchNorm(512), nn.ConvTranspose(64, 8, 4, bias=False), nn.Linear(64, 64)
    )
    network[1].bias.assign(np.full(512, 3, np.float32))
    network[0].bias.assign(np.full(64, 3, np.float32))
    init_normal(network)
    for layer in (network[0], network[2], network[3]):
        weight = layer.weight.numpy()
        assert abs(weight.mean()) < 0.002 and weight.std() == pytest.approx(0.02, rel=0.1)
    scale = network[1].weight.numpy()
    assert scale.mean() == pytest.approx(1, abs=0.005) and scale.std() == pytest.approx(0.02, rel=0.2)
    assert not network[0].bias.numpy().any() and not network[1].bias.numpy().any()


def test_untracked_normalises_by_the_batch_and_leaves_the_running_statistics():
    network = nn.Sequential(nn.Linear(3, 4), BatchNorm(4))
    x = jt.array(np.random.default_rng(0).normal(5, 2, (8, 3)).astype(np.float32))
    with untracked(network):
        inside = network(x).numpy()
    assert not network[1].running_mean.numpy().any() and (network[1].running_var.numpy() == 1).all()
    np.testing.assert_array_equal(network(x).numpy(), inside)
    assert network[1].running_mean.numpy().any()
    np.testing.assert_allclose(inside.mean(axis=0), 0, atol=1e-5)


def test_untracked_within_untracked_ends_with_the_outer_one():
    norm = BatchNorm(2)
    with untracked(norm):
        with untracked(norm):
            pass
        norm(jt.randn((4, 2))).sync()
    assert not norm.running_mean.numpy().any()


def test_conditional_batch_norm_and_its_gradients():
    """All classes by the batch's statistics, each image by its class's scale and shift; derivatives by differences."""
    random = np.random.default_rng(0)
    x, w = random.normal(1, 2, (2, 6, 3, 2, 2)).astype(np.float32)
    labels = np.array([2, 0, 2, 1, 1, 2])
    weight, bias = random.normal(1, 0.5, (2, 4, 3)).astype(np.float32)  # no image has the class 3
    layer = ConditionalBatchNorm(3, 4)
    layer.weight.assign(weight)
    layer.bias.assign(bias)

    def norm(x, weight, bias):
        normalized, mean, variance = batch_norm(x, np.ones(3), np.zeros(3), 1e-5)
        return normalized * weight[labels][:, :, None, None] + bias[labels][:, :, None, None], mean, variance

    inputs = [each.astype(np.float64) for each in (x, weight, bias)]
    expected, mean, variance = norm(*inputs)
    var = jt.array(x)
    y = layer(var, one_hot(labels, 4))
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-4, atol=1e-5)
    gradients = jt.grad((y * jt.array(w)).sum(), [var, layer.weight, layer.bias])
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * variance * 24 / 23, rtol=1e-5)
    for k, gradient in enumerate(gradients):
        differences = np.zeros(inputs[k].size)
        for i in range(inputs[k].size):
            moved = [each.copy() for each in inputs]
            moved[k].flat[i] += 1e-5
            up = (norm(*moved)[0] * w).sum()
            moved[k].flat[i] -= 2e-5
            differences[i] = (up - (norm(*moved)[0] * w).sum()) / 2e-5
        np.testing.assert_allclose(gradient.numpy().ravel(), differences, atol=2e-4)

    layer.eval()
    layer.running_mean.assign(np.float32([1, 2, 3]))
    layer.running_var.assign(np.float32([4, 0.25, 1]))
    statistics = (np.array(each).reshape((1, 3, 1, 1)) for each in ([1, 2, 3], [4, 0.25, 1]))
    mean, variance = statistics
    expected = (x - mean) / np.sqrt(variance + 1e-5) * weight[labels][:, :, None, None] + bias[labels][:, :, None, None]
    np.testing.assert_allclose(layer(var, one_hot(labels, 4)).numpy(), expected, rtol=1e-4, atol=1e-5)


SPECTRAL = [(lambda: SpectralLinear(6, 4), (3, 6)), (lambda: SpectralConv(3, 4, 2, bias=False), (2, 3, 5, 5))]


def power_iteration(matrix, u):
    """Miyato et al., algorithm 1, one round in float64. Returns u and v."""
    v = matrix.T @ u / np.linalg.norm(matrix.T @ u)
    return matrix @ v / np.linalg.norm(matrix @ v), v


@pytest.mark.parametrize(("make", "shape"), SPECTRAL)
def test_spectral_normalisation_takes_one_round_of_power_iteration_in_each_pass(make, shape):
    layer, x = make(), jt.array(np.random.default_rng(0).normal(0, 1, shape).astype(np.float32))
    matrix = layer.weight.numpy().astype(np.float64).reshape((4, -1))
    u = layer.running_u.numpy()
    assert np.linalg.norm(u) == pytest.approx(1, abs=1e-6)
    for _ in range(3):
        u, _ = power_iteration(matrix, u)
        layer(x).sync()
        np.testing.assert_allclose(layer.running_u.numpy(), u, rtol=1e-4, atol=1e-6)
    with untracked(layer):
        layer(x).sync()
    np.testing.assert_allclose(layer.running_u.numpy(), u, rtol=1e-4, atol=1e-6)
    layer.eval()
    layer(x).sync()
    np.testing.assert_allclose(layer.running_u.numpy(), u, rtol=1e-4, atol=1e-6)
    layer.train()
    assert [name for name, var in layer.state_dict().items() if "running" in name] == ["running_u"]
    assert all(var is not layer.running_u for var in trainable(layer))


@pytest.mark.parametrize(("make", "shape"), SPECTRAL)
def test_in_time_the_largest_singular_value_is_one(make, shape):
    layer, x = make(), jt.array(np.random.default_rng(0).normal(0, 1, shape).astype(np.float32))
    for _ in range(200):
        y = layer(x)
        y.sync()
    largest = np.linalg.svd(layer.weight.numpy().reshape((4, -1)).astype(np.float64), compute_uv=False)[0]
    plain = Linear(6, 4) if len(shape) == 2 else Conv(3, 4, 2, bias=False)
    plain.weight.assign(layer.weight.numpy() / largest.astype(np.float32))
    if layer.bias is not None:
        plain.bias.assign(layer.bias.numpy())
    np.testing.assert_allclose(y.numpy(), plain(x).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("make", "shape"), SPECTRAL)
def test_the_gradient_of_spectral_normalisation_is_that_of_section_2_2(make, shape):
    """(W / sigma)' under a loss sum(A W / sigma) is (A - sum(A W / sigma) u v^T) / sigma, u and v being constants."""
    layer, random = make(), np.random.default_rng(0)
    matrix = layer.weight.numpy().astype(np.float64).reshape((4, -1))
    u, v = power_iteration(matrix, layer.running_u.numpy())
    sigma = u @ matrix @ v
    a = random.normal(0, 1, matrix.shape)
    expected = (a - (a * matrix).sum() / sigma * np.outer(u, v)) / sigma
    loss = (spectrally_normalized(layer) * jt.array(a.astype(np.float32).reshape(layer.weight.shape))).sum()
    gradient = jt.grad(loss, layer.weight).numpy().reshape((4, -1))
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)


def test_one_hot_has_a_one_in_the_column_of_the_class():
    np.testing.assert_array_equal(one_hot([2, 0], 3).numpy(), [[0, 0, 1], [1, 0, 0]])
    with pytest.raises(ValueError, match=r"whole numbers in 0 \.\. 2"):
        one_hot([3], 3)


def test_instance_norm_and_its_gradient():
    random = np.random.default_rng(0)
    x, w = random.normal(50, 0.1, (2, 3, 4, 5)), random.normal(0, 1, (2, 3, 4, 5))
    x = x.astype(np.float32).astype(np.float64)

    def norm(x):
        return (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + 1e-5)

    var = jt.array(np.float32(x))
    y = InstanceNorm(3)(var)
    np.testing.assert_allclose(
        y.numpy(), norm(x), atol=2e-3
    )  # neighbouring float32 near 50 lie 4e-5 of this spread apart
    gradient = jt.grad((y * jt.array(np.float32(w))).sum(), var).numpy()
    for index in [(0, 0, 0, 0), (1, 2, 3, 4), (0, 1, 2, 3)]:
        step = np.zeros_like(x)
        step[index] = 1e-5
        expected = np.sum((norm(x + step) - norm(x - step)) * w) / 2e-5
        assert gradient[index] == pytest.approx(expected, rel=1e-2, abs=1e-2)


def test_instance_norm_adds_eps_to_the_variance():
    x = np.random.default_rng(0).normal(0, 1e-3, (1, 2, 4, 5)).astype(np.float32)  # a variance below eps
    centred = x - x.mean((2, 3), keepdims=True, dtype=np.float64)
    expected = centred / np.sqrt((centred**2).mean((2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(InstanceNorm(2)(jt.array(x)).numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (2, 4, 5, 5), (2, 3)])
def test_instance_norm_refuses_what_it_cannot_normalise(shape):
    with pytest.raises(ValueError, match="more than one pixel"):
        InstanceNorm(3)(jt.ones(shape))


def test_reflection_mirrors_without_the_border():
    x = np.random.default_rng(0).normal(0, 1, (2, 3, 4, 6)).astype(np.float32)
    expected = np.pad(x, ((0, 0), (0, 0), (3, 3), (3, 3)), mode="reflect")
    np.testing.assert_array_equal(ReflectionPad(3)(jt.array(x)).numpy(), expected)
    with pytest.raises(ValueError, match="too small to mirror 4 pixels"):
        ReflectionPad(4)(jt.array(x))


def test_double_repeats_every_pixel():
    x = np.random.default_rng(0).normal(0, 1, (2, 3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(UpsampleNearest2x()(jt.array(x)).numpy(), x.repeat(2, 2).repeat(2, 3))
