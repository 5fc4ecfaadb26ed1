"""convert_label_maps.py: from colours to classes and back."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from programs import run

COLOURS = np.array([[0, 0, 0], [220, 30, 30], [30, 220, 30], [30, 30, 220]], np.uint8)

CLASSES = {
    name: np.random.default_rng(i).integers(0, 4, (3, 4), np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    for i, name in enumerate(("0.png", "deep/1.png"))
}


@pytest.fixture
def folder(tmp_path):
    """coloured/ with two label maps of squares, one in a folder within; palette.txt with their colours."""
    lines = [f"{' '.join(map(str, colour))} class {i}" for i, colour in enumerate(COLOURS)]
    (tmp_path / "palette.txt").write_text("# four\n" + "\n".join(lines))
    (tmp_path / "coloured" / "deep").mkdir(parents=True)
    for name, squares in CLASSES.items():
        Image.fromarray(COLOURS[squares]).save(tmp_path / "coloured" / name)
    return tmp_path


def test_there_and_back(folder):
    done = run(folder, "convert_label_maps", "coloured", "classes", "--palette", "palette.txt")
    assert done.out == "wrote 2 label maps of 4 classes into classes\n"
    run(folder, "convert_label_maps", "classes", "again", "--palette", "palette.txt", "--to", "colours")
    for name, squares in CLASSES.items():
        found = Image.open(folder / "classes" / name)
        assert found.mode == "L" and np.array_equal(found, squares)
        assert np.array_equal(Image.open(folder / "again" / name), Image.open(folder / "coloured" / name))


@pytest.mark.parametrize("half", ["a", "b"])
def test_pairs_are_parted_and_colours_that_jpeg_smeared_are_the_nearest(folder, half):
    (folder / "pairs").mkdir()
    photo = np.full((48, 64, 3), 180, np.uint8)
    squares = CLASSES["0.png"]
    both = [COLOURS[squares], photo] if half == "a" else [photo, COLOURS[squares]]
    Image.fromarray(np.concatenate(both, axis=1)).save(folder / "pairs" / "0.jpg", quality=95, subsampling=0)
    run(folder, "convert_label_maps", "pairs", "out", "--palette", "palette.txt", "--half", half)
    maps, photos = ("A", "B") if half == "a" else ("B", "A")
    assert np.mean(np.asarray(Image.open(folder / "out" / maps / "0.png")) == squares) > 0.99
    assert np.abs(np.asarray(Image.open(folder / "out" / photos / "0.png")).astype(int) - photo).max() < 9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["coloured", "out"], "give the classes and their colours as --palette"),
        (["coloured", "out", "--palette", "gone.txt"], "the palette gone.txt cannot be read"),
        (["gone", "out", "--palette", "palette.txt"], "the image folder gone does not exist"),
        (["coloured", "coloured", "--palette", "palette.txt"], "coloured already holds something; choose a folder"),
        (
            ["photos", "out", "--palette", "palette.txt"],
            "photos/0.png cannot be used: 100% of its pixels have no colour",
        ),
        (["odd", "out", "--palette", "palette.txt", "--half", "a"], "odd/0.png cannot be used: it is 5 pixels wide"),
        (["coloured", "out", "--palette", "palette.txt", "--to", "colours"], "cannot be used: its mode is RGB"),
        (["coloured", "out", "--palette", "palette.txt", "--to", "colours", "--half", "a"], "leave it out"),
        (["twice", "out", "--palette", "palette.txt"], "would both be written as 0.png"),
    ],
)
def test_a_mistake_is_a_sentence_with_status_2(refused, folder, arguments, sentence):
    for name, size in (
        ("photos/0.png", (4, 4)),
        ("odd/0.png", (5, 5)),
        ("twice/0.png", (4, 4)),
        ("twice/0.bmp", (4, 4)),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (128, 128, 128)).save(folder / name)
    assert sentence in refused("convert_label_maps", *arguments)
    assert not list(folder.glob("out/**/*.png"))
