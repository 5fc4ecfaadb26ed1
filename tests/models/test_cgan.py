"""The warm-up's networks against the official program's layers, and against their own arithmetic in float64."""

from __future__ import annotations

import re

import jittor as jt
import numpy as np
import pytest

from jgan.models.cgan import Discriminator, Generator
from jgan.random import normal, rng
from jgan.weights.networks import network_arrays

GENERATOR = {
    "label_emb.weight": (10, 10),
    "model.0.weight": (128, 110), "model.0.bias": (128,),
    "model.2.weight": (256, 128), "model.2.bias": (256,),
    "model.3.weight": (256,), "model.3.bias": (256,), "model.3.running_mean": (256,), "model.3.running_var": (256,),
    "model.5.weight": (512, 256), "model.5.bias": (512,),
    "model.6.weight": (512,), "model.6.bias": (512,), "model.6.running_mean": (512,), "model.6.running_var": (512,),
    "model.8.weight": (1024, 512), "model.8.bias": (1024,),
    "model.9.weight": (1024,), "model.9.bias": (1024,), "model.9.running_mean": (1024,), "model.9.running_var": (1024,),
    "model.11.weight": (1024, 1024), "model.11.bias": (1024,),
}  # fmt: skip
DISCRIMINATOR = {
    "label_embedding.weight": (10, 10),
    "model.0.weight": (512, 1034), "model.0.bias": (512,),
    "model.2.weight": (512, 512), "model.2.bias": (512,),
    "model.5.weight": (512, 512), "model.5.bias": (512,),
    "model.8.weight": (1, 512), "model.8.bias": (1,),
}  # fmt: skip


def shapes(network):
    return {name: array.shape for name, array in network_arrays(network).items()}


def test_the_layers_are_the_official_programs():
    assert shapes(Generator()) == GENERATOR
    assert shapes(Discriminator()) == DISCRIMINATOR


@pytest.mark.parametrize(("n_classes", "img_size", "channels"), [(10, 32, 1), (10, 28, 3), (4, 16, 1)])
def test_images_have_the_size_and_channels_asked_for(n_classes, img_size, channels):
    sizes = {"n_classes": n_classes, "img_size": img_size, "channels": channels}
    generator, discriminator = Generator(latent_dim=7, **sizes), Discriminator(**sizes)
    labels = np.arange(3) % n_classes
    images = generator(jt.array(normal(rng(0, "test"), 3, 7)), labels)
    assert list(images.shape) == [3, channels, img_size, img_size]
    assert np.abs(images.numpy()).max() <= 1
    assert list(discriminator(images, labels).shape) == [3, 1]


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def test_the_generator_computes_what_its_layers_say():
    generator = Generator()
    random = np.random.default_rng(0)
    for name, var in generator.state_dict().items():
        if "running" in name:
            var.assign(random.uniform(0.5, 2, var.shape).astype(np.float32))
    generator.eval()
    z, labels = normal(rng(0, "test"), 5, 100), np.array([0, 9, 3, 3, 7])
    images = generator(jt.array(z), labels).numpy()

    w = {name: array.astype(np.float64) for name, array in network_arrays(generator).items()}
    x = np.concatenate([w["label_emb.weight"][labels], z], axis=1)
    x = leaky(x @ w["model.0.weight"].T + w["model.0.bias"])
    for linear, norm in ((2, 3), (5, 6), (8, 9)):
        x = x @ w[f"model.{linear}.weight"].T + w[f"model.{linear}.bias"]
        x = (x - w[f"model.{norm}.running_mean"]) / np.sqrt(w[f"model.{norm}.running_var"] + 0.8)
        x = leaky(x * w[f"model.{norm}.weight"] + w[f"model.{norm}.bias"])
    x = np.tanh(x @ w["model.11.weight"].T + w["model.11.bias"])
    np.testing.assert_allclose(images, x.reshape((5, 1, 32, 32)), atol=1e-5)


def test_the_discriminator_computes_what_its_layers_say():
    discriminator = Discriminator()
    discriminator.eval()
    random = np.random.default_rng(0)
    images, labels = random.uniform(-1, 1, (5, 1, 32, 32)).astype(np.float32), np.array([0, 9, 3, 3, 7])
    scores = discriminator(jt.array(images), labels).numpy()

    w = {name: array.astype(np.float64) for name, array in network_arrays(discriminator).items()}
    x = np.concatenate([images.reshape((5, -1)), w["label_embedding.weight"][labels]], axis=1)
    for linear in (0, 2, 5):
        x = leaky(x @ w[f"model.{linear}.weight"].T + w[f"model.{linear}.bias"])
    x = x @ w["model.8.weight"].T + w["model.8.bias"]
    np.testing.assert_allclose(scores, x, atol=1e-5)


def test_the_discriminator_drops_out_in_training_alone():
    discriminator = Discriminator()
    images, labels = jt.array(np.random.default_rng(0).uniform(-1, 1, (4, 1, 32, 32)).astype(np.float32)), np.arange(4)

    def twice():
        return discriminator(images, labels).numpy(), discriminator(images, labels).numpy()

    first, second = twice()
    assert not np.allclose(first, second)
    discriminator.eval()
    first, second = twice()
    assert np.array_equal(first, second)


@pytest.mark.parametrize("label", [-1, 10])
def test_labels_that_are_no_class_are_refused(label):
    with pytest.raises(ValueError, match=r"whole numbers in 0 \.\. 9"):
        Generator()(jt.zeros((1, 100)), [label])
    with pytest.raises(ValueError, match=r"whole numbers in 0 \.\. 9"):
        Discriminator()(jt.zeros((1, 1, 32, 32)), [label])


@pytest.mark.parametrize("shape", [(2, 99), (2, 101), (3, 100), (100,), (2, 100, 1)])
def test_noise_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=re.escape(f"z must have the shape (2, 100), not {shape}")):
        Generator()(jt.zeros(shape), [0, 1])


@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (2, 3, 32, 32), (1, 1, 32, 32), (2, 1024)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=re.escape(f"images must have the shape (2, 1, 32, 32), not {shape}")):
        Discriminator()(jt.zeros(shape), [0, 1])
