"""Differentiable augmentation, image by image in numpy; that it is differentiable, and what it draws."""

from __future__ import annotations

import jittor as jt
import numpy as np
import pytest

from jgan.cli import training
from jgan.diff_augment import AUGMENTATIONS, background_of, diff_augment

BACKGROUND = np.float32([-1, 0.25, 0.5])


class Drawn:
    """In place of a numpy generator: the same numbers for the test and for what it tests."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.draws = []

    def uniform(self, low, high, n):
        self.draws.append(self.random.uniform(low, high, n))
        return self.draws[-1]

    def integers(self, low, high, n):
        self.draws.append(self.random.integers(low, high, n))
        return self.draws[-1]


def batch(n=6, channels=3, height=16, width=24):
    return np.random.default_rng(0).uniform(-1, 1, (n, channels, height, width)).astype(np.float32)


def test_the_training_programs_offer_them_all():
    assert tuple(AUGMENTATIONS) == training.AUGMENTATIONS


def augmented(names, images, random):
    return diff_augment(names, random, BACKGROUND[: images.shape[1]])(jt.array(images)).numpy()


def test_color_changes_brightness_then_saturation_then_contrast():
    images, random = batch(), Drawn(0)
    found = augmented(["color"], images, random)
    brightness, saturation, contrast = random.draws
    for i, image in enumerate(images.astype(np.float64)):
        image = image + brightness[i]
        image = image.mean(0) + (image - image.mean(0)) * saturation[i]
        image = image.mean() + (image - image.mean()) * contrast[i]
        np.testing.assert_allclose(found[i], image, atol=1e-5)


def test_grey_images_have_no_saturation():
    images, random = batch(channels=1), Drawn(0)
    found = augmented(["color"], images, random)
    brightness, contrast = random.draws
    for i, image in enumerate(images.astype(np.float64)):
        image = image + brightness[i]
        np.testing.assert_allclose(found[i], image.mean() + (image - image.mean()) * contrast[i], atol=1e-5)


def test_translation_moves_the_background_in():
    images, random = batch(n=40), Drawn(1)
    found = augmented(["translation"], images, random)
    down, right = random.draws
    assert set(down) == set(range(-2, 3)) and set(right) == set(range(-3, 4))  # an eighth of 16 and of 24
    for i, image in enumerate(images):
        expected = np.broadcast_to(BACKGROUND[:, None, None], image.shape).copy()
        for row in range(16):
            for column in range(24):
                if 0 <= row - down[i] < 16 and 0 <= column - right[i] < 24:
                    expected[:, row, column] = image[:, row - down[i], column - right[i]]
        np.testing.assert_allclose(found[i], expected, atol=1e-6)


def test_cutout_leaves_a_window_of_background():
    images, random = batch(n=200), Drawn(2)
    found = augmented(["cutout"], images, random)
    rows, columns = random.draws
    assert rows.min() == columns.min() == 0 and rows.max() == 16 and columns.max() == 24
    for i, image in enumerate(images):
        expected = image.copy()
        top, left = max(0, rows[i] - 4), max(0, columns[i] - 6)
        expected[:, top : rows[i] + 4, left : columns[i] + 6] = BACKGROUND[:, None, None]
        np.testing.assert_allclose(found[i], expected, atol=1e-6)


def test_the_gradient_goes_through_all_of_it():
    """Each is affine in its image, so a difference of any size gives the derivative."""
    images, w = batch(n=2), np.random.default_rng(3).normal(0, 1, (2, 3, 16, 24)).astype(np.float32)
    step = np.random.default_rng(4).normal(0, 1, images.shape).astype(np.float32)

    def augment(images):
        return diff_augment(AUGMENTATIONS, Drawn(5), BACKGROUND)(images)

    var = jt.array(images)
    gradient = jt.grad((augment(var) * jt.array(w)).sum(), var).numpy().astype(np.float64)
    moved = augment(jt.array(images + step)).numpy().astype(np.float64) - augment(jt.array(images)).numpy()
    assert (gradient * step).sum() == pytest.approx((moved * w).sum(), rel=1e-3)
    assert np.abs(gradient).sum() > 0


def test_every_batch_is_augmented_otherwise_and_none_is_left_alone():
    augment = diff_augment(["translation"], np.random.default_rng(0), BACKGROUND)
    var = jt.array(batch())
    first, second = augment(var).numpy(), augment(var).numpy()
    assert not np.array_equal(first, second)
    assert np.array_equal(diff_augment([], None, BACKGROUND)(var).numpy(), var.numpy())


def test_the_background_is_the_median_of_the_borders():
    pixels = np.full((3, 2, 5, 5), 200, np.uint8)
    pixels[:, 0, [0, -1]] = pixels[:, 0, :, [0, -1]] = 0
    pixels[0, 1, 0] = 9
    np.testing.assert_allclose(background_of(pixels), [-1, 200 / 127.5 - 1], rtol=1e-6)
