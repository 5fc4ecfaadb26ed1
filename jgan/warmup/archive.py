"""The archive to upload for the warm-up: written, and held to what the organisers ask for."""

from __future__ import annotations

import ast
import io
import zipfile
from pathlib import Path

from PIL import Image

from jgan.files import write_bytes
from jgan.warmup.digits import SIZE

IMAGE, PROGRAM = "result/result.png", "result/CGAN.py"


def write_archive(path: str | Path, png: bytes, program: str) -> None:
    """Write the archive to upload, see `archive_bytes`."""
    write_bytes(path, archive_bytes(png, program))


def archive_bytes(png: bytes, program: str) -> bytes:
    """The archive to upload: result/result.png and result/CGAN.py. Equal contents give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((IMAGE, png), (PROGRAM, program.encode())):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def archive_faults(path: str | Path) -> list[str]:
    """What is wrong with an archive, a sentence each; [] if it can be uploaded.

    It holds an image of 8-bit grey, SIZE high and SIZE wide for each digit, and a program in Python; nothing else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            content = {name: archive.read(name) for name in (IMAGE, PROGRAM) if name in names}
    except Exception as error:  # zipfile raises whatever it stumbles over
        return [f"it is no zip file that can be read ({error})"]
    faults = [f"it holds no {name}" for name in (IMAGE, PROGRAM) if name not in names]
    faults += [f"it holds {name}, and only {IMAGE} and {PROGRAM} belong in it" for name in names if name not in content]
    if IMAGE in content:
        faults += _image_faults(content[IMAGE])
    if PROGRAM in content:
        try:
            ast.parse(content[PROGRAM])
        except (SyntaxError, ValueError) as error:
            faults.append(f"{PROGRAM} is not Python that can be run ({error})")
    return faults


def _image_faults(png: bytes) -> list[str]:
    try:
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            kind, mode, (width, height) = image.format, image.mode, image.size
    except Exception as error:  # Pillow raises whatever it stumbles over
        return [f"{IMAGE} is no image that can be read ({error})"]
    faults = []
    if kind != "PNG":
        faults.append(f"{IMAGE} is {kind}, not PNG")
    if mode != "L":
        faults.append(f"{IMAGE} is of Pillow's mode {mode}, not L: 8-bit grey without transparency")
    if height != SIZE:
        faults.append(f"{IMAGE} is {height} pixels high, not {SIZE}")
    if width % SIZE:
        faults.append(f"{IMAGE} is {width} pixels wide, which is not {SIZE} for each digit")
    return faults
