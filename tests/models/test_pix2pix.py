from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.layers import InstanceNorm
from jgan.models.pix2pix import Generator, PatchDiscriminator
from jgan.weights.networks import network_arrays


def pictures(*shape):
    return jt.array(np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))


def convolutions(network):
    return [array.shape[:2] for array in network_arrays(network).values() if array.ndim == 4]


def test_the_levels_are_those_of_the_paper():
    encoder, decoder = convolutions(Generator())[:8], convolutions(Generator())[8:]
    widths = [64, 128, 256, 512, 512, 512, 512, 512]
    assert encoder == list(zip(widths, [3, *widths]))
    assert decoder == [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64), (128, 3)]
    assert convolutions(PatchDiscriminator()) == [(64, 6), (128, 64), (256, 128), (512, 256), (1, 512)]


@pytest.mark.parametrize(
    ("n_levels", "shape"),
    [
        (6, (1, 3, 64, 64)),
        (7, (3, 1, 128, 128)),
        (8, (1, 3, 256, 256)),
        (8, (3, 1, 256, 256)),
        (5, (2, 3, 32, 96)),
        (6, (1, 2, 128, 64)),
    ],
)
@pytest.mark.parametrize("upsample", ["deconv", "resize"])
def test_shapes(n_levels, shape, upsample):
    generator = Generator(in_channels=shape[1], out_channels=4, conv_dim=2, n_levels=n_levels, upsample=upsample)
    images = generator(pictures(*shape))
    assert images.shape == [shape[0], 4, *shape[2:]] and np.abs(images.numpy()).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(256, 256), (70, 70), (24, 40), (101, 65)])
def test_the_discriminator_sees_patches_of_70(height, width):
    discriminator = PatchDiscriminator(in_channels=2, conv_dim=2, norm=None)
    image = pictures(1, 2, height, width)
    logits = discriminator(image)
    assert logits.shape == [1, 1, height // 8 - 2, width // 8 - 2]
    middle = logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2]
    seen = np.nonzero(jt.grad(middle, image).numpy().any(axis=(0, 1)))
    for axis, length in zip(seen, (height, width)):
        assert axis.max() - axis.min() + 1 <= 70
        if length >= 200:
            assert axis.max() - axis.min() + 1 == 70


def test_the_three_innermost_levels_drop_out_in_training():
    generator = Generator(conv_dim=2, n_levels=6)
    dropouts = [["Dropout" in type(layer).__name__ for layer in level].count(True) for level in generator.decoder]
    assert dropouts == [1, 1, 1, 0, 0, 0]
    image = pictures(1, 3, 64, 64)
    assert not np.array_equal(generator(image).numpy(), generator(image).numpy())
    generator.eval()
    assert np.array_equal(generator(image).numpy(), generator(image).numpy())


def test_the_decoder_sees_every_level_of_the_encoder():
    """With the way through the innermost level cut, the image still comes through the skip connections."""
    generator = Generator(conv_dim=2, n_levels=4)
    generator.eval()
    generator.decoder[0][1].weight.assign(0 * generator.decoder[0][1].weight)
    first, second = (generator(pictures(1, 3, 16, 16) * scale).numpy() for scale in (1, -1))
    assert np.abs(first - second).max() > 1e-4


@pytest.mark.parametrize("shape", [(1, 3, 64, 65), (1, 3, 32, 64), (1, 1, 64, 64)])
def test_a_shape_that_does_not_fit_is_named(shape):
    with pytest.raises(ValueError, match=r"multiples of 64, not \(1, "):
        Generator(conv_dim=2, n_levels=6)(pictures(*shape))
    with pytest.raises(ValueError, match=r"H >= 24"):
        PatchDiscriminator(in_channels=3)(pictures(1, 3, 24, 23))


@pytest.mark.parametrize(("norm", "biases"), [(None, 5), (InstanceNorm, 2)])
def test_the_normalisation_is_a_choice(norm, biases):
    arrays = network_arrays(PatchDiscriminator(conv_dim=2, norm=norm))
    assert sum(name.endswith("bias") for name in arrays) == biases and not any("running" in name for name in arrays)
