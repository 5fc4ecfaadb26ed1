"""Which judge scores the images of a program: the one it is given, or the shipped one of the data set."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from jgan.cli.options import WEIGHTS
from jgan.errors import UserError
from jgan.weights.arrays import load_header


def find_judge(given: str | None, dataset: str, *, channels: int, classes: tuple[str, ...] = ()) -> Path | None:
    """The weights file of the judge for images of so many channels and, if they have any, these classes.

    None if no judge was given and the data set has none that can read such images. Raises UserError if the one that was
    given is not there, is no judge, or cannot.
    """
    if given is None:
        shipped = WEIGHTS / f"classifier_{dataset}.safetensors"
        return shipped if _fault(shipped, channels, classes) is None else None
    fault = _fault(Path(given), channels, classes)
    if fault is not None:
        raise UserError(f"{fault}; give another judge, or train one with train_classifier.py")
    return Path(given)


def checksum(path: Path) -> str:
    """What tells one judge from another."""
    return f"crc32 {zlib.crc32(path.read_bytes()):08x}"


def _fault(path: Path, channels: int, classes: tuple[str, ...]) -> str | None:
    """Why the file cannot judge such images; None if it can."""
    if os.path.isdir(path):
        return f"the judge {path} is a folder, not a file such as classifier.safetensors"
    if not os.path.isfile(path):
        return f"there is no judge {path}"
    header = load_header(path)
    if header.get("model") != "classifier.Classifier":
        return f"{path} holds {header.get('model') or 'the state of a run'}, which is no judge"
    if classes and classes != tuple(header.get("classes", ())):
        return (
            f"{path} tells apart the classes {', '.join(header.get('classes', ()))}, and the images to judge are of "
            f"{', '.join(classes)}"
        )
    if channels > header["options"]["channels"]:
        return f"{path} reads grey images, and those to judge are coloured"
    return None
