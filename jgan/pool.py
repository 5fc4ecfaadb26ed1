"""A memory of generated images, so that a discriminator also sees some that the generator drew long ago."""

from __future__ import annotations

import numpy as np

from jgan.errors import UserError


class ImagePool:
    """The last `size` images and a rule of exchange, after Shrivastava et al. 2017 (arXiv:1612.07828, section 2.3).

    While there is room an image enters and is returned. Later one half of the images are returned as they come, and
    each of the others takes the place of a random one in the pool, which is returned in its stead.
    """

    def __init__(self, size: int = 50):
        self.size = size
        self.images: list[np.ndarray] = []

    def exchange(self, images: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """float32 (N, C, H, W) -> as many images, some of them older."""
        returned = []
        for image in images:
            if len(self.images) < self.size:
                self.images.append(image.copy())
                returned.append(image)
            elif self.size and random.random() < 0.5:
                place = random.integers(self.size)
                returned.append(self.images[place])
                self.images[place] = image.copy()
            else:
                returned.append(image)
        return np.stack(returned)

    def arrays(self) -> dict[str, np.ndarray]:
        """What the pool holds, for a saved state."""
        return {f"{i:03d}": image for i, image in enumerate(self.images)}

    def restore(self, arrays: dict[str, np.ndarray], *, where: str) -> None:
        """Hold what `arrays` returned; UserError if it does not fit the pool."""
        names = [f"{i:03d}" for i in range(len(arrays))]
        if set(names) != set(arrays) or len(arrays) > self.size:
            raise UserError(f"{where} does not fit a pool of {self.size} images")
        self.images = [arrays[name].copy() for name in names]
