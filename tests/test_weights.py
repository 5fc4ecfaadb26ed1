"""The shipped weights: that they are those described, and that a label draws its digit."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from jgan.data import mnist
from jgan.data.label_maps import distinct_palette
from jgan.images import from_pixels, to_pixels
from jgan.inference.generators import draw, latents, load_generator
from jgan.inference.judges import load_judge, read
from jgan.inference.translators import load_translator, translate
from jgan.jittor_setup.runtime import seed_jittor
from jgan.random import normal, rng

WEIGHTS = ROOT / "weights"


def test_every_file_is_described_by_its_sha256():
    described = dict(re.findall(r"`(\w+\.safetensors)`.*?`([0-9a-f]{64})`", (WEIGHTS / "README.md").read_text(), re.S))
    files = sorted(WEIGHTS.glob("*.safetensors"))
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == described
    largest = {  # of 10.5 and 9.7 million weights; of two networks
        "pix2pix_facades_128": 42_000_000,
        "spade_facades_128": 40_000_000,
        "cyclegan_monet_128": 16_000_000,
    }
    assert all(path.stat().st_size < largest.get(path.stem, 15_000_000) for path in files)


def linear_classifier(n=10_000):
    """Ridge regression onto the classes of the first n training images: a function from images to digits."""
    data = mnist.load_mnist("train", size=32)

    def features(images):
        return np.c_[images.reshape((len(images), -1)), np.ones(len(images))].astype(np.float64)

    x = features(data.batch(np.arange(n)))
    targets = 2 * np.eye(10)[data.labels[:n]] - 1
    weights = np.linalg.solve(x.T @ x + 300 * np.eye(x.shape[1]), x.T @ targets)
    return lambda images: (features(images) @ weights).argmax(axis=1)


def test_a_classifier_of_real_digits_reads_the_drawn_ones():
    """Of 1000 digits drawn, 100 of each, it reads 91.3% as asked; of the real test images, 85.5%."""
    import jittor as jt

    classify = linear_classifier()
    data = mnist.load_mnist("test", size=32)
    assert (classify(from_pixels(data.pixels)) == data.labels).mean() > 0.85

    generator = load_generator(WEIGHTS / "cgan_mnist.safetensors")
    asked = np.repeat(np.arange(10), 100)
    drawn = generator(jt.array(normal(rng(0, "test"), 1000, generator.latent_dim)), asked).numpy()
    assert (classify(drawn) == asked).mean() > 0.85


def test_the_judge_reads_the_test_images_of_mnist():
    data = mnist.load_mnist("test", size=32)
    reading = read(load_judge(WEIGHTS / "classifier_mnist.safetensors"), data.pixels)
    assert (reading.labels == data.labels).mean() >= 0.995


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_a_judge_knows_the_classes_of_its_data_set(name):
    classes = mnist.FILES[name]["train", "labels"].source.classes
    assert load_judge(WEIGHTS / f"classifier_{name}.safetensors").classes == classes


@pytest.mark.parametrize("name", ["gan_mnist", "dcgan_faces_64", "wgan_fashion_32", "wgan_gp_fashion_32"])
def test_the_pictures_were_drawn_by_the_weights(name):
    """Those of sample.py and interpolate.py in the README; other processors may round differently."""
    generator = load_generator(WEIGHTS / f"{name}.safetensors")
    size = generator.img_shape[-1]
    drawn = to_pixels(draw(generator, latents(generator, range(8)))).transpose(0, 2, 3, 1).astype(int)
    sheet, square = (
        np.asarray(Image.open(WEIGHTS / f"{name}{kind}.png")).reshape(
            (rows * (size + 2) + 2, -1, generator.img_shape[0])
        )
        for kind, rows in (("", 8), ("_square", 11))
    )
    for i, image in enumerate(drawn):
        shown = sheet[2 : size + 2, 2 + i * (size + 2) : (i + 1) * (size + 2)]
        assert np.abs(shown - image).max() <= 2
    assert np.abs(square[2 : size + 2, 2 : size + 2] - drawn[0]).max() <= 2
    assert np.abs(square[-size - 2 : -2, -size - 2 : -2] - drawn[1]).max() <= 2


@pytest.mark.parametrize(("name", "places"), [("pix2pix_facades_128", 3), ("cyclegan_monet_128", 2)])
def test_the_translations_were_drawn_by_the_weights(name, places):
    """Those of translate.py in the README: input and output side by side, and perhaps the other half of the pair."""
    path = sorted((WEIGHTS / name).glob("*.png"))[0]
    shown = Image.open(path)
    assert shown.size == (places * 128, 128)
    seed_jittor(0, "translate")
    drawn = translate(load_translator(WEIGHTS / f"{name}.safetensors"), shown.crop((0, 0, 128, 128))).astype(int)
    assert np.abs(drawn - np.asarray(shown.crop((128, 0, 256, 128)))).max() <= 4


def test_the_facades_of_spade_were_drawn_by_its_weights():
    """The label map in its colours, what SPADE and what the U-Net draw of it, and the photograph."""
    shown = Image.open(WEIGHTS / "spade_facades_128" / "1.png")
    assert shown.size == (4 * 128, 128)
    colours = np.asarray(shown.crop((0, 0, 128, 128)))
    classes = distinct_palette(12).nearest(colours)
    assert np.array_equal(distinct_palette(12).colours[classes], colours)
    drawn = translate(load_translator(WEIGHTS / "spade_facades_128.safetensors"), Image.fromarray(classes)).astype(int)
    assert np.abs(drawn - np.asarray(shown.crop((128, 0, 256, 128)))).max() <= 4
