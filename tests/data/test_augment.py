from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from jgan.data.augment import bilinear, center_crops, random_affine, random_crops


def test_both_halves_meet_the_same_accident():
    a = np.random.default_rng(0).integers(0, 256, (200, 3, 11, 12), np.uint8)
    b = 255 - a[:, :1]
    cut_a, cut_b = random_crops([a, b], (9, 8), np.random.default_rng(5))
    assert cut_a.shape == (200, 3, 9, 8) and np.array_equal(cut_b, 255 - cut_a[:, :1])
    found = set()
    for i in range(200):
        (place,) = [
            (top, left, way)
            for top in range(3)
            for left in range(5)
            for way in (1, -1)
            if np.array_equal(a[i, :, top : top + 9, left : left + 8][:, :, ::way], cut_a[i])
        ]
        found.add(place)
    assert len(found) == 30  # every crop, mirrored or not


def test_nothing_is_cropped_where_nothing_is_left_over():
    a = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), np.uint8)
    (cut,) = random_crops([a], (8, 8), np.random.default_rng(0))
    assert all(np.array_equal(cut[i], a[i]) or np.array_equal(cut[i], a[i, :, :, ::-1]) for i in range(4))


def test_the_middle_is_shown():
    pixels = np.arange(2 * 4 * 6).reshape((2, 1, 4, 6))
    assert np.array_equal(center_crops(pixels, (2, 4)), pixels[:, :, 1:3, 1:5])


class Fixed:
    """In place of a random generator: the same angle, scale and move for each image."""

    def __init__(self, *values):
        self.values = list(values)

    def uniform(self, low, high, shape):
        value = self.values.pop(0)
        assert low <= np.min(value) and np.max(value) <= high
        return np.broadcast_to(np.reshape(value, (-1, 1)) if isinstance(shape, tuple) else value, shape)


@pytest.mark.parametrize(
    ("angle", "factor", "move"),
    [(0, 1, (0, 0)), (90, 1, (0, 0)), (0, 1, (0.25, -0.125)), (0, 0.5, (0, 0)), (17, 1.2, (0.1, 0.05))],
)
def test_an_affine_map_is_pillows(angle, factor, move):
    """Pillow turns about the centre, counterclockwise, and is given the inverse map; it interpolates alike inside."""
    smooth = np.add.outer(np.arange(16) ** 2, 5 * np.arange(16)).astype(np.uint8)[None, None]
    random = Fixed(angle, factor, move)
    (found,) = random_affine(smooth, random, degrees=90, scale=0.5, shift=0.5)
    radians, centre = np.deg2rad(angle), 8.0  # Pillow's coordinates begin at the corner of the first pixel
    cosine, sine = np.cos(radians) / factor, np.sin(radians) / factor
    move_x, move_y = 16 * move[1], 16 * move[0]
    map_x = (cosine, sine, centre - cosine * (centre + move_x) - sine * (centre + move_y))
    map_y = (-sine, cosine, centre + sine * (centre + move_x) - cosine * (centre + move_y))
    image = Image.fromarray(smooth[0, 0].astype(np.float32))
    expected = np.asarray(image.transform((16, 16), Image.AFFINE, (*map_x, *map_y), Image.BILINEAR, fillcolor=-1))
    inside = np.asarray(
        Image.new("L", (14, 14), 1).transform((16, 16), Image.AFFINE, (*shifted(map_x), *shifted(map_y)), Image.NEAREST)
    )
    assert inside.sum() > 40
    np.testing.assert_allclose(found[0][inside == 1], expected[inside == 1], atol=1e-3)


def shifted(row):
    """The map into an image without the outermost pixels, where Pillow does not interpolate."""
    return row[0], row[1], row[2] - 1


def test_beyond_the_border_the_border_goes_on():
    image = np.arange(12, dtype=np.float32).reshape((1, 1, 3, 4))
    y, x = np.array([[[-5, 0.5, 9]]]), np.array([[[-2, 1.5, 9]]])
    assert bilinear(image, y, x).tolist() == [[[[0, 3.5, 11]]]]


def test_every_image_is_turned_by_itself_and_each_channel_alike():
    images = np.repeat(np.random.default_rng(0).random((1, 1, 9, 9), np.float32), 6, 0).repeat(2, 1)
    moved = random_affine(images, np.random.default_rng(1))
    assert moved.dtype == np.float32 and np.array_equal(moved[:, 0], moved[:, 1])
    assert len({image.tobytes() for image in moved}) == 6
