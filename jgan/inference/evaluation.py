"""The protocol by which generators and translators are scored: how many images, which, and beside what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Callable

import jittor as jt
import numpy as np
from PIL import Image

from jgan import metrics
from jgan.data.dataset import Images
from jgan.errors import UserError
from jgan.images import to_pixels
from jgan.inference.judges import Reading, read
from jgan.inference.translators import translate
from jgan.jittor_setup.runtime import seed_jittor
from jgan.layers import evaluating
from jgan.random import rng

N_SAMPLES = 10_000  # Frechet distances of fewer are larger, and so of no use beside these
N_SLICED = 2048  # images of which the sliced Wasserstein distance takes its patches
BATCH = 100


@dataclasses.dataclass(frozen=True)
class Set:
    """Images as they are scored: their pixels, labels if they have any, and what a judge makes of them if there is one.

    pixels: uint8 (N, C, H, W).
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    reading: Reading | None = None


def chosen(data: Images, judge=None, *, n: int = N_SAMPLES, seed: int = 0) -> Set:
    """n images of a data set drawn at random without replacement, or all in their order if there are no more."""
    places = _some(len(data), n, rng(seed, "reference"))
    pixels = data.pixels[places]
    labels = None if data.labels is None else data.labels[places]
    return Set(pixels, labels, None if judge is None else read(judge, pixels))


def drawn(
    generator, judge=None, *, n_classes: int = 0, n: int = N_SAMPLES, seed: int = 0,
    bar: Callable[[Iterable], Iterable] = iter,
) -> Set:  # fmt: skip
    """n images of a generator, rounded to pixels as in a file.

    n_classes: of a conditional one, of which each is drawn in turn; 0 for others. bar: shows the progress. Raises
    `jgan.images.NotFinite` if it draws no numbers.
    """
    z = generator.draw_z(rng(seed, "evaluate"), n, generator.latent_dim)
    labels = np.arange(n, dtype=np.int32) % n_classes if n_classes else None
    parts = []
    with evaluating(generator):
        for start in bar(range(0, n, BATCH)):
            part = slice(start, start + BATCH)
            inputs = [jt.array(z[part])] if labels is None else [jt.array(z[part]), labels[part]]
            parts.append(to_pixels(generator(*inputs)))
    pixels = np.concatenate(parts)
    return Set(pixels, labels, None if judge is None else read(judge, pixels))


def headline(real: Set, images: Set, *, seed: int = 0) -> dict[str, float]:
    """The scores by which a training finds its best step, the first deciding: lower is better.

    They are the Frechet distance, and of labelled images the share that is read as labelled; without a judge, the
    sliced Wasserstein distance.
    """
    if real.reading is None:
        found = sliced_wasserstein(real.pixels, images.pixels, seed=seed)
        return {"sliced_wasserstein": found["sliced_wasserstein"]}
    scores = {"frechet_distance": metrics.frechet_distance(real.reading.features, images.reading.features)}
    if images.labels is not None:
        scores["accuracy"] = float(np.mean(images.reading.labels == images.labels))
    return scores


def judged(real: Set, images: Set, classes: tuple[str, ...], *, seed: int = 0) -> dict:
    """All that a judge can say of images beside real ones: see `jgan.metrics` for what each is, `require_enough` first.

    Labelled ones have {"accuracy", "accuracy_by_class", "confusion", "within_class_diversity"}, too, in the order of
    the classes, which are the judge's.
    """
    features, others = real.reading.features, images.reading.features
    half = max(2, min(len(features), len(others)) // 2)  # or the subsets would be the same
    distance, error = metrics.kernel_distance(
        features, others, random=rng(seed, "subsets"), subset_size=min(1000, half)
    )
    scores = {
        "frechet_distance": metrics.frechet_distance(features, others),
        "kernel_distance": distance,
        "kernel_distance_error": error,
        **metrics.manifold_scores(features, others)._asdict(),
    }
    if images.labels is not None:
        found = metrics.conditional_accuracy(images.labels, images.reading.labels, len(classes))
        scores["accuracy"] = found.accuracy
        scores["accuracy_by_class"] = dict(zip(classes, found.by_class.tolist()))
        scores["confusion"] = found.confusion.tolist()
        scores["within_class_diversity"] = metrics.within_class_diversity(others, images.labels)
    return scores


def sliced_wasserstein(real: np.ndarray, pixels: np.ndarray, *, seed: int = 0) -> dict:
    """The mean over all levels, times 1000, and each level's: see `jgan.metrics`.

    Of both sets as many images are taken, at random: those of a data set may be sorted.
    """
    n = n_sliced(real, pixels)
    real, pixels = (images[_some(len(images), n, rng(seed, "compared"))] for images in (real, pixels))
    levels = metrics.sliced_wasserstein(real, pixels, random=rng(seed, "patches"))
    return {
        "sliced_wasserstein": float(np.mean(list(levels.values()))),
        "sliced_wasserstein_by_size": {str(size): distance for size, distance in levels.items()},
    }


def n_sliced(real: np.ndarray, pixels: np.ndarray) -> int:
    """How many images of either set `sliced_wasserstein` takes."""
    return min(N_SLICED, len(real), len(pixels))


def _some(n: int, n_chosen: int, random: np.random.Generator) -> np.ndarray:
    """So many of n places, drawn without replacement, in their order."""
    return np.sort(random.permutation(n)[:n_chosen])


def nearness(targets: np.ndarray, pixels: np.ndarray) -> dict[str, float]:
    """How near translations are to their targets, both uint8 (N, C, H, W): see `jgan.metrics` for what each is."""
    return {
        "l1": metrics.mean_absolute_difference(targets, pixels),
        "psnr": metrics.peak_signal_to_noise_ratio(targets, pixels),
        "ssim": metrics.structural_similarity(targets, pixels),
    }


def require_enough(images: Set, classes: tuple[str, ...], what: str) -> None:
    """UserError if there are too few of these images, or of one of their classes, for `judged`."""
    if len(images.pixels) <= metrics.NEIGHBOURS:
        raise UserError(f"{len(images.pixels)} {what} are too few; more than {metrics.NEIGHBOURS} are needed")
    if images.labels is not None:
        counts = np.bincount(images.labels, minlength=len(classes))
        if counts.min() < 2:
            raise UserError(
                f"{counts.min()} of the {what} are of the class {classes[counts.argmin()]}; two of each are needed"
            )


def translated(generator, pixels: np.ndarray, *, seed: int = 0, bar: Callable = iter) -> np.ndarray:
    """The translation of each image, uint8 (N, C, H, W), as `jgan.inference.translators.translate` makes it."""
    parts = []
    for image in bar(pixels):
        seed_jittor(seed, "translate")
        image = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
        parts.append(np.atleast_3d(translate(generator, image)).transpose(2, 0, 1))
    return np.stack(parts)
