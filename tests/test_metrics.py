"""The metrics against other libraries, closed forms and plain loops, and against faults that they are to show.

fixtures/metrics.safetensors was written by scripts/make_metric_fixtures.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image, ImageFilter

from jgan import metrics
from jgan.data import mnist
from jgan.weights.arrays import load

GOLDEN, _ = load(ROOT / "tests" / "fixtures" / "metrics.safetensors")
REAL, DRAWN = GOLDEN["real"], GOLDEN["drawn"]


def rng():
    return np.random.default_rng(0)


def test_frechet_distance_is_scipys():
    assert metrics.frechet_distance(REAL, DRAWN) == pytest.approx(GOLDEN["frechet"][0], rel=1e-9)


def test_frechet_distance_of_independent_axes_has_a_closed_form():
    """Per axis (m1 - m2)^2 + (s1 - s2)^2, of the samples' own moments."""
    random = np.random.default_rng(0)
    a, b = random.normal(0, 1, (50, 1)), random.normal(1, 3, (70, 1))
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_distance(REAL, REAL) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_that_of_torchmetrics():
    found, _ = metrics.kernel_distance(REAL, DRAWN, random=rng(), n_subsets=1)
    assert found == pytest.approx(GOLDEN["kernel"][0], rel=1e-6)
    mean, error = metrics.kernel_distance(REAL, DRAWN, random=rng(), subset_size=100)
    assert abs(mean - found) < 4 * error < found


def test_kernel_distance_of_equal_distributions_is_0_within_its_error():
    a, b = np.split(np.random.default_rng(1).normal(0, 1, (2000, 8)), 2)
    mean, error = metrics.kernel_distance(a, b, random=rng(), subset_size=200)
    assert abs(mean) < 4 * error < 0.1


def test_precision_recall_density_and_coverage_are_those_of_their_authors():
    assert metrics.manifold_scores(REAL, DRAWN) == pytest.approx(tuple(GOLDEN["manifold"]), abs=1e-12)


def test_distances_in_blocks_are_distances(monkeypatch):
    whole = metrics.manifold_scores(REAL, DRAWN), metrics.within_class_diversity(REAL, np.arange(300) % 3)
    monkeypatch.setattr(metrics, "BLOCK", 7)
    blocks = metrics.manifold_scores(REAL, DRAWN), metrics.within_class_diversity(REAL, np.arange(300) % 3)
    assert blocks[0] == whole[0] and blocks[1] == pytest.approx(whole[1], rel=1e-12)


def test_structural_similarity_and_psnr_are_those_of_scikit_image():
    a, b = GOLDEN["images"], GOLDEN["noisy"]
    assert metrics.structural_similarity(a, b) == pytest.approx(GOLDEN["ssim"][0], rel=1e-9)
    assert metrics.peak_signal_to_noise_ratio(a, b) == pytest.approx(GOLDEN["psnr"][0], rel=1e-9)
    assert metrics.structural_similarity(a, a) == 1 and metrics.peak_signal_to_noise_ratio(a, a) == np.inf
    assert metrics.mean_absolute_difference(a, 255 - a) == np.abs(255 - 2 * a.astype(int)).mean()


def test_accuracy_counts_what_is_read_as_asked():
    asked, read = np.array([0, 0, 0, 2, 2, 2, 2]), np.array([0, 1, 0, 2, 2, 2, 0])
    found = metrics.conditional_accuracy(asked, read, 4)
    assert found.accuracy == pytest.approx(5 / 7)
    np.testing.assert_allclose(found.by_class, [2 / 3, np.nan, 3 / 4, np.nan])
    assert found.confusion.tolist() == [[2, 1, 0, 0], [0, 0, 0, 0], [1, 0, 3, 0], [0, 0, 0, 0]]


def test_diversity_is_the_mean_distance_within_a_class():
    features, labels = np.random.default_rng(0).normal(0, 1, (9, 3)), np.array([0, 1, 0, 1, 0, 1, 1, 1, 0])
    means = []
    for label in (0, 1):
        some = features[labels == label]
        means.append(np.mean([np.linalg.norm(a - b) for i, a in enumerate(some) for b in some[:i]]))
    assert metrics.within_class_diversity(features, labels) == pytest.approx(np.mean(means))
    assert metrics.within_class_diversity(np.repeat(features[:1], 6, 0), np.arange(6) % 2) == pytest.approx(0, abs=1e-6)


def test_sliced_wasserstein_sorts_normalised_patches(monkeypatch):
    """Along axes instead of random directions, and with every patch once, it is the mean of scipy's distances."""
    a, b = GOLDEN["images"][:, :1, :8, :9], GOLDEN["noisy"][:, :1, :8, :9]

    class Axes:
        def __init__(self):
            self.places = [np.repeat([[0, 0, 0, 1, 1, 1]], 3, 0), np.repeat([[0, 1, 2, 0, 1, 2]], 3, 0)] * 2

        def integers(self, low, high, shape):
            return self.places.pop(0)

        def normal(self, mean, deviation, shape):
            return np.eye(49)[:, np.arange(640) % 20]

    monkeypatch.setattr(metrics, "PATCHES", 6)
    monkeypatch.setattr(metrics, "DIRECTIONS", 640)
    assert metrics.sliced_wasserstein(a, b, random=Axes()) == {8: pytest.approx(1000 * GOLDEN["swd"].mean(), rel=1e-4)}


def test_a_laplacian_pyramid_adds_up_to_its_image():
    images = np.random.default_rng(0).uniform(0, 255, (2, 3, 64, 32)).astype(np.float32)
    *details, smallest = metrics._laplacian_pyramid(images)
    assert [level.shape[2:] for level in (*details, smallest)] == [(64, 32), (32, 16)]
    larger = np.zeros_like(images)
    larger[:, :, ::2, ::2] = smallest
    np.testing.assert_allclose(details[0] + 4 * metrics._blurred(larger), images, atol=1e-3)
    flat = np.full((1, 1, 64, 64), 7, np.float32)
    assert all(np.abs(level[:, :, 4:-4, 4:-4]).max() < 1e-5 for level in metrics._laplacian_pyramid(flat)[:-1])


@pytest.fixture(scope="module")
def digits():
    return mnist.load_mnist("test", size=32)


def changed(images, kind, strength):
    """Digits made worse: strength 0 .. 3."""
    if kind == "noise":
        return np.clip(images + np.random.default_rng(0).normal(0, 25 * strength, images.shape), 0, 255)
    if kind == "occlusion":
        images = images.copy()
        images[:, :, 8 : 8 + 4 * strength, 8:24] = 0
        return images
    if kind == "crop":
        side = 32 - 4 * strength
    pictures = [Image.fromarray(image[0]) for image in images]
    if kind == "blur":
        pictures = [picture.filter(ImageFilter.GaussianBlur(strength)) if strength else picture for picture in pictures]
    elif kind == "pixelation":
        small = (32, 13, 9, 6)[strength]
        pictures = [picture.resize((small, small)).resize((32, 32), Image.NEAREST) for picture in pictures]
    elif kind == "crop":
        pictures = [picture.crop((0, 0, side, side)).resize((32, 32)) for picture in pictures]
    elif kind == "swirl":
        y, x = np.mgrid[:32, :32] - 15.5
        angle = 0.7 * strength * np.exp(-np.hypot(x, y) / 10)
        to_x, to_y = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
        rows, columns = (np.clip(np.rint(each + 15.5), 0, 31).astype(int) for each in (to_y, to_x))
        return images[:, :, rows, columns]
    return np.stack([np.asarray(picture)[None] for picture in pictures])


def features(images):
    """The pixels of images that were halved twice: what a judge would see, without one."""
    images = np.asarray(images, np.float64)
    return images.reshape((len(images), 8, 4, 8, 4)).mean(axis=(2, 4)).reshape((len(images), -1)) / 255


@pytest.mark.parametrize("kind", ["noise", "blur", "occlusion", "swirl", "pixelation", "crop"])
def test_frechet_distance_rises_with_what_is_wrong(digits, kind):
    real = features(digits.pixels[:2000])
    distances = [metrics.frechet_distance(real, features(changed(digits.pixels[2000:4000], kind, s))) for s in range(4)]
    assert distances == sorted(distances) and distances[3] > 1.5 * distances[0]


def test_faults_show(digits):
    real, labels = features(digits.pixels[:2000]), digits.labels[:2000]
    again = metrics.manifold_scores(real, real)  # training data passed off as samples
    assert again.precision == again.recall == again.coverage == 1
    honest = metrics.manifold_scores(real, features(digits.pixels[2000:4000]))
    kept = digits.labels[2000:4000] < 5  # half of the modes dropped
    half = metrics.manifold_scores(real, features(digits.pixels[2000:4000][kept]))
    assert half.precision > honest.precision - 0.05
    assert half.coverage < 0.7 * honest.coverage and half.recall < 0.85 * honest.recall
    constant = metrics.manifold_scores(real, np.repeat(real[:1], 2000, 0))
    assert constant.coverage < 0.05 and constant.recall == 0
    swapped = metrics.conditional_accuracy(labels, np.where(labels == 3, 8, np.where(labels == 8, 3, labels)), 10)
    assert swapped.by_class[[3, 8]].tolist() == [0, 0] and swapped.accuracy == pytest.approx(
        np.mean((labels != 3) & (labels != 8))
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: metrics.frechet_distance(REAL, DRAWN[:, :5]), r"features must be \(N >= 2, D\) of one D"),
        (lambda: metrics.frechet_distance(REAL[:1], DRAWN), r"features must be \(N >= 2, D\)"),
        (lambda: metrics.manifold_scores(REAL[:5], DRAWN), "5 neighbours need more than 5 features"),
        (lambda: metrics.within_class_diversity(REAL[:3], np.array([0, 0, 1])), "class 1 has 1 features"),
        (lambda: metrics.structural_similarity(GOLDEN["images"], GOLDEN["noisy"][:2]), "must have one shape"),
        (lambda: metrics.structural_similarity(*[GOLDEN["images"][:, :, :10]] * 2), "11 x 11"),
        (lambda: metrics.sliced_wasserstein(*[GOLDEN["images"][:, :, :6]] * 2, random=rng()), "patches of 7 x 7"),
        (
            lambda: metrics.sliced_wasserstein(GOLDEN["images"], GOLDEN["images"][:, :1], random=rng()),
            "cannot be compared",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
