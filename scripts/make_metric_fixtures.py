"""Compute what jgan.metrics computes by the libraries that others use, and write it for the tests.

python scripts/make_metric_fixtures.py          # writes tests/fixtures/metrics.safetensors

It needs scipy, prdc, scikit-image and torchmetrics; the tests that read the file do not:
pip install scipy==1.17.1 prdc==0.2 scikit-image==0.26.0 torchmetrics==1.9.0
"""

from __future__ import annotations

import dataclasses
from importlib.metadata import version
from pathlib import Path

import numpy as np

from jgan.cli.options import option
from jgan.cli.program import run_program
from jgan.errors import UserError
from jgan.weights.arrays import save

LIBRARIES = ("scipy", "prdc", "scikit-image", "torchmetrics")
K = 5


@dataclasses.dataclass
class Options:
    output: str = option("tests/fixtures/metrics.safetensors", "the file to write")


def main(opt: Options, given: dict) -> int:
    try:
        versions = {name: version(name) for name in LIBRARIES}
    except ImportError as error:
        raise UserError(f"{error.name} is missing; the head of this program says what it needs") from None

    random = np.random.default_rng(0)
    mixing = random.normal(0, 1, (2, 12, 12))
    real, drawn = (random.normal(mean, 1, (300, 12)) @ m for mean, m in zip((0, 0.3), mixing))
    images = random.integers(0, 256, (3, 3, 24, 30))
    noisy = np.clip(images + random.normal(0, 25, images.shape), 0, 255)
    arrays = {
        "real": real,
        "drawn": drawn,
        "images": images.astype(np.uint8),
        "noisy": noisy.astype(np.uint8),
    }
    arrays["frechet"] = np.array([frechet(real, drawn)])
    arrays["kernel"] = np.array([kernel(real, drawn)])
    arrays["manifold"] = np.array(manifold(real, drawn))
    arrays["ssim"], arrays["psnr"] = (np.array([value]) for value in similarities(arrays["images"], arrays["noisy"]))
    arrays["swd"] = np.array(sliced(arrays["images"][:, :1, :8, :9], arrays["noisy"][:, :1, :8, :9]))
    save(Path(opt.output), arrays, {"versions": versions, "k": K})
    print(f"wrote {opt.output}")
    return 0


def frechet(real, drawn) -> float:
    from scipy.linalg import sqrtm

    cov_a, cov_b = np.cov(real.T), np.cov(drawn.T)
    return np.sum((real.mean(0) - drawn.mean(0)) ** 2) + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)


def kernel(real, drawn) -> float:
    """The kernel distance of one subset that holds everything."""
    import torch
    from torchmetrics.image.kid import poly_mmd

    return float(poly_mmd(torch.tensor(real), torch.tensor(drawn), degree=3, gamma=None, coef=1.0))


def manifold(real, drawn) -> list[float]:
    from prdc import compute_prdc

    found = compute_prdc(real_features=real, fake_features=drawn, nearest_k=K)
    return [found[name] for name in ("precision", "recall", "density", "coverage")]


def similarities(images, noisy) -> tuple[float, float]:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    ssim, psnr = [], []
    for a, b in zip(images, noisy):
        for x, y in zip(a, b):
            _, similarity = structural_similarity(x, y, full=True, **how)
            ssim.append(similarity[5:-5, 5:-5].mean())  # where the window fits
        psnr.append(peak_signal_noise_ratio(a, b, data_range=255))
    return float(np.mean(ssim)), float(np.mean(psnr))


def sliced(a, b) -> list[float]:
    """The Wasserstein distances of two sets of images that hold six patches each, along the first 20 axes."""
    from numpy.lib.stride_tricks import sliding_window_view
    from scipy.stats import wasserstein_distance

    patches = [
        sliding_window_view(images[:, 0].astype(np.float64), (7, 7), (1, 2)).reshape((-1, 49)) for images in (a, b)
    ]
    normalised = [(each - each.mean()) / each.std() for each in patches]
    return [wasserstein_distance(normalised[0][:, i], normalised[1][:, i]) for i in range(20)]


if __name__ == "__main__":
    run_program(Options, __doc__, main)
