from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.models.dcgan import Discriminator, Generator
from jgan.random import normal, rng
from jgan.weights.networks import network_arrays


def convolutions(network):
    return [array.shape for array in network_arrays(network).values() if array.ndim == 4]


def test_at_64_the_layers_are_100_512_256_128_64_3():
    widths = [100, 512, 256, 128, 64, 3]
    assert convolutions(Generator()) == [(n, m, 4, 4) for n, m in zip(widths, widths[1:])]
    assert convolutions(Discriminator()) == [
        (64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4), (1, 512, 4, 4)
    ]  # fmt: skip


def test_at_32_they_are_3_32_64_128_and_one_score():
    assert convolutions(Discriminator(img_size=32)) == [(32, 3, 4, 4), (64, 32, 4, 4), (128, 64, 4, 4), (1, 128, 4, 4)]
    assert [shape[1] for shape in convolutions(Generator(img_size=32))] == [128, 64, 32, 3]


def test_the_wide_layers_of_large_images_stop_at_eight_times_conv_dim():
    assert [shape[0] for shape in convolutions(Discriminator(img_size=256, conv_dim=2))] == [2, 4, 8, 16, 16, 16, 1]


@pytest.mark.parametrize(("img_size", "channels"), [(16, 1), (32, 3), (64, 3), (128, 1), (256, 3)])
def test_shapes(img_size, channels):
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": 2}
    images = Generator(latent_dim=5, **sizes)(jt.array(normal(rng(0, "test"), 2, 5)))
    assert images.shape == [2, channels, img_size, img_size] and np.abs(images.numpy()).max() <= 1
    assert Discriminator(**sizes)(images).shape == [2, 1]


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_a_size_that_is_none_says_which_are(network):
    with pytest.raises(ValueError, match="16, 32, 64, 128, 256; 48 is none of them"):
        network(img_size=48)


def test_normalisation_is_everywhere_but_at_the_image_and_nothing_has_a_bias():
    norms = {name.rpartition(".")[0] for name in network_arrays(Generator()) if name.endswith("running_mean")}
    assert len(norms) == 4
    assert {name.rpartition(".")[0] for name in network_arrays(Generator()) if name.endswith("bias")} == norms
    discriminator = network_arrays(Discriminator())
    assert sum(name.endswith("running_mean") for name in discriminator) == 3
    assert sum(name.endswith("bias") for name in discriminator) == 3
    assert not any("running" in name or "bias" in name for name in network_arrays(Discriminator(batch_norm=False)))


def test_weights_are_drawn_from_narrow_normals():
    for name, array in network_arrays(Generator()).items():
        if array.ndim == 4:
            assert array.std() == pytest.approx(0.02, rel=0.05) and abs(array.mean()) < 0.001, name
        elif name.endswith("weight"):
            assert array.std() == pytest.approx(0.02, rel=0.4) and array.mean() == pytest.approx(1, abs=0.01), name


def transposed_convolution(x, weight, stride, padding):
    """Each input value spreads the kernel over the output (float64)."""
    n, _, height, width = x.shape
    out = np.zeros((n, weight.shape[1], (height - 1) * stride + 4, (width - 1) * stride + 4))
    for i, j in np.ndindex(height, width):
        out[:, :, i * stride : i * stride + 4, j * stride : j * stride + 4] += np.einsum(
            "nc,cdhw->ndhw", x[:, :, i, j], weight
        )
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def test_the_generator_computes_what_its_layers_say():
    generator = Generator(latent_dim=6, img_size=16, channels=2, conv_dim=3)
    random = np.random.default_rng(0)
    for name, var in generator.state_dict().items():
        var.assign(random.uniform(*((0.5, 2) if "running_var" in name else (-0.5, 0.5)), var.shape).astype(np.float32))
    generator.eval()
    z = normal(rng(0, "test"), 3, 6)
    drawn = generator(jt.array(z)).numpy()

    arrays = [array.astype(np.float64) for array in network_arrays(generator).values()]
    x = transposed_convolution(z.reshape((3, 6, 1, 1)), arrays.pop(0), 1, 0)
    while arrays:
        scale, shift, mean, variance, weight = arrays[:5]
        del arrays[:5]
        x = (x - mean[:, None, None]) / np.sqrt(variance + 1e-5)[:, None, None]
        x = np.maximum(0, x * scale[:, None, None] + shift[:, None, None])
        x = transposed_convolution(x, weight, 2, 1)
    np.testing.assert_allclose(drawn, np.tanh(x), atol=1e-5)
