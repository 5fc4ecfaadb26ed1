"""Random numbers as pure functions of what they are for, so that a resumed run draws what the first one would have."""

from __future__ import annotations

import numpy as np


def rng(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """The generator for one purpose ("noise", "shuffle", ...) at one step, epoch or position.

    Equal arguments give equal streams, different ones independent streams (numpy's SeedSequence mixes them, so that
    seeds 0 and 1 are as far apart as any two). `seed` and `index` are integers >= 0.
    """
    return np.random.default_rng([seed, index, *purpose.encode()])


def normal(generator: np.random.Generator, n: int, latent_dim: int) -> np.ndarray:
    """Standard normal noise: float32 array of shape (n, latent_dim)."""
    return generator.standard_normal((n, latent_dim), dtype=np.float32)


def uniform(generator: np.random.Generator, n: int, latent_dim: int) -> np.ndarray:
    """Noise uniform in [-1, 1): float32 array of shape (n, latent_dim)."""
    return generator.random((n, latent_dim), dtype=np.float32) * 2 - 1
