"""Batches from memory as a pure function of the step."""

from __future__ import annotations

import math

import numpy as np

from jgan.images import from_pixels
from jgan.latent import rng


class Batches:
    """An endless stream of batches: every epoch a new order, one epoch after the other without a seam.

    A batch may end one epoch and begin the next, so that all have the same size and no image is left out or seen more
    often. The order of an epoch depends on (seed, epoch) alone, a batch on its step alone: a resumed run has no sampler
    state to restore.

    images: uint8 (N, C, H, W); labels: integers (N,). Raises ValueError if their lengths differ or are 0.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, *, batch_size: int, seed: int):
        if len(images) != len(labels) or len(images) == 0:
            raise ValueError(f"{len(images)} images and {len(labels)} labels make no data set")
        self.images = images
        self.labels = labels.astype(np.int32)
        self.batch_size = batch_size
        self.seed = seed
        self._orders: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def steps(self, n_epochs: int) -> int:
        """The number of batches in which every image has been seen `n_epochs` times."""
        return math.ceil(n_epochs * len(self) / self.batch_size)

    def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The batch of one step: images float32 (batch_size, C, H, W) in [-1, 1] and labels int32 (batch_size,)."""
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, places = np.divmod(positions, len(self))
        chosen = np.concatenate([self._order(epoch)[places[epochs == epoch]] for epoch in np.unique(epochs)])
        return from_pixels(self.images[chosen]), self.labels[chosen]

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            kept = {e: order for e, order in self._orders.items() if e >= epoch - 1}
            self._orders = {**kept, epoch: rng(self.seed, "shuffle", int(epoch)).permutation(len(self))}
        return self._orders[epoch]
