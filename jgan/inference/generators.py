"""Any generator that draws from noise, from its file alone."""

from __future__ import annotations

import inspect
from pathlib import Path

import jittor as jt
import numpy as np

from jgan.models import rebuildable_classes
from jgan.random import rng
from jgan.weights.networks import load_network


def load_generator(path: str | Path, *, conditional: bool = False):
    """The generator of a weights file, rebuilt from its header, in evaluation mode; UserError if it holds none.

    One that draws classes has their names as `classes`: numbers, where the file names none. conditional: whether it
    must be such a one.
    """
    constructors = drawing_classes()
    if conditional:
        constructors = [each for each in constructors if "n_classes" in inspect.signature(each).parameters]
    generator = load_network(path, *constructors)
    if is_conditional(generator) and not generator.classes:
        generator.classes = tuple(map(str, range(generator.n_classes)))
    return generator


def drawing_classes() -> list:
    """The networks that draw images from noise, of those that a weights file can rebuild."""
    return [each for each in rebuildable_classes() if hasattr(each, "draw_z")]


def latents(generator, seeds) -> np.ndarray:
    """The noise of each seed, from the distribution that the generator was trained on: float32 (N, latent_dim)."""
    return np.concatenate([generator.draw_z(rng(seed, "latent"), 1, generator.latent_dim) for seed in seeds])


def draw(generator, z: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """The images of latents: float32 (N, C, H, W) in [-1, 1]; labels for a conditional generator alone.

    They are drawn one by one, so that an image does not depend on its batch, to the last bit.
    """
    with jt.no_grad():
        if labels is None:
            drawn = [generator(jt.array(one[None])).numpy() for one in z]
        else:
            drawn = [generator(jt.array(one[None]), [label]).numpy() for one, label in zip(z, labels)]
    return np.concatenate(drawn)


def draw_seeds(generator, seeds, labels=None) -> np.ndarray:
    """The images of seeds as `draw` makes them; from a conditional generator, of every label for each seed in turn."""
    z = latents(generator, seeds)
    if labels is None:
        return draw(generator, z)
    return draw(generator, np.repeat(z, len(labels), axis=0), np.tile(labels, len(seeds)))


def sheet_columns(n_seeds: int, labels=None) -> int:
    """How many of these images are in a row of their sheet: the labels of a seed; of one or none, about a square."""
    return round(n_seeds**0.5) if labels is None or len(labels) == 1 else len(labels)


def is_conditional(generator) -> bool:
    """Whether the generator draws classes, and so takes labels."""
    return hasattr(generator, "n_classes")
