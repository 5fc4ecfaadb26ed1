from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.layers import evaluating
from jgan.models.classifier import Classifier


@pytest.mark.parametrize(("size", "channels", "width"), [(16, 1, 2), (32, 3, 4), (64, 1, 1)])
def test_the_last_layer_sees_the_features(size, channels, width):
    network = Classifier(n_classes=7, img_size=size, channels=channels, width=width)
    images = np.random.default_rng(0).uniform(-1, 1, (5, channels, size, size)).astype(np.float32)
    with evaluating(network):
        features, logits = network.features(jt.array(images)).numpy(), network(jt.array(images)).numpy()
        places = network.convolutions(jt.array(images)).numpy()
    assert features.shape == (5, 4 * width) and logits.shape == (5, 7) and (features >= 0).all()
    np.testing.assert_allclose(features, places.astype(np.float64).mean(axis=(2, 3)), rtol=1e-5, atol=1e-6)
    weight, bias = (var.numpy().astype(np.float64) for var in (network.linear.weight, network.linear.bias))
    np.testing.assert_allclose(logits, features @ weight.T + bias, rtol=1e-4, atol=1e-5)


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="img_size must be a multiple of 8, not 28"):
        Classifier(img_size=28)
    with pytest.raises(ValueError, match=r"images must have the shape \(2, 1, 32, 32\), not \(2, 1, 16, 16\)"):
        Classifier(width=1)(jt.zeros((2, 1, 16, 16)))
