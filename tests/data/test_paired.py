from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from jgan.data.paired import load_matched, load_pairs
from jgan.errors import UserError


def save(path, *pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(pixels, axis=1)).save(path)


def noise(seed, height=8, width=8):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_the_left_half_is_a_and_the_right_half_b(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i}.png", noise(i), noise(10 + i))
    a, b = (images.pixels for images in load_pairs(tmp_path, size=(8, 8)))
    assert a.shape == b.shape == (3, 3, 8, 8)
    for i in range(3):
        assert np.array_equal(a[i].transpose(1, 2, 0), noise(i)) and np.array_equal(
            b[i].transpose(1, 2, 0), noise(10 + i)
        )


def test_halves_are_resized_and_brought_to_the_channels_asked_for(tmp_path):
    grey = np.full((6, 9, 3), 60, np.uint8)
    save(tmp_path / "0.png", grey, grey + 100)
    a, b = (images.pixels for images in load_pairs(tmp_path, size=(16, 16), channels=(1, 1)))
    assert a.shape == (1, 1, 16, 16) and np.unique(a).tolist() == [60] and np.unique(b).tolist() == [160]


def test_folders_are_matched_by_name_whatever_the_suffix(tmp_path):
    for i in range(3):
        save(tmp_path / "A" / "deep" / f"{i}.png", noise(i))
        save(tmp_path / "B" / "deep" / f"{i}.bmp", noise(10 + i))
    a, b = (images.pixels for images in load_matched(tmp_path / "A", tmp_path / "B", size=(8, 8)))
    assert all(np.array_equal(a[i].transpose(1, 2, 0), noise(i)) for i in range(3))
    assert all(np.array_equal(b[i].transpose(1, 2, 0), noise(10 + i)) for i in range(3))


def test_names_without_a_partner_and_sizes_that_differ_are_listed(tmp_path):
    for i in range(20):
        save(tmp_path / "A" / f"{i:02d}.png", noise(i))
    for i in range(3, 21):
        save(tmp_path / "B" / f"{i:02d}.png", noise(i))
    with pytest.raises(UserError, match=r"these have no partner of their name in .*: 00, 01, 02, 20$"):
        load_matched(tmp_path / "A", tmp_path / "B", size=(8, 8))
    for name in ("00", "01", "02"):
        save(tmp_path / "B" / f"{name}.png", noise(0, width=9))
    (tmp_path / "B" / "20.png").unlink()
    with pytest.raises(UserError, match=r"differ in size: 00 \(\(8, 8\) and \(9, 8\)\), 01 .*, 02 "):
        load_matched(tmp_path / "A", tmp_path / "B", size=(8, 8))
    (tmp_path / "A" / "00.png").unlink()
    for path in (tmp_path / "B").iterdir():
        path.rename(path.with_name(f"x{path.name}"))
    with pytest.raises(UserError, match=r", and 29 more$"):
        load_matched(tmp_path / "A", tmp_path / "B", size=(8, 8))


def test_a_partner_must_be_certain(tmp_path):
    for name in ("A/1.png", "B/1.png", "B/1.bmp"):
        save(tmp_path / name, noise(0))
    with pytest.raises(UserError, match=r"there is another image of its name.*: .*B/1\.bmp$"):
        load_matched(tmp_path / "A", tmp_path / "B", size=(8, 8))
    with pytest.raises(UserError, match="A is given for both images"):
        load_matched(tmp_path / "A", tmp_path / "A", size=(8, 8))


def test_every_fault_of_a_folder_has_its_sentence(tmp_path):
    with pytest.raises(UserError, match="gone does not exist"):
        load_pairs(tmp_path / "gone", size=(8, 8))
    with pytest.raises(UserError, match="there is no image in"):
        load_pairs(tmp_path, size=(8, 8))
    save(tmp_path / "odd.png", noise(0, width=9))
    with pytest.raises(UserError, match=r"odd\.png: it is 9 pixels wide, which cannot be halved"):
        load_pairs(tmp_path, size=(8, 8))
    save(tmp_path / "odd.png", noise(0, height=16, width=16))
    with pytest.raises(UserError, match=r"odd\.png: it is 16 pixels wide and 16 high, which is no pair side by side"):
        load_pairs(tmp_path, size=(8, 8))
    (tmp_path / "odd.png").write_text("no image")
    with pytest.raises(UserError, match=r"odd\.png cannot be used"):
        load_pairs(tmp_path, size=(8, 8))
