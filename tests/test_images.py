from __future__ import annotations

import jittor as jt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jgan.images import from_pixels, grid, resize, save_png, strip, to_pixels


def test_the_range_maps_to_pixels_with_rounding_and_clipping():
    values = np.float32([-7, -1, -1 + 0.9 / 255, -1 + 1.1 / 255, 0, 1, 7])
    assert to_pixels(values).tolist() == [0, 0, 0, 1, 128, 255, 255]


def test_every_pixel_survives_the_way_there_and_back():
    pixels = np.arange(256, dtype=np.uint8)
    assert from_pixels(pixels).min() == -1 and from_pixels(pixels).max() == 1
    assert np.array_equal(to_pixels(from_pixels(pixels)), pixels)


def test_a_stretched_range_is_that_of_the_images_alone():
    images = np.array([0.0, 0.5]).reshape((2, 1, 1, 1))
    assert grid(images, padding=1, pad_value=99, value_range=None).tolist() == [
        [99, 99, 99, 99, 99],
        [99, 0, 99, 255, 99],
        [99, 99, 99, 99, 99],
    ]
    assert to_pixels(np.full((2, 2), 0.3), None).tolist() == [
        [0, 0],
        [0, 0],
    ]  # nothing to stretch, and no division by 0


def test_a_range_must_rise():
    with pytest.raises(ValueError, match="does not rise"):
        to_pixels(np.zeros(2), (1, -1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="NaN or infinite"):
        to_pixels(np.array([0, bad]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, bool])
def test_integers_are_no_images(dtype):
    with pytest.raises(ValueError, match=f"must be floats, not {np.dtype(dtype)}"):
        to_pixels(np.zeros(2, dtype), None)


@given(
    n=st.integers(1, 13), channels=st.sampled_from([1, 3]), columns=st.integers(1, 6), padding=st.integers(0, 3),
    height=st.integers(1, 4), width=st.integers(1, 4),
)  # fmt: skip
def test_a_grid_holds_every_image_at_its_place_and_padding_elsewhere(n, channels, columns, padding, height, width):
    pixels = np.random.default_rng(n).integers(0, 256, (n, channels, height, width)).astype(np.uint8)
    sheet = grid(from_pixels(pixels), columns=columns, padding=padding, pad_value=77)
    sheet = sheet.reshape((*sheet.shape[:2], channels))
    wide = min(columns, n)
    rows = (n - 1) // wide + 1
    assert sheet.shape[:2] == (rows * (height + padding) + padding, wide * (width + padding) + padding)
    left_over = np.ones(sheet.shape[:2], bool)
    for i in range(n):
        y, x = padding + i // wide * (height + padding), padding + i % wide * (width + padding)
        assert np.array_equal(sheet[y : y + height, x : x + width], pixels[i].transpose(1, 2, 0))
        left_over[y : y + height, x : x + width] = False
    assert (sheet[left_over] == 77).all()


@pytest.mark.parametrize("shape", [(0, 1, 2, 2), (1, 2, 2, 2), (1, 4, 2, 2), (2, 2), (1, 2, 2)])
def test_a_grid_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="a grid needs images"):
        grid(np.zeros(shape))


@pytest.mark.parametrize("options", [{"columns": 0}, {"padding": -1}, {"pad_value": -1}, {"pad_value": 256}])
def test_a_grid_refuses_impossible_layouts(options):
    with pytest.raises(ValueError, match="a grid needs columns"):
        grid(np.zeros((1, 1, 2, 2)), **options)


def test_a_strip_is_one_row_without_padding():
    images = from_pixels(np.arange(12, dtype=np.uint8).reshape((3, 1, 2, 2)))
    assert strip(images).tolist() == [[0, 1, 4, 5, 8, 9], [2, 3, 6, 7, 10, 11]]


def test_jittor_and_numpy_give_the_same_pixels():
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, 4, 4)).astype(np.float32)
    assert np.array_equal(grid(jt.array(images)), grid(images))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_png_reads_back_as_it_was(tmp_path, channels, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (5, channels, 8, 8)).astype(np.uint8)
    sheet = grid(from_pixels(pixels))
    save_png(tmp_path / "sheet.png", sheet)
    with Image.open(tmp_path / "sheet.png") as image:
        assert (image.format, image.mode) == ("PNG", mode)
        assert np.array_equal(np.asarray(image), sheet)


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2)), *(np.zeros(shape, np.uint8) for shape in ((2,), (2, 2, 1), (2, 2, 4), (1, 2, 2, 3)))]
)
def test_what_is_no_image_is_not_written(tmp_path, pixels):
    with pytest.raises(ValueError, match="a PNG needs uint8"):
        save_png(tmp_path / "no.png", pixels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [1, 4, 16, 27, 28, 32, 64])
def test_resizing_is_pillows_bilinear(size):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 28, 28)).astype(np.uint8)
    resized = resize(pixels, size)
    assert resized.shape == (20, 3, size, size) and resized.flags.c_contiguous
    for image, found in zip(pixels.reshape((-1, 28, 28)), resized.reshape((-1, size, size))):
        expected = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
        assert np.array_equal(found, np.asarray(expected))
