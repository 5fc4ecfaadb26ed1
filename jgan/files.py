"""Writing files and folders so that nobody ever sees half of one."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from jgan.errors import UserError


@contextmanager
def replacing(path: str | Path):
    """Yield a binary file that takes the place of `path` once it is complete and on the disk.

    On any error `path` stays as it was and nothing is left beside it. Raises UserError where the folder does not exist
    or can't be written.
    """
    path = Path(path)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror} ({path.parent})") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise UserError(f"cannot write {path}: {error.strerror}") from None
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def making_folder(path: str | Path):
    """Yield an empty folder that is renamed to `path` once it is complete; those above it are made.

    On any error nothing is left of them. Raises UserError if `path` holds something already, is a file, or can't be
    made.
    """
    path = Path(path)
    require_no_file_at(path)
    above = [each for each in path.absolute().parents if not each.exists()]
    try:
        if path.exists() and any(path.iterdir()):
            raise UserError(f"{path} already holds something; choose a folder that is empty or does not exist")
        with ExitStack() as undoing:
            for each in reversed(above):
                undoing.callback(_remove_empty, each)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
            undoing.callback(shutil.rmtree, temporary, ignore_errors=True)
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            temporary.rename(path)
            undoing.pop_all()
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror or error}") from None


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def remove_partial(folder: str | Path) -> None:
    """Remove what processes that were killed while they wrote (see `replacing`) have left in a folder.

    None may be writing there now.
    """
    for path in Path(folder).glob(".*"):
        if re.fullmatch(r"\..+\.(json|jsonl|png|gif|html|safetensors)\.[a-z0-9_]{8}", path.name):
            path.unlink(missing_ok=True)


def require_no_file_at(folder: Path) -> None:
    """UserError if a folder cannot be made, because a file is in its place or in that of one above it."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UserError(f"cannot make the folder {folder}: {there} is a file")


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless it is there; UserError if it cannot be made, or written into."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror}") from None
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise UserError(f"cannot write into the folder {path}: {error.strerror}") from None


def write_bytes(path: str | Path, data: bytes) -> None:
    """Put `data` in the place of `path`, whole or not at all (see `replacing`)."""
    with replacing(path) as file:
        file.write(data)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
