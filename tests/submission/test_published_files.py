from __future__ import annotations

import pickle
import subprocess
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan.errors import UserError
from jgan.submission import files
from jgan.submission.files import file_findings, published_files

PHONE = "13800138000"


def found(folder, name="file"):
    return [str(finding) for finding in file_findings(folder, name)]


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_known_by_its_content_in_every_protocol(tmp_path, protocol):
    (tmp_path / "file").write_bytes(pickle.dumps({"weight": np.zeros(3), "text": "a"}, protocol=protocol))
    (sentence,) = found(tmp_path)
    assert sentence.startswith("file: it is a pickle")


def test_a_pickle_with_more_after_it_is_known(tmp_path):
    (tmp_path / "file").write_bytes(pickle.dumps({"a": 1}, protocol=2) + bytes(range(256)))  # as old PyTorch wrote
    assert found(tmp_path)[0].startswith("file: it is a pickle")


def test_a_pickle_is_known_by_its_name_and_within_an_archive(tmp_path):
    for name in ("a.pkl", "B.PTH", "c.pt"):
        (tmp_path / name).write_bytes(b"")
        assert "is the name of a pickle" in found(tmp_path, name)[0]
    with zipfile.ZipFile(tmp_path / "weights.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
        archive.writestr("archive/other", pickle.dumps([1]))
    first, second = found(tmp_path, "weights.ckpt")
    assert "weights.ckpt: archive/data.pkl in it: .pkl is the name of a pickle" in first
    assert "weights.ckpt: archive/other in it: it is a pickle" in second


def test_other_files_are_no_pickles(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    Image.new("L", (352, 320)).save(tmp_path / "b.png")
    for name, content in (("c.txt", b"."), ("d.txt", b"(dp0\nand more"), ("e.bin", b"\x80\x02\0\0"), ("f.txt", b"")):
        (tmp_path / name).write_bytes(content)
    assert [found(tmp_path, path.name) for path in tmp_path.iterdir()] == [[]] * 6


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (f"a\nnumber = '{PHONE}'\n".encode(), "file, line 2: a number of 11 digits"),
        (b"\0\1" + PHONE.encode(), "file: a number of 11 digits"),
        (f"号码\r\n{PHONE}".encode("utf-16"), "file, line 2: a number of 11 digits"),
    ],
)
def test_a_number_is_found_and_not_shown(tmp_path, content, where):
    (tmp_path / "file").write_bytes(content)
    (sentence,) = found(tmp_path)
    assert sentence.startswith(where) and PHONE not in sentence


def test_a_number_in_a_name_or_an_archive_is_found_and_not_shown(tmp_path):
    name = f"result_{PHONE}.zip"
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CGAN.py", f"number = '{PHONE}'")
    first, second = found(tmp_path, name)
    assert first.startswith("result_1**********.zip: its name has a number of 11 digits in it")
    assert second.startswith("result_1**********.zip: CGAN.py in it: a number of 11 digits")


@pytest.mark.parametrize(("size", "n_found"), [((352, 32), 1), ((896, 64), 1), ((320, 32), 0), ((32, 32), 0)])
def test_the_picture_of_a_number_is_found(tmp_path, size, n_found):
    Image.new("L", size).save(tmp_path / "a.png")
    assert len(found(tmp_path, "a.png")) == n_found


def test_a_large_file_is_found_without_reading_it(tmp_path, monkeypatch):
    with open(tmp_path / "file", "wb") as file:
        file.truncate(100 * 10**6 + 10**5)
    assert found(tmp_path) == ["file: it has 100.1 MB, and no more than 100 MB can be pushed"]
    monkeypatch.setattr(files, "LARGEST", 2 * 10**6)
    too_large = ["file: it has 2.1 MB, and no more than 2 MB can be pushed"]
    for n_bytes, sentences in ((2 * 10**6, []), (2 * 10**6 + 10**5, too_large)):
        (tmp_path / "file").write_bytes(bytes(n_bytes))
        assert found(tmp_path) == sentences


def test_of_a_git_repository_the_tracked_files_are_published_of_others_all(tmp_path):
    for name in ("a.txt", "图/b.txt", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert published_files(tmp_path) == ["a.txt", "c.txt", "图/b.txt"]
    for command in (["init", "-q"], ["add", "a.txt", "图"], ["rm", "-q", "--cached", "a.txt"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    assert published_files(tmp_path) == ["图/b.txt"]


def test_a_repository_that_git_cannot_read_is_a_sentence(tmp_path):
    (tmp_path / ".git").write_text("gitdir: /gone")
    with pytest.raises(UserError, match="git cannot say which files it tracks"):
        published_files(tmp_path)
