"""What a classifier that train_classifier.py has trained sees in images: their classes, and features to compare."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jittor as jt
import numpy as np

from jgan.errors import UserError
from jgan.images import from_pixels, resize
from jgan.layers import evaluating
from jgan.models.classifier import Classifier
from jgan.weights.networks import load_network

BATCH = 500


class Reading(NamedTuple):
    """What a judge makes of N images."""

    features: np.ndarray  # float32 (N, D), of the layer before the last
    probabilities: np.ndarray  # float32 (N, n_classes)

    @property
    def labels(self) -> np.ndarray:
        """The class that each is taken for: integers (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """The probability of that class: float32 (N,)."""
        return self.probabilities.max(axis=1)


def load_judge(path: str | Path) -> Classifier:
    """The classifier of a weights file, in evaluation mode; UserError if it holds none."""
    return load_network(path, Classifier)


def read(judge: Classifier, pixels: np.ndarray) -> Reading:
    """Read images, uint8 (N, C, H, H) of any size; the judge sees them at its own.

    Grey ones are coloured for a judge of colours; UserError for coloured ones and a judge of grey.
    """
    channels, size, _ = judge.img_shape
    if pixels.shape[1] > channels:
        raise UserError(f"the images have {pixels.shape[1]} channels, and the judge reads images of {channels}")
    parts = []
    with evaluating(judge):
        for start in range(0, len(pixels), BATCH):
            some = resize(pixels[start : start + BATCH], size)
            some = np.broadcast_to(some, (len(some), channels, size, size))
            features = judge.features(jt.array(from_pixels(some)))
            probabilities = jt.nn.softmax(judge.linear(features), dim=1)
            parts.append((features.numpy(), probabilities.numpy()))
    return Reading(*map(np.concatenate, zip(*parts)))
