"""SPADE against its own arithmetic in float64 (PyTorch: tests/reference/test_parity.py)."""

from __future__ import annotations

import re

import jittor as jt
import numpy as np
import pytest

from jgan.data.label_maps import one_hot
from jgan.layers import Conv, SpectralConv
from jgan.models.spade import SPADE, Generator, MultiScaleDiscriminator
from jgan.weights.networks import network_arrays


def maps(n, classes, height, width):
    return jt.array(one_hot(np.random.default_rng(0).integers(0, classes, (n, 1, height, width), np.uint8), classes))


def test_each_pixel_is_scaled_and_shifted_as_its_class_says():
    """With a kernel that looks at the pixel alone, gamma and beta are a row of a table for each class."""
    random = np.random.default_rng(1)
    layer = SPADE(n_features=2, label_classes=3, hidden=3)
    looks_at_itself = np.zeros((3, 3, 3, 3), np.float32)
    looks_at_itself[range(3), range(3), 1, 1] = 1
    layer.shared[0].weight.assign(looks_at_itself)
    layer.shared[0].bias.assign(np.zeros(3, np.float32))
    tables = {}
    for name in ("gamma", "beta"):
        tables[name] = random.normal(0, 1, (2, 3))
        kernel = np.zeros((2, 3, 3, 3), np.float32)
        kernel[:, :, 1, 1] = tables[name]
        getattr(layer, name).weight.assign(kernel)
        getattr(layer, name).bias.assign(np.zeros(2, np.float32))
    x = random.normal(2, 3, (2, 2, 4, 6))
    classes = random.integers(0, 3, (2, 1, 4, 6), np.uint8)
    y = layer(jt.array(np.float32(x)), jt.array(one_hot(classes, 3))).numpy()
    normalized = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-5)
    gamma, beta = (tables[name].T[classes[:, 0]].transpose(0, 3, 1, 2) for name in ("gamma", "beta"))
    np.testing.assert_allclose(y, normalized * (1 + gamma) + beta, rtol=1e-4, atol=1e-5)


def test_the_blocks_have_the_paper_s_widths():
    arrays = network_arrays(Generator(label_classes=5, conv_dim=2))  # a 32nd of the paper's
    assert arrays["begin.weight"].shape == (32, 5, 3, 3)
    widths = [32, 32, 32, 16, 8, 4, 2]
    assert [arrays[f"blocks.{i}.conv_2.weight"].shape[0] for i in range(7)] == widths
    around = [i for i in range(7) if f"blocks.{i}.conv_around.weight" in arrays]
    assert around == [3, 4, 5, 6]
    assert arrays["end.1.weight"].shape == (3, 2, 3, 3)
    assert not any(".norm.weight" in name or ".norm.bias" in name for name in arrays)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 40)])
@pytest.mark.parametrize("latent_dim", [None, 7])
def test_images_are_as_large_as_their_maps(height, width, latent_dim):
    of_noise = {} if latent_dim is None else {"latent_dim": latent_dim, "img_height": height, "img_width": width}
    generator = Generator(label_classes=4, out_channels=1, conv_dim=2, n_levels=3, **of_noise)
    images = generator(maps(2, 4, height, width))
    assert list(images.shape) == [2, 1, height, width] and np.abs(images.numpy()).max() <= 1


def test_noise_makes_other_images_of_one_map_and_equal_noise_the_same():
    generator = Generator(label_classes=4, conv_dim=2, n_levels=2, latent_dim=7)
    generator.eval()
    given = maps(2, 4, 16, 16)
    z = [jt.array(np.random.default_rng(seed).normal(0, 1, (2, 7)).astype(np.float32)) for seed in (0, 0, 1)]
    first, same, other = (generator(given, each).numpy() for each in z)
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    jt.set_seed(3)
    drawn = generator(given).numpy()
    jt.set_seed(3)
    assert np.array_equal(generator(given).numpy(), drawn) and not np.array_equal(generator(given).numpy(), drawn)


def test_the_discriminator_looks_at_two_sizes_and_shows_what_every_layer_makes_of_them():
    discriminator = MultiScaleDiscriminator(in_channels=5, conv_dim=2)
    scales = discriminator(jt.array(np.random.default_rng(0).uniform(-1, 1, (2, 5, 64, 48)).astype(np.float32)))
    shapes = [[tuple(output.shape[1:]) for output in outputs] for outputs in scales]
    assert shapes[0] == [(2, 33, 25), (4, 17, 13), (8, 9, 7), (16, 10, 8), (1, 11, 9)]
    assert shapes[1] == [(2, 17, 13), (4, 9, 7), (8, 5, 4), (16, 6, 5), (1, 7, 6)]
    convolutions = [module for module in discriminator.modules() if isinstance(module, Conv)]
    assert len(convolutions) == 10 and all(isinstance(module, SpectralConv) for module in convolutions)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((1, 3, 16, 16), "label maps must have the shape (N, 4, H, W) with H and W multiples of 4, not (1, 3, 16, 16)"),
        ((1, 4, 16, 18), "multiples of 4, not (1, 4, 16, 18)"),
        ((1, 4, 8, 16), "maps must have the shape (1, 4, 16, 16), not (1, 4, 8, 16)"),
    ],
)
def test_maps_of_another_shape_are_refused(shape, sentence):
    generator = Generator(label_classes=4, conv_dim=2, n_levels=2, latent_dim=7)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        generator(jt.zeros(shape))


def test_a_size_belongs_to_noise_and_fits_its_levels():
    with pytest.raises(ValueError, match="about a generator that begins with noise"):
        Generator(conv_dim=2, img_height=64)
    with pytest.raises(ValueError, match=re.escape("multiples of 64, not (256, 96)")):
        Generator(conv_dim=2, latent_dim=7, img_width=96)
