from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from jgan.warmup.archive import archive_faults, write_archive


def png(mode="L", size=(352, 32), kind="PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


def test_the_archive_holds_the_two_files_and_is_the_same_each_time(tmp_path):
    for name in ("a.zip", "b.zip"):
        write_archive(tmp_path / name, png(), "print('数字')\n")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["result/result.png", "result/CGAN.py"]
        assert archive.read("result/result.png") == png()
        assert archive.read("result/CGAN.py").decode() == "print('数字')\n"
    assert archive_faults(tmp_path / "a.zip") == []


@pytest.mark.parametrize(
    ("files", "faults"),
    [
        (
            {"result.png": png(), "result/CGAN.py": b""},
            ["it holds no result/result.png", "it holds result.png, and only"],
        ),
        ({"result/result.png": png()}, ["it holds no result/CGAN.py"]),
        ({"result/": b"", "result/result.png": png(), "result/CGAN.py": b""}, []),
        ({"result/result.png": png("RGB"), "result/CGAN.py": b""}, ["mode RGB, not L"]),
        ({"result/result.png": png("LA"), "result/CGAN.py": b""}, ["mode LA, not L"]),
        ({"result/result.png": png("1"), "result/CGAN.py": b""}, ["mode 1, not L"]),
        ({"result/result.png": png(kind="BMP"), "result/CGAN.py": b""}, ["is BMP, not PNG"]),
        (
            {"result/result.png": png(size=(407, 42)), "result/CGAN.py": b""},
            ["42 pixels high, not 32", "407 pixels wide"],
        ),
        ({"result/result.png": png()[:-40], "result/CGAN.py": b""}, ["no image that can be read"]),
        ({"result/result.png": png(), "result/CGAN.py": b"print 1"}, ["CGAN.py is not Python that can be run"]),
        ({"result/result.png": png(), "result/CGAN.py": b"\0"}, ["CGAN.py is not Python that can be run"]),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(tmp_path, files, faults):
    with zipfile.ZipFile(tmp_path / "result.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    found = archive_faults(tmp_path / "result.zip")
    assert len(found) == len(faults) and all(fault in sentence for fault, sentence in zip(faults, found)), found


def test_a_file_that_is_no_archive_is_said(tmp_path):
    (tmp_path / "result.zip").write_bytes(b"Rar!")
    assert "no zip file that can be read" in archive_faults(tmp_path / "result.zip")[0]
