from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.layers import init_he
from jgan.models.cyclegan import ConvGenerator, Generators, ResidualGenerator, ResnetGenerator
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
    assert convolutions(ResidualGenerator()) == convolutions(ResnetGenerator())


def test_the_plain_generator_has_six_blocks_between_three_convolutions():
    shapes = convolutions(ConvGenerator())
    assert shapes[:3] == [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4)]
    assert shapes[3:-3] == [(256, 256, 3, 3)] * 12
    assert shapes[-3:] == [(256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)]


@pytest.mark.parametrize("network", [ResnetGenerator, ConvGenerator, ResidualGenerator])
@pytest.mark.parametrize("upsample", ["deconv", "resize"])
@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (3, 1, 16, 40), (1, 3, 128, 128), (3, 1, 256, 256)])
def test_shapes(network, upsample, shape):
    images = network(channels=shape[1], conv_dim=2, n_blocks=2, upsample=upsample)(pictures(*shape))
    assert images.shape == list(shape) and np.abs(images.numpy()).max() <= 1


def enlarged(means, side):
    """Rows of numbers, each four points wide, at every point by its distance to the middles of both neighbours."""
    middles, points = np.arange(means.shape[-1]) * 4 + 1.5, np.arange(side)
    return np.stack([np.interp(points, middles, row) for row in means.reshape(-1, means.shape[-1])]).reshape(
        *means.shape[:-1], side
    )


def test_a_residual_generator_begins_with_the_image_without_details_and_adds_to_it_before_the_tanh():
    x = pictures(2, 3, 16, 24)
    means = x.numpy().astype(np.float64).reshape(2, 3, 4, 4, 6, 4).mean(axis=(3, 5))
    small = np.swapaxes(enlarged(np.swapaxes(enlarged(means, 24), 2, 3), 16), 2, 3)
    generator = ResidualGenerator(conv_dim=4, n_blocks=2)
    np.testing.assert_allclose(generator(x).numpy(), 0.98 * small, atol=1e-6)
    generator.model[-1].bias.assign([0.5, 0, -3])
    expected = np.tanh(np.arctanh(0.98 * small) + np.reshape([0.5, 0, -3], (3, 1, 1)))
    np.testing.assert_allclose(generator(x).numpy(), expected, atol=1e-6)
    edge = jt.array(np.float32([-1, 1]).reshape(1, 1, 1, 2).repeat(16, 3).repeat(8, 2))
    assert np.isfinite(ResidualGenerator(channels=1, conv_dim=2, n_blocks=1)(edge).numpy()).all()


def test_a_residual_generator_does_not_see_the_borders():
    generator = ResidualGenerator(conv_dim=16, n_blocks=1, upsample="resize")
    init_he(generator)
    drawn = generator(jt.full((1, 3, 16, 24), 0.5)).numpy()
    np.testing.assert_allclose(drawn, np.broadcast_to(drawn[:, :, :1, :1], drawn.shape), atol=1e-5)
    assert np.abs(drawn - 0.49).max() > 0.01


def test_the_convolutions_of_a_residual_generator_begin_as_he_et_al_say():
    generator = ResidualGenerator(conv_dim=32, n_blocks=2)
    last = {generator.model[-1], *(module.model[-1] for module in generator.model if hasattr(module, "model"))}
    assert len(last) == 3
    for module in generator.modules():
        if hasattr(module, "weight"):
            weight = module.weight.numpy().astype(np.float64)
            fan_in = weight[0].size
            assert weight.std() == pytest.approx(0 if module in last else (2 / fan_in) ** 0.5, rel=0.05)
            assert not module.bias.numpy().any()


def test_an_architecture_that_is_none_is_named():
    with pytest.raises(ValueError, match="arch must be one of resnet, conv, residual, not vit"):
        Generators(arch="vit")


def test_without_its_blocks_a_residual_block_is_the_identity():
    generator = ResnetGenerator(conv_dim=2, n_blocks=1)
    (block,) = (module for module in generator.model if type(module).__name__ == "ResidualBlock")
    x = pictures(1, 8, 6, 6)
    assert not np.array_equal(block(x).numpy(), x.numpy())
    for layer in block.model:
        if hasattr(layer, "weight"):
            layer.weight.assign(0 * layer.weight)
    np.testing.assert_allclose(block(x).numpy(), x.numpy(), atol=1e-6)


@pytest.mark.parametrize(("network", "size"), [(ResnetGenerator, 18), (ConvGenerator, 20), (ResidualGenerator, 18)])
def test_a_shape_that_does_not_fit_is_named(network, size):
    with pytest.raises(ValueError, match=rf"multiples of {network.stride}, not \(1, 3, {size}, {size}\)"):
        network(conv_dim=2)(pictures(1, 3, size, size))
    with pytest.raises(ValueError, match="deconv or resize, not bicubic"):
        network(upsample="bicubic")
