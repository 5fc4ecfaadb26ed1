from __future__ import annotations

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from jgan.data.label_maps import Palette, distinct_palette, load_palette, one_hot, to_label_map
from jgan.data.paired import load_pairs
from jgan.errors import UserError

MAP = np.array([[0, 1, 2], [4, 3, 0]], np.uint8)


def test_the_value_of_a_pixel_is_its_class_also_in_a_palette():
    coloured = Image.fromarray(MAP).convert("P")
    coloured.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9, 70, 70, 70])
    coloured.putdata(MAP.ravel().tolist())
    for image in (Image.fromarray(MAP), coloured):
        assert np.array_equal(to_label_map(image, 5), MAP)
    assert np.array_equal(to_label_map(Image.fromarray(MAP > 1), 2), MAP > 1)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (Image.fromarray(MAP), "it holds the value 4, and the classes of 4 are 0 to 3"),
        (Image.new("RGB", (2, 2)), "its mode is RGB; a label map is grey"),
        (Image.fromarray(MAP.astype(np.uint16)), "its mode is I;16; a label map is grey"),
    ],
)
def test_what_is_no_label_map_is_refused(image, sentence):
    with pytest.raises(ValueError, match=sentence):
        to_label_map(image, 4)


def test_one_hot_has_a_one_in_the_channel_of_the_class():
    found = one_hot(np.stack([MAP, MAP])[:, None], 5)
    assert found.shape == (2, 5, 2, 3) and found.dtype == np.float32
    assert np.array_equal(found[1].argmax(0), MAP) and np.array_equal(found.sum(1), np.ones((2, 2, 3)))


def test_colours_become_classes_and_classes_colours():
    palette = Palette(
        np.array([[0, 0, 0], [200, 0, 0], [0, 200, 0], [0, 0, 200], [255, 255, 255]], np.uint8), (*"abcde",)
    )
    coloured = palette.coloured(MAP[None])
    assert coloured.shape == (3, 2, 3) and coloured[:, 1, 0].tolist() == [255, 255, 255]
    smeared = coloured.transpose(1, 2, 0).astype(int) + np.random.default_rng(0).integers(-60, 60, (2, 3, 3))
    assert np.array_equal(palette.nearest(np.clip(smeared, 0, 255).astype(np.uint8)), MAP)
    assert np.array_equal(palette.coloured(np.stack([MAP, MAP])[:, None])[1], coloured)


def test_distinct_colours_are_distinct():
    for n in (2, 29, 256):
        colours = distinct_palette(n).colours
        assert colours.shape == (n, 3) and len(np.unique(colours, axis=0)) == n


def test_the_palette_of_the_facades_has_their_twelve_classes():
    palette = load_palette(ROOT / "scripts" / "palettes" / "facades.txt")
    assert len(palette.names) == 12 and palette.names[2] == "window"
    assert palette.colours[[0, 11]].tolist() == [[0, 0, 223], [175, 0, 0]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0 0 0 sky\n0 0 256 sea\n", r"line 2 of .*p\.txt, '0 0 256 sea', is not red green blue name"),
        ("1 2 3\n", r"line 1 of .*'1 2 3', is not red green blue name"),
        ("1 2 3 sky\n# more\n1 2 3 sea", r"line 3 of .*'1 2 3 sea', has the colour of sky, and should be"),
        ("# none\n", r"p\.txt has 0 classes; it should have 1 to 256"),
        (None, r"p\.txt cannot be read: No such file"),
    ],
)
def test_every_fault_of_a_palette_has_its_sentence(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "p.txt").write_text(text)
    with pytest.raises(UserError, match=sentence):
        load_palette(tmp_path / "p.txt")


@pytest.fixture
def pairs(tmp_path):
    """A/ with photographs and B/ with label maps of the classes 0, 10 and 20, 24 wide and 16 high, in stripes."""
    for name in "AB":
        (tmp_path / name).mkdir()
    stripes = np.array([0, 10, 20], np.uint8).repeat(8)[None].repeat(16, axis=0)
    Image.fromarray(stripes).save(tmp_path / "B" / "0.png")
    Image.fromarray(stripes * 10).convert("RGB").save(tmp_path / "A" / "0.jpg")
    return tmp_path


def test_a_label_map_is_resized_without_new_classes(pairs):
    photos, maps = load_pairs(pairs, size=(20, 33), label_classes=(None, 29))
    assert maps.pixels.shape == (1, 1, 20, 33) and photos.pixels.shape == (1, 3, 20, 33)
    assert np.array_equal(maps.pixels[0, 0], np.array([0, 10, 20], np.uint8).repeat(11)[None].repeat(20, axis=0))
    assert len(np.unique(photos.pixels)) > 3
    batch = maps.batch(np.array([0, 0]))
    assert batch.shape == (2, 29, 20, 33) and np.array_equal(batch[1].argmax(0), maps.pixels[0, 0])
    assert maps.pixels.dtype == np.uint8 and photos.batch(np.array([0])).min() >= -1


def test_a_value_out_of_range_and_a_coloured_map_are_named_with_their_file(pairs):
    with pytest.raises(UserError, match=r"B/0\.png cannot be used: it holds the value 20, and the classes of 20 are"):
        load_pairs(pairs, size=(16, 24), label_classes=(None, 20))
    with pytest.raises(UserError, match=r"A/0\.jpg cannot be used: it is a JPEG, which changes values"):
        load_pairs(pairs, size=(16, 24), label_classes=(29, None))
    (pairs / "A" / "0.jpg").rename(pairs / "A" / "0.png")
    with pytest.raises(UserError, match=r"A/0\.png cannot be used: it is a JPEG, which changes values"):
        load_pairs(pairs, size=(16, 24), label_classes=(29, None))
    Image.open(pairs / "A" / "0.png").save(pairs / "A" / "0.png", "PNG")
    with pytest.raises(UserError, match=r"A/0\.png cannot be used: its mode is RGB"):
        load_pairs(pairs, size=(16, 24), label_classes=(29, None))
