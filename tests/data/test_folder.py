"""Folders of images as people have them, read as those who made them meant."""

from __future__ import annotations

import errno
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jgan.data import dataset
from jgan.data.folder import load_folder, read_image
from jgan.errors import UserError

RAMP = np.arange(16, dtype=np.uint8).reshape((4, 4)) * 17


def colours(*rows):
    return np.array(rows, np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".TIFF"])
def test_lossless_formats_keep_every_pixel(tmp_path, suffix):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}")
    loaded = load_folder(tmp_path, size=4).pixels
    assert loaded.dtype == np.uint8 and np.array_equal(loaded, pixels.transpose(2, 0, 1)[None])


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_lossy_formats_come_near(tmp_path, suffix):
    pixels = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}")
    assert np.abs(load_folder(tmp_path, size=16).pixels[0].astype(int) - [[[200]], [[100]], [[50]]]).max() <= 4


def test_images_of_other_kinds_are_named_and_left_out(tmp_path, capsys):
    (tmp_path / "inner").mkdir()
    for name in ("a.png", "b.gif", "inner/c.HEIC", ".d.gif", "notes.txt"):
        Image.fromarray(RAMP).save(tmp_path / name, "png")
    assert len(load_folder(tmp_path, size=4)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"left out of {tmp_path}, as only .bmp, ") and ".webp are read: b.gif, c.HEIC\n" in said
    (tmp_path / "b.gif").unlink(), (tmp_path / "inner/c.HEIC").unlink()
    load_folder(tmp_path, size=4)
    assert "left out" not in capsys.readouterr().err


def test_hidden_files_are_left_out(tmp_path):
    for name in ("a.png", "._a.png", ".b.png"):
        Image.fromarray(RAMP).save(tmp_path / name)
    assert len(load_folder(tmp_path, size=4)) == 1


def test_grey_becomes_three_equal_channels_and_colour_becomes_luma(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "grey.png")
    grey = read_image(tmp_path / "grey.png", size=4, channels=3)
    assert np.array_equal(grey, [RAMP] * 3)
    rgb = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    luma = rgb @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert np.abs(read_image(tmp_path / "rgb.png", size=4, channels=1)[0] - luma).max() <= 1


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    values = np.array([[0, 257, 32896], [65535, 5000, 128]], np.uint16).repeat(2, 0)[:3]
    for suffix in (".png", ".tif"):
        Image.fromarray(values).save(tmp_path / f"deep{suffix}")
        loaded = read_image(tmp_path / f"deep{suffix}", size=3, channels=1)[0]
        assert np.array_equal(loaded, np.round(values / 65535 * 255))


def test_what_is_transparent_shows_white(tmp_path):
    rgba = np.array([[[255, 0, 0, 0], [255, 0, 0, 255]], [[0, 0, 255, 51], [7, 8, 9, 255]]], np.uint8)
    Image.fromarray(rgba).save(tmp_path / "rgba.png")
    expected = [[[255, 255, 255], [255, 0, 0]], [[204, 204, 255], [7, 8, 9]]]
    assert np.array_equal(read_image(tmp_path / "rgba.png", size=2, channels=3).transpose(1, 2, 0), expected)

    palette = Image.fromarray(colours([0, 1], [1, 0])).convert("P")
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1, 1, 0])
    palette.save(tmp_path / "palette.png", transparency=0)
    drawn = read_image(tmp_path / "palette.png", size=2, channels=3).transpose(1, 2, 0)
    white, green = [255, 255, 255], [0, 255, 0]
    assert drawn.tolist() == [[white, green], [green, white]]

    Image.fromarray(np.array([[[0, 0], [0, 255]]] * 2, np.uint8), "LA").save(tmp_path / "la.png")
    assert read_image(tmp_path / "la.png", size=2, channels=1)[0].tolist() == [[255, 0], [255, 0]]


def test_a_palette_and_two_levels_become_colours(tmp_path):
    palette = Image.new("P", (2, 2))
    palette.putpalette([10, 20, 30, 200, 150, 100])
    palette.putdata([0, 1, 1, 0])
    palette.save(tmp_path / "palette.png")
    drawn = read_image(tmp_path / "palette.png", size=2, channels=3).transpose(1, 2, 0)
    assert drawn.tolist() == [[[10, 20, 30], [200, 150, 100]], [[200, 150, 100], [10, 20, 30]]]
    Image.fromarray(np.array([[True, False], [False, True]])).save(tmp_path / "bits.png")
    assert read_image(tmp_path / "bits.png", size=2, channels=1)[0].tolist() == [[255, 0], [0, 255]]


def test_the_exif_orientation_is_followed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera's top is the picture's right: turn it clockwise
    Image.fromarray(RAMP).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "turned.png", size=4, channels=1)[0], np.rot90(RAMP, -1))


def test_the_centre_is_cropped_and_shrinking_averages(tmp_path):
    thirds = np.repeat(np.array([10, 120, 240], np.uint8), 32)[None].repeat(32, 0)  # 32 high, 96 wide
    Image.fromarray(thirds).save(tmp_path / "wide.png")
    assert np.unique(read_image(tmp_path / "wide.png", size=32, channels=1)).tolist() == [120]
    board = np.indices((64, 64)).sum(0) % 2 * 255
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "board.png")
    shrunk = read_image(tmp_path / "board.png", size=8, channels=1).astype(int)
    assert np.abs(shrunk - 127.5).max() <= 2


def test_folders_within_are_read_in_the_order_of_their_paths(tmp_path):
    for name, value in (("b/0.png", 3), ("a/deep/1.png", 1), ("a/x.png", 2)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2), value).save(tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    assert load_folder(tmp_path, size=2, channels=1).pixels[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_links_to_folders_are_followed_once(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    Image.new("L", (2, 2), 5).save(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "class").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "set")
    assert load_folder(tmp_path / "set", size=2, channels=1).pixels[:, 0, 0, 0].tolist() == [5]


def damaged(tmp_path):
    """A folder of one good image and two that are none."""
    Image.new("L", (40, 40), 9).save(tmp_path / "good.png")
    content = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    return tmp_path


def test_damaged_files_are_named_left_out_and_counted(tmp_path, capsys):
    loaded = load_folder(damaged(tmp_path), size=4, channels=1).pixels
    assert loaded.shape == (1, 1, 4, 4) and np.unique(loaded).tolist() == [9]
    told = capsys.readouterr().err
    assert "cut.png" in told and "text.jpg" in told and "left out 2 of 3 images" in told and "good.png" not in told


def test_strict_makes_a_damaged_file_an_error(tmp_path):
    with pytest.raises(UserError, match=r"(cut\.png|text\.jpg) cannot be used"):
        load_folder(damaged(tmp_path), size=4, strict=True)


def test_values_of_unknown_range_are_left_out(tmp_path, capsys):
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "float.tif")
    Image.new("L", (2, 2)).save(tmp_path / "good.png")
    assert len(load_folder(tmp_path, size=2)) == 1
    assert "32 bits wide" in capsys.readouterr().err


def test_a_folder_of_nothing_usable_is_an_error(tmp_path):
    with pytest.raises(UserError, match="gone does not exist"):
        load_folder(tmp_path / "gone", size=4)
    with pytest.raises(UserError, match="there is no image in"):
        load_folder(tmp_path, size=4)
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(UserError, match="none of the 1 images"):
        load_folder(tmp_path, size=4)
    with pytest.raises(UserError, match="it is a file"):
        load_folder(tmp_path / "a.png", size=4)


def test_a_decompression_bomb_is_named_and_left_out(tmp_path, capsys):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)  # a PNG of 10 gigapixels, as its header says
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    Image.new("L", (8, 8), 9).save(tmp_path / "good.png")
    assert len(load_folder(tmp_path, size=4)) == 1
    told = capsys.readouterr().err
    assert "bomb.png: it is suspiciously large" in told and "left out 1 of 2 images" in told
    with pytest.raises(UserError, match=r"bomb\.png cannot be used: it is suspiciously large"):
        load_folder(tmp_path, size=4, strict=True)


def test_so_is_one_that_pillow_would_only_warn_of(tmp_path, monkeypatch):
    Image.new("L", (10, 15)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 149)
    with pytest.warns(Image.DecompressionBombWarning), pytest.raises(UserError, match=r"large \(10 x 15 pixels\)"):
        load_folder(tmp_path, size=4, strict=True)


def test_a_pipe_is_named_and_not_waited_for(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("L", (8, 8), 9).save(tmp_path / "good.png")
    assert len(load_folder(tmp_path, size=4)) == 1
    assert "pipe.png: it is not a regular file" in capsys.readouterr().err


def class_folders(tmp_path, **counts):
    """A folder with so many images in each of its folders, all of one grey value, by the order of the folders."""
    for value, (name, n) in enumerate(counts.items()):
        (tmp_path / name / "deep").mkdir(parents=True)
        for i in range(n):
            Image.new("L", (4, 4), 10 * value).save(tmp_path / name / ("deep" * (i % 2)) / f"{i}.png")
    return tmp_path


def test_folders_are_classes_where_labels_are_asked_for(tmp_path):
    class_folders(tmp_path, tulip=3, rose=1, daisy=2)
    for folder in (".hidden", "rose/.ipynb_checkpoints"):
        (tmp_path / folder).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / folder / "copy.png")
    loaded = load_folder(tmp_path, size=4, channels=1, labelled=True)
    assert loaded.classes == ("daisy", "rose", "tulip")
    assert loaded.labels.tolist() == [0, 0, 1, 2, 2, 2]
    assert loaded.pixels[:, 0, 0, 0].tolist() == [20, 20, 10, 0, 0, 0]
    unlabelled = load_folder(tmp_path, size=4, channels=1)
    assert unlabelled.labels is None and unlabelled.classes == ()


def test_labels_follow_their_images_where_one_is_left_out(tmp_path):
    class_folders(tmp_path, a=2, b=2)
    (tmp_path / "a" / "0.png").write_text("no image")
    loaded = load_folder(tmp_path, size=4, channels=1, labelled=True)
    assert loaded.labels.tolist() == [0, 1, 1] and loaded.pixels[:, 0, 0, 0].tolist() == [0, 10, 10]
    (tmp_path / "a" / "deep" / "1.png").write_text("no image")
    with pytest.raises(UserError, match=f"no image can be read in these class folders of {tmp_path}: a; remove them"):
        load_folder(tmp_path, size=4, labelled=True)


def test_what_belongs_to_no_class_is_an_error(tmp_path):
    class_folders(tmp_path, a=2, b=2)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no image can be read in these class folders of .*: empty; remove them"):
        load_folder(tmp_path, size=4, labelled=True)
    Image.new("L", (4, 4)).save(tmp_path / "stray.png")
    with pytest.raises(UserError, match=r"not in the folder of a class, but in .* itself, lie stray\.png; make"):
        load_folder(tmp_path, size=4, labelled=True)


@pytest.mark.parametrize("name", ["a,b", " a", "b "])
def test_a_class_that_could_not_be_asked_for_is_refused(tmp_path, name):
    class_folders(tmp_path, **{name: 1, "c": 1})
    with pytest.raises(UserError, match=f"could not be asked for by name: '{name}'; rename them"):
        load_folder(tmp_path, size=4, labelled=True)


def test_a_link_to_nothing_is_named(tmp_path, capsys):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
    Image.new("L", (8, 8), 9).save(tmp_path / "good.png")
    assert len(load_folder(tmp_path, size=4)) == 1
    assert "gone.png: it is a link to nothing" in capsys.readouterr().err


def test_above_the_limit_the_pixels_lie_in_a_file(tmp_path, monkeypatch):
    for i in range(5):
        Image.new("RGB", (8, 8), (i, 2 * i, 3 * i)).save(tmp_path / f"{i}.png")
    in_memory = load_folder(tmp_path, size=8).pixels
    monkeypatch.setattr(dataset, "MEMORY_LIMIT", in_memory.nbytes // 2)
    on_disk = load_folder(tmp_path, size=8).pixels
    assert isinstance(on_disk, np.memmap) and np.array_equal(on_disk, in_memory)
    (tmp_path / "1.png").write_text("no image")
    closed_up = load_folder(tmp_path, size=8).pixels
    assert isinstance(closed_up, np.memmap) and np.array_equal(closed_up, in_memory[[0, 2, 3, 4]])
    (tmp_path / "1.png").unlink()

    def full_disk(descriptor, offset, length):
        assert length == in_memory.nbytes * 4 // 5
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full_disk)
    with pytest.raises(UserError, match=r"has room for .*; choose a smaller img_size"):
        load_folder(tmp_path, size=8)
