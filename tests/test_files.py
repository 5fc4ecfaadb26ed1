from __future__ import annotations

import os
import stat

import pytest

from jgan.errors import UserError
from jgan.files import making_folder, replacing, write_bytes


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "f"
    write_bytes(path, b"old")
    with replacing(path) as file:
        file.write(b"new and longer")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new and longer"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("error", [RuntimeError("while writing"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "f"
    write_bytes(path, b"old")
    with pytest.raises(type(error)), replacing(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["f"]


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_bytes(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*f: No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["f"]


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"cannot write .*gone/f: No such file"):
        write_bytes(tmp_path / "gone" / "f", b"")


def test_a_folder_in_the_way_is_a_sentence(tmp_path):
    (tmp_path / "f" / "inside").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot write"):
        write_bytes(tmp_path / "f", b"")
    assert os.listdir(tmp_path) == ["f"]


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    old = os.umask(0o027)
    try:
        write_bytes(tmp_path / "f", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_appears_whole(tmp_path, exists):
    path = tmp_path / "f"
    if exists:
        path.mkdir()
    with making_folder(path) as folder:
        (folder / "inside").write_bytes(b"")
        assert path.exists() == exists and not (path / "inside").exists()
    assert os.listdir(tmp_path) == ["f"] and os.listdir(path) == ["inside"]
    plain = tmp_path / "plain"
    plain.mkdir()
    assert path.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError(), KeyboardInterrupt(), UserError("no")])
def test_a_folder_that_is_not_completed_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), making_folder(tmp_path / "f") as folder:
        (folder / "inside").write_bytes(b"")
        raise error
    assert os.listdir(tmp_path) == []


def test_the_folders_above_a_folder_are_made_for_it_alone(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(RuntimeError), making_folder(tmp_path / "there" / "a" / "b" / "c"):
        raise RuntimeError
    assert os.listdir(tmp_path) == ["there"] and os.listdir(tmp_path / "there") == []
    with making_folder(tmp_path / "there" / "a" / "b" / "c") as folder:
        (folder / "inside").write_bytes(b"")
    assert os.listdir(tmp_path / "there" / "a" / "b") == ["c"]


def test_a_folder_in_use_is_refused_and_stays(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "mine").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    for path, sentence in (("f", "holds something"), ("file", "file is a file"), ("file/f", "file is a file")):
        with pytest.raises(UserError, match=sentence), making_folder(tmp_path / path):
            raise AssertionError("it was begun")
    assert os.listdir(tmp_path / "f") == ["mine"] and sorted(os.listdir(tmp_path)) == ["f", "file"]


def test_a_folder_that_fills_the_disk_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"cannot make the folder .*: No space left"), making_folder(tmp_path / "f"):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []
