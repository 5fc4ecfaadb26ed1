"""Ways between two latent vectors."""

from __future__ import annotations

import numpy as np


def line(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The points (1 - t) a + t b of the straight line from a to b, both (latent_dim,): (len(t), latent_dim)."""
    t = t[:, None]
    return ((1 - t) * a + t * b).astype(np.float32)


def sphere(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The points at t of the great circle from a to b, both (latent_dim,): (len(t), latent_dim).

    On it the length of normal noise stays what a generator is used to, where a straight line passes through shorter
    vectors (White 2016, arXiv:1609.04468, section 2.1). For parallel vectors it is the straight line.
    """
    cosine = np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-6:
        return line(a, b, t)
    t = t[:, None]
    return ((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)).astype(np.float32)


def square(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """n x n points, row by row, with a top left and b bottom right: (n * n, latent_dim)."""
    t = np.linspace(0, 1, n)
    return in_square(a, b, np.tile(t, n), np.repeat(t, n))


def in_square(a: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The points at (x, y) of the square, both (N,) in 0 .. 1, from the top left: (N, latent_dim).

    The first half of the vector changes from a's to b's along x, the second half along y.
    """
    half = len(a) // 2
    return np.concatenate([line(a[:half], b[:half], x), line(a[half:], b[half:], y)], axis=1)
