"""What a set of drawn images is worth beside real ones: pure functions of arrays, in float64.

Most take features, (N, D) arrays of what a judge sees in images; figures of different judges, or of different numbers
of images, must not be compared. The last ones take images themselves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEIGHBOURS = 5
BLOCK = 1000  # rows of a matrix of distances that are in memory at once


def frechet_distance(real: np.ndarray, drawn: np.ndarray) -> float:
    """Distance of two sets of features, (N, D) and (M, D), as normal distributions; 0 for equal ones.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), of means and unbiased covariances (Heusel et al. 2017,
    arXiv:1706.08500, eq. 6). It is biased upwards for few samples: give 10,000 and more of each. Raises ValueError for
    fewer than two.
    """
    real, drawn = _features(real, drawn)
    mean_a, mean_b = real.mean(axis=0), drawn.mean(axis=0)
    cov_a, cov_b = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, drawn))
    # The square roots of the eigenvalues of C1 C2 are those of the symmetric C1^(1/2) C2 C1^(1/2).
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    return float(np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap)


def kernel_distance(
    real: np.ndarray, drawn: np.ndarray, *, random: np.random.Generator, n_subsets: int = 100, subset_size: int = 1000
) -> tuple[float, float]:
    """Squared maximum mean discrepancy of two sets of features under k(x, y) = (x.y / D + 1)^3, and its standard error.

    The unbiased estimate, averaged over random subsets (Binkowski et al. 2018, arXiv:1801.01401, section 3 and
    appendix). It may be negative for equal distributions. Subsets are no larger than the sets.
    """
    real, drawn = _features(real, drawn)
    n = min(subset_size, len(real), len(drawn))
    found = []
    for _ in range(n_subsets):
        x, y = (features[random.choice(len(features), n, replace=False)] for features in (real, drawn))
        within = sum((_cubic(z, z).sum() - np.trace(_cubic(z, z))) / (n * (n - 1)) for z in (x, y))
        found.append(within - 2 * _cubic(x, y).mean())
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(n_subsets)) if n_subsets > 1 else 0.0


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


class Manifold(NamedTuple):
    """How far two sets of features lie within each other, each from 0 to 1, density from 0 on."""

    precision: float  # share of the drawn that lie among the real
    recall: float  # share of the real that lie among the drawn
    density: float  # how many real neighbourhoods a drawn one lies in, by k
    coverage: float  # share of the real that have a drawn one in their neighbourhood


def manifold_scores(real: np.ndarray, drawn: np.ndarray, *, k: int = NEIGHBOURS) -> Manifold:
    """Precision and recall (Kynkaanniemi et al. 2019, arXiv:1904.06991), density and coverage (Naeem et al. 2020,
    arXiv:2002.09797, eq. 3 to 6).

    The neighbourhood of a feature reaches to its k-th nearest of the same set. Raises ValueError unless both sets have
    more than k.
    """
    real, drawn = _features(real, drawn)
    if min(len(real), len(drawn)) <= k:
        raise ValueError(f"{k} neighbours need more than {k} features of each set, not {len(real)} and {len(drawn)}")
    real_radii, drawn_radii = _radii(real, k), _radii(drawn, k)
    counts = np.zeros(len(drawn))  # in how many real neighbourhoods each drawn one lies
    recalled, covered = [], []
    for start in range(0, len(real), BLOCK):
        rows = slice(start, start + BLOCK)
        distances = _distances(real[rows], drawn)
        within = distances < real_radii[rows, None]
        counts += within.sum(axis=0)
        recalled.append((distances < drawn_radii).any(axis=1))
        covered.append(within.any(axis=1))
    return Manifold(
        precision=float(np.mean(counts > 0)),
        recall=float(np.mean(np.concatenate(recalled))),
        density=float(np.mean(counts) / k),
        coverage=float(np.mean(np.concatenate(covered))),
    )


def _radii(features: np.ndarray, k: int) -> np.ndarray:
    """The distance of each to its k-th nearest other one."""
    blocks = (_distances(features[start : start + BLOCK], features) for start in range(0, len(features), BLOCK))
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in blocks])


def _distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return np.sqrt(np.maximum(squares, 0))


class Reading(NamedTuple):
    """How a judge reads images that were asked for by their class."""

    accuracy: float  # share that is read as asked
    by_class: np.ndarray  # the same of each class; NaN where none was asked for
    confusion: np.ndarray  # (classes, classes): how many of the row's class were read as the column's


def conditional_accuracy(asked: np.ndarray, read: np.ndarray, n_classes: int) -> Reading:
    """How many labels are read as they were asked for; both (N,) in 0 .. n_classes-1."""
    confusion = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(confusion, (asked, read), 1)
    with np.errstate(invalid="ignore"):
        by_class = np.diag(confusion) / confusion.sum(axis=1)
    return Reading(float(np.trace(confusion) / confusion.sum()), by_class, confusion)


def within_class_diversity(features: np.ndarray, labels: np.ndarray) -> float:
    """The mean distance of two features of one class, averaged over the classes; 0 for a generator of one image each.

    To be read beside that of real images. Raises ValueError for a class of a single feature.
    """
    (features,) = _features(features)
    means = []
    for label in np.unique(labels):
        of_class = features[labels == label]
        if len(of_class) < 2:
            raise ValueError(f"class {label} has {len(of_class)} features; two are needed")
        total = 0.0
        for start in range(0, len(of_class), BLOCK):
            distances = _distances(of_class[start : start + BLOCK], of_class)
            np.fill_diagonal(distances[:, start:], 0)  # of each from itself, which rounding makes larger
            total += distances.sum()
        means.append(total / (len(of_class) * (len(of_class) - 1)))
    return float(np.mean(means))


def _features(*sets: np.ndarray) -> list[np.ndarray]:
    for features in sets:
        if features.ndim != 2 or len(features) < 2 or features.shape[1] != sets[0].shape[1]:
            shapes = " and ".join(str(each.shape) for each in sets)
            raise ValueError(f"features must be (N >= 2, D) of one D, not {shapes}")
    return [np.asarray(features, np.float64) for features in sets]


# Of images


def mean_absolute_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Of two arrays of pixels of one shape, uint8: 0 .. 255."""
    _require_pairs(a, b)
    return float(np.abs(a.astype(np.float64) - b).mean())


def peak_signal_to_noise_ratio(a: np.ndarray, b: np.ndarray) -> float:
    """In decibels, the mean over pairs of images, uint8 (N, C, H, W); infinite where a pair is equal."""
    _require_pairs(a, b)
    errors = ((a.astype(np.float64) - b) ** 2).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(255**2 / errors)))


def structural_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """The mean over pairs of images, uint8 (N, C, H, W), their channels and places; 1 for equal ones.

    Wang et al. 2004 (doi:10.1109/TIP.2003.819861, section III.C): a Gaussian window of 11x11 with sigma 1.5, K1 = 0.01,
    K2 = 0.03, where the window fits. Raises ValueError for images below 11x11.
    """
    _require_pairs(a, b)
    if min(a.shape[2:]) < 11:
        raise ValueError(f"structural similarity needs images of 11 x 11 pixels and more, not {a.shape[2:]}")
    a, b = a.astype(np.float64), b.astype(np.float64)
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()

    def smooth(images: np.ndarray) -> np.ndarray:
        for axis in (2, 3):
            images = np.lib.stride_tricks.sliding_window_view(images, 11, axis=axis) @ window
        return images

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for x, y in zip(a[:, None], b[:, None]):  # one pair at a time: the windows take much room
        mean_x, mean_y = smooth(x), smooth(y)
        var_x, var_y = smooth(x * x) - mean_x**2, smooth(y * y) - mean_y**2
        covariance = smooth(x * y) - mean_x * mean_y
        similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
        values.append(np.mean(similar / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))))
    return float(np.mean(values))


def _require_pairs(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape != b.shape or a.ndim != 4 or len(a) < 1:
        raise ValueError(f"pairs of images must have one shape (N, C, H, W), not {a.shape} and {b.shape}")


PATCH, PATCHES, DIRECTIONS = 7, 128, 512
SMALLEST_LEVEL = 16


def sliced_wasserstein(real: np.ndarray, drawn: np.ndarray, *, random: np.random.Generator) -> dict[int, float]:
    """Sliced Wasserstein distance of two sets of images on each level of their Laplacian pyramids, times 1000.

    Karras et al. 2018 (arXiv:1710.10196, section 5 and appendix B): 128 patches of 7x7 an image and level, each channel
    normalised by its mean and standard deviation over the set, and 512 random directions. It needs no network. real,
    drawn: uint8 (N, C, H, W) and (M, C, H, W); of the larger set as many are taken as the smaller has. Returns the
    distance by the height of the level, from the images' own down to 16; the smallest images have one level.
    """
    if real.shape[1:] != drawn.shape[1:]:
        raise ValueError(f"images of the shapes {real.shape[1:]} and {drawn.shape[1:]} cannot be compared")
    if min(real.shape[2:]) < PATCH:
        raise ValueError(f"patches of {PATCH} x {PATCH} do not fit into images of {real.shape[2:]}")
    n = min(len(real), len(drawn))
    pyramids = [_laplacian_pyramid(images[:n].astype(np.float32)) for images in (real, drawn)]
    distances = {}
    for level_a, level_b in zip(*pyramids):
        a, b = (_normalised_patches(level, random) for level in (level_a, level_b))
        directions = random.normal(0, 1, (a.shape[1], DIRECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        differences = [
            np.abs(np.sort(a @ some, axis=0) - np.sort(b @ some, axis=0)).mean()
            for some in np.split(directions.astype(np.float32), DIRECTIONS // 32, axis=1)
        ]
        distances[level_a.shape[2]] = 1000 * float(np.mean(differences))
    return distances


def _normalised_patches(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """PATCHES random patches of each image: float32 (N * PATCHES, C * PATCH * PATCH)."""
    n, _, height, width = images.shape
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(2, 3))
    tops = random.integers(0, height - PATCH + 1, (n, PATCHES))
    lefts = random.integers(0, width - PATCH + 1, (n, PATCHES))
    patches = windows[np.arange(n)[:, None], :, tops, lefts]  # (n, PATCHES, C, PATCH, PATCH)
    mean = patches.mean(axis=(0, 1, 3, 4), keepdims=True, dtype=np.float64)
    deviation = patches.std(axis=(0, 1, 3, 4), keepdims=True, dtype=np.float64)
    return ((patches - mean) / np.maximum(deviation, 1e-8)).astype(np.float32).reshape((n * PATCHES, -1))


BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16


def _laplacian_pyramid(images: np.ndarray) -> list[np.ndarray]:
    """What each level adds to the next smaller one, and the smallest level itself (Burt & Adelson 1983)."""
    levels = []
    while min(images.shape[2:]) >= 2 * SMALLEST_LEVEL and not any(side % 2 for side in images.shape[2:]):
        smaller = _blurred(images)[:, :, ::2, ::2]
        larger = np.zeros_like(images)
        larger[:, :, ::2, ::2] = smaller
        levels.append(images - 4 * _blurred(larger))
        images = smaller
    return [*levels, images]


def _blurred(images: np.ndarray) -> np.ndarray:
    """Smoothed by 1 4 6 4 1 along both axes, mirrored at the borders."""
    for axis in (2, 3):
        padding = [(0, 0)] * axis + [(2, 2)] + [(0, 0)] * (3 - axis)
        padded = np.pad(images, padding, mode="reflect")
        length = images.shape[axis]
        images = sum(
            weight * padded.take(range(i, i + length), axis=axis)
            for i, weight in enumerate(BINOMIAL.astype(np.float32))
        )
    return images
