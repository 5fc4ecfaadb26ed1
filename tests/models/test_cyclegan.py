from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.models.cyclegan import ConvGenerator, ResnetGenerator
from jgan.weights.networks import network_arrays


def pictures(*shape):
    return jt.array(np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))


def convolutions(network):
    return [array.shape for array in network_arrays(network).values() if array.ndim == 4]


def test_the_layers_are_those_of_the_paper():
    block = [(256, 256, 3, 3)] * 2
    assert convolutions(ResnetGenerator()) == [
        (64, 3, 7, 7), (128, 64, 3, 3), (256, 128, 3, 3), *block * 9, (256, 128, 3, 3), (128, 64, 3, 3), (3, 64, 7, 7)
    ]  # fmt: skip


def test_the_plain_generator_has_six_blocks_between_three_convolutions():
    shapes = convolutions(ConvGenerator())
    assert shapes[:3] == [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4)]
    assert shapes[3:-3] == [(256, 256, 3, 3)] * 12
    assert shapes[-3:] == [(256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)]


@pytest.mark.parametrize("network", [ResnetGenerator, ConvGenerator])
@pytest.mark.parametrize("upsample", ["deconv", "resize"])
@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (3, 1, 16, 40), (1, 3, 128, 128), (3, 1, 256, 256)])
def test_shapes(network, upsample, shape):
    images = network(channels=shape[1], conv_dim=2, n_blocks=2, upsample=upsample)(pictures(*shape))
    assert images.shape == list(shape) and np.abs(images.numpy()).max() <= 1


def test_without_its_blocks_a_residual_block_is_the_identity():
    generator = ResnetGenerator(conv_dim=2, n_blocks=1)
    (block,) = (module for module in generator.model if type(module).__name__ == "ResidualBlock")
    x = pictures(1, 8, 6, 6)
    assert not np.array_equal(block(x).numpy(), x.numpy())
    for layer in block.model:
        if hasattr(layer, "weight"):
            layer.weight.assign(0 * layer.weight)
    np.testing.assert_allclose(block(x).numpy(), x.numpy(), atol=1e-6)


@pytest.mark.parametrize(("network", "size"), [(ResnetGenerator, 18), (ConvGenerator, 20)])
def test_a_shape_that_does_not_fit_is_named(network, size):
    with pytest.raises(ValueError, match=rf"multiples of {network.stride}, not \(1, 3, {size}, {size}\)"):
        network(conv_dim=2)(pictures(1, 3, size, size))
    with pytest.raises(ValueError, match="deconv or resize, not bicubic"):
        network(upsample="bicubic")
