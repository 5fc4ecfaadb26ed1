"""The convolutional conditional GAN against its own arithmetic in float64 (PyTorch: tests/reference/test_parity.py)."""

from __future__ import annotations

import re

import jittor as jt
import numpy as np
import pytest

from jgan.models.projection import Discriminator, Generator
from jgan.random import normal, rng
from jgan.weights.networks import network_arrays

SMALL = {"n_classes": 3, "img_size": 16, "channels": 1, "conv_dim": 2}


@pytest.mark.parametrize(("img_size", "channels", "n_classes"), [(16, 3, 2), (32, 1, 10), (64, 3, 3), (128, 1, 2)])
def test_images_have_the_size_and_channels_asked_for(img_size, channels, n_classes):
    sizes = {"n_classes": n_classes, "img_size": img_size, "channels": channels, "conv_dim": 2}
    generator, discriminator = Generator(latent_dim=5, **sizes), Discriminator(**sizes)
    labels = np.arange(4) % n_classes
    images = generator(jt.array(normal(rng(0, "test"), 4, 5)), labels)
    assert list(images.shape) == [4, channels, img_size, img_size]
    assert np.abs(images.numpy()).max() <= 1
    assert list(discriminator(images, labels).shape) == [4, 1]


def test_the_widths_double_from_conv_dim_on_up_to_eight_times():
    shapes = {name: array.shape for name, array in network_arrays(Generator(img_size=128, conv_dim=2)).items()}
    assert shapes["project.weight"] == (64, 16, 4, 4)
    assert [shapes[f"enlarge.{i}.weight"][:2] for i in range(5)] == [(16, 16), (16, 8), (8, 4), (4, 2), (2, 1)]
    assert [shapes[f"norms.{i}.weight"] for i in range(5)] == [(10, 16), (10, 16), (10, 8), (10, 4), (10, 2)]


def test_the_generator_draws_each_class_by_its_own_scale_and_shift():
    """Without a class's scale nothing of the noise is left, and its shift alone decides the image."""
    generator = Generator(latent_dim=5, **SMALL)
    for norm in generator.norms:
        norm.weight.assign(np.zeros(norm.weight.shape, np.float32))
        norm.bias.assign(np.repeat(np.float32([[-1], [0], [2]]), norm.bias.shape[1], axis=1))
    generator.eval()
    z = jt.array(normal(rng(0, "test"), 6, 5))
    images = generator(z, [0, 0, 1, 1, 2, 2]).numpy()
    assert not images[:4].any()  # relu(-1) and relu(0)
    np.testing.assert_array_equal(images[4], images[5])
    # what a transposed convolution of stride 2 makes of a constant 2: 2 sum(weights that meet at a pixel)
    weight = generator.enlarge[-1].weight.numpy().astype(np.float64).sum(0)[0]
    inner = 2 * (weight[0::2, 0::2].sum())  # rows and columns of one parity meet the kernel's even ones
    parities = {2 * weight[i::2, j::2].sum() for i in (0, 1) for j in (0, 1)}
    assert inner in parities
    np.testing.assert_allclose(
        np.unique(images[4, 0, 2:-2, 2:-2].round(6)), np.unique(np.tanh([*parities]).round(6)), atol=2e-6
    )


def test_the_discriminator_is_a_score_and_a_projection_on_the_class():
    """With features f(x), D(x, y) - D(x, y') must be (v_y - v_y') . f(x), V being spectrally normalised."""
    discriminator = Discriminator(**SMALL)
    discriminator.eval()
    random = np.random.default_rng(0)
    images = jt.array(random.uniform(-1, 1, (5, 1, 16, 16)).astype(np.float32))
    scores = {label: discriminator(images, np.full(5, label)).numpy()[:, 0] for label in range(3)}
    features = discriminator.model(images).numpy().astype(np.float64).reshape(len(images), -1)

    def normalized(layer):
        matrix, u = (each.numpy().astype(np.float64) for each in (layer.weight, layer.running_u))
        v = matrix.T @ u / np.linalg.norm(matrix.T @ u)
        return matrix / np.linalg.norm(matrix @ v)

    projected = features @ normalized(discriminator.embedding).T
    score = features @ normalized(discriminator.score)[0] + discriminator.score.bias.numpy()
    for label in range(3):
        np.testing.assert_allclose(scores[label], score + projected[:, label], rtol=1e-4, atol=1e-6)
    of_classes = discriminator.judged(images, np.zeros(5, int))[1].numpy()
    np.testing.assert_allclose(of_classes, projected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_that_are_no_class_are_refused(label):
    with pytest.raises(ValueError, match=r"whole numbers in 0 \.\. 2"):
        Generator(latent_dim=5, **SMALL)(jt.zeros((1, 5)), [label])
    with pytest.raises(ValueError, match=r"whole numbers in 0 \.\. 2"):
        Discriminator(**SMALL)(jt.zeros((1, 1, 16, 16)), [label])


def test_inputs_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=re.escape("z must have the shape (2, 5), not (2, 4)")):
        Generator(latent_dim=5, **SMALL)(jt.zeros((2, 4)), [0, 1])
    with pytest.raises(ValueError, match=re.escape("images must have the shape (2, 1, 16, 16), not (2, 3, 16, 16)")):
        Discriminator(**SMALL)(jt.zeros((2, 3, 16, 16)), [0, 1])
    with pytest.raises(ValueError, match="images of the sizes 16, 32, 64, 128, 256; 24 is none of them"):
        Generator(img_size=24)
