from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from PIL import Image

from jgan.errors import UserError
from jgan.images import from_pixels
from jgan.inference.judges import load_judge, read
from jgan.models.cgan import Generator
from jgan.models.classifier import Classifier
from jgan.weights.networks import save_network


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    path = tmp_path_factory.mktemp("judge") / "classifier.safetensors"
    save_network(path, Classifier(n_classes=3, img_size=16, channels=3, width=1), classes=("a", "b", "c"))
    return load_judge(path)


def test_a_judge_reads_images_of_any_size_and_grey_ones(judge):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 1, 24, 24), np.uint8)
    reading = read(judge, pixels)
    seen = np.stack([np.asarray(Image.fromarray(image[0]).resize((16, 16), Image.BILINEAR)) for image in pixels])
    logits = judge(jt.array(from_pixels(np.stack([seen] * 3, axis=1)))).numpy().astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert judge.classes == ("a", "b", "c") and reading.features.shape == (7, 4)
    np.testing.assert_allclose(reading.probabilities, shares, rtol=1e-5)
    assert np.array_equal(reading.labels, shares.argmax(axis=1))
    np.testing.assert_allclose(reading.confidence, shares.max(axis=1), rtol=1e-5)


def test_what_an_image_is_read_as_does_not_depend_on_the_others(judge, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16), np.uint8)
    whole = read(judge, pixels)
    monkeypatch.setattr("jgan.inference.judges.BATCH", 2)
    np.testing.assert_allclose(read(judge, pixels).features, whole.features, rtol=1e-5, atol=1e-7)


def test_colours_are_not_judged_by_grey(tmp_path):
    with pytest.raises(UserError, match="the images have 3 channels, and the judge reads images of 1"):
        read(Classifier(width=1), np.zeros((1, 3, 32, 32), np.uint8))


def test_a_generator_is_no_judge(tmp_path):
    save_network(tmp_path / "generator", Generator())
    with pytest.raises(UserError, match=r"what is needed here is weights of classifier\.Classifier"):
        load_judge(tmp_path / "generator")
