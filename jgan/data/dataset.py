"""What is trained on: pixels, perhaps labels, and the names of the classes."""

from __future__ import annotations

import dataclasses
import errno
import os
import tempfile
import zlib

import numpy as np

from jgan import memory
from jgan.data.label_maps import one_hot
from jgan.errors import UserError
from jgan.images import from_pixels

MEMORY_LIMIT = 4 * 2**30  # bytes of decoded pixels; more of them lie in a temporary file


@dataclasses.dataclass(frozen=True)
class Images:
    """A data set of images of one size.

    pixels: uint8 (N, C, H, W), perhaps read-only. labels: int32 (N,) in 0 .. len(classes)-1, or None for images without
    classes. classes: the name of each label. label_classes: None, or of how many classes the pixels are the numbers; C
    is 1 then.
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    label_classes: int | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, places: np.ndarray) -> np.ndarray:
        """The images at these places as a network takes them: see `encoded`."""
        return self.encode(self.pixels[places])

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels of such images as a network takes them: see `encoded`."""
        return encoded(pixels, self.label_classes)


def encoded(pixels: np.ndarray, label_classes: int | None) -> np.ndarray:
    """Pixels uint8 (N, C, H, W) as float32 in [-1, 1]; those of label maps one-hot, (N, label_classes, H, W)."""
    return from_pixels(pixels) if label_classes is None else one_hot(pixels, label_classes)


def held_out(data: Images) -> list[Images]:
    """Two data sets of one: nine of ten images of each class in their order, and every tenth, at least one of each.

    Raises UserError for a class of a single image.
    """
    to_test = np.zeros(len(data), bool)
    for label, name in enumerate(data.classes):
        places = np.flatnonzero(data.labels == label)
        if len(places) < 2:
            raise UserError(f"the class {name} has one image; at least one to train on and one to test by are needed")
        to_test[places[-1::-10]] = True
    return [Images(data.pixels[chosen], data.labels[chosen], data.classes) for chosen in (~to_test, to_test)]


def fingerprint(*data_sets: Images) -> dict:
    """What tells data sets from others: {"data"}, and with labels {"data", "labels", "classes"}.

    "data" is the number of images and a checksum of all their pixels, "labels" a checksum of the labels.
    """
    checksum = 0
    for images in data_sets:
        for part in range(0, len(images), 1000):
            checksum = zlib.crc32(np.ascontiguousarray(images.pixels[part : part + 1000]), checksum)
    found = {"data": f"{' + '.join(str(len(images)) for images in data_sets)} images, crc32 {checksum:08x}"}
    for images in data_sets:
        if images.labels is not None:
            labels = zlib.crc32(np.ascontiguousarray(images.labels, dtype="<i4"))
            found.update(labels=f"crc32 {labels:08x}", classes=list(images.classes))
    return found


def allocate_pixels(shape: tuple[int, ...]) -> np.ndarray:
    """Room for uint8 pixels of this shape: in memory up to MEMORY_LIMIT, above it in a file that ends with the program.

    Raises UserError if there is no room for them.
    """
    n_bytes = int(np.prod(shape, dtype=object))
    if n_bytes <= MEMORY_LIMIT:
        memory.require(n_bytes, f"images of {shape[-2]} x {shape[-1]} pixels")
        return np.empty(shape, np.uint8)
    folder = tempfile.gettempdir()
    disk = os.statvfs(folder)
    room = disk.f_bavail * disk.f_frsize
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the array keeps it open)
    try:
        if n_bytes > room:  # posix_fallocate would fill the disk first, and fail then
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"the {shape[0]} images take {memory.readable(n_bytes)} decoded at {shape[-2]} x {shape[-1]}, and "
            f"{folder} has room for {memory.readable(room)} ({getattr(error, 'strerror', error)}); "
            "choose a smaller img_size, or set TMPDIR to another folder"
        ) from None
    return np.memmap(file, np.uint8, "r+", shape=shape)
