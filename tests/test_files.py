from __future__ import annotations

import os
import stat

import pytest

from jgan.errors import UserError
from jgan.files import replacing, write_bytes


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
