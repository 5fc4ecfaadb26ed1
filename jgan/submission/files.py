"""What would be published of a folder, and what of it should not be: numbers, pickles, large files, the strip."""

from __future__ import annotations

import io
import os
import pickletools
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from jgan.errors import UserError
from jgan.submission.privacy import masked, private_numbers

LARGEST = 100 * 10**6  # bytes: what the usual hosts take
PICKLES = (".pkl", ".pickle", ".pth", ".pt")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
STRIPS = (11, 14)  # digits of a number, and so the width of its picture beside its height


class Finding(NamedTuple):
    """Something that should be put right before a folder is published."""

    file: str
    line: int | None  # None for what concerns a whole file
    sentence: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, line {self.line}"
        return masked(f"{where}: {self.sentence}").encode("utf-8", "backslashreplace").decode()


def published_files(folder: Path) -> list[str]:
    """The files of a folder, sorted, by their paths within: those that git tracks if it is a repository, else all."""
    if not (folder / ".git").exists():
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    try:
        done = subprocess.run(["git", "-C", folder, "ls-files", "-z"], capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError(f"{folder} is a git repository, and there is no git to ask which files it tracks") from None
    if done.returncode:
        raise UserError(f"git cannot say which files it tracks in {folder}: {os.fsdecode(done.stderr).strip()}")
    tracked = os.fsdecode(done.stdout).split("\0")
    return sorted(name for name in set(tracked) if name and (folder / name).is_file())


def file_findings(folder: Path, name: str) -> Iterator[Finding]:
    """What should not be published of a file, whatever it is."""
    for _, n_digits in private_numbers(name):
        yield Finding(name, None, f"its name has a number of {n_digits} digits in it; rename it")
    path = folder / name
    try:
        n_bytes = path.stat().st_size
        if n_bytes > LARGEST:
            sizes = f"it has {n_bytes / 10**6:.1f} MB, and no more than {LARGEST / 10**6:.0f} MB"
            yield Finding(name, None, f"{sizes} can be pushed")
            return
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    for member, content in _contents(data):
        within = "" if member is None else f"{member} in it: "
        for sentence in _kind_faults(member or name, content):
            yield Finding(name, None, within + sentence)
        is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = content.decode("utf-16" if is_utf16 else "utf-8", "replace")
        for place, n_digits in private_numbers(text):
            line = None if member is not None or "\0" in text else text.count("\n", 0, place) + 1
            yield Finding(name, line, f"{within}a number of {n_digits} digits, perhaps somebody's own; take it out")


def _contents(data: bytes) -> Iterator[tuple[str | None, bytes]]:
    """(None, the content of a file), and of a zip file also (name, content) of all that it holds."""
    yield None, data
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.is_dir() and entry.file_size <= LARGEST:
                    yield entry.filename, archive.read(entry)
    except Exception:  # zipfile raises whatever it stumbles over; what cannot be read is not looked into
        return


def _kind_faults(name: str, content: bytes) -> Iterator[str]:
    suffix = Path(name).suffix.lower()
    if suffix in PICKLES:
        yield f"{suffix} is the name of a pickle, which runs code where it is loaded; keep weights as safetensors"
    elif _is_pickle(content):
        yield "it is a pickle, which runs code where it is loaded; keep weights as safetensors"
    if suffix in IMAGES and _shape(content) in STRIPS:
        yield f"it is {_shape(content):.0f} times as wide as high, as the picture of a number is; keep that out of here"


def _is_pickle(content: bytes) -> bool:
    """Whether the bytes begin with a whole pickle, or, in the old protocols, which have no magic number, are one."""
    n_opcodes = 0
    try:
        for opcode, _, place in pickletools.genops(content):
            n_opcodes += 1
            if opcode.name == "STOP":
                return content[:1] == b"\x80" or (n_opcodes > 1 and place == len(content) - 1)
    except Exception:  # pickletools raises whatever it stumbles over
        pass
    return False


def _shape(content: bytes) -> float | None:
    """The width of an image over its height; None if it is none."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.width / image.height
    except Exception:  # Pillow raises whatever it stumbles over
        return None
