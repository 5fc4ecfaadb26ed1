from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.models.gan import Discriminator, Generator
from jgan.random import rng, uniform
from jgan.weights.networks import network_arrays


def weights(network):
    return [array.shape for name, array in network_arrays(network).items() if name.endswith("weight")]


def test_the_layers_have_the_sizes_of_the_paper_s_tutorial():
    assert weights(Generator()) == [(32, 100), (64, 32), (128, 64), (784, 128)]
    assert weights(Discriminator()) == [(128, 784), (64, 128), (32, 64), (1, 32)]


@pytest.mark.parametrize(("img_size", "channels", "n"), [(28, 1, 3), (7, 3, 1), (32, 1, 2)])
def test_shapes(img_size, channels, n):
    generator = Generator(latent_dim=5, img_size=img_size, channels=channels)
    images = generator(jt.array(uniform(rng(0, "test"), n, 5)))
    assert images.shape == [n, channels, img_size, img_size] and np.abs(images.numpy()).max() <= 1
    assert Discriminator(img_size=img_size, channels=channels)(images).shape == [n, 1]


def test_the_generator_computes_what_its_layers_say():
    generator = Generator()
    generator.eval()
    z = uniform(rng(0, "test"), 4, 100)
    drawn = generator(jt.array(z)).numpy()
    arrays = network_arrays(generator)
    *hidden, last = [name[: -len(".weight")] for name in arrays if name.endswith("weight")]
    x = z.astype(np.float64)
    for layer in hidden:
        x = x @ arrays[f"{layer}.weight"].T + arrays[f"{layer}.bias"]
        x = np.where(x > 0, x, 0.2 * x)
    x = np.tanh(x @ arrays[f"{last}.weight"].T + arrays[f"{last}.bias"])
    np.testing.assert_allclose(drawn, x.reshape((4, 1, 28, 28)), atol=1e-5)


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_three_tenths_are_dropped_in_training_alone(network):
    network = network()
    x = jt.ones((50, 100)) if isinstance(network, Generator) else jt.ones((50, 1, 28, 28))
    dropped = network.model[2](jt.ones((100, 1000))).numpy()
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert len(np.unique(network(x).numpy().reshape((50, -1)), axis=0)) == 50
    network.eval()
    assert np.ptp(network(x).numpy().reshape((50, -1)), axis=0).max() < 1e-6


def test_its_noise_is_uniform():
    z = Generator.draw_z(rng(0, "test"), 1000, 10)
    assert z.dtype == np.float32 and z.min() >= -1 and z.max() < 1
    assert np.histogram(z, 4)[0] == pytest.approx([2500] * 4, rel=0.1)
