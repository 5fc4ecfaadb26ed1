from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.models.wgan import Critic, Generator
from jgan.random import normal, rng
from jgan.weights.networks import network_arrays


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


def convolution(x, weight, stride):
    """A 5x5 convolution with two zeros around (float64)."""
    x = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwij,dcij->ndhw", windows, weight)


def randomized(network):
    """The network in evaluation mode with weights and running statistics that all matter, and its arrays in float64."""
    random = np.random.default_rng(0)
    for name, var in network.state_dict().items():
        var.assign(random.uniform(*((0.5, 2) if "running_var" in name else (-0.3, 0.3)), var.shape).astype(np.float32))
    network.eval()
    return {name: array.astype(np.float64) for name, array in network_arrays(network).items()}


def normalised(x, arrays, layer):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    w, b, mean, var = (
        arrays[f"{layer}.{name}"].reshape(shape) for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(var + 1e-5) * w + b


def test_the_generator_computes_what_its_layers_say():
    generator = Generator(latent_dim=5, img_size=13, channels=2, conv_dim=3)
    arrays = randomized(generator)
    z = normal(rng(0, "test"), 3, 5)
    drawn = generator(jt.array(z)).numpy()

    x = np.maximum(0, normalised(z @ arrays["dense.0.weight"].T, arrays, "dense.1")).reshape((3, 12, 2, 2))
    for size, conv, norm in ((4, 1, 2), (7, 5, 6), (13, 9, None)):
        for axis in (2, 3):
            old = x.shape[axis]
            places = (np.arange(size) + 0.5) * old / size - 0.5
            x = np.apply_along_axis(lambda row: np.interp(places, np.arange(len(row)), row), axis, x)  # noqa: B023
        x = convolution(x, arrays[f"model.{conv}.weight"], 1)
        if norm:
            x = np.maximum(0, normalised(x, arrays, f"model.{norm}"))
    x = np.tanh(x + arrays["model.9.bias"][:, None, None])
    np.testing.assert_allclose(drawn, x, atol=1e-5)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_the_critic_computes_what_its_layers_say(batch_norm):
    critic = Critic(img_size=13, channels=2, conv_dim=3, batch_norm=batch_norm)
    arrays = randomized(critic)
    images = np.random.default_rng(1).uniform(-1, 1, (3, 2, 13, 13)).astype(np.float32)
    scores = critic(jt.array(images)).numpy()

    x = images.astype(np.float64)
    for conv, norm in ((0, None), (2, 3), (5, 6)) if batch_norm else ((0, None), (2, None), (4, None)):
        x = convolution(x, arrays[f"model.{conv}.weight"], 2)
        x = normalised(x, arrays, f"model.{norm}") if norm else x + arrays[f"model.{conv}.bias"][:, None, None]
        x = np.where(x > 0, x, 0.2 * x)
    np.testing.assert_allclose(scores, x.reshape((3, -1)) @ arrays["score.weight"].T, rtol=1e-4, atol=1e-5)
