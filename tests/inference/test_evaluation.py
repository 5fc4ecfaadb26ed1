"""Whether the scores say what is wrong with images: by the shipped judge, on MNIST as it is and with one fault each."""

from __future__ import annotations

import numpy as np
import pytest

from jgan import metrics
from jgan.cli.options import WEIGHTS
from jgan.data.mnist import load_mnist
from jgan.errors import UserError
from jgan.images import NotFinite, from_pixels
from jgan.inference import evaluation
from jgan.inference.evaluation import Set, chosen, judged
from jgan.inference.judges import load_judge, read

N = 1500


@pytest.fixture(scope="module")
def judge():
    return load_judge(WEIGHTS / "classifier_mnist.safetensors")


@pytest.fixture(scope="module")
def real(judge):
    return chosen(load_mnist("train", size=32), judge, n=N)


@pytest.fixture(scope="module")
def others(judge):
    """Test images, as a generator without fault would draw them."""
    return chosen(load_mnist("test", size=32), judge, n=N)


@pytest.fixture(scope="module")
def good(real, others, judge):
    return judged(real, others, judge.classes)


def test_images_without_fault_are_at_the_top_of_every_scale(good):
    assert good["accuracy"] > 0.99 and min(good["accuracy_by_class"].values()) > 0.97
    assert min(good["precision"], good["recall"], good["coverage"]) > 0.9
    assert abs(good["kernel_distance"]) < 5 * good["kernel_distance_error"]
    assert np.trace(good["confusion"]) == round(good["accuracy"] * N)


def test_swapped_classes_are_seen(real, others, judge, good):
    swapped = np.where(others.labels == 3, 8, np.where(others.labels == 8, 3, others.labels))
    scores = judged(real, Set(others.pixels, swapped, others.reading), judge.classes)
    assert scores["accuracy_by_class"]["3"] < 0.02 and scores["accuracy_by_class"]["8"] < 0.02
    assert scores["accuracy_by_class"]["5"] == good["accuracy_by_class"]["5"]
    assert scores["confusion"][3][8] > 100 and scores["accuracy"] < 0.85


def test_a_constant_image_is_seen(real, others, judge, good):
    """It is well drawn: only what it lacks tells."""
    pixels = np.broadcast_to(others.pixels[:1], others.pixels.shape)
    scores = judged(real, Set(pixels, others.labels, read(judge, pixels)), judge.classes)
    assert scores["accuracy"] < 0.2 and scores["within_class_diversity"] < 0.01 * good["within_class_diversity"]
    assert scores["recall"] < 0.02 and scores["coverage"] < 0.02
    assert scores["frechet_distance"] > 20 * good["frechet_distance"]


def test_training_images_passed_off_as_drawn_are_too_good(real, judge, good):
    scores = judged(real, real, judge.classes)
    assert scores["precision"] == scores["coverage"] == scores["recall"] == 1 > max(good["precision"], good["coverage"])
    assert scores["frechet_distance"] < 0.01 * good["frechet_distance"]


def test_modes_that_are_never_drawn_are_seen_in_recall_and_coverage(real, others, judge, good):
    half = np.flatnonzero(others.labels < 5)
    places = np.resize(half, N)
    reading = others.reading._replace(
        features=others.reading.features[places], probabilities=others.reading.probabilities[places]
    )
    scores = judged(real, Set(others.pixels[places], others.labels[places], reading), judge.classes)
    assert scores["precision"] > 0.9 and scores["accuracy"] > 0.98  # what is drawn is good
    assert scores["recall"] < 0.7 * good["recall"] and scores["coverage"] < 0.7 * good["coverage"]
    assert scores["frechet_distance"] > 10 * good["frechet_distance"]


@pytest.mark.parametrize("fault", ["noise", "blur", "occlusion", "pixelation"])
def test_the_distance_rises_with_a_fault_of_the_pictures(real, others, judge, fault):
    distances = [
        metrics.frechet_distance(real.reading.features, read(judge, pixels).features)
        for pixels in (spoilt(others.pixels[: N // 3], fault, strength) for strength in range(4))
    ]
    assert distances == sorted(set(distances))


def spoilt(pixels, fault, strength):
    pixels = pixels.copy()
    if fault == "noise":
        noise = np.random.default_rng(0).normal(0, 25, pixels.shape) * strength
        return np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if fault == "blur":
        for _ in range(strength):
            pixels = np.mean([np.roll(pixels, (dy, dx), (2, 3)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
        return np.rint(pixels).astype(np.uint8)
    if fault == "occlusion":
        pixels[:, :, 10 : 10 + 4 * strength, 10 : 10 + 4 * strength] = 0
        return pixels
    size = 2**strength
    small = pixels.reshape((len(pixels), 1, 32 // size, size, 32 // size, size)).mean(axis=(3, 5))
    return np.rint(small).astype(np.uint8).repeat(size, 2).repeat(size, 3)


def test_sorted_data_sets_are_compared_as_a_whole(monkeypatch):
    """Of more images than are compared, the first ones would be of one kind alone."""
    monkeypatch.setattr(evaluation, "N_SLICED", 100)
    pixels = np.random.default_rng(0).integers(0, 256, (400, 1, 16, 16)).astype(np.uint8)
    pixels[:200] //= 8
    pixels[:200, :, ::2] = 0
    mixed = pixels[np.random.default_rng(1).permutation(400)]
    kind = np.concatenate([pixels[:200], pixels[:200]])
    found, other = (evaluation.sliced_wasserstein(mixed, each)["sliced_wasserstein"] for each in (pixels, kind))
    assert 3 * found < other
    assert all(len(evaluation._some(400, n, np.random.default_rng(0))) == n for n in (50, 400))


class Painter:
    """Draws its first noise as a grey, its label as another."""

    latent_dim, n_classes, img_shape = 2, 4, (1, 16, 16)

    def draw_z(self, random, n, latent_dim):
        return random.uniform(-1, 1, (n, latent_dim)).astype(np.float32)

    def is_training(self):
        return False

    def eval(self):
        pass

    def __call__(self, z, labels=None):
        grey = z.numpy()[:, 0] if labels is None else np.asarray(labels, np.float32) / 10
        return np.broadcast_to(grey.astype(np.float32)[:, None, None, None], (len(z), 1, 16, 16))


def test_all_classes_are_drawn_in_turn_and_the_noise_is_the_seeds():
    found = evaluation.drawn(Painter(), n_classes=3, n=250)
    assert found.labels.tolist() == [i % 3 for i in range(250)] and found.reading is None
    assert np.array_equal(found.pixels[:3, 0, 0, 0], np.rint((np.arange(3) / 10 + 1) * 127.5).astype(np.uint8))
    one, other = (evaluation.drawn(Painter(), n=250, seed=seed).pixels for seed in (1, 2))
    assert np.array_equal(one, evaluation.drawn(Painter(), n=250, seed=1).pixels) and not np.array_equal(one, other)
    assert len(np.unique(one)) > 50


def test_a_generator_without_numbers_is_not_scored():
    class Diverged(Painter):
        def __call__(self, z, labels=None):
            return from_pixels(np.zeros((len(z), 1, 16, 16), np.uint8)) * np.nan

    with pytest.raises(NotFinite):
        evaluation.drawn(Diverged(), n=10)


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 1] * 2, "4 images are too few"), ([0] * 9 + [1], "1 of the images are of the class b")]
)
def test_too_few_images_are_refused(labels, message):
    images = Set(np.zeros((len(labels), 1, 1, 1), np.uint8), np.array(labels))
    with pytest.raises(UserError, match=message):
        evaluation.require_enough(images, ("a", "b"), "images")


def test_the_subsets_of_few_images_differ(real, others, judge):
    few = [Set(each.pixels[:100], None, read(judge, each.pixels[:100])) for each in (real, others)]
    assert judged(*few, judge.classes)["kernel_distance_error"] > 1e-5
