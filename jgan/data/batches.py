"""Which images make a batch, as a pure function of the step."""

from __future__ import annotations

import math

import numpy as np

from jgan.random import rng


class Batches:
    """An endless stream of batches: every epoch a new order, one epoch after the other without a seam.

    A batch may end one epoch and begin the next, so that all have the same size and no image is left out or seen more
    often. The order of an epoch depends on (seed, purpose, epoch) alone, a batch on its step alone: a resumed run has
    no sampler state to restore. Raises ValueError for a data set of no image.
    """

    def __init__(self, n_images: int, *, batch_size: int, seed: int, purpose: str = "shuffle"):
        if n_images < 1:
            raise ValueError("a data set of no images has no batches")
        self.n_images = n_images
        self.batch_size = batch_size
        self.seed = seed
        self.purpose = purpose
        self._orders: dict[int, np.ndarray] = {}

    def steps(self, n_epochs: int) -> int:
        """The number of batches in which every image has been seen `n_epochs` times."""
        return math.ceil(n_epochs * self.n_images / self.batch_size)

    def at(self, step: int) -> np.ndarray:
        """The images of one step's batch by their places in the data set: integers (batch_size,)."""
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, places = np.divmod(positions, self.n_images)
        return np.concatenate([self._order(epoch)[places[epochs == epoch]] for epoch in np.unique(epochs)])

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            kept = {e: order for e, order in self._orders.items() if e >= epoch - 1}
            self._orders = {**kept, epoch: rng(self.seed, self.purpose, int(epoch)).permutation(self.n_images)}
        return self._orders[epoch]
