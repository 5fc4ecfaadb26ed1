from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.checkpoint import network_arrays
from jgan.latent import normal, rng
from jgan.models.wgan import Critic, Generator


def convolutions(network):
    return [array.shape for array in network_arrays(network).values() if array.ndim == 4]


def test_at_32_the_layers_are_those_of_the_tutorial():
    generator, critic = Generator(), Critic()
    assert network_arrays(generator)["dense.0.weight"].shape == (4 * 4 * 512, 128)
    assert convolutions(generator) == [(256, 512, 5, 5), (128, 256, 5, 5), (1, 128, 5, 5)]
    assert convolutions(critic) == [(128, 1, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5)]
    assert network_arrays(critic)["score.weight"].shape == (1, 4 * 4 * 512)


@pytest.mark.parametrize(
    ("img_size", "channels", "n"), [(32, 1, 2), (28, 3, 2), (8, 1, 2), (13, 3, 2), (64, 3, 3), (33, 1, 2)]
)
def test_shapes_at_any_size(img_size, channels, n):
    sizes = {"img_size": img_size, "channels": channels, "conv_dim": 2}
    images = Generator(latent_dim=5, **sizes)(jt.array(normal(rng(0, "test"), n, 5)))
    assert images.shape == [n, channels, img_size, img_size] and np.abs(images.numpy()).max() <= 1
    assert Critic(**sizes)(images).shape == [n, 1]


@pytest.mark.parametrize("network", [Generator, Critic])
def test_smaller_images_than_8_are_refused(network):
    with pytest.raises(ValueError, match="at least 8 pixels wide and high, not 7"):
        network(img_size=7)


def test_the_critic_has_batch_norm_from_its_second_convolution_on_or_not_at_all():
    assert [name for name in network_arrays(Critic()) if "running_mean" in name] == [
        "model.3.running_mean",
        "model.6.running_mean",
    ]
    assert not any("running" in name for name in network_arrays(Critic(batch_norm=False)))


def test_without_batch_norm_a_score_depends_on_its_own_image_alone():
    critic = Critic(img_size=16, conv_dim=4, batch_norm=False)
    images = np.random.default_rng(0).uniform(-1, 1, (6, 1, 16, 16)).astype(np.float32)
    together = critic(jt.array(images)).numpy()
    np.testing.assert_allclose(critic(jt.array(images[2:3])).numpy(), together[2:3], rtol=1e-4, atol=1e-6)
